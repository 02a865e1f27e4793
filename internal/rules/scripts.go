package rules

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Script is what somebody who serves customers reads to them, word by word.
//
// cite: P-28, 47 CFR 64.2008(f)
type Script struct {
	ID       string         `yaml:"id"`
	Version  string         `yaml:"version"`
	From     string         `yaml:"from"`     // the first day on which it is read, YYYY-MM-DD
	Purposes []cpni.Purpose `yaml:"purposes"` // for what a yes to it counts
	Cites    []string       `yaml:"cites"`
	Parts    []ScriptPart   `yaml:"parts"`

	from workday.Date
}

// ScriptPart is one part of a script, and the element of the law that it is there for.
type ScriptPart struct {
	Element string `yaml:"element"`
	Says    string `yaml:"says"`
}

// OneTimeScript is the id of the script that asks for consent for one call.
const OneTimeScript = "one-time"

// OneTimePartnerScript is the id of the script that asks for it when other companies, whom it names, would receive.
//
// cite: P-15, V82, 47 CFR 64.2008(f)
const OneTimePartnerScript = "one-time-partner"

// partnersWord stands in a script for the names of the companies.
const partnersWord = "{partners}"

// Naming gives the script as it is read about companies.
func (s Script) Naming(companies ...string) Script {
	s.Parts = slices.Clone(s.Parts)
	for i := range s.Parts {
		s.Parts[i].Says = strings.ReplaceAll(s.Parts[i].Says, partnersWord, strings.Join(companies, ", "))
	}
	return s
}

// oneTimeElements are what a notice by word of mouth for one call cannot leave out.
//
// cite: 47 CFR 64.2008(c), 47 CFR 64.2008(f)
var oneTimeElements = []string{"64.2008(c)(1)", "64.2008(c)(2)", "64.2008(c)(3)", "64.2008(f)"}

// readScripts reads scripts/*.yaml; a policy need not have any.
func readScripts(policy fs.FS) ([]Script, error) {
	names, err := fs.Glob(policy, "scripts/*.yaml")
	if err != nil {
		return nil, wrong("scripts cannot be read: %v", err)
	}
	var all []Script
	for _, name := range names {
		text, err := fs.ReadFile(policy, name)
		if err != nil {
			return nil, wrong("%s cannot be read: %v", name, err)
		}
		var scripts []Script
		if err := yaml.UnmarshalWithOptions(text, &scripts, yaml.Strict()); err != nil {
			return nil, wrong("%s: %s", name, yaml.FormatError(err, false, true))
		}
		for i := range scripts {
			s := &scripts[i]
			if err := s.check(); err != nil {
				return nil, wrong("%s, script %d (%s): %v", name, i+1, s.ID, err)
			}
			if slices.ContainsFunc(all, func(o Script) bool { return o.ID == s.ID && (o.Version == s.Version || o.From == s.From) }) {
				return nil, wrong("%s: two scripts %s have the same version or day", name, s.ID)
			}
			all = append(all, *s)
		}
	}
	return all, nil
}

func (s *Script) check() (err error) {
	if s.ID == "" || s.Version == "" || len(s.Cites) == 0 || len(s.Parts) == 0 {
		return fmt.Errorf("id, version, cites and parts are needed")
	}
	if s.from, err = workday.ParseDate(s.From); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	has := map[string]bool{}
	for _, p := range s.Parts {
		if p.Element == "" || p.Says == "" {
			return fmt.Errorf("every part names its element and says something")
		}
		has[p.Element] = true
	}
	for _, p := range s.Purposes {
		if !slices.Contains(cpni.Purposes, p) {
			return fmt.Errorf("%q is no purpose", p)
		}
	}
	named := slices.ContainsFunc(s.Parts, func(p ScriptPart) bool { return strings.Contains(p.Says, partnersWord) })
	if named != (s.ID == OneTimePartnerScript) {
		return fmt.Errorf("the words %s stand in the script %s and in no other", partnersWord, OneTimePartnerScript)
	}
	if s.ID != OneTimeScript && s.ID != OneTimePartnerScript {
		return nil
	}
	if len(s.Purposes) == 0 {
		return fmt.Errorf("it names no purpose for which a yes counts")
	}
	for _, e := range oneTimeElements {
		if !has[e] {
			return fmt.Errorf("no part is there for %s", e)
		}
	}
	return nil
}

// Script gives the script with this id that is read on a day: the newest of those that have begun.
func (s *Set) Script(id string, day workday.Date) (Script, bool) {
	var best Script
	found := false
	for _, x := range s.scripts {
		if x.ID == id && !day.Before(x.from) && (!found || best.from.Before(x.from)) {
			best, found = x, true
		}
	}
	return best, found
}
