// Package ledger is Ringfence's append-only record: everything that is decided, tried or changed is one entry, and
// every entry is one leaf of a Merkle tree that strangers can check.
//
// An entry is durable when Commit returns; its Receipt, which nothing else yields, is what opens the vault. The tree
// follows within a second: the sequencer turns committed entries into leaves, tiles and a signed checkpoint in the
// formats of C2SP tlog-tiles, checkpoint and signed note.
//
// cite: P-41, 47 CFR 64.2009(c)
package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// Entry is one thing that happened. All of it but Sealed is readable by whoever may read the ledger, and none of it
// holds personal data: identifiers are random, the record itself is sealed under the customer's key.
type Entry struct {
	Customer   cpni.ID // "" for what concerns the carrier itself
	ID         cpni.ID
	Kind       Kind
	At         time.Time // to the microsecond, UTC
	Actor      string    // staff id, key id or "customer"
	Contact    string
	Purpose    string // of a decision; of a contact or a look-up, what happened
	Recipient  string // the kind of recipient or the id of a partner, never a name
	Outcome    cpni.Outcome
	Code       cpni.Code
	Rules      string           // version of the rule set that decided
	Permits    []cpni.DataClass // what may be released; empty unless the outcome is a permit
	Commitment [32]byte         // SHA-256 of the record's plaintext, which begins with a salt
	Sealed     []byte           // the record, sealed by the vault
	// Decided are the ids of the rules that decided. They stand in the sealed record; here they are only passed on to who
	// follows the tree, and are not kept when that is done.
	Decided []string
}

// Kind is the kind of an entry.
type Kind string

// The kinds.
const (
	Decision Kind = "decision" // a request for CPNI and its answer
	Attempt  Kind = "attempt"  // an attempt to prove who one is
	Contact  Kind = "contact"  // a contact opened or ended
	Lookup   Kind = "lookup"   // a customer's card was shown to somebody
	Change   Kind = "change"   // a change of a customer's account, credentials or approvals
	Admin    Kind = "admin"    // an administrative act
	Import   Kind = "import"   // a file taken in
	Forget   Kind = "forget"   // a customer's key destroyed
	Rotate   Kind = "rotate"   // keys renewed
	Alert    Kind = "alert"    // something that a person should look at
	Notice   Kind = "notice"   // a customer was told of their rights, or what told them came back
	Message  Kind = "message"  // what has become of a message to a customer
	Count    Kind = "count"    // a month of all customers is counted for aggregate reports
	Letter   Kind = "letter"   // what a customer asks for or reports in writing, and what becomes of it
	Incident Kind = "incident" // a step in the file of an incident
	Filing   Kind = "filing"   // a step in the file of a way to refuse that failed, or in a register of which the yearly certificate tells
	Process  Kind = "process"  // legal process: taken in, reviewed, answered
	Evidence Kind = "evidence" // a bundle of evidence is made, or was made
)

// permits spells the classes in the form that is stored and hashed.
func (e Entry) permits() string {
	words := make([]string, len(e.Permits))
	for i, p := range e.Permits {
		words[i] = string(p)
	}
	return strings.Join(words, " ")
}

// stored is an entry's row as the database has it, but for where its node committed it.
type stored struct {
	customer, id, kind                                       string
	at                                                       int64 // microseconds since 1970 UTC
	actor, contact, purpose, recipient, outcome, code, rules string
	permits                                                  string
	commitment, sealed                                       []byte
}

func (e Entry) stored() stored {
	return stored{string(e.Customer), string(e.ID), string(e.Kind), e.At.UnixMicro(), e.Actor, e.Contact, e.Purpose, e.Recipient,
		string(e.Outcome), string(e.Code), e.Rules, e.permits(), e.Commitment[:], e.Sealed}
}

// digest covers every column, each with its length, so that no byte can move or change unseen.
func (s stored) digest() [32]byte {
	b := make([]byte, 0, 512)
	for _, w := range [...]string{"ringfence row v1", s.customer, s.id, s.kind, strconv.FormatInt(s.at, 10), s.actor, s.contact, s.purpose,
		s.recipient, s.outcome, s.code, s.rules, s.permits} {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(w))), w...)
	}
	b = append(binary.BigEndian.AppendUint64(b, uint64(len(s.commitment))), s.commitment...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(s.sealed)))
	h := sha256.New()
	h.Write(b)
	h.Write(s.sealed)
	return [32]byte(h.Sum(b[:0]))
}

// timeLayout is how times stand in leaves: UTC to the microsecond.
const timeLayout = "2006-01-02T15:04:05.000000Z"

const leafVersion = "ringfence/1"

// announce is what a node commits for the sequencer: everything of the leaf but the moment of its sequencing.
func (s stored) announce() []byte {
	d := s.digest()
	return announceOf(s.id, s.kind, s.at, d[:], s.commitment)
}

// Leaf is a leaf of the tree as a stranger reads it.
type Leaf struct {
	ID         cpni.ID
	Kind       Kind
	At         time.Time // when it happened, by the clock of the node that committed it
	Row        [32]byte  // digest of the stored row
	Commitment [32]byte  // of the record's plaintext
	Sequenced  time.Time // when it entered the tree; never goes back from leaf to leaf
}

// ParseLeaf reads a leaf; the error says what is wrong with it.
func ParseLeaf(data []byte) (Leaf, error) {
	f := strings.Split(string(data), " ")
	if len(f) != 7 || f[0] != leafVersion {
		return Leaf{}, fmt.Errorf("a leaf of %d words that begins with %.20q, not a "+leafVersion+" leaf of 7", len(f), f[0])
	}
	l := Leaf{ID: cpni.ID(f[1]), Kind: Kind(f[2])}
	var err error
	if l.At, err = time.Parse(timeLayout, f[3]); err != nil {
		return Leaf{}, fmt.Errorf("a leaf's time: %w", err)
	}
	if l.Sequenced, err = time.Parse(timeLayout, f[6]); err != nil {
		return Leaf{}, fmt.Errorf("a leaf's time of sequencing: %w", err)
	}
	for i, to := range []*[32]byte{&l.Row, &l.Commitment} {
		b, err := base64.RawStdEncoding.DecodeString(f[4+i])
		if err != nil || len(b) != 32 {
			return Leaf{}, fmt.Errorf("a leaf's digest %d is not 32 bytes in base64", i)
		}
		*to = [32]byte(b)
	}
	if !l.ID.Valid() {
		return Leaf{}, fmt.Errorf("a leaf's id is not one")
	}
	return l, nil
}
