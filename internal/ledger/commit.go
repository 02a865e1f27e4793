package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Ledger is an open ledger.
type Ledger struct {
	db     *store.DB
	clock  cpni.Clock
	origin string
	signer note.Signer
	node   string // this process's lane
	n      atomic.Int64
	outer  *outside                  // newest checkpoint kept outside the database; nil when not configured
	known  atomic.Pointer[tlog.Tree] // newest that this node has signed or seen

	witnessed atomic.Bool // others cosign the checkpoints

	mu   sync.Mutex // held while sequencing
	tree *tree
}

// Options of Open.
type Options struct {
	Origin string      // the log's name, the first line of every checkpoint
	Signer note.Signer // Ed25519; its name is Origin
	Clock  cpni.Clock  // never goes back: a store.ForwardClock
	// Outside is the path of a file, best on another file system, that keeps the newest checkpoint; empty: none.
	Outside string
}

// Open opens the ledger of db. It fails when the database is behind the checkpoint that is kept outside it.
func Open(ctx context.Context, db *store.DB, o Options) (*Ledger, error) {
	if o.Origin == "" || o.Signer == nil || o.Clock == nil {
		return nil, errors.New("ledger: origin, signer and clock are needed")
	}
	l := &Ledger{db: db, clock: o.Clock, origin: o.Origin, signer: o.Signer}
	if o.Outside != "" {
		l.outer = &outside{path: o.Outside}
	}
	if err := l.recallOutside(); err != nil {
		return nil, err
	}
	if err := l.reload(ctx); err != nil {
		return nil, err
	}
	if err := l.keepTime(ctx); err != nil {
		return nil, err
	}
	// A node of a later start sorts behind, where two commits bear one time.
	l.node = string(cpni.NewTimedID(l.clock.Now()))
	return l, nil
}

// keepTime sees to it that no entry is younger than those that were committed and not sequenced when the last process
// ended.
func (l *Ledger) keepTime(ctx context.Context) error {
	clock, ok := l.clock.(interface{ Raise(time.Time) })
	if !ok {
		return nil
	}
	var at sql.NullInt64
	if err := l.db.Reader().QueryRow(ctx, "SELECT max(at) FROM ledger_lane").Scan(&at); err != nil {
		return fmt.Errorf("reading what waits: %w", err)
	}
	if at.Valid {
		clock.Raise(time.UnixMicro(at.Int64))
	}
	return nil
}

// Commit runs do in one transaction, records the entries that it returns, and commits. The receipts, one an entry in
// the same order, exist only after the commit. When do returns no entries its other writes are committed all the same.
//
// An error that is store.ErrUnknownOutcome means that the entries may be durable; nothing may be released on them.
//
// cite: P-41
func (l *Ledger) Commit(ctx context.Context, do func(tx *store.Tx) ([]Entry, error)) ([]Receipt, error) {
	n := l.n.Add(1)
	var entries []Entry
	var announced [][]byte
	err := l.db.Tx(ctx, func(tx *store.Tx) error {
		var err error
		if entries, err = do(tx); err != nil || len(entries) == 0 {
			return err
		}
		if err := check(entries); err != nil {
			return err
		}
		at := int64(0)
		announced = make([][]byte, len(entries))
		for i, e := range entries {
			announced[i] = e.stored().announce()
			at = max(at, e.At.UnixMicro())
		}
		if err := insertRecords(ctx, tx, l.node, n, entries); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO ledger_lane (node, n, at, count, entries, about) VALUES ($1, $2, $3, $4, $5, $6)", l.node, n, at, len(entries), bundle(announced), aboutOf(entries))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("recording in the ledger: %w", err)
	}
	receipts := make([]Receipt, len(entries))
	for i, e := range entries {
		receipts[i] = receiptOf(e, announced[i])
	}
	return receipts, nil
}

// maxWord bounds every readable column of an entry: none of them is free text.
const maxWord = 120

func check(entries []Entry) error {
	for _, e := range entries {
		if !e.ID.Valid() || e.Kind == "" || e.At.IsZero() || len(e.Sealed) == 0 || e.Commitment == [32]byte{} {
			return fmt.Errorf("ledger: an entry of kind %q lacks its id, time, record or commitment", e.Kind)
		}
		if (len(e.Permits) > 0) != (e.Outcome == cpni.Permit && e.Kind == Decision) {
			return fmt.Errorf("ledger: an entry with outcome %q names %d permitted classes", e.Outcome, len(e.Permits))
		}
		for _, w := range [...]string{string(e.Customer), e.Actor, e.Contact, e.Purpose, e.Recipient, string(e.Outcome), string(e.Code), e.Rules} {
			if len(w) > maxWord {
				return fmt.Errorf("ledger: a column of an entry of kind %q has %d bytes; the most is %d", e.Kind, len(w), maxWord)
			}
		}
	}
	return nil
}

const recordColumns = "customer_id, id, kind, at, actor, contact, purpose, recipient, outcome, code, rules, permits, node, n, pos, commitment, sealed"

const recordWidth = 17

// insertRecords writes one row an entry: one statement for many rows on PostgreSQL, where a statement is a journey; one
// prepared statement many times on SQLite, where it is a call.
func insertRecords(ctx context.Context, tx *store.Tx, node string, n int64, entries []Entry) error {
	if tx.Dialect() == store.SQLite {
		one := insertMany(1)
		args := make([]any, 0, recordWidth)
		for pos, e := range entries {
			if _, err := tx.Exec(ctx, one, e.columns(args[:0], node, n, pos)...); err != nil {
				return err
			}
		}
		return nil
	}
	const chunk = 256
	for from := 0; from < len(entries); from += chunk {
		part := entries[from:min(from+chunk, len(entries))]
		args := make([]any, 0, len(part)*recordWidth)
		for i, e := range part {
			args = e.columns(args, node, n, from+i)
		}
		if _, err := tx.Exec(ctx, insertMany(len(part)), args...); err != nil {
			return err
		}
	}
	return nil
}

var insertCache sync.Map // int → string

func insertMany(rows int) string {
	if s, ok := insertCache.Load(rows); ok {
		return s.(string)
	}
	var b strings.Builder
	b.WriteString("INSERT INTO record (" + recordColumns + ") VALUES ")
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range recordWidth {
			if c > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(r*recordWidth + c + 1))
		}
		b.WriteByte(')')
	}
	insertCache.Store(rows, b.String())
	return b.String()
}

func (e Entry) columns(args []any, node string, n int64, pos int) []any {
	return append(args, string(e.Customer), string(e.ID), string(e.Kind), e.At.UnixMicro(), e.Actor, e.Contact, e.Purpose, e.Recipient,
		string(e.Outcome), string(e.Code), e.Rules, e.permits(), node, n, pos, e.Commitment[:], e.Sealed)
}

// bundle writes the announcements one behind the other, each with its length in two bytes, as tlog-tiles does.
func bundle(announced [][]byte) []byte {
	var b bytes.Buffer
	for _, e := range announced {
		putEntry(&b, e)
	}
	return b.Bytes()
}

func putEntry(b *bytes.Buffer, entry []byte) {
	var n [2]byte
	binary.BigEndian.PutUint16(n[:], uint16(len(entry)))
	b.Write(n[:])
	b.Write(entry)
}

var errShortBundle = errors.New("a bundle of entries ends in the middle of one")

// cutEntry takes the first entry off a bundle.
func cutEntry(data []byte) (entry, rest []byte, ok bool) {
	if len(data) < 2 {
		return nil, data, false
	}
	n := 2 + int(binary.BigEndian.Uint16(data))
	if len(data) < n {
		return nil, data, false
	}
	return data[2:n], data[n:], true
}

func splitBundle(data []byte) ([][]byte, error) {
	var all [][]byte
	for len(data) > 0 {
		entry, rest, ok := cutEntry(data)
		if !ok {
			return all, errShortBundle
		}
		all, data = append(all, entry), rest
	}
	return all, nil
}
