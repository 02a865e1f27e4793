package approval

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

func rawPlace(event cpni.ID) string { return "approval/" + string(event) + "/evidence" }

// ErrNoEvidence: nothing is kept of an event beside what its history says.
var ErrNoEvidence = errors.New("no evidence is kept here of this")

// keepRaw writes the whole of what shows that something was said.
func (b *Book) keepRaw(ctx context.Context, tx *store.Tx, of, event cpni.ID, raw []byte) error {
	sealed, err := b.vault.SealTx(ctx, tx, of, rawPlace(event), raw)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO approval_evidence (customer_id, event_id, sealed) VALUES ($1, $2, $3)", string(of), string(event), sealed); err != nil {
		return fmt.Errorf("keeping the evidence of an approval: %w", err)
	}
	return nil
}

// Raw gives the whole of what shows that an event was, such as a scanned letter. Whoever shows it to a person puts that on record
// first. ErrNoEvidence: nothing is kept here.
//
// cite: P-36, 47 CFR 64.2007(a)(1), 47 CFR 64.2007(a)(3)
func (b *Book) Raw(ctx context.Context, of, event cpni.ID) ([]byte, error) {
	var sealed []byte
	err := b.db.Reader().QueryRow(ctx, "SELECT sealed FROM approval_evidence WHERE customer_id = $1 AND event_id = $2", string(of), string(event)).Scan(&sealed)
	if store.IsNoRow(err) {
		return b.within(ctx, of, event)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of an approval: %w", err)
	}
	return b.vault.OpenState(ctx, of, rawPlace(event), sealed)
}

// within gives the evidence of an event of the version before, which lies in the event itself.
func (b *Book) within(ctx context.Context, of, event cpni.ID) ([]byte, error) {
	e, err := b.Event(ctx, of, event)
	if err != nil {
		return nil, err
	}
	if e.Evidence == nil || len(e.Evidence.Raw) == 0 {
		return nil, ErrNoEvidence
	}
	return e.Evidence.Raw, nil
}

// Event gives one event. ErrNoEvidence: there is none.
func (b *Book) Event(ctx context.Context, of, event cpni.ID) (Event, error) {
	all, err := b.events(ctx, b.db.Reader(), func(place string, sealed []byte) ([]byte, error) {
		return b.vault.OpenState(ctx, of, place, sealed)
	}, eventColumns+" AND event_id = $2", string(of), string(event))
	if err != nil {
		return Event{}, err
	}
	if len(all) == 0 {
		return Event{}, ErrNoEvidence
	}
	return all[0], nil
}

// Told gives what a notice told a customer, whether or not it came back since; ok is false when the message was no notice that is proven
// given.
//
// cite: P-26, 47 CFR 64.2008(c)(2)
func (b *Book) Told(ctx context.Context, tx *store.Tx, of, notice cpni.ID) (told Event, ok bool, err error) {
	all, err := b.events(ctx, tx, func(place string, sealed []byte) ([]byte, error) {
		return b.vault.OpenStateTx(ctx, tx, of, place, sealed)
	}, eventColumns+" AND notice = $2 AND what = 'noticed' ORDER BY n", string(of), string(notice))
	if err != nil || len(all) == 0 {
		return Event{}, false, err
	}
	return all[len(all)-1], true, nil
}
