package inbound

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/notify/mail"
	"ringfence/internal/notify/mail/mailtest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// ticking is a clock that a test moves.
type ticking struct{ at atomic.Int64 }

func (c *ticking) Now() time.Time { return time.UnixMicro(c.at.Load()).UTC() }

// words writes messages as a template would.
type words struct{}

func (words) Write(string, cpni.Via, string, map[string]string) (notify.Words, error) {
	return notify.Words{Subject: "Aviso de cambio", Text: "Su cuenta cambió.", HTML: "<p>Su cuenta cambió.</p>", Version: "account-change 1"}, nil
}

func (words) Urgent(string, cpni.Via) bool { return false }

func (words) Reveals(notify.Words, []string) (string, bool) { return "", false }

// carrier is the outbox over a real database, whose messages go to a real mail server.
func carrier(t *testing.T, db *store.DB, server *mailtest.Server) (*notify.Carrier, *ticking, cpni.ID) {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	tick := &ticking{}
	tick.at.Store(day.UnixMicro())
	v, err := vault.Open(ctx, db, vault.NewMaster())
	fail(err)
	signer, err := ledger.NewKey("inbound.test.example")
	fail(err)
	l, err := ledger.Open(ctx, db, ledger.Options{Origin: "inbound.test.example", Signer: signer, Clock: tick})
	fail(err)
	set, err := rules.Load(policy.Files)
	fail(err)
	zone, err := time.LoadLocation("America/New_York")
	fail(err)
	numbers := notify.RulesOf(set.Profiles().At(workday.DateIn(day, zone)))
	channel, err := mail.New(mail.Config{Host: server.Host, Port: server.Port, Security: mail.StartTLS, CAFile: server.CAFile, From: "Example Telephone <privacy@carrier.example>", ReturnDomain: "mail.carrier.example"}, tick)
	fail(err)
	book := customer.NewBook(db, v, l, tick)
	of, err := book.Create(ctx, customer.Profile{Name: "Ana Núñez", Account: "A-1", Language: "es", Since: day.AddDate(-5, 0, 0)}, "test")
	fail(err)
	return notify.NewCarrier(notify.Parts{
		DB: db, Vault: v, Ledger: l, Outbox: notify.NewOutbox(db, v, tick), Customers: book, Clock: tick, Zone: zone,
		Numbers: func(time.Time) notify.Rules { return numbers }, Writer: words{}, Channels: map[cpni.Via]notify.Channel{cpni.Email: channel},
	}), tick, of
}

// plan plans a notice of change.
func plan(t *testing.T, c *notify.Carrier, of cpni.ID, to string) cpni.ID {
	t.Helper()
	id := cpni.NewTimedID(c.Clock.Now())
	err := c.DB.Tx(t.Context(), func(tx *store.Tx) error {
		return c.Outbox.Plan(t.Context(), tx, of, notify.Message{ID: id, Kind: notify.AccountChange, Via: cpni.Email, Place: notify.AOR, To: to, Tokens: map[string]string{"what": "password"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func fate(t *testing.T, c *notify.Carrier, of, id cpni.ID) notify.Message {
	t.Helper()
	m, err := c.Outbox.One(t.Context(), of, id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A notice goes out to a real server, and what comes back finds it there: late, arrived, bounced; an answer changes
// nothing, and what was never sent is unknown. All of it is kept.
//
// cite: P-21, P-23, P-25, 47 CFR 64.2010(f), 47 CFR 64.2008(d)(3)
func TestThereAndBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		server := mailtest.Start(t, mailtest.Options{Security: mail.StartTLS, DSN: true})
		c, _, of := carrier(t, db, server)
		id := plan(t, c, of, "ana@customer.example")
		if err := c.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m := fate(t, c, of, id); m.State != notify.Sent || m.Code != "250 2.0.0" {
			t.Fatalf("its fate is %s %s", m.State, m.Code)
		}
		sent := server.Received(t)[0]
		r := receive(t)
		r.Receiver.inbox = c
		// A mail system gives back the header of what it got to where its envelope came from.
		back := func(name string) []byte {
			return bytes.ReplaceAll(sample(t, name), []byte("bounces+"+known+"@mail.carrier.example"), []byte(sent.From))
		}
		reply := strings.Replace(sent.From, "bounces+", "replies+", 1)
		for _, row := range []struct {
			to, name string
			state    notify.State
		}{
			{sent.From, "dsn-delayed", notify.Sent},
			{reply, "auto-spanish", notify.Sent},
			{sent.From, "dsn-delivered", notify.Delivered},
			{reply, "reply-spanish", notify.Delivered},
			{strings.ToUpper(sent.From), "dsn-failed-unknown", notify.Bounced},
			{sent.From, "dsn-delivered", notify.Bounced}, // what came back has not arrived after all
		} {
			if a := r.bring(t, "smtp", false, brought{To: []string{row.to}, Content: back(row.name)})[0]; !strings.HasPrefix(last(a), "250") {
				t.Fatalf("%s: answered %q", row.name, a)
			}
			if m := fate(t, c, of, id); m.State != row.state {
				t.Errorf("after %s it is %s", row.name, m.State)
			}
		}
		events, err := c.Outbox.Events(t.Context(), of, id)
		if err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, e := range events {
			if len(e.Raw) > 0 {
				kept++
			}
		}
		if kept != 6 {
			t.Errorf("%d of 6 are kept", kept)
		}
		if a := r.bring(t, "smtp", false, bounceTo(t, "bounces+abcdefghjkmnpqrs@mail.carrier.example"))[0]; !strings.HasPrefix(last(a), "550 5.1.1") {
			t.Errorf("a token that was never given out: %q", a)
		}
		// One that went to the wrong place is found by the name of what it gives back.
		second := plan(t, c, of, "ana@customer.example")
		if err := c.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		lost := bytes.ReplaceAll(sample(t, "dsn-failed-unknown"), []byte(known), []byte("x"))
		lost = bytes.ReplaceAll(lost, []byte(knownName), []byte(string(second)+"@mail.carrier.example"))
		if a := r.bring(t, "smtp", false, brought{To: []string{"privacy@carrier.example"}, Content: lost})[0]; !strings.HasPrefix(last(a), "250") {
			t.Errorf("one that went to the wrong place: %q", a)
		}
		if m := fate(t, c, of, second); m.State != notify.Bounced {
			t.Errorf("it is %s", m.State)
		}
	})
}

// An hour without the mail server loses no notice and doubles none.
//
// cite: P-23, I-10
func TestAnHourWithoutTheMailServer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		server := mailtest.Start(t, mailtest.Options{Security: mail.StartTLS})
		c, tick, of := carrier(t, db, server)
		server.Kill()
		const each, minutes = 2, 60
		want := map[string]cpni.ID{}
		for minute := range minutes + 30 {
			if minute == minutes {
				server.Restart(t)
			}
			if minute < minutes {
				for i := range each {
					to := fmt.Sprintf("c%d-%d@customer.example", minute, i)
					want[to] = plan(t, c, of, to)
				}
			}
			if err := c.Step(context.WithoutCancel(t.Context())); err != nil {
				t.Fatal(err)
			}
			tick.at.Add(time.Minute.Microseconds())
		}
		got := map[string]int{}
		for _, l := range server.Received(t) {
			got[l.To[0]]++
		}
		for to, id := range want {
			if got[to] != 1 || fate(t, c, of, id).State != notify.Sent {
				t.Fatalf("one went %d times and is %s", got[to], fate(t, c, of, id).State)
			}
		}
	})
}
