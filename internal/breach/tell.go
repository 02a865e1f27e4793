package breach

import (
	"context"
	"fmt"

	"ringfence/internal/cpni"
)

// Tell has the customers of an incident told, from now on and in the background. Before the hold ends it is refused, and that somebody tried is on
// record and an alert.
//
// cite: P-47, P-48, I-08, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(c)
func (d *Desk) Tell(ctx context.Context, id cpni.ID, a Act) (*Incident, error) {
	var refusal *cpni.Refusal
	i, err := d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if refusal = d.refuses(m.clocks()); refusal != nil {
			if _, err := m.note(Refused, Event{Code: refusal.Code}); err != nil {
				return err
			}
			return m.alert(HoldTried, "somebody tried to have customers told before they may be")
		}
		return m.begin()
	})
	if err == nil && refusal != nil {
		return i, refusal
	}
	return i, err
}

// begin begins the telling, or goes on with it.
func (m *moved) begin() error {
	switch {
	case m.i.Set == 0:
		return lacks("there is nobody in the set who could be told", []string{"P-47", "P-52", "47 CFR 64.2011(c)"}, "find the customers by a trace, or put them in by hand")
	case m.i.TellingBy != "" && !m.i.Paused && m.i.ToldAll.IsZero():
		return wrongState("they are being told already", "look at how far it has come")
	}
	var left int
	if err := m.tx.QueryRow(m.ctx, "SELECT count(*) FROM incident_customer WHERE incident_id = $1 AND state = $2", string(m.i.ID), IsIn).Scan(&left); err != nil {
		return fmt.Errorf("counting whom to tell: %w", err)
	}
	if left == 0 {
		return wrongState("everybody in the set has been told, or is about to be", "look at those whom no message reached")
	}
	_, err := m.tx.Exec(m.ctx, `INSERT INTO incident_work (incident_id, place, planned, expected, state, claim, claimed) VALUES ($1, '', 0, $2, 'running', '', 0)
		ON CONFLICT (incident_id) DO UPDATE SET place = '', expected = incident_work.planned + $2, state = 'running', claim = '', claimed = 0`, string(m.i.ID), left)
	if err != nil {
		return fmt.Errorf("beginning to tell customers: %w", err)
	}
	_, err = m.note(Telling, Event{Count: left})
	return err
}
