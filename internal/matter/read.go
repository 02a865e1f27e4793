package matter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

const columns = "matter_id, version, kind, state, opened, opener, touched, reminded, closed, closer, outcome, partner, data, sealed"

func scanMatter(scan func(...any) error) (m *Matter, sealed []byte, err error) {
	m = &Matter{}
	var opened, touched, reminded, closed int64
	var data string
	err = scan(&m.ID, &m.version, &m.Kind, &m.State, &opened, &m.Opener, &touched, &reminded, &closed, &m.Closer, &m.Outcome, &m.Partner, &data, &sealed)
	m.Opened, m.Touched, m.Reminded, m.Closed, m.Data = moment(opened), moment(touched), moment(reminded), moment(closed), split(data)
	return m, sealed, err
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Get reads a matter as it stands in the database.
func (r *Register) Get(ctx context.Context, id cpni.ID) (*Matter, error) {
	if !id.Valid() {
		return nil, ErrNone
	}
	all, err := r.read(ctx, "matter_id = $1", string(id))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return all[0], nil
}

// read reads matters with everything about them.
func (r *Register) read(ctx context.Context, where string, args ...any) ([]*Matter, error) {
	drops := r.dropped()
	q := r.parts.DB.Reader()
	rows, err := q.Query(ctx, "SELECT "+columns+" FROM matter WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading matters: %w", err)
	}
	defer rows.Close()
	var all []*Matter
	var texts [][]byte
	var ids []string
	of := map[cpni.ID]*Matter{}
	for rows.Next() {
		m, sealed, err := scanMatter(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading matters: %w", err)
		}
		all, texts, ids = append(all, m), append(texts, sealed), append(ids, string(m.ID))
		of[m.ID] = m
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading matters: %w", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	if err := r.readAbout(ctx, of, ids); err != nil {
		return nil, err
	}
	for i, m := range all {
		text, err := r.unseal(ctx, m.keys(), place(m.ID), texts[i])
		if err != nil {
			return nil, err
		}
		if m.Unread = text == nil; !m.Unread {
			if err := json.Unmarshal(text, &m.Text); err != nil {
				return nil, fmt.Errorf("reading a matter: %w", err)
			}
		}
		r.keep(m, drops)
	}
	return all, nil
}

// readAbout reads whom matters are about.
func (r *Register) readAbout(ctx context.Context, of map[cpni.ID]*Matter, ids []string) error {
	db := r.parts.DB
	rows, err := db.Reader().Query(ctx, "SELECT matter_id, customer_id, sealed FROM matter_about WHERE matter_id IN "+db.Listed(1)+" ORDER BY matter_id, customer_id", db.List(ids))
	if err != nil {
		return fmt.Errorf("reading whom matters are about: %w", err)
	}
	defer rows.Close()
	type part struct {
		matter, customer cpni.ID
		sealed           []byte
	}
	var parts []part
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.matter, &p.customer, &p.sealed); err != nil {
			return fmt.Errorf("reading whom matters are about: %w", err)
		}
		parts = append(parts, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("reading whom matters are about: %w", err)
	}
	for _, p := range parts {
		a := About{Customer: p.customer}
		plain, err := r.parts.Vault.OpenState(ctx, p.customer, linesPlace(p.matter), p.sealed)
		if err != nil && !errors.Is(err, vault.ErrForgotten) {
			return err
		}
		if err == nil {
			if err := json.Unmarshal(plain, &a.Lines); err != nil {
				return fmt.Errorf("reading a matter: %w", err)
			}
		}
		m := of[p.matter]
		m.Customers = append(m.Customers, a)
	}
	return nil
}

// keys are those under which a matter's texts lie.
func (m *Matter) keys() []cpni.ID {
	all := make([]cpni.ID, len(m.Customers))
	for i, a := range m.Customers {
		all[i] = a.Customer
	}
	return all
}

// recent gives a matter as this node has last seen it. It is shared: do not change it.
func (r *Register) recent(ctx context.Context, id cpni.ID) (*Matter, error) {
	r.mu.RLock()
	m, ok := r.cache[id]
	r.mu.RUnlock()
	if ok {
		return m, nil
	}
	return r.Get(ctx, id)
}

func (r *Register) dropped() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.drops
}

// keep remembers a matter as it was read after dropped said drops.
func (r *Register) keep(m *Matter, drops uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.cache[m.ID]; r.drops != drops || ok && old.version > m.version {
		return
	}
	for id := range r.cache {
		if len(r.cache) < mostCached {
			break
		}
		delete(r.cache, id)
	}
	r.cache[m.ID] = m
}

// Drop forgets what this node has last seen of a matter.
func (r *Register) Drop(id cpni.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops++
	delete(r.cache, id)
}

func (r *Register) dropAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops++
	clear(r.cache)
}

// Find gives the matter that a name stands for: its id, or the number that the carrier's own system gave it. Of several with
// one number it is the open one, or the newest. Only matters of the named kinds are looked at; ErrNone: there is none.
func (r *Register) Find(ctx context.Context, name string, among ...Kind) (*Matter, error) {
	id, err := r.named(ctx, name, among)
	if err != nil {
		return nil, err
	}
	return r.Get(ctx, id)
}

func (r *Register) named(ctx context.Context, name string, among []Kind) (cpni.ID, error) {
	if id := cpni.ID(name); id.Valid() {
		return id, nil
	}
	if len(oneLine(name)) > longestReference {
		return "", ErrNone
	}
	var best cpni.ID
	var bestOpened int64
	var bestOpen bool
	for _, k := range among {
		var id cpni.ID
		var opened int64
		var state State
		err := r.parts.DB.Reader().QueryRow(ctx, "SELECT matter_id, opened, state FROM matter WHERE token = $1 ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, opened DESC, matter_id DESC LIMIT 1", r.token(k, name)).
			Scan(&id, &opened, &state)
		if store.IsNoRow(err) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("looking for a matter: %w", err)
		}
		open := state == Open
		if best == "" || open && !bestOpen || open == bestOpen && opened > bestOpened {
			best, bestOpened, bestOpen = id, opened, open
		}
	}
	if best == "" {
		return "", ErrNone
	}
	return best, nil
}

// Numbered gives the ids of all matters that have had a number, whatever their kind, open or closed.
func (r *Register) Numbered(ctx context.Context, number string) ([]cpni.ID, error) {
	if len(oneLine(number)) > longestReference {
		return nil, nil
	}
	var all []cpni.ID
	for _, k := range Kinds {
		rows, err := r.parts.DB.Reader().Query(ctx, "SELECT matter_id FROM matter WHERE token = $1 ORDER BY matter_id", r.token(k, number))
		if err != nil {
			return nil, fmt.Errorf("looking for matters: %w", err)
		}
		for rows.Next() {
			var id cpni.ID
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return nil, fmt.Errorf("looking for matters: %w", err)
			}
			all = append(all, id)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("looking for matters: %w", err)
		}
	}
	return all, nil
}

// Number gives the number that the carrier's own system gave a matter; "" when there is no such matter, or when what is written in
// it can be read no more.
func (r *Register) Number(ctx context.Context, id cpni.ID) (string, error) {
	m, err := r.Get(ctx, id)
	if errors.Is(err, ErrNone) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return m.Reference, nil
}

// Filter narrows List; what is empty does not.
type Filter struct {
	Kinds    []Kind
	State    State
	Customer cpni.ID
	Idle     bool    // only those that lie
	Before   cpni.ID // only those that are older than this one: the cursor
	Limit    int     // at most so many; 0 for 100
}

// List gives matters, the newest first.
func (r *Register) List(ctx context.Context, f Filter) ([]*Matter, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	if len(f.Kinds) == 0 {
		f.Kinds = Kinds
	}
	idle := 0
	if f.Idle {
		idle = 1
	}
	db := r.parts.DB
	names := make([]string, len(f.Kinds))
	for i, k := range f.Kinds {
		names[i] = string(k)
	}
	return r.read(ctx, "kind IN "+db.Listed(1)+` AND ($2 = '' OR state = $2) AND ($3 = '' OR matter_id IN (SELECT matter_id FROM matter_about WHERE customer_id = $3))
		AND ($4 = 0 OR state = 'open' AND reminded > 0)
		AND ($5 = '' OR opened < (SELECT opened FROM matter WHERE matter_id = $5) OR opened = (SELECT opened FROM matter WHERE matter_id = $5) AND matter_id < $5)
		ORDER BY opened DESC, matter_id DESC LIMIT $6`, db.List(names), string(f.State), string(f.Customer), idle, string(f.Before), f.Limit)
}

// Count is how many matters of a kind run, and how many of them lie.
type Count struct{ Open, Idle int }

// Counts counts the matters that run, by kind.
func (r *Register) Counts(ctx context.Context) (map[Kind]Count, error) {
	rows, err := r.parts.DB.Reader().Query(ctx, "SELECT kind, count(*), coalesce(sum(CASE WHEN reminded > 0 THEN 1 ELSE 0 END), 0) FROM matter WHERE state = 'open' GROUP BY kind")
	if err != nil {
		return nil, fmt.Errorf("counting matters: %w", err)
	}
	defer rows.Close()
	all := map[Kind]Count{}
	for rows.Next() {
		var k Kind
		var c Count
		if err := rows.Scan(&k, &c.Open, &c.Idle); err != nil {
			return nil, fmt.Errorf("counting matters: %w", err)
		}
		all[k] = c
	}
	return all, rows.Err()
}

// History gives what was done in a matter, the oldest first.
func (r *Register) History(ctx context.Context, m *Matter) ([]Step, error) {
	rows, err := r.parts.DB.Reader().Query(ctx, "SELECT n, at, by_actor, what, sealed FROM matter_history WHERE matter_id = $1 ORDER BY n", string(m.ID))
	if err != nil {
		return nil, fmt.Errorf("reading the history of a matter: %w", err)
	}
	defer rows.Close()
	var all []Step
	var texts [][]byte
	var places []int
	for rows.Next() {
		var s Step
		var n int
		var at int64
		var sealed []byte
		if err := rows.Scan(&n, &at, &s.By, &s.What, &sealed); err != nil {
			return nil, fmt.Errorf("reading the history of a matter: %w", err)
		}
		s.At = moment(at)
		all, texts, places = append(all, s), append(texts, sealed), append(places, n)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the history of a matter: %w", err)
	}
	for i := range all {
		if len(texts[i]) == 0 {
			continue
		}
		text, err := r.unseal(ctx, m.keys(), notePlace(m.ID, places[i]), texts[i])
		if err != nil {
			return nil, err
		}
		all[i].Note, all[i].Unread = string(text), text == nil
	}
	return all, nil
}

// Ported lists the customers of whom another carrier has asked for a number, in a port that runs or ended less than after ago: those
// whom nobody markets to, but of other lines that are named one by one. It is for whoever looks at all customers at once; their
// profiles say the same.
//
// cite: P-33, V104, 47 USC 222(b)
func (r *Register) Ported(ctx context.Context, at time.Time, after time.Duration) ([]cpni.ID, error) {
	rows, err := r.parts.DB.Reader().Query(ctx, "SELECT DISTINCT a.customer_id FROM matter m JOIN matter_about a ON a.matter_id = m.matter_id WHERE m.kind = $1 AND (m.state = 'open' OR m.closed > $2) ORDER BY a.customer_id",
		string(PortOut), at.Add(-after).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("listing customers whose numbers are ported: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("listing customers whose numbers are ported: %w", err)
		}
		all = append(all, id)
	}
	return all, rows.Err()
}
