package portal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// hostile is a name that is a script.
const hostile = `Ann <script>hit=1</script> O"Hara-Featherstonehaugh`

// signedIn signs a customer in with the browser, by keys and buttons.
func (s *site) signedIn(c *chromium, of *customer.Profile) {
	s.t.Helper()
	c.goTo(signIn)
	c.sees("Sign in to your account")
	c.fill("field-who", of.Account)
	c.fill("field-password", officetest.Password)
	s.Time.Add(time.Second)
	c.click("main button")
	c.sees("Type the code")
	s.Time.Add(time.Second)
	c.click("form.stack button")
	c.sees("We sent you a code")
	c.fill("field-code", s.lastCode(of))
	c.click("main form button")
	c.sees("Your lines")
}

// Every page fits a desk and a telephone, in light and dark, in English and Spanish; axe finds nothing to complain of; all of it
// works without scripts; and a name that is a script stays a name.
//
// cite: P-16, I-23, 47 CFR 64.2010(c)
func TestPagesAreSound(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	ann := s.Customer(t, func(p *customer.Profile) {
		p.Name = hostile
		p.Lines = append(p.Lines, customer.Line{Number: "+12025559" + p.Account[2:], Categories: []cpni.Category{cpni.Wireless}, Since: p.Since})
		p.ContactNumbers = []string{"+17035550188"}
		p.Authorised = []customer.Authorised{{Name: `Bo <img src=x onerror="hit=1">`, Data: []cpni.DataClass{cpni.Billing, cpni.Service}}}
		p.Email = append(p.Email, customer.Address{Value: "ann.with.a.very.long.name.indeed.so.that.it.must.break@a-long-provider.example.com", Since: s.Clock.Now()})
		p.Email[0].Until = s.Clock.Now()
	})
	c := s.chromium()
	c.scripts(false)
	c.goTo(signIn + "?back=/account/people")
	c.sees("Sign in to your account")
	c.isSound("sign-in")
	c.goTo(signIn + "/new")
	c.isSound("sign-in new")
	c.fill("field-who", ann.Account)
	c.click("main form button")
	c.sees("a code is on its way")
	c.isSound("sign-in code")
	c.fill("field-code", s.lastCode(ann))
	c.click("main form button")
	c.sees("Choose a password")
	c.fill("field-password", "12345678")
	c.click("main form button")
	c.sees("others could guess it")
	c.isSound("sign-in password")
	c.goTo(signIn)
	c.fill("field-who", ann.Account)
	c.fill("field-password", "wrong")
	c.click("main button")
	c.sees("That did not sign you in")
	c.isSound("sign-in refused")
	s.signedIn(c, ann)
	c.isSound("overview")
	c.goTo("/account/?language=es")
	c.sees("Sus líneas")
	c.isSound("overview es")
	s.Time.Add(11 * time.Minute)
	c.goTo("/account/security/password")
	c.sees("¿Sigue siendo usted?")
	c.isSound("confirm es")
	c.fill("field-password", officetest.Password)
	c.click("main form button")
	c.sees("Contraseña nueva")
	for _, language := range []string{"en", "es"} {
		for _, path := range []string{"security", "security/password", "security/pin", "security/question", "security/passkey", "people", "people/postal", "people/email", "people/number", "people/ways", "people/person", "people/person?n=1", "plans"} {
			at := "/account/" + path + "?language=" + language
			if strings.Contains(path, "?") {
				at = "/account/" + path + "&language=" + language
			}
			c.goTo(at)
			c.isSound(strings.NewReplacer("/", " ", "?n=", " ").Replace(path) + " " + language)
		}
	}
	c.goTo("/account/people/email?language=en")
	c.fill("field-email", "o'hara@example.com")
	c.click("main form button")
	c.sees("not written as it has to be")
	c.isSound("people email refused")
	c.goTo("/account/people/postal?language=es")
	c.fill("field-postal", "9 Calle Nueva, Fairfax, VA 22030")
	c.click("main form button")
	c.sees("Su dirección postal ha cambiado", "Cuenta desde el")
	c.isSound("people said es")
	c.goTo("/account/?language=en")
	c.sees("Your postal address", "This was not me")
	c.isSound("overview changed")
	c.click("button.danger")
	c.sees("The change is frozen")
	c.isSound("overview frozen")
}

// A passkey is added by who is signed in, of which they are told, and signs them in alone; another time it shows again that it is
// them; and once it is removed it does nothing.
//
// cite: P-16, P-23, I-17, 47 CFR 64.2010(c), 47 CFR 64.2010(f)(1)
func TestPasskeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storeDB) {
		s := visit(t, db)
		ann, bo := s.Customer(t), s.Customer(t)
		c := s.chromium()
		device := c.device()
		s.signedIn(c, ann)
		before := s.told(ann, customer.WhatOnline)
		c.goTo("/account/security/passkey")
		c.sees("Add a passkey")
		c.fill("field-name", `My <b>phone</b>`)
		c.click("main form button")
		c.sees("The passkey is added", `My <b>phone</b>`)
		c.isSound("security with a passkey")
		if s.told(ann, customer.WhatOnline) <= before {
			t.Error("nobody is told of the passkey (47 CFR 64.2010(f)(1))")
		}
		c.click("header form button")
		c.sees("You are signed out")

		c.goTo(signIn + "/passkey?back=/account/security")
		c.sees("Use a passkey")
		c.isSound("passkey")
		_, err := chromedp.Call(c.ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: device, IsUserVerified: false})
		must(t, err)
		c.click("main form button")
		c.sees("No passkey was used")
		_, err = chromedp.Call(c.ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: device, IsUserVerified: true})
		must(t, err)
		c.click("main form button")
		c.sees("Where you are signed in", "this browser")

		// What is asked again takes the passkey, and nobody else's.
		s.Time.Add(11 * time.Minute)
		c.goTo("/account/people/postal")
		c.sees("Is it still you?")
		c.isSound("confirm with a passkey")
		c.click("form[data-passkey] button")
		c.sees("New postal address")

		// Another customer does not get in by it, and cannot take it off.
		s.another()
		s.signIn(bo, officetest.Password)
		p, _, err := s.Customers.Get(t.Context(), ann.ID)
		must(t, err)
		s.post("/account/security/passkey/remove", "passkey", string(p.Passkeys[0].ID))
		if p, _, err = s.Customers.Get(t.Context(), ann.ID); err != nil || len(p.Passkeys) != 1 {
			t.Errorf("another customer has removed the passkey: %v", err)
		}

		// Disowned, it proves nothing, and who is in by it is out.
		last := p.Changes[len(p.Changes)-1]
		must(t, s.Contacts.Dispute(t.Context(), disputed(ann.ID, last.ID)))
		c.goTo("/account/security")
		c.sees("Sign in to your account")
		c.goTo(signIn + "/passkey")
		c.click("main form button")
		c.sees("The passkey was not accepted")
		must(t, settled(s, ann.ID, last.ID))
		p, _, err = s.Customers.Get(t.Context(), ann.ID)
		must(t, err)
		if slices.ContainsFunc(p.Passkeys, func(customer.Passkey) bool { return true }) {
			t.Error("a passkey that was not theirs is still there (P-23)")
		}
		c.goTo(signIn + "/passkey")
		c.click("main form button")
		c.sees("The passkey was not accepted")
	})
}
