package scenario

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"ringfence/internal/rules"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// Stories that name the rule they are about come out the same under a policy in which a carrier has put another in force: otherwise no
// change of that carrier's rules could be tried any more.
//
// cite: P-58, V35, 47 CFR 64.2011
func TestStoriesOfProfilesUnderASwitchedPolicy(t *testing.T) {
	text, err := os.ReadFile("../../scenarios/profiles.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	for from, entered := range map[string]workday.Date{"2027-01-04": workday.On(2026, 11, 24), "2026-11-02": workday.On(2026, 11, 1), "2027-02-01": workday.On(2027, 1, 20)} {
		w, err := set.Entering(rules.Switch{Profile: "breach-2023", From: from, Citation: "91 FR 12345"}, entered)
		if err != nil {
			t.Fatal(err)
		}
		files, err := set.WithSwitch(w)
		if err != nil {
			t.Fatal(err)
		}
		switched, err := set.Changed(files)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Rehearse(fstest.MapFS{"profiles.yaml": {Data: text}})(t.Context(), switched, func() {})
		if err != nil || !r.OK() {
			t.Errorf("switched from %s: %d passed, %v\n%s", from, r.Passed, err, strings.Join(r.Failed, "\n"))
		}
	}
}
