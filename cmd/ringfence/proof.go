package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"ringfence/internal/evidence"
	"ringfence/internal/ledger"
	"ringfence/internal/office"
	"ringfence/internal/publish"
	"ringfence/internal/scenario"
	"ringfence/internal/server"
	"ringfence/internal/store"
)

type verifyCommand struct {
	configured
	URL    string `placeholder:"ADDRESS" help:"Verify the ledger that is served there, such as https://carrier.example/ledger."`
	Folder string `placeholder:"DIR" type:"existingdir" help:"Verify the ledger in this folder: an export, or a mirror of tiles."`
	// Receipt is a file that a customer or an auditor has taken home of one entry.
	Receipt string `placeholder:"FILE" type:"existingfile" help:"Verify the receipt of one entry, without asking anybody."`
	// Register is the file of a register with its proofs. Beside it the ledger itself shows whether a line was left out.
	Register string `placeholder:"FILE" type:"existingfile" help:"Verify the file of a register: each line by itself, and with --folder, or with the configured database, that none was left out."`
	Key      string `placeholder:"KEY" help:"The ledger's public key, needed with --url, --folder, --receipt and --register."`
	Known    string `placeholder:"FILE" type:"existingfile" help:"A checkpoint of before: the ledger must go on from it."`
	// Witness are those who must have cosigned the ledger.
	Witness []string `placeholder:"KEY" sep:"none" help:"The public key of a witness that must have cosigned the ledger; may be given again."`
	Quorum  int      `placeholder:"N" help:"How many of the witnesses must have cosigned it (default: all of them)."`
}

// Run verifies and ends with 1 when anything is wrong.
func (c *verifyCommand) Run(ctx context.Context, s streams) error {
	if c.Folder != "" && c.URL == "" && c.Register == "" && c.Receipt == "" && evidence.Is(os.DirFS(c.Folder)) {
		return c.bundle(ctx, s)
	}
	if c.URL != "" && c.Folder != "" || c.Receipt != "" && (c.URL != "" || c.Folder != "" || c.Known != "" || c.Register != "") || c.Register != "" && c.URL != "" {
		return errors.New("name one thing to verify: an address, a folder, or a receipt")
	}
	if len(c.Witness) == 0 && c.Quorum != 0 || len(c.Witness) > 0 && (c.Receipt != "" || c.Register != "") {
		return errors.New("--witness goes with an address, a folder or the database, and --quorum with --witness")
	}
	if c.Receipt != "" {
		return c.receipt(s)
	}
	if c.Register != "" {
		return c.register(ctx, s)
	}
	trust := ledger.Trust{Key: c.Key, Witnesses: ledger.Witnesses{Keys: c.Witness, Quorum: c.Quorum}}
	if c.Known != "" {
		text, err := os.ReadFile(c.Known)
		if err != nil {
			return err
		}
		trust.Known = text
	}
	var v *ledger.Verification
	var err error
	switch {
	case c.URL != "" || c.Folder != "":
		if c.Key == "" {
			return errNoKey
		}
		if c.URL != "" {
			v, err = ledger.VerifyURL(ctx, &http.Client{Timeout: time.Minute}, c.URL, trust, s.out)
		} else {
			v, err = ledger.VerifyFolder(ctx, os.DirFS(c.Folder), trust, s.out)
		}
	default:
		v, err = c.database(ctx, s, trust)
	}
	if err != nil {
		return err
	}
	if !v.OK() {
		return errSilent
	}
	return nil
}

var errNoKey = errors.New("--key is needed: the public key of the ledger, which its carrier publishes; without it anybody could have signed")

// receipt verifies the receipt of one entry and says what it proves.
//
// cite: P-41
func (c *verifyCommand) receipt(s streams) error {
	if c.Key == "" {
		return errNoKey
	}
	f, err := os.Open(c.Receipt)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := ledger.VerifyReceipt(f, c.Key)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "The receipt holds. Entry %s is number %d of the %d that %s has signed.\nIt is a %s of %s, and entered the log at %s.\n",
		r.Leaf.ID, r.Index, r.Tree.N, r.Log, r.Leaf.Kind, r.Leaf.At.Format(time.RFC3339), r.Leaf.Sequenced.Format(time.RFC3339))
	if r.Record == nil {
		_, err = fmt.Fprintln(s.out, "The receipt does not say what was recorded.")
		return err
	}
	_, err = fmt.Fprintf(s.out, "What was recorded, to the byte:\n%s\n", r.Record)
	return err
}

// database verifies the database of the configuration, which may be in use.
func (c *verifyCommand) database(ctx context.Context, s streams, trust ledger.Trust) (*ledger.Verification, error) {
	config, err := c.read()
	if err != nil {
		return nil, err
	}
	signer, err := ledger.ReadKeyFile(config.Ledger.Key)
	if err != nil {
		return nil, err
	}
	trust.Key = ledger.PublicKey(signer)
	if trust.Known == nil && config.Ledger.Checkpoint != "" {
		if trust.Known, err = ledger.ReadOutside(config.Ledger.Checkpoint); err != nil {
			return nil, err
		}
	}
	db, err := store.OpenToRead(ctx, config.Database)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return ledger.VerifyDatabase(ctx, db, trust, s.out)
}

type replayCommand struct {
	configured
	Bundle   string `placeholder:"DIR" type:"existingdir" help:"Replay a bundle of evidence, without a configuration or a database."`
	Identity string `placeholder:"FILE" type:"existingfile" help:"The secret key to which the facts of the bundle are sealed, as age-keygen writes it."`
}

// Run replays and ends with 1 when a decision differs. The database may be in use.
func (c *replayCommand) Run(ctx context.Context, s streams) error {
	if c.Bundle != "" {
		return c.bundle(ctx, s)
	}
	config, err := c.read()
	if err != nil {
		return err
	}
	r, err := server.Replay(ctx, config, s.out)
	if err != nil {
		return err
	}
	if !r.OK() {
		return errSilent
	}
	return nil
}

type exportCommand struct {
	configured
	Folder string `arg:"" help:"A new or empty folder."`
}

// Run writes the export and says how to verify it.
func (c *exportCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		if err := o.Ledger.Sequence(ctx); err != nil {
			return err
		}
		if err := o.Ledger.Export(ctx, c.Folder); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "Written. Verify it anywhere with\n  ringfence verify --folder %s --key '%s'\n", c.Folder, o.Ledger.VerifierKey())
		return err
	})
}

type scenarioCommand struct {
	Paths  []string `arg:"" optional:"" name:"path" help:"Files and folders (default: scenarios)."`
	DB     string   `placeholder:"URL" help:"Where instances are made: memory: (the default), sqlite:/path of a new file, or postgres://user@host/name."`
	JSON   bool     `help:"Print for machines."`
	Check  bool     `help:"Only read the files."`
	Policy string   `placeholder:"DIR" type:"existingdir" help:"A folder with the policy to try (default: the one that is built in)."`
}

// Run tells the stories and ends with 1 when one fails.
func (c *scenarioCommand) Run(ctx context.Context, s streams) error {
	paths := c.Paths
	if len(paths) == 0 {
		paths = []string{"scenarios"}
	}
	ok, err := scenario.Command{Paths: paths, DB: c.DB, JSON: c.JSON, Check: c.Check, Policy: server.Config{Policy: c.Policy}.PolicyFiles()}.Run(ctx, s.out)
	if err != nil {
		return err
	}
	if !ok {
		return errSilent
	}
	return nil
}

type policyCommand struct {
	Check policyCheckCommand `cmd:"" help:"Read a policy, and say what is wrong with it."`
}

type policyCheckCommand struct {
	Folder string `arg:"" type:"existingdir" help:"The folder of the policy."`
}

// Run reads the policy.
func (c *policyCheckCommand) Run(s streams) error {
	config := server.Config{Policy: c.Folder}
	set, err := config.ReadPolicy()
	if err != nil {
		return err
	}
	courses, err := office.ReadCourses(config.PolicyFiles(), set)
	if err != nil {
		return err
	}
	notices, err := office.ReadNotices(config.PolicyFiles())
	if err != nil {
		return err
	}
	public := "the built-in one"
	if publish.There(config.PolicyFiles()) {
		text, err := publish.ReadFS(config.PolicyFiles(), set)
		if err != nil {
			return err
		}
		public = text.Version
	}
	var dormant []string
	for _, r := range set.Profiles().Rows() {
		if r.State == "dormant" && (len(dormant) == 0 || dormant[len(dormant)-1] != r.Profile) {
			dormant = append(dormant, r.Profile)
		}
	}
	_, err = fmt.Fprintf(s.out, "The policy is sound: %d clauses, %d rules, version %s. Dormant: %s. Courses: %d. Templates of messages: %d. Public policy: %s.\n", len(set.Clauses()), len(set.Rules()), set.Version(), strings.Join(dormant, ", "), len(courses.All()), len(notices.Templates()), public)
	return err
}
