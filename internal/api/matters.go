package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/matter"
)

// Matter is a case of fraud, a trouble ticket, an order, a port or a placement with a vendor.
type Matter struct {
	ID        cpni.ID          `json:"id"`
	Kind      matter.Kind      `json:"kind" enum:"protection,ticket,order,port-in,port-out,collection"`
	State     matter.State     `json:"state" enum:"open,closed"`
	Reference string           `json:"reference,omitempty" doc:"Its number in the system where it is kept. None when somebody whom it is about was forgotten; nor why, nor the carrier."`
	Why       string           `json:"why,omitempty"`
	About     []MatterAbout    `json:"about"`
	Purpose   cpni.Purpose     `json:"purpose" doc:"The one purpose that it can justify."`
	Data      []cpni.DataClass `json:"data" doc:"The classes of information that it justifies."`
	Vendor    string           `json:"vendor,omitempty" doc:"Of a placement."`
	Carrier   string           `json:"carrier,omitempty" doc:"Of a port: the other carrier."`
	Alert     cpni.ID          `json:"alert,omitempty" doc:"That it was opened on."`
	Opened    time.Time        `json:"opened"`
	Opener    string           `json:"opener"`
	Touched   time.Time        `json:"touched" doc:"When it was last worked on, to the hour."`
	Idle      *time.Time       `json:"idle,omitempty" doc:"Since when it lies."`
	Closed    *time.Time       `json:"closed,omitempty"`
	Closer    string           `json:"closer,omitempty"`
	Outcome   matter.Outcome   `json:"outcome,omitempty" enum:"done,cancelled,unfounded,lapsed"`
}

// MatterAbout is a customer whom a matter is about.
type MatterAbout struct {
	Customer cpni.ID  `json:"customer" maxLength:"26"`
	Lines    []string `json:"lines,omitempty" maxItems:"100" doc:"Numbers of the customer; none: all lines. Of a port the numbers that are ported."`
}

// NewMatter opens a matter.
type NewMatter struct {
	Kind      matter.Kind      `json:"kind" enum:"protection,ticket,order,port-in,port-out,collection"`
	Reference string           `json:"reference" minLength:"1" maxLength:"100" doc:"Its number in the system where it is kept; a request can name it by that."`
	About     []MatterAbout    `json:"about" minItems:"1" maxItems:"20"`
	Why       string           `json:"why" minLength:"1" maxLength:"1000" doc:"Sealed."`
	Data      []cpni.DataClass `json:"data,omitempty" maxItems:"10" doc:"What the work needs; the usual of its kind when not given. A port names at most service and listing, a placement at most billing, usage, service and listing."`
	Vendor    string           `json:"vendor,omitempty" maxLength:"40" doc:"Of a placement: a partner with an agreement in force and a day of destruction."`
	Carrier   string           `json:"carrier,omitempty" maxLength:"200" doc:"Of a port: the other carrier."`
	Alert     cpni.ID          `json:"alert,omitempty" maxLength:"26" doc:"Of a case of fraud: the alert that it is opened on."`
}

// Matters is a page of matters, newest first.
type Matters struct {
	Matters []Matter `json:"matters"`
	Next    cpni.ID  `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
}

// MatterHistory is a matter with what was done in it.
type MatterHistory struct {
	Matter
	History []CaseStep `json:"history"`
}

func matterOf(m *matter.Matter) Matter {
	out := Matter{ID: m.ID, Kind: m.Kind, State: m.State, Reference: m.Reference, Why: m.Why, About: []MatterAbout{}, Purpose: m.Purpose(), Data: m.Data, Vendor: m.Partner, Carrier: m.Carrier, Alert: m.Alert,
		Opened: m.Opened, Opener: m.Opener, Touched: m.Touched, Closer: m.Closer, Outcome: m.Outcome}
	for _, a := range m.Customers {
		out.About = append(out.About, MatterAbout{a.Customer, a.Lines})
	}
	if !m.Reminded.IsZero() && m.State == matter.Open {
		out.Idle = &m.Reminded
	}
	if !m.Closed.IsZero() {
		out.Closed = &m.Closed
	}
	return out
}

// OneMatter names a matter.
type OneMatter struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

type madeMatter struct {
	Location string `header:"Location"`
	Body     Matter
}

// theirs gives the kinds of matters on which the member of a key works.
func (c caller) theirs() []matter.Kind {
	return slices.DeleteFunc(slices.Clone(matter.Kinds), func(k matter.Kind) bool { return !c.member.May(k.Right()) })
}

// matter reads a matter for who works on such; for anybody else there is none.
//
// cite: P-37, 47 CFR 64.2010(a)
func (a *API) matter(ctx context.Context, c caller, id cpni.ID) (*matter.Matter, error) {
	m, err := a.office.Matters.Get(ctx, id)
	if errors.Is(err, matter.ErrNone) || err == nil && !c.member.May(m.Kind.Right()) {
		return nil, errNotFound
	}
	return m, err
}

// cite: P-28, P-30, P-31, P-33, P-34, P-35, P-37, I-11, 47 USC 222(b), 47 USC 222(c)(1), 47 USC 222(d)
func (a *API) matters() {
	tag := []string{"matters"}
	const scope = "matters"
	register(a, operation{scope: scope, Operation: huma.Operation{OperationID: "open-matter", Method: http.MethodPost, Path: "/v1/matters", Tags: tag, DefaultStatus: http.StatusCreated,
		Summary: "Open a case, ticket, order, port or placement", Description: "From then on, and until it closes, requests for its purpose may rest on it, for the customers, lines and information that it names. Takes an Idempotency-Key: the same key opens it once."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewMatter
		}) (*madeMatter, error) {
			b := in.Body
			if refusal := c.member.Barred(b.Kind.Right()); refusal != nil {
				return nil, refusal
			}
			o := matter.Opening{ID: a.repeatable("matter", c, in.Key), Kind: b.Kind, Reference: b.Reference, Why: b.Why, Data: b.Data, Partner: b.Vendor, Carrier: b.Carrier, Alert: b.Alert, By: string(c.member.ID)}
			for _, x := range b.About {
				o.About = append(o.About, matter.About{Customer: x.Customer, Lines: x.Lines})
			}
			m, err := a.office.Matters.Open(ctx, o)
			if err != nil {
				return nil, err
			}
			return &madeMatter{"/v1/matters/" + string(m.ID), matterOf(m)}, nil
		})
	register(a, operation{scope: scope, Operation: huma.Operation{OperationID: "list-matters", Method: http.MethodGet, Path: "/v1/matters", Tags: tag, Summary: "List matters", Description: "Of the kinds on which the member of the key works."}},
		func(ctx context.Context, c caller, in *struct {
			Kind     matter.Kind  `query:"kind" enum:"protection,ticket,order,port-in,port-out,collection"`
			State    matter.State `query:"state" enum:"open,closed"`
			Customer cpni.ID      `query:"customer" maxLength:"26"`
			Idle     bool         `query:"idle" doc:"Only those that lie."`
			Before   cpni.ID      `query:"before" maxLength:"26" doc:"The cursor: matters older than this one."`
			Limit    int          `query:"limit" minimum:"1" maximum:"500" default:"100"`
		}) (*struct{ Body Matters }, error) {
			f := matter.Filter{Kinds: c.theirs(), State: in.State, Customer: in.Customer, Idle: in.Idle, Before: in.Before, Limit: in.Limit + 1}
			if in.Kind != "" {
				if refusal := c.member.Barred(in.Kind.Right()); refusal != nil {
					return nil, refusal
				}
				f.Kinds = []matter.Kind{in.Kind}
			}
			out := &struct{ Body Matters }{Matters{Matters: []Matter{}}}
			if len(f.Kinds) == 0 {
				return nil, c.member.Barred(cpni.RightWorkTickets)
			}
			all, err := a.office.Matters.List(ctx, f)
			if err != nil {
				return nil, err
			}
			if len(all) > in.Limit {
				all = all[:in.Limit]
				out.Body.Next = all[in.Limit-1].ID
			}
			for _, m := range all {
				out.Body.Matters = append(out.Body.Matters, matterOf(m))
			}
			return out, nil
		})
	register(a, operation{scope: scope, Operation: huma.Operation{OperationID: "find-matter", Method: http.MethodPost, Path: "/v1/matters/search", Tags: tag, Summary: "Find a matter by its number in the system where it is kept",
		Description: "The open one of that number, or the newest."}},
		func(ctx context.Context, c caller, in *struct {
			Body struct {
				Kind      matter.Kind `json:"kind" enum:"protection,ticket,order,port-in,port-out,collection"`
				Reference string      `json:"reference" minLength:"1" maxLength:"100"`
			}
		}) (*struct{ Body Matter }, error) {
			if refusal := c.member.Barred(in.Body.Kind.Right()); refusal != nil {
				return nil, refusal
			}
			m, err := a.office.Matters.Find(ctx, in.Body.Reference, in.Body.Kind)
			if errors.Is(err, matter.ErrNone) || err == nil && m.Kind != in.Body.Kind {
				return nil, errNotFound
			}
			if err != nil {
				return nil, err
			}
			return &struct{ Body Matter }{matterOf(m)}, nil
		})
	register(a, operation{scope: scope, Operation: huma.Operation{OperationID: "read-matter", Method: http.MethodGet, Path: "/v1/matters/{id}", Tags: tag, Summary: "Read a matter and what was done in it"}},
		func(ctx context.Context, c caller, in *OneMatter) (*struct{ Body MatterHistory }, error) {
			m, err := a.matter(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			return a.withHistory(ctx, m)
		})
	register(a, operation{scope: scope, Operation: huma.Operation{OperationID: "note-matter", Method: http.MethodPost, Path: "/v1/matters/{id}/notes", Tags: tag, Summary: "Add a note to a matter", Description: "It counts as work on it. Notes are sealed and stay."}},
		func(ctx context.Context, c caller, in *struct {
			OneMatter
			Body struct {
				Note string `json:"note" minLength:"1" maxLength:"1000"`
			}
		}) (*struct{ Body MatterHistory }, error) {
			if _, err := a.matter(ctx, c, in.ID); err != nil {
				return nil, err
			}
			m, err := a.office.Matters.Note(ctx, in.ID, string(c.member.ID), in.Body.Note)
			if err != nil {
				return nil, err
			}
			return a.withHistory(ctx, m)
		})
	register(a, operation{scope: scope, Operation: huma.Operation{OperationID: "close-matter", Method: http.MethodPost, Path: "/v1/matters/{id}/close", Tags: tag, Summary: "Close a matter",
		Description: "From then on it justifies nothing: also a decision that is being made on it is made again."}},
		func(ctx context.Context, c caller, in *struct {
			OneMatter
			Body struct {
				Outcome matter.Outcome `json:"outcome" enum:"done,cancelled,unfounded"`
				Reason  string         `json:"reason" minLength:"1" maxLength:"1000"`
			}
		}) (*struct{ Body MatterHistory }, error) {
			if _, err := a.matter(ctx, c, in.ID); err != nil {
				return nil, err
			}
			m, err := a.office.Matters.Close(ctx, in.ID, string(c.member.ID), in.Body.Outcome, in.Body.Reason)
			if err != nil {
				return nil, err
			}
			return a.withHistory(ctx, m)
		})
}

func (a *API) withHistory(ctx context.Context, m *matter.Matter) (*struct{ Body MatterHistory }, error) {
	steps, err := a.office.Matters.History(ctx, m)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body MatterHistory }{MatterHistory{Matter: matterOf(m), History: []CaseStep{}}}
	for _, s := range steps {
		out.Body.History = append(out.Body.History, CaseStep{s.At, s.By, s.What, s.Note})
	}
	return out, nil
}
