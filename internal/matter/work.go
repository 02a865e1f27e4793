package matter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Note adds a note to an open matter; it counts as work on it.
func (r *Register) Note(ctx context.Context, id cpni.ID, by, text string) (*Matter, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > longestWhy || !utf8.ValidString(text) {
		return nil, errNote
	}
	return r.work(ctx, id, by, text, func(m *Matter, now time.Time) string {
		m.Touched, m.Reminded = now, time.Time{}
		return "noted"
	})
}

// Close ends a matter with what came of it and why. From its commit on it justifies nothing: a decision that rests on it and
// is not recorded yet is made again.
//
// cite: P-28, P-34, 47 USC 222(c)(1)
func (r *Register) Close(ctx context.Context, id cpni.ID, by string, o Outcome, reason string) (*Matter, error) {
	reason = strings.TrimSpace(reason)
	switch {
	case !slices.Contains(Outcomes, o):
		return nil, errOutcome
	case reason == "" || len(reason) > longestWhy || !utf8.ValidString(reason):
		return nil, errReason
	}
	return r.work(ctx, id, by, reason, func(m *Matter, now time.Time) string { return m.close(by, o, now) })
}

func (m *Matter) close(by string, o Outcome, now time.Time) string {
	m.State, m.Outcome, m.Closed, m.Closer = Closed, o, now, by
	return "closed: " + string(o)
}

// work does one thing in an open matter that nobody else changes meanwhile. The matter, its history, the profile of a customer
// whose number is ported, and the ledger tell of it together. do gives "" when there is nothing to do.
func (r *Register) work(ctx context.Context, id cpni.ID, by, note string, do func(m *Matter, now time.Time) (what string)) (*Matter, error) {
	m, err := r.Get(ctx, id) // whom it is about never changes
	if err != nil {
		return nil, err
	}
	now := r.parts.Clock.Now()
	_, err = r.parts.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		query := "SELECT " + columns + " FROM matter WHERE matter_id = $1"
		if tx.Dialect() == store.Postgres {
			query += " FOR UPDATE"
		}
		stands, _, err := scanMatter(tx.QueryRow(ctx, query, string(id)).Scan)
		if store.IsNoRow(err) {
			return nil, ErrNone
		}
		if err != nil {
			return nil, fmt.Errorf("reading a matter: %w", err)
		}
		if stands.State == Closed {
			return nil, errClosed
		}
		stands.Customers, stands.Text, stands.Unread = m.Customers, m.Text, m.Unread
		what := do(stands, now)
		if m = stands; what == "" {
			return nil, nil
		}
		m.version++
		if _, err := tx.Exec(ctx, "UPDATE matter SET version = $1, state = $2, touched = $3, reminded = $4, closed = $5, closer = $6, outcome = $7 WHERE matter_id = $8",
			m.version, string(m.State), m.Touched.UnixMicro(), micros(m.Reminded), micros(m.Closed), m.Closer, string(m.Outcome), string(m.ID)); err != nil {
			return nil, fmt.Errorf("writing a matter: %w", err)
		}
		if err := r.step(ctx, tx, m, by, what, note); err != nil {
			return nil, err
		}
		return r.tell(ctx, tx, m, by, what, note, now)
	})
	r.Drop(id)
	if err != nil {
		return nil, plainly(err)
	}
	if m.Kind == PortOut {
		for _, a := range m.Customers {
			r.parts.Customers.Drop(a.Customer)
		}
	}
	return m, nil
}

// tell gives the entries about what was done in a matter, one for each customer whom it is about, and has the profile know
// that a port has ended.
//
// cite: P-33, P-41, 47 USC 222(b)
func (r *Register) tell(ctx context.Context, tx *store.Tx, m *Matter, by, what, note string, now time.Time) ([]ledger.Entry, error) {
	detail := r.detail(m, what)
	if note != "" {
		sum := sha256.Sum256([]byte(note))
		detail["note_sha256"] = hex.EncodeToString(sum[:])
	}
	var entries []ledger.Entry
	for _, a := range m.Customers {
		if m.Kind == PortOut && m.State == Closed {
			_, some, err := r.parts.Customers.UpdateTx(ctx, tx, a.Customer, func(p *customer.Profile) (customer.Change, error) {
				p.PortEnds(m.ID, now)
				return customer.Change{Actor: by, Detail: detail}, nil
			})
			if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
				continue
			}
			if err != nil {
				return nil, err
			}
			entries = append(entries, some...)
			continue
		}
		e, err := r.parts.Vault.Entry(ctx, tx, ledger.Entry{Customer: a.Customer, Kind: ledger.Change, At: now, Actor: by, Outcome: cpni.OK}, detail)
		if errors.Is(err, vault.ErrForgotten) {
			continue
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if len(entries) > 0 {
		return entries, nil
	}
	e, err := r.parts.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK}, detail)
	return []ledger.Entry{e}, err
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func notePlace(id cpni.ID, n int) string { return "matter/" + string(id) + "/" + strconv.Itoa(n) }

// step writes what was done. A note of a matter about somebody who was forgotten is not kept: the ledger has its hash.
func (r *Register) step(ctx context.Context, tx *store.Tx, m *Matter, by, what, note string) error {
	var n int
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(n), 0) + 1 FROM matter_history WHERE matter_id = $1", string(m.ID)).Scan(&n); err != nil {
		return fmt.Errorf("writing the history of a matter: %w", err)
	}
	sealed := []byte{}
	if note != "" {
		var err error
		sealed, err = r.seal(ctx, tx, m.keys(), notePlace(m.ID, n), []byte(note))
		if errors.Is(err, vault.ErrForgotten) {
			sealed, err = []byte{}, nil
		}
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "INSERT INTO matter_history (matter_id, n, at, by_actor, what, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
		string(m.ID), n, r.parts.Clock.Now().UnixMicro(), by, what, sealed)
	if err != nil {
		return fmt.Errorf("writing the history of a matter: %w", err)
	}
	return nil
}

// touchAgain is how much later work on a matter is written down again.
const touchAgain = time.Hour

// Touch notes that a matter is worked on: information was asked for under it. It changes nothing that the matter justifies.
func (r *Register) Touch(ctx context.Context, id cpni.ID, at time.Time) error {
	m, err := r.recent(ctx, id)
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil || m.State != Open || m.Reminded.IsZero() && at.Before(m.Touched.Add(touchAgain)) {
		return err
	}
	err = r.parts.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE matter SET touched = $1, reminded = 0 WHERE matter_id = $2 AND state = 'open' AND touched < $1", at.UnixMicro(), string(id))
		return err
	})
	r.Drop(id)
	if err != nil {
		return fmt.Errorf("noting work on a matter: %w", err)
	}
	return nil
}

// mostDue bounds how many matters one run of Due takes up.
const mostDue = 200

// Due closes matters that nobody works on any more or that have lasted too long, and reminds of those that lie. Done again, or
// on another node, it does nothing twice.
//
// cite: P-28, P-34, 47 USC 222(c)(1), 47 USC 222(d)
func (r *Register) Due(ctx context.Context) error {
	now := r.parts.Clock.Now()
	n := r.parts.Numbers(now)
	var failed []error
	for _, k := range Kinds {
		t := n.Kinds[k]
		failed = append(failed,
			r.each(ctx, "(touched <= $2 OR opened <= $3)", k, now.Add(-t.Close), now.Add(-t.Longest), func(m *Matter, now time.Time) string {
				if !m.over(n, now) {
					return ""
				}
				return m.close(Itself, Lapsed, now)
			}),
			r.each(ctx, "reminded = 0 AND touched <= $2 AND opened < $3", k, now.Add(-t.Remind), now, func(m *Matter, now time.Time) string {
				if !m.Reminded.IsZero() || now.Before(m.Touched.Add(t.Remind)) {
					return ""
				}
				m.Reminded = now
				return "reminded"
			}))
	}
	return errors.Join(failed...)
}

// each does something in each open matter of a kind for which where holds.
func (r *Register) each(ctx context.Context, where string, k Kind, a, b time.Time, do func(m *Matter, now time.Time) string) error {
	rows, err := r.parts.DB.Reader().Query(ctx, "SELECT matter_id FROM matter WHERE state = 'open' AND kind = $1 AND "+where+" ORDER BY touched LIMIT $4", string(k), a.UnixMicro(), b.UnixMicro(), mostDue)
	if err != nil {
		return fmt.Errorf("looking for matters that lie: %w", err)
	}
	defer rows.Close()
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("looking for matters that lie: %w", err)
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("looking for matters that lie: %w", err)
	}
	var failed []error
	for _, id := range ids {
		_, err := r.work(ctx, id, Itself, "", do)
		var refusal *cpni.Refusal
		if err != nil && !errors.As(err, &refusal) { // refused: somebody has closed it meanwhile
			failed = append(failed, fmt.Errorf("working on a matter that lies: %w", err))
		}
	}
	return errors.Join(failed...)
}
