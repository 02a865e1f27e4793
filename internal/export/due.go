package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Overdue is the code of the alert that the day of destruction has passed without a certificate.
const Overdue cpni.Code = "OVERDUE"

// dueOf gives the first day by which something that a partner holds must be destroyed.
func (x *Exports) dueOf(ctx context.Context, q store.Querier, partner string) (time.Time, error) {
	var first int64
	if err := q.QueryRow(ctx, "SELECT COALESCE(min(destroy_by), 0) FROM export WHERE partner_id = $1 AND fetches > 0 AND certified = 0", partner).Scan(&first); err != nil {
		return time.Time{}, fmt.Errorf("looking when a partner must destroy: %w", err)
	}
	if first == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(first).UTC(), nil
}

// Held lists what partners hold and have not proved to be destroyed, what is due first first; with "" of all partners.
func (x *Exports) Held(ctx context.Context, partner string) ([]Export, error) {
	return x.where(ctx, "($1 = '' OR partner_id = $1) AND fetches > 0 AND certified = 0 ORDER BY destroy_by, export_id", partner)
}

// Due does what its time has come for: it reminds of days of destruction, raises an alert for each that has passed, of files and of
// agreements, and withdraws what nobody has fetched. Done again, or on another node, it does nothing twice.
//
// cite: P-41, V112, 47 CFR 64.2009(c)
func (x *Exports) Due(ctx context.Context) error {
	return errors.Join(x.remind(ctx), x.missed(ctx), x.ended(ctx), x.expire(ctx))
}

func (x *Exports) remind(ctx context.Context) error {
	now := x.Clock.Now()
	all, err := x.where(ctx, "fetches > 0 AND certified = 0 AND destroy_by > $1 ORDER BY destroy_by", now.UnixMicro())
	if err != nil {
		return err
	}
	steps := slices.Clone(x.Numbers(now).Remind)
	slices.Sort(steps)
	var failed []error
	for _, e := range all {
		left := int64(workday.DateIn(now, x.Zone).DaysUntil(workday.DateIn(e.DestroyBy, x.Zone)))
		step := int64(0)
		for _, s := range steps { // the smallest that has come
			if left <= int64(s) {
				step = int64(s)
				break
			}
		}
		if step == 0 || e.reminded != 0 && e.reminded <= step {
			continue
		}
		_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			done, err := tx.Exec(ctx, "UPDATE export SET reminded = $1, tell_at = $2, tell_tries = 0, tell_what = 'destroy' WHERE export_id = $3 AND certified = 0 AND reminded = $4", step, now.UnixMicro(), string(e.ID), e.reminded)
			if err != nil {
				return nil, err
			}
			if n, err := done.RowsAffected(); n == 0 || err != nil {
				return nil, err // another node was first
			}
			return x.entry(ctx, tx, string(cpni.RoleSystem), map[string]any{"what": "reminded that a partner must destroy", "export": e.ID, "partner": e.Spec.Partner, "destroy_by": e.DestroyBy, "days": step})
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("reminding of a day of destruction: %w", err))
		}
	}
	return errors.Join(failed...)
}

func (x *Exports) missed(ctx context.Context) error {
	now := x.Clock.Now()
	all, err := x.where(ctx, "fetches > 0 AND certified = 0 AND overdue = 0 AND destroy_by <= $1 ORDER BY destroy_by", now.UnixMicro())
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range all {
		_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			done, err := tx.Exec(ctx, "UPDATE export SET overdue = $1, tell_at = $1, tell_tries = 0, tell_what = 'overdue' WHERE export_id = $2 AND certified = 0 AND overdue = 0", now.UnixMicro(), string(e.ID))
			if err != nil {
				return nil, err
			}
			if n, err := done.RowsAffected(); n == 0 || err != nil {
				return nil, err
			}
			if err := x.emptyTx(ctx, tx, e.ID); err != nil {
				return nil, err
			}
			return x.alert(ctx, tx, string(cpni.RoleSystem), Overdue, map[string]any{"what": "no certificate of destruction has come in time", "export": e.ID, "partner": e.Spec.Partner, "destroy_by": e.DestroyBy})
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("raising an alert about a day of destruction: %w", err))
		}
	}
	return errors.Join(failed...)
}

// ended raises an alert for each agreement whose day of destruction has passed without a certificate.
//
// cite: P-41, V112
func (x *Exports) ended(ctx context.Context) error {
	now := x.Clock.Now()
	all, err := x.Partners.All(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, p := range all {
		a := p.Agreement
		if a == nil || a.DestroyProof || a.Destroyed().IsZero() || now.Before(a.Destroyed()) {
			continue
		}
		_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			first, err := x.Partners.OverdueTx(ctx, tx, p.ID, now)
			if !first || err != nil {
				return nil, err
			}
			return x.alert(ctx, tx, string(cpni.RoleSystem), Overdue, map[string]any{"what": "no certificate of destruction is held of what was given under an agreement", "partner": p.ID, "destroy_by": a.Destroyed()})
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("raising an alert about an agreement: %w", err))
		}
	}
	return errors.Join(failed...)
}

// expire withdraws files that nobody has fetched in time; one that was fetched before stays with its partner, who has it.
func (x *Exports) expire(ctx context.Context) error {
	now := x.Clock.Now()
	all, err := x.where(ctx, "state = $1 AND expires <= $2 ORDER BY expires", string(Ready), now.UnixMicro())
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range all {
		err := x.move(ctx, e.ID, string(cpni.RoleSystem), "export not fetched in time", Withdrawn, []State{Ready}, "")
		if err != nil && !errors.Is(err, ErrState) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// Certificate is a partner's word, signed by a person, that it has destroyed what it was given.
type Certificate struct {
	ID        cpni.ID
	Partner   string
	Export    cpni.ID // "": of everything under the agreement
	At        time.Time
	By        string    // a member of the staff who has entered it, or partner:ID
	Destroyed time.Time // when the data were destroyed
	Paper     Paper     // what lies sealed
}

// Paper is what shows it.
type Paper struct {
	Signer string `json:"signer"` // who signed
	Method string `json:"method"` // how it was destroyed
	Name   string `json:"name"`   // of the file
	Type   string `json:"type"`   // its media type
	Bytes  []byte `json:"bytes"`
}

// The largest file of a certificate, in bytes, and the longest line of what is said in one.
const (
	MostPaper   = 5 << 20
	longestLine = 300
)

// paperTypes are those of files that can show a certificate.
var paperTypes = []string{"application/pdf", "image/png", "image/jpeg", "text/plain"}

func (c Certificate) check(now time.Time) error {
	bad := func(says, next string) error {
		return cpni.Rejected("BAD_INPUT", says, []string{"P-41", "47 CFR 64.2009(c)"}, next)
	}
	for _, line := range []string{c.Paper.Signer, c.Paper.Method, c.Paper.Name} {
		if strings.TrimSpace(line) == "" || len(line) > longestLine || strings.ContainsFunc(line, unicode.IsControl) {
			return bad("a certificate says who signed it, how the data were destroyed, and the name of its file", "give each in a line of at most 300 bytes")
		}
	}
	switch {
	case len(c.Paper.Bytes) == 0 || len(c.Paper.Bytes) > MostPaper:
		return bad("a certificate comes with the paper that shows it", "send a file of at most 5 MB")
	case !slices.Contains(paperTypes, c.Paper.Type):
		return bad("the paper is of no kind that is taken", "send a PDF, a PNG or JPEG picture, or plain text")
	case c.Destroyed.IsZero() || c.Destroyed.After(now):
		return bad("a certificate says when the data were destroyed, which is not a day to come", "give the day on which it was done")
	}
	return nil
}

func certificatePlace(id cpni.ID) string { return "certificate/" + string(id) }

// Certify takes a certificate of destruction in, with its paper, which is sealed. From then on the export counts as destroyed; when
// nothing else is late the partner may be given something again. What is left here of the file is destroyed too.
//
// cite: P-35, P-41, 47 CFR 64.2009(c)
func (x *Exports) Certify(ctx context.Context, c Certificate) (Certificate, error) {
	now := x.Clock.Now().Truncate(time.Microsecond)
	if err := c.check(now); err != nil {
		return c, err
	}
	c.ID, c.At = cpni.NewTimedID(now), now
	paper, err := json.Marshal(c.Paper)
	if err != nil {
		return c, fmt.Errorf("keeping a certificate: %w", err)
	}
	_, err = x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var all []ledger.Entry
		if c.Export != "" {
			var fetched int64
			err := tx.QueryRow(ctx, "UPDATE export SET certified = $1, changed = $1, state = $2, tell_at = 0 WHERE export_id = $3 AND partner_id = $4 AND fetches > 0 AND certified = 0 RETURNING fetched",
				now.UnixMicro(), string(Destroyed), string(c.Export), c.Partner).Scan(&fetched)
			if store.IsNoRow(err) {
				e, err := x.one(ctx, tx, c.Export)
				if err != nil || e.Spec.Partner != c.Partner {
					return nil, ErrNone
				}
				return nil, ErrState
			}
			if err != nil {
				return nil, err
			}
			if c.Destroyed.Before(time.UnixMicro(fetched).Add(-24 * time.Hour)) {
				return nil, cpni.Rejected("BAD_INPUT", "the certificate is of a day before the file was fetched", []string{"P-41"}, "obtain one for this file")
			}
			if err := x.emptyTx(ctx, tx, c.Export); err != nil {
				return nil, err
			}
			due, err := x.dueOf(ctx, tx, c.Partner)
			if err != nil {
				return nil, err
			}
			if err := x.Partners.DueTx(ctx, tx, c.Partner, due); err != nil {
				return nil, err
			}
		} else {
			p, _, err := x.Partners.Get(ctx, c.Partner)
			if err != nil {
				return nil, err
			}
			if p.Agreement == nil {
				return nil, ErrState
			}
			held := *p
			a := *p.Agreement
			a.DestroyProof = true
			held.Agreement = &a
			if all, err = x.Partners.PutTx(ctx, tx, c.By, held); err != nil {
				return nil, err
			}
		}
		sealed, err := x.Vault.SealTx(ctx, tx, vault.CarrierID, certificatePlace(c.ID), paper)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO export_certificate (certificate_id, partner_id, export_id, at, by_who, destroyed, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			string(c.ID), c.Partner, string(c.Export), now.UnixMicro(), c.By, c.Destroyed.UnixMicro(), sealed); err != nil {
			return nil, err
		}
		more, err := x.entry(ctx, tx, c.By, map[string]any{"what": "certificate of destruction", "certificate": c.ID, "partner": c.Partner, "export": c.Export, "destroyed": c.Destroyed,
			"signer": c.Paper.Signer, "method": c.Paper.Method, "paper": fmt.Sprintf("%x", sumOf(c.Paper.Bytes))})
		return append(all, more...), err
	})
	x.Partners.Drop(c.Partner)
	if err != nil {
		return c, plainly(err)
	}
	return c, nil
}

// Certificates lists the certificates of a partner, the newest first, without their papers.
func (x *Exports) Certificates(ctx context.Context, partner string) ([]Certificate, error) {
	rows, err := x.DB.Reader().Query(ctx, "SELECT certificate_id, partner_id, export_id, at, by_who, destroyed FROM export_certificate WHERE partner_id = $1 ORDER BY at DESC, certificate_id DESC", partner)
	if err != nil {
		return nil, fmt.Errorf("listing certificates: %w", err)
	}
	defer rows.Close()
	var all []Certificate
	for rows.Next() {
		var c Certificate
		var at, destroyed int64
		if err := rows.Scan(&c.ID, &c.Partner, &c.Export, &at, &c.By, &destroyed); err != nil {
			return nil, fmt.Errorf("listing certificates: %w", err)
		}
		c.At, c.Destroyed = time.UnixMicro(at).UTC(), time.UnixMicro(destroyed).UTC()
		all = append(all, c)
	}
	return all, rows.Err()
}

// Certificate gives a certificate of a partner with its paper.
func (x *Exports) Certificate(ctx context.Context, partner string, id cpni.ID) (Certificate, error) {
	all, err := x.Certificates(ctx, partner)
	if err != nil {
		return Certificate{}, err
	}
	n := slices.IndexFunc(all, func(c Certificate) bool { return c.ID == id })
	if n < 0 {
		return Certificate{}, ErrNone
	}
	c := all[n]
	var sealed []byte
	if err := x.DB.Reader().QueryRow(ctx, "SELECT sealed FROM export_certificate WHERE certificate_id = $1", string(id)).Scan(&sealed); err != nil {
		return c, fmt.Errorf("reading a certificate: %w", err)
	}
	plain, err := x.Vault.OpenState(ctx, vault.CarrierID, certificatePlace(id), sealed)
	if err != nil {
		return c, fmt.Errorf("reading a certificate: %w", err)
	}
	return c, json.Unmarshal(plain, &c.Paper)
}
