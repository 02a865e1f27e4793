package console

import (
	"html"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	printing "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"ringfence/internal/approval"
	"ringfence/internal/breach"
	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/complaint"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
)

// yearLived has some months of work happen, and everything counted.
func (w *world) yearLived(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	for month := range 5 {
		s, err := w.OpenContact(ctx, contact.Opening{Customer: w.ann, Channel: cpni.Phone, Agent: w.people["agent"]})
		must(t, err)
		for n := range 2 + month {
			if n == 2 {
				_, err := w.Contacts.Authenticate(ctx, s.ID, contact.Proof{Password: annPassword})
				must(t, err)
			}
			request := officetest.AskCalls(w.people["agent"], s.ID)
			if n == 1 {
				request.Purpose = cpni.OwnMarketing
			}
			_, err := w.Door.Disclose(ctx, request)
			if _, refused := err.(*cpni.Refusal); err != nil && !refused {
				t.Fatal(err)
			}
		}
		_, err = w.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			_, entries, err := w.Approvals.Give(ctx, tx, w.ann, approval.Given{Notice: cpni.NewID(), Kind: approval.OptOut, Via: "email", At: w.clock.Now(), Scopes: []string{string(cpni.OwnMarketing)}, By: "system"})
			return entries, err
		})
		must(t, err)
		c, err := w.Complaints.File(ctx, complaint.Filing{Customer: w.ann, Category: complaint.Other, Text: "The bill was wrong."})
		must(t, err)
		_, err = w.Complaints.Take(ctx, w.ann, c.ID, w.people["compliance"])
		must(t, err)
		w.clock.pass(time.Duration(month+1) * 20 * time.Hour)
		_, err = w.Complaints.Reply(ctx, w.ann, c.ID, w.people["compliance"], "It was put right.")
		must(t, err)
		f, err := w.Filing.Open(ctx, filing.Intake{By: w.people["compliance"], Facts: filing.Facts{Mechanism: "the form on the web", What: "The button did nothing.", Found: w.clock.Now()}})
		must(t, err)
		_, err = w.Filing.Judge(ctx, f.ID, filing.Act{By: w.people["compliance"]}, filing.Judgement{})
		must(t, err)
		i, err := w.Incidents.Open(ctx, breach.Intake{By: w.people["compliance"], Facts: breach.Facts{Title: "Sold call lists", What: "A clerk sold lists of calls.", Discovered: w.clock.Now(), DiscoveredBy: string(w.people["compliance"]),
			Data: []cpni.DataClass{cpni.CallDetail}, Outcome: clocks.Disclosed, Intentional: clocks.Yes, Harm: clocks.Likely, Basis: "they said so"}})
		must(t, err)
		_, err = w.Incidents.Determine(ctx, i.ID, breach.Act{By: w.people["compliance"]}, breach.Determination{Basis: "the list was found"})
		must(t, err)
		_, err = w.Incidents.Report(ctx, i.ID, breach.Act{By: w.people["compliance"]}, breach.Filing{Through: breach.Facility, Receipt: "F-1"})
		must(t, err)
		must(t, w.Yearly.Count(ctx))
		w.clock.pass(31 * 24 * time.Hour)
	}
	w.looked()
	must(t, w.Yearly.Count(ctx))
}

var (
	yearLink = regexp.MustCompile(`<a href="(/(?:year/2026/records|records/search)\?[^"]*)">([0-9,]+)</a>`)
	yearLine = regexp.MustCompile(`(?s)<tr>(?:<td>.*?)</tr>`)
	lineLink = regexp.MustCompile(`<a (?:class="mono" )?href="([^"]*)"`)
)

// Every number on the page of a year opens exactly the records that it counts, and each of those its own page.
//
// cite: P-41, 47 CFR 64.2009(e)
func TestEveryNumberOfAYearOpensItsRecords(t *testing.T) {
	w := newWorld(t)
	w.yearLived(t)
	b := w.signedIn(t, "compliance")
	shown := b.get("/year").is(t, http.StatusOK)
	shown.says(t, "The year 2026", "Deadlines missed", "Refusals by reason", "UNAUTHENTICATED", "Told, and still waiting", "Notices of rights")
	links := yearLink.FindAllStringSubmatch(shown.page, -1)
	opened := map[string]bool{}
	for _, link := range links {
		address := html.UnescapeString(link[1])
		want, _ := strconv.Atoi(strings.ReplaceAll(link[2], ",", ""))
		got := 0
		for at := address; at != ""; {
			r := b.get(at).is(t, http.StatusOK)
			if strings.Contains(at, "/records/search") {
				r.says(t, counted(want, "decision", "decisions")+", newest first")
			} else if !strings.Contains(r.page, counted(want, "record", "records")) {
				t.Errorf("%s does not say %d", at, want)
			}
			body := r.page[strings.Index(r.page, "<main"):]
			lines := yearLine.FindAllString(body, -1)
			got += len(lines)
			for _, line := range lines {
				for _, to := range lineLink.FindAllStringSubmatch(line, -1) {
					if !opened[to[1]] {
						opened[to[1]] = true
						b.get(html.UnescapeString(to[1])).is(t, http.StatusOK)
					}
				}
			}
			at = ""
			if next := regexp.MustCompile(`<a class="button plain" href="([^"]*)">(?:More|Older)`).FindStringSubmatch(body); next != nil {
				at = html.UnescapeString(next[1])
			}
		}
		if got != want {
			t.Errorf("%s lists %d, and the page says %d", address, got, want)
		}
	}
	if len(links) < 60 || len(opened) < 20 {
		t.Errorf("only %d numbers lead to only %d records", len(links), len(opened))
	}
	b.get("/year/2025").is(t, http.StatusOK).says(t, "Nothing on record.")
	for _, path := range []string{"/year/2027", "/year/abcd", "/year/02026", "/year/2026/records?of=nothing", "/year/2026/records?of=decisions", "/year/2026/records?of=incidents&month=13"} {
		b.get(path).is(t, http.StatusNotFound)
	}
	table := b.get("/year/2026/figures.csv").is(t, http.StatusOK)
	if !strings.Contains(table.page, "glance,decisions,Decisions,records,,,") || table.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("the table is %q", table.page)
	}

	sue := w.signedIn(t, "supervisor")
	page := sue.get("/year").is(t, http.StatusOK)
	page.lacks(t, "Incidents", "Ways to refuse that failed", "Letters")
	if strings.Contains(page.page, "/year/2026/records") {
		t.Error("a supervisor is led to records behind numbers")
	}
	sue.get("/year/2026/records?of=complaints").is(t, http.StatusForbidden)
	w.signedIn(t, "auditor").get("/year").is(t, http.StatusOK).says(t, "Incidents taken in")
	w.signedIn(t, "agent").get("/year").is(t, http.StatusForbidden)
}

// A year fits every window, axe finds nothing to complain of, its charts are shown, and it is printed on one sheet.
func TestAYearInABrowser(t *testing.T) {
	w := newWorld(t)
	w.yearLived(t)
	c := w.chromium(t)
	c.takeOver(w.signedIn(t, "compliance"))
	c.isSound("a year", "/year")
	c.isSound("the records behind a number", "/year/2026/records?of=failures")
	c.goTo("/year")
	for _, paper := range []struct{ wide, high float64 }{{8.27, 11.69}, {8.5, 11}} {
		sheet, err := chromedp.Call(c.ctx, printing.PrintToPDF, printing.PrintToPDFParams{PaperWidth: paper.wide, PaperHeight: paper.high})
		must(t, err)
		printed := sheet.Data
		if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(printed, -1)); n != 1 {
			t.Errorf("on paper of %g inches it takes %d sheets", paper.wide, n)
		}
		if to := os.Getenv("RINGFENCE_YEAR_PDF"); to != "" {
			must(t, os.WriteFile(to, printed, 0o600))
		}
	}
}
