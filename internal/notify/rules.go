package notify

import (
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// Rules are the dated numbers of messages.
type Rules struct {
	NoticeWithin             time.Duration // of a change, until its notice has gone
	RetryFirst, RetryLongest time.Duration
	TryFor                   map[cpni.Via]time.Duration
	Lease                    time.Duration // for which a channel has a message
	QuietFrom, QuietUntil    int           // hours of the customer's day
	MailedWithin             time.Duration
}

// RulesOf takes the numbers of messages from a policy.
//
// cite: P-23, 47 CFR 64.2010(f)(1)
func RulesOf(n rules.InForce) Rules {
	const of = "messages"
	return Rules{
		NoticeWithin: n.Duration(of, "notice_within"),
		RetryFirst:   n.Duration(of, "retry_first"),
		RetryLongest: n.Duration(of, "retry_longest"),
		TryFor: map[cpni.Via]time.Duration{cpni.Email: n.Duration(of, "email_for"), cpni.Text: n.Duration(of, "text_for"),
			cpni.Voice: n.Duration(of, "voice_for"), cpni.Postal: n.Duration(of, "postal_for")},
		Lease:        n.Duration(of, "lease"),
		QuietFrom:    n.Int(of, "quiet_from"),
		QuietUntil:   n.Int(of, "quiet_until"),
		MailedWithin: n.Duration(of, "mailed_within"),
	}
}

// wait is how long until the next attempt, after so many.
func (r Rules) wait(attempts int) time.Duration {
	w := r.RetryFirst
	for range attempts - 1 {
		if w *= 2; w >= r.RetryLongest {
			return r.RetryLongest
		}
	}
	return w
}
