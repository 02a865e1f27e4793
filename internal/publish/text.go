// Package publish keeps the carrier's public policy: what it promises to customers about their information, sentence by
// sentence, in every language in which it speaks to them; every version that was ever published; what changed between
// them; and what keeps each sentence.
//
// Publishing changes nobody's approval. What a version covers and the one before did not is an addition: no approval covers
// it until its customer has had an individual notice that can tell of it.
//
// cite: P-55, P-56, P-57, P-58, 47 CFR 64.2008(b), 47 CFR 64.2008(c)(2)
package publish

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// Languages are those in which every sentence stands.
var Languages = []string{"en", "es"}

// Words are the same words in each language.
type Words struct {
	EN string `yaml:"en" json:"en"`
	ES string `yaml:"es" json:"es"`
}

// In gives the words in a language; in one that is none of Languages, the English.
func (w Words) In(language string) string {
	if language == "es" {
		return w.ES
	}
	return w.EN
}

// Text is a policy as it is written: with placeholders for the carrier's facts and the numbers in force.
type Text struct {
	Version  string    `yaml:"version"` // the name that it is to be published under
	Title    Words     `yaml:"title"`
	Covers   Covers    `yaml:"covers"`
	Sections []Section `yaml:"sections"`

	source []byte
}

// Covers says what a policy speaks of: for what information is used, who may receive it, and of which classes it is.
//
// cite: P-56, 47 CFR 64.2008(c)(2)
type Covers struct {
	Purposes []cpni.Purpose `yaml:"purposes" json:"purposes"`
	// Recipients are kinds of recipients, classes of partners, and ids of partners.
	Recipients []string         `yaml:"recipients" json:"recipients"`
	Data       []cpni.DataClass `yaml:"data" json:"data"`
}

// None reports whether c covers nothing.
func (c Covers) None() bool { return len(c.Purposes)+len(c.Recipients)+len(c.Data) == 0 }

// Beyond gives what c covers and before does not.
func (c Covers) Beyond(before Covers) Covers {
	return Covers{less(c.Purposes, before.Purposes), less(c.Recipients, before.Recipients), less(c.Data, before.Data)}
}

// With gives what c and more cover together.
func (c Covers) With(more Covers) Covers {
	return Covers{slices.Concat(c.Purposes, less(more.Purposes, c.Purposes)), slices.Concat(c.Recipients, less(more.Recipients, c.Recipients)), slices.Concat(c.Data, less(more.Data, c.Data))}
}

func less[T comparable](all, without []T) []T {
	return slices.DeleteFunc(slices.Clone(all), func(x T) bool { return slices.Contains(without, x) })
}

// Section is a group of sentences under a title.
type Section struct {
	ID        string     `yaml:"id" json:"id"`
	Title     Words      `yaml:"title" json:"title"`
	Sentences []Sentence `yaml:"sentences" json:"sentences"`
}

// Sentence is one promise, in one or a few sentences.
type Sentence struct {
	ID      string   `yaml:"id" json:"id"`
	Clauses []string `yaml:"clauses" json:"clauses"`
	Keepers Keepers  `yaml:"keepers" json:"keepers,omitzero"`
	EN      string   `yaml:"en" json:"en"`
	ES      string   `yaml:"es" json:"es"`
}

// In gives the sentence in a language.
func (s Sentence) In(language string) string { return Words{s.EN, s.ES}.In(language) }

// Keepers name what keeps a sentence beside what keeps its clauses.
type Keepers struct {
	Rules    []string   `yaml:"rules" json:"rules,omitempty"`       // by id; each must be in force
	Channels []cpni.Via `yaml:"channels" json:"channels,omitempty"` // ways of reaching customers; each must be there
	Profiles []string   `yaml:"profiles" json:"profiles,omitempty"` // of dated numbers; each must be in force
	Settings []string   `yaml:"settings" json:"settings,omitempty"` // facts of the carrier that must not be blank, or facility-verified
	Acts     []string   `yaml:"acts" json:"acts,omitempty"`         // kinds of entries of the ledger that show it at work
}

// FacilityVerified among the settings: the link to the reporting facility was looked at lately enough.
const FacilityVerified = "facility-verified"

// Errors about a text. Each says in which sentence, and what to write.
const (
	CodeConfig   cpni.Code = "CONFIG"
	CodeContact  cpni.Code = "CONFIG_CONTACT"
	CodeLanguage cpni.Code = "NOTICE_N11"
	CodeConsent  cpni.Code = "NOT_CONSENT"
)

// File is where the text lies among the files of a policy.
const File = "public/policy.yaml"

// There reports whether a policy's files have a public text.
func There(files fs.FS) bool {
	_, err := fs.Stat(files, File)
	return err == nil
}

// ReadFS reads the public text among the files of a policy.
func ReadFS(files fs.FS, set *rules.Set) (*Text, error) {
	source, err := fs.ReadFile(files, File)
	if err != nil {
		return nil, fmt.Errorf("reading the public policy: %w", err)
	}
	return Read(source, set)
}

// mostBytes bounds a text.
const mostBytes = 512 << 10

// Read reads a text and checks it against the clauses and rules of a policy. It is refused when a clause that promises
// something is carried by no sentence, when a sentence carries none or names what there is not, when its languages do not say
// the same, when it promises consent by silence where the law knows none, and when it does not say whom to write to, where the
// facility is reached, or where changes are posted.
//
// cite: P-12, P-15, P-27, P-46, P-55, P-57, N-11, 47 CFR 64.2008(c)(3), 47 CFR 64.2008(c)(6)
func Read(source []byte, set *rules.Set) (*Text, error) {
	if len(source) > mostBytes {
		return nil, wrong(CodeConfig, "it has more than %d bytes", mostBytes)
	}
	t := &Text{source: slices.Clone(source)}
	if err := yaml.UnmarshalWithOptions(source, t, yaml.Strict()); err != nil {
		return nil, wrong(CodeConfig, "%s", yaml.FormatError(err, false, true))
	}
	for i := range t.Sections {
		for j := range t.Sections[i].Sentences {
			s := &t.Sections[i].Sentences[j]
			s.EN, s.ES = strings.Join(strings.Fields(s.EN), " "), strings.Join(strings.Fields(s.ES), " ")
		}
	}
	return t, t.check(set)
}

// Source is the text as it was written.
func (t *Text) Source() []byte { return slices.Clone(t.source) }

// Sentences gives the sentences in their order.
func (t *Text) Sentences() []Sentence { return sentences(t.Sections) }

func sentences(sections []Section) []Sentence {
	var all []Sentence
	for _, s := range sections {
		all = append(all, s.Sentences...)
	}
	return all
}

func wrong(code cpni.Code, format string, a ...any) *cpni.Refusal {
	return cpni.Rejected(code, "the public policy: "+fmt.Sprintf(format, a...), []string{"P-55", "P-56"}, "mend the text; the policy that is published stays until then")
}

var (
	idForm      = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$`)
	partnerForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$`)
	placeholder = regexp.MustCompile(`\{([^{}]*)\}`)
)

// mostSentence bounds a sentence, in bytes.
const mostSentence = 2000

// ValidVersion reports whether a version can have that name: it stands in addresses.
func ValidVersion(name string) bool {
	return versionForm.MatchString(name) && name != "versions" && name != "changes" && !strings.HasSuffix(name, ".pdf")
}

func (t *Text) check(set *rules.Set) error {
	if !ValidVersion(t.Version) {
		return wrong(CodeConfig, "version %q: write a name such as 2026-11, of letters, digits, dots, hyphens and underscores", t.Version)
	}
	if err := t.Covers.Check(); err != nil {
		return err
	}
	if err := sameWords("the title", t.Title); err != nil {
		return err
	}
	known, binding := map[string]bool{}, map[string]bool{}
	for _, c := range set.Clauses() {
		known[c.ID] = true
		binding[c.ID] = c.Binds == nil || *c.Binds
	}
	inForce := map[string]bool{}
	for _, r := range set.Rules() {
		inForce[r.ID] = true
	}
	ids, carried := map[string]bool{}, map[string]bool{}
	for _, section := range t.Sections {
		if !idForm.MatchString(section.ID) || ids[section.ID] {
			return wrong(CodeConfig, "a section has an id of its own, of small letters, digits and hyphens; %q is none", section.ID)
		}
		ids[section.ID] = true
		if err := sameWords("the title of "+section.ID, section.Title); err != nil {
			return err
		}
		for _, s := range section.Sentences {
			if !idForm.MatchString(s.ID) || ids[s.ID] {
				return wrong(CodeConfig, "a sentence has an id of its own, of small letters, digits and hyphens; %q is none", s.ID)
			}
			ids[s.ID] = true
			if len(s.Clauses) == 0 {
				return wrong(CodeConfig, "the sentence %s carries no clause: name those that it promises, such as P-12", s.ID)
			}
			for _, c := range s.Clauses {
				if !known[c] || !binding[c] {
					return wrong(CodeConfig, "the sentence %s names %s, and there is no such clause, or it promises nothing", s.ID, c)
				}
				carried[c] = true
			}
			if err := s.Keepers.check(s.ID, inForce); err != nil {
				return err
			}
			if err := sameWords("the sentence "+s.ID, Words{s.EN, s.ES}); err != nil {
				return err
			}
			if err := s.silent(); err != nil {
				return err
			}
			if len(s.EN) > mostSentence || len(s.ES) > mostSentence {
				return wrong(CodeConfig, "the sentence %s has more than %d bytes: divide it", s.ID, mostSentence)
			}
		}
	}
	for _, c := range set.Clauses() {
		if binding[c.ID] && !carried[c.ID] {
			return wrong(CodeConfig, "no sentence carries %s (%s)", c.ID, strings.TrimSuffix(c.Says, "."))
		}
	}
	return t.reachable()
}

// Check reports what is wrong with what a policy says it covers: words that nobody knows.
//
// cite: P-56
func (c Covers) Check() error {
	for _, p := range c.Purposes {
		if !slices.Contains(cpni.Purposes, p) {
			return wrong(CodeConfig, "it covers the purpose %q, which there is not", p)
		}
		if p == cpni.CompetitorTracking {
			return wrong(CodeConfig, "it covers the purpose %s, which nobody can approve (47 CFR 64.2005(b)(2))", p)
		}
	}
	for _, r := range c.Recipients {
		if !slices.Contains(recipients, r) && !partnerForm.MatchString(r) {
			return wrong(CodeConfig, "it covers the recipient %q, which is no kind of recipient, class of partner or id of one", r)
		}
	}
	for _, d := range c.Data {
		if !slices.Contains(cpni.DataClasses, d) {
			return wrong(CodeConfig, "it covers the information %q, which is no class of information", d)
		}
	}
	for _, list := range [][]string{texts(c.Purposes), c.Recipients, texts(c.Data)} {
		if i := twice(list); i >= 0 {
			return wrong(CodeConfig, "what it covers names %q twice", list[i])
		}
	}
	return nil
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

func twice(list []string) int {
	for i, x := range list {
		if slices.Contains(list[:i], x) {
			return i
		}
	}
	return -1
}

// recipients are the words for who may receive, beside the ids of partners.
var recipients = slices.Concat(
	texts([]cpni.RecipientKind{cpni.ToCustomer, cpni.ToAuthorised, cpni.ToDesignee, cpni.ToCarrier, cpni.ToLawEnforcement, cpni.ToDirectoryPublisher, cpni.ToPSAP, cpni.ToOtherCarrier, cpni.ToFamily}),
	texts([]cpni.PartnerClass{cpni.Agent, cpni.AffiliateComm, cpni.AffiliateOther, cpni.JointVenture, cpni.IndependentContractor, cpni.OtherParty}))

// Recipients lists the words for who may receive, beside the ids of partners.
func Recipients() []string { return slices.Clone(recipients) }

// PartnerID reports whether a recipient that a policy covers is one partner, and not a class or a kind.
func PartnerID(recipient string) bool { return !slices.Contains(recipients, recipient) }

// ways are the channels that a sentence may name.
var ways = []cpni.Via{cpni.Email, cpni.Text, cpni.Voice, cpni.Postal}

func (k Keepers) check(sentence string, inForce map[string]bool) error {
	for _, r := range k.Rules {
		if !inForce[r] {
			return wrong(CodeConfig, "the sentence %s is kept by the rule %q, which there is not", sentence, r)
		}
	}
	for _, v := range k.Channels {
		if !slices.Contains(ways, v) {
			return wrong(CodeConfig, "the sentence %s is kept by the channel %q: name email, text, voice or postal", sentence, v)
		}
	}
	for _, s := range k.Settings {
		if !slices.Contains(factNames, s) && s != FacilityVerified {
			return wrong(CodeConfig, "the sentence %s is kept by the setting %q: name one of %s or %s", sentence, s, strings.Join(factNames, ", "), FacilityVerified)
		}
	}
	for _, a := range k.Acts {
		if !slices.Contains(acts, a) {
			return wrong(CodeConfig, "the sentence %s is shown by the act %q: name one of %s", sentence, a, strings.Join(acts, ", "))
		}
	}
	return nil
}

// sameWords checks that something is said in every language, with the same facts in it.
//
// cite: N-11, 47 CFR 64.2008(c)(6)
func sameWords(what string, w Words) error {
	var first []string
	for i, l := range Languages {
		said := w.In(l)
		if strings.TrimSpace(said) == "" {
			return wrong(CodeLanguage, "%s stands in one language and not in %q: what is said in one is said in all", what, l)
		}
		var names []string
		for _, m := range placeholder.FindAllStringSubmatch(said, -1) {
			if !slices.Contains(factNames, m[1]) && !slices.ContainsFunc(numbers, func(n number) bool { return n.name == m[1] }) {
				return wrong(CodeConfig, "%s has the placeholder {%s}, which nothing fills: name one of %s", what, m[1], strings.Join(Placeholders(), ", "))
			}
			names = append(names, m[1])
		}
		if strings.ContainsAny(placeholder.ReplaceAllString(said, ""), "{}") {
			return wrong(CodeConfig, "%s has a brace that belongs to no placeholder", what)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		if i == 0 {
			first = names
		} else if !slices.Equal(first, names) {
			return wrong(CodeLanguage, "%s gives %s in one language and %s in another", what, listed(first), listed(names))
		}
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "no facts"
	}
	return "{" + strings.Join(names, "}, {") + "}"
}

// reachable checks that the sentences on how to refuse, on the facility and on where changes are posted say just that.
//
// cite: P-12, P-27, P-46, P-55, 47 CFR 64.2008(c)(3)
func (t *Text) reachable() error {
	for _, must := range []struct {
		clause string
		facts  []string
		code   cpni.Code
	}{{"P-12", []string{AnswerEmail, Telephone, PostAddress}, CodeContact}, {"P-27", []string{AnswerEmail, Telephone, PostAddress}, CodeContact}, {"P-46", []string{FacilityLink}, CodeConfig}, {"P-55", []string{PostingPlace}, CodeConfig}} {
		for _, fact := range must.facts {
			if !slices.ContainsFunc(t.Sentences(), func(s Sentence) bool {
				return slices.Contains(s.Clauses, must.clause) && strings.Contains(s.EN, "{"+fact+"}")
			}) {
				return wrong(must.code, "no sentence that carries %s gives {%s}: a promise that leaves it blank cannot be used", must.clause, fact)
			}
		}
	}
	return nil
}
