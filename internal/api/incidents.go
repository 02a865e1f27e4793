package api

import (
	"encoding/json"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// IncidentFacts are what is held of an incident. A correction gives them whole. What is not known counts as the worst that it may be.
//
// cite: P-43, P-50, P-52, 47 CFR 64.2011(d), 47 CFR 64.2011(e)
type IncidentFacts struct {
	Title        string           `json:"title,omitempty" maxLength:"120" doc:"A few words that name it; never a customer's. The beginning of what happened when not given."`
	What         string           `json:"what" minLength:"1" maxLength:"20000" doc:"What happened, and under which circumstances."`
	How          string           `json:"how,omitempty" maxLength:"20000"`
	Discovered   *time.Time       `json:"discovered,omitempty" doc:"When somebody first knew of it; now, when not given."`
	DiscoveredBy string           `json:"discovered_by,omitempty" maxLength:"400" doc:"A member's id, or in words; the caller's member when not given."`
	From         string           `json:"from,omitempty" maxLength:"10" doc:"The first day on which it happened, such as 2026-11-24."`
	Until        string           `json:"until,omitempty" maxLength:"10" doc:"The last day."`
	Source       string           `json:"source,omitempty" maxLength:"400" doc:"From where it was learned: an alert's, case's or contact's id, or in words."`
	Data         []cpni.DataClass `json:"data,omitempty" maxItems:"20"`
	Personal     []string         `json:"personal,omitempty" maxItems:"20" doc:"Other covered data, in words."`
	Outcome      clock.Outcome    `json:"outcome,omitempty" enum:"attempted,accessed,used,disclosed" doc:"accessed when not given."`
	Intentional  clock.Truth      `json:"intentional,omitempty" enum:"yes,no,unknown"`
	GoodFaith    clock.Truth      `json:"good_faith,omitempty" enum:"yes,no,unknown" doc:"An employee or agent came upon it in good faith and made nothing of it."`
	Encryption   clock.Encryption `json:"encryption,omitempty" enum:"none,key-unknown,key-safe"`
	Harm         clock.Harm       `json:"harm,omitempty" enum:"likely,unlikely,unknown"`
	Basis        string           `json:"basis,omitempty" maxLength:"20000" doc:"Of the findings on intent, good faith, keys, harm and count."`
	Customers    int              `json:"customers,omitempty" minimum:"0" doc:"How many, as far as is known."`
	CarrierLoss  *int64           `json:"carrier_loss,omitempty" minimum:"0" doc:"Estimated, in cents."`
	CustomerLoss *int64           `json:"customer_loss,omitempty" minimum:"0" doc:"Estimated, in cents."`
}

// facts reads what a caller has sent.
func (f IncidentFacts) facts(by cpni.ID, now time.Time) (breach.Facts, error) {
	out := breach.Facts{Title: f.Title, What: f.What, How: f.How, Discovered: now, DiscoveredBy: f.DiscoveredBy, Source: f.Source, Data: f.Data, Personal: f.Personal, Outcome: f.Outcome, Intentional: f.Intentional, GoodFaith: f.GoodFaith,
		Encryption: f.Encryption, Harm: f.Harm, Basis: f.Basis, Customers: f.Customers, CarrierLoss: f.CarrierLoss, CustomerLoss: f.CustomerLoss}
	if f.Discovered != nil {
		out.Discovered = *f.Discovered
	}
	if out.DiscoveredBy == "" {
		out.DiscoveredBy = string(by)
	}
	var err error
	if out.From, err = dayOf(f.From); err != nil {
		return out, err
	}
	out.Until, err = dayOf(f.Until)
	return out, err
}

// dayOf reads a day; "" is none.
func dayOf(text string) (workday.Date, error) {
	if text == "" {
		return workday.Date{}, nil
	}
	d, err := workday.ParseDate(text)
	if err != nil {
		return d, badInput("a day is no date of the form 2026-11-24")
	}
	return d, nil
}

func factsOf(f breach.Facts) IncidentFacts {
	return IncidentFacts{Title: f.Title, What: f.What, How: f.How, Discovered: momentOf(f.Discovered), DiscoveredBy: f.DiscoveredBy, From: dateText(f.From), Until: dateText(f.Until), Source: f.Source, Data: f.Data, Personal: f.Personal,
		Outcome: f.Outcome, Intentional: f.Intentional, GoodFaith: f.GoodFaith, Encryption: f.Encryption, Harm: f.Harm, Basis: f.Basis, Customers: f.Customers, CarrierLoss: f.CarrierLoss, CustomerLoss: f.CustomerLoss}
}

// IncidentTaken is what whoever reports an incident is told: that it was taken in. What becomes of it only those see whose work it is.
//
// cite: P-43, P-47, 47 CFR 64.2011(a)
type IncidentTaken struct {
	ID     cpni.ID `json:"id"`
	Number string  `json:"number" doc:"By which people call it, such as I-2026-3; a rehearsal's begins with R."`
}

// Incident is a file in a list.
//
// cite: P-43, P-49
type Incident struct {
	ID       cpni.ID    `json:"id"`
	Number   string     `json:"number"`
	Version  int64      `json:"version" doc:"Whoever acts on the file may name the version that they have read."`
	State    string     `json:"state" enum:"open,closed"`
	Exercise bool       `json:"exercise,omitempty" doc:"A rehearsal: nothing of it goes to anybody."`
	Opened   time.Time  `json:"opened"`
	Changed  time.Time  `json:"changed"`
	Closed   *time.Time `json:"closed,omitempty"`
	Title    string     `json:"title"`
	Clocks   Clocks     `json:"clocks"`
}

// Clocks are what is due and what is held, as of a moment.
//
// cite: P-44, P-47, P-48, 47 CFR 64.2011
type Clocks struct {
	Now      time.Time       `json:"now" doc:"The incident's: in a rehearsal that is ahead."`
	Kind     clock.Kind      `json:"kind" enum:"breach,register-entry,attempt" doc:"Under the rules that count for it."`
	Why      []ClockReason   `json:"why"`
	Counting []clock.Profile `json:"counting" doc:"The rules that count for it."`
	Under    []ClocksUnder   `json:"under" doc:"What each rule asks for, also the one that does not count."`

	Agencies   []clock.Agency `json:"agencies" doc:"To whom it is to be reported, of all rules that count."`
	AgenciesBy string         `json:"agencies_by,omitempty" doc:"The last day for the report that is not filed yet, or was filed last."`
	Reported   *time.Time     `json:"reported,omitempty" doc:"When all of them had it."`
	Late       bool           `json:"late,omitempty" doc:"They were told after that day, or are not told and it is over."`
	SummaryBy  string         `json:"summary_by,omitempty" doc:"When the summary of the year's small breaches is due."`

	Held          bool            `json:"held" doc:"Customers must not be told now."`
	Hold          cpni.Code       `json:"hold,omitempty" doc:"Why: LE_HOLD or NEED_WRITING."`
	Must          bool            `json:"must_tell" doc:"Customers have to be told."`
	CustomersFrom *time.Time      `json:"customers_from,omitempty" doc:"The first moment at which they may be told; none: it is not known yet."`
	OralUntil     *time.Time      `json:"oral_until,omitempty" doc:"When a direction that was only spoken no longer keeps the hold."`
	CustomersBy   string          `json:"customers_by,omitempty" doc:"The last day."`
	CustomersLate bool            `json:"customers_late,omitempty"`
	WindowFrom    *time.Time      `json:"window_from,omitempty" doc:"Of the days that are lawful under both rules at once."`
	WindowBy      string          `json:"window_by,omitempty"`
	Conflicts     []ClockReason   `json:"conflicts,omitempty" doc:"Duties that cannot be kept together with the hold, and which goes before."`
	Lines         []ClockLine     `json:"lines,omitempty" doc:"The timeline: of each clock every day, counted or skipped and why. Not in lists."`
	Reminders     []ClockReminder `json:"reminders,omitempty" doc:"Of what is not done. Not in lists."`
}

// ClockReason is why something is so, with where it is written.
type ClockReason struct {
	Says  string   `json:"says"`
	Cites []string `json:"cites"`
}

// ClocksUnder is what one rule asks for.
type ClocksUnder struct {
	Rule          clock.Profile  `json:"rule" enum:"breach-2007,breach-2023"`
	InForce       bool           `json:"in_force"`
	Kind          clock.Kind     `json:"kind"`
	Why           []ClockReason  `json:"why"`
	Agencies      []clock.Agency `json:"agencies"`
	AgenciesBy    string         `json:"agencies_by,omitempty"`
	Reported      *time.Time     `json:"reported,omitempty"`
	Must          bool           `json:"must_tell"`
	CustomersFrom *time.Time     `json:"customers_from,omitempty"`
	CustomersBy   string         `json:"customers_by,omitempty"`
	SummaryBy     string         `json:"summary_by,omitempty"`
}

// ClockLine is one clock, day by day.
type ClockLine struct {
	Name     string     `json:"name" doc:"agencies, hold, customers, direction or summary."`
	Says     string     `json:"says"`
	From     time.Time  `json:"from"`
	Calendar string     `json:"calendar,omitempty" doc:"deadline or hold; none: calendar days were counted."`
	Days     []ClockDay `json:"days"`
	Last     string     `json:"last"`
	Version  string     `json:"calendars" doc:"The version of the calendars."`
	Cites    []string   `json:"cites"`
}

// ClockDay is one day of a clock.
type ClockDay struct {
	Date   string `json:"date"`
	Number int    `json:"number" doc:"Which of the counted days it is; 0: it is skipped."`
	Why    string `json:"why,omitempty" doc:"Why it is skipped, or what is particular about it."`
}

// ClockReminder is that something is to be done, on a day.
type ClockReminder struct {
	On    string    `json:"on"`
	Code  cpni.Code `json:"code"`
	Says  string    `json:"says"`
	To    string    `json:"to" doc:"The role that is asked."`
	Cites []string  `json:"cites"`
}

func reasonsOf(all []clock.Reason) []ClockReason {
	out := []ClockReason{}
	for _, r := range all {
		out = append(out, ClockReason{r.Says, r.Cites})
	}
	return out
}

func agenciesOf(all []clock.Agency) []clock.Agency {
	return append([]clock.Agency{}, all...)
}

// clocksOf writes clocks; whole with their timelines.
func clocksOf(c clock.Clocks, whole bool) Clocks {
	out := Clocks{Now: c.Now, Kind: c.Kind, Why: reasonsOf(c.Why), Counting: c.Counting, Under: []ClocksUnder{}, Agencies: agenciesOf(c.Agencies), AgenciesBy: dateText(c.AgenciesBy), Reported: momentOf(c.Reported), Late: c.Late, SummaryBy: dateText(c.SummaryBy),
		Held: c.Held, Hold: cpni.Code(c.Hold), Must: c.Must, CustomersFrom: momentOf(c.From), OralUntil: momentOf(c.OralUntil), CustomersBy: dateText(c.By), CustomersLate: c.CustomersLate, WindowFrom: momentOf(c.WindowFrom), WindowBy: dateText(c.WindowBy)}
	for _, p := range []clock.Profile{clock.Rule2007, clock.Rule2023} {
		u := c.Under[p]
		out.Under = append(out.Under, ClocksUnder{p, u.InForce, u.Kind, reasonsOf(u.Why), agenciesOf(u.Agencies), dateText(u.AgenciesBy), momentOf(u.Reported), u.Must, momentOf(u.From), dateText(u.By), dateText(u.SummaryBy)})
	}
	for _, x := range c.Conflicts {
		out.Conflicts = append(out.Conflicts, ClockReason{x.Says, x.Cites})
	}
	if !whole {
		return out
	}
	for _, l := range c.Lines {
		line := ClockLine{Name: l.Name, Says: l.Says, From: l.From, Calendar: string(l.Count.Calendar), Days: []ClockDay{}, Last: dateText(l.Count.Last), Version: l.Count.Version, Cites: l.Cites}
		for _, d := range l.Count.Days {
			line.Days = append(line.Days, ClockDay{dateText(d.Date), d.Number, d.Why})
		}
		out.Lines = append(out.Lines, line)
	}
	for _, r := range c.Reminders {
		out.Reminders = append(out.Reminders, ClockReminder{dateText(r.On), cpni.Code(r.Code), r.Says, r.To, r.Cites})
	}
	return out
}

// WholeIncident is a file with its history.
//
// cite: P-49, P-51, 47 CFR 64.2011(d)
type WholeIncident struct {
	Incident
	Facts     IncidentFacts   `json:"facts"`
	Set       int             `json:"set" doc:"How many customers are in the set; GET …/customers lists them."`
	Tally     map[string]int  `json:"tally" doc:"How many customers of the set are in each state of being told."`
	Telling   string          `json:"telling" enum:"not-begun,running,paused,ended"`
	History   []IncidentStep  `json:"history" doc:"In its order. Steps are added and never changed."`
	Papers    []IncidentPaper `json:"papers"`
	Missing   []IncidentGap   `json:"missing,omitempty" doc:"What the file lacks before it can be closed, beside the texts of its closing."`
	KeptUntil *time.Time      `json:"kept_until,omitempty" doc:"The first moment at which a closed file may be removed."`
}

// IncidentStep is one step in the history of a file.
type IncidentStep struct {
	N     int            `json:"n"`
	At    time.Time      `json:"at" doc:"When it was recorded; in a rehearsal, on the rehearsal's clock."`
	What  string         `json:"what"`
	By    string         `json:"by" doc:"A member's id, or system."`
	Entry cpni.ID        `json:"entry" doc:"Of the ledger, which holds the hash of the step."`
	Tells map[string]any `json:"tells" doc:"What the step says; which fields depends on what it is."`
}

// IncidentPaper is what was filed, received or attached.
type IncidentPaper struct {
	N     int       `json:"n"`
	At    time.Time `json:"at"`
	Name  string    `json:"name"`
	Media string    `json:"media"`
	Hash  string    `json:"hash" doc:"SHA-256."`
}

// IncidentGap is something that a file lacks.
type IncidentGap struct {
	Says    string   `json:"says"`
	Clauses []string `json:"clauses"`
	Next    []string `json:"next"`
}

func (a *API) incidentOf(i *breach.Incident, whole bool) Incident {
	out := Incident{ID: i.ID, Number: i.Number, Version: i.Version, State: "open", Exercise: i.Exercise, Opened: i.Opened, Changed: i.Changed, Closed: momentOf(i.Closed), Title: i.Facts.Title, Clocks: clocksOf(a.office.Incidents.Clocks(i), whole)}
	if !i.Closed.IsZero() {
		out.State = "closed"
	}
	return out
}

// stepsOf writes a history.
func stepsOf(history []breach.Event) ([]IncidentStep, error) {
	out := []IncidentStep{}
	for _, e := range history {
		s := IncidentStep{N: e.N, At: e.At, What: string(e.What), By: e.By, Entry: e.Entry, Tells: map[string]any{}}
		text, err := json.Marshal(e)
		if err == nil {
			err = json.Unmarshal(text, &s.Tells)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
