// Command ringfence keeps a telephone carrier's promises about its customers' proprietary network information: it holds
// call records sealed, releases them only by rule and only with record, and lets anybody check the record.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"ringfence/internal/cpni"
)

// version is set when a release is built.
var version = "development"

// program is the command line.
type program struct {
	Demo           demoCommand           `cmd:"" help:"Start a demonstration with real data on an embedded database."`
	Serve          serveCommand          `cmd:"" help:"Answer agents and programs."`
	Init           initCommand           `cmd:"" help:"Make a folder with a configuration and keys."`
	Import         importCommand         `cmd:"" help:"Take in customers or call records."`
	Generate       generateCommand       `cmd:"" help:"Write customers and calls that belong to nobody, of any number, the same for the same seed."`
	Scenario       scenarioCommand       `cmd:"" help:"Tell stories with dates and check what comes out: the product's conformance suite, and the place to try your own rules."`
	Verify         verifyCommand         `cmd:"" help:"Check that no entry of the ledger was changed, removed, reordered or put in: by its address, in a folder, or in the database."`
	VerifyIncident verifyIncidentCommand `cmd:"" help:"Check the bundle of an incident, without asking anybody and without a database."`
	Replay         replayCommand         `cmd:"" help:"Make every recorded decision again from its recorded facts and rules, and name each that differs."`
	Check          checkCommand          `cmd:"" help:"Compare what is kept beside customers' records with the records themselves."`
	Export         exportCommand         `cmd:"" help:"Write the ledger into a folder that can be verified anywhere."`
	Bundle         bundleCommand         `cmd:"" help:"Make a bundle of evidence for an auditor: the log, decisions with their facts sealed to the auditor's key, and all that they stand on."`
	Find           findCommand           `cmd:"" help:"Find a customer's id by number, e-mail address, account or name, read from standard input."`
	Forget         forgetCommand         `cmd:"" help:"Destroy a customer's key: nothing of theirs can be read again. The ledger still verifies."`
	Rotate         rotateCommand         `cmd:"" help:"Renew the keys under which customers' keys lie, or the customers' keys themselves."`
	Key            keyCommand            `cmd:"" help:"Make a master key or a ledger's key in a new file."`
	Staff          staffCommand          `cmd:"" help:"Add members of the staff, record training, make and revoke API keys."`
	Policy         policyCommand         `cmd:"" help:"Check a policy before it takes effect."`
	Public         publicCommand         `cmd:"" help:"Check, show and compare versions of the public policy, and tell what keeps it."`
	Watermark      watermarkCommand      `cmd:"" help:"Tell from which export for a partner a leaked copy comes, read from standard input."`
	Bench          benchCommand          `cmd:"" help:"Measure this machine: disclosures, imports, replay, look-ups."`
	OpenAPI        openapiCommand        `cmd:"" name:"openapi" help:"Print the description of the REST interface."`
	Witness        witnessCommand        `cmd:"" help:"Cosign the ledgers of others, as long as each only grows."`
	Version        versionCommand        `cmd:"" help:"Print the version."`
}

// streams are what commands read and write.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// garbage is how much the heap may grow before it is cleared, in percent of what lives: memory for processor time, for
// little lives long here. GOGC in the environment goes before.
const garbage = 400

func main() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(garbage)
	}
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// errSilent ends a command that has said everything already with exit code 1.
var errSilent = errors.New("")

// run runs one command and gives its exit code: 0 done, 1 failed or found a fault, 2 not understood.
func run(args []string, s streams) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{}
	exited := -1
	parser, err := kong.New(p, kong.Name("ringfence"), kong.Description("Releases customers' call records only by rule and only with record."),
		kong.Writers(s.out, s.err), kong.Exit(func(c int) { exited = c }), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err != nil {
		fmt.Fprintln(s.err, "ringfence:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(s.err, "ringfence: %v\nTry `ringfence --help`.\n", err)
		return 2
	}
	if err := k.Run(); err != nil {
		if !errors.Is(err, errSilent) {
			fmt.Fprintln(s.err, "ringfence:", explained(err))
		}
		return 1
	}
	return 0
}

// explained says what happened, what it rests on, and what to do.
func explained(err error) string {
	var r *cpni.Refusal
	var path *fs.PathError
	switch {
	case errors.As(err, &r):
		text := err.Error()
		if text == r.Error() {
			text = r.Says
		}
		if len(r.Clauses) > 0 {
			text += " [" + strings.Join(r.Clauses, ", ") + "]"
		}
		for _, n := range r.Next {
			text += "\n  " + n
		}
		return text
	case errors.As(err, &path) && errors.Is(err, fs.ErrPermission):
		return err.Error() + "\n  run it as a user who may, or give this user the right"
	}
	return err.Error()
}
