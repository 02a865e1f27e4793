package office

import (
	"maps"
	"slices"
	"strings"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/breach/form"
)

// BreachReport drafts the report of an incident to the agencies: on the form of the rule that counts for it, from what is recorded, with what
// a person has written over it. After the first report it is a supplement to that.
//
// cite: P-45, P-52, 47 CFR 64.2011(b)
func (o *Office) BreachReport(i *breach.Incident) form.Filled { return o.breachReport(i, false) }

// breachReport drafts it; urgent is whether what was filed is known to say that customers have to be told at once.
func (o *Office) breachReport(i *breach.Incident, urgent bool) form.Filled {
	c := o.Incidents.Clocks(i)
	changed := form.Values{}
	if i.Draft != nil {
		maps.Copy(changed, i.Draft.Fields)
	}
	if urgent {
		changed["urgent"] = "yes"
	}
	return o.formOf(c).Draft(o.incidentFacts(i, c), changed)
}

// BreachForm is the form on which an incident is reported.
//
// cite: P-45, 47 CFR 64.2011(b)
func (o *Office) BreachForm(i *breach.Incident) *form.Form { return o.formOf(o.Incidents.Clocks(i)) }

func (o *Office) formOf(c clock.Clocks) *form.Form {
	of, _ := o.Forms.For(string(reportRule(c))) // there is one for each rule: form.Load
	return of
}

// reportRule is the rule on whose form an incident is reported: that of 2023 as soon as the Commission has to be told.
func reportRule(c clock.Clocks) clock.Profile {
	if slices.Contains(c.Counting, clock.Rule2023) {
		return clock.Rule2023
	}
	return clock.Rule2007
}

// kindsOfPersonal are the kinds of personal data that forms know.
var kindsOfPersonal = []form.Personal{form.Identified, form.Credentials, form.Body, form.Linked}

// incidentFacts are what a report says of an incident. Who the customers are is no part of it.
func (o *Office) incidentFacts(i *breach.Incident, c clock.Clocks) form.Facts {
	f := o.ReportFacts()
	x := i.Facts
	f.Made, f.Number, f.Exercise = i.Now(f.Made), i.Number, i.Exercise
	f.Discovered, f.From, f.Until = x.Discovered, x.From, x.Until
	if i.Determined != nil {
		f.Determined = i.Determined.At
	}
	f.What, f.Method, f.Data = x.What, x.How, x.Data
	f.Outcome, f.Intentional, f.GoodFaith, f.Encryption, f.Harm, f.HarmBasis = x.Outcome, x.Intentional, x.GoodFaith, x.Encryption, x.Harm, x.Basis
	f.Customers, f.CustomersBasis = i.Customers(), x.Basis
	f.CarrierLoss, f.CustomerLoss = x.CarrierLoss, x.CustomerLoss
	if f.Counted = i.Set > 0; f.Counted && i.Set == i.Customers() {
		f.CustomersBasis = "Counted: each is named in the file, with the entry of the ledger that shows it or the reason."
	}
	// The file has it in words; the form asks for its group, and for the words beside it.
	var words []string
	for _, p := range x.Personal {
		if k := form.Personal(p); slices.Contains(kindsOfPersonal, k) {
			f.Personal = append(f.Personal, k)
			continue
		}
		words = append(words, p)
	}
	if len(words) > 0 {
		if !slices.Contains(f.Personal, form.Linked) {
			f.Personal = append(f.Personal, form.Linked)
		}
		f.DataDetail = "Other covered data: " + strings.Join(words, ", ") + "."
	}
	for _, d := range i.Directions {
		f.CaseContact = strings.Trim(d.Direction.Agency+", "+d.Direction.Officer, ", ")
	}
	if f.Agencies = c.Agencies; len(f.Agencies) == 0 {
		f.Agencies = []clock.Agency{clock.SecretService, clock.FBI}
	}
	if len(i.Reports) > 0 {
		f.SupplementOf = i.Reports[0].Receipt
	}
	return f
}

// copied makes the copies of a report that somebody has filed, of its draft: for machines and for people.
//
// cite: P-51, 47 CFR 64.2011(d)
func (o *Office) copied(i *breach.Incident, f *breach.Filing) error {
	r, err := o.breachReport(i, f.Urgent).Filed(form.Receipt{Number: f.Receipt, At: f.At, Agencies: f.Agencies, Facility: o.public.Carrier.Facility})
	if err != nil {
		return err
	}
	if f.Copy, err = r.JSON(); err != nil {
		return err
	}
	f.Pages, err = r.PDF()
	f.Form, f.Urgent = r.Form.ID+"/"+r.Form.Version.String(), r.Urgent()
	return err
}
