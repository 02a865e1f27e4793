package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"

	"ringfence/internal/intake"
	"ringfence/internal/intake/generate"
	"ringfence/internal/server"
)

type importCommand struct {
	Customers importCustomersCommand `cmd:"" help:"Take in a file of customers."`
	Calls     importCallsCommand     `cmd:"" help:"Take in a file of call records."`
	Refusals  importRefusalsCommand  `cmd:"" help:"Take over the refusals that the carrier has on file."`
}

type importRefusalsCommand struct {
	configured
	File    string `arg:"" type:"existingfile" help:"The file: a line of column names, account and received among them."`
	Rejects string `placeholder:"FILE" help:"Where rejected rows go (default: the file's name with .rejects.csv behind it)."`
}

// Run takes refusals over; what the file calls consent is rejected row by row.
func (c *importRefusalsCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		bar := newBar(s.err, "refusals")
		sum, err := importer(o).Answers(ctx, o.Approvals, c.File, intake.AnswerOptions{Rejects: c.Rejects, Actor: "import", Progress: bar.set})
		return summed(s.out, bar, sum, err)
	})
}

type importCustomersCommand struct {
	configured
	File    string `arg:"" type:"existingfile" help:"The file."`
	Format  string `enum:"csv,telco" default:"csv" help:"csv: with a line of column names, account, name and since among them. telco: the published sample."`
	Rejects string `placeholder:"FILE" help:"Where rejected rows go (default: the file's name with .rejects.csv behind it)."`
}

// Run takes customers in. Who is here already is left as they are.
func (c *importCustomersCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		im := importer(o)
		bar := newBar(s.err, "customers")
		sum, err := im.Customers(ctx, c.File, intake.CustomerOptions{Format: intake.Format(c.Format), Rejects: c.Rejects, Actor: "import", Progress: bar.set})
		return summed(s.out, bar, sum, err)
	})
}

type importCallsCommand struct {
	configured
	File    string `arg:"" type:"existingfile" help:"The file."`
	Format  string `placeholder:"FORMAT" help:"asterisk, freeswitch or csv; the map's when not given."`
	Map     string `type:"existingfile" placeholder:"FILE" help:"How to read the file: columns, numbers, contexts (docs/import.md)."`
	Zone    string `placeholder:"ZONE" help:"The zone of times that have none, such as America/New_York."`
	Rejects string `placeholder:"FILE" help:"Where rejected rows go (default: the file's name with .rejects.csv behind it)."`
	Memory  int    `default:"128" placeholder:"MIB" help:"Mebibytes for calls that wait to be sealed. A large file in order of time is taken in faster the more there are."`
}

// Run takes calls in. Interrupted, it goes on where it was when it is run again; done again, it changes nothing.
func (c *importCallsCommand) Run(ctx context.Context, s streams) error {
	if c.Memory < 1 || c.Memory > 1<<20 {
		return fmt.Errorf("--memory %d: give mebibytes, 1 to %d", c.Memory, 1<<20)
	}
	options := intake.CallOptions{Format: intake.Format(c.Format), Rejects: c.Rejects, Actor: "import", ChunkBytes: c.Memory << 20}
	if c.Map != "" {
		f, err := os.Open(c.Map)
		if err != nil {
			return err
		}
		defer f.Close()
		if options.Map, err = intake.ReadMap(f); err != nil {
			return fmt.Errorf("%s: %w", c.Map, err)
		}
	}
	if c.Zone != "" {
		zone, err := intake.LoadZone(c.Zone)
		if err != nil {
			return err
		}
		options.Zone = zone
	}
	return c.with(ctx, func(o *server.Opened) error {
		im := importer(o)
		bar := newBar(s.err, "calls")
		options.Progress = bar.set
		sum, err := im.Calls(ctx, c.File, options)
		return summed(s.out, bar, sum, err)
	})
}

func importer(o *server.Opened) *intake.Importer {
	return &intake.Importer{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Book: o.Customers, Clock: o.Clock, Zone: o.Zone}
}

func summed(out io.Writer, bar *bar, sum *intake.Summary, err error) error {
	bar.end()
	if err != nil {
		return err
	}
	_, err = sum.WriteTo(out)
	return err
}

// bar shows how far a file has been read, on a terminal alone.
type bar struct {
	what string
	to   io.Writer
	bar  *progressbar.ProgressBar
}

func newBar(to io.Writer, what string) *bar { return &bar{what: what, to: to} }

func (b *bar) set(p intake.Progress) {
	if b.bar == nil {
		if f, ok := b.to.(*os.File); !ok || !terminal(f) {
			return
		}
		b.bar = progressbar.NewOptions64(p.Size, progressbar.OptionSetWriter(b.to), progressbar.OptionShowBytes(true), progressbar.OptionSetDescription(b.what),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	b.bar.Set64(p.Bytes)
}

func (b *bar) end() {
	if b.bar != nil {
		b.bar.Finish()
	}
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

type generateCommand struct {
	Folder    string `arg:"" help:"Where customers.csv and calls.csv are written."`
	Customers int    `default:"1000" help:"How many customers; every fourth has two lines."`
	Calls     int    `help:"How many calls (default: 60 a line and month)."`
	Seed      uint64 `default:"1" help:"The same seed gives the same files on any machine."`
	From      string `default:"2026-02-01" placeholder:"DATE" help:"Calls begin on this day or later (UTC)."`
	To        string `default:"2026-03-01" placeholder:"DATE" help:"And before this one."`
	ByLine    bool   `help:"All calls of a line together, as billing systems write them, rather than in order of time."`
}

// Run writes the two files.
func (c *generateCommand) Run(s streams) error {
	from, err1 := time.Parse(time.DateOnly, c.From)
	to, err2 := time.Parse(time.DateOnly, c.To)
	if err1 != nil || err2 != nil {
		return errors.New("--from and --to are dates such as 2026-02-01")
	}
	spec := generate.Spec{Seed: c.Seed, Customers: c.Customers, Calls: c.Calls, From: from, To: to, ByLine: c.ByLine}
	if err := spec.Check(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer, generate.Spec) error{"customers.csv": generate.Customers, "calls.csv": generate.Calls} {
		if err := writeFile(filepath.Join(c.Folder, name), func(w io.Writer) error { return write(w, spec) }); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "%d customers and %d calls written to %s\n", spec.Customers, spec.Rows(), c.Folder)
	return nil
}

// writeFile writes a new file through a buffer; an error leaves none behind.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	err = write(b)
	if err = errors.Join(err, b.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
