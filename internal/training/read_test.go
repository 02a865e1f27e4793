package training

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/policy"
)

const goodCourse = `id: c
version: 1.2.0
title: A course
language: en
roles: [agent]
pass-mark: 80
draws: 2
questions:
  - id: one
    section: first
    clauses: [P-38]
    asks: "Is it so?"
    choices:
      - {says: "Yes", right: true}
      - {says: "No"}
    because: "It is."
  - id: two
    section: second
    clauses: [P-38, P-39]
    asks: "Which?"
    choices:
      - {says: "This", right: true}
      - {says: "That", right: true}
      - {says: "Neither"}
    because: "Both."
`

const goodMaterial = "Before.\n\n## First {#first}\n\nText *here*.\n\n```\n## no heading\n```\n\n## Second {#second}\n\nMore.\n"

func files(course, material string) fstest.MapFS {
	return fstest.MapFS{"courses/c/course.yaml": {Data: []byte(course)}, "courses/c/material.md": {Data: []byte(material)}}
}

var clauses = []rules.Clause{{ID: "P-38"}, {ID: "P-39"}}

func TestReadCourse(t *testing.T) {
	all, err := Read(files(goodCourse, goodMaterial), clauses)
	must(t, err)
	c, ok := all.Get("c")
	if !ok || c.Major() != 1 || len(c.Questions) != 2 || len(c.Sections) != 2 || !c.Questions[1].Many() || c.Questions[0].Many() || len(all.For(cpni.RoleAgent)) != 1 || len(all.For(cpni.RoleAdmin)) != 0 {
		t.Fatalf("%+v", c)
	}
	if c.Sections[0].HTML != "<p>Text <em>here</em>.</p>\n<pre><code>## no heading\n</code></pre>\n" || c.Intro != "<p>Before.</p>\n" {
		t.Errorf("%q, %q", c.Sections[0].HTML, c.Intro)
	}
	other, err := Read(files(strings.Replace(goodCourse, "It is.", "It is!", 1), goodMaterial), clauses)
	must(t, err)
	if d, _ := other.Get("c"); d.Digest == c.Digest {
		t.Error("another byte gives the same digest")
	}
	if none, err := Read(fstest.MapFS{}, clauses); err != nil || len(none.All()) != 0 {
		t.Errorf("a policy without courses: %v", err)
	}
}

// What is wrong with a course is told with its file and line.
//
// cite: P-38, 47 CFR 64.2009(b)
func TestWrongCourses(t *testing.T) {
	for _, c := range []struct{ name, from, to, says string }{
		{"unknown field", "language: en\n", "language: en\ncolour: red\n", `course.yaml:5: unknown field "colour"`},
		{"unknown field of a question", `    because: "It is."`, "    becuase: x\n    because: y", `course.yaml:16: unknown field "becuase"`},
		{"no YAML", "roles: [agent]", "roles: [agent", "course.yaml:6: "},
		{"no right answer", `says: "Yes", right: true`, `says: "Yes"`, `course.yaml:14: the question one has no right answer`},
		{"every answer right", `- {says: "No"}`, `- {says: "No", right: true}`, `every choice of the question one is right`},
		{"pass mark too high", "pass-mark: 80", "pass-mark: 101", "course.yaml:6: the pass mark is a percentage from 1 to 100; found 101"},
		{"no pass mark", "pass-mark: 80\n", "", "the pass mark is a percentage"},
		{"question twice", "id: two", "id: one", "course.yaml:17: the question one stands there twice"},
		{"unknown clause", "clauses: [P-38, P-39]", "clauses: [P-38, P-77]", "course.yaml:19: the question two cites P-77, and there is no such clause"},
		{"no clause", "clauses: [P-38]", "clauses: []", "the question one cites no clause"},
		{"unknown section", "section: second", "section: third", `course.yaml:18: the question two is of the section "third"`},
		{"section without question", "section: second", "section: first", "the section second has no question"},
		{"draws too few", "draws: 2", "draws: 1", "course.yaml:7: an attempt draws at least one question of each section, 2, and at most all, 2; found 1"},
		{"draws too many", "draws: 2", "draws: 3", "found 3"},
		{"unknown role", "roles: [agent]", "roles: [agent, boss]", `course.yaml:5: "boss" is no role`},
		{"a machine's role", "roles: [agent]", "roles: [system]", `"system" is no role of a person`},
		{"another id", "id: c\n", "id: d\n", `the id is that of the folder, "c"`},
		{"no version", "version: 1.2.0", "version: 1.2", "the version has three numbers"},
		{"anew without a day", "draws: 2", "draws: 2\nrequires-anew: true", "goes with from"},
		{"a day that is none", "draws: 2", "draws: 2\nrequires-anew: true\nfrom: 2026-02-30", "course.yaml:9: "},
		{"a choice twice", `{says: "No"}`, `{says: "Yes"}`, "says nothing, or what another says"},
		{"one choice", "      - {says: \"No\"}\n", "", "the question one has 1 choices"},
		{"no reason", `because: "It is."`, `because: ""`, "does not say because of what"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(goodCourse, c.from) {
				t.Fatalf("nothing to change: %q", c.from)
			}
			_, err := Read(files(strings.Replace(goodCourse, c.from, c.to, 1), goodMaterial), clauses)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "courses/c/course.yaml:") {
				t.Errorf("%v\nwant: %s", err, c.says)
			}
		})
	}
	for _, c := range []struct{ name, text, says string }{
		{"a heading without an id", "## First\n", "courses/c/material.md:1: a section begins with a heading such as"},
		{"an id twice", "## First {#first}\n\n## Second {#first}\n", "material.md:3: the section first stands there twice"},
		{"no section", "Text.\n", "material.md:1: the material has no section"},
	} {
		if _, err := Read(files(goodCourse, c.text), clauses); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := Read(fstest.MapFS{"courses/c/course.yaml": {Data: []byte(goodCourse)}}, clauses); err == nil || !strings.Contains(err.Error(), "material.md") {
		t.Errorf("a course without material: %v", err)
	}
	two := files(goodCourse, goodMaterial)
	two["courses/d/course.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(goodCourse, "id: c\n", "id: d\n", 1))}
	two["courses/d/material.md"] = two["courses/c/material.md"]
	if _, err := Read(two, clauses); err == nil || !strings.Contains(err.Error(), "a role has one course in each language") {
		t.Errorf("two courses for a role: %v", err)
	}
	two["courses/d/course.yaml"].Data = []byte(strings.Replace(string(two["courses/d/course.yaml"].Data), "language: en", "language: es", 1))
	if _, err := Read(two, clauses); err != nil {
		t.Errorf("a course in two languages: %v", err)
	}
}

// HTML and scripts in the material are left out, not shown.
//
// cite: P-37
func TestMaterialIsInert(t *testing.T) {
	all, err := Read(files(goodCourse, goodMaterial+"\n<script>hit=1</script> <b onclick=x>b</b> [a](javascript:hit=1) ![i](javascript:hit)\n"), clauses)
	must(t, err)
	c, _ := all.Get("c")
	for _, bad := range []string{"<script", "onclick", "javascript:"} {
		if strings.Contains(c.Sections[1].HTML, bad) {
			t.Errorf("the material has %q: %s", bad, c.Sections[1].HTML)
		}
	}
}

// The built-in course teaches and asks about the whole policy.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func TestBuiltInCourse(t *testing.T) {
	set, err := policySet()
	must(t, err)
	all, err := Read(policy.Files, set.Clauses())
	must(t, err)
	c, ok := all.Get("customer-information")
	if !ok {
		t.Fatal("the built-in course is missing")
	}
	cited, words := map[string]bool{}, 0
	for _, q := range c.Questions {
		for _, x := range q.Clauses {
			cited[x] = true
		}
	}
	for _, s := range c.Sections {
		words += s.Words
	}
	if len(c.Questions) < 24 || len(cited) < 40 || words < 2500 || len(c.Sections) < 10 {
		t.Errorf("%d questions on %d clauses, %d words in %d sections", len(c.Questions), len(cited), words, len(c.Sections))
	}
	for _, r := range cpni.Roles {
		if r != cpni.RoleSystem && len(all.For(r)) == 0 {
			t.Errorf("there is no course for %s", r)
		}
	}
	first := 0
	for _, q := range c.Questions {
		if q.Choices[0].Right {
			first++
		}
	}
	if first == len(c.Questions) {
		t.Error("the first choice is always right")
	}
}

// Whatever is drawn has a question of each section, none twice, and each order of choices is one.
func TestDraw(t *testing.T) {
	set, err := policySet()
	must(t, err)
	all, err := Read(policy.Files, set.Clauses())
	must(t, err)
	c := all.All()[0]
	drawn, firsts := map[string]int{}, map[string]bool{}
	for range 400 {
		asked := c.draw()
		if len(asked) != c.Draws {
			t.Fatalf("%d questions, want %d", len(asked), c.Draws)
		}
		sections, seen := map[string]bool{}, map[string]bool{}
		for _, a := range asked {
			q, _ := c.question(a.Question)
			if seen[q.ID] {
				t.Fatalf("%s is asked twice", q.ID)
			}
			seen[q.ID], sections[q.Section] = true, true
			drawn[q.ID]++
			order := slices.Sorted(slices.Values(a.Order))
			for i, k := range order {
				if k != i || len(order) != len(q.Choices) {
					t.Fatalf("%v is no order of %d choices", a.Order, len(q.Choices))
				}
			}
		}
		if len(sections) != len(c.Sections) {
			t.Fatalf("questions of %d sections, want %d", len(sections), len(c.Sections))
		}
		firsts[fmt.Sprint(asked[0])] = true
	}
	for _, q := range c.Questions {
		if drawn[q.ID] == 0 {
			t.Errorf("%s was never drawn in 400 attempts", q.ID)
		}
	}
	if len(firsts) < 20 {
		t.Errorf("400 attempts begin in only %d ways", len(firsts))
	}
}

// What is taught decides nothing: another course leaves the version of the policy, which decisions name, as it is.
//
// cite: P-58, I-04
func TestCoursesAreNoPartOfThePolicysVersion(t *testing.T) {
	set, err := policySet()
	must(t, err)
	other := fstest.MapFS{}
	must(t, fs.WalkDir(policy.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policy.Files, name)
		if strings.HasPrefix(name, "courses/") {
			text = append(text, "# another byte\n"...)
		}
		other[name] = &fstest.MapFile{Data: text}
		return err
	}))
	changed, err := rules.Load(other)
	must(t, err)
	if changed.Version() != set.Version() || strings.Contains(string(set.Source()), "courses/") {
		t.Errorf("the version %s became %s with another course", set.Version(), changed.Version())
	}
}
