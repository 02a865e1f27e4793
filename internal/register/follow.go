package register

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// positionName is the small fact in which the database keeps up to which place of the tree the register of disclosures is made.
const positionName = "register.position"

// atOnce is about how many commits one transaction takes up.
const atOnce = 500

func (b *Book) position(ctx context.Context) (int64, error) {
	text, err := b.DB.Meta(ctx, positionName)
	if err != nil || text == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the place up to which the register is made is damaged: %w", err)
	}
	return n, nil
}

// CatchUp makes the register of what has come into the tree since it was last made. Any node may; what two do at once is done once.
//
// cite: P-41, 47 CFR 64.2009(c)
func (b *Book) CatchUp(ctx context.Context) error {
	for {
		from, err := b.position(ctx)
		if err != nil {
			return err
		}
		next, err := b.some(ctx, from)
		if err != nil {
			return fmt.Errorf("making the register of disclosures: %w", err)
		}
		if next == from {
			return nil
		}
	}
}

// indexed is a line as it is searched.
type indexed struct {
	row   ledger.Row
	seq   int64
	told  Told
	token [2]string // of the name and of the matter
}

// errMoved: another node has made this part of the register meanwhile.
var errMoved = errors.New("another node has made this part of the register")

// some takes up what stands behind a place, and gives the place behind it; the same place: there is nothing more.
func (b *Book) some(ctx context.Context, from int64) (next int64, err error) {
	var all []indexed
	if next, err = b.Ledger.EachGiven(ctx, from, atOnce, func(r ledger.Row, seq int64) error {
		all = append(all, indexed{row: r, seq: seq})
		return nil
	}); err != nil || next == from {
		return next, err
	}
	for i := range all {
		x := &all[i]
		if x.told, _, err = b.told(ctx, x.row); err != nil {
			return from, err
		}
		x.token = [2]string{b.nameToken(x.told.To.Name), b.matterToken(x.told.Basis.ID)}
	}
	own, err := b.own(ctx, from, next)
	if err != nil {
		return from, err
	}
	err = b.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := move(ctx, tx, from, next); err != nil {
			return err
		}
		for _, x := range own {
			if _, err := tx.Exec(ctx, "INSERT INTO register_entry (subject, seq, entry_id) VALUES ($1, $2, $3) ON CONFLICT (subject, seq) DO NOTHING", string(x.subject), x.seq, string(x.entry)); err != nil {
				return err
			}
		}
		for _, x := range all {
			if _, err := tx.Exec(ctx, `INSERT INTO register_line (seq, entry_id, customer_id, at, recipient, purpose, campaign, named, matter)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (seq) DO NOTHING`, x.seq, string(x.row.ID), string(x.row.Customer), x.row.At.UnixMicro(), x.row.Recipient, x.row.Purpose,
				string(x.told.Campaign), x.token[0], x.token[1]); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errMoved) {
		return b.position(ctx)
	}
	return next, err
}

// about is an entry of the carrier's own and what it is about.
type about struct {
	subject, entry cpni.ID
	seq            int64
}

// own finds what the carrier has done about campaigns in a part of the tree.
//
// cite: P-40, 47 CFR 64.2009(c)
func (b *Book) own(ctx context.Context, from, to int64) ([]about, error) {
	var all []about
	return all, b.Ledger.EachOwn(ctx, from, to, func(r ledger.Row, seq int64) error {
		plain, err := b.Vault.OpenRecord(ctx, r)
		if err != nil {
			return err
		}
		var detail struct {
			Campaign cpni.ID `json:"campaign"`
		}
		if err := vault.Detail(plain, &detail); err == nil && detail.Campaign.Valid() {
			all = append(all, about{detail.Campaign, r.ID, seq})
		}
		return nil
	})
}

// entriesOf gives the entries about a campaign, the oldest first, that stand in a tree.
func (b *Book) entriesOf(ctx context.Context, subject cpni.ID, size int64) ([]cpni.ID, error) {
	rows, err := b.DB.Reader().Query(ctx, "SELECT entry_id FROM register_entry WHERE subject = $1 AND seq < $2 ORDER BY seq", string(subject), size)
	if err != nil {
		return nil, fmt.Errorf("reading the entries of a campaign: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("reading the entries of a campaign: %w", err)
		}
		all = append(all, id)
	}
	return all, rows.Err()
}

// move moves the position, if it stands where it stood: of several nodes one at a time gets past this, and what it writes beside is
// committed with it or not at all.
func move(ctx context.Context, tx *store.Tx, from, to int64) error {
	if _, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, '0') ON CONFLICT (name) DO NOTHING", positionName); err != nil {
		return err
	}
	moved, err := tx.Exec(ctx, "UPDATE meta SET value = $1 WHERE name = $2 AND value = $3", strconv.FormatInt(to, 10), positionName, strconv.FormatInt(from, 10))
	if err != nil {
		return err
	}
	n, err := moved.RowsAffected()
	if err == nil && n != 1 {
		err = errMoved
	}
	return err
}

// Remake makes the register of disclosures again from the ledger, from its first entry on.
func (b *Book) Remake(ctx context.Context) error {
	err := b.DB.Tx(ctx, func(tx *store.Tx) error {
		for _, table := range []string{"register_line", "register_entry"} {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return tx.SetMeta(ctx, positionName, "0")
	})
	if err != nil {
		return fmt.Errorf("making the register again: %w", err)
	}
	return b.CatchUp(ctx)
}

// What names somebody, or a matter of theirs, is looked up by its token and stands in no column.
func (b *Book) nameToken(name string) string { return b.tokenOf("register name", name) }
func (b *Book) matterToken(id string) string { return b.tokenOf("register matter", id) }

func (b *Book) tokenOf(kind, value string) string {
	if value = named(value); value == "" {
		return ""
	}
	return hex.EncodeToString(b.Vault.BlindIndex(kind, value))
}
