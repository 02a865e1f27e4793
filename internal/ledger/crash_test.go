package ledger_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// kills is how often the crash test kills; the default keeps the whole suite short.
var kills = flag.Int("kills", 8, "how often the crash test kills its child")

// childFolder names the environment variable that makes this binary the child that is killed.
const childFolder = "LEDGER_CRASH_CHILD"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		if err := child(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// openIn opens the ledger that parent and child share.
func openIn(ctx context.Context, folder string) (*store.DB, *ledger.Ledger, error) {
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(folder, "ringfence.db"))
	if err != nil {
		return nil, nil, err
	}
	signer, err := ledger.ReadKeyFile(filepath.Join(folder, "ledger.key"))
	if err != nil {
		return db, nil, err
	}
	clock, err := store.Forward(ctx, cpni.ClockFunc(time.Now), db)
	if err != nil {
		return db, nil, err
	}
	l, err := ledger.Open(ctx, db, ledger.Options{Origin: origin, Signer: signer, Clock: clock, Outside: filepath.Join(folder, "newest-checkpoint")})
	return db, l, err
}

// child commits in a loop from several writers, and notes each acknowledged entry in a file, until it is killed.
func child(folder string) error {
	ctx := context.Background()
	_, l, err := openIn(ctx, folder)
	if err != nil {
		return err
	}
	acknowledged, err := os.OpenFile(filepath.Join(folder, "acknowledged"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	go l.Run(ctx, func(err error) { fmt.Fprintln(os.Stderr, err) })
	failed := make(chan error)
	for range 4 {
		go func() {
			customer := cpni.NewID()
			for n := 1; ; n = n%40 + 7 {
				receipts, err := l.Commit(ctx, func(*store.Tx) ([]ledger.Entry, error) {
					all := make([]ledger.Entry, n)
					for i := range all {
						all[i] = entry(customer, i, cpni.Permit)
					}
					return all, nil
				})
				if err != nil {
					failed <- err
					return
				}
				var b strings.Builder
				for _, r := range receipts {
					fmt.Fprintf(&b, "%s %s\n", r.Customer(), r.Entry())
				}
				if _, err := acknowledged.WriteString(b.String()); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

// TestNothingAcknowledgedIsLostWhenKilled kills a process that commits, again and again, and each time looks for
// everything that it acknowledged.
//
// cite: P-41
func TestNothingAcknowledgedIsLostWhenKilled(t *testing.T) {
	folder := t.TempDir()
	if err := ledger.NewKeyFile(filepath.Join(folder, "ledger.key"), origin); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(41, uint64(*kills)))
	looked := 0
	for kill := range *kills {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), childFolder+"="+folder)
		var said strings.Builder
		c.Stderr = &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		var ended sync.WaitGroup
		gone := make(chan struct{})
		ended.Go(func() { c.Wait(); close(gone) })
		before := lines(t, folder)
		for len(lines(t, folder)) == len(before) { // it has begun
			select {
			case <-gone:
				t.Fatalf("the child ended by itself: %s", &said)
			case <-time.After(time.Millisecond):
			}
		}
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		c.Process.Kill()
		ended.Wait()
		if said.Len() > 0 {
			t.Errorf("kill %d: the child complained: %s", kill, &said)
		}

		db, l, err := openIn(t.Context(), folder)
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		all := lines(t, folder)
		for _, line := range all[looked:] {
			customer, id, _ := strings.Cut(line, " ")
			if _, err := l.Recall(t.Context(), cpni.ID(customer), cpni.ID(id)); err != nil {
				t.Fatalf("kill %d: I-03: an acknowledged entry is gone: %v", kill, err)
			}
		}
		looked = len(all)
		v, err := l.Verify(t.Context(), &said)
		if err != nil || !v.OK() || v.Records < int64(looked) {
			t.Fatalf("kill %d: %d records of %d acknowledged, %v\n%s", kill, v.Records, looked, err, &said)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db, l, err := openIn(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := l.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, err := l.Verify(t.Context(), t.Output()); err != nil || !v.OK() || v.Waiting != 0 {
		t.Fatalf("at the end: %v", err)
	}
	t.Logf("%d kills, %d acknowledged entries", *kills, looked)
}

// lines reads what was acknowledged, but for a line that is not whole.
func lines(t testing.TB, folder string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(folder, "acknowledged"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if len(s.Text()) == 53 {
			all = append(all, s.Text())
		}
	}
	return all
}
