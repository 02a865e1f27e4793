package letter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// inbox keeps what it is told, knows the letters that it is given, and may be out of order.
type inbox struct {
	knows map[string]bool
	told  []string
	fails int // at the nth call from now; 0: never
}

func (i *inbox) Returned(context.Context, string, notify.Report) error {
	return errors.New("letters are never told of by a token")
}

func (i *inbox) Referred(_ context.Context, via cpni.Via, reference string, r notify.Report) error {
	if i.fails > 0 {
		if i.fails--; i.fails == 0 {
			return errors.New("the database is away")
		}
	}
	if !i.knows[reference] {
		return notify.ErrNotOurs
	}
	if !strings.HasPrefix(string(r.Raw), "batch,piece") {
		return fmt.Errorf("no evidence: %q", r.Raw)
	}
	i.told = append(i.told, fmt.Sprint(via, " ", reference[len(reference)-2:], " ", r.Kind, " ", r.State, " ", r.Code, " ", r.At.Format(time.RFC3339)))
	return nil
}

const (
	aBatch = "batch-20261120T120000Z-06dt9c4k3w0000000000000000"
	piece1 = "06dt9c4k3w0000000000000001"
	piece2 = "06dt9c4k3w0000000000000002"
	piece3 = "06dt9c4k3w0000000000000003"
	header = "batch,piece,mailed_on,returned_on,code\n"
)

func newInbox() *inbox {
	return &inbox{knows: map[string]bool{aBatch + "/" + piece1: true, aBatch + "/" + piece2: true, aBatch + "/" + piece3: true}}
}

// listing is what lies in a folder and below it.
func listing(t testing.TB, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*", "*/*"} {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			if about, err := os.Stat(p); err != nil || about.IsDir() {
				continue
			}
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(folder, p)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(b)
		}
	}
	return all
}

// each runs a test with confirmations in a folder of this machine and with those on a server.
func each(t *testing.T, test func(t *testing.T, cfg Config)) {
	t.Run("folder", func(t *testing.T) { test(t, config(t)) })
	t.Run("sftp", func(t *testing.T) { test(t, startSSHD(t).config(t)) })
}

func drop(t testing.TB, cfg Config, name, text string) {
	t.Helper()
	path := filepath.Join(cfg.Confirmations, name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestMailed reads what was mailed and what came back. The day of mailing ends in the carrier's zone.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func TestMailed(t *testing.T) {
	each(t, func(t *testing.T, cfg Config) {
		in := newInbox()
		f := open(t, cfg).Confirmations(in)
		file := "\xef\xbb\xbf" + header + aBatch + "," + piece1 + ",2026-11-24,,\n" + aBatch + "," + piece2 + ",2026-11-20, 2026-11-25 ,moved-no-forward\r\n" + aBatch + "," + piece3 + ",2026-11-25,,\n"
		drop(t, cfg, "one.csv", file)
		drop(t, cfg, "being-written.csv.tmp", "batch")
		drop(t, cfg, ".hidden.csv", "batch")
		read, err := f.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Read{{File: "one.csv", Mailed: 3, Returned: 1}}, read); diff != "" {
			t.Error(diff)
		}
		want := []string{
			"postal 01 mailed sent mailed 2026-11-24T23:59:59-05:00",
			"postal 02 mailed sent mailed 2026-11-20T23:59:59-05:00",
			"postal 02 bounce bounced moved-no-forward 2026-11-25T22:00:00-05:00",
			"postal 03 mailed sent mailed 2026-11-25T22:00:00-05:00",
		}
		if diff := cmp.Diff(want, in.told); diff != "" {
			t.Errorf("P-25: %s", diff)
		}
		// A file is taken once; another of its name does not push it out.
		if read, err := f.Step(context.Background()); err != nil || len(read) > 0 {
			t.Errorf("a second look: %v, %v", read, err)
		}
		drop(t, cfg, "one.csv", header+aBatch+","+piece1+",,2026-11-25,\n")
		if read, err := f.Step(context.Background()); err != nil || len(read) != 1 || read[0].Returned != 1 {
			t.Errorf("another file: %v, %v", read, err)
		}
		if last := in.told[len(in.told)-1]; last != "postal 01 bounce bounced returned 2026-11-25T22:00:00-05:00" {
			t.Errorf("returned without a code: %s", last)
		}
		lies := listing(t, cfg.Confirmations)
		if lies["done/one.csv"] != file || lies["done/one-2.csv"] == "" || lies["being-written.csv.tmp"] == "" || lies[".hidden.csv"] == "" || len(lies) != 4 {
			t.Errorf("in the folder lie %v", lies)
		}
	})
}

// TestFaultyFile holds that nothing of a file with a faulty line is taken, and that the lines are named.
func TestFaultyFile(t *testing.T) {
	good := aBatch + "," + piece1 + ",2026-11-24,,\n"
	for says, text := range map[string]string{
		"line 1: it has to name":             "",
		"line 1: the column mailed_on":       "batch,piece\n" + aBatch + "," + piece1 + "\n",
		"line 3: batch is not":               header + good + "../../etc," + piece1 + ",2026-11-24,,\n",
		"line 3: piece is not":               header + good + aBatch + ",Ann Lee,2026-11-24,,\n",
		"line 3: mailed_on is no date":       header + good + aBatch + "," + piece2 + ",11/24/2026,,\n",
		"line 3: mailed_on is in the future": header + good + aBatch + "," + piece2 + ",2026-11-26,,\n",
		"line 3: mailed_on is before 2000":   header + good + aBatch + "," + piece2 + ",1026-11-26,,\n",
		"line 3: returned_on is no date":     header + good + aBatch + "," + piece2 + ",2026-11-24,soon,\n",
		"line 3: returned_on is before":      header + good + aBatch + "," + piece2 + ",2026-11-24,2026-11-23,x\n",
		"line 3: code may have":              header + good + aBatch + "," + piece2 + ",2026-11-24,,moved to 9 Elm St\n",
		"line 3: it says neither":            header + good + aBatch + "," + piece2 + ",,,\n",
		"line 3: it has 2 columns and not 5": header + good + aBatch + "," + piece2 + "\n",
		"line 3: it is no line of comma":     header + good + `a"b,c,d,e,f` + "\n",
		"and 60 more":                        header + good + strings.Repeat("x,y,z,,\n", 160),
		"The file is longer than 32 MiB":     header + strings.Repeat(good, 400_000),
	} {
		t.Run(says, func(t *testing.T) {
			cfg := config(t)
			in := newInbox()
			f := open(t, cfg).Confirmations(in)
			drop(t, cfg, "bad.csv", text)
			read, err := f.Step(context.Background())
			if err != nil || len(read) != 1 || read[0].Faulty == 0 {
				t.Fatalf("%v, %v", read, err)
			}
			if len(in.told) > 0 {
				t.Errorf("half of it was taken: %q", in.told)
			}
			lies := listing(t, cfg.Confirmations)
			if why := lies["failed/bad.csv.txt"]; !strings.Contains(why, says) || strings.Contains(why, "Ann Lee") || strings.Contains(why, "Elm St") {
				t.Errorf("the reason is %q", why)
			}
			if len(lies) != 2 || lies["failed/bad.csv"] != text {
				t.Errorf("in the folder lie %d files", len(lies))
			}
		})
	}
}

// TestStrangeLetters holds that letters that are not ours are named and the others are taken.
func TestStrangeLetters(t *testing.T) {
	each(t, func(t *testing.T, cfg Config) {
		in := newInbox()
		delete(in.knows, aBatch+"/"+piece2)
		f := open(t, cfg).Confirmations(in)
		drop(t, cfg, "some.CSV", header+aBatch+","+piece1+",2026-11-24,,\n"+aBatch+","+piece2+",2026-11-24,,\n"+aBatch+","+piece3+",2026-11-24,,\n")
		read, err := f.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Read{{File: "some.CSV", Mailed: 2, NotOurs: 1}}, read); diff != "" {
			t.Error(diff)
		}
		lies := listing(t, cfg.Confirmations)
		if why := lies["failed/some.CSV.txt"]; !strings.Contains(why, "line 3: no letter is known") || lies["failed/some.CSV"] == "" {
			t.Errorf("in the folder lie %v", lies)
		}
	})
}

// TestInboxAway holds that a file stays until all of it is told.
func TestInboxAway(t *testing.T) {
	cfg := config(t)
	in := newInbox()
	in.fails = 2
	f := open(t, cfg).Confirmations(in)
	drop(t, cfg, "one.csv", header+aBatch+","+piece1+",2026-11-24,,\n"+aBatch+","+piece2+",2026-11-24,,\n")
	if _, err := f.Step(context.Background()); err == nil {
		t.Error("nobody says that the database is away")
	}
	if lies := listing(t, cfg.Confirmations); len(lies) != 1 || lies["one.csv"] == "" {
		t.Errorf("in the folder lie %v", lies)
	}
	if read, err := f.Step(context.Background()); err != nil || len(read) != 1 || read[0].Mailed != 2 || len(in.told) != 3 {
		t.Errorf("the next look: %v, %v, told %q", read, err, in.told)
	}
}

// TestRun holds that Run looks until it is told to end, and says what it read.
func TestRun(t *testing.T) {
	cfg := config(t)
	in := newInbox()
	ctx, stop := context.WithCancel(context.Background())
	drop(t, cfg, "one.csv", header+aBatch+","+piece1+",2026-11-24,,\n")
	mailed := 0
	open(t, cfg).Confirmations(in).Run(ctx, time.Millisecond, func(read []Read, err error) {
		if err != nil {
			t.Error(err)
		}
		for _, r := range read {
			mailed += r.Mailed
		}
		if mailed == 1 {
			drop(t, cfg, "two.csv", header+aBatch+","+piece2+",2026-11-24,,\n")
		} else {
			stop()
		}
	})
	stop()
	if mailed != 2 {
		t.Errorf("%d letters were mailed and not 2", mailed)
	}
	cfg.Confirmations = ""
	if open(t, cfg).Confirmations(in) != nil {
		t.Error("confirmations are read from nowhere")
	}
}

// FuzzParse looks for a file that makes the reader fail otherwise than by naming lines.
func FuzzParse(f *testing.F) {
	f.Add([]byte(header + aBatch + "," + piece1 + ",2026-11-24,2026-11-25,x\n"))
	f.Add([]byte("batch,piece,mailed_on\n\"a\nb\",c,d\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		told, faults := parse(b, noon)
		for _, l := range told {
			batch, piece, ok := strings.Cut(l.reference, "/")
			if !ok || !batchForm.MatchString(batch) || !cpni.ID(piece).Valid() || l.report.At.After(noon) || l.report.State == "" {
				t.Errorf("%+v", l)
			}
		}
		for _, s := range faults {
			if !strings.HasPrefix(s, "line ") && !strings.HasPrefix(s, "the file") {
				t.Error(s)
			}
		}
	})
}
