package form

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/breach/clock"
	"ringfence/internal/notify/letter"
)

// PDF prints the report for people: each field under its label, and on every page the number of the incident, the version of the form, and
// whether it is a draft or an exercise. A copy that was filed shows its receipt first. The same report gives the same bytes.
//
// cite: P-45, P-51, P-52, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
func (r Filled) PDF() ([]byte, error) {
	said, err := r.Said()
	if err != nil {
		return nil, err
	}
	d := letter.Document{Letterhead: r.From, Language: "en", Title: r.Form.Title, Made: r.Made, Mark: r.Mark(),
		Foot: fmt.Sprintf("Incident %s · %s, version %s", r.Incident, r.Form.ID, r.Form.Version)}
	say := func(kind, format string, a ...any) {
		d.Parts = append(d.Parts, letter.Part{Kind: kind, Text: fmt.Sprintf(format, a...)})
	}
	say(letter.Paragraph, "Incident %s, on the form %s, version %s.", r.Incident, r.Form.ID, r.Form.Version)
	if r.Exercise {
		say(letter.Paragraph, "This is an exercise. It is no report: nothing of it has happened, and no agency is told.")
	}
	if r.Receipt == nil {
		say(letter.Paragraph, "Drafted on %s. It was not filed: a person files it at the facility and enters the receipt here.", momentWords(r.Made))
	} else {
		r.printReceipt(say)
	}
	for _, s := range r.Sections {
		say(letter.Heading, "%s", s.Title)
		for _, a := range s.Fields {
			if a.Text == "" && !a.Required && !a.Changed && a.Problem == nil {
				continue // what is not asked here takes no room
			}
			label := a.Label
			if a.Changed {
				label += " (written by a person over what is recorded)"
			}
			say(letter.Label, "%s", label)
			switch {
			case a.Text != "":
				say(letter.Paragraph, "%s", a.Text)
			case a.Problem == nil:
				say(letter.Paragraph, "Not given.")
			}
			if a.Problem != nil {
				say(letter.Paragraph, "%s %s.", a.Problem.Says, capital(a.Problem.Do))
			}
		}
	}
	say(letter.Heading, "About this copy")
	say(letter.Paragraph, "The form follows %s. What the report says has the SHA-256 %s in the form of RFC 8785.", r.Form.Source, said)
	return d.PDF()
}

// printReceipt shows what the facility gave.
func (r Filled) printReceipt(say func(kind, format string, a ...any)) {
	say(letter.Heading, "Receipt of the facility")
	say(letter.Label, "Number of the receipt")
	say(letter.Paragraph, "%s", r.Receipt.Number)
	say(letter.Label, "When the facility took the report")
	say(letter.Paragraph, "%s", momentWords(r.Receipt.At))
	if r.Receipt.Facility != "" {
		say(letter.Label, "Address of the facility")
		say(letter.Paragraph, "%s", r.Receipt.Facility)
	}
	say(letter.Label, "Went to")
	say(letter.Paragraph, "%s", r.names(r.Receipt.Agencies))
	if left := r.Untold(); len(left) > 0 {
		say(letter.Label, "Has not gone to")
		say(letter.Paragraph, "%s", r.names(left))
	}
}

// capital begins a sentence.
func capital(s string) string {
	r := []rune(s)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// names gives agencies as people read them.
func (r Filled) names(all []clock.Agency) string {
	names := map[clock.Agency]string{clock.SecretService: "United States Secret Service", clock.FBI: "Federal Bureau of Investigation", clock.FCC: "Federal Communications Commission"}
	var lines []string
	for _, a := range all {
		if n, ok := names[a]; ok {
			lines = append(lines, n)
		} else {
			lines = append(lines, string(a))
		}
	}
	if len(lines) == 0 {
		return "The receipt names no agency."
	}
	return strings.Join(lines, "\n")
}

// momentWords writes a moment as people read it, in its own zone.
func momentWords(t time.Time) string {
	if t.IsZero() {
		return "a day that is not recorded"
	}
	zone := t.Format("-07:00")
	if zone == "+00:00" {
		zone = ""
	}
	return t.Format("January 2, 2006, 3:04 PM (UTC") + zone + ")"
}
