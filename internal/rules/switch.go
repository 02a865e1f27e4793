package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Switch brings a profile into force on a day, in the place of the others of its family: of breach-2023 the family is breach.
// A later switch takes the place of those of its family whose day had not come when it was entered: so a day is moved, or called
// off by a switch to what is in force anyway.
type Switch struct {
	Profile  string `yaml:"profile"`
	From     string `yaml:"from"`             // 2027-01-04
	Citation string `yaml:"citation"`         // page of the Federal Register that announced the day
	Reason   string `yaml:"reason,omitempty"` // what whoever proposed it says of it
	// Late says that From was past when the switch was entered, and that this is meant: the rule has been in force since.
	Late    bool   `yaml:"late,omitempty"`
	Entered string `yaml:"entered,omitempty"` // the day on which it was proposed
}

// switchesFile holds the switches, beside the files of the profiles, which stay as they came. Entries are added, never taken away.
const switchesFile = "switches.yaml"

// mostReason bounds the reason of a switch, in bytes.
const mostReason = 400

// read reads the days of a switch, and reports what is wrong with it whatever the profiles are.
//
// cite: V35, 47 CFR 64.2011
func (w Switch) read() (from, entered workday.Date, err error) {
	if !registerPage.MatchString(w.Citation) {
		return from, entered, noEvidence("the switch to %s names no page of the Federal Register that announced its day", w.Profile)
	}
	if from, err = workday.ParseDate(w.From); err != nil {
		return from, entered, wrong("%s: the day on which %s takes effect: %v", switchesFile, w.Profile, err)
	}
	if w.Entered != "" {
		if entered, err = workday.ParseDate(w.Entered); err != nil {
			return from, entered, wrong("%s: the day on which the switch to %s was entered: %v", switchesFile, w.Profile, err)
		}
	}
	return from, entered, nil
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
	p, err = p.After(all)
	return p, all, err
}

// After gives the profiles with switches laid over them, in the order in which those were entered.
func (p *Profiles) After(all []Switch) (*Profiles, error) {
	left, err := standing(all)
	if err != nil {
		return nil, err
	}
	for _, w := range left {
		if p, err = p.taking(w); err != nil {
			return nil, err
		}
	}
	return p, p.overlaps()
}

// standing gives the switches that count: those in whose place no later one came before their day.
func standing(all []Switch) (left []Switch, err error) {
	for _, w := range all {
		_, entered, err := w.read()
		if err != nil {
			return nil, err
		}
		if !entered.IsZero() {
			left = slices.DeleteFunc(left, func(old Switch) bool { return old.awaits(w.Profile, entered) })
		}
		left = append(left, w)
	}
	return left, nil
}

// awaits reports whether a switch is one of the family of a profile whose day has not come today.
func (w Switch) awaits(profile string, today workday.Date) bool {
	mine, dated := ages(w.Profile)
	theirs, _ := ages(profile)
	from, err := workday.ParseDate(w.From)
	return dated && mine == theirs && err == nil && from.After(today)
}

// taking gives the profiles with one switch; those that have the profile in force from that day on stay as they are.
func (p *Profiles) taking(w Switch) (*Profiles, error) {
	from, _, err := w.read()
	if err != nil {
		return nil, err
	}
	family, dated := ages(w.Profile)
	if !dated || !slices.Contains(p.Names(), w.Profile) {
		return nil, wrong("%s: there is no profile %q; the profiles are %s", switchesFile, w.Profile, strings.Join(p.dated(), ", "))
	}
	if s, ok := p.on(family, from); ok && s.profile == w.Profile && s.until.IsZero() {
		return p, nil
	}
	if all := p.spells(family); len(all) > 0 && !from.After(all[0].from) {
		return nil, wrong("%s: %s cannot take effect on %s, for %s came into force on %s and nothing of its family was before", switchesFile, w.Profile, from, all[0].profile, all[0].from)
	}
	next, err := p.Switched(map[string]string{family: w.Profile}, from)
	if err != nil {
		return nil, wrong("%s: %v", switchesFile, err)
	}
	for i := range next.rows {
		if r := &next.rows[i]; r.Profile == w.Profile && r.State == "in-force" && r.from == from {
			r.Citation = w.Citation
		}
	}
	return next, nil
}

// on gives the spell of a family in which a day lies.
func (p *Profiles) on(family string, day workday.Date) (spell, bool) {
	all := p.spells(family)
	i := slices.IndexFunc(all, func(s spell) bool { return s.holds(day) })
	if i < 0 {
		return spell{}, false
	}
	return all[i], true
}

// dated lists the profiles that can be switched.
func (p *Profiles) dated() []string {
	return slices.DeleteFunc(p.Names(), func(name string) bool { _, dated := ages(name); return !dated })
}

// Entering gives a switch as it is entered today, with its words tidied. It is refused with PROFILE_EVIDENCE when no page of the
// Federal Register announced its day, or one that is older than the rule itself; and with RULES when its day is past and nobody said that
// this is meant, when the profile is in force on that day already, and for whatever else is wrong with it.
//
// cite: V35, P-58, 47 CFR 64.2011
func (s *Set) Entering(w Switch, today workday.Date) (Switch, error) {
	for _, text := range []*string{&w.Profile, &w.From, &w.Citation, &w.Reason} {
		*text = strings.Join(strings.Fields(*text), " ")
	}
	w.Entered = today.String()
	from, _, err := w.read()
	if err != nil {
		return w, err
	}
	if len(w.Reason) > mostReason {
		return w, notSwitched(fmt.Sprintf("the reason has more than %d bytes", mostReason), "say it in fewer words")
	}
	if _, err := s.profiles.taking(w); err != nil {
		return w, err
	}
	if page := s.older(w); page != "" {
		return w, noEvidence("%s is older than the rule itself, which stands at %s: it cannot have announced the day on which %s takes effect", w.Citation, page, w.Profile)
	}
	switch late := from.Before(today); {
	case late && !w.Late:
		return w, notSwitched(fmt.Sprintf("%s is past: %s takes effect on a day that is past only if you say that it did, and that this comes late", from, w.Profile),
			"name today or a later day", "say that the switch comes late, and why; what ran since then under the other rule is for a person to look at")
	case !late && w.Late:
		return w, notSwitched(fmt.Sprintf("%s is not past, so the switch to %s does not come late", from, w.Profile), "leave out that it comes late, or mend the day")
	case w.Late && w.Reason == "":
		return w, notSwitched("a switch that comes late says why", "say why it comes late")
	}
	left, err := standing(append(slices.Clone(s.switches), w))
	if err != nil {
		return w, err
	}
	next, err := s.filed.After(left)
	if err != nil {
		return w, err
	}
	if same(next, s.profiles, w.Profile) {
		return w, inForce{notSwitched(fmt.Sprintf("%s is in force on %s already, so there is nothing to switch", w.Profile, from), "name another profile or another day")}
	}
	return w, nil
}

// notSwitched is a refusal of what somebody wants to enter.
func notSwitched(says string, ways ...string) *cpni.Refusal {
	return cpni.Rejected(codeRules, says, []string{"P-58", "47 CFR 64.2011"}, ways...)
}

// inForce is the refusal of a switch to what is in force.
type inForce struct{ refusal *cpni.Refusal }

func (e inForce) Error() string { return e.refusal.Error() }
func (e inForce) Unwrap() error { return e.refusal }

// InForceAlready reports whether an error says that a switch would change nothing.
func InForceAlready(err error) bool {
	var e inForce
	return errors.As(err, &e)
}

// same reports whether the family of a profile is in force as before.
func same(a, b *Profiles, profile string) bool {
	family, _ := ages(profile)
	return slices.EqualFunc(a.spells(family), b.spells(family), func(x, y spell) bool {
		return x.profile == y.profile && x.from == y.from && x.until == y.until
	})
}

// older gives the page at which the rule of a switch stands when that is in a later volume than the page that the switch names.
func (s *Set) older(w Switch) string {
	volume, _ := strconv.Atoi(registerPage.FindStringSubmatch(w.Citation)[1])
	for _, r := range s.filed.rows {
		if page := anyPage.FindStringSubmatch(r.Source); page != nil && r.Profile == w.Profile {
			if its, _ := strconv.Atoi(page[1]); volume < its {
				return page[0]
			}
		}
	}
	return ""
}

// Switches gives the switches of the policy in the order in which they were entered, those that others have taken the place of
// among them.
func (s *Set) Switches() []Switch { return slices.Clone(s.switches) }

// WithSwitch gives the file that brings a profile into force, to give to Changed; w is as Entering gave it. What the file says
// already stays as it is written.
//
// cite: V35, 47 CFR 64.2011
func (s *Set) WithSwitch(w Switch) (map[string][]byte, error) {
	entry, err := yaml.Marshal([]Switch{w})
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", switchesFile, err)
	}
	text := s.Files()[switchesFile]
	if len(text) == 0 {
		text = []byte("# The switches of profiles, in the order in which they were entered: docs/breach-profiles.md.\n")
	}
	added := append(slices.Clip(text), entry...)
	var all []Switch
	if err := yaml.Unmarshal(added, &all); err != nil || len(all) != len(s.switches)+1 { // the file is written in another way than entry by entry
		if added, err = yaml.Marshal(append(slices.Clone(s.switches), w)); err != nil {
			return nil, fmt.Errorf("writing %s: %w", switchesFile, err)
		}
	}
	return map[string][]byte{switchesFile: added}, nil
}
