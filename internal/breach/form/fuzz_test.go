package form

import (
	"testing"
	"testing/fstest"

	"ringfence/policy"
)

// Whatever stands in a file, reading it ends, and what it gives is whole or an error that names the file.
func FuzzLoad(f *testing.F) {
	good, err := policy.Files.ReadFile("forms/breach-report-2007.yaml")
	if err != nil {
		f.Fatal(err)
	}
	other, _ := policy.Files.ReadFile("forms/breach-report-2023.yaml")
	f.Add(string(good))
	for _, s := range []string{"", "a", "form: x\nsections: [{fields: [{name: a, kind: choice}]}]", "a: &a [*a]", "sections:\n  - fields: [{not-before: a, name: a, kind: date}]", "--- a\n--- b", "version: 2026-13-01", "\x00", "form: [", "cites: !!binary x",
		"sections: [{fields: [{name: a, help: '', kind: money, required-when: {field: a, is: b}}]}]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		forms, err := Load(fstest.MapFS{"forms/a.yaml": {Data: []byte(text)}, "forms/b.yaml": {Data: other}})
		if err != nil {
			if forms != nil || err.Error() == "" {
				t.Errorf("%v with %v", forms, err)
			}
			return
		}
		for _, x := range forms.All() {
			if x.Hash() == "" || len(x.Fields()) == 0 {
				t.Errorf("a form that is not whole: %+v", x)
			}
			r := x.Draft(incident(), nil)
			if _, err := r.JSON(); err != nil {
				t.Error(err)
			}
			_ = x.Check(nil)
		}
	})
}
