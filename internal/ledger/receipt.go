package ledger

import (
	"crypto/sha256"
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// Receipt is the proof, inside this program, that an entry is durable in the ledger. Only Commit and Recall yield one, and Journal of
// what an emergency call needs while the ledger cannot be written: its fields cannot be set from outside, so CPNI cannot be unsealed without a record of it.
//
// The zero Receipt permits nothing.
//
// cite: P-41, P-01
type Receipt struct {
	customer cpni.ID
	entry    cpni.ID
	kind     Kind
	permits  []cpni.DataClass
	permit   bool
	at       time.Time
	hash     [32]byte
}

// Customer is whose information the entry is about.
func (r Receipt) Customer() cpni.ID { return r.customer }

// Entry is the id of the entry.
func (r Receipt) Entry() cpni.ID { return r.entry }

// Kind is the kind of the entry.
func (r Receipt) Kind() Kind { return r.kind }

// At is when the entry was decided, in UTC.
func (r Receipt) At() time.Time { return r.at }

// Hash is the SHA-256 of the entry as announced; the leaf that contains it follows within a second.
func (r Receipt) Hash() [32]byte { return r.hash }

// Permit reports whether the entry records a permit.
func (r Receipt) Permit() bool { return r.permit }

// Covers reports whether the entry permits the release of class.
func (r Receipt) Covers(class cpni.DataClass) bool {
	return r.permit && slices.Contains(r.permits, class)
}

func receiptOf(e Entry, announced []byte) Receipt {
	return Receipt{customer: e.Customer, entry: e.ID, kind: e.Kind, permits: slices.Clone(e.Permits), permit: e.Outcome == cpni.Permit,
		at: e.At, hash: sha256.Sum256(announced)}
}
