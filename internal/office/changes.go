package office

import (
	"context"
	"errors"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
)

// Settle has a member decide about a change that a customer says was not theirs. It is the work of those who work on cases,
// and never of the one who made the change.
//
// cite: P-23, P-37, 47 CFR 64.2010(a)
func (o *Office) Settle(ctx context.Context, x contact.Settlement) ([]contact.Planned, error) {
	m, _, err := o.Staff.Recent(ctx, x.By)
	if err != nil {
		return nil, err
	}
	if r := m.Barred(staff.Watch); r != nil {
		return nil, r
	}
	return o.Contacts.Settle(ctx, x)
}

// ChangeByNumber finds the change that a notice tells of, by the number that the customer reads off it; "" when no notice
// of theirs bears it. It finds something only among the customer's own, so it proves nothing and tells nothing of others.
//
// cite: P-23, 47 CFR 64.2010(f)
func (o *Office) ChangeByNumber(ctx context.Context, of cpni.ID, number string) (cpni.ID, error) {
	whose, m, err := o.Outbox.ByNumber(ctx, number)
	if errors.Is(err, notify.ErrNotOurs) || err == nil && (whose != of || m.Kind != notify.AccountChange) {
		return "", nil
	}
	return m.About, err
}
