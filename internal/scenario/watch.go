package scenario

import (
	"context"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/watch"
)

// tellWatch tells the detectors what a setup says: which customers are decoys, and which of the staff are customers.
func (w *world) tellWatch(ctx context.Context, setup args) error {
	if customers := setup.n.get("customers"); customers != nil {
		for _, e := range customers.entries {
			if (args{w, e.value}).flag("decoy") {
				if err := w.office.Watch.SetDecoy(ctx, w.customers[e.key], true, teller); err != nil {
					return fmt.Errorf("line %d: the customer %s: %w", e.at.line, e.key, err)
				}
			}
		}
	}
	if members := setup.n.get("staff"); members != nil {
		for _, e := range members.entries {
			name := args{w, e.value}.text("customer")
			if name == "" {
				continue
			}
			of, known := w.customers[name]
			if !known {
				return fmt.Errorf("line %d: the member of the staff %s: there is no customer %s", e.at.line, e.key, name)
			}
			if err := w.office.Watch.SetKin(ctx, w.staffIDs[e.key], of, true, teller); err != nil {
				return fmt.Errorf("line %d: the member of the staff %s: %w", e.at.line, e.key, err)
			}
		}
	}
	return nil
}

// watchLooks brings everything into the tree and has Watch look at it.
func (w *world) watchLooks(ctx context.Context) error {
	if err := w.ledger.Sequence(ctx); err != nil {
		return err
	}
	return w.office.Watch.Step(ctx)
}

func lookUp(ctx context.Context, w *world, a args) (result, error) {
	return of(w.office.Viewed(ctx, w.staffIDs[a.text("by")], watch.Card, w.customers[a.text("customer")]), succeeded())
}

// caseAct does one thing in the case of the newest alert with a code.
func caseAct(ctx context.Context, w *world, a args) (result, error) {
	if err := w.watchLooks(ctx); err != nil {
		return result{}, err
	}
	all, err := w.office.Watch.Alerts(ctx, watch.Filter{})
	if err != nil {
		return result{}, err
	}
	by := w.staffIDs[a.text("by")]
	for _, x := range all {
		if x.Code != cpni.Code(a.text("code")) {
			continue
		}
		switch a.text("does") {
		case "take":
			err = w.office.Watch.Take(ctx, x.ID, by)
		case "note":
			err = w.office.Watch.Note(ctx, x.ID, by, a.text("says"))
		default:
			err = w.office.Watch.Close(ctx, x.ID, by, watch.Outcome(a.text("outcome")), a.text("says"))
		}
		return of(err, succeeded())
	}
	return result{}, fmt.Errorf("there is no alert with the code %s", a.text("code"))
}

// alertOf gives the newest alert with a code.
func (w *world) alertOf(ctx context.Context, code cpni.Code) (cpni.ID, error) {
	if err := w.watchLooks(ctx); err != nil {
		return "", err
	}
	all, err := w.office.Watch.Alerts(ctx, watch.Filter{})
	for _, x := range all {
		if x.Code == code {
			return x.ID, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("there is no alert with the code %s", code)
	}
	return "", err
}
