package retention

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// MostPlanned bounds how many things of a kind one plan erases; what is left is for the next.
const MostPlanned = 20_000

// Line is what a plan says of a kind.
type Line struct {
	Kind   string    `json:"kind"`
	Months int       `json:"months"` // that such a record is kept
	Before time.Time `json:"before"` // what is from before is past its time
	Goes   int       `json:"goes"`
	Held   int       `json:"held"`            // past its time, and kept by a legal hold
	Kept   int       `json:"kept"`            // past its age, and kept for something else that is not over
	Late   int       `json:"late"`            // of what goes, older than the most
	Oldest time.Time `json:"oldest,omitzero"` // of what goes
	More   bool      `json:"more,omitempty"`  // there is more than one plan takes
	There  int64     `json:"there"`           // of the kind in all
}

// Stays is how many of the kind stay.
func (l Line) Stays() int64 { return max(0, l.There-int64(l.Goes)) }

// Plan is what would be erased at a moment, and what would stay and why.
type Plan struct {
	At    time.Time
	Lines []Line // of every kind that a plan can erase
	Hash  string // of the list of everything that goes
	items []item
}

// Items is how many things go.
func (p *Plan) Items() int { return len(p.items) }

// Late is how many of them are older than the policy keeps such a thing at most.
func (p *Plan) Late() int {
	n := 0
	for _, l := range p.Lines {
		n += l.Late
	}
	return n
}

// Plan computes what is past its time at this moment. Kinds narrow it; none: of every kind.
//
// cite: P-41, P-54, I-22, 47 CFR 64.2009(c), 47 CFR 64.2011(d)
func (d *Desk) Plan(ctx context.Context, kinds ...string) (*Plan, error) {
	for _, name := range kinds {
		if k, ok := Of(name); !ok || k.way == nil {
			return nil, bad("that is no kind of record that a plan erases", "name a kind as the plan has it")
		}
	}
	p := &Plan{At: d.Clock.Now().UTC().Truncate(time.Microsecond)}
	q := d.DB.Reader()
	holds, err := d.keeper(ctx, q)
	if err != nil {
		return nil, err
	}
	standings, err := d.Standings(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range standings {
		if s.Kind.way == nil || len(kinds) > 0 && !slices.Contains(kinds, s.Kind.Name) {
			continue
		}
		line, err := d.planKind(ctx, q, p, holds, s)
		if err != nil {
			return nil, fmt.Errorf("planning what of %s goes: %w", s.Kind.Name, err)
		}
		p.Lines = append(p.Lines, line)
	}
	p.Hash = hashOf(p.items)
	return p, nil
}

// planKind takes up what of a kind is past its time.
func (d *Desk) planKind(ctx context.Context, q store.Querier, p *Plan, holds *keeper, s Standing) (Line, error) {
	l := Line{Kind: s.Kind.Name, Months: s.Term.Months, There: s.There}
	if !s.Term.Known {
		return l, nil
	}
	l.Before = d.before(p.At, s.Term.Months).UTC()
	found, err := d.due(ctx, q, s.Kind, s.Kind.cut(d.before(p.At, s.Term.Months)), MostPlanned+1)
	if err != nil {
		return l, err
	}
	if l.More = len(found) > MostPlanned; l.More {
		found = found[:MostPlanned]
	}
	for _, it := range found {
		switch kept, held, err := d.keeps(ctx, q, holds, s.Kind, it, s.Term, p.At); {
		case err != nil:
			return l, err
		case held:
			l.Held++
		case kept:
			l.Kept++
		default:
			if l.Goes++; l.Oldest.IsZero() || it.at.Before(l.Oldest) {
				l.Oldest = it.at
			}
			if s.Term.Most > 0 && !p.At.Before(d.until(it.at, s.Term.Most)) {
				l.Late++
			}
			p.items = append(p.items, it)
		}
	}
	return l, nil
}

// keeps reports whether a thing must stay at a moment, and whether a legal hold is why.
func (d *Desk) keeps(ctx context.Context, q store.Querier, holds *keeper, k Kind, it item, t Term, at time.Time) (kept, held bool, err error) {
	if !t.Known || at.Before(d.until(it.at, t.Months)) {
		return true, false, nil
	}
	var h *Hold
	if k.Name == "incidents" {
		err = d.HeldIncident(ctx, q, cpni.ID(it.thing))
		if errors.Is(err, errHeld) {
			return true, true, nil
		}
	} else {
		h, err = holds.hold(ctx, it)
	}
	if err != nil || h != nil {
		return true, true, err
	}
	if k.way.over == nil {
		return false, false, nil
	}
	over, err := k.way.over(ctx, d, q, it)
	return !over, false, err
}

// due finds what of a kind is from before a cut.
func (d *Desk) due(ctx context.Context, q store.Querier, k Kind, cut int64, most int) ([]item, error) {
	rows, err := q.Query(ctx, k.way.due, cut, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []item
	for rows.Next() {
		it := item{kind: k.Name}
		var at int64
		if err := rows.Scan(&it.customer, &it.thing, &at); err != nil {
			return nil, err
		}
		if it.at = d.momentOf(k, at); k.way.monthly {
			it.at = it.at.In(d.Zone).AddDate(0, 1, 0).UTC()
		}
		all = append(all, it)
	}
	return all, rows.Err()
}

// hashOf names exactly a list of things.
func hashOf(items []item) string {
	h := sha256.New()
	fmt.Fprintln(h, "ringfence plan of erasure v1")
	for _, it := range items {
		fmt.Fprintf(h, "%q %q %q %d\n", it.kind, it.customer, it.thing, it.at.UnixMicro())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Act is a plan as it is proposed and agreed to.
type Act struct {
	Plan  cpni.ID   `json:"plan"`
	At    time.Time `json:"at"`
	Items int       `json:"items"`
	Hash  string    `json:"list_hash"` // of the list of everything that goes
	Lines []Line    `json:"lines"`
}

// Propose writes a plan down, for somebody to propose and another to agree to. Its list is kept until it is carried out or out of time.
//
// cite: P-41, P-54, I-22
func (d *Desk) Propose(ctx context.Context, id, by cpni.ID, kinds ...string) (Act, error) {
	if err := d.admits(ctx, by, staff.Forget); err != nil {
		return Act{}, err
	}
	if a, err := d.act(ctx, id); err == nil {
		return a, nil
	} else if !errors.Is(err, ErrNone) {
		return a, err
	}
	p, err := d.Plan(ctx, kinds...)
	if err != nil {
		return Act{}, err
	}
	if len(p.items) == 0 {
		return Act{}, cpni.Rejected("NOT_FOUND", "nothing is past its time that no hold keeps", cited, "look at the plan again when something is")
	}
	if id == "" {
		id = cpni.NewTimedID(p.At)
	}
	a := Act{Plan: id, At: p.At, Items: len(p.items), Hash: p.Hash}
	var lines [][]any
	for _, l := range p.Lines {
		if l.Goes > 0 {
			a.Lines = append(a.Lines, l)
			lines = append(lines, []any{string(id), l.Kind, l.Months, l.Goes, 0, 0, micro(l.Oldest)})
		}
	}
	items := make([][]any, len(p.items))
	for n, it := range p.items {
		items[n] = []any{string(id), n + 1, it.kind, string(it.customer), it.thing, it.at.UnixMicro()}
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := tx.Exec(ctx, "INSERT INTO retention_plan (plan_id, at, by_staff, state, hash, items, next, ended) VALUES ($1, $2, $3, $4, $5, $6, 1, 0)",
			string(id), p.At.UnixMicro(), string(by), string(Proposed), p.Hash, len(items)); err != nil {
			return nil, fmt.Errorf("writing a plan down: %w", err)
		}
		if err := errors.Join(tx.InsertAll(ctx, "INSERT INTO retention_line (plan_id, kind, months, planned, erased, kept, oldest) VALUES ", "", lines),
			tx.InsertAll(ctx, "INSERT INTO retention_item (plan_id, n, kind, customer_id, thing, at) VALUES ", "", items)); err != nil {
			return nil, fmt.Errorf("writing a plan down: %w", err)
		}
		return d.entry(ctx, tx, string(by), map[string]any{"what": "plan of erasure made", "plan": id, "items": len(items), "list": p.Hash, "lines": a.Lines})
	})
	return a, plainly(err)
}

// act gives a plan that was written down before, as it was proposed.
func (d *Desk) act(ctx context.Context, id cpni.ID) (Act, error) {
	p, err := d.Done(ctx, id)
	if err != nil {
		return Act{}, err
	}
	a := Act{Plan: p.ID, At: p.At, Items: p.Items, Hash: p.Hash}
	for _, l := range p.Lines {
		a.Lines = append(a.Lines, Line{Kind: l.Kind, Months: l.Months, Goes: l.Planned, Oldest: l.Oldest})
	}
	return a, nil
}

var errOther = cpni.Rejected("MOVED", "the plan is not the one that was proposed, or its time is over", cited, "make a plan again")

// StillHolds refuses a plan that is not as it was proposed, and one of which something has come to be held since.
//
// cite: P-41, P-54, I-22
func (d *Desk) StillHolds(ctx context.Context, a Act) error {
	items, err := d.listed(ctx, d.DB.Reader(), a.Plan, 1, a.Items+1)
	if err != nil {
		return err
	}
	if len(items) != a.Items || hashOf(items) != a.Hash {
		return errOther
	}
	holds, err := d.keeper(ctx, d.DB.Reader())
	if err != nil || len(holds.holds) == 0 {
		return err
	}
	for _, it := range items {
		if it.kind == "incidents" {
			err = d.HeldIncident(ctx, d.DB.Reader(), cpni.ID(it.thing))
		} else if h, fault := holds.hold(ctx, it); fault != nil || h != nil {
			if err = fault; err == nil {
				err = errHeld
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listed reads a part of a plan's list.
func (d *Desk) listed(ctx context.Context, q store.Querier, plan cpni.ID, from, most int) ([]item, error) {
	rows, err := q.Query(ctx, "SELECT kind, customer_id, thing, at FROM retention_item WHERE plan_id = $1 AND n >= $2 ORDER BY n LIMIT $3", string(plan), from, most)
	if err != nil {
		return nil, fmt.Errorf("reading a plan: %w", err)
	}
	defer rows.Close()
	var all []item
	for rows.Next() {
		var it item
		var at int64
		if err := rows.Scan(&it.kind, &it.customer, &it.thing, &at); err != nil {
			return nil, fmt.Errorf("reading a plan: %w", err)
		}
		it.at = fromMicro(at)
		all = append(all, it)
	}
	return all, rows.Err()
}
