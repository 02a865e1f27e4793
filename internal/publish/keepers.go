package publish

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// Controls are what keeps sentences, as it stands at a moment.
type Controls struct {
	Rules    *rules.Set        // in force
	Channels map[cpni.Via]bool // that carry messages
	Profile  func(string) bool // whether dated numbers are in force
	Facts    Facts             // as they would be filled in now
	Verified bool              // the link to the facility was looked at lately enough
	Open     map[string]string // what this program does not keep yet, by clause: what it lacks
}

// Reason is why a sentence is red.
type Reason struct {
	What string // such as a rule's id, a channel, a clause
	Says string
	// Open: this program does not keep it yet, so nobody here can do something about it.
	Open bool
}

// Kept is a sentence of an edition with what keeps it.
type Kept struct {
	Sentence Sentence
	Section  Words
	Clauses  []rules.Clause // as the policy in force has them
	Rules    []string       // that keep it, in force or not
	Reasons  []Reason       // why it is red; none: it is kept
	Tests    []Cited        // of the project that cite its clauses
}

// Red reports whether nothing keeps the sentence, or something that keeps it is off.
func (k Kept) Red() bool { return len(k.Reasons) > 0 }

// Operable gives the reasons about which somebody at the carrier can do something.
func (k Kept) Operable() []Reason {
	return slices.DeleteFunc(slices.Clone(k.Reasons), func(r Reason) bool { return r.Open })
}

// Judge tells of each sentence of a version what keeps it, and what of that is off.
//
// cite: P-37, P-55, P-56
func Judge(v *Version, c Controls) []Kept {
	clauses := map[string]rules.Clause{}
	for _, x := range c.Rules.Clauses() {
		clauses[x.ID] = x
	}
	inForce := map[string]bool{}
	for _, r := range c.Rules.Rules() {
		inForce[r.ID] = true
	}
	named := placeholders(v.Source)
	var all []Kept
	for _, section := range v.Sections {
		for _, s := range section.Sentences {
			k := Kept{Sentence: s, Section: section.Title}
			red := func(what, format string, a ...any) {
				k.Reasons = append(k.Reasons, Reason{What: what, Says: fmt.Sprintf(format, a...)})
			}
			for _, id := range s.Clauses {
				clause, there := clauses[id]
				if !there {
					red(id, "the policy in force has no clause %s", id)
					continue
				}
				k.Clauses = append(k.Clauses, clause)
				for _, r := range clause.Rules {
					if !slices.Contains(k.Rules, r) {
						k.Rules = append(k.Rules, r)
					}
				}
				if len(clause.Rules)+len(clause.Where) == 0 {
					red(id, "nothing is named that keeps %s", id)
				}
				if lacks, open := c.Open[id]; open {
					k.Reasons = append(k.Reasons, Reason{What: id, Says: fmt.Sprintf("this version of Ringfence does not wholly keep %s: it lacks %s", id, lacks), Open: true})
				}
				for _, t := range Tests() {
					if t.Clause == id {
						k.Tests = append(k.Tests, t)
					}
				}
			}
			for _, r := range s.Keepers.Rules {
				if !slices.Contains(k.Rules, r) {
					k.Rules = append(k.Rules, r)
				}
			}
			for _, r := range k.Rules {
				if !inForce[r] {
					red(r, "the rule %s is not in the policy in force", r)
				}
			}
			for _, via := range s.Keepers.Channels {
				if !c.Channels[via] {
					red(string(via), "nothing carries %s here: messages of this kind wait", channelWords[via])
				}
			}
			for _, p := range s.Keepers.Profiles {
				if !c.Profile(p) {
					red(p, "the profile %s of dated numbers is not in force", p)
				}
			}
			for _, name := range s.Keepers.Settings {
				switch {
				case name == FacilityVerified && !c.Verified:
					red(name, "nobody has looked lately whether the link to the reporting facility leads there (carrier.facility.verified)")
				case name != FacilityVerified && strings.TrimSpace(c.Facts[name]) == "":
					red(name, "the carrier's %s is blank in the configuration", factWord(name))
				}
			}
			for _, name := range named[s.ID] {
				if was, there := v.Facts[name]; there && strings.TrimSpace(c.Facts[name]) != "" && c.Facts[name] != was {
					red(name, "it was published with another %s than holds now: publish a version that states it", factWord(name))
				}
			}
			all = append(all, k)
		}
	}
	return all
}

var channelWords = map[cpni.Via]string{cpni.Email: "e-mail", cpni.Text: "text messages", cpni.Voice: "calls", cpni.Postal: "letters"}

func factWord(name string) string { return strings.ReplaceAll(name, "-", " ") }

// placeholders gives what each sentence of a text names. A text that was published can be read, under whatever rules.
func placeholders(source []byte) map[string][]string {
	var t Text
	if err := yaml.Unmarshal(source, &t); err != nil {
		return nil
	}
	all := map[string][]string{}
	for _, s := range t.Sentences() {
		all[s.ID] = uses(s)
	}
	return all
}

// Unkept reads the list of clauses that the program does not wholly keep yet: by clause what it lacks.
func Unkept(list []byte) (map[string]string, error) {
	var rows []struct{ Clause, Brings, Lacks string }
	if err := yaml.Unmarshal(list, &rows); err != nil {
		return nil, fmt.Errorf("reading the clauses that are open: %w", err)
	}
	all := map[string]string{}
	for _, r := range rows {
		all[r.Clause] = r.Lacks
	}
	return all, nil
}

// Cited is a test or scenario of the project that cites a clause, as the build has them.
type Cited struct {
	Clause, Kind, Name, Path string
}

//go:generate sh -c "cd ../.. && go run ./tools/trace -tests > internal/publish/cited.tsv"

//go:embed cited.tsv
var cited string

// Tests lists them, by clause.
func Tests() []Cited { return allTests }

var allTests = readTests(cited)

func readTests(text string) []Cited {
	var all []Cited
	for line := range strings.Lines(text) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 4 {
			all = append(all, Cited{f[0], f[1], f[2], f[3]})
		}
	}
	return all
}
