package portal

import (
	"context"
	"flag"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notify/letter"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/publish"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
	"ringfence/policy"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateGolden {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if string(want) != got {
		t.Errorf("%s is another now: look at it, and run with -update", path)
	}
}

// paper is a portal that shows a public policy of two versions, and what makes PDF files of it.
type paper struct {
	*office.Office
	t      *testing.T
	server *httptest.Server
	clock  *clock
}

func newPaper(t *testing.T, db *store.DB, public office.Public) *paper {
	t.Helper()
	ctx := context.Background()
	set, err := policySet()
	must(t, err)
	zone, err := time.LoadLocation("America/New_York")
	must(t, err)
	signer, err := ledger.NewKey("portal.test.example")
	must(t, err)
	w := &paper{t: t, clock: &clock{now: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)}}
	w.Office, err = office.Open(ctx, office.Config{DB: db, Policy: set, Master: vault.NewMaster(), Origin: "portal.test.example", Signer: signer, Zone: zone, Clock: w.clock,
		HashCost: &contact.HashCost{MemoryKiB: 8, Passes: 1}, SecondFactorOptional: true, Notices: officetest.Notices(t), Carrier: office.Carrier{Name: "Example Telephone", Phone: "+18005550100", Email: "privacy@example.net"}, Public: public})
	must(t, err)
	t.Cleanup(w.Close)
	folder := t.TempDir()
	letters, err := letter.New(letter.Config{Folder: filepath.Join(folder, "out"), State: filepath.Join(folder, "state"), Return: []string{"Example Telephone"}}, "Example Telephone", w.clock, zone)
	must(t, err)
	p := New(w.Office, Options{Carrier: w.Carrier, Pages: letters.Pages, Report: func(err error) { t.Errorf("reported: %v", err) }})
	w.server = httptest.NewServer(p.Handler())
	t.Cleanup(w.server.Close)
	return w
}

// exampleFacts are those of a carrier that there is not.
var exampleFacts = publish.Carrier{Name: "Example Telephone", Email: "privacy@example.net", Phone: "+18005550100", Post: "Privacy Office, 1 Main St, Springfield, VA 22150", Web: "https://account.example.net",
	Facility: "https://reporting.facility.example/cpni", Posting: "https://example.net/privacy", Verified: workday.On(2026, time.November, 20)}

// earlier is the built-in text as it might have been before.
func earlier(t *testing.T) []byte {
	t.Helper()
	b, err := fs.ReadFile(policy.Files, publish.File)
	must(t, err)
	s := string(b)
	for _, x := range [][2]string{{`version: "2026-11"`, `version: "2025-06"`}, {"joint-venture, independent", "independent"}, {"You lose nothing without it.", "Without it you lose nothing."}, {"Sin ella no pierde nada.", "No pierde nada sin ella."},
		{"id: use-signature", "id: use-agreement"}} {
		if strings.Count(s, x[0]) != 1 {
			t.Fatalf("%q stands %d times in the text", x[0], strings.Count(s, x[0]))
		}
		s = strings.Replace(s, x[0], x[1], 1)
	}
	return []byte(s)
}

func (w *paper) get(path string, header ...string) (int, string, http.Header) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, w.server.URL+path, nil)
	must(w.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	must(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp.StatusCode, string(b), resp.Header
}

// main is what stands in the middle of a page.
var mainPart = regexp.MustCompile(`(?s)<main.*</main>`)

// Everybody reads the policy in force, in their language, with its date, and how to refuse without signing in; every version and what
// changed are there too.
//
// cite: P-12, P-27, P-55, P-56, P-58, N-11, 47 CFR 64.2008(b), 47 CFR 64.2008(c)(3)
func TestThePublicPolicy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newPaper(t, db, office.Public{Carrier: exampleFacts, First: earlier(t)})
		if status, page, _ := w.get("/privacy"); status != http.StatusOK || !strings.Contains(page, "Version 2025-06, in force since November 24, 2026") {
			t.Errorf("the first version: %d", status)
		}
		must(t, w.PublishAdding(t.Context(), "2026-11", w.clock.Now(), publish.Covers{}, "test"))
		status, page, header := w.get("/privacy")
		if status != http.StatusOK || header.Get("X-Robots-Tag") != "" || header.Get("Cache-Control") != "no-cache" || header.Get("Set-Cookie") != "" {
			t.Errorf("%d %v", status, header)
		}
		for _, want := range []string{`<html lang="en"`, "Version 2026-11, in force since November 24, 2026", `href="mailto:privacy@example.net?subject=`, `href="tel:+18005550100"`, "Privacy Office, 1 Main St", `href="https://account.example.net"`,
			`id="refuse-how"`, `href="#refuse-how"`, `href="/privacy/2026-11.pdf?language=en"`, `href="/privacy/versions?language=en"`, `href="/privacy/changes/2025-06/2026-11?language=en"`, "https://reporting.facility.example/cpni", "joint venture partners"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page has no %s", want)
			}
		}
		if strings.ContainsAny(mainPart.FindString(page), "{}") {
			t.Error("a placeholder is not filled")
		}
		golden(t, "privacy-en.html", mainPart.FindString(page)+"\n")
		_, spanish, header := w.get("/privacy", "Accept-Language", "es-MX,es;q=0.9")
		if header.Get("Content-Language") != "es" || !strings.Contains(spanish, `<html lang="es"`) || !strings.Contains(spanish, "vigente desde el 24 de noviembre de 2026") || strings.Contains(mainPart.FindString(spanish), "How to") {
			t.Error("the page in Spanish")
		}
		golden(t, "privacy-es.html", mainPart.FindString(spanish)+"\n")
		if _, page, _ := w.get("/privacy?language=es"); !strings.Contains(page, `<html lang="es"`) {
			t.Error("the switch does not switch")
		}
		for _, l := range []string{"en", "es"} {
			status, page, _ := w.get("/privacy/changes/2025-06/2026-11?language=" + l)
			if status != http.StatusOK {
				t.Fatalf("the changes: %d", status)
			}
			for _, want := range []string{"<ins>", "<del>"} {
				if !strings.Contains(page, want) {
					t.Errorf("the changes have no %s", want)
				}
			}
			golden(t, "changes-"+l+".html", mainPart.FindString(page)+"\n")
		}
		if status, page, _ := w.get("/privacy/versions"); status != http.StatusOK || strings.Index(page, "2026-11") > strings.Index(page, "2025-06") || !strings.Contains(page, "in force") {
			t.Errorf("the versions: %d", status)
		}
		if status, page, _ := w.get("/privacy/2025-06"); status != http.StatusOK || !strings.Contains(page, "This is not the version in force") {
			t.Errorf("the version before: %d", status)
		}
		for _, l := range []string{"en", "es"} {
			status, file, header := w.get("/privacy/2026-11.pdf?language=" + l)
			if status != http.StatusOK || !strings.HasPrefix(file, "%PDF-") || header.Get("Content-Type") != "application/pdf" {
				t.Fatalf("the document: %d %v %.20q", status, header, file)
			}
			path := filepath.Join(t.TempDir(), "policy.pdf")
			must(t, os.WriteFile(path, []byte(file), 0o644))
			about, err := exec.Command("pdfinfo", path).CombinedOutput()
			if err != nil || !strings.Contains(string(about), "Tagged:          yes") {
				t.Errorf("%s %v", about, err)
			}
			tree, err := exec.Command("pdfinfo", "-struct-text", path).CombinedOutput()
			if err != nil || strings.Count(string(tree), "H2") != 11 || !strings.Contains(string(tree), map[string]string{"en": "How you refuse", "es": "Cómo negarse"}[l]) {
				t.Errorf("%d headings: %v", strings.Count(string(tree), "H2"), err)
			}
		}
		for _, none := range []string{"/privacy/1999", "/privacy/1999.pdf", "/privacy/changes/1999/2026-11", "/privacy/changes/2026-11/1999", "/privacy/%00", "/privacy/../privacy/x"} {
			if status, _, _ := w.get(none); status != http.StatusNotFound {
				t.Errorf("%s: %d", none, status)
			}
		}
		// One that is still to come is announced, and the one of today stays in force.
		must(t, w.PublishAdding(t.Context(), "2027-01", w.clock.Now().AddDate(0, 1, 0), publish.Covers{}, "test"))
		if _, page, _ := w.get("/privacy"); !strings.Contains(page, "Version 2026-11, in force since") || !strings.Contains(page, "The version 2027-01 takes effect on December 24, 2026.") {
			t.Error("the version that is to come is not announced")
		}
		if _, page, _ := w.get("/privacy/2027-01"); !strings.Contains(page, "which takes effect on December 24, 2026") {
			t.Error("a version that is to come")
		}
	})
}

// Where nothing is published the page says so, and still how to reach the carrier.
//
// cite: P-12, P-55
func TestNothingPublished(t *testing.T) {
	w := newPaper(t, storetest.Open(t, "memory:"), office.Public{})
	if status, page, _ := w.get("/privacy"); status != http.StatusNotFound || !strings.Contains(page, "No version has been published yet") || !strings.Contains(page, "privacy@example.net") {
		t.Errorf("%d %s", status, page)
	}
}

// What a policy can cover has words in every language.
//
// cite: P-56, N-11
func TestWordsForWhatIsCovered(t *testing.T) {
	for _, l := range publish.Languages {
		var all []string
		for _, x := range cpni.Purposes {
			if x != cpni.CompetitorTracking { // nobody can approve it
				all = append(all, "for:"+string(x))
			}
		}
		for _, x := range publish.Recipients() {
			all = append(all, "to:"+x)
		}
		for _, x := range cpni.DataClasses {
			all = append(all, "data:"+string(x))
		}
		for _, key := range all {
			if coveredWords[l][key] == "" {
				t.Errorf("%s has no word for %s", l, key)
			}
		}
		for key := range publicWords["en"] {
			if publicWords[l][key] == "" {
				t.Errorf("%s lacks %s", l, key)
			}
		}
	}
}
