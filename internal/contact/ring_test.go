package contact

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// tells has a call go as the test says. It stands for the carrier of messages, which calls the desk in the transaction that
// writes the outcome down.
func (w *world) tells(of cpni.ID, state notify.State, call notify.Call) error {
	w.t.Helper()
	all, err := w.outbox.Messages(w.ctx, of)
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(m notify.Message) bool { return m.Kind == notify.CallBack && m.State == notify.Queued })
	if i < 0 {
		return errors.New("no call waits")
	}
	m := all[i]
	m.State = state
	_, err = w.ledger.Commit(w.ctx, func(tx *store.Tx) ([]ledger.Entry, error) { return w.Called(w.ctx, tx, of, m, call) })
	return err
}

var (
	pressed = notify.Call{Ended: notify.Answered, Pressed: "1"}
	silent  = notify.Call{Ended: notify.Answered}
)

// cite: P-20, P-42, I-16, 47 CFR 64.2003(q), 47 CFR 64.2010(b)(1)(iii)
func TestOnlyWhoAnswersAndPressesTheKeyIsProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, row := range []struct {
			name  string
			state notify.State
			call  notify.Call
			mean  func(w *world, of, c cpni.ID) // what happens while it rings
			want  string                        // evidence
		}{
			{"answered, and the key pressed", notify.Delivered, pressed, nil, "customer callback"},
			{"answered, and no key", notify.Delivered, silent, nil, ""},
			{"a machine that seems to press", notify.Delivered, notify.Call{Ended: notify.Machine, Pressed: "1"}, nil, ""},
			{"a machine", notify.Delivered, notify.Call{Ended: notify.Machine}, nil, ""},
			{"busy", notify.Queued, notify.Call{Ended: notify.Busy}, nil, ""},
			{"no answer", notify.Failed, notify.Call{Ended: notify.NoAnswer}, nil, ""},
			{"turned away", notify.Failed, notify.Call{Ended: notify.Refused}, nil, ""},
			{"the contact has ended", notify.Delivered, pressed, func(w *world, _, c cpni.ID) {
				if err := w.End(w.ctx, c); err != nil {
					w.t.Fatal(err)
				}
			}, "dead"},
			{"the contact stood idle for too long", notify.Delivered, pressed, func(w *world, _, _ cpni.ID) { w.clock.advance(30 * time.Minute) }, "dead"},
			{"a new SIM meanwhile", notify.Delivered, pressed, func(w *world, of, _ cpni.ID) {
				if err := w.Disturb(w.ctx, Disturbance{Customer: of, Number: line, What: NewSIM, By: "test"}); err != nil {
					w.t.Fatal(err)
				}
			}, ""},
			{"service has ended", notify.Delivered, pressed, func(w *world, of, _ cpni.ID) {
				if err := w.EndService(w.ctx, of, "test"); err != nil {
					w.t.Fatal(err)
				}
			}, ""},
		} {
			w := newWorld(t, db)
			w.HasSwitch()
			p := w.lone()
			p.Lines = []customer.Line{{Number: line, Categories: []cpni.Category{cpni.Local}, Since: start.AddDate(-1, 0, 0)}}
			of := w.create(p)
			c := w.contact(of)
			if code := w.try(c, Proof{Callback: &Callback{Number: line, Ring: true}}); code != "" {
				t.Fatalf("%s: the call is refused: %s", row.name, code)
			}
			if got := w.evidence(c); got != "" {
				t.Errorf("%s: to ask for the call proves %q (P-20)", row.name, got)
			}
			all, err := w.outbox.Messages(w.ctx, of)
			if err != nil {
				t.Fatal(err)
			}
			m := all[0]
			if m.Kind != notify.CallBack || m.Via != cpni.Voice || m.To != line || m.Place != notify.TNOR || m.Until.Sub(w.clock.Now()) != 3*time.Minute {
				t.Errorf("%s: the planned message is of kind %s by %s, good for %s", row.name, m.Kind, m.Via, m.Until.Sub(w.clock.Now()))
			}
			if row.mean != nil {
				row.mean(w, of, c)
			}
			m.State = row.state
			if _, err := w.ledger.Commit(w.ctx, func(tx *store.Tx) ([]ledger.Entry, error) { return w.Called(w.ctx, tx, of, m, row.call) }); err != nil {
				t.Fatal(err)
			}
			if got := w.evidence(c); got != row.want {
				t.Errorf("%s: evidence %q, want %q (P-20)", row.name, got, row.want)
			}
			if got := w.evidence(w.contact(of)); got != "" {
				t.Errorf("%s: another contact has %q (I-16)", row.name, got)
			}
			w.update(of, func(p *customer.Profile) { p.Ended = w.clock.Now() }) // the line is free for the next row
		}
	})
}

// cite: P-20, 47 CFR 64.2010(b)(1)(iii)
func TestWhereTheSwitchRingsNobodysWordIsTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		of := w.create(w.ann())
		c := w.contact(of)
		if code := w.try(c, Proof{Callback: &Callback{Number: line, Ring: true}}); code != "METHOD" {
			t.Errorf("without a switch a call is rung: %q", code)
		}
		if code := w.try(c, Proof{Callback: &Callback{Number: line, Answered: true}}); code != "" {
			t.Errorf("without a switch the agent's word is refused: %q", code)
		}
		if !slices.ContainsFunc(w.attempts(of), func(r ledger.Row) bool { return w.mentions(r, "by the agent's word") }) {
			t.Error("the record does not say whose word it was (P-20)")
		}
		w.HasSwitch()
		c = w.contact(of)
		if code := w.try(c, Proof{Callback: &Callback{Number: line, Answered: true}}); code != "METHOD" || w.evidence(c) != "" {
			t.Errorf("with a switch the agent's word counts: %q (P-20)", code)
		}
		if code := w.try(c, Proof{Callback: &Callback{Number: reached, Ring: true}}); code != "NOT_TNOR" {
			t.Errorf("a contact number is rung: %q (V89)", code)
		}
	})
}

// cite: P-20, I-18
func TestCallsAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.HasSwitch()
		of := w.create(w.ann())
		c := w.contact(of)
		ring := Proof{Callback: &Callback{Number: line, Ring: true}}
		for i := range usual.CallbacksPerContact {
			if code := w.try(c, ring); code != "" {
				t.Fatalf("call %d: %s", i, code)
			}
			if code := w.try(c, ring); code != "CONFLICT" {
				t.Errorf("the same number is rung twice at once: %q", code)
			}
			if err := w.tells(of, notify.Failed, notify.Call{Ended: notify.NoAnswer}); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(time.Millisecond)
			if err := w.db.Tx(w.ctx, func(tx *store.Tx) error { return w.outbox.CancelTo(w.ctx, tx, of, "") }); err != nil {
				t.Fatal(err)
			}
		}
		if code := w.try(c, ring); code != "LOCKED" {
			t.Errorf("one call too many in a contact: %q", code)
		}
		again := w.contact(of)
		if code := w.try(again, ring); code != "" && code != "LOCKED" {
			t.Errorf("another contact: %q", code)
		}
		w.clock.advance(usual.CodePause)
		if code := w.try(w.contact(of), ring); code != "" {
			t.Errorf("after the pause the way is closed: %q; nobody may close it to the customer", code)
		}
	})
}

// The answers to a call come once, whoever else changes the contact meanwhile.
//
// cite: I-16, I-17
func TestACallAnsweredAtTheMomentTheContactEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.HasSwitch()
		of := w.create(w.ann())
		for range 10 {
			c := w.contact(of)
			w.clock.advance(usual.CodePause)
			if code := w.try(c, Proof{Callback: &Callback{Number: line, Ring: true}}); code != "" {
				t.Fatal(code)
			}
			var all sync.WaitGroup
			var told error
			all.Go(func() { told = w.tells(of, notify.Delivered, pressed) })
			all.Go(func() {
				if err := w.End(context.WithoutCancel(w.ctx), c); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			if told != nil && told.Error() != "no call waits" {
				t.Fatal(told)
			}
			if got := w.evidence(c); got != "dead" {
				t.Fatalf("an ended contact proves %q (I-16)", got)
			}
		}
	})
}
