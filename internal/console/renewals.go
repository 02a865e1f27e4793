package console

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"ringfence/internal/notice"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// dayRow is where customers stood on a day.
type dayRow struct {
	Date                                              string
	InService, Covered, Soon, Lapsed, Never, Renewing string
	Fresh, OnWay, Late, NoWay, Nothing                string
	Alarm                                             bool
	In                                                []fact
}

func (v *visit) dayRow(d notice.Day) dayRow {
	row := dayRow{Date: d.Date.String(), InService: many(d.Of(notice.InService)), Covered: many(d.Of(notice.Covered)), Lapsed: many(d.Of(notice.Lapsed)), Never: many(d.Of(notice.NeverHad)), Renewing: many(d.Of(notice.Renewing)),
		Fresh: many(d.Of(notice.FreshNew)), OnWay: many(d.Of(notice.UnderWay)), Late: many(d.Of(notice.TooLong)), NoWay: many(d.Of(notice.NoWayOut)), Nothing: many(d.Of(notice.Nothing)),
		Alarm: d.Of(notice.Nothing)+d.Of(notice.TooLong)+d.Of(notice.NoWayOut) > 0}
	var soon int64
	for _, days := range v.office.Notices.Numbers(v.now).Alarms {
		n := d.Of(notice.LapsesIn + strconv.Itoa(days))
		soon += n
		row.In = append(row.In, fact{"lapse within " + strconv.Itoa(days) + " days", many(n)})
	}
	row.Soon = many(soon)
	return row
}

type renewalsView struct {
	page
	Months  []monthRow
	Days    []dayRow
	Runs    []runRow
	MayGive bool
	Most    int64
	As      string
}

type monthRow struct {
	Month string
	N     int64
	Shown string
	Run   *runRow // that reaches them; nil: none that is planned does
}

// renewalsPage shows month by month how many notices lapse and which run reaches their customers, and day by day where customers stood.
//
// cite: P-58, 47 CFR 64.2008(d)(2)
func (v *visit) renewalsPage() error {
	ctx := v.r.Context()
	view := renewalsView{page: v.page("Renewals", "/runs"), MayGive: v.member.May(staff.GiveNotices)}
	days, err := v.office.Notices.Days(ctx, 60)
	if err != nil {
		return err
	}
	runs, err := v.office.Notices.Renewals(ctx)
	if err != nil {
		return err
	}
	for _, r := range runs {
		view.Runs = append(view.Runs, v.runRow(r))
	}
	for _, d := range days {
		view.Days = append(view.Days, v.dayRow(d))
	}
	if len(days) > 0 {
		view.As = days[0].Date.String()
		today := workday.DateIn(v.now, v.office.Zone)
		for m := range v.office.Notices.Numbers(v.now).Renews + 1 {
			first := workday.On(today.Year, today.Month+time.Month(m), 1)
			row := monthRow{Month: fmt.Sprintf("%s %d", first.Month, first.Year), N: days[0].Of(fmt.Sprintf("%s%04d-%02d", notice.LapsesOn, first.Year, int(first.Month)))}
			row.Shown = many(row.N)
			view.Most = max(view.Most, row.N)
			end := workday.On(first.Year, first.Month+1, 1).Start(v.office.Zone)
			for i, r := range runs {
				if r.Reaches(end, v.office.Zone, v.now) && r.Starts.Before(end) {
					row.Run = &view.Runs[i]
					break
				}
			}
			view.Months = append(view.Months, row)
		}
	}
	return v.show(http.StatusOK, renewalsPage(view))
}
