package clock

import "testing"

// V55, V56 and V57: the letter about an opt-out way that failed.
//
// cite: 47 CFR 64.2009(f), 47 CFR 1.4, V55, V56, V57
func TestLetter(t *testing.T) {
	same(t, "days", today().LetterDays, 5)
	for _, c := range []struct{ name, judged, by string }{
		{"V55", "2026-11-30 12:00", "2026-12-07"}, {"V56", "2026-12-23 12:00", "2026-12-31"}, {"V57", "2027-01-14 12:00", "2027-01-22"},
	} {
		same(t, c.name, LetterBy(at(c.judged), today(), closing("2026-12-24"), eastern).Last, day(c.by))
	}
	same(t, "from the earliest date", LetterBy(at("2026-12-01 00:30"), today(), carrier(), pacific).Last, day("2026-12-07"))
}
