package server

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"ringfence/internal/console"
	"ringfence/internal/cpni"
	"ringfence/internal/staff/sso"
)

// checkSignIn reports what is wrong with how people sign in and where they come from.
//
// cite: P-37
func (c Config) checkSignIn() []error {
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	if u, err := url.Parse(c.Address); c.Address != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil) {
		say("url %q is no address such as https://desk.carrier.example, without a path", c.Address)
	}
	if _, err := c.proxies(); err != nil {
		say("trusted-proxies: %v; write networks such as 10.0.0.0/8", err)
	}
	switch c.SignIn.SecondFactor {
	case "", "required", "optional":
	default:
		say("sign-in.second-factor is required or optional, not %q", c.SignIn.SecondFactor)
	}
	o := c.SignIn.OIDC
	if o == (OIDC{}) {
		return wrong
	}
	if u, err := url.Parse(o.Issuer); err != nil || u.Scheme != "https" && !loopback(u) || u.Host == "" {
		say("sign-in.oidc.issuer %q is no address that begins with https://", o.Issuer)
	}
	if o.ClientID == "" {
		say("sign-in.oidc.client-id is empty: write the name under which the provider knows this server")
	}
	if c.Address == "" {
		say("sign-in.oidc needs url: the provider sends people back to it, at /sign-in/sso/back")
	}
	if o.Claim != "" && o.Claim != sso.ByEmail && o.Claim != sso.ByUsername {
		say("sign-in.oidc.claim is email or preferred_username, not %q", o.Claim)
	}
	if o.SecondFactor != "" && o.SecondFactor != "ours" && o.SecondFactor != "provider" {
		say("sign-in.oidc.second-factor is ours or provider, not %q", o.SecondFactor)
	}
	return wrong
}

// loopback reports whether an address is of this machine, where nobody listens in.
func loopback(u *url.URL) bool {
	a, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && a.IsLoopback())
}

// proxies reads the networks of trusted proxies.
func (c Config) proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range c.Proxies {
		p, err := netip.ParsePrefix(text)
		if a, single := netip.ParseAddr(text); err != nil && single == nil {
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no network", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// consoleOptions are those of the console of a configuration that was checked.
func (c Config) consoleOptions(clock cpni.Clock, zone *time.Location, secure bool, report func(error)) (console.Options, error) {
	o := console.Options{Carrier: c.Carrier.Name, Secure: secure, Report: report, Address: strings.TrimSuffix(c.Address, "/"), Demonstration: c.SignIn.SecondFactor == "optional",
		Ways: c.Messages.carriedBy(), Bare: c.demonstration}
	channel, err := c.letter(clock, zone)
	if err != nil {
		return o, err
	}
	o.Letter = pages(channel)
	if o.Proxies, err = c.proxies(); err != nil {
		return o, err
	}
	way := c.SignIn.OIDC
	if way.Issuer == "" {
		return o, nil
	}
	settings := sso.Options{Issuer: way.Issuer, ClientID: way.ClientID, Redirect: o.Address + "/sign-in/sso/back", Claim: way.Claim, SecondFactor: way.SecondFactor == "provider", Clock: clock, Report: report}
	if settings.Claim == "" {
		settings.Claim = sso.ByEmail
	}
	if way.SecretFile != "" {
		secret, err := os.ReadFile(way.SecretFile)
		if err != nil {
			return o, fmt.Errorf("sign-in.oidc.client-secret-file: %w", err)
		}
		settings.ClientSecret = strings.TrimSpace(string(secret))
	}
	o.SSO, o.SSOName = sso.New(settings), way.Name
	if o.SSOName == "" {
		o.SSOName = "single sign-on"
	}
	return o, nil
}

// SetUpAddress is where the first administrator is made, with the secret that opens it; address is where the server
// answers.
func (c Config) SetUpAddress(address, secret string) string {
	return c.base(address) + "/set-up/" + secret
}

// JoinAddress is where a member who is invited sets their password.
func (c Config) JoinAddress(secret string) string { return c.base(c.Listen) + "/join/" + secret }

func (c Config) base(address string) string {
	if c.Address != "" {
		return strings.TrimSuffix(c.Address, "/")
	}
	return "http://" + address
}
