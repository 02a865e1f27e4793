package api

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
	"ringfence/internal/written"
)

// WrittenRequest is where a customer's request stands to give records to somebody whom they name. It names nobody.
//
// cite: P-36, 47 USC 222(c)(2)
type WrittenRequest struct {
	ID       cpni.ID       `json:"id"`
	Customer cpni.ID       `json:"customer"`
	At       time.Time     `json:"at" doc:"When it was signed, or came in."`
	State    written.State `json:"state" enum:"entered,waiting,unreached,sent,handed,withdrawn,declined"`
	Changed  time.Time     `json:"changed"`
	Due      *time.Time    `json:"due,omitempty" doc:"Of one that waits: when it is carried out."`
	Posted   bool          `json:"posted,omitempty" doc:"It came by post, and who signed it is proved in a contact."`
}

// WholeWrittenRequest is a request with whom it names and what has become of it.
type WholeWrittenRequest struct {
	WrittenRequest
	Names    string           `json:"names" doc:"The person or company who is to have the records."`
	Data     []cpni.DataClass `json:"data"`
	Line     string           `json:"line,omitempty" doc:"None: all of them."`
	Months   []string         `json:"months"`
	Via      cpni.Via         `json:"via" enum:"postal,email"`
	To       string           `json:"to"`
	Text     string           `json:"text" doc:"As it was signed."`
	Hash     string           `json:"hash" doc:"SHA-256 of text, in hexadecimal."`
	Decision cpni.ID          `json:"decision,omitempty" doc:"The ledger's entry of the decision."`
	Reason   string           `json:"reason,omitempty" doc:"Why it was not carried out."`
	Sent     []WrittenSending `json:"sent,omitempty"`
	Turned   []WrittenHanding `json:"turned_away,omitempty" doc:"Who came for it and was not who was named."`
	Handed   *WrittenHanding  `json:"handed,omitempty"`
	Opened   []time.Time      `json:"opened,omitempty" doc:"When the link was opened."`
	Phrase   string           `json:"phrase,omitempty" doc:"The pass phrase of a link, told this once, for the customer in this contact."`
}

// WrittenSending is something that went out.
type WrittenSending struct {
	At      time.Time  `json:"at"`
	Via     cpni.Via   `json:"via"`
	To      string     `json:"to"`
	Message cpni.ID    `json:"message"`
	Back    *time.Time `json:"came_back,omitempty"`
}

// WrittenHanding is a time at which somebody came for the records.
type WrittenHanding struct {
	At        time.Time `json:"at"`
	By        cpni.ID   `json:"by" doc:"Of the staff, who looked."`
	Name      string    `json:"name" doc:"As it stands on the document."`
	Authority string    `json:"authority,omitempty"`
	Why       string    `json:"why,omitempty" doc:"Why they were not given."`
}

// WrittenIdentity is what whoever comes for the records has shown of who they are. No number of a document is kept.
//
// cite: P-36, 47 CFR 64.2003(r), 47 USC 222(c)(2)
type WrittenIdentity struct {
	Name       string `json:"name" minLength:"1" maxLength:"200" doc:"As it stands on the document."`
	Government bool   `json:"government" doc:"It was issued by a government, with a photograph."`
	Expires    string `json:"expires" format:"date" doc:"The last day on which it is valid."`
	Authority  string `json:"authority,omitempty" maxLength:"200" doc:"The letter by which a company that is named has sent this person; none: the person is named."`
}

// HandedOver is what was handed over.
type HandedOver struct {
	Request  WholeWrittenRequest `json:"request"`
	Released *Released           `json:"released"`
}

func writtenOf(r *written.Request) WrittenRequest {
	out := WrittenRequest{ID: r.ID, Customer: r.Customer, At: r.At, State: r.State, Changed: r.Changed, Posted: r.Posted()}
	if r.State == written.Waiting {
		out.Due = when(r.Due)
	}
	return out
}

func wholeWritten(r *written.Request) WholeWrittenRequest {
	out := WholeWrittenRequest{WrittenRequest: writtenOf(r), Names: r.Name, Data: r.Data, Line: r.Line, Months: []string{}, Via: r.Via, To: r.To, Text: r.Text, Hash: hex.EncodeToString(r.Hash[:]), Decision: r.Entry, Reason: r.Reason, Opened: r.Opened}
	for _, m := range r.Months {
		out.Months = append(out.Months, monthText(m))
	}
	for _, s := range r.Sendings {
		out.Sent = append(out.Sent, WrittenSending{s.At, s.Via, s.To, s.Message, when(s.Back)})
	}
	handing := func(h written.Handing) WrittenHanding {
		return WrittenHanding{h.At, h.By, h.Name, h.Authority, h.Why}
	}
	for _, h := range r.Turned {
		out.Turned = append(out.Turned, handing(h))
	}
	if r.Handing != nil {
		h := handing(*r.Handing)
		out.Handed = &h
	}
	return out
}

// writtenError answers for a request that is not there as for any other thing.
func writtenError(err error) error {
	if errors.Is(err, written.ErrNone) {
		return errNotFound
	}
	return err
}

// OneWritten names a written request.
type OneWritten struct {
	OneCustomer
	Request cpni.ID `path:"request" maxLength:"26"`
}

type wholeWrittenBody struct{ Body WholeWrittenRequest }

// writtenRequests carries customers' requests in writing on as the desk does: who signed is proved in a contact, and who comes for the
// records shows who they are, before anything is given.
//
// cite: P-16, P-36, P-41, V73, 47 CFR 64.2003(r), 47 USC 222(c)(2)
func (a *API) writtenRequests() {
	tag := []string{"requests"}
	const scope, one = "requests", "/v1/customers/{id}/written/{request}"
	whole := func(ctx context.Context, c caller, of, id cpni.ID) (*wholeWrittenBody, error) {
		r, err := a.office.Written.One(ctx, of, id)
		if err != nil {
			return nil, writtenError(err)
		}
		if err := a.office.Viewed(ctx, c.member.ID, watch.Card, of); err != nil {
			return nil, err
		}
		return &wholeWrittenBody{wholeWritten(r)}, nil
	}
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "list-written-requests", Method: http.MethodGet, Path: "/v1/written", Tags: tag,
		Summary: "List written requests and where they stand", Description: "The newest first. Nothing of them is personal but the customers' ids."}},
		func(ctx context.Context, _ caller, in *struct {
			State written.State `query:"state" enum:"entered,waiting,unreached,sent,handed,withdrawn,declined"`
		}) (*struct{ Body []WrittenRequest }, error) {
			all, err := a.office.Written.List(ctx, in.State)
			out := &struct{ Body []WrittenRequest }{[]WrittenRequest{}}
			for _, r := range all {
				out.Body = append(out.Body, writtenOf(r))
			}
			return out, err
		})
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "read-written-request", Method: http.MethodGet, Path: one, Tags: tag,
		Summary: "Read a written request", Description: "That it is read is on record."}},
		func(ctx context.Context, c caller, in *OneWritten) (*wholeWrittenBody, error) {
			return whole(ctx, c, in.ID, in.Request)
		})
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "prove-written-request", Method: http.MethodPost, Path: one + "/proof", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Have a request that came by post decided, in a contact in which its signer is proved", Description: "The customer says in it that the request is theirs. It goes once the wait is over; the customer is told."}},
		func(ctx context.Context, c caller, in *struct {
			OneWritten
			Body struct {
				Contact cpni.ID `json:"contact" minLength:"1" maxLength:"26"`
			}
		}) (*wholeWrittenBody, error) {
			if err := a.with(ctx, c, in.Body.Contact, in.ID); err != nil {
				return nil, err
			}
			signed, err := a.office.Written.Prove(ctx, in.ID, in.Request, in.Body.Contact, c.member.ID)
			if err != nil {
				return nil, writtenError(err)
			}
			out, err := whole(ctx, c, in.ID, in.Request)
			if err == nil {
				out.Body.Phrase = signed.Phrase
			}
			return out, err
		})
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "redirect-written-request", Method: http.MethodPost, Path: one + "/redirect", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Take another address for a request that reached nobody, in a contact in which the customer is proved", Description: "The door decides anew, the customer is told, and the wait begins again."}},
		func(ctx context.Context, c caller, in *struct {
			OneWritten
			Body struct {
				Contact cpni.ID  `json:"contact" minLength:"1" maxLength:"26"`
				Via     cpni.Via `json:"via" enum:"postal,email"`
				To      string   `json:"to" minLength:"1" maxLength:"400"`
			}
		}) (*wholeWrittenBody, error) {
			if err := a.with(ctx, c, in.Body.Contact, in.ID); err != nil {
				return nil, err
			}
			signed, err := a.office.Written.Redirect(ctx, in.ID, in.Request, in.Body.Contact, c.member.ID, in.Body.Via, in.Body.To)
			if err != nil {
				return nil, writtenError(err)
			}
			out, err := whole(ctx, c, in.ID, in.Request)
			if err == nil {
				out.Body.Phrase = signed.Phrase
			}
			return out, err
		})
	for _, act := range []struct {
		name, summary string
		do            func(ctx context.Context, of, id, by cpni.ID) (*written.Request, error)
	}{
		{"resend", "Send a request that reached nobody once more to its address", func(ctx context.Context, of, id, by cpni.ID) (*written.Request, error) {
			return a.office.Written.Resend(ctx, of, id, by)
		}},
		{"withdraw", "Take a request back for the customer, or close its link", func(ctx context.Context, of, id, by cpni.ID) (*written.Request, error) {
			return a.office.Written.Withdraw(ctx, of, id, by)
		}},
	} {
		register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: act.name + "-written-request", Method: http.MethodPost, Path: one + "/" + act.name, Tags: tag, DefaultStatus: http.StatusOK, Summary: act.summary}},
			func(ctx context.Context, c caller, in *OneWritten) (*wholeWrittenBody, error) {
				if _, err := act.do(ctx, in.ID, in.Request, c.member.ID); err != nil {
					return nil, writtenError(err)
				}
				return whole(ctx, c, in.ID, in.Request)
			})
	}
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "decline-written-request", Method: http.MethodPost, Path: one + "/decline", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Close a request that came by post without carrying it out"}},
		func(ctx context.Context, c caller, in *struct {
			OneWritten
			Body struct {
				Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"It stands on record."`
			}
		}) (*wholeWrittenBody, error) {
			if _, err := a.office.Written.Decline(ctx, in.ID, in.Request, c.member.ID, in.Body.Reason); err != nil {
				return nil, writtenError(err)
			}
			return whole(ctx, c, in.ID, in.Request)
		})
	register(a, operation{right: staff.Serve, scope: scope, Operation: huma.Operation{OperationID: "hand-over-written-request", Method: http.MethodPost, Path: one + "/handing", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Hand the records over to whom the request names, who has come and shown who they are", Description: "On record before anything is opened. Whoever is not who was named is turned away with PHOTO_ID, which is on record as well."}},
		func(ctx context.Context, c caller, in *struct {
			OneWritten
			Body WrittenIdentity
		}) (*struct{ Body HandedOver }, error) {
			day, err := time.ParseInLocation(time.DateOnly, in.Body.Expires, a.office.Zone)
			if err != nil {
				return nil, badInput("expires is not a date such as 2031-06-30")
			}
			released, _, err := a.office.Written.HandOver(ctx, in.ID, in.Request, c.member.ID,
				written.Identity{Name: in.Body.Name, Government: in.Body.Government, Authority: in.Body.Authority, Expires: day.AddDate(0, 0, 1)}) // it is valid on its last day
			if err != nil {
				return nil, writtenError(err)
			}
			r, err := a.office.Written.One(ctx, in.ID, in.Request)
			if err != nil {
				return nil, writtenError(err)
			}
			return &struct{ Body HandedOver }{HandedOver{wholeWritten(r), releasedOf(released)}}, nil
		})
}

// with reports whether a contact is the caller's own, and with a customer.
func (a *API) with(ctx context.Context, c caller, contact, of cpni.ID) error {
	s, err := a.mine(ctx, c, contact)
	if err != nil {
		return err
	}
	if s.Customer != of {
		return contactGone()
	}
	return nil
}
