package breach

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/unicode/norm"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Path is a way by which what somebody has written comes before customers or the public.
type Path string

// The paths. Whoever builds another names it here and asks Hush on it.
const (
	CampaignScript Path = "the script of a campaign"
	NoticeWords    Path = "the words of a notice"
	PublicPolicy   Path = "the public policy"
	ReportAnswer   Path = "the answer to a customer's report"
	RuleReasons    Path = "the reasons of rules"
	Certificate    Path = "the annual certificate" // the docket is public
)

// Paths lists them.
var Paths = []Path{CampaignScript, NoticeWords, PublicPolicy, ReportAnswer, RuleReasons, Certificate}

// Saying is a text for customers or the public that is about to go on.
type Saying struct {
	Path  Path
	By    cpni.ID // who wants it to go on; "": the system
	Texts []string
	// Approved is when it was agreed to exactly as it is; zero: it was not yet. What was agreed to before an incident was taken in does not
	// speak of that one.
	Approved time.Time
	// Quietly is set when the same is asked again and again, as a message is about to go: nothing is put on record.
	Quietly bool
}

// Hush refuses a text that speaks of an incident of which customers must not be told yet: it has its number or title, or one of the words by
// which texts speak of incidents. The attempt is on record and an alert. It is asked on every path, outside any transaction. It knows no
// exception: somebody in compliance can look at the text, and have the words changed.
//
// cite: P-47, I-08, 47 CFR 64.2011(a)
func (d *Desk) Hush(ctx context.Context, s Saying) error {
	if !slices.Contains(Paths, s.Path) {
		return fmt.Errorf("breach: %q is no path to customers", s.Path)
	}
	holding := d.Holding
	if s.Quietly {
		holding = d.holdingLately
	}
	all, err := holding(ctx)
	if err != nil {
		return err
	}
	var found *Incident
	for _, i := range all {
		if !s.Approved.IsZero() && s.Approved.Before(i.Opened) {
			continue
		}
		if d.speaks(i, s.Texts) {
			found = i
			break
		}
	}
	if found == nil {
		return nil
	}
	refusal := d.hushed(found)
	if s.Quietly {
		return refusal
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		_, entries, err := d.move(ctx, tx, found.ID, Act{By: s.By}, func(m *moved) error {
			if _, err := m.note(Refused, Event{Code: Held, Reason: string(s.Path)}); err != nil {
				return err
			}
			return m.alert(HoldTried, "a text for customers or the public speaks of what they must not be told yet: "+string(s.Path))
		})
		return entries, err
	})
	return errors.Join(err, refusalOf(err, refusal))
}

// holdingLately gives the incidents of which nobody may be told as they were a moment ago: a campaign asks at each of its messages.
func (d *Desk) holdingLately(ctx context.Context) ([]*Incident, error) {
	now := d.Clock.Now()
	d.telling.mu.Lock()
	all, asked := d.telling.holding, d.telling.asked
	d.telling.mu.Unlock()
	if !asked.IsZero() && !now.Before(asked) && now.Sub(asked) < staleHold {
		return all, nil
	}
	all, err := d.Holding(ctx)
	if err != nil {
		return nil, err
	}
	d.telling.mu.Lock()
	d.telling.holding, d.telling.asked = all, now
	d.telling.mu.Unlock()
	return all, nil
}

// refusalOf gives the refusal when it could be put on record.
func refusalOf(err error, r *cpni.Refusal) error {
	if err != nil {
		return nil
	}
	return r
}

// hushed is what whoever wrote the text is told. They may not know of the incident, so it says nothing of it.
func (d *Desk) hushed(i *Incident) *cpni.Refusal {
	until := "as long as a hold lasts whose end is not known yet"
	if c := d.Clocks(i); !c.From.IsZero() && cpni.Code(c.Hold) == Held {
		until = "before " + c.From.In(d.Zone).Format("2006-01-02 15:04")
	}
	return held(Held, "the text has words that must not go to customers or the public "+until, []string{"P-47", "47 CFR 64.2011(a)"},
		"leave out what speaks of breaches or incidents", "wait until then", "have somebody in compliance look at the text")
}

// shortestTitle is how many letters a title has at least that is looked for: a shorter one may be any word.
const shortestTitle = 8

// speaks reports whether texts speak of an incident.
func (d *Desk) speaks(i *Incident, texts []string) bool {
	for _, text := range texts {
		text = plainWords(text)
		for _, of := range append([]string{i.Number}, d.Speaking...) {
			if has(text, plainWords(of)) {
				return true
			}
		}
		if title := plainWords(i.Facts.Title); len(title) >= shortestTitle && has(text, title) {
			return true
		}
	}
	return false
}

// has reports whether a text has words, as whole words.
func has(text, words string) bool {
	return words != "" && strings.Contains(" "+text+" ", " "+words+" ")
}

// plainWords leaves the letters and digits of a text, small and without accents, one space between words. What is not seen, such as a soft hyphen,
// parts no word.
func plainWords(text string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(text))
	return strings.Join(strings.Fields(plain), " ")
}

// WordsFile is where a policy lists the words by which texts speak of incidents.
const WordsFile = "incident-words.yaml"

// ReadSpeaking reads the words by which texts speak of incidents: in every language in which customers are written to.
//
// cite: P-47, 47 CFR 64.2011(a)
func ReadSpeaking(policy fs.FS) ([]string, error) {
	text, err := fs.ReadFile(policy, WordsFile)
	if err != nil {
		return nil, fmt.Errorf("reading the words of incidents: %w", err)
	}
	var doc struct {
		Words map[string][]string `yaml:"words"`
	}
	if err := yaml.UnmarshalWithOptions(text, &doc, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", WordsFile, err)
	}
	var all []string
	for _, language := range Languages {
		if len(doc.Words[language]) == 0 {
			return nil, fmt.Errorf("%s:1: there are no words in %s (P-47)", WordsFile, language)
		}
		for _, w := range doc.Words[language] {
			if plainWords(w) == "" {
				return nil, fmt.Errorf("%s:1: one of the words in %s says nothing (P-47)", WordsFile, language)
			}
			all = append(all, w)
		}
	}
	return all, nil
}
