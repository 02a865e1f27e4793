package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
)

// torn is a bundle whose tile leads to the root while its entries do not.
type torn struct {
	index   int64
	right   []byte   // the hashes that its entries should have
	entries [][]byte // what it holds
}

// bottom judges the tiles of level 0 and the entries. above are the right hashes of level 1, zero where unknown; edge is
// the right unfinished tile.
func (x *examination) bottom(ctx context.Context, above []tlog.Hash, edge []byte, rooted bool) error {
	look := maps.Clone(x.parted)
	for i, h := range above {
		if h != (tlog.Hash{}) && h != x.built[1][i] {
			look[int64(i)] = true
		}
	}
	var bundles []torn
	for _, index := range slices.Sorted(maps.Keys(look)) {
		width := x.width(0, index)
		data, err := fetchTile(ctx, x.src, bundleLevel, index, width)
		if err != nil {
			return err
		}
		stored, err := fetchTile(ctx, x.src, 0, index, width)
		if err != nil {
			return err
		}
		entries, _ := splitBundle(data)
		var made []byte
		for _, e := range entries {
			h := tlog.RecordHash(e)
			made = append(made, h[:]...)
		}
		leads := func(tile []byte) bool {
			switch {
			case len(tile) != width*tlog.HashSize:
				return false
			case width < tileWidth:
				return rooted && bytes.Equal(tile, edge)
			}
			return above[index] != tlog.Hash{} && foldTile(tile) == above[index]
		}
		first := index << tileHeight
		span := fmt.Sprintf("entries %d to %d", first, first+int64(width)-1)
		tile := Fault{Changed, NoEntry, "", tilePath(0, index, width), "the tile of " + span + " is not the one that was signed"}
		if stored == nil {
			tile.Kind, tile.Detail = Missing, "the tile of "+span+" is not there"
		}
		switch {
		case leads(made):
			x.fault(tile)
		case leads(stored) && x.lengths(index, data, stored):
		case leads(stored):
			bundles = append(bundles, torn{index, stored, entries})
		default:
			if stored == nil || len(stored) != width*tlog.HashSize {
				x.fault(tile)
			}
			x.contradict(index, entries, made, stored, span)
		}
	}
	x.mend(bundles)
	return nil
}

// lengths names the entries before which a wrong length stands, when nothing else is wrong with a bundle.
func (x *examination) lengths(index int64, data, right []byte) bool {
	var starts []int
	for from := 2; ; {
		i := bytes.Index(data[min(from, len(data)):], []byte(leafVersion+" "))
		if i < 0 {
			break
		}
		starts = append(starts, from+i)
		from += i + 1
	}
	if len(starts) != len(right)/tlog.HashSize {
		return false
	}
	var wrong []int
	var entries [][]byte
	for i, start := range starts {
		end := len(data)
		if i+1 < len(starts) {
			end = starts[i+1] - 2
		}
		if end < start || tlog.RecordHash(data[start:end]) != hashAt(right, i) {
			return false
		}
		entries = append(entries, data[start:end])
		if int(binary.BigEndian.Uint16(data[start-2:])) != end-start {
			wrong = append(wrong, i)
		}
	}
	for _, i := range wrong {
		x.fault(Fault{Changed, index<<tileHeight + int64(i), leafID(entries[i]), tilePath(bundleLevel, index, len(starts)), "the length before the entry is not the entry's"})
	}
	for i, e := range entries {
		x.each(index<<tileHeight+int64(i), e)
	}
	return true
}

// contradict names what can be named when neither a bundle nor its tile leads to the root.
func (x *examination) contradict(index int64, entries [][]byte, made, stored []byte, span string) {
	where, named := tilePath(bundleLevel, index, x.width(0, index)), false
	for i, e := range entries {
		if len(stored) >= (i+1)*tlog.HashSize && hashAt(made, i) != hashAt(stored, i) {
			named = true
			x.fault(Fault{Changed, index<<tileHeight + int64(i), leafID(e), where, "the entry is not the one that its tile stands for, and neither leads to the root"})
		}
	}
	if !named {
		x.fault(Fault{Changed, NoEntry, "", where, "one or more of " + span + " were changed or lost together with their tile; compare with the records to see which"})
	}
}

func leafID(entry []byte) cpni.ID {
	l, err := ParseLeaf(entry)
	if err != nil {
		return ""
	}
	return l.ID
}

// mend tells, for bundles whose right hashes are known, which entries were changed, left out, put in or moved.
func (x *examination) mend(bundles []torn) {
	place := map[tlog.Hash]int64{} // where each entry belongs
	for _, b := range bundles {
		for i := range len(b.right) / tlog.HashSize {
			place[hashAt(b.right, i)] = b.index<<tileHeight + int64(i)
		}
	}
	type found struct {
		at, belongs int64
		entry       []byte
	}
	var known, foreign []found
	there := map[int64]bool{} // places whose entry was met
	for _, b := range bundles {
		for i, e := range b.entries {
			at := b.index<<tileHeight + int64(i)
			if p, ok := place[tlog.RecordHash(e)]; ok && !there[p] {
				there[p] = true
				known = append(known, found{at, p, e})
			} else {
				foreign = append(foreign, found{at, NoEntry, e})
			}
		}
	}
	where := func(at int64) string { return tilePath(bundleLevel, at>>tileHeight, x.width(0, at>>tileHeight)) }
	name := func(kind FaultKind, at int64, id cpni.ID, detail string) {
		x.bad[at] = true
		x.fault(Fault{kind, at, id, where(at), detail})
	}
	wanted := slices.Sorted(maps.Values(place))
	wanted = slices.DeleteFunc(wanted, func(p int64) bool { return there[p] })
	inserted := 0
	for _, f := range foreign {
		if i, ok := slices.BinarySearch(wanted, f.at); ok { // its place is empty otherwise
			wanted = slices.Delete(wanted, i, i+1)
			name(Changed, f.at, leafID(f.entry), "the entry is not the one that was signed")
		} else {
			inserted++
			name(Inserted, f.at, leafID(f.entry), "the entry was never signed")
		}
	}
	for _, p := range wanted {
		name(Missing, p, "", "the entry that was signed is not there")
	}
	belongs := make([]int64, len(known))
	for i, k := range known {
		belongs[i] = k.belongs
	}
	stay := rising(belongs)
	for i, k := range known {
		// Where something is missing or put in, the others only move up or down; where nothing is, each that moved counts.
		if shifted := len(foreign)+len(place) != len(known)+len(foreign); k.at != k.belongs && (!stay[i] || !shifted) {
			name(Reordered, k.belongs, leafID(k.entry), fmt.Sprintf("the entry stands at %d", k.at))
		}
	}
}

// rising marks the members of a longest rising subsequence of numbers.
func rising(numbers []int64) []bool {
	ends, before := []int{}, make([]int, len(numbers)) // ends[k]: where the lowest-ending rise of k+1 numbers ends
	for i, n := range numbers {
		k, _ := slices.BinarySearchFunc(ends, n, func(e int, n int64) int { return int(min(1, max(-1, numbers[e]-n))) })
		before[i] = -1
		if k > 0 {
			before[i] = ends[k-1]
		}
		if k == len(ends) {
			ends = append(ends, i)
		} else {
			ends[k] = i
		}
	}
	marked := make([]bool, len(numbers))
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = before[i] {
			marked[i] = true
		}
	}
	return marked
}
