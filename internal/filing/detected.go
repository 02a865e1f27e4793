package filing

import (
	"context"
	"errors"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Watched is the step that says what the carrier's own monitor has seen of a way to refuse since its file was opened. It changes no fact,
// judges nothing and closes nothing.
const Watched What = "seen by the monitor"

// DetectedTx takes a failure in, within a larger transaction, that the carrier's own monitor has found: nobody works for it, so nobody's right is
// asked for. It gives the entries of that transaction. Taken in already under its id it is left as it is, and there are none. Taken tells that
// the whole transaction has to be tried again.
//
// cite: P-12, 47 CFR 64.2009(f)
func (d *Desk) DetectedTx(ctx context.Context, tx *store.Tx, in Intake) ([]ledger.Entry, error) {
	now := d.Clock.Now()
	if !in.ID.Valid() {
		return nil, bad("the file has no id", "begin again")
	}
	if err := in.Facts.check(now, d.Zone); err != nil {
		return nil, err
	}
	in.By = cpni.ID(cpni.RoleSystem)
	_, entries, err := d.insert(ctx, tx, in, now)
	if errors.Is(err, errDone) {
		return nil, nil
	}
	return entries, err
}

// Taken reports whether a transaction with DetectedTx failed because another file was given its number at the same moment.
func Taken(err error) bool { return errors.Is(err, errTaken) }

// WatchedTx adds to a file what the carrier's own monitor has seen since, within a larger transaction, and gives its entries. code is that of an
// alert that says the same; "" raises none.
//
// cite: P-12, 47 CFR 64.2009(f)
func (d *Desk) WatchedTx(ctx context.Context, tx *store.Tx, id cpni.ID, says string, code cpni.Code) ([]ledger.Entry, error) {
	says = strings.TrimSpace(says)
	if says == "" || len(says) > longestText {
		return nil, bad("what the monitor has seen is nothing, or longer than 20,000 bytes", "say it in a sentence")
	}
	_, entries, err := d.move(ctx, tx, id, Act{}, func(m *moved) error {
		if err := m.note(Watched, Event{Reason: says}); err != nil || code == "" {
			return err
		}
		return m.alert(code, says)
	})
	return entries, err
}
