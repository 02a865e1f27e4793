package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// How an export is worked on.
const (
	// atOnce is how many customers one transaction decides: enough that a commit is nothing beside them, few enough that whoever else
	// writes waits for no longer than a moment.
	atOnce = 500
	// partOf is how many rows a part has at most, and partSize how many bytes, about: what is held in memory, and made again by who goes
	// on after a crash.
	partOf   = 20_000
	partSize = 4 << 20
	// silence is after how long a node that works on an export, and is not heard of, counts as gone.
	silence = 2 * time.Minute
)

// errLost: another node has the export now, or it was stopped.
var errLost = errors.New("the export is no longer this node's")

// Work goes on with every export that has begun and is no other node's, until nothing of it is left to do; then it tells partners what
// waits for them.
//
// cite: P-41, 47 CFR 64.2009(c)
func (x *Exports) Work(ctx context.Context) error {
	if err := x.inherit(ctx); err != nil {
		return err
	}
	all, err := x.where(ctx, "state = $1 AND claimed < $2 ORDER BY at, export_id", string(Running), x.Clock.Now().Add(-silence).UnixMicro())
	if err != nil {
		return err
	}
	var faults []error
	for _, e := range all {
		if err := x.workOn(ctx, e.ID); err != nil && !errors.Is(err, errLost) {
			faults = append(faults, fmt.Errorf("the export %s: %w", e.ID, err))
		}
	}
	return errors.Join(append(faults, x.Tell(ctx))...)
}

// inherit takes over, once, what an earlier process had on a database that has one process: nobody else is there who could.
func (x *Exports) inherit(ctx context.Context) error {
	if x.DB.Dialect() != store.SQLite {
		return nil
	}
	x.mu.Lock()
	done := x.inherited
	x.mu.Unlock()
	if done {
		return nil
	}
	if err := x.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE export SET claim = '', claimed = 0 WHERE claimed <> 0")
		return err
	}); err != nil {
		return fmt.Errorf("taking over exports: %w", err)
	}
	x.mu.Lock()
	x.inherited = true
	x.mu.Unlock()
	return nil
}

// workOn works on one export.
func (x *Exports) workOn(ctx context.Context, id cpni.ID) error {
	claim := string(cpni.NewID())
	now := x.Clock.Now()
	var e Export
	err := x.DB.Tx(ctx, func(tx *store.Tx) (err error) {
		e, err = scan(tx.QueryRow(ctx, "UPDATE export SET claim = $1, claimed = $2 WHERE export_id = $3 AND state = $4 AND claimed < $5 RETURNING "+columns,
			claim, now.UnixMicro(), string(id), string(Running), now.Add(-silence).UnixMicro()).Scan)
		return err
	})
	if store.IsNoRow(err) {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("taking an export: %w", err)
	}
	defer func() { // the next one need not wait
		ctx := context.WithoutCancel(ctx)
		_ = x.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE export SET claim = '', claimed = 0 WHERE export_id = $1 AND claim = $2", string(id), claim)
			return err
		})
	}()
	w := &writer{Exports: x, e: e, claim: claim, mark: x.marker(id), done: e.placed}
	return w.run(ctx)
}

// writer writes one export.
type writer struct {
	*Exports
	e     Export
	claim string
	mark  marker
	part  *part
	done  string // the last customer who is in a part, in the one that is being written, or in none for good
}

// part is a part of the file that is being written.
type part struct {
	no          int64
	first, last cpni.ID
	table       *Table
	bytes       bytes.Buffer
	marks       hash.Hash
}

func (w *writer) newPart(no int64) (*part, error) {
	p := &part{no: no, marks: sha256.New()}
	var err error
	p.table, err = NewTable(&p.bytes, w.e.Spec.Key, append([]string{Reference}, w.e.Spec.Columns...), no == 1)
	return p, err
}

// add writes the row of a customer whose decision is on record.
func (w *writer) add(p *part, h *disclose.Handed, r *disclose.Released) error {
	mark := w.mark.of(h.Customer)
	if err := p.table.Row(w.e.Spec.row(mark, h, r)...); err != nil {
		return err
	}
	if p.first == "" {
		p.first = h.Customer
	}
	p.last = h.Customer
	p.marks.Write([]byte(mark + "\n"))
	return nil
}

func (w *writer) run(ctx context.Context) error {
	if err := w.takeUp(ctx); err != nil {
		return err
	}
	list := w.lists[w.e.Spec.List.Kind]
	if list == nil {
		return fmt.Errorf("nobody knows the list %q", w.e.Spec.List.Kind)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []cpni.ID, 2)
	var read errgroup.Group
	read.Go(func() error {
		defer close(batches)
		batch := make([]cpni.ID, 0, w.Exports.Batch)
		hand := func() error {
			select {
			case batches <- batch:
				batch = make([]cpni.ID, 0, w.Exports.Batch)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		last := cpni.ID(w.e.place)
		err := list(ctx, w.e, last, func(id cpni.ID) error {
			if id <= last {
				return fmt.Errorf("a list of customers is out of order")
			}
			last = id
			if batch = append(batch, id); len(batch) == w.Exports.Batch {
				return hand()
			}
			return nil
		})
		if err == nil && len(batch) > 0 {
			err = hand()
		}
		return err
	})
	for batch := range batches {
		if err := w.decide(ctx, batch); err != nil {
			stop()
			for range batches {
			}
			return errors.Join(err, ignoreEnded(read.Wait()))
		}
	}
	if err := read.Wait(); err != nil {
		return err
	}
	return w.seal(ctx)
}

func ignoreEnded(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// decide decides some customers, records each, and then writes those who are permitted.
//
// cite: P-41, I-01, I-02, 47 CFR 64.2009(c)
func (w *writer) decide(ctx context.Context, ids []cpni.ID) error {
	requests := make([]disclose.Request, len(ids))
	for i, id := range ids {
		requests[i] = w.e.Spec.request(w.e.By, id)
	}
	last := ids[len(ids)-1]
	if err := w.fits(ctx); err != nil {
		return err
	}
	w.Step()
	all, err := w.Door.Hand(ctx, requests, func(ctx context.Context, tx *store.Tx, all []*disclose.Handed) ([]ledger.Entry, error) {
		var id string
		lowest, highest := all[0].Entry, all[0].Entry
		for _, h := range all {
			lowest, highest = min(lowest, h.Entry), max(highest, h.Entry)
		}
		err := tx.QueryRow(ctx, `UPDATE export SET claimed = $1, place = $2, decided = decided + $3, first_entry = CASE WHEN first_entry = '' OR first_entry > $4 THEN $4 ELSE first_entry END, last_entry = CASE WHEN last_entry < $5 THEN $5 ELSE last_entry END
			WHERE export_id = $6 AND claim = $7 AND state = $8 AND place = $9 RETURNING export_id`,
			w.Clock.Now().UnixMicro(), string(last), len(ids), string(lowest), string(highest), string(w.e.ID), w.claim, string(Running), w.e.place).Scan(&id)
		if store.IsNoRow(err) {
			return nil, errLost
		}
		if err != nil {
			return nil, err
		}
		return nil, w.keep(ctx, tx, all)
	})
	if errors.Is(err, errLost) {
		return errLost
	}
	if err != nil {
		return err
	}
	w.Step()
	w.e.place = string(last)
	w.e.Decided += int64(len(ids))
	return w.write(ctx, all, w.e.place)
}

// keep writes the rows of some customers and counts them.
func (x *Exports) keepRows(ctx context.Context, tx *store.Tx, id cpni.ID, all []*disclose.Handed) error {
	const width = 5
	counts := map[cpni.Code]int64{}
	args := make([]any, 0, len(all)*width)
	for _, h := range all {
		counts[h.Code]++
		args = append(args, string(h.Customer), string(id), string(h.Entry), string(h.Code), h.Version)
	}
	// One statement for many rows on PostgreSQL, where a statement is a journey; one prepared statement many times on SQLite.
	rows := 1
	if tx.Dialect() == store.Postgres {
		rows = len(all)
	}
	query := "INSERT INTO export_row (customer_id, export_id, entry_id, code, version) VALUES " + lists(rows, width)
	for len(args) > 0 {
		if _, err := tx.Exec(ctx, query, args[:rows*width]...); err != nil {
			return fmt.Errorf("keeping the customers of an export: %w", err)
		}
		args = args[rows*width:]
	}
	for code, n := range counts {
		if err := x.count(ctx, tx, id, code, n); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) keep(ctx context.Context, tx *store.Tx, all []*disclose.Handed) error {
	return w.keepRows(ctx, tx, w.e.ID, all)
}

func (x *Exports) count(ctx context.Context, tx *store.Tx, id cpni.ID, code cpni.Code, n int64) error {
	if _, err := tx.Exec(ctx, "INSERT INTO export_count (export_id, code, n) VALUES ($1, $2, $3) ON CONFLICT (export_id, code) DO UPDATE SET n = export_count.n + excluded.n", string(id), string(code), n); err != nil {
		return fmt.Errorf("counting an export: %w", err)
	}
	return nil
}

// lists writes ($1, $2), ($3, $4) and so on.
func lists(rows, width int) string {
	var b bytes.Buffer
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		for c := range width {
			b.WriteString(map[bool]string{true: "(", false: ","}[c == 0])
			fmt.Fprintf(&b, "$%d", r*width+c+1)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// opened is a customer whose information was opened; gone: they have been forgotten since.
type opened struct {
	h        *disclose.Handed
	released *disclose.Released
}

// open opens what was permitted, on all processors, and leaves out who has been forgotten meanwhile.
func (x *Exports) open(ctx context.Context, all []*disclose.Handed) (there []opened, gone []*disclose.Handed, err error) {
	permitted := make([]opened, 0, len(all))
	for _, h := range all {
		if h.Permit() {
			permitted = append(permitted, opened{h: h})
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	workers := max(1, runtime.GOMAXPROCS(0)) * readers(x.DB)
	for n := range workers {
		g.Go(func() error {
			for i := n; i < len(permitted); i += workers {
				r, err := x.Door.Release(ctx, permitted[i].h)
				if errors.Is(err, vault.ErrForgotten) {
					continue
				}
				if err != nil {
					return err
				}
				permitted[i].released = r
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for _, o := range permitted {
		if o.released == nil {
			gone = append(gone, o.h)
			continue
		}
		there = append(there, o)
	}
	return there, gone, nil
}

// readers is how many reads of one processor wait for the database at once: on PostgreSQL a read is a journey.
func readers(db *store.DB) int {
	if db.Dialect() == store.Postgres {
		return 4
	}
	return 1
}

// write writes those who are permitted, and ends the part when it is large enough. to is the last customer who was looked at.
func (w *writer) write(ctx context.Context, all []*disclose.Handed, to string) error {
	there, gone, err := w.open(ctx, all)
	if err != nil {
		return err
	}
	if err := w.forgotten(ctx, w.e.ID, gone); err != nil {
		return err
	}
	for _, o := range there {
		if w.part == nil {
			if w.part, err = w.newPart(w.e.PartsDone + 1); err != nil {
				return err
			}
		}
		if err := w.add(w.part, o.h, o.released); err != nil {
			return err
		}
	}
	w.done = to
	if w.part != nil && (w.part.table.Rows() >= w.Exports.PartRows || w.part.bytes.Len() >= partSize) {
		return w.endPart(ctx)
	}
	return nil
}

// Forgotten is the reason under which customers are counted who were forgotten between their entry and their row.
const Forgotten cpni.Code = "FORGOTTEN"

// forgotten counts customers otherwise who were permitted and have been forgotten since.
func (x *Exports) forgotten(ctx context.Context, id cpni.ID, gone []*disclose.Handed) error {
	if len(gone) == 0 {
		return nil
	}
	return x.DB.Tx(ctx, func(tx *store.Tx) error {
		for _, h := range gone {
			done, err := tx.Exec(ctx, "UPDATE export_row SET code = $1 WHERE export_id = $2 AND customer_id = $3 AND code = ''", string(Forgotten), string(id), string(h.Customer))
			if err != nil {
				return fmt.Errorf("leaving out who was forgotten: %w", err)
			}
			n, err := done.RowsAffected()
			if err != nil || n == 0 {
				return err
			}
			if err := errors.Join(x.count(ctx, tx, id, "", -1), x.count(ctx, tx, id, Forgotten, 1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Futile is the code of the alert that an export was stopped because its file could not have been handed out.
const Futile cpni.Code = "EXPORT_STOPPED"

// fits stops an export whose file could not be handed out any more: the partner has another key than the one that it is enciphered to, or
// the day of its destruction has come. So nobody else is decided, and gets an entry, for a file that nobody may have.
//
// cite: P-41, 47 CFR 64.2009(c)
func (w *writer) fits(ctx context.Context) error {
	p, _, err := w.Partners.Get(ctx, w.e.Spec.Partner)
	if err != nil {
		return err
	}
	now := w.Clock.Now()
	why := ""
	switch {
	case p.Key != w.e.Spec.Key:
		why = "the partner's key has changed"
	case !now.Before(w.e.DestroyBy):
		why = "the day of its destruction has come"
	default:
		return nil
	}
	_, err = w.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var decided int64
		err := tx.QueryRow(ctx, "UPDATE export SET state = $1, changed = $2, claim = '', claimed = 0 WHERE export_id = $3 AND claim = $4 AND state = $5 RETURNING decided",
			string(Stopped), now.UnixMicro(), string(w.e.ID), w.claim, string(Running)).Scan(&decided)
		if store.IsNoRow(err) {
			return nil, errLost
		}
		if err != nil {
			return nil, err
		}
		if err := w.emptyTx(ctx, tx, w.e.ID); err != nil {
			return nil, err
		}
		return w.alert(ctx, tx, string(cpni.RoleSystem), Futile, map[string]any{"what": "export stopped", "export": w.e.ID, "partner": w.e.Spec.Partner, "says": why, "decided": decided})
	})
	if err != nil && !errors.Is(err, errLost) {
		return fmt.Errorf("stopping an export: %w", err)
	}
	return errLost // it is nobody's any more
}

// endPart ends the part and keeps it, in one transaction with the place up to which nobody has to be looked for any more.
//
// cite: P-41, I-10
func (w *writer) endPart(ctx context.Context) error {
	p := w.part
	if err := p.table.Close(); err != nil {
		return err
	}
	sum := p.table.Sum()
	w.Step()
	err := w.DB.Tx(ctx, func(tx *store.Tx) error {
		var id string
		err := tx.QueryRow(ctx, "UPDATE export SET claimed = $1, placed = $2, parts = $3, held = held + $4 WHERE export_id = $5 AND claim = $6 AND state = $7 AND parts = $8 RETURNING export_id",
			w.Clock.Now().UnixMicro(), w.done, p.no, p.table.Rows(), string(w.e.ID), w.claim, string(Running), p.no-1).Scan(&id)
		if store.IsNoRow(err) {
			return errLost
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO export_part (export_id, part, made, first, last, held, size, sum, marks, bytes) VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9)",
			string(w.e.ID), p.no, string(p.first), string(p.last), p.table.Rows(), p.table.Size(), sum[:], p.marks.Sum(nil), p.bytes.Bytes())
		return err
	})
	if errors.Is(err, errLost) {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("keeping a part of a file: %w", err)
	}
	w.Step()
	w.e.PartsDone, w.e.Rows, w.e.placed, w.part = p.no, w.e.Rows+p.table.Rows(), w.done, nil
	return nil
}

// takeUp writes those who have their entries and are in no part, because whoever worked on this before did not come so far.
//
// cite: P-41, I-01, I-02, I-10
func (w *writer) takeUp(ctx context.Context) error {
	for after := w.e.placed; after < w.e.place; {
		rows, err := rowsOf(ctx, w.DB.Reader(), w.e.ID, after, w.e.place, w.Exports.Batch)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		after = string(rows[len(rows)-1].customer)
		all, err := w.still(ctx, w.e, rows)
		if err != nil {
			return err
		}
		if err := w.write(ctx, all, after); err != nil {
			return err
		}
	}
	return nil
}

// recorded is a customer who has an entry that permits.
type recorded struct {
	customer, entry cpni.ID
	version         int64
}

// rowsOf reads those behind one and up to another who are in the file.
func rowsOf(ctx context.Context, q store.Querier, id cpni.ID, after, to string, most int) ([]recorded, error) {
	rows, err := q.Query(ctx, "SELECT customer_id, entry_id, version FROM export_row WHERE export_id = $1 AND customer_id > $2 AND customer_id <= $3 AND code = '' ORDER BY customer_id LIMIT $4", string(id), after, to, most)
	if err != nil {
		return nil, fmt.Errorf("reading the customers of an export: %w", err)
	}
	defer rows.Close()
	var all []recorded
	for rows.Next() {
		var r recorded
		if err := rows.Scan(&r.customer, &r.entry, &r.version); err != nil {
			return nil, fmt.Errorf("reading the customers of an export: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// still gives of those on record who may still be handed out. Who may not any more gets an entry that says so, and is counted under it.
//
// cite: P-11, P-14, P-41, I-02
func (x *Exports) still(ctx context.Context, e Export, rows []recorded) ([]*disclose.Handed, error) {
	all := make([]*disclose.Handed, len(rows))
	g, inner := errgroup.WithContext(ctx)
	workers := max(1, runtime.GOMAXPROCS(0)) * readers(x.DB)
	for n := range workers {
		g.Go(func() error {
			for i := n; i < len(rows); i += workers {
				h, err := x.Door.Still(inner, e.Spec.request(e.By, rows[i].customer), rows[i].entry)
				if err != nil {
					return err
				}
				all[i] = h
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var there []*disclose.Handed
	var out []disclose.Request
	for _, h := range all {
		if h.Permit() {
			there = append(there, h)
			continue
		}
		out = append(out, e.Spec.request(e.By, h.Customer))
	}
	if len(out) == 0 {
		return there, nil
	}
	_, err := x.Door.Hand(ctx, out, func(ctx context.Context, tx *store.Tx, all []*disclose.Handed) ([]ledger.Entry, error) {
		for _, h := range all {
			code := h.Code
			if h.Permit() { // between two looks; they stay out, which errs on the right side
				code = "CONFLICT"
			}
			done, err := tx.Exec(ctx, "UPDATE export_row SET code = $1, entry_id = $2, version = $3 WHERE export_id = $4 AND customer_id = $5 AND code = ''", string(code), string(h.Entry), h.Version, string(e.ID), string(h.Customer))
			if err != nil {
				return nil, fmt.Errorf("leaving out who may not be in a file any more: %w", err)
			}
			n, err := done.RowsAffected()
			if err != nil || n == 0 {
				return nil, errors.Join(err, errLost)
			}
			if err := errors.Join(x.count(ctx, tx, e.ID, "", -1), x.count(ctx, tx, e.ID, code, 1)); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if errors.Is(err, errLost) {
		return nil, errLost
	}
	return there, err
}

// seal ends the file: from now on the partner can fetch it.
//
// cite: P-41, 47 CFR 64.2009(c)
func (w *writer) seal(ctx context.Context) error {
	if w.part != nil {
		if err := w.endPart(ctx); err != nil {
			return err
		}
	}
	if err := w.fits(ctx); err != nil {
		return err
	}
	w.Step()
	now := w.Clock.Now().Truncate(time.Microsecond)
	expires := earlier(now.Add(w.Numbers(now).FetchWithin), w.e.DestroyBy)
	state, tell, what := Ready, now.UnixMicro(), "waiting"
	if w.e.Rows == 0 {
		state, tell, what = Empty, 0, ""
	}
	_, err := w.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := scan(tx.QueryRow(ctx, `UPDATE export SET state = $1, changed = $2, sealed_at = $2, expires = $3, tell_at = $4, tell_tries = 0, tell_what = $5, claim = '', claimed = 0
			WHERE export_id = $6 AND claim = $7 AND state = $8 RETURNING `+columns, string(state), now.UnixMicro(), expires.UnixMicro(), tell, what, string(w.e.ID), w.claim, string(Running)).Scan)
		if store.IsNoRow(err) {
			return nil, errLost
		}
		if err != nil {
			return nil, err
		}
		m, err := w.manifest(ctx, tx, e)
		if err != nil {
			return nil, err
		}
		_, sum, err := m.encode()
		if err != nil {
			return nil, err
		}
		return w.entry(ctx, tx, string(cpni.RoleSystem), map[string]any{"what": "export sealed", "export": e.ID, "manifest": sum, "rows": e.Rows, "decided": e.Decided})
	})
	if errors.Is(err, errLost) {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("sealing an export: %w", err)
	}
	return nil
}
