package sso

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/staff/sso/ssotest"
)

const redirect = "http://127.0.0.1:9/sign-in/sso/back"

var (
	rae = ssotest.Person{Subject: "s-1", Name: "rae", Email: "rae@carrier.example", Verified: true}
	sly = ssotest.Person{Subject: "s-2", Name: "sly", Email: "amos@carrier.example"} // says so, and nobody has looked
)

// reports gathers what is told to the operator.
type reports struct {
	mu  sync.Mutex
	all []string
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, err.Error())
}

func options(p *ssotest.Provider, change ...func(*Options)) Options {
	o := Options{Issuer: p.Issuer, ClientID: ssotest.ClientID, ClientSecret: ssotest.ClientSecret, Redirect: redirect, Claim: ByEmail, Clock: cpni.ClockFunc(time.Now)}
	for _, c := range change {
		c(&o)
	}
	return o
}

// travel goes to the provider and comes back.
func travel(t *testing.T, p *ssotest.Provider, with *Provider, name string) (Trip, url.Values) {
	t.Helper()
	address, trip, err := with.Begin(t.Context(), "/desk")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{trip.Verifier, ssotest.ClientSecret} {
		if strings.Contains(address, secret) {
			t.Errorf("a secret stands in the address: %s", address)
		}
	}
	back := p.SignIn(t, address, name)
	if !strings.HasPrefix(back.String(), redirect) {
		t.Fatalf("sent to %s", back)
	}
	return trip, back.Query()
}

// cite: P-37, 47 CFR 64.2010(a)
func TestWhoComesBack(t *testing.T) {
	p := ssotest.Start(t, redirect, rae, sly)
	for _, row := range []struct {
		name   string
		who    ssotest.Person
		change func(*Options)
		want   staff.Identity
	}{
		{"a verified address", rae, func(*Options) {}, staff.Identity{Subject: "s-1", Login: "rae@carrier.example"}},
		{"an address that nobody has verified", sly, func(*Options) {}, staff.Identity{Subject: "s-2"}},
		{"a name", sly, func(o *Options) { o.Claim = ByUsername }, staff.Identity{Subject: "s-2", Login: "sly"}},
		{"a provider that asks for two factors", rae, func(o *Options) { o.SecondFactor = true }, staff.Identity{Subject: "s-1", Login: "rae@carrier.example", Whole: true}},
	} {
		with := New(options(p, row.change))
		trip, sent := travel(t, p, with, row.who.Name)
		got, err := with.Finish(t.Context(), trip, sent)
		row.want.Issuer = p.Issuer
		if err != nil || got != row.want {
			t.Errorf("%s: %+v, %v, want %+v", row.name, got, err, row.want)
		}
		if trip.Back != "/desk" {
			t.Errorf("%s: back to %q", row.name, trip.Back)
		}
	}
}

// What is not the provider's answer to this very sign-in brings nobody in.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestAnswersThatProveNothing(t *testing.T) {
	p := ssotest.Start(t, redirect, rae)
	told := &reports{}
	with := New(options(p, func(o *Options) { o.Report = told.add }))

	// Tokens that are real and were made for something else.
	token := func(with *Provider) string {
		var raw string
		p.Spoil(func(answer map[string]any) { raw, _ = answer["id_token"].(string) })
		trip, sent := travel(t, p, with, "rae")
		if _, err := with.Finish(t.Context(), trip, sent); err != nil {
			t.Fatal(err)
		}
		p.Spoil(nil)
		return raw
	}
	earlier := token(with)
	theirs := token(New(options(p, func(o *Options) { o.ClientID, o.ClientSecret = ssotest.OtherID, ssotest.OtherSecret })))
	elsewhere := ssotest.Start(t, redirect, rae)
	foreign := New(options(elsewhere))
	var strange string
	elsewhere.Spoil(func(answer map[string]any) { strange, _ = answer["id_token"].(string) })
	trip, sent := travel(t, elsewhere, foreign, "rae")
	if _, err := foreign.Finish(t.Context(), trip, sent); err != nil {
		t.Fatal(err)
	}

	give := func(raw string) func(map[string]any) {
		return func(answer map[string]any) { answer["id_token"] = raw }
	}
	unsigned := func(answer map[string]any) {
		parts := strings.Split(answer["id_token"].(string), ".")
		answer["id_token"] = "eyJhbGciOiJub25lIn0." + parts[1] + "." // {"alg":"none"}
	}
	changed := func(answer map[string]any) {
		parts := strings.Split(answer["id_token"].(string), ".")
		answer["id_token"] = parts[0] + "." + parts[1][:len(parts[1])-4] + "AAAA." + parts[2]
	}
	for name, row := range map[string]struct {
		spoil func(map[string]any)
		trip  func(*Trip)
		sent  func(url.Values)
		clock time.Duration
	}{
		"another state":           {sent: func(v url.Values) { v.Set("state", "x") }},
		"no state":                {sent: func(v url.Values) { v.Del("state") }, trip: func(t *Trip) { t.State = "" }},
		"another code":            {sent: func(v url.Values) { v.Set("code", "x") }},
		"no code":                 {sent: func(v url.Values) { v.Del("code") }},
		"the provider refuses":    {sent: func(v url.Values) { v.Set("error", "access_denied") }},
		"another issuer":          {sent: func(v url.Values) { v.Set("iss", "https://evil.example") }},
		"another verifier (PKCE)": {trip: func(t *Trip) { t.Verifier = strings.Repeat("a", 43) }},
		"another nonce":           {trip: func(t *Trip) { t.Nonce = "x" }},
		"no nonce":                {trip: func(t *Trip) { t.Nonce = "" }},
		"a token that was used":   {spoil: give(earlier)},
		"a token for another":     {spoil: give(theirs)},
		"a token of another":      {spoil: give(strange)},
		"a token of nobody":       {spoil: unsigned},
		"a changed token":         {spoil: changed},
		"no token":                {spoil: func(answer map[string]any) { delete(answer, "id_token") }},
		"nonsense":                {spoil: give("a.b.c")},
		"another access token":    {spoil: func(answer map[string]any) { answer["access_token"] = "x" }},
		"a token that is old":     {clock: 25 * time.Hour},
	} {
		late := New(options(p, func(o *Options) {
			o.Report = told.add
			o.Clock = cpni.ClockFunc(func() time.Time { return time.Now().Add(row.clock) })
		}))
		trip, sent := travel(t, p, late, "rae")
		if row.trip != nil {
			row.trip(&trip)
		}
		if row.sent != nil {
			row.sent(sent)
		}
		p.Spoil(row.spoil)
		who, err := late.Finish(t.Context(), trip, sent)
		p.Spoil(nil)
		if err != error(ErrRefused) || who != (staff.Identity{}) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}

	// A code works once.
	trip, sent = travel(t, p, with, "rae")
	if _, err := with.Finish(t.Context(), trip, sent); err != nil {
		t.Fatal(err)
	}
	if _, err := with.Finish(t.Context(), trip, sent); err != error(ErrRefused) {
		t.Errorf("a code that was used: %v", err)
	}
	for _, s := range told.all {
		for _, personal := range []string{"rae", "s-1", ssotest.ClientSecret, "eyJ"} {
			if strings.Contains(s, personal) {
				t.Errorf("the operator is told %q", s)
			}
		}
	}
	if len(told.all) == 0 {
		t.Error("the operator is told nothing")
	}
}

// A provider that is down keeps nobody out who can sign in another way, and is asked again when it is back.
//
// cite: P-37
func TestProviderIsDown(t *testing.T) {
	p := ssotest.Start(t, redirect, rae)
	nowhere := New(options(p, func(o *Options) { o.Issuer = "http://127.0.0.1:9" }))
	if _, _, err := nowhere.Begin(t.Context(), "/"); err != error(ErrDown) {
		t.Errorf("a provider that never was there: %v", err)
	}
	with := New(options(p))
	trip, sent := travel(t, p, with, "rae")
	p.Stop()
	if _, err := with.Finish(t.Context(), trip, sent); !errors.Is(err, ErrDown) {
		t.Errorf("a provider that has gone meanwhile: %v", err)
	}
	if _, err := New(options(p)).Finish(t.Context(), trip, sent); !errors.Is(err, ErrDown) {
		t.Errorf("after a restart: %v", err)
	}
}
