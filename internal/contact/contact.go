// Package contact keeps the contacts between customers and the carrier, and what was proved in each.
//
// Evidence belongs to one contact and dies with it. A claim — caller ID, digits of a social security number, a birth
// date, an account number, the amount of a bill, a recent payment, a voice — is never evidence.
//
// cite: P-16, P-17, P-18, P-42, 47 CFR 64.2010
package contact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Rules are the dated numbers of contacts and proofs.
type Rules struct {
	Secrets            SecretRules
	Customer, Source   ThrottleRules
	Idle, Longest      time.Duration // after which a contact ends by itself
	CodeLife           time.Duration
	CodeTries          int
	WrittenDigits      int
	SpokenDigits       int
	AddressOfRecordAge time.Duration
	DisturbedLine      time.Duration // for which a ported, forwarded or re-SIMmed line is no proof
}

// State is a contact: how, with whom, and what was proved in it.
type State struct {
	ID       cpni.ID      `json:"id"`
	Customer cpni.ID      `json:"customer"`
	Channel  cpni.Channel `json:"channel"`
	Agent    cpni.ID      `json:"agent,omitempty"`  // staff
	Caller   string       `json:"caller,omitempty"` // the number that was shown: a hint, never a proof
	Source   string       `json:"source,omitempty"` // where attempts come from, hashed: a network address, an IVR port
	Outbound bool         `json:"outbound,omitempty"`
	Opened   time.Time    `json:"opened"`
	Ended    time.Time    `json:"ended,omitzero"`

	Speaker  string                `json:"speaker,omitempty"` // customer, or authorised:NAME
	Evidence []rules.Evidence      `json:"evidence,omitempty"`
	Claims   []string              `json:"claims,omitempty"` // what was offered that is no proof
	Code     *Code                 `json:"code,omitempty"`   // outstanding
	OneTime  *rules.OneTimeConsent `json:"one_time,omitempty"`
}

// Code is a verification code that is out: bound to this contact, for one use.
type Code struct {
	Hash  []byte    `json:"hash"`
	Until time.Time `json:"until"`
	Tries int       `json:"tries"` // left
	To    string    `json:"to"`    // postal, email or line
}

// Desk opens contacts, takes proofs and ends contacts.
type Desk struct {
	db        *store.DB
	vault     *vault.Vault
	ledger    *ledger.Ledger
	customers *customer.Book
	clock     cpni.Clock
	hash      *Hasher
	rules     func(time.Time) Rules
	codeKey   []byte

	mu    sync.RWMutex
	cache map[cpni.ID]live
}

type live struct {
	state   *State
	version int64
	active  time.Time
}

// NewDesk makes a desk; numbers gives the figures in force at a moment.
func NewDesk(db *store.DB, v *vault.Vault, l *ledger.Ledger, customers *customer.Book, clock cpni.Clock, hash *Hasher, numbers func(time.Time) Rules) *Desk {
	return &Desk{db: db, vault: v, ledger: l, customers: customers, clock: clock, hash: hash, rules: numbers, codeKey: v.Derive("verification codes v1"), cache: map[cpni.ID]live{}}
}

// ErrNoContact: there is no such contact.
var ErrNoContact = cpni.Rejected("NO_CONTACT", "there is no such contact", []string{"P-42"}, "open a contact with the customer first")

var errEnded = cpni.Rejected("TOKEN_SCOPE", "the contact has ended, and what was proved in it with it", []string{"P-42", "47 CFR 64.2010(a)"}, "open a new contact and verify the customer again")

const statePlace = "contact"

// Opening is what is known when a contact begins.
type Opening struct {
	Customer cpni.ID
	Channel  cpni.Channel
	Agent    cpni.ID
	Caller   string
	Source   string
	Outbound bool
}

// Open begins a contact with a customer.
//
// cite: P-42
func (d *Desk) Open(ctx context.Context, o Opening) (*State, error) {
	switch o.Channel {
	case cpni.Phone, cpni.Store, cpni.Online, cpni.Chat, cpni.Mail:
	default:
		return nil, cpni.Rejected("CHANNEL", "a contact is by phone, store, online, chat or mail", []string{"47 CFR 64.2010"}, "name one of these channels")
	}
	if _, _, err := d.customers.Get(ctx, o.Customer); err != nil {
		return nil, err
	}
	now := d.clock.Now()
	s := &State{ID: cpni.NewTimedID(now), Customer: o.Customer, Channel: o.Channel, Agent: o.Agent, Caller: o.Caller, Source: o.Source, Outbound: o.Outbound, Opened: now}
	_, err := d.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		sealed, err := d.seal(ctx, s)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO contact (customer_id, contact_id, version, opened, active, ended, sealed) VALUES ($1, $2, 1, $3, $3, 0, $4)",
			string(s.Customer), string(s.ID), now.UnixMicro(), sealed); err != nil {
			return nil, fmt.Errorf("opening a contact: %w", err)
		}
		e, err := d.vault.Entry(ctx, nil, ledger.Entry{Customer: s.Customer, Kind: ledger.Contact, At: now, Actor: string(s.Agent), Contact: string(s.ID), Outcome: cpni.OK},
			map[string]string{"what": "opened", "channel": string(s.Channel), "caller": s.Caller})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return nil, err
	}
	d.keep(s, 1, now)
	return s, nil
}

func (d *Desk) seal(ctx context.Context, s *State) ([]byte, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return d.vault.Seal(ctx, s.Customer, statePlace+"/"+string(s.ID), plain)
}

// mostCached bounds the contacts that a node remembers.
const mostCached = 20_000

func (d *Desk) keep(s *State, version int64, active time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
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
	delete(d.cache, id)
}

// Recent gives a contact as this node has last seen it, with its version for a store.Guard. It is shared: do not
// change it.
func (d *Desk) Recent(ctx context.Context, id cpni.ID) (*State, int64, error) {
	d.mu.RLock()
	l, ok := d.cache[id]
	d.mu.RUnlock()
	if ok {
		return l.state, l.version, nil
	}
	return d.Get(ctx, id)
}

// Get gives a contact as it stands in the database.
func (d *Desk) Get(ctx context.Context, id cpni.ID) (*State, int64, error) {
	var of cpni.ID
	var version, active int64
	var sealed []byte
	err := d.db.Reader().QueryRow(ctx, "SELECT customer_id, version, active, sealed FROM contact WHERE contact_id = $1", string(id)).Scan(&of, &version, &active, &sealed)
	if store.IsNoRow(err) {
		return nil, 0, ErrNoContact
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading a contact: %w", err)
	}
	plain, err := d.vault.OpenState(ctx, of, statePlace+"/"+string(id), sealed)
	if err != nil {
		return nil, 0, err
	}
	s := &State{}
	if err := json.Unmarshal(plain, s); err != nil {
		return nil, 0, fmt.Errorf("reading a contact: %w", err)
	}
	d.keep(s, version, time.UnixMicro(active).UTC())
	return s, version, nil
}

// Live reports whether a contact still runs at the moment at: not ended, not idle too long, not longer than any may be.
//
// cite: P-42
func (d *Desk) Live(s *State, at time.Time) bool {
	r := d.rules(at)
	active := s.Opened
	d.mu.RLock()
	if l, ok := d.cache[s.ID]; ok && l.active.After(active) {
		active = l.active
	}
	d.mu.RUnlock()
	return s.Ended.IsZero() && at.Before(active.Add(r.Idle)) && at.Before(s.Opened.Add(r.Longest))
}

// touchEvery is how far the stored moment of last activity may lag.
const touchEvery = time.Minute

// Touch notes that something happened in a live contact.
func (d *Desk) Touch(ctx context.Context, s *State, at time.Time) error {
	d.mu.Lock()
	l, ok := d.cache[s.ID]
	stale := ok && at.Sub(l.active) >= touchEvery
	if stale {
		l.active = at
		d.cache[s.ID] = l
	}
	d.mu.Unlock()
	if !stale {
		return nil
	}
	return d.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE contact SET active = $1 WHERE customer_id = $2 AND contact_id = $3 AND active < $1", at.UnixMicro(), string(s.Customer), string(s.ID))
		return err
	})
}

var errConflict = errors.New("the contact was changed meanwhile")

// change writes a changed copy of a contact together with a ledger entry and whatever also writes.
func (d *Desk) change(ctx context.Context, id cpni.ID, do func(s *State) (ledger.Entry, any, error), also func(*store.Tx, *State) error) (*State, error) {
	for attempt := 0; ; attempt++ {
		s, err := d.tryChange(ctx, id, do, also)
		if errors.Is(err, errConflict) && attempt < 20 {
			d.Drop(id)
			continue
		}
		return s, err
	}
}

func (d *Desk) tryChange(ctx context.Context, id cpni.ID, do func(s *State) (ledger.Entry, any, error), also func(*store.Tx, *State) error) (*State, error) {
	old, version, err := d.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(old)
	if err != nil {
		return nil, err
	}
	s := &State{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, err
	}
	entry, detail, err := do(s)
	if err != nil {
		return nil, err
	}
	now := d.clock.Now()
	entry.Customer, entry.Contact, entry.At = s.Customer, string(s.ID), now
	if entry.Actor == "" {
		entry.Actor = string(s.Agent)
	}
	_, err = d.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		sealed, err := d.seal(ctx, s)
		if err != nil {
			return nil, err
		}
		ended := int64(0)
		if !s.Ended.IsZero() {
			ended = s.Ended.UnixMicro()
		}
		r, err := tx.Exec(ctx, "UPDATE contact SET version = version + 1, active = $1, ended = $2, sealed = $3 WHERE customer_id = $4 AND contact_id = $5 AND version = $6",
			now.UnixMicro(), ended, sealed, string(s.Customer), string(s.ID), version)
		if err != nil {
			return nil, fmt.Errorf("changing a contact: %w", err)
		}
		if n, err := r.RowsAffected(); err != nil || n != 1 {
			return nil, errors.Join(errConflict, err)
		}
		if also != nil {
			if err := also(tx, s); err != nil {
				return nil, err
			}
		}
		e, err := d.vault.Entry(ctx, nil, entry, detail)
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return nil, err
	}
	d.keep(s, version+1, now)
	return s, nil
}

// End ends a contact: from then on nothing that was proved in it counts.
//
// cite: P-42
func (d *Desk) End(ctx context.Context, id cpni.ID) error {
	_, err := d.change(ctx, id, func(s *State) (ledger.Entry, any, error) {
		if s.Ended.IsZero() {
			s.Ended = d.clock.Now()
		}
		s.Code = nil
		return ledger.Entry{Kind: ledger.Contact, Outcome: cpni.OK}, map[string]string{"what": "ended"}, nil
	}, nil)
	return err
}

// Facts gives what the rules may know of the contact at the moment at, for a request about the customer asked.
//
// cite: P-42
func (d *Desk) Facts(s *State, asked cpni.ID, at time.Time) *rules.Contact {
	c := &rules.Contact{Channel: s.Channel, Live: d.Live(s, at), Outbound: s.Outbound, Same: s.Customer == asked, Speaker: s.Speaker, OneTime: s.OneTime}
	for _, e := range s.Evidence {
		if e.Until.IsZero() || at.Before(e.Until) {
			c.Evidence = append(c.Evidence, e)
		}
	}
	return c
}
