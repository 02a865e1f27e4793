package breach

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Due reminds of what is to be done about open incidents, and of the summary also of closed ones that wait for it, and of what is late, every day until it is done. What is asked for follows from the file
// and the moment alone: a day on which nothing ran is made up for by the newest reminder, and done again, or on another node, nobody is
// reminded twice.
//
// cite: P-44, P-47, V27, 47 CFR 64.2011(a)(4), 47 CFR 64.2011(b), 47 CFR 64.2011(c)
func (d *Desk) Due(ctx context.Context) error {
	all, err := d.openOnes(ctx)
	if err != nil {
		return err
	}
	closed, err := d.closedWaiting(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, i := range append(all, closed...) {
		newest := newestOf(d.Clocks(i), workday.DateIn(i.Now(d.Clock.Now()), d.Zone))
		if !i.Closed.IsZero() { // of what else was late, its reminders were written while it was open
			maps.DeleteFunc(newest, func(code string, _ clock.Reminder) bool { return !strings.HasPrefix(code, summaryCodes) })
		}
		if len(newest) > 0 {
			failed = append(failed, d.remind(ctx, i.ID, newest))
		}
	}
	return errors.Join(failed...)
}

// summaryCodes begin the codes of reminders of the summary.
const summaryCodes = "SUMMARY_"

// newestOf gives the newest reminder of each code that is not after a day.
func newestOf(c clock.Clocks, today workday.Date) map[string]clock.Reminder {
	newest := map[string]clock.Reminder{}
	for _, r := range c.Reminders {
		if r.On.After(today) {
			continue
		}
		if before, ok := newest[r.Code]; !ok || before.On.Before(r.On) {
			newest[r.Code] = r
		}
	}
	return newest
}

// remind writes the reminders of which there is no trace yet.
func (d *Desk) remind(ctx context.Context, id cpni.ID, newest map[string]clock.Reminder) error {
	missing, err := d.notReminded(ctx, d.DB.Reader(), id, newest)
	if err != nil || len(missing) == 0 {
		return err
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		_, entries, err := d.move(ctx, tx, id, Act{}, func(m *moved) error {
			still, err := d.notReminded(ctx, tx, id, newest)
			if err != nil {
				return err
			}
			for _, r := range still {
				if first, err := m.once(r.code, r.On); err != nil || !first {
					return err
				}
				if _, err := m.note(Reminded, Event{Code: r.code, Day: r.On, Reason: r.Says, Text: r.To}); err != nil {
					return err
				}
				if err := m.alert(r.code, r.Says); err != nil {
					return err
				}
			}
			return nil
		})
		return entries, err
	})
	return plainly(err)
}

// once reports whether nobody was reminded of something for a day yet, and writes that somebody is.
func (m *moved) once(code cpni.Code, day workday.Date) (first bool, err error) {
	done, err := m.tx.Exec(m.ctx, "INSERT INTO incident_reminder (incident_id, code, day) VALUES ($1, $2, $3) ON CONFLICT (incident_id, code, day) DO NOTHING", string(m.i.ID), string(code), day.String())
	if err != nil {
		return false, fmt.Errorf("reminding of an incident: %w", err)
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

func (d *Desk) notReminded(ctx context.Context, q store.Querier, id cpni.ID, newest map[string]clock.Reminder) ([]asking, error) {
	var missing []asking
	for _, a := range reminded {
		r, ok := newest[string(a.code)]
		if !ok {
			continue
		}
		var there int
		if err := q.QueryRow(ctx, "SELECT count(*) FROM incident_reminder WHERE incident_id = $1 AND code = $2 AND day = $3", string(id), r.Code, r.On.String()).Scan(&there); err != nil {
			return nil, fmt.Errorf("looking for reminders: %w", err)
		}
		if there == 0 {
			missing = append(missing, asking{a.code, r})
		}
	}
	return missing, nil
}

// asking is a reminder with the code of its alert.
type asking struct {
	code cpni.Code
	clock.Reminder
}

// reminded are the codes of reminders, in the order in which they are written.
var reminded = []asking{{code: "LE_DUE"}, {code: "LATE_LE"}, {code: "NEED_WRITING"}, {code: "CUSTOMERS_DUE"}, {code: "CUSTOMERS_LATE"}, {code: "SUMMARY_DUE"}, {code: "SUMMARY_LATE"}}
