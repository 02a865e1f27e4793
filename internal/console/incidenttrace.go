package console

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
)

// traceView is a trace as it was made last.
type traceView struct {
	For    string
	Counts string
	Cut    bool
}

// traceKinds are the kinds of recipients that can be traced.
var traceKinds = []option{{string(cpni.ToCustomer), "The customer, or who passed for them"}, {string(cpni.ToAuthorised), "An authorised person"}, {string(cpni.ToDesignee), "A person named in writing"}, {string(cpni.ToLawEnforcement), "Law enforcement"},
	{string(cpni.ToDirectoryPublisher), "A directory publisher"}, {string(cpni.ToOtherCarrier), "Another carrier"}, {string(cpni.ToFamily), "The family"}, {string(cpni.ToPSAP), "A public safety answering point"}}

// traces tells which traces were made, and what can be traced.
//
// cite: P-43, P-52, 47 CFR 64.2011(d)
func (v *visit) traces(i *breach.Incident, view *incidentSetView) error {
	for _, t := range i.Traces() {
		x := traceView{Cut: t.More}
		var err error
		if x.For, err = v.lookedFor(t.For); err != nil {
			return err
		}
		x.Counts = fmt.Sprintf("%s reached, %s of the ledger looked at", counted(t.Found, "customer is", "customers are"), counted(int(t.Through), "entry", "entries"))
		if t.Shown > 0 && !t.For.Shown {
			x.Counts += fmt.Sprintf("; of %s more a card or a list was shown, and no information was released", counted(t.Shown, "customer", "customers"))
		}
		if t.Out > 0 {
			x.Counts += fmt.Sprintf("; %s taken out by hand stay out", counted(t.Out, "who was", "who were"))
		}
		if t.Destroyed > 0 {
			x.Counts += fmt.Sprintf("; %s of the time destroyed when their retention was over", counted(int(t.Destroyed), "entry was", "entries were"))
		}
		view.Traces = append(view.Traces, x)
	}
	var err error
	if view.Members, err = v.members(); err != nil {
		return err
	}
	partners, err := v.office.Partners.All(v.r.Context())
	if err != nil {
		return err
	}
	for _, p := range partners {
		view.Partners = append(view.Partners, option{p.ID, p.Called()})
	}
	return nil
}

// lookedFor says in words whose touch is looked for.
func (v *visit) lookedFor(l breach.Looked) (string, error) {
	var all []string
	if l.Actor != "" {
		name, err := v.actor(l.Actor)
		if err != nil {
			return "", err
		}
		all = append(all, "by "+name)
	}
	if l.Recipient != "" {
		all = append(all, "for "+wordOf(recipientWords, cpni.RecipientKind(l.Recipient)))
	}
	if l.Contact != "" {
		all = append(all, "in the contact "+short(l.Contact))
	}
	if !l.From.IsZero() {
		all = append(all, "from "+v.moment(l.From))
	}
	if !l.Until.IsZero() {
		all = append(all, "until "+v.moment(l.Until))
	}
	if l.Shown {
		all = append(all, "with those whose card alone was shown")
	}
	return strings.Join(all, ", "), nil
}

// traceIncident finds out of the ledger whose information somebody touched, and puts them into the set.
//
// cite: P-43, P-52, 47 CFR 64.2011(d)
func (v *visit) traceIncident() error {
	l := breach.Looked{Actor: v.field("actor"), Recipient: cmp.Or(v.field("partner"), v.field("recipient")), Contact: cpni.ID(v.field("contact")), Shown: v.field("shown") != ""}
	if at := strings.TrimSuffix(string(l.Contact), "/"); strings.Contains(at, "/") { // as it stands in an address
		l.Contact = cpni.ID(at[strings.LastIndexByte(at, '/')+1:])
	}
	var err, err2 error
	l.From, err = v.momentOf("since", time.Time{})
	l.Until, err2 = v.momentOf("before", time.Time{})
	if err := errors.Join(err, err2); err != nil {
		return v.wentOn("/customers", "", err)
	}
	return v.doing("trace", "/customers", "The ledger is traced: whom it names is in the set.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Trace(v.r.Context(), id, a, l, v.text("reason"))
	})
}

// traceAgain makes every trace again: it adds whoever was touched, and recorded, since.
//
// cite: P-43, P-52, 47 CFR 64.2011(d)
func (v *visit) traceAgain() error {
	return v.doing("trace again", "/customers", "Every trace was made again.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Recount(v.r.Context(), id, a, v.text("reason"))
	})
}
