package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/store"
)

// tileHeight is that of C2SP tlog-tiles: 256 hashes a tile.
const tileHeight = 8

const tileWidth = 1 << tileHeight

// bundleLevel is the level under which bundles of entries are stored.
const bundleLevel = -1

// tree is the right edge of the Merkle tree: all that is needed to append.
type tree struct {
	size  int64
	edge  [][]byte // edge[L] is the hashes of the unfinished tile of level L
	leafs bytes.Buffer
	last  int64 // microseconds of the newest leaf's sequencing
	dirty map[tileKey]tileRow
}

type tileKey struct {
	level int
	idx   int64
}

type tileRow struct {
	width int
	data  []byte
}

// loadTree reads the right edge from q.
func loadTree(ctx context.Context, q store.Querier) (*tree, error) {
	t := &tree{dirty: map[tileKey]tileRow{}}
	err := q.QueryRow(ctx, "SELECT size, at FROM ledger_checkpoint ORDER BY size DESC LIMIT 1").Scan(&t.size, &t.last)
	if store.IsNoRow(err) {
		return t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the newest checkpoint: %w", err)
	}
	for level, count := 0, t.size; count > 0; level, count = level+1, count>>tileHeight {
		width := int(count % tileWidth)
		var data []byte
		if width > 0 {
			if data, err = readTile(ctx, q, level, count>>tileHeight, width, tlog.HashSize); err != nil {
				return nil, err
			}
		}
		t.edge = append(t.edge, data)
	}
	if width := int(t.size % tileWidth); width > 0 {
		var data []byte
		var stored int
		if err := q.QueryRow(ctx, "SELECT width, data FROM ledger_tile WHERE level = $1 AND idx = $2", bundleLevel, t.size>>tileHeight).Scan(&stored, &data); err != nil {
			return nil, fmt.Errorf("reading the newest entries: %w", err)
		}
		entries, err := splitBundle(data)
		if err != nil || len(entries) < width {
			return nil, fmt.Errorf("the newest bundle holds %d entries, %d are signed: %w", len(entries), width, errors.Join(err, errDamaged))
		}
		for _, e := range entries[:width] {
			putEntry(&t.leafs, e)
		}
	}
	return t, nil
}

var errDamaged = errors.New("the ledger's tables are damaged; `ringfence verify` names what is wrong")

func readTile(ctx context.Context, q store.Querier, level int, idx int64, width, unit int) ([]byte, error) {
	var stored int
	var data []byte
	err := q.QueryRow(ctx, "SELECT width, data FROM ledger_tile WHERE level = $1 AND idx = $2", level, idx).Scan(&stored, &data)
	if store.IsNoRow(err) {
		return nil, fmt.Errorf("tile %d/%d is missing: %w", level, idx, errDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("reading tile %d/%d: %w", level, idx, err)
	}
	if len(data) < width*unit {
		return nil, fmt.Errorf("tile %d/%d holds %d bytes of %d: %w", level, idx, len(data), width*unit, errDamaged)
	}
	return data[:width*unit], nil
}

// append adds a leaf.
func (t *tree) append(leaf []byte) {
	putEntry(&t.leafs, leaf)
	hash := tlog.RecordHash(leaf)
	index := t.size
	t.size++
	if t.size%tileWidth == 0 {
		t.dirty[tileKey{bundleLevel, index >> tileHeight}] = tileRow{tileWidth, bytes.Clone(t.leafs.Bytes())}
		t.leafs.Reset()
	}
	for level := 0; ; level++ {
		if level == len(t.edge) {
			t.edge = append(t.edge, nil)
		}
		t.edge[level] = append(t.edge[level], hash[:]...)
		if len(t.edge[level]) < tileWidth*tlog.HashSize {
			return
		}
		full := t.edge[level]
		t.dirty[tileKey{level, index >> tileHeight}] = tileRow{tileWidth, full}
		t.edge[level] = nil
		hash = foldTile(full)
		index >>= tileHeight
	}
}

// foldTile computes the hash of the subtree that a full tile is the bottom of.
func foldTile(full []byte) tlog.Hash {
	hashes := make([]tlog.Hash, tileWidth)
	for i := range hashes {
		hashes[i] = tlog.Hash(full[i*tlog.HashSize : (i+1)*tlog.HashSize])
	}
	for len(hashes) > 1 {
		for i := 0; i < len(hashes)/2; i++ {
			hashes[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
		}
		hashes = hashes[:len(hashes)/2]
	}
	return hashes[0]
}

// flush writes what append changed; it may run again when the transaction is tried again.
func (t *tree) flush(ctx context.Context, tx *store.Tx) error {
	for level, data := range t.edge {
		if len(data) > 0 {
			t.dirty[tileKey{level, t.size >> (tileHeight * (level + 1))}] = tileRow{len(data) / tlog.HashSize, data}
		}
	}
	if t.leafs.Len() > 0 {
		t.dirty[tileKey{bundleLevel, t.size >> tileHeight}] = tileRow{int(t.size % tileWidth), t.leafs.Bytes()}
	}
	for k, row := range t.dirty {
		if _, err := tx.Exec(ctx, `INSERT INTO ledger_tile (level, idx, width, data) VALUES ($1, $2, $3, $4)
			ON CONFLICT (level, idx) DO UPDATE SET width = excluded.width, data = excluded.data WHERE excluded.width > ledger_tile.width`,
			k.level, k.idx, row.width, row.data); err != nil {
			return fmt.Errorf("writing tile %d/%d: %w", k.level, k.idx, err)
		}
	}
	return nil
}

// flushed forgets what has been written, once that is committed.
func (t *tree) flushed() { clear(t.dirty) }

// hashReader reads the hashes of a tree of size leaves from q, through the tiles.
type hashReader struct {
	ctx context.Context
	q   store.Querier
}

func (h hashReader) Height() int { return tileHeight }

func (h hashReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		var err error
		if data[i], err = readTile(h.ctx, h.q, t.L, t.N, t.W, tlog.HashSize); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (h hashReader) SaveTiles([]tlog.Tile, [][]byte) {}

// hashes gives the stored hashes of the tree of size leaves, unauthenticated.
func (l *Ledger) hashes(ctx context.Context, size int64) tlog.HashReader {
	return rawHashes{hashReader{ctx, l.db.Reader()}}
}

// rawHashes reads hashes by their index in the log's own numbering from tiles, without checking them against a root.
type rawHashes struct{ tiles hashReader }

func (r rawHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	cache := map[tileKey][]byte{}
	for i, x := range indexes {
		t := tlog.TileForIndex(tileHeight, x)
		k := tileKey{t.L, t.N}
		if len(cache[k]) < t.W*tlog.HashSize {
			data, err := readTile(r.tiles.ctx, r.tiles.q, t.L, t.N, t.W, tlog.HashSize)
			if err != nil {
				return nil, err
			}
			cache[k] = data
		}
		h, err := tlog.HashFromTile(t, cache[k], x)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}
