package console

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notice"
	"ringfence/internal/workday"
)

// withNotice is a world with a notice to everybody that two people have launched, and its address.
func withNotice(t *testing.T) (w *world, run string) {
	t.Helper()
	w, _ = withMessages(t)
	since := time.Date(2019, 5, 1, 4, 0, 0, 0, time.UTC)
	w.customer(customer.Profile{Name: "Ben Baker", Since: since, Email: []customer.Address{{Value: "ben@example.com", Since: since}}})
	old := since.AddDate(5, 10, 0)
	w.customer(customer.Profile{Name: "Cleo Carter", Since: since, Postal: []customer.Address{{Value: "3 Main St, Springfield, VA 22150", Since: since}},
		Approvals: []customer.Approval{{Scope: string(cpni.OwnMarketing), State: cpni.OptOutOK, Since: old, NoticeAt: old, Matures: old.AddDate(0, 1, 0)}}})
	b := w.signedIn(t, "compliance")
	key := b.get("/runs/new").value("key")
	b.submit("/runs/new", "key", key, "title", "Spring notice", "kind", "opt-out", "who", "named", "way", "email", "purpose", "own-marketing").is(t, http.StatusUnprocessableEntity).says(t, "A run is for everyone")
	b.submit("/runs/new", "key", key, "title", "Spring notice", "kind", "opt-out", "purpose", "own-marketing", "who", "everyone", "way", "email", "way", "postal", "way", "bill-insert")
	proposal := b.at
	must(t, w.Proposals.Work(t.Context()))
	b.get(proposal).says(t, "Spring notice", "all customers in service", "Of 3 customers it would go to 3", "letter", "What it says")
	second := w.signedIn(t, "supervisor")
	shown := second.get(proposal)
	shown.says(t, "Do you agree?")
	hash := regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`).FindStringSubmatch(shown.page)[1]
	b.submit(proposal+"/agree", "hash", hash)
	if all, err := w.Notices.Runs(t.Context(), 10); err != nil || len(all) != 0 {
		t.Fatalf("who proposed has agreed: %v, %v", all, err)
	}
	second.submit(proposal+"/agree", "hash", hash).is(t, http.StatusOK)
	all, err := w.Notices.Runs(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].By != w.people["compliance"] || all[0].Second != w.people["supervisor"] || all[0].Expected != 3 {
		t.Fatalf("the runs are %+v, %v", all, err)
	}
	return w, runAddress(all[0].ID)
}

// A notice to many is proposed by one person and agreed to by another, who reads its words and how many it goes to; then everybody whose
// work it is sees how far it has come, and for each customer the proof.
//
// cite: P-26, P-27, P-37, 47 CFR 64.2008(a)(2), 47 CFR 64.2009(d)
func TestANoticeToMany(t *testing.T) {
	w, run := withNotice(t)
	id := cpni.ID(strings.TrimPrefix(run, "/runs/"))
	b := w.signedIn(t, "compliance")
	b.submit(run+"/pause").is(t, http.StatusOK)
	must(t, w.Notices.Work(t.Context()))
	b.get(run).says(t, "paused", "0 of 3 customers looked at", "Go on")
	b.submit(run+"/resume").is(t, http.StatusOK)
	must(t, w.Notices.Work(t.Context()))
	must(t, w.Notices.Reconcile(t.Context()))
	w.carried()
	page := b.get(run)
	page.says(t, "3 of 3 customers looked at", "everybody looked at", "on their way", "The compliance", "The supervisor")
	page.lacks(t, "Ann Archer", "ben@example.com")
	b.get(run+"/customers?state=planned&via=postal&code=").says(t, string(w.ann))
	b.get("/runs").says(t, "Spring notice", "1 run", "Where customers stand")
	b.get("/runs/renewals").says(t, "Renewals", "How many lapse", "in service")
	b.get(recordsAddress(w.ann)+"/notices").says(t, "Spring notice", "on its way")
	// The agent sees the proof at the desk, and may neither propose nor stop; the auditor reads.
	agent := w.signedIn(t, "agent")
	agent.get(customerAddress(w.ann)+"/notices").says(t, "Spring notice")
	agent.submit(run+"/stop").is(t, http.StatusForbidden)
	agent.get("/runs/new").is(t, http.StatusForbidden)
	w.signedIn(t, "auditor").get(run).says(t, "Spring notice")
	// Billing fetches what goes into bills, and says what was mailed.
	billing := w.signedIn(t, "billing")
	file := billing.get("/bills/" + string(id) + "/inserts.csv")
	if file.is(t, http.StatusOK); !strings.HasPrefix(file.page, strings.Join(notice.InsertColumns, ",")) {
		t.Errorf("the file begins %.80q", file.page)
	}
	billing.get("/bills/"+string(id)).says(t, "Bills that were mailed")
	if r := b.get("/bills/" + string(id) + "/insert/es"); r.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the page for the bill is %s", r.Header.Get("Content-Type"))
	}
	b.submit(run+"/stop").says(t, "not in a state")
	b.get("/runs/"+string(cpni.NewID())).is(t, http.StatusNotFound)
}

// withBill is a world with a notice that was mailed to Ann in her bill.
func withBill(t *testing.T) (w *world, run cpni.ID) {
	t.Helper()
	w, _ = withMessages(t)
	spec, err := w.Notices.Worded(t.Context(), notice.Spec{Kind: "opt-out", Purposes: []cpni.Purpose{cpni.OwnMarketing}, Ways: []string{notice.ByInsert}})
	must(t, err)
	r, err := w.Notices.GiveTo(t.Context(), spec, "test", w.ann)
	must(t, err)
	_, err = w.Notices.Mailed(t.Context(), r.ID, notice.Mailing{Mailed: workday.DateIn(w.Clock.Now(), w.Zone), Inserted: []cpni.ID{w.ann}}, "test")
	must(t, err)
	return w, r.ID
}

// Somebody at the desk opens a returned bill and reports it: the notice counts as not given, and goes out in another form. Billing hands in a
// whole file of such.
//
// cite: P-26, V40, V41, 47 CFR 64.2008(d)(3)(iii)
func TestReturnedBills(t *testing.T) {
	w, run := withBill(t)
	state := func() string {
		t.Helper()
		s, _, _, err := w.Notices.With(t.Context(), w.ann, run)
		must(t, err)
		return s
	}
	agent, auditor := w.signedIn(t, "agent"), w.signedIn(t, "auditor")
	at := customerAddress(w.ann) + "/notices"
	auditor.get(recordsAddress(w.ann)+"/notices").lacks(t, "The bill came back")
	auditor.submit(recordsAddress(w.ann)+"/notices/"+string(run)+"/returned").is(t, http.StatusForbidden)
	if state() != notice.WithGiven {
		t.Fatalf("it is %s", state())
	}
	agent.get(at).says(t, "The bill came back", "given")
	agent.submit(at+"/"+string(run)+"/returned").says(t, "counts as not given now", "the bill came back")
	if state() == notice.WithGiven {
		t.Error("it counts as given")
	}
	agent.submit(at+"/"+string(run)+"/returned").says(t, "counts once")
	agent.submit(at+"/"+string(cpni.NewID())+"/returned").is(t, http.StatusNotFound)
	billing := w.signedIn(t, "billing")
	bills := "/bills/" + string(run)
	billing.get(bills).says(t, "Bills that came back")
	billing.file(bills+"/returned", "upload", "returned.csv", "account\n1\n").says(t, "a CSV whose column customer")
	billing.file(bills+"/returned", "upload", "returned.csv", "customer\n"+string(w.ann)+"\n").says(t, "0 notices count as not given now", "For 1 customers")
}

// The pages fit and are sound.
//
// cite: P-27
func TestReturnedBillPagesAreSound(t *testing.T) {
	w, run := withBill(t)
	c := w.chromium(t)
	c.takeOver(w.signedIn(t, "agent"))
	c.isSound("runs bill of a customer", customerAddress(w.ann)+"/notices")
	c.takeOver(w.signedIn(t, "billing"))
	c.isSound("runs returned bills", "/bills/"+string(run))
}

// file posts a file.
func (b *browser) file(path, field, name, text string) reply {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	must(b.t, w.WriteField("token", b.token()))
	part, err := w.CreateFormFile(field, name)
	must(b.t, err)
	_, err = part.Write([]byte(text))
	must(b.t, err)
	must(b.t, w.Close())
	r, err := http.NewRequest(http.MethodPost, b.server.URL+path, &body)
	must(b.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.follow(b.send(r))
}

// The pages fit and are sound.
//
// cite: P-27
func TestRunPagesAreSound(t *testing.T) {
	w, run := withNotice(t)
	must(t, w.Notices.Work(t.Context()))
	must(t, w.Notices.Reconcile(t.Context()))
	w.carried()
	b := w.signedIn(t, "compliance")
	c := w.chromium(t)
	c.takeOver(b)
	for what, path := range map[string]string{"list": "/runs", "new": "/runs/new", "one": run, "renewals": "/runs/renewals", "customers": run + "/customers?state=given&via=postal&code=", "of a customer": recordsAddress(w.ann) + "/notices"} {
		c.isSound("runs "+what, path)
	}
	billing := w.signedIn(t, "billing")
	c.takeOver(billing)
	c.isSound("runs bills", "/bills/"+strings.TrimPrefix(run, "/runs/"))
}
