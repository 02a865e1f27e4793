package notify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// start is a Tuesday morning in the east.
var start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

var eastern = func() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}()

// numbers are those of the policy that is built in.
var numbers = sync.OnceValues(func() (Rules, error) {
	set, err := rules.Load(policy.Files)
	if err != nil {
		return Rules{}, err
	}
	return RulesOf(set.Profiles().At(workday.DateIn(start, eastern))), nil
})

// plainWriter writes kind, way and tokens, so that tests see what came together.
type plainWriter struct{}

func (plainWriter) Write(kind string, via cpni.Via, language string, tokens map[string]string) (Words, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s %s", kind, via, language)
	for _, k := range slices.Sorted(maps.Keys(tokens)) {
		if tokens[k] == "" {
			return Words{}, fmt.Errorf("the token %s is empty", k)
		}
		fmt.Fprintf(&text, " %s=%s", k, tokens[k])
	}
	return Words{Text: text.String(), Version: kind + " 1"}, nil
}

func (plainWriter) Reveals(w Words, values []string) (string, bool) {
	return "text", slices.ContainsFunc(values, func(v string) bool { return strings.Contains(w.Text, v) })
}

// peer is the other side of a channel, as a test wants it to be: it counts what it gets.
type peer struct {
	mu     sync.Mutex
	got    map[cpni.ID]int
	pieces []Piece
	says   func(Piece) (Outcome, bool) // false: the other side says nothing; nil: takes everything
}

func (p *peer) Send(_ context.Context, pieces []Piece, told func(Piece, Outcome)) {
	var all sync.WaitGroup
	for _, one := range pieces {
		all.Go(func() {
			p.mu.Lock()
			if p.got == nil {
				p.got = map[cpni.ID]int{}
			}
			p.got[one.ID]++
			p.pieces = append(p.pieces, one)
			says := p.says
			p.mu.Unlock()
			o, speaks := Outcome{State: Sent, Code: "250", Reference: "ref " + string(one.ID)}, true
			if says != nil {
				o, speaks = says(one)
			}
			if speaks {
				told(one, o)
			}
		})
	}
	all.Wait()
}

func (p *peer) Check(context.Context) error { return nil }
func (p *peer) Batch() int                  { return 20 }

func (p *peer) count() (messages, pieces int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.got), len(p.pieces)
}

// world is a carrier over a real database, vault and ledger, with one customer.
type world struct {
	*Carrier
	t     testing.TB
	ctx   context.Context
	db    *store.DB
	clock *clock
	of    cpni.ID
	peer  *peer
}

var master = vault.NewMaster()

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), db: db, clock: &clock{}, peer: &peer{}}
	w.clock.at.Store(start.UnixMicro())
	w.Carrier = w.node()
	id, err := w.Customers.Create(w.ctx, customer.Profile{Name: "Ann Archer", Account: "A-1", Since: start.AddDate(-5, 0, 0)}, "test")
	if err != nil {
		t.Fatal(err)
	}
	w.of = id
	return w
}

// node opens a carrier on the same database as one more process would.
func (w *world) node() *Carrier {
	w.t.Helper()
	v, err := vault.Open(w.ctx, w.db, master)
	if err != nil {
		w.t.Fatal(err)
	}
	signer, err := ledger.NewKey("notify.test.example")
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.Open(w.ctx, w.db, ledger.Options{Origin: "notify.test.example", Signer: signer, Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := numbers()
	if err != nil {
		w.t.Fatal(err)
	}
	return NewCarrier(Parts{DB: w.db, Vault: v, Ledger: l, Outbox: NewOutbox(w.db, v, w.clock), Customers: customer.NewBook(w.db, v, l, w.clock), Clock: w.clock, Zone: eastern,
		Numbers: func(time.Time) Rules { return r }, Writer: plainWriter{},
		Channels: map[cpni.Via]Channel{cpni.Email: w.peer, cpni.Text: w.peer, cpni.Voice: w.peer, cpni.Postal: w.peer}, Tokens: map[string]string{"carrier": "Example Tel"}})
}

// plan plans messages and gives their ids.
func (w *world) plan(all ...Message) []cpni.ID {
	w.t.Helper()
	ids := make([]cpni.ID, len(all))
	err := w.db.Tx(w.ctx, func(tx *store.Tx) error {
		for i, m := range all {
			m.ID = cpni.NewTimedID(w.clock.Now())
			ids[i] = m.ID
			if err := w.Outbox.Plan(w.ctx, tx, w.of, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

func (w *world) step() {
	w.t.Helper()
	if err := w.Step(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) one(id cpni.ID) Message {
	w.t.Helper()
	m, err := w.Outbox.One(w.ctx, w.of, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// recorded gives the codes of the ledger's entries of a kind about the customer, oldest first.
func (w *world) recorded(kind ledger.Kind) []string {
	w.t.Helper()
	rows, err := w.Ledger.Records(w.ctx, w.of, ledger.Filter{Kind: kind, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, r := range slices.Backward(rows) {
		plain, err := w.Vault.OpenRecord(w.ctx, r)
		if err != nil {
			w.t.Fatal(err)
		}
		var detail map[string]string
		if err := vault.Detail(plain, &detail); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(string(r.Code)+" "+detail["what"]))
	}
	return all
}

var notice = Message{Kind: AccountChange, Via: cpni.Email, Place: AOR, To: "ann@example.com", Tokens: map[string]string{"what": "password"}}
