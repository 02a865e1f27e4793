package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// Message is a message to a customer and where it stands. Neither what it says nor where it goes is told: a code may stand
// in it.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
type Message struct {
	ID       cpni.ID      `json:"id"`
	Customer cpni.ID      `json:"customer"`
	Kind     string       `json:"kind" doc:"Names its template, such as account-change."`
	Via      cpni.Via     `json:"via" enum:"text,voice,email,postal"`
	Place    notify.Place `json:"place" enum:"old,tnor,aor,named" doc:"What sort of place it goes to: where the customer was reached before a change, a telephone number of record, an address of record, or another that was named."`
	State    notify.State `json:"state" enum:"queued,sending,sent,delivered,bounced,failed,replaced,cancelled"`
	Code     string       `json:"code,omitempty" doc:"The other side's last word, or ours."`
	Planned  time.Time    `json:"planned"`
	Changed  *time.Time   `json:"changed,omitempty" doc:"When its state was last written."`
	Due      *time.Time   `json:"due,omitempty" doc:"Of one that waits: no attempt before."`
	Attempts int          `json:"attempts"`
	Wording  string       `json:"wording,omitempty" doc:"The version of the template that it was written by."`
	Instead  cpni.ID      `json:"instead,omitempty" doc:"The message that goes in its place."`
	Settled  bool         `json:"settled,omitempty" doc:"It did not arrive, and somebody has seen to it."`
}

func messageOf(of cpni.ID, m notify.Message) Message {
	out := Message{ID: m.ID, Customer: of, Kind: m.Kind, Via: m.Via, Place: m.Place, State: m.State, Code: m.Code, Planned: m.At, Attempts: m.Attempts, Wording: m.Wording, Instead: m.Instead,
		Settled: m.Stopped && (m.State == notify.Bounced || m.State == notify.Failed)}
	if !m.Changed.IsZero() {
		out.Changed = &m.Changed
	}
	if m.State == notify.Queued {
		out.Due = &m.Due
	}
	return out
}

// Messages is a page of messages, newest first.
type Messages struct {
	Messages []Message `json:"messages"`
	Next     string    `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
}

// Fate is a message with everything that has become of it.
type Fate struct {
	Message
	InsteadOf cpni.ID     `json:"instead_of,omitempty" doc:"The message that did not arrive, in whose place it goes."`
	Events    []FateEvent `json:"events"`
}

// FateEvent is one thing that has become of a message.
type FateEvent struct {
	At   time.Time `json:"at"`
	What string    `json:"what" doc:"A state, the kind of what came in (receipt, bounce, auto-reply, reply, stop, mailed, complaint), or settled."`
	Code string    `json:"code,omitempty"`
	Call string    `json:"call,omitempty" doc:"How a call ended: answered, machine, busy, no-answer, refused or unreachable."`
	By   cpni.ID   `json:"by,omitempty" doc:"The member of the staff who did it."`
	Says string    `json:"says,omitempty" doc:"The reason of who did it; the other side's words are told only to those who may see customers."`
}

// MessageFilter is what lists of messages are narrowed by.
type MessageFilter struct {
	State  notify.State `query:"state" enum:"queued,sending,sent,delivered,bounced,failed,replaced,cancelled"`
	Via    cpni.Via     `query:"via" enum:"text,voice,email,postal"`
	Kind   string       `query:"kind" maxLength:"40"`
	Before string       `query:"before" maxLength:"60" doc:"The cursor: messages older than this one."`
	Limit  int          `query:"limit" minimum:"1" maximum:"499" default:"100"`
}

// OneMessage names a message.
type OneMessage struct {
	Customer cpni.ID `path:"id" maxLength:"26"`
	Message  cpni.ID `path:"message" maxLength:"26"`
}

// why is what every act on a message bears.
type why struct {
	OneMessage
	Key  string `header:"Idempotency-Key" maxLength:"255"`
	Body struct {
		Reason string `json:"reason" maxLength:"500" doc:"It stands on record."`
	}
}

// cite: P-23, P-25, P-41, 47 CFR 64.2010(f)
func (a *API) messages() {
	tag := []string{"messages"}
	const one = "/v1/customers/{id}/messages/{message}"
	register(a, operation{right: staff.ReadRecords, scope: "messages", Operation: huma.Operation{OperationID: "list-messages", Method: http.MethodGet, Path: "/v1/messages", Tags: tag,
		Summary: "List messages to customers", Description: "Newest first, of all customers. Nothing of them is personal but the customers' ids."}},
		func(ctx context.Context, _ caller, in *MessageFilter) (*struct{ Body Messages }, error) {
			return a.listMessages(ctx, "", in)
		})
	register(a, operation{right: staff.ReadRecords, scope: "messages", Operation: huma.Operation{OperationID: "list-customer-messages", Method: http.MethodGet, Path: "/v1/customers/{id}/messages", Tags: tag,
		Summary: "List the messages to a customer"}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			MessageFilter
		}) (*struct{ Body Messages }, error) {
			if _, _, err := a.office.Customers.Get(ctx, in.ID); err != nil {
				return nil, err
			}
			if err := a.office.Viewed(ctx, c.member.ID, watch.Records, in.ID); err != nil {
				return nil, err
			}
			return a.listMessages(ctx, in.ID, &in.MessageFilter)
		})
	register(a, operation{right: staff.ReadRecords, scope: "messages", Operation: huma.Operation{OperationID: "read-message", Method: http.MethodGet, Path: one, Tags: tag,
		Summary: "Read what has become of a message", Description: "Never what it says."}},
		func(ctx context.Context, c caller, in *OneMessage) (*struct{ Body Fate }, error) {
			return a.fate(ctx, c, in.Customer, in.Message)
		})
	for _, act := range []struct {
		name, summary, description string
		do                         func(context.Context, cpni.ID, cpni.ID, notify.Act) (cpni.ID, error)
	}{
		{"retry", "Send a message that did not arrive once more", "The same way to the same place, as a message of its own, which is answered. Takes an Idempotency-Key.", a.retry},
		{"another", "Send a message another way", "By the next way that the law allows, as a message of its own, which is answered. Takes an Idempotency-Key.", a.another},
		{"withdraw", "Take back a message that waits", "One that a channel has at this moment may still go out. What was taken back already stays so.", a.withdraw},
		{"settle", "Settle a message that did not arrive", "The customer was told in another way, or need not be: nothing is sent.", a.settle},
	} {
		register(a, operation{right: staff.Watch, scope: "messages", Operation: huma.Operation{OperationID: act.name + "-message", Method: http.MethodPost, Path: one + "/" + act.name, Tags: tag,
			Summary: act.summary, Description: act.description}},
			func(ctx context.Context, c caller, in *why) (*struct{ Body Fate }, error) {
				id, err := act.do(ctx, in.Customer, in.Message, notify.Act{By: c.member.ID, Reason: in.Body.Reason, As: a.repeatable("message", c, in.Key)})
				if err != nil {
					return nil, messageError(err)
				}
				return a.fate(ctx, c, in.Customer, id)
			})
	}
}

func (a *API) retry(ctx context.Context, of, id cpni.ID, act notify.Act) (cpni.ID, error) {
	return a.office.Messages.Retry(ctx, of, id, act)
}

func (a *API) another(ctx context.Context, of, id cpni.ID, act notify.Act) (cpni.ID, error) {
	return a.office.Messages.Another(ctx, of, id, act)
}

func (a *API) withdraw(ctx context.Context, of, id cpni.ID, act notify.Act) (cpni.ID, error) {
	return id, a.office.Messages.Withdraw(ctx, of, id, act)
}

func (a *API) settle(ctx context.Context, of, id cpni.ID, act notify.Act) (cpni.ID, error) {
	return id, a.office.Messages.Settle(ctx, of, id, act)
}

func (a *API) listMessages(ctx context.Context, of cpni.ID, in *MessageFilter) (*struct{ Body Messages }, error) {
	f := notify.Filter{Customer: of, State: in.State, Via: in.Via, Kind: in.Kind, Limit: in.Limit + 1}
	if in.Before != "" {
		at, id, _ := strings.Cut(in.Before, ".")
		us, err := strconv.ParseInt(at, 10, 64)
		if err != nil || !cpni.ID(id).Valid() {
			return nil, badInput("before is no cursor: give next of the page before")
		}
		f.Before, f.BeforeID = time.UnixMicro(us), cpni.ID(id)
	}
	all, err := a.office.Outbox.Find(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body Messages }{Messages{Messages: []Message{}}}
	if len(all) > in.Limit {
		all = all[:in.Limit]
		last := all[in.Limit-1]
		out.Body.Next = strconv.FormatInt(last.At.UnixMicro(), 10) + "." + string(last.ID)
	}
	for _, m := range all {
		out.Body.Messages = append(out.Body.Messages, messageOf(m.Customer, m.Message))
	}
	return out, nil
}

func (a *API) fate(ctx context.Context, c caller, of, id cpni.ID) (*struct{ Body Fate }, error) {
	m, err := a.office.Outbox.One(ctx, of, id)
	if err != nil {
		return nil, messageError(err)
	}
	if err := a.office.Viewed(ctx, c.member.ID, watch.Records, of); err != nil {
		return nil, err
	}
	events, err := a.office.Outbox.Events(ctx, of, id)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body Fate }{Fate{Message: messageOf(of, m), InsteadOf: m.InsteadOf, Events: []FateEvent{}}}
	for _, e := range events {
		x := FateEvent{At: e.At, What: e.What, Code: e.Code, By: e.By}
		if e.Call != nil {
			x.Call = e.Call.Ended
		}
		if e.By != "" || c.member.May(staff.See) {
			x.Says = e.Says
		}
		out.Body.Events = append(out.Body.Events, x)
	}
	return out, nil
}

// messageError answers for a message that is not there as for any other thing.
func messageError(err error) error {
	if errors.Is(err, notify.ErrNoMessage) {
		return errNotFound
	}
	return err
}
