// Package server puts Ringfence together: configuration, the parts in their order, and the listeners.
package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"ringfence/internal/ledger/witness"
)

// Config is the one configuration file. Every name in it is checked: an unknown one is an error, not ignored.
type Config struct {
	Carrier  Carrier `yaml:"carrier"`
	Database string  `yaml:"database"` // sqlite:/var/lib/ringfence/ringfence.db or postgres://…
	Listen   string  `yaml:"listen"`   // host:port; the default listens on this machine alone
	Metrics  string  `yaml:"metrics"`  // host:port for Prometheus, best on this machine alone; empty: none
	Vault    Vault   `yaml:"vault"`
	Ledger   Ledger  `yaml:"ledger"`
	Policy   string  `yaml:"policy"` // a folder that replaces the built-in policy; empty: built in
	// Scenarios is a folder of the carrier's own scenarios, told besides those built in before another policy can take
	// effect; empty: none.
	Scenarios string  `yaml:"scenarios"`
	Options   Options `yaml:"options"`
	// Address is where people reach the server, such as https://desk.carrier.example; passkeys and single sign-on need it.
	Address string `yaml:"url"`
	// Proxies are the networks whose word is taken for where a request comes from (X-Forwarded-For).
	Proxies []string  `yaml:"trusted-proxies"`
	SignIn  SignInWay `yaml:"sign-in"`
	// Messages is how customers are reached.
	Messages Messages `yaml:"messages,omitempty"`
	// Monitors is how each way to refuse is tried.
	Monitors Monitors `yaml:"monitors,omitempty"`

	// TakePolicy is as rulebook.Options.TakeFiles; it stands in no file, but is asked for once.
	TakePolicy bool `yaml:"-"`
	// demonstration: customers are made up, so what only they may know is shown as well.
	demonstration bool
}

// SignInWay is how the staff sign in.
//
// cite: P-37, 47 CFR 64.2010(a)
type SignInWay struct {
	SecondFactor string `yaml:"second-factor"` // optional, for a demonstration; required or empty: as the policy says
	OIDC         OIDC   `yaml:"oidc"`
}

// OIDC is the carrier's provider of single sign-on; without an issuer there is none.
type OIDC struct {
	Name         string `yaml:"name"` // on the button
	Issuer       string `yaml:"issuer"`
	ClientID     string `yaml:"client-id"`
	SecretFile   string `yaml:"client-secret-file"` // empty: a client without a secret, which PKCE protects
	Claim        string `yaml:"claim"`              // email, the default, or preferred_username: what has to be the member's login
	SecondFactor string `yaml:"second-factor"`      // provider: it asks for one itself; ours, the default: Ringfence does
}

// Carrier is whose promises are kept.
type Carrier struct {
	Name    string  `yaml:"name"`
	Zone    string  `yaml:"zone"` // decides dates, for instance America/New_York
	CMRS    bool    `yaml:"cmrs"` // offers commercial mobile service, which switches the rules on SIM changes
	Contact Contact `yaml:"contact"`
	// Facility is where breaches are reported.
	Facility Facility `yaml:"facility"`
	// Posting is where changes of the public policy are posted, as its customers are told: an address or a place.
	Posting string `yaml:"posting"`
	// Reports is what reports of breaches to the agencies say of the carrier; nothing of it set: a person fills it in each time.
	Reports Reports `yaml:"reports,omitempty"`
}

// Contact is how customers reach the carrier to deny or restrict the use of their information.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3)
type Contact struct {
	Email string `yaml:"email"`
	Phone string `yaml:"phone"`
	Post  string `yaml:"post"` // a postal address, in one line
	Web   string `yaml:"web"`
}

// Vault names the master key: file:/path, env:NAME, or the address of a key management service.
type Vault struct {
	Key string `yaml:"key"`
}

// Ledger names the log, its signing key and the file that keeps its newest checkpoint outside the database.
type Ledger struct {
	Origin     string `yaml:"origin"`
	Key        string `yaml:"key"`
	Checkpoint string `yaml:"checkpoint"`
	// Emergencies is the file in which this node alone records what emergency calls need while the ledger cannot be written; empty: a file of
	// that name beside Checkpoint, or none where there is no Checkpoint.
	Emergencies string `yaml:"emergencies,omitempty"`
	// Witnesses cosign its checkpoints, and Quorum of them have to; 0: all.
	Witnesses []Witness `yaml:"witnesses,omitempty"`
	Quorum    int       `yaml:"quorum,omitempty"`
}

// Witness is somebody outside who looks at the log and cosigns it (C2SP tlog-witness).
type Witness struct {
	Key string `yaml:"key"` // its public key, name+hash+key
	URL string `yaml:"url"` // below which it answers at add-checkpoint
}

// journal is the path of the file for emergencies; "" there is none.
func (l Ledger) journal() string {
	if l.Emergencies == "" && l.Checkpoint != "" {
		return filepath.Join(filepath.Dir(l.Checkpoint), "emergencies")
	}
	return l.Emergencies
}

// told says how many witnesses have to cosign; "" none is asked.
func (l Ledger) told() string {
	n := l.Quorum
	if n == 0 {
		n = len(l.Witnesses)
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d have to cosign", n, len(l.Witnesses))
}

// peers are the witnesses as they are asked.
func (l Ledger) peers() (all []witness.Peer) {
	for _, w := range l.Witnesses {
		all = append(all, witness.Peer{Key: w.Key, URL: w.URL})
	}
	return all
}

// Options are choices that the law leaves to the carrier, each off unless set.
type Options struct {
	// UnaidedDetail lets an agent discuss the one call that an unverified caller described without help.
	//
	// cite: 47 CFR 64.2010(b)(1)(iv)
	UnaidedDetail bool `yaml:"unaided-detail"`
}

// ReadConfig reads path, lays the environment over it (RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_VAULT_KEY)
// and checks it. The errors say which entry is wrong, which clause asks for it, and what to write.
func ReadConfig(path string) (Config, error) {
	var c Config
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("the configuration file cannot be read: %w; write one as docs/operations.md shows", err)
	}
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return c, fmt.Errorf("configuration %s: %w", path, err)
	}
	for name, to := range map[string]*string{
		"RINGFENCE_DATABASE": &c.Database, "RINGFENCE_LISTEN": &c.Listen, "RINGFENCE_VAULT_KEY": &c.Vault.Key,
	} {
		if v, ok := os.LookupEnv(name); ok {
			*to = v
		}
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	return c, c.Check()
}

// Check reports everything that is wrong with c, not only the first.
//
// cite: P-12, P-27
func (c Config) Check() error {
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	if strings.TrimSpace(c.Carrier.Name) == "" {
		say("carrier.name is empty: write the carrier's name")
	}
	if _, err := time.LoadLocation(c.Carrier.Zone); err != nil || c.Carrier.Zone == "" {
		say("carrier.zone %q is not a time zone: write one such as America/New_York; it decides dates", c.Carrier.Zone)
	}
	wrong = append(wrong, c.checkPublic()...)
	if c.Database == "" {
		say("database is empty: write sqlite:/path/ringfence.db or postgres://user@host/name")
	}
	if c.Vault.Key == "" {
		say("vault.key is empty: write file:/path made by `ringfence key new`, env:NAME, or a key service's address")
	}
	if c.Ledger.Origin == "" || strings.ContainsAny(c.Ledger.Origin, " +\n") {
		say("ledger.origin %q must be a name without spaces or plus signs, such as ledger.carrier.example", c.Ledger.Origin)
	}
	if c.Ledger.Key == "" {
		say("ledger.key is empty: write the path of the file made by `ringfence key ledger`")
	}
	if err := witness.Check(c.Ledger.peers(), c.Ledger.Quorum); err != nil {
		say("ledger.witnesses: %v", err)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		say("listen %q is not host:port", c.Listen)
	}
	if c.Metrics != "" {
		if _, _, err := net.SplitHostPort(c.Metrics); err != nil {
			say("metrics %q is not host:port", c.Metrics)
		}
	}
	wrong = append(wrong, c.Carrier.Reports.check()...)
	wrong = append(wrong, c.checkSignIn()...)
	wrong = append(wrong, c.checkMessages()...)
	wrong = append(wrong, c.checkMonitors()...)
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(wrong...)
}
