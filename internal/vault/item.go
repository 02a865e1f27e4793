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

// sealedItem is an item as it lies.
type sealedItem struct {
	Item
	sealed []byte
}

// Items fetches the items of a class as q sees them: of the given periods, or of all when none is given. Items of no
// month are always among them.
func (f *Fetched) Items(ctx context.Context, q store.Querier, class cpni.DataClass, periods []int) error {
	rows, err := q.Query(ctx, "SELECT line, period, sealed FROM cpni_item WHERE customer_id = $1 AND class = $2 ORDER BY period, line", string(f.customer), string(class))
	if err != nil {
		return fmt.Errorf("reading items: %w", err)
	}
	defer rows.Close()
	all := []sealedItem{}
	for rows.Next() {
		i := sealedItem{Item: Item{Class: class}}
		if err := rows.Scan(&i.Line, &i.Period, &i.sealed); err != nil {
			return fmt.Errorf("reading items: %w", err)
		}
		if len(periods) == 0 || i.Period == 0 || slices.Contains(periods, i.Period) {
			all = append(all, i)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("reading items: %w", err)
	}
	f.items[class] = all
	return nil
}

// OpenItems opens the items of a class that were fetched; the receipt must cover the class.
//
// cite: P-41, P-01
func (v *Vault) OpenItems(ctx context.Context, r ledger.Receipt, f *Fetched, class cpni.DataClass) ([]Item, error) {
	if !r.Covers(class) || r.Customer() != f.customer {
		return nil, ErrNotCovered
	}
	if len(f.items[class]) == 0 {
		return nil, nil
	}
	q := v.db.Reader()
	k, err := v.key(ctx, q, f.customer)
	if err != nil {
		return nil, err
	}
	all := make([]Item, len(f.items[class]))
	for n, i := range f.items[class] {
		plain, err := v.openWith(ctx, q, k, f.customer, associated(f.customer, itemPlace(class, i.Line, i.Period)), i.sealed)
		if err != nil {
			return nil, err
		}
		all[n] = i.Item
		if err := json.Unmarshal(plain, &all[n].Values); err != nil {
			return nil, fmt.Errorf("reading an item: %w", err)
		}
	}
	return all, nil
}

// ReadItems fetches and opens the items of a class; see OpenItems.
//
// cite: P-41, P-01
func (v *Vault) ReadItems(ctx context.Context, r ledger.Receipt, class cpni.DataClass, periods []int) ([]Item, error) {
	if !r.Covers(class) {
		return nil, ErrNotCovered
	}
	f := Fetch(r.Customer())
	if err := f.Items(ctx, v.db.Reader(), class, periods); err != nil {
		return nil, err
	}
	return v.OpenItems(ctx, r, f, class)
}
