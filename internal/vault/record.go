package vault

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// RecordPlace names the place of a ledger record for sealing and opening.
func RecordPlace(id cpni.ID) string { return "record/" + string(id) }

// note is the plaintext of a record other than a decision: a salt, so that the commitment hides what it commits to, and
// what happened.
type note struct {
	Salt   string `json:"salt"`
	Detail any    `json:"detail"`
}

// Entry completes e with a fresh id and with detail, sealed under the key of e's customer. tx is nil outside a
// transaction.
//
// cite: P-41
func (v *Vault) Entry(ctx context.Context, tx *store.Tx, e ledger.Entry, detail any) (ledger.Entry, error) {
	var salt [16]byte
	rand.Read(salt[:])
	plain, err := json.Marshal(note{encodeText(salt[:]), detail})
	if err != nil {
		return e, fmt.Errorf("writing a record: %w", err)
	}
	e.ID = cpni.NewTimedID(e.At)
	e.Commitment = sha256.Sum256(plain)
	if tx != nil {
		e.Sealed, err = v.SealTx(ctx, tx, e.Customer, RecordPlace(e.ID), plain)
	} else {
		e.Sealed, err = v.Seal(ctx, e.Customer, RecordPlace(e.ID), plain)
	}
	return e, err
}

// OpenRecord opens a ledger record and checks that it is what the entry committed to.
func (v *Vault) OpenRecord(ctx context.Context, r ledger.Row) ([]byte, error) {
	plain, err := v.OpenState(ctx, r.Customer, RecordPlace(r.ID), r.Sealed)
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(plain) != r.Commitment {
		return nil, ErrSealBroken
	}
	return plain, nil
}

// OpenEvidence opens a ledger record for a bundle of evidence. The receipt is that of the entry which says who has the bundle made, of
// what and for whom; without such an entry nothing is opened.
//
// cite: P-41, 47 CFR 64.2009(c)
func (v *Vault) OpenEvidence(ctx context.Context, receipt ledger.Receipt, r ledger.Row) ([]byte, error) {
	if receipt.Kind() != ledger.Evidence || receipt.Entry() == "" || receipt.Customer() != CarrierID {
		return nil, ErrNotCovered
	}
	return v.OpenRecord(ctx, r)
}

// Detail reads the detail of a record written by Entry.
func Detail(plain []byte, into any) error {
	n := note{Detail: into}
	if err := json.Unmarshal(plain, &n); err != nil {
		return fmt.Errorf("reading a record: %w", err)
	}
	return nil
}
