package bundles_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"ringfence/internal/cpni"
	"ringfence/internal/evidence"
	"ringfence/internal/ledger"
	"ringfence/internal/ledger/witness"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// A bundle holds everything of its time, is whole by our check and by those of others, comes out the same when each decision is made again, and
// tells nobody but the auditor what was sealed.
//
// cite: P-41, P-49, I-04, I-12, 47 CFR 64.2009(c)
func TestABundleIsVerifiedReplayedAndReadByStrangers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		folder, m := w.made(w.annual)
		w.holds(folder, int64(len(w.decisions)))
		if m.Counts.Decisions != int64(len(w.decisions)) || m.Counts.Erased != 0 || len(m.Segments) < 2 || len(m.Policies) != 1 || m.Policies[0].Calendars == "" {
			t.Errorf("the manifest says %+v", m)
		}
		w.strangers(folder)
		w.nothingInTheOpen(folder)
		for _, name := range []string{"registers/training.csv.age", "registers/campaigns.json.age", "registers/countersigned.json.age", "registers/incidents.json.age", "registers/opt-out-failures.json.age", "policy/" + m.Policies[0].Version + ".txtar", evidence.Readme} {
			if len(content(t, folder, name)) == 0 {
				t.Errorf("%s is empty", name)
			}
		}
		if readme := string(content(t, folder, evidence.Readme)); !strings.Contains(readme, m.Key) || !strings.Contains(readme, "ringfence replay --bundle") || strings.Contains(readme, "%!") {
			t.Errorf("the readme is %s", readme)
		}

		// Another key opens nothing, and another log's key verifies nothing.
		other, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := evidence.Replay(t.Context(), os.DirFS(folder), []age.Identity{other}, io.Discard); err == nil || !strings.Contains(err.Error(), "not the one") {
			t.Errorf("with another key: %v", err)
		}
		signer, err := ledger.NewKey(officetest.Origin)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := evidence.Verify(t.Context(), os.DirFS(folder), ledger.Trust{Key: ledger.PublicKey(signer)}, io.Discard); err != nil || r.OK() {
			t.Errorf("by another log's key: %+v %v", r, err)
		}
		// A checkpoint of before is one with which the log must agree: the newest of all, which the bundle is older than, tells that it is.
		if err := w.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		later, err := w.Ledger.Newest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for want, known := range map[bool][]byte{true: content(t, folder, "checkpoint"), false: later} {
			if r, err := evidence.Verify(t.Context(), os.DirFS(folder), ledger.Trust{Key: m.Key, Known: known}, io.Discard); err != nil || r.OK() != want {
				t.Errorf("beside a checkpoint that is known: %v, %v", r.Faults, err)
			}
		}
		// That it was ordered and made is on record, with what was handed over and to whom.
		rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Evidence})
		if err != nil || len(rows) != 2 || rows[0].Purpose != evidence.Made || len(rows[0].Contact) != 64 || rows[1].Purpose != evidence.Begun || rows[1].Recipient != evidence.Fingerprint(w.annual.Key) {
			t.Errorf("on record is %+v, %v", rows, err)
		}
	})
}

// strangers has others' clients read the tiles and the checkpoint of a bundle.
func (w *world) strangers(folder string) {
	w.t.Helper()
	srv := httptest.NewServer(http.FileServerFS(os.DirFS(folder)))
	defer srv.Close()
	v, err := note.NewVerifier(w.Ledger.VerifierKey())
	if err != nil {
		w.t.Fatal(err)
	}
	fetcher, err := torchwood.NewTileFetcher(srv.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	c, _, err := torchwood.VerifyCheckpoint(content(w.t, folder, "checkpoint"), torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(officetest.Origin), torchwood.SingleVerifierPolicy(v)))
	if err != nil {
		w.t.Fatalf("torchwood: %v", err)
	}
	reader, err := torchwood.NewClient(fetcher)
	if err != nil {
		w.t.Fatal(err)
	}
	n, decided := int64(0), 0
	for _, entry := range reader.AllEntries(w.t.Context(), c.Tree, 0) {
		leaf, err := ledger.ParseLeaf(entry)
		if err != nil {
			w.t.Fatal(err)
		}
		if n++; slices.Contains(w.decisions, leaf.ID) {
			decided++
		}
	}
	if reader.Err() != nil || n != c.N || decided != len(w.decisions) {
		w.t.Fatalf("torchwood reads %d entries of %d, %d decisions: %v", n, c.N, decided, reader.Err())
	}
	base, err := url.Parse(srv.URL + "/")
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := client.NewHTTPFetcher(base, srv.Client())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := fsck.New(officetest.Origin, v, f, func(bundle []byte) (all [][]byte, err error) {
		var b api.EntryBundle
		if err := b.UnmarshalText(bundle); err != nil {
			return nil, err
		}
		for _, e := range b.Entries {
			all = append(all, rfc6962.DefaultHasher.HashLeaf(e))
		}
		return all, nil
	}, fsck.Opts{N: 1}).Check(w.t.Context()); err != nil {
		w.t.Errorf("tessera's checker: %v", err)
	}
}

// nothingInTheOpen looks for what only the auditor may read in every file, packed ones too.
func (w *world) nothingInTheOpen(folder string) {
	w.t.Helper()
	for _, name := range filesIn(w.t, folder) {
		if strings.HasPrefix(name, "policy/") || strings.HasPrefix(name, "templates/") {
			continue // words of the carrier that are public, among them such as these
		}
		b := content(w.t, folder, name)
		if strings.HasSuffix(name, ".gz") {
			in, err := gzip.NewReader(bytes.NewReader(b))
			if err == nil {
				b, err = io.ReadAll(in)
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
		for _, c := range canaries {
			if bytes.Contains(b, []byte(c)) {
				w.t.Errorf("%s holds %q in the open", name, c)
			}
		}
	}
}

// One byte of one file that is another, a file that is missing, and one that is more, are named, whatever file it is; and so is a bundle of
// which the end was never written.
//
// cite: P-41, P-49
func TestWhateverIsChangedIsNamed(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	folder, m := w.made(w.annual)
	seen := map[string]bool{}
	for _, name := range filesIn(t, folder) {
		kind := name
		if i := strings.IndexByte(name, '/'); i > 0 && !strings.HasPrefix(name, "tile/") {
			if kind = name[:i]; seen[kind] {
				continue // one of each folder
			}
		}
		seen[kind] = true
		whole := content(t, folder, name)
		for _, at := range []int{0, len(whole) / 2, len(whole) - 1} {
			changed := bytes.Clone(whole)
			changed[at] ^= 1
			put(t, folder, name, changed)
			if r, out := w.verified(folder); r.OK() || !strings.Contains(out, name) {
				t.Errorf("byte %d of %s is another and is not named: %s", at, name, out)
			}
		}
		if strings.HasPrefix(name, "facts/") || strings.HasPrefix(name, "records/") {
			if r, out := w.replayed(folder); r.OK() {
				t.Errorf("the last byte of %s is another, and it replays: %s", name, out)
			}
		}
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
		if r, out := w.verified(folder); r.OK() || !strings.Contains(out, name) {
			t.Errorf("%s is missing and is not named: %s", name, out)
		}
		put(t, folder, name, whole)
	}
	for _, kind := range []string{"facts", "records", "policy", "registers", "checkpoints", "templates", "checkpoint", evidence.Sums, evidence.Signature, evidence.ManifestFile, evidence.Readme} {
		if !seen[kind] {
			t.Errorf("there is nothing of %s in the bundle", kind)
		}
	}
	put(t, folder, "more.txt", []byte("more"))
	if r, out := w.verified(folder); r.OK() || !strings.Contains(out, "more.txt") {
		t.Errorf("a file more is not named: %s", out)
	}
	if err := os.Remove(filepath.Join(folder, "more.txt")); err != nil {
		t.Fatal(err)
	}
	// Facts that belong to other records, although the auditor's key opens them.
	put(t, folder, m.Segments[0].Facts, content(t, folder, m.Segments[len(m.Segments)-1].Facts))
	if r, out := w.replayed(folder); r.OK() || !strings.Contains(out, "do not follow") {
		t.Errorf("with other facts: %s", out)
	}
}

// What is in the folder before it is finished has another name, is no bundle, and is in nobody's way.
//
// cite: P-41
func TestAnInterruptedBundleIsNone(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	name := filepath.Join(t.TempDir(), "bundle")
	broken := errors.New("the disk is full")
	to, err := evidence.NewFolder(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Evidence.Make(t.Context(), w.annual, evidence.Authority{By: "command"}, &breaking{Folder: to, after: 12, err: broken}); !errors.Is(err, broken) {
		t.Fatalf("it broke with %v", err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a folder of that name: %v", err)
	}
	if r, out := w.verified(name + ".unfinished"); r.OK() || !strings.Contains(out, evidence.Signature) {
		t.Errorf("what was left verifies: %s", out)
	}
	if to, err = evidence.NewFolder(name); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Evidence.Make(t.Context(), w.annual, evidence.Authority{By: "command"}, to); err != nil {
		t.Fatal(err)
	}
	w.holds(name, int64(len(w.decisions)))
	if _, err := evidence.NewFolder(name); err == nil {
		t.Error("a bundle is written over another")
	}
}

// breaking is a sink that fails.
type breaking struct {
	*evidence.Folder
	after int
	err   error
}

func (b *breaking) Put(name string, content []byte) error {
	if b.after--; b.after < 0 {
		return b.err
	}
	return b.Folder.Put(name, content)
}

// Of a customer who was forgotten nobody can read the facts: the bundle says so, still verifies, and counts those decisions apart. Who says so
// of a customer who was not forgotten is found out.
//
// cite: P-41, I-21
func TestWhatWasErased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if err := w.Customers.ForgetAlone(t.Context(), w.bob, "test"); err != nil {
			t.Fatal(err)
		}
		folder, m := w.made(w.annual)
		half := int64(len(w.decisions) / 2)
		if m.Counts.Erased != half || m.Counts.Decisions != 2*half {
			t.Errorf("it counts %+v", m.Counts)
		}
		w.holds(folder, half)
		if r, out := w.replayed(folder); r.Erased != half || !strings.Contains(out, "were forgotten") {
			t.Errorf("it replays as %+v: %s", r, out)
		}
		// Somebody loses a key without a word: the vault no longer knows it, and no entry says why.
		if err := w.DB.Tx(t.Context(), func(tx *store.Tx) error { return w.Vault.Forget(t.Context(), tx, w.ann) }); err != nil {
			t.Fatal(err)
		}
		fresh := w.On(t, db)
		fresh.Evidence.Segment = 16
		w.Office = fresh
		folder, _ = w.made(w.annual)
		if r, out := w.replayed(folder); r.OK() || !strings.Contains(out, "no entry says") || !strings.Contains(out, string(w.ann)) {
			t.Errorf("a key that was lost silently: %s", out)
		}
	})
}

// A bundle is of one customer, incident or campaign, or of a time, and of nothing beside it; and of a whole time nothing can be left out.
//
// cite: P-41, P-40, P-49
func TestScopes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		of, which := w.decisions[0], cpni.NewID()
		if err := w.DB.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO campaign_member (customer_id, campaign_id, state, via, message_id, entry_id, code, at) VALUES ($1, $2, 'sent', '', '', $3, '', 0)", string(w.ann), string(which), string(of))
			if err == nil {
				_, err = tx.Exec(t.Context(), "INSERT INTO incident_customer (customer_id, incident_id, step, entry_id, state, via, message_id, code, at) VALUES ($1, $2, 1, $3, 'in', '', '', '', 0)", string(w.ann), string(which), string(of))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		w.Evidence.There, w.Evidence.Papers = nil, nil
		for scope, want := range map[evidence.Scope]int64{{Kind: evidence.Customer, ID: w.ann}: int64(len(w.decisions) / 2), {Kind: evidence.Campaign, ID: which}: 1, {Kind: evidence.Incident, ID: which}: 1} {
			order := w.annual
			order.Scope = scope
			folder, m := w.made(order)
			if w.holds(folder, want); m.Counts.Decisions != want {
				t.Errorf("of %s there are %+v", scope, m.Counts)
			}
		}
		early := w.annual
		early.To = early.From.AddDate(0, 1, 0)
		folder, m := w.made(early)
		if w.holds(folder, 0); m.Counts.Records != 1 { // the one that says that the bundle was ordered
			t.Errorf("of a time in which nothing was there are %+v", m.Counts)
		}
	})
}

// An order that can not be carried out is refused before anything is recorded, and the vault opens nothing for a bundle without its entry.
//
// cite: P-41, P-37
func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	for what, change := range map[string]func(*evidence.Order){
		"no reason":         func(o *evidence.Order) { o.Why = " " },
		"a secret key":      func(o *evidence.Order) { o.Key = w.auditor.String() },
		"no key":            func(o *evidence.Order) { o.Key = "" },
		"two keys":          func(o *evidence.Order) { o.Key += "\n" + o.Key },
		"a time backwards":  func(o *evidence.Order) { o.To = o.From },
		"an unknown scope":  func(o *evidence.Order) { o.Scope.Kind = "everybody" },
		"no id":             func(o *evidence.Order) { o.Scope.Kind = evidence.Customer },
		"nobody's id":       func(o *evidence.Order) { o.Scope = evidence.Scope{Kind: evidence.Customer, ID: cpni.NewID()} },
		"no incident":       func(o *evidence.Order) { o.Scope = evidence.Scope{Kind: evidence.Incident, ID: cpni.NewID()} },
		"no campaign":       func(o *evidence.Order) { o.Scope = evidence.Scope{Kind: evidence.Campaign, ID: cpni.NewID()} },
		"all with somebody": func(o *evidence.Order) { o.Scope.ID = w.ann },
	} {
		o := w.annual
		change(&o)
		var refusal *cpni.Refusal
		if _, err := w.Evidence.Make(t.Context(), o, evidence.Authority{By: "command"}, nil); !errors.As(err, &refusal) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Evidence}); err != nil || len(rows) > 0 {
		t.Errorf("on record are %d, %v", len(rows), err)
	}
	row, err := w.Ledger.Record(t.Context(), w.ann, w.decisions[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Vault.OpenEvidence(t.Context(), ledger.Receipt{}, row); !errors.Is(err, vault.ErrNotCovered) {
		t.Errorf("without a receipt: %v", err)
	}
	if other, err := w.Ledger.Recall(t.Context(), w.ann, w.decisions[0]); err != nil {
		t.Fatal(err)
	} else if _, err := w.Vault.OpenEvidence(t.Context(), other, row); !errors.Is(err, vault.ErrNotCovered) {
		t.Errorf("against the receipt of a decision: %v", err)
	}
}

// Cosignatures of witnesses go along, and a verifier that wants more of them than there are says so.
//
// cite: P-41
func TestWitnessesOfABundle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		private, err := witness.NewWitnessKey()
		if err != nil {
			t.Fatal(err)
		}
		other, err := witness.OpenWitness("witness.partner.example", private, []string{w.Ledger.VerifierKey()}, filepath.Join(t.TempDir(), "seen"))
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(other.Handler())
		t.Cleanup(srv.Close)
		asker, err := witness.New(witness.Parts{DB: db, Ledger: w.Ledger, Clock: machine{}, Peers: []witness.Peer{{Key: other.VerifierKey(), URL: srv.URL + "/"}}, Quorum: 1, Client: witness.Client(),
			Numbers: func(time.Time) witness.Numbers {
				return witness.Numbers{Apart: time.Minute, Again: time.Hour, RetryFirst: time.Minute, RetryLongest: time.Hour, AlertAfter: 24 * time.Hour}
			},
			Alert: func(context.Context, *store.Tx, cpni.Code, string) (ledger.Entry, error) {
				return ledger.Entry{}, errors.New("nothing is wrong here")
			}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Ledger.Sequence(t.Context()), asker.Work(t.Context())); err != nil {
			t.Fatal(err)
		}
		folder, _ := w.made(w.annual)
		verify := func(of ledger.Witnesses) (bool, string) {
			var out strings.Builder
			r, err := evidence.Verify(t.Context(), os.DirFS(folder), ledger.Trust{Key: w.Ledger.VerifierKey(), Witnesses: of}, &out)
			if err != nil {
				return false, err.Error()
			}
			return r.OK(), out.String()
		}
		if ok, out := verify(ledger.Witnesses{Keys: []string{other.VerifierKey()}, Quorum: 1}); !ok {
			t.Errorf("a witness has cosigned it, and it does not verify: %s", out)
		}
		private, err = witness.NewWitnessKey()
		if err != nil {
			t.Fatal(err)
		}
		stranger, err := witness.OpenWitness("witness.stranger.example", private, []string{w.Ledger.VerifierKey()}, filepath.Join(t.TempDir(), "seen"))
		if err != nil {
			t.Fatal(err)
		}
		if ok, out := verify(ledger.Witnesses{Keys: []string{other.VerifierKey(), stranger.VerifierKey()}, Quorum: 2}); ok || !strings.Contains(out, "witness.stranger.example") {
			t.Errorf("a witness who has cosigned nothing: %v %s", ok, out)
		}
	})
}

// machine is the machine's clock: a witness signs the time that it reads there itself.
type machine struct{}

func (machine) Now() time.Time { return time.Now() }
