package staff

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Site is where browsers meet the console: passkeys belong to it, and work nowhere else.
type Site struct {
	ID     string // the relying party: the host's name, or a domain above it
	Name   string // shown by browsers
	Origin string // scheme, host and port
}

func (s Site) open() (*webauthn.WebAuthn, error) {
	w, err := webauthn.New(&webauthn.Config{RPID: s.ID, RPDisplayName: s.Name, RPOrigins: []string{s.Origin}})
	if err != nil {
		return nil, fmt.Errorf("passkeys of %s: %w", s.ID, err)
	}
	return w, nil
}

// ErrPasskey: a passkey that does not prove who is there.
var ErrPasskey = cpni.Rejected("SIGN_IN", "the passkey was not accepted", []string{"P-37"}, "try again", "or sign in another way")

const (
	makingPasskey = "passkey-make"
	usingPasskey  = "passkey-use"
)

// keyholder is a member as browsers and the passkeys' rules see them. The handle is the id, which says nothing of the person.
type keyholder struct {
	member *Member
	keys   []webauthn.Credential
	ids    []cpni.ID // of the factors, in the same order
}

func (k keyholder) WebAuthnID() []byte                         { return []byte(k.member.ID) }
func (k keyholder) WebAuthnName() string                       { return k.member.Login }
func (k keyholder) WebAuthnDisplayName() string                { return k.member.Name }
func (k keyholder) WebAuthnCredentials() []webauthn.Credential { return k.keys }

func (r *Register) keyholder(ctx context.Context, m *Member) (keyholder, error) {
	k := keyholder{member: m}
	factors, err := r.Factors(ctx, m.ID)
	if err != nil {
		return k, err
	}
	for _, f := range factors {
		if f.Kind != KindPasskey {
			continue
		}
		plain, err := r.vault.OpenState(ctx, "", factorPlace(m.ID, f.ID), f.sealed)
		if err != nil {
			return k, err
		}
		var c webauthn.Credential
		if err := json.Unmarshal(plain, &c); err != nil {
			return k, fmt.Errorf("reading a passkey: %w", err)
		}
		k.keys, k.ids = append(k.keys, c), append(k.ids, f.ID)
	}
	return k, nil
}

// NewPasskey gives what a browser needs to make a passkey for the holder of a session or of a sign-in.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) NewPasskey(ctx context.Context, secret string, site Site) ([]byte, error) {
	h, err := r.holder(ctx, secret)
	if err != nil {
		return nil, err
	}
	k, err := r.keyholder(ctx, h.member)
	if err != nil {
		return nil, err
	}
	w, err := site.open()
	if err != nil {
		return nil, err
	}
	needs := true
	options, session, err := w.BeginRegistration(k, webauthn.WithExclusions(webauthn.Credentials(k.keys).CredentialDescriptors()),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &needs, UserVerification: protocol.VerificationRequired}))
	if err != nil {
		return nil, fmt.Errorf("beginning a passkey: %w", err)
	}
	return r.challenge(ctx, h.owner, makingPasskey, h.member.ID, session, options.Response)
}

// challenge keeps what is asked of a browser, and gives it in the form in which the browser takes it.
func (r *Register) challenge(ctx context.Context, owner [32]byte, kind string, of cpni.ID, session *webauthn.SessionData, options any) ([]byte, error) {
	plain, err := json.Marshal(session)
	if err != nil {
		return nil, fmt.Errorf("writing a challenge: %w", err)
	}
	text, err := json.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("writing a challenge: %w", err)
	}
	return text, r.keepCeremony(ctx, owner, kind, of, plain)
}

func (r *Register) challenged(ctx context.Context, owner [32]byte, kind string) (webauthn.SessionData, error) {
	var s webauthn.SessionData
	plain, err := r.ceremony(ctx, owner, kind)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("reading a challenge: %w", err)
	}
	return s, nil
}

// AddPasskey takes the passkey that a browser has made.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) AddPasskey(ctx context.Context, secret string, site Site, name string, answer []byte, from From) (Enrolled, error) {
	h, err := r.holder(ctx, secret)
	if err != nil {
		return Enrolled{}, err
	}
	if name, err = factorName(name, "Passkey"); err != nil {
		return Enrolled{}, err
	}
	session, err := r.challenged(ctx, h.owner, makingPasskey)
	if err != nil {
		return Enrolled{}, err
	}
	w, err := site.open()
	if err != nil {
		return Enrolled{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Enrolled{}, ErrPasskey
	}
	made, err := w.CreateCredential(keyholder{member: h.member}, session, parsed)
	if err != nil {
		return Enrolled{}, ErrPasskey
	}
	plain, err := json.Marshal(made)
	if err != nil {
		return Enrolled{}, fmt.Errorf("writing a passkey: %w", err)
	}
	return r.addFactor(ctx, h, Factor{ID: cpni.NewID(), Kind: KindPasskey, Name: name}, makingPasskey, plain, from)
}

// AskPasskey gives what a browser needs to show a passkey of the one whose sign-in goes on, or whose session it is.
func (r *Register) AskPasskey(ctx context.Context, secret string, site Site) ([]byte, error) {
	m, _, err := r.showing(ctx, secret, From{})
	if err != nil {
		return nil, err
	}
	k, err := r.keyholder(ctx, m)
	if err != nil {
		return nil, err
	}
	if len(k.keys) == 0 {
		return nil, ErrOver
	}
	w, err := site.open()
	if err != nil {
		return nil, err
	}
	options, session, err := w.BeginLogin(k, webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	return r.challenge(ctx, sha256.Sum256([]byte(secret)), usingPasskey, m.ID, session, options.Response)
}

// CheckPasskey is the second step of a sign-in: a passkey. With the secret of a session it proves again who its holder is.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) CheckPasskey(ctx context.Context, secret string, site Site, answer []byte, from From) (Step, error) {
	m, a, err := r.showing(ctx, secret, from)
	if err != nil {
		return Step{}, err
	}
	a.by = "passkey"
	if err := r.count(ctx, m, a.at, a.counted); err != nil {
		return Step{}, err
	}
	return r.showPasskey(ctx, sha256.Sum256([]byte(secret)), site, answer, a, func(w *webauthn.WebAuthn, session webauthn.SessionData, parsed *protocol.ParsedCredentialAssertionData) (keyholder, *webauthn.Credential, error) {
		k, err := r.keyholder(ctx, m)
		if err != nil {
			return k, nil, err
		}
		c, err := w.ValidateLogin(k, session, parsed)
		return k, c, err
	})
}

// doorOwner names the browser of somebody who has shown nothing yet, by the random word in its cookie.
func doorOwner(door string) [32]byte { return sha256.Sum256([]byte("door " + door)) }

// AskAnyPasskey gives what a browser needs to show a passkey of whoever sits before it; door is a random word of that
// browser's own.
func (r *Register) AskAnyPasskey(ctx context.Context, door string, site Site) ([]byte, error) {
	w, err := site.open()
	if err != nil {
		return nil, err
	}
	options, session, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	return r.challenge(ctx, doorOwner(door), usingPasskey, "", session, options.Response)
}

// CheckAnyPasskey signs in whoever has a passkey and has proved themselves to it, which are two factors. A passkey of
// nobody is answered as one that is wrong.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) CheckAnyPasskey(ctx context.Context, door string, site Site, answer []byte, from From) (Step, error) {
	now := r.clock.Now()
	a := admission{from: from, at: now, by: "passkey alone", whole: true, counted: r.sourceCounter(from.Source, now)}
	if err := r.count(ctx, nil, now, a.counted); err != nil {
		return Step{}, err
	}
	return r.showPasskey(ctx, doorOwner(door), site, answer, a, func(w *webauthn.WebAuthn, session webauthn.SessionData, parsed *protocol.ParsedCredentialAssertionData) (keyholder, *webauthn.Credential, error) {
		var k keyholder
		c, err := w.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			m, _, err := r.Get(ctx, cpni.ID(handle))
			if err != nil {
				return nil, err
			}
			if m.Disabled {
				return nil, ErrNone
			}
			k, err = r.keyholder(ctx, m)
			return k, err
		}, session, parsed)
		return k, c, err
	})
}

// showPasskey looks at what a browser answers, and admits the one whose passkey it is.
func (r *Register) showPasskey(ctx context.Context, owner [32]byte, site Site, answer []byte, a admission,
	look func(*webauthn.WebAuthn, webauthn.SessionData, *protocol.ParsedCredentialAssertionData) (keyholder, *webauthn.Credential, error)) (Step, error) {
	session, err := r.challenged(ctx, owner, usingPasskey)
	if err != nil {
		return Step{}, err
	}
	w, err := site.open()
	if err != nil {
		return Step{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Step{}, r.turnAway(ctx, nil, ErrPasskey)
	}
	k, used, err := look(w, session, parsed)
	var says *protocol.Error
	var unknown *protocol.ErrorUnknownCredential
	switch {
	case errors.As(err, &says), errors.As(err, &unknown):
		return Step{}, r.turnAway(ctx, k.member, ErrPasskey)
	case err != nil:
		return Step{}, err
	case used.Authenticator.CloneWarning: // somebody has a copy of the key
		return Step{}, r.turnAway(ctx, k.member, ErrPasskey)
	}
	a.still = func(tx *store.Tx, m *Member) error {
		if err := r.takeCeremony(ctx, tx, owner, usingPasskey); err != nil {
			return err
		}
		for i, c := range k.keys {
			if bytes.Equal(c.ID, used.ID) {
				return r.keepPasskey(ctx, tx, m.ID, k.ids[i], used)
			}
		}
		return ErrPasskey
	}
	return r.admit(ctx, k.member.ID, a)
}

// keepPasskey keeps how often a passkey says that it was used.
func (r *Register) keepPasskey(ctx context.Context, tx *store.Tx, of, factor cpni.ID, c *webauthn.Credential) error {
	plain, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing a passkey: %w", err)
	}
	sealed, err := r.vault.SealTx(ctx, tx, "", factorPlace(of, factor), plain)
	if err != nil {
		return err
	}
	n, err := affected(tx.Exec(ctx, "UPDATE factor SET used = $1, sealed = $2 WHERE staff_id = $3 AND factor_id = $4", r.clock.Now().UnixMicro(), sealed, string(of), string(factor)))
	if err == nil && n == 0 {
		err = ErrPasskey // removed meanwhile
	}
	return err
}
