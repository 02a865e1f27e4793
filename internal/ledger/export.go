package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"ringfence/internal/store"
)

// exported is a record in an export: one JSON object a line.
type exported struct {
	Customer   string `json:"customer"`
	ID         string `json:"id"`
	Kind       string `json:"kind"`
	At         int64  `json:"at"` // microseconds since 1970 UTC
	Actor      string `json:"actor"`
	Contact    string `json:"contact"`
	Purpose    string `json:"purpose"`
	Recipient  string `json:"recipient"`
	Outcome    string `json:"outcome"`
	Code       string `json:"code"`
	Rules      string `json:"rules"`
	Permits    string `json:"permits"`
	Commitment []byte `json:"commitment"`
	Sealed     []byte `json:"sealed"`
	// Of a record that was destroyed there are its digest and the entry that says so, in the place of what it said.
	Digest []byte `json:"digest,omitempty"`
	By     string `json:"destroyed_by,omitempty"`
}

// Export writes the log and its records into folder, which must not exist or be empty: what VerifyFolder verifies on a
// machine that has nothing else. Records stay sealed in it.
func (l *Ledger) Export(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of the export: %w", err)
	}
	if there, err := os.ReadDir(folder); err != nil || len(there) > 0 {
		return errors.Join(fmt.Errorf("the folder %s is not empty; name a new one", folder), err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return l.db.Snapshot(ctx, func(q store.Querier) error {
		var size int64
		var signed string
		err := q.QueryRow(ctx, "SELECT size, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1").Scan(&size, &signed)
		if store.IsNoRow(err) {
			return ErrNotYet
		}
		if err != nil {
			return fmt.Errorf("reading the newest checkpoint: %w", err)
		}
		if err := exportTiles(ctx, q, root); err != nil {
			return err
		}
		if err := exportRecords(ctx, q, root, size); err != nil {
			return err
		}
		note, err := exportCosigned(ctx, q, root, size, []byte(signed))
		if err != nil {
			return err
		}
		return root.WriteFile("checkpoint", note, 0o600) // last: a folder with a checkpoint is whole
	})
}

// exportCosigned gives the newest checkpoint with the cosignatures that it bears. Where enough witnesses have cosigned an older one only,
// that is written beside it.
//
// cite: P-41
func exportCosigned(ctx context.Context, q store.Querier, root *os.Root, size int64, signed []byte) ([]byte, error) {
	c, err := newestCosigned(ctx, q)
	if err == nil && c.Size != size {
		err = root.WriteFile(CosignedFile, c.Note, 0o600)
	}
	if err != nil && !errors.Is(err, ErrNotYet) {
		return nil, fmt.Errorf("exporting what witnesses have cosigned: %w", err)
	}
	return withCosignatures(ctx, q, size, signed)
}

func exportTiles(ctx context.Context, q store.Querier, root *os.Root) error {
	return EachTile(ctx, q, func(name string, data []byte) error {
		if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return err
		}
		return root.WriteFile(name, data, 0o600)
	})
}

// exportRecords writes the records whose entries are in a tree of size entries.
func exportRecords(ctx context.Context, q store.Querier, root *os.Root, size int64) (err error) {
	f, err := root.OpenFile(RecordsFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriterSize(f, 1<<16)
	out := json.NewEncoder(b)
	out.SetEscapeHTML(false)
	rows, err := q.Query(ctx, `SELECT customer_id, id, kind, at, actor, contact, purpose, recipient, outcome, code, rules, permits, commitment, sealed
		FROM record WHERE EXISTS (SELECT 1 FROM ledger_span s WHERE s.node = record.node AND s.n = record.n AND s.first_seq < $1)`, size)
	if err != nil {
		return fmt.Errorf("reading records: %w", err)
	}
	err = eachRow(rows, func() error {
		var e exported
		if err := rows.Scan(&e.Customer, &e.ID, &e.Kind, &e.At, &e.Actor, &e.Contact, &e.Purpose, &e.Recipient, &e.Outcome, &e.Code, &e.Rules,
			&e.Permits, &e.Commitment, &e.Sealed); err != nil {
			return err
		}
		return out.Encode(e)
	})
	if err == nil {
		err = eachDestroyed(ctx, q, size, func(e exported) error { return out.Encode(e) })
	}
	return errors.Join(err, b.Flush())
}

// compareExport compares an export of records with the entries.
func (b *book) compareExport(ctx context.Context, src source, records io.Reader) error {
	place := make(map[mark]int64, len(b.marks))
	for i, m := range b.marks {
		place[m] = int64(i)
	}
	in := bufio.NewReaderSize(records, 1<<16)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the records: %w", err)
		}
		e, err := readExported(line)
		if err != nil {
			b.fault(Fault{Changed, NoEntry, "", fmt.Sprintf("%s, line %d", RecordsFile, number), err.Error()})
			continue
		}
		announced := e.stored().announce()
		if e.By != "" {
			announced = e.gone().announce()
		}
		index, ok := place[markOf(announced)]
		if !ok {
			index = NoEntry
		}
		if e.By != "" {
			b.without(e.gone(), index, "")
		} else {
			b.record(e.stored(), index, "")
		}
	}
	return b.settle(ctx, src)
}

var errNotExported = errors.New("the line is not a record as it was written")

// readExported reads a line of an export; a line that says the same in other bytes is none.
func readExported(line []byte) (exported, error) {
	var e exported
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("%w: %w", errNotExported, err)
	}
	var again bytes.Buffer
	out := json.NewEncoder(&again)
	out.SetEscapeHTML(false)
	if err := out.Encode(e); err != nil || !bytes.Equal(again.Bytes(), line) {
		return e, errNotExported
	}
	return e, nil
}

func (e exported) stored() stored {
	return stored{e.Customer, e.ID, e.Kind, e.At, e.Actor, e.Contact, e.Purpose, e.Recipient, e.Outcome, e.Code, e.Rules, e.Permits, e.Commitment, e.Sealed}
}

func (e exported) gone() gone {
	return gone{e.Customer, e.ID, e.Kind, e.At, e.Digest, e.Commitment, e.By}
}
