// Package evidence makes what an auditor takes along: the whole log in the form that strangers' tools read, the records of a time, the facts
// of each decision sealed to the auditor's key, and every policy, text and register that says what they stand on. What it has made is verified
// and decided again on a machine that has nothing but this program, years later.
//
// cite: P-41, P-49, 47 CFR 64.2009(c)
package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// Sort is the sort of the statement that is signed over a bundle (ledger.Ledger.Sign), and the format of its manifest.
const Sort = "ringfence evidence 1"

// The files of a bundle that are no part of a folder of it. Beside them lie the log's tiles as C2SP tlog-tiles lays them out.
const (
	ManifestFile = "MANIFEST.json"
	Sums         = "SHA256SUMS"
	Signature    = "SIGNATURE"
	Readme       = "README.md"
	Checkpoint   = "checkpoint"
	Gone         = "records/destroyed.jsonl.gz"
)

func recordsFile(n int) string     { return fmt.Sprintf("records/%06d.jsonl.gz", n) }
func factsFile(n int) string       { return fmt.Sprintf("facts/%06d.age", n) }
func checkpointsFile(n int) string { return fmt.Sprintf("checkpoints/%06d.jsonl", n) }
func policyFile(version string) string {
	return "policy/" + version + ".txtar"
}

// What is in a bundle.
const (
	All      = "all"      // everything of its time
	Customer = "customer" // what is recorded about one customer
	Incident = "incident" // the steps of an incident, and the entries that show whom it reached
	Campaign = "campaign" // the steps of a campaign, and the decisions that permitted it
)

// Scope is what a bundle is about.
type Scope struct {
	Kind string  `json:"kind"`
	ID   cpni.ID `json:"id,omitempty"` // of the customer, incident or campaign; "" of all
}

// String tells the scope in a line.
func (s Scope) String() string {
	if s.ID == "" {
		return s.Kind
	}
	return s.Kind + " " + string(s.ID)
}

// Order is what somebody has made.
type Order struct {
	From  time.Time `json:"from"` // of the entries that are in it: when they were made
	To    time.Time `json:"to"`   // before this moment
	Scope Scope     `json:"scope"`
	Key   string    `json:"key"` // the auditor's public key, as age writes it
	Why   string    `json:"why"`
}

// Purposes of the entries that say that a bundle is made, and that it was. The first bears the fingerprint of the key to which facts are sealed,
// the second the SHA-256 of the list of the bundle's files.
const (
	Begun = "bundle-begun"
	Made  = "bundle-made"
)

// mostWhy bounds the reason for a bundle, in bytes.
const mostWhy = 2000

// Check refuses an order that can not be carried out.
//
// cite: P-41
func (o Order) Check() error {
	switch {
	case o.From.IsZero() || !o.From.Before(o.To):
		return cpni.Rejected("BAD_INPUT", "the time that the bundle is of ends before it begins", []string{"P-41"}, "name its first and its last day")
	case strings.TrimSpace(o.Why) == "" || len(o.Why) > mostWhy:
		return cpni.Rejected("BAD_INPUT", "it is not said in a few words why the bundle is made", []string{"P-41"}, "say who asks for it and why")
	}
	switch o.Scope.Kind {
	case All:
		if o.Scope.ID != "" {
			return errScope
		}
	case Customer, Incident, Campaign:
		if !o.Scope.ID.Valid() {
			return errScope
		}
	default:
		return errScope
	}
	_, err := recipient(o.Key)
	return err
}

var (
	errScope = cpni.Rejected("BAD_INPUT", "a bundle is of everything, or of one customer, incident or campaign by its id", []string{"P-41"}, "name one of them, or none")
	errKey   = cpni.Rejected("BAD_INPUT", "the auditor's key is no public key of age", []string{"P-41", "P-37"}, "have the auditor make a key with age-keygen and give the line that begins with age1", "never take the secret key, which begins with AGE-SECRET-KEY")
)

// recipient reads the auditor's public key.
func recipient(key string) (age.Recipient, error) {
	if strings.ContainsAny(key, "\r\n#") || !strings.HasPrefix(key, "age1") {
		return nil, errKey
	}
	found, err := age.ParseRecipients(strings.NewReader(key))
	if err != nil || len(found) != 1 {
		return nil, errKey
	}
	return found[0], nil
}

// Fingerprint names a public key in the ledger and in bundles: the SHA-256 of its one line, in hexadecimal digits.
func Fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Manifest is what a bundle says of itself, in one file for programs.
type Manifest struct {
	Format    string    `json:"format"`
	Log       string    `json:"log"`     // the ledger's name
	Key       string    `json:"key"`     // its public key, to be compared with the one that the carrier publishes
	Program   string    `json:"program"` // the version of Ringfence that made it
	Order     cpni.ID   `json:"order"`   // the ledger's entry that says who had it made, of what and why
	Made      time.Time `json:"made"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Scope     Scope     `json:"scope"`
	Recipient string    `json:"recipient"` // fingerprint of the key to which the facts are sealed
	Size      int64     `json:"size"`      // of the log's tree
	Root      string    `json:"root"`
	Counts    Counts    `json:"counts"`
	Segments  []Segment `json:"segments"`
	Policies  []Policy  `json:"policies"` // that decided, and the one in force
}

// Counts tell how much is in a bundle.
type Counts struct {
	Records    int64 `json:"records"`
	Decisions  int64 `json:"decisions"`
	Opened     int64 `json:"opened"`               // records whose facts are in it, sealed to the auditor
	Erased     int64 `json:"erased"`               // of customers whose key is destroyed: nobody can read their facts
	Unreadable int64 `json:"unreadable,omitempty"` // that do not open although the key is there
	Destroyed  int64 `json:"destroyed,omitempty"`  // records of which only the leaf is left
}

func (c *Counts) add(o Counts) {
	c.Records += o.Records
	c.Decisions += o.Decisions
	c.Opened += o.Opened
	c.Erased += o.Erased
	c.Unreadable += o.Unreadable
}

// Segment is a file of records with the file of their facts.
type Segment struct {
	Records string `json:"file"`
	Facts   string `json:"facts,omitempty"` // "" none of them has facts that are in it
	Counts
}

// Policy is a policy by which something in the bundle was decided.
type Policy struct {
	Version   string `json:"version"`
	Calendars string `json:"calendars,omitempty"` // the version of the calendars that its closures make
	Missing   bool   `json:"missing,omitempty"`   // it was not on record any more when the bundle was made
}

// opens reports whether what is sealed in a record goes along: of decisions, and of the carrier's own records.
func opens(e ledger.Entry) bool { return e.Customer == "" || e.Kind == ledger.Decision }

// What stands in the place of a record that could not be opened.
const (
	erased     = "erased"
	unreadable = "unreadable"
)
