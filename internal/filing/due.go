package filing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// LetterBy counts until when the Commission has to have the letter, with every day counted or skipped; nothing is counted where no letter is
// due or nobody has judged yet.
//
// cite: 47 CFR 64.2009(f), 47 CFR 1.4, V55, V56, V57
func (d *Desk) LetterBy(f *Failure) workday.Count {
	if f.Anomaly() != clock.No {
		return workday.Count{}
	}
	return clock.LetterBy(f.Judged.At, d.Numbers(f.Judged.At), d.Calendars, d.Zone)
}

// Late reports whether the letter was sent after its day, or is not sent and that day is over.
//
// cite: 47 CFR 64.2009(f)
func (d *Desk) Late(f *Failure) bool {
	if f.Letter != nil {
		return f.Letter.Late
	}
	return f.Anomaly() == clock.No && workday.Latest(d.Clock.Now(), d.Zone).After(d.LetterBy(f).Last)
}

// Reminder is that the letter is asked for, on a day.
type Reminder struct {
	On   workday.Date
	Code cpni.Code // Due or Overdue
	Says string
}

// Reminders are the days on which the letter is asked for until a day: at the steps of the policy, then every day until it is filed.
//
// cite: 47 CFR 64.2009(f)
func (d *Desk) Reminders(f *Failure, until workday.Date) (all []Reminder) {
	if f.State() != Open || f.Judged == nil {
		return nil
	}
	by := d.LetterBy(f)
	steps := d.Steps(f.Judged.At)
	for _, day := range by.Days {
		if slices.Contains(steps, day.Number) && day.Number > 0 && !day.Date.After(until) {
			all = append(all, Reminder{day.Date, Due, fmt.Sprintf("%s: the letter to the Commission about a way to refuse that failed is due by %s", f.Number, by.Last)})
		}
	}
	for day := by.Last.Add(1); !day.After(until); day = day.Add(1) {
		all = append(all, Reminder{day, Overdue, fmt.Sprintf("%s: the letter to the Commission about a way to refuse that failed was due by %s; send it now", f.Number, by.Last)})
	}
	return all
}

// Due asks for letters. What is asked for follows from the file and the day alone: a day on which nothing ran is made up for by the newest
// reminder, and done again, or on another node, nobody is reminded twice.
//
// cite: 47 CFR 64.2009(f)
func (d *Desk) Due(ctx context.Context) error {
	all, err := d.list(ctx, "state = $1 ORDER BY at, failure_id", string(Open))
	if err != nil {
		return err
	}
	today := workday.Latest(d.Clock.Now(), d.Zone)
	var failed []error
	for _, f := range all {
		reminders := d.Reminders(f, today)
		if len(reminders) == 0 {
			continue
		}
		failed = append(failed, d.remind(ctx, f.ID, reminders[len(reminders)-1], today))
	}
	return errors.Join(failed...)
}

// remind writes a reminder of which there is no trace yet.
func (d *Desk) remind(ctx context.Context, id cpni.ID, r Reminder, today workday.Date) error {
	var there int
	if err := d.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM filing_reminder WHERE failure_id = $1 AND code = $2 AND day = $3", string(id), string(r.Code), r.On.String()).Scan(&there); err != nil {
		return fmt.Errorf("looking for reminders: %w", err)
	}
	if there > 0 {
		return nil
	}
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		_, entries, err := d.move(ctx, tx, id, Act{}, func(m *moved) error {
			if !slices.Contains(d.Reminders(m.f, today), r) { // it was filed meanwhile
				return nil
			}
			done, err := tx.Exec(ctx, "INSERT INTO filing_reminder (failure_id, code, day) VALUES ($1, $2, $3) ON CONFLICT (failure_id, code, day) DO NOTHING", string(id), string(r.Code), r.On.String())
			if err != nil {
				return fmt.Errorf("reminding of a letter: %w", err)
			}
			if n, err := done.RowsAffected(); err != nil || n == 0 {
				return err
			}
			if err := m.note(Reminded, Event{Code: r.Code, Day: r.On, Reason: r.Says}); err != nil {
				return err
			}
			if r.Code == Due {
				return m.alert(Due, r.Says)
			}
			return m.alert(Overdue, r.Says)
		})
		return entries, err
	})
	return plainly(err)
}
