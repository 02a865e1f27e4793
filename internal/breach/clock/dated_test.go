package clock

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/workday"
)

// The dated cases of deadlines and holds under the rule of 2007.
//
// cite: P-44, P-47, P-48, 47 CFR 64.2011(b), 47 CFR 1.4
func TestDatedCasesOf2007(t *testing.T) {
	v1 := determined("2026-11-24 10:00")
	v2 := v1.told("2026-12-04 10:00")
	v18 := v2.directed("2026-12-10 09:00", "FBI", "2027-01-09", true)
	for _, c := range []struct {
		name     string
		c        Case
		now      string
		by, from string
	}{
		{"V01", v1, "2026-11-24 10:00", "2026-12-04", ""},
		{"V02", v2, "2026-12-04 10:00", "2026-12-04", "2026-12-16"},
		{"V03", v1.told("2026-11-25 15:00"), "2026-11-25 15:00", "2026-12-04", "2026-12-08"},
		{"V04", determined("2026-12-19 12:00"), "2026-12-19 12:00", "2026-12-30", ""},
		{"V04 the day before", determined("2026-12-18 12:00"), "2026-12-19 12:00", "2026-12-30", ""},
		{"V06", determined("2026-06-12 12:00"), "2026-06-12 12:00", "2026-06-24", ""},
		{"V07", determined("2027-06-10 12:00"), "2027-06-10 12:00", "2027-06-22", ""},
		{"V08", determined("2026-06-26 12:00").told("2026-07-08 17:00"), "2026-07-08 17:00", "2026-07-08", "2026-07-18"},
		{"V09", determined("2026-10-11 12:00"), "2026-10-11 12:00", "2026-10-21", ""},
		{"V10", determined("2027-12-23 12:00"), "2027-12-23 12:00", "2028-01-05", ""},
		{"V11", determined("2021-01-14 12:00"), "2021-01-14 12:00", "2021-01-26", ""},
		{"V11 held", determined("2021-01-14 12:00").told("2021-01-14 13:00"), "2021-01-14 13:00", "2021-01-26", "2021-01-28"},
		{"V12", determined("2033-01-13 12:00"), "2033-01-13 12:00", "2033-01-25", ""},
		{"V12 held", determined("2033-01-13 12:00").told("2033-01-13 13:00"), "2033-01-13 13:00", "2033-01-25", "2033-01-27"},
		{"V13", determined("2029-01-16 12:00"), "2029-01-16 12:00", "2029-01-25", ""},
		{"V13 held", determined("2029-01-16 12:00").told("2029-01-16 13:00"), "2029-01-16 13:00", "2029-01-25", "2029-01-26"},
		{"V18", v18, "2026-12-10 09:00", "2026-12-04", "2027-01-10"},
		{"V19", v18.directed("2027-01-08 09:00", "FBI", "2027-02-28", true), "2027-01-08 09:00", "2026-12-04", "2027-03-01"},
		{"V20", v18.lifted("2026-12-20 11:00", "FBI"), "2026-12-20 11:00", "2026-12-04", "2026-12-20 11:00"},
		{"V20 lifted within the ordinary hold", v18.lifted("2026-12-12 11:00", "FBI"), "2026-12-12 11:00", "2026-12-04", "2026-12-16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := reckon(c.c, c.now, today())
			same(t, "kind", got.Kind, Breach)
			same(t, "to be reported by (64.2011(b))", got.AgenciesBy, day(c.by))
			moment(t, "customers from (64.2011(b)(1))", got.From, c.from)
			if want := []Agency{SecretService, FBI}; !slices.Equal(got.Agencies, want) {
				t.Errorf("agencies %v, want %v", got.Agencies, want)
			}
			same(t, "late", got.Late, false)
			for _, l := range got.Lines {
				if len(l.Count.Days) == 0 || l.Says == "" || len(l.Cites) == 0 {
					t.Errorf("a line shows nothing: %+v", l)
				}
			}
		})
	}
}

// V02: the minute before the hold ends, and the end.
//
// cite: P-47, I-08, 47 CFR 64.2011(b)(1), V02
func TestHoldEndsAtItsMinute(t *testing.T) {
	c := determined("2026-11-24 10:00").told("2026-12-04 10:00")
	for now, held := range map[string]bool{"2026-12-11 10:00": true, "2026-12-15 23:59": true, "2026-12-16": false} {
		got := reckon(c, now, today())
		same(t, now+" held", got.Held, held)
		same(t, now+" code", got.Hold, map[bool]string{true: "LE_HOLD"}[held])
		same(t, now+" by", got.By, day("2026-12-24"))
		same(t, now+" must", got.Must, true)
	}
}

// V05: a closure by order moves no deadline and lengthens a hold.
//
// cite: P-44, P-47, 47 CFR 1.4(e), V05
func TestClosures(t *testing.T) {
	cal := closing("2026-12-24")
	got := Reckon(determined("2026-12-19 12:00").told("2026-12-19 13:00"), at("2026-12-20"), today(), cal, eastern)
	same(t, "V05 by", got.AgenciesBy, day("2026-12-30"))
	moment(t, "V05 from", got.From, "2027-01-01")
	for _, l := range got.Lines {
		if l.Name != "hold" {
			continue
		}
		i := slices.IndexFunc(l.Count.Days, func(d workday.Day) bool { return d.Date == day("2026-12-24") })
		if i < 0 || l.Count.Days[i].Number != 0 || !strings.Contains(l.Count.Days[i].Why, "executive order") {
			t.Errorf("V05: the hold does not show the day that it skipped: %+v", l.Count.Days)
		}
	}
}

// V14: what is due counts from the earliest date, what is held from the latest; and days end and begin in the zone that is more cautious.
//
// cite: P-44, P-47, 47 CFR 1.4, V14
func TestZones(t *testing.T) {
	c := determined("2026-12-02 00:30") // half past nine in the evening of the first, in California
	got := Reckon(c, at("2026-12-02 01:00"), today(), carrier(), pacific)
	same(t, "V14 by", got.AgenciesBy, day("2026-12-10"))
	same(t, "V14 customers by", got.By, day("2026-12-31"))
	same(t, "V14 in Washington", reckon(c, "2026-12-02 01:00", today()).AgenciesBy, day("2026-12-11"))
	same(t, "not late in its last minute", Reckon(c, at("2026-12-10 23:59"), today(), carrier(), pacific).Late, false)
	same(t, "late when the day is over in Washington", Reckon(c, at("2026-12-11 00:00"), today(), carrier(), pacific).Late, true)
	c = c.told("2026-12-04 00:30") // the third in California; the hold counts from the fourth
	moment(t, "held until the day begins in California", Reckon(c, at("2026-12-05"), today(), carrier(), pacific).From, "2026-12-16 03:00")
	far := determined("2026-12-01 12:00") // the second in Guam
	same(t, "due in Guam", Reckon(far, at("2026-12-01 13:00"), today(), carrier(), guam).AgenciesBy, day("2026-12-10"))
	same(t, "late when the day is over in Guam", Reckon(far, at("2026-12-10 09:00"), today(), carrier(), guam).Late, true)
	same(t, "not a minute before", Reckon(far, at("2026-12-10 08:59"), today(), carrier(), guam).Late, false)
	moment(t, "held until the day begins in Washington", Reckon(far.told("2026-12-01 13:00"), at("2026-12-02"), today(), carrier(), guam).From, "2026-12-12")
}

// V15: late is said, and stays said.
//
// cite: P-44, 47 CFR 64.2011(b), V15
func TestLate(t *testing.T) {
	c := determined("2026-11-24 10:00")
	for _, row := range []struct {
		name string
		c    Case
		now  string
		late bool
	}{
		{"the last minute", c.told("2026-12-04 23:59"), "2026-12-05", false},
		{"the eighth business day", c.told("2026-12-07 09:00"), "2026-12-20", true},
		{"nothing, on the last day", c, "2026-12-04 23:59", false},
		{"nothing, and it is over", c, "2026-12-05", true},
		{"one agency of two", c.reported("2026-11-30", FBI), "2026-12-05", true},
		{"one after the other", c.reported("2026-11-30", FBI).reported("2026-12-01", SecretService), "2026-12-05", false},
		{"one in time and one not", c.reported("2026-11-30", FBI).reported("2026-12-05", SecretService), "2026-12-06", true},
	} {
		same(t, row.name, reckon(row.c, row.now, today()).Late, row.late)
	}
	same(t, "partial acceptance is not done", reckon(c.reported("2026-11-30", FBI), "2026-12-20", today()).Held, true)
}

// V22: the hold goes before the law of a state.
//
// cite: P-47, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(f), V22
func TestConflicts(t *testing.T) {
	law := func(c Case, by string) Case {
		c.StateLaws = []StateLaw{{at("2026-11-24 11:00"), "XX", "Its act on notices", day(by)}}
		return c
	}
	c := determined("2026-11-24 10:00")
	told := c.told("2026-12-04 10:00")
	for _, row := range []struct {
		name string
		c    Case
		now  string
		says []string
	}{
		{"V22, nothing reported yet", law(c, "2026-11-29"), "2026-11-24 12:00", []string{"the hold goes before it"}},
		{"V22", law(told, "2026-11-29"), "2026-12-05", []string{"before 2026-12-16"}},
		{"the day before", law(told, "2026-12-15"), "2026-12-05", []string{"before 2026-12-16"}},
		{"the day itself", law(told, "2026-12-16"), "2026-12-05", nil},
		{"not determined yet", func() Case { c := law(c, "2026-11-29"); c.Determined = time.Time{}; return c }(), "2026-11-24 12:00", []string{"the hold goes before it"}},
		{"a register entry", law(determined("2026-11-24 10:00", func() Facts { f := sold(); f.Intentional = No; return f }()), "2026-11-29"), "2026-11-24 12:00", nil},
		{"a direction beyond our own day", told.directed("2026-12-10", "FBI", "2026-12-24", true), "2026-12-11", []string{"by 2026-12-24, and must not be told before 2026-12-25"}},
		{"a direction beyond it, and they are told", func() Case {
			c := told.directed("2026-12-10", "FBI", "2026-12-24", true)
			c.Told = at("2026-12-26")
			return c
		}(), "2026-12-27", nil},
		{"a direction up to it", told.directed("2026-12-10", "FBI", "2026-12-23", true), "2026-12-11", nil},
		{"not reported, and our own day is near", c, "2026-12-21", []string{"by 2026-12-24"}},
		{"thirty days are no long direction", told.directed("2026-12-10", "FBI", "2027-01-09", true), "2026-12-11", []string{"by 2026-12-24"}},
		{"a longer first one", told.directed("2026-12-10", "FBI", "2027-01-10", true), "2026-12-11", []string{"by 2026-12-24", "through 2027-01-09 only"}},
		{"of each agency", told.directed("2026-12-10", "FBI", "2027-01-10", true).directed("2026-12-11", "USSS", "2027-01-11", true), "2026-12-12", []string{"by 2026-12-24", "FBI", "USSS"}},
		{"a long one that was extended", told.directed("2026-12-10", "FBI", "2027-01-10", true).directed("2027-01-05", "FBI", "2027-01-20", true), "2027-01-06", []string{"by 2026-12-24"}},
		{"a long one that was lifted", told.directed("2026-12-10", "FBI", "2027-01-10", true).lifted("2026-12-12", "FBI"), "2026-12-13", nil},
		{"a long oral one", told.directed("2026-12-10", "FBI", "2027-01-10", false), "2026-12-11", []string{"by 2026-12-24, and must not be told before 2027-01-10"}},
	} {
		got := reckon(row.c, row.now, today()).Conflicts
		ok := len(got) == len(row.says)
		for i := range row.says {
			ok = ok && strings.Contains(got[i].Says, row.says[i]) && len(got[i].Cites) > 0
		}
		if !ok {
			t.Errorf("%s: %v, want %q", row.name, got, row.says)
		}
	}
	long := reckon(told.directed("2026-12-10", "FBI", "2027-06-30", true), "2026-12-11", today())
	moment(t, "a long direction is held to what it says", long.From, "2027-07-01")
}

// V23, V24 and V25: register entries, failed attempts and breaches are told apart under both rules.
//
// cite: P-43, 47 CFR 64.2011(e), 47 CFR 64.2010(a), V23, V24, V25
func TestKinds(t *testing.T) {
	type row struct {
		name      string
		change    func(*Facts)
		old, next Kind
	}
	rows := []row{
		{"sold on purpose", func(*Facts) {}, Breach, Breach},
		{"V23 a bill to the wrong customer", func(f *Facts) { f.Intentional, f.Customers, f.Outcome = No, 1, Disclosed }, RegisterEntry, Breach},
		{"V24 a wrong account, opened in good faith", func(f *Facts) { f.Intentional, f.GoodFaith, f.Outcome = No, Yes, Accessed }, RegisterEntry, RegisterEntry},
		{"V25 a pretexter who got nothing", func(f *Facts) { f.Outcome = Attempted }, Attempt, Attempt},
		{"intent is not known", func(f *Facts) { f.Intentional = Unknown }, Breach, Breach},
		{"intent was never asked", func(f *Facts) { f.Intentional = "" }, Breach, Breach},
		{"what came of it is not known", func(f *Facts) { f.Outcome = "" }, Breach, Breach},
		{"used", func(f *Facts) { f.Outcome = Used }, Breach, Breach},
		{"accessed", func(f *Facts) { f.Outcome = Accessed }, Breach, Breach},
		{"other data only", func(f *Facts) { f.CPNI, f.Personal = false, true }, RegisterEntry, Breach},
		{"no data of customers", func(f *Facts) { f.CPNI = false }, RegisterEntry, RegisterEntry},
		{"good faith is not known", func(f *Facts) { f.Intentional, f.GoodFaith, f.Outcome = No, Unknown, Accessed }, RegisterEntry, Breach},
		{"good faith, and used", func(f *Facts) { f.Intentional, f.GoodFaith, f.Outcome = No, Yes, Used }, RegisterEntry, Breach},
		{"good faith, and passed on", func(f *Facts) { f.Intentional, f.GoodFaith, f.Outcome = No, Yes, Disclosed }, RegisterEntry, Breach},
		{"good faith, and on purpose", func(f *Facts) { f.GoodFaith, f.Outcome = Yes, Accessed }, Breach, RegisterEntry},
	}
	for _, r := range rows {
		f := sold()
		r.change(&f)
		for name, c := range map[string]struct {
			n          Numbers
			determined string
			now        string
			want       Kind
		}{
			"2007": {today(), "2026-11-24 10:00", "2026-11-24 12:00", r.old},
			"2023": {switched(), "2027-02-01 10:00", "2027-02-01 12:00", r.next},
			"both": {switched(), "2026-12-31 10:00", "2027-01-05", map[bool]Kind{true: Breach, false: r.next}[r.old == Breach || r.next == Breach]},
		} {
			got := reckon(determined(c.determined, f), c.now, c.n)
			same(t, r.name+", "+name, got.Kind, c.want)
			same(t, r.name+", under 2007", got.Under[Rule2007].Kind, r.old)
			same(t, r.name+", under 2023", got.Under[Rule2023].Kind, r.next)
			if len(got.Why) == 0 || got.Why[0].Says == "" || len(got.Why[0].Cites) == 0 {
				t.Errorf("%s: it is not said why", r.name)
			}
			if c.want == Breach {
				continue
			}
			if got.Held || len(got.Agencies) > 0 || !got.AgenciesBy.IsZero() || got.Must || !got.By.IsZero() || got.Late || len(got.Lines) > 0 || len(got.Reminders) > 0 || !got.SummaryBy.IsZero() {
				t.Errorf("%s, %s: no breach, and something is due or held: %+v", r.name, name, got)
			}
			c2 := determined(c.determined, f)
			c2.Determined = time.Time{}
			if before := reckon(c2, c.now, c.n); !before.Held || before.Hold != "LE_HOLD" || !before.From.IsZero() {
				t.Errorf("%s, %s: not determined yet, and not held", r.name, name)
			}
		}
	}
	none := Reckon(Case{Discovered: at("2026-11-24"), Determined: at("2026-11-24")}, at("2026-11-24 12:00"), today(), carrier(), eastern)
	same(t, "without facts", none.Kind, Breach)
}

// V27 to V30: small breaches, and what becomes of one that is not.
//
// cite: P-44, P-45, 47 CFR 64.2011(a)(3), 47 CFR 64.2011(a)(4), V27, V28, V29, V30
func TestSmallBreaches(t *testing.T) {
	all := []Agency{FCC, SecretService, FBI}
	facts := func(s string, customers int, harm Harm, basis bool) Facts {
		f := sold()
		f.At, f.Customers, f.Harm, f.Basis = at(s), customers, harm, basis
		return f
	}
	for _, row := range []struct {
		name        string
		facts       []Facts
		agencies    []Agency
		by, summary string
		must        bool
	}{
		{"V27", []Facts{facts("2027-03-01", 499, Unlikely, true)}, nil, "", "2028-02-01", false},
		{"V28", []Facts{facts("2027-03-01", 500, Unlikely, true)}, all, "2027-03-10", "", false},
		{"V29", []Facts{facts("2027-03-01", 12, Likely, true)}, all, "2027-03-10", "", true},
		{"harm is not known", []Facts{facts("2027-03-01", 12, HarmUnknown, true)}, all, "2027-03-10", "", true},
		{"no basis", []Facts{facts("2027-03-01", 12, Unlikely, false)}, all, "2027-03-10", "", true},
		{"the count is not known", []Facts{facts("2027-03-01", 0, Unlikely, true)}, all, "2027-03-10", "", false},
		{"V30", []Facts{facts("2027-03-01", 480, Unlikely, true), facts("2027-03-10 10:00", 510, Unlikely, true)}, all, "2027-03-19", "", false},
		{"V30 by harm", []Facts{facts("2027-03-01", 480, Unlikely, true), facts("2027-03-10 10:00", 480, Likely, true)}, all, "2027-03-19", "", true},
		{"V30 and back", []Facts{facts("2027-03-01", 480, Unlikely, true), facts("2027-03-10 10:00", 510, Unlikely, true), facts("2027-03-11 10:00", 480, Unlikely, true)}, all, "2027-03-19", "", false},
		{"found small before the determination", []Facts{facts("2027-02-20", 900, HarmUnknown, false), facts("2027-03-01", 480, Unlikely, true)}, nil, "", "2028-02-01", false},
	} {
		c := determined("2027-03-01 12:00", row.facts...)
		got := reckon(c, "2027-03-12", switched())
		if !slices.Equal(got.Agencies, row.agencies) {
			t.Errorf("%s: agencies %v, want %v", row.name, got.Agencies, row.agencies)
		}
		same(t, row.name+": by (64.2011(a)(3))", got.AgenciesBy, day(row.by))
		same(t, row.name+": summary by (64.2011(a)(4))", got.SummaryBy, day(row.summary))
		same(t, row.name+": must", got.Must, row.must)
		same(t, row.name+": held", got.Held, row.by != "")
		if row.summary != "" {
			same(t, row.name+": of", got.Summary, 2027)
			moment(t, row.name+": from the determination", got.From, "2027-03-01 12:00")
		}
		if row.name == "V30 and back" && !slices.ContainsFunc(got.Why, func(w Reason) bool { return strings.Contains(w.Says, "small now") }) {
			t.Errorf("it is not said that it stays required: %v", got.Why)
		}
		same(t, row.name+": told", reckon(c.reported("2027-03-11 09:00", all...), "2027-03-12", switched()).Held, false)
	}
	c := determined("2026-12-31 22:00", facts("2026-12-31 09:00", 480, Unlikely, true))
	c.Determined = atIn("2026-12-31 22:00", pacific) // the first of January in Washington
	got := Reckon(c, at("2027-01-05"), switched(), carrier(), pacific)
	same(t, "of the year of the earliest date", got.Summary, 2026)
	same(t, "both: reported all the same", fmt.Sprint(got.Agencies), "[USSS FBI]")
}

// V31 to V33: customers.
//
// cite: 47 CFR 64.2011(b), V31, V32, V33
func TestCustomersOf2023(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Facts)
		must   bool
	}{
		{"V31", func(*Facts) {}, true},
		{"V32", func(f *Facts) { f.Encryption, f.Customers = KeySafe, 9000 }, false},
		{"V33", func(f *Facts) { f.Encryption = KeyUnknown }, true},
		{"no harm, many", func(f *Facts) { f.Harm, f.Customers = Unlikely, 9000 }, false},
		{"no harm without basis", func(f *Facts) { f.Harm, f.Basis, f.Customers = Unlikely, false, 9000 }, true},
	} {
		f := sold()
		row.change(&f)
		got := reckon(determined("2027-02-01 10:00", f), "2027-02-01 12:00", switched())
		same(t, row.name+": must", got.Must, row.must)
		same(t, row.name+": by (64.2011(b))", got.By, day(map[bool]string{true: "2027-03-03"}[row.must]))
		same(t, row.name+": agencies", fmt.Sprint(got.Agencies), "[FCC USSS FBI]")
		old := reckon(determined("2026-11-24 10:00", f), "2026-11-24 12:00", today())
		same(t, row.name+": under the rule of 2007 all the same", old.Must, true)
	}
}

// V34: what was determined before the switch and is open at it is measured by both rules.
//
// cite: P-43, P-45, 47 CFR 64.2011, V34
func TestBothRules(t *testing.T) {
	c := determined("2026-12-31 10:00")
	before := reckon(c, "2027-01-03 12:00", switched())
	same(t, "before the switch", fmt.Sprint(before.Agencies, before.Counting), "[USSS FBI] [breach-2007]")
	same(t, "the other is reckoned", fmt.Sprint(before.Under[Rule2023].Agencies, before.Under[Rule2023].AgenciesBy), "[FCC USSS FBI] 2027-01-12")
	got := reckon(c, "2027-01-04 09:00", switched())
	same(t, "V34", fmt.Sprint(got.Agencies, got.AgenciesBy, got.By, got.Counting), "[FCC USSS FBI] 2027-01-12 2027-01-30 [breach-2007 breach-2023]")
	told := c.reported("2027-01-12 15:00", FCC, SecretService, FBI)
	got = reckon(told, "2027-01-13", switched())
	moment(t, "V34 from", got.From, "2027-01-23")
	moment(t, "V34 window", got.WindowFrom, "2027-01-23")
	same(t, "V34 window", got.WindowBy, day("2027-01-30"))
	if got.Late || len(got.Conflicts) > 0 {
		t.Errorf("V34: late %v, conflicts %v", got.Late, got.Conflicts)
	}
	got = reckon(c.told("2027-01-11 15:00"), "2027-01-11 16:00", switched())
	same(t, "the Commission has nothing yet", got.Held && got.Reported.IsZero() && got.From.IsZero() && got.WindowFrom.IsZero(), true)
	same(t, "nor on the last day", reckon(c.told("2027-01-11 15:00"), "2027-01-13", switched()).Late, true)

	closed := c.told("2027-01-02 15:00")
	closed.Closed = at("2027-01-03 12:00")
	same(t, "closed before the switch", fmt.Sprint(reckon(closed, "2027-01-20", switched()).Counting), "[breach-2007]")
	same(t, "determined after it", fmt.Sprint(reckon(determined("2027-01-04 10:00"), "2027-01-20", switched()).Counting), "[breach-2023]")
	early := determined("2027-01-04 10:00")
	early.Earlier = day("2027-01-03")
	same(t, "others may hold it was before", fmt.Sprint(reckon(early, "2027-01-20", switched()).Counting), "[breach-2007 breach-2023]")
	open := c
	open.Determined = time.Time{}
	same(t, "not determined, before", fmt.Sprint(reckon(open, "2027-01-03 12:00", switched()).Counting), "[breach-2007]")
	same(t, "not determined, after", fmt.Sprint(reckon(open, "2027-01-04 12:00", switched()).Counting), "[breach-2023]")
	same(t, "no rule was in force", fmt.Sprint(reckon(determined("2001-01-04 10:00"), "2001-01-05", func() Numbers { n := switched(); return n }()).Counting), "[breach-2007 breach-2023]")

	// What was determined long before the switch: the Commission is told by the first day of its rule, and was not late before.
	long := determined("2026-12-01 10:00").told("2026-12-03 10:00")
	got = reckon(long, "2027-01-03 12:00", switched())
	same(t, "long before, all well", got.Held || got.Late, false)
	got = reckon(long, "2027-01-04 12:00", switched())
	same(t, "at the switch", fmt.Sprint(got.Agencies, got.AgenciesBy, got.Late, got.Held), "[FCC USSS FBI] 2027-01-04 false true")
	same(t, "the day after", reckon(long, "2027-01-05", switched()).Late, true)
	got = reckon(long.reported("2027-01-04 13:00", FCC), "2027-01-04 14:00", switched())
	same(t, "the Commission has it", fmt.Sprint(got.AgenciesBy, got.Late, got.Held), "2027-01-04 false false")
	moment(t, "the hold of 2007 does not begin anew", got.From, "2027-01-04 13:00")
	same(t, "customers, by the earlier day", got.By, day("2026-12-31"))
	accident := sold()
	accident.Intentional = No
	same(t, "customers, by the first day of the rule", reckon(determined("2026-12-01 10:00", accident), "2027-01-04 12:00", switched()).By, day("2027-01-04"))
}

// What was no breach when it was determined, and is found to be one later, is due from then; what was one all along from the
// determination, or from the earlier day of which others may say so.
//
// cite: P-43, P-44, 47 CFR 64.2011(b)
func TestFromWhenItCounts(t *testing.T) {
	accident, meant := sold(), sold()
	accident.At, accident.Intentional, meant.At = at("2026-11-20"), No, at("2026-12-08 09:00")
	got := reckon(determined("2026-11-24 10:00", accident, meant), "2026-12-08 10:00", today())
	same(t, "found later", fmt.Sprintf("%s %s %s", got.Kind, got.AgenciesBy, got.By), "breach 2026-12-17 2027-01-07")
	got = reckon(determined("2026-11-24 10:00", meant, accident), "2026-12-08 10:00", today())
	same(t, "found to be none", fmt.Sprintf("%s %v %v", got.Kind, got.Held, got.Agencies), "register-entry false []")
	c := determined("2026-11-24 10:00")
	c.Earlier = day("2026-11-20")
	got = reckon(c, "2026-11-24 12:00", today())
	same(t, "an earlier day", fmt.Sprint(got.AgenciesBy, got.By), "2026-12-02 2026-12-20")
	c.Earlier = day("2026-11-27")
	same(t, "a later day changes nothing", reckon(c, "2026-11-24 12:00", today()).AgenciesBy, day("2026-12-04"))
	c = determined("2026-11-24 10:00").told("2026-11-13 10:00")
	moment(t, "reported before the determination", reckon(c, "2026-11-24 12:00", today()).From, "2026-11-25")
	c = determined("2026-11-24 10:00").told("2026-11-02 10:00")
	moment(t, "and long before", reckon(c, "2026-11-24 12:00", today()).From, "2026-11-24 10:00")
	entry := determined("2026-11-24 10:00", accident).directed("2026-11-25", "FBI", "2026-11-30", true)
	same(t, "an agency's written word holds a register entry too", reckon(entry, "2026-11-26", today()).Held, true)
	moment(t, "until it is over", reckon(entry, "2026-11-26", today()).From, "2026-12-01")
	other := sold()
	other.GoodFaith, other.Outcome = Yes, Accessed // no breach under the order of 2023
	got = reckon(determined("2026-11-24 10:00", other).told("2026-12-04 10:00"), "2026-12-05", today())
	same(t, "day 30 is that of the determination", fmt.Sprintf("%s %s", got.WindowFrom.Format(time.DateOnly), got.WindowBy), "2026-12-16 2026-12-24")
	late := determined("2026-11-24 10:00").told("2026-12-04 10:00").directed("2026-12-05", "FBI", "2027-01-04", true)
	same(t, "a direction leaves no window", reckon(late, "2026-12-06", today()).WindowFrom.IsZero(), true)
}
