// Package watch looks for what is out of the ordinary in what is decided, tried and looked at, and keeps the cases that
// come of it.
//
// It follows the ledger in the order of the tree, off the way of requests, and keeps three things: an index in which
// decisions are found across customers, counts of each day, and alerts. An alert names entries, times and counts, and
// nothing about a customer.
//
// cite: P-37, 47 CFR 64.2010(a)
package watch

import (
	"context"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Watch follows the ledger and keeps the cases.
type Watch struct {
	parts Parts
}

// Parts are what Watch works with.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Staff     *staff.Register
	Customers *customer.Book
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it decides days and hours
	Numbers   func(time.Time) Numbers
	// Reserved are codes of alerts that only they see who have a right: to the others there is no such alert.
	Reserved map[cpni.Code]staff.Right
}

// New makes a Watch; Run or Step makes it follow.
func New(p Parts) *Watch { return &Watch{p} }

// followEvery is how far apart Watch looks whether the tree has grown. breath is the pause after a full batch, in which
// the door has the database to itself.
const (
	followEvery = time.Second
	breath      = 5 * time.Millisecond
)

// Run follows until ctx ends. Of several nodes one at a time does it; the others look whether it still does. report gets
// errors; Watch goes on trying.
func (w *Watch) Run(ctx context.Context, report func(error)) {
	store.Every(ctx, followEvery, w.Step, report)
}

// Step follows until everything in the tree has been looked at, and judges what is due by now.
func (w *Watch) Step(ctx context.Context) error {
	for {
		more, err := w.some(ctx)
		if err != nil || !more {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(breath):
		}
	}
}

// day gives the carrier's date of a moment as yyyymmdd.
func (w *Watch) day(at time.Time) int {
	y, m, d := at.In(w.parts.Zone).Date()
	return y*10000 + int(m)*100 + d
}
