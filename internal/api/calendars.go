package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/staff"
)

// calendarPath is where calendar programs read what is due; the secret of a member and .ics follow.
const calendarPath = "/v1/calendars/"

// CalendarAddress is an address that is its member's alone.
type CalendarAddress struct {
	Path string `json:"path" doc:"Below the address of this interface. It is shown this once."`
}

// calendars tell calendar programs what is due for incidents: by an address that is a secret of its member's, for such programs send no
// key, or by a key.
//
// cite: P-37, P-44, 47 CFR 64.2010(a), 47 CFR 64.2011(b)
func (a *API) calendars() {
	tag := []string{"incidents"}
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "make-calendar-address", Method: http.MethodPost, Path: "/v1/calendars", Tags: tag, DefaultStatus: http.StatusCreated, Summary: "Make an address for a calendar program",
		Description: "At which it reads what is due for incidents. One that you had before is worth nothing from then on."}},
		func(ctx context.Context, c caller, _ *struct{}) (*struct{ Body CalendarAddress }, error) {
			secret, err := a.office.Incidents.NewFeed(ctx, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body CalendarAddress }{CalendarAddress{calendarPath + secret + ".ics"}}, nil
		})
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "end-calendar-address", Method: http.MethodDelete, Path: "/v1/calendars", Tags: tag, DefaultStatus: http.StatusNoContent, Summary: "End your address for a calendar program"}},
		func(ctx context.Context, c caller, _ *struct{}) (*struct{}, error) {
			return nil, a.office.Incidents.RevokeFeed(ctx, c.member.ID)
		})
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "read-calendar", Method: http.MethodGet, Path: "/v1/incidents/calendar", Tags: tag, Summary: "Read what is due for incidents as a calendar", Description: "As iCalendar (RFC 5545): of every open incident its number and what is due, and nothing of what happened."}},
		func(ctx context.Context, c caller, _ *struct{}) (*evidenceBody, error) {
			file, err := a.office.Incidents.Calendar(ctx, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &evidenceBody{Type: "text/calendar; charset=utf-8", Disposition: `attachment; filename="incidents.ics"`, Body: file}, nil
		})
	a.mux.HandleFunc("GET "+calendarPath+"{file}", a.calendar)
}

// calendar answers a calendar program. Whatever is not an address in force is not there.
func (a *API) calendar(w http.ResponseWriter, r *http.Request) {
	secret, ok := strings.CutSuffix(r.PathValue("file"), ".ics")
	err := error(errNotFound)
	var file []byte
	if ok {
		file, err = a.office.Incidents.Feed(r.Context(), secret)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		p := problemOf(err, a.report)
		w.Header().Set("Content-Type", p.ContentType(""))
		w.WriteHeader(p.Status)
		if err := writeJSON(w, p); err != nil {
			a.report(err)
		}
		return
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	if _, err := w.Write(file); err != nil && r.Context().Err() == nil {
		a.report(err)
	}
}
