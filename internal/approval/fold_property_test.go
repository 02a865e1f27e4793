package approval

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
	"ringfence/policy"
)

// begins is the first moment of the histories in these tests.
var begins = time.Date(2024, 3, 1, 5, 0, 0, 0, time.UTC)

// acts are the scopes about which customers of these tests speak, each with the use that needs it.
var acts = []string{"own-marketing", "other-marketing", "partner:acme", "location:own-marketing"}

// draw makes events in the order in which they are recorded. They are received in about that order: a letter may lie for days.
// Notices are numbered, and come back by their numbers.
func draw(t *rapid.T) []Event {
	n := rapid.IntRange(0, 14).Draw(t, "events")
	now := begins
	var all []Event
	var notices []cpni.ID
	much := rapid.SampledFrom(acts).Draw(t, "much about") // so that events meet
	about := func(more ...string) string {
		return rapid.SampledFrom(append(more, append(slices.Clone(acts), much, much, much, much)...)).Draw(t, "scope")
	}
	for i := range n {
		now = now.Add(time.Duration(rapid.IntRange(1, 400*24).Draw(t, "hours")) * time.Hour)
		at := now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 2 * 24, 300 * 24}).Draw(t, "lay")) * time.Hour)
		if at.Before(begins) {
			at = begins
		}
		e := Event{ID: cpni.ID(fmt.Sprint("e", i)), At: at, Recorded: now}
		switch e.What = rapid.SampledFrom([]What{Noticed, Noticed, Voided, Objected, Objected, Granted, Granted, Lifted}).Draw(t, "what"); e.What {
		case Noticed:
			e.Notice, e.Kind = cpni.ID(fmt.Sprint("n", i)), rapid.SampledFrom([]string{OptOut, OptOut, OptIn}).Draw(t, "kind")
			e.Scopes = []string{"own-marketing"}
			if e.Kind == OptOut {
				e.Matures = at.AddDate(0, 0, rapid.IntRange(31, 60).Draw(t, "wait"))
			}
			notices = append(notices, e.Notice)
		case Voided:
			if len(notices) == 0 {
				continue
			}
			e.At, e.Notice = now, rapid.SampledFrom(notices).Draw(t, "notice")
		case Objected, Lifted:
			e.Scope = about(customer.Everything, customer.Everything, "data:usage")
		case Granted:
			e.Scope = about()
			e.Data = rapid.SampledFrom([][]cpni.DataClass{nil, nil, usage, {cpni.Billing}}).Draw(t, "data")
		}
		all = append(all, e)
	}
	return all
}

// allows reports whether a state is one that permits something.
func allows(s cpni.ApprovalState) bool { return s == cpni.OptInOK || s == cpni.OptOutOK }

// standsAt is where the approval of a scope's use stands after events.
func standsAt(events []Event, scope string, at time.Time) rules.Approval {
	a := asked[scope]
	return stands(Fold(events), a.purpose, a.data, a.to, at, terms)
}

// moments are those at which something may have changed, and a little before and after.
func moments(events []Event) []time.Time {
	all := []time.Time{begins, begins.AddDate(30, 0, 0)}
	for _, e := range events {
		for _, m := range []time.Time{e.At, e.Recorded, e.Matures} {
			if !m.IsZero() {
				all = append(all, m.Add(-time.Microsecond), m, m.Add(time.Microsecond))
			}
		}
	}
	return all
}

// A refusal leaves only by what the customer does afterwards: a yes to just that, or taking just that back. No notice, no
// bounce, no time, and nothing that was said before it, takes it away.
//
// cite: P-14, I-14, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(c)(9)
func TestOnlyTheCustomerEndsARefusal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := draw(t)
		i := rapid.IntRange(0, len(events)).Draw(t, "before")
		scope := rapid.SampledFrom(acts).Draw(t, "scope")
		of := rapid.SampledFrom([]string{scope, customer.Everything}).Draw(t, "refused")
		now := begins
		if i > 0 {
			now = events[i-1].Recorded
		}
		refusal := Event{ID: "no", What: Objected, Scope: of, At: now.Add(time.Minute), Recorded: now.Add(time.Minute)}
		events = slices.Insert(events, i, refusal)
		ended := false
		for n := i; n < len(events); n++ {
			e := events[n]
			ended = ended || e.At.After(refusal.At) && (e.What == Granted && e.Scope == scope && (len(e.Data) == 0 || !slices.ContainsFunc(asked[scope].data, func(c cpni.DataClass) bool { return c != cpni.Location && !slices.Contains(e.Data, c) })) || e.What == Lifted && e.Scope == of)
			if ended {
				return
			}
			for _, at := range moments(events) {
				if got := standsAt(events[:n+1], scope, at).State; got != cpni.Denied {
					t.Fatalf("%s was refused, and at %s after %+v it is %s", of, at, e, got)
				}
			}
		}
	})
}

// Silence is consent only after a notice that was proven given, told of the scope, did not come back, and whose whole wait is
// over; and it carries only so long. Consent in words needs the words.
//
// cite: P-26, P-58, I-15, 47 CFR 64.2003(k), 47 CFR 64.2003(l), 47 CFR 64.2008(d)
func TestNothingIsConsentWithoutItsProof(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := draw(t)
		for _, scope := range acts {
			for _, at := range moments(events) {
				switch got := standsAt(events, scope, at); got.State {
				case cpni.OptOutOK:
					if !slices.ContainsFunc(events, func(e Event) bool {
						came := slices.ContainsFunc(events, func(v Event) bool { return v.What == Voided && v.Notice == e.Notice })
						return e.What == Noticed && e.Kind == OptOut && slices.Contains(e.Scopes, scope) && !came && !at.Before(e.At.AddDate(0, 0, 30)) && !at.Before(e.Matures) &&
							at.Before(e.At.AddDate(0, terms.RenoticeMonths, 2))
					}) {
						t.Fatalf("silence counts for %s at %s: %+v", scope, at, got)
					}
				case cpni.OptInOK:
					if !slices.ContainsFunc(events, func(e Event) bool { return e.What == Granted && e.Scope == scope && e.At.Equal(got.Since) }) {
						t.Fatalf("nobody said yes to %s: %+v", scope, got)
					}
				}
			}
		}
	})
}

// One refusal more, wherever it stands among the events and whenever it was received, never allows anything that was not
// allowed without it; one notice that came back likewise.
//
// cite: P-11, P-12, I-05, 47 CFR 64.2007(a)(2)
func TestARefusalMoreAllowsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := draw(t)
		i := rapid.IntRange(0, len(events)).Draw(t, "place")
		now := begins.Add(time.Hour)
		if i > 0 {
			now = events[i-1].Recorded.Add(time.Minute)
		}
		more := Event{ID: "more", What: Objected, At: now.Add(-time.Duration(rapid.IntRange(0, 200*24).Draw(t, "lay")) * time.Hour), Recorded: now,
			Scope: rapid.SampledFrom(append([]string{customer.Everything, "data:usage", "data:location"}, acts...)).Draw(t, "refused")}
		if given := slices.IndexFunc(events[:i], func(e Event) bool { return e.What == Noticed }); given >= 0 && rapid.Bool().Draw(t, "bounce") {
			more = Event{ID: "more", What: Voided, Notice: events[given].Notice, At: now, Recorded: now}
		}
		with := slices.Insert(slices.Clone(events), i, more)
		for _, scope := range acts {
			for _, at := range moments(with) {
				a, b := standsAt(with, scope, at), standsAt(events, scope, at)
				if allows(a.State) && !allows(b.State) || a.State == cpni.OptInOK && b.State != cpni.OptInOK || b.State == cpni.Denied && a.State != cpni.Denied {
					t.Fatalf("%s at %s: %s without %+v, and %s with it", scope, at, b.State, more, a.State)
				}
			}
		}
	})
}

// Notices and refusals in whatever order they are recorded leave a refusal.
//
// cite: P-14, V38, V50, I-14, 47 CFR 64.2007(a)(2)
func TestARefusalAmongNotices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := slices.DeleteFunc(draw(t), func(e Event) bool { return e.What == Granted || e.What == Lifted })
		scope := rapid.SampledFrom(acts).Draw(t, "scope")
		events = append(events, Event{ID: "no", What: Objected, Scope: rapid.SampledFrom([]string{scope, customer.Everything}).Draw(t, "refused"), At: begins, Recorded: begins})
		events = rapid.Permutation(events).Draw(t, "order")
		for _, at := range moments(events) {
			if got := standsAt(events, scope, at).State; got != cpni.Denied {
				t.Fatalf("%s at %s", got, at)
			}
		}
	})
}

// What is recorded late allows no more than it would have, had it been recorded when it was received: an old yes that comes to
// light after the refusal does not outlive it, not even when the refusal is taken back.
//
// cite: P-14, P-36, I-14, 47 CFR 64.2007(a)(2)
func TestLateRecordsAllowNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := draw(t)
		for i := range events {
			events[i].At = events[i].At.Add(time.Duration(i) * time.Second) // no two at once
		}
		ordered := slices.SortedStableFunc(slices.Values(events), func(a, b Event) int { return a.At.Compare(b.At) })
		for _, scope := range acts {
			for _, at := range moments(events) {
				if late, then := standsAt(events, scope, at), standsAt(ordered, scope, at); allows(late.State) && !allows(then.State) {
					t.Fatalf("%s at %s is %s as recorded, and %s as received", scope, at, late.State, then.State)
				}
			}
		}
	})
}

// A refusal more never makes the rules permit a use that they refuse, whatever is asked and of whom.
//
// cite: P-11, P-36, I-05, 47 CFR 64.2007(a)(2)
func TestTheRulesPermitNoMoreAfterARefusal(t *testing.T) {
	set, err := rules.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	numbers := rules.Numbers{}
	rapid.Check(t, func(t *rapid.T) {
		events := draw(t)
		now := begins.AddDate(0, 0, rapid.IntRange(1, 3000).Draw(t, "day"))
		with := append(slices.Clone(events), Event{ID: "no", What: Objected, At: now.Add(-time.Duration(rapid.IntRange(1, 100).Draw(t, "lay")) * time.Hour), Recorded: now.Add(-time.Hour),
			Scope: rapid.SampledFrom(append([]string{customer.Everything, "data:usage", "data:location"}, acts...)).Draw(t, "refused")})
		f := rules.Facts{At: now, Numbers: numbers, Via: cpni.Screen,
			Purpose:   rapid.SampledFrom(cpni.Purposes).Draw(t, "purpose"),
			Data:      rapid.SampledFrom([][]cpni.DataClass{usage, {cpni.Location}, {cpni.Usage, cpni.Location}, {cpni.CallDetail}, {cpni.Billing}}).Draw(t, "data"),
			Recipient: rapid.SampledFrom([]rules.Recipient{carrier, {Kind: cpni.ToCustomer}, partner("acme", cpni.JointVenture), partner("helpers", cpni.Agent), partner("sister", cpni.AffiliateComm)}).Draw(t, "to"),
			Actor: rules.Actor{Kind: rapid.SampledFrom([]string{rules.ActorStaff, rules.ActorSystem, rules.ActorCustomer}).Draw(t, "actor"),
				Role: rapid.SampledFrom([]cpni.Role{cpni.RoleMarketing, cpni.RoleAgent, cpni.RoleSupervisor, cpni.RoleSystem}).Draw(t, "role"), TrainedUntil: now.AddDate(1, 0, 0)},
			Customer: rules.Customer{Known: true, Since: begins.AddDate(-3, 0, 0), Categories: []cpni.Category{cpni.Local}}}
		if rapid.Bool().Draw(t, "offers") {
			f.Offer = &rules.Offer{Categories: []cpni.Category{rapid.SampledFrom([]cpni.Category{cpni.Local, cpni.LongDistance, cpni.Broadband, cpni.VoiceMail, "other"}).Draw(t, "category")}}
		}
		if rapid.Bool().Draw(t, "contact") {
			f.Contact = &rules.Contact{Same: true, Live: true, Speaker: rules.SpeakerCustomer}
		}
		decide := func(events []Event) rules.Decision {
			g := f
			g.Approval = stands(Fold(events), f.Purpose, f.Data, f.Recipient, now, terms)
			return set.Decide(g)
		}
		if a, b := decide(with), decide(events); a.Permit() && !b.Permit() {
			t.Fatalf("refused with %s before the customer refused, and permitted after", b.Code)
		}
	})
}
