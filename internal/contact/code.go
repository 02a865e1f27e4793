package contact

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// codes is the subject under which codes count that were sent and did not come back right.
const codes = "codes"

var errBadCode = reject("BAD_SECRET", "that is not the code, or it is used up or too old", []string{"P-18", "P-19"}, "send a new code to a number or address of record")

// sendCode sends a verification code to an address or number of record. The message that carries it is written with
// the contact. Nobody can close this way to the customer: after many codes that did not come back the next waits a little
// and is longer.
//
// cite: P-20, P-21, I-18
func (d *Desk) sendCode(ctx context.Context, s *State, to string) (*State, error) {
	return d.change(ctx, s.Customer, s.ID, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		r := d.numbers(now)
		c, digits, refusal := d.destination(p, to, r, now)
		if refusal == nil {
			refusal = d.mayNotSend(s, r)
		}
		if refusal != nil {
			return ledger.Entry{}, nil, refusal
		}
		counter := throttle.Counter{Of: s.Customer, Subject: codes,
			Rules: ThrottleRules{FreeTries: r.CodesFree, FirstDelay: r.CodePause, LongestDelay: r.CodePause, InAll: math.MaxInt}}
		v, err := throttle.Take(ctx, tx, now, counter)
		if err != nil {
			return ledger.Entry{}, nil, err
		}
		if !v.Open() {
			return ledger.Entry{}, nil, reject("LOCKED", "many codes were sent and did not come back: the next can be sent in "+seconds(v.Wait), []string{"P-18", "47 CFR 64.2010(a)"},
				reachOut[0], reachOut[2], "ask again then")
		}
		sent, err := throttle.Streak(ctx, tx, s.Customer, codes)
		if err != nil {
			return ledger.Entry{}, nil, err
		}
		if sent > r.CodesFree {
			digits = max(digits, r.WrittenDigits)
		}
		if err := d.voidCode(ctx, tx, s); err != nil {
			return ledger.Entry{}, nil, err
		}
		code, err := newCode(digits)
		if err != nil {
			return ledger.Entry{}, nil, fmt.Errorf("making a code: %w", err)
		}
		life := r.CodeLife
		if c.byLetter() {
			life = r.LetterCodeLife
		}
		c.Hash, c.Until, c.Tries, c.Message = d.codeHash(s.ID, code), now.Add(life), r.CodeTries, cpni.NewTimedID(now)
		s.Code = &c
		s.Codes++
		message := notify.Message{ID: c.Message, Kind: notify.VerificationCode, Via: c.Via, Place: c.To, To: c.Place, Tokens: map[string]string{"code": code}, Until: c.Until}
		return attempt(nil), map[string]string{"method": string(cpni.ByCode), "what": "sent to " + string(c.To)}, d.outbox.Plan(ctx, tx, s.Customer, message)
	})
}

// destination finds where a code goes and how many digits it has there.
//
// cite: P-20, P-21, 47 CFR 64.2003(b), 47 CFR 64.2003(q)
func (d *Desk) destination(p *customer.Profile, to string, r Rules, now time.Time) (c Code, digits int, refusal *cpni.Refusal) {
	if to != string(cpni.Postal) && to != string(cpni.Email) {
		line, refusal := d.lineOfRecord(p, to, now)
		return Code{To: notify.TNOR, Via: spokenOrText(line), Place: line.Number}, r.SpokenDigits, refusal
	}
	a, ok := r.newestOfRecord(addresses(p, cpni.Via(to)), now)
	if !ok {
		refusal = reject("NOT_AOR", "no address of that kind has been on the account long enough to be one of record", []string{"P-21", "47 CFR 64.2003(b)"}, reachOut[0], reachOut[2])
	}
	return Code{To: notify.AOR, Via: cpni.Via(to), Place: a.Value}, r.WrittenDigits, refusal
}

// addresses are those of a kind to which something may go: not those that came with a change that is disputed, or after it.
//
// cite: P-21, P-23, P-25
func addresses(p *customer.Profile, via cpni.Via) []customer.Address {
	var all []customer.Address
	switch {
	case via == cpni.Email && !p.Quiet(customer.Shared.Email):
		all = p.Email
	case via == cpni.Postal && !p.Quiet(customer.Shared.Postal):
		all = p.Postal
	}
	at, is := p.Disputes()
	return slices.DeleteFunc(slices.Clone(all), func(a customer.Address) bool { return a.Frozen || a.Undone || is && !a.Since.Before(at) })
}

func (d *Desk) mayNotSend(s *State, r Rules) *cpni.Refusal {
	if s.Codes < r.CodesPerContact {
		return nil
	}
	return reject("LOCKED", "as many codes were sent in this contact as may be", []string{"P-18", "47 CFR 64.2010(a)"}, reachOut[0], reachOut[2])
}

func (r Rules) newestOfRecord(all []customer.Address, at time.Time) (customer.Address, bool) {
	var of []customer.Address
	for _, a := range all {
		if r.ofRecord(a, at) {
			of = append(of, a)
		}
	}
	return customer.Current(of, at)
}

func newCode(digits int) (string, error) {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", digits, n), nil
}

func (d *Desk) codeHash(contact cpni.ID, code string) []byte {
	m := hmac.New(sha256.New, d.codeKey)
	m.Write([]byte(contact))
	m.Write([]byte(code))
	return m.Sum(nil)
}

// code takes the code that was sent: in its contact, within its life, once, and with few tries; and only while the place
// that it was sent to is still of record.
//
// cite: P-18, P-20, P-21, I-17
func (d *Desk) code(ctx context.Context, s *State, given string) (*State, error) {
	var refusal *cpni.Refusal
	after, err := d.change(ctx, s.Customer, s.ID, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		sent := s.Code
		refusal = d.judgeCode(s, p, given, now)
		if s.Code != nil && (refusal == nil || s.Code.Tries <= 0) {
			if err := d.voidCode(ctx, tx, s); err != nil {
				return ledger.Entry{}, nil, err
			}
		}
		if refusal == nil {
			if err := d.proveByCode(ctx, tx, s, sent, now); err != nil {
				return ledger.Entry{}, nil, err
			}
		}
		return attempt(refusal), map[string]string{"method": string(cpni.ByCode)}, nil
	})
	return codeTaken(after, refusal, err)
}

// codeTaken is the answer to a code whose attempt is on record already when it was refused.
func codeTaken(after *State, refusal *cpni.Refusal, err error) (*State, error) {
	switch {
	case err != nil:
		return nil, err
	case refusal != nil:
		return nil, onRecord{refusal}
	}
	return after, nil
}

// judgeCode looks at a code and takes one of its tries, or all when it can never be right any more.
func (d *Desk) judgeCode(s *State, p *customer.Profile, given string, now time.Time) *cpni.Refusal {
	c := s.Code
	if c == nil {
		return errBadCode
	}
	if c.Tries <= 0 || !now.Before(c.Until) {
		c.Tries = 0
		return errBadCode
	}
	if r := d.leftRecord(c, p, now); r != nil {
		c.Tries = 0
		return r
	}
	c.Tries--
	if !hmac.Equal(c.Hash, d.codeHash(s.ID, digitsOf(given))) {
		return errBadCode
	}
	return nil
}

// leftRecord refuses a code whose number or address is not of record any more: a line that was lost meanwhile is
// somebody else's.
func (d *Desk) leftRecord(c *Code, p *customer.Profile, now time.Time) *cpni.Refusal {
	if c.To == notify.TNOR {
		_, r := d.lineOfRecord(p, c.Place, now)
		return r
	}
	r := d.numbers(now)
	if slices.ContainsFunc(addresses(p, c.Via), func(a customer.Address) bool { return a.Value == c.Place && r.ofRecord(a, now) }) {
		return nil
	}
	return reject("NOT_AOR", "the address that the code was sent to is not on the account any more", []string{"P-21", "47 CFR 64.2003(b)"}, reachOut[0], reachOut[2])
}

// voidCode makes the code that is out worth nothing, and takes its message back if it has not been sent.
func (d *Desk) voidCode(ctx context.Context, tx *store.Tx, s *State) error {
	if s.Code == nil {
		return nil
	}
	id := s.Code.Message
	s.Code = nil
	return d.outbox.Cancel(ctx, tx, s.Customer, id)
}

// proveByCode adds the evidence of a code that came back right.
func (d *Desk) proveByCode(ctx context.Context, tx *store.Tx, s *State, sent *Code, now time.Time) error {
	if sent.To == notify.TNOR {
		if err := d.proveByLine(ctx, tx, s, cpni.ByCode, sent.Place, now); err != nil {
			return err
		}
	} else {
		s.prove(cpni.ByCode, Customer, now)
		s.reached(cpni.ByCode, sent.Place)
	}
	for _, subject := range []string{secrets, codes} {
		if err := throttle.Clear(ctx, tx, s.Customer, subject); err != nil {
			return err
		}
	}
	return nil
}
