package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Item is a piece of CPNI that is not a call: a bill, an amount of use, a service detail, a location.
type Item struct {
	Class  cpni.DataClass    `json:"class"`
	Line   int               `json:"line,omitempty"`   // 0: the account as a whole
	Period int               `json:"period,omitempty"` // yyyymm; 0: not of a month
	Values map[string]string `json:"values"`           // field and value, in the words of the data dictionary
}

func itemPlace(class cpni.DataClass, line, period int) string {
	return cpniPrefix + string(class) + "/" + strconv.Itoa(line) + "/" + strconv.Itoa(period)
}

// PutItem seals an item in tx, in the place of the one that was there for the same class, line and period.
func (v *Vault) PutItem(ctx context.Context, tx *store.Tx, customer cpni.ID, item Item) error {
	plain, err := json.Marshal(item.Values)
	if err != nil {
		return fmt.Errorf("writing an item: %w", err)
	}
	sealed, err := v.SealTx(ctx, tx, customer, itemPlace(item.Class, item.Line, item.Period), plain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO cpni_item (customer_id, class, line, period, sealed) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (customer_id, class, line, period) DO UPDATE SET sealed = excluded.sealed`,
		string(customer), string(item.Class), item.Line, item.Period, sealed)
	if err != nil {
		return fmt.Errorf("keeping an item: %w", err)
	}
	return nil
}

// ReadItems opens the items of a class, of the given periods or of all when none is given; items of no month are always
// among them. The receipt must cover the class.
//
// cite: P-41, P-01
func (v *Vault) ReadItems(ctx context.Context, r ledger.Receipt, class cpni.DataClass, periods []int) ([]Item, error) {
	if !r.Covers(class) {
		return nil, ErrNotCovered
	}
	q := v.db.Reader()
	k, err := v.key(ctx, q, r.Customer())
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, "SELECT line, period, sealed FROM cpni_item WHERE customer_id = $1 AND class = $2 ORDER BY period, line",
		string(r.Customer()), string(class))
	if err != nil {
		return nil, fmt.Errorf("reading items: %w", err)
	}
	defer rows.Close()
	var all []Item
	var sealed [][]byte
	for rows.Next() {
		item := Item{Class: class}
		var b []byte
		if err := rows.Scan(&item.Line, &item.Period, &b); err != nil {
			return nil, fmt.Errorf("reading items: %w", err)
		}
		if len(periods) == 0 || item.Period == 0 || slices.Contains(periods, item.Period) {
			all, sealed = append(all, item), append(sealed, b)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading items: %w", err)
	}
	for i := range all {
		item := &all[i]
		plain, err := v.openWith(ctx, q, k, r.Customer(), associated(r.Customer(), itemPlace(class, item.Line, item.Period)), sealed[i])
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(plain, &item.Values); err != nil {
			return nil, fmt.Errorf("reading an item: %w", err)
		}
	}
	return all, nil
}
