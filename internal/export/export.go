// Package export writes customers' information into files for the companies that the carrier works with.
//
// An export is proposed by one person and agreed to by another, or is begun by a campaign that was reviewed. Its customers are taken
// one by one from a list, in the order of their ids; each is decided by the one door at that moment, and has an entry of their own in
// the ledger; who is refused is left out and counted by reason. What is permitted is enciphered to the partner's key as it is
// written, with the columns that were asked for and that the decision covers. The partner fetches the file once, destroys it by its
// day, and says so; until it has, it gets nothing more.
//
// An enciphered file cannot be gone on with, so it is written in parts: each is kept in one transaction with the place at which the
// work then stands. Whoever goes on after a crash finds the customers that have their entries and are in no part yet, looks whether
// they may still be handed out, and writes them from what is on record, without a second entry.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2009(c)
package export

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what Exports are made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Customers *customer.Book
	Partners  *partner.Register
	Door      *disclose.Door
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it decides dates and months
	Numbers   func(at time.Time) Numbers
	// Web calls partners' webhooks; nil: a client that follows no redirection.
	Web *http.Client
	// Batch is how many customers one transaction decides, and PartRows how many rows a part has at most; 0: the usual.
	Batch    int
	PartRows int64
	// Step is called between what is durable and what is not yet: tests cut work off there. nil: nobody hears it.
	Step func()
}

// Numbers are what the policy says of files for partners.
type Numbers struct {
	Remind      []int         // days before the day of destruction
	FetchWithin time.Duration // until a file that nobody fetches is withdrawn
	KeyLife     time.Duration // of a partner's key
	TellFirst   time.Duration // the wait after the first call of a webhook that failed
	TellLongest time.Duration
	TellFor     time.Duration // after which nobody is called any more
}

// NumbersOf takes the numbers from the profiles.
//
// cite: P-41, 47 CFR 64.2009(c)
func NumbersOf(n rules.InForce) Numbers {
	const p = "partners"
	return Numbers{Remind: n.Ints(p, "destroy_reminder_days"), FetchWithin: n.Duration(p, "fetch_within"), KeyLife: n.Duration(p, "key_life"),
		TellFirst: n.Duration(p, "webhook_first"), TellLongest: n.Duration(p, "webhook_longest"), TellFor: n.Duration(p, "webhook_for")}
}

// Each gives the customers of an export in the order of their ids, those behind one, until do fails, and then fails as do did.
type Each func(ctx context.Context, e Export, after cpni.ID, do func(cpni.ID) error) error

// Exports makes the files, keeps them until they are fetched, and minds when they must be destroyed.
type Exports struct {
	Parts
	lists map[string]Each

	mu        sync.Mutex
	inherited bool
}

// New makes Exports.
func New(p Parts) *Exports {
	x := &Exports{Parts: p, lists: map[string]Each{}}
	x.Batch, x.PartRows = cmp.Or(x.Batch, atOnce), cmp.Or(x.PartRows, partOf)
	if x.Step == nil {
		x.Step = func() {}
	}
	if x.Web == nil {
		x.Web = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	x.lists[Everybody], x.lists[Named] = x.everybody, x.named
	return x
}

// Lists adds a kind of list, before anything is worked on.
func (x *Exports) Lists(kind string, each Each) { x.lists[kind] = each }

// The lists that are here without anybody's adding them.
const (
	Everybody = "everybody" // all customers in service
	Named     = "named"     // customers who were named one by one
)

// List says whose information an export is about.
type List struct {
	Kind   string          `json:"kind"`
	Says   string          `json:"says,omitempty"`   // for people
	Detail json.RawMessage `json:"detail,omitempty"` // for who knows the kind
}

// Spec describes an export. It names no customer.
type Spec struct {
	Title    string           `json:"title"`
	Partner  string           `json:"partner"`
	Campaign cpni.ID          `json:"campaign,omitempty"` // that was reviewed; "" the export rests on another basis
	Purpose  cpni.Purpose     `json:"purpose"`
	Basis    string           `json:"basis"` // the law that it rests on, such as 47 USC 222(d)(1)
	Data     []cpni.DataClass `json:"data"`
	Columns  []string         `json:"columns"`          // beside reference, which always comes first
	Months   []int            `json:"months,omitempty"` // yyyymm; none: this one and the one before, when it was proposed
	Offer    *rules.Offer     `json:"offer,omitempty"`
	// DestroyBy is the day by which the partner must have destroyed the file; unset: what the agreement says.
	DestroyBy time.Time `json:"destroy_by,omitzero"`
	List      List      `json:"list"`
	Agreement string    `json:"agreement,omitempty"` // reference of the agreement under which it was proposed
	Key       string    `json:"key"`                 // public key of the partner, as it was when this was proposed
}

// State is how far an export has come.
type State string

// The states.
const (
	Proposed  State = "proposed"  // waits for a second person
	Running   State = "running"   // the file is being written
	Stopped   State = "stopped"   // somebody has stopped it; nothing was handed out
	Empty     State = "empty"     // everybody was looked at, and nobody may be in it
	Ready     State = "ready"     // the file waits to be fetched
	Fetched   State = "fetched"   // the partner has it
	Withdrawn State = "withdrawn" // taken back before anybody had fetched it, or not fetched in time
	Destroyed State = "destroyed" // the partner has certified its destruction
)

// States lists them.
var States = []State{Proposed, Running, Stopped, Empty, Ready, Fetched, Withdrawn, Destroyed}

// Export is one file for one partner.
type Export struct {
	ID        cpni.ID
	Spec      Spec
	State     State
	At        time.Time
	Changed   time.Time
	By        cpni.ID // in whose name each customer is decided
	Second    cpni.ID // who agreed
	DestroyBy time.Time
	Decided   int64 // customers with their entries
	Rows      int64 // in the finished parts
	PartsDone int64
	First     cpni.ID // entry of the ledger, and the last one
	Last      cpni.ID
	Sealed    time.Time // zero: not finished
	Expires   time.Time // until when it can be fetched
	Fetched   time.Time // zero: not, or it may be fetched again
	Fetches   int64
	Overdue   time.Time // when the alert was raised that it should be destroyed
	Certified time.Time
	place     string
	placed    string
	tellTries int64
	tellWhat  string
	reminded  int64
}

// Holds reports whether the partner has the file, and has not proved that it is destroyed.
func (e *Export) Holds() bool { return e.State == Fetched || e.Fetches > 0 && e.Certified.IsZero() }

// What people and partners do with exports is refused for one of these reasons.
var (
	ErrNone    = cpni.Rejected("NOT_FOUND", "there is no such export", []string{"P-41"}, "list the exports")
	ErrState   = cpni.Rejected("CONFLICT", "the export is not in a state in which that can be done", []string{"P-41"}, "look at it again: it may have moved on")
	ErrSame    = cpni.Rejected("SAME_PERSON", "who proposes an export cannot agree to it: a second person is needed", []string{"P-37", "47 CFR 64.2010(a)"}, "let a colleague who keeps the register of partners look at it")
	ErrFetched = cpni.Rejected("FETCHED", "this file has been fetched already; a file is handed out once", []string{"P-41", "47 CFR 64.2009(c)"}, "ask the carrier, who can decide that it may be fetched again")
	ErrOverdue = cpni.Rejected("OVERDUE", "a day by which the partner had to destroy what it was given has passed, and no certificate of destruction is held: nothing more goes to it",
		[]string{"P-41", "47 CFR 64.2009(c)"}, "obtain the certificate, and enter it at the export that is late")
)

const (
	longestTitle = 100
	longestBasis = 100
	mostColumns  = 40
)

// Check refuses an export that cannot be made as it is described, and gives what it says with everything that follows from it: the
// months, the key, the day of destruction.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2007(b), 47 CFR 64.2009(c)
func (x *Exports) Check(ctx context.Context, s Spec) (Spec, error) {
	now := x.Clock.Now()
	bad := func(says, next string) error {
		return cpni.Rejected("BAD_INPUT", says, []string{"P-41", "47 CFR 64.2009(c)"}, next)
	}
	vendor := func(says, next string) error {
		return cpni.Rejected("VENDOR", says, []string{"P-35", "P-41", "47 CFR 64.2009(c)"}, next)
	}
	if strings.TrimSpace(s.Title) == "" || len(s.Title) > longestTitle || strings.ContainsFunc(s.Title, unicode.IsControl) {
		return s, bad("an export has a title by which people know it", "give one of at most 100 letters")
	}
	if len(s.Basis) > longestBasis || strings.ContainsFunc(s.Basis, unicode.IsControl) || strings.TrimSpace(s.Basis) == "" && s.Campaign == "" {
		return s, bad("an export names the law that it rests on", "write the section, such as 47 USC 222(d)(1)")
	}
	if s.Basis == "" {
		s.Basis = "47 CFR 64.2007(b)"
	}
	if x.lists[s.List.Kind] == nil {
		return s, bad("that is no list of customers that we have", "name everybody, named or audience")
	}
	if len(s.Months) == 0 {
		s.Months = monthsAround(now, x.Zone)
	}
	if err := checkColumns(s.Columns, s.Data); err != nil {
		return s, err
	}
	p, _, err := x.Partners.Get(ctx, s.Partner)
	if errors.Is(err, partner.ErrNoPartner) {
		return s, cpni.Rejected("UNKNOWN_RECIPIENT", "there is no such partner on the register", []string{"P-15", "P-41"}, "put the partner on the register first")
	}
	if err != nil {
		return s, err
	}
	a := p.Agreement
	switch {
	case late(p, now):
		return s, ErrOverdue
	case a == nil || now.Before(a.From) || !now.Before(a.Until):
		return s, vendor("the partner has no agreement in force", "put the agreement on the register, with its dates")
	case a.Destroyed().IsZero():
		return s, vendor("the agreement does not say by when the partner destroys what it is given", "have a day or a number of days agreed, and put it on the register")
	case !slices.Contains(a.Purposes, s.Purpose):
		return s, vendor("the agreement is not for this purpose", "have the purpose agreed, and put it on the register")
	case p.Key == "":
		return s, vendor("the partner has no public key, so no file can be made that only it reads", "have the partner make a key with `age-keygen`, and put the line that begins with age1 on the register")
	}
	latest := a.Destroyed()
	if a.DestroyDays > 0 {
		latest = earlier(latest, now.In(x.Zone).AddDate(0, 0, a.DestroyDays).UTC())
	}
	if s.DestroyBy.IsZero() {
		s.DestroyBy = latest
	}
	if s.DestroyBy.After(latest) {
		return s, vendor("the partner would keep the file for longer than its agreement lets it", "give an earlier day of destruction, or none")
	}
	if !s.DestroyBy.After(now) {
		return s, bad("the day of destruction lies not in the past", "give a day that is to come")
	}
	s.Agreement, s.Key, s.DestroyBy = a.Reference, p.Key, s.DestroyBy.UTC().Truncate(time.Microsecond)
	if _, err := ParseKey(s.Key); err != nil {
		return s, err
	}
	return s, nil
}

// late reports whether a partner holds what it should have proved to be destroyed.
//
// cite: P-41, V112, 47 CFR 64.2009(c)
func late(p *partner.Partner, now time.Time) bool {
	if !p.Due.IsZero() && !now.Before(p.Due) {
		return true
	}
	a := p.Agreement
	return a != nil && !a.DestroyProof && !a.Destroyed().IsZero() && !now.Before(a.Destroyed())
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// monthsAround gives the month of at and the one before it, in zone.
func monthsAround(at time.Time, zone *time.Location) []int {
	now := at.In(zone)
	before := time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, zone)
	return []int{before.Year()*100 + int(before.Month()), now.Year()*100 + int(now.Month())}
}

// request is what the door is asked of one customer.
func (s *Spec) request(by, customer cpni.ID) disclose.Request {
	return disclose.Request{Caller: disclose.Caller{Staff: by}, Customer: customer, Data: s.Data, Purpose: s.Purpose, To: s.Partner, Via: cpni.File, Months: s.Months, Offer: s.Offer, Campaign: s.Campaign}
}

// everybody lists all customers in service.
func (x *Exports) everybody(ctx context.Context, _ Export, after cpni.ID, do func(cpni.ID) error) error {
	return x.eachOf(ctx, "SELECT customer_id FROM customer WHERE customer_id > $1 AND (ended = 0 OR ended > $3) ORDER BY customer_id LIMIT $2", after, do, x.Clock.Now().UnixMicro())
}

// named lists the customers who were named.
func (x *Exports) named(ctx context.Context, e Export, after cpni.ID, do func(cpni.ID) error) error {
	return x.eachOf(ctx, "SELECT customer_id FROM export_listed WHERE customer_id > $1 AND export_id = $3 ORDER BY customer_id LIMIT $2", after, do, string(e.ID))
}

// pageOf is how many ids are read at once.
const pageOf = 5000

// eachOf reads ids page by page, so that no reader stays open while others write.
func (x *Exports) eachOf(ctx context.Context, query string, after cpni.ID, do func(cpni.ID) error, args ...any) error {
	for {
		rows, err := x.DB.Reader().Query(ctx, query, append([]any{string(after), pageOf}, args...)...)
		if err != nil {
			return fmt.Errorf("listing customers: %w", err)
		}
		var page []cpni.ID
		for rows.Next() {
			var id cpni.ID
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return fmt.Errorf("listing customers: %w", err)
			}
			page = append(page, id)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("listing customers: %w", err)
		}
		for _, id := range page {
			if err := do(id); err != nil {
				return err
			}
		}
		if len(page) < pageOf {
			return nil
		}
		after = page[len(page)-1]
	}
}
