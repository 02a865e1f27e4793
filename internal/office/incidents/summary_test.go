package incidents_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// under2023 has the rule of 2023 alone count on a desk.
func under2023(d *breach.Desk) {
	numbers := d.Numbers
	d.Numbers = func(at time.Time) clock.Numbers {
		n := numbers(at)
		n.Of2007.Spans, n.Of2023.Spans = nil, []rules.Span{{From: workday.On(2026, time.January, 1)}}
		return n
	}
}

// The small breaches of a year, also those whose files are closed, are asked for until an officer has filed their summary; it is filed once for all of
// them, or for none, and a copy of it lies in each.
//
// cite: P-37, V27, I-11, 47 CFR 64.2011(a)(3), 47 CFR 64.2011(a)(4)
func TestTheSummaryOfAYear(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOf(t, officetest.Open(t, db))
		ctx := t.Context()
		small := func(exercise bool, customers int) *breach.Incident {
			t.Helper()
			i := d.did(d.Incidents.Open(ctx, breach.Intake{By: d.cora, Exercise: exercise, Facts: breach.Facts{What: "A colleague opened files of others.", Discovered: d.Clock.Now(), DiscoveredBy: "a colleague", Data: []cpni.DataClass{cpni.Billing},
				Outcome: clock.Used, Intentional: clock.No, Harm: clock.Unlikely, Basis: "The colleague was asked.", Customers: customers}}))
			return d.did(d.Incidents.Determine(ctx, i.ID, d.by(d.cora), breach.Determination{}))
		}
		list := func(year int) (numbers string) {
			t.Helper()
			all, err := d.Incidents.SmallOf(ctx, year, d.aude)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range all {
				numbers += i.Number + " "
			}
			return numbers
		}
		summarize := func(year int, a breach.Act, receipt string, filed time.Time) ([]*breach.Incident, error) {
			return d.Incidents.Summarize(ctx, year, a, receipt, filed)
		}
		shut, open, big := small(false, 499), small(false, 1), small(false, 500)
		small(true, 3)
		if got := list(2026); got != "" {
			t.Errorf("under the rule of 2007 %s wait", got)
		}
		under2023(d.Incidents)
		closing := breach.Closing{Cause: "A machine.", Remedy: "It is set right.", Lessons: "Look twice.", NoSanction: "Nobody did it."}
		shut = d.did(d.Incidents.Close(ctx, shut.ID, d.by(d.cora), closing))
		both := shut.Number + " " + open.Number + " "
		if list(2026) != both || list(0) != both || list(2025)+list(2027) != "" {
			t.Errorf("%q wait, and of any year %q", list(2026), list(0))
		}
		if _, err := d.Incidents.SmallOf(ctx, 2026, d.rep); code(err) != "ROLE" {
			t.Errorf("shown to an agent: %v", err)
		}
		if _, err := summarize(2026, d.by(d.otto), "S-1", time.Time{}); code(err) != breach.WrongState {
			t.Errorf("before the year was over: %v", err)
		}

		// From sixty days before on it is asked for, of the closed file as well.
		d.Time.Add(time.Date(2027, 1, 26, 12, 0, 0, 0, officetest.Zone).Sub(d.Clock.Now()))
		d.due()
		if n := d.alerts("SUMMARY_DUE"); n != 2 {
			t.Errorf("asked for %d times (V27)", n)
		}
		calendar := func() int {
			t.Helper()
			file, err := d.Incidents.Calendar(ctx, d.cora)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(string(file), "-summary@")
		}
		if n := calendar(); n != 2 {
			t.Errorf("%d days in the calendar", n)
		}
		d.Time.Add(8 * 24 * time.Hour)
		d.due()
		if n := d.alerts("SUMMARY_LATE"); n != 2 {
			t.Errorf("late %d times (V27)", n)
		}

		draft, err := d.Incidents.SummaryOf(ctx, 2026, d.aude)
		if err != nil || len(draft.Breaches) != 2 || draft.Due != workday.On(2027, time.February, 1) || draft.Below != 500 || !strings.Contains(string(draft.Text()), "Not filed yet") {
			t.Errorf("%+v, %v", draft, err)
		}
		act := breach.Act{By: d.otto, ID: cpni.NewID()}
		for _, c := range []struct {
			by      cpni.ID
			year    int
			receipt string
			filed   time.Time
			want    cpni.Code
		}{
			{d.cora, 2026, "S-1", time.Time{}, "ROLE"},
			{d.aude, 2026, "S-1", time.Time{}, "ROLE"},
			{d.otto, 2026, " ", time.Time{}, breach.NoReceipt},
			{d.otto, 2026, strings.Repeat("S", 401), time.Time{}, breach.NoReceipt},
			{d.otto, 2026, "S-1", d.Clock.Now().Add(time.Hour), "BAD_INPUT"},
			{d.otto, 2026, "S-1", d.Clock.Now().AddDate(0, -2, 0), breach.WrongState},
			{d.otto, 0, "S-1", time.Time{}, "BAD_INPUT"},
			{d.otto, 2025, "S-1", time.Time{}, breach.WrongState},
		} {
			if _, err := summarize(c.year, breach.Act{By: c.by, ID: act.ID}, c.receipt, c.filed); code(err) != c.want {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if list(2026) != both {
			t.Error("a refused summary was filed")
		}
		filed := d.Clock.Now().Add(-time.Hour)
		first, err := summarize(2026, act, " S-1 ", filed)
		if err != nil || len(first) != 2 {
			t.Fatalf("%d, %v", len(first), err)
		}
		again, err := summarize(2026, act, "S-1", filed)
		if err != nil || len(again) != 2 || again[0].ID != shut.ID || again[0].Version != first[0].Version || again[1].Version != first[1].Version {
			t.Errorf("sent twice: %+v, %v", again, err)
		}
		if _, err := summarize(2026, breach.Act{By: d.otto, ID: cpni.NewID()}, "S-2", time.Time{}); code(err) != breach.WrongState {
			t.Errorf("once more: %v", err)
		}
		if list(2026) != "" || calendar() != 0 {
			t.Errorf("%q still wait, and stand %d times in the calendar", list(2026), calendar())
		}

		var copies []string
		for _, of := range first {
			i := d.did(d.On(t, db).Incidents.One(ctx, of.ID, d.aude))
			e := i.All(breach.Summarized)[0]
			if e.Summed.Year != 2026 || e.Summed.Receipt != "S-1" || !e.Summed.At.Equal(filed) || e.Summed.Count != 2 || e.By != string(d.otto) || !i.Case().Summarized.Equal(filed) {
				t.Errorf("%s: %+v", i.Number, e)
			}
			if row, err := d.Ledger.Record(ctx, "", e.Entry); err != nil || row.Kind != ledger.Incident || row.Actor != string(d.otto) {
				t.Errorf("on record: %+v, %v", row, err)
			}
			paper, file, err := d.Incidents.File(ctx, i.ID, d.aude, e.Paper)
			if err != nil || paper.Media != "text/plain" || fmt.Sprintf("%x", paper.Hash) != e.Hash {
				t.Fatalf("%+v, %v", paper, err)
			}
			copies = append(copies, string(file))
		}
		if copies[0] != copies[1] || !strings.Contains(copies[0], shut.Number) || !strings.Contains(copies[0], open.Number) || strings.Contains(copies[0], big.Number) || !strings.Contains(copies[0], "Receipt: S-1") {
			t.Errorf("the copies: %s", copies)
		}
		if i := d.did(d.Incidents.One(ctx, shut.ID, d.aude)); i.Closed.IsZero() {
			t.Error("the closed file is open")
		}

		// Nobody is asked any more.
		d.Time.Add(48 * time.Hour)
		due, late := d.alerts("SUMMARY_DUE"), d.alerts("SUMMARY_LATE")
		d.due()
		if d.alerts("SUMMARY_DUE") != due || d.alerts("SUMMARY_LATE") != late {
			t.Errorf("asked for after it was filed: %d and %d", d.alerts("SUMMARY_DUE")-due, d.alerts("SUMMARY_LATE")-late)
		}
	})
}
