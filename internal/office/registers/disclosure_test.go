package registers_test

import (
	"slices"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/office/officetest"
	"ringfence/internal/register"
)

func entries(all []register.Disclosure) []cpni.ID {
	ids := make([]cpni.ID, len(all))
	for i, d := range all {
		ids[i] = d.Entry
	}
	return ids
}

// Whatever a third party received stands on the register once, with who, what, why and by which rule; what the customer or the
// carrier itself received, and what was refused, does not.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestEveryDisclosureIsOnTheRegister(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		ann, bob := w.Customer(t), w.Customer(t)
		w.partner("biller", cpni.Agent, officetest.Start.AddDate(2, 0, 0))
		want := []cpni.ID{
			w.ask(w.order("CV 26-17", ann.ID, false)).Entry,
			w.ask(w.toDesignee(bob, "Tariff Analysts")).Entry,
		}
		w.ask(officetest.AskCalls(w.agent, w.Verified(t, w.agent, ann.ID))) // the customer themselves
		refused, err := w.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Staff: w.agent}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.PartnerMarketing, To: "biller", Via: cpni.File})
		w.must(err)
		if refused.Decision.Permit() {
			t.Fatal("that was to be refused")
		}
		w.Time.Add(time.Second)
		emergency, err := w.Door.Emergency(ctx, disclose.Claim{ID: cpni.NewID(), Customer: ann.ID, Staff: w.agent, To: "psap", Kind: "911-call", Caller: "psap", Callback: "+12025550911"})
		w.must(err)
		if !emergency.Decision.Permit() {
			t.Fatalf("the emergency: %+v", emergency.Decision)
		}
		want = append(want, emergency.Entry)
		want = append(want, w.ask(disclose.Request{Caller: disclose.Caller{Staff: w.Member(t, cpni.RoleBilling)}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Billing}, Purpose: cpni.BillingPurpose, To: "biller", Via: cpni.File}).Entry)
		slices.Reverse(want)

		if page, err := w.Registers.Disclosed(ctx, register.Query{}); err != nil || len(page.Lines) > 0 && page.Size == 0 {
			t.Fatalf("before anything is signed: %+v, %v", page, err)
		}
		w.signed()
		page, err := w.Registers.Disclosed(ctx, register.Query{})
		w.must(err)
		if got := entries(page.Lines); !slices.Equal(got, want) || page.Next != (register.Cursor{}) {
			t.Fatalf("%v stand there, and not %v (P-41)", got, want)
		}
		vendor, claim, named, court := page.Lines[0], page.Lines[1], page.Lines[2], page.Lines[3]
		switch {
		case court.To.Kind != cpni.ToLawEnforcement || court.Basis != (register.Basis{Kind: register.ByProcess, ID: "CV 26-17", Issuer: "a district court", Reviewer: "counsel"}) || !slices.Contains(court.Rules, "legal-process"):
			t.Errorf("the court: %+v", court)
		case named.To.Name != "Tariff Analysts" || named.Basis.Kind != register.ByRequest || !slices.Equal(named.Months, []int{202610, 202611}):
			t.Errorf("the designee: %+v", named)
		case claim.Basis.Kind != register.ByEmergency || claim.To.Kind != cpni.ToPSAP || claim.Data[0] != cpni.Location:
			t.Errorf("the emergency: %+v", claim)
		case vendor.To.Partner != "biller" || vendor.To.Name != "The biller company" || vendor.File == nil || vendor.File.State != register.Kept || !vendor.DestroyBy.Equal(officetest.Start.AddDate(2, 0, 0)):
			t.Errorf("the vendor: %+v", vendor)
		case len(court.Cites) == 0 || court.Customer != ann.ID || court.Actor != string(w.compliance) || court.Seq < 0:
			t.Errorf("the line of the court: %+v", court)
		}
		w.Time.Add(3 * 365 * 24 * time.Hour)
		one, err := w.Registers.One(ctx, w.compliance, ann.ID, vendor.Entry)
		w.must(err)
		if one.File.State != register.Overdue || !one.Over {
			t.Errorf("years later: %+v, %+v", one, one.File)
		}
		if _, err := w.Registers.One(ctx, w.compliance, ann.ID, refused.Entry); err == nil {
			t.Error("a refusal stands on the register")
		}
	})
}

// A register is found by time, recipient, name, purpose, customer and number, each alone and with others.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestSearchTheRegister(t *testing.T) {
	each(t, func(w *world) {
		ann, bob := w.Customer(t), w.Customer(t)
		first := w.ask(w.order("CV 26-17", ann.ID, false)).Entry
		w.Time.Add(48 * time.Hour)
		second := w.ask(w.toDesignee(bob, "Tariff Analysts")).Entry
		w.Time.Add(48 * time.Hour)
		third := w.ask(w.order("CV 26-99", bob.ID, true)).Entry
		w.signed()
		day := 24 * time.Hour
		for _, c := range []struct {
			name string
			q    register.Query
			want []cpni.ID
		}{
			{"everything", register.Query{}, []cpni.ID{third, second, first}},
			{"from", register.Query{From: officetest.Start.Add(day)}, []cpni.ID{third, second}},
			{"before", register.Query{To: officetest.Start.Add(day)}, []cpni.ID{first}},
			{"between", register.Query{From: officetest.Start.Add(day), To: officetest.Start.Add(3 * day)}, []cpni.ID{second}},
			{"recipient", register.Query{Recipient: "law-enforcement"}, []cpni.ID{third, first}},
			{"name", register.Query{Named: " tariff  ANALYSTS"}, []cpni.ID{second}},
			{"purpose", register.Query{Purpose: cpni.Legal}, []cpni.ID{third, first}},
			{"customer", register.Query{Customer: bob.ID}, []cpni.ID{third, second}},
			{"number", register.Query{Matter: "cv 26-17"}, []cpni.ID{first}},
			{"both", register.Query{Customer: bob.ID, Purpose: cpni.Legal}, []cpni.ID{third}},
			{"none", register.Query{Customer: ann.ID, Purpose: cpni.DesigneePurpose}, []cpni.ID{}},
			{"a text without campaigns", register.Query{Text: "summer"}, []cpni.ID{}},
			{"one a page", register.Query{Limit: 1}, []cpni.ID{third}},
		} {
			page, err := w.Registers.Disclosed(t.Context(), c.q)
			if got := entries(page.Lines); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, %v; want %v (P-41)", c.name, got, err, c.want)
			}
		}
		for _, q := range []register.Query{{Purpose: "whim"}, {Customer: "x"}, {From: officetest.Start, To: officetest.Start}, {Text: string(make([]byte, 300))}} {
			if _, err := w.Registers.Disclosed(t.Context(), q); err == nil {
				t.Errorf("%+v was taken", q)
			}
		}
		w.must(w.Registers.Remake(t.Context()))
		if page, err := w.Registers.Disclosed(t.Context(), register.Query{}); err != nil || !slices.Equal(entries(page.Lines), []cpni.ID{third, second, first}) {
			t.Errorf("made again: %v, %v", entries(page.Lines), err)
		}
	})
}

// Of a customer who was forgotten the line stays, with what the entry itself says, and names nobody.
//
// cite: P-41, I-21
func TestTheForgottenStayOnTheRegister(t *testing.T) {
	each(t, func(w *world) {
		ann := w.Customer(t)
		entry := w.ask(w.toDesignee(ann, "Tariff Analysts")).Entry
		w.signed()
		if _, err := w.Registers.Disclosed(t.Context(), register.Query{}); err != nil {
			t.Fatal(err)
		}
		w.must(w.Customers.Forget(t.Context(), ann.ID, "test"))
		w.signed()
		w.must(w.Registers.Remake(t.Context()))
		page, err := w.Registers.Disclosed(t.Context(), register.Query{})
		w.must(err)
		if len(page.Lines) != 1 || page.Lines[0].Entry != entry || !page.Lines[0].Unreadable || page.Lines[0].To != (register.Recipient{Kind: cpni.ToDesignee}) || page.Lines[0].Purpose != cpni.DesigneePurpose {
			t.Errorf("%+v", page.Lines)
		}
	})
}
