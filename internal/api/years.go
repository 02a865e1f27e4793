package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/yearly"
	"ringfence/internal/staff"
)

// YearFigures is what a year came to.
//
// cite: P-41, 47 CFR 64.2009(e)
type YearFigures struct {
	Year     int           `json:"year"`
	At       time.Time     `json:"at" doc:"As of when."`
	Sections []YearSection `json:"sections"`
}

// YearSection is numbers that belong together.
type YearSection struct {
	Key    string       `json:"key"`
	Title  string       `json:"title"`
	Says   string       `json:"says" doc:"What is counted, and how."`
	AsOf   *time.Time   `json:"as_of,omitempty" doc:"When the newest month was counted, of what is not counted anew each time."`
	Series []YearSeries `json:"series"`
}

// YearSeries is one number by month.
type YearSeries struct {
	Key    string      `json:"key" doc:"Give it as of to list the records behind the number."`
	Title  string      `json:"title"`
	Unit   yearly.Unit `json:"unit" enum:"records,seconds,days,business-days"`
	Of     string      `json:"of,omitempty" doc:"Of a time: the series whose records it is of."`
	Months []*int64    `json:"months" minItems:"12" maxItems:"12" doc:"January first; null where nothing is known: before anything was kept, and of months to come."`
	Total  *int64      `json:"total,omitempty" doc:"Of the year: the sum, or of a time that over all its records. None where months cannot be added up."`
}

// YearRecords are records behind a number.
type YearRecords struct {
	N       int64        `json:"n" doc:"The number."`
	Records []YearRecord `json:"records"`
	Next    string       `json:"next,omitempty" doc:"The cursor of the next page: give it as after. None on the last."`
}

// YearRecord is one of them.
type YearRecord struct {
	At       time.Time   `json:"at"`
	Kind     yearly.Kind `json:"kind" enum:"incident,failure,process,written,complaint,alert,answer,emergency,campaign,export,message,customer,member"`
	ID       cpni.ID     `json:"id" doc:"Of the record; of a customer whose approvals are counted, theirs or that of the event."`
	Customer cpni.ID     `json:"customer,omitempty"`
	Number   string      `json:"number,omitempty" doc:"By which people call it."`
	Word     string      `json:"word,omitempty" doc:"Its state, kind or category."`
}

// OneYear names a year.
type OneYear struct {
	Year int `path:"year" minimum:"1996" maximum:"9999"`
}

func yearOf(y *yearly.Year) YearFigures {
	number := func(c yearly.Cell) *int64 {
		if !c.Known {
			return nil
		}
		return &c.N
	}
	out := YearFigures{Year: y.Year, At: y.At.UTC(), Sections: []YearSection{}}
	for _, s := range y.Sections {
		section := YearSection{Key: s.Key, Title: s.Title, Says: s.Says, AsOf: momentOf(s.AsOf), Series: []YearSeries{}}
		for _, x := range s.Series {
			series := YearSeries{Key: x.Key, Title: x.Title, Unit: x.Unit, Of: x.Of, Total: number(x.Total)}
			for _, c := range x.Cells {
				series.Months = append(series.Months, number(c))
			}
			section.Series = append(section.Series, series)
		}
		out.Sections = append(out.Sections, section)
	}
	return out
}

// years are what years came to, and the records behind each number.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func (a *API) years() {
	tag := []string{"records"}
	const one = "/v1/years/{year}"
	register(a, operation{right: yearly.Right, scope: "records", Operation: huma.Operation{OperationID: "read-year", Method: http.MethodGet, Path: one, Tags: tag, Summary: "Read what a year came to",
		Description: "Decisions and refusals, approvals at each month's end, times to answer and to notify, training, notices, reviews and filings, by month of the carrier's zone. Numbers of incidents are only for those who may know of them."}},
		func(ctx context.Context, c caller, in *OneYear) (*struct{ Body YearFigures }, error) {
			y, err := a.office.Yearly.Year(ctx, in.Year, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body YearFigures }{yearOf(y)}, nil
		})
	register(a, operation{right: yearly.Right, scope: "records", Operation: huma.Operation{OperationID: "read-year-table", Method: http.MethodGet, Path: one + "/figures.csv", Tags: tag, Summary: "Read what a year came to as a table (RFC 4180)",
		Responses: map[string]*huma.Response{"200": {Description: "The table", Content: map[string]*huma.MediaType{"text/csv": {}}}}}},
		func(ctx context.Context, c caller, in *OneYear) (*huma.StreamResponse, error) {
			y, err := a.office.Yearly.Year(ctx, in.Year, c.member.ID)
			if err != nil {
				return nil, err
			}
			file, err := y.CSV()
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
				hc.BodyWriter().Write(file)
			}}, err
		})
	register(a, operation{right: staff.ReadRegisters, scope: "records", Operation: huma.Operation{OperationID: "list-year-records", Method: http.MethodGet, Path: one + "/records", Tags: tag, Summary: "List the records behind a number of a year",
		Description: "Those of decisions and refusals are found by searching the ledger."}},
		func(ctx context.Context, c caller, in *struct {
			OneYear
			Of    string `query:"of" maxLength:"60" required:"true" doc:"The key of the series."`
			Month int    `query:"month" minimum:"0" maximum:"12" doc:"1 is January; 0 or none: the whole year."`
			After string `query:"after" maxLength:"60"`
			Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		}) (*struct{ Body YearRecords }, error) {
			found, err := a.office.Yearly.List(ctx, c.member.ID, yearly.Asked{Year: in.Year, Series: in.Of, Month: in.Month - 1, After: in.After, Limit: in.Limit})
			if errors.Is(err, yearly.ErrNone) {
				return nil, errNotFound
			}
			if err != nil {
				return nil, err
			}
			out := YearRecords{N: found.N, Next: found.Next, Records: []YearRecord{}}
			for _, r := range found.Rows {
				out.Records = append(out.Records, YearRecord{r.At.UTC(), r.Kind, r.ID, r.Customer, r.Name, r.Word})
			}
			return &struct{ Body YearRecords }{out}, nil
		})
}
