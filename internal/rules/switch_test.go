package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// entered is the day on which the tests enter switches.
var entered = workday.On(2026, 11, 24)

// breachSwitch brings the rule of 2023 on breaches into force.
var breachSwitch = Switch{Profile: "breach-2023", From: "2027-01-04", Citation: "91 FR 12345"}

// switched gives a policy with a switch entered on a day.
func switched(t *testing.T, s *Set, w Switch, on workday.Date) *Set {
	t.Helper()
	w, err := s.Entering(w, on)
	if err != nil {
		t.Fatalf("%+v: %v", w, err)
	}
	files, err := s.WithSwitch(w)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Changed(files); err != nil {
		t.Fatal(err)
	}
	return s
}

// ruleOf says which rule on breaches each of some days has, such as "2007 2023".
func ruleOf(s *Set, days ...string) string {
	var all []string
	for _, d := range days {
		day, err := workday.ParseDate(d)
		if err != nil {
			panic(err)
		}
		on := "none"
		for _, year := range []string{"2007", "2023"} {
			if s.Profiles().At(day).Has("breach-" + year) {
				on = strings.TrimPrefix(on+"+"+year, "none+")
			}
		}
		all = append(all, on)
	}
	return strings.Join(all, " ")
}

func refused(t *testing.T, what string, err error, code cpni.Code, says string) {
	t.Helper()
	var r *cpni.Refusal
	if !errors.As(err, &r) || r.Code != code || !strings.Contains(r.Says, says) || len(r.Next) == 0 {
		t.Errorf("%s: %v", what, err)
	}
}

// A switch of a profile needs the page of the Federal Register that announced its day, and counts from that day on.
//
// cite: V35, P-47, P-58, 47 CFR 64.2011(b)
func TestSwitches(t *testing.T) {
	change := func(f func(*Switch)) Switch { w := breachSwitch; f(&w); return w }
	for name, c := range map[string]struct {
		w    Switch
		code cpni.Code
		says string
	}{
		"no citation":         {change(func(w *Switch) { w.Citation = "" }), "PROFILE_EVIDENCE", "Federal Register"},
		"hearsay":             {change(func(w *Switch) { w.Citation = "I heard so" }), "PROFILE_EVIDENCE", "Federal Register"},
		"half a page":         {change(func(w *Switch) { w.Citation = "91 FR" }), "PROFILE_EVIDENCE", "Federal Register"},
		"older than the rule": {change(func(w *Switch) { w.Citation = "72 FR 31948" }), "PROFILE_EVIDENCE", "older than the rule"},
		"no such day":         {change(func(w *Switch) { w.From = "2027-02-30" }), "RULES", "2027-02-30"},
		"no such one":         {change(func(w *Switch) { w.Profile = "breach-1999" }), "RULES", "breach-1999"},
		"of no family":        {change(func(w *Switch) { w.Profile = "cpni-core" }), "RULES", "cpni-core"},
		"in force already":    {change(func(w *Switch) { w.Profile = "breach-2007" }), "RULES", "already"},
		"past":                {change(func(w *Switch) { w.From = "2026-11-23" }), "RULES", "past"},
		"late for no reason":  {change(func(w *Switch) { w.From, w.Late = "2026-11-23", true }), "RULES", "says why"},
		"late and to come":    {change(func(w *Switch) { w.Late, w.Reason = true, "missed" }), "RULES", "not past"},
		"before any rule":     {change(func(w *Switch) { w.From, w.Late, w.Reason = "2007-12-08", true, "missed" }), "RULES", "nothing of its family was before"},
		"much to say":         {change(func(w *Switch) { w.Reason = strings.Repeat("x", 401) }), "RULES", "400"},
	} {
		_, err := builtIn().Entering(c.w, entered)
		refused(t, name, err, c.code, c.says)
	}
	if _, err := builtIn().Entering(change(func(w *Switch) { w.Profile = "breach-2007" }), entered); !InForceAlready(err) {
		t.Errorf("nothing changes: %v", err)
	}
	s := switched(t, builtIn(), change(func(w *Switch) { w.Citation = "91  FR 12345 (Dec. 14, 2026)" }), entered)
	if got := ruleOf(s, "2007-12-07", "2007-12-08", "2027-01-03", "2027-01-04", "2031-01-01"); got != "none 2007 2007 2023 2023" {
		t.Errorf("in force: %s", got)
	}
	for _, r := range s.Profiles().Rows() {
		if r.Profile == "breach-2023" && r.Citation != "91 FR 12345 (Dec. 14, 2026)" {
			t.Errorf("its row cites %q", r.Citation)
		}
	}
	s = switched(t, s, Switch{Profile: "sim-2023", From: "2027-03-01", Citation: "92 FR 1"}, entered)
	if !s.Profiles().At(workday.On(2027, 3, 1)).Has("sim-2023") || ruleOf(s, "2027-03-01") != "2023" {
		t.Error("the second switch undoes the first")
	}
	late := switched(t, builtIn(), change(func(w *Switch) { w.From, w.Late, w.Reason = "2026-11-20", true, "the notice was seen late" }), entered)
	if got := ruleOf(late, "2026-11-19", "2026-11-20"); got != "2007 2023" {
		t.Errorf("late, in force: %s", got)
	}
}

// A day that has not come is moved or called off by a later switch; what has come is followed by another. What was entered before stays
// where it is written, with its comments.
//
// cite: P-58, 47 CFR 64.2011
func TestSwitchesFollowOnEachOther(t *testing.T) {
	first := switched(t, builtIn(), breachSwitch, entered)
	moved := switched(t, first, Switch{Profile: "breach-2023", From: "2027-06-01", Citation: "91 FR 99999", Reason: "put off"}, workday.On(2026, 12, 20))
	if got := ruleOf(moved, "2027-01-04", "2027-05-31", "2027-06-01"); got != "2007 2007 2023" {
		t.Errorf("put off, in force: %s", got)
	}
	if earlier := switched(t, first, Switch{Profile: "breach-2023", From: "2026-12-29", Citation: "91 FR 99999"}, workday.On(2026, 12, 20)); ruleOf(earlier, "2026-12-28", "2026-12-29") != "2007 2023" {
		t.Error("the day is not moved forward")
	}
	off := switched(t, moved, Switch{Profile: "breach-2007", From: "2027-02-01", Citation: "92 FR 7"}, workday.On(2027, 2, 1))
	if got := ruleOf(off, "2027-01-31", "2027-02-01", "2027-06-01", "2031-01-01"); got != "2007 2007 2007 2007" {
		t.Errorf("called off, in force: %s", got)
	}
	if all := off.Switches(); len(all) != 3 || all[0].Entered != "2026-11-24" || all[1].Reason != "put off" {
		t.Errorf("entered: %+v", all)
	}
	back := switched(t, moved, Switch{Profile: "breach-2007", From: "2028-03-01", Citation: "93 FR 7"}, workday.On(2028, 2, 1))
	if got := ruleOf(back, "2027-05-31", "2027-06-01", "2028-02-29", "2028-03-01"); got != "2007 2023 2023 2007" {
		t.Errorf("and back, in force: %s", got)
	}
	if n := back.Profiles().At(workday.On(2028, 3, 1)); n.Int("breach-2007", "hold_business_days") != 7 || n.Int("breach-2007", "customers_target_days") != 30 {
		t.Error("what came back has not all its numbers")
	}
	again := switched(t, back, Switch{Profile: "breach-2023", From: "2029-01-02", Citation: "94 FR 7"}, workday.On(2029, 1, 1))
	if got := ruleOf(again, "2027-06-01", "2028-03-01", "2029-01-01", "2029-01-02"); got != "2023 2007 2007 2023" {
		t.Errorf("and forth, in force: %s", got)
	}
	if _, err := moved.Entering(Switch{Profile: "breach-2023", From: "2027-06-01", Citation: "92 FR 8"}, workday.On(2027, 2, 1)); !InForceAlready(err) {
		t.Errorf("the same day once more: %v", err)
	}
	written := string(first.Files()[switchesFile]) + "# ours\n"
	ours, err := first.Changed(map[string][]byte{switchesFile: []byte(written)})
	if err != nil {
		t.Fatal(err)
	}
	ours = switched(t, ours, Switch{Profile: "breach-2023", From: "2027-06-01", Citation: "91 FR 99999"}, workday.On(2026, 12, 20))
	if got := string(ours.Files()[switchesFile]); !strings.HasPrefix(got, written) || ruleOf(ours, "2027-01-04") != "2007" {
		t.Errorf("the file became\n%s", got)
	}
	flow, err := first.Changed(map[string][]byte{switchesFile: []byte("[{profile: sim-2023, from: 2027-03-01, citation: 92 FR 1}]\n")})
	if err != nil {
		t.Fatal(err)
	}
	if flow = switched(t, flow, breachSwitch, entered); len(flow.Switches()) != 2 || ruleOf(flow, "2027-01-04") != "2023" {
		t.Errorf("another way of writing became %+v", flow.Switches())
	}
}

// What a switch changes is told before it is entered: both rules' numbers side by side, what it takes the place of, and a page that is
// that of the adoption.
func TestTurn(t *testing.T) {
	first := switched(t, builtIn(), breachSwitch, entered)
	w, err := first.Entering(Switch{Profile: "breach-2023", From: "2027-06-01", Citation: "89 FR 9968"}, entered)
	if err != nil {
		t.Fatal(err)
	}
	turn, err := first.Turn(w)
	if err != nil || turn.Instead != "breach-2007" || !turn.AtAdoption || len(turn.CalledOff) != 1 || turn.CalledOff[0].From != "2027-01-04" {
		t.Errorf("%+v, %v", turn, err)
	}
	for _, want := range []TurnedNumber{{"agencies_business_days", "7", "7"}, {"hold_business_days", "7", ""}, {"small_breach_below", "", "500"}, {"customers_days", "", "30"}} {
		if !slices.Contains(turn.Numbers, want) {
			t.Errorf("%+v is not told in %+v", want, turn.Numbers)
		}
	}
	if w, err = first.Entering(Switch{Profile: "breach-2007", From: "2026-11-24", Citation: "91 FR 3"}, entered); err != nil {
		t.Fatal(err)
	}
	if turn, err = first.Turn(w); err != nil || turn.Instead != "" || turn.AtAdoption || len(turn.CalledOff) != 1 {
		t.Errorf("called off: %+v, %v", turn, err)
	}
}

// A file in which a rule of breaches is put in force without the page that announced it is refused when it is loaded, and so are a day with
// two rules and a day with none. What was in force once is read all the same.
//
// cite: V35, P-58, I-04, 47 CFR 64.2011
func TestFlippedFilesNeedEvidence(t *testing.T) {
	const file, dormant, old = "profiles/breach.yaml", "  state: dormant\n", "  effective_from: 2007-12-08\n"
	flip := func(more string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, dormant) || !strings.Contains(s, old) {
				t.Fatal("the file has changed")
			}
			s = strings.ReplaceAll(s, dormant, "  state: in-force\n  effective_from: 2027-01-04\n"+more)
			return strings.ReplaceAll(s, old, old+"  superseded_from: 2027-01-04\n")
		}
	}
	cited := flip("  citation: 91 FR 12345\n")
	replace := func(change func(string) string, old, new string) func(string) string {
		return func(s string) string {
			s = change(s)
			if !strings.Contains(s, old) {
				t.Fatalf("nothing says %q", old)
			}
			return strings.ReplaceAll(s, old, new)
		}
	}
	for name, c := range map[string]struct {
		change func(string) string
		code   cpni.Code
		says   string
	}{
		"no citation":     {flip(""), "PROFILE_EVIDENCE", "breach-2023 is in force from 2027-01-04"},
		"hearsay":         {flip("  citation: a newsletter\n"), "RULES", "citation"},
		"both":            {replace(cited, "  superseded_from: 2027-01-04\n", ""), "RULES", "both in force on 2027-01-04"},
		"both for a day":  {replace(cited, "  superseded_from: 2027-01-04\n", "  superseded_from: 2027-01-05\n"), "RULES", "both in force on 2027-01-04"},
		"none for a day":  {replace(cited, "  superseded_from: 2027-01-04\n", "  superseded_from: 2027-01-03\n"), "RULES", "in force on 2027-01-03"},
		"none in the end": {replace(cited, "  citation: 91 FR 12345\n", "  citation: 91 FR 12345\n  superseded_from: 2028-01-04\n"), "RULES", "from 2028-01-04 on"},
		"none at all": {func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(s, old, ""), "state: in-force", "state: dormant")
		}, "RULES", "no profile of the family breach"},
		"the old without a page": {func(s string) string {
			return strings.ReplaceAll(s, "source: 72 FR 31948", "source: known to everybody")
		}, "PROFILE_EVIDENCE", "breach-2007"},
	} {
		files := with(t, map[string]func(string) string{file: c.change})
		_, err := Load(files)
		refused(t, name, err, c.code, c.says)
		if _, err := Recall(files); err != nil && name != "hearsay" {
			t.Errorf("%s: a policy of once is not read any more: %v", name, err)
		}
	}
	s, err := Load(with(t, map[string]func(string) string{file: cited}))
	if err != nil {
		t.Fatal(err)
	}
	if got := ruleOf(s, "2027-01-03", "2027-01-04"); got != "2007 2023" {
		t.Errorf("in force: %s", got)
	}
	// New files of the policy that have what was switched beside the old ones go together with the switch.
	if both, err := s.Changed(map[string][]byte{switchesFile: []byte("- {profile: breach-2023, from: 2027-01-04, citation: 91 FR 12345}\n")}); err != nil || ruleOf(both, "2027-01-03", "2027-01-04") != "2007 2023" {
		t.Errorf("the switch that is in the files already: %v", err)
	}
}

// What a story wants to be in force is so from its day on, whatever the policy has been switched to.
//
// cite: P-58
func TestStoriesWantTheirProfile(t *testing.T) {
	policy := switched(t, builtIn(), breachSwitch, entered)
	for _, c := range []struct{ wants, from, days string }{
		{"breach-2007", "2026-11-24", "2007 2007 2007 2007"},
		{"breach-2007", "2027-03-01", "2007 2007 2023 2007"},
		{"breach-2023", "2026-12-01", "2007 2023 2023 2023"},
		{"breach-2023", "2027-03-01", "2007 2007 2023 2023"},
	} {
		from, err := workday.ParseDate(c.from)
		if err != nil {
			t.Fatal(err)
		}
		p, err := policy.Profiles().Switched(map[string]string{"breach": c.wants}, from)
		if err != nil {
			t.Fatal(err)
		}
		if got := ruleOf(&Set{profiles: p}, "2026-11-24", "2026-12-15", "2027-01-04", "2027-03-01"); got != c.days {
			t.Errorf("%s from %s: %s, want %s", c.wants, c.from, got, c.days)
		}
		if err := p.overlaps(); err != nil {
			t.Errorf("%s from %s: %v", c.wants, c.from, err)
		}
	}
}
