package contact

import (
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Who says that they did not ask for a new SIM gets none for anybody, unless it is found that they did; and a lock that somebody else took off is on again.
//
// cite: P-23, 47 CFR 64.2010(h), V114
func TestASIMThatTheCustomerDidNotAskFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.rules.CMRS, w.rules.SIMAskLife = true, time.Hour
		for _, outcome := range []string{"", customer.Kept, customer.Undone} {
			p := w.ann()
			p.Account = string(cpni.NewID())
			p.Lines[0].Number, p.Lines[1].Number = "+16175551"+map[string]string{"": "100", customer.Kept: "110", customer.Undone: "120"}[outcome], "+16175551"+map[string]string{"": "101", customer.Kept: "111", customer.Undone: "121"}[outcome]
			id := w.create(p)
			c := w.verified(id)
			ask, planned, err := w.AskSIM(w.ctx, SIMRequest{Contact: c, Number: p.Lines[0].Number})
			if err != nil || len(planned) == 0 {
				t.Fatal(err, planned)
			}
			if err := w.DoSIM(w.ctx, id, ask, "rep"); w.code(err) != "NOT_TOLD" {
				t.Errorf("before the notice has gone: %v", err)
			}
			if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: ask, How: ByLink}); err != nil {
				t.Fatal(err)
			}
			want := cpni.Code("FROZEN")
			if outcome != "" {
				if _, err := w.Settle(w.ctx, Settlement{Customer: id, Change: ask, By: "vera", Outcome: outcome}); err != nil {
					t.Fatal(err)
				}
			}
			if outcome == customer.Kept {
				want = "NOT_TOLD"
			}
			if err := w.DoSIM(w.ctx, id, ask, "rep"); w.code(err) != want {
				t.Errorf("disputed, %q: %v", outcome, err)
			}
			if err := w.DoSIM(w.ctx, id, cpni.NewID(), "rep"); w.code(err) != "NOT_FOUND" {
				t.Errorf("one that nobody asked for: %v", err)
			}
			if outcome != customer.Undone {
				continue
			}
			for _, on := range []bool{true, true, false} {
				w.clock.advance(time.Second)
				if _, err := w.LockSIM(w.ctx, w.verified(id), on); err != nil {
					t.Fatal(err)
				}
			}
			changes := w.profile(id).Changes
			lifted := changes[len(changes)-1].ID
			if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: lifted, How: ByLink}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Settle(w.ctx, Settlement{Customer: id, Change: lifted, By: "vera", Outcome: customer.Undone}); err != nil {
				t.Fatal(err)
			}
			if w.profile(id).SIMLocked.IsZero() {
				t.Error("the lock is off")
			}
		}
	})
}
