package staff

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Of the codes that apps show (RFC 6238).
const (
	codeDigits = 6
	codePeriod = 30 // seconds
	codeSkew   = 1  // steps by which a clock may be off, either way
)

const totpCeremony = "totp"

// NewTOTP gives the key that the holder of a session or of a sign-in sets up in their app, the same until it is confirmed
// or lapses. issuer is what the app shows.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) NewTOTP(ctx context.Context, secret, issuer string) (*otp.Key, error) {
	h, err := r.holder(ctx, secret)
	if err != nil {
		return nil, err
	}
	plain, err := r.ceremony(ctx, h.owner, totpCeremony)
	if err == nil {
		return otp.NewKeyFromURL(string(plain))
	}
	if !errors.Is(err, ErrOver) {
		return nil, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuerName(issuer), AccountName: h.member.Login, Period: codePeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return nil, fmt.Errorf("making a key for codes: %w", err)
	}
	return key, r.keepCeremony(ctx, h.owner, totpCeremony, h.member.ID, []byte(key.String()))
}

// issuerName makes a name fit for the address that an app reads, in which a colon ends it.
func issuerName(name string) string {
	if name = strings.TrimSpace(strings.ReplaceAll(name, ":", " ")); name == "" {
		return "Ringfence"
	}
	return name
}

// ConfirmTOTP sets up the app whose code shows that it has the key.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) ConfirmTOTP(ctx context.Context, secret, name, code string, from From) (Enrolled, error) {
	h, err := r.holder(ctx, secret)
	if err != nil {
		return Enrolled{}, err
	}
	if name, err = factorName(name, "Authenticator app"); err != nil {
		return Enrolled{}, err
	}
	plain, err := r.ceremony(ctx, h.owner, totpCeremony)
	if err != nil {
		return Enrolled{}, err
	}
	key, err := otp.NewKeyFromURL(string(plain))
	if err != nil {
		return Enrolled{}, fmt.Errorf("reading a key for codes: %w", err)
	}
	step, err := stepOf(plainCode(code), key.Secret(), 0, r.clock.Now())
	if err != nil {
		return Enrolled{}, err
	}
	if step == 0 {
		return Enrolled{}, cpni.Rejected("SIGN_IN", "that is not the code that the app should show now", nil, "wait for the next code and type it", "check that the telephone's clock is right")
	}
	return r.addFactor(ctx, h, Factor{ID: cpni.NewID(), Kind: KindTOTP, Name: name, step: step}, totpCeremony, []byte(key.Secret()), from)
}

// plainCode takes blanks and hyphens out of a code as a person types it.
func plainCode(code string) string {
	if len(code) > 100 {
		return ""
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || c == '-' {
			return -1
		}
		return unicode.ToLower(c)
	}, code)
}

// stepOf finds the time step, later than after, whose code this is; 0: none. It takes as long whichever it is.
func stepOf(code, secret string, after int64, now time.Time) (int64, error) {
	if len(code) != codeDigits {
		return 0, nil
	}
	found := int64(0)
	for step := now.Unix()/codePeriod - codeSkew; step <= now.Unix()/codePeriod+codeSkew; step++ {
		right, err := hotp.ValidateCustom(code, uint64(step), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fmt.Errorf("looking at a code: %w", err)
		}
		if right && step > after {
			found = step
		}
	}
	return found, nil
}

// matchTOTP finds the app of a member that shows this code; "": none of them.
func (r *Register) matchTOTP(ctx context.Context, of cpni.ID, code string, now time.Time) (id cpni.ID, step int64, err error) {
	factors, err := r.Factors(ctx, of)
	if err != nil {
		return "", 0, err
	}
	for _, f := range factors {
		if f.Kind != KindTOTP {
			continue
		}
		secret, err := r.vault.OpenState(ctx, "", factorPlace(of, f.ID), f.sealed)
		if err != nil {
			return "", 0, err
		}
		s, err := stepOf(code, string(secret), f.step, now)
		if err != nil {
			return "", 0, err
		}
		if s != 0 {
			id, step = f.ID, s
		}
	}
	return id, step, nil
}

// takeStep takes a time step of an app: neither it nor an earlier one is taken again.
//
// cite: P-37, I-17
func takeStep(ctx context.Context, tx *store.Tx, of, factor cpni.ID, step int64, now time.Time) error {
	n, err := affected(tx.Exec(ctx, "UPDATE factor SET step = $1, used = $2 WHERE staff_id = $3 AND factor_id = $4 AND step < $1", step, now.UnixMicro(), string(of), string(factor)))
	if err == nil && n == 0 {
		err = ErrCode
	}
	return err
}
