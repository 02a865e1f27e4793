package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/workday"
)

type billsView struct {
	page
	Run     runRow
	Address string
	Today   string
}

// billsPage is where the billing system's people fetch what goes into bills, and say what was mailed.
//
// cite: P-27, V51
func (v *visit) billsPage() error {
	r, err := v.office.Notices.Run(v.r.Context(), v.id("run"))
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, billsPage(billsView{v.page("Notices in bills", "/runs"), v.runRow(r), "/bills/" + string(r.ID), workday.DateIn(v.now, v.office.Zone).String()}))
}

// billInserts hands out the file for the billing system.
//
// cite: P-27, P-41, V51
func (v *visit) billInserts() error {
	r, err := v.office.Notices.Run(v.r.Context(), v.id("run"))
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="notices-`+string(r.ID)+`.csv"`)
	if v.r.Method == http.MethodHead {
		return nil
	}
	_, err = v.office.Notices.Inserts(v.r.Context(), r.ID, v.w, string(v.member.ID))
	return err
}

// billInsert shows the page that lies in the bill.
//
// cite: P-27, 47 CFR 64.2008(c)(5)
func (v *visit) billInsert() error {
	if !slices.Contains(notice.Languages, v.r.PathValue("language")) {
		return errNowhere
	}
	doc, err := v.office.Notices.InsertDocument(v.r.Context(), v.id("run"), v.r.PathValue("language"))
	if errors.Is(err, notice.ErrNoRun) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", doc.Type)
	h.Set("Content-Disposition", `inline; filename="`+doc.Name+`"`)
	if v.r.Method != http.MethodHead {
		v.w.Write(doc.Bytes)
	}
	return nil
}

// confirmBills takes the file in which the billing system says which bills were mailed.
//
// cite: P-27, V51, 47 CFR 64.2008(d)(1)(ii), 47 CFR 64.2009(f)
func (v *visit) confirmBills() error {
	back := "/bills/" + string(v.id("run"))
	done, err := v.takeBills()
	if err != nil {
		return v.told(err, back, "", notice.ErrNoRun)
	}
	note := fmt.Sprintf("%s notices are proven mailed on %s.", many(done.Given), done.Mailed)
	if done.Missed > 0 {
		note += fmt.Sprintf(" %s bills went without it: their customers stay unnotified. Assess by %s whether that is more than an anomaly.", many(done.Missed), done.AssessBy)
	}
	if done.Unknown > 0 {
		note += fmt.Sprintf(" For %s customers no notice of this run waits.", many(done.Unknown))
	}
	return v.leave(flash{For: back, Note: note}, back)
}

func (v *visit) takeBills() (notice.Confirmed, error) {
	day, err := workday.ParseDate(v.field("mailed"))
	if err != nil {
		return notice.Confirmed{}, errField("the day on which the bills were mailed is no day", "give it as year, month and day")
	}
	if len(v.uploads) == 0 {
		return notice.Confirmed{}, errField("there is no file", "choose the file that the billing system has written")
	}
	all := notice.Mailing{Mailed: day}
	for _, u := range v.uploads {
		m, err := notice.ReadMailing(strings.NewReader(u.Text), day)
		if err != nil {
			return notice.Confirmed{}, err
		}
		all.Inserted, all.Missed = append(all.Inserted, m.Inserted...), append(all.Missed, m.Missed...)
	}
	return v.office.Notices.Mailed(v.r.Context(), v.id("run"), all, string(v.member.ID))
}

// billsReturned takes a file in which somebody says which bills came back.
//
// cite: P-26, V40, V41, 47 CFR 64.2008(d)(3)(iii)
func (v *visit) billsReturned() error {
	back := "/bills/" + string(v.id("run"))
	done, err := v.takeReturned()
	if err != nil {
		return v.told(err, back, "", notice.ErrNoRun)
	}
	note := fmt.Sprintf("%s notices count as not given now; %s of them go out in another form.", many(done.Returned), many(done.Again))
	if done.Unknown > 0 {
		note += fmt.Sprintf(" For %s customers no notice of this run was on its way or given with a bill, or it was reported before.", many(done.Unknown))
	}
	return v.leave(flash{For: back, Note: note}, back)
}

func (v *visit) takeReturned() (notice.Returned, error) {
	if len(v.uploads) == 0 {
		return notice.Returned{}, errField("there is no file", "choose a file that names whose bills came back")
	}
	var all []cpni.ID
	for _, u := range v.uploads {
		some, err := notice.ReadReturned(strings.NewReader(u.Text))
		if err != nil {
			return notice.Returned{}, err
		}
		all = append(all, some...)
	}
	return v.office.Notices.Returned(v.r.Context(), v.id("run"), all, string(v.member.ID))
}

// billReturned records that the bill of one customer came back.
//
// cite: P-26, V40, V41, 47 CFR 64.2008(d)(3)(iii)
func (v *visit) billReturned() error {
	back := strings.TrimSuffix(v.r.URL.Path, "/"+string(v.id("run"))+"/returned")
	done, err := v.office.Notices.Returned(v.r.Context(), v.id("run"), []cpni.ID{v.id("customer")}, string(v.member.ID))
	if err == nil && done.Unknown > 0 {
		err = notice.ErrNotInBill
	}
	note := "The notice counts as not given now. It goes out in another form."
	if done.Again == 0 {
		note = "The notice counts as not given now. No other way to this customer is open."
	}
	return v.told(err, back, note, notice.ErrNoRun)
}
