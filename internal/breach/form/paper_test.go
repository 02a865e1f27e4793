package form

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program runs one that is installed for the tests.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// On paper a report says all that it says on the screen, on every page what it is, and the same each time.
//
// cite: P-45, P-51, P-52, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
func TestPDF(t *testing.T) {
	for name, r := range reports(t) {
		file, err := r.PDF()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := r.JSON()
		back, err := Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := back.PDF(); err != nil || !bytes.Equal(again, file) {
			t.Errorf("%s: printed again from what is kept it is another: %v", name, err)
		}
		path := filepath.Join(t.TempDir(), name+".pdf")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		text := program(t, "pdftotext", "-layout", path, "-")
		golden(t, name+".txt", []byte(text))
		for n, page := range strings.Split(strings.TrimSuffix(text, "\f"), "\f") {
			if mark := r.Mark(); mark != "" && strings.Count(page, mark) != 1 || mark == "" && (strings.Contains(page, "DRAFT") || strings.Contains(page, "EXERCISE")) {
				t.Errorf("%s: page %d does not say that it is %q", name, n+1, mark)
			}
			for _, words := range []string{"2026-0007", r.Form.ID, r.Form.Version.String()} {
				if !strings.Contains(page, words) {
					t.Errorf("%s: page %d lacks %s", name, n+1, words)
				}
			}
		}
		flat := strings.Join(strings.Fields(text), " ")
		for _, s := range r.Sections {
			for _, a := range s.Fields {
				if a.Text == "" && a.Problem == nil && !a.Changed {
					continue
				}
				for _, words := range []string{a.Label, a.Text} {
					if !strings.Contains(flat, strings.Join(strings.Fields(words), " ")) {
						t.Errorf("%s: it does not say %q", name, words)
					}
				}
			}
		}
		if r.Receipt != nil && !strings.Contains(flat, r.Receipt.Number) {
			t.Errorf("%s: it does not show its receipt", name)
		}
	}
}
