package contact

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// start is when stories of tests begin: a Tuesday morning in the east.
var start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// clock is moved by the test alone.
type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// usual are the numbers of the policy's defaults.
var usual = Rules{
	Secrets:  SecretRules{ShortestPassword: 8, PINDigits: 6},
	Customer: ThrottleRules{FreeTries: 3, FirstDelay: time.Second, PerDay: 10, Closed: 15 * time.Minute, InAll: 30, InAllPIN: 10, InAllWeak: 5},
	Source:   ThrottleRules{FreeTries: 20, FirstDelay: time.Second, LongestDelay: time.Minute, PerDay: 100, Closed: 15 * time.Minute, InAll: 1000},
	Idle:     30 * time.Minute, Longest: 2 * time.Hour,
	CodeLife: 10 * time.Minute, CodeTries: 3, WrittenDigits: 8, SpokenDigits: 6, CodesPerContact: 5, CodesFree: 5, CodePause: 5 * time.Minute, LetterCodeLife: 240 * time.Hour, CallbackLife: 3 * time.Minute, CallbacksPerContact: 5, Initiation: 24 * time.Hour, AlertAttempts: 5, AlertWithin: 24 * time.Hour,
	AddressOfRecordAge: 720 * time.Hour, DisturbedLine: 72 * time.Hour,
}

// master is of every database of these tests, so that the cases of a property can share one.
var master = vault.NewMaster()

// failer is what a test, a benchmark and a property test all are.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// world is a desk over a real database, vault and ledger.
type world struct {
	*Desk
	t     failer
	ctx   context.Context
	clock *clock
	book  *customer.Book
	rules *Rules
}

func newWorld(t failer, db *store.DB) *world {
	t.Helper()
	rules := usual
	w := &world{t: t, ctx: context.Background(), clock: &clock{}, rules: &rules}
	w.clock.at.Store(start.UnixMicro())
	w.Desk = w.node(db)
	w.book = w.customers
	return w
}

// cheap is the cost of hashing where nothing is hidden.
var cheap = HashCost{MemoryKiB: 8, Passes: 1}

// node opens a desk on db as one more process would.
func (w *world) node(db *store.DB) *Desk {
	w.t.Helper()
	v, err := vault.Open(w.ctx, db, master)
	if err != nil {
		w.t.Fatal(err)
	}
	signer, err := ledger.NewKey("contact.test.example")
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.Open(w.ctx, db, ledger.Options{Origin: "contact.test.example", Signer: signer, Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	book := customer.NewBook(db, v, l, w.clock)
	return NewDesk(db, v, l, book, notify.NewOutbox(db, v, w.clock), w.clock, NewHasher(cheap, v.Derive("secrets v1"), 4), func(time.Time) Rules { return *w.rules })
}

// What the customer of these tests knows and has.
const (
	password = "blue-heron-42"
	pin      = "830275"
	question = "Favourite hiding place?"
	answer   = "under the stairs"
	line     = "+12025550143"
	mobile   = "+12025550144"
	reached  = "+17035550199" // a contact number
)

// ann is a customer with every way of proof.
func (w *world) ann() customer.Profile {
	since := start.AddDate(-6, 0, 0)
	secret := func(plain string) *customer.Secret {
		s := w.hash.Secret(plain)
		return &s
	}
	return customer.Profile{
		Name: "Ann Archer", Account: "A-917304", Since: since, Born: "1980-04-02", SSN4: "6789",
		Lines: []customer.Line{{Number: line, Categories: []cpni.Category{cpni.Local}, Since: since},
			{Number: mobile, Categories: []cpni.Category{cpni.Wireless}, Since: since.AddDate(1, 0, 0)}},
		Postal:         []customer.Address{{Value: "1 Main St, Springfield, VA 22150", Since: since}},
		Email:          []customer.Address{{Value: "ann@example.com", Since: since}},
		ContactNumbers: []string{reached},
		Authorised:     []customer.Authorised{{Name: "Bo Archer", Credentials: customer.Credentials{Password: secret("red-fox-77")}}},
		Business:       &customer.Business{DedicatedRepresentative: "rep2", ContractCoversCPNI: true},
		Credentials: customer.Credentials{Password: secret(password), PIN: secret(pin),
			Backup: []customer.Backup{{Question: question, Answer: *secret(answer)}}},
	}
}

// lone is ann without the lines, numbers and accounts that only one customer can have.
func (w *world) lone() customer.Profile {
	p := w.ann()
	p.Lines, p.Account = nil, string(cpni.NewID())
	return p
}

func (w *world) create(p customer.Profile) cpni.ID {
	w.t.Helper()
	id, err := w.book.Create(w.ctx, p, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) profile(id cpni.ID) *customer.Profile {
	w.t.Helper()
	p, _, err := w.book.Get(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) update(id cpni.ID, do func(p *customer.Profile)) {
	w.t.Helper()
	if _, err := w.book.Update(w.ctx, id, func(p *customer.Profile) (customer.Change, error) {
		do(p)
		return customer.Change{Actor: "test", What: "changed"}, nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// contact opens a contact by telephone with an agent.
func (w *world) contact(of cpni.ID) cpni.ID {
	w.t.Helper()
	return w.contactBy(Opening{Customer: of, Channel: cpni.Phone, Agent: "rep"})
}

func (w *world) contactBy(o Opening) cpni.ID {
	w.t.Helper()
	s, err := w.Open(w.ctx, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.ID
}

// verified opens a contact in which the customer has proved themselves.
func (w *world) verified(of cpni.ID) cpni.ID {
	w.t.Helper()
	id := w.contact(of)
	if _, err := w.Authenticate(w.ctx, id, Proof{Password: password}); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// try gives the code of the refusal of a proof, "" for none.
func (w *world) try(id cpni.ID, p Proof) cpni.Code {
	w.t.Helper()
	if p.SendCode != "" {
		w.clock.advance(time.Millisecond) // in which messages are told apart
	}
	_, err := w.Authenticate(w.ctx, id, p)
	return w.code(err)
}

// code gives the code of a refusal; any other error ends the test.
func (w *world) code(err error) cpni.Code {
	w.t.Helper()
	var r *cpni.Refusal
	if err != nil && !errors.As(err, &r) {
		w.t.Fatal(err)
	}
	if r == nil {
		return ""
	}
	return r.Code
}

// evidence gives the methods by which the contact proves its customer now, and "dead" when it has ended.
func (w *world) evidence(id cpni.ID) string {
	w.t.Helper()
	s, _, err := w.Get(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	f := w.Facts(s, s.Customer, w.clock.Now())
	if !f.Live {
		return "dead"
	}
	words := []string{f.Speaker}
	for _, e := range f.Evidence {
		words = append(words, string(e.Method))
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// sent gives the code of the newest message that carries one.
func (w *world) sent(of cpni.ID) string {
	w.t.Helper()
	all, err := w.outbox.Messages(w.ctx, of)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range slices.Backward(all) {
		if code := m.Tokens["code"]; code != "" {
			return code
		}
	}
	w.t.Fatal("no code was sent")
	return ""
}

// wrong gives a code that differs from code in every digit.
func wrong(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

func (w *world) attempts(of cpni.ID) []ledger.Row {
	w.t.Helper()
	all, err := w.ledger.Records(w.ctx, of, ledger.Filter{Kind: ledger.Attempt, Limit: 100_000})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// mentions reports whether the record, once opened, contains text.
func (w *world) mentions(r ledger.Row, text string) bool {
	w.t.Helper()
	plain, err := w.vault.OpenRecord(w.ctx, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Contains(string(plain), text)
}
