package console

import (
	"slices"
	"strconv"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// verifyView is what can be proved in a contact, and what has been.
type verifyView struct {
	Methods []methodView
	None    string // why no method is there
	OnFile  []string
	Proved  []string // "PIN, at 08:03 EST"
	Speaker string   // who was proved
	Began   bool     // a backup answer was right, which begins a new password
	Claims  []option
	Offered []string // what was offered and is no proof
	Closed  string   // since when secrets are closed
	Again   cpni.ID  // the request that is to be asked again after the proof
	Focus   bool
	Why     []string // why other methods are not there
	Lines   []option // in service, masked, by their places
}

// methodView is one way of verification that this customer and channel allow.
//
// cite: P-18, 47 CFR 64.2010
type methodView struct {
	ID          string // the method, as the rules name it
	Title, Help string
	State       string   // in a few words: whether it can be used now, and if not, until when
	Waits       bool     // it cannot
	Places      []option // where to call or to send to
	Questions   []string
	Code        string // what is known of the code that is out
	Rings       bool   // the switch makes the calls
	Letter      bool   // a code may have come by post
	Fate        string // what has become of what is out
	Tone        string
	Awaited     bool // more will be heard of it
	Open, Focus bool
}

// told reports whether there is something to be told of what is out by the method, while nobody is proved.
func (m methodView) told(v verifyView) bool { return m.Fate != "" && (m.Awaited || len(v.Proved) == 0) }

// field names the first field of the method's form. A link to it opens the form.
func (m methodView) field() string {
	switch {
	case m.ID == string(cpni.ByPhotoID):
		return "photo-name"
	case m.ID == string(cpni.ByContract):
		return "contract-take"
	case len(m.Questions) > 0:
		return "question-" + m.ID
	case len(m.Places) > 0 && m.Code == "":
		return "place-" + m.ID
	}
	return "secret-" + m.ID
}

// methodsOf are the methods of each channel, those that are quickest to ask for first. What a channel does not list proves
// nothing there.
//
// cite: P-18, P-19, P-20, P-21, P-22, 47 CFR 64.2010(b), 47 CFR 64.2010(c), 47 CFR 64.2010(d), 47 CFR 64.2010(g)
var methodsOf = map[cpni.Channel][]cpni.Method{
	cpni.Phone:  {cpni.ByContract, cpni.ByPassword, cpni.ByPIN, cpni.ByCode, cpni.ByCallback, cpni.ByBackup},
	cpni.Store:  {cpni.ByPhotoID, cpni.ByContract},
	cpni.Chat:   {cpni.ByContract, cpni.ByPassword},
	cpni.Online: {cpni.ByContract, cpni.ByPassword},
}

func (v *visit) verifyView(s *contact.State, p *customer.Profile) verifyView {
	view := verifyView{OnFile: onFile(p), Claims: claimWords}
	for _, m := range methodsOf[s.Channel] {
		if one, ok := v.method(m, s, p); ok {
			view.Methods = append(view.Methods, one)
		}
	}
	for _, l := range p.LiveLines(v.now) {
		if len(view.Lines) == mostPlaces || p.Quiet(customer.Shared.Lines) { // nothing goes to those, and nothing is said of them
			break
		}
		view.Lines = append(view.Lines, option{strconv.Itoa(l.No), customer.Masked(l.Number)})
	}
	switch {
	case s.Channel == cpni.Mail:
		view.None = "Nobody can be proved by letter. What a letter asks for is sent to an address of record."
	case len(view.Methods) == 0 && s.Channel == cpni.Chat:
		view.None = "In a chat only the password proves somebody, and this customer has none. Take the matter to the telephone or to a shop."
	case len(view.Methods) == 0:
		view.None = "This customer has nothing on file by which they could be proved here. A shop can look at a photo ID."
	}
	for _, e := range v.evidence(s) {
		if e.Method == cpni.ByBackup { // it begins a new password and nothing else
			view.Began = true
			continue
		}
		view.Proved = append(view.Proved, wordOf(methodWords, e.Method)+" at "+v.clock(e.At))
		view.Speaker = speakerWords(s)
	}
	for _, c := range claimWords {
		if slices.Contains(s.Claims, c.Value) {
			view.Offered = append(view.Offered, c.Text)
		}
	}
	return view
}

// chips tell in a few words who was proved.
func (w verifyView) chips() []chip {
	if len(w.Proved) == 0 && w.Began {
		return []chip{{"Not verified", "warn"}, {"Backup answer right", ""}}
	}
	if len(w.Proved) == 0 {
		return []chip{{"Not verified", "warn"}}
	}
	all := []chip{{"Verified: " + w.Speaker, "good"}}
	for _, m := range w.Proved {
		all = append(all, chip{"by " + m, "good"})
	}
	return all
}

// method makes the view of one method; ok is false when it is of no use with this customer.
func (v *visit) method(m cpni.Method, s *contact.State, p *customer.Profile) (view methodView, ok bool) {
	view = methodView{ID: string(m), Title: capital(methodWords[m])}
	switch m {
	case cpni.ByPassword:
		view.Help = "As the caller says it. Capitals, blanks and hyphens make no difference."
		return view, hasWord(p) || hasSecret(p, func(c customer.Credentials) bool { return c.Password != nil })
	case cpni.ByPIN:
		view.Help = "As the caller says it."
		return view, !hasWord(p) && hasSecret(p, func(c customer.Credentials) bool { return c.PIN != nil })
	case cpni.ByBackup:
		view.Help = "A right answer only begins a new password. It releases nothing."
		for _, b := range p.Credentials.Backup {
			view.Questions = append(view.Questions, b.Question)
		}
		return view, len(view.Questions) > 0 && !hasWord(p)
	case cpni.ByCallback:
		view.Help = "Hang up, have the switch call a number of the service, and note what happened. A number that the caller gives is not one of record."
		if view.Rings = v.office.Contacts.Rings(); view.Rings {
			view.Help = "The number is rung from here. Who answers and presses 1 is verified; a machine, or somebody who presses nothing, is not. A number that the caller gives is not one of record."
		}
		view.Places = v.quietLines(p)
		return view, len(view.Places) > 0
	case cpni.ByCode:
		view.Help = "Send a code to a number or address of record. The caller reads it to you in this contact."
		view.Places = v.codePlaces(p)
		view.Code = v.codeOut(s)
		view.Letter = slices.ContainsFunc(view.Places, func(o option) bool { return o.Value == string(cpni.Postal) })
		return view, len(view.Places) > 0 || view.Code != ""
	case cpni.ByPhotoID:
		view.Help = "A government's document with a photograph, in your hand, still valid, in the name of the customer or of an authorised person."
		return view, true
	case cpni.ByContract:
		view.Help = "Only the customer's own dedicated representative, under a contract that deals with customer information."
		return view, slices.Contains(p.OnFile(), cpni.ByContract) && p.Business.DedicatedRepresentative == string(v.member.ID)
	}
	return view, false
}

// hasSecret reports whether the customer, or somebody whom they have authorised, has a secret.
func hasSecret(p *customer.Profile, has func(customer.Credentials) bool) bool {
	return has(p.Credentials) || slices.ContainsFunc(p.Speakers(), func(a customer.Authorised) bool { return has(a.Credentials) })
}

// hasWord reports whether a word of the customer's own has taken the place of the secrets of before.
func hasWord(p *customer.Profile) bool { return p.Safety != nil && p.Safety.Word != nil }

// states says of each method whether it can be used now. How many tries are left is said of a code alone: the next one
// takes its place, while a guesser of secrets would learn when to stop.
//
// cite: P-19, I-18
func (v *visit) states(view *verifyView, s *contact.State, p *customer.Profile) error {
	out, err := v.office.Contacts.Reaching(v.r.Context(), s)
	if err != nil {
		return err
	}
	for i := range view.Methods {
		m := &view.Methods[i]
		m.State = "ready"
		for _, r := range out {
			if string(r.Method) == m.ID {
				m.Fate, m.Tone = fateOf(r)
				m.Awaited = r.Waits() && v.now.Before(r.Until)
			}
		}
		switch cpni.Method(m.ID) {
		case cpni.ByPassword, cpni.ByPIN, cpni.ByBackup:
			closed, err := v.office.Contacts.Closed(v.r.Context(), s, p, cpni.Method(m.ID))
			if err != nil {
				return err
			}
			switch {
			case closed.Shut:
				m.State, m.Waits = "closed until the customer is reached out to", true
			case !closed.Until.IsZero():
				m.State, m.Waits = "waits until "+closed.Until.In(v.office.Zone).Format("15:04:05"), true
			}
		case cpni.ByCode:
			if m.Code != "" {
				m.State = "a code is out"
			}
		case cpni.ByCallback:
			if m.Awaited {
				m.State = "a call is out"
			}
		}
		for _, e := range v.evidence(s) {
			if string(e.Method) == m.ID {
				m.State = "proved at " + v.clock(e.At)
			}
		}
	}
	return nil
}

// whyNot says why methods that a channel has are not there with this customer.
//
// cite: P-18, P-20, P-21, 47 CFR 64.2003(b), 47 CFR 64.2003(q), 47 CFR 64.2010(g)
func (v *visit) whyNot(s *contact.State, p *customer.Profile) ([]string, error) {
	var all []string
	for _, m := range methodsOf[s.Channel] {
		if _, ok := v.method(m, s, p); ok && m != cpni.ByCode && m != cpni.ByCallback {
			continue
		}
		switch m {
		case cpni.ByPassword, cpni.ByPIN, cpni.ByBackup:
			all = append(all, capital(methodWords[m])+": none that counts is on file.")
		case cpni.ByContract:
			if p.Business != nil {
				all = append(all, "Business contract: only with the customer's own representative, and a contract that covers it.")
			}
		case cpni.ByCallback:
			all = append(all, v.restless(p)...)
		case cpni.ByCode:
			all = append(all, v.young("E-mail", customer.Shared.Email, p.Email, p)...)
			all = append(all, v.young("Postal address", customer.Shared.Postal, p.Postal, p)...)
		}
	}
	return all, nil
}

// restless says of lines until when they prove nothing.
func (v *visit) restless(p *customer.Profile) []string {
	if p.Quiet(customer.Shared.Lines) {
		return []string{"Call back, and codes to a line: nothing goes to the lines of this customer."}
	}
	lasts := v.office.Policy.Numbers(v.now).Duration("cpni-core", "disturbed_line")
	var all []string
	for _, l := range p.LiveLines(v.now) {
		if until := l.Disturbed.Add(lasts); !l.Disturbed.IsZero() && v.now.Before(until) && len(all) < mostLines {
			all = append(all, customer.Masked(l.Number)+": ported, forwarded or given a new SIM lately; no call back and no code before "+v.clock(until)+".")
		}
	}
	if len(all) == 0 && len(p.LiveLines(v.now)) == 0 {
		all = append(all, "Call back: no line is in service.")
	}
	return all
}

// young says of an address from when it will be of record.
func (v *visit) young(what, kind string, addresses []customer.Address, p *customer.Profile) []string {
	if p.Quiet(kind) {
		return []string{what + ": nothing goes there."}
	}
	a, ok := customer.Current(addresses, v.now)
	if at, frozen := p.Disputes(); ok && (a.Frozen || frozen && !a.Since.Before(at)) {
		return []string{what + ": it came with a change that is frozen, or after it."}
	}
	if !ok || a.OfRecord(v.now.In(v.office.Zone), v.age()) {
		return nil
	}
	return []string{what + ": too new to be of record; from " + v.clock(a.Since.Add(v.age())) + " on."}
}

// quietLines gives the numbers of record that nobody else may hold for now, masked, by their places.
//
// cite: P-20, 47 CFR 64.2003(q)
func (v *visit) quietLines(p *customer.Profile) []option {
	if p.Quiet(customer.Shared.Lines) {
		return nil
	}
	lasts := v.office.Policy.Numbers(v.now).Duration("cpni-core", "disturbed_line")
	var all []option
	for _, l := range p.LiveLines(v.now) {
		if len(all) == mostPlaces {
			break
		}
		at, frozen := p.Disputes()
		if v.now.Before(l.Since) || l.Frozen || frozen && !l.Since.Before(at) || !l.Disturbed.IsZero() && v.now.Before(l.Disturbed.Add(lasts)) {
			continue
		}
		all = append(all, option{strconv.Itoa(l.No), customer.Masked(l.Number)})
	}
	return all
}

// mostPlaces bounds the numbers to choose from.
const mostPlaces = 200

// codePlaces gives where a code can be sent: numbers of record, masked, and kinds of address of record.
//
// cite: P-20, P-21, 47 CFR 64.2003(b), 47 CFR 64.2003(q)
func (v *visit) codePlaces(p *customer.Profile) []option {
	all := v.quietLines(p)
	for i := range all {
		all[i].Text = "Number of record " + all[i].Text
	}
	at, frozen := p.Disputes()
	ofRecord := func(list []customer.Address) bool {
		return slices.ContainsFunc(list, func(a customer.Address) bool {
			return (!frozen || a.Since.Before(at)) && a.OfRecord(v.now.In(v.office.Zone), v.age())
		})
	}
	if ofRecord(p.Email) && !p.Quiet(customer.Shared.Email) {
		all = append(all, option{string(cpni.Email), "E-mail address of record"})
	}
	if ofRecord(p.Postal) && !p.Quiet(customer.Shared.Postal) {
		all = append(all, option{string(cpni.Postal), "Postal address of record"})
	}
	return all
}

// codeOut tells of the code that is out, "" when none is.
//
// cite: I-17
func (v *visit) codeOut(s *contact.State) string {
	c := s.Code
	if c == nil || c.Tries <= 0 || !v.now.Before(c.Until) {
		return ""
	}
	to := map[cpni.Via]string{cpni.Email: "the e-mail address of record", cpni.Postal: "the postal address of record"}[c.Via]
	if to == "" {
		to = customer.Masked(c.Place)
	}
	return "A code is on its way to " + to + ". It is good until " + v.clock(c.Until) + ", for " + counted(c.Tries, "try", "tries") + "."
}
