package contact

import (
	"context"
	"slices"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Between planning and sending a line can leave the customer, be somebody else's for a while or be frozen, an address be
// replaced or frozen, and the customer ask for care.
//
// cite: P-20, P-21, P-25, 47 CFR 64.2003(q), 47 CFR 64.2010(f)(2)
func TestStill(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	now := start
	text := notify.Message{Kind: notify.AccountChange, Via: cpni.Text, Place: notify.TNOR, To: mobile, AsOf: now}
	call := notify.Message{Kind: notify.AccountChange, Via: cpni.Voice, Place: notify.TNOR, To: line, AsOf: now}
	mail := notify.Message{Kind: notify.AccountChange, Via: cpni.Email, Place: notify.Old, To: "ann@example.com", AsOf: now}
	code := notify.Message{Kind: notify.VerificationCode, Via: cpni.Email, Place: notify.AOR, To: "ann@example.com"}
	for _, row := range []struct {
		name string
		make func(p *customer.Profile)
		m    notify.Message
		want cpni.Code
	}{
		{"nothing has changed", func(*customer.Profile) {}, text, ""},
		{"nothing has changed, by mail", func(*customer.Profile) {}, mail, ""},
		{"the line has left", func(p *customer.Profile) { p.Lines[1].Removed = now.Add(-time.Hour) }, text, "NOT_TNOR"},
		{"service has ended", func(p *customer.Profile) { p.Ended = now.Add(-time.Hour) }, text, "NOT_TNOR"},
		{"service has ended, by mail", func(p *customer.Profile) { p.Ended = now.Add(-time.Hour) }, mail, ""},
		{"a new SIM", func(p *customer.Profile) { p.Lines[1].Disturbed = now.Add(-time.Hour) }, text, "NOT_TNOR"},
		{"a new SIM four days ago", func(p *customer.Profile) { p.Lines[1].Disturbed = now.Add(-96 * time.Hour) }, text, ""},
		{"the line is as young as the change", func(p *customer.Profile) { p.Lines[1].Since = now }, text, "NOT_TNOR"},
		{"the line is frozen", func(p *customer.Profile) { p.Lines[0].Frozen = true }, call, "NOT_TNOR"},
		{"others answer the lines", func(p *customer.Profile) { p.Safety = &customer.Safety{Shared: []string{customer.Shared.Lines}} }, call, "NOT_TNOR"},
		{"no more texts", func(p *customer.Profile) { p.Lines[1].NoTexts = now.Add(-time.Hour) }, text, "NO_TEXTS"},
		{"others read the mail", func(p *customer.Profile) { p.Safety = &customer.Safety{Shared: []string{customer.Shared.Email}} }, mail, "NOT_AOR"},
		{"the address is the one of before", func(p *customer.Profile) { p.Email[0].Until = now }, mail, ""},
		{"the address was never on the account", func(p *customer.Profile) { p.Email = nil }, mail, "NOT_AOR"},
		{"the address is as young as the change", func(p *customer.Profile) { p.Email[0].Since = now }, mail, "NOT_AOR"},
		{"the address is frozen", func(p *customer.Profile) { p.Email[0].Frozen = true }, mail, "NOT_AOR"},
		{"the address was found not to be theirs", func(p *customer.Profile) { p.Email[0].Undone = true }, mail, "NOT_AOR"},
		{"a code to the one of before", func(p *customer.Profile) { p.Email[0].Until = now }, code, "NOT_AOR"},
		{"a code to one that stands", func(*customer.Profile) {}, code, ""},
		{"a place that was named", func(p *customer.Profile) { p.Lines = nil }, notify.Message{Kind: notify.Records, Via: cpni.Email, Place: notify.Named, To: "other@example.org"}, ""},
	} {
		p := w.ann()
		row.make(&p)
		if got := w.Still(&p, row.m, now); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// What did not arrive goes another way: never where it was tried, where the same goes anyway, or to a place that is as young
// as the change; and where no way is left there is none.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
func TestInstead(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	now, then := start, start.Add(-time.Hour)
	const post, mail = "1 Main St, Springfield, VA 22150", "ann@example.com"
	message := func(via cpni.Via, to string, beside, tried []string) notify.Message {
		return notify.Message{Kind: notify.AccountChange, Via: via, To: to, AsOf: then, Tokens: map[string]string{"what": customer.WhatPIN}, Beside: beside, Tried: tried}
	}
	for _, row := range []struct {
		name string
		make func(p *customer.Profile)
		m    notify.Message
		want string
	}{
		{"e-mail came back", func(*customer.Profile) {}, message(cpni.Email, mail, []string{line}, nil), "postal " + post},
		{"e-mail came back, and the letter", func(*customer.Profile) {}, message(cpni.Postal, post, []string{line}, []string{mail}), ""},
		{"a text", func(*customer.Profile) {}, message(cpni.Text, mobile, []string{mail}, nil), "voice " + mobile},
		{"a text and then the call", func(*customer.Profile) {}, message(cpni.Voice, mobile, []string{mail}, []string{mobile}), "voice " + line},
		{"a call to a wireless line", func(*customer.Profile) {}, message(cpni.Voice, mobile, []string{mail}, nil), "text " + mobile},
		{"a call to a line of before texts", func(*customer.Profile) {}, message(cpni.Voice, line, []string{mail}, nil), "postal " + post},
		{"a line with a new SIM", func(p *customer.Profile) { p.Lines[1].Disturbed = now }, message(cpni.Text, mobile, []string{mail, line}, nil), "postal " + post},
		{"the post is as young as the change", func(p *customer.Profile) { p.Postal[0].Since = then }, message(cpni.Email, mail, []string{line}, nil), ""},
		{"the post is of yesterday", func(p *customer.Profile) { p.Postal[0].Since = then.AddDate(0, 0, -1) }, message(cpni.Email, mail, []string{line}, nil), ""},
		{"the post of before", func(p *customer.Profile) {
			p.Postal[0].Until = then
			p.Postal = append(p.Postal, customer.Address{Value: "13 Thieves St", Since: then})
		}, message(cpni.Email, mail, []string{line}, nil), "postal " + post},
		{"others read the post", func(p *customer.Profile) { p.Safety = &customer.Safety{Shared: []string{customer.Shared.Postal}} }, message(cpni.Email, mail, []string{line}, nil), ""},
		{"records", func(*customer.Profile) {}, notify.Message{Kind: notify.Records, Via: cpni.Email, To: mail}, ""},
	} {
		p := w.ann()
		row.make(&p)
		got := ""
		if m := w.Instead(&p, row.m, now); m != nil {
			got = string(m.Via) + " " + m.To
			if !m.AsOf.Equal(then) || m.Tokens["what"] != customer.WhatPIN {
				t.Errorf("%s: %+v has lost what it is about", row.name, m)
			}
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q (P-25)", row.name, got, row.want)
		}
	}
}

// What came to the account with a change or after it is hidden from its notice; what was there before need not be.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
func TestHidden(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	for _, a := range []Alteration{{Email: "new@example.org"}, {Postal: "9 Elm St"}, {LineAdd: &customer.Line{Number: "+12025550150"}}, {Authorise: &Authorisation{Name: "Cy Archer"}}, {ContactNumber: "+17035550111"}} {
		w.clock.advance(time.Minute)
		a.Contact = w.seen(id)
		if _, err := w.Alter(w.ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	p := w.profile(id)
	all, err := w.outbox.Messages(w.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	hidden := w.Hidden(p, all[0])
	for _, value := range []string{"new@example.org", "9 Elm St", "+12025550150", "Cy Archer", "+17035550111"} {
		if !slices.Contains(hidden, value) {
			t.Errorf("%q is not hidden from the first notice (P-25)", value)
		}
	}
	if slices.Contains(hidden, "ann@example.com") || slices.Contains(hidden, line) {
		t.Errorf("what was there before is hidden: %q", hidden)
	}
	if got := w.Hidden(p, notify.Message{Kind: notify.VerificationCode}); got != nil {
		t.Errorf("a code hides %q", got)
	}
}

// A notice that has not gone in time raises one alert, a letter that nobody has mailed one, and what waits for the customer's
// morning none. Who presses 9 in a call has said that it was not them, also when the program dies before it can take that.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func TestLateAndPressed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		carrier, p := w.carried()
		id := w.create(w.ann())
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(id), PIN: "604913"}); err != nil {
			t.Fatal(err)
		}
		late := func() int {
			t.Helper()
			if err := carrier.Late(w.ctx); err != nil {
				t.Fatal(err)
			}
			return len(w.alerts(id, notify.NoticeLate))
		}
		w.clock.advance(4 * time.Minute)
		if n := late(); n != 0 {
			t.Errorf("%d alerts after four minutes", n)
		}
		w.clock.advance(2 * time.Minute)
		if n := late() + late() - late(); n != 2 { // the call and the mail
			t.Errorf("%d alerts after six minutes, want one a message (P-23)", n)
		}
		// A call in which somebody pressed 9, by a carrier to which nobody listens: the program dies then.
		p.says = func(x notify.Piece) notify.Outcome {
			o := notify.Outcome{State: notify.Delivered, Code: "200"}
			if x.Via == cpni.Voice {
				o.Call = &notify.Call{Ended: notify.Answered, Pressed: notify.NotMeKey}
			}
			return o
		}
		taken := carrier.NotMe
		carrier.NotMe = func(context.Context, cpni.ID, notify.Message) error { return context.Canceled }
		if err := carrier.Step(w.ctx); err == nil {
			t.Error("nobody hears that it was not taken")
		}
		if _, frozen := w.profile(id).Disputes(); frozen {
			t.Fatal("it is frozen before it was taken")
		}
		carrier.NotMe = taken
		for range 2 {
			if err := carrier.Pressed(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		if c := w.newest(id); c.How != ByCall || c.Disputed.IsZero() {
			t.Errorf("%+v", c)
		}
		if n := len(w.alerts(id, NotMe)); n != 1 {
			t.Errorf("%d alerts", n)
		}
		// A letter.
		q := w.ann()
		q.Lines, q.Email, q.Account = nil, nil, string(cpni.NewID())
		written := w.create(q)
		p.says = func(notify.Piece) notify.Outcome { return notify.Outcome{State: notify.Sent, Reference: "batch 1"} }
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(written), PIN: "604913"}); err != nil {
			t.Fatal(err)
		}
		if err := carrier.Step(w.ctx); err != nil {
			t.Fatal(err)
		}
		for hours, want := range []int{0, 1, 1} {
			if err := carrier.Late(w.ctx); err != nil {
				t.Fatal(err)
			}
			if n := len(w.alerts(written, notify.LetterLate)); n != want {
				t.Errorf("look %d: %d alerts about the letter, want %d", hours, n, want)
			}
			w.clock.advance(73 * time.Hour)
		}
		// By night, with a mail that goes at once.
		w.clock.at.Store(time.Date(2027, 1, 12, 4, 0, 0, 0, time.UTC).UnixMicro()) // eleven at night in Washington
		n := w.ann()
		n.Account, n.Lines = string(cpni.NewID()), []customer.Line{{Number: "+12025550188", Categories: []cpni.Category{cpni.Wireless}, Since: n.Since}}
		asleep := w.create(n)
		p.says = func(notify.Piece) notify.Outcome { return notify.Outcome{State: notify.Delivered} }
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(asleep), PIN: "604913"}); err != nil {
			t.Fatal(err)
		}
		if err := carrier.Step(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(10 * time.Minute)
		if err := carrier.Late(w.ctx); err != nil {
			t.Fatal(err)
		}
		all, err := w.outbox.Messages(w.ctx, asleep)
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		for _, m := range all {
			if waits := m.Via == cpni.Text; waits != (m.State == notify.Queued && m.Code == notify.QuietHour) || !waits && m.State != notify.Delivered {
				t.Errorf("by %s at night: %s %s", m.Via, m.State, m.Code)
			}
		}
		if alerts := w.alerts(asleep, notify.NoticeLate); len(alerts) != 0 {
			t.Errorf("what waits for the morning is late: %v", alerts)
		}
		// Without a mail nothing waits.
		if _, err := w.book.Update(w.ctx, asleep, func(p *customer.Profile) (customer.Change, error) {
			p.Email = nil
			return customer.Change{Actor: "test", What: "test"}, nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(asleep), Password: "violet-tandem-88"}); err != nil {
			t.Fatal(err)
		}
		if err := carrier.Step(w.ctx); err != nil {
			t.Fatal(err)
		}
		if all, err = w.outbox.Messages(w.ctx, asleep); err != nil || !slices.ContainsFunc(all, func(m notify.Message) bool { return m.Via == cpni.Text && m.State == notify.Delivered }) {
			t.Errorf("a text that nothing else says waits: %+v, %v", all, err)
		}
		if records, err := w.ledger.Records(w.ctx, asleep, ledger.Filter{Kind: ledger.Message}); err != nil || len(records) == 0 {
			t.Errorf("nothing is on record of it: %v", err)
		}
	})
}
