package scenario

import (
	"context"
	"errors"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/retention"
	"ringfence/internal/staff"
)

// retentionActs are what the verbs about how long records are kept do.
//
// cite: P-54, I-22
func retentionActs() map[string]act {
	return map[string]act{"purge": purge, "legal-hold": legalHold, "lift-hold": liftHold}
}

// purge asks for records of a kind to be removed, of one customer or of all. Of incidents it removes a file. Of another kind it is refused
// while some of it must be kept; then everything of the kind that is past its time goes, as two people would have agreed.
//
// cite: P-54, V26, I-22, 47 CFR 64.2011(d)
func purge(ctx context.Context, w *world, a args) (result, error) {
	if a.has("incident") {
		_, err := w.incidental(ctx, a, func(d *breach.Desk, id cpni.ID, act breach.Act) (*breach.Incident, error) {
			return nil, d.Purge(ctx, id, act, "the story asks for it")
		})
		return of(err, succeeded())
	}
	by, err := w.handler(ctx, args{})
	if err != nil {
		return result{}, err
	}
	desk, kind := w.office.Retention, a.text("of")
	if err := desk.MayErase(ctx, kind, w.customers[a.text("customer")]); err != nil {
		return of(err, result{})
	}
	if k, _ := retention.Of(kind); !k.Erasable() {
		return succeeded(), nil // there is nothing, or it would have been refused
	}
	act, err := desk.Propose(ctx, "", by, kind)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) && refusal.Code == "NOT_FOUND" {
		return succeeded(), nil // there is nothing
	}
	if err == nil {
		err = desk.Carry(ctx, act, func() {})
	}
	return of(err, succeeded())
}

// legalHold places a hold. What the story does not name does not narrow it.
//
// cite: P-54, I-22
func legalHold(ctx context.Context, w *world, a args) (result, error) {
	by, err := w.handler(ctx, a)
	if err != nil {
		return result{}, err
	}
	h, err := w.office.Retention.Place(ctx, "", by, retention.Scope{Customer: w.customers[a.text("customer")], Kind: a.text("of"), Incident: w.incidents[a.text("incident")], From: a.moment("from"), Until: a.moment("until")},
		"The matter of the story", "The story says no more.")
	if err != nil {
		return of(err, result{})
	}
	w.holds[a.text("id")] = h.ID
	return succeeded(), nil
}

// liftHold lifts a hold, by somebody else than who placed it when the story names nobody.
//
// cite: P-54, I-22
func liftHold(ctx context.Context, w *world, a args) (result, error) {
	by, named := w.staffIDs[a.text("by")]
	if !named {
		const name = "(who lifts holds)"
		var known bool
		if by, known = w.staffIDs[name]; !known {
			var err error
			if by, err = w.staff.Add(ctx, staff.Member{Login: "holds", Name: name, Role: cpni.RoleOfficer, Trained: w.now()}, "", teller); err != nil {
				return result{}, err
			}
			w.staffIDs[name] = by
		}
	}
	_, err := w.office.Retention.Lift(ctx, w.holds[a.text("hold")], by, "The matter is over.")
	return of(err, succeeded())
}
