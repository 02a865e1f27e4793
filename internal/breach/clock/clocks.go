package clock

import (
	"time"

	"ringfence/internal/workday"
)

// Profile names the rule under which something is reckoned.
type Profile string

// The profiles.
const (
	Rule2007 Profile = "breach-2007"
	Rule2023 Profile = "breach-2023"
)

// Clocks are what is due and what is held, as of a moment.
type Clocks struct {
	Now time.Time `json:"now"`
	// Kind is what the incident is under the rules that count for it, and Why says why.
	Kind Kind     `json:"kind"`
	Why  []Reason `json:"why"`
	// Counting are the rules that count for it; the other is reckoned all the same.
	Counting []Profile         `json:"counting"`
	Under    map[Profile]Under `json:"under"` // both, always

	Agencies   []Agency     `json:"agencies,omitempty"`     // to whom it is to be reported, of all rules that count
	AgenciesBy workday.Date `json:"agencies_by,omitzero"`   // the last day in time of what is not reported yet, or was reported last
	Reported   time.Time    `json:"reported,omitzero"`      // when all of them had it
	Late       bool         `json:"late,omitempty"`         // reported after AgenciesBy, or not reported and that day is over
	SummaryBy  workday.Date `json:"summary_by,omitzero"`    // when the summary of a year's small breaches is due
	Summary    int          `json:"summary_year,omitempty"` // the year that it is of

	// Held reports whether customers must not be told now, and Hold the codes of why: LE_HOLD, NEED_WRITING.
	Held bool   `json:"held"`
	Hold string `json:"hold,omitempty"`
	// From is the first moment at which customers may be told; zero: not known yet.
	From time.Time `json:"from,omitzero"`
	// OralUntil is when a direction that was only spoken no longer keeps the hold; zero: there is none. It does not move From: from then on
	// customers may be told once it is over or done with. Whoever tells customers asks for Held.
	OralUntil time.Time `json:"oral_until,omitzero"`
	// By is the last day on which they have to be told; zero: nobody has to be.
	By   workday.Date `json:"by,omitzero"`
	Must bool         `json:"must"` // customers have to be told
	// CustomersLate reports that they were told only after By, or are not told and that day is over; a hold that goes beyond By goes before.
	CustomersLate bool `json:"customers_late,omitempty"`
	// Window is lawful under both rules at once, whichever counts; zero dates: there is none yet.
	WindowFrom time.Time    `json:"window_from,omitzero"`
	WindowBy   workday.Date `json:"window_by,omitzero"`

	Conflicts []Conflict `json:"conflicts,omitempty"`
	Lines     []Line     `json:"lines"`     // the timeline
	Reminders []Reminder `json:"reminders"` // of what is not done, by day
}

// Under is what one rule asks for.
type Under struct {
	Kind       Kind         `json:"kind"`
	Why        []Reason     `json:"why"`
	InForce    bool         `json:"in_force"`
	Agencies   []Agency     `json:"agencies,omitempty"`
	AgenciesBy workday.Date `json:"agencies_by,omitzero"`
	Reported   time.Time    `json:"reported,omitzero"` // when all of its agencies had it
	Must       bool         `json:"must"`
	From       time.Time    `json:"from,omitzero"`
	By         workday.Date `json:"by,omitzero"`
	SummaryBy  workday.Date `json:"summary_by,omitzero"`
}

// Reason is why something is so, for people, with where it is written.
type Reason struct {
	Says  string   `json:"says"`
	Cites []string `json:"cites"`
}

// Line is one clock as a picture shows it: every day from its beginning, counted or skipped and why.
type Line struct {
	Name  string        `json:"name"` // agencies, hold, customers, direction, summary
	Says  string        `json:"says"`
	From  time.Time     `json:"from"`
	Count workday.Count `json:"count"`
	Cites []string      `json:"cites"`
}

// Conflict is a duty that cannot be kept together with a hold, and which of them goes before.
type Conflict struct {
	Says  string   `json:"says"`
	Cites []string `json:"cites"`
}

// Reminder is that something is to be done, on a day.
type Reminder struct {
	On    workday.Date `json:"on"`
	Code  string       `json:"code"` // of the alert: LE_DUE, LATE_LE, CUSTOMERS_DUE, CUSTOMERS_LATE, NEED_WRITING, SUMMARY_DUE, SUMMARY_LATE
	Says  string       `json:"says"`
	To    string       `json:"to"` // the role that is asked: compliance, and officer once it presses
	Cites []string     `json:"cites"`
}
