package training

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"golang.org/x/tools/txtar"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// mostCourseFile bounds a file of a course, in bytes.
const mostCourseFile = 1 << 20

// The files of a course.
const (
	courseFile   = "course.yaml"
	materialFile = "material.md"
)

// document is course.yaml.
type document struct {
	ID           string             `yaml:"id"`
	Version      string             `yaml:"version"`
	Title        string             `yaml:"title"`
	Language     string             `yaml:"language"`
	Roles        []cpni.Role        `yaml:"roles"`
	PassMark     int                `yaml:"pass-mark"`
	Draws        int                `yaml:"draws"`
	RequiresAnew bool               `yaml:"requires-anew"`
	From         string             `yaml:"from"`
	Questions    []questionDocument `yaml:"questions"`
}

type questionDocument struct {
	ID      string           `yaml:"id"`
	Section string           `yaml:"section"`
	Clauses []string         `yaml:"clauses"`
	Asks    string           `yaml:"asks"`
	Choices []choiceDocument `yaml:"choices"`
	Because string           `yaml:"because"`
}

type choiceDocument struct {
	Says  string `yaml:"says"`
	Right bool   `yaml:"right"`
}

// Read reads the courses of a policy: each folder of courses/. What is wrong is told with file and line, all of it at once.
// A policy without courses gives an empty catalogue.
//
// cite: P-38, P-39, 47 CFR 64.2009(b)
func Read(policy fs.FS, clauses []rules.Clause) (*Catalogue, error) {
	folders, err := fs.ReadDir(policy, "courses")
	if errors.Is(err, fs.ErrNotExist) {
		return &Catalogue{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the courses: %w", err)
	}
	c := &Catalogue{}
	var wrong []error
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		course, err := readCourse(policy, path.Join("courses", f.Name()), clauses)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		for _, other := range c.courses {
			if r := sharedRole(course, other); r != "" && course.Language == other.Language {
				wrong = append(wrong, fmt.Errorf("courses/%s/%s: the course %s is for the role %s in the language %s already; a role has one course in each language", course.ID, courseFile, other.ID, r, other.Language))
			}
		}
		c.courses = append(c.courses, course)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return c, nil
}

func sharedRole(a, b *Course) cpni.Role {
	for _, r := range a.Roles {
		if slices.Contains(b.Roles, r) {
			return r
		}
	}
	return ""
}

// reading is a course that is being read, with what is wrong with it.
type reading struct {
	file  string
	tree  *ast.File
	wrong []error
}

// say notes what is wrong at a place of course.yaml, such as $.questions[3].id.
func (r *reading) say(at, format string, a ...any) {
	line := 1
	if p, err := yaml.PathString(at); err == nil {
		if n, err := p.FilterFile(r.tree); err == nil && n != nil && n.GetToken() != nil {
			line = n.GetToken().Position.Line
		}
	}
	r.wrong = append(r.wrong, fmt.Errorf("%s:%d: %s", r.file, line, fmt.Sprintf(format, a...)))
}

var (
	idForm      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	versionForm = regexp.MustCompile(`^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}$`)
	languages   = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z]{2})?$`)
)

// readCourse reads the course in a folder. clauses are nil for a course of the past, whose clauses may be others.
func readCourse(policy fs.FS, folder string, clauses []rules.Clause) (*Course, error) {
	var files []txtar.File
	for _, name := range []string{courseFile, materialFile} {
		text, err := fs.ReadFile(policy, path.Join(folder, name))
		if err != nil {
			return nil, fmt.Errorf("%s: a course has the files %s and %s: %w", folder, courseFile, materialFile, err)
		}
		if len(text) > mostCourseFile {
			return nil, fmt.Errorf("%s: more than %d bytes", path.Join(folder, name), mostCourseFile)
		}
		if text = bytes.TrimRight(text, "\n"); len(text) > 0 {
			text = append(text, '\n')
		}
		files = append(files, txtar.File{Name: name, Data: text})
	}
	file := path.Join(folder, courseFile)
	var d document
	if err := yaml.UnmarshalWithOptions(files[0].Data, &d, yaml.Strict()); err != nil {
		return nil, located(file, err)
	}
	tree, err := parser.ParseBytes(files[0].Data, 0)
	if err != nil {
		return nil, located(file, err)
	}
	r := &reading{file: file, tree: tree}
	c := &Course{ID: d.ID, Version: d.Version, Title: d.Title, Language: d.Language, Roles: d.Roles, PassMark: d.PassMark, Draws: d.Draws, Anew: d.RequiresAnew}
	r.head(c, d, path.Base(folder))
	material, err := readMaterial(path.Join(folder, materialFile), files[1].Data)
	if err != nil {
		r.wrong = append(r.wrong, err)
	} else {
		c.Intro, c.Sections = material.intro, material.sections
	}
	r.questions(c, d, clauses)
	if err == nil {
		r.drawn(c)
	}
	if len(r.wrong) > 0 {
		return nil, errors.Join(r.wrong...)
	}
	c.seal(files...)
	return c, nil
}

// located gives an error of the YAML reader its file and line.
func located(file string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", file, at.GetToken().Position.Line, at.GetMessage())
	}
	return fmt.Errorf("%s:1: %w", file, err)
}

// head checks what stands above the questions.
func (r *reading) head(c *Course, d document, folder string) {
	if !idForm.MatchString(c.ID) || c.ID != folder {
		r.say("$.id", "the id is that of the folder, %q, in small letters, digits and hyphens; found %q", folder, c.ID)
	}
	if !versionForm.MatchString(c.Version) {
		r.say("$.version", "the version has three numbers, such as 1.0.0; found %q", c.Version)
	}
	if strings.TrimSpace(c.Title) == "" {
		r.say("$.title", "the course has no title")
	}
	if !languages.MatchString(c.Language) {
		r.say("$.language", "the language is a word such as en or es-MX; found %q", c.Language)
	}
	if len(c.Roles) == 0 {
		r.say("$.roles", "the course is for nobody: name its roles")
	}
	for i, role := range c.Roles {
		if !slices.Contains(cpni.Roles, role) || role == cpni.RoleSystem || slices.Index(c.Roles, role) != i {
			r.say(fmt.Sprintf("$.roles[%d]", i), "%q is no role of a person, or stands there twice", role)
		}
	}
	if c.PassMark < 1 || c.PassMark > 100 {
		r.say("$.pass-mark", "the pass mark is a percentage from 1 to 100; found %d", c.PassMark)
	}
	var err error
	if d.From != "" {
		if c.From, err = workday.ParseDate(d.From); err != nil {
			r.say("$.from", "%v", err)
		}
	}
	if c.Anew != (d.From != "") {
		r.say("$.requires-anew", "requires-anew: true goes with from, the day from which an older major version is not enough")
	}
}

// questions checks the questions one by one.
func (r *reading) questions(c *Course, d document, clauses []rules.Clause) {
	seen := map[string]bool{}
	for i, q := range d.Questions {
		at := func(field string) string { return fmt.Sprintf("$.questions[%d]%s", i, field) }
		switch {
		case !idForm.MatchString(q.ID):
			r.say(at(""), "a question has an id of small letters, digits and hyphens; found %q", q.ID)
		case seen[q.ID]:
			r.say(at(".id"), "the question %s stands there twice", q.ID)
		}
		seen[q.ID] = true
		if strings.TrimSpace(q.Asks) == "" || strings.TrimSpace(q.Because) == "" {
			r.say(at(".id"), "the question %s asks nothing, or does not say because of what", q.ID)
		}
		if _, ok := c.Section(q.Section); !ok && len(c.Sections) > 0 {
			r.say(at(".section"), "the question %s is of the section %q, and the material has none of that id", q.ID, q.Section)
		}
		if len(q.Clauses) == 0 {
			r.say(at(".id"), "the question %s cites no clause", q.ID)
		}
		for j, clause := range q.Clauses {
			if clauses != nil && !slices.ContainsFunc(clauses, func(x rules.Clause) bool { return x.ID == clause }) {
				r.say(at(fmt.Sprintf(".clauses[%d]", j)), "the question %s cites %s, and there is no such clause", q.ID, clause)
			}
		}
		c.Questions = append(c.Questions, r.choices(q, at))
	}
}

func (r *reading) choices(q questionDocument, at func(string) string) Question {
	made := Question{ID: q.ID, Section: q.Section, Clauses: q.Clauses, Asks: strings.TrimSpace(q.Asks), Because: strings.TrimSpace(q.Because)}
	right := 0
	for i, x := range q.Choices {
		if strings.TrimSpace(x.Says) == "" || slices.ContainsFunc(made.Choices, func(o Choice) bool { return o.Says == strings.TrimSpace(x.Says) }) {
			r.say(at(fmt.Sprintf(".choices[%d]", i)), "a choice of the question %s says nothing, or what another says", q.ID)
		}
		if x.Right {
			right++
		}
		made.Choices = append(made.Choices, Choice{strings.TrimSpace(x.Says), x.Right})
	}
	switch {
	case len(q.Choices) < 2 || len(q.Choices) > 9:
		r.say(at(".id"), "the question %s has %d choices; give 2 to 9", q.ID, len(q.Choices))
	case right == 0:
		r.say(at(".choices"), "the question %s has no right answer: mark one with right: true", q.ID)
	case right == len(q.Choices):
		r.say(at(".choices"), "every choice of the question %s is right, so it asks nothing", q.ID)
	}
	return made
}

// drawn checks that an attempt can be drawn: at least one question of each section.
func (r *reading) drawn(c *Course) {
	for _, s := range c.Sections {
		if !slices.ContainsFunc(c.Questions, func(q Question) bool { return q.Section == s.ID }) {
			r.say("$.questions", "the section %s has no question", s.ID)
		}
	}
	if c.Draws < len(c.Sections) || c.Draws > len(c.Questions) {
		r.say("$.draws", "an attempt draws at least one question of each section, %d, and at most all, %d; found %d", len(c.Sections), len(c.Questions), c.Draws)
	}
}
