package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// ErrNoCount: the receipt is not that of a count.
var ErrNoCount = errors.New("the ledger's entry says of no count that it has begun")

// Tally gives of each customer an amount of one month (yyyymm), for being added up: the number of calls for call detail, of which
// nothing is opened, and of another class the sum of a field over the customer's items. Whoever has none is left out, and so is
// whoever was forgotten. The receipt must be that of a count which is on record; the amounts are handed to nobody, but for what
// is safe when they were added.
//
// cite: P-05, P-41, 47 USC 222(c)(3), 47 USC 222(h)(2)
func (v *Vault) Tally(ctx context.Context, r ledger.Receipt, customers []cpni.ID, class cpni.DataClass, field string, month int) (map[cpni.ID]int64, error) {
	if r.Kind() != ledger.Count || r.Customer() != "" {
		return nil, ErrNoCount
	}
	names := make([]string, len(customers))
	for i, c := range customers {
		names[i] = string(c)
	}
	all := map[cpni.ID]int64{}
	if class == cpni.CallDetail {
		return all, v.tallyCalls(ctx, names, month, all)
	}
	rows, err := v.db.Reader().Query(ctx, "SELECT customer_id, line, period, sealed FROM cpni_item WHERE customer_id IN "+v.db.Listed(3)+" AND class = $1 AND period = $2", string(class), month, v.db.List(names))
	if err != nil {
		return nil, fmt.Errorf("adding up a month: %w", err)
	}
	defer rows.Close()
	type item struct {
		of     cpni.ID
		sealed sealedItem
	}
	var items []item
	for rows.Next() {
		x := item{sealed: sealedItem{Item: Item{Class: class}}}
		if err := rows.Scan(&x.of, &x.sealed.Line, &x.sealed.Period, &x.sealed.sealed); err != nil {
			return nil, fmt.Errorf("adding up a month: %w", err)
		}
		items = append(items, x)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("adding up a month: %w", err)
	}
	if err := v.Warm(ctx, names); err != nil {
		return nil, err
	}
	for _, x := range items {
		plain, err := v.open(ctx, v.db.Reader(), x.of, itemPlace(class, x.sealed.Line, x.sealed.Period), x.sealed.sealed)
		if errors.Is(err, ErrForgotten) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var values map[string]string
		if err := json.Unmarshal(plain, &values); err != nil {
			return nil, fmt.Errorf("reading an item: %w", err)
		}
		if amount, err := strconv.ParseFloat(values[field], 64); err == nil && amount > 0 && amount < 1<<50 {
			all[x.of] += int64(math.Round(amount))
		}
	}
	return all, nil
}

func (v *Vault) tallyCalls(ctx context.Context, customers []string, month int, all map[cpni.ID]int64) error {
	rows, err := v.db.Reader().Query(ctx, "SELECT customer_id, sum(calls) FROM call_segment WHERE customer_id IN "+v.db.Listed(2)+" AND month = $1 GROUP BY customer_id", month, v.db.List(customers))
	if err != nil {
		return fmt.Errorf("counting calls: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var of cpni.ID
		var n int64
		if err := rows.Scan(&of, &n); err != nil {
			return fmt.Errorf("counting calls: %w", err)
		}
		if n > 0 {
			all[of] = n
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}
