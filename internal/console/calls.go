package console

import (
	"errors"
	"strconv"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
)

// callPlaces are where a call is worked on beside proving and asking.
//
// cite: P-37, P-42
func callPlaces() []place {
	const desk, customer, contact = "/desk", "/desk/customers/{customer}", "/desk/contacts/{contact}"
	return []place{
		{pattern: contact + "/notes", right: staff.Serve, post: (*visit).note, home: contact},
		{pattern: contact + "/changes", right: staff.Serve, post: (*visit).change, home: contact},
		{pattern: contact + "/consent", right: staff.Serve, post: (*visit).consent, home: contact},
		{pattern: contact + "/care", right: staff.Serve, post: (*visit).care, home: contact},
		{pattern: customer + "/emergency", right: staff.Serve, get: (*visit).emergencyPage, post: (*visit).emergency},
		{pattern: customer + "/emergency/{entry}", right: staff.Serve, get: (*visit).emergencyAnswer},
		{pattern: customer + "/emergency/{entry}/why", right: staff.Serve, post: (*visit).justify, home: desk},
	}
}

// consentView is the question for a consent for one call: the words to read, and what was answered.
//
// cite: P-13, P-28, 47 CFR 64.2008(f)
type consentView struct {
	Script  rules.Script
	Open    bool // it can be asked
	Why     string
	Answer  string // what was answered in this contact
	Asked   bool
	Said    bool // and it was a yes
	Refuses bool // the customer has refused such use before, which stands
	// Partners can be named in the text; With is the one that is, "" none.
	Partners []choice
	With     string
}

func (v *visit) consentView(s *contact.State, p *customer.Profile, proved bool) (consentView, error) {
	view := consentView{Refuses: p.Objects()}
	ok, err := v.consentScript(&view)
	if err != nil {
		return view, err
	}
	switch {
	case s.Asked != nil && !s.Asked.Yes:
		view.Asked, view.Answer = true, "The customer said no at "+v.clock(s.Asked.At)+". They are not asked again on this call, and nothing else changes by it."
	case s.Asked != nil:
		view.Said = true
		view.Asked, view.Answer = true, "The customer said yes at "+v.clock(s.Asked.At)+", to version "+s.Asked.Script+" of the text. It ends with this contact."
	case s.Channel != cpni.Phone:
		view.Why = "Such a consent is given on a call, and this is none."
	case !ok:
		view.Why = "The policy has no text for it."
	case !proved:
		view.Why = "Verify the customer first: the yes must be theirs."
	default:
		view.Open = true
	}
	return view, nil
}

// consentScript finds the text that is read: the one that names a partner, when one is picked.
//
// cite: P-15, 47 CFR 64.2008(f)
func (v *visit) consentScript(view *consentView) (ok bool, err error) {
	ctx := v.r.Context()
	all, err := v.office.Partners.All(ctx)
	if err != nil {
		return false, err
	}
	with := v.r.URL.Query().Get("with")
	var named []string
	for _, p := range all {
		if p.ID == with {
			named = append(named, with)
			view.With = with
		}
		view.Partners = append(view.Partners, choice{option{p.ID, p.Called()}, p.ID == with})
	}
	view.Script, ok, err = v.office.ConsentScript(ctx, named...)
	return ok, err
}

// consent records what the customer answered.
//
// cite: P-13, P-28, 47 CFR 64.2007(a)(1), 47 CFR 64.2008(f)
func (v *visit) consent() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	c := contact.Consent{Contact: s.ID, Script: v.field("script"), Read: v.form.Get("read") == "yes", Recording: v.field("recording")}
	if with := v.field("partner"); with != "" {
		c.Partners = []string{with}
	}
	note := "The no is on record. Do not ask again on this call; everything else goes on as before."
	switch v.form.Get("answer") {
	case "yes":
		c.Yes, note = true, "The yes is on record. It counts for an offer of our own on this call, and ends with it."
	case "no":
	default:
		return v.did(s, "consent", "", cpni.Rejected("BAD_INPUT", "nothing says what the customer answered", []string{"47 CFR 64.2007(a)(1)"}, "take a clear yes or no; anything else is a no"))
	}
	_, err = v.office.OneTimeConsent(v.r.Context(), c)
	return v.did(s, "consent", note, err)
}

// careView is what a customer who must fear somebody near them can ask for.
//
// cite: P-16, P-25, 47 USC 222(a), 47 USC 345
type careView struct {
	On     bool
	Word   bool
	Alone  bool
	Since  string
	Shared []choice
	Proved bool
	Script rules.Script // about the separation of lines
	Claim  string       // address of the page for emergencies
}

func (v *visit) careView(p *customer.Profile, proved bool) careView {
	view := careView{Proved: proved, Claim: emergencyAddress(p.ID)}
	view.Script, _ = v.office.Script("safe-connections")
	if p.Safety != nil {
		view.On, view.Since = true, v.day(p.Safety.Since)
	}
	if !proved { // what was asked for is nobody's business but the customer's
		return view
	}
	if c := p.Safety; c != nil {
		view.Word, view.Alone = c.Word != nil, c.Alone
	}
	for _, o := range []option{{customer.Shared.Lines, "Telephone: no call, text or voice message to the lines"}, {customer.Shared.Email, "E-mail"}, {customer.Shared.Postal, "Post"}} {
		view.Shared = append(view.Shared, choice{o, p.Quiet(o.Value)})
	}
	return view
}

// care sets or ends the care that a customer has asked for.
//
// cite: P-16, P-25
func (v *visit) care() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	c := contact.Care{Contact: s.ID, Off: v.form.Get("off") == "yes", Word: v.form.Get("word"), Shared: v.form["shared"], Alone: v.form.Get("alone") == "yes"}
	err = v.office.Contacts.Care(v.r.Context(), c)
	if errors.Is(err, customer.ErrUnchanged) {
		err = nil
	}
	note := "It is set. No notice of it goes anywhere."
	if c.Off {
		note = "It has ended. No notice of it goes anywhere."
	}
	return v.did(s, "care", note, err)
}

// scriptPart is a part of what is read aloud.
type scriptPart = rules.ScriptPart

// wordHint says whether there is a word already.
func (c careView) wordHint() string {
	if c.Word {
		return "one is set; leave it empty to keep it"
	}
	return "leave it empty to set none"
}

func careField(i int) string { return "care-shared-" + strconv.Itoa(i+1) }
