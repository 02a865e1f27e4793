package scenario

import (
	"strings"
	"testing"
	"testing/fstest"

	"ringfence/internal/rules"
	"ringfence/policy"
)

// A policy is tried by telling the stories under it: what a story says must not happen any more is found.
//
// cite: P-01
func TestRehearse(t *testing.T) {
	set, err := rules.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	stories := fstest.MapFS{"mine.yaml": {Data: []byte(`start: 2026-11-24 10:00
setup:
  staff: {rep: {role: agent, trained: 2026-01-05}}
  customers: {ann: {lines: [{number: "+12025550101", categories: [local]}]}}
scenarios:
  - scenario: Service goes on
    steps:
      - disclose: {by: rep, customer: ann, data: [service], purpose: provide-service, to: carrier, order: O-1}
`)}}
	heard := 0
	r, err := Rehearse(stories)(t.Context(), set, func() { heard++ })
	if err != nil || !r.OK() || r.Passed != 1 || heard != 1 {
		t.Errorf("under the policy as it is: %+v, %v, heard %d", r, err, heard)
	}
	stricter, err := set.With("mine", []byte(`@id("closed")
@clause("P-33")
@cite("47 USC 222(c)(1)")
@code("FORBIDDEN")
@says("Closed.")
forbid (principal, action == Action::"provide-service", resource);`))
	if err != nil {
		t.Fatal(err)
	}
	if r, err = Rehearse(stories)(t.Context(), stricter, func() {}); err != nil || r.OK() || len(r.Failed) != 1 || !strings.Contains(r.Failed[0], "mine.yaml:8") || !strings.Contains(r.Failed[0], "FORBIDDEN") {
		t.Errorf("under one that closes service: %+v, %v", r, err)
	}
	if r, err = Rehearse(fstest.MapFS{})(t.Context(), set, func() {}); err != nil || r.OK() {
		t.Errorf("without stories: %+v, %v", r, err)
	}
	if _, err = Rehearse(fstest.MapFS{"bad.yaml": {Data: []byte("scenarios: 3\n")}})(t.Context(), set, func() {}); err == nil || !strings.Contains(err.Error(), "bad.yaml") {
		t.Errorf("a story that is none: %v", err)
	}
}
