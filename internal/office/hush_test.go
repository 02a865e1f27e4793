package office_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/breach"
	"ringfence/internal/campaign"
	"ringfence/internal/complaint"
	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// While an incident is held, nothing that speaks of it goes on by any path on which somebody writes for customers or the public. What says
// nothing of it goes on, and so does what was agreed to before.
//
// cite: P-47, I-08, 47 CFR 64.2011(a)
func TestNothingSpeaksOfWhatIsHeld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o, ctx := officetest.OpenPublic(t, db, examplePublic), t.Context()
		ann := o.Customer(t)
		mia, sue, cora := o.Member(t, cpni.RoleMarketing), o.Member(t, cpni.RoleSupervisor), o.Member(t, cpni.RoleCompliance)
		admin := o.Member(t, cpni.RoleOfficer)
		today := workday.DateIn(o.Clock.Now(), officetest.Zone)
		plan := func(text string) campaign.Plan {
			return campaign.Plan{Name: "Far calls", Description: "Long distance for those who have none", Kind: campaign.Marketing, Purpose: cpni.OwnMarketing, Uses: []cpni.DataClass{cpni.Usage}, Products: []campaign.Product{{Name: "Far Calls", Category: cpni.LongDistance}},
				To: string(cpni.ToCarrier), Channel: campaign.ByEmail, Starts: today, Ends: today.Add(30), Scripts: map[string]campaign.Script{
					"en": {Subject: "Calls to everywhere", Text: text, Short: "Call everywhere."}, "es": {Subject: "Llamadas a todas partes", Text: "Su línea llama a todas partes.", Short: "Llame a todas partes."}}}
		}
		draft := func(text string) *campaign.Campaign {
			t.Helper()
			return must[*campaign.Campaign](t)(o.Campaigns.Draft(ctx, "", plan(text), mia))
		}
		submitted := func(text string) *campaign.Campaign {
			t.Helper()
			c := draft(text)
			return must[*campaign.Campaign](t)(o.Campaigns.Submit(ctx, c.ID, c.Version, mia))
		}
		file := func() *complaint.Complaint {
			t.Helper()
			c := must[*complaint.Complaint](t)(o.Complaints.File(ctx, complaint.Filing{ID: cpni.NewID(), Customer: ann.ID, Category: complaint.Other, Text: "What happened?"}))
			return must[*complaint.Complaint](t)(o.Complaints.Take(ctx, ann.ID, c.ID, cora))
		}
		edition := func(says string) *wording.Edition {
			t.Helper()
			return must[*wording.Edition](t)(o.Wording.Edition(wording.Spec{Kind: notify.OptInRequest, Purposes: []cpni.Purpose{cpni.PartnerMarketing}, Data: wording.Everyday(), Floor: 30,
				Recipients: []wording.Recipient{{ID: "acme-energy", Name: says, Class: cpni.JointVenture}}}))
		}
		rule := func(says string) map[string][]byte {
			return map[string][]byte{"rules/91-more.cedar": []byte("@id(\"more\")\n@clause(\"P-16\")\n@cite(\"47 CFR 64.2010(a)\")\n@code(\"FORBIDDEN\")\n@says(\"" + says + "\")\nforbid (principal, action, resource) when { context.purpose == \"win-back\" };\n")}
		}
		public := func(says string) []byte {
			return bytes.Replace(bytes.Replace(o.PublicText(), []byte(`version: "2026-11"`), []byte(`version: "2026-12"`), 1), []byte("  es: Cómo trata {carrier} la información"), []byte("  es: "+says+". Cómo trata {carrier} la información"), 1)
		}
		const clean, breached = "Your line calls everywhere", "Your line is safe after the data breach"
		before, waiting := submitted("Security incidents end with our new plan."), submitted("After the breach, a gift.")
		before = must[*campaign.Campaign](t)(o.Campaigns.Approve(ctx, before.ID, before.Version, sue, ""))
		o.Time.Add(time.Second)
		b := breachOf(t, o, false, ann.ID)
		number := b.one().Number

		tries := []struct {
			name string
			path breach.Path
			try  func(says string) error
		}{
			{"a campaign that is submitted", breach.CampaignScript, func(says string) error {
				c := draft(says)
				_, err := o.Campaigns.Submit(ctx, c.ID, c.Version, mia)
				return err
			}},
			{"an answer to a report", breach.ReportAnswer, func(says string) error {
				_, err := o.Complaints.Reply(ctx, ann.ID, file().ID, cora, says)
				return err
			}},
			{"the words of a notice", breach.NoticeWords, func(says string) error { return o.KeepEdition(ctx, edition(says)) }},
			{"a notice that is proposed", breach.NoticeWords, func(says string) error {
				s := notice.Spec{Kind: approval.OptIn, Ways: []string{notice.ByPostal}, Purposes: []cpni.Purpose{cpni.PartnerMarketing}, Recipients: []notice.Recipient{{ID: "acme-energy", Name: says, Class: cpni.JointVenture}}}
				_, err := o.ProposeNotice(ctx, "", s, notice.Launch{Title: "Yearly", Audience: notice.Audience{Who: notice.Everyone}}, sue)
				return err
			}},
			{"a sentence of the public policy", breach.PublicPolicy, func(says string) error {
				_, err := o.ProposePublish(ctx, "", public(says), today.Add(3).String(), cora)
				return err
			}},
			{"the reason of a rule", breach.RuleReasons, func(says string) error {
				_, err := o.ProposePolicy(ctx, "", rule(says), admin)
				return err
			}},
			{"the statement of a certificate", breach.Certificate, func(says string) error {
				_, err := o.Certificates.Amend(ctx, o.Clock.Now().Year(), certificate.Act{By: admin}, certificate.Fields{Own: says})
				return err
			}},
		}
		var seen []breach.Path
		for _, x := range tries {
			seen = append(seen, x.path)
			n, refused := alertsOf(t, o, breach.HoldTried), len(b.one().All(breach.Refused))
			for _, says := range []string{breached, "Su línea está segura tras la FILTRACION de datos", "Case " + number, "We have sold-call lists no more", "Nobody was hácked"} {
				err := x.try(says)
				if code(err) != breach.Held {
					t.Errorf("%s: %q is taken: %v", x.name, says, err)
					continue
				}
				r := refusedWith(t, err, breach.Held)
				if !strings.Contains(strings.Join(r.Next, " "), "compliance") || !strings.Contains(r.Says, "before 2026-12-") {
					t.Errorf("%s: whoever wrote it is told %q, %q", x.name, r.Says, r.Next)
				}
			}
			if got := alertsOf(t, o, breach.HoldTried) - n; got != 5 {
				t.Errorf("%s: %d alerts, want 5", x.name, got)
			}
			if got := b.one().All(breach.Refused)[refused:]; len(got) != 5 || got[0].Reason != string(x.path) || got[0].Code != breach.Held {
				t.Errorf("%s: on record are %+v", x.name, got)
			}
			if err := x.try(clean); code(err) == breach.Held {
				t.Errorf("%s: what says nothing of it is refused: %v", x.name, err)
			}
		}
		for _, p := range breach.Paths {
			if !slices.Contains(seen, p) {
				t.Errorf("nobody tries %s: a path that is added is tried here", p)
			}
		}
		// What was not agreed to before is looked at again whenever it goes on; what was, goes on.
		_, err := o.Campaigns.Approve(ctx, waiting.ID, waiting.Version, sue, "")
		refusedWith(t, err, breach.Held)
		must[*campaign.Campaign](t)(o.Campaigns.Launch(ctx, before.ID, before.Version, mia))
		b.free()
		for _, x := range tries {
			if err := x.try(breached); code(err) == breach.Held {
				t.Errorf("%s is refused after the hold: %v", x.name, err)
			}
		}
	})
}

// A new place for people's words in a message, and a new kind of thing that two people do, has to say here whether it can speak to customers.
//
// cite: P-47, I-08
func TestPathsToCustomersAreKnown(t *testing.T) {
	words := map[string]breach.Path{"offer-subject": breach.CampaignScript, "offer": breach.CampaignScript, "offer-short": breach.CampaignScript,
		"incident-what": "", "incident-done": "", "incident-advice": "", "incident-short": "", // told when the hold is over, and not before
		"name": "", // the customer's own
	}
	for _, name := range wording.Written() {
		if _, ok := words[name]; !ok {
			t.Errorf("people write what stands for {%s}: say by which path, and have it ask Hush", name)
		}
	}
	acts := map[countersign.Kind]breach.Path{countersign.Forget: "", countersign.Rotate: "", countersign.Switch: "", countersign.Partner: "", countersign.Destroy: "", countersign.Erase: "", countersign.Evidence: "",
		countersign.Policy: breach.RuleReasons, countersign.Notice: breach.NoticeWords, countersign.Publish: breach.PublicPolicy}
	for _, k := range countersign.Kinds {
		if _, ok := acts[k]; !ok {
			t.Errorf("two people do %s: say by which path it speaks to customers, and have it ask Hush", k)
		}
	}
}
