package console

import (
	"context"
	"net/http"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/retention"
)

// The terms, a hold and a plan of erasure at the desk: who reads the registers sees them, one person proposes, another agrees, and what was
// erased is on a page.
//
// cite: P-37, P-41, P-54, I-22, 47 CFR 64.2009(c), 47 CFR 64.2011(d)
func TestRetentionAtTheDesk(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	for _, path := range []string{"/retention", "/retention/plan", "/retention/holds", "/retention/erased"} {
		agent.get(path).is(t, http.StatusForbidden)
	}
	agent.open(w.ann, "phone")
	b := w.signedIn(t, "compliance")
	b.get("/retention").is(t, http.StatusOK).says(t, "Floor", "2 years", "5 years", "47 CFR 64.2011(d)")
	b.get("/retention/plan").is(t, http.StatusOK).says(t, "0 things go")

	holds := b.get("/retention/holds")
	place := func(more ...string) reply {
		return b.post("/retention/holds/place", append([]string{"token", holds.value("token"), "key", holds.value("key"), "matter", "Zeisig against the carrier", "reason", "Counsel asks."}, more...)...)
	}
	place().is(t, http.StatusUnprocessableEntity).says(t, "It is not said what the hold covers", "Counsel asks.")
	place("incident", "I-1999-1").is(t, http.StatusUnprocessableEntity).says(t, "There is no incident of that number")
	placed := b.follow(place("customer", string(w.ann), "kind", "contacts"))
	placed.says(t, "The hold is in force", "Zeisig against the carrier", "Contacts with customers, of the customer "+string(w.ann))
	placed.lacks(t, "Why it is lifted")
	if _, err := w.ProposeForget(context.Background(), "", w.ann, w.people["compliance"]); err == nil {
		t.Error("who is held can be forgotten (I-22)")
	}

	w.clock.pass(40 * 31 * 24 * time.Hour)
	b = w.signedIn(t, "compliance")
	plan := b.get("/retention/plan")
	plan.says(t, "Call detail")
	b.follow(b.post("/retention/plan/propose", "token", plan.value("token"), "key", plan.value("key"))).says(t, "No kind is chosen")
	b.follow(b.post("/retention/plan/propose", "token", plan.value("token"), "key", plan.value("key"), "kind", "call-detail")).says(t, "Erase what a plan names", "Call detail")
	at := b.at
	officer := w.signedIn(t, "officer")
	shown := officer.get(at)
	officer.follow(officer.post(at+"/agree", "token", shown.value("token"), "hash", shown.value("hash"))).says(t, "You have agreed")
	must(t, w.Proposals.Work(context.Background()))
	b.get("/retention/erased").is(t, http.StatusOK).says(t, "1 plan", "Call detail", "erased; kept for 2 years")
	all, err := w.Retention.Holds(context.Background())
	must(t, err)
	officer.follow(officer.post("/retention/holds/"+string(all[0].ID)+"/lift", "token", officer.get("/retention/holds").value("token"), "why", "It is settled.")).says(t, "The hold is lifted", "It is settled.")
}

// The pages about retention fit every window, and axe finds nothing to complain of.
func TestRetentionInABrowser(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	for i, who := range []string{"compliance", "officer"} {
		h, err := w.Retention.Place(ctx, "", w.people[who], retention.Scope{Customer: w.ann, Kind: "contacts"}, "Zeisig against the carrier", "Counsel asks that nothing of it goes.")
		must(t, err)
		if i > 0 {
			_, err = w.Retention.Lift(ctx, h.ID, w.people["compliance"], "It is settled.")
			must(t, err)
		}
	}
	w.clock.pass(40 * 31 * 24 * time.Hour)
	b := w.signedIn(t, "compliance")
	p, err := w.ProposeErasure(ctx, cpni.NewID(), w.people["officer"], "call-detail")
	must(t, err)
	c := w.chromium(t)
	c.takeOver(b)
	c.isSound("the terms of retention", "/retention")
	c.isSound("a plan of erasure", "/retention/plan")
	c.isSound("a plan that is proposed", proposalAddress(p.ID))
	c.isSound("legal holds", "/retention/holds")
	_, err = w.Proposals.Agree(ctx, p.ID, p.Hash, w.people["compliance"])
	must(t, err)
	must(t, w.Proposals.Work(ctx))
	c.isSound("what was erased", "/retention/erased")
}
