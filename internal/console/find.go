package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
)

// deskView is the desk before a contact: finding, and whom was found.
type deskView struct {
	page
	Query string // what was looked for, when nothing was found by it
	Found []card
	More  bool // there are more than are shown
	Due   []dueView
	// MayAnswer is that the person reads and enters what customers answer.
	MayAnswer bool
	Desks     []deskRow // of the person, for who has no other home
}

// mostFound bounds the customers that one search shows.
const mostFound = 12

// deskPage is the desk. A number that a telephone switch sends along is looked up, and the browser sent to an address
// without it.
//
// cite: P-17, I-23
func (v *visit) deskPage() error {
	q := v.r.URL.Query()
	if number := strings.TrimSpace(q.Get("number")); number != "" {
		return v.findFromSwitch(number)
	}
	if v.r.URL.RawQuery != "" && !q.Has("c") {
		return v.goTo("/desk")
	}
	view := deskView{page: v.page("Desk", "/desk"), MayAnswer: v.member.May(staff.Serve)}
	for _, id := range q["c"] {
		if len(view.Found) == mostFound {
			view.More = true
			break
		}
		p, _, err := v.office.Customers.Get(v.r.Context(), cpni.ID(id))
		if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
			continue
		}
		if err != nil {
			return err
		}
		view.Found = append(view.Found, v.cardOf(p))
	}
	view.Find = false
	var err error
	if !v.member.May(staff.Watch) {
		if view.Desks, err = v.deskRows(); err != nil {
			return err
		}
	}
	if view.Due, err = v.unjustified(); err != nil {
		return err
	}
	if err := v.viewed(watch.List, view.Found...); err != nil {
		return err
	}
	return v.show(http.StatusOK, deskPage(view))
}

// find looks for a customer by what was typed. It is sent in the body, so that nothing personal stands in an address.
//
// cite: P-17, I-23
func (v *visit) find() error {
	text := v.field("number")
	var ids []cpni.ID
	var err error
	if text != "" {
		if ids, err = v.office.Customers.Search(v.r.Context(), text); err != nil {
			return err
		}
	}
	switch len(ids) {
	case 1:
		return v.goTo(customerAddress(ids[0]))
	case 0:
		view := deskView{page: v.page("Desk", "/desk"), Query: text}
		view.Find = false
		view.Problem = &problemView{Code: "NOT_FOUND", Says: "No customer has this number, account, e-mail address or name.",
			Next: []string{"Ask for the number of the service, with its area code.", "Give a name in full, or the family name alone."}}
		if text == "" {
			view.Problem = &problemView{Code: "BAD_INPUT", Says: "Nothing was typed.", Next: []string{"Type a number, an account, an e-mail address or a full name."}}
		}
		return v.show(http.StatusOK, deskPage(view))
	}
	return v.goTo(foundAddress(ids))
}

// customerView is a customer whom a contact can be opened with.
type customerView struct {
	page
	Card     card
	OnFile   string
	Shown    string // the masked number that the telephone showed
	ShownNo  int    // of its line
	Key      cpni.ID
	Channels []option
	Refused  *problemView // why the person may not open a contact
	Running  []running
	History  []historyView
	Claim    string // address of the page for emergencies; "" for who may not open it
	Frozen   frozenView
	Changes  []changedView
	Written  bool // the person may enter a written request
	Forgets  bool // the person may propose to forget the customer
}

// running is a contact of the person with the customer that has not ended.
type running struct{ Address, Text string }

var channels = []option{{"phone", "They called us"}, {"outbound", "We called them"}, {"store", "They are in the shop"}, {"chat", "They write in a chat"}, {"mail", "They sent a letter"}}

// cite: P-17, P-38, P-42
func (v *visit) customerPage() error {
	p, _, err := v.office.Customers.Get(v.r.Context(), v.id("customer"))
	if err != nil {
		return err
	}
	view := customerView{page: v.page("Customer", "/desk"), Card: v.cardOf(p), OnFile: strings.Join(onFile(p), ", "), Key: cpni.NewID(), Channels: channels}
	if err := v.warned(&view.Card); err != nil {
		return err
	}
	view.Forgets = v.member.May(staff.Forget)
	view.Written = v.member.May(staff.Serve)
	if v.member.May(staff.ReadRecords) {
		view.Card.Records, view.Card.Messages = recordsAddress(p.ID), "/messages?customer="+string(p.ID)
	}
	if no, err := strconv.Atoi(v.r.URL.Query().Get("shown")); err == nil {
		if l, ok := lineNo(p, no); ok {
			view.Shown, view.ShownNo = customer.Masked(l.Number), no
		}
	}
	switch {
	case v.member.Suspended != nil:
		view.Refused = problemOf(errSuspended.refusal)
	case !v.member.May(staff.Serve):
		view.Refused = problemOf(v.member.Barred(staff.Serve))
	case !v.now.Before(v.member.TrainedUntil()):
		view.Refused = &problemView{Code: "UNTRAINED", Says: "You have no current training on customer information, so you cannot open a contact.", Clauses: []string{"P-38", "47 CFR 64.2009(b)"},
			Next: []string{"Until then let a trained colleague take the contact."}}
	}
	if view.Running, err = v.running(p.ID); err != nil {
		return err
	}
	if err := v.viewed(watch.Card, view.Card); err != nil {
		return err
	}
	if view.History, err = v.history(p.ID, view.Running); err != nil {
		return err
	}
	if view.Changes, err = v.changedViews(p); err != nil {
		return err
	}
	view.Frozen = v.frozenView(view.Changes)
	if view.Refused == nil {
		view.Claim = emergencyAddress(p.ID)
	}
	return v.show(http.StatusOK, customerPage(view))
}

// lineNo gives a line of the customer by its place.
func lineNo(p *customer.Profile, no int) (customer.Line, bool) {
	for _, l := range p.Lines {
		if l.No == no {
			return l, true
		}
	}
	return customer.Line{}, false
}

// lookedBack is how many entries about contacts are looked through for those that run.
const lookedBack = 20

// running gives the contacts that the person has with the customer and that still run.
//
// cite: P-42
func (v *visit) running(of cpni.ID) ([]running, error) {
	rows, err := v.office.Ledger.Records(v.r.Context(), of, ledger.Filter{Kind: ledger.Contact, Limit: lookedBack})
	if err != nil {
		return nil, err
	}
	var all []running
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Actor != string(v.member.ID) || seen[r.Contact] || r.Contact == "" {
			continue
		}
		seen[r.Contact] = true
		s, _, err := v.office.Contacts.Recent(v.r.Context(), cpni.ID(r.Contact))
		if errors.Is(err, contact.ErrNoContact) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if v.office.Contacts.Live(s, v.now) {
			all = append(all, running{contactAddress(s.ID), capital(wordOf(channelWords, s.Channel)) + ", since " + v.clock(s.Opened)})
		}
	}
	return all, nil
}
