package office_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"ringfence/internal/breach/form"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/policy"
)

// A policy without forms uses those that are built in; one with forms uses its own, and is told what is wrong with them.
//
// cite: P-45
func TestReadForms(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{"none": nil, "without": {"clauses.yaml": {Data: []byte("[]")}}} {
		got := must[*form.Forms](t)(office.ReadForms(files))
		if len(got.All()) != 2 {
			t.Errorf("%s: %d forms", name, len(got.All()))
		}
	}
	text, err := policy.Files.ReadFile("forms/breach-report-2007.yaml")
	if err != nil {
		t.Fatal(err)
	}
	other, _ := policy.Files.ReadFile("forms/breach-report-2023.yaml")
	own := strings.Replace(string(text), "title: Report of", "title: Our report of", 1)
	got := must[*form.Forms](t)(office.ReadForms(fstest.MapFS{"forms/a.yaml": {Data: []byte(own)}, "forms/b.yaml": {Data: other}}))
	if f, ok := got.For("breach-2007"); !ok || !strings.HasPrefix(f.Title, "Our report") {
		t.Errorf("the carrier's own form is not used: %v", f)
	}
	if _, err := office.ReadForms(fstest.MapFS{"forms/a.yaml": {Data: []byte("form: 7")}}); err == nil || !strings.Contains(err.Error(), "forms/a.yaml:1:") {
		t.Errorf("a form that is wrong: %v", err)
	}
}

// The link to the facility is there with the day on which somebody last looked, and is stale when that was too long ago; a report finds in
// the configuration all that it says of the carrier.
//
// cite: P-45, P-46, 47 CFR 64.2011(b)
func TestFacility(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.OpenPublic(t, db, examplePublic)
		looked := examplePublic.Carrier.Verified.Start(officetest.Zone)
		for _, row := range []struct {
			at    time.Time
			stale bool
		}{{looked, false}, {looked.Add(90*24*time.Hour - time.Second), false}, {looked.Add(90 * 24 * time.Hour), true}} {
			f := o.Facility(row.at)
			if f.Link != examplePublic.Carrier.Facility || f.Verified != examplePublic.Carrier.Verified || f.Stale != row.stale || f.Refused() != nil || (f.Warns() != "") != row.stale {
				t.Errorf("P-46: at %s: %+v", row.at, f)
			}
		}
		f, _ := o.Forms.For("breach-2007")
		for _, p := range f.Draft(o.ReportFacts(), nil).Problems() {
			if strings.HasPrefix(p.Field, "carrier-") || strings.HasPrefix(p.Field, "contact-") || p.Field == "frn" || p.Field == "filer-id" {
				t.Errorf("P-45: %s", p.Says)
			}
		}
	})
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db) // of a carrier that has configured nothing
		if f := o.Facility(officetest.Start); f.Refused() == nil || !f.Stale || f.Warns() == "" {
			t.Errorf("P-46: without a link: %+v", f)
		}
	})
}
