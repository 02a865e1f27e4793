package export

import (
	"cmp"
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
)

const columns = `export_id, state, spec, at, changed, by_staff, second, destroy_by, decided, held, parts, first_entry, last_entry, sealed_at, expires, fetched, fetches, overdue, certified,
	place, placed, tell_tries, tell_what, reminded`

func scan(from func(...any) error) (Export, error) {
	var e Export
	var spec string
	var at, changed, destroy, sealed, expires, fetched, overdue, certified int64
	if err := from(&e.ID, &e.State, &spec, &at, &changed, &e.By, &e.Second, &destroy, &e.Decided, &e.Rows, &e.PartsDone, &e.First, &e.Last, &sealed, &expires, &fetched, &e.Fetches, &overdue, &certified,
		&e.place, &e.placed, &e.tellTries, &e.tellWhat, &e.reminded); err != nil {
		return e, err
	}
	for n, into := range map[*time.Time]int64{&e.At: at, &e.Changed: changed, &e.DestroyBy: destroy, &e.Sealed: sealed, &e.Expires: expires, &e.Fetched: fetched, &e.Overdue: overdue, &e.Certified: certified} {
		if into != 0 {
			*n = time.UnixMicro(into).UTC()
		}
	}
	if err := json.Unmarshal([]byte(spec), &e.Spec); err != nil {
		return e, fmt.Errorf("reading an export: %w", err)
	}
	return e, nil
}

func (x *Exports) where(ctx context.Context, where string, args ...any) ([]Export, error) {
	rows, err := x.DB.Reader().Query(ctx, "SELECT "+columns+" FROM export WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing exports: %w", err)
	}
	defer rows.Close()
	var all []Export
	for rows.Next() {
		e, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing exports: %w", err)
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

// One reads an export. ErrNone: there is no such one.
func (x *Exports) One(ctx context.Context, id cpni.ID) (Export, error) {
	return x.one(ctx, x.DB.Reader(), id)
}

func (x *Exports) one(ctx context.Context, q store.Querier, id cpni.ID) (Export, error) {
	e, err := scan(q.QueryRow(ctx, "SELECT "+columns+" FROM export WHERE export_id = $1", string(id)).Scan)
	if store.IsNoRow(err) {
		return e, ErrNone
	}
	if err != nil {
		return e, fmt.Errorf("reading an export: %w", err)
	}
	return e, nil
}

// List lists the newest exports, of a partner or, with "", of all; those first of which something is still to come.
func (x *Exports) List(ctx context.Context, partner string, most int) ([]Export, error) {
	return x.where(ctx, "($1 = '' OR partner_id = $1) ORDER BY CASE WHEN state IN ('proposed', 'running', 'ready', 'fetched') THEN 0 ELSE 1 END, at DESC, export_id DESC LIMIT $2", partner, most)
}

// Holding gives the export in whose file an entry of the ledger put a customer; ok is false when it is in none.
//
// cite: P-41, 47 CFR 64.2009(c)
func (x *Exports) Holding(ctx context.Context, customer, entry cpni.ID) (e Export, ok bool, err error) {
	var id cpni.ID
	err = x.DB.Reader().QueryRow(ctx, "SELECT export_id FROM export_row WHERE customer_id = $1 AND entry_id = $2", string(customer), string(entry)).Scan(&id)
	if store.IsNoRow(err) {
		return Export{}, false, nil
	}
	if err != nil {
		return Export{}, false, fmt.Errorf("looking for the file of a release: %w", err)
	}
	e, err = x.One(ctx, id)
	return e, err == nil, err
}

// OfCampaign lists the exports of a campaign, the newest first.
func (x *Exports) OfCampaign(ctx context.Context, campaign cpni.ID) ([]Export, error) {
	return x.where(ctx, "campaign_id = $1 ORDER BY at DESC, export_id DESC", string(campaign))
}

// Counts gives how many customers are in the file (under "") and left out, by reason, as far as the work has come.
func (x *Exports) Counts(ctx context.Context, id cpni.ID) (map[cpni.Code]int64, error) {
	rows, err := x.DB.Reader().Query(ctx, "SELECT code, n FROM export_count WHERE export_id = $1", string(id))
	if err != nil {
		return nil, fmt.Errorf("counting an export: %w", err)
	}
	defer rows.Close()
	all := map[cpni.Code]int64{}
	for rows.Next() {
		var code cpni.Code
		var n int64
		if err := rows.Scan(&code, &n); err != nil {
			return nil, fmt.Errorf("counting an export: %w", err)
		}
		all[code] = n
	}
	return all, rows.Err()
}

// mostNamed bounds a list of customers who are named one by one.
const mostNamed = 100_000

// Propose has an export wait for a second person; customers are those of a Named list, and none otherwise. The same id again gives what
// it gave before.
//
// cite: P-35, P-37, P-41, 47 CFR 64.2009(c)
func (x *Exports) Propose(ctx context.Context, id cpni.ID, s Spec, customers []cpni.ID, by cpni.ID) (Export, error) {
	if id != "" {
		if e, err := x.One(ctx, id); err == nil && e.By == by {
			return e, nil
		}
	}
	var made Export
	_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		made, entries, err = x.put(ctx, tx, id, s, customers, by, "", Proposed)
		return entries, err
	})
	if err != nil {
		return made, x.refused(ctx, err, string(by), s)
	}
	return made, nil
}

// BeginTx begins in tx an export that was reviewed elsewhere, as a campaign is: second is who reviewed it. Work goes on with it.
//
// cite: P-15, P-41, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (x *Exports) BeginTx(ctx context.Context, tx *store.Tx, id cpni.ID, s Spec, customers []cpni.ID, by, second cpni.ID) (Export, []ledger.Entry, error) {
	if second == by || second == "" && s.Campaign == "" { // of a campaign the rules ask whether somebody else has approved it
		return Export{}, nil, ErrSame
	}
	return x.put(ctx, tx, id, s, customers, by, second, Running)
}

// Begin is BeginTx in a transaction of its own.
func (x *Exports) Begin(ctx context.Context, id cpni.ID, s Spec, customers []cpni.ID, by, second cpni.ID) (Export, error) {
	var made Export
	_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		made, entries, err = x.BeginTx(ctx, tx, id, s, customers, by, second)
		return entries, err
	})
	if err != nil {
		return made, x.refused(ctx, err, string(by), s)
	}
	return made, nil
}

// refused puts on record that an export was refused, and gives the refusal.
//
// cite: P-41
func (x *Exports) refused(ctx context.Context, err error, by string, s Spec) error {
	var refusal *cpni.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	_, failed := x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := x.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: x.Clock.Now(), Actor: by, Outcome: refusal.Outcome, Code: refusal.Code},
			map[string]any{"what": "export refused", "partner": s.Partner, "campaign": s.Campaign, "purpose": s.Purpose, "says": refusal.Says})
		return []ledger.Entry{e}, err
	})
	if failed != nil {
		return errors.Join(refusal, failed)
	}
	return refusal
}

func (x *Exports) put(ctx context.Context, tx *store.Tx, id cpni.ID, s Spec, customers []cpni.ID, by, second cpni.ID, state State) (Export, []ledger.Entry, error) {
	now := x.Clock.Now().Truncate(time.Microsecond)
	s, err := x.Check(ctx, s)
	if err != nil {
		return Export{}, nil, err
	}
	if (s.List.Kind == Named) != (len(customers) > 0) || len(customers) > mostNamed {
		return Export{}, nil, cpni.Rejected("BAD_INPUT", "customers are named one by one, up to 100,000, for a list of such, and for no other", []string{"P-41"}, "name them, or choose another list")
	}
	for _, c := range customers {
		if !c.Valid() {
			return Export{}, nil, cpni.Rejected("BAD_INPUT", "a customer is named by what is no id", nil, "name customers by their ids")
		}
	}
	if id == "" {
		id = cpni.NewTimedID(now)
	}
	if !id.Valid() {
		return Export{}, nil, ErrNone
	}
	text, err := json.Marshal(s)
	if err != nil {
		return Export{}, nil, fmt.Errorf("writing an export: %w", err)
	}
	e := Export{ID: id, Spec: s, State: state, At: now, Changed: now, By: by, Second: second, DestroyBy: s.DestroyBy}
	if _, err := tx.Exec(ctx, `INSERT INTO export (export_id, partner_id, campaign_id, state, spec, at, changed, by_staff, second, destroy_by, claim, claimed, place, placed, decided, held, parts, first_entry, last_entry,
		sealed_at, expires, fetched, fetches, tell_at, tell_tries, tell_what, reminded, overdue, certified) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, '', 0, '', '', 0, 0, 0, '', '', 0, 0, 0, 0, 0, 0, '', 0, 0, 0)`,
		string(id), s.Partner, string(s.Campaign), string(state), string(text), now.UnixMicro(), string(by), string(second), s.DestroyBy.UnixMicro()); err != nil {
		return Export{}, nil, fmt.Errorf("writing an export: %w", err)
	}
	for _, c := range customers {
		if _, err := tx.Exec(ctx, "INSERT INTO export_listed (customer_id, export_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", string(c), string(id)); err != nil {
			return Export{}, nil, fmt.Errorf("writing an export: %w", err)
		}
	}
	what := "export proposed"
	if state == Running {
		what = "export begun"
	}
	entries, err := x.entry(ctx, tx, string(by), map[string]any{"what": what, "export": id, "spec": s, "second": second, "named": len(customers)})
	return e, entries, err
}

func (x *Exports) entry(ctx context.Context, tx *store.Tx, by string, detail any) ([]ledger.Entry, error) {
	e, err := x.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: x.Clock.Now(), Actor: by, Outcome: cpni.OK}, detail)
	return []ledger.Entry{e}, err
}

func (x *Exports) alert(ctx context.Context, tx *store.Tx, by string, code cpni.Code, detail any) ([]ledger.Entry, error) {
	e, err := x.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: x.Clock.Now(), Actor: by, Outcome: cpni.OK, Code: code}, detail)
	return []ledger.Entry{e}, err
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return err
}

// Agree has a proposed export begin. What it says is checked again; who proposed it cannot agree.
//
// cite: P-35, P-37, P-41
func (x *Exports) Agree(ctx context.Context, id, by cpni.ID) (Export, error) {
	e, err := x.One(ctx, id)
	switch {
	case err != nil:
		return e, err
	case e.State != Proposed:
		return e, ErrState
	case e.By == by:
		return e, x.refused(ctx, ErrSame, string(by), e.Spec)
	}
	s, err := x.Check(ctx, e.Spec)
	if err != nil {
		return e, x.refused(ctx, err, string(by), e.Spec)
	}
	if s.Key != e.Spec.Key {
		return e, x.refused(ctx, cpni.Rejected("MOVED", "the partner's key has changed since this was proposed", []string{"P-37", "P-41"}, "propose the export again"), string(by), e.Spec)
	}
	err = x.move(ctx, id, string(by), "export agreed to", Running, []State{Proposed}, "second = $5", string(by))
	if err != nil {
		return e, err
	}
	return x.One(ctx, id)
}

// Stop ends an export before anything is handed out. Those of whom the ledger has a permit were not handed out either, which is on
// record with the end.
//
// cite: P-41
func (x *Exports) Stop(ctx context.Context, id, by cpni.ID) (Export, error) {
	if err := x.move(ctx, id, string(by), "export stopped", Stopped, []State{Proposed, Running}, ""); err != nil {
		return Export{}, err
	}
	return x.One(ctx, id)
}

// Withdraw takes a file back that waits to be fetched; it is destroyed here.
//
// cite: P-41
func (x *Exports) Withdraw(ctx context.Context, id, by cpni.ID) (Export, error) {
	if err := x.move(ctx, id, string(by), "export withdrawn", Withdrawn, []State{Ready}, ""); err != nil {
		return Export{}, err
	}
	return x.One(ctx, id)
}

// FetchAgain lets a file be fetched once more, which somebody decides, with the reason.
//
// cite: P-41, 47 CFR 64.2009(c)
func (x *Exports) FetchAgain(ctx context.Context, id, by cpni.ID, reason string) (Export, error) {
	reason = strings.Join(strings.Fields(reason), " ")
	if len(reason) < 10 || len(reason) > 500 || strings.ContainsFunc(reason, unicode.IsControl) {
		return Export{}, cpni.Rejected("BAD_INPUT", "a reason has 10 to 500 bytes", []string{"P-41"}, "write what became of the first copy, and who says so")
	}
	e, err := x.One(ctx, id)
	if err != nil {
		return e, err
	}
	if _, err := x.Check(ctx, e.Spec); err != nil {
		return e, x.refused(ctx, err, string(by), e.Spec)
	}
	expires := x.Clock.Now().Add(x.Numbers(x.Clock.Now()).FetchWithin)
	if err := x.moveFor(ctx, id, string(by), "export may be fetched again", reason, Ready, []State{Fetched}, "fetched = 0, tell_at = $2, tell_tries = 0, tell_what = 'waiting', expires = $5", earlier(expires, e.DestroyBy).UnixMicro()); err != nil {
		return e, err
	}
	return x.One(ctx, id)
}

// move changes the state of an export that is in one of some states, and records it.
func (x *Exports) move(ctx context.Context, id cpni.ID, by, what string, to State, from []State, set string, args ...any) error {
	return x.moveFor(ctx, id, by, what, "", to, from, set, args...)
}

func (x *Exports) moveFor(ctx context.Context, id cpni.ID, by, what, reason string, to State, from []State, set string, args ...any) error {
	now := x.Clock.Now()
	states := make([]string, len(from))
	for i, s := range from {
		states[i] = string(s)
	}
	if set != "" {
		set = ", " + set
	}
	_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var decided int64
		// On PostgreSQL this waits for the batch that a node is at: once it is answered, no more is decided.
		err := tx.QueryRow(ctx, "UPDATE export SET state = $1, changed = $2, claim = '', claimed = 0"+set+" WHERE export_id = $3 AND state IN "+x.DB.Listed(4)+" RETURNING decided",
			append([]any{string(to), now.UnixMicro(), string(id), x.DB.List(states)}, args...)...).Scan(&decided)
		if store.IsNoRow(err) {
			if _, err := x.one(ctx, tx, id); err != nil {
				return nil, err
			}
			return nil, ErrState
		}
		if err != nil {
			return nil, err
		}
		if to == Stopped || to == Withdrawn || to == Destroyed {
			if err := x.emptyTx(ctx, tx, id); err != nil {
				return nil, err
			}
		}
		detail := map[string]any{"what": what, "export": id, "decided": decided}
		if reason != "" {
			detail["reason"] = reason
		}
		return x.entry(ctx, tx, by, detail)
	})
	return plainly(err)
}

// emptyTx destroys what is here of a file.
func (x *Exports) emptyTx(ctx context.Context, tx *store.Tx, id cpni.ID) error {
	if _, err := tx.Exec(ctx, "UPDATE export_part SET bytes = $1 WHERE export_id = $2", []byte{}, string(id)); err != nil {
		return fmt.Errorf("destroying a file: %w", err)
	}
	return nil
}

func sortTraced(all []Traced) {
	slices.SortStableFunc(all, func(a, b Traced) int { return cmp.Compare(b.Marks, a.Marks) })
}
