package disclose

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Claim is somebody's word that life or limb is at risk. It is on record before anything is given on it, and is justified
// afterwards by who took it.
//
// cite: P-28, 47 USC 222(d)(4)
type Claim struct {
	ID       cpni.ID // names the claim; the same one again gives the same answer
	Customer cpni.ID
	Staff    cpni.ID
	Scopes   []string // those of a program's key; none: all that its member may
	To       string   // psap, law-enforcement or family
	Kind     string   // 911-call or life-at-risk
	Caller   string   // psap, guardian, immediate-family or other
	Callback string   // where the one who asks can be called back, as they gave it
	Incident string   // their number for what happened; "" when they have none
}

// longestClaim bounds what a claim says, in bytes.
const longestClaim = 200

func (c Claim) check() error {
	if !c.ID.Valid() || len(c.Callback) > longestClaim || len(c.Incident) > longestClaim {
		return cpni.Rejected("BAD_INPUT", "the claim has no id, or a field of it is longer than 200 bytes", nil, "shorten it")
	}
	if strings.TrimSpace(c.Callback) == "" {
		return cpni.Rejected("BAD_INPUT", "nothing says where the one who asks can be called back", []string{"47 USC 222(d)(4)"},
			"take the number and the name of the desk that calls; it needs no more than that")
	}
	return nil
}

// Emergency records a claim, and then asks the rules for the location of the customer's calls on it. What the rules answer
// is on record as well.
//
// cite: P-28, P-41, I-01, 47 USC 222(d)(4)
func (d *Door) Emergency(ctx context.Context, c Claim) (*Answer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	due := now.Add(d.Policy.Numbers(now).Duration("security-defaults", "emergency_justified_within"))
	row := claimRow{c.Customer, c.ID, c.Staff, now.UnixMicro(), due.UnixMicro()}
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		fresh, err := row.put(ctx, tx)
		if err != nil || !fresh {
			return nil, err
		}
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: c.Customer, Kind: ledger.Change, At: now, Actor: string(c.Staff), Outcome: cpni.OK}, c.detail())
		return []ledger.Entry{e}, err
	})
	if err != nil && d.Journal != nil && ctx.Err() == nil && c.To == string(cpni.ToPSAP) {
		if d.claimHere(ctx, c, row) == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, d.unrecorded(err)
	}
	return d.Claimed(ctx, c)
}

// detail is what the record says of a claim.
func (c Claim) detail() map[string]string {
	return map[string]string{"what": "emergency claimed", "claim": string(c.ID), "to": c.To, "kind": c.Kind, "caller": c.Caller, "callback": c.Callback, "incident": c.Incident}
}

// Claimed gives the answer to a claim that is on record: asked again, the recorded one.
//
// cite: P-28, P-41, I-11
func (d *Door) Claimed(ctx context.Context, c Claim) (*Answer, error) {
	var at int64
	err := d.DB.Reader().QueryRow(ctx, "SELECT at FROM emergency WHERE customer_id = $1 AND claim_id = $2 AND staff_id = $3", string(c.Customer), string(c.ID), string(c.Staff)).Scan(&at)
	if here, ok := d.claimedHere(c.Customer, c.ID); store.IsNoRow(err) && ok && here.Staff == c.Staff {
		at, err = here.At, nil
	}
	if store.IsNoRow(err) {
		return nil, ledger.ErrNoRecord
	}
	if err != nil {
		return nil, d.unrecorded(fmt.Errorf("reading an emergency: %w", err))
	}
	return d.Disclose(ctx, Request{Caller: Caller{Staff: c.Staff, Scopes: c.Scopes}, Customer: c.Customer, Data: []cpni.DataClass{cpni.Location}, Purpose: cpni.Emergency, To: c.To, Via: cpni.Voice,
		Months: []int{vault.Month(time.UnixMicro(at), d.Zone)}, Emergency: &rules.Emergency{Kind: c.Kind, Caller: c.Caller}, IdempotencyKey: "emergency " + string(c.ID)})
}

// JustifiedBy gives the moment by which a claim is to be justified, whether it is or not.
//
// cite: P-28, P-41
func (d *Door) JustifiedBy(ctx context.Context, customer, claim cpni.ID) (time.Time, error) {
	var due int64
	err := d.DB.Reader().QueryRow(ctx, "SELECT due FROM emergency WHERE customer_id = $1 AND claim_id = $2", string(customer), string(claim)).Scan(&due)
	if here, ok := d.claimedHere(customer, claim); store.IsNoRow(err) && ok {
		due, err = here.Due, nil
	}
	if store.IsNoRow(err) {
		return time.Time{}, ledger.ErrNoRecord
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading an emergency: %w", err)
	}
	return time.UnixMicro(due).UTC(), nil
}

// Unjustified is a claim that its taker has still to justify.
type Unjustified struct {
	Customer, ID cpni.ID
	At, Due      time.Time
}

// mostUnjustified bounds an answer of Unjustified.
const mostUnjustified = 50

// Unjustified lists the claims that a member of the staff has still to justify, the one that is due first first.
//
// cite: P-28, P-41
func (d *Door) Unjustified(ctx context.Context, by cpni.ID) ([]Unjustified, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT customer_id, claim_id, at, due FROM emergency WHERE staff_id = $1 AND justified = 0 ORDER BY due LIMIT $2", string(by), mostUnjustified)
	if err != nil {
		return nil, fmt.Errorf("listing emergencies: %w", err)
	}
	defer rows.Close()
	var all []Unjustified
	for rows.Next() {
		var u Unjustified
		var at, due int64
		if err := rows.Scan(&u.Customer, &u.ID, &at, &due); err != nil {
			return nil, fmt.Errorf("listing emergencies: %w", err)
		}
		u.At, u.Due = time.UnixMicro(at).UTC(), time.UnixMicro(due).UTC()
		all = append(all, u)
	}
	return all, rows.Err()
}

// The shortest and longest justification, in bytes.
const (
	shortestReason = 20
	longestReason  = 1000
)

// Justify records why something had to be given out in an emergency. Only who took the claim says so, once.
//
// cite: P-28, P-41, 47 USC 222(d)(4)
func (d *Door) Justify(ctx context.Context, by, customer, claim cpni.ID, reason string) error {
	reason = strings.Join(strings.Fields(reason), " ")
	if len(reason) < shortestReason || len(reason) > longestReason {
		return cpni.Rejected("BAD_INPUT", "a justification has 20 to 1,000 bytes", []string{"P-41", "47 USC 222(d)(4)"}, "write who asked, why life was at risk, and how you knew who they were")
	}
	now := d.Clock.Now()
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		r, err := tx.Exec(ctx, "UPDATE emergency SET justified = $1 WHERE customer_id = $2 AND claim_id = $3 AND staff_id = $4 AND justified = 0",
			now.UnixMicro(), string(customer), string(claim), string(by))
		if err != nil {
			return nil, fmt.Errorf("justifying an emergency: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil {
			return nil, err
		} else if n == 0 {
			return nil, cpni.Rejected("NOT_FOUND", "there is no such emergency of yours that is still to be justified", []string{"P-41"}, "see the list on your desk")
		}
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: customer, Kind: ledger.Change, At: now, Actor: string(by), Outcome: cpni.OK},
			map[string]string{"what": "emergency justified", "claim": string(claim), "reason": reason})
		return []ledger.Entry{e}, err
	})
	return err
}

// EmergencyUnjustified is the code of the alert that nobody has written in time why something was given out in an emergency.
const EmergencyUnjustified cpni.Code = "EMERGENCY_UNJUSTIFIED"

// Missed raises an alert for each claim that was not justified in time, once, on however many nodes it runs.
//
// cite: P-28, P-41, 47 USC 222(d)(4)
func (d *Door) Missed(ctx context.Context) error {
	now := d.Clock.Now()
	rows, err := d.DB.Reader().Query(ctx, "SELECT customer_id, claim_id, staff_id FROM emergency WHERE justified = 0 AND missed = 0 AND due <= $1 ORDER BY due LIMIT $2", now.UnixMicro(), mostUnjustified)
	if err != nil {
		return fmt.Errorf("looking for emergencies that nobody has justified: %w", err)
	}
	defer rows.Close()
	type missed struct{ customer, claim, staff cpni.ID }
	var all []missed
	for rows.Next() {
		var m missed
		if err := rows.Scan(&m.customer, &m.claim, &m.staff); err != nil {
			return fmt.Errorf("looking for emergencies that nobody has justified: %w", err)
		}
		all = append(all, m)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("looking for emergencies that nobody has justified: %w", err)
	}
	var failed []error
	for _, m := range all {
		_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			r, err := tx.Exec(ctx, "UPDATE emergency SET missed = $1 WHERE customer_id = $2 AND claim_id = $3 AND justified = 0 AND missed = 0", now.UnixMicro(), string(m.customer), string(m.claim))
			if err != nil {
				return nil, err
			}
			if n, err := r.RowsAffected(); n == 0 || err != nil {
				return nil, err // justified meanwhile, or another node was first
			}
			e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: m.customer, Kind: ledger.Alert, At: now, Actor: string(m.staff), Outcome: cpni.OK, Code: EmergencyUnjustified},
				map[string]string{"what": "an emergency was not justified in time", "claim": string(m.claim)})
			return []ledger.Entry{e}, err
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("raising an alert about an emergency: %w", err))
		}
	}
	return errors.Join(failed...)
}

// ClaimStands is a claim with what became of it.
type ClaimStands struct {
	Unjustified
	Staff     cpni.ID
	To        string    // psap, law-enforcement or family
	Justified time.Time // zero: not yet
	Reason    string
}

// mostStanding bounds an answer of Emergencies.
const mostStanding = 50

// Emergencies lists the claims of a member of the staff, or of everybody when by is "": those that are still to be justified, the one
// that is due first first, or the newest that are.
//
// cite: P-28, P-41, 47 USC 222(d)(4)
func (d *Door) Emergencies(ctx context.Context, by cpni.ID, open bool) ([]ClaimStands, error) {
	where, order := "justified > 0", "justified DESC"
	if open {
		where, order = "justified = 0", "due"
	}
	rows, err := d.DB.Reader().Query(ctx, "SELECT customer_id, claim_id, staff_id, at, due, justified FROM emergency WHERE "+where+" AND ($1 = '' OR staff_id = $1) ORDER BY "+order+" LIMIT $2", string(by), mostStanding)
	if err != nil {
		return nil, fmt.Errorf("listing emergencies: %w", err)
	}
	defer rows.Close()
	var all []ClaimStands
	for rows.Next() {
		var c ClaimStands
		var at, due, justified int64
		if err := rows.Scan(&c.Customer, &c.ID, &c.Staff, &at, &due, &justified); err != nil {
			return nil, fmt.Errorf("listing emergencies: %w", err)
		}
		c.At, c.Due = time.UnixMicro(at).UTC(), time.UnixMicro(due).UTC()
		if justified > 0 {
			c.Justified = time.UnixMicro(justified).UTC()
		}
		all = append(all, c)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("listing emergencies: %w", err)
	}
	for i := range all {
		if err := d.claimWords(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// claimWords reads from the ledger for whom a claim was and why it had to be. Of somebody who was forgotten nothing is left.
func (d *Door) claimWords(ctx context.Context, c *ClaimStands) error {
	for _, from := range []time.Time{c.Justified, c.At} {
		if from.IsZero() {
			continue
		}
		rows, err := d.Ledger.Records(ctx, c.Customer, ledger.Filter{Kind: ledger.Change, Before: cpni.FirstTimedID(from.Add(time.Millisecond)), Limit: nearClaim})
		if err != nil {
			return err
		}
		for _, row := range rows {
			plain, err := d.Vault.OpenRecord(ctx, row)
			if errors.Is(err, vault.ErrForgotten) {
				return nil
			}
			if err != nil {
				return err
			}
			var said struct{ What, Claim, To, Reason string }
			if vault.Detail(plain, &said) != nil || said.Claim != string(c.ID) {
				continue
			}
			if said.To != "" {
				c.To = said.To
			}
			if said.Reason != "" {
				c.Reason = said.Reason
			}
			break
		}
	}
	return nil
}

// nearClaim is how many entries about a customer are looked through for that of a claim: those of the same moment.
const nearClaim = 10

// EmergencyCounts counts the claims of a member of the staff, or of everybody when by is "", that are still to be justified, and those
// of them that are overdue.
//
// cite: P-28, P-41
func (d *Door) EmergencyCounts(ctx context.Context, by cpni.ID) (open, late int, err error) {
	err = d.DB.Reader().QueryRow(ctx, "SELECT count(*), coalesce(sum(CASE WHEN due <= $2 THEN 1 ELSE 0 END), 0) FROM emergency WHERE justified = 0 AND ($1 = '' OR staff_id = $1)",
		string(by), d.Clock.Now().UnixMicro()).Scan(&open, &late)
	if err != nil {
		return 0, 0, fmt.Errorf("counting emergencies: %w", err)
	}
	return open, late, nil
}
