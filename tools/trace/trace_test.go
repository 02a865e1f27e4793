package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// project is a small project that keeps every clause but P-58, which is open; P-59 binds nothing.
func project() fstest.MapFS {
	var clauses, goFile, testFile strings.Builder
	goFile.WriteString("package keep\n")
	testFile.WriteString("package keep\n")
	for n := 1; n <= clauseCount; n++ {
		id := clauseID(n)
		fmt.Fprintf(&clauses, "- {id: %s, says: something, where: [internal/keep], evidence: [a row], ", id)
		switch n {
		case 1:
			clauses.WriteString("sections: [47 USC 222(a)], rules: [first]}\n")
		case clauseCount:
			clauses.WriteString("sections: [], binds: false}\n")
		default:
			clauses.WriteString("sections: [47 CFR 64.2010(b)(1)(ii)]}\n")
		}
		fmt.Fprintf(&goFile, "\n// F%d keeps.\n//\n// cite: %s, 47 CFR 64.2003(b)\nfunc F%d() {}\n", n, id, n)
		if n != 58 {
			fmt.Fprintf(&testFile, "\n// cite: %s\nfunc TestF%d() {}\n", id, n)
		}
	}
	return fstest.MapFS{
		"policy/clauses.yaml":           {Data: []byte(clauses.String())},
		"policy/open-clauses.yaml":      {Data: []byte("- {clause: P-58, brings: the next piece of work, lacks: a test}\n")},
		"policy/rules/rules.cedar":      {Data: []byte("// A comment; it says @clause(\"P-02\").\n@id(\"first\")\n@clause(\"P-01 P-03\")\n@cite(\"47 USC 222(c)(1)(A), 47 CFR 64.2005\")\n@says(\"one; two\")\npermit (principal, action, resource)\nwhen { true };\n")},
		"internal/keep/keep.go":         {Data: []byte(goFile.String())},
		"internal/keep/keep_test.go":    {Data: []byte(testFile.String())},
		"internal/keep/page.templ":      {Data: []byte("// cite: P-17, P-42\n<div data-clause=\"P-16 P-18\">x</div>\n")},
		"internal/keep/page_templ.go":   {Data: []byte("this is not read")},
		"internal/keep/x.sql":           {Data: []byte("-- cite: P-41\ncreate table t (a);\n")},
		"internal/keep/testdata/bad.go": {Data: []byte("not Go")},
		"policy/notices/change.yaml":    {Data: []byte("# cite: P-24\nkind: change\ncites: [P-23, 47 CFR 64.2010(f), V54]\nelements:\n  - {id: here, cites: [P-25]}\n")},
		"scenarios/one.yaml":            {Data: []byte("start: 2026-03-02 09:00\nscenarios:\n  - scenario: A\n    cites: [P-19, \"64.2010(b)\", V84]\n    steps: []\n  - scenario: B\n    cites: [P-20]\n    steps: []\n")},
	}
}

func TestWholeProject(t *testing.T) {
	var out bytes.Buffer
	wrong, err := run(&out, project(), false, nil)
	if err != nil || len(wrong) > 0 {
		t.Fatalf("a project in order: %v %q", err, wrong)
	}
	for _, want := range []string{"58 of 59 clauses are kept, 1 are open", "open: the next piece of work"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	if _, err := run(&out, project(), false, []string{"P-01", "P-19", "P-16", "P-23", "P-24", "P-25"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"rule      policy/rules/rules.cedar:2 first", "code      internal/keep/keep.go:5 F1", "test      internal/keep/keep_test.go:3 TestF1",
		"scenario  scenarios/one.yaml:3 A", "screen    internal/keep/page.templ:2",
		"screen    policy/notices/change.yaml:1 ", "screen    policy/notices/change.yaml:3 change", "screen    policy/notices/change.yaml:5 change",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the detail does not say %q:\n%s", want, out.String())
		}
	}
	if _, err := run(&out, project(), false, []string{"P-60"}); err == nil {
		t.Error("a clause that does not exist was listed")
	}
}

func TestWhatIsWrong(t *testing.T) {
	replace := func(name, old, new string) func(fstest.MapFS) {
		return func(p fstest.MapFS) {
			text := string(p[name].Data)
			if !strings.Contains(text, old) {
				panic(name + " does not contain " + old)
			}
			p[name] = &fstest.MapFile{Data: []byte(strings.Replace(text, old, new, 1))}
		}
	}
	// cite: P-59
	for _, c := range []struct {
		name   string
		change func(fstest.MapFS)
		want   string
	}{
		{"code no longer cites", replace("internal/keep/keep.go", "cite: P-07, ", "cite: "), "P-07 is not kept: nothing in internal/keep cites it"},
		{"test no longer cites", replace("internal/keep/keep_test.go", "// cite: P-07\n", ""), "P-07 is not kept: no test or scenario cites it"},
		{"rule is gone", replace("policy/rules/rules.cedar", "P-01", "P-02"), "P-01 is not kept: no rule first cites it"},
		{"an open clause is kept", replace("internal/keep/keep_test.go", "// cite: P-07\n", "// cite: P-07, P-58\n"), "P-58 is kept, and yet"},
		{"an open clause that is none", replace("policy/open-clauses.yaml", "P-58", "P-77"), "there is no clause P-77"},
		{"no such clause", replace("internal/keep/keep_test.go", "// cite: P-07\n", "// cite: P-07, P-60\n"), "keep_test.go:21 cites P-60, and there is no such clause"},
		{"a rule rests on what promises nothing", replace("policy/rules/rules.cedar", "P-03", "P-59"), "rule first rests on P-59, which promises nothing"},
		{"a cite in another form", replace("internal/keep/keep.go", "cite: P-01, 47 CFR 64.2003(b)", "cite: P-01 and sec. 64"), `"P-01 and sec. 64" is no citation`},
		{"a bad section on a rule", replace("policy/rules/rules.cedar", "47 CFR 64.2005\"", "section 5\""), `policy/rules/rules.cedar:2: "section 5" is no citation`},
		{"a bad clause of a template", replace("policy/notices/change.yaml", "[P-25]", "[P25]"), `policy/notices/change.yaml:5: "P25" is no citation`},
		{"a bad clause on a screen", replace("internal/keep/page.templ", "P-16 P-18", "P16"), `internal/keep/page.templ:2: "P16" is no citation`},
	} {
		p := project()
		c.change(p)
		wrong, err := run(&bytes.Buffer{}, p, true, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, c.want) }) {
			t.Errorf("%s: %q does not say %q", c.name, wrong, c.want)
		}
	}
	for _, c := range []struct {
		name   string
		change func(fstest.MapFS)
		want   string
	}{
		{"a clause is missing", replace("policy/clauses.yaml", "- {id: P-02, says: something, where: [internal/keep], evidence: [a row], sections: [47 CFR 64.2010(b)(1)(ii)]}\n", ""), "58 clauses, want 59"},
		{"unknown field", replace("policy/clauses.yaml", "says:", "sais:"), "sais"},
		{"says nothing", replace("policy/clauses.yaml", "says: something", "says: ' '"), "P-01 says nothing"},
		{"no keeper", replace("policy/clauses.yaml", "where: [internal/keep]", "where: []"), "P-01 names no code"},
		{"no law", replace("policy/clauses.yaml", "[47 USC 222(a)]", "[]"), "P-01 names no section"},
		{"a section in another form", replace("policy/clauses.yaml", "47 USC 222(a)", "Section 222"), "is not a section"},
		{"open twice", replace("policy/open-clauses.yaml", "- {", "- {clause: P-58, brings: x, lacks: y}\n- {"), "P-58 stands there twice"},
		{"open without an end", replace("policy/open-clauses.yaml", "the next piece of work", "''"), "does not say what brings it"},
		{"code that does not parse", replace("internal/keep/keep.go", "package keep", "packag"), "keep.go"},
		{"a scenario that does not parse", replace("scenarios/one.yaml", "cites: [P-20]", "cites: [P-20"), "one.yaml"},
	} {
		p := project()
		c.change(p)
		if _, err := run(&bytes.Buffer{}, p, true, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
}

// What a keeper is named by is a folder or the beginning of a file's name, never half a word.
func TestBelow(t *testing.T) {
	for _, c := range []struct {
		path, place string
		want        bool
	}{
		{"internal/staff/staff.go", "internal/staff", true},
		{"internal/staffing/x.go", "internal/staff", false},
		{"internal/staff/course.go", "internal/staff/course", true},
		{"internal/staff/course_pass.go", "internal/staff/course", true},
		{"internal/staff/courses.go", "internal/staff/course", false},
		{"internal/staff/course/pass.go", "internal/staff/course", true},
	} {
		if got := below(c.path, c.place); got != c.want {
			t.Errorf("%s below %s: %v", c.path, c.place, got)
		}
	}
}

// The project's own list of clauses is whole and in form, whatever the rest of the project looks like.
func TestOwnClauses(t *testing.T) {
	if _, _, err := load(os.DirFS("../..")); err != nil {
		t.Fatal(err)
	}
}
