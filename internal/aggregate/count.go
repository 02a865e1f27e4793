package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// pageSize is how many customers are looked at together.
const pageSize = 500

// countLease is how long a node that counts may be silent before another begins anew.
const countLease = 2 * time.Minute

var errOthers = errors.New("another node counts this month")

// month is a month as it was counted: what may be told of it, once and for all.
type month struct {
	Numbers Numbers `json:"numbers"` // by which its groups were made
	Groups  Counted `json:"groups"`
}

func monthPlace(m int) string { return fmt.Sprintf("aggregate/%d", m) }

// open gives the groups of a month that was counted; nil, false when it was not. A policy that has become stricter since is obeyed
// by putting its groups together further, never by counting again: of two counts the difference would tell.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func (d *Desk) open(ctx context.Context, m int, n Numbers) (Counted, bool, error) {
	var state string
	var sealed []byte
	err := d.DB.Reader().QueryRow(ctx, "SELECT state, sealed FROM aggregate_month WHERE month = $1", m).Scan(&state, &sealed)
	if store.IsNoRow(err) || err == nil && state != "counted" {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading a month that was counted: %w", err)
	}
	plain, err := d.Vault.OpenState(ctx, vault.CarrierID, monthPlace(m), sealed)
	if err != nil {
		return nil, false, err
	}
	var was month
	if err := json.Unmarshal(plain, &was); err != nil {
		return nil, false, fmt.Errorf("reading a month that was counted: %w", err)
	}
	if n.Smallest > was.Numbers.Smallest {
		return n.grouped(was.Groups), true, nil
	}
	return was.Groups, true, nil
}

// count counts a month for somebody, unless it was counted before or another node is at it (errOthers). That it begins is on record
// before anything is opened.
//
// cite: P-05, P-41, 47 USC 222(c)(3)
func (d *Desk) count(ctx context.Context, m int, by cpni.ID) error {
	now := d.Clock.Now()
	mine := false
	receipts, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		mine = false
		res, err := tx.Exec(ctx, `INSERT INTO aggregate_month (month, state, entry, claim, claimed, looked, counted) VALUES ($1, 'counting', '', $2, $3, 0, 0)
			ON CONFLICT (month) DO UPDATE SET claim = excluded.claim, claimed = excluded.claimed, looked = 0
			WHERE aggregate_month.state = 'counting' AND aggregate_month.claimed <= $4`, m, string(d.node), now.UnixMicro(), now.Add(-countLease).UnixMicro())
		if err != nil {
			return nil, fmt.Errorf("beginning to count a month: %w", err)
		}
		if n, err := res.RowsAffected(); n == 0 || err != nil {
			return nil, err
		}
		mine = true
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Count, At: now, Actor: string(by), Outcome: cpni.OK}, map[string]any{"what": "a month of all customers is counted", "month": m})
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(ctx, "UPDATE aggregate_month SET entry = $1 WHERE month = $2", string(e.ID), m)
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return err
	}
	if !mine {
		return errOthers
	}
	n := d.numbers(now)
	places := map[Place]Group{}
	place, looked := "", int64(0)
	for {
		ids, err := d.ids(ctx, place)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		if err := d.countSome(ctx, receipts[0], m, ids, places); err != nil {
			return err
		}
		place, looked = string(ids[len(ids)-1]), looked+int64(len(ids))
		if err := d.beat(ctx, m, looked); err != nil {
			return err
		}
	}
	all := make([]Group, 0, len(places))
	for _, g := range places {
		all = append(all, g)
	}
	plain, err := json.Marshal(month{n, n.grouped(every(all))})
	if err != nil {
		return fmt.Errorf("keeping a month: %w", err)
	}
	return d.DB.Tx(ctx, func(tx *store.Tx) error {
		sealed, err := d.Vault.SealTx(ctx, tx, vault.CarrierID, monthPlace(m), plain)
		if err != nil {
			return err
		}
		res, err := tx.Exec(ctx, "UPDATE aggregate_month SET state = 'counted', counted = $1, sealed = $2 WHERE month = $3 AND state = 'counting' AND claim = $4", d.Clock.Now().UnixMicro(), sealed, m, string(d.node))
		if err != nil {
			return fmt.Errorf("keeping a month: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errOthers)
		}
		return nil
	})
}

// beat says that this node still counts, and how far it has come.
func (d *Desk) beat(ctx context.Context, m int, looked int64) error {
	return d.DB.Tx(ctx, func(tx *store.Tx) error {
		res, err := tx.Exec(ctx, "UPDATE aggregate_month SET claimed = $1, looked = $2 WHERE month = $3 AND state = 'counting' AND claim = $4", d.Clock.Now().UnixMicro(), looked, m, string(d.node))
		if err != nil {
			return fmt.Errorf("counting a month: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errOthers)
		}
		return nil
	})
}

func (d *Desk) ids(ctx context.Context, after string) ([]cpni.ID, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT customer_id FROM customer WHERE customer_id > $1 ORDER BY customer_id LIMIT $2", after, pageSize)
	if err != nil {
		return nil, fmt.Errorf("listing customers: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// countSome adds some customers to the places at which they were at the end of a month.
func (d *Desk) countSome(ctx context.Context, r ledger.Receipt, m int, ids []cpni.ID, places map[Place]Group) error {
	read, err := d.Customers.ReadMany(ctx, ids)
	if err != nil {
		return err
	}
	amounts := map[Measure]map[cpni.ID]int64{}
	if amounts[Calls], err = d.Vault.Tally(ctx, r, ids, cpni.CallDetail, "", m); err != nil {
		return err
	}
	if amounts[Minutes], err = d.Vault.Tally(ctx, r, ids, cpni.Usage, "minutes", m); err != nil {
		return err
	}
	end := d.end(m).Add(-time.Microsecond)
	for _, c := range read {
		if c.Profile == nil {
			if errors.Is(c.Err, vault.ErrForgotten) {
				continue
			}
			return c.Err // to leave out whom nobody can read would count a month wrongly, for good
		}
		p := c.Profile
		if p.Since.After(end) || !p.Ended.IsZero() && !p.Ended.After(end) {
			continue
		}
		at := placeOf(p, end)
		g := places[at]
		if g.Customers == 0 {
			g = Group{Places: []Place{at}, Sums: map[Measure]Sum{}}
		}
		g.Customers++
		lines := p.LiveLines(end)
		lines = slices.DeleteFunc(lines, func(l customer.Line) bool { return l.Since.After(end) })
		g.Sums[Lines] = g.Sums[Lines].add(int64(len(lines)))
		g.Sums[Calls] = g.Sums[Calls].add(amounts[Calls][c.ID])
		g.Sums[Minutes] = g.Sums[Minutes].add(amounts[Minutes][c.ID])
		places[at] = g
	}
	return nil
}

// end is the first moment after a month, in the carrier's zone.
func (d *Desk) end(m int) time.Time {
	return time.Date(m/100, time.Month(m%100)+1, 1, 0, 0, 0, 0, d.Zone)
}

// settled reports whether a month is over for long enough that what came in late is there.
func (d *Desk) settled(m int, now time.Time) bool {
	return !now.Before(d.opens(m, now))
}

// opens is from when on a month may be counted.
func (d *Desk) opens(m int, now time.Time) time.Time {
	return d.end(m).AddDate(0, 0, d.Policy.Numbers(now).Int("aggregate", "settled_days"))
}

var placeForm = regexp.MustCompile(`(?i)\b([A-Z]{2})[\s,]+(\d{3})\d{2}(?:-\d{4})?\b`)

// placeOf gives where a customer was at a moment, and what they bought then.
func placeOf(p *customer.Profile, at time.Time) Place {
	var words []string
	for _, l := range p.LiveLines(at) {
		if l.Since.After(at) {
			continue
		}
		for _, c := range l.Categories {
			words = append(words, string(c))
		}
	}
	slices.Sort(words)
	place := Place{Service: strings.Join(slices.Compact(words), "+")}
	if a, ok := customer.Current(p.Postal, at); ok {
		if all := placeForm.FindAllStringSubmatch(a.Value, -1); len(all) > 0 {
			last := all[len(all)-1]
			place.State, place.Zip = strings.ToUpper(last[1]), last[2]
		}
	}
	return place
}

// Today is the day on which a month is counted last, for pages: the last month that may be counted now.
func (d *Desk) Today() int {
	now := d.Clock.Now()
	day := workday.DateIn(now, d.Zone)
	m := day.Year*100 + int(day.Month)
	for !d.settled(m, now) {
		if m--; m%100 == 0 {
			m -= 88
		}
	}
	return m
}
