package certificate

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/cpni"
)

// Period is the calendar year that a certificate is about, as far as it has come.
type Period struct {
	Year     int
	From, To time.Time // From is included, To is not; in the carrier's zone
	Now      time.Time // what is open, is open at this moment
}

// Value is a number or words that a source gives.
type Value struct {
	N    int64  `json:"n,omitempty"`
	Text string `json:"text,omitempty"` // in the place of the number, where it is not ""
}

func (v Value) String() string {
	if v.Text != "" {
		return v.Text
	}
	return fmt.Sprint(v.N)
}

// Values are what a source gives, by name.
type Values map[string]Value

// Set sets a number.
func (v Values) Set(name string, n int64) { v[name] = Value{N: n} }

// Source tells what the records of one part of the house show of a year. It writes no sentence: the list of obligations does that.
type Source struct {
	Name   string
	Values []string // the names of what it gives, so that the list can be checked before it is needed
	Ask    func(ctx context.Context, p Period) (Values, error)
}

// Alerts is the name of the source that counts unanswered alerts: a gap of the list names their codes, and gets their number as {alerts}.
const Alerts = "alerts"

// Unanswered counts the alerts of a year that nobody has closed, by their codes.
type Unanswered func(ctx context.Context, p Period) (map[cpni.Code]int64, error)

// Keeping is what keeps the clauses of an obligation, as the program sees it now.
type Keeping struct {
	Off    []string  // rules that should keep them and are not in force
	Failed []string  // clauses whose tests failed when they were last told
	Tested time.Time // the oldest of the last times at which each of them was tested; zero: one never was
}

// Known is what the registers hold of a year beside complaints, in words that name nobody.
type Known struct {
	Actions []string `json:"actions,omitempty"` // against data brokers
	Methods []string `json:"methods,omitempty"` // of pretexters
}
