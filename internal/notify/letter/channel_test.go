package letter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// fixed are pieces whose names are the same in every process.
func fixed(n int) []notify.Piece {
	all := many(n)
	for i := range all {
		h := sha256.Sum256([]byte(fmt.Sprint("piece ", i)))
		all[i].ID = cpni.IDOf(h[:])
	}
	return all
}

// send sends and gathers what is told; a piece is told of once.
func send(t testing.TB, c *Channel, pieces []notify.Piece) map[cpni.ID]notify.Outcome {
	t.Helper()
	told := map[cpni.ID]notify.Outcome{}
	c.Send(context.Background(), pieces, func(p notify.Piece, o notify.Outcome) {
		if _, again := told[p.ID]; again {
			t.Errorf("piece %s is told of twice", p.ID)
		}
		told[p.ID] = o
	})
	return told
}

// shopHas reads the batches that the print shop sees, checks each against its manifest, and says in which each letter is.
func shopHas(t testing.TB, folder string) map[cpni.ID][]string {
	t.Helper()
	batches, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	has := map[cpni.ID][]string{}
	for _, b := range batches {
		if strings.HasPrefix(b.Name(), ".") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, b.Name(), "manifest.json"))
		if err != nil {
			t.Fatalf("I-10: a batch without a manifest: %v", err)
		}
		var m Manifest
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatalf("I-10: a manifest that cannot be read: %v", err)
		}
		files, err := os.ReadDir(filepath.Join(folder, b.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != len(m.Files)+2 || m.Batch != b.Name() || m.Letters != len(m.Pieces) {
			t.Errorf("I-10: batch %s has %d files and %d letters, and its manifest says %d and %d", b.Name(), len(files), len(m.Pieces), len(m.Files)+2, m.Letters)
		}
		for _, f := range m.Files {
			b, err := os.ReadFile(filepath.Join(folder, b.Name(), f.Name))
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(b)) != f.Bytes {
				t.Errorf("I-10: %s is not what its manifest says", f.Name)
			}
		}
		for _, p := range m.Pieces {
			has[p.Piece] = append(has[p.Piece], reference(m.Batch, p.Piece))
		}
	}
	return has
}

// once holds that the shop has every piece once, under the reference that was told.
func once(t testing.TB, folder string, pieces []notify.Piece, told map[cpni.ID]notify.Outcome) {
	t.Helper()
	has := shopHas(t, folder)
	wrong := 0
	for _, p := range pieces {
		if o := told[p.ID]; o.State != notify.Sent || !slices.Equal(has[p.ID], []string{o.Reference}) {
			t.Errorf("I-10: letter %s is %s as %q, and the print shop has it as %q (%s %s)", p.ID, o.State, o.Reference, has[p.ID], o.Code, o.Says)
			if wrong++; wrong == 3 {
				t.Error("and so on")
				break
			}
		}
	}
	if len(has) != len(pieces) {
		t.Errorf("I-10: the print shop has %d letters and not %d", len(has), len(pieces))
	}
}

// cite: P-25, I-10, 47 CFR 64.2010(f)(2)
func TestBatch(t *testing.T) {
	for _, joined := range []bool{false, true} {
		t.Run(fmt.Sprintf("joined=%v", joined), func(t *testing.T) {
			cfg := config(t)
			cfg.Joined, cfg.Duplex = joined, true
			c := open(t, cfg)
			pieces := fixed(40)
			pieces[7].Enclosed = []notify.Enclosure{calls(t, 300)}
			pieces[9].To = "Somewhere without a code"
			pieces[11].Name = "李"
			told := send(t, c, pieces)
			once(t, cfg.Folder, pieces, told)

			// The same letters again, in this process and in the next.
			for _, again := range []*Channel{c, open(t, cfg)} {
				once(t, cfg.Folder, pieces, send(t, again, pieces))
			}

			batch := strings.SplitN(told[pieces[0].ID].Reference, "/", 2)[0]
			text, err := os.ReadFile(filepath.Join(cfg.Folder, batch, "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			table, err := os.ReadFile(filepath.Join(cfg.Folder, batch, "manifest.csv"))
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"Main St", "Núñez", "Somewhere", "Springfield", "address of your account"} {
				if bytes.Contains(text, []byte(secret)) || bytes.Contains(table, []byte(secret)) {
					t.Errorf("a manifest tells %q", secret)
				}
			}
			var m Manifest
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
			if err != nil || len(rows) != 41 {
				t.Errorf("manifest.csv has %d rows: %v", len(rows), err)
			}
			page := 1
			for n, p := range m.Pieces {
				if p.Number != n+1 || p.Piece != pieces[n].ID || p.Sheets != (p.Pages+1)/2 || p.Class != "first-class" {
					t.Errorf("piece %d: %+v", n, p)
				}
				want := 1
				if joined {
					want = page
				}
				if p.First != want {
					t.Errorf("piece %d begins on page %d and not %d", n, p.First, want)
				}
				page += p.Pages
			}
			if p := m.Pieces[7]; p.Pages < 8 || p.Weight == "1oz" || p.ZIP != "10007" {
				t.Errorf("a letter with a table: %+v", p)
			}
			if m.Pieces[9].ZIP != "" || m.Pieces[11].Replaced != 1 || m.Pieces[0].Weight != "1oz" {
				t.Errorf("manifest: %+v, %+v, %+v", m.Pieces[0], m.Pieces[9], m.Pieces[11])
			}
			for _, f := range m.Files {
				path := filepath.Join(cfg.Folder, batch, f.Name)
				program(t, "qpdf", "--check", path)
				if joined {
					out := program(t, "pdftotext", "-f", fmt.Sprint(m.Pieces[30].First), "-l", fmt.Sprint(m.Pieces[30].First), path, "-")
					if !strings.Contains(out, "31 Main St") {
						t.Errorf("the manifest leads to another letter:\n%s", out)
					}
				}
			}
		})
	}
}

// TestUnfitInBatch holds that one letter that cannot be printed does not keep the others, and that their numbers have no gap.
func TestUnfitInBatch(t *testing.T) {
	for _, joined := range []bool{false, true} {
		cfg := config(t)
		cfg.Joined = joined
		c := open(t, cfg)
		pieces := fixed(20)
		pieces[0].To, pieces[13].Text = "", ""
		told := send(t, c, pieces)
		if a, b := told[pieces[0].ID], told[pieces[13].ID]; a.State != notify.Failed || a.Code != "no-address" || b.State != notify.Failed || b.Code != "no-text" {
			t.Errorf("%+v, %+v", a, b)
		}
		fit := slices.Concat(pieces[1:13], pieces[14:])
		once(t, cfg.Folder, fit, told)
	}
	cfg := config(t)
	p := fixed(1)
	p[0].To = ""
	if told := send(t, open(t, cfg), p); told[p[0].ID].State != notify.Failed || len(shopHas(t, cfg.Folder)) != 0 {
		t.Errorf("a batch of nothing went out: %+v", told)
	}
}

// TestEncrypted reads a batch with the print shop's own key.
func TestEncrypted(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, joined := range []bool{false, true} {
		cfg := config(t)
		cfg.Age, cfg.Joined = key.Recipient().String(), joined
		c := open(t, cfg)
		pieces := fixed(3)
		once(t, cfg.Folder, pieces, send(t, c, pieces))
		files, err := filepath.Glob(filepath.Join(cfg.Folder, "batch-*", "*.pdf*"))
		if err != nil || len(files) != map[bool]int{false: 3, true: 1}[joined] {
			t.Fatalf("%v, %v", files, err)
		}
		for _, path := range files {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(path, ".pdf.age") || bytes.Contains(b, []byte("%PDF")) {
				t.Errorf("%s is not encrypted", filepath.Base(path))
			}
			r, err := age.Decrypt(bytes.NewReader(b), key)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			program(t, "qpdf", "--check", keep(t, "letter.pdf", plain))
		}
	}
}

// TestTakenBack holds that a letter that was taken back, after its batch was made and before anybody could see it, is not
// printed with the rest.
func TestTakenBack(t *testing.T) {
	cfg := config(t)
	c := open(t, cfg)
	pieces := fixed(5)
	for _, at := range []string{"written", "made"} {
		c.stops = func(here string) error {
			if here == at {
				return fmt.Errorf("the server stops")
			}
			return nil
		}
		for id, o := range send(t, c, pieces) {
			if o.State != notify.Queued || o.After == 0 {
				t.Fatalf("%s: %+v", id, o)
			}
		}
	}
	next := open(t, cfg)
	rest := pieces[:4] // the fifth was taken back
	once(t, cfg.Folder, rest, send(t, next, rest))
	left, err := filepath.Glob(filepath.Join(cfg.Folder, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("letters are left behind: %v, %v", left, err)
	}
}

// TestBusy holds that two processes do not print side by side.
func TestBusy(t *testing.T) {
	cfg := config(t)
	c := open(t, cfg)
	done, err := newJournal(cfg.State).open(noon)
	if err != nil {
		t.Fatal(err)
	}
	pieces := fixed(2)
	for id, o := range send(t, c, pieces) {
		if o.State != notify.Queued || o.Code != "busy" {
			t.Errorf("%s: %+v", id, o)
		}
	}
	done()
	once(t, cfg.Folder, pieces, send(t, c, pieces))
}

func TestCheck(t *testing.T) {
	cfg := config(t)
	c := open(t, cfg)
	if err := c.Check(context.Background()); err != nil {
		t.Errorf("a channel that is well: %v", err)
	}
	if files, err := os.ReadDir(cfg.Folder); err != nil || len(files) > 0 {
		t.Errorf("Check leaves %v, %v", files, err)
	}
	if err := os.Remove(cfg.Confirmations); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "messages.letter.batch.confirmations") {
		t.Errorf("confirmations that cannot be read: %v", err)
	}
	if err := os.Remove(cfg.Folder); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "messages.letter.batch.folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
	pieces := fixed(1)
	if o := send(t, c, pieces)[pieces[0].ID]; o.State != notify.Queued || o.Code != "not-handed-over" {
		t.Errorf("a letter into a folder that is not there: %+v", o)
	}
}

func TestConfig(t *testing.T) {
	good := config(t)
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*Config){
		"write folder or sftp": func(c *Config) { c.Folder = "" },
		"both there": func(c *Config) {
			c.SFTP = &SFTP{Address: "h:22", User: "u", Folder: "f", KnownHosts: "k", KeyFile: "k"}
		},
		"messages.letter.batch.state is empty":       func(c *Config) { c.State = "" },
		"are the same":                               func(c *Config) { c.State = c.Folder + "/" },
		"messages.letter.batch.paper":                func(c *Config) { c.Paper = "a5" },
		"messages.letter.batch.return-address":       func(c *Config) { c.Return = nil },
		"messages.letter.batch.letterhead.lines":     func(c *Config) { c.Letterhead.Lines = make([]string, 9) },
		"several lines":                              func(c *Config) { c.Letterhead.Name = "a\nb" },
		"messages.letter.batch.batch-size":           func(c *Config) { c.BatchSize = -1 },
		"messages.letter.batch.gathers":              func(c *Config) { c.Gathers = 24 * time.Hour },
		"messages.letter.batch.age-recipient":        func(c *Config) { c.Age = "age1wrong" },
		"messages.letter.batch.confirmations":        func(c *Config) { c.Confirmations = c.Folder },
		"messages.letter.batch.sftp.address":         func(c *Config) { c.Folder, c.SFTP = "", &SFTP{} },
		"messages.letter.batch.sftp.known-hosts":     func(c *Config) { c.Folder, c.SFTP = "", &SFTP{} },
		"key-file and password-file":                 func(c *Config) { c.Folder, c.SFTP = "", &SFTP{KeyFile: "a", PasswordFile: "b"} },
		"messages.letter.batch.sftp.user is empty":   func(c *Config) { c.Folder, c.SFTP = "", &SFTP{} },
		"messages.letter.batch.sftp.folder is empty": func(c *Config) { c.Folder, c.SFTP = "", &SFTP{} },
	} {
		c := good
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not said: %v", says, err)
		}
	}
	// As a carrier writes it.
	var read struct {
		Letters Config `yaml:"letters"`
	}
	text := "letters:\n  sftp: {address: 'sftp.printer.example:22', user: carrier, folder: /in, known-hosts: /k, password-file: /p}\n  state: /s\n  paper: a4\n  letterhead: {name: Lucid, lines: [one, two]}\n  return-address: [Lucid, PO Box 1]\n  postage: first-class\n  joined: true\n  duplex: true\n  batch-size: 250\n  gathers: 90m\n  confirmations: /told\n"
	if err := yaml.UnmarshalWithOptions([]byte(text), &read, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := read.Letters.Check(); err != nil {
		t.Error(err)
	}
	if c := open(t, read.Letters); c.Batch() != 250 || c.Gathers() != 90*time.Minute || c.cfg.SFTP.User != "carrier" {
		t.Errorf("%+v", c.cfg)
	}
	if c := open(t, good); c.Batch() != 500 || c.Gathers() != time.Hour {
		t.Errorf("a channel with nothing configured takes %d and waits %s", c.Batch(), c.Gathers())
	}
	bad := good
	bad.Letterhead.Logo = keep(t, "logo.png", []byte("no picture"))
	if _, err := New(bad, "Lucid", cpni.ClockFunc(nil), zone(t)); err == nil || !strings.Contains(err.Error(), "messages.letter.batch.letterhead.logo") {
		t.Errorf("a logo that is no picture: %v", err)
	}
}
