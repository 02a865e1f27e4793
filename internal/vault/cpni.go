package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// ErrNotCovered: the receipt does not permit what was asked of the vault.
var ErrNotCovered = errors.New("the ledger's entry does not permit this release")

func callsPlace(line, month int) string {
	return cpniPrefix + "calls/" + strconv.Itoa(line) + "/" + strconv.Itoa(month)
}

func itemPlace(class cpni.DataClass, line, period int) string {
	return cpniPrefix + string(class) + "/" + strconv.Itoa(line) + "/" + strconv.Itoa(period)
}

// ReadCalls opens the calls of a line in the given months (yyyymm in the carrier's zone), in order of their start. The
// receipt must cover call detail of this customer; without a receipt there is no way to ask.
//
// cite: P-41, P-01
func (v *Vault) ReadCalls(ctx context.Context, r ledger.Receipt, line int, months []int) ([]Call, error) {
	if !r.Covers(cpni.CallDetail) {
		return nil, ErrNotCovered
	}
	var all []Call
	for _, month := range months {
		calls, err := v.segment(ctx, v.db.Reader(), r.Customer(), line, month)
		if err != nil {
			return nil, err
		}
		all = append(all, calls...)
	}
	return all, nil
}

func (v *Vault) segment(ctx context.Context, q store.Querier, customer cpni.ID, line, month int) ([]Call, error) {
	var sealed []byte
	err := q.QueryRow(ctx, "SELECT sealed FROM call_segment WHERE customer_id = $1 AND line = $2 AND month = $3", string(customer), line, month).Scan(&sealed)
	if store.IsNoRow(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading calls: %w", err)
	}
	plain, err := v.open(ctx, q, customer, callsPlace(line, month), sealed)
	if err != nil {
		return nil, err
	}
	return decodeSegment(plain)
}

// Portion is calls of one line and month, to be merged into what is there.
type Portion struct {
	Customer cpni.ID
	Line     int
	Month    int // yyyymm in the carrier's zone
	Calls    []Call
}

// Merged counts what MergeCalls did.
type Merged struct {
	Added   int // calls that were not there
	Changed int // calls of which a further leg was told
	Same    int // calls that were there as they are
}

// MergeCalls merges portions into the sealed segments, in tx. What is there is opened and sealed again inside the vault
// and never leaves it. Merging the same calls again changes nothing.
func (v *Vault) MergeCalls(ctx context.Context, tx *store.Tx, portions []Portion) (Merged, error) {
	var m Merged
	put, err := tx.SQL().PrepareContext(ctx, `INSERT INTO call_segment (customer_id, line, month, calls, sealed) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (customer_id, line, month) DO UPDATE SET calls = excluded.calls, sealed = excluded.sealed`)
	if err != nil {
		return m, fmt.Errorf("preparing to seal calls: %w", err)
	}
	defer put.Close()
	get, err := tx.SQL().PrepareContext(ctx, "SELECT sealed FROM call_segment WHERE customer_id = $1 AND line = $2 AND month = $3")
	if err != nil {
		return m, fmt.Errorf("preparing to seal calls: %w", err)
	}
	defer get.Close()
	for _, p := range portions {
		key, err := v.key(ctx, tx, p.Customer)
		if err != nil {
			return m, err
		}
		place := associated(p.Customer, callsPlace(p.Line, p.Month))
		var sealed []byte
		var old []Call
		switch err := get.QueryRowContext(ctx, string(p.Customer), p.Line, p.Month).Scan(&sealed); {
		case store.IsNoRow(err):
		case err != nil:
			return m, fmt.Errorf("reading calls: %w", err)
		default:
			plain, err := key.Decrypt(sealed, place)
			if err != nil {
				return m, ErrSealBroken
			}
			if old, err = decodeSegment(plain); err != nil {
				return m, err
			}
		}
		was := make(map[uint64]Call, len(old))
		for _, c := range old {
			was[c.ID] = c
		}
		all := Merge(append(append(make([]Call, 0, len(old)+len(p.Calls)), old...), p.Calls...))
		changed := false
		for _, c := range all {
			switch o, ok := was[c.ID]; {
			case !ok:
				m.Added++
				changed = true
			case o != c:
				m.Changed++
				changed = true
			default:
				m.Same++
			}
		}
		if !changed {
			continue
		}
		if sealed, err = key.Encrypt(encodeSegment(all), place); err != nil {
			return m, fmt.Errorf("sealing calls: %w", err)
		}
		if _, err := put.ExecContext(ctx, string(p.Customer), p.Line, p.Month, len(all), sealed); err != nil {
			return m, fmt.Errorf("writing calls: %w", err)
		}
	}
	return m, nil
}

// Item is a piece of CPNI that is not a call: a bill, an amount of use, a service detail, a location.
type Item struct {
	Class  cpni.DataClass    `json:"class"`
	Line   int               `json:"line,omitempty"`   // 0: the account as a whole
	Period int               `json:"period,omitempty"` // yyyymm; 0: not of a month
	Values map[string]string `json:"values"`           // field and value, in the words of the data dictionary
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
	return err
}

// ReadItems opens the items of a class, of the given periods or of all when none is given; the receipt must cover the
// class.
//
// cite: P-41, P-01
func (v *Vault) ReadItems(ctx context.Context, r ledger.Receipt, class cpni.DataClass, periods []int) ([]Item, error) {
	if !r.Covers(class) {
		return nil, ErrNotCovered
	}
	rows, err := v.db.Reader().Query(ctx, "SELECT line, period, sealed FROM cpni_item WHERE customer_id = $1 AND class = $2 ORDER BY period, line",
		string(r.Customer()), string(class))
	if err != nil {
		return nil, fmt.Errorf("reading items: %w", err)
	}
	defer rows.Close()
	wanted := map[int]bool{0: true}
	for _, p := range periods {
		wanted[p] = true
	}
	var all []Item
	for rows.Next() {
		item := Item{Class: class}
		var sealed []byte
		if err := rows.Scan(&item.Line, &item.Period, &sealed); err != nil {
			return nil, err
		}
		if len(periods) > 0 && !wanted[item.Period] {
			continue
		}
		plain, err := v.open(ctx, v.db.Reader(), r.Customer(), itemPlace(class, item.Line, item.Period), sealed)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(plain, &item.Values); err != nil {
			return nil, fmt.Errorf("reading an item: %w", err)
		}
		all = append(all, item)
	}
	return all, rows.Err()
}
