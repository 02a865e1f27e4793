package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/export"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// exported measures a file for a partner: everybody's bills, decided one by one with an entry each, and fetched.
//
// cite: P-41, 47 CFR 64.2009(c)
func (b *bench) exported(ctx context.Context) error {
	if err := b.crowd(ctx); err != nil {
		return err
	}
	if err := b.billed(ctx); err != nil {
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
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	now := o.Clock.Now()
	if err := o.Partners.Put(ctx, "bench", partner.Partner{ID: "printers", Key: key.Recipient().String(), Agreement: &partner.Agreement{Until: now.AddDate(1, 0, 0), DestroyDays: 30, Purposes: []cpni.Purpose{cpni.BillingPurpose}}}); err != nil {
		return err
	}
	by, err := o.Staff.Add(ctx, staff.Member{Login: "bench-" + string(cpni.NewID()), Name: "Bench", Role: cpni.RoleBilling, Trained: now}, "", "bench")
	if err != nil {
		return err
	}
	e, err := o.Exports.Begin(ctx, "", export.Spec{Title: "Bench", Partner: "printers", Purpose: cpni.BillingPurpose, Basis: "47 USC 222(d)(1)", Data: []cpni.DataClass{cpni.Billing}, Columns: []string{"name", "postal", "billing.total"},
		Months: []int{202602}, List: export.List{Kind: export.Everybody}}, nil, by, "bench")
	if err != nil {
		return err
	}
	began, used := time.Now(), processorTime()
	if err := o.Exports.Work(ctx); err != nil {
		return err
	}
	took, work := time.Since(began), processorTime()-used
	if e, err = o.Exports.One(ctx, e.ID); err != nil {
		return err
	}
	b.say("rows written", float64(e.Rows)/took.Seconds(), fmt.Sprintf("a second (%d of %d customers, %d parts, %s in all)", e.Rows, e.Decided, e.PartsDone, took.Round(time.Second)))
	b.say("processor time a row", float64(work.Microseconds())/float64(max(1, e.Decided)), "microseconds")
	began, used = time.Now(), processorTime()
	f, err := o.Exports.Fetch(ctx, e.ID, "printers", "bench")
	if err != nil {
		return err
	}
	first := time.Since(began)
	size := &sized{}
	if err := f.Write(ctx, size, func() error { return nil }); err != nil {
		return err
	}
	b.say("a fetch until its first byte", first.Seconds(), "seconds: who has changed since is looked for")
	b.say("the whole fetch", time.Since(began).Seconds(), fmt.Sprintf("seconds, %d bytes a row, %s of processor", size.n/max(1, e.Rows), (processorTime()-used).Round(time.Millisecond)))
	return nil
}

// sized counts what is written.
type sized struct{ n int64 }

func (s *sized) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return len(p), nil
}

var _ io.Writer = (*sized)(nil)

// billed gives each customer of the crowd a bill.
func (b *bench) billed(ctx context.Context) error {
	built, err := b.o.DB.Meta(ctx, "bench.billed")
	if err != nil || built != "" {
		return err
	}
	for after := ""; ; {
		var page []cpni.ID
		rows, err := b.o.DB.Reader().Query(ctx, "SELECT customer_id FROM customer WHERE customer_id > $1 ORDER BY customer_id LIMIT 2000", after)
		if err != nil {
			return err
		}
		for rows.Next() {
			var id cpni.ID
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return err
			}
			page = append(page, id)
		}
		if err := rows.Close(); err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		after = string(page[len(page)-1])
		if err := b.o.DB.Tx(ctx, func(tx *store.Tx) error {
			for i, id := range page {
				if err := b.o.Vault.PutItem(ctx, tx, id, vault.Item{Class: cpni.Billing, Period: 202602, Values: map[string]string{"total": fmt.Sprintf("%d.%02d", i, i%100)}}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return b.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "bench.billed", "1") })
}
