package filing

import (
	"fmt"
	"strings"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/notify/letter"
	"ringfence/internal/workday"
)

// Element is something that the letter has to say.
type Element struct {
	Title string
	Text  string // "" it lacks
	Lacks string // what is missing, after "the letter does not say"; "" nothing
}

// Draft is the letter to the Commission as far as the file tells it.
//
// cite: 47 CFR 64.2009(f)
type Draft struct {
	Number   string // of the file
	Carrier  string
	Elements []Element
}

// Write drafts the letter about a failure out of its file and of nothing else, so that the same file makes the same letter. What the rule asks
// for and the file does not say is marked.
//
// cite: 47 CFR 64.2009(f)
func Write(f *Failure, c Carrier, zone *time.Location) Draft {
	d := Draft{Number: f.Number, Carrier: c.Name}
	x := f.Facts
	add := func(title, text, lacks string) {
		e := Element{Title: title, Text: strings.TrimSpace(text)}
		if e.Text == "" {
			e.Lacks = lacks
		}
		d.Elements = append(d.Elements, e)
	}
	day := func(d workday.Date) string { return d.Start(time.UTC).Format("January 2, 2006") }
	date := func(t time.Time) string { return day(workday.DateIn(t, zone)) }

	add("Name of the carrier", c.Name, "the name of the carrier")
	add("The opt-out mechanism", x.Mechanism, "which way to refuse did not work")

	problem := x.What
	if problem != "" {
		problem += "\n\nIt was found on " + date(x.Found) + "."
		if !x.First.IsZero() {
			problem += " As far as is known it did not work from " + day(x.First) + " on."
		}
		if f.Judged != nil && !f.Judged.Anomaly {
			problem += " It was judged to be more than an anomaly on " + date(f.Judged.At) + "."
		}
		if x.Affected > 0 {
			problem += fmt.Sprintf(" Customers who could not refuse in this way: %d.", x.Affected)
		} else {
			problem += " How many customers could not refuse in this way is not known."
		}
	}
	add("The problem", problem, "what the problem was")

	add("The remedy", x.Remedy, "what is done about it")
	when := ""
	if !x.Remedied.IsZero() {
		when = day(x.Remedied)
	}
	add("When the remedy was or will be implemented", when, "when the remedy was or will be implemented")

	states, gap := "", "whether state commissions were notified"
	switch x.States {
	case clock.No:
		states = "No state commission was notified."
	case clock.Yes:
		switch {
		case x.Commissions == "":
			gap = "which state commissions were notified"
		case x.Action == "":
			gap = "what the state commissions did"
		default:
			states = "Notified: " + x.Commissions + "\n\nWhat they did: " + x.Action
		}
	}
	add("State commissions", states, gap)

	add("Copy of the notice provided to customers", x.Notice, "the notice that customers got, or that and why they got none")
	contact := x.Contact
	if contact == "" {
		contact = c.Contact
	}
	add("Contact", contact, "whom the Commission asks at the carrier")
	return d
}

// Lacking are the elements that the file does not fill yet.
func (d Draft) Lacking() (all []Element) {
	for _, e := range d.Elements {
		if e.Lacks != "" {
			all = append(all, e)
		}
	}
	return all
}

// opening is how the letter begins.
const opening = "To the Federal Communications Commission. This is written notice under 47 CFR 64.2009(f) that a way by which customers refuse the use of their information did not work properly, to such a degree that their inability to refuse was more than an anomaly."

func (e Element) says() string {
	if e.Lacks != "" {
		return "[LACKS: " + e.Lacks + "]"
	}
	return e.Text
}

// Text is the letter as text.
//
// cite: 47 CFR 64.2009(f)
func (d Draft) Text() string {
	var b strings.Builder
	b.WriteString(opening + "\n")
	for n, e := range d.Elements {
		fmt.Fprintf(&b, "\n%d. %s\n\n%s\n", n+1, e.Title, e.says())
	}
	return b.String()
}

// PDF prints the letter. One that lacks something is marked on every page.
//
// cite: 47 CFR 64.2009(f)
func (d Draft) PDF(letterhead []string, made time.Time) ([]byte, error) {
	doc := letter.Document{Letterhead: letterhead, Language: "en", Title: "Failure of an opt-out mechanism", Made: made, Foot: "47 CFR 64.2009(f) · " + d.Number}
	if len(d.Lacking()) > 0 {
		doc.Mark = "DRAFT"
	}
	doc.Parts = append(doc.Parts, letter.Part{Kind: letter.Paragraph, Text: opening + "\n"})
	for n, e := range d.Elements {
		doc.Parts = append(doc.Parts, letter.Part{Kind: letter.Heading, Text: fmt.Sprintf("%d. %s\n", n+1, e.Title)})
		for _, p := range strings.Split(e.says(), "\n\n") {
			doc.Parts = append(doc.Parts, letter.Part{Kind: letter.Paragraph, Text: p + "\n"})
		}
	}
	return doc.PDF()
}
