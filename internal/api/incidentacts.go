package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
)

// IncidentSeen is what every act on an incident may say: which version of the file whoever acts has read.
type IncidentSeen struct {
	Version int64 `json:"version,omitempty" minimum:"0" doc:"That was read; when somebody else has written meanwhile the act is refused (CONFLICT). Whatever it is now, when not given."`
}

func (s IncidentSeen) seen() int64 { return s.Version }

// The bodies of acts on an incident.
type (
	// IncidentCorrection puts new facts beside the old ones.
	IncidentCorrection struct {
		IncidentSeen
		IncidentFacts
		Reason string `json:"reason" minLength:"1" maxLength:"20000"`
	}
	// IncidentDetermination is that it was reasonably determined what happened.
	IncidentDetermination struct {
		IncidentSeen
		At      *time.Time `json:"at,omitempty" doc:"Now, when not given; never before today."`
		Earlier string     `json:"earlier,omitempty" maxLength:"10" doc:"The day from which others may hold that it was determined: what is due counts from it."`
		Basis   string     `json:"basis,omitempty" maxLength:"20000"`
	}
	// IncidentDraft is what a person has written over the fields of the report.
	IncidentDraft struct {
		IncidentSeen
		Form   string            `json:"form" maxLength:"100" doc:"The form and its version."`
		Fields map[string]string `json:"fields"`
	}
	// IncidentReport is a report that was filed at the central facility, with its receipt.
	IncidentReport struct {
		IncidentSeen
		Through     string         `json:"through" maxLength:"100" doc:"facility: any other way is no report, and refused."`
		Receipt     string         `json:"receipt" maxLength:"400" doc:"As the facility gave it."`
		At          *time.Time     `json:"at,omitempty" doc:"When it was filed; now, when not given."`
		Agencies    []clock.Agency `json:"agencies,omitempty" maxItems:"3" enum:"USSS,FBI,FCC" doc:"To which the receipt says it went; all to that there have to be, when not given."`
		Urgent      bool           `json:"urgent,omitempty" doc:"It says that customers must be told at once."`
		Supplements int            `json:"supplements,omitempty" minimum:"0" doc:"The number of the report that it adds to."`
		Form        string         `json:"form,omitempty" maxLength:"100"`
		Scan        []byte         `json:"scan,omitempty" doc:"Of the receipt: PDF, JPEG, PNG or text, in base64."`
		Copy        []byte         `json:"copy,omitempty" doc:"What was filed, for programs, in base64."`
		Pages       []byte         `json:"pages,omitempty" doc:"What was filed, for people, in base64."`
	}
	// IncidentDirection is an agency's word that customers must not be told.
	IncidentDirection struct {
		IncidentSeen
		Agency  string     `json:"agency" minLength:"1" maxLength:"100"`
		Officer string     `json:"officer" minLength:"1" maxLength:"400"`
		Written bool       `json:"written" doc:"One that is only spoken is recorded, and answered with NEED_WRITING."`
		Given   *time.Time `json:"given,omitempty" doc:"Now, when not given."`
		Until   string     `json:"until" maxLength:"10" doc:"The last day on which customers must not be told."`
		Reason  string     `json:"reason,omitempty" maxLength:"20000"`
		Scan    []byte     `json:"scan,omitempty" doc:"In base64."`
	}
	// IncidentLift is an agency's written word that its direction ends.
	IncidentLift struct {
		IncidentSeen
		Agency  string     `json:"agency" minLength:"1" maxLength:"100"`
		Officer string     `json:"officer" minLength:"1" maxLength:"400"`
		At      *time.Time `json:"at,omitempty" doc:"Now, when not given."`
		Scan    []byte     `json:"scan,omitempty" doc:"In base64."`
	}
	// IncidentDrop is that a spoken direction will not be put into writing.
	IncidentDrop struct {
		IncidentSeen
		Agency string `json:"agency" minLength:"1" maxLength:"100"`
		Reason string `json:"reason" minLength:"1" maxLength:"20000"`
	}
	// IncidentConsultation is that an agency was asked before customers are told at once.
	IncidentConsultation struct {
		IncidentSeen
		Agency  string     `json:"agency" minLength:"1" maxLength:"100"`
		Officer string     `json:"officer,omitempty" maxLength:"400"`
		At      *time.Time `json:"at,omitempty" doc:"Now, when not given."`
		Said    string     `json:"said,omitempty" maxLength:"20000"`
	}
	// IncidentStateDuty is what another law asks for.
	IncidentStateDuty struct {
		IncidentSeen
		State string `json:"state" minLength:"1" maxLength:"100"`
		Law   string `json:"law" minLength:"1" maxLength:"400"`
		By    string `json:"by" maxLength:"10" doc:"The day by which customers have to be told under it."`
	}
	// IncidentResponse is what an agency has answered, or that no answer has come.
	IncidentResponse struct {
		IncidentSeen
		Agency  string `json:"agency,omitempty" maxLength:"100"`
		Officer string `json:"officer,omitempty" maxLength:"400"`
		Text    string `json:"text,omitempty" maxLength:"20000"`
		None    bool   `json:"none,omitempty" doc:"None has come."`
		Scan    []byte `json:"scan,omitempty" doc:"In base64."`
	}
	// IncidentRemark is a remark, and a paper when there is one.
	IncidentRemark struct {
		IncidentSeen
		Text string `json:"text,omitempty" maxLength:"20000"`
		Name string `json:"name,omitempty" maxLength:"100" doc:"Of the paper."`
		Scan []byte `json:"scan,omitempty" doc:"In base64."`
	}
	// IncidentSanction names the case of discipline that came of it.
	IncidentSanction struct {
		IncidentSeen
		Case string `json:"case" minLength:"1" maxLength:"400"`
	}
	// IncidentClosing is what the file says at its end.
	IncidentClosing struct {
		IncidentSeen
		Cause      string `json:"cause" maxLength:"20000"`
		Remedy     string `json:"remedy" maxLength:"20000"`
		Lessons    string `json:"lessons" maxLength:"20000"`
		NoSanction string `json:"no_sanction,omitempty" maxLength:"20000" doc:"Why nobody was disciplined, where there is no case."`
	}
	// IncidentReason is why something is done.
	IncidentReason struct {
		IncidentSeen
		Reason string `json:"reason" minLength:"1" maxLength:"20000"`
	}
	// IncidentForward moves the clock of a rehearsal on.
	IncidentForward struct {
		IncidentSeen
		Hours int `json:"hours" minimum:"1" maximum:"8784"`
	}
	// IncidentPeople are customers of the set.
	IncidentPeople struct {
		IncidentSeen
		Customers []cpni.ID `json:"customers" minItems:"1" maxItems:"1000"`
		Reason    string    `json:"reason" minLength:"1" maxLength:"20000"`
	}
)

// mostIncidentBody bounds the body of an act with its papers in base64, in bytes.
const mostIncidentBody = 2*breach.MostPaper/3*4 + 256<<10

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// act adds an operation that does something about an incident. To whom incidents are hidden there is none; who may read them and no more
// is told whose work it is. Sent again under its key it is done once.
func act[B interface{ seen() int64 }](a *API, id, path, summary, description string, do func(ctx context.Context, d *breach.Desk, of cpni.ID, by breach.Act, body B) (*breach.Incident, error)) {
	register(a, operation{scope: "incidents", most: mostIncidentBody, Operation: huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/v1/incidents/{id}/" + path, Tags: []string{"incidents"}, Summary: summary,
		Description: description + " Takes an Idempotency-Key. Answers with the file and its clocks as they are then."}},
		func(ctx context.Context, c caller, in *struct {
			ID   cpni.ID `path:"id" maxLength:"26"`
			Key  string  `header:"Idempotency-Key" maxLength:"255"`
			Body B
		}) (*struct{ Body Incident }, error) {
			if !breach.Sees(c.member) {
				return nil, errNotFound
			}
			i, err := do(ctx, a.office.Incidents, in.ID, breach.Act{By: c.member.ID, ID: a.repeatable(id+" "+string(in.ID), c, in.Key), Version: in.Body.seen()}, in.Body)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Incident }{a.incidentOf(i, false)}, nil
		})
}

// incidentActs are what is done about incidents.
//
// cite: P-43, P-44, P-45, P-47, P-48, P-53, 47 CFR 64.2011
func (a *API) incidentActs() {
	act(a, "correct-incident", "facts", "Correct the facts of an incident", "The new facts are given whole and stand beside the old ones. What changes counts from now on; what has become due stays due.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentCorrection) (*breach.Incident, error) {
			f, err := b.facts(by.By, time.Time{})
			if err != nil {
				return nil, err
			}
			if f.Discovered.IsZero() {
				before, err := d.One(ctx, id, by.By)
				if err != nil {
					return nil, err
				}
				f.Discovered = before.Facts.Discovered
			}
			return d.Correct(ctx, id, by, f, b.Reason)
		})
	act(a, "determine-incident", "determination", "Record the reasonable determination", "From then on the clocks run. It is made once, on the day on which it is recorded.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentDetermination) (*breach.Incident, error) {
			earlier, err := dayOf(b.Earlier)
			if err != nil {
				return nil, err
			}
			return d.Determine(ctx, id, by, breach.Determination{At: timeOf(b.At), Earlier: earlier, Basis: b.Basis})
		})
	act(a, "draft-report", "drafts", "Keep a draft of the report to the agencies", "What a person has written over its fields. Nothing is filed.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentDraft) (*breach.Incident, error) {
			return d.Draft(ctx, id, by, b.Form, b.Fields)
		})
	act(a, "file-report", "reports", "Record that a report was filed at the facility", "With its receipt: only then the hold begins to run. One that some of the agencies alone have got does not start it. A late one is taken like any other.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentReport) (*breach.Incident, error) {
			return d.Report(ctx, id, by, breach.Filing{Through: b.Through, Receipt: b.Receipt, At: timeOf(b.At), Agencies: b.Agencies, Urgent: b.Urgent, Supplements: b.Supplements, Scan: b.Scan, Form: b.Form, Copy: b.Copy, Pages: b.Pages})
		})
	act(a, "direct-incident", "directions", "Record an agency's direction not to tell customers", "Only a written one moves the day from which they may be told. A spoken one is recorded, keeps a hold that runs, and is answered with NEED_WRITING (409).",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentDirection) (*breach.Incident, error) {
			until, err := dayOf(b.Until)
			if err != nil {
				return nil, err
			}
			return d.Direct(ctx, id, by, breach.Direction{Agency: b.Agency, Officer: b.Officer, Written: b.Written, Given: timeOf(b.Given), Until: until}, b.Scan, b.Reason)
		})
	act(a, "lift-direction", "lifts", "Record that an agency has lifted its direction", "In writing. The ordinary hold is never shorter for it.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentLift) (*breach.Incident, error) {
			return d.Lift(ctx, id, by, b.Agency, b.Officer, timeOf(b.At), b.Scan)
		})
	act(a, "drop-direction", "drops", "Record that a spoken direction will not be written", "It keeps nothing back any more.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentDrop) (*breach.Incident, error) {
			return d.Drop(ctx, id, by, b.Agency, b.Reason)
		})
	act(a, "consult-agency", "consultations", "Record that an agency was consulted", "Before customers are told at once; it counts when a report says that they must be.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentConsultation) (*breach.Incident, error) {
			return d.Consult(ctx, id, by, b.Agency, b.Officer, timeOf(b.At), b.Said)
		})
	act(a, "record-state-duty", "state-duties", "Record that another law asks for customers to be told", "The hold goes before it; that they contradict each other stands in the file.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentStateDuty) (*breach.Incident, error) {
			day, err := dayOf(b.By)
			if err != nil {
				return nil, err
			}
			return d.AskedByState(ctx, id, by, breach.StateDuty{State: b.State, Law: b.Law, By: day})
		})
	act(a, "record-response", "responses", "Record an agency's answer", "Or that none has come, which is an answer too.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentResponse) (*breach.Incident, error) {
			return d.Respond(ctx, id, by, b.Agency, b.Officer, b.Text, b.None, b.Scan)
		})
	act(a, "remark-on-incident", "remarks", "Add a remark or a paper", "Also to a file that is closed.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentRemark) (*breach.Incident, error) {
			return d.Remark(ctx, id, by, b.Text, b.Name, b.Scan)
		})
	act(a, "name-sanction", "sanctions", "Name the case of discipline that came of an incident", "By its id.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentSanction) (*breach.Incident, error) {
			return d.Sanction(ctx, id, by, b.Case)
		})
	act(a, "close-incident", "closing", "Close a file", "When it is complete; what it lacks is named (422, INCOMPLETE).",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentClosing) (*breach.Incident, error) {
			return d.Close(ctx, id, by, breach.Closing{Cause: b.Cause, Remedy: b.Remedy, Lessons: b.Lessons, NoSanction: b.NoSanction})
		})
	act(a, "reopen-incident", "reopening", "Open a file again", "With the reason.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentReason) (*breach.Incident, error) {
			return d.Reopen(ctx, id, by, b.Reason)
		})
	act(a, "advance-rehearsal", "clock", "Move the clock of a rehearsal on", "By hours, never back; of a rehearsal alone.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentForward) (*breach.Incident, error) {
			return d.Advance(ctx, id, by, time.Duration(b.Hours)*time.Hour)
		})
	act(a, "put-affected", "customers", "Put customers into the set", "By hand, with the reason. Who is in it already stays as they are.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentPeople) (*breach.Incident, error) {
			return d.Put(ctx, id, by, b.Customers, b.Reason)
		})
	act(a, "remove-affected", "customers/removal", "Take customers out of the set", "With the reason; nobody who was told, or is about to be.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentPeople) (*breach.Incident, error) {
			return d.Remove(ctx, id, by, b.Customers, b.Reason)
		})
	act(a, "tell-customers", "telling", "Have the customers of an incident told", "From now on and in the background. Before the hold ends it is refused (409, LE_HOLD or NEED_WRITING), and that somebody tried is on record and an alert.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentSeen) (*breach.Incident, error) {
			return d.Tell(ctx, id, by)
		})
}
