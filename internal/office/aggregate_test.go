package office_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/aggregate"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// dwellers adds customers at an address, each with minutes in October.
func dwellers(t testing.TB, o *officetest.Office, n int, address string, minutes string) []*customer.Profile {
	t.Helper()
	var all []*customer.Profile
	for range n {
		p := o.Customer(t, func(p *customer.Profile) { p.Postal[0].Value = address })
		if err := o.DB.Tx(t.Context(), func(tx *store.Tx) error {
			return o.Vault.PutItem(t.Context(), tx, p.ID, vault.Item{Class: cpni.Usage, Line: 1, Period: 202610, Values: map[string]string{"minutes": minutes}})
		}); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func october(m aggregate.Measure, by ...aggregate.Dimension) aggregate.Spec {
	return aggregate.Spec{Measure: m, By: by, From: 202610, To: 202610, Purpose: cpni.OtherMarketing, Recipient: "carrier"}
}

func cellOf(r *aggregate.Report, key ...string) (aggregate.Cell, bool) {
	i := slices.IndexFunc(r.Result.Cells, func(c aggregate.Cell) bool { return slices.Equal(c.Key, key) })
	if i < 0 {
		return aggregate.Cell{}, false
	}
	return r.Result.Cells[i], true
}

// Places with too few customers are put together with others, and so nothing is left from which they could be worked out. What was
// asked, for what and for whom, is on record with what decided; that a month is counted is on record before anything is opened.
//
// cite: P-05, P-41, I-20, V75, 47 USC 222(c)(3), 47 USC 222(h)(2)
func TestAggregateReport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		mia := o.Member(t, cpni.RoleMarketing)
		dwellers(t, o, 12, "1 Main St, Springfield, VA 22150", "100")
		few := dwellers(t, o, 3, "2 Far Rd, Arlington, VA 22201", "7")
		dwellers(t, o, 11, "3 Long Ln, Bethesda, MD 20814", "20")
		r := must[*aggregate.Report](t)(o.Aggregate.Ask(ctx, cpni.NewID(), mia, october(aggregate.Customers, aggregate.ByState, aggregate.ByZip)))
		if r.State != aggregate.Waiting {
			t.Fatalf("given before the month was counted: %+v", r)
		}
		if err := o.Aggregate.Work(ctx); err != nil {
			t.Fatal(err)
		}
		r = must[*aggregate.Report](t)(o.Aggregate.One(ctx, r.ID))
		if r.State != aggregate.Given || r.Entry == "" || r.Result.Smallest != 11 || !r.Result.Hidden {
			t.Fatalf("%+v", r)
		}
		if c, ok := cellOf(r, "VA", ""); !ok || c.Amount != 15 {
			t.Errorf("Virginia: %+v, %v", c, ok)
		}
		for _, zip := range []string{"221", "222"} {
			if c, ok := cellOf(r, "VA", zip); ok {
				t.Errorf("the other is found by subtraction: %+v (I-20)", c)
			}
		}
		record := must[ledger.Row](t)(o.Ledger.Record(ctx, "", r.Entry))
		if record.Purpose != string(cpni.OtherMarketing) || record.Recipient != "carrier" || record.Outcome != cpni.Permit || record.Actor != string(mia) || !slices.Equal(record.Permits, []cpni.DataClass{cpni.Aggregate}) {
			t.Errorf("on record: %+v", record)
		}
		counted := must[[]ledger.Row](t)(o.Ledger.Records(ctx, "", ledger.Filter{Kind: ledger.Count}))
		if len(counted) != 1 || counted[0].Actor != string(mia) {
			t.Errorf("%d counts on record", len(counted))
		}
		// The next ones are given at once, and agree: what is counted once stays, also when a customer moves in.
		dwellers(t, o, 1, "2 Far Rd, Arlington, VA 22201", "7")
		sum := must[*aggregate.Report](t)(o.Aggregate.Ask(ctx, cpni.NewID(), mia, october(aggregate.Minutes, aggregate.ByState)))
		if c, ok := cellOf(sum, "VA"); !ok || c.Amount != 12*100+3*7 || c.Customers != 15 {
			t.Errorf("minutes: %+v, %v", c, ok)
		}
		calls := must[*aggregate.Report](t)(o.Aggregate.Ask(ctx, cpni.NewID(), mia, october(aggregate.Calls)))
		if c, ok := cellOf(calls); !ok || c.Amount != 26 {
			t.Errorf("calls of October: %+v", calls)
		}
		text := string(must[[]byte](t)(sum.CSV()))
		if !strings.Contains(text, "VA,1221,15\r\n") {
			t.Errorf("%q", text)
		}
		if wrong := must[[]string](t)(o.Aggregate.Examine(ctx)); len(wrong) > 0 {
			t.Errorf("%q", wrong)
		}
		// One whose cells are all too small the door refuses, and that is on record too.
		lone := october(aggregate.Customers)
		lone.States = []string{"WY"}
		if r := must[*aggregate.Report](t)(o.Aggregate.Ask(ctx, cpni.NewID(), mia, lone)); r.State != aggregate.Refused || r.Code != "NOT_AGGREGATE" || r.Entry == "" || len(r.Result.Cells) > 0 {
			t.Errorf("%+v", r)
		}
		// Nothing that is kept tells of the three.
		for _, table := range []string{"aggregate_month", "aggregate_report"} {
			for _, p := range few {
				var n int
				if err := db.Reader().QueryRow(ctx, "SELECT count(*) FROM "+table+" WHERE "+map[string]string{"aggregate_month": "entry", "aggregate_report": "result"}[table]+" LIKE '%' || $1 || '%'", string(p.ID)).Scan(&n); err != nil || n > 0 {
					t.Errorf("%s names a customer (%d, %v)", table, n, err)
				}
			}
		}
	})
}

// What is no report of figures is not taken, and whoever may not ask is refused by the door.
//
// cite: P-05, P-37, V75
func TestNotAReport(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	ctx := t.Context()
	mia, teller := o.Member(t, cpni.RoleMarketing), o.Member(t, cpni.RoleAuditor)
	dwellers(t, o, 12, "1 Main St, Springfield, VA 22150", "100")
	for name, c := range map[string]struct {
		change func(*aggregate.Spec)
		code   cpni.Code
	}{
		"of a month that runs":     {func(s *aggregate.Spec) { s.From, s.To = 202611, 202611 }, "NOT_OVER"},
		"of no month":              {func(s *aggregate.Spec) { s.From = 202613 }, "BAD_INPUT"},
		"of nothing":               {func(s *aggregate.Spec) { s.Measure = "names" }, "BAD_INPUT"},
		"by three":                 {func(s *aggregate.Spec) { s.By = []aggregate.Dimension{"state", "zip", "service"} }, "BAD_INPUT"},
		"by what is not told":      {func(s *aggregate.Spec) { s.By = []aggregate.Dimension{"name"} }, "BAD_INPUT"},
		"of months that are added": {func(s *aggregate.Spec) { s.From = 202609 }, "BAD_INPUT"},
	} {
		s := october(aggregate.Customers)
		c.change(&s)
		if _, err := o.Aggregate.Ask(ctx, cpni.NewID(), mia, s); code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	id := cpni.NewID()
	must[*aggregate.Report](t)(o.Aggregate.Ask(ctx, id, mia, october(aggregate.Customers)))
	if _, err := o.Aggregate.Ask(ctx, id, mia, october(aggregate.Lines)); code(err) != "IDEMPOTENCY" {
		t.Errorf("another under the same id: %v", err)
	}
	if _, err := o.Aggregate.Ask(ctx, id, teller, october(aggregate.Customers)); !errors.Is(err, aggregate.ErrNone) {
		t.Errorf("another's id: %v", err)
	}
	other := must[*aggregate.Report](t)(o.Aggregate.Ask(ctx, cpni.NewID(), teller, october(aggregate.Customers)))
	if err := o.Aggregate.Work(ctx); err != nil {
		t.Fatal(err)
	}
	if r := must[*aggregate.Report](t)(o.Aggregate.One(ctx, other.ID)); r.State != aggregate.Refused || r.Code != "ROLE" || len(r.Result.Cells) > 0 {
		t.Errorf("an auditor's: %+v", r)
	}
	// A node that stopped in the middle of a count keeps nobody: another begins anew once it has been silent for long.
	september := october(aggregate.Customers)
	september.From, september.To = 202609, 202609
	if err := o.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO aggregate_month (month, state, entry, claim, claimed, looked, counted) VALUES (202609, 'counting', 'x', 'elsewhere', $1, 3, 0)", o.Clock.Now().UnixMicro())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r := must[*aggregate.Report](t)(o.Aggregate.Ask(ctx, cpni.NewID(), mia, september))
	for _, want := range []aggregate.State{aggregate.Waiting, aggregate.Given} {
		if err := o.Aggregate.Work(ctx); err != nil {
			t.Fatal(err)
		}
		if r = must[*aggregate.Report](t)(o.Aggregate.One(ctx, r.ID)); r.State != want {
			t.Errorf("%s, want %s", r.State, want)
		}
		o.Time.Add(time.Hour)
	}
}
