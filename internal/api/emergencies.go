package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/staff"
)

// NewEmergency is somebody's word that life or limb is at risk.
//
// cite: P-28, 47 USC 222(d)(4)
type NewEmergency struct {
	Customer cpni.ID `json:"customer" minLength:"1" maxLength:"26" doc:"Whose location is asked for."`
	To       string  `json:"to" enum:"psap,law-enforcement,family"`
	Kind     string  `json:"kind" enum:"911-call,life-at-risk"`
	Caller   string  `json:"caller" enum:"psap,guardian,immediate-family,other"`
	Callback string  `json:"callback" minLength:"1" maxLength:"200" doc:"Where the one who asks can be called back, as they gave it."`
	Incident string  `json:"incident,omitempty" maxLength:"200" doc:"Their number for what happened."`
}

// EmergencyAnswer is what was given on an emergency, and by when it is to be justified.
type EmergencyAnswer struct {
	ID         cpni.ID     `json:"id" doc:"Names the emergency."`
	Due        time.Time   `json:"due" doc:"By when who recorded it is to say why."`
	Disclosure *Disclosure `json:"disclosure"`
}

// RecordedEmergency is an emergency that is on record.
//
// cite: P-28, P-41
type RecordedEmergency struct {
	ID        cpni.ID    `json:"id"`
	Customer  cpni.ID    `json:"customer"`
	At        time.Time  `json:"at"`
	Due       time.Time  `json:"due"`
	Late      bool       `json:"late,omitempty" doc:"It is not justified, and should have been."`
	By        cpni.ID    `json:"by" doc:"Who recorded it, and says why."`
	To        string     `json:"to,omitempty"`
	Justified *time.Time `json:"justified,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

// emergencies records an emergency before anything is given on it, and afterwards why it had to be.
//
// cite: P-28, P-41, I-01, 47 USC 222(d)(4)
func (a *API) emergencies() {
	tag := []string{"emergencies"}
	const scope = string(cpni.Emergency)
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "record-emergency", Method: http.MethodPost, Path: "/v1/emergencies", Tags: tag,
		Summary: "Record an emergency, and ask for the location on it", Description: "The claim is on record before the rules are asked. Also of one that they refuse, who recorded it says within a day why they asked; else EMERGENCY_UNJUSTIFIED is raised. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewEmergency
		}) (*struct{ Body EmergencyAnswer }, error) {
			b := in.Body
			if _, _, err := a.office.Customers.Get(ctx, b.Customer); err != nil {
				return nil, err
			}
			id := a.repeatable("emergency", c, in.Key)
			if id == "" {
				id = cpni.NewID()
			}
			answer, err := a.office.Door.Emergency(ctx, disclose.Claim{ID: id, Customer: b.Customer, Staff: c.member.ID, Scopes: c.key.Scopes, To: b.To, Kind: b.Kind, Caller: b.Caller, Callback: b.Callback, Incident: b.Incident})
			if err != nil {
				return nil, err
			}
			if !answer.Decision.Permit() {
				return nil, refusedDisclosure(answer)
			}
			due, err := a.office.Door.JustifiedBy(ctx, b.Customer, id)
			return &struct{ Body EmergencyAnswer }{EmergencyAnswer{id, due, disclosureOf(answer)}}, err
		})
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "list-emergencies", Method: http.MethodGet, Path: "/v1/emergencies", Tags: tag,
		Summary: "List emergencies", Description: "Those that are still to be justified, the one that is due first first; or the newest that are. One's own, and everybody's for those who watch."}},
		func(ctx context.Context, c caller, in *struct {
			Justified bool `query:"justified" doc:"Those that are justified."`
		}) (*struct{ Body []RecordedEmergency }, error) {
			of := c.member.ID
			if c.member.May(staff.Watch) {
				of = ""
			}
			all, err := a.office.Door.Emergencies(ctx, of, !in.Justified)
			out := &struct{ Body []RecordedEmergency }{[]RecordedEmergency{}}
			now := a.office.Clock.Now()
			for _, e := range all {
				out.Body = append(out.Body, RecordedEmergency{e.ID, e.Customer, e.At, e.Due, e.Justified.IsZero() && !now.Before(e.Due), e.Staff, e.To, when(e.Justified), e.Reason})
			}
			return out, err
		})
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "justify-emergency", Method: http.MethodPost, Path: "/v1/customers/{id}/emergencies/{emergency}/justification", Tags: tag, DefaultStatus: http.StatusNoContent,
		Summary: "Say why something had to be given in an emergency", Description: "Only who recorded it says so, once; it stands on record."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Emergency cpni.ID `path:"emergency" maxLength:"26"`
			Body      struct {
				Reason string `json:"reason" minLength:"20" maxLength:"1000" doc:"Who asked, why life was at risk, and how you knew who they were."`
			}
		}) (*struct{}, error) {
			return nil, a.office.Door.Justify(ctx, c.member.ID, in.ID, in.Emergency, in.Body.Reason)
		})
}
