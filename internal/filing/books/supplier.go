package books

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Supplier is a partner that gets customers' information, and where its reviews stand.
//
// cite: P-37, 47 CFR 64.2010(a)
type Supplier struct {
	Partner  string // its id
	Name     string
	Since    workday.Date // when it was first known to get anything
	Reviewed workday.Date // the last review; zero: none yet
	Review   cpni.ID      // that review; "" none yet
	Due      workday.Date // the last day for the next
	MendBy   workday.Date // by when what that review found is mended; zero: nothing waits
	Late     bool         // the review or the mending is overdue
	Address  string       // of its page in the console
}

// gets reports whether a partner may be given customers' information, or holds some.
func gets(p *partner.Partner, now time.Time) bool {
	a := p.Agreement
	return !p.Due.IsZero() || p.ServesAll || len(p.Serves) > 0 || a != nil && !now.Before(a.From) && now.Before(a.Until)
}

// Suppliers tells where the reviews of all partners stand that get customers' information, by their ids.
//
// cite: P-37, 47 CFR 64.2010(a)
func (d *Desk) Suppliers(ctx context.Context) ([]Supplier, error) { return d.suppliers(ctx) }

func (d *Desk) suppliers(ctx context.Context) ([]Supplier, error) {
	partners, err := d.Partners.All(ctx)
	if err != nil {
		return nil, err
	}
	now, today := d.Clock.Now(), d.today()
	var all []Supplier
	for i := range partners {
		p := &partners[i]
		if !gets(p, now) {
			continue
		}
		s := Supplier{Partner: p.ID, Name: p.Called(), Address: "/books/suppliers/" + p.ID}
		var noted string
		err := d.DB.Reader().QueryRow(ctx, "SELECT since FROM book_supplier WHERE partner_id = $1", p.ID).Scan(&noted)
		switch {
		case store.IsNoRow(err):
			s.Since = today
		case err != nil:
			return nil, fmt.Errorf("reading since when a partner gets anything: %w", err)
		default:
			if s.Since, err = workday.ParseDate(noted); err != nil {
				return nil, err
			}
		}
		s.Due = s.Since.Add(d.Numbers(now).FirstDays)
		r, err := d.latest(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		if r != nil {
			x := r.Facts.Review
			s.Reviewed, s.Review, s.Due = x.On, r.ID, x.Next
			s.MendBy = x.placed().mends
		}
		s.Late = today.After(s.Due) || !s.MendBy.IsZero() && today.After(s.MendBy)
		all = append(all, s)
	}
	return all, nil
}

// latest is the last review of a partner; nil: there is none.
func (d *Desk) latest(ctx context.Context, partner string) (*Record, error) {
	var id cpni.ID
	err := d.DB.Reader().QueryRow(ctx, "SELECT record_id FROM book_record WHERE kind = $1 AND subject = $2 ORDER BY day DESC, year DESC, seq DESC LIMIT 1", string(Reviews), partner).Scan(&id)
	if store.IsNoRow(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the last review of a partner: %w", err)
	}
	return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
}

// called is the name of a partner; of one that is gone, its id.
func (d *Desk) called(ctx context.Context, id string) (string, error) {
	p, _, err := d.Partners.Recent(ctx, id)
	if errors.Is(err, partner.ErrNoPartner) {
		return id, nil
	}
	if err != nil {
		return "", err
	}
	return p.Called(), nil
}

// Due begins the registers on their first day, enters reports of before, notes who has begun to get customers' information, and raises an
// alert for each review that is overdue, and for each finding that is not mended in time; once for each, on however many nodes it runs.
//
// cite: P-37, P-41, 47 CFR 64.2009(e), 47 CFR 64.2010(a)
func (d *Desk) Due(ctx context.Context) error {
	return errors.Join(d.begin(ctx), d.adopt(ctx), d.remind(ctx))
}

func (d *Desk) remind(ctx context.Context) error {
	all, err := d.suppliers(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, s := range all {
		failed = append(failed, d.noteSupplier(ctx, s))
		if today := d.today(); today.After(s.Due) {
			failed = append(failed, d.alert(ctx, fmt.Sprintf("review %s %s", s.Partner, s.Due), s.Partner, "a partner that gets customers' information was not reviewed by the day on which that was due",
				"SELECT count(*) FROM book_record WHERE kind = $1 AND subject = $2 AND day > $3", string(Reviews), s.Partner, written(s.Reviewed)))
		}
	}
	late, err := d.unmended(ctx)
	for _, r := range late {
		failed = append(failed, d.alert(ctx, fmt.Sprintf("mending %s %s", r.record, r.by), r.partner, "what the review of a partner found was not mended by the day that was agreed on",
			"SELECT count(*) FROM book_record WHERE record_id = $1 AND mend_by <> $2", string(r.record), r.by))
	}
	return errors.Join(append(failed, err)...)
}

// noteSupplier keeps the first day on which a partner was known to get anything.
func (d *Desk) noteSupplier(ctx context.Context, s Supplier) error {
	var n int
	if err := d.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM book_supplier WHERE partner_id = $1", s.Partner).Scan(&n); err != nil || n > 0 {
		return err
	}
	return d.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO book_supplier (partner_id, since) VALUES ($1, $2) ON CONFLICT (partner_id) DO NOTHING", s.Partner, written(s.Since))
		return err
	})
}

type unmended struct {
	record      cpni.ID
	partner, by string
}

// unmended are the reviews of which what was found is not mended though its day is over.
func (d *Desk) unmended(ctx context.Context) ([]unmended, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT record_id, subject, mend_by FROM book_record WHERE mend_by <> '' AND mend_by < $1 ORDER BY mend_by, record_id", written(d.today()))
	if err != nil {
		return nil, fmt.Errorf("looking for what is not mended: %w", err)
	}
	defer rows.Close()
	var all []unmended
	for rows.Next() {
		var u unmended
		if err := rows.Scan(&u.record, &u.partner, &u.by); err != nil {
			return nil, fmt.Errorf("looking for what is not mended: %w", err)
		}
		all = append(all, u)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// alert raises an alert about a subject once, unless something counts by now that does away with it.
func (d *Desk) alert(ctx context.Context, subject, partner, says, unless string, of ...any) error {
	var n int
	if err := d.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM book_alert WHERE subject = $1", subject).Scan(&n); err != nil || n > 0 {
		return err
	}
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var n int
		if err := tx.QueryRow(ctx, unless, of...).Scan(&n); err != nil || n > 0 {
			return nil, err
		}
		now := d.Clock.Now()
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: ReviewDue}, map[string]any{"what": says, "partner": partner})
		if err != nil {
			return nil, err
		}
		done, err := tx.Exec(ctx, "INSERT INTO book_alert (subject, at, entry_id) VALUES ($1, $2, $3) ON CONFLICT (subject) DO NOTHING", subject, now.UnixMicro(), string(e.ID))
		if err != nil {
			return nil, err
		}
		if k, err := done.RowsAffected(); err != nil || k == 0 { // another node was first
			return nil, err
		}
		return []ledger.Entry{e}, nil
	})
	if err != nil {
		return fmt.Errorf("raising an alert: %w", err)
	}
	return nil
}
