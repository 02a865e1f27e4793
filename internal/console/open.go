package console

import (
	"errors"
	"strconv"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
)

// openContact begins a contact with a customer. A form that is sent twice opens one. Who may not have a contact is told so,
// and it is on record.
//
// cite: P-37, P-38, P-42, I-11, 47 CFR 64.2009(b)
func (v *visit) openContact() error {
	ctx, id := v.r.Context(), v.id("customer")
	p, _, err := v.office.Customers.Get(ctx, id)
	if err != nil {
		return err
	}
	key := v.form.Get("key")
	if !cpni.ID(key).Valid() {
		return errUnreadable
	}
	o := contact.Opening{ID: v.office.RepeatableID("contact at the desk", string(v.member.ID), key), Customer: id, Channel: cpni.Channel(v.form.Get("channel")), Agent: v.member.ID,
		Source: "desk " + string(v.member.ID)}
	if o.Channel == "outbound" {
		o.Channel, o.Outbound = cpni.Phone, true
	}
	if o.Channel == cpni.Online {
		o.Channel = "" // an online session is the customer's own
	}
	if no, err := strconv.Atoi(v.form.Get("shown")); err == nil && o.Channel == cpni.Phone {
		if l, ok := lineNo(p, no); ok {
			o.Caller = l.Number
		}
	}
	s, err := v.office.OpenContact(ctx, o)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: customerAddress(id), Refusal: refusal}, customerAddress(id))
	}
	if err != nil {
		return err
	}
	v.setCookie(atCookie, string(s.ID), 0)
	return v.goTo(contactAddress(s.ID))
}

// mine gives the contact of the address, if it is the person's own: those of others are as if they were not there.
//
// cite: P-37, P-42
func (v *visit) mine() (*contact.State, error) {
	s, _, err := v.office.Contacts.Get(v.r.Context(), v.id("contact"))
	if err != nil {
		return nil, err
	}
	if s.Agent != v.member.ID {
		return nil, contact.ErrNoContact
	}
	return s, nil
}
