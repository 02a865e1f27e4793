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

// Recovered is the alert that a way that had failed works again; its file stays as it is.
const Recovered cpni.Code = "OPTOUT_WORKS"

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

// RecoveredTx adds to a file that the carrier's own monitor found the way working again, within a larger transaction, and raises the alert that says
// the same. It gives the entries of that transaction.
//
// cite: P-12, 47 CFR 64.2009(f)
func (d *Desk) RecoveredTx(ctx context.Context, tx *store.Tx, id cpni.ID, says string) ([]ledger.Entry, error) {
	says = strings.TrimSpace(says)
	if says == "" || len(says) > longestText {
		return nil, bad("what the monitor has seen is nothing, or longer than 20,000 bytes", "say it in a sentence")
	}
	_, entries, err := d.move(ctx, tx, id, Act{}, func(m *moved) error {
		if err := m.note(Watched, Event{Reason: says}); err != nil {
			return err
		}
		return m.alert(Recovered, says)
	})
	return entries, err
}
