package partners_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

const key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

// What lets a partner have more takes two people; what narrows does not.
//
// cite: P-15, P-35, P-37, P-41
func TestWhatWidens(t *testing.T) {
	now := officetest.Start
	base := partner.Partner{ID: "acme", Class: cpni.JointVenture, Key: key, Serves: []cpni.ID{"a"},
		Agreement: &partner.Agreement{From: now, Until: now.AddDate(1, 0, 0), DestroyBy: now.AddDate(1, 1, 0), DestroyDays: 30, Purposes: []cpni.Purpose{cpni.PartnerMarketing, cpni.BillingPurpose}}}
	for what, row := range map[string]struct {
		change func(p *partner.Partner, a *partner.Agreement)
		widens bool
	}{
		"nothing":               {func(*partner.Partner, *partner.Agreement) {}, false},
		"a looser class":        {func(p *partner.Partner, _ *partner.Agreement) { p.Class = cpni.Agent }, true},
		"a class as strict":     {func(p *partner.Partner, _ *partner.Agreement) { p.Class = "" }, false},
		"another key":           {func(p *partner.Partner, _ *partner.Agreement) { p.Key = key[:len(key)-1] }, true},
		"no key":                {func(p *partner.Partner, _ *partner.Agreement) { p.Key = "" }, false},
		"another webhook":       {func(p *partner.Partner, _ *partner.Agreement) { p.Webhook = "https://acme.example/x" }, false},
		"serves one more":       {func(p *partner.Partner, _ *partner.Agreement) { p.Serves = []cpni.ID{"a", "b"} }, true},
		"serves all":            {func(p *partner.Partner, _ *partner.Agreement) { p.ServesAll = true }, true},
		"serves none":           {func(p *partner.Partner, _ *partner.Agreement) { p.Serves = nil }, false},
		"longer":                {func(_ *partner.Partner, a *partner.Agreement) { a.Until = a.Until.Add(time.Hour) }, true},
		"shorter":               {func(_ *partner.Partner, a *partner.Agreement) { a.Until = a.Until.Add(-time.Hour) }, false},
		"earlier":               {func(_ *partner.Partner, a *partner.Agreement) { a.From = time.Time{} }, true},
		"kept longer":           {func(_ *partner.Partner, a *partner.Agreement) { a.DestroyBy = a.DestroyBy.Add(time.Hour) }, true},
		"kept more days":        {func(_ *partner.Partner, a *partner.Agreement) { a.DestroyDays++ }, true},
		"kept without days":     {func(_ *partner.Partner, a *partner.Agreement) { a.DestroyDays = 0 }, true},
		"said to be destroyed":  {func(_ *partner.Partner, a *partner.Agreement) { a.DestroyProof = true }, true},
		"one more purpose":      {func(_ *partner.Partner, a *partner.Agreement) { a.Purposes = append(a.Purposes, cpni.Protect) }, true},
		"purposes not named":    {func(_ *partner.Partner, a *partner.Agreement) { a.Purposes = nil }, true},
		"one purpose less":      {func(_ *partner.Partner, a *partner.Agreement) { a.Purposes = a.Purposes[:1] }, false},
		"no agreement any more": {func(p *partner.Partner, _ *partner.Agreement) { p.Agreement = nil }, false},
	} {
		after := base
		a := *base.Agreement
		a.Purposes = append([]cpni.Purpose{}, a.Purposes...)
		after.Agreement = &a
		row.change(&after, &a)
		if got := partner.Widens(&base, after); (len(got) > 0) != row.widens {
			t.Errorf("%s: %q", what, got)
		}
	}
	if len(partner.Widens(nil, base)) == 0 || len(partner.Widens(nil, partner.Partner{ID: "x", Class: cpni.JointVenture})) != 0 {
		t.Error("a new partner is judged by what it may get")
	}
}

// What cannot be is refused; a secret key is, and a webhook that others could read on its way.
//
// cite: P-35, P-41
func TestPartnersThatAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		until := o.Clock.Now().AddDate(1, 0, 0)
		for what, p := range map[string]partner.Partner{
			"a secret key":        {Key: "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"},
			"an open webhook":     {Webhook: "http://acme.example/x"},
			"a webhook with name": {Webhook: "https://me:word@acme.example/x"},
			"an unknown purpose":  {Agreement: &partner.Agreement{Until: until, Purposes: []cpni.Purpose{"fun"}}},
			"ends at its begin":   {Agreement: &partner.Agreement{From: until, Until: until}},
			"days below none":     {Agreement: &partner.Agreement{Until: until, DestroyDays: -1}},
		} {
			p.ID = "acme"
			var refusal *cpni.Refusal
			if err := o.Partners.Put(t.Context(), "test", p); !errors.As(err, &refusal) || refusal.Code != "CONFIG" {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, _, err := o.Partners.Get(t.Context(), "acme"); !errors.Is(err, partner.ErrNoPartner) {
			t.Errorf("something was kept: %v", err)
		}
	})
}

// A partner's key holds until it is revoked or its time is over; whom to speak to and the secret lie sealed.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func TestKeysOfPartners(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		if err := o.Partners.Put(ctx, "test", partner.Partner{ID: "acme", Key: key}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Partners.NewKey(ctx, "nobody", "host", time.Hour, "test"); !errors.Is(err, partner.ErrNoPartner) {
			t.Errorf("%v", err)
		}
		one, err := o.Partners.NewKey(ctx, "acme", "host", time.Hour, "test")
		if err != nil {
			t.Fatal(err)
		}
		two, err := o.Partners.NewKey(ctx, "acme", "spare", 2*time.Hour, "test")
		if err != nil {
			t.Fatal(err)
		}
		k, err := o.Partners.KeyOf(ctx, one)
		if err != nil || k.Partner != "acme" || k.Name != "host" {
			t.Errorf("%+v: %v", k, err)
		}
		for _, wrong := range []string{"", one + "x", strings.Replace(one, "rfpartner_", "rfk_", 1)} {
			if _, err := o.Partners.KeyOf(ctx, wrong); !errors.Is(err, partner.ErrNoKey) {
				t.Errorf("%v", err)
			}
		}
		if err := o.Partners.RevokeKey(ctx, "others", k.ID, "test"); !errors.Is(err, partner.ErrUnknownKey) {
			t.Errorf("%v", err)
		}
		if err := o.Partners.RevokeKey(ctx, "acme", k.ID, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Partners.KeyOf(ctx, one); !errors.Is(err, partner.ErrNoKey) {
			t.Errorf("revoked: %v", err)
		}
		o.Time.Add(2 * time.Hour)
		if _, err := o.Partners.KeyOf(ctx, two); !errors.Is(err, partner.ErrNoKey) {
			t.Errorf("lapsed: %v", err)
		}
		c := partner.Contact{Name: "Pat Printer", Email: "pat@acme.example"}
		if err := o.Partners.SetContact(ctx, "acme", c, "test"); err != nil {
			t.Fatal(err)
		}
		secret, err := o.Partners.NewSecret(ctx, "acme", "test")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Partners.Put(ctx, "test", partner.Partner{ID: "acme"}); err != nil { // the document changes, and what is sealed stays
			t.Fatal(err)
		}
		kept, err := o.Partners.Contact(ctx, "acme")
		s, failed := o.Partners.Secret(ctx, "acme")
		if err != nil || failed != nil || kept != c || s != secret {
			t.Errorf("%+v: %v, %v", kept, err, failed)
		}
		var document, sealed string
		if err := o.DB.Reader().QueryRow(ctx, "SELECT document, sealed FROM partner WHERE partner_id = 'acme'").Scan(&document, &sealed); err != nil || strings.Contains(document+sealed, "Pat") {
			t.Errorf("in the clear: %q, %v", document, err)
		}
	})
}
