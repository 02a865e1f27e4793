package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/evidence"
	"ringfence/internal/ledger"
	"ringfence/internal/server"
	"ringfence/internal/workday"
)

type bundleCommand struct {
	configured
	Out      string `arg:"" help:"A folder that is not there yet."`
	From     string `placeholder:"DATE" help:"The first day, in the carrier's zone, of what is in it (default: from the beginning)."`
	To       string `placeholder:"DATE" help:"The last day (default: until now)."`
	Customer string `placeholder:"ID" xor:"scope" help:"Only what is recorded about this customer."`
	Incident string `placeholder:"ID" xor:"scope" help:"Only this incident, and the entries that show whom it reached."`
	Campaign string `placeholder:"ID" xor:"scope" help:"Only this campaign, and the decisions that permitted it."`
	ToKey    string `placeholder:"age1…" help:"The auditor's public key (see age-keygen), to which the facts are sealed."`
	Why      string `placeholder:"TEXT" help:"Who asks for it and why; it is on record."`
	Order    string `placeholder:"PROPOSAL" help:"Make the bundle to which two people have agreed at the desk, as they have."`
}

// Run makes a bundle of evidence. Without an order to which two people have agreed it is the way of one person alone, who holds the master key:
// the record says so.
//
// cite: P-37, P-41, P-49, 47 CFR 64.2009(c)
func (c *bundleCommand) Run(ctx context.Context, s streams) error {
	if c.Order != "" && strings.Join([]string{c.From, c.To, c.Customer, c.Incident, c.Campaign, c.ToKey, c.Why}, "") != "" {
		return errors.New("an order says all of it: name nothing beside --order")
	}
	return c.with(ctx, func(o *server.Opened) error {
		o.Evidence.Program = version
		order, err := c.order(ctx, o)
		if err != nil {
			return err
		}
		if err := order.Check(); err != nil {
			return err
		}
		to, err := evidence.NewFolder(c.Out)
		if err != nil {
			return err
		}
		m, err := o.Evidence.Make(ctx, order, evidence.Authority{By: "command", Proposal: cpni.ID(c.Order)}, to)
		if err != nil {
			return errors.Join(err, to.Abandon())
		}
		_, err = fmt.Fprintf(s.out, "Written: %d records, %d of them decisions; of %d the facts are in it, and %d are of customers who were forgotten.\nVerify it anywhere with\n  ringfence verify --folder %s --key '%s'\n  ringfence replay --bundle %s --identity KEY-FILE\n",
			m.Counts.Records, m.Counts.Decisions, m.Counts.Opened, m.Counts.Erased, c.Out, m.Key, c.Out)
		return err
	})
}

// order reads what is to be made.
func (c *bundleCommand) order(ctx context.Context, o *server.Opened) (evidence.Order, error) {
	if c.Order != "" {
		return o.AgreedEvidence(ctx, cpni.ID(c.Order))
	}
	order := evidence.Order{From: time.UnixMicro(0).UTC(), To: o.Clock.Now().Add(time.Microsecond), Scope: evidence.Scope{Kind: evidence.All}, Key: c.ToKey, Why: c.Why}
	for kind, id := range map[string]string{evidence.Customer: c.Customer, evidence.Incident: c.Incident, evidence.Campaign: c.Campaign} {
		if id != "" {
			order.Scope = evidence.Scope{Kind: kind, ID: cpni.ID(id)}
		}
	}
	if c.From != "" {
		day, err := workday.ParseDate(c.From)
		if err != nil {
			return order, fmt.Errorf("--from: %q is no date such as 2026-11-24", c.From)
		}
		order.From = day.Start(o.Zone).UTC()
	}
	if c.To != "" {
		day, err := workday.ParseDate(c.To)
		if err != nil {
			return order, fmt.Errorf("--to: %q is no date such as 2026-11-24", c.To)
		}
		order.To = day.End(o.Zone).UTC()
	}
	return order, nil
}

// bundle verifies a bundle of evidence.
//
// cite: P-41, P-49
func (c *verifyCommand) bundle(ctx context.Context, s streams) error {
	if c.Key == "" {
		return errNoKey
	}
	trust := ledger.Trust{Key: c.Key, Witnesses: ledger.Witnesses{Keys: c.Witness, Quorum: c.Quorum}}
	if c.Known != "" {
		var err error
		if trust.Known, err = os.ReadFile(c.Known); err != nil {
			return err
		}
	}
	r, err := evidence.Verify(ctx, os.DirFS(c.Folder), trust, s.out)
	if err != nil {
		return err
	}
	if !r.OK() {
		return errSilent
	}
	return nil
}

// bundle makes every decision of a bundle of evidence again, with nothing but the bundle.
//
// cite: P-41, I-04
func (c *replayCommand) bundle(ctx context.Context, s streams) error {
	if c.Identity == "" {
		return errors.New("--identity is needed: the file with the secret key to which the facts are sealed, as age-keygen writes it")
	}
	f, err := os.Open(c.Identity)
	if err != nil {
		return err
	}
	defer f.Close()
	identities, err := age.ParseIdentities(f)
	if err != nil {
		return fmt.Errorf("--identity: %s holds no secret key of age", c.Identity)
	}
	r, err := evidence.Replay(ctx, os.DirFS(c.Bundle), identities, s.out)
	if err != nil {
		return err
	}
	if !r.OK() {
		return errSilent
	}
	return nil
}
