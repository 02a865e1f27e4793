package office

import (
	"slices"
	"strings"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/breach/form"
	"ringfence/internal/cpni"
)

// kindsOfPersonal are the kinds of personal data that forms know.
var kindsOfPersonal = []form.Personal{form.Identified, form.Credentials, form.Body, form.Linked}

// ReportDraft fills the report to the agencies in, from what is recorded of the carrier and of an incident, with what a person wrote over it.
// The form is that of the newest rule that counts for the incident. What was filed before is supplemented.
//
// cite: P-45, P-51, P-52, 47 CFR 64.2011(b)
func (o *Office) ReportDraft(i *breach.Incident) (*form.Form, form.Filled, error) {
	c := o.Incidents.Clocks(i)
	profile := clock.Rule2007
	if slices.Contains(c.Counting, clock.Rule2023) {
		profile = clock.Rule2023
	}
	f, ok := o.Forms.For(string(profile))
	if !ok {
		return nil, form.Filled{}, cpni.Rejected("CONFIG", "there is no form for the report to the agencies under "+string(profile), []string{"P-45"}, "put one into the policy's folder of forms")
	}
	x := o.ReportFacts()
	x.Made, x.Number, x.Exercise = i.Now(o.Clock.Now()), i.Number, i.Exercise
	x.Discovered, x.From, x.Until, x.What, x.Method = i.Facts.Discovered, i.Facts.From, i.Facts.Until, i.Facts.What, i.Facts.How
	if i.Determined != nil {
		x.Determined = i.Determined.At
	}
	x.Outcome, x.Intentional, x.GoodFaith, x.Encryption, x.Harm, x.HarmBasis = i.Facts.Outcome, i.Facts.Intentional, i.Facts.GoodFaith, i.Facts.Encryption, i.Facts.Harm, i.Facts.Basis
	x.Customers, x.Counted = i.Customers(), i.Set > 0
	if i.Set > 0 && i.Set == i.Customers() {
		x.CustomersBasis = "Counted: each is named in the file, with the entry of the ledger that shows it or the reason."
	}
	x.Data = i.Facts.Data
	var detail []string
	for _, p := range i.Facts.Personal {
		if k := form.Personal(p); slices.Contains(kindsOfPersonal, k) {
			x.Personal = append(x.Personal, k)
		} else {
			detail = append(detail, p)
		}
	}
	x.DataDetail = strings.Join(detail, "; ")
	x.CarrierLoss, x.CustomerLoss, x.Agencies = i.Facts.CarrierLoss, i.Facts.CustomerLoss, c.Agencies
	if n := len(i.Reports); n > 0 {
		x.SupplementOf = i.Reports[n-1].Receipt
	}
	var written form.Values
	if i.Draft != nil {
		written = i.Draft.Fields
	}
	return f, f.Draft(x, written), nil
}
