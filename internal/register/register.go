// Package register keeps the three registers that the carrier must be able to show: of campaigns, of what was given to third
// parties, and of legal process. It decides nothing and holds nothing of its own: each register is read from the ledger, its sealed
// records and the tables of the parts that keep campaigns and process.
//
// The register of disclosures is complete by construction: the database indexes whatever permits something to a third party in the
// transaction of its entry, and a follower puts those entries, in the order of the signed tree, into the words that can be searched. A
// register is shown as of one checkpoint, so that its pages neither lose nor repeat a line while new ones come, and so that anybody
// with the log's key can check each line, and with the log that none was left out.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
package register

import (
	"context"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/rulebook"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Name names a register.
type Name string

// The registers.
const (
	Campaigns   Name = "campaigns"
	Disclosures Name = "disclosures"
	Processes   Name = "processes"
)

// Names lists the registers in the order in which screens show them.
var Names = []Name{Campaigns, Disclosures, Processes}

// Source gives everything that one register is about, in whatever order. A part that keeps campaigns, or process, is the source of
// its register.
type Source[T any] interface {
	All(ctx context.Context) ([]T, error)
}

// SourceFunc makes a Source of a function.
type SourceFunc[T any] func(ctx context.Context) ([]T, error)

// All calls f.
func (f SourceFunc[T]) All(ctx context.Context) ([]T, error) { return f(ctx) }

// Files are the files that partners are given, which know when what is in them must be destroyed, and whether it was.
type Files interface {
	// FileOf gives the file in which a release went; nil: it went in none.
	FileOf(ctx context.Context, customer, entry cpni.ID) (*File, error)
}

// Secrets is the register of legal process, as far as it is about silence.
//
// cite: P-29, P-37
type Secrets interface {
	// Silent reports whether a process forbids now that the customer is told; ok is false when no process has this id.
	Silent(ctx context.Context, id string) (silent, ok bool, err error)
	// Hides reports whether a member of the staff may not know of a process.
	Hides(ctx context.Context, id string, from cpni.ID) (bool, error)
}

// Matters is the register of cases, tickets, orders, ports and placements, which knows their numbers.
//
// cite: P-28, P-31, P-41
type Matters interface {
	// Numbered gives the ids of all matters that have had a number, whatever their kind.
	Numbered(ctx context.Context, number string) ([]cpni.ID, error)
	// Number gives the number of a matter; "" when there is none, or when it can be read no more.
	Number(ctx context.Context, id cpni.ID) (string, error)
}

// Parts are what a Book is made of. A source that is nil has nothing to tell, and its register is empty.
type Parts struct {
	DB       *store.DB
	Vault    *vault.Vault
	Ledger   *ledger.Ledger
	Policy   *rulebook.Book
	Partners *partner.Register
	Clock    cpni.Clock
	Zone     *time.Location // the carrier's: it decides days

	Campaigns Source[Campaign]
	Processes Source[Process]
	// Files tell with which file something went to a partner; nil: none are made.
	Files Files
	// Secrets tell which process nobody may know of but those whom it names; nil: what a record says of it holds for good.
	Secrets Secrets
	// Matters tell which case, ticket or order a number means; nil: disclosures rest on numbers alone.
	Matters Matters
	// Keeps refuses to destroy records that must be kept although their time is over; nil: nothing keeps them.
	Keeps func(ctx context.Context, q store.Querier, rows []ledger.Row) error
}

// Book shows the registers.
type Book struct{ Parts }

// New makes a book.
func New(p Parts) *Book { return &Book{p} }

// Query says which lines are wanted; what is empty does not narrow. The times are those of the entries, in UTC: From is included, To
// is not.
type Query struct {
	From      time.Time    `json:"from,omitzero"`
	To        time.Time    `json:"to,omitzero"`
	Recipient string       `json:"recipient,omitempty"` // the kind of recipient, or the id of a partner
	Named     string       `json:"named,omitempty"`     // the recipient's name, as it was given
	Purpose   cpni.Purpose `json:"purpose,omitempty"`
	Customer  cpni.ID      `json:"customer,omitempty"`
	Campaign  cpni.ID      `json:"campaign,omitempty"`
	Matter    string       `json:"matter,omitempty"` // the number of the process, case, ticket or order
	Text      string       `json:"text,omitempty"`   // in the description of the campaign or the process
	Viewer    cpni.ID      `json:"-"`                // the member of the staff who is shown it; what only others may know is left out
	Before    Cursor       `json:"-"`                // only what stands behind it: the page after
	Limit     int          `json:"-"`                // at most so many; 0 for 50
	rests     string       // what the lines rest on, as their records name it
}

// Bounds of a page.
const (
	usualLines = 50
	mostLines  = 1000
	mostText   = 200
)

// tidy refuses what no query can mean, and sets what it leaves open.
func (q *Query) tidy() error {
	q.Text, q.Named, q.Matter, q.Recipient = strings.TrimSpace(q.Text), strings.TrimSpace(q.Named), strings.TrimSpace(q.Matter), strings.TrimSpace(q.Recipient)
	bad := func(says, way string) error {
		return cpni.Rejected("BAD_INPUT", says, []string{"P-41", "47 CFR 64.2009(c)"}, way)
	}
	switch {
	case slices.ContainsFunc([]string{q.Text, q.Named, q.Matter, q.Recipient}, func(s string) bool { return len(s) > mostText }):
		return bad("a field of the search is longer than 200 bytes", "shorten it")
	case !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To):
		return bad("the time begins after it ends", "give the earlier day first")
	case q.Customer != "" && !q.Customer.Valid(), q.Campaign != "" && !q.Campaign.Valid():
		return bad("that is no id", "give the id of 26 characters, as the lines of the register show it")
	case q.Purpose != "" && !slices.Contains(cpni.Purposes, q.Purpose):
		return bad("that is no purpose", "choose one of the list")
	}
	if q.Limit <= 0 {
		q.Limit = usualLines
	}
	q.Limit = min(q.Limit, mostLines)
	return nil
}

// within reports whether a moment lies in the time that is asked for.
func (q Query) within(at time.Time) bool {
	return (q.From.IsZero() || !at.Before(q.From)) && (q.To.IsZero() || at.Before(q.To))
}

// spans reports whether a time, whose end may be open, touches the time that is asked for.
func (q Query) spans(from, until time.Time) bool {
	return (q.To.IsZero() || from.Before(q.To)) && (q.From.IsZero() || until.IsZero() || until.After(q.From))
}

// has reports whether one of some texts holds what is asked for, in whatever capitals.
func has(asked string, texts ...string) bool {
	asked = strings.ToLower(asked)
	return asked == "" || slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), asked) })
}

// named is the form in which names and numbers of matters are compared: without regard to capitals and spaces.
func named(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
