package api

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/office"
	"ringfence/internal/staff"
)

// rightOf says which right an operation asks of a member of the staff; "" none beyond a key in force.
type rightOf = staff.Right

// caller is who asks: a member of the staff, by an API key.
type caller struct {
	key    staff.Key
	member *staff.Member
}

// door is the caller as the one door knows them.
func (c caller) door() disclose.Caller {
	return disclose.Caller{Staff: c.key.Staff, Scopes: c.key.Scopes}
}

// keyring admits callers and keeps count of their misses: a key that asks again and again for what is not there, or is
// not for it, is made to wait.
//
// cite: P-37, 47 CFR 64.2010(a)
type keyring struct {
	office *office.Office
	mu     sync.Mutex
	misses map[string]window
}

type window struct {
	began time.Time
	n     int
}

// mostWindows bounds the keys whose misses are counted.
const mostWindows = 10_000

func newKeyring(o *office.Office) *keyring {
	return &keyring{office: o, misses: map[string]window{}}
}

var (
	errScope = cpni.Rejected("SCOPE_OF_KEY", "the key is not made for this operation", []string{"P-37", "47 CFR 64.2010(a)"}, "use a key with the scope that the operation names")
	errMany  = cpni.Rejected("TOO_MANY", "the key has asked for too many things that are not there or that it may not have", []string{"P-37", "47 CFR 64.2010(a)"}, "wait a minute, and ask only for what you know to be there")
)

// admit finds the member for whom a request is made and checks that it is theirs to make.
func (k *keyring) admit(ctx context.Context, authorization string, right rightOf, scope string) (caller, error) {
	secret, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return caller{}, staff.ErrNoKey
	}
	key, err := k.office.Staff.Key(ctx, strings.TrimSpace(secret))
	if err != nil {
		return caller{}, err
	}
	m, _, err := k.office.Staff.Recent(ctx, key.Staff)
	if err != nil || m.Disabled {
		return caller{}, staff.ErrNoKey
	}
	c := caller{key, m}
	if k.exhausted(c) {
		return c, errMany
	}
	switch {
	case right != "" && !m.May(right):
		err = m.Barred(right)
	case scope != "" && len(key.Scopes) > 0 && !slices.Contains(key.Scopes, scope):
		err = errScope
	}
	if err != nil {
		k.miss(c)
	}
	return c, err
}

func (k *keyring) id(c caller) string { return string(c.key.Staff) + " " + c.key.Name }

// allowed is how many misses a key has in a minute.
func (k *keyring) allowed() int {
	return k.office.Policy.Numbers(k.office.Clock.Now()).Int("security-defaults", "key_misses_per_minute")
}

func (k *keyring) exhausted(c caller) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, ok := k.misses[k.id(c)]
	return ok && k.office.Clock.Now().Sub(w.began) < time.Minute && w.n >= k.allowed()
}

func (k *keyring) miss(c caller) {
	now := k.office.Clock.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.misses[k.id(c)]
	if now.Sub(w.began) >= time.Minute {
		w = window{began: now}
	}
	w.n++
	if len(k.misses) >= mostWindows {
		clear(k.misses)
	}
	k.misses[k.id(c)] = w
}

// answered counts what a problem says about the one who asked.
func (k *keyring) answered(c caller, p *Problem) {
	if p.Code == errNotFound.Code || p.Code == "NO_CONTACT" {
		k.miss(c)
	}
}
