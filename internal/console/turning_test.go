package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"ringfence/internal/rules"
)

// switchAddress is the page on which the rule of 2023 on breaches is about to be put in force from a day.
func switchAddress(from string) string {
	return "/rules/switch?" + url.Values{"profile": {"breach-2023"}, "from": {from}, "citation": {"91 FR 12345"}}.Encode()
}

// What a switch changes is shown before it is proposed; without the page that announced the day nothing is, and what was written stays in
// the form. Two people switch; from then on the pages say by what page and when.
//
// cite: V35, P-28, P-58, 47 CFR 64.2011
func TestAnotherRuleIsPutInForce(t *testing.T) {
	w := newWorld(t)
	one, two := w.signedIn(t, "compliance"), w.signedIn(t, "officer")
	numbers := one.get("/rules/numbers")
	numbers.says(t, "Put another rule in force", "breach-2023, not in force", "breach-2007, in force")
	numbers.lacks(t, "What was switched", "cpni-core, in force")
	w.signedIn(t, "agent").get("/rules/numbers").lacks(t, "Put another rule in force")
	w.signedIn(t, "marketing").get("/rules/switch").is(t, http.StatusForbidden)

	page := one.get(switchAddress("2027-01-04"))
	page.says(t, "From 2027-01-04 on breach-2023 is in force. The last day of breach-2007 is 2027-01-03.", "Full business days after that in which nobody else is told 7 none", "A breach is small below so many customers none 500",
		"Business days on which the desk is reminded 1, 3, 5, 6 1, 3, 5, 6", "Propose it")
	page.lacks(t, "look again", "taken back", "comes late")
	adopted := one.get(strings.Replace(switchAddress("2027-01-04"), "91+FR+12345", "89+FR+9968", 1))
	adopted.says(t, "look again", "89 FR 9968 is the page at which the rule itself was adopted")
	for _, citation := range []string{"somebody+told+me", ""} {
		hearsay := one.get(strings.Replace(switchAddress("2027-01-04"), "91+FR+12345", citation, 1))
		hearsay.says(t, "PROFILE_EVIDENCE", "Federal Register")
		hearsay.lacks(t, "Propose it", "What changes")
	}
	key := page.value("key")
	refused := one.submit("/rules/switch", "key", key, "profile", "breach-2023", "from", "2027-01-04", "citation", "somebody told me", "reason", "Heard at lunch.")
	refused.is(t, http.StatusUnprocessableEntity)
	refused.says(t, "PROFILE_EVIDENCE", "Federal Register", "Heard at lunch.")
	if !strings.Contains(refused.page, `value="somebody told me"`) {
		t.Error("what was written is not in the form any more")
	}
	past := one.get(switchAddress("2026-01-05"))
	past.says(t, "2026-01-05 is past", "The day is past, and this comes late")
	past.lacks(t, "Propose it")
	one.get(switchAddress("2026-01-05")+"&late=yes").says(t, "Why it comes late", "The last day of breach-2007 is 2026-01-04")

	one.submit("/rules/switch", "key", key, "profile", "breach-2023", "from", "2027-01-04", "citation", "91 FR 12345", "reason", "Counsel read it.").says(t, "Switch a profile", "being tried", "91 FR 12345", "2027-01-04",
		"Counsel read it.", "A breach is small below so many customers none 500")
	at := one.at
	if again := one.submit("/rules/switch", "key", key, "profile", "breach-2023", "from", "2027-01-04", "citation", "91 FR 12345", "reason", "Counsel read it."); one.at != at {
		t.Errorf("the form sent twice proposes twice: %s and %s, %s", at, one.at, again.Status)
	}
	one.get("/rules/switch").says(t, "Proposed, and not decided", "Switch a profile")
	must(t, w.Proposals.Work(context.Background()))
	two.get("/rules/numbers").says(t, "Switches that are proposed, and not decided", "waits for a second person")
	two.submit(at+"/agree", "hash", two.get(at).value("hash")).says(t, "You have agreed")
	numbers = one.get("/rules/numbers")
	numbers.says(t, "What was switched", "Counsel read it.", "until 2027-01-04", "from 2027-01-04", "announced at 91 FR 12345")
	numbers.lacks(t, "Switches that are proposed")
	moved := one.get(strings.Replace(switchAddress("2027-06-01"), "12345", "99999", 1))
	moved.says(t, "taken back", "breach-2023 was to take effect on 2027-01-04, by 91 FR 12345", "The last day of breach-2007 is 2027-05-31")
	if len(w.reports) > 0 {
		t.Errorf("reported: %v", w.reports)
	}
}

// Another rule is put in force by nothing but keys, on a wide page and a narrow one.
//
// cite: V35, P-28, P-58
func TestASwitchByKeys(t *testing.T) {
	w := newWorld(t)
	c := w.chromium(t)
	c.signIn("compliance")
	c.sees("What waits for you")
	c.goTo(switchAddress("2027-01-04"))
	c.sees("What changes", "Propose it")
	c.isSound("switch", switchAddress("2027-01-04"))
	c.tabTo("reason")
	c.press("Counsel has read the notice.")
	c.tabTo("Propose the switch")
	c.press(kb.Enter)
	c.sees("Switch a profile", "being tried", "Counsel has read the notice.")
	must(t, w.Proposals.Work(context.Background()))
	c.tabTo("Look again")
	c.press(kb.Enter)
	c.sees("waits for a second person", "Withdraw")
}

// Every number of two rules on breaches has words of its own.
//
// cite: P-28
func TestSwitchedNumbersHaveWords(t *testing.T) {
	w := newWorld(t)
	set, _ := w.Policy.Current()
	for _, r := range set.Profiles().Rows() {
		if rules.Family(r.Profile) != "breach" {
			continue
		}
		for _, n := range r.Numbers {
			name, _, _ := strings.Cut(n, ":")
			if turnedPlace(name) == len(switchedNumbers) {
				t.Errorf("%s of %s has no words", name, r.Profile)
			}
		}
	}
}
