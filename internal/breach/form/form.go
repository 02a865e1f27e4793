// Package form is the report of a breach to the agencies as a form: which fields it has by version, what stands in them as far as it is
// recorded, what is missing before a person files it at the central facility, and the copy that is kept of what was filed.
//
// A form is data (policy/forms): this package decides nothing about an incident. Facts come in as a plain struct, what a person wrote over
// them as Values, and a Filled report comes out, as JSON of which every byte is fixed and as a document for people. Nothing in it says who a
// customer is. Nothing is sent: a person files the report, and enters the receipt.
//
// cite: P-45, P-51, P-52, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
package form

import (
	"slices"

	"ringfence/internal/workday"
)

// Kind is what can stand in a field.
type Kind string

// The kinds.
const (
	Text    Kind = "text"       // one line
	Long    Kind = "long-text"  // paragraphs
	Day     Kind = "date"       // a day, such as 2026-11-24
	Moment  Kind = "moment"     // a minute with its distance from UTC
	Range   Kind = "date-range" // a first and a last day; either may be open
	Count   Kind = "count"      // a whole number
	Money   Kind = "money"      // an amount in the form's currency
	Choice  Kind = "choice"     // one of the field's options
	Choices Kind = "choices"    // one or more of them
	YesNo   Kind = "yes-no"
)

var kinds = []Kind{Text, Long, Day, Moment, Range, Count, Money, Choice, Choices, YesNo}

// Form is one version of a form. It never changes once it is read.
type Form struct {
	ID       string       `yaml:"form"`
	Version  workday.Date `yaml:"version"` // the day from which the form is as it is
	Title    string       `yaml:"title"`
	Profile  string       `yaml:"profile"`       // whose reports it is for, such as breach-2007
	Source   string       `yaml:"source"`        // of what it asks
	Verified workday.Date `yaml:"last_verified"` // when somebody last compared it with its source
	Currency string       `yaml:"currency"`      // of its amounts, such as USD
	Sections []Section    `yaml:"sections"`

	hash string // of the file, as SHA-256 in hex
}

// Section is a group of fields under a title.
type Section struct {
	ID     string  `yaml:"id"`
	Title  string  `yaml:"title"`
	Help   string  `yaml:"help"`
	Fields []Field `yaml:"fields"`
}

// Field is one thing that is asked.
type Field struct {
	Name  string `yaml:"name"`  // by which it is kept; the same in every form that asks the same
	Label string `yaml:"label"` // as people read it
	Help  string `yaml:"help"`  // what belongs in it
	Kind  Kind   `yaml:"kind"`
	// Without a field that is required the report is not filed; one that is wanted is missed, and holds nothing up.
	Required bool `yaml:"required"`
	Wanted   bool `yaml:"wanted"`
	When     When `yaml:"required-when"`
	// Unknown: that it is not known yet is an answer.
	Unknown bool     `yaml:"unknown"`
	Longest int      `yaml:"longest"` // of a text, in characters
	Options []Option `yaml:"options"`
	Must    []string `yaml:"must"` // options that have to be among those that are chosen
	// NotBefore and NotAfter name another field that has a day. Of a range its first day counts.
	NotBefore string `yaml:"not-before"`
	NotAfter  string `yaml:"not-after"`
	// From is the fact that it is drafted from; "": a person writes it.
	From  string   `yaml:"from"`
	Cites []string `yaml:"cites"` // clauses and sections because of which it is asked
}

// When is a condition: another field says something.
type When struct {
	Field string `yaml:"field"`
	Is    string `yaml:"is"`
}

// Option is something that can be chosen.
type Option struct {
	Is   string `yaml:"is"`   // by which it is kept
	Says string `yaml:"says"` // as people read it
}

// Hash is that of the file of the form, as SHA-256 in hex.
func (f *Form) Hash() string { return f.hash }

// Named is the form with its version in one word, such as breach-report-2007/2026-11-26, by which Forms.Named finds it again.
func (f *Form) Named() string { return f.ID + "/" + f.Version.String() }

// Fields lists all fields in their order.
func (f *Form) Fields() []Field {
	var all []Field
	for _, s := range f.Sections {
		all = append(all, s.Fields...)
	}
	return all
}

// Field finds a field by its name.
func (f *Form) Field(name string) (Field, bool) {
	for _, s := range f.Sections {
		for _, x := range s.Fields {
			if x.Name == name {
				return x, true
			}
		}
	}
	return Field{}, false
}

// says gives the words of an option.
func (x Field) says(option string) (string, bool) {
	i := slices.IndexFunc(x.Options, func(o Option) bool { return o.Is == option })
	if i < 0 {
		return "", false
	}
	return x.Options[i].Says, true
}

// Forms are all forms of a policy.
type Forms struct {
	all []*Form // by id, the newest version first
}

// All lists the forms by their ids, the newest version of each first.
func (f *Forms) All() []*Form { return slices.Clone(f.all) }

// Form finds a version of a form.
func (f *Forms) Form(id string, version workday.Date) (*Form, bool) {
	i := slices.IndexFunc(f.all, func(x *Form) bool { return x.ID == id && x.Version == version })
	if i < 0 {
		return nil, false
	}
	return f.all[i], true
}

// Named finds what Form.Named names.
func (f *Forms) Named(name string) (*Form, bool) {
	i := slices.IndexFunc(f.all, func(x *Form) bool { return x.Named() == name })
	if i < 0 {
		return nil, false
	}
	return f.all[i], true
}

// For gives the newest form for the reports of a profile, such as breach-2007.
//
// cite: P-45, 47 CFR 64.2011(b)
func (f *Forms) For(profile string) (*Form, bool) {
	var newest *Form
	for _, x := range f.all {
		if x.Profile == profile && (newest == nil || x.Version.After(newest.Version)) {
			newest = x
		}
	}
	return newest, newest != nil
}
