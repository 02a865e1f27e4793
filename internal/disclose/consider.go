package disclose

import (
	"context"
	"slices"

	"ringfence/internal/rules"
)

// Consider decides a request without releasing or recording anything: would it be allowed? What the answer rests on stood in
// the database when it was given, whichever node is asked. An answer is no permit: who would use the information asks the
// door, and is answered by what stands then.
//
// cite: P-36, I-02, 47 CFR 64.2009(a)
func (d *Door) Consider(ctx context.Context, r Request) (rules.Facts, rules.Decision, error) {
	g, err := d.consider(ctx, r)
	if err != nil {
		return rules.Facts{}, rules.Decision{}, err
	}
	return g.facts, g.decision, nil
}

// Check is Consider without the ways to a permit, which take most of its time: for whoever asks about many customers.
//
// cite: P-36, I-02, 47 CFR 64.2009(a)
func (d *Door) Check(ctx context.Context, r Request) (rules.Facts, rules.Decision, error) {
	r.brief = true
	return d.Consider(ctx, r)
}

func (d *Door) consider(ctx context.Context, r Request) (*gathered, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	for range tries {
		g, err := d.gather(ctx, r)
		if err != nil {
			return nil, auditDown(err)
		}
		stale, err := d.DB.CheckGuards(ctx, g.guards)
		if err != nil {
			return nil, auditDown(err)
		}
		if !slices.Contains(stale, true) {
			return g, nil
		}
		if err := d.forget(ctx, g); err != nil {
			return nil, auditDown(err)
		}
	}
	return nil, errBusy
}
