package contact

import (
	"context"
	"crypto/hmac"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// byLetter reports whether a code goes by post. No contact lives until such a letter arrives. The code stays bound to the
// contact that asked for it all the same: it is kept there after the contact has ended, with nothing else of what was proved,
// and whoever brings it to a later contact names the letter by the number that is printed on it. So a code alone is worth
// nothing in any other contact, and a letter that lies in the mailbox proves nobody in a contact that did not ask for it.
//
// cite: P-21, I-16, I-17
func (c *Code) byLetter() bool { return c != nil && c.Via == cpni.Postal }

// letterCode takes a code that came by post, in a contact that goes on with the one that asked for it. The tries are those
// of the letter, in whatever contacts they are made.
//
// cite: P-18, P-21, I-16, I-17
func (d *Desk) letterCode(ctx context.Context, s *State, given, letter string) (*State, error) {
	asked, message, err := d.letterBy(ctx, s.Customer, letter)
	switch {
	case err != nil:
		return nil, err
	case asked == "":
		return nil, errBadCode
	case asked == s.ID:
		return d.code(ctx, s, given)
	}
	var refusal *cpni.Refusal
	after, err := d.change(ctx, s.Customer, s.ID, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		from, version, err := d.hold(ctx, tx, s.Customer, asked)
		if err != nil {
			return ledger.Entry{}, nil, err
		}
		sent := from.Code
		if sent == nil || sent.Message != message {
			refusal = errBadCode // used, or another letter has taken its place
			return attempt(refusal), map[string]string{"method": string(cpni.ByCode), "what": "by letter"}, nil
		}
		if refusal = d.judgeCode(from, p, given, now); refusal == nil || sent.Tries <= 0 {
			from.Code = nil
		}
		if err := d.rewrite(ctx, tx, from, version); err != nil {
			return ledger.Entry{}, nil, err
		}
		if refusal == nil {
			if err := d.proveByCode(ctx, tx, s, sent, now); err != nil {
				return ledger.Entry{}, nil, err
			}
		}
		return attempt(refusal), map[string]string{"method": string(cpni.ByCode), "from": string(asked)}, nil
	})
	return codeTaken(after, refusal, err)
}

// letterBy finds the contact that asked for a letter to a customer, and the letter; "" when no letter of theirs that may
// still come back bears the number.
func (d *Desk) letterBy(ctx context.Context, of cpni.ID, number string) (asked, message cpni.ID, err error) {
	now := d.clock.Now()
	r := d.numbers(now)
	ids, err := openedSince(ctx, d.db.Reader(), of, now.Add(-r.LetterCodeLife-r.Longest))
	if err != nil {
		return "", "", err
	}
	for _, id := range ids {
		s, _, err := d.Get(ctx, id)
		if err != nil {
			return "", "", err
		}
		if s.Code.byLetter() && hmac.Equal([]byte(d.outbox.Number(s.Code.Message)), []byte(digitsOf(number))) {
			return id, s.Code.Message, nil
		}
	}
	return "", "", nil
}
