// Package console is the staff's web: the agent's desk, what is on record, the rules and the ledger.
//
// Every page is made on the server and works without scripts; the one script adds keys. Whatever a page does it does
// through the services of the office, and what the browser says is taken for a wish, never for a fact: who asks is told by
// the session, whose contact it is by the contact, what may be shown by the door.
//
// cite: P-16, P-17, P-37, P-41, 47 CFR 64.2010(a)
package console

import (
	"net/http"
	"net/netip"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/staff/sso"
)

// Options of New.
type Options struct {
	Carrier string      // its name, as pages show it
	Secure  bool        // people reach it by HTTPS: cookies are sent over nothing else
	Report  func(error) // gets what goes wrong on our side; without personal data
	// Address is where people reach the console, such as https://desk.carrier.example; empty: only passkeys of localhost work.
	Address string
	// Proxies are those whose word is taken for where a request comes from.
	Proxies []netip.Prefix
	// SSO is the carrier's provider of single sign-on; nil: there is none.
	SSO *sso.Provider
	// SSOName is what the button calls it.
	SSOName string
	// Demonstration: a name and password are enough, and the sign-in says so.
	Demonstration bool
	// Settings are what the server was configured with, without secrets, as the settings page shows them.
	Settings []Setting
	// Ways names what carries each way of reaching customers, such as smtp.
	Ways map[cpni.Via]string
	// Letter makes the pages of a letter, as a PDF; nil: letters are shown as text.
	Letter func(notify.Piece) ([]byte, error)
	// Bare shows codes to the staff, which nothing but a demonstration does: its customers are made up.
	Bare bool
	// Stories names the carrier's scenarios with what each cites; nil: none are shown.
	Stories func() ([]Story, error)
}

// Setting is one entry of the configuration.
type Setting struct{ Name, Value string }

// Story is a scenario by which a policy is tried.
type Story struct {
	File, Name string
	Cites      []string // clauses and sections
}

// Console answers the staff's browsers.
type Console struct {
	office  *office.Office
	options Options
	seal    sealer
	assets  map[string]asset
	handler http.Handler
}

// New makes the console of an office.
func New(o *office.Office, options Options) *Console {
	if options.Report == nil {
		options.Report = func(error) {}
	}
	c := &Console{office: o, options: options, seal: sealer(o.Vault.Derive("console forms v1")), assets: loadAssets()}
	c.handler = c.route()
	return c
}

// Handler answers for the console's pages and assets.
func (c *Console) Handler() http.Handler { return c.handler }
