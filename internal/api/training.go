package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/training"
)

// Trainee is how a member of the staff stands with their training.
type Trainee struct {
	Staff  cpni.ID        `json:"staff"`
	Role   cpni.Role      `json:"role"`
	State  training.State `json:"state" enum:"current,lapsing,lapsed,never,suspended,exempt"`
	Until  *time.Time     `json:"until,omitempty" doc:"When training ends or ended; none: never trained."`
	Course string         `json:"course,omitempty" doc:"The course that was passed last, with its version; none: one taken elsewhere."`
}

// TrainingPass is a course that a member has passed.
type TrainingPass struct {
	ID      cpni.ID   `json:"id"`
	Passed  time.Time `json:"passed"`
	Until   time.Time `json:"until"`
	Course  string    `json:"course,omitempty" doc:"None: taken elsewhere."`
	Version string    `json:"version,omitempty"`
	Digest  string    `json:"digest,omitempty" doc:"Hash of the text of the course."`
	Entry   cpni.ID   `json:"entry" doc:"In the ledger."`
}

// cite: P-38, 47 CFR 64.2009(b)
func (a *API) training() {
	tag := []string{"registers"}
	register(a, operation{right: staff.ReadRecords, scope: "records", Operation: huma.Operation{OperationID: "list-training", Method: http.MethodGet, Path: "/v1/training", Tags: tag, Summary: "List how the staff stands with its training"}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body []Trainee }, error) {
			members, err := a.office.Staff.Members(ctx)
			if err != nil {
				return nil, err
			}
			now := a.office.Clock.Now()
			out := &struct{ Body []Trainee }{[]Trainee{}}
			for i := range members {
				m := &members[i]
				if m.Disabled {
					continue
				}
				st := a.office.Training.Standing(m, now)
				t := Trainee{Staff: m.ID, Role: m.Role, State: st.State, Course: m.Course}
				if !st.Until.IsZero() {
					t.Until = &st.Until
				}
				out.Body = append(out.Body, t)
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadRecords, scope: "records", Operation: huma.Operation{OperationID: "list-passes", Method: http.MethodGet, Path: "/v1/staff/{id}/training", Tags: tag, Summary: "List the courses that a member has passed, newest first"}},
		func(ctx context.Context, _ caller, in *struct {
			ID cpni.ID `path:"id" maxLength:"26"`
		}) (*struct{ Body []TrainingPass }, error) {
			if _, _, err := a.office.Staff.Recent(ctx, in.ID); err != nil {
				return nil, err
			}
			all, err := a.office.Training.Passes(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []TrainingPass }{[]TrainingPass{}}
			for _, p := range all {
				out.Body = append(out.Body, TrainingPass{p.ID, p.Passed, p.Until, p.Course, p.Version, p.Digest, p.Record})
			}
			return out, nil
		})
}
