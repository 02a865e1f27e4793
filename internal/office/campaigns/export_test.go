package campaigns_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"filippo.io/age"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/export"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A campaign to a partner that many launch at once, on whichever node, has one file, in which everybody who agreed is once, with one entry; who
// did not is counted. Launched again it gets no second one.
//
// cite: P-15, P-40, P-41, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestOneFileHoweverManyLaunch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		nodes := []*world{w}
		if db.Dialect() == store.Postgres {
			nodes = append(nodes, w.node())
		}
		key, err := age.GenerateX25519Identity()
		w.must(err)
		now := w.Clock.Now()
		w.must(w.Partners.Put(ctx, "test", partner.Partner{ID: "acme", Class: cpni.JointVenture, Key: key.Recipient().String(),
			Agreement: &partner.Agreement{Until: now.AddDate(1, 0, 0), DestroyDays: 30, Purposes: []cpni.Purpose{cpni.PartnerMarketing}}}))
		ids := w.crowd(20, func(i int, p *customer.Profile) {
			if i%2 == 0 {
				since := now.AddDate(0, -1, 0)
				p.Approvals = append(p.Approvals, customer.Approval{Scope: "partner:acme", State: cpni.OptInOK, Since: since, NoticeAt: since, Names: []string{"acme"}})
			}
		})
		c := w.approved(w.offer(func(p *campaign.Plan) {
			p.Purpose, p.To, p.Channel, p.Scripts, p.Named = cpni.PartnerMarketing, "acme", campaign.ByExport, nil, ids
		}))
		var launched, refused atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			for _, n := range nodes {
				all.Go(func() {
					switch _, err := n.Campaigns.Launch(context.Background(), c.ID, 0, w.mia); {
					case err == nil:
						launched.Add(1)
					case codeOf(err) != "":
						refused.Add(1)
					default:
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		if launched.Load() != 1 || int(refused.Load()) != 4*len(nodes)-1 {
			t.Errorf("launched %d times, refused %d times", launched.Load(), refused.Load())
		}
		_, err = w.Campaigns.Launch(ctx, c.ID, 0, w.mia)
		w.refuses("CONFLICT", err)
		w.must(w.Exports.Work(ctx))
		files, err := w.Exports.OfCampaign(ctx, c.ID)
		w.must(err)
		if len(files) != 1 || files[0].State != export.Ready || files[0].Rows != 10 || files[0].Decided != 20 {
			t.Fatalf("%d files: %+v", len(files), files)
		}
		for _, id := range ids {
			rows, err := w.Ledger.Records(ctx, id, ledger.Filter{Kind: ledger.Decision, Limit: 10})
			if w.must(err); len(rows) != 1 {
				t.Errorf("%d entries of one customer", len(rows))
			}
		}
	})
}
