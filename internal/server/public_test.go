package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"ringfence/internal/publish"
	"ringfence/internal/visitor/browsertest"
)

// The demonstration publishes two versions of the public policy; their pages and what changed are whole in every window, in both
// languages, and axe finds nothing.
//
// cite: P-12, P-27, P-55, P-56, P-58, N-11, 47 CFR 64.2008(b)
func TestPublicPolicyOfTheDemonstration(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	folder := t.TempDir()
	config := DemoConfig(folder, "127.0.0.1:0")
	o, _, err := OpenDemo(ctx, config, folder, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	o.has(ctx, t)
	o = o.again(ctx, t, config, folder)
	defer o.Close()
	all := o.Published.Versions()
	if len(all) != 2 {
		t.Fatalf("%d versions", len(all))
	}
	if current, _ := o.Published.Current(o.Clock.Now()); current != all[1] {
		t.Errorf("in force is %v", current)
	}
	d := publish.Compare(&all[0].Edition, &all[1].Edition)
	kinds := map[publish.Kind]bool{}
	for _, c := range d.Changes {
		kinds[c.Kind] = true
	}
	if !kinds[publish.Added] || !kinds[publish.Removed] || !kinds[publish.Changed] || len(d.Covers.Purposes) != 1 || len(d.Covers.Recipients) != 1 {
		t.Errorf("the versions differ in %v, and the second adds %+v", kinds, d.Covers)
	}
	l, err := Listen(ctx, o.Office, config, slog.New(slog.NewTextHandler(io.Discard, nil)), false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Stop()
	at := "http://" + l.Address
	resp, err := http.Get(at + "/privacy/" + all[1].Version + ".pdf?language=es")
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(file), "%PDF-") {
		t.Errorf("the document: %s", resp.Status)
	}
	look := newWindow(t)
	changes := "/privacy/changes/" + all[0].Version + "/" + all[1].Version
	for name, address := range map[string]string{"privacy en": "/privacy?language=en", "privacy es": "/privacy?language=es", "privacy versions en": "/privacy/versions?language=en",
		"privacy changes en": changes + "?language=en", "privacy changes es": changes + "?language=es"} {
		look.sound(name, at+address)
	}
}

// window is a browser.
type window struct {
	t   *testing.T
	ctx context.Context
}

func newWindow(t *testing.T) *window {
	t.Helper()
	return &window{t, browsertest.Chromium(t, "en-US")}
}

// sound fails unless a page fits every window and axe finds nothing, and keeps a picture of each.
func (w *window) sound(name, address string) {
	w.t.Helper()
	for _, view := range []struct {
		what          string
		width, height int64
		scheme        string
	}{{"desk", 1280, 900, "light"}, {"dark", 1280, 900, "dark"}, {"telephone", 360, 800, "light"}} {
		must := func(err error) {
			w.t.Helper()
			if err != nil {
				w.t.Fatalf("%s %s: %v", name, view.what, err)
			}
		}
		must(chromedp.Do(w.ctx, chromedp.EmulateViewport(view.width, view.height)))
		_, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: view.scheme}}})
		must(err)
		must(chromedp.Do(w.ctx, chromedp.Navigate(address)))
		over, err := chromedp.Run(w.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
		must(err)
		if over > 0 {
			w.t.Errorf("%s %s: %d pixels wider than the window", name, view.what, over)
		}
		for _, v := range browsertest.Violations(w.ctx, w.t) {
			w.t.Errorf("%s %s: %s", name, view.what, v)
		}
		browsertest.Picture(w.ctx, w.t, "../..", strings.ReplaceAll(name+" "+view.what, " ", "-"))
	}
}
