package clock

import (
	"time"

	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// Rule are the dated numbers of one rule, and the days on which it is in force. What a rule does not know is 0 in it.
type Rule struct {
	Profile Profile
	Spans   []rules.Span // none: it is dormant

	AgenciesDays int   // business days from the determination within which the agencies are told
	HoldDays     int   // full business days after their report for which customers are not; 0: only the report is waited for
	Directions   int   // calendar days that an agency's first direction may last
	Customers    int   // calendar days from the determination within which customers are told
	Reminders    []int // business days from the determination on which the report is asked for
	Escalate     int   // the business day from which on the officer is asked
	LastDays     int   // each of the last so many days on which customers have to be told is asked for

	SmallBelow       int // fewer customers than this, without likely harm, need no report; 0: every breach is reported
	SummaryMonth     time.Month
	SummaryDay       int   // of the year after, when the summary of the small ones is due
	SummaryReminders []int // calendar days before that on which it is asked for
}

// Numbers are the numbers of both rules, as they stand on a day.
type Numbers struct {
	Of2007, Of2023 Rule
	LetterDays     int // business days for the letter about an opt-out way that failed
}

// NumbersOf takes the numbers out of the policy. Both rules are there, whichever is in force: an incident that began under the old one
// is measured by it after the switch, and what the next would ask is shown before.
//
// cite: P-43, 47 CFR 64.2011, 47 CFR 64.2009(f), V34
func NumbersOf(n rules.InForce) Numbers {
	old, next := n.Dated(string(Rule2007)), n.Dated(string(Rule2023))
	all := Numbers{Of2007: common(Rule2007, old), Of2023: common(Rule2023, next), LetterDays: n.Int("opt-out-failure", "letter_business_days")}
	all.Of2007.HoldDays = old.Int("hold_business_days")
	all.Of2007.Customers = old.Int("customers_target_days")
	all.Of2023.Customers = next.Int("customers_days")
	all.Of2023.SmallBelow = next.Int("small_breach_below")
	all.Of2023.SummaryMonth = time.Month(next.Int("small_breach_summary_month"))
	all.Of2023.SummaryDay = next.Int("small_breach_summary_day")
	all.Of2023.SummaryReminders = next.Ints("small_breach_summary_reminder_days")
	return all
}

func common(profile Profile, d rules.Dated) Rule {
	return Rule{
		Profile: profile, Spans: d.Spans,
		AgenciesDays: d.Int("agencies_business_days"), Directions: d.Int("direction_days"),
		Reminders: d.Ints("reminders_business_days"), Escalate: d.Int("escalate_business_day"), LastDays: d.Int("customers_reminder_days"),
	}
}

// during gives the first day of the earliest span of r that shares a day with those from the first to the last, and whether there is one.
func (r Rule) during(first, last workday.Date) (workday.Date, bool) {
	for _, s := range r.Spans {
		if !s.From.After(last) && (s.Until.IsZero() || first.Before(s.Until)) {
			return s.From, true
		}
	}
	return workday.Date{}, false
}
