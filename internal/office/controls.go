package office

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/filing/controls"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/policy"
)

// guards is what an office keeps about what guards customers' information.
type guards struct {
	Controls *controls.Book

	around   sync.RWMutex
	outer    map[string]controls.Probe // what only the program around the office can see
	optional bool                      // the configuration lets people sign in with a password alone
}

// outside are the probes that the program around the office brings (Surround). Until it does nobody can tell.
var outside = []string{"https", "key-files", "ledger-outside"}

var builtInControls = sync.OnceValues(func() (*controls.Listing, error) { return controls.Load(policy.Files) })

// ReadControls reads the list of controls of a policy's files; of one without a list, the one that is built in.
//
// cite: P-37, 47 CFR 64.2010(a)
func ReadControls(files fs.FS) (*controls.Listing, error) {
	if files == nil || files == fs.FS(policy.Files) || !controls.There(files) {
		return builtInControls()
	}
	return controls.Load(files)
}

// openControls opens the book of controls with what looks at each.
//
// cite: P-37, 47 CFR 64.2010(a)
func (o *Office) openControls(files fs.FS, optional bool) error {
	list, err := ReadControls(files)
	if err != nil {
		return err
	}
	o.optional = optional
	o.Controls, err = controls.New(controls.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Clock: o.Clock, Listing: list, Probes: o.probes()})
	return err
}

// Surround brings what only the program around the office can see of it: how people reach it, and where its keys lie. It is called before Run.
//
// cite: P-37
func (o *Office) Surround(probes map[string]controls.Probe) {
	o.around.Lock()
	defer o.around.Unlock()
	if o.outer == nil {
		o.outer = map[string]controls.Probe{}
	}
	maps.Copy(o.outer, probes)
}

// fromOutside looks by a probe that the program around the office has brought.
func (o *Office) fromOutside(name string) controls.Probe {
	return func(ctx context.Context, within time.Duration) (controls.Seen, error) {
		o.around.RLock()
		p := o.outer[name]
		o.around.RUnlock()
		if p == nil {
			return unknown("The program that looks now does not know."), nil
		}
		return p(ctx, within)
	}
}

func on(says string, a ...any) controls.Seen {
	return controls.Seen{State: controls.On, Says: fmt.Sprintf(says, a...)}
}

func off(says string, a ...any) controls.Seen {
	return controls.Seen{State: controls.Off, Says: fmt.Sprintf(says, a...)}
}

func unknown(says string, a ...any) controls.Seen {
	return controls.Seen{State: controls.Unknown, Says: fmt.Sprintf(says, a...)}
}

// plainly makes a probe of what needs no database and is about no age.
func plainly(look func() controls.Seen) controls.Probe {
	return func(context.Context, time.Duration) (controls.Seen, error) { return look(), nil }
}

// probes are what looks at controls, by the names that the list uses.
//
// cite: P-37, 47 CFR 64.2010(a)
func (o *Office) probes() map[string]controls.Probe {
	all := map[string]controls.Probe{"sealing": o.sealingHolds, "key-age": o.keyAge, "ledger-follows": o.ledgerFollows, "ledger-verified": o.ledgerVerified, "second-factor": o.secondFactors, "sessions-end": plainly(o.sessionsEnd),
		"guesses-slowed": plainly(o.guessesSlowed), "programs-rationed": plainly(o.programsRationed), "watch-follows": o.watchFollows, "decoys": o.decoysOut, "training-gate": plainly(o.trainingGate), "roles-apart": plainly(o.rolesApart),
		"two-people": o.twoPeople, "retention-floors": plainly(o.retentionFloors), "ways-to-refuse": o.waysToRefuse}
	for _, name := range outside {
		all[name] = o.fromOutside(name)
	}
	return all
}

// sealingHolds seals something that is nobody's, and opens it again.
func (o *Office) sealingHolds(ctx context.Context, _ time.Duration) (controls.Seen, error) {
	const place, word = "control probe", "what is sealed can be opened"
	sealed, err := o.Vault.Seal(ctx, "", place, []byte(word))
	if err != nil {
		return off("Nothing can be sealed."), nil
	}
	plain, err := o.Vault.OpenState(ctx, "", place, sealed)
	if err != nil || string(plain) != word || strings.Contains(string(sealed), word) {
		return off("What was sealed could not be opened again."), nil
	}
	var n int64
	if err := o.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM customer_key").Scan(&n); err != nil {
		return controls.Seen{}, fmt.Errorf("counting keys: %w", err)
	}
	return on("Something was sealed and opened again. Keys in the database, one for each customer and one for the carrier: %d.", n), nil
}

// keyAge looks when the wrapping key was made or renewed.
func (o *Office) keyAge(ctx context.Context, within time.Duration) (controls.Seen, error) {
	rows, err := o.Ledger.Records(ctx, "", ledger.Filter{Kind: ledger.Rotate, Limit: 1})
	if err != nil {
		return controls.Seen{}, err
	}
	since, what := time.Time{}, "renewed"
	if len(rows) > 0 {
		since = rows[0].At
	} else {
		var began int64
		if err := o.DB.Reader().QueryRow(ctx, "SELECT coalesce(min(at), 0) FROM rule_set").Scan(&began); err != nil {
			return controls.Seen{}, fmt.Errorf("reading when the database began: %w", err)
		}
		since, what = time.UnixMicro(began), "made"
	}
	if o.Clock.Now().Sub(since) > within {
		return off("Keys were last %s on %s, and are to be renewed every %s.", what, o.dayOf(since), days(within)), nil
	}
	return on("Keys were last %s on %s.", what, o.dayOf(since)), nil
}

func (o *Office) dayOf(at time.Time) string { return at.In(o.Zone).Format("January 2, 2006") }

// days says how long something is, in days, hours or minutes.
func days(d time.Duration) string {
	n, unit := d/time.Minute, "minute"
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		n, unit = d/(24*time.Hour), "day"
	case d%time.Hour == 0:
		n, unit = d/time.Hour, "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// ledgerFollows looks whether what was committed reaches the tree.
func (o *Office) ledgerFollows(ctx context.Context, within time.Duration) (controls.Seen, error) {
	var waiting, oldest int64
	if err := o.DB.Reader().QueryRow(ctx, "SELECT count(*), coalesce(min(at), 0) FROM ledger_lane").Scan(&waiting, &oldest); err != nil {
		return controls.Seen{}, fmt.Errorf("looking at the ledger: %w", err)
	}
	n, err := o.Ledger.Head(ctx)
	if err != nil {
		return controls.Seen{}, err
	}
	if late := o.Clock.Now().Sub(time.UnixMicro(oldest)); waiting > 0 && late > within {
		return off("What was committed has not reached the tree for longer than %s.", days(within)), nil
	}
	return on("The tree has %d entries, and nothing has waited for it for longer than %s.", n, days(within)), nil
}

// ledgerVerified looks when the whole ledger was last verified, and what came of it.
func (o *Office) ledgerVerified(ctx context.Context, within time.Duration) (controls.Seen, error) {
	last, err := o.lastVerified(ctx)
	if err != nil {
		return controls.Seen{}, err
	}
	switch {
	case last == nil:
		return unknown("Nobody has verified the ledger yet. It is verified on the page Ledger, or by “ringfence verify”."), nil
	case last.Faults > 0:
		return off("When the ledger was verified on %s, entries were found that are not as they were committed: %d.", o.dayOf(last.At), last.Faults), nil
	case o.Clock.Now().Sub(last.At) > within:
		return off("The ledger was last verified on %s, and is to be verified every %s.", o.dayOf(last.At), days(within)), nil
	}
	return on("The ledger was verified on %s: %d entries, none of them changed, removed or moved.", o.dayOf(last.At), last.Entries), nil
}

// secondFactors looks whether anybody is signed in without a second factor, or could be.
func (o *Office) secondFactors(ctx context.Context, _ time.Duration) (controls.Seen, error) {
	now := o.Clock.Now()
	n := staff.RulesOf(o.Policy.Numbers(now))
	switch {
	case !n.SecondFactor:
		return off("The numbers in force let people sign in with a password alone."), nil
	case o.optional:
		return off("This server is configured to let people sign in with a password alone."), nil
	}
	var bare, all int64
	if err := o.DB.Reader().QueryRow(ctx, "SELECT count(DISTINCT s.staff_id), count(DISTINCT CASE WHEN NOT EXISTS (SELECT 1 FROM factor f WHERE f.staff_id = s.staff_id) AND NOT EXISTS (SELECT 1 FROM identity i WHERE i.staff_id = s.staff_id) THEN s.staff_id END) FROM session s WHERE s.ended = 0 AND s.active > $1 AND s.began > $2",
		now.Add(-n.SessionIdle).UnixMicro(), now.Add(-n.SessionLength).UnixMicro()).Scan(&all, &bare); err != nil {
		return controls.Seen{}, fmt.Errorf("looking at sessions: %w", err)
	}
	if bare > 0 {
		return off("People who are signed in without a second factor: %d.", bare), nil
	}
	return on("Nobody can sign in with a password alone. Signed in when this was looked at, each with a second factor: %d.", all), nil
}

func (o *Office) sessionsEnd() controls.Seen {
	n := staff.RulesOf(o.Policy.Numbers(o.Clock.Now()))
	if n.SessionIdle <= 0 || n.SessionLength <= 0 {
		return off("The numbers in force set no end to a session.")
	}
	return on("A session ends after %s without use, and after %s in any case.", days(n.SessionIdle), days(n.SessionLength))
}

func (o *Office) guessesSlowed() controls.Seen {
	n := contact.RulesOf(o.Policy.Numbers(o.Clock.Now()))
	for _, t := range []contact.ThrottleRules{n.Customer, n.Source} {
		if t.FirstDelay <= 0 || t.LongestDelay <= 0 || t.PerDay <= 0 || t.InAll <= 0 {
			return off("The numbers in force let somebody guess without waiting, or without end.")
		}
	}
	if n.AlertAttempts <= 0 || n.AlertWithin <= 0 {
		return off("The numbers in force raise no alert about whoever tries to pass for a customer.")
	}
	return on("After %d wrong secrets of a customer each try waits longer; %d in a day close the way, and %d within %s raise an alert.", n.Customer.FreeTries, n.Customer.PerDay, n.AlertAttempts, days(n.AlertWithin))
}

func (o *Office) programsRationed() controls.Seen {
	n := o.Policy.Numbers(o.Clock.Now()).Int("security-defaults", "key_misses_per_minute")
	if n <= 0 {
		return off("The numbers in force let a key ask for what is not there without end.")
	}
	return on("A key that misses %d times in a minute waits for the next.", n)
}

// watchFollows looks whether the detectors are up with the ledger.
func (o *Office) watchFollows(ctx context.Context, within time.Duration) (controls.Seen, error) {
	since, begun, err := o.Watch.Behind(ctx)
	switch {
	case err != nil:
		return controls.Seen{}, err
	case !begun:
		return unknown("The detectors have not begun to follow the ledger."), nil
	case !since.IsZero() && o.Clock.Now().Sub(since) > within:
		return off("The detectors have not looked at what has happened for longer than %s.", days(within)), nil
	}
	return on("The detectors that follow the ledger: %d. They are up with it.", o.Watch.Detecting()), nil
}

func (o *Office) decoysOut(ctx context.Context, _ time.Duration) (controls.Seen, error) {
	all, err := o.Watch.Decoys(ctx)
	if err != nil || len(all) == 0 {
		return off("No customer is a decoy."), err
	}
	return on("At least one customer is a decoy."), nil // how many, and who, is told to nobody
}

// has reports whether a rule of the policy in force forbids by this id.
func (o *Office) has(id string) bool {
	set, _ := o.Policy.Current()
	return slices.ContainsFunc(set.Rules(), func(r rules.Rule) bool { return r.ID == id && !r.Permits })
}

func (o *Office) trainingGate() controls.Seen {
	n := len(o.Training.Courses.All())
	switch {
	case !o.has("staff-trained"):
		return off("No rule in force refuses whoever has no current course (staff-trained).")
	case n == 0:
		return off("There is no course to pass.")
	}
	return on("The rule staff-trained is in force, and courses to pass: %d.", n)
}

func (o *Office) rolesApart() controls.Seen {
	if !o.has("keepers-see-no-customers") {
		return off("No rule in force keeps administrators and auditors from customers (keepers-see-no-customers).")
	}
	return on("The rule keepers-see-no-customers is in force.")
}

// pairs are the rights whose use takes two people, with what they are for.
var pairs = []struct {
	right staff.Right
	what  string
}{{staff.Forget, "forgetting customers"}, {staff.Operate, "renewing keys"}, {staff.KeepPolicy, "changing rules"}, {staff.KeepRegisters, "taking partners on"}, {staff.GiveNotices, "giving notices"}}

// twoPeople looks whether there are two for each dangerous act.
func (o *Office) twoPeople(ctx context.Context, _ time.Duration) (controls.Seen, error) {
	members, err := o.Staff.Members(ctx)
	if err != nil {
		return controls.Seen{}, err
	}
	var lacking []string
	for _, p := range pairs {
		n := 0
		for i := range members {
			if members[i].May(p.right) {
				n++
			}
		}
		if n < 2 {
			lacking = append(lacking, p.what)
		}
	}
	if len(lacking) > 0 {
		return off("Fewer than two people have the right to: %s.", strings.Join(lacking, ", ")), nil
	}
	return on("Two people at least have each right that takes two."), nil
}

// retentionFloors compares how long records are kept with how long they must be.
func (o *Office) retentionFloors() controls.Seen {
	n := o.Policy.Numbers(o.Clock.Now())
	var low []string
	all := 0
	for _, kind := range []string{"approval", "notice", "campaign", "disclosure", "review", "breach", "certificate", "training", "discipline"} {
		floor, _, ok := n.Look("retention", kind+"_floor_months")
		kept, _, there := n.Look("retention", kind+"_months")
		switch {
		case !ok && !there:
		case !ok || !there || kept < floor:
			low = append(low, kind)
		default:
			all++
		}
	}
	switch {
	case len(low) > 0:
		return off("Kept for less than the floor of the rule, or without a number: %s.", strings.Join(low, ", "))
	case all == 0:
		return off("No numbers in force say how long records are kept.")
	}
	return on("Kinds of records that are kept at least as long as the floor of their rule: %d.", all)
}

// waysToRefuse looks whether a way to refuse is known to have failed, by a file that is open or by the monitors that try each.
//
// cite: P-12, 47 CFR 64.2009(f)
func (o *Office) waysToRefuse(ctx context.Context, within time.Duration) (controls.Seen, error) {
	var open int64
	if err := o.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM filing_failure WHERE state = $1", "open").Scan(&open); err != nil {
		return controls.Seen{}, fmt.Errorf("looking at failures: %w", err)
	}
	if open > 0 {
		return off("Ways to refuse that failed and whose files are open: %d.", open), nil
	}
	ways, err := o.Monitors.List(ctx, monitor.Span{})
	if err != nil {
		return controls.Seen{}, err
	}
	tried := 0
	for _, w := range ways {
		switch {
		case w.State == monitor.Down:
			return off("A monitor has tried it again and again, and it did not work: %s.", w.Way.Called()), nil
		case w.State == monitor.Open:
			tried++
		}
	}
	return on("No file of a way to refuse that failed is open. Ways that a monitor tried and that worked: %d of %d.", tried, len(ways)), nil
}
