package portal

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/visitor"
)

// passkeyPlaces are where customers add passkeys and use them. They are the only pages with a script, since a browser hands
// a passkey to nothing else; whoever has none signs in by the password.
//
// cite: P-16, P-23, 47 CFR 64.2010(c), 47 CFR 64.2010(f)(1)
func passkeyPlaces() []place {
	return []place{
		{"GET " + signInPath + "/passkey", (*Portal).passkeySignIn},
		{"POST " + signInPath + "/passkey", (*Portal).takePasskey},
		{"POST " + confirmPath + "/passkey", visiting((*Portal).confirmByPasskey)},
		{"GET " + securityPath + "/passkey", proving((*Portal).newPasskey)},
		{"POST " + securityPath + "/passkey", proving((*Portal).addPasskey)},
		{"POST " + securityPath + "/passkey/remove", proving((*Portal).removePasskey)},
	}
}

// site is where customers' browsers meet the portal: passkeys belong to it, and work nowhere else. nil: the server has no
// name to which they could belong.
func (p *Portal) site() *webauthn.WebAuthn {
	u, err := url.Parse(p.options.Carrier.Address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Hostname() != "localhost" {
		return nil
	}
	w, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: p.options.Carrier.Name, RPOrigins: []string{u.Scheme + "://" + u.Host}})
	if err != nil {
		return nil
	}
	return w
}

func (p *Portal) passkeys() bool { return p.site() != nil }

// errPasskey: a passkey that does not prove who is there. Whose it would be is not told.
var errPasskey = cpni.Rejected("SIGN_IN", "the passkey was not accepted", []string{"P-16", "47 CFR 64.2010(c)"}, "try again", "or sign in by the password and a code")

// keyholder is a customer as browsers see them. The handle is an id that says nothing of anybody.
type keyholder struct {
	of   *customer.Profile
	keys []webauthn.Credential
	ids  []cpni.ID // in the same order
}

func (k keyholder) WebAuthnID() []byte                         { return []byte(k.of.ID) }
func (k keyholder) WebAuthnName() string                       { return k.of.Name }
func (k keyholder) WebAuthnDisplayName() string                { return k.of.Name }
func (k keyholder) WebAuthnCredentials() []webauthn.Credential { return k.keys }

func keyPlace(id cpni.ID) string { return "portal-passkey/" + string(id) }

// keyRow is a row of the table portal_passkey.
type keyRow struct {
	id     cpni.ID
	used   int64
	sealed []byte
}

func (p *Portal) keyRows(ctx context.Context, of cpni.ID) ([]keyRow, error) {
	rows, err := p.office.DB.Reader().Query(ctx, "SELECT passkey_id, used, sealed FROM portal_passkey WHERE customer_id = $1 ORDER BY passkey_id", string(of))
	if err != nil {
		return nil, fmt.Errorf("reading a customer's passkeys: %w", err)
	}
	var all []keyRow
	for rows.Next() {
		var k keyRow
		if err := rows.Scan(&k.id, &k.used, &k.sealed); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all = append(all, k)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading a customer's passkeys: %w", err)
	}
	return all, nil
}

// keyholder reads the passkeys of a customer that count.
func (p *Portal) keyholder(ctx context.Context, of *customer.Profile) (keyholder, error) {
	k := keyholder{of: of}
	rows, err := p.keyRows(ctx, of.ID)
	if err != nil {
		return k, err
	}
	for _, r := range rows {
		if _, ok := of.Passkey(r.id); !ok {
			continue
		}
		plain, err := p.office.Vault.OpenState(ctx, of.ID, keyPlace(r.id), r.sealed)
		if err != nil {
			return k, err
		}
		var c webauthn.Credential
		if err := json.Unmarshal(plain, &c); err != nil {
			return k, fmt.Errorf("reading a passkey: %w", err)
		}
		k.keys, k.ids = append(k.keys, c), append(k.ids, r.id)
	}
	return k, nil
}

// keyShown is a passkey in the list of them.
type keyShown struct {
	customer.Passkey
	Used time.Time // zero: never
}

func (p *Portal) keysShown(ctx context.Context, of *customer.Profile) ([]keyShown, error) {
	rows, err := p.keyRows(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	used := map[cpni.ID]time.Time{}
	for _, r := range rows {
		if r.used > 0 {
			used[r.id] = time.UnixMicro(r.used).UTC()
		}
	}
	var all []keyShown
	for _, k := range of.Passkeys {
		all = append(all, keyShown{k, used[k.ID]})
	}
	return all, nil
}

// What a browser is asked for.
const (
	makingKey = "make"
	usingKey  = "use"
)

// challenge keeps what is asked of a browser, and gives it in the form in which the browser takes it.
func (p *Portal) challenge(ctx context.Context, owner [32]byte, kind string, session *webauthn.SessionData, options any) (string, error) {
	plain, err := json.Marshal(session)
	if err != nil {
		return "", fmt.Errorf("writing a challenge: %w", err)
	}
	text, err := json.Marshal(options)
	if err != nil {
		return "", fmt.Errorf("writing a challenge: %w", err)
	}
	now := p.office.Clock.Now()
	life := p.office.Policy.Numbers(now).Duration("portal", "sign_in_life")
	err = p.office.DB.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM portal_ceremony WHERE began < $1", now.Add(-life).UnixMicro()); err != nil {
			return err
		}
		sealed, err := p.office.Vault.SealTx(ctx, tx, "", "portal-ceremony/"+kind, plain)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO portal_ceremony (owner, kind, began, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT (owner, kind) DO UPDATE SET began = excluded.began, sealed = excluded.sealed",
			owner[:], kind, now.UnixMicro(), sealed)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("asking for a passkey: %w", err)
	}
	return string(text), nil
}

// challenged reads what was asked of a browser; errPasskey when nothing was, or too long ago.
func (p *Portal) challenged(ctx context.Context, owner [32]byte, kind string) (s webauthn.SessionData, err error) {
	var began int64
	var sealed []byte
	err = p.office.DB.Reader().QueryRow(ctx, "SELECT began, sealed FROM portal_ceremony WHERE owner = $1 AND kind = $2", owner[:], kind).Scan(&began, &sealed)
	if store.IsNoRow(err) {
		return s, errPasskey
	}
	if err != nil {
		return s, fmt.Errorf("reading a challenge: %w", err)
	}
	now := p.office.Clock.Now()
	if !now.Before(time.UnixMicro(began).Add(p.office.Policy.Numbers(now).Duration("portal", "sign_in_life"))) {
		return s, errPasskey
	}
	plain, err := p.office.Vault.OpenState(ctx, "", "portal-ceremony/"+kind, sealed)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("reading a challenge: %w", err)
	}
	return s, nil
}

// takeChallenge ends what was asked of a browser, so that an answer counts once.
//
// cite: I-17
func takeChallenge(ctx context.Context, tx *store.Tx, owner [32]byte, kind string) error {
	r, err := tx.Exec(ctx, "DELETE FROM portal_ceremony WHERE owner = $1 AND kind = $2", owner[:], kind)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errPasskey)
	}
	return nil
}

const doorCookie = "account-door"

// door names a browser in which nobody is signed in, by a random word in its cookie.
func (p *Portal) door(w http.ResponseWriter, r *http.Request) (owner [32]byte, ok bool) {
	if c, err := r.Cookie(doorCookie); err == nil && len(c.Value) == base64.RawURLEncoding.EncodedLen(stayBytes) {
		return sha256.Sum256([]byte("door " + c.Value)), true
	}
	if w == nil {
		return owner, false
	}
	b := make([]byte, stayBytes)
	rand.Read(b)
	word := base64.RawURLEncoding.EncodeToString(b)
	http.SetCookie(w, &http.Cookie{Name: doorCookie, Value: word, Path: signInPath, MaxAge: 3600, HttpOnly: true, Secure: p.options.Secure, SameSite: http.SameSiteStrictMode})
	return sha256.Sum256([]byte("door " + word)), true
}

func (p *Portal) passkeySignIn(w http.ResponseWriter, r *http.Request) error {
	return p.askPasskey(w, r, http.StatusOK, "")
}

func (p *Portal) askPasskey(w http.ResponseWriter, r *http.Request, status int, failed string) error {
	v := p.signInView(r, "passkey")
	v.Failed = failed
	if site := p.site(); site != nil {
		options, session, err := site.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
		if err != nil {
			return fmt.Errorf("asking for a passkey: %w", err)
		}
		owner, _ := p.door(w, r)
		if v.Ask, err = p.challenge(r.Context(), owner, usingKey, session, options.Response); err != nil {
			return err
		}
		v.Script = passkeyScript
	}
	p.showRunning(w, r, status, passkeyPage(v), scriptPolicy)
	return nil
}

const passkeyScript = visitor.PasskeyScript

// usedKey is a passkey that somebody has shown, and whose it is.
type usedKey struct {
	of  *customer.Profile
	id  cpni.ID
	key *webauthn.Credential
}

// look checks what a browser answers to the challenge of its owner; errPasskey for whatever proves nobody.
func (p *Portal) look(ctx context.Context, owner [32]byte, answer string) (u usedKey, err error) {
	site := p.site()
	if site == nil {
		return u, errPasskey
	}
	session, err := p.challenged(ctx, owner, usingKey)
	if err != nil {
		return u, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return u, errPasskey
	}
	var k keyholder
	var broken error // on our side
	u.key, err = site.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
		of, _, err := p.office.Customers.Get(ctx, cpni.ID(handle))
		if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
			return nil, errPasskey
		}
		if err == nil {
			k, err = p.keyholder(ctx, of)
		}
		broken = err
		return k, err
	}, session, parsed)
	if broken != nil {
		return u, broken
	}
	if err != nil || u.key.Authenticator.CloneWarning { // somebody may have a copy of the key
		return u, errPasskey
	}
	for i, c := range k.keys {
		if bytes.Equal(c.ID, u.key.ID) {
			u.of, u.id = k.of, k.ids[i]
		}
	}
	if u.of == nil {
		return u, errPasskey
	}
	return u, nil
}

// proved takes a passkey in a contact of its customer, and keeps how often it says that it was used.
func (p *Portal) provedBy(ctx context.Context, in cpni.ID, owner [32]byte, u usedKey) (*contact.State, error) {
	plain, err := json.Marshal(u.key)
	if err != nil {
		return nil, fmt.Errorf("writing a passkey: %w", err)
	}
	return p.office.Contacts.Passkey(ctx, in, u.id, func(ctx context.Context, tx *store.Tx) error {
		if err := takeChallenge(ctx, tx, owner, usingKey); err != nil {
			return err
		}
		sealed, err := p.office.Vault.SealTx(ctx, tx, u.of.ID, keyPlace(u.id), plain)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE portal_passkey SET used = $1, sealed = $2 WHERE customer_id = $3 AND passkey_id = $4", p.office.Clock.Now().UnixMicro(), sealed, string(u.of.ID), string(u.id))
		return err
	})
}

// takePasskey signs in whoever has shown a passkey: it stands for the password and the code.
//
// cite: P-16, I-17, I-18, 47 CFR 64.2010(c), NIST SP 800-63B
func (p *Portal) takePasskey(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	counted, ok, err := p.begins(w, r, mostPasskey)
	if !ok {
		return err
	}
	s, err := p.byPasskey(r)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		if err := p.nobody(ctx, r, cpni.ByPasskey); err != nil {
			return err
		}
		return p.askPasskey(w, r, http.StatusForbidden, say(language(r), "passkey-no"))
	}
	if err != nil {
		return err
	}
	if err := p.giveBack(ctx, counted); err != nil {
		return err
	}
	return p.letIn(w, r, s, r.PostForm.Get("back"))
}

// mostPasskey bounds what a browser says of a passkey, in bytes.
const mostPasskey = 16 << 10

func (p *Portal) byPasskey(r *http.Request) (*contact.State, error) {
	ctx := r.Context()
	owner, ok := p.door(nil, r)
	if !ok {
		return nil, errPasskey
	}
	u, err := p.look(ctx, owner, r.PostForm.Get("passkey"))
	if err != nil {
		return nil, err
	}
	if !u.of.Ended.IsZero() {
		return nil, errPasskey
	}
	s, err := p.office.OpenContact(ctx, contact.Opening{Customer: u.of.ID, Channel: cpni.Online, Source: visitor.Source(r, p.options.Proxies)})
	if err != nil {
		return nil, err
	}
	after, err := p.provedBy(ctx, s.ID, owner, u)
	if err != nil {
		return nil, errors.Join(err, p.office.Contacts.End(ctx, s.ID))
	}
	return after, nil
}

// askAgain gives what the customer who is signed in can be asked for by a passkey; "" when they have none.
func (p *Portal) askAgain(ctx context.Context, v visit) (string, error) {
	site := p.site()
	k, err := p.keyholder(ctx, v.Profile)
	if err != nil || site == nil || len(k.keys) == 0 {
		return "", err
	}
	options, session, err := site.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired), webauthn.WithAllowedCredentials(webauthn.Credentials(k.keys).CredentialDescriptors()))
	if err != nil {
		return "", fmt.Errorf("asking for a passkey: %w", err)
	}
	return p.challenge(ctx, v.stay.hash, usingKey, session, options.Response)
}

// confirmByPasskey takes a passkey of the customer who is signed in, and of nobody else.
//
// cite: P-16, 47 CFR 64.2010(c)
func (p *Portal) confirmByPasskey(w http.ResponseWriter, r *http.Request, v visit) error {
	c := p.confirmView(r, v)
	u, err := p.look(r.Context(), v.stay.hash, r.PostForm.Get("passkey"))
	if err == nil && u.of.ID != v.Customer {
		err = errPasskey
	}
	if err == nil {
		_, err = p.provedBy(r.Context(), v.Contact.ID, v.stay.hash, u)
	}
	if err != nil {
		if _, err := notTaken(v.Language, err); err != nil {
			return err
		}
		c.Failed = v.says("passkey-no")
		return p.showConfirm(w, r, http.StatusForbidden, c)
	}
	if c.Back == "" {
		c.Back = homePath
	}
	http.Redirect(w, r, c.Back, http.StatusSeeOther)
	return nil
}

// passkeyView is the page on which a passkey is added.
type passkeyView struct {
	visit
	Ask, Effect, Failed string
}

func (p *Portal) newPasskey(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.showNewPasskey(w, r, v, http.StatusOK, "")
}

func (p *Portal) showNewPasskey(w http.ResponseWriter, r *http.Request, v visit, status int, failed string) error {
	view := passkeyView{visit: v.titled("security-passkey"), Effect: p.effect(v, customer.WhatOnline), Failed: failed}
	if site := p.site(); site != nil {
		k, err := p.keyholder(r.Context(), v.Profile)
		if err != nil {
			return err
		}
		needs := true
		options, session, err := site.BeginRegistration(k, webauthn.WithExclusions(webauthn.Credentials(k.keys).CredentialDescriptors()),
			webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
			webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: &needs, UserVerification: protocol.VerificationRequired}))
		if err != nil {
			return fmt.Errorf("beginning a passkey: %w", err)
		}
		if view.Ask, err = p.challenge(r.Context(), v.stay.hash, makingKey, session, options.Response); err != nil {
			return err
		}
		view.Script = passkeyScript
	}
	p.showRunning(w, r, status, newPasskeyPage(view), scriptPolicy)
	return nil
}

// addPasskey takes the passkey that the customer's device has made. It is a change of the online account, of which they are
// told where they were reached before.
//
// cite: P-23, 47 CFR 64.2010(f)(1)
func (p *Portal) addPasskey(w http.ResponseWriter, r *http.Request, v visit) error {
	ctx := r.Context()
	failed := func(key string) error { return p.showNewPasskey(w, r, v, http.StatusForbidden, v.says(key)) }
	name := strings.Join(strings.Fields(r.PostForm.Get("name")), " ")
	if name == "" || len(name) > 100 || !utf8.ValidString(name) {
		return failed("refused-BAD_INPUT")
	}
	if len(v.Profile.Passkeys) >= p.office.Policy.Numbers(p.office.Clock.Now()).Int("portal", "most_passkeys") {
		return failed("passkey-many")
	}
	made, err := p.made(ctx, v, r.PostForm.Get("passkey"))
	if err == nil {
		err = p.enrol(ctx, v, name, made)
	}
	if err != nil {
		says, err := notTaken(v.Language, err)
		if err != nil {
			return err
		}
		var refusal *cpni.Refusal
		if says == v.says("refused") || errors.As(err, &refusal) {
			says = v.says("passkey-no")
		}
		return p.showNewPasskey(w, r, v, http.StatusForbidden, says)
	}
	return v.onward(p, w, r, securityPath, "said-passkey")
}

// made checks what a device says of the key that it has made.
func (p *Portal) made(ctx context.Context, v visit, answer string) (*webauthn.Credential, error) {
	site := p.site()
	if site == nil {
		return nil, errPasskey
	}
	session, err := p.challenged(ctx, v.stay.hash, makingKey)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return nil, errPasskey
	}
	made, err := site.CreateCredential(keyholder{of: v.Profile}, session, parsed)
	if err != nil {
		return nil, errPasskey
	}
	return made, nil
}

func (p *Portal) enrol(ctx context.Context, v visit, name string, made *webauthn.Credential) error {
	plain, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("writing a passkey: %w", err)
	}
	id := cpni.NewID()
	_, err = p.office.Contacts.Enrol(ctx, contact.Enrolment{Contact: v.Contact.ID, Online: true, Passkey: &customer.Passkey{ID: id, Name: name}, Also: func(ctx context.Context, tx *store.Tx) error {
		if err := takeChallenge(ctx, tx, v.stay.hash, makingKey); err != nil {
			return err
		}
		sealed, err := p.office.Vault.SealTx(ctx, tx, v.Customer, keyPlace(id), plain)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO portal_passkey (customer_id, passkey_id, used, sealed) VALUES ($1, $2, 0, $3)", string(v.Customer), string(id), sealed)
		return err
	}})
	return err
}

// removePasskey takes a passkey off the account. Whoever is signed in by it elsewhere is so no longer.
//
// cite: P-23, 47 CFR 64.2010(f)(1)
func (p *Portal) removePasskey(w http.ResponseWriter, r *http.Request, v visit) error {
	ctx, id := r.Context(), cpni.ID(r.PostForm.Get("passkey"))
	_, err := p.office.Contacts.Enrol(ctx, contact.Enrolment{Contact: v.Contact.ID, Online: true, Drop: id, Also: func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM portal_passkey WHERE customer_id = $1 AND passkey_id = $2", string(v.Customer), string(id))
		return err
	}})
	if err != nil {
		if _, err := notTaken(v.Language, err); err != nil {
			return err
		}
		return v.onward(p, w, r, securityPath, "said-not-done")
	}
	if err := p.endStays(ctx, v.Customer, func(_ []byte, in cpni.ID) bool { return in != v.Contact.ID }); err != nil {
		return err
	}
	return v.onward(p, w, r, securityPath, "said-passkey-gone")
}
