package portal_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notice"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func urlOf(t testing.TB, address string) *url.URL {
	t.Helper()
	at, err := url.Parse(address)
	must(t, err)
	return at
}

// takeOver gives the browser the session of another.
func (c *chromium) takeOver(s *site) {
	c.t.Helper()
	for _, k := range s.browser.Jar.Cookies(urlOf(c.t, s.server.URL+"/account/")) {
		only := true
		_, err := chromedp.Call(c.ctx, network.SetCookie, network.SetCookieParams{Name: k.Name, Value: k.Value, URL: c.at, Path: "/", HTTPOnly: &only, SameSite: network.CookieSameSiteLax})
		must(c.t, err)
	}
}

// even gives what could make one of two buttons press more than the other, of each button in the pair of a page, and how many are
// chosen or in focus beforehand.
const even = `(() => {
	const looks = b => {
		const s = getComputedStyle(b), r = b.getBoundingClientRect();
		return ["color", "backgroundColor", "fontSize", "fontWeight", "fontFamily", "borderTopWidth", "borderTopColor", "borderTopStyle", "borderRadius", "paddingTop", "paddingLeft", "opacity", "textDecorationLine", "textTransform", "boxShadow", "cursor", "outlineStyle"].map(k => k + "=" + s[k])
			.concat([Math.round(r.width) + "x" + Math.round(r.height), b.disabled, b.form.method, b.form.action, b.type]).join(";");
	};
	const all = [...document.querySelectorAll(".even button")].map(looks);
	const before = document.querySelectorAll("input:checked, option:checked, [autofocus]").length;
	return [all.length, new Set(all).size, before, all.join("\n")];
})()`

// A yes and a no are alike in everything, at every width and in light and dark: size, weight, colour, place in the form and how many
// presses they take; and nothing is chosen beforehand.
//
// cite: P-08, P-13, 47 CFR 64.2008(c)(4)
func TestYesAndNoPressAlike(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	s.acme()
	s.Door.CMRS = true
	ann := s.Customer(t)
	run := s.noticed(notice.Spec{Kind: approval.OptOut, Ways: []string{notice.ByPortal}}, ann)
	s.signIn(ann, officetest.Password)
	s.says("everything", "no")
	c := s.chromium()
	c.takeOver(s)
	for _, language := range []string{"en", "es"} {
		for _, path := range []string{"choices/own-marketing", "choices/other-marketing", "choices/partner:acme-energy", "choices/location:own-marketing", "choices/everything/back", "notices/" + string(run.ID)} {
			c.goTo("/account/" + path + "?language=" + language)
			for _, v := range views {
				c.look(v)
				got := evaluate[[]any](c, even)
				if got[0] != float64(2) || got[1] != float64(1) || got[2] != float64(0) {
					t.Errorf("%s, %s, %s: %v buttons of %v looks, %v chosen beforehand:\n%v", path, language, v.what, got[0], got[1], got[2], got[3])
				}
			}
		}
	}
	c.goTo("/account/choices?language=en")
	if n := evaluate[int](c, `document.querySelectorAll("main form").length`); n != 1 {
		t.Errorf("%d forms on the first page, want that which refuses everything", n)
	}
}

// Every page of choices and notices fits a desk and a telephone, in light and dark, in English and Spanish, works without scripts,
// and axe finds nothing to complain of.
//
// cite: P-08, P-11, P-13, P-27, 47 CFR 64.2008(c)
func TestChoicesPagesAreSound(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	s.acme()
	s.Door.CMRS = true
	ann, ben := s.Customer(t), s.Customer(t)
	link, number := s.letter(ann)
	s.noticed(ownByPost, ann)
	s.noticed(notice.Spec{Kind: approval.OptIn, Ways: []string{notice.ByInsert}, Recipients: []notice.Recipient{{ID: "northern-lights", Name: "Northern & \"Lights\" Home Insurance", Class: cpni.AffiliateOther}}}, ann)
	s.noticed(notice.Spec{Kind: approval.OptIn, Ways: []string{notice.ByInsert}, Recipients: []notice.Recipient{{ID: "sunny-side", Name: "Sunny Side Home Insurance, Warranty and Daughters Company", Class: cpni.AffiliateOther}}}, ann)
	s.Time.Add(40 * 24 * time.Hour)
	run := s.noticed(notice.Spec{Kind: approval.OptOut, Ways: []string{notice.ByPortal}, Wait: 45}, ann)
	s.signIn(ann, officetest.Password)
	c := s.chromium()
	c.scripts(false)
	for _, language := range []string{"en", "es"} {
		c.goTo(link + "?language=" + language)
		c.isSound("refuse by link " + language)
		c.click("button[value=companies]")
		c.sees(map[string]string{"en": "Your refusal counts from now on", "es": "Su rechazo vale desde ahora"}[language])
		c.isSound("refused " + language)
		c.goTo("/account/refuse?language=" + language)
		c.isSound("refuse " + language)
	}
	c.fill("field-who", number)
	c.click("button[value=companies]")
	c.sees("Su rechazo vale desde ahora")
	c.takeOver(s)
	for _, language := range []string{"en", "es"} {
		c.goTo("/account/?language=" + language)
		c.sees(map[string]string{"en": "I have read it, go on", "es": "Lo he leído, continuar"}[language])
		c.isSound("notice waits " + language)
		for _, path := range []string{"choices", "choices/own-marketing", "choices/partner:northern-lights", "choices/partner:sunny-side", "choices/location:other-marketing", "choices/data:call-detail", "choices/everything", "notices"} {
			c.goTo("/account/" + path + "?language=" + language)
			c.isSound(strings.NewReplacer("/", " ", ":", " ").Replace(path) + " " + language)
		}
	}
	c.goTo("/account/notices/" + string(run.ID) + "?language=en")
	c.click(`button[value=no]`)
	c.sees("Your no is on record")
	s.Time.Add(time.Second)
	c.goTo("/account/choices/own-marketing")
	c.click(`button[value=yes]`)
	c.sees("Your yes is on record", "Used: you said yes here in your account")
	c.isSound("choices said")
	s.Time.Add(time.Second)
	c.click(`form[action="/account/choices"] button`)
	c.sees("Your refusal of every use is on record")
	c.goTo("/account/choices/everything/back")
	c.isSound("choices everything back")
	c.goTo("/account/choices/own-marketing?language=es")
	c.sees("Usted ha rechazado todos los usos")
	c.isSound("choices after refusing everything es")
	_, err := chromedp.Call(c.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Sec-GPC": "1"}})
	must(t, err)
	s.another()
	s.signIn(ben, officetest.Password)
	c.takeOver(s)
	c.goTo("/account/choices?language=en")
	c.sees("Global Privacy Control", "We take that as your refusal of every use")
	c.isSound("choices under the signal")
	if s.own(ben.ID) != cpni.Denied {
		t.Error("the signal of a browser is not heard")
	}
}

// A customer who objects in a browser while the audience of a campaign is computed over thousands is never in it, whether they had been
// looked at before or not.
//
// cite: P-11, P-12, P-36, I-02, I-19, 47 CFR 64.2007(a)(2), 47 CFR 64.2009(a)
func TestWhoObjectsWhileAnAudienceIsComputedIsNotInIt(t *testing.T) {
	const crowd = 3000
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		silent := func(p *customer.Profile) {
			given := s.Clock.Now().AddDate(0, -6, 0)
			p.Approvals = []customer.Approval{{Scope: string(cpni.OwnMarketing), State: cpni.OptOutOK, Since: given.AddDate(0, 2, 0), NoticeAt: given, Matures: given.AddDate(0, 2, 0)}}
		}
		ann, ben := s.Customer(t, silent), s.Customer(t, silent)
		var all sync.WaitGroup
		for worker := range 16 {
			all.Go(func() {
				for i := worker; i < crowd; i += 16 {
					p := customer.Profile{Name: "One of many", Account: fmt.Sprintf("C-%d", i), Since: officetest.Start.AddDate(-1, 0, 0)}
					silent(&p)
					if _, err := s.Customers.Create(t.Context(), p, "test"); err != nil {
						t.Errorf("%v", err)
						return
					}
				}
			})
		}
		all.Wait()
		c := s.chromium()
		s.signedIn(c, ann)
		s.Time.Add(time.Minute)

		audience := map[cpni.ID]bool{}
		told := map[cpni.ID]int{}
		seen, goOn := make(chan bool), make(chan bool)
		done := make(chan error, 1)
		go func() {
			held := false
			done <- s.Approvals.Screen(t.Context(), approval.Use{Purpose: cpni.OwnMarketing, Data: usage, Recipient: theCarrier}, func(of cpni.ID, state cpni.ApprovalState) error {
				told[of]++
				audience[of] = state == cpni.OptOutOK || state == cpni.OptInOK
				// Held where one of the two has been told already.
				if !held && len(told) > crowd/3 && (told[ann.ID] > 0 || told[ben.ID] > 0) {
					held = true
					seen <- audience[ann.ID] || audience[ben.ID]
					<-goOn
				}
				return nil
			})
		}()
		if !<-seen {
			t.Error("neither of the two stood in the audience when it was held: the test shows nothing")
		}
		c.goTo("/account/choices/own-marketing")
		c.click(`button[value=no]`)
		c.sees("Your no is on record")
		c.click("header form button")
		c.sees("You are signed out")
		s.signedIn(c, ben)
		c.goTo("/account/choices")
		c.click(`form[action="/account/choices"] button`)
		c.sees("Your refusal of every use is on record")
		close(goOn)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if audience[ann.ID] || audience[ben.ID] {
			t.Errorf("who objected is in the audience: %v, %v (I-02)", audience[ann.ID], audience[ben.ID])
		}
		n := 0
		for _, in := range audience {
			if in {
				n++
			}
		}
		if n != crowd {
			t.Errorf("%d in the audience, want %d", n, crowd)
		}
		if told[ann.ID]+told[ben.ID] < 3 {
			t.Errorf("told %d and %d times: nobody who had been told was looked at again", told[ann.ID], told[ben.ID])
		}
	})
}
