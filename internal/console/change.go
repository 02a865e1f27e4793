package console

import (
	"slices"
	"strconv"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// changeView is what can be changed of the account in a contact.
//
// cite: P-19, P-23, P-25, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
type changeView struct {
	Proved     bool // the customer, and not somebody else, is proved
	Secrets    []changeForm
	Account    []changeForm
	Lines      []lineChoice // in service
	Categories []option
	Set        []string // credentials that are there
	People     []string // names of those who may speak for the customer
	PeopleTold string
	Classes    []option // what they may be let see
	Ways       []choice
	Languages  []choice
}

// changeForm is one form: what it changes, and who is told of it and how.
type changeForm struct {
	ID, Title, Label, Help string
	Secret, Question       bool
	Mode                   string // of the keyboard
	Told                   string
	Open                   bool
}

// lineChoice is a line to be removed, or whose listing is to be changed.
type lineChoice struct {
	No     int
	Number string
	Listed bool
}

// changeView makes the view. Nothing is offered before the customer is proved.
func (v *visit) changeView(s *contact.State, p *customer.Profile) changeView {
	view := changeView{}
	for _, e := range v.evidence(s) {
		view.Proved = view.Proved || e.Method != cpni.ByBackup && s.Speaker == contact.Customer
	}
	if !view.Proved {
		return view
	}
	form := func(id, what, title, label, help string) changeForm {
		f := changeForm{ID: id, Title: title, Label: label, Help: help, Mode: "text", Open: v.flash.Form == "change-"+id}
		if what != "" {
			f.Told = "The customer is told " + told(v.office.Contacts.WouldTell(p, what)) + "; the notice never tells the new value, and never goes to it."
			if len(v.office.Contacts.WouldTell(p, what)) == 0 {
				f.Told = "Nothing is on the account by which the customer could be told of it."
			}
		}
		return f
	}
	rules := contact.RulesOf(v.office.Policy.Numbers(v.now)).Secrets
	password := form("password", customer.WhatPassword, "New password", "The new password", "At least "+counted(rules.ShortestPassword, "character", "characters")+", nothing that others can know or guess. As the caller says it.")
	pin := form("pin", customer.WhatPIN, "New PIN", "The new PIN", "Exactly "+counted(rules.PINDigits, "digit", "digits")+", no run, no repeat, nothing that stands on a bill.")
	backup := form("backup", customer.WhatBackup, "New backup question", "The answer", "About nothing that a relative, a bill or a search would tell. It only ever begins a new password.")
	password.Secret, pin.Secret, backup.Secret, backup.Question, pin.Mode = true, true, true, true, "numeric"
	view.Secrets = []changeForm{password, pin, backup}
	if !p.Online {
		view.Secrets = append(view.Secrets, form("online", customer.WhatOnline, "Online account", "", "It begins without a password of its own: the customer sets one by a code to record."))
	}
	age := length(v.age())
	if days := int(v.age().Hours() / 24); v.age().Hours() == float64(days*24) {
		age = counted(days, "day", "days")
	}
	postal := form("postal", customer.WhatPostal, "New postal address", "The new address, in one line", "Nothing is sent there for "+age+" but what bills need: then it is of record.")
	email := form("email", customer.WhatEmail, "New e-mail address", "The new address", "It is of record after "+age+".")
	number := form("contact-number", customer.WhatContactNumber, "Contact number", "A number to reach them", "It is never one of record and proves nothing.")
	add := form("line-add", customer.WhatLines, "Add a line", "Its number", "")
	email.Mode, number.Mode, add.Mode = "email", "tel", "tel"
	view.Account = []changeForm{postal, email, number, add}
	for _, l := range p.LiveLines(v.now) {
		if len(view.Lines) == mostLines {
			break
		}
		view.Lines = append(view.Lines, lineChoice{l.No, spaced(l.Number), l.Listed})
	}
	if len(view.Lines) > 0 {
		view.Account = append(view.Account, form("line-remove", customer.WhatLines, "Remove a line", "", "What is on its way to it is taken back, and it is of record no longer."),
			form("listed", customer.WhatListing, "Directory listing", "", "Whether a number is published."))
		view.Account = append(view.Account, v.simForms(p, form)...)
	}
	for _, c := range []cpni.Category{cpni.Local, cpni.LongDistance, cpni.Wireless, cpni.VoIP} {
		view.Categories = append(view.Categories, option{string(c), capital(categoryWords[c])})
	}
	for _, a := range p.Speakers() { // under care nobody is named who knows the household
		view.People = append(view.People, a.Name)
	}
	view.PeopleTold = form("authorise", customer.WhatAuthorised, "", "", "").Told
	view.Classes = optionsOf(classWords, []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Location, cpni.Billing})
	for _, o := range []option{{"", "No wish"}, {string(cpni.Text), "Text"}, {string(cpni.Voice), "Call"}, {string(cpni.Email), "E-mail"}, {string(cpni.Postal), "Post"}} {
		view.Ways = append(view.Ways, choice{o, string(p.NoticeBy) == o.Value})
	}
	for _, o := range []option{{"en", "English"}, {"es", "Spanish"}} {
		view.Languages = append(view.Languages, choice{o, p.Language == o.Value})
	}
	return view
}

// change changes the account. Only where the customer is proved in the contact is anything changed; the services see to it.
//
// cite: P-19, P-22, P-23, P-24, P-25, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func (v *visit) change() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	what := v.form.Get("what")
	planned, err := v.changed(s, what)
	note := simNote(what)
	if len(planned) > 0 {
		note += " The customer is told " + told(planned) + "."
	}
	return v.did(s, "change-"+what, note, err)
}

// changed does one change.
func (v *visit) changed(s *contact.State, what string) ([]contact.Planned, error) {
	ctx := v.r.Context()
	value := v.field("value")
	enrol := contact.Enrolment{Contact: s.ID, By: string(v.member.ID)}
	alter := contact.Alteration{Contact: s.ID, Customer: s.Customer, By: v.member.ID}
	switch what {
	case "password":
		enrol.Password = v.form.Get("value")
	case "pin":
		enrol.PIN = value
	case "backup":
		if question := v.field("question"); question != "" && value != "" {
			enrol.Backup = map[string]string{question: v.form.Get("value")}
		}
	case "online":
		enrol.Online = true
	case "postal":
		alter.Postal = value
	case "email":
		alter.Email = value
	case "contact-number":
		alter.ContactNumber = value
	case "authorise":
		if value != "" {
			alter.Authorise = &contact.Authorisation{Name: value, Password: v.form.Get("password")}
			for _, c := range v.form["data"] {
				alter.Authorise.Data = append(alter.Authorise.Data, cpni.DataClass(c))
			}
		}
	case "dismiss":
		alter.Dismiss = value
	case "ways":
		alter.Ways = &contact.Ways{NoticeBy: cpni.Via(value), Language: v.field("language")}
	case "line-add":
		l := customer.Line{Number: value, Listed: v.form.Get("listed") == "yes"}
		for _, c := range v.form["category"] {
			l.Categories = append(l.Categories, cpni.Category(c))
		}
		if value != "" {
			if len(l.Categories) == 0 {
				return nil, cpni.Rejected("BAD_INPUT", "the line has no category of service", []string{"47 CFR 64.2005(a)"}, "tick at least one")
			}
			alter.LineAdd = &l
		}
	case "sim", "sim-done", "sim-lock", "sim-unlock":
		return v.simChanged(s, what)
	case "line-remove", "listed":
		number, err := v.numberAt(s, v.form.Get("line"))
		if err != nil {
			return nil, err
		}
		if what == "listed" {
			alter.Listed = map[string]bool{number: v.form.Get("listed") == "yes"}
		} else {
			alter.LineRemove = number
		}
	default:
		return nil, cpni.Rejected("BAD_INPUT", "that is nothing that can be changed here", []string{"P-23"}, "use one of the forms on the page")
	}
	if slices.Contains([]string{"password", "pin", "backup", "online"}, what) {
		return v.office.Contacts.Enrol(ctx, enrol)
	}
	return v.office.Contacts.Alter(ctx, alter)
}

// text names a line in a list.
func (l lineChoice) text() string {
	if l.Listed {
		return l.Number + ", listed"
	}
	return l.Number
}

// value is the place of the line, as forms send it.
func (l lineChoice) value() string { return strconv.Itoa(l.No) }

// opened reports whether a form of these was just sent.
func opened(all []changeForm) bool {
	return slices.ContainsFunc(all, func(f changeForm) bool { return f.Open })
}

// verb is what the button of the form says.
func (f changeForm) verb() string {
	switch f.ID {
	case "line-add":
		return "Add it"
	case "line-remove":
		return "Remove it"
	case "online":
		return "Open it"
	}
	return "Set it"
}
