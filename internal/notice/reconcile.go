package notice

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
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Numbers are those by which customers are reconciled with their notices.
//
// cite: P-27, P-58, 47 CFR 64.2008
type Numbers struct {
	Grace   int   // days after which a new customer has had the notice
	OnWay   int   // days after which a notice is proven or has come back
	Alarms  []int // days before a notice lapses on which that is counted, the longest first
	Letter  int   // business days within which a failure is assessed and written about
	Renews  int   // months that a notice carries
	AddDays int   // that a renewal needs from the mailing to the first day on which silence counts
}

// NumbersOf takes them from the profiles in force.
func NumbersOf(n rules.InForce) Numbers {
	const of = "notices"
	x := Numbers{Grace: n.Int(of, "new_customer_grace_days"), OnWay: n.Int(of, "on_the_way_days"), Alarms: slices.Clone(n.Ints(of, "lapse_alarm_days")),
		Letter: n.Int("opt-out-failure", "letter_business_days"), Renews: n.Int("cpni-core", "renotice_months"), AddDays: approval.RulesOf(n).AfterMail}
	slices.Sort(x.Alarms)
	slices.Reverse(x.Alarms)
	return x
}

// Where customers in service stand with their opt-out notices. Of those who are not covered it is said as well what is under way.
const (
	Covered   = "covered"    // a proven notice carries, and lapses in none of the stretches below
	LapsesIn  = "lapses-in:" // days: within so many, and not within the next shorter stretch
	Lapsed    = "lapsed"     // it carries no more
	NeverHad  = "never"      // none is proven given
	LapsesOn  = "lapses:"    // YYYY-MM: how many lapse in that month; over all of the above
	InService = "in-service"

	FreshNew = "new"     // of those not covered: younger than the grace
	UnderWay = "on-way"  // a notice is on its way
	TooLong  = "late"    // it has been for too long
	NoWayOut = "no-way"  // it came back, or could not go, and no way was left
	Nothing  = "nothing" // nothing is under way, and they are not new: this is the alarm

	Renewing = "renewing" // of those whose notice lapses soon: the next one is on its way
)

// Codes of the alerts that reconciliation raises.
const (
	Missing    cpni.Code = "NOTICE_MISSING" // customers have no notice, and none is on its way
	RenewalDue cpni.Code = "RENEWAL_DUE"    // notices lapse, and no run that is planned reaches their customers in time
)

// Day is what the look at all customers found on a day of the carrier's.
type Day struct {
	Date workday.Date
	N    map[string]int64
}

// Of gives how many stand somewhere.
func (d Day) Of(what string) int64 { return d.N[what] }

const (
	metaDay   = "notices.reconciled" // the day that has been looked at, YYYY-MM-DD
	metaClaim = "notices.reconciling"
)

// Reconcile looks at all customers once a day of the carrier's, on whichever node comes first: how many have a proven notice that
// carries, how many lapse when, and who has none. What must not be overlooked is raised as an alert. Nothing is unsealed.
//
// cite: P-27, P-58, V51, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(d)(2), 47 CFR 64.2009(f)
func (n *Notices) Reconcile(ctx context.Context) error {
	now := n.Clock.Now()
	today := workday.DateIn(now, n.Zone)
	done, err := n.DB.Meta(ctx, metaDay)
	if err != nil || done >= today.String() {
		return err
	}
	claim := string(cpni.NewID())
	if ok, err := n.claimDay(ctx, today, claim, now); err != nil || !ok {
		return err
	}
	day, err := n.Look(ctx)
	if err != nil {
		return err
	}
	lapse, unreached, err := n.unreached(ctx, day, now)
	if err != nil {
		return err
	}
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var claimed string
		if err := tx.QueryRow(ctx, "SELECT value FROM meta WHERE name = $1", metaClaim).Scan(&claimed); err != nil {
			return nil, err
		}
		if !strings.HasSuffix(claimed, " "+claim) {
			return nil, errLost
		}
		if err := tx.SetMeta(ctx, metaDay, today.String()); err != nil {
			return nil, err
		}
		for what, count := range day.N {
			if _, err := tx.Exec(ctx, "INSERT INTO notice_day (day, what, n) VALUES ($1, $2, $3) ON CONFLICT (day, what) DO UPDATE SET n = excluded.n", today.String(), what, count); err != nil {
				return nil, err
			}
		}
		return n.alarms(ctx, tx, day, lapse, unreached, now)
	})
	if errors.Is(err, errLost) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reconciling customers with their notices: %w", err)
	}
	return nil
}

// claimDay takes a day for this node; ok is false when another has it.
func (n *Notices) claimDay(ctx context.Context, day workday.Date, claim string, now time.Time) (ok bool, err error) {
	err = n.DB.Tx(ctx, func(tx *store.Tx) error {
		ok = false
		if _, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, '') ON CONFLICT (name) DO NOTHING", metaClaim); err != nil {
			return err
		}
		lock := ""
		if tx.Dialect() == store.Postgres {
			lock = " FOR UPDATE"
		}
		var value string
		if err := tx.QueryRow(ctx, "SELECT value FROM meta WHERE name = $1"+lock, metaClaim).Scan(&value); err != nil {
			return err
		}
		if f := strings.Fields(value); len(f) == 3 && f[0] == day.String() {
			if at, err := strconv.ParseInt(f[1], 10, 64); err == nil && now.Sub(time.UnixMicro(at)) < lookTime {
				return nil
			}
		}
		ok = true
		return tx.SetMeta(ctx, metaClaim, fmt.Sprintf("%s %d %s", day, now.UnixMicro(), claim))
	})
	if err != nil {
		return false, fmt.Errorf("reconciling customers with their notices: %w", err)
	}
	return ok, nil
}

// lookTime is for how long a node may look at all customers until another does so.
const lookTime = 30 * time.Minute

// Look counts where all customers in service stand at this moment.
//
// cite: P-27, 47 CFR 64.2008
func (n *Notices) Look(ctx context.Context) (Day, error) {
	now := n.Clock.Now()
	numbers := n.Numbers(now)
	today := workday.DateIn(now, n.Zone)
	day := Day{Date: today, N: map[string]int64{}}
	// The stretches in which a notice can lapse, by the moment before which it was given. Each ends where the next begins.
	type stretch struct {
		given       int64
		what, month string
	}
	var all []stretch
	standing := func(at time.Time) string {
		if !at.After(now) {
			return Lapsed
		}
		what := Covered
		for _, days := range numbers.Alarms {
			if !at.After(now.In(n.Zone).AddDate(0, 0, days)) {
				what = LapsesIn + strconv.Itoa(days)
			}
		}
		return what
	}
	ends := []time.Time{now}
	for _, days := range numbers.Alarms {
		ends = append(ends, now.In(n.Zone).AddDate(0, 0, days))
	}
	for m := 1; m <= numbers.Renews+1; m++ {
		ends = append(ends, workday.On(today.Year, today.Month+time.Month(m), 1).Start(n.Zone))
	}
	slices.SortFunc(ends, time.Time.Compare)
	for _, end := range ends {
		month := ""
		if end.After(now) { // the last moment of the stretch lies in it
			d := workday.DateIn(end.Add(-time.Microsecond), n.Zone)
			month = fmt.Sprintf("%04d-%02d", d.Year, int(d.Month))
		}
		all = append(all, stretch{n.noticedBefore(end, now).UnixMicro(), standing(end), month})
	}
	soon := 0 // up to which stretch it matters what is under way
	for i, s := range all {
		if s.what != Covered {
			soon = i
		}
	}
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	cases := "CASE WHEN noticed = 0 THEN -1"
	for i, s := range all {
		cases += fmt.Sprintf(" WHEN noticed < %s THEN %d", arg(s.given), i)
	}
	cases += fmt.Sprintf(" ELSE %d END", len(all))
	road := "0"
	runs, err := n.silent(ctx)
	if err != nil {
		return day, err
	}
	if len(runs) > 0 {
		late := arg(now.AddDate(0, 0, -numbers.OnWay).UnixMicro())
		args = append(args, n.DB.List(runs))
		road = "coalesce((SELECT max(CASE WHEN g.state = 'no-way' THEN 1 WHEN g.state NOT IN ('planned', 'came-back') THEN 0 WHEN g.at < " + late + " THEN 2 ELSE 3 END) FROM notice_given g WHERE g.customer_id = t.customer_id AND g.run_id IN " + n.DB.Listed(len(args)) + "), 0)"
	}
	query := "WITH told AS (SELECT customer_id, max(noticed) AS noticed FROM approval WHERE scope = 'own-marketing' AND noticed > 0 AND state IN ('waiting', 'opt-out-ok') GROUP BY customer_id), " +
		"s AS (SELECT c.customer_id, CASE WHEN c.since >= " + arg(today.Add(-numbers.Grace).Start(n.Zone).UnixMicro()) + " THEN 1 ELSE 0 END AS fresh, coalesce(told.noticed, 0) AS noticed " +
		"FROM customer c LEFT JOIN told ON told.customer_id = c.customer_id WHERE c.ended = 0 OR c.ended > " + arg(now.UnixMicro()) + "), " +
		"t AS (SELECT customer_id, fresh, " + cases + " AS stretch FROM s), " +
		"u AS (SELECT stretch, CASE WHEN stretch > 0 THEN 0 ELSE fresh END AS fresh, CASE WHEN stretch > " + strconv.Itoa(soon) + " THEN 0 ELSE " + road + " END AS road FROM t) " +
		"SELECT stretch, fresh, road, count(*) FROM u GROUP BY stretch, fresh, road"
	rows, err := n.DB.Reader().Query(ctx, query, args...)
	if err != nil {
		return day, fmt.Errorf("counting where customers stand: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at, fresh, way int
		var count int64
		if err := rows.Scan(&at, &fresh, &way, &count); err != nil {
			return day, fmt.Errorf("counting where customers stand: %w", err)
		}
		day.N[InService] += count
		switch {
		case at == len(all):
			day.N[Covered] += count
			continue
		case at > 0:
			day.N[all[at].what] += count
			day.N[LapsesOn+all[at].month] += count
			if way >= 2 {
				day.N[Renewing] += count
			}
			continue
		case at == 0:
			day.N[Lapsed] += count
		default:
			day.N[NeverHad] += count
		}
		switch {
		case way == 3:
			day.N[UnderWay] += count
		case way == 2:
			day.N[TooLong] += count
		case way == 1:
			day.N[NoWayOut] += count
		case fresh == 1:
			day.N[FreshNew] += count
		case at < 0:
			day.N[Nothing] += count
		}
	}
	return day, rows.Err()
}

// silent lists the runs of notices after which silence counts for the carrier's own marketing.
func (n *Notices) silent(ctx context.Context) ([]string, error) {
	all, err := n.all(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range all {
		if r.Spec.Kind == approval.OptOut {
			out = append(out, string(r.ID))
		}
	}
	return out, nil
}

// unreached counts the notices that lapse within the longest horizon and that no run which is planned or goes on reaches in time: one
// that looks for notices which lapse, or goes to everyone. from is the month of the first of them.
//
// cite: P-58, 47 CFR 64.2008(d)(2)
func (n *Notices) unreached(ctx context.Context, day Day, now time.Time) (from string, count int64, err error) {
	runs, err := n.Renewals(ctx)
	if err != nil {
		return "", 0, err
	}
	numbers := n.Numbers(now)
	if len(numbers.Alarms) == 0 {
		return "", 0, nil
	}
	until := now.In(n.Zone).AddDate(0, 0, numbers.Alarms[0])
	soonest := now.In(n.Zone).AddDate(0, 0, numbers.Alarms[len(numbers.Alarms)-1])
	for _, r := range runs {
		if r.State == Running && !r.Starts.After(soonest) && r.Reaches(until, n.Zone, now) {
			return "", 0, nil
		}
	}
	for _, days := range numbers.Alarms {
		count += day.N[LapsesIn+strconv.Itoa(days)]
	}
	return workday.DateIn(until, n.Zone).String(), count + day.N[Lapsed] - day.N[Renewing], nil
}

// Renewals lists the runs that renew opt-out notices, and go on or are still to begin.
func (n *Notices) Renewals(ctx context.Context) ([]Run, error) {
	all, err := n.runsWhere(ctx, "audience <> '' AND state IN ($1, $2) ORDER BY starts, at", string(Running), string(Paused))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r Run) bool {
		return r.Spec.Kind != approval.OptOut || r.Audience.Who != Everyone && r.Audience.Who != Lapsing || !slices.Contains(r.Spec.Scopes(), string(cpni.OwnMarketing))
	}), nil
}

// Reaches reports whether a run that renews notices reaches those which lapse before a moment: it looks that far ahead from when it
// begins.
func (r Run) Reaches(until time.Time, zone *time.Location, now time.Time) bool {
	if r.Audience.Who == Everyone {
		return true
	}
	starts := now
	if r.Starts.After(now) {
		starts = r.Starts
	}
	return !starts.In(zone).AddDate(0, r.Audience.Months, 0).Before(until)
}

// alarms records what reconciliation found, and raises what must not be overlooked.
//
// cite: P-27, P-58, V51, 47 CFR 64.2008(d)(2), 47 CFR 64.2009(f)
func (n *Notices) alarms(ctx context.Context, tx *store.Tx, day Day, lapse string, unreached int64, now time.Time) ([]ledger.Entry, error) {
	entry := func(kind ledger.Kind, code cpni.Code, detail map[string]any) (ledger.Entry, error) {
		return n.Vault.Entry(ctx, tx, ledger.Entry{Kind: kind, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: code}, detail)
	}
	first, err := entry(ledger.Admin, "", map[string]any{"what": "customers reconciled with their notices", "day": day.Date, "counts": day.N})
	if err != nil {
		return nil, err
	}
	all := []ledger.Entry{first}
	if lacking := day.N[Nothing] + day.N[TooLong] + day.N[NoWayOut]; lacking > 0 {
		e, err := entry(ledger.Alert, Missing, map[string]any{"what": "customers in service have no proven notice of their rights, and none that could still be proven is on its way",
			"day": day.Date, "nothing": day.N[Nothing], "late": day.N[TooLong], "no_way": day.N[NoWayOut], "assess_by": n.assessBy(now)})
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if unreached > 0 {
		e, err := entry(ledger.Alert, RenewalDue, map[string]any{"what": "notices lapse and no run that is planned reaches their customers", "day": day.Date, "until": lapse, "customers": unreached})
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// assessBy is the day by which it is to be judged whether a failure is more than an anomaly, and by which it would have to be written
// about: business days after today.
//
// cite: V51, 47 CFR 64.2009(f)
func (n *Notices) assessBy(now time.Time) string {
	if n.Calendars == nil {
		return ""
	}
	return n.Calendars.Deadline(workday.Earliest(now, n.Zone, time.UTC), n.Numbers(now).Letter).Last.String()
}

// Days gives what reconciliation has found on the newest days, the newest first.
//
// cite: P-27, 47 CFR 64.2008(a)(2)
func (n *Notices) Days(ctx context.Context, most int) ([]Day, error) {
	rows, err := n.DB.Reader().Query(ctx, "SELECT day, what, n FROM notice_day WHERE day IN (SELECT DISTINCT day FROM notice_day ORDER BY day DESC LIMIT $1) ORDER BY day DESC, what", most)
	if err != nil {
		return nil, fmt.Errorf("reading where customers stood: %w", err)
	}
	defer rows.Close()
	var all []Day
	for rows.Next() {
		var date, what string
		var count int64
		if err := rows.Scan(&date, &what, &count); err != nil {
			return nil, fmt.Errorf("reading where customers stood: %w", err)
		}
		d, err := workday.ParseDate(date)
		if err != nil {
			return nil, fmt.Errorf("reading where customers stood: %w", err)
		}
		if len(all) == 0 || all[len(all)-1].Date != d {
			all = append(all, Day{Date: d, N: map[string]int64{}})
		}
		all[len(all)-1].N[what] = count
	}
	return all, rows.Err()
}
