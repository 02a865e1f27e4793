package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"ringfence/internal/api"
	"ringfence/internal/ledger"
	"ringfence/internal/server"
	"ringfence/internal/vault"
)

// configured is a command that works with the office of a configuration.
type configured struct {
	Config string `short:"c" placeholder:"FILE" default:"ringfence.yaml" env:"RINGFENCE_CONFIG" help:"The configuration file (default: ringfence.yaml, or RINGFENCE_CONFIG)."`

	take bool // see server.Config.TakePolicy
}

func (c configured) read() (server.Config, error) { return server.ReadConfig(c.Config) }

func (c configured) open(ctx context.Context) (*server.Opened, server.Config, error) {
	config, err := c.read()
	if err != nil {
		return nil, config, err
	}
	config.TakePolicy = c.take
	o, err := server.Open(ctx, config)
	return o, config, err
}

// with runs do in the office of the configuration and closes it.
func (c configured) with(ctx context.Context, do func(o *server.Opened) error) (err error) {
	o, _, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := o.Close(); err == nil {
			err = closed
		}
	}()
	return do(o)
}

func logger(to io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }

type serveCommand struct {
	configured
	Secure     bool `help:"People reach this server by HTTPS, through a proxy: cookies are sent over nothing else."`
	TakePolicy bool `help:"Bring the policy's files into force as they are, in the place of what was published (recorded as break-glass)."`
}

// Run answers until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	c.take = c.TakePolicy
	return c.with(ctx, func(o *server.Opened) error {
		config, err := c.read()
		if err != nil {
			return err
		}
		l, err := server.Listen(ctx, o.Office, config, logger(s.err), c.Secure)
		if err != nil {
			return err
		}
		if err := c.greet(ctx, s, o, config, l); err != nil {
			err = errors.Join(err, l.Stop())
			if ctx.Err() != nil {
				return nil // it was told to stop meanwhile
			}
			return err
		}
		return l.Wait()
	})
}

// greet says where the server answers and what is left to do.
func (c *serveCommand) greet(ctx context.Context, s streams, o *server.Opened, config server.Config, l *server.Listening) error {
	set, _ := o.Policy.Current()
	fmt.Fprintf(s.out, "Ringfence answers at %s for %s, with policy %s and ledger %s.\n", l.Address, config.Carrier.Name, set.Version(), o.Ledger.VerifierKey())
	secret, err := o.Staff.SetUp(ctx)
	if err != nil {
		return err
	}
	if secret != "" {
		fmt.Fprintf(s.out, "Nobody works here yet. Set up the first administrator at\n  %s\nIt works once, and only until somebody is there.\n", config.SetUpAddress(l.Address, secret))
	}
	none, err := o.Customers.None(ctx)
	if err != nil {
		return err
	}
	if none {
		fmt.Fprintln(s.out, "No customer is on the books yet: bring them in with ringfence import customers FILE, and their calls with ringfence import calls FILE.")
	}
	return nil
}

type demoCommand struct {
	Folder string `default:"demo-data" placeholder:"DIR" help:"Where the demonstration's database and keys are kept."`
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where it answers."`
	Build  bool   `help:"Only build the demonstration; do not answer."`
}

// Run builds the demonstration when it is not there, and answers.
func (c *demoCommand) Run(ctx context.Context, s streams) error {
	config := server.DemoConfig(c.Folder, c.Listen)
	o, doors, err := server.OpenDemo(ctx, config, c.Folder, s.out)
	if err != nil {
		return err
	}
	defer o.Close()
	if c.Build {
		return nil
	}
	l, err := server.Listen(ctx, o.Office, config, logger(s.err), false)
	if err != nil {
		return err
	}
	doors.WriteTo(s.out, l.Address)
	fmt.Fprintln(s.out, "\nStop it with Ctrl+C.")
	return l.Wait()
}

type initCommand struct {
	Folder   string `arg:"" help:"A new or empty folder."`
	Carrier  string `required:"" help:"The carrier's name."`
	Zone     string `required:"" placeholder:"ZONE" help:"The carrier's time zone, such as America/New_York; it decides dates."`
	Email    string `required:"" placeholder:"ADDRESS" help:"Where customers write who deny the use of their information (P-12, P-27)."`
	Phone    string `required:"" placeholder:"NUMBER" help:"What customers call who deny it."`
	Post     string `required:"" placeholder:"ADDRESS" help:"Where customers send letters who deny it: a postal address in one line."`
	Web      string `required:"" placeholder:"URL" help:"Where customers reach their account."`
	Facility string `required:"" placeholder:"URL" help:"The central reporting facility, to which breaches are reported (P-46); look that it leads there, for today is noted as the day on which you did."`
	Posting  string `placeholder:"PLACE" help:"Where changes of the public policy are posted (P-55); default: /privacy at the address of --web."`
	Origin   string `required:"" placeholder:"NAME" help:"The ledger's name, such as ledger.carrier.example; it never changes."`
	Database string `placeholder:"URL" help:"Where records are kept: postgres://user@host/name, or sqlite:/path (default: a file in the folder)."`
}

// Run makes what a first start needs. There is no password at all: the first administrator sets their own, at an address that
// the server prints when it starts and nobody works there yet.
func (c *initCommand) Run(ctx context.Context, s streams) error {
	folder, err := filepath.Abs(c.Folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	if there, err := os.ReadDir(folder); err != nil {
		return err
	} else if len(there) > 0 {
		return fmt.Errorf("the folder %s is not empty; name a new one, for keys are never overwritten", folder)
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	posting := cmp.Or(c.Posting, strings.TrimSuffix(c.Web, "/")+"/privacy")
	config := server.Config{Carrier: server.Carrier{Name: c.Carrier, Zone: c.Zone, Contact: server.Contact{Email: c.Email, Phone: c.Phone, Post: c.Post, Web: c.Web},
		Facility: server.Facility{Link: c.Facility, Verified: server.Today(c.Zone)}, Posting: posting}, Database: c.Database, Listen: "127.0.0.1:8080",
		Vault: server.Vault{Key: "file:" + in("master.key")}, Ledger: server.Ledger{Origin: c.Origin, Key: in("ledger.key"), Checkpoint: in("checkpoint")}}
	if config.Database == "" {
		config.Database = "sqlite:" + in("ringfence.db")
	}
	if err := config.Check(); err != nil {
		return err
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	if err := os.WriteFile(in("ringfence.yaml"), text, 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	if err := vault.NewMasterFile(in("master.key")); err != nil {
		return err
	}
	if err := ledger.NewKeyFile(in("ledger.key"), c.Origin); err != nil {
		return err
	}
	o, err := server.Open(ctx, config)
	if err != nil {
		return err
	}
	defer o.Close()
	fmt.Fprintf(s.out, `Made in %s:
  ringfence.yaml   the configuration
  master.key       seals everything: keep a copy in a safe, apart from backups of the database
  ledger.key       signs the ledger's checkpoints: keep a copy likewise
  checkpoint       the newest checkpoint, once there is one: best moved to another disk

Strangers verify the ledger with
  %s

Start with: ringfence serve --config %s
It prints an address at which the first administrator is made.
`, folder, o.Ledger.VerifierKey(), in("ringfence.yaml"))
	return nil
}

type openapiCommand struct{}

// Run prints the description, as it is served at /v1/openapi.yaml.
func (c *openapiCommand) Run(s streams) error {
	text, err := api.Describe()
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "# Made by `go run ./cmd/ringfence openapi`; do not edit.\n%s", strings.TrimLeft(string(text), "\n"))
	return nil
}

type versionCommand struct{}

// Run prints the version.
func (c *versionCommand) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, "ringfence", version)
	return err
}
