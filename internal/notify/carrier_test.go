package notify

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
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A planned message goes once, its fate can be read, and the ledger has it.
//
// cite: P-23, I-10
func TestGoesOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.plan(notice)[0]
		w.step()
		w.step()
		if messages, pieces := w.peer.count(); messages != 1 || pieces != 1 {
			t.Fatalf("%d messages went in %d pieces", messages, pieces)
		}
		m := w.one(id)
		if m.State != Sent || m.Code != "250" || m.Wording != "account-change 1" || m.Attempts != 1 {
			t.Errorf("its fate is %+v", m)
		}
		events, err := w.Outbox.Events(w.ctx, w.of, id)
		if err != nil || len(events) != 1 || events[0].What != string(Sent) {
			t.Errorf("its events are %+v, %v", events, err)
		}
		if all := w.recorded(ledger.Message); !slices.Equal(all, []string{"message sent"}) {
			t.Errorf("on record is %q", all)
		}
		if p := w.peer.pieces[0]; p.Text != "account-change email en carrier=Example Tel what=password" || len(p.Return) != 16 {
			t.Errorf("it said %q", p.Text)
		}
	})
}

// What is not taken is tried again, later each time, and given up when its time is over: then somebody has to look.
//
// cite: P-23
func TestTriedAgainUntilGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.peer.says = func(Piece) (Outcome, bool) { return Outcome{State: Queued, Code: "451"}, true }
		id := w.plan(notice)[0]
		var waits []time.Duration
		for range 1000 {
			w.step()
			m := w.one(id)
			if m.State != Queued {
				break
			}
			waits = append(waits, m.Due.Sub(w.clock.Now()))
			w.clock.advance(m.Due.Sub(w.clock.Now()))
		}
		m := w.one(id)
		if m.State != Failed || m.Code != "GIVEN_UP 451" {
			t.Fatalf("it is %s %s", m.State, m.Code)
		}
		r, _ := numbers()
		if !slices.IsSorted(waits) || waits[0] != r.RetryFirst || waits[len(waits)-1] != r.RetryLongest {
			t.Errorf("it waited %v", waits)
		}
		if over := w.clock.Now().Sub(start); over < r.TryFor[cpni.Email] || over > r.TryFor[cpni.Email]+2*r.RetryLongest {
			t.Errorf("it was given up after %v", over)
		}
		if all := w.recorded(ledger.Alert); len(all) != 1 {
			t.Errorf("the alerts are %q", all)
		}
	})
}

// An hour without the other side loses nothing and doubles nothing.
//
// cite: P-23, I-10
func TestAnHourWithoutTheOtherSide(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		down := true
		taken := map[cpni.ID]int{}
		var mu sync.Mutex
		w.peer.says = func(p Piece) (Outcome, bool) {
			mu.Lock()
			defer mu.Unlock()
			if down {
				return Outcome{State: Queued, Code: "refused"}, true
			}
			taken[p.ID]++
			return Outcome{State: Sent}, true
		}
		var ids []cpni.ID
		for range 60 {
			ids = append(ids, w.plan(notice)...)
			w.step()
			w.clock.advance(time.Minute)
		}
		down = false
		for range 30 {
			w.step()
			w.clock.advance(time.Minute)
		}
		for _, id := range ids {
			if taken[id] != 1 || w.one(id).State != Sent {
				t.Fatalf("a message was taken %d times and is %s", taken[id], w.one(id).State)
			}
		}
	})
}

// What a node had when it died is claimed by another, under the same id; what the channel said nothing of is tried again.
//
// cite: I-10
func TestANodeDies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ids := w.plan(notice, notice)
		if claimed, err := w.claim(w.ctx, cpni.Email, 1); err != nil || len(claimed) != 1 {
			t.Fatalf("claimed %d, %v", len(claimed), err)
		} // and dies here
		other := w.node()
		if err := other.Step(w.ctx); err != nil {
			t.Fatal(err)
		}
		if messages, _ := w.peer.count(); messages != 1 {
			t.Fatalf("%d messages went while one was with the node that died", messages)
		}
		r, _ := numbers()
		w.clock.advance(r.Lease)
		silent := true
		w.peer.says = func(Piece) (Outcome, bool) {
			if silent {
				silent = false
				return Outcome{}, false
			}
			return Outcome{State: Sent}, true
		}
		for range 3 {
			if err := other.Step(w.ctx); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(time.Minute)
		}
		for _, id := range ids {
			if m := w.one(id); m.State != Sent {
				t.Errorf("a message is %s after %d attempts", m.State, m.Attempts)
			}
		}
		if messages, pieces := w.peer.count(); messages != 2 || pieces != 3 {
			t.Errorf("%d messages in %d pieces", messages, pieces)
		}
	})
}

// Nodes that work at the same time never take the same message.
//
// cite: I-10
func TestSeveralNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		const n = 200
		w.plan(slices.Repeat([]Message{notice}, n)...)
		var all sync.WaitGroup
		for range 4 {
			c := w.node()
			all.Go(func() {
				for range 5 {
					if err := c.Step(w.ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if messages, pieces := w.peer.count(); messages != n || pieces != n {
			t.Fatalf("%d messages went in %d pieces", messages, pieces)
		}
		counts, err := w.Outbox.Counts(w.ctx)
		if err != nil || len(counts) != 1 || counts[0] != (Count{cpni.Email, Sent, n}) {
			t.Errorf("counted %+v, %v", counts, err)
		}
	})
}

// While what was sent cannot be written down, it is kept in mind and not sent again.
//
// cite: I-10
func TestDatabaseGoesAwayWhileSending(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	ids := w.plan(notice, notice, notice)
	run := func(statement string) {
		if err := w.db.Tx(w.ctx, func(tx *store.Tx) error { _, err := tx.Exec(w.ctx, statement); return err }); err != nil {
			t.Error(err)
		}
	}
	var once sync.Once
	gone := make(chan struct{})
	w.peer.says = func(Piece) (Outcome, bool) {
		once.Do(func() {
			run("CREATE TRIGGER away BEFORE UPDATE ON message BEGIN SELECT RAISE(ABORT, 'away'); END")
			close(gone)
		})
		<-gone
		return Outcome{State: Sent}, true
	}
	done := make(chan error, 1)
	go func() { done <- w.Step(w.ctx) }()
	<-gone
	time.Sleep(3 * again)
	run("DROP TRIGGER away")
	if err := <-done; err == nil {
		t.Error("nothing was said of a database that did not answer")
	}
	w.step()
	for _, id := range ids {
		if m := w.one(id); m.State != Sent {
			t.Errorf("a message is %s", m.State)
		}
	}
	if _, pieces := w.peer.count(); pieces != len(ids) {
		t.Errorf("%d messages went in %d pieces", len(ids), pieces)
	}
}

// Taking a message back stops it: before it goes at once, and while a channel has it after this attempt.
//
// cite: P-20, P-25
func TestTakenBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ids := w.plan(notice, notice)
		cancel := func(id cpni.ID) {
			if err := db.Tx(w.ctx, func(tx *store.Tx) error { return w.Outbox.Cancel(w.ctx, tx, w.of, id) }); err != nil {
				t.Error(err)
			}
		}
		cancel(ids[0])
		w.peer.says = func(p Piece) (Outcome, bool) {
			cancel(p.ID)
			return Outcome{State: Queued, Code: "451"}, true
		}
		w.step()
		w.clock.advance(time.Hour)
		w.step()
		if _, pieces := w.peer.count(); pieces != 1 {
			t.Errorf("%d pieces went", pieces)
		}
		for _, id := range ids {
			if m := w.one(id); m.State != Cancelled {
				t.Errorf("a message is %s", m.State)
			}
		}
	})
}

// A message whose time is over, that would tell a hidden value, that its template refuses, or whose customer is gone never
// reaches a channel; and each says why.
//
// cite: P-25, I-09, I-17
func TestNeverReachesAChannel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Hidden = func(*customer.Profile, Message) []string { return []string{"new@example.com"} }
		w.Still = func(_ *customer.Profile, m Message, _ time.Time) cpni.Code {
			if m.To == "+12025550199" {
				return "NOT_TNOR"
			}
			return ""
		}
		code := Message{Kind: VerificationCode, Via: cpni.Text, Place: TNOR, To: "+12025550101", Tokens: map[string]string{"code": "123456"}, Until: start.Add(time.Minute)}
		reveals, empty, lost := notice, notice, notice
		reveals.Tokens, empty.Tokens = map[string]string{"what": "new@example.com"}, map[string]string{"what": ""}
		lost.Via, lost.Place, lost.To = cpni.Text, TNOR, "+12025550199"
		old := code
		old.Until = time.Time{}
		ids := w.plan(code, reveals, empty, lost, old)
		w.clock.advance(time.Minute)
		w.step()
		for i, want := range []string{"cancelled EXPIRED", "failed REVEALS", "failed TEMPLATE", "cancelled NOT_TNOR", "cancelled EXPIRED"} {
			m := w.one(ids[i])
			if got := string(m.State) + " " + m.Code; got != want {
				t.Errorf("message %d is %q, want %q", i, got, want)
			}
		}
		if _, pieces := w.peer.count(); pieces != 0 {
			t.Errorf("%d pieces went", pieces)
		}
		w.plan(notice)
		if err := w.Customers.Forget(w.ctx, w.of, "test"); err != nil {
			t.Fatal(err)
		}
		w.step()
		if _, pieces := w.peer.count(); pieces != 0 {
			t.Errorf("%d pieces went to somebody who is forgotten", pieces)
		}
	})
}

// What bounces goes another way, once; when there is none left somebody has to look. A code is never sent another way.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func TestAnotherForm(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Instead = func(_ context.Context, _ *customer.Profile, m Message, _ time.Time) *Message {
			if m.Via == cpni.Postal {
				return nil
			}
			return &Message{Via: cpni.Postal, Place: AOR, To: "1 Main St, Springfield, VA 22150", Tokens: m.Tokens}
		}
		id := w.plan(notice)[0]
		w.step()
		token := w.Outbox.Token(id)
		bounce := Report{Kind: Bounce, Outcome: Outcome{State: Bounced, Code: "5.1.1", Says: "no such user"}, Raw: []byte("raw mail")}
		if err := w.Returned(w.ctx, token[:4]+"-"+token[4:], bounce); err != nil {
			t.Fatal(err)
		}
		m := w.one(id)
		if m.State != Replaced || m.Instead == "" {
			t.Fatalf("it is %s, replaced by %q", m.State, m.Instead)
		}
		if err := w.Returned(w.ctx, token, bounce); err != nil {
			t.Fatal(err)
		}
		if err := w.Returned(w.ctx, token, Report{Kind: Receipt, Outcome: Outcome{State: Delivered}}); err != nil {
			t.Fatal(err)
		}
		w.step()
		letter := w.one(m.Instead)
		if letter.State != Sent || letter.InsteadOf != id || !slices.Equal(letter.Tried, []string{"ann@example.com"}) {
			t.Fatalf("the letter is %+v", letter)
		}
		events, err := w.Outbox.Events(w.ctx, w.of, id)
		if err != nil || len(events) != 4 || string(events[1].Raw) != "raw mail" || events[1].Says != "no such user" {
			t.Errorf("the events are %+v, %v", events, err)
		}
		if err := w.Referred(w.ctx, cpni.Postal, "ref "+string(letter.ID), Report{Kind: Bounce, Outcome: Outcome{State: Bounced, Code: "MOVED"}}); err != nil {
			t.Fatal(err)
		}
		if m := w.one(letter.ID); m.State != Bounced {
			t.Errorf("the letter is %s", m.State)
		}
		if all := w.recorded(ledger.Alert); len(all) != 1 {
			t.Errorf("the alerts are %q", all)
		}
		if n, err := w.Outbox.Messages(w.ctx, w.of); err != nil || len(n) != 2 {
			t.Errorf("there are %d messages, %v", len(n), err)
		}
		if of, m, err := w.Outbox.ByNumber(w.ctx, w.Outbox.Number(id)); err != nil || of != w.of || m.ID != id {
			t.Errorf("by its number it is %s of %s, %v", m.ID, of, err)
		}
		for _, token := range []string{"", "aaaaaaaaaaaaaaaa", token[:15]} {
			if err := w.Returned(w.ctx, token, bounce); !errors.Is(err, ErrNotOurs) {
				t.Errorf("the token %q gives %v", token, err)
			}
		}
	})
}

// What is told later confirms an arrival or takes it back, and does nothing else.
func TestMoves(t *testing.T) {
	for _, c := range []struct {
		from, to State
		want     bool
	}{
		{Sent, Delivered, true}, {Sending, Delivered, true}, {Queued, Delivered, false}, {Bounced, Delivered, false}, {Replaced, Delivered, false}, {Cancelled, Delivered, false},
		{Sent, Bounced, true}, {Delivered, Bounced, true}, {Replaced, Bounced, false}, {Queued, Bounced, false}, {Failed, Bounced, false},
		{Delivered, Sent, false}, {Bounced, Queued, false}, {Sent, Cancelled, false},
	} {
		if got := moves(c.from, c.to); got != c.want {
			t.Errorf("from %s to %s: %v", c.from, c.to, got)
		}
	}
}

// By the customer's clocks nobody is called or texted at night about what can wait.
//
// cite: 47 CFR 64.1200(c)(1)
func TestQuietHours(t *testing.T) {
	r, err := numbers()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ number, at, until string }{
		{"+12025550101", "2026-11-24T13:00:00Z", ""},                     // 8:00 in Washington
		{"+12025550101", "2026-11-24T12:59:59Z", "2026-11-24T13:00:00Z"}, // 7:59:59 there
		{"+12025550101", "2026-11-25T01:59:59Z", ""},                     // 20:59:59
		{"+12025550101", "2026-11-25T02:00:00Z", "2026-11-25T13:00:00Z"}, // 21:00
		{"+12135550101", "2026-11-24T13:00:00Z", "2026-11-24T16:00:00Z"}, // 5:00 in Los Angeles
		{"+18085550101", "2026-11-25T06:59:00Z", ""},                     // 20:59 in Honolulu
		{"+12025550101", "2026-03-08T04:00:00Z", "2026-03-08T12:00:00Z"}, // the night in which the clocks go forward
		{"+12025550101", "2026-11-01T03:00:00Z", "2026-11-01T13:00:00Z"}, // and back
		{"+18005550101", "2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"}, // of no place: the carrier's clocks
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		until, is := quiet(c.number, at, eastern, r)
		got := ""
		if is {
			got = until.UTC().Format(time.RFC3339)
		}
		if got != c.until {
			t.Errorf("%s at %s: quiet until %q, want %q", c.number, c.at, got, c.until)
		}
	}
}

// A text that can wait waits for the morning, and its attempts are not counted meanwhile; a code goes at any hour.
func TestWaitsForTheMorning(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.clock.advance(12 * time.Hour) // 22:00 in Washington
		text := notice
		text.Via, text.Place, text.To = cpni.Text, TNOR, "+12025550101"
		now := text
		now.AtOnce = true
		code := Message{Kind: VerificationCode, Via: cpni.Voice, Place: TNOR, To: "+12025550101", Tokens: map[string]string{"code": "123456"}, Until: w.clock.Now().Add(time.Hour)}
		ids := w.plan(text, now, code)
		w.step()
		for i, want := range []State{Queued, Sent, Sent} {
			if m := w.one(ids[i]); m.State != want {
				t.Errorf("message %d is %s", i, m.State)
			}
		}
		if m := w.one(ids[0]); m.Attempts != 0 || m.Code != QuietHour {
			t.Errorf("it waits after %d attempts, %s", m.Attempts, m.Code)
		}
		w.clock.advance(10 * time.Hour)
		w.step()
		if m := w.one(ids[0]); m.State != Sent || m.Attempts != 1 {
			t.Errorf("in the morning it is %s after %d attempts", m.State, m.Attempts)
		}
	})
}

// Lists show what is waiting without unsealing anything.
func TestFind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		text := notice
		text.Via, text.To = cpni.Text, "+12025550101"
		w.plan(notice, text, notice)
		w.clock.advance(time.Minute)
		w.plan(notice)
		for _, c := range []struct {
			f    Filter
			want int
		}{{Filter{}, 4}, {Filter{Via: cpni.Text}, 1}, {Filter{State: Queued, Kind: AccountChange}, 4}, {Filter{State: Sent}, 0}, {Filter{Before: w.clock.Now()}, 3}, {Filter{Limit: 2}, 2},
			{Filter{Customer: w.of, Via: cpni.Email}, 3}, {Filter{Customer: cpni.NewID()}, 0}} {
			all, err := w.Outbox.Find(w.ctx, c.f)
			if err != nil || len(all) != c.want {
				t.Errorf("%+v finds %d, %v", c.f, len(all), err)
			}
			for _, l := range all {
				if l.To != "" || l.Tokens != nil || l.Customer != w.of {
					t.Errorf("a list shows %+v", l)
				}
			}
		}
	})
}

// BenchmarkCarry carries messages to a peer that takes everything at once: what the outbox itself costs.
func BenchmarkCarry(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, storetest.Open(b, url(b)))
			w.Channels = map[cpni.Via]Channel{cpni.Email: large{w.peer}}
			for range b.N/1000 + 1 {
				w.plan(slices.Repeat([]Message{notice}, 1000)...)
			}
			b.ResetTimer()
			for n := 0; n < b.N; {
				w.step()
				n, _ = w.peer.count()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

type large struct{ *peer }

func (large) Batch() int { return 200 }

// Reports that come at the same moment are all kept, and one of them moves the message.
//
// cite: I-10
func TestReportsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Instead = func(_ context.Context, _ *customer.Profile, m Message, _ time.Time) *Message {
			return &Message{Via: cpni.Postal, Place: AOR, To: "1 Main St, Springfield, VA 22150", Tokens: m.Tokens}
		}
		id := w.plan(notice)[0]
		w.step()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := w.Returned(w.ctx, w.Outbox.Token(id), Report{Kind: Bounce, Outcome: Outcome{State: Bounced, Code: "5.1.1"}}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		events, err := w.Outbox.Events(w.ctx, w.of, id)
		if err != nil || len(events) != 9 {
			t.Errorf("%d events, %v", len(events), err)
		}
		if n, err := w.Outbox.Messages(w.ctx, w.of); err != nil || len(n) != 2 {
			t.Errorf("there are %d messages, %v", len(n), err)
		}
	})
}

type gathering struct{ *peer }

func (gathering) Batch() int             { return 3 }
func (gathering) Gathers() time.Duration { return time.Hour }

// Letters wait for each other until a batch is full or one has waited for long enough.
func TestGathered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Channels = map[cpni.Via]Channel{cpni.Postal: gathering{w.peer}}
		letter := Message{Kind: AccountChange, Via: cpni.Postal, Place: AOR, To: "1 Main St, Springfield, VA 22150", Tokens: map[string]string{"what": "password"}}
		went := func(want int) {
			t.Helper()
			w.step()
			if n, _ := w.peer.count(); n != want {
				t.Errorf("%d letters went, want %d", n, want)
			}
		}
		w.plan(letter, letter)
		went(0)
		w.plan(letter)
		went(3)
		w.plan(letter)
		w.clock.advance(59 * time.Minute)
		went(3)
		w.clock.advance(time.Minute)
		went(4)
	})
}

// While a channel has a message its node says so, however long it takes; so nobody else takes it for lost.
//
// cite: I-10
func TestLeaseIsRenewed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		short, err := numbers()
		if err != nil {
			t.Fatal(err)
		}
		short.Lease = 90 * time.Millisecond
		w.Numbers = func(time.Time) Rules { return short }
		id := w.plan(notice)[0]
		w.peer.says = func(Piece) (Outcome, bool) {
			before := w.one(id).Due
			w.clock.advance(time.Hour)
			for range 200 {
				if w.one(id).Due.After(before.Add(time.Hour / 2)) {
					return Outcome{State: Sent}, true
				}
				time.Sleep(20 * time.Millisecond)
			}
			return Outcome{State: Failed, Code: "not renewed"}, true
		}
		w.step()
		if m := w.one(id); m.State != Sent {
			t.Errorf("it is %s %s", m.State, m.Code)
		}
	})
}

// A message that somebody has changed in the database is given up with an alert, and keeps no other from going.
//
// cite: P-23, P-41
func TestADamagedMessageStopsNoOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Instead = func(_ context.Context, _ *customer.Profile, m Message, _ time.Time) *Message {
			return &Message{Via: cpni.Postal, Place: AOR, To: "1 Main St, Springfield, VA 22150", Tokens: m.Tokens}
		}
		bad := w.plan(notice)[0]
		if err := db.Tx(w.ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(w.ctx, "UPDATE message SET sealed = $1 WHERE message_id = $2", []byte("damaged"), string(bad))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		r, _ := numbers()
		w.step()
		w.clock.advance(r.TryFor[cpni.Email])
		good := w.plan(notice)[0]
		w.step()
		if m := w.one(good); m.State != Sent {
			t.Errorf("another message is %s", m.State)
		}
		all, err := w.Outbox.Find(w.ctx, Filter{State: Failed})
		if err != nil || len(all) != 1 || all[0].ID != bad {
			t.Errorf("given up are %+v, %v", all, err)
		}
		if alerts := w.recorded(ledger.Alert); len(alerts) != 1 {
			t.Errorf("the alerts are %q", alerts)
		}
	})
}
