package customer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Book is the register of customers.
type Book struct {
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
	clock  cpni.Clock

	mu        sync.RWMutex
	cache     map[cpni.ID]cached
	forgets   uint64 // how often the cache was emptied or something was dropped: what was read before is not put after
	forgotten []func()
	// forgetting are called in the transaction that forgets a customer.
	forgetting []func(ctx context.Context, tx *store.Tx, id cpni.ID) error
	keeps      []func(ctx context.Context, tx *store.Tx, id cpni.ID) error // refuse to forget whom something must be kept of
	seen       string                                                      // the forgetting that this node has caught up with

	stands atomic.Bool // where approvals stand is written of every customer
}

type cached struct {
	profile *Profile
	version int64
}

// mostCached bounds the cache of profiles.
const mostCached = 50_000

// NewBook opens the register.
func NewBook(db *store.DB, v *vault.Vault, l *ledger.Ledger, clock cpni.Clock) *Book {
	return &Book{db: db, vault: v, ledger: l, clock: clock, cache: map[cpni.ID]cached{}}
}

// Errors of the register.
var (
	ErrNoCustomer = errors.New("there is no such customer")
	ErrNumberHeld = cpni.Rejected("NUMBER_HELD", "another customer in service has this number", []string{"47 CFR 64.2003(q)"}, "end the other line first, or check the number")
	// ErrImmutable: a denial leaves only by an affirmative act of the customer.
	ErrImmutable = cpni.Rejected("IMMUTABLE", "a refusal of the customer stands until they themselves lift it", []string{"P-14", "47 CFR 64.2007(a)(2)"},
		"take the customer's own affirmative act, with its evidence")
)

const place = "profile"

// Get gives the customer as they stand in the database, with the version. The profile is shared: do not change it.
func (b *Book) Get(ctx context.Context, id cpni.ID) (*Profile, int64, error) {
	c, ok, _ := b.lately(id)
	if ok {
		var version int64
		err := b.db.Reader().QueryRow(ctx, "SELECT version FROM customer WHERE customer_id = $1", string(id)).Scan(&version)
		if err == nil && version == c.version {
			return c.profile, c.version, nil
		}
		b.Drop(id)
	}
	return b.read(ctx, id)
}

// Recent gives the customer as this node has last seen them, without asking the database when it has. Whoever decides
// on it names the version in a store.Guard, which finds a stale one when the decision is committed.
func (b *Book) Recent(ctx context.Context, id cpni.ID) (*Profile, int64, error) {
	if c, ok, _ := b.lately(id); ok {
		return c.profile, c.version, nil
	}
	return b.read(ctx, id)
}

// ReadTx gives the customer as they stand, and keeps them from being changed or forgotten until tx ends.
func (b *Book) ReadTx(ctx context.Context, tx *store.Tx, id cpni.ID) (*Profile, int64, error) {
	return b.hold(ctx, tx, id, " FOR SHARE")
}

// HoldTx gives the customer as they stand, and keeps everybody else from changing them until tx ends.
func (b *Book) HoldTx(ctx context.Context, tx *store.Tx, id cpni.ID) (*Profile, int64, error) {
	return b.hold(ctx, tx, id, " FOR UPDATE")
}

// Drop forgets what this node has last seen of the customer.
func (b *Book) Drop(id cpni.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgets++
	delete(b.cache, id)
}

// lately gives what the cache has of a customer, and what keep wants to hear when it has nothing.
func (b *Book) lately(id cpni.ID) (c cached, ok bool, forgets uint64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	c, ok = b.cache[id]
	return c, ok, b.forgets
}

// keep remembers a customer as read after lately said forgets.
func (b *Book) keep(p *Profile, version int64, forgets uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := b.cache[p.ID]; ok && old.version > version {
		return
	}
	if b.forgets != forgets {
		delete(b.cache, p.ID)
		return
	}
	for id := range b.cache {
		if len(b.cache) < mostCached {
			break
		}
		delete(b.cache, id)
	}
	b.cache[p.ID] = cached{p, version}
}

const readCustomer = "SELECT version, sealed FROM customer WHERE customer_id = $1"

func (b *Book) read(ctx context.Context, id cpni.ID) (*Profile, int64, error) {
	if !id.Valid() {
		return nil, 0, ErrNoCustomer
	}
	_, _, forgets := b.lately(id)
	var version int64
	var sealed []byte
	err := b.db.Reader().QueryRow(ctx, readCustomer, string(id)).Scan(&version, &sealed)
	if err == nil {
		sealed, err = b.vault.OpenState(ctx, id, place, sealed)
	}
	p, err := profileOf(sealed, err)
	if err != nil {
		return nil, 0, err
	}
	b.keep(p, version, forgets)
	return p, version, nil
}

// hold reads a customer in tx; on PostgreSQL it locks the row as lock says, and in SQLite tx is alone anyway.
func (b *Book) hold(ctx context.Context, tx *store.Tx, id cpni.ID, lock string) (*Profile, int64, error) {
	if !id.Valid() {
		return nil, 0, ErrNoCustomer
	}
	query := readCustomer
	if tx.Dialect() == store.Postgres {
		query += lock
	}
	var version int64
	var sealed []byte
	err := tx.QueryRow(ctx, query, string(id)).Scan(&version, &sealed)
	if err == nil {
		sealed, err = b.vault.OpenStateTx(ctx, tx, id, place, sealed)
	}
	p, err := profileOf(sealed, err)
	return p, version, err
}

func profileOf(plain []byte, err error) (*Profile, error) {
	if store.IsNoRow(err) {
		return nil, ErrNoCustomer
	}
	p := &Profile{}
	if err == nil {
		err = json.Unmarshal(plain, p)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a customer: %w", err)
	}
	return p, nil
}

// Create adds a customer and says who did it. The id is made here unless given has one: then whoever asks again with it
// finds the customer who was made the first time, and nothing is made twice.
//
// cite: I-11
func (b *Book) Create(ctx context.Context, given Profile, by string) (cpni.ID, error) {
	p, err := given.copy()
	if err != nil {
		return "", err
	}
	again := p.ID != ""
	if !again {
		p.ID = cpni.NewID()
	}
	if !p.ID.Valid() {
		return "", badInput("that is no id of a customer", "leave it out")
	}
	if err := p.complete(b.clock.Now()); err != nil {
		return "", err
	}
	_, err = b.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if again {
			if _, _, err := b.hold(ctx, tx, p.ID, " FOR SHARE"); !errors.Is(err, ErrNoCustomer) {
				return nil, err
			}
		}
		if err := b.Insert(ctx, tx, p); err != nil {
			return nil, err
		}
		e, err := b.vault.Entry(ctx, tx, ledger.Entry{Customer: p.ID, Kind: ledger.Change, At: b.clock.Now(), Actor: by, Outcome: cpni.OK}, change{What: "service begins"})
		return []ledger.Entry{e}, err
	})
	if err != nil && again {
		if _, _, there := b.Get(ctx, p.ID); there == nil {
			return p.ID, nil // made by the same request, which was asked twice at once
		}
	}
	if err != nil {
		return "", plainly(err)
	}
	return p.ID, nil
}

// change is the detail of a ledger record about a customer's account.
type change struct {
	What string `json:"what"`
}

// Insert writes a completed new customer, their key and their look-ups within tx; it is the part of Create that an
// import does for many customers at once.
func (b *Book) Insert(ctx context.Context, tx *store.Tx, p *Profile) error {
	if err := p.complete(b.clock.Now()); err != nil {
		return err
	}
	if err := b.vault.NewCustomerKey(ctx, tx, p.ID); err != nil {
		return err
	}
	sealed, err := b.seal(ctx, tx, p)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO customer (customer_id, version, ended, since, sealed) VALUES ($1, 1, $2, $3, $4)", string(p.ID), micros(p.Ended), micros(p.Since), sealed); err != nil {
		return fmt.Errorf("writing a customer: %w", err)
	}
	if err := standTx(ctx, tx, nil, p); err != nil {
		return err
	}
	if err := traceTx(ctx, tx, p.ID); err != nil {
		return err
	}
	return b.relook(ctx, tx, nil, p)
}

func (b *Book) seal(ctx context.Context, tx *store.Tx, p *Profile) ([]byte, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("writing a customer: %w", err)
	}
	return b.vault.SealTx(ctx, tx, p.ID, place, plain)
}

// Change is what Update is told to record and to write along with the new profile.
type Change struct {
	Kind    ledger.Kind // Change unless set
	Actor   string
	Contact string
	What    string // in the field's words, no personal data: for instance "e-mail address added"
	Detail  any    // sealed with the record; nil: only What
	// Affirmative: the customer has said so themselves. Only then may a denial be lifted.
	Affirmative bool
	// Also writes more in the same transaction.
	Also func(ctx context.Context, tx *store.Tx, p *Profile) error
	// Alerts gives what is recorded beside the change, once Also has written; nil: nothing.
	Alerts func(ctx context.Context, tx *store.Tx, p *Profile) ([]ledger.Entry, error)
}

// ErrUnchanged is what the function given to Update answers when there is nothing to change: nothing is written then.
var ErrUnchanged = errors.New("there is nothing to change")

// Update changes a customer: do gets a copy to change and says what to record. It raises the version, so that every
// decision in flight that stood on the old one is made again. Nobody else changes the customer meanwhile; so do is quick
// and does not use the database, and it may run several times.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func (b *Book) Update(ctx context.Context, id cpni.ID, do func(p *Profile) (Change, error)) (*Profile, error) {
	var p *Profile
	var version int64
	_, _, forgets := b.lately(id)
	_, err := b.ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		p, version, entries, err = b.changeTx(ctx, tx, id, do)
		return entries, err
	})
	if errors.Is(err, ErrUnchanged) {
		return p, nil
	}
	if err != nil {
		return nil, plainly(err)
	}
	b.keep(p, version, forgets)
	return p, nil
}

// UpdateTx is Update as a part of a larger transaction, whose entries it gives. ErrUnchanged: there was nothing to change, and
// nothing was written.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func (b *Book) UpdateTx(ctx context.Context, tx *store.Tx, id cpni.ID, do func(p *Profile) (Change, error)) (*Profile, []ledger.Entry, error) {
	p, _, entries, err := b.changeTx(ctx, tx, id, do)
	return p, entries, err
}

// changeTx does what Update does within tx, and gives the version that the customer has then.
func (b *Book) changeTx(ctx context.Context, tx *store.Tx, id cpni.ID, do func(p *Profile) (Change, error)) (p *Profile, version int64, entries []ledger.Entry, err error) {
	old, version, err := b.hold(ctx, tx, id, " FOR UPDATE")
	if err != nil {
		return nil, 0, nil, err
	}
	if p, err = old.copy(); err != nil {
		return nil, 0, nil, err
	}
	c, err := do(p)
	if err != nil {
		return p, version, nil, err
	}
	p.ID = id
	if err := p.complete(b.clock.Now()); err != nil {
		return nil, 0, nil, err
	}
	if !c.Affirmative && lifts(old.Approvals, p.Approvals) {
		return nil, 0, nil, ErrImmutable
	}
	if err := b.rewrite(ctx, tx, old, p, version); err != nil {
		return nil, 0, nil, err
	}
	if c.Also != nil {
		if err := c.Also(ctx, tx, p); err != nil {
			return nil, 0, nil, err
		}
	}
	e, err := b.vault.Entry(ctx, tx, c.entry(id, b.clock.Now()), c.detail())
	if err != nil {
		return nil, 0, nil, err
	}
	entries = []ledger.Entry{e}
	if c.Alerts != nil {
		alerts, err := c.Alerts(ctx, tx, p)
		if err != nil {
			return nil, 0, nil, err
		}
		entries = append(entries, alerts...)
	}
	return p, version + 1, entries, nil
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNoCustomer):
		return ErrNoCustomer
	}
	return err
}

func (c Change) entry(of cpni.ID, at time.Time) ledger.Entry {
	kind := c.Kind
	if kind == "" {
		kind = ledger.Change
	}
	return ledger.Entry{Customer: of, Kind: kind, At: at, Actor: c.Actor, Contact: c.Contact, Outcome: cpni.OK}
}

func (c Change) detail() any {
	if c.Detail != nil {
		return c.Detail
	}
	return change{c.What}
}

// rewrite writes p in the place of old.
func (b *Book) rewrite(ctx context.Context, tx *store.Tx, old, p *Profile, version int64) error {
	sealed, err := b.seal(ctx, tx, p)
	if err != nil {
		return err
	}
	if old != nil && old.Ended.Equal(p.Ended) && old.Since.Equal(p.Since) { // the index of who is in service stays as it is
		_, err = tx.Exec(ctx, "UPDATE customer SET version = $1, sealed = $2 WHERE customer_id = $3", version+1, sealed, string(p.ID))
	} else {
		_, err = tx.Exec(ctx, "UPDATE customer SET version = $1, ended = $2, since = $3, sealed = $4 WHERE customer_id = $5", version+1, micros(p.Ended), micros(p.Since), sealed, string(p.ID))
	}
	if err != nil {
		return fmt.Errorf("changing a customer: %w", err)
	}
	if err := standTx(ctx, tx, old, p); err != nil {
		return err
	}
	if err := traceTx(ctx, tx, p.ID); err != nil {
		return err
	}
	if err := listTx(ctx, tx, old, p, b.clock.Now()); err != nil {
		return err
	}
	return b.relook(ctx, tx, old, p)
}

// lifts reports whether a change takes a denial away, makes it older than it is, or sets an express yes beside it.
//
// cite: P-14, I-14, 47 CFR 64.2007(a)(2)
func lifts(before, after []Approval) bool {
	stands := func(d Approval) bool {
		return slices.ContainsFunc(after, func(a Approval) bool { return a.Scope == d.Scope && a.State == cpni.Denied && !a.Since.Before(d.Since) })
	}
	for _, d := range before {
		if d.State != cpni.Denied {
			continue
		}
		if !stands(d) {
			return true
		}
		for _, a := range after {
			covered := a.State == cpni.OptInOK && (d.Scope == Everything || d.Scope == a.Scope)
			if covered && !slices.ContainsFunc(before, func(x Approval) bool { return x.Scope == a.Scope && x.State == a.State && x.Since.Equal(a.Since) }) {
				return true
			}
		}
	}
	return false
}

func (p *Profile) copy() (*Profile, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	c := &Profile{}
	return c, json.Unmarshal(text, c)
}

// Kinds of look-up.
const (
	ByNumber  = "number"
	ByEmail   = "email"
	ByAccount = "account"
	ByName    = "name"
)

// foundLines are the lines by whose numbers p is found: those in service, and of a test account those that it has not let go.
func (p *Profile) foundLines(now time.Time) []Line {
	if !p.Test {
		return p.LiveLines(now)
	}
	return slices.DeleteFunc(slices.Clone(p.Lines), func(l Line) bool { return !l.Removed.IsZero() })
}

// tokens gives the blind indexes under which p is found now.
func (b *Book) tokens(p *Profile, now time.Time) [][]byte {
	if p == nil {
		return nil
	}
	var all [][]byte
	add := func(kind, value string) {
		if value != "" {
			all = append(all, b.vault.BlindIndex(kind, value))
		}
	}
	for _, l := range p.foundLines(now) {
		add(ByNumber, l.Number)
	}
	for _, a := range p.Email {
		if a.Until.IsZero() {
			add(ByEmail, fold(a.Value))
		}
	}
	add(ByAccount, fold(p.Account))
	add(ByName, fold(p.Name))
	if words := strings.Fields(p.Name); len(words) > 1 {
		add(ByName, fold(words[len(words)-1]))
	}
	return all
}

// relook brings the look-ups of old to those of p. A number that another customer in service holds is refused.
func (b *Book) relook(ctx context.Context, tx *store.Tx, old, p *Profile) error {
	now := b.clock.Now()
	before, after := b.tokens(old, now), b.tokens(p, now)
	has := func(list [][]byte, token []byte) bool {
		return slices.ContainsFunc(list, func(t []byte) bool { return bytes.Equal(t, token) })
	}
	for _, t := range before {
		if !has(after, t) {
			if _, err := tx.Exec(ctx, "DELETE FROM lookup WHERE token = $1 AND customer_id = $2", t, string(p.ID)); err != nil {
				return fmt.Errorf("changing look-ups: %w", err)
			}
		}
	}
	numbers := map[string]bool{}
	for _, l := range p.foundLines(now) {
		numbers[string(b.vault.BlindIndex(ByNumber, l.Number))] = true
	}
	for _, t := range after {
		if has(before, t) {
			continue
		}
		if err := b.look(ctx, tx, t, p.ID, numbers[string(t)]); err != nil {
			return err
		}
	}
	return nil
}

// look adds a look-up. Of a number there can be one in service: of two who take it at once, the later waits for the other
// and is refused.
//
// cite: P-20, 47 CFR 64.2003(q)
func (b *Book) look(ctx context.Context, tx *store.Tx, token []byte, id cpni.ID, number bool) error {
	sole := 0
	if number {
		sole = 1
	}
	if _, err := tx.Exec(ctx, "INSERT INTO lookup (token, customer_id, sole) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", token, string(id), sole); err != nil {
		return fmt.Errorf("changing look-ups: %w", err)
	}
	if !number {
		return nil
	}
	var others int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM lookup WHERE token = $1 AND customer_id <> $2", token, string(id)).Scan(&others); err != nil {
		return fmt.Errorf("changing look-ups: %w", err)
	}
	if others > 0 {
		return ErrNumberHeld
	}
	return nil
}

// mostFound bounds an answer of Find.
const mostFound = 50

// None reports whether nobody is on the books yet. An account that never had service, such as that of a monitor, is nobody's.
func (b *Book) None(ctx context.Context) (bool, error) {
	var one int
	err := b.db.Reader().QueryRow(ctx, "SELECT 1 FROM customer WHERE ended = 0 OR ended > since LIMIT 1").Scan(&one)
	if store.IsNoRow(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for customers: %w", err)
	}
	return false, nil
}

// Find gives the customers who have this number, e-mail address, account or name.
func (b *Book) Find(ctx context.Context, kind, value string) ([]cpni.ID, error) {
	if len(value) > longestField {
		return nil, nil
	}
	if kind == ByNumber {
		n, ok := Number(value)
		if !ok {
			return nil, nil
		}
		value = n
	} else {
		value = fold(value)
	}
	rows, err := b.db.Reader().Query(ctx, "SELECT customer_id FROM lookup WHERE token = $1 ORDER BY customer_id LIMIT $2", b.vault.BlindIndex(kind, value), mostFound)
	if err != nil {
		return nil, fmt.Errorf("looking up: %w", err)
	}
	defer rows.Close()
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Search finds by whatever was typed: a number, an account, an e-mail address or a name.
func (b *Book) Search(ctx context.Context, text string) ([]cpni.ID, error) {
	for _, kind := range [...]string{ByNumber, ByAccount, ByEmail, ByName} {
		ids, err := b.Find(ctx, kind, text)
		if err != nil || len(ids) > 0 {
			return ids, err
		}
	}
	return nil, nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
