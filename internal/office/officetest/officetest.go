// Package officetest opens offices for tests, with a clock that the test moves and people to work with.
package officetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"ringfence/internal/breach/form"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/matter"
	"ringfence/internal/notify/wording"
	"ringfence/internal/office"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/policy"
)

// Origin names the ledger of a test's office.
const Origin = "ledger.test.example"

// Start is when a test's clock begins.
var Start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// Clock is moved by the test alone.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now gives the test's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock, forward or back.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Office is an open office with what is needed to open another on the same database.
type Office struct {
	*office.Office
	Time *Clock
	// Stories is what telling the carrier's stories under a proposed policy gives; nil: there are none.
	Stories *func(*rules.Set) office.Rehearsal
	// Public is what the public policy is filled with; nothing of it: none is published by itself.
	Public office.Public
	// Outside is the file that keeps the newest checkpoint outside the database; "" none.
	Outside string
	master  *vault.Master
	signer  note.Signer
}

// policySet is the project's policy, read once.
var policySet = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(policy.Files) })

var noticesRead = sync.OnceValues(func() (*wording.Book, error) { return office.ReadNotices(policy.Files) })

// Notices are the project's templates of messages, read once; an office is opened with them in a fraction of the time.
func Notices(t testing.TB) *wording.Book {
	t.Helper()
	b, err := noticesRead()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Zone is the carrier's.
var Zone = func() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}()

// Open opens an office on db and closes it when the test ends.
func Open(t testing.TB, db *store.DB) *Office { return OpenPublic(t, db, office.Public{}) }

// OpenPublic opens an office that publishes a policy when it is opened.
func OpenPublic(t testing.TB, db *store.DB, public office.Public) *Office {
	t.Helper()
	signer, err := ledger.NewKey(Origin)
	if err != nil {
		t.Fatal(err)
	}
	o := &Office{Time: &Clock{now: Start}, Public: public, Stories: new(func(*rules.Set) office.Rehearsal), master: vault.NewMaster(), signer: signer}
	return o.On(t, db)
}

// OpenOutside opens an office whose newest checkpoint is kept in a file outside the database.
func OpenOutside(t testing.TB, db *store.DB, outside string) *Office {
	t.Helper()
	signer, err := ledger.NewKey(Origin)
	if err != nil {
		t.Fatal(err)
	}
	o := &Office{Time: &Clock{now: Start}, Outside: outside, Stories: new(func(*rules.Set) office.Rehearsal), master: vault.NewMaster(), signer: signer}
	return o.On(t, db)
}

// On opens another office with the same keys and clock: a second node, or the same after a restart.
func (o *Office) On(t testing.TB, db *store.DB) *Office {
	t.Helper()
	n, err := o.TryOn(t, db)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TryOn is On where it may be refused.
func (o *Office) TryOn(t testing.TB, db *store.DB) (*Office, error) {
	t.Helper()
	set, err := policySet()
	if err != nil {
		t.Fatal(err)
	}
	n := &Office{Time: o.Time, Public: o.Public, Outside: o.Outside, Stories: o.Stories, master: o.master, signer: o.signer}
	rehearse := func(_ context.Context, policy *rules.Set, heard func()) (office.Rehearsal, error) {
		heard()
		if *n.Stories == nil {
			return office.Rehearsal{}, nil
		}
		return (*n.Stories)(policy), nil
	}
	if n.Office, err = office.Open(context.Background(), office.Config{DB: db, Policy: set, Master: o.master, Origin: Origin, Signer: o.signer, Clock: o.Time, Zone: Zone,
		HashCost: &contact.HashCost{MemoryKiB: 64, Passes: 1}, Rehearse: rehearse, Public: o.Public, Outside: o.Outside, Notices: Notices(t),
		Filer:   form.Carrier{LegalName: "Example Telephone, LLC", FRN: "0099999991", FilerID: "899999", Address: "1 Main St, Springfield, VA 22150", States: []string{"VA"}, Contact: form.Contact{Name: "Jo Doe", Phone: "+18005550101", Email: "breach@example.net"}},
		Carrier: office.Carrier{Name: "Example Tel", Phone: "+18005550100", Email: "privacy@example.net", Address: "https://account.example.net"}}); err != nil {
		return nil, err
	}
	t.Cleanup(n.Close)
	return n, nil
}

// Member adds a trained member of the staff.
func (o *Office) Member(t testing.TB, role cpni.Role) cpni.ID {
	t.Helper()
	login := fmt.Sprintf("%s-%s", role, cpni.NewID()[:8])
	id, err := o.Staff.Add(t.Context(), staff.Member{Login: login, Name: "A " + string(role), Role: role, Trained: o.Clock.Now()}, "", "test")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Work opens a matter about a customer, with everything that its kind can name.
func (o *Office) Work(t testing.TB, kind matter.Kind, reference string, of cpni.ID) *matter.Matter {
	t.Helper()
	m, err := o.Matters.Open(t.Context(), matter.Opening{Kind: kind, Reference: reference, Why: "The test needs it.", About: []matter.About{{Customer: of}}, Data: kind.Most(), By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Password is that of every customer of a test.
const Password = "blue heron 42"

var (
	numbers sync.Mutex
	next    = 100
)

// Crowd adds customers, a thousand in one transaction, each as made says it is by its number beside an id, a name, an account and a beginning. It
// gives their ids, sorted.
func (o *Office) Crowd(t testing.TB, n int, made ...func(i int, p *customer.Profile)) []cpni.ID {
	t.Helper()
	since := time.Date(2020, 1, 1, 5, 0, 0, 0, time.UTC)
	ids := make([]cpni.ID, n)
	for from := 0; from < n; from += 1000 {
		if _, err := o.Ledger.Commit(t.Context(), func(tx *store.Tx) ([]ledger.Entry, error) {
			for i := from; i < min(n, from+1000); i++ {
				p := customer.Profile{ID: cpni.NewID(), Name: fmt.Sprintf("Customer %d", i), Account: fmt.Sprintf("C-%s-%d", cpni.NewID()[:6], i), Since: since}
				for _, m := range made {
					m(i, &p)
				}
				ids[i] = p.ID
				if err := o.Customers.Insert(t.Context(), tx, &p); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(ids)
	return ids
}

// Customer adds a customer with a line, a password, addresses of record and three calls in October and November.
func (o *Office) Customer(t testing.TB, change ...func(*customer.Profile)) *customer.Profile {
	t.Helper()
	numbers.Lock()
	next++
	n := next
	numbers.Unlock()
	since := time.Date(2020, 1, 1, 5, 0, 0, 0, time.UTC)
	secret := o.Secrets.Secret(Password)
	p := customer.Profile{Name: fmt.Sprintf("Ann Archer %d", n), Account: fmt.Sprintf("A-%d", n), Since: since,
		Lines:       []customer.Line{{Number: fmt.Sprintf("+1202555%04d", n), Categories: []cpni.Category{cpni.Local}, Since: since}},
		Postal:      []customer.Address{{Value: "1 Main St, Springfield, VA 22150", Since: since}},
		Email:       []customer.Address{{Value: fmt.Sprintf("ann%d@example.com", n), Since: since}},
		Credentials: customer.Credentials{Password: &secret}}
	for _, c := range change {
		c(&p)
	}
	id, err := o.Customers.Create(t.Context(), p, "test")
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := o.Customers.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Lines) > 0 {
		at := time.Date(2026, 10, 31, 12, 0, 0, 0, time.UTC)
		calls := []vault.Call{{At: at, Seconds: 61, Answered: true, Out: true, Number: "+17035550123", ID: 1}, {At: at.AddDate(0, 0, 3), Seconds: 5, Answered: true, Number: "+17035550124", ID: 2},
			{At: at.AddDate(0, 0, 9), Number: "", ID: 3}}
		if err := o.DB.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := o.Vault.MergeCalls(t.Context(), tx, vault.Portions(id, made.Lines[0].No, calls, Zone))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// Calls are how many a Customer has in October and November of 2026.
const Calls = 3

// Contact opens a telephone contact with a customer.
func (o *Office) Contact(t testing.TB, agent cpni.ID, with cpni.ID) cpni.ID {
	t.Helper()
	s, err := o.OpenContact(t.Context(), contact.Opening{Customer: with, Channel: cpni.Phone, Agent: agent})
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}

// Verified opens a telephone contact in which the customer has proved themselves.
func (o *Office) Verified(t testing.TB, agent cpni.ID, with cpni.ID) cpni.ID {
	t.Helper()
	id := o.Contact(t, agent, with)
	if _, err := o.Contacts.Authenticate(t.Context(), id, contact.Proof{Password: Password}); err != nil {
		t.Fatal(err)
	}
	return id
}

// AskCalls is the request of an agent, in a contact, for the customer's calls.
func AskCalls(agent, in cpni.ID) disclose.Request {
	return disclose.Request{Caller: disclose.Caller{Staff: agent}, Contact: in, Data: []cpni.DataClass{cpni.CallDetail}}
}
