package register

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// Cursor is where a page ends: the register as of a tree of so many entries, and the line that was last. The zero Cursor begins with
// the newest line of the newest tree.
type Cursor struct {
	Size int64 // of the tree
	At   time.Time
	Seq  int64   // of a line of the ledger
	ID   cpni.ID // of a line that another part keeps
}

// String writes the cursor as it stands in addresses; it names nobody.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	last := strconv.FormatInt(c.Seq, 10)
	if c.ID != "" {
		last = string(c.ID)
	}
	return fmt.Sprintf("%d.%d.%s", c.Size, c.At.UnixMicro(), last)
}

// ReadCursor reads what String has written; what it has not is no cursor.
func ReadCursor(text string) (Cursor, bool) {
	f := strings.Split(text, ".")
	if len(f) != 3 {
		return Cursor{}, text == ""
	}
	size, err1 := strconv.ParseInt(f[0], 10, 64)
	at, err2 := strconv.ParseInt(f[1], 10, 64)
	if err1 != nil || err2 != nil || size < 0 {
		return Cursor{}, false
	}
	c := Cursor{Size: size, At: time.UnixMicro(at).UTC()}
	if seq, err := strconv.ParseInt(f[2], 10, 64); err == nil && seq >= 0 {
		c.Seq = seq
		return c, true
	}
	c.ID = cpni.ID(f[2])
	return c, c.ID.Valid()
}

// Page is a part of a register.
type Page[T any] struct {
	Lines []T
	Next  Cursor // of the page after; zero: there is none
	Size  int64  // of the tree as of which the register is shown; 0: nothing has been signed yet
}

// found is where a search has found a line.
type found struct {
	customer, entry cpni.ID
	seq             int64
	at              time.Time
}

// Disclosed gives the lines of the register of disclosures, the newest first.
//
// cite: P-41, 47 CFR 64.2009(c)
func (b *Book) Disclosed(ctx context.Context, q Query) (Page[Disclosure], error) {
	var page Page[Disclosure]
	if err := q.tidy(); err != nil {
		return page, err
	}
	size, err := b.asOf(ctx, q.Before.Size)
	if err != nil || size == 0 {
		return page, err
	}
	page.Size = size
	places, err := b.search(ctx, q, size, q.Limit+1)
	if err != nil {
		return page, err
	}
	if len(places) > q.Limit {
		places = places[:q.Limit]
		last := places[q.Limit-1]
		page.Next = Cursor{Size: size, At: last.at, Seq: last.seq}
	}
	page.Lines, err = b.lines(ctx, places, q)
	return page, err
}

// asOf gives the size of the tree as of which a register is shown, and sees to it that the register is made up to there: the size
// that is asked for, or the newest.
func (b *Book) asOf(ctx context.Context, asked int64) (int64, error) {
	t, err := b.Ledger.Tree(ctx)
	if err != nil || t.N == 0 {
		return 0, err
	}
	if asked == 0 || asked > t.N {
		asked = t.N
	}
	at, err := b.position(ctx)
	if err == nil && at < asked {
		err = b.CatchUp(ctx)
	}
	return asked, err
}

// search finds the places of lines, the newest first.
func (b *Book) search(ctx context.Context, q Query, size int64, most int) ([]found, error) {
	query, args, err := b.statement(ctx, q, size, most)
	if err != nil || query == "" {
		return nil, err
	}
	rows, err := b.DB.Reader().Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("searching the register: %w", err)
	}
	defer rows.Close()
	var all []found
	for rows.Next() {
		var f found
		var at int64
		if err := rows.Scan(&f.customer, &f.entry, &f.seq, &at); err != nil {
			return nil, fmt.Errorf("searching the register: %w", err)
		}
		f.at = time.UnixMicro(at).UTC()
		all = append(all, f)
	}
	return all, rows.Err()
}

// statement writes the query of a search; "": nothing can be found.
func (b *Book) statement(ctx context.Context, q Query, size int64, most int) (string, []any, error) {
	where, args, err := b.conditions(ctx, q, size)
	if err != nil || where == "" {
		return "", nil, err
	}
	args = append(args, most)
	return "SELECT customer_id, entry_id, seq, at FROM register_line WHERE " + where + fmt.Sprintf(" ORDER BY at DESC, seq DESC LIMIT $%d", len(args)), args, nil
}

// conditions writes what lines must be; "": none is.
func (b *Book) conditions(ctx context.Context, q Query, size int64) (string, []any, error) {
	var all []string
	var args []any
	where := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		all = append(all, condition)
	}
	where("seq < ?", size)
	for _, c := range []struct{ column, value string }{{"customer_id", string(q.Customer)}, {"recipient", q.Recipient}, {"purpose", string(q.Purpose)}, {"campaign", string(q.Campaign)},
		{"named", b.nameToken(q.Named)}, {"matter", b.matterToken(q.rests)}} {
		if c.value != "" {
			where(c.column+" = ?", c.value)
		}
	}
	if q.Matter != "" {
		tokens, err := b.numbered(ctx, q.Matter)
		if err != nil {
			return "", nil, err
		}
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(tokens)), ", ")
		where("matter IN ("+marks+")", tokens...)
	}
	if q.Text != "" {
		campaigns, matters, err := b.described(ctx, q.Text)
		if err != nil {
			return "", nil, err
		}
		if len(campaigns)+len(matters) == 0 {
			return "", nil, nil
		}
		var either []string
		for column, values := range map[string][]string{"campaign": campaigns, "matter": matters} {
			if len(values) == 0 {
				continue
			}
			marks := make([]string, len(values))
			for i, v := range values {
				args = append(args, v)
				marks[i] = fmt.Sprintf("$%d", len(args))
			}
			either = append(either, column+" IN ("+strings.Join(marks, ", ")+")")
		}
		slices.Sort(either)
		all = append(all, "("+strings.Join(either, " OR ")+")")
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
	return strings.Join(all, " AND "), args, nil
}

// numbered gives the tokens under which lines stand that rest on what has a number: the number itself, and the ids of the process,
// cases, tickets and orders that are called so.
//
// cite: P-28, P-29, P-31, P-41
func (b *Book) numbered(ctx context.Context, number string) ([]any, error) {
	tokens := []any{b.matterToken(number)}
	if b.Parts.Matters != nil {
		ids, err := b.Parts.Matters.Numbered(ctx, number)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			tokens = append(tokens, b.matterToken(string(id)))
		}
	}
	processes, err := b.processes(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range processes {
		if named(p.Number) == named(number) {
			tokens = append(tokens, b.matterToken(string(p.ID)))
		}
	}
	return tokens, nil
}

// mostDescribed bounds how many campaigns and processes a text may mean at once; the newest are taken.
const mostDescribed = 200

// described finds the campaigns and the processes whose description holds a text.
func (b *Book) described(ctx context.Context, text string) (campaigns, matters []string, err error) {
	all, err := b.campaigns(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range all {
		if c.says(text) && len(campaigns) < mostDescribed {
			campaigns = append(campaigns, string(c.ID))
		}
	}
	processes, err := b.processes(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range processes {
		if p.says(text) && len(matters) < mostDescribed {
			matters = append(matters, b.matterToken(string(p.ID)), b.matterToken(p.Number))
		}
	}
	return campaigns, matters, nil
}

// count counts the lines that a search finds.
func (b *Book) count(ctx context.Context, q Query, size int64) (n int64, err error) {
	where, args, err := b.conditions(ctx, q, size)
	if err != nil || where == "" {
		return 0, err
	}
	if err := b.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM register_line WHERE "+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting lines of the register: %w", err)
	}
	return n, nil
}

// lines reads what was recorded at places. A record that was destroyed meanwhile is left out.
func (b *Book) lines(ctx context.Context, places []found, q Query) ([]Disclosure, error) {
	all := make([]Disclosure, 0, len(places))
	for _, f := range places {
		row, err := b.Ledger.Record(ctx, f.customer, f.entry)
		if errors.Is(err, ledger.ErrNoRecord) {
			continue
		}
		if err != nil {
			return nil, err
		}
		d, _, err := b.line(ctx, row, f.seq, q.Viewer)
		if err != nil {
			return nil, err
		}
		if d.Hidden && (q.Matter != "" || q.Text != "") {
			continue // that it was found by a number would tell the number
		}
		all = append(all, d)
	}
	if err := b.number(ctx, all); err != nil {
		return nil, err
	}
	return all, b.beside(ctx, all)
}

// One gives one line of the register of disclosures. ledger.ErrNoRecord: there is none.
//
// cite: P-41, 47 CFR 64.2009(c)
func (b *Book) One(ctx context.Context, viewer, customer, entry cpni.ID) (Disclosure, error) {
	none := Disclosure{}
	if !entry.Valid() || customer != "" && !customer.Valid() {
		return none, ledger.ErrNoRecord
	}
	if _, err := b.asOf(ctx, 0); err != nil {
		return none, err
	}
	row, err := b.Ledger.Record(ctx, customer, entry)
	if err != nil {
		return none, err
	}
	if !row.Given() {
		return none, ledger.ErrNoRecord
	}
	seq, err := b.Ledger.PlaceOf(ctx, row)
	if err != nil {
		return none, err
	}
	d, _, err := b.line(ctx, row, seq, viewer)
	if err != nil {
		return none, err
	}
	one := []Disclosure{d}
	err = errors.Join(b.number(ctx, one), b.beside(ctx, one))
	return one[0], err
}
