// Package sso speaks with the carrier's own provider of single sign-on (OpenID Connect): who comes back from there is who
// the provider says they are, and nobody else.
//
// cite: P-37, 47 CFR 64.2010(a)
package sso

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// The claims by which an account is found that no identity belongs to yet.
const (
	ByEmail    = "email"              // counts only when the provider has verified it
	ByUsername = "preferred_username" // for a provider whose names are the logins here
)

// Options of New.
type Options struct {
	Issuer, ClientID, ClientSecret string
	Redirect                       string // the address to which the provider sends people back
	Claim                          string // ByEmail or ByUsername
	// SecondFactor says that the provider asks for two factors itself. Without it a member shows a second factor here, too,
	// unless the provider's answer says that it has seen several (amr: mfa, RFC 8176).
	SecondFactor bool
	Clock        cpni.Clock
	Report       func(error) // gets what goes wrong; without personal data
}

// Provider is a provider of single sign-on. It is asked about itself when it is first needed, and again until it answers.
type Provider struct {
	o      Options
	client *http.Client

	mu    sync.Mutex
	known *oidc.Provider
}

// answerTime is how long the provider may take to answer a question of ours.
const answerTime = 10 * time.Second

// New makes a provider. It need not be reachable yet.
func New(o Options) *Provider {
	if o.Report == nil {
		o.Report = func(error) {}
	}
	return &Provider{o: o, client: &http.Client{Timeout: answerTime}}
}

// Trip is what is kept while somebody is with the provider. It is good for one return.
type Trip struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // PKCE
	Back     string `json:"back"`     // where they wanted to go
}

// What comes of a journey to the provider that brings nobody in.
var (
	ErrDown    = cpni.Rejected("PROVIDER_DOWN", "the provider of single sign-on does not answer", []string{"P-37"}, "try again in a moment", "sign in another way if you have a password or a passkey here")
	ErrRefused = cpni.Rejected("SIGN_IN", "the provider of single sign-on has not vouched for you", []string{"P-37"}, "begin again", "tell the operator if it lasts")
)

func (p *Provider) discover(ctx context.Context) (*oidc.Provider, context.Context, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, ctx, nil
	}
	known, err := oidc.NewProvider(ctx, p.o.Issuer)
	if err != nil {
		p.o.Report(fmt.Errorf("asking the provider of single sign-on about itself: %w", err))
		return nil, ctx, ErrDown
	}
	p.known = known
	return known, ctx, nil
}

func (p *Provider) oauth(known *oidc.Provider) *oauth2.Config {
	scopes := []string{oidc.ScopeOpenID, "profile"}
	if p.o.Claim == ByEmail {
		scopes = append(scopes, "email")
	}
	return &oauth2.Config{ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, RedirectURL: p.o.Redirect, Endpoint: known.Endpoint(), Scopes: scopes}
}

// Begin gives the address at the provider to which somebody goes, and what is to be kept until they return.
func (p *Provider) Begin(ctx context.Context, back string) (address string, trip Trip, err error) {
	known, _, err := p.discover(ctx)
	if err != nil {
		return "", trip, err
	}
	trip = Trip{State: word(), Nonce: word(), Verifier: oauth2.GenerateVerifier(), Back: back}
	return p.oauth(known).AuthCodeURL(trip.State, oidc.Nonce(trip.Nonce), oauth2.S256ChallengeOption(trip.Verifier)), trip, nil
}

func word() string {
	b := make([]byte, 24)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func same(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// claims are what we read of what the provider says.
type claims struct {
	Email    string   `json:"email"`
	Verified any      `json:"email_verified"` // true, or "true" of some providers
	Username string   `json:"preferred_username"`
	Methods  []string `json:"amr"`
}

func (c claims) login(by string) string {
	switch {
	case by == ByUsername:
		return c.Username
	case c.Verified == true || c.Verified == "true":
		return c.Email
	}
	return ""
}

// Finish finds out who has come back, with what the provider sent along. Only the answer to this trip counts: of this
// provider, for us, in its time.
//
// cite: P-37, 47 CFR 64.2010(a)
func (p *Provider) Finish(ctx context.Context, trip Trip, sent url.Values) (staff.Identity, error) {
	var nobody staff.Identity
	if !same(sent.Get("state"), trip.State) || sent.Get("error") != "" || sent.Get("code") == "" {
		return nobody, ErrRefused
	}
	known, ctx, err := p.discover(ctx)
	if err != nil {
		return nobody, err
	}
	if issuer := sent.Get("iss"); issuer != "" && issuer != p.o.Issuer {
		return nobody, ErrRefused
	}
	tokens, err := p.oauth(known).Exchange(ctx, sent.Get("code"), oauth2.VerifierOption(trip.Verifier))
	if err != nil {
		return nobody, p.outcome("fetching the token", err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nobody, p.outcome("the answer has no token of identity", nil)
	}
	token, err := known.Verifier(&oidc.Config{ClientID: p.o.ClientID, Now: p.o.Clock.Now}).Verify(ctx, raw)
	if err != nil {
		return nobody, p.outcome("verifying the token", err)
	}
	if !same(token.Nonce, trip.Nonce) {
		return nobody, p.outcome("the token was made for another sign-in", nil)
	}
	if token.AccessTokenHash != "" && token.VerifyAccessToken(tokens.AccessToken) != nil {
		return nobody, p.outcome("the tokens do not belong together", nil)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return nobody, p.outcome("reading the token", err)
	}
	who := staff.Identity{Issuer: token.Issuer, Subject: token.Subject, Login: c.login(p.o.Claim), Whole: p.o.SecondFactor || slices.Contains(c.Methods, "mfa")}
	if who.Login == "" {
		info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil || info.Subject != token.Subject {
			return who, nil // an identity that is linked needs no claim
		}
		var more claims
		if err := info.Claims(&more); err != nil {
			return nobody, p.outcome("reading what the provider knows", err)
		}
		who.Login = more.login(p.o.Claim)
	}
	return who, nil
}

// outcome tells the operator what went wrong, and the person what it means. The provider's own words may hold personal
// data, and stay out of it.
func (p *Provider) outcome(what string, err error) error {
	var spoke *oauth2.RetrieveError
	var expired *oidc.TokenExpiredError
	var wire *url.Error
	switch {
	case errors.As(err, &spoke):
		p.o.Report(fmt.Errorf("single sign-on: %s: the provider answered %s", what, spoke.Response.Status))
	case errors.As(err, &expired):
		p.o.Report(fmt.Errorf("single sign-on: %s: it has expired", what))
	case errors.As(err, &wire):
		p.o.Report(fmt.Errorf("single sign-on: %s: %w", what, wire.Err))
		return ErrDown
	case err != nil:
		p.o.Report(fmt.Errorf("single sign-on: %s: %s", what, strings.SplitN(strings.TrimPrefix(err.Error(), "oidc: "), ":", 2)[0]))
	default:
		p.o.Report(fmt.Errorf("single sign-on: %s", what))
	}
	return ErrRefused
}
