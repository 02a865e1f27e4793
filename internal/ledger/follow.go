package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Told is an entry as it is told to who follows the tree: where it stands, and which rules decided. Its sealed record is
// not read.
type Told struct {
	Entry
	Seq     int64
	Missing bool // the tree has the entry and the database no longer has its record
}

// nobody stands for no customer in what a commit tells.
const nobody = "-"

// aboutOf says of each entry of a commit about whom it is and which rules decided: one a line. With it the record is
// found without an index that every commit would have to keep.
func aboutOf(entries []Entry) string {
	var b strings.Builder
	for _, e := range entries {
		of := string(e.Customer)
		if of == "" {
			of = nobody
		}
		b.WriteString(of)
		b.WriteByte(' ')
		b.WriteString(string(e.ID))
		for _, r := range e.Decided {
			b.WriteByte(' ')
			b.WriteString(r)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// told reads what aboutOf has written of a commit whose first entry stands at first.
func told(about string, first int64, count int) ([]Told, error) {
	lines := strings.Split(strings.TrimSuffix(about, "\n"), "\n")
	if len(lines) != count {
		return nil, fmt.Errorf("what is told of the commit at %d is of %d entries, not of %d: %w", first, len(lines), count, ErrUntold)
	}
	all := make([]Told, count)
	for i, line := range lines {
		f := strings.Fields(line)
		if len(f) < 2 {
			return nil, fmt.Errorf("what is told of the commit at %d: %w", first, ErrUntold)
		}
		if f[0] == nobody {
			f[0] = ""
		}
		all[i] = Told{Entry: Entry{Customer: cpni.ID(f[0]), ID: cpni.ID(f[1]), Decided: f[2:]}, Seq: first + int64(i)}
	}
	return all, nil
}

// ErrUntold: the commits were told before, or were made by a program that told nothing. What they hold is found by
// reading the records, as EachPlaced does.
var ErrUntold = errors.New("the ledger no longer tells of these entries")

// Head is how many entries the tree has.
func (l *Ledger) Head(ctx context.Context) (int64, error) {
	var n int64
	err := l.db.Reader().QueryRow(ctx, "SELECT coalesce(max(first_seq + count), 0) FROM ledger_span").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("reading the size of the tree: %w", err)
	}
	return n, nil
}

// After tells what stands in the tree from the place from on, in its order, in whole commits and about most entries.
func (l *Ledger) After(ctx context.Context, from int64, most int) ([]Told, error) {
	rows, err := l.db.Reader().Query(ctx, "SELECT first_seq, count, about FROM ledger_span WHERE first_seq >= $1 ORDER BY first_seq LIMIT $2", from, most)
	if err != nil {
		return nil, fmt.Errorf("following the tree: %w", err)
	}
	defer rows.Close()
	var all []Told
	for rows.Next() && len(all) < most {
		var first int64
		var count int
		var about string
		if err := rows.Scan(&first, &count, &about); err != nil {
			return nil, fmt.Errorf("following the tree: %w", err)
		}
		some, err := told(about, first, count)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("following the tree: %w", err)
	}
	return all, l.complete(ctx, all)
}

const openColumns = "customer_id, id, kind, at, actor, contact, purpose, recipient, outcome, code, rules"

// atOnce is how many records one query reads.
const atOnce = 32

var recordsOf = map[int]string{1: pairs(1), atOnce: pairs(atOnce)}

func pairs(n int) string {
	one := make([]string, n)
	for i := range one {
		one[i] = fmt.Sprintf("(customer_id = $%d AND id = $%d)", 2*i+1, 2*i+2)
	}
	return "SELECT " + openColumns + " FROM record WHERE " + strings.Join(one, " OR ")
}

// complete reads the columns of what is told.
func (l *Ledger) complete(ctx context.Context, all []Told) error {
	found := make(map[cpni.ID]Entry, len(all))
	for rest := all; len(rest) > 0; {
		n := 1
		if len(rest) >= atOnce {
			n = atOnce
		}
		args := make([]any, 0, 2*n)
		for _, t := range rest[:n] {
			args = append(args, string(t.Customer), string(t.ID))
		}
		rest = rest[n:]
		rows, err := l.db.Reader().Query(ctx, recordsOf[n], args...)
		if err != nil {
			return fmt.Errorf("reading what is told: %w", err)
		}
		err = eachRow(rows, func() error {
			e, err := scanOpen(rows.Scan)
			found[e.ID] = e
			return err
		})
		if err != nil {
			return fmt.Errorf("reading what is told: %w", err)
		}
	}
	for i := range all {
		e, ok := found[all[i].ID]
		if !ok {
			all[i].Missing = true
			continue
		}
		e.Decided = all[i].Decided
		all[i].Entry = e
	}
	return nil
}

func scanOpen(scan func(...any) error) (Entry, error) {
	var e Entry
	var at int64
	err := scan(&e.Customer, &e.ID, &e.Kind, &at, &e.Actor, &e.Contact, &e.Purpose, &e.Recipient, &e.Outcome, &e.Code, &e.Rules)
	e.At = time.UnixMicro(at).UTC()
	return e, err
}

// Followed lets what was told before the place to be forgotten.
func Followed(ctx context.Context, tx *store.Tx, from, to int64) error {
	_, err := tx.Exec(ctx, "UPDATE ledger_span SET about = '' WHERE first_seq >= $1 AND first_seq < $2", from, to)
	return err
}

// EachPlaced gives at most most records behind one of customer and id, by customer and then by id, with the place of each
// in the tree. Those that are not in the tree yet, or stand at or behind before, are left out.
func (l *Ledger) EachPlaced(ctx context.Context, customer, id cpni.ID, before int64, most int, do func(Row, int64) error) error {
	rows, err := l.db.Reader().Query(ctx, `SELECT r.customer_id, r.id, r.kind, r.at, r.actor, r.contact, r.purpose, r.recipient, r.outcome, r.code, r.rules, r.permits,
		r.node, r.n, r.pos, r.commitment, r.sealed, s.first_seq + r.pos
		FROM record r JOIN ledger_span s ON s.node = r.node AND s.n = r.n
		WHERE (r.customer_id, r.id) > ($1, $2) AND s.first_seq < $3 ORDER BY r.customer_id, r.id LIMIT $4`, string(customer), string(id), before, most)
	if err != nil {
		return fmt.Errorf("reading records: %w", err)
	}
	return eachRow(rows, func() error {
		var seq int64
		r, err := scanRow(func(into ...any) error { return rows.Scan(append(into, &seq)...) })
		if err != nil {
			return err
		}
		return do(r, seq)
	})
}
