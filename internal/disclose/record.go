package disclose

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/vault"
)

// Record is what the ledger keeps, sealed, of one decision: what was asked, the facts, the decision, and the versions
// of rules and calendars. It is enough to decide again, and with the entry's commitment to prove what was recorded.
//
// cite: P-41, 47 CFR 64.2009(c)
type Record struct {
	Salt     string         `json:"salt"` // 128 random bits: the commitment hides what it commits to
	Entry    cpni.ID        `json:"entry"`
	Customer cpni.ID        `json:"customer,omitempty"`
	Contact  cpni.ID        `json:"contact,omitempty"`
	Staff    cpni.ID        `json:"staff,omitempty"`
	To       string         `json:"to,omitempty"` // names a person only here, sealed
	Address  string         `json:"address,omitempty"`
	Line     string         `json:"line,omitempty"`
	Months   []int          `json:"months,omitempty"`
	Limits   *Limits        `json:"limits,omitempty"` // of a release under legal process
	Facts    rules.Facts    `json:"facts"`
	Rules    string         `json:"rules"`
	Decision recordDecision `json:"decision"`
}

// recordDecision is the part of a decision that replay compares.
type recordDecision struct {
	Outcome cpni.Outcome `json:"outcome"`
	Code    cpni.Code    `json:"code,omitempty"`
	Codes   []cpni.Code  `json:"codes,omitempty"`
	Clauses []string     `json:"clauses,omitempty"`
	Cites   []string     `json:"cites,omitempty"`
	Rules   []string     `json:"rules,omitempty"`
}

// decided is what the record keeps of d.
func decided(d rules.Decision) recordDecision {
	return recordDecision{Outcome: d.Outcome, Code: d.Code, Codes: d.Codes, Clauses: d.Clauses, Cites: d.Cites, Rules: d.Rules}
}

func recordPlace(id cpni.ID) string { return vault.RecordPlace(id) }

// mustJSON writes what can always be written.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func newSalt() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawStdEncoding.EncodeToString(b[:])
}

// encode gives the record's bytes and their commitment.
func (r Record) encode() (plain []byte, commitment [32]byte, err error) {
	if plain, err = json.Marshal(r); err != nil {
		return nil, commitment, fmt.Errorf("writing the record: %w", err)
	}
	return plain, sha256.Sum256(plain), nil
}

// DecodeRecord reads a record that the vault has opened.
func DecodeRecord(plain []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(plain, &r); err != nil {
		return r, fmt.Errorf("reading a decision's record: %w", err)
	}
	return r, nil
}

// monthsAround gives the month of at and the one before it, in zone, as yyyymm.
func monthsAround(at time.Time, zone *time.Location) []int {
	now := at.In(zone)
	before := time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, zone)
	return []int{before.Year()*100 + int(before.Month()), now.Year()*100 + int(now.Month())}
}
