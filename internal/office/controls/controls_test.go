package controls_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/filing/controls"
	"ringfence/internal/ledger"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/policy"
)

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// book is the list of an office in a test.
type book struct {
	*officetest.Office
	t testing.TB
}

func (b book) looked() {
	b.t.Helper()
	for range 2 { // once more does nothing twice
		must(b.t, b.Controls.Look(b.t.Context()))
	}
}

func (b book) one(id string) controls.Control {
	b.t.Helper()
	all, err := b.Controls.List(b.t.Context())
	must(b.t, err)
	for _, c := range all {
		if c.ID == id {
			return c
		}
	}
	b.t.Fatalf("there is no control %s", id)
	return controls.Control{}
}

func (b book) is(id string, s controls.State, says string) {
	b.t.Helper()
	if c := b.one(id); c.State != s || !strings.Contains(c.Seen, says) {
		b.t.Errorf("%s is %s, %q; want %s, %q", id, c.State, c.Seen, s, says)
	}
}

func (b book) alerts() (n int) {
	b.t.Helper()
	rows, err := b.Ledger.Records(b.t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 500})
	must(b.t, err)
	return len(slices.DeleteFunc(rows, func(r ledger.Row) bool { return r.Code != controls.WentOff }))
}

// Every probe that the list names is there, and every probe is on the list.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestTheListAndTheProbesAgree(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, storetest.SQLite(t)))
	if unused := o.Controls.Unused(); len(unused) > 0 {
		t.Errorf("no control is looked at by %v", unused)
	}
	parts := o.Controls.Parts
	parts.Probes = nil
	_, err := controls.New(parts)
	for _, c := range o.Controls.Listing.All() {
		if c.Probe != "" && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", c.Probe))) {
			t.Errorf("without the probe of %s: %v", c.ID, err)
		}
	}
	set, _ := o.Policy.Current()
	for _, c := range o.Controls.Listing.All() {
		for _, id := range c.Clauses {
			if !slices.ContainsFunc(set.Clauses(), func(x rules.Clause) bool { return x.ID == id }) {
				t.Errorf("%s is for a clause that there is not: %s", c.ID, id)
			}
		}
	}
}

// What each probe looks at turns the control off when it is not so, raises one alert, and turns it on again.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestProbes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b, ctx := book{officetest.Open(t, db), t}, t.Context()
		b.is("sealing", controls.Unknown, "Nobody has looked yet")
		b.looked()
		for id, want := range map[string]struct {
			state controls.State
			says  string
		}{
			"sealing": {controls.On, "sealed and opened again"}, "key-age": {controls.On, "made on November 24, 2026"}, "access-log": {controls.On, "nothing has waited"}, "ledger-verified": {controls.Unknown, "yet"},
			"second-factor": {controls.On, "Nobody can sign in"}, "sessions-end": {controls.On, "1 hour"}, "guesses-slowed": {controls.On, "After 3"}, "programs-rationed": {controls.On, "60 times"}, "anomalies": {controls.Unknown, "not begun"},
			"decoys": {controls.Off, "No customer"}, "training-gate": {controls.On, "staff-trained"}, "roles-apart": {controls.On, "keepers"}, "two-people": {controls.Off, "forgetting customers"}, "retention-floors": {controls.On, "9"},
			"ways-to-refuse": {controls.On, "No file"}, "https": {controls.Unknown, "does not know"}, "backups": {controls.Unknown, "Nobody has confirmed"},
		} {
			b.is(id, want.state, want.says)
		}
		if n := b.alerts(); n != 2 {
			t.Errorf("two are off, and %d alerts were raised", n)
		}
		ann := b.Customer(t)
		must(t, b.Watch.SetDecoy(ctx, ann.ID, true, "test"))
		for range 2 {
			b.Member(t, cpni.RoleOfficer)
		}
		must(t, b.Ledger.Sequence(ctx))
		must(t, b.Watch.Step(ctx))
		_, err := b.Verify(ctx, "test")
		must(t, err)
		b.Surround(map[string]controls.Probe{"https": func(context.Context, time.Duration) (controls.Seen, error) {
			return controls.Seen{State: controls.On, Says: "by HTTPS"}, nil
		}, "key-files": func(context.Context, time.Duration) (controls.Seen, error) {
			return controls.Seen{}, errors.New("the disk does not answer")
		}})
		b.is("decoys", controls.Off, "No customer")
		b.Time.Add(59 * time.Minute)
		b.looked()
		b.is("decoys", controls.Off, "No customer") // it is not looked at before its time
		b.Time.Add(time.Minute)
		if err := b.Controls.Look(ctx); err == nil || !strings.Contains(err.Error(), "the disk does not answer") {
			t.Errorf("a probe that fails: %v", err)
		}
		b.is("decoys", controls.On, "At least one")
		b.is("two-people", controls.On, "Two people")
		b.is("ledger-verified", controls.On, "none of them changed")
		b.is("https", controls.On, "by HTTPS")
		b.is("access-log", controls.Off, "has not reached the tree") // nothing takes it there
		b.is("key-files", controls.Unknown, "does not know")         // what was known stays
		if c := b.one("decoys"); c.Steps != 2 || !c.Since.Equal(b.Clock.Now().UTC()) {
			t.Errorf("it went on at %s, in %d steps", c.Since, c.Steps)
		}
		officer := b.Member(t, cpni.RoleOfficer)
		_, err = b.Filing.Open(ctx, filing.Intake{By: officer, Facts: filing.Facts{Mechanism: "the form on the web", What: "It did nothing.", Found: b.Clock.Now()}})
		must(t, err)
		b.Time.Add(time.Hour)
		b.Controls.Look(ctx)
		b.is("ways-to-refuse", controls.Off, "open: 1")
		if n := b.alerts(); n != 4 {
			t.Errorf("%d alerts, want 4", n)
		}
		b.Time.Add(367 * 24 * time.Hour)
		b.is("sealing", controls.Unknown, "Nobody has looked for longer")
		b.Controls.Look(ctx)
		b.is("sealing", controls.On, "sealed")
		b.is("key-age", controls.Off, "every 366 days")
		b.is("ledger-verified", controls.Off, "every 92 days")
		b.is("access-log", controls.Off, "has not reached the tree")
		b.is("anomalies", controls.On, "up with it")
		must(t, b.Ledger.Sequence(ctx))
		b.Time.Add(time.Hour)
		b.Controls.Look(ctx)
		b.is("anomalies", controls.Off, "have not looked")
		row, err := b.Ledger.Record(ctx, "", b.one("key-age").Entry)
		if err != nil || row.Kind != ledger.Admin || row.Actor != string(cpni.RoleSystem) {
			t.Errorf("the step has the entry %+v, %v", row, err)
		}
	})
}

// Nobody is signed in without a second factor.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestSecondFactorsAreLookedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b, ctx := book{officetest.Open(t, db), t}, t.Context()
		id := b.Member(t, cpni.RoleAgent)
		now := b.Clock.Now().UnixMicro()
		must(t, b.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO session (hash, staff_id, began, active, ended) VALUES ($1, $2, $3, $3, 0)", []byte("a session"), string(id), now)
			return err
		}))
		b.looked()
		b.is("second-factor", controls.Off, "without a second factor: 1")
		must(t, b.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO factor (staff_id, factor_id, kind, name, made, used, step, sealed) VALUES ($1, 'f', 'totp', 'phone', $2, 0, 0, $3)", string(id), now, []byte("x"))
			return err
		}))
		b.Time.Add(time.Hour - time.Minute)
		b.looked()
		b.is("second-factor", controls.Off, "1")
		b.Time.Add(time.Minute)
		b.looked()
		b.is("second-factor", controls.On, "Nobody can")
	})
}

// A person confirms what no program can see; the confirmation lapses, and what is said is kept. Only compliance and officers confirm.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func TestConfirming(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b, ctx := book{officetest.Open(t, db), t}, t.Context()
		cora, aude, rep := b.Member(t, cpni.RoleCompliance), b.Member(t, cpni.RoleAuditor), b.Member(t, cpni.RoleAgent)
		by := func(steps int) controls.Act { return controls.Act{By: cora, ID: cpni.NewID(), Steps: steps} }
		const words = "The newest backup is of this night."
		for who, may := range map[cpni.ID]bool{cora: true, aude: true, rep: false} {
			if _, err := b.Controls.Read(ctx, who); (err == nil) != may {
				t.Errorf("reading the list: %v, may %v", err, may)
			}
		}
		for _, who := range []cpni.ID{aude, rep} {
			if err := b.Controls.Confirm(ctx, "backups", controls.Act{By: who}, true, words); code(err) != "ROLE" {
				t.Errorf("confirming without the right: %v", err)
			}
		}
		for want, err := range map[cpni.Code]error{
			"STATE":      b.Controls.Confirm(ctx, "sealing", by(0), true, words),
			"INCOMPLETE": b.Controls.Confirm(ctx, "backups", by(0), true, "  "),
			"BAD_INPUT":  b.Controls.Confirm(ctx, "backups", by(0), true, strings.Repeat("x", 2001)),
			"CONFLICT":   b.Controls.Confirm(ctx, "backups", by(1), true, words),
		} {
			if code(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if err := b.Controls.Confirm(ctx, "nothing", by(0), true, words); !errors.Is(err, controls.ErrNone) {
			t.Errorf("a control that there is not: %v", err)
		}
		once := by(0)
		for range 2 {
			must(t, b.Controls.Confirm(ctx, "backups", once, true, words))
		}
		c := b.one("backups")
		if c.State != controls.On || c.By != string(cora) || c.Steps != 1 || c.Seen != words || c.Until.Sub(b.Clock.Now()) != 31*24*time.Hour {
			t.Errorf("confirmed as %+v", c)
		}
		since := c.Since
		b.Time.Add(30 * 24 * time.Hour)
		b.looked()
		before := b.alerts()
		must(t, b.Controls.Confirm(ctx, "backups", by(1), true, words))
		if c = b.one("backups"); !c.Since.Equal(since) || c.Steps != 2 {
			t.Errorf("on since %s, want %s; %d steps", c.Since, since, c.Steps)
		}
		until := c.Until
		b.Time.Add(31 * 24 * time.Hour)
		b.is("backups", controls.Off, "every 31 days") // before anything ran
		b.looked()
		if c = b.one("backups"); c.State != controls.Off || !c.Since.Equal(until) || c.Steps != 3 || b.alerts() != before+1 {
			t.Errorf("lapsed as %+v, %d alerts", c, b.alerts()-before)
		}
		must(t, b.Controls.Confirm(ctx, "backups", by(3), true, words))
		must(t, b.Controls.Confirm(ctx, "backups", by(4), false, "The disk is full, and nothing was written this week."))
		b.is("backups", controls.Off, "The disk is full")
		if b.alerts() != before+2 {
			t.Errorf("%d alerts, want 2", b.alerts()-before)
		}
		_, steps, err := b.Controls.One(ctx, "backups", aude)
		must(t, err)
		var what []string
		for _, s := range steps {
			what = append(what, string(s.What)+" "+string(s.State))
			if row, err := b.Ledger.Record(ctx, "", s.Entry); err != nil || row.Actor != s.By {
				t.Errorf("step %d has the entry %+v, %v", s.N, row, err)
			}
		}
		if got := strings.Join(what, ", "); got != "confirmed on, confirmed on, lapsed off, confirmed on, confirmed off" {
			t.Errorf("the history is %s", got)
		}
		if _, _, err := b.Controls.One(ctx, "nothing", aude); !errors.Is(err, controls.ErrNone) {
			t.Errorf("a control that there is not: %v", err)
		}
	})
}

// A list that says anything unknown, or lacks anything, is refused with the place; a policy without a list has the one that is built in.
//
// cite: P-37
func TestTheListIsReadStrictly(t *testing.T) {
	const head = "look_every: 1h\nlook_life: 2h\ncontrols:\n"
	const good = "- {id: a-control, title: A, says: It is so., clauses: [P-37], sections: ['47 CFR 64.2010(a)'], attest: every 31 days}\n"
	read := func(text string) error {
		_, err := controls.Load(fstest.MapFS{"controls/controls.yaml": {Data: []byte(text)}})
		return err
	}
	must(t, read(head+good))
	for name, x := range map[string][2]string{
		"an unknown word":     {head + strings.Replace(good, "title", "titel", 1), "titel"},
		"a wrong id":          {head + strings.Replace(good, "a-control", "A Control", 1), "small letters"},
		"no title":            {head + strings.Replace(good, "title: A, ", "", 1), "title"},
		"no clause":           {head + strings.Replace(good, "[P-37]", "[]", 1), "no clause"},
		"a wrong clause":      {head + strings.Replace(good, "P-37", "P-X", 1), "P-X"},
		"a wrong section":     {head + strings.Replace(good, "47 CFR 64.2010(a)", "somewhere", 1), "somewhere"},
		"neither":             {head + strings.Replace(good, ", attest: every 31 days", "", 1), "either"},
		"both":                {head + strings.Replace(good, "attest", "probe: x-y, attest", 1), "either"},
		"days in words":       {head + strings.Replace(good, "31", "a few", 1), "every 31 days"},
		"too many days":       {head + strings.Replace(good, "31", "999", 1), "at most"},
		"an age without eyes": {head + strings.Replace(good, "attest", "within: 3d, attest", 1), "probe"},
		"twice":               {head + good + good, "twice"},
		"nothing":             {head + "[]", "0 controls"},
		"no time":             {"look_every: often\nlook_life: 2h\ncontrols:\n" + good, "often"},
		"too short a life":    {"look_every: 2h\nlook_life: 2h\ncontrols:\n" + good, "longer"},
	} {
		if err := read(x[0]); err == nil || !strings.Contains(err.Error(), x[1]) {
			t.Errorf("%s: %v, want %q", name, err, x[1])
		}
	}
	own, err := office.ReadControls(fstest.MapFS{"controls/controls.yaml": {Data: []byte(head + good)}})
	if err != nil || len(own.All()) != 1 || own.All()[0].Every != 31 {
		t.Errorf("a carrier's own list: %v, %v", own, err)
	}
	built, err := controls.Load(policy.Files)
	must(t, err)
	for _, files := range []fstest.MapFS{nil, {}} {
		got, err := office.ReadControls(files)
		if err != nil || len(got.All()) != len(built.All()) {
			t.Errorf("a policy without a list: %v, %v", got, err)
		}
	}
}
