package watch

import (
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// refusals notices a customer whose information is asked for again and again, in several contacts, and refused.
//
// cite: P-16, P-37, 47 CFR 64.2010(a)
var refusals = Detector{Name: "refusals", Code: "REFUSALS", Says: "Requests about one customer were refused again and again.",
	see: func(s *sight, e Event) (*finding, error) {
		if e.Kind != ledger.Decision || e.Outcome == cpni.Permit || e.Contact == "" || e.Customer == "" {
			return nil, nil
		}
		n := s.numbers(e.At)
		since, err := s.since("refusals", string(e.Customer), e.At.Add(-n.RefusalsWithin))
		if err != nil {
			return nil, err
		}
		rows, err := s.tx.Query(s.ctx, "SELECT seq, contact FROM watch_entry WHERE customer_id = $1 AND at >= $2 AND at <= $3 AND kind = 'decision' AND outcome <> 'permit' AND contact <> '' ORDER BY at DESC, seq DESC LIMIT $4",
			string(e.Customer), since.UnixMicro(), e.At.UnixMicro(), mostLooked)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		f := &finding{Subject: string(e.Customer), Customer: e.Customer}
		contacts := map[string]bool{}
		for rows.Next() {
			var seq int64
			var in string
			if err := rows.Scan(&seq, &in); err != nil {
				return nil, err
			}
			f.Evidence = append(f.Evidence, seq)
			contacts[in] = true
		}
		if err := rows.Err(); err != nil || len(f.Evidence) < n.Refusals || len(contacts) < n.RefusalContacts {
			return nil, err
		}
		return f, nil
	}}

// oneSecret notices one wrong secret that is tried on several customers. Which secret it is nobody learns from it.
//
// cite: P-37, I-18, 47 CFR 64.2010(a)
var oneSecret = Detector{Name: "one-secret", Code: "ONE_SECRET", Says: "One wrong secret was tried on several customers.",
	see: func(s *sight, e Event) (*finding, error) {
		if e.Kind != ledger.Attempt || e.Code != "BAD_SECRET" {
			return nil, nil
		}
		n := s.numbers(e.At)
		tag, tries, err := contact.Alike(s.ctx, s.tx, e.Customer, e.Contact, e.At, e.At.Add(-n.SecretWithin))
		if err != nil || tag == "" {
			return nil, err
		}
		since, err := s.since("one-secret", tag, e.At.Add(-n.SecretWithin))
		if err != nil {
			return nil, err
		}
		f := &finding{Subject: tag}
		of := map[cpni.ID]bool{}
		for _, t := range tries {
			if t.At.Before(since) {
				continue
			}
			found, err := s.places("SELECT seq FROM watch_entry WHERE customer_id = $1 AND at = $2 AND contact = $3 AND kind = 'attempt'", string(t.Customer), t.At.UnixMicro(), t.Contact)
			if err != nil {
				return nil, err
			}
			if len(found) > 0 {
				of[t.Customer] = true
				f.Evidence = append(f.Evidence, found...)
			}
		}
		if len(of) < n.SecretCustomers {
			return nil, nil
		}
		return f, nil
	}}

// pretexts are alerts that are raised where attempts are counted. Watch makes their cases.
var pretexts = Detector{Name: "pretext", Code: contact.Pretext, Says: "Somebody tries again and again to pass for a customer."}
