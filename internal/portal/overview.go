package portal

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
)

// overviewPlaces are the page with which a customer's visit begins, and what is reached from it.
//
// cite: P-16, P-23, P-41, 47 CFR 64.2010(c), 47 CFR 64.2010(f)
func overviewPlaces() []place {
	return []place{
		{"GET /account/{$}", visiting((*Portal).overview)},
		{"GET " + plansPath, visiting((*Portal).plans)},
		{"POST /account/not-mine", visiting((*Portal).notMine)},
	}
}

const plansPath = "/account/plans"

// overviewView is the page with which a visit begins.
type overviewView struct {
	visit
	Lines   []customer.Line
	Changes []changeShown // the latest first
	Open    bool          // a change is disputed, and nobody has decided yet
}

// changeShown is a change of the account: what kind of thing, when and by whom, and what has become of it. The value is not
// shown: the page on which it can be changed has it.
type changeShown struct {
	ID    cpni.ID
	What  string
	At    time.Time
	By    string // a word
	State string // a word; "" it stands
	Can   bool   // be said not to be theirs
}

// mostChanges bounds the changes on the page.
const mostChanges = 6

// overview shows the lines of the customer, and what has happened to their account. It tells nothing that a decision would
// have to be made about: which plans they have is on a page of its own.
//
// cite: P-16, P-23, 47 CFR 64.2010(f)
func (p *Portal) overview(w http.ResponseWriter, r *http.Request, v visit) error {
	view := overviewView{visit: v.titled("overview"), Lines: v.Profile.LiveLines(p.office.Clock.Now())}
	for _, c := range slices.Backward(v.Profile.Changes) {
		if len(view.Changes) == mostChanges {
			break
		}
		shown := changeShown{ID: c.ID, What: changeWord(v.Language, c.What), At: c.At, By: "change-by-us", Can: c.Disputed.IsZero()}
		if c.By == contact.Customer {
			shown.By = "change-by-you"
		}
		switch {
		case c.Open():
			shown.State, view.Open = "change-open", true
		case c.Outcome == customer.Kept:
			shown.State = "change-kept"
		case c.Outcome == customer.Undone:
			shown.State = "change-undone"
		case c.Undoes != "":
			shown.State, shown.Can = "change-back", false
		}
		view.Changes = append(view.Changes, shown)
	}
	p.show(w, r, http.StatusOK, overviewPage(view))
	return nil
}

// notMine takes it from the customer that a change was not theirs: it is frozen until somebody has looked.
//
// cite: P-16, P-23, 47 CFR 64.2010(a), 47 CFR 64.2010(f)
func (p *Portal) notMine(w http.ResponseWriter, r *http.Request, v visit) error {
	err := p.office.Contacts.Dispute(r.Context(), contact.Dispute{Customer: v.Customer, Change: cpni.ID(r.PostForm.Get("change")), How: contact.AtDesk, Contact: v.Contact.ID})
	switch {
	case errors.Is(err, contact.ErrNoChange):
		return v.onward(p, w, r, homePath, "said-not-done")
	case err != nil:
		return err
	}
	return v.onward(p, w, r, homePath, "said-not-mine")
}

// plansView is the page of the services that a customer has.
type plansView struct {
	visit
	Tables  []disclose.Sheet
	Refused bool
}

// plans shows which services the customer has. That is customer information, so it is released by a decision that is on record
// before anything is shown.
//
// cite: P-04, P-16, P-41, I-01, 47 CFR 64.2010(c)
func (p *Portal) plans(w http.ResponseWriter, r *http.Request, v visit) error {
	view := plansView{visit: v.titled("plans")}
	answer, err := p.released(r, v, cpni.Service)
	if err != nil {
		return err
	}
	if view.Refused = !answer.Decision.Permit(); view.Refused {
		p.show(w, r, http.StatusForbidden, plansPage(view))
		return nil
	}
	view.Tables = disclose.Sheets(answer.Released, v.Profile, p.office.Zone, v.Language)
	p.show(w, r, http.StatusOK, plansPage(view))
	return nil
}

// released asks the door for classes of what the carrier holds about the customer who is signed in, to be shown to them.
//
// cite: P-16, P-41, I-01, 47 CFR 64.2010(c)
func (p *Portal) released(r *http.Request, v visit, data ...cpni.DataClass) (*disclose.Answer, error) {
	return p.office.Door.Disclose(r.Context(), disclose.Request{Caller: disclose.Caller{Customer: true}, Customer: v.Customer, Contact: v.Contact.ID, Data: data,
		Purpose: cpni.CustomerRequest, Via: cpni.Screen})
}

var overviewWords = words{
	"en": {
		"overview": "Your account", "overview-hello": "Signed in:", "account-number": "Account", "lines-title": "Your lines", "lines-none": "You have no line with us at the moment.", "line-since": "since",
		"plans-link": "Show my services and plans", "plans": "Your services and plans", "plans-none": "There is nothing on record about your services.", "plans-private": "Every look at this page is on record, as is every look of ours.",
		"changes-title": "What was changed lately", "changes-none": "Nothing of your account was changed lately.", "changes-open": "You told us that a change was not yours. It is frozen, and one of our people looks into it. Until then some things cannot be changed here.",
		"change-by-you": "by you", "change-by-us": "by our people, as you asked", "change-open": "frozen: we look into it", "change-kept": "looked into: it stands", "change-undone": "taken back", "change-back": "put back as it was before",
		"not-mine": "This was not me", "said-not-mine": "Thank you. The change is frozen: nothing that came with it counts until one of our people has looked into it. Change your password as well.",
	},
	"es": {
		"overview": "Su cuenta", "overview-hello": "Sesión abierta:", "account-number": "Cuenta", "lines-title": "Sus líneas", "lines-none": "De momento no tiene ninguna línea con nosotros.", "line-since": "desde el",
		"plans-link": "Mostrar mis servicios y planes", "plans": "Sus servicios y planes", "plans-none": "No hay nada registrado sobre sus servicios.", "plans-private": "Cada consulta de esta página queda registrada, como cada consulta nuestra.",
		"changes-title": "Qué se cambió últimamente", "changes-none": "Últimamente no se cambió nada de su cuenta.", "changes-open": "Nos dijo que un cambio no fue suyo. Está bloqueado y alguien de nuestro equipo lo revisa. Hasta entonces algunas cosas no se pueden cambiar aquí.",
		"change-by-you": "por usted", "change-by-us": "por nuestro equipo, a petición suya", "change-open": "bloqueado: lo revisamos", "change-kept": "revisado: sigue en pie", "change-undone": "deshecho", "change-back": "devuelto a como estaba antes",
		"not-mine": "No fui yo", "said-not-mine": "Gracias. El cambio está bloqueado: nada de lo que vino con él cuenta hasta que alguien de nuestro equipo lo haya revisado. Cambie también su contraseña.",
	},
}
