package contact

import (
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// Rules are the dated numbers of contacts and proofs.
type Rules struct {
	Secrets             SecretRules
	Customer, Source    ThrottleRules
	Surge               int // failures of everybody in an hour, after which weak PINs are not taken in that hour; 0: no such limit
	AlertAttempts       int // refused for one customer within AlertWithin, at which an alert is raised
	AlertWithin         time.Duration
	Idle, Longest       time.Duration // after which a contact ends by itself
	CodeLife            time.Duration
	CodeTries           int
	WrittenDigits       int
	SpokenDigits        int
	CodesPerContact     int // sent at most in one contact
	CodesFree           int // sent without one coming back right, after which the next waits CodePause and has WrittenDigits
	CodePause           time.Duration
	LetterCodeLife      time.Duration // of a code that goes by post
	CallbackLife        time.Duration // within which a call back that was asked for begins
	CallbacksPerContact int
	AddressOfRecordAge  time.Duration
	DisturbedLine       time.Duration // for which a ported, forwarded or re-SIMmed line is no proof
	Initiation          time.Duration // after service began, in which its first secrets are set without proof
	SIMAskLife          time.Duration // within which a change of a SIM that was asked for is done
	// CMRS: the carrier offers commercial mobile service, which is its own affair as the zone is.
	CMRS bool
	// Zone is the carrier's: an address is of record once its age has passed by the clocks there as well; nil: UTC.
	Zone *time.Location
}

// RulesOf takes the numbers of contacts and proofs from a policy. The zone is the carrier's own affair.
//
// cite: P-19, P-21, P-42, 47 CFR 64.2003(b), 47 CFR 64.2010
func RulesOf(n rules.InForce) Rules {
	const defaults, core = "security-defaults", "cpni-core"
	number := func(name string) int { return n.Int(defaults, name) }
	long := func(name string) time.Duration { return n.Duration(defaults, name) }
	return Rules{
		Secrets: SecretRules{ShortestPassword: number("shortest_password"), PINDigits: number("pin_digits")},
		Customer: ThrottleRules{FreeTries: number("free_tries"), FirstDelay: long("first_delay"), LongestDelay: long("longest_delay"), PerDay: number("failures_per_day"), Closed: long("closed"),
			InAll: number("failures_in_all"), InAllPIN: number("failures_in_all_pin"), InAllWeak: number("failures_in_all_weak")},
		Source: ThrottleRules{FreeTries: number("source_free_tries"), FirstDelay: long("first_delay"), LongestDelay: long("source_longest_delay"),
			PerDay: number("source_failures_per_day"), Closed: long("closed"), InAll: number("source_failures_in_all")},
		AlertAttempts:       number("alert_attempts"),
		AlertWithin:         long("alert_within"),
		Surge:               number("surge_per_hour"),
		Idle:                long("contact_idle"),
		Longest:             long("contact_longest"),
		CodeLife:            long("code_life"),
		CodeTries:           number("code_tries"),
		WrittenDigits:       number("code_digits_written"),
		SpokenDigits:        number("code_digits_spoken"),
		SIMAskLife:          n.Duration("sim-changes", "done_within"),
		CodesPerContact:     number("codes_per_contact"),
		CodesFree:           number("codes_free"),
		CodePause:           long("code_pause"),
		LetterCodeLife:      long("letter_code_life"),
		CallbackLife:        long("callback_life"),
		CallbacksPerContact: number("callbacks_per_contact"),
		Initiation:          long("initiation"),
		AddressOfRecordAge:  n.Duration(core, "address_of_record_age"),
		DisturbedLine:       n.Duration(core, "disturbed_line"),
	}
}

// ofRecord reports whether a is an address of record.
//
// cite: P-21, 47 CFR 64.2003(b)
func (r Rules) ofRecord(a customer.Address, at time.Time) bool {
	return a.OfRecord(at.In(r.Zone), r.AddressOfRecordAge)
}

// ThrottleRules are the dated numbers by which guessing is slowed.
type ThrottleRules = throttle.Rules

// complete fills in what no policy may leave out.
func (r Rules) complete() Rules {
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	r.SpokenDigits, r.WrittenDigits = max(r.SpokenDigits, fewestDigits), max(r.WrittenDigits, fewestDigits)
	return r
}

// fewestDigits is below what no code is set, whatever a policy says.
//
// cite: NIST SP 800-63B
const fewestDigits = 6
