// Package written keeps what customers ask for in writing: that records of theirs be given to a person or company whom they
// name. Such a request is obeyed whatever the customer has said about marketing, once they have signed it and were proved to
// be the customer; the one door decides, and what it decides is on record.
//
// Between the signature and the first byte lies a wait, in which the customer is told where they are of record and can take
// the request back.
//
// cite: P-16, P-36, P-41, 47 USC 222(c)(2)
package written

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/rulebook"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Desk is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Policy    *rulebook.Book
	Customers *customer.Book
	Contacts  *contact.Desk
	Secrets   *contact.Hasher
	Door      *disclose.Door
	Outbox    *notify.Outbox
	Staff     *staff.Register
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
}

// Desk takes written requests and carries them out.
type Desk struct{ Parts }

// New makes a desk.
func New(p Parts) *Desk { return &Desk{p} }

// State is where a request stands.
type State string

// The states.
const (
	Entered   State = "entered"   // it came by post, and who signed it has still to be proved
	Waiting   State = "waiting"   // signed and decided; nothing has gone yet
	Sent      State = "sent"      // the letter or the link has gone
	Withdrawn State = "withdrawn" // the customer took it back, or closed the link
	Unreached State = "unreached" // what went came back, and nothing was given: another way is needed
	Handed    State = "handed"    // handed over to whom it names, who showed who they are
	Declined  State = "declined"  // it was not carried out
)

// States lists them.
var States = []State{Entered, Waiting, Unreached, Sent, Handed, Withdrawn, Declined}

// Draft is what a customer asks for.
type Draft struct {
	Name     string           `json:"name"` // the person or company who is to have the records
	Data     []cpni.DataClass `json:"data"`
	Line     string           `json:"line,omitempty"`   // E.164; "" all of them
	Months   []int            `json:"months,omitempty"` // yyyymm
	Via      cpni.Via         `json:"via"`              // postal, or email: then a link goes, which asks for a pass phrase
	To       string           `json:"to"`               // the address
	Language string           `json:"language,omitempty"`
}

// Request is a request that was made.
type Request struct {
	ID       cpni.ID   `json:"-"`
	Customer cpni.ID   `json:"-"`
	At       time.Time `json:"-"` // when it was signed, or came in
	State    State     `json:"-"`
	Due      time.Time `json:"-"` // when it is carried out, while it waits
	Changed  time.Time `json:"-"`
	Hash     [32]byte  `json:"-"` // SHA-256 of Text
	HasScan  bool      `json:"-"`

	Draft
	Text      string  `json:"text"`      // as it was signed, whole
	Signature string  `json:"signature"` // as it was typed, or as it stands on the letter
	Contact   cpni.ID `json:"contact,omitempty"`
	By        cpni.ID `json:"by,omitempty"`    // who entered one that came by post; "": the customer, in the portal
	Entry     cpni.ID `json:"entry,omitempty"` // the decision
	Message   cpni.ID `json:"message,omitempty"`
	Phrase    string  `json:"phrase,omitempty"` // hash of the pass phrase of a link
	ScanType  string  `json:"scan_type,omitempty"`
	Reason    string  `json:"reason,omitempty"` // why it was declined
	// Sendings are what went out, to where, and what came back of it; Handing is to whom it was handed over instead, and Turned who came
	// for it and was not given it.
	Sendings []Sending `json:"sendings,omitempty"`
	Handing  *Handing  `json:"handing,omitempty"`
	Turned   []Handing `json:"turned,omitempty"`
	// Other is the way that the customer has named since, in a contact in which they were proved.
	Other []Way `json:"other,omitempty"`
	// Opened are the moments at which the records were opened by the link.
	Opened []time.Time `json:"opened,omitempty"`
}

// Posted reports whether the request came by post.
func (r *Request) Posted() bool { return r.By != "" }

// Open reports whether the customer can still take it back: nothing has gone, or a link can be closed.
func (r *Request) Open() bool {
	return r.State == Waiting || r.State == Entered || r.State == Unreached || r.State == Sent && r.Via == cpni.Email
}

// Bounds of a request, in bytes.
const (
	longestName    = 200
	longestAddress = 400
	mostMonths     = 120
	// MostScan bounds the scan of a letter.
	MostScan = 1 << 20
	// mostOpened bounds how many openings are kept with the request; the ledger has all.
	mostOpened = 50
)

// Classes are what can be given to somebody.
var Classes = []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Billing, cpni.Service, cpni.Location}

func bad(says, next string) error {
	return cpni.Rejected("BAD_INPUT", says, []string{"P-36", "47 USC 222(c)(2)"}, next)
}

// ErrNone: there is no such request of this customer.
var ErrNone = errors.New("there is no such written request")

// check brings a draft to its form, or says what is wrong with it.
func (d *Draft) check(p *customer.Profile) error {
	d.Name, d.To = strings.Join(strings.Fields(d.Name), " "), strings.Join(strings.Fields(d.To), " ")
	if contact.Spoken(d.Name) == "" || len(d.Name) > longestName {
		return bad("the request names nobody", "write the full name of the person or company")
	}
	if len(d.Data) == 0 || slices.ContainsFunc(d.Data, func(c cpni.DataClass) bool { return !slices.Contains(Classes, c) }) {
		return bad("the request does not say which records", "choose at least one kind of records")
	}
	slices.Sort(d.Months)
	d.Months = slices.Compact(d.Months)
	if len(d.Months) == 0 || len(d.Months) > mostMonths {
		return bad("the request does not say for which months", "choose the first and the last month")
	}
	if d.Line != "" && !slices.ContainsFunc(p.Lines, func(l customer.Line) bool { return l.Number == d.Line }) {
		return bad("that line is none of this account", "choose a line of the account")
	}
	switch d.Via {
	case cpni.Email:
		if !emailForm.MatchString(d.To) || len(d.To) > longestAddress {
			return bad("that is not an e-mail address", "write it as name@example.com")
		}
	case cpni.Postal:
		if len(strings.Fields(d.To)) < 3 || len(d.To) > longestAddress || strings.ContainsFunc(d.To, unprintable) {
			return bad("that is not a postal address", "write it in one line, with street, town and code")
		}
	default:
		return bad("the request does not say how the records are to go", "choose e-mail or post")
	}
	return nil
}

// row is a request as it lies.
type row struct {
	Request
	version int64
	sealed  []byte
}

const columns = "customer_id, request_id, version, at, state, due, changed, hash, sealed, scan IS NOT NULL"

func place(id cpni.ID) string     { return "written/" + string(id) }
func scanPlace(id cpni.ID) string { return "written-scan/" + string(id) }

func scanRow(scan func(...any) error) (row, error) {
	var r row
	var at, due, changed int64
	var hash []byte
	err := scan(&r.Customer, &r.ID, &r.version, &at, &r.State, &due, &changed, &hash, &r.sealed, &r.HasScan)
	r.At, r.Due, r.Changed = time.UnixMicro(at).UTC(), time.UnixMicro(due).UTC(), time.UnixMicro(changed).UTC()
	copy(r.Hash[:], hash)
	return r, err
}

func (r *row) open(plain []byte) error {
	if err := json.Unmarshal(plain, &r.Request); err != nil {
		return fmt.Errorf("reading a written request: %w", err)
	}
	if sha256.Sum256([]byte(r.Text)) != r.Hash {
		return vault.ErrSealBroken
	}
	return nil
}

// One gives a request of a customer.
func (d *Desk) One(ctx context.Context, of, id cpni.ID) (*Request, error) {
	r, err := scanRow(d.DB.Reader().QueryRow(ctx, "SELECT "+columns+" FROM written_request WHERE customer_id = $1 AND request_id = $2", string(of), string(id)).Scan)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a written request: %w", err)
	}
	return d.opened(ctx, r)
}

func (d *Desk) opened(ctx context.Context, r row) (*Request, error) {
	plain, err := d.Vault.OpenState(ctx, r.Customer, place(r.ID), r.sealed)
	if err != nil {
		return nil, err
	}
	if err := r.open(plain); err != nil {
		return nil, err
	}
	return &r.Request, nil
}

// mostListed bounds a list of requests.
const mostListed = 200

// Of lists the requests of a customer, the newest first.
func (d *Desk) Of(ctx context.Context, of cpni.ID) ([]*Request, error) {
	return d.list(ctx, "customer_id = $1 ORDER BY at DESC, request_id DESC LIMIT $2", string(of), mostListed)
}

// List gives the newest requests of all customers in a state; "" in any.
func (d *Desk) List(ctx context.Context, state State) ([]*Request, error) {
	return d.list(ctx, "($1 = '' OR state = $1) ORDER BY at DESC, request_id DESC LIMIT $2", string(state), mostListed)
}

func (d *Desk) list(ctx context.Context, where string, args ...any) ([]*Request, error) {
	rows, err := d.rows(ctx, d.DB.Reader(), where, args...)
	if err != nil {
		return nil, err
	}
	var all []*Request
	for _, r := range rows {
		q, err := d.opened(ctx, r)
		if errors.Is(err, vault.ErrForgotten) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, q)
	}
	return all, nil
}

func (d *Desk) rows(ctx context.Context, q store.Querier, where string, args ...any) ([]row, error) {
	rows, err := q.Query(ctx, "SELECT "+columns+" FROM written_request WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing written requests: %w", err)
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		r, err := scanRow(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing written requests: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Scan gives the scan of a letter and its kind; ErrNone: there is none.
func (d *Desk) Scan(ctx context.Context, of, id cpni.ID) (file []byte, kind string, err error) {
	r, err := d.One(ctx, of, id)
	if err != nil || !r.HasScan {
		return nil, "", errors.Join(err, ErrNone)
	}
	var sealed []byte
	if err := d.DB.Reader().QueryRow(ctx, "SELECT scan FROM written_request WHERE customer_id = $1 AND request_id = $2", string(of), string(id)).Scan(&sealed); err != nil {
		return nil, "", fmt.Errorf("reading a scan: %w", err)
	}
	file, err = d.Vault.OpenState(ctx, of, scanPlace(id), sealed)
	return file, r.ScanType, err
}

// insert writes a new request in tx, and gives the entry that says so.
func (d *Desk) insert(ctx context.Context, tx *store.Tx, r *Request, scan []byte) ([]ledger.Entry, error) {
	sealed, err := d.sealed(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	var sealedScan any // NULL without one
	if scan != nil {
		b, err := d.Vault.SealTx(ctx, tx, r.Customer, scanPlace(r.ID), scan)
		if err != nil {
			return nil, err
		}
		sealedScan = b
	}
	if _, err := tx.Exec(ctx, "INSERT INTO written_request (customer_id, request_id, version, at, state, due, changed, hash, sealed, scan) VALUES ($1, $2, 1, $3, $4, $5, $3, $6, $7, $8)",
		string(r.Customer), string(r.ID), r.At.UnixMicro(), string(r.State), r.Due.UnixMicro(), r.Hash[:], sealed, sealedScan); err != nil {
		return nil, fmt.Errorf("keeping a written request: %w", err)
	}
	return d.noted(ctx, tx, r, actorOf(r.By), "written request "+string(r.State))
}

func (d *Desk) sealed(ctx context.Context, tx *store.Tx, r *Request) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing a written request: %w", err)
	}
	return d.Vault.SealTx(ctx, tx, r.Customer, place(r.ID), plain)
}

// noted gives the entry about what became of a request: which, and the hash of the text that was signed.
func (d *Desk) noted(ctx context.Context, tx *store.Tx, r *Request, actor, what string) ([]ledger.Entry, error) {
	e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: r.Customer, Kind: ledger.Letter, At: d.Clock.Now(), Actor: actor, Contact: string(r.Contact), Outcome: cpni.OK},
		map[string]string{"what": what, "request": string(r.ID), "hash": fmt.Sprintf("%x", r.Hash), "decision": string(r.Entry)})
	return []ledger.Entry{e}, err
}

func actorOf(by cpni.ID) string {
	if by == "" {
		return contact.Customer
	}
	return string(by)
}

// move changes a request that stands in one of some states, in a transaction of its own with its entry. do says what else is
// to be done in it. ErrNone: there is none; a refusal with code STATE: it stands elsewhere.
func (d *Desk) move(ctx context.Context, of, id cpni.ID, from []State, actor, what string, do func(tx *store.Tx, r *Request) error) (*Request, error) {
	var moved *Request
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var err error
		if moved, err = d.moveTx(ctx, tx, of, id, from, func(r *Request) error { return do(tx, r) }); err != nil {
			return nil, err
		}
		return d.noted(ctx, tx, moved, actor, what)
	})
	return moved, err
}

var errState = cpni.Rejected("STATE", "this request can no longer be changed in that way", []string{"P-36"}, "look at where it stands now")

func (d *Desk) moveTx(ctx context.Context, tx *store.Tx, of, id cpni.ID, from []State, do func(r *Request) error) (*Request, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	r, err := scanRow(tx.QueryRow(ctx, "SELECT "+columns+" FROM written_request WHERE customer_id = $1 AND request_id = $2"+lock, string(of), string(id)).Scan)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a written request: %w", err)
	}
	plain, err := d.Vault.OpenStateTx(ctx, tx, of, place(id), r.sealed)
	if err != nil {
		return nil, err
	}
	if err := r.open(plain); err != nil {
		return nil, err
	}
	if !slices.Contains(from, r.State) {
		return nil, errState
	}
	if err := do(&r.Request); err != nil {
		return nil, err
	}
	r.Changed = d.Clock.Now()
	sealed, err := d.sealed(ctx, tx, &r.Request)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, "UPDATE written_request SET version = version + 1, reminded = CASE state WHEN $1 THEN reminded ELSE 0 END, state = $1, due = $2, changed = $3, sealed = $4 WHERE customer_id = $5 AND request_id = $6",
		string(r.State), r.Due.UnixMicro(), r.Changed.UnixMicro(), sealed, string(of), string(id))
	if err != nil {
		return nil, fmt.Errorf("writing a written request: %w", err)
	}
	return &r.Request, nil
}
