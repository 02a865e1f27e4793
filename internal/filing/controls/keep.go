package controls

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

func stepPlace(id string, n int) string { return fmt.Sprintf("control-step/%s/%d", id, n) }

// look is when a probe last looked at a control, and what it saw.
type look struct {
	at   time.Time
	says string
}

func (b *Book) looks(ctx context.Context) (map[string]look, error) {
	rows, err := b.DB.Reader().Query(ctx, "SELECT control_id, at, says FROM control_look")
	if err != nil {
		return nil, fmt.Errorf("reading when controls were looked at: %w", err)
	}
	defer rows.Close()
	all := map[string]look{}
	for rows.Next() {
		var id, says string
		var at int64
		if err := rows.Scan(&id, &at, &says); err != nil {
			return nil, fmt.Errorf("reading when controls were looked at: %w", err)
		}
		all[id] = look{time.UnixMicro(at).UTC(), says}
	}
	return all, rows.Err()
}

// opener opens what is sealed, in a transaction or outside one.
type opener func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error)

const stepColumns = "SELECT control_id, n, at, what, actor, entry_id, sealed FROM control_step "

// newest gives the newest step of each control that has one.
func (b *Book) newest(ctx context.Context) (map[string]*Step, error) {
	ids, all, err := b.steps(ctx, b.DB.Reader(), b.Vault.OpenState, stepColumns+"s WHERE n = (SELECT max(x.n) FROM control_step x WHERE x.control_id = s.control_id)")
	newest := map[string]*Step{}
	for i := range all {
		newest[ids[i]] = &all[i]
	}
	return newest, err
}

// history gives the steps of a control, the oldest first.
func (b *Book) history(ctx context.Context, id string) ([]Step, error) {
	_, all, err := b.steps(ctx, b.DB.Reader(), b.Vault.OpenState, stepColumns+"WHERE control_id = $1 ORDER BY n", id)
	return all, err
}

func (b *Book) steps(ctx context.Context, q store.Querier, open opener, query string, args ...any) (ids []string, all []Step, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the history of a control: %w", err)
	}
	defer rows.Close()
	var sealed [][]byte
	for rows.Next() {
		var id string
		var s Step
		var at int64
		var text []byte
		if err := rows.Scan(&id, &s.N, &at, &s.What, &s.By, &s.Entry, &text); err != nil {
			return nil, nil, fmt.Errorf("reading the history of a control: %w", err)
		}
		s.At = time.UnixMicro(at).UTC()
		ids, all, sealed = append(ids, id), append(all, s), append(sealed, text)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, nil, fmt.Errorf("reading the history of a control: %w", err)
	}
	for i := range all {
		plain, err := open(ctx, "", stepPlace(ids[i], all[i].N), sealed[i])
		if err == nil {
			err = json.Unmarshal(plain, &all[i])
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading the history of a control: %w", err)
		}
	}
	return ids, all, nil
}

// writing is a step on its way into the history of a control, in one transaction.
type writing struct {
	b   *Book
	ctx context.Context
	tx  *store.Tx
	c   Listed
	now time.Time
	act cpni.ID // "" of the program
	all []ledger.Entry
}

// last writes down that somebody looks now and what they see, and gives the newest step; nil: there is none. The row that is written is what
// a second one waits for who looks at the same moment.
func (w *writing) last(says string) (*Step, error) {
	if _, err := w.tx.Exec(w.ctx, "INSERT INTO control_look (control_id, at, says) VALUES ($1, $2, $3) ON CONFLICT (control_id) DO UPDATE SET at = excluded.at, says = excluded.says", w.c.ID, w.now.UnixMicro(), says); err != nil {
		return nil, fmt.Errorf("writing what was seen of a control: %w", err)
	}
	open := func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error) {
		return w.b.Vault.OpenStateTx(ctx, w.tx, of, what, sealed)
	}
	_, all, err := w.b.steps(w.ctx, w.tx, open, stepColumns+"WHERE control_id = $1 ORDER BY n DESC LIMIT 1", w.c.ID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// note adds a step behind the last one, with its entry in the ledger, which says which control and how it stands and what the step's hash
// is; and an alert where a control is off that was not.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (w *writing) note(before *Step, s Step) error {
	s.N, s.At = 1, w.now.UTC().Truncate(time.Microsecond)
	was := Unknown
	if before != nil {
		s.N, was = before.N+1, before.State
	}
	if s.Since.IsZero() {
		s.Since = s.At
		if before != nil && was == s.State {
			s.Since = before.Since
		}
	}
	plain, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the history of a control: %w", err)
	}
	e, err := w.b.Vault.Entry(w.ctx, w.tx, ledger.Entry{Kind: ledger.Admin, At: w.now, Actor: s.By, Outcome: cpni.OK},
		map[string]any{"what": "control " + string(s.What) + ": " + string(s.State), "control": w.c.ID, "step": s.N, "hash": fmt.Sprintf("%x", sha256.Sum256(plain))})
	if err != nil {
		return err
	}
	w.all = append(w.all, e)
	sealed, err := w.b.Vault.SealTx(w.ctx, w.tx, "", stepPlace(w.c.ID, s.N), plain)
	if err != nil {
		return err
	}
	if _, err := w.tx.Exec(w.ctx, "INSERT INTO control_step (control_id, n, at, what, actor, act, entry_id, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		w.c.ID, s.N, s.At.UnixMicro(), string(s.What), s.By, string(w.act), string(e.ID), sealed); err != nil {
		return fmt.Errorf("writing the history of a control: %w", err)
	}
	if s.State != Off || was == Off {
		return nil
	}
	alert, err := w.b.Vault.Entry(w.ctx, w.tx, ledger.Entry{Kind: ledger.Alert, At: w.now, Actor: s.By, Outcome: cpni.OK, Code: WentOff},
		map[string]any{"what": "a control is off: " + w.c.Title, "control": w.c.ID, "step": s.N})
	if err == nil {
		w.all = append(w.all, alert)
	}
	return err
}
