package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/training"
	"ringfence/internal/vault"
)

// problemView is a refusal as a person reads it: what happened, what it rests on, what to do.
type problemView struct {
	Code    cpni.Code
	Says    string
	Clauses []string
	Next    []string
	Retry   string // the field to go back to
}

// problemOf makes the view of a refusal; nil of none.
func problemOf(r *cpni.Refusal) *problemView {
	if r == nil {
		return nil
	}
	p := &problemView{Code: r.Code, Says: sentence(r.Says), Clauses: r.Clauses}
	for _, n := range r.Next {
		p.Next = append(p.Next, sentence(n))
	}
	return p
}

// sentence gives words a capital and a full stop.
func sentence(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	r := []rune(s)
	s = strings.ToUpper(string(r[0])) + string(r[1:])
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// fault is a request that is not answered, with what its page says.
type fault struct {
	status  int
	title   string
	refusal *cpni.Refusal
	allow   string // the methods that a place has
}

// Error is what happened, in one line.
func (f *fault) Error() string { return f.refusal.Error() }

func faulty(status int, title string, code cpni.Code, says string, clauses []string, next ...string) *fault {
	return &fault{status: status, title: title, refusal: cpni.Rejected(code, says, clauses, next...)}
}

// Faults of requests.
var (
	errNowhere    = faulty(http.StatusNotFound, "Not found", "NOT_FOUND", "there is nothing here under this address that you may see", []string{"P-37"}, "check the address", "begin at the desk")
	errUnreadable = faulty(http.StatusBadRequest, "Not understood", "BAD_INPUT", "what the browser sent cannot be read: it is no text in UTF-8, or it is cut off", nil, "go back and try again")
	errNoForm     = faulty(http.StatusUnsupportedMediaType, "Not understood", "BAD_INPUT", "only forms of these pages are taken here", nil, "use the form on the page")
	errTooLarge   = faulty(http.StatusRequestEntityTooLarge, "Too large", "TOO_LARGE", "what was sent is larger than any form of these pages", nil, "send less")
	errLongField  = faulty(http.StatusRequestEntityTooLarge, "Too large", "TOO_LARGE", "a field holds more than 1,000 bytes", nil, "shorten it")
	errLongText   = faulty(http.StatusRequestEntityTooLarge, "Too large", "TOO_LARGE", "a text holds more than 20,000 bytes", nil, "shorten it, and attach the rest as a paper")
	errForeign    = faulty(http.StatusForbidden, "Not accepted", "FORGED", "the form was sent by a page of another site, so nothing was done", []string{"P-37", "47 CFR 64.2010(a)"}, "open the page itself and use its form", "tell the operator if you did not do this")
	errForged     = faulty(http.StatusForbidden, "Not accepted", "FORGED", "the form is not of your session, or the browser keeps no cookies; nothing was done", []string{"P-37", "47 CFR 64.2010(a)"}, "go back, reload the page and try again", "allow cookies for this site")
)

// tooLong is the fault of a field that is longer than a form's fields may be.
func tooLong(longest int) *fault {
	if longest > longestField {
		return errLongText
	}
	return errLongField
}

func wrongMethod(p place) *fault {
	f := faulty(http.StatusMethodNotAllowed, "Not possible", "BAD_INPUT", "that cannot be done at this address", nil, "use the links and forms of the pages")
	var allow []string
	if p.get != nil || p.home != "" {
		allow = append(allow, http.MethodGet, http.MethodHead)
	}
	if p.post != nil {
		allow = append(allow, http.MethodPost)
	}
	f.allow = strings.Join(allow, ", ")
	return f
}

// notTheirWork is the fault of a person without a right; it names the rule that gives it to others.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) notTheirWork(r staff.Right) *fault {
	ruling := v.member.Ruling(r)
	refusal := *v.member.Barred(r)
	refusal.Says = "your work does not include this: it needs the right to " + wordOf(rightWords, r) + ". " + ruling.Says
	if len(ruling.Rules) > 0 {
		refusal.Next = append(slices.Clone(refusal.Next), "read the rule "+ruling.Rules[0]+" under Rules")
	}
	return &fault{status: http.StatusForbidden, title: "Not your work", refusal: &refusal}
}

// faultOf turns an error of a service into what the person is told. What is not meant for people is told to Report, and
// answered with nothing but that it happened.
func (v *visit) faultOf(err error) *fault {
	var f *fault
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, contact.ErrNoContact), errors.Is(err, customer.ErrNoCustomer), errors.Is(err, ledger.ErrNoRecord), errors.Is(err, staff.ErrNone), errors.Is(err, vault.ErrForgotten), errors.Is(err, training.ErrNone):
		return errNowhere
	case errors.As(err, &refusal):
		var lost *disclose.Unrecorded
		if errors.As(err, &lost) {
			v.options.Report(err)
		}
		return refusedAs(refusal)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, store.ErrClosed):
		return faulty(http.StatusServiceUnavailable, "Not now", "BUSY", "the request took too long, or the server is stopping", nil, "try again in a moment")
	}
	v.options.Report(err)
	return faulty(http.StatusInternalServerError, "Something failed", "INTERNAL", "something failed on our side; nothing was released on it", nil, "try again", "tell the operator if it lasts, with the time: "+v.moment(v.now))
}

// refusedAs gives the page of a refusal its status.
func refusedAs(r *cpni.Refusal) *fault {
	f := &fault{status: http.StatusUnprocessableEntity, title: "Not accepted", refusal: r}
	switch r.Code {
	case "LOCKED", "TOO_MANY":
		f.status, f.title = http.StatusTooManyRequests, "Not yet"
	case "AUDIT_DOWN", "BUSY", "PROVIDER_DOWN":
		f.status, f.title = http.StatusServiceUnavailable, "Not now"
	case "ROLE", "UNTRAINED", "SELF_REVIEW":
		f.status, f.title = http.StatusForbidden, "Not your work"
	case "IDEMPOTENCY", "CONFLICT", "TOKEN_SCOPE", "MOVED", "SAME_PERSON":
		f.status = http.StatusConflict
	case "NOT_FOUND":
		return errNowhere
	}
	return f
}

// fail shows the page of an error.
func (v *visit) fail(err error) {
	f := v.faultOf(err)
	if f.allow != "" {
		v.w.Header().Set("Allow", f.allow)
	}
	if f.status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", "2")
	}
	p := v.page(f.title, "")
	p.Note = ""
	if err := v.show(f.status, faultPage(p, *problemOf(f.refusal))); err != nil {
		v.options.Report(err)
		http.Error(v.w, "Something failed on our side. Try again.", http.StatusInternalServerError)
	}
}
