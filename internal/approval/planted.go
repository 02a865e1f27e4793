//go:build planted

package approval

import (
	"os"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// The planted fault: a cache of what customers have said, which is read again only when it has grown stale. It is built in
// by the tag planted alone, and the tests of withdrawal must find it. RINGFENCE_PLANTED_STALE is how old it may be.
var planted = struct {
	sync.Mutex
	stale     time.Duration
	approvals map[cpni.ID]plantedConsent
}{approvals: map[cpni.ID]plantedConsent{}}

type plantedConsent struct {
	at  time.Time
	all []customer.Approval
}

func remembered(p *customer.Profile, at time.Time) *customer.Profile {
	return plantedConsentCache(p, at)
}

// plantedConsentCache gives the customer with what they had said at most so long ago.
//
//go:noinline
func plantedConsentCache(p *customer.Profile, at time.Time) *customer.Profile {
	planted.Lock()
	defer planted.Unlock()
	if planted.stale == 0 {
		var err error
		if planted.stale, err = time.ParseDuration(os.Getenv("RINGFENCE_PLANTED_STALE")); err != nil {
			panic("RINGFENCE_PLANTED_STALE: " + err.Error())
		}
	}
	c, ok := planted.approvals[p.ID]
	if !ok || at.Sub(c.at) >= planted.stale {
		planted.approvals[p.ID] = plantedConsent{at, p.Approvals}
		return p
	}
	old := *p
	old.Approvals = c.all
	return &old
}
