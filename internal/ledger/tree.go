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

// loadTree reads the right edge from q and holds it against the newest signed checkpoint: what was changed in the tiles
// is never signed again.
func (l *Ledger) loadTree(ctx context.Context, q store.Querier) (*tree, error) {
	t := &tree{dirty: map[tileKey]tileRow{}}
	var signed string
	err := q.QueryRow(ctx, "SELECT size, at, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1").Scan(&t.size, &t.last, &signed)
	if store.IsNoRow(err) {
		return t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the newest checkpoint: %w", err)
	}
	c, err := parseCheckpoint([]byte(signed), l.verifiers())
	if err != nil {
		return nil, err
	}
	for level, count := 0, t.size; count > 0; level, count = level+1, count>>tileHeight {
		width := int(count % tileWidth)
		var data []byte
		if width > 0 {
			if data, err = readTile(ctx, q, level, count>>tileHeight, width); err != nil {
				return nil, err
			}
		}
		t.edge = append(t.edge, data)
	}
	root, err := t.root()
	if err != nil {
		return nil, err
	}
	if want := (Checkpoint{l.origin, tlog.Tree{N: t.size, Hash: root}}); c != want {
		return nil, fmt.Errorf("the tiles of %d entries do not lead to the root that was signed: %w", t.size, errDamaged)
	}
	return t, t.loadLeafs(ctx, q)
}

// loadLeafs reads the unfinished bundle.
func (t *tree) loadLeafs(ctx context.Context, q store.Querier) error {
	width := int(t.size % tileWidth)
	if width == 0 {
		return nil
	}
	var data []byte
	if err := q.QueryRow(ctx, "SELECT data FROM ledger_tile WHERE level = $1 AND idx = $2", bundleLevel, t.size>>tileHeight).Scan(&data); err != nil {
		return fmt.Errorf("reading the newest entries: %w", err)
	}
	entries, err := splitBundle(data)
	if err != nil || len(entries) < width {
		return fmt.Errorf("the newest bundle holds %d entries, %d are signed: %w", len(entries), width, errors.Join(err, errDamaged))
	}
	for i, e := range entries[:width] {
		if tlog.RecordHash(e) != hashAt(t.edge[0], i) {
			return fmt.Errorf("entry %d is not the one that was signed: %w", t.size-int64(width-i), errDamaged)
		}
		putEntry(&t.leafs, e)
	}
	return nil
}

// hashAt is the i-th hash of a tile.
func hashAt(tile []byte, i int) tlog.Hash {
	return tlog.Hash(tile[i*tlog.HashSize : (i+1)*tlog.HashSize])
}

// root computes the tree's root from its edge.
func (t *tree) root() (tlog.Hash, error) {
	return edgeRoot(t.size, t.edge)
}

// edgeRoot computes the root of a tree of size leaves from the unfinished tiles of its levels.
func edgeRoot(size int64, edge [][]byte) (tlog.Hash, error) {
	root, err := tlog.TreeHash(size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			tile := tlog.TileForIndex(tileHeight, x)
			if tile.L >= len(edge) || len(edge[tile.L]) < tile.W*tlog.HashSize {
				return nil, fmt.Errorf("the right edge of level %d is too short: %w", tile.L, errDamaged)
			}
			var err error
			if out[i], err = tlog.HashFromTile(tile, edge[tile.L][:tile.W*tlog.HashSize], x); err != nil {
				return nil, err
			}
		}
		return out, nil
	}))
	if err != nil {
		return root, fmt.Errorf("computing the root of %d entries: %w", size, err)
	}
	return root, nil
}

var errDamaged = errors.New("the ledger's tables are damaged; `ringfence verify` names what is wrong")

func readTile(ctx context.Context, q store.Querier, level int, idx int64, width int) ([]byte, error) {
	var data []byte
	err := q.QueryRow(ctx, "SELECT data FROM ledger_tile WHERE level = $1 AND idx = $2", level, idx).Scan(&data)
	if store.IsNoRow(err) {
		return nil, fmt.Errorf("tile %d/%d is missing: %w", level, idx, errDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("reading tile %d/%d: %w", level, idx, err)
	}
	if len(data) < width*tlog.HashSize {
		return nil, fmt.Errorf("tile %d/%d holds %d bytes of %d: %w", level, idx, len(data), width*tlog.HashSize, errDamaged)
	}
	return data[:width*tlog.HashSize], nil
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
		hashes[i] = hashAt(full, i)
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
			ON CONFLICT (level, idx) DO UPDATE SET width = excluded.width, data = excluded.data`,
			k.level, k.idx, row.width, row.data); err != nil {
			return fmt.Errorf("writing tile %d/%d: %w", k.level, k.idx, err)
		}
	}
	return nil
}

// flushed forgets what has been written, once that is committed.
func (t *tree) flushed() { clear(t.dirty) }

// hashes gives the stored hashes as the database has them, unauthenticated.
func (l *Ledger) hashes(ctx context.Context) tlog.HashReader { return rawHashes{ctx, l.db.Reader()} }

// rawHashes reads hashes by their index in the log's own numbering from tiles, without checking them against a root.
type rawHashes struct {
	ctx context.Context
	q   store.Querier
}

func (r rawHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	cache := map[tileKey][]byte{}
	for i, x := range indexes {
		t := tlog.TileForIndex(tileHeight, x)
		k := tileKey{t.L, t.N}
		if len(cache[k]) < t.W*tlog.HashSize {
			data, err := readTile(r.ctx, r.q, t.L, t.N, t.W)
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
