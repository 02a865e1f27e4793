package console

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// cite: P-41, I-04, 47 CFR 64.2009(c)
func TestRecordsOfACustomer(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.open(w.ann, "phone")
	refused := agent.ask(at)
	agent.prove(at, "method", "pin", "secret", annPIN)
	agent.ask(at)
	must(t, w.Ledger.Sequence(t.Context()))

	agent.get("/records").is(t, http.StatusForbidden)
	agent.get(recordsAddress(w.ann)).is(t, http.StatusForbidden).lacks(t, "UNAUTHENTICATED")
	refused.lacks(t, "/records/"+string(w.ann))

	b := w.signedIn(t, "supervisor")
	list := b.submit("/records", "number", annNumber)
	if b.at != recordsAddress(w.ann) {
		t.Errorf("the records are at %s", b.at)
	}
	list.says(t, "On record about Ann Archer", "5 Mar 2026, 10:00:00 EST The agent The customer asks The customer permitted", "refused UNAUTHENTICATED")
	list.lacks(t, annNumber, called, "703 555")
	b.get(recordsAddress(w.ann)+"?kind=attempt").says(t, "Attempts", "done")
	b.get(recordsAddress(w.ann)+"?kind=contact").says(t, "Contacts")
	b.get(recordsAddress(w.ann)+"?kind=nonsense").says(t, "Decisions")

	entries := regexp.MustCompile(`href="(/records/[0-9a-z]{26}/[0-9a-z]{26})"`).FindAllStringSubmatch(list.page, -1)
	if len(entries) != 2 {
		t.Fatalf("%d decisions are listed", len(entries))
	}
	permit, deny := b.get(entries[0][1]), b.get(entries[1][1])
	permit.says(t, "Permitted", "Made again at", "from the recorded facts, under the policy of its day, it comes out as it was recorded: permitted.", "customer-may-ask", "contact.evidence 1.method pin",
		"numbers.address of record age 2592000 seconds", "Place in the tree leaf", "Signed checkpoint", "ledger.test.example", "Path from the leaf to the root")
	deny.says(t, "Refused", "it comes out as it was recorded: refused UNAUTHENTICATED.", "somebody-proved", "What would have made it allowed", "Verify by the password")
	for _, r := range []reply{permit, deny} {
		r.lacks(t, annNumber, called, "703 555", "Ann Archer", "ann.archer", "Main St")
		row, err := w.Ledger.Record(t.Context(), w.ann, idOf(r.Request.URL.Path))
		must(t, err)
		in, err := w.Ledger.Prove(t.Context(), w.ann, row.ID)
		must(t, err)
		r.says(t, string(in.Leaf), in.Root.String())
	}
	b.get(recordsAddress(w.ann)+"/"+string(cpni.NewID())).is(t, http.StatusNotFound)
	b.get(recordsAddress(cpni.NewID())).is(t, http.StatusNotFound)
	b.get("/records/nobody").is(t, http.StatusNotFound)
}

// A record that is not yet in the tree says so, and that it will be.
//
// cite: P-41
func TestRecordBeforeItsProof(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	agent.ask(agent.open(w.ann, "phone"))
	b := w.signedIn(t, "compliance")
	row := w.records(w.ann, "decision")[0]
	b.get(recordsAddress(w.ann)+"/"+string(row.ID)).says(t, "The entry is recorded and will be in the tree within a second; ask again.", "Look again")
	b.get("/records/ledger").says(t, "Nothing has been signed yet")
}

func TestRecordsAreTurnedOver(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.open(w.ann, "phone")
	page := agent.get(at)
	for range 120 {
		agent.post(at+"/requests", "token", page.value("token"), "key", string(cpni.NewID()), "data", "call-detail", "from", "202602").is(t, http.StatusSeeOther)
	}
	b := w.signedIn(t, "auditor")
	seen := map[string]bool{}
	pages := 0
	for next := recordsAddress(w.ann); next != ""; {
		r := b.get(next).is(t, http.StatusOK)
		pages++
		for _, e := range regexp.MustCompile(`href="(/records/[0-9a-z]{26}/[0-9a-z]{26})"`).FindAllStringSubmatch(r.page, -1) {
			if seen[e[1]] {
				t.Errorf("%s twice", e[1])
			}
			seen[e[1]] = true
		}
		next = ""
		if m := regexp.MustCompile(`href="([^"]*before=[^"]*)">Older`).FindStringSubmatch(r.page); m != nil {
			next = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if pages != 3 || len(seen) != 120 {
		t.Errorf("%d decisions on %d pages, want 120 on 3", len(seen), pages)
	}
}

// Who may read records and not see customers learns nobody's name.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestAuditorSeesNobody(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.open(w.ann, "phone")
	agent.prove(at, "method", "password", "secret", boPassword)
	agent.ask(at, "to", "authorised:Bo Archer", "data", "billing", "line", "1")
	must(t, w.Ledger.Sequence(t.Context()))
	b := w.signedIn(t, "auditor")
	b.submit("/records", "number", annNumber).says(t, "Nobody was found by this.")
	list := b.submit("/records", "number", string(w.ann))
	list.says(t, "On record about customer "+string(w.ann), "An authorised person")
	entry := b.get(regexp.MustCompile(`href="(/records/[0-9a-z]{26}/[0-9a-z]{26})"`).FindStringSubmatch(list.page)[1])
	entry.says(t, "Permitted", "to an authorised person")
	for _, r := range []reply{list, entry} {
		r.lacks(t, "Archer", annNumber, "202 555", "/desk/")
	}
	b.get(customerAddress(w.ann)).is(t, http.StatusForbidden)
	b.get("/desk").is(t, http.StatusForbidden)
}

// Of a customer who was forgotten the entries stay, and nothing that was sealed.
//
// cite: I-21
func TestRecordsOfTheForgotten(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	at := agent.open(w.ann, "phone")
	agent.ask(at)
	entry := w.records(w.ann, "decision")[0].ID
	must(t, w.Customers.Forget(t.Context(), w.ann, "test"))
	must(t, w.Ledger.Sequence(t.Context()))
	b := w.signedIn(t, "compliance")
	b.get(recordsAddress(w.ann)).is(t, http.StatusOK).says(t, "The key of this customer has been destroyed", "refused UNAUTHENTICATED")
	r := b.get(recordsAddress(w.ann)+"/"+string(entry)).is(t, http.StatusOK)
	r.says(t, "the facts of this decision can be read by nobody", "Place in the tree leaf")
	agent.get(at).is(t, http.StatusNotFound)
	agent.get(customerAddress(w.ann)).is(t, http.StatusNotFound)
}

// cite: P-28, P-58
func TestRulesAndLedger(t *testing.T) {
	w := newWorld(t)
	must(t, w.Ledger.Sequence(t.Context()))
	b := w.signedIn(t, "agent")
	set, _ := w.Policy.Current()
	r := b.get("/rules")
	r.says(t, set.Version(), "rules in force")
	for _, rule := range set.Rules() {
		r.says(t, rule.ID, rule.Says)
	}
	b.get("/rules/numbers").says(t, "address_of_record_age: 720h", "47 CFR 64.2003(b)", "dormant")
	signed, err := w.Ledger.Newest(t.Context())
	must(t, err)
	b.get("/records/ledger").says(t, text(string(signed)), w.Ledger.VerifierKey(), "ringfence verify --url "+w.server.URL+"/ledger --key")
	b.header = http.Header{}
	req, err := http.NewRequest(http.MethodGet, b.server.URL+"/records/ledger", nil)
	must(t, err)
	req.Host = "x$(rm -rf)"
	if page := b.send(req); page.StatusCode == http.StatusOK {
		page.lacks(t, "rm -rf")
	}
}

// A decision that does not come out as it was recorded is said to differ.
//
// cite: I-04
func TestSame(t *testing.T) {
	w := newWorld(t)
	agent := w.signedIn(t, "agent")
	agent.ask(agent.open(w.ann, "phone"))
	row := w.records(w.ann, "decision")[0]
	r, err := w.Door.Record(t.Context(), w.ann, row.ID)
	must(t, err)
	d, err := w.Door.Explain(t.Context(), r)
	must(t, err)
	if !same(r, d) {
		t.Error("the same decision differs")
	}
	d.Code = "METHOD"
	if same(r, d) {
		t.Error("another code is the same")
	}
}

// cite: P-21
func TestCustomerWithoutAnything(t *testing.T) {
	w := newWorld(t)
	id := w.customer(customer.Profile{Name: "N"})
	b := w.signedIn(t, "agent")
	b.get(customerAddress(id)).says(t, "none in service", "No credentials are on file.")
	at := b.open(id, "phone")
	b.ask(at).says(t, "Refused", "UNAUTHENTICATED", "Ask the customer to come to a shop with a valid photo ID")
	must(t, w.Contacts.EndService(t.Context(), w.ann, "test"))
	b.get(customerAddress(w.ann)).says(t, "Service ended on 5 March 2026")
}
