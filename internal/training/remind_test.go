package training

import (
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Each member is reminded once at each step, whichever node finds it and however often they look.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestReminders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add(cpni.RoleAgent, start)
		w.add(cpni.RoleSystem, start)
		gone := w.add(cpni.RoleAgent, start)
		must(t, w.School.Staff.Disable(t.Context(), gone, "test"))
		other, _ := w.node(nil)
		due := func() {
			t.Helper()
			var all sync.WaitGroup
			for range 3 {
				for _, s := range []*School{w.School, other} {
					all.Go(func() {
						if err := s.Due(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
			}
			all.Wait()
		}
		steps := func(want ...int) {
			t.Helper()
			got, err := w.Reminders(t.Context(), id)
			must(t, err)
			if len(got) != len(want) {
				t.Fatalf("%d reminders, want %v", len(got), want)
			}
			for i, r := range got { // newest first
				if r.Days != want[len(want)-1-i] || !r.Until.Equal(start.AddDate(0, 0, 365)) {
					t.Errorf("%+v, want %v", got, want)
				}
			}
		}
		until := start.AddDate(0, 0, 365)
		for _, row := range []struct {
			before int // days
			want   []int
		}{{31, nil}, {30, []int{30}}, {29, []int{30}}, {14, []int{30, 14}}, {5, []int{30, 14, 7}}, {1, []int{30, 14, 7, 1}}, {0, []int{30, 14, 7, 1}}, {-3, []int{30, 14, 7, 1}}} {
			w.clock.at.Store(until.AddDate(0, 0, -row.before).UnixMicro())
			due()
			steps(row.want...)
		}
		all, err := w.Reminders(t.Context(), gone)
		if err != nil || len(all) != 0 {
			t.Errorf("who is shut out is reminded: %+v, %v", all, err)
		}
		if st := w.Standing(w.member(id), w.clock.Now()); st.State != Lapsed {
			t.Errorf("%+v", st)
		}
		w.take(id, w.course().Draws) // and a new pass has reminders of its own
		w.clock.advance(340 * 24 * time.Hour)
		due()
		if all, err := w.Reminders(t.Context(), id); err != nil || len(all) != 5 || all[0].Days != 30 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// After a time in which nothing ran one reminder is recorded, not all that were missed.
func TestMissedReminders(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.add(cpni.RoleAgent, start)
	w.clock.advance(360 * 24 * time.Hour)
	must(t, w.School.Due(t.Context()))
	if all, err := w.Reminders(t.Context(), id); err != nil || len(all) != 1 || all[0].Days != 7 {
		t.Errorf("%+v, %v", all, err)
	}
	if st := w.Standing(w.member(id), w.clock.Now()); st.State != Lapsing || st.Days != 5 {
		t.Errorf("%+v", st)
	}
}

// A new major version that requires it ends older passes on its day, and no others.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first, err := Read(files(goodCourse, goodMaterial), clauses)
		must(t, err)
		next, err := Read(files(strings.Replace(goodCourse, "version: 1.2.0", "version: 2.0.0\nrequires-anew: true\nfrom: 2026-12-24", 1), goodMaterial), clauses)
		must(t, err)
		take := func(s *School, id cpni.ID) {
			t.Helper()
			c := s.Courses.All()[0]
			a, err := s.Begin(t.Context(), id, c.ID)
			must(t, err)
			_, err = s.Grade(t.Context(), id, a.ID, answers(c, a, c.Draws))
			must(t, err)
		}
		old, _ := w.node(first)
		w.School, _ = w.node(next)
		stays, renews := w.add(cpni.RoleAgent, time.Time{}), w.add(cpni.RoleAgent, time.Time{})
		elsewhere, other := w.add(cpni.RoleAgent, start.AddDate(0, -1, 0)), w.add(cpni.RoleFraud, start)
		take(old, stays)
		take(old, renews)
		w.School.Staff.Changed(stays)
		w.School.Staff.Changed(renews)
		from := time.Date(2026, 12, 24, 5, 0, 0, 0, time.UTC)
		if st := w.Standing(w.member(stays), start); st.Anew == nil || !st.Until.Equal(from) || st.State != Lapsing || st.Days != 30 {
			t.Errorf("before its day: %+v", st)
		}
		w.clock.advance(time.Hour)
		take(w.School, renews)
		due := func(at time.Time) {
			t.Helper()
			w.clock.at.Store(at.UnixMicro())
			for range 2 {
				must(t, w.School.Due(t.Context()))
			}
		}
		due(from.Add(-time.Microsecond))
		if !w.member(stays).Until.After(from) {
			t.Error("the pass ended before its day")
		}
		due(from)
		for id, ended := range map[cpni.ID]bool{stays: true, renews: false, elsewhere: true, other: false} {
			if m := w.member(id); m.Until.After(from) == ended {
				t.Errorf("%s: until %s", m.Role, m.Until)
			}
		}
		w.clock.advance(time.Hour)
		take(w.School, stays)
		if st := w.Standing(w.member(stays), w.clock.Now()); st.State != Current {
			t.Errorf("after the new course: %+v", st)
		}
		// A pass from elsewhere counts again when it is younger than the day.
		if _, err := w.RecordOutside(t.Context(), elsewhere, from.Add(-time.Hour), "an older certificate", "cora"); err != nil || w.member(elsewhere).Until.After(from) {
			t.Errorf("an older pass from elsewhere counts: %v", err)
		}
		if _, err := w.RecordOutside(t.Context(), elsewhere, w.clock.Now(), "a certificate", "cora"); err != nil || !w.member(elsewhere).Until.After(from) {
			t.Errorf("a younger pass from elsewhere does not count: %v", err)
		}
	})
}
