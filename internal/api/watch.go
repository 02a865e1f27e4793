package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// Alert is something out of the ordinary, and where its case stands. It names nobody but by id.
type Alert struct {
	ID       cpni.ID       `json:"id"`
	Detector string        `json:"detector"`
	Code     cpni.Code     `json:"code"`
	Says     string        `json:"says"`
	Member   cpni.ID       `json:"member,omitempty" doc:"The member of the staff whom it is about."`
	Customer cpni.ID       `json:"customer,omitempty" doc:"The one customer whom it is about."`
	State    watch.State   `json:"state" enum:"open,looking,closed"`
	Raised   time.Time     `json:"raised"`
	Newest   time.Time     `json:"newest" doc:"When the newest of its evidence happened."`
	Evidence int           `json:"evidence" doc:"How many entries it rests on."`
	Overdue  bool          `json:"overdue,omitempty" doc:"It should have been taken or closed by now."`
	Worker   cpni.ID       `json:"worker,omitempty" doc:"Who works on it, or did last."`
	Outcome  watch.Outcome `json:"outcome,omitempty" enum:"explained,violation,false-alarm"`
	Closed   *time.Time    `json:"closed,omitempty"`
}

func (a *API) alertOf(x watch.Alert) Alert {
	out := Alert{ID: x.ID, Detector: x.Detector, Code: x.Code, Says: x.Says, Member: x.Member, Customer: x.Customer, State: x.State, Raised: x.Raised, Newest: x.Newest, Evidence: x.Evidence,
		Overdue: a.office.Watch.Overdue(x, a.office.Clock.Now()), Worker: x.Worker, Outcome: x.Outcome}
	if !x.Closed.IsZero() {
		out.Closed = &x.Closed
	}
	return out
}

// Alerts is a page of alerts, newest first.
type Alerts struct {
	Alerts []Alert `json:"alerts"`
	Next   cpni.ID `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
}

// Activity is an entry as a search across customers finds it.
type Activity struct {
	ID       cpni.ID      `json:"id"`
	Place    int64        `json:"place" doc:"Index of its leaf in the tree."`
	Customer cpni.ID      `json:"customer,omitempty"`
	Kind     ledger.Kind  `json:"kind"`
	At       time.Time    `json:"at"`
	Actor    string       `json:"actor,omitempty"`
	Contact  string       `json:"contact,omitempty"`
	Purpose  string       `json:"purpose,omitempty" doc:"Of a decision; of a contact or a look-up, what happened."`
	Outcome  cpni.Outcome `json:"outcome"`
	Code     cpni.Code    `json:"code,omitempty"`
	Lone     bool         `json:"without_contact,omitempty" doc:"A look-up that no contact with the customer came with."`
}

func activityOf(f watch.Found) Activity {
	return Activity{f.ID, f.Seq, f.Customer, f.Kind, f.At, f.Actor, f.Contact, f.Purpose, f.Outcome, f.Code, f.Lone}
}

// Activities is a page of activity, newest first.
type Activities struct {
	Activity []Activity `json:"activity"`
	Next     string     `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
}

// AlertCase is an alert with its evidence and what was done about it.
type AlertCase struct {
	Alert   Alert      `json:"alert"`
	Entries []Activity `json:"entries"`
	History []CaseStep `json:"history"`
}

// CaseStep is one thing that was done in a case.
type CaseStep struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
	Note string    `json:"note,omitempty"`
}

// OneCase names a case.
type OneCase struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

// cite: P-37, P-41, 47 CFR 64.2010(a)
func (a *API) watching() {
	tag := []string{"alerts"}
	register(a, operation{right: staff.Watch, scope: "alerts", Operation: huma.Operation{OperationID: "list-alerts", Method: http.MethodGet, Path: "/v1/alerts", Tags: tag,
		Summary: "List alerts", Description: "Those about the member whom the key is for are left out."}},
		func(ctx context.Context, c caller, in *struct {
			State    watch.State `query:"state" enum:"open,looking,closed"`
			Detector string      `query:"detector" maxLength:"40"`
			Member   cpni.ID     `query:"member" maxLength:"26"`
			Before   cpni.ID     `query:"before" maxLength:"26" doc:"The cursor: alerts older than this one."`
			Limit    int         `query:"limit" minimum:"1" maximum:"500" default:"100"`
		}) (*struct{ Body Alerts }, error) {
			all, err := a.office.Watch.Alerts(ctx, watch.Filter{State: in.State, Detector: in.Detector, Member: in.Member, Viewer: c.member.ID, Before: in.Before, Limit: in.Limit + 1})
			if err != nil {
				return nil, err
			}
			out := &struct{ Body Alerts }{Alerts{Alerts: []Alert{}}}
			if len(all) > in.Limit {
				all = all[:in.Limit]
				out.Body.Next = all[in.Limit-1].ID
			}
			for _, x := range all {
				out.Body.Alerts = append(out.Body.Alerts, a.alertOf(x))
			}
			return out, nil
		})
	register(a, operation{right: staff.Watch, scope: "alerts", Operation: huma.Operation{OperationID: "read-alert", Method: http.MethodGet, Path: "/v1/alerts/{id}", Tags: tag, Summary: "Read an alert and its case"}},
		func(ctx context.Context, c caller, in *OneCase) (*struct{ Body AlertCase }, error) {
			return a.oneCase(ctx, in.ID, c)
		})
	register(a, operation{right: staff.Watch, scope: "alerts", Operation: huma.Operation{OperationID: "take-case", Method: http.MethodPost, Path: "/v1/alerts/{id}/take", Tags: tag, Summary: "Take a case, or take it over"}},
		func(ctx context.Context, c caller, in *OneCase) (*struct{ Body AlertCase }, error) {
			if err := a.office.Watch.Take(ctx, in.ID, c.member.ID); err != nil {
				return nil, caseError(err)
			}
			return a.oneCase(ctx, in.ID, c)
		})
	register(a, operation{right: staff.Watch, scope: "alerts", Operation: huma.Operation{OperationID: "note-case", Method: http.MethodPost, Path: "/v1/alerts/{id}/notes", Tags: tag,
		Summary: "Add a note to a case", Description: "By the one who works on it. Notes are sealed and stay."}},
		func(ctx context.Context, c caller, in *struct {
			OneCase
			Body struct {
				Note string `json:"note" minLength:"1" maxLength:"1000"`
			}
		}) (*struct{ Body AlertCase }, error) {
			if err := a.office.Watch.Note(ctx, in.ID, c.member.ID, in.Body.Note); err != nil {
				return nil, caseError(err)
			}
			return a.oneCase(ctx, in.ID, c)
		})
	register(a, operation{right: staff.Watch, scope: "alerts", Operation: huma.Operation{OperationID: "close-case", Method: http.MethodPost, Path: "/v1/alerts/{id}/close", Tags: tag,
		Summary: "Close a case", Description: "By the one who works on it, once, with what came of it and why."}},
		func(ctx context.Context, c caller, in *struct {
			OneCase
			Body struct {
				Outcome watch.Outcome `json:"outcome" enum:"explained,violation,false-alarm"`
				Reason  string        `json:"reason" minLength:"1" maxLength:"1000"`
			}
		}) (*struct{ Body AlertCase }, error) {
			if err := a.office.Watch.Close(ctx, in.ID, c.member.ID, in.Body.Outcome, in.Body.Reason); err != nil {
				return nil, caseError(err)
			}
			return a.oneCase(ctx, in.ID, c)
		})
	register(a, operation{right: staff.ReadRecords, scope: "records", Operation: huma.Operation{OperationID: "search-activity", Method: http.MethodGet, Path: "/v1/activity", Tags: []string{"records"},
		Summary: "Search the ledger across customers", Description: "Newest first, and about a second behind. Alerts are left out for who does not watch, and for the one they are about."}},
		func(ctx context.Context, c caller, in *struct {
			Customer cpni.ID      `query:"customer" maxLength:"26"`
			Actor    string       `query:"actor" maxLength:"64" doc:"A member's id, or customer."`
			Kind     ledger.Kind  `query:"kind" enum:"decision,attempt,contact,lookup,change,message,letter,alert,admin"`
			Outcome  cpni.Outcome `query:"outcome" maxLength:"20"`
			Code     cpni.Code    `query:"code" maxLength:"40"`
			From     time.Time    `query:"from" doc:"From this moment on."`
			To       time.Time    `query:"to" doc:"Before this moment."`
			Before   string       `query:"before" maxLength:"60" doc:"The cursor."`
			Limit    int          `query:"limit" minimum:"1" maximum:"500" default:"100"`
		}) (*struct{ Body Activities }, error) {
			q := watch.Query{Customer: in.Customer, Actor: in.Actor, Kind: in.Kind, Outcome: in.Outcome, Code: in.Code, From: in.From, To: in.To, Limit: in.Limit + 1}
			if in.Before != "" {
				at, seq, _ := strings.Cut(in.Before, ".")
				us, err := strconv.ParseInt(at, 10, 64)
				n, err2 := strconv.ParseInt(seq, 10, 64)
				if err != nil || err2 != nil {
					return nil, badInput("before is no cursor: give next of the page before")
				}
				q.Before = watch.Cursor{At: time.UnixMicro(us), Seq: n}
			}
			found, err := a.office.Watch.Search(ctx, q)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body Activities }{Activities{Activity: []Activity{}}}
			if len(found) > in.Limit {
				found = found[:in.Limit]
				last := found[in.Limit-1]
				out.Body.Next = fmt.Sprintf("%d.%d", last.At.UnixMicro(), last.Seq)
			}
			for _, f := range found {
				if f.Kind == ledger.Alert && (!c.member.May(staff.Watch) || f.Actor == string(c.member.ID)) {
					continue
				}
				if hidden, err := a.office.HiddenFound(ctx, c.member.ID, f); err != nil {
					return nil, err
				} else if hidden {
					continue
				}
				out.Body.Activity = append(out.Body.Activity, activityOf(f))
			}
			return out, nil
		})
}

func (a *API) oneCase(ctx context.Context, id cpni.ID, c caller) (*struct{ Body AlertCase }, error) {
	x, err := a.office.Watch.Case(ctx, id, c.member.ID)
	if err != nil {
		return nil, caseError(err)
	}
	out := &struct{ Body AlertCase }{AlertCase{Alert: a.alertOf(x.Alert), Entries: []Activity{}, History: []CaseStep{}}}
	for _, f := range x.Entries {
		out.Body.Entries = append(out.Body.Entries, activityOf(f))
	}
	for _, s := range x.History {
		out.Body.History = append(out.Body.History, CaseStep{s.At, s.By, s.What, s.Note})
	}
	return out, nil
}

// caseError answers for a case that is not there as for any other thing.
func caseError(err error) error {
	if errors.Is(err, watch.ErrNoCase) {
		return errNotFound
	}
	return err
}
