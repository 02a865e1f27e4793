package vault

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
)

// Amount is how much lies sealed of a customer in one class and line. It is counted without opening anything.
type Amount struct {
	Class       cpni.DataClass
	Line        int // 0: the account as a whole
	First, Last int // months, as yyyymm in the carrier's zone; 0: not of a month
	Months      int // how many months there is something of
	Count       int // calls, or pieces such as bills
}

// Amounts counts what lies sealed of a customer, by class and line. No call and no bill is opened, so no receipt is asked
// for.
//
// cite: P-06, 47 USC 222(h)(1)
func (v *Vault) Amounts(ctx context.Context, customer cpni.ID) ([]Amount, error) {
	rows, err := v.db.Reader().Query(ctx, `SELECT class, line, min(period), max(period), count(DISTINCT period), sum(n) FROM (
			SELECT $2 AS class, line, month AS period, calls AS n FROM call_segment WHERE customer_id = $1 AND calls > 0
			UNION ALL SELECT class, line, period, 1 AS n FROM cpni_item WHERE customer_id = $1) AS held
		GROUP BY class, line ORDER BY class, line`, string(customer), string(cpni.CallDetail))
	if err != nil {
		return nil, fmt.Errorf("counting what is held: %w", err)
	}
	defer rows.Close()
	var all []Amount
	for rows.Next() {
		var a Amount
		if err := rows.Scan(&a.Class, &a.Line, &a.First, &a.Last, &a.Months, &a.Count); err != nil {
			return nil, fmt.Errorf("counting what is held: %w", err)
		}
		all = append(all, a)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}
