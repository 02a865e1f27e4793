// Package monitor tries each way to refuse as a customer would: it fills in the form on the web, writes a mail, sends a text, calls the
// telephone line; and looks whether the refusal is on record and counts. It does so round the clock, because a customer may refuse at any
// hour, and because the five business days of the letter about a failure begin with whoever notices it.
//
// Who refuses is an account made for it, which is nobody's, has no service and is in no figure. Its refusal is taken back before each try, so
// that the next one can be seen. A way that fails so often in a row as the policy says opens its file by itself; when it works again the file
// says so and stays open, for a person judges it. A way that nobody has tried for so long is called unknown and raises an alert: silence is
// not health.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/filing"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Way is a way to refuse.
type Way string

// The ways that are tried.
const (
	Web   Way = "web"
	Mail  Way = "mail"
	Text  Way = "text"
	Phone Way = "phone"
)

// Ways are all of them, in the order in which they are shown.
var Ways = []Way{Web, Mail, Text, Phone}

// called are the ways as a file and an alert call them.
var called = map[Way]string{Web: "the page for refusals on the web", Mail: "the e-mail address for refusals", Text: "refusals by text message", Phone: "the telephone line for refusals"}

// Called gives a way in words.
func (w Way) Called() string { return called[w] }

// Numbers are how often and how patiently a way is tried. The law asks that each way is open at any hour and gives none of them.
type Numbers struct {
	Every        time.Duration // between the beginnings of two tries of a way
	InARow       int           // tries that fail one after another before it is a failure
	RecordWithin time.Duration // from when the customer has done their part until the refusal is on record
	AnswerWithin time.Duration // until a page or the telephone line answers
	SilentAfter  time.Duration // without a try that says anything, until nobody can tell whether the way works
}

// NumbersOf takes them from the policy.
//
// cite: 47 CFR 64.2008(d)(3)(v)
func NumbersOf(n rules.InForce) Numbers {
	const p = "opt-out-monitors"
	return Numbers{Every: n.Duration(p, "try_every"), InARow: n.Int(p, "failures_in_a_row"), RecordWithin: n.Duration(p, "record_within"), AnswerWithin: n.Duration(p, "answer_within"), SilentAfter: n.Duration(p, "silent_after")}
}

// Probe does what a customer does to refuse in one way.
type Probe interface {
	// From is the place that the customer of this way writes or calls from, as the profile of the account has it.
	From() Place
	// Try does it once, for an account, and gives what was seen. It waits for an answer no longer than so long. An error is that it did not
	// work: a *Fault says at which step.
	Try(ctx context.Context, as Account, within time.Duration) (saw string, err error)
	// Via are the ways under which the refusal of such a try is recorded; none: a try cannot be heard here, and works when Try says so.
	Via() []string
}

// Place is where a customer of a way is reached; "" of each: nowhere.
type Place struct{ Email, Number string }

// Account is what whoever refuses has in hand.
type Account struct {
	Number string // of the account, as it would be printed on a bill
	Token  string // fresh for each try, to tell it from others
	Place
}

// Fault is a step of a try that did not work. It names nobody.
type Fault struct{ Step, Says string }

// Error gives both.
func (f *Fault) Error() string { return f.Step + ": " + f.Says }

// Failed makes one.
func Failed(step, format string, a ...any) error { return &Fault{step, fmt.Sprintf(format, a...)} }

// Steps that are not a probe's own.
const (
	stepTry      = "try"
	stepRecorded = "on record"
	stepCounts   = "counts"
	stepPrepare  = "prepare"
)

// Silent is the alert that nobody can tell whether a way to refuse works.
const Silent cpni.Code = "MONITOR_SILENT"

// Parts are what Monitors work with.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Customers *customer.Book
	Contacts  *contact.Desk
	Secrets   *contact.Hasher
	Approvals *approval.Book
	Filing    *filing.Desk
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
	Node      string         // which names this machine in what is kept of a try
	Numbers   func(at time.Time) Numbers
}

// Monitors try the ways.
type Monitors struct {
	Parts
	mu     sync.Mutex
	probes map[Way]Probe
	absent map[Way]string // why the carrier does not offer a way
}

// New makes monitors that try nothing yet.
func New(p Parts) *Monitors {
	return &Monitors{Parts: p, probes: map[Way]Probe{}, absent: map[Way]string{}}
}

// Use has a way tried by a probe from now on.
func (m *Monitors) Use(w Way, p Probe) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.probes[w] = p
	delete(m.absent, w)
}

// NotOffered says that the carrier offers no such way, and why, so that nobody is alarmed by its silence.
func (m *Monitors) NotOffered(w Way, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.absent[w] = why
	delete(m.probes, w)
}

func (m *Monitors) probe(w Way) (p Probe, absent string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.probes[w], m.absent[w]
}

// Work tries what is due, looks after what is waited for, and notices silence. On several nodes each try is made once.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func (m *Monitors) Work(ctx context.Context) error {
	failed := make([]error, len(Ways))
	var all sync.WaitGroup
	for i, w := range Ways {
		all.Go(func() {
			if err := m.work(ctx, w); err != nil {
				failed[i] = fmt.Errorf("trying %s: %w", w.Called(), err)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

func (m *Monitors) work(ctx context.Context, w Way) error {
	probe, absent := m.probe(w)
	if absent != "" {
		return nil
	}
	row, err := m.row(ctx, w)
	if err != nil {
		return err
	}
	now := m.Clock.Now()
	if row.waits() {
		return errors.Join(m.settle(ctx, w, row, now), m.notice(ctx, w))
	}
	if probe != nil && !now.Before(row.due) {
		if err := m.try(ctx, w, probe, now); err != nil {
			return err
		}
	}
	return m.notice(ctx, w)
}

// heard reports whether the refusal of an account was recorded since a moment, in one of these ways.
func (m *Monitors) heard(ctx context.Context, of cpni.ID, since time.Time, via []string) (bool, error) {
	events, err := m.Approvals.Events(ctx, of)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(events, func(e approval.Event) bool {
		return e.What == approval.Objected && !e.Recorded.Before(since) && slices.Contains(via, e.Via)
	}), nil
}
