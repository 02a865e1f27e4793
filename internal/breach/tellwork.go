package breach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Codes of why there is no way to tell a customer.
const (
	NoPlace   = "NO_PLACE"   // there is no address of record, and no line that takes texts
	Forgotten = "FORGOTTEN"  // their key is destroyed
	NotRead   = "UNREADABLE" // nobody can read their account any more
	Rehearsed = "EXERCISE"   // told in a rehearsal: nothing was sent
)

// silence is after how long a node that tells customers, and is not heard of, counts as gone.
const silence = 2 * time.Minute

// errLost: another node has the work now, or it was paused, or customers must not be told any more.
var errLost = errors.New("the telling is no longer this node's")

// telling is what a desk keeps in memory about tellings.
type telling struct {
	mu        sync.Mutex
	inherited bool
	known     map[cpni.ID]known
	holding   []*Incident // as it was when it was asked last, for what asks again and again
	asked     time.Time
}

// Work goes on with telling the customers of every incident of which they are to be told, may be, and that is no other node's.
//
// cite: P-47, I-08, I-10, 47 CFR 64.2011(c)
func (d *Desk) Work(ctx context.Context) error {
	if err := d.inherit(ctx); err != nil {
		return err
	}
	now := d.Clock.Now()
	rows, err := d.DB.Reader().Query(ctx, "SELECT incident_id, state FROM incident_work WHERE state IN ($1, $2) AND claimed < $3 ORDER BY incident_id", workRuns, workDone, now.Add(-silence).UnixMicro())
	if err != nil {
		return fmt.Errorf("looking for customers to tell: %w", err)
	}
	defer rows.Close()
	type work struct {
		id    cpni.ID
		state string
	}
	var all []work
	for rows.Next() {
		var w work
		if err := rows.Scan(&w.id, &w.state); err != nil {
			return fmt.Errorf("looking for customers to tell: %w", err)
		}
		all = append(all, w)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("looking for customers to tell: %w", err)
	}
	var failed []error
	for _, w := range all {
		err := error(nil)
		if w.state == workRuns {
			err = d.workOn(ctx, w.id)
		}
		if err == nil {
			err = d.finish(ctx, w.id)
		}
		if err != nil && !errors.Is(err, errLost) {
			failed = append(failed, fmt.Errorf("telling the customers of %s: %w", w.id, err))
		}
	}
	return errors.Join(failed...)
}

// inherit takes over, once, what an earlier process had on a database that has one process: nobody else is there who could.
func (d *Desk) inherit(ctx context.Context) error {
	if d.DB.Dialect() != store.SQLite {
		return nil
	}
	d.telling.mu.Lock()
	defer d.telling.mu.Unlock()
	if d.telling.inherited {
		return nil
	}
	err := d.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE incident_work SET claim = '', claimed = 0 WHERE claimed <> 0")
		return err
	})
	if err != nil {
		return fmt.Errorf("taking over who is to be told: %w", err)
	}
	d.telling.inherited = true
	return nil
}

// workOn tells the customers of one incident, in the order of their ids.
func (d *Desk) workOn(ctx context.Context, id cpni.ID) error {
	i, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
	if err != nil {
		return err
	}
	if d.waits(i) {
		return errLost
	}
	claim := string(cpni.NewID())
	now := d.Clock.Now()
	var place string
	err = d.DB.Tx(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "UPDATE incident_work SET claim = $1, claimed = $2 WHERE incident_id = $3 AND state = $4 AND claimed < $5 RETURNING place",
			claim, now.UnixMicro(), string(id), workRuns, now.Add(-silence).UnixMicro()).Scan(&place)
	})
	if store.IsNoRow(err) {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("taking the telling: %w", err)
	}
	defer func() { // the next one need not wait
		ctx := context.WithoutCancel(ctx)
		_ = d.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE incident_work SET claim = '', claimed = 0 WHERE incident_id = $1 AND claim = $2", string(id), claim)
			return err
		})
	}()
	for more := true; more; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := d.look(ctx, i, place)
		if err != nil {
			return err
		}
		if place, more, err = d.plan(ctx, id, claim, b); err != nil {
			return err
		}
	}
	return nil
}

// waits reports whether nobody may be told of an incident now, somebody has paused it, or nobody has agreed to its words.
func (d *Desk) waits(i *Incident) bool { return i.Paused || !i.WordsOK || d.Hold(i) != nil }

// stretch is some customers of a set, one behind the other.
type stretch struct {
	from, to string
	step     int // of the words by which their messages are planned
	all      []step
}

// step is what is done about one customer.
type step struct {
	id       cpni.ID
	version  int64 // of the profile that was looked at; 0: none could be
	state    string
	via      cpni.Via
	code     string
	message  cpni.ID
	prepared notify.Prepared
}

// look takes the next customers, decides how each is told, and seals their messages. Nothing is written.
func (d *Desk) look(ctx context.Context, i *Incident, place string) (stretch, error) {
	b := stretch{from: place, to: place, step: i.WordsStep}
	set, err := d.set(ctx, d.DB.Reader(), i.ID, IsIn, cpni.ID(place), atOnce)
	if err != nil || len(set) == 0 {
		return b, err
	}
	b.to = string(set[len(set)-1].Customer)
	ids := make([]cpni.ID, len(set))
	for n, c := range set {
		ids[n] = c.Customer
	}
	if i.Exercise {
		for _, id := range ids {
			b.all = append(b.all, step{id: id, state: IsTold, code: Rehearsed})
		}
		return b, nil
	}
	found, err := d.Customers.ReadMany(ctx, ids)
	if err != nil {
		return b, err
	}
	there := map[cpni.ID]bool{}
	for _, f := range found {
		there[f.ID] = true
		s, err := d.stepOf(ctx, i, f)
		if err != nil {
			return b, err
		}
		b.all = append(b.all, s)
	}
	for _, id := range ids {
		if !there[id] { // nothing is left of them
			b.all = append(b.all, step{id: id, state: NoWay, code: Forgotten})
		}
	}
	return b, nil
}

func (d *Desk) stepOf(ctx context.Context, i *Incident, f customer.Read) (step, error) {
	s := step{id: f.ID, version: f.Version, state: NoWay}
	switch {
	case errors.Is(f.Err, vault.ErrForgotten):
		s.code = Forgotten
		return s, nil
	case errors.Is(f.Err, vault.ErrSealBroken):
		s.code = NotRead // one that is damaged stops nobody else
		return s, nil
	case f.Profile == nil:
		return s, f.Err
	}
	m := d.message(i, f.Profile, nil, d.Clock.Now())
	if m == nil {
		s.code = NoPlace
		return s, nil
	}
	var err error
	s.prepared, err = d.Outbox.Prepare(ctx, f.ID, *m)
	if errors.Is(err, vault.ErrForgotten) {
		s.code = Forgotten
		return s, nil
	}
	s.state, s.via, s.message = IsPlanned, m.Via, m.ID
	return s, err
}

// message is that by which a customer is told: to the first place of record that was not tried; nil: there is none.
//
// cite: P-21, P-47, 47 CFR 64.2003(b), 47 CFR 64.2011(c)
func (d *Desk) message(i *Incident, p *customer.Profile, tried []string, now time.Time) *notify.Message {
	for _, s := range d.Contacts.Reaches(p, now) {
		if !slices.Contains(tried, s.To) {
			return &notify.Message{ID: cpni.NewTimedID(now), Kind: notify.IncidentNotice, Via: s.Via, Place: s.Place, To: s.To, Run: i.ID, Tokens: map[string]string{wordedToken: strconv.Itoa(i.WordsStep)}}
		}
	}
	return nil
}

// plan writes what is done about customers with the place at which the work then stands, in one transaction: whoever goes on after a crash,
// or in the place of another, finds both or neither. more is false when everybody is seen to.
//
// cite: I-08, I-10, P-47
func (d *Desk) plan(ctx context.Context, id cpni.ID, claim string, b stretch) (place string, more bool, err error) {
	now := d.Clock.Now()
	err = d.DB.Tx(ctx, func(tx *store.Tx) error {
		place, more = b.to, true
		done, err := tx.Exec(ctx, "UPDATE incident_work SET claimed = $1, place = $2 WHERE incident_id = $3 AND claim = $4 AND state = $5 AND place = $6", now.UnixMicro(), b.to, string(id), claim, workRuns, b.from)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errLost)
		}
		// Nothing is planned that must not go: the file is read again as it stands now.
		i, err := d.read(ctx, tx, d.in(tx), id, "")
		if err != nil {
			return err
		}
		if d.waits(i) || i.WordsStep != b.step {
			return errLost
		}
		if len(b.all) > 0 {
			return d.write(ctx, tx, i, b, now)
		}
		var left int // somebody may have been put in before the place
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM incident_customer WHERE incident_id = $1 AND state = $2", string(id), IsIn).Scan(&left); err != nil {
			return err
		}
		state := workRuns
		if place, more = "", left > 0; !more {
			state = workDone
		}
		_, err = tx.Exec(ctx, "UPDATE incident_work SET place = '', state = $1 WHERE incident_id = $2", state, string(id))
		return err
	})
	if errors.Is(err, errLost) {
		return place, false, errLost
	}
	if err != nil {
		return place, false, fmt.Errorf("planning what customers are told: %w", err)
	}
	return place, more, nil
}

// write stores what is done about customers who are still to be told. Whose account has changed since it was looked at is looked at again.
func (d *Desk) write(ctx context.Context, tx *store.Tx, i *Incident, b stretch, now time.Time) error {
	still, err := d.still(ctx, tx, i.ID, b)
	if err != nil {
		return err
	}
	guards := make([]store.Guard, len(b.all))
	for n, s := range b.all {
		guards[n] = store.Guard{Table: "customer", Key: string(s.id), Version: s.version}
	}
	stale, err := tx.CheckGuards(ctx, guards)
	if err != nil {
		return err
	}
	var rows [][]any
	var messages []notify.Prepared
	planned := 0
	for n, s := range b.all {
		of, is := still[s.id]
		if !is {
			continue
		}
		if stale[n] && !i.Exercise && s.code != Forgotten {
			p, version, err := d.Customers.ReadTx(ctx, tx, s.id)
			if err != nil && !errors.Is(err, vault.ErrForgotten) && !errors.Is(err, vault.ErrSealBroken) && !errors.Is(err, customer.ErrNoCustomer) {
				return err
			}
			if errors.Is(err, customer.ErrNoCustomer) {
				err = vault.ErrForgotten
			}
			if s, err = d.stepOf(ctx, i, customer.Read{ID: s.id, Version: version, Profile: p, Err: err}); err != nil {
				return err
			}
		}
		if s.message != "" {
			messages = append(messages, s.prepared)
		}
		planned++
		rows = append(rows, []any{string(s.id), string(i.ID), of.step, of.entry, s.state, string(s.via), string(s.message), s.code, now.UnixMicro()})
	}
	err = tx.InsertAll(ctx, "INSERT INTO incident_customer (customer_id, incident_id, step, entry_id, state, via, message_id, code, at) VALUES ",
		" ON CONFLICT (customer_id, incident_id) DO UPDATE SET state = excluded.state, via = excluded.via, message_id = excluded.message_id, code = excluded.code, at = excluded.at", rows)
	if err != nil {
		return fmt.Errorf("writing who is to be told: %w", err)
	}
	if _, err := tx.Exec(ctx, "UPDATE incident_work SET planned = planned + $1 WHERE incident_id = $2", planned, string(i.ID)); err != nil {
		return fmt.Errorf("writing how far the telling has come: %w", err)
	}
	return d.Outbox.PlanAll(ctx, tx, messages)
}

type inSet struct {
	step  int
	entry string
}

// still finds who of some customers is still to be told, and keeps them so until tx ends.
func (d *Desk) still(ctx context.Context, tx *store.Tx, id cpni.ID, b stretch) (map[cpni.ID]inSet, error) {
	ids := make([]string, len(b.all))
	for n, s := range b.all {
		ids[n] = string(s.id)
	}
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " ORDER BY customer_id FOR UPDATE"
	}
	rows, err := tx.Query(ctx, "SELECT customer_id, step, entry_id FROM incident_customer WHERE incident_id = $1 AND state = $2 AND customer_id IN "+tx.Listed(3)+lock, string(id), IsIn, tx.List(ids))
	if err != nil {
		return nil, fmt.Errorf("looking who is still to be told: %w", err)
	}
	defer rows.Close()
	still := map[cpni.ID]inSet{}
	for rows.Next() {
		var c cpni.ID
		var s inSet
		if err := rows.Scan(&c, &s.step, &s.entry); err != nil {
			return nil, fmt.Errorf("looking who is still to be told: %w", err)
		}
		still[c] = s
	}
	return still, rows.Err()
}

// finish ends a telling in which everybody is told, with the count.
//
// cite: P-47, P-49, 47 CFR 64.2011(c), 47 CFR 64.2011(d)
func (d *Desk) finish(ctx context.Context, id cpni.ID) error {
	var state string
	var left int
	err := d.DB.Reader().QueryRow(ctx, `SELECT state, (SELECT count(*) FROM incident_customer c WHERE c.incident_id = w.incident_id AND c.state IN ($2, $3, $4, $5)) FROM incident_work w WHERE incident_id = $1`,
		string(id), IsIn, IsPlanned, CameBack, NoWay).Scan(&state, &left)
	if err != nil {
		return fmt.Errorf("looking who is not told yet: %w", err)
	}
	if state != workDone || left > 0 {
		return nil
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		_, entries, err := d.move(ctx, tx, id, Act{}, func(m *moved) error {
			var state string
			if err := tx.QueryRow(ctx, "SELECT state FROM incident_work WHERE incident_id = $1", string(id)).Scan(&state); err != nil {
				return err
			}
			if state != workDone { // another node was faster
				return errDone
			}
			return m.over()
		})
		if errors.Is(err, errDone) {
			return nil, nil
		}
		return entries, err
	})
	return plainly(err)
}
