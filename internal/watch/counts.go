package watch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// counts are what a batch adds to the counts of days.
type counts map[countKey]int64

type countKey struct {
	day  int
	what string
}

// Words of counts. After Refused comes the code, after ByRule the id of the rule.
const (
	Decided   = "decision"
	Permitted = "permit"
	Refused   = "refused:"
	Contacts  = "contact"
	LookUps   = "look-up"
	Failed    = "failed-attempt"
	Proved    = "proof"
	Raised    = "alert"
	ByRule    = "rule:"
)

// add counts an entry.
func (c counts) add(day int, e ledger.Entry) {
	one := func(what string) { c[countKey{day, what}]++ }
	good := e.Outcome == cpni.OK || e.Outcome == cpni.Permit
	switch e.Kind {
	case ledger.Decision:
		one(Decided)
		if good {
			one(Permitted)
		} else {
			one(Refused + string(e.Code))
		}
		for _, r := range e.Decided {
			one(ByRule + r)
		}
	case ledger.Contact:
		if e.Purpose == contact.Opened {
			one(Contacts)
		}
	case ledger.Lookup:
		one(LookUps)
	case ledger.Attempt:
		if good {
			one(Proved)
		} else {
			one(Failed)
		}
	case ledger.Alert:
		one(Raised)
	}
}

func (c counts) write(ctx context.Context, tx *store.Tx) error {
	keys := slices.SortedFunc(maps.Keys(c), func(a, b countKey) int { return (a.day-b.day)*2 + strings.Compare(a.what, b.what) })
	for _, k := range keys { // in one order, so that no two nodes wait for each other
		if _, err := tx.Exec(ctx, "INSERT INTO watch_count (day, what, n) VALUES ($1, $2, $3) ON CONFLICT (day, what) DO UPDATE SET n = watch_count.n + excluded.n", k.day, k.what, c[k]); err != nil {
			return fmt.Errorf("counting: %w", err)
		}
	}
	return nil
}

// Day is what happened on one of the carrier's days.
type Day struct {
	Date time.Time // its noon in the carrier's zone
	N    map[string]int64
}

// Days gives the counts of the last days, the oldest first, today the last of them. What is counted is in the tree, so it
// is about a second old.
func (w *Watch) Days(ctx context.Context, last int) ([]Day, error) {
	now := w.parts.Clock.Now().In(w.parts.Zone)
	all := make([]Day, last)
	at := map[int]int{}
	for i := range all {
		d := time.Date(now.Year(), now.Month(), now.Day()-last+1+i, 12, 0, 0, 0, w.parts.Zone)
		all[i] = Day{Date: d, N: map[string]int64{}}
		at[w.day(d)] = i
	}
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT day, what, n FROM watch_count WHERE day >= $1", w.day(all[0].Date))
	if err != nil {
		return nil, fmt.Errorf("reading the counts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var day int
		var what string
		var n int64
		if err := rows.Scan(&day, &what, &n); err != nil {
			return nil, fmt.Errorf("reading the counts: %w", err)
		}
		if i, ok := at[day]; ok {
			all[i].N[what] = n
		}
	}
	return all, rows.Err()
}

// RuleCounts gives how many decisions each rule has made in the last days, today among them.
//
// cite: P-37
func (w *Watch) RuleCounts(ctx context.Context, last int) (map[string]int64, error) {
	days, err := w.Days(ctx, last)
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	for _, d := range days {
		for what, n := range d.N {
			if rule, ok := strings.CutPrefix(what, ByRule); ok {
				all[rule] += n
			}
		}
	}
	return all, nil
}
