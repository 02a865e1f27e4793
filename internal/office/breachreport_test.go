package office_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/breach/form"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A report is drafted from the file of an incident with what a person wrote over it; when its receipt is entered, the copies of what was
// filed are made of the draft, with the receipt, and what comes later is a supplement to it.
//
// cite: P-45, P-51, P-52, V03, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
func TestBreachReport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.OpenPublic(t, db, examplePublic)
		ctx, by := t.Context(), o.Member(t, cpni.RoleCompliance)
		i := must[*breach.Incident](t)(o.Incidents.Open(ctx, breach.Intake{By: by, Facts: breach.Facts{What: "a clerk sold call records", How: "lookups without a call", Discovered: o.Clock.Now(), DiscoveredBy: "an alert",
			Data: []cpni.DataClass{cpni.CallDetail}, Personal: []string{"passwords"}, Outcome: clock.Disclosed, Intentional: clock.Yes, Customers: 40, Basis: "the ledger"}}))
		act := breach.Act{By: by}
		if p := form.Blocking(o.BreachReport(i).Problems()); len(p) != 1 || p[0].Field != "determined" {
			t.Errorf("P-50: before it is determined the report lacks %+v", p)
		}
		i = must[*breach.Incident](t)(o.Incidents.Determine(ctx, i.ID, act, breach.Determination{}))
		i = must[*breach.Incident](t)(o.Incidents.Draft(ctx, i.ID, act, "", map[string]string{"customers": "43"}))
		draft := o.BreachReport(i)
		if a, _ := draft.Answer("customers"); a.Text != "43" || !a.Changed || a.Drafted != "40" || form.Refused(draft.Problems()) != nil || draft.Mark() != "DRAFT" {
			t.Errorf("P-52: %+v %v", a, draft.Problems())
		}
		if a, _ := draft.Answer("case-contact"); a.Text != "" {
			t.Errorf("a contact out of nowhere: %+v", a)
		}
		if a, _ := draft.Answer("data-detail"); !strings.Contains(a.Text, "passwords") {
			t.Errorf("P-52: the other data is left out: %+v", a)
		}
		o.Time.Add(24 * time.Hour)
		i = must[*breach.Incident](t)(o.Incidents.Report(ctx, i.ID, act, breach.Filing{Through: breach.Facility, Receipt: "F-1", Agencies: []clock.Agency{clock.FBI}}))
		r := i.Reports[0]
		paper, file, err := o.Incidents.File(ctx, i.ID, by, r.Copy)
		if err != nil {
			t.Fatal(err)
		}
		filed := must[form.Filled](t)(form.Read(file))
		said, _ := filed.Said()
		if hash, _ := filed.Hash(); hash != r.CopyHash || fmt.Sprintf("%x", paper.Hash) != hash || r.Form != "breach-report-2007/"+filed.Form.Version.String() {
			t.Errorf("P-51: the copy of %s is %s, and the file says %s", r.Form, hash, r.CopyHash)
		}
		if a, _ := filed.Answer("customers"); a.Text != "43" || filed.Receipt == nil || filed.Receipt.Number != "F-1" || !filed.Receipt.At.Equal(r.At) || !slices.Equal(filed.Untold(), []clock.Agency{clock.SecretService}) || said == "" {
			t.Errorf("P-45: %+v %+v", a, filed.Receipt)
		}
		if _, pages, err := o.Incidents.File(ctx, i.ID, by, r.Pages); err != nil || !bytes.HasPrefix(pages, []byte("%PDF-")) {
			t.Errorf("P-51: the pages: %v", err)
		}
		next := o.BreachReport(i)
		kind, _ := next.Answer("report-kind")
		of, _ := next.Answer("supplement-of")
		if kind.Value != "supplement" || of.Text != "F-1" {
			t.Errorf("P-51: what comes after it is %q of %q", kind.Value, of.Text)
		}
		i = must[*breach.Incident](t)(o.Incidents.Report(ctx, i.ID, act, breach.Filing{Through: breach.Facility, Receipt: "F-2", Urgent: true}))
		if !i.Reports[1].Urgent || i.Reports[1].Copy == 0 {
			t.Errorf("P-47: %+v", i.Reports[1].Report)
		}
		_, file, err = o.Incidents.File(ctx, i.ID, by, i.Reports[1].Copy)
		if err != nil {
			t.Fatal(err)
		}
		if again := must[form.Filled](t)(form.Read(file)); !again.Urgent() || len(again.Untold()) != 0 {
			t.Errorf("P-47: the copy does not say that it is urgent")
		}
	})
}
