package office_test

import (
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A notice says where it is answered: by a link of its own where a refusal needs no sign-in, on paper by an address that can be typed,
// and for a yes where the customer signs in.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3)
func TestNoticesSayWhereTheyAreAnswered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		of := o.Customer(t).ID
		o.Messages.Enclose = nil
		for _, row := range []struct {
			kind string
			via  cpni.Via
			want string
		}{{notify.OptOutNotice, cpni.Email, office.ChoicesLink}, {notify.OptOutNotice, cpni.Postal, office.RefusePage}, {notify.OptInRequest, cpni.Email, office.ChoicesPage}, {notify.OptInRequest, cpni.Postal, office.ChoicesPage}} {
			spec := wording.Spec{Kind: row.kind, Purposes: []cpni.Purpose{cpni.OwnMarketing}, Data: wording.Everyday()}
			if row.kind == notify.OptOutNotice {
				spec.Floor = o.Approvals.Numbers(o.Clock.Now()).Wait
				spec.Wait = spec.Floor
			}
			e, err := o.Wording.Edition(spec)
			if err == nil {
				err = o.KeepEdition(t.Context(), e)
			}
			if err != nil {
				t.Fatal(err)
			}
			m := notify.Message{ID: cpni.NewID(), Kind: row.kind, Via: row.via, To: "somewhere", At: o.Clock.Now(), Edition: e.Version()}
			if row.want == office.ChoicesLink {
				row.want += o.Outbox.Token(m.ID)
			}
			p, err := o.Messages.Preview(t.Context(), of, m)
			if err != nil || !strings.Contains(p.Text, "https://account.example.net"+row.want+" ") && !strings.Contains(p.Text, "https://account.example.net"+row.want+"\n") {
				t.Errorf("%s by %s: %v: %s", row.kind, row.via, err, p.Text)
			}
			if row.kind == notify.OptInRequest && strings.Contains(p.Text, office.ChoicesLink+o.Outbox.Token(m.ID)) {
				t.Errorf("%s by %s sends who would say yes to where one can only refuse", row.kind, row.via)
			}
		}
	})
}

// The same request is one run, in whichever language it is read; another use, other information or another company is another.
//
// cite: P-36, 47 CFR 64.2008(c)(2)
func TestARequestIsOneRun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ask := func(p cpni.Purpose, data []cpni.DataClass, r ...notice.Recipient) cpni.ID {
			t.Helper()
			run, e, err := o.Request(t.Context(), p, data, r...)
			if err != nil || run.Spec.Edition != e.Version() {
				t.Fatalf("%+v, %v", run, err)
			}
			if kept, err := o.Edition(t.Context(), e.Version()); err != nil || kept == nil || kept.Version() != e.Version() {
				t.Errorf("the words are not kept: %v", err)
			}
			return run.ID
		}
		acme := notice.Recipient{ID: "acme", Name: "Acme Energy", Class: cpni.JointVenture}
		all := map[cpni.ID]bool{}
		for range 2 {
			all[ask(cpni.OwnMarketing, wording.Everyday())] = true
			all[ask(cpni.OwnMarketing, wording.Everyday()[:2])] = true
			all[ask(cpni.OtherMarketing, wording.Everyday())] = true
			all[ask(cpni.PartnerMarketing, wording.Everyday(), acme)] = true
		}
		if len(all) != 4 {
			t.Errorf("%d runs of four requests", len(all))
		}
		if named, err := o.Notices.Named(t.Context()); err != nil || named["acme"].Name != "Acme Energy" {
			t.Errorf("%v, %v", named, err)
		}
	})
}
