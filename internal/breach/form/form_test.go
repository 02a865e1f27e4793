package form

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
	"ringfence/policy"
)

var readOnce = sync.OnceValues(func() (*Forms, error) { return Load(policy.Files) })

func builtIn(t testing.TB) *Forms {
	t.Helper()
	f, err := readOnce()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func formOf(t testing.TB, profile string) *Form {
	t.Helper()
	f, ok := builtIn(t).For(profile)
	if !ok {
		t.Fatalf("there is no form for %s", profile)
	}
	return f
}

var newYork = func() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}()

func cents100(n int64) *int64 { n *= 100; return &n }

// incident is one of which everything is recorded.
func incident() Facts {
	return Facts{
		Carrier: Carrier{LegalName: "Lucid Technologies, LLC", FRN: "0099999991", FilerID: "899999", Address: "200 Lantern Way, Arlington, VA 22201", States: []string{"VA", "MD", "DC"},
			Contact: Contact{Name: "Cora Lane", Title: "Compliance officer", Phone: "+1 800 555 0100", Email: "breach@lucid.example"}},
		Zone: newYork, Made: time.Date(2026, 12, 2, 15, 0, 0, 0, time.UTC), Number: "2026-0007",
		Discovered: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC), Determined: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC),
		From: workday.On(2026, 11, 2), Until: workday.On(2026, 11, 20),
		What:    "a clerk looked up call records without any call from a customer and sold them",
		Method:  "The clerk used the right to look up customers who had a ticket open, and opened tickets that nobody had asked for.",
		Outcome: clock.Disclosed, Intentional: clock.Yes, Encryption: clock.Plain, Harm: clock.Likely,
		Customers: 40, CustomersBasis: "Counted from the ledger: every customer whom the clerk opened between the two days.",
		Data: []cpni.DataClass{cpni.CallDetail, cpni.Billing}, DataDetail: "Calls of September to November 2026, and the bills of these months.",
		CarrierLoss: cents100(12_500), Agencies: []clock.Agency{clock.SecretService, clock.FBI},
	}
}

// in is that incident as the form of a profile asks for it.
func in(profile string) Facts {
	f := incident()
	if profile == "breach-2023" {
		f.Agencies = append([]clock.Agency{clock.FCC}, f.Agencies...)
		f.Personal = []Personal{Credentials}
	}
	return f
}

// The built-in forms ask for what the rules ask for, and a report of which all is recorded lacks nothing.
//
// cite: P-45, P-52, 47 CFR 64.2011(b), 47 CFR 64.2011(a)(1)
func TestBuiltInForms(t *testing.T) {
	everywhere := []string{"carrier-name", "frn", "filer-id", "carrier-address", "carrier-states", "contact-name", "contact-phone", "contact-email", "agencies", "report-kind", "supplement-of", "urgent", "urgent-reason",
		"case-contact", "description", "method", "happened", "discovered", "determined", "customers", "loss-carrier", "loss-customers", "data"}
	for profile, more := range map[string][]string{"breach-2007": {"intentional"}, "breach-2023": {"customers-basis", "encryption", "harm", "harm-basis"}} {
		f := formOf(t, profile)
		for _, name := range append(everywhere, more...) {
			if _, ok := f.Field(name); !ok {
				t.Errorf("%s: it does not ask for %s", profile, name)
			}
		}
		drafted := map[string]bool{}
		for _, x := range f.Fields() {
			drafted[x.From] = true
		}
		if got := f.Draft(in(profile), nil); len(got.Problems()) != 0 {
			t.Errorf("%s: %+v", profile, got.Problems())
		}
		// Every class of information can be reported.
		data, _ := f.Field("data")
		for _, c := range cpni.DataClasses {
			if _, ok := data.says(string(c)); !ok {
				t.Errorf("%s: %s cannot be reported", profile, c)
			}
		}
	}
	data, _ := formOf(t, "breach-2023").Field("data")
	for _, p := range []Personal{Identified, Credentials, Body, Linked} {
		if _, ok := data.says(string(p)); !ok {
			t.Errorf("%s cannot be reported", p)
		}
	}
	a, _ := formOf(t, "breach-2023").Field("agencies")
	b, _ := formOf(t, "breach-2007").Field("agencies")
	if !slices.Equal(a.Must, []string{"FCC", "USSS", "FBI"}) || !slices.Equal(b.Must, []string{"USSS", "FBI"}) {
		t.Errorf("told are %v and %v", a.Must, b.Must)
	}
	// Every fact has its place in one form at least.
	for _, fact := range FactNames() {
		if !slices.ContainsFunc(builtIn(t).All(), func(f *Form) bool {
			return slices.ContainsFunc(f.Fields(), func(x Field) bool { return x.From == fact })
		}) {
			t.Errorf("the fact %s stands in no form", fact)
		}
	}
}

// Each field that is required has a problem of its own when it is missing, with its clause and with what helps.
//
// cite: P-45, P-52, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
func TestMissing(t *testing.T) {
	for _, profile := range profiles {
		f := formOf(t, profile)
		whole := f.Values(in(profile), nil)
		whole["report-kind"], whole["supplement-of"], whole["supplement-what"] = "supplement", "F-1", "The count."
		whole["urgent"], whole["urgent-reason"] = "yes", "Accounts are being emptied."
		if profile == "breach-2023" {
			whole["harm"], whole["harm-basis"] = "unlikely", "It was given back unread."
		}
		if p := f.Check(whole); len(p) != 0 {
			t.Fatalf("%s: %+v", profile, p)
		}
		required := 0
		for _, x := range f.Fields() {
			without := Values{}
			for name, v := range whole {
				if name != x.Name {
					without[name] = v
				}
			}
			var mine []Problem
			for _, p := range f.Check(without) {
				if p.Field == x.Name {
					mine = append(mine, p)
				} else {
					t.Errorf("%s: without %s, %s: %s", profile, x.Name, p.Field, p.Says)
				}
			}
			switch asked := x.Required || x.When != (When{}); {
			case !asked && !x.Wanted && len(mine) != 0:
				t.Errorf("%s: %s may be left out: %+v", profile, x.Name, mine)
			case (asked || x.Wanted) && (len(mine) != 1 || mine[0].Blocks != asked || !slices.Equal(mine[0].Cites, x.Cites) || mine[0].Do == "" || !strings.Contains(mine[0].Says, x.Label)):
				t.Errorf("%s: %s is missing: %+v", profile, x.Name, mine)
			case asked:
				required++
			}
		}
		if required < 20 {
			t.Errorf("%s: %d fields are required", profile, required)
		}
	}
}

// What is asked for only when something else holds is not missed otherwise.
//
// cite: P-47, P-51, P-52, 47 CFR 64.2011(b)(2)
func TestRequiredWhen(t *testing.T) {
	for _, row := range []struct {
		profile, field, says, missed string
		is                           bool
	}{
		{"breach-2007", "urgent", "no", "urgent-reason", false}, {"breach-2007", "urgent", "yes", "urgent-reason", true},
		{"breach-2007", "report-kind", "first", "supplement-of", false}, {"breach-2007", "report-kind", "supplement", "supplement-of", true}, {"breach-2007", "report-kind", "supplement", "supplement-what", true},
		{"breach-2023", "harm", "likely", "harm-basis", false}, {"breach-2023", "harm", "unknown", "harm-basis", false}, {"breach-2023", "harm", "unlikely", "harm-basis", true},
	} {
		f := formOf(t, row.profile)
		v := f.Values(in(row.profile), Values{row.field: row.says})
		if is := slices.ContainsFunc(f.Check(v), func(p Problem) bool { return p.Field == row.missed && p.Blocks }); is != row.is {
			t.Errorf("P-52: with %s %s, %s is missed: %v", row.field, row.says, row.missed, is)
		}
	}
}

// What is wrong is told for what it is.
//
// cite: P-44, P-45, P-50, P-52, 47 CFR 64.2011(b)
func TestWrong(t *testing.T) {
	f := formOf(t, "breach-2007")
	for _, row := range []struct{ field, value, says string }{
		{"discovered", "last Tuesday", "is no day"},
		{"discovered", "2026-02-30", "is no day"},
		{"determined", "2026-11-25", "is no time"},
		{"determined", "2026-11-20T10:00-05:00", "lies before “Date of discovery”, on November 23, 2026"},
		{"happened", "2026-11-20/2026-11-02", "ends before it begins"},
		{"happened", "2026-11-24/2026-11-25", "begins after “Date of discovery”"},
		{"happened", "../..", "is no first and last day"},
		{"customers", "a few", "is no number"},
		{"customers", "-4", "is no number"},
		{"customers", "99999999999999999999", "is no number"},
		{"loss-carrier", "12.345", "is no amount"},
		{"loss-carrier", "about a million", "is no amount"},
		{"urgent", "perhaps", "is neither yes nor no"},
		{"report-kind", "third", "names something that the form does not offer"},
		{"report-kind", "first, supplement", "names more than one"},
		{"agencies", "USSS", "leaves out: Federal Bureau of Investigation"},
		{"agencies", "USSS, FBI, CIA", "names something that the form does not offer"},
		{"data", "call-detail, horoscope", "names something that the form does not offer"},
		{"frn", "00123456789", "has 11 characters, and the form takes 10"},
		{"description", strings.Repeat("x", 8001), "has 8001 characters"},
		{"carrier-name", "Lucid\nTechnologies", "has marks or ends of line"},
	} {
		problems := f.Check(f.Values(incident(), Values{row.field: row.value}))
		if len(problems) != 1 || problems[0].Field != row.field || !problems[0].Blocks || !strings.Contains(problems[0].Says, row.says) || problems[0].Do == "" || len(problems[0].Cites) == 0 {
			t.Errorf("%s %.40q: %+v", row.field, row.value, problems)
		}
		if err := Refused(problems); err == nil || !strings.Contains(err.Error(), string(CodeIncomplete)) || strings.Contains(err.Error(), row.value) {
			t.Errorf("%s %.40q: %v", row.field, row.value, err)
		}
	}
	if err := Refused(f.Check(f.Values(incident(), nil))); err != nil {
		t.Error(err)
	}
	if p := f.Check(f.Values(incident(), Values{"customers": Unknown, "happened": Unknown, "loss-customers": Unknown})); len(p) != 0 {
		t.Errorf("what is not known yet holds the report up: %+v", p)
	}
	if p := f.Check(f.Values(incident(), Values{"carrier-name": Unknown, "urgent": Unknown})); len(p) != 1 || p[0].Field != "urgent" {
		t.Errorf("%+v", p)
	}
	v := f.Values(incident(), nil)
	v["horoscope"] = "bad"
	if p := f.Check(v); len(p) != 1 || p[0].Blocks || p[0].Field != "horoscope" {
		t.Errorf("an answer to what is not asked: %+v", p)
	}
}

// A text in which a customer seems to stand is pointed out, and holds nothing up.
//
// cite: P-52, I-23
func TestIdentity(t *testing.T) {
	f := formOf(t, "breach-2007")
	for text, what := range map[string]string{
		"The calls of ann.archer@mail.example were sold.":     "an e-mail address",
		"Among them 202-555-0141.":                            "a telephone number",
		"Among them (202) 555 0141, twice.":                   "a telephone number",
		"Among them +12025550141.":                            "a telephone number",
		"Her number is 219-09-9999.":                          "a social security number",
		"Tickets 20260007 and 20260008 were opened for this.": "",
		"From 2026-11-02 to 2026-11-20, 1,200 customers.":     "",
	} {
		p := f.Check(f.Values(incident(), Values{"description": text}))
		if what == "" && len(p) != 0 || what != "" && (len(p) != 1 || p[0].Blocks || !strings.Contains(p[0].Says, what)) {
			t.Errorf("%q: %+v", text, p)
		}
		if strings.Contains(what, "@") || len(p) == 1 && strings.Contains(p[0].Says, "0141") {
			t.Errorf("%q: the problem repeats it: %+v", text, p)
		}
	}
}

// Forms with something wrong in them are refused with file and line, all of it at once.
//
// cite: P-45, P-52
func TestLoadWrong(t *testing.T) {
	good, err := policy.Files.ReadFile("forms/breach-report-2007.yaml")
	if err != nil {
		t.Fatal(err)
	}
	other, _ := policy.Files.ReadFile("forms/breach-report-2023.yaml")
	clauses, _ := policy.Files.ReadFile("clauses.yaml")
	line := func(text, of string) string {
		t.Helper()
		before, _, ok := strings.Cut(text, of)
		if !ok {
			t.Fatalf("%q is not there", of)
		}
		n := 1 + strings.Count(before, "\n")
		return "forms/a.yaml:" + string(rune('0'+n/100)) + string(rune('0'+n/10%10)) + string(rune('0'+n%10)) + ": "
	}
	for _, row := range []struct{ was, is, says string }{
		{"profile: breach-2007", "profile: breach-1999", "for the reports of one profile"},
		{"form: breach-report-2007", "form: Breach", "a form has a name"},
		{"version: 2026-11-26", "version: soon", ""},
		{"last_verified: 2026-11-24\n", "", "last compared"},
		{"currency: USD", "currency: dollars", "a currency such as USD"},
		{"title: The carrier", "title: ''", "is empty"},
		{"- id: contact", "- id: carrier", "a section has an id of its own"},
		{"name: frn", "name: carrier-name", "a field has a name of its own"},
		{"kind: count", "kind: number", "is of the kind"},
		{"from: method", "from: gossip", "which nobody records"},
		{"longest: 8000", "longest: 0", "a text has a longest"},
		{"must: [USSS, FBI]", "must: [USSS, CIA]", "none of its options"},
		{"{is: FBI, says", "{is: USSS, says", "an option has a word of its own"},
		{`{field: urgent, is: "yes"}`, "{field: urgent, is: perhaps}", "and that never happens"},
		{"not-before: discovered", "not-before: method", "do not both have a day"},
		{"wanted: true", "wanted: true\n        required: true", "one of them"},
		{"cites: [P-44, P-50, 47 CFR 64.2011(b)]", "cites: [P-99, P-50]", "there is no such clause"},
		{"cites: [P-44, P-50, 47 CFR 64.2011(b)]", "cites: [the law]", "neither a clause"},
		{"cites: [P-44, P-50, 47 CFR 64.2011(b)]", "cites: []", "cites nothing"},
		{"wanted: true", "wonted: true", "unknown field"},
		{"label: Method of compromise", "label: &a Method of compromise", "anchors and aliases"},
		{"title: Report of", "title: 'Report of", ""},
	} {
		text := strings.Replace(string(good), row.was, row.is, 1)
		if text == string(good) {
			t.Errorf("%q is not in the form", row.was)
		}
		_, err := Load(fstest.MapFS{"forms/a.yaml": {Data: []byte(text)}, "forms/b.yaml": {Data: other}, "clauses.yaml": {Data: clauses}})
		if err == nil || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), "forms/a.yaml:") {
			t.Errorf("%q: %v", row.is, err)
		}
	}
	text := strings.Replace(strings.Replace(string(good), "kind: count", "kind: number", 1), "from: method", "from: gossip", 1)
	_, err = Load(fstest.MapFS{"forms/a.yaml": {Data: []byte(text)}, "forms/b.yaml": {Data: other}})
	if err == nil || !strings.Contains(err.Error(), line(text, "kind: number")) || !strings.Contains(err.Error(), line(text, "from: gossip")) {
		t.Errorf("two things wrong, with their lines: %v", err)
	}
	if _, err = Load(fstest.MapFS{"forms/a.yaml": {Data: good}}); err == nil || !strings.Contains(err.Error(), "breach-2023") {
		t.Errorf("a profile without a form: %v", err)
	}
	if _, err = Load(fstest.MapFS{"forms/a.yaml": {Data: good}, "forms/b.yaml": {Data: other}, "forms/c.yaml": {Data: good}}); err == nil || !strings.Contains(err.Error(), "forms/c.yaml:1: ") {
		t.Errorf("the same form twice: %v", err)
	}
}

// Of two versions of a form the newer is used, and the older can still be found.
//
// cite: P-45
func TestVersions(t *testing.T) {
	good, _ := policy.Files.ReadFile("forms/breach-report-2007.yaml")
	other, _ := policy.Files.ReadFile("forms/breach-report-2023.yaml")
	newer := strings.Replace(string(good), "version: 2026-11-26", "version: 2027-03-01", 1)
	f, err := Load(fstest.MapFS{"forms/a.yaml": {Data: []byte(newer)}, "forms/b.yaml": {Data: other}, "forms/c.yaml": {Data: good}})
	if err != nil {
		t.Fatal(err)
	}
	now, _ := f.For("breach-2007")
	before, ok := f.Form("breach-report-2007", workday.On(2026, 11, 26))
	if now.Version != workday.On(2027, 3, 1) || !ok || before.Hash() == now.Hash() || len(f.All()) != 3 {
		t.Errorf("%v, %v", now.Version, before)
	}
	if same, ok := f.Named(before.Named()); !ok || same != before || before.Named() != "breach-report-2007/2026-11-26" {
		t.Errorf("%s is not found by its name", before.Named())
	}
	if _, ok := f.Named("breach-report-2007"); ok {
		t.Error("a form without its version")
	}
	if _, ok := f.For("breach-1999"); ok {
		t.Error("a form for a profile that there is not")
	}
}
