package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/yearly"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// yearPlaces are a year on one page, its figures as a table, and the records behind each number.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func yearPlaces() []place {
	const one = "/year/{year}"
	return []place{
		{pattern: "/year", right: yearly.Right, get: (*visit).yearPage},
		{pattern: one, right: yearly.Right, get: (*visit).yearPage},
		{pattern: one + "/figures.csv", right: yearly.Right, get: (*visit).yearFile},
		{pattern: one + "/records", right: staff.ReadRegisters, get: (*visit).yearRecordsPage},
	}
}

// firstYear is before any carrier can have kept anything here.
const firstYear = 1996

func yearAddress(year int) string { return "/year/" + strconv.Itoa(year) }

// yearOf reads the year of the address; without one it is the running year.
func (v *visit) yearOf() (int, error) {
	running := workday.DateIn(v.now, v.office.Zone).Year
	text := v.r.PathValue("year")
	if text == "" {
		return running, nil
	}
	year, err := strconv.Atoi(text)
	if err != nil || len(text) != 4 || year < firstYear || year > running {
		return 0, errNowhere
	}
	return year, nil
}

type yearView struct {
	page
	Year          int
	At            string
	Before, After string // addresses; "": there is none
	File          string
	Sections      []yearSection
}

type yearSection struct {
	Key, Title, Says, AsOf string
	Charts                 []*yearChart
	Legend                 []yearLegend
	Newest                 string // the month of which the legend has numbers; "": it has none
	Rows                   []yearRow
	Empty                  bool
}

// yearLegend is a part of a column; N is how many it is of in the newest month, and Address leads to them.
type yearLegend struct{ Text, Class, N, Address string }

type yearRow struct {
	Title string
	Time  bool // it is of the row above
	Cells []yearCell
}

type yearCell struct{ Text, Address, Says string }

// yearPage is a year on one page.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func (v *visit) yearPage() error {
	year, err := v.yearOf()
	if err != nil {
		return err
	}
	y, err := v.office.Yearly.Year(v.r.Context(), year, v.member.ID)
	if err != nil {
		return err
	}
	view := yearView{page: v.page("The year "+strconv.Itoa(year), "/year"), Year: year, At: v.moment(y.At), File: yearAddress(year) + "/figures.csv"}
	if year > firstYear {
		view.Before = yearAddress(year - 1)
	}
	if year < workday.DateIn(v.now, v.office.Zone).Year {
		view.After = yearAddress(year + 1)
	}
	for _, s := range y.Sections {
		view.Sections = append(view.Sections, v.yearSection(year, s))
	}
	return v.show(http.StatusOK, yearPage(view))
}

// behind is the address of the records that a number counts; "": there is none that the reader may see.
func (v *visit) behind(year, month int, s yearly.Series, c yearly.Cell) string {
	if !c.Known || c.N == 0 || s.Unit != yearly.Records {
		return ""
	}
	if code, refused, is := s.Decided(); is {
		from, to := v.office.Yearly.Span(year, month)
		outcome := ""
		if refused {
			outcome = "refused"
		}
		last := workday.DateIn(to, v.office.Zone).Add(-1)
		return "/records/search?" + queryOf("kind", string(ledger.Decision), "outcome", outcome, "code", string(code), "from", workday.DateIn(from, v.office.Zone).String(), "to", last.String())
	}
	if !v.member.May(staff.ReadRegisters) || month < 0 && !s.Sum {
		return ""
	}
	which := ""
	if month >= 0 {
		which = strconv.Itoa(month + 1)
	}
	return yearAddress(year) + "/records?" + queryOf("of", s.Key, "month", which)
}

func (v *visit) yearSection(year int, s yearly.Section) yearSection {
	out := yearSection{Key: s.Key, Title: s.Title, Says: s.Says, Empty: true}
	if !s.AsOf.IsZero() {
		out.AsOf = "counted " + v.clock(s.AsOf)
	}
	for _, x := range s.Series {
		row := yearRow{Title: x.Title, Time: x.Of != ""}
		cell := func(month int, c yearly.Cell) {
			y := yearCell{Text: "–", Says: "not known"}
			if c.Known {
				y = yearCell{Text: took(c.N, x.Unit), Address: v.behind(year, month, x, c)}
				out.Empty = out.Empty && c.N == 0
			}
			if month >= 0 && s.Empty(month) {
				y = yearCell{Text: "–", Says: "nothing on record"}
			}
			row.Cells = append(row.Cells, y)
		}
		for m, c := range x.Cells {
			cell(m, c)
		}
		cell(-1, x.Total)
		out.Rows = append(out.Rows, row)
	}
	if !out.Empty {
		v.draw(year, s, &out)
	}
	return out
}

// draw makes the charts of a section.
func (v *visit) draw(year int, s yearly.Section, out *yearSection) {
	add := func(c *yearChart, of yearly.Series) {
		c.Total = took(of.Total.N, of.Unit)
		c.Address = v.behind(year, -1, of, of.Total)
		out.Charts = append(out.Charts, c)
	}
	switch s.Key {
	case "approvals", "training":
		out.Charts = append(out.Charts, shares(s.Key, s.Title, s.Series))
		newest := yearly.Months - 1
		for newest > 0 && !s.Series[0].Cells[newest].Known {
			newest--
		}
		out.Newest = month(year*100 + newest + 1)
		for i, x := range s.Series {
			c := x.Cells[newest]
			out.Legend = append(out.Legend, yearLegend{x.Title, yearPatterns[i%len(yearPatterns)], many(c.N), v.behind(year, newest, x, c)})
		}
	case "refusals":
		out.Charts = append(out.Charts, bubbles(s.Key, s.Title, s.Series))
	default:
		timed := false
		for i, x := range s.Series {
			switch {
			case x.Of != "":
			case i+2 < len(s.Series) && s.Series[i+1].Of == x.Key:
				add(ranges(x, s.Series[i+1], s.Series[i+2]), x)
				timed = true
			default:
				add(columns(x, "solid"), x)
			}
		}
		if timed {
			out.Legend = []yearLegend{{Text: "Half of them within", Class: "solid"}, {Text: "Nine in ten within", Class: "outline"}}
		}
	}
}

// yearFile is a year as a table.
func (v *visit) yearFile() error {
	year, err := v.yearOf()
	if err != nil {
		return err
	}
	y, err := v.office.Yearly.Year(v.r.Context(), year, v.member.ID)
	if err != nil {
		return err
	}
	file, err := y.CSV()
	if err != nil {
		return err
	}
	return v.hand("text/csv; charset=utf-8", "year-"+strconv.Itoa(year)+".csv", file)
}

type yearRecordsView struct {
	page
	Year  int
	Back  string
	What  string
	When  string
	Count string
	Rows  []yearRecord
	Older string
}

type yearRecord struct{ At, What, Address, Of, OfAddress, Word string }

var yearKinds = map[yearly.Kind]string{yearly.AnIncident: "Incident", yearly.AFailure: "Way to refuse that failed", yearly.AProcess: "Legal process", yearly.AWritten: "Request in writing", yearly.AComplaint: "Report of a customer",
	yearly.AnAlert: "Case of a change that was not theirs", yearly.AnAnswer: "Answer to be read", yearly.Emergency: "Emergency to be justified", yearly.ACampaign: "Campaign", yearly.AnExport: "File for a partner", yearly.AMessage: "Message",
	yearly.ACustomer: "Approvals of a customer", yearly.AMember: "Member of the staff"}

// yearRecordsPage lists the records that one number counts.
//
// cite: P-37, P-41
func (v *visit) yearRecordsPage() error {
	year, err := v.yearOf()
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	ask := yearly.Asked{Year: year, Series: q.Get("of"), Month: -1, After: q.Get("after"), Limit: rowsOnPage}
	if text := q.Get("month"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > yearly.Months {
			return errNowhere
		}
		ask.Month = n - 1
	}
	found, err := v.office.Yearly.List(v.r.Context(), v.member.ID, ask)
	if errors.Is(err, yearly.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	view := yearRecordsView{page: v.page(found.Series.Title+", "+strconv.Itoa(year), "/year"), Year: year, Back: yearAddress(year), What: found.Series.Title, When: strconv.Itoa(year), Count: counted(int(found.N), "record", "records")}
	if ask.Month >= 0 {
		view.When = month(year*100 + ask.Month + 1)
	}
	if found.Next != "" {
		view.Older = yearAddress(year) + "/records?" + queryOf("of", ask.Series, "month", q.Get("month"), "after", found.Next)
	}
	for _, r := range found.Rows {
		view.Rows = append(view.Rows, v.yearRecord(r))
	}
	return v.show(http.StatusOK, yearRecordsPage(view))
}

// yearRecord makes a line that leads to the record's own page, where the reader may see that.
func (v *visit) yearRecord(r yearly.Row) yearRecord {
	out := yearRecord{At: v.moment(r.At), What: wordOf(yearKinds, r.Kind), Word: strings.ReplaceAll(r.Word, "-", " ")}
	to := func(right staff.Right, address string) {
		if out.Address == "" && v.mayCome(right) {
			out.Address = address
		}
	}
	switch r.Kind {
	case yearly.AnIncident:
		to(staff.ReadIncidents, incidentAddress(r.ID))
	case yearly.AFailure:
		to(staff.ReadIncidents, failureAddress(r.ID))
	case yearly.AProcess:
		to(staff.AnswerProcess, processAddress(r.ID))
		to(staff.ReadRegisters, registerAddress(register.Processes)+"/"+string(r.ID))
	case yearly.AWritten:
		to(staff.Serve, requestAddress(r.Customer, r.ID))
	case yearly.AComplaint:
		to(staff.Discipline, reportAddress(r.Customer, r.ID))
	case yearly.AnAlert:
		to(staff.Watch, caseAddress(r.ID))
	case yearly.AnAnswer:
		to(staff.Serve, "/answers/"+string(r.ID))
	case yearly.ACampaign:
		to(campaignPeople, campaignAddress(r.ID))
		to(staff.ReadCampaigns, registerAddress(register.Campaigns)+"/"+string(r.ID))
	case yearly.AnExport:
		to(filePeople, exportAddress(r.ID))
	case yearly.AMessage:
		to(staff.ReadRecords, messageAddress(r.Customer, r.ID))
	case yearly.ACustomer:
		to(staff.ReadRecords, recordsAddress(r.Customer)+"/approvals")
	case yearly.AMember:
		to(staff.Train, traineeAddress(r.ID))
		out.What = v.memberName(r.ID)
	}
	if r.Name != "" {
		out.What += " " + r.Name
	}
	if r.Customer != "" {
		out.Of = ending(r.Customer)
		if v.mayCome(staff.ReadRecords) {
			out.OfAddress = recordsAddress(r.Customer)
		}
	}
	return out
}

// ending is the end of an id, which tells it from its neighbours.
func ending(id cpni.ID) string { return string(id[max(0, len(id)-6):]) }
