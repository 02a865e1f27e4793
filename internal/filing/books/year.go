package books

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// Row is a record as lists and the certificate have it. It names no customer.
type Row struct {
	ID      cpni.ID
	Number  string // such as C-2026-1; "" of a sanction
	Day     workday.Date
	Last    workday.Date // of a method, the last day on which it was seen; else Day
	Title   string       // of a complaint, its category
	Address string       // of its page in the console
}

// Count are the complaints of a category.
//
// cite: 47 CFR 64.2009(e)
type Count struct {
	Category complaint.Category
	Says     string
	Rows     []Row // the oldest first
}

// Year is what the registers hold of a calendar year by the carrier's calendar.
//
// cite: P-39, P-41, 47 CFR 64.2009(b), 47 CFR 64.2009(e)
type Year struct {
	Year          int
	First, Last   workday.Date // Last: today, while the year lasts
	Over          bool
	Kept          workday.Date // from which day on the registers are kept; zero: they are not begun
	Whole         bool         // they were kept on every day from First to Last, so a count of zero says that there was none
	Complaints    []Count      // by the categories that are counted, in their order
	Others        []Row        // complaints about something else, which count under none
	Actions       []Row
	Methods       []Row // seen on a day of the year
	Reviews       []Row // of suppliers, done in the year
	Sanctions     []Row // decided in the year; the address is that of the finding
	Suppliers     []Supplier
	LateSuppliers int // of Suppliers, as they stand now
}

// ErrYear: no year that has begun.
var ErrYear = bad("that is no year that has begun", "give this year or an earlier one")

// firstYear is before any rule of these.
const firstYear = 1996

// Year gives a calendar year to a member of the staff who may read the registers; by "" to the system.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func (d *Desk) Year(ctx context.Context, by cpni.ID, year int) (*Year, error) {
	if err := d.admits(ctx, by, staff.ReadRegisters); err != nil {
		return nil, err
	}
	today := d.today()
	y := &Year{Year: year, First: workday.On(year, 1, 1), Last: workday.On(year, 12, 31)}
	if year < firstYear || y.First.After(today) {
		return nil, ErrYear
	}
	if y.Over = y.Last.Before(today); !y.Over {
		y.Last = today
	}
	kept, err := d.Keepings(ctx)
	if err != nil {
		return nil, err
	}
	y.Kept = since(kept)
	y.Whole = !y.Kept.IsZero() && !y.Kept.After(y.First)
	all := map[Kind][]row{}
	for _, k := range Kinds {
		if all[k], err = d.rows(ctx, k, y.First, y.Last); err != nil {
			return nil, err
		}
	}
	for _, c := range Counted {
		count := Count{Category: c, Says: CategoryWords[c]}
		for _, r := range all[Complaints] {
			if r.subject == string(c) {
				count.Rows = append(count.Rows, r.Row)
			}
		}
		y.Complaints = append(y.Complaints, count)
	}
	for _, r := range all[Complaints] {
		if !slices.Contains(Counted, complaint.Category(r.subject)) {
			y.Others = append(y.Others, r.Row)
		}
	}
	y.Actions, y.Methods, y.Reviews = plain(all[Actions]), plain(all[Methods]), plain(all[Reviews])
	if d.Sanctions != nil {
		if y.Sanctions, err = d.Sanctions(ctx, y.First.Start(d.Zone), y.Last.End(d.Zone)); err != nil {
			return nil, err
		}
	}
	if y.Suppliers, err = d.suppliers(ctx); err != nil {
		return nil, err
	}
	for _, s := range y.Suppliers {
		if s.Late {
			y.LateSuppliers++
		}
	}
	return y, nil
}

// List gives the records of a register that count on a day from first to last, the oldest first; of complaints those of a category, or of
// all where it is "".
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func (d *Desk) List(ctx context.Context, by cpni.ID, kind Kind, category complaint.Category, first, last workday.Date) ([]Row, error) {
	if err := d.admits(ctx, by, staff.ReadRegisters); err != nil {
		return nil, err
	}
	all, err := d.rows(ctx, kind, first, last)
	if err != nil {
		return nil, err
	}
	if kind == Complaints && category != "" {
		all = slices.DeleteFunc(all, func(r row) bool { return r.subject != string(category) })
	}
	return plain(all), nil
}

// OfSupplier gives the reviews of a partner of all years, the oldest first.
//
// cite: P-37, 47 CFR 64.2010(a)
func (d *Desk) OfSupplier(ctx context.Context, by cpni.ID, partner string) ([]Row, error) {
	if err := d.admits(ctx, by, staff.ReadRegisters); err != nil {
		return nil, err
	}
	all, err := d.rows(ctx, Reviews, workday.On(1, 1, 1), d.today())
	if err != nil {
		return nil, err
	}
	return plain(slices.DeleteFunc(all, func(r row) bool { return r.subject != partner })), nil
}

type row struct {
	Row
	subject string
}

func plain(all []row) []Row {
	var out []Row
	for _, r := range all {
		out = append(out, r.Row)
	}
	return out
}

// rows lists the records of a register that count on a day from first to last, the oldest first. Of complaints nothing is opened.
func (d *Desk) rows(ctx context.Context, kind Kind, first, last workday.Date) ([]row, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT record_id, year, seq, subject, day, last_day FROM book_record WHERE kind = $1 AND day <= $2 AND last_day >= $3 ORDER BY day, year, seq", string(kind), written(last), written(first))
	if err != nil {
		return nil, fmt.Errorf("listing records: %w", err)
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		var r row
		var year, seq int
		var day, last string
		if err := rows.Scan(&r.ID, &year, &seq, &r.subject, &day, &last); err != nil {
			return nil, fmt.Errorf("listing records: %w", err)
		}
		r.Number, r.Address = numbered(kind, year, seq), address(r.ID)
		var faults [2]error
		r.Day, faults[0] = workday.ParseDate(day)
		r.Last, faults[1] = workday.ParseDate(last)
		if err := errors.Join(faults[:]...); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("listing records: %w", err)
	}
	for i := range all {
		switch r := &all[i]; kind {
		case Complaints:
			r.Title = CategoryWords[complaint.Category(r.subject)]
		case Reviews:
			if r.Title, err = d.called(ctx, r.subject); err != nil {
				return nil, err
			}
		default:
			x, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, r.ID, "")
			if err != nil {
				return nil, err
			}
			r.Title = x.Facts.Title()
		}
	}
	return all, nil
}
