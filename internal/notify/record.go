package notify

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// DeadLetter is the code of the alert that a message which a customer must get has not arrived, and no other way is left.
const DeadLetter cpni.Code = "DEAD_LETTER"

// recorder writes down what channels tell of one batch, as many at once as have been told of while it wrote the last.
type recorder struct {
	carrier *Carrier
	wake    chan struct{}
	over    chan struct{}

	mu      sync.Mutex
	pressed bool            // somebody has said in a call that a change was not theirs
	waiting map[cpni.ID]row // claimed, and not told of yet
	told    []toldOf
	err     error
}

type toldOf struct {
	row     row
	outcome Outcome
	wording string
	became  State // what was written; "" nothing was
}

func newRecorder(c *Carrier, claimed []row) *recorder {
	r := &recorder{carrier: c, wake: make(chan struct{}, 1), over: make(chan struct{}), waiting: make(map[cpni.ID]row, len(claimed))}
	for _, m := range claimed {
		r.waiting[m.m.ID] = m
	}
	return r
}

// tell takes the first thing that is told of a message; more is not heard.
func (r *recorder) tell(id cpni.ID, o Outcome, w Words) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.waiting[id]
	if !ok {
		return
	}
	delete(r.waiting, id)
	if o.Call != nil && !w.asks(o.Call.Pressed) { // a key that nobody asked for says nothing
		call := *o.Call
		call.Pressed, o.Call = "", &call
	}
	if denies(m.m, o) {
		r.pressed = true
	}
	r.told = append(r.told, toldOf{row: m, outcome: o, wording: w.Version})
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *recorder) end() { close(r.over) }

func (r *recorder) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// run writes until end was called and all is written. What has gone out is remembered as long as the program lives: a
// database that does not answer is asked again, for what is not written down would go out twice.
func (r *recorder) run(ctx context.Context) {
	renew := time.NewTicker(r.carrier.Numbers(r.carrier.Clock.Now()).Lease / 3)
	defer renew.Stop()
	for {
		last := false
		select {
		case <-renew.C:
			if err := r.renew(ctx); err != nil {
				r.fail(err)
			}
		case <-r.wake:
		case <-r.over:
			last = true
		}
		r.mu.Lock()
		batch := r.told
		r.told = nil
		r.mu.Unlock()
		if len(batch) > 0 {
			r.keepWriting(ctx, batch)
		}
		if last {
			return
		}
	}
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// renew says that this node still has what it has not been told of: a call may last for minutes.
func (r *recorder) renew(ctx context.Context) error {
	r.mu.Lock()
	waiting := slices.Collect(maps.Values(r.waiting))
	r.mu.Unlock()
	if len(waiting) == 0 {
		return nil
	}
	now := r.carrier.Clock.Now()
	until := now.Add(r.carrier.Numbers(now).Lease).UnixMicro()
	err := r.carrier.DB.Tx(ctx, func(tx *store.Tx) error {
		for _, m := range waiting {
			_, err := tx.Exec(ctx, "UPDATE message SET due = $1 WHERE customer_id = $2 AND message_id = $3 AND state = 'sending' AND attempts = $4", until, string(m.of), string(m.m.ID), m.m.Attempts)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("holding messages that a channel has: %w", err)
	}
	return nil
}

// again is how far apart a database that does not answer is asked.
const again = 200 * time.Millisecond

// side is how many transactions write side by side what became of one batch, where a statement is a journey; on SQLite one writes at a time.
const side = 4

// fewTold is how many one transaction writes alone.
const fewTold = 40

func (r *recorder) keepWriting(ctx context.Context, batch []toldOf) {
	if r.carrier.DB.Dialect() == store.SQLite || len(batch) < fewTold {
		r.keepWritingOne(ctx, batch)
		return
	}
	// All of one customer's are in one part, so that no part waits for another.
	parts := make([][]toldOf, side)
	for _, t := range batch {
		h := fnv.New32a()
		h.Write([]byte(t.row.of))
		n := h.Sum32() % side
		parts[n] = append(parts[n], t)
	}
	var all sync.WaitGroup
	for _, p := range parts {
		if len(p) > 0 {
			all.Go(func() { r.keepWritingOne(ctx, p) })
		}
	}
	all.Wait()
}

func (r *recorder) keepWritingOne(ctx context.Context, batch []toldOf) {
	// The program is stopping when ctx is over; what has gone out is still written, once.
	for {
		err := r.carrier.record(context.WithoutCancel(ctx), batch)
		if err == nil {
			return
		}
		r.fail(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
	}
}

// record writes what has become of messages, and what follows from it, in one transaction.
//
// cite: P-23, P-25, I-10
func (c *Carrier) record(ctx context.Context, batch []toldOf) error {
	_, err := c.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var all []ledger.Entry
		for i := range batch {
			entries, err := c.recordOne(ctx, tx, &batch[i])
			if err != nil {
				return nil, err
			}
			all = append(all, entries...)
		}
		return all, nil
	})
	if err != nil {
		return fmt.Errorf("writing down what became of messages: %w", err)
	}
	for _, t := range batch {
		c.tally.add(t.row.m.Via, t.became)
	}
	return nil
}

func (c *Carrier) recordOne(ctx context.Context, tx *store.Tx, t *toldOf) ([]ledger.Entry, error) {
	now := c.Clock.Now()
	t.became = ""
	r, o := t.row, t.outcome
	if denies(r.m, o) {
		o.Code = Denied
	}
	next := time.Time{}
	if o.State == Queued {
		var more bool
		if next, more = c.backoff(r, o, now); !more {
			o.State, o.Code = Failed, GivenUp+" "+o.Code
		}
	}
	attempts := r.m.Attempts
	if waits(o.Code) {
		attempts-- // nothing was tried
	}
	var reference []byte
	if o.Reference != "" {
		reference = hashOf(string(r.m.Via), o.Reference)
	}
	var stopped int
	// Only who claimed it last writes: another node has it when this one took too long.
	err := tx.QueryRow(ctx, `UPDATE message SET state = CASE WHEN stopped = 1 AND CAST($1 AS TEXT) = 'queued' THEN 'cancelled' ELSE $1 END, code = $2, changed = $3, due = $4, attempts = $5,
		wording = CASE WHEN CAST($6 AS TEXT) = '' THEN wording ELSE $6 END, reference = coalesce($7, reference)
		WHERE customer_id = $8 AND message_id = $9 AND state = 'sending' AND attempts = $10 RETURNING stopped`,
		string(o.State), o.Code, now.UnixMicro(), micros(next), attempts, t.wording, reference, string(r.of), string(r.m.ID), r.m.Attempts).Scan(&stopped)
	if store.IsNoRow(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("writing down what became of a message: %w", err)
	}
	r.stopped = stopped == 1
	if o.State == Queued && stopped == 1 {
		o.State = Cancelled
	}
	t.became = o.State
	if err := c.Outbox.add(ctx, tx, r.of, r.m.ID, Event{At: now, What: string(o.State), Code: o.Code, Said: Said{Says: o.Says, Call: o.Call}}); err != nil {
		return nil, err
	}
	entries, err := c.follow(ctx, tx, r, o, "", now)
	if err != nil || o.Call == nil || c.Called == nil || stopped == 1 {
		return entries, err
	}
	m, err := r.open(func(sealed []byte) ([]byte, error) {
		return c.Vault.OpenStateTx(ctx, tx, r.of, messagePlace(string(r.m.ID)), sealed)
	})
	if err != nil {
		return nil, err
	}
	m.State = o.State
	more, err := c.Called(ctx, tx, r.of, m, *o.Call)
	return append(entries, more...), err
}

// asks reports whether the words of a call ask for a key to be pressed.
func (w Words) asks(key string) bool {
	return key != "" && slices.ContainsFunc(w.Spoken, func(s Spoken) bool { return s.Key == key })
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// follow does what the new state of a message asks for: an entry in the ledger when it is one that counts, another form or an
// alert when it did not arrive.
func (c *Carrier) follow(ctx context.Context, tx *store.Tx, r row, o Outcome, told string, now time.Time) ([]ledger.Entry, error) {
	if o.State == Queued {
		return nil, nil
	}
	fate := Fate{State: o.State, Kind: told, Code: o.Code, At: now}
	detail := map[string]string{"what": "message " + string(o.State), "message": string(r.m.ID), "kind": r.m.Kind, "via": string(r.m.Via), "place": string(r.m.Place), "code": o.Code}
	entry := func(kind ledger.Kind, code cpni.Code, detail any) (ledger.Entry, error) {
		return c.Vault.Entry(ctx, tx, ledger.Entry{Customer: r.of, Kind: kind, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: code}, detail)
	}
	var all []ledger.Entry
	if o.State == Bounced || o.State == Failed || o.State == Cancelled && left(o.Code) {
		other, err := c.instead(ctx, tx, r, now)
		if err != nil {
			return nil, err
		}
		switch {
		case other != nil:
			detail["what"], detail["instead"] = "message "+string(o.State)+", replaced by another form", string(other.ID)
			fate.Instead, fate.By = other.ID, other.Via
		case mustArrive(r.m.Kind) && !r.stopped && !counted(r.m.Kind):
			alert, err := entry(ledger.Alert, DeadLetter, map[string]string{"what": "a message that the customer must get has not arrived, and no other way is left", "message": string(r.m.ID), "kind": r.m.Kind, "code": o.Code})
			if err != nil {
				return nil, err
			}
			all = append(all, alert)
		}
	}
	e, err := entry(ledger.Message, "", detail)
	if err != nil {
		return nil, err
	}
	more, err := c.heard(ctx, tx, r, fate)
	return append(append(all, e), more...), err
}

// heard tells of what has become of a notice, of what tells of a breach, and of what was sent to somebody whom a customer has named.
//
// cite: P-26, P-36, 47 CFR 64.2008(d), 47 USC 222(c)(2)
func (c *Carrier) heard(ctx context.Context, tx *store.Tx, r row, f Fate) ([]ledger.Entry, error) {
	if c.Heard == nil || !asksFirst(r.m.Kind) && r.m.Kind != DesigneeRecords {
		return nil, nil
	}
	m, err := r.open(func(sealed []byte) ([]byte, error) {
		return c.Vault.OpenStateTx(ctx, tx, r.of, messagePlace(string(r.m.ID)), sealed)
	})
	if errors.Is(err, vault.ErrSealBroken) || errors.Is(err, vault.ErrForgotten) {
		return nil, nil // nobody can tell what it gave notice of, so it gave none
	}
	if err != nil {
		return nil, err
	}
	return c.Heard(ctx, tx, r.of, m, f)
}

// left reports whether a message was not sent because the place that it was to go to is the customer's no longer: it was not
// taken back, is not over, and there is still somebody to tell.
func left(code string) bool { return code != "" && code != Expired && code != Forgotten }

// instead plans the message that goes in the place of one that did not arrive; nil when there is none.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func (c *Carrier) instead(ctx context.Context, tx *store.Tx, r row, now time.Time) (*Message, error) {
	if c.Instead == nil || !mustArrive(r.m.Kind) || r.stopped {
		return nil, nil
	}
	m, err := r.open(func(sealed []byte) ([]byte, error) {
		return c.Vault.OpenStateTx(ctx, tx, r.of, messagePlace(string(r.m.ID)), sealed)
	})
	if errors.Is(err, vault.ErrSealBroken) {
		return nil, nil // nobody can read what it was to say; the alert tells of it, and other messages go on
	}
	if err != nil {
		return nil, err
	}
	var who *customer.Profile
	if who, _, err = c.Customers.ReadTx(ctx, tx, r.of); err != nil {
		return nil, err
	}
	other := c.Instead(ctx, who, m, now)
	if other == nil {
		return nil, nil
	}
	other.ID, other.Kind, other.InsteadOf = cpni.NewTimedID(now), m.Kind, m.ID
	other.Tried = append(append([]string{}, m.Tried...), m.To)
	if err := c.Outbox.Plan(ctx, tx, r.of, *other); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, "UPDATE message SET state = $1, instead = $2 WHERE customer_id = $3 AND message_id = $4", string(Replaced), string(other.ID), string(r.of), string(r.m.ID))
	if err != nil {
		return nil, fmt.Errorf("replacing a message: %w", err)
	}
	return other, nil
}
