package portal

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/contact/throttle"
	"ringfence/internal/store"
	"ringfence/internal/visitor"
)

// pace gives what makes answers take equally long: one, two or three times Options.Pace, the first that is longer than the work.
// So on a machine that is busy, too, little can be told from how long one took. It is called when a request begins, and what
// it gives before the answer.
//
// cite: I-18, 47 CFR 64.2010(a)
func (p *Portal) pace(ctx context.Context) (wait func()) {
	long := p.options.Pace
	if long == 0 {
		long = usualPace
	}
	if long < 0 {
		return func() {}
	}
	beat := time.NewTicker(long)
	return func() {
		defer beat.Stop()
		select { // one that has passed meanwhile
		case <-beat.C:
		default:
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
		}
	}
}

// usualPace is longer than any work on a sign-in takes on a machine that is not overloaded.
const usualPace = 800 * time.Millisecond

// reserve counts a try against the place that it comes from, before it is looked at, and tells how long to wait when there
// were too many. While many secrets of many customers fail within an hour, each place has few tries.
//
// cite: P-19, I-18, 47 CFR 64.2010(a)
func (p *Portal) reserve(ctx context.Context, r *http.Request) (counted throttle.Counter, wait time.Duration, err error) {
	now := p.office.Clock.Now()
	n := p.office.Policy.Numbers(now)
	err = p.office.DB.Tx(ctx, func(tx *store.Tx) error {
		rules := contact.RulesOf(n).Source
		crowd, err := throttle.InHour(ctx, tx, now)
		if err != nil {
			return err
		}
		if crowd >= n.Int("portal", "surge_per_hour") {
			few := n.Int("portal", "surge_source_tries")
			rules.FreeTries, rules.PerDay = min(rules.FreeTries, few), min(rules.PerDay, few)
		}
		counted = throttle.Counter{Subject: "portal " + p.sourceKey(r), Rules: rules, Daily: true}
		v, err := throttle.Take(ctx, tx, now, counted)
		wait = v.Wait
		if v.Shut {
			wait = rules.Closed
		}
		return err
	})
	return counted, wait, err
}

// begins reads the form of whoever signs in and counts the try against the place that it comes from. ok is false when the request was
// answered, or cannot be.
//
// cite: P-19, I-18, 47 CFR 64.2010(a)
func (p *Portal) begins(w http.ResponseWriter, r *http.Request, most int64) (counted throttle.Counter, ok bool, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if err := r.ParseForm(); err != nil {
		return counted, false, p.unread(w, r)
	}
	counted, wait, err := p.reserve(r.Context(), r)
	if err != nil {
		return counted, false, err
	}
	if wait > 0 {
		return counted, false, p.tooMany(w, r, wait)
	}
	return counted, true, nil
}

// sourceKey names the place from which a request comes, of which only a keyed hash is kept.
func (p *Portal) sourceKey(r *http.Request) string {
	return base64.RawURLEncoding.EncodeToString(p.office.Vault.BlindIndex("portal source", visitor.Source(r, p.options.Proxies)))
}

func (p *Portal) giveBack(ctx context.Context, counted throttle.Counter) error {
	return p.office.DB.Tx(ctx, func(tx *store.Tx) error {
		return throttle.GiveBack(ctx, tx, p.office.Clock.Now(), counted)
	})
}

// tooMany turns away a place from which too much was tried, before anything is looked up.
func (p *Portal) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) error {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	p.show(w, r, http.StatusTooManyRequests, signInSlow(p.signInView(r, "sign-in-slow")))
	return nil
}
