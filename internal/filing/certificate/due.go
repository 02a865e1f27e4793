package certificate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Alarm is that a certificate is asked for, on a day.
type Alarm struct {
	On   workday.Date
	Code cpni.Code // Due or Overdue
	Says string
}

// Alarms are the days on which the certificate of a file is asked for until a day: so many days before the business day by which it should be
// filed as the policy has them, then every day after its last day until it is filed.
//
// cite: 47 CFR 64.2009(e), V107, V108
func (d *Desk) Alarms(f *File, until workday.Date) (all []Alarm) {
	if f.State() == Filed {
		return nil
	}
	due := d.DueOf(f.Year)
	steps := slices.Clone(d.Numbers(due.Fixed.Start(d.Zone)).Alarms)
	slices.SortFunc(steps, func(a, b int) int { return b - a })
	for _, days := range steps {
		if on := due.Plan.Add(-days); !on.After(until) {
			all = append(all, Alarm{on, Due, fmt.Sprintf("the certificate for %d is due by %s; have it filed by %s", f.Year, due.By, due.Plan)})
		}
	}
	for day := due.By.Add(1); !day.After(until); day = day.Add(1) {
		all = append(all, Alarm{day, Overdue, fmt.Sprintf("the certificate for %d was due by %s; file it now", f.Year, due.By)})
	}
	return all
}

// Late reports whether the certificate was filed after its day, or is not filed and that day is over.
//
// cite: 47 CFR 64.2009(e)
func (d *Desk) Late(f *File) bool {
	if f.Receipt != nil {
		return f.Receipt.Late
	}
	return workday.Latest(d.Clock.Now(), d.Zone).After(d.DueOf(f.Year).By)
}

// Due asks for certificates. What is asked for follows from the files and the day alone: a day on which nothing ran is made up for by the
// newest alarm, and done again, or on another node, nobody is reminded twice.
//
// cite: 47 CFR 64.2009(e), V107
func (d *Desk) Due(ctx context.Context) error {
	years, err := d.years(ctx)
	if err != nil {
		return err
	}
	today := workday.Latest(d.Clock.Now(), d.Zone)
	var failed []error
	for _, year := range years {
		if year == today.Year && !today.After(workday.On(year, 12, 1)) { // no alarm can be due yet: nothing is read
			continue
		}
		f, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, year, "")
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if alarms := d.Alarms(f, today); len(alarms) > 0 {
			failed = append(failed, d.remind(ctx, year, alarms[len(alarms)-1], today))
		}
	}
	return errors.Join(failed...)
}

// remind writes an alarm of which there is no trace yet.
func (d *Desk) remind(ctx context.Context, year int, a Alarm, today workday.Date) error {
	var there int
	if err := d.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM certificate_reminder WHERE year = $1 AND code = $2 AND day = $3", year, string(a.Code), a.On.String()).Scan(&there); err != nil {
		return fmt.Errorf("looking for alarms: %w", err)
	}
	if there > 0 {
		return nil
	}
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		_, entries, err := d.move(ctx, tx, year, Act{}, func(m *moved) error {
			if !slices.Contains(d.Alarms(m.f, today), a) { // it was filed meanwhile
				return nil
			}
			done, err := tx.Exec(ctx, "INSERT INTO certificate_reminder (year, code, day) VALUES ($1, $2, $3) ON CONFLICT (year, code, day) DO NOTHING", year, string(a.Code), a.On.String())
			if err != nil {
				return fmt.Errorf("reminding of a certificate: %w", err)
			}
			if n, err := done.RowsAffected(); err != nil || n == 0 {
				return err
			}
			if err := m.note(Reminded, Event{Code: a.Code, Day: a.On.String(), Reason: a.Says}); err != nil {
				return err
			}
			if a.Code == Due {
				return m.alert(Due, a.Says)
			}
			return m.alert(Overdue, a.Says)
		})
		return entries, err
	})
	return plainly(err)
}
