package office

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/campaign"
	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/evidence"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
	"ringfence/internal/store"
)

// openEvidence opens the maker of bundles for auditors.
//
// cite: P-41, P-49, 47 CFR 64.2009(c)
func (o *Office) openEvidence() {
	o.Evidence = evidence.New(evidence.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Clock: o.Clock, Papers: o.papers, There: o.thereIs, Program: "development"})
}

// thereIs refuses a bundle of something that there is not. A customer who was forgotten has their entries still.
func (o *Office) thereIs(ctx context.Context, s evidence.Scope) error {
	switch s.Kind {
	case evidence.Incident:
		_, err := o.Incidents.Known(ctx, s.ID)
		if errors.Is(err, breach.ErrNone) {
			err = cpni.Rejected("NOT_FOUND", "there is no such incident", []string{"P-49"}, "check the incident's id")
		}
		return err
	case evidence.Campaign:
		_, err := o.Campaigns.Get(ctx, s.ID)
		return err
	case evidence.Customer:
		rows, err := o.Ledger.Records(ctx, s.ID, ledger.Filter{Limit: 1})
		if err == nil && len(rows) == 0 {
			err = cpni.Rejected("NOT_FOUND", "nothing is on record about such a customer", []string{"P-41"}, "check the customer's id")
		}
		return err
	}
	return nil
}

// papers gives what goes along with a bundle beside the log: texts as they are, registers sealed to the auditor.
//
// cite: P-41, P-49
func (o *Office) papers(ctx context.Context, order evidence.Order, by string, put func(evidence.Paper) error) error {
	if err := errors.Join(o.publicPapers(put), o.Outbox.EachKept(ctx, func(version string, source []byte) error {
		return put(evidence.Paper{Name: "templates/" + version + ".txt", Content: source})
	})); err != nil {
		return err
	}
	sealed := func(name string, v any) error {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		return put(evidence.Paper{Name: "registers/" + name, Content: text, Sealed: true})
	}
	switch order.Scope.Kind {
	case evidence.Incident:
		return o.incidentPapers(ctx, order.Scope.ID, by, sealed, put)
	case evidence.Campaign:
		c, err := o.reviewed(ctx, func(c register.Campaign) bool { return c.ID == order.Scope.ID })
		if err != nil {
			return err
		}
		return sealed("campaigns.json", c)
	case evidence.Customer:
		return nil
	}
	var training bytes.Buffer
	if err := o.Training.Export(ctx, &training); err != nil {
		return err
	}
	if err := put(evidence.Paper{Name: "registers/training.csv", Content: training.Bytes(), Sealed: true}); err != nil {
		return err
	}
	campaigns, err := o.reviewed(ctx, func(c register.Campaign) bool { return c.At.Before(order.To) })
	if err != nil {
		return err
	}
	proposals, err := o.Proposals.Within(ctx, order.From, order.To)
	if err != nil {
		return err
	}
	incidents, err := o.Incidents.Within(ctx, order.From, order.To)
	if err != nil {
		return err
	}
	failures, err := o.Filing.Within(ctx, order.From, order.To)
	if err != nil {
		return err
	}
	return errors.Join(sealed("campaigns.json", campaigns), sealed("countersigned.json", proposals), sealed("incidents.json", incidents), sealed("opt-out-failures.json", failures))
}

// publicPapers gives every version of the public policy. Its text is public, so nothing of it is sealed.
//
// cite: P-55, P-58
func (o *Office) publicPapers(put func(evidence.Paper) error) error {
	for _, v := range o.Published.Versions() {
		text, err := json.MarshalIndent(struct {
			Version   string    `json:"version"`
			N         int64     `json:"n"`
			Hash      string    `json:"hash"`
			Published time.Time `json:"published"`
			Effective time.Time `json:"effective"`
			Entry     cpni.ID   `json:"entry"` // of the ledger
			Edition   any       `json:"edition"`
			Source    string    `json:"source"`
		}{v.Version, v.N, v.Hash, v.At, v.Effective, v.Record, v.Edition, string(v.Source)}, "", " ")
		if err != nil {
			return fmt.Errorf("writing the public policy: %w", err)
		}
		if err := put(evidence.Paper{Name: fmt.Sprintf("public/%04d.json", v.N), Content: text}); err != nil {
			return err
		}
	}
	return nil
}

// reviewedCampaign is a campaign as its register shows it, with all that has happened to it.
type reviewedCampaign struct {
	Campaign register.Campaign
	History  []campaign.Event
}

// reviewed gives campaigns with their reviews.
//
// cite: P-40, 47 CFR 64.2009(d)
func (o *Office) reviewed(ctx context.Context, wanted func(register.Campaign) bool) (all []reviewedCampaign, err error) {
	found, err := o.registeredCampaigns(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		if !wanted(c) {
			continue
		}
		history, err := o.Campaigns.History(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, reviewedCampaign{c, history})
	}
	return all, nil
}

// incidentPapers gives the file of one incident. Whoever may know of it gets the bundle in which each of its steps is proved, too.
//
// cite: P-49, P-51, 47 CFR 64.2011(d)
func (o *Office) incidentPapers(ctx context.Context, id cpni.ID, by string, sealed func(string, any) error, put func(evidence.Paper) error) error {
	i, err := o.Incidents.Known(ctx, id)
	if err != nil {
		return err
	}
	if err := sealed("incident.json", i); err != nil {
		return err
	}
	if !cpni.ID(by).Valid() { // the command is nobody to whom files of incidents are shown
		return nil
	}
	b, err := o.Incidents.Bundle(ctx, id, cpni.ID(by))
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		return err
	}
	return put(evidence.Paper{Name: "registers/" + i.Number + ".zip", Content: file.Bytes(), Sealed: true})
}

// holdsEvidence reports whether a bundle can be made as it was ordered.
func (o *Office) holdsEvidence(ctx context.Context, a evidence.Order) error {
	if err := a.Check(); err != nil {
		return err
	}
	return o.thereIs(ctx, a.Scope)
}

// doEvidence does nothing yet: the bundle is made when somebody takes it, and each time that is on record.
func (o *Office) doEvidence(context.Context, *store.Tx, evidence.Order, string) ([]ledger.Entry, func(context.Context) error, error) {
	return nil, nil, nil
}

var errNotAgreed = cpni.Rejected("TWO_PEOPLE", "two people have not agreed to this bundle, or the time in which it may be made is over", []string{"P-37", "P-41"}, "have a second person agree to the proposal", "propose it again")

// EvidenceUntil tells until when a bundle to which two people have agreed may be made: as long again as it could be agreed to.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (o *Office) EvidenceUntil(p *countersign.Proposal) (time.Time, error) {
	now := o.Clock.Now()
	until := p.Ended.Add(o.Policy.Numbers(now).Duration("security-defaults", "proposal_life"))
	if p.Kind != countersign.Evidence || p.State != countersign.Done || !now.Before(until) {
		return time.Time{}, errNotAgreed
	}
	return until, nil
}

// AgreedEvidence gives the order of a bundle to which two people have agreed, while it may be made.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (o *Office) AgreedEvidence(ctx context.Context, proposal cpni.ID) (evidence.Order, error) {
	p, err := o.Proposals.Get(ctx, proposal)
	if err == nil {
		_, err = o.EvidenceUntil(p)
	}
	if err != nil {
		return evidence.Order{}, err
	}
	return read[evidence.Order](p.Act)
}

// MakeEvidence makes a bundle to which two people have agreed.
//
// cite: P-37, P-41, P-49, 47 CFR 64.2009(c)
func (o *Office) MakeEvidence(ctx context.Context, proposal cpni.ID, by string, sink evidence.Sink) (*evidence.Manifest, error) {
	order, err := o.AgreedEvidence(ctx, proposal)
	if err != nil {
		return nil, err
	}
	return o.Evidence.Make(ctx, order, evidence.Authority{By: by, Proposal: proposal}, sink)
}
