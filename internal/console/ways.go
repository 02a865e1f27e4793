package console

import (
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
)

// wayView is one way from a refusal to a permit.
type wayView struct {
	Steps []wayStep
	Form  *wayForm // asks again, changed as the way says
}

// wayStep is one step, with the place on the page where it is taken.
type wayStep struct{ Says, Target string }

// wayForm asks again, as the way says.
type wayForm struct {
	Address string
	Fields  []option
}

// basisField is the first field about the work that needs something.
const basisField = "ask-basis"

// consentField is the first field of the question for a consent for the call.
const consentField = "consent-read"

// changes are what steps change in the request itself.
var changes = map[string]option{"send-to-postal-record": {"via", string(cpni.Postal)}, "send-to-email-record": {"via", string(cpni.Email)},
	"give-it-to-the-customer": {"to", contact.Customer}, "within-the-carrier": {"to", string(cpni.ToCarrier)}}

// ways shows the ways to a permit. On the page of a contact that runs, each step leads to where it is taken, and ways that
// only change the request have a form that asks again.
//
// cite: I-28
func (v *visit) ways(r disclose.Record, d rules.Decision, view contactView, p *customer.Profile) []wayView {
	field := func(step string) string {
		if !view.Live {
			return ""
		}
		for _, m := range view.Verify.Methods {
			if step == "verify-"+m.ID { // as the ways name it
				return m.field()
			}
		}
		if step == "yes-on-this-call" && view.Consent.Open { // likewise
			return consentField
		}
		if slices.Contains([]string{basisOrder, basisTicket, basisCase}, step) { // likewise
			return basisField
		}
		return ""
	}
	var all []wayView
	for _, way := range d.Ways {
		var w wayView
		var changed []option
		for _, step := range way {
			x := wayStep{Says: strings.TrimSuffix(step.Says, "."), Target: field(step.ID)}
			if c, ok := changes[step.ID]; ok {
				changed = append(changed, c)
			}
			w.Steps = append(w.Steps, x)
		}
		if view.Live && len(changed) == len(way) {
			w.Form = wayFormOf(view, askedIn(r), changed, p)
		}
		all = append(all, w)
	}
	return all
}

// wayFormOf is what was asked, changed.
func wayFormOf(view contactView, a asked, changed []option, p *customer.Profile) *wayForm {
	for _, c := range changed {
		switch c.Value {
		case "via":
			a.via = cpni.Via(c.Text)
		case "to":
			a.to = c.Text
		}
	}
	f := &wayForm{Address: view.Address + "/requests", Fields: []option{{"token", view.Token}, {"key", string(cpni.NewID())}, {"from", strconv.Itoa(a.from)},
		{"through", strconv.Itoa(a.through)}, {"purpose", string(a.purpose)}, {"via", string(a.via)}, {"to", a.to}, {"basis", a.basis}, {"id", a.id}}}
	for _, c := range a.data {
		f.Fields = append(f.Fields, option{"data", string(c)})
	}
	for _, l := range p.Lines {
		if a.line != "" && l.Number == a.line {
			f.Fields = append(f.Fields, option{"line", strconv.Itoa(l.No)})
		}
	}
	return f
}

// nth is the key of a way.
func nth(i int) string { return strconv.Itoa(i + 1) }
