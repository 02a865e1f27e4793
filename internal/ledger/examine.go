package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"
)

// examination holds a log's entries and tiles against the root that was signed.
//
// It builds the tree twice: from the entries, and from the stored tiles. Where both lead to the signed root all is well.
// Where they part, the one that leads to the root is right, and the other is named.
type examination struct {
	*inquiry
	src    source
	each   leafFunc
	size   int64
	grown  tree           // what the entries make, to tell the roots of older trees
	built  [][]tlog.Hash  // built[L]: hashes of level L ≥ 1 that the entries make
	edge   [2][]byte      // the unfinished tile of level 0: as the entries make it, as it is stored
	parted map[int64]bool // tiles of level 0 that differ from their bundle
}

// leafFunc is given the entries, each with the index that it should stand at; an entry whose bundle holds too many or too
// few may come late or not at all.
type leafFunc func(index int64, leaf []byte)

// examine verifies the log of src against tree, which a checkpoint says. sizes are those of older trees whose roots are
// wanted. It returns those roots; they are the entries', right or wrong.
func (q *inquiry) examine(ctx context.Context, src source, tree tlog.Tree, sizes []int64, each leafFunc) (map[int64]tlog.Hash, error) {
	x := &examination{inquiry: q, src: src, each: each, size: tree.N, parted: map[int64]bool{}}
	x.grown.dirty = map[tileKey]tileRow{}
	roots := map[int64]tlog.Hash{}
	if tree.N == 0 {
		return roots, nil
	}
	slices.Sort(sizes)
	if err := x.read(ctx, sizes, roots); err != nil {
		return nil, err
	}
	return roots, x.descend(ctx, tree)
}

// read passes once over bundles and tiles of level 0.
func (x *examination) read(ctx context.Context, sizes []int64, roots map[int64]tlog.Hash) error {
	x.built = [][]tlog.Hash{nil, nil}
	last := (x.size - 1) >> tileHeight
	window := int64(max(1, x.src.atOnce()))
	for from := int64(0); from <= last; from += window {
		bundles, tiles, err := x.fetch(ctx, from, min(last, from+window-1))
		if err != nil {
			return err
		}
		for i := range bundles {
			index := from + int64(i)
			entries, err := splitBundle(bundles[i])
			ok := err == nil && len(entries) == x.width(0, index)
			var made []byte
			for j, e := range entries {
				if len(sizes) > 0 && x.grown.size == sizes[0] {
					x.note(roots)
					sizes = sizes[1:]
				}
				hash := tlog.RecordHash(e)
				made = append(made, hash[:]...)
				if len(sizes) > 0 && ok {
					x.grown.append(e)
				}
				if ok {
					x.each(index<<tileHeight+int64(j), e)
				}
			}
			clear(x.grown.dirty)
			if !ok { // the older roots after it cannot be told
				sizes = nil
			}
			x.level0(index, made, ok, tiles[i])
		}
	}
	if len(sizes) > 0 && x.grown.size == sizes[0] {
		x.note(roots)
	}
	return nil
}

func (x *examination) note(roots map[int64]tlog.Hash) {
	if root, err := x.grown.root(); err == nil {
		roots[x.grown.size] = root
	}
}

// width is how many hashes or entries the tile of that place holds.
func (x *examination) width(level int, index int64) int {
	return int(min(tileWidth, x.size>>(tileHeight*level)-index<<tileHeight))
}

// fetch gets the bundles and tiles of level 0 from first to last; what is not there is nil.
func (x *examination) fetch(ctx context.Context, first, last int64) (bundles, tiles [][]byte, err error) {
	bundles, tiles = make([][]byte, last-first+1), make([][]byte, last-first+1)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(x.src.atOnce())
	for i := range bundles {
		g.Go(func() (err error) {
			index := first + int64(i)
			if bundles[i], err = fetchTile(ctx, x.src, bundleLevel, index, x.width(0, index)); err == nil {
				tiles[i], err = fetchTile(ctx, x.src, 0, index, x.width(0, index))
			}
			return err
		})
	}
	return bundles, tiles, g.Wait()
}

// fetchTile gets a tile, or nil when there is none. A partial tile may be gone once the full one is there.
func fetchTile(ctx context.Context, src source, level int, index int64, width int) ([]byte, error) {
	data, err := src.tile(ctx, level, index, width)
	if errors.Is(err, errNoTile) && width < tileWidth {
		if data, err = src.tile(ctx, level, index, tileWidth); err == nil {
			data = cut(data, level, width)
		}
	}
	if errors.Is(err, errNoTile) {
		return nil, nil
	}
	return data, err
}

// cut shortens a tile or bundle to width.
func cut(data []byte, level, width int) []byte {
	if level != bundleLevel {
		return data[:min(len(data), width*tlog.HashSize)]
	}
	rest := data
	for range width {
		_, after, ok := cutEntry(rest)
		if !ok {
			return data
		}
		rest = after
	}
	return data[:len(data)-len(rest)]
}

// level0 compares a tile with the hashes of its bundle's entries.
func (x *examination) level0(index int64, made []byte, ok bool, stored []byte) {
	width := x.width(0, index)
	whole := len(stored) == width*tlog.HashSize
	if !ok || !whole || !bytes.Equal(made, stored) {
		x.parted[index] = true
	}
	if width < tileWidth {
		x.edge = [2][]byte{nil, nil}
		if ok {
			x.edge[0] = made
		}
		if whole {
			x.edge[1] = stored
		}
		return
	}
	var hash tlog.Hash // zero: not to be had
	switch {
	case ok:
		hash = foldTile(made)
	case whole:
		hash = foldTile(stored)
	}
	x.built[1] = append(x.built[1], hash)
}

// descend decides, from the signed root down, which tiles and entries lead to it.
func (x *examination) descend(ctx context.Context, signed tlog.Tree) error {
	for l := 1; len(x.built[l]) >= tileWidth; l++ { // the full tiles of the levels above
		next := make([]tlog.Hash, len(x.built[l])/tileWidth)
		for i := range next {
			next[i] = foldTile(flatten(x.built[l][i*tileWidth : (i+1)*tileWidth]))
		}
		x.built = append(x.built, next)
	}
	edges, rooted, err := x.root(ctx, signed)
	if err != nil {
		return err
	}
	if !rooted {
		x.fault(Fault{Changed, NoEntry, "", "the tree", fmt.Sprintf("neither the %d entries nor the tiles lead to the root that was signed", signed.N)})
	}
	var above []tlog.Hash // the hashes of the level above, as they must be; zero where that is unknown
	for level := len(x.built) - 1; level >= 1; level-- {
		if above, err = x.settle(ctx, level, above, edges[level], rooted); err != nil {
			return err
		}
	}
	return x.bottom(ctx, above, edges[0], rooted)
}

func flatten(hashes []tlog.Hash) []byte {
	b := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// root finds, of the unfinished tiles that the entries make and those that are stored, a choice that leads to the root.
func (x *examination) root(ctx context.Context, signed tlog.Tree) (edges [][]byte, rooted bool, err error) {
	choices := make([][2][]byte, len(x.built))
	choices[0] = x.edge
	for l := 1; l < len(x.built); l++ {
		full := len(x.built[l]) / tileWidth * tileWidth
		width := len(x.built[l]) - full
		if width == 0 {
			continue
		}
		choices[l][0] = flatten(x.built[l][full:])
		if choices[l][1], err = fetchTile(ctx, x.src, l, int64(full/tileWidth), width); err != nil {
			return nil, false, err
		}
	}
	edges = make([][]byte, len(choices))
	for choice := range 1 << len(choices) {
		for l := range choices {
			edges[l] = choices[l][choice>>l&1]
		}
		if root, err := edgeRoot(signed.N, edges); err == nil && root == signed.Hash {
			return edges, true, nil
		}
	}
	for l := range choices { // no choice is better than another: what the entries make
		edges[l] = choices[l][0]
	}
	return edges, false, nil
}

// settle finds the right hashes of a level from those of the level above and names its stored tiles that differ.
func (x *examination) settle(ctx context.Context, level int, above []tlog.Hash, edge []byte, rooted bool) ([]tlog.Hash, error) {
	right := make([]tlog.Hash, 0, len(x.built[level]))
	for index := int64(0); index<<tileHeight < int64(len(x.built[level])); index++ {
		width := x.width(level, index)
		made := flatten(x.built[level][index<<tileHeight : index<<tileHeight+int64(width)])
		stored, err := fetchTile(ctx, x.src, level, index, width)
		if err != nil {
			return nil, err
		}
		whole := len(stored) == width*tlog.HashSize
		chosen, known := made, false
		switch {
		case width < tileWidth:
			chosen, known = edge, rooted
		case above[index] == (tlog.Hash{}):
		case foldTile(made) == above[index]:
			known = true
		case whole && foldTile(stored) == above[index]:
			chosen, known = stored, true
		}
		span := int64(1) << (tileHeight * level) // entries under one hash
		switch {
		case stored == nil:
			x.fault(Fault{Missing, NoEntry, "", tilePath(level, index, width), "the tile is not there"})
		case !bytes.Equal(stored, chosen) || !known && rooted:
			from := index << tileHeight * span
			x.fault(Fault{Changed, NoEntry, "", tilePath(level, index, width), fmt.Sprintf("the tile above entries %d to %d is not the one that was signed", from, min(x.size, from+int64(width)*span)-1)})
		}
		for i := range width {
			h := tlog.Hash{}
			if known {
				h = hashAt(chosen, i)
			}
			right = append(right, h)
		}
	}
	return right, nil
}
