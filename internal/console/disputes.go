package console

import (
	"errors"
	"slices"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/staff"
)

// disputePlaces are where a customer says that a change of their account was not theirs, and where somebody decides about it.
//
// cite: P-23, P-37, 47 CFR 64.2010(f)
func disputePlaces() []place {
	return []place{
		{pattern: "/desk/contacts/{contact}/disputes", right: staff.Serve, post: (*visit).dispute, home: "/desk/contacts/{contact}"},
		{pattern: "/alerts/{case}/settle", right: staff.Watch, post: (*visit).settle, home: "/alerts/{case}"},
	}
}

// changedView is a change of an account as pages show it: its kind and time, never its value.
//
// cite: P-23, P-25, I-09
type changedView struct {
	ID            cpni.ID
	What, At, By  string
	State, Tone   string // where it stands when it was disputed
	Open          bool   // it is disputed, and nobody has decided
	Said, Decided string // when and how; "" not
	Own           bool   // the person made it, so others decide
	Secret        bool   // undone, it is taken away and set anew
	Disputable    bool
}

var whatWords = map[string]string{customer.WhatPassword: "Password", customer.WhatPIN: "PIN", customer.WhatBackup: "Backup answer", customer.WhatOnline: "Online account",
	customer.WhatPostal: "Postal address", customer.WhatEmail: "E-mail address", customer.WhatAuthorised: "Authorised person", customer.WhatLines: "Line",
	customer.WhatContactNumber: "Contact number", customer.WhatListing: "Directory listing", customer.WhatNotices: "Way and language of notices",
	customer.WhatSIM: "Request for a new SIM", customer.WhatSIMLock: "Lock against a new SIM"}

var howWords = map[string]string{contact.ByLink: "by the link of a notice", contact.ByCall: "by a key in a call", contact.ByText: "by an answer to a text", contact.AtDesk: "at a desk"}

// mostChanges bounds the changes that a page lists.
const mostChanges = 12

// changedViews are the latest changes of an account that a page shows, the newest first, and all that are disputed.
func (v *visit) changedViews(p *customer.Profile) ([]changedView, error) {
	var all []changedView
	for _, c := range slices.Backward(p.Changes) {
		if len(all) >= mostChanges && !c.Open() {
			continue
		}
		by, err := v.actor(c.By)
		if err != nil {
			return nil, err
		}
		x := changedView{ID: c.ID, What: wordOf(whatWords, c.What), At: v.moment(c.At), By: by, Open: c.Open(), Own: c.By == string(v.member.ID), Disputable: c.Disputed.IsZero(),
			Secret: slices.Contains([]string{customer.WhatPassword, customer.WhatPIN, customer.WhatBackup}, c.What)}
		if c.Undoes != "" {
			x.What += ", undone"
		}
		if !c.Disputed.IsZero() {
			x.State, x.Tone, x.Said = "Frozen", "bad", v.moment(c.Disputed)+", "+wordOf(howWords, c.How)
		}
		if !c.Settled.IsZero() {
			who, err := v.actor(c.SettledBy)
			if err != nil {
				return nil, err
			}
			x.State, x.Tone, x.Decided = "Counts again", "good", v.moment(c.Settled)+", "+who
			if c.Outcome == customer.Undone {
				x.State, x.Tone = "Undone", "warn"
			}
		}
		all = append(all, x)
	}
	return all, nil
}

// frozenView is what everybody who serves the customer sees first while something of the account is frozen.
//
// cite: P-16, P-23
type frozenView struct {
	Open []changedView
	May  bool // the person decides about such changes
}

func (v *visit) frozenView(all []changedView) frozenView {
	return frozenView{Open: slices.DeleteFunc(slices.Clone(all), func(c changedView) bool { return !c.Open }), May: v.member.May(staff.Watch)}
}

// dispute takes it from the customer in a contact that a change was not theirs. It asks for no proof, for it only restricts.
// They choose the change, or read out the number that stands on its notice.
//
// cite: P-16, P-23, 47 CFR 64.2010(f)
func (v *visit) dispute() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	id := cpni.ID(v.field("change"))
	if code := v.field("number"); code != "" {
		if id, err = v.office.ChangeByNumber(v.r.Context(), s.Customer, code); err != nil {
			return err
		}
	}
	err = v.office.Contacts.Dispute(v.r.Context(), contact.Dispute{Customer: s.Customer, Change: id, How: contact.AtDesk, By: string(v.member.ID), Contact: s.ID})
	return v.did(s, "dispute", "The change is frozen, and those who decide about it know. The customer is told that we have it.", err)
}

// settle decides about a change that a case is about.
//
// cite: P-23, P-37, 47 CFR 64.2010(a)
func (v *visit) settle() error {
	c, err := v.office.Watch.Case(v.r.Context(), v.id("case"), v.member.ID)
	if err != nil {
		return v.worked(err, "")
	}
	outcome := v.field("outcome")
	planned, err := v.office.Settle(v.r.Context(), contact.Settlement{Customer: c.Customer, Change: cpni.ID(v.field("change")), By: v.member.ID, Outcome: outcome})
	if errors.Is(err, customer.ErrNoCustomer) {
		return errNowhere
	}
	note := "It counts again."
	if outcome == customer.Undone {
		note = "It is undone."
	}
	if len(planned) > 0 {
		note += " The customer is told " + told(planned) + "."
	}
	return v.worked(err, note)
}

// disputed are the changes of the customer whom a case of a change is about; none for any other case.
func (v *visit) disputed(code cpni.Code, of cpni.ID) ([]changedView, error) {
	if code != contact.NotMe || of == "" {
		return nil, nil
	}
	p, _, err := v.office.Customers.Get(v.r.Context(), of)
	if errors.Is(err, customer.ErrNoCustomer) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := v.changedViews(p)
	return slices.DeleteFunc(all, func(c changedView) bool { return c.Said == "" }), err
}
