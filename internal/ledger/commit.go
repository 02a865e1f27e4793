package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

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
	wake   chan struct{}
	outer  *outside // newest checkpoint kept outside the database; nil when not configured

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
	l := &Ledger{db: db, clock: o.Clock, origin: o.Origin, signer: o.Signer, node: string(cpni.NewID()), wake: make(chan struct{}, 1)}
	if o.Outside != "" {
		l.outer = &outside{path: o.Outside}
	}
	t, err := loadTree(ctx, db.Reader())
	if err != nil {
		return nil, err
	}
	l.tree = t
	if err := l.checkOutside(ctx); err != nil {
		return nil, err
	}
	return l, nil
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
	err := l.db.Tx(ctx, func(tx *store.Tx) error {
		var err error
		if entries, err = do(tx); err != nil || len(entries) == 0 {
			return err
		}
		if err := check(entries); err != nil {
			return err
		}
		if err := insertRecords(ctx, tx, l.node, n, entries); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO ledger_lane (node, n, count, entries) VALUES ($1, $2, $3, $4)", l.node, n, len(entries), bundle(entries))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("recording in the ledger: %w", err)
	}
	receipts := make([]Receipt, len(entries))
	for i, e := range entries {
		receipts[i] = receiptOf(e)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return receipts, nil
}

// ErrNoRecord: there is no such record.
var ErrNoRecord = errors.New("there is no such record")

// Recall gives the receipt of an entry that was committed before, for a request that is asked again with the same
// idempotency key.
func (l *Ledger) Recall(ctx context.Context, customer, id cpni.ID) (Receipt, error) {
	row, err := l.Record(ctx, customer, id)
	if err != nil {
		return Receipt{}, err
	}
	return receiptOf(row.Entry), nil
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
		st, err := tx.SQL().PrepareContext(ctx, insertMany(1))
		if err != nil {
			return fmt.Errorf("preparing to record: %w", err)
		}
		defer st.Close()
		for pos, e := range entries {
			if _, err := st.ExecContext(ctx, e.columns(nil, node, n, pos)...); err != nil {
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
func bundle(entries []Entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		putEntry(&b, []byte(e.announce()))
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

func splitBundle(data []byte) ([][]byte, error) {
	var all [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return all, errShortBundle
		}
		n := int(binary.BigEndian.Uint16(data))
		all = append(all, data[2:2+n])
		data = data[2+n:]
	}
	return all, nil
}

// Row is an entry as it is stored, with where its node committed it.
type Row struct {
	Entry
	Node string
	N    int64
	Pos  int
}

func scanRow(scan func(...any) error) (Row, error) {
	var r Row
	var at int64
	var permits string
	var commitment []byte
	err := scan(&r.Customer, &r.ID, &r.Kind, &at, &r.Actor, &r.Contact, &r.Purpose, &r.Recipient, &r.Outcome, &r.Code, &r.Rules,
		&permits, &r.Node, &r.N, &r.Pos, &commitment, &r.Sealed)
	if err != nil {
		return r, err
	}
	r.At = time.UnixMicro(at).UTC()
	for _, p := range strings.Fields(permits) {
		r.Permits = append(r.Permits, cpni.DataClass(p))
	}
	copy(r.Commitment[:], commitment)
	return r, nil
}

// Record reads one record.
func (l *Ledger) Record(ctx context.Context, customer, id cpni.ID) (Row, error) {
	r, err := scanRow(l.db.Reader().QueryRow(ctx, "SELECT "+recordColumns+" FROM record WHERE customer_id = $1 AND id = $2", string(customer), string(id)).Scan)
	if store.IsNoRow(err) {
		return r, ErrNoRecord
	}
	return r, err
}

// Filter narrows Records.
type Filter struct {
	Kind   Kind    // "" for every kind
	Before cpni.ID // only records older than this one: the cursor
	Limit  int     // at most so many; 0 for 100
}

// Records lists what is recorded about customer, newest first.
func (l *Ledger) Records(ctx context.Context, customer cpni.ID, f Filter) ([]Row, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	if f.Before == "" {
		f.Before = "~" // sorts behind every id
	}
	rows, err := l.db.Reader().Query(ctx, "SELECT "+recordColumns+" FROM record WHERE customer_id = $1 AND id < $2 AND ($3 = '' OR kind = $3) ORDER BY id DESC LIMIT $4",
		string(customer), string(f.Before), string(f.Kind), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing records: %w", err)
	}
	defer rows.Close()
	var all []Row
	for rows.Next() {
		r, err := scanRow(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Each calls do for every record, by customer and then by id, until do fails.
func (l *Ledger) Each(ctx context.Context, do func(Row) error) error {
	return each(ctx, l.db.Reader(), do)
}

func each(ctx context.Context, q store.Querier, do func(Row) error) error {
	const page = 2000
	customer, id := "", ""
	for {
		rows, err := q.Query(ctx, "SELECT "+recordColumns+" FROM record WHERE (customer_id, id) > ($1, $2) ORDER BY customer_id, id LIMIT $3", customer, id, page)
		if err != nil {
			return fmt.Errorf("reading records: %w", err)
		}
		n := 0
		for rows.Next() {
			r, err := scanRow(rows.Scan)
			if err == nil {
				err = do(r)
			}
			if err != nil {
				rows.Close()
				return err
			}
			customer, id = string(r.Customer), string(r.ID)
			n++
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		if n < page {
			return nil
		}
	}
}
