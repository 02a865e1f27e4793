package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// homeView is what waits for somebody who watches, and what is going on.
type homeView struct {
	page
	Waits   []waiting
	Mine    []alertRow // cases that the person works on
	Newest  []alertRow // alerts that nobody has taken
	Figures []figure
	Refused []refusedRow
	Days    []string // of the charts, the oldest first
}

// waiting is one thing that waits for the person.
type waiting struct {
	Text, Address string
	Tone          string // bad when it is overdue
}

// figure is a number of today and of seven days, with a chart of two weeks.
type figure struct {
	ID, Title   string
	Today, Week int64
	Values      []int64
	Bars        []bar
	Tone        string
}

// bar is one day in a chart, in its units.
type bar struct{ X, Y, W, H string }

type refusedRow struct {
	Code        string
	Today, Week int64
}

const (
	chartDays   = 14
	chartWidth  = 10 // units of a day, of which 8 are the bar
	chartHeight = 40
)

// homePage is where the day of a supervisor, of compliance, of an officer and of fraud begins.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) homePage() error {
	ctx := v.r.Context()
	view := homeView{page: v.page("Home", "/home")}
	all, err := v.office.Watch.Alerts(ctx, watch.Filter{Unclosed: true, Viewer: v.member.ID, Limit: 500})
	if err != nil {
		return err
	}
	open, late := 0, 0
	for _, a := range all {
		row, err := v.alertRow(a)
		if err != nil {
			return err
		}
		if row.Overdue {
			late++
		}
		switch {
		case a.Worker == v.member.ID:
			view.Mine = append(view.Mine, row)
		case a.State == watch.Open:
			if open++; len(view.Newest) < mostNewest {
				view.Newest = append(view.Newest, row)
			}
		}
	}
	if late > 0 {
		view.Waits = append(view.Waits, waiting{counted(late, "case is overdue", "cases are overdue"), "/alerts", "bad"})
	}
	if open > 0 {
		view.Waits = append(view.Waits, waiting{counted(open, "alert that nobody has taken", "alerts that nobody has taken"), "/alerts?state=open", "warn"})
	}
	if n := len(view.Mine); n > 0 {
		view.Waits = append(view.Waits, waiting{counted(n, "case that you work on", "cases that you work on"), "/alerts?state=looking", ""})
	}
	if err := v.alsoWaits(&view); err != nil {
		return err
	}
	if !v.now.Before(v.member.TrainedUntil()) {
		view.Waits = append(view.Waits, waiting{"Your training has lapsed: nothing is released to you", "/training", "bad"})
	}
	days, err := v.office.Watch.Days(ctx, chartDays)
	if err != nil {
		return err
	}
	for _, d := range days {
		view.Days = append(view.Days, d.Date.Format("2 Jan"))
	}
	for _, f := range []struct{ id, title, what, tone string }{{"decisions", "Decisions", watch.Decided, ""}, {"permits", "Permitted", watch.Permitted, "good"}, {"refusals", "Refused", watch.Refused, "bad"},
		{"contacts", "Contacts", watch.Contacts, ""}, {"lookups", "Look-ups", watch.LookUps, ""}, {"failed", "Failed attempts", watch.Failed, "warn"}} {
		view.Figures = append(view.Figures, figureOf(f.id, f.title, f.what, f.tone, days))
	}
	view.Refused = refusedRows(days)
	return v.show(http.StatusOK, homePage(view))
}

const mostNewest = 8

// alsoWaits adds what waits for the person elsewhere: a second person's word, discipline, and reasons that they owe.
//
// cite: P-28, P-37, P-39
func (v *visit) alsoWaits(view *homeView) error {
	ctx := v.r.Context()
	if v.member.May(staff.Discipline) {
		n, err := v.office.Complaints.Waiting(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			view.Waits = append(view.Waits, waiting{counted(n, "report of a customer is not answered", "reports of customers are not answered"), "/reports", "warn"})
		}
	}
	incidents, err := v.incidentsWait()
	if err != nil {
		return err
	}
	view.Waits = append(view.Waits, incidents...)
	failures, err := v.failuresWait()
	if err != nil {
		return err
	}
	view.Waits = append(view.Waits, failures...)
	certificates, err := v.certificatesWait()
	if err != nil {
		return err
	}
	view.Waits = append(view.Waits, certificates...)
	if n, err := v.office.Proposals.Waits(ctx, v.member); err != nil {
		return err
	} else if n > 0 {
		view.Waits = append(view.Waits, waiting{counted(n, "proposal waits for a second person", "proposals wait for a second person"), "/proposals", "warn"})
	}
	if v.member.May(staff.Discipline) {
		findings, err := v.office.Discipline.Findings(ctx, "")
		if err != nil {
			return err
		}
		bare := 0
		for _, f := range findings {
			if f.Case == nil && f.Staff != v.member.ID {
				bare++
			}
		}
		if bare > 0 {
			view.Waits = append(view.Waits, waiting{counted(bare, "violation has no case yet", "violations have no case yet"), "/discipline", "warn"})
		}
	}
	desks, err := v.deskWaits()
	if err != nil {
		return err
	}
	view.Waits = append(view.Waits, desks...)
	if n, err := v.toReview(); err != nil {
		return err
	} else if n > 0 {
		view.Waits = append(view.Waits, waiting{counted(n, "campaign waits for your review", "campaigns wait for your review"), "/campaigns", "warn"})
	}
	owed, err := v.unjustified()
	if err != nil {
		return err
	}
	if len(owed) > 0 {
		view.Waits = append(view.Waits, waiting{counted(len(owed), "emergency that you have to justify", "emergencies that you have to justify"), "/desk", "bad"})
	}
	return nil
}

// thisWeek is how many days the second number of a figure covers, today among them.
const thisWeek = 7

func figureOf(id, title, what, tone string, days []watch.Day) figure {
	f := figure{ID: id, Title: title, Tone: tone}
	top := int64(1)
	for i, d := range days {
		n := d.N[what]
		if strings.HasSuffix(what, ":") {
			for name, m := range d.N {
				if strings.HasPrefix(name, what) {
					n += m
				}
			}
		}
		f.Values = append(f.Values, n)
		top = max(top, n)
		if i >= len(days)-thisWeek {
			f.Week += n
		}
		f.Today = n
	}
	for i, n := range f.Values {
		h := n * chartHeight / top
		if n > 0 {
			h = max(h, 1)
		}
		f.Bars = append(f.Bars, bar{strconv.Itoa(i*chartWidth + 1), strconv.FormatInt(chartHeight-h, 10), strconv.Itoa(chartWidth - 2), strconv.FormatInt(h, 10)})
	}
	return f
}

// refusedRows counts refusals by code, the most frequent of the week first.
func refusedRows(days []watch.Day) []refusedRow {
	var all []refusedRow
	for i, d := range days[max(0, len(days)-thisWeek):] {
		today := i == min(thisWeek, len(days))-1
		for what, n := range d.N {
			code, ok := strings.CutPrefix(what, watch.Refused)
			if !ok {
				continue
			}
			j := slices.IndexFunc(all, func(r refusedRow) bool { return r.Code == code })
			if j < 0 {
				j, all = len(all), append(all, refusedRow{Code: code})
			}
			all[j].Week += n
			if today {
				all[j].Today = n
			}
		}
	}
	slices.SortFunc(all, func(a, b refusedRow) int {
		if a.Week != b.Week {
			return int(b.Week - a.Week)
		}
		return strings.Compare(a.Code, b.Code)
	})
	return all
}

// refusedSearch is the address of the decisions that were refused with a code.
func refusedSearch(code string) string {
	return "/records/search?" + queryOf("kind", "decision", "code", string(cpni.Code(code)))
}
