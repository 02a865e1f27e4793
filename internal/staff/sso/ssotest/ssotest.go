// Package ssotest runs a real OpenID provider on this machine for tests, and can spoil what it answers on its way.
package ssotest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The clients that the provider knows: ours, and another's.
const (
	ClientID, ClientSecret = "ringfence", "a-secret-of-ours"
	OtherID, OtherSecret   = "another", "a-secret-of-theirs"
)

// password is that of everybody.
const password = "their own secret"

// Person is somebody whom the provider knows.
type Person struct {
	Subject, Name, Email string
	Verified             bool
}

// Provider is a running provider.
type Provider struct {
	Issuer string
	server *httptest.Server
	store  *storage.Storage

	mu    sync.Mutex
	spoil func(answer map[string]any)
}

// people are all whom a provider knows.
type people []Person

// GetUserByID finds somebody by subject.
func (p people) GetUserByID(id string) *storage.User {
	return p.find(func(x Person) bool { return x.Subject == id })
}

// GetUserByUsername finds somebody by name.
func (p people) GetUserByUsername(name string) *storage.User {
	return p.find(func(x Person) bool { return x.Name == name })
}

// ExampleClientID is of no use here.
func (p people) ExampleClientID() string { return "service" }

func (p people) find(is func(Person) bool) *storage.User {
	for _, x := range p {
		if is(x) {
			return &storage.User{ID: x.Subject, Username: x.Name, Password: password, Email: x.Email, EmailVerified: x.Verified}
		}
	}
	return nil
}

// Start starts a provider that sends people back to redirect. It ends with the test.
func Start(t testing.TB, redirect string, known ...Person) *Provider {
	t.Helper()
	clients := map[string]*storage.Client{ClientID: storage.WebClient(ClientID, ClientSecret, redirect), OtherID: storage.WebClient(OtherID, OtherSecret, redirect)}
	p := &Provider{store: storage.NewStorageWithClients(people(known), clients)}
	var handler http.Handler
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(handler, w, r) }))
	t.Cleanup(p.server.Close)
	p.Issuer = p.server.URL
	config := &op.Config{CodeMethodS256: true, AuthMethodPost: true}
	rand.Read(config.CryptoKey[:])
	made, err := op.NewProvider(config, p.store, op.StaticIssuer(p.Issuer), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	handler = made
	return p
}

// serve answers, and spoils the answer with the tokens when a test wants it.
func (p *Provider) serve(handler http.Handler, w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	spoil := p.spoil
	p.mu.Unlock()
	if spoil == nil || !strings.HasSuffix(r.URL.Path, "/token") {
		handler.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	var said map[string]any
	if json.Unmarshal(body, &said) == nil {
		spoil(said)
		body, _ = json.Marshal(said)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Code)
	io.Copy(w, bytes.NewReader(body))
}

// Spoil changes what the provider answers with its tokens from now on; nil: nothing.
func (p *Provider) Spoil(how func(answer map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoil = how
}

// Stop stops it for good.
func (p *Provider) Stop() { p.server.Close() }

// SignIn is what somebody does at the provider who was sent there: it gives the address to which they are sent back.
func (p *Provider) SignIn(t testing.TB, address, name string) *url.URL {
	t.Helper()
	at := p.moved(t, address)
	id := at.Query().Get("authRequestID")
	if id == "" {
		return at // the provider has refused at once
	}
	if err := p.store.CheckUsernamePassword(name, password, id); err != nil {
		t.Fatal(err)
	}
	return p.moved(t, p.Issuer+"/authorize/callback?id="+url.QueryEscape(id))
}

// moved asks for an address and gives that to which it leads.
func (p *Provider) moved(t testing.TB, address string) *url.URL {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	at, err := answer.Location()
	if err != nil {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("the provider answers %s: %s", answer.Status, body)
	}
	return at
}
