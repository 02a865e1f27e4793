package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// NewIncident is an incident as somebody first tells of it.
//
// cite: P-43, P-50, P-52
type NewIncident struct {
	IncidentFacts
	Exercise bool `json:"exercise,omitempty" doc:"A rehearsal; begun by those whose work incidents are."`
}

// OneIncident names an incident.
type OneIncident struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

// AffectedCustomer is a customer whom an incident reached, and what has become of telling them.
//
// cite: P-52, 47 CFR 64.2011(d)
type AffectedCustomer struct {
	Customer cpni.ID   `json:"customer"`
	Step     int       `json:"step" doc:"Of the history, by which they are in the set."`
	Entry    cpni.ID   `json:"entry,omitempty" doc:"Of the ledger, that shows it; none: put in by hand."`
	State    string    `json:"state" enum:"in,out,planned,sent,came-back,no-way,told"`
	Via      cpni.Via  `json:"via,omitempty"`
	Message  cpni.ID   `json:"message,omitempty"`
	Code     string    `json:"code,omitempty"`
	At       time.Time `json:"at"`
}

// incidents are the files of incidents: for systems that notice something, and for those that work on what they are. Whoever may not know
// of an incident gets the answer for one that is not there.
//
// cite: P-37, P-43, P-47, P-49, 47 CFR 64.2011
func (a *API) incidents() {
	tag := []string{"incidents"}
	const one = "/v1/incidents/{id}"
	register(a, operation{right: staff.ReportIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "report-incident", Method: http.MethodPost, Path: "/v1/incidents", Tags: tag, DefaultStatus: http.StatusCreated, Summary: "Report an incident",
		Description: "By whoever works for the carrier, and its systems. What is not known counts as the worst that it may be. What becomes of it only those see whose work it is. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewIncident
		}) (*struct{ Body IncidentTaken }, error) {
			f, err := in.Body.facts(c.member.ID, a.office.Clock.Now())
			if err != nil {
				return nil, err
			}
			i, err := a.office.Incidents.Open(ctx, breach.Intake{ID: a.repeatable("incident", c, in.Key), By: c.member.ID, Exercise: in.Body.Exercise, Facts: f})
			if err != nil {
				return nil, err
			}
			return &struct{ Body IncidentTaken }{IncidentTaken{i.ID, i.Number}}, nil
		})
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "list-incidents", Method: http.MethodGet, Path: "/v1/incidents", Tags: tag, Summary: "List incidents", Description: "The newest first, with their clocks."}},
		func(ctx context.Context, c caller, in *struct {
			State    string  `query:"state" enum:"open,closed" default:"open"`
			Exercise bool    `query:"exercise" doc:"Rehearsals; otherwise incidents."`
			From     string  `query:"from" maxLength:"10" doc:"Opened on this day or later."`
			Before   cpni.ID `query:"before" maxLength:"26" doc:"The cursor: files older than this one."`
			Limit    int     `query:"limit" minimum:"1" maximum:"500" default:"50"`
		}) (*incidentsBody, error) {
			from, err := dayOf(in.From)
			if err != nil {
				return nil, err
			}
			all, err := a.office.Incidents.List(ctx, c.member.ID, breach.Query{Closed: in.State == "closed", Exercise: in.Exercise, From: from, Before: in.Before, Limit: in.Limit})
			if err != nil {
				return nil, err
			}
			out := &incidentsBody{}
			out.Body.Incidents = []Incident{}
			for _, i := range all {
				out.Body.Incidents = append(out.Body.Incidents, a.incidentOf(i, false))
			}
			if len(all) == in.Limit {
				out.Body.Next = all[len(all)-1].ID
			}
			return out, nil
		})
	register(a, operation{scope: "incidents", Operation: huma.Operation{OperationID: "read-incident", Method: http.MethodGet, Path: one, Tags: tag, Summary: "Read the file of an incident", Description: "With its history, its clocks day by day, and what it lacks before it can be closed."}},
		func(ctx context.Context, c caller, in *OneIncident) (*struct{ Body WholeIncident }, error) {
			i, err := a.incident(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			out, err := a.wholeIncident(ctx, c, i)
			return &struct{ Body WholeIncident }{out}, err
		})
	register(a, operation{scope: "incidents", Operation: huma.Operation{OperationID: "read-incident-paper", Method: http.MethodGet, Path: one + "/papers/{n}", Tags: tag, Summary: "Read a paper of an incident", Description: "As it was filed, received or attached."}},
		func(ctx context.Context, c caller, in *struct {
			OneIncident
			N int `path:"n" minimum:"1" maximum:"1000000"`
		}) (*evidenceBody, error) {
			if _, err := a.incident(ctx, c, in.ID); err != nil {
				return nil, err
			}
			p, file, err := a.office.Incidents.File(ctx, in.ID, c.member.ID, in.N)
			if err != nil {
				return nil, err
			}
			return &evidenceBody{Type: p.Media, Disposition: fmt.Sprintf(`attachment; filename="paper-%d"`, p.N), Body: file}, nil
		})
	register(a, operation{scope: "incidents", Operation: huma.Operation{OperationID: "list-affected", Method: http.MethodGet, Path: one + "/customers", Tags: tag, Summary: "List the customers whom an incident reached", Description: "By their ids, with what has become of telling each."}},
		func(ctx context.Context, c caller, in *struct {
			OneIncident
			State string  `query:"state" enum:"in,out,planned,sent,came-back,no-way,told" doc:"All that are in the set, when not given."`
			After cpni.ID `query:"after" maxLength:"26" doc:"The cursor: ids behind this one."`
			Limit int     `query:"limit" minimum:"1" maximum:"500" default:"100"`
		}) (*affectedBody, error) {
			if _, err := a.incident(ctx, c, in.ID); err != nil {
				return nil, err
			}
			all, err := a.office.Incidents.Set(ctx, in.ID, c.member.ID, in.State, in.After, in.Limit)
			if err != nil {
				return nil, err
			}
			out := &affectedBody{}
			out.Body.Customers = []AffectedCustomer{}
			for _, x := range all {
				out.Body.Customers = append(out.Body.Customers, AffectedCustomer(x))
			}
			if len(all) == in.Limit {
				out.Body.Next = all[len(all)-1].Customer
			}
			return out, nil
		})
	register(a, operation{scope: "incidents", Operation: huma.Operation{OperationID: "remove-incident", Method: http.MethodPost, Path: one + "/removal", Tags: tag, DefaultStatus: http.StatusNoContent, Summary: "Remove a file that need not be kept any more",
		Description: "With the reason. While it has to be kept it is refused (409, RETENTION). That it was there, and that it was removed, stays in the ledger."}},
		func(ctx context.Context, c caller, in *struct {
			OneIncident
			Body IncidentReason
		}) (*struct{}, error) {
			if !breach.Sees(c.member) {
				return nil, errNotFound
			}
			return nil, a.office.Incidents.Purge(ctx, in.ID, breach.Act{By: c.member.ID}, in.Body.Reason)
		})
	a.incidentActs()
	a.incidentTelling()
	a.incidentFiles()
	a.incidentSummaries()
	a.calendars()
}

type incidentsBody struct {
	Body struct {
		Incidents []Incident `json:"incidents"`
		Next      cpni.ID    `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
	}
}

type affectedBody struct {
	Body struct {
		Customers []AffectedCustomer `json:"customers"`
		Next      cpni.ID            `json:"next,omitempty" doc:"The cursor of the next page: give it as after. None on the last."`
	}
}

// incident gives an incident to whoever may know of it; to others there is none.
//
// cite: P-47, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func (a *API) incident(ctx context.Context, c caller, id cpni.ID) (*breach.Incident, error) {
	if !breach.Sees(c.member) {
		return nil, errNotFound
	}
	return a.office.Incidents.One(ctx, id, c.member.ID)
}

func (a *API) wholeIncident(ctx context.Context, c caller, i *breach.Incident) (WholeIncident, error) {
	d := a.office.Incidents
	out := WholeIncident{Incident: a.incidentOf(i, true), Facts: factsOf(i.Facts), Set: i.Set, Telling: tellingOf(i), Papers: []IncidentPaper{}, KeptUntil: momentOf(d.KeptUntil(i))}
	var err error
	if out.History, err = stepsOf(i.History); err != nil {
		return out, err
	}
	if out.Tally, err = d.Tally(ctx, i.ID, c.member.ID); err != nil {
		return out, err
	}
	papers, err := d.Papers(ctx, i.ID, c.member.ID)
	if err != nil {
		return out, err
	}
	for _, p := range papers {
		out.Papers = append(out.Papers, IncidentPaper{p.N, p.At, p.Name, p.Media, fmt.Sprintf("%x", p.Hash)})
	}
	if !i.Closed.IsZero() {
		return out, nil
	}
	missing, err := d.Missing(ctx, i, breach.Closing{Cause: "-", Remedy: "-", Lessons: "-", NoSanction: "-"})
	for _, r := range missing {
		out.Missing = append(out.Missing, IncidentGap{r.Says, r.Clauses, r.Next})
	}
	return out, err
}
