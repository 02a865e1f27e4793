package office_test

import (
	"bufio"
	"context"
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

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

const (
	tellDatabase, tellFolder, tellHours = "RINGFENCE_TEST_TELL_DATABASE", "RINGFENCE_TEST_TELL_FOLDER", "RINGFENCE_TEST_TELL_HOURS"
	// tellMany, in the environment, is how many customers the killed process tells; without it a number that is told in seconds.
	tellMany = "RINGFENCE_TEST_TELL_MANY"
)

// speaker is a channel that says to whom it was given what.
type speaker struct{}

func (speaker) Batch() int                  { return 100 }
func (speaker) Check(context.Context) error { return nil }
func (speaker) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	for _, p := range pieces {
		fmt.Printf("told %s %s\n", p.To, p.ID)
		told(p, notify.Outcome{State: notify.Sent, Code: "250", Reference: string(p.ID)})
	}
}

// TestTellingChild is the process that TestKilledWhileTelling kills.
func TestTellingChild(t *testing.T) {
	folder := os.Getenv(tellFolder)
	if folder == "" {
		t.Skip("it is run by another test")
	}
	ctx := t.Context()
	o, closed, err := lawOffice(ctx, os.Getenv(tellDatabase), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer closed()
	o.Reach(map[cpni.Via]notify.Channel{cpni.Email: speaker{}})
	fmt.Println("began")
	if err := errors.Join(o.Incidents.Work(ctx), o.Messages.Step(ctx), o.Incidents.Work(ctx)); err != nil {
		t.Fatal(err)
	}
}

// Whenever the process is killed, the telling goes on from where it stands: each customer gets one message, and whoever was handed one twice
// was handed the same.
//
// cite: P-47, I-10, 47 CFR 64.2011(c)
func TestKilledWhileTelling(t *testing.T) {
	most := 2000
	if n, err := strconv.Atoi(os.Getenv(tellMany)); err == nil {
		most = n
	}
	for name, database := range map[string]func(*testing.T) string{"sqlite": func(t *testing.T) string { return storetest.SQLite(t) }, "postgres": func(t *testing.T) string { return storetest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			folder, url, ctx, many := t.TempDir(), database(t), t.Context(), most
			if name == "postgres" && most == 2000 {
				many = most / 2 // the same code, at the pace of a server
			}
			if err := errors.Join(vault.NewMasterFile(filepath.Join(folder, "master.key")), ledger.NewKeyFile(filepath.Join(folder, "ledger.key"), officetest.Origin)); err != nil {
				t.Fatal(err)
			}
			forward := func(d time.Duration) { t.Setenv(tellHours, strconv.Itoa(int(d/time.Hour))) }
			var id, by cpni.ID
			func() {
				plain, closed, err := lawOffice(ctx, url, folder)
				if err != nil {
					t.Fatal(err)
				}
				defer closed()
				o := &officetest.Office{Office: plain, Time: startClock()}
				crowd := o.Crowd(t, many, func(i int, p *customer.Profile) {
					p.Email = []customer.Address{{Value: fmt.Sprintf("c%d@example.com", i), Since: p.Since}}
				})
				b := breachOf(t, o, false, crowd...)
				id, by = b.id, b.by
			}()
			wait := 20 * 24 * time.Hour
			forward(wait)
			func() {
				o, closed, err := lawOffice(ctx, url, folder)
				if err != nil {
					t.Fatal(err)
				}
				defer closed()
				if _, err := o.Incidents.Tell(ctx, id, breach.Act{By: by}); err != nil {
					t.Fatal(err)
				}
			}()
			handed, twice, done := map[string]string{}, 0, false
			began := time.Now()
			for tries := 0; !done; tries++ {
				if tries > 40 {
					t.Fatal("it never comes to its end")
				}
				wait += time.Hour // what the dead one had is given up by then
				forward(wait)
				c := exec.Command(os.Args[0], "-test.run=^TestTellingChild$", "-test.timeout=30m")
				c.Env = append(os.Environ(), tellDatabase+"="+url, tellFolder+"="+folder)
				out := must[io.ReadCloser](t)(c.StdoutPipe())
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				heard, kill := 0, rand.IntN(max(1, many/5))
				if tries == 0 {
					time.AfterFunc(time.Duration(rand.IntN(1000))*time.Millisecond, func() { c.Process.Kill() }) // while messages are planned, as often as not
				}
				read := bufio.NewReader(out)
				for {
					said, err := read.ReadString('\n') // a line that was cut off was not said
					if err != nil {
						break
					}
					f := strings.Fields(said)
					if len(f) != 3 || f[0] != "told" {
						continue
					}
					if before := handed[f[1]]; before != "" {
						if twice++; before != f[2] {
							t.Errorf("one customer was handed two messages (I-10)")
						}
					}
					handed[f[1]] = f[2]
					if heard++; heard > kill && tries > 0 && tries < 3 {
						c.Process.Kill()
					}
				}
				done = c.Wait() == nil
			}
			o, closed, err := lawOffice(ctx, url, folder)
			if err != nil {
				t.Fatal(err)
			}
			defer closed()
			t.Logf("%d customers told in %v, %d handed over twice", len(handed), time.Since(began).Round(time.Millisecond), twice)
			told(t, o, id, by, many)
			if len(handed) != many {
				t.Errorf("%d customers were handed a message, want %d", len(handed), many)
			}
		})
	}
}

// told looks whether so many customers were told of an incident, each by one message.
func told(t *testing.T, o *office.Office, id, by cpni.ID, many int) {
	t.Helper()
	tally, err := o.Incidents.Tally(t.Context(), id, by)
	if err != nil || len(tally) != 1 || tally[breach.IsSent] != many {
		t.Errorf("of the customers %v, %v; want %d sent", tally, err, many)
	}
	var messages, customers int
	if err := o.DB.Reader().QueryRow(t.Context(), "SELECT count(*), count(DISTINCT customer_id) FROM message WHERE kind = $1", notify.IncidentNotice).Scan(&messages, &customers); err != nil {
		t.Fatal(err)
	}
	if messages != many || customers != many {
		t.Errorf("%d messages to %d customers, want one to each of %d (I-10)", messages, customers, many)
	}
	i := must[*breach.Incident](t)(o.Incidents.One(t.Context(), id, by))
	if all := i.All(breach.Told); len(all) != 1 || all[0].Count != many {
		t.Errorf("the history says %+v, want that %d were told", all, many)
	}
}
