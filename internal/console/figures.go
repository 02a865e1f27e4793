package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/aggregate"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// figurePlaces are where figures about many customers are asked for and read.
//
// cite: P-05, 47 USC 222(c)(3), 47 USC 222(h)(2)
func figurePlaces() []place {
	const all, one = "/figures", "/figures/{report}"
	return []place{
		{pattern: all, right: staff.MakeReports, get: (*visit).figuresPage, post: (*visit).askFigures},
		{pattern: one, right: staff.MakeReports, get: (*visit).figurePage},
		{pattern: one + "/figures.csv", right: staff.MakeReports, get: (*visit).figureFile},
	}
}

func figureAddress(id cpni.ID) string { return "/figures/" + string(id) }

var (
	measureWords   = map[aggregate.Measure]string{aggregate.Customers: "Customers", aggregate.Lines: "Lines", aggregate.Calls: "Calls", aggregate.Minutes: "Minutes"}
	dimensionWords = map[aggregate.Dimension]string{aggregate.ByService: "All that they buy", aggregate.ByCategory: "Service", aggregate.ByState: "State", aggregate.ByZip: "First digits of the ZIP code", aggregate.ByMonth: "Month"}
	figureStates   = map[aggregate.State]chip{aggregate.Waiting: {"Being counted", "warn"}, aggregate.Given: {"Given", "good"}, aggregate.Refused: {"Refused", "bad"}}
	figurePurposes = []option{{string(cpni.OtherMarketing), "Planning, and other purposes of our own"}, {string(cpni.OwnMarketing), "Marketing of our services"}, {string(cpni.PartnerMarketing), "For a partner"}}
)

type figureRow struct {
	Address, What, Months, At, By, To string
	State                             chip
}

type figuresView struct {
	page
	Key       string
	Measures  []option
	By        []option
	Months    []option
	Services  []option
	Purposes  []option
	Receivers []option
	Rows      []figureRow
	Counted   []option
	Smallest  int
}

// figureWhat says what a report is about.
func figureWhat(s aggregate.Spec) string {
	what := measureWords[s.Measure]
	for i, d := range s.By {
		what += map[bool]string{true: " by ", false: " and "}[i == 0] + strings.ToLower(dimensionWords[d])
	}
	return strings.ReplaceAll(what, " zip ", " ZIP ")
}

func (v *visit) figureRow(r aggregate.Report) (figureRow, error) {
	by, err := v.actor(string(r.By))
	months := month(r.Spec.From)
	if r.Spec.To != r.Spec.From {
		months += " to " + month(r.Spec.To)
	}
	to := r.Spec.Recipient
	if to == string(cpni.ToCarrier) {
		to = "ourselves"
	}
	return figureRow{Address: figureAddress(r.ID), What: figureWhat(r.Spec), Months: months, At: v.clock(r.At), By: by, To: to, State: figureStates[r.State]}, err
}

// mostFigureMonths is how far back the form goes.
const mostFigureMonths = 24

// cite: P-05, 47 USC 222(c)(3)
func (v *visit) figuresPage() error {
	ctx := v.r.Context()
	view := figuresView{page: v.page("Figures about many", "/figures"), Key: string(cpni.NewID()), Purposes: figurePurposes, Receivers: []option{{"carrier", "Ourselves"}}, Smallest: v.office.Policy.Numbers(v.now).Int("cpni-core", "smallest_cell")}
	for _, m := range aggregate.Measures {
		view.Measures = append(view.Measures, option{string(m), measureWords[m]})
	}
	for _, d := range aggregate.Dimensions {
		view.By = append(view.By, option{string(d), dimensionWords[d]})
	}
	last := v.office.Aggregate.Today()
	for n := range mostFigureMonths {
		at := time.Date(last/100, time.Month(last%100)-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		view.Months = append(view.Months, option{at.Format("200601"), at.Format("January 2006")})
	}
	for _, c := range cpni.Services {
		view.Services = append(view.Services, option{string(c), string(c)})
	}
	partners, err := v.office.Partners.All(ctx)
	if err != nil {
		return err
	}
	for _, p := range partners {
		view.Receivers = append(view.Receivers, option{p.ID, p.Called()})
	}
	all, err := v.office.Aggregate.Reports(ctx, time.Time{})
	if err != nil {
		return err
	}
	for _, r := range all {
		row, err := v.figureRow(r)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	months, err := v.office.Aggregate.Months(ctx)
	if err != nil {
		return err
	}
	for _, m := range months {
		says := "being counted: " + strconv.FormatInt(m.Looked, 10) + " customers looked at"
		if !m.Counted.IsZero() {
			says = "counted " + v.clock(m.Counted)
		}
		view.Counted = append(view.Counted, option{month(m.Month), says})
	}
	return v.show(http.StatusOK, figuresPage(view))
}

// cite: P-05, V75, 47 USC 222(c)(3)
func (v *visit) askFigures() error {
	id, err := v.key("aggregate report")
	if err != nil {
		return err
	}
	s := aggregate.Spec{Measure: aggregate.Measure(v.field("measure")), Purpose: cpni.Purpose(v.field("purpose")), Recipient: v.field("to")}
	for _, name := range []string{"by", "and"} {
		if d := v.field(name); d != "" {
			s.By = append(s.By, aggregate.Dimension(d))
		}
	}
	s.From, _ = strconv.Atoi(v.field("from"))
	s.To, _ = strconv.Atoi(v.field("until"))
	for _, c := range v.form["service"] {
		s.Categories = append(s.Categories, cpni.Category(c))
	}
	s.States = strings.FieldsFunc(v.field("states"), func(r rune) bool { return r == ' ' || r == ',' })
	r, err := v.office.Aggregate.Ask(v.r.Context(), id, v.member.ID, s)
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return v.leave(flash{For: "/figures", Refusal: refusal}, "/figures")
	case errors.Is(err, aggregate.ErrNone):
		return errUnreadable
	case err != nil:
		return err
	}
	return v.goTo(figureAddress(r.ID))
}

type figureView struct {
	page
	Address string
	Row     figureRow
	Waiting bool
	Code    string
	Entry   string
	Hidden  bool
	None    bool
	Head    []string
	Cells   [][]string // one figure a row, where there are not two dimensions
	Across  []string   // of two dimensions: the words of the second
	Matrix  [][]string
	Unit    string
}

func figureWord(d aggregate.Dimension, w string) string {
	switch {
	case w == aggregate.Total:
		return "All"
	case w == aggregate.Unknown:
		return "not known"
	case d == aggregate.ByService:
		return strings.ReplaceAll(w, "+", " and ")
	case d == aggregate.ByZip:
		return w + "xx"
	case d == aggregate.ByMonth:
		if n, err := strconv.Atoi(strings.ReplaceAll(w, "-", "")); err == nil {
			return month(n)
		}
	}
	return w
}

// cite: P-05, I-20, 47 USC 222(h)(2)
func (v *visit) figurePage() error {
	r, err := v.office.Aggregate.One(v.r.Context(), v.id("report"))
	if errors.Is(err, aggregate.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	row, err := v.figureRow(*r)
	if err != nil {
		return err
	}
	view := figureView{page: v.page(row.What, "/figures"), Address: figureAddress(r.ID), Row: row, Waiting: r.State == aggregate.Waiting, Code: string(r.Code), Hidden: r.Result.Hidden, None: len(r.Result.Cells) == 0, Unit: measureWords[r.Spec.Measure]}
	view.Entry = string(r.Entry)
	for _, d := range r.Spec.By {
		view.Head = append(view.Head, dimensionWords[d])
	}
	if len(r.Spec.By) == 2 {
		view.matrix(r)
	} else {
		for _, c := range r.Result.Cells {
			var cells []string
			for i, k := range c.Key {
				cells = append(cells, figureWord(r.Spec.By[i], k))
			}
			view.Cells = append(view.Cells, append(cells, whole(c.Amount), whole(c.Customers)))
		}
	}
	return v.show(http.StatusOK, figurePage(view))
}

// matrix lays the cells of a report by two things out in rows and columns; where there is none stands nothing.
func (view *figureView) matrix(r *aggregate.Report) {
	var rows, columns []string
	for _, c := range r.Result.Cells {
		if !slices.Contains(rows, c.Key[0]) {
			rows = append(rows, c.Key[0])
		}
		if !slices.Contains(columns, c.Key[1]) {
			columns = append(columns, c.Key[1])
		}
	}
	slices.SortFunc(columns, func(a, b string) int {
		if (a == aggregate.Total) != (b == aggregate.Total) {
			return map[bool]int{true: 1, false: -1}[a == aggregate.Total]
		}
		return strings.Compare(a, b)
	})
	for _, c := range columns {
		view.Across = append(view.Across, figureWord(r.Spec.By[1], c))
	}
	for _, row := range rows {
		line := []string{figureWord(r.Spec.By[0], row)}
		for _, column := range columns {
			i := slices.IndexFunc(r.Result.Cells, func(c aggregate.Cell) bool { return c.Key[0] == row && c.Key[1] == column })
			if i < 0 {
				line = append(line, "")
				continue
			}
			line = append(line, whole(r.Result.Cells[i].Amount))
		}
		view.Matrix = append(view.Matrix, line)
	}
}

func (v *visit) figureFile() error {
	r, err := v.office.Aggregate.One(v.r.Context(), v.id("report"))
	if errors.Is(err, aggregate.ErrNone) || err == nil && r.State != aggregate.Given {
		return errNowhere
	}
	if err != nil {
		return err
	}
	file, err := r.CSV()
	if err != nil {
		return err
	}
	return v.hand("text/csv; charset=utf-8", "figures-"+string(r.ID)+".csv", file)
}
