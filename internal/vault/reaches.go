package vault

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
)

// Reaches reports whether the calls that a customer began in a month of the carrier's zone are at least so many, with at least so many whole
// minutes of conversation. It tells that and nothing else: what is on record never leaves it. Whoever asks has a decision that the use
// is permitted.
//
// cite: P-03, P-40, 47 USC 222(h)(1), 47 CFR 64.2009(c)
func (v *Vault) Reaches(ctx context.Context, customer cpni.ID, month, calls, minutes int) (bool, error) {
	rows, err := v.db.Reader().Query(ctx, "SELECT line, month, sealed FROM call_segment WHERE customer_id = $1 AND month BETWEEN $2 AND $3 ORDER BY line, month", string(customer), lastMonth(month), nextMonth(month))
	if err != nil {
		return false, fmt.Errorf("reading what is used: %w", err)
	}
	defer rows.Close()
	lines := map[int][]segment{}
	for rows.Next() {
		var line int
		var s segment
		if err := rows.Scan(&line, &s.month, &s.sealed); err != nil {
			return false, fmt.Errorf("reading what is used: %w", err)
		}
		lines[line] = append(lines[line], s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return false, fmt.Errorf("reading what is used: %w", err)
	}
	began, seconds := 0, 0
	for line, filed := range lines {
		if err := v.openSegments(ctx, customer, line, filed); err != nil {
			return false, err
		}
		for i := 1; i < len(filed); i++ {
			if filed[i].month == nextMonth(filed[i-1].month) {
				joinAcross(&filed[i-1], &filed[i])
			}
		}
		for _, s := range filed {
			if s.month != month {
				continue
			}
			for _, c := range s.calls {
				if !c.Out {
					continue
				}
				began++
				if c.Answered {
					seconds += int(c.Seconds)
				}
			}
		}
	}
	return began >= calls && seconds/60 >= minutes, nil
}
