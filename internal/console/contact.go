package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/vault"
)

// contactView is a contact: with whom, what was proved in it, what can be proved and asked, and what was answered.
type contactView struct {
	page
	ID      cpni.ID
	Address string
	Card    card
	Channel string
	Opened  string
	Live    bool
	Ended   string // why it runs no longer
	Chips   []chip
	Shown   string // the number that the telephone showed, masked
	Verify  verifyView
	Ask     askView
	Answer  *answerView
	Past    []step
	WrapUp  []choice
	Change  changeView
	Consent consentView
	Care    careView
	Usage   usageView
	Notes   []noteView
	// Messages are the newest that went or go to the customer.
	Messages []messageRow
	Frozen   frozenView
	Changes  []changedView
	Told     []toldView // of incidents
	form     string     // of proof that was just sent
}

// flashed reports whether this form of proof was just sent, and is to be open still.
func (c contactView) flashed(form string) bool { return c.form == form }

// step is something that happened in the contact.
type step struct {
	At, What string
	Tone     string
	Address  string // of the answer
}

// cite: P-42, I-16
func (v *visit) contactPage() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	view, p, err := v.contactView(s)
	if err != nil {
		return err
	}
	again := v.asked(s, cpni.ID(v.r.URL.Query().Get("again")))
	view.Ask = v.askView(s, p, again)
	view.Verify.Again = again.entry
	view.focus()
	return v.show(http.StatusOK, contactPage(view))
}

// focus says which field is to have the focus: where the work goes on.
func (c *contactView) focus() {
	switch {
	case !c.Live || c.Problem != nil:
	case len(c.Verify.Proved) == 0:
		c.Verify.Focus = true
	case c.Ask.Again:
		c.Ask.FocusButton = true
	default:
		c.Ask.Focus = true
	}
	told := slices.ContainsFunc(c.Verify.Methods, func(m methodView) bool { return m.told(c.Verify) })
	focused := false
	for i := range c.Verify.Methods {
		m := &c.Verify.Methods[i]
		if c.Problem != nil && c.flashed(m.ID) {
			c.Problem.Retry = m.field()
		}
		m.Open = c.flashed(m.ID) || m.told(c.Verify) || c.form == "" && i == 0 && len(c.Verify.Proved) == 0 && !told
		m.Focus = c.Verify.Focus && m.Open && !focused
		focused = focused || m.Focus
	}
}

// contactView makes the view of a contact but for what is asked and answered.
func (v *visit) contactView(s *contact.State) (contactView, *customer.Profile, error) {
	p, _, err := v.office.Customers.Get(v.r.Context(), s.Customer)
	if err != nil {
		return contactView{}, nil, err
	}
	view := contactView{page: v.page("Contact", "/desk"), ID: s.ID, Address: contactAddress(s.ID), Card: v.cardOf(p), Channel: wordOf(channelWords, s.Channel), Opened: v.clock(s.Opened),
		Live: v.office.Contacts.Live(s, v.now)}
	if err := v.warned(&view.Card); err != nil {
		return contactView{}, nil, err
	}
	view.form = v.flash.Form
	if s.Outbound {
		view.Channel += ", we called"
	}
	if s.Caller != "" {
		view.Shown = customer.Masked(s.Caller)
	}
	if !view.Live {
		view.Ended = v.ended(s)
		view.Chips = []chip{{"Ended", "bad"}}
	} else if view.At == view.Address {
		view.At = "" // it is here
	}
	rows, err := v.office.Ledger.Records(v.r.Context(), s.Customer, ledger.Filter{Limit: mostPast})
	if err != nil {
		return view, nil, err
	}
	rows = slices.DeleteFunc(rows, func(r ledger.Row) bool { return r.Contact != string(s.ID) })
	slices.Reverse(rows)
	if view.Past, err = v.past(s, rows); err != nil {
		return view, nil, err
	}
	if view.Told, err = v.toldIn(s); err != nil {
		return view, nil, err
	}
	if view.Live {
		view.Verify = v.verifyView(s, p)
		if view.Verify.Closed, err = v.closed(rows); err != nil {
			return view, nil, err
		}
		view.Chips = view.Verify.chips()
		if view.Verify.Why, err = v.whyNot(s, p); err != nil {
			return view, nil, err
		}
		if err := v.states(&view.Verify, s, p); err != nil {
			return view, nil, err
		}
		view.Change = v.changeView(s, p)
		if view.Consent, err = v.consentView(s, p, view.Change.Proved); err != nil {
			return view, nil, err
		}
		view.Care = v.careView(p, view.Change.Proved)
		if view.Usage, err = v.usageView(s, p, view.Change.Proved); err != nil {
			return view, nil, err
		}
		view.Card.Hidden = view.Card.Hidden && !view.Change.Proved
		view.WrapUp = view.wrapUp()
		if view.Messages, err = v.messagesIn(p, view.Card.Hidden); err != nil {
			return view, nil, err
		}
	}
	if view.Notes, err = v.notes(s.Customer); err != nil {
		return view, nil, err
	}
	changes, err := v.changedViews(p)
	if err != nil {
		return view, nil, err
	}
	view.Frozen = v.frozenView(changes)
	view.Changes = slices.DeleteFunc(changes, func(c changedView) bool { return !c.Disputable })
	return view, p, nil
}

// ended says why a contact runs no longer.
//
// cite: P-42
func (v *visit) ended(s *contact.State) string {
	r := contact.RulesOf(v.office.Policy.Numbers(v.now))
	switch {
	case !s.Ended.IsZero():
		return "It ended at " + v.clock(s.Ended) + "."
	case !v.now.Before(s.Opened.Add(r.Longest)):
		return "It ended by itself: a contact lasts " + length(r.Longest) + " at most."
	}
	return "It ended by itself: nothing happened in it for " + length(r.Idle) + "."
}

// mostPast bounds how many entries about the customer are looked through for those of the contact.
const mostPast = 100

// attempted is the sealed detail of an entry about a proof.
type attempted struct {
	Method string `json:"method"`
	What   string `json:"what"`
	Claims string `json:"claims"`
}

// past tells what happened in the contact, in order.
func (v *visit) past(s *contact.State, rows []ledger.Row) ([]step, error) {
	var all []step
	for _, r := range rows {
		x := step{At: r.At.In(v.office.Zone).Format("15:04:05")}
		switch r.Kind {
		case ledger.Attempt:
			a, err := v.attempted(r)
			if err != nil {
				return nil, err
			}
			x.What, x.Tone = a.words(r)
		case ledger.Decision:
			x.What, x.Tone, x.Address = "Asked, refused: "+string(r.Code), "bad", contactAddress(s.ID)+"/answers/"+string(r.ID)
			if r.Outcome == cpni.Permit {
				x.What, x.Tone = "Asked, permitted", "good"
			}
		case ledger.Contact:
			d, err := v.contactDetail(r)
			if err != nil {
				return nil, err
			}
			x.What = d.words()
		case ledger.Change:
			d, err := v.contactDetail(r)
			if err != nil {
				return nil, err
			}
			if x.What = capital(d.What); x.What == "" {
				x.What = "Account changed"
			}
			if d.Answer != "" {
				x.What += ": " + d.Answer
			}
		}
		all = append(all, x)
	}
	return all, nil
}

func (v *visit) attempted(r ledger.Row) (attempted, error) {
	var a attempted
	plain, err := v.office.Vault.OpenRecord(v.r.Context(), r)
	if err != nil {
		return a, err
	}
	return a, vault.Detail(plain, &a)
}

// words tells of a proof what it was and how it ended.
func (a attempted) words(r ledger.Row) (says, tone string) {
	what := capital(wordOf(methodWords, cpni.Method(a.Method)))
	switch {
	case a.Claims != "":
		return "Offered what is no proof: " + a.claimed(), "warn"
	case what == "":
		what = "Proof"
	}
	if r.Outcome != cpni.OK {
		return what + ", refused: " + string(r.Code), "bad"
	}
	if a.What == "answered, and the key pressed" || a.What == "answered, by the agent's word" {
		return what + " " + a.What, "good"
	}
	if a.What != "" {
		return what + " " + strings.NewReplacer("tnor", "a number of record", "aor", "an address of record").Replace(a.What), ""
	}
	return what + " proved", "good"
}

func (a attempted) claimed() string {
	var all []string
	for _, c := range claimWords {
		if slices.Contains(strings.Fields(a.Claims), c.Value) {
			all = append(all, strings.ToLower(c.Text))
		}
	}
	return strings.Join(all, ", ")
}

// closed says when secrets were closed in this contact, if nothing has opened them since.
//
// cite: P-19, I-18
func (v *visit) closed(rows []ledger.Row) (string, error) {
	for _, r := range slices.Backward(rows) {
		if r.Kind != ledger.Attempt {
			continue
		}
		if r.Outcome == cpni.OK {
			return "", nil
		}
		if r.Code != "LOCKED" {
			continue
		}
		a, err := v.attempted(r)
		if err != nil {
			return "", err
		}
		if slices.Contains([]cpni.Method{cpni.ByPassword, cpni.ByPIN, cpni.ByBackup}, cpni.Method(a.Method)) {
			return v.clock(r.At), nil
		}
	}
	return "", nil
}

// evidence gives what counts in the contact now.
//
// cite: P-16, P-42, I-16
func (v *visit) evidence(s *contact.State) []rules.Evidence {
	f := v.office.Contacts.Facts(s, s.Customer, v.now)
	if !f.Live {
		return nil
	}
	return f.Evidence
}

// record reads a decision that was made in the contact at the person's request.
//
// cite: P-42
func (v *visit) record(s *contact.State, entry cpni.ID) (disclose.Record, error) {
	r, err := v.office.Door.Record(v.r.Context(), s.Customer, entry)
	if err != nil {
		return r, err
	}
	if r.Contact != s.ID || r.Staff != v.member.ID {
		return r, errNowhere
	}
	return r, nil
}

// goesOn notes that something was done in the contact.
//
// cite: P-42
func (v *visit) goesOn(s *contact.State) error {
	err := v.office.Contacts.Touch(v.r.Context(), s, v.now)
	if errors.Is(err, contact.ErrNoContact) {
		return nil
	}
	return err
}

// age is how long an address must have been on the account to be one of record.
//
// cite: P-21, 47 CFR 64.2003(b)
func (v *visit) age() time.Duration {
	return v.office.Policy.Numbers(v.now).Duration("cpni-core", "address_of_record_age")
}
