package training

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func (w *world) find(of cpni.ID, by string) *Finding {
	w.t.Helper()
	f, err := w.Find(w.t.Context(), Finding{Staff: of, Severity: "serious", Happened: w.clock.Now().Add(-time.Hour)}, "looked up a neighbour", by)
	must(w.t, err)
	return f
}

func (w *world) open(of cpni.ID, by string) *Case {
	w.t.Helper()
	c, err := w.OpenCase(w.t.Context(), w.find(of, by).ID, by)
	must(w.t, err)
	return c
}

// From the finding to the sanction, with the member's own words, all of it on record.
//
// cite: P-39, 47 CFR 64.2009(b)
func TestProcess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add(cpni.RoleAgent, start)
		f := w.find(id, "cora")
		if f.Case != nil {
			t.Fatal("it has a case")
		}
		c, err := w.OpenCase(t.Context(), f.ID, "cora")
		must(t, err)
		if again, err := w.OpenCase(t.Context(), f.ID, "otto"); err != nil || again.ID != c.ID || again.By != "cora" {
			t.Errorf("a second case: %+v, %v", again, err)
		}
		w.clock.advance(time.Minute)
		must(t, w.State(t.Context(), c.ID, "I thought that it was allowed.", string(id)))
		w.clock.advance(time.Minute)
		must(t, w.Decide(t.Context(), c.ID, Warning, time.Time{}, "first time", "otto"))
		got, err := w.Case(t.Context(), c.ID)
		must(t, err)
		if len(got.Case.Steps) != 2 || got.Case.Steps[0].Kind != Statement || got.Case.Steps[1].Kind != Warning || !got.Case.Decided() {
			t.Fatalf("%+v", got.Case)
		}
		for i, want := range []string{"I thought that it was allowed.", "first time"} {
			if said, err := w.Said(t.Context(), got.Case.Steps[i]); err != nil || said != want {
				t.Errorf("%q, %v", said, err)
			}
		}
		if what, err := w.What(t.Context(), got); err != nil || what != "looked up a neighbour" {
			t.Errorf("%q, %v", what, err)
		}
		if told := w.told(got.Case.Steps[1].ID); told["what"] != "sanction: warning" || told["member"] != string(id) {
			t.Errorf("%v", told)
		}
		if all, err := w.Findings(t.Context(), id); err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
		if all, err := w.Findings(t.Context(), ""); err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
		if m := w.member(id); !m.May(staff.Serve) || !w.clock.Now().Before(m.TrainedUntil()) {
			t.Error("a warning keeps from serving")
		}
	})
}

// Nobody finds, opens or decides anything about themselves, and nobody speaks for another.
//
// cite: P-39, 47 CFR 64.2009(b)
func TestNobodyDecidesOnThemselves(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.add(cpni.RoleOfficer, start)
	self := string(id)
	if _, err := w.Find(t.Context(), Finding{Staff: id, Severity: "minor"}, "x", self); code(err) != "SELF_REVIEW" {
		t.Errorf("found by themselves: %v", err)
	}
	f := w.find(id, "cora")
	if _, err := w.OpenCase(t.Context(), f.ID, self); code(err) != "SELF_REVIEW" {
		t.Errorf("opened by themselves: %v", err)
	}
	c, err := w.OpenCase(t.Context(), f.ID, "cora")
	must(t, err)
	for _, kind := range Decisions {
		if err := w.Decide(t.Context(), c.ID, kind, time.Time{}, "fine", self); code(err) != "SELF_REVIEW" {
			t.Errorf("%s, decided by themselves: %v", kind, err)
		}
	}
	if err := w.State(t.Context(), c.ID, "they are sorry", "cora"); code(err) != "ROLE" {
		t.Errorf("said by another: %v", err)
	}
	if f, err := w.Case(t.Context(), c.ID); err != nil || len(f.Case.Steps) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

// Each sanction does what it says, at once and on every node.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func TestSanctions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		serves := func(id cpni.ID, training, right bool) {
			t.Helper()
			m := w.member(id)
			if w.clock.Now().Before(m.TrainedUntil()) != training || m.May(staff.Serve) != right {
				t.Errorf("trained until %s, may serve %t (P-39)", m.TrainedUntil(), m.May(staff.Serve))
			}
		}
		decide := func(id cpni.ID, kind Kind, until time.Time) *Case {
			t.Helper()
			c := w.open(id, "cora")
			must(t, w.Decide(t.Context(), c.ID, kind, until, "because", "otto"))
			return c
		}
		retrain, suspended, week, gone := w.add(cpni.RoleAgent, start.AddDate(0, -1, 0)), w.add(cpni.RoleAgent, start.AddDate(0, -1, 0)), w.add(cpni.RoleAgent, start.AddDate(0, -1, 0)), w.add(cpni.RoleAgent, start)
		decide(retrain, Retraining, time.Time{})
		serves(retrain, false, true)
		decide(suspended, Suspension, time.Time{})
		serves(suspended, false, false)
		c := decide(week, Suspension, start.AddDate(0, 0, 7))
		serves(week, false, false)
		decide(gone, Dismissal, time.Time{})
		if !w.member(gone).Disabled {
			t.Error("who is dismissed is not shut out")
		}
		// An older pass from elsewhere is no way around.
		_, err := w.RecordOutside(t.Context(), suspended, start.Add(-time.Hour), "yesterday's course", "cora")
		must(t, err)
		serves(suspended, false, false)
		w.clock.advance(time.Hour)
		for _, id := range []cpni.ID{retrain, suspended, week} {
			w.take(id, w.course().Draws)
		}
		serves(retrain, true, true)
		serves(suspended, true, true)
		serves(week, false, false) // the day counts, not the course
		w.clock.advance(7*24*time.Hour - time.Hour - time.Second)
		must(t, w.School.Due(t.Context()))
		serves(week, false, false)
		w.clock.advance(time.Second)
		must(t, w.School.Due(t.Context()))
		must(t, w.School.Due(t.Context()))
		serves(week, true, true)
		// A suspension ends early by another decision.
		must(t, w.Decide(t.Context(), c.ID, Suspension, w.clock.Now().AddDate(0, 0, 7), "again", "otto"))
		serves(week, false, false)
		must(t, w.Decide(t.Context(), c.ID, Lifted, time.Time{}, "a mistake", "otto"))
		serves(week, true, true)
	})
}

// What does not go together is refused, and changes nothing.
func TestBadDecisions(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.add(cpni.RoleAgent, start)
	c := w.open(id, "cora")
	for name, row := range map[string]struct {
		kind   Kind
		until  time.Time
		reason string
		want   cpni.Code
	}{
		"no reason":             {Warning, time.Time{}, " ", "BAD_INPUT"},
		"no kind":               {"whipping", time.Time{}, "x", "BAD_INPUT"},
		"a statement as such":   {Statement, time.Time{}, "x", "BAD_INPUT"},
		"a warning with a day":  {Warning, start.AddDate(0, 0, 1), "x", "BAD_INPUT"},
		"suspended until today": {Suspension, start, "x", "BAD_INPUT"},
		"lifted before it was":  {Lifted, time.Time{}, "x", "CONFLICT"},
	} {
		if err := w.Decide(t.Context(), c.ID, row.kind, row.until, row.reason, "otto"); code(err) != row.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, w.Decide(t.Context(), c.ID, Warning, time.Time{}, "x", "otto"))
	if err := w.Decide(t.Context(), c.ID, Unfounded, time.Time{}, "x", "otto"); code(err) != "CONFLICT" {
		t.Errorf("unfounded after a sanction: %v", err)
	}
	other := w.open(id, "cora")
	must(t, w.Decide(t.Context(), other.ID, Unfounded, time.Time{}, "x", "otto"))
	if err := w.Decide(t.Context(), other.ID, Dismissal, time.Time{}, "x", "otto"); code(err) != "CONFLICT" || w.member(id).Disabled {
		t.Errorf("dismissed though it was no violation: %v", err)
	}
	for name, f := range map[string]Finding{"tomorrow": {Staff: id, Severity: "minor", Happened: start.Add(time.Hour)}, "no severity": {Staff: id}, "no such alert": {Staff: id, Severity: "minor", Source: cpni.NewID()}} {
		if _, err := w.Find(t.Context(), f, "x", "cora"); code(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Find(t.Context(), Finding{Staff: cpni.NewID(), Severity: "minor"}, "x", "cora"); !errors.Is(err, staff.ErrNone) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := w.Case(t.Context(), cpni.NewID()); !errors.Is(err, ErrNone) {
		t.Errorf("no case: %v", err)
	}
}

// A violation without a case raises an alert when its days are over, and a case without a decision does; each once.
//
// cite: P-39, 47 CFR 64.2009(b)
func TestMissingSanctions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		_, other := w.node(nil)
		id := w.add(cpni.RoleAgent, start)
		n := w.School.Rules(start)
		f := w.find(id, "cora")
		decided, c := w.open(id, "cora"), w.open(id, "cora")
		must(t, w.Decide(t.Context(), decided.ID, Warning, time.Time{}, "x", "otto"))
		must(t, w.State(t.Context(), c.ID, "not me", string(id)))
		due := func(want int) {
			t.Helper()
			var all sync.WaitGroup
			for i := range 6 {
				all.Go(func() {
					if err := []*Discipline{w.Discipline, other}[i%2].Due(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			raised := w.records(ledger.Alert)
			if len(raised) != want {
				t.Fatalf("%d alerts, want %d (P-39)", len(raised), want)
			}
			for _, a := range raised {
				if a.Code != SanctionMissing || a.Customer != "" {
					t.Errorf("%+v", a.Entry)
				}
			}
		}
		w.clock.at.Store(start.Add(n.CaseWithin - time.Microsecond).UnixMicro())
		due(0)
		w.clock.advance(time.Microsecond)
		due(1)
		if told := w.told(w.records(ledger.Alert)[0].ID); told["finding"] != string(f.ID) || told["what"] != "a violation has no case" {
			t.Errorf("%v", told)
		}
		w.clock.at.Store(start.Add(n.DecisionWithin).UnixMicro())
		due(2)
		if told := w.told(w.records(ledger.Alert)[0].ID); told["subject"] != string(c.ID) {
			t.Errorf("%v", told)
		}
		if all, err := w.Alerts(t.Context()); err != nil || len(all) != 2 || all[f.ID].IsZero() {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// No statement of the program changes or removes what is on record about training and discipline.
//
// cite: I-22, P-39, 47 CFR 64.2009(b)
func TestNothingIsRemoved(t *testing.T) {
	removes := regexp.MustCompile(`(?is)(DELETE\s+FROM|UPDATE|DROP\s+TABLE|TRUNCATE|REPLACE\s+INTO)\s+(TABLE\s+)?(course|training_|finding|discipline_|case_step)`)
	overwrites := regexp.MustCompile(`(?is)INSERT INTO (course|course_\w+|training_\w+|finding|discipline_\w+|case_step) [^"` + "`" + `]*DO UPDATE`)
	read := 0
	for _, root := range []string{"../../internal", "../../cmd"} {
		must(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".sql") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			read++
			for _, bad := range []*regexp.Regexp{removes, overwrites} {
				if m := bad.Find(text); m != nil {
					t.Errorf("%s: %s", path, m)
				}
			}
			return err
		}))
	}
	if read < 100 {
		t.Errorf("only %d files were read", read)
	}
	for _, bad := range []string{"DELETE FROM finding WHERE x", "UPDATE training_pass SET x", "delete from course_result"} {
		if !removes.MatchString(bad) {
			t.Errorf("the search does not find %q", bad)
		}
	}
}
