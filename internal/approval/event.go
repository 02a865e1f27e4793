package approval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
)

// What an event is.
type What string

// The events of an approval.
const (
	Stated   What = "stated"   // what stood on the account before events were kept
	Noticed  What = "noticed"  // a notice is proven given
	Voided   What = "void"     // it came back: it counts as not given
	Objected What = "objected" // the customer refuses
	Granted  What = "granted"  // the customer says yes to what a notice told them
	Lifted   What = "lifted"   // the customer takes a refusal back
)

// answers are the events that answers make.
var answers = map[Say]What{Grant: Granted, Object: Objected, Lift: Lifted}

// Event is one thing that was said or given about a customer's approval. It is never changed.
//
// cite: P-14, P-36, 47 CFR 64.2007(a)(3), 47 CFR 64.2008(a)(2)
type Event struct {
	ID       cpni.ID   `json:"id"`
	What     What      `json:"what"`
	Scope    string    `json:"scope,omitempty"` // of an answer
	At       time.Time `json:"at"`              // since when it counts: an answer was received, a notice given
	Recorded time.Time `json:"recorded"`
	// From is the earliest moment at which a yes, or the word that takes a refusal back, may have been received, where only the day is
	// known: it ends no refusal from then on. Zero: it was received at At.
	From    time.Time     `json:"from,omitzero"`
	Via     string        `json:"via,omitempty"`
	By      string        `json:"by,omitempty"` // who recorded it: a member of the staff, customer, system
	Contact cpni.ID       `json:"contact,omitempty"`
	Proved  []cpni.Method `json:"proved,omitempty"` // how the customer had shown who they are
	Notice  cpni.ID       `json:"notice,omitempty"` // the message that was the notice, or the notice that is answered
	Code    string        `json:"code,omitempty"`   // why a notice is void
	// Of a notice: what it told.
	Kind    string    `json:"kind,omitempty"` // OptOut or OptIn
	Run     cpni.ID   `json:"run,omitempty"`
	Scopes  []string  `json:"scopes,omitempty"`
	Matures time.Time `json:"matures,omitzero"` // when silence counts; zero: it never does
	// Names and Data are the companies and the classes of information that a notice named, or that a yes is for.
	Names    []string         `json:"names,omitempty"`
	Data     []cpni.DataClass `json:"data,omitempty"`
	Evidence *Evidence        `json:"evidence,omitempty"`
	// Over is set of a yes that was recorded only after a refusal that was received later: it never counts, not even when the
	// refusal has been taken back by then.
	Over bool `json:"over,omitempty"`
	// Before is what stood on the account when the first event was kept.
	Before []customer.Approval `json:"before,omitempty"`
}

// Evidence is what shows that something was said.
//
// cite: 47 CFR 64.2007(a)(1)
type Evidence struct {
	Kind string `json:"kind"` // recording, attestation, letter, mail, text, form, signal
	Says string `json:"says,omitempty"`
	Hash string `json:"hash,omitempty"` // SHA-256 of Raw, or of what is kept elsewhere, in hexadecimal
	// Raw is the whole of it, such as a scanned letter. It is kept apart: of an event that is read, it is what Raw of Book gives.
	Raw  []byte `json:"raw,omitempty"`
	Size int    `json:"size,omitempty"` // of Raw, in bytes; 0: it is kept elsewhere
}

// MostEvidence bounds a piece of evidence, in bytes.
const MostEvidence = 2 << 20

// shows reports whether there is something in it by which what was said can be shown.
//
// cite: 47 CFR 64.2007(a)(1)
func (e *Evidence) shows() bool { return e != nil && (e.Says != "" || e.Hash != "" || len(e.Raw) > 0) }

// complete gives evidence its hash.
func (e *Evidence) complete() *Evidence {
	if e == nil {
		return nil
	}
	c := *e
	if len(c.Raw) > 0 {
		h := sha256.Sum256(c.Raw)
		c.Hash, c.Size = hex.EncodeToString(h[:]), len(c.Raw)
	}
	return &c
}

// Kinds of notices.
const (
	OptOut = "opt-out" // silence counts, once its wait is over
	OptIn  = "opt-in"  // only a yes does
)

// mostClocks is how many notices of a scope stand on the account at most; the oldest leaves.
const mostClocks = 6

// apply moves what stands on by an event. It changes neither of them.
//
// cite: P-11, P-14, P-26, I-14, I-15, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(d)
func apply(all []customer.Approval, e Event) []customer.Approval {
	next := slices.Clone(all)
	drop := func(is func(a customer.Approval) bool) { next = slices.DeleteFunc(next, is) }
	switch e.What {
	case Stated:
		return slices.Clone(e.Before)
	case Objected:
		since := e.At
		drop(func(a customer.Approval) bool {
			if a.Scope == e.Scope && a.State == cpni.Denied {
				if a.Since.After(since) {
					since = a.Since // one that was received later has been recorded first
				}
				return true
			}
			// A yes is over. What was given in writing was given: should the refusal be taken back, silence counts as before.
			return a.State == cpni.OptInOK && (a.Scope == e.Scope || e.Scope == customer.Everything)
		})
		return append(next, customer.Approval{Scope: e.Scope, State: cpni.Denied, Since: since})
	case Granted:
		if slices.ContainsFunc(next, func(a customer.Approval) bool {
			return a.Scope == e.Scope && a.State == cpni.OptInOK && a.Since.After(e.from())
		}) {
			return next // what was said later stands, though it was recorded first
		}
		// A yes to some classes of information leaves the refusal of all others, beside itself.
		drop(func(a customer.Approval) bool {
			return a.Scope == e.Scope && (a.State == cpni.OptInOK || len(e.Data) == 0 && a.State == cpni.Denied && a.Since.Before(e.from()))
		})
		if e.Over || refusedSince(next, e.Scope, e.from()) {
			return next // it was over before it was recorded, and does not come back should the refusal be taken back
		}
		return append(next, customer.Approval{Scope: e.Scope, State: cpni.OptInOK, Since: e.from(), Names: e.Names, Data: e.Data, Notice: e.Notice})
	case Lifted:
		drop(func(a customer.Approval) bool {
			return a.Scope == e.Scope && a.State == cpni.Denied && a.Since.Before(e.from())
		})
	case Voided:
		drop(func(a customer.Approval) bool { return e.Notice != "" && a.Notice == e.Notice && clock(a) })
	case Noticed:
		drop(func(a customer.Approval) bool { return a.Notice == e.Notice && clock(a) })
		if e.Kind != OptOut || e.Matures.IsZero() {
			return next
		}
		for _, scope := range e.Scopes {
			next = append(next, customer.Approval{Scope: scope, State: cpni.Waiting, Since: e.At, NoticeAt: e.At, Matures: e.Matures, Names: e.Names, Data: e.Data, Notice: e.Notice})
			next = newest(next, scope)
		}
	}
	return next
}

// refusedSince reports whether a scope was refused, by itself or with everything, at or after a moment.
//
// cite: P-14, I-14
func refusedSince(all []customer.Approval, scope string, at time.Time) bool {
	return slices.ContainsFunc(all, func(a customer.Approval) bool {
		return a.State == cpni.Denied && (a.Scope == scope || a.Scope == customer.Everything) && !a.Since.Before(at)
	})
}

// clock reports whether an approval is what a notice set going.
func clock(a customer.Approval) bool { return a.State == cpni.Waiting || a.State == cpni.OptOutOK }

// newest keeps the newest notices of a scope.
func newest(all []customer.Approval, scope string) []customer.Approval {
	of := func(a customer.Approval) bool { return a.Scope == scope && clock(a) }
	var times []time.Time
	for _, a := range all {
		if of(a) {
			times = append(times, a.NoticeAt)
		}
	}
	if len(times) <= mostClocks {
		return all
	}
	oldest := slices.MinFunc(times, time.Time.Compare)
	i := slices.IndexFunc(all, func(a customer.Approval) bool { return of(a) && a.NoticeAt.Equal(oldest) })
	return slices.Delete(all, i, i+1)
}

// Fold gives what follows from events in the order in which they were recorded.
//
// cite: P-14, P-36
func Fold(events []Event) []customer.Approval {
	var all []customer.Approval
	for i, e := range events {
		e.Over = e.Over || e.over(events[:i])
		all = apply(all, e)
	}
	return all
}

// over reports whether a yes is one that a refusal ended before it was recorded.
//
// cite: P-14, I-14, 47 CFR 64.2007(a)(2)
func (e Event) over(before []Event) bool {
	return e.late() && slices.ContainsFunc(before, func(x Event) bool {
		return x.What == Objected && (x.Scope == e.Scope || x.Scope == customer.Everything) && !x.At.Before(e.from()) || x.What == Stated && refusedSince(x.Before, e.Scope, e.from())
	})
}

// from is the earliest moment at which what an event says may have been received.
func (e Event) from() time.Time {
	if e.From.IsZero() {
		return e.At
	}
	return e.From
}

// late reports whether an event is a yes that was received before it was recorded. What is said at the moment is later than all
// that was recorded before.
func (e Event) late() bool { return e.What == Granted && e.from().Before(e.Recorded) }

// refusedLater is over of a yes that is to be recorded, as tx sees what was recorded before it.
//
// cite: P-14, I-14, 47 CFR 64.2007(a)(2)
func (b *Book) refusedLater(ctx context.Context, tx *store.Tx, of cpni.ID, e Event) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM approval_event WHERE customer_id = $1 AND what = $2 AND scope IN ($3, $4) AND at >= $5",
		string(of), string(Objected), e.Scope, customer.Everything, e.from().UnixMicro()).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("looking for refusals received later: %w", err)
	}
	if n > 0 {
		return true, nil
	}
	// What stood on the account before events were kept may have been taken back since: then only the first event has it.
	stated, err := b.events(ctx, tx, func(place string, sealed []byte) ([]byte, error) {
		return b.vault.OpenStateTx(ctx, tx, of, place, sealed)
	}, eventColumns+" AND what = $2 ORDER BY n", string(of), string(Stated))
	return e.over(stated), err
}

// Allowed tells which event of a customer, by its number, last gave again what a refusal had ended, of those that count from before a
// moment; 0 none did. What refuses in the same words before and after it was said twice.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func (b *Book) Allowed(ctx context.Context, tx *store.Tx, of cpni.ID, before time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, "SELECT coalesce(max(n), 0) FROM approval_event WHERE customer_id = $1 AND what IN ('lifted', 'granted') AND at < $2", string(of), before.UnixMicro()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("looking for what was said since a refusal: %w", err)
	}
	return n, nil
}

// Made reports whether an event is what an answer makes.
func (a Answer) Made(e Event) bool {
	scope := a.Scope
	if scope == "" && a.Says == Object {
		scope = customer.Everything
	}
	return e.What == answers[a.Says] && e.Scope == scope && e.Notice == a.Notice
}

func eventPlace(id cpni.ID) string { return "approval/" + string(id) }

// keep writes an event within the transaction that changes the customer, who is held; before is what stood on the account.
func (b *Book) keep(ctx context.Context, tx *store.Tx, of cpni.ID, before []customer.Approval, e Event) error {
	var n int
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(n), 0) FROM approval_event WHERE customer_id = $1", string(of)).Scan(&n); err != nil {
		return fmt.Errorf("keeping an event of an approval: %w", err)
	}
	if n == 0 && len(before) > 0 {
		n++
		if err := b.insert(ctx, tx, of, n, Event{ID: cpni.NewTimedID(e.Recorded), What: Stated, At: e.Recorded, Recorded: e.Recorded, By: string(cpni.RoleSystem), Before: before}, before); err != nil {
			return err
		}
	}
	return b.insert(ctx, tx, of, n+1, e, apply(before, e))
}

// insert writes an event; after is what stands on the account with it.
func (b *Book) insert(ctx context.Context, tx *store.Tx, of cpni.ID, n int, e Event, after []customer.Approval) error {
	if e.Evidence != nil && len(e.Evidence.Raw) > 0 {
		apart := *e.Evidence
		if err := b.keepRaw(ctx, tx, of, e.ID, apart.Raw); err != nil {
			return err
		}
		apart.Raw = nil
		e.Evidence = &apart
	}
	plain, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("keeping an event of an approval: %w", err)
	}
	sealed, err := b.vault.SealTx(ctx, tx, of, eventPlace(e.ID), plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO approval_event (customer_id, n, event_id, at, recorded, what, scope, notice, sealed, stands) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		string(of), n, string(e.ID), e.At.UnixMicro(), e.Recorded.UnixMicro(), string(e.What), e.Scope, string(e.Notice), sealed, linesOf(after))
	if err != nil {
		return fmt.Errorf("keeping an event of an approval: %w", err)
	}
	return nil
}

const eventColumns = "SELECT event_id, sealed FROM approval_event WHERE customer_id = $1"

// Events lists what was said and given about a customer's approvals, in the order in which it was recorded, with its evidence.
//
// cite: P-36, 47 CFR 64.2007(a)(3), 47 CFR 64.2008(a)(2)
func (b *Book) Events(ctx context.Context, of cpni.ID) ([]Event, error) {
	return b.events(ctx, b.db.Reader(), func(place string, sealed []byte) ([]byte, error) {
		return b.vault.OpenState(ctx, of, place, sealed)
	}, eventColumns+" ORDER BY n", string(of))
}

func (b *Book) events(ctx context.Context, q store.Querier, open func(place string, sealed []byte) ([]byte, error), query string, args ...any) ([]Event, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the events of an approval: %w", err)
	}
	defer rows.Close()
	type row struct {
		id     string
		sealed []byte
	}
	var found []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.sealed); err != nil {
			return nil, fmt.Errorf("reading the events of an approval: %w", err)
		}
		found = append(found, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the events of an approval: %w", err)
	}
	all := make([]Event, len(found))
	for i, r := range found {
		plain, err := open(eventPlace(cpni.ID(r.id)), r.sealed)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(plain, &all[i]); err != nil {
			return nil, fmt.Errorf("reading the events of an approval: %w", err)
		}
	}
	return all, nil
}

// noticed finds the notice that a message was, as it was given to the customer; ok is false when it was not given, or is void.
func (b *Book) noticed(ctx context.Context, tx *store.Tx, of, notice cpni.ID) (given Event, ok bool, err error) {
	if notice == "" {
		return Event{}, false, nil
	}
	all, err := b.events(ctx, tx, func(place string, sealed []byte) ([]byte, error) {
		return b.vault.OpenStateTx(ctx, tx, of, place, sealed)
	}, eventColumns+" AND notice = $2 AND what IN ('noticed', 'void') ORDER BY n", string(of), string(notice))
	if err != nil || len(all) == 0 {
		return Event{}, false, err
	}
	last := all[len(all)-1]
	return last, last.What == Noticed, nil
}
