package portal

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/policy"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// world is an office with a portal, and a customer one of whose secrets has been changed.
type world struct {
	*office.Office
	t      *testing.T
	server *httptest.Server
	ann    cpni.ID
}

var policySet = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(policy.Files) })

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	ctx := context.Background()
	set, err := policySet()
	must(t, err)
	zone, err := time.LoadLocation("America/New_York")
	must(t, err)
	signer, err := ledger.NewKey("portal.test.example")
	must(t, err)
	w := &world{t: t}
	w.Office, err = office.Open(ctx, office.Config{DB: db, Policy: set, Master: vault.NewMaster(), Origin: "portal.test.example", Signer: signer, Zone: zone,
		Clock: &clock{now: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)}, HashCost: &contact.HashCost{MemoryKiB: 8, Passes: 1}, SecondFactorOptional: true, Notices: officetest.Notices(t),
		Carrier: office.Carrier{Name: "Lucid Telephone", Phone: "+18005550147", Address: "https://lucid.example"}})
	must(t, err)
	t.Cleanup(w.Close)
	p := New(w.Office, Options{Carrier: w.Carrier, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Report: func(err error) { t.Errorf("reported: %v", err) }})
	w.server = httptest.NewServer(p.Handler())
	t.Cleanup(w.server.Close)
	w.ann = w.customer()
	return w
}

func (w *world) customer() cpni.ID {
	w.t.Helper()
	secret := w.Secrets.Secret("blue-heron-42")
	since := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	id, err := w.Customers.Create(context.Background(), customer.Profile{Name: "Ann Archer", Since: since, Email: []customer.Address{{Value: "ann@example.com", Since: since}},
		Credentials: customer.Credentials{Password: &secret}}, "test")
	must(w.t, err)
	return id
}

// changed has the customer's e-mail address changed, and gives the token of the notice.
func (w *world) changed(id cpni.ID, email string) string {
	w.t.Helper()
	ctx := context.Background()
	s, err := w.Contacts.Open(ctx, contact.Opening{Customer: id, Channel: cpni.Phone, Agent: "rep"})
	must(w.t, err)
	_, err = w.Contacts.Authenticate(ctx, s.ID, contact.Proof{Password: "blue-heron-42"})
	must(w.t, err)
	_, err = w.Contacts.Alter(ctx, contact.Alteration{Contact: s.ID, Customer: id, Email: email})
	must(w.t, err)
	all, err := w.Outbox.Messages(ctx, id)
	must(w.t, err)
	if len(all) == 0 || all[len(all)-1].Kind != notify.AccountChange {
		w.t.Fatal("no notice was planned")
	}
	return w.Outbox.Token(all[len(all)-1].ID)
}

// send asks for a page as a browser from some place would.
func (w *world) send(method, path, from string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.server.URL+path, nil)
	must(w.t, err)
	r.Header.Set("X-Forwarded-For", from)
	answer, err := w.server.Client().Do(r)
	must(w.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(w.t, err)
	if c := answer.Header.Get("Cache-Control"); c != "no-store" {
		w.t.Errorf("%s may be kept: %q", path, c)
	}
	return answer.StatusCode, string(body)
}

func (w *world) frozen(id cpni.ID) bool {
	w.t.Helper()
	p, _, err := w.Customers.Get(context.Background(), id)
	must(w.t, err)
	_, is := p.Disputes()
	return is
}

// A link that a program opens does nothing; only the button does. What the pages say is the kind of thing and the day, in the
// reader's language.
//
// cite: P-16, P-23, P-25, I-09, 47 CFR 64.2010(a), 47 CFR 64.2010(f)
func TestNotMe(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		path := office.NotMeLink + w.changed(w.ann, "thief@example.org")
		for range 3 {
			status, page := w.send("GET", path, "192.0.2.1")
			if status != http.StatusOK || !strings.Contains(page, "Your e-mail address") || !strings.Contains(page, "November 24, 2026") || !strings.Contains(page, "This was not me") {
				t.Fatalf("%d: %s", status, page)
			}
			for _, secret := range []string{"thief", "ann@", "Archer", string(w.ann)} {
				if strings.Contains(page, secret) {
					t.Errorf("the page shows %q (P-25)", secret)
				}
			}
		}
		if w.frozen(w.ann) {
			t.Fatal("a link that was only opened has frozen the change")
		}
		if _, page := w.send("GET", path+"?language=es", "192.0.2.1"); !strings.Contains(page, "No fui yo") || !strings.Contains(page, "24 de noviembre de 2026") || !strings.Contains(page, `lang="es"`) {
			t.Errorf("in Spanish: %s", page)
		}
		if status, page := w.send("POST", path+"?language=es", "192.0.2.1"); status != http.StatusOK || !strings.Contains(page, "El cambio está bloqueado") {
			t.Fatalf("%d: %s", status, page)
		}
		if !w.frozen(w.ann) {
			t.Fatal("the change is not frozen (P-23)")
		}
		p, _, err := w.Customers.Get(context.Background(), w.ann)
		must(t, err)
		if c := p.Changes[0]; c.How != contact.ByLink || c.Disputed.IsZero() {
			t.Errorf("%+v", c)
		}
		all, err := w.Outbox.Messages(context.Background(), w.ann)
		must(t, err)
		if m := all[len(all)-1]; m.Kind != notify.NotMeReceived || m.To != "ann@example.com" {
			t.Errorf("the customer gets no word of it: %+v", m)
		}
	})
}

// A token that is unknown, was used or is of a forgotten customer gives one and the same page, to whoever asks and whoever
// sends; another site's page sends nothing; and who tries many waits.
//
// cite: P-23, I-18, I-21
func TestTokensThatDoNothing(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	used := w.changed(w.ann, "thief@example.org")
	if status, _ := w.send("POST", office.NotMeLink+used, "192.0.2.1"); status != http.StatusOK {
		t.Fatal(status)
	}
	gone := w.customer()
	forgotten := w.changed(gone, "other@example.org")
	must(t, w.Customers.Forget(context.Background(), gone, "test"))
	same := ""
	for _, token := range []string{used, forgotten, "abcdefghjkmnpqrs", "x", url.PathEscape("../../etc/passwd"), strings.Repeat("a", 3000)} {
		for _, method := range []string{"GET", "POST"} {
			status, page := w.send(method, office.NotMeLink+token, "192.0.2.2")
			page = strings.ReplaceAll(page, url.PathEscape(token), "")
			page = strings.ReplaceAll(page, token, "")
			if same == "" {
				same = page
			}
			if status != http.StatusNotFound || page != same {
				t.Errorf("%s %.20s: %d\n%s\nwant\n%s", method, token, status, page, same)
			}
		}
	}
	// Another site's page.
	fresh := w.changed(w.customer(), "third@example.org")
	r, err := http.NewRequest("POST", w.server.URL+office.NotMeLink+fresh, nil)
	must(t, err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := w.server.Client().Do(r)
	must(t, err)
	answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("another site's form: %d", answer.StatusCode)
	}
	slowed := false
	for range 300 {
		if status, _ := w.send("GET", office.NotMeLink+"abcdefghjkmnpqrs", "198.51.100.7"); status == http.StatusTooManyRequests {
			slowed = true
			break
		}
	}
	if !slowed {
		t.Error("nobody slows who tries tokens (I-18)")
	}
	if status, _ := w.send("GET", office.NotMeLink+fresh, "203.0.113.9"); status != http.StatusOK {
		t.Errorf("who comes from elsewhere is slowed: %d", status)
	}
}

// Every word that a page asks for is there in both languages.
func TestWords(t *testing.T) {
	for _, table := range all() {
		for language, other := range map[string]string{"en": "es", "es": "en"} {
			for key, text := range table[language] {
				if table[other][key] == "" || text == "" {
					t.Errorf("%q is missing in %s", key, other)
				}
			}
		}
	}
	for _, what := range customer.Whats {
		for _, language := range []string{"en", "es"} {
			if changeWord(language, what) == "what-"+what {
				t.Errorf("there is no word for a change of %s in %s", what, language)
			}
		}
	}
}
