package audience_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func (h *house) question(purpose cpni.Purpose, to string, offered ...cpni.Category) audience.Question {
	q := audience.Question{Caller: h.caller, Purpose: purpose, Data: []cpni.DataClass{cpni.Usage}, To: to, Via: cpni.Screen}
	if len(offered) > 0 {
		q.Offer = &rules.Offer{Categories: offered}
	}
	return q
}

func gathered(t *testing.T, a audience.Audience, q audience.Question) []cpni.ID {
	t.Helper()
	var all []cpni.ID
	if err := a.Each(t.Context(), q, "", func(id cpni.ID) error { all = append(all, id); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func counted(t *testing.T, a audience.Audience, q audience.Question) audience.Counts {
	t.Helper()
	c, err := a.Count(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func same(a, b audience.Counts) bool {
	return a.Customers == b.Customers && a.Outside == b.Outside && a.Included == b.Included && maps.Equal(a.Excluded, b.Excluded)
}

// agree fails unless both nodes find by sets what the door finds one by one, and go on from wherever they are told to.
func (h *house) agree(q audience.Question, what string) {
	h.t.Helper()
	want, members := counted(h.t, h.plain, q), gathered(h.t, h.plain, q)
	if sum := want.Outside + want.Included; sum > want.Customers || want.Included != len(members) {
		h.t.Fatalf("%s: %+v with %d members", what, want, len(members))
	}
	for i, n := range []*node{h.node, h.other} {
		if got := counted(h.t, n.Audience, q); !same(got, want) {
			h.t.Fatalf("%s: node %d counts %+v, one by one it is %+v (I-19)", what, i, got, want)
		}
		if got := gathered(h.t, n.Audience, q); !slices.Equal(got, members) {
			h.t.Fatalf("%s: node %d has %d members, one by one there are %d (I-19)", what, i, len(got), len(members))
		}
	}
	if len(members) > 1 {
		half := members[len(members)/2]
		var rest []cpni.ID
		if err := h.Audience.Each(h.t.Context(), q, half, func(id cpni.ID) error { rest = append(rest, id); return nil }); err != nil || !slices.Equal(rest, members[len(members)/2+1:]) {
			h.t.Fatalf("%s: from behind the middle there are %d, %v", what, len(rest), err)
		}
	}
}

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

// change does something that changes a customer, in one of the ways in which that happens.
func (h *house) change(r *rand.Rand, all []cpni.ID) []cpni.ID {
	t := h.t
	now := h.Time.Now()
	ago := func() time.Time {
		return now.AddDate(0, -r.IntN(30), -r.IntN(3)).Add(-time.Duration(r.IntN(5)) * time.Hour)
	}
	scopes := []string{"own-marketing", "own-marketing", "other-marketing", "partner:acme", "partner:cousin", "everything", "data:usage", "location:own-marketing"}
	approvals := func() (out []customer.Approval) {
		for range r.IntN(4) {
			a := customer.Approval{Scope: pick(r, scopes), State: pick(r, []cpni.ApprovalState{cpni.Waiting, cpni.OptOutOK, cpni.OptInOK, cpni.Denied}), Since: ago()}
			if a.State != cpni.Denied {
				a.NoticeAt = a.Since
				a.Matures = a.Since.AddDate(0, 0, 33)
			}
			out = append(out, a)
		}
		return out
	}
	places := []string{"1 Main St, Springfield, VA 22150", "2 Oak Ave, Bethesda, MD 20814", "3 Elm St, Arlington, VA 22201"}
	must := func(err error) {
		t.Helper()
		var refusal *cpni.Refusal
		if err != nil && !errors.As(err, &refusal) && !errors.Is(err, customer.ErrNoCustomer) {
			t.Fatal(err)
		}
	}
	update := func(id cpni.ID, do func(p *customer.Profile)) {
		t.Helper()
		_, err := h.Customers.Update(t.Context(), id, func(p *customer.Profile) (customer.Change, error) {
			do(p)
			return customer.Change{Actor: "test", What: "changed", Affirmative: true}, nil
		})
		must(err)
	}
	kind := r.IntN(12)
	if len(all) == 0 || kind < 3 {
		p := h.Customer(func(p *customer.Profile) {
			p.Approvals = approvals()
			p.Since = ago().AddDate(-1, 0, 0)
			p.Lines[0].Categories = [][]cpni.Category{{cpni.Local}, {cpni.Wireless}, {cpni.Local, cpni.LongDistance}, nil}[r.IntN(4)]
			p.Postal[0].Value = pick(r, places)
		})
		return append(all, p.ID)
	}
	i := r.IntN(len(all))
	id := all[i]
	switch kind {
	case 3:
		must(h.other.Approvals.Object(t.Context(), id, pick(r, append(scopes, "")), "portal", "customer", h.Time.Now()))
	case 4:
		update(id, func(p *customer.Profile) { p.Approvals = approvals() })
	case 5:
		update(id, func(p *customer.Profile) { p.Ended = now.Add(-time.Duration(r.IntN(48)) * time.Hour) })
	case 6:
		update(id, func(p *customer.Profile) { p.Ended = time.Time{} })
	case 7:
		update(id, func(p *customer.Profile) {
			for n := range p.Lines {
				p.Lines[n].Removed = now
			}
		})
	case 8:
		update(id, func(p *customer.Profile) {
			p.Postal = append(p.Postal, customer.Address{Value: pick(r, places), Since: now})
			p.Business = &customer.Business{DedicatedRepresentative: "x", ContractCoversCPNI: r.IntN(2) == 0}
		})
	case 9:
		if r.IntN(3) == 0 {
			must(h.Customers.Forget(t.Context(), id, "test"))
			return slices.Delete(all, i, i+1)
		}
	case 10:
		_, err := h.Ledger.Commit(t.Context(), func(tx *store.Tx) ([]ledger.Entry, error) {
			_, entries, err := h.Approvals.Give(t.Context(), tx, id, approval.Given{Notice: cpni.NewID(), Kind: approval.OptOut, Via: "email", At: now, Scopes: []string{"own-marketing"}, By: "test"})
			return entries, err
		})
		must(err)
	case 11:
		h.Time.Add(time.Duration(r.IntN(40*24)) * time.Hour)
	}
	return all
}

// Whatever changes customers, on whichever node, every node finds the audience that single decisions give, with the same reasons.
//
// cite: I-19, I-02, P-36, P-40, 47 CFR 64.2009(a)
func TestEveryNodeFollowsEveryChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		seed := time.Now().UnixNano()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		for _, p := range []partner.Partner{{ID: "acme", Class: cpni.JointVenture}, {ID: "cousin", Class: cpni.AffiliateComm, ServesAll: true}, {ID: "helpers", Class: cpni.Agent}} {
			p.Agreement = &partner.Agreement{Until: h.Time.Now().AddDate(9, 0, 0), DestroyBy: h.Time.Now().AddDate(9, 0, 0)}
			if err := h.Partners.Put(t.Context(), "test", p); err != nil {
				t.Fatal(err)
			}
		}
		var all []cpni.ID
		for round := range 12 {
			for range 6 {
				all = h.change(r, all)
			}
			if round == 4 || round == 8 {
				if _, err := h.other.Audience.Build(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			if round == 6 {
				serves := partner.Partner{ID: "cousin", Class: cpni.AffiliateComm, Serves: all[:len(all)/2], Agreement: &partner.Agreement{Until: h.Time.Now().AddDate(9, 0, 0), DestroyBy: h.Time.Now().AddDate(9, 0, 0)}}
				if err := h.Partners.Put(t.Context(), "test", serves); err != nil {
					t.Fatal(err)
				}
			}
			for i, q := range []audience.Question{
				h.question(cpni.OwnMarketing, "", cpni.Broadband), h.question(cpni.OwnMarketing, "cousin", cpni.LongDistance), h.question(cpni.OtherMarketing, "carrier", cpni.OtherProduct),
				h.question(cpni.PartnerMarketing, "acme"), h.question(cpni.OwnMarketing, "helpers", cpni.Wireless), h.question(cpni.OwnMarketing, "nobody-known"),
			} {
				if i%2 == round%2 {
					q.Filter = audience.Filter{Has: []cpni.Category{cpni.Local}, States: []string{"VA"}, Zips: []string{"221", "22201"}}
				}
				if i == 0 && round%3 == 0 {
					q.Filter.Usage = &audience.Usage{Month: 202610, Calls: 1, Minutes: 1}
				}
				if i == 2 {
					q.Data = append(q.Data, cpni.Location)
				}
				h.agree(q, fmt.Sprintf("round %d, question %d", round, i))
			}
		}
		for _, n := range []*node{h.node, h.other} {
			if found, err := n.Audience.Check(t.Context(), nil); err != nil || !found.Compared || found.Differ+found.Misfiled != 0 || found.Customers != len(all) {
				t.Errorf("%+v of %d customers, %v", found, len(all), err)
			}
		}
	})
}

// A transaction that began early and ends late is not missed, although others have begun after it and ended before it was looked for.
//
// cite: I-02, I-19
func TestWhoEndsLateIsNotMissed(t *testing.T) {
	t.Run("postgres", func(t *testing.T) {
		h := open(t, storetest.Open(t, storetest.Postgres(t)))
		yes := customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: start.AddDate(0, -1, 0)}
		var all []*customer.Profile
		for range 3 {
			all = append(all, h.Customer(func(p *customer.Profile) { p.Approvals = []customer.Approval{yes} }))
		}
		q := h.question(cpni.OwnMarketing, "carrier", cpni.Broadband)
		if c := counted(t, h.other.Audience, q); c.Included != 3 {
			t.Fatalf("%+v", c)
		}
		objects := func(tx *store.Tx, id cpni.ID) error {
			_, _, err := h.Customers.UpdateTx(t.Context(), tx, id, func(p *customer.Profile) (customer.Change, error) {
				p.Approvals = []customer.Approval{{Scope: "own-marketing", State: cpni.Denied, Since: h.Time.Now()}}
				return customer.Change{Actor: "test", What: "objection"}, nil
			})
			return err
		}
		began, resume, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		var once sync.Once
		go func() {
			ended <- h.DB.Tx(context.Background(), func(tx *store.Tx) error {
				if err := objects(tx, all[0].ID); err != nil {
					return err
				}
				once.Do(func() { close(began) })
				<-resume
				return nil
			})
		}()
		<-began
		if err := h.DB.Tx(t.Context(), func(tx *store.Tx) error { return objects(tx, all[1].ID) }); err != nil {
			t.Fatal(err)
		}
		for range 3 { // the one who ended is seen, and asked again and again
			if c := counted(t, h.other.Audience, q); c.Included != 2 || c.Excluded["DENIED"] != 1 {
				t.Fatalf("while one has not ended: %+v", c)
			}
		}
		close(resume)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		for _, n := range []*node{h.other, h.node} {
			if c := counted(t, n.Audience, q); c.Included != 1 || c.Excluded["DENIED"] != 2 {
				t.Errorf("after it has ended: %+v (I-02)", c)
			}
		}
	})
}

// A node begins with what is kept, also where parts of it are gone because somebody was forgotten; of them nothing is left, neither in mind nor in
// the database.
//
// cite: I-19, I-21, P-37
func TestWhatIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		yes := customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: start.AddDate(0, -1, 0)}
		var all []*customer.Profile
		for range 9 {
			all = append(all, h.Customer(func(p *customer.Profile) { p.Approvals = []customer.Approval{yes} }))
		}
		count := func(query string) (n int) {
			t.Helper()
			if err := db.Reader().QueryRow(t.Context(), query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		q := h.question(cpni.OwnMarketing, "carrier", cpni.Broadband)
		if c := counted(t, h.Audience, q); c.Included != 9 || !h.Audience.Loaded() || h.other.Audience.Loaded() {
			t.Fatalf("%+v", c)
		}
		built, err := h.Audience.Build(t.Context(), nil)
		if err != nil || built.Customers != 9 || built.Parts != 1 || !built.Compared || built.Differ+built.Misfiled != 0 || built.Bytes == 0 {
			t.Fatalf("%+v, %v", built, err)
		}
		keys := count("SELECT count(*) FROM customer_key")
		if n := count("SELECT count(*) FROM customer_changed"); n > 1 {
			t.Errorf("%d traces of what is kept are left", n)
		}
		late := h.Customer(func(p *customer.Profile) { p.Approvals = []customer.Approval{yes} })
		if err := h.Approvals.Object(t.Context(), all[1].ID, "", "portal", "customer", h.Time.Now()); err != nil {
			t.Fatal(err)
		}
		if from, err := h.other.Audience.LoadNow(t.Context()); err != nil || from == "" {
			t.Fatalf("the other node began with nothing, %v", err)
		}
		h.agree(q, "begun from what is kept")
		if err := h.Customers.Forget(t.Context(), all[4].ID, "test"); err != nil {
			t.Fatal(err)
		}
		if h.Audience.Holds(all[4].ID) {
			t.Error("the node where they were forgotten still has them in mind (I-21)")
		}
		if n := count("SELECT count(*) FROM audience_part"); n != 0 {
			t.Errorf("%d parts with somebody who is forgotten are kept (I-21)", n)
		}
		if n := count("SELECT count(*) FROM customer_key"); n != keys-1 { // one has come, and the part's and the customer's are gone
			t.Errorf("%d keys, want %d (I-21)", n, keys-1)
		}
		if _, err := h.other.Audience.LoadNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.agree(q, "begun where a part is gone")
		if h.other.Audience.Holds(all[4].ID) || !h.other.Audience.Holds(late.ID) {
			t.Error("the node that began anew has the wrong customers in mind")
		}

		// Once a day one node reads everybody anew; a node that has not listened since begins anew.
		h.Time.Add(24 * time.Hour)
		if err := h.Approvals.Object(t.Context(), all[2].ID, "", "portal", "customer", h.Time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*node{h.node, h.other, h.node} {
			if err := n.Audience.Nightly(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := count("SELECT count(DISTINCT build_id) FROM audience_part"); n != 1 {
			t.Errorf("%d are kept", n)
		}
		h.agree(q, "after the night")
		if n := count("SELECT count(*) FROM record WHERE kind = 'alert' AND code = 'AUDIENCE_DIFFERS'"); n != 0 {
			t.Errorf("%d alerts about nothing", n)
		}
	})
}

// An index that says something else than the customers' records is found, is an alert on record, and is begun anew.
//
// cite: I-19
func TestIndexThatDiffersIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		yes := customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: start.AddDate(0, -1, 0)}
		var all []*customer.Profile
		for range 6 {
			all = append(all, h.Customer(func(p *customer.Profile) { p.Approvals = []customer.Approval{yes} }))
		}
		q := h.question(cpni.OwnMarketing, "carrier", cpni.Broadband)
		alerts := 0
		for name, plant := range map[string]func(){
			"a wrong set": func() { h.Audience.Lose("own-marketing", all[0].ID) },
			"a record of before": func() {
				if err := h.Audience.Mistake(all[1].ID); err != nil {
					t.Fatal(err)
				}
			},
			"a trace that is lost": func() {
				if err := h.Approvals.Object(t.Context(), all[2].ID, "", "portal", "customer", h.Time.Now()); err != nil {
					t.Fatal(err)
				}
				h.Customer(func(p *customer.Profile) { p.Approvals = []customer.Approval{yes} })
				if err := db.Tx(t.Context(), func(tx *store.Tx) error {
					_, err := tx.Exec(t.Context(), "DELETE FROM customer_changed WHERE customer_id = $1", string(all[2].ID))
					return err
				}); err != nil {
					t.Fatal(err)
				}
			},
		} {
			h.agree(q, "before "+name)
			plant()
			if members := gathered(t, h.Audience, q); slices.Contains(members, all[2].ID) != (name != "a trace that is lost" && slices.Contains(gathered(t, h.plain, q), all[2].ID)) {
				t.Errorf("%s: somebody who objected is told of (I-02)", name)
			}
			found, err := h.Audience.Check(t.Context(), nil)
			if err != nil || found.Differ+found.Misfiled != 1 {
				t.Errorf("%s: %+v, %v (I-19)", name, found, err)
			}
			if built, err := h.Audience.Build(t.Context(), nil); err != nil || built.Differ+built.Misfiled != 1 {
				t.Errorf("%s: %+v, %v (I-19)", name, built, err)
			}
			if _, err := h.other.Audience.LoadNow(t.Context()); err != nil {
				t.Fatal(err)
			}
			alerts++
			var n int
			if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM record WHERE kind = 'alert' AND code = 'AUDIENCE_DIFFERS'").Scan(&n); err != nil || n != alerts {
				t.Errorf("%s: %d alerts, want %d: %v", name, n, alerts, err)
			}
			h.agree(q, "after "+name)
		}
	})
}

// Whoever objects while an audience is told is not told of, unless their portion was; and who collects it hears of them again.
//
// cite: P-11, P-12, I-02, I-19, 47 CFR 64.2007(a)(2), 47 CFR 64.2009(a)
func TestWhoObjectsMeanwhileIsNotTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		h.Audience.SetPortion(4)
		yes := customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: start.AddDate(0, -1, 0)}
		for range 20 {
			h.Customer(func(p *customer.Profile) { p.Approvals = []customer.Approval{yes} })
		}
		q := h.question(cpni.OwnMarketing, "carrier", cpni.Broadband)
		all := gathered(t, h.Audience, q)
		if len(all) != 20 {
			t.Fatalf("%d are in it", len(all))
		}
		var told []cpni.ID
		object := func(id cpni.ID) {
			t.Helper()
			if err := h.other.Approvals.Object(t.Context(), id, "", "portal", "customer", h.Time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		err := h.Audience.Each(t.Context(), q, "", func(id cpni.ID) error {
			if told = append(told, id); len(told) == 4 {
				object(all[0]) // told already
				object(all[5])
				object(all[19])
			}
			return nil
		})
		if err != nil || len(told) != 18 || slices.Contains(told, all[5]) || slices.Contains(told, all[19]) {
			t.Errorf("%d were told, %v (I-02)", len(told), err)
		}
		in := map[cpni.ID]bool{}
		heard := 0
		err = h.Audience.Gather(t.Context(), q, func(id cpni.ID, is bool) error {
			in[id] = is
			if heard++; heard == 6 {
				object(all[1])
				object(all[2])
				object(all[12])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range all {
			if want := slices.Contains(gathered(t, h.plain, q), id); in[id] != want {
				t.Errorf("in the audience %v, want %v (I-02)", in[id], want)
			}
		}
		if still, err := h.Audience.Still(t.Context(), q, all); err != nil || len(still) != 14 {
			t.Errorf("%d of %d are in it still, %v", len(still), len(all), err)
		}
		stop := errors.New("enough")
		if err := h.Audience.Each(t.Context(), q, "", func(cpni.ID) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("it ended with %v", err)
		}
	})
}

// Where a carrier's own rules look at where something would be sent, only the door finds that out: the audience is that of single decisions all
// the same.
//
// cite: I-19
func TestRulesThatLookAtTheAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		yes := customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: start.AddDate(0, -1, 0)}
		for i := range 6 {
			h.Customer(func(p *customer.Profile) {
				if p.Approvals = []customer.Approval{yes}; i%2 == 0 {
					p.Email[0].Since = h.Time.Now().AddDate(0, 0, -2)
				}
			})
		}
		q := h.question(cpni.OwnMarketing, "carrier", cpni.Broadband)
		q.Via = cpni.Email
		h.agree(q, "without such a rule")
		if c := counted(t, h.Audience, q); c.Included != 6 {
			t.Errorf("%+v", c)
		}
		if err := h.Policy.Publish(t.Context(), "addresses", []byte(`@id("offers-to-record")
@clause("P-21")
@cite("47 CFR 64.2003(b)")
@code("NOT_AOR")
@says("Offers go to addresses of record.")
forbid (principal, action in Action::"marketing", resource)
when { context.via == "email" }
unless { context.destination.ofRecord };`), "test"); err != nil {
			t.Fatal(err)
		}
		if err := h.other.Policy.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.agree(q, "with such a rule")
		if c := counted(t, h.Audience, q); c.Included != 3 || c.Excluded["NOT_AOR"] != 3 {
			t.Errorf("%+v", c)
		}
	})
}

// What nobody can mean is refused, and a customer whose record cannot be opened is in no audience.
//
// cite: P-40, P-41, I-19
func TestStrangeQuestionsAndRecords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		yes := customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: start.AddDate(0, -1, 0)}
		bad := h.Customer(func(p *customer.Profile) { p.Approvals = []customer.Approval{yes} })
		good := h.Customer(func(p *customer.Profile) { p.Approvals = []customer.Approval{yes} })
		q := h.question(cpni.OwnMarketing, "carrier", cpni.Broadband)
		strange := q
		strange.Filter.Least = -1
		for _, a := range []audience.Audience{h.plain, h.Audience} {
			if _, err := a.Count(t.Context(), strange); err == nil {
				t.Error("a strange filter was taken")
			}
			if err := a.Each(t.Context(), strange, "", func(cpni.ID) error { return nil }); err == nil {
				t.Error("a strange filter was taken")
			}
		}
		if err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE customer SET version = version + 1, sealed = $1 WHERE customer_id = $2", []byte("damaged"), string(bad.ID))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		h.Customers.Drop(bad.ID)
		h.other.Customers.Drop(bad.ID)
		h.agree(q, "with a damaged record")
		if c := counted(t, h.Audience, q); c.Included != 1 || c.Excluded["AUDIT_DOWN"] != 1 {
			t.Errorf("%+v", c)
		}
		if got := gathered(t, h.Audience, q); !slices.Equal(got, []cpni.ID{good.ID}) {
			t.Errorf("%d are in it", len(got))
		}
	})
}

// Whose number another carrier has asked for is in no audience of what would keep them, on whichever node it is asked for, and neither when
// the port is over.
//
// cite: P-33, V104, I-19, 47 USC 222(b)
func TestWhoseNumberIsPorted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := open(t, db)
		agreed := func(p *customer.Profile) {
			p.Approvals = []customer.Approval{{Scope: "own-marketing", State: cpni.OptInOK, Since: start.AddDate(0, -1, 0)}}
		}
		ann, ben := h.Customer(agreed), h.Customer(agreed)
		q := audience.Question{Caller: h.caller, Purpose: cpni.OwnMarketing, Data: []cpni.DataClass{cpni.Service}, Offer: &rules.Offer{Categories: []cpni.Category{cpni.Broadband}}}
		look := func(when string, want ...cpni.ID) {
			t.Helper()
			for name, n := range map[string]*node{"here": h.node, "there": h.other} {
				found, err := n.Audience.Count(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				plain, err := h.plain.Count(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				var all []cpni.ID
				if err := n.Audience.Each(t.Context(), q, "", func(id cpni.ID) error {
					all = append(all, id)
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				slices.Sort(all)
				slices.Sort(want)
				if found.Included != len(want) || !maps.Equal(found.Excluded, plain.Excluded) || found.Included != plain.Included || !slices.Equal(all, want) {
					t.Errorf("%s, %s: %+v, one by one %+v, in it are %v (P-33)", when, name, found, plain, all)
				}
			}
		}
		look("before", ann.ID, ben.ID)
		change := func(do func(*customer.Profile)) {
			if _, err := h.Customers.Update(t.Context(), ben.ID, func(p *customer.Profile) (customer.Change, error) {
				do(p)
				return customer.Change{Actor: "test", What: "port"}, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		change(func(p *customer.Profile) { p.PortBegins("port", ben.Lines[0].Number, start) })
		look("while it runs", ann.ID)
		change(func(p *customer.Profile) { p.PortEnds("port", start) })
		look("when it is over", ann.ID)
	})
}
