package retention

import (
	"context"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// keeper knows the holds in force, and finds what each covers.
type keeper struct {
	d     *Desk
	q     store.Querier
	holds []*Hold
	among map[[3]string]bool // table, set and customer: what was looked up already
}

func (d *Desk) keeper(ctx context.Context, q store.Querier) (*keeper, error) {
	all, err := d.holds(ctx, q, false, "lifted = 0 ORDER BY at, hold_id")
	return &keeper{d, q, all, map[[3]string]bool{}}, err
}

// in reports whether a customer is in the set of an incident or a campaign.
func (k *keeper) in(ctx context.Context, set string, id, customer cpni.ID) (bool, error) {
	key := [3]string{set, string(id), string(customer)}
	if found, ok := k.among[key]; ok {
		return found, nil
	}
	table := "incident_customer"
	if set == "campaign" {
		table = "campaign_member"
	}
	n, err := count(ctx, k.q, "SELECT count(*) FROM "+table+" WHERE customer_id = $1 AND "+set+"_id = $2", string(customer), string(id))
	k.among[key] = n > 0
	return n > 0, err
}

// covers reports whether a hold covers a thing. The forgetting of a customer is covered when anything of theirs may be.
func (k *keeper) covers(ctx context.Context, s Scope, it item) (bool, error) {
	whole := it.kind == "customers"
	switch {
	case s.Customer != "" && s.Customer != it.customer,
		s.Kind != "" && s.Kind != it.kind && !whole,
		!whole && !s.From.IsZero() && it.at.Before(s.From),
		!whole && !s.Until.IsZero() && !it.at.Before(s.Until):
		return false, nil
	}
	if s.Incident != "" && !(it.kind == "incidents" && it.thing == string(s.Incident)) {
		if ok, err := k.in(ctx, "incident", s.Incident, it.customer); err != nil || !ok {
			return false, err
		}
	}
	if s.Campaign != "" {
		if ok, err := k.in(ctx, "campaign", s.Campaign, it.customer); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// hold gives the first hold that covers a thing; nil: none does.
func (k *keeper) hold(ctx context.Context, it item) (*Hold, error) {
	for _, h := range k.holds {
		if ok, err := k.covers(ctx, h.Scope, it); err != nil || ok {
			return h, err
		}
	}
	return nil, nil
}

// heldCustomer gives the holds that keep a customer from being forgotten.
func (d *Desk) heldCustomer(ctx context.Context, q store.Querier, of cpni.ID) ([]Reason, error) {
	k, err := d.keeper(ctx, q)
	if err != nil || len(k.holds) == 0 {
		return nil, err
	}
	customers, _ := Of("customers")
	var all []Reason
	for _, h := range k.holds {
		ok, err := k.covers(ctx, h.Scope, item{kind: customers.Name, customer: of})
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, Reason{Kind: customers, Hold: h.ID, Says: "a legal hold covers them"})
		}
	}
	return all, nil
}

var errHeld = cpni.Rejected(Retained, "a legal hold covers this, and keeps it until it is lifted", cited, "have the hold lifted by another person, once the matter is over", "look at the holds, on the pages about retention")

// HeldRecords refuses to destroy entries that a hold covers. They are of one kind of the catalogue.
//
// cite: P-41, I-22
func (d *Desk) HeldRecords(ctx context.Context, q store.Querier, kind string, rows []ledger.Row) error {
	k, err := d.keeper(ctx, q)
	if err != nil || len(k.holds) == 0 {
		return err
	}
	for _, r := range rows {
		if h, err := k.hold(ctx, item{kind: kind, customer: r.Customer, thing: string(r.ID), at: r.At}); err != nil || h != nil {
			if err == nil {
				err = errHeld
			}
			return err
		}
	}
	return nil
}

// HeldIncident refuses to remove the file of an incident that a hold covers. One about a customer whom it reached covers it too.
//
// cite: P-54, I-22, 47 CFR 64.2011(d)
func (d *Desk) HeldIncident(ctx context.Context, q store.Querier, id cpni.ID) error {
	k, err := d.keeper(ctx, q)
	if err != nil || len(k.holds) == 0 {
		return err
	}
	at, err := last(ctx, q, "SELECT max(at) FROM incident WHERE incident_id = $1", string(id))
	if err != nil {
		return err
	}
	for _, h := range k.holds {
		s := h.Scope
		if s.Customer != "" {
			ok, err := k.in(ctx, "incident", id, s.Customer)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			s.Customer = ""
		}
		if s.Campaign != "" { // which of its customers are in the campaign nobody looks up: the file is kept
			s.Campaign = ""
		}
		if ok, err := k.covers(ctx, s, item{kind: "incidents", thing: string(id), at: at}); err != nil || ok {
			if err == nil {
				err = errHeld
			}
			return err
		}
	}
	return nil
}

func lower(text string) string { return strings.ToLower(text[:1]) + text[1:] }

func unique(texts []string) []string {
	var all []string
	for _, t := range texts {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}
