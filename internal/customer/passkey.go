package customer

import (
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// Passkey is a key that a device of the customer's keeps, and by which they sign in. Its public half lies elsewhere; what
// stands here says whether it counts.
//
// cite: P-16, 47 CFR 64.2010(c)
type Passkey struct {
	ID     cpni.ID   `json:"id"`
	Name   string    `json:"name"` // what the customer calls it
	Made   time.Time `json:"made"`
	Frozen bool      `json:"frozen,omitempty"` // the customer says that they did not add it: it proves nothing
}

// MostPasskeys bounds how many a customer's document holds, whatever a policy says.
const MostPasskeys = 50

// Passkey finds a passkey that proves the customer: one that is on the account, that they have not disowned, and, while they
// have a word of their own, that was made after it: who shares a household may have its devices.
//
// cite: P-16, P-23, 47 USC 222(a)
func (p *Profile) Passkey(id cpni.ID) (Passkey, bool) {
	i := slices.IndexFunc(p.Passkeys, func(k Passkey) bool { return k.ID == id && !k.Frozen })
	if i < 0 || id == "" {
		return Passkey{}, false
	}
	if s := p.Safety; s != nil && s.Word != nil && !p.Passkeys[i].Made.After(s.Word.Set) {
		return Passkey{}, false
	}
	return p.Passkeys[i], true
}
