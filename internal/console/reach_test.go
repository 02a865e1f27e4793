package console

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/office"
)

// exchange is a channel of a test: it makes of every piece what the test says.
type exchange struct {
	mu   sync.Mutex
	says notify.Outcome
}

func (x *exchange) Batch() int                  { return 10 }
func (x *exchange) Check(context.Context) error { return nil }
func (x *exchange) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range pieces {
		told(p, x.says)
	}
}

func (x *exchange) set(o notify.Outcome) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.says = o
}

// The agent rings the number of record from the contact's page, sees what becomes of the call without a script, and is told
// to take another way when it proves nobody.
//
// cite: P-20, P-42, 47 CFR 64.2003(q), 47 CFR 64.2010(b)(1)(iii)
func TestAgentsRingFromThePage(t *testing.T) {
	x := &exchange{}
	w := newWorld(t, func(c *office.Config) {
		c.Channels = map[cpni.Via]notify.Channel{cpni.Voice: x, cpni.Email: x}
		c.Carrier = office.Carrier{Name: "Lucid Telephone", Phone: "+18005550147", Address: "https://account.lucid.example"}
	})
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.get(at).lacks(t, "They answered")
	b.prove(at, "method", "callback", "place", "1", "answered", "yes").says(t, "METHOD", "nobody's word is taken", "Not verified")
	b.prove(at, "method", "callback", "place", "1", "ring", "yes").says(t, "The number is being rung.", "The call waits for the switch.", "Look again", "a call is out", "Not verified")
	for _, row := range []struct {
		o    notify.Outcome
		says string
	}{
		{notify.Outcome{State: notify.Queued, Code: "486", Call: &notify.Call{Ended: notify.Busy}}, "The call was busy. It is made again."},
		{notify.Outcome{State: notify.Delivered, Call: &notify.Call{Ended: notify.Machine}}, "The call was taken by a machine: it verifies nobody. Take another way."},
		{notify.Outcome{State: notify.Delivered, Call: &notify.Call{Ended: notify.Answered, Pressed: "7"}}, "The call was answered, and no key pressed: it verifies nobody."},
		{notify.Outcome{State: notify.Delivered, Call: &notify.Call{Ended: notify.Answered, Pressed: "1"}}, "Verified: the customer"},
	} {
		x.set(row.o)
		w.clock.pass(20 * time.Second)
		must(t, w.Messages.Step(t.Context()))
		r := b.get(at).is(t, http.StatusOK)
		r.says(t, row.says)
		r.lacks(t, "2025550")
		if row.o.State != notify.Queued && row.says != "Verified: the customer" {
			b.prove(at, "method", "callback", "place", "1", "ring", "yes").says(t, "The number is being rung.")
		}
	}
	b.get(at).says(t, "Call back answered, and the key pressed", "Call back taken by a machine")
	s, _, err := w.Contacts.Get(t.Context(), idOf(at))
	must(t, err)
	if len(s.Evidence) != 1 || s.Evidence[0].Method != cpni.ByCallback {
		t.Errorf("%+v", s.Evidence)
	}
}

// What has become of a code is shown, so that another way can be offered; neither the code nor the place is.
//
// cite: P-18, P-20, P-21, I-17
func TestThePageShowsWhatBecameOfACode(t *testing.T) {
	x := &exchange{}
	w := newWorld(t, func(c *office.Config) {
		c.Channels = map[cpni.Via]notify.Channel{cpni.Voice: x, cpni.Email: x}
		c.Carrier = office.Carrier{Name: "Lucid Telephone", Phone: "+18005550147", Address: "https://account.lucid.example"}
	})
	b := w.signedIn(t, "agent")
	for _, row := range []struct {
		place string
		o     notify.Outcome
		says  string
	}{
		{"email", notify.Outcome{State: notify.Sent, Reference: "x-1"}, "The code has gone out."},
		{"email", notify.Outcome{State: notify.Bounced, Code: "550"}, "The code has not arrived. Take another way."},
		{"email", notify.Outcome{State: notify.Queued, Code: "421"}, "The code has not gone yet: it was not taken, and is tried again."},
		{"1", notify.Outcome{State: notify.Queued, Call: &notify.Call{Ended: notify.Busy}}, "The call with the code was busy. It is tried again."},
		{"1", notify.Outcome{State: notify.Delivered, Call: &notify.Call{Ended: notify.Answered}}, "The code has arrived."},
	} {
		at := b.open(w.ann, "phone")
		x.set(row.o)
		b.prove(at, "method", "code", "place", row.place).says(t, "The code waits to be sent.")
		must(t, w.Messages.Step(t.Context()))
		r := b.get(at)
		r.says(t, row.says)
		all, err := w.Outbox.Messages(t.Context(), w.ann)
		must(t, err)
		for _, m := range all {
			if code := m.Tokens["code"]; code != "" {
				r.lacks(t, code)
			}
		}
		r.lacks(t, "@")
		must(t, w.Contacts.End(t.Context(), idOf(at)))
	}
}

// What a caller says of a line needs no proof: it only takes away.
//
// cite: P-20, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func TestTheDeskHearsThatALineIsInOtherHands(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "agent")
	at := b.open(w.ann, "phone")
	b.prove(at, "method", "callback", "place", "1", "answered", "yes").says(t, "Verified: the customer")
	page := b.get(at)
	page.says(t, "A line may be in other hands")
	post := func(form ...string) reply {
		return b.follow(b.post(at+"/line-events", append([]string{"token", b.get(at).value("token")}, form...)...))
	}
	post("line", "1", "what", "reassigned").says(t, "BAD_INPUT")
	post("line", "1", "what", "sim", "at", "yesterday").says(t, "BAD_INPUT")
	post("line", "1", "what", "sim", "at", "2026-01-01T00:00").says(t, "It is on record.", "Not verified")
	s, _, err := w.Contacts.Get(t.Context(), idOf(at))
	must(t, err)
	if len(s.Evidence) != 0 {
		t.Errorf("%+v (P-20)", s.Evidence)
	}
}
