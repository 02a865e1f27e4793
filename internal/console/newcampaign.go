package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/audience"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// mostOffered is for how many products the form has room.
const mostOffered = 4

// buildView is the form by which a campaign is built.
type buildView struct {
	page
	Key      cpni.ID
	Action   string
	Back     string // the page of the campaign; "" it is new
	Version  int64
	Plan     campaign.Plan
	Products []campaign.Product
	Counts   *countsView
	Says     string // of whom it is meant, in words
	To       []option
	Texts    map[string]string // fields that hold several things, as they were typed
}

func (b buildView) uses(c cpni.DataClass) bool      { return slices.Contains(b.Plan.Uses, c) }
func (b buildView) has(c cpni.Category) bool        { return slices.Contains(b.Plan.Filter.Has, c) }
func (b buildView) lacks(c cpni.Category) bool      { return slices.Contains(b.Plan.Filter.Lacks, c) }
func (b buildView) script(l string) campaign.Script { return b.Plan.Scripts[l] }

// usable are the classes of information that a campaign may name.
var usable = []cpni.DataClass{cpni.Service, cpni.Usage, cpni.Billing, cpni.CallDetail, cpni.Location}

func dateField(d workday.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func countField(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (v *visit) newCampaignPage() error {
	today := workday.DateIn(v.now, v.office.Zone)
	p := campaign.Plan{Kind: campaign.Marketing, Purpose: cpni.OwnMarketing, To: string(cpni.ToCarrier), Channel: campaign.ByEmail, Uses: []cpni.DataClass{cpni.Service}, Starts: today, Ends: today.Add(30)}
	return v.showBuild(http.StatusOK, buildView{page: v.page("A new campaign", "/campaigns"), Key: cpni.NewID(), Action: "/campaigns/new", Plan: p})
}

// editCampaignPage shows the form with what a campaign says now.
func (v *visit) editCampaignPage() error {
	c, err := v.campaignOf()
	if err != nil {
		return err
	}
	if !c.Open() {
		return v.goTo(campaignAddress(c.ID))
	}
	return v.showBuild(http.StatusOK, buildView{page: v.page("Change a campaign", "/campaigns"), Key: cpni.NewID(), Action: campaignAddress(c.ID) + "/edit", Back: campaignAddress(c.ID), Version: c.Version, Plan: c.Plan})
}

// showBuild shows the form, with the counts of what it says.
//
// cite: P-40, 47 CFR 64.2009(d)
func (v *visit) showBuild(status int, view buildView) error {
	partners, err := v.office.Partners.All(v.r.Context())
	if err != nil {
		return err
	}
	view.To = []option{{string(cpni.ToCarrier), "We alone"}}
	for _, p := range partners {
		class := string(p.Class)
		if class == "" {
			class = string(cpni.IndependentContractor)
		}
		view.To = append(view.To, option{p.ID, p.Called() + ", " + strings.ReplaceAll(class, "-", " ")})
	}
	view.Products = append(slices.Clone(view.Plan.Products), make([]campaign.Product, max(0, mostOffered-len(view.Plan.Products)))...)
	view.Says = view.Plan.For()
	if view.Texts == nil {
		f := view.Plan.Filter
		view.Texts = map[string]string{"states": strings.Join(f.States, " "), "zips": strings.Join(f.Zips, " "), "least": countField(f.Least), "most": countField(f.Most)}
		if u := f.Usage; u != nil {
			view.Texts["month"], view.Texts["calls"], view.Texts["minutes"] = strconv.Itoa(u.Month/100)+"-"+leading(u.Month%100), countField(u.Calls), countField(u.Minutes)
		}
	}
	if view.Problem == nil && view.Plan.Filter.Check() == nil {
		if view.Counts, err = v.counts(&view.Plan, v.member.ID); err != nil {
			return err
		}
	}
	return v.show(status, buildPage(view))
}

func leading(month int) string {
	if month < 10 {
		return "0" + strconv.Itoa(month)
	}
	return strconv.Itoa(month)
}

// buildCampaign counts what the form says, keeps it as a draft, or keeps it and puts it before somebody else.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (v *visit) buildCampaign() error {
	ctx := v.r.Context()
	id, isNew := v.id("campaign"), v.r.PathValue("campaign") == ""
	view := buildView{Key: cpni.ID(v.form.Get("key")), Action: "/campaigns/new", page: v.page("A new campaign", "/campaigns")}
	if !isNew {
		view.page, view.Action, view.Back = v.page("Change a campaign", "/campaigns"), campaignAddress(id)+"/edit", campaignAddress(id)
		var err error
		if view.Version, err = v.seenVersion(); err != nil {
			return err
		}
	}
	p, texts, err := v.planForm(id)
	view.Plan, view.Texts = p, texts
	if err == nil && v.field("do") == "count" {
		return v.showBuild(http.StatusOK, view)
	}
	var c *campaign.Campaign
	switch {
	case err != nil:
	case isNew:
		key, fault := v.key("campaign")
		if fault != nil {
			return fault
		}
		c, err = v.office.Campaigns.Draft(ctx, key, p, v.member.ID)
	default:
		c, err = v.office.Campaigns.Change(ctx, id, view.Version, p, v.member.ID)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view.Problem = problemOf(refusal)
		return v.showBuild(http.StatusUnprocessableEntity, view)
	}
	if err != nil {
		return err
	}
	note := "It is kept as a draft."
	if v.field("do") == "submit" {
		note = "It waits for somebody else to review it."
		if _, err = v.office.Campaigns.Submit(ctx, c.ID, c.Version, v.member.ID); errors.As(err, &refusal) {
			return v.leave(flash{For: campaignAddress(c.ID), Refusal: refusal}, campaignAddress(c.ID))
		}
		if err != nil {
			return err
		}
	}
	return v.leave(flash{For: campaignAddress(c.ID), Note: note}, campaignAddress(c.ID))
}

// seenVersion is that of the campaign which the person was shown.
func (v *visit) seenVersion() (int64, error) {
	n, err := strconv.ParseInt(v.form.Get("version"), 10, 64)
	if err != nil || n < 1 {
		return 0, errUnreadable
	}
	return n, nil
}

// planForm reads what the form says. What it cannot say, such as customers who are named, stays as it is.
func (v *visit) planForm(id cpni.ID) (p campaign.Plan, texts map[string]string, err error) {
	if id != "" {
		c, err := v.campaignOf()
		if err != nil {
			return p, nil, err
		}
		p.Named, p.Edition = c.Plan.Named, c.Plan.Edition
	}
	p.Name, p.Description, p.Kind, p.Purpose, p.To, p.Channel = v.field("name"), v.field("description"), campaign.Kind(v.field("kind")), cpni.Purpose(v.field("purpose")), v.field("to"), campaign.Channel(v.field("channel"))
	p.Silence, p.PortOut = v.field("silence") != "", v.field("port-out") != ""
	for _, c := range usable {
		if slices.Contains(v.form["use"], string(c)) {
			p.Uses = append(p.Uses, c)
		}
	}
	for i, name := range v.form["product"] {
		x := campaign.Product{Name: strings.TrimSpace(name)}
		if i < len(v.form["category"]) {
			x.Category = cpni.Category(v.form["category"][i])
		}
		if x.Name != "" {
			p.Products = append(p.Products, x)
		}
	}
	p.Columns = strings.FieldsFunc(strings.ToLower(v.field("columns")), func(r rune) bool { return r == ',' || r == ' ' })
	p.Scripts = map[string]campaign.Script{}
	for _, l := range campaign.Languages {
		p.Scripts[l] = campaign.Script{Subject: v.field("subject-" + l), Text: v.field("text-" + l), Short: v.field("short-" + l)}
	}
	texts = map[string]string{}
	for _, name := range []string{"states", "zips", "least", "most", "month", "calls", "minutes"} {
		texts[name] = v.field(name)
	}
	var faults []error
	day := func(name string) workday.Date {
		text := v.field(name)
		if text == "" {
			return workday.Date{}
		}
		d, err := workday.ParseDate(text)
		if err != nil {
			faults = append(faults, errField("a day is no day", "give each day as year, month and day"))
		}
		return d
	}
	count := func(name string) int {
		if texts[name] == "" {
			return 0
		}
		n, err := strconv.Atoi(texts[name])
		if err != nil || n < 0 {
			faults = append(faults, errField("what stands under "+name+" is no number", "write digits"))
		}
		return n
	}
	words := func(name string) []string {
		return strings.FieldsFunc(strings.ToUpper(texts[name]), func(r rune) bool { return r == ',' || r == ' ' })
	}
	p.Starts, p.Ends = day("starts"), day("ends")
	p.Filter = audience.Filter{Has: picked(v.form["has"]), Lacks: picked(v.form["lacks"]), Least: count("least"), Most: count("most"), From: day("from"), Before: day("before"), States: words("states"), Zips: words("zips")}
	if calls, minutes := count("calls"), count("minutes"); calls > 0 || minutes > 0 {
		month, err := workday.ParseDate(texts["month"] + "-01")
		if err != nil {
			faults = append(faults, errField("nothing says in which month they used so much", "choose the month"))
		} else {
			p.Filter.Usage = &audience.Usage{Month: month.Year*100 + int(month.Month), Calls: calls, Minutes: minutes}
		}
	}
	if len(faults) > 0 {
		return p, texts, faults[0]
	}
	return p, texts, nil
}

func picked(words []string) []cpni.Category {
	var all []cpni.Category
	for _, c := range cpni.Services {
		if slices.Contains(words, string(c)) {
			all = append(all, c)
		}
	}
	return all
}
