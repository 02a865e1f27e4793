package scenario

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// minimal is a file to which tests add what is wrong with it; %s is a step.
const minimal = `start: 2026-03-02 09:00
setup:
  staff: {rep: {role: agent, trained: 2026-01-05}}
  customers: {ann: {lines: [{number: "+12025550101"}]}}
scenarios:
  - scenario: one
    steps:
      - contact: {id: c1, customer: ann, channel: phone, agent: rep}
      - %s
`

const stepLine = 9 // where the step stands in minimal

// cite: P-28
func TestBadStepsNameTheirLine(t *testing.T) {
	for _, c := range []struct{ name, step, says string }{
		{"unknown verb", `disclosse: {contact: c1}`, `unknown verb "disclosse"; the verbs are contact, look-up`},
		{"two verbs", `{hangup: c1, verify: {}}`, "a step has one verb; this one has hangup and verify"},
		{"empty step", `{}`, "the step is empty"},
		{"unknown field", `hangup: {contract: c1}`, "unknown field \"contract\" of `hangup`; the fields are contact"},
		{"missing field", `authenticate: {password: x}`, "`authenticate` lacks its field \"contact\""},
		{"number for a text", `authenticate: {contact: c1, pin: 8302}`, "expected a text, found the number 8302; a text that looks like a number stands in quotes"},
		{"octal", `authenticate: {contact: c1, pin: 0730}`, "a text that looks like a number stands in quotes"},
		{"list for a text", `authenticate: {contact: c1, password: [a]}`, "expected a text, found a list"},
		{"nothing for a text", `authenticate: {contact: c1, password: }`, "expected a text, found nothing"},
		{"no proof", `authenticate: {contact: c1}`, "takes exactly one of password, pin, backup, callback, photo-id, code-to, code, contract, claim; found none"},
		{"two proofs", `authenticate: {contact: c1, password: a, contract: true}`, "found password and contract"},
		{"answered without a call", `authenticate: {contact: c1, password: a, answered: true}`, `the field "answered" goes along with "callback"`},
		{"unknown claim", `authenticate: {contact: c1, claim: {shoe-size: "43"}}`, `unknown field "shoe-size" of a claim`},
		{"no flag", `authenticate: {contact: c1, contract: perhaps}`, "expected yes or no, found text"},
		{"unknown customer", `disclose: {customer: bob, data: [usage]}`, `there is no customer "bob" up to here; there are ann`},
		{"unknown contact", `hangup: c2`, `there is no contact "c2" up to here; there are c1`},
		{"unknown staff", `disclose: {by: tom, customer: ann, data: [usage]}`, `there is no staff "tom" up to here; there are rep`},
		{"name given twice", `contact: {id: c1, customer: ann, channel: phone}`, `there is a contact "c1" already`},
		{"unknown incident", `deadlines: {incident: b1}`, `there is no incident "b1": the story has none up to here`},
		{"nobody asked about", `disclose: {by: rep, data: [usage]}`, "names the contact in which it is asked, or the customer"},
		{"unknown channel", `contact: {id: c2, customer: ann, channel: telegram}`, `"telegram" is unknown here; it is one of phone, store, online, chat, mail`},
		{"unknown basis", `disclose: {customer: ann, data: [usage], because: we want to}`, `unknown field "because"`},
		{"date that does not exist", `disclose: {customer: ann, data: [usage], unaided: {number: "1", date: 2026-02-30, time: "18:02"}}`, `"2026-02-30" is not a date that exists`},
		{"time that does not exist", `disclose: {customer: ann, data: [usage], unaided: {number: "1", date: 2026-02-20, time: "24:02"}}`, `"24:02" is not a time such as 18:02`},
		{"month that does not exist", `disclose: {customer: ann, data: [usage], month: 2026-13}`, `"2026-13" is not a month`},
		{"negative count", `disclose: {customer: ann, data: [aggregate], cells: -3}`, "expected a whole number from 0 to 10000000"},
		{"fraction", `disclose: {customer: ann, data: [aggregate], cells: 3.5}`, "expected a whole number"},
		{"huge count", `disclose: {customer: ann, data: [aggregate], cells: 99999999999999999999}`, "expected a whole number"},
		{"word in capitals", `disclose: {customer: ann, data: [Usage]}`, `"Usage" is not a word of small letters`},
		{"moment skipped by the clocks", `at: 2026-03-08 02:30`, "is skipped by the clocks of America/New_York"},
		{"time goes back", `at: 2026-03-02 08:59`, "time does not go back"},
		{"wait of nothing", `wait: 0d`, `"0d" is not a length of time`},
		{"wait in weeks", `wait: 2w`, `"2w" is not a length of time`},
		{"wait along with a verb", `{wait: 1d, verify: {}}`, "a wait is a step of its own"},
		{"expectation of nothing", `{wait: 1d, expect: ok}`, "there is no verb here"},
		{"unknown outcome", `{hangup: c1, expect: fine}`, `"fine" is no outcome`},
		{"outcome of another verb", `{hangup: c1, expect: deny FORBIDDEN}`, "`hangup` never gives deny; it gives ok"},
		{"code of another verb", `{disclose: {customer: ann, data: [usage]}, expect: deny LE_HOLD}`, `"LE_HOLD" is no code with which`},
		{"misspelt code", `{disclose: {customer: ann, data: [usage]}, expect: deny UNAUTHENTICATE}`, `"UNAUTHENTICATE" is no code`},
		{"refusal without a code", `{disclose: {customer: ann, data: [usage]}, expect: deny}`, "deny needs its code"},
		{"permit with a code", `{disclose: {customer: ann, data: [usage]}, expect: permit DENIED}`, "permit has no code"},
		{"code alone", `{disclose: {customer: ann, data: [usage]}, expect: {code: DENIED}}`, "a code goes along with its outcome"},
		{"unknown expectation", `{disclose: {customer: ann, data: [usage]}, expect: {outcome: permit, relesed: {calls: 1}}}`, `unknown field "relesed"`},
		{"expectation of another verb", `{disclose: {customer: ann, data: [usage]}, expect: {outcome: permit, matures: 2026-03-04}}`, `unknown field "matures"`},
		{"citation that is none", `{disclose: {customer: ann, data: [usage]}, expect: {outcome: permit, cites: [P-60]}}`, `"P-60" is not a clause`},
		{"three words", `{hangup: c1, expect: ok ok ok}`, "is no expectation"},
		{"bare value", `authenticate: c1`, "expected a mapping"},
		{"fault of nothing", `fault: {}`, "takes exactly one of ledger, database, mail, texts, switch, print-shop; found none"},
		{"fault of a word", `fault: {ledger: broken}`, `"broken" is unknown here`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read("story.yaml", fmt.Appendf(nil, minimal, c.step))
			wantFault(t, err, stepLine, c.says)
		})
	}
}

// wantFault checks that err names the line and says what is wrong there.
func wantFault(t *testing.T, err error, line int, says string) {
	t.Helper()
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want a fault that says %q", err, says)
	}
	if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Line == line && strings.Contains(f.Says, says) }) {
		t.Errorf("got\n%v\nwant line %d: %s", err, line, says)
	}
	if !strings.HasPrefix(faults.Error(), fmt.Sprintf("story.yaml:%d:", faults[0].Line)) && faults[0].Line > 0 {
		t.Errorf("the message does not begin with file and line: %s", faults.Error())
	}
}

func TestBadFilesNameTheirLine(t *testing.T) {
	head := "start: 2026-03-02 09:00\nscenarios:\n  - scenario: one\n"
	step := "    steps: [verify: {}]\n"
	for _, c := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"empty", "", 0, "the file is empty"},
		{"only a comment", "# nothing\n", 0, "the file is empty"},
		{"no scenarios", "start: 2026-03-02 09:00\n", 1, `a scenario file lacks its field "scenarios"`},
		{"no scenario", "scenarios: []\n", 1, "the file has no scenario"},
		{"unknown key", "senarios: []\n", 1, `unknown field "senarios" of a scenario file`},
		{"no start", "scenarios:\n  - scenario: one\n" + step, 2, "says when it starts"},
		{"start that does not exist", "start: 2026-02-29 09:00\nscenarios:\n  - scenario: one\n" + step, 1, "not a date or moment that exists"},
		{"unknown zone", "zone: Springfield\n" + head + step, 1, `"Springfield" is not a time zone`},
		{"the machine's zone", "zone: Local\n" + head + step, 1, `"Local" is not a time zone`},
		{"same name twice", head + step + "  - scenario: one\n" + step, 5, "the scenario of line 3 has the same name"},
		{"no steps", head, 3, `a scenario lacks its field "steps"`},
		{"empty steps", head + "    steps: []\n", 4, "the scenario has no step"},
		{"duplicate key", head + "    cites: [P-01]\n    cites: [P-02]\n" + step, 5, `"cites" already defined`},
		{"duplicate key in a step", head + "    steps: [{disclose: {data: [usage], data: [billing]}}]\n", 4, `"data" already defined`},
		{"not YAML", head + "    steps: [verify: {}\nmore: x\n", 5, "must be specified"},
		{"tab", head + "\tsteps: []\n", 4, "a tab"},
		{"not UTF-8", head + "    steps: [\xff]\n", 4, "not UTF-8"},
		{"control character", head + "    steps: [\x00]\n", 4, "control character"},
		{"anchor", head + "    cites: &x [P-01]\n" + step, 4, "anchors, aliases"},
		{"alias", head + "    cites: *x\n" + step, 4, "anchors, aliases"},
		{"merge key", head + "    <<: {cites: [P-01]}\n" + step, 4, "anchors, aliases"},
		{"tag", head + "    cites: !!set {P-01}\n" + step, 4, "anchors, aliases"},
		{"two documents", head + step + "---\n" + head + step, 5, "several documents"},
		{"citation", head + "    cites: [P-99]\n" + step, 4, `"P-99" is not a clause`},
		{"unknown part of the setup", head + "    setup: {castomers: {}}\n" + step, 4, `unknown field "castomers" of setup`},
		{"unknown role", head + "    setup: {staff: {rep: {role: boss}}}\n" + step, 4, `"boss" is unknown here`},
		{"unknown category", head + "    setup: {customers: {ann: {lines: [{number: \"+1\", categories: [fax]}]}}}\n" + step, 4, `"fax" is unknown here`},
		{"call on no line", head + "    setup: {customers: {ann: {calls: [{line: \"+1\", direction: out, at: 2026-01-01, seconds: 1}]}}}\n" + step, 4, `the customer ann has no line "+1"`},
		{"born on no day", head + "    setup: {customers: {ann: {born: 1980-02-30}}}\n" + step, 4, "not a date that exists"},
		{"too deep", head + "    steps: " + strings.Repeat("[", 60) + "\n", 4, "nested more than 40 deep"},
		{"deep list", head + "    steps:\n      " + strings.Repeat("- ", 60) + "x\n", 5, "nested more than 40 deep"},
		{"too large", head + "# " + strings.Repeat("x", mostBytes), 0, "the most is 262144"},
		{"too many words", head + strings.Repeat("- a\n", 30_000), 16668, "more than 50000 words"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read("story.yaml", []byte(c.text))
			if c.name == "too many words" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("got %v, want %q", err, c.says)
				}
				return
			}
			wantFault(t, err, c.line, c.says)
		})
	}
}

// Every fault of a file is reported, in the order of the lines, not only the first.
func TestAllFaultsAreTold(t *testing.T) {
	_, err := Read("story.yaml", fmt.Appendf(nil, minimal, "hang: c1\n      - hangup: c9\n      - wait: 1x"))
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 3 || faults[0].Line != stepLine || faults[1].Line != stepLine+1 || faults[2].Line != stepLine+2 {
		t.Errorf("got %v, want three faults on lines %d to %d", err, stepLine, stepLine+2)
	}
}

// The example of the language's description is a file that reads.
func TestTheWholeSetupReads(t *testing.T) {
	f, err := Read("story.yaml", []byte(`
start: 2026-03-02 09:00
zone: America/New_York
setup:
  carrier: {name: Example Tel, cmrs: false, contact: {email: privacy@example.net, phone: "+18005550100", web: yes}}
  staff:
    rep: {role: agent, trained: 2026-01-05}
  customers:
    ann:
      since: 2020-01-01
      lines: [{number: "+12025550101", categories: [local], listed: true}]
      postal: {address: "1 Main St, Springfield, VA 22150", since: 2020-01-01}
      email: {address: ann@example.com, since: 2020-01-01, notices: true}
      contact-number: "+17035550199"
      password: blue-heron-42
      pin: "8302"
      backup: {"First concert?": "the comets"}
      online: true
      born: 1980-04-02
      ssn4: "6789"
      name: Ann Archer
      account: "A-1001"
      authorised: [{name: Bo Archer, password: red-fox-77, data: [billing]}]
      business: {dedicated-representative: rep2, contract-covers-cpni: true}
      calls: [{line: "+12025550101", direction: out, number: "+17035550123", at: 2026-02-11 18:02, seconds: 300}]
      bills: [{month: 2026-02, total: "84.10", directory-assistance: "1.99"}]
      approvals: [{scope: own-marketing, state: opt-in-ok, since: 2025-06-01}]
  partners:
    acme: {class: joint-venture, agreement: {until: 2027-01-01, destroy-by: 2027-02-01}}
scenarios:
  - scenario: Call detail on an inbound call needs the password
    cites: [P-16, P-19, "64.2010(b)"]
    profiles: {breach: breach-2007}
    setup: {customers: {ann: {email: {notices: false}, pin: ~, approvals: [{scope: own-marketing, state: denied}]}}}
    steps:
      - contact: {id: c1, customer: ann, channel: phone, agent: rep}
      - disclose: {contact: c1, data: [call-detail], month: 2026-02}
        expect: deny UNAUTHENTICATED
      - wait: 1d12h
      - authenticate: {contact: c1, password: blue-heron-42}
        at: 2026-03-04 09:30
      - disclose: {contact: c1, data: [call-detail], month: 2026-02}
        expect: {outcome: permit, released: {calls: 2}}
`))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Scenarios[0]
	ann := s.setup.get("customers").get("ann")
	if got := show(ann.get("email")); got != "{address: ann@example.com, since: 2020-01-01, notices: false}" {
		t.Errorf("mappings merge deeply: got %s", got)
	}
	if got := show(ann.get("approvals")); got != "[{scope: own-marketing, state: denied}]" {
		t.Errorf("lists replace: got %s", got)
	}
	if ann.get("pin") != nil {
		t.Error("a value of nothing takes away; the PIN is still there")
	}
	if got := s.steps[2].at.In(s.zone).Format(momentForm); got != "2026-03-03 21:00" {
		t.Errorf("the wait ends at %s", got)
	}
	if got := s.steps[3].at.In(s.zone).Format(momentForm); got != "2026-03-04 09:30" {
		t.Errorf("the step is at %s", got)
	}
}

// cite: P-21
func TestMomentsAcrossClockChanges(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 11, 1, 5, 30, 0, 0, time.UTC) // 01:30 daylight time
	for _, c := range []struct {
		text, zone string
		earliest   time.Time
		want       string
	}{
		{"2026-03-02 09:00", "America/New_York", time.Time{}, "2026-03-02 14:00"},
		{"2026-03-02", "America/New_York", time.Time{}, "2026-03-02 05:00"},
		{"2026-11-01 01:30", "America/New_York", time.Time{}, "2026-11-01 05:30"},
		{"2026-11-01 01:30", "America/New_York", first, "2026-11-01 05:30"},
		{"2026-11-01 01:30", "America/New_York", first.Add(time.Minute), "2026-11-01 06:30"},
		{"2026-11-01", "America/New_York", time.Time{}, "2026-11-01 04:00"},
		{"2018-11-04", "America/Sao_Paulo", time.Time{}, "2018-11-04 03:00"}, // the day began at one o'clock
	} {
		z := zone
		if c.zone != zone.String() {
			if z, err = time.LoadLocation(c.zone); err != nil {
				t.Fatal(err)
			}
		}
		got, err := readMoment(c.text, z, c.earliest)
		if err != nil || got.UTC().Format(momentForm) != c.want {
			t.Errorf("%s in %s: got %v, %v; want %s UTC", c.text, c.zone, got.UTC(), err, c.want)
		}
	}
	if _, err := readMoment("2026-03-08 02:30", zone, time.Time{}); err == nil {
		t.Error("2026-03-08 02:30 does not exist in New York and was read")
	}
}

// stories gives the files of a folder of the project.
func stories(t testing.TB, folder string) []string {
	t.Helper()
	found, err := filepath.Glob("../../" + folder + "/*.yaml")
	if err != nil || len(found) == 0 {
		t.Fatalf("the folder %s holds no stories: %v", folder, err)
	}
	return found
}

// Every verb, field and code of the tables is described, and nothing else is called a verb.
func TestLanguageIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../../docs/scenario-language.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verbs() {
		_, after, found := strings.Cut(string(text), "### `"+v.name+"`")
		if !found {
			t.Errorf("docs/scenario-language.md does not describe the verb `%s`", v.name)
			continue
		}
		part, _, _ := strings.Cut(after, "\n### ")
		part, _, _ = strings.Cut(part, "\n## ")
		for _, f := range append(slices.Clone(v.fields), v.results...) {
			if !strings.Contains(part, "`"+f.name+"`") && !strings.Contains(part, "`"+f.name+":") {
				t.Errorf("docs/scenario-language.md does not describe the field `%s` of `%s`", f.name, v.name)
			}
		}
	}
	for _, c := range allCodes() {
		if !strings.Contains(string(text), c) {
			t.Errorf("docs/scenario-language.md does not list the code %s", c)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, path := range stories(f, "scenarios") {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(fmt.Appendf(nil, minimal, "fault: {ledger: down}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Read("story.yaml", text)
		if err != nil {
			if !Faulty(err) {
				t.Fatalf("the error is not of the file: %v", err)
			}
			return
		}
		for _, s := range file.Scenarios {
			last := s.start
			for _, step := range s.steps {
				if step.at.Before(last) {
					t.Fatalf("time goes back in line %d", step.line)
				}
				last = step.at
			}
		}
	})
}
