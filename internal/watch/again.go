package watch

import (
	"errors"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/vault"
)

// againAndAgain notices a person who comes back to one customer day after day. A business customer's own representative
// does so by contract.
//
// cite: P-37, 47 CFR 64.2010(a)
var againAndAgain = Detector{Name: "again", Code: "AGAIN", Says: "The same person worked on the same customer again and again.",
	see: func(s *sight, e Event) (*finding, error) {
		if !e.touches() {
			return nil, nil
		}
		n := s.numbers(e.At)
		subject := e.Actor + " " + string(e.Customer)
		since, err := s.since("again", subject, e.At.Add(-n.AgainWithin))
		if err != nil {
			return nil, err
		}
		rows, err := s.tx.Query(s.ctx, "SELECT "+foundColumns+" FROM watch_entry WHERE customer_id = $1 AND at >= $2 AND at <= $3 AND actor = $4"+touched+" ORDER BY at DESC, seq DESC LIMIT $5",
			string(e.Customer), since.UnixMicro(), e.At.UnixMicro(), e.Actor, mostLooked)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		f := &finding{Subject: subject, Member: cpni.ID(e.Actor), Customer: e.Customer}
		days := map[int]bool{}
		visits, last := 0, time.Time{} // a card and the contact that it led to are one
		for rows.Next() {
			x, err := scanFound(rows.Scan)
			if err != nil {
				return nil, err
			}
			if days[s.day(x.At)] = true; last.IsZero() || last.Sub(x.At) > n.Grace {
				visits++
			}
			last = x.At
			f.Evidence = append(f.Evidence, x.Seq)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || visits < n.AgainContacts || len(days) < n.AgainDays {
			return nil, err
		}
		p, _, err := s.w.parts.Customers.Get(s.ctx, e.Customer)
		if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
			return f, nil
		}
		if err != nil || p.Business != nil && p.Business.DedicatedRepresentative == e.Actor {
			return nil, err
		}
		return f, nil
	}}
