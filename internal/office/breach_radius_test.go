package office_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/watch"
)

// suspected opens an incident.
func suspected(t *testing.T, o *officetest.Office, by cpni.ID) cpni.ID {
	t.Helper()
	i := must[*breach.Incident](t)(o.Incidents.Open(t.Context(), breach.Intake{By: by, Facts: breach.Facts{What: "A member sold call records.", Discovered: o.Clock.Now(), DiscoveredBy: "audit",
		Data: []cpni.DataClass{cpni.CallDetail}, Outcome: clock.Disclosed}}))
	return i.ID
}

// inSet gives the customers in the set of an incident with the entry of each.
func inSet(t *testing.T, o *officetest.Office, id, by cpni.ID) map[cpni.ID]cpni.ID {
	t.Helper()
	all := map[cpni.ID]cpni.ID{}
	after := cpni.ID("")
	for {
		some := must[[]breach.Affected](t)(o.Incidents.Set(t.Context(), id, by, "", after, 1000))
		for _, c := range some {
			all[c.Customer], after = c.Entry, c.Customer
		}
		if len(some) < 1000 {
			return all
		}
	}
}

// newest is the last step by which the set changed.
func newest(i *breach.Incident) breach.Reach {
	all := i.All(breach.Reached)
	return *all[len(all)-1].Reach
}

// Whose information a member touched is found in the ledger and kept with the incident; people change it with reasons, and a recount
// respects that.
//
// cite: P-43, P-52, 47 CFR 64.2011(d)
func TestWhomAnIncidentReached(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		agent, other, officer := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleCompliance)
		ann, bob, cid, dan, eve := o.Customer(t), o.Customer(t), o.Customer(t), o.Customer(t), o.Customer(t)
		gave := func(by cpni.ID, to cpni.ID) (entry, in cpni.ID) {
			in = o.Verified(t, by, to)
			a := must[*disclose.Answer](t)(o.Door.Disclose(ctx, officetest.AskCalls(by, in)))
			o.Time.Add(time.Minute)
			return a.Entry, in
		}
		first, _ := gave(agent, ann.ID)
		gave(agent, ann.ID)
		toBob, inBob := gave(agent, bob.ID)
		must[*disclose.Answer](t)(o.Door.Disclose(ctx, officetest.AskCalls(agent, o.Contact(t, agent, cid.ID)))) // not proved: refused
		gave(other, dan.ID)
		if err := o.Viewed(ctx, agent, watch.Card, eve.ID); err != nil {
			t.Fatal(err)
		}
		id := suspected(t, o, officer)
		by := func(in cpni.ID) breach.Act { return breach.Act{By: officer, ID: in} }
		once := by(cpni.NewID())
		sold := breach.Looked{Actor: string(agent)}
		i := must[*breach.Incident](t)(o.Incidents.Trace(ctx, id, once, sold, "the audit named the member"))
		if set := inSet(t, o, id, officer); !maps.Equal(set, map[cpni.ID]cpni.ID{ann.ID: first, bob.ID: toBob}) || i.Set != 2 {
			t.Errorf("P-43: the trace put %d in, %v", i.Set, set)
		}
		head := must[int64](t)(o.Ledger.Head(ctx))
		x := newest(i)
		if x.Added != 2 || x.By != "trace" || !strings.Contains(x.Trace, string(agent)) || x.Traced == nil || x.Traced.More || x.Traced.Found != 2 || x.Traced.Shown != 1 || x.Traced.Entries != 3 || x.Traced.Through > head {
			t.Errorf("P-52: the history says %+v, %+v", x, x.Traced)
		}
		steps := len(i.History)
		if i = must[*breach.Incident](t)(o.Incidents.Trace(ctx, id, once, sold, "")); len(i.History) != steps {
			t.Errorf("P-49: sent twice it was done twice")
		}

		// A person takes one out and puts one in, each with a reason.
		must[*breach.Incident](t)(o.Incidents.Remove(ctx, id, by(cpni.NewID()), []cpni.ID{bob.ID}, "bob asked for it himself, as the recording shows"))
		must[*breach.Incident](t)(o.Incidents.Put(ctx, id, by(cpni.NewID()), []cpni.ID{dan.ID}, "the member had dan's bill on the desk"))

		// Meanwhile there was more. A recount adds that, and changes nothing else.
		toCid, _ := gave(agent, cid.ID)
		i = must[*breach.Incident](t)(o.Incidents.Recount(ctx, id, by(cpni.NewID()), "another shift came in"))
		if set := inSet(t, o, id, officer); !maps.Equal(set, map[cpni.ID]cpni.ID{ann.ID: first, cid.ID: toCid, dan.ID: ""}) || i.Set != 3 {
			t.Errorf("P-43, P-52: after the recount %d are in, %v", i.Set, set)
		}
		if x := newest(i); x.Added != 1 || x.Traced.Found != 3 || x.Traced.Out != 1 {
			t.Errorf("P-52: the recount says %+v, %+v", x, x.Traced)
		}
		i = must[*breach.Incident](t)(o.Incidents.Recount(ctx, id, by(cpni.NewID()), ""))
		if x := newest(i); x.Added != 0 || i.Set != 3 || len(i.Traces()) != 1 {
			t.Errorf("P-52: a recount that finds nobody new says %+v, of %d traces", x, len(i.Traces()))
		}

		// Those whose card alone was shown, and a contact in which somebody passed for another.
		i = must[*breach.Incident](t)(o.Incidents.Trace(ctx, id, by(""), breach.Looked{Actor: string(agent), From: officetest.Start, Until: o.Clock.Now().Add(time.Second), Shown: true}, ""))
		if set := inSet(t, o, id, officer); len(set) != 4 || set[eve.ID] == "" {
			t.Errorf("P-43: with those whose card was shown %v", set)
		}
		second := suspected(t, o, officer)
		must[*breach.Incident](t)(o.Incidents.Trace(ctx, second, by(""), breach.Looked{Contact: inBob}, ""))
		if set := inSet(t, o, second, officer); !maps.Equal(set, map[cpni.ID]cpni.ID{bob.ID: toBob}) {
			t.Errorf("P-43: in the contact %v", set)
		}

		// The ledger has an entry of each step, and names nobody in it.
		for _, e := range i.History {
			row := must[ledger.Row](t)(o.Ledger.Record(ctx, "", e.Entry))
			if row.Customer != "" || row.Actor != string(officer) {
				t.Errorf("P-49: step %d is on record as %+v", e.N, row.Entry)
			}
		}

		for _, c := range []struct {
			name, code string
			act        breach.Act
			looked     breach.Looked
		}{
			{"P-37: a member who must not", "ROLE", breach.Act{By: agent}, sold},
			{"P-52: nobody named", "BAD_INPUT", by(""), breach.Looked{}},
			{"P-52: one end of a time", "BAD_INPUT", by(""), breach.Looked{From: officetest.Start}},
			{"P-52: a time that ends before it begins", "BAD_INPUT", by(""), breach.Looked{From: officetest.Start, Until: officetest.Start}},
			{"P-49: a file that others have written to", "CONFLICT", breach.Act{By: officer, Version: 1}, sold},
		} {
			if _, err := o.Incidents.Trace(ctx, id, c.act, c.looked, ""); string(code(err)) != c.code {
				t.Errorf("%s: %v, want %s", c.name, err, c.code)
			}
		}
		if _, err := o.Incidents.Recount(ctx, suspected(t, o, officer), by(""), ""); code(err) != breach.WrongState {
			t.Errorf("P-52: a recount of what was never counted: %v", err)
		}
	})
}

// A trace that is cut off anywhere leaves whole steps behind, and made again it finds the rest.
//
// cite: P-43, P-52, I-10, 47 CFR 64.2011(d)
func TestATraceThatIsCutOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		officer, agent := o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleAgent)
		const customers = 1234
		want := map[cpni.ID]cpni.ID{}
		_, err := o.Ledger.Commit(t.Context(), func(*store.Tx) ([]ledger.Entry, error) {
			clear(want)
			all := make([]ledger.Entry, customers)
			for i := range all {
				at := officetest.Start.Add(time.Duration(i) * time.Millisecond)
				sealed := fmt.Appendf(nil, "record %d", i)
				all[i] = ledger.Entry{Customer: cpni.NewID(), ID: cpni.NewTimedID(at), Kind: ledger.Decision, At: at, Actor: string(agent), Recipient: "customer", Outcome: cpni.Permit,
					Permits: []cpni.DataClass{cpni.Usage}, Commitment: sha256.Sum256(sealed), Sealed: sealed}
				want[all[i].Customer] = all[i].ID
			}
			return all, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		id := suspected(t, o, officer)
		looked := breach.Looked{Actor: string(agent)}
		act := breach.Act{By: officer, ID: cpni.NewID()}
		// The clock is asked in every step of it, so the n-th time is sometimes before, sometimes within and sometimes after one.
		partly := false
		for n := int64(1); n < 9; n++ {
			ctx, cut := context.WithCancel(t.Context())
			var asked atomic.Int64
			parts := o.Incidents.Parts
			parts.Clock = cpni.ClockFunc(func() time.Time {
				if asked.Add(1) == n {
					cut()
				}
				return o.Clock.Now()
			})
			_, err := breach.New(parts).Trace(ctx, id, act, looked, "")
			cut()
			i := must[*breach.Incident](t)(o.Incidents.One(t.Context(), id, officer))
			set := inSet(t, o, id, officer)
			added := 0
			for _, e := range i.All(breach.Reached) {
				added += e.Reach.Added
			}
			if len(set) != i.Set || added != i.Set {
				t.Fatalf("P-52: cut off at %d, %d are in the set, the history says %d, its steps %d", n, len(set), i.Set, added)
			}
			partly = partly || 0 < len(set) && len(set) < customers
			done := slices.ContainsFunc(i.All(breach.Reached), func(e breach.Event) bool { return e.Act == act.ID })
			if err == nil && !done {
				t.Fatalf("P-52: cut off at %d, it says that it is done", n)
			}
			if done && !maps.Equal(set, want) {
				t.Fatalf("P-52: the trace is done and has %d of %d", len(set), len(want))
			}
		}
		if !partly {
			t.Error("no trace was cut off between two steps, so nothing is shown")
		}
		i := must[*breach.Incident](t)(o.Incidents.Trace(t.Context(), id, act, looked, ""))
		if set := inSet(t, o, id, officer); !maps.Equal(set, want) || i.Set != customers {
			t.Errorf("P-43, P-52: %d in the set and %d in the history, of %d", len(set), i.Set, customers)
		}
		if all := i.Traces(); len(all) != 1 || all[0].More || all[0].Found != customers {
			t.Errorf("P-52: the traces are %+v", all)
		}
	})
}
