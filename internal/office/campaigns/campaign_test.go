package campaigns_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// A campaign is reviewed by somebody who has had no hand in it since it was last approved, exactly as they were shown it; what has
// changed since the last review is told field by field; changed, it needs a review anew. Every step stays, in the register and in the
// ledger, and whoever is turned away is on record.
//
// cite: P-40, V111, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestReview(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		g := w.Campaigns
		c, err := g.Draft(ctx, "", w.offer(), w.mia)
		w.must(err)
		_, err = g.Draft(ctx, "", w.offer(), w.rep)
		w.refuses("ROLE", err)
		_, err = g.Approve(ctx, c.ID, c.Version, w.sue, "")
		w.refuses("CONFLICT", err) // it is not submitted
		c, err = g.Submit(ctx, c.ID, c.Version, w.mia)
		w.must(err)
		_, err = g.Launch(ctx, c.ID, c.Version, w.mia)
		w.refuses("NOT_REVIEWED", err)
		_, err = g.Approve(ctx, c.ID, c.Version, w.mia, "")
		w.refuses("SELF_REVIEW", err)
		_, err = g.Approve(ctx, c.ID, c.Version, w.max, "")
		w.refuses("ROLE", err)
		_, err = g.Return(ctx, c.ID, c.Version, w.sue, "  ")
		w.refuses("REASON", err)
		_, err = g.Approve(ctx, c.ID, c.Version-1, w.sue, "")
		w.refuses("CONFLICT", err) // not what there is
		c, err = g.Return(ctx, c.ID, c.Version, w.sue, "Say what it costs")
		w.must(err)
		if c.State != campaign.Returned || c.Review == nil || c.Review.Remark != "Say what it costs" {
			t.Errorf("sent back: %+v", c)
		}

		// A supervisor mends it, and so has a hand in it.
		c, err = g.Change(ctx, c.ID, c.Version, w.offer(func(p *campaign.Plan) { p.Description = "For ten dollars a month" }), w.sam)
		w.must(err)
		if c.State != campaign.Draft || !slices.Equal(c.Authors, []cpni.ID{w.mia, w.sam}) {
			t.Errorf("mended: %s, %v", c.State, c.Authors)
		}
		c, err = g.Submit(ctx, c.ID, c.Version, w.mia)
		w.must(err)
		_, err = g.Approve(ctx, c.ID, c.Version, w.sam, "")
		w.refuses("SELF_REVIEW", err)
		if d := c.Since(); len(d) != 1 || d[0] != (campaign.Difference{Name: "Description", Before: "Long distance for those who have none", After: "For ten dollars a month"}) {
			t.Errorf("changed since the review: %+v", d)
		}
		c, err = g.Approve(ctx, c.ID, c.Version, w.sue, "")
		w.must(err)
		if !c.Approved() || c.State != campaign.Approved {
			t.Errorf("approved: %+v", c)
		}

		// Nothing is changed by the same once more; anything else needs a review anew, with new authors.
		if same, err := g.Change(ctx, c.ID, c.Version, c.Plan, w.mia); err != nil || same.Version != c.Version || same.State != campaign.Approved {
			t.Errorf("the same once more: %+v, %v", same, err)
		}
		c, err = g.Change(ctx, c.ID, c.Version, w.offer(func(p *campaign.Plan) { p.Uses = append(p.Uses, cpni.CallDetail) }), w.max)
		w.must(err)
		_, err = g.Launch(ctx, c.ID, c.Version, w.mia)
		w.refuses("NOT_REVIEWED", err)
		c, err = g.Submit(ctx, c.ID, c.Version, w.max)
		w.must(err)
		if d := c.Since(); len(d) != 2 || d[1].Name != "Information used" || d[1].After != "usage, call-detail" {
			t.Errorf("changed since the approval: %+v", d)
		}
		w.Time.Add(1e9)
		c, err = g.Approve(ctx, c.ID, c.Version, w.sam, "")
		w.must(err)

		steps, err := g.History(ctx, c.ID)
		w.must(err)
		var what []string
		for _, s := range steps {
			what = append(what, s.What)
		}
		if want := []string{"drafted", "submitted", "returned", "changed", "submitted", "approved", "changed", "submitted", "approved"}; !slices.Equal(what, want) {
			t.Errorf("the history is %v", what)
		}
		if steps[0].Plan.Description != "Long distance for those who have none" || steps[3].Hash == steps[0].Hash || steps[2].Remark != "Say what it costs" {
			t.Error("the history does not keep what was said")
		}
		rows, err := w.Ledger.Records(ctx, "", ledger.Filter{Kind: ledger.Admin, Limit: 100})
		w.must(err)
		turned := map[cpni.Code]int{}
		for _, r := range rows {
			turned[r.Code]++
		}
		if turned["SELF_REVIEW"] != 2 || turned["ROLE"] != 2 || turned["NOT_REVIEWED"] != 2 {
			t.Errorf("on record as turned away: %v", turned)
		}
		// The ledger alone shows what was approved.
		plain, err := w.Vault.OpenRecord(ctx, rows[0])
		w.must(err)
		var told struct {
			What, Hash string
			Plan       campaign.Plan
		}
		if err := vault.Detail(plain, &told); err != nil || told.What != "campaign approved" || told.Hash != c.Hash || len(told.Plan.Uses) != 2 {
			t.Errorf("the record: %+v, %v", told, err)
		}
	})
}

// The door permits for a campaign what was reviewed, while it runs, and nothing else.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestTheDoorAsksTheRegister(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		of := w.crowd(1)[0]
		w.must(w.Partners.Put(ctx, "test", partner.Partner{ID: "callers", Class: cpni.Agent, Agreement: &partner.Agreement{Until: w.Clock.Now().AddDate(1, 0, 0), DestroyBy: w.Clock.Now().AddDate(1, 1, 0)}}))
		c := w.approved(w.offer())
		ask := func(change func(*disclose.Request)) rules.Decision {
			t.Helper()
			r := c.Request(of)
			r.Caller.Staff = w.mia
			if change != nil {
				change(&r)
			}
			_, d, err := w.Door.Check(ctx, r)
			w.must(err)
			return d
		}
		refused := func(what string, d rules.Decision) {
			t.Helper()
			if d.Permit() || !slices.Contains(d.Codes, "CAMPAIGN") {
				t.Errorf("%s: %s %v", what, d.Outcome, d.Codes)
			}
		}
		refused("before it is launched", ask(nil))
		c, err := w.Campaigns.Launch(ctx, c.ID, c.Version, w.mia)
		w.must(err)
		if d := ask(nil); !d.Permit() {
			t.Fatalf("what it is for: %v", d.Codes)
		}
		refused("other information", ask(func(r *disclose.Request) { r.Data = []cpni.DataClass{cpni.CallDetail} }))
		refused("another purpose", ask(func(r *disclose.Request) { r.Purpose = cpni.WinBack }))
		refused("another recipient", ask(func(r *disclose.Request) { r.To = "callers" }))
		refused("another offer", ask(func(r *disclose.Request) { r.Offer = &rules.Offer{Categories: []cpni.Category{cpni.Wireless}} }))
		refused("no such campaign", ask(func(r *disclose.Request) { r.Campaign = cpni.NewID() }))
		_, err = w.Campaigns.Pause(ctx, c.ID, w.sue)
		w.must(err)
		refused("while it is paused", ask(nil))
		_, err = w.Campaigns.Resume(ctx, c.ID, w.mia)
		w.must(err)
		if d := ask(nil); !d.Permit() {
			t.Errorf("when it goes on: %v", d.Codes)
		}
		w.Time.Add(31 * 24 * 3600e9)
		refused("after its last day", ask(nil))
	})
}

// Counts name nobody, and say why customers are left out in the words of the rules.
//
// cite: P-40, 47 CFR 64.2009(d)
func TestCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ids := w.crowd(20)
		p := w.offer()
		c, err := w.Campaigns.Count(t.Context(), &p, w.mia)
		w.must(err)
		if c.Customers != 20 || c.Included != 18 || len(c.Excluded) != 1 || c.Excluded[0].Code != "DENIED" || c.Excluded[0].N != 2 || c.Excluded[0].Says == "" {
			t.Errorf("%+v", c)
		}
		p.Filter.Has = []cpni.Category{cpni.Local}
		if c, err = w.Campaigns.Count(t.Context(), &p, w.mia); err != nil || c.Outside != 20 || c.Included != 0 {
			t.Errorf("of those who buy local service: %+v, %v", c, err)
		}
		p.Filter.Has, p.PortOut = nil, true
		if c, err = w.Campaigns.Count(t.Context(), &p, w.mia); err != nil || c.Included != 0 || len(c.Excluded) != 1 || c.Excluded[0].Code != "222B" || c.Excluded[0].N != 20 {
			t.Errorf("of what others asked to port: %+v, %v", c, err)
		}
		p.PortOut, p.Named = false, ids[:3]
		if c, err = w.Campaigns.Count(t.Context(), &p, w.mia); err != nil || c.Customers != 3 {
			t.Errorf("of those who are named: %+v, %v", c, err)
		}
		// Of the reasons for which a code stands the one is told that holds: what a joint venture partner gets needs a yes, whatever it offers.
		w.must(w.Partners.Put(t.Context(), "test", partner.Partner{ID: "acme", Class: cpni.JointVenture, Agreement: &partner.Agreement{Until: w.Clock.Now().AddDate(1, 0, 0), DestroyBy: w.Clock.Now().AddDate(1, 1, 0)}}))
		p.Named, p.Purpose, p.To = nil, cpni.PartnerMarketing, "acme"
		c, err = w.Campaigns.Count(t.Context(), &p, w.mia)
		w.must(err)
		if last := c.Excluded[len(c.Excluded)-1]; c.Included != 0 || last.Code != "OPTIN_REQUIRED" || !strings.HasPrefix(last.Says, "Joint venture partners") {
			t.Errorf("of a joint venture: %+v", c)
		}
		var decisions int
		w.must(w.DB.Reader().QueryRow(t.Context(), "SELECT count(*) FROM record WHERE kind = $1", string(ledger.Decision)).Scan(&decisions))
		if decisions != 0 {
			t.Errorf("counting left %d decisions on record", decisions)
		}
	})
}

// A request for approval is a campaign: approved by a supervisor, it becomes a notice run to its audience, and stops with it.
//
// cite: P-15, P-40, 47 CFR 64.2008(e), 47 CFR 64.2009(d)
func TestARequestForApproval(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.must(w.Partners.Put(ctx, "test", partner.Partner{ID: "acme", Name: "Acme Energy", Class: cpni.JointVenture, Agreement: &partner.Agreement{Until: w.Clock.Now().AddDate(1, 0, 0), DestroyBy: w.Clock.Now().AddDate(1, 1, 0)}}))
		one, other := w.Customer(t), w.Customer(t, func(p *customer.Profile) { p.Lines[0].Categories = []cpni.Category{cpni.Wireless} })
		plan := w.offer(func(p *campaign.Plan) {
			p.Kind, p.Purpose, p.To, p.Channel, p.Products, p.Scripts = campaign.ApprovalRequest, cpni.PartnerMarketing, "acme", campaign.ByPost, nil, nil
			p.Uses, p.Filter.Has = []cpni.DataClass{cpni.Service, cpni.Usage}, []cpni.Category{cpni.Local}
		})
		_, err := w.Campaigns.Submit(ctx, w.drafted(w.offer(func(p *campaign.Plan) { *p = plan; p.Filter.Least = 2 })), 0, w.mia)
		w.refuses("CAMPAIGN", err) // who is asked is not chosen by anything else
		c := w.approved(plan)
		if c.Plan.Edition == "" {
			t.Error("its words were not fixed when it was submitted")
		}
		c, err = w.Campaigns.Launch(ctx, c.ID, c.Version, w.mia)
		w.must(err)
		run, err := w.Notices.Run(ctx, c.Run)
		w.must(err)
		if run.Second != w.sue || run.By != w.mia || run.Audience.Campaign != c.ID || run.Spec.Edition != c.Plan.Edition {
			t.Errorf("the run: %+v", run)
		}
		w.must(w.Notices.Work(ctx))
		with := func(of cpni.ID) (string, string) {
			t.Helper()
			state, _, _, err := w.Notices.With(ctx, of, c.Run)
			w.must(err)
			var code string
			w.must(w.DB.Reader().QueryRow(ctx, "SELECT code FROM notice_given WHERE customer_id = $1 AND run_id = $2", string(of), string(c.Run)).Scan(&code))
			return state, code
		}
		if state, _ := with(one.ID); state != notice.WithPlanned {
			t.Errorf("one who buys local service is %s", state)
		}
		if state, code := with(other.ID); state != notice.WithLeftOut || code != notice.NotMeant {
			t.Errorf("one who does not is %s, %s", state, code)
		}
		_, err = w.Campaigns.Stop(ctx, c.ID, w.sue)
		w.must(err)
		w.must(w.Messages.Step(ctx))
		if state, code := with(one.ID); state != notice.WithLeftOut || code != notice.RunStopped || w.postal.count() != 0 {
			t.Errorf("stopped before it went: %s, %s, %d letters", state, code, w.postal.count())
		}
	})
}

// drafted draws up a campaign.
func (w *world) drafted(p campaign.Plan) cpni.ID {
	w.t.Helper()
	c, err := w.Campaigns.Draft(w.t.Context(), "", p, w.mia)
	w.must(err)
	return c.ID
}

// exporter writes down what it was asked.
type exporter struct {
	begun  []campaign.Export
	halted []cpni.ID
	says   campaign.Exported
	cannot error
}

func (e *exporter) Check(context.Context, campaign.Export) error { return e.cannot }

func (e *exporter) Begin(_ context.Context, _ *store.Tx, x campaign.Export) ([]ledger.Entry, error) {
	e.begun = append(e.begun, x)
	return nil, nil
}

func (e *exporter) Halt(_ context.Context, _ *store.Tx, id cpni.ID, _ string) ([]ledger.Entry, error) {
	e.halted = append(e.halted, id)
	return nil, nil
}

func (e *exporter) Progress(context.Context, cpni.ID) (campaign.Exported, error) { return e.says, nil }

// A campaign to a partner hands its members to what writes files, and ends with it; without one it is not launched.
//
// cite: P-15, P-40, P-41, 47 CFR 64.2009(c)
func TestAFileForAPartner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.must(w.Partners.Put(ctx, "test", partner.Partner{ID: "acme", Class: cpni.JointVenture, Agreement: &partner.Agreement{Until: w.Clock.Now().AddDate(1, 0, 0), DestroyBy: w.Clock.Now().AddDate(1, 1, 0)}}))
		file := w.offer(func(p *campaign.Plan) {
			p.Purpose, p.To, p.Channel, p.Scripts = cpni.PartnerMarketing, "acme", campaign.ByExport, nil
		})
		// The agreement is for no such purpose: that is told before anybody reviews it.
		id := w.drafted(file)
		_, err := w.Campaigns.Submit(ctx, id, 0, w.mia)
		w.refuses("VENDOR", err)
		w.Campaigns.Exporter = nil
		c := w.approved(file)
		_, err = w.Campaigns.Launch(ctx, c.ID, c.Version, w.mia)
		w.refuses("CONFIG", err)
		out := &exporter{}
		w.Campaigns.Exporter = out
		c, err = w.Campaigns.Launch(ctx, c.ID, c.Version, w.mia)
		w.must(err)
		if len(out.begun) != 1 || out.begun[0].Campaign != c.ID || out.begun[0].Partner != "acme" || out.begun[0].By != w.mia || out.begun[0].Question.Purpose != cpni.PartnerMarketing || out.begun[0].Question.To != "acme" {
			t.Errorf("asked for: %+v", out.begun)
		}
		out.says = campaign.Exported{Looked: 5, Written: 2, Excluded: map[cpni.Code]int64{"DENIED": 3}}
		if p := w.progress(c.ID); p.Of(campaign.WithSent) != 2 || p.Of(campaign.WithLeftOut) != 3 {
			t.Errorf("%+v", p)
		}
		w.must(w.Campaigns.Work(ctx))
		if w.state(c.ID) != campaign.Launched {
			t.Errorf("it is %s before all is written", w.state(c.ID))
		}
		out.says.Done = true
		w.must(w.Campaigns.Work(ctx))
		if w.state(c.ID) != campaign.Ended || len(out.halted) != 0 {
			t.Errorf("it is %s when all is written, %d halted", w.state(c.ID), len(out.halted))
		}
		out.cannot = cpni.Rejected("SCOPE", "a column shows what is not asked for", []string{"P-36"}, "leave it out")
		id = w.drafted(file)
		_, err = w.Campaigns.Submit(ctx, id, 0, w.mia)
		w.refuses("SCOPE", err)
		if w.state(id) != campaign.Draft {
			t.Errorf("what cannot be made is %s", w.state(id))
		}
		out.cannot = nil
		c = w.launched(file)
		out.says = campaign.Exported{}
		_, err = w.Campaigns.Stop(ctx, c.ID, w.sue)
		w.must(err)
		if !slices.Equal(out.halted, []cpni.ID{c.ID}) {
			t.Errorf("halted: %v", out.halted)
		}
	})
}
