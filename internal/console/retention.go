package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/retention"
	"ringfence/internal/staff"
)

// retentionPlaces are the pages about how long records are kept. Who sees the registers sees them.
//
// cite: P-41, P-54, 47 CFR 64.2009(c), 47 CFR 64.2011(d)
func retentionPlaces() []place {
	const terms, plan, holds = "/retention", "/retention/plan", "/retention/holds"
	return []place{
		{pattern: terms, right: staff.ReadRegisters, get: (*visit).retentionPage},
		{pattern: plan, right: staff.ReadRegisters, get: (*visit).erasurePlanPage},
		{pattern: plan + "/propose", right: staff.Forget, post: (*visit).proposeErasure, home: plan},
		{pattern: holds, right: staff.ReadRegisters, get: (*visit).holdsPage},
		{pattern: holds + "/place", right: staff.KeepRegisters, post: (*visit).placeHold, home: holds, long: true},
		{pattern: holds + "/{hold}/lift", right: staff.KeepRegisters, post: (*visit).liftHold, home: holds, long: true},
		{pattern: terms + "/erased", right: staff.ReadRegisters, get: (*visit).erasedPage},
	}
}

const retentionTitle = "Retention"

// lasting words a number of months.
func lasting(n int) string {
	switch {
	case n == 0:
		return "no time"
	case n%12 == 0:
		return counted(n/12, "year", "years")
	}
	return counted(n, "month", "months")
}

// termRow is a kind of record with its term.
type termRow struct {
	Name, Title, Floor, Kept, Most, Counts, Goes, Oldest string
	There                                                string
	Cites                                                []string
}

// retentionView is every kind with its term.
type retentionView struct {
	page
	Rows []termRow
}

// retentionPage shows how long each kind of record is kept.
//
// cite: P-41, P-54, 47 CFR 64.2007(a)(3), 47 CFR 64.2011(d)
func (v *visit) retentionPage() error {
	all, err := v.office.Retention.Standings(v.r.Context())
	if err != nil {
		return err
	}
	view := retentionView{page: v.page(retentionTitle, "/retention")}
	for _, s := range all {
		r := termRow{Name: s.Kind.Name, Title: s.Kind.Title, Floor: lasting(s.Term.Floor), Kept: lasting(s.Term.Months), Most: "—", Counts: s.Kind.Counts, Goes: s.Kind.Goes, Cites: s.Kind.Cites, There: strconv.FormatInt(s.There, 10), Oldest: "—"}
		if s.Term.Most > 0 {
			r.Most = lasting(s.Term.Most)
		}
		if !s.Term.Known {
			r.Kept = "for good: the policy names no time"
		}
		if !s.Oldest.IsZero() {
			r.Oldest = v.day(s.Oldest)
		}
		view.Rows = append(view.Rows, r)
	}
	return v.show(http.StatusOK, retentionPage(view))
}

// planRow is what a plan says of a kind.
type planRow struct {
	Name, Title, Before, Oldest string
	Goes, Held, Kept, Late      int
	Stays                       int64
	More                        bool
}

// erasurePlanView is what would be erased now.
type erasurePlanView struct {
	page
	Rows     []planRow
	Items    int
	Late     int
	Hash, At string
	MayErase bool
	Key      cpni.ID
	Held     int
}

func (v *visit) planRows(lines []retention.Line) []planRow {
	var all []planRow
	for _, l := range lines {
		k, _ := retention.Of(l.Kind)
		r := planRow{Name: l.Kind, Title: k.Title, Before: "—", Oldest: "—", Goes: l.Goes, Held: l.Held, Kept: l.Kept, Late: l.Late, Stays: l.Stays(), More: l.More}
		if !l.Before.IsZero() {
			r.Before = v.day(l.Before)
		}
		if !l.Oldest.IsZero() {
			r.Oldest = v.day(l.Oldest)
		}
		all = append(all, r)
	}
	return all
}

// erasurePlanPage shows what would go, what would stay, and why, before anybody proposes it.
//
// cite: P-41, P-54, I-22
func (v *visit) erasurePlanPage() error {
	p, err := v.office.Retention.Plan(v.r.Context())
	if err != nil {
		return err
	}
	view := erasurePlanView{page: v.page("Plan of erasure", "/retention"), Rows: v.planRows(p.Lines), Items: p.Items(), Late: p.Late(), Hash: p.Hash, At: v.moment(p.At), MayErase: v.member.May(staff.Forget), Key: cpni.NewID()}
	for _, r := range view.Rows {
		view.Held += r.Held
	}
	return v.show(http.StatusOK, erasurePlanPage(view))
}

// proposeErasure proposes what is past its time, of the kinds that are chosen.
//
// cite: P-41, P-54, I-22
func (v *visit) proposeErasure() error {
	id, err := v.key("proposal to erase")
	if err != nil {
		return err
	}
	kinds := v.form["kind"]
	if len(kinds) == 0 {
		return v.proposed(nil, errField("no kind is chosen", "choose what is to go"), "/retention/plan")
	}
	p, err := v.office.ProposeErasure(v.r.Context(), id, v.member.ID, kinds...)
	return v.proposed(p, err, "/retention/plan")
}

// showErase shows what would be erased by a plan.
func (v *visit) showErase(p *countersign.Proposal) ([]planRow, error) {
	var a retention.Act
	if err := json.Unmarshal(p.Act, &a); err != nil {
		return nil, err
	}
	return v.planRows(a.Lines), nil
}

// holdRow is a legal hold.
type holdRow struct {
	Address, Matter, Reason, Scope, Placed, Lifted string
	MayLift, Mine                                  bool
}

// holdsView is the list of holds, with the form of a new one.
type holdsView struct {
	page
	Rows     []holdRow
	MayPlace bool
	Key      cpni.ID
	Kinds    []option
	Form     holdForm
}

// holdForm is what somebody has written.
type holdForm struct{ Matter, Reason, Customer, Kind, Incident, Campaign, From, Until string }

func (v *visit) holdsView(form holdForm) (holdsView, error) {
	view := holdsView{page: v.page("Legal holds", "/retention"), MayPlace: v.member.May(staff.KeepRegisters), Key: cpni.NewID(), Form: form, Kinds: []option{{"", "Records of every kind"}}}
	for _, k := range retention.Catalogue() {
		view.Kinds = append(view.Kinds, option{k.Name, k.Title})
	}
	all, err := v.office.Retention.Holds(v.r.Context())
	if err != nil {
		return view, err
	}
	for _, h := range all {
		by, err := v.colleague(h.By)
		if err != nil {
			return view, err
		}
		r := holdRow{Address: "/retention/holds/" + string(h.ID) + "/lift", Matter: h.Matter, Reason: h.Reason, Scope: v.scopeWords(h.Scope), Placed: "Placed by " + by + ", " + v.moment(h.At), Mine: h.By == v.member.ID}
		if h.Lifted.IsZero() {
			r.MayLift = view.MayPlace && !r.Mine
		} else {
			if by, err = v.colleague(h.LiftedBy); err != nil {
				return view, err
			}
			r.Lifted = "Lifted by " + by + ", " + v.moment(h.Lifted) + ": " + h.Why
		}
		view.Rows = append(view.Rows, r)
	}
	return view, nil
}

// scopeWords says what a hold covers.
func (v *visit) scopeWords(s retention.Scope) string {
	if s.Everything() {
		return "Everything"
	}
	text := "Records of every kind"
	if k, ok := retention.Of(s.Kind); ok {
		text = k.Title
	}
	if s.Customer != "" {
		text += ", of the customer " + string(s.Customer)
	}
	if s.Incident != "" {
		text += ", of the incident " + string(s.Incident)
		if i, err := v.office.Incidents.One(v.r.Context(), s.Incident, v.member.ID); err == nil {
			text = text[:len(text)-len(s.Incident)] + i.Number
		}
	}
	if s.Campaign != "" {
		text += ", of the campaign " + string(s.Campaign)
	}
	if !s.From.IsZero() {
		text += ", from " + v.day(s.From)
	}
	if !s.Until.IsZero() {
		text += ", before " + v.day(s.Until)
	}
	return text
}

// holdsPage lists legal holds.
//
// cite: P-41, P-54, I-22
func (v *visit) holdsPage() error {
	view, err := v.holdsView(holdForm{})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, holdsPage(view))
}

// placeHold places a legal hold.
//
// cite: P-41, P-54, I-22
func (v *visit) placeHold() error {
	id, err := v.key("legal hold")
	if err != nil {
		return err
	}
	form := holdForm{v.field("matter"), v.text("reason"), v.field("customer"), v.field("kind"), v.field("incident"), v.field("campaign"), v.field("from"), v.field("until")}
	scope, err := v.readScope(v.r.Context(), form)
	if err == nil {
		_, err = v.office.Retention.Place(v.r.Context(), id, v.member.ID, scope, form.Matter, form.Reason)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view, err := v.holdsView(form)
		if err != nil {
			return err
		}
		view.Problem = problemOf(refusal)
		return v.show(refusedAs(refusal).status, holdsPage(view))
	}
	return v.told(err, "/retention/holds", "The hold is in force. Nothing that it covers is erased.")
}

// readScope reads what a hold covers: an incident by its number, days in the carrier's zone.
func (v *visit) readScope(ctx context.Context, f holdForm) (retention.Scope, error) {
	s := retention.Scope{Customer: cpni.ID(f.Customer), Kind: f.Kind, Campaign: cpni.ID(f.Campaign)}
	from, err := v.dateOf("from")
	if err != nil {
		return s, err
	}
	until, err := v.dateOf("until")
	if err != nil {
		return s, err
	}
	if !from.IsZero() {
		s.From = from.Start(v.office.Zone)
	}
	if !until.IsZero() {
		s.Until = until.End(v.office.Zone)
	}
	if f.Incident != "" {
		if s.Incident, err = v.office.Incidents.ByNumber(ctx, f.Incident, v.member.ID); err != nil {
			return s, errField("there is no incident of that number", "write it as I-2026-1")
		}
	}
	if f.Matter != "" && f.Customer+f.Kind+f.Incident+f.Campaign+f.From+f.Until == "" && v.field("everything") == "" {
		return s, errField("it is not said what the hold covers", "narrow it, or say that it covers everything")
	}
	return s, nil
}

// liftHold ends a hold.
//
// cite: P-41, P-54, I-22
func (v *visit) liftHold() error {
	_, err := v.office.Retention.Lift(v.r.Context(), v.id("hold"), v.member.ID, v.text("why"))
	return v.told(err, "/retention/holds", "The hold is lifted. What is past its time can go by the next plan.", retention.ErrNone)
}

// erasedRow is a plan that was carried out.
type erasedRow struct {
	ID, Proposal, When, By, State string
	Lines                         []erasedLine
}

type erasedLine struct{ Title, Says string }

// erasedView is what was erased and why.
type erasedView struct {
	page
	Rows  []erasedRow
	Older string
}

// erasedPage shows what was erased by plans, when and why.
//
// cite: P-41, P-54
func (v *visit) erasedPage() error {
	before := cpni.ID(v.r.URL.Query().Get("before"))
	if !before.Valid() {
		before = ""
	}
	all, err := v.office.Retention.Erasures(v.r.Context(), before)
	if err != nil {
		return err
	}
	view := erasedView{page: v.page("What was erased", "/retention")}
	for _, w := range all {
		by, err := v.colleague(w.By)
		if err != nil {
			return err
		}
		r := erasedRow{ID: string(w.ID), Proposal: proposalAddress(w.ID), When: v.moment(w.At), By: by, State: "being done"}
		if !w.Ended.IsZero() {
			r.State = "done " + v.moment(w.Ended)
		}
		for _, l := range w.Lines {
			k, _ := retention.Of(l.Kind)
			says := fmt.Sprintf("%s of %s erased; kept for %s from %s", strconv.Itoa(l.Erased), counted(l.Planned, "thing", "things"), lasting(l.Months), k.Counts)
			if l.Kept > 0 {
				says += fmt.Sprintf("; %d stayed, for something came between", l.Kept)
			}
			r.Lines = append(r.Lines, erasedLine{k.Title, says})
		}
		slices.SortFunc(r.Lines, func(a, b erasedLine) int { return slices.Compare([]byte(a.Title), []byte(b.Title)) })
		view.Rows = append(view.Rows, r)
	}
	if len(all) == retention.MostListed {
		view.Older = "/retention/erased?" + queryOf("before", string(all[len(all)-1].ID))
	}
	return v.show(http.StatusOK, erasedPage(view))
}
