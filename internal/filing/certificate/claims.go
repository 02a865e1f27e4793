package certificate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// words are those by which sentences claim something.
type words struct {
	// Docket is the proceeding in which certificates are filed.
	Docket string `yaml:"docket"`
	// Claims are phrases that say that everything was kept, such as "in compliance": no gap may be open beside one.
	Claims []string `yaml:"claims"`
	// Absolute are words that leave nothing out, such as "always": in a sentence with a topic of an open gap they claim its contrary.
	Absolute []string `yaml:"absolute"`
	// Unless are words that take back what a sentence claims, such as "except".
	Unless []string `yaml:"unless"`
	// Titles are those of officers, and NotTitles words that make a title none.
	Titles    []string `yaml:"titles"`
	NotTitles []string `yaml:"not_titles"`
}

func (w *words) check() error {
	if w.Docket == "" || len(w.Claims) == 0 || len(w.Absolute) == 0 || len(w.Unless) == 0 || len(w.Titles) == 0 {
		return errors.New("certificate/words.yaml: docket, claims, absolute, unless and titles are needed")
	}
	return nil
}

// Contrary is something that somebody wrote and that the records contradict.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17, V110
type Contrary struct {
	Where string // the field
	Says  string // the sentence
	Gap   string // what stands against it
}

// plain brings a text to small letters and single blanks between words, with a blank at both ends, so that words are found whole.
func plain(text string) string {
	return " " + strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '-' && r != '/'
	}), " ") + " "
}

// finds reports which of some phrases stands in a text that plain gave.
func finds(text string, phrases []string) (string, bool) {
	for _, p := range phrases {
		if strings.Contains(text, plain(p)) {
			return p, true
		}
	}
	return "", false
}

var sentenceEnd = regexp.MustCompile(`[.!?;\n]+(\s+|$)`)

// contrary lists what people wrote and the records contradict: complaints that are fewer than the register holds, none of what there is, and
// sentences that claim
// what an open gap denies.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17, V110
func (l *List) contrary(x *Draft) (all []Contrary) {
	c, r := x.Fields.Complaints, x.Register
	if c.None && c.total() > 0 {
		all = append(all, Contrary{"complaints", "There were none, and there were some.", "one of the two is not so"})
	}
	for _, n := range []struct {
		what      string
		said, has int
	}{{"improper access by employees", c.Employee, r.Employee}, {"disclosure to unauthorized individuals", c.Disclosure, r.Disclosure}, {"improper online access", c.Online, r.Online}} {
		if (c.None || c.total() > 0) && n.said < n.has {
			all = append(all, Contrary{"complaints", fmt.Sprintf("%d complaints of %s", n.said, n.what), fmt.Sprintf("the registers hold %d", n.has)})
		}
	}
	if n := len(x.Known.Actions); x.Fields.Brokers.None && n > 0 {
		all = append(all, Contrary{"brokers", "No action was taken against data brokers.", fmt.Sprintf("the registers hold %d", n)})
	}
	if n := len(x.Known.Methods); x.Fields.Pretexting.None && n > 0 {
		all = append(all, Contrary{"pretexting", "Nothing is known of the methods of pretexters.", fmt.Sprintf("the registers hold %d", n)})
	}
	texts := map[string]string{"own": x.Fields.Own, "pretexting": x.Fields.Pretexting.Text, "steps": x.Fields.Steps, "brokers": x.Fields.Brokers.Text, "complaints-summary": c.Summary}
	for _, g := range x.Gaps {
		texts["explained/"+g.ID] = x.Fields.Explained[g.ID]
	}
	for _, where := range sorted(texts) {
		for _, says := range sentenceEnd.Split(texts[where], -1) {
			if against := l.words.against(says, x.Gaps); against != "" {
				all = append(all, Contrary{where, strings.TrimSpace(says), against})
			}
		}
	}
	return all
}

// against tells which open gap stands against a sentence; "": none does.
func (w *words) against(says string, gaps []Gap) string {
	text := plain(says)
	if _, taken := finds(text, w.Unless); taken || len(gaps) == 0 {
		return ""
	}
	if _, claims := finds(text, w.Claims); claims {
		return gaps[0].Says
	}
	if _, all := finds(text, w.Absolute); !all {
		return ""
	}
	for _, g := range gaps {
		if _, of := finds(text, g.Topics); of {
			return g.Says
		}
	}
	return ""
}

// officerTitle reports whether a title is one of an officer.
//
// cite: 47 CFR 64.2009(e), V109
func (l *List) officerTitle(title string) bool {
	text := plain(title)
	if _, not := finds(text, l.words.NotTitles); not {
		return false
	}
	_, is := finds(text, l.words.Titles)
	return is
}
