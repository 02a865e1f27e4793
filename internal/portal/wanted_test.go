package portal

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

// Whatever is asked for, a browser that goes there from a page of ours stays with us, and at a page of the account.
func FuzzWantedPage(f *testing.F) {
	for _, s := range []string{"", "/account/", "/account/people", "//x", "/account//x", "/account/../x", "/account/\\x", "/account/x?y", "/account/%2e%2e", "https://x", "/account/sign-in", "/account/x\n"} {
		f.Add(s)
	}
	base, _ := url.Parse("https://account.example/account/sign-in")
	f.Fuzz(func(t *testing.T, s string) {
		got := wantedPage(s)
		if got == "" {
			return
		}
		to, err := base.Parse(got)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || to.RawQuery != "" || !strings.HasPrefix(path.Clean(to.Path)+"/", "/account/") || strings.HasPrefix(to.Path, signInPath+"/") || to.Path == signInPath {
			t.Errorf("%q leads to %v", s, to)
		}
	})
}
