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
	"ringfence/internal/store"
)

// ErrNotCovered: the receipt does not permit what was asked of the vault.
var ErrNotCovered = errors.New("the ledger's entry does not permit this release")

func callsPlace(line, month int) string {
	return cpniPrefix + "calls/" + strconv.Itoa(line) + "/" + strconv.Itoa(month)
}

// Fetched is what lies sealed of a customer, as it was at one moment. Nothing of it can be read without a receipt.
type Fetched struct {
	customer cpni.ID
	calls    map[int][]segment // by line
	items    map[cpni.DataClass][]sealedItem
}

// segment is the calls of a line that are filed under a month: sealed, or opened.
type segment struct {
	month  int
	sealed []byte
	calls  []Call
}

// Fetch begins to fetch what lies sealed of a customer.
func Fetch(customer cpni.ID) *Fetched {
	return &Fetched{customer: customer, calls: map[int][]segment{}, items: map[cpni.DataClass][]sealedItem{}}
}

// Calls fetches the calls of a line in the given months (yyyymm in the carrier's zone) as q sees them, and those of the
// months beside, where legs of theirs may be filed.
func (f *Fetched) Calls(ctx context.Context, q store.Querier, line int, months []int) error {
	for run := range runs(months) {
		found, err := fetchSegments(ctx, q, f.customer, line, lastMonth(run[0]), nextMonth(run[len(run)-1]))
		if err != nil {
			return err
		}
		for _, s := range found {
			if !slices.ContainsFunc(f.calls[line], func(o segment) bool { return o.month == s.month }) {
				f.calls[line] = append(f.calls[line], s)
			}
		}
	}
	return nil
}

// fetchSegments reads the segments of a line for the months from one to another, in their order.
func fetchSegments(ctx context.Context, q store.Querier, customer cpni.ID, line, from, to int) ([]segment, error) {
	rows, err := q.Query(ctx, "SELECT month, sealed FROM call_segment WHERE customer_id = $1 AND line = $2 AND month BETWEEN $3 AND $4 ORDER BY month", string(customer), line, from, to)
	if err != nil {
		return nil, fmt.Errorf("reading calls: %w", err)
	}
	defer rows.Close()
	var all []segment
	for rows.Next() {
		var s segment
		if err := rows.Scan(&s.month, &s.sealed); err != nil {
			return nil, fmt.Errorf("reading calls: %w", err)
		}
		all = append(all, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading calls: %w", err)
	}
	return all, nil
}

// runs yields months in order, those that follow each other together.
func runs(months []int) func(yield func([]int) bool) {
	months = slices.Compact(slices.Sorted(slices.Values(months)))
	return func(yield func([]int) bool) {
		for len(months) > 0 {
			n := 1
			for n < len(months) && months[n] == nextMonth(months[n-1]) {
				n++
			}
			if !yield(months[:n]) {
				return
			}
			months = months[n:]
		}
	}
}

// OpenCalls opens the calls of a line that began in the given months, in order of their start, out of what was fetched.
// The receipt must cover call detail of this customer; without a receipt there is no way to ask.
//
// A call whose legs were filed on both sides of a month's end is one call, of the month in which it began.
//
// cite: P-41, P-01, I-25
func (v *Vault) OpenCalls(ctx context.Context, r ledger.Receipt, f *Fetched, line int, months []int) ([]Call, error) {
	if !r.Covers(cpni.CallDetail) || r.Customer() != f.customer {
		return nil, ErrNotCovered
	}
	var all []Call
	for run := range runs(months) {
		first, last := run[0], run[len(run)-1]
		var filed []segment
		for _, s := range f.calls[line] {
			if s.month >= lastMonth(first) && s.month <= nextMonth(last) {
				filed = append(filed, s)
			}
		}
		if err := v.openSegments(ctx, f.customer, line, filed); err != nil {
			return nil, err
		}
		for i := 1; i < len(filed); i++ {
			if filed[i].month == nextMonth(filed[i-1].month) {
				joinAcross(&filed[i-1], &filed[i])
			}
		}
		for _, s := range filed {
			if s.month >= first && s.month <= last {
				all = append(all, s.calls...)
			}
		}
	}
	return all, nil
}

// ReadCalls fetches and opens calls; see OpenCalls.
//
// cite: P-41, P-01
func (v *Vault) ReadCalls(ctx context.Context, r ledger.Receipt, line int, months []int) ([]Call, error) {
	if !r.Covers(cpni.CallDetail) {
		return nil, ErrNotCovered
	}
	f := Fetch(r.Customer())
	if err := f.Calls(ctx, v.db.Reader(), line, months); err != nil {
		return nil, err
	}
	return v.OpenCalls(ctx, r, f, line, months)
}

// openSegments opens fetched segments in place.
func (v *Vault) openSegments(ctx context.Context, customer cpni.ID, line int, all []segment) error {
	q := v.db.Reader()
	k, err := v.key(ctx, q, customer)
	if err != nil {
		return err
	}
	for i := range all {
		plain, err := v.openWith(ctx, q, k, customer, associated(customer, callsPlace(line, all[i].month)), all[i].sealed)
		if err != nil {
			return err
		}
		if all[i].calls, err = decodeSegment(plain); err != nil {
			return err
		}
	}
	return nil
}

// Describes reports whether a call with that number began in the minute of at, and gives its id. It tells whether a
// description fits and nothing else: what is on record never leaves it.
//
// cite: 47 CFR 64.2010(b)(1)(iv)
func (v *Vault) Describes(ctx context.Context, customer cpni.ID, line, month int, number string, at time.Time) (id uint64, fits bool, err error) {
	filed, err := fetchSegments(ctx, v.db.Reader(), customer, line, month, month)
	if err != nil {
		return 0, false, err
	}
	if err := v.openSegments(ctx, customer, line, filed); err != nil {
		return 0, false, err
	}
	minute := at.Truncate(time.Minute)
	for _, s := range filed {
		for _, c := range s.calls {
			if c.Number == number && c.At.Truncate(time.Minute).Equal(minute) {
				return c.ID, true, nil
			}
		}
	}
	return 0, false, nil
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
