package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/vault"
)

// stepSays tells in words what a step of the history says.
//
// cite: P-49, 47 CFR 64.2011(d)
func (v *visit) stepSays(i *breach.Incident, e breach.Event) (says []string) {
	say := func(format string, a ...any) { says = append(says, fmt.Sprintf(format, a...)) }
	if f := e.Facts; f != nil {
		says = append(says, v.factChanges(i, e)...)
	}
	if d := e.Determination; d != nil {
		say("Determined %s.", v.moment(d.At))
		if !d.Earlier.IsZero() {
			say("What is due counts from %s.", dated(d.Earlier))
		}
		says = append(says, d.Basis)
	}
	if r := e.Reach; r != nil {
		by := "By hand"
		if r.By != "hand" {
			by = "By a trace " + r.Trace
		}
		say("%s: %d put in, %d taken out; %s in the set.", by, r.Added, r.Removed, counted(e.Count, "customer is", "customers are"))
	}
	if r := e.Report; r != nil {
		if r.Receipt != "" {
			say("Filed %s with receipt %s; it went to %s.", v.moment(r.At), r.Receipt, agenciesText(r.Agencies))
		}
		if r.Supplements > 0 {
			say("It adds to report %d.", r.Supplements)
		}
		if r.Urgent {
			say("It says that customers must be told at once.")
		}
		if n := len(r.Fields); n > 0 {
			say("%s written over the draft.", counted(n, "field is", "fields are"))
		}
		if r.CopyHash != "" {
			say("SHA-256 of the copy: %s", r.CopyHash)
		}
	}
	if d := e.Direction; d != nil {
		form := "Spoken"
		if d.Written {
			form = "In writing"
		}
		say("%s by %s, %s, given %s: customers are not told through %s.", form, d.Agency, d.Officer, v.moment(d.Given), dated(d.Until))
	} else if e.Agency != "" {
		who := e.Agency
		if e.Officer != "" {
			who += ", " + e.Officer
		}
		if !e.Happened.IsZero() {
			who += ", " + v.moment(e.Happened)
		}
		says = append(says, who)
	}
	if e.What == breach.Responded && e.Text == "" {
		say("None was received.")
	}
	if s := e.State; s != nil {
		say("%s, %s: customers are to be told by %s.", s.State, s.Law, dated(s.By))
	}
	if s := e.Summed; s != nil {
		say("Of %d, filed %s with receipt %s; %s in it.", s.Year, v.moment(s.At), s.Receipt, counted(s.Count, "breach stands", "breaches stand"))
	}
	if e.Count > 0 && e.Reach == nil {
		say("%s.", counted(e.Count, "customer", "customers"))
	}
	if w := e.Words; w != nil {
		for _, l := range breach.Languages {
			t := w.Texts[l]
			says = append(says, languageNames[l]+": "+strings.Join([]string{t.What, t.Done, t.Advice, t.Short}, " · "))
		}
	}
	for _, a := range e.Answers[breach.Languages[0]] {
		says = append(says, a.Question+" "+a.Answer)
	}
	if e.Of > 0 {
		say("The words of step %d.", e.Of)
	}
	if e.Code != "" {
		code := string(e.Code)
		if !e.Day.IsZero() {
			code += " for " + dated(e.Day)
		}
		says = append(says, code)
	}
	if e.Forward > 0 {
		say("By %s.", counted(int(e.Forward/(24*time.Hour)), "day", "days"))
	}
	if e.Case != "" {
		says = append(says, e.Case)
	}
	if c := e.Closing; c != nil {
		says = append(says, "Cause: "+c.Cause, "Remedy: "+c.Remedy, "Lessons: "+c.Lessons)
		if c.NoSanction != "" {
			says = append(says, "Nobody was disciplined: "+c.NoSanction)
		}
	}
	if e.What == breach.Reminded {
		return append(says, e.Reason)
	}
	if e.Reason != "" {
		says = append(says, "Reason: "+e.Reason)
	}
	return append(says, e.Text)
}

// factChanges tells which facts a step has changed, with what was held before.
func (v *visit) factChanges(i *breach.Incident, e breach.Event) (says []string) {
	var before *breach.Facts
	for _, x := range i.History[:e.N-1] {
		if x.Facts != nil {
			before = x.Facts
		}
	}
	if before == nil {
		return []string{e.Facts.What}
	}
	was, wasTexts, err := v.incidentFacts(*before)
	is, isTexts, err2 := v.incidentFacts(*e.Facts)
	if err != nil || err2 != nil {
		return nil
	}
	if before.Title != e.Facts.Title {
		says = append(says, fmt.Sprintf("Title: “%s”, before “%s”", e.Facts.Title, before.Title))
	}
	for _, x := range append(slices.Clone(is), isTexts...) {
		old := "nothing"
		for _, y := range append(slices.Clone(was), wasTexts...) {
			if y.Name == x.Name {
				old = y.Value
			}
		}
		if old != x.Value {
			says = append(says, fmt.Sprintf("%s: %s — before: %s", x.Name, x.Value, old))
		}
	}
	for _, y := range append(slices.Clone(was), wasTexts...) {
		if !slices.ContainsFunc(append(slices.Clone(is), isTexts...), func(x fact) bool { return x.Name == y.Name }) {
			says = append(says, fmt.Sprintf("%s: nothing — before: %s", y.Name, y.Value))
		}
	}
	return says
}

// hashIn gives the hash of a step out of its entry.
func hashIn(entry []byte) string {
	var told struct {
		Hash string `json:"hash"`
		Step int    `json:"step"`
	}
	if vault.Detail(entry, &told) != nil || told.Step == 0 {
		return "the entry names none"
	}
	return strings.TrimSpace(told.Hash + " (step " + strconv.Itoa(told.Step) + ")")
}
