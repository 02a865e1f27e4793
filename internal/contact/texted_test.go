package contact

import (
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A STOP from a number keeps texts from that line and no other, once; any other text is on record, and a number of nobody
// leaves nothing.
//
// cite: P-25, 47 CFR 64.1200(a)(10)
func TestTexted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		lines := []customer.Line{{Number: "+12025550101", Categories: []cpni.Category{cpni.Wireless}, Since: start.AddDate(-1, 0, 0)}, {Number: "+12025550102", Categories: []cpni.Category{cpni.Wireless}, Since: start.AddDate(-1, 0, 0)}}
		id, err := w.book.Create(w.ctx, customer.Profile{Name: "Ann Archer", Since: start.AddDate(-1, 0, 0), Lines: lines}, "test")
		if err != nil {
			t.Fatal(err)
		}
		count := func(kind ledger.Kind) int {
			rows, err := w.ledger.Records(w.ctx, id, ledger.Filter{Kind: kind, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			return len(rows)
		}
		changes := count(ledger.Change)
		for _, from := range []string{"+12025550101", "2025550101", "+12025550199", "nobody"} {
			if err := w.Texted(w.ctx, from, "", "STOP", true, start); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(ledger.Change); n != changes+1 {
			t.Errorf("%d changes are on record", n-changes)
		}
		p, _, err := w.book.Get(w.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if got := []cpni.Via{spokenOrText(p.Lines[0]), spokenOrText(p.Lines[1])}; got[0] != cpni.Voice || got[1] != cpni.Text {
			t.Errorf("the lines are reached by %v", got)
		}
		if err := w.Texted(w.ctx, "+12025550102", "", "who is this?", false, start); err != nil {
			t.Fatal(err)
		}
		if n := count(ledger.Message); n != 1 {
			t.Errorf("%d texts are on record", n)
		}
	})
}

// Who answers the text that told of a change that it was not them freezes the change, and no other answer does.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func TestNotMeByText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		who := w.ann()
		who.Lines[0].Categories = []cpni.Category{cpni.Wireless}
		id := w.create(who)
		number := who.Lines[0].Number
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.verified(id), PIN: "604913"}); err != nil {
			t.Fatal(err)
		}
		say := func(words string) customer.Changed {
			t.Helper()
			if err := w.Texted(w.ctx, number, "", words, false, start); err != nil {
				t.Fatal(err)
			}
			return w.newest(id)
		}
		if c := say("Not me!"); !c.Disputed.IsZero() {
			t.Error("a change was frozen of which no text had told yet")
		}
		if err := db.Tx(w.ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(w.ctx, "UPDATE message SET state = 'sent' WHERE via = 'text'")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if c := say("Thanks, it was me"); !c.Disputed.IsZero() {
			t.Error("another answer froze the change")
		}
		if c := say("¡No fui yo!"); c.Disputed.IsZero() || c.How != ByText {
			t.Errorf("the change is %+v", c)
		}
		say("NOT ME") // said again, it is no error
	})
}
