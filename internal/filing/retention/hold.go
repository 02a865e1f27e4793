package retention

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
)

// Scope is what a hold covers. What is empty does not narrow; everything together must fit. A scope of nothing covers everything.
type Scope struct {
	Customer cpni.ID   `json:"customer,omitempty"`
	Kind     string    `json:"kind,omitempty"` // of the catalogue
	Incident cpni.ID   `json:"incident,omitempty"`
	Campaign cpni.ID   `json:"campaign,omitempty"`
	From     time.Time `json:"from,omitzero"`  // included
	Until    time.Time `json:"until,omitzero"` // not included
}

// Everything reports whether the scope narrows nothing.
func (s Scope) Everything() bool { return s == Scope{} }

// Hold is a legal hold: while it is in force nothing that it covers is erased.
type Hold struct {
	ID       cpni.ID
	At       time.Time
	By       cpni.ID
	Lifted   time.Time // zero: it is in force
	LiftedBy cpni.ID
	Scope    Scope
	Matter   string // what it is about, such as the name of a suit
	Reason   string
	Why      string // it was lifted
}

// told is what of a hold is sealed.
type told struct {
	Matter string `json:"matter"`
	Reason string `json:"reason"`
	Why    string `json:"why,omitempty"`
}

func holdPlace(id cpni.ID) string { return "retention-hold/" + string(id) }

// Bounds of what a hold says, in bytes.
const (
	longestMatter = 200
	longestReason = 2000
)

func line(text string) string { return strings.Join(strings.Fields(text), " ") }

func checkText(text *string, longest int, what string) error {
	*text = strings.TrimSpace(*text)
	switch {
	case *text == "":
		return cpni.Rejected("REASON", what+" is not said", cited, "say it in a few words")
	case len(*text) > longest:
		return bad(what+" is too long", "write it shorter")
	}
	return nil
}

// Place places a hold. id names it, so that it is placed once; "" a fresh one.
//
// cite: P-41, P-54, I-22
func (d *Desk) Place(ctx context.Context, id, by cpni.ID, scope Scope, matter, reason string) (*Hold, error) {
	if err := d.admits(ctx, by, staff.KeepRegisters); err != nil {
		return nil, err
	}
	matter = line(matter)
	if err := errors.Join(checkText(&matter, longestMatter, "the matter"), checkText(&reason, longestReason, "the reason")); err != nil {
		return nil, plainly(err)
	}
	if err := d.fits(ctx, scope); err != nil {
		return nil, err
	}
	now := d.Clock.Now().UTC().Truncate(time.Microsecond)
	if id == "" {
		id = cpni.NewTimedID(now)
	}
	if !id.Valid() {
		return nil, bad("the hold has no id", "begin again")
	}
	scope.From, scope.Until = utc(scope.From), utc(scope.Until)
	h := &Hold{ID: id, At: now, By: by, Scope: scope, Matter: matter, Reason: reason}
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if n, err := count(ctx, tx, "SELECT count(*) FROM retention_hold WHERE hold_id = $1", string(id)); err != nil || n > 0 {
			return nil, err
		}
		sealed, err := d.seal(ctx, tx, h)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO retention_hold (hold_id, at, by_staff, lifted, lifted_by, customer_id, kind, incident_id, campaign_id, from_at, until_at, sealed)
			VALUES ($1, $2, $3, 0, '', $4, $5, $6, $7, $8, $9, $10)`, string(id), now.UnixMicro(), string(by), string(scope.Customer), scope.Kind, string(scope.Incident), string(scope.Campaign),
			micro(scope.From), micro(scope.Until), sealed); err != nil {
			return nil, fmt.Errorf("placing a hold: %w", err)
		}
		return d.entry(ctx, tx, string(by), map[string]any{"what": "legal hold placed", "hold": id, "matter": matter, "reason": reason, "scope": scope})
	})
	if err != nil {
		return nil, plainly(err)
	}
	return d.Hold(ctx, id)
}

// fits says what is wrong with a scope.
func (d *Desk) fits(ctx context.Context, s Scope) error {
	if s.Kind != "" {
		if _, ok := Of(s.Kind); !ok {
			return bad("that is no kind of record", "name a kind as the list of terms has it")
		}
	}
	if !s.From.IsZero() && !s.Until.IsZero() && !s.From.Before(s.Until) {
		return bad("the time of the hold ends before it begins", "look at the days again")
	}
	for table, id := range map[string]cpni.ID{"customer": s.Customer, "incident": s.Incident, "campaign": s.Campaign} {
		if id == "" {
			continue
		}
		n, err := count(ctx, d.DB.Reader(), "SELECT count(*) FROM "+table+" WHERE "+table+"_id = $1", string(id))
		if err != nil {
			return err
		}
		if n == 0 {
			return bad("there is no such "+table, "give its id")
		}
	}
	return nil
}

// Lift ends a hold, by another person than the one who placed it.
//
// cite: P-41, P-54, I-22
func (d *Desk) Lift(ctx context.Context, id, by cpni.ID, why string) (*Hold, error) {
	if err := d.admits(ctx, by, staff.KeepRegisters); err != nil {
		return nil, err
	}
	if err := checkText(&why, longestReason, "why it is lifted"); err != nil {
		return nil, err
	}
	h, err := d.Hold(ctx, id)
	if err != nil {
		return nil, err
	}
	if h.By == by {
		return nil, cpni.Rejected("SAME_PERSON", "who placed a hold does not lift it", cited, "let a colleague with the same right look at it")
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := d.Clock.Now()
		h.Why = why
		sealed, err := d.seal(ctx, tx, h)
		if err != nil {
			return nil, err
		}
		done, err := tx.Exec(ctx, "UPDATE retention_hold SET lifted = $1, lifted_by = $2, sealed = $3 WHERE hold_id = $4 AND lifted = 0", now.UnixMicro(), string(by), sealed, string(id))
		if err != nil {
			return nil, fmt.Errorf("lifting a hold: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			if err == nil {
				err = cpni.Rejected("CONFLICT", "the hold is lifted already", cited, "look at the list of holds")
			}
			return nil, err
		}
		return d.entry(ctx, tx, string(by), map[string]any{"what": "legal hold lifted", "hold": id, "why": why, "placed by": h.By})
	})
	if err != nil {
		return nil, plainly(err)
	}
	return d.Hold(ctx, id)
}

func (d *Desk) seal(ctx context.Context, tx *store.Tx, h *Hold) ([]byte, error) {
	plain, err := json.Marshal(told{h.Matter, h.Reason, h.Why})
	if err != nil {
		return nil, fmt.Errorf("writing a hold: %w", err)
	}
	return d.Vault.SealTx(ctx, tx, "", holdPlace(h.ID), plain)
}

// entry is what the ledger says of an act of this desk.
func (d *Desk) entry(ctx context.Context, tx *store.Tx, by string, detail map[string]any) ([]ledger.Entry, error) {
	e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: d.Clock.Now(), Actor: by, Outcome: cpni.OK}, detail)
	return []ledger.Entry{e}, err
}

const holdColumns = "hold_id, at, by_staff, lifted, lifted_by, customer_id, kind, incident_id, campaign_id, from_at, until_at, sealed"

// holds reads holds; open opens what they say, and nil leaves it shut.
func (d *Desk) holds(ctx context.Context, q store.Querier, open bool, where string, args ...any) ([]*Hold, error) {
	rows, err := q.Query(ctx, "SELECT "+holdColumns+" FROM retention_hold WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading holds: %w", err)
	}
	defer rows.Close()
	var all []*Hold
	var sealed [][]byte
	for rows.Next() {
		h := &Hold{}
		var at, lifted, from, until int64
		var b []byte
		if err := rows.Scan(&h.ID, &at, &h.By, &lifted, &h.LiftedBy, &h.Scope.Customer, &h.Scope.Kind, &h.Scope.Incident, &h.Scope.Campaign, &from, &until, &b); err != nil {
			return nil, fmt.Errorf("reading holds: %w", err)
		}
		h.At, h.Lifted, h.Scope.From, h.Scope.Until = fromMicro(at), fromMicro(lifted), fromMicro(from), fromMicro(until)
		all, sealed = append(all, h), append(sealed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || !open {
		return all, err
	}
	for i, h := range all {
		plain, err := d.Vault.OpenState(ctx, "", holdPlace(h.ID), sealed[i])
		var t told
		if err == nil {
			err = json.Unmarshal(plain, &t)
		}
		if err != nil {
			return nil, fmt.Errorf("reading a hold: %w", err)
		}
		h.Matter, h.Reason, h.Why = t.Matter, t.Reason, t.Why
	}
	return all, nil
}

// Holds gives all holds: those in force first, then the newest.
func (d *Desk) Holds(ctx context.Context) ([]*Hold, error) {
	return d.holds(ctx, d.DB.Reader(), true, "1 = 1 ORDER BY CASE WHEN lifted = 0 THEN 0 ELSE 1 END, at DESC, hold_id DESC")
}

// Hold gives one.
func (d *Desk) Hold(ctx context.Context, id cpni.ID) (*Hold, error) {
	all, err := d.holds(ctx, d.DB.Reader(), true, "hold_id = $1", string(id))
	if err == nil && len(all) == 0 {
		err = ErrNone
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicro(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
