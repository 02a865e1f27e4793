package registers_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/register"
	"ringfence/internal/store"
)

// Pages neither lose nor repeat a line while new ones come: a register is shown as of the tree with which it was begun, whatever is
// written meanwhile and however old it says it is.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestPagesStandStillWhileLinesCome(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		people := []cpni.ID{w.Customer(t).ID, w.Customer(t).ID, w.Customer(t).ID}
		var want []cpni.ID
		for i := range 23 {
			want = append(want, w.ask(w.order(fmt.Sprint("before ", i), people[i%3], false)).Entry)
		}
		slices.Reverse(want)
		w.signed()

		var all sync.WaitGroup
		stop := make(chan struct{})
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				w.Time.Add(time.Millisecond)
				if _, err := w.Door.Disclose(ctx, w.order(fmt.Sprint("after ", i), people[i%3], false)); err != nil {
					t.Errorf("writing beside: %v", err)
					return
				}
				if err := w.Ledger.Sequence(ctx); err != nil {
					t.Errorf("signing beside: %v", err)
					return
				}
			}
		})
		for _, q := range []register.Query{{Limit: 4}, {Limit: 1}, {Limit: 7, Customer: people[1]}} {
			expected := want
			first, err := w.Registers.Disclosed(ctx, q)
			w.must(err)
			size := first.Size
			var got []cpni.ID
			page := first
			for {
				got = append(got, entries(page.Lines)...)
				if page.Next == (register.Cursor{}) {
					break
				}
				c, ok := register.ReadCursor(page.Next.String())
				if !ok || c != page.Next || c.Size != size {
					t.Fatalf("the cursor %q does not come back, or is of another tree", page.Next)
				}
				q.Before = c
				page, err = w.Registers.Disclosed(ctx, q)
				w.must(err)
			}
			if q.Customer != "" {
				expected = nil
				for i := range want {
					if (len(want)-1-i)%3 == 1 {
						expected = append(expected, want[i])
					}
				}
			}
			old := slices.DeleteFunc(slices.Clone(got), func(id cpni.ID) bool { return !slices.Contains(expected, id) })
			if !slices.Equal(old, expected) {
				t.Errorf("by %d: %d of the %d lines that were there, or in another order (P-41)", q.Limit, len(old), len(expected))
			}
			slices.Sort(got)
			if len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Errorf("by %d: a line stands there twice", q.Limit)
			}
		}
		close(stop)
		all.Wait()
		for _, bad := range []string{"x", "1.2", "1.2.x", "-1.2.3"} {
			if _, ok := register.ReadCursor(bad); ok {
				t.Errorf("%q is a cursor", bad)
			}
		}
	})
}

// Of two nodes that make the register at once each line is made once, and none is missing.
//
// cite: P-41
func TestTwoNodesMakeOneRegister(t *testing.T) {
	each(t, func(w *world) {
		other := w.On(t, w.db)
		ann := w.Customer(t)
		for i := range 40 {
			w.ask(w.order(fmt.Sprint(i), ann.ID, false))
			if i%4 == 0 {
				w.signed()
			}
		}
		w.signed()
		var all sync.WaitGroup
		for _, b := range []*register.Book{w.Registers, other.Registers, w.Registers, other.Registers} {
			all.Go(func() {
				if err := b.CatchUp(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		page, err := other.Registers.Disclosed(t.Context(), register.Query{Limit: 100})
		if err != nil || len(page.Lines) != 40 {
			t.Errorf("%d lines of 40, %v", len(page.Lines), err)
		}
	})
}

// Of a million lines a search reads those that it shows, by an index, and never the whole table: the plan of each search is looked at,
// with the statistics of a million lines.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestAMillionLinesAreSearchedByIndex(t *testing.T) {
	const million, loaded = 1_000_000, 20_000
	each(t, func(w *world) {
		ctx := t.Context()
		w.ask(w.order("CV 1", w.Customer(t).ID, false))
		w.signed()
		if err := w.Registers.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
		w.must(w.db.Tx(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO register_line (seq, entry_id, customer_id, at, recipient, purpose, campaign, named, matter)
				WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1000 + $1)
				SELECT i, 'entry ' || i, 'customer ' || (i % 5000), 1700000000000000 + CAST(i AS BIGINT) * 1000000, CASE i % 20 WHEN 0 THEN 'law-enforcement' WHEN 1 THEN 'designee' ELSE 'partner-' || (i % 7) END,
					CASE i % 3 WHEN 0 THEN 'legal' WHEN 1 THEN 'billing' ELSE 'partner-marketing' END, CASE i % 5 WHEN 0 THEN '' ELSE 'campaign ' || (i % 900) END, 'named ' || (i % 9000), 'matter ' || (i % 8000) FROM n`, loaded); err != nil {
				return err
			}
			statistics := []string{"ANALYZE register_line", "UPDATE pg_class SET reltuples = 1000000 WHERE relname = 'register_line'"}
			if tx.Dialect() == store.SQLite {
				statistics = []string{"ANALYZE register_line", "UPDATE sqlite_stat1 SET stat = '1000000' || substr(stat, instr(stat, ' ')) WHERE tbl = 'register_line'", "ANALYZE sqlite_schema"}
			}
			for _, s := range statistics {
				if _, err := tx.Exec(ctx, s); err != nil {
					return err
				}
			}
			return nil
		}))
		id := cpni.NewID()
		for name, q := range map[string]register.Query{
			"everything": {}, "the time": {From: time.UnixMicro(1700000000000000), To: time.UnixMicro(1700000900000000)}, "the recipient": {Recipient: "law-enforcement"}, "the customer": {Customer: id},
			"the purpose": {Purpose: cpni.Legal}, "the campaign": {Campaign: id}, "the name": {Named: "Tariff Analysts"}, "the number": {Matter: "CV 1"},
			"a later page":                {Before: register.Cursor{Size: million, At: time.UnixMicro(1700000500000000), Seq: 400}},
			"a later page of a recipient": {Recipient: "designee", Before: register.Cursor{Size: million, At: time.UnixMicro(1700000500000000), Seq: 400}},
			"several":                     {Recipient: "law-enforcement", Purpose: cpni.Legal, Customer: id, From: time.UnixMicro(1700000000000000)},
		} {
			plan, err := w.Registers.Plan(ctx, q)
			w.must(err)
			low := strings.ToLower(plan)
			if strings.Contains(low, "seq scan") || strings.Contains(low, "scan register_line\n") || strings.Contains(low, "scan register_line using covering") && !strings.Contains(low, "index register_line_at") || !strings.Contains(low, "index") {
				t.Errorf("%s is searched without an index (P-41):\n%s", name, plan)
			}
			if q.Recipient+string(q.Customer)+string(q.Purpose)+string(q.Campaign)+q.Named+q.Matter != "" && !strings.Contains(low, "search register_line using") && !strings.Contains(low, "index cond") {
				t.Errorf("%s is searched line by line (P-41):\n%s", name, plan)
			}
		}
		// What follows the ledger reads what was given, and not the other records.
		plan, err := w.Registers.FollowPlan(ctx)
		w.must(err)
		if !strings.Contains(plan, "record_outside") {
			t.Errorf("the ledger is followed without the index of what was given (P-41):\n%s", plan)
		}
	})
}
