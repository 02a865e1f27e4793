package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// notMe answers a notice of change: by its link, or as one who got it in a call or a text. Which notice is meant is said by
// what it tells of: the newest such.
//
// cite: P-23, 47 CFR 64.2010(f)
func notMe(ctx context.Context, w *world, a args) (result, error) {
	how := contact.ByLink
	if a.has("by") {
		how = a.text("by")
	}
	token := "no such token"
	if a.text("token") != "unknown" {
		m, err := w.noticeOf(ctx, a.text("customer"), a.text("what"))
		if err != nil {
			return result{}, err
		}
		token = w.office.Outbox.Token(m.ID)
	}
	_, err := w.desk.NotMeByToken(ctx, token, how, a.text("source"))
	return ofChange(err)
}

// noticeOf finds the newest notice that a customer got of a kind of change.
func (w *world) noticeOf(ctx context.Context, name, what string) (notify.Message, error) {
	all, err := w.office.Outbox.Messages(ctx, w.customers[name])
	if err != nil {
		return notify.Message{}, err
	}
	for _, m := range slices.Backward(all) {
		if m.Kind == notify.AccountChange && m.Tokens["what"] == what {
			return m, nil
		}
	}
	return notify.Message{}, fmt.Errorf("the customer %s got no notice of a change of: %s", name, what)
}

// ofChange is the result of what is done about a change.
func ofChange(err error) (result, error) {
	if errors.Is(err, customer.ErrNoCustomer) {
		err = contact.ErrNoChange
	}
	return of(err, succeeded())
}

// dispute is a customer's word in a contact, or through a program, that a change was not theirs.
func dispute(ctx context.Context, w *world, a args) (result, error) {
	id, err := w.changeOf(ctx, a, func(c customer.Changed) bool { return c.Disputed.IsZero() })
	if err != nil {
		return result{}, err
	}
	x := contact.Dispute{Customer: w.customers[a.text("customer")], Change: id, How: contact.AtDesk, By: teller}
	if a.has("by") {
		x.By = string(w.staffIDs[a.text("by")])
	}
	if a.has("contact") {
		x.Contact = w.contact(a.text("contact"))
	}
	return ofChange(w.desk.Dispute(ctx, x))
}

// settle decides about a disputed change.
func settle(ctx context.Context, w *world, a args) (result, error) {
	id, err := w.changeOf(ctx, a, func(c customer.Changed) bool { return c.Open() })
	if err != nil {
		return result{}, err
	}
	told, err := w.office.Settle(ctx, contact.Settlement{Customer: w.customers[a.text("customer")], Change: id, By: w.staffIDs[a.text("by")], Outcome: a.text("is")})
	return of(err, result{outcome: cpni.OK, fields: map[string]any{"notices": noticesOf(told)}})
}

// changeOf finds the newest change of a kind that is as looked for; "" there is none.
func (w *world) changeOf(ctx context.Context, a args, is func(customer.Changed) bool) (cpni.ID, error) {
	p, _, err := w.book.Get(ctx, w.customers[a.text("customer")])
	if err != nil {
		return "", err
	}
	for _, c := range slices.Backward(p.Changes) {
		if c.What == a.text("what") && is(c) {
			return c.ID, nil
		}
	}
	return "", nil
}
