package matter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Register is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Customers *customer.Book
	Partners  *partner.Register
	Clock     cpni.Clock
	Numbers   func(at time.Time) Numbers
}

// Register is the register of matters.
type Register struct {
	parts Parts

	mu    sync.RWMutex
	cache map[cpni.ID]*Matter
	drops uint64 // how often something was dropped: what was read before is not kept after
}

// mostCached bounds the matters that a node remembers.
const mostCached = 10_000

// New opens the register.
func New(p Parts) *Register {
	r := &Register{parts: p, cache: map[cpni.ID]*Matter{}}
	p.Customers.WhenForgotten(r.dropAll)
	return r
}

// ErrNone: there is no such matter.
var ErrNone = errors.New("there is no such matter")

// Refusals.
var (
	errReference = cpni.Rejected("CONFLICT", "an open matter of this kind has this number already", []string{"P-28"}, "work on that one, or close it first", "give the number of the other matter")
	errPorting   = cpni.Rejected("CONFLICT", "a port of this number runs already", []string{"P-33", "47 USC 222(b)"}, "work on that port, or close it first")
	errAgain     = cpni.Rejected("IDEMPOTENCY", "another matter was opened under this key", []string{"P-28"}, "use a fresh key for another matter")
	errNoLine    = cpni.Rejected("BAD_INPUT", "a line of the matter is none of the customer's", []string{"P-33", "47 USC 222(c)(1)"}, "name lines of this customer, or none for all of them")
	errVendor    = cpni.Rejected("VENDOR", "no vendor of this id is on the register with an agreement in force that says by when it destroys what it was given", []string{"P-35", "P-41", "47 USC 222(d)(1)"},
		"have compliance put the agreement and the day of destruction on the register", "place the account with a vendor who has both")
	errOverdue = cpni.Rejected("VENDOR", "the day by which the vendor had to destroy what it was given has passed, and no certificate is held", []string{"P-35", "P-41", "47 CFR 64.2009(c)"}, "obtain the certificate of destruction first")
	errClosed  = cpni.Rejected("CONFLICT", "the matter is closed, and stays as it is", []string{"P-34"}, "open another when the work goes on")
	errReason  = cpni.Rejected("REASON", "a matter is closed with a reason", []string{"P-28"}, "say what came of it, in at most 1,000 bytes")
	errNote    = cpni.Rejected("BAD_INPUT", "there is no note, or it is longer than 1,000 bytes", nil, "write a shorter one")
	errOutcome = cpni.Rejected("BAD_INPUT", "that is no outcome of a matter", nil, "say done, cancelled or unfounded")
)

// Open opens a matter. Opened again under its id it is there once. Whether the opener may is for the faces to say: Kind.Right.
//
// A port out is written into the customer's profile in the same transaction: from then on no decision that stands on the
// profile of before is recorded, and no marketing of that number is permitted.
//
// cite: P-28, P-30, P-31, P-33, P-34, P-35, I-11, 47 USC 222(b), 47 USC 222(c)(1), 47 USC 222(d)
func (r *Register) Open(ctx context.Context, o Opening) (*Matter, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	now := r.parts.Clock.Now()
	if o.ID == "" {
		o.ID = cpni.NewTimedID(now)
	}
	m := &Matter{ID: o.ID, Kind: o.Kind, State: Open, Opened: now, Opener: o.By, Touched: now, Partner: o.Partner, Data: o.Data, Customers: o.About,
		Text: Text{Reference: o.Reference, Why: o.Why, Carrier: o.Carrier, Alert: o.Alert}, version: 1}
	_, err := r.parts.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) { return r.open(ctx, tx, m) })
	if errors.Is(err, errThere) {
		return r.again(ctx, m)
	}
	if err != nil {
		return nil, plainly(err)
	}
	for _, a := range m.Customers {
		if m.Kind == PortOut {
			r.parts.Customers.Drop(a.Customer)
		}
	}
	return m, nil
}

// errThere: the matter was opened before.
var errThere = errors.New("the matter is there already")

// again gives a matter that was opened before under the id of m, when it is the same.
func (r *Register) again(ctx context.Context, m *Matter) (*Matter, error) {
	old, err := r.Get(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	same := old.Kind == m.Kind && old.Opener == m.Opener && old.Partner == m.Partner && len(old.Customers) == len(m.Customers) && (old.Unread || old.Text == m.Text)
	for i := range old.Customers {
		same = same && old.Customers[i].Customer == m.Customers[i].Customer
	}
	if !same {
		return nil, errAgain
	}
	return old, nil
}

func (r *Register) open(ctx context.Context, tx *store.Tx, m *Matter) ([]ledger.Entry, error) {
	if err := r.vendor(ctx, tx, m); err != nil {
		return nil, err
	}
	var entries []ledger.Entry
	var keys []cpni.ID
	for _, a := range m.Customers {
		some, err := r.openFor(ctx, tx, m, a)
		if err != nil {
			return nil, err
		}
		entries, keys = append(entries, some...), append(keys, a.Customer)
	}
	text, err := json.Marshal(m.Text)
	if err != nil {
		return nil, fmt.Errorf("writing a matter: %w", err)
	}
	sealed, err := r.seal(ctx, tx, keys, place(m.ID), text)
	if err != nil {
		return nil, err
	}
	done, err := tx.Exec(ctx, `INSERT INTO matter (matter_id, version, kind, state, opened, opener, touched, reminded, closed, closer, outcome, partner, data, token, sealed)
		VALUES ($1, 1, $2, 'open', $3, $4, $3, 0, 0, '', '', $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		string(m.ID), string(m.Kind), m.Opened.UnixMicro(), m.Opener, m.Partner, joined(m.Data), r.token(m.Kind, m.Reference), sealed)
	if err != nil {
		return nil, fmt.Errorf("writing a matter: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil {
		return nil, err
	} else if n == 0 {
		var some int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM matter WHERE matter_id = $1", string(m.ID)).Scan(&some); err != nil {
			return nil, fmt.Errorf("reading a matter: %w", err)
		}
		if some > 0 {
			return nil, errThere
		}
		return nil, errReference
	}
	for _, a := range m.Customers {
		lines, err := json.Marshal(a.Lines)
		if err != nil {
			return nil, fmt.Errorf("writing a matter: %w", err)
		}
		sealed, err := r.parts.Vault.SealTx(ctx, tx, a.Customer, linesPlace(m.ID), lines)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO matter_about (customer_id, matter_id, sealed) VALUES ($1, $2, $3)", string(a.Customer), string(m.ID), sealed); err != nil {
			return nil, fmt.Errorf("writing a matter: %w", err)
		}
	}
	return entries, r.step(ctx, tx, m, m.Opener, "opened", "")
}

// openFor looks whether the matter can be about a customer, has their profile know of a port, and gives the entry.
func (r *Register) openFor(ctx context.Context, tx *store.Tx, m *Matter, a About) ([]ledger.Entry, error) {
	if m.Kind != PortOut {
		p, _, err := r.parts.Customers.ReadTx(ctx, tx, a.Customer)
		if err != nil {
			return nil, err
		}
		if m.Kind != PortIn { // a number that comes to us is not a line yet
			for _, l := range a.Lines {
				if !has(p, l) {
					return nil, errNoLine
				}
			}
		}
		e, err := r.parts.Vault.Entry(ctx, tx, ledger.Entry{Customer: a.Customer, Kind: ledger.Change, At: m.Opened, Actor: m.Opener, Outcome: cpni.OK}, r.detail(m, "opened"))
		return []ledger.Entry{e}, err
	}
	_, entries, err := r.parts.Customers.UpdateTx(ctx, tx, a.Customer, func(p *customer.Profile) (customer.Change, error) {
		for _, l := range a.Lines {
			if _, live := p.LineOf(l, m.Opened); !live {
				return customer.Change{}, errNoLine
			}
			if p.Porting(l) {
				return customer.Change{}, errPorting
			}
			p.PortBegins(m.ID, l, m.Opened)
		}
		return customer.Change{Actor: m.Opener, Detail: r.detail(m, "opened")}, nil
	})
	return entries, err
}

func has(p *customer.Profile, number string) bool {
	for _, l := range p.Lines {
		if l.Number == number {
			return true
		}
	}
	return false
}

// vendor looks whether the vendor of a placement may be given anything.
//
// cite: P-35, P-41, 47 USC 222(d)(1)
func (r *Register) vendor(ctx context.Context, tx *store.Tx, m *Matter) error {
	if m.Kind != Collection {
		return nil
	}
	p, version, err := r.parts.Partners.Get(ctx, m.Partner)
	if errors.Is(err, partner.ErrNoPartner) {
		return errVendor
	}
	if err != nil {
		return err
	}
	stale, err := tx.CheckGuards(ctx, []store.Guard{{Table: "partner", Key: m.Partner, Version: version}})
	if err != nil {
		return err
	}
	f := p.Facts(m.Customers[0].Customer)
	switch {
	case stale[0]:
		return cpni.Rejected("BUSY", "what the register says of the vendor is being changed", nil, "try again in a moment")
	case !f.Agreement || !m.Opened.Before(f.Until) || f.DestroyBy.IsZero():
		return errVendor
	case !m.Opened.Before(f.DestroyBy) && !f.DestroyProof:
		return errOverdue
	}
	return nil
}

// detail is what the ledger keeps, sealed, of what became of a matter.
func (r *Register) detail(m *Matter, what string) map[string]string {
	d := map[string]string{"what": "matter " + what, "matter": string(m.ID), "kind": string(m.Kind), "data": joined(m.Data)}
	if m.Partner != "" {
		d["partner"] = m.Partner
	}
	if m.Alert != "" {
		d["alert"] = string(m.Alert)
	}
	return d
}

// token is the keyed index of a number of the carrier's own system.
func (r *Register) token(k Kind, reference string) []byte {
	return r.parts.Vault.BlindIndex("matter "+string(k), strings.ToLower(oneLine(reference)))
}

func place(id cpni.ID) string      { return "matter/" + string(id) }
func linesPlace(id cpni.ID) string { return "matter-lines/" + string(id) }

// seal seals a text under the keys of several customers, one around the other: it goes when one of them is forgotten.
//
// cite: I-21
func (r *Register) seal(ctx context.Context, tx *store.Tx, keys []cpni.ID, place string, text []byte) ([]byte, error) {
	var err error
	for _, of := range keys {
		if text, err = r.parts.Vault.SealTx(ctx, tx, of, place, text); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// unseal opens what seal has sealed; nil when one of the customers was forgotten.
func (r *Register) unseal(ctx context.Context, keys []cpni.ID, place string, sealed []byte) ([]byte, error) {
	var err error
	for i := len(keys) - 1; i >= 0; i-- {
		sealed, err = r.parts.Vault.OpenState(ctx, keys[i], place, sealed)
		if errors.Is(err, vault.ErrForgotten) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return sealed, nil
}

func joined(all []cpni.DataClass) string {
	text := make([]string, len(all))
	for i, c := range all {
		text[i] = string(c)
	}
	return strings.Join(text, " ")
}

func split(text string) []cpni.DataClass {
	var all []cpni.DataClass
	for _, w := range strings.Fields(text) {
		all = append(all, cpni.DataClass(w))
	}
	return all
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNone):
		return ErrNone
	case errors.Is(err, customer.ErrNoCustomer), errors.Is(err, vault.ErrForgotten):
		return customer.ErrNoCustomer
	}
	return err
}
