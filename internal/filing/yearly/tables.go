package yearly

import (
	"context"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/watch"
)

// tables are what the sections of a year are made from.
type tables struct {
	year   int
	now    time.Time
	who    reader
	months [Months]map[string]int64 // of Watch
	first  int                      // the first month of the year of which something may be on record; 12: none
	last   int                      // the last one that has begun; -1: none
	items  []item
	kept   kept
}

func (b *Book) tables(ctx context.Context, year int, who reader) (*tables, error) {
	t := &tables{year: year, now: b.Clock.Now(), who: who, last: -1}
	var day int
	var err error
	if t.months, day, err = b.Watch.Months(ctx, year); err != nil {
		return nil, err
	}
	if t.items, err = b.items(ctx, year, who, t.now); err != nil {
		return nil, err
	}
	if t.kept, err = b.kept(ctx, year); err != nil {
		return nil, err
	}
	if t.first = Months; day != 0 {
		t.first = max(0, day/100-year*100-1)
		if day/10000 < year {
			t.first = 0
		}
	}
	for _, i := range t.items {
		t.first = min(t.first, i.Month)
	}
	for m := range Months {
		if !b.begins(year, m).After(t.now) {
			t.last = m
		}
	}
	return t, nil
}

// counted makes a series of numbers that are known for every month that has begun.
func (t *tables) counted(key, title string, of func(month int) int64) Series {
	s := Series{Key: key, Title: title, Unit: Records, Sum: true}
	for m := t.first; m <= t.last; m++ {
		s.Cells[m] = Cell{true, of(m)}
		s.Total = Cell{true, s.Total.N + s.Cells[m].N}
	}
	return s
}

func (t *tables) ofItems(key, title string) Series {
	return t.counted(key, title, func(m int) (n int64) {
		for _, i := range t.items {
			if i.series == key && i.Month == m {
				n++
			}
		}
		return n
	})
}

func (t *tables) ofWatch(key, title, what string) Series {
	return t.counted(key, title, func(m int) (n int64) {
		for name, count := range t.months[m] {
			if name == what || strings.HasSuffix(what, ":") && strings.HasPrefix(name, what) {
				n += count
			}
		}
		return n
	})
}

// The parts of those who waited least that a time is given for: half of them, and nine in ten.
var parts = []struct {
	key, title string
	tenths     int
}{{"median", "half within", 5}, {"p90", "nine in ten within", 9}}

// within is the time within which a part of all was done: the smallest that so many did not exceed.
func within(took []int64, tenths int) Cell {
	if len(took) == 0 {
		return Cell{}
	}
	slices.Sort(took)
	return Cell{true, took[(len(took)*tenths+9)/10-1]}
}

// timed gives a series of items with the times that they took.
func (t *tables) timed(key, title string, unit Unit) []Series {
	all := []Series{t.ofItems(key, title)}
	for _, p := range parts {
		s := Series{Key: key + "." + p.key, Title: title + ": " + p.title, Unit: unit, Of: key}
		var year []int64
		for m := range Months {
			var took []int64
			for _, i := range t.items {
				if i.series == key && i.Month == m {
					took = append(took, i.took)
				}
			}
			s.Cells[m] = within(took, p.tenths)
			year = append(year, took...)
		}
		s.Total = within(year, p.tenths)
		all = append(all, s)
	}
	return all
}

func (t *tables) glance() Section {
	s := Section{Key: "glance", Title: "The year at a glance", Says: "What was decided and refused, by the day of the decision; deadlines by the day on which they were due: reports and telling of incidents, letters about failures, legal process, emergencies and answers that a person has to read.",
		Series: []Series{t.ofWatch("decisions", "Decisions", watch.Decided), t.ofWatch("refused", "Refused", watch.Refused)}}
	if t.who.incidents {
		s.Series = append(s.Series, t.ofItems("incidents", "Incidents taken in"))
	}
	s.Series = append(s.Series, t.ofItems("met", "Deadlines met"), t.ofItems("late", "Deadlines missed"))
	return s
}

// stands are where an approval can stand, in the order of how much it allows.
var stands = []struct {
	state cpni.ApprovalState
	title string
}{{cpni.OptInOK, "Said yes"}, {cpni.OptOutOK, "Told and silent"}, {cpni.Waiting, "Told, and still waiting"}, {cpni.RenoticeDue, "Told too long ago"}, {cpni.Denied, "Refused"}, {cpni.Unnotified, "Not told"}}

const standing = "approval."

func (t *tables) approvals() Section {
	s := Section{Key: "approvals", Title: "Approvals", AsOf: t.kept.at[approvalsKept], Says: "Where the customers in service at the end of each month stood with our own offers of other communications services, from what was on record at that moment; of the running month, when it was last counted."}
	for _, x := range stands {
		s.Series = append(s.Series, t.kept.series(standing+string(x.state), x.title, approvalsKept))
	}
	return s
}

// Refusal begins the key of the refusals with a code.
const Refusal = "refused:"

func (t *tables) refusals() Section {
	s := Section{Key: "refusals", Title: "Refusals by reason", Says: "Decisions that refused, by the code of the reason."}
	var codes []string
	for _, m := range t.months {
		for what := range m {
			if code, ok := strings.CutPrefix(what, watch.Refused); ok && !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
	}
	slices.Sort(codes)
	for _, c := range codes {
		title := c
		if c == "" {
			title = "no code"
		}
		s.Series = append(s.Series, t.ofWatch(Refusal+c, title, watch.Refused+c))
	}
	slices.SortStableFunc(s.Series, func(a, b Series) int { return int(b.Total.N - a.Total.N) })
	return s
}

func (t *tables) answers() Section {
	s := Section{Key: "answers", Title: "Time to answer", Says: "What was answered in each month, and how long it had waited: requests in writing until what they ask for has gone or was declined, legal process until it was answered, reports of customers until the answer, and changes that were not theirs until the case was closed."}
	for _, x := range []struct{ key, title string }{{"written", "Requests in writing"}, {"process", "Legal process"}, {"complaints", "Reports of customers"}, {"not-me", "“That was not me”"}} {
		s.Series = append(s.Series, t.timed(x.key, x.title, Seconds)...)
	}
	return s
}

func (t *tables) notify() Section {
	s := Section{Key: "notify", Title: "Time to notify", AsOf: t.kept.at[messagesKept], Says: "Notices of a change of the account, by the month in which each was planned: until the other side took it, and until it had arrived. Of incidents, by the month in which it was done: business days from the determination to the report, and days to the end of telling customers."}
	s.Series = append(s.Series, t.kept.series("changes", "Notices of change planned", messagesKept))
	for _, x := range []struct{ key, title string }{{"changes-sent", "Notices of change sent"}, {"changes-delivered", "Notices of change arrived"}} {
		s.Series = append(s.Series, t.kept.series(x.key, x.title, messagesKept))
		for _, p := range parts {
			m := t.kept.series(x.key+"."+p.key, x.title+": "+p.title, messagesKept)
			m.Unit, m.Of, m.Sum, m.Total = Seconds, x.key, false, Cell{}
			s.Series = append(s.Series, m)
		}
	}
	if t.who.incidents {
		s.Series = append(s.Series, t.timed("agencies", "Incidents reported to the agencies", BusinessDays)...)
		s.Series = append(s.Series, t.timed("told", "Incidents of which all customers were told", Days)...)
	}
	return s
}

func (t *tables) training() Section {
	return Section{Key: "training", Title: "Training", AsOf: t.kept.at[membersKept], Says: "Members of the staff of whom training is asked, as they stood when each month was last looked at.",
		Series: []Series{t.kept.series("trained", "Training current", membersKept), t.kept.series("untrained", "Training lapsed, missing or suspended", membersKept)}}
}

func (t *tables) notices() Section {
	s := Section{Key: "notices", Title: "Notices of rights", AsOf: t.kept.at[messagesKept], Says: "Messages with a notice that were sent, by the month in which they were planned; proofs that a notice was given, in whatever way, and notices that came back, by the day on which that was recorded.",
		Series: []Series{t.kept.series("notices-sent", "Sent as messages", messagesKept), t.kept.series("notices-proven", "Proven given", messagesKept), t.kept.series("notices-back", "Came back", messagesKept)}}
	return s
}

func (t *tables) work() Section {
	s := Section{Key: "work", Title: "Reviews, releases and filings", Says: "Reviews of campaigns by somebody who had no hand in them; files that partners have fetched, by the month in which each was made, and what is known now of their destruction; ways to refuse that failed, and the letters about them.",
		Series: []Series{t.ofItems("reviews", "Campaigns reviewed"), t.ofItems("releases", "Files that partners fetched"), t.ofItems("destroyed", "of them destroyed, with proof"), t.ofItems("undestroyed", "of them overdue")}}
	if t.who.incidents {
		s.Series = append(s.Series, t.ofItems("failures", "Ways to refuse that failed"), t.ofItems("letters", "Letters in time"), t.ofItems("letters-late", "Letters too late"))
	}
	return s
}
