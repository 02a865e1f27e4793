package approval

import (
	"slices"
	"time"

	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// Rules are the numbers by which notices count, in days and months.
//
// cite: P-26, P-58, 47 CFR 64.2008(d)
type Rules struct {
	Wait           int // that an opt-out notice must give, by the letter
	MailAdds       int // before the wait of a letter begins, by the letter
	AfterEmail     int // from the day of an e-mail to the first day on which silence counts, as adopted
	AfterMail      int // from the day of mailing, likewise
	RenoticeMonths int
	ConfirmAfter   time.Duration // how long the confirmation of an answer waits for others
}

// RulesOf takes the numbers from the profiles in force. What is adopted is never less than the letter, whatever a profile says.
//
// cite: 47 CFR 64.2008(d)(1)
func RulesOf(n rules.InForce) Rules {
	r := Rules{Wait: n.Int("cpni-core", "opt_out_wait_days"), MailAdds: n.Int("cpni-core", "mail_adds_days"), RenoticeMonths: n.Int("cpni-core", "renotice_months")}
	r.ConfirmAfter = n.Duration("answers", "confirm_after")
	r.AfterEmail = max(r.Wait, n.Int("opt-out-wait", "usable_after_email_days"))
	r.AfterMail = max(r.Wait+r.MailAdds, n.Int("opt-out-wait", "usable_after_mail_days"))
	return r
}

// Usable is the first moment at which silence counts after a notice that was given at a moment. printed is the wait that the notice
// itself names, in days; a longer one than the law's is kept. Days begin and end where, of all zones that matter, they do so last.
//
// cite: P-26, V36, V37, V47, 47 CFR 64.2008(d)(1)
func (r Rules) Usable(given time.Time, mailed bool, printed int, zones ...*time.Location) time.Time {
	days := r.AfterEmail
	if mailed {
		days = r.AfterMail
	}
	days += max(0, printed-r.Wait)
	from := workday.DateIn(given, zones[0])
	for _, z := range zones[1:] {
		if d := workday.DateIn(given, z); d.After(from) {
			from = d
		}
	}
	day := from.Add(days)
	starts := make([]time.Time, len(zones))
	for i, z := range zones {
		starts[i] = day.Start(z)
	}
	return slices.MaxFunc(starts, time.Time.Compare)
}
