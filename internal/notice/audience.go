package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Who a run is for.
const (
	Everyone = "everyone" // all who are in service
	Never    = "never"    // those to whom no notice of its scopes is proven given
	Lapsing  = "lapsing"  // those whose notice lapses within some months, or has lapsed
	Newcomer = "new"      // those who have come since a day
	ThoseOf  = "named"    // customers who are named
)

// Whos lists them.
var Whos = []string{Everyone, Never, Lapsing, Newcomer, ThoseOf}

// Audience is who a run is for; whoever is no longer in service when it comes to them is not.
//
// cite: P-27, P-58, 47 CFR 64.2008(b), 47 CFR 64.2008(d)(2)
type Audience struct {
	Who    string       `json:"who"`
	Months int          `json:"months,omitempty"` // of Lapsing: within so many
	Since  workday.Date `json:"since,omitzero"`   // of Newcomer: in the carrier's zone
	// Standing keeps a run for Newcomer or Never going: once a day it looks again at who has come.
	Standing  bool      `json:"standing,omitempty"`
	Customers []cpni.ID `json:"customers,omitempty"` // of ThoseOf
	// Having are services of which it is for those alone who buy every one; none: for all.
	Having []cpni.Category `json:"having,omitempty"`
	// Campaign is the campaign by which it goes; "" none.
	Campaign cpni.ID `json:"campaign,omitempty"`
}

// MostNamed bounds the customers that a run can name; for more there are the other audiences.
const MostNamed = 5000

var (
	errAudience = cpni.Rejected("CONFIG", "a run is for everyone, for those never given such a notice, for those whose notice lapses, for new customers, or for customers who are named", []string{"P-27"},
		"say which, with the months, the day or the customers that go with it")
	errRenews = cpni.Rejected("CONFIG", "only an opt-out notice lapses: a yes holds until the customer takes it back", []string{"P-58", "47 CFR 64.2008(d)(2)"}, "choose those never given such a notice")
)

// check refuses an audience that is none, or goes not with the notice.
func (a Audience) check(s Spec) *cpni.Refusal {
	ok := false
	switch a.Who {
	case Everyone, Never:
		ok = true
	case Lapsing:
		if s.Kind != approval.OptOut {
			return errRenews
		}
		ok = a.Months > 0 && a.Months <= longestHorizon
	case Newcomer:
		ok = !a.Since.IsZero()
	case ThoseOf:
		ok = len(a.Customers) > 0 && len(a.Customers) <= MostNamed && !slices.ContainsFunc(a.Customers, func(id cpni.ID) bool { return !id.Valid() })
	}
	if !ok || a.Standing && a.Who != Newcomer && a.Who != Never {
		return errAudience
	}
	return nil
}

// longestHorizon is how many months ahead a run can look for notices that lapse.
const longestHorizon = 24

func (a Audience) text() (string, error) {
	b, err := json.Marshal(a)
	return string(b), err
}

// member is a customer of an audience as the database shows them without anything being opened.
type member struct {
	id    cpni.ID
	onWay bool // another run has put the same on its way to them
}

// members finds the next customers of an audience behind a place, in the order of their ids. alike are the runs that tell the same.
//
// cite: P-27, P-58, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(d)(2)
func (n *Notices) members(ctx context.Context, r Run, alike []string, place string, most int) ([]member, error) {
	now := n.Clock.Now()
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	list := func(v []string) string {
		arg(n.DB.List(v))
		return n.DB.Listed(len(args))
	}
	onWay := "0"
	if r.Audience.Who != Everyone && r.Audience.Who != ThoseOf && len(alike) > 0 {
		onWay = "(SELECT count(*) FROM notice_given g WHERE g.customer_id = c.customer_id AND g.state IN ('planned', 'came-back') AND g.run_id IN " + list(alike) + ")"
	}
	where := "c.customer_id > " + arg(place) + " AND (c.ended = 0 OR c.ended > " + arg(now.UnixMicro()) + ")"
	switch r.Audience.Who {
	case Never:
		if r.Spec.Kind == approval.OptOut {
			where += " AND NOT EXISTS (SELECT 1 FROM approval a WHERE " + clocks + ")"
		} else if len(alike) > 0 {
			where += " AND NOT EXISTS (SELECT 1 FROM notice_given g WHERE g.customer_id = c.customer_id AND g.state = 'given' AND g.run_id IN " + list(alike) + ")"
		}
	case Lapsing:
		until := now.In(n.Zone).AddDate(0, r.Audience.Months, 0)
		where += " AND (SELECT max(a.noticed) FROM approval a WHERE " + clocks + ") < " + arg(n.noticedBefore(until, now).UnixMicro())
	case Newcomer:
		where += " AND c.since >= " + arg(r.Audience.Since.Start(n.Zone).UnixMicro())
	case ThoseOf:
		ids := make([]string, len(r.Audience.Customers))
		for i, id := range r.Audience.Customers {
			ids[i] = string(id)
		}
		where += " AND c.customer_id IN " + list(ids)
	}
	if r.Audience.Standing {
		where += " AND NOT EXISTS (SELECT 1 FROM notice_given g WHERE g.customer_id = c.customer_id AND g.run_id = " + arg(string(r.ID)) + ")"
	}
	rows, err := n.DB.Reader().Query(ctx, "SELECT c.customer_id, "+onWay+" FROM customer c WHERE "+where+" ORDER BY c.customer_id LIMIT "+strconv.Itoa(most), args...)
	if err != nil {
		return nil, fmt.Errorf("looking for the customers of a notice: %w", err)
	}
	defer rows.Close()
	var all []member
	for rows.Next() {
		var m member
		var others int
		if err := rows.Scan(&m.id, &others); err != nil {
			return nil, fmt.Errorf("looking for the customers of a notice: %w", err)
		}
		m.onWay = others > 0
		all = append(all, m)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("looking for the customers of a notice: %w", err)
	}
	return all, nil
}

// clocks are the rows of an approval a of customer c that a notice has set going.
const clocks = "a.customer_id = c.customer_id AND a.scope = 'own-marketing' AND a.noticed > 0 AND a.state IN ('" + string(cpni.Waiting) + "', '" + string(cpni.OptOutOK) + "')"

// alike lists the other runs that tell of everything that r does: who was given one of them was given such a notice.
func (n *Notices) alike(ctx context.Context, r Run) ([]string, error) {
	all, err := n.all(ctx)
	if err != nil {
		return nil, err
	}
	scopes := r.Spec.Scopes()
	var out []string
	for _, o := range all {
		has := o.Spec.Scopes()
		if o.ID != r.ID && o.Spec.Kind == r.Spec.Kind && !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(has, s) }) {
			out = append(out, string(o.ID))
		}
	}
	return out, nil
}

// noticedBefore is the moment before which a notice was given that has lapsed at until, by the numbers that are in force at now.
//
// cite: P-58, V48, V49, 47 CFR 64.2008(d)(2)
func (n *Notices) noticedBefore(until, now time.Time) time.Time {
	months := n.Approvals.Numbers(now).RenoticeMonths
	if months <= 0 {
		return time.Time{}.Add(-1)
	}
	d := workday.DateIn(until, n.Zone)
	day := workday.On(d.Year, d.Month-time.Month(months), d.Day).Add(-4)
	for !approval.Lapses(day.Start(n.Zone), n.Zone, months).After(until) {
		day = day.Add(1)
	}
	return day.Start(n.Zone)
}

// String says who it is for, in words.
func (a Audience) String() string {
	if len(a.Having) == 0 {
		return a.who()
	}
	words := make([]string, len(a.Having))
	for i, c := range a.Having {
		words[i] = strings.ReplaceAll(string(c), "-", " ")
	}
	return a.who() + " who buy " + strings.Join(words, " and ")
}

func (a Audience) who() string {
	switch a.Who {
	case Everyone:
		return "all customers in service"
	case Never:
		return "customers never given such a notice" + a.standing()
	case Lapsing:
		return fmt.Sprintf("customers whose notice lapses within %d months", a.Months)
	case Newcomer:
		return "customers since " + a.Since.String() + a.standing()
	case ThoseOf:
		return fmt.Sprintf("%d customers who are named", len(a.Customers))
	}
	return "customers who were named one by one"
}

func (a Audience) standing() string {
	if a.Standing {
		return ", looked for every day"
	}
	return ""
}
