package main

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// A server where nobody works prints, once it answers, where the first administrator is made; one where somebody works does
// not, and a demonstration says that a password is enough.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestFirstStart(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "office")
	mustRun(t, "init", folder, "--carrier", "Test", "--zone", "America/New_York", "--email", "privacy@test.example", "--phone", "+18005550100", "--post", "1 Main St, Springfield, VA 22150", "--web", "https://account.test.example", "--facility", "https://reporting.facility.example/cpni", "--origin", "ledger.test.example")
	config := filepath.Join(folder, "ringfence.yaml")
	t.Setenv("RINGFENCE_LISTEN", "127.0.0.1:0")
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/set-up/rfi_\S+`)
	printed := func(want string) string {
		t.Helper()
		path, err := exec.LookPath("ringfence")
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command(path, "serve", "--config", config)
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { c.Process.Kill(); c.Wait() }()
		late := time.AfterFunc(time.Minute, func() { c.Process.Kill() })
		defer late.Stop()
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := regexp.MustCompile(want).FindString(lines.Text()); m != "" {
				if !address.MatchString(m) {
					return m
				}
				r, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(m)
				if err != nil {
					t.Fatal(err)
				}
				r.Body.Close()
				if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/set-up" {
					t.Errorf("the address answers %s, and leads to %q", r.Status, r.Header.Get("Location"))
				}
				return m
			}
		}
		t.Fatalf("the server does not print %s", want)
		return ""
	}
	first := printed(address.String())
	if again := printed(address.String()); again == first {
		t.Error("the address is the same after a restart")
	}
	mustRun(t, "staff", "add", "amos", "--role", "admin", "--config", config)
	if line := printed("answers at|set-up"); address.MatchString(line) {
		t.Error("the address is printed though somebody works here")
	}
}
