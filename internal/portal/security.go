package portal

import (
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// securityPlaces are where customers keep what proves who they are.
//
// cite: P-19, P-22, P-23, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func securityPlaces() []place {
	return []place{
		{"GET " + securityPath, visiting((*Portal).security)},
		{"GET " + securityPath + "/password", proving((*Portal).securityForm)},
		{"POST " + securityPath + "/password", proving((*Portal).changePassword)},
		{"GET " + securityPath + "/pin", proving((*Portal).securityForm)},
		{"POST " + securityPath + "/pin", proving((*Portal).changePIN)},
		{"GET " + securityPath + "/question", proving((*Portal).securityForm)},
		{"POST " + securityPath + "/question", proving((*Portal).changeQuestion)},
		{"POST " + securityPath + "/sessions", visiting((*Portal).endSession)},
	}
}

const securityPath = "/account/security"

// securityView is the page of what proves the customer, or a form of it.
type securityView struct {
	visit
	Form     string // password, pin or question
	Failed   string
	Effect   string // what the change sets off
	Question string // as it was typed
	Word     bool   // the customer has a word of their own in the place of password, PIN and questions
	Sessions []stayShown
	Keys     []keyShown
	Passkeys bool // browsers can keep passkeys for this server
	Secrets  contact.SecretRules
}

func (p *Portal) securityView(v visit, title string) securityView {
	return securityView{visit: v.titled(title), Word: v.Profile.Safety != nil && v.Profile.Safety.Word != nil, Passkeys: p.passkeys(), Secrets: p.secrets()}
}

func (p *Portal) security(w http.ResponseWriter, r *http.Request, v visit) error {
	s := p.securityView(v, "security")
	var err error
	if s.Sessions, err = p.stays(r.Context(), v.Customer, v.stay.hash); err != nil {
		return err
	}
	if s.Keys, err = p.keysShown(r.Context(), v.Profile); err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, securityPage(s))
	return nil
}

// secrets are the numbers that secrets have to fit.
func (p *Portal) secrets() contact.SecretRules {
	return contact.RulesOf(p.office.Policy.Numbers(p.office.Clock.Now())).Secrets
}

// whatOf is what the forms of the page change.
var whatOf = map[string]string{"password": customer.WhatPassword, "pin": customer.WhatPIN, "question": customer.WhatBackup, "passkey": customer.WhatOnline}

func (p *Portal) formOf(v visit, form string) securityView {
	s := p.securityView(v, "security-"+form)
	s.Form, s.Effect = form, p.effect(v, whatOf[form])
	if s.Word && form == "password" {
		s.Effect = v.says("effect-word")
	}
	return s
}

func (p *Portal) securityForm(w http.ResponseWriter, r *http.Request, v visit) error {
	p.show(w, r, http.StatusOK, securityFormPage(p.formOf(v, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])))
	return nil
}

// effect says in a sentence what a change sets off: who is told of it, and what the message never says.
//
// cite: P-23, P-25, I-09, 47 CFR 64.2010(f)
func (p *Portal) effect(v visit, what string) string {
	var ways []string
	for _, n := range p.office.Contacts.WouldTell(v.Profile, what) {
		if way := v.says("effect-" + string(n.Via)); !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	if len(ways) == 0 {
		return v.says("effect-nobody")
	}
	return strings.Replace(v.says("effect"), "%s", strings.Join(ways, v.says("effect-and")), 1)
}

// refuse shows a form again with why it was not taken.
func (p *Portal) refuse(w http.ResponseWriter, r *http.Request, s securityView, err error) error {
	if s.Failed, err = notTaken(s.Language, err); err != nil {
		return err
	}
	p.show(w, r, http.StatusForbidden, securityFormPage(s))
	return nil
}

// setSecret sets a customer's password. Of who has a word of their own it is that word: the password of before proves nothing,
// and no message about it goes where others may read it.
//
// cite: P-19, P-23, 47 USC 222(a), 47 CFR 64.2010(e)
func (p *Portal) setSecret(r *http.Request, in cpni.ID, of *customer.Profile, password string) error {
	if s := of.Safety; s != nil && s.Word != nil {
		return p.office.Contacts.Care(r.Context(), contact.Care{Contact: in, Word: password, Shared: s.Shared, Alone: s.Alone})
	}
	_, err := p.office.Contacts.Enrol(r.Context(), contact.Enrolment{Contact: in, Password: password})
	return err
}

// saidOf is what is said once a password is set, or the word that stands in its place.
func saidOf(of *customer.Profile) string {
	if of.Safety != nil && of.Safety.Word != nil {
		return "said-word"
	}
	return "said-password"
}

var errNothing = cpni.Rejected("WEAK_SECRET", "nothing was typed", []string{"P-19"}, "choose one")

// changePassword sets another password. Every other browser is signed out, and this one gets a new word for its session.
//
// cite: P-19, P-22, P-23, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func (p *Portal) changePassword(w http.ResponseWriter, r *http.Request, v visit) error {
	ctx := r.Context()
	s := p.formOf(v, "password")
	password := r.PostForm.Get("password")
	if password == "" {
		return p.refuse(w, r, s, errNothing)
	}
	if err := p.setSecret(r, v.Contact.ID, v.Profile, password); err != nil {
		return p.refuse(w, r, s, err)
	}
	in, err := p.office.Contacts.Authenticate(ctx, v.Contact.ID, contact.Proof{Password: password})
	if err != nil {
		return err
	}
	if err := p.endStays(ctx, v.Customer, func(_ []byte, c cpni.ID) bool { return c != in.ID }); err != nil {
		return err
	}
	if err := p.renew(w, r, v, in); err != nil {
		return err
	}
	return v.onward(p, w, r, securityPath, saidOf(v.Profile))
}

// renew gives the browser another word for the session that it has.
func (p *Portal) renew(w http.ResponseWriter, r *http.Request, v visit, in *contact.State) error {
	if err := p.begin(w, r, in); err != nil {
		return err
	}
	return p.dropStay(r.Context(), v.stay.hash)
}

// changePIN sets the PIN that is asked for on the telephone.
//
// cite: P-19, P-23, 47 CFR 64.2010(b), 47 CFR 64.2010(f)
func (p *Portal) changePIN(w http.ResponseWriter, r *http.Request, v visit) error {
	pin := r.PostForm.Get("pin")
	err := error(errNothing)
	if pin != "" {
		_, err = p.office.Contacts.Enrol(r.Context(), contact.Enrolment{Contact: v.Contact.ID, PIN: pin})
	}
	if err != nil {
		s := p.formOf(v, "pin")
		var refusal *cpni.Refusal
		if errors.As(err, &refusal) && refusal.Code == "WEAK_SECRET" {
			s.Failed = v.counts("pin-weak", s.Secrets.PINDigits)
			p.show(w, r, http.StatusForbidden, securityFormPage(s))
			return nil
		}
		return p.refuse(w, r, s, err)
	}
	return v.onward(p, w, r, securityPath, "said-pin")
}

// changeQuestion sets a question that begins a new password when the old one is forgotten.
//
// cite: P-22, P-23, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func (p *Portal) changeQuestion(w http.ResponseWriter, r *http.Request, v visit) error {
	question, answer := strings.Join(strings.Fields(r.PostForm.Get("question")), " "), r.PostForm.Get("answer")
	err := error(errNothing)
	if question != "" && answer != "" {
		_, err = p.office.Contacts.Enrol(r.Context(), contact.Enrolment{Contact: v.Contact.ID, Backup: map[string]string{question: answer}})
	}
	if err != nil {
		s := p.formOf(v, "question")
		s.Question = question
		return p.refuse(w, r, s, err)
	}
	return v.onward(p, w, r, securityPath, "said-question")
}

// endSession ends one session of the customer's, or all but this one, or all.
//
// cite: P-42, I-16
func (p *Portal) endSession(w http.ResponseWriter, r *http.Request, v visit) error {
	which := r.PostForm.Get("session")
	this := func(hash []byte) bool { return slices.Equal(hash, v.stay.hash[:]) }
	err := p.endStays(r.Context(), v.Customer, func(hash []byte, _ cpni.ID) bool {
		switch which {
		case "all":
			return true
		case "others":
			return !this(hash)
		}
		return hex.EncodeToString(hash) == which
	})
	if err != nil {
		return err
	}
	if which == "all" || which == hex.EncodeToString(v.stay.hash[:]) {
		p.endCookie(w)
		return v.onward(p, w, r, signInPath, "said-signed-out")
	}
	return v.onward(p, w, r, securityPath, "said-session")
}

// browserSays names a browser in the language of the page.
func (v page) browserSays(b browserSeen) string {
	switch {
	case b.Browser == "":
		return v.says("browser-other")
	case b.System == "":
		return b.Browser
	}
	return b.Browser + " " + v.says("browser-on") + " " + b.System
}

// moment writes a moment by the carrier's clocks.
func (p page) moment(at time.Time) string {
	at = at.In(p.Zone)
	return dayOf(p.Language, at) + ", " + at.Format("15:04 MST")
}

// day writes the day of a moment by the carrier's clocks.
func (p page) day(at time.Time) string { return dayOf(p.Language, at.In(p.Zone)) }
