package filings_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// desk is who works on failures in a test.
type desk struct {
	*officetest.Office
	t                     testing.TB
	cora, aude, rep, mach cpni.ID // compliance, an auditor, an agent, a system
}

func deskOf(t testing.TB, o *officetest.Office) desk {
	return desk{o, t, o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleAuditor), o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleSystem)}
}

func (d desk) by() filing.Act { return filing.Act{By: d.cora} }

func (d desk) facts() filing.Facts {
	return filing.Facts{Mechanism: "the form on the web", What: "The button did nothing.", Found: d.Clock.Now().Add(-time.Hour), Affected: 120}
}

// whole are facts of which a letter lacks nothing.
func (d desk) whole() filing.Facts {
	f := d.facts()
	f.Remedy, f.Remedied, f.States, f.Notice = "The button was mended.", workday.DateIn(d.Clock.Now(), officetest.Zone), clock.No, "Your refusal was not taken. Please send it again."
	return f
}

func (d desk) did(f *filing.Failure, err error) *filing.Failure {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

func (d desk) opened() *filing.Failure {
	d.t.Helper()
	return d.did(d.Filing.Open(d.t.Context(), filing.Intake{By: d.cora, Facts: d.facts()}))
}

func (d desk) alerts(code cpni.Code) int {
	d.t.Helper()
	rows, err := d.Ledger.Records(d.t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 500})
	if err != nil {
		d.t.Fatal(err)
	}
	return len(slices.DeleteFunc(rows, func(r ledger.Row) bool { return r.Code != code }))
}

// A failure goes from whoever notices it to the letter that is kept as it was sent; every step stands in the ledger, and what is sent twice
// is done once.
//
// cite: P-12, P-37, P-41, 47 CFR 64.2009(f)
func TestFromTheFailureToTheLetter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, ctx := deskOf(t, officetest.Open(t, db)), t.Context()
		for who, may := range map[cpni.ID]bool{d.rep: true, d.mach: true, d.aude: false} {
			if _, err := d.Filing.Open(ctx, filing.Intake{By: who, Facts: d.facts()}); (err == nil) != may {
				t.Errorf("taking one in: %v, may %v", err, may)
			}
		}
		in := filing.Intake{ID: cpni.NewID(), By: d.mach, Facts: d.facts()}
		f, again := d.did(d.Filing.Open(ctx, in)), d.did(d.Filing.Open(ctx, in))
		if again.Number != f.Number || f.State() != filing.Open || f.Anomaly() != clock.Unknown || d.alerts(filing.Failed) != 3 {
			t.Errorf("taken in as %q and %q, %s, %d alerts", f.Number, again.Number, f.State(), d.alerts(filing.Failed))
		}
		for who, may := range map[cpni.ID]bool{d.cora: true, d.aude: true, d.rep: false, d.mach: false} {
			if _, err := d.Filing.One(ctx, f.ID, who); (err == nil) != may {
				t.Errorf("seeing one: %v, may %v", err, may)
			}
			if _, err := d.Filing.List(ctx, who, filing.Query{}); (err == nil) != may {
				t.Errorf("listing: %v, may %v", err, may)
			}
		}
		for _, who := range []cpni.ID{d.rep, d.aude, d.mach} {
			if _, err := d.Filing.Judge(ctx, f.ID, filing.Act{By: who}, filing.Judgement{}); code(err) != "ROLE" {
				t.Errorf("judging without the right: %v", err)
			}
		}
		if _, err := d.Filing.File(ctx, f.ID, d.by(), time.Time{}, "R-1", nil); code(err) != filing.WrongState {
			t.Errorf("a letter before it is judged: %v", err)
		}
		once := filing.Act{By: d.cora, ID: cpni.NewID()}
		d.did(d.Filing.Judge(ctx, f.ID, once, filing.Judgement{}))
		f = d.did(d.Filing.Judge(ctx, f.ID, once, filing.Judgement{}))
		if len(f.History) != 2 {
			t.Errorf("it was judged %d times", len(f.History)-1)
		}
		if _, err := d.Filing.Judge(ctx, f.ID, d.by(), filing.Judgement{Anomaly: true, Basis: "it was not so bad"}); code(err) != filing.WrongState {
			t.Errorf("what is more than an anomaly becomes one: %v", err)
		}
		_, err := d.Filing.File(ctx, f.ID, d.by(), time.Time{}, "R-1", nil)
		if code(err) != filing.Incomplete || !strings.Contains(err.Error(), "when the remedy was or will be implemented") || !strings.Contains(err.Error(), "whether state commissions were notified") || !strings.Contains(err.Error(), "the notice that customers got") {
			t.Errorf("a letter that lacks something: %v", err)
		}
		if _, err := d.Filing.Correct(ctx, f.ID, d.by(), d.whole(), ""); code(err) != filing.Incomplete {
			t.Errorf("corrected without a reason: %v", err)
		}
		stale := f.Version
		f = d.did(d.Filing.Correct(ctx, f.ID, d.by(), d.whole(), "it was mended"))
		if _, err := d.Filing.Correct(ctx, f.ID, filing.Act{By: d.cora, Version: stale}, d.whole(), "again"); code(err) != "CONFLICT" {
			t.Errorf("over what somebody else wrote: %v", err)
		}
		if _, err := d.Filing.File(ctx, f.ID, d.by(), time.Time{}, " ", nil); code(err) != filing.NoReceipt {
			t.Errorf("a letter without proof: %v", err)
		}
		if _, err := d.Filing.File(ctx, f.ID, d.by(), time.Time{}, "R-1", []byte{0, 1, 2}); code(err) != "BAD_INPUT" {
			t.Errorf("a scan of no kind: %v", err)
		}
		if _, err := d.Filing.File(ctx, f.ID, d.by(), d.Clock.Now().Add(time.Hour), "R-1", nil); code(err) != "BAD_INPUT" {
			t.Errorf("sent in time to come: %v", err)
		}
		scan := []byte("%PDF-1.7 receipt")
		f = d.did(d.Filing.File(ctx, f.ID, d.by(), time.Time{}, "R-1", scan))
		if f.State() != filing.Filed || f.Letter.Late || d.Filing.Late(f) {
			t.Errorf("it is %s, late %v", f.State(), f.Letter.Late)
		}
		p, text, err := d.Filing.Paper(ctx, f.ID, d.aude, f.Letter.Text)
		if err != nil || p.Media != "text/plain" || !strings.Contains(string(text), "Example Telephone, LLC") || !strings.Contains(string(text), "Jo Doe") || strings.Contains(string(text), "LACKS") {
			t.Errorf("the letter is kept as %q, %v", text, err)
		}
		if p, file, err := d.Filing.Paper(ctx, f.ID, d.aude, f.Letter.Scan); err != nil || p.Media != "application/pdf" || !bytes.Equal(file, scan) {
			t.Errorf("the proof is kept as %q, %v", file, err)
		}
		if _, _, err := d.Filing.Paper(ctx, f.ID, d.aude, 9); !errors.Is(err, filing.ErrNone) {
			t.Errorf("a paper that there is not: %v", err)
		}
		if _, err := d.Filing.Correct(ctx, f.ID, d.by(), d.whole(), "more"); code(err) != filing.WrongState {
			t.Errorf("corrected after it was sent: %v", err)
		}
		all, err := d.Filing.List(ctx, d.aude, filing.Query{Done: true})
		if err != nil || len(all) != 1 || all[0].ID != f.ID {
			t.Errorf("%d are done, %v", len(all), err)
		}
		for _, e := range f.History {
			if row, err := d.Ledger.Record(ctx, "", e.Entry); err != nil || row.Kind != ledger.Filing || row.Actor != e.By {
				t.Errorf("step %d has the entry %+v, %v", e.N, row, err)
			}
		}
	})
}

// What is said of a failure is checked, and why nothing is due has to be said.
//
// cite: 47 CFR 64.2009(f)
func TestWhatAFileMustSay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, ctx := deskOf(t, officetest.Open(t, db)), t.Context()
		for name, x := range map[string]struct {
			change func(*filing.Facts)
			want   cpni.Code
		}{
			"no mechanism":       {func(f *filing.Facts) { f.Mechanism = " " }, filing.Incomplete},
			"no problem":         {func(f *filing.Facts) { f.What = "" }, filing.Incomplete},
			"never found":        {func(f *filing.Facts) { f.Found = time.Time{} }, filing.Incomplete},
			"found to come":      {func(f *filing.Facts) { f.Found = d.Clock.Now().Add(time.Hour) }, "BAD_INPUT"},
			"first after found":  {func(f *filing.Facts) { f.First = workday.On(2099, 1, 1) }, "BAD_INPUT"},
			"less than nobody":   {func(f *filing.Facts) { f.Affected = -1 }, "BAD_INPUT"},
			"too long a text":    {func(f *filing.Facts) { f.Remedy = strings.Repeat("x", 20_001) }, "BAD_INPUT"},
			"no such truth":      {func(f *filing.Facts) { f.States = "perhaps" }, "BAD_INPUT"},
			"a state for nobody": {func(f *filing.Facts) { f.States, f.Action = clock.No, "It asked." }, "BAD_INPUT"},
		} {
			f := d.facts()
			x.change(&f)
			if _, err := d.Filing.Open(ctx, filing.Intake{By: d.cora, Facts: f}); code(err) != x.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		f := d.opened()
		for name, j := range map[string]filing.Judgement{
			"BAD_INPUT to come":     {At: d.Clock.Now().Add(time.Hour)},
			"BAD_INPUT not found":   {At: f.Facts.Found.Add(-time.Hour)},
			"INCOMPLETE no grounds": {Anomaly: true},
		} {
			if _, err := d.Filing.Judge(ctx, f.ID, d.by(), j); !strings.HasPrefix(name, string(code(err))+" ") {
				t.Errorf("%s: %v", name, err)
			}
		}
		f = d.did(d.Filing.Judge(ctx, f.ID, d.by(), filing.Judgement{Anomaly: true, Basis: "one customer, once"}))
		if f.State() != filing.NoLetter || len(d.Filing.LetterBy(f).Days) != 0 {
			t.Errorf("an anomaly is %s", f.State())
		}
		if _, err := d.Filing.File(ctx, f.ID, d.by(), time.Time{}, "R-1", nil); code(err) != filing.WrongState {
			t.Errorf("a letter about an anomaly: %v", err)
		}
		d.Time.Add(time.Hour)
		if f = d.did(d.Filing.Judge(ctx, f.ID, d.by(), filing.Judgement{})); f.State() != filing.Open || len(d.Filing.LetterBy(f).Days) == 0 {
			t.Errorf("more than an anomaly is %s", f.State())
		}
		if _, err := d.Filing.One(ctx, cpni.NewID(), d.cora); !errors.Is(err, filing.ErrNone) {
			t.Errorf("a file that there is not: %v", err)
		}
	})
}

// The letter is asked for at the steps of the policy, and every day when it is late, each once; what was missed is made up for by the newest.
//
// cite: 47 CFR 64.2009(f)
func TestLettersAreAskedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, ctx := deskOf(t, officetest.Open(t, db)), t.Context()
		due := func() {
			t.Helper()
			for range 2 { // once more does nothing twice
				if err := d.Office.Due(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		f := d.opened()
		f = d.did(d.Filing.Judge(ctx, f.ID, d.by(), filing.Judgement{}))
		by := d.Filing.LetterBy(f)
		asked := func(day workday.Date, dues, overdues int) {
			t.Helper()
			d.Time.Add(day.Start(officetest.Zone).Add(12 * time.Hour).Sub(d.Clock.Now()))
			due()
			if got, late := d.alerts(filing.Due), d.alerts(filing.Overdue); got != dues || late != overdues {
				t.Errorf("on %s: %d reminders, %d of what is late, want %d and %d", day, got, late, dues, overdues)
			}
		}
		due()
		n := 0
		for _, day := range by.Days {
			if day.Number == 1 || day.Number == 4 { // on the third nothing ran
				n++
			}
			if day.Number != 3 {
				asked(day.Date, n, 0)
			}
		}
		if d.Filing.Late(f) {
			t.Error("it is late on its last day")
		}
		asked(by.Last.Add(1), 2, 1)
		asked(by.Last.Add(4), 2, 2)
		if !d.Filing.Late(f) {
			t.Error("it is not late")
		}
		facts := d.whole()
		facts.Found = f.Facts.Found
		d.did(d.Filing.Correct(ctx, f.ID, d.by(), facts, "it was mended"))
		f = d.did(d.Filing.File(ctx, f.ID, d.by(), time.Time{}, "R-1", nil))
		if !f.Letter.Late {
			t.Error("it was sent late, and does not say so")
		}
		asked(by.Last.Add(5), 2, 2)
	})
}
