package books_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/filing/books"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/training"
	"ringfence/internal/workday"
)

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func done(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// desk is who keeps the registers in a test.
type desk struct {
	*officetest.Office
	cora, aude, rep cpni.ID // compliance, an auditor, an agent
}

func deskOf(t testing.TB, o *officetest.Office) desk {
	return desk{o, o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleAuditor), o.Member(t, cpni.RoleAgent)}
}

func (d desk) by() filing.Act      { return filing.Act{By: d.cora} }
func (d desk) today() workday.Date { return workday.DateIn(d.Clock.Now(), officetest.Zone) }

// to moves the clock to noon of a day, and does twice what is due by then.
func (d desk) to(t testing.TB, day workday.Date) {
	t.Helper()
	d.Time.Add(day.Start(officetest.Zone).Add(12 * time.Hour).Sub(d.Clock.Now()))
	for range 2 {
		done(t, d.Books.Due(t.Context()))
	}
}

func (d desk) alerts(t testing.TB) int {
	t.Helper()
	rows := must[[]ledger.Row](t)(d.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 500}))
	return len(slices.DeleteFunc(rows, func(r ledger.Row) bool { return r.Code != books.ReviewDue }))
}

func letter(received workday.Date) books.Facts {
	return books.Facts{Complaint: &books.Complaint{Category: complaint.Disclosure, Source: books.FromFormer, Received: received}}
}

func counts(y *books.Year) (n [3]int) {
	for i, c := range y.Complaints {
		n[i] = len(c.Rows)
	}
	return n
}

// A complaint that came by letter is entered once, is corrected with the reason, and counts under the category that it has now and the
// year in which it came; every step stands in the ledger, and who complained is sealed for them.
//
// cite: P-37, P-41, 47 CFR 64.2009(e), I-11
func TestAComplaintFromElsewhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, ctx := deskOf(t, officetest.Open(t, db)), t.Context()
		in := books.Intake{ID: cpni.NewID(), By: d.cora, Facts: letter(d.today()), From: books.Complainant{Name: "Ann Example", Says: "Somebody at your company told my brother whom I call."}}
		for _, who := range []cpni.ID{d.rep, d.aude} {
			refused := in
			refused.By = who
			if _, err := d.Books.Enter(ctx, refused); code(err) != "ROLE" {
				t.Errorf("entered without the right: %v", err)
			}
		}
		r, again := must[*books.Record](t)(d.Books.Enter(ctx, in)), must[*books.Record](t)(d.Books.Enter(ctx, in))
		if r.Number != "C-2026-1" || again.Number != r.Number || again.From != in.From || len(again.History) != 1 {
			t.Errorf("entered as %+v and %+v", r, again)
		}
		for who, may := range map[cpni.ID]bool{d.cora: true, d.aude: true, d.rep: false} {
			if _, err := d.Books.One(ctx, r.ID, who); (err == nil) != may {
				t.Errorf("seeing one: %v, may %v", err, may)
			}
			if _, err := d.Books.Year(ctx, who, 2026); (err == nil) != may {
				t.Errorf("seeing a year: %v, may %v", err, may)
			}
		}
		facts := letter(d.today())
		facts.Complaint.Category, facts.Complaint.Verdict = complaint.EmployeeAccess, books.Founded
		if _, err := d.Books.Correct(ctx, r.ID, d.by(), facts, in.From, "the records say so"); code(err) != books.Incomplete {
			t.Errorf("a verdict without what was found: %v", err)
		}
		facts.Complaint.Finding, facts.Complaint.Done = "An agent looked without a contact.", "The agent was warned."
		if _, err := d.Books.Correct(ctx, r.ID, d.by(), facts, in.From, " "); code(err) != books.Incomplete {
			t.Errorf("corrected without a reason: %v", err)
		}
		once := filing.Act{By: d.cora, ID: cpni.NewID(), Version: 1}
		must[*books.Record](t)(d.Books.Correct(ctx, r.ID, once, facts, in.From, "the records say so"))
		r = must[*books.Record](t)(d.Books.Correct(ctx, r.ID, once, facts, in.From, "the records say so"))
		if len(r.History) != 2 || r.Version != 2 {
			t.Errorf("corrected to %+v", r)
		}
		if _, err := d.Books.Correct(ctx, r.ID, filing.Act{By: d.cora, Version: 1}, facts, in.From, "again"); code(err) != "CONFLICT" {
			t.Errorf("over what was seen before: %v", err)
		}
		changed := r.Facts.Changed(r.History[0].Facts)
		if len(changed) != 4 || changed[0].From != books.CategoryWords[complaint.Disclosure] || changed[0].To != books.CategoryWords[complaint.EmployeeAccess] {
			t.Errorf("it says that it changed %+v", changed)
		}
		y := must[*books.Year](t)(d.Books.Year(ctx, d.aude, 2026))
		if counts(y) != [3]int{1, 0, 0} || y.Complaints[0].Rows[0].Address != r.Address() || y.Complaints[0].Rows[0].Number != r.Number {
			t.Errorf("the year counts %+v", y.Complaints)
		}
		entries := must[[]ledger.Row](t)(d.Ledger.Records(ctx, "", ledger.Filter{Kind: ledger.Filing}))
		if len(entries) != 2 || entries[0].Customer != "" {
			t.Errorf("%d entries", len(entries))
		}
		for _, e := range entries {
			if plain := string(must[[]byte](t)(d.Vault.OpenRecord(ctx, e))); strings.Contains(plain, "Ann") || strings.Contains(plain, "brother") {
				t.Errorf("the ledger says who complained: %s", plain)
			}
		}
	})
}

// What a customer reports counts in the year's register from the moment at which it is kept, under the category that it is found to have,
// and it counts as before when the customer is forgotten. Nothing of who they were is left.
//
// cite: P-41, I-21, 47 CFR 64.2009(e)
func TestWhoIsForgottenStillCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, ctx := deskOf(t, officetest.Open(t, db)), t.Context()
		ann := d.Customer(t)
		report := must[*complaint.Complaint](t)(d.Complaints.File(ctx, complaint.Filing{Customer: ann.ID, Category: complaint.OnlineAccess, Text: "Somebody was in my account."}))
		must[*complaint.Complaint](t)(d.Complaints.File(ctx, complaint.Filing{Customer: ann.ID, Category: complaint.Other, Text: "The bill is hard to read."}))
		from := books.Complainant{Name: "Ann Example", Says: "I write once more."}
		byPost := must[*books.Record](t)(d.Books.Enter(ctx, books.Intake{By: d.cora, Facts: letter(d.today()), From: from, Customer: ann.ID}))
		if _, err := d.Books.Enter(ctx, books.Intake{By: d.cora, Facts: letter(d.today()), From: from, Customer: cpni.NewID()}); code(err) != "BAD_INPUT" {
			t.Errorf("of a customer who is none: %v", err)
		}
		r := must[*books.Record](t)(d.Books.One(ctx, report.ID, d.cora))
		facts := r.Facts
		moved := *facts.Complaint
		moved.Received = moved.Received.Add(-30)
		if _, err := d.Books.Correct(ctx, r.ID, d.by(), books.Facts{Complaint: &moved}, books.Complainant{}, "x"); code(err) != "BAD_INPUT" {
			t.Errorf("a report came on another day: %v", err)
		}
		moved = *facts.Complaint
		moved.Category, moved.Verdict, moved.Finding = complaint.Disclosure, books.Founded, "It was read out on the telephone."
		must[*books.Record](t)(d.Books.Correct(ctx, r.ID, d.by(), books.Facts{Complaint: &moved}, from, "nobody was online"))

		look := func(when string) {
			t.Helper()
			y := must[*books.Year](t)(d.Books.Year(ctx, d.cora, 2026))
			if counts(y) != [3]int{0, 2, 0} || len(y.Others) != 1 {
				t.Errorf("%s: the year counts %v and %d others", when, counts(y), len(y.Others))
			}
		}
		look("before")
		if r := must[*books.Record](t)(d.Books.One(ctx, byPost.ID, d.cora)); r.From != from || r.Customer != ann.ID {
			t.Errorf("who complained is %+v", r.From)
		}
		done(t, d.Customers.Forget(ctx, ann.ID, "test"))
		look("after")
		for _, id := range []cpni.ID{byPost.ID, report.ID} {
			r := must[*books.Record](t)(d.Books.One(ctx, id, d.cora))
			if r.From != (books.Complainant{}) || r.Customer != "" || !r.Forgotten {
				t.Errorf("of who is forgotten there is %+v", r)
			}
			for _, e := range r.History {
				if e.From != (books.Complainant{}) {
					t.Errorf("a step tells of who is forgotten: %+v", e.From)
				}
			}
		}
		again := *must[*books.Record](t)(d.Books.One(ctx, byPost.ID, d.cora)).Facts.Complaint
		again.Done = "An apology was sent."
		if r := must[*books.Record](t)(d.Books.Correct(ctx, byPost.ID, d.by(), books.Facts{Complaint: &again}, from, "it was sent before")); r.From != (books.Complainant{}) {
			t.Errorf("it is written again who complained: %+v", r.From)
		}
		var left int
		done(t, d.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM book_record WHERE of <> ''").Scan(&left))
		if left != 0 {
			t.Errorf("%d records name the customer", left)
		}
	})
}

// A year is the carrier's calendar year, and a count of zero says "none" only where the registers were kept on all of its days.
//
// cite: 47 CFR 64.2009(b), 47 CFR 64.2009(e), P-39
func TestAYear(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, ctx := deskOf(t, officetest.Open(t, db)), t.Context()
		if y := must[*books.Year](t)(d.Books.Year(ctx, d.cora, 2026)); y.Whole || !y.Kept.IsZero() || y.Over {
			t.Errorf("before it is begun the year is %+v", y)
		}
		d.to(t, workday.On(2026, 11, 25))
		// A report from before there was the register is entered by what is due.
		ann := d.Customer(t)
		filed := d.Complaints.Filed
		d.Complaints.Filed = nil
		must[*complaint.Complaint](t)(d.Complaints.File(ctx, complaint.Filing{Customer: ann.ID, Category: complaint.OnlineAccess, Text: "Somebody was in my account."}))
		d.Complaints.Filed = filed
		// The last moment of the year by the carrier's clocks is one of the next by those of Greenwich.
		d.Time.Add(time.Date(2027, 1, 1, 4, 59, 0, 0, time.UTC).Sub(d.Clock.Now()))
		done(t, d.Books.Due(ctx))
		must[*complaint.Complaint](t)(d.Complaints.File(ctx, complaint.Filing{Customer: ann.ID, Category: complaint.EmployeeAccess, Text: "An agent knew whom I call."}))
		f := must[*training.Finding](t)(d.Discipline.Find(ctx, training.Finding{Staff: d.rep, Severity: training.Serious}, "looked without a contact", string(d.cora)))
		c := must[*training.Case](t)(d.Discipline.OpenCase(ctx, f.ID, string(d.cora)))
		done(t, d.Discipline.Decide(ctx, c.ID, training.Warning, time.Time{}, "it was the first time", string(d.cora)))
		d.to(t, workday.On(2027, 3, 1))
		for facts, want := range map[*books.Facts]cpni.Code{
			{Action: &books.Action{Body: books.Court, Name: "Eastern District of Virginia", Docket: "1:26-cv-1", On: workday.On(2026, 12, 31), Against: "A broker", What: "an injunction was asked for"}}:    "",
			{Action: &books.Action{Body: books.Court, On: workday.On(2026, 12, 31), What: "an injunction"}}:                                                                                                  books.Incomplete,
			{Action: &books.Action{Body: "king", On: workday.On(2026, 12, 31), Against: "A broker", What: "an injunction"}}:                                                                                  "BAD_INPUT",
			{Method: &books.Method{What: "They call as the technician.", First: workday.On(2026, 6, 1), Last: workday.On(2027, 2, 1), Known: "an alert", Steps: "Call back", Since: workday.On(2026, 7, 1)}}: "",
			{Method: &books.Method{What: "They call.", First: workday.On(2026, 6, 1), Known: "an alert", Steps: "Call back"}}:                                                                                books.Incomplete,
			{Method: &books.Method{What: "They call.", First: workday.On(2027, 6, 1), Known: "an alert"}}:                                                                                                    "BAD_INPUT",
			{}: "BAD_INPUT",
			{Complaint: &books.Complaint{Category: complaint.Other, Source: books.FromReport, Received: workday.On(2026, 6, 1)}}: "BAD_INPUT",
		} {
			if _, err := d.Books.Enter(ctx, books.Intake{By: d.cora, Facts: *facts}); code(err) != want || want == "" && err != nil {
				t.Errorf("%s: %v, want %q", facts.Title(), err, want)
			}
		}
		y := must[*books.Year](t)(d.Books.Year(ctx, d.cora, 2026))
		if counts(y) != [3]int{1, 0, 1} || len(y.Actions) != 1 || len(y.Methods) != 1 || len(y.Sanctions) != 1 || !y.Over || y.Last != workday.On(2026, 12, 31) {
			t.Errorf("2026 is %+v", y)
		}
		if y.Sanctions[0].Title != "Warning" || y.Sanctions[0].Address != "/discipline/findings/"+string(f.ID) || y.Sanctions[0].Day != workday.On(2026, 12, 31) {
			t.Errorf("the sanction is %+v", y.Sanctions[0])
		}
		if y.Whole || y.Kept != workday.On(2026, 11, 25) {
			t.Errorf("2026 was kept from %s, whole: %v", y.Kept, y.Whole)
		}
		next := must[*books.Year](t)(d.Books.Year(ctx, d.cora, 2027))
		if counts(next) != [3]int{} || len(next.Actions) != 0 || len(next.Methods) != 1 || len(next.Sanctions) != 0 || !next.Whole || next.Over || next.Last != workday.On(2027, 3, 1) {
			t.Errorf("2027 is %+v", next)
		}
		if _, err := d.Books.Year(ctx, d.cora, 2028); code(err) != "BAD_INPUT" {
			t.Errorf("a year to come: %v", err)
		}
		if err := d.Books.CarryOver(ctx, d.aude, workday.On(2026, 1, 1), "the paper register"); code(err) != "ROLE" {
			t.Errorf("an auditor says since when: %v", err)
		}
		if err := d.Books.CarryOver(ctx, d.cora, workday.On(2026, 12, 1), "the paper register"); code(err) != "BAD_INPUT" {
			t.Errorf("carried over from a day that is kept: %v", err)
		}
		if err := d.Books.CarryOver(ctx, d.cora, workday.On(2026, 1, 1), ""); code(err) != books.Incomplete {
			t.Errorf("carried over without what it rests on: %v", err)
		}
		done(t, d.Books.CarryOver(ctx, d.cora, workday.On(2026, 1, 1), "The paper register of the legal department was entered whole."))
		if y := must[*books.Year](t)(d.Books.Year(ctx, d.cora, 2026)); !y.Whole {
			t.Error("what was carried over does not count")
		}
	})
}

// A partner that gets customers' information is reviewed as often as the policy says; what is overdue is told once.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestReviewsOfSuppliers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, ctx := deskOf(t, officetest.Open(t, db)), t.Context()
		start := d.today()
		until := d.Clock.Now().AddDate(5, 0, 0)
		done(t, d.Partners.Put(ctx, "test", partner.Partner{ID: "acme", Name: "Acme Collections", Class: cpni.Agent, Agreement: &partner.Agreement{Until: until}}))
		done(t, d.Partners.Put(ctx, "test", partner.Partner{ID: "gets-nothing"}))
		n := d.Books.Numbers(d.Clock.Now())
		first := start.Add(n.FirstDays)
		where := func(day workday.Date, late bool, alerts int) {
			t.Helper()
			d.to(t, day)
			all := must[[]books.Supplier](t)(d.Books.Suppliers(ctx))
			if len(all) != 1 || all[0].Partner != "acme" || all[0].Late != late || d.alerts(t) != alerts {
				t.Errorf("on %s: %+v, %d alerts, want late %v and %d", day, all, d.alerts(t), late, alerts)
			}
		}
		where(start, false, 0)
		where(first, false, 0)
		where(first.Add(1), true, 1)
		where(first.Add(9), true, 1)
		review := books.Review{Partner: "acme", On: first.Add(9), Reviewer: "Cora, with the partner's security officer", Checked: "Who has access, and the certificates of destruction.", Findings: "Two accounts of people who had left.", MendBy: first.Add(20)}
		for what, change := range map[string]func(r *books.Review){
			"of nobody": func(r *books.Review) { r.Partner = "nobody" }, "next too late": func(r *books.Review) { r.Next = r.On.Add(500) }, "a day without a finding": func(r *books.Review) { r.Findings = "" },
			"to come": func(r *books.Review) { r.On = r.On.Add(1) }, "by nobody": func(r *books.Review) { r.Reviewer = "" }, "a finding without a day": func(r *books.Review) { r.MendBy = workday.Date{} },
		} {
			x := review
			change(&x)
			if _, err := d.Books.Enter(ctx, books.Intake{By: d.cora, Facts: books.Facts{Review: &x}}); code(err) == "" {
				t.Errorf("%s: %v", what, err)
			}
		}
		r := must[*books.Record](t)(d.Books.Enter(ctx, books.Intake{By: d.cora, Facts: books.Facts{Review: &review}}))
		next := workday.On(review.On.Year, review.On.Month+time.Month(n.EveryMonths), review.On.Day)
		if r.Number != "S-2027-1" || r.Facts.Review.Next != next {
			t.Errorf("the next is due on %s, want %s", r.Facts.Review.Next, next)
		}
		where(first.Add(20), false, 1)
		where(first.Add(21), true, 2)
		mended := *r.Facts.Review
		mended.Mended = first.Add(21)
		must[*books.Record](t)(d.Books.Correct(ctx, r.ID, d.by(), books.Facts{Review: &mended}, books.Complainant{}, "the accounts are closed"))
		where(first.Add(22), false, 2)
		where(next, false, 2)
		where(next.Add(1), true, 3)
		if y := must[*books.Year](t)(d.Books.Year(ctx, d.aude, review.On.Year)); len(y.Reviews) != 1 || y.Reviews[0].Title != "Acme Collections" || y.LateSuppliers != 1 {
			t.Errorf("the year has the reviews %+v, and %d are late", y.Reviews, y.LateSuppliers)
		}
	})
}
