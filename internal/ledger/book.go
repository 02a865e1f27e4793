package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"ringfence/internal/cpni"
)

// mark identifies what a node announced of an entry: half of its SHA-256.
type mark [16]byte

func markOf(announced []byte) mark {
	h := sha256.Sum256(announced)
	return mark(h[:16])
}

// book holds what the entries of a log say, so that records can be compared with them: in the order of the tree, and
// behind it those that wait to be sequenced.
type book struct {
	*inquiry
	marks   []mark // zero where the entry could not be read
	met     []bool // entries whose record was met
	waiting [][]byte
	last    time.Time       // of sequencing
	back    []Fault         // entries whose time of sequencing goes back
	stamps  map[int64]int64 // microseconds of sequencing of the entries that are wanted here
	strays  []stray
	// destroying are the entries that say that records were destroyed, with the hash of which; lists are those that are gone, by
	// the entry that is said to name them.
	destroying map[string]string
	lists      map[string][]string
	spare      []bool // entries of which no record has to be there; nil: each has one
}

// stray is a record that is not at an entry that says what it says.
type stray struct {
	id    cpni.ID
	mark  mark
	index int64 // where its place columns lead, or NoEntry
	why   string
}

func newBook(q *inquiry) *book { return &book{inquiry: q, stamps: map[int64]int64{}} }

// leaf takes note of an entry of the tree.
func (b *book) leaf(index int64, leaf []byte) {
	inTurn := index >= int64(len(b.marks))
	for int64(len(b.marks)) <= index {
		b.marks = append(b.marks, mark{})
	}
	cutAt := bytes.LastIndexByte(leaf, ' ')
	if cutAt < 0 {
		b.fault(Fault{Changed, index, "", "the tree", "the entry is none of ours"})
		return
	}
	b.marks[index] = markOf(leaf[:cutAt])
	at, err := time.Parse(timeLayout, string(leaf[cutAt+1:]))
	if err != nil {
		b.fault(Fault{Changed, index, leafID(leaf), "the tree", "the entry does not say when it was sequenced"})
		return
	}
	if _, ok := b.stamps[index]; ok {
		b.stamps[index] = at.UnixMicro()
	}
	if !inTurn {
		return
	}
	if at.Before(b.last) {
		b.back = append(b.back, Fault{Reordered, index, leafID(leaf), "the tree", "the entry says that it was sequenced before the one before it"})
	}
	b.last = at
}

// order names the entries whose time goes back, but for what a changed entry beside them explains.
func (b *book) order() {
	for _, f := range b.back {
		if !b.bad[f.Index] && !b.bad[f.Index-1] {
			b.fault(f)
		}
	}
}

// wait takes note of an entry that is committed and not in the tree; it gives its index, behind the tree.
func (b *book) wait(announced []byte) int64 {
	for int64(len(b.marks)) < b.Tree.N {
		b.marks = append(b.marks, mark{})
	}
	b.marks = append(b.marks, markOf(announced))
	b.waiting = append(b.waiting, announced)
	b.Waiting++
	return int64(len(b.marks)) - 1
}

// record compares a record with the entry at index; NoEntry when nothing says where that is.
func (b *book) record(s stored, index int64, why string) {
	b.Records++
	if s.kind == string(Admin) && s.purpose == Destroyed && s.customer == "" {
		if b.destroying == nil {
			b.destroying = map[string]string{}
		}
		b.destroying[s.id] = s.contact
	}
	b.place(cpni.ID(s.id), markOf(s.announce()), index, why)
}

// place compares what a record announces with the entry at index.
func (b *book) place(id cpni.ID, m mark, index int64, why string) {
	if b.met == nil {
		for int64(len(b.marks)) < b.Tree.N {
			b.marks = append(b.marks, mark{})
		}
		b.met = make([]bool, len(b.marks))
	}
	if index != NoEntry && !b.met[index] {
		if b.marks[index] == m || b.marks[index] == (mark{}) || b.bad[index] {
			b.met[index] = true
			return
		}
	}
	if len(b.strays) < mostFaults {
		b.strays = append(b.strays, stray{id, m, index, why})
	} else {
		b.More++
	}
}

// settle names the records that are not where their entries are, and the entries without a record.
func (b *book) settle(ctx context.Context, src source) error {
	b.destruction()
	lone := 0
	for i, met := range b.met {
		if !met && !b.spared(i) {
			lone++
		}
	}
	if len(b.strays) == 0 && lone == 0 && b.met != nil {
		return nil
	}
	if b.met == nil {
		b.met = make([]bool, len(b.marks))
	}
	ids, err := b.identities(ctx, src)
	if err != nil {
		return err
	}
	place := make(map[cpni.ID]int64, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	var unknown []stray
	for _, s := range b.strays {
		i, ok := place[s.id]
		switch {
		case !ok:
			unknown = append(unknown, s)
		case b.met[i]:
			b.name(Inserted, i, s.id, "a second record of the entry")
		case b.marks[i] == s.mark && s.why != "":
			b.met[i] = true
			b.name(Changed, i, s.id, s.why)
		case b.marks[i] == s.mark:
			b.met[i] = true
			b.name(Changed, i, s.id, "the record's node, commit or position is not the one that it was committed with")
		default:
			b.met[i] = true
			b.name(Changed, i, s.id, "the record is not the one that the entry stands for")
		}
	}
	for _, s := range unknown {
		if s.index != NoEntry && !b.met[s.index] {
			b.met[s.index] = true
			b.name(Changed, s.index, ids[s.index], "the record in its place bears another id, "+fmt.Sprintf("%.26q", s.id))
			continue
		}
		b.name(Inserted, NoEntry, s.id, "the record belongs to no entry: nobody committed it")
	}
	for i, met := range b.met {
		if !met && !b.bad[int64(i)] && !b.spared(i) {
			b.name(Missing, int64(i), ids[int64(i)], "the entry's record is not there")
		}
	}
	return nil
}

// spared reports whether the record of an entry need not be there.
func (b *book) spared(index int) bool { return index < len(b.spare) && b.spare[index] }

// name reports a fault of a record; entries that wait have no index yet.
func (b *book) name(kind FaultKind, index int64, id cpni.ID, detail string) {
	if index >= b.Tree.N {
		index = NoEntry
		detail += " (it waits to be sequenced)"
	}
	b.fault(Fault{kind, index, id, "the records", detail})
}

// identities reads the ids of the entries once more: of those without a record, and of those that a stray may be of.
func (b *book) identities(ctx context.Context, src source) (map[int64]cpni.ID, error) {
	wanted := make(map[cpni.ID]bool, len(b.strays))
	for _, s := range b.strays {
		wanted[s.id] = true
	}
	ids := map[int64]cpni.ID{}
	note := func(index int64, entry []byte) {
		f := bytes.SplitN(entry, []byte(" "), 3)
		if len(f) == 3 && (wanted[cpni.ID(f[1])] || !b.met[index] && !b.spared(int(index)) && len(ids) < mostFaults) {
			ids[index] = cpni.ID(f[1])
		}
	}
	for from := int64(0); from < b.Tree.N; from += tileWidth {
		data, err := fetchTile(ctx, src, bundleLevel, from>>tileHeight, int(min(tileWidth, b.Tree.N-from)))
		if err != nil {
			return nil, err
		}
		entries, _ := splitBundle(data)
		for i, e := range entries[:min(int64(len(entries)), b.Tree.N-from)] {
			note(from+int64(i), e)
		}
	}
	for i, e := range b.waiting {
		note(b.Tree.N+int64(i), e)
	}
	return ids, nil
}
