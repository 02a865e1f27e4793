package console

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/written"
)

// withPublisher is a world with a publisher who has agreed to the terms, and its key.
func withPublisher(t *testing.T) (*world, *age.X25519Identity) {
	t.Helper()
	w := newWorld(t)
	since := time.Date(2019, 5, 1, 4, 0, 0, 0, time.UTC)
	w.customer(customer.Profile{Name: "Lena Listed", Since: since, Postal: []customer.Address{{Value: "3 Main St, Springfield, VA 22150", Since: since}},
		Lines: []customer.Line{{Number: "+12025550177", Categories: []cpni.Category{cpni.Local}, Listed: true, Heading: "Florists", Since: since}}})
	key, err := age.GenerateX25519Identity()
	must(t, err)
	b := w.signedIn(t, "billing")
	b.submit("/directories/terms", "whole", "0.04", "update", "0.06", "says", "Print them, and nothing else.").says(t, "These are the terms for every publisher", "$0.040", "$0.060")
	b.submit("/directories/publishers", "id", "white-pages", "name", "White Pages", "person", "Wilma White", "key", "age1nonsense").says(t, "no key to encrypt to")
	b.submit("/directories/publishers", "id", "white-pages", "name", "White Pages", "person", "Wilma White", "key", key.Recipient().String()).says(t, "on the register", "Has to agree to the terms")
	b.submit("/publishers/white-pages/agree", "version", "1", "paper", "contract 17").says(t, "It has agreed", "contract 17", "Every published listing")
	return w, key
}

// The desk of directories: terms for all, a publisher, an extract that only the publisher opens, and its manifest.
//
// cite: P-32, P-37, P-41, 47 USC 222(e), 47 USC 222(h)(3)
func TestDirectoryDesk(t *testing.T) {
	w, key := withPublisher(t)
	b := w.signedIn(t, "billing")
	made := b.submit("/publishers/white-pages/extracts", "key", string(cpni.NewID()), "kind", "whole")
	made.says(t, "being made")
	extract := b.at
	must(t, w.Directory.Work(t.Context()))
	b.get(extract).says(t, "Ready", "Listings in the file", "$0.040", "Fetch the file")
	if m := b.get(extract + "/manifest"); m.Header.Get("Content-Type") != "application/json" || strings.Contains(m.page, "Lena") {
		t.Errorf("the manifest is %q", m.page)
	}
	file := b.post(extract+"/file", "token", b.token())
	plain, err := age.Decrypt(strings.NewReader(file.page), key)
	must(t, err)
	text, err := io.ReadAll(plain)
	must(t, err)
	if file.is(t, http.StatusOK); !bytes.Contains(text, []byte("Lena Listed")) || !bytes.Contains(text, []byte("Florists")) || strings.Contains(file.page, "Lena") {
		t.Errorf("%q", text)
	}
	b.get("/publishers/white-pages").says(t, "1 extract", "What has changed since the last one")
	b.submit("/publishers/white-pages/extracts", "key", string(cpni.NewID()), "kind", "names").says(t, "whole or an update")
	b.get("/publishers/none").is(t, http.StatusNotFound)
	b.get("/extracts/"+string(cpni.NewID())).is(t, http.StatusNotFound)
	b.submit("/publishers/white-pages/end").says(t, "no further extracts", "Ended")
	w.signedIn(t, "agent").get("/directories").is(t, http.StatusForbidden)
}

// Figures are asked for in a form and read in a table; what tells of few stands nowhere.
//
// cite: P-05, P-37, V75, I-20, 47 USC 222(c)(3)
func TestFigures(t *testing.T) {
	w := figures(t)
	b := w.signedIn(t, "marketing")
	b.get("/figures").says(t, "fewer than 10 customers", "Ask for figures")
	key := string(cpni.NewID())
	b.submit("/figures", "key", key, "measure", "customers", "by", "state", "and", "zip", "from", "202601", "until", "202601", "purpose", "other-marketing", "to", "carrier").says(t, "being counted")
	report := b.at
	must(t, w.Aggregate.Work(t.Context()))
	page := b.get(report)
	page.says(t, "VA", "All", "not told", "Decision on record", "January 2026")
	if csv := b.get(report + "/figures.csv"); csv.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(csv.page, "state,zip,customers,customers_with_part") {
		t.Errorf("%q", csv.page)
	}
	b.submit("/figures", "key", string(cpni.NewID()), "measure", "customers", "from", "209901", "until", "209901", "purpose", "other-marketing", "to", "carrier").says(t, "NOT_OVER")
	b.submit("/figures", "key", string(cpni.NewID()), "measure", "customers", "states", "WY", "from", "202601", "until", "202601", "purpose", "other-marketing", "to", "carrier").says(t, "NOT_AGGREGATE", "wider place")
	b.get("/figures").says(t, "2 reports", "Customers by state and first digits of the ZIP code", "counted")
	w.signedIn(t, "agent").get("/figures").is(t, http.StatusForbidden)
}

// figures is a world with a crowded place and a lonely one. Ann alone has lines and calls in it: of these nothing can be told, and how
// many customers there are can.
func figures(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	since := time.Date(2019, 5, 1, 4, 0, 0, 0, time.UTC)
	for i := range 26 {
		address := []string{"3 Main St, Springfield, VA 22150", "3 Main St, Bethesda, MD 20814"}[i%2]
		if i < 3 {
			address = "9 Far Rd, Arlington, VA 22201"
		}
		w.customer(customer.Profile{Name: "Dan Dweller", Since: since, Postal: []customer.Address{{Value: address, Since: since}},
			Lines: []customer.Line{{Number: fmt.Sprintf("+1703555%04d", 200+i), Categories: []cpni.Category{cpni.Local}, Since: since}}})
	}
	return w
}

// unreached is a world with a written request that reached nobody, and its address.
func unreached(t *testing.T) (*world, string) {
	t.Helper()
	w, _ := withMessages(t)
	ctx := t.Context()
	q, err := w.Written.Post(ctx, written.Posting{Customer: w.ann, By: w.people["agent"], Signature: "Ann Archer", Scan: signedLetter,
		Draft: written.Draft{Name: "Tariff Analysts", Data: []cpni.DataClass{cpni.CallDetail}, Months: []int{202602}, Via: cpni.Postal, To: "Tariff Analysts, 5 Long Road, Springfield"}})
	must(t, err)
	b := w.signedIn(t, "agent")
	contact := b.open(w.ann, "phone")
	b.prove(contact, "method", "password", "secret", annPassword)
	b.submit(requestAddress(w.ann, q.ID)+"/prove").says(t, "It goes once the wait is over")
	w.clock.pass(25 * time.Hour)
	must(t, w.Written.Due(ctx))
	q, err = w.Written.One(ctx, w.ann, q.ID)
	must(t, err)
	if q.State == written.Waiting { // told by post, so it waits longer
		w.clock.pass(4 * 24 * time.Hour)
		must(t, w.Written.Due(ctx))
	}
	q, err = w.Written.One(ctx, w.ann, q.ID)
	must(t, err)
	w.carried()
	must(t, w.Messages.Returned(ctx, w.Outbox.Token(q.Message), notify.Report{Kind: notify.Bounce, At: w.Clock.Now(), Outcome: notify.Outcome{State: notify.Bounced, Code: "unknown"}}))
	return w, requestAddress(w.ann, q.ID)
}

// The desk of those who are named: what reached nobody goes another way, and whoever comes for it shows who they are.
//
// cite: P-16, P-36, P-41, V73, 47 CFR 64.2003(r), 47 USC 222(c)(2)
func TestDesigneeDesk(t *testing.T) {
	w, request := unreached(t)
	b := w.signedIn(t, "agent")
	b.get("/written?state=unreached").says(t, "Reached nobody", "1 letter")
	b.get(request).says(t, "It reached nobody", "Came back", "Somebody comes for the records")
	b.submit(request+"/redirect", "via", "postal", "address", "Tariff Analysts, 7 Short Road, Springfield").says(t, "no contact with this customer")
	tomorrow := w.Clock.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	b.submit(request+"/hand", "bearer", "Eve Archer", "expires", tomorrow, "government", "yes").says(t, "not handed over", "PHOTO_ID")
	b.get(request).says(t, "Turned away")
	if p := b.get(request + "/proof"); !strings.Contains(p.page, "It came back") || !strings.Contains(p.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q", p.page)
	}
	b.submit(request+"/hand", "bearer", "Tariff Analysts", "expires", tomorrow, "government", "yes").says(t, "Records to hand over", "Calls of")
	page := b.get(request)
	page.says(t, "Handed over", "who showed a document of a government")
	page.lacks(t, "Somebody comes for the records")
}

// The pages fit and are sound.
//
// cite: P-05, P-32, P-36
func TestPagesOfOthersAreSound(t *testing.T) {
	w, _ := withPublisher(t)
	b := w.signedIn(t, "billing")
	b.submit("/publishers/white-pages/extracts", "key", string(cpni.NewID()), "kind", "whole")
	extract := b.at
	must(t, w.Directory.Work(t.Context()))
	c := w.chromium(t)
	c.takeOver(b)
	c.isSound("directories", "/directories")
	c.isSound("directories publisher", "/publishers/white-pages")
	c.isSound("directories extract", extract)
	w = figures(t)
	b = w.signedIn(t, "marketing")
	b.submit("/figures", "key", string(cpni.NewID()), "measure", "customers", "by", "state", "and", "zip", "from", "202601", "until", "202601", "purpose", "other-marketing", "to", "carrier")
	report := b.at
	must(t, w.Aggregate.Work(t.Context()))
	c = w.chromium(t)
	c.takeOver(b)
	c.isSound("figures", "/figures")
	c.isSound("figures report", report)
	if at := evaluate[string](c, `[...document.querySelectorAll("main thead th")].map((h, i) => h.offsetLeft === document.querySelector("main tbody tr").children[i].offsetLeft).join()`); at != "true,true,true" {
		t.Errorf("the columns of the figures do not stand under their heads: %s", at)
	}
	w, request := unreached(t)
	c = w.chromium(t)
	c.takeOver(w.signedIn(t, "agent"))
	c.isSound("designees request", request)
}
