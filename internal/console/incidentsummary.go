package console

import (
	"fmt"
	"strconv"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// incidentSummaryPlaces are the summary of a year's small breaches: to download, and where its receipt is entered.
//
// cite: V27, 47 CFR 64.2011(a)(4)
func incidentSummaryPlaces() []place {
	return []place{
		{pattern: "/incidents/summary.txt", right: staff.ReadIncidents, get: (*visit).summaryFile},
		{pattern: "/incidents/summary", right: staff.HandleIncidents, post: (*visit).fileSummary, home: "/incidents"},
	}
}

// summaryAnchor is where on the page of incidents the summary of a year stands.
func summaryAnchor(year int) string { return fmt.Sprintf("/incidents#summary-%d", year) }

// yearSummary is the summary of a year that is not filed.
type yearSummary struct {
	Year, ID  string
	Key       cpni.ID
	By, Left  string
	Tone      string
	Breaches  []smallBreach
	Customers string
	Over      bool // the year is, so that it can be filed
	Officer   bool // who looks at it signs it
	Latest    string
}

// smallBreach is a breach in such a summary.
type smallBreach struct{ Address, Number, Called, Customers, State string }

// yearSummaries are the summaries that are not filed, by year.
//
// cite: V27, 47 CFR 64.2011(a)(3), 47 CFR 64.2011(a)(4)
func (v *visit) yearSummaries() ([]yearSummary, error) {
	small, err := v.office.Incidents.SmallOf(v.r.Context(), 0, v.member.ID)
	if err != nil {
		return nil, err
	}
	today := workday.DateIn(v.now, v.office.Zone)
	of := map[int]*yearSummary{}
	customers := map[int]int{}
	first, last := 0, 0
	for _, i := range small {
		c := v.office.Incidents.Clocks(i)
		s := of[c.Summary]
		if s == nil {
			s = &yearSummary{Year: strconv.Itoa(c.Summary), ID: fmt.Sprintf("summary-%d", c.Summary), Key: cpni.NewID(), By: dated(c.SummaryBy), Over: today.Year > c.Summary, Officer: v.member.Role == cpni.RoleOfficer, Latest: v.momentIn(v.now)}
			s.Left, s.Tone = daysLeft(today.DaysUntil(c.SummaryBy))
			of[c.Summary] = s
			if first == 0 || c.Summary < first {
				first = c.Summary
			}
			last = max(last, c.Summary)
		}
		x := smallBreach{Address: incidentAddress(i.ID), Number: i.Number, Called: i.Facts.Title, Customers: counted(i.Customers(), "customer", "customers"), State: "open"}
		if !i.Closed.IsZero() {
			x.State = "closed"
		}
		s.Breaches = append(s.Breaches, x)
		customers[c.Summary] += i.Customers()
		s.Customers = counted(customers[c.Summary], "customer", "customers")
	}
	var all []yearSummary
	for year := first; year <= last; year++ {
		if s := of[year]; s != nil {
			all = append(all, *s)
		}
	}
	return all, nil
}

// summaryYear is the year that an address or a form names.
func summaryYear(text string) (int, error) {
	year, err := strconv.Atoi(text)
	if err != nil || year <= 0 {
		return 0, errNowhere
	}
	return year, nil
}

// summaryFile hands out the summary of a year as it would be filed now.
//
// cite: V27, 47 CFR 64.2011(a)(4)
func (v *visit) summaryFile() error {
	year, err := summaryYear(v.r.URL.Query().Get("year"))
	if err != nil {
		return err
	}
	s, err := v.office.Incidents.SummaryOf(v.r.Context(), year, v.member.ID)
	if err != nil {
		return err
	}
	return v.handFile("text/plain; charset=utf-8", fmt.Sprintf("summary-%d.txt", year), s.Text())
}

// fileSummary enters the receipt of a summary that an officer has filed.
//
// cite: P-51, V27, I-11, 47 CFR 64.2011(a)(4)
func (v *visit) fileSummary() error {
	year, err := summaryYear(v.field("year"))
	if err != nil {
		return err
	}
	key, err := v.key(fmt.Sprintf("summary of small breaches %d", year))
	if err != nil {
		return err
	}
	filed, err := v.momentOf("filed", v.now)
	if err != nil {
		return v.told(err, "/incidents", "")
	}
	all, err := v.office.Incidents.Summarize(v.r.Context(), year, breach.Act{By: v.member.ID, ID: key}, v.field("receipt"), filed)
	return v.told(err, "/incidents", fmt.Sprintf("The summary of %d is filed, and stands in %s.", year, counted(len(all), "file", "files")))
}
