package retention_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/filing/retention"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// Every kind of record has its floor, and every table with something about customers, or with something sealed, is of a kind or has its
// reason to be of none.
//
// cite: P-54, I-22
func TestEveryTableHasItsTerm(t *testing.T) {
	db := storetest.Open(t, "memory:")
	o := officetest.Open(t, db)
	now := o.Clock.Now()
	exact, begins := map[string]bool{}, []string{}
	for _, k := range retention.Catalogue() {
		term := o.Retention.Term(k, now)
		if !term.Known || len(k.Tables) == 0 || len(k.Cites) == 0 || k.Counts == "" || k.Goes == "" {
			t.Errorf("%s has no floor, no source or no table: %+v (P-54)", k.Name, term)
		}
		if term.Months < term.Floor || term.Most > 0 && term.Most < term.Months {
			t.Errorf("%s is kept for %d months, with a floor of %d and a most of %d (P-54)", k.Name, term.Months, term.Floor, term.Most)
		}
		for _, table := range k.Tables {
			if name, star := strings.CutSuffix(table, "*"); star {
				begins = append(begins, name)
			} else {
				exact[table] = true
			}
		}
	}
	for kind, floor := range map[string]int{"approvals": 12, "notices": 12, "campaigns": 12, "reviews": 12, "disclosures": 12, "incidents": 24} {
		k, _ := retention.Of(kind)
		if got := o.Retention.Term(k, now).Floor; got != floor {
			t.Errorf("the floor of %s is %d months, and the rule's is %d (P-54)", kind, got, floor)
		}
	}
	rows, err := db.Reader().Query(t.Context(), `SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name IN ('customer_id', 'sealed')) ORDER BY m.name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			t.Fatal(err)
		}
		n++
		_, beside := retention.Beside[table]
		kind := exact[table] || slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(table, b) })
		if beside == kind {
			t.Errorf("the table %s is of a kind of record: %v, and beside them: %v (P-54)", table, kind, beside)
		}
	}
	if n < 40 {
		t.Errorf("only %d tables were looked at", n)
	}
}

// What is past its time goes by a plan that one person proposes and another agrees to, exactly as it was shown, also when the node is
// killed on the way; what a hold covers and what is not over stays, the ledger verifies, and what was erased is on record.
//
// cite: P-41, P-54, I-22, 47 CFR 64.2009(c)
func TestAPlanIsCarriedOut(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		ann, ben := w.served(), w.served()
		if p, err := w.Retention.Plan(ctx); err != nil || p.Items() != 0 {
			t.Fatalf("on the first day %d things go, %v", p.Items(), err)
		}
		if _, err := w.ProposeErasure(ctx, "", w.compliance); code(err) != "NOT_FOUND" {
			t.Errorf("nothing is over: %v", err)
		}
		w.later(25)
		if _, err := w.Retention.Place(ctx, "", w.agent, retention.Scope{Customer: ben.ID}, "A suit", "Counsel asks."); code(err) != "ROLE" {
			t.Errorf("an agent places a hold: %v (P-37)", err)
		}
		hold, err := w.Retention.Place(ctx, "", w.compliance, retention.Scope{Customer: ben.ID}, "A suit", "Counsel asks.")
		w.must(err)
		recent := w.served()
		w.must(w.Ledger.Sequence(ctx))
		plan, err := w.Retention.Plan(ctx)
		w.must(err)
		var goes []string
		for _, l := range plan.Lines {
			if l.Goes > 0 {
				goes = append(goes, l.Kind)
			}
			if (l.Kind == "contacts" || l.Kind == "attempts" || l.Kind == "decisions") && (l.Goes == 0 || l.Held != l.Goes || l.There <= int64(l.Goes+l.Held)) {
				t.Errorf("of the %s %d go and %d are held, of %d (P-54)", l.Kind, l.Goes, l.Held, l.There)
			}
		}
		if want := []string{"attempts", "bills", "call-detail", "contacts", "decisions"}; !slices.Contains(goes, "call-detail") || !slices.Contains(goes, "attempts") {
			t.Errorf("there go %v, want some of %v", goes, want)
		}
		if _, err := w.ProposeErasure(ctx, "", w.agent); code(err) != "ROLE" {
			t.Errorf("an agent proposes: %v (P-37)", err)
		}
		p, err := w.ProposeErasure(ctx, "", w.compliance)
		w.must(err)
		if again, err := w.ProposeErasure(ctx, p.ID, w.compliance); err != nil || again.Hash != p.Hash {
			t.Errorf("proposed twice: %+v, %v (I-11)", again, err)
		}
		if _, err := w.Proposals.Agree(ctx, p.ID, p.Hash, w.compliance); code(err) != "SAME_PERSON" {
			t.Errorf("alone: %v (I-22)", err)
		}
		before := w.count("SELECT count(*) FROM record WHERE customer_id = $1", string(ann.ID))
		done, err := w.Proposals.Agree(ctx, p.ID, p.Hash, w.officer)
		w.must(err)
		if done.State != countersign.Working || w.count("SELECT count(*) FROM record WHERE customer_id = $1", string(ann.ID)) != before {
			t.Fatalf("agreed to, and %s before it is carried out", done.State)
		}
		// A node begins, and is killed after a piece; another goes on.
		a := act(t, done)
		killed, kill := context.WithCancel(ctx)
		if err := w.Retention.Carry(killed, a, kill); err == nil {
			t.Error("the node was not killed")
		}
		if got, err := w.Retention.Done(ctx, a.Plan); err != nil || got.State != retention.Running || got.Erased() == 0 || got.Erased() >= a.Items {
			t.Errorf("killed after a piece: %+v, %v", got, err)
		}
		w.Office = w.On(t, w.db)
		w.must(w.Proposals.Work(ctx))
		w.must(w.Retention.Carry(ctx, a, func() {})) // once more does nothing twice
		all, err := w.Retention.Erasures(ctx, "")
		w.must(err)
		if len(all) != 1 || all[0].State != retention.Done || all[0].Erased() != a.Items || all[0].Hash != plan.Hash {
			t.Fatalf("what was erased: %+v (P-41)", all)
		}
		if p, err = w.Proposals.Get(ctx, p.ID); err != nil || p.State != countersign.Done {
			t.Errorf("the proposal is %s, %v", p.State, err)
		}
		for _, q := range []string{"SELECT count(*) FROM contact WHERE customer_id = $1", "SELECT count(*) FROM record WHERE kind IN ('attempt', 'decision') AND customer_id = $1", "SELECT count(*) FROM call_segment WHERE customer_id = $1"} {
			if n := w.count(q, string(ann.ID)); n != 0 {
				t.Errorf("%d left: %s", n, q)
			}
			for _, stays := range []*customer.Profile{ben, recent} {
				if n := w.count(q, string(stays.ID)); n == 0 && !(stays == recent && strings.Contains(q, "call_segment")) {
					t.Errorf("none left of who stays: %s (I-22)", q)
				}
			}
		}
		if n := w.count("SELECT count(*) FROM retention_item"); n != 0 {
			t.Errorf("the list is still there: %d", n)
		}
		w.verifies(before - w.count("SELECT count(*) FROM record WHERE customer_id = $1", string(ann.ID)))

		// A hold that comes between keeps its customer's things from an agreed plan, and ends the proposal of one that is not.
		if _, err := w.Retention.Lift(ctx, hold.ID, w.compliance, "over"); code(err) != "SAME_PERSON" {
			t.Errorf("who placed it lifts it: %v (I-22)", err)
		}
		_, err = w.Retention.Lift(ctx, hold.ID, w.officer, "The suit is settled.")
		w.must(err)
		p, err = w.ProposeErasure(ctx, "", w.compliance)
		w.must(err)
		hold, err = w.Retention.Place(ctx, "", w.compliance, retention.Scope{Kind: "attempts", Until: w.Clock.Now()}, "Another", "An inquiry.")
		w.must(err)
		if _, err := w.Proposals.Agree(ctx, p.ID, p.Hash, w.officer); code(err) != "RETENTION" {
			t.Errorf("a hold came between: %v (I-22)", err)
		}
		p, err = w.ProposeErasure(ctx, "", w.compliance)
		w.must(err)
		_, err = w.Proposals.Agree(ctx, p.ID, p.Hash, w.officer)
		w.must(err)
		w.must(w.Proposals.Work(ctx))
		if n := w.count("SELECT count(*) FROM record WHERE kind = 'attempt' AND customer_id = $1", string(ben.ID)); n == 0 {
			t.Error("what is held has gone (I-22)")
		}
		if n := w.count("SELECT count(*) FROM contact WHERE customer_id = $1", string(ben.ID)); n != 0 {
			t.Error("what is not held has stayed")
		}
		if all, err := w.Retention.Holds(ctx); err != nil || len(all) != 2 || all[0].ID != hold.ID || all[1].Why != "The suit is settled." {
			t.Errorf("holds: %+v, %v", all, err)
		}
	})
}

// A customer's key is not destroyed while something of theirs must be kept, by whatever way; when nothing must be, an ended customer is in
// the plan by themselves.
//
// cite: P-37, P-54, I-21, I-22, 47 CFR 64.2009(c)
func TestAKeyIsKeptAsLongAsItMust(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		ann, free := w.given(), w.served()
		_, err := w.ProposeForget(ctx, "", ann.ID, w.compliance)
		if code(err) != "RETENTION" || !strings.Contains(err.Error(), "2028-11-24") || strings.Contains(err.Error(), ann.Name) {
			t.Errorf("somebody whose calls went to a court: %v (P-54)", err)
		}
		for how, forget := range map[string]func() error{
			"break-glass": func() error { return w.Customers.ForgetAlone(ctx, ann.ID, "command") },
			"a story":     func() error { return w.Forget(ctx, ann.ID, "test") },
		} {
			if err := forget(); code(err) != "RETENTION" {
				t.Errorf("%s: %v (I-22)", how, err)
			}
		}
		// Agreed to, and then something comes between.
		p, err := w.ProposeForget(ctx, "", free.ID, w.compliance)
		w.must(err)
		hold, err := w.Retention.Place(ctx, "", w.officer, retention.Scope{}, "Everything", "An inquiry.")
		w.must(err)
		if _, err := w.Proposals.Agree(ctx, p.ID, p.Hash, w.officer); code(err) != "RETENTION" {
			t.Errorf("everything is held: %v (I-22)", err)
		}
		_, err = w.Retention.Lift(ctx, hold.ID, w.compliance, "It is over.")
		w.must(err)
		w.must(w.Forget(ctx, free.ID, "test"))

		back := w.Customer(t)
		for _, of := range []cpni.ID{ann.ID, back.ID} {
			w.must(w.Contacts.EndService(ctx, of, "test"))
		}
		w.later(12)
		if p, err := w.Retention.Plan(ctx, "customers"); err != nil || p.Items() != 0 {
			t.Errorf("after a year: %d, %v (I-22)", p.Items(), err)
		}
		w.must(w.Due(ctx))
		w.later(25)
		w.must(w.Ledger.Sequence(ctx))
		plan, err := w.Retention.Plan(ctx, "customers")
		w.must(err)
		if plan.Items() != 2 || plan.Late() != 2 {
			t.Fatalf("after three years %d customers go, %d of them late (P-54)", plan.Items(), plan.Late())
		}
		alerts := func() int {
			w.must(w.Due(ctx))
			return w.count("SELECT count(*) FROM record WHERE kind = 'alert' AND code = $1", string(retention.Over))
		}
		if first, again := alerts(), alerts(); first != 1 || again != 1 {
			t.Error("it is not told once in the month that somebody is older than they should be")
		}
		if _, _, err := w.Customers.Get(ctx, ann.ID); err != nil {
			t.Fatalf("the job has forgotten somebody: %v (I-22)", err)
		}
		p, err = w.ProposeErasure(ctx, "", w.compliance, "customers")
		w.must(err)
		_, err = w.Proposals.Agree(ctx, p.ID, p.Hash, w.officer)
		w.must(err)
		w.must(w.Contacts.RestartService(ctx, back.ID, "test"))
		w.must(w.Proposals.Work(ctx))
		if _, _, err := w.Customers.Get(ctx, back.ID); err != nil {
			t.Errorf("whose service has begun again after it was agreed is forgotten: %v (I-22)", err)
		}
		if _, _, err := w.Customers.Get(ctx, ann.ID); !errors.Is(err, customer.ErrNoCustomer) {
			t.Errorf("not forgotten: %v", err)
		}
		w.verifies(0)
	})
}

// A node that is killed before the list outside is written takes it up when it starts; nobody else can write into the list.
//
// cite: I-21
func TestTheListOutsideIsTheCarriersOwn(t *testing.T) {
	db := storetest.Open(t, "memory:")
	path := t.TempDir() + "/checkpoint"
	w := of(t, db, officetest.OpenOutside(t, db, path))
	w.must(w.Forget(t.Context(), w.served().ID, "test"))
	w.must(os.Remove(path + ".forgotten"))
	w.Office = w.On(t, db)
	text, err := os.ReadFile(path + ".forgotten")
	if err != nil || strings.Count(string(text), "\n") != 2 {
		t.Fatalf("the list: %s, %v (I-21)", text, err)
	}
	ann := w.served()
	forged := strings.Replace(string(text), strings.Fields(strings.Split(string(text), "\n")[1])[1], string(ann.ID), 1)
	w.must(os.WriteFile(path+".forgotten", []byte(forged), fs.FileMode(0o600)))
	if _, err := w.TryOn(t, db); !errors.Is(err, retention.ErrList) {
		t.Errorf("a forged list: %v (I-21)", err)
	}
	if _, _, err := w.Customers.Get(t.Context(), ann.ID); err != nil {
		t.Errorf("a forged list has forgotten somebody: %v (I-22)", err)
	}
}

func act(t *testing.T, p *countersign.Proposal) (a retention.Act) {
	t.Helper()
	if err := json.Unmarshal(p.Act, &a); err != nil {
		t.Fatal(err)
	}
	return a
}
