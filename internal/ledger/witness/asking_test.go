package witness_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/witness/persistence/inmemory"
	strange "github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/ledger/witness"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

const origin = "ledger.test.example"

// moving is a clock that a test moves on.
type moving struct {
	mu  sync.Mutex
	now time.Time
}

func (m *moving) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *moving) on(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// scene is a log with witnesses.
type scene struct {
	*ledger.Ledger
	db     *store.DB
	clock  *moving
	signer note.Signer
	alerts []cpni.Code
	serial int
}

var numbers = witness.Numbers{Apart: time.Minute, Again: 6 * time.Hour, RetryFirst: 30 * time.Second, RetryLongest: 30 * time.Minute, AlertAfter: 24 * time.Hour}

func newScene(t *testing.T, db *store.DB) *scene {
	t.Helper()
	s := &scene{db: db, clock: &moving{now: time.Now()}}
	var err error
	if s.signer, err = ledger.NewKey(origin); err != nil {
		t.Fatal(err)
	}
	s.open(t)
	return s
}

func (s *scene) open(t *testing.T) {
	t.Helper()
	clock, err := store.Forward(t.Context(), s.clock, s.db)
	if err != nil {
		t.Fatal(err)
	}
	if s.Ledger, err = ledger.Open(t.Context(), s.db, ledger.Options{Origin: origin, Signer: s.signer, Clock: clock}); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) entry(kind ledger.Kind, code cpni.Code) ledger.Entry {
	s.serial++
	sealed := fmt.Appendf(nil, "sealed %d", s.serial)
	return ledger.Entry{ID: cpni.NewTimedID(s.clock.Now()), Kind: kind, At: s.clock.Now(), Actor: "a", Outcome: cpni.OK, Code: code, Commitment: sha256.Sum256(sealed), Sealed: sealed}
}

// grow puts entries into the tree.
func (s *scene) grow(t *testing.T, entries int) {
	t.Helper()
	_, err := s.Commit(t.Context(), func(*store.Tx) (all []ledger.Entry, err error) {
		for range entries {
			all = append(all, s.entry(ledger.Admin, ""))
		}
		return all, nil
	})
	if err == nil {
		err = s.Sequence(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) asker(t *testing.T, quorum int, peers ...witness.Peer) *witness.Asker {
	t.Helper()
	a, err := witness.New(witness.Parts{DB: s.db, Ledger: s.Ledger, Clock: s.clock, Numbers: func(time.Time) witness.Numbers { return numbers }, Peers: peers, Quorum: quorum, Client: witness.Client(),
		Alert: func(_ context.Context, _ *store.Tx, code cpni.Code, says string) (ledger.Entry, error) {
			s.alerts = append(s.alerts, code)
			return s.entry(ledger.Alert, code), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *scene) served(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.StripPrefix("/ledger", s.Handler()))
	t.Cleanup(srv.Close)
	return srv.URL + "/ledger"
}

// verified verifies the log where it is served; it gives what is wrong.
func verified(t *testing.T, url string, trust ledger.Trust) (*ledger.Verification, string) {
	t.Helper()
	var out strings.Builder
	v, err := ledger.VerifyURL(t.Context(), http.DefaultClient, url, trust, &out)
	if err != nil {
		t.Fatal(err)
	}
	return v, out.String()
}

// stranger is a witness that others have written: the one of the Transparency.dev project.
func stranger(t *testing.T, name string, log note.Verifier) witness.Peer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := torchwood.NewCosignatureSigner(name, key)
	if err != nil {
		t.Fatal(err)
	}
	w, err := strange.New(t.Context(), strange.Opts{Persistence: inmemory.New(), Signers: []note.Signer{signer},
		VerifierForLog: func(_ context.Context, name string) (note.Verifier, bool, error) { return log, name == log.Name(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", strange.NewHTTPHandler(w).AddCheckpoint)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return witness.Peer{Key: signer.Verifier().String(), URL: srv.URL}
}

// ours is the small witness of this project.
func ours(t *testing.T, name, key, path string) witness.Peer {
	t.Helper()
	private, err := witness.NewWitnessKey()
	if err != nil {
		t.Fatal(err)
	}
	w, err := witness.OpenWitness(name, private, []string{key}, path)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w.Handler())
	t.Cleanup(srv.Close)
	return witness.Peer{Key: w.VerifierKey(), URL: srv.URL + "/"}
}

func (s *scene) verifier(t *testing.T) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(s.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAStrangersWitnessCosignsTheLog has a witness that others have written, and ours, cosign a log that grows, and has others' code and
// our own verify what comes of it.
//
// cite: P-41, I-12
func TestAStrangersWitnessCosignsTheLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newScene(t, db)
		one, two := stranger(t, "one.example", s.verifier(t)), ours(t, "two.example", s.VerifierKey(), filepath.Join(t.TempDir(), "heads"))
		a := s.asker(t, 0, one, two)
		url := s.served(t)
		trust := ledger.Trust{Key: s.VerifierKey(), Witnesses: ledger.Witnesses{Keys: []string{one.Key, two.Key}}}
		for _, more := range []int{3, 300, 1} {
			s.grow(t, more)
			if err := a.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
			c, err := s.NewestCosigned(t.Context())
			if err != nil || c.Size != s.Known() {
				t.Fatalf("of %d entries %d are cosigned (%v): %+v", s.Known(), c.Size, err, standing(t, a))
			}
			if v, says := verified(t, url, trust); !v.OK() || len(v.Said) != 2 || !strings.Contains(says, "one.example has cosigned the first") {
				t.Errorf("with both witnesses:\n%s", says)
			}
			s.clock.on(2 * time.Minute)
		}

		// Who knows the log's key alone reads the checkpoint as before, and others' code finds the quorum.
		fetcher, err := torchwood.NewTileFetcher(url)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := fetcher.ReadEndpoint(t.Context(), "checkpoint")
		if err != nil {
			t.Fatal(err)
		}
		log := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(s.verifier(t)))
		var witnesses []torchwood.Policy
		for _, p := range []witness.Peer{one, two} {
			v, err := torchwood.NewCosignatureVerifier(p.Key)
			if err != nil {
				t.Fatal(err)
			}
			witnesses = append(witnesses, torchwood.SingleVerifierPolicy(v))
		}
		for name, policy := range map[string]torchwood.Policy{"the log alone": log, "the log and both": torchwood.ThresholdPolicy(2, log, torchwood.ThresholdPolicy(2, witnesses...))} {
			if c, _, err := torchwood.VerifyCheckpoint(signed, policy); err != nil || c.N != 304 {
				t.Errorf("%s: %d entries, %v", name, c.N, err)
			}
		}

		// What came after is verified as well, and not said to be cosigned.
		s.grow(t, 5)
		if v, says := verified(t, url, trust); !v.OK() || v.Tree.N != 309 || v.CosignedSize != 304 {
			t.Errorf("with five entries more:\n%s", says)
		}
		folder := filepath.Join(t.TempDir(), "export")
		if err := s.Export(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
		if v, err := ledger.VerifyFolder(t.Context(), os.DirFS(folder), trust, io.Discard); err != nil || !v.OK() || v.CosignedSize != 304 {
			t.Errorf("the export: %+v, %v", v, err)
		}
		if v, err := ledger.VerifyDatabase(t.Context(), db, trust, io.Discard); err != nil || !v.OK() || v.CosignedSize != 304 {
			t.Errorf("the database: %+v, %v", v, err)
		}
		if v, err := ledger.VerifyFolder(t.Context(), os.DirFS(folder), ledger.Trust{Key: s.VerifierKey()}, io.Discard); err != nil || !v.OK() || v.Said != nil {
			t.Errorf("the export with the log's key alone: %+v, %v", v, err)
		}
		if len(s.alerts) != 0 {
			t.Errorf("alerts: %v", s.alerts)
		}
	})
}

func standing(t *testing.T, a *witness.Asker) witness.Standing {
	t.Helper()
	s, err := a.Standing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAVerifierNamesWhatIsMissingOrWrong asks for more than the checkpoint bears.
//
// cite: P-41
func TestAVerifierNamesWhatIsMissingOrWrong(t *testing.T) {
	s := newScene(t, storetest.Open(t, storetest.SQLite(t)))
	one, two := stranger(t, "one.example", s.verifier(t)), stranger(t, "two.example", s.verifier(t))
	absent := ours(t, "absent.example", s.VerifierKey(), filepath.Join(t.TempDir(), "heads"))
	a := s.asker(t, 1, one, two)
	s.grow(t, 4)
	if err := a.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	url := s.served(t)
	for name, c := range map[string]struct {
		asked ledger.Witnesses
		want  []string
	}{
		"two of two":             {ledger.Witnesses{Keys: []string{one.Key, two.Key}, Quorum: 2}, nil},
		"two of three":           {ledger.Witnesses{Keys: []string{one.Key, two.Key, absent.Key}, Quorum: 2}, nil},
		"all of three":           {ledger.Witnesses{Keys: []string{one.Key, two.Key, absent.Key}}, []string{"not witnessed", "2 of the 3", "absent.example"}},
		"one that never was":     {ledger.Witnesses{Keys: []string{absent.Key}}, []string{"not witnessed", "0 of the 1", "absent.example"}},
		"another key, same name": {ledger.Witnesses{Keys: []string{stranger(t, "one.example", s.verifier(t)).Key}}, []string{"not witnessed", "one.example"}},
	} {
		v, says := verified(t, url, ledger.Trust{Key: s.VerifierKey(), Witnesses: c.asked})
		if v.OK() != (c.want == nil) {
			t.Errorf("%s:\n%s", name, says)
		}
		for _, w := range c.want {
			if !strings.Contains(says, w) {
				t.Errorf("%s: %q is not said:\n%s", name, w, says)
			}
		}
	}
	for name, asked := range map[string]ledger.Witnesses{"a key that is none": {Keys: []string{"one.example"}}, "the log's own key": {Keys: []string{s.VerifierKey()}},
		"more than there are": {Keys: []string{one.Key}, Quorum: 2}, "one twice": {Keys: []string{one.Key, one.Key}}} {
		if _, err := ledger.VerifyURL(t.Context(), http.DefaultClient, url, ledger.Trust{Key: s.VerifierKey(), Witnesses: asked}, io.Discard); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	// A cosignature of other bytes is wrong, also where the other is enough.
	err := s.db.Tx(t.Context(), func(tx *store.Tx) error {
		var line string
		if err := tx.QueryRow(t.Context(), "SELECT line FROM ledger_cosignature WHERE witness = 'one.example'").Scan(&line); err != nil {
			return err
		}
		other, i := []byte(line), len(line)-12
		if other[i]++; line[i] == 'z' || line[i] == 'Z' || line[i] == '9' || line[i] == '+' {
			other[i] = 'A'
		}
		_, err := tx.Exec(t.Context(), "UPDATE ledger_cosignature SET line = $1 WHERE witness = 'one.example'", string(other))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	v, says := verified(t, url, ledger.Trust{Key: s.VerifierKey(), Witnesses: ledger.Witnesses{Keys: []string{one.Key, two.Key}, Quorum: 1}})
	if v.OK() || !strings.Contains(says, "the cosignature of one.example does not hold") {
		t.Errorf("a cosignature that was changed:\n%s", says)
	}
}

// TestAWitnessRefusesALogThatWasRolledBack replaces the log by another under its name and key: no witness cosigns, an alert is raised once,
// the standing says so, and all is well again when the log that was cosigned is back.
//
// cite: P-41, I-12
func TestAWitnessRefusesALogThatWasRolledBack(t *testing.T) {
	for name, entries := range map[string]int{"a shorter log": 2, "another of that length": 6, "another that is longer": 9} {
		t.Run(name, func(t *testing.T) {
			right := newScene(t, storetest.Open(t, storetest.SQLite(t)))
			one, two := stranger(t, "one.example", right.verifier(t)), ours(t, "two.example", right.VerifierKey(), filepath.Join(t.TempDir(), "heads"))
			right.grow(t, 6)
			a := right.asker(t, 0, one, two)
			if err := a.Work(t.Context()); err != nil || standing(t, a).Says() != "" {
				t.Fatal(err, standing(t, a))
			}

			wrong := &scene{db: storetest.Open(t, storetest.SQLite(t)), clock: right.clock, signer: right.signer, serial: 1000}
			wrong.open(t)
			wrong.grow(t, entries)
			b := wrong.asker(t, 0, one, two)
			for range 3 {
				if err := b.Work(t.Context()); err != nil {
					t.Fatal(err)
				}
				wrong.clock.on(2 * time.Minute)
			}
			if got := fmt.Sprint(wrong.alerts); got != "[LEDGER_FORK LEDGER_FORK]" {
				t.Errorf("alerts %s", got)
			}
			stands := standing(t, b)
			if !stands.Forked || !strings.Contains(stands.Says(), "not the one") || stands.Size != 0 {
				t.Errorf("the standing: %+v", stands)
			}
			trust := ledger.Trust{Key: wrong.VerifierKey(), Witnesses: ledger.Witnesses{Keys: []string{one.Key, two.Key}, Quorum: 1}}
			if v, says := verified(t, wrong.served(t), trust); v.OK() {
				t.Errorf("it is verified:\n%s", says)
			}
			// What the witnesses said of the right log makes the wrong one no better.
			c, err := right.NewestCosigned(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			mixed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/checkpoint" {
					w.Write(c.Note)
					return
				}
				wrong.Handler().ServeHTTP(w, r)
			}))
			defer mixed.Close()
			if v, says := verified(t, mixed.URL, trust); v.OK() || !strings.Contains(says, "rolled back") {
				t.Errorf("with the cosignatures of the right one:\n%s", says)
			}

			right.grow(t, 1)
			if err := a.Work(t.Context()); err != nil || standing(t, a).Says() != "" || len(right.alerts) != 0 {
				t.Errorf("the right log: %v, %+v, %v", err, standing(t, a), right.alerts)
			}
		})
	}
}

// TestAWitnessThatIsAwayIsAskedAgain raises one alert when it is away for too long, waits longer after each failure, and is content once enough
// witnesses have cosigned.
//
// cite: P-41
func TestAWitnessThatIsAwayIsAskedAgain(t *testing.T) {
	s := newScene(t, storetest.Open(t, storetest.SQLite(t)))
	s.clock.on(-26 * time.Hour) // the witness signs by the clock of the machine, which the story reaches in the end
	s.open(t)
	there, asked := false, 0
	behind := ours(t, "two.example", s.VerifierKey(), filepath.Join(t.TempDir(), "heads"))
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if !there {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		resp, err := http.Post(strings.TrimSuffix(behind.URL, "/")+r.URL.Path, "", r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	defer door.Close()
	a := s.asker(t, 0, witness.Peer{Key: behind.Key, URL: door.URL})
	s.grow(t, 1)
	for range 25 * 6 { // more than a day
		if err := a.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.clock.on(10 * time.Minute)
	}
	stands := standing(t, a)
	if got := fmt.Sprint(s.alerts); got != "[WITNESSES_OLD]" || !stands.Old || stands.Forked || stands.Witnesses[0].Error != "it answers 503" || stands.Witnesses[0].Failures != asked {
		t.Errorf("alerts %s, asked %d times, %+v", got, asked, stands)
	}
	if asked < 45 || asked > 60 { // half an hour apart in the end
		t.Errorf("it was asked %d times", asked)
	}
	there = true
	s.clock.on(time.Hour)
	if err := a.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stands := standing(t, a); stands.Says() != "" || stands.Size != s.Known() || stands.Witnesses[0].Failures != 0 {
		t.Errorf("once it is there: %+v", stands)
	}
	if alerted, err := s.db.Meta(t.Context(), "witness.alerted"); err != nil || alerted != "" {
		t.Errorf("the next time it would raise no alert: %q, %v", alerted, err)
	}
}
