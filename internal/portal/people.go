package portal

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// peoplePlaces are where customers keep how they are reached, and who may speak for them.
//
// cite: P-16, P-21, P-23, P-24, P-25, 47 CFR 64.2003(f), 47 CFR 64.2010(f)
func peoplePlaces() []place {
	return []place{
		{"GET " + peoplePath, visiting((*Portal).people)},
		{"GET " + peoplePath + "/postal", proving((*Portal).peopleForm)},
		{"POST " + peoplePath + "/postal", proving((*Portal).changePostal)},
		{"GET " + peoplePath + "/email", proving((*Portal).peopleForm)},
		{"POST " + peoplePath + "/email", proving((*Portal).changeEmail)},
		{"GET " + peoplePath + "/number", proving((*Portal).peopleForm)},
		{"POST " + peoplePath + "/number", proving((*Portal).changeNumber)},
		{"GET " + peoplePath + "/ways", proving((*Portal).peopleForm)},
		{"POST " + peoplePath + "/ways", proving((*Portal).changeWays)},
		{"GET " + peoplePath + "/person", proving((*Portal).personForm)},
		{"POST " + peoplePath + "/person", proving((*Portal).changePerson)},
		{"POST " + peoplePath + "/person/remove", proving((*Portal).removePerson)},
	}
}

const peoplePath = "/account/people"

// peopleView is the page of addresses and people, or one of its forms.
type peopleView struct {
	visit
	Form    string
	Failed  string
	Effect  string // what the change sets off
	Value   string // as it was typed
	Postal  addressShown
	Email   addressShown
	Persons []personShown
	Person  personShown      // of the form
	Alone   bool             // under the care that the customer has asked for nobody speaks for them
	Classes []cpni.DataClass // that a person can be let see
	Chosen  []cpni.DataClass // likewise, of the form
	By      cpni.Via         // by which the customer would rather hear of changes
	Tongue  string           // in which they are written to
	Vias    []cpni.Via       // to choose from
	Mobile  bool             // the carrier offers mobile service
}

// addressShown is an address as its owner sees it.
type addressShown struct {
	customer.Address
	There    bool
	OfRecord time.Time // from when on it is one of record; zero: it is
}

// personShown is somebody whom the customer lets speak for them.
type personShown struct {
	customer.Authorised
	N        int // in the list, from 1; 0: nobody's yet
	Password bool
}

// canSee are the classes that an authorised person can be let see, in the order in which pages show them.
//
// cite: P-16, 47 CFR 64.2003(f)
var canSee = []cpni.DataClass{cpni.Billing, cpni.Service, cpni.Usage, cpni.CallDetail, cpni.Location}

func (p *Portal) peopleView(v visit, title string) peopleView {
	now := p.office.Clock.Now()
	age := p.office.Policy.Numbers(now).Duration("cpni-core", "address_of_record_age")
	show := func(all []customer.Address) addressShown {
		a, ok := customer.Current(all, now)
		s := addressShown{Address: a, There: ok}
		if ok && !a.OfRecord(now.In(p.office.Zone), age) {
			s.OfRecord = a.Since.Add(age)
		}
		return s
	}
	view := peopleView{visit: v.titled(title), Postal: show(v.Profile.Postal), Email: show(v.Profile.Email), Classes: canSee, By: v.Profile.NoticeBy, Tongue: v.Profile.Language,
		Vias: []cpni.Via{"", cpni.Text, cpni.Voice, cpni.Email, cpni.Postal}, Alone: v.Profile.Safety != nil && v.Profile.Safety.Alone, Mobile: p.office.Door.CMRS}
	for i, a := range v.Profile.Authorised {
		view.Persons = append(view.Persons, personShown{a, i + 1, a.Credentials.Password.Proves()})
	}
	return view
}

func (p *Portal) people(w http.ResponseWriter, r *http.Request, v visit) error {
	p.show(w, r, http.StatusOK, peoplePage(p.peopleView(v, "people")))
	return nil
}

// whatOfPeople is what the forms of the page change.
var whatOfPeople = map[string]string{"postal": customer.WhatPostal, "email": customer.WhatEmail, "number": customer.WhatContactNumber, "ways": customer.WhatNotices, "person": customer.WhatAuthorised}

func (p *Portal) peopleFormOf(v visit, form string) peopleView {
	view := p.peopleView(v, "people-"+form)
	view.Form, view.Effect = form, p.effect(v, whatOfPeople[form])
	return view
}

func (p *Portal) peopleForm(w http.ResponseWriter, r *http.Request, v visit) error {
	p.show(w, r, http.StatusOK, peopleFormPage(p.peopleFormOf(v, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])))
	return nil
}

// alter makes a change in the contact in which the customer has proved themselves, and goes back to the page, which says so.
// Of what is refused the form is shown again.
//
// cite: P-16, P-23, P-24, P-25, 47 CFR 64.2010(f)
func (p *Portal) alter(w http.ResponseWriter, r *http.Request, v visit, form peopleView, said string, a contact.Alteration) error {
	a.Contact = v.Contact.ID
	told, err := p.office.Contacts.Alter(r.Context(), a)
	if err != nil {
		if form.Failed, err = notTaken(v.Language, err); err != nil {
			return err
		}
		p.show(w, r, http.StatusForbidden, peopleFormPage(form))
		return nil
	}
	if len(told) == 0 {
		said = "said-unchanged"
		if after, _, err := p.office.Customers.Get(r.Context(), v.Customer); err == nil && len(after.Changes) > 0 && !slices.ContainsFunc(v.Profile.Changes, func(c customer.Changed) bool { return c.ID == after.Changes[len(after.Changes)-1].ID }) {
			said = "said-untold"
		}
	}
	return v.onward(p, w, r, peoplePath, said)
}

func (p *Portal) changePostal(w http.ResponseWriter, r *http.Request, v visit) error {
	form := p.peopleFormOf(v, "postal")
	form.Value = oneLine(r.PostForm.Get("postal"))
	return p.alter(w, r, v, form, "said-postal", contact.Alteration{Postal: form.Value})
}

// changeEmail sets the e-mail address; or takes the customer's express yes or no to getting notices there.
//
// cite: P-23, P-27, 47 CFR 64.2008(d)(3), 47 CFR 64.2010(f)
func (p *Portal) changeEmail(w http.ResponseWriter, r *http.Request, v visit) error {
	form := p.peopleFormOf(v, "email")
	switch r.PostForm.Get("notices") {
	case "yes":
		return p.alter(w, r, v, form, "said-email-yes", contact.Alteration{EmailNotices: new(true)})
	case "no":
		return p.alter(w, r, v, form, "said-email-no", contact.Alteration{EmailNotices: new(false)})
	}
	form.Value = strings.TrimSpace(r.PostForm.Get("email"))
	return p.alter(w, r, v, form, "said-email", contact.Alteration{Email: form.Value})
}

func (p *Portal) changeNumber(w http.ResponseWriter, r *http.Request, v visit) error {
	form := p.peopleFormOf(v, "number")
	if gone := r.PostForm.Get("gone"); gone != "" {
		return p.alter(w, r, v, form, "said-number-gone", contact.Alteration{ContactNumberGone: gone})
	}
	form.Value = strings.TrimSpace(r.PostForm.Get("number"))
	return p.alter(w, r, v, form, "said-number", contact.Alteration{ContactNumber: form.Value})
}

// changeWays takes how the customer would rather hear of changes, and in which language they are written to.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func (p *Portal) changeWays(w http.ResponseWriter, r *http.Request, v visit) error {
	form := p.peopleFormOf(v, "ways")
	form.By, form.Tongue = cpni.Via(r.PostForm.Get("by")), r.PostForm.Get("tongue")
	return p.alter(w, r, v, form, "said-ways", contact.Alteration{Ways: &contact.Ways{NoticeBy: form.By, Language: form.Tongue}})
}

// personOf is the form of a person: of the n-th whom the customer lets speak for them, or of a new one.
func (p *Portal) personOf(v visit, n string) peopleView {
	form := p.peopleFormOf(v, "person")
	if i, err := strconv.Atoi(n); err == nil && i > 0 && i <= len(form.Persons) {
		form.Person = form.Persons[i-1]
		form.Chosen = form.Person.Data
		form.Title = form.says("people-person-change")
	}
	return form
}

func (p *Portal) personForm(w http.ResponseWriter, r *http.Request, v visit) error {
	p.show(w, r, http.StatusOK, peopleFormPage(p.personOf(v, r.URL.Query().Get("n"))))
	return nil
}

// changePerson lets somebody speak for the customer, or lets them see something else. What they may see is ticked one by one:
// nothing is until the customer has.
//
// cite: P-16, P-23, 47 CFR 64.2003(f)
func (p *Portal) changePerson(w http.ResponseWriter, r *http.Request, v visit) error {
	form := p.personOf(v, "")
	a := &contact.Authorisation{Name: oneLine(r.PostForm.Get("name")), Password: r.PostForm.Get("password")}
	for _, c := range canSee {
		if slices.Contains(r.PostForm["see"], string(c)) {
			a.Data = append(a.Data, c)
		}
	}
	for _, x := range form.Persons {
		if contact.Spoken(x.Name) == contact.Spoken(a.Name) {
			form.Person = x
			form.Title = form.says("people-person-change")
			for _, c := range x.Data { // what the page does not show stays as it is
				if !slices.Contains(canSee, c) {
					a.Data = append(a.Data, c)
				}
			}
		}
	}
	form.Value, form.Chosen = a.Name, a.Data
	if len(a.Data) == 0 {
		form.Failed = form.says("person-nothing")
		p.show(w, r, http.StatusForbidden, peopleFormPage(form))
		return nil
	}
	return p.alter(w, r, v, form, "said-person", contact.Alteration{Authorise: a})
}

func (p *Portal) removePerson(w http.ResponseWriter, r *http.Request, v visit) error {
	form := p.personOf(v, "")
	if r.PostForm.Get("name") == "" {
		return v.onward(p, w, r, peoplePath, "said-not-done")
	}
	return p.alter(w, r, v, form, "said-person-gone", contact.Alteration{Dismiss: r.PostForm.Get("name")})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// number writes a telephone number as people read it.
func number(e164 string) string {
	if len(e164) == 12 && strings.HasPrefix(e164, "+1") {
		return "+1 " + e164[2:5] + " " + e164[5:8] + " " + e164[8:]
	}
	return e164
}
