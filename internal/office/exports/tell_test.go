package exports_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ringfence/internal/export"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A partner is told once that a file waits, by a call that it can check; who does not take it is called again, later each time, and in
// the end somebody is told.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestPartnerIsTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var calls, refuse atomic.Int64
		var secret string
		server := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			body, err := io.ReadAll(r.Body)
			s, bad := standardwebhooks.NewWebhook(secret)
			if err != nil || bad != nil || s.VerifyIgnoringTimestamp(body, r.Header) != nil || r.Header.Get("webhook-timestamp") == "" || !strings.Contains(string(body), `"export.waiting"`) {
				t.Errorf("a call that cannot be checked: %s", body)
			}
			if refuse.Load() > 0 {
				a.WriteHeader(http.StatusBadGateway)
			}
		}))
		defer server.Close()
		p := w.printers
		p.Webhook = server.URL
		w.put(p)
		var err error
		if secret, err = w.Partners.NewSecret(t.Context(), "printers", "test"); err != nil {
			t.Fatal(err)
		}
		w.billed("84.10")
		w.made(bills(), w.bill)
		for range 3 {
			if err := w.Exports.Tell(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Hour)
		}
		if calls.Load() != 1 || w.admin("partner told") != 1 {
			t.Fatalf("called %d times", calls.Load())
		}
		refuse.Store(1)
		w.made(bills(), w.bill)
		for range 100 {
			if err := w.Exports.Tell(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Hour)
		}
		if n := calls.Load(); n < 60 || n > 80 || w.alerts(export.Untold) != 1 {
			t.Errorf("called %d times, %d alerts", n, w.alerts(export.Untold))
		}
	})
}
