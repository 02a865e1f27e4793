package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/store"
)

// Verify verifies the ledger of the database it is open on; see VerifyDatabase.
func (l *Ledger) Verify(ctx context.Context, w io.Writer) (*Verification, error) {
	trust := Trust{Key: l.VerifierKey()}
	if l.outer != nil {
		var err error
		if trust.Known, err = ReadOutside(l.outer.path); err != nil {
			return nil, err
		}
	}
	return VerifyDatabase(ctx, l.db, trust, w)
}

// VerifyDatabase verifies every table of the ledger: the tree against its checkpoints, each record against its entry, and
// what waits against the records that it announces. It reads one state of the database, which may be in use, and reports
// to w. An error means that it could not be verified; what is wrong is in the result.
//
// cite: P-41, 47 CFR 64.2009(c)
func VerifyDatabase(ctx context.Context, db *store.DB, trust Trust, w io.Writer) (*Verification, error) {
	v, err := trust.verifier()
	if err != nil {
		return nil, err
	}
	known, err := trust.known(v)
	if err != nil {
		return nil, err
	}
	q := newInquiry(w)
	q.Origin = v.Name()
	err = db.Snapshot(ctx, func(reader store.Querier) error {
		x := &audit{book: newBook(q), q: reader, v: v, dialect: db.Dialect()}
		return x.run(ctx, known, trust.Witnesses)
	})
	if err != nil {
		return nil, err
	}
	return q.end(), nil
}

// audit is the verification of a database.
type audit struct {
	*book
	q       store.Querier
	v       note.Verifier
	dialect store.Dialect
	spans   []span // by node and number
}

// span is where the entries of one commit stand; behind the tree for one that waits.
type span struct {
	node            string
	n, first, count int64
}

func (x *audit) run(ctx context.Context, known *tlog.Tree, asked Witnesses) error {
	if x.dialect == store.SQLite {
		if err := x.part(ctx, "the SQLite file", x.file); err != nil {
			return err
		}
	}
	var points []checkpointRow
	err := x.part(ctx, "table ledger_checkpoint", func(ctx context.Context) (err error) {
		points, err = x.checkpoints(ctx)
		return err
	})
	if err != nil {
		return err
	}
	var sizes []int64
	for _, p := range points {
		if p.tree.N > x.Tree.N {
			x.Tree = p.tree
		}
		sizes = append(sizes, p.tree.N)
		x.stamps[p.tree.N-1] = 0
	}
	cosigned, err := x.cosigned(ctx, asked)
	if err != nil {
		return err
	}
	sizes = append(sizes, sizesOf(x.Tree, known, cosigned)...)
	slices.Sort(sizes)
	roots, err := x.examine(ctx, tables{x.q}, x.Tree, slices.Compact(sizes), x.leaf)
	if err != nil {
		if err := x.part(ctx, "table ledger_tile", func(context.Context) error { return err }); err != nil {
			return err
		}
	}
	x.order()
	x.compareKnown(known, x.Tree, roots)
	x.compareCosigned(cosigned, x.Tree, roots)
	x.history(points, roots)
	for _, p := range []struct {
		where string
		do    func(context.Context) error
	}{
		{"table meta", x.head},
		{"table ledger_tile", x.widths},
		{"table ledger_span", x.readSpans},
		{"table ledger_lane", x.lanes},
		{"table record", x.records},
		{"table record_destroyed", x.destroyed},
	} {
		if err := x.part(ctx, p.where, p.do); err != nil {
			return err
		}
	}
	return x.settle(ctx, tables{x.q})
}

// cosigned judges the newest checkpoint that enough witnesses have cosigned; a database without one has the newest of all alone.
func (x *audit) cosigned(ctx context.Context, asked Witnesses) (*tlog.Tree, error) {
	if len(asked.Keys) == 0 {
		return nil, nil
	}
	c, err := newestCosigned(ctx, x.q)
	if errors.Is(err, ErrNotYet) {
		err = x.q.QueryRow(ctx, "SELECT note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1").Scan(&c.Note)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what witnesses have cosigned: %w", err)
	}
	return x.cosignatures([][]byte{c.Note}, x.v, asked)
}

// part runs one part of the audit. That a table cannot be read is a fault of it.
func (x *audit) part(ctx context.Context, where string, do func(context.Context) error) error {
	err := do(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	x.fault(Fault{Changed, NoEntry, "", where, "it cannot be read: " + err.Error()})
	return nil
}

// file asks SQLite whether the file is sound: that tables and their indexes agree.
func (x *audit) file(ctx context.Context) error {
	rows, err := x.q.Query(ctx, "PRAGMA integrity_check(20)")
	if err != nil {
		return err
	}
	return eachRow(rows, func() error {
		var said string
		if err := rows.Scan(&said); err != nil {
			return err
		}
		if said != "ok" {
			x.fault(Fault{Changed, NoEntry, "", "the SQLite file", said})
		}
		return nil
	})
}

// eachRow calls do at every row and closes them.
func eachRow(rows *sql.Rows, do func() error) error {
	defer rows.Close()
	for rows.Next() {
		if err := do(); err != nil {
			return err
		}
	}
	return rows.Err()
}

type checkpointRow struct {
	at   int64
	tree tlog.Tree
}

// checkpoints reads all of them, the newest last, and checks their signatures.
func (x *audit) checkpoints(ctx context.Context) ([]checkpointRow, error) {
	rows, err := x.q.Query(ctx, "SELECT size, at, note FROM ledger_checkpoint ORDER BY size")
	if err != nil {
		return nil, err
	}
	var all []checkpointRow
	err = eachRow(rows, func() error {
		var size, at exactly[int64]
		var text exactly[string]
		if err := rows.Scan(&size, &at, &text); err != nil {
			return err
		}
		where := fmt.Sprintf("the checkpoint of %d entries", size.value)
		if !size.ok || !at.ok || !text.ok {
			x.fault(Fault{Changed, NoEntry, "", where, "a column has another type"})
		}
		row := checkpointRow{at: at.value}
		c, err := openCheckpoint([]byte(text.value), x.v)
		if err != nil {
			x.fault(Fault{BadSignature, NoEntry, "", where, err.Error()})
			if c, err = parseText(text.value); err != nil { // what it says helps to find what else is wrong
				c.Tree = tlog.Tree{N: max(0, size.value)}
			}
		}
		if c.Tree.N != size.value {
			x.fault(Fault{Changed, NoEntry, "", where, fmt.Sprintf("it is signed for %d", c.Tree.N)})
		}
		row.tree = c.Tree
		all = append(all, row)
		return nil
	})
	return all, err
}

// history checks that the tree goes on from each older one, and the times of the checkpoints.
func (x *audit) history(points []checkpointRow, roots map[int64]tlog.Hash) {
	for _, p := range points {
		where := fmt.Sprintf("the checkpoint of %d entries", p.tree.N)
		if root, ok := roots[p.tree.N]; ok && root != p.tree.Hash && len(x.Faults) == 0 {
			x.fault(Fault{Changed, NoEntry, "", where, "the tree does not go on from it"})
		}
		if at := x.stamps[p.tree.N-1]; at != 0 && at != p.at && !x.bad[p.tree.N-1] {
			x.fault(Fault{Changed, NoEntry, "", where, "its time is not that of its last entry"})
		}
	}
}

// head compares the head of the log, which the sequencer moves, with the newest checkpoint.
func (x *audit) head(ctx context.Context) error {
	var head string
	err := x.q.QueryRow(ctx, "SELECT value FROM meta WHERE name = $1", headName).Scan(&head)
	if store.IsNoRow(err) {
		head, err = "0", nil
	}
	if err != nil {
		return err
	}
	if n, err := strconv.ParseInt(head, 10, 64); err != nil || n != x.Tree.N {
		x.fault(Fault{RolledBack, NoEntry, "", "the checkpoint", fmt.Sprintf("the newest that holds is of %d entries, and the head of the log stood at %.20s", x.Tree.N, head)})
	}
	return nil
}

// widths finds tiles that should not be there, and columns that do not say how wide theirs is.
func (x *audit) widths(ctx context.Context) error {
	rows, err := x.q.Query(ctx, "SELECT level, idx, width FROM ledger_tile ORDER BY level, idx")
	if err != nil {
		return err
	}
	probe := examination{size: x.Tree.N}
	return eachRow(rows, func() error {
		var level, index, width exactly[int64]
		if err := rows.Scan(&level, &index, &width); err != nil {
			return err
		}
		if !level.ok || !index.ok || !width.ok {
			x.fault(Fault{Changed, NoEntry, "", "table ledger_tile", "a column has another type"})
			return nil
		}
		name := tilePath(int(level.value), index.value, tileWidth)
		if level.value < bundleLevel || level.value > 7 || index.value < 0 || index.value > x.Tree.N {
			x.fault(Fault{Inserted, NoEntry, "", name, "a log of this size has no such tile"})
			return nil
		}
		switch want := probe.width(max(0, int(level.value)), index.value); {
		case want <= 0:
			x.fault(Fault{Inserted, NoEntry, "", name, "a log of this size has no such tile"})
		case width.value != int64(want):
			x.fault(Fault{Changed, NoEntry, "", name, fmt.Sprintf("its width is said to be %d; it is %d", width.value, want)})
		}
		return nil
	})
}

// readSpans reads where each commit stands and checks that the commits cover the tree, each entry once.
func (x *audit) readSpans(ctx context.Context) error {
	rows, err := x.q.Query(ctx, "SELECT node, n, first_seq, count FROM ledger_span ORDER BY node, n")
	if err != nil {
		return err
	}
	covered := make([]bool, x.Tree.N)
	node := ""
	err = eachRow(rows, func() error {
		var by exactly[string]
		var n, first, count exactly[int64]
		if err := rows.Scan(&by, &n, &first, &count); err != nil {
			return err
		}
		if by.value == node {
			by.value = node // one string for all of a node's
		}
		node = by.value
		s := span{node, n.value, first.value, count.value}
		where := fmt.Sprintf("the place of commit %d of node %.26q", s.n, s.node)
		if !by.ok || !n.ok || !first.ok || !count.ok || s.first < 0 || s.count < 1 || s.first > x.Tree.N-s.count {
			x.fault(Fault{Changed, NoEntry, "", where, fmt.Sprintf("it is not in a tree of %d entries", x.Tree.N)})
			return nil
		}
		for i := s.first; i < s.first+s.count; i++ {
			if covered[i] {
				x.fault(Fault{Changed, i, "", where, "another commit has this place"})
				break
			}
			covered[i] = true
		}
		x.spans = append(x.spans, s)
		return nil
	})
	if gap := slices.Index(covered, false); gap >= 0 {
		x.fault(Fault{Missing, int64(gap), "", "table ledger_span", "no commit has the place of this entry, and perhaps of more"})
	}
	return err
}

// lanes reads what waits to be sequenced.
func (x *audit) lanes(ctx context.Context) error {
	rows, err := x.q.Query(ctx, "SELECT node, n, at, count, entries FROM ledger_lane ORDER BY at, node, n")
	if err != nil {
		return err
	}
	err = eachRow(rows, func() error {
		var node exactly[string]
		var n, at, count exactly[int64]
		var data exactly[[]byte]
		if err := rows.Scan(&node, &n, &at, &count, &data); err != nil {
			return err
		}
		where := fmt.Sprintf("what waits of commit %d of node %.26q", n.value, node.value)
		entries, err := splitBundle(data.value)
		if err != nil || int64(len(entries)) != count.value || !node.ok || !n.ok || !at.ok || !data.ok {
			x.fault(Fault{Changed, NoEntry, "", where, errors.Join(errors.New("it does not hold as many entries as it says, or a column has another type"), err).Error()})
		}
		s := span{node.value, n.value, max(x.Tree.N, int64(len(x.marks))), int64(len(entries))}
		youngest := int64(0)
		for _, e := range entries {
			x.wait(e)
			l, err := ParseLeaf(append(slices.Clip(e), " "+timeLayout...)) // as it would be in the tree
			if err != nil {
				x.fault(Fault{Changed, NoEntry, "", where, err.Error()})
			}
			youngest = max(youngest, l.At.UnixMicro())
		}
		if youngest != at.value {
			x.fault(Fault{Changed, NoEntry, "", where, "its time is not that of its youngest entry"})
		}
		x.spans = append(x.spans, s)
		return nil
	})
	slices.SortStableFunc(x.spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.n, b.n)) })
	for i := 1; i < len(x.spans); i++ {
		if a, b := x.spans[i-1], x.spans[i]; a.node == b.node && a.n == b.n {
			x.fault(Fault{Inserted, NoEntry, "", "table ledger_lane", fmt.Sprintf("commit %d of node %.26q waits and is in the tree already", a.n, a.node)})
		}
	}
	return err
}

// records compares every record with the entry at which its node, commit and position place it.
func (x *audit) records(ctx context.Context) error {
	rows, err := x.q.Query(ctx, "SELECT "+recordColumns+" FROM record")
	if err != nil {
		return err
	}
	var words [11]exactly[string]
	var node exactly[string]
	var at, n, pos exactly[int64]
	var commitment, sealed exactly[[]byte]
	return eachRow(rows, func() error {
		w := &words
		if err := rows.Scan(&w[0], &w[1], &w[2], &at, &w[3], &w[4], &w[5], &w[6], &w[7], &w[8], &w[9], &w[10], &node, &n, &pos, &commitment, &sealed); err != nil {
			return err
		}
		s := stored{w[0].value, w[1].value, w[2].value, at.value, w[3].value, w[4].value, w[5].value, w[6].value, w[7].value, w[8].value,
			w[9].value, w[10].value, commitment.value, sealed.value}
		sound := node.ok && at.ok && n.ok && pos.ok && commitment.ok && sealed.ok
		for i := range words {
			sound = sound && words[i].ok
		}
		if !sound {
			x.record(s, NoEntry, "a column of the record has another type")
			return nil
		}
		x.record(s, x.placeOf(node.value, n.value, pos.value), "")
		return nil
	})
}

// placeOf tells the index of the entry at pos of a commit, or NoEntry.
func (x *audit) placeOf(node string, n, pos int64) int64 {
	i, ok := slices.BinarySearchFunc(x.spans, span{node: node, n: n}, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.n, b.n))
	})
	if !ok || pos < 0 || pos >= x.spans[i].count {
		return NoEntry
	}
	return x.spans[i].first + pos
}
