package training

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Exercise is that somebody took part in a rehearsal of an incident that was closed. It is training beside the courses, and makes no course current.
//
// cite: P-38, P-43, 47 CFR 64.2009(b)
type Exercise struct {
	Staff    cpni.ID
	Incident cpni.ID
	Number   string    // by which people call the rehearsal, such as R-2026-1
	Role     cpni.Role // of the member when it was closed
	Steps    int       // of its history, that they took
	Closed   time.Time // when it was closed, by the carrier's clock and not the rehearsal's
	Record   cpni.ID   // of the ledger
}

// TookPart records in a transaction who took part in a rehearsal, with an entry for each. Whoever is on record for it already stays as they are, so
// that a rehearsal that was opened again and closed again is one. by closed it.
//
// cite: P-38, P-43, 47 CFR 64.2009(b)
func (s *School) TookPart(ctx context.Context, tx *store.Tx, all []Exercise, by string) ([]ledger.Entry, error) {
	var entries []ledger.Entry
	for _, x := range all {
		e, err := s.entry(ctx, tx, x.Closed, ledger.Admin, "", by, map[string]any{"what": "took part in a rehearsal", "member": x.Staff, "incident": x.Incident, "number": x.Number, "role": x.Role, "steps": x.Steps})
		if err != nil {
			return nil, err
		}
		done, err := tx.Exec(ctx, `INSERT INTO training_exercise (staff_id, incident_id, number, role, steps, closed, record_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (staff_id, incident_id) DO NOTHING`, string(x.Staff), string(x.Incident), x.Number, string(x.Role), x.Steps, x.Closed.UnixMicro(), string(e.ID))
		if err != nil {
			return nil, fmt.Errorf("recording a rehearsal: %w", err)
		}
		n, err := done.RowsAffected()
		if err != nil {
			return nil, err
		}
		if n > 0 {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// Exercises lists the rehearsals in which a member took part, newest first.
//
// cite: P-38, 47 CFR 64.2009(b)
func (s *School) Exercises(ctx context.Context, of cpni.ID) ([]Exercise, error) {
	rows, err := s.DB.Reader().Query(ctx, "SELECT staff_id, incident_id, number, role, steps, closed, record_id FROM training_exercise WHERE staff_id = $1 ORDER BY closed DESC, incident_id DESC", string(of))
	if err != nil {
		return nil, fmt.Errorf("reading rehearsals: %w", err)
	}
	defer rows.Close()
	var all []Exercise
	for rows.Next() {
		var x Exercise
		var closed int64
		if err := rows.Scan(&x.Staff, &x.Incident, &x.Number, &x.Role, &x.Steps, &closed, &x.Record); err != nil {
			return nil, fmt.Errorf("reading rehearsals: %w", err)
		}
		x.Closed = moment(closed)
		all = append(all, x)
	}
	return all, rows.Err()
}

// ExercisesIn counts the rehearsals that were closed in a year of the carrier's calendar, and the members who took part in one at least.
//
// cite: P-38, 47 CFR 64.2009(b)
func (s *School) ExercisesIn(ctx context.Context, year int) (exercises, members int, err error) {
	from, until := workday.On(year, time.January, 1).Start(s.Zone), workday.On(year+1, time.January, 1).Start(s.Zone)
	err = s.DB.Reader().QueryRow(ctx, "SELECT count(DISTINCT incident_id), count(DISTINCT staff_id) FROM training_exercise WHERE closed >= $1 AND closed < $2", from.UnixMicro(), until.UnixMicro()).Scan(&exercises, &members)
	if err != nil {
		return 0, 0, fmt.Errorf("counting rehearsals: %w", err)
	}
	return exercises, members, nil
}
