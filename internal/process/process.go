// Package process keeps the files of legal process: subpoenas, court orders, warrants and whatever else commands a carrier to give
// customers' information. Each paper is taken in by one person, read by another who may narrow it, and answered through the one
// door, which asks this register what the paper covers. Nothing is released beyond that, and nothing because it is late.
//
// Where a paper forbids to tell the customer, neither the accounting nor a message does, until the order ends; then both do by
// themselves.
//
// cite: P-29, P-36, P-41, 47 USC 222(c)(1)
package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Register is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Policy    *rulebook.Book
	Customers *customer.Book
	Contacts  *contact.Desk
	Staff     *staff.Register
	Door      *disclose.Door
	Outbox    *notify.Outbox
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it decides days and months
	Carrier   string         // its name
	Head      []string       // what stands under it on letters
}

// Register is the register of legal process.
type Register struct{ Parts }

// New opens the register.
func New(p Parts) *Register { return &Register{p} }

// State is where a process stands.
type State string

// The states.
const (
	Entered   State = "entered"   // taken in; somebody else has to read it
	Approved  State = "approved"  // read, and to be answered within its scope
	Rejected  State = "rejected"  // read, and not to be answered
	Withdrawn State = "withdrawn" // by who issued it
	Quashed   State = "quashed"   // by a court
	Answered  State = "answered"  // closed: nothing more is released
)

// States lists them in the order in which screens show them.
var States = []State{Entered, Approved, Answered, Rejected, Withdrawn, Quashed}

// LawEnforcement is Process.To of one that an agency or a court is answered by; of another it is the name of the party.
const LawEnforcement = string(cpni.ToLawEnforcement)

// Process is one file.
type Process struct {
	ID       cpni.ID   `json:"-"`
	Version  int64     `json:"-"`
	State    State     `json:"-"`
	Kind     string    `json:"-"` // as the policy calls it: rules.ProcessKind
	Received time.Time `json:"-"`
	Due      time.Time `json:"-"` // when it should be answered
	Until    time.Time `json:"-"` // the first moment at which it is no longer in force
	Changed  time.Time `json:"-"`
	Late     bool      `json:"-"` // an alert was raised
	Silence  Silence   `json:"-"`

	Number  string    `json:"number"`          // of the paper
	Issuer  string    `json:"issuer"`          // who signed it
	Court   string    `json:"court,omitempty"` // in whose name
	To      string    `json:"to"`              // LawEnforcement, or the name of the party to whom the paper commands to answer
	Officer string    `json:"officer"`         // who takes the answer
	Address string    `json:"address"`         // where, in one line
	Key     string    `json:"key,omitempty"`   // age1…: packages are encrypted to it; "" they are not
	Issued  time.Time `json:"issued"`
	From    time.Time `json:"from"` // the first moment at which it is in force

	Asked Scope `json:"asked"` // what the paper commands
	Scope Scope `json:"scope"` // what is answered, once it was read

	Named []cpni.ID `json:"named,omitempty"` // who may know of it, while it forbids to tell the customer

	TakenBy    cpni.ID   `json:"taken_by"`
	ReviewedBy cpni.ID   `json:"reviewed_by,omitempty"`
	ReviewedAt time.Time `json:"reviewed_at,omitzero"`
	Reason     string    `json:"reason,omitempty"` // why it was narrowed, rejected or ended
	First      time.Time `json:"first,omitzero"`   // no release before: the customer was told first, and has time to go to court

	Subjects []Subject `json:"-"`
}

// Scope is what a process covers.
type Scope struct {
	Subjects []int            `json:"subjects"` // numbers of Process.Subjects
	Data     []cpni.DataClass `json:"data"`
	From     time.Time        `json:"from"`  // the first moment of what is asked for
	Until    time.Time        `json:"until"` // the first moment after the last
}

// Subject is a customer or a number whose information a process asks for.
type Subject struct {
	No       int     `json:"-"`
	Customer cpni.ID `json:"-"`                // "" nobody of ours
	Says     string  `json:"says"`             // as the paper has it: a number, an account or an id
	Number   string  `json:"number,omitempty"` // E.164; "" all of the customer's lines

	Forgotten bool `json:"-"` // the customer's key is destroyed, and what the paper says of them with it
}

// Silence is whether a process forbids to tell the customer.
//
// cite: P-29
type Silence struct {
	Ordered bool
	Until   time.Time // the first moment at which the customer may be told; zero while it stands without an end
	Looked  time.Time // when one without an end was last looked at
}

// Now reports whether the customer must not be told at a moment.
func (s Silence) Now(at time.Time) bool {
	return s.Ordered && (s.Until.IsZero() || at.Before(s.Until))
}

// open stands in the table for silence without an end.
const open = math.MaxInt64

func (s Silence) stored() int64 {
	switch {
	case !s.Ordered:
		return 0
	case s.Until.IsZero():
		return open
	}
	return s.Until.UnixMicro()
}

func silenceOf(stored, looked int64) Silence {
	s := Silence{Ordered: stored != 0}
	if stored != 0 && stored != open {
		s.Until = time.UnixMicro(stored).UTC()
	}
	if looked != 0 {
		s.Looked = time.UnixMicro(looked).UTC()
	}
	return s
}

// Expired reports whether the process is no longer in force at a moment.
func (p *Process) Expired(at time.Time) bool { return !at.Before(p.Until) }

// Stands reports whether the process is to be answered at a moment: somebody has read it, it is in force, and it was neither ended
// nor closed.
//
// cite: P-29, 47 USC 222(c)(1)
func (p *Process) Stands(at time.Time) bool {
	return p.State == Approved && !at.Before(p.From) && !p.Expired(at)
}

// Subject gives a subject by its number; nil: there is none.
func (p *Process) Subject(no int) *Subject {
	for i := range p.Subjects {
		if p.Subjects[i].No == no {
			return &p.Subjects[i]
		}
	}
	return nil
}

// Recipient is Process.To in the words of disclose.Request.
func (p *Process) Recipient() string {
	if p.To == LawEnforcement {
		return p.To
	}
	return string(cpni.ToDesignee) + ":" + p.To
}

// Sees reports whether a member of the staff may know of a process: whose work it is, and of one that forbids to tell the customer
// only those who are named in it.
//
// cite: P-29, P-37, 47 CFR 64.2010(a)
func (p *Process) Sees(m *staff.Member, at time.Time) bool {
	return m.May(staff.AnswerProcess) && (!p.Silence.Now(at) || slices.Contains(p.Named, m.ID))
}

// KeptUntil gives the first moment at which the file need no longer be kept.
//
// cite: P-41, 47 CFR 64.2009(c)
func (r *Register) KeptUntil(p *Process) time.Time {
	months := 0
	for _, k := range r.Policy.Numbers(r.Clock.Now()).ProcessKinds() {
		if months = max(months, k.KeepMonths); k.Name == p.Kind {
			months = k.KeepMonths
			break
		}
	}
	return p.Changed.In(r.Zone).AddDate(0, months, 0).UTC()
}

// ErrNone: there is no such process that whoever asks may know of.
var ErrNone = errors.New("there is no such legal process")

// Refusals of the register.
const (
	codeProcess cpni.Code = "PROCESS"
)

func bad(says string, next ...string) error {
	return cpni.Rejected("BAD_INPUT", says, []string{"P-29", "47 USC 222(c)(1)"}, next...)
}

func refuse(says string, next ...string) error {
	return cpni.Rejected(codeProcess, says, []string{"P-29", "47 USC 222(c)(1)"}, next...)
}

func place(id cpni.ID) string                { return "process/" + string(id) }
func subjectPlace(id cpni.ID, no int) string { return fmt.Sprintf("process-subject/%s/%d", id, no) }
func eventPlace(id cpni.ID, n int) string    { return fmt.Sprintf("process-event/%s/%d", id, n) }
func paperPlace(id cpni.ID, n int) string    { return fmt.Sprintf("process-paper/%s/%d", id, n) }

const columns = "process_id, version, kind, state, received, due, ends, silent, looked, late, changed, sealed"

// row is a process as it lies.
type row struct {
	Process
	sealed []byte
}

func scanRow(scan func(...any) error) (row, error) {
	var r row
	var received, due, ends, silent, looked, late, changed int64
	err := scan(&r.ID, &r.Version, &r.Kind, &r.State, &received, &due, &ends, &silent, &looked, &late, &changed, &r.sealed)
	moment := func(n int64) time.Time { return time.UnixMicro(n).UTC() }
	r.Received, r.Due, r.Until, r.Changed, r.Late, r.Silence = moment(received), moment(due), moment(ends), moment(changed), late != 0, silenceOf(silent, looked)
	return r, err
}

// opener opens what is sealed, in a transaction or outside one.
type opener func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error)

func (r *Register) in(tx *store.Tx) opener {
	return func(ctx context.Context, of cpni.ID, what string, sealed []byte) ([]byte, error) {
		return r.Vault.OpenStateTx(ctx, tx, of, what, sealed)
	}
}

// opened opens a process with its subjects.
func (r *Register) opened(ctx context.Context, q store.Querier, open opener, x row) (*Process, error) {
	plain, err := open(ctx, "", place(x.ID), x.sealed)
	if err == nil {
		err = json.Unmarshal(plain, &x.Process)
	}
	if err != nil {
		return nil, fmt.Errorf("reading legal process: %w", err)
	}
	rows, err := q.Query(ctx, "SELECT customer_id, no, sealed FROM process_subject WHERE process_id = $1 ORDER BY no", string(x.ID))
	if err != nil {
		return nil, fmt.Errorf("reading whom legal process is about: %w", err)
	}
	defer rows.Close()
	var sealed [][]byte
	for rows.Next() {
		var s Subject
		var b []byte
		if err := rows.Scan(&s.Customer, &s.No, &b); err != nil {
			return nil, err
		}
		x.Subjects, sealed = append(x.Subjects, s), append(sealed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading whom legal process is about: %w", err)
	}
	for i := range x.Subjects {
		s := &x.Subjects[i]
		plain, err := open(ctx, s.Customer, subjectPlace(x.ID, s.No), sealed[i])
		if errors.Is(err, vault.ErrForgotten) {
			s.Forgotten = true
			continue
		}
		if err == nil {
			err = json.Unmarshal(plain, s)
		}
		if err != nil {
			return nil, fmt.Errorf("reading whom legal process is about: %w", err)
		}
	}
	return &x.Process, nil
}

// read reads a process, whoever asks.
func (r *Register) read(ctx context.Context, id cpni.ID) (*Process, error) {
	x, err := scanRow(r.DB.Reader().QueryRow(ctx, "SELECT "+columns+" FROM process WHERE process_id = $1", string(id)).Scan)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading legal process: %w", err)
	}
	return r.opened(ctx, r.DB.Reader(), r.Vault.OpenState, x)
}

// One gives a process to a member of the staff who may know of it.
//
// cite: P-29, P-37, 47 CFR 64.2010(a)
func (r *Register) One(ctx context.Context, id, by cpni.ID) (*Process, error) {
	p, err := r.read(ctx, id)
	if err != nil {
		return nil, err
	}
	return p, r.admits(ctx, p, by)
}

// admits refuses whoever may not know of a process, and says no more than that there is none.
func (r *Register) admits(ctx context.Context, p *Process, by cpni.ID) error {
	m, _, err := r.Staff.Get(ctx, by)
	if err != nil {
		return err
	}
	if refusal := m.Barred(staff.AnswerProcess); refusal != nil {
		return refusal
	}
	if !p.Sees(m, r.Clock.Now()) {
		return ErrNone
	}
	return nil
}

// Query says which processes List gives.
type Query struct {
	State  State   // "" in any
	Kind   string  // "" of any
	Before cpni.ID // only what was filed before this one: the cursor
	Limit  int     // at most so many; 0 for 50
}

const (
	usualListed = 50
	mostListed  = 500
	rowsAtOnce  = 100
)

// List gives the processes that a member of the staff may know of, the newest first, and the cursor of the next page; "" there is
// none.
//
// cite: P-29, P-37, P-41, 47 CFR 64.2010(a)
func (r *Register) List(ctx context.Context, by cpni.ID, q Query) (all []*Process, next cpni.ID, err error) {
	m, _, err := r.Staff.Get(ctx, by)
	if err != nil {
		return nil, "", err
	}
	if refusal := m.Barred(staff.AnswerProcess); refusal != nil {
		return nil, "", refusal
	}
	if q.Limit <= 0 {
		q.Limit = usualListed
	}
	q.Limit = min(q.Limit, mostListed)
	now := r.Clock.Now()
	cursor := q.Before
	if cursor == "" {
		cursor = "~" // sorts behind every id
	}
	for {
		rows, err := r.rows(ctx, r.DB.Reader(), "process_id < $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR kind = $3) ORDER BY process_id DESC LIMIT $4", string(cursor), string(q.State), q.Kind, rowsAtOnce)
		if err != nil {
			return nil, "", err
		}
		for _, x := range rows {
			p, err := r.opened(ctx, r.DB.Reader(), r.Vault.OpenState, x)
			if err != nil {
				return nil, "", err
			}
			if p.Sees(m, now) {
				if len(all) == q.Limit {
					return all, all[len(all)-1].ID, nil
				}
				all = append(all, p)
			}
			cursor = x.ID
		}
		if len(rows) < rowsAtOnce {
			return all, "", nil
		}
	}
}

func (r *Register) rows(ctx context.Context, q store.Querier, where string, args ...any) ([]row, error) {
	rows, err := q.Query(ctx, "SELECT "+columns+" FROM process WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing legal process: %w", err)
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		x, err := scanRow(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing legal process: %w", err)
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// kind gives what the policy in force says of a kind.
func (r *Register) kind(name string) (rules.ProcessKind, error) {
	k, ok := r.Policy.Numbers(r.Clock.Now()).ProcessKind(name)
	if !ok {
		return k, bad("the policy knows no such kind of legal process", "choose one of those that the form lists", "ask counsel to add a row to the profiles of legal process")
	}
	return k, nil
}
