package vault

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tink-crypto/tink-go/v2/tink"

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
	if tx.Dialect() == store.SQLite {
		err := s.oneByOne(ctx, portions)
		return s.count, err
	}
	if err := s.hold(ctx, portions); err != nil {
		return Merged{}, err
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

// portionsAtOnce is how many segments one statement reads or writes on PostgreSQL, where a statement is a journey.
const portionsAtOnce = 200

// sealing is one call of MergeCalls.
type sealing struct {
	vault  *Vault
	tx     *store.Tx
	count  Merged
	merger merger
	writer encoder
}

// merge merges p into what is sealed (nil: nothing) and returns what is to be written: nil when p tells nothing new.
func (s *sealing) merge(ctx context.Context, p *Portion, sealed []byte) (resealed []byte, calls int, err error) {
	k, err := s.vault.key(ctx, s.tx, p.Customer)
	if err != nil {
		return nil, 0, err
	}
	place := associated(p.Customer, callsPlace(p.Line, p.Month))
	var there []Call
	if sealed != nil {
		plain, err := s.vault.openWith(ctx, s.tx, k, p.Customer, place, sealed)
		if err != nil {
			return nil, 0, err
		}
		if there, err = decodeSegment(plain); err != nil {
			return nil, 0, err
		}
	}
	all, news := s.merger.into(there, p.Calls, &s.count)
	if !news {
		return nil, 0, nil
	}
	if resealed, err = s.seal(k, all, place); err != nil {
		return nil, 0, err
	}
	return resealed, len(all), nil
}

func (s *sealing) seal(k tink.AEAD, calls []Call, place []byte) ([]byte, error) {
	sealed, err := k.Encrypt(s.writer.encode(calls), place)
	if err != nil {
		return nil, fmt.Errorf("sealing calls: %w", err)
	}
	return sealed, nil
}

// oneByOne is the way of SQLite, where a statement is a call.
func (s *sealing) oneByOne(ctx context.Context, portions []Portion) error {
	get, err := s.tx.Prepare(ctx, "SELECT sealed FROM call_segment WHERE customer_id = $1 AND line = $2 AND month = $3")
	if err != nil {
		return fmt.Errorf("preparing to read calls: %w", err)
	}
	defer get.Close()
	put, err := s.tx.Prepare(ctx, "INSERT INTO call_segment (customer_id, line, month, calls, sealed) VALUES ($1, $2, $3, $4, $5)"+onSegment)
	if err != nil {
		return fmt.Errorf("preparing to write calls: %w", err)
	}
	defer put.Close()
	for i := range portions {
		p := &portions[i]
		var sealed []byte
		if err := get.QueryRowContext(ctx, string(p.Customer), p.Line, p.Month).Scan(&sealed); err != nil && !store.IsNoRow(err) {
			return fmt.Errorf("reading calls: %w", err)
		}
		resealed, calls, err := s.merge(ctx, p, sealed)
		if err != nil {
			return err
		}
		if resealed == nil {
			continue
		}
		if _, err := put.ExecContext(ctx, string(p.Customer), p.Line, p.Month, calls, resealed); err != nil {
			return fmt.Errorf("writing calls: %w", err)
		}
	}
	return nil
}

const onSegment = " ON CONFLICT (customer_id, line, month) DO UPDATE SET calls = excluded.calls, sealed = excluded.sealed"

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

// together is the way of PostgreSQL: one statement reads the segments of portions, which are all of different places,
// and one writes them.
func (s *sealing) together(ctx context.Context, portions []Portion) error {
	args := make([]any, 0, 3*len(portions))
	for i := range portions {
		p := &portions[i]
		args = append(args, string(p.Customer), p.Line, p.Month)
	}
	rows, err := s.tx.Query(ctx, "SELECT customer_id, line, month, sealed FROM call_segment WHERE (customer_id, line, month) IN ("+
		lists(len(portions), 3)+")", args...)
	if err != nil {
		return fmt.Errorf("reading calls: %w", err)
	}
	there := make(map[segmentKey][]byte, len(portions))
	for rows.Next() {
		var k segmentKey
		var sealed []byte
		if err := rows.Scan(&k.customer, &k.line, &k.month, &sealed); err != nil {
			rows.Close()
			return fmt.Errorf("reading calls: %w", err)
		}
		there[k] = sealed
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading calls: %w", err)
	}
	rows.Close()
	args = args[:0]
	for i := range portions {
		p := &portions[i]
		resealed, calls, err := s.merge(ctx, p, there[p.key()])
		if err != nil {
			return err
		}
		if resealed != nil {
			args = append(args, string(p.Customer), p.Line, p.Month, calls, resealed)
		}
	}
	if len(args) == 0 {
		return nil
	}
	if _, err := s.tx.Exec(ctx, "INSERT INTO call_segment (customer_id, line, month, calls, sealed) VALUES "+lists(len(args)/5, 5)+onSegment, args...); err != nil {
		return fmt.Errorf("writing calls: %w", err)
	}
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
