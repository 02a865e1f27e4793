package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
)

// discloseAct asks for information at the one door.
func discloseAct(ctx context.Context, w *world, a args) (result, error) {
	r, err := w.request(ctx, a)
	if err != nil {
		return result{}, err
	}
	answer, err := w.office.Door.Disclose(ctx, r)
	if err != nil {
		return of(err, result{})
	}
	got := decided(answer.Decision)
	got.fields["to-address"] = answer.ToAddress
	if answer.Released != nil {
		got.fields["released"] = counts(answer.Released)
	}
	return got, nil
}

// askApproval asks whether a use would be allowed.
func askApproval(ctx context.Context, w *world, a args) (result, error) {
	r, err := w.request(ctx, a)
	if err != nil {
		return result{}, err
	}
	if len(r.Data) == 0 {
		r.Data = []cpni.DataClass{cpni.Usage}
	}
	if r.Caller.Staff == "" {
		if r.Caller.Staff, err = w.marketer(ctx); err != nil {
			return result{}, err
		}
	}
	facts, decision, err := w.office.Door.Consider(ctx, r)
	if err != nil {
		return of(err, result{})
	}
	got := decided(decision)
	got.fields["state"] = string(facts.Approval.State)
	return got, nil
}

// marketer is who asks when a story does not say: somebody whose training is never at fault.
func (w *world) marketer(ctx context.Context) (cpni.ID, error) {
	const name = "(who asks about approval)"
	id, known := w.staffIDs[name]
	if !known {
		var err error
		if id, err = w.staff.Add(ctx, marketerOf(w.now()), "", teller); err != nil {
			return "", err
		}
		w.staffIDs[name] = id
		return id, nil
	}
	return id, w.staff.Train(ctx, id, w.now(), teller)
}

// decided turns a decision into the words of the language.
func decided(d rules.Decision) result {
	also := make(atLeast, len(d.Codes))
	for i, c := range d.Codes {
		also[i] = string(c)
	}
	return result{outcome: d.Outcome, code: d.Code, cites: append(append([]string{}, d.Clauses...), d.Cites...), says: strings.Join(d.Says, " "), fields: map[string]any{"also": also}}
}

// counts counts what was released.
func counts(r *disclose.Released) map[string]any {
	n := map[string]int{"calls": r.CallCount(), "listings": len(r.Lines), "bills": 0, "usage": 0, "service": 0, "location": 0}
	for _, i := range r.Items {
		switch i.Class {
		case cpni.Billing:
			n["bills"]++
		default:
			n[string(i.Class)]++
		}
	}
	all := map[string]any{}
	for k, v := range n {
		all[k] = v
	}
	return all
}

// request reads the fields of a disclosure.
func (w *world) request(ctx context.Context, a args) (disclose.Request, error) {
	r := disclose.Request{Customer: w.customers[a.text("customer")], Data: classes(a.words("data")), Purpose: cpni.Purpose(a.text("purpose")), To: a.text("to"),
		Via: cpni.Via(a.text("via")), Address: a.text("address"), Line: a.text("line"), PortOut: a.flag("port-out")}
	if a.has("contact") {
		r.Contact = w.contact(a.text("contact"))
		s, _, err := w.desk.Get(ctx, r.Contact)
		if err == nil {
			r.Caller = disclose.Caller{Staff: s.Agent, Customer: s.Agent == ""}
		}
	}
	if a.has("by") {
		r.Caller = disclose.Caller{Staff: w.staffIDs[a.text("by")]}
	}
	if a.has("month") {
		r.Months = []int{a.month("month")}
	}
	if a.has("process") {
		p := a.sub("process")
		r.Process = &rules.Process{ID: w.processCalled(p.text("id")), Issuer: p.text("issuer"), Scope: classes(p.words("scope")), From: p.moment("from"), Until: p.moment("until"), ReviewedBy: p.text("reviewed-by"), Secret: p.flag("secret"), SecretUntil: p.moment("secret-until")}
	}
	r.Case, r.Ticket, r.Order = a.openCase("case"), a.openCase("ticket"), a.openCase("order")
	if a.has("emergency") {
		e := a.sub("emergency")
		r.Emergency = &rules.Emergency{Kind: e.text("kind"), Caller: e.text("caller")}
	}
	if a.has("request") {
		q := a.sub("request")
		r.Written = &disclose.WrittenRequest{Written: q.flag("written"), Signed: q.flag("signed"), Names: q.text("names")}
	}
	if a.has("unaided") {
		u := a.sub("unaided")
		at, err := readMoment(u.text("date")+" "+u.text("time"), w.story.zone, time.Time{})
		if err != nil {
			return r, err
		}
		r.Unaided = &disclose.UnaidedCall{Number: u.text("number"), At: at.UTC()}
	}
	if a.has("cells") {
		n := a.count("cells")
		r.Cells = &n
	}
	if a.has("offer") {
		o := a.sub("offer")
		list := o.words("category")
		if len(list) == 0 {
			list = []string{o.text("category")}
		}
		r.Offer = &rules.Offer{Categories: categories(list)}
	}
	if a.has("matter") {
		r.Matter = w.matters[a.text("matter")]
	}
	return r, w.behind(ctx, &r)
}

// openCase reads a case, ticket or order: an id is an open one.
func (a args) openCase(key string) *rules.Case {
	if !a.has(key) {
		return nil
	}
	if c := a.sub(key); c.n.form == formMap {
		return &rules.Case{ID: c.text("id"), Open: !c.has("open") || c.flag("open")}
	}
	return &rules.Case{ID: a.text(key), Open: true}
}

// loadRules publishes further rules.
func loadRules(ctx context.Context, w *world, a args) (result, error) {
	return of(w.office.Policy.Publish(ctx, "story", []byte(a.text("cedar")), teller), succeeded())
}

// verify verifies the ledger and makes every recorded decision again.
//
// cite: P-41, I-04
func verify(ctx context.Context, w *world, _ args) (result, error) {
	if err := w.ledger.Sequence(ctx); err != nil {
		return result{}, err
	}
	var report strings.Builder
	v, err := w.ledger.Verify(ctx, &report)
	if err != nil {
		return result{}, err
	}
	if !v.OK() {
		return result{}, errors.New(report.String())
	}
	again, err := w.office.Door.Replay(ctx, io.Writer(&report))
	if err != nil {
		return result{}, err
	}
	if !again.OK() {
		return result{}, fmt.Errorf("replay: %s", report.String())
	}
	return succeeded(), nil
}
