package console

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/partner"
)

// plus is what somebody types who builds a campaign.
func plus(change ...string) []string {
	fields := []string{"name", "Local Plus in spring", "description", "A bigger local plan for those with a line", "kind", "marketing", "use", "service", "purpose", "own-marketing", "to", "carrier",
		"product", "Local Plus", "category", "local", "channel", "voice", "starts", "2026-03-05", "ends", "2026-04-30", "has", "local",
		"subject-en", "Local Plus", "text-en", "For ten dollars a month your line calls all of the state.", "subject-es", "Local Plus", "text-es", "Por diez dólares al mes su línea llama a todo el estado."}
	for i := 0; i < len(change); i += 2 {
		if at := slices.Index(fields, change[i]); at >= 0 && at%2 == 0 {
			fields[at+1] = change[i+1]
		} else {
			fields = append(fields, change[i], change[i+1])
		}
	}
	return fields
}

// withCampaign is a world with a campaign that waits for its review, and its address.
func withCampaign(t *testing.T) (w *world, b *browser, address string) {
	t.Helper()
	w = newWorld(t)
	must(t, w.Partners.Put(t.Context(), "test", partner.Partner{ID: "acme", Name: "Acme Energy", Class: cpni.JointVenture, Agreement: &partner.Agreement{Until: w.clock.Now().AddDate(1, 0, 0), DestroyBy: w.clock.Now().AddDate(1, 1, 0)}}))
	w.customer(customer.Profile{Name: "Ben Baker", Since: w.clock.Now().AddDate(-2, 0, 0)})
	b = w.signedIn(t, "marketing")
	key := b.get("/campaigns/new").value("key")
	b.submit("/campaigns/new", append(plus(), "key", key, "do", "submit")...)
	if !strings.HasPrefix(b.at, "/campaigns/") || b.at == "/campaigns/new" {
		t.Fatalf("the campaign is at %s", b.at)
	}
	return w, b, b.at
}

// Marketing builds a campaign with counts in view, a supervisor reads what it is and what has changed, and only what was approved is
// launched; anybody of the two stops it.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestACampaignIsBuiltReviewedLaunchedStopped(t *testing.T) {
	w, b, address := withCampaign(t)
	id := cpni.ID(strings.TrimPrefix(address, "/campaigns/"))
	key := b.get("/campaigns/new").value("key")
	page := b.submit("/campaigns/new", append(plus("to", "acme", "purpose", "partner-marketing"), "key", key, "do", "count")...)
	page.says(t, "Whom it would reach now", "customers who buy local", "A new campaign")
	page.lacks(t, "Ann Archer", "Ben Baker")
	b.submit("/campaigns/new", "key", key, "do", "save", "name", "", "kind", "marketing").is(t, http.StatusUnprocessableEntity).says(t, "A campaign has a name")
	b.submit("/campaigns/new", append(plus("starts", "soon"), "key", key, "do", "save")...).is(t, http.StatusUnprocessableEntity).says(t, "A day is no day")
	b.get(address).says(t, "waits for review", "Local Plus (local)", "customers who buy local", "we alone", "drawn up", "put before a reviewer")
	version := b.get(address + "/edit").value("version")
	b.submit(address+"/review", "version", version, "verdict", "approve").is(t, http.StatusForbidden)
	b.submit(address+"/launch", "version", version).says(t, "Nobody else has approved")

	s := w.signedIn(t, "supervisor")
	s.get("/home").says(t, "1 campaign waits for your review")
	s.get("/campaigns").says(t, "1 waits for your review", "Local Plus in spring")
	s.get(address).says(t, "Your review", "Nobody has reviewed it yet", "Whom it would reach now")
	s.submit(address+"/review", "version", version, "verdict", "return", "remark", "").says(t, "sent back with a remark")
	s.submit(address+"/review", "version", version, "verdict", "return", "remark", "Say what it costs").says(t, "sent back")
	b.get(address).says(t, "The last review", "Sent back by The supervisor", "Say what it costs")
	version = b.get(address + "/edit").value("version")
	b.submit(address+"/edit", plus("version", version, "do", "submit", "description", "A bigger local plan for ten dollars")...).says(t, "waits for")
	changed := s.get(address)
	changed.says(t, "Changed since the last review", "A bigger local plan for those with a line")
	version = changed.value("version")
	s.submit(address+"/review", "version", version, "verdict", "approve").says(t, "You have approved it")
	s.submit(address+"/review", "version", version, "verdict", "approve").says(t, "meanwhile")

	b.get(address).says(t, "approved", "Launch")
	version = b.get(address).value("version")
	b.submit(address+"/launch", "version", version).says(t, "It is under way")
	must(t, w.Campaigns.Work(t.Context()))
	b.get(address).says(t, "How far it has come", "on the list", "nobody is left")
	agent := w.signedIn(t, "agent")
	agent.get("/desk/lists").says(t, "Local Plus in spring")
	agent.get("/desk/lists/"+string(id)).says(t, string(w.ann), "For ten dollars a month", "Por diez dólares")
	agent.get("/campaigns").is(t, http.StatusForbidden)
	b.get("/desk/lists/"+string(id)).is(t, http.StatusForbidden)
	w.signedIn(t, "auditor").get(address).says(t, "Local Plus in spring", "under way")
	version = s.get(address).value("version")
	s.submit(address+"/stop", "version", version).says(t, "stopped for good")
	agent.get("/desk/lists/"+string(id)).lacks(t, string(w.ann))
	if c, err := w.Campaigns.Get(t.Context(), id); err != nil || c.State != campaign.Stopped {
		t.Errorf("%+v, %v", c, err)
	}
	b.get("/campaigns/"+string(cpni.NewID())).is(t, http.StatusNotFound)
}

// The same in a browser, by what people see and press.
//
// cite: P-40, 47 CFR 64.2009(d)
func TestACampaignInTheBrowser(t *testing.T) {
	w := newWorld(t)
	must(t, w.Partners.Put(t.Context(), "test", partner.Partner{ID: "acme", Name: "Acme Energy", Class: cpni.JointVenture, Agreement: &partner.Agreement{Until: w.clock.Now().AddDate(1, 0, 0), DestroyBy: w.clock.Now().AddDate(1, 1, 0)}}))
	c := w.chromium(t)
	c.signIn("marketing")
	c.sees("Campaigns", "None is on the register yet.")
	c.goTo("/campaigns/new")
	c.isSound("campaign new", "")
	set := func(fields ...string) {
		t.Helper()
		for i := 0; i < len(fields); i += 2 {
			evaluate[bool](c, `(() => { const all = [...document.getElementsByName("`+fields[i]+`")]; const box = all.find(e => e.type === "radio" || e.type === "checkbox");
				if (box) { all.find(e => e.value === "`+fields[i+1]+`").checked = true; } else { all[0].value = "`+fields[i+1]+`"; } return true; })()`)
		}
	}
	click := func(text string) {
		t.Helper()
		evaluate[bool](c, `(() => { [...document.querySelectorAll("button")].find(b => b.innerText.trim() === "`+text+`").click(); return true; })()`)
	}
	set("name", "Energy by Acme", "description", "Energy for those with a line", "use", "usage", "to", "acme", "purpose", "partner-marketing", "product", "Acme Energy", "category", "other", "channel", "voice",
		"subject-en", "Energy", "text-en", "Acme offers energy.", "subject-es", "Energía", "text-es", "Acme ofrece energía.")
	click("Count")
	c.sees("Whom it would reach now", "OPTIN_REQUIRED")
	if n := evaluate[string](c, `document.getElementById("included").innerText`); n != "0" {
		t.Errorf("%s are included without a yes", n)
	}
	c.isSound("campaign counted", "")
	set("to", "carrier", "purpose", "own-marketing", "product", "Local Plus", "category", "local", "name", "Local Plus")
	click("Submit for review")
	c.sees("It waits for somebody else to review it.", "waits for review")
	all, err := w.Campaigns.List(t.Context(), campaign.Filter{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d campaigns, %v", len(all), err)
	}
	address := campaignAddress(all[0].ID)
	c.takeOver(w.signedIn(t, "supervisor"))
	c.goTo("/campaigns")
	c.sees("1 waits for your review")
	c.isSound("campaigns to review", "")
	c.goTo(address)
	set("remark", "Say what it costs")
	click("Send it back")
	c.sees("It is sent back with your remark.")
	c.takeOver(w.signedIn(t, "marketing"))
	c.goTo(address + "/edit")
	set("description", "Energy and a bigger plan for ten dollars")
	click("Submit for review")
	c.sees("It waits for somebody else")
	c.takeOver(w.signedIn(t, "supervisor"))
	c.goTo(address)
	c.sees("Changed since the last review", "for ten dollars")
	c.isSound("campaign review", "")
	click("Approve it as it is shown")
	c.sees("You have approved it as it was shown.")
	c.takeOver(w.signedIn(t, "marketing"))
	c.goTo(address)
	click("Launch")
	c.sees("It is under way.")
	must(t, w.Campaigns.Work(t.Context()))
	c.goTo(address)
	c.sees("on the list")
	c.isSound("campaign under way", "")
	c.takeOver(w.signedIn(t, "agent"))
	c.isSound("campaign list", "/desk/lists/"+string(all[0].ID))
	c.isSound("campaign lists", "/desk/lists")
	c.takeOver(w.signedIn(t, "marketing"))
	c.goTo(address)
	click("Stop for good")
	c.sees("It is stopped for good", "stopped")
	c.isSound("campaign stopped", "")
}
