package ledger_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// served serves the log of s as the server does.
func served(t testing.TB, l *ledger.Ledger) string {
	t.Helper()
	srv := httptest.NewServer(http.StripPrefix("/ledger", l.Handler()))
	t.Cleanup(srv.Close)
	return srv.URL + "/ledger"
}

func verifierOf(t testing.TB, l *ledger.Ledger) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(l.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestTorchwoodReadsTheLog reads every entry with a tile client that is not ours.
//
// cite: P-41
func TestTorchwoodReadsTheLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newScene(t, db)
		fetcher, err := torchwood.NewTileFetcher(served(t, s.l))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := fetcher.ReadEndpoint(t.Context(), "checkpoint")
		if err != nil {
			t.Fatal(err)
		}
		policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(verifierOf(t, s.l)))
		checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
		if err != nil || checkpoint.N != inTree {
			t.Fatalf("checkpoint %+v, %v", checkpoint, err)
		}
		c, err := torchwood.NewClient(fetcher)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for i, entry := range c.AllEntries(t.Context(), checkpoint.Tree, 0) {
			leaf, err := ledger.ParseLeaf(entry)
			if err != nil || leaf.ID != s.all[i].Entry() {
				t.Fatalf("entry %d is %q (%v), committed was %s", i, entry, err, s.all[i].Entry())
			}
			seen++
		}
		if c.Err() != nil || seen != inTree {
			t.Fatalf("%d entries, %v", seen, c.Err())
		}
		for _, i := range []int64{0, 255, 256, 511, 699} {
			entry, p, err := c.Entry(t.Context(), checkpoint.Tree, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(p, checkpoint.N, checkpoint.Hash, i, tlog.RecordHash(entry)); err != nil {
				t.Errorf("entry %d: %v", i, err)
			}
		}
	})
}

// TestTesseraReadsTheLog has another project's checker rebuild the whole tree, and its client prove entries and growth.
//
// cite: P-41
func TestTesseraReadsTheLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newScene(t, db)
		base, err := url.Parse(served(t, s.l) + "/")
		if err != nil {
			t.Fatal(err)
		}
		f, err := client.NewHTTPFetcher(base, http.DefaultClient)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		if err := fsck.New(origin, verifierOf(t, s.l), f, leafHashes, fsck.Opts{N: 2}).Check(ctx); err != nil {
			t.Errorf("tessera's checker: %v", err)
		}
		checkpoint, _, _, err := client.FetchCheckpoint(ctx, f.ReadCheckpoint, verifierOf(t, s.l), origin)
		if err != nil {
			t.Fatal(err)
		}
		builder, err := client.NewProofBuilder(ctx, checkpoint.Size, f.ReadTile)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []uint64{0, 255, 256, 699} {
			in, err := s.l.Prove(ctx, s.customer, s.all[i].Entry())
			if err != nil {
				t.Fatal(err)
			}
			p, err := builder.InclusionProof(ctx, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, i, checkpoint.Size, rfc6962.DefaultHasher.HashLeaf(in.Leaf), p, checkpoint.Hash); err != nil {
				t.Errorf("entry %d: %v", i, err)
			}
		}
		// A state of 300 entries, built by their code from our tiles, goes on to the newest.
		p, err := builder.ConsistencyProof(ctx, 300, checkpoint.Size)
		if err != nil {
			t.Fatal(err)
		}
		older, err := client.FetchRangeNodes(ctx, 300, f.ReadTile)
		if err != nil {
			t.Fatal(err)
		}
		root := older[len(older)-1]
		for i := len(older) - 2; i >= 0; i-- {
			root = rfc6962.DefaultHasher.HashChildren(older[i], root)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, 300, checkpoint.Size, p, root, checkpoint.Hash); err != nil {
			t.Error(err)
		}
		// Their checker finds what ours finds.
		s.setTile(t, -1, 1, flip(s.tile(t, -1, 1), 100))
		if err := fsck.New(origin, verifierOf(t, s.l), f, leafHashes, fsck.Opts{N: 2}).Check(ctx); err == nil {
			t.Error("tessera's checker does not find a changed entry; it was not really checking")
		}
	})
}

func leafHashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var all [][]byte
	for _, e := range b.Entries {
		all = append(all, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return all, nil
}

// TestTheLogVerifiesByAddressAndByFolder verifies what is served, what is exported, and each after a change.
//
// cite: P-41
func TestTheLogVerifiesByAddressAndByFolder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newScene(t, db)
		ctx, trust := t.Context(), verifierKey(t, s.l)
		base := served(t, s.l)
		older, err := s.l.Newest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.l.Sequence(ctx); err != nil {
			t.Fatal(err)
		}
		trust.Known = older
		v, err := ledger.VerifyURL(ctx, http.DefaultClient, base, trust, io.Discard)
		if err != nil || !v.OK() || v.Tree.N != inTree+5 {
			t.Fatalf("by address: %+v, %v", v, err)
		}
		folder := filepath.Join(t.TempDir(), "export")
		if err := s.l.Export(ctx, folder); err != nil {
			t.Fatal(err)
		}
		if err := s.l.Export(ctx, folder); err == nil {
			t.Error("an export was written over another")
		}
		whole := func() *ledger.Verification {
			v, err := ledger.VerifyFolder(ctx, os.DirFS(folder), trust, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		if v := whole(); !v.OK() || v.Records != inTree+5 {
			t.Fatalf("by folder: %+v", v)
		}
		for name, c := range map[string]struct {
			file  string
			at    func([]byte) int
			kind  ledger.FaultKind
			index int64
		}{
			"an entry":      {"tile/entries/001", at(40), ledger.Changed, 256},
			"a tile":        {"tile/0/000", at(1000), ledger.Changed, ledger.NoEntry},
			"the signature": {"checkpoint", func(b []byte) int { return len(b) - 30 }, ledger.BadSignature, ledger.NoEntry},
			"a record":      {ledger.RecordsFile, func(b []byte) int { return bytes.Index(b, []byte(`"rules":"v1"`)) + 10 }, ledger.Changed, 0},
			"its spelling":  {ledger.RecordsFile, func(b []byte) int { return bytes.Index(b, []byte(`"id"`)) }, ledger.Changed, ledger.NoEntry},
		} {
			b, err := os.ReadFile(filepath.Join(folder, c.file))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, c.file), flip(b, c.at(b)), 0o600); err != nil {
				t.Fatal(err)
			}
			v := whole()
			if v.OK() || v.Faults[0].Kind != c.kind || c.index > 0 && v.Faults[0].Index != c.index {
				t.Errorf("%s: %v", name, v.Faults)
			}
			if err := os.WriteFile(filepath.Join(folder, c.file), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		lines := strings.SplitAfter(readFile(t, filepath.Join(folder, ledger.RecordsFile)), "\n")
		if err := os.WriteFile(filepath.Join(folder, ledger.RecordsFile), []byte(strings.Join(lines[1:], "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if v := whole(); len(v.Faults) != 1 || v.Faults[0].Kind != ledger.Missing || v.Faults[0].ID == "" {
			t.Errorf("a record left out of the export: %v", v.Faults)
		}

		another, err := ledger.NewKey(origin)
		if err != nil {
			t.Fatal(err)
		}
		v, err = ledger.VerifyURL(ctx, http.DefaultClient, base, ledger.Trust{Key: another.(interface{ VerifierKey() string }).VerifierKey()}, io.Discard)
		if err != nil || v.OK() || v.Faults[0].Kind != ledger.BadSignature {
			t.Errorf("by another key: %+v, %v", v, err)
		}
		s.setTile(t, -1, 1, flip(s.tile(t, -1, 1), 100))
		v, err = ledger.VerifyURL(ctx, http.DefaultClient, base, trust, io.Discard)
		if err != nil || len(v.Faults) != 1 || v.Faults[0].Kind != ledger.Changed || v.Faults[0].Index != 256 {
			t.Errorf("by address, an entry changed: %+v, %v", v, err)
		}
	})
}

func at(i int) func([]byte) int { return func([]byte) int { return i } }

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTilesHaveOnePathEach(t *testing.T) {
	s := newScene(t, storetest.Open(t, storetest.SQLite(t)))
	base := served(t, s.l)
	for path, want := range map[string]int{
		"/checkpoint": 200, "/tile/0/000": 200, "/tile/0/000.p/7": 200, "/tile/0/002.p/188": 200, "/tile/1/000.p/2": 200, "/tile/entries/001": 200,
		"/tile/entries/002.p/1": 200,
		"/tile/0/002.p/189":     404, "/tile/0/002": 404, "/tile/0/003": 404, "/tile/1/000.p/3": 404, "/tile/entries/003": 404, "/tile/2/000": 404,
		"/tile/0/0": 404, "/tile/0/x000/000": 404, "/tile/00/000": 404, "/tile/-1/000": 404, "/tile/data/000": 404, "/tile/0/000.p/0": 404,
		"/tile/0/000.p/256": 404, "/tile/0/000.p/07": 404, "/tile/9/000": 404, "/tile/0": 404, "/tile/": 404, "/": 404,
		"/tile/0/x999/x999/x999/x999/x999/x999/999": 404,
	} {
		resp, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s answers %d, not %d", path, resp.StatusCode, want)
		}
	}
}
