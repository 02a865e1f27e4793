package written

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Link finds the request to which a link leads that still opens. ErrNone: the token is none, the link is too old, or the
// customer has closed it; who asks is not told which.
//
// cite: P-36, 47 CFR 64.2010(a)
func (d *Desk) Link(ctx context.Context, token string) (*Request, error) {
	of, m, err := d.Outbox.ByToken(ctx, token)
	if errors.Is(err, notify.ErrNotOurs) || errors.Is(err, vault.ErrForgotten) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	if m.Kind != notify.DesigneeRecords || m.Via != cpni.Email || !now.Before(m.At.Add(d.Policy.Numbers(now).Duration("written-request", "link_for"))) {
		return nil, ErrNone
	}
	r, err := d.One(ctx, of, cpni.ID(m.Tokens["request"]))
	if err != nil && !gone(err) && !errors.Is(err, vault.ErrForgotten) {
		return nil, err
	}
	if err != nil || r.State != Sent || r.Message != m.ID {
		return nil, ErrNone
	}
	return r, nil
}

// counters are those under which a try at a pass phrase counts: one of the link, and one of the place from which it comes,
// which counts anew every day.
func (d *Desk) counters(r *Request, source string, now time.Time) []throttle.Counter {
	n := d.Policy.Numbers(now)
	rules := throttle.Rules{FreeTries: n.Int("written-request", "free_tries"), FirstDelay: n.Duration("written-request", "first_delay"), LongestDelay: n.Duration("written-request", "longest_delay"),
		InAll: n.Int("written-request", "tries_in_all")}
	m := hmac.New(sha256.New, d.Vault.Derive("sources of pass phrases v1"))
	m.Write([]byte(source))
	place := rules
	place.InAll, place.FreeTries = n.Int("written-request", "source_tries_per_day"), n.Int("written-request", "source_tries_per_day")
	from := throttle.Counter{Subject: "pass phrase " + hex.EncodeToString(m.Sum(nil)[:12]), Rules: place, Daily: true}
	if r == nil {
		return []throttle.Counter{from}
	}
	return []throttle.Counter{{Of: r.Customer, Subject: "pass phrase " + string(r.ID), Rules: rules}, from}
}

// Unlock tries a pass phrase at a link. It gives the request when it is right; wait is above zero when the try was not made,
// and tells for how long; a link with too many wrong tries opens no more, which looks as if it were none.
//
// cite: P-36, I-18, 47 CFR 64.2010(a)
func (d *Desk) Unlock(ctx context.Context, token, phrase, source string) (r *Request, wait time.Duration, err error) {
	r, err = d.Link(ctx, token)
	if err != nil && !errors.Is(err, ErrNone) {
		return nil, 0, err
	}
	now := d.Clock.Now()
	counters := d.counters(r, source, now)
	var v throttle.Verdict
	if err := d.DB.Tx(ctx, func(tx *store.Tx) error {
		var err error
		v, err = throttle.Take(ctx, tx, now, counters...)
		return err
	}); err != nil {
		return nil, 0, err
	}
	if !v.Open() {
		if v.Wait > 0 {
			return nil, v.Wait, ErrNone
		}
		return nil, 0, ErrNone
	}
	if r == nil {
		d.Secrets.Waste()
		return nil, 0, ErrNone
	}
	right, err := d.Secrets.Matches(r.Phrase, contact.Spoken(phrase))
	if err != nil {
		return nil, 0, err
	}
	if !right {
		return nil, 0, ErrNone
	}
	return r, 0, d.DB.Tx(ctx, func(tx *store.Tx) error { return throttle.GiveBack(ctx, tx, now, counters...) })
}

// Records opens what a request gives, for whoever has unlocked its link. That they do is on record before anything is opened,
// and the customer sees it.
//
// cite: P-36, P-41, I-01, 47 USC 222(c)(2)
func (d *Desk) Records(ctx context.Context, of, id cpni.ID) (*disclose.Released, *customer.Profile, error) {
	r, err := d.move(ctx, of, id, []State{Sent}, string(cpni.ToDesignee), "written request opened by who was named", func(_ *store.Tx, r *Request) error {
		if r.Opened = append(r.Opened, d.Clock.Now()); len(r.Opened) > mostOpened {
			r.Opened = r.Opened[len(r.Opened)-mostOpened:]
		}
		return nil
	})
	if isState(err) {
		err = ErrNone
	}
	if err != nil {
		return nil, nil, err
	}
	return d.Door.Sent(ctx, of, r.Entry)
}

// isState reports whether a request stood elsewhere.
func isState(err error) bool {
	var refusal *cpni.Refusal
	return errors.As(err, &refusal) && refusal.Code == errState.Code
}

func joined(all []error) error { return errors.Join(all...) }
