package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// letter sends customers a notice by post and gives the paths of its links and its numbers.
func (s *site) letter(of *customer.Profile) (link, number string) {
	s.t.Helper()
	if _, err := s.Notices.GiveTo(s.t.Context(), ownByPost, "test", of.ID); err != nil {
		s.t.Fatal(err)
	}
	all, err := s.Outbox.Messages(s.t.Context(), of.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range slices.Backward(all) {
		if m.Kind == notify.OptOutNotice {
			return office.ChoicesLink + s.Outbox.Token(m.ID), s.Outbox.Number(m.ID)
		}
	}
	s.t.Fatal("no notice is on its way")
	return "", ""
}

var linkTokens = regexp.MustCompile(`/c/[a-z0-9]{16}`)

// A link of a notice, or a name, refuses; it shows nothing, works as often as it is used, and tells nobody whether it was one.
//
// cite: P-11, P-12, P-16, P-27, I-14, I-18, I-23, 47 CFR 64.2008(c)(3), 47 CFR 64.2008(d)(3)(v)
func TestRefusingWithoutSigningIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		s.acme()
		ann, ben, cat, dan := s.Customer(t), s.Customer(t), s.Customer(t), s.Customer(t)
		link, _ := s.letter(ann)
		status, page := s.get(link)
		if status != http.StatusOK || strings.Contains(page, ann.Name) || strings.Contains(page, "555") && strings.Contains(page, ann.Lines[0].Number) || len(s.events(ann.ID)) != 0 {
			t.Fatalf("opening the link: %d", status)
		}
		_, gone := s.get("/c/abcdefghjkmnpqrs")
		if plainLink(page) != plainLink(gone) {
			t.Error("a link that is none looks different")
		}
		for range 3 {
			status, page = s.post(link, "refuse", "everything")
			if status != http.StatusOK || !strings.Contains(page, "Your refusal counts from now on") || strings.Contains(page, ann.Name) {
				t.Errorf("%d %s", status, page)
			}
		}
		if n := len(s.events(ann.ID)); n != 1 || s.own(ann.ID) != cpni.Denied || s.confirmations(ann.ID) != 1 {
			t.Errorf("%d events, %s, %d confirmations", n, s.own(ann.ID), s.confirmations(ann.ID))
		}
		if e := s.events(ann.ID)[0]; e.Via != "link" || e.Notice == "" || e.Evidence == nil || e.Contact != "" {
			t.Errorf("kept as %+v", e)
		}
		gstatus, gone := s.post("/c/abcdefghjkmnpqrs", "refuse", "everything")
		if status != gstatus || plainLink(page) != plainLink(gone) {
			t.Error("a link that is none is answered differently")
		}
		for _, say := range []string{"yes", "back", "grant", ""} {
			if status, _ := s.post(link, "refuse", say, "say", "yes"); status != http.StatusBadRequest {
				t.Errorf("%q by the link: %d", say, status)
			}
		}
		if s.own(ann.ID) != cpni.Denied {
			t.Error("a link does more than refuse (I-14)")
		}
		// After it was taken back, the same link refuses again.
		s.signIn(ann, officetest.Password)
		s.says("everything", "back")
		s.post(link, "refuse", "companies")
		if got := s.state(ann.ID, cpni.PartnerMarketing, usage, acme); got != cpni.Denied {
			t.Errorf("companies alone: %s", got)
		}
		if s.own(ann.ID) == cpni.Denied {
			t.Error("companies alone refuses everything")
		}
		s.post(link, "refuse", "everything")
		if s.own(ann.ID) != cpni.Denied {
			t.Error("the link refuses once and never again")
		}
		s.another()

		_, number := s.letter(cat)
		var answers []string
		for _, who := range []string{ben.Lines[0].Number, number, dan.Account, "+12025559999", "A-none", "x"} {
			status, page := s.post("/account/refuse", "who", who, "refuse", "everything")
			answers = append(answers, fmt.Sprint(status)+page)
		}
		for i, a := range answers {
			if a != answers[0] {
				t.Errorf("answer %d differs: who is a customer is told (P-17)", i+1)
			}
		}
		for _, c := range []*customer.Profile{ben, cat, dan} {
			if s.own(c.ID) != cpni.Denied || s.confirmations(c.ID) != 1 {
				t.Errorf("%s: %s, %d confirmations", c.Account, s.own(c.ID), s.confirmations(c.ID))
			}
		}
		if status, page := s.post("/account/refuse", "who", " ", "refuse", "everything"); status != http.StatusBadRequest || !strings.Contains(page, "which account") {
			t.Errorf("nobody is named: %d", status)
		}
		s.from = "198.51.100.9"
		slowed := 0
		for i := range 60 {
			if status, _ := s.post("/account/refuse", "who", fmt.Sprintf("+1202555%04d", 8000+i), "refuse", "everything"); status == http.StatusTooManyRequests {
				slowed++
			}
		}
		if slowed < 20 {
			t.Errorf("%d of 60 tries from one place were slowed (I-18)", slowed)
		}
		if status, _ := s.post(link, "refuse", "everything"); status != http.StatusOK {
			t.Errorf("the link of a notice is not heard from there: %d", status)
		}
		s.from = ""
		if _, page := s.get("/account/refuse?language=es"); !strings.Contains(page, "Rechazar todos los usos") {
			t.Error("not in Spanish")
		}
		// Who is a customer no more refuses too: it stands should they come back.
		eve := s.Customer(t)
		if _, err := s.Customers.Update(t.Context(), eve.ID, func(p *customer.Profile) (customer.Change, error) {
			p.Ended = s.Clock.Now()
			return customer.Change{Actor: "test", What: "service ends"}, nil
		}); err != nil {
			t.Fatal(err)
		}
		s.post("/account/refuse", "who", eve.Account, "refuse", "everything")
		if s.own(eve.ID) != cpni.Denied {
			t.Error("a former customer is not heard (P-14)")
		}
	})
}

func plainLink(page string) string { return linkTokens.ReplaceAllString(page, "/c/…") }

func fieldsOf(all []string) url.Values {
	form := url.Values{}
	for i := 0; i < len(all); i += 2 {
		form.Set(all[i], all[i+1])
	}
	return form
}
