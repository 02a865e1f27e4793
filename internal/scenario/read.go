package scenario

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// File is a file of stories that has been read and checked.
type File struct {
	Path      string
	Scenarios []*Scenario
}

// Scenario is one story.
type Scenario struct {
	File  string
	Line  int
	Name  string
	Cites []string // clauses, sections and cases that it proves

	start    time.Time
	zone     *time.Location
	setup    *node // what the file and the story say together
	profiles map[string]string
	steps    []step
}

// step is one thing that happens, and what must come of it.
type step struct {
	line   int
	at     time.Time // when; the clock goes there first
	verb   string    // "" for a step that only lets time pass
	args   *node
	expect *expectation
}

// expectation is what must come of a step.
type expectation struct {
	outcome cpni.Outcome // "": ok or permit
	code    string
	cites   []string
	results *node // the further fields
}

// DefaultZone is the carrier's zone when a file gives none.
const DefaultZone = "America/New_York"

// ReadFile reads and checks a file. The error is Faults when the file is there but wrong.
func ReadFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the scenario file cannot be read: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return Read(path, text)
}

// Read reads and checks the text of a file; path stands in messages. The error is Faults.
func Read(path string, text []byte) (*File, error) {
	tree, err := readTree(path, text)
	if err != nil {
		return nil, err
	}
	r := &reader{file: path, zone: time.UTC}
	top := fields("a scenario file", may("start", shapeless), may("zone", shapeless), may("setup", mapping), need("scenarios", list(mapping)))
	top.check(r, tree)
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	f := &File{Path: path}
	for _, n := range tree.get("scenarios").list {
		f.Scenarios = append(f.Scenarios, r.scenario(tree, n))
	}
	if len(f.Scenarios) == 0 {
		r.fail(tree.keyAt("scenarios"), "the file has no scenario")
	}
	seen := map[string]int{}
	for _, s := range f.Scenarios {
		if line := seen[s.Name]; line > 0 && s.Name != "" {
			r.fail(place{s.Line, 1}, "the scenario of line %d has the same name; a name is unique in its file", line)
		}
		seen[s.Name] = s.Line
	}
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int { return a.Line - b.Line })
		return nil, slices.Compact(r.faults)
	}
	return f, nil
}

var (
	shapeless = shape{"a value", func(*reader, *node) {}}
	mapping   = shape{"a mapping", func(r *reader, n *node) {
		if n.form != formMap {
			r.wrongType(n, "a mapping")
		}
	}}
	title    = pattern("a name of one line", `^\S[^\n]{0,199}$`)
	profiles = dict(name, name)
	story    = fields("a scenario", need("scenario", title), may("cites", list(clause)), may("start", shapeless), may("zone", shapeless),
		may("profiles", profiles), may("setup", mapping), need("steps", list(mapping)))
)

// scenario reads one story of the file whose tree is top.
func (r *reader) scenario(top, n *node) *Scenario {
	s := &Scenario{File: r.file, Line: n.line, profiles: map[string]string{}}
	r.now = time.Time{}
	s.zone = r.readZone(nearest(n, top, "zone"))
	r.zone = s.zone
	story.check(r, n)
	if t := n.get("scenario"); t != nil {
		s.Name = t.text
	}
	if c := n.get("cites"); c != nil {
		for _, x := range c.list {
			s.Cites = append(s.Cites, x.text)
		}
	}
	if p := n.get("profiles"); p != nil {
		for _, e := range p.entries {
			s.profiles[e.key] = e.value.text
		}
	}
	switch start := nearest(n, top, "start"); {
	case start == nil:
		r.fail(n.place, "neither the scenario nor its file says when it starts; write start: 2026-03-02 09:00")
	default:
		before := len(r.faults)
		moment.check(r, start)
		if len(r.faults) == before {
			s.start, _ = readMoment(start.text, s.zone, time.Time{})
		}
	}
	s.setup = without(laid(top.get("setup"), n.get("setup")))
	if s.setup == nil {
		s.setup = &node{place: n.place, form: formMap}
	}
	r.known = knownNames(s.setup)
	setup.check(r, s.setup)
	r.crossCheck(s.setup)
	r.now = s.start
	steps := n.get("steps")
	if steps == nil || steps.form != formList {
		return s
	}
	if len(steps.list) == 0 {
		r.fail(steps.place, "the scenario has no step")
	}
	for _, x := range steps.list {
		if x.form == formMap {
			s.steps = append(s.steps, r.step(x))
		}
	}
	return s
}

// nearest gives what the story says under key, or what its file says.
func nearest(story, top *node, key string) *node {
	if n := story.get(key); n != nil {
		return n
	}
	return top.get(key)
}

func (r *reader) readZone(n *node) *time.Location {
	text, at := DefaultZone, place{}
	if n != nil {
		if n.form != formText {
			r.wrongType(n, "a time zone such as America/New_York")
			return time.UTC
		}
		text, at = n.text, n.place
	}
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		r.fail(at, "%q is not a time zone; write it as America/New_York", text)
		return time.UTC
	}
	return zone
}

// crossCheck checks what one part of a setup says of another.
func (r *reader) crossCheck(s *node) {
	all := s.get("customers")
	if all == nil {
		return
	}
	for _, c := range all.entries {
		numbers := map[string]bool{}
		if lines := c.value.get("lines"); lines != nil {
			for _, l := range lines.list {
				if n := l.get("number"); n != nil {
					numbers[n.text] = true
				}
			}
		}
		for _, part := range []string{"calls", "usage", "service", "location"} {
			list := c.value.get(part)
			if list == nil {
				continue
			}
			for _, x := range list.list {
				if l := x.get("line"); l != nil && l.form == formText && !numbers[l.text] {
					r.fail(l.place, "the customer %s has no line %q", c.key, l.text)
				}
			}
		}
	}
}

// step reads one step and moves the reader's clock along.
func (r *reader) step(n *node) step {
	s := step{line: n.line, at: r.now}
	var verbs []entry
	for _, e := range n.entries {
		switch e.key {
		case "at":
			before := len(r.faults)
			moment.check(r, e.value)
			if len(r.faults) > before {
				continue
			}
			at, _ := readMoment(e.value.text, r.zone, r.now)
			if at.Before(r.now) {
				r.fail(e.value.place, "%s lies before %s, where the story's clock stands; time does not go back", e.value.text, r.now.In(r.zone).Format(momentForm))
				continue
			}
			s.at, r.now = at, at
		case "wait":
			before := len(r.faults)
			wait.check(r, e.value)
			if len(r.faults) == before {
				d, _ := readWait(e.value.text)
				s.at = r.now.Add(d)
				r.now = s.at
			}
			if len(n.entries) > 1 {
				r.fail(e.at, "a wait is a step of its own")
			}
		case "expect":
		default:
			verbs = append(verbs, e)
		}
	}
	expect := n.get("expect")
	switch {
	case len(verbs) > 1:
		r.fail(verbs[1].at, "a step has one verb; this one has %s and %s", verbs[0].key, verbs[1].key)
		return s
	case len(verbs) == 0:
		if expect != nil {
			r.fail(n.keyAt("expect"), "there is no verb here from which to expect something")
		}
		if len(n.entries) == 0 {
			r.fail(n.place, "the step is empty")
		}
		return s
	}
	v, known := verbNamed(verbs[0].key)
	if !known {
		r.fail(verbs[0].at, "unknown verb %q; the verbs are %s", verbs[0].key, strings.Join(verbNames(), ", "))
		return s
	}
	s.verb, s.args = v.name, r.arguments(v, verbs[0])
	s.expect = r.expectation(v, expect)
	return s
}

// arguments checks the fields of a verb.
func (r *reader) arguments(v verb, e entry) *node {
	args := e.value
	if v.bare != "" && args.form == formText {
		args = &node{place: args.place, form: formMap, entries: []entry{{v.bare, e.at, args}}}
	}
	if args.form == formNull && len(v.fields) == 0 {
		args = &node{place: e.at, form: formMap}
	}
	before := len(r.faults)
	fields("`"+v.name+"`", v.fields...).check(r, args)
	if len(r.faults) > before {
		return args
	}
	for _, group := range v.exactly {
		var given []string
		for _, f := range group {
			if args.get(f) != nil {
				given = append(given, f)
			}
		}
		if len(given) != 1 {
			found := "none"
			if len(given) > 1 {
				found = strings.Join(given, " and ")
			}
			r.fail(e.at, "`%s` takes exactly one of %s; found %s", v.name, strings.Join(group, ", "), found)
		}
	}
	if v.check != nil {
		v.check(r, args)
	}
	return args
}

func verbNamed(name string) (verb, bool) {
	all := verbs()
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, false
	}
	return all[i], true
}

func verbNames() []string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return append(names, "wait", "at")
}

// Faulty reports whether err says what is wrong with a file.
func Faulty(err error) bool { return errors.As(err, new(Faults)) }
