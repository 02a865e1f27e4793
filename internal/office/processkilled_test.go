package office_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/process"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/policy"
)

const (
	lawDatabase, lawFolder = "RINGFENCE_TEST_LAW_DATABASE", "RINGFENCE_TEST_LAW_FOLDER"
)

// startClock is a clock of its own that stands where a test's begins.
func startClock() *officetest.Clock {
	c := &officetest.Clock{}
	for c.Now().Before(officetest.Start) { // a length of time holds 292 years
		c.Add(officetest.Start.Sub(c.Now()))
	}
	return c
}

// lawOffice opens an office with keys that outlive the process.
func lawOffice(ctx context.Context, url, folder string) (*office.Office, func(), error) {
	master, err := vault.ReadMaster("file:" + filepath.Join(folder, "master.key"))
	if err != nil {
		return nil, nil, err
	}
	signer, err := ledger.ReadKeyFile(filepath.Join(folder, "ledger.key"))
	if err != nil {
		return nil, nil, err
	}
	set, err := rules.Load(policy.Files)
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	clock := startClock()
	if hours, err := strconv.Atoi(os.Getenv(tellHours)); err == nil { // later than the process before
		clock.Add(time.Duration(hours) * time.Hour)
	}
	o, err := office.Open(ctx, office.Config{DB: db, Policy: set, Master: master, Origin: officetest.Origin, Signer: signer, Clock: clock, Zone: officetest.Zone, HashCost: &contact.HashCost{MemoryKiB: 64, Passes: 1},
		Carrier: office.Carrier{Name: "Example Tel", Phone: "+18005550100"}})
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return o, func() { o.Close(); db.Close() }, nil
}

// TestLegalProcessChild is the process that TestKilledWhileAnswering kills: it releases, packs and hands out, and says what it has done.
func TestLegalProcessChild(t *testing.T) {
	folder := os.Getenv(lawFolder)
	if folder == "" {
		t.Skip("it is run by another test")
	}
	ctx := t.Context()
	o, closed, err := lawOffice(ctx, os.Getenv(lawDatabase), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer closed()
	names := strings.Fields(string(must[[]byte](t)(os.ReadFile(filepath.Join(folder, "names")))))
	by := cpni.ID(names[0])
	for _, name := range names[1:] {
		id := cpni.ID(name)
		p := must[*process.Process](t)(o.Processes.One(ctx, id, by))
		if p.State != process.Approved {
			continue
		}
		must[process.Tried](t)(o.Processes.Release(ctx, id, by))
		if n, err := o.Processes.Pack(ctx, id, by); err == nil {
			fmt.Println("packed", id, n)
		}
		for _, x := range must[[]process.Package](t)(o.Processes.Packages(ctx, id, by)) {
			if !x.Handed.IsZero() {
				continue
			}
			out := must[*process.Handout](t)(o.Processes.HandOut(ctx, id, by, x.N, nil))
			fmt.Printf("handed %s %x\n", id, sha256.Sum256(out.File))
		}
		must[*process.Process](t)(o.Processes.Close(ctx, id, by, ""))
		fmt.Println("closed", id)
	}
}

// Whenever the process is killed, each release has its permit and each permit its release, no package has gone out that is not on
// record, and the work goes on from where it stands.
//
// cite: P-29, P-41, I-01, I-03
func TestKilledWhileAnsweringLegalProcess(t *testing.T) {
	for name, database := range map[string]func(*testing.T) string{"sqlite": func(t *testing.T) string { return storetest.SQLite(t) }, "postgres": func(t *testing.T) string { return storetest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			folder, url, ctx := t.TempDir(), database(t), t.Context()
			if err := errors.Join(vault.NewMasterFile(filepath.Join(folder, "master.key")), ledger.NewKeyFile(filepath.Join(folder, "ledger.key"), officetest.Origin)); err != nil {
				t.Fatal(err)
			}
			const files, customers = 4, 2
			names := func() []string {
				plain, closed, err := lawOffice(ctx, url, folder)
				if err != nil {
					t.Fatal(err)
				}
				defer closed()
				o := &officetest.Office{Office: plain, Time: startClock()}
				l := lawOf(t, o)
				out := []string{string(l.taker)}
				for range files {
					var about []string
					for range customers {
						about = append(about, o.Customer(t).Account)
					}
					out = append(out, string(l.approve(l.file(l.order(about...))).ID))
				}
				return out
			}()
			if err := os.WriteFile(filepath.Join(folder, "names"), []byte(strings.Join(names, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			handed, done := map[string]string{}, false
			for tries := 0; !done; tries++ {
				if tries > 40 {
					t.Fatal("it never comes to its end")
				}
				c := exec.Command(os.Args[0], "-test.run=^TestLegalProcessChild$")
				c.Env = append(os.Environ(), lawDatabase+"="+url, lawFolder+"="+folder)
				out := must[io.ReadCloser](t)(c.StdoutPipe())
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				least, heard := 1+rand.IntN(4), 0
				read := bufio.NewReader(out)
				for {
					line, err := read.ReadString('\n') // a line that was cut off was not said
					if err != nil {
						break
					}
					if id, hash, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "handed "), " "); ok && strings.HasPrefix(line, "handed ") {
						handed[id] = hash
					}
					if heard++; heard == least && tries < 6 {
						c.Process.Kill()
					}
				}
				done = c.Wait() == nil
				o, closed, err := lawOffice(ctx, url, folder)
				if err != nil {
					t.Fatal(err)
				}
				by, permits := cpni.ID(names[0]), 0
				if err := o.Ledger.Each(ctx, func(r ledger.Row) error {
					if r.Kind == ledger.Decision && r.Outcome == cpni.Permit {
						permits++
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				kept := 0
				for _, name := range names[1:] {
					for _, x := range must[[]process.Release](t)(o.Processes.Releases(ctx, cpni.ID(name), by)) {
						kept++
						if row, err := o.Ledger.Record(ctx, x.Customer, x.Entry); err != nil || row.Outcome != cpni.Permit {
							t.Errorf("a release without its permit: %+v, %v (I-01)", x, err)
						}
					}
					for _, x := range must[[]process.Package](t)(o.Processes.Packages(ctx, cpni.ID(name), by)) {
						if got := handed[name]; got != "" && got != x.Hash {
							t.Errorf("a package went out as %s and is on record as %q (I-01)", got, x.Hash)
						}
					}
				}
				if kept != permits {
					t.Errorf("%d permits and %d releases (I-03)", permits, kept)
				}
				if done && kept != files*customers {
					t.Errorf("%d releases, want %d", kept, files*customers)
				}
				closed()
			}
			if len(handed) == 0 {
				t.Error("nothing was handed out")
			}
		})
	}
}
