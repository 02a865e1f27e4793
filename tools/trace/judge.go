package main

import (
	"fmt"
	"slices"
	"strings"
)

// judge says what is wrong with how the clauses are carried. A clause is kept when every rule and every piece of code
// that clauses.yaml names for it is there and cites it, and a test or scenario proves it. A clause that is not kept must
// be open; one that is kept must not be.
//
// A clause that binds nothing carries no rule.
//
// cite: P-59
func judge(clauses []Clause, open []Open, cites []Cite) []string {
	var wrong []string
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Sprintf(format, a...)) }
	known := map[string]Clause{}
	for _, c := range clauses {
		known[c.ID] = c
	}
	by := map[string][]Cite{}
	for _, c := range cites {
		k, ok := known[c.Clause]
		switch {
		case !ok:
			say("%s:%d cites %s, and there is no such clause", c.Path, c.Line, c.Clause)
		case c.Kind == Rule && !k.binds():
			say("%s:%d: rule %s rests on %s, which promises nothing", c.Path, c.Line, c.Name, c.Clause)
		}
		by[c.Clause] = append(by[c.Clause], c)
	}
	opened := map[string]Open{}
	for _, o := range open {
		if _, ok := known[o.Clause]; !ok {
			say("policy/open-clauses.yaml: there is no clause %s", o.Clause)
		}
		opened[o.Clause] = o
	}
	for _, c := range clauses {
		lacks := missing(c, by[c.ID])
		o, isOpen := opened[c.ID]
		switch {
		case len(lacks) > 0 && !isOpen:
			say("%s is not kept: %s. Carry it, or list it in policy/open-clauses.yaml with what will bring it", c.ID, strings.Join(lacks, "; "))
		case len(lacks) == 0 && isOpen:
			say("%s is kept, and yet policy/open-clauses.yaml waits for %q to bring it: take it out there, or name in policy/clauses.yaml what is still to come", c.ID, o.Brings)
		}
	}
	return wrong
}

// missing tells what is named as a keeper of c and does not cite it.
func missing(c Clause, cites []Cite) []string {
	var lacks []string
	for _, rule := range c.Rules {
		if !slices.ContainsFunc(cites, func(x Cite) bool { return x.Kind == Rule && x.Name == rule }) {
			lacks = append(lacks, "no rule "+rule+" cites it")
		}
	}
	for _, place := range c.Where {
		if !slices.ContainsFunc(cites, func(x Cite) bool { return (x.Kind == Code || x.Kind == Screen) && below(x.Path, place) }) {
			lacks = append(lacks, "nothing in "+place+" cites it")
		}
	}
	if !slices.ContainsFunc(cites, func(x Cite) bool { return x.Kind == Test || x.Kind == Scenario }) {
		lacks = append(lacks, "no test or scenario cites it")
	}
	return lacks
}

// below reports whether path lies in the folder place, or is a file whose name begins with it: internal/staff/course
// has internal/staff/course.go, internal/staff/course_pass.go and internal/staff/course/pass.go.
func below(path, place string) bool {
	rest, ok := strings.CutPrefix(path, place)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '.' || rest[0] == '_')
}
