package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Selection is the part of a log whose records are handed over. Records that say that something was forgotten or destroyed go with
// every part, for without them nobody could tell what is gone from what was left out.
type Selection struct {
	From, To time.Time // of when entries were made: from the first on, before the second
	Before   int64     // only entries that stand in the tree before this place
	Also     []cpni.ID // entries of the carrier's own that are in it whenever they were made
	Customer cpni.ID   // of this customer alone; "" of all and of the carrier itself
	// Named is a query for the customers and ids of the records that are in it, with $1 for the id that Of gives; "" all are.
	Named string
	Of    cpni.ID
}

// alwaysIn are the records that go with every part.
const alwaysIn = "r.customer_id = '' AND (r.kind = 'forget' OR r.kind = 'admin' AND r.purpose = 'destroyed')"

// EachSelected calls do for every record of a selection, in no order, as q sees them.
//
// cite: P-41
func EachSelected(ctx context.Context, q store.Querier, s Selection, do func(Row) error) error {
	const from = "SELECT " + placedColumns + " FROM record r JOIN ledger_span s ON s.node = r.node AND s.n = r.n WHERE "
	run := func(where string, args ...any) error {
		rows, err := q.Query(ctx, from+where, args...)
		if err != nil {
			return fmt.Errorf("reading records: %w", err)
		}
		return eachRow(rows, func() error {
			var seq int64
			r, err := scanRow(func(into ...any) error { return rows.Scan(append(into, &seq)...) })
			if err != nil || seq >= s.Before {
				return err
			}
			return do(r)
		})
	}
	if err := run(alwaysIn); err != nil {
		return err
	}
	also := ""
	for i, id := range s.Also {
		if err := run("r.customer_id = '' AND r.id = $1 AND NOT ("+alwaysIn+")", string(id)); err != nil {
			return err
		}
		also += fmt.Sprintf(" AND NOT (r.customer_id = '' AND r.id = $%d)", 4+i)
	}
	args := []any{string(s.Of), s.From.UnixMicro(), s.To.UnixMicro()}
	var where string
	switch {
	case s.Customer != "":
		args[0] = string(s.Customer)
		where = "r.customer_id = $1 AND "
	case s.Named != "":
		where = "(r.customer_id, r.id) IN (" + s.Named + ") AND "
	default:
		args[0] = ""
		where = "r.customer_id >= $1 AND "
	}
	for _, id := range s.Also {
		args = append(args, string(id))
	}
	return run(where+"r.at >= $2 AND r.at < $3 AND NOT ("+alwaysIn+")"+also, args...)
}

// EachGone gives, as lines of an export, what is left of the records that were destroyed and whose entries stand before a place.
func EachGone(ctx context.Context, q store.Querier, before int64, do func(line []byte) error) error {
	return eachDestroyed(ctx, q, before, func(e exported) error {
		line, err := e.line()
		if err != nil {
			return err
		}
		return do(line)
	})
}

// Line writes an entry as an export of records holds it, with the end of the line.
func (e Entry) Line() ([]byte, error) {
	s := e.stored()
	return exported{Customer: s.customer, ID: s.id, Kind: s.kind, At: s.at, Actor: s.actor, Contact: s.contact, Purpose: s.purpose, Recipient: s.recipient, Outcome: s.outcome,
		Code: s.code, Rules: s.rules, Permits: s.permits, Commitment: s.commitment, Sealed: s.sealed}.line()
}

func (e exported) line() ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	err := out.Encode(e)
	return b.Bytes(), err
}

// ReadLine reads a line of an export of records. gone: the record was destroyed, and only what its leaf holds is left.
func ReadLine(line []byte) (e Entry, gone bool, err error) {
	x, err := readExported(line)
	if err != nil {
		return e, false, err
	}
	return x.stored().entry(), x.By != "", nil
}

// EachTile gives every tile and bundle of entries, as q sees them, under its path in the layout of C2SP tlog-tiles.
func EachTile(ctx context.Context, q store.Querier, do func(name string, data []byte) error) error {
	rows, err := q.Query(ctx, "SELECT level, idx, width, data FROM ledger_tile")
	if err != nil {
		return fmt.Errorf("reading tiles: %w", err)
	}
	return eachRow(rows, func() error {
		var level, width int
		var index int64
		var data []byte
		if err := rows.Scan(&level, &index, &width, &data); err != nil {
			return err
		}
		return do(tilePath(level, index, width), data)
	})
}

// Signed is a checkpoint as it is kept.
type Signed struct {
	Size int64     `json:"size"`
	At   time.Time `json:"at"` // when its last entry was sequenced
	Note string    `json:"note"`
}

// EachCheckpoint gives the checkpoints that are kept of a time, the oldest first, and always the newest, as q sees them.
func EachCheckpoint(ctx context.Context, q store.Querier, from, to time.Time, do func(Signed) error) error {
	rows, err := q.Query(ctx, "SELECT size, at, note FROM ledger_checkpoint WHERE at >= $1 AND at < $2 OR size = (SELECT max(size) FROM ledger_checkpoint) ORDER BY size", from.UnixMicro(), to.UnixMicro())
	if err != nil {
		return fmt.Errorf("reading checkpoints: %w", err)
	}
	return eachRow(rows, func() error {
		var s Signed
		var at int64
		if err := rows.Scan(&s.Size, &at, &s.Note); err != nil {
			return err
		}
		s.At = time.UnixMicro(at).UTC()
		return do(s)
	})
}

// Parted is a part of a log as somebody was handed it.
type Parted struct {
	Files   fs.FS     // with the log's tiles and its newest checkpoint
	Records io.Reader // the records that came with it: lines of an export
	// Needed reports whether the record of an entry must be among them.
	Needed func(Leaf) bool
	// Older are signed checkpoints of before: the log must go on from each.
	Older []Signed
}

// VerifyPart verifies a whole log, the records that came with it, and that none that had to come was left out.
//
// cite: P-41
func VerifyPart(ctx context.Context, p Parted, trust Trust, w io.Writer) (*Verification, error) {
	v, err := trust.verifier()
	if err != nil {
		return nil, err
	}
	known, err := trust.known(v)
	if err != nil {
		return nil, err
	}
	signed, err := fs.ReadFile(p.Files, "checkpoint")
	if err != nil {
		return nil, fmt.Errorf("the checkpoint: %w", err)
	}
	q := newInquiry(w)
	q.Origin = v.Name()
	c, err := openCheckpoint(signed, v)
	if err != nil {
		q.fault(Fault{BadSignature, NoEntry, "", "the checkpoint", err.Error()})
		return q.end(), nil
	}
	q.Tree = c.Tree
	var sizes []int64
	older := map[int64]tlog.Tree{}
	for _, o := range p.Older {
		old, err := openCheckpoint([]byte(o.Note), v)
		switch {
		case err != nil:
			q.fault(Fault{BadSignature, NoEntry, "", fmt.Sprintf("the checkpoint of %d entries", o.Size), err.Error()})
			continue
		case old.Tree.N != o.Size || old.Tree.N > c.Tree.N || old.Tree.N < 1:
			q.fault(Fault{RolledBack, NoEntry, "", fmt.Sprintf("the checkpoint of %d entries", o.Size), fmt.Sprintf("it is of %d, and the newest of %d", old.Tree.N, c.Tree.N)})
			continue
		}
		if _, there := older[old.Tree.N]; !there {
			sizes = append(sizes, old.Tree.N)
		}
		older[old.Tree.N] = old.Tree
	}
	if known != nil && known.N > 0 && known.N <= c.Tree.N {
		if _, there := older[known.N]; !there {
			sizes = append(sizes, known.N)
		}
	}
	notes := [][]byte{signed}
	if note, err := fs.ReadFile(p.Files, CosignedFile); err == nil {
		notes = append(notes, note)
	}
	cosigned, err := q.cosignatures(notes, v, trust.Witnesses)
	if err != nil {
		return nil, err
	}
	for _, n := range sizesOf(c.Tree, cosigned) {
		if _, there := older[n]; !there && (known == nil || known.N != n) {
			sizes = append(sizes, n)
		}
	}
	b := newBook(q)
	b.spare = []bool{}
	roots, err := q.examine(ctx, folder{p.Files}, c.Tree, sizes, func(index int64, data []byte) {
		b.leaf(index, data)
		leaf, err := ParseLeaf(data)
		for int64(len(b.spare)) <= index {
			b.spare = append(b.spare, false)
		}
		b.spare[index] = err == nil && !p.Needed(leaf)
	})
	if err != nil {
		return nil, err
	}
	b.order()
	q.compareKnown(known, c.Tree, roots)
	q.compareCosigned(cosigned, c.Tree, roots)
	for _, old := range older {
		q.compareKnown(&old, c.Tree, roots)
	}
	if err := b.compareExport(ctx, folder{p.Files}, p.Records); err != nil {
		return nil, err
	}
	return q.end(), nil
}

// NewestIn gives the newest signed checkpoint as q sees it.
func (l *Ledger) NewestIn(ctx context.Context, q store.Querier) (signed []byte, tree tlog.Tree, err error) {
	var text string
	err = q.QueryRow(ctx, "SELECT note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1").Scan(&text)
	if store.IsNoRow(err) {
		return nil, tree, ErrNotYet
	}
	if err != nil {
		return nil, tree, fmt.Errorf("reading the newest checkpoint: %w", err)
	}
	c, err := parseCheckpoint([]byte(text), l.verifiers())
	if err != nil {
		return nil, tree, err
	}
	signed, err = withCosignatures(ctx, q, c.Tree.N, []byte(text))
	return signed, c.Tree, err
}

// CosignedIn gives the newest checkpoint that enough witnesses have cosigned, as q sees it; nil: there is none.
func CosignedIn(ctx context.Context, q store.Querier) ([]byte, error) {
	c, err := newestCosigned(ctx, q)
	if errors.Is(err, ErrNotYet) {
		return nil, nil
	}
	return c.Note, err
}
