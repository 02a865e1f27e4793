package console

import (
	"errors"
	"net/http"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
)

// incidentHandoverPlaces are the files in which an incident is handed over, and the calendar of what is due.
//
// cite: P-41, P-44, P-49, P-51, 47 CFR 64.2011(d)
func incidentHandoverPlaces() []place {
	return []place{
		{pattern: "/incidents/{incident}/dossier.pdf", right: staff.ReadIncidents, get: (*visit).incidentDossier},
		{pattern: "/incidents/{incident}/dossier.pdf.note", right: staff.ReadIncidents, get: (*visit).incidentSignature},
		{pattern: "/incidents/{incident}/bundle.zip", right: staff.ReadIncidents, get: (*visit).incidentBundle},
		{pattern: "/incidents/calendar.ics", right: staff.ReadIncidents, get: (*visit).incidentCalendar},
		{pattern: "/me/calendar", right: staff.ReadIncidents, post: (*visit).changeCalendar, home: "/me"},
	}
}

// handed says what has become of a file that was asked for.
func handed(err error) error {
	switch {
	case errors.Is(err, breach.ErrNone):
		return errNowhere
	case errors.Is(err, ledger.ErrNotYet):
		return cpni.Rejected("NOT_YET", "the last step of the file is recorded and not yet in the signed log", []string{"P-41"}, "ask again in a second")
	}
	return err
}

// handedName is what the files of an incident are called.
func (v *visit) handedName(ending string) (string, error) {
	i, err := v.office.Incidents.One(v.r.Context(), v.id("incident"), v.member.ID)
	if err != nil {
		return "", handed(err)
	}
	return i.Number + ending, nil
}

func (v *visit) incidentDossier() error {
	name, err := v.handedName(".pdf")
	if err != nil {
		return err
	}
	file, err := v.office.Incidents.Dossier(v.r.Context(), v.id("incident"), v.member.ID)
	if err != nil {
		return handed(err)
	}
	return v.hand("application/pdf", name, file)
}

func (v *visit) incidentSignature() error {
	name, err := v.handedName(".pdf.note")
	if err != nil {
		return err
	}
	_, signed, err := v.office.Incidents.SignedDossier(v.r.Context(), v.id("incident"), v.member.ID)
	if err != nil {
		return handed(err)
	}
	return v.hand("text/plain; charset=utf-8", name, signed)
}

func (v *visit) incidentBundle() error {
	b, err := v.office.Incidents.Bundle(v.r.Context(), v.id("incident"), v.member.ID)
	if err != nil {
		return handed(err)
	}
	file := &late{v: v, kind: "application/zip", name: b.Incident.Number + ".zip"}
	if err := b.Write(file); err != nil {
		if !file.begun {
			return err
		}
		v.options.Report(err)
		panic(http.ErrAbortHandler) // half a bundle must not be taken for the whole
	}
	return nil
}

func (v *visit) incidentCalendar() error {
	file, err := v.office.Incidents.Calendar(v.r.Context(), v.member.ID)
	if err != nil {
		return err
	}
	return v.hand("text/calendar; charset=utf-8", "incidents.ics", file)
}

// calendarView is the address at which the calendar program of the signed-in person reads what is due.
type calendarView struct {
	May   bool   // they see incidents
	Since string // empty: they have no address
}

// calendarAddressView is an address that is shown once.
type calendarAddressView struct {
	page
	Address string
}

// calendar gathers it.
//
// cite: P-37, P-44
func (v *visit) calendar() (calendarView, error) {
	if !breach.Sees(v.member) {
		return calendarView{}, nil
	}
	since, err := v.office.Incidents.FeedSince(v.r.Context(), v.member.ID)
	c := calendarView{May: true}
	if since != (time.Time{}) {
		c.Since = v.clock(since)
	}
	return c, err
}

// changeCalendar makes an address, which is shown this once, or ends the one that there is.
//
// cite: P-37, P-44, 47 CFR 64.2010(a)
func (v *visit) changeCalendar() error {
	if v.field("do") == "end" {
		return v.told(v.office.Incidents.RevokeFeed(v.r.Context(), v.member.ID), "/me", "The address of your calendar is worth nothing any more.")
	}
	secret, err := v.office.Incidents.NewFeed(v.r.Context(), v.member.ID)
	if err != nil {
		return v.told(err, "/me", "")
	}
	return v.show(http.StatusOK, calendarPage(calendarAddressView{v.page("Your calendar of incidents", "/me"), v.base() + "/v1/calendars/" + secret + ".ics"}))
}
