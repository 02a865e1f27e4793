package portal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/visitor"
)

// stay is a session of a signed-in customer: a browser with a random word, of which the database has only the hash, and the
// online contact in which they have proved who they are. It lives no longer than that contact.
//
// cite: P-16, P-42, I-16, 47 CFR 64.2010(c)
type stay struct {
	hash          [32]byte
	Customer      cpni.ID
	Contact       cpni.ID
	Began, Active time.Time
	contact       *contact.State
}

// errNotSignedIn: nobody is signed in with this browser, or not any more. Who asks is not told which.
var errNotSignedIn = errors.New("nobody is signed in")

const (
	stayPrefix = "rfa_"
	stayBytes  = 32
	// stayTouch is how far the stored moment of last activity may lag.
	stayTouch = 20 * time.Second
)

// stayCookie is the name of the cookie. Over HTTPS browsers take one of that name only from this host itself, for all its
// paths: no neighbour can plant it.
func (p *Portal) stayCookie() string {
	if p.options.Secure {
		return "__Host-account"
	}
	return "account"
}

func (p *Portal) setStay(w http.ResponseWriter, secret string, age int) {
	http.SetCookie(w, &http.Cookie{Name: p.stayCookie(), Value: secret, Path: "/", MaxAge: age, HttpOnly: true, Secure: p.options.Secure, SameSite: http.SameSiteLaxMode})
}

func (p *Portal) endCookie(w http.ResponseWriter) { p.setStay(w, "", -1) }

// stayHash gives the hash under which a session is kept; ok is false for what can be no session's word.
func stayHash(secret string) (hash [32]byte, ok bool) {
	if !strings.HasPrefix(secret, stayPrefix) || len(secret) != len(stayPrefix)+base64.RawURLEncoding.EncodedLen(stayBytes) {
		return hash, false
	}
	return sha256.Sum256([]byte(secret)), true
}

// stayOf finds the session of a browser, and notes that it goes on.
func (p *Portal) stayOf(r *http.Request) (stay, error) {
	c, err := r.Cookie(p.stayCookie())
	if err != nil {
		return stay{}, errNotSignedIn
	}
	hash, ok := stayHash(c.Value)
	if !ok {
		return stay{}, errNotSignedIn
	}
	s := stay{hash: hash}
	ctx := r.Context()
	var began, active int64
	err = p.office.DB.Reader().QueryRow(ctx, "SELECT customer_id, contact_id, began, active FROM portal_session WHERE hash = $1 AND ended = 0", hash[:]).Scan(&s.Customer, &s.Contact, &began, &active)
	if store.IsNoRow(err) {
		return s, errNotSignedIn
	}
	if err != nil {
		return s, fmt.Errorf("reading a customer's session: %w", err)
	}
	s.Began, s.Active = time.UnixMicro(began).UTC(), time.UnixMicro(active).UTC()
	now := p.office.Clock.Now()
	idle, longest := p.stayLife(now)
	if !now.Before(s.Active.Add(idle)) || !now.Before(s.Began.Add(longest)) {
		return s, errNotSignedIn
	}
	s.contact, _, err = p.office.Contacts.Get(ctx, s.Contact)
	switch {
	case errors.Is(err, contact.ErrNoContact), errors.Is(err, vault.ErrForgotten):
		return s, errNotSignedIn
	case err != nil:
		return s, err
	case s.contact.Customer != s.Customer || !p.office.Contacts.Live(s.contact, now):
		return s, errNotSignedIn
	}
	if now.Sub(s.Active) >= stayTouch {
		if err := p.office.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE portal_session SET active = $1 WHERE hash = $2 AND active < $1 AND ended = 0", now.UnixMicro(), hash[:])
			return err
		}); err != nil {
			return s, fmt.Errorf("keeping a customer's session: %w", err)
		}
	}
	return s, p.office.Contacts.Touch(ctx, s.contact, now)
}

// stayLife is for how long a session lives while nobody does anything, and in all.
func (p *Portal) stayLife(at time.Time) (idle, longest time.Duration) {
	n := p.office.Policy.Numbers(at)
	return n.Duration("portal", "session_idle"), n.Duration("portal", "session_longest")
}

// whole reports whether the customer themselves has proved in a contact what a session takes: the password and a code that
// reached them where they are of record, or a passkey.
//
// cite: P-16, P-20, P-21, 47 CFR 64.2010(c)
func whole(s *contact.State, at time.Time) bool {
	has := func(m cpni.Method) bool {
		return slices.ContainsFunc(s.Evidence, func(e evidence) bool { return e.Method == m && (e.Until.IsZero() || at.Before(e.Until)) })
	}
	return s.Speaker == contact.Customer && (has(cpni.ByPassword) && has(cpni.ByCode) || has(cpni.ByPasskey))
}

// stands reports whether what was proved still counts: a proof that has been taken out of the contact is gone, and a secret
// that was set since, in another contact, ends every session that began before it.
//
// cite: P-16, P-22, P-23, 47 CFR 64.2010(a)
func (p *Portal) stands(s stay, of *customer.Profile) bool {
	if !of.Ended.IsZero() || !whole(s.contact, p.office.Clock.Now()) {
		return false
	}
	if of.Safety != nil && of.Safety.Word != nil && of.Safety.Word.Set.After(s.Began) {
		return false
	}
	return !slices.ContainsFunc(of.Changes, func(c customer.Changed) bool {
		return c.What == customer.WhatPassword && c.At.After(s.Began) && c.Contact != string(s.Contact)
	})
}

// begin begins a session in a contact in which the customer has proved themselves, and gives the browser its word. What word
// the browser brought is of no account: nobody can have had it made for them.
//
// cite: P-16, P-42, 47 CFR 64.2010(c)
func (p *Portal) begin(w http.ResponseWriter, r *http.Request, s *contact.State) error {
	ctx, now := r.Context(), p.office.Clock.Now()
	if !whole(s, now) {
		return errNotSignedIn
	}
	b := make([]byte, stayBytes)
	rand.Read(b)
	secret := stayPrefix + base64.RawURLEncoding.EncodeToString(b)
	hash, _ := stayHash(secret)
	_, longest := p.stayLife(now)
	var seen browserSeen
	seen.Browser, seen.System = visitor.Browser(r.UserAgent())
	seen.Network = visitor.Network(visitor.Address(r, p.options.Proxies))
	plain, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	err = p.office.DB.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM portal_session WHERE began < $1", now.Add(-longest).UnixMicro()); err != nil {
			return err
		}
		sealed, err := p.office.Vault.SealTx(ctx, tx, s.Customer, stayPlace(hash), plain)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO portal_session (hash, customer_id, contact_id, began, active, ended, sealed) VALUES ($1, $2, $3, $4, $4, 0, $5)",
			hash[:], string(s.Customer), string(s.ID), now.UnixMicro(), sealed)
		return err
	})
	if err != nil {
		return fmt.Errorf("beginning a customer's session: %w", err)
	}
	p.setStay(w, secret, 0)
	return nil
}

func stayPlace(hash [32]byte) string { return "portal-session/" + hex.EncodeToString(hash[:]) }

// browserSeen is by what a customer tells their browsers apart: a coarse word for it, and a coarse network.
type browserSeen struct {
	Browser string `json:"browser,omitempty"`
	System  string `json:"system,omitempty"`
	Network string `json:"network,omitempty"`
}

// stayShown is a session in the list of them.
type stayShown struct {
	browserSeen
	ID            string // names it to endStays; of no use for signing in
	Began, Active time.Time
	This          bool // it is the one that asks
}

// stays lists the sessions of a customer that go on, the latest used first.
func (p *Portal) stays(ctx context.Context, of cpni.ID, this [32]byte) ([]stayShown, error) {
	now := p.office.Clock.Now()
	idle, longest := p.stayLife(now)
	rows, err := p.office.DB.Reader().Query(ctx, "SELECT hash, contact_id, began, active, sealed FROM portal_session WHERE customer_id = $1 AND ended = 0 AND active > $2 AND began > $3 ORDER BY active DESC, hash",
		string(of), now.Add(-idle).UnixMicro(), now.Add(-longest).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("listing a customer's sessions: %w", err)
	}
	type row struct {
		hash          []byte
		in            cpni.ID
		began, active int64
		sealed        []byte
	}
	var read []row
	for rows.Next() {
		var x row
		if err := rows.Scan(&x.hash, &x.in, &x.began, &x.active, &x.sealed); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		read = append(read, x)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("listing a customer's sessions: %w", err)
	}
	var all []stayShown
	for _, x := range read {
		s, _, err := p.office.Contacts.Get(ctx, x.in)
		if err != nil && !errors.Is(err, contact.ErrNoContact) {
			return nil, err
		}
		if err != nil || !p.office.Contacts.Live(s, now) {
			continue
		}
		shown := stayShown{ID: hex.EncodeToString(x.hash), Began: time.UnixMicro(x.began), Active: time.UnixMicro(x.active), This: slices.Equal(x.hash, this[:])}
		plain, err := p.office.Vault.OpenState(ctx, of, "portal-session/"+shown.ID, x.sealed)
		if err == nil {
			err = json.Unmarshal(plain, &shown.browserSeen)
		}
		if err != nil {
			return nil, fmt.Errorf("reading a customer's session: %w", err)
		}
		all = append(all, shown)
	}
	return all, nil
}

// endStays ends sessions of a customer and the contacts on which they stand: those for which is says so.
//
// cite: P-42, I-16
func (p *Portal) endStays(ctx context.Context, of cpni.ID, is func(hash []byte, in cpni.ID) bool) error {
	var contacts []cpni.ID
	now := p.office.Clock.Now()
	err := p.office.DB.Tx(ctx, func(tx *store.Tx) error {
		contacts = nil
		rows, err := tx.Query(ctx, "SELECT hash, contact_id FROM portal_session WHERE customer_id = $1 AND ended = 0", string(of))
		if err != nil {
			return err
		}
		var hashes [][]byte
		for rows.Next() {
			var hash []byte
			var in cpni.ID
			if err := rows.Scan(&hash, &in); err != nil {
				return errors.Join(err, rows.Close())
			}
			if is(hash, in) {
				hashes, contacts = append(hashes, hash), append(contacts, in)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, hash := range hashes {
			if _, err := tx.Exec(ctx, "UPDATE portal_session SET ended = $1 WHERE hash = $2 AND ended = 0", now.UnixMicro(), hash); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ending a customer's sessions: %w", err)
	}
	for _, id := range contacts {
		if err := p.office.Contacts.End(ctx, id); err != nil && !errors.Is(err, contact.ErrNoContact) {
			return err
		}
	}
	return nil
}

// dropStay ends a session whose browser has got another word for the same contact.
func (p *Portal) dropStay(ctx context.Context, hash [32]byte) error {
	err := p.office.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE portal_session SET ended = $1 WHERE hash = $2 AND ended = 0", p.office.Clock.Now().UnixMicro(), hash[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("ending a customer's session: %w", err)
	}
	return nil
}
