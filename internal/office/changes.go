package office

import (
	"context"

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

// ChangeByShortCode finds the change that a notice tells of, by the number that the customer reads off it; "" when no notice
// of theirs bears it. It finds something only among the customer's own, so it proves nothing and tells nothing of others.
//
// cite: P-23, 47 CFR 64.2010(f)
func (o *Office) ChangeByShortCode(ctx context.Context, of cpni.ID, code string) (cpni.ID, error) {
	all, err := o.Outbox.Messages(ctx, of)
	if err != nil {
		return "", err
	}
	for _, m := range all {
		if m.Kind == notify.AccountChange && m.About != "" && o.Outbox.ShortCode(m.ID) == code {
			return m.About, nil
		}
	}
	return "", nil
}
