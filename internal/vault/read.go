package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// ErrNotCovered: the receipt does not permit what was asked of the vault.
var ErrNotCovered = errors.New("the ledger's entry does not permit this release")

func callsPlace(line, month int) string {
	return cpniPrefix + "calls/" + strconv.Itoa(line) + "/" + strconv.Itoa(month)
}

// ReadCalls opens the calls of a line that began in the given months (yyyymm in the carrier's zone), in order of their
// start. The receipt must cover call detail of this customer; without a receipt there is no way to ask.
//
// A call whose legs were filed on both sides of a month's end is one call, of the month in which it began.
//
// cite: P-41, P-01, I-25
func (v *Vault) ReadCalls(ctx context.Context, r ledger.Receipt, line int, months []int) ([]Call, error) {
	if !r.Covers(cpni.CallDetail) {
		return nil, ErrNotCovered
	}
	var all []Call
	months = slices.Compact(slices.Sorted(slices.Values(months)))
	for len(months) > 0 {
		run := 1 // of months that follow each other
		for run < len(months) && months[run] == nextMonth(months[run-1]) {
			run++
		}
		filed, err := v.segments(ctx, r.Customer(), line, lastMonth(months[0]), nextMonth(months[run-1]))
		if err != nil {
			return nil, err
		}
		for i := 1; i < len(filed); i++ {
			if filed[i].month == nextMonth(filed[i-1].month) {
				joinAcross(&filed[i-1], &filed[i])
			}
		}
		for _, s := range filed {
			if s.month >= months[0] && s.month <= months[run-1] {
				all = append(all, s.calls...)
			}
		}
		months = months[run:]
	}
	return all, nil
}

// segment is the calls of a line that are filed under a month.
type segment struct {
	month int
	calls []Call
}

// segments opens the segments of a line from one month to another, in the order of months.
func (v *Vault) segments(ctx context.Context, customer cpni.ID, line, from, to int) ([]segment, error) {
	q := v.db.Reader()
	k, err := v.key(ctx, q, customer)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, "SELECT month, sealed FROM call_segment WHERE customer_id = $1 AND line = $2 AND month BETWEEN $3 AND $4 ORDER BY month",
		string(customer), line, from, to)
	if err != nil {
		return nil, fmt.Errorf("reading calls: %w", err)
	}
	defer rows.Close()
	var sealed [][]byte
	var all []segment
	for rows.Next() {
		var s segment
		var b []byte
		if err := rows.Scan(&s.month, &b); err != nil {
			return nil, fmt.Errorf("reading calls: %w", err)
		}
		all, sealed = append(all, s), append(sealed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading calls: %w", err)
	}
	for i := range all {
		plain, err := v.openWith(ctx, q, k, customer, associated(customer, callsPlace(line, all[i].month)), sealed[i])
		if err != nil {
			return nil, err
		}
		if all[i].calls, err = decodeSegment(plain); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// longestLeg is how much later than a call another leg of it can begin.
const longestLeg = 24 * time.Hour

// joinAcross moves legs of calls that began in the month before to that month.
func joinAcross(before, after *segment) {
	if len(before.calls) == 0 || len(after.calls) == 0 {
		return
	}
	since := after.calls[0].At.Add(-longestLeg)
	first, _ := slices.BinarySearchFunc(before.calls, since, func(c Call, t time.Time) int { return c.At.Compare(t) })
	tail := before.calls[first:]
	if len(tail) == 0 {
		return
	}
	began := make(map[uint64]int, len(tail))
	for i, c := range tail {
		began[c.ID] = i
	}
	after.calls = slices.DeleteFunc(after.calls, func(c Call) bool {
		i, ok := began[c.ID]
		if !ok || c.At.Sub(tail[i].At) > longestLeg {
			return false
		}
		tail[i] = join(tail[i], c)
		return true
	})
}
