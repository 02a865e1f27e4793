package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Wherever the sign-in sends a browser afterwards, it stays on this site.
//
// cite: P-37
func FuzzBackStaysHere(f *testing.F) {
	for _, s := range []string{"/", "/desk", "//evil.example", `/\evil.example`, "/%5cevil.example", "https://evil.example", "/records/x?kind=attempt#y", "/a/../../b", "/\x00", "/é", "/.//evil"} {
		f.Add(s)
	}
	site, err := url.Parse("https://desk.example/sign-in")
	must(f, err)
	f.Fuzz(func(t *testing.T, s string) {
		at := wanted(s)
		u, err := url.Parse(at)
		if err != nil {
			t.Fatalf("%q leads to %q, which is no address", s, at)
		}
		if to := site.ResolveReference(u); to.Host != "desk.example" || to.Scheme != "https" {
			t.Errorf("%q leads to %s", s, to)
		}
		if strings.HasPrefix(at, "//") || strings.HasPrefix(at, `/\`) || strings.ContainsAny(at, "\r\n\t") {
			t.Errorf("%q leads to %q, which browsers take for another site", s, at)
		}
	})
}

// A form is read or refused, and no field of one that is read is longer than it may be or anything but text.
func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=%ff", "a=%00", "%", "a;b", strings.Repeat("a=1&", 2000), "a=" + strings.Repeat("b", 2000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		v := &visit{w: httptest.NewRecorder(), r: r}
		if v.readForm() != nil {
			return
		}
		for name, values := range v.form {
			for _, s := range append(values, name) {
				if len(s) > longestField || strings.ContainsRune(s, 0) || strings.ToValidUTF8(s, "") != s {
					t.Errorf("%q was read as %q", body, s)
				}
			}
		}
	})
}
