package office

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/campaign"
	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
	"ringfence/internal/store"
	"ringfence/internal/watch"
)

// openRegisters opens the registers of campaigns, of disclosures and of legal process.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (o *Office) openRegisters() {
	o.Registers = register.New(register.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Partners: o.Partners, Clock: o.Clock, Zone: o.Zone,
		Campaigns: register.SourceFunc[register.Campaign](o.registeredCampaigns), Processes: register.SourceFunc[register.Process](o.registeredProcesses), Files: files{o}, Secrets: o.Processes, Matters: o.Matters})
}

// registeredCampaigns gives the campaigns as their register shows them.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (o *Office) registeredCampaigns(ctx context.Context) ([]register.Campaign, error) {
	found, err := o.Campaigns.All(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]register.Campaign, len(found))
	for i, c := range found {
		p := c.Plan
		x := register.Campaign{ID: c.ID, At: c.At, Title: p.Name, Description: p.Description, Whose: string(cpni.ToCarrier), State: string(c.State), Purpose: p.Purpose, Data: p.Uses, Channel: string(p.Channel), Audience: p.Filter.String(), By: c.By}
		switch {
		case p.Kind == campaign.Affiliate:
			x.Whose = p.To
		case p.To != "" && p.To != string(cpni.ToCarrier):
			x.Recipients = []string{p.To}
		}
		if len(p.Named) > 0 {
			x.Audience = fmt.Sprintf("%d customers who were named", len(p.Named))
		}
		for _, product := range p.Products {
			x.Products = append(x.Products, product.Name+" ("+string(product.Category)+")")
		}
		if !p.Starts.IsZero() {
			x.From = p.Starts.Start(o.Zone)
		}
		if !p.Ends.IsZero() {
			x.Until = p.Ends.End(o.Zone)
		}
		history, err := o.Campaigns.History(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		for _, e := range history {
			if e.What == string(campaign.Approved) || e.What == string(campaign.Returned) {
				x.Reviews = append(x.Reviews, register.Review{By: e.By, At: e.At, Verdict: e.What})
			}
		}
		progress, err := o.Campaigns.Progress(ctx, c)
		if err != nil {
			return nil, err
		}
		x.Included = int(progress.Expected)
		for _, t := range progress.Tallies {
			if t.Code != "" {
				x.Excluded += int(t.N)
			} else {
				x.Sent += int(t.N)
			}
		}
		all[i] = x
	}
	return all, nil
}

// files are the files that partners were given.
type files struct{ o *Office }

// FileOf gives the file in which a release went.
//
// cite: P-35, P-41, 47 CFR 64.2009(c)
func (f files) FileOf(ctx context.Context, customer, entry cpni.ID) (*register.File, error) {
	e, ok, err := f.o.Exports.Holding(ctx, customer, entry)
	if err != nil || !ok {
		return nil, err
	}
	x := &register.File{ID: e.ID, DestroyBy: e.DestroyBy, Certified: e.Certified, State: register.Kept}
	switch {
	case !e.Certified.IsZero():
		x.State = register.Proved
	case e.Fetches == 0:
		x.State = register.NotTaken
	case e.DestroyBy.IsZero():
		x.State = register.NoneHeld
	case !f.o.Clock.Now().Before(e.DestroyBy):
		x.State = register.Overdue
	}
	return x, nil
}

// registeredProcesses gives legal process as its register shows it.
//
// cite: P-29, P-41, 47 CFR 64.2009(c)
func (o *Office) registeredProcesses(ctx context.Context) ([]register.Process, error) {
	found, err := o.Processes.All(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]register.Process, len(found))
	for i, p := range found {
		x := register.Process{ID: p.ID, At: p.Received, Entries: p.Entries, Kind: strings.ReplaceAll(p.Kind, "-", " "), Number: p.Number, Issuer: p.Issuer, Received: p.Received, From: p.From, Until: p.Until,
			Scope: p.Scope.Data, Reviewer: p.ReviewedBy, Reviewed: p.ReviewedAt, State: string(p.State), Secret: p.Silence.Now(o.Clock.Now()), SecretBy: p.Silence.Until}
		if x.Since, x.Before = p.Scope.From, p.Scope.Until; len(x.Scope) == 0 { // nobody has approved it: what it asks for
			x.Scope, x.Since, x.Before = p.Asked.Data, p.Asked.From, p.Asked.Until
		}
		for _, r := range p.Released {
			x.Released = append(x.Released, register.Release{Customer: r.Customer, Entry: r.Entry, At: r.At})
		}
		all[i] = x
	}
	return all, nil
}

// Letterhead is what stands above a register that is printed.
func (o *Office) Letterhead() register.Sender {
	var all register.Sender
	for _, line := range []string{o.Carrier.Name, o.Carrier.Phone, o.Carrier.Email, o.Carrier.Web} {
		if line != "" {
			all = append(all, line)
		}
	}
	return all
}

// OneDisclosure gives a line of the register of disclosures, and puts on record that somebody looks at what is on record about its
// customer.
//
// cite: P-37, P-41, 47 CFR 64.2009(c)
func (o *Office) OneDisclosure(ctx context.Context, by, customer, entry cpni.ID) (register.Disclosure, error) {
	d, err := o.Registers.One(ctx, by, customer, entry)
	if err != nil {
		return d, err
	}
	if customer != "" && !d.Unreadable {
		if err := o.Viewed(ctx, by, watch.Records, customer); err != nil {
			return register.Disclosure{}, err
		}
	}
	return d, o.Registers.Look(ctx, by, register.Disclosures, register.Query{Customer: customer}, "", 0)
}

// ProposeDestroy proposes to destroy what is on the register of disclosures from before a moment, which must be over.
//
// cite: P-41, I-22, 47 CFR 64.2009(c)
func (o *Office) ProposeDestroy(ctx context.Context, id cpni.ID, before time.Time, by cpni.ID) (*countersign.Proposal, error) {
	a, err := o.Registers.Proposes(ctx, before)
	if err != nil {
		return nil, err
	}
	return o.Proposals.Propose(ctx, id, countersign.Destroy, a, by)
}

func (o *Office) holdsDestroy(ctx context.Context, a register.DestroyAct) error {
	return o.Registers.Holds(ctx, a)
}

func (o *Office) doDestroy(ctx context.Context, tx *store.Tx, a register.DestroyAct, by string) ([]ledger.Entry, func(context.Context) error, error) {
	entries, err := o.Registers.Destroy(ctx, tx, a, by)
	return entries, func(context.Context) error { return nil }, err
}
