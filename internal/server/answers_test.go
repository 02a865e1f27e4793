package server

import (
	"slices"
	"testing"

	"ringfence/internal/inbound"
)

// The address that notices name takes answers, whatever else the configuration says.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3)
func TestTheContactTakesAnswers(t *testing.T) {
	c := Config{Carrier: Carrier{Contact: Contact{Email: "privacy@carrier.example"}}}
	written := inbound.Config{Answers: []string{"choices@carrier.example"}}
	in := c.takingAnswers(written)
	if !slices.Equal(in.Answers, []string{"choices@carrier.example", "privacy@carrier.example"}) || len(written.Answers) != 1 {
		t.Errorf("%v", in.Answers)
	}
}
