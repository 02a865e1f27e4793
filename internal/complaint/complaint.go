// Package complaint keeps what customers report as wrong: something in the accounting that was not theirs, somebody who saw
// what they should not, details that are not right. Each is on record, has somebody look into it, and is answered.
//
// cite: P-41, 47 CFR 64.2009(e)
package complaint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Book is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Customers *customer.Book
	Contacts  *contact.Desk
	Outbox    *notify.Outbox
	Clock     cpni.Clock
	// Hush refuses an answer that tells a customer what they must not be told yet; nil: nothing does.
	Hush func(ctx context.Context, by cpni.ID, answer string) error
	// Filed enters a complaint in the register by which complaints are counted, in the transaction that keeps it; nil: there is none.
	Filed func(ctx context.Context, tx *store.Tx, c *Complaint) ([]ledger.Entry, error)
}

// Book keeps complaints.
type Book struct{ Parts }

// New opens the book.
func New(p Parts) *Book { return &Book{p} }

// Category is what a complaint is about, as the carrier has to count them for the Commission every year.
//
// cite: 47 CFR 64.2009(e)
type Category string

// The categories.
const (
	EmployeeAccess Category = "employee-access" // somebody who works for the carrier saw what they should not
	Disclosure     Category = "disclosure"      // it was given to somebody who should not have it
	OnlineAccess   Category = "online-access"   // somebody else was in the online account
	Other          Category = "other"
)

// Categories lists them.
var Categories = []Category{EmployeeAccess, Disclosure, OnlineAccess, Other}

// State is where a complaint stands.
type State string

// The states.
const (
	Open     State = "open"        // nobody has looked yet
	Looking  State = "looked-into" // somebody does
	Answered State = "answered"
)

// States lists them.
var States = []State{Open, Looking, Answered}

// Complaint is what a customer reported.
type Complaint struct {
	ID       cpni.ID   `json:"-"`
	Customer cpni.ID   `json:"-"`
	At       time.Time `json:"-"`
	Category Category  `json:"-"`
	State    State     `json:"-"`
	Entry    cpni.ID   `json:"-"` // of the ledger, that it is about; "" none
	Changed  time.Time `json:"-"`

	Text    string  `json:"text"`            // as the customer wrote it
	Taken   cpni.ID `json:"taken,omitempty"` // who took it down; "": the customer wrote it in the portal
	Worker  cpni.ID `json:"worker,omitempty"`
	Answer  string  `json:"answer,omitempty"`
	Message cpni.ID `json:"message,omitempty"` // that told the customer that we have it
}

// LongestText bounds what a customer or an answer says, in bytes.
const LongestText = 4000

// ErrNone: there is no such complaint of this customer.
var ErrNone = errors.New("there is no such complaint")

var (
	errText  = cpni.Rejected("BAD_INPUT", "it says nothing, or more than 4000 bytes", []string{"47 CFR 64.2009(e)"}, "write what is wrong, in a few sentences")
	errKind  = cpni.Rejected("BAD_INPUT", "that is no category of complaints", []string{"47 CFR 64.2009(e)"}, "say employee-access, disclosure, online-access or other")
	errEntry = cpni.Rejected("BAD_INPUT", "there is no such line about this customer", []string{"P-41"}, "choose the line from the accounting")
	errState = cpni.Rejected("STATE", "this report was answered already, or somebody else looks into it", []string{"P-41"}, "look at where it stands now")
	errOwn   = cpni.Rejected("SELF_REVIEW", "the report is about something that you did yourself, so others look into it", []string{"P-37", "P-41"}, "leave it to a colleague")
)

// Filing is a complaint as it comes in.
type Filing struct {
	ID       cpni.ID // names it; sent twice it is filed once; "" a fresh one
	Customer cpni.ID
	Category Category
	Entry    cpni.ID // of the ledger, that it is about; "" none
	Text     string
	Contact  cpni.ID
	By       cpni.ID // who took it down; "": the customer
}

// File keeps a complaint, and has the customer told that we have it.
//
// cite: P-41, 47 CFR 64.2009(e)
func (b *Book) File(ctx context.Context, f Filing) (*Complaint, error) {
	f.Text = strings.TrimSpace(f.Text)
	switch {
	case !slices.Contains(Categories, f.Category):
		return nil, errKind
	case f.Text == "" || len(f.Text) > LongestText:
		return nil, errText
	}
	if f.Entry != "" {
		if _, err := b.Ledger.Record(ctx, f.Customer, f.Entry); errors.Is(err, ledger.ErrNoRecord) {
			return nil, errEntry
		} else if err != nil {
			return nil, err
		}
	}
	p, _, err := b.Customers.Get(ctx, f.Customer)
	if err != nil {
		return nil, err
	}
	now := b.Clock.Now()
	c := &Complaint{ID: f.ID, Customer: f.Customer, At: now, Changed: now, Category: f.Category, State: Open, Entry: f.Entry, Text: f.Text, Taken: f.By}
	if !c.ID.Valid() {
		c.ID = cpni.NewTimedID(now)
	}
	tell, told := b.Contacts.Tells(p, notify.ReportReceived, nil)
	_, err = b.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if told {
			c.Message = cpni.NewTimedID(now)
			tell.ID = c.Message
		}
		sealed, err := b.sealed(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		done, err := tx.Exec(ctx, `INSERT INTO complaint (customer_id, complaint_id, version, at, category, state, entry, changed, sealed) VALUES ($1, $2, 1, $3, $4, $5, $6, $3, $7)
			ON CONFLICT (customer_id, complaint_id) DO NOTHING`, string(c.Customer), string(c.ID), now.UnixMicro(), string(c.Category), string(c.State), string(c.Entry), sealed)
		if err != nil {
			return nil, fmt.Errorf("keeping a complaint: %w", err)
		}
		if n, err := done.RowsAffected(); n == 0 || err != nil {
			return nil, err // it was filed before
		}
		if told {
			if err := b.Outbox.Plan(ctx, tx, c.Customer, tell); err != nil {
				return nil, err
			}
		}
		by := contact.Customer
		if f.By != "" {
			by = string(f.By)
		}
		entries, err := b.noted(ctx, tx, c, by, string(f.Contact), "complaint filed")
		if err != nil || b.Filed == nil {
			return entries, err
		}
		entered, err := b.Filed(ctx, tx, c)
		return append(entries, entered...), err
	})
	if err != nil {
		return nil, err
	}
	return b.One(ctx, c.Customer, c.ID)
}

// Take has somebody look into a complaint, or take it over. Nobody looks into what they did themselves.
//
// cite: P-37, P-41
func (b *Book) Take(ctx context.Context, of, id, by cpni.ID) (*Complaint, error) {
	if err := b.others(ctx, of, id, by); err != nil {
		return nil, err
	}
	return b.move(ctx, of, id, by, "complaint looked into", func(_ *store.Tx, c *Complaint) error {
		if c.State == Answered {
			return errState
		}
		c.State, c.Worker = Looking, by
		return nil
	})
}

// Reply answers a complaint, once, by the one who looks into it. The customer reads the answer in the portal; a message tells
// them that it is there.
//
// cite: P-41, 47 CFR 64.2009(e)
func (b *Book) Reply(ctx context.Context, of, id, by cpni.ID, answer string) (*Complaint, error) {
	if answer = strings.TrimSpace(answer); answer == "" || len(answer) > LongestText {
		return nil, errText
	}
	if b.Hush != nil {
		if err := b.Hush(ctx, by, answer); err != nil {
			return nil, err
		}
	}
	p, _, err := b.Customers.Get(ctx, of)
	if err != nil {
		return nil, err
	}
	tell, told := b.Contacts.Tells(p, notify.ReportAnswered, nil)
	return b.move(ctx, of, id, by, "complaint answered", func(tx *store.Tx, c *Complaint) error {
		if c.State != Looking || c.Worker != by {
			return errState
		}
		c.State, c.Answer = Answered, answer
		if !told {
			return nil
		}
		return b.Outbox.Plan(ctx, tx, of, tell)
	})
}

// others refuses who did what a complaint is about.
func (b *Book) others(ctx context.Context, of, id, by cpni.ID) error {
	c, err := b.One(ctx, of, id)
	if err != nil || c.Entry == "" {
		return err
	}
	row, err := b.Ledger.Record(ctx, of, c.Entry)
	if err != nil {
		return err
	}
	if row.Actor == string(by) {
		return errOwn
	}
	return nil
}

// noted gives the entry about what became of a complaint: which, and nothing of what it says.
func (b *Book) noted(ctx context.Context, tx *store.Tx, c *Complaint, by, in, what string) ([]ledger.Entry, error) {
	e, err := b.Vault.Entry(ctx, tx, ledger.Entry{Customer: c.Customer, Kind: ledger.Letter, At: b.Clock.Now(), Actor: by, Contact: in, Outcome: cpni.OK},
		map[string]string{"what": what, "complaint": string(c.ID), "category": string(c.Category), "about": string(c.Entry)})
	return []ledger.Entry{e}, err
}

const columns = "customer_id, complaint_id, at, category, state, entry, changed, sealed"

func place(id cpni.ID) string { return "complaint/" + string(id) }

func (b *Book) sealed(ctx context.Context, tx *store.Tx, c *Complaint) ([]byte, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("writing a complaint: %w", err)
	}
	return b.Vault.SealTx(ctx, tx, c.Customer, place(c.ID), plain)
}

func scanRow(scan func(...any) error) (c Complaint, sealed []byte, err error) {
	var at, changed int64
	err = scan(&c.Customer, &c.ID, &at, &c.Category, &c.State, &c.Entry, &changed, &sealed)
	c.At, c.Changed = time.UnixMicro(at).UTC(), time.UnixMicro(changed).UTC()
	return c, sealed, err
}

func (c *Complaint) read(plain []byte) error {
	if err := json.Unmarshal(plain, c); err != nil {
		return fmt.Errorf("reading a complaint: %w", err)
	}
	return nil
}

// One gives a complaint of a customer.
func (b *Book) One(ctx context.Context, of, id cpni.ID) (*Complaint, error) {
	all, err := b.list(ctx, "customer_id = $1 AND complaint_id = $2", string(of), string(id))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return all[0], nil
}

// mostListed bounds a list of complaints.
const mostListed = 200

// Of lists the complaints of a customer, the newest first.
func (b *Book) Of(ctx context.Context, of cpni.ID) ([]*Complaint, error) {
	return b.list(ctx, "customer_id = $1 ORDER BY at DESC, complaint_id DESC LIMIT $2", string(of), mostListed)
}

// List gives the newest complaints of all customers in a state; "" in any.
func (b *Book) List(ctx context.Context, state State) ([]*Complaint, error) {
	return b.list(ctx, "($1 = '' OR state = $1) ORDER BY at DESC, complaint_id DESC LIMIT $2", string(state), mostListed)
}

// Waiting counts the complaints that are not answered.
func (b *Book) Waiting(ctx context.Context) (n int, err error) {
	if err := b.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM complaint WHERE state <> $1", string(Answered)).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting complaints: %w", err)
	}
	return n, nil
}

func (b *Book) list(ctx context.Context, where string, args ...any) ([]*Complaint, error) {
	rows, err := b.DB.Reader().Query(ctx, "SELECT "+columns+" FROM complaint WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing complaints: %w", err)
	}
	defer rows.Close()
	type found struct {
		c      Complaint
		sealed []byte
	}
	var read []found
	for rows.Next() {
		var f found
		if f.c, f.sealed, err = scanRow(rows.Scan); err != nil {
			return nil, fmt.Errorf("listing complaints: %w", err)
		}
		read = append(read, f)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("listing complaints: %w", err)
	}
	var all []*Complaint
	for _, f := range read {
		plain, err := b.Vault.OpenState(ctx, f.c.Customer, place(f.c.ID), f.sealed)
		if errors.Is(err, vault.ErrForgotten) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := f.c.read(plain); err != nil {
			return nil, err
		}
		all = append(all, &f.c)
	}
	return all, nil
}

// move changes a complaint in a transaction with its entry.
func (b *Book) move(ctx context.Context, of, id, by cpni.ID, what string, do func(tx *store.Tx, c *Complaint) error) (*Complaint, error) {
	var moved Complaint
	_, err := b.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		lock := ""
		if tx.Dialect() == store.Postgres {
			lock = " FOR UPDATE"
		}
		c, sealed, err := scanRow(tx.QueryRow(ctx, "SELECT "+columns+" FROM complaint WHERE customer_id = $1 AND complaint_id = $2"+lock, string(of), string(id)).Scan)
		if store.IsNoRow(err) {
			return nil, ErrNone
		}
		if err != nil {
			return nil, fmt.Errorf("reading a complaint: %w", err)
		}
		plain, err := b.Vault.OpenStateTx(ctx, tx, of, place(id), sealed)
		if err != nil {
			return nil, err
		}
		if err := c.read(plain); err != nil {
			return nil, err
		}
		if err := do(tx, &c); err != nil {
			return nil, err
		}
		c.Changed = b.Clock.Now()
		if sealed, err = b.sealed(ctx, tx, &c); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "UPDATE complaint SET version = version + 1, state = $1, changed = $2, sealed = $3 WHERE customer_id = $4 AND complaint_id = $5",
			string(c.State), c.Changed.UnixMicro(), sealed, string(of), string(id)); err != nil {
			return nil, fmt.Errorf("writing a complaint: %w", err)
		}
		moved = c
		return b.noted(ctx, tx, &c, string(by), "", what)
	})
	if err != nil {
		return nil, err
	}
	return &moved, nil
}
