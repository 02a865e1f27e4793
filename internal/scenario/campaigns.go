package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/workday"
)

// runsFor is how many days a campaign of a story has whose last day is not given.
const runsFor = 60

// plan reads what a campaign is. What a story does not say and no case turns on is filled in; what has to be on record is not.
func (w *world) plan(a args) campaign.Plan {
	today := workday.DateIn(w.now(), w.story.zone)
	p := campaign.Plan{Name: a.text("name"), Description: a.text("description"), Kind: campaign.Kind(a.text("kind")), Purpose: cpni.Purpose(a.text("purpose")), Uses: classes(a.words("uses")), To: a.text("partner"),
		Channel: campaign.Channel(a.text("channel")), Starts: w.dayOf(a, "starts"), Ends: w.dayOf(a, "ends"), Silence: a.flag("silence"), PortOut: a.flag("port-out")}
	for _, x := range a.list("products") {
		p.Products = append(p.Products, campaign.Product{Name: x.text("name"), Category: cpni.Category(x.text("category"))})
	}
	p.Filter.Has = categories(a.words("services"))
	if all := a.words("audience"); len(all) > 0 {
		for _, name := range all {
			p.Named = append(p.Named, w.customers[name])
		}
	}
	fill := func(into *string, with string) {
		if *into == "" {
			*into = with
		}
	}
	fill(&p.Name, a.text("id"))
	fill((*string)(&p.Kind), string(campaign.Marketing))
	fill(&p.To, string(cpni.ToCarrier))
	fill((*string)(&p.Channel), string(campaign.ByList))
	fill((*string)(&p.Purpose), map[bool]string{true: string(cpni.OwnMarketing), false: string(cpni.PartnerMarketing)}[p.To == string(cpni.ToCarrier)])
	if p.Starts.IsZero() {
		p.Starts = today
	}
	if p.Ends.IsZero() {
		p.Ends = p.Starts.Add(runsFor)
	}
	if p.Channel.Writes() || p.Channel == campaign.ByVoice {
		says := a.text("says")
		fill(&says, "Something new is to be had.")
		p.Scripts = map[string]campaign.Script{}
		for _, language := range campaign.Languages {
			p.Scripts[language] = campaign.Script{Subject: says, Text: says, Short: says}
		}
	}
	return p
}

func (w *world) dayOf(a args, field string) workday.Date {
	if !a.has(field) {
		return workday.Date{}
	}
	return workday.DateIn(a.moment(field), w.story.zone)
}

// putCampaign draws up a campaign and puts it before somebody else; of one that is there it changes what the step says.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func putCampaign(ctx context.Context, w *world, a args) (result, error) {
	by := w.staffIDs[a.text("by")]
	if by == "" {
		var err error
		if by, err = w.marketer(ctx); err != nil {
			return result{}, err
		}
	}
	var c *campaign.Campaign
	var err error
	if id, there := w.campaigns[a.text("id")]; there {
		c, err = w.office.Campaigns.Change(ctx, id, 0, w.plan(a), by)
	} else {
		c, err = w.office.Campaigns.Draft(ctx, "", w.plan(a), by)
	}
	if err != nil {
		return of(err, result{})
	}
	w.campaigns[a.text("id")] = c.ID
	_, err = w.office.Campaigns.Submit(ctx, c.ID, c.Version, by)
	return of(err, succeeded())
}

// reviewCampaign agrees to a campaign, or sends it back.
//
// cite: P-40, V111, 47 CFR 64.2009(d)
func reviewCampaign(ctx context.Context, w *world, a args) (result, error) {
	id, by := w.campaigns[a.text("campaign")], w.staffIDs[a.text("by")]
	c, err := w.office.Campaigns.Get(ctx, id)
	if err != nil {
		return of(err, result{})
	}
	var changed []any
	for _, d := range c.Since() {
		changed = append(changed, d.Name)
	}
	remark := a.text("remark")
	if a.text("verdict") == "approve" {
		_, err = w.office.Campaigns.Approve(ctx, id, c.Version, by, remark)
	} else {
		if remark == "" {
			remark = "not like this"
		}
		_, err = w.office.Campaigns.Return(ctx, id, c.Version, by, remark)
	}
	return of(err, result{outcome: cpni.OK, fields: map[string]any{"changed": append([]any{}, changed...)}})
}

// launchCampaign has a campaign go out, and tells to whom it has come and who was left out, by the code of the decision.
//
// cite: P-09, P-40, 47 CFR 64.2009(d)
func launchCampaign(ctx context.Context, w *world, a args) (result, error) {
	id := w.campaigns[a.text("campaign")]
	c, err := w.office.Campaigns.Get(ctx, id)
	if err != nil {
		return of(err, result{})
	}
	by := c.By
	if a.has("by") {
		by = w.staffIDs[a.text("by")]
	}
	if c, err = w.office.Campaigns.Launch(ctx, id, c.Version, by); err != nil {
		return of(err, result{})
	}
	if err := errors.Join(w.office.Campaigns.Work(ctx), w.office.Notices.Work(ctx)); err != nil {
		return result{}, err
	}
	if c.Run != "" && a.has("notice") {
		w.notices[a.text("notice")] = c.Run
	}
	if err := w.carry(ctx); err != nil {
		return result{}, err
	}
	if c.Run != "" {
		run, err := w.office.Notices.Run(ctx, c.Run)
		if err != nil {
			return result{}, err
		}
		if err := w.deliver(ctx, run, a, slices.Collect(maps.Values(w.customers))); err != nil {
			return result{}, err
		}
	}
	return w.reached(ctx, c)
}

// reached tells to whom a campaign has come, and why the others were left out.
func (w *world) reached(ctx context.Context, c *campaign.Campaign) (result, error) {
	included, excluded := []any{}, map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(w.customers)) {
		id := w.customers[name]
		if len(c.Plan.Named) > 0 && !slices.Contains(c.Plan.Named, id) {
			continue
		}
		state, code, err := w.office.Campaigns.With(ctx, c.ID, id)
		if c.Run != "" {
			state, code, err = w.asked(ctx, id, c.Run)
		}
		if err != nil {
			return result{}, err
		}
		switch {
		case slices.Contains([]string{campaign.WithPlanned, campaign.WithSent, campaign.WithListed, notice.WithGiven, notice.WithCameBack}, state):
			included = append(included, name)
			continue
		case code == "" && c.Run == "":
			d, err := w.office.Campaigns.Would(ctx, &c.Plan, id, c.Launcher)
			if err != nil {
				return result{}, err
			}
			if code = string(d.Code); code == "" {
				continue // the filter does not take them
			}
		case code == "":
			continue
		}
		excluded[name] = code
	}
	return result{outcome: cpni.OK, fields: map[string]any{"included": included, "excluded": wholly(excluded)}}, nil
}

// wholly is a mapping whose every key has to be expected.
type wholly map[string]any

func (m wholly) met(w *world, want *node) bool {
	return want.form == formMap && len(want.entries) == len(m) && !slices.ContainsFunc(want.entries, func(e entry) bool {
		code, has := m[e.key]
		return !has || e.value.text != code && (e.value.text != "NO_APPROVAL" || !slices.Contains(alsoNoApproval, fmt.Sprint(code)))
	})
}

func (m wholly) String() string {
	keys := slices.Sorted(maps.Keys(m))
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%s: %v", k, m[k])
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

// asked tells what has become of a request for approval with a customer.
func (w *world) asked(ctx context.Context, id, run cpni.ID) (state, code string, err error) {
	proofs, err := w.office.Notices.Of(ctx, id)
	for _, p := range proofs {
		if p.Run == run {
			return p.State, p.Code, err
		}
	}
	return "", "", err
}

// countCampaign counts whom a campaign would reach now.
//
// cite: P-40, 47 CFR 64.2009(d)
func countCampaign(ctx context.Context, w *world, a args) (result, error) {
	c, err := w.office.Campaigns.Get(ctx, w.campaigns[a.text("campaign")])
	if err != nil {
		return of(err, result{})
	}
	counts, err := w.office.Campaigns.Count(ctx, &c.Plan, c.By)
	if err != nil {
		return of(err, result{})
	}
	excluded := map[string]any{}
	for _, r := range counts.Excluded {
		excluded[string(r.Code)] = int(r.N)
	}
	return result{outcome: cpni.OK, fields: map[string]any{"included": int(counts.Included), "outside": int(counts.Outside), "excluded": excluded}}, nil
}

// stopCampaign ends a campaign for good.
//
// cite: P-40, P-41
func stopCampaign(ctx context.Context, w *world, a args) (result, error) {
	by := w.staffIDs[a.text("by")]
	if by == "" {
		c, err := w.office.Campaigns.Get(ctx, w.campaigns[a.text("campaign")])
		if err != nil {
			return of(err, result{})
		}
		by = c.By
	}
	_, err := w.office.Campaigns.Stop(ctx, w.campaigns[a.text("campaign")], by)
	return of(err, succeeded())
}

// campaignRecords tells of the register of campaigns.
//
// cite: P-40, 47 CFR 64.2009(c)
func (w *world) campaignRecords(ctx context.Context) ([]record, error) {
	all, err := w.office.Campaigns.List(ctx, campaign.Filter{})
	if err != nil {
		return nil, err
	}
	var out []record
	for _, c := range all {
		r := record{id: c.ID, fields: map[string]string{"kind": string(c.Plan.Kind), "state": string(c.State), "purpose": string(c.Plan.Purpose), "recipient": c.Plan.To, "channel": string(c.Plan.Channel), "by": w.whoIs(string(c.By))}}
		for _, f := range c.Plan.Fields() {
			r.fields[strings.ReplaceAll(strings.ToLower(f.Name), " ", "-")] = f.Says
			r.text += f.Name + ": " + f.Says + "\n"
		}
		r.fields["kind"], r.fields["purpose"], r.fields["channel"] = string(c.Plan.Kind), string(c.Plan.Purpose), string(c.Plan.Channel)
		if c.Review != nil {
			r.fields["reviewed-by"] = w.whoIs(string(c.Review.By))
		}
		out = append(out, r)
	}
	return out, nil
}
