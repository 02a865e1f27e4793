package yearly

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/workday"
)

// Kind says what a record behind a number is.
type Kind string

// The kinds.
const (
	AnIncident Kind = "incident"
	AFailure   Kind = "failure"
	AProcess   Kind = "process"
	AWritten   Kind = "written"
	AComplaint Kind = "complaint"
	AnAlert    Kind = "alert"
	AnAnswer   Kind = "answer"
	Emergency  Kind = "emergency"
	ACampaign  Kind = "campaign"
	AnExport   Kind = "export"
	AMessage   Kind = "message"
	ACustomer  Kind = "customer" // of whom approvals are on record
	AMember    Kind = "member"
)

// item is a record that a number counts, in the series that counts it.
type item struct {
	series string
	Row
	took int64 // in the unit of the series of its times
}

// items are all of a year that single registers keep: few enough to be read one by one.
type items struct {
	b    *Book
	ctx  context.Context
	year int
	now  time.Time
	who  reader
	all  []item
}

func (x *items) add(series string, took int64, r Row) {
	if month, ok := x.b.month(x.year, r.At); ok {
		r.Month = month
		x.all = append(x.all, item{series, r, took})
	}
}

// deadline counts one that was due by the end of a moment's day or at that moment: when it was met, or is over without that.
func (x *items) deadline(due, done time.Time, r Row) {
	r.At = due
	switch {
	case due.IsZero():
	case !done.IsZero() && !done.After(due):
		x.add("met", 0, r)
	case !done.IsZero() || x.now.After(due):
		x.add("late", 0, r)
	}
}

func when(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// each reads rows of ids and moments.
func (x *items) each(query string, args []any, texts, times int, do func(t []string, at []time.Time)) error {
	rows, err := x.b.DB.Reader().Query(x.ctx, query, args...)
	if err != nil {
		return fmt.Errorf("counting a year: %w", err)
	}
	defer rows.Close()
	t, us := make([]string, texts), make([]int64, times)
	var into []any
	for i := range t {
		into = append(into, &t[i])
	}
	for i := range us {
		into = append(into, &us[i])
	}
	at := make([]time.Time, times)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("counting a year: %w", err)
		}
		for i := range us {
			at[i] = when(us[i])
		}
		do(t, at)
	}
	return errors.Join(rows.Err(), rows.Close())
}

func seconds(from, to time.Time) int64 { return int64(to.Sub(from) / time.Second) }

func (b *Book) items(ctx context.Context, year int, who reader, now time.Time) ([]item, error) {
	x := &items{b: b, ctx: ctx, year: year, now: now, who: who}
	for _, read := range []func() error{x.written, x.complaints, x.processes, x.alerts, x.queues, x.campaigns, x.exports, x.incidents, x.failures} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return x.all, nil
}

func (x *items) span() []any {
	from, to := x.b.Span(x.year, -1)
	return []any{from.UnixMicro(), to.UnixMicro()}
}

// written counts requests in writing once what they ask for has gone, or was declined.
func (x *items) written() error {
	return x.each("SELECT customer_id, request_id, state, at, changed FROM written_request WHERE state IN ('sent', 'handed', 'declined') AND changed >= $1 AND changed < $2 ORDER BY changed", x.span(), 3, 2,
		func(t []string, at []time.Time) {
			x.add("written", seconds(at[0], at[1]), Row{At: at[1], Kind: AWritten, Customer: cpni.ID(t[0]), ID: cpni.ID(t[1]), Word: t[2]})
		})
}

func (x *items) complaints() error {
	return x.each("SELECT customer_id, complaint_id, category, at, changed FROM complaint WHERE state = 'answered' AND changed >= $1 AND changed < $2 ORDER BY changed", x.span(), 3, 2,
		func(t []string, at []time.Time) {
			x.add("complaints", seconds(at[0], at[1]), Row{At: at[1], Kind: AComplaint, Customer: cpni.ID(t[0]), ID: cpni.ID(t[1]), Word: t[2]})
		})
}

// processes counts legal process that was answered, and its day. What the reader must not know of is not counted.
//
// cite: P-29, P-37
func (x *items) processes() error {
	type found struct {
		id, kind            string
		received, due, done time.Time
	}
	var all []found
	err := x.each(`SELECT p.process_id, p.kind, p.received, p.due, coalesce((SELECT min(e.at) FROM process_event e WHERE e.process_id = p.process_id AND e.what = 'answered'), 0)
		FROM process p WHERE p.received < $2 AND p.state NOT IN ('rejected', 'withdrawn', 'quashed') AND (p.due >= $1 OR p.changed >= $1) ORDER BY p.received`, x.span(), 2, 3,
		func(t []string, at []time.Time) { all = append(all, found{t[0], t[1], at[0], at[1], at[2]}) })
	if err != nil {
		return err
	}
	for _, f := range all {
		if hidden, err := x.b.Processes.Hides(x.ctx, f.id, x.who.id); err != nil {
			return err
		} else if hidden {
			continue
		}
		r := Row{At: f.done, Kind: AProcess, ID: cpni.ID(f.id), Word: f.kind}
		if !f.done.IsZero() {
			x.add("process", seconds(f.received, f.done), r)
		}
		x.deadline(f.due, f.done, r)
	}
	return nil
}

// alerts counts what customers have said was not theirs, once somebody has closed the case. Cases about the reader are none of theirs.
func (x *items) alerts() error {
	return x.each("SELECT alert_id, outcome, raised, closed FROM watch_alert WHERE code = 'NOT_ME' AND closed >= $1 AND closed < $2 AND member <> $3 ORDER BY closed", append(x.span(), string(x.who.id)), 2, 2,
		func(t []string, at []time.Time) {
			x.add("not-me", seconds(at[0], at[1]), Row{At: at[1], Kind: AnAlert, ID: cpni.ID(t[0]), Word: t[1]})
		})
}

// queues counts the deadlines of emergencies, which have to be justified, and of answers that a person has to read.
func (x *items) queues() error {
	if err := x.each("SELECT customer_id, claim_id, due, justified FROM emergency WHERE due >= $1 AND due < $2 ORDER BY due", x.span(), 2, 2, func(t []string, at []time.Time) {
		x.deadline(at[0], at[1], Row{Kind: Emergency, Customer: cpni.ID(t[0]), ID: cpni.ID(t[1])})
	}); err != nil {
		return err
	}
	return x.each("SELECT customer_id, answer_id, due, decided FROM answer_read WHERE due >= $1 AND due < $2 ORDER BY due", x.span(), 2, 2, func(t []string, at []time.Time) {
		x.deadline(at[0], at[1], Row{Kind: AnAnswer, Customer: cpni.ID(t[0]), ID: cpni.ID(t[1])})
	})
}

func (x *items) campaigns() error {
	return x.each("SELECT campaign_id, what, at FROM campaign_event WHERE what IN ('approved', 'returned') AND at >= $1 AND at < $2 ORDER BY at", x.span(), 2, 1, func(t []string, at []time.Time) {
		x.add("reviews", 0, Row{At: at[0], Kind: ACampaign, ID: cpni.ID(t[0]), Word: t[1]})
	})
}

// exports counts files that partners have fetched, by the month in which each was made; of them those whose destruction is proved, and
// those whose day has passed without.
//
// cite: P-15, P-41
func (x *items) exports() error {
	return x.each("SELECT export_id, state, sealed_at, destroy_by, certified FROM export WHERE fetches > 0 AND sealed_at >= $1 AND sealed_at < $2 ORDER BY sealed_at", x.span(), 2, 3, func(t []string, at []time.Time) {
		r := Row{At: at[0], Kind: AnExport, ID: cpni.ID(t[0]), Word: t[1]}
		x.add("releases", 0, r)
		switch {
		case !at[2].IsZero():
			x.add("destroyed", 0, r)
		case !at[1].IsZero() && !x.now.Before(at[1]):
			x.add("undestroyed", 0, r)
		}
	})
}

// ids lists the files of a table that may matter for the year: opened before it ends, and touched after it begins or still open.
func (x *items) ids(query string) (all []cpni.ID, err error) {
	return all, x.each(query, x.span(), 1, 0, func(t []string, _ []time.Time) { all = append(all, cpni.ID(t[0])) })
}

// incidents counts them by the month in which they were taken in, and their telling by that in which it was done. Rehearsals are none.
//
// cite: P-37, P-44, P-47
func (x *items) incidents() error {
	if !x.who.incidents {
		return nil
	}
	ids, err := x.ids("SELECT incident_id FROM incident WHERE exercise = 0 AND state <> 'removed' AND at < $2 AND (changed >= $1 OR state = 'open') ORDER BY at")
	if err != nil {
		return err
	}
	for _, id := range ids {
		i, err := x.b.Incidents.One(x.ctx, id, x.who.id)
		if errors.Is(err, breach.ErrNone) {
			continue
		}
		if err != nil {
			return err
		}
		r := Row{Kind: AnIncident, ID: id, Name: i.Number}
		at := func(t time.Time) Row { r := r; r.At = t; return r }
		x.add("incidents", 0, at(i.Opened))
		if i.Determined == nil {
			continue
		}
		c := x.b.Incidents.Clocks(i)
		if !c.Reported.IsZero() {
			x.add("agencies", int64(x.b.businessDays(i.Determined.At, c.Reported)), at(c.Reported))
		}
		if !i.ToldAll.IsZero() {
			x.add("told", int64(workday.DateIn(i.Determined.At, x.b.Zone).DaysUntil(workday.DateIn(i.ToldAll, x.b.Zone))), at(i.ToldAll))
		}
		if !c.AgenciesBy.IsZero() {
			x.judged(c.AgenciesBy, c.Reported, c.Late, r)
		}
		if c.Must && !c.By.IsZero() {
			x.judged(c.By, i.ToldAll, c.CustomersLate, r)
		}
	}
	return nil
}

// judged counts a deadline of which the file itself says whether it was missed.
func (x *items) judged(by workday.Date, done time.Time, late bool, r Row) {
	r.At = by.Start(x.b.Zone)
	switch {
	case late:
		x.add("late", 0, r)
	case !done.IsZero():
		x.add("met", 0, r)
	}
}

// businessDays counts the business days after the day of from, through that of to.
//
// cite: P-44, 47 CFR 1.4(e)
func (b *Book) businessDays(from, to time.Time) (n int) {
	last := workday.DateIn(to, b.Zone)
	for d := workday.DateIn(from, b.Zone).Add(1); !d.After(last); d = d.Add(1) {
		if is, _ := b.Calendars.Business(workday.DeadlineCalendar, d); is {
			n++
		}
	}
	return n
}

// failures counts ways to refuse that failed, and the letters about them.
//
// cite: P-12, 47 CFR 64.2009(f)
func (x *items) failures() error {
	if !x.who.incidents {
		return nil
	}
	ids, err := x.ids("SELECT failure_id FROM filing_failure WHERE at < $2 AND (changed >= $1 OR state = 'open') ORDER BY at")
	if err != nil {
		return err
	}
	for _, id := range ids {
		f, err := x.b.Failures.One(x.ctx, id, x.who.id)
		if errors.Is(err, filing.ErrNone) {
			continue
		}
		if err != nil {
			return err
		}
		r := Row{At: f.Opened, Kind: AFailure, ID: id, Name: f.Number}
		x.add("failures", 0, r)
		if f.Anomaly() != clock.No {
			continue
		}
		by, late := x.b.Failures.LetterBy(f).Last, x.b.Failures.Late(f)
		if f.Letter != nil {
			r.At = f.Letter.At
			if late {
				x.add("letters-late", 0, r)
			} else {
				x.add("letters", 0, r)
			}
			x.judged(by, f.Letter.At, late, r)
			continue
		}
		x.judged(by, time.Time{}, late, r)
	}
	return nil
}
