package server

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"

	"ringfence/internal/aggregate"
	"ringfence/internal/breach"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/matter"
	"ringfence/internal/process"
	"ringfence/internal/store"
)

// has fails unless a demonstration has what a newcomer is told to look at, each once.
//
// cite: P-08, P-15, P-29, P-31, P-32, P-34, P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (o *Opened) has(ctx context.Context, t *testing.T) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	partners, err := o.Partners.All(ctx)
	must(err)
	keys := 0
	for _, p := range partners {
		if p.Agreement == nil || p.Agreement.Reference == "" || len(p.Agreement.Purposes) == 0 || p.Agreement.DestroyDays == 0 && p.Agreement.DestroyBy.IsZero() {
			t.Errorf("of the partner %s the contract's facts are missing: %+v", p.ID, p.Agreement)
		}
		if p.Key != "" {
			keys++
		}
	}
	if len(partners) < 3 || keys == 0 {
		t.Errorf("%d partners, %d of them with a key", len(partners), keys)
	}

	staff := map[string]cpni.ID{}
	members, err := o.Staff.Members(ctx)
	must(err)
	for _, m := range members {
		staff[m.Login] = m.ID
	}
	campaigns, err := o.Campaigns.All(ctx)
	must(err)
	var states []string
	for _, c := range campaigns {
		states = append(states, fmt.Sprint(c.Plan.Kind, " ", c.State))
		if c.Plan.Kind != campaign.Marketing {
			continue
		}
		n, err := o.Campaigns.Count(ctx, &c.Plan, staff["sam"])
		must(err)
		if n.Included != 0 || len(n.Excluded) == 0 || n.Excluded[0].N == 0 || n.Excluded[0].Says == "" {
			t.Errorf("the joint venture's campaign counts %+v: nobody has said yes, and why should be said", n)
		}
	}
	slices.Sort(states)
	if !slices.Equal(states, []string{"approval-request approved", "marketing submitted"}) {
		t.Errorf("the campaigns are %q", states)
	}

	files, _, err := o.Processes.List(ctx, staff["otto"], process.Query{})
	must(err)
	if len(files) != 1 || files[0].State != process.Entered || files[0].TakenBy == staff["otto"] {
		t.Errorf("of legal process there are %+v; one should wait for the officer's review", files)
	}
	for _, kind := range []matter.Kind{matter.Ticket, matter.Protection} {
		open, err := o.Matters.List(ctx, matter.Filter{Kinds: []matter.Kind{kind}, State: matter.Open})
		must(err)
		if len(open) != 1 {
			t.Errorf("%d open matters of the kind %s", len(open), kind)
		}
	}
	publishers, err := o.Directory.Publishers(ctx)
	must(err)
	if len(publishers) != 1 || publishers[0].Terms == 0 || publishers[0].Key == "" {
		t.Errorf("the publishers are %+v; one should have agreed to the terms", publishers)
	}
	for _, q := range []breach.Query{{}, {Closed: true}, {Exercise: true}} {
		incidents, err := o.Incidents.List(ctx, staff["otto"], q)
		must(err)
		if len(incidents) != 1 || incidents[0].Determined == nil {
			t.Errorf("%d incidents of %+v; one should be there, and determined", len(incidents), q)
		}
	}
	now := o.Clock.Now()
	x, err := o.Certificates.Draft(ctx, now.In(o.Zone).Year(), staff["otto"])
	must(err)
	for _, a := range x.Obligations {
		if a.Sentence == "" || len(a.Evidence) == 0 {
			t.Errorf("the certificate of the year says %q of %s, with %v", a.Sentence, a.ID, a.Evidence)
		}
	}
	if x.Fields.Signatory != "Otto Brandt" || len(x.Gaps) == 0 || len(x.Lacking) == 0 || x.Over {
		t.Errorf("the certificate of the year names %q, with %d gaps, and lacks %v", x.Fields.Signatory, len(x.Gaps), x.Lacking)
	}
	confirmed := 0
	all, err := o.Controls.List(ctx)
	must(err)
	for _, c := range all {
		if c.By != "" {
			confirmed++
		}
	}
	if confirmed != 3 {
		t.Errorf("%d controls are confirmed by a person, want 3", confirmed)
	}
	reports, err := o.Aggregate.Reports(ctx, o.Clock.Now().AddDate(1, 0, 0))
	must(err)
	if len(reports) != 1 || reports[0].State == aggregate.Refused {
		t.Errorf("the reports are %+v", reports)
	}
}

// again gives the demonstration as it is when it is started again: with all that has, and nothing put in twice, also where it was
// interrupted before it knew that all was in.
//
// cite: I-11
func (o *Opened) again(ctx context.Context, t *testing.T, config Config, folder string) *Opened {
	t.Helper()
	entries := func(o *Opened) (n int) {
		t.Helper()
		if err := o.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM record").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, othersMark, "") }); err != nil {
		t.Fatal(err)
	}
	before := entries(o)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	next, _, err := OpenDemo(ctx, config, folder, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if after := entries(next); after != before {
		t.Errorf("the ledger has %d entries, and %d when the demonstration is started again", before, after)
	}
	next.has(ctx, t)
	return next
}
