package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/retention"
	"ringfence/internal/staff"
)

// RetentionTerm is how long a kind of record is kept.
//
// cite: P-41, P-54, 47 CFR 64.2011(d)
type RetentionTerm struct {
	Kind   string     `json:"kind"`
	Title  string     `json:"title"`
	Floor  int        `json:"floor_months" doc:"The rule's, below which nobody can go; 0: the rule names no time."`
	Months int        `json:"months" doc:"That the carrier keeps to."`
	Most   int        `json:"most_months,omitempty" doc:"After which it is asked why something is still there; none: never."`
	Counts string     `json:"counts_from"`
	Goes   string     `json:"goes" doc:"How it goes when its time is over."`
	Cites  []string   `json:"cites"`
	There  int64      `json:"there"`
	Oldest *time.Time `json:"oldest,omitempty"`
}

// ErasurePlan is what is past its time, and what stays and why.
type ErasurePlan struct {
	At    time.Time        `json:"at"`
	Items int              `json:"items"`
	Hash  string           `json:"list_hash" doc:"Of the list of everything that goes."`
	Lines []retention.Line `json:"lines"`
}

// RetentionHold is a legal hold.
type RetentionHold struct {
	ID       cpni.ID    `json:"id"`
	At       time.Time  `json:"at"`
	By       cpni.ID    `json:"by"`
	Lifted   *time.Time `json:"lifted,omitempty"`
	LiftedBy cpni.ID    `json:"lifted_by,omitempty"`
	Scope    HoldScope  `json:"scope"`
	Matter   string     `json:"matter"`
	Reason   string     `json:"reason"`
	Why      string     `json:"why,omitempty" doc:"It was lifted."`
}

// HoldScope is what a hold covers; what is left out does not narrow it.
type HoldScope struct {
	Customer cpni.ID    `json:"customer,omitempty" maxLength:"26"`
	Kind     string     `json:"kind,omitempty" maxLength:"40"`
	Incident cpni.ID    `json:"incident,omitempty" maxLength:"26"`
	Campaign cpni.ID    `json:"campaign,omitempty" maxLength:"26"`
	From     *time.Time `json:"from,omitempty" doc:"From this moment on."`
	Until    *time.Time `json:"until,omitempty" doc:"Before this moment."`
}

// Erasure is a plan that was carried out, or is being carried out.
type Erasure struct {
	ID    cpni.ID       `json:"id" doc:"Of its proposal as well."`
	At    time.Time     `json:"at"`
	By    cpni.ID       `json:"by"`
	State string        `json:"state" enum:"running,done"`
	Hash  string        `json:"list_hash"`
	Ended *time.Time    `json:"ended,omitempty"`
	Lines []ErasureLine `json:"lines"`
}

// ErasureLine is what became of a kind.
type ErasureLine struct {
	Kind    string     `json:"kind"`
	Months  int        `json:"months" doc:"That such a record was kept."`
	Planned int        `json:"planned"`
	Erased  int        `json:"erased"`
	Kept    int        `json:"kept,omitempty" doc:"For something that came after the plan was made."`
	Oldest  *time.Time `json:"oldest,omitempty"`
}

func holdOf(h *retention.Hold) RetentionHold {
	s := h.Scope
	return RetentionHold{ID: h.ID, At: h.At, By: h.By, Lifted: momentOf(h.Lifted), LiftedBy: h.LiftedBy, Matter: h.Matter, Reason: h.Reason, Why: h.Why,
		Scope: HoldScope{s.Customer, s.Kind, s.Incident, s.Campaign, momentOf(s.From), momentOf(s.Until)}}
}

var errNoHold = cpni.Rejected("NOT_FOUND", "there is no such hold", []string{"P-54"}, "list the holds")

// retention is how long what is kept, legal holds, and erasure by a plan.
//
// cite: P-41, P-54, I-22, 47 CFR 64.2009(c), 47 CFR 64.2011(d)
func (a *API) retention() {
	tag := []string{"retention"}
	d := a.office.Retention
	register(a, operation{right: staff.ReadRegisters, scope: "records", Operation: huma.Operation{OperationID: "read-retention", Method: http.MethodGet, Path: "/v1/retention", Tags: tag, Summary: "Read how long each kind of record is kept"}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body []RetentionTerm }, error) {
			all, err := d.Standings(ctx)
			out := &struct{ Body []RetentionTerm }{[]RetentionTerm{}}
			for _, s := range all {
				out.Body = append(out.Body, RetentionTerm{s.Kind.Name, s.Kind.Title, s.Term.Floor, s.Term.Months, s.Term.Most, s.Kind.Counts, s.Kind.Goes, s.Kind.Cites, s.There, momentOf(s.Oldest)})
			}
			return out, err
		})
	register(a, operation{right: staff.ReadRegisters, scope: "records", Operation: huma.Operation{OperationID: "read-erasure-plan", Method: http.MethodGet, Path: "/v1/retention/plan", Tags: tag, Summary: "Read what is past its time", Description: "What would go, what would stay and why. Nothing goes by it."}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body ErasurePlan }, error) {
			p, err := d.Plan(ctx)
			if err != nil {
				return nil, err
			}
			return &struct{ Body ErasurePlan }{ErasurePlan{p.At, p.Items(), p.Hash, p.Lines}}, nil
		})
	register(a, operation{right: staff.Forget, scope: "proposals", Operation: huma.Operation{OperationID: "propose-erasure", Method: http.MethodPost, Path: "/v1/retention/plan", Tags: tag, DefaultStatus: http.StatusAccepted,
		Summary: "Propose to erase what is past its time", Description: "Of some kinds, or of all. Another member agrees to exactly the list that was made; a legal hold keeps what it covers. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body struct {
				Kinds []string `json:"kinds,omitempty" maxItems:"40" doc:"None: every kind."`
			}
		}) (*proposed, error) {
			return a.proposed(a.office.ProposeErasure(ctx, a.repeatable("proposal to erase", c, in.Key), c.member.ID, in.Body.Kinds...))
		})
	register(a, operation{right: staff.ReadRegisters, scope: "records", Operation: huma.Operation{OperationID: "list-erasures", Method: http.MethodGet, Path: "/v1/retention/erasures", Tags: tag, Summary: "List what was erased by plans", Description: "The newest first."}},
		func(ctx context.Context, _ caller, in *struct {
			Before cpni.ID `query:"before" maxLength:"26" doc:"The cursor: plans older than this one."`
		}) (*struct{ Body []Erasure }, error) {
			all, err := d.Erasures(ctx, in.Before)
			out := &struct{ Body []Erasure }{[]Erasure{}}
			for _, w := range all {
				e := Erasure{ID: w.ID, At: w.At, By: w.By, State: string(w.State), Hash: w.Hash, Ended: momentOf(w.Ended), Lines: []ErasureLine{}}
				for _, l := range w.Lines {
					e.Lines = append(e.Lines, ErasureLine{l.Kind, l.Months, l.Planned, l.Erased, l.Kept, momentOf(l.Oldest)})
				}
				out.Body = append(out.Body, e)
			}
			return out, err
		})
	register(a, operation{right: staff.ReadRegisters, scope: "records", Operation: huma.Operation{OperationID: "list-holds", Method: http.MethodGet, Path: "/v1/retention/holds", Tags: tag, Summary: "List legal holds", Description: "Those in force first."}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body []RetentionHold }, error) {
			all, err := d.Holds(ctx)
			out := &struct{ Body []RetentionHold }{[]RetentionHold{}}
			for _, h := range all {
				out.Body = append(out.Body, holdOf(h))
			}
			return out, err
		})
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "place-hold", Method: http.MethodPost, Path: "/v1/retention/holds", Tags: tag, DefaultStatus: http.StatusCreated,
		Summary: "Place a legal hold", Description: "A scope of nothing covers everything. Nothing that it covers is erased while it is in force. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body struct {
				Scope  HoldScope `json:"scope"`
				Matter string    `json:"matter" minLength:"1" maxLength:"200"`
				Reason string    `json:"reason" minLength:"1" maxLength:"2000"`
			}
		}) (*struct{ Body RetentionHold }, error) {
			s := in.Body.Scope
			h, err := d.Place(ctx, a.repeatable("legal hold", c, in.Key), c.member.ID, retention.Scope{Customer: s.Customer, Kind: s.Kind, Incident: s.Incident, Campaign: s.Campaign, From: timeOf(s.From), Until: timeOf(s.Until)}, in.Body.Matter, in.Body.Reason)
			if err != nil {
				return nil, err
			}
			return &struct{ Body RetentionHold }{holdOf(h)}, nil
		})
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "lift-hold", Method: http.MethodPost, Path: "/v1/retention/holds/{id}/lift", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Lift a legal hold", Description: "By another member than the one who placed it."}},
		func(ctx context.Context, c caller, in *struct {
			ID   cpni.ID `path:"id" maxLength:"26"`
			Body struct {
				Why string `json:"why" minLength:"1" maxLength:"2000"`
			}
		}) (*struct{ Body RetentionHold }, error) {
			h, err := d.Lift(ctx, in.ID, c.member.ID, in.Body.Why)
			if errors.Is(err, retention.ErrNone) {
				err = errNoHold
			}
			if err != nil {
				return nil, err
			}
			return &struct{ Body RetentionHold }{holdOf(h)}, nil
		})
}
