package audience_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"ringfence/internal/approval"
	"ringfence/internal/audience"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/partner"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/policy"
)

// start is when stories of tests begin.
var start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

var zone = func() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}()

// clock is moved by the test alone.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// node is one process: everything that a decision takes, over a database that others may use too.
type node struct {
	DB        *store.DB
	Ledger    *ledger.Ledger
	Vault     *vault.Vault
	Policy    *rulebook.Book
	Customers *customer.Book
	Staff     *staff.Register
	Partners  *partner.Register
	Approvals *approval.Book
	Audience  *audience.Sets
}

var policySet = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(policy.Files) })

// house is two nodes on one database, and somebody who markets.
type house struct {
	*node
	t      *testing.T
	other  *node
	Time   *clock
	plain  *audience.Plain
	caller disclose.Caller
	next   int
}

func open(t *testing.T, db *store.DB) *house {
	t.Helper()
	signer, err := ledger.NewKey("audience.test.example")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, Time: &clock{now: start}}
	master := vault.NewMaster()
	h.node, h.other = h.open(db, master, signer), h.open(db, master, signer)
	h.plain = audience.NewPlain(h.Audience.Parts)
	id, err := h.Staff.Add(t.Context(), staff.Member{Login: "marketing", Name: "Mo", Role: cpni.RoleMarketing, Trained: start}, "", "test")
	if err != nil {
		t.Fatal(err)
	}
	h.caller = disclose.Caller{Staff: id}
	return h
}

// open opens one node.
func (h *house) open(db *store.DB, master *vault.Master, signer note.Signer) *node {
	h.t.Helper()
	must := func(err error) {
		h.t.Helper()
		if err != nil {
			h.t.Fatal(err)
		}
	}
	ctx := h.t.Context()
	set, err := policySet()
	must(err)
	n := &node{DB: db}
	n.Ledger, err = ledger.Open(ctx, db, ledger.Options{Origin: "audience.test.example", Signer: signer, Clock: h.Time})
	must(err)
	n.Vault, err = vault.Open(ctx, db, master)
	must(err)
	n.Policy, err = rulebook.Open(ctx, db, n.Vault, n.Ledger, rulebook.Options{Policy: set, Clock: h.Time, Zone: zone})
	must(err)
	n.Customers = customer.NewBook(db, n.Vault, n.Ledger, h.Time)
	must(n.Customers.StandAll(ctx))
	outbox := notify.NewOutbox(db, n.Vault, h.Time)
	hasher := contact.NewHasher(contact.HashCost{MemoryKiB: 64, Passes: 1}, n.Vault.Derive("secrets v1"), 1)
	contacts := contact.NewDesk(db, n.Vault, n.Ledger, n.Customers, outbox, h.Time, hasher, func(at time.Time) contact.Rules { return contact.RulesOf(n.Policy.Numbers(at)) })
	n.Staff = staff.NewRegister(db, n.Vault, n.Ledger, h.Time, hasher, func(at time.Time) staff.Rules { return staff.RulesOf(n.Policy.Numbers(at)) })
	n.Partners = partner.NewRegister(db, n.Vault, n.Ledger, h.Time)
	door := disclose.New(disclose.Parts{DB: db, Vault: n.Vault, Ledger: n.Ledger, Policy: n.Policy, Customers: n.Customers, Contacts: contacts, Staff: n.Staff, Partners: n.Partners, Outbox: outbox, Clock: h.Time, Zone: zone})
	h.t.Cleanup(door.Close)
	n.Approvals = approval.NewBook(approval.Parts{DB: db, Vault: n.Vault, Ledger: n.Ledger, Customers: n.Customers, Contacts: contacts, Clock: h.Time, Zone: zone,
		Numbers: func(at time.Time) approval.Rules { return approval.RulesOf(n.Policy.Numbers(at)) }})
	n.Audience = audience.NewSets(audience.Parts{DB: db, Vault: n.Vault, Ledger: n.Ledger, Customers: n.Customers, Door: door, Clock: h.Time, Zone: zone})
	return n
}

// Customer adds a customer with a line, addresses of record and a call of a minute that they began in October 2026.
func (h *house) Customer(change ...func(*customer.Profile)) *customer.Profile {
	h.t.Helper()
	h.next++
	since := time.Date(2020, 1, 1, 5, 0, 0, 0, time.UTC)
	p := customer.Profile{Name: "Ann Archer", Account: fmt.Sprintf("A-%d", h.next), Since: since,
		Lines:  []customer.Line{{Number: fmt.Sprintf("+1202555%04d", h.next), Categories: []cpni.Category{cpni.Local}, Since: since}},
		Postal: []customer.Address{{Value: "1 Main St, Springfield, VA 22150", Since: since}},
		Email:  []customer.Address{{Value: fmt.Sprintf("ann%d@example.com", h.next), Since: since}}}
	for _, c := range change {
		c(&p)
	}
	id, err := h.Customers.Create(h.t.Context(), p, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	made, _, err := h.Customers.Get(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	calls := []vault.Call{{At: time.Date(2026, 10, 31, 12, 0, 0, 0, time.UTC), Seconds: 61, Answered: true, Out: h.next%3 > 0, Number: "+17035550123", ID: 1}}
	if err := h.DB.Tx(h.t.Context(), func(tx *store.Tx) error {
		_, err := h.Vault.MergeCalls(h.t.Context(), tx, vault.Portions(id, made.Lines[0].No, calls, zone))
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return made
}
