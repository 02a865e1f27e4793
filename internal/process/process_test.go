package process

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
)

var eastern = func() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}()

// anyScope draws a scope of up to five subjects.
func anyScope(t *rapid.T, name string) Scope {
	from := time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, name+" from")) * time.Hour)
	return Scope{Subjects: rapid.SliceOfNDistinct(rapid.IntRange(1, 5), 0, 5, rapid.ID).Draw(t, name+" subjects"), Data: rapid.SliceOfNDistinct(rapid.SampledFrom(cpni.DataClasses), 0, 6, rapid.ID).Draw(t, name+" data"),
		From: from, Until: from.Add(time.Duration(rapid.IntRange(1, 9000).Draw(t, name+" long")) * time.Hour)}
}

// What is within a scope has no subject, class or moment that the scope has not; the widest answer is within what is asked for; and
// a difference is told exactly where the two differ.
//
// cite: P-29
func TestScopes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyScope(t, "a"), anyScope(t, "b")
		all := true
		for _, no := range a.Subjects {
			all = all && slices.Contains(b.Subjects, no)
		}
		for _, d := range a.Data {
			all = all && slices.Contains(b.Data, d)
		}
		if all = all && !a.From.Before(b.From) && !a.Until.After(b.Until); a.within(b) != all {
			t.Fatalf("%+v within %+v: %v", a, b, !all)
		}
		p := &Process{Asked: b}
		k := rules.ProcessKind{Demands: rapid.SliceOfNDistinct(rapid.SampledFrom(cpni.DataClasses), 0, 6, rapid.ID).Draw(t, "demands")}
		wide := Widest(p, k)
		if !wide.within(b) || slices.ContainsFunc(wide.Data, func(d cpni.DataClass) bool { return !slices.Contains(k.Demands, d) }) {
			t.Fatalf("%+v is wider than %+v of %v (P-29)", wide, b, k.Demands)
		}
		same := len(wide.Data) == len(b.Data)
		if d := p.Differences(wide, eastern); (len(d) == 0) != same {
			t.Fatalf("%+v of %+v: %+v", wide, b, d)
		}
	})
}

// The months of a scope are those that it touches, each once, and none to come.
//
// cite: P-29
func TestMonths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyScope(t, "scope")
		now := time.Date(2026, 12, 1, 5, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(-9000, 9000).Draw(t, "now")) * time.Hour)
		months := s.months(now, eastern)
		for at := s.From; at.Before(s.Until); at = at.Add(6 * time.Hour) {
			y, m, _ := at.In(eastern).Date()
			if month := y*100 + int(m); slices.Contains(months, month) == at.After(now) && !at.After(now) || !s.touches(month, eastern) {
				t.Fatalf("%s is in a month that is not among %v", at, months)
			}
		}
		if !slices.IsSorted(months) || len(slices.Compact(slices.Clone(months))) != len(months) {
			t.Fatalf("%v", months)
		}
		for _, m := range months {
			if first := time.Date(m/100, time.Month(m%100), 1, 0, 0, 0, 0, eastern); first.After(now) || !s.touches(m, eastern) {
				t.Fatalf("%d is to come, or outside the scope", m)
			}
		}
	})
}

// Silence is stored as it is, and holds until its end and not at it.
//
// cite: P-29
func TestSilence(t *testing.T) {
	end := time.Date(2027, 1, 15, 5, 0, 0, 0, time.UTC)
	for _, s := range []Silence{{}, {Ordered: true}, {Ordered: true, Until: end}, {Ordered: true, Looked: end}} {
		if got := silenceOf(s.stored(), micros(s.Looked)); got != s {
			t.Errorf("%+v is stored as %+v", s, got)
		}
	}
	dated := Silence{Ordered: true, Until: end}
	if !dated.Now(end.Add(-time.Microsecond)) || dated.Now(end) || (Silence{}).Now(end) || !(Silence{Ordered: true}).Now(end.AddDate(50, 0, 0)) {
		t.Error("silence ends at another moment (P-29)")
	}
}

// A process is answered to the one whom it names.
//
// cite: P-29
func TestRecipients(t *testing.T) {
	party, agency := &Process{To: "Smith & Partners"}, &Process{To: LawEnforcement}
	for to, want := range map[string][2]bool{"law-enforcement": {false, true}, "designee:smith & partners": {true, false}, "designee:Jones": {false, false}, "customer": {false, false}, "Smith & Partners": {false, false}} {
		if r := disclose.ParseRecipient(to); party.answers(r) != want[0] || agency.answers(r) != want[1] {
			t.Errorf("%s (P-29)", to)
		}
	}
	if !party.answers(disclose.ParseRecipient(party.Recipient())) || !agency.answers(disclose.ParseRecipient(agency.Recipient())) {
		t.Error("a process is not answered to its own recipient")
	}
}
