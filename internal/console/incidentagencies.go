package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
)

// agenciesView is what the agencies have said: directions, consultations and answers, and the duties of other laws.
type agenciesView struct {
	incidentFile
	Directions []directionView
	Consulted  []agencySaid
	Answers    []agencySaid
	States     []agencySaid
	Spoken     []string // agencies whose spoken word may be found not to be confirmed
	Written    []string // agencies that may lift
	Today, Now string
}

// directionView is a direction as the page shows it.
type directionView struct {
	Agency, Officer, Given, Until, Reason, Paper string
	State                                        chip
}

// agencySaid is what somebody said or asked, and when.
type agencySaid struct{ Who, When, Says, Paper string }

// agenciesPage shows what the agencies have said.
//
// cite: P-47, P-48, P-53, 47 CFR 64.2011(b)
func (v *visit) agenciesPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	view := agenciesView{incidentFile: v.incidentFile(i, "/agencies"), Today: v.todayOf(i).String(), Now: v.momentIn(i.Now(v.now))}
	paper := func(e breach.Event) string {
		if e.Paper == 0 {
			return ""
		}
		return fmt.Sprintf("%s/papers/%d", view.Address, e.Paper)
	}
	for _, e := range i.Directions {
		d := directionView{Agency: e.Direction.Agency, Officer: e.Direction.Officer, Given: v.moment(e.Direction.Given), Until: dated(e.Direction.Until), Reason: e.Reason, Paper: paper(e), State: v.directionState(i, e)}
		view.Directions = append(view.Directions, d)
		list := &view.Written
		if !e.Direction.Written {
			list = &view.Spoken
		}
		if !slices.Contains(*list, d.Agency) {
			*list = append(*list, d.Agency)
		}
	}
	officer := func(e breach.Event) string {
		if e.Officer == "" {
			return e.Agency
		}
		return e.Agency + ", " + e.Officer
	}
	for _, e := range i.All(breach.Consulted) {
		view.Consulted = append(view.Consulted, agencySaid{officer(e), v.moment(e.Happened), e.Text, ""})
	}
	for _, e := range i.All(breach.Responded) {
		view.Answers = append(view.Answers, agencySaid{cmp.Or(officer(e), "The agencies"), v.moment(e.At), cmp.Or(e.Text, "None was received."), paper(e)})
	}
	for _, e := range i.All(breach.StateAsked) {
		view.States = append(view.States, agencySaid{e.State.State, "by " + dated(e.State.By), e.State.Law, ""})
	}
	return v.show(http.StatusOK, agenciesPage(view))
}

// directionState says what has become of a direction.
//
// cite: P-48, 47 CFR 64.2011(b)(3)
func (v *visit) directionState(i *breach.Incident, e breach.Event) chip {
	for _, x := range i.History[e.N:] {
		switch {
		case x.What == breach.Lifted && x.Agency == e.Direction.Agency:
			return chip{"Lifted " + v.day(x.Happened), ""}
		case x.What == breach.Dropped && x.Agency == e.Direction.Agency && !e.Direction.Written:
			return chip{"Not confirmed", ""}
		case x.What == breach.Directed && x.Direction.Written && !e.Direction.Written && x.Direction.Agency == e.Direction.Agency:
			return chip{"Written meanwhile", ""}
		}
	}
	switch {
	case v.todayOf(i).After(e.Direction.Until):
		return chip{"Over", ""}
	case !e.Direction.Written:
		return chip{"Spoken: it has to come in writing", "warn"}
	}
	return chip{"Stands", "bad"}
}

// directIncident records an agency's word that customers must not be told.
//
// cite: P-48, V18, V19, V21, 47 CFR 64.2011(b)(3)
func (v *visit) directIncident() error {
	x := breach.Direction{Agency: v.field("agency"), Officer: v.field("officer"), Written: v.field("form") == "written"}
	given, err := v.momentOf("given", time.Time{})
	until, err2 := v.dateOf("until")
	if err := errors.Join(err, err2); err != nil {
		return v.wentOn("/agencies", "", err)
	}
	x.Given, x.Until = given, until
	return v.doing("direction", "/agencies", "The direction is on record. It counts until it is over, or until the agency lifts it.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Direct(v.r.Context(), id, a, x, v.scanned(), v.field("reason"))
	})
}

// cite: P-48, V20, 47 CFR 64.2011(b)(3)
func (v *visit) liftDirection() error {
	at, err := v.momentOf("at", time.Time{})
	if err != nil {
		return v.wentOn("/agencies", "", err)
	}
	return v.doing("lift", "/agencies", "It is lifted. The ordinary hold is no shorter for it.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Lift(v.r.Context(), id, a, v.field("agency"), v.field("officer"), at, v.scanned())
	})
}

// cite: P-48, 47 CFR 64.2011(b)(3)
func (v *visit) dropDirection() error {
	return v.doing("drop", "/agencies", "It is on record that it will not be written. It keeps nothing back any more.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Drop(v.r.Context(), id, a, v.field("agency"), v.field("reason"))
	})
}

// cite: P-47, V16, V17, 47 CFR 64.2011(b)(2)
func (v *visit) consultAgency() error {
	at, err := v.momentOf("at", time.Time{})
	if err != nil {
		return v.wentOn("/agencies", "", err)
	}
	return v.doing("consultation", "/agencies", "The consultation is on record. It counts when the report says that customers must be told at once.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Consult(v.r.Context(), id, a, v.field("agency"), v.field("officer"), at, v.text("said"))
	})
}

// cite: P-47, V22, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(f)
func (v *visit) stateDuty() error {
	by, err := v.dateOf("by")
	if err != nil {
		return v.wentOn("/agencies", "", err)
	}
	return v.doing("state law", "/agencies", "The duty is on record. Where it contradicts the hold, the overview says so.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.AskedByState(v.r.Context(), id, a, breach.StateDuty{State: v.field("state"), Law: v.field("law"), By: by})
	})
}

// cite: P-53
func (v *visit) agencyAnswered() error {
	return v.doing("answer", "/agencies", "It is on record.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Respond(v.r.Context(), id, a, v.field("agency"), v.field("officer"), v.text("text"), v.field("none") != "", v.scanned())
	})
}
