package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
	"ringfence/internal/vault"
)

// asked is what is asked for in a contact, as the form has it. Everything that the door could choose by itself is said,
// so that the request can be made again, letter by letter, from its record.
type asked struct {
	data          []cpni.DataClass
	from, through int // months as yyyymm
	purpose       cpni.Purpose
	via           cpni.Via
	to            string
	line          string // "" or a number in E.164
	basis, id     string // order, ticket or case, and which
	entry         cpni.ID
	unaided       *disclose.UnaidedCall // a call that the caller described
}

// askView is the form for asking.
type askView struct {
	Key         cpni.ID // the form is taken once
	Data        []choice
	From        []choice
	Through     []choice
	Purposes    []choice
	Vias        []choice
	To          []choice
	Lines       []choice
	Basis       []choice
	ID          string
	Again       bool // what was asked before is in the form
	Focus       bool
	FocusButton bool
	Unaided     bool // a call that the caller describes may be talked about
}

// choice is an option that may be chosen.
type choice struct {
	option
	Chosen bool
}

// What the desk asks for. Marketing, listings and legal process have desks of their own.
var (
	askData     = []cpni.DataClass{cpni.CallDetail, cpni.Billing, cpni.Usage, cpni.Service, cpni.Location}
	askPurposes = []cpni.Purpose{cpni.CustomerRequest, cpni.ProvideService, cpni.BillingPurpose, cpni.Protect}
	askBases    = []option{{"", "None"}, {basisOrder, "Open order"}, {basisTicket, "Open trouble ticket"}, {basisCase, "Open case"}}
)

const (
	basisOrder  = "order"
	basisTicket = "ticket"
	basisCase   = "case"
)

// viasOf are the ways by which a channel gives information, the first the nearest.
var viasOf = map[cpni.Channel][]cpni.Via{
	cpni.Phone:  {cpni.Voice, cpni.Postal, cpni.Email, cpni.Text},
	cpni.Store:  {cpni.Screen, cpni.Postal, cpni.Email, cpni.Text},
	cpni.Chat:   {cpni.Screen, cpni.Postal, cpni.Email, cpni.Text},
	cpni.Online: {cpni.Screen, cpni.Postal, cpni.Email, cpni.Text},
	cpni.Mail:   {cpni.Postal, cpni.Email},
}

// How far back months can be chosen, and how many of them at once.
const mostMonths = 60

// askView makes the form, with a before in it.
func (v *visit) askView(s *contact.State, p *customer.Profile, a asked) askView {
	view := askView{Key: cpni.NewID(), Again: a.entry != ""}
	if a.from == 0 {
		a = v.usual(s)
	}
	for _, c := range askData {
		view.Data = append(view.Data, choice{option{string(c), classWords[c]}, slices.Contains(a.data, c)})
	}
	view.Through = []choice{{option{"", "that month alone"}, a.through == a.from}}
	for _, m := range v.monthsBack() {
		value := strconv.Itoa(m)
		view.From = append(view.From, choice{option{value, month(m)}, m == a.from})
		view.Through = append(view.Through, choice{option{value, "to " + month(m)}, m == a.through && m != a.from})
	}
	purposes := askPurposes
	if s.Channel == cpni.Phone {
		purposes = append(slices.Clone(purposes), cpni.InboundMarketing)
	}
	view.Unaided = v.office.Door.UnaidedDetail && s.Channel == cpni.Phone
	for _, x := range purposes {
		view.Purposes = append(view.Purposes, choice{option{string(x), purposeWords[x]}, x == a.purpose})
	}
	for _, x := range viasOf[s.Channel] {
		view.Vias = append(view.Vias, choice{option{string(x), viaWords[x]}, x == a.via})
	}
	for _, x := range v.recipients(s, p) {
		view.To = append(view.To, choice{x, x.Value == a.to})
	}
	view.Lines = []choice{{option{"", "All lines"}, a.line == ""}}
	for i, l := range p.LiveLines(v.now) {
		if i == mostPlaces || p.Safety != nil && len(v.evidence(s)) == 0 {
			break
		}
		view.Lines = append(view.Lines, choice{option{strconv.Itoa(l.No), customer.Masked(l.Number)}, l.Number == a.line})
	}
	for _, x := range askBases {
		view.Basis = append(view.Basis, choice{x, x.Value == a.basis})
	}
	view.ID = a.id
	return view
}

// usual is what the form has in it before anything was asked.
func (v *visit) usual(s *contact.State) asked {
	this := vault.Month(v.now, v.office.Zone)
	a := asked{data: []cpni.DataClass{cpni.CallDetail}, from: this, through: this, purpose: cpni.CustomerRequest, to: contact.Customer}
	if ways := viasOf[s.Channel]; len(ways) > 0 {
		a.via = ways[0]
	}
	if name, ok := s.Authorised(); ok {
		a.to = string(cpni.ToAuthorised) + ":" + name
	}
	return a
}

// monthsBack gives the months that can be chosen, this one first.
func (v *visit) monthsBack() []int {
	all := make([]int, 0, mostMonths)
	m := vault.Month(v.now, v.office.Zone)
	for len(all) < mostMonths {
		all = append(all, m)
		if m--; m%100 == 0 {
			m -= 88
		}
	}
	return all
}

// recipients are those to whom it can be given. Whom the customer has authorised is told only once somebody is proved.
//
// cite: P-16, 47 CFR 64.2003(f)
func (v *visit) recipients(s *contact.State, p *customer.Profile) []option {
	all := []option{{contact.Customer, "The customer"}}
	if len(v.evidence(s)) > 0 {
		for _, a := range p.Speakers() {
			all = append(all, option{string(cpni.ToAuthorised) + ":" + a.Name, a.Name + ", authorised for " + classes(a.Data)})
		}
	}
	return append(all, option{string(cpni.ToCarrier), "The carrier itself, for its work"})
}

// classes names classes of data within a sentence.
func classes(all []cpni.DataClass) string {
	text := ""
	for i, c := range all {
		if i > 0 {
			text += ", "
		}
		text += uncapital(wordOf(classWords, c))
	}
	if text == "" {
		return "nothing"
	}
	return text
}

// readAsked reads the form.
func (v *visit) readAsked(s *contact.State, p *customer.Profile) (asked, error) {
	usual := v.usual(s)
	a := asked{purpose: cmp.Or(cpni.Purpose(v.field("purpose")), usual.purpose), via: cmp.Or(cpni.Via(v.field("via")), usual.via), to: cmp.Or(v.field("to"), usual.to),
		basis: v.field("basis"), id: v.field("id")}
	for _, c := range askData {
		if slices.Contains(v.form["data"], string(c)) {
			a.data = append(a.data, c)
		}
	}
	if err := v.readMonths(&a); err != nil {
		return a, err
	}
	bad := func(says, next string) (asked, error) { return a, cpni.Rejected("BAD_INPUT", says, nil, next) }
	if len(a.data) == 0 {
		return bad("nothing is chosen of what they want to know", "choose at least one kind of information")
	}
	if text := v.field("line"); text != "" {
		no, _ := strconv.Atoi(text)
		l, ok := lineNo(p, no)
		if !ok {
			return bad("the customer has no such line", "choose a line of the list")
		}
		a.line = l.Number
	}
	if a.purpose == cpni.InboundMarketing {
		a.to = string(cpni.ToCarrier) // it is for the one who makes the offer
	}
	if number := v.field("described"); number != "" {
		at, err := time.ParseInLocation("2006-01-02 15:04", v.field("described-day")+" "+v.field("described-time"), v.office.Zone)
		if err != nil {
			return bad("the day and time of the call that the caller describes were not read", "write the day, and the time to the minute, as the caller says them")
		}
		a.unaided = &disclose.UnaidedCall{Number: number, At: at.UTC()}
		a.data, a.to, a.via = []cpni.DataClass{cpni.CallDetail}, contact.Customer, cpni.Voice
	}
	if a.basis != "" && a.id == "" {
		return bad("the order, ticket or case has no number", "write the number of the order, ticket or case, or choose none")
	}
	return a, nil
}

// readMonths reads the months of the form.
func (v *visit) readMonths(a *asked) error {
	back := v.monthsBack()
	read := func(name, missing string) (int, bool) {
		m, err := strconv.Atoi(cmp.Or(v.field(name), missing))
		return m, err == nil && slices.Contains(back, m)
	}
	from, ok := read("from", "")
	if !ok {
		a.from, a.through = back[0], back[0]
		return cpni.Rejected("BAD_INPUT", "the month is none that can be chosen", nil, "choose a month of the list")
	}
	through, ok := read("through", strconv.Itoa(from))
	if !ok {
		a.from, a.through = from, from
		return cpni.Rejected("BAD_INPUT", "the last month is none that can be chosen", nil, "choose a month of the list")
	}
	a.from, a.through = min(from, through), max(from, through)
	return nil
}

// request makes of a form what the door is asked.
func (a asked) request(by cpni.ID, s *contact.State) disclose.Request {
	r := disclose.Request{Caller: disclose.Caller{Staff: by}, Customer: s.Customer, Contact: s.ID, Data: a.data, Purpose: a.purpose, To: a.to, Via: a.via, Line: a.line}
	for m := a.from; m <= a.through; m = monthAfter(m) {
		r.Months = append(r.Months, m)
	}
	r.Unaided = a.unaided
	open := &rules.Case{ID: a.id, Open: true}
	switch a.basis {
	case basisOrder:
		r.Order = open
	case basisTicket:
		r.Ticket = open
	case basisCase:
		r.Case = open
	}
	return r
}

// askedIn makes the form of a record again.
func askedIn(r disclose.Record) asked {
	a := asked{data: r.Facts.Data, purpose: r.Facts.Purpose, via: r.Facts.Via, to: r.To, line: r.Line, entry: r.Entry}
	if len(r.Months) > 0 {
		a.from, a.through = r.Months[0], r.Months[len(r.Months)-1]
	}
	for _, b := range []struct {
		basis string
		is    *rules.Case
	}{{basisOrder, r.Facts.Basis.Order}, {basisTicket, r.Facts.Basis.Ticket}, {basisCase, r.Facts.Basis.Case}} {
		if b.is != nil {
			a.basis, a.id = b.basis, b.is.ID
		}
	}
	return a
}

// asked gives what was asked in the contact before; nothing when entry is no such request.
func (v *visit) asked(s *contact.State, entry cpni.ID) asked {
	if !entry.Valid() {
		return asked{}
	}
	r, err := v.record(s, entry)
	if err != nil {
		return asked{}
	}
	return askedIn(r)
}

// ask puts a request to the door. The form bears a key, so that one that is sent twice asks once; the answer is at an
// address of its own.
//
// cite: P-16, P-17, P-41, P-42, I-11, 47 CFR 64.2010
func (v *visit) ask() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	if err := v.goesOn(s); err != nil {
		return err
	}
	p, _, err := v.office.Customers.Get(v.r.Context(), s.Customer)
	if err != nil {
		return err
	}
	key := v.form.Get("key")
	if !cpni.ID(key).Valid() {
		return errUnreadable
	}
	a, err := v.readAsked(s, p)
	if err == nil {
		r := a.request(v.member.ID, s)
		r.IdempotencyKey = key
		var answer *disclose.Answer
		if answer, err = v.office.Door.Disclose(v.r.Context(), r); err == nil && a.unaided != nil {
			return v.described(s, p, answer)
		}
		if err == nil {
			return v.goTo(answerAddress(s.ID, answer.Entry) + "?key=" + v.answerKey(answer.Entry, key))
		}
	}
	var refusal *cpni.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	return v.askAgain(s, a, refusal, err, key)
}

// described shows the answer about a call that the caller described, in the place of the form: what they said of it is kept
// nowhere, so the answer has no address at which it could be asked for again.
//
// cite: P-28, 47 CFR 64.2010(b)(1)(iv)
func (v *visit) described(s *contact.State, p *customer.Profile, answer *disclose.Answer) error {
	view, _, err := v.contactView(s)
	if err != nil {
		return err
	}
	r, err := v.record(s, answer.Entry)
	if err != nil {
		return err
	}
	view.Title = "Refused"
	view.Answer = v.answerView(r, answer.Decision)
	if answer.Decision.Permit() {
		view.Title, view.Answer.Title = "Permitted", "Permitted: that call alone, and nothing beside it"
		view.Answer.Released = v.releasedView(answer.Released, p)
		view.Answer.Released.Quiet = ""
	} else {
		view.Answer.Ways = v.ways(r, answer.Decision, view, p)
	}
	view.Ask = v.askView(s, p, v.usual(s))
	return v.show(http.StatusOK, contactPage(view))
}

// askAgain shows the form as it was sent, with what was wrong with it. It keeps its key while nothing was asked under it,
// so that a reload does not ask twice either.
func (v *visit) askAgain(s *contact.State, a asked, refusal *cpni.Refusal, cause error, key string) error {
	view, p, err := v.contactView(s)
	if err != nil {
		return err
	}
	view.Ask = v.askView(s, p, a)
	view.Problem, view.Ask.Key = problemOf(refusal), cpni.ID(key)
	switch refusal.Code {
	case "IDEMPOTENCY":
		view.Problem.Says, view.Problem.Next = "This form was used for another request already.", []string{"Ask again: the form is a fresh one now."}
		view.Ask.Key = cpni.NewID()
	case "AUDIT_DOWN", "BUSY":
		view.Problem.Next = []string{"Ask again in a moment: the form is as you sent it, and is asked once.", "Tell the operator if it lasts."}
	}
	view.focus()
	f := v.faultOf(cause)
	if f.status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", "2")
	}
	return v.show(f.status, contactPage(view))
}
