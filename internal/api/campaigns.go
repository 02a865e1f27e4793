package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/audience"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// CampaignPlan is what a campaign is, as somebody else reviews it.
//
// cite: P-40, 47 CFR 64.2009(c)
type CampaignPlan struct {
	Name        string                     `json:"name" minLength:"1" maxLength:"100"`
	Description string                     `json:"description,omitempty" maxLength:"2000"`
	Kind        campaign.Kind              `json:"kind" enum:"marketing,approval-request,affiliate" doc:"approval-request: customers are asked for their approval, by a notice run to the audience. affiliate: an affiliate's own campaign, which is recorded and nothing else."`
	Purpose     cpni.Purpose               `json:"purpose,omitempty" doc:"own-marketing, other-marketing, partner-marketing or win-back. Of an approval-request: what is asked for."`
	Uses        []cpni.DataClass           `json:"uses,omitempty" maxItems:"10" doc:"Classes of customer information that it uses, those of its filter included."`
	Products    []campaign.Product         `json:"products,omitempty" maxItems:"20" doc:"What it offers. The category decides whether the customer's approval is needed."`
	To          string                     `json:"to,omitempty" maxLength:"100" doc:"Who sees the information: carrier, or a partner by its id."`
	Channel     campaign.Channel           `json:"channel,omitempty" enum:"email,postal,text,voice,list,export"`
	Starts      string                     `json:"starts,omitempty" format:"date" doc:"First day, in the carrier's zone."`
	Ends        string                     `json:"ends,omitempty" format:"date" doc:"Last day."`
	Filter      CampaignFilter             `json:"filter,omitempty" doc:"Of whom it is meant; none: everybody in service."`
	Named       []cpni.ID                  `json:"named,omitempty" maxItems:"5000" doc:"Customers who are named one by one, in the place of a filter."`
	Columns     []string                   `json:"columns,omitempty" maxItems:"40" doc:"Of the file that a partner gets; none: how customers are reached, and what it uses."`
	Scripts     map[string]campaign.Script `json:"scripts,omitempty" doc:"Its words by language, en and es."`
	Silence     bool                       `json:"silence,omitempty" doc:"Of an approval-request: a notice after which silence counts, where the law lets it."`
	Edition     string                     `json:"edition,omitempty" maxLength:"100" doc:"Of an approval-request: the version of its words; none: those in use when it is submitted."`
	PortOut     bool                       `json:"port_out,omitempty" doc:"Its audience comes of what other carriers have asked to port; the rules refuse every such use."`
}

// CampaignFilter says of whom a campaign is meant: all parts must hold, and one that is not given holds for everybody.
type CampaignFilter struct {
	Has    []cpni.Category `json:"has,omitempty" doc:"Services of which they buy every one."`
	Lacks  []cpni.Category `json:"lacks,omitempty" doc:"Services of which they buy none."`
	Least  int             `json:"least,omitempty" minimum:"0" doc:"Lines at least."`
	Most   int             `json:"most,omitempty" minimum:"0" doc:"Lines at most; 0: any number."`
	From   string          `json:"from,omitempty" format:"date" doc:"Customers since this day or later."`
	Before string          `json:"before,omitempty" format:"date" doc:"Customers since before this day."`
	States []string        `json:"states,omitempty" maxItems:"100"`
	Zips   []string        `json:"zips,omitempty" maxItems:"100" doc:"ZIP codes by their first digits."`
	Usage  *audience.Usage `json:"usage,omitempty" doc:"What they used at least in a month."`
}

// Campaign is a campaign on the register.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
type Campaign struct {
	ID       cpni.ID               `json:"id"`
	Version  int64                 `json:"version" doc:"Whoever acts on the campaign names the version that they have read."`
	State    campaign.State        `json:"state" enum:"draft,submitted,returned,approved,launched,paused,stopped,ended,recorded"`
	Plan     CampaignPlan          `json:"plan"`
	For      string                `json:"for" doc:"Of whom it is meant, in words."`
	Hash     string                `json:"hash" doc:"SHA-256 of exactly what the plan says."`
	By       cpni.ID               `json:"by" doc:"Who drew it up."`
	At       time.Time             `json:"at"`
	Changed  time.Time             `json:"changed"`
	Approved bool                  `json:"approved" doc:"Somebody who has had no hand in it has agreed to it exactly as it is."`
	Review   *CampaignReview       `json:"review,omitempty" doc:"The last."`
	Since    []campaign.Difference `json:"changed_since_review,omitempty" doc:"What has changed since the last review, field by field."`
	Launched *time.Time            `json:"launched,omitempty"`
	Launcher cpni.ID               `json:"launcher,omitempty" doc:"For whom it goes out: what that person may not use does not go."`
	Notice   cpni.ID               `json:"notice,omitempty" doc:"Of an approval-request: the run by which it goes."`
	Progress *campaign.Progress    `json:"progress,omitempty" doc:"Of one campaign that is read."`
	History  []CampaignStep        `json:"history,omitempty" doc:"Of one campaign that is read: every step, which is never changed."`
}

// CampaignReview is what somebody else has said of a campaign.
type CampaignReview struct {
	By       cpni.ID   `json:"by"`
	At       time.Time `json:"at"`
	Approved bool      `json:"approved"`
	Remark   string    `json:"remark,omitempty"`
	Hash     string    `json:"hash" doc:"Of what was reviewed."`
}

// CampaignStep is one step of a campaign's life.
type CampaignStep struct {
	At     time.Time `json:"at"`
	Entry  cpni.ID   `json:"entry" doc:"In the ledger."`
	What   string    `json:"what"`
	By     string    `json:"by"`
	Remark string    `json:"remark,omitempty"`
	Hash   string    `json:"hash"`
}

func dateText(d workday.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func planOf(p campaign.Plan) CampaignPlan {
	return CampaignPlan{Name: p.Name, Description: p.Description, Kind: p.Kind, Purpose: p.Purpose, Uses: p.Uses, Products: p.Products, To: p.To, Channel: p.Channel, Starts: dateText(p.Starts), Ends: dateText(p.Ends),
		Filter: CampaignFilter{Has: p.Filter.Has, Lacks: p.Filter.Lacks, Least: p.Filter.Least, Most: p.Filter.Most, From: dateText(p.Filter.From), Before: dateText(p.Filter.Before), States: p.Filter.States, Zips: p.Filter.Zips, Usage: p.Filter.Usage},
		Named:  p.Named, Columns: p.Columns, Scripts: p.Scripts, Silence: p.Silence, Edition: p.Edition, PortOut: p.PortOut}
}

// plan reads what a caller has sent.
func (p CampaignPlan) plan() (campaign.Plan, error) {
	out := campaign.Plan{Name: p.Name, Description: p.Description, Kind: p.Kind, Purpose: p.Purpose, Uses: p.Uses, Products: p.Products, To: p.To, Channel: p.Channel, Named: p.Named, Columns: p.Columns, Scripts: p.Scripts, Silence: p.Silence, Edition: p.Edition, PortOut: p.PortOut,
		Filter: audience.Filter{Has: p.Filter.Has, Lacks: p.Filter.Lacks, Least: p.Filter.Least, Most: p.Filter.Most, States: p.Filter.States, Zips: p.Filter.Zips, Usage: p.Filter.Usage}}
	for _, d := range []struct {
		text string
		into *workday.Date
	}{{p.Starts, &out.Starts}, {p.Ends, &out.Ends}, {p.Filter.From, &out.Filter.From}, {p.Filter.Before, &out.Filter.Before}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.into, err = workday.ParseDate(d.text); err != nil {
			return out, badInput("a day is no date")
		}
	}
	return out, nil
}

func campaignOf(c *campaign.Campaign) Campaign {
	out := Campaign{ID: c.ID, Version: c.Version, State: c.State, Plan: planOf(c.Plan), For: c.Plan.For(), Hash: c.Hash, By: c.By, At: c.At, Changed: c.Changed, Approved: c.Approved(), Since: c.Since(), Launched: when(c.Launch), Launcher: c.Launcher, Notice: c.Run}
	if r := c.Review; r != nil {
		out.Review = &CampaignReview{r.By, r.At, r.Approved, r.Remark, r.Hash}
	}
	return out
}

// mostCampaignBody bounds a plan: five thousand ids and what is said of it.
const mostCampaignBody = 256 << 10

// OneCampaign names a campaign.
type OneCampaign struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

// Seen names the version that the caller has read.
type Seen struct {
	Version int64 `json:"version" minimum:"1" doc:"That was read."`
}

// readsCampaigns refuses who neither builds nor reviews campaigns nor reads records.
//
// cite: P-37, P-40
func readsCampaigns(c caller) error {
	if slices.ContainsFunc([]staff.Right{staff.Market, staff.ReviewCampaigns, staff.ReadRecords}, c.member.May) {
		return nil
	}
	return c.member.Barred(staff.Market)
}

// cite: P-40, V111, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (a *API) campaigns() {
	tag := []string{"campaigns"}
	const all, one = "/v1/campaigns", "/v1/campaigns/{id}"
	type body struct{ Body Campaign }
	answer := func(c *campaign.Campaign, err error) (*body, error) {
		if err != nil {
			return nil, err
		}
		return &body{campaignOf(c)}, nil
	}
	register(a, operation{right: staff.Market, scope: "campaigns", most: mostCampaignBody, Operation: huma.Operation{OperationID: "draft-campaign", Method: http.MethodPost, Path: all, Tags: tag, DefaultStatus: http.StatusCreated,
		Summary: "Draw up a campaign", Description: "It may be unfinished. Nothing goes before somebody else has approved it. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body CampaignPlan
		}) (*body, error) {
			p, err := in.Body.plan()
			if err != nil {
				return nil, err
			}
			return answer(a.office.Campaigns.Draft(ctx, a.repeatable("campaign", c, in.Key), p, c.member.ID))
		})
	register(a, operation{right: staff.Market, scope: "campaigns", most: mostCampaignBody, Operation: huma.Operation{OperationID: "count-campaign", Method: http.MethodPost, Path: all + "/counts", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Count whom a plan would reach now", Description: "How many are included, and how many are left out by the code of the rule that refuses them. It names nobody, and releases nothing."}},
		func(ctx context.Context, c caller, in *struct{ Body CampaignPlan }) (*struct{ Body campaign.Counts }, error) {
			p, err := in.Body.plan()
			if err != nil {
				return nil, err
			}
			counts, err := a.office.Campaigns.Count(ctx, &p, c.member.ID)
			return &struct{ Body campaign.Counts }{counts}, err
		})
	register(a, operation{scope: "campaigns", Operation: huma.Operation{OperationID: "list-campaigns", Method: http.MethodGet, Path: all, Tags: tag,
		Summary: "List the campaigns on the register", Description: "The newest first. For those who build, review or audit campaigns."}},
		func(ctx context.Context, c caller, in *struct {
			State campaign.State `query:"state" enum:"draft,submitted,returned,approved,launched,paused,stopped,ended,recorded"`
			Kind  campaign.Kind  `query:"kind" enum:"marketing,approval-request,affiliate"`
			To    string         `query:"to" maxLength:"100"`
			Limit int            `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		}) (*struct{ Body []Campaign }, error) {
			if err := readsCampaigns(c); err != nil {
				return nil, err
			}
			found, err := a.office.Campaigns.List(ctx, campaign.Filter{State: in.State, Kind: in.Kind, To: in.To, Limit: in.Limit})
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []Campaign }{[]Campaign{}}
			for _, c := range found {
				out.Body = append(out.Body, campaignOf(c))
			}
			return out, nil
		})
	register(a, operation{scope: "campaigns", Operation: huma.Operation{OperationID: "read-campaign", Method: http.MethodGet, Path: one, Tags: tag,
		Summary: "Read a campaign, its history and how far it has come"}},
		func(ctx context.Context, c caller, in *OneCampaign) (*body, error) {
			if err := readsCampaigns(c); err != nil {
				return nil, err
			}
			found, err := a.office.Campaigns.Get(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			out := campaignOf(found)
			p, err := a.office.Campaigns.Progress(ctx, found)
			if err != nil {
				return nil, err
			}
			if !found.Launch.IsZero() {
				out.Progress = &p
			}
			steps, err := a.office.Campaigns.History(ctx, in.ID)
			for _, e := range steps {
				out.History = append(out.History, CampaignStep{e.At, e.Entry, e.What, string(e.By), e.Remark, e.Hash})
			}
			return &body{out}, err
		})
	register(a, operation{right: staff.Market, scope: "campaigns", most: mostCampaignBody, Operation: huma.Operation{OperationID: "change-campaign", Method: http.MethodPut, Path: one, Tags: tag,
		Summary: "Give a campaign another plan", Description: "It is a draft again, whatever was said of it before, and needs a review."}},
		func(ctx context.Context, c caller, in *struct {
			OneCampaign
			Body struct {
				Seen
				Plan CampaignPlan `json:"plan"`
			}
		}) (*body, error) {
			p, err := in.Body.Plan.plan()
			if err != nil {
				return nil, err
			}
			return answer(a.office.Campaigns.Change(ctx, in.ID, in.Body.Version, p, c.member.ID))
		})
	register(a, operation{right: staff.Market, scope: "campaigns", Operation: huma.Operation{OperationID: "submit-campaign", Method: http.MethodPost, Path: one + "/submission", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Put a campaign before somebody else", Description: "What has to be on record must be there. An affiliate's campaign is recorded by it."}},
		func(ctx context.Context, c caller, in *struct {
			OneCampaign
			Body Seen
		}) (*body, error) {
			return answer(a.office.Campaigns.Submit(ctx, in.ID, in.Body.Version, c.member.ID))
		})
	register(a, operation{right: staff.ReviewCampaigns, scope: "campaigns", Operation: huma.Operation{OperationID: "review-campaign", Method: http.MethodPost, Path: one + "/review", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Approve a campaign exactly as it was read, or send it back", Description: "By somebody who has had no hand in it since it was last approved."}},
		func(ctx context.Context, c caller, in *struct {
			OneCampaign
			Body struct {
				Seen
				Verdict string `json:"verdict" enum:"approve,return"`
				Remark  string `json:"remark,omitempty" maxLength:"1000" doc:"Needed to send it back."`
			}
		}) (*body, error) {
			if in.Body.Verdict == "approve" {
				return answer(a.office.Campaigns.Approve(ctx, in.ID, in.Body.Version, c.member.ID, in.Body.Remark))
			}
			return answer(a.office.Campaigns.Return(ctx, in.ID, in.Body.Version, c.member.ID, in.Body.Remark))
		})
	register(a, operation{right: staff.Market, scope: "campaigns", Operation: huma.Operation{OperationID: "launch-campaign", Method: http.MethodPost, Path: one + "/launch", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Have an approved campaign go out", Description: "On one of its days. Each customer is looked at again when it comes to them, and once more when a message goes."}},
		func(ctx context.Context, c caller, in *struct {
			OneCampaign
			Body Seen
		}) (*body, error) {
			return answer(a.office.Campaigns.Launch(ctx, in.ID, in.Body.Version, c.member.ID))
		})
	for _, act := range []struct {
		name, summary string
		do            func(context.Context, cpni.ID, cpni.ID) (*campaign.Campaign, error)
	}{
		{"pause", "Hold a campaign: what has not gone waits", func(ctx context.Context, id, by cpni.ID) (*campaign.Campaign, error) {
			return a.office.Campaigns.Pause(ctx, id, by)
		}},
		{"resume", "Let a campaign go on where it was, for the one who resumes it", func(ctx context.Context, id, by cpni.ID) (*campaign.Campaign, error) {
			return a.office.Campaigns.Resume(ctx, id, by)
		}},
		{"stop", "Stop a campaign for good: once this has answered, nothing goes that had not gone", func(ctx context.Context, id, by cpni.ID) (*campaign.Campaign, error) {
			return a.office.Campaigns.Stop(ctx, id, by)
		}},
	} {
		register(a, operation{scope: "campaigns", Operation: huma.Operation{OperationID: act.name + "-campaign", Method: http.MethodPost, Path: one + "/" + act.name, Tags: tag, DefaultStatus: http.StatusOK, Summary: act.summary}},
			func(ctx context.Context, c caller, in *OneCampaign) (*body, error) {
				return answer(act.do(ctx, in.ID, c.member.ID))
			})
	}
	register(a, operation{right: staff.Serve, scope: "campaigns", Operation: huma.Operation{OperationID: "list-campaign-customers", Method: http.MethodGet, Path: one + "/customers", Tags: tag,
		Summary: "List customers whom the carrier's own people may serve for a campaign", Description: "Each is looked at once more as the list is read: who has objected since stands on it no longer. The next page begins after the last."}},
		func(ctx context.Context, _ caller, in *struct {
			OneCampaign
			After cpni.ID `query:"after" maxLength:"26"`
			Limit int     `query:"limit" minimum:"1" maximum:"200" default:"50"`
		}) (*struct{ Body []cpni.ID }, error) {
			c, err := a.office.Campaigns.Get(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			ids, _, err := a.office.Campaigns.Listed(ctx, c, in.After, in.Limit)
			return &struct{ Body []cpni.ID }{append([]cpni.ID{}, ids...)}, err
		})
}
