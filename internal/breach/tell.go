package breach

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/cpni"
)

// Tell has the customers of an incident told, from now on and in the background. Before the hold ends it is refused, and that somebody tried is on
// record and an alert. Once it has run, it begins again for those who were put in since, and for whom no address was found then.
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

// The states of the work.
const (
	workRuns   = "running"
	workPaused = "paused"
	workDone   = "done" // a message to everybody is planned, or there is no way
	workOver   = "over" // everybody is told
)

// begin begins the telling.
func (m *moved) begin() error {
	switch {
	case m.i.Set == 0:
		return lacks("there is nobody in the set who could be told", []string{"P-47", "P-52", "47 CFR 64.2011(c)"}, "find the customers by a trace, or put them in by hand")
	case m.i.Paused:
		return wrongState("the telling is paused", "let it go on")
	}
	var runs int
	if err := m.tx.QueryRow(m.ctx, "SELECT count(*) FROM incident_work WHERE incident_id = $1 AND state = $2", string(m.i.ID), workRuns).Scan(&runs); err != nil {
		return fmt.Errorf("looking whether customers are being told: %w", err)
	}
	if runs > 0 {
		return wrongState("they are being told already", "look at how far it has come; whoever is put into the set meanwhile is told too")
	}
	if err := m.worded(); err != nil {
		return err
	}
	if _, err := m.tx.Exec(m.ctx, "UPDATE incident_customer SET state = $1, code = '' WHERE incident_id = $2 AND state = $3 AND code = $4 AND message_id = ''", IsIn, string(m.i.ID), NoWay, NoPlace); err != nil {
		return fmt.Errorf("looking again for those without an address: %w", err)
	}
	left, err := m.left(IsIn)
	if err != nil {
		return err
	}
	if left == 0 {
		return wrongState("everybody in the set has been told, or is about to be", "look at those whom no message reached")
	}
	_, err = m.tx.Exec(m.ctx, `INSERT INTO incident_work (incident_id, place, planned, expected, state, claim, claimed) VALUES ($1, '', 0, $2, 'running', '', 0)
		ON CONFLICT (incident_id) DO UPDATE SET place = '', expected = incident_work.planned + $2, state = 'running', claim = '', claimed = 0`, string(m.i.ID), left)
	if err != nil {
		return fmt.Errorf("beginning to tell customers: %w", err)
	}
	_, err = m.note(Telling, Event{Count: left})
	return err
}

// left counts the customers in some states.
func (m *moved) left(states ...string) (n int, err error) {
	err = m.tx.QueryRow(m.ctx, "SELECT count(*) FROM incident_customer WHERE incident_id = $1 AND state IN "+m.tx.Listed(2), string(m.i.ID), m.tx.List(states)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting whom to tell: %w", err)
	}
	return n, nil
}

// Pause holds the telling: nobody else is looked at, and what has not gone waits.
//
// cite: P-47, P-49
func (d *Desk) Pause(ctx context.Context, id cpni.ID, a Act, reason string) (*Incident, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > longestText {
		return nil, errReason
	}
	return d.change(ctx, id, a, func(m *moved) error {
		switch {
		case m.i.TellingBy == "" || !m.i.ToldAll.IsZero():
			return wrongState("nobody is being told", "have customers told when they may be")
		case m.i.Paused:
			return wrongState("the telling is paused already", "let it go on")
		}
		// On PostgreSQL this waits for the batch that a node is at: once it is answered, no more is planned.
		if _, err := m.tx.Exec(ctx, "UPDATE incident_work SET state = CASE WHEN state = $1 THEN $2 ELSE state END, claim = '', claimed = 0 WHERE incident_id = $3", workRuns, workPaused, string(id)); err != nil {
			return fmt.Errorf("pausing the telling: %w", err)
		}
		_, err := m.note(TellPaused, Event{Reason: reason})
		return err
	})
}

// Resume lets a telling that was paused go on where it was.
//
// cite: P-47, P-49
func (d *Desk) Resume(ctx context.Context, id cpni.ID, a Act) (*Incident, error) {
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if !m.i.Paused {
			return wrongState("the telling is not paused", "look at how far it has come")
		}
		left, err := m.left(IsIn, IsPlanned, CameBack)
		if err != nil {
			return err
		}
		if _, err := m.tx.Exec(ctx, "UPDATE incident_work SET state = $1 WHERE incident_id = $2 AND state = $3", workRuns, string(id), workPaused); err != nil {
			return fmt.Errorf("letting the telling go on: %w", err)
		}
		_, err = m.note(TellOn, Event{Count: left})
		return err
	})
}

// How customers were told when no message of ours did it.
const (
	ByWord      = "BY_WORD"     // somebody spoke with them
	ByLetter    = "BY_LETTER"   // somebody else wrote to them, such as a print shop with its own list
	InPerson    = "IN_PERSON"   // they were told in a shop or at home
	Unreachable = "UNREACHABLE" // everything was tried, and nobody can reach them
)

// Hows lists how customers can have been told otherwise.
var Hows = []string{ByWord, ByLetter, InPerson, Unreachable}

// MarkTold records that customers whom no message reached were told otherwise, or that nobody can reach them, with the reason. While they
// must not be told it is refused, and that somebody has told them is on record: what was done cannot be taken back.
//
// cite: P-47, P-49, I-08, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(d)
func (d *Desk) MarkTold(ctx context.Context, id cpni.ID, a Act, customers []cpni.ID, how, reason string) (*Incident, error) {
	reason = strings.TrimSpace(reason)
	switch {
	case reason == "" || len(reason) > longestText:
		return nil, errReason
	case !slices.Contains(Hows, how):
		return nil, bad("it is not said how they were told", "choose one of "+strings.Join(Hows, ", "))
	case len(customers) == 0 || len(customers) > mostByHand:
		return nil, bad("no customer is named, or more than 10,000 at once", "name those who were told")
	}
	var refusal *cpni.Refusal
	i, err := d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if refusal = d.refuses(m.clocks()); refusal != nil {
			if _, err := m.note(Refused, Event{Code: refusal.Code, Reason: reason}); err != nil {
				return err
			}
			return m.alert(HoldTried, "customers are said to have been told before they may be")
		}
		marked := 0
		for _, c := range customers {
			done, err := m.tx.Exec(ctx, "UPDATE incident_customer SET state = $1, code = $2, at = $3 WHERE customer_id = $4 AND incident_id = $5 AND state IN ($6, $7, $8)",
				IsTold, how, m.now.UnixMicro(), string(c), string(id), IsIn, CameBack, NoWay)
			if err != nil {
				return fmt.Errorf("marking a customer told: %w", err)
			}
			n, err := done.RowsAffected()
			if err != nil {
				return err
			}
			marked += int(n)
		}
		if marked == 0 {
			return wrongState("none of them is in the set and still to be told", "look at the set again; a message that waits can be taken back first")
		}
		if _, err := m.note(ToldByHand, Event{Reason: reason, Code: cpni.Code(how), Count: marked}); err != nil {
			return err
		}
		return m.over()
	})
	if err == nil && refusal != nil {
		return i, refusal
	}
	return i, err
}

// over ends the telling when everybody in the set is told.
//
// cite: P-47, P-49, 47 CFR 64.2011(c), 47 CFR 64.2011(d)
func (m *moved) over() error {
	left, err := m.left(IsIn, IsPlanned, CameBack, NoWay)
	if err != nil || left > 0 {
		return err
	}
	told := 0
	err = m.tx.QueryRow(m.ctx, "SELECT count(*) FROM incident_customer WHERE incident_id = $1 AND state IN ($2, $3) AND code <> $4", string(m.i.ID), IsSent, IsTold, Unreachable).Scan(&told)
	if err != nil {
		return fmt.Errorf("counting who was told: %w", err)
	}
	if _, err := m.tx.Exec(m.ctx, "UPDATE incident_work SET state = $1, claim = '', claimed = 0 WHERE incident_id = $2", workOver, string(m.i.ID)); err != nil {
		return fmt.Errorf("ending the telling: %w", err)
	}
	_, err = m.note(Told, Event{Count: told})
	return err
}
