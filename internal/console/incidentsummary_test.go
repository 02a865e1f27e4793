package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach"
	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// smallBreaches has two small breaches wait for the summary of 2026, of which one is closed, at the beginning of 2027.
func (w *world) smallBreaches(t testing.TB) {
	t.Helper()
	numbers := w.Incidents.Numbers
	w.Incidents.Numbers = func(at time.Time) clocks.Numbers { // the rule of 2023 alone is in force
		n := numbers(at)
		n.Of2007.Spans, n.Of2023.Spans = nil, []rules.Span{{From: workday.On(2026, time.January, 1)}}
		return n
	}
	by := w.people["compliance"]
	for n, what := range []string{"A bill went to a neighbour.", "A colleague opened files of others."} {
		i, err := w.Incidents.Open(t.Context(), breach.Intake{By: by, Facts: breach.Facts{What: what, Discovered: w.clock.Now(), DiscoveredBy: "a colleague", Data: []cpni.DataClass{cpni.Billing}, Outcome: clocks.Used, Intentional: clocks.No, Harm: clocks.Unlikely,
			Basis: "They were asked.", Customers: 3 + n}})
		must(t, err)
		_, err = w.Incidents.Determine(t.Context(), i.ID, breach.Act{By: by}, breach.Determination{})
		must(t, err)
		if n == 0 {
			_, err = w.Incidents.Close(t.Context(), i.ID, breach.Act{By: by}, breach.Closing{Cause: "A machine.", Remedy: "It is set right.", Lessons: "Look twice.", NoSanction: "Nobody did it."})
			must(t, err)
		}
	}
	w.clock.pass(time.Date(2027, 1, 20, 12, 0, 0, 0, w.Zone).Sub(w.clock.Now()))
}

// The summary of a year's small breaches stands on the page of incidents until an officer has entered its receipt; compliance sees it and cannot.
//
// cite: P-37, V27, I-11, 47 CFR 64.2011(a)(4)
func TestSummaryOfAYearAtTheDesk(t *testing.T) {
	w := newWorld(t)
	w.smallBreaches(t)
	c := w.signedIn(t, "compliance")
	shown := c.get("/incidents").is(t, http.StatusOK)
	shown.says(t, "1 file", "File the summary of 2026, in which it has to stand", "Summary of the small breaches of 2026", "by Mon 1 Feb 2027", "in 12 days", "and 1 thing more", "2 breaches with no harm likely, 7 customers in all", "3 customers, closed", "4 customers, open", "An officer enters its receipt here.")
	shown.lacks(t, "I have signed and filed it")
	file := c.get("/incidents/summary.txt?year=2026")
	if !strings.Contains(file.page, "SUMMARY OF THE SMALL BREACHES OF 2026") || !strings.Contains(file.page, "Breach I-2026-1\n") || !strings.Contains(file.Header.Get("Content-Disposition"), "summary-2026.txt") {
		t.Errorf("the summary: %v %s", file.Header, file.page)
	}
	c.get("/incidents/summary.txt?year=never").is(t, http.StatusNotFound)
	c.submit("/incidents/summary", "key", string(cpni.NewID()), "year", "2026", "receipt", "S-1").says(t, "The summary of the small breaches is signed by an officer")
	c.get("/incidents?of=closed").lacks(t, "Summary of the small breaches")

	o := w.signedIn(t, "officer")
	o.get("/incidents").says(t, "I have signed and filed it")
	key := string(cpni.NewID())
	o.submit("/incidents/summary", "key", key, "year", "2026", "receipt", "").says(t, "There is no receipt of the facility")
	o.submit("/incidents/summary", "key", key, "year", "2026", "receipt", "S-1", "filed", "soon").says(t, "A day or time of the form is none")
	for range 2 {
		o.submit("/incidents/summary", "key", key, "year", "2026", "receipt", "S-1", "filed", "2027-01-19T10:00").says(t, "The summary of 2026 is filed, and stands in 2 files.")
	}
	o.get("/incidents").lacks(t, "Summary of the small breaches")
	at := incidentAddress(w.incident(t).ID)
	o.get(at+"/history").says(t, "Summary of the year filed", "Of 2026, filed 19 Jan 2027, 10:00:00 EST with receipt S-1; 2 breaches stand in it.")
	o.get(at+"/papers").says(t, "Paper 1: summary")
	w.signedIn(t, "agent").get("/incidents/summary.txt?year=2026").is(t, http.StatusForbidden)
}

// The page with the summary fits a telephone and a desk, and axe finds nothing to complain of.
func TestSummaryOfAYearIsSound(t *testing.T) {
	w := newWorld(t)
	w.smallBreaches(t)
	c := w.chromium(t)
	c.takeOver(w.signedIn(t, "officer"))
	c.isSound("incidents with a summary", "/incidents")
}
