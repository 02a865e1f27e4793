// Package directory gives listings to publishers of directories: subscriber list information that customers publish, and nothing
// that a customer keeps out of the book. Every publisher has it on the same terms.
//
// Each customer is decided about by the one door. What has been decided becomes a row of a file that only the publisher can open;
// what a customer has taken out since is in no file that has not been fetched, and publishers who have it already are told at once
// to take it out, by the listing's id alone.
//
// cite: P-04, P-32, 47 USC 222(e), 47 USC 222(h)(3)
package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/rulebook"
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
	Door      *disclose.Door
	Clock     cpni.Clock
}

// Desk keeps publishers, the terms, and the extracts that were given.
type Desk struct {
	Parts
	node           cpni.ID
	ids, digests   []byte
	pageSize       int    // customers that are looked at together
	beforeKeeping  func() // see Meanwhile: between the decisions about a page and its keeping
	beforeAssembly func() // see Meanwhile: between the last page and the file
}

// New makes a desk.
func New(p Parts) *Desk {
	return &Desk{Parts: p, node: cpni.NewID(), ids: p.Vault.Derive("ids of listings v1"), digests: p.Vault.Derive("digests of listings v1"), pageSize: 200}
}

var clauses = []string{"P-32", "47 USC 222(e)"}

func bad(says, next string) error { return cpni.Rejected("BAD_INPUT", says, clauses, next) }

// Terms are the terms on which every publisher has listings. Prices are in thousandths of a dollar, of one listing.
//
// cite: P-32, 47 USC 222(e)
type Terms struct {
	Version int       `json:"-"`
	At      time.Time `json:"-"`
	By      cpni.ID   `json:"-"`
	Whole   int64     `json:"whole_mills"`  // of one listing in a whole extract
	Update  int64     `json:"update_mills"` // of one in an update; what was taken out costs nothing
	Says    string    `json:"says"`         // what may be done with them, in words
}

// Bounds of what is written on the register, in bytes.
const (
	longestTerms = 4000
	longestText  = 200
	mostMills    = 100_000
)

// PutTerms sets the terms for all publishers. Whoever has agreed to those before agrees anew before the next extract.
//
// cite: P-32, 47 USC 222(e)
func (d *Desk) PutTerms(ctx context.Context, by cpni.ID, t Terms) (*Terms, error) {
	if t.Says = strings.TrimSpace(t.Says); t.Says == "" || len(t.Says) > longestTerms {
		return nil, bad("the terms say nothing, or more than 4000 bytes", "write what publishers may do with listings")
	}
	if t.Whole < 0 || t.Update < 0 || t.Whole > mostMills || t.Update > mostMills {
		return nil, bad("that is no price of a listing", "write it in thousandths of a dollar, such as 40")
	}
	document, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("keeping terms: %w", err)
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := d.Clock.Now()
		if err := tx.QueryRow(ctx, "INSERT INTO directory_terms (version, at, by_staff, document) SELECT coalesce(max(version), 0) + 1, CAST($1 AS BIGINT), $2, $3 FROM directory_terms RETURNING version", now.UnixMicro(), string(by), string(document)).Scan(&t.Version); err != nil {
			return nil, fmt.Errorf("keeping terms: %w", err)
		}
		t.At, t.By = now, by
		return d.noted(ctx, tx, "", by, map[string]any{"what": "terms for publishers of directories", "version": t.Version, "terms": t})
	})
	return &t, err
}

// AllTerms lists the terms that there were, the newest first.
func (d *Desk) AllTerms(ctx context.Context) ([]Terms, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT version, at, by_staff, document FROM directory_terms ORDER BY version DESC LIMIT 100")
	if err != nil {
		return nil, fmt.Errorf("reading terms: %w", err)
	}
	defer rows.Close()
	var all []Terms
	for rows.Next() {
		var t Terms
		var at int64
		var document string
		if err := rows.Scan(&t.Version, &at, &t.By, &document); err != nil {
			return nil, fmt.Errorf("reading terms: %w", err)
		}
		t.At = time.UnixMicro(at).UTC()
		if err := json.Unmarshal([]byte(document), &t); err != nil {
			return nil, fmt.Errorf("reading terms: %w", err)
		}
		all = append(all, t)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// Terms gives the terms in force; nil: there are none yet.
func (d *Desk) Terms(ctx context.Context) (*Terms, error) {
	all, err := d.AllTerms(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// Publisher is a publisher of directories.
type Publisher struct {
	ID     string    `json:"-"` // chosen by the carrier; it stands in records
	Name   string    `json:"name"`
	Person string    `json:"person,omitempty"` // who speaks for them
	Email  string    `json:"email,omitempty"`
	Key    string    `json:"key"` // an age recipient, to which files are encrypted
	Terms  int       `json:"-"`   // the version that they have agreed to; 0: none
	Ended  time.Time `json:"-"`   // zero: not
	// Agreed and Paper are when they agreed, and where the agreement is kept.
	Agreed time.Time `json:"agreed,omitzero"`
	Paper  string    `json:"paper,omitempty"`
}

// ErrNone: there is no such publisher or extract.
var ErrNone = errors.New("there is no such publisher, or no such extract")

var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$`)

func (p *Publisher) check() error {
	line := func(s string) bool { return len(s) > longestText || strings.ContainsFunc(s, unicode.IsControl) }
	p.Name, p.Person, p.Email, p.Key, p.Paper = strings.TrimSpace(p.Name), strings.TrimSpace(p.Person), strings.TrimSpace(p.Email), strings.TrimSpace(p.Key), strings.TrimSpace(p.Paper)
	switch {
	case !idForm.MatchString(p.ID):
		return bad("a publisher's id has 2 to 40 small letters, digits and hyphens", "choose an id such as white-pages")
	case p.Name == "" || line(p.Name) || line(p.Person) || line(p.Email) || line(p.Paper):
		return bad("a publisher has a name, and each field is a line of at most 200 bytes", "write the name of the company")
	}
	if _, err := p.recipient(); err != nil {
		return bad("that is no key to encrypt to", "ask the publisher for the public key that age-keygen shows: it begins with age1")
	}
	return nil
}

// recipient is to whom files are encrypted.
func (p *Publisher) recipient() (age.Recipient, error) {
	all, err := age.ParseRecipients(strings.NewReader(p.Key))
	if err == nil && len(all) != 1 {
		err = errors.New("not one key")
	}
	if err != nil {
		return nil, fmt.Errorf("reading a publisher's key: %w", err)
	}
	return all[0], nil
}

func publisherPlace(id string) string { return "directory/publisher/" + id }

// Put adds a publisher, or replaces what the register says of it. To what it has agreed stays.
//
// cite: P-32, P-41, 47 USC 222(e)
func (d *Desk) Put(ctx context.Context, by cpni.ID, p Publisher) error {
	if err := p.check(); err != nil {
		return err
	}
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		old, err := d.publisherTx(ctx, tx, p.ID)
		if err != nil && !errors.Is(err, ErrNone) {
			return nil, err
		}
		if old != nil {
			p.Terms, p.Agreed, p.Ended = old.Terms, old.Agreed, old.Ended
			if p.Paper == "" {
				p.Paper = old.Paper
			}
		}
		return d.write(ctx, tx, &p, by, "publisher on the register")
	})
	return err
}

func (d *Desk) write(ctx context.Context, tx *store.Tx, p *Publisher, by cpni.ID, what string) ([]ledger.Entry, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("keeping a publisher: %w", err)
	}
	sealed, err := d.Vault.SealTx(ctx, tx, vault.CarrierID, publisherPlace(p.ID), plain)
	if err != nil {
		return nil, err
	}
	ended := int64(0)
	if !p.Ended.IsZero() {
		ended = p.Ended.UnixMicro()
	}
	if _, err := tx.Exec(ctx, `INSERT INTO directory_publisher (publisher_id, version, terms, ended, sealed) VALUES ($1, 1, $2, $3, $4)
		ON CONFLICT (publisher_id) DO UPDATE SET version = directory_publisher.version + 1, terms = excluded.terms, ended = excluded.ended, sealed = excluded.sealed`, p.ID, p.Terms, ended, sealed); err != nil {
		return nil, fmt.Errorf("keeping a publisher: %w", err)
	}
	return d.noted(ctx, tx, "", by, map[string]any{"what": what, "id": p.ID, "terms": p.Terms, "publisher": p})
}

// noted gives the entry about something that was done here.
func (d *Desk) noted(ctx context.Context, tx *store.Tx, of, by cpni.ID, detail any) ([]ledger.Entry, error) {
	actor := string(by)
	if by == "" {
		actor = string(cpni.RoleSystem)
	}
	e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Admin, At: d.Clock.Now(), Actor: actor, Purpose: string(cpni.Directory), Recipient: string(cpni.ToDirectoryPublisher), Outcome: cpni.OK}, detail)
	return []ledger.Entry{e}, err
}

// change changes a publisher who is there.
func (d *Desk) change(ctx context.Context, by cpni.ID, id, what string, do func(p *Publisher) error) error {
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		p, err := d.publisherTx(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if err := do(p); err != nil {
			return nil, err
		}
		return d.write(ctx, tx, p, by, what)
	})
	return err
}

// Agree records that a publisher has agreed to the terms in force, and where that is kept.
//
// cite: P-32, 47 USC 222(e)
func (d *Desk) Agree(ctx context.Context, by cpni.ID, id string, version int, paper string) error {
	t, err := d.Terms(ctx)
	if err != nil {
		return err
	}
	if t == nil || version != t.Version {
		return errTerms
	}
	if paper = strings.TrimSpace(paper); paper == "" || len(paper) > longestText || strings.ContainsFunc(paper, unicode.IsControl) {
		return bad("it is not said where the agreement is kept", "write the number or the place of the signed paper")
	}
	return d.change(ctx, by, id, "publisher agrees to the terms", func(p *Publisher) error {
		p.Terms, p.Agreed, p.Paper = version, d.Clock.Now(), paper
		return nil
	})
}

// End keeps a publisher from further extracts. What they have stays with them under the terms; withdrawals go on.
func (d *Desk) End(ctx context.Context, by cpni.ID, id string) error {
	return d.change(ctx, by, id, "publisher ended", func(p *Publisher) error {
		if !p.Ended.IsZero() {
			return errEnded
		}
		p.Ended = d.Clock.Now()
		return nil
	})
}

var (
	errTerms = cpni.Rejected("TERMS", "the publisher has not agreed to the terms that are in force for all", clauses, "have them agree to the terms in force, and record it")
	errEnded = cpni.Rejected("ENDED", "the publisher has no agreement any more", clauses, "put a new one on the register")
	errWhole = cpni.Rejected("NO_WHOLE", "the publisher has no whole extract of which this could be the update", clauses, "ask for a whole extract first")
	errBusy  = cpni.Rejected("BUSY", "an extract for this publisher is being made", clauses, "wait until it is ready")
)

const publisherColumns = "publisher_id, terms, ended, sealed"

func (d *Desk) publisherTx(ctx context.Context, tx *store.Tx, id string) (*Publisher, error) {
	all, err := d.publishers(ctx, tx, "publisher_id = $1", id)
	if err == nil && len(all) == 0 {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

func (d *Desk) publishers(ctx context.Context, q store.Querier, where string, args ...any) ([]Publisher, error) {
	rows, err := q.Query(ctx, "SELECT "+publisherColumns+" FROM directory_publisher WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading publishers: %w", err)
	}
	defer rows.Close()
	var all []Publisher
	var sealed [][]byte
	for rows.Next() {
		var p Publisher
		var ended int64
		var s []byte
		if err := rows.Scan(&p.ID, &p.Terms, &ended, &s); err != nil {
			return nil, fmt.Errorf("reading publishers: %w", err)
		}
		if ended != 0 {
			p.Ended = time.UnixMicro(ended).UTC()
		}
		all, sealed = append(all, p), append(sealed, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading publishers: %w", err)
	}
	for i := range all {
		open := func() ([]byte, error) {
			if tx, is := q.(*store.Tx); is {
				return d.Vault.OpenStateTx(ctx, tx, vault.CarrierID, publisherPlace(all[i].ID), sealed[i])
			}
			return d.Vault.OpenState(ctx, vault.CarrierID, publisherPlace(all[i].ID), sealed[i])
		}
		plain, err := open()
		if err == nil {
			err = json.Unmarshal(plain, &all[i])
		}
		if err != nil {
			return nil, fmt.Errorf("reading a publisher: %w", err)
		}
	}
	return all, nil
}

// Publisher gives one.
func (d *Desk) Publisher(ctx context.Context, id string) (*Publisher, error) {
	all, err := d.publishers(ctx, d.DB.Reader(), "publisher_id = $1", id)
	if err == nil && len(all) == 0 {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// Publishers lists them by id.
func (d *Desk) Publishers(ctx context.Context) ([]Publisher, error) {
	return d.publishers(ctx, d.DB.Reader(), "1 = 1 ORDER BY publisher_id")
}

var idLetters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// listingID names a listing to one publisher: it tells nothing, and two publishers cannot compare theirs.
func (d *Desk) listingID(publisher string, of cpni.ID, line int) string {
	m := hmac.New(sha256.New, d.ids)
	fmt.Fprintf(m, "%s\x00%s\x00%d", publisher, of, line)
	return idLetters.EncodeToString(m.Sum(nil)[:15])
}

// digest tells whether a listing is as it was given.
func (d *Desk) digest(l customer.Listing) []byte {
	m := hmac.New(sha256.New, d.digests)
	for _, w := range []string{l.Number, l.Name, l.Address, l.Heading} {
		fmt.Fprintf(m, "%d %s ", len(w), w)
	}
	return m.Sum(nil)[:16]
}

// listed finds a line among what may be published of a customer.
func listed(all []customer.Listing, line int) (customer.Listing, bool) {
	i := slices.IndexFunc(all, func(l customer.Listing) bool { return l.Line == line })
	if i < 0 {
		return customer.Listing{}, false
	}
	return all[i], true
}
