package intake

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/intake/generate"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

var stadium = Map{Numbers: Numbers{Lines: map[string]string{"211474": "+12025550174", "211553": "+12025550153"},
	Rules: []NumberRule{{Prefix: "89", Digits: 11, Strip: new(1), Put: "+7"}}},
	Contexts: map[string]string{"stadion-pstn": "in", "TimeDelay": "inside"}}

// The samples, imported: legs of one call are one call, twice the same uuid is one call, and again changes nothing.
func TestSamples(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, vault.NewMaster())
		w.line(t, "+12025550174", "+12025550153")
		w.line(t, "+12025550141")
		for _, c := range []struct {
			name string
			o    CallOptions
			want Summary
		}{
			{"asterisk-master.csv", CallOptions{Format: Asterisk, Map: &stadium, Zone: time.UTC},
				Summary{Rows: 84, Accepted: 73, Inside: 11, Added: 36, Merged: 27, Duplicates: 10, LineMonths: 2}},
			{"freeswitch-cdr.csv", CallOptions{Format: FreeSWITCH, Zone: zone(t, "America/New_York")},
				Summary{Rows: 5, Accepted: 5, Added: 4, Duplicates: 1, LineMonths: 3}},
		} {
			path := write(t, c.name, file(t, c.name))
			for _, again := range []bool{false, true} {
				s, err := w.Calls(t.Context(), path, c.o)
				if err != nil {
					t.Fatal(err)
				}
				want := c.want
				if again {
					want.Duplicates, want.Added, want.Merged = want.Accepted, 0, 0
				}
				if len(s.Oddities) == 0 {
					t.Errorf("%s: nothing odd noticed", c.name)
				}
				want.Rejected, want.Oddities = map[Reason]int64{}, s.Oddities
				if again { // legs of one chunk count as legs of each other, whatever was there
					s.Duplicates, s.Merged = s.Duplicates+s.Merged, 0
				}
				if d := cmp.Diff(&want, s); d != "" {
					t.Errorf("%s, again %v: %s", c.name, again, d)
				}
			}
		}
		want := []string{
			"+12025550141 202602: 2026-02-11T03:41:05Z 9 true true +17035550123",
			"+12025550141 202602: 2026-02-11T03:41:40Z 0 false false ",
			"+12025550141 202603: 2026-03-08T06:59:30Z 91 true true +442079460123",
			"+12025550141 202611: 2026-11-01T05:30:00Z 32 true true +17035550123",
		}
		got := w.calls(t)
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%s, want %s", got[i], want[i])
			}
		}
		// Seven legs, of which the last was answered: one call of 17 seconds that began when it first rang.
		if !strings.Contains(strings.Join(got, "\n"), "+12025550153 202401: 2024-01-28T02:04:06Z 17 true false +79001720330") {
			t.Errorf("the legs of one call are not one call:\n%s", strings.Join(got, "\n"))
		}
		if len(got) != 40 {
			t.Errorf("%d calls", len(got))
		}
		var entries int
		if err := db.Reader().QueryRow(t.Context(), "SELECT COUNT(*) FROM record WHERE kind = 'import'").Scan(&entries); err != nil || entries != 4 {
			t.Errorf("%d ledger entries of four imports, %v", entries, err)
		}
	})
}

// mixed is rows of Asterisk with everything in them: legs, clock changes, several months, rejects.
func mixed(t *rapid.T) []string {
	var rows []string
	for range rapid.IntRange(1, 40).Draw(t, "rows") {
		id := rapid.IntRange(0, 12).Draw(t, "call")
		at := time.Unix(1793511000+int64(id)*1200-6000, 0).Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "later")) * time.Second)
		shown := at.In(newYork).Format("2006-01-02 15:04:05")
		if rapid.IntRange(0, 30).Draw(t, "broken") == 0 {
			shown = "2026-03-08 02:30:00"
		}
		answered := rapid.SampledFrom([]string{"ANSWERED", "NO ANSWER", "BUSY"}).Draw(t, "disposition")
		caller := rapid.SampledFrom([]string{"2025550141", "7035550123", "0000000000", "client"}).Draw(t, "caller")
		called := rapid.SampledFrom([]string{"2025550141", "2025550142", "7035550199", "ch1"}).Draw(t, "called")
		channel := rapid.SampledFrom([]string{"SIP/1", "Local/ch1@x;2"}).Draw(t, "channel")
		linked := fmt.Sprintf("%d.%d", 1793511000+id*1200-6000, id)
		rows = append(rows, fmt.Sprintf(`"","%s","%s","x","","%s","","Dial","","%s",,"",%d,%d,"%s","D","%s.9","","","%s",1`+"\n",
			caller, called, channel, shown, 50, rapid.IntRange(0, 50).Draw(t, "seconds"), answered, linked, linked))
	}
	return rows
}

var newYork, _ = time.LoadLocation("America/New_York")

// I-24: the same rows in any split, any order and any number of times give the same records; I-25: legs of a call that
// crosses a clock change or a month are in one month, once.
func TestAnySplitGivesTheSameRecords(t *testing.T) {
	whole := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	parts := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	o := CallOptions{Format: Asterisk, Zone: newYork}
	folder := t.TempDir()
	files := 0
	importRows := func(t *rapid.T, w *world, rows []string, chunk int) {
		files++
		path := filepath.Join(folder, fmt.Sprint(files))
		if err := os.WriteFile(path, []byte(strings.Join(rows, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		o := o
		o.ChunkBytes = chunk
		s, err := w.Calls(context.Background(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		if s.Rows != int64(len(rows)) || s.Rows != s.Accepted+s.Inside+s.RejectedRows() {
			t.Fatalf("rows do not add up: %+v", s)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		for _, w := range []*world{whole, parts} {
			if err := w.DB.Tx(context.Background(), func(tx *store.Tx) error {
				_, err := tx.Exec(context.Background(), "DELETE FROM call_segment")
				return err
			}); err != nil {
				rt.Fatal(err)
			}
			clear(w.book)
			w.line(t, "+12025550141")
			w.line(t, "+12025550142")
		}
		rows := mixed(rt)
		importRows(rt, whole, rows, 0)
		rest := rapid.Permutation(rows).Draw(rt, "order")
		for len(rest) > 0 {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "part")
			for range rapid.IntRange(1, 2).Draw(rt, "times") {
				importRows(rt, parts, rest[:n], 1)
			}
			rest = rest[n:]
		}
		if d := cmp.Diff(whole.calls(t), parts.calls(t)); d != "" {
			rt.Fatalf("%s", d)
		}
	})
}

// The rejects file tells line, reason and raw line, and nobody else may read it.
func TestRejects(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	w.line(t, "+12025550141")
	w.book["+12025550142"] = Line{Customer: w.line(t, "+12025550143"), Number: 2, From: time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC).Unix(),
		Until: time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).Unix()}
	text := "call_id,caller,called,start,seconds,answered\n" +
		"a,2025550141,911,2026-02-11T10:00:00Z,1,yes\n" +
		"b,7035550123,7035550124,2026-02-11T10:00:00Z,1,yes\n" +
		"c,2025550141,\"say \"\"hi\"\", please\",2026-02-11T10:00:00Z,1,yes\n" +
		"d,2025550141,911,2026-02-11 10:00:00,1,yes\n" +
		"<<<<<<< HEAD\n" +
		"e,2025550142,911,2026-02-09T10:00:00Z,1,yes\n" +
		"f,2025550142,911,2026-02-10T10:00:00Z,1,yes\n" +
		"g,2025550142,911,2026-02-20T00:00:00Z,1,yes\n" +
		"h,2025550141,911\xff,2026-02-20T00:00:00Z,1,yes\n" +
		"i,2025550141,9\x0011,2026-02-20T00:00:00Z,1,yes\n" +
		"j," + strings.Repeat("9", 2*MaxLine) + "\n"
	s := w.mustImport(t, text, CallOptions{Format: CSV})
	want := map[Reason]int64{NoLine: 1, BadNumber: 2, BadTime: 1, Conflict: 1, LineNotThen: 2, BadLine: 2}
	if d := cmp.Diff(want, s.Rejected); d != "" || s.Accepted != 2 || s.Rows != 11 {
		t.Errorf("%s %+v", d, s)
	}
	info, err := os.Stat(s.RejectsFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	content, err := os.ReadFile(s.RejectsFile)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil || len(all) != 10 {
		t.Fatalf("%d lines, %v", len(all), err)
	}
	if got := all[1]; got[0] != "3" || got[1] != "NO_LINE" || got[3] != "P-03" || got[4] != "b,7035550123,7035550124,2026-02-11T10:00:00Z,1,yes" {
		t.Errorf("%q", got)
	}
	if got := all[2]; got[0] != "4" || got[4] != `c,2025550141,"say ""hi"", please",2026-02-11T10:00:00Z,1,yes` {
		t.Errorf("%q", got)
	}
	if got := all[9]; len(got[4]) > MaxLine {
		t.Errorf("a raw line of %d bytes", len(got[4]))
	}
	// I-23: nothing of a row in what the summary says.
	var b strings.Builder
	s.RejectsFile = ""
	if _, err := s.WriteTo(&b); err != nil || strings.Contains(b.String(), "555") || strings.Contains(b.String(), "say") {
		t.Errorf("%s %v", b.String(), err)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	header := "call_id,caller,called,start,seconds,answered\n"
	no := false
	for _, c := range []struct {
		name, text string
		o          CallOptions
		want       string
	}{
		{"gzip", "\x1f\x8b\x08\x00", CallOptions{Format: CSV}, "gzip"},
		{"spreadsheet", "PK\x03\x04....", CallOptions{Format: CSV}, "spreadsheet"},
		{"UTF-16", "\xff\xfea\x00", CallOptions{Format: CSV}, "UTF-16"},
		{"empty", "", CallOptions{Format: CSV}, "empty"},
		{"other columns", "a,b,c\n", CallOptions{Format: CSV}, "no column caller, called, start"},
		{"a column twice", "call_id,caller,caller,called,start\n", CallOptions{Format: CSV}, "twice"},
		{"no format", header, CallOptions{}, "--format"},
		{"unknown format", header, CallOptions{Format: "excel"}, "none of the formats"},
		{"format against the map", header, CallOptions{Format: CSV, Map: &Map{Format: Asterisk}}, "is for format asterisk"},
		{"no zone", "", CallOptions{Format: Asterisk}, "--zone"},
		{"no header and no columns", header, CallOptions{Format: CSV, Map: &Map{Header: &no}}, "needs columns"},
		{"column that is not there", header, CallOptions{Format: CSV, Map: &Map{Columns: Columns{Caller: "9", Called: "1", Start: "2"}}}, "no column 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.Calls(t.Context(), write(t, "x.csv", c.text), c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := w.Calls(t.Context(), t.TempDir(), CallOptions{Format: CSV}); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := w.Calls(t.Context(), "/nowhere/x.csv", CallOptions{Format: CSV}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A byte order mark before the header is no part of its first name.
func TestByteOrderMark(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	w.line(t, "+12025550141")
	s := w.mustImport(t, byteOrderMark+"call_id,caller,called,start,seconds,answered\r\na,2025550141,911,2026-02-11T10:00:00Z,1,yes\r\n", CallOptions{Format: CSV})
	if s.Added != 1 {
		t.Errorf("%+v", s)
	}
}

// A month is the carrier's: the last evening of January in New York is February in UTC.
func TestMonthOfTheCarrier(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	w.line(t, "+12025550141")
	w.mustImport(t, "caller,called,start,seconds\n2025550141,911,2026-02-01T04:59:59Z,1\n2025550141,911,2026-02-01T05:00:00Z,1\n2025550141,911,2026-01-31T23:00:00-05:00,1\n",
		CallOptions{Format: CSV})
	got := w.calls(t)
	if len(got) != 3 || !strings.Contains(got[0], "202601: 2026-02-01T04:00:00Z") || !strings.Contains(got[1], "202601: 2026-02-01T04:59:59Z") ||
		!strings.Contains(got[2], "202602: 2026-02-01T05:00:00Z") {
		t.Errorf("%q", got)
	}
}

// generated makes a world with the lines of a Spec, and the file of their calls.
func generated(t testing.TB, w *world, s generate.Spec) string {
	t.Helper()
	var customers bytes.Buffer
	if err := generate.Customers(&customers, s); err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(&customers).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all[1:] {
		w.line(t, strings.Split(c[2], ";")...)
	}
	path := filepath.Join(t.TempDir(), "calls.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(generate.Calls(f, s), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

var small = generate.Spec{Seed: 3, Customers: 20, Calls: 4000, From: time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)}

// The counts of an import that was stopped and went on are those of one that was not, and so are its records and its
// rejects file.
func TestStoppedImportGoesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, vault.NewMaster())
		path := generated(t, w, small)
		delete(w.book, "+12925550000") // so that some rows are rejected
		o := CallOptions{Format: CSV, ChunkBytes: 1, Rejects: filepath.Join(t.TempDir(), "rejects.csv")}
		smooth := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
		smooth.book = w.book
		smooth.Lines = w.book
		smoothOptions := o
		smoothOptions.Rejects = filepath.Join(t.TempDir(), "smooth.csv")
		copyKeys(t, w, smooth)
		want, err := smooth.Calls(t.Context(), path, smoothOptions)
		if err != nil {
			t.Fatal(err)
		}
		stops := 0
		var got *Summary
		for {
			ctx, stop := context.WithCancel(t.Context())
			chunks := 0
			o.Progress = func(p Progress) {
				if chunks++; chunks == 3 { // the first chunk is committed by then
					stop()
				}
			}
			got, err = w.Calls(ctx, path, o)
			stop()
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			stops++
		}
		if stops == 0 || !got.Resumed {
			t.Fatalf("stopped %d times, resumed %v", stops, got.Resumed)
		}
		got.Resumed, got.RejectsFile, want.RejectsFile = false, "", ""
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		a, errA := os.ReadFile(o.Rejects)
		b, errB := os.ReadFile(smoothOptions.Rejects)
		if errA != nil || errB != nil || !bytes.Equal(a, b) || len(a) < 1000 {
			t.Errorf("rejects of %d and %d bytes differ (%v, %v)", len(a), len(b), errA, errB)
		}
		if d := cmp.Diff(smooth.calls(t), w.calls(t)); d != "" {
			t.Error(d)
		}
	})
}

// copyKeys gives to every customer of from a key in to.
func copyKeys(t testing.TB, from, to *world) {
	t.Helper()
	if err := to.DB.Tx(t.Context(), func(tx *store.Tx) error {
		made := map[cpni.ID]bool{}
		for _, l := range from.book {
			if made[l.Customer] {
				continue
			}
			made[l.Customer] = true
			if err := to.Vault.NewCustomerKey(t.Context(), tx, l.Customer); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Another import of the same file takes over; the first one stops without harm.
func TestTakenOver(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	path := generated(t, w, small)
	o := CallOptions{Format: CSV, ChunkBytes: 1}
	once := true
	first := o
	first.Progress = func(Progress) {
		if once {
			once = false
			second := o
			second.Rejects = filepath.Join(t.TempDir(), "second")
			if _, err := w.Calls(t.Context(), path, second); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := w.Calls(t.Context(), path, first); !errors.Is(err, ErrTakenOver) {
		t.Fatalf("error %v", err)
	}
	before := len(w.calls(t))
	if _, err := w.Calls(t.Context(), path, o); err != nil {
		t.Fatal(err)
	}
	if after := len(w.calls(t)); after != before || after < 4000 {
		t.Errorf("%d calls, then %d", before, after)
	}
}

// killedImport is what the process does that TestKilledImport kills: it imports and tells how far it is.
func TestMain(m *testing.M) {
	if os.Getenv("INTAKE_KILL_ME") == "" {
		os.Exit(m.Run())
	}
	if err := killedImport(os.Getenv("INTAKE_KILL_ME")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// kill -9 at any moment: what is committed is whole, and the next import goes on and gives the same records (I-03, I-24).
func TestKilledImport(t *testing.T) {
	folder := t.TempDir()
	key := filepath.Join(folder, "key")
	if err := vault.NewMasterFile(key); err != nil {
		t.Fatal(err)
	}
	master, err := vault.ReadMaster("file:" + key)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(folder, "k.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, db, master)
	path := generated(t, w, small)
	smooth := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	smooth.book, smooth.Lines = w.book, w.book
	copyKeys(t, w, smooth)
	want, err := smooth.Calls(t.Context(), path, CallOptions{Format: CSV, Rejects: filepath.Join(folder, "smooth")})
	if err != nil {
		t.Fatal(err)
	}
	book := &strings.Builder{}
	for n, l := range w.book {
		fmt.Fprintf(book, "%s %s %d\n", n, l.Customer, l.Number)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(folder, "book"), []byte(book.String()), 0o600), os.Rename(path, filepath.Join(folder, "calls.csv")), db.Close()); err != nil {
		t.Fatal(err)
	}
	seed := rand.New(rand.NewPCG(1, 2))
	// A kill may land when all is done and nothing is said yet; what is done again then adds nothing.
	finished := func() bool {
		t.Helper()
		db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(folder, "k.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var n int
		if err := db.Reader().QueryRow(t.Context(), "SELECT count(*) FROM import_run WHERE state = 'finished'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	kills, done := 0, false
	var last string
	for !done {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "INTAKE_KILL_ME="+folder)
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var wrong bytes.Buffer
		cmd.Stderr = &wrong
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It tells how far it has read before it commits: a moment later, sooner or later, it dies.
		told, dies := 0, 1+seed.IntN(3)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			last = lines.Text()
			if told++; told == dies && kills < 6 {
				time.Sleep(time.Duration(seed.IntN(3000)) * time.Microsecond)
				cmd.Process.Kill()
			}
		}
		switch err := cmd.Wait(); {
		case err == nil:
			done = true
		case kills == 6:
			t.Fatalf("%v: %s", err, wrong.String())
		default:
			kills++
			done = finished()
			last = ""
		}
	}
	t.Logf("killed %d times; %s", kills, last)
	if kills == 0 {
		t.Error("it was never killed")
	}
	if db, err = store.Open(t.Context(), "sqlite:"+filepath.Join(folder, "k.db")); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	after := newWorld(t, db, master)
	after.book = w.book
	if d := cmp.Diff(smooth.calls(t), after.calls(t)); d != "" {
		t.Error(d)
	}
	if last != "" && !strings.Contains(last, fmt.Sprintf("added %d rows %d", want.Added, want.Rows)) {
		t.Errorf("the last run says %q, want added %d rows %d", last, want.Added, want.Rows)
	}
}
