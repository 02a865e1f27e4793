package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/goccy/go-yaml"
)

// Clause is one entry of policy/clauses.yaml.
type Clause struct {
	ID       string   `yaml:"id"`
	Says     string   `yaml:"says"`
	Sections []string `yaml:"sections"`
	Rules    []string `yaml:"rules"`
	Where    []string `yaml:"where"`
	Evidence []string `yaml:"evidence"`
	Binds    *bool    `yaml:"binds"`
}

// Open is a clause that later work brings: one entry of policy/open-clauses.yaml.
type Open struct {
	Clause string `yaml:"clause"`
	Brings string `yaml:"brings"` // the work, by name
	Lacks  string `yaml:"lacks"`
}

// clauseCount is how many clauses the carrier's policy has: P-01 to P-59.
const clauseCount = 59

func clauseID(n int) string { return fmt.Sprintf("P-%02d", n) }

func load(root fs.FS) ([]Clause, []Open, error) {
	var clauses []Clause
	if err := read(root, "policy/clauses.yaml", &clauses); err != nil {
		return nil, nil, err
	}
	var open []Open
	if err := read(root, "policy/open-clauses.yaml", &open); err != nil {
		return nil, nil, err
	}
	return clauses, open, errors.Join(checkClauses(clauses), checkOpen(open))
}

func read(root fs.FS, name string, to any) error {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalWithOptions(text, to, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// checkClauses wants P-01 to P-59, each once and in order, and of each what it says, its law, its keepers and its
// evidence.
func checkClauses(clauses []Clause) error {
	var wrong []error
	say := func(format string, a ...any) {
		wrong = append(wrong, fmt.Errorf("policy/clauses.yaml: "+format, a...))
	}
	if len(clauses) != clauseCount {
		say("%d clauses, want %d", len(clauses), clauseCount)
	}
	for i, c := range clauses {
		if c.ID != clauseID(i+1) {
			say("entry %d is %q, want %s", i+1, c.ID, clauseID(i+1))
			continue
		}
		if strings.TrimSpace(c.Says) == "" {
			say("%s says nothing", c.ID)
		}
		if len(c.Where) == 0 || len(c.Evidence) == 0 {
			say("%s names no code that keeps it, or no evidence", c.ID)
		}
		if c.binds() && len(c.Sections) == 0 {
			say("%s names no section of the law", c.ID)
		}
		for _, s := range c.Sections {
			if !section.MatchString(s) {
				say("%s: %q is not a section such as 47 CFR 64.2010(b)", c.ID, s)
			}
		}
		if !c.binds() && len(c.Rules) > 0 {
			say("%s binds nobody, and yet rules are named for it", c.ID)
		}
	}
	return errors.Join(wrong...)
}

func checkOpen(open []Open) error {
	var wrong []error
	seen := map[string]bool{}
	for i, o := range open {
		switch {
		case !clause.MatchString(o.Clause):
			wrong = append(wrong, fmt.Errorf("policy/open-clauses.yaml: entry %d is %q, want a clause such as P-01", i+1, o.Clause))
		case seen[o.Clause]:
			wrong = append(wrong, fmt.Errorf("policy/open-clauses.yaml: %s stands there twice", o.Clause))
		case strings.TrimSpace(o.Brings) == "" || strings.TrimSpace(o.Lacks) == "":
			wrong = append(wrong, fmt.Errorf("policy/open-clauses.yaml: %s does not say what brings it, or what it lacks", o.Clause))
		}
		seen[o.Clause] = true
	}
	return errors.Join(wrong...)
}

func (c Clause) binds() bool { return c.Binds == nil || *c.Binds }
