package customer

import (
	"slices"
	"time"
)

// Safety is the care that a customer has asked for who must fear somebody near them: one who knows the secrets of the
// household, answers its telephone, or opens its letters. It restricts, and grants nobody anything.
//
// cite: P-16, P-25, 47 USC 222(a), 47 USC 345
type Safety struct {
	Since time.Time `json:"since"`
	// Word is a secret of the customer's own. While it is set no password, PIN or backup answer of before proves anybody.
	Word *Secret `json:"word,omitempty"`
	// Shared are the kinds of place that somebody else reads or answers; nothing goes there.
	Shared []string `json:"shared,omitempty"`
	// Alone: nobody whom the customer has authorised speaks for them.
	Alone bool `json:"alone,omitempty"`
}

// Shared names the kinds of place that a customer can say others read or answer.
var Shared = struct{ Lines, Email, Postal string }{"lines", "email", "postal"}

// Quiet reports whether nothing goes to a kind of place because others read or answer it.
//
// cite: P-25
func (p *Profile) Quiet(kind string) bool {
	return p.Safety != nil && slices.Contains(p.Safety.Shared, kind)
}

// Speakers are those who may speak for the customer now: nobody whom the customer says they did not let.
//
// cite: P-16, 47 CFR 64.2003(f)
func (p *Profile) Speakers() []Authorised {
	if p.Safety != nil && p.Safety.Alone {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Authorised), func(a Authorised) bool { return a.Frozen })
}
