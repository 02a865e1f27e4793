package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

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
	Or     Kind    // another kind beside Kind; "" none
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
	rows, err := l.db.Reader().Query(ctx, "SELECT "+recordColumns+" FROM record WHERE customer_id = $1 AND id < $2 AND ($3 = '' OR kind = $3 OR kind = $5) ORDER BY id DESC LIMIT $4",
		string(customer), string(f.Before), string(f.Kind), f.Limit, string(f.Or))
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

// Succeeded counts what was permitted or done in a contact since a moment.
func Succeeded(ctx context.Context, q store.Querier, customer cpni.ID, contact string, kind Kind, since time.Time) (n int, err error) {
	err = q.QueryRow(ctx, "SELECT count(*) FROM record WHERE customer_id = $1 AND id >= $2 AND kind = $3 AND contact = $4 AND outcome IN ($5, $6)",
		string(customer), string(cpni.FirstTimedID(since)), string(kind), contact, string(cpni.OK), string(cpni.Permit)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting what was done in a contact: %w", err)
	}
	return n, nil
}

// Failures counts the attempts about a customer that were refused since a moment, as q sees them.
func Failures(ctx context.Context, q store.Querier, customer cpni.ID, since time.Time) (n int, err error) {
	err = q.QueryRow(ctx, "SELECT count(*) FROM record WHERE customer_id = $1 AND id >= $2 AND kind = $3 AND outcome <> $4",
		string(customer), string(cpni.FirstTimedID(since)), string(Attempt), string(cpni.OK)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting attempts: %w", err)
	}
	return n, nil
}

// Each calls do for every record, by customer and then by id, until do fails.
func (l *Ledger) Each(ctx context.Context, do func(Row) error) error {
	return Each(ctx, l.db.Reader(), do)
}

// Each does so for the records of a database that is open for reading.
func Each(ctx context.Context, q store.Querier, do func(Row) error) error {
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

// ErrNoRecord: there is no such record.
var ErrNoRecord = errors.New("there is no such record")

// Recall gives the receipt of an entry that was committed before, for a request that is asked again with the same
// idempotency key. A row that is no longer what was committed yields none.
//
// cite: P-41
func (l *Ledger) Recall(ctx context.Context, customer, id cpni.ID) (Receipt, error) {
	row, err := l.Record(ctx, customer, id)
	if err != nil {
		return Receipt{}, err
	}
	announced := row.stored().announce()
	committed, err := l.committed(ctx, row)
	if err != nil {
		return Receipt{}, err
	}
	if !bytes.HasPrefix(committed, announced) {
		return Receipt{}, fmt.Errorf("record %s: %w", id, errDamaged)
	}
	return receiptOf(row.Entry, announced), nil
}

// committed reads what row's node announced of it, from the tree or, when it is not there yet, from what waits.
func (l *Ledger) committed(ctx context.Context, row Row) ([]byte, error) {
	q := l.db.Reader()
	for range 2 { // between the two questions the sequencer may have moved it
		var first int64
		err := q.QueryRow(ctx, "SELECT first_seq FROM ledger_span WHERE node = $1 AND n = $2", row.Node, row.N).Scan(&first)
		if err == nil {
			return readLeaf(ctx, q, first+int64(row.Pos))
		}
		if !store.IsNoRow(err) {
			return nil, fmt.Errorf("finding the entry's place: %w", err)
		}
		var data []byte
		err = q.QueryRow(ctx, "SELECT entries FROM ledger_lane WHERE node = $1 AND n = $2", row.Node, row.N).Scan(&data)
		if err == nil {
			entries, err := splitBundle(data)
			if err != nil || row.Pos >= len(entries) {
				return nil, fmt.Errorf("record %s: %w", row.ID, errDamaged)
			}
			return entries[row.Pos], nil
		}
		if !store.IsNoRow(err) {
			return nil, fmt.Errorf("finding the entry among those that wait: %w", err)
		}
	}
	return nil, fmt.Errorf("record %s stands neither in the tree nor before it: %w", row.ID, errDamaged)
}
