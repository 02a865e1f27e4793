package console

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/process"
	"ringfence/internal/register"
	"ringfence/internal/rules"
)

// withRegisters is a world in which things were given to third parties, and campaigns and process are on their registers.
func withRegisters(t *testing.T) (w *world, entries []cpni.ID) {
	t.Helper()
	w = newWorld(t)
	ctx := t.Context()
	must(t, w.Partners.Put(ctx, "test", partner.Partner{ID: "printers", Name: "Fine Printers", Class: cpni.Agent, Agreement: &partner.Agreement{Until: w.clock.Now().AddDate(1, 0, 0), DestroyBy: w.clock.Now().AddDate(1, 1, 0)}}))
	ask := func(r disclose.Request) {
		t.Helper()
		a, err := w.Door.Disclose(ctx, r)
		must(t, err)
		if !a.Decision.Permit() {
			t.Fatalf("refused: %+v", a.Decision)
		}
		entries = append(entries, a.Entry)
	}
	now := w.clock.Now()
	order, err := w.Processes.File(ctx, process.Filing{By: w.people["compliance"], Kind: "court-order", Number: "CV 26-17", Issuer: "a district court", Officer: "Special Agent Doe", Address: "9 Pine Road, Springfield, VA 22150", Issued: now.AddDate(0, 0, -3), Received: now.AddDate(0, 0, -2), Until: now.AddDate(1, 0, 0),
		About: []string{string(w.ann)}, Data: []cpni.DataClass{cpni.CallDetail}, AskedFrom: time.Date(2026, 2, 1, 0, 0, 0, 0, w.Zone), AskedUntil: time.Date(2026, 3, 1, 0, 0, 0, 0, w.Zone), Scan: []byte("%PDF-1.7 a paper")})
	must(t, err)
	_, err = w.Processes.Review(ctx, order.ID, process.Verdict{By: w.people["officer"], Version: order.Version, Approve: true, Scope: order.Asked})
	must(t, err)
	ask(disclose.Request{Caller: disclose.Caller{Staff: w.people["compliance"]}, Customer: w.ann, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File, Months: []int{202602}, Process: &rules.Process{ID: string(order.ID)}})
	ask(disclose.Request{Caller: disclose.Caller{Staff: w.people["billing"]}, Customer: w.ann, Data: []cpni.DataClass{cpni.Billing}, Purpose: cpni.BillingPurpose, To: "printers", Via: cpni.File, Months: []int{202602}})
	s, err := w.OpenContact(ctx, contact.Opening{Customer: w.ann, Channel: cpni.Phone, Agent: w.people["agent"]})
	must(t, err)
	_, err = w.Contacts.Authenticate(ctx, s.ID, contact.Proof{Password: annPassword})
	must(t, err)
	ask(disclose.Request{Caller: disclose.Caller{Staff: w.people["agent"]}, Customer: w.ann, Contact: s.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.DesigneePurpose, Via: cpni.Screen, To: "designee:Tariff Analysts",
		Written: &disclose.WrittenRequest{Written: true, Signed: true, Names: "Tariff Analysts"}})
	summer := cpni.NewTimedID(w.clock.Now())
	w.Registers.Campaigns = register.SourceFunc[register.Campaign](func(context.Context) ([]register.Campaign, error) {
		return []register.Campaign{{ID: summer, At: time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC), Title: "Summer lines", Description: "A second line at half the price for those who have one.", Whose: "carrier", State: "launched", Purpose: cpni.OwnMarketing,
			Data: []cpni.DataClass{cpni.Service, cpni.Usage}, Products: []string{"Second line (local)"}, Recipients: []string{"carrier"}, Channel: "email", From: time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC), Until: time.Date(2026, 4, 1, 4, 0, 0, 0, time.UTC),
			Audience: "Everybody who has one line.", By: w.people["marketing"], Reviews: []register.Review{{By: w.people["supervisor"], At: time.Date(2026, 3, 1, 18, 0, 0, 0, time.UTC), Verdict: "approved"}}, Included: 1200, Excluded: 345, Sent: 1190}}, nil
	})
	w.Registers.Processes = register.SourceFunc[register.Process](func(context.Context) ([]register.Process, error) {
		return []register.Process{{ID: order.ID, At: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC), Kind: "court order", Number: "CV 26-17", Issuer: "a district court", Received: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC),
			From: time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC), Until: time.Date(2027, 3, 1, 5, 0, 0, 0, time.UTC), Since: time.Date(2026, 2, 1, 5, 0, 0, 0, time.UTC), Before: time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC), Scope: []cpni.DataClass{cpni.CallDetail}, Reviewer: w.people["officer"], Reviewed: time.Date(2026, 3, 3, 15, 0, 0, 0, time.UTC), State: "answered"}}, nil
	})
	must(t, w.Ledger.Sequence(ctx))
	slices.Reverse(entries)
	return w, entries
}

// The registers are there for compliance, officers and auditors, and that of campaigns for marketing too; a line leads to its proof. What
// is asked for stands in no address, and that somebody looks is on record.
//
// cite: P-37, P-40, P-41, I-23, 47 CFR 64.2009(c)
func TestTheRegistersAtTheDesk(t *testing.T) {
	w, entries := withRegisters(t)
	b := w.signedIn(t, "compliance")
	b.get("/registers").says(t, "Campaigns", "Disclosures to third parties", "Legal process", "24 months")
	all := b.get("/registers/disclosures")
	all.says(t, "A person whom the customer has named", "Tariff Analysts", "Fine Printers", "to be destroyed", "Law enforcement", "of a district court", "as of the checkpoint of")
	found := b.submit("/registers/disclosures", "named", "tariff analysts", "from", "2026-03-01")
	found.says(t, "Tariff Analysts", `named "tariff analysts"`)
	found.lacks(t, "To be destroyed", "to be destroyed")
	if address, err := url.QueryUnescape(b.at); err != nil || strings.Contains(strings.ToLower(address), "tariff") || !strings.Contains(b.at, "?f=") {
		t.Errorf("what is asked for stands in the address %q (I-23)", b.at)
	}
	if r := b.submit("/registers/disclosures", "customer", annNumber, "recipient", "printers"); true {
		r.says(t, "Fine Printers", "about the customer "+string(w.ann))
		r.lacks(t, "Tariff")
	}
	b.submit("/registers/disclosures", "from", "2026-04-01", "to", "2026-03-01").says(t, "The time begins after it ends")
	line := b.get(disclosureAddress(w.ann, entries[2]))
	line.says(t, "Call detail to law enforcement", "of a district court", "The officer", "ledger.test.example", "It is kept at least until", "The rules that permitted it", "47 USC 222")
	receipt := b.get(disclosureAddress(w.ann, entries[2]) + "/receipt")
	if v, err := ledger.VerifyReceipt(strings.NewReader(receipt.page), w.Ledger.VerifierKey()); err != nil || v.Leaf.ID != entries[2] || v.Record != nil {
		t.Errorf("the receipt: %+v, %v", v, err)
	}
	b.get("/registers/campaigns").says(t, "Summer lines", "1,200 in", "Approved")
	b.get("/registers/processes").says(t, "CV 26-17", "1 release", "The officer", "1 February 2026 to 28 February 2026")
	b.get("/registers/disclosures/"+string(w.ann)+"/"+string(cpni.NewID())).is(t, http.StatusNotFound)

	proof := b.submit("/registers/disclosures/file", "as", "proof")
	if v, err := register.Verify(strings.NewReader(proof.page), w.Ledger.VerifierKey()); err != nil || v.Lines != 3 {
		t.Errorf("with proofs: %+v, %v", v, err)
	}
	if r := b.submit("/registers/disclosures/file", "as", "pdf"); r.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(r.page, "%PDF-") {
		t.Errorf("printed it is %s: %.40q", r.Header.Get("Content-Type"), r.page)
	}
	if r := b.submit("/registers/disclosures/file", "as", "csv"); !strings.Contains(r.page, "Tariff Analysts") || !strings.Contains(r.Header.Get("Content-Disposition"), "register-disclosures-2026-03-05.csv") {
		t.Errorf("as a table: %.200q", r.page)
	}
	b.submit("/registers/disclosures/file", "as", "exe").is(t, http.StatusBadRequest)

	auditor := w.signedIn(t, "auditor")
	if r := auditor.get("/registers/disclosures"); true {
		r.says(t, "Fine Printers", "A person whom the customer has named")
		r.lacks(t, "Tariff Analysts")
	}
	if r := auditor.submit("/registers/disclosures/file", "as", "csv"); strings.Contains(r.page, "Tariff Analysts") {
		t.Error("an auditor takes names away (P-37)")
	}
	auditor.submit("/registers/disclosures/destroy", "before", "2020-01-01").is(t, http.StatusForbidden)
	marketing := w.signedIn(t, "marketing")
	if r := marketing.get("/registers"); true {
		r.says(t, "Campaigns")
		r.lacks(t, "Disclosures to third parties")
	}
	marketing.get("/registers/campaigns").says(t, "Summer lines")
	for _, path := range []string{"/registers/disclosures", "/registers/processes", disclosureAddress(w.ann, entries[0])} {
		marketing.get(path).is(t, http.StatusForbidden)
	}
	w.signedIn(t, "agent").get("/registers").is(t, http.StatusForbidden)

	rows, err := w.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Lookup, Limit: 500})
	must(t, err)
	looked, taken := 0, 0
	for _, r := range rows {
		plain, err := w.Vault.OpenRecord(t.Context(), r)
		must(t, err)
		if r.Purpose == register.Looked {
			looked++
			taken += strings.Count(string(plain), `"how":"exported"`)
		}
	}
	if looked < 12 || taken != 4 {
		t.Errorf("%d looks and %d files are on record (P-37)", looked, taken)
	}
}

// What is past its time is proposed by one person at the desk and agreed to by another.
//
// cite: P-41, I-22
func TestDestructionAtTheDesk(t *testing.T) {
	w, _ := withRegisters(t)
	b := w.signedIn(t, "compliance")
	key := b.get("/registers/disclosures").value("key")
	b.submit("/registers/disclosures/destroy", "key", key, "before", "2026-03-06").says(t, "some of this is younger")
	w.clock.pass(3 * 366 * 24 * time.Hour)
	b = w.signedIn(t, "compliance")
	b.get("/registers/disclosures").says(t, "past its time")
	b.submit("/registers/disclosures/destroy", "key", key, "before", "2026-03-06")
	proposal := b.at
	b.get(proposal).says(t, "Destroy records whose time is over", "3 lines", "Nobody can bring them back")
	second := w.signedIn(t, "officer")
	hash := second.get(proposal).value("hash")
	second.submit(proposal+"/agree", "hash", hash).is(t, http.StatusOK)
	must(t, w.Ledger.Sequence(t.Context()))
	second.get("/registers/disclosures").says(t, "There is nothing here")
}

// The pages fit and are sound, on the desk and on a telephone.
//
// cite: P-40, P-41
func TestRegisterPagesAreSound(t *testing.T) {
	w, entries := withRegisters(t)
	b := w.signedIn(t, "compliance")
	c := w.chromium(t)
	c.takeOver(b)
	p, err := w.Registers.Processed(t.Context(), register.Query{Viewer: w.people["compliance"]})
	must(t, err)
	k, err := w.Registers.Campaigned(t.Context(), register.Query{})
	must(t, err)
	for what, path := range map[string]string{"all": "/registers", "disclosures": "/registers/disclosures", "campaigns": "/registers/campaigns", "processes": "/registers/processes", "a disclosure": disclosureAddress(w.ann, entries[1]),
		"a campaign": "/registers/campaigns/" + string(k.Lines[0].ID), "a process": "/registers/processes/" + string(p.Lines[0].ID)} {
		c.isSound("registers "+what, path)
	}
	if folder := os.Getenv("REGISTER_PICTURES"); folder != "" {
		r := b.submit("/registers/disclosures/file", "as", "pdf")
		must(t, os.WriteFile(filepath.Join(folder, "register.pdf"), []byte(r.page), 0o600))
	}
}
