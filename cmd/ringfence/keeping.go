package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/server"
	"ringfence/internal/staff"
	"ringfence/internal/vault"
)

type findCommand struct {
	configured
	By string `enum:"number,email,account,name" default:"number" help:"What is read: number, email, account or name."`
}

// Run reads one value from standard input, so that nothing personal stands in a command line, and prints ids.
func (c *findCommand) Run(ctx context.Context, s streams) error {
	value, err := oneLine(s.in, "the value to look for")
	if err != nil {
		return err
	}
	return c.with(ctx, func(o *server.Opened) error {
		ids, err := o.Customers.Find(ctx, map[string]string{"number": customer.ByNumber, "email": customer.ByEmail, "account": customer.ByAccount, "name": customer.ByName}[c.By], value)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return errors.New("nobody has it")
		}
		for _, id := range ids {
			fmt.Fprintln(s.out, id)
		}
		return nil
	})
}

// oneLine reads a line from standard input.
func oneLine(in io.Reader, what string) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.Join(fmt.Errorf("standard input does not hold %s", what), ignoreEOF(err))
	}
	return line, nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

type forgetCommand struct {
	configured
	Customer string `arg:"" help:"The customer's id (see find)."`
	Yes      bool   `help:"Do not ask."`
}

// Run forgets a customer for good. It is the way of one person alone, who holds the master key: the record says so.
func (c *forgetCommand) Run(ctx context.Context, s streams) error {
	id := cpni.ID(c.Customer)
	if !id.Valid() {
		return errors.New("that is no id of a customer; find it with `ringfence find`")
	}
	if !c.Yes {
		fmt.Fprint(s.out, "Nothing of this customer can be read again by anybody, and no backup that is younger helps. Type forget to go on: ")
		if word, err := oneLine(s.in, "the word forget"); err != nil || word != "forget" {
			return errors.Join(errors.New("nothing was done"), err)
		}
	}
	return c.with(ctx, func(o *server.Opened) error {
		if err := o.Customers.ForgetAlone(ctx, id, "command"); err != nil {
			return err
		}
		_, err := fmt.Fprintln(s.out, "Forgotten. Backups that are older than this hold the key still: let them lapse.")
		return err
	})
}

type rotateCommand struct {
	configured
	Customers bool   `help:"Give every customer a fresh key for what is sealed from now on."`
	NextKey   string `placeholder:"ADDRESS" help:"The master key from now on: file:/path, env:NAME or a key service (default: the one in use)."`
	Admit     bool   `help:"With several nodes: only let --next-key open the database too, so that nodes can be restarted with it; then rotate."`
}

// Run renews keys while other nodes serve. It is the way of one person alone, who holds the master key: the record says so.
func (c *rotateCommand) Run(ctx context.Context, s streams) error {
	config, err := c.read()
	if err != nil {
		return err
	}
	if c.Admit && c.NextKey == "" {
		return errors.New("--admit goes with --next-key")
	}
	next, err := vault.ReadMaster(config.Vault.Key)
	if err != nil {
		return err
	}
	if c.NextKey != "" {
		if next, err = vault.ReadMaster(c.NextKey); err != nil {
			return err
		}
	}
	return c.with(ctx, func(o *server.Opened) error {
		what := "keys are wrapped anew"
		var err error
		done := 0
		switch {
		case c.Admit:
			what, err = "the next master key opens the database too", o.Vault.Admit(ctx, next)
		case c.Customers:
			what, err = "customers have fresh keys", o.Vault.RotateCustomers(ctx, func(n int) { done = n })
		default:
			err = o.Vault.Rotate(ctx, next, func(n int) { done = n })
		}
		if err != nil {
			return err
		}
		if err := o.Note(ctx, ledger.Rotate, "command", what+" (break-glass: by the holder of the master key, without a second person)"); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "Done: %s (%d).\n", what, done)
		if c.NextKey != "" && !c.Admit {
			fmt.Fprintf(s.out, "From now on vault.key is %s; change it in %s and keep the old key with the old backups.\n", c.NextKey, c.Config)
		}
		return nil
	})
}

type keyCommand struct {
	New    keyNewCommand    `cmd:"" help:"Make a master key in a new file."`
	Ledger keyLedgerCommand `cmd:"" help:"Make a ledger's signing key in a new file."`
}

type keyNewCommand struct {
	File string `arg:"" help:"A file that is not there yet."`
}

// Run makes a master key.
func (c *keyNewCommand) Run(s streams) error {
	if err := vault.NewMasterFile(c.File); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "Made %s. Keep a copy in a safe, apart from the backups: without it nothing that is sealed can be read.\n", c.File)
	return err
}

type keyLedgerCommand struct {
	File   string `arg:"" help:"A file that is not there yet."`
	Origin string `required:"" placeholder:"NAME" help:"The ledger's name, such as ledger.carrier.example."`
}

// Run makes a ledger's key and prints its public half.
func (c *keyLedgerCommand) Run(s streams) error {
	if err := ledger.NewKeyFile(c.File, c.Origin); err != nil {
		return err
	}
	signer, err := ledger.ReadKeyFile(c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "Made %s. Publish its public half; with it strangers verify the ledger:\n%s\n", c.File, ledger.PublicKey(signer))
	return err
}

type staffCommand struct {
	Add     staffAddCommand     `cmd:"" help:"Add a member of the staff, or an integration (role system)."`
	Invite  staffInviteCommand  `cmd:"" help:"Take a member's password and second factors away, and invite them anew."`
	List    staffListCommand    `cmd:"" help:"List the staff."`
	Trained staffTrainedCommand `cmd:"" help:"Record that a member has passed a course elsewhere; the course that is built in is taken at the desk."`
	Disable staffDisableCommand `cmd:"" help:"Shut a member out at once."`
	Key     staffKeyCommand     `cmd:"" help:"Make an API key for a member; it is shown once."`
	Keys    staffKeysCommand    `cmd:"" help:"List API keys, without their secrets."`
	Revoke  staffRevokeCommand  `cmd:"" help:"Revoke an API key."`
}

type staffAddCommand struct {
	configured
	Login   string `arg:"" help:"The name to sign in with."`
	Name    string `help:"The whole name (default: the login)."`
	Role    string `required:"" help:"agent, supervisor, marketing, compliance, officer, fraud, billing, auditor, admin or system."`
	Trained string `placeholder:"DATE" help:"The day on which the course was passed."`
}

// Run adds a member; the invitation of a person is shown once.
func (c *staffAddCommand) Run(ctx context.Context, s streams) error {
	config, err := c.read()
	if err != nil {
		return err
	}
	return c.with(ctx, func(o *server.Opened) error {
		m := staff.Member{Login: c.Login, Name: c.Name, Role: cpni.Role(c.Role)}
		if m.Name == "" {
			m.Name = c.Login
		}
		if c.Trained != "" {
			day, err := time.ParseInLocation(time.DateOnly, c.Trained, o.Zone)
			if err != nil {
				return fmt.Errorf("--trained: %q is no date such as 2026-11-24", c.Trained)
			}
			m.Trained = day.UTC()
		}
		id, err := o.Staff.Add(ctx, m, "", "command")
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "Added %s as %s.\n", id, m.Role)
		if m.Role == cpni.RoleSystem {
			return nil
		}
		secret, err := o.Staff.Invite(ctx, id, "command")
		if err != nil {
			return err
		}
		invitation(s.out, config, secret)
		return nil
	})
}

// invitation prints where a member sets their password.
func invitation(out io.Writer, config server.Config, secret string) {
	fmt.Fprintf(out, "They set their password at (shown this once, works once):\n  %s\n", config.JoinAddress(secret))
}

type staffInviteCommand struct {
	configured
	member
}

// Run resets an account; the new invitation is shown once.
func (c *staffInviteCommand) Run(ctx context.Context, s streams) error {
	config, err := c.read()
	if err != nil {
		return err
	}
	return c.with(ctx, func(o *server.Opened) error {
		id, err := c.find(ctx, o)
		if err != nil {
			return err
		}
		_, version, err := o.Staff.Get(ctx, id)
		if err != nil {
			return err
		}
		secret, err := o.Staff.Reset(ctx, id, version, "command")
		if err != nil {
			return err
		}
		invitation(s.out, config, secret)
		return nil
	})
}

type staffListCommand struct{ configured }

// Run lists the staff.
func (c *staffListCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		all, err := o.Staff.Members(ctx)
		if err != nil {
			return err
		}
		for _, m := range all {
			state := "never trained"
			if !m.Until.IsZero() {
				state = "trained until " + m.Until.In(o.Zone).Format(time.DateOnly)
			}
			if m.Disabled {
				state = "disabled"
			}
			fmt.Fprintf(s.out, "%s  %-12s %-11s %s\n", m.ID, m.Login, m.Role, state)
		}
		return nil
	})
}

// member is an argument that names a member by login or id.
type member struct {
	Member string `arg:"" help:"The member's login or id."`
}

func (m member) find(ctx context.Context, o *server.Opened) (cpni.ID, error) {
	all, err := o.Staff.Members(ctx)
	if err != nil {
		return "", err
	}
	for _, x := range all {
		if string(x.ID) == m.Member || strings.EqualFold(x.Login, m.Member) {
			return x.ID, nil
		}
	}
	return "", staff.ErrNone
}

type staffTrainedCommand struct {
	configured
	member
	On       string `placeholder:"DATE" help:"The day (default: today)."`
	Evidence string `default:"recorded by the command, without more" help:"What shows it, such as the certificate's number."`
}

// Run records training from elsewhere.
func (c *staffTrainedCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		id, err := c.find(ctx, o)
		if err != nil {
			return err
		}
		at := o.Clock.Now()
		if c.On != "" {
			day, err := time.ParseInLocation(time.DateOnly, c.On, o.Zone)
			if err != nil || day.After(at) {
				return fmt.Errorf("--on: %q is no day of the past such as 2026-11-24", c.On)
			}
			at = day.UTC()
		}
		_, err = o.Training.RecordOutside(ctx, id, at, c.Evidence, "command")
		return err
	})
}

type staffDisableCommand struct {
	configured
	member
}

// Run shuts a member out.
func (c *staffDisableCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		id, err := c.find(ctx, o)
		if err != nil {
			return err
		}
		return o.Staff.Disable(ctx, id, "command")
	})
}

type staffKeyCommand struct {
	configured
	member
	Name  string   `required:"" help:"What the key is for."`
	Scope []string `placeholder:"SCOPE" help:"Limit it to operations (contacts, customers, records, registers, policy) and purposes; may be given several times."`
}

// Run makes an API key.
func (c *staffKeyCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		id, err := c.find(ctx, o)
		if err != nil {
			return err
		}
		key, err := o.Staff.NewKey(ctx, id, c.Name, c.Scope, "command")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.out, key)
		return err
	})
}

type staffKeysCommand struct {
	configured
	member
}

// Run lists the keys of a member.
func (c *staffKeysCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		id, err := c.find(ctx, o)
		if err != nil {
			return err
		}
		keys, err := o.Staff.Keys(ctx, id)
		if err != nil {
			return err
		}
		for _, k := range keys {
			state := "until " + k.Expires.In(o.Zone).Format(time.DateOnly)
			if !k.Revoked.IsZero() {
				state = "revoked"
			}
			fmt.Fprintf(s.out, "%s  %-20s %-16s %s\n", k.ID, k.Name, state, strings.Join(k.Scopes, " "))
		}
		return nil
	})
}

type staffRevokeCommand struct {
	configured
	Key string `arg:"" help:"The key's id (see keys)."`
}

// Run revokes a key.
func (c *staffRevokeCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error { return o.Staff.RevokeKey(ctx, c.Key, "command") })
}
