package console

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/export"
	"ringfence/internal/staff"
)

func exportAddress(id cpni.ID) string { return "/exports/" + string(id) }

var exportStates = map[export.State]chip{export.Proposed: {"waits for a second person", "warn"}, export.Running: {"being written", "warn"}, export.Stopped: {"stopped", "bad"}, export.Empty: {"nobody may be in it", ""},
	export.Ready: {"waits to be fetched", "good"}, export.Fetched: {"fetched, to be destroyed", "warn"}, export.Withdrawn: {"withdrawn", ""}, export.Destroyed: {"destroyed, with certificate", "good"}}

// exportRow is an export in a list.
type exportRow struct {
	ID, Address, Title, Partner, PartnerAddress, Purpose, At, DestroyBy, Rows string
	State                                                                     chip
}

func (v *visit) exportRow(e export.Export) (r exportRow, err error) {
	r = exportRow{ID: string(e.ID), Address: exportAddress(e.ID), Title: e.Spec.Title, PartnerAddress: partnerAddress(e.Spec.Partner), Purpose: wordOf(purposeWords, e.Spec.Purpose), At: v.clock(e.At),
		DestroyBy: v.day(e.DestroyBy), Rows: many(e.Rows), State: exportStates[e.State]}
	if e.Holds() && !v.now.Before(e.DestroyBy) {
		r.State = chip{"late: no certificate has come", "bad"}
	}
	r.Partner, _, err = v.whoSees(e.Spec.Partner)
	return r, err
}

// seesExports reports whether somebody's work has to do with files for partners.
func (v *visit) seesExports() bool {
	return v.member.May(staff.Export) || v.member.May(staff.KeepRegisters) || v.member.May(staff.ReadRecords)
}

type exportsView struct {
	page
	Rows       []exportRow
	Late       int
	May, Reads bool
}

// exportsPage lists the files for partners.
//
// cite: P-41, 47 CFR 64.2009(c)
func (v *visit) exportsPage() error {
	if !v.seesExports() {
		return v.barred(staff.Export)
	}
	all, err := v.office.Exports.List(v.r.Context(), "", mostRunsListed)
	if err != nil {
		return err
	}
	view := exportsView{page: v.page("Files for partners", "/exports"), May: v.member.May(staff.Export), Reads: v.member.May(staff.ReadRecords)}
	for _, e := range all {
		r, err := v.exportRow(e)
		if err != nil {
			return err
		}
		if r.State.Tone == "bad" && e.Holds() {
			view.Late++
		}
		view.Rows = append(view.Rows, r)
	}
	return v.show(http.StatusOK, exportsPage(view))
}

type newExportView struct {
	page
	Key                                                                        cpni.ID
	Name, Partner, Purpose, Basis, Columns, Months, DestroyBy, Customers, List string
	Data                                                                       []string
	Partners, Purposes, Classes                                                []option
	Plain, Shown                                                               string // columns
}

func (v newExportView) has(class string) bool { return slices.Contains(v.Data, class) }

func (v *visit) newExportPage() error {
	return v.showNewExport(http.StatusOK, newExportView{page: v.page("A new file", "/exports"), Key: cpni.NewID(), List: export.Named, Columns: "name number"})
}

func (v *visit) showNewExport(status int, view newExportView) error {
	all, err := v.office.Partners.All(v.r.Context())
	if err != nil {
		return err
	}
	for _, p := range all {
		view.Partners = append(view.Partners, option{p.ID, p.Called()})
	}
	for _, w := range cpni.Purposes {
		view.Purposes = append(view.Purposes, option{string(w), wordOf(purposeWords, w)})
	}
	for _, c := range cpni.DataClasses {
		if c != cpni.Aggregate {
			view.Classes = append(view.Classes, option{string(c), wordOf(classWords, c)})
		}
	}
	view.Plain, view.Shown = strings.Join(export.PlainColumns(), ", "), strings.Join(export.ClassColumns(), ", ")
	return v.show(status, newExportPage(view))
}

// proposeExport proposes what the form describes; a form that cannot be proposed is shown again with the reason.
//
// cite: P-35, P-37, P-41, 47 CFR 64.2009(c)
func (v *visit) proposeExport() error {
	id, err := v.key("export")
	if err != nil {
		return err
	}
	s := export.Spec{Title: v.field("title"), Partner: v.field("partner"), Purpose: cpni.Purpose(v.field("purpose")), Basis: v.field("basis"), List: export.List{Kind: v.field("list")}}
	split := func(name string) []string {
		return strings.FieldsFunc(v.field(name), func(r rune) bool { return strings.ContainsRune(" ,;\n\t", r) })
	}
	for _, c := range v.form["data"] {
		s.Data = append(s.Data, cpni.DataClass(c))
	}
	s.Columns = split("columns")
	for _, m := range split("months") {
		n, bad := strconv.Atoi(strings.ReplaceAll(m, "-", ""))
		if bad != nil || len(m) != 7 {
			err = errField("that is no month", "write months as 2026-10")
		}
		s.Months = append(s.Months, n)
	}
	if v.field("destroy-by") != "" {
		day, bad := v.dayField("destroy-by")
		err, s.DestroyBy = cmp.Or(err, bad), day.UTC()
	}
	var named []cpni.ID
	if s.List.Kind == export.Named {
		for _, c := range split("customers") {
			named = append(named, cpni.ID(c))
		}
	}
	var e export.Export
	if err == nil {
		e, err = v.office.Exports.Propose(v.r.Context(), id, s, named, v.member.ID)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view := newExportView{page: v.page("A new file", "/exports"), Key: cpni.NewID(), Name: v.field("title"), Partner: v.field("partner"), Purpose: v.field("purpose"), Basis: v.field("basis"), Columns: v.field("columns"),
			Months: v.field("months"), DestroyBy: v.field("destroy-by"), Customers: v.field("customers"), List: v.field("list"), Data: v.form["data"]}
		view.Problem = problemOf(refusal)
		return v.showNewExport(http.StatusUnprocessableEntity, view)
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: exportAddress(e.ID), Note: "Proposed, and on record. Nothing is written before somebody who keeps the registers agrees."}, exportAddress(e.ID))
}

type exportView struct {
	page
	Row                           exportRow
	Address                       string
	Facts                         []fact
	Decided, In                   int64
	Reasons                       []reasonRow
	Agrees, Stops, Withdraws, Let bool
	Manifest                      string
	Fetch                         []fact
	Reads                         bool
	Campaign, CampaignName        string // that it was made for, where the person may see it
}

// exportPage shows how far a file has come, who is left out of it and why, and what has become of it.
//
// cite: P-15, P-41, 47 CFR 64.2009(c)
func (v *visit) exportPage() error {
	if !v.seesExports() {
		return v.barred(staff.Export)
	}
	ctx := v.r.Context()
	e, err := v.office.Exports.One(ctx, v.id("export"))
	if errors.Is(err, export.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	keeps := v.member.May(staff.KeepRegisters)
	row, err := v.exportRow(e)
	if err != nil {
		return err
	}
	view := exportView{page: v.page(e.Spec.Title, "/exports"), Row: row, Address: exportAddress(e.ID), Decided: e.Decided, Reads: v.member.May(staff.ReadRecords),
		Agrees: keeps && e.State == export.Proposed && e.By != v.member.ID, Stops: keeps && (e.State == export.Proposed || e.State == export.Running), Withdraws: keeps && e.State == export.Ready, Let: keeps && e.State == export.Fetched}
	add := func(name, value string) { view.Facts = append(view.Facts, fact{name, value}) }
	if e.Spec.Campaign != "" && v.mayCampaigns() {
		c, err := v.office.Campaigns.Get(ctx, e.Spec.Campaign)
		if err != nil {
			return err
		}
		view.Campaign, view.CampaignName = campaignAddress(c.ID), c.Plan.Name
	}
	by, err := v.colleague(e.By)
	if err != nil {
		return err
	}
	add("For", view.Row.Purpose+", by "+e.Spec.Basis)
	classes := make([]string, len(e.Spec.Data))
	for i, c := range e.Spec.Data {
		classes[i] = wordOf(classWords, c)
	}
	add("Classes of information", strings.Join(classes, ", "))
	add("Columns", export.Reference+", "+strings.Join(e.Spec.Columns, ", "))
	list := map[string]string{export.Everybody: "everybody in service", export.Named: "customers who were named one by one"}[e.Spec.List.Kind]
	if e.Spec.List.Says != "" {
		list = e.Spec.List.Says
	}
	add("Of whom", list)
	add("Proposed by", by+", "+v.clock(e.At))
	if e.Second != "" {
		if by, err = v.colleague(e.Second); err != nil {
			return err
		}
		add("Agreed to by", by)
	}
	add("To be destroyed by", view.Row.DestroyBy)
	if e.Spec.Agreement != "" {
		add("Agreement", e.Spec.Agreement)
	}
	counts, err := v.office.Exports.Counts(ctx, e.ID)
	if err != nil {
		return err
	}
	plan := campaign.Plan{Purpose: e.Spec.Purpose, Uses: e.Spec.Data, To: e.Spec.Partner}
	if e.Spec.Offer != nil {
		for _, c := range e.Spec.Offer.Categories {
			plan.Products = append(plan.Products, campaign.Product{Category: c})
		}
	}
	for code, n := range counts {
		switch {
		case code == "":
			view.In = n
		case n > 0:
			says, err := v.office.Campaigns.Says(ctx, &plan, code)
			if err != nil {
				return err
			}
			view.Reasons = append(view.Reasons, reasonRow{Code: string(code), N: many(n), Says: says})
		}
	}
	slices.SortFunc(view.Reasons, func(a, b reasonRow) int { return cmp.Compare(a.Code, b.Code) })
	fetched := func(name, value string) { view.Fetch = append(view.Fetch, fact{name, value}) }
	if !e.Sealed.IsZero() {
		fetched("Finished", v.moment(e.Sealed))
	}
	if e.State == export.Ready {
		fetched("Can be fetched until", v.moment(e.Expires))
	}
	if !e.Fetched.IsZero() {
		fetched("Fetched", v.moment(e.Fetched))
	}
	if e.Fetches > 1 || e.Fetches == 1 && e.Fetched.IsZero() {
		fetched("Times fetched", strconv.FormatInt(e.Fetches, 10))
	}
	if !e.Certified.IsZero() {
		fetched("Certificate", v.moment(e.Certified))
	}
	if !e.Sealed.IsZero() {
		m, err := v.office.Exports.Manifest(ctx, e.ID)
		if err != nil {
			return err
		}
		text, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			return err
		}
		view.Manifest = string(text)
	}
	return v.show(http.StatusOK, exportPage(view))
}

// cite: P-35, P-37, P-41
func (v *visit) agreeExport() error {
	_, err := v.office.Exports.Agree(v.r.Context(), v.id("export"), v.member.ID)
	return v.done(err, exportAddress(v.id("export")), "Agreed, and on record. The file is being written.")
}

func (v *visit) stopExport() error {
	_, err := v.office.Exports.Stop(v.r.Context(), v.id("export"), v.member.ID)
	return v.done(err, exportAddress(v.id("export")), "Stopped. Nothing of it was handed out, and what was written is destroyed.")
}

func (v *visit) withdrawExport() error {
	_, err := v.office.Exports.Withdraw(v.r.Context(), v.id("export"), v.member.ID)
	return v.done(err, exportAddress(v.id("export")), "Withdrawn. Nobody has fetched it, and it is destroyed.")
}

// cite: P-41, 47 CFR 64.2009(c)
func (v *visit) fetchAgain() error {
	_, err := v.office.Exports.FetchAgain(v.r.Context(), v.id("export"), v.member.ID, v.field("reason"))
	return v.done(err, exportAddress(v.id("export")), "The partner may fetch it once more. Your decision is on record.")
}
