package breach

import (
	"fmt"
	"strings"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/notify/letter"
	"ringfence/internal/workday"
)

// printing is a dossier as it is written, part by part.
type printing struct {
	*dossier
	all []letter.Part
}

func (p *printing) heading(text string) {
	p.all = append(p.all, letter.Part{Kind: letter.Heading, Text: text})
}

// say writes a paragraph; field one under its label, and nothing when there is nothing to say.
func (p *printing) say(format string, a ...any) {
	p.all = append(p.all, letter.Part{Kind: letter.Paragraph, Text: fmt.Sprintf(format, a...)})
}

func (p *printing) field(label, text string) {
	if text != "" {
		p.all = append(p.all, letter.Part{Kind: letter.Label, Text: label}, letter.Part{Kind: letter.Paragraph, Text: strings.TrimSpace(text)})
	}
}

// moment writes a moment in the carrier's zone; "" of none.
func (p *printing) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.zone).Format("2006-01-02 15:04 MST")
}

func day(d workday.Date) string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s %s", d.Weekday().String()[:3], d)
}

// who names whoever did a step.
func (p *printing) who(id string) string {
	if name := p.names[id]; name != "" {
		return name
	}
	return id
}

// parts write the dossier.
//
// cite: P-43, P-44, P-45, P-47, P-48, P-49, P-51, P-52, P-53, 47 CFR 64.2011(d)
func (x *dossier) parts() []letter.Part {
	p := &printing{dossier: x}
	p.summary()
	p.heading("What happened")
	p.facts(x.i.Facts)
	p.corrections()
	p.findings()
	p.clocksOf()
	p.reports()
	p.agencies()
	p.customers()
	p.closing()
	p.papersOf()
	p.steps()
	p.heading("How to check this file")
	p.say("Each step has an entry in the log %s, which holds the SHA-256 of the step. The bundle of this file has every step and paper to the byte, the proof that its entry stands in the log, and a signature over the SHA-256 of this document. "+
		"They are checked against the public key of the log, without asking anybody.", p.log)
	p.field("Public key of the log", p.key)
	return p.all
}

func (p *printing) summary() {
	i := p.i
	if i.Exercise {
		p.say("This is a rehearsal. Nothing of it has happened, no agency was told and no customer.")
	}
	p.say("%s", i.Facts.Title)
	p.field("Opened", p.moment(i.Opened))
	switch {
	case i.Closed.IsZero():
		p.field("State", "Open. What it says of days is as of "+p.moment(p.clocks.Now)+".")
	default:
		p.field("Closed", p.moment(i.Closed))
		p.field("To be kept", "until "+p.moment(p.kept))
	}
	if t := i.Determined; t != nil {
		p.field("Determined", p.moment(t.At))
		p.field("May be held to have been determined", day(t.Earlier))
		p.field("Basis of the determination", t.Basis)
	} else {
		p.field("Determined", "It was not.")
	}
}

// facts write facts as they are held.
func (p *printing) facts(f Facts) {
	for _, x := range p.factLines(f) {
		p.field(x[0], x[1])
	}
}

// factLines are the facts one by one, each under its name.
func (p *printing) factLines(f Facts) [][2]string {
	cents := func(n *int64) string {
		if n == nil {
			return "not known"
		}
		return fmt.Sprintf("%d.%02d dollars", *n/100, *n%100)
	}
	count := "not known"
	if f.Customers > 0 {
		count = fmt.Sprint(f.Customers)
	}
	return [][2]string{{"Title", f.Title}, {"What happened", f.What}, {"How", f.How}, {"Discovered", p.moment(f.Discovered)}, {"Discovered by", p.who(f.DiscoveredBy)}, {"First day on which it happened", day(f.From)}, {"Last day on which it happened", day(f.Until)},
		{"Learned from", f.Source}, {"Classes of information", list(f.Data)}, {"Other covered data", strings.Join(f.Personal, ", ")}, {"What came of it", string(f.Outcome)}, {"Meant", string(f.Intentional)}, {"In good faith", string(f.GoodFaith)},
		{"Encryption", string(f.Encryption)}, {"Harm", string(f.Harm)}, {"Basis of the findings", f.Basis}, {"Customers, as far as is known", count}, {"Estimated loss of the carrier", cents(f.CarrierLoss)}, {"Estimated loss of customers", cents(f.CustomerLoss)}}
}

// corrections write what was held before each correction.
func (p *printing) corrections() {
	var before Facts
	first := true
	for _, e := range p.i.History {
		if e.What == Corrected {
			if first {
				p.heading("What was held before")
				first = false
			}
			p.say("Step %d, %s, by %s: %s", e.N, p.moment(e.At), p.who(e.By), e.Reason)
			old := p.factLines(before)
			for n, x := range p.factLines(*e.Facts) {
				if x[1] != old[n][1] {
					was := old[n][1]
					if was == "" {
						was = "nothing"
					}
					p.field(x[0]+", until then", was)
				}
			}
		}
		if e.Facts != nil {
			before = *e.Facts
		}
	}
}

func reasonLines(all []clock.Reason) string {
	lines := make([]string, len(all))
	for n, r := range all {
		lines[n] = r.Says + " (" + strings.Join(r.Cites, ", ") + ")"
	}
	return strings.Join(lines, "\n")
}

// findings write what each rule makes of it, also the one that does not count.
func (p *printing) findings() {
	p.heading("What the rules make of it")
	p.field("Kind", string(p.clocks.Kind))
	for _, r := range []clock.Profile{clock.Rule2007, clock.Rule2023} {
		u := p.clocks.Under[r]
		counts := "does not count for it"
		for _, c := range p.clocks.Counting {
			if c == r {
				counts = "counts for it"
			}
		}
		p.field(fmt.Sprintf("Under %s, which %s", r, counts), string(u.Kind)+"\n"+reasonLines(u.Why))
		p.field("Agencies under "+string(r), words(list(u.Agencies), prefixed(" by ", day(u.AgenciesBy))))
		if u.Must {
			p.field("Customers under "+string(r), strings.TrimSpace(prefixed("from ", p.moment(u.From))+prefixed(" until ", day(u.By))))
		}
		p.field("Summary of the year under "+string(r), prefixed("by ", day(u.SummaryBy)))
	}
}

func prefixed(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// words joins two texts, of which the second makes no sense alone.
func words(first, second string) string {
	if first == "" {
		return ""
	}
	return first + second
}

// clocksOf write the clocks with each day and what was made of it.
func (p *printing) clocksOf() {
	p.heading("Clocks")
	c := p.clocks
	p.field("Agencies to be told by", day(c.AgenciesBy))
	p.field("All of them had the report", p.moment(c.Reported))
	if c.Late {
		p.say("The agencies were told after their day, or are not told and it is over.")
	}
	p.field("Customers may be told from", p.moment(c.From))
	p.field("Customers have to be told by", day(c.By))
	if c.CustomersLate {
		p.say("The customers were told after their day, or are not told and it is over.")
	}
	p.field("Days that are lawful under both rules", strings.TrimSpace(p.moment(c.WindowFrom)+prefixed(" until ", day(c.WindowBy))))
	p.field("Summary of the year's small breaches by", day(c.SummaryBy))
	for _, x := range c.Conflicts {
		p.field("Conflict", x.Says+" ("+strings.Join(x.Cites, ", ")+")")
	}
	for _, l := range c.Lines {
		lines := []string{fmt.Sprintf("%s Counted from %s. (%s)", l.Says, day(l.Count.From), strings.Join(l.Cites, ", "))}
		for _, d := range l.Count.Days {
			how := "skipped"
			if d.Number > 0 {
				how = fmt.Sprintf("day %d", d.Number)
			}
			lines = append(lines, day(d.Date)+": "+how+prefixed(", ", d.Why))
		}
		calendar := "calendar days"
		if l.Count.Calendar != "" {
			calendar = string(l.Count.Calendar) + " calendar"
		}
		p.field("Clock: "+l.Name+", "+calendar, strings.Join(lines, "\n"))
	}
	if len(c.Lines) > 0 {
		p.field("Version of the calendars", c.Lines[0].Count.Version)
	}
}

func (p *printing) reports() {
	p.heading("Reports to the agencies")
	if len(p.i.Reports) == 0 {
		p.say("None was filed.")
	}
	for n, r := range p.i.Reports {
		what := "Report"
		if r.Supplements > 0 {
			what = fmt.Sprintf("Supplement to report %d", r.Supplements)
		}
		lines := []string{what + " by " + p.who(r.By) + ", step " + fmt.Sprint(r.N), "Filed: " + p.moment(r.At), "Receipt: " + r.Receipt, "Went to: " + list(r.Agencies)}
		if r.Urgent {
			lines = append(lines, "It says that customers must be told at once.")
		}
		if r.Form != "" {
			lines = append(lines, "Form: "+r.Form)
		}
		if r.Copy > 0 {
			lines = append(lines, fmt.Sprintf("Copy: paper %d, SHA-256 %s", r.Copy, r.CopyHash))
		}
		if r.Pages > 0 {
			lines = append(lines, fmt.Sprintf("As PDF: paper %d", r.Pages))
		}
		p.field(fmt.Sprintf("Report %d", n+1), strings.Join(lines, "\n"))
	}
	for _, e := range p.i.All(Summarized) {
		p.field(fmt.Sprintf("Summary of the small breaches of %d", e.Summed.Year), fmt.Sprintf("Signed by %s, step %d\nFiled: %s\nReceipt: %s\nBreaches in it: %d\nCopy: paper %d, SHA-256 %s",
			p.who(e.By), e.N, p.moment(e.Summed.At), e.Summed.Receipt, e.Summed.Count, e.Paper, e.Hash))
	}
}

// agencies write what the agencies have said, and what other laws ask.
func (p *printing) agencies() {
	p.heading("What agencies have said, and other laws ask")
	none := true
	for _, e := range p.i.History {
		by := fmt.Sprintf("Step %d, %s, by %s", e.N, p.moment(e.At), p.who(e.By))
		officer := prefixed(", ", e.Officer)
		switch e.What {
		case Directed:
			x := e.Direction
			how := "only spoken"
			if x.Written {
				how = "written"
			}
			p.field("Direction, "+how, fmt.Sprintf("%s\n%s, %s, on %s: customers must not be told until %s is over. %s", by, x.Agency, x.Officer, p.moment(x.Given), day(x.Until), e.Reason))
		case Dropped:
			p.field("Spoken direction not confirmed", fmt.Sprintf("%s\n%s. %s", by, e.Agency, e.Reason))
		case Lifted:
			p.field("Direction lifted", fmt.Sprintf("%s\n%s%s, on %s.", by, e.Agency, officer, p.moment(e.Happened)))
		case Consulted:
			p.field("Agency consulted", fmt.Sprintf("%s\n%s%s, on %s. %s", by, e.Agency, officer, p.moment(e.Happened), e.Text))
		case Responded:
			text := e.Text
			if text == "" {
				text = "None was received."
			}
			p.field("Answer", by+"\n"+words(e.Agency, officer+": ")+text)
		case StateAsked:
			p.field("Duty under another law", fmt.Sprintf("%s\n%s, %s: customers by %s.", by, e.State.State, e.State.Law, day(e.State.By)))
		default:
			continue
		}
		none = false
	}
	if none {
		p.say("Nothing is on record.")
	}
}

// customers write how many were reached and told, and of nobody who they are.
func (p *printing) customers() {
	p.heading("Customers")
	p.say("%d are in the set, and as far as is known it reached %d. Who they are stands in the carrier's records, not here.", p.i.Set, p.i.Customers())
	for _, e := range p.i.All(Reached) {
		p.field(fmt.Sprintf("Step %d, %s, by %s", e.N, p.moment(e.At), p.who(e.By)), fmt.Sprintf("%d put in, %d taken out, %d in the set from here on. %s %s", e.Reach.Added, e.Reach.Removed, e.Count, e.Reason, e.Reach.Trace)+tracedWords(e.Reach.Traced))
	}
	var lines []string
	for _, state := range []struct{ name, says string }{{IsIn, "not told yet"}, {IsPlanned, "a message waits to go"}, {IsSent, "a message has gone"}, {IsTold, "told by word, or otherwise"}, {CameBack, "a message came back"}, {NoWay, "nowhere to write to"}, {IsOut, "taken out of the set"}} {
		if n := p.tally[state.name]; n > 0 {
			lines = append(lines, fmt.Sprintf("%d: %s", n, state.says))
		}
	}
	if w := p.i.Words; w != nil {
		agreed := "Nobody else has agreed to them."
		if p.i.WordsOK {
			agreed = "Somebody else has agreed to them."
		}
		for _, language := range Languages {
			t := w.Texts[language]
			p.field(fmt.Sprintf("What customers are told, in %s, by step %d", language, p.i.WordsStep), strings.Join([]string{t.What, t.Done, t.Advice, t.Short}, "\n"))
		}
		p.say("%s", agreed)
	}
	for _, e := range p.i.All(ToldByHand) {
		p.field(fmt.Sprintf("Told otherwise, step %d, %s, by %s", e.N, p.moment(e.At), p.who(e.By)), fmt.Sprintf("%d: %s. %s", e.Count, e.Code, e.Reason))
	}
	p.field("How many were told", strings.Join(lines, "\n"))
	p.field("All were told", p.moment(p.i.ToldAll))
	for _, e := range p.i.All(Refused) {
		p.field("Refused", fmt.Sprintf("Step %d, %s: %s tried to have customers told (%s).", e.N, p.moment(e.At), p.who(e.By), e.Code))
	}
}

// tracedWords say what a trace found.
func tracedWords(t *Traced) string {
	if t == nil || t.More {
		return ""
	}
	return fmt.Sprintf(" It found %d customers in %d entries of the %d that the log had; %d of them had been taken out of the set.", t.Found, t.Entries, t.Through, t.Out)
}

func (p *printing) closing() {
	c, cases := p.i.Closing, p.i.All(Sanctioned)
	if c == nil && len(cases) == 0 {
		return
	}
	p.heading("Closing")
	for _, e := range cases {
		p.field("Case of discipline", e.Case)
	}
	if c == nil {
		return
	}
	p.field("Cause", c.Cause)
	p.field("Remedy", c.Remedy)
	p.field("Lessons", c.Lessons)
	p.field("Why nobody was disciplined", c.NoSanction)
}

func (p *printing) papersOf() {
	if len(p.papers) == 0 {
		return
	}
	p.heading("Papers")
	for _, x := range p.papers {
		p.field(fmt.Sprintf("Paper %d: %s", x.N, x.Name), fmt.Sprintf("%s, %s\nSHA-256 %x", p.moment(x.At), x.Media, x.Hash))
	}
}

// steps write the whole history, each step with its entry in the ledger.
func (p *printing) steps() {
	p.heading("Every step")
	for n, e := range p.i.History {
		text := fmt.Sprintf("%s, by %s. %s", p.moment(e.At), p.who(e.By), e.Reason)
		switch {
		case e.What == Remarked, e.What == Attached:
			text += e.Text
		case e.Day != workday.Date{}:
			text += fmt.Sprintf(" For %s, to %s.", day(e.Day), e.Text)
		case e.Forward > 0:
			text += "By " + e.Forward.String() + "."
		case e.Case != "":
			text += "Case " + e.Case + "."
		}
		if e.Paper > 0 {
			text += fmt.Sprintf(" Paper %d.", e.Paper)
		}
		p.field(fmt.Sprintf("%d. %s", e.N, e.What), fmt.Sprintf("%s\nEntry %s, SHA-256 of the step %s", strings.TrimSpace(text), e.Entry, p.hashes[n]))
	}
}
