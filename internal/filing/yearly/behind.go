package yearly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// Row is a record behind a number.
type Row struct {
	Month    int // 0 is January
	At       time.Time
	Kind     Kind
	Customer cpni.ID // "": none, or it is not asked for
	ID       cpni.ID
	Name     string // by which people call it; "": by nothing
	Word     string // the state, kind or category of it; "" none
}

// Asked is which records List gives.
type Asked struct {
	Year   int
	Series string
	Month  int    // 0 is January; -1: the whole year
	After  string // where the page before ended
	Limit  int    // at most so many; 0 for 50
}

// Found are records behind a number.
type Found struct {
	Series Series
	N      int64 // the number
	Rows   []Row
	Next   string // the page after; "": there is none
}

// Decided reports whether a number counts decisions, whose records are found by searching the ledger and not by List; of refusals with one
// code it gives the code.
func (s Series) Decided() (code cpni.Code, refused, is bool) {
	if c, ok := strings.CutPrefix(s.Key, Refusal); ok {
		return cpni.Code(c), true, true
	}
	return "", s.Key == "refused", s.Key == "decisions" || s.Key == "refused"
}

// ErrNone: there is no such number.
var ErrNone = errors.New("there is no such number of a year")

const (
	usualListed = 50
	mostListed  = 1000
)

// List gives the records that a number counts, to those who may read registers.
//
// cite: P-37, P-41
func (b *Book) List(ctx context.Context, by cpni.ID, q Asked) (*Found, error) {
	who, err := b.reader(ctx, by, Right, staff.ReadRegisters)
	if err != nil {
		return nil, err
	}
	y, err := b.Year(ctx, q.Year, by)
	if err != nil {
		return nil, err
	}
	s := y.Series(q.Series)
	if s == nil || s.Unit != Records || q.Month >= Months || q.Month < -1 {
		return nil, ErrNone
	}
	if _, _, is := s.Decided(); is {
		return nil, ErrNone
	}
	if q.Limit = min(q.Limit, mostListed); q.Limit <= 0 {
		q.Limit = usualListed
	}
	f := &Found{Series: *s, N: s.Total.N}
	if q.Month >= 0 {
		f.N = s.Cells[q.Month].N
	} else if !s.Sum {
		return nil, ErrNone
	}
	switch {
	case strings.HasPrefix(s.Key, standing):
		err = b.listStands(ctx, f, q)
	case s.Key == "trained" || s.Key == "untrained":
		err = b.listMembers(ctx, f, q)
	case slices.Contains(messageSeries, s.Key):
		err = b.listMessages(ctx, f, q)
	default:
		err = b.listItems(ctx, f, q, who)
	}
	return f, err
}

// cut ends a page: of one row more than asked for the last is the beginning of the next.
func (f *Found) cut(limit int, next func(last Row) string) {
	if len(f.Rows) > limit {
		f.Rows = f.Rows[:limit]
		f.Next = next(f.Rows[limit-1])
	}
}

func (b *Book) listItems(ctx context.Context, f *Found, q Asked, who reader) error {
	all, err := b.items(ctx, q.Year, who, b.Clock.Now())
	if err != nil {
		return err
	}
	skip, _ := strconv.Atoi(q.After)
	n := 0
	for _, i := range all {
		if i.series == f.Series.Key && (q.Month < 0 || i.Month == q.Month) {
			if n++; n > max(skip, 0) && len(f.Rows) <= q.Limit {
				f.Rows = append(f.Rows, i.Row)
			}
		}
	}
	f.cut(q.Limit, func(Row) string { return strconv.Itoa(max(skip, 0) + q.Limit) })
	return nil
}

// listStands walks over the customers once more, as of the moment of which they were counted.
func (b *Book) listStands(ctx context.Context, f *Found, q Asked) error {
	k, err := b.kept(ctx, q.Year)
	if err != nil || k.when[q.Month][approvalsKept].IsZero() {
		return err
	}
	at := k.when[q.Month][approvalsKept]
	err = b.Approvals.AsOf(ctx, b.Use(), []time.Time{at}, cpni.ID(q.After), func(of cpni.ID, states []cpni.ApprovalState) error {
		if standing+string(states[0]) == f.Series.Key {
			f.Rows = append(f.Rows, Row{Month: q.Month, At: at, Kind: ACustomer, Customer: of, ID: of})
		}
		if len(f.Rows) > q.Limit {
			return approval.ErrEnough
		}
		return nil
	})
	f.cut(q.Limit, func(last Row) string { return string(last.ID) })
	return err
}

func (b *Book) listMembers(ctx context.Context, f *Found, q Asked) error {
	k, err := b.kept(ctx, q.Year)
	if err != nil || k.when[q.Month][membersKept].IsZero() {
		return err
	}
	is := 0
	if f.Series.Key == "trained" {
		is = 1
	}
	rows, err := b.DB.Reader().Query(ctx, "SELECT staff_id FROM year_member WHERE month = $1 AND trained = $2 AND staff_id > $3 ORDER BY staff_id LIMIT $4", q.Year*100+q.Month+1, is, q.After, q.Limit+1)
	if err != nil {
		return fmt.Errorf("listing members: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		r := Row{Month: q.Month, At: k.when[q.Month][membersKept], Kind: AMember}
		if err := rows.Scan(&r.ID); err != nil {
			return fmt.Errorf("listing members: %w", err)
		}
		f.Rows = append(f.Rows, r)
	}
	f.cut(q.Limit, func(last Row) string { return string(last.ID) })
	return rows.Err()
}

// listMessages lists what countMessages has counted, the oldest first, as of the same moment.
func (b *Book) listMessages(ctx context.Context, f *Found, q Asked) error {
	k, err := b.kept(ctx, q.Year)
	if err != nil {
		return err
	}
	as := k.at[messagesKept]
	if q.Month >= 0 {
		as = k.when[q.Month][messagesKept]
	}
	from, to := b.Span(q.Year, q.Month)
	at, id, _ := strings.Cut(q.After, ".")
	after, _ := strconv.ParseInt(at, 10, 64)
	var query string
	kind, column := AMessage, "m.at"
	switch f.Series.Key {
	case "notices-proven", "notices-back":
		what := "noticed"
		if f.Series.Key == "notices-back" {
			what = "void"
		}
		kind, column = ACustomer, "m.recorded"
		query = "SELECT m.customer_id, m.event_id, m.recorded, m.what FROM approval_event m WHERE m.what = '" + what + "'"
		query += " AND (m.recorded, m.event_id) > ($4, $5)"
	default:
		query = "SELECT m.customer_id, m.message_id, m.at, m.state FROM message m WHERE (m.at, m.message_id) > ($4, $5) AND " + map[string]string{
			"changes": "m.kind = 'account-change'", "changes-sent": "m.kind = 'account-change' AND " + sentAt + " <> 0", "changes-delivered": "m.kind = 'account-change' AND " + deliveredAt + " <> 0",
			"notices-sent": "m.kind IN ('opt-out-notice', 'opt-in-request') AND " + sentAt + " <> 0"}[f.Series.Key]
	}
	second := "message_id"
	if kind == ACustomer {
		second = "event_id"
	}
	query += " AND " + column + " >= $1 AND " + column + " < $2 AND " + column + " <= $3 ORDER BY " + column + ", m." + second + " LIMIT $6"
	rows, err := b.DB.Reader().Query(ctx, query, from.UnixMicro(), to.UnixMicro(), as.UnixMicro(), after, id, q.Limit+1)
	if err != nil {
		return fmt.Errorf("listing messages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		r := Row{Kind: kind}
		var at int64
		if err := rows.Scan(&r.Customer, &r.ID, &at, &r.Word); err != nil {
			return fmt.Errorf("listing messages: %w", err)
		}
		r.At = when(at)
		r.Month, _ = b.month(q.Year, r.At)
		f.Rows = append(f.Rows, r)
	}
	f.cut(q.Limit, func(last Row) string { return fmt.Sprintf("%d.%s", last.At.UnixMicro(), last.ID) })
	return rows.Err()
}
