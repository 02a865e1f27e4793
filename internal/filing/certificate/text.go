package certificate

import (
	"fmt"
	"strings"
	"time"

	"ringfence/internal/notify/letter"
)

// Section is a part of what is signed: a heading and its paragraphs.
type Section struct {
	Heading string   `json:"heading,omitempty"` // "": of the certificate itself, before the first heading
	Says    []string `json:"says"`
}

func title(x *Draft) string {
	name := fmt.Sprintf("Annual certification for %d of the protection of customer proprietary network information (47 CFR 64.2009(e))", x.Year)
	if x.Amends {
		name = "Amended: " + name
	}
	return name
}

func orBlank(text, says string) string {
	if text == "" {
		return "[LACKS: " + says + "]"
	}
	return text
}

// sections write the certificate and the statement, out of a draft and of nothing else; w is the walk for which it is frozen, nil: none yet.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17
func (d *Desk) sections(x *Draft, w *Walk) []Section {
	f := x.Fields
	name, company := orBlank(f.Signatory, "who signs"), orBlank(f.Company, "the name of the carrier")
	head := Section{Says: []string{
		"Proceeding: " + d.List.words.Docket,
		fmt.Sprintf("Calendar year covered: %d", x.Year),
		"Carrier: " + company,
		"Filer id of FCC Form 499: " + orBlank(f.FilerID, "the filer id"),
		"Officer who signs: " + name + ", " + orBlank(f.Title, "the title of who signs"),
	}}
	certifies := Section{Heading: "Certification", Says: []string{}}
	say := func(s *Section, ok bool, text, lacks string) {
		if !ok {
			text = "[LACKS: " + lacks + "]"
		}
		s.Says = append(s.Says, text)
	}
	say(&certifies, f.Agent, fmt.Sprintf("I, %s, certify that I am an officer of %s, and that in this I act as its agent.", name, company), "that who signs is an officer and acts as agent of the carrier")
	knows := fmt.Sprintf("I have personal knowledge that %s had operating procedures in %d that are adequate to ensure that it complies with the rules of the Commission on customer proprietary network information, 47 CFR 64.2001 to 64.2011", company, x.Year)
	if len(x.Gaps) > 0 {
		knows += ", but for what the accompanying statement tells under “What was not kept”"
	}
	say(&certifies, f.Knowledge, knows+".", "that who signs has personal knowledge of the procedures")
	if w != nil {
		certifies.Says = append(certifies.Says, "Before I signed I was shown what was checked and what was not kept, "+drawnWords(w)+".")
	}
	certifies.Says = append(certifies.Says, "The accompanying statement is part of this certification. It explains how the procedures of the carrier ensure compliance, and where they did not.")
	say(&certifies, f.Truthful, "I know that 47 CFR 1.17 asks for truthful and accurate statements to the Commission, and that a false one is punished under Title 18 of the United States Code.", "that who signs knows what 47 CFR 1.17 asks of them")

	brokers := Section{Heading: "Actions against data brokers", Says: []string{told(f.Brokers, fmt.Sprintf("In %d the carrier took no action against data brokers: no proceeding and no petition at a state commission, a court or the Commission.", x.Year), "which actions were taken against data brokers, or that none were")}}
	pretexting := Section{Heading: "Pretexting", Says: []string{told(f.Pretexting, "The carrier knows of no method of pretexters beyond what is publicly known.", "what is known of the methods of pretexters, or that nothing is"), orBlank(f.Steps, "what is done against pretexters")}}
	complaints := Section{Heading: "Complaints of unauthorized release", Says: []string{complaintWords(x)}}
	if f.Complaints.Summary != "" {
		complaints.Says = append(complaints.Says, f.Complaints.Summary)
	}

	all := []Section{head, certifies, brokers, pretexting, complaints}
	all = append(all, Section{Heading: "Accompanying statement", Says: []string{fmt.Sprintf("This statement is written from the records of the carrier from %s to %s. The numbers are those of the records.", x.From.In(d.Zone).Format("January 2, 2006"), x.To.Add(-time.Nanosecond).In(d.Zone).Format("January 2, 2006"))}})
	for _, o := range x.Obligations {
		all = append(all, Section{Heading: o.Title, Says: []string{o.Sentence + " (" + strings.Join(o.Cites, "; ") + ")"}})
	}
	gaps := Section{Heading: "What was not kept"}
	for _, g := range x.Gaps {
		gaps.Says = append(gaps.Says, g.Says, "Why, and what is done about it: "+orBlank(f.Explained[g.ID], "why this was, and what is done about it"))
	}
	if len(x.Gaps) == 0 {
		gaps.Says = []string{"The records show nothing that was not kept."}
	}
	all = append(all, gaps)
	if f.Own != "" {
		all = append(all, Section{Heading: "In the words of the officer", Says: paragraphs(f.Own)})
	}
	return all
}

func drawnWords(w *Walk) string {
	var drawn, of int64
	for _, s := range w.Drawn {
		drawn, of = drawn+int64(s.Drawn), of+s.Of
	}
	if drawn == 0 {
		return "and there were no decisions about customers' information in that year that could be drawn"
	}
	return sentence("and {drawn|decision|decisions} about customers' information, drawn by chance out of {of|decision|decisions} of the year, made again from the recorded facts").fill(Values{"drawn": {N: drawn}, "of": {N: of}})
}

func told(a Answer, none, lacks string) string {
	if a.None {
		return none
	}
	return orBlank(a.Text, lacks)
}

func complaintWords(x *Draft) string {
	c := x.Fields.Complaints
	switch {
	case c.None:
		return fmt.Sprintf("In %d the carrier received no complaints of unauthorized release of customer proprietary network information: none of improper access by employees, none of disclosure to unauthorized individuals, and none of improper access online.", x.Year)
	case c.total() == 0:
		return "[LACKS: how many complaints there were in each of the three categories, or that there were none]"
	}
	return fmt.Sprintf("In %d the carrier received %d complaints of unauthorized release of customer proprietary network information. Improper access by employees: %d. Disclosure to unauthorized individuals: %d. Improper access online: %d.", x.Year, c.total(), c.Employee, c.Disclosure, c.Online)
}

func paragraphs(text string) (all []string) {
	for _, p := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, p)
		}
	}
	return all
}

// text is what is signed, as text.
//
// cite: 47 CFR 64.2009(e)
func text(x *Draft) string {
	var b strings.Builder
	b.WriteString(title(x) + "\n")
	for _, s := range x.Sections {
		if s.Heading != "" {
			b.WriteString("\n" + s.Heading + "\n")
		}
		for _, p := range s.Says {
			b.WriteString("\n" + p + "\n")
		}
	}
	return b.String()
}

// Text is the certificate and the statement as text.
func (x *Draft) Text() string { return text(x) }

// print makes the pages; s is nil while nobody has signed.
//
// cite: 47 CFR 64.2009(e)
func (d *Desk) print(w *Walk, s *Signature) ([]byte, error) {
	x := &w.Of
	doc := letter.Document{Letterhead: d.Letterhead, Language: "en", Title: title(x), Made: x.Made, Foot: fmt.Sprintf("47 CFR 64.2009(e) · %d · %s", x.Year, d.List.words.Docket)}
	part := func(kind, text string) { doc.Parts = append(doc.Parts, letter.Part{Kind: kind, Text: text + "\n"}) }
	for _, section := range x.Sections {
		if section.Heading != "" {
			part(letter.Heading, section.Heading)
		}
		for _, p := range section.Says {
			part(letter.Paragraph, p)
		}
	}
	if s == nil {
		doc.Mark = "DRAFT"
		return doc.PDF()
	}
	doc.Made = s.At
	part(letter.Heading, "Signature")
	part(letter.Paragraph, "Signed by "+s.Name+", "+s.Title+", on "+s.At.In(d.Zone).Format("January 2, 2006 at 15:04 MST")+", electronically, after a second factor was shown.")
	part(letter.Paragraph, "SHA-256 of the text before this heading, as it stands in the log of the carrier: "+s.Hash)
	return doc.PDF()
}

// Contains reports whether the certificate or the statement says something.
func (x *Draft) Contains(words string) bool { return strings.Contains(text(x), words) }
