// Package controls keeps the list of what guards customers' information, with the state of each: what is on, what is off and since when,
// as a program has seen it or a person has confirmed it.
//
// The list is data (policy/controls/controls.yaml). A control is looked at by a probe, a function that somebody above this package knows, or
// it is confirmed by a person every so many days, where no program can see it. Nothing is overwritten: what was found is a step in the
// history of the control, sealed, with its entry in the ledger. A step is written when the state changes and when somebody confirms.
//
// cite: P-37, 47 CFR 64.2010(a)
package controls

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// State is where a control stands.
type State string

// The states.
const (
	On      State = "on"
	Off     State = "off"
	Unknown State = "unknown" // nobody has looked, or not lately enough
)

// Seen is what a probe has seen. Says names nobody.
type Seen struct {
	State State
	Says  string // in a sentence or a few
}

// Probe looks at one control. Within is the age that the list allows, where the control is about one; 0: it is not. An error says that it
// could not look; what was known stays until it is too old.
type Probe func(ctx context.Context, within time.Duration) (Seen, error)

// Control is one thing that guards customers' information, as it stands.
//
// cite: P-37, 47 CFR 64.2010(a)
type Control struct {
	Listed
	State  State
	Since  time.Time // when it was first found in this state; zero: never looked at
	Looked time.Time // when it was last looked at or confirmed; zero: never
	Seen   string    // what was seen then, or the words of who confirmed it
	By     string    // who confirmed it: a member's id; "" a program looked
	Until  time.Time // how long the confirmation is good; zero: a program looks
	Entry  cpni.ID   // of the ledger, with the newest step; "" there is none
	Link   string    // of the page that shows it
	Steps  int       // how many there are in its history
}

// Step is one step in the history of a control.
type Step struct {
	N     int       `json:"n"`
	At    time.Time `json:"at"`
	What  What      `json:"what"`
	By    string    `json:"by"` // a member's id; "system" for the program
	State State     `json:"state"`
	Says  string    `json:"says"`
	Since time.Time `json:"since"`          // when it was first in this state, without a break
	Until time.Time `json:"until,omitzero"` // of a confirmation
	Entry cpni.ID   `json:"-"`
}

// What is the kind of a step.
type What string

// The kinds of steps.
const (
	Found     What = "found"     // a probe has found another state
	Confirmed What = "confirmed" // a person has said that it is so, or that it is not
	Lapsed    What = "lapsed"    // nobody has confirmed it in time
)

// WentOff is the code of the alert that a control is off.
const WentOff cpni.Code = "CONTROL_OFF"

var ofControls = []string{"P-37", "47 CFR 64.2010(a)"}

// Parts are what a Book is made of.
type Parts struct {
	DB      *store.DB
	Vault   *vault.Vault
	Ledger  *ledger.Ledger
	Staff   *staff.Register
	Clock   cpni.Clock
	Listing *Listing
	Probes  map[string]Probe // by the names that the list uses
}

// Book keeps the states of the controls of a list.
type Book struct{ Parts }

// New opens the book. Every probe that the list names has to be there, and none beside.
func New(p Parts) (*Book, error) {
	used := map[string]bool{}
	var wrong []error
	for _, c := range p.Listing.all {
		if c.Probe == "" {
			continue
		}
		if used[c.Probe] = true; p.Probes[c.Probe] == nil {
			wrong = append(wrong, fmt.Errorf("the list of controls has %s looked at by %q, and there is no such probe", c.ID, c.Probe))
		}
	}
	return &Book{p}, errors.Join(wrong...)
}

// Unused are the probes that no control of the list uses, in no order.
func (b *Book) Unused() (all []string) {
	used := map[string]bool{}
	for _, c := range b.Listing.all {
		used[c.Probe] = true
	}
	for name := range b.Probes {
		if !used[name] {
			all = append(all, name)
		}
	}
	return all
}

// ErrNone: there is no such control.
var ErrNone = errors.New("there is no such control")

// Address is where the console shows a control.
func Address(id string) string { return "/controls/" + id }

// List gives every control as it stands, in the order of the list. It asks for no right: who shows it to somebody uses Read.
//
// cite: P-37, 47 CFR 64.2010(a)
func (b *Book) List(ctx context.Context) ([]Control, error) {
	newest, err := b.newest(ctx)
	if err != nil {
		return nil, err
	}
	looks, err := b.looks(ctx)
	if err != nil {
		return nil, err
	}
	now := b.Clock.Now()
	all := make([]Control, 0, len(b.Listing.all))
	for _, c := range b.Listing.all {
		all = append(all, b.stands(c, newest[c.ID], looks[c.ID], now))
	}
	return all, nil
}

// stands tells how a control stands at a moment, by its newest step and its last look.
func (b *Book) stands(c Listed, newest *Step, looked look, now time.Time) Control {
	out := Control{Listed: c, State: Unknown, Link: Address(c.ID), Seen: "Nobody has looked yet."}
	if c.Every > 0 {
		out.Seen = "Nobody has confirmed it yet."
	}
	if newest == nil {
		return out
	}
	out.State, out.Since, out.Looked, out.Seen, out.Until, out.Entry, out.Steps = newest.State, newest.Since, newest.At, newest.Says, newest.Until, newest.Entry, newest.N
	if newest.What == Confirmed {
		out.By = newest.By
	}
	if c.Probe == "" {
		if newest.State == On && !now.Before(newest.Until) {
			out.State, out.Since, out.Seen = Off, newest.Until, lapsed(c.Every)
		}
		return out
	}
	out.Until = time.Time{}
	if !looked.at.IsZero() {
		out.Looked, out.Seen = looked.at, looked.says
	}
	if good := out.Looked.Add(b.Listing.lookLife); now.After(good) {
		out.State, out.Since, out.Seen = Unknown, good, "Nobody has looked for longer than a look is good. What was seen last: "+out.Seen
	}
	return out
}

func lapsed(every int) string {
	return fmt.Sprintf("Nobody has confirmed it since: it is to be confirmed every %d days.", every)
}

// Read is List for a member of the staff who may read what is on record.
//
// cite: P-37, 47 CFR 64.2010(a)
func (b *Book) Read(ctx context.Context, by cpni.ID) ([]Control, error) {
	if err := b.admits(ctx, by, staff.ReadRecords); err != nil {
		return nil, err
	}
	return b.List(ctx)
}

// One gives a control with its history, the oldest step first, to a member who may read what is on record.
//
// cite: P-37, 47 CFR 64.2010(a)
func (b *Book) One(ctx context.Context, id string, by cpni.ID) (Control, []Step, error) {
	all, err := b.Read(ctx, by)
	if err != nil {
		return Control{}, nil, err
	}
	for _, c := range all {
		if c.ID == id {
			steps, err := b.history(ctx, id)
			return c, steps, err
		}
	}
	return Control{}, nil, ErrNone
}

func (b *Book) admits(ctx context.Context, by cpni.ID, right staff.Right) error {
	m, _, err := b.Staff.Get(ctx, by)
	if err != nil {
		return err
	}
	if refusal := m.Barred(right); refusal != nil {
		return refusal
	}
	return nil
}
