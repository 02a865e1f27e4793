package console

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// Every page of training and discipline fits a desk, a telephone and a screen at 200 %, in light and dark, and axe finds
// nothing to complain of; also where something is refused, and where the line about training stands.
func TestTrainingPagesAreSound(t *testing.T) {
	w := newWorld(t)
	paths := w.visitedTraining("compliance", "What somebody wrote about it, in a sentence or two.")
	c := w.chromium(t)
	look := func(paths ...string) {
		t.Helper()
		for _, path := range paths {
			c.isSound(path, path)
		}
	}
	c.takeOver(w.signedIn(t, "compliance"))
	look(paths...)
	untrained := w.signedIn(t, "agent")
	must(t, w.Discipline.Decide(t.Context(), w.caseOf(t, "agent").ID, "suspension", w.clock.Now().AddDate(0, 0, 3), "x", "test"))
	c.takeOver(untrained)
	look("/training", "/desk", customerAddress(w.ann), "/desk/contacts/"+string(w.ann))
}

// What people write, and how they and the carrier are called, is text on these pages and nothing else; no page is large.
//
// cite: P-37, I-23
func TestTrainingPayloads(t *testing.T) {
	w := newWorld(t)
	w.hostile()
	w.member(staff.Member{Login: "evil", Name: payload, Role: cpni.RoleCompliance, Trained: w.clock.Now()})
	paths := w.visitedTraining("evil", payload)
	b := w.signedIn(t, "evil")
	seen := 0
	for _, path := range paths {
		r := b.get(path).is(t, http.StatusOK)
		r.lacks(t, "<script>hit", "<img src=x", `href="javascript:`, "onerror=hit=1>")
		for _, m := range regexp.MustCompile(`<[a-z][^<>]*>`).FindAllString(r.page, -1) {
			if handlers.MatchString(m) {
				t.Errorf("%s: %s", path, m)
			}
		}
		seen += strings.Count(r.page, "&lt;script&gt;hit=1")
		if len(r.page) > 150_000 || strings.Count(r.page, "<h1") != 1 {
			t.Errorf("%s: %d bytes, %d headings", path, len(r.page), strings.Count(r.page, "<h1"))
		}
	}
	if seen < 40 {
		t.Errorf("the payload is on the pages only %d times: the test does not see what it should", seen)
	}
	c := w.chromium(t)
	c.takeOver(b)
	for _, path := range paths {
		c.goTo(path)
		if evaluate[bool](c, `typeof hit !== "undefined"`) {
			t.Errorf("%s: the script has run", path)
		}
		if over := c.wide(); over > 0 {
			t.Errorf("%s: a long word makes the page %d pixels wider than the window", path, over)
		}
	}
}
