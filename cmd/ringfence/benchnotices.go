package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// sink takes every message at once, so that what is measured is ours.
type sink struct{ took atomic.Int64 }

func (s *sink) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	for _, p := range pieces {
		told(p, notify.Outcome{State: notify.Sent, Code: "250", Reference: string(p.ID)})
	}
	s.took.Add(int64(len(pieces)))
}

func (s *sink) Check(context.Context) error { return nil }
func (s *sink) Batch() int                  { return 500 }

// notices measures a notice to all customers: counting it, planning it, sending it, and the nightly look at everybody.
func (b *bench) notices(ctx context.Context) error {
	if err := b.crowd(ctx); err != nil {
		return err
	}
	if b.Profile != "" {
		f, err := os.Create(b.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	o := b.o.Office
	s, err := o.Notices.Worded(ctx, notice.Spec{Kind: approval.OptOut, Ways: []string{notice.ByEmail, notice.ByPostal}})
	if err != nil {
		return err
	}
	l := notice.Launch{Title: "Bench", Audience: notice.Audience{Who: notice.Everyone}}
	began := time.Now()
	c, err := o.Notices.Count(ctx, s, l, func() {})
	if err != nil {
		return err
	}
	b.say("notices counted beforehand", float64(c.Customers)/time.Since(began).Seconds(), "customers a second")
	var run notice.Run
	if _, err := o.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		run, entries, err = o.Notices.LaunchTx(ctx, tx, s, l, "bench", c.Customers)
		return entries, err
	}); err != nil {
		return err
	}
	email, postal := &sink{}, &sink{}
	o.Reach(map[cpni.Via]notify.Channel{cpni.Email: email, cpni.Postal: postal})
	var planning, sending, planned, sent time.Duration
	began = time.Now()
	used := processorTime()
	for done := false; !done; {
		from, work := time.Now(), processorTime()
		if err := o.Notices.Work(ctx); err != nil {
			return err
		}
		planning, planned = planning+time.Since(from), planned+processorTime()-work
		r, err := o.Notices.Run(ctx, run.ID)
		if err != nil {
			return err
		}
		done = r.State == notice.Done
		from, work = time.Now(), processorTime()
		if err := o.Messages.Step(ctx); err != nil {
			return err
		}
		sending, sent = sending+time.Since(from), sent+processorTime()-work
	}
	whole := time.Since(began)
	used = processorTime() - used
	p, err := o.Notices.Progress(ctx, run.ID)
	if err != nil {
		return err
	}
	b.say("notices planned", float64(c.Customers)/planning.Seconds(), "customers a second")
	b.say("notices sent and proven", float64(email.took.Load()+postal.took.Load())/sending.Seconds(), fmt.Sprintf("a second (%d given, %d letters on their way, %d with no way)", p.Given, p.Planned, p.NoWay))
	b.say("a notice from end to end", float64(c.Customers)/whole.Seconds(), fmt.Sprintf("customers a second, %s in all", whole.Round(time.Second)))
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(max(1, c.Customers)) }
	b.say("processor time a customer", each(used), fmt.Sprintf("microseconds (%.0f to plan, %.0f to write, send and prove)", each(planned), each(sent)))
	began = time.Now()
	d, err := o.Notices.Look(ctx)
	if err != nil {
		return err
	}
	b.say("customers reconciled", float64(d.Of(notice.InService))/time.Since(began).Seconds(), fmt.Sprintf("a second (%d in service, %d covered)", d.Of(notice.InService), d.Of(notice.Covered)))
	return nil
}

// crowd adds customers who can be given a notice, without lines and calls: of ten, nine have agreed to e-mail and one has a postal
// address alone.
func (b *bench) crowd(ctx context.Context) error {
	built, err := b.o.DB.Meta(ctx, "bench.crowd")
	if err != nil || built != "" {
		return err
	}
	const atOnce = 2000
	since := time.Now().AddDate(-3, 0, 0)
	began := time.Now()
	for from := 0; from < b.Customers; from += atOnce {
		if err := b.o.DB.Tx(ctx, func(tx *store.Tx) error {
			for i := from; i < min(b.Customers, from+atOnce); i++ {
				p := customer.Profile{ID: cpni.NewID(), Name: fmt.Sprintf("Customer %d", i), Account: fmt.Sprintf("B-%09d", i), Since: since,
					Postal: []customer.Address{{Value: fmt.Sprintf("%d Main St, Springfield, VA 22150", i), Since: since}}}
				if i%10 > 0 {
					p.Email = []customer.Address{{Value: fmt.Sprintf("c%d@example.com", i), Since: since, Notices: true}}
				}
				if err := b.o.Customers.Insert(ctx, tx, &p); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	b.say("customers added", float64(b.Customers)/time.Since(began).Seconds(), "a second")
	return b.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "bench.crowd", "1") })
}
