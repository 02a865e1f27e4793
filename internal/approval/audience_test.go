package approval

import (
	"context"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// audience is who may be addressed, as whoever screens keeps it: the last word on each counts.
type audience map[cpni.ID]bool

func (a audience) hear(of cpni.ID, s cpni.ApprovalState) { a[of] = allows(s) }

// agreed makes customers who have said yes to the carrier's own marketing.
func (d *desk) agreed(t *testing.T, n int) []cpni.ID {
	t.Helper()
	all := make([]cpni.ID, n)
	for i := range all {
		all[i] = d.create(t, customer.Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: d.clock().AddDate(-1, 0, 0)})
	}
	return all
}

var ownUse = Use{Purpose: cpni.OwnMarketing, Data: usage, Recipient: carrier}

// Who objects while all are screened is not among them, whether they were looked at already or not yet; everybody else is.
//
// cite: P-11, P-12, I-02, 47 CFR 64.2007(a)(2), 47 CFR 64.2009(a)
func TestWhoObjectsMeanwhileIsInNoAudience(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, err := openDesk(db, vault.NewMaster(), keyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		customers := d.agreed(t, 120)
		found, objected := audience{}, map[cpni.ID]bool{}
		paused, resume, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			told := 0
			done <- d.said.Screen(context.Background(), ownUse, func(of cpni.ID, s cpni.ApprovalState) error {
				found.hear(of, s)
				if told++; told == len(customers)/2 {
					close(paused)
					<-resume
				}
				return nil
			})
		}()
		<-paused
		before, after := 0, 0
		for i, of := range customers {
			if i%5 != 0 {
				continue
			}
			if found[of] {
				before++
			} else {
				after++
			}
			if err := d.said.Object(t.Context(), of, []string{"", "own-marketing"}[i%2], "portal", "customer", d.clock()); err != nil {
				t.Fatal(err)
			}
			objected[of] = true
		}
		close(resume)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if before == 0 || after == 0 {
			t.Fatalf("%d of those who objected had been looked at, %d not yet", before, after)
		}
		for _, of := range customers {
			if found[of] == objected[of] {
				t.Errorf("objected %v, and in the audience %v", objected[of], found[of])
			}
		}
	})
}

// Screening ends although somebody says something new each time that it looks again.
//
// cite: I-26, 47 CFR 64.2009(a)
func TestScreeningEndsWhileAnswersComeIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, err := openDesk(db, vault.NewMaster(), keyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		customers := d.agreed(t, 4*mostLooks)
		told, again, next := map[cpni.ID]bool{}, 0, 0
		found := audience{}
		err = d.said.Screen(t.Context(), ownUse, func(of cpni.ID, s cpni.ApprovalState) error {
			found.hear(of, s)
			if told[of] {
				again++
			}
			told[of] = true
			if len(told) < len(customers) || next == len(customers) {
				return nil
			}
			next++ // one more, each time that somebody is told
			return d.said.Object(t.Context(), customers[next-1], "", "portal", "customer", d.clock())
		})
		if err != nil {
			t.Fatal(err)
		}
		if again == 0 || again > mostLooks {
			t.Errorf("%d of %d were looked at again", again, len(customers))
		}
		for i, of := range customers[:next] {
			if i < again && found[of] {
				t.Error("who objected before the last look is in the audience")
			}
		}
	})
}
