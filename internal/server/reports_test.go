package server

import (
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"ringfence/internal/breach/form"
	"ringfence/policy"
)

// The demonstration has made-up facts of a carrier, marked as such, with which a report lacks nothing that it says of the carrier.
//
// cite: P-45, 47 CFR 64.2011(b)
func TestReportsOfTheDemonstration(t *testing.T) {
	r := DemoConfig(t.TempDir(), "127.0.0.1:0").Carrier.Reports
	if wrong := r.check(); len(wrong) != 0 {
		t.Errorf("%v", wrong)
	}
	if !strings.Contains(r.LegalName, "example") || !strings.Contains(r.Contact.Name, "example") {
		t.Errorf("%s and %s are not marked as examples", r.LegalName, r.Contact.Name)
	}
	forms, err := form.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range forms.All() {
		bare := f.Check(f.Values(form.Facts{}, nil))
		with := f.Check(f.Values(form.Facts{Carrier: r.filer()}, nil))
		for _, s := range f.Sections[:2] { // the carrier, and whom the agencies ask
			for _, x := range s.Fields {
				is := func(p form.Problem) bool { return p.Field == x.Name }
				if slices.ContainsFunc(with, is) || (x.Required || x.Wanted) && !slices.ContainsFunc(bare, is) {
					t.Errorf("%s: %s with the demonstration's facts, %v without any", f.Named(), x.Name, bare)
				}
			}
		}
	}
}

// Numbers of a carrier keep their zeros, also where nobody put them into quotes.
//
// cite: P-45
func TestReportNumbers(t *testing.T) {
	for _, text := range []string{"frn: \"0012345678\"\nfiler-id: \"812345\"", "frn: '0012345678'\nfiler-id: 812345"} {
		var r Reports
		if err := yaml.UnmarshalWithOptions([]byte(text), &r, yaml.Strict()); err != nil || r.FRN != "0012345678" || r.FilerID != "812345" || len(r.check()) != 0 {
			t.Errorf("%q: %+v %v", text, r, err)
		}
	}
	var r Reports
	if err := yaml.UnmarshalWithOptions([]byte("frn: 0012345678"), &r, yaml.Strict()); err == nil && r.FRN != "0012345678" && len(r.check()) == 0 {
		t.Errorf("an FRN without quotes became %q and was taken", r.FRN)
	}
}
