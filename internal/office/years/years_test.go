package years_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/filing"
	"ringfence/internal/filing/yearly"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
)

// post is the other side of a way: it takes everything at once.
type post struct{ sync.Mutex }

func (p *post) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	for _, one := range pieces {
		told(one, notify.Outcome{State: notify.Delivered, Code: "250", Reference: string(one.ID)})
	}
}
func (p *post) Check(context.Context) error { return nil }
func (p *post) Batch() int                  { return 20 }

// world is an office in which months pass.
type world struct {
	*officetest.Office
	t                         testing.TB
	cora, aude, sue, ann, ned cpni.ID // compliance, an auditor, a supervisor, an agent, a marketer
}

func newWorld(t testing.TB, db *store.DB) *world {
	o := officetest.Open(t, db)
	return &world{o, t, o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleAuditor), o.Member(t, cpni.RoleSupervisor), o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleMarketing)}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// to moves the clock to noon of a day of the carrier's.
func (w *world) to(month time.Month, day int) {
	w.Time.Add(time.Date(2027, month, day, 12, 0, 0, 0, officetest.Zone).Sub(w.Time.Now()))
}

// give records that a customer has had a notice.
func (w *world) give(of, notice cpni.ID, kind string) {
	w.t.Helper()
	_, err := w.Ledger.Commit(w.t.Context(), func(tx *store.Tx) ([]ledger.Entry, error) {
		_, entries, err := w.Approvals.Give(w.t.Context(), tx, of, approval.Given{Notice: notice, Kind: kind, Via: "email", At: w.Clock.Now(), Scopes: []string{string(cpni.OwnMarketing)}, By: "system"})
		return entries, err
	})
	w.must(err)
}

func (w *world) say(of cpni.ID, a approval.Answer) {
	w.t.Helper()
	a.Customer, a.Via, a.By = of, approval.ByPhone, string(w.ann)
	_, err := w.Approvals.Answer(w.t.Context(), a)
	w.must(err)
}

// changed plans the notice of a change of a customer's account.
func (w *world) changed(of cpni.ID) {
	w.t.Helper()
	p, _, err := w.Customers.Get(w.t.Context(), of)
	w.must(err)
	m := notify.Message{ID: cpni.NewTimedID(w.Clock.Now()), Kind: notify.AccountChange, Via: cpni.Email, Place: notify.AOR, To: p.Email[0].Value, Tokens: map[string]string{"what": "password"}}
	w.must(w.DB.Tx(w.t.Context(), func(tx *store.Tx) error { return w.Outbox.Plan(w.t.Context(), tx, of, m) }))
}

// caughtUp has what is recorded in the tree, found and counted.
func (w *world) caughtUp() {
	w.t.Helper()
	w.must(w.Ledger.Sequence(w.t.Context()))
	w.must(w.Watch.Step(w.t.Context()))
	w.must(w.Yearly.Count(w.t.Context()))
}

func (w *world) ask(of cpni.ID, verified bool) {
	w.t.Helper()
	in := w.Contact
	if verified {
		in = w.Verified
	}
	_, err := w.Door.Disclose(w.t.Context(), officetest.AskCalls(w.ann, in(w.t, w.ann, of)))
	if _, refused := err.(*cpni.Refusal); err != nil && !refused {
		w.t.Fatal(err)
	}
}

// lives has a year happen.
func (w *world) lives() (all []cpni.ID) {
	w.t.Helper()
	ctx := w.t.Context()
	w.to(time.January, 5)
	amy, bea, cay, dot, eve := w.Customer(w.t).ID, w.Customer(w.t).ID, w.Customer(w.t).ID, w.Customer(w.t).ID, w.Customer(w.t, func(p *customer.Profile) {
		p.Approvals = []customer.Approval{{Scope: string(cpni.OwnMarketing), State: cpni.Denied, Since: p.Since}}
	}).ID
	all = []cpni.ID{amy, bea, cay, dot, eve}
	first, second := cpni.NewID(), cpni.NewID()
	w.give(amy, cpni.NewID(), approval.OptOut)
	w.give(bea, first, approval.OptOut)
	w.give(cay, second, approval.OptOut)
	w.ask(amy, true)
	w.ask(amy, false)
	w.to(time.January, 31) // of which the evening is February in UTC
	w.Time.Add(10 * time.Hour)
	w.ask(bea, false)
	w.caughtUp()

	w.to(time.February, 20)
	w.say(bea, approval.Answer{Says: approval.Object})
	_, err := w.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		_, entries, err := w.Approvals.Void(ctx, tx, cay, second, "550", "system")
		return entries, err
	})
	w.must(err)
	w.ask(cay, true)
	c, err := w.Complaints.File(ctx, complaint.Filing{Customer: amy, Category: complaint.Disclosure, Text: "Somebody else had my bill."})
	w.must(err)
	_, err = w.Complaints.Take(ctx, amy, c.ID, w.cora)
	w.must(err)
	w.Time.Add(30 * time.Hour)
	_, err = w.Complaints.Reply(ctx, amy, c.ID, w.cora, "It was put right.")
	w.must(err)
	w.changed(amy)
	w.Time.Add(10 * time.Minute)
	w.Reach(map[cpni.Via]notify.Channel{cpni.Email: &post{}, cpni.Postal: &post{}, cpni.Text: &post{}, cpni.Voice: &post{}})
	w.must(w.Messages.Step(ctx))
	w.changed(bea) // of which nobody hears

	w.to(time.March, 3)
	w.must(w.Yearly.Count(ctx))
	f, err := w.Filing.Open(ctx, filing.Intake{By: w.cora, Facts: filing.Facts{Mechanism: "the form on the web", What: "The button did nothing.", Found: w.Clock.Now(), Affected: 9,
		Remedy: "It was mended.", Remedied: workday.DateIn(w.Clock.Now(), officetest.Zone), States: clock.No, Notice: "Please refuse again."}})
	w.must(err)
	_, err = w.Filing.Judge(ctx, f.ID, filing.Act{By: w.cora}, filing.Judgement{})
	w.must(err)
	_, err = w.Filing.File(ctx, f.ID, filing.Act{By: w.cora}, time.Time{}, "R-1", nil)
	w.must(err)
	i, err := w.Incidents.Open(ctx, breach.Intake{By: w.cora, Facts: breach.Facts{Title: "Sold call lists", What: "A clerk sold lists of calls.", Discovered: w.Clock.Now(), DiscoveredBy: string(w.cora),
		Data: []cpni.DataClass{cpni.CallDetail}, Outcome: clock.Disclosed, Intentional: clock.Yes, Harm: clock.Likely, Basis: "they said so"}})
	w.must(err)
	_, err = w.Incidents.Open(ctx, breach.Intake{By: w.cora, Exercise: true, Facts: breach.Facts{Title: "A rehearsal", What: "Nothing happened.", Discovered: w.Clock.Now(), DiscoveredBy: string(w.cora)}})
	w.must(err)
	_, err = w.Incidents.Determine(ctx, i.ID, breach.Act{By: w.cora}, breach.Determination{Basis: "the list was found"})
	w.must(err)
	w.to(time.March, 11) // six business days behind
	_, err = w.Incidents.Report(ctx, i.ID, breach.Act{By: w.cora}, breach.Filing{Through: breach.Facility, Receipt: "F-1"})
	w.must(err)
	w.say(dot, approval.Answer{Says: approval.Object, Scope: string(cpni.OwnMarketing)})
	w.give(cay, cpni.NewID(), approval.OptOut)
	w.to(time.April, 20)
	w.ask(dot, true)
	return all
}

// naively counts a year from the records themselves, one by one.
func (w *world) naively(all []cpni.ID, months int) map[string][]int64 {
	w.t.Helper()
	n := map[string][]int64{}
	add := func(key string, month int, by int64) {
		if n[key] == nil {
			n[key] = make([]int64, months)
		}
		n[key][month] += by
	}
	for _, of := range all {
		rows, err := w.Ledger.Records(w.t.Context(), of, ledger.Filter{Kind: ledger.Decision, Limit: 500})
		w.must(err)
		for _, r := range rows {
			month := int(r.At.In(officetest.Zone).Month()) - 1
			add("decisions", month, 1)
			if r.Outcome != cpni.Permit {
				add("refused", month, 1)
				add(yearly.Refusal+string(r.Code), month, 1)
			}
		}
		events, err := w.Approvals.Events(w.t.Context(), of)
		w.must(err)
		p, _, err := w.Customers.Get(w.t.Context(), of)
		w.must(err)
		for month := range months {
			at := time.Date(2027, time.Month(month+2), 1, 0, 0, 0, 0, officetest.Zone)
			if at.After(w.Clock.Now()) {
				at = w.Clock.Now()
			}
			then := *p
			if len(events) > 0 {
				before := slices.Clone(events)
				before = slices.DeleteFunc(before, func(e approval.Event) bool { return e.Recorded.After(at) && e.What != approval.Stated })
				then.Approvals = approval.Fold(before)
			}
			state := approval.Standing(&then, cpni.OwnMarketing, nil, rules.Recipient{Kind: cpni.ToCarrier}, at.In(officetest.Zone), approval.Terms{RenoticeMonths: 24}).State
			add("approval."+string(state), month, 1)
		}
		for _, e := range events {
			month := int(e.Recorded.In(officetest.Zone).Month()) - 1
			switch e.What {
			case approval.Noticed:
				add("notices-proven", month, 1)
			case approval.Voided:
				add("notices-back", month, 1)
			}
		}
	}
	return n
}

// Every number of a year is that of a naive count of the records, at the end of each month as of that moment, and opens exactly the records
// that it counts.
//
// cite: P-36, P-41, 47 CFR 64.2009(e)
func TestNumbersAreThoseOfTheRecords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		all := w.lives()
		w.caughtUp()
		y, err := w.Yearly.Year(ctx, 2027, w.aude)
		w.must(err)
		const months = 4
		want := w.naively(all, months)
		for key, by := range map[string][]int64{"incidents": {0, 0, 1, 0}, "met": {0, 0, 2, 0}, "late": {0, 0, 0, 1}, "complaints": {0, 1, 0, 0}, "complaints.median": {0, 30 * 3600, 0, 0}, "complaints.p90": {0, 30 * 3600, 0, 0},
			"agencies": {0, 0, 1, 0}, "agencies.median": {0, 0, 6, 0}, "failures": {0, 0, 1, 0}, "letters": {0, 0, 1, 0}, "letters-late": {0, 0, 0, 0}, "written": {0, 0, 0, 0},
			"changes": {0, 2, 0, 0}, "changes-sent": {0, 1, 0, 0}, "changes-delivered": {0, 1, 0, 0}, "changes-sent.median": {0, 600, 0, 0}, "changes-delivered.p90": {0, 600, 0, 0}} {
			want[key] = by
		}
		for _, s := range y.Sections {
			for _, x := range s.Series {
				for m := range yearly.Months {
					c := x.Cells[m]
					if m >= months {
						if c.Known {
							t.Errorf("%s of month %d, which is to come: %d", x.Key, m+1, c.N)
						}
						continue
					}
					if by, ok := want[x.Key]; ok && c.N != by[m] {
						t.Errorf("%s of month %d: %d, and the records say %d (as of %v)", x.Key, m+1, c.N, by[m], by)
					}
				}
			}
		}
		for key, by := range want {
			if y.Series(key) == nil && slices.Max(by) > 0 {
				t.Errorf("the year does not have %s: %v", key, by)
			}
		}
		if x := y.Series("trained"); x == nil || x.Cells[3].N != 5 || !x.Cells[0].Known {
			t.Errorf("trained: %+v", x)
		}
		if x := y.Series("agencies.median"); x == nil || x.Total.N != 6 || x.Cells[0].Known {
			t.Errorf("reports: %+v", x)
		}
		opened := 0
		for _, s := range y.Sections {
			for _, x := range s.Series {
				if x.Unit != yearly.Records {
					continue
				}
				for m := range months {
					opened += w.opens(x, m)
				}
			}
		}
		if opened < 15 {
			t.Errorf("only %d records were found in all", opened)
		}
		// What is kept can be made again from the records, also where an earlier version wrote no stands beside events.
		w.must(db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE approval_event SET stands = NULL")
			return err
		}))
		w.must(w.Yearly.Recount(ctx))
		again, err := w.Yearly.Year(ctx, 2027, w.aude)
		w.must(err)
		a, err := y.CSV()
		w.must(err)
		b, err := again.CSV()
		w.must(err)
		if string(a) != string(b) {
			t.Errorf("counted anew it is\n%s\nand was\n%s", b, a)
		}
	})
}

// opens compares a number with the records behind it, found page by page.
func (w *world) opens(x yearly.Series, month int) int {
	w.t.Helper()
	ctx, n, c := w.t.Context(), 0, x.Cells[month]
	if code, refused, is := x.Decided(); is {
		from, to := w.Yearly.Span(2027, month)
		q := watch.Query{Kind: ledger.Decision, Code: code, Refused: refused, From: from, To: to, Limit: 100}
		found, err := w.Watch.Search(ctx, q)
		w.must(err)
		counted, err := w.Watch.Found(ctx, q, 1000)
		w.must(err)
		if n = len(found); n != counted {
			w.t.Errorf("%s of month %d: %d found, %d counted", x.Key, month+1, n, counted)
		}
	} else {
		seen := map[yearly.Row]bool{}
		for q := (yearly.Asked{Year: 2027, Series: x.Key, Month: month, Limit: 2}); ; {
			f, err := w.Yearly.List(ctx, w.aude, q)
			w.must(err)
			if f.N != c.N {
				w.t.Errorf("%s of month %d: the list says %d", x.Key, month+1, f.N)
			}
			for _, r := range f.Rows {
				if seen[r] {
					w.t.Errorf("%s of month %d lists %v twice", x.Key, month+1, r)
				}
				seen[r] = true
			}
			if q.After = f.Next; q.After == "" {
				break
			}
		}
		n = len(seen)
	}
	if int64(n) != c.N {
		w.t.Errorf("%s of month %d is %d and opens %d records", x.Key, month+1, c.N, n)
	}
	return n
}

// Who may not know of incidents learns nothing of them, and whoever may not read registers sees numbers only.
//
// cite: P-37, P-47, 47 CFR 64.2010(a)
func TestWhoReadsAYear(t *testing.T) {
	w, ctx := newWorld(t, storetest.Open(t, "memory:")), t.Context()
	w.lives()
	w.caughtUp()
	for who, may := range map[cpni.ID]bool{w.cora: true, w.aude: true, w.sue: true, w.ann: false, w.ned: false} {
		if _, err := w.Yearly.Year(ctx, 2027, who); (err == nil) != may {
			t.Errorf("reading a year: %v, may %v", err, may)
		}
	}
	y, err := w.Yearly.Year(ctx, 2027, w.sue)
	w.must(err)
	text, err := y.CSV()
	w.must(err)
	for _, key := range []string{"incidents", "agencies", "told", "failures", "letters", "letters-late"} {
		if y.Series(key) != nil || strings.Contains(string(text), ","+key+",") {
			t.Errorf("a supervisor sees %s (P-47)", key)
		}
	}
	if n := y.Series("met").Total.N + y.Series("late").Total.N; n != 0 {
		t.Errorf("a supervisor sees %d deadlines of incidents and letters (P-47)", n)
	}
	if _, err := w.Yearly.List(ctx, w.sue, yearly.Asked{Year: 2027, Series: "complaints", Month: 1}); err == nil {
		t.Error("a supervisor opens records behind a number")
	}
	for _, key := range []string{"decisions", "complaints.median", "nothing", yearly.Refusal + "X"} {
		if _, err := w.Yearly.List(ctx, w.aude, yearly.Asked{Year: 2027, Series: key, Month: 1}); err != yearly.ErrNone {
			t.Errorf("the records behind %s: %v", key, err)
		}
	}
	before, err := w.Yearly.Year(ctx, 2020, w.aude)
	w.must(err)
	for _, s := range before.Sections {
		for _, x := range s.Series {
			if slices.ContainsFunc(x.Cells[:], func(c yearly.Cell) bool { return c.Known }) {
				t.Errorf("something is known of %s in a year of which nothing is on record", x.Key)
			}
		}
	}
}
