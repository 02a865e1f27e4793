package breach

import (
	"slices"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// Incident is a file, as its history tells it.
type Incident struct {
	ID       cpni.ID
	Number   string // by which people call it, such as I-2026-3; a rehearsal's begins with R
	Version  int64
	Exercise bool
	Ahead    time.Duration // how far a rehearsal's clock is ahead
	Opened   time.Time
	Changed  time.Time
	Closed   time.Time // zero: it is open

	Facts   Facts // as they are held now
	Set     int   // customers in the set
	History []Event

	// What the history says of single things, in the order in which it does.
	Determined *Determination
	Reports    []Filed
	Directions []Event
	Draft      *Report // that waits to be filed
	Closing    *Closing
	TellingBy  string // who had the telling begin; "" it has not
	Paused     bool
	ToldAll    time.Time
	Words      *Words    // for customers, as they were written last
	WordsStep  int       // of the history, that has them; 0: there are none
	WordsBy    string    // who wrote them
	WordsOK    bool      // somebody else has agreed to them
	Answers    Answers   // for the call centre
	Summarized time.Time // when the summary of the year's small breaches was filed that it stands in; zero: it stands in none
}

// Filed is a report that was filed, with its step in the history.
type Filed struct {
	Report
	N  int
	By string
}

// Now is the moment that counts for the incident: the clock's, and in a rehearsal what that is ahead.
func (i *Incident) Now(at time.Time) time.Time { return at.Add(i.Ahead) }

// Customers is how many customers it reached, as far as is known.
func (i *Incident) Customers() int { return max(i.Facts.Customers, i.Set) }

// told reads the history of an incident from the beginning.
func told(i *Incident, history []Event) *Incident {
	for _, e := range history {
		i.take(e)
	}
	return i
}

// take adds a step.
func (i *Incident) take(e Event) {
	i.History = append(i.History, e)
	i.Changed = e.At
	switch e.What {
	case Opened:
		i.Opened, i.Facts = e.At, *e.Facts
	case Corrected:
		i.Facts = *e.Facts
	case Determined:
		i.Determined = e.Determination
	case Reached:
		if e.Count > i.Set { // whoever came in has not been told
			i.ToldAll = time.Time{}
		}
		i.Set = e.Count
	case Drafted:
		i.Draft = e.Report
	case Reported:
		i.Draft = nil
		i.Reports = append(i.Reports, Filed{*e.Report, e.N, e.By})
	case Directed:
		i.Directions = append(i.Directions, e)
	case Telling:
		i.TellingBy, i.Paused, i.ToldAll = e.By, false, time.Time{}
	case TellPaused:
		i.Paused = true
	case TellOn:
		i.Paused = false
	case Worded:
		i.Words, i.WordsStep, i.WordsBy, i.WordsOK = e.Words, e.N, e.By, false
	case WordsAgreed:
		i.WordsOK = true
	case Answered:
		i.Answers = e.Answers
	case Told:
		i.ToldAll = e.At
	case ClosedFile:
		i.Closed, i.Closing = e.At, e.Closing
	case Reopened:
		i.Closed = time.Time{}
	case Summarized:
		i.Summarized = e.Summed.At
	case Advanced:
		i.Ahead += e.Forward
	}
}

// All gives the steps of a kind.
func (i *Incident) All(what What) []Event {
	var all []Event
	for _, e := range i.History {
		if e.What == what {
			all = append(all, e)
		}
	}
	return all
}

// clockFacts are the facts in the words of the clocks.
func (i *Incident) clockFacts(at time.Time, f Facts, set int) clock.Facts {
	return clock.Facts{At: at, Outcome: f.Outcome, Intentional: f.Intentional, GoodFaith: f.GoodFaith, CPNI: slices.ContainsFunc(f.Data, confidential), Personal: len(f.Personal) > 0,
		Encryption: f.Encryption, Customers: max(f.Customers, set), Harm: f.Harm, Basis: f.Basis != ""}
}

// confidential reports whether a class of data is customer proprietary network information: what is published, or tells of nobody, is not.
func confidential(c cpni.DataClass) bool { return c != cpni.Listing && c != cpni.Aggregate }

// Case is what the clocks are reckoned from.
//
// cite: P-44, P-47, P-48
func (i *Incident) Case() clock.Case {
	c := clock.Case{Discovered: i.Facts.Discovered, Told: i.ToldAll, Closed: i.Closed, Summarized: i.Summarized}
	if i.Determined != nil {
		c.Determined, c.Earlier = i.Determined.At, i.Determined.Earlier
	}
	var facts Facts
	set := 0
	dropped := map[string]time.Time{}
	for _, e := range i.History {
		switch e.What {
		case Opened, Corrected:
			facts = *e.Facts
		case Reached:
			set = e.Count
		case Dropped:
			dropped[e.Agency] = e.At
		case Reported:
			c.Reports = append(c.Reports, clock.Report{At: e.Report.At, Agencies: e.Report.Agencies, Urgent: e.Report.Urgent})
		case Directed:
			c.Directions = append(c.Directions, clock.Direction{At: e.Direction.Given, Agency: e.Direction.Agency, Written: e.Direction.Written, Until: e.Direction.Until})
		case Lifted:
			c.Lifts = append(c.Lifts, clock.Lift{At: e.Happened, Agency: e.Agency})
		case Consulted:
			c.Consulted = append(c.Consulted, clock.Consultation{At: e.Happened, Agency: e.Agency})
		case StateAsked:
			c.StateLaws = append(c.StateLaws, clock.StateLaw{At: e.At, State: e.State.State, Law: e.State.Law, By: e.State.By})
		}
		if e.What == Opened || e.What == Corrected || e.What == Reached {
			c.Facts = append(c.Facts, i.clockFacts(e.At, facts, set))
		}
	}
	for n := range c.Directions {
		if at := dropped[c.Directions[n].Agency]; !c.Directions[n].Written && at.After(c.Directions[n].At) {
			c.Directions[n].Dropped = at
		}
	}
	return c
}

// Clocks reckons what is due and what is held now.
//
// cite: P-44, P-47, P-48, I-07
func (d *Desk) Clocks(i *Incident) clock.Clocks {
	now := d.Clock.Now()
	return clock.Reckon(i.Case(), i.Now(now), d.Numbers(now), d.Calendars, d.Zone)
}

// Sees reports whether a member of the staff may know of incidents: whose work it is, and those who look whether it was done.
//
// cite: P-37, P-47, 47 CFR 64.2010(a)
func Sees(m *staff.Member) bool { return m.May(staff.ReadIncidents) }
