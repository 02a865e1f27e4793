package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/controls"
	"ringfence/internal/staff"
)

// Control is something that guards customers' information, as it stands.
//
// cite: P-37, 47 CFR 64.2010(a)
type Control struct {
	ID       string         `json:"id"`
	Title    string         `json:"title"`
	Says     string         `json:"says" doc:"What is so while it is on."`
	Clauses  []string       `json:"clauses"`
	Sections []string       `json:"sections"`
	State    controls.State `json:"state" enum:"on,off,unknown"`
	Since    *time.Time     `json:"since,omitempty"`
	Looked   *time.Time     `json:"looked,omitempty" doc:"When it was last looked at or confirmed."`
	Seen     string         `json:"seen" doc:"What was seen then."`
	Every    int            `json:"every,omitempty" doc:"Days between two confirmations by a person; none: the program looks."`
	By       string         `json:"by,omitempty" doc:"Who confirmed it: a member's id."`
	Until    *time.Time     `json:"until,omitempty" doc:"How long the confirmation is good."`
	Steps    int            `json:"steps" doc:"How many there are in its history: whoever confirms may name it."`
	Entry    cpni.ID        `json:"entry,omitempty" doc:"Of the ledger, with the newest step."`
	History  []ControlStep  `json:"history,omitempty" doc:"In its order. Not in lists."`
}

// ControlStep is one step in the history of a control.
type ControlStep struct {
	N     int            `json:"n"`
	At    time.Time      `json:"at"`
	What  controls.What  `json:"what" enum:"found,confirmed,lapsed"`
	By    string         `json:"by" doc:"A member's id, or system."`
	State controls.State `json:"state" enum:"on,off,unknown"`
	Says  string         `json:"says"`
	Until *time.Time     `json:"until,omitempty"`
	Entry cpni.ID        `json:"entry"`
}

// ControlConfirmed is what a person has looked at.
type ControlConfirmed struct {
	On    bool   `json:"on" doc:"It is so; false: it is not."`
	Words string `json:"words" minLength:"1" maxLength:"2000" doc:"What was looked at, and what was seen. No customer's name."`
	Steps *int   `json:"steps,omitempty" minimum:"0" doc:"How many steps whoever confirms has seen; when there are more meanwhile it is refused as CONFLICT."`
}

func controlOf(c controls.Control, steps []controls.Step) Control {
	out := Control{ID: c.ID, Title: c.Title, Says: c.Says, Clauses: c.Clauses, Sections: c.Sections, State: c.State, Since: momentOf(c.Since), Looked: momentOf(c.Looked), Seen: c.Seen, Every: c.Every, By: c.By, Until: momentOf(c.Until), Steps: c.Steps, Entry: c.Entry}
	for _, s := range steps {
		out.History = append(out.History, ControlStep{s.N, s.At, s.What, s.By, s.State, s.Says, momentOf(s.Until), s.Entry})
	}
	return out
}

type oneControl struct {
	ID string `path:"id" maxLength:"40"`
}

// controls are the list of what guards customers' information.
//
// cite: P-37, 47 CFR 64.2010(a)
func (a *API) controls() {
	tag := []string{"records"}
	const all, one = "/v1/controls", "/v1/controls/{id}"
	register(a, operation{right: staff.ReadRecords, scope: "records", Operation: huma.Operation{OperationID: "list-controls", Method: http.MethodGet, Path: all, Tags: tag, Summary: "List what guards customers' information", Description: "In the order of the list, with the state of each."}},
		func(ctx context.Context, c caller, _ *struct{}) (*struct {
			Body struct {
				Controls []Control `json:"controls"`
			}
		}, error) {
			list, err := a.office.Controls.Read(ctx, c.member.ID)
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Controls []Control `json:"controls"`
				}
			}{}
			for _, x := range list {
				out.Body.Controls = append(out.Body.Controls, controlOf(x, nil))
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadRecords, scope: "records", Operation: huma.Operation{OperationID: "read-control", Method: http.MethodGet, Path: one, Tags: tag, Summary: "Read a control with its history"}},
		func(ctx context.Context, c caller, in *oneControl) (*struct{ Body Control }, error) {
			x, steps, err := a.office.Controls.One(ctx, in.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Control }{controlOf(x, steps)}, nil
		})
	register(a, operation{right: staff.KeepRegisters, scope: "records", Operation: huma.Operation{OperationID: "confirm-control", Method: http.MethodPost, Path: one + "/confirm", Tags: tag, Summary: "Confirm a control that no program can see",
		Description: "By compliance or an officer, in their own words. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			ID   string `path:"id" maxLength:"40"`
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body ControlConfirmed
		}) (*struct{ Body Control }, error) {
			act := controls.Act{By: c.member.ID, ID: a.repeatable("control "+in.ID, c, in.Key), Steps: -1}
			if in.Body.Steps != nil {
				act.Steps = *in.Body.Steps
			}
			if err := a.office.Controls.Confirm(ctx, in.ID, act, in.Body.On, in.Body.Words); err != nil {
				return nil, err
			}
			x, steps, err := a.office.Controls.One(ctx, in.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Control }{controlOf(x, steps)}, nil
		})
}
