package rules

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Switch brings a dormant profile into force on a day, in the place of the others of its family: of breach-2023 the family
// is breach. Citation is the page of the Federal Register that announced the day.
type Switch struct {
	Profile  string `yaml:"profile"`
	From     string `yaml:"from"` // 2027-01-04
	Citation string `yaml:"citation"`
}

// switchesFile holds the switches, beside the files of the profiles, which stay as they came.
const switchesFile = "switches.yaml"

var registerPage = regexp.MustCompile(`^[0-9]{2,3} FR [0-9]{1,6}(, .{1,160})?$`)

// check reports what is wrong with a switch of p.
//
// cite: V35, 47 CFR 64.2011
func (w Switch) check(p *Profiles) (from workday.Date, err error) {
	family, _, ok := strings.Cut(w.Profile, "-")
	if !ok || !slices.Contains(p.Names(), w.Profile) {
		return from, wrong("%s: there is no profile %q; the profiles are %s", switchesFile, w.Profile, strings.Join(p.Names(), ", "))
	}
	if !registerPage.MatchString(w.Citation) {
		return from, cpni.Rejected("PROFILE_EVIDENCE", fmt.Sprintf("the switch to %s names no page of the Federal Register that announced its day", w.Profile), []string{"47 CFR 64.2011"},
			"give the citation, such as 91 FR 12345")
	}
	if from, err = workday.ParseDate(w.From); err != nil {
		return from, wrong("%s: the day on which %s takes effect: %v", switchesFile, w.Profile, err)
	}
	if !slices.ContainsFunc(p.rows, func(r profileRow) bool { return r.Profile == w.Profile && r.State == "dormant" }) {
		return from, wrong("%s: the profile %s is not dormant, so there is nothing of the family %s to switch", switchesFile, w.Profile, family)
	}
	return from, nil
}

// readSwitches lays the switches of a policy over its profiles.
func readSwitches(policy fs.FS, p *Profiles) (*Profiles, []Switch, error) {
	text, err := fs.ReadFile(policy, switchesFile)
	if err != nil {
		return p, nil, nil // most policies have none
	}
	var all []Switch
	if err := yaml.UnmarshalWithOptions(text, &all, yaml.Strict()); err != nil {
		return nil, nil, wrong("%s: %s", switchesFile, yaml.FormatError(err, false, true))
	}
	for _, w := range all {
		from, err := w.check(p)
		if err != nil {
			return nil, nil, err
		}
		family, _, _ := strings.Cut(w.Profile, "-")
		if p, err = p.Switched(map[string]string{family: w.Profile}, from); err != nil {
			return nil, nil, wrong("%s: %v", switchesFile, err)
		}
	}
	return p, all, p.overlaps()
}

// WithSwitch gives the file that brings a profile into force, to give to Changed.
//
// cite: V35, 47 CFR 64.2011
func (s *Set) WithSwitch(w Switch) (map[string][]byte, error) {
	if _, err := w.check(s.profiles); err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(append(slices.Clone(s.switches), w))
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", switchesFile, err)
	}
	return map[string][]byte{switchesFile: text}, nil
}
