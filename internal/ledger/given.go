package ledger

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Given reports whether an entry permits something to somebody who is neither the customer nor the carrier itself: what a
// register of disclosures must show.
//
// cite: P-41, 47 CFR 64.2009(c)
func (e Entry) Given() bool {
	return e.Kind == Decision && e.Outcome == cpni.Permit && !slices.Contains(inside, e.Recipient)
}

// inside are the recipients that are no third parties; the database knows them too, by the index record_outside.
var inside = []string{string(cpni.ToCustomer), string(cpni.ToCarrier), "unknown"}

// givenOnly is what the index of what was given is about, in its own words: the databases use it for no others.
const givenOnly = "r.kind = 'decision' AND r.outcome = 'permit' AND r.recipient <> 'customer' AND r.recipient <> 'carrier' AND r.recipient <> 'unknown'"

const placedColumns = `r.customer_id, r.id, r.kind, r.at, r.actor, r.contact, r.purpose, r.recipient, r.outcome, r.code, r.rules, r.permits,
	r.node, r.n, r.pos, r.commitment, r.sealed, s.first_seq + r.pos`

// EachGiven calls do for everything in the tree from the place from on that was given to third parties, in the order of the tree
// and of about most commits. It gives the place up to which it has come: none before it was left out.
//
// cite: P-41, 47 CFR 64.2009(c)
func (l *Ledger) EachGiven(ctx context.Context, from int64, most int, do func(Row, int64) error) (next int64, err error) {
	q := l.db.Reader()
	if err := q.QueryRow(ctx, "SELECT coalesce(max(behind), $1) FROM (SELECT first_seq + count AS behind FROM ledger_span WHERE first_seq >= $1 ORDER BY first_seq LIMIT $2) AS spans", from, most).Scan(&next); err != nil {
		return from, fmt.Errorf("following the tree: %w", err)
	}
	if next <= from {
		return from, nil
	}
	rows, err := q.Query(ctx, "SELECT "+placedColumns+" FROM ledger_span s JOIN record r ON r.node = s.node AND r.n = s.n WHERE s.first_seq >= $1 AND s.first_seq < $2 AND "+givenOnly+
		" ORDER BY s.first_seq, r.pos", from, next)
	if err != nil {
		return from, fmt.Errorf("reading what was given: %w", err)
	}
	err = eachRow(rows, func() error {
		var seq int64
		r, err := scanRow(func(into ...any) error { return rows.Scan(append(into, &seq)...) })
		if err != nil {
			return err
		}
		return do(r, seq)
	})
	if err != nil {
		return from, fmt.Errorf("reading what was given: %w", err)
	}
	return next, nil
}

// EachOwn calls do for every administrative act of the carrier's own that stands in the tree from the place from on and before the
// place to, in the order of the tree.
func (l *Ledger) EachOwn(ctx context.Context, from, to int64, do func(Row, int64) error) error {
	rows, err := l.db.Reader().Query(ctx, "SELECT "+placedColumns+" FROM ledger_span s JOIN record r ON r.node = s.node AND r.n = s.n WHERE s.first_seq >= $1 AND s.first_seq < $2 AND r.kind = 'admin' AND r.customer_id = ''"+
		" ORDER BY s.first_seq, r.pos", from, to)
	if err != nil {
		return fmt.Errorf("reading what the carrier has done: %w", err)
	}
	return eachRow(rows, func() error {
		var seq int64
		r, err := scanRow(func(into ...any) error { return rows.Scan(append(into, &seq)...) })
		if err != nil {
			return err
		}
		return do(r, seq)
	})
}

// EachSequenced calls do for every record of a database whose entry stands in the tree before a place, with that place.
func EachSequenced(ctx context.Context, q store.Querier, before int64, do func(Row, int64) error) error {
	const page = 2000
	customer, id := "", ""
	for {
		rows, err := q.Query(ctx, "SELECT "+placedColumns+` FROM record r JOIN ledger_span s ON s.node = r.node AND s.n = r.n
			WHERE (r.customer_id, r.id) > ($1, $2) AND s.first_seq < $3 ORDER BY r.customer_id, r.id LIMIT $4`, customer, id, before, page)
		if err != nil {
			return fmt.Errorf("reading records: %w", err)
		}
		n := 0
		err = eachRow(rows, func() error {
			var seq int64
			r, err := scanRow(func(into ...any) error { return rows.Scan(append(into, &seq)...) })
			if err != nil {
				return err
			}
			n++
			customer, id = string(r.Customer), string(r.ID)
			if seq >= before {
				return nil
			}
			return do(r, seq)
		})
		if err != nil || n < page {
			return err
		}
	}
}

// Digest is the hash of the entry as its row is stored, which its leaf holds: every readable column of it, and what is sealed.
func (e Entry) Digest() [32]byte { return e.stored().digest() }

// Prover proves that entries stand in one signed tree, however much comes after it.
type Prover struct {
	Tree       tlog.Tree
	Checkpoint []byte // signed

	l     *Ledger
	tiles map[tileKey][]byte
}

// mostTiles bounds how many tiles a prover keeps.
const mostTiles = 4096

// Prover begins to prove from the newest checkpoint; ErrNotYet: there is none.
func (l *Ledger) Prover(ctx context.Context) (*Prover, error) {
	signed, err := l.Newest(ctx)
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(signed, l.verifiers())
	if err != nil {
		return nil, err
	}
	return &Prover{Tree: c.Tree, Checkpoint: signed, l: l, tiles: map[tileKey][]byte{}}, nil
}

// Prove gives the leaf at a place and its path to the root.
func (p *Prover) Prove(ctx context.Context, index int64) (leaf []byte, path tlog.RecordProof, err error) {
	if index >= p.Tree.N {
		return nil, nil, ErrNotYet
	}
	if leaf, err = readLeaf(ctx, p.l.db.Reader(), index); err != nil {
		return nil, nil, err
	}
	path, err = tlog.ProveRecord(p.Tree.N, index, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return p.hashes(ctx, indexes) }))
	if err != nil {
		return nil, nil, fmt.Errorf("proving inclusion: %w", err)
	}
	if err := tlog.CheckRecord(path, p.Tree.N, p.Tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return nil, nil, fmt.Errorf("leaf %d does not lead to the signed root: %w", index, errDamaged)
	}
	return leaf, path, nil
}

func (p *Prover) hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		t := tlog.TileForIndex(tileHeight, x)
		k := tileKey{t.L, t.N}
		if len(p.tiles[k]) < t.W*tlog.HashSize {
			data, err := readTile(ctx, p.l.db.Reader(), t.L, t.N, t.W)
			if err != nil {
				return nil, err
			}
			if len(p.tiles) >= mostTiles {
				clear(p.tiles)
			}
			p.tiles[k] = data
		}
		h, err := tlog.HashFromTile(t, p.tiles[k], x)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

// EachExported calls do for every record of an export, as Export has written it into a folder, whose entry stands in the tree, with
// its place. Who calls it has verified the folder.
func EachExported(ctx context.Context, files fs.FS, size int64, do func(Entry, int64) error) error {
	place := make(map[mark]int64, size)
	for from := int64(0); from < size; from += tileWidth {
		data, err := fetchTile(ctx, folder{files}, bundleLevel, from>>tileHeight, int(min(tileWidth, size-from)))
		if err != nil {
			return err
		}
		entries, err := splitBundle(data)
		if err != nil {
			return err
		}
		for i, e := range entries[:min(int64(len(entries)), size-from)] {
			if at := bytes.LastIndexByte(e, ' '); at > 0 {
				place[markOf(e[:at])] = from + int64(i)
			}
		}
	}
	records, err := files.Open(RecordsFile)
	if err != nil {
		return fmt.Errorf("the folder's records: %w", err)
	}
	defer records.Close()
	in := bufio.NewReaderSize(records, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the records: %w", err)
		}
		e, err := readExported(line)
		if err != nil {
			return err
		}
		if e.By != "" {
			continue
		}
		s := e.stored()
		index, ok := place[markOf(s.announce())]
		if !ok {
			continue
		}
		if err := do(s.entry(), index); err != nil {
			return err
		}
	}
}

// entry reads a stored row.
func (s stored) entry() Entry {
	e := Entry{Customer: cpni.ID(s.customer), ID: cpni.ID(s.id), Kind: Kind(s.kind), At: time.UnixMicro(s.at).UTC(), Actor: s.actor, Contact: s.contact, Purpose: s.purpose,
		Recipient: s.recipient, Outcome: cpni.Outcome(s.outcome), Code: cpni.Code(s.code), Rules: s.rules, Sealed: s.sealed}
	for _, p := range strings.Fields(s.permits) {
		e.Permits = append(e.Permits, cpni.DataClass(p))
	}
	copy(e.Commitment[:], s.commitment)
	return e
}

// OpenSigned reads a signed checkpoint of the log that the key is of, and gives the log's name with the tree that was signed.
func OpenSigned(signed []byte, key string) (origin string, tree tlog.Tree, err error) {
	v, err := Trust{Key: key}.verifier()
	if err != nil {
		return "", tree, err
	}
	c, err := openCheckpoint(signed, v)
	return c.Origin, c.Tree, err
}

// PlaceOf tells where the entry of a record stands in the tree; ErrNotYet: it is not there yet.
func (l *Ledger) PlaceOf(ctx context.Context, r Row) (int64, error) {
	var first int64
	err := l.db.Reader().QueryRow(ctx, "SELECT first_seq FROM ledger_span WHERE node = $1 AND n = $2", r.Node, r.N).Scan(&first)
	if store.IsNoRow(err) {
		return 0, ErrNotYet
	}
	if err != nil {
		return 0, fmt.Errorf("finding the entry's place: %w", err)
	}
	return first + int64(r.Pos), nil
}
