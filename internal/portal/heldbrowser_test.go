package portal_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
	"ringfence/internal/watch"
	"ringfence/internal/written"
)

// takesOver gives the browser the session of the client that is signed in.
func (s *site) takesOver(c *chromium) {
	s.t.Helper()
	at, err := url.Parse(s.server.URL)
	must(s.t, err)
	for _, k := range s.browser.Jar.Cookies(at) {
		only := true
		_, err := chromedp.Call(c.ctx, network.SetCookie, network.SetCookieParams{Name: k.Name, Value: k.Value, URL: c.at, Path: "/", HTTPOnly: &only, SameSite: network.CookieSameSiteLax})
		must(s.t, err)
	}
}

// The pages of what is held, who received it, downloads, requests and reports fit a desk and a telephone, in light and dark, in
// English and Spanish; axe finds nothing to complain of; none has a script; and what people write stays text.
//
// cite: P-16, P-36, P-41, I-23, 47 CFR 64.2010(c)
func TestPagesOfHoldingsAreSound(t *testing.T) {
	const evil = `Bo <img src=x onerror="hit=1"> of-the-very-long-name-that-has-to-break-somewhere-or-the-page-is-too-wide`
	s := visit(t, storetest.Open(t, "memory:"))
	ann := s.Customer(t, func(p *customer.Profile) {
		p.Lines = append(p.Lines, customer.Line{Number: "+12025559" + p.Account[2:], Categories: []cpni.Category{cpni.Wireless}, Since: p.Since})
		p.Authorised = []customer.Authorised{{Name: evil, Data: []cpni.DataClass{cpni.Billing}}}
	})
	s.billed(ann)
	agent, compliance := s.Member(t, cpni.RoleAgent), s.Member(t, cpni.RoleCompliance)
	must(t, s.Viewed(t.Context(), agent, watch.Card, ann.ID))
	s.Time.Add(time.Minute)
	told, err := s.Door.Disclose(t.Context(), officetest.AskCalls(agent, s.Contact(t, agent, ann.ID)))
	must(t, err)
	s.Time.Add(time.Minute)
	_, err = s.Door.Disclose(t.Context(), officetest.AskCalls(agent, s.Verified(t, agent, ann.ID)))
	must(t, err)
	s.Time.Add(time.Minute)
	s.signIn(ann, "blue heron 42")
	for range 3 {
		s.sendForm("/account/download", url.Values{"as": {"screen"}, "line": {"1"}, "from": {"202610"}, "to": {"202611"}, "class": {"call-detail", "billing"}})
		s.Time.Add(time.Minute)
	}
	must(t, s.Ledger.Sequence(t.Context()))
	c := s.chromium()
	s.takesOver(c)
	for _, language := range []string{"en", "es"} {
		for name, path := range map[string]string{"held": "held", "received": "received", "received-one": "received/" + string(told.Entry), "proof": "received/" + string(told.Entry) + "/proof", "download": "download", "give": "give", "report": "report?line=" + string(told.Entry)} {
			at := "/account/" + path
			if strings.Contains(at, "?") {
				at += "&language=" + language
			} else {
				at += "?language=" + language
			}
			c.goTo(at)
			c.isSound(name + " " + language)
		}
	}
	c.goTo("/account/download?language=en")
	c.click(`main form button`)
	c.sees("Here is what you asked for", "+17035550123")
	c.isSound("download shown")
	c.goTo("/account/give")
	c.fill("field-name", evil)
	c.fill("field-address", "somebody.with.a.very.long.name.indeed@a-long-provider-of-analyses.example.com")
	c.click("main form button")
	c.sees("This is what you ask for", evil)
	c.isSound("give sign")
	c.fill("field-signature", ann.Name)
	c.fill("field-password", "wrong")
	c.click("main form button")
	c.sees("The password is not right")
	c.isSound("give refused")
	s.Time.Add(time.Minute)
	c.fill("field-signature", ann.Name)
	c.fill("field-password", officetest.Password)
	c.click("main form button")
	c.sees("The pass phrase", "Nothing has gone yet")
	phrase := evaluate[string](c, `document.querySelector(".phrase").innerText`)
	c.isSound("give signed")
	all, err := s.Written.Of(t.Context(), ann.ID)
	must(t, err)
	c.goTo("/account/give")
	c.isSound("give past")
	c.goTo("/account/give/" + string(all[0].ID))
	c.isSound("give one")
	c.goTo("/account/report?language=es")
	c.click("#choice-category-other")
	c.do(chromedp.SetValue("#report-text", `<script>hit=1</script> `+strings.Repeat("palabra", 30)))
	c.click("main form button")
	c.sees("Gracias. Lo tenemos")
	reports, err := s.Complaints.Of(t.Context(), ann.ID)
	must(t, err)
	_, err = s.Complaints.Take(t.Context(), ann.ID, reports[0].ID, compliance)
	must(t, err)
	_, err = s.Complaints.Reply(t.Context(), ann.ID, reports[0].ID, compliance, "Lo hemos revisado. No fue nadie de nuestro equipo.")
	must(t, err)
	c.goTo("/account/report")
	c.isSound("report answered es")
	if evaluate[bool](c, `typeof hit !== "undefined"`) {
		t.Error("what somebody wrote has run as a script")
	}

	s.Time.Add(s.Policy.Numbers(s.Clock.Now()).Duration("written-request", "wait"))
	must(t, s.Written.Due(t.Context()))
	messages, err := s.Outbox.Messages(t.Context(), ann.ID)
	must(t, err)
	for _, m := range messages {
		if m.Kind == notify.DesigneeRecords {
			c.goTo(office.GivenLink + s.Outbox.Token(m.ID) + "?language=en")
		}
	}
	c.isSound("given")
	c.fill("field-phrase", "wrong")
	c.click("main form button")
	c.sees("did not open anything")
	c.isSound("given refused")
	c.fill("field-phrase", phrase)
	c.click("main form button")
	c.sees("The records that you were given", "+17035550123")
	c.isSound("given shown")
	if all, err = s.Written.Of(t.Context(), ann.ID); err != nil || all[0].State != written.Sent || len(all[0].Opened) != 1 {
		t.Errorf("%+v, %v", all[0], err)
	}
}
