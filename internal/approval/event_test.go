package approval

import (
	"slices"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Where an approval stands follows from what was said and given, in the order in which it was recorded.
//
// cite: P-11, P-14, P-36, V38, V40, V41, V50, I-14, I-15
func TestFold(t *testing.T) {
	at := func(day int) time.Time { return local(t, "2026-01-01").AddDate(0, 0, day) }
	notice := func(day int, id cpni.ID, scopes ...string) Event {
		return Event{What: Noticed, Kind: OptOut, Notice: id, Scopes: scopes, At: at(day), Matures: at(day + 31)}
	}
	say := func(day int, what What, scope string) Event { return Event{What: what, Scope: scope, At: at(day)} }
	own := string(cpni.OwnMarketing)
	void := func(day int, id cpni.ID) Event { return Event{What: Voided, Notice: id, At: at(day)} }
	for _, row := range []struct {
		cite   string
		events []Event
		day    int
		want   cpni.ApprovalState
	}{
		{"3.9: nothing", nil, 0, cpni.Unnotified},
		{"V36: it waits", []Event{notice(0, "a", own)}, 30, cpni.Waiting},
		{"V36: it has waited", []Event{notice(0, "a", own)}, 31, cpni.OptOutOK},
		{"V40: it came back", []Event{notice(0, "a", own), void(2, "a")}, 40, cpni.Unnotified},
		{"V40: another form", []Event{notice(0, "a", own), void(2, "a"), notice(7, "b", own)}, 37, cpni.Waiting},
		{"V41: it came back late", []Event{notice(0, "a", own), void(38, "a")}, 39, cpni.Unnotified},
		{"V41: the renewal came back, the first stands", []Event{notice(0, "a", own), notice(60, "b", own), void(61, "b")}, 62, cpni.OptOutOK},
		{"V38: refused while it waited", []Event{notice(0, "a", own), say(30, Objected, own)}, 60, cpni.Denied},
		{"V50: given again after a refusal", []Event{say(0, Objected, own), notice(1, "a", own)}, 60, cpni.Denied},
		{"P-14: everything, then a notice", []Event{say(0, Objected, customer.Everything), notice(1, "a", own)}, 60, cpni.Denied},
		{"P-14: a refusal taken back after a notice", []Event{notice(0, "a", own), say(10, Objected, own), say(20, Lifted, own)}, 60, cpni.OptOutOK},
		{"P-14: a yes that was withdrawn stays so", []Event{say(0, Granted, own), say(1, Objected, own), say(2, Lifted, own)}, 3, cpni.Unnotified},
		{"P-14: taking back everything leaves the narrower", []Event{say(0, Objected, own), say(1, Objected, customer.Everything), say(2, Lifted, customer.Everything)}, 3, cpni.Denied},
		{"3.9: a later narrower yes", []Event{say(0, Objected, customer.Everything), say(1, Granted, own)}, 2, cpni.OptInOK},
		{"3.9: a yes received before the refusal", []Event{say(5, Objected, own), say(4, Granted, own)}, 6, cpni.Denied},
		{"P-14: nor does it come back with the refusal taken back", []Event{say(5, Objected, own), say(4, Granted, own), say(6, Lifted, own)}, 7, cpni.Unnotified},
		{"P-14: nor when everything was refused", []Event{say(5, Objected, customer.Everything), say(4, Granted, own), say(6, Lifted, customer.Everything)}, 7, cpni.Unnotified},
		{"P-14: nor when it is recorded after the refusal was taken back", []Event{say(5, Objected, own), say(6, Lifted, own), {What: Granted, Scope: own, At: at(4), Recorded: at(7)}}, 8, cpni.Unnotified},
		{"P-14: nor of everything", []Event{say(5, Objected, customer.Everything), say(6, Lifted, customer.Everything), {What: Granted, Scope: own, At: at(4), Recorded: at(7)}}, 8, cpni.Unnotified},
		{"3.9: a yes received after the refusal and recorded late", []Event{say(5, Objected, own), say(7, Lifted, own), {What: Granted, Scope: own, At: at(6), Recorded: at(8)}}, 9, cpni.OptInOK},
		{"3.9: a yes to other information leaves the refusal of this", []Event{notice(0, "a", own), say(40, Objected, own), {What: Granted, Scope: own, At: at(41), Data: []cpni.DataClass{cpni.Billing}}}, 42, cpni.Denied},
		{"3.9: and the refusal of everything", []Event{notice(0, "a", own), say(40, Objected, customer.Everything), {What: Granted, Scope: own, At: at(41), Data: []cpni.DataClass{cpni.Billing}}}, 42, cpni.Denied},
		{"3.9: a notice that comes after it changes nothing in that", []Event{say(0, Objected, own), {What: Granted, Scope: own, At: at(1), Data: []cpni.DataClass{cpni.Billing}}, notice(2, "a", own)}, 40, cpni.Denied},
		{"3.9: a yes that a narrower one has followed, recorded late", []Event{{What: Granted, Scope: own, At: at(2), Data: []cpni.DataClass{cpni.Billing}}, {What: Granted, Scope: own, At: at(1), Recorded: at(3)}}, 4, cpni.Unnotified},
		{"3.9: a yes to just this information", []Event{notice(0, "a", own), say(40, Objected, own), {What: Granted, Scope: own, At: at(41), Data: usage}}, 42, cpni.OptInOK},
		{"P-14: what such a yes left refused is taken back", []Event{notice(0, "a", own), say(40, Objected, own), {What: Granted, Scope: own, At: at(41), Data: []cpni.DataClass{cpni.Billing}}, say(42, Lifted, own)}, 43, cpni.OptOutOK},
		{"P-11: a class of information", []Event{say(0, Granted, own), say(1, Objected, "data:usage")}, 2, cpni.Denied},
		{"P-11: another class", []Event{say(0, Granted, own), say(1, Objected, "data:billing")}, 2, cpni.OptInOK},
		{"P-26: an opt-in notice sets nothing going", []Event{{What: Noticed, Kind: OptIn, Notice: "a", Scopes: []string{own}, At: at(0)}}, 60, cpni.Unnotified},
		{"P-36: the notice told of other information", []Event{{What: Noticed, Kind: OptOut, Notice: "a", Scopes: []string{own}, At: at(0), Matures: at(31), Data: []cpni.DataClass{cpni.Billing}}}, 60, cpni.Unnotified},
		{"P-14: nor when the refusal is of before events were kept", []Event{stated(own, at(5)), say(6, Lifted, own), {What: Granted, Scope: own, At: at(4), Recorded: at(7)}}, 8, cpni.Unnotified},
		{"P-14: nor of everything, of before events were kept", []Event{stated(customer.Everything, at(5)), say(6, Lifted, customer.Everything), {What: Granted, Scope: own, At: at(4), Recorded: at(7)}}, 8, cpni.Unnotified},
		{"P-14: nor when the day of both is the same, and only it is known", []Event{stated(own, at(5)), say(6, Lifted, own), {What: Granted, Scope: own, At: at(5).Add(time.Hour), From: at(5), Recorded: at(7)}}, 8, cpni.Unnotified},
		{"3.9: a yes received after a refusal of before events were kept", []Event{stated(own, at(3)), say(6, Lifted, own), {What: Granted, Scope: own, At: at(4), Recorded: at(7)}}, 8, cpni.OptInOK},
		{"3.9: a refusal of something else, of before events were kept", []Event{stated("other-marketing", at(5)), {What: Granted, Scope: own, At: at(4), Recorded: at(7)}}, 8, cpni.OptInOK},
		{"what stood before events were kept", []Event{{What: Stated, Before: []customer.Approval{{Scope: own, State: cpni.Denied, Since: at(0)}}}, notice(1, "a", own)}, 60, cpni.Denied},
	} {
		p := &customer.Profile{Approvals: Fold(row.events)}
		if got := Standing(p, cpni.OwnMarketing, usage, carrier, at(row.day), terms); got.State != row.want {
			t.Errorf("%s: %s, want %s", row.cite, got.State, row.want)
		}
	}
	many := []Event{}
	for i := range 20 {
		many = append(many, notice(i, cpni.NewID(), own))
	}
	if n := len(Fold(many)); n != mostClocks {
		t.Errorf("%d notices stand, want %d", n, mostClocks)
	}
}

// What the public policy has come to cover is not covered by an older notice, nor by an older yes.
//
// cite: P-55, P-56, P-57, 47 CFR 64.2008(c)(2)
func TestAdditions(t *testing.T) {
	added := local(t, "2026-06-01")
	with := func(x Addition) Terms {
		x.Since = added
		return Terms{RenoticeMonths: 24, Additions: []Addition{x}}
	}
	silent := customer.Approval{Scope: "own-marketing", State: cpni.OptOutOK, Since: local(t, "2026-01-01"), NoticeAt: local(t, "2026-01-01")}
	later := silent
	later.Since, later.NoticeAt = added, added
	yes := customer.Approval{Scope: "partner:acme", State: cpni.OptInOK, Since: local(t, "2026-01-01")}
	acme := partner("acme", cpni.JointVenture)
	for _, row := range []struct {
		cite  string
		a     customer.Approval
		terms Terms
		want  cpni.ApprovalState
	}{
		{"P-56: nothing was added", silent, Terms{RenoticeMonths: 24}, cpni.OptOutOK},
		{"P-56: a class", silent, with(Addition{Data: cpni.Usage}), cpni.Unnotified},
		{"P-56: another class", silent, with(Addition{Data: cpni.Billing}), cpni.OptOutOK},
		{"P-56: the purpose", silent, with(Addition{Purpose: cpni.OwnMarketing}), cpni.Unnotified},
		{"P-56: a notice of that day", later, with(Addition{Data: cpni.Usage}), cpni.OptOutOK},
	} {
		if got := Standing(&customer.Profile{Approvals: []customer.Approval{row.a}}, cpni.OwnMarketing, usage, carrier, local(t, "2026-09-01"), row.terms); got.State != row.want {
			t.Errorf("%s: %s, want %s", row.cite, got.State, row.want)
		}
	}
	got := Standing(&customer.Profile{Approvals: []customer.Approval{yes}}, cpni.PartnerMarketing, usage, acme, local(t, "2026-09-01"), with(Addition{Partner: "acme"}))
	if got.State != cpni.Unnotified || !got.OtherTuple {
		t.Errorf("P-56: an older yes to a recipient who was added: %+v", got)
	}
	denied := customer.Approval{Scope: "own-marketing", State: cpni.Denied, Since: local(t, "2025-01-01")}
	if got := Standing(&customer.Profile{Approvals: []customer.Approval{denied}}, cpni.OwnMarketing, usage, carrier, local(t, "2026-09-01"), with(Addition{Data: cpni.Usage})); got.State != cpni.Denied {
		t.Errorf("P-14: a refusal and an addition: %s", got.State)
	}
}

// stated is what stood on an account before events were kept: a refusal.
func stated(scope string, since time.Time) Event {
	return Event{What: Stated, Before: []customer.Approval{{Scope: scope, State: cpni.Denied, Since: since}}}
}

// A yes that was received before a refusal, and is recorded after that was taken back, does not count: also when the refusal stood on the
// account before events were kept.
//
// cite: P-14, I-14, 47 CFR 64.2007(a)(2)
func TestLateYesAndARefusalOfBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, local(t, "2026-11-24 10:00"))
		for days, over := range map[int]bool{15: true, 5: false} { // the refusal is ten days old
			id := w.create(t, customer.Approval{Scope: "own-marketing", State: cpni.Denied, Since: w.now.AddDate(0, 0, -10)})
			notice := cpni.NewID()
			_, err := w.ledger.Commit(t.Context(), func(tx *store.Tx) ([]ledger.Entry, error) {
				_, entries, err := w.said.Give(t.Context(), tx, id, Given{Notice: notice, Kind: OptIn, Via: ByPostal, At: w.now.AddDate(0, 0, -20), Scopes: []string{"own-marketing"}, By: "test"})
				return entries, err
			})
			if err != nil {
				t.Fatal(err)
			}
			letter := func(says Say, daysAgo int) {
				t.Helper()
				w.now = w.now.Add(time.Minute)
				if _, err := w.said.Answer(t.Context(), Answer{Customer: id, Says: says, Scope: "own-marketing", Via: ByPostal, Notice: notice, By: "test", At: w.now.AddDate(0, 0, -daysAgo), Signed: true, Evidence: &Evidence{Kind: "letter", Raw: []byte("%PDF-1.7")}, Old: true}); err != nil {
					t.Fatal(err)
				}
			}
			letter(Lift, 0)
			letter(Grant, days)
			events, err := w.said.Events(t.Context(), id)
			if err != nil || len(events) != 4 || events[0].What != Stated || events[3].Over != over {
				t.Errorf("received %d days ago: %+v, %v", days, events, err)
			}
			want := cpni.OptInOK
			if over {
				want = cpni.Unnotified
			}
			if got := Standing(w.profile(t, id), cpni.OwnMarketing, usage, carrier, w.now, terms); got.State != want {
				t.Errorf("received %d days ago, it is %s, want %s", days, got.State, want)
			}
		}
	})
}

// What all customers' approvals are is found without opening a profile, and is what the profiles say.
//
// cite: P-36, I-02, 47 CFR 64.2009(a)
func TestScreen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, local(t, "2026-11-24 10:00"))
		w.said.Numbers = func(time.Time) Rules {
			return Rules{Wait: 30, MailAdds: 3, AfterEmail: 31, AfterMail: 34, RenoticeMonths: 24}
		}
		day := func(s string) time.Time { return local(t, s) }
		of := map[cpni.ID]cpni.ApprovalState{
			w.create(t, customer.Approval{Scope: "own-marketing", State: cpni.Denied, Since: day("2026-01-01")}):                                                                       cpni.Denied,
			w.create(t, customer.Approval{Scope: "own-marketing", State: cpni.OptOutOK, Since: day("2026-01-01"), NoticeAt: day("2026-01-01")}):                                        cpni.OptOutOK,
			w.create(t, customer.Approval{Scope: "own-marketing", State: cpni.OptOutOK, Since: day("2023-01-01"), NoticeAt: day("2023-01-01")}):                                        cpni.RenoticeDue,
			w.create(t, customer.Approval{Scope: "own-marketing", State: cpni.Waiting, Since: day("2026-11-20"), NoticeAt: day("2026-11-20"), Matures: day("2026-12-21")}):             cpni.Waiting,
			w.create(t, customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: day("2020-01-01"), Data: []cpni.DataClass{cpni.Usage}, Names: []string{"acme", "beta"}}): cpni.OptInOK,
			w.create(t, customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: day("2020-01-01"), Data: []cpni.DataClass{cpni.Billing}}):                                cpni.Unnotified,
		}
		none := w.create(t)
		use := Use{Purpose: cpni.OwnMarketing, Data: usage, Recipient: carrier}
		got := map[cpni.ID]cpni.ApprovalState{}
		late := cpni.ID("")
		err := w.said.Screen(t.Context(), use, func(id cpni.ID, s cpni.ApprovalState) error {
			if late == "" && s == cpni.OptOutOK { // somebody who was looked at already refuses
				late = id
				if err := w.said.Object(t.Context(), id, "", "portal", "customer", w.now); err != nil {
					return err
				}
			}
			got[id] = s
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range of {
			if id == late {
				want = cpni.Denied
			}
			if got[id] != want {
				t.Errorf("%s, want %s", got[id], want)
			}
			if p := w.profile(t, id); Standing(p, use.Purpose, use.Data, use.Recipient, w.now.In(time.UTC), terms).State != got[id] {
				t.Errorf("the profile says %s", Standing(p, use.Purpose, use.Data, use.Recipient, w.now.In(time.UTC), terms).State)
			}
		}
		if _, told := got[none]; told || late == "" {
			t.Errorf("of a customer without anything on record: %v", got[none])
		}
		events, err := w.said.Events(t.Context(), late)
		if err != nil || len(events) != 2 || events[0].What != Stated || events[1].What != Objected {
			t.Errorf("%+v, %v", events, err)
		}
		if p := w.profile(t, late); len(p.Approvals) != 2 || !slices.EqualFunc(Fold(events), p.Approvals, func(a, b customer.Approval) bool {
			return a.Scope == b.Scope && a.State == b.State && a.Since.Equal(b.Since)
		}) {
			t.Errorf("%+v", p.Approvals)
		}
	})
}
