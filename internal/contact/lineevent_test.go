package contact

import (
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func (w *world) alertsOf(of cpni.ID, code cpni.Code) []ledger.Row {
	w.t.Helper()
	all, err := w.ledger.Records(w.ctx, of, ledger.Filter{Kind: ledger.Alert, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var found []ledger.Row
	for _, r := range all {
		if r.Code == code {
			found = append(found, r)
		}
	}
	return found
}

// A code is proved at 10:05. At 10:10 it is heard that the number was ported at 10:00.
//
// cite: P-20, P-37, I-16, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func TestAnEventThatIsHeardLateTakesBackWhatTheLineProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, what := range Disturbances {
			for _, row := range []struct {
				name  string
				ago   time.Duration // of the event, when it is told
				want  string
				alert int
			}{
				{"before the code came back", 10 * time.Minute, "", 1},
				{"after it", 2 * time.Minute, "customer code", 0},
			} {
				w := newWorld(t, db)
				p := w.lone()
				p.Lines = []customer.Line{{Number: line, Categories: []cpni.Category{cpni.Local}, Since: start.AddDate(-1, 0, 0)}}
				of := w.create(p)
				c := w.contact(of)
				if code := w.try(c, Proof{SendCode: line}); code != "" {
					t.Fatal(code)
				}
				w.clock.advance(5 * time.Minute)
				if code := w.try(c, Proof{Code: w.sent(of)}); code != "" {
					t.Fatal(code)
				}
				w.clock.advance(5 * time.Minute)
				event := Disturbance{Number: line, What: what, At: w.clock.Now().Add(-row.ago), By: "switch"}
				for range 2 { // to tell the same again changes nothing
					if err := w.LineEvent(w.ctx, event); err != nil && !(what == Reassigned && w.code(err) == "BAD_INPUT") {
						t.Fatal(err)
					}
				}
				if got := w.evidence(c); got != row.want {
					t.Errorf("%s, %s: evidence %q, want %q (P-20)", what, row.name, got, row.want)
				}
				alerts := w.alertsOf(of, LineLost)
				if len(alerts) != row.alert {
					t.Errorf("%s, %s: %d alerts, want %d", what, row.name, len(alerts), row.alert)
				}
				for _, a := range alerts {
					if w.mentions(a, line) || w.mentions(a, line[2:]) {
						t.Error("the alert tells the number")
					}
				}
				if code := w.try(c, Proof{Callback: &Callback{Number: line, Answered: true}}); code != "NOT_TNOR" {
					t.Errorf("%s: the line proves again: %q", what, code)
				}
				w.update(of, func(p *customer.Profile) { p.Ended = w.clock.Now() })
			}
		}
	})
}

// Of two events the later may be heard first: what was proved between them is worth nothing either.
//
// cite: P-20, I-16
func TestAnEarlierEventHeardAfterALaterOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		of := w.create(w.ann())
		c := w.contact(of)
		if code := w.try(c, Proof{Callback: &Callback{Number: line, Answered: true}}); code != "" {
			t.Fatal(code)
		}
		proved := w.clock.Now()
		w.clock.advance(10 * time.Minute)
		for _, at := range []time.Time{proved.Add(5 * time.Minute), proved.Add(-5 * time.Minute)} {
			if err := w.Disturb(w.ctx, Disturbance{Customer: of, Number: line, What: Ported, At: at, By: "switch"}); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.evidence(c); got != "" {
			t.Errorf("evidence %q (P-20)", got)
		}
	})
}

// What was proved by something else stays: a password says who speaks, whoever holds the line.
//
// cite: P-19, P-20
func TestAnEventTakesBackNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		of := w.create(w.ann())
		c := w.contact(of)
		for _, p := range []Proof{{Callback: &Callback{Number: mobile, Answered: true}}, {Password: password}} {
			if code := w.try(c, p); code != "" {
				t.Fatal(code)
			}
		}
		if code := w.try(c, Proof{SendCode: line}); code != "" {
			t.Fatal(code)
		}
		if err := w.Disturb(w.ctx, Disturbance{Customer: of, Number: mobile, What: NewSIM, At: start.Add(-time.Hour), By: "switch"}); err != nil {
			t.Fatal(err)
		}
		if got := w.evidence(c); got != "customer password" {
			t.Errorf("evidence %q, want that of the password alone", got)
		}
		all, err := w.outbox.Messages(w.ctx, of)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.To == line && m.State != notify.Queued {
				t.Errorf("the code to the other line is %s", m.State)
			}
		}
	})
}

// cite: P-20, 47 CFR 64.2003(q)
func TestALineThatWasReassignedLeavesTheCustomer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		old := w.create(w.ann())
		c := w.contact(old)
		if code := w.try(c, Proof{SendCode: line}); code != "" {
			t.Fatal(code)
		}
		code := w.sent(old)
		if err := w.LineEvent(w.ctx, Disturbance{Number: line, What: Reassigned, By: "switch"}); err != nil {
			t.Fatal(err)
		}
		all, err := w.outbox.Messages(w.ctx, old)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.To == line && m.State != notify.Cancelled {
				t.Errorf("a message to the line is %s (P-20)", m.State)
			}
		}
		if got := w.try(c, Proof{Code: code}); got != "NOT_TNOR" {
			t.Errorf("the code that was out: %q", got)
		}
		w.clock.advance(100 * time.Hour)
		if got := w.try(w.contact(old), Proof{Callback: &Callback{Number: line, Answered: true}}); got != "NOT_TNOR" {
			t.Errorf("days later it is of record again: %q", got)
		}
		p := w.lone()
		p.Lines = []customer.Line{{Number: line, Categories: []cpni.Category{cpni.Local}}}
		w.create(p) // the new holder
		if err := w.LineEvent(w.ctx, Disturbance{Number: "+12025550999", What: Ported, By: "switch"}); w.code(err) != "BAD_INPUT" {
			t.Errorf("a number of nobody's: %v", err)
		}
	})
}
