package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// IncidentSummary is the summary of a year's small breaches as far as it is not filed. It names nobody who was reached.
//
// cite: V27, 47 CFR 64.2011(a)(4)
type IncidentSummary struct {
	Year     int           `json:"year"`
	Due      string        `json:"due,omitempty" doc:"The last day; none: no breach waits for it."`
	Below    int           `json:"below" doc:"A small breach reached fewer customers."`
	Breaches []SmallBreach `json:"breaches" doc:"Open and closed, in the order in which they were taken in."`
	Text     string        `json:"text" doc:"The summary as an officer signs it."`
}

// SmallBreach is a breach that stands in a summary.
type SmallBreach struct {
	ID         cpni.ID          `json:"id"`
	Number     string           `json:"number"`
	Discovered time.Time        `json:"discovered"`
	Determined time.Time        `json:"determined"`
	Earlier    string           `json:"earlier,omitempty" doc:"The day from which others may hold that it was determined."`
	From       string           `json:"from,omitempty"`
	Until      string           `json:"until,omitempty"`
	Customers  int              `json:"customers"`
	Data       []cpni.DataClass `json:"data"`
	Personal   []string         `json:"personal,omitempty" doc:"Other covered data, in words."`
	Outcome    clock.Outcome    `json:"outcome" enum:"attempted,accessed,used,disclosed"`
	Basis      string           `json:"basis"`
}

// IncidentSummaryFiled is that an officer has signed and filed a summary.
type IncidentSummaryFiled struct {
	Receipt string     `json:"receipt" maxLength:"400" doc:"As the facility gave it."`
	At      *time.Time `json:"at,omitempty" doc:"When it was filed; now, when not given."`
}

// YearOfSummary names the summary of a year.
type YearOfSummary struct {
	Year int `path:"year" minimum:"2007" maximum:"9999"`
}

// incidentSummaries are the summaries of the years' small breaches.
//
// cite: V27, 47 CFR 64.2011(a)(4)
func (a *API) incidentSummaries() {
	tag := []string{"incidents"}
	const path = "/v1/incident-summaries/{year}"
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "read-incident-summary", Method: http.MethodGet, Path: path, Tags: tag, Summary: "Read the summary of a year's small breaches",
		Description: "As it would be filed now: the breaches that have to stand in it and stand in none that was filed."}},
		func(ctx context.Context, c caller, in *YearOfSummary) (*struct{ Body IncidentSummary }, error) {
			s, err := a.office.Incidents.SummaryOf(ctx, in.Year, c.member.ID)
			if err != nil {
				return nil, err
			}
			out := IncidentSummary{Year: s.Year, Due: dateText(s.Due), Below: s.Below, Breaches: []SmallBreach{}, Text: string(s.Text())}
			for _, x := range s.Breaches {
				out.Breaches = append(out.Breaches, SmallBreach{x.ID, x.Number, x.Discovered, x.Determined, dateText(x.Earlier), dateText(x.From), dateText(x.Until), x.Customers, append([]cpni.DataClass{}, x.Data...), x.Personal, x.Outcome, x.Basis})
			}
			return &struct{ Body IncidentSummary }{out}, nil
		})
	register(a, operation{right: staff.HandleIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "file-incident-summary", Method: http.MethodPost, Path: path, Tags: tag, Summary: "Enter the receipt of a year's summary",
		Description: "An officer has signed the summary and filed it at the central facility; anybody else is refused (403, ROLE). It stands in the history of each breach that is in it, with a copy. Takes an Idempotency-Key. Answers with those breaches."}},
		func(ctx context.Context, c caller, in *struct {
			YearOfSummary
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body IncidentSummaryFiled
		}) (*incidentsBody, error) {
			var at time.Time
			if in.Body.At != nil {
				at = *in.Body.At
			}
			by := breach.Act{By: c.member.ID, ID: a.repeatable(fmt.Sprintf("summary of small breaches %d", in.Year), c, in.Key)}
			all, err := a.office.Incidents.Summarize(ctx, in.Year, by, in.Body.Receipt, at)
			if err != nil {
				return nil, err
			}
			out := &incidentsBody{}
			out.Body.Incidents = []Incident{}
			for _, i := range all {
				out.Body.Incidents = append(out.Body.Incidents, a.incidentOf(i, false))
			}
			return out, nil
		})
}
