package books

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

func moment(at int64) time.Time { return time.UnixMicro(at).UTC() }

// Keeping is that the registers are kept from a day on.
type Keeping struct {
	Since workday.Date
	At    time.Time // when it was said
	By    string    // a member's id, or system: on its first day with this program
	Basis string    // of what was carried over: from where
}

func keptPlace(n int) string { return fmt.Sprintf("book-kept/%d", n) }

// Keepings tells since when the registers are kept, in the order in which it was said; none: they are not begun.
//
// cite: P-41, 47 CFR 64.2009(e)
func (d *Desk) Keepings(ctx context.Context) ([]Keeping, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT n, at, since, actor, sealed FROM book_kept ORDER BY n")
	if err != nil {
		return nil, fmt.Errorf("reading since when the registers are kept: %w", err)
	}
	defer rows.Close()
	var all []Keeping
	var places []int
	var sealed [][]byte
	for rows.Next() {
		var k Keeping
		var n int
		var at int64
		var since string
		var b []byte
		if err := rows.Scan(&n, &at, &since, &k.By, &b); err != nil {
			return nil, fmt.Errorf("reading since when the registers are kept: %w", err)
		}
		k.At = moment(at)
		if k.Since, err = workday.ParseDate(since); err != nil {
			return nil, err
		}
		all, places, sealed = append(all, k), append(places, n), append(sealed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading since when the registers are kept: %w", err)
	}
	for i := range all {
		plain, err := d.Vault.OpenState(ctx, "", keptPlace(places[i]), sealed[i])
		if err == nil {
			err = json.Unmarshal(plain, &all[i].Basis)
		}
		if err != nil {
			return nil, fmt.Errorf("reading since when the registers are kept: %w", err)
		}
	}
	return all, nil
}

// since is the first day for which the registers are kept; zero: they are not begun.
func since(all []Keeping) (first workday.Date) {
	for _, k := range all {
		if first.IsZero() || k.Since.Before(first) {
			first = k.Since
		}
	}
	return first
}

// begin notes that the registers are kept from today on, when nothing says so yet.
func (d *Desk) begin(ctx context.Context) error {
	var n int
	if err := d.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM book_kept").Scan(&n); err != nil || n > 0 {
		return err
	}
	return d.keep(ctx, 1, string(cpni.RoleSystem), d.today(), "")
}

var errKept = errors.New("somebody else has said it")

func (d *Desk) keep(ctx context.Context, n int, by string, since workday.Date, basis string) error {
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := d.Clock.Now()
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Filing, At: now, Actor: by, Outcome: cpni.OK}, map[string]any{"what": "registers kept since a day", "since": since, "basis": basis})
		if err != nil {
			return nil, err
		}
		plain, err := json.Marshal(basis)
		if err != nil {
			return nil, err
		}
		sealed, err := d.Vault.SealTx(ctx, tx, "", keptPlace(n), plain)
		if err != nil {
			return nil, err
		}
		done, err := tx.Exec(ctx, "INSERT INTO book_kept (n, at, since, actor, entry_id, sealed) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (n) DO NOTHING", n, now.UnixMicro(), written(since), by, string(e.ID), sealed)
		if err != nil {
			return nil, err
		}
		if k, err := done.RowsAffected(); err != nil || k == 0 {
			if err == nil {
				err = errKept
			}
			return nil, err
		}
		return []ledger.Entry{e}, nil
	})
	if errors.Is(err, errKept) && n == 1 { // another node was first
		return nil
	}
	if err != nil {
		return fmt.Errorf("saying since when the registers are kept: %w", err)
	}
	return nil
}

// CarryOver says that the registers hold everything from a day on that lies before the first with this program, because what was kept
// before was entered here. Whoever says so answers for it.
//
// cite: P-41, 47 CFR 64.2009(e)
func (d *Desk) CarryOver(ctx context.Context, by cpni.ID, from workday.Date, basis string) error {
	if err := d.admits(ctx, by, staff.KeepRegisters); err != nil {
		return err
	}
	basis = strings.TrimSpace(basis)
	if err := d.begin(ctx); err != nil {
		return err
	}
	all, err := d.Keepings(ctx)
	if err != nil {
		return err
	}
	switch first := since(all); {
	case from.IsZero() || !from.Before(first):
		return bad("the registers are kept from that day on already", "give an earlier day")
	case basis == "":
		return lacks("it is not said on what that rests", "say which register was kept before, by whom, and that all of it was entered here")
	}
	if err := tidy(nil, []*string{&basis}); err != nil {
		return err
	}
	err = d.keep(ctx, len(all)+1, string(by), from, basis)
	if errors.Is(err, errKept) {
		return cpni.Rejected("CONFLICT", "somebody else has said the same meanwhile", ofBooks, "look at it again")
	}
	return err
}
