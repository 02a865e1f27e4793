package workday

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestClosuresFile(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"good", "- {date: 2026-12-24, why: order, source: EO 1}", ""},
		{"none", "[]", ""},
		{"unknown field", "- {date: 2026-12-24, why: order, source: EO 1, days: 2}", "days"},
		{"no such date", "- {date: 2026-02-30, why: order, source: EO 1}", "2026-02-30"},
		{"no date", "- {why: order, source: EO 1}", "has no date"},
		{"no source", "- {date: 2026-12-24, why: order}", "lacks why or source"},
		{"blank reason", "- {date: 2026-12-24, why: ' ', source: EO 1}", "lacks why or source"},
		{"ends before it begins", "- {date: 2026-12-24, until: 2026-12-23, why: order, source: EO 1}", "before it begins"},
		{"much too long", "- {date: 2026-12-24, until: 2036-12-23, why: order, source: EO 1}", "more than"},
		{"twice", "- {date: 2026-12-24, until: 2026-12-26, why: a, source: b}\n- {date: 2026-12-26, why: c, source: d}", "2026-12-26 is listed as closed twice"},
		{"no list", "date: 2026-12-24", "closures.yaml"},
	} {
		_, err := Load(fstest.MapFS{"closures.yaml": {Data: []byte(c.text)}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && err == nil:
			t.Errorf("%s: taken without a word", c.name)
		case c.want != "" && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: the error %q does not say %q", c.name, err, c.want)
		}
	}
	if _, err := Load(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "closures.yaml") {
		t.Errorf("a missing file: %v", err)
	}
}

// cite: P-44, P-47
func TestVersionChangesWithTheDays(t *testing.T) {
	version := func(list ...Closure) string {
		c, err := New(list)
		if err != nil {
			t.Fatal(err)
		}
		return c.Version()
	}
	a := Closure{Date: On(2026, 12, 24), Why: "order", Source: "EO 1"}
	b := Closure{Date: On(2026, 1, 26), Why: "snow", Source: "notice"}
	if version() == version(a) || version(a) == version(b) {
		t.Error("different days have one version")
	}
	if version(a, b) != version(b, a) {
		t.Error("the order in the file changes the version")
	}
	if len(version()) != 32 {
		t.Errorf("version %q", version())
	}
}
