package incidents_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// desk is who works on incidents in a test.
type desk struct {
	*officetest.Office
	t              testing.TB
	cora, otto     cpni.ID // compliance and an officer
	rep, ada, aude cpni.ID // an agent, an administrator, an auditor
}

func deskOf(t testing.TB, o *officetest.Office) desk {
	return desk{o, t, o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleOfficer), o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleAdmin), o.Member(t, cpni.RoleAuditor)}
}

// sold are the facts of a clerk who sold call records.
func (d desk) sold() breach.Facts {
	return breach.Facts{What: "A clerk sold call records to a stranger.", Discovered: d.Clock.Now().Add(-24 * time.Hour), DiscoveredBy: "a customer who rang", Data: []cpni.DataClass{cpni.CallDetail},
		Outcome: clock.Disclosed, Intentional: clock.Yes, Encryption: clock.Plain, Harm: clock.Likely, Basis: "the clerk was asked"}
}

func (d desk) taken(change ...func(*breach.Facts)) *breach.Incident {
	d.t.Helper()
	f := d.sold()
	for _, c := range change {
		c(&f)
	}
	return d.did(d.Incidents.Open(d.t.Context(), breach.Intake{By: d.cora, Facts: f}))
}

func (d desk) did(i *breach.Incident, err error) *breach.Incident {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	return i
}

func (d desk) by(who cpni.ID) breach.Act { return breach.Act{By: who} }

func (d desk) alerts(code cpni.Code) int {
	d.t.Helper()
	rows, err := d.Ledger.Records(d.t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 500})
	if err != nil {
		d.t.Fatal(err)
	}
	return len(slices.DeleteFunc(rows, func(r ledger.Row) bool { return r.Code != code }))
}

func (d desk) due() {
	d.t.Helper()
	for range 2 { // once more does nothing twice
		if err := d.Incidents.Due(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
}

// Anybody who works for the carrier can say that there is an incident; who may not know of incidents learns no more of it, under whatever name they ask.
//
// cite: P-37, P-43, P-47, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func TestWhoKnowsOfIncidents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		ctx := t.Context()
		for who, may := range map[cpni.ID]bool{d.rep: true, d.ada: true, d.cora: true, d.aude: false} {
			if _, err := d.Incidents.Open(ctx, breach.Intake{By: who, Facts: d.sold()}); (err == nil) != may {
				t.Errorf("taking one in: %v, may %v", err, may)
			}
		}
		i := d.taken()
		for who, may := range map[cpni.ID]bool{d.cora: true, d.otto: true, d.aude: true, d.rep: false, d.ada: false} {
			if _, err := d.Incidents.One(ctx, i.ID, who); (err == nil) != may {
				t.Errorf("seeing one: %v, may %v", err, may)
			}
			if _, err := d.Incidents.List(ctx, who, breach.Query{}); (err == nil) != may {
				t.Errorf("listing: %v, may %v", err, may)
			}
			if _, err := d.Incidents.Set(ctx, i.ID, who, "", "", 10); (err == nil) != may {
				t.Errorf("whose data: %v, may %v", err, may)
			}
			if _, err := d.Incidents.Papers(ctx, i.ID, who); (err == nil) != may {
				t.Errorf("papers: %v, may %v", err, may)
			}
		}
		for name, do := range map[string]func(a breach.Act) error{
			"correct": func(a breach.Act) error {
				_, err := d.Incidents.Correct(ctx, i.ID, a, d.sold(), "a reason")
				return err
			},
			"determine": func(a breach.Act) error {
				_, err := d.Incidents.Determine(ctx, i.ID, a, breach.Determination{})
				return err
			},
			"report": func(a breach.Act) error {
				_, err := d.Incidents.Report(ctx, i.ID, a, breach.Filing{Through: breach.Facility, Receipt: "F-1"})
				return err
			},
			"tell":   func(a breach.Act) error { _, err := d.Incidents.Tell(ctx, i.ID, a); return err },
			"close":  func(a breach.Act) error { _, err := d.Incidents.Close(ctx, i.ID, a, breach.Closing{}); return err },
			"purge":  func(a breach.Act) error { return d.Incidents.Purge(ctx, i.ID, a, "a reason") },
			"remark": func(a breach.Act) error { _, err := d.Incidents.Remark(ctx, i.ID, a, "hello", "", nil); return err },
		} {
			for _, who := range []cpni.ID{d.rep, d.ada, d.aude} {
				if err := do(d.by(who)); code(err) != "ROLE" {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if again := d.did(d.Incidents.One(ctx, i.ID, d.cora)); len(again.History) != 1 {
			t.Errorf("%d steps after refused acts", len(again.History))
		}
	})
}

// A correction is a new step beside the old one; each step has its entry in the ledger; what was sent twice is done once; who has seen an older
// file is told; another node and a restart read the same.
//
// cite: P-49, P-52, I-03, I-11, 47 CFR 64.2011(d)
func TestTheHistoryOnlyGrows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		ctx := t.Context()
		in := breach.Intake{ID: cpni.NewID(), By: d.cora, Facts: d.sold()}
		i := d.did(d.Incidents.Open(ctx, in))
		if twice := d.did(d.Incidents.Open(ctx, in)); twice.Number != i.Number || twice.Version != i.Version {
			t.Errorf("taken in twice: %s, %s", twice.Number, i.Number)
		}
		before := i.History[0]
		f := d.sold()
		f.Customers, f.What = 40, "A clerk sold the call records of forty customers."
		a := breach.Act{By: d.otto, ID: cpni.NewID(), Version: i.Version}
		for range 2 {
			i = d.did(d.Incidents.Correct(ctx, i.ID, a, f, "counted"))
		}
		if len(i.History) != 2 || i.Facts.Customers != 40 || i.History[1].Reason != "counted" || i.History[0].Facts.What != before.Facts.What {
			t.Errorf("%+v", i.History)
		}
		if _, err := d.Incidents.Correct(ctx, i.ID, breach.Act{By: d.cora, Version: i.Version - 1}, f, "counted"); code(err) != "CONFLICT" {
			t.Errorf("over another's head: %v", err)
		}
		if _, err := d.Incidents.Correct(ctx, i.ID, d.by(d.cora), f, " "); code(err) != "REASON" {
			t.Errorf("without a reason: %v", err)
		}
		d.did(d.Incidents.Determine(ctx, i.ID, d.by(d.cora), breach.Determination{Basis: "the clerk has said so"}))
		i = d.did(d.Incidents.Remark(ctx, i.ID, d.by(d.cora), "the letter of the clerk", "letter", []byte("%PDF-1.7 letter")))
		for n, e := range i.History {
			row, err := d.Ledger.Record(ctx, "", e.Entry)
			if err != nil || row.Kind != ledger.Incident || row.Actor != e.By || e.N != n+1 {
				t.Errorf("step %d: %+v, %v", n+1, row, err)
			}
		}
		papers, err := d.Incidents.Papers(ctx, i.ID, d.aude)
		if err != nil || len(papers) != 1 || papers[0].Media != "application/pdf" {
			t.Errorf("%+v, %v", papers, err)
		}
		other := d.On(t, db)
		again := d.did(other.Incidents.One(ctx, i.ID, d.aude))
		if len(again.History) != len(i.History) || again.Facts.What != i.Facts.What || again.Number != i.Number {
			t.Errorf("%+v", again)
		}
		if _, file, err := other.Incidents.File(ctx, i.ID, d.aude, 1); err != nil || !bytes.Equal(file, []byte("%PDF-1.7 letter")) {
			t.Errorf("%q, %v", file, err)
		}
		if x, y := d.Incidents.Clocks(i), other.Incidents.Clocks(again); x.AgenciesBy != y.AgenciesBy || x.AgenciesBy.IsZero() {
			t.Errorf("%v, %v", x.AgenciesBy, y.AgenciesBy)
		}
	})
}

// Incidents that are taken in at one moment on two nodes get a number each, and none is lost.
//
// cite: P-49, 47 CFR 64.2011(d)
func TestNumbersOfIncidents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		other := d.On(t, db)
		var all sync.WaitGroup
		failed := make(chan error, 16)
		for n := range 16 {
			on := []*officetest.Office{d.Office, other}[n%2]
			all.Go(func() {
				_, err := on.Incidents.Open(t.Context(), breach.Intake{By: d.rep, Facts: d.sold()})
				failed <- err
			})
		}
		all.Wait()
		for range 16 {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		list, err := d.Incidents.List(t.Context(), d.cora, breach.Query{})
		if err != nil || len(list) != 16 {
			t.Fatalf("%d, %v", len(list), err)
		}
		numbers := map[string]bool{}
		for _, i := range list {
			numbers[i.Number] = true
			if id, err := d.Incidents.ByNumber(t.Context(), i.Number, d.cora); err != nil || id != i.ID {
				t.Errorf("%s: %s, %v", i.Number, id, err)
			}
		}
		if len(numbers) != 16 || !numbers["I-2026-1"] || !numbers["I-2026-16"] {
			t.Errorf("%v", numbers)
		}
	})
}

// What lacks, or cannot be, is refused with what to do, and nothing of it is kept.
//
// cite: P-43, P-44, P-45, P-48, P-50, P-51, P-52, P-53
func TestRefusedActs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		ctx, now := t.Context(), d.Clock.Now()
		for name, c := range map[string]struct {
			want   cpni.Code
			change func(*breach.Facts)
		}{
			"nothing happened":        {"INCOMPLETE", func(f *breach.Facts) { f.What = " " }},
			"no day of discovery":     {"INCOMPLETE", func(f *breach.Facts) { f.Discovered = time.Time{} }},
			"nobody discovered it":    {"INCOMPLETE", func(f *breach.Facts) { f.DiscoveredBy = "" }},
			"discovered tomorrow":     {"BAD_INPUT", func(f *breach.Facts) { f.Discovered = now.Add(time.Hour) }},
			"no harm without a basis": {"INCOMPLETE", func(f *breach.Facts) { f.Harm, f.Basis = clock.Unlikely, "" }},
			"a class of its own":      {"BAD_INPUT", func(f *breach.Facts) { f.Data = []cpni.DataClass{"secrets"} }},
			"ended before it began": {"BAD_INPUT", func(f *breach.Facts) {
				f.From, f.Until = workday.On(2026, 11, 2), workday.On(2026, 11, 1)
			}},
			"fewer than none": {"BAD_INPUT", func(f *breach.Facts) { f.Customers = -1 }},
			"a bell in it":    {"BAD_INPUT", func(f *breach.Facts) { f.What = "ding \a" }},
		} {
			f := d.sold()
			c.change(&f)
			_, err := d.Incidents.Open(ctx, breach.Intake{By: d.cora, Facts: f})
			var r *cpni.Refusal
			if !errors.As(err, &r) || r.Code != c.want || len(r.Clauses) == 0 || len(r.Next) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if list, err := d.Incidents.List(ctx, d.cora, breach.Query{}); err != nil || len(list) != 0 {
			t.Errorf("%d incidents, %v", len(list), err)
		}
		i := d.taken()
		yesterday := workday.DateIn(now, officetest.Zone).Add(-1)
		for name, c := range map[string]struct {
			want cpni.Code
			do   func() error
		}{
			"a direction without an officer": {"INCOMPLETE", func() error {
				_, err := d.Incidents.Direct(ctx, i.ID, d.by(d.cora), breach.Direction{Agency: "FBI", Written: true, Until: yesterday.Add(9)}, nil, "")
				return err
			}},
			"a direction that is over": {"INCOMPLETE", func() error {
				_, err := d.Incidents.Direct(ctx, i.ID, d.by(d.cora), breach.Direction{Agency: "FBI", Officer: "SA Doe", Written: true, Until: yesterday}, nil, "")
				return err
			}},
			"a lift of nothing": {"STATE", func() error {
				_, err := d.Incidents.Lift(ctx, i.ID, d.by(d.cora), "FBI", "SA Doe", time.Time{}, nil)
				return err
			}},
			"no answer and none": {"INCOMPLETE", func() error {
				_, err := d.Incidents.Respond(ctx, i.ID, d.by(d.cora), "FBI", "", "", false, nil)
				return err
			}},
			"a report before the discovery": {"BAD_INPUT", func() error {
				_, err := d.Incidents.Report(ctx, i.ID, d.by(d.cora), breach.Filing{Through: breach.Facility, Receipt: "F", At: now.AddDate(0, 0, -9)})
				return err
			}},
			"a report to the field office": {"CHANNEL", func() error {
				_, err := d.Incidents.Report(ctx, i.ID, d.by(d.cora), breach.Filing{Through: "email", Receipt: "F"})
				return err
			}},
			"a report without a receipt": {"RECEIPT", func() error {
				_, err := d.Incidents.Report(ctx, i.ID, d.by(d.cora), breach.Filing{Through: breach.Facility})
				return err
			}},
			"a program as a paper": {"BAD_INPUT", func() error {
				_, err := d.Incidents.Remark(ctx, i.ID, d.by(d.cora), "see", "", []byte{0x7f, 'E', 'L', 'F', 0})
				return err
			}},
			"nobody of ours": {"BAD_INPUT", func() error {
				_, err := d.Incidents.Put(ctx, i.ID, d.by(d.cora), []cpni.ID{cpni.NewID()}, "why")
				return err
			}},
			"a clock that is no one's":  {"STATE", func() error { _, err := d.Incidents.Advance(ctx, i.ID, d.by(d.cora), time.Hour); return err }},
			"an open file opened again": {"STATE", func() error { _, err := d.Incidents.Reopen(ctx, i.ID, d.by(d.cora), "why"); return err }},
			"removed while it is open":  {"RETENTION", func() error { return d.Incidents.Purge(ctx, i.ID, d.by(d.cora), "why") }},
			"closed with nothing in it": {"INCOMPLETE", func() error { _, err := d.Incidents.Close(ctx, i.ID, d.by(d.cora), breach.Closing{}); return err }},
		} {
			if err := c.do(); code(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if i = d.did(d.Incidents.One(ctx, i.ID, d.cora)); len(i.History) != 1 {
			t.Errorf("%d steps after refused acts", len(i.History))
		}
		if _, err := d.Incidents.One(ctx, cpni.NewID(), d.cora); !errors.Is(err, breach.ErrNone) {
			t.Errorf("one that there is not: %v", err)
		}
	})
}

// Reminders come on their days, once however many nodes ask, and after days on which nothing ran the newest comes. A rehearsal asks within
// itself and raises no alert.
//
// cite: P-44, 47 CFR 64.2011(b)
func TestReminders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		other := d.On(t, db)
		ctx := t.Context()
		i := d.taken()
		d.did(d.Incidents.Determine(ctx, i.ID, d.by(d.cora), breach.Determination{})) // on a Tuesday; due on Friday of the week after
		d.due()
		if n := d.alerts(breach.DueToLaw); n != 0 {
			t.Errorf("%d reminders at once", n)
		}
		d.Time.Add(24 * time.Hour)
		var both sync.WaitGroup
		for _, on := range []*officetest.Office{d.Office, other} {
			both.Go(func() {
				if err := on.Incidents.Due(context.WithoutCancel(ctx)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		d.due()
		if n := d.alerts(breach.DueToLaw); n != 1 {
			t.Errorf("%d reminders on the first day", n)
		}
		d.Time.Add(12 * 24 * time.Hour) // nothing ran meanwhile
		d.due()
		if n, late := d.alerts(breach.DueToLaw), d.alerts(breach.LateToLaw); n != 2 || late != 1 {
			t.Errorf("%d reminders, %d that it is late", n, late)
		}
		d.Time.Add(-48 * time.Hour) // the machine's clock is set back
		d.due()
		if late := d.alerts(breach.LateToLaw); late != 1 {
			t.Errorf("%d after the clock was set back", late)
		}

		r := d.did(d.Incidents.Open(ctx, breach.Intake{By: d.cora, Facts: d.sold(), Exercise: true}))
		d.did(d.Incidents.Determine(ctx, r.ID, d.by(d.cora), breach.Determination{}))
		before := d.alerts(breach.DueToLaw) + d.alerts(breach.LateToLaw)
		r = d.did(d.Incidents.Advance(ctx, r.ID, d.by(d.cora), 24*24*time.Hour))
		d.due()
		r = d.did(d.Incidents.One(ctx, r.ID, d.cora))
		if len(r.All(breach.Reminded)) == 0 || !strings.HasPrefix(r.Number, "R-") {
			t.Errorf("the rehearsal %s was not reminded", r.Number)
		}
		if n := d.alerts(breach.DueToLaw) + d.alerts(breach.LateToLaw); n != before {
			t.Errorf("a rehearsal raised %d alerts", n-before)
		}
	})
}

// A closed file stays as it is until somebody opens it again, and is removed by nobody before its time.
//
// cite: P-49, P-53, P-54, V26, I-22, 47 CFR 64.2011(d)
func TestClosingAndKeeping(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		ctx := t.Context()
		i := d.taken(func(f *breach.Facts) { f.Intentional, f.Harm = clock.No, clock.Unlikely })
		d.did(d.Incidents.Determine(ctx, i.ID, d.by(d.cora), breach.Determination{}))
		c := breach.Closing{Cause: "a wrong envelope", Remedy: "the machine was set", Lessons: "count envelopes", NoSanction: "nobody was at fault"}
		i = d.did(d.Incidents.Close(ctx, i.ID, d.by(d.cora), c))
		if _, err := d.Incidents.Correct(ctx, i.ID, d.by(d.cora), d.sold(), "why"); code(err) != "STATE" {
			t.Errorf("a closed file was changed: %v", err)
		}
		if list, err := d.Incidents.List(ctx, d.aude, breach.Query{Closed: true}); err != nil || len(list) != 1 {
			t.Errorf("%d closed, %v", len(list), err)
		}
		for _, days := range []int{0, 365, 2 * 365, 5*365 - 1} {
			at := i.Closed.AddDate(0, 0, days).Sub(d.Clock.Now())
			d.Time.Add(at)
			if err := d.Incidents.Purge(ctx, i.ID, d.by(d.otto), "space"); code(err) != "RETENTION" {
				t.Errorf("removed after %d days: %v", days, err)
			}
		}
		i = d.did(d.Incidents.Reopen(ctx, i.ID, d.by(d.otto), "a customer has rung"))
		i = d.did(d.Incidents.Close(ctx, i.ID, d.by(d.cora), c))
		d.Time.Add(2 * 365 * 24 * time.Hour)
		if err := d.Incidents.Purge(ctx, i.ID, d.by(d.otto), "space"); code(err) != "RETENTION" {
			t.Errorf("the last step does not count: %v", err)
		}
		d.Time.Add(3*365*24*time.Hour + 3*24*time.Hour)
		if err := d.Incidents.Purge(ctx, i.ID, d.by(d.otto), "space"); err != nil {
			t.Error(err)
		}
		if _, err := d.Incidents.One(ctx, i.ID, d.cora); !errors.Is(err, breach.ErrNone) {
			t.Errorf("it is still there: %v", err)
		}
		if err := d.Ledger.Sequence(ctx); err != nil {
			t.Fatal(err)
		}
		var report strings.Builder
		if v, err := d.Ledger.Verify(ctx, &report); err != nil || !v.OK() {
			t.Errorf("%v %s", err, &report)
		}
	})
}

// Customers are put into the set and taken out of it with a reason; who is in it twice counts once.
//
// cite: P-52, 47 CFR 64.2011(d)
func TestTheSetByHand(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		ctx := t.Context()
		ann, ben := d.Customer(t), d.Customer(t)
		i := d.taken()
		if _, err := d.Incidents.Put(ctx, i.ID, d.by(d.cora), []cpni.ID{ann.ID}, ""); code(err) != "REASON" {
			t.Errorf("without a reason: %v", err)
		}
		d.did(d.Incidents.Put(ctx, i.ID, d.by(d.cora), []cpni.ID{ann.ID, ben.ID}, "the clerk named them"))
		i = d.did(d.Incidents.Put(ctx, i.ID, d.by(d.cora), []cpni.ID{ben.ID}, "and once more"))
		if i.Set != 2 || i.Customers() != 2 {
			t.Errorf("%d in the set", i.Set)
		}
		i = d.did(d.Incidents.Remove(ctx, i.ID, d.by(d.cora), []cpni.ID{ben.ID}, "it was another Ben"))
		if _, err := d.Incidents.Remove(ctx, i.ID, d.by(d.cora), []cpni.ID{ben.ID}, "again"); code(err) != "STATE" {
			t.Errorf("taken out twice: %v", err)
		}
		set, err := d.Incidents.Set(ctx, i.ID, d.aude, "", "", 10)
		if err != nil || len(set) != 1 || set[0].Customer != ann.ID || i.Set != 1 {
			t.Errorf("%+v, %v", set, err)
		}
		if c := i.Case(); c.Facts[len(c.Facts)-1].Customers != 1 || len(c.Facts) != 4 {
			t.Errorf("%+v", c.Facts)
		}
	})
}

// Who is found after everybody was told has not been: the clock of the customers runs again.
//
// cite: P-47, P-52, 47 CFR 64.2011(c)
func TestFoundAfterEverybodyWasTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		ctx := t.Context()
		ann, ben := d.Customer(t), d.Customer(t)
		i := d.taken()
		d.did(d.Incidents.Put(ctx, i.ID, d.by(d.cora), []cpni.ID{ann.ID}, "the clerk named them"))
		d.did(d.Incidents.Determine(ctx, i.ID, d.by(d.cora), breach.Determination{}))
		d.did(d.Incidents.Report(ctx, i.ID, d.by(d.otto), breach.Filing{Through: breach.Facility, Receipt: "F-1"}))
		if _, err := d.Incidents.MarkTold(ctx, i.ID, d.by(d.cora), []cpni.ID{ann.ID}, "BY_WORD", "she rang"); code(err) != breach.Held {
			t.Errorf("told before the hold ended: %v", err)
		}
		d.Time.Add(20 * 24 * time.Hour)
		i = d.did(d.Incidents.MarkTold(ctx, i.ID, d.by(d.cora), []cpni.ID{ann.ID}, "BY_WORD", "she rang"))
		if i.ToldAll.IsZero() {
			t.Fatalf("she was told, and the file does not say so: %+v", i.History[len(i.History)-1])
		}
		i = d.did(d.Incidents.Put(ctx, i.ID, d.by(d.cora), []cpni.ID{ben.ID}, "the clerk named him too"))
		if !i.ToldAll.IsZero() || !i.Case().Told.IsZero() {
			t.Error("who was found later counts as told")
		}
		d.Time.Add(20 * 24 * time.Hour)
		if !d.Incidents.Clocks(i).CustomersLate {
			t.Error("nobody asks for him to be told")
		}
	})
}
