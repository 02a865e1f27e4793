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

	mu    sync.RWMutex
	cache map[cpni.ID]cached
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
)

const place = "profile"

// Get gives the customer as they stand in the database, with the version. The profile is shared: do not change it.
func (b *Book) Get(ctx context.Context, id cpni.ID) (*Profile, int64, error) {
	b.mu.RLock()
	c, ok := b.cache[id]
	b.mu.RUnlock()
	if ok {
		var version int64
		err := b.db.Reader().QueryRow(ctx, "SELECT version FROM customer WHERE customer_id = $1", string(id)).Scan(&version)
		if err == nil && version == c.version {
			return c.profile, c.version, nil
		}
		b.Drop(id)
	}
	return b.read(ctx, b.db.Reader(), nil, id)
}

// Recent gives the customer as this node has last seen them, without asking the database when it has. Whoever decides
// on it names the version in a store.Guard, which finds a stale one when the decision is committed.
func (b *Book) Recent(ctx context.Context, id cpni.ID) (*Profile, int64, error) {
	b.mu.RLock()
	c, ok := b.cache[id]
	b.mu.RUnlock()
	if ok {
		return c.profile, c.version, nil
	}
	return b.read(ctx, b.db.Reader(), nil, id)
}

// Drop forgets what this node has last seen of the customer.
func (b *Book) Drop(id cpni.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.cache, id)
}

func (b *Book) keep(p *Profile, version int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := b.cache[p.ID]; ok && old.version > version {
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

func (b *Book) read(ctx context.Context, q store.Querier, tx *store.Tx, id cpni.ID) (*Profile, int64, error) {
	var version int64
	var sealed []byte
	err := q.QueryRow(ctx, "SELECT version, sealed FROM customer WHERE customer_id = $1", string(id)).Scan(&version, &sealed)
	if store.IsNoRow(err) {
		return nil, 0, ErrNoCustomer
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading a customer: %w", err)
	}
	var plain []byte
	if tx != nil {
		plain, err = b.vault.OpenStateTx(ctx, tx, id, place, sealed)
	} else {
		plain, err = b.vault.OpenState(ctx, id, place, sealed)
	}
	if err != nil {
		return nil, 0, err
	}
	p := &Profile{}
	if err := json.Unmarshal(plain, p); err != nil {
		return nil, 0, fmt.Errorf("reading a customer: %w", err)
	}
	if tx == nil {
		b.keep(p, version)
	}
	return p, version, nil
}

// Create adds a customer, whose id is made here, and says who did it.
func (b *Book) Create(ctx context.Context, p Profile, by string) (cpni.ID, error) {
	p.ID = cpni.NewID()
	if err := p.complete(b.clock.Now()); err != nil {
		return "", err
	}
	_, err := b.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := b.Insert(ctx, tx, &p); err != nil {
			return nil, err
		}
		e, err := b.vault.Entry(ctx, tx, ledger.Entry{Customer: p.ID, Kind: ledger.Change, At: b.clock.Now(), Actor: by, Outcome: cpni.OK}, change{What: "service begins"})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return "", err
	}
	return p.ID, nil
}

// change is the detail of a ledger record about a customer's account.
type change struct {
	What string `json:"what"`
}

// complete numbers the lines and brings numbers to one form.
func (p *Profile) complete(now time.Time) error {
	if strings.TrimSpace(p.Name) == "" {
		return cpni.Rejected("BAD_INPUT", "a customer needs a name", nil, "give the name")
	}
	if p.Since.IsZero() {
		p.Since = now
	}
	next := 1
	for _, l := range p.Lines {
		next = max(next, l.No+1)
	}
	for i := range p.Lines {
		l := &p.Lines[i]
		n, ok := Number(l.Number)
		if !ok {
			return cpni.Rejected("BAD_INPUT", fmt.Sprintf("line %d has no telephone number", i+1), []string{"47 CFR 64.2003(q)"}, "write it in E.164, such as +12025550101")
		}
		l.Number = n
		if l.No == 0 {
			l.No = next
			next++
		}
		if l.Since.IsZero() {
			l.Since = p.Since
		}
	}
	for i, n := range p.ContactNumbers {
		if e, ok := Number(n); ok {
			p.ContactNumbers[i] = e
		}
	}
	return nil
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
	if _, err := tx.Exec(ctx, "INSERT INTO customer (customer_id, version, ended, sealed) VALUES ($1, 1, $2, $3)", string(p.ID), micros(p.Ended), sealed); err != nil {
		return fmt.Errorf("writing a customer: %w", err)
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
	// Also writes more in the same transaction.
	Also func(ctx context.Context, tx *store.Tx, p *Profile) error
}

var errConflict = errors.New("the customer was changed by someone else meanwhile")

// Update changes a customer: do gets a copy to change and says what to record. It raises the version, so that every
// decision in flight that stood on the old one is made again. do may run several times.
func (b *Book) Update(ctx context.Context, id cpni.ID, do func(p *Profile) (Change, error)) (*Profile, error) {
	for attempt := 0; ; attempt++ {
		p, err := b.update(ctx, id, do)
		if errors.Is(err, errConflict) && attempt < 20 {
			b.Drop(id)
			continue
		}
		return p, err
	}
}

func (b *Book) update(ctx context.Context, id cpni.ID, do func(p *Profile) (Change, error)) (*Profile, error) {
	old, version, err := b.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := old.copy()
	if err != nil {
		return nil, err
	}
	c, err := do(p)
	if err != nil {
		return nil, err
	}
	if err := p.complete(b.clock.Now()); err != nil {
		return nil, err
	}
	if c.Kind == "" {
		c.Kind = ledger.Change
	}
	_, err = b.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		sealed, err := b.seal(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		r, err := tx.Exec(ctx, "UPDATE customer SET version = version + 1, ended = $1, sealed = $2 WHERE customer_id = $3 AND version = $4", micros(p.Ended), sealed, string(id), version)
		if err != nil {
			return nil, fmt.Errorf("changing a customer: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n != 1 {
			return nil, errors.Join(errConflict, err)
		}
		if err := b.relook(ctx, tx, old, p); err != nil {
			return nil, err
		}
		if c.Also != nil {
			if err := c.Also(ctx, tx, p); err != nil {
				return nil, err
			}
		}
		detail := c.Detail
		if detail == nil {
			detail = change{c.What}
		}
		e, err := b.vault.Entry(ctx, tx, ledger.Entry{Customer: id, Kind: c.Kind, At: b.clock.Now(), Actor: c.Actor, Contact: c.Contact, Outcome: cpni.OK}, detail)
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return nil, err
	}
	b.keep(p, version+1)
	return p, nil
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
	for _, l := range p.LiveLines(now) {
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
	for _, l := range p.LiveLines(now) {
		numbers[string(b.vault.BlindIndex(ByNumber, l.Number))] = true
	}
	for _, t := range after {
		if has(before, t) {
			continue
		}
		if numbers[string(t)] {
			var n int
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM lookup WHERE token = $1 AND customer_id <> $2", t, string(p.ID)).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				return ErrNumberHeld
			}
		}
		if _, err := tx.Exec(ctx, "INSERT INTO lookup (token, customer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", t, string(p.ID)); err != nil {
			return fmt.Errorf("changing look-ups: %w", err)
		}
	}
	return nil
}

// mostFound bounds an answer of Find.
const mostFound = 50

// Find gives the customers who have this number, e-mail address, account or name.
func (b *Book) Find(ctx context.Context, kind, value string) ([]cpni.ID, error) {
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

// Forget destroys the customer's key and everything that it sealed; the ledger still verifies.
func (b *Book) Forget(ctx context.Context, id cpni.ID, by string) error {
	p, _, err := b.Get(ctx, id)
	if err != nil {
		return err
	}
	_, err = b.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		for _, t := range b.tokens(p, b.clock.Now()) {
			if _, err := tx.Exec(ctx, "DELETE FROM lookup WHERE token = $1 AND customer_id = $2", t, string(id)); err != nil {
				return nil, err
			}
		}
		for _, q := range [...]string{"DELETE FROM customer WHERE customer_id = $1", "DELETE FROM contact WHERE customer_id = $1",
			"DELETE FROM message WHERE customer_id = $1", "DELETE FROM throttle WHERE customer_id = $1"} {
			if _, err := tx.Exec(ctx, q, string(id)); err != nil {
				return nil, fmt.Errorf("forgetting a customer: %w", err)
			}
		}
		if err := b.vault.Forget(ctx, tx, id); err != nil {
			return nil, err
		}
		e, err := b.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Forget, At: b.clock.Now(), Actor: by, Outcome: cpni.OK}, struct {
			Customer cpni.ID `json:"customer"`
		}{id})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return err
	}
	b.Drop(id)
	return b.vault.Scrub(ctx, id)
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
