package rules

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// with gives the project's policy with some files changed; nil takes a file away.
func with(t testing.TB, files map[string]func(string) string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	root := os.DirFS("../../policy")
	if err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, name)
		all[name] = &fstest.MapFile{Data: text}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for name, change := range files {
		switch was := all[name]; {
		case change == nil:
			delete(all, name)
		case was == nil:
			all[name] = &fstest.MapFile{Data: []byte(change(""))}
		default:
			all[name] = &fstest.MapFile{Data: []byte(change(string(was.Data)))}
		}
	}
	return all
}

func text(s string) func(string) string { return func(string) string { return s } }

// notes are annotations in order, to which a rule is added.
const notes = "@id(\"mine\")\n@clause(\"P-13\")\n@cite(\"47 CFR 64.2008(c)(3)\")\n"

const forbids = notes + "@code(\"NOT_NECESSARY\")\n@says(\"No.\")\n"

// A policy with a fault is refused, with file and line and what is expected, and the one in force stays.
//
// cite: P-01
func TestPoliciesThatAreRefused(t *testing.T) {
	const mine = "rules/90-mine.cedar"
	for name, c := range map[string]struct {
		file   string
		change func(string) string
		says   []string
	}{
		"no rule at all":            {mine, text("forbid (principal, action, resource"), []string{mine, "parse error"}},
		"a stray word":              {mine, text(forbids + "forbit (principal, action, resource);"), []string{mine + ":6"}},
		"no id":                     {mine, text("permit (principal, action, resource);"), []string{mine + ":1", "@id"}},
		"no clause":                 {mine, text("@id(\"mine\")\n@cite(\"47 CFR 64.2008(c)(3)\")\n@says(\"Yes.\")\npermit (principal, action, resource);"), []string{mine + ":1", "@clause"}},
		"a clause that is not ours": {mine, text(strings.ReplaceAll(forbids, "P-13", "P-99") + "forbid (principal, action, resource);"), []string{"P-99"}},
		"no section":                {mine, text(strings.ReplaceAll(forbids, "47 CFR 64.2008(c)(3)", "the law") + "forbid (principal, action, resource);"), []string{"@cite", "the law"}},
		"no sentence":               {mine, text(notes + "@code(\"ROLE\")\nforbid (principal, action, resource);"), []string{"@says"}},
		"no code":                   {mine, text(notes + "@says(\"No.\")\nforbid (principal, action, resource);"), []string{"@code", "NOT_NECESSARY"}},
		"an unknown code":           {mine, text(strings.ReplaceAll(forbids, "NOT_NECESSARY", "BECAUSE") + "forbid (principal, action, resource);"), []string{"@code"}},
		"a code of a permit":        {mine, text(forbids + "permit (principal, action, resource);"), []string{"permits and has a @code"}},
		"an unknown annotation":     {mine, text(forbids + "@author(\"me\")\nforbid (principal, action, resource);"), []string{"@author"}},
		"an unknown attribute":      {mine, text(forbids + "forbid (principal, action, resource) when { context.weather == \"fine\" };"), []string{mine + ":1", "weather"}},
		"a wrong type":              {mine, text(forbids + "forbid (principal, action, resource) when { context.via == 3 };"), []string{"mine", "schema"}},
		"an unknown action":         {mine, text(forbids + "forbid (principal, action == Action::\"gossip\", resource);"), []string{"gossip"}},
		"an id that is taken":       {mine, text(strings.ReplaceAll(forbids, "\"mine\"", "\"somebody-proved\"") + "forbid (principal, action, resource);"), []string{"somebody-proved", "03-customer.cedar"}},
		"no schema":                 {"rules/schema.cedarschema", nil, []string{"schema.cedarschema is missing"}},
		"a broken schema":           {"rules/schema.cedarschema", text("type Facts = {"), []string{"schema.cedarschema"}},
		"a schema of another shape": {"rules/schema.cedarschema", func(s string) string { return strings.Replace(s, "dataKnown: Bool,", "dataKnown: String,", 1) }, []string{"does not describe"}},
		"no clauses":                {"clauses.yaml", nil, []string{"clauses.yaml"}},
		"an unknown field":          {"clauses.yaml", text("- {id: P-01, says: x, colour: red}\n"), []string{"clauses.yaml", "colour", "[1:"}},
		"a profile without source": {"profiles/sim.yaml", func(s string) string {
			return strings.Replace(s, "  source: 88 FR 85794, compliance date not published\n", "", 1)
		}, []string{"profiles/sim.yaml, row 1", "source"}},
		"a profile in two states":   {"profiles/sim.yaml", func(s string) string { return strings.Replace(s, "state: dormant", "state: in-force", 1) }, []string{"effective_from"}},
		"a date that is none":       {"profiles/cpni-core.yaml", func(s string) string { return strings.Replace(s, "2007-12-08", "2007-13-08", 1) }, []string{"2007-13-08"}},
		"a number in words":         {"profiles/cpni-core.yaml", func(s string) string { return strings.Replace(s, "720h", "a month", 1) }, []string{"address_of_record_age"}},
		"a number that is missing":  {"profiles/cpni-core.yaml", func(s string) string { return strings.Replace(s, "smallest_cell: 10", "smallest_cells: 10", 1) }, []string{"smallest_cell"}},
		"two rows at once":          {"profiles/sim.yaml", func(s string) string { return s + s }, []string{"review_months", "superseded_from"}},
		"a profile of another type": {"profiles/cpni-core.yaml", func(s string) string { return strings.Replace(s, "smallest_cell: 10", "smallest_cell: 10h", 1) }, []string{"smallest_cell", "duration"}},
	} {
		_, err := Load(with(t, map[string]func(string) string{c.file: c.change}))
		var r *cpni.Refusal
		if !errors.As(err, &r) || r.Code != "RULES" || r.Outcome != cpni.Reject || len(r.Next) == 0 {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(r.Says, s) {
				t.Errorf("%s: %q does not say %q", name, r.Says, s)
			}
		}
	}
}

// A rule that may decide on service, billing or protection, or on what customers ask for, must not read approval, in
// whatever words.
//
// cite: P-13, I-06, 47 CFR 64.2008(c)(3)
func TestApprovalNeverTouchesService(t *testing.T) {
	refused := []string{
		`forbid (principal, action == Action::"provide-service", resource) when { context.approval.state == "denied" };`,
		`forbid (principal, action == Action::"billing", resource) when { context.approval has state && context.approval.state == "denied" };`,
		`forbid (principal, action == Action::"protect", resource) unless { context.approval == context.approval };`,
		`forbid (principal, action in Action::"internal", resource) when { context.approval.otherTuple };`,
		`forbid (principal, action in [Action::"own-marketing", Action::"billing"], resource) when { context.approval.otherTuple };`,
		`forbid (principal, action, resource) when { action == Action::"own-marketing" && context.approval.state == "denied" };`,
		`forbid (principal, action == Action::"provide-service", resource) when { context.offer.free };`,
		`forbid (principal, action == Action::"provide-service", resource) when { context.contact.oneTime };`,
		`forbid (principal, action == Action::"customer-request", resource) when { if context.approval.expressPrior then true else false };`,
		`forbid (principal, action == Action::"emergency", resource) when { ["denied"].contains(context.approval.state) };`,
		`forbid (principal, action == Action::"provide-service", resource) when { context == context };`,
	}
	for _, rule := range refused {
		_, err := builtIn().With("mine", []byte(forbids+rule))
		var r *cpni.Refusal
		if !errors.As(err, &r) || r.Code != "RETALIATION" {
			t.Errorf("not refused as RETALIATION: %s: %v", rule, err)
		}
	}
	for _, rule := range []string{
		`forbid (principal, action == Action::"own-marketing", resource) when { context.approval.state == "denied" };`,
		`forbid (principal, action in Action::"marketing", resource) when { context.offer.free };`,
		`forbid (principal, action == Action::"provide-service", resource) when { context.via == "text" };`,
		`forbid (principal, action, resource) when { context.offer.given };`,
	} {
		if _, err := builtIn().With("mine", []byte(forbids+rule)); err != nil {
			t.Errorf("refused: %s: %v", rule, err)
		}
	}
	for _, r := range builtIn().Rules() {
		if r.ID == "serve" || r.ID == "bill" || r.ID == "protect" {
			return
		}
	}
	t.Error("the rules on service are not there to be checked")
}

// A policy with a rule more is another version, and the first one is what it was.
func TestWithGivesAnotherVersion(t *testing.T) {
	stricter, err := builtIn().With("mine", []byte(forbids+`forbid (principal, action == Action::"billing", resource);`))
	if err != nil {
		t.Fatal(err)
	}
	f := asked(cpni.BillingPurpose, cpni.ToCarrier, cpni.Billing)
	if builtIn().Version() == stricter.Version() || !builtIn().Decide(f).Permit() || stricter.Decide(f).Code != "NOT_NECESSARY" {
		t.Errorf("versions %s and %s, decisions %v and %v", builtIn().Version(), stricter.Version(), builtIn().Decide(f).Outcome, stricter.Decide(f).Code)
	}
	files, err := Unpack(stricter.Source())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(files)
	if err != nil || again.Version() != stricter.Version() {
		t.Errorf("read again it is %v, %v", again, err)
	}
}

// Every rule that clauses.yaml names is there, and every clause that a rule names lists it.
//
// cite: P-01
func TestClausesAndRulesNameEachOther(t *testing.T) {
	s := builtIn()
	rules := map[string]Rule{}
	for _, r := range s.Rules() {
		rules[r.ID] = r
	}
	for _, c := range s.Clauses() {
		for _, id := range c.Rules {
			if r, ok := rules[id]; !ok || !slices.Contains(r.Clauses, c.ID) {
				t.Errorf("clauses.yaml names the rule %s for %s, and that rule does not cite it", id, c.ID)
			}
		}
	}
}

// Numbers change by date, and dormant ones wait.
//
// cite: P-47, 47 CFR 64.2011(b), V35
func TestNumbersAreDated(t *testing.T) {
	p := builtIn().Profiles()
	today := workday.On(2026, 11, 24)
	n := p.At(today)
	if n.Int("breach-2007", "agencies_business_days") != 7 || n.Duration("cpni-core", "address_of_record_age") != 720*time.Hour ||
		!slices.Equal(n.Ints("certificate", "alarm_days"), []int{60, 30, 14, 7, 1}) {
		t.Error("today's numbers are not today's")
	}
	if n.Has("breach-2023") || n.Has("sim-2023") || n.Has("portout-2023") || !n.Has("breach-2007") {
		t.Error("what is dormant is in force, or the other way round")
	}
	later, err := p.Switched(map[string]string{"breach": "breach-2023"}, workday.On(2027, 1, 4))
	if err != nil {
		t.Fatal(err)
	}
	before, after := later.At(workday.On(2027, 1, 3)), later.At(workday.On(2027, 1, 4))
	if !before.Has("breach-2007") || before.Has("breach-2023") || after.Has("breach-2007") || !after.Has("breach-2023") || after.Int("breach-2023", "small_breach_below") != 500 {
		t.Error("the switch is not on its day")
	}
	if p.At(workday.On(2027, 6, 1)).Has("breach-2023") {
		t.Error("the switch reached the policy itself")
	}
	for _, wrong := range []map[string]string{{"breach": "breach-1999"}, {"sim": "breach-2023"}} {
		if _, err := p.Switched(wrong, today); err == nil {
			t.Errorf("%v was switched", wrong)
		}
	}
	superseded, err := Load(with(t, map[string]func(string) string{"profiles/cpni-core.yaml": func(s string) string {
		old := "  effective_from: 2007-12-08\n  source: 72 FR 31948\n  last_verified: 2026-09-23\n  numbers: {address_of_record_age: 720h}\n"
		if !strings.Contains(s, old) {
			t.Fatal("the row has changed")
		}
		return strings.Replace(s, old, strings.Replace(old, "  source", "  superseded_from: 2027-07-01\n  source", 1)+
			"- profile: cpni-core\n  section: 47 CFR 64.2003(b)\n  state: in-force\n"+strings.Replace(strings.Replace(old, "2007-12-08", "2027-07-01", 1), "720h", "45d", 1), 1)
	}}))
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[workday.Date]time.Duration{workday.On(2027, 6, 30): 720 * time.Hour, workday.On(2027, 7, 1): 45 * 24 * time.Hour} {
		if got := superseded.Profiles().At(day).Duration("cpni-core", "address_of_record_age"); got != want {
			t.Errorf("on %s: %v, want %v", day, got, want)
		}
	}
}

// Every row of the profiles says where it comes from and when that was looked at.
func TestRowsHaveSources(t *testing.T) {
	rows := builtIn().Profiles().Rows()
	states := map[string]bool{}
	for _, r := range rows {
		states[r.Profile+" "+r.State] = true
		if r.Source == "" || r.LastVerified == "" || r.Section == "" {
			t.Errorf("%+v", r)
		}
	}
	for _, want := range []string{"breach-2007 in-force", "breach-2023 dormant", "sim-2023 dormant", "portout-2023 dormant", "cpni-core in-force"} {
		if !states[want] {
			t.Errorf("no profile is %s; there are %v", want, slices.Sorted(maps.Keys(states)))
		}
	}
}

// FuzzRules gives Load whatever may stand in a file of rules.
func FuzzRules(f *testing.F) {
	f.Add("permit (principal, action, resource);")
	f.Add(forbids + `forbid (principal, action in Action::"marketing", resource) when { context.offer.free };`)
	f.Add("@id(\"")
	f.Fuzz(func(t *testing.T, s string) {
		set, err := builtIn().With("mine", []byte(s))
		if err == nil {
			set.Decide(asked(cpni.BillingPurpose, cpni.ToCarrier, cpni.Billing))
			return
		}
		var r *cpni.Refusal
		if !errors.As(err, &r) {
			t.Errorf("%v is no refusal", err)
		}
	})
}

// Who administers or audits comes to no customer's information, an auditor only reads, who is suspended may nothing, and
// rules on rights read nothing but a member's standing: a policy that has it otherwise is refused with file and line.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestRightsThatAreRefused(t *testing.T) {
	const mine = "rights/90-mine.cedar"
	grants := func(scope string) string {
		return "@id(\"mine\")\n@clause(\"P-37\")\n@cite(\"47 CFR 64.2010(a)\")\n@says(\"Yes.\")\npermit (principal, " + scope
	}
	without := func(id string) func(string) string {
		return func(s string) string {
			from := strings.Index(s, `@id("`+id+`")`)
			return s[:from] + s[from+strings.Index(s[from:], "};")+2:]
		}
	}
	for name, c := range map[string]struct {
		files map[string]func(string) string
		says  []string
	}{
		"an administrator who serves": {map[string]func(string) string{mine: text(grants(`action == Action::"serve", resource) when { context.role == "admin" };`)),
			"rights/01-rights.cedar": without("keepers-see-no-customers")}, []string{mine + ":1", "admin", "serve"}},
		"an auditor who sees": {map[string]func(string) string{mine: text(grants(`action in Action::"customers", resource) when { context.role == "auditor" };`)),
			"rights/01-rights.cedar": without("keepers-see-no-customers")}, []string{mine + ":1", "auditor", "see"}},
		"an auditor who acts":          {map[string]func(string) string{mine: text(grants(`action == Action::"operate", resource) when { context.role == "auditor" };`))}, []string{mine + ":1", "auditor", "operate"}},
		"an auditor who reads nothing": {map[string]func(string) string{"rights/01-rights.cedar": func(s string) string { return strings.Replace(s, `"fraud", "auditor"]`, `"fraud"]`, 1) }}, []string{"read-records"}},
		"a policy for ever":            {map[string]func(string) string{"rights/01-rights.cedar": without("right-keep-policy")}, []string{"keep-policy", "nobody could mend"}},
		"somebody suspended": {map[string]func(string) string{"rights/01-rights.cedar": without("suspended-may-nothing")},
			[]string{"rights/01-rights.cedar:", "right-serve", "suspended"}},
		"nobody in particular":   {map[string]func(string) string{mine: text(grants(`action == Action::"train", resource);`))}, []string{mine + ":1"}},
		"a rule that knows whom": {map[string]func(string) string{mine: text(grants(`action == Action::"train", resource) when { principal == Member::"ann" };`))}, []string{mine + ":1", "principal"}},
		"a rule that reads CPNI": {map[string]func(string) string{mine: text(grants(`action == Action::"train", resource) when { context.customer.known };`))}, []string{mine + ":1", "customer"}},
		"the whole context":      {map[string]func(string) string{mine: text(grants(`action == Action::"train", resource) when { context == context };`))}, []string{mine + ":1", "as a whole"}},
		"a right that is none":   {map[string]func(string) string{mine: text(grants(`action == Action::"fly", resource);`))}, []string{"fly"}},
		"no rules on rights":     {map[string]func(string) string{"rights/01-rights.cedar": nil, "rights/schema.cedarschema": nil}, []string{"rights/", "missing"}},
		"no schema of rights":    {map[string]func(string) string{"rights/schema.cedarschema": nil}, []string{"rights/schema.cedarschema is missing"}},
		"a schema with a right too few": {map[string]func(string) string{"rights/schema.cedarschema": func(s string) string {
			return strings.Replace(s, `, "operate"`, "", 1)
		}, "rights/01-rights.cedar": without("right-operate")}, []string{"operate"}},
		"an id that a rule on requests has": {map[string]func(string) string{mine: text(strings.Replace(grants(`action == Action::"train", resource) when { context.role == "admin" };`), "mine", "somebody-proved", 1))},
			[]string{"somebody-proved", "03-customer.cedar"}},
		"an auditor who may ask for emergencies": {map[string]func(string) string{"rules/02-staff.cedar": without("role-emergency")}, []string{"rules/", "auditor", "emergency"}},
		"an administrator who may be told by the customer": {map[string]func(string) string{"rules/02-staff.cedar": func(s string) string {
			return strings.Replace(s, `["agent", "supervisor", "compliance", "system"].contains(context.actor.role) };`, `["agent", "admin"].contains(context.actor.role) };`, 1)
		}}, []string{"rules/03-customer.cedar:", "admin", "customer-request"}},
	} {
		_, err := Load(with(t, c.files))
		var r *cpni.Refusal
		if !errors.As(err, &r) || r.Code != "RULES" {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(r.Says, s) {
				t.Errorf("%s: %q does not say %q", name, r.Says, s)
			}
		}
	}
}

// A policy of before there were rules on rights is what it was: its version and its decisions stay, and nobody has a right
// under it.
//
// cite: I-04, P-37
func TestPoliciesWithoutRights(t *testing.T) {
	old := with(t, map[string]func(string) string{"rights/01-rights.cedar": nil, "rights/02-desks.cedar": nil, "rights/03-incidents.cedar": nil, "rights/schema.cedarschema": nil})
	s, err := Recall(old)
	if err != nil {
		t.Fatal(err)
	}
	f := asked(cpni.BillingPurpose, cpni.ToCarrier, cpni.Billing)
	if !s.Decide(f).Permit() || s.Version() == builtIn().Version() {
		t.Error("it decides otherwise, or has the version of another")
	}
	files, err := Unpack(s.Source())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Recall(files); err != nil || again.Version() != s.Version() {
		t.Errorf("recalled it is %v, %v", again, err)
	}
	if r := s.Right(Standing{Role: cpni.RoleAgent, Trained: true}, cpni.RightServe); r.Allowed {
		t.Error("an agent has a right under a policy that gives none")
	}
}

// A policy that was in force before rules were given as much, and before there were as many rights, is recalled as it was: it decides as
// it did, and nobody has the rights under it that have come to be since. None such comes into force.
//
// cite: I-04, P-37, P-41
func TestPoliciesOfBefore(t *testing.T) {
	text, err := os.ReadFile("testdata/policy-2026-11-25.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files, err := Unpack(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Recall(files)
	if err != nil {
		t.Fatal(err)
	}
	if s.Version() != "49e2350e94ca860f9884bf992e1ae5f1" || !bytes.Equal(s.Source(), text) {
		t.Errorf("it is another: %s", s.Version())
	}
	f := asked(cpni.BillingPurpose, cpni.ToCarrier, cpni.Billing)
	if !s.Decide(f).Permit() {
		t.Error("it decides otherwise")
	}
	if r := s.Right(Standing{Role: cpni.RoleCompliance, Trained: true}, cpni.RightGiveNotices); r.Allowed {
		t.Error("somebody has a right that there was not")
	}
	if r := s.Right(Standing{Role: cpni.RoleCompliance, Trained: true}, cpni.RightReadRecords); !r.Allowed {
		t.Error("somebody lacks a right that there was")
	}
	if _, err := Load(files); err == nil {
		t.Error("it comes into force")
	}
	less := with(t, map[string]func(string) string{
		"rules/schema.cedarschema": func(s string) string { return portOut.ReplaceAllString(s, "") },
		"rules/05-marketing.cedar": func(s string) string { return ofPorts.ReplaceAllString(s, "") },
	})
	if s, err = Recall(less); err != nil || !s.Decide(f).Permit() {
		t.Errorf("one that knows less of requests: %v", err)
	}
	if _, err := Load(less); err == nil {
		t.Error("one that knows less of requests comes into force")
	}
}

// portOut is a line of the schema, and ofPorts the rule that reads it.
var (
	portOut = regexp.MustCompile(`(?m)^    portOut: .*\n`)
	ofPorts = regexp.MustCompile(`(?s)@id\("no-retention-on-port"\).*?;\n`)
)

// A file may be changed or added where the policy has such files, and nowhere else; what is wrong is told as in loading.
//
// cite: P-01
func TestChangedFiles(t *testing.T) {
	for _, name := range []string{"clauses.yaml", "closures.yaml", "rules/schema.cedarschema", "rights/schema.cedarschema", "rules/../x.cedar", "/rules/x.cedar", "rules/x.yaml", "rules/a/b.cedar", "x.cedar", ""} {
		if _, err := builtIn().Changed(map[string][]byte{name: []byte("x")}); err == nil {
			t.Errorf("%q was changed", name)
		}
	}
	for _, bad := range []string{"", " \n", "-- rules/x.cedar --\npermit (principal, action, resource);", "x\n-- y --\n"} {
		if _, err := builtIn().Changed(map[string][]byte{"rules/90-mine.cedar": []byte(bad)}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	was := builtIn().Files()
	stricter, err := builtIn().Changed(map[string][]byte{"rules/90-mine.cedar": []byte(forbids + `forbid (principal, action == Action::"billing", resource);`),
		"profiles/cpni-core.yaml": []byte(strings.Replace(string(was["profiles/cpni-core.yaml"]), "smallest_cell: 10", "smallest_cell: 12", 1))})
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(stricter.Since(builtIn()))); !slices.Equal(got, []string{"profiles/cpni-core.yaml", "rules/90-mine.cedar"}) {
		t.Errorf("changed: %v", got)
	}
	if stricter.Profiles().At(workday.On(2026, 11, 24)).Int("cpni-core", "smallest_cell") != 12 {
		t.Error("the number is not changed")
	}
}

// What another policy has otherwise is told rule by rule and number by number.
func TestCompare(t *testing.T) {
	files := builtIn().Files()
	change := func(name, from, to string) []byte {
		if !strings.Contains(string(files[name]), from) {
			t.Fatalf("%s has no %q", name, from)
		}
		return []byte(strings.Replace(string(files[name]), from, to, 1))
	}
	const staffRules = "rules/02-staff.cedar"
	after, err := builtIn().Changed(map[string][]byte{
		staffRules:                change(staffRules, `["fraud", "billing", "system"]`, `["fraud", "system"]`),
		"rules/90-mine.cedar":     []byte("// mine\n" + forbids + "forbid (principal, action == Action::\"billing\", resource);\n// the end\n"),
		"profiles/cpni-core.yaml": change("profiles/cpni-core.yaml", "smallest_cell: 10", "smallest_cell: 12"),
		"rules/01-words.cedar":    append([]byte("// another word\n"), files["rules/01-words.cedar"]...),
	})
	if err != nil {
		t.Fatal(err)
	}
	d := Compare(builtIn(), after)
	if len(d.Rules) != 2 || d.Rules[0].ID != "mine" || d.Rules[0].Was != nil || d.Rules[1].ID != "role-protect" || d.Rules[1].Was == nil || d.Rules[1].Now == nil {
		t.Fatalf("rules: %+v", d.Rules)
	}
	if text := d.Rules[0].Now.Text; !strings.HasPrefix(text, `@id("mine")`) || !strings.HasSuffix(text, ";") {
		t.Errorf("the text of a rule is %q", text)
	}
	if was, now := d.Rules[1].Was.Text, d.Rules[1].Now.Text; !strings.Contains(was, `"billing"`) || strings.Contains(now, `"billing"`) || !strings.HasSuffix(was, "};") {
		t.Errorf("from %q to %q", was, now)
	}
	if len(d.Numbers) != 1 || !strings.Contains(d.Numbers[0].Was, "smallest_cell: 10") || !strings.Contains(d.Numbers[0].Now, "smallest_cell: 12 (in-force from") {
		t.Errorf("numbers: %+v", d.Numbers)
	}
	if !slices.Equal(d.Other, []string{"rules/01-words.cedar"}) {
		t.Errorf("beside them: %v", d.Other)
	}
	if d := Compare(after, after); len(d.Rules)+len(d.Numbers)+len(d.Other) != 0 {
		t.Errorf("nothing is otherwise, and %+v", d)
	}
}
