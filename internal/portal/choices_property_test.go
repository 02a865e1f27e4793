package portal_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notice"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store/storetest"
)

// Whatever is said in the portal, in whatever order, and whatever notices and how much time go by: a use is refused exactly when
// the customer's last word about it was a no, and no page of before, link, notice or signal brings a use back.
//
// cite: P-12, P-14, I-02, I-14, I-15, 47 CFR 64.2007(a)(2)
func TestOnlyTheCustomersOwnWordLiftsARefusal(t *testing.T) {
	s := visit(t, storetest.Open(t, "memory:"))
	s.acme()
	uses := map[string]struct {
		purpose cpni.Purpose
		to      rules.Recipient
	}{"own-marketing": {cpni.OwnMarketing, theCarrier}, "other-marketing": {cpni.OtherMarketing, theCarrier}, "partner:acme-energy": {cpni.PartnerMarketing, acme}}
	scopes := []string{"own-marketing", "other-marketing", "partner:acme-energy"}
	refusable := append(slices.Clone(scopes), customer.Everything)
	rapid.Check(t, func(t *rapid.T) {
		ann := s.Customer(s.t)
		link, _ := s.letter(ann)
		s.another()
		s.signIn(ann, officetest.Password)
		plain := s.browser.Transport
		type word struct{ no, yes, back int }
		said := map[string]*word{}
		for _, x := range refusable {
			said[x] = &word{}
		}
		// A yes names classes of information and leaves the refusal of all others beside itself. Withdrawn by a later no, to this or to
		// everything, it does not come back when that no is taken back, and the refusal of before stands for all again.
		own := func(x string) bool {
			yes := said[x].yes
			if said[x].no > yes || said[customer.Everything].no > yes {
				yes = 0
			}
			return said[x].no > max(yes, said[x].back)
		}
		refused := func(x string) bool {
			all, yes := said[customer.Everything], said[x].yes
			if said[x].no > yes {
				yes = 0
			}
			return own(x) || all.no > max(all.back, yes)
		}
		stale := map[string][]string{}
		seen := time.Time{}
		keepIn := func() {
			if s.Clock.Now().Sub(seen) > 10*time.Minute && !s.in() {
				s.another()
				s.signIn(ann, officetest.Password)
				plain = s.browser.Transport
			}
			seen = s.Clock.Now()
		}
		// The signal refuses everything unless it is refused, or was last taken back under the signal.
		under := false
		hear := func(n int) {
			all := said[customer.Everything]
			if all.no <= all.back && !under {
				all.no = n
			}
		}
		for n := range rapid.IntRange(1, 14).Draw(t, "acts") {
			n++
			keepIn()
			signalled := rapid.IntRange(0, 3).Draw(t, "signal") == 0
			s.browser.Transport = plain
			if signalled {
				s.browser.Transport = signal{plain}
			}
			x := rapid.SampledFrom(refusable).Draw(t, "scope")
			act := rapid.SampledFrom([]string{"no", "yes", "back", "keep", "all", "link", "stale", "open", "notice", "wait"}).Draw(t, "act")
			if signalled && act != "link" && act != "notice" && act != "wait" && (act != "stale" || stale[x] != nil) {
				hear(n*10 - 1)
			}
			switch act {
			case "no":
				s.says(x, "no")
				said[x].no = n * 10
				under = under && x != customer.Everything
			case "all":
				s.post(choicesAt, "say", "no")
				said[customer.Everything].no, under = n*10, false
			case "yes":
				form := s.form(x)
				if x == customer.Everything {
					s.post(choicesAt+"/"+x, append(form, "say", "yes")...)
					break
				}
				stale[x] = form
				s.post(choicesAt+"/"+x, append(slices.Clone(form), "say", "yes")...)
				said[x].yes = n * 10
			case "back":
				was := said[x].no > said[x].back // also one beside which a yes stands
				s.says(x, "back")
				if was {
					said[x].back = n * 10
					if x == customer.Everything {
						under = signalled
					}
				}
			case "keep":
				s.says(x, "keep")
			case "link":
				s.post(link, "refuse", "everything")
				said[customer.Everything].no, under = n*10, false
			case "stale":
				if old := stale[x]; old != nil {
					s.post(choicesAt+"/"+x, append(slices.Clone(old), "say", "yes")...)
				}
			case "open":
				if status, _ := s.get(choicesAt); status != http.StatusOK {
					t.Fatalf("%d", status)
				}
			case "notice":
				s.noticed(notice.Spec{Kind: approval.OptOut, Ways: []string{notice.ByInsert}}, ann)
			case "wait":
				s.Time.Add(time.Duration(rapid.SampledFrom([]int{1, 40, 800}).Draw(t, "days")) * 24 * time.Hour)
			}
			s.browser.Transport = plain
			for _, x := range scopes {
				got := s.state(ann.ID, uses[x].purpose, usage, uses[x].to)
				if (got == cpni.Denied) != refused(x) {
					t.Fatalf("after %d %s of %s (signal %v): %s stands at %s, want refused %v; %s", n, act, x, signalled, x, got, refused(x), fmt.Sprint(s.events(ann.ID)))
				}
				if got == cpni.OptInOK && said[x].yes == 0 {
					t.Fatalf("%s stands at %s and nobody said yes", x, got)
				}
			}
		}
	})
}
