// Package browsertest starts a real browser for tests of pages, and looks with axe for what keeps people out of them.
package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Chromium starts a browser with an empty profile, whose people read a language, such as en-US. It ends with the test.
func Chromium(t testing.TB, language string) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("a browser is needed for this test and none is installed: `make test` installs Debian's chromium")
	}
	profile, err := os.MkdirTemp("", "ringfence-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", language), chromedp.WSURLReadTimeout(time.Minute))
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	ctx, stopBrowser := chromedp.NewExecAllocator(ctx, options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		chromedp.Cancel(ctx)
		closeTab()
		stopBrowser()
		stop()
		for range 50 { // its children write for a moment still
			if os.RemoveAll(profile) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	return ctx
}

// patience is how long a page may take to become what a test waits for. It is long because nothing is measured here.
const patience = time.Minute

// Until waits until something is so, and reports whether it has come to that.
func Until(so func() bool) bool {
	over := time.NewTimer(patience)
	defer over.Stop()
	for {
		if so() {
			return true
		}
		select {
		case <-over.C:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Says reports whether a page says all of it.
func Says(page string, all ...string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return !strings.Contains(page, s) })
}

// axe looks for what keeps people out of pages: https://github.com/dequelabs/axe-core, npm package axe-core.
//
//go:embed axe.min.js
var axe string

// Colours are the rules by which axe looks at a page again of which colours alone are another.
var Colours = []string{"color-contrast", "link-in-text-block"}

// Violations has axe look at the page that a browser shows, by all of its rules or, where some are named, by those, and gives what it finds, one
// line a place.
func Violations(ctx context.Context, t testing.TB, rules ...string) []string {
	t.Helper()
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`typeof axe !== "undefined"`))
	if err == nil && !there {
		_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](axe+"\n;true"))
	}
	if err != nil {
		t.Fatal(err)
	}
	only := ""
	if len(rules) > 0 {
		named, err := json.Marshal(rules)
		if err != nil {
			t.Fatal(err)
		}
		only = fmt.Sprintf(`, runOnly: {type: "rule", values: %s}`, named)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]`+only+`}).then(r => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		ID, Help string
		Nodes    []struct {
			HTML    string `json:"html"`
			Summary string `json:"failureSummary"`
		}
	}
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range all {
		for _, n := range v.Nodes {
			out = append(out, fmt.Sprintf("%s (%s): %.200s: %s", v.ID, v.Help, n.HTML, n.Summary))
		}
	}
	return out
}

// Pictures tells whether what browsers show is to be kept for people to look at: RINGFENCE_PICTURES is set.
func Pictures() bool { return os.Getenv("RINGFENCE_PICTURES") != "" }

// Picture keeps what a browser shows as build/pictures/NAME.png, which git does not keep, where pictures are wanted. folder is the project's, from
// that of the test.
func Picture(ctx context.Context, t testing.TB, folder, name string) {
	t.Helper()
	if !Pictures() {
		return
	}
	pictures := filepath.Join(folder, "build", "pictures")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictures, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}
