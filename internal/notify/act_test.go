package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// by is a person who acts, with a reason.
var by = Act{By: cpni.NewID(), Reason: "The mailbox was full."}

func codeOf(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return cpni.Code(fmt.Sprint(err))
}

// What did not arrive is sent once more by a person, as a message of its own that the other side takes for a new one; asked
// twice under one name it is done once, and all of it is on record with the reason.
//
// cite: P-23, P-25, P-41, 47 CFR 64.2010(f)
func TestSentOnceMoreByAPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.peer.says = func(p Piece) (Outcome, bool) { return Outcome{State: Bounced, Code: "5.2.2"}, true }
		id := w.plan(notice)[0]
		w.step()
		if all, err := w.Needing(w.ctx, 10); err != nil || len(all) != 1 || all[0].ID != id || all[0].To != "" {
			t.Fatalf("needing somebody: %+v (%v)", all, err)
		}
		if _, err := w.Retry(w.ctx, w.of, id, Act{By: by.By, Reason: " "}); codeOf(err) != "REASON" {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := w.Retry(w.ctx, w.of, cpni.NewID(), by); !errors.Is(err, ErrNoMessage) {
			t.Errorf("of none: %v", err)
		}
		w.peer.says = nil
		w.clock.advance(time.Second)
		once := by
		once.As = cpni.NewID()
		other, err := w.Retry(w.ctx, w.of, id, once)
		if err != nil || other != once.As {
			t.Fatalf("%s (%v)", other, err)
		}
		if same, err := w.Retry(w.ctx, w.of, id, once); err != nil || same != other {
			t.Errorf("again: %s (%v)", same, err)
		}
		if _, err := w.Retry(w.ctx, w.of, id, by); codeOf(err) != NotNow {
			t.Errorf("under another name: %v", err)
		}
		w.clock.advance(time.Second)
		w.step()
		if m := w.one(other); m.State != Sent || m.InsteadOf != id || m.To != notice.To || m.Tokens["what"] != "password" {
			t.Errorf("the new one: %+v", m)
		}
		if m := w.one(id); m.State != Replaced || m.Instead != other || !m.Stopped {
			t.Errorf("the old one: %+v", m)
		}
		if messages, _ := w.peer.count(); messages != 2 {
			t.Errorf("%d messages went", messages)
		}
		if all, err := w.Needing(w.ctx, 10); err != nil || len(all) != 0 {
			t.Errorf("needing somebody still: %+v (%v)", all, err)
		}
		events, err := w.Outbox.Events(w.ctx, w.of, id)
		if err != nil || events[len(events)-1].By != by.By || events[len(events)-1].Says != by.Reason {
			t.Errorf("events: %+v (%v)", events, err)
		}
		if all := w.recorded(ledger.Message); !slices.Equal(all, []string{"message bounced", "message sent once more", "message sent"}) {
			t.Errorf("on record: %q", all)
		}
	})
}

// What waits is taken back and goes no more; what has gone cannot be.
//
// cite: P-23, P-41
func TestTakenBackByAPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ids := w.plan(notice, notice)
		if err := w.Withdraw(w.ctx, w.of, ids[0], by); err != nil {
			t.Fatal(err)
		}
		if err := w.Withdraw(w.ctx, w.of, ids[0], by); err != nil {
			t.Errorf("twice: %v", err)
		}
		w.clock.advance(time.Second)
		w.step()
		if messages, _ := w.peer.count(); messages != 1 || w.one(ids[0]).State != Cancelled {
			t.Errorf("%d messages went, and it is %s", messages, w.one(ids[0]).State)
		}
		if err := w.Withdraw(w.ctx, w.of, ids[1], by); codeOf(err) != NotNow {
			t.Errorf("what has gone: %v", err)
		}
		if err := w.Settle(w.ctx, w.of, ids[1], by); codeOf(err) != NotNow {
			t.Errorf("settling what has gone: %v", err)
		}
		if all := slices.Sorted(slices.Values(w.recorded(ledger.Message))); !slices.Equal(all, []string{"message sent", "message taken back"}) {
			t.Errorf("on record: %q", all)
		}
	})
}

// A person has a notice sent by the next lawful way, and where there is none is told so; what is settled needs nobody.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)(1)
func TestSentAnotherWayOrSettled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ids := w.plan(notice, Message{Kind: VerificationCode, Via: cpni.Text, To: "+12025550141", Tokens: map[string]string{"code": "482139"}, Until: w.clock.Now().Add(time.Hour)})
		if _, err := w.Another(w.ctx, w.of, ids[0], by); codeOf(err) != NoSuchWay {
			t.Errorf("no other way: %v", err)
		}
		w.Instead = func(_ context.Context, _ *customer.Profile, m Message, _ time.Time) *Message {
			if m.Via == cpni.Postal {
				return nil
			}
			return &Message{Via: cpni.Postal, Place: Old, To: "1 Main St", Tokens: m.Tokens}
		}
		if can, err := w.Can(w.ctx, w.of, w.one(ids[0])); err != nil || can != (Can{Another: true, Withdraw: true}) {
			t.Errorf("what can be done: %+v (%v)", can, err)
		}
		if _, err := w.Another(w.ctx, w.of, ids[1], by); codeOf(err) != "EXPIRED" {
			t.Errorf("a code: %v", err)
		}
		other, err := w.Another(w.ctx, w.of, ids[0], by)
		if err != nil {
			t.Fatal(err)
		}
		if m := w.one(other); m.Via != cpni.Postal || m.Kind != AccountChange || !slices.Equal(m.Tried, []string{notice.To}) || m.InsteadOf != ids[0] {
			t.Errorf("%+v", m)
		}
		w.peer.says = func(p Piece) (Outcome, bool) { return Outcome{State: Failed, Code: "NO"}, true }
		w.step()
		if got := w.recorded(ledger.Alert); !slices.Equal(got, []string{"DEAD_LETTER a message that the customer must get has not arrived, and no other way is left"}) {
			t.Errorf("alerts: %q", got)
		}
		if can, err := w.Can(w.ctx, w.of, w.one(other)); err != nil || can != (Can{Retry: true, Settle: true}) {
			t.Errorf("what can be done about the letter: %+v (%v)", can, err)
		}
		queues, err := w.Outbox.Queues(w.ctx)
		if err != nil || queues[3].Via != cpni.Postal || queues[3].Dead != 1 || queues[0].N != 0 {
			t.Errorf("queues: %+v (%v)", queues, err)
		}
		for range 2 {
			if err := w.Settle(w.ctx, w.of, other, by); err != nil {
				t.Fatal(err)
			}
		}
		if all, err := w.Needing(w.ctx, 10); err != nil || len(all) != 1 || all[0].ID != ids[1] { // the code failed too
			t.Errorf("needing somebody: %+v (%v)", all, err)
		}
		if w.one(other).State != Failed || !w.one(other).Stopped {
			t.Errorf("settled: %+v", w.one(other))
		}
	})
}

// What waits longer than a notice may take needs somebody, but not what waits for the customer's morning.
//
// cite: P-23, 47 CFR 64.2010(f)(1)
func TestWhatWaitsTooLongNeedsSomebody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.plan(notice)[0]
		for _, want := range []int{0, 1} {
			if all, err := w.Needing(w.ctx, 10); err != nil || len(all) != want {
				t.Errorf("%+v, want %d (%v)", all, want, err)
			}
			w.clock.advance(6 * time.Minute)
		}
		if err := w.db.Tx(w.ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(w.ctx, "UPDATE message SET code = $1 WHERE message_id = $2", QuietHour, string(id))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if all, err := w.Needing(w.ctx, 10); err != nil || len(all) != 0 {
			t.Errorf("the morning: %+v (%v)", all, err)
		}
	})
}

// People of the staff see a message without the code and without the token that the customer's answer bears; a demonstration
// shows them.
//
// cite: P-17, P-20, I-17, 47 CFR 64.2010(a)
func TestNobodyOfTheStaffSeesACode(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	w.Adds = func(_ cpni.ID, m Message, _ *customer.Profile) map[string]string {
		return map[string]string{"token": w.Outbox.Token(m.ID)}
	}
	enclosed := 0
	w.Adds = func(_ cpni.ID, m Message, _ *customer.Profile) map[string]string {
		return map[string]string{"link": "/n/" + w.Outbox.Token(m.ID)}
	}
	w.Enclose = func(context.Context, cpni.ID, Message) ([]Enclosure, error) { enclosed++; return nil, nil }
	id := w.plan(Message{Kind: VerificationCode, Via: cpni.Text, To: "+12025550141", Tokens: map[string]string{"code": "48213957"}, Until: w.clock.Now().Add(time.Hour)})[0]
	m := w.one(id)
	p, err := w.Shown(w.ctx, w.of, m, false)
	if err != nil || p.ID != id || !strings.Contains(p.Text, "code="+Cover) || !strings.Contains(p.Text, "link=/n/"+Cover) || !strings.Contains(p.Text, w.Outbox.Number(id)) {
		t.Errorf("%+v (%v)", p, err)
	}
	if strings.Contains(fmt.Sprintf("%+v", p), "48213957") || strings.Contains(fmt.Sprintf("%+v", p), w.Outbox.Token(id)) {
		t.Errorf("it is shown: %+v", p)
	}
	if m.Tokens["code"] != "48213957" {
		t.Errorf("the message was changed: %+v", m)
	}
	if p, err = w.Shown(w.ctx, w.of, m, true); err != nil || !strings.Contains(p.Text, "48213957") || !strings.Contains(p.Text, w.Outbox.Token(id)) {
		t.Errorf("a demonstration shows %+v (%v)", p, err)
	}
	if enclosed != 0 {
		t.Error("what is enclosed was gathered for people of the staff")
	}
}

// A list can be read in pages, each message once.
func TestPagesOfMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.plan(notice, notice, notice) // at one moment
		w.clock.advance(time.Second)
		w.plan(notice, notice)
		seen := map[cpni.ID]bool{}
		f := Filter{Limit: 2}
		for range 4 {
			all, err := w.Outbox.Find(w.ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range all {
				if seen[m.ID] {
					t.Errorf("%s is listed twice", m.ID)
				}
				seen[m.ID] = true
				f.Before, f.BeforeID = m.At, m.ID
			}
		}
		if len(seen) != 5 {
			t.Errorf("%d of 5 are listed", len(seen))
		}
	})
}

// A test goes straight through the channel, and nothing of it is kept.
//
// cite: P-23
func TestTestMessage(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	o, err := w.Test(w.ctx, cpni.Email, "amos@carrier.example", "es")
	if err != nil || o.State != Sent || o.Code != "250" {
		t.Errorf("%+v (%v)", o, err)
	}
	if p := w.peer.pieces[0]; p.Kind != Test || p.To != "amos@carrier.example" || p.Language != "es" || !p.ID.Valid() {
		t.Errorf("%+v", p)
	}
	w.peer.says = func(Piece) (Outcome, bool) { return Outcome{}, false }
	if o, err = w.Test(w.ctx, cpni.Text, "+12025550100", ""); err != nil || o.Code != "NOT_TOLD" {
		t.Errorf("%+v (%v)", o, err)
	}
	delete(w.Channels, cpni.Voice)
	if _, err = w.Test(w.ctx, cpni.Voice, "+12025550100", ""); codeOf(err) != "NO_CHANNEL" {
		t.Errorf("%v", err)
	}
	if all, err := w.Outbox.Find(w.ctx, Filter{}); err != nil || len(all) != 0 {
		t.Errorf("kept: %+v (%v)", all, err)
	}
}
