package export

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// FetchedAgain is the code of the alert that somebody has tried to fetch a file which was fetched already.
const FetchedAgain cpni.Code = "FETCHED"

// Waiting lists the files of a partner that wait to be fetched, the oldest first.
func (x *Exports) Waiting(ctx context.Context, partner string) ([]Export, error) {
	return x.where(ctx, "partner_id = $1 AND state = $2 AND expires > $3 ORDER BY at, export_id", partner, string(Ready), x.Clock.Now().UnixMicro())
}

// OfPartner reads an export of a partner; those of others are not there.
func (x *Exports) OfPartner(ctx context.Context, partner string, id cpni.ID) (Export, error) {
	e, err := x.One(ctx, id)
	if err == nil && e.Spec.Partner != partner {
		return Export{}, ErrNone
	}
	return e, err
}

// File is a file that has been handed out to its partner: that is on record, and Write gives it.
type File struct {
	Export   Export
	Manifest []byte
	parts    []ManifestPart
	x        *Exports
}

// tries bounds how often a file is looked at again because somebody in it has changed meanwhile.
const tries = 20

// Fetch hands a file out to the partner whose key asked, once, on however many nodes: what it says is on record before the first byte
// goes. Who has come to object since their row was written is not in it: the parts that they are in are made again first.
//
// A second fetch is ErrFetched, and an alert; a partner that is late with a certificate gets nothing.
//
// cite: P-11, P-14, P-41, I-01, I-02, 47 CFR 64.2009(c)
func (x *Exports) Fetch(ctx context.Context, id cpni.ID, partner, key string) (*File, error) {
	by := "partner:" + partner
	for range tries {
		e, err := x.OfPartner(ctx, partner, id)
		if err != nil {
			return nil, err
		}
		now := x.Clock.Now().Truncate(time.Microsecond)
		switch {
		case e.State == Fetched || e.State == Destroyed:
			return nil, x.again(ctx, e, by, key)
		case e.State != Ready || !now.Before(e.Expires):
			return nil, ErrState
		}
		p, version, err := x.Partners.Get(ctx, partner)
		if err != nil {
			return nil, err
		}
		if late(p, now) {
			return nil, x.refused(ctx, ErrOverdue, by, e.Spec)
		}
		if p.Key != e.Spec.Key {
			return nil, x.refused(ctx, cpni.Rejected("MOVED", "the partner's key has changed since this file was made for it", []string{"P-41"}, "ask the carrier to make the file again"), by, e.Spec)
		}
		if err := x.refresh(ctx, e); err != nil {
			return nil, err
		}
		f := &File{x: x}
		_, err = x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			e, err := scan(tx.QueryRow(ctx, "UPDATE export SET state = $1, changed = $2, fetched = $2, fetches = fetches + 1, tell_at = 0, reminded = 0 WHERE export_id = $3 AND state = $4 AND expires > $2 RETURNING "+columns,
				string(Fetched), now.UnixMicro(), string(id), string(Ready)).Scan)
			if store.IsNoRow(err) {
				return nil, errLost
			}
			if err != nil {
				return nil, err
			}
			changed, err := x.changed(ctx, tx, id, 1)
			if err != nil {
				return nil, err
			}
			stale, err := tx.CheckGuards(ctx, []store.Guard{{Table: "partner", Key: partner, Version: version}})
			if err != nil {
				return nil, err
			}
			if len(changed) > 0 || stale[0] {
				return nil, errLost
			}
			due, err := x.dueOf(ctx, tx, partner)
			if err != nil {
				return nil, err
			}
			if err := x.Partners.DueTx(ctx, tx, partner, due); err != nil {
				return nil, err
			}
			m, err := x.manifest(ctx, tx, e)
			if err != nil {
				return nil, err
			}
			text, sum, err := m.encode()
			if err != nil {
				return nil, err
			}
			f.Export, f.Manifest, f.parts = e, text, m.Parts
			return x.entry(ctx, tx, by, map[string]any{"what": "export fetched", "export": id, "key": key, "manifest": sum, "file": m.File, "rows": e.Rows, "time": e.Fetches, "destroy_by": e.DestroyBy})
		})
		if errors.Is(err, errLost) {
			x.Partners.Drop(partner)
			continue
		}
		if err != nil {
			return nil, plainly(err)
		}
		x.Partners.Drop(partner)
		return f, nil
	}
	return nil, cpni.Rejected("BUSY", "what is in the file is being changed again and again", nil, "ask again in a moment")
}

// again records that a file was asked for once more, as an alert, and gives the refusal.
//
// cite: P-41, 47 CFR 64.2009(c)
func (x *Exports) again(ctx context.Context, e Export, by, key string) error {
	_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		a, err := x.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: x.Clock.Now(), Actor: by, Outcome: cpni.Reject, Code: FetchedAgain},
			map[string]any{"what": "a file was asked for a second time", "export": e.ID, "key": key, "fetched": e.Fetched})
		return []ledger.Entry{a}, err
	})
	if err != nil {
		return errors.Join(ErrFetched, err)
	}
	return ErrFetched
}

// changed lists the parts of a file in which somebody has changed since their row was written.
func (x *Exports) changed(ctx context.Context, q store.Querier, id cpni.ID, most int) ([]int64, error) {
	rows, err := q.Query(ctx, `SELECT p.part FROM export_part p WHERE p.export_id = $1 AND EXISTS (SELECT 1 FROM export_row r LEFT JOIN customer c ON c.customer_id = r.customer_id
		WHERE r.export_id = p.export_id AND r.customer_id >= p.first AND r.customer_id <= p.last AND r.code = '' AND (c.version IS NULL OR c.version <> r.version)) ORDER BY p.part LIMIT $2`, string(id), most)
	if err != nil {
		return nil, fmt.Errorf("looking who has changed since a file was written: %w", err)
	}
	defer rows.Close()
	var all []int64
	for rows.Next() {
		var no int64
		if err := rows.Scan(&no); err != nil {
			return nil, fmt.Errorf("looking who has changed since a file was written: %w", err)
		}
		all = append(all, no)
	}
	return all, rows.Err()
}

// refresh makes the parts of a file again in which somebody has changed since their row was written: who may not be handed out any
// more is left out, with an entry that says so; of the others no new entry is needed.
//
// cite: P-11, P-14, I-02, 47 CFR 64.2007(a)(2)
func (x *Exports) refresh(ctx context.Context, e Export) error {
	for {
		parts, err := x.changed(ctx, x.DB.Reader(), e.ID, 1)
		if err != nil || len(parts) == 0 {
			return err
		}
		if err := x.remake(ctx, e, parts[0]); err != nil {
			return err
		}
	}
}

func (x *Exports) remake(ctx context.Context, e Export, no int64) error {
	var first, last string
	var made, held int64
	if err := x.DB.Reader().QueryRow(ctx, "SELECT first, last, made, held FROM export_part WHERE export_id = $1 AND part = $2", string(e.ID), no).Scan(&first, &last, &made, &held); err != nil {
		return fmt.Errorf("making a part of a file again: %w", err)
	}
	w := &writer{Exports: x, e: e, mark: x.marker(e.ID)}
	p, err := w.newPart(no)
	if err != nil {
		return err
	}
	versions := map[cpni.ID]int64{}
	before := map[cpni.ID]int64{}
	// Ids have one length, so that the one before the first is the first without its end.
	for after := first[:len(first)-1]; ; {
		rows, err := rowsOf(ctx, x.DB.Reader(), e.ID, after, last, x.Batch)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		after = string(rows[len(rows)-1].customer)
		for _, r := range rows {
			before[r.customer] = r.version
		}
		all, err := x.still(ctx, e, rows)
		if err != nil {
			return err
		}
		there, gone, err := x.open(ctx, all)
		if err != nil {
			return err
		}
		if err := x.forgotten(ctx, e.ID, gone); err != nil {
			return err
		}
		for _, o := range there {
			if err := w.add(p, o.h, o.released); err != nil {
				return err
			}
			if o.h.Version != before[o.h.Customer] {
				versions[o.h.Customer] = o.h.Version
			}
		}
	}
	if err := p.table.Close(); err != nil {
		return err
	}
	sum := p.table.Sum()
	err = x.DB.Tx(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec(ctx, "UPDATE export_part SET made = made + 1, held = $1, size = $2, sum = $3, marks = $4, bytes = $5 WHERE export_id = $6 AND part = $7 AND made = $8",
			p.table.Rows(), p.table.Size(), sum[:], p.marks.Sum(nil), p.bytes.Bytes(), string(e.ID), no, made)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errLost) // somebody else has made it
		}
		for id, v := range versions {
			if _, err := tx.Exec(ctx, "UPDATE export_row SET version = $1 WHERE export_id = $2 AND customer_id = $3 AND code = ''", v, string(e.ID), string(id)); err != nil {
				return err
			}
		}
		done, err = tx.Exec(ctx, "UPDATE export SET held = held + $1 WHERE export_id = $2 AND state = $3", p.table.Rows()-held, string(e.ID), string(Ready))
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errLost)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errLost) {
		return fmt.Errorf("making a part of a file again: %w", err)
	}
	return nil
}

// Write gives the file as an archive (ZIP, nothing compressed): the manifest, and each part as it lies. step is called before each part,
// for whoever minds how long a slow line may take.
func (f *File) Write(ctx context.Context, to io.Writer, step func() error) error {
	z := zip.NewWriter(to)
	put := func(name string, bytes []byte) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: f.Export.Fetched})
		if err == nil {
			_, err = w.Write(bytes)
		}
		return err
	}
	if err := put("manifest.json", f.Manifest); err != nil {
		return fmt.Errorf("handing out a file: %w", err)
	}
	for n, p := range f.parts {
		if err := step(); err != nil {
			return err
		}
		var bytes []byte
		if err := f.x.DB.Reader().QueryRow(ctx, "SELECT bytes FROM export_part WHERE export_id = $1 AND part = $2", string(f.Export.ID), n+1).Scan(&bytes); err != nil {
			return fmt.Errorf("handing out a file: %w", err)
		}
		if sum := sha256.Sum256(bytes); fmt.Sprintf("%x", sum) != p.Sum {
			return errors.New("handing out a file: a part is not what it was")
		}
		if err := put(p.Name, bytes); err != nil {
			return fmt.Errorf("handing out a file: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("handing out a file: %w", err)
	}
	return nil
}
