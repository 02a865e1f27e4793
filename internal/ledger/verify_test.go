package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func verifierKey(t testing.TB, l *ledger.Ledger) ledger.Trust {
	t.Helper()
	return ledger.Trust{Key: l.VerifierKey()}
}

// verify verifies db and fails the test when that is not possible.
func verify(t testing.TB, db *store.DB, trust ledger.Trust) *ledger.Verification {
	t.Helper()
	var report bytes.Buffer
	v, err := ledger.VerifyDatabase(t.Context(), db, trust, &report)
	if err != nil {
		t.Fatal(err)
	}
	if v.OK() != strings.Contains(report.String(), "is whole") {
		t.Errorf("the report does not tell the result:\n%s", &report)
	}
	return v
}

// alter changes the database behind the ledger's back.
func alter(t testing.TB, db *store.DB, query string, args ...any) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		r, err := tx.Exec(t.Context(), query, args...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(errors.New("nothing was changed"), err)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// scene is a log of 700 entries in the tree and 5 that wait.
type scene struct {
	db       *store.DB
	l        *ledger.Ledger
	signer   note.Signer
	customer cpni.ID
	all      []ledger.Receipt
}

func newScene(t testing.TB, db *store.DB) scene {
	t.Helper()
	s := scene{db: db, signer: key(t), customer: cpni.NewID()}
	s.l = open(t, db, s.signer)
	for range 7 {
		s.all = append(s.all, commit(t, s.l, s.customer, 100, 9)...)
		if err := s.l.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.all = append(s.all, commit(t, s.l, s.customer, 5, 3)...)
	return s
}

const inTree = 700

// tile reads a tile's bytes.
func (s scene) tile(t testing.TB, level int, index int64) []byte {
	t.Helper()
	var b []byte
	if err := s.db.Reader().QueryRow(t.Context(), "SELECT data FROM ledger_tile WHERE level = $1 AND idx = $2", level, index).Scan(&b); err != nil {
		t.Fatal(err)
	}
	return b
}

func (s scene) setTile(t testing.TB, level int, index int64, data []byte) {
	t.Helper()
	alter(t, s.db, "UPDATE ledger_tile SET data = $1 WHERE level = $2 AND idx = $3", data, level, index)
}

// bundle splits a bundle into its entries, each with its length before it.
func (s scene) bundle(t testing.TB, index int64) [][]byte {
	t.Helper()
	b := s.tile(t, -1, index)
	var all [][]byte
	for len(b) > 0 {
		n := 2 + int(b[0])<<8 + int(b[1])
		all, b = append(all, b[:n]), b[n:]
	}
	return all
}

// TestVerifyNamesWhatWasChanged changes one thing behind the ledger's back and looks for its name in the result.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestVerifyNamesWhatWasChanged(t *testing.T) {
	column := func(set string) func(*testing.T, scene) {
		return func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE record SET "+set+" WHERE customer_id = $1 AND id = $2", string(s.customer), string(s.all[300].Entry()))
		}
	}
	cases := []struct {
		name   string
		tamper func(*testing.T, scene)
		kind   ledger.FaultKind
		index  int64 // of the entry that must be named; -1: none
		where  string
	}{
		{"customer", column("customer_id = customer_id || 'x'"), ledger.Changed, 300, "records"},
		{"kind", column("kind = 'attempt'"), ledger.Changed, 300, "records"},
		{"time", column("at = at + 1"), ledger.Changed, 300, "records"},
		{"actor", column("actor = 'b'"), ledger.Changed, 300, "records"},
		{"contact", column("contact = 'c'"), ledger.Changed, 300, "records"},
		{"purpose", column("purpose = 'billing'"), ledger.Changed, 300, "records"},
		{"recipient", column("recipient = 'partner'"), ledger.Changed, 300, "records"},
		{"outcome", column("outcome = 'deny'"), ledger.Changed, 300, "records"},
		{"code", column("code = 'X'"), ledger.Changed, 300, "records"},
		{"rules", column("rules = 'v2'"), ledger.Changed, 300, "records"},
		{"permits", column("permits = 'call-detail billing'"), ledger.Changed, 300, "records"},
		{"a space behind permits", column("permits = permits || ' '"), ledger.Changed, 300, "records"},
		{"node", column("node = node || 'x'"), ledger.Changed, 300, "records"},
		{"commit", column("n = n + 1"), ledger.Changed, 300, "records"},
		{"position", column("pos = pos + 1"), ledger.Changed, 300, "records"},
		{"an id", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE record SET id = $1 WHERE id = $2", string(cpni.NewID()), string(s.all[300].Entry()))
		}, ledger.Changed, 300, "records"},
		{"commitment", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE record SET commitment = $1 WHERE id = $2", bytes.Repeat([]byte{1}, 32), string(s.all[300].Entry()))
		}, ledger.Changed, 300, "records"},
		{"a longer commitment", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE record SET commitment = commitment || $1 WHERE id = $2", []byte{0}, string(s.all[300].Entry()))
		}, ledger.Changed, 300, "records"},
		{"sealed", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE record SET sealed = $1 WHERE id = $2", []byte("sealed record 77"), string(s.all[300].Entry()))
		}, ledger.Changed, 300, "records"},
		{"a record gone", func(t *testing.T, s scene) {
			alter(t, s.db, "DELETE FROM record WHERE id = $1", string(s.all[300].Entry()))
		}, ledger.Missing, 300, "records"},
		{"a record put in", func(t *testing.T, s scene) {
			alter(t, s.db, `INSERT INTO record SELECT customer_id, $1, kind, at, actor, contact, purpose, recipient, outcome, code, rules, permits, node, n, pos, commitment, sealed
				FROM record WHERE id = $2`, string(cpni.NewID()), string(s.all[300].Entry()))
		}, ledger.Inserted, -1, "records"},
		{"two records exchanged", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE record SET pos = CASE WHEN id = $1 THEN 4 ELSE 3 END WHERE id = $1 OR id = $2", string(s.all[3].Entry()), string(s.all[4].Entry()))
		}, ledger.Changed, 3, "records"},
		{"a waiting record", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE record SET actor = 'b' WHERE id = $1", string(s.all[702].Entry()))
		}, ledger.Changed, -1, "records"},
		{"a waiting record gone", func(t *testing.T, s scene) {
			alter(t, s.db, "DELETE FROM record WHERE id = $1", string(s.all[702].Entry()))
		}, ledger.Missing, -1, "records"},

		{"an entry", func(t *testing.T, s scene) { s.setTile(t, -1, 1, flip(s.tile(t, -1, 1), 20)) }, ledger.Changed, 256, "tile/entries/001"},
		{"an entry of the unfinished bundle", func(t *testing.T, s scene) { s.setTile(t, -1, 2, flip(s.tile(t, -1, 2), 20)) }, ledger.Changed, 512, "tile/entries/002"},
		{"a length in a bundle", func(t *testing.T, s scene) { s.setTile(t, -1, 0, flip(s.tile(t, -1, 0), 1)) }, ledger.Changed, 0, "tile/entries/000"},
		{"an entry left out", func(t *testing.T, s scene) {
			s.setTile(t, -1, 1, bytes.Join(slices.Delete(s.bundle(t, 1), 44, 45), nil))
		}, ledger.Missing, 300, "tile/entries/001"},
		{"an entry put in", func(t *testing.T, s scene) {
			b := s.bundle(t, 1)
			s.setTile(t, -1, 1, bytes.Join(slices.Insert(b, 44, flip(b[44], 30)), nil))
		}, ledger.Inserted, 300, "tile/entries/001"},
		{"an entry twice", func(t *testing.T, s scene) {
			b := s.bundle(t, 1)
			b[44] = b[43]
			s.setTile(t, -1, 1, bytes.Join(b, nil))
		}, ledger.Changed, 300, "tile/entries/001"},
		{"two entries exchanged", func(t *testing.T, s scene) {
			b := s.bundle(t, 1)
			b[44], b[99] = b[99], b[44]
			s.setTile(t, -1, 1, bytes.Join(b, nil))
		}, ledger.Reordered, 300, "tile/entries/001"},
		{"two bundles exchanged", func(t *testing.T, s scene) {
			a, b := s.tile(t, -1, 0), s.tile(t, -1, 1)
			s.setTile(t, -1, 0, b)
			s.setTile(t, -1, 1, a)
		}, ledger.Reordered, 300, "tile/entries/001"},
		{"a bundle gone", func(t *testing.T, s scene) { alter(t, s.db, "DELETE FROM ledger_tile WHERE level = -1 AND idx = 1") }, ledger.Missing, 300, "tile/entries/001"},
		{"a tile", func(t *testing.T, s scene) { s.setTile(t, 0, 1, flip(s.tile(t, 0, 1), 500)) }, ledger.Changed, -1, "tile/0/001"},
		{"the unfinished tile", func(t *testing.T, s scene) { s.setTile(t, 0, 2, flip(s.tile(t, 0, 2), 500)) }, ledger.Changed, -1, "tile/0/002"},
		{"a tile of level 1", func(t *testing.T, s scene) { s.setTile(t, 1, 0, flip(s.tile(t, 1, 0), 40)) }, ledger.Changed, -1, "tile/1/000"},
		{"a tile gone", func(t *testing.T, s scene) { alter(t, s.db, "DELETE FROM ledger_tile WHERE level = 0 AND idx = 1") }, ledger.Missing, -1, "tile/0/001"},
		{"a tile too long", func(t *testing.T, s scene) { s.setTile(t, 0, 1, append(s.tile(t, 0, 1), 7)) }, ledger.Changed, -1, "tile/0/001"},
		{"a tile put in", func(t *testing.T, s scene) {
			alter(t, s.db, "INSERT INTO ledger_tile (level, idx, width, data) VALUES (0, 3, 1, $1)", make([]byte, 32))
		}, ledger.Inserted, -1, "tile/0/003"},
		{"a tile's width", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE ledger_tile SET width = width + 1 WHERE level = 0 AND idx = 2")
		}, ledger.Changed, -1, "tile/0/002"},
		{"an entry and its tile", func(t *testing.T, s scene) {
			forge(t, s, 300)
		}, ledger.Changed, 300, "records"},

		{"a lane's entry", func(t *testing.T, s scene) { s.setLane(t, func(b []byte) []byte { return flip(b, 90) }) }, ledger.Changed, -1, "records"},
		{"a lane's id", func(t *testing.T, s scene) { s.setLane(t, func(b []byte) []byte { return flip(b, 16) }) }, ledger.Changed, -1, "records"},
		{"a lane's length", func(t *testing.T, s scene) { s.setLane(t, func(b []byte) []byte { return b[:len(b)-1] }) }, ledger.Changed, -1, "commit"},
		{"a lane's count", func(t *testing.T, s scene) { alter(t, s.db, "UPDATE ledger_lane SET count = count + 1") }, ledger.Changed, -1, "commit"},
		{"a lane's time", func(t *testing.T, s scene) { alter(t, s.db, "UPDATE ledger_lane SET at = at + 1") }, ledger.Changed, -1, "commit"},
		{"a lane's node", func(t *testing.T, s scene) { alter(t, s.db, "UPDATE ledger_lane SET node = node || 'x'") }, ledger.Changed, -1, "records"},
		{"a lane gone", func(t *testing.T, s scene) { alter(t, s.db, "DELETE FROM ledger_lane") }, ledger.Inserted, -1, "records"},
		{"a commit that waits again", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE ledger_lane SET (node, n) = (SELECT node, n FROM ledger_span WHERE first_seq = 0) WHERE n = (SELECT min(n) FROM ledger_lane)")
		}, ledger.Inserted, -1, "ledger_lane"},

		{"a span's place", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE ledger_span SET first_seq = first_seq + 1 WHERE first_seq = 300")
		}, ledger.Changed, 300, "records"},
		{"a span's count", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE ledger_span SET count = count - 1 WHERE first_seq = 300")
		}, ledger.Missing, -2, "ledger_span"},
		{"a span's commit", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE ledger_span SET n = n + 100000 WHERE first_seq = 300")
		}, ledger.Changed, 300, "records"},
		{"a span gone", func(t *testing.T, s scene) { alter(t, s.db, "DELETE FROM ledger_span WHERE first_seq = 300") }, ledger.Missing, 300, "ledger_span"},

		{"the signature", func(t *testing.T, s scene) {
			s.setNote(t, func(n string) string { return n[:len(n)-20] + "A" + n[len(n)-19:] })
		}, ledger.BadSignature, -1, "checkpoint"},
		{"the signature's last bits", func(t *testing.T, s scene) { s.setNote(t, lastBits) }, ledger.BadSignature, -1, "checkpoint"},
		{"the signed size", func(t *testing.T, s scene) {
			s.setNote(t, func(n string) string { return strings.Replace(n, "\n700\n", "\n699\n", 1) })
		}, ledger.BadSignature, -1, "checkpoint"},
		{"the checkpoint's size", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE ledger_checkpoint SET size = 701 WHERE size = 700")
		}, ledger.Changed, -1, "checkpoint of 701"},
		{"the checkpoint's time", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE ledger_checkpoint SET at = at - 1 WHERE size = 700")
		}, ledger.Changed, -1, "checkpoint of 700"},
		{"the checkpoint gone", func(t *testing.T, s scene) { alter(t, s.db, "DELETE FROM ledger_checkpoint WHERE size = 700") }, ledger.RolledBack, -1, "checkpoint"},
		{"the head", func(t *testing.T, s scene) {
			alter(t, s.db, "UPDATE meta SET value = '600' WHERE name = 'ledger.head'")
		}, ledger.RolledBack, -1, "checkpoint"},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				clear(t, db)
				s := newScene(t, db)
				trust := verifierKey(t, s.l)
				if v := verify(t, db, trust); !v.OK() || v.Tree.N != inTree || v.Records != inTree+5 || v.Waiting != 5 {
					t.Fatalf("before anything was changed: %+v", v)
				}
				index := c.index
				if c.index == -2 { // the last entry of the commit that begins at 300
					var count int64
					if err := db.Reader().QueryRow(t.Context(), "SELECT count FROM ledger_span WHERE first_seq = 300").Scan(&count); err != nil {
						t.Fatal(err)
					}
					index = 299 + count
				}
				c.tamper(t, s)
				v := verify(t, db, trust)
				named := slices.ContainsFunc(v.Faults, func(f ledger.Fault) bool {
					id := f.ID == "" || index < 0 || f.ID == s.all[index].Entry() || c.kind == ledger.Inserted || strings.HasPrefix(c.where, "tile/entries")
					return f.Kind == c.kind && (c.index == -1 || f.Index == index) && strings.Contains(f.Where, c.where) && id
				})
				if !named {
					t.Errorf("P-41: no fault %q at %d in %s among %d:", c.kind, index, c.where, len(v.Faults))
					for _, f := range v.Faults[:min(8, len(v.Faults))] {
						t.Log(f)
					}
				}
				if len(v.Faults) > 600 && c.kind != ledger.RolledBack {
					t.Errorf("%d faults for one change", len(v.Faults))
				}
			})
		}
	})
}

// clear empties the ledger, so that one database serves many cases.
func clear(t testing.TB, db *store.DB) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		for _, table := range []string{"record", "ledger_lane", "ledger_span", "ledger_tile", "ledger_checkpoint", "meta WHERE name = 'ledger.head'"} {
			if _, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s scene) setLane(t testing.TB, change func([]byte) []byte) {
	t.Helper()
	var n int64
	var b []byte
	if err := s.db.Reader().QueryRow(t.Context(), "SELECT n, entries FROM ledger_lane ORDER BY n LIMIT 1").Scan(&n, &b); err != nil {
		t.Fatal(err)
	}
	alter(t, s.db, "UPDATE ledger_lane SET entries = $1 WHERE n = $2", change(b), n)
}

func (s scene) setNote(t testing.TB, change func(string) string) {
	t.Helper()
	n, err := s.l.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	alter(t, s.db, "UPDATE ledger_checkpoint SET note = $1 WHERE size = $2", change(string(n)), inTree)
}

// lastBits changes bits of the signature's base64 that no decoder looks at unless it is strict.
func lastBits(n string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := strings.LastIndexByte(n, '=') - 1
	return n[:at] + string(alphabet[strings.IndexByte(alphabet, n[at])^1]) + n[at+1:]
}

// forge changes an entry and its tile so that they agree.
func forge(t testing.TB, s scene, index int64) {
	t.Helper()
	b := s.bundle(t, index>>8)
	i := index & 255
	b[i] = flip(b[i], 95)
	s.setTile(t, -1, index>>8, bytes.Join(b, nil))
	hash := tlog.RecordHash(b[i][2:])
	tile := s.tile(t, 0, index>>8)
	copy(tile[i*32:], hash[:])
	s.setTile(t, 0, index>>8, tile)
}

func TestVerifyFindsADatabaseThatWasRolledBack(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	signer := key(t)
	path, kept := folder+"/ringfence.db", folder+"/kept.db"
	outside := folder + "/newest-checkpoint"
	customer := cpni.NewID()
	start := func() (*store.DB, *ledger.Ledger, error) {
		db, err := store.Open(ctx, "sqlite:"+path)
		if err != nil {
			t.Fatal(err)
		}
		l, err := ledger.Open(ctx, db, ledger.Options{Origin: origin, Signer: signer, Clock: forward(t, db), Outside: outside})
		return db, l, err
	}
	grow := func() {
		db, l, err := start()
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		commit(t, l, customer, 300, 50)
		if err := l.Sequence(ctx); err != nil {
			t.Fatal(err)
		}
	}
	grow()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, b, 0o600); err != nil {
		t.Fatal(err)
	}
	grow()
	if err := os.Rename(kept, path); err != nil { // the older database takes the newer one's place
		t.Fatal(err)
	}
	db, _, err := start()
	if db != nil {
		defer db.Close()
	}
	if !errors.Is(err, ledger.ErrRolledBack) {
		t.Fatalf("an older database was opened: %v", err)
	}
	known, err := ledger.ReadOutside(outside)
	if err != nil {
		t.Fatal(err)
	}
	v := verify(t, db, ledger.Trust{Key: signer.(interface{ VerifierKey() string }).VerifierKey(), Known: known})
	if len(v.Faults) != 1 || v.Faults[0].Kind != ledger.RolledBack {
		t.Errorf("faults %v", v.Faults)
	}
	if v := verify(t, db, ledger.Trust{Key: signer.(interface{ VerifierKey() string }).VerifierKey()}); !v.OK() {
		t.Errorf("by itself the older database is whole: %v", v.Faults)
	}
}

// TestARunningNodeRefusesADatabaseThatFellBehind replaces the tables under a running ledger.
func TestARunningNodeRefusesADatabaseThatFellBehind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := open(t, db, key(t))
		commit(t, l, cpni.NewID(), 10, 5)
		if err := l.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		clear(t, db)
		commit(t, l, cpni.NewID(), 3, 3)
		if err := l.Sequence(t.Context()); err == nil {
			t.Fatal("another log was signed under the same name")
		}
		if err := l.Sequence(t.Context()); !errors.Is(err, ledger.ErrRolledBack) {
			t.Errorf("sequencing again: %v", err)
		}
		if _, err := l.Newest(t.Context()); !errors.Is(err, ledger.ErrRolledBack) {
			t.Errorf("a checkpoint is served: %v", err)
		}
	})
}

// TestWhatWasChangedIsNeverSigned changes the tiles from which the next root would be made.
func TestWhatWasChangedIsNeverSigned(t *testing.T) {
	for _, level := range []int{-1, 0, 1} {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			db := storetest.Open(t, storetest.SQLite(t))
			s := newScene(t, db)
			index := int64(2)
			if level == 1 {
				index = 0
			}
			s.setTile(t, level, index, flip(s.tile(t, level, index), 40))
			if _, err := ledger.Open(t.Context(), db, ledger.Options{Origin: origin, Signer: s.signer, Clock: forward(t, db)}); err == nil {
				t.Error("a ledger whose edge was changed was opened to be continued")
			}
		})
	}
}
