package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

type lineEventInput struct {
	Body struct {
		Number   string    `json:"number" minLength:"1" maxLength:"40" doc:"The line, in E.164."`
		Customer cpni.ID   `json:"customer,omitempty" maxLength:"26" doc:"Whose line it is; whoever has the number when it is not given."`
		What     string    `json:"what" enum:"port,forward,sim,reassigned" doc:"Ported, forwarded, given a new SIM: for a while somebody else may hold it. Reassigned: somebody else has it, and it leaves the customer."`
		At       time.Time `json:"at,omitempty" doc:"When it happened; now when it is not given. What the line proved since then is proved no longer."`
	}
}

// lines takes what befalls lines, from the systems that know: number portability, the SIM register, the switch.
//
// cite: P-20, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func (a *API) lines() {
	register(a, operation{right: staff.KeepCustomers, scope: "lines", Operation: huma.Operation{OperationID: "line-event", Method: http.MethodPost, Path: "/v1/lines/events", Tags: []string{"customers"},
		Summary: "Tell what befell a line",
		Description: "The line proves nobody for a while and gets no message, what was on its way to it is taken back, and what it proved since the event is withdrawn, with an alert. " +
			"It needs no Idempotency-Key: to tell the same event again changes nothing. The number stands in the body, so that nothing personal stands in an address."}},
		func(ctx context.Context, c caller, in *lineEventInput) (*struct{}, error) {
			return nil, a.office.Contacts.LineEvent(ctx, contact.Disturbance{Customer: in.Body.Customer, Number: in.Body.Number, What: in.Body.What, At: in.Body.At, By: string(c.member.ID)})
		})
}
