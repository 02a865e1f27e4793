package notices_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// told puts an opt-out notice of a moment on an account.
func told(at time.Time) func(*customer.Profile) {
	return func(p *customer.Profile) {
		p.Approvals = []customer.Approval{{Scope: string(cpni.OwnMarketing), State: cpni.OptOutOK, Since: at, NoticeAt: at, Matures: at.AddDate(0, 1, 0)}}
	}
}

// The nightly look counts everybody who is in service once: covered, lapsing within each stretch, lapsed, never told; and of those who
// are not covered whether they are new, or something is under way. What must not be overlooked is an alert.
//
// cite: P-27, P-58, V48, V51, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(d)(2)
func TestReconciliation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		notice24 := func(year int, month time.Month, day int) func(*customer.Profile) {
			return told(time.Date(year, month, day, 12, 0, 0, 0, officetest.Zone))
		}
		// It is 24 November 2026. A notice carries to the end of the same day two years later.
		w.Customer(t, notice24(2026, 10, 1))  // covered
		w.Customer(t, notice24(2025, 3, 24))  // covered until 24 March 2027
		w.Customer(t, notice24(2025, 2, 20))  // within 90 days
		w.Customer(t, notice24(2025, 1, 20))  // within 60
		w.Customer(t, notice24(2024, 12, 20)) // within 30
		w.Customer(t, notice24(2024, 11, 24)) // today: it carries to the end of the day
		w.Customer(t, notice24(2024, 11, 23)) // lapsed last night
		w.Customer(t)                         // never
		w.Customer(t, func(p *customer.Profile) { p.Since = w.Clock.Now().AddDate(0, 0, -5); p.Lines[0].Since = p.Since })
		w.Customer(t, func(p *customer.Profile) { p.Ended = w.Clock.Now() })
		denied := w.Customer(t, notice24(2026, 10, 2)) // who has refused was told all the same
		w.must(w.Approvals.Object(ctx, denied.ID, customer.Everything, "phone", "test", w.Clock.Now()))
		w.must(w.Notices.Reconcile(ctx))
		days, err := w.Notices.Days(ctx, 10)
		w.must(err)
		if len(days) != 1 || days[0].Date.String() != "2026-11-24" {
			t.Fatalf("the days are %+v", days)
		}
		for what, want := range map[string]int64{notice.InService: 10, notice.Covered: 3, notice.LapsesIn + "90": 1, notice.LapsesIn + "60": 1, notice.LapsesIn + "30": 2, notice.Lapsed: 1, notice.NeverHad: 2,
			notice.FreshNew: 1, notice.Nothing: 1, notice.LapsesOn + "2026-11": 1, notice.LapsesOn + "2026-12": 1, notice.LapsesOn + "2027-01": 1, notice.LapsesOn + "2027-02": 1, notice.LapsesOn + "2027-03": 1} {
			if got := days[0].Of(what); got != want {
				t.Errorf("%s: %d, want %d", what, got, want)
			}
		}
		if a := slices.Sorted(slices.Values(w.alerts())); !slices.Equal(a, []cpni.Code{notice.Missing, notice.RenewalDue}) {
			t.Errorf("the alerts are %v", a)
		}
		// A run that renews them is planned: nobody is alarmed about what it reaches. Those who were never told get a notice, too.
		w.launch(optOut(), to(notice.Audience{Who: notice.Lapsing, Months: 4}))
		run := w.launch(optOut(), to(notice.Audience{Who: notice.Never}))
		w.must(w.Notices.Work(ctx))
		w.at(2026, 11, 25, 0, 0)
		w.must(w.Notices.Reconcile(ctx))
		if a := w.alerts(); len(a) != 2 {
			t.Errorf("with all on their way there are more alerts: %v", a)
		}
		days, err = w.Notices.Days(ctx, 1)
		w.must(err)
		if d := days[0]; d.Of(notice.UnderWay) != 4 || d.Of(notice.Nothing) != 0 || d.Of(notice.Renewing) != 3 || d.Of(notice.Lapsed) != 2 {
			t.Errorf("with all on their way: %+v", d.N)
		}
		// Nobody confirms the letters: after two weeks that is an alarm.
		w.at(2026, 12, 10, 9, 0)
		w.must(w.Notices.Reconcile(ctx))
		if a := slices.Sorted(slices.Values(w.alerts())); !slices.Equal(a, []cpni.Code{notice.Missing, notice.Missing, notice.RenewalDue}) {
			t.Errorf("letters that nobody confirms: %v", a)
		}
		if p := w.progress(run.ID); p.Planned != 2 {
			t.Errorf("%+v", p)
		}
	})
}

// Once a day of the carrier's, on whichever node: not twice in an hour that comes twice, and at midnight by the clocks there.
//
// cite: I-25, P-27
func TestReconciliationOnceADay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.Customer(t)
		days := func() int {
			all, err := w.Notices.Days(ctx, 1000)
			w.must(err)
			return len(all)
		}
		nodes := []*world{w, w.node(), w.node()}
		var all sync.WaitGroup
		for _, n := range nodes {
			all.Go(func() {
				if err := n.Notices.Reconcile(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if days() != 1 || len(w.alerts()) != 1 {
			t.Fatalf("three nodes: %d days, %v", days(), w.alerts())
		}
		w.at(2026, 11, 24, 23, 59)
		w.must(w.Notices.Reconcile(ctx))
		if days() != 1 {
			t.Error("before midnight")
		}
		w.at(2026, 11, 25, 0, 0)
		w.must(w.Notices.Reconcile(ctx))
		if days() != 2 {
			t.Error("at midnight")
		}
		// On 7 November 2027 the hour from one to two comes twice; on 14 March it does not come.
		for i, at := range []time.Time{time.Date(2027, 3, 14, 1, 59, 0, 0, officetest.Zone), time.Date(2027, 3, 14, 3, 0, 0, 0, officetest.Zone), time.Date(2027, 11, 7, 5, 30, 0, 0, time.UTC), time.Date(2027, 11, 7, 6, 30, 0, 0, time.UTC), time.Date(2027, 11, 8, 4, 59, 0, 0, time.UTC), time.Date(2027, 11, 8, 5, 0, 0, 0, time.UTC)} {
			w.Time.Add(at.Sub(w.Time.Now()))
			w.must(w.Notices.Reconcile(ctx))
			if want := []int{3, 3, 4, 4, 4, 5}[i]; days() != want {
				t.Errorf("at %s there are %d days, want %d", at, days(), want)
			}
		}
	})
}

// Bills: the file names each customer once with the page that goes into their bill; what was mailed counts from the third day after;
// who got a bill without it stays unnotified, and that is an alert with its day. The same said twice counts once.
//
// cite: P-26, P-27, V37, V51, 47 CFR 64.2008(d)(1)(ii), 47 CFR 64.2009(f)
func TestBills(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.at(2026, 12, 3, 10, 0)
		ids := w.crowd(30)
		run := w.launch(wordedFor(t, w, optOut(notice.ByInsert)), everyone)
		w.finish(run.ID)
		var file bytes.Buffer
		n, err := w.Notices.Inserts(ctx, run.ID, &file, "test")
		w.must(err)
		rows, err := csv.NewReader(&file).ReadAll()
		w.must(err)
		if n != 30 || len(rows) != 31 || !slices.Equal(rows[0], notice.InsertColumns) || rows[1][0] != string(ids[0]) || rows[1][1] == "" || rows[1][4] == "" {
			t.Fatalf("%d customers, %d lines, the first %q", n, len(rows), rows[:2])
		}
		doc, err := w.Notices.InsertDocument(ctx, run.ID, "es")
		if err != nil || !bytes.HasPrefix(doc.Bytes, []byte("%PDF-")) {
			t.Errorf("the page: %v", err)
		}
		day := workday.On(2026, 12, 3)
		m, err := notice.ReadMailing(strings.NewReader("customer,insert\n"+string(ids[0])+",yes\n"+string(ids[1])+",no\n"+string(cpni.NewID())+",yes\n"), day)
		w.must(err)
		m.ID = cpni.NewID()
		for range 2 {
			c, err := w.Notices.Mailed(ctx, run.ID, m, "test")
			w.must(err)
			if c.Given != 1 || c.Missed != 1 || c.Unknown != 1 {
				t.Errorf("confirmed: %+v", c)
			}
		}
		if a := w.alerts(); !slices.Equal(a, []cpni.Code{notice.Missing}) {
			t.Errorf("the alerts are %v", a)
		}
		if w.standing(ids[0]) != cpni.Waiting || w.standing(ids[1]) != cpni.Unnotified {
			t.Error("the one with the notice waits, the one without is unnotified")
		}
		for _, bad := range []notice.Mailing{{Mailed: workday.On(2026, 12, 4), Inserted: ids[:1]}, {Mailed: workday.On(2026, 12, 2), Inserted: ids[:1]}, {Mailed: day}} {
			if _, err := w.Notices.Mailed(ctx, run.ID, bad, "test"); !isRefusal(err) {
				t.Errorf("%s for %d customers: %v", bad.Mailed, len(bad.Inserted), err)
			}
		}
		w.at(2027, 1, 5, 23, 59)
		if w.standing(ids[0]) != cpni.Waiting {
			t.Error("silence counts too early")
		}
		w.at(2027, 1, 6, 0, 0)
		if w.standing(ids[0]) != cpni.OptOutOK || w.standing(ids[1]) != cpni.Unnotified {
			t.Error("on the day after the wait")
		}
		// It came back after that: what silence allowed is over, and another form goes.
		back, err := w.Notices.Returned(ctx, run.ID, ids[:1], "test")
		w.must(err)
		if back.Returned != 1 || back.Unknown != 0 {
			t.Errorf("returned: %+v", back)
		}
		state, via, _ := w.with(ids[0], run.ID)
		if w.standing(ids[0]) == cpni.OptOutOK || state == notice.WithGiven || via == notice.ByInsert && state == notice.WithCameBack {
			t.Errorf("came back: %s by %s", state, via)
		}
	})
}

// Bills that come back with the notice in them: it counts as not given, whether their mailing was confirmed or not; another form goes where
// there is one; and a piece that is reported twice, went without the notice, or is a stranger's, counts for nothing. Who reported it stands
// on record.
//
// cite: P-26, I-15, V40, V41, 47 CFR 64.2008(d)(3)(iii)
func TestReturnedBills(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.at(2026, 12, 3, 10, 0)
		place := func(notices bool) func(int, *customer.Profile) {
			return func(_ int, p *customer.Profile) {
				p.Postal = nil
				p.Email = []customer.Address{{Value: "a@example.com", Since: p.Since, Notices: notices}}
			}
		}
		given, planned, mute, missed := w.crowd(1, place(true))[0], w.crowd(1, place(true))[0], w.crowd(1, place(false))[0], w.crowd(1, place(true))[0]
		run := w.launch(wordedFor(t, w, optOut(notice.ByInsert)), everyone)
		w.finish(run.ID)
		_, err := w.Notices.Mailed(ctx, run.ID, notice.Mailing{Mailed: workday.On(2026, 12, 3), Inserted: []cpni.ID{given, mute}, Missed: []cpni.ID{missed}}, "test")
		w.must(err)
		w.at(2027, 1, 6, 0, 0)
		if w.standing(given) != cpni.OptOutOK || w.standing(mute) != cpni.OptOutOK {
			t.Fatal("silence does not count")
		}
		all := []cpni.ID{given, planned, mute, missed, given, cpni.NewID()}
		for i, want := range []notice.Returned{{Returned: 3, Again: 2, Unknown: 3}, {Unknown: 6}} {
			if got, err := w.Notices.Returned(ctx, run.ID, all, "ina"); err != nil || got != want {
				t.Errorf("reported %d times: %+v, %v", i+1, got, err)
			}
		}
		for who, want := range map[cpni.ID][2]string{given: {notice.WithCameBack, notice.ByEmail}, planned: {notice.WithCameBack, notice.ByEmail}, mute: {notice.WithNoWay, notice.ByInsert}, missed: {notice.WithNoWay, notice.ByInsert}} {
			if state, via, _ := w.with(who, run.ID); state != want[0] || via != want[1] || w.standing(who) != cpni.Unnotified {
				t.Errorf("%s by %s, and it stands at %s, want %v", state, via, w.standing(who), want)
			}
			rows, err := w.Ledger.Records(ctx, who, ledger.Filter{Kind: ledger.Notice, Limit: 10})
			w.must(err)
			if told := slices.ContainsFunc(rows, func(e ledger.Row) bool { return e.Actor == "ina" }); told != (who != missed) {
				t.Errorf("%v: on record that somebody reported it: %v", want, told)
			}
		}
		// The other form arrives: silence counts anew, from that.
		w.must(w.Messages.Step(ctx))
		if state, via, _ := w.with(planned, run.ID); state != notice.WithGiven || via != notice.ByEmail || w.standing(planned) != cpni.Waiting {
			t.Errorf("the other form: %s by %s, %s", state, via, w.standing(planned))
		}
		for _, none := range [][]cpni.ID{nil, make([]cpni.ID, notice.MostMailed+1)} {
			if _, err := w.Notices.Returned(ctx, run.ID, none, "ina"); !isRefusal(err) {
				t.Errorf("%d customers: %v", len(none), err)
			}
		}
		if ids, err := notice.ReadReturned(strings.NewReader("\ufeffCustomer,why\n" + string(given) + ",moved\n")); err != nil || !slices.Equal(ids, []cpni.ID{given}) {
			t.Errorf("the file: %v, %v", ids, err)
		}
		for _, bad := range []string{"", "account\n1\n", "customer\nx\n", "customer\n\"\n"} {
			if _, err := notice.ReadReturned(strings.NewReader(bad)); !isRefusal(err) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

// breaks takes some bytes and then nothing more.
type breaks struct{ left int }

func (b *breaks) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

// That the file of bill inserts was handed out is on record although the line broke in its midst, and before its first line left.
//
// cite: P-27, P-41, V51, 47 CFR 64.2008(b)
func TestInsertsThatBreakOffAreOnRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.crowd(3)
		run := w.launch(wordedFor(t, w, optOut(notice.ByInsert)), everyone)
		w.finish(run.ID)
		if _, err := w.Notices.Inserts(t.Context(), run.ID, &breaks{}, "ina"); err == nil {
			t.Fatal("nothing broke")
		}
		handed := func() int {
			rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Admin, Limit: 100})
			w.must(err)
			return len(slices.DeleteFunc(rows, func(e ledger.Row) bool { return e.Actor != "ina" }))
		}
		if n := handed(); n != 1 {
			t.Errorf("a file that broke off left %d entries", n)
		}
		_, err := w.Notices.Inserts(t.Context(), run.ID, io.Discard, "ina")
		w.must(err)
		if n := handed(); n != 3 {
			t.Errorf("with one that came through there are %d entries", n)
		}
	})
}

// A notice counts from no day before it was on its way to the customer, whatever day is given for its mailing.
//
// cite: P-26, I-15, 47 CFR 64.2008(d)(1)(ii)
func TestMailedBeforeItWasPlanned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.at(2026, 12, 3, 10, 0)
		all := everyone
		all.Audience = notice.Audience{Who: notice.Never, Standing: true}
		w.crowd(1, func(_ int, p *customer.Profile) {
			p.Email, p.Postal = nil, []customer.Address{{Value: "1 Main St, Springfield, VA 22150", Since: p.Since}}
		})
		bills := w.launch(wordedFor(t, w, optOut(notice.ByInsert)), all)
		w.must(w.Notices.Work(ctx))
		w.at(2027, 3, 1, 10, 0)
		late := w.crowd(1, func(_ int, p *customer.Profile) {
			p.Email, p.Postal = nil, []customer.Address{{Value: "2 Main St, Springfield, VA 22150", Since: p.Since}}
		})[0]
		w.must(w.Notices.Work(ctx))
		if state, via, _ := w.with(late, bills.ID); state != notice.WithPlanned || via != notice.ByInsert {
			t.Fatalf("%s by %s", state, via)
		}
		c, err := w.Notices.Mailed(ctx, bills.ID, notice.Mailing{Mailed: workday.On(2026, 12, 3), Inserted: []cpni.ID{late}}, "test")
		w.must(err)
		if c.Given != 0 || c.Unknown != 1 || w.standing(late) != cpni.Unnotified {
			t.Errorf("a bill from before the notice was planned: %+v, %s (I-15)", c, w.standing(late))
		}
		letters := w.launch(wordedFor(t, w, optOut(notice.ByPostal)), notice.Launch{Title: "letters", Audience: notice.Audience{Who: notice.ThoseOf, Customers: []cpni.ID{late}}})
		w.finish(letters.ID)
		_, _, message := w.with(late, letters.ID)
		w.must(w.Messages.Referred(ctx, cpni.Postal, string(message), notify.Report{Kind: notify.Mailed, At: w.Clock.Now().AddDate(-1, 0, 0), Outcome: notify.Outcome{State: notify.Sent, Code: "mailed"}}))
		if got := w.standing(late); got != cpni.Waiting {
			t.Errorf("a letter that is said to have been posted a year before: %s (I-15)", got)
		}
	})
}

// A notice that was sent another way although nothing had come back, and comes back then, did not arrive: it counts as not given, and the
// other form goes on.
//
// cite: P-26, V40, V41, 47 CFR 64.2008(d)(3)(iii)
func TestItComesBackAfterAnotherFormWentOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.at(2026, 12, 3, 10, 0)
		clerk := w.Member(t, cpni.RoleCompliance)
		for _, posted := range []bool{false, true} {
			who := w.crowd(1)[0]
			run := w.launch(wordedFor(t, w, optOut()), notice.Launch{Title: "one", Audience: notice.Audience{Who: notice.ThoseOf, Customers: []cpni.ID{who}}})
			w.finish(run.ID)
			state, via, first := w.with(who, run.ID)
			if state != notice.WithGiven || via != notice.ByEmail {
				t.Fatalf("%s by %s", state, via)
			}
			second, err := w.Messages.Another(ctx, who, first, notify.Act{By: clerk, Reason: "they do not read it"})
			w.must(err)
			w.must(w.Messages.Step(ctx))
			w.Time.Add(10 * 24 * time.Hour)
			if posted {
				w.must(w.Messages.Referred(ctx, cpni.Postal, string(second), notify.Report{Kind: notify.Mailed, At: w.Clock.Now(), Outcome: notify.Outcome{State: notify.Sent, Code: "mailed"}}))
			}
			w.must(w.Messages.Referred(ctx, cpni.Email, string(first), notify.Report{Kind: notify.Bounce, At: w.Clock.Now(), Outcome: notify.Outcome{State: notify.Bounced, Code: "550"}}))
			want, stands := notice.WithCameBack, cpni.Unnotified
			if posted {
				want, stands = notice.WithGiven, cpni.Waiting
			}
			if state, via, message := w.with(who, run.ID); state != want || via != notice.ByPostal || message != second || w.standing(who) != stands {
				t.Errorf("posted %v: %s by %s, and it stands at %s (V40)", posted, state, via, w.standing(who))
			}
			w.Time.Add(22 * 24 * time.Hour)
			if got := w.standing(who); got != stands {
				t.Errorf("posted %v: what came back counts: %s (V41)", posted, got)
			}
		}
	})
}

// wordedFor gives a notice the words of the policy.
func wordedFor(t testing.TB, w *world, s notice.Spec) notice.Spec {
	t.Helper()
	s, err := w.Notices.Worded(t.Context(), s)
	w.must(err)
	return s
}

// In the portal a notice is given when it is shown to who has proved to be the customer.
//
// cite: P-26, P-27, 47 CFR 64.2008(b)
func TestPortal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		p := w.Customer(t)
		run := w.launch(wordedFor(t, w, optOut(notice.ByPortal)), everyone)
		w.finish(run.ID)
		pending, err := w.Notices.Pending(ctx, p.ID)
		if err != nil || len(pending) != 1 || pending[0].ID != run.ID {
			t.Fatalf("pending: %+v, %v", pending, err)
		}
		words, err := w.Notices.ForPortal(ctx, p.ID, run.ID, "es")
		if err != nil || words.HTML == "" {
			t.Errorf("the words: %v", err)
		}
		s, err := w.OpenContact(ctx, contact.Opening{Customer: p.ID, Channel: cpni.Online})
		w.must(err)
		if _, err := w.Notices.Shown(ctx, p.ID, run.ID, s.ID); !isRefusal(err) {
			t.Errorf("shown to nobody who is known: %v", err)
		}
		if _, err := w.Contacts.Authenticate(ctx, s.ID, contact.Proof{Password: officetest.Password}); err != nil {
			t.Fatal(err)
		}
		matures, err := w.Notices.Shown(ctx, p.ID, run.ID, s.ID)
		if err != nil || matures.IsZero() || w.standing(p.ID) != cpni.Waiting {
			t.Errorf("shown: %s, %v", matures, err)
		}
		if pending, err := w.Notices.Pending(ctx, p.ID); err != nil || len(pending) != 0 {
			t.Errorf("pending still: %v, %v", pending, err)
		}
		if _, err := w.Notices.Shown(ctx, p.ID, run.ID, s.ID); !isRefusal(err) {
			t.Errorf("shown twice: %v", err)
		}
		proofs, err := w.Notices.Of(ctx, p.ID)
		if err != nil || len(proofs) != 1 || proofs[0].State != notice.WithGiven || proofs[0].Via != notice.ByPortal || !proofs[0].Silence.Equal(matures) {
			t.Errorf("the proof: %+v, %v", proofs, err)
		}
	})
}

// The proof of a notice names each form in which it went, when it was planned, sent, mailed or came back, and when silence counts.
//
// cite: P-26, P-41, V40, V41, 47 CFR 64.2008(a)(2)
func TestProof(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.Customer(t, func(p *customer.Profile) { p.Email[0].Notices = true })
		run := w.launch(optOut(), everyone)
		w.finish(run.ID)
		w.at(2026, 12, 27, 9, 0) // silence counts
		w.comesBack(p.ID, run.ID)
		w.must(w.Messages.Step(t.Context()))
		w.mailed(p.ID, run.ID)
		all, err := w.Notices.Of(t.Context(), p.ID)
		w.must(err)
		if len(all) != 1 || len(all[0].Forms) != 2 || all[0].State != notice.WithGiven || all[0].Void {
			t.Fatalf("%+v", all)
		}
		first, second := all[0].Forms[0], all[0].Forms[1]
		if first.Via != cpni.Email || first.Sent.IsZero() || first.CameBack.IsZero() || second.Via != cpni.Postal || second.Mailed.IsZero() || second.Wording == "" || all[0].Silence.Before(second.Mailed.AddDate(0, 0, 33)) {
			t.Errorf("%+v\n%+v\n%+v", first, second, all[0])
		}
		// The letter comes back, too: nothing is left.
		w.Time.Add(time.Hour)
		w.comesBack(p.ID, run.ID)
		if state, _, _ := w.with(p.ID, run.ID); state != notice.WithNoWay || w.standing(p.ID) != cpni.Unnotified {
			t.Errorf("with no way left: %s, %s", state, w.standing(p.ID))
		}
	})
}

// When a notice lapses is found from the other end: no notice of before that moment carries at the moment, and the next one does.
//
// cite: P-58, V48, V49, I-25, 47 CFR 64.2008(d)(2)
func TestWhoIsLapsing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		days := []int{-2, -1, 0, 1, 2}
		for _, d := range days {
			w.Customer(t, told(time.Date(2025, 2, 24+d, 23, 59, 59, 0, officetest.Zone)))
		}
		// Three months from now is 24 February 2027: the notices of the 22nd and 23rd have lapsed by then, that of the 24th carries.
		c, err := w.Notices.Count(t.Context(), optOut(), to(notice.Audience{Who: notice.Lapsing, Months: 3}), func() {})
		if err != nil || c.Customers != 2 {
			t.Errorf("%s days: %+v, %v", strconv.Itoa(len(days)), c, err)
		}
	})
}
