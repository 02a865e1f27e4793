package contact

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// online opens an online contact with a customer.
func (w *world) online(of cpni.ID) cpni.ID {
	w.t.Helper()
	return w.contactBy(Opening{Customer: of, Channel: cpni.Online})
}

// A passkey proves the customer online while it is on the account, and in no other way; adding and removing one is told; and one
// that is disowned proves nothing, takes back what it has proved, and is gone once it is found not to be theirs, with no other.
//
// cite: P-16, P-23, I-16, 47 CFR 64.2010(c), 47 CFR 64.2010(f)(1)
func TestPasskeysProveTheCustomerOnline(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		of := w.create(w.ann())
		add := func(id cpni.ID) {
			t.Helper()
			w.clock.advance(time.Minute)
			written := false
			told, err := w.Enrol(w.ctx, Enrolment{Contact: w.verified(of), Online: true, Passkey: &customer.Passkey{ID: id, Name: "laptop", Made: time.Unix(0, 0)}, Also: func(context.Context, *store.Tx) error {
				written = true
				return nil
			}})
			if err != nil || len(told) == 0 || !written {
				t.Fatalf("%v, %v, %v", told, err, written)
			}
		}
		mine, theirs := cpni.NewID(), cpni.NewID()
		add(mine)
		add(theirs)
		if k := w.profile(of).Passkeys; len(k) != 2 || k[0].Made.Year() < 2000 {
			t.Fatalf("%+v", k)
		}
		show := func(in, key cpni.ID) cpni.Code {
			_, err := w.Passkey(w.ctx, in, key, nil)
			return w.code(err)
		}
		if code := show(w.contact(of), mine); code != "METHOD" {
			t.Errorf("on the telephone: %s (P-18)", code)
		}
		if code := show(w.online(of), cpni.NewID()); code != "METHOD" {
			t.Errorf("one that is nobody's: %s", code)
		}
		in := w.online(of)
		if code := show(in, theirs); code != "" {
			t.Fatal(code)
		}
		if e := w.evidence(in); !strings.Contains(e, "passkey") {
			t.Errorf("it proves %q", e)
		}
		kept := w.online(of)
		if code := show(kept, mine); code != "" {
			t.Fatal(code)
		}

		change := w.newest(of)
		if err := w.Dispute(w.ctx, Dispute{Customer: of, Change: change.ID, How: ByLink}); err != nil {
			t.Fatal(err)
		}
		if e := w.evidence(in); strings.Contains(e, "passkey") {
			t.Errorf("a passkey that is disowned has proved %q (P-23)", e)
		}
		if e := w.evidence(kept); !strings.Contains(e, "passkey") {
			t.Error("the customer's own passkey has proved nothing")
		}
		if code := show(w.online(of), theirs); code != "METHOD" {
			t.Errorf("a passkey that is disowned: %s", code)
		}
		if code := show(w.online(of), mine); code != "" {
			t.Errorf("the customer's own passkey: %s", code)
		}
		if _, err := w.Settle(w.ctx, Settlement{Customer: of, Change: change.ID, By: "vera", Outcome: customer.Undone}); err != nil {
			t.Fatal(err)
		}
		if p := w.profile(of); len(p.Passkeys) != 1 || p.Passkeys[0].ID != mine || !p.Online {
			t.Errorf("%+v", p.Passkeys)
		}

		w.clock.advance(time.Minute) // who was got into is seen or reached before more is set
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(of), Online: true, Drop: theirs}); w.code(err) != "BAD_INPUT" {
			t.Errorf("one that is not there is removed: %v", err)
		}
		told, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(of), Online: true, Drop: mine})
		if err != nil || len(told) == 0 || len(w.profile(of).Passkeys) != 0 || !w.newest(of).Gone {
			t.Errorf("%v, %v", told, err)
		}
		if code := show(w.online(of), mine); code != "METHOD" {
			t.Errorf("a passkey that was removed: %s", code)
		}
	})
}

// While a customer has a word of their own, a passkey from before it proves nothing.
//
// cite: P-16, 47 USC 222(a)
func TestAPasskeyFromBeforeTheWordProvesNothing(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	of := w.create(w.ann())
	before, after := cpni.NewID(), cpni.NewID()
	enrol := func(id cpni.ID, in cpni.ID) {
		t.Helper()
		w.clock.advance(time.Minute)
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: in, Online: true, Passkey: &customer.Passkey{ID: id, Name: "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	in := w.verified(of)
	enrol(before, in)
	w.clock.advance(time.Minute)
	if err := w.Care(w.ctx, Care{Contact: in, Word: "marmalade kettle 9"}); err != nil {
		t.Fatal(err)
	}
	enrol(after, in)
	for id, want := range map[cpni.ID]cpni.Code{before: "METHOD", after: ""} {
		_, err := w.Passkey(w.ctx, w.online(of), id, nil)
		if w.code(err) != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// What is undone of wishes and numbers is as it was before.
//
// cite: P-23, P-25, 47 CFR 64.2008(d)(3)
func TestWishesAreUndone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.ann()
		p.ContactNumbers = []string{"+17035550119"}
		p.Email = []customer.Address{{Value: "ann@example.com", Since: p.Since}}
		of := w.create(p)
		agreed := func() bool { return w.profile(of).Email[0].Notices }
		for _, c := range []struct {
			a        Alteration
			is, undo func() bool
		}{
			{Alteration{EmailNotices: new(true)}, agreed, func() bool { return !agreed() }},
			{Alteration{ContactNumberGone: "(703) 555-0119"}, func() bool { return len(w.profile(of).ContactNumbers) == 0 }, func() bool { return slices.Equal(w.profile(of).ContactNumbers, []string{"+17035550119"}) }},
		} {
			w.clock.advance(time.Minute)
			c.a.Contact = w.seen(of)
			if told, err := w.Alter(w.ctx, c.a); err != nil || len(told) == 0 || !c.is() {
				t.Fatalf("%v, %v", told, err)
			}
			id := w.newest(of).ID
			if err := w.Dispute(w.ctx, Dispute{Customer: of, Change: id, How: ByLink}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Settle(w.ctx, Settlement{Customer: of, Change: id, By: "vera", Outcome: customer.Undone}); err != nil {
				t.Fatal(err)
			}
			if !c.undo() {
				t.Errorf("not undone: %+v", w.profile(of))
			}
		}
		no := Alteration{Contact: w.seen(of), EmailNotices: new(false)}
		if told, err := w.Alter(w.ctx, no); err != nil || len(told) != 0 {
			t.Errorf("a no that stood already is told: %v, %v", told, err)
		}
		w.update(of, func(p *customer.Profile) { p.Email = nil })
		if _, err := w.Alter(w.ctx, Alteration{Contact: w.seen(of), EmailNotices: new(true)}); w.code(err) != "BAD_INPUT" {
			t.Errorf("a yes to an address that there is not: %v", err)
		}
		if _, err := w.Alter(w.ctx, Alteration{Contact: w.seen(of), ContactNumberGone: "+17035550100"}); w.code(err) != "BAD_INPUT" {
			t.Errorf("a number that is not there: %v", err)
		}
	})
}
