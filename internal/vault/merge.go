package vault

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/tink"
	"golang.org/x/sync/errgroup"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Portion is calls of one line and month, to be merged into what is there.
type Portion struct {
	Customer cpni.ID
	Line     int
	Month    int // yyyymm in the carrier's zone
	Calls    []Call
}

// Merged counts what MergeCalls did.
type Merged struct {
	Added   int // calls that were not there
	Changed int // calls of which a further leg was told
	Same    int // calls that were there as they are
}

// MergeCalls merges portions into the sealed segments, in tx. What is there is opened and sealed again inside the vault
// and never leaves it. Merging the same calls again changes nothing, and portions are left as they are.
//
// It fails with ErrForgotten when a customer's key is destroyed and with ErrBadCall for what cannot be a call; then the
// transaction must not be committed.
//
// cite: I-24
func (v *Vault) MergeCalls(ctx context.Context, tx *store.Tx, portions []Portion) (Merged, error) {
	s := sealing{vault: v, tx: tx}
	for i := range portions {
		p := &portions[i]
		if !validMonth(p.Month) {
			return Merged{}, fmt.Errorf("vault: %d is not a month", p.Month)
		}
		for j := range p.Calls {
			if !p.Calls[j].sound() {
				return Merged{}, ErrBadCall
			}
		}
	}
	if tx.Dialect() == store.Postgres {
		if err := s.hold(ctx, portions); err != nil {
			return Merged{}, err
		}
	}
	for len(portions) > 0 {
		n := distinct(portions[:min(len(portions), portionsAtOnce)])
		if err := s.together(ctx, portions[:n]); err != nil {
			return Merged{}, err
		}
		portions = portions[n:]
	}
	return s.count, nil
}

// portionsAtOnce is how many segments are merged at once, and on PostgreSQL how many one statement reads or writes.
const portionsAtOnce = 200

// sealing is one call of MergeCalls.
type sealing struct {
	vault *Vault
	tx    *store.Tx
	count Merged
}

// merging is the merging of one portion into what is sealed.
type merging struct {
	portion  *Portion
	key      tink.AEAD
	sealed   []byte // what is there; nil: nothing
	resealed []byte // what is to be written; nil: the portion tells nothing new
	calls    int    // in it
}

// together merges portions, which are all of different places: what is there is read and what comes of it written in the
// transaction, and what lies between is the work of all processors.
func (s *sealing) together(ctx context.Context, portions []Portion) error {
	work := make([]merging, len(portions))
	for i := range portions {
		k, err := s.vault.key(ctx, s.tx, portions[i].Customer)
		if err != nil {
			return err
		}
		work[i] = merging{portion: &portions[i], key: k}
	}
	read, write := s.readMany, s.writeMany
	if s.tx.Dialect() == store.SQLite { // where a statement is a call
		read, write = s.readEach, s.writeEach
	}
	if err := read(ctx, work); err != nil {
		return fmt.Errorf("reading calls: %w", err)
	}
	if err := s.mergeAll(ctx, work); err != nil {
		return err
	}
	if err := write(ctx, slices.DeleteFunc(work, func(m merging) bool { return m.resealed == nil })); err != nil {
		return fmt.Errorf("writing calls: %w", err)
	}
	return nil
}

// mergeAll merges and seals.
func (s *sealing) mergeAll(ctx context.Context, work []merging) error {
	var mu sync.Mutex
	var group errgroup.Group
	each := (len(work) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(work, each) {
		group.Go(func() error {
			w := worker{sealing: s}
			for i := range part {
				if err := w.merge(ctx, &part[i]); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			s.count.Added += w.count.Added
			s.count.Changed += w.count.Changed
			s.count.Same += w.count.Same
			return nil
		})
	}
	return group.Wait()
}

// worker merges one after the other, in what it needs for that.
type worker struct {
	*sealing
	count  Merged
	merger merger
	writer encoder
}

func (w *worker) merge(ctx context.Context, m *merging) error {
	p := m.portion
	place := associated(p.Customer, callsPlace(p.Line, p.Month))
	var there []Call
	if m.sealed != nil {
		plain, err := w.vault.openWith(ctx, w.tx, m.key, p.Customer, place, m.sealed)
		if err != nil {
			return err
		}
		if there, err = decodeSegment(plain); err != nil {
			return err
		}
	}
	all, news := w.merger.into(there, p.Calls, &w.count)
	if !news {
		return nil
	}
	var err error
	if m.resealed, err = m.key.Encrypt(w.writer.encode(all), place); err != nil {
		return fmt.Errorf("sealing calls: %w", err)
	}
	m.calls = len(all)
	return nil
}

func (s *sealing) readEach(ctx context.Context, work []merging) error {
	get, err := s.tx.Prepare(ctx, "SELECT sealed FROM call_segment WHERE customer_id = $1 AND line = $2 AND month = $3")
	if err != nil {
		return err
	}
	defer get.Close()
	for i := range work {
		p := work[i].portion
		if err := get.QueryRowContext(ctx, string(p.Customer), p.Line, p.Month).Scan(&work[i].sealed); err != nil && !store.IsNoRow(err) {
			return err
		}
	}
	return nil
}

const (
	putSegment = "INSERT INTO call_segment (customer_id, line, month, calls, sealed) VALUES "
	onSegment  = " ON CONFLICT (customer_id, line, month) DO UPDATE SET calls = excluded.calls, sealed = excluded.sealed"
)

func (s *sealing) writeEach(ctx context.Context, work []merging) error {
	put, err := s.tx.Prepare(ctx, putSegment+lists(1, 5)+onSegment)
	if err != nil {
		return err
	}
	defer put.Close()
	for _, m := range work {
		if _, err := put.ExecContext(ctx, string(m.portion.Customer), m.portion.Line, m.portion.Month, m.calls, m.resealed); err != nil {
			return err
		}
	}
	return nil
}

func (s *sealing) readMany(ctx context.Context, work []merging) error {
	args := make([]any, 0, 3*len(work))
	at := make(map[segmentKey]int, len(work))
	for i, m := range work {
		args = append(args, string(m.portion.Customer), m.portion.Line, m.portion.Month)
		at[m.portion.key()] = i
	}
	rows, err := s.tx.Query(ctx, "SELECT customer_id, line, month, sealed FROM call_segment WHERE (customer_id, line, month) IN ("+lists(len(work), 3)+")", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k segmentKey
		var sealed []byte
		if err := rows.Scan(&k.customer, &k.line, &k.month, &sealed); err != nil {
			return err
		}
		work[at[k]].sealed = sealed
	}
	return rows.Err()
}

func (s *sealing) writeMany(ctx context.Context, work []merging) error {
	if len(work) == 0 {
		return nil
	}
	args := make([]any, 0, 5*len(work))
	for _, m := range work {
		args = append(args, string(m.portion.Customer), m.portion.Line, m.portion.Month, m.calls, m.resealed)
	}
	_, err := s.tx.Exec(ctx, putSegment+lists(len(work), 5)+onSegment, args...)
	return err
}

// hold locks the customers of portions until tx ends, so that of two that merge into one segment at a time neither
// overwrites the other, and nothing is sealed for a customer who is being forgotten.
func (s *sealing) hold(ctx context.Context, portions []Portion) error {
	var customers []cpni.ID
	for i := range portions {
		if i == 0 || portions[i].Customer != portions[i-1].Customer {
			customers = append(customers, portions[i].Customer)
		}
	}
	slices.Sort(customers) // all lock in one order, so that none waits for another in a ring
	customers = slices.Compact(customers)
	for part := range slices.Chunk(customers, 4*portionsAtOnce) {
		args := make([]any, len(part))
		for i, c := range part {
			args[i] = string(c)
		}
		rows, err := s.tx.Query(ctx, "SELECT customer_id, wrapped FROM customer_key WHERE customer_id IN "+parameters(1, len(part))+
			" ORDER BY customer_id FOR NO KEY UPDATE", args...)
		if err != nil {
			return fmt.Errorf("reading customers' keys: %w", err)
		}
		var held []wrappedKey
		for rows.Next() {
			var w wrappedKey
			if err := rows.Scan(&w.customer, &w.wrapped); err != nil {
				rows.Close()
				return fmt.Errorf("reading customers' keys: %w", err)
			}
			held = append(held, w)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("reading customers' keys: %w", err)
		}
		rows.Close()
		if len(held) < len(part) {
			return ErrForgotten
		}
		for _, w := range held {
			if err := s.vault.warm(ctx, s.tx, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// warm keeps a customer's cipher ready, of a key that has been read already.
func (v *Vault) warm(ctx context.Context, tx *store.Tx, w wrappedKey) error {
	_, ok, drops := v.keys.get(tx, w.customer)
	if ok {
		return nil
	}
	k, err := v.cipher(ctx, tx, w.customer, w.wrapped)
	if err != nil {
		return err
	}
	v.keys.put(w.customer, k, drops)
	return nil
}

// segmentKey is the primary key of a segment.
type segmentKey struct {
	customer    cpni.ID
	line, month int
}

func (p *Portion) key() segmentKey { return segmentKey{p.Customer, p.Line, p.Month} }

// distinct is how many portions from the first on are of different places.
func distinct(portions []Portion) int {
	met := make(map[segmentKey]bool, len(portions))
	for i := range portions {
		k := portions[i].key()
		if met[k] {
			return i
		}
		met[k] = true
	}
	return len(portions)
}

// parameters gives ($from, $from+1, …) with n parameters.
func parameters(from, n int) string {
	b := []byte{'('}
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, '$'), int64(from+i), 10)
	}
	return string(append(b, ')'))
}

// lists gives rows lists of width parameters each.
func lists(rows, width int) string {
	all := make([]string, rows)
	for i := range all {
		all[i] = parameters(1+i*width, width)
	}
	return strings.Join(all, ",")
}
