package portal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// SignalPlace is where sites say that they honour Global Privacy Control.
//
// cite: P-12
const SignalPlace = "/.well-known/gpc.json"

// signalHonoured is the day on which the portal began to honour the signal as it does now.
const signalHonoured = "2026-11-25"

func signalPlaces() []place {
	return []place{{"GET " + SignalPlace, (*Portal).honours}}
}

// honours says that the signal is honoured, in the form of https://www.w3.org/TR/gpc/.
func (p *Portal) honours(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	return json.NewEncoder(w).Encode(struct {
		GPC        bool   `json:"gpc"`
		LastUpdate string `json:"lastUpdate"`
	}{true, signalHonoured})
}

// signalled reports whether the browser sends Global Privacy Control: its only value is 1.
func signalled(r *http.Request) bool { return r.Header.Get("Sec-GPC") == "1" }

// signalKind is the kind of the evidence of an answer that a browser's signal gave.
const signalKind = "signal"

// hearSignal takes the signal of a browser in which a customer is signed in for a refusal of everything, once.
//
// It is not taken again while everything is refused, whoever refused it. Nor is it taken against the customer's own word: who took the
// refusal of everything back on the page of choices while the browser sent the signal has said what they want knowing of it. A
// word that they gave elsewhere, where nothing showed the signal, does not outlive it.
//
// cite: P-11, P-12, P-14, I-14, 47 CFR 64.2007(a)(2)
func hearSignal(p *Portal, r *http.Request, v *visit) error {
	if !signalled(r) {
		return nil
	}
	if _, is := refusal(v.Profile, customer.Everything); is {
		return nil
	}
	ctx := r.Context()
	events, err := p.office.Approvals.Events(ctx, v.Customer)
	if err != nil {
		return err
	}
	if chosen, err := p.liftedUnderSignal(ctx, v.Customer, events); err != nil || chosen {
		return err
	}
	now := p.office.Clock.Now()
	_, err = p.office.Approvals.Answer(ctx, approval.Answer{Customer: v.Customer, Says: approval.Object, Scope: customer.Everything, Via: approval.BySignal, Contact: v.Contact.ID, By: self,
		Evidence: evidenceOf(signalKind, "Sec-GPC: 1, sent by the browser of who was signed in", formShown{Page: "account", Scope: customer.Everything, Says: sayNo, Language: v.Language, Signal: "1", At: now.UTC()}),
		As:       p.once(v.Customer, signalKind, customer.Everything, lastOf(events))})
	if err != nil {
		return err
	}
	v.Profile, _, err = p.office.Customers.Get(ctx, v.Customer)
	return err
}

// hearing makes a place that is open to everybody one that hears the signal too, when a customer is signed in with the browser that
// sends it. The page is the same for all, whatever becomes of the signal.
//
// cite: P-11, P-12, 47 CFR 64.2007(a)(2)
func hearing(act func(*Portal, http.ResponseWriter, *http.Request) error) func(*Portal, http.ResponseWriter, *http.Request) error {
	return func(p *Portal, w http.ResponseWriter, r *http.Request) error {
		if signalled(r) {
			v, err := p.visit(r)
			if err == nil {
				err = hearSignal(p, r, &v)
			}
			if err != nil && !errors.Is(err, errNotSignedIn) {
				p.options.Report(err) // the browser sends it again with the next page
			}
		}
		return act(p, w, r)
	}
}

// liftedUnderSignal reports whether the last word about everything was that its refusal is taken back, given on the page of choices
// in a browser that sent the signal.
func (p *Portal) liftedUnderSignal(ctx context.Context, of cpni.ID, events []approval.Event) (bool, error) {
	for _, e := range slices.Backward(events) {
		if e.Scope != customer.Everything || e.What != approval.Objected && e.What != approval.Lifted {
			continue
		}
		if e.What != approval.Lifted || e.Via != approval.ByPortal || e.Evidence == nil || e.Evidence.Kind != formKind {
			return false, nil
		}
		raw, err := p.office.Approvals.Raw(ctx, of, e.ID)
		if err != nil {
			return false, err
		}
		f, ok := readForm(raw)
		return ok && f.Signal == "1", nil
	}
	return false, nil
}

// signalView is what the page of choices says of the signal; "" the browser sends none.
func (p *Portal) signalView(r *http.Request, v visit, s *standing) string {
	switch {
	case !signalled(r):
		return ""
	case s.refused(customer.Everything):
		return v.says("gpc-heard")
	}
	return v.says("gpc-chosen")
}
