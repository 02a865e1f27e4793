package watch

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// kin notices who opens their own account, or a colleague's without that the colleague is in contact: no contact came with
// the look-up, or nothing was proved in the contact.
//
// cite: P-37, 47 CFR 64.2010(a)
var kin = Detector{Name: "colleague", Code: "COLLEAGUE", Says: "Somebody opened their own account or a colleague's.",
	see: func(s *sight, e Event) (*finding, error) {
		if !e.touches() {
			return nil, nil
		}
		of, err := s.staffWho(e.Customer)
		if err != nil || len(of) == 0 {
			return nil, err
		}
		for _, id := range of {
			if id == e.Person.ID {
				return &finding{Subject: e.Actor + " " + e.Actor, Member: id, Customer: e.Customer, Evidence: []int64{e.Seq}}, nil
			}
		}
		return nil, s.later(e, e.At.Add(s.numbers(e.At).Grace), "colleague")
	},
	due: func(s *sight, e Event) (*finding, error) {
		of, err := s.staffWho(e.Customer)
		if err != nil || len(of) == 0 || e.Person == nil {
			return nil, err
		}
		f := &finding{Subject: e.Actor + " " + string(of[0]), Member: e.Person.ID, Customer: e.Customer, Evidence: []int64{e.Seq}}
		if e.Kind == ledger.Lookup {
			with, err := s.inContact(e, s.numbers(e.At))
			if err != nil || with {
				return nil, err
			}
			return f, nil
		}
		var proofs int
		err = s.tx.QueryRow(s.ctx, "SELECT count(*) FROM watch_entry WHERE customer_id = $1 AND at >= $2 AND contact = $3 AND kind = 'attempt' AND outcome = 'ok'",
			string(e.Customer), e.At.UnixMicro(), e.Contact).Scan(&proofs)
		if err != nil || proofs > 0 {
			return nil, err
		}
		return f, nil
	}}

// staffWho gives the members of the staff who are this customer.
func (s *sight) staffWho(customer cpni.ID) ([]cpni.ID, error) {
	rows, err := s.tx.Query(s.ctx, "SELECT staff_id FROM watch_kin WHERE token = $1 ORDER BY staff_id", s.w.kinToken(customer))
	if err != nil {
		return nil, fmt.Errorf("looking whether a customer is a colleague: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
}

// kinToken is what is kept of a customer who is a member of the staff: without the key it leads to nobody.
func (w *Watch) kinToken(customer cpni.ID) []byte {
	return w.parts.Vault.BlindIndex("staff who is a customer", string(customer))
}

// SetKin notes that a member of the staff is a customer as well, or takes it back.
//
// cite: P-37, 47 CFR 64.2010(a)
func (w *Watch) SetKin(ctx context.Context, member, customer cpni.ID, on bool, by string) error {
	if _, _, err := w.parts.Staff.Recent(ctx, member); err != nil {
		return err
	}
	if _, _, err := w.parts.Customers.Get(ctx, customer); err != nil {
		return err
	}
	what, query := "member noted as a customer", "INSERT INTO watch_kin (staff_id, token) VALUES ($1, $2) ON CONFLICT DO NOTHING"
	if !on {
		what, query = "member no longer noted as a customer", "DELETE FROM watch_kin WHERE staff_id = $1 AND token = $2"
	}
	return w.administer(ctx, by, map[string]string{"what": what, "member": string(member)}, query, string(member), w.kinToken(customer))
}

// Kin gives of how many customers each member is known to be one.
func (w *Watch) Kin(ctx context.Context) (map[cpni.ID]int, error) {
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT staff_id, count(*) FROM watch_kin GROUP BY staff_id")
	if err != nil {
		return nil, fmt.Errorf("reading which members are customers: %w", err)
	}
	defer rows.Close()
	all := map[cpni.ID]int{}
	for rows.Next() {
		var id cpni.ID
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		all[id] = n
	}
	return all, errors.Join(rows.Err(), rows.Close())
}
