package server

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"

	"ringfence/internal/breach/form"
)

// Reports is what reports of breaches to the agencies say of the carrier. All of it may be left out; what is there is in its form.
//
// cite: P-45, P-52, 47 CFR 64.2011(b)
type Reports struct {
	LegalName string        `yaml:"legal-name,omitempty"` // empty: carrier.name
	FRN       string        `yaml:"frn,omitempty"`        // the FCC Registration Number, ten digits, in quotes
	FilerID   string        `yaml:"filer-id,omitempty"`   // of Form 499, six digits, in quotes
	Address   string        `yaml:"address,omitempty"`    // in one line; empty: carrier.contact.post
	States    []string      `yaml:"states,omitempty"`     // in which the carrier serves, by their two letters
	Contact   ReportContact `yaml:"contact,omitempty"`
}

// ReportContact is whom the agencies ask.
type ReportContact struct {
	Name  string `yaml:"name,omitempty"`
	Title string `yaml:"title,omitempty"`
	Phone string `yaml:"phone,omitempty"`
	Email string `yaml:"email,omitempty"`
}

// filer is the same for forms.
func (r Reports) filer() form.Carrier {
	return form.Carrier{LegalName: r.LegalName, FRN: r.FRN, FilerID: r.FilerID, Address: r.Address, States: r.States,
		Contact: form.Contact{Name: r.Contact.Name, Title: r.Contact.Title, Phone: r.Contact.Phone, Email: r.Contact.Email}}
}

var (
	frnForm     = regexp.MustCompile(`^[0-9]{10}$`)
	filerIDForm = regexp.MustCompile(`^[0-9]{6}$`)
	stateForm   = regexp.MustCompile(`^[A-Z]{2}$`)
)

// check reports what is there and not in its form: a report with the number of another carrier is worse than one without.
//
// cite: P-45, 47 CFR 64.2011(b)
func (r Reports) check() []error {
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	if r.FRN != "" && !frnForm.MatchString(r.FRN) {
		say("CONFIG: carrier.reports.frn %q is no FCC Registration Number (P-45): write its ten digits in quotes, such as \"0012345678\"", r.FRN)
	}
	if r.FilerID != "" && !filerIDForm.MatchString(r.FilerID) {
		say("CONFIG: carrier.reports.filer-id %q is no filer id of Form 499 (P-45): write its six digits in quotes, such as \"812345\"", r.FilerID)
	}
	for _, s := range r.States {
		if !stateForm.MatchString(s) {
			say("CONFIG: carrier.reports.states has %q (P-45): write the two letters of each state or territory, such as [VA, MD]", s)
		}
	}
	if x := r.Contact.Email; x != "" {
		if a, err := mail.ParseAddress(x); err != nil || a.Address != x {
			say("CONFIG: carrier.reports.contact.email is no address (P-45): write one that is read every day")
		}
	}
	for name, v := range map[string]string{"legal-name": r.LegalName, "address": r.Address, "contact.name": r.Contact.Name, "contact.title": r.Contact.Title, "contact.phone": r.Contact.Phone} {
		if strings.ContainsAny(v, "\r\n") {
			say("CONFIG: carrier.reports.%s is more than a line (P-45): write it in one", name)
		}
	}
	return wrong
}
