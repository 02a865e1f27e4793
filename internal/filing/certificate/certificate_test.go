package certificate

import (
	"context"
	"flag"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
	"ringfence/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("%s is another now (go test -update writes it anew):\n%s", name, text)
	}
}

func listOf(t *testing.T) *List {
	t.Helper()
	var clauses []string
	for n := 1; n <= 58; n++ {
		clauses = append(clauses, "P-"+string(rune('0'+n/10))+string(rune('0'+n%10)))
	}
	l, err := Load(policy.Files, clauses)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func deskOf(t *testing.T) *Desk {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	calendars, err := workday.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	return New(Parts{List: listOf(t), Zone: zone, Calendars: calendars, Letterhead: []string{"Example Telephone, LLC", "+18005550101"}, Carrier: func() Carrier { return Carrier{"Example Telephone, LLC", "899999"} },
		Numbers: func(time.Time) Numbers {
			return Numbers{Month: 3, Day: 1, Alarms: []int{60, 30, 14, 7, 1}, Each: 2, Most: 5}
		}})
}

// draftOf drafts the certificate for 2026 of an office whose sources all say n to everything, but for what is good says.
func draftOf(t *testing.T, d *Desk, n int64, good map[string]int64, open map[cpni.Code]int64) *Draft {
	t.Helper()
	var sources []Source
	for _, o := range d.List.obligations {
		sources = append(sources, Source{Name: o.Source, Ask: func(context.Context, Period) (Values, error) {
			v := Values{}
			names := sentence(o.Kept).names()
			for _, x := range o.Says {
				names = append(append(names, x.When.names()...), x.Text.names()...)
			}
			for _, g := range o.Gaps {
				names = append(append(names, g.When.names()...), g.Says.names()...)
			}
			for _, name := range names {
				v.Set(name, n)
				if x, ok := good[name]; ok {
					v.Set(name, x)
				}
			}
			for _, name := range []string{"ways", "version", "checkpoint", "verified_on", "replayed_on", "day", "since", "which", "which_tried", "which_down", "which_unknown", "which_off", "kept"} {
				v[name] = Value{N: v[name].N, Text: "<" + name + ">"}
			}
			return v, nil
		}})
	}
	now := time.Date(2027, 1, 15, 17, 0, 0, 0, time.UTC)
	p := d.period(2026, now)
	x := &Draft{Year: 2026, Made: now, From: p.From, To: p.To, Over: true, Due: d.DueOf(2026), Fields: d.filled(Fields{Signatory: "Jo Doe", Title: "Chief Privacy Officer", Agent: true, Knowledge: true, Truthful: true,
		Complaints: Complaints{Employee: 1, Online: 2, Summary: "Three customers wrote; each was answered."}, Brokers: Answer{None: true}, Pretexting: Answer{Text: "Callers claim to be relatives who are in a hurry."}, Steps: "Nobody is told anything without proof.",
		Own: "We learned from it.\n\nWe will do better."})}
	var err error
	if x.Obligations, err = d.List.answer(t.Context(), p, sources, func(context.Context, Period) (map[cpni.Code]int64, error) { return open, nil }); err != nil {
		t.Fatal(err)
	}
	x.Fields.Explained = map[string]string{}
	for i := range x.Obligations {
		if o := &x.Obligations[i]; o.ID == "training" && len(o.Gaps) > 0 {
			d.List.keeping(o, Keeping{Off: []string{"untrained"}, Failed: []string{"P-38"}}, d.Zone)
		} else if o.ID == "training" {
			d.List.keeping(o, Keeping{Tested: now}, d.Zone)
		}
	}
	for _, o := range x.Obligations {
		x.Gaps = append(x.Gaps, o.Gaps...)
	}
	for _, g := range x.Gaps {
		x.Fields.Explained[g.ID] = "It is being mended (" + g.ID + ")."
	}
	return x
}

// kept are what the sources say where nothing is open.
var kept = map[string]int64{"failures": 0, "more": 0, "unjudged": 0, "late": 0, "unreviewed": 0, "overdue": 0, "uncovered": 0, "without_factor": 0, "stale": 0, "faults": 0, "replay_stale": 0, "differ": 0, "red": 0, "unreported": 0, "customers_late": 0, "nothing": 0, "down": 0, "unknown": 0, "off": 0, "whole": 1, "late_suppliers": 0,
	"looked": 1, "verified": 1, "replayed": 1, "there": 1, "facility_verified": 1, "second_factor": 1}

// The certificate and its statement, whole: of an office that kept everything and of one that kept nothing. What is signed is the same on paper.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17, V110
func TestWhatIsSigned(t *testing.T) {
	d := deskOf(t)
	for name, x := range map[string]*Draft{"kept": draftOf(t, d, 3, kept, nil), "not-kept": draftOf(t, d, 1, map[string]int64{"rules": 0, "ways_n": 0, "looked": 0, "verified": 0, "there": 0, "facility_verified": 0, "second_factor": 0, "replayed": 0, "whole": 0}, openOf(d.List))} {
		if gaps := len(x.Gaps); gaps == 0 != (name == "kept") {
			t.Errorf("%s has %d gaps: %v", name, gaps, x.Gaps)
		}
		w := &Walk{Drawn: []Stratum{{"permit self", 40, 2}, {"deny UNAUTHENTICATED", 7, 2}}}
		x.Sections = d.sections(x, w)
		w.Of = *x
		if strings.Contains(x.Text(), "LACKS") || strings.ContainsAny(x.Text(), "{}") {
			t.Errorf("%s lacks something", name)
		}
		for _, o := range x.Obligations {
			for _, g := range o.Gaps {
				if !strings.Contains(o.Sentence, g.Says) || strings.Count(x.Text(), g.Says) < 2 || !x.Contains(x.Fields.Explained[g.ID]) {
					t.Errorf("%s: the gap %s is not told with its reason", name, g.ID)
				}
			}
			if len(o.Gaps) > 0 && d.List.keptOf(o.ID) != "" && strings.Contains(o.Sentence, d.List.keptOf(o.ID)) {
				t.Errorf("%s: %s claims what was not kept: %s", name, o.ID, o.Sentence)
			}
		}
		golden(t, name+".txt", x.Text())
		file, err := d.print(w, &Signature{At: x.Made, Name: "Jo Doe", Title: "Chief Privacy Officer", Hash: "HASH"})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "x.pdf")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := exec.LookPath("pdftotext"); err != nil {
			t.Skip("pdftotext is not installed")
		}
		out, err := exec.Command("pdftotext", "-layout", path, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".pdf.txt", string(out))
		flat := strings.Join(strings.Fields(string(out)), " ")
		for _, s := range x.Sections {
			for _, says := range s.Says { // a page may end within a paragraph
				if first := strings.Join(strings.Fields(says)[:min(5, len(strings.Fields(says)))], " "); !strings.Contains(flat, first) {
					t.Errorf("%s: on paper it does not say %q", name, first)
				}
			}
		}
	}
}

func openOf(l *List) map[cpni.Code]int64 {
	all := map[cpni.Code]int64{}
	for _, code := range l.Codes() {
		all[code] = 1
	}
	return all
}

func (l *List) keptOf(id string) string {
	for _, o := range l.obligations {
		if o.ID == id {
			return o.Kept
		}
	}
	return ""
}

// When it is due, where that rolls to, when it should be filed, and on which days it is asked for.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.4(j), V107, V108
func TestWhenItIsDue(t *testing.T) {
	d := deskOf(t)
	for _, c := range []struct {
		year                int
		by, plan, alarm, to string
	}{{2025, "2026-03-02", "2026-02-27", "2025-12-29", "2026-02-26"}, {2026, "2027-03-01", "2027-03-01", "2026-12-31", "2027-02-28"}, {2027, "2028-03-01", "2028-03-01", "2028-01-01", "2028-02-29"}} {
		due := d.DueOf(c.year)
		all := d.Alarms(&File{Year: c.year}, due.By)
		if due.By.String() != c.by || due.Plan.String() != c.plan || len(all) != 5 || all[0].On.String() != c.alarm || all[4].On.String() != c.to {
			t.Errorf("V107, V108: of %d it is due by %s, planned for %s, asked for on %v", c.year, due.By, due.Plan, all)
		}
		if late := d.Alarms(&File{Year: c.year}, due.By.Add(3)); len(late) != 8 || late[5].Code != Overdue {
			t.Errorf("of %d it is asked for late on %v", c.year, late)
		}
		if len(d.Alarms(&File{Year: c.year, Receipt: &Receipt{}}, due.By.Add(3))) != 0 {
			t.Errorf("of %d it is asked for though it is filed", c.year)
		}
	}
}

// What somebody writes is compared with what is open; what says what is so is not refused.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17, V110
func TestWhatIsContradicted(t *testing.T) {
	d := deskOf(t)
	none, open := draftOf(t, d, 3, kept, nil), draftOf(t, d, 3, with(kept, "uncovered", 2), nil)
	for says, contradicted := range map[string]bool{
		"The carrier complies with the rules.":                             true,
		"We were in full compliance throughout the year.":                  true,
		"There were no violations in 2026.":                                true,
		"All employees are trained. Some are new.":                         true,
		"Every member of the staff has passed the course":                  true,
		"We comply, except that two people were not trained.":              false,
		"The carrier did not comply with the rule on training.":            false,
		"The carrier is in compliance, apart from what is told above.":     false,
		"Two people were not trained; they are refused until they are.":    false,
		"Callers who pretend to be relatives are asked for their password": false,
	} {
		for what, x := range map[string]*Draft{"none": none, "open": open} {
			x.Fields.Own = says
			got := d.List.contrary(x)
			if (len(got) > 0) != (contradicted && what == "open") {
				t.Errorf("with %s: %q is contradicted by %v", what, says, got)
			}
		}
	}
	open.Fields.Own, open.Register = "", Complaints{Employee: 1, Disclosure: 1}
	for _, c := range []struct {
		c    Complaints
		want int
	}{{Complaints{None: true}, 2}, {Complaints{Employee: 1}, 1}, {Complaints{Employee: 2, Disclosure: 1}, 0}, {Complaints{}, 0}} {
		if open.Fields.Complaints = c.c; len(d.List.contrary(open)) != c.want {
			t.Errorf("%+v beside the registers: %v", c.c, d.List.contrary(open))
		}
	}
	open.Fields.Complaints, open.Register, open.Known = Complaints{None: true}, Complaints{}, Known{Actions: []string{"a petition"}, Methods: []string{"a call"}}
	for _, c := range []struct {
		brokers, pretexting Answer
		want                int
	}{{Answer{None: true}, Answer{None: true}, 2}, {Answer{Text: "A petition."}, Answer{None: true}, 1}, {Answer{Text: "A petition."}, Answer{Text: "Calls."}, 0}, {Answer{}, Answer{}, 0}} {
		if open.Fields.Brokers, open.Fields.Pretexting = c.brokers, c.pretexting; len(d.List.contrary(open)) != c.want {
			t.Errorf("%+v beside the registers: %v", c, d.List.contrary(open))
		}
	}
	for title, is := range map[string]bool{"President": true, "Chief Compliance Officer": true, "Vice President, Legal": true, "Secretary and Treasurer": true, "Managing Member": true, "Compliance Analyst": false, "Assistant to the President": false, "Compliance Officer": false, "": false, "Secretarial pool": false} {
		if d.List.officerTitle(title) != is {
			t.Errorf("V109: %q is taken for an officer's: %v", title, !is)
		}
	}
}

func with(all map[string]int64, name string, n int64) map[string]int64 {
	out := map[string]int64{}
	for k, v := range all {
		out[k] = v
	}
	out[name] = n
	return out
}

// Decisions are drawn by chance, of every sort some, no more than so many; the same seed draws the same.
//
// cite: 47 CFR 64.2009(e)
func TestDrawing(t *testing.T) {
	d := deskOf(t)
	d.Decisions = func(context.Context, Period) iter.Seq2[Sampled, error] {
		return func(yield func(Sampled, error) bool) {
			for n := range 400 {
				s := Sampled{Entry: cpni.ID(strings.Repeat("0", 3-len(itoa(n))) + itoa(n)), Outcome: cpni.Permit, Purpose: "self"}
				if n%4 == 0 {
					s.Outcome, s.Code = cpni.Deny, "UNAUTHENTICATED"
				}
				if n == 399 {
					s.Outcome, s.Code = cpni.Deny, "SCOPE"
				}
				if !yield(s, nil) {
					return
				}
			}
		}
	}
	p, hit := Period{Year: 2026}, map[cpni.ID]bool{}
	for seed := range byte(60) {
		drawn, strata, err := d.draw(t.Context(), p, [32]byte{seed})
		again, _, _ := d.draw(t.Context(), p, [32]byte{seed})
		if err != nil || len(drawn) != 5 || len(strata) != 3 || strata[0].Of+strata[1].Of+strata[2].Of != 400 {
			t.Fatalf("drawn are %v of %v, %v", drawn, strata, err)
		}
		for n, s := range drawn {
			if again[n] != s {
				t.Fatal("the same seed draws others")
			}
			hit[s.Entry] = true
		}
	}
	if len(hit) < 150 { // sixty draws of four that can differ
		t.Errorf("only %d decisions were ever drawn", len(hit))
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// A list that asks for what no source gives, or that cannot be read, is refused before it is needed.
//
// cite: 47 CFR 64.2009(e)
func TestListsAreChecked(t *testing.T) {
	good := obligation{ID: "a", Title: "A", Clauses: []string{"P-01"}, Cites: []string{"x"}, Source: "s", Says: []said{{Text: "{n|one|many}"}}, Evidence: []address{{"Here", "/here"}}, Gaps: []gap{{ID: "g", When: "n > 0", Says: "{n}"}, {ID: "h", Alerts: []cpni.Code{"X"}, Says: "{alerts?is|are}"}}}
	sources := []Source{{Name: "s", Values: []string{"n"}}}
	for name, change := range map[string]func(*obligation){
		"":                       func(*obligation) {},
		"no such source":         func(o *obligation) { o.Source = "t" },
		"no such value":          func(o *obligation) { o.Says = []said{{Text: "{m}"}} },
		"no such value compared": func(o *obligation) { o.Gaps = []gap{{ID: "g", When: "m > 0", Says: "x"}} },
		"compares nothing":       func(o *obligation) { o.Gaps = []gap{{ID: "g", When: "n is large", Says: "x"}} },
		"an address of no page":  func(o *obligation) { o.Evidence[0].At = "http://elsewhere" },
		"a gap of nothing":       func(o *obligation) { o.Gaps = []gap{{ID: "g", Says: "x"}} },
		"no clause":              func(o *obligation) { o.Clauses = []string{"P-99"} },
	} {
		o := good
		o.Evidence = append([]address(nil), good.Evidence...)
		change(&o)
		err := o.check([]string{"P-01"})
		if err == nil {
			err = (&List{obligations: []obligation{o}}).Fits(sources)
		}
		if (err == nil) != (name == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
