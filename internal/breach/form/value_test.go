package form

import (
	"strings"
	"testing"
)

// What people type is taken for what they mean, and written as people read it.
//
// cite: P-52
func TestReadAndShow(t *testing.T) {
	f := formOf(t, "breach-2007")
	many := func(s ...string) []string { return s }
	for _, row := range []struct {
		field       string
		typed       []string
		kept, shown string
	}{
		{"discovered", many("2026-11-23"), "2026-11-23", "November 23, 2026"},
		{"discovered", many(" 11/23/2026 "), "2026-11-23", "November 23, 2026"},
		{"discovered", many("Nov 3, 2026"), "2026-11-03", "November 3, 2026"},
		{"discovered", many("yesterday"), "yesterday", "yesterday"},
		{"discovered", nil, "", ""},
		{"determined", many("2026-11-24T10:00"), "2026-11-24T10:00-05:00", "November 24, 2026, 10:00 AM (UTC-05:00)"},
		{"determined", many("2026-07-24 22:05"), "2026-07-24T22:05-04:00", "July 24, 2026, 10:05 PM (UTC-04:00)"},
		{"determined", many("2026-11-24T15:00Z"), "2026-11-24T15:00Z", "November 24, 2026, 3:00 PM (UTC)"},
		{"happened", many("2026-11-02 to 2026-11-20"), "2026-11-02/2026-11-20", "November 2, 2026 to November 20, 2026"},
		{"happened", many("11/2/2026", "11/20/2026"), "2026-11-02/2026-11-20", "November 2, 2026 to November 20, 2026"},
		{"happened", many("2026-11-02"), "2026-11-02/2026-11-02", "November 2, 2026"},
		{"happened", many("2026-11-02", ".."), "2026-11-02/..", "From November 2, 2026 on; the last day is not known, or it still goes on"},
		{"happened", many("../2026-11-20"), "../2026-11-20", "Until November 20, 2026; the first day is not known"},
		{"happened", many("Unknown"), Unknown, unknownWords},
		{"customers", many("1,234,567"), "1234567", "1,234,567"},
		{"customers", many("007"), "7", "7"},
		{"customers", many("0"), "0", "0"},
		{"customers", many("unknown"), Unknown, unknownWords},
		{"loss-carrier", many("$12,500"), "12500.00", "USD 12,500.00"},
		{"loss-carrier", many("0.5"), "0.50", "USD 0.50"},
		{"loss-carrier", many(unknownWords), Unknown, unknownWords},
		{"urgent", many("YES"), "yes", "Yes"},
		{"urgent", many("false"), "no", "No"},
		{"report-kind", many("First report of this incident"), "first", "First report of this incident"},
		{"agencies", many("FBI", "usss", "FBI"), "USSS, FBI", "United States Secret Service\nFederal Bureau of Investigation"},
		{"data", many("Call detail: numbers called or calling, time, place and length of calls", "billing"), "call-detail, billing", "Call detail: numbers called or calling, time, place and length of calls\nBills and charges"},
		{"data", many("horoscope", "usage"), "usage, horoscope", "Amounts and patterns of use\nhoroscope"},
		{"carrier-name", many("  Lucid\t Technologies\n"), "Lucid Technologies", "Lucid Technologies"},
		{"description", many("One.\r\n\r\nTwo.\u202e\x00 "), "One.\n\nTwo.", "One.\n\nTwo."},
		{"description", many(Unknown), Unknown, Unknown},
	} {
		x, ok := f.Field(row.field)
		if !ok {
			t.Fatalf("there is no field %s", row.field)
		}
		kept := x.Read(newYork, row.typed...)
		if shown := x.Text(f.Currency, kept); kept != row.kept || shown != row.shown {
			t.Errorf("%s %q: kept as %q, shown as %q", row.field, row.typed, kept, shown)
		}
		if again := x.Read(newYork, kept); again != kept {
			t.Errorf("%s %q: read again, it is %q", row.field, kept, again)
		}
	}
}

// Whatever is typed, what is kept of it stays the same when it is read again, and checking and showing it do no harm.
func FuzzRead(f *testing.F) {
	forms := []*Form{formOf(f, "breach-2007"), formOf(f, "breach-2023")}
	for _, s := range []string{"", "unknown", "2026-11-02 to 2026-11-20", "11/2/2026/2026-11-20", "$1,2,3.4", "FBI, usss,,", "First report of this incident", "\u202e\r", "2026-11-24T15:00+00:00:30", "../..", "0000-01-01", "\xff", "9999-12-31T23:59-23:59", "+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		for _, form := range forms {
			v := Values{}
			for _, x := range form.Fields() {
				v[x.Name] = x.Read(newYork, strings.Clone(typed))
				if again := x.Read(newYork, v[x.Name]); again != v[x.Name] {
					t.Errorf("%s: %q is kept as %q, and read again as %q", x.Name, typed, v[x.Name], again)
				}
			}
			r := form.Draft(Facts{}, v)
			b, err := r.JSON()
			if err != nil {
				t.Fatal(err)
			}
			back, err := Read(b)
			if err != nil {
				t.Fatalf("%q: %v", typed, err)
			}
			for _, s := range back.Sections {
				for _, a := range s.Fields {
					if a.Value != v[a.Name] {
						t.Errorf("%s: %q was kept and %q read", a.Name, v[a.Name], a.Value)
					}
				}
			}
		}
	})
}
