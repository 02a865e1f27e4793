package breach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
)

// Looked is whose touch an incident looks for in the ledger. What is empty does not narrow it, and something must.
type Looked struct {
	Actor     string    `json:"actor,omitempty"`     // a member's id, which is a key's member too, or customer
	Recipient string    `json:"recipient,omitempty"` // a kind of recipient, or a partner's id
	Contact   cpni.ID   `json:"contact,omitempty"`
	From      time.Time `json:"from,omitzero"`  // included
	Until     time.Time `json:"until,omitzero"` // not included
	// Shown takes those in as well of whom no CPNI was released: a card, a line of a list or what is on record was shown, or a listing given.
	Shown bool `json:"shown,omitempty"`
}

func (l Looked) trace() ledger.Trace {
	return ledger.Trace{Actor: l.Actor, Recipient: l.Recipient, Contact: l.Contact, From: l.From, Until: l.Until}
}

func (l Looked) same(as Looked) bool {
	return l.From.Equal(as.From) && l.Until.Equal(as.Until) && l.Actor == as.Actor && l.Recipient == as.Recipient && l.Contact == as.Contact && l.Shown == as.Shown
}

// words says it for people, with ids and not names, in the zone.
func (l Looked) words(zone *time.Location) string {
	var all []string
	for _, w := range [...]struct{ before, what string }{{"by ", l.Actor}, {"for ", l.Recipient}, {"in the contact ", string(l.Contact)}} {
		if w.what != "" {
			all = append(all, w.before+w.what)
		}
	}
	for _, w := range [...]struct {
		before string
		at     time.Time
	}{{"from ", l.From}, {"until ", l.Until}} {
		if !w.at.IsZero() {
			all = append(all, w.before+w.at.In(zone).Format("2006-01-02 15:04:05 MST"))
		}
	}
	if l.Shown {
		all = append(all, "with those whose card alone was shown")
	}
	return strings.Join(all, ", ")
}

// Traced is what a trace has found.
type Traced struct {
	For Looked `json:"for"`
	// More: the trace goes on in the next step of it, or was cut off; what it says below stands in its last step alone.
	More bool `json:"more,omitempty"`

	Found     int   `json:"found,omitempty"`     // customers whom it reaches
	Shown     int   `json:"shown,omitempty"`     // customers of whom no CPNI was released, who are among these only when they were looked for
	Out       int   `json:"out,omitempty"`       // of those found, whom somebody had taken out of the set; they stay out
	Entries   int64 `json:"entries,omitempty"`   // of the ledger, that touched them
	Through   int64 `json:"through"`             // how many entries the ledger's tree had: each of them was looked at
	Destroyed int64 `json:"destroyed,omitempty"` // entries of the time that were destroyed when their retention was over
}

// Trace puts every customer into the set whose information somebody touched, out of the ledger: each with the first entry that shows it.
// Whoever is in the set stays as they are, and whoever was taken out of it stays out. The set grows in steps, each whole by itself; a trace
// that was cut off is made again and finds the rest. Made again later, it adds those who have come since.
//
// cite: P-43, P-52, 47 CFR 64.2011(d)
func (d *Desk) Trace(ctx context.Context, id cpni.ID, a Act, l Looked, reason string) (*Incident, error) {
	l.Actor, l.Recipient, reason = line(l.Actor), line(l.Recipient), strings.TrimSpace(reason)
	if l.From, l.Until = l.From.UTC(), l.Until.UTC(); !l.From.IsZero() && !l.Until.IsZero() && !l.From.Before(l.Until) {
		return nil, bad("the time ends before it begins", "look at the times again")
	}
	if len(reason) > longestText || len(l.Actor) > longestWord || len(l.Recipient) > longestWord || len(l.Contact) > longestWord {
		return nil, bad("the reason is longer than 20,000 bytes, or an id longer than 100", "write it shorter")
	}
	if a.By != "" {
		if err := d.admits(ctx, a.By, staff.HandleIncidents); err != nil {
			return nil, err
		}
	}
	i, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
	switch {
	case err != nil:
		return nil, err
	case a.ID != "" && slices.ContainsFunc(i.History, func(e Event) bool { return e.Act == a.ID }):
		return i, nil
	case !i.Closed.IsZero():
		return nil, wrongState("the file is closed", "open it again, with the reason")
	}
	fresh, found, err := d.unseen(ctx, id, l)
	if errors.Is(err, ledger.ErrNoTrace) {
		return nil, bad("it is not said whose touch is looked for", "name a member, a partner or kind of recipient, or a contact", "or give the beginning and the end of a time")
	}
	if err != nil {
		return nil, err
	}
	size := min(max(len(fresh)/mostSteps, atOnce), mostAtOnce)
	for {
		some := fresh[:min(size, len(fresh))]
		fresh = fresh[len(some):]
		step, answer := Act{By: a.By, Version: a.Version}, Traced{For: l, More: true}
		if len(fresh) == 0 {
			step.ID, answer = a.ID, found
		}
		a.Version = 0 // the later steps stand on the first
		i, err = d.change(ctx, id, step, func(m *moved) error {
			if err := m.open(); err != nil {
				return err
			}
			added, err := m.putFound(some, len(m.i.History)+1)
			if err != nil || added == 0 && answer.More {
				return err
			}
			_, err = m.note(Reached, Event{Reason: reason, Reach: &Reach{By: "trace", Trace: l.words(d.Zone), Added: added, Traced: &answer}, Count: m.i.Set + added})
			return err
		})
		if err != nil || len(fresh) == 0 {
			return i, err
		}
	}
}

const (
	mostSteps  = 50   // about so many steps of the history one trace makes
	mostAtOnce = 5000 // and so many customers one of them puts in at the most
)

// Recount makes every trace of an incident again: it adds whoever has been touched, and recorded, since.
//
// cite: P-43, P-52, 47 CFR 64.2011(d)
func (d *Desk) Recount(ctx context.Context, id cpni.ID, a Act, reason string) (*Incident, error) {
	if a.By != "" {
		if err := d.admits(ctx, a.By, staff.HandleIncidents); err != nil {
			return nil, err
		}
	}
	i, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
	if err != nil {
		return nil, err
	}
	all := i.Traces()
	if len(all) == 0 {
		return nil, wrongState("no trace was made that could be made again", "trace a member, a recipient, a contact or a time first")
	}
	for n, t := range all {
		step := Act{By: a.By, Version: a.Version}
		if a.Version = 0; n == len(all)-1 {
			step.ID = a.ID
		}
		if i, err = d.Trace(ctx, id, step, t.For, reason); err != nil {
			return i, err
		}
	}
	return i, nil
}

// Traces are the traces of the incident, each as it was made last, in the order in which they were made first.
func (i *Incident) Traces() []Traced {
	var all []Traced
	for _, e := range i.All(Reached) {
		if e.Reach == nil || e.Reach.Traced == nil {
			continue
		}
		t := *e.Reach.Traced
		at := slices.IndexFunc(all, func(x Traced) bool { return x.For.same(t.For) })
		switch {
		case at < 0:
			all = append(all, t)
		case !t.More:
			all[at] = t
		}
	}
	return all
}

// shownBy is a customer with the entry that shows that they are touched.
type shownBy struct{ customer, entry cpni.ID }

// unseen finds whom the ledger names and who is not in the set, nor was taken out of it.
func (d *Desk) unseen(ctx context.Context, id cpni.ID, l Looked) (fresh []shownBy, t Traced, err error) {
	there, err := d.there(ctx, id)
	if err != nil {
		return nil, t, err
	}
	t.For = l
	reach, err := d.Ledger.Touched(ctx, l.trace(), func(x ledger.Touch) error {
		if !x.CPNI() {
			if t.Shown++; !l.Shown {
				return nil
			}
		}
		t.Found++
		t.Entries += x.Permitted + x.Shown
		switch state, ok := there[x.Customer]; {
		case !ok:
			fresh = append(fresh, shownBy{x.Customer, x.Entry})
		case state == IsOut:
			t.Out++
		}
		return nil
	})
	t.Through, t.Destroyed = reach.Through, reach.Destroyed
	return fresh, t, err
}

// there gives the state of each customer who is in the set or was.
func (d *Desk) there(ctx context.Context, id cpni.ID) (map[cpni.ID]string, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT customer_id, state FROM incident_customer WHERE incident_id = $1", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the customers of an incident: %w", err)
	}
	defer rows.Close()
	all := map[cpni.ID]string{}
	for rows.Next() {
		var customer cpni.ID
		var state string
		if err := rows.Scan(&customer, &state); err != nil {
			return nil, fmt.Errorf("reading the customers of an incident: %w", err)
		}
		all[customer] = state
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the customers of an incident: %w", err)
	}
	return all, nil
}

// rowsAtOnce is how many customers one statement puts into a set.
const rowsAtOnce = 100

var putRows = map[int]string{1: putting(1), rowsAtOnce: putting(rowsAtOnce)}

func putting(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("($%d, $1, $2, $%d, $3, '', '', '', $4)", 5+2*i, 6+2*i)
	}
	return "INSERT INTO incident_customer (customer_id, incident_id, step, entry_id, state, via, message_id, code, at) VALUES " + strings.Join(rows, ", ") +
		" ON CONFLICT (customer_id, incident_id) DO NOTHING"
}

// putFound puts customers into the set who are not in it and were not taken out of it, and tells how many they were.
func (m *moved) putFound(all []shownBy, step int) (added int, err error) {
	for len(all) > 0 {
		n := 1
		if len(all) >= rowsAtOnce {
			n = rowsAtOnce
		}
		args := []any{string(m.i.ID), step, IsIn, m.now.UnixMicro()}
		for _, x := range all[:n] {
			args = append(args, string(x.customer), string(x.entry))
		}
		all = all[n:]
		done, err := m.tx.Exec(m.ctx, putRows[n], args...)
		if err != nil {
			return 0, fmt.Errorf("putting customers into the set: %w", err)
		}
		some, err := done.RowsAffected()
		if err != nil {
			return 0, err
		}
		added += int(some)
	}
	return added, nil
}
