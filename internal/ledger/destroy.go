package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Destroyed is the purpose of an entry that says that records were destroyed. Its column of the contact holds what ListOf gives
// of them, so that nobody can let a record vanish behind an entry that names others.
const Destroyed = "destroyed"

// gone is a record of which only what its leaf holds is left.
type gone struct {
	customer, id, kind string
	at                 int64
	digest, commitment []byte
	by                 string // the entry that says so
}

func (g gone) announce() []byte {
	return announceOf(g.id, g.kind, g.at, g.digest, g.commitment)
}

// announceOf writes what a node commits of an entry for the sequencer.
func announceOf(id, kind string, at int64, digest, commitment []byte) []byte {
	b := append(make([]byte, 0, 256), leafVersion+" "...)
	b = append(append(b, id...), ' ')
	b = append(append(b, kind...), ' ')
	b = append(time.UnixMicro(at).UTC().AppendFormat(b, timeLayout), ' ')
	b = append(base64.RawStdEncoding.AppendEncode(b, digest), ' ')
	return base64.RawStdEncoding.AppendEncode(b, commitment)
}

// ListOf names exactly these records, in whatever order: the hash that the entry of their destruction bears.
func ListOf(rows []Row) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		d := r.Digest()
		lines[i] = string(announceOf(string(r.ID), string(r.Kind), r.At.UnixMicro(), d[:], r.Commitment[:]))
	}
	return listHash(lines)
}

func listHash(lines []string) string {
	slices.Sort(lines)
	sum := sha256.Sum256([]byte("ringfence destroyed v1\n" + strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// Destroy takes records out of the database and leaves of each what its leaf holds, so that the ledger still verifies. by is the
// entry that says so, which is committed in the same transaction with Destroyed and ListOf these records.
//
// cite: P-41, 47 CFR 64.2009(c)
func Destroy(ctx context.Context, tx *store.Tx, by cpni.ID, rows []Row) error {
	for _, r := range rows {
		d := r.Digest()
		if _, err := tx.Exec(ctx, `INSERT INTO record_destroyed (customer_id, id, kind, at, node, n, pos, digest, commitment, by_entry)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, string(r.Customer), string(r.ID), string(r.Kind), r.At.UnixMicro(), r.Node, r.N, r.Pos, d[:], r.Commitment[:], string(by)); err != nil {
			return fmt.Errorf("destroying a record: %w", err)
		}
		if _, err := tx.Exec(ctx, "DELETE FROM record WHERE customer_id = $1 AND id = $2", string(r.Customer), string(r.ID)); err != nil {
			return fmt.Errorf("destroying a record: %w", err)
		}
	}
	return nil
}

// without takes note of a record that was destroyed, as one compares a record that is there.
func (b *book) without(g gone, index int64, why string) {
	b.Destroyed++
	if b.lists == nil {
		b.lists = map[string][]string{}
	}
	announced := g.announce()
	b.lists[g.by] = append(b.lists[g.by], string(announced))
	b.place(cpni.ID(g.id), markOf(announced), index, why)
}

// destruction names records that are not there and that no entry says were destroyed.
func (b *book) destruction() {
	for _, by := range slices.Sorted(maps.Keys(b.lists)) {
		if hash, ok := b.destroying[by]; !ok || hash != listHash(b.lists[by]) {
			b.fault(Fault{Missing, NoEntry, cpni.ID(by), "the destroyed records", fmt.Sprintf("%d records are not there, and the entry does not say that exactly these were destroyed", len(b.lists[by]))})
		}
		delete(b.destroying, by)
	}
	for _, by := range slices.Sorted(maps.Keys(b.destroying)) {
		b.fault(Fault{Missing, NoEntry, cpni.ID(by), "the destroyed records", "the entry says that records were destroyed, and nothing is left of them"})
	}
}

// destroyed reads what is left of records that were destroyed.
func (x *audit) destroyed(ctx context.Context) error {
	rows, err := x.q.Query(ctx, "SELECT customer_id, id, kind, at, node, n, pos, digest, commitment, by_entry FROM record_destroyed")
	if err != nil {
		return err
	}
	return eachRow(rows, func() error {
		var customer, id, kind, node, by exactly[string]
		var at, n, pos exactly[int64]
		var digest, commitment exactly[[]byte]
		if err := rows.Scan(&customer, &id, &kind, &at, &node, &n, &pos, &digest, &commitment, &by); err != nil {
			return err
		}
		g := gone{customer.value, id.value, kind.value, at.value, digest.value, commitment.value, by.value}
		if !customer.ok || !id.ok || !kind.ok || !node.ok || !by.ok || !at.ok || !n.ok || !pos.ok || !digest.ok || !commitment.ok {
			x.without(g, NoEntry, "a column of what is left of the record has another type")
			return nil
		}
		x.without(g, x.placeOf(node.value, n.value, pos.value), "")
		return nil
	})
}

// eachDestroyed reads, for an export, what is left of the records whose entries are in a tree of size entries.
func eachDestroyed(ctx context.Context, q store.Querier, size int64, do func(exported) error) error {
	rows, err := q.Query(ctx, `SELECT d.customer_id, d.id, d.kind, d.at, d.commitment, d.digest, d.by_entry FROM record_destroyed d
		WHERE EXISTS (SELECT 1 FROM ledger_span s WHERE s.node = d.node AND s.n = d.n AND s.first_seq < $1)`, size)
	if err != nil {
		return fmt.Errorf("reading what was destroyed: %w", err)
	}
	return eachRow(rows, func() error {
		var e exported
		if err := rows.Scan(&e.Customer, &e.ID, &e.Kind, &e.At, &e.Commitment, &e.Digest, &e.By); err != nil {
			return err
		}
		e.Digest, e.Commitment = bytes.Clone(e.Digest), bytes.Clone(e.Commitment)
		return do(e)
	})
}
