package office_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/accounting"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
)

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// online opens the customer's own session.
func online(t testing.TB, o *officetest.Office, of cpni.ID) cpni.ID {
	t.Helper()
	s := must[*contact.State](t)(o.OpenContact(t.Context(), contact.Opening{Customer: of, Channel: cpni.Online}))
	must[*contact.State](t)(o.Contacts.Authenticate(t.Context(), s.ID, contact.Proof{Password: officetest.Password}))
	return s.ID
}

func own(of, in cpni.ID, data ...cpni.DataClass) disclose.Request {
	return disclose.Request{Caller: disclose.Caller{Customer: true}, Customer: of, Contact: in, Data: data, Via: cpni.Screen, Months: []int{202610, 202611}}
}

// Every decision about a customer is there: who asked, by role and never by name; what, for what, for whom, by which rule and
// how it ended. What they looked at themselves on one day is told together; what is told together can be told apart.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestEveryDecisionIsTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		ann := o.Customer(t)
		agent := o.Member(t, cpni.RoleAgent)
		ask := func(a *disclose.Answer, err error) *disclose.Answer {
			t.Helper()
			o.Time.Add(time.Second) // entries of one millisecond stand in no order
			return must[*disclose.Answer](t)(a, err)
		}

		ask(o.Door.Disclose(ctx, officetest.AskCalls(agent, o.Contact(t, agent, ann.ID)))) // refused: nobody is proved
		o.Time.Add(time.Minute)
		ask(o.Door.Disclose(ctx, officetest.AskCalls(agent, o.Verified(t, agent, ann.ID))))
		o.Time.Add(time.Minute)
		in := online(t, o, ann.ID)
		for range 3 {
			ask(o.Door.Disclose(ctx, own(ann.ID, in, cpni.CallDetail)))
			o.Time.Add(time.Minute)
		}
		ask(o.Door.Disclose(ctx, own(ann.ID, in, cpni.Billing)))
		if err := o.Viewed(ctx, agent, watch.Card, ann.ID); err != nil {
			t.Fatal(err)
		}
		o.Time.Add(time.Minute)
		named := own(ann.ID, in, cpni.CallDetail)
		named.Purpose, named.To = cpni.DesigneePurpose, "designee:Tariff Analysts"
		named.Written = &disclose.WrittenRequest{Written: true, Signed: true, Names: "tariff analysts"}
		ask(o.Door.Disclose(ctx, named))
		secret := disclose.Request{Caller: disclose.Caller{Staff: o.Member(t, cpni.RoleCompliance)}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement",
			Process: &rules.Process{ID: "42", Issuer: "a court", Scope: []cpni.DataClass{cpni.CallDetail}, From: officetest.Start.AddDate(0, -1, 0), Until: officetest.Start.AddDate(0, 1, 0), ReviewedBy: "counsel"}}
		o.Door.InlineProcess = true
		told := *secret.Process
		secret.Process.Secret = true
		hidden := ask(o.Door.Disclose(ctx, secret))
		secret.Process = &told
		shown := ask(o.Door.Disclose(ctx, secret))
		if !hidden.Decision.Permit() || !shown.Decision.Permit() {
			t.Fatalf("legal process: %+v, %+v", hidden.Decision, shown.Decision)
		}
		other := o.Customer(t)
		ask(o.Door.Disclose(ctx, officetest.AskCalls(agent, o.Verified(t, agent, other.ID))))

		lines, next, err := o.Accounting.List(ctx, ann.ID, accounting.Query{})
		if err != nil || next != "" || len(lines) != 6 {
			t.Fatalf("%d lines, %q, %v: %+v", len(lines), next, err, lines)
		}
		want := []struct {
			who     accounting.Who
			purpose cpni.Purpose
			to      accounting.Recipient
			permit  bool
			rule    string
			look    string
		}{
			{accounting.Who{Kind: accounting.Staff, Role: cpni.RoleCompliance}, cpni.Legal, accounting.Recipient{Kind: cpni.ToLawEnforcement}, true, "legal-process", ""},
			{accounting.Who{Kind: accounting.You}, cpni.DesigneePurpose, accounting.Recipient{Kind: cpni.ToDesignee, Name: "Tariff Analysts"}, true, "written-request-is-obeyed", ""},
			{accounting.Who{Kind: accounting.Staff, Role: cpni.RoleAgent}, "", accounting.Recipient{Kind: cpni.ToCarrier}, true, "", watch.Card},
			{accounting.Who{Kind: accounting.You}, cpni.CustomerRequest, accounting.Recipient{Kind: cpni.ToCustomer}, true, "customer-may-ask", ""},
			{accounting.Who{Kind: accounting.Staff, Role: cpni.RoleAgent}, cpni.CustomerRequest, accounting.Recipient{Kind: cpni.ToCustomer}, true, "customer-may-ask", ""},
			{accounting.Who{Kind: accounting.Staff, Role: cpni.RoleAgent}, cpni.CustomerRequest, accounting.Recipient{Kind: cpni.ToCustomer}, false, "somebody-proved", ""},
		}
		for i, w := range want {
			l := lines[i]
			rule := ""
			if len(l.Reasons) > 0 {
				rule = l.Reasons[0].Rule
				if l.Reasons[0].Says == "" || len(l.Reasons[0].Cites) == 0 {
					t.Errorf("line %d gives no sentence and section: %+v (P-41)", i, l.Reasons)
				}
			}
			if l.Who != w.who || l.Purpose != w.purpose || l.For != w.to || l.Permit != w.permit || rule != w.rule || l.LookUp != w.look {
				t.Errorf("line %d: %+v\nwant %+v (P-41)", i, l, w)
			}
		}
		if l := lines[3]; len(l.Entries) != 4 || !slices.Equal(l.Data, []cpni.DataClass{cpni.Billing, cpni.CallDetail}) || !l.First.Before(l.At) || !slices.Equal(l.Months, []int{202610, 202611}) {
			t.Errorf("told together: %+v", l)
		}
		each, _, err := o.Accounting.List(ctx, ann.ID, accounting.Query{Each: true})
		if err != nil || len(each) != 9 {
			t.Errorf("told apart: %d, %v", len(each), err)
		}
		all, _, err := o.Accounting.List(ctx, ann.ID, accounting.Query{Each: true, All: true})
		if err != nil || len(all) != 10 || !slices.ContainsFunc(all, func(l accounting.Line) bool { return l.Entry == hidden.Entry && l.Withheld }) {
			t.Errorf("with what the law keeps: %d, %v", len(all), err)
		}
		for name, do := range map[string]func() error{
			"line":              func() error { _, err := o.Accounting.One(ctx, ann.ID, hidden.Entry); return err },
			"receipt":           func() error { _, err := o.Accounting.Receipt(ctx, ann.ID, hidden.Entry); return err },
			"another's line":    func() error { _, err := o.Accounting.One(ctx, other.ID, shown.Entry); return err },
			"another's receipt": func() error { _, err := o.Accounting.Receipt(ctx, other.ID, shown.Entry); return err },
		} {
			if err := do(); !errors.Is(err, ledger.ErrNoRecord) {
				t.Errorf("%s: %v (P-29)", name, err)
			}
		}
		// Page by page it is the same, however long a page is.
		for limit := 1; limit <= len(lines); limit++ {
			var again []cpni.ID
			for before := cpni.ID(""); ; {
				page, next, err := o.Accounting.List(ctx, ann.ID, accounting.Query{Limit: limit, Before: before})
				if err != nil || len(page) > limit {
					t.Fatalf("%d, %v", len(page), err)
				}
				for _, l := range page {
					again = append(again, l.Entries...)
				}
				if before = next; next == "" {
					break
				}
			}
			if len(again) != 9 || !slices.IsSortedFunc(again, func(a, b cpni.ID) int { return strings.Compare(string(b), string(a)) }) {
				t.Errorf("in pages of %d: %v", limit, again)
			}
		}
	})
}

// What the customer did on another day, or with somebody else in between, is told apart.
func TestTogetherOnlyOnOneDay(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	ann, agent := o.Customer(t), o.Member(t, cpni.RoleAgent)
	look := func() {
		t.Helper()
		must[*disclose.Answer](t)(o.Door.Disclose(t.Context(), own(ann.ID, online(t, o, ann.ID), cpni.Billing)))
		o.Time.Add(time.Second)
	}
	look()
	look()
	must[*disclose.Answer](t)(o.Door.Disclose(t.Context(), officetest.AskCalls(agent, o.Verified(t, agent, ann.ID))))
	o.Time.Add(time.Second)
	look()
	o.Time.Add(14 * time.Hour) // the next day in the carrier's zone
	look()
	lines, _, err := o.Accounting.List(t.Context(), ann.ID, accounting.Query{})
	var sizes []int
	for _, l := range lines {
		sizes = append(sizes, len(l.Entries))
	}
	if err != nil || !slices.Equal(sizes, []int{1, 1, 1, 2}) {
		t.Errorf("%v, %v", sizes, err)
	}
}

// The receipt of a line holds for a stranger, with code that is not ours, and one byte of it that is another makes it none.
//
// cite: P-41
func TestReceiptOfALine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ann := o.Customer(t)
		a := must[*disclose.Answer](t)(o.Door.Disclose(t.Context(), own(ann.ID, online(t, o, ann.ID), cpni.CallDetail)))
		if err := o.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		f := must[ledger.ReceiptFile](t)(o.Accounting.Receipt(t.Context(), ann.ID, a.Entry))
		v := must[note.Verifier](t)(note.NewVerifier(o.Ledger.VerifierKey()))
		policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(officetest.Origin), torchwood.SingleVerifierPolicy(v))
		if err := torchwood.VerifyProof(policy, tlog.RecordHash([]byte(f.Leaf)), []byte(f.Proof)); err != nil {
			t.Error(err)
		}
		file := must[[]byte](t)(f.Bytes())
		r := must[ledger.VerifiedReceipt](t)(ledger.VerifyReceipt(bytes.NewReader(file), o.Ledger.VerifierKey()))
		rec := must[disclose.Record](t)(disclose.DecodeRecord(r.Record))
		if r.Leaf.ID != a.Entry || rec.Customer != ann.ID || rec.Salt == "" || rec.Decision.Outcome != cpni.Permit || len(rec.Facts.Contact.Evidence) == 0 {
			t.Errorf("%+v", rec)
		}
		for i := 0; i < len(file); i += 7 {
			other := bytes.Clone(file)
			other[i] ^= 1
			if _, err := ledger.VerifyReceipt(bytes.NewReader(other), o.Ledger.VerifierKey()); !errors.Is(err, ledger.ErrReceipt) {
				t.Fatalf("byte %d is another: %v", i, err)
			}
		}
		closed := must[ledger.ReceiptFile](t)(o.Accounting.Closed(t.Context(), ann.ID, a.Entry))
		if closed.Record != "" || closed.Leaf != f.Leaf {
			t.Errorf("%+v", closed)
		}
	})
}

// What is held is counted without a receipt, and so without anything being opened: nothing is put on record by it.
//
// cite: P-06, P-41
func TestHoldings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		ann := o.Customer(t, func(p *customer.Profile) {
			p.Lines[0].Listed = true
			p.Authorised = []customer.Authorised{{Name: "Bob Archer", Data: []cpni.DataClass{cpni.Billing}}}
		})
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			return errors.Join(o.Vault.PutItem(ctx, tx, ann.ID, vault.Item{Class: cpni.Billing, Period: 202609, Values: map[string]string{"total": "12"}}),
				o.Vault.PutItem(ctx, tx, ann.ID, vault.Item{Class: cpni.Billing, Period: 202611, Values: map[string]string{"total": "13"}}),
				o.Vault.PutItem(ctx, tx, ann.ID, vault.Item{Class: cpni.Service, Line: 1, Values: map[string]string{"plan": "basic"}}))
		}); err != nil {
			t.Fatal(err)
		}
		before := must[[]ledger.Row](t)(o.Ledger.Records(ctx, ann.ID, ledger.Filter{}))
		h := must[*accounting.Holdings](t)(o.Accounting.Holdings(ctx, ann.ID))
		after := must[[]ledger.Row](t)(o.Ledger.Records(ctx, ann.ID, ledger.Filter{}))
		got := map[cpni.DataClass]accounting.Held{}
		for _, c := range h.Classes {
			got[c.Class] = c
		}
		for class, want := range map[cpni.DataClass][3]int{cpni.CallDetail: {202610, 202611, officetest.Calls}, cpni.Billing: {202609, 202611, 2}, cpni.Service: {0, 0, 1}, cpni.Usage: {}, cpni.Location: {}, cpni.Listing: {0, 0, 1}} {
			if c := got[class]; [3]int{c.First, c.Last, c.Count} != want {
				t.Errorf("%s: %+v, want %v", class, c, want)
			}
		}
		if may := got[cpni.Billing].May; !slices.Equal(may, []string{"Bob Archer"}) || got[cpni.CallDetail].May != nil {
			t.Errorf("who may see: %v", may)
		}
		if h.Kept.Disclosures < 12 || h.Kept.Approvals < 12 || h.Kept.Notices < 12 || h.Records.N == 0 || h.Records.Since.IsZero() {
			t.Errorf("%+v", h)
		}
		if len(after) != len(before) {
			t.Errorf("counting left %d entries", len(after)-len(before))
		}
	})
}

// Every sentence of the built-in rules is there in Spanish, and a sentence that a carrier has written is not passed off as if
// it were.
func TestSpanishOfRules(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	set, _ := o.Policy.Current()
	for _, r := range set.Rules() {
		if strings.HasPrefix(r.ID, "right-") || r.ID == "suspended-may-nothing" || r.ID == "keepers-see-no-customers" {
			continue // about what the staff may do besides, on which no line of the accounting rests
		}
		if _, ok := accounting.Spanish(r.Says); !ok {
			t.Errorf("%s has no Spanish: %q", r.ID, r.Says)
		}
	}
	if _, ok := accounting.Spanish("A sentence of nobody's."); ok {
		t.Error("a sentence that is nobody's has Spanish")
	}
}
