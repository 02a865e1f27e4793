package console

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/filing/monitor"
	"ringfence/internal/office"
	"ringfence/internal/portal"
)

// tryAll has the ways to refuse tried for some hours: the page on the web works at first, and then no more; the others are not set up, or
// not offered.
func (w *world) tryAll() {
	w.t.Helper()
	var down atomic.Bool
	page := portal.New(w.Office, portal.Options{Carrier: office.Carrier{Name: "Test Carrier", Phone: "+18005550100"}, Pace: -1, Report: w.report}).Handler()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load() {
			http.Error(rw, "it is down", http.StatusServiceUnavailable)
			return
		}
		page.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	web, err := monitor.NewWeb(server.URL+office.RefusePage, nil)
	must(w.t, err)
	w.Monitors.Use(monitor.Web, web)
	w.Monitors.NotOffered(monitor.Text, "no line of the carrier takes texts")
	w.Monitors.Node = "desk-1"
	for n := range 12 {
		down.Store(n == 3 || n > 8)
		must(w.t, w.Monitors.Work(w.t.Context()))
		w.clock.pass(30 * time.Minute)
	}
}

// The page shows each way with its last tries, and leads to the file that a failure has opened; nobody is told that what is not tried works.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func TestWaysToRefuseTried(t *testing.T) {
	w := newWorld(t)
	w.tryAll()
	b := w.signedIn(t, "compliance")
	b.get("/failures").has(t, `href="/failures/tried"`)
	r := b.get("/failures/tried").is(t, http.StatusOK)
	r.says(t, "The page for refusals on the web", "Failed", "3 tries in a row failed.", "The last try failed at the step “open the page”", "Of the last 12 tries, 8 worked, 4 failed and 0 could not be made.", "O-2026-1", "desk-1",
		"The e-mail address for refusals", "No monitor of it is set up.", "Not offered", "no line of the carrier takes texts")
	b.get("/failures").says(t, "O-2026-1", "the page for refusals on the web", "Not judged")
	w.looked()
	b.get("/alerts").says(t, "Nobody can tell whether a way to refuse works")
	w.signedIn(t, "auditor").get("/failures/tried").is(t, http.StatusOK)
	w.signedIn(t, "agent").get("/failures/tried").is(t, http.StatusForbidden)

	c := w.chromium(t)
	c.takeOver(b)
	c.isSound("ways to refuse that were tried", "/failures/tried")
}
