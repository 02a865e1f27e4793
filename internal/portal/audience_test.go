package portal_test

import (
	"context"
	"testing"
	"time"

	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A customer who refuses in the portal while the audience of an offer is computed is not in it: neither when they had been looked
// at already, nor when their turn was still to come. And nobody may use what they have refused.
//
// cite: P-11, P-12, P-14, I-02, I-19, 47 CFR 64.2007(a)(2), 47 CFR 64.2009(a)
func TestWhoRefusesInThePortalIsInNoAudience(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		var all []*customer.Profile
		for range 12 {
			all = append(all, s.Customer(t, func(p *customer.Profile) {
				yes := officetest.Start.AddDate(0, -1, 0)
				p.Approvals = []customer.Approval{{Scope: "own-marketing", State: cpni.OptInOK, Since: yes}, {Scope: "other-marketing", State: cpni.OptInOK, Since: yes}}
			}))
		}
		ann := all[5]
		marketing := s.Member(t, cpni.RoleMarketing)
		c := s.chromium()
		s.signedIn(c, ann)
		for _, round := range []struct {
			what    string
			purpose cpni.Purpose
			first   bool // ann has been looked at when she refuses
			page    string
			button  string
			named   string
			says    string
		}{
			{"looked at already", cpni.OwnMarketing, true, "/account/choices/own-marketing", "fieldset button", "No, you may not", "Your no is on record"},
			{"still to come", cpni.OtherMarketing, false, "/account/choices", "main form button", "Refuse every use", "Your refusal of every use is on record"},
		} {
			s.Time.Add(time.Second)
			c.goTo(round.page)
			c.sees(round.named)
			found := map[cpni.ID]bool{}
			paused, resume, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			go func() {
				waited := false
				q := audience.Question{Caller: disclose.Caller{Staff: marketing}, Purpose: round.purpose, Data: []cpni.DataClass{cpni.Usage}, Via: cpni.Screen, Offer: &rules.Offer{Categories: []cpni.Category{cpni.Broadband}}}
				done <- s.Audience.Gather(context.Background(), q, func(of cpni.ID, in bool) error {
					if !waited && (!round.first || of == ann.ID) {
						waited = true
						if of != ann.ID || round.first {
							found[of] = in
						}
						close(paused)
						<-resume
						return nil
					}
					found[of] = in
					return nil
				})
			}()
			<-paused
			if found[ann.ID] != round.first {
				t.Fatalf("%s: before she refuses the audience has her: %v", round.what, found[ann.ID])
			}
			c.click(round.button)
			c.sees(round.says)
			close(resume)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			for _, p := range all {
				if found[p.ID] != (p != ann) {
					t.Errorf("%s: in the audience %v, and refused %v", round.what, found[p.ID], p == ann)
				}
			}
			answer, err := s.Door.Disclose(t.Context(), disclose.Request{Caller: disclose.Caller{Staff: marketing}, Customer: ann.ID, Purpose: round.purpose, To: "carrier", Data: []cpni.DataClass{cpni.Usage},
				Offer: &rules.Offer{Categories: []cpni.Category{cpni.Broadband}}})
			if err != nil || answer.Decision.Code != "DENIED" {
				t.Errorf("%s: used after all: %+v, %v", round.what, answer, err)
			}
		}
		c.picture("choices after refusing")
	})
}
