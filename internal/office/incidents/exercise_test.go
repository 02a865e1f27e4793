package incidents_test

import (
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Whoever did something in a rehearsal has trained, once it is closed, and once however often it is; an incident that was none trains nobody.
//
// cite: P-38, P-43, 47 CFR 64.2009(b)
func TestARehearsalIsTraining(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		d := o.Incidents
		one, two, idle := o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleOfficer), o.Member(t, cpni.RoleCompliance)
		closing := breach.Closing{Cause: "A machine.", Remedy: "It is set right.", Lessons: "Look twice.", NoSanction: "Nobody did it."}
		open := func(exercise bool) cpni.ID {
			t.Helper()
			i, err := d.Open(t.Context(), breach.Intake{By: one, Exercise: exercise, Facts: breach.Facts{What: "A letter lay in the wrong envelope.", Discovered: o.Clock.Now(), DiscoveredBy: "a colleague", Intentional: clock.No, Basis: "The machine was set wrong."}})
			if err == nil {
				_, err = d.Determine(t.Context(), i.ID, breach.Act{By: two}, breach.Determination{})
			}
			if err != nil {
				t.Fatal(err)
			}
			return i.ID
		}
		took := func(who cpni.ID) int {
			t.Helper()
			all, err := o.Training.Exercises(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		real, rehearsal := open(false), open(true)
		if _, err := d.Advance(t.Context(), rehearsal, breach.Act{By: two}, 240*time.Hour); err != nil {
			t.Fatal(err)
		}
		if took(one)+took(two) != 0 {
			t.Error("somebody has trained before the rehearsal is closed")
		}
		for _, id := range []cpni.ID{real, rehearsal} {
			if _, err := d.Close(t.Context(), id, breach.Act{By: two}, closing); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Reopen(t.Context(), rehearsal, breach.Act{By: two}, "Once more."); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Close(t.Context(), rehearsal, breach.Act{By: two}, closing); err != nil {
			t.Fatal(err)
		}
		if took(one) != 1 || took(two) != 1 || took(idle) != 0 {
			t.Errorf("%d, %d and %d rehearsals", took(one), took(two), took(idle))
		}
		all, err := o.Training.Exercises(t.Context(), two)
		if err != nil {
			t.Fatal(err)
		}
		x := all[0]
		if x.Incident != rehearsal || x.Number != "R-2026-1" || x.Role != cpni.RoleOfficer || x.Steps != 3 || !x.Closed.Equal(o.Clock.Now()) {
			t.Errorf("%+v", x)
		}
		row, err := o.Ledger.Record(t.Context(), "", x.Record)
		if err != nil || row.Kind != ledger.Admin || row.Actor != string(two) {
			t.Errorf("on record: %+v, %v", row, err)
		}
		for year, want := range map[int][2]int{2026: {1, 2}, 2025: {}, 2027: {}} {
			if n, members, err := o.Training.ExercisesIn(t.Context(), year); err != nil || n != want[0] || members != want[1] {
				t.Errorf("in %d %d rehearsals by %d members, %v", year, n, members, err)
			}
		}
	})
}
