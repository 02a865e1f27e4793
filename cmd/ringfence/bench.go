package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/intake"
	"ringfence/internal/intake/generate"
	"ringfence/internal/ledger"
	"ringfence/internal/server"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

type benchCommand struct {
	Folder      string   `default:"build/bench" placeholder:"DIR" help:"Where the data goes; on the disk that is to be measured. It is removed and made anew unless --keep finds it."`
	DB          string   `placeholder:"URL" help:"Measure with this PostgreSQL database, which must be empty (default: a SQLite file in the folder)."`
	Customers   int      `default:"10000" help:"How many customers."`
	Calls       int      `default:"1000000" help:"How many calls they have in one month."`
	ByLine      bool     `help:"The file of calls has all calls of a line together, rather than in order of time."`
	Memory      int      `default:"128" placeholder:"MIB" help:"As for ringfence import calls."`
	Connections int      `default:"32" help:"Connections that ask at once."`
	Seconds     int      `default:"10" help:"How long each load runs."`
	Contacts    int      `default:"2000" help:"Verified contacts among which the load asks."`
	Refused     int      `default:"0" help:"How many in a hundred requests ask in a contact in which nobody is verified."`
	Screened    int      `default:"0" help:"Write what so many customers have said straight into the table of approvals, and screen all of them for one purpose."`
	Decisions   int      `default:"1000000" help:"Of bundle: how many decisions it holds."`
	Keep        bool     `help:"Go on with the folder of an earlier run."`
	Only        []string `enum:"echo,disclose,lookup,approvals,screen,replay,verify,notices,export,audience,bundle," help:"Only these parts, after the import; notices, export, audience and bundle, which nothing else asks for, make customers of their own instead."`
	Profile     string   `placeholder:"FILE" help:"Write a CPU profile of the disclosures, or of what --only names alone."`
}

// Run measures and prints each figure with what it is of.
func (c *benchCommand) Run(ctx context.Context, s streams) error {
	b := &bench{benchCommand: c, out: s.out}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer b.close()
	fmt.Fprintf(s.out, "%s, %d processors, %s\n", runtime.Version(), runtime.NumCPU(), b.o.DB.Where())
	if len(b.Only) == 1 && b.Only[0] == "notices" {
		return b.notices(ctx)
	}
	if len(b.Only) == 1 && b.Only[0] == "export" {
		return b.exported(ctx)
	}
	if len(b.Only) == 1 && b.Only[0] == "audience" {
		return b.audiences(ctx)
	}
	if len(b.Only) == 1 && b.Only[0] == "bundle" {
		return b.bundled(ctx)
	}
	if err := b.load(ctx); err != nil {
		return err
	}
	return b.measure(ctx)
}

// bench is one run.
type bench struct {
	*benchCommand
	out     io.Writer
	config  server.Config
	o       *server.Opened
	key     string
	agent   cpni.ID
	proved  []cpni.ID // contacts
	unknown []cpni.ID // contacts in which nobody is proved
}

func (b *bench) wants(part string) bool {
	if len(b.Only) == 0 {
		return true
	}
	for _, p := range b.Only {
		if p == part {
			return true
		}
	}
	return false
}

// prepare opens a fresh office, or that of an earlier run.
func (b *bench) prepare(ctx context.Context) error {
	folder, err := filepath.Abs(b.Folder)
	if err != nil {
		return err
	}
	b.config = server.DemoConfig(folder, "127.0.0.1:0")
	b.config.Carrier.Name, b.config.Ledger.Origin = "Bench", "ledger.bench.example"
	if b.DB != "" {
		b.config.Database = b.DB
	}
	if _, err := os.Stat(filepath.Join(folder, "master.key")); b.Keep && err == nil {
		b.o, err = server.Open(ctx, b.config)
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := errors.Join(vault.NewMasterFile(filepath.Join(folder, "master.key")), ledger.NewKeyFile(filepath.Join(folder, "ledger.key"), b.config.Ledger.Origin)); err != nil {
		return err
	}
	b.o, err = server.Open(ctx, b.config)
	return err
}

func (b *bench) close() error {
	if b.o == nil {
		return nil
	}
	return b.o.Close()
}

// benchMonth is the month in which the generated calls lie.
var benchMonth = time.Date(2026, 2, 1, 5, 0, 0, 0, time.UTC) // midnight of the carrier's zone

// load imports the generated customers and calls, and says how fast and how large.
func (b *bench) load(ctx context.Context) error {
	built, err := b.o.DB.Meta(ctx, "bench.loaded")
	if err != nil || built != "" {
		return err
	}
	spec := generate.Spec{Seed: 1, Customers: b.Customers, Calls: b.Calls, From: benchMonth, To: benchMonth.AddDate(0, 0, 28), ByLine: b.ByLine}
	if err := spec.Check(); err != nil {
		return err
	}
	customers, calls := filepath.Join(b.Folder, "customers.csv"), filepath.Join(b.Folder, "calls.csv")
	if err := errors.Join(writeFile(customers, func(w io.Writer) error { return generate.Customers(w, spec) }), writeFile(calls, func(w io.Writer) error { return generate.Calls(w, spec) })); err != nil {
		return err
	}
	im := importer(b.o)
	began := time.Now()
	sum, err := im.Customers(ctx, customers, intake.CustomerOptions{Format: intake.CSV, Actor: "bench"})
	if err != nil {
		return err
	}
	b.say("customers imported", float64(sum.Created)/time.Since(began).Seconds(), "a second")
	before, err := b.size(ctx)
	if err != nil {
		return err
	}
	began = time.Now()
	if sum, err = im.Calls(ctx, calls, intake.CallOptions{Format: intake.CSV, Actor: "bench", ChunkBytes: max(1, b.Memory) << 20}); err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	filed := float64(sum.Added)
	b.say("calls imported", float64(sum.Rows)/took, "rows a second")
	b.say("calls filed", filed/took, "a second (a call between two lines of ours is filed with both)")
	after, err := b.size(ctx)
	if err != nil {
		return err
	}
	b.say("size on disk", float64(after-before)/filed, "bytes a call filed")
	if err := errors.Join(os.Remove(customers), os.Remove(calls)); err != nil {
		return err
	}
	return b.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "bench.loaded", "1") })
}

func (b *bench) say(what string, value float64, unit string) {
	number := fmt.Sprintf("%.0f", value)
	if value < 100 {
		number = fmt.Sprintf("%.2f", value)
	}
	fmt.Fprintf(b.out, "%-28s %12s %s\n", what, number, unit)
}

// size is what the database takes on disk.
func (b *bench) size(ctx context.Context) (int64, error) {
	if b.DB != "" {
		var n int64
		err := b.o.DB.Reader().QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&n)
		return n, err
	}
	if err := b.o.DB.Scrub(ctx); err != nil {
		return 0, err
	}
	info, err := os.Stat(filepath.Join(b.Folder, "ringfence.db"))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// people makes the agent, the key, and the contacts in which the load asks: verified by a call back, which costs no
// hashing.
func (b *bench) people(ctx context.Context) error {
	var err error
	login := "bench-" + string(cpni.NewID())
	if b.agent, err = b.o.Staff.Add(ctx, staff.Member{Login: login, Name: "Bench", Role: cpni.RoleAgent, Trained: b.o.Clock.Now()}, "", "bench"); err != nil {
		return err
	}
	if b.key, err = b.o.Staff.NewKey(ctx, b.agent, "bench", nil, "bench"); err != nil {
		return err
	}
	rows, err := b.o.DB.Reader().Query(ctx, "SELECT customer_id FROM customer ORDER BY customer_id LIMIT $1", b.Contacts)
	if err != nil {
		return err
	}
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, id := range ids {
		p, _, err := b.o.Customers.Get(ctx, id)
		if err != nil {
			return err
		}
		open := contact.Opening{Customer: id, Channel: cpni.Phone, Agent: b.agent}
		s, err := b.o.OpenContact(ctx, open)
		if err != nil {
			return err
		}
		if _, err := b.o.Contacts.Authenticate(ctx, s.ID, contact.Proof{Callback: &contact.Callback{Number: p.Lines[0].Number, Answered: true}}); err != nil {
			return err
		}
		b.proved = append(b.proved, s.ID)
		if b.Refused > 0 && len(b.unknown) < 100 {
			if s, err = b.o.OpenContact(ctx, open); err != nil {
				return err
			}
			b.unknown = append(b.unknown, s.ID)
		}
	}
	return nil
}
