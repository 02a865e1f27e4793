package contact

import (
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

// newest gives the change that was made last.
func (w *world) newest(of cpni.ID) customer.Changed {
	w.t.Helper()
	all := w.profile(of).Changes
	if len(all) == 0 {
		w.t.Fatal("nothing was changed")
	}
	return all[len(all)-1]
}

// tokenOf gives the token of a notice of a change.
func (w *world) tokenOf(of, change cpni.ID) string {
	w.t.Helper()
	all, err := w.outbox.Messages(w.ctx, of)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range all {
		if m.About == change && m.Kind == notify.AccountChange {
			return w.outbox.Token(m.ID)
		}
	}
	w.t.Fatal("no notice tells of the change")
	return ""
}

// Who has planted a secret, a person, a line or an address loses all that rests on it when the customer says that it was not
// them: in the contact that runs, and in every other. What does not rest on it goes on.
//
// cite: P-16, P-20, P-21, P-23, I-16, 47 CFR 64.2010(a)
func TestDisputeFreezes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const planted = "+12025550166"
		old := start.AddDate(0, 0, -40)
		for _, row := range []struct {
			name    string
			change  func(*world, cpni.ID) ([]Planned, error)
			proof   Proof // that rests on it
			code    bool  // it is answered by the code that was sent
			after   cpni.Code
			untouch Proof
		}{
			{"password", enrolled(Enrolment{Password: "violet-tandem-88"}), Proof{Password: "violet-tandem-88"}, false, "METHOD", Proof{PIN: pin}},
			{"PIN", enrolled(Enrolment{PIN: "604913"}), Proof{PIN: "604913"}, false, "METHOD", Proof{Password: password}},
			{"backup", enrolled(Enrolment{Backup: map[string]string{"First concert?": "the comets"}}), Proof{Backup: map[string]string{"First concert?": "the comets"}}, false, "METHOD", Proof{Password: password}},
			{"person", altered(Alteration{Authorise: &Authorisation{Name: "Mo Grey", Password: "green-otter-61"}}), Proof{Password: "green-otter-61"}, false, "BAD_SECRET", Proof{Password: password}},
			{"line", altered(Alteration{LineAdd: &customer.Line{Number: planted, Categories: []cpni.Category{cpni.Wireless}}}), Proof{Callback: &Callback{Number: planted, Answered: true}}, false, "NOT_TNOR", Proof{Callback: &Callback{Number: mobile, Answered: true}}},
			{"line, by a code", altered(Alteration{LineAdd: &customer.Line{Number: planted, Categories: []cpni.Category{cpni.Wireless}}}), Proof{SendCode: planted}, true, "NOT_TNOR", Proof{Callback: &Callback{Number: mobile, Answered: true}}},
			{"e-mail address", altered(Alteration{Email: "thief@example.org"}), Proof{SendCode: "email"}, true, "NOT_AOR", Proof{Password: password}},
			{"postal address", altered(Alteration{Postal: "13 Thieves St"}), Proof{SendCode: "postal"}, true, "NOT_AOR", Proof{Password: password}},
		} {
			w := newWorld(t, db)
			w.clock.at.Store(old.UnixMicro())
			p := w.ann()
			p.Account = string(cpni.NewID())
			id := w.create(p)
			thief := w.verified(id)
			if _, err := row.change(w, thief); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			w.clock.at.Store(start.UnixMicro()) // addresses are of record by now
			made := w.newest(id)
			rests, other := w.contact(id), w.contact(id)
			if code := w.try(rests, row.proof); code != "" {
				t.Fatalf("%s: before it is disputed: %q", row.name, code)
			}
			if row.code {
				if code := w.try(rests, Proof{Code: w.sent(id)}); code != "" {
					t.Fatalf("%s: before it is disputed: %q", row.name, code)
				}
				w.try(rests, row.proof) // and one more is out
			}
			if code := w.try(other, row.untouch); code != "" {
				t.Fatalf("%s: what does not rest on it: %q", row.name, code)
			}
			stands := w.evidence(other)
			if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: made.ID, How: ByLink}); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			if got := w.evidence(rests); got != "" {
				t.Errorf("%s: %q still counts in a contact that runs (I-16)", row.name, got)
			}
			if got := w.evidence(other); got != stands {
				t.Errorf("%s: what does not rest on it counts no longer: %q", row.name, got)
			}
			if code := w.try(w.contact(id), row.proof); code != row.after {
				t.Errorf("%s: afterwards %q, want %q (P-23)", row.name, code, row.after)
			}
			if row.code {
				if code := w.try(rests, Proof{Code: w.sent(id)}); code == "" {
					t.Errorf("%s: a code that was out proves something (I-17)", row.name)
				}
			}
			for _, secret := range []Enrolment{{PIN: "592836"}, {Online: true}} {
				secret.Contact = w.contact(id)
				if w.try(secret.Contact, Proof{Password: password}) != "" && w.try(secret.Contact, Proof{PIN: pin}) != "" {
					t.Errorf("%s: neither secret of before proves anything", row.name)
				}
				if _, err := w.Enrol(w.ctx, secret); w.code(err) != "FROZEN" {
					t.Errorf("%s: the account is changed on a secret: %v (P-16)", row.name, err)
				}
			}
			if err := w.Care(w.ctx, Care{Contact: w.verifiedSomehow(id), Word: "Marmalade Kettle 9"}); w.code(err) != "FROZEN" {
				t.Errorf("%s: care is set on a secret: %v (P-16)", row.name, err)
			}
			if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(id), Online: true}); err != nil {
				t.Errorf("%s: whom they have seen in a shop cannot change anything: %v", row.name, err)
			}
			if alerts := w.alerts(id, NotMe); len(alerts) != 1 || alerts[0]["change"] != string(made.ID) {
				t.Errorf("%s: the alerts are %v (P-23)", row.name, alerts)
			}
			if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: made.ID, How: ByText}); err != ErrNoChange {
				t.Errorf("%s: disputed twice: %v", row.name, err)
			}
			if err := w.EndService(w.ctx, id, "test"); err != nil { // which frees the numbers for the next row
				t.Fatal(err)
			}
		}
	})
}

// verifiedSomehow opens a contact in which one of the secrets of before was given.
func (w *world) verifiedSomehow(of cpni.ID) cpni.ID {
	w.t.Helper()
	id := w.contact(of)
	if w.try(id, Proof{Password: password}) != "" && w.try(id, Proof{PIN: pin}) != "" {
		w.t.Fatal("neither secret of before proves anything")
	}
	return id
}

// Undoing brings back what stood there before and takes a secret away; keeping lets everything count again. Nobody decides
// about their own change, and nobody twice.
//
// cite: P-16, P-21, P-22, P-23, P-37, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func TestSettle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		before := w.profile(id)
		settle := func(by cpni.ID, outcome string) cpni.Code {
			_, err := w.Settle(w.ctx, Settlement{Customer: id, Change: w.newest(id).ID, By: by, Outcome: outcome})
			return w.code(err)
		}
		for _, row := range []struct {
			name string
			do   func(*world, cpni.ID) ([]Planned, error)
			same func(before, now *customer.Profile) bool
		}{
			{"e-mail address", altered(Alteration{Email: "thief@example.org"}), func(b, n *customer.Profile) bool {
				a, ok := customer.Current(n.Email, w.clock.Now())
				return ok && a.Value == b.Email[0].Value && a.Since.Equal(b.Email[0].Since) && a.OfRecord(w.clock.Now(), usual.AddressOfRecordAge)
			}},
			{"postal address", altered(Alteration{Postal: "13 Thieves St"}), func(b, n *customer.Profile) bool {
				a, ok := customer.Current(n.Postal, w.clock.Now())
				return ok && a.Value == b.Postal[0].Value && a.Since.Equal(b.Postal[0].Since)
			}},
			{"line added", altered(Alteration{LineAdd: &customer.Line{Number: "+12025550166"}}), func(_, n *customer.Profile) bool {
				_, on := n.LineOf("+12025550166", w.clock.Now())
				return !on
			}},
			{"line removed", altered(Alteration{LineRemove: mobile}), func(_, n *customer.Profile) bool {
				_, on := n.LineOf(mobile, w.clock.Now())
				return on
			}},
			{"person authorised", altered(Alteration{Authorise: &Authorisation{Name: "Mo Grey"}}), func(b, n *customer.Profile) bool { return len(n.Authorised) == len(b.Authorised) }},
			{"person changed", altered(Alteration{Authorise: &Authorisation{Name: "Bo Archer", Data: []cpni.DataClass{cpni.Billing}}}), func(_, n *customer.Profile) bool { return len(n.Authorised[0].Data) == 0 }},
			{"person removed", altered(Alteration{Dismiss: "bo archer"}), func(b, n *customer.Profile) bool {
				return len(n.Authorised) == 1 && n.Authorised[0].Credentials.Password.Hash == b.Authorised[0].Credentials.Password.Hash
			}},
			{"listing", altered(Alteration{Listed: map[string]bool{line: true}}), func(_, n *customer.Profile) bool { return !n.Lines[0].Listed }},
			{"address in the directory", altered(Alteration{Printed: map[string]bool{line: false}}), func(_, n *customer.Profile) bool { return !n.Lines[0].NoAddress }},
			{"contact number", altered(Alteration{ContactNumber: "+17035550111"}), func(b, n *customer.Profile) bool { return slices.Equal(n.ContactNumbers, b.ContactNumbers) }},
			{"ways", altered(Alteration{Ways: &Ways{NoticeBy: cpni.Postal, Language: "es"}}), func(_, n *customer.Profile) bool { return n.NoticeBy == "" && n.Language == "" }},
			{"online account", enrolled(Enrolment{Online: true}), func(_, n *customer.Profile) bool { return !n.Online }},
			{"PIN", enrolled(Enrolment{PIN: "604913"}), func(_, n *customer.Profile) bool { return n.Credentials.PIN == nil }},
			{"backup answer", enrolled(Enrolment{Backup: map[string]string{"First concert?": "the comets"}}), func(_, n *customer.Profile) bool { return len(n.Credentials.Backup) == 1 }},
		} {
			w.clock.advance(time.Minute)
			if _, err := row.do(w, w.seen(id)); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			if got := settle("vera", customer.Undone); got != "NO_CHANGE" {
				t.Errorf("%s: what nobody disputes is decided on: %q", row.name, got)
			}
			w.clock.advance(time.Minute)
			if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: w.newest(id).ID, How: ByCall}); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			if got := settle("rep", customer.Kept); got != "SELF_REVIEW" {
				t.Errorf("%s: who made the change decides about it: %q (P-37)", row.name, got)
			}
			made := w.newest(id)
			if got := settle("vera", customer.Undone); got != "" {
				t.Fatalf("%s: %q", row.name, got)
			}
			now := w.profile(id)
			if !row.same(before, now) {
				t.Errorf("%s: what stood there before does not stand again: %+v", row.name, now)
			}
			if c := now.Change(made.ID); c.Outcome != customer.Undone || c.SettledBy != "vera" {
				t.Errorf("%s: %+v", row.name, c)
			}
			if undo := w.newest(id); undo.Undoes != made.ID || undo.By != "vera" {
				t.Errorf("%s: the undoing is no change of its own: %+v", row.name, undo)
			}
			if _, frozen := now.Disputes(); frozen {
				t.Errorf("%s: it stays frozen", row.name)
			}
		}
		// A PIN that was taken away is set anew only by who was reached or seen.
		c := w.verified(id)
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: c, PIN: "592836"}); w.code(err) != "FROZEN" {
			t.Errorf("on a password: %v (P-22)", err)
		}
		if code := w.try(c, Proof{Callback: &Callback{Number: line, Answered: true}}); code != "" {
			t.Fatal(code)
		}
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: c, PIN: "592836"}); err != nil {
			t.Errorf("after a call back: %v", err)
		}
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.verified(id), PIN: "715204"}); err != nil {
			t.Errorf("and then as ever: %v", err)
		}
		// It was theirs after all.
		w.clock.advance(time.Minute)
		if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: w.newest(id).ID, How: AtDesk, By: "rep2"}); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(time.Minute)
		if got := settle("vera", customer.Kept); got != "" {
			t.Fatal(got)
		}
		if code := w.try(w.contact(id), Proof{PIN: "715204"}); code != "" {
			t.Errorf("what was kept proves nothing: %q", code)
		}
		records, err := w.ledger.Records(w.ctx, id, ledger.Filter{Kind: ledger.Change, Limit: 1})
		if err != nil || !w.mentions(records[0], "change kept") || records[0].Actor != "vera" {
			t.Errorf("the decision is not on record: %+v, %v", records, err)
		}
	})
}

// A change and the one after it: undoing the first takes the second with it, keeps what the customer has set again, and an
// address that was found not to be theirs never counts again, however long it was there.
//
// cite: P-21, P-23, P-25, 47 CFR 64.2003(b)
func TestChainsOfChanges(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.ann())
	for _, email := range []string{"thief@example.org", "thief2@example.org", "ann@example.com"} {
		w.clock.advance(35 * 24 * time.Hour)
		if _, err := w.Alter(w.ctx, Alteration{Contact: w.seen(id), Email: email}); err != nil {
			t.Fatal(err)
		}
	}
	first := w.profile(id).Changes[0]
	if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: first.ID, How: ByLink}); err != nil {
		t.Fatal(err)
	}
	for _, a := range w.profile(id).Email {
		if want := a.Value != "ann@example.com"; a.Frozen != want {
			t.Errorf("%+v: frozen is to be %v", a, want)
		}
	}
	if _, err := w.Settle(w.ctx, Settlement{Customer: id, Change: first.ID, By: "vera", Outcome: customer.Undone}); err != nil {
		t.Fatal(err)
	}
	p := w.profile(id)
	if a, ok := customer.Current(p.Email, w.clock.Now()); !ok || a.Value != "ann@example.com" {
		t.Errorf("%+v", p.Email)
	}
	w.clock.advance(time.Hour)
	if b, ok := usual.complete().before(p.Email, w.clock.Now()); ok && b.Value != "ann@example.com" {
		t.Errorf("a notice goes to %q", b.Value)
	}
}

// Tokens that are none, that were used and that are of a forgotten customer are one and the same; who tries many is slowed, and
// the customer elsewhere is not.
//
// cite: P-23, P-25, I-18, I-21
func TestTokensOfNotices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.lone())
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(id), PIN: "604913"}); err != nil {
			t.Fatal(err)
		}
		used := w.tokenOf(id, w.newest(id).ID)
		if what, at, _, err := w.Disputable(w.ctx, used, "192.0.2.1"); err != nil || what != customer.WhatPIN || !at.Equal(w.newest(id).At) {
			t.Fatalf("%q %s %v", what, at, err)
		}
		if w.newest(id).Disputed != (time.Time{}) {
			t.Fatal("the question alone has frozen the change")
		}
		if _, err := w.NotMeByToken(w.ctx, used, ByLink, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		gone := w.create(w.lone())
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(gone), PIN: "604913"}); err != nil {
			t.Fatal(err)
		}
		forgotten := w.tokenOf(gone, w.newest(gone).ID)
		if err := w.book.Forget(w.ctx, gone, "test"); err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string]string{"used": used, "forgotten": forgotten, "unknown": "aaaaaaaaaaaaaaaa", "empty": "", "long": string(make([]byte, 5000))} {
			if _, err := w.NotMeByToken(w.ctx, token, ByLink, "192.0.2.2"); err != ErrNoChange {
				t.Errorf("%s: %v", name, err)
			}
			if _, _, _, err := w.Disputable(w.ctx, token, "192.0.2.2"); err != ErrNoChange {
				t.Errorf("%s: %v", name, err)
			}
		}
		slowed := false
		for range 200 {
			if wait, _ := w.NotMeByToken(w.ctx, "aaaaaaaaaaaaaaaa", ByLink, "192.0.2.3"); wait > 0 {
				slowed = true
				break
			}
		}
		if !slowed {
			t.Error("nobody slows who tries tokens (I-18)")
		}
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(id), Password: "violet-tandem-88"}); err != nil {
			t.Fatal(err)
		}
		if wait, err := w.NotMeByToken(w.ctx, w.tokenOf(id, w.newest(id).ID), ByLink, "192.0.2.4"); err != nil || wait > 0 {
			t.Errorf("the customer elsewhere is slowed: %s, %v", wait, err)
		}
	})
}

// When the two places that would have been told of a change are lost one after the other, the first leaves it to the second; with
// the second nobody is left, and somebody has to look.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func TestTheLastPlaceThatWasToBeToldIsLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.ann()
		p.Account, p.Lines, p.Email, p.Postal = string(cpni.NewID()), nil, nil, nil
		id := w.create(p)
		var places []cpni.ID
		for _, a := range []Alteration{{Email: "walter.quigley@mailbox.example"}, {Postal: "1003 Zebulon Terrace, Peoria, IL 61602"}} {
			w.clock.advance(31 * 24 * time.Hour)
			a.Contact = w.seen(id)
			if _, err := w.Alter(w.ctx, a); err != nil {
				t.Fatal(err)
			}
			places = append(places, w.newest(id).ID)
		}
		w.clock.advance(31 * 24 * time.Hour)
		told, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(id), PIN: "604913"})
		if err != nil || len(told) != 2 {
			t.Fatalf("%v, %v", told, err)
		}
		pin := w.newest(id).ID
		slices.Reverse(places) // what came after a change that is disputed counts no more either
		for i, change := range places {
			if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: change, How: ByLink}); err != nil {
				t.Fatal(err)
			}
			missing := 0
			for _, d := range w.alerts(id, NoticeMissing) {
				if d["change"] == string(pin) {
					missing++
				}
			}
			if missing != i {
				t.Fatalf("after %d places were lost %d alerts say that nobody is told", i+1, missing)
			}
		}
	})
}
