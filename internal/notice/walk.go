package notice

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Codes of why a run leaves a customer out.
const (
	Ended      = "ENDED"       // their service has ended
	OnItsWay   = "ON_ITS_WAY"  // another run has put the same on its way to them
	Refused    = "REFUSED"     // they have refused what the request asks for
	Agreed     = "AGREED"      // they have said yes to all of it
	Unreadable = "UNREADABLE"  // nobody can read their account any more
	RunStopped = "RUN_STOPPED" // somebody has stopped the run before it went
	NotMeant   = "NOT_MEANT"   // it is for those who buy other services
)

// step is what a run does about one customer.
type step struct {
	member
	version  int64 // of the profile that was looked at; 0: none could be
	state    string
	via      string
	code     string
	message  *notify.Message
	prepared notify.Prepared // message, sealed; of one that is carried
}

// batch is a stretch of an audience.
type batch struct {
	from, to string // places
	steps    []step
	last     bool // nobody is behind it
}

// decide tells what a run does about a customer: a notice after which silence counts goes to everybody, whatever they have said, for
// it is to reach all; a request for a yes does not go to who has refused that, or has said it.
//
// cite: P-11, P-14, P-27, V42, V50, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(b)
func (n *Notices) decide(r Run, p *customer.Profile, onWay bool, now time.Time) (state, code string, m *notify.Message) {
	switch {
	case !p.Ended.IsZero() && !now.Before(p.Ended):
		return WithLeftOut, Ended, nil
	case !buys(p, r.Audience.Having, now):
		return WithLeftOut, NotMeant, nil
	case onWay:
		return WithLeftOut, OnItsWay, nil
	case agrees(r.Spec, p): // what a yes has left refused is not asked for then
		return WithLeftOut, Agreed, nil
	case refuses(r.Spec, p):
		return WithLeftOut, Refused, nil
	}
	if m, code = n.message(r, p, nil, now); m == nil {
		return WithNoWay, code, nil
	}
	return WithPlanned, "", m
}

// buys reports whether a customer buys every one of some services.
func buys(p *customer.Profile, services []cpni.Category, now time.Time) bool {
	if len(services) == 0 {
		return true
	}
	has := p.Facts(now).Categories
	return !slices.ContainsFunc(services, func(c cpni.Category) bool { return !slices.Contains(has, c) })
}

// refuses reports whether a request asks for something that the customer has refused, and has not said yes to by its name since.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func refuses(s Spec, p *customer.Profile) bool {
	if s.Kind != approval.OptIn {
		return false
	}
	scopes := s.Scopes()
	for _, a := range p.Approvals {
		if a.State != cpni.Denied {
			continue
		}
		if slices.Contains(scopes, a.Scope) {
			return true
		}
		if a.Scope == customer.Everything && slices.ContainsFunc(scopes, func(scope string) bool {
			return !slices.ContainsFunc(p.Approvals, func(b customer.Approval) bool {
				return b.Scope == scope && b.State == cpni.OptInOK && b.Since.After(a.Since)
			})
		}) {
			return true
		}
	}
	return false
}

// agrees reports whether the customer has said yes to everything that a request asks for.
func agrees(s Spec, p *customer.Profile) bool {
	if s.Kind != approval.OptIn {
		return false
	}
	return !slices.ContainsFunc(s.Scopes(), func(scope string) bool {
		return !slices.ContainsFunc(p.Approvals, func(a customer.Approval) bool {
			return a.Scope == scope && a.State == cpni.OptInOK && !slices.ContainsFunc(s.covers(), func(c cpni.DataClass) bool {
				return len(a.Data) > 0 && !slices.Contains(a.Data, c)
			})
		})
	})
}

// Goes says why a message that is a notice must not go any more, when it is about to, or notify.HeldBack when its run is paused; "" it
// goes.
//
// cite: P-14, P-27, 47 CFR 64.2007(a)(2)
func (n *Notices) Goes(ctx context.Context, p *customer.Profile, m notify.Message) (code string) {
	if m.Run == "" {
		return ""
	}
	r, err := n.lately(ctx, m.Run)
	if err == nil && r.Audience.Campaign != "" {
		r, err = n.Run(ctx, m.Run) // a campaign is stopped at once, on every node
	}
	switch {
	case errors.Is(err, ErrNoRun):
		return ""
	case err != nil || r.State == Paused:
		return notify.HeldBack
	case r.State == Stopped:
		return RunStopped
	case r.Audience.Who != "" && refuses(r.Spec, p):
		return Refused
	}
	return ""
}

// look takes the next stretch of an audience and decides about each of its customers; with seal it also seals their messages. Nothing
// is written.
func (n *Notices) look(ctx context.Context, r Run, alike []string, place string, most int, seal bool) (batch, error) {
	all, err := n.members(ctx, r, alike, place, most)
	if err != nil {
		return batch{}, err
	}
	b := batch{from: place, to: place, last: len(all) < most}
	if len(all) == 0 {
		return b, nil
	}
	b.to = string(all[len(all)-1].id)
	ids, on := make([]cpni.ID, len(all)), make(map[cpni.ID]member, len(all))
	for i, m := range all {
		ids[i], on[m.id] = m.id, m
	}
	found, err := n.Customers.ReadMany(ctx, ids)
	if err != nil {
		return batch{}, err
	}
	now := n.Clock.Now()
	b.steps = make([]step, len(found))
	faults := make([]error, len(found))
	share(len(found), func(i int) {
		b.steps[i], faults[i] = n.stepOf(ctx, r, on[found[i].ID], found[i], now, seal)
	})
	return b, errors.Join(faults...)
}

func (n *Notices) stepOf(ctx context.Context, r Run, m member, f customer.Read, now time.Time, seal bool) (step, error) {
	s := step{member: m, version: f.Version, state: WithLeftOut, code: Unreadable}
	if f.Profile == nil {
		if errors.Is(f.Err, vault.ErrSealBroken) || errors.Is(f.Err, vault.ErrForgotten) {
			return s, nil // one that is damaged stops no run
		}
		return s, f.Err
	}
	s.state, s.code, s.message = n.decide(r, f.Profile, m.onWay, now)
	if s.message == nil {
		return s, nil
	}
	s.via = wayOf(s.message)
	if s.message.Via == "" || !seal {
		return s, nil
	}
	var err error
	s.prepared, err = n.Outbox.Prepare(ctx, m.id, *s.message)
	if errors.Is(err, vault.ErrForgotten) {
		s.state, s.code, s.via, s.message, err = WithLeftOut, Unreadable, "", nil, nil
	}
	return s, err
}

// share does something so many times, on all processors.
func share(times int, do func(i int)) {
	workers := max(1, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < times; i += workers {
				do(i)
			}
		})
	}
	all.Wait()
}

// write stores in tx what a batch does, leaving out whom the run has to do with already. Whose account has changed since it was looked
// at is looked at again.
func (n *Notices) write(ctx context.Context, tx *store.Tx, r Run, b batch) error {
	if len(b.steps) == 0 {
		return nil
	}
	there, err := n.there(ctx, tx, r, b)
	if err != nil {
		return err
	}
	guards := make([]store.Guard, len(b.steps))
	for i, s := range b.steps {
		guards[i] = store.Guard{Table: "customer", Key: string(s.id), Version: s.version}
	}
	stale, err := tx.CheckGuards(ctx, guards)
	if err != nil {
		return err
	}
	now := n.Clock.Now()
	var messages []notify.Prepared
	var rows [][]any
	for i, s := range b.steps {
		if there[s.id] {
			continue
		}
		if stale[i] {
			p, version, err := n.Customers.ReadTx(ctx, tx, s.id)
			if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
				continue
			}
			if err != nil && !errors.Is(err, vault.ErrSealBroken) {
				return err
			}
			if s, err = n.stepOf(ctx, r, s.member, customer.Read{ID: s.id, Version: version, Profile: p, Err: err}, now, true); err != nil {
				return err
			}
		}
		id := ""
		if s.message != nil {
			id = string(s.message.ID)
			if s.message.Via != "" {
				messages = append(messages, s.prepared)
			}
		}
		rows = append(rows, []any{string(s.id), string(r.ID), s.state, s.via, id, s.code, now.UnixMicro()})
	}
	if err := tx.InsertAll(ctx, "INSERT INTO notice_given (customer_id, run_id, state, via, message_id, code, at) VALUES ", "", rows); err != nil {
		return fmt.Errorf("writing what has become of notices: %w", err)
	}
	return n.Outbox.PlanAll(ctx, tx, messages)
}

// there finds the customers of a batch whom a run has to do with already.
func (n *Notices) there(ctx context.Context, tx *store.Tx, r Run, b batch) (map[cpni.ID]bool, error) {
	ids := make([]string, len(b.steps))
	for i, s := range b.steps {
		ids[i] = string(s.id)
	}
	rows, err := tx.Query(ctx, "SELECT customer_id FROM notice_given WHERE run_id = $1 AND customer_id IN "+tx.Listed(2), string(r.ID), tx.List(ids))
	if err != nil {
		return nil, fmt.Errorf("planning notices: %w", err)
	}
	defer rows.Close()
	there := map[cpni.ID]bool{}
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("planning notices: %w", err)
		}
		there[id] = true
	}
	return there, rows.Err()
}
