package letter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Variables by which a test starts its own program as a server that dies.
const (
	childConfig = "RINGFENCE_TEST_LETTERS"      // the configuration, as JSON
	childDies   = "RINGFENCE_TEST_LETTERS_DIES" // the step at which it kills itself
	childLimit  = "RINGFENCE_TEST_LETTERS_LIMIT"
	childPieces = 60
)

func TestMain(m *testing.M) {
	if text := os.Getenv(childConfig); text != "" {
		if err := child(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child sends and writes what became of the letters, and dies on the way when it is told so.
func child(text string) error {
	var cfg Config
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return err
	}
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		return err
	}
	if limit := os.Getenv(childLimit); limit != "" {
		n, err := strconv.ParseUint(limit, 10, 64)
		if err != nil {
			return err
		}
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return err
		}
	}
	c, err := New(cfg, "Lucid Technologies", cpni.ClockFunc(func() time.Time { return noon }), z)
	if err != nil {
		return err
	}
	if at := os.Getenv(childDies); at != "" {
		c.stops = func(here string) error {
			if here == at {
				if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
					return err
				}
				select {}
			}
			return nil
		}
	}
	told := map[cpni.ID]notify.Outcome{}
	c.Send(context.Background(), fixed(childPieces), func(p notify.Piece, o notify.Outcome) { told[p.ID] = o })
	return json.NewEncoder(os.Stdout).Encode(told)
}

// start starts a server of letters as a process of its own.
func start(t testing.TB, cfg Config, env ...string) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(append(os.Environ(), childConfig+"="+string(text)), env...)
	c.Stderr = os.Stderr
	return c
}

// finish runs a server that is not killed, and gives what it tells.
func finish(t testing.TB, cfg Config, env ...string) map[cpni.ID]notify.Outcome {
	t.Helper()
	out, err := start(t, cfg, env...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var told map[cpni.ID]notify.Outcome
	if err := json.Unmarshal(out, &told); err != nil {
		t.Fatal(err)
	}
	return told
}

// TestKilled kills the process at every step of a batch and at many moments between, and starts it again: the print shop gets
// every letter once, whether it takes its batches away at once or not.
//
// cite: I-10, P-25
func TestKilled(t *testing.T) {
	for _, joined := range []bool{false, true} {
		for _, at := range []string{"written", "made", "naming", "named"} {
			for _, taken := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/joined=%v/taken=%v", at, joined, taken), func(t *testing.T) {
					cfg := config(t)
					cfg.Joined = joined
					err := start(t, cfg, childDies+"="+at).Run()
					var exit *exec.ExitError
					if !errors.As(err, &exit) || exit.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
						t.Fatalf("the process was not killed: %v", err)
					}
					shelf := filepath.Join(t.TempDir(), "taken")
					if err := os.Mkdir(shelf, 0o755); err != nil {
						t.Fatal(err)
					}
					take(t, taken, cfg.Folder, shelf)
					told := finish(t, cfg)
					take(t, taken, cfg.Folder, shelf)
					if taken {
						once(t, shelf, fixed(childPieces), told)
					} else {
						once(t, cfg.Folder, fixed(childPieces), told)
					}
				})
			}
		}
	}
}

// take is the print shop that moves its batches away.
func take(t testing.TB, taken bool, from, to string) {
	t.Helper()
	batches, err := filepath.Glob(filepath.Join(from, "batch-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if !taken {
			continue
		}
		if err := os.Rename(b, filepath.Join(to, filepath.Base(b))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilledAtAnyMoment kills by the clock instead.
//
// cite: I-10
func TestKilledAtAnyMoment(t *testing.T) {
	for _, joined := range []bool{false, true} {
		cfg := config(t)
		cfg.Joined = joined
		for n := range 15 {
			c := start(t, cfg)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(time.Duration(30+10*n)*time.Millisecond, func() { c.Process.Kill() })
			c.Wait()
			timer.Stop()
		}
		once(t, cfg.Folder, fixed(childPieces), finish(t, cfg))
	}
}

// TestDiskFull holds that a batch for which there is no room leaves nothing, and goes out when there is.
//
// cite: I-10, P-25
func TestDiskFull(t *testing.T) {
	for _, joined := range []bool{false, true} {
		// Each is the most that a file may have: too little for the note, for a letter, for the joined file or the manifest.
		for _, limit := range []int{0, 100, 1000, 20_000, 45_000} {
			cfg := config(t)
			cfg.Joined = joined
			told := finish(t, cfg, childLimit+"="+strconv.Itoa(limit))
			sent := 0
			for id, o := range told {
				if o.State == notify.Sent {
					sent++
				} else if o.State != notify.Queued || o.Code != "disk-full" {
					t.Errorf("limit %d: letter %s: %+v", limit, id, o)
				}
			}
			if len(told) != childPieces || sent > 0 && sent < childPieces || limit < 45_000 && sent > 0 {
				t.Errorf("limit %d: %d letters are told of and %d went out", limit, len(told), sent)
			}
			if sent == 0 && len(shopHas(t, cfg.Folder)) > 0 {
				t.Errorf("limit %d: the print shop got something", limit)
			}
			once(t, cfg.Folder, fixed(childPieces), finish(t, cfg))
			if left, err := filepath.Glob(filepath.Join(cfg.Folder, ".*")); err != nil || len(left) > 0 {
				t.Errorf("limit %d: letters are left behind: %v, %v", limit, left, err)
			}
		}
	}
}
