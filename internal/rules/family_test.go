package rules

import (
	"slices"
	"strings"
	"testing"

	"ringfence/internal/workday"
)

// cite: P-43, 47 CFR 64.2011, V34
func TestDatedOfBothRules(t *testing.T) {
	p := builtIn().Profiles()
	day := workday.On(2026, 11, 24)
	now, next := p.At(day).Dated("breach-2007"), p.At(day).Dated("breach-2023")
	if len(now.Spans) != 1 || now.Spans[0] != (Span{From: workday.On(2007, 12, 8)}) || len(next.Spans) != 0 {
		t.Errorf("the spans are %v and %v", now.Spans, next.Spans)
	}
	if now.Int("agencies_business_days") != 7 || next.Int("small_breach_below") != 500 || !slices.Equal(next.Ints("reminders_business_days"), []int{1, 3, 5, 6}) {
		t.Error("a dormant profile has no numbers")
	}
	if got := p.At(day).Dated("breach-1999"); len(got.Spans) != 0 {
		t.Errorf("a profile that is not has the spans %v", got.Spans)
	}
	later, err := p.Switched(map[string]string{"breach": "breach-2023"}, workday.On(2027, 1, 4))
	if err != nil {
		t.Fatal(err)
	}
	now, next = later.At(workday.On(2027, 3, 1)).Dated("breach-2007"), later.At(day).Dated("breach-2023")
	if len(now.Spans) != 1 || now.Spans[0].Until != workday.On(2027, 1, 4) || now.Int("hold_business_days") != 7 {
		t.Errorf("the old rule, after it: %v", now.Spans)
	}
	if len(next.Spans) != 1 || next.Spans[0] != (Span{From: workday.On(2027, 1, 4)}) {
		t.Errorf("the new rule, before it: %v", next.Spans)
	}
}

// A number with several rows is the one of the day, the first before all of them, the last after them; a prepared one comes after those.
//
// cite: P-43, 47 CFR 64.2011
func TestDatedByDay(t *testing.T) {
	row := func(from, until workday.Date, n int) profileRow {
		state := "in-force"
		if from.IsZero() {
			state = "dormant"
		}
		return profileRow{Profile: "x-1", State: state, from: from, until: until, numbers: map[string]number{"n": {whole: n, kind: whole}}}
	}
	y := func(year int) workday.Date { return workday.On(year, 1, 1) }
	p := &Profiles{rows: []profileRow{row(workday.Date{}, workday.Date{}, 9), row(y(2022), y(2023), 3), row(y(2020), y(2021), 1), row(y(2021), y(2022), 2), row(y(2025), y(2026), 5),
		{Profile: "x-2", State: "in-force", from: y(2000), numbers: map[string]number{"n": {whole: 7, kind: whole}}}}}
	for day, want := range map[workday.Date]int{y(2019): 1, y(2020): 1, y(2021): 2, y(2022): 3, y(2024): 3, y(2025): 5, y(2030): 5} {
		s := p.At(day).Dated("x-1")
		if got := s.Int("n"); got != want {
			t.Errorf("%s: %d, want %d", day, got, want)
		}
		if want := []Span{{y(2020), y(2023)}, {y(2025), y(2026)}}; !slices.Equal(s.Spans, want) {
			t.Errorf("%s: the spans are %v, want %v", day, s.Spans, want)
		}
	}
	if got := joined([]Span{{From: y(2021)}, {y(2020), y(2022)}, {y(2023), y(2024)}}); !slices.Equal(got, []Span{{From: y(2020)}}) {
		t.Errorf("a span without an end is cut: %v", got)
	}
}

// cite: 47 CFR 64.2011
func TestDatedNumbersAreNeeded(t *testing.T) {
	for name, c := range map[string]struct{ was, becomes, says string }{
		"none while dormant": {"customers_days: 30, ", "", "customers_days"},
		"another kind":       {"{customers_days: 30", "{customers_days: 30d", "customers_days"},
		"no day":             {"{customers_days: 30", "{customers_days: 0", "between 1 and"},
		"no end":             {"{customers_days: 30", "{customers_days: 40000", "between 1 and"},
		"a step of nought":   {"reminder_days: [60", "reminder_days: [0", "between 1 and"},
	} {
		_, err := Load(with(t, map[string]func(string) string{"profiles/breach.yaml": func(s string) string {
			if !strings.Contains(s, c.was) {
				t.Fatalf("%s: the row has changed", name)
			}
			return strings.Replace(s, c.was, c.becomes, 1)
		}}))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
