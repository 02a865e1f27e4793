package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// The names of the carrier's facts.
const (
	CarrierName  = "carrier"
	AnswerEmail  = "answer-email"
	Telephone    = "telephone"
	PostAddress  = "post-address"
	Web          = "web"
	FacilityLink = "facility-link"
	PostingPlace = "posting-place"
)

var factNames = []string{CarrierName, AnswerEmail, Telephone, PostAddress, Web, FacilityLink, PostingPlace}

// Carrier holds the facts that a carrier fills into its policy.
//
// cite: P-12, P-27, P-46, P-55
type Carrier struct {
	Name     string
	Email    string // where a refusal is written to
	Phone    string
	Post     string // a postal address, in one line
	Web      string // where customers reach their account
	Facility string // where breaches are reported
	Posting  string // where changes of the policy are posted
	// Verified is the day on which somebody last looked whether Facility leads there.
	Verified workday.Date
}

// Whole reports whether nothing of it is blank.
func (c Carrier) Whole() bool {
	for _, v := range c.facts() {
		if strings.TrimSpace(v) == "" {
			return false
		}
	}
	return true
}

func (c Carrier) facts() map[string]string {
	return map[string]string{CarrierName: c.Name, AnswerEmail: c.Email, Telephone: c.Phone, PostAddress: c.Post, Web: c.Web, FacilityLink: c.Facility, PostingPlace: c.Posting}
}

// number is a dated number that a text can name. Of several profiles the first that is in force gives it.
type number struct {
	name     string
	profiles []string
	number   string
	unit     time.Duration // of a length of time; 0: it is a whole number
}

const day = 24 * time.Hour

var breach = []string{"breach-2007", "breach-2023"}

var numbers = []number{
	{"smallest-group", []string{"cpni-core"}, "smallest_cell", 0},
	{"email-wait", []string{"opt-out-wait"}, "usable_after_email_days", 0},
	{"letter-wait", []string{"opt-out-wait"}, "usable_after_mail_days", 0},
	{"renotice-months", []string{"cpni-core"}, "renotice_months", 0},
	{"moved-hours", []string{"cpni-core"}, "disturbed_line", time.Hour},
	{"record-days", []string{"cpni-core"}, "address_of_record_age", day},
	{"training-days", []string{"cpni-core"}, "training_life", day},
	{"campaign-months", []string{"retention"}, "campaign_months", 0},
	{"disclosure-months", []string{"retention"}, "disclosure_months", 0},
	{"breach-months", []string{"retention"}, "breach_months", 0},
	{"agencies-days", breach, "agencies_business_days", 0},
	{"hold-days", breach, "hold_business_days", 0},
	{"direction-days", breach, "direction_days", 0},
}

// Placeholders lists what a text may name in braces.
func Placeholders() []string {
	all := slices.Clone(factNames)
	for _, n := range numbers {
		all = append(all, n.name)
	}
	return all
}

// Facts are what fills the placeholders of a text: the carrier's facts, and numbers of the policy in force.
type Facts map[string]string

// FactsOf gathers the facts of a carrier on the day of the numbers. What there is not is blank.
func FactsOf(c Carrier, n rules.InForce) Facts {
	f := Facts(c.facts())
	for _, x := range numbers {
		for _, profile := range x.profiles {
			count, long, ok := n.Look(profile, x.number)
			if !ok {
				continue
			}
			if x.unit != 0 {
				count = int(long / x.unit)
			}
			f[x.name] = strconv.Itoa(count)
			break
		}
		if _, ok := f[x.name]; ok || x.unit != 0 {
			continue
		}
		// What a rule that has ended said stays in the text until another is published: its sentence has no keeper then, which is shown.
		for _, profile := range x.profiles {
			if count, ok := n.Dated(profile).Look(x.number); ok {
				f[x.name] = strconv.Itoa(count)
				break
			}
		}
	}
	return f
}

// Edition is a text with everything filled in: what customers read.
type Edition struct {
	Version  string    `json:"version"`
	Title    Words     `json:"title"`
	Covers   Covers    `json:"covers"`
	Sections []Section `json:"sections"`
	// Facts are those that were filled in.
	Facts Facts `json:"facts"`
}

// Sentences gives the sentences in their order.
func (e *Edition) Sentences() []Sentence { return sentences(e.Sections) }

// Sentence finds a sentence by its id.
func (e *Edition) Sentence(id string) (s Sentence, section Section, ok bool) {
	for _, section := range e.Sections {
		for _, s := range section.Sentences {
			if s.ID == id {
				return s, section, true
			}
		}
	}
	return Sentence{}, Section{}, false
}

// Fill fills a text. A fact that it names and that is blank is refused, with the clause that asks for it.
//
// cite: P-12, P-27, P-46, P-55, 47 CFR 64.2008(c)(3)
func (t *Text) Fill(facts Facts) (*Edition, error) {
	e := &Edition{Version: t.Version, Covers: t.Covers, Facts: Facts{}}
	var blank []string
	fill := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(m string) string {
			name := m[1 : len(m)-1]
			v := strings.TrimSpace(facts[name])
			if v == "" && !slices.Contains(blank, name) {
				blank = append(blank, name)
			}
			e.Facts[name] = v
			return v
		})
	}
	words := func(w Words) Words { return Words{fill(w.EN), fill(w.ES)} }
	e.Title = words(t.Title)
	for _, s := range t.Sections {
		filled := Section{ID: s.ID, Title: words(s.Title), Sentences: slices.Clone(s.Sentences)}
		for i, x := range filled.Sentences {
			w := words(Words{x.EN, x.ES})
			filled.Sentences[i].EN, filled.Sentences[i].ES = w.EN, w.ES
		}
		e.Sections = append(e.Sections, filled)
	}
	if len(blank) > 0 {
		return nil, emptyFact(blank[0])
	}
	return e, nil
}

func emptyFact(name string) error {
	switch name {
	case AnswerEmail, Telephone, PostAddress, Web:
		return wrong(CodeContact, "{%s} is blank: customers refuse by it (P-12, P-27, 47 CFR 64.2008(c)(3))", name)
	case FacilityLink:
		return wrong(CodeConfig, "{%s} is blank: breaches are reported by it (P-46, 47 CFR 64.2011(b))", name)
	case PostingPlace:
		return wrong(CodeConfig, "{%s} is blank: changes are posted there (P-55, 47 CFR 64.2008(b))", name)
	}
	return wrong(CodeConfig, "{%s} is blank", name)
}

// encode writes an edition in the one form that is hashed and kept.
func (e *Edition) encode() (text []byte, hash string, err error) {
	text, err = json.Marshal(e)
	if err != nil {
		return nil, "", fmt.Errorf("writing the public policy: %w", err)
	}
	return text, hashOf(text), nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(append([]byte("ringfence public policy v1\n"), text...))
	return hex.EncodeToString(sum[:])
}

// uses names the placeholders of the text that fill a sentence. In an edition they are filled, so the text has to be asked.
func uses(s Sentence) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(s.EN+s.ES, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}
