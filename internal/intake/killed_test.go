package intake

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// killedImport imports folder/calls.csv into folder/k.db, in chunks as small as can be.
func killedImport(folder string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(folder, "k.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	master, err := vault.ReadMaster("file:" + filepath.Join(folder, "key"))
	if err != nil {
		return err
	}
	v, err := vault.Open(ctx, db, master)
	if err != nil {
		return err
	}
	signer, err := ledger.NewKey("intake.test.example")
	if err != nil {
		return err
	}
	clock := cpni.ClockFunc(func() time.Time { return now })
	l, err := ledger.Open(ctx, db, ledger.Options{Origin: "intake.test.example", Signer: signer, Clock: clock})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(folder, "book"))
	if err != nil {
		return err
	}
	book := phoneBook{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var number string
		var entry Line
		if _, err := fmt.Sscan(line, &number, &entry.Customer, &entry.Number); err != nil {
			return err
		}
		book[number] = entry
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return err
	}
	im := &Importer{DB: db, Vault: v, Ledger: l, Lines: book, Clock: clock, Zone: zone}
	s, err := im.Calls(ctx, filepath.Join(folder, "calls.csv"), CallOptions{Format: CSV, ChunkBytes: 1, Progress: func(p Progress) { fmt.Println("at", p.Rows) }})
	if err != nil {
		return err
	}
	fmt.Printf("resumed %v added %d rows %d\n", s.Resumed, s.Added, s.Rows)
	return nil
}
