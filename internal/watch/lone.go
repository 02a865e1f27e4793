package watch

import (
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

const opened = contact.Opened

// What look-ups are of, as their entries have it.
const (
	Card    = "card"    // a customer's card
	List    = "list"    // a customer among others that a search has found
	Records = "records" // what is on record about a customer
)

// loneLookUps notices who looks at cards of customers with whom they have no contact. It is about those whose work is
// contacts: who mends bills, looks into fraud or reads for the inspector opens cards without one.
//
// cite: P-37, P-42, 47 CFR 64.2010(a)
var loneLookUps = Detector{Name: "no-contact", Code: "LOOKUPS", Says: "Cards were looked at without a contact with the customer.",
	see: func(s *sight, e Event) (*finding, error) {
		if e.Kind != ledger.Lookup || e.Purpose != Card || !servesCallers(e) {
			return nil, nil
		}
		return nil, s.later(e, e.At.Add(s.numbers(e.At).Grace), "no-contact")
	},
	due: func(s *sight, e Event) (*finding, error) {
		n := s.numbers(e.At)
		with, err := s.inContact(e, n)
		if err != nil || with {
			return nil, err
		}
		if _, err := s.tx.Exec(s.ctx, "UPDATE watch_entry SET lone = 1 WHERE seq = $1", e.Seq); err != nil {
			return nil, err
		}
		week, err := s.since("no-contact", e.Actor, e.At.Add(-7*24*time.Hour))
		if err != nil {
			return nil, err
		}
		lone, err := s.touches(e.Actor, week, e.At, e.Seq, n.LonePerWeek, true)
		if err != nil {
			return nil, err
		}
		var today []touch
		for _, t := range lone {
			if s.day(t.at) == s.day(e.At) {
				today = append(today, t)
			}
		}
		if customers(today) < n.LonePerDay && customers(lone) < n.LonePerWeek {
			return nil, nil
		}
		return &finding{Subject: e.Actor, Member: cpni.ID(e.Actor), Evidence: seqs(lone)}, nil
	}}

// servesCallers reports whether the event is by one whose work is contacts and nothing else.
func servesCallers(e Event) bool {
	return e.Person != nil && (e.Person.Role == cpni.RoleAgent || e.Person.Role == cpni.RoleSupervisor)
}

// inContact reports whether a person had, or soon after had, a contact with the customer whom they looked up.
func (s *sight) inContact(e Event, n Numbers) (bool, error) {
	var some int
	err := s.tx.QueryRow(s.ctx, "SELECT count(*) FROM watch_entry WHERE actor = $1 AND at >= $2 AND at <= $3 AND customer_id = $4 AND kind = 'contact'"+touched,
		e.Actor, e.At.Add(-n.Longest).UnixMicro(), e.At.Add(n.Grace).UnixMicro(), string(e.Customer)).Scan(&some)
	return some > 0, err
}
