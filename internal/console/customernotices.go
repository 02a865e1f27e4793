package console

import (
	"net/http"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

type customerNoticesView struct {
	page
	Customer cpni.ID
	Back     string
	Rows     []proofRow
}

type proofRow struct {
	Title, Kind, Scopes, Way, Why string
	State                         chip
	Given, Silence                string
	Void                          bool
	Run                           string // address; "" the reader may not open it
	Returned                      string // where it is reported that its bill came back; "" it lay in none, or the reader may not
	Forms                         []formRow
}

type formRow struct{ Way, State, Words, Planned, Sent, Mailed, CameBack string }

// customerNotices shows every notice of a customer with its proof.
//
// cite: P-26, P-27, P-41, 47 CFR 64.2008(a)(2)
func (v *visit) customerNotices() error {
	ctx, id := v.r.Context(), v.id("customer")
	if _, _, err := v.office.Customers.Get(ctx, id); err != nil {
		return err
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Records, id); err != nil {
		return err
	}
	all, err := v.office.Notices.Of(ctx, id)
	if err != nil {
		return err
	}
	view := customerNoticesView{page: v.page("Notices of a customer", "/records"), Customer: id, Back: recordsAddress(id)}
	reports := v.member.May(staff.KeepCustomers)
	if strings.HasPrefix(v.r.URL.Path, "/desk/") {
		reports = v.member.May(staff.Serve)
		view.page, view.Back = v.page("Notices of a customer", "/desk"), customerAddress(id)
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return v.clock(t)
	}
	for _, p := range all {
		row := proofRow{Title: p.Title, Kind: runKinds[p.Kind], Scopes: strings.Join(p.Scopes, ", "), Way: runWays[p.Via], Why: wordOf(runCodes, p.Code), State: givenStates[p.State], Given: at(p.Given), Silence: at(p.Silence), Void: p.Void}
		if row.Title == "" {
			row.Title = "A notice to this customer"
		} else if v.member.May(staff.ReadRecords) {
			row.Run = runAddress(p.Run)
		}
		if reports && p.Via == notice.ByInsert && (p.State == notice.WithPlanned || p.State == notice.WithGiven) {
			row.Returned = strings.TrimSuffix(v.r.URL.Path, "/") + "/" + string(p.Run) + "/returned"
		}
		for _, f := range p.Forms {
			row.Forms = append(row.Forms, formRow{runWays[string(f.Via)], messageStates[f.State].Text, f.Wording, at(f.Planned), at(f.Sent), at(f.Mailed), at(f.CameBack)})
		}
		view.Rows = append(view.Rows, row)
	}
	return v.show(http.StatusOK, customerNoticesPage(view))
}
