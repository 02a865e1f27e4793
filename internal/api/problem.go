package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/breach"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/filing"
	"ringfence/internal/filing/books"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/filing/controls"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/process"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Problem is the answer to whatever did not succeed (RFC 9457). It never repeats what was sent.
type Problem struct {
	Type    string       `json:"type" doc:"Names the kind of problem: urn:ringfence:problem: and its code."`
	Title   string       `json:"title" doc:"What happened, in a few words that are the same for every problem of this kind."`
	Status  int          `json:"status" doc:"The HTTP status."`
	Detail  string       `json:"detail,omitempty" doc:"What happened, in a sentence for a person."`
	Code    cpni.Code    `json:"code" doc:"The code of the refusal; for a refused disclosure the weightiest of its reasons."`
	Clauses []string     `json:"clauses,omitempty" doc:"Clauses of the carrier's policy and sections of the law that it rests on."`
	Next    []string     `json:"next,omitempty" doc:"What to do."`
	Reasons []cpni.Code  `json:"reasons,omitempty" doc:"Every reason that holds, for a refused disclosure."`
	Says    []string     `json:"says,omitempty" doc:"What the rules that refused say, for a refused disclosure."`
	Ways    [][]Way      `json:"ways,omitempty" doc:"The ways to a permit; of each all steps are needed. None: nothing would make it allowed."`
	Entry   cpni.ID      `json:"entry,omitempty" doc:"The ledger's entry of the refusal."`
	Fields  []FieldFault `json:"fields,omitempty" doc:"What is wrong with which field of the request."`
}

// Way is one step on the way from a refusal to a permit.
type Way struct {
	ID      string   `json:"id" doc:"Names the step."`
	Says    string   `json:"says" doc:"What to do."`
	Clauses []string `json:"clauses" doc:"What the step rests on."`
}

// FieldFault is what is wrong with a field of a request.
type FieldFault struct {
	Field string `json:"field" doc:"Where it stands, such as body.data[0]."`
	Says  string `json:"says" doc:"What is expected there."`
}

// Error is the problem in one line.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statusOf gives the status of a refusal by its code; refusals of CPNI are 403, what must wait is 409.
var statusOf = map[cpni.Code]int{
	"BAD_INPUT": http.StatusUnprocessableEntity, "IDEMPOTENCY": http.StatusConflict, "API_KEY": http.StatusUnauthorized, "SIGN_IN": http.StatusUnauthorized,
	"NO_CONTACT": http.StatusNotFound, "NOT_FOUND": http.StatusNotFound, "ROLE": http.StatusForbidden, "UNTRAINED": http.StatusForbidden, "SCOPE_OF_KEY": http.StatusForbidden,
	"LOCKED": http.StatusTooManyRequests, "TOO_MANY": http.StatusTooManyRequests, "BUSY": http.StatusServiceUnavailable, "AUDIT_DOWN": http.StatusServiceUnavailable,
	"NUMBER_HELD": http.StatusConflict, "TOKEN_SCOPE": http.StatusConflict, "UNAUTHENTICATED": http.StatusForbidden, "TOO_LARGE": http.StatusRequestEntityTooLarge,
	"HTTP_METHOD": http.StatusMethodNotAllowed, "CONFLICT": http.StatusConflict, "SELF_REVIEW": http.StatusForbidden,
	"FETCHED": http.StatusConflict, "OVERDUE": http.StatusConflict, "KEY": http.StatusUnauthorized,
	"STATE": http.StatusConflict, "PHOTO_ID": http.StatusForbidden, "MOVED": http.StatusConflict, "SAME_PERSON": http.StatusConflict,
	breach.Retained: http.StatusConflict,
}

// problemOf turns an error of a service into what the caller is told. What is not meant for callers is told to report
// and answered with nothing but its kind.
func problemOf(err error, report func(error)) *Problem {
	var p *Problem
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &refusal):
		var lost *disclose.Unrecorded
		if errors.As(err, &lost) {
			report(err)
		}
		return refused(refusal)
	case errors.Is(err, customer.ErrNoCustomer), errors.Is(err, ledger.ErrNoRecord), errors.Is(err, staff.ErrNone), errors.Is(err, partner.ErrNoPartner), errors.Is(err, process.ErrNone), errors.Is(err, breach.ErrNone), errors.Is(err, filing.ErrNone), errors.Is(err, certificate.ErrNone), errors.Is(err, controls.ErrNone), errors.Is(err, books.ErrNone), errors.Is(err, vault.ErrForgotten):
		return refused(errNotFound)
	case errors.Is(err, ledger.ErrNotYet):
		return refused(cpni.Rejected("NOT_YET", err.Error(), []string{"P-41"}, "ask again in a second"))
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, store.ErrClosed):
		return refused(cpni.Rejected("BUSY", "the request took too long or the server is stopping", nil, "ask again with the same idempotency key"))
	}
	report(err)
	return &Problem{Type: urn("INTERNAL"), Title: "Something failed", Status: http.StatusInternalServerError, Code: "INTERNAL",
		Detail: "Something failed on our side; nothing was released on it.", Next: []string{"ask again with the same idempotency key", "tell the operator if it lasts"}}
}

// errNotFound is the answer for what is not there and for what is not the caller's alike.
var errNotFound = cpni.Rejected("NOT_FOUND", "There is nothing here under this name that you may see.", []string{"P-37"}, "check the name")

func urn(code cpni.Code) string {
	return "urn:ringfence:problem:" + strings.ToLower(strings.ReplaceAll(string(code), "_", "-"))
}

func refused(r *cpni.Refusal) *Problem {
	p := &Problem{Type: urn(r.Code), Title: title(r.Outcome), Detail: r.Says, Code: r.Code, Clauses: r.Clauses, Next: r.Next}
	var known bool
	if p.Status, known = statusOf[r.Code]; !known {
		switch r.Outcome {
		case cpni.Deny:
			p.Status = http.StatusForbidden
		case cpni.Hold:
			p.Status = http.StatusConflict
		default:
			p.Status = http.StatusUnprocessableEntity
		}
	}
	if r.Code == "NOT_YET" {
		p.Status = http.StatusConflict
	}
	return p
}

func title(o cpni.Outcome) string {
	switch o {
	case cpni.Deny:
		return "Refused"
	case cpni.Hold:
		return "Not yet"
	}
	return "Not accepted"
}

// refusedDisclosure is the answer to a disclosure that the rules refuse.
//
// cite: I-28
func refusedDisclosure(a *disclose.Answer) *Problem {
	d := a.Decision
	p := &Problem{Type: urn(d.Code), Title: title(cpni.Deny), Status: http.StatusForbidden, Code: d.Code, Clauses: append(append([]string{}, d.Clauses...), d.Cites...),
		Reasons: d.Codes, Says: d.Says, Ways: waysOf(d.Ways), Entry: a.Entry}
	if len(d.Says) > 0 {
		p.Detail = d.Says[0]
	}
	if p.Next = d.Next(); len(p.Next) == 0 {
		p.Next = []string{"nothing would make it allowed as it was asked"}
	}
	return p
}

func waysOf(ways [][]rules.Way) [][]Way {
	var all [][]Way
	for _, w := range ways {
		steps := make([]Way, len(w))
		for i, s := range w {
			steps[i] = Way{s.ID, s.Says, s.Clauses}
		}
		all = append(all, steps)
	}
	return all
}

// humaProblem makes our problems of huma's own, which find what is wrong with the form of a request. What was sent is
// not repeated.
func humaProblem(status int, msg string, errs ...error) huma.StatusError {
	p := &Problem{Status: status, Title: "Not accepted", Detail: sentence(msg), Code: "BAD_INPUT", Next: []string{"mend the request as the OpenAPI description shows"}}
	if len(errs) > 0 {
		p.Detail = "The request does not have the form that is described."
	}
	switch status {
	case http.StatusRequestEntityTooLarge:
		p.Code, p.Next = "TOO_LARGE", []string{"send less at once"}
	case http.StatusNotFound:
		return refused(errNotFound)
	case http.StatusInternalServerError:
		p.Code, p.Detail, p.Next = "INTERNAL", "Something failed on our side.", []string{"ask again"}
	}
	p.Type = urn(p.Code)
	for _, err := range errs {
		if err == nil {
			continue
		}
		f := FieldFault{Says: err.Error()}
		if d, ok := err.(huma.ErrorDetailer); ok {
			f = FieldFault{Field: d.ErrorDetail().Location, Says: d.ErrorDetail().Message}
		}
		f.Says = strings.TrimPrefix(f.Says, "jsontext: ")
		p.Fields = append(p.Fields, f)
	}
	return p
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}

// contactGone is what a contact that is not the caller's looks like: as one that is not there.
func contactGone() error { return contact.ErrNoContact }
