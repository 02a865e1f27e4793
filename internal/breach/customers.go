package breach

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Affected is a customer whom an incident reached, and what has become of telling them.
type Affected struct {
	Customer cpni.ID
	Step     int     // of the history, by which they are in the set, or out of it
	Entry    cpni.ID // of the ledger, that shows it; "" put in by hand
	State    string
	Via      cpni.Via
	Message  cpni.ID
	Code     string
	At       time.Time
}

// The states of a customer of an incident.
const (
	IsIn      = "in"        // not told yet
	IsOut     = "out"       // was in the set, and was taken out of it
	IsPlanned = "planned"   // a message waits to go
	IsSent    = "sent"      // it has gone
	CameBack  = "came-back" // it did not arrive, and another form follows or somebody has to
	NoWay     = "no-way"    // there is nowhere to write to
	IsTold    = "told"      // by word, or otherwise than by a message of ours
)

// atOnce is how many customers one transaction puts into a set.
const atOnce = 500

// Put puts customers into the set by hand, with the reason. Whoever is in it already stays as they are.
//
// cite: P-52, 47 CFR 64.2011(d)
func (d *Desk) Put(ctx context.Context, id cpni.ID, a Act, customers []cpni.ID, reason string) (*Incident, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > longestText {
		return nil, errReason
	}
	if len(customers) == 0 || len(customers) > mostByHand {
		return nil, bad("no customer is named, or more than 10,000 at once", "name those whom it reached; many are found by a trace")
	}
	for _, c := range customers {
		if _, _, err := d.Customers.Get(ctx, c); err != nil && !errors.Is(err, vault.ErrForgotten) {
			if errors.Is(err, customer.ErrNoCustomer) {
				return nil, bad("one of them is no customer of ours", "look at the ids again; whoever is no customer counts in the number of people, not in the set")
			}
			return nil, err
		}
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		added := 0
		for _, c := range customers {
			n, err := m.put(c, "", len(m.i.History)+1)
			if err != nil {
				return err
			}
			added += n
		}
		_, err := m.note(Reached, Event{Reason: reason, Reach: &Reach{By: "hand", Added: added}, Count: m.i.Set + added})
		return err
	})
}

const mostByHand = 10_000

// put puts one customer into the set; 1: they were not in it.
func (m *moved) put(c, entry cpni.ID, step int) (int, error) {
	done, err := m.tx.Exec(m.ctx, `INSERT INTO incident_customer (customer_id, incident_id, step, entry_id, state, via, message_id, code, at) VALUES ($1, $2, $3, $4, $5, '', '', '', $6)
		ON CONFLICT (customer_id, incident_id) DO UPDATE SET state = $5, step = $3, at = $6 WHERE incident_customer.state = $7`,
		string(c), string(m.i.ID), step, string(entry), IsIn, m.now.UnixMicro(), IsOut)
	if err != nil {
		return 0, fmt.Errorf("putting a customer into the set: %w", err)
	}
	n, err := done.RowsAffected()
	return int(n), err
}

// Remove takes customers out of the set, with the reason: nobody who was told, or is about to be.
//
// cite: P-52, 47 CFR 64.2011(d)
func (d *Desk) Remove(ctx context.Context, id cpni.ID, a Act, customers []cpni.ID, reason string) (*Incident, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > longestText {
		return nil, errReason
	}
	if len(customers) == 0 || len(customers) > mostByHand {
		return nil, bad("no customer is named, or more than 10,000 at once", "name those whom it did not reach")
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		removed := 0
		for _, c := range customers {
			done, err := m.tx.Exec(ctx, "UPDATE incident_customer SET state = $1, step = $2, at = $3 WHERE customer_id = $4 AND incident_id = $5 AND state = $6",
				IsOut, len(m.i.History)+1, m.now.UnixMicro(), string(c), string(id), IsIn)
			if err != nil {
				return fmt.Errorf("taking a customer out of the set: %w", err)
			}
			n, err := done.RowsAffected()
			if err != nil {
				return err
			}
			removed += int(n)
		}
		if removed == 0 {
			return wrongState("none of them is in the set and still to be told", "look at the set again")
		}
		_, err := m.note(Reached, Event{Reason: reason, Reach: &Reach{By: "hand", Removed: removed}, Count: m.i.Set - removed})
		return err
	})
}

// Set lists customers of an incident in a state, by their ids, behind one; state "" all that are in it.
//
// cite: P-52, 47 CFR 64.2011(d)
func (d *Desk) Set(ctx context.Context, id, by cpni.ID, state string, after cpni.ID, most int) ([]Affected, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	return d.set(ctx, d.DB.Reader(), id, state, after, most)
}

func (d *Desk) set(ctx context.Context, q store.Querier, id cpni.ID, state string, after cpni.ID, most int) ([]Affected, error) {
	rows, err := q.Query(ctx, `SELECT customer_id, step, entry_id, state, via, message_id, code, at FROM incident_customer
		WHERE incident_id = $1 AND (state = $2 OR $2 = '' AND state <> $3) AND customer_id > $4 ORDER BY customer_id LIMIT $5`, string(id), state, IsOut, string(after), most)
	if err != nil {
		return nil, fmt.Errorf("reading the customers of an incident: %w", err)
	}
	defer rows.Close()
	var all []Affected
	for rows.Next() {
		var c Affected
		var at int64
		if err := rows.Scan(&c.Customer, &c.Step, &c.Entry, &c.State, &c.Via, &c.Message, &c.Code, &at); err != nil {
			return nil, fmt.Errorf("reading the customers of an incident: %w", err)
		}
		c.At = time.UnixMicro(at).UTC()
		all = append(all, c)
	}
	return all, rows.Err()
}

// Tally counts the customers of an incident by state.
//
// cite: P-47, P-49, 47 CFR 64.2011(c)
func (d *Desk) Tally(ctx context.Context, id, by cpni.ID) (map[string]int, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return nil, err
	}
	return d.tally(ctx, d.DB.Reader(), id)
}

func (d *Desk) tally(ctx context.Context, q store.Querier, id cpni.ID) (map[string]int, error) {
	rows, err := q.Query(ctx, "SELECT state, count(*) FROM incident_customer WHERE incident_id = $1 GROUP BY state", string(id))
	if err != nil {
		return nil, fmt.Errorf("counting the customers of an incident: %w", err)
	}
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var state string
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, fmt.Errorf("counting the customers of an incident: %w", err)
		}
		all[state] = n
	}
	return all, rows.Err()
}
