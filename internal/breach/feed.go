package breach

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// feedPrefix begins the secret of a calendar's address, so that whoever finds one knows what it is.
const feedPrefix = "rfcal_"

const feedBytes = 32

// NewFeed gives a member of the staff an address of their own at which a calendar program reads the days of incidents: its secret, which is shown
// this once. One that they had before is worth nothing from then on.
//
// cite: P-37, P-44, 47 CFR 64.2010(a)
func (d *Desk) NewFeed(ctx context.Context, by cpni.ID) (string, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return "", err
	}
	b := make([]byte, feedBytes)
	rand.Read(b)
	secret := feedPrefix + base64.RawURLEncoding.EncodeToString(b)
	hash := sha256.Sum256([]byte(secret))
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := d.Clock.Now()
		if _, err := tx.Exec(ctx, "UPDATE incident_feed SET revoked = $1 WHERE staff_id = $2 AND revoked = 0", now.UnixMicro(), string(by)); err != nil {
			return nil, fmt.Errorf("ending the address of a calendar: %w", err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO incident_feed (hash, staff_id, made, revoked) VALUES ($1, $2, $3, 0)", hash[:], string(by), now.UnixMicro()); err != nil {
			return nil, fmt.Errorf("making the address of a calendar: %w", err)
		}
		return d.feedEntry(ctx, tx, by, now, "address of a calendar made")
	})
	if err != nil {
		return "", plainly(err)
	}
	return secret, nil
}

func (d *Desk) feedEntry(ctx context.Context, tx *store.Tx, by cpni.ID, now time.Time, what string) ([]ledger.Entry, error) {
	e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: string(by), Outcome: cpni.OK}, map[string]any{"what": what, "for": by})
	return []ledger.Entry{e}, err
}

// RevokeFeed makes the address of a member worth nothing.
//
// cite: P-37, 47 CFR 64.2010(a)
func (d *Desk) RevokeFeed(ctx context.Context, by cpni.ID) error {
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := d.Clock.Now()
		done, err := tx.Exec(ctx, "UPDATE incident_feed SET revoked = $1 WHERE staff_id = $2 AND revoked = 0", now.UnixMicro(), string(by))
		if err != nil {
			return nil, fmt.Errorf("ending the address of a calendar: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			if err == nil {
				err = wrongState("there is no address that could be ended", "make one")
			}
			return nil, err
		}
		return d.feedEntry(ctx, tx, by, now, "address of a calendar ended")
	})
	return plainly(err)
}

// FeedSince says since when a member has an address; zero: they have none.
func (d *Desk) FeedSince(ctx context.Context, of cpni.ID) (time.Time, error) {
	var made int64
	err := d.DB.Reader().QueryRow(ctx, "SELECT made FROM incident_feed WHERE staff_id = $1 AND revoked = 0", string(of)).Scan(&made)
	if store.IsNoRow(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the address of a calendar: %w", err)
	}
	return time.UnixMicro(made).UTC(), nil
}

// Feed gives the calendar to whoever has the secret of an address in force, whose member may still read incidents; to others ErrNone.
//
// cite: P-37, P-44, 47 CFR 64.2010(a)
func (d *Desk) Feed(ctx context.Context, secret string) ([]byte, error) {
	if !strings.HasPrefix(secret, feedPrefix) || len(secret) != len(feedPrefix)+base64.RawURLEncoding.EncodedLen(feedBytes) {
		return nil, ErrNone
	}
	hash := sha256.Sum256([]byte(secret))
	var of cpni.ID
	err := d.DB.Reader().QueryRow(ctx, "SELECT staff_id FROM incident_feed WHERE hash = $1 AND revoked = 0", hash[:]).Scan(&of)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading the address of a calendar: %w", err)
	}
	m, _, err := d.Staff.Get(ctx, of)
	if err != nil {
		return nil, err
	}
	if m.Disabled || !Sees(m) {
		return nil, ErrNone
	}
	return d.Calendar(ctx, of)
}
