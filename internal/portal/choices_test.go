package portal_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

const choicesAt = "/account/choices"

// acme is a company with which the carrier runs a business.
func (s *site) acme() {
	s.t.Helper()
	if err := s.Partners.Put(s.t.Context(), "test", partner.Partner{ID: "acme-energy", Class: cpni.JointVenture,
		Agreement: &partner.Agreement{Until: s.Clock.Now().AddDate(1000, 0, 0), DestroyBy: s.Clock.Now().AddDate(1001, 0, 0)}}); err != nil {
		s.t.Fatal(err)
	}
}

// told gives customers a notice in the way that it names, and has it proved at once.
func (s *site) noticed(spec notice.Spec, of ...*customer.Profile) notice.Run {
	s.t.Helper()
	var ids []cpni.ID
	for _, c := range of {
		ids = append(ids, c.ID)
	}
	run, err := s.Notices.GiveTo(s.t.Context(), spec, "test", ids...)
	if err != nil {
		s.t.Fatal(err)
	}
	if slices.Contains(spec.Ways, notice.ByPortal) {
		return run
	}
	for _, id := range ids {
		if _, err := s.Ledger.Commit(s.t.Context(), func(tx *store.Tx) ([]ledger.Entry, error) {
			_, entries, err := s.Notices.Proven(s.t.Context(), tx, id, run, spec.Ways[0], s.Clock.Now(), "", "test")
			return entries, err
		}); err != nil {
			s.t.Fatal(err)
		}
		s.Customers.Drop(id)
	}
	return run
}

// ownByPost is a notice of the carrier's own marketing, by post.
var ownByPost = notice.Spec{Kind: approval.OptOut, Ways: []string{notice.ByPostal}}

// state is where one use of a customer's information stands.
func (s *site) state(of cpni.ID, purpose cpni.Purpose, data []cpni.DataClass, to rules.Recipient) cpni.ApprovalState {
	s.t.Helper()
	c, _, err := s.Customers.Get(s.t.Context(), of)
	if err != nil {
		s.t.Fatal(err)
	}
	at := s.Clock.Now().In(officetest.Zone)
	return approval.Standing(c, purpose, data, to, at, approval.Terms{RenoticeMonths: s.Approvals.Numbers(at).RenoticeMonths}).State
}

var (
	theCarrier = rules.Recipient{Kind: cpni.ToCarrier}
	acme       = rules.Recipient{Kind: cpni.ToPartner, Partner: "acme-energy", Class: cpni.JointVenture}
	usage      = []cpni.DataClass{cpni.Usage}
)

func (s *site) own(of cpni.ID) cpni.ApprovalState {
	return s.state(of, cpni.OwnMarketing, usage, theCarrier)
}

func (s *site) events(of cpni.ID) []approval.Event {
	s.t.Helper()
	all, err := s.Approvals.Events(s.t.Context(), of)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s *site) confirmations(of cpni.ID) int {
	s.t.Helper()
	all, err := s.Outbox.Messages(s.t.Context(), of)
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, m := range all {
		if m.Kind == notify.AnswerReceived {
			n++
		}
	}
	return n
}

var (
	seenField    = regexp.MustCompile(`name="seen" value="([^"]*)"`)
	editionField = regexp.MustCompile(`name="edition" value="([^"]*)"`)
)

func first(re *regexp.Regexp, page string) string {
	if m := re.FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

// form is what the form on the page of a choice sends beside the button.
func (s *site) form(scope string) []string {
	s.t.Helper()
	_, page := s.get(choicesAt + "/" + scope)
	return []string{"seen", first(seenField, page), "edition", first(editionField, page)}
}

// says says something on the page of a choice.
func (s *site) says(scope, what string) (int, string) {
	s.t.Helper()
	at := scope
	if what == "back" {
		at += "/back"
	}
	return s.post(choicesAt+"/"+scope, append(s.form(at), "say", what)...)
}

// A customer refuses, agrees and takes a refusal back; each counts at once, with its evidence, and where they got there from is told.
//
// cite: P-11, P-12, P-13, P-14, P-36, I-02, V64, 47 CFR 64.2007(a), 47 CFR 64.2008(c)
func TestChoices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		s.acme()
		ann := s.Customer(t)
		s.noticed(ownByPost, ann)
		s.Time.Add(40 * 24 * time.Hour)
		if got := s.own(ann.ID); got != cpni.OptOutOK {
			t.Fatalf("after the wait %s", got)
		}
		s.signIn(ann, officetest.Password)
		_, page := s.get(choicesAt)
		for _, want := range []string{"Your service and its price stay the same", "Used: we gave you a notice by letter on November 24, 2026", "Since December 28, 2026 that counts as permission", "acme-energy", "a company with which we run a business together", "Not used: you have not been asked.", "You have not refused this kind of information.", "We gave you a notice by letter about: Our own offers of communications services."} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		if strings.Contains(page, "checked") || strings.Contains(page, "call location, for") {
			t.Error("something is chosen beforehand, or location is offered by a carrier that has none")
		}
		if _, page := s.says("own-marketing", "no"); !strings.Contains(page, "Your no is on record") || !strings.Contains(page, "Not used: you said no here in your account on") {
			t.Errorf("after a no: %s", page)
		}
		if got := s.own(ann.ID); got != cpni.Denied {
			t.Errorf("after a no %s (I-02)", got)
		}
		if n := s.confirmations(ann.ID); n != 1 {
			t.Errorf("%d confirmations of one answer", n)
		}
		s.says("own-marketing", "no")
		if n := len(s.events(ann.ID)); n != 2 {
			t.Errorf("%d events: the same refusal twice counts once", n)
		}

		status, page := s.get(choicesAt + "/own-marketing")
		for _, want := range []string{"notice-text", "May we use your customer information?", "Example Tel itself", "privacy@example.net", "If you say no, or do not answer, it does not affect any service"} {
			if status != http.StatusOK || !strings.Contains(page, want) {
				t.Errorf("%d: the page on which a yes is given does not say %q", status, want)
			}
		}
		old := s.form("own-marketing")
		if _, page := s.post(choicesAt+"/own-marketing", append(slices.Clone(old), "say", "yes")...); !strings.Contains(page, "Your yes is on record") || !strings.Contains(page, "Used: you said yes here in your account on") {
			t.Errorf("after a yes: %s", page)
		}
		if got := s.own(ann.ID); got != cpni.OptInOK {
			t.Errorf("after a yes %s", got)
		}
		all := s.events(ann.ID)
		yes, given := all[len(all)-1], all[len(all)-2]
		if yes.What != approval.Granted || yes.Contact == "" || len(yes.Proved) == 0 || yes.Evidence == nil || yes.Evidence.Hash == "" || !strings.Contains(s.raw(ann.ID, yes.ID), old[3]) {
			t.Errorf("the yes is kept as %+v", yes)
		}
		if given.What != approval.Noticed || given.Via != notice.ByPortal || given.Contact != yes.Contact || given.Notice != yes.Notice || !slices.Contains(given.Scopes, "own-marketing") {
			t.Errorf("the notice that it answers is kept as %+v (64.2008(e))", given)
		}

		s.says("own-marketing", "no")
		if status, page := s.post(choicesAt+"/own-marketing", append(slices.Clone(old), "say", "yes")...); status != http.StatusConflict || !strings.Contains(page, "your answer was not taken") {
			t.Errorf("a yes that was sent before a no, sent again: %d", status)
		}
		if got := s.own(ann.ID); got != cpni.Denied {
			t.Errorf("an old page lifts a refusal: %s (I-14)", got)
		}
		if status, _ := s.post(choicesAt+"/own-marketing", "say", "yes"); status != http.StatusConflict || s.own(ann.ID) != cpni.Denied {
			t.Error("a yes without the words of a notice is taken (64.2003(k))")
		}

		_, page = s.get(choicesAt + "/own-marketing/back")
		if !strings.Contains(page, "Taking it back is not a yes") || !strings.Contains(page, "your information would be used again") {
			t.Errorf("what follows from taking it back is not told: %s", page)
		}
		if status, _ := s.post(choicesAt+"/own-marketing", "say", "back"); status != http.StatusConflict || s.own(ann.ID) != cpni.Denied {
			t.Error("a refusal is taken back without the page that asks")
		}
		s.says("own-marketing", "keep")
		if s.own(ann.ID) != cpni.Denied {
			t.Error("keeping a refusal takes it back")
		}
		s.says("own-marketing", "back")
		if got := s.own(ann.ID); got != cpni.OptOutOK {
			t.Errorf("after the refusal is taken back %s", got)
		}

		if _, page := s.says("partner:acme-energy", "yes"); !strings.Contains(page, "Your yes is on record") {
			t.Errorf("a yes to a company: %s", page)
		}
		if got := s.state(ann.ID, cpni.PartnerMarketing, usage, acme); got != cpni.OptInOK {
			t.Errorf("a yes to a company: %s (P-15)", got)
		}
		s.says("data:usage", "no")
		if got := s.own(ann.ID); got != cpni.Denied {
			t.Errorf("usage is refused and used: %s (P-11)", got)
		}
		if _, page := s.get(choicesAt); !strings.Contains(page, "Left out: How much you use your services.") {
			t.Error("the page does not say what a use goes without")
		}
		for _, class := range []string{"call-detail", "service", "billing"} {
			s.says("data:"+class, "no")
		}
		if _, page := s.get(choicesAt + "/own-marketing"); !strings.Contains(page, "you have refused every kind of information") || strings.Contains(page, "Sí, pueden") || strings.Contains(page, "Yes, you may") {
			t.Errorf("nothing is left that a use could have, and a yes is asked for: %s", page)
		}
		for _, class := range []string{"call-detail", "service", "billing"} {
			s.says("data:"+class, "back")
		}
		if _, page := s.get(choicesAt + "/other-marketing"); !strings.Contains(page, "It leaves out what you have refused: How much you use your services") || strings.Contains(page, "in what pattern") {
			t.Errorf("a request names what is refused: %s", page)
		}
		if status, page := s.post(choicesAt, "say", "no"); status != http.StatusOK || !strings.Contains(page, "Your refusal of every use is on record") || !strings.Contains(page, "you refused every use here in your account") {
			t.Errorf("one press refuses everything: %d %s", status, page)
		}
		if got := s.state(ann.ID, cpni.PartnerMarketing, usage, acme); got != cpni.Denied {
			t.Errorf("everything is refused and a company gets it: %s", got)
		}
		for _, x := range []string{"partner:nobody", "location:own-marketing", "own-marketing-x"} {
			if status, _ := s.post(choicesAt+"/"+x, "say", "no"); status != http.StatusNotFound {
				t.Errorf("%s: %d", x, status)
			}
		}
		if _, page := s.get(choicesAt + "?language=es"); !strings.Contains(page, "Usted dijo que sí aquí en su cuenta: acme-energy.") || !strings.Contains(page, `lang="es"`) {
			t.Error("the history is not told in Spanish")
		}
	})
}

// Whoever is not signed in chooses nothing there, nor does a page of another site, nor a customer for another.
//
// cite: P-16, P-42, 47 CFR 64.2010(c)
func TestChoicesAreOnesOwn(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	ann, ben := s.Customer(t), s.Customer(t)
	if status, page := s.post(choicesAt, "say", "no"); status != http.StatusOK || !strings.Contains(page, `name="password"`) {
		t.Errorf("not signed in: %d", status)
	}
	s.signIn(ben, officetest.Password)
	form := s.form("own-marketing")
	s.another()
	s.signIn(ann, officetest.Password)
	if status, _ := s.post(choicesAt+"/own-marketing", append(form, "say", "yes", "customer", string(ben.ID))...); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if s.own(ben.ID) != cpni.Unnotified {
		t.Error("one customer says yes for another")
	}
	r, err := http.NewRequest(http.MethodPost, s.server.URL+choicesAt, strings.NewReader("say=no"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	before := len(s.events(ann.ID))
	if status, _ := s.read(s.browser.Do(r)); status != http.StatusForbidden || len(s.events(ann.ID)) != before {
		t.Errorf("a form of another site: %d", status)
	}
	run := s.noticed(notice.Spec{Kind: approval.OptOut, Ways: []string{notice.ByPortal}}, ben)
	if status, _ := s.get("/account/notices/" + string(run.ID)); status != http.StatusNotFound {
		t.Errorf("another customer's notice: %d", status)
	}
	s.post("/account/notices/"+string(run.ID), "say", "read")
	if len(s.events(ben.ID)) != 0 {
		t.Error("one customer reads a notice for another")
	}
}

// A yes and a no sent twice at once count once.
//
// cite: I-11
func TestAChoiceSentTwiceCountsOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann := s.Customer(t)
		s.signIn(ann, officetest.Password)
		for _, say := range []string{"yes", "no"} {
			form := append(s.form("own-marketing"), "say", say)
			done := make(chan error, 4)
			for range 4 {
				go func() {
					r, err := s.browser.PostForm(s.server.URL+choicesAt+"/own-marketing", fieldsOf(form))
					if err == nil {
						err = r.Body.Close()
					}
					done <- err
				}()
			}
			for range 4 {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
		}
		n := map[approval.What]int{}
		for _, e := range s.events(ann.ID) {
			n[e.What]++
		}
		if n[approval.Granted] != 1 || n[approval.Objected] != 1 || n[approval.Noticed] != 1 {
			t.Errorf("events %v", n)
		}
	})
}

// A notice that waits in the portal is shown first, and counts from when the customer goes on from it.
//
// cite: P-02, P-26, P-27, V36, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(b), 47 CFR 64.2008(d)(1)
func TestNoticesInThePortal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ann, ben := s.Customer(t), s.Customer(t)
		run := s.noticed(notice.Spec{Kind: approval.OptOut, Ways: []string{notice.ByPortal}}, ann, ben)
		at := "/account/notices/" + string(run.ID)
		s.signIn(ann, officetest.Password)
		_, page := s.get("/account/")
		if !strings.Contains(page, "notice-text") || !strings.Contains(page, "I have read it, go on") || !strings.Contains(page, "30 days") {
			t.Fatalf("the notice is not shown first: %s", page)
		}
		s.get(at)
		if len(s.events(ann.ID)) != 0 {
			t.Error("a notice that was only opened counts as given")
		}
		if _, page := s.get("/account/?later"); strings.Contains(page, "notice-text") {
			t.Error("who wants to read it later cannot")
		}
		if _, page := s.post(at, "say", "read"); !strings.Contains(page, "Thank you for reading it") {
			t.Errorf("after reading: %s", page)
		}
		all := s.events(ann.ID)
		if len(all) != 1 || all[0].What != approval.Noticed || all[0].Via != notice.ByPortal || all[0].Contact == "" || all[0].Matures.IsZero() {
			t.Fatalf("%+v", all)
		}
		s.post(at, "say", "read")
		if len(s.events(ann.ID)) != 1 {
			t.Error("a notice that is read twice counts twice")
		}
		if got := s.own(ann.ID); got != cpni.Waiting {
			t.Errorf("after reading %s", got)
		}
		if _, page := s.get("/account/notices"); !strings.Contains(page, "Given here in your account on November 24, 2026") || !strings.Contains(page, "your silence counts as permission from December 25, 2026") {
			t.Errorf("the list: %s", page)
		}
		if _, page := s.get(at + "?language=es"); !strings.Contains(page, "notice-text") || !strings.Contains(page, "Entregado aquí en su cuenta") {
			t.Errorf("in Spanish: %s", page)
		}
		s.another()
		s.signIn(ben, officetest.Password)
		if _, page := s.post(at, "say", "no"); !strings.Contains(page, "Your no is on record") {
			t.Errorf("after a no: %s", page)
		}
		s.Time.Add(60 * 24 * time.Hour)
		if got := s.own(ben.ID); got != cpni.Denied {
			t.Errorf("refused on the page of the notice: %s (I-14)", got)
		}
		if got := s.own(ann.ID); got != cpni.OptOutOK {
			t.Errorf("after the wait %s", got)
		}
	})
}

// raw is the whole of what is kept as evidence of an event.
func (s *site) raw(of, event cpni.ID) string {
	s.t.Helper()
	raw, err := s.Approvals.Raw(s.t.Context(), of, event)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(raw)
}
