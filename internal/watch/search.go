package watch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// Found is an entry as a search finds it.
type Found struct {
	Seq      int64
	ID       cpni.ID
	Customer cpni.ID // "" for what concerns the carrier itself
	At       time.Time
	Actor    string
	Contact  string
	Kind     ledger.Kind
	Purpose  string
	Outcome  cpni.Outcome
	Code     cpni.Code
	Lone     bool // a look-up that no contact came with
}

const foundColumns = "seq, entry_id, customer_id, at, actor, contact, kind, purpose, outcome, code, lone"

func scanFound(scan func(...any) error) (Found, error) {
	var f Found
	var at, lone int64
	err := scan(&f.Seq, &f.ID, &f.Customer, &at, &f.Actor, &f.Contact, &f.Kind, &f.Purpose, &f.Outcome, &f.Code, &lone)
	f.At, f.Lone = time.UnixMicro(at).UTC(), lone != 0
	return f, err
}

// Query narrows Search; what is empty does not.
type Query struct {
	Customer cpni.ID
	Actor    string // a member, a key's member, or customer
	Kind     ledger.Kind
	Outcome  cpni.Outcome
	Code     cpni.Code
	Refused  bool      // only what was not permitted
	From, To time.Time // From is included, To is not
	Before   Cursor    // only what is older
	Limit    int       // at most so many; 0 for 100
}

// Cursor is where a page of a search ends.
type Cursor struct {
	At  time.Time
	Seq int64
}

// Search finds what is in the tree, across customers, the newest first. What happened within the last second or so may not
// be there yet.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (w *Watch) Search(ctx context.Context, q Query) ([]Found, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	query, args := q.where("SELECT " + foundColumns + " FROM watch_entry")
	args = append(args, q.Limit)
	rows, err := w.parts.DB.Reader().Query(ctx, query+fmt.Sprintf(" ORDER BY at DESC, seq DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("searching the ledger: %w", err)
	}
	defer rows.Close()
	var all []Found
	for rows.Next() {
		f, err := scanFound(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("searching the ledger: %w", err)
		}
		all = append(all, f)
	}
	return all, rows.Err()
}

// Found counts what Search finds, wherever a page begins, and stops counting at most.
//
// cite: P-37, P-41
func (w *Watch) Found(ctx context.Context, q Query, most int) (n int, err error) {
	q.Before = Cursor{}
	query, args := q.where("SELECT 1 AS one FROM watch_entry")
	args = append(args, most)
	if err := w.parts.DB.Reader().QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM (%s LIMIT $%d) AS found", query, len(args)), args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting what a search finds: %w", err)
	}
	return n, nil
}

// where adds the conditions to a query, and gives what they compare with.
func (q Query) where(query string) (string, []any) {
	var conditions []string
	var args []any
	where := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		conditions = append(conditions, condition)
	}
	for _, c := range []struct{ column, value string }{{"customer_id", string(q.Customer)}, {"actor", q.Actor}, {"kind", string(q.Kind)}, {"outcome", string(q.Outcome)}, {"code", string(q.Code)}} {
		if c.value != "" {
			where(c.column+" = ?", c.value)
		}
	}
	if q.Refused {
		where("outcome NOT IN (?, ?)", string(cpni.OK), string(cpni.Permit))
	}
	if !q.From.IsZero() {
		where("at >= ?", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		where("at < ?", q.To.UnixMicro())
	}
	if !q.Before.At.IsZero() {
		where("(at, seq) < (?, ?)", q.Before.At.UnixMicro(), q.Before.Seq)
	}
	if len(conditions) > 0 {
		query += " WHERE " + strings.Join(conditions, " AND ")
	}
	return query, args
}
