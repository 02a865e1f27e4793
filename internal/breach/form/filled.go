package form

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Filled is a report: what stands in each field of a form, in its order. It is whole by itself, so that what was filed is read and
// printed years later without the form. Until it has a receipt it is a draft.
//
// cite: P-45, P-51, P-52, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
type Filled struct {
	Form     Ref       `json:"form"`
	Incident string    `json:"incident"` // the carrier's number of it
	Exercise bool      `json:"exercise"` // it is a rehearsal, and no report
	Made     time.Time `json:"made"`     // when it was drafted, in the carrier's zone
	From     []string  `json:"from"`     // letterhead: the carrier's name, then its address
	Receipt  *Receipt  `json:"receipt,omitempty"`
	Sections []Part    `json:"sections"`
}

// Ref names a version of a form.
type Ref struct {
	ID       string       `json:"id"`
	Version  workday.Date `json:"version"`
	Title    string       `json:"title"`
	Profile  string       `json:"profile"`
	Source   string       `json:"source"`
	Currency string       `json:"currency"`
	Hash     string       `json:"hash"` // of the form's file
}

// Part is a section of a report.
type Part struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Help   string   `json:"help,omitempty"`
	Fields []Answer `json:"fields"`
}

// Answer is what stands in a field.
type Answer struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Help  string `json:"help"`
	Kind  Kind   `json:"kind"`
	Value string `json:"-"`    // as Values keep it; "": nothing
	Text  string `json:"text"` // as people read it, and as it is copied into the facility
	// Changed: a person wrote it over what the records say. Drafted is what those say, in the form of Value.
	Changed  bool     `json:"changed,omitempty"`
	Drafted  string   `json:"drafted,omitempty"`
	Required bool     `json:"required,omitempty"` // here and now, also because of what another field says
	Problem  *Problem `json:"problem,omitempty"`  // nil: none
	Cites    []string `json:"cites"`

	// What a page needs to ask for it; none of it is kept.
	Options []Option `json:"-"`
	Unknown bool     `json:"-"` // that it is not known yet is an answer
	Longest int      `json:"-"`
}

// Receipt is what the facility gave for a report, as a person entered it.
//
// cite: P-45, P-51, 47 CFR 64.2011(b)
type Receipt struct {
	Number   string         `json:"number"`
	At       time.Time      `json:"at"`       // when the facility took the report
	Agencies []clock.Agency `json:"agencies"` // to which it says the report went
	Facility string         `json:"facility"` // the address of the facility
}

// Values gives the answers that are recorded facts, with what a person wrote over them. An answer of the person is there by its name, also
// where it is empty; what the form does not ask is left out.
func (f *Form) Values(facts Facts, changed Values) Values {
	v := Values{}
	for _, x := range f.Fields() {
		said, is := changed[x.Name]
		if !is {
			said = f.drafted(x, facts)
		}
		if said != "" {
			v[x.Name] = said
		}
	}
	return v
}

// drafted is what the records say to a field.
func (f *Form) drafted(x Field, from Facts) string {
	fact := facts[x.From]
	if fact == nil {
		return ""
	}
	said := fact(from)
	if x.Kind == Text || x.Kind == Long {
		return x.Read(nil, said)
	}
	return said
}

// Draft fills the form in: from what is recorded, and with what a person wrote over it, which wins and is marked. What is missing or wrong
// stands with each field.
//
// cite: P-45, P-52, 47 CFR 64.2011(b)
func (f *Form) Draft(from Facts, changed Values) Filled {
	v := f.Values(from, changed)
	out := Filled{Form: Ref{f.ID, f.Version, f.Title, f.Profile, f.Source, f.Currency, f.hash}, Incident: from.Number, Exercise: from.Exercise, Made: from.Made.In(from.in()).Truncate(time.Second), From: []string{}}
	for _, line := range []string{from.Carrier.LegalName, from.Carrier.Address} {
		if line = strings.Join(strings.Fields(clean(line)), " "); line != "" {
			out.From = append(out.From, line)
		}
	}
	for _, s := range f.Sections {
		part := Part{ID: s.ID, Title: s.Title, Help: s.Help}
		for _, x := range s.Fields {
			a := Answer{Name: x.Name, Label: x.Label, Help: x.Help, Kind: x.Kind, Value: v[x.Name], Text: x.Text(f.Currency, v[x.Name]), Problem: f.problem(x, v), Cites: slices.Clone(x.Cites),
				Options: slices.Clone(x.Options), Unknown: x.Unknown, Longest: x.Longest}
			a.Required = x.Required || f.holds(x.When, v)
			if drafted := f.drafted(x, from); a.Value != drafted {
				a.Changed, a.Drafted = true, drafted
			}
			part.Fields = append(part.Fields, a)
		}
		out.Sections = append(out.Sections, part)
	}
	return out
}

// Problems are those of all fields, in their order.
func (r Filled) Problems() []Problem {
	var all []Problem
	for _, s := range r.Sections {
		for _, a := range s.Fields {
			if a.Problem != nil {
				all = append(all, *a.Problem)
			}
		}
	}
	return all
}

// Answer finds what stands in a field.
func (r Filled) Answer(name string) (Answer, bool) {
	for _, s := range r.Sections {
		for _, a := range s.Fields {
			if a.Name == name {
				return a, true
			}
		}
	}
	return Answer{}, false
}

// Mark is what stands on every page of it: that it is a draft, an exercise or both; "": neither.
func (r Filled) Mark() string {
	switch {
	case r.Exercise && r.Receipt == nil:
		return "EXERCISE · DRAFT"
	case r.Exercise:
		return "EXERCISE"
	case r.Receipt == nil:
		return "DRAFT"
	}
	return ""
}

// Filed gives the copy that is kept of a report that a person filed: the same report with the facility's receipt. A receipt without its
// number or time is refused, and so is a second one. A report that lacks something is taken like any other, for the facility has it; the
// copy shows what it lacks, and a supplement brings it. Where the receipt names fewer agencies than have to be told, it is kept for what it is,
// and Untold names the others.
//
// cite: P-45, P-51, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
func (r Filled) Filed(with Receipt) (Filled, error) {
	if r.Receipt != nil {
		return r, cpni.Rejected(CodeReceipt, "the report was filed already, and what was filed is not changed", []string{"P-51", "47 CFR 64.2011(d)"}, "file a supplement")
	}
	if with.Number = strings.Join(strings.Fields(clean(with.Number)), " "); with.Number == "" || with.At.IsZero() {
		return r, cpni.Rejected(CodeReceipt, "the facility’s receipt has no number, or no time at which the report was taken", []string{"P-45", "47 CFR 64.2011(b)"}, "enter both as the facility gave them")
	}
	with.At, with.Agencies = with.At.In(r.Made.Location()).Truncate(time.Second), slices.Clone(with.Agencies)
	slices.Sort(with.Agencies)
	with.Agencies = slices.Compact(with.Agencies)
	r.Receipt = &with
	return r, nil
}

// Agencies are those to which the report is addressed.
//
// cite: P-45, 47 CFR 64.2011(b)
func (r Filled) Agencies() []clock.Agency {
	a, _ := r.Answer("agencies")
	var all []clock.Agency
	for _, w := range strings.Split(a.Value, between) {
		if w != "" {
			all = append(all, clock.Agency(w))
		}
	}
	return all
}

// Urgent reports whether it says that customers have to be told at once.
//
// cite: P-47, 47 CFR 64.2011(b)(2)
func (r Filled) Urgent() bool {
	a, _ := r.Answer("urgent")
	return a.Value == "yes"
}

// Untold are the agencies to which the report is addressed and which the receipt does not name; of a draft, all of them.
//
// cite: P-45, 47 CFR 64.2011(b)
func (r Filled) Untold() []clock.Agency {
	return slices.DeleteFunc(r.Agencies(), func(a clock.Agency) bool { return r.Receipt != nil && slices.Contains(r.Receipt.Agencies, a) })
}

// Name is how a copy of the report is called as a file, without an ending.
func (r Filled) Name() string {
	state := "draft"
	if r.Receipt != nil {
		state = "filed"
	}
	if r.Exercise {
		state = "exercise-" + state
	}
	number := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
			return c
		}
		return '-'
	}, r.Incident)
	return fmt.Sprintf("breach-report-%s-%s", number, state)
}
