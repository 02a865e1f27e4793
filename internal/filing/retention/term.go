package retention

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

const profile = "retention"

// Term is how long a kind is kept.
type Term struct {
	// Floor is the rule's, in months; 0: the rule names no time. Months is what the carrier keeps to and never less. Most is after how
	// many months somebody is asked why it is still there; 0: never.
	Floor, Months, Most int
	// Known: the policy in force has the numbers. Nothing of a kind without them goes.
	Known bool
}

// Term gives how long a kind is kept under the policy of a moment.
//
// cite: P-54, I-22, 47 CFR 64.2011(d)
func (d *Desk) Term(k Kind, at time.Time) Term {
	numbers := d.Numbers(at)
	t := Term{Known: len(k.Terms) > 0}
	for _, name := range k.Terms {
		floor, ok := numbers.Known(profile, name+"_floor_months")
		adopted, there := numbers.Known(profile, name+"_months")
		most, _ := numbers.Known(profile, name+"_most_months")
		t.Known = t.Known && ok && there
		t.Floor, t.Months, t.Most = max(t.Floor, floor), max(t.Months, floor, adopted), max(t.Most, most)
	}
	if t.Most > 0 {
		t.Most = max(t.Most, t.Months)
	}
	return t
}

// until is the first moment at which what is of a moment need no longer be kept.
func (d *Desk) until(at time.Time, months int) time.Time {
	return at.In(d.Zone).AddDate(0, months, 0).UTC()
}

// before is a moment from before which everything is over. Months differ in their days, so it lies a few days further back than the
// months alone: nothing goes early, and some things go days later than they could.
func (d *Desk) before(now time.Time, months int) time.Time {
	return now.In(d.Zone).AddDate(0, -months, -4)
}

// cut is before as a kind counts: microseconds, or a month as yyyymm.
func (k Kind) cut(before time.Time) int64 {
	if k.way.monthly {
		return int64(before.Year()*100 + int(before.Month()))
	}
	return before.UnixMicro()
}

// Standing is a kind with its term, how many there are, and the oldest.
type Standing struct {
	Kind   Kind
	Term   Term
	There  int64
	Oldest time.Time // zero: there is none, or it has no day
}

// Standings gives every kind as it stands.
//
// cite: P-41, P-54
func (d *Desk) Standings(ctx context.Context) ([]Standing, error) {
	now := d.Clock.Now()
	var all []Standing
	for _, k := range Catalogue() {
		s := Standing{Kind: k, Term: d.Term(k, now)}
		var err error
		if s.There, s.Oldest, err = d.extreme(ctx, d.DB.Reader(), k, "min", ""); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// extreme counts what there is of a kind, of one customer or of all, and gives the oldest (min) or the newest (max).
func (d *Desk) extreme(ctx context.Context, q store.Querier, k Kind, which string, of cpni.ID) (n int64, at time.Time, err error) {
	s := k.have
	if s.from == "" {
		return 0, time.Time{}, nil
	}
	query, args := "SELECT count(*), "+which+"("+s.at+") FROM "+s.from+" WHERE 1 = 1", []any(nil)
	if s.where != "" {
		query += " AND " + s.where
	}
	if of != "" && s.customer != "" {
		query, args = query+" AND "+s.customer+" = $1", []any{string(of)}
	}
	var moment sql.NullInt64
	if err := q.QueryRow(ctx, query, args...).Scan(&n, &moment); err != nil {
		return 0, time.Time{}, fmt.Errorf("counting %s: %w", k.Name, err)
	}
	return n, d.momentOf(k, moment.Int64), nil
}

// MayErase refuses to erase what there is of a kind, of one customer or of all, while some of it must be kept.
//
// cite: P-54, V26, I-22, 47 CFR 64.2011(d)
func (d *Desk) MayErase(ctx context.Context, kind string, of cpni.ID) error {
	k, ok := Of(kind)
	if !ok {
		return bad("that is no kind of record", "name a kind as the list of terms has it")
	}
	n, newest, err := d.extreme(ctx, d.DB.Reader(), k, "max", of)
	if err != nil || n == 0 {
		return err
	}
	now := d.Clock.Now()
	t := d.Term(k, now)
	until := d.until(newest, t.Months)
	what := lower(k.Title)
	switch {
	case !t.Known:
		return cpni.Rejected(Retained, what+": the policy in force does not say how long they are kept", unique(append([]string{"P-54"}, k.Cites...)), "have the policy name their months")
	case now.Before(until):
		return cpni.Rejected(Retained, fmt.Sprintf("%s: kept for %d months from %s, and some of this until %s at least", what, t.Months, k.Counts, until.In(d.Zone).Format(time.DateOnly)),
			unique(append([]string{"P-54"}, k.Cites...)), "ask again when its time is over", "the months stand in the policy, in the profile retention; nobody can make them fewer than the rule's")
	case k.way == nil:
		return cpni.Rejected(Retained, what+": nothing removes these alone: "+k.Goes, unique(append([]string{"P-54"}, k.Cites...)), "what goes with a customer's key goes when the customer is forgotten")
	}
	holds, err := d.keeper(ctx, d.DB.Reader())
	if err != nil {
		return err
	}
	if h, err := holds.hold(ctx, item{kind: k.Name, customer: of, at: newest}); err != nil || h != nil {
		if err == nil {
			err = errHeld
		}
		return err
	}
	return nil
}

// momentOf reads what a kind counts by: microseconds, or a month as yyyymm.
func (d *Desk) momentOf(k Kind, n int64) time.Time {
	switch {
	case n == 0:
		return time.Time{}
	case k.way != nil && k.way.monthly:
		return time.Date(int(n/100), time.Month(n%100), 1, 0, 0, 0, 0, d.Zone).UTC()
	}
	return time.UnixMicro(n).UTC()
}
