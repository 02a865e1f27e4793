// Package training teaches the staff how customers' information is guarded and when it may be given, tests them, keeps what
// they passed, and keeps the disciplinary process for who breaks the rules.
//
// A course is data: policy/courses/<id>/course.yaml with its questions, material.md with what is taught. What is on record,
// a pass, an attempt, a finding, a sanction, is only ever added to.
//
// cite: P-38, P-39, I-22, 47 CFR 64.2009(b)
package training

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Course is one course as it is taught now.
type Course struct {
	ID       string
	Version  string // such as 1.0.0; a new first number is another course to who passed an older one
	Title    string // {carrier} stands for the carrier's name
	Language string // such as en
	Roles    []cpni.Role
	PassMark int // in percent of the questions that are drawn
	Draws    int // how many questions an attempt has
	// Anew says that who passed an older major version must pass this one, from From on.
	Anew      bool
	From      workday.Date
	Intro     string // HTML, safe; {carrier} stands for the carrier's name
	Sections  []Section
	Questions []Question
	Digest    string // of the files: another byte gives another
	Source    []byte // the files as one text
}

// Section is one part of the material.
type Section struct {
	ID, Title string
	HTML      string // safe; {carrier} stands for the carrier's name
	Words     int
}

// Question is one question of the test.
type Question struct {
	ID      string
	Section string
	Clauses []string // P-xx that it is about
	Asks    string
	Choices []Choice
	Because string // told after grading
}

// Choice is one answer to choose.
type Choice struct {
	Says  string
	Right bool
}

// Many reports whether more than one choice is right.
func (q Question) Many() bool {
	n := 0
	for _, c := range q.Choices {
		if c.Right {
			n++
		}
	}
	return n > 1
}

// Major is the first number of the version.
func (c *Course) Major() int { return major(c.Version) }

func major(version string) int {
	n, _, _ := strings.Cut(version, ".")
	m, _ := strconv.Atoi(n)
	return m
}

// Name names the course and its version in records.
func (c *Course) Name() string { return c.ID + " " + c.Version }

// Section finds a part of the material.
func (c *Course) Section(id string) (*Section, bool) {
	i := slices.IndexFunc(c.Sections, func(s Section) bool { return s.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Sections[i], true
}

func (c *Course) question(id string) (Question, bool) {
	i := slices.IndexFunc(c.Questions, func(q Question) bool { return q.ID == id })
	if i < 0 {
		return Question{}, false
	}
	return c.Questions[i], true
}

// need is how many right answers pass an attempt of asked questions.
func (c *Course) need(asked int) int { return (asked*c.PassMark + 99) / 100 }

// Catalogue holds the courses that are taught.
type Catalogue struct{ courses []*Course }

// All lists the courses by id.
func (c *Catalogue) All() []*Course { return slices.Clone(c.courses) }

// Get finds a course.
func (c *Catalogue) Get(id string) (*Course, bool) {
	i := slices.IndexFunc(c.courses, func(x *Course) bool { return x.ID == id })
	if i < 0 {
		return nil, false
	}
	return c.courses[i], true
}

// For lists the courses for a role: one, or the same in several languages, of which one pass is enough.
func (c *Catalogue) For(role cpni.Role) []*Course {
	var all []*Course
	for _, x := range c.courses {
		if slices.Contains(x.Roles, role) {
			all = append(all, x)
		}
	}
	return all
}

// seal gives a course its source and digest.
func (c *Course) seal(files ...txtar.File) {
	c.Source = txtar.Format(&txtar.Archive{Files: files})
	sum := sha256.Sum256(c.Source)
	c.Digest = hex.EncodeToString(sum[:16])
}
