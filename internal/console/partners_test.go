package console

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/vault"
)

// withExport has a partner on the register, a file that it has fetched and one that waits; it gives the address of the first.
func withExport(t *testing.T) (w *world, fetched, waiting string) {
	t.Helper()
	w = newWorld(t)
	w.item(w.ann, vault.Item{Class: cpni.Service, Values: map[string]string{"plan": "evening"}})
	key, err := age.GenerateX25519Identity()
	must(t, err)
	compliance, officer, billing := w.signedIn(t, "compliance"), w.signedIn(t, "officer"), w.signedIn(t, "billing")
	contract := []string{"id", "bill-printers", "name", "Bill Printers", "class", "independent-contractor", "reference", "C-77", "until", "2027-06-30", "destroy-days", "30", "purpose", "billing", "key", key.Recipient().String()}
	compliance.submit("/partners/new", contract...)
	proposal := compliance.at
	shown := officer.get(proposal)
	shown.says(t, "Let a partner have more", "there was no agreement, and now there is one", "there was no key, and now files can be enciphered to one", "C-77", "Do you agree?")
	hash := regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`).FindStringSubmatch(shown.page)[1]
	compliance.get("/partners/bill-printers").is(t, http.StatusNotFound)
	officer.submit(proposal+"/agree", "hash", hash).is(t, http.StatusOK)
	compliance.get("/partners").says(t, "Bill Printers", "files can be made")

	for _, title := range []string{"Bills of February", "Bills of March"} {
		form := []string{"key", billing.get("/exports/new").value("key"), "title", title, "partner", "bill-printers", "purpose", "billing", "basis", "47 USC 222(d)(1)", "data", "billing", "columns", "name, postal billing.total", "months", "2026-02", "list", "everybody"}
		unclassified := slices.Clone(form)
		unclassified[slices.Index(form, "columns")+1] = "name ssn"
		billing.submit("/exports/new", unclassified...).says(t, "a column that has not been classified")
		billing.submit("/exports/new", form...)
		waiting = billing.at
		if fetched == "" {
			fetched = waiting
		}
		billing.get(waiting).says(t, title, "waits for a second person")
		billing.submit(waiting+"/agree").is(t, http.StatusForbidden)
		compliance.submit(waiting+"/agree").says(t, "Agreed, and on record.")
		must(t, w.Exports.Work(t.Context()))
	}
	_, err = w.Exports.Fetch(t.Context(), cpni.ID(strings.TrimPrefix(fetched, "/exports/")), "bill-printers", "test")
	must(t, err)
	return w, fetched, waiting
}

// A partner comes on the register by two people; its files are proposed by one, agreed to by another, fetched once; what it must destroy
// stands there until the certificate is in.
//
// cite: P-15, P-35, P-37, P-41, 47 CFR 64.2007(b), 47 CFR 64.2009(c)
func TestPartnersAndTheirFiles(t *testing.T) {
	w, fetched, waiting := withExport(t)
	compliance, billing := w.signedIn(t, "compliance"), w.signedIn(t, "billing")
	page := compliance.get(fetched)
	page.says(t, "Bills of February", "fetched, to be destroyed", "customers decided", "reference, name, postal, billing.total", "Manifest", "part-0001.csv.age", "The billing", "The compliance")
	page.lacks(t, "Ann Archer", "42.30")
	compliance.get(waiting).says(t, "waits to be fetched", "Withdraw it")
	billing.get("/exports").says(t, "2 files", "Bills of March")
	billing.get("/partners").is(t, http.StatusForbidden)
	w.signedIn(t, "agent").get(fetched).is(t, http.StatusForbidden)
	read := w.signedIn(t, "auditor").get("/partners/bill-printers")
	read.says(t, "What it holds", "Bills of February")
	read.lacks(t, "Enter a certificate")

	const at = "/partners/bill-printers"
	made := compliance.submit(at+"/keys", "name", "their host")
	made.says(t, "shown this once", "rfpartner_")
	key := regexp.MustCompile(`rfpartner_[A-Za-z0-9_-]+`).FindString(made.page)
	if _, err := w.Partners.KeyOf(t.Context(), key); err != nil {
		t.Errorf("the key that was shown: %v", err)
	}
	later := compliance.get(at)
	later.says(t, "their host", "in force")
	later.lacks(t, key)
	keys, err := w.Partners.Keys(t.Context(), "bill-printers")
	must(t, err)
	compliance.submit(at+"/keys/revoke", "key", keys[0].ID).says(t, "worth nothing", "revoked")
	compliance.submit(at+"/secret").says(t, "whsec_", "shown this once")
	compliance.submit(at+"/contact", "contact-name", "Pat Printer", "contact-email", "pat@printers.example").says(t, "Speak to Pat Printer")

	compliance.submit(fetched+"/again", "reason", "short").says(t, "10 to 500 bytes")
	w.clock.pass(31 * 24 * time.Hour)
	must(t, w.Exports.Due(t.Context()))
	late := w.signedIn(t, "compliance")
	late.get(at).says(t, "late with a certificate")
	late.get("/exports").says(t, "1 certificate is late")
	late.certificate(at, []byte("<script>alert(1)</script>")).says(t, "of no kind that is taken")
	late.certificate(at, []byte("%PDF-1.7\nall is shredded")).says(t, "The certificate is kept, sealed, and on record.", "one file")
	late.get(fetched).says(t, "destroyed, with certificate")
	all, err := w.Exports.Certificates(t.Context(), "bill-printers")
	must(t, err)
	paper := late.get(at + "/certificates/" + string(all[0].ID))
	if paper.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(paper.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(paper.page, "shredded") {
		t.Errorf("%v", paper.Header)
	}
	// What narrows is done at once; what widens waits.
	narrow := []string{"name", "Bill Printers", "class", "independent-contractor", "reference", "C-77", "until", "2027-05-31", "destroy-days", "30", "purpose", "billing", "key", ""}
	late.submit(at+"/contract", narrow...).says(t, "Done, and on record.", "until 31 May 2027")
	late.submit(at+"/contract", append(narrow, "purpose", "protect")...).says(t, "Proposed, and on record.", "the agreement is for more purposes")
}

// certificate hands in a certificate of the first file that the partner holds.
func (b *browser) certificate(at string, paper []byte) reply {
	b.t.Helper()
	page := b.get(at)
	id := regexp.MustCompile(`<option value="([0-9a-z]{26})">`).FindStringSubmatch(page.page)
	if id == nil {
		b.t.Fatal("the partner holds nothing")
	}
	return b.follow(b.postScan(at+"/certificate", paper, "token", page.value("token"), "export", id[1], "destroyed", "2026-04-05", "signer", "Pat Printer", "method", "shredded"))
}

// The pages fit and are sound.
//
// cite: P-15, P-41
func TestPartnerPagesAreSound(t *testing.T) {
	w, fetched, waiting := withExport(t)
	c := w.chromium(t)
	c.takeOver(w.signedIn(t, "compliance"))
	for what, path := range map[string]string{"list": "/partners", "new": "/partners/new", "one": "/partners/bill-printers", "files": "/exports", "fetched": fetched, "waiting": waiting} {
		c.isSound("partners "+what, path)
	}
	c.takeOver(w.signedIn(t, "billing"))
	c.isSound("partners new file", "/exports/new")
}
