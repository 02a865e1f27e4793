package disclose

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/vault"
)

// Once is a recorded decision that was made again, alone.
type Once struct {
	Rules     string         // version of the rules under which it was made, and made again
	Decision  rules.Decision // as it is recorded
	Differs   string         // how it comes out otherwise than it is recorded; "": it does not
	Forgotten bool           // its customer's key is destroyed: nobody can read it
	// Facts are some of those on which it stood, in words, none of them about a person.
	Facts []string
}

// Once makes one recorded decision again from its recorded facts, under the policy that decided it.
//
// cite: P-41, I-04, 47 CFR 64.2009(c)
func (d *Door) Once(ctx context.Context, customer, entry cpni.ID) (Once, error) {
	row, err := d.Ledger.Record(ctx, customer, entry)
	if err != nil {
		return Once{}, err
	}
	plain, err := d.Vault.OpenRecord(ctx, row)
	if errors.Is(err, vault.ErrForgotten) {
		return Once{Rules: row.Rules, Forgotten: true}, nil
	}
	if err != nil {
		return Once{}, err
	}
	r, err := DecodeRecord(plain)
	if err != nil {
		return Once{}, err
	}
	out := Once{Rules: r.Rules, Decision: rules.Decision{Outcome: r.Decision.Outcome, Code: r.Decision.Code, Codes: r.Decision.Codes, Clauses: r.Decision.Clauses, Cites: r.Decision.Cites, Rules: r.Decision.Rules}}
	f := r.Facts
	out.Facts = append(out.Facts, fmt.Sprintf("asked by: %s", f.Actor.Kind), fmt.Sprintf("purpose: %s", f.Purpose), fmt.Sprintf("recipient: %s", f.Recipient.Kind), fmt.Sprintf("information: %s", join(f.Data)))
	out.Differs, err = Again{d.DB.Reader(), d.Vault, d.Policy}.one(ctx, row)
	return out, err
}

func join[T ~string](all []T) (text string) {
	for n, x := range all {
		if n > 0 {
			text += ", "
		}
		text += string(x)
	}
	return text
}
