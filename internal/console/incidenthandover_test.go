package console

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/breach"
	"ringfence/internal/breach/bundle"
	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// rehearsed is a rehearsal that compliance has closed.
func (w *world) rehearsed(t testing.TB) cpni.ID {
	t.Helper()
	by := w.people["compliance"]
	i, err := w.Incidents.Open(t.Context(), breach.Intake{By: by, Exercise: true, Facts: breach.Facts{What: "A letter lay in the wrong envelope.", Discovered: w.clock.Now(), DiscoveredBy: "a colleague", Intentional: clocks.No, Basis: "The machine was set wrong."}})
	must(t, err)
	_, err = w.Incidents.Determine(t.Context(), i.ID, breach.Act{By: by}, breach.Determination{})
	must(t, err)
	_, err = w.Incidents.Close(t.Context(), i.ID, breach.Act{By: by}, breach.Closing{Cause: "A machine.", Remedy: "It is set right.", Lessons: "Look twice.", NoSanction: "Nobody did it."})
	must(t, err)
	must(t, w.Ledger.Sequence(t.Context()))
	return i.ID
}

// Who may see an incident takes its file away, as pages and as a bundle that holds; to others it is as if none were there. The rehearsal stands
// on the training pages.
//
// cite: P-38, P-41, P-47, P-51, 47 CFR 64.2011(d)
func TestAnIncidentIsHandedOver(t *testing.T) {
	w := newWorld(t)
	id := w.rehearsed(t)
	at := "/incidents/" + string(id)
	b := w.signedIn(t, "compliance")
	file := b.get(at + "/bundle.zip")
	if r, err := bundle.Verify(strings.NewReader(file.page), int64(len(file.page)), w.Ledger.VerifierKey()); err != nil || !r.OK() || r.Incident.ID != id {
		t.Errorf("the bundle: %+v, %v", r, err)
	}
	if file.Header.Get("Content-Type") != "application/zip" || !strings.Contains(file.Header.Get("Content-Disposition"), "R-2026-1.zip") {
		t.Errorf("it comes as %v", file.Header)
	}
	if pdf := b.get(at + "/dossier.pdf"); !strings.HasPrefix(pdf.page, "%PDF-") {
		t.Errorf("the pages: %.40q", pdf.page)
	}
	if _, err := ledger.OpenStatement([]byte(b.get(at+"/dossier.pdf.note").page), bundle.DossierSort, w.Ledger.VerifierKey()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"/bundle.zip", "/dossier.pdf", "/dossier.pdf.note"} {
		b.get("/incidents/"+string(cpni.NewID())+name).is(t, http.StatusNotFound)
		w.signedIn(t, "agent").get(at+name).is(t, http.StatusForbidden)
	}
	b.get("/training").says(t, "Rehearsals", "R-2026-1")
	b.get("/training/staff/"+string(w.people["compliance"])).says(t, "R-2026-1")
	b.get("/training/staff").says(t, "1 rehearsal of an incident closed in 2026; 1 member took part.")
	if strings.Contains(w.signedIn(t, "agent").get("/training").page, "R-2026-1") {
		t.Error("a rehearsal trained who had no part in it (P-38)")
	}
}

var feedOnPage = regexp.MustCompile(`<code>[^<]*/v1/calendars/(rfcal_[A-Za-z0-9_-]+)\.ics</code>`)

// Somebody who sees incidents has an address for a calendar program, shown once, until they end it; an agent is offered none.
//
// cite: P-37, P-44, 47 CFR 64.2010(a)
func TestCalendarOfIncidents(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(t, "officer")
	b.get("/me").says(t, "Calendar of incidents", "Make an address")
	shown := b.submit("/me/calendar", "do", "make")
	m := feedOnPage.FindStringSubmatch(shown.page)
	if m == nil {
		t.Fatalf("no address: %s", text(shown.page))
	}
	file, err := w.Incidents.Feed(t.Context(), m[1])
	if err != nil || !bytes.HasPrefix(file, []byte("BEGIN:VCALENDAR")) {
		t.Errorf("%s, %v", file, err)
	}
	me := b.get("/me")
	me.says(t, "End the address")
	if strings.Contains(me.page, m[1]) {
		t.Error("the address is shown twice")
	}
	if own := b.get("/incidents/calendar.ics"); own.page != string(file) || own.Header.Get("Content-Type") != "text/calendar; charset=utf-8" {
		t.Errorf("taken as a file: %s", own.page)
	}
	b.submit("/me/calendar", "do", "end").says(t, "worth nothing any more")
	if _, err := w.Incidents.Feed(t.Context(), m[1]); err == nil {
		t.Error("an address that was ended still works")
	}
	agent := w.signedIn(t, "agent")
	if strings.Contains(agent.get("/me").page, "Calendar of incidents") {
		t.Error("an agent is offered the calendar (P-47)")
	}
}

// The pages that came with it fit a telephone and a desk, and axe finds nothing to complain of.
func TestPagesOfHandingOverAreSound(t *testing.T) {
	w := newWorld(t)
	w.rehearsed(t)
	c := w.chromium(t)
	c.takeOver(w.signedIn(t, "compliance"))
	for _, path := range []string{"/me", "/training"} {
		c.isSound("handing over "+path, path)
	}
	c.goTo("/me")
	c.tabTo("do=make")
	c.press(kb.Enter)
	c.sees("It is shown this once.")
	for _, x := range c.violations() {
		t.Errorf("the address of a calendar: %s", x)
	}
	c.look(390, 844, 1, "light")
	if over := c.wide(); over > 0 {
		t.Errorf("the address makes the page %d pixels wider than a telephone", over)
	}
	c.picture("the address of a calendar")
}
