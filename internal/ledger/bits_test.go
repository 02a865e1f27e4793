package ledger_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// TestAFlippedBitInTheFileIsFound flips single bits of a SQLite file, anywhere. Either verification finds it, or it has
// changed nothing that the ledger's tables say.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestAFlippedBitInTheFileIsFound(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "ringfence.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, db, key(t))
	trust := verifierKey(t, l)
	if err := db.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	bare := sizeOf(t, path)
	commit(t, l, cpni.NewID(), 1500, 60)
	if err := l.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	commit(t, l, cpni.NewID(), 200, 60)
	want := said(t, db)
	if err := db.Scrub(t.Context()); err != nil { // all of it is in the file, none in the write-ahead log
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 7))
	found, harmless := 0, 0
	for range 150 {
		at, bit := random.IntN(len(sound)), random.IntN(8)
		b := bytes.Clone(sound)
		b[at] ^= 1 << bit
		copied := filepath.Join(folder, "flipped.db")
		if err := os.WriteFile(copied, b, 0o600); err != nil {
			t.Fatal(err)
		}
		where := fmt.Sprintf("bit %d of byte %d", bit, at)
		db, err := store.Open(t.Context(), "sqlite:"+copied)
		if err != nil {
			found++ // the file is refused as it is opened
			continue
		}
		v, err := ledger.VerifyDatabase(t.Context(), db, trust, io.Discard)
		switch {
		case err != nil || !v.OK():
			found++
		case said(t, db) != want:
			t.Errorf("P-41: %s changed what the ledger says, and verification does not find it", where)
		default:
			harmless++
		}
		db.Close()
		for _, left := range []string{"-wal", "-shm", ".lock"} {
			os.Remove(copied + left)
		}
	}
	// What is there without an entry are the pages of all tables, empty; and pages are never quite full.
	share := 1 - float64(bare)/float64(len(sound))
	t.Logf("of 150 flipped bits %d were found and %d changed nothing; %.0f %% of the file are entries", found, harmless, 100*share)
	if float64(found) < 150*share*0.5 {
		t.Errorf("only %d of 150 flipped bits were found", found)
	}
}

func sizeOf(t testing.TB, path string) int64 {
	t.Helper()
	is, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return is.Size()
}

// said is all that the ledger's tables say, with the type of each value.
func said(t testing.TB, db *store.DB) string {
	t.Helper()
	var b strings.Builder
	for _, query := range []string{
		`SELECT hex(customer_id), hex(id), hex(kind), quote(at), quote(actor), quote(contact), quote(purpose), quote(recipient), quote(outcome), quote(code),
			quote(rules), quote(permits), quote(node), quote(n), quote(pos), quote(commitment), quote(sealed) FROM record ORDER BY rowid`,
		"SELECT quote(node), quote(n), quote(at), quote(count), quote(entries) FROM ledger_lane ORDER BY rowid",
		"SELECT quote(node), quote(n), quote(first_seq), quote(count) FROM ledger_span ORDER BY rowid",
		"SELECT quote(level), quote(idx), quote(width), quote(data) FROM ledger_tile ORDER BY rowid",
		"SELECT quote(size), quote(at), quote(note) FROM ledger_checkpoint ORDER BY rowid",
	} {
		rows, err := db.Reader().Query(t.Context(), query)
		if err != nil {
			return err.Error()
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		row, into := make([]string, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, row)
		}
		if err := rows.Err(); err != nil {
			b.WriteString(err.Error())
		}
		rows.Close()
	}
	return b.String()
}
