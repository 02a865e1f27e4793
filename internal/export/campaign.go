package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Audience is the kind of list that a question to the audiences gives. It is there once Ask has been called.
const Audience = "audience"

// Ask adds the list of those whom an audience finds, before anything is worked on: the question stands in the list, and is asked in the
// name of who has the export made.
//
// cite: P-07, P-40, 47 CFR 64.2009(a)
func (x *Exports) Ask(a audience.Audience) {
	x.lists[Audience] = func(ctx context.Context, e Export, after cpni.ID, do func(cpni.ID) error) error {
		var q audience.Question
		if err := json.Unmarshal(e.Spec.List.Detail, &q); err != nil {
			return fmt.Errorf("reading the question of an export: %w", err)
		}
		q.Caller.Staff, q.Purpose, q.Data, q.To, q.Via, q.Offer = e.By, e.Spec.Purpose, e.Spec.Data, e.Spec.Partner, cpni.File, e.Spec.Offer
		return a.Each(ctx, q, after, do)
	}
}

// ListOf makes the list of those whom a question finds.
func ListOf(q audience.Question) (List, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return List{}, fmt.Errorf("writing the question of an export: %w", err)
	}
	return List{Kind: Audience, Says: q.Filter.String(), Detail: text}, nil
}

// usualColumns are those of an export for which nobody has chosen any: how customers are reached, and a column for each class that was
// asked for.
func usualColumns(data []cpni.DataClass) []string {
	all := []string{"name", "number", "postal", "email", "language"}
	for _, c := range data {
		if c == cpni.CallDetail {
			all = append(all, "calls")
		} else {
			all = append(all, string(c))
		}
	}
	return all
}

// ForCampaign begins in tx the export of a campaign to a partner: customers are those who are named, and without any those whom the
// question finds. Each is decided with the campaign, so that nothing is written once the campaign does not run. columns are those that
// were chosen; none: the usual ones.
//
// cite: P-15, P-40, P-41, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (x *Exports) ForCampaign(ctx context.Context, tx *store.Tx, campaign cpni.ID, title string, q audience.Question, named []cpni.ID, columns []string, by, second cpni.ID) (Export, []ledger.Entry, error) {
	if campaign == "" {
		return Export{}, nil, ErrNone
	}
	s, err := specOf(campaign, title, q, named, columns)
	if err != nil {
		return Export{}, nil, err
	}
	return x.BeginTx(ctx, tx, "", s, named, by, second)
}

// CheckCampaign says why the export of a campaign could not begin as things stand: the columns, the agreement, the key.
//
// cite: P-15, P-36, P-41, 47 CFR 64.2007(b), 47 CFR 64.2009(c)
func (x *Exports) CheckCampaign(ctx context.Context, campaign cpni.ID, title string, q audience.Question, named []cpni.ID, columns []string) error {
	s, err := specOf(campaign, title, q, named, columns)
	if err == nil {
		_, err = x.Check(ctx, s)
	}
	return err
}

// specOf is the export of a campaign.
func specOf(campaign cpni.ID, title string, q audience.Question, named []cpni.ID, columns []string) (Spec, error) {
	if len(columns) == 0 {
		columns = usualColumns(q.Data)
	}
	s := Spec{Title: title, Partner: q.To, Campaign: campaign, Purpose: q.Purpose, Basis: "47 CFR 64.2007(b)", Data: q.Data, Columns: columns, Offer: q.Offer, List: List{Kind: Named, Says: "customers who were named"}}
	var err error
	if len(named) == 0 {
		s.List, err = ListOf(q)
	}
	return s, err
}

// HaltTx ends in tx what is not handed out yet of a campaign's exports: once that is committed nothing more is written, and what was
// written is destroyed here.
//
// cite: P-40, P-41, 47 CFR 64.2009(d)
func (x *Exports) HaltTx(ctx context.Context, tx *store.Tx, campaign cpni.ID, by string) ([]ledger.Entry, error) {
	now := x.Clock.Now().UnixMicro()
	rows, err := tx.Query(ctx, "UPDATE export SET state = CASE WHEN state = $1 THEN $2 ELSE $3 END, changed = $4, claim = '', claimed = 0, tell_at = 0 WHERE campaign_id = $5 AND state IN ($6, $1, $7) RETURNING export_id",
		string(Ready), string(Withdrawn), string(Stopped), now, string(campaign), string(Proposed), string(Running))
	if err != nil {
		return nil, fmt.Errorf("stopping a campaign's exports: %w", err)
	}
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return nil, fmt.Errorf("stopping a campaign's exports: %w", err)
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("stopping a campaign's exports: %w", err)
	}
	var all []ledger.Entry
	slices.Sort(ids)
	for _, id := range ids {
		if err := x.emptyTx(ctx, tx, id); err != nil {
			return nil, err
		}
		entries, err := x.entry(ctx, tx, by, map[string]any{"what": "export stopped with its campaign", "export": id, "campaign": campaign})
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}
