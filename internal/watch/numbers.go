package watch

import (
	"time"

	"ringfence/internal/rules"
)

// Numbers are the dated parameters of the detectors, from policy/profiles/watch.yaml.
type Numbers struct {
	Grace                   time.Duration // how much earlier or later than a look-up its contact may have begun
	LonePerDay, LonePerWeek int           // look-ups without a contact

	BurstPerHour, BurstPerDay int // customers of one person
	OwnPercent                int // of what is usual for them
	OwnLeast                  int // below it nothing is too much
	OwnDays                   int // of work without which nothing is usual

	From, To int   // hours of the day in which work is done: from From until before To
	Days     []int // of the week on which it is; Monday is 1
	Closed   int   // customers in one day's other hours

	Refusals, RefusalContacts int
	RefusalsWithin            time.Duration

	SecretCustomers int
	SecretWithin    time.Duration

	AgainContacts, AgainDays int
	AgainWithin              time.Duration
	Longest                  time.Duration // that a contact lasts

	TakeWithin, CloseWithin time.Duration // of a case, from when it was raised
}

// NumbersOf takes the parameters from a policy.
func NumbersOf(n rules.InForce) Numbers {
	const p = "watch"
	return Numbers{
		Grace: n.Duration(p, "look_up_grace"), LonePerDay: n.Int(p, "lone_per_day"), LonePerWeek: n.Int(p, "lone_per_week"),
		BurstPerHour: n.Int(p, "burst_per_hour"), BurstPerDay: n.Int(p, "burst_per_day"),
		OwnPercent: n.Int(p, "burst_own_percent"), OwnLeast: n.Int(p, "burst_own_least"), OwnDays: n.Int(p, "burst_own_days"),
		From: n.Int(p, "hours_from"), To: n.Int(p, "hours_to"), Days: n.Ints(p, "working_days"), Closed: n.Int(p, "closed_customers"),
		Refusals: n.Int(p, "refusals"), RefusalContacts: n.Int(p, "refusals_contacts"), RefusalsWithin: n.Duration(p, "refusals_within"),
		SecretCustomers: n.Int(p, "secret_customers"), SecretWithin: n.Duration(p, "secret_within"),
		AgainContacts: n.Int(p, "again_contacts"), AgainDays: n.Int(p, "again_days"), AgainWithin: n.Duration(p, "again_within"),
		Longest:    n.Duration("security-defaults", "contact_longest"),
		TakeWithin: n.Duration(p, "case_take_within"), CloseWithin: n.Duration(p, "case_close_within"),
	}
}
