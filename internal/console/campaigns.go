package console

import (
	"errors"
	"net/http"
	"slices"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
)

// campaignPeople stands in the place of a right where building, reviewing or reading campaigns is enough.
const campaignPeople staff.Right = "campaign-people"

// campaignPlaces are the campaigns that use customers' information: building them, reviewing them, and how they go out.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func campaignPlaces() []place {
	const one = "/campaigns/{campaign}"
	return []place{
		{pattern: "/campaigns", right: campaignPeople, get: (*visit).campaignsPage},
		{pattern: "/campaigns/new", right: staff.Market, get: (*visit).newCampaignPage, post: (*visit).buildCampaign},
		{pattern: one, right: campaignPeople, get: (*visit).campaignPage},
		{pattern: one + "/edit", right: staff.Market, get: (*visit).editCampaignPage, post: (*visit).buildCampaign},
		{pattern: one + "/submit", right: staff.Market, post: (*visit).submitCampaign, home: one},
		{pattern: one + "/review", right: staff.ReviewCampaigns, post: (*visit).reviewCampaign, home: one},
		{pattern: one + "/launch", right: staff.Market, post: (*visit).launchCampaign, home: one},
		{pattern: one + "/pause", right: campaignPeople, post: (*visit).pauseCampaign, home: one},
		{pattern: one + "/resume", right: staff.Market, post: (*visit).resumeCampaign, home: one},
		{pattern: one + "/stop", right: campaignPeople, post: (*visit).stopCampaign, home: one},
		{pattern: "/desk/lists", right: staff.Serve, get: (*visit).campaignListsPage},
		{pattern: "/desk/lists/{campaign}", right: staff.Serve, get: (*visit).campaignListPage},
	}
}

// mayCampaigns reports whether somebody builds, reviews or reads campaigns.
func (v *visit) mayCampaigns() bool {
	return slices.ContainsFunc([]staff.Right{staff.Market, staff.ReviewCampaigns, staff.ReadRecords}, v.member.May)
}

var (
	campaignStates = map[campaign.State]chip{campaign.Draft: {"draft", ""}, campaign.Submitted: {"waits for review", "warn"}, campaign.Returned: {"sent back", "bad"}, campaign.Approved: {"approved", "good"},
		campaign.Launched: {"under way", "warn"}, campaign.Paused: {"paused", "bad"}, campaign.Stopped: {"stopped", "bad"}, campaign.Ended: {"ended", "good"}, campaign.Recorded: {"recorded", "good"}}
	campaignKinds = map[campaign.Kind]string{campaign.Marketing: "Marketing", campaign.ApprovalRequest: "Request for approval", campaign.Affiliate: "An affiliate's own"}
	campaignWays  = map[campaign.Channel]string{campaign.ByEmail: "e-mail", campaign.ByPost: "post", campaign.ByText: "text message", campaign.ByVoice: "our people call", campaign.ByList: "a list for our own desks", campaign.ByExport: "a file for the partner"}
	campaignUses  = map[cpni.Purpose]string{cpni.OwnMarketing: "our own marketing of telephone services", cpni.OtherMarketing: "our marketing of other things", cpni.PartnerMarketing: "marketing by the partner", cpni.WinBack: "keeping a customer who leaves", cpni.CompetitorTracking: "finding who calls competitors"}
	productWords  = map[cpni.Category]string{cpni.Local: "local service", cpni.LongDistance: "long-distance service", cpni.Wireless: "wireless service", cpni.VoIP: "VoIP service", cpni.Broadband: "internet access", cpni.VoiceMail: "voice mail", cpni.CPE: "equipment", cpni.CallFeatures: "calling features", cpni.OtherProduct: "anything else"}
	campaignSteps = map[string]string{campaign.Drafted: "drawn up", campaign.Changed: "changed", campaign.Resumed: "went on", string(campaign.Submitted): "put before a reviewer", string(campaign.Returned): "sent back", string(campaign.Approved): "approved",
		string(campaign.Launched): "launched", string(campaign.Paused): "paused", string(campaign.Stopped): "stopped", string(campaign.Ended): "ended", string(campaign.Recorded): "recorded"}
	memberStates = map[string]chip{campaign.WithPlanned: {"on its way", "warn"}, campaign.WithSent: {"gone", "good"}, campaign.WithCameBack: {"came back", "bad"}, campaign.WithListed: {"on the list", "good"}, campaign.WithLeftOut: {"left out", ""}, campaign.WithNoWay: {"no way", "bad"}, "given": {"given", "good"}}
)

func campaignAddress(id cpni.ID) string { return "/campaigns/" + string(id) }

type campaignRow struct {
	Address, Name, Kind, For, Who, Days, By string
	State                                   chip
}

// headline is what a campaign is, for whom and when.
func (r campaignRow) headline() string {
	if r.Days == "" {
		return r.Kind + ", for " + r.For
	}
	return r.Kind + ", for " + r.For + ", " + r.Days
}

type campaignsView struct {
	page
	Waits    []campaignRow // for the person's review
	Rows     []campaignRow
	MayBuild bool
}

const mostCampaignsListed = 200

// whoSees names who sees the information of a campaign, a partner by its name and its class: the class decides whether the customer's
// own yes is needed.
//
// cite: P-15, 47 CFR 64.2007(b)
func (v *visit) whoSees(to string) (called, class string, err error) {
	switch to {
	case "":
		return "", "", nil
	case string(cpni.ToCarrier):
		return "we alone", "", nil
	}
	p, _, err := v.office.Partners.Recent(v.r.Context(), to)
	if errors.Is(err, partner.ErrNoPartner) {
		return to, "not on the register", nil
	}
	if err != nil {
		return "", "", err
	}
	return p.Called(), wordOf(partnerClasses, p.Class), nil
}

func (v *visit) campaignRow(c *campaign.Campaign) (campaignRow, error) {
	r := campaignRow{Address: campaignAddress(c.ID), Name: c.Plan.Name, Kind: campaignKinds[c.Plan.Kind], For: c.Plan.For(), State: campaignStates[c.State]}
	if !c.Plan.Starts.IsZero() && !c.Plan.Ends.IsZero() {
		r.Days = c.Plan.Starts.String() + " to " + c.Plan.Ends.String()
	}
	var err error
	if r.Who, _, err = v.whoSees(c.Plan.To); err != nil {
		return r, err
	}
	r.By, err = v.colleague(c.By)
	return r, err
}

// reviewable reports whether the person may review a campaign now.
//
// cite: P-40, 47 CFR 64.2009(d)
func (v *visit) reviewable(c *campaign.Campaign) bool {
	return c.State == campaign.Submitted && v.member.May(staff.ReviewCampaigns) && !slices.Contains(c.Authors, v.member.ID)
}

// campaignsPage lists the campaigns, and first those that wait for the person.
//
// cite: P-40, 47 CFR 64.2009(c)
func (v *visit) campaignsPage() error {
	view := campaignsView{page: v.page("Campaigns", "/campaigns"), MayBuild: v.member.May(staff.Market)}
	all, err := v.office.Campaigns.List(v.r.Context(), campaign.Filter{Limit: mostCampaignsListed})
	if err != nil {
		return err
	}
	for _, c := range all {
		r, err := v.campaignRow(c)
		if err != nil {
			return err
		}
		if v.reviewable(c) {
			view.Waits = append(view.Waits, r)
		}
		view.Rows = append(view.Rows, r)
	}
	return v.show(http.StatusOK, campaignsPage(view))
}

// toReview counts the campaigns that wait for the person's review.
func (v *visit) toReview() (n int, err error) {
	if !v.member.May(staff.ReviewCampaigns) {
		return 0, nil
	}
	all, err := v.office.Campaigns.List(v.r.Context(), campaign.Filter{State: campaign.Submitted})
	for _, c := range all {
		if v.reviewable(c) {
			n++
		}
	}
	return n, err
}

// countsView is how many a campaign would reach, and why not the others.
type countsView struct {
	For                 string
	Customers, Included string
	Outside             string
	Rows                []reasonRow
}

type reasonRow struct{ N, Code, Says string }

func countsOf(p *campaign.Plan, c campaign.Counts) *countsView {
	view := &countsView{For: p.For(), Customers: many(c.Customers), Included: many(c.Included), Outside: many(c.Outside)}
	for _, r := range c.Excluded {
		view.Rows = append(view.Rows, reasonRow{many(r.N), string(r.Code), r.Says})
	}
	return view
}

// counts counts a plan as far as it can be; nil: something is missing that the question needs.
func (v *visit) counts(p *campaign.Plan, by cpni.ID) (*countsView, error) {
	if len(p.Uses) == 0 || p.Purpose == "" || p.To == "" || p.Channel == "" {
		return nil, nil
	}
	quickly, err := v.office.Campaigns.Quickly(v.r.Context(), p)
	if err != nil || !quickly {
		return nil, err
	}
	c, err := v.office.Campaigns.Count(v.r.Context(), p, by)
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return nil, nil // it does not go together yet: who submits it is told so
	case err != nil:
		return nil, err
	}
	return countsOf(p, c), nil
}

type campaignStep struct{ At, What, By, Remark string }

type memberRow struct {
	State     chip
	N         string
	Code, Why string
}

type campaignView struct {
	page
	Row      campaignRow
	Address  string
	Version  int64
	Facts    []fact
	Counts   *countsView
	Changed  []campaign.Difference
	Review   *campaignStep
	First    bool // it was never reviewed
	Own      bool // it waits for a review that the person cannot give, for they had a hand in it
	Edits    bool
	Submits  bool
	Reviews  bool
	Launches bool
	Pauses   bool
	Resumes  bool
	Stops    bool
	Sent     bool
	Looked   int64
	Expected int64
	All      bool // everybody was looked at
	Held     string
	Members  []memberRow
	Run      string
	List     string
	File     string // for the partner, where the person may look at it
	Steps    []campaignStep
}

func (v campaignView) looked() string {
	says := many(v.Looked) + " of " + many(v.Expected) + " looked at"
	if v.All {
		says += ", and nobody is left"
	}
	return says
}

// campaignOf gives the campaign of the address.
func (v *visit) campaignOf() (*campaign.Campaign, error) {
	c, err := v.office.Campaigns.Get(v.r.Context(), v.id("campaign"))
	if errors.Is(err, campaign.ErrNone) {
		return nil, errNowhere
	}
	return c, err
}

// campaignPage shows a campaign: what it is, whom it would reach, what has changed since the last review, and how far it has come.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (v *visit) campaignPage() error {
	ctx := v.r.Context()
	c, err := v.campaignOf()
	if err != nil {
		return err
	}
	market, stops := v.member.May(staff.Market), v.member.May(staff.Market) || v.member.May(staff.ReviewCampaigns)
	view := campaignView{page: v.page(c.Plan.Name, "/campaigns"), Address: campaignAddress(c.ID), Version: c.Version, Changed: c.Since(), First: c.Review == nil, Sent: !c.Launch.IsZero(),
		Edits: market && c.Open(), Submits: market && (c.State == campaign.Draft || c.State == campaign.Returned), Reviews: v.reviewable(c), Launches: market && c.State == campaign.Approved,
		Own:    c.State == campaign.Submitted && v.member.May(staff.ReviewCampaigns) && slices.Contains(c.Authors, v.member.ID),
		Pauses: stops && c.State == campaign.Launched && c.Plan.Channel != campaign.ByExport, Resumes: market && c.State == campaign.Paused, Stops: stops && (c.State == campaign.Launched || c.State == campaign.Paused)}
	if view.Row, err = v.campaignRow(c); err != nil {
		return err
	}
	if view.Facts, err = v.campaignFacts(&c.Plan); err != nil {
		return err
	}
	if c.Open() {
		if view.Counts, err = v.counts(&c.Plan, c.By); err != nil {
			return err
		}
	}
	if r := c.Review; r != nil {
		who, err := v.colleague(r.By)
		if err != nil {
			return err
		}
		view.Review = &campaignStep{At: v.clock(r.At), What: map[bool]string{true: "Approved", false: "Sent back"}[r.Approved], By: who, Remark: r.Remark}
	}
	if view.Sent {
		if err := v.campaignProgress(&view, c); err != nil {
			return err
		}
	}
	steps, err := v.office.Campaigns.History(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(steps) {
		who := "the system"
		if e.By != cpni.ID(cpni.RoleSystem) {
			if who, err = v.colleague(e.By); err != nil {
				return err
			}
		}
		view.Steps = append(view.Steps, campaignStep{v.clock(e.At), wordOf(campaignSteps, e.What), who, e.Remark})
	}
	return v.show(http.StatusOK, campaignPage(view))
}

// campaignFacts is what a plan says, in the words of pages.
func (v *visit) campaignFacts(p *campaign.Plan) ([]fact, error) {
	var all []fact
	for _, f := range p.Fields() {
		switch f.Name {
		case "Name", "For whom", "First day", "Last day":
			continue
		case "Kind":
			f.Says = campaignKinds[p.Kind]
		case "Purpose":
			f.Says = wordOf(campaignUses, p.Purpose)
		case "Channel":
			f.Says = wordOf(campaignWays, p.Channel)
		case "Who sees it":
			called, class, err := v.whoSees(p.To)
			if err != nil {
				return nil, err
			}
			if f.Says = called; class != "" {
				f.Says += ", " + class
			}
		}
		if f.Says != "" {
			all = append(all, fact{f.Name, f.Says})
		}
	}
	return all, nil
}

// campaignProgress shows how far a campaign has come.
func (v *visit) campaignProgress(view *campaignView, c *campaign.Campaign) error {
	p, err := v.office.Campaigns.Progress(v.r.Context(), c)
	if err != nil {
		return err
	}
	view.Looked, view.Expected, view.All = p.Looked, max(p.Expected, p.Looked), p.Done
	view.Resumes = view.Resumes || p.Held != "" && v.member.May(staff.Market) && c.State == campaign.Launched
	set, _ := v.office.Policy.Current()
	if p.Held != "" {
		view.Held = campaign.SaysOf(set, p.Held)
	}
	for _, t := range p.Tallies {
		row := memberRow{State: memberStates[t.State], N: many(t.N), Code: t.Code, Why: campaign.Words[t.Code]}
		if c.Plan.Channel == campaign.ByExport && t.State == campaign.WithSent { // whether the partner has fetched it is told on the page of the file
			row.State = chip{"in the file", "good"}
		}
		if row.State.Text == "" {
			row.State = givenStates[t.State]
		}
		if row.Why == "" && t.Code != "" {
			if row.Why, err = v.office.Campaigns.Says(v.r.Context(), &c.Plan, cpni.Code(t.Code)); err != nil {
				return err
			}
		}
		view.Members = append(view.Members, row)
	}
	if c.Run != "" && v.member.May(staff.ReadRecords) {
		view.Run = runAddress(c.Run)
	}
	if p.Export != "" && v.seesExports() {
		view.File = exportAddress(p.Export)
	}
	if c.Plan.Channel.Lists() && v.member.May(staff.Serve) {
		view.List = "/desk/lists/" + string(c.ID)
	}
	return nil
}

// moveCampaign does something to the campaign of the address, and says what came of it on its page.
func (v *visit) moveCampaign(note string, do func(id cpni.ID, version int64) error) error {
	id := v.id("campaign")
	version, err := v.seenVersion()
	if err != nil {
		return err
	}
	err = do(id, version)
	if errors.Is(err, campaign.ErrNone) {
		return errNowhere
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: campaignAddress(id), Refusal: refusal}, campaignAddress(id))
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: campaignAddress(id), Note: note}, campaignAddress(id))
}

func (v *visit) submitCampaign() error {
	return v.moveCampaign("It waits for somebody else to review it. An affiliate's campaign is on record.", func(id cpni.ID, version int64) error {
		_, err := v.office.Campaigns.Submit(v.r.Context(), id, version, v.member.ID)
		return err
	})
}

// reviewCampaign agrees to a campaign exactly as it was shown, or sends it back with a remark.
//
// cite: P-40, 47 CFR 64.2009(d)
func (v *visit) reviewCampaign() error {
	agrees := v.field("verdict") == "approve"
	note := map[bool]string{true: "You have approved it as it was shown. It can be launched.", false: "It is sent back with your remark."}[agrees]
	return v.moveCampaign(note, func(id cpni.ID, version int64) error {
		do := v.office.Campaigns.Return
		if agrees {
			do = v.office.Campaigns.Approve
		}
		_, err := do(v.r.Context(), id, version, v.member.ID, v.field("remark"))
		return err
	})
}

func (v *visit) launchCampaign() error {
	return v.moveCampaign("It is under way. Each customer is looked at again when it comes to them.", func(id cpni.ID, version int64) error {
		_, err := v.office.Campaigns.Launch(v.r.Context(), id, version, v.member.ID)
		return err
	})
}

func (v *visit) pauseCampaign() error {
	return v.moveCampaign("It is paused: what has not gone waits.", func(id cpni.ID, _ int64) error {
		_, err := v.office.Campaigns.Pause(v.r.Context(), id, v.member.ID)
		return err
	})
}

func (v *visit) resumeCampaign() error {
	return v.moveCampaign("It goes on where it was, for you.", func(id cpni.ID, _ int64) error {
		_, err := v.office.Campaigns.Resume(v.r.Context(), id, v.member.ID)
		return err
	})
}

func (v *visit) stopCampaign() error {
	return v.moveCampaign("It is stopped for good: what had not gone does not go.", func(id cpni.ID, _ int64) error {
		_, err := v.office.Campaigns.Stop(v.r.Context(), id, v.member.ID)
		return err
	})
}

type campaignListsView struct {
	page
	Rows []campaignRow
}

// campaignListsPage lists the campaigns for which the carrier's own people serve customers now.
func (v *visit) campaignListsPage() error {
	view := campaignListsView{page: v.page("Lists", "/desk")}
	all, err := v.office.Campaigns.List(v.r.Context(), campaign.Filter{State: campaign.Launched})
	if err != nil {
		return err
	}
	for _, c := range all {
		if !c.Plan.Channel.Lists() {
			continue
		}
		r, err := v.campaignRow(c)
		if err != nil {
			return err
		}
		r.Address = "/desk/lists/" + string(c.ID)
		view.Rows = append(view.Rows, r)
	}
	return v.show(http.StatusOK, campaignListsPage(view))
}

type campaignListView struct {
	page
	Row     campaignRow
	Offers  string
	Scripts []campaignScript
	IDs     []cpni.ID
	Next    string
}

type campaignScript struct{ Language, Says string }

const listedOnPage = 50

// campaignListPage lists customers whom the person may serve for a campaign, by their ids: their cards open as always, on record.
//
// cite: P-09, P-17, P-40, I-02
func (v *visit) campaignListPage() error {
	c, err := v.campaignOf()
	if err != nil {
		return err
	}
	view := campaignListView{page: v.page(c.Plan.Name, "/desk")}
	if view.Row, err = v.campaignRow(c); err != nil {
		return err
	}
	for _, f := range c.Plan.Fields() {
		if f.Name == "Products" {
			view.Offers = f.Says
		}
	}
	for _, language := range campaign.Languages {
		if s := c.Plan.Scripts[language]; s.Text != "" {
			view.Scripts = append(view.Scripts, campaignScript{language, s.Text})
		}
	}
	ids, next, err := v.office.Campaigns.Listed(v.r.Context(), c, cpni.ID(v.r.URL.Query().Get("after")), listedOnPage)
	if err != nil {
		return err
	}
	view.IDs = ids
	if next != "" {
		view.Next = "/desk/lists/" + string(c.ID) + "?after=" + string(next)
	}
	return v.show(http.StatusOK, campaignListPage(view))
}
