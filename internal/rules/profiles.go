package rules

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"ringfence/internal/workday"
)

// Profiles are the dated numbers of a policy: clocks, waits, ages and floors, each with its source and the days on
// which it is in force.
type Profiles struct{ rows []profileRow }

// profileRow is one entry of a file in profiles/.
type profileRow struct {
	Profile        string         `yaml:"profile"`
	Section        string         `yaml:"section"`
	State          string         `yaml:"state"` // in-force or dormant
	EffectiveFrom  string         `yaml:"effective_from"`
	SupersededFrom string         `yaml:"superseded_from"`
	Source         string         `yaml:"source"`
	Citation       string         `yaml:"citation"` // page of the Federal Register that announced effective_from, when source is not that page
	LastVerified   string         `yaml:"last_verified"`
	Numbers        map[string]any `yaml:"numbers"`
	// Words are lists of words, of the profiles that have some: see process.go.
	Words map[string][]string `yaml:"words"`

	file        string
	from, until workday.Date // until is zero when nothing has superseded it
	numbers     map[string]number
}

// number is a whole number, a length of time or a list of whole numbers.
type number struct {
	whole int
	list  []int
	long  time.Duration
	kind  string // whole, list, duration
}

const (
	whole    = "whole"
	listed   = "list"
	duration = "duration"
)

// needed are the numbers that the program asks for; a policy without one of them is refused when it is loaded.
var needed = map[string]map[string]string{
	"written-request": {"wait": duration, "link_for": duration, "page_idle": duration, "free_tries": whole, "first_delay": duration, "longest_delay": duration, "tries_in_all": whole,
		"source_tries_per_day": whole, "prove_within": duration, "reach_within": duration, "remind_every": duration},
	"aggregate": {"largest_percent": whole, "two_largest_percent": whole, "settled_days": whole},
	"directory": {"keep_file": duration},
	"cpni-core": {"address_of_record_age": duration, "renotice_months": whole, "opt_out_wait_days": whole, "mail_adds_days": whole,
		"disturbed_line": duration, "smallest_cell": whole, "training_life": duration, "training_notice": duration, "training_reminder_days": listed, "case_within": duration, "decision_within": duration},
	"security-defaults": {"shortest_password": whole, "pin_digits": whole, "free_tries": whole, "first_delay": duration, "longest_delay": duration,
		"failures_per_day": whole, "closed": duration, "failures_in_all": whole, "failures_in_all_pin": whole, "failures_in_all_weak": whole,
		"source_free_tries": whole, "source_longest_delay": duration, "source_failures_per_day": whole, "source_failures_in_all": whole, "surge_per_hour": whole,
		"sign_in_free_tries": whole, "sign_in_longest_delay": duration, "sign_in_failures_per_day": whole, "sign_in_failures_in_all": whole, "initiation": duration, "alert_attempts": whole, "alert_within": duration,
		"code_life": duration, "code_tries": whole, "codes_per_contact": whole, "codes_free": whole, "code_pause": duration, "code_digits_written": whole, "code_digits_spoken": whole,
		"contact_idle": duration, "contact_longest": duration, "session_idle": duration, "session_longest": duration, "second_factor_required": whole, "sign_in_life": duration, "step_up": duration, "recovery_codes": whole, "invite_life": duration,
		"key_life": duration, "key_misses_per_minute": whole, "proposal_life": duration,
		"idempotency_life": duration, "emergency_justified_within": duration, "argon2_memory_kib": whole, "argon2_passes": whole,
		"course_pause": duration, "course_attempts_per_day": whole, "course_attempt_life": duration},
	"watch": {"look_up_grace": duration, "lone_per_day": whole, "lone_per_week": whole, "burst_per_hour": whole, "burst_per_day": whole,
		"burst_own_percent": whole, "burst_own_least": whole, "burst_own_days": whole, "hours_from": whole, "hours_to": whole, "working_days": listed, "closed_customers": whole,
		"refusals": whole, "refusals_contacts": whole, "refusals_within": duration, "secret_customers": whole, "secret_within": duration,
		"again_contacts": whole, "again_days": whole, "again_within": duration, "case_take_within": duration, "case_close_within": duration},
	"opt-out-failure":  {"letter_business_days": whole, "letter_reminder_business_days": listed},
	"certificate":      {"due_month": whole, "due_day": whole, "alarm_days": listed, "sample_each": whole, "sample_most": whole, "verified_within": duration},
	"answers":          {"read_business_days": whole, "confirm_after": duration, "backdate_days": whole},
	"opt-out-monitors": {"try_every": duration, "failures_in_a_row": whole, "record_within": duration, "answer_within": duration, "silent_after": duration},
	"messages": {"notice_within": duration, "retry_first": duration, "retry_longest": duration, "email_for": duration, "text_for": duration, "voice_for": duration, "postal_for": duration,
		"lease": duration, "quiet_from": whole, "quiet_until": whole, "mailed_within": duration, "tests_per_hour": whole},
	"partners":      {"destroy_reminder_days": listed, "fetch_within": duration, "key_life": duration, "webhook_first": duration, "webhook_longest": duration, "webhook_for": duration},
	"public-policy": {"facility_verified_within": duration},
	"portal":        {"session_idle": duration, "session_longest": duration, "sign_in_life": duration, "step_up": duration, "most_passkeys": whole, "surge_per_hour": whole, "surge_source_tries": whole, "unasked_codes": whole, "unasked_code_pause": duration},
	"notices":       {"new_customer_grace_days": whole, "on_the_way_days": whole, "lapse_alarm_days": listed},
	"sim-changes":   {"done_within": duration},
	"witnesses":     {"ask_apart": duration, "ask_again": duration, "retry_first": duration, "retry_longest": duration, "alert_after": duration},
	"matters": {"protection_remind": duration, "protection_close": duration, "protection_longest": duration, "ticket_remind": duration, "ticket_close": duration, "ticket_longest": duration,
		"order_remind": duration, "order_close": duration, "order_longest": duration, "port_remind": duration, "port_close": duration, "port_longest": duration,
		"collection_remind": duration, "collection_close": duration, "collection_longest": duration, "port_barred_after": duration},

	"supplier-reviews": {"review_every_months": whole, "first_review_within_days": whole},
}

// readProfiles reads profiles/*.yaml and checks every row.
func readProfiles(policy fs.FS) (*Profiles, error) {
	names, err := fs.Glob(policy, "profiles/*.yaml")
	if err != nil {
		return nil, wrong("profiles cannot be read: %v", err)
	}
	p := &Profiles{}
	for _, name := range names {
		text, err := fs.ReadFile(policy, name)
		if err != nil {
			return nil, wrong("%s cannot be read: %v", name, err)
		}
		var rows []profileRow
		if err := yaml.UnmarshalWithOptions(text, &rows, yaml.Strict()); err != nil {
			return nil, wrong("%s: %s", name, yaml.FormatError(err, false, true))
		}
		for i := range rows {
			rows[i].file = name
			if err := rows[i].check(); err != nil {
				return nil, wrong("%s, row %d (%s): %v", name, i+1, rows[i].Profile, err)
			}
		}
		p.rows = append(p.rows, rows...)
	}
	return p, p.overlaps()
}

func (r *profileRow) check() (err error) {
	switch {
	case r.Profile == "" || r.Section == "" || r.Source == "":
		return fmt.Errorf("profile, section and source are needed")
	case len(r.Numbers) == 0:
		return fmt.Errorf("it has no numbers")
	case r.State != "in-force" && r.State != "dormant":
		return fmt.Errorf("state is in-force or dormant, not %q", r.State)
	case (r.State == "in-force") != (r.EffectiveFrom != ""):
		return fmt.Errorf("what is in force has its effective_from, and what is dormant has none")
	case r.Citation != "" && !registerPage.MatchString(r.Citation):
		return fmt.Errorf("citation is a page of the Federal Register, such as 91 FR 12345")
	}
	if _, err := workday.ParseDate(r.LastVerified); err != nil {
		return fmt.Errorf("last_verified: %w", err)
	}
	if r.EffectiveFrom != "" {
		if r.from, err = workday.ParseDate(r.EffectiveFrom); err != nil {
			return fmt.Errorf("effective_from: %w", err)
		}
	}
	if r.SupersededFrom != "" {
		if r.until, err = workday.ParseDate(r.SupersededFrom); err != nil {
			return fmt.Errorf("superseded_from: %w", err)
		}
		if !r.from.Before(r.until) {
			return fmt.Errorf("superseded_from does not lie after effective_from")
		}
	}
	r.numbers = map[string]number{}
	for name, value := range r.Numbers {
		if r.numbers[name], err = readNumber(value); err != nil {
			return fmt.Errorf("number %s: %w", name, err)
		}
	}
	return r.checkProcess()
}

func readNumber(value any) (number, error) {
	switch v := value.(type) {
	case uint64:
		if v > 1<<40 {
			return number{}, fmt.Errorf("%d is too large", v)
		}
		return number{whole: int(v), kind: whole}, nil
	case string:
		d, err := readDuration(v)
		return number{long: d, kind: duration}, err
	case []any:
		n := number{kind: listed}
		for _, x := range v {
			u, ok := x.(uint64)
			if !ok || u > 1<<30 {
				return n, fmt.Errorf("a list holds whole numbers")
			}
			n.list = append(n.list, int(u))
		}
		return n, nil
	}
	return number{}, fmt.Errorf("%v is neither a whole number, nor a length of time such as 720h, nor a list of whole numbers", value)
}

// readDuration reads a length of time: hours, minutes and seconds as Go writes them, or whole days of 24 hours as 30d.
func readDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		text = days + "h"
		d, err := time.ParseDuration(text)
		return 24 * d, err
	}
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%q is not a length of time", text)
	}
	return d, err
}

// overlaps refuses two rows that give one number of one profile at the same time.
func (p *Profiles) overlaps() error {
	for i, a := range p.rows {
		for _, b := range p.rows[:i] {
			apart := !a.until.IsZero() && !b.from.Before(a.until) || !b.until.IsZero() && !a.from.Before(b.until)
			if a.Profile != b.Profile || a.State != b.State || a.State == "in-force" && apart {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(a.numbers)) {
				if _, twice := b.numbers[name]; twice {
					return wrong("%s and %s both give %s of the profile %s for the same time; end the older row with superseded_from", b.file, a.file, name, a.Profile)
				}
			}
			if len(a.Words) > 0 && len(b.Words) > 0 {
				return wrong("%s and %s both give words of the profile %s for the same time; end the older row with superseded_from", b.file, a.file, a.Profile)
			}
		}
	}
	return nil
}

// complete refuses a policy that lacks a number which the program needs.
func (p *Profiles) complete() error {
	for profile, numbers := range needed {
		for name, kind := range numbers {
			found := false
			for _, r := range p.rows {
				if n, ok := r.numbers[name]; ok && r.Profile == profile && r.State == "in-force" {
					if found = true; n.kind != kind {
						return wrong("%s: %s of the profile %s is a %s, not a %s", r.file, name, profile, kind, n.kind)
					}
				}
			}
			if !found {
				return wrong("no profile in force gives %s of %s", name, profile)
			}
		}
	}
	return p.standComplete()
}

// Names lists the profiles that the policy knows, in force or dormant, sorted.
func (p *Profiles) Names() []string {
	var all []string
	for _, r := range p.rows {
		all = append(all, r.Profile)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Row is one entry of the dated numbers, for showing.
type Row struct {
	Profile, Section, State, From, Until, Source, LastVerified string
	Citation                                                   string   // page of the Federal Register that announced From; "": none but Source
	Numbers                                                    []string // name and value, sorted
}

// Rows lists all entries by profile, section and date.
func (p *Profiles) Rows() []Row {
	all := make([]Row, len(p.rows))
	for i, r := range p.rows {
		all[i] = Row{Profile: r.Profile, Section: r.Section, State: r.State, From: r.EffectiveFrom, Until: r.SupersededFrom, Source: r.Source, LastVerified: r.LastVerified, Citation: r.Citation}
		for name, v := range r.Numbers {
			all[i].Numbers = append(all[i].Numbers, fmt.Sprintf("%s: %v", name, v))
		}
		for name, v := range r.Words {
			all[i].Numbers = append(all[i].Numbers, name+": "+strings.Join(v, ", "))
		}
		slices.Sort(all[i].Numbers)
	}
	slices.SortFunc(all, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Section, b.Section), cmp.Compare(a.From, b.From))
	})
	return all
}

// InForce are the numbers in force on one day.
type InForce struct {
	profiles *Profiles
	day      workday.Date
}

// At gives the numbers in force on day, which the carrier's zone decides.
func (p *Profiles) At(day workday.Date) InForce { return InForce{p, day} }

func (n InForce) find(profile, name string) (number, bool) {
	for _, r := range n.profiles.rows {
		if r.Profile != profile || r.State != "in-force" || n.day.Before(r.from) || !r.until.IsZero() && !n.day.Before(r.until) {
			continue
		}
		if v, ok := r.numbers[name]; ok {
			return v, true
		}
	}
	return number{}, false
}

// get gives a number. On a day before the first row of a number that is needed, the first row counts: there was no
// time without a rule for a record that we keep.
func (n InForce) get(profile, name, kind string) number {
	v, ok := n.find(profile, name)
	if !ok {
		var first *profileRow
		for i := range n.profiles.rows {
			r := &n.profiles.rows[i]
			if _, has := r.numbers[name]; has && r.Profile == profile && r.State == "in-force" && (first == nil || r.from.Before(first.from)) {
				first = r
			}
		}
		if first == nil {
			panic(fmt.Sprintf("rules: no number %s of profile %s is in force; name it in needed", name, profile))
		}
		v = first.numbers[name]
	}
	if v.kind != kind {
		panic(fmt.Sprintf("rules: the number %s of profile %s is a %s, asked for as a %s", name, profile, v.kind, kind))
	}
	return v
}

// Int gives a whole number.
func (n InForce) Int(profile, name string) int { return n.get(profile, name, whole).whole }

// Known gives a whole number that not every policy has, such as one that was made before there was need of it.
func (n InForce) Known(profile, name string) (int, bool) {
	v, ok := n.find(profile, name)
	return v.whole, ok && v.kind == whole
}

// Ints gives a list of whole numbers.
func (n InForce) Ints(profile, name string) []int { return n.get(profile, name, listed).list }

// Duration gives a length of time.
func (n InForce) Duration(profile, name string) time.Duration {
	return n.get(profile, name, duration).long
}

// Has reports whether the profile has a row in force.
func (n InForce) Has(profile string) bool {
	return slices.ContainsFunc(n.profiles.rows, func(r profileRow) bool {
		return r.Profile == profile && r.State == "in-force" && !n.day.Before(r.from) && (r.until.IsZero() || n.day.Before(r.until))
	})
}

// Numbers gives the figures that decisions rest on; unaidedDetail is the carrier's choice.
func (n InForce) Numbers(unaidedDetail bool) Numbers {
	const core = "cpni-core"
	return Numbers{
		AddressOfRecordAge: int64(n.Duration(core, "address_of_record_age") / time.Second),
		DisturbedLine:      int64(n.Duration(core, "disturbed_line") / time.Second),
		SmallestCell:       n.Int(core, "smallest_cell"),
		RenoticeMonths:     n.Int(core, "renotice_months"),
		UnaidedDetail:      unaidedDetail,
	}
}
