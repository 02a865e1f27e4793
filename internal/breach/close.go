package breach

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// Missing says what a file still lacks before it can be closed, one refusal a thing; none: it can be.
//
// cite: P-43, P-51, P-53, 47 CFR 64.2011(d)
func (d *Desk) Missing(ctx context.Context, i *Incident, c Closing) ([]*cpni.Refusal, error) {
	return d.missing(ctx, d.DB.Reader(), i, c)
}

func (d *Desk) missing(ctx context.Context, q store.Querier, i *Incident, c Closing) ([]*cpni.Refusal, error) {
	var all []*cpni.Refusal
	lack := func(says string, cites []string, next ...string) {
		all = append(all, cpni.Rejected(Incomplete, says, cites, next...))
	}
	clocks := d.Clocks(i)
	if i.Determined == nil {
		lack("it was not determined what happened", []string{"P-43", "P-44"}, "record the determination")
	}
	if i.Facts.Basis == "" {
		lack("the findings stand without their basis", []string{"P-43", "47 CFR 64.2011(d)"}, "correct the facts, with the basis of the findings")
	}
	if len(clocks.Agencies) > 0 && clocks.Reported.IsZero() {
		lack("the agencies have no report", []string{"P-45", "P-51", "47 CFR 64.2011(b)"}, "file it at the central facility and enter its receipt")
	}
	for _, r := range i.Reports {
		if r.Copy == 0 {
			lack("of a report that was filed there is no copy", []string{"P-51", "47 CFR 64.2011(d)"}, "attach the copy that the facility gave")
			break
		}
	}
	if len(i.Reports) > 0 && len(i.All(Responded)) == 0 {
		lack("it is not said what the agencies answered", []string{"P-53"}, "enter their answer, or that none was received")
	}
	if clocks.Must {
		tally, err := d.tally(ctx, q, i.ID)
		if err != nil {
			return nil, err
		}
		switch {
		case i.Set == 0 && i.Customers() > 0:
			lack("customers have to be told, and it is not known who they are", []string{"P-47", "P-52", "47 CFR 64.2011(c)"}, "find them by a trace, or put them in by hand")
		case i.ToldAll.IsZero() && i.Set > 0:
			lack("the customers have not been told", []string{"P-47", "47 CFR 64.2011(c)"}, "tell them when the hold is over")
		case tally[IsIn]+tally[IsPlanned]+tally[CameBack]+tally[NoWay] > 0:
			lack(fmt.Sprintf("%d customers have not been told yet", tally[IsIn]+tally[IsPlanned]+tally[CameBack]+tally[NoWay]), []string{"P-47", "47 CFR 64.2011(c)"}, "reach each by another form, or say how they were told")
		}
	}
	for _, x := range []struct{ text, says, next string }{
		{c.Cause, "it is not said what the cause was", "write what made it possible"},
		{c.Remedy, "it is not said what was done about it", "write what was repaired and changed"},
		{c.Lessons, "it is not said what was learned", "write what will be done otherwise, or that nothing has to be"},
	} {
		if strings.TrimSpace(x.text) == "" {
			lack(x.says, []string{"P-52", "47 CFR 64.2011(d)"}, x.next)
		}
	}
	if len(i.All(Sanctioned)) == 0 && strings.TrimSpace(c.NoSanction) == "" {
		lack("neither a case of discipline is named nor why there is none", []string{"P-39", "47 CFR 64.2009(b)"}, "name the case, or say why nobody is disciplined")
	}
	return all, nil
}

// Close closes a file that is complete.
//
// cite: P-43, P-49, P-53, 47 CFR 64.2011(d)
func (d *Desk) Close(ctx context.Context, id cpni.ID, a Act, c Closing) (*Incident, error) {
	for _, text := range []*string{&c.Cause, &c.Remedy, &c.Lessons, &c.NoSanction} {
		if *text = strings.TrimSpace(*text); len(*text) > longestText {
			return nil, bad("a text of the closing is longer than 20,000 bytes", "write it shorter")
		}
	}
	if err := d.admits(ctx, a.By, staff.HandleIncidents); err != nil {
		return nil, err
	}
	roles, err := d.rolesOf(ctx, id, a.By)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		missing, err := d.missing(ctx, m.tx, m.i, c)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			var says, next, cites []string
			for _, r := range missing {
				says, next, cites = append(says, r.Says), append(next, r.Next...), append(cites, r.Clauses...)
			}
			return lacks(strings.Join(says, "; "), cites, next...)
		}
		if _, err = m.note(ClosedFile, Event{Closing: &c}); err != nil || !m.i.Exercise || d.TookPart == nil {
			return err
		}
		entries, err := d.TookPart(ctx, m.tx, m.tookPart(roles), m.by)
		m.all = append(m.all, entries...)
		return err
	})
}

// Reopen opens a file again, with the reason.
//
// cite: P-49
func (d *Desk) Reopen(ctx context.Context, id cpni.ID, a Act, reason string) (*Incident, error) {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > longestText {
		return nil, errReason
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if m.i.Closed.IsZero() {
			return wrongState("the file is open", "go on with it")
		}
		_, err := m.note(Reopened, Event{Reason: reason})
		return err
	})
}

// KeptUntil gives the first moment at which a file need no longer be kept; zero: it is open, and is kept.
//
// cite: P-54, 47 CFR 64.2011(d)
func (d *Desk) KeptUntil(i *Incident) time.Time {
	if i.Closed.IsZero() {
		return time.Time{}
	}
	return i.Changed.In(d.Zone).AddDate(0, d.Kept(d.Clock.Now()), 1).UTC()
}

// Purge removes a file of which nothing has to be kept any more, with the reason. That it was there, and that it was removed, stays in the
// ledger.
//
// cite: P-49, P-54, V26, I-22, 47 CFR 64.2011(d)
func (d *Desk) Purge(ctx context.Context, id cpni.ID, a Act, reason string) error {
	if err := d.admits(ctx, a.By, staff.HandleIncidents); err != nil {
		return err
	}
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > longestText {
		return errReason
	}
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		return d.PurgeTx(ctx, tx, id, string(a.By), reason)
	})
	return plainly(err)
}

// Purgeable refuses to remove a file that must be kept: for its time is not over, or because of what Keeps says.
//
// cite: P-49, P-54, V26, I-22, 47 CFR 64.2011(d)
func (d *Desk) Purgeable(ctx context.Context, q store.Querier, id cpni.ID) error {
	open := d.Vault.OpenState
	if tx, ok := q.(*store.Tx); ok {
		open = d.in(tx)
	}
	i, err := d.read(ctx, q, open, id, "")
	if err == nil {
		_, err = d.purgeable(ctx, q, i)
	}
	return err
}

func (d *Desk) purgeable(ctx context.Context, q store.Querier, i *Incident) (until time.Time, err error) {
	until = d.KeptUntil(i)
	if now := d.Clock.Now(); until.IsZero() || now.Before(until) {
		says := "an open file is kept"
		if !until.IsZero() {
			says = "the file is kept until " + until.In(d.Zone).Format(time.DateOnly)
		}
		return until, cpni.Rejected(Retained, says, []string{"P-49", "P-54", "47 CFR 64.2011(d)"}, "ask again when its time is over")
	}
	if d.Keeps != nil {
		err = d.Keeps(ctx, q, i.ID)
	}
	return until, err
}

// PurgeTx is Purge in tx, of whoever may; its entries are to be committed with it.
//
// cite: P-49, P-54, V26, I-22, 47 CFR 64.2011(d)
func (d *Desk) PurgeTx(ctx context.Context, tx *store.Tx, id cpni.ID, by, reason string) ([]ledger.Entry, error) {
	i, err := d.read(ctx, tx, d.in(tx), id, "")
	if err != nil {
		return nil, err
	}
	until, err := d.purgeable(ctx, tx, i)
	if err != nil {
		return nil, err
	}
	for _, table := range []string{"incident_paper", "incident_customer", "incident_event", "incident_work", "incident_reminder"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE incident_id = $1", string(id)); err != nil {
			return nil, fmt.Errorf("removing an incident: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE incident SET state = $1, version = version + 1, changed = $2 WHERE incident_id = $3", stateRemoved, d.Clock.Now().UnixMicro(), string(id)); err != nil {
		return nil, fmt.Errorf("removing an incident: %w", err)
	}
	e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Incident, At: d.Clock.Now(), Actor: by, Outcome: cpni.OK},
		map[string]any{"what": "incident: removed", "incident": id, "number": i.Number, "kept until": until, "reason": reason})
	return []ledger.Entry{e}, err
}
