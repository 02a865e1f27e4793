package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/store/storetest"
)

// builtIn is the policy of the project.
func builtIn() Options { return Options{Policy: os.DirFS("../../policy")} }

func readAll(t testing.TB, folder string) []*File {
	t.Helper()
	files, err := ReadFiles(stories(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Every story of the project comes out as it says, and the same on SQLite and on PostgreSQL; and none would if it said otherwise.
//
// cite: P-01, P-03, P-04, P-05, P-06, P-16, P-17, P-18, P-19, P-20, P-21, P-22, P-28, P-29, P-30, P-31, P-32, P-33, P-34, P-35, P-36, P-41, I-29
func TestStoriesOnBothDatabases(t *testing.T) {
	files := readAll(t, "scenarios")
	var odd, even []*File
	for i, f := range files {
		if i%2 == 0 {
			even = append(even, f)
		} else {
			odd = append(odd, f)
		}
	}
	for _, c := range []struct {
		name  string
		db    func(testing.TB) string
		files []*File
	}{
		{"memory", func(testing.TB) string { return "" }, files},
		{"postgres", storetest.Postgres, even},
		{"postgres beside it", storetest.Postgres, odd},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := builtIn()
			planted := 0
			o.DB, o.heard = c.db(t), planting(t, &planted)
			all, err := Run(t.Context(), c.files, o)
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 {
				t.Fatal("no story was told")
			}
			if planted < 500 {
				t.Errorf("only %d wrong expectations were planted", planted)
			}
			for _, out := range all {
				if !out.OK {
					t.Errorf("%s (cites %s)", out.Text(), strings.Join(out.Cites, ", "))
				}
			}
		})
	}
}

// The dated cases that the foundation must hold are each told by a story.
func TestCasesAreTold(t *testing.T) {
	told := map[string]bool{}
	for _, f := range readAll(t, "scenarios") {
		for _, s := range f.Scenarios {
			for _, c := range s.Cites {
				told[c] = true
			}
		}
	}
	for _, span := range [][2]int{{1, 44}, {46, 114}} { // V45 is about a text that cannot be loaded: wording tests it
		for v := span[0]; v <= span[1]; v++ {
			if name := fmt.Sprintf("V%02d", v); !told[name] {
				t.Errorf("no story cites %s", name)
			}
		}
	}
	for _, p := range []int{1, 3, 4, 5, 6, 16, 17, 18, 19, 20, 21, 22, 28, 29, 30, 31, 32, 33, 34, 35, 36, 41} {
		if name := fmt.Sprintf("P-%02d", p); !told[name] {
			t.Errorf("no story cites %s", name)
		}
	}
}

// planting turns every expectation of every step into wrong ones, of which none may be met: a story that expects something else than what comes
// must fail. It hears what came while the stories are told, so that none is told for it alone.
func planting(t *testing.T, planted *int) func(*world, step, result) {
	return func(w *world, step step, got result) {
		for _, wrong := range wrongs(step) {
			*planted++
			if expected, _ := wrong.met(w, got); expected == "" {
				t.Errorf("%s:%d: %s is met by %s", w.story.File, step.line, wrong.words(), got.words())
			}
		}
	}
}

// wrongs turns what a step expects into things that cannot come as well.
func wrongs(s step) []*expectation {
	var all []*expectation
	other := func(e expectation) { all = append(all, &e) }
	for _, o := range outcomes {
		plain := s.expect.outcome == "" && (o == cpni.OK || o == cpni.Permit)
		if o != s.expect.outcome && !plain {
			other(expectation{outcome: o})
		}
	}
	if s.expect.code != "" {
		wrong := "NOTICE_N16"
		if string(s.expect.code) == wrong {
			wrong = "NOTICE_N10"
		}
		other(expectation{outcome: s.expect.outcome, code: wrong})
		other(expectation{outcome: s.expect.outcome, code: s.expect.code, cites: []string{"P-59"}})
	}
	if s.expect.results == nil {
		return all
	}
	for _, r := range s.expect.results.entries {
		for _, wrong := range wrongValues(r.key, r.value) {
			other(expectation{outcome: s.expect.outcome, code: s.expect.code, results: &node{form: formMap, entries: []entry{{r.key, r.at, wrong}}}})
		}
	}
	return all
}

// wrongValues changes an expected value into others.
func wrongValues(key string, n *node) []*node {
	switch {
	case key == "never-to":
		return nil // whether it can fail is tested on its own
	case key == "none-contains":
		return []*node{{form: formText, text: ""}} // the empty text stands in every record
	case n.form == formInteger:
		return []*node{{form: formInteger, text: n.text + "1"}}
	case n.form == formText:
		return []*node{{form: formText, text: n.text + "x"}, {form: formInteger, text: "7"}}
	case n.form == formBool:
		return []*node{{form: formBool, text: map[string]string{"true": "false", "false": "true"}[n.text]}}
	case n.form == formList:
		longer := &node{form: formList, list: append(slices.Clone(n.list), &node{form: formText, text: "x"})}
		return []*node{longer}
	}
	var all []*node
	for i, e := range n.entries {
		for _, wrong := range wrongValues(e.key, e.value) {
			c := &node{form: formMap, entries: slices.Clone(n.entries)}
			c.entries[i].value = wrong
			all = append(all, c)
		}
	}
	return append(all, &node{form: formMap, entries: []entry{{key: "no-such-field", value: &node{form: formText, text: "x"}}}})
}

// world of one customer, for stories within tests.
const small = `start: 2026-11-24 10:00
setup:
  staff: {rep: {role: agent, trained: 2026-01-05}}
  customers:
    ann:
      lines: [{number: "+12025550101", categories: [local]}]
      password: blue-heron-42
      calls: [{line: "+12025550101", direction: out, number: "+17035550123", at: 2026-11-11 18:02, seconds: 300}]
scenarios:
  - scenario: a story
    cites: [P-16]
    steps:
      - contact: {id: c1, customer: ann, channel: phone, agent: rep}
`

func run(t *testing.T, text string) []Outcome {
	t.Helper()
	f, err := Read("story.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	all, err := Run(context.Background(), []*File{f}, builtIn())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// cite: P-16, P-19
func TestFailingStoriesFail(t *testing.T) {
	for _, c := range []struct{ name, step, want string }{
		{"a permit that does not come", "disclose: {contact: c1, data: [call-detail]}",
			"FAIL  a story: story.yaml:14: step 2, disclose: expected ok or permit; got deny UNAUTHENTICATED ("},
		{"a refusal that does not come", "authenticate: {contact: c1, password: blue-heron-42}\n        expect: reject BAD_SECRET",
			"FAIL  a story: story.yaml:14: step 2, authenticate: expected reject BAD_SECRET; got ok"},
		{"another code", "authenticate: {contact: c1, password: wrong-one}\n        expect: reject LOCKED",
			"FAIL  a story: story.yaml:14: step 2, authenticate: expected reject LOCKED; got reject BAD_SECRET ("},
		{"another count", "records: {of: decisions, customer: ann}\n        expect: {count: 1}",
			"FAIL  a story: story.yaml:14: step 2, records: expected count: 1; got count: 0"},
		{"a citation that is not there", "disclose: {contact: c1, data: [call-detail]}\n        expect: {outcome: deny, code: UNAUTHENTICATED, cites: [P-47]}",
			"FAIL  a story: story.yaml:14: step 2, disclose: expected a citation of P-47; got citations of "},
		{"a certificate with blanks", "certify: {year: 2026}", "FAIL  a story: story.yaml:14: step 2, certify: expected ok or permit; got reject INCOMPLETE ("},
		{"a part that is not built", "notice: {id: n1, kind: one-time, via: postal}", "got an error: `notice` of kind one-time but orally, in a contact is not built yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := run(t, small+"      - "+c.step+"\n")
			if got := all[0].Text(); !strings.Contains(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if got := Closing(all); got != "0 passed, 1 failed" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestReports(t *testing.T) {
	all := run(t, small+"  - scenario: another\n    start: 2026-11-25 10:00\n    steps: [{records: {of: attempts}, expect: {count: 3}}]\n")
	if got := all[0].Text() + "\n" + Closing(all); got != "ok    a story\n1 passed, 1 failed" {
		t.Errorf("got %q", got)
	}
	var out bytes.Buffer
	if err := WriteJSON(&out, all); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Scenarios []Outcome
		Passed    int
		Failed    int
	}
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if read.Passed != 1 || read.Failed != 1 || !read.Scenarios[0].OK || read.Scenarios[1].Failure == nil || read.Scenarios[1].Failure.Expected != "count: 3" || read.Scenarios[1].Failure.Line != 16 {
		t.Errorf("got %s", out.String())
	}
	out.Reset()
	if err := WriteJSON(&out, nil); err != nil || !strings.Contains(out.String(), `"scenarios": []`) {
		t.Errorf("got %s, %v", out.String(), err)
	}
}
