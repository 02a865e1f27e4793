// Package contact keeps the contacts between customers and the carrier, and what was proved in each.
//
// Evidence belongs to one contact and dies with it. A claim — caller ID, digits of a social security number, a birth
// date, an account number, the amount of a bill, a recent payment, a voice — is never evidence.
//
// cite: P-16, P-17, P-18, P-42, 47 CFR 64.2010
package contact

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// State is a contact: how, with whom, and what was proved in it.
type State struct {
	ID       cpni.ID      `json:"id"`
	Customer cpni.ID      `json:"customer"`
	Channel  cpni.Channel `json:"channel"`
	Agent    cpni.ID      `json:"agent,omitempty"`  // staff
	Caller   string       `json:"caller,omitempty"` // the number that was shown: a hint, never a proof
	Source   string       `json:"source,omitempty"` // where attempts come from, as a keyed hash: a network address, an IVR port
	Outbound bool         `json:"outbound,omitempty"`
	Opened   time.Time    `json:"opened"`
	Ended    time.Time    `json:"ended,omitzero"`

	Speaker  string           `json:"speaker,omitempty"` // customer, or authorised:NAME
	Evidence []rules.Evidence `json:"evidence,omitempty"`
	Claims   []string         `json:"claims,omitempty"` // what was offered that is no proof
	// Reached is where the customer was reached, by the method that reached them. What was proved by a line is worth nothing
	// once it is heard that the line was somebody else's by then.
	Reached map[cpni.Method]string `json:"reached,omitempty"`
	Code    *Code                  `json:"code,omitempty"`  // outstanding
	Codes   int                    `json:"codes,omitempty"` // sent so far
	Ring    *Ring                  `json:"ring,omitempty"`  // the call that was last asked for
	Rings   int                    `json:"rings,omitempty"` // asked for so far
	OneTime *rules.OneTimeConsent  `json:"one_time,omitempty"`
	Asked   *Asked                 `json:"asked,omitempty"`   // for a one-time consent
	Outcome Outcome                `json:"outcome,omitempty"` // of an ended contact

	active time.Time // last activity, as the row had it
}

// Code is a verification code that is out: bound to this contact and to the place it was sent to, for one use.
type Code struct {
	Hash    []byte       `json:"hash"`
	Until   time.Time    `json:"until"`
	Tries   int          `json:"tries"` // left
	To      notify.Place `json:"to"`
	Via     cpni.Via     `json:"via"`
	Place   string       `json:"place"`   // the number or address itself
	Message cpni.ID      `json:"message"` // that carries it
}

// Desk opens contacts, takes proofs and ends contacts.
type Desk struct {
	db        *store.DB
	vault     *vault.Vault
	ledger    *ledger.Ledger
	customers *customer.Book
	outbox    *notify.Outbox
	clock     cpni.Clock
	hash      *Hasher
	rules     func(time.Time) Rules
	codeKey   []byte
	heard     *heard
	rings     bool // calls are made by the switch

	mu      sync.RWMutex
	cache   map[cpni.ID]live
	forgets uint64 // how often the cache was emptied or something was dropped: what was read before is not put after
}

type live struct {
	state   *State
	version int64
	active  time.Time
}

// NewDesk makes a desk; numbers gives the figures in force at a moment.
func NewDesk(db *store.DB, v *vault.Vault, l *ledger.Ledger, customers *customer.Book, outbox *notify.Outbox, clock cpni.Clock, hash *Hasher, numbers func(time.Time) Rules) *Desk {
	d := &Desk{db: db, vault: v, ledger: l, customers: customers, outbox: outbox, clock: clock, hash: hash, rules: numbers, codeKey: v.Derive("verification codes v1"), heard: newHeard(), cache: map[cpni.ID]live{}}
	customers.WhenForgotten(d.dropAll)
	return d
}

func (d *Desk) numbers(at time.Time) Rules { return d.rules(at).complete() }

// ErrNoContact: there is no such contact.
var ErrNoContact = cpni.Rejected("NO_CONTACT", "there is no such contact", []string{"P-42"}, "open a contact with the customer first")

var errEnded = cpni.Rejected("TOKEN_SCOPE", "the contact has ended, and what was proved in it with it", []string{"P-42", "47 CFR 64.2010(a)"}, "open a new contact and verify the customer again")

const statePlace = "contact"

// What an entry about a contact is about, in the column that has the purpose of a decision.
const (
	Opened = "opened"
	Ended  = "ended"
)

// Opening is what is known when a contact begins.
type Opening struct {
	ID       cpni.ID // empty: a fresh one. Whoever asks again with it finds the contact that was opened the first time
	Customer cpni.ID
	Channel  cpni.Channel
	Agent    cpni.ID
	Caller   string
	Source   string // as it came; only its keyed hash is kept
	Outbound bool
}

// The longest that is taken of what comes from outside.
const (
	longestCaller = 64
	longestSource = 256
	longestActor  = 64
)

func (o Opening) check() *cpni.Refusal {
	switch o.Channel {
	case cpni.Phone, cpni.Store, cpni.Online, cpni.Chat, cpni.Mail:
	default:
		return reject("CHANNEL", "a contact is by phone, store, online, chat or mail", []string{"47 CFR 64.2010"}, "name one of these channels")
	}
	if o.ID != "" && !o.ID.Valid() {
		return reject("BAD_INPUT", "that is no id of a contact", nil, "leave it out")
	}
	if len(o.Caller) > longestCaller || len(o.Source) > longestSource || len(o.Agent) > longestActor {
		return reject("BAD_INPUT", "the number shown, the source or the agent's id is longer than any", nil, "give the number, the network address and the id alone")
	}
	return nil
}

// Open begins a contact with a customer.
//
// cite: P-42, I-11
func (d *Desk) Open(ctx context.Context, o Opening) (*State, error) {
	if r := o.check(); r != nil {
		return nil, r
	}
	now := d.clock.Now()
	if o.ID == "" {
		o.ID = cpni.NewTimedID(now)
	}
	s := &State{ID: o.ID, Customer: o.Customer, Channel: o.Channel, Agent: o.Agent, Caller: o.Caller, Outbound: o.Outbound, Opened: now, active: now}
	if o.Source != "" {
		s.Source = d.sourceKey(o.Source)
	}
	forgets := d.generation()
	again := false
	_, err := d.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, _, err := d.customers.ReadTx(ctx, tx, o.Customer); err != nil {
			return nil, err
		}
		sealed, err := d.seal(ctx, tx, s)
		if err != nil {
			return nil, err
		}
		r, err := tx.Exec(ctx, "INSERT INTO contact (customer_id, contact_id, version, opened, active, ended, sealed) VALUES ($1, $2, 1, $3, $3, 0, $4) ON CONFLICT DO NOTHING",
			string(s.Customer), string(s.ID), now.UnixMicro(), sealed)
		if err != nil {
			return nil, fmt.Errorf("opening a contact: %w", err)
		}
		n, err := r.RowsAffected()
		if again = err == nil && n == 0; again || err != nil {
			return nil, err
		}
		e, err := d.vault.Entry(ctx, tx, ledger.Entry{Customer: s.Customer, Kind: ledger.Contact, At: now, Actor: s.actor(), Contact: string(s.ID), Purpose: Opened, Outcome: cpni.OK},
			map[string]string{"what": Opened, "channel": string(s.Channel), "caller": s.Caller})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return nil, plainly(err)
	}
	if again {
		return d.opened(ctx, s)
	}
	d.keep(s, 1, forgets)
	return s, nil
}

// sourceKey is what is kept of where attempts come from.
func (d *Desk) sourceKey(source string) string {
	return hex.EncodeToString(d.vault.BlindIndex("source", source))
}

// opened gives the contact that was opened before as s is now.
func (d *Desk) opened(ctx context.Context, s *State) (*State, error) {
	there, _, err := d.Get(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	if there.Customer != s.Customer || there.Channel != s.Channel || there.Agent != s.Agent || there.Outbound != s.Outbound {
		return nil, reject("CONFLICT", "another contact was opened under this id", nil, "ask with a fresh idempotency key")
	}
	return there, nil
}

// actor names who acted in the contact, for the ledger.
func (s *State) actor() string {
	if s.Agent == "" {
		return Customer
	}
	return string(s.Agent)
}

// Authorised gives the name of the authorised person who has proved themselves; ok is false when it was the customer, or
// nobody.
func (s *State) Authorised() (name string, ok bool) {
	return strings.CutPrefix(s.Speaker, authorised)
}

// Speakers.
const (
	// Customer is the speaker who is the customer.
	Customer   = "customer"
	authorised = string(cpni.ToAuthorised) + ":"
)

func (d *Desk) seal(ctx context.Context, tx *store.Tx, s *State) ([]byte, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing a contact: %w", err)
	}
	return d.vault.SealTx(ctx, tx, s.Customer, statePlace+"/"+string(s.ID), plain)
}

// mostCached bounds the contacts that a node remembers.
const mostCached = 20_000

func (d *Desk) generation() uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.forgets
}

// keep remembers a contact as read after generation said forgets.
func (d *Desk) keep(s *State, version int64, forgets uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, ok := d.cache[s.ID]
	if ok && old.version > version {
		return
	}
	if d.forgets != forgets {
		delete(d.cache, s.ID)
		return
	}
	active := s.active
	if ok && old.active.After(active) {
		active = old.active
	}
	for id := range d.cache {
		if len(d.cache) < mostCached {
			break
		}
		delete(d.cache, id)
	}
	d.cache[s.ID] = live{s, version, active}
}

// Drop forgets what this node has last seen of a contact.
func (d *Desk) Drop(id cpni.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgets++
	delete(d.cache, id)
}

func (d *Desk) dropAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgets++
	clear(d.cache)
}

// Recent gives a contact as this node has last seen it, with its version for a store.Guard. It is shared: do not
// change it.
func (d *Desk) Recent(ctx context.Context, id cpni.ID) (*State, int64, error) {
	d.mu.RLock()
	l, ok := d.cache[id]
	d.mu.RUnlock()
	// One that has died here by standing idle may have been kept alive on another node.
	if ok && d.Live(l.state, d.clock.Now()) {
		return l.state, l.version, nil
	}
	return d.Get(ctx, id)
}

// Get gives a contact as it stands in the database.
func (d *Desk) Get(ctx context.Context, id cpni.ID) (*State, int64, error) {
	if !id.Valid() {
		return nil, 0, ErrNoContact
	}
	forgets := d.generation()
	var r row
	err := r.scan(d.db.Reader().QueryRow(ctx, readContact+"contact_id = $1", string(id)))
	if err == nil {
		r.sealed, err = d.vault.OpenState(ctx, r.of, statePlace+"/"+string(id), r.sealed)
	}
	s, err := r.state(err)
	if err != nil {
		return nil, 0, err
	}
	d.keep(s, r.version, forgets)
	return s, r.version, nil
}

// row is a row of the table contact.
type row struct {
	of              cpni.ID
	version, active int64
	sealed          []byte
}

const readContact = "SELECT customer_id, version, active, sealed FROM contact WHERE "

func (r *row) scan(from interface{ Scan(...any) error }) error {
	return from.Scan(&r.of, &r.version, &r.active, &r.sealed)
}

// state reads what was sealed; err is that of reading and opening it.
func (r *row) state(err error) (*State, error) {
	if store.IsNoRow(err) {
		return nil, ErrNoContact
	}
	s := &State{}
	if err == nil {
		err = json.Unmarshal(r.sealed, s)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a contact: %w", err)
	}
	s.active = time.UnixMicro(r.active).UTC()
	return s, nil
}

// hold reads a contact of a customer in tx, and keeps everybody else from it until tx ends. Whoever holds the customer
// as well does so first.
func (d *Desk) hold(ctx context.Context, tx *store.Tx, of, id cpni.ID) (*State, int64, error) {
	query := readContact + "customer_id = $1 AND contact_id = $2"
	if tx.Dialect() == store.Postgres {
		query += " FOR UPDATE"
	}
	var r row
	err := r.scan(tx.QueryRow(ctx, query, string(of), string(id)))
	if err == nil {
		r.sealed, err = d.vault.OpenStateTx(ctx, tx, of, statePlace+"/"+string(id), r.sealed)
	}
	s, err := r.state(err)
	return s, r.version, err
}

// Live reports whether a contact still runs at the moment at: not ended, not idle too long, not longer than any may be.
//
// cite: P-42, I-16
func (d *Desk) Live(s *State, at time.Time) bool {
	active := s.active
	if active.Before(s.Opened) {
		active = s.Opened
	}
	d.mu.RLock()
	if l, ok := d.cache[s.ID]; ok && l.active.After(active) {
		active = l.active
	}
	d.mu.RUnlock()
	return d.runs(s, active, at)
}

func (d *Desk) runs(s *State, active, at time.Time) bool {
	r := d.numbers(at)
	return s.Ended.IsZero() && at.Before(active.Add(r.Idle)) && at.Before(s.Opened.Add(r.Longest))
}

// touchEvery is how far the stored moment of last activity may lag.
const touchEvery = time.Minute

// Touch notes that something happened in a live contact. It does not bring one back that has ended or stood idle too long.
//
// cite: P-42, I-16
func (d *Desk) Touch(ctx context.Context, s *State, at time.Time) error {
	if !d.Live(s, at) {
		return nil
	}
	d.mu.Lock()
	l, ok := d.cache[s.ID]
	if !ok {
		l.active = s.active
	}
	stale := at.Sub(l.active) >= touchEvery
	if ok && stale {
		l.active = at
		d.cache[s.ID] = l
	}
	d.mu.Unlock()
	if !stale {
		return nil
	}
	err := d.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE contact SET active = $1 WHERE customer_id = $2 AND contact_id = $3 AND active < $1 AND active > $4 AND ended = 0",
			at.UnixMicro(), string(s.Customer), string(s.ID), at.Add(-d.numbers(at).Idle).UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("noting that a contact goes on: %w", err)
	}
	return nil
}

// act is one change of a contact: it gets the moment, a copy of the contact and the customer, none of which anybody else
// changes meanwhile, and says what to record. It may run several times.
type act func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error)

// change does one change of a live contact, together with its ledger entry, in one transaction.
//
// cite: P-42, I-16
func (d *Desk) change(ctx context.Context, of, id cpni.ID, do act) (*State, error) {
	return d.changeAny(ctx, of, id, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		if !d.runs(s, s.active, now) {
			return ledger.Entry{}, nil, errEnded
		}
		return do(ctx, tx, now, s, p)
	})
}

func (d *Desk) changeAny(ctx context.Context, of, id cpni.ID, do act) (*State, error) {
	forgets := d.generation()
	var s *State
	var version int64
	_, err := d.ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		s, version, entries, err = d.changeTx(ctx, tx, of, id, do)
		return entries, err
	})
	if err != nil {
		return nil, plainly(err)
	}
	d.keep(s, version, forgets)
	return s, nil
}

// changeTx does one change of a contact within tx, and gives what is to be recorded of it.
func (d *Desk) changeTx(ctx context.Context, tx *store.Tx, of, id cpni.ID, do act) (s *State, version int64, entries []ledger.Entry, err error) {
	p, _, err := d.customers.ReadTx(ctx, tx, of)
	if err != nil {
		return nil, 0, nil, err
	}
	if s, version, err = d.hold(ctx, tx, of, id); err != nil {
		return nil, 0, nil, err
	}
	now := d.clock.Now()
	entry, detail, err := do(ctx, tx, now, s, p)
	if err != nil {
		return nil, 0, nil, err
	}
	if d.runs(s, s.active, now) { // one that runs no longer is not kept alive by what comes too late
		s.active = now
	}
	if err := d.rewrite(ctx, tx, s, version); err != nil {
		return nil, 0, nil, err
	}
	entry.Customer, entry.Contact, entry.At, entry.Actor = of, string(id), now, s.actor()
	e, err := d.vault.Entry(ctx, tx, entry, detail)
	if err != nil {
		return nil, 0, nil, err
	}
	alerts, err := d.alerted(ctx, tx, entry, now)
	return s, version + 1, append([]ledger.Entry{e}, alerts...), err
}

// rewrite writes a contact that was held at a version.
func (d *Desk) rewrite(ctx context.Context, tx *store.Tx, s *State, version int64) error {
	sealed, err := d.seal(ctx, tx, s)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE contact SET version = $1, active = $2, ended = $3, sealed = $4 WHERE customer_id = $5 AND contact_id = $6",
		version+1, s.active.UnixMicro(), micros(s.Ended), sealed, string(s.Customer), string(s.ID)); err != nil {
		return fmt.Errorf("changing a contact: %w", err)
	}
	return nil
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, customer.ErrNoCustomer):
		return customer.ErrNoCustomer
	case errors.Is(err, errStand):
		return errStand
	}
	return err
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// errStand is what an act answers when there is nothing to do.
var errStand = errors.New("the contact stays as it is")

// Facts gives what the rules may know of the contact at the moment at, for a request about the customer asked.
//
// cite: P-42, I-16
func (d *Desk) Facts(s *State, asked cpni.ID, at time.Time) *rules.Contact {
	c := &rules.Contact{Channel: s.Channel, Live: d.Live(s, at), Outbound: s.Outbound, Same: s.Customer == asked, Speaker: s.Speaker, OneTime: s.OneTime}
	if _, ok := s.Authorised(); ok {
		c.Speaker = string(cpni.ToAuthorised) // facts hold no names
	}
	for _, e := range s.Evidence {
		if alive(e, at) {
			c.Evidence = append(c.Evidence, e)
		}
	}
	return c
}

func alive(e rules.Evidence, at time.Time) bool { return e.Until.IsZero() || at.Before(e.Until) }
