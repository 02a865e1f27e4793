package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Version is an edition that was published.
type Version struct {
	Edition
	N          int64 // the first is 1
	Hash       string
	By, Second string    // who proposed it and who agreed; Second is empty for the first
	At         time.Time // when it was published
	Effective  time.Time // since when it is in force
	Record     cpni.ID   // the ledger's entry
	Source     []byte    // its text, with placeholders
}

// Addition is something that the public policy covers since a moment and did not cover before: exactly one of Purpose, Data
// and Partner is set. Partner is the id of a partner, or a kind of recipient or class of partners, as in Covers. Since is when
// it was published: a notice that was given before cannot have told of it, one that is given from then on can, even while the
// version waits for its day.
//
// cite: P-56, P-57, 47 CFR 64.2008(c)(2)
type Addition = approval.Addition

// Book is the register of what was published. It is safe for concurrent use.
type Book struct {
	parts Parts
	shelf atomic.Pointer[shelf]
	mu    sync.Mutex // one takes up versions at a time
	last  atomic.Pointer[lastRead]
}

// lastRead is the text that was read last: one that is drafted is looked at again and again.
type lastRead struct {
	source string
	under  *rules.Set
	text   *Text
}

// readText reads a text under the policy in force.
func (b *Book) readText(source string) (*Text, error) {
	set := b.parts.Rules()
	if l := b.last.Load(); l != nil && l.source == source && l.under == set {
		return l.text, nil
	}
	t, err := Read([]byte(source), set)
	if err != nil {
		return nil, err
	}
	b.last.Store(&lastRead{source, set, t})
	return t, nil
}

// Parts are what a Book is opened with.
type Parts struct {
	DB     *store.DB
	Vault  *vault.Vault
	Ledger *ledger.Ledger
	Clock  cpni.Clock
	Zone   *time.Location // the carrier's: it decides on which day a version takes effect
	// Rules gives the policy in force, by which a text is judged.
	Rules func() *rules.Set
	// Facts gives what fills the placeholders at a moment.
	Facts func(at time.Time) Facts
}

// shelf is every version, the oldest first, as this node knows them.
type shelf struct {
	n         int64 // of the row published; gone: nothing was published yet
	all       []*Version
	additions []Addition
}

// publishedID is the key of the one row of the table published, and gone its version while it is not there.
const (
	publishedID = "public"
	gone        = -1
)

// Open reads what was published.
func Open(ctx context.Context, p Parts) (*Book, error) {
	b := &Book{parts: p}
	b.shelf.Store(&shelf{n: gone})
	return b, b.Refresh(ctx)
}

// Refresh takes up what another node has published.
func (b *Book) Refresh(ctx context.Context) error {
	q := b.parts.DB.Reader()
	var n int64
	err := q.QueryRow(ctx, "SELECT version FROM published WHERE published_id = $1", publishedID).Scan(&n)
	if store.IsNoRow(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what was published: %w", err)
	}
	if b.shelf.Load().n >= n {
		return nil
	}
	rows, err := q.Query(ctx, "SELECT version, n, hash, by_staff, second, at, effective, record_id, edition, source FROM public_policy WHERE n <= $1 ORDER BY n", n)
	if err != nil {
		return fmt.Errorf("reading the public policies: %w", err)
	}
	defer rows.Close()
	next := &shelf{n: n}
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return err
		}
		next.all = append(next.all, v)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	next.additions = additions(next.all)
	b.take(next)
	return nil
}

func (b *Book) take(next *shelf) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shelf.Load().n < next.n {
		b.shelf.Store(next)
	}
}

// scan reads a version, and refuses one that is no longer what was published.
func scan(from func(...any) error) (*Version, error) {
	v := &Version{}
	var name, edition, source string
	var at, effective int64
	if err := from(&name, &v.N, &v.Hash, &v.By, &v.Second, &at, &effective, &v.Record, &edition, &source); err != nil {
		return nil, fmt.Errorf("reading a public policy: %w", err)
	}
	if hashOf([]byte(edition)) != v.Hash {
		return nil, fmt.Errorf("the public policy %s in the database is not the one that was published: its hash in the ledger is another", name)
	}
	if err := json.Unmarshal([]byte(edition), &v.Edition); err != nil || v.Version != name {
		return nil, fmt.Errorf("the public policy %s in the database cannot be read: %w", name, err)
	}
	v.At, v.Effective, v.Source = time.UnixMicro(at).UTC(), time.UnixMicro(effective).UTC(), []byte(source)
	return v, nil
}

// Current gives the version in force at a moment, nil when there is none yet, and the guard that finds out when something
// was published since.
//
// cite: P-55, P-58
func (b *Book) Current(at time.Time) (*Version, store.Guard) {
	s := b.shelf.Load()
	guard := store.Guard{Table: "published", Key: publishedID, Version: s.n}
	for _, v := range slices.Backward(s.all) {
		if !at.Before(v.Effective) {
			return v, guard
		}
	}
	return nil, guard
}

// Newest gives the version that was published last, in force or not yet; nil when there is none.
func (b *Book) Newest() *Version {
	if all := b.shelf.Load().all; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// Versions lists what was published, the oldest first.
//
// cite: P-55, P-58
func (b *Book) Versions() []*Version { return slices.Clone(b.shelf.Load().all) }

// ErrNone: there is no such version.
var ErrNone = cpni.Rejected("NOT_FOUND", "there is no such version of the public policy", []string{"P-58"}, "list the versions")

// Version gives a version by its name.
func (b *Book) Version(name string) (*Version, error) {
	for _, v := range b.shelf.Load().all {
		if v.Edition.Version == name {
			return v, nil
		}
	}
	return nil, ErrNone
}

// Diff tells what changed from one version to another.
//
// cite: P-55, P-56
func (b *Book) Diff(from, to string) (Difference, error) {
	a, err := b.Version(from)
	if err != nil {
		return Difference{}, err
	}
	z, err := b.Version(to)
	if err != nil {
		return Difference{}, err
	}
	return Compare(&a.Edition, &z.Edition), nil
}

// Additions tells what versions cover that the ones before them did not, each with the last time at which it was added. What
// the first version covers is no addition: the notices that came with it tell of it.
//
// cite: P-56, P-57, 47 CFR 64.2008(c)(2)
func (b *Book) Additions() []Addition { return b.shelf.Load().additions }

// Terms gives the additions together with the guard that finds out when something was published since: a decision that
// stood on them is then made again.
//
// cite: P-56, I-02
func (b *Book) Terms() ([]Addition, store.Guard) {
	s := b.shelf.Load()
	return s.additions, store.Guard{Table: "published", Key: publishedID, Version: s.n}
}

func additions(all []*Version) []Addition {
	var out []Addition
	add := func(a Addition) {
		same := a
		out = slices.DeleteFunc(out, func(x Addition) bool {
			same.Since = x.Since
			return x == same
		})
		out = append(out, a)
	}
	for i := 1; i < len(all); i++ {
		more := all[i].Covers.Beyond(all[i-1].Covers)
		for _, p := range more.Purposes {
			add(Addition{Purpose: p, Since: all[i].At})
		}
		for _, r := range more.Recipients {
			add(Addition{Partner: r, Since: all[i].At})
		}
		for _, d := range more.Data {
			add(Addition{Data: d, Since: all[i].At})
		}
	}
	return out
}

// Draft is a version that is proposed: exactly what will be published.
type Draft struct {
	Base      string `json:"base"` // version that was published last when it was drafted; empty: none
	Version   string `json:"version"`
	Effective string `json:"effective"` // the day, 2026-12-01, in the carrier's zone
	Source    string `json:"source"`
	Facts     Facts  `json:"facts"`
	Hash      string `json:"hash"` // of the edition
	By        string `json:"by"`   // who proposes it
}

// ErrMoved: something was published, or a fact of the carrier changed, since a version was drafted.
var ErrMoved = cpni.Rejected("MOVED", "the public policy, or a fact that it states, has changed since this was proposed, so what follows would not be what was shown", []string{"P-55", "P-56"}, "propose it again, and look at what follows")

// Draft drafts a version of a text, which takes effect on a day. Text, name and day are refused as in Read; nothing is
// published yet.
//
// cite: P-55, P-56, P-58
func (b *Book) Draft(ctx context.Context, source []byte, effective, by string) (Draft, *Edition, error) {
	if err := b.Refresh(ctx); err != nil {
		return Draft{}, nil, err
	}
	t, err := b.readText(string(source))
	if err != nil {
		return Draft{}, nil, err
	}
	d := Draft{Version: t.Version, Effective: effective, Source: string(source), By: by, Facts: Facts{}}
	if v := b.Newest(); v != nil {
		d.Base = v.Edition.Version
	}
	if _, err := b.Version(d.Version); err == nil {
		return Draft{}, nil, wrong(CodeConfig, "the version %s was published already: give the new one a name of its own", d.Version)
	}
	now := b.parts.Clock.Now()
	if _, err := b.since(effective, now); err != nil {
		return Draft{}, nil, err
	}
	e, err := t.Fill(b.parts.Facts(now))
	if err != nil {
		return Draft{}, nil, err
	}
	d.Facts = e.Facts
	_, d.Hash, err = e.encode()
	return d, e, err
}

// since is the moment from which a version that takes effect on a day is in force: the beginning of that day, or now when
// it has begun.
//
// cite: P-58
func (b *Book) since(effective string, now time.Time) (time.Time, error) {
	day, err := workday.ParseDate(effective)
	if err != nil {
		return time.Time{}, wrong(CodeConfig, "it takes effect on %q: write a day such as 2026-12-01", effective)
	}
	if day.Before(workday.DateIn(now, b.parts.Zone)) {
		return time.Time{}, wrong(CodeConfig, "a policy does not take effect on a day that is past: nobody could have read it (%s)", day)
	}
	at := day.Start(b.parts.Zone)
	if at.Before(now) {
		at = now
	}
	if v := b.Newest(); v != nil && at.Before(v.Effective) {
		return time.Time{}, wrong(CodeConfig, "the version %s takes effect later, on %s: one that is published after it cannot come before it", v.Edition.Version, workday.DateIn(v.Effective, b.parts.Zone))
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

// Drafted makes the edition of a draft again: exactly that, or an error.
func (b *Book) Drafted(d Draft) (*Edition, error) {
	t, err := b.readText(d.Source)
	if err != nil {
		return nil, err
	}
	e, err := t.Fill(d.Facts)
	if err != nil {
		return nil, err
	}
	if _, hash, err := e.encode(); err != nil || hash != d.Hash || e.Version != d.Version {
		return nil, errors.Join(ErrMoved, err)
	}
	return e, nil
}

// Holds fails when a draft can no longer be published as it was proposed: another version was published, a fact that it
// states is another now, or its day is over.
func (b *Book) Holds(ctx context.Context, d Draft) error {
	if err := b.Refresh(ctx); err != nil {
		return err
	}
	now := b.parts.Clock.Now()
	if err := b.stands(d, now); err != nil {
		return err
	}
	_, err := b.Drafted(d)
	return err
}

func (b *Book) stands(d Draft, now time.Time) error {
	base := ""
	if v := b.Newest(); v != nil {
		base = v.Edition.Version
	}
	facts := b.parts.Facts(now)
	moved := base != d.Base
	for name, v := range d.Facts {
		moved = moved || facts[name] != v
	}
	if moved {
		return ErrMoved
	}
	_, err := b.since(d.Effective, now)
	return err
}

// Take publishes a draft in tx; taken is to be called once that is durable. Other nodes follow within a second, and a
// decision that is being made is made again. second is who agreed.
//
// cite: P-55, P-56, P-58, 47 CFR 64.2008(b)
func (b *Book) Take(ctx context.Context, tx *store.Tx, d Draft, second string) (entries []ledger.Entry, taken func(), err error) {
	now := b.parts.Clock.Now()
	if err := b.stands(d, now); err != nil {
		return nil, nil, err
	}
	e, err := b.Drafted(d)
	if err != nil {
		return nil, nil, err
	}
	text, hash, err := e.encode()
	if err != nil {
		return nil, nil, err
	}
	old := b.shelf.Load()
	v := &Version{Edition: *e, N: int64(len(old.all)) + 1, Hash: hash, By: d.By, Second: second, At: now.UTC().Truncate(time.Microsecond), Source: []byte(d.Source)}
	if v.Effective, err = b.since(d.Effective, now); err != nil {
		return nil, nil, err
	}
	var before Covers
	if len(old.all) > 0 {
		before = old.all[len(old.all)-1].Covers
	} else {
		before = v.Covers
	}
	actor := second
	if actor == "" {
		actor = d.By
	}
	entry, err := b.parts.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: actor, Rules: b.parts.Rules().Version(), Outcome: cpni.OK},
		map[string]any{"what": "a version of the public policy is published", "version": v.Edition.Version, "hash": hash, "effective": v.Effective, "proposed_by": d.By, "adds": v.Covers.Beyond(before), "cites": []string{"P-55", "P-56", "P-58"}})
	if err != nil {
		return nil, nil, err
	}
	v.Record = entry.ID
	// Whoever comes second finds another number in the row, and publishes nothing.
	var n int64
	err = tx.QueryRow(ctx, `INSERT INTO published (published_id, version) VALUES ($1, $2) ON CONFLICT (published_id) DO UPDATE SET version = excluded.version WHERE published.version = $3 RETURNING version`,
		publishedID, v.N, v.N-1).Scan(&n)
	if store.IsNoRow(err) {
		return nil, nil, ErrMoved
	}
	if err != nil {
		return nil, nil, fmt.Errorf("publishing: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO public_policy (version, n, hash, by_staff, second, at, effective, record_id, edition, source) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		v.Edition.Version, v.N, v.Hash, v.By, v.Second, v.At.UnixMicro(), v.Effective.UnixMicro(), string(v.Record), string(text), d.Source); err != nil {
		return nil, nil, fmt.Errorf("keeping a version of the public policy: %w", err)
	}
	next := &shelf{n: v.N, all: append(slices.Clone(old.all), v)}
	next.additions = additions(next.all)
	return []ledger.Entry{entry}, func() { b.take(next) }, nil
}

// Start publishes a text when nothing was published yet, so that customers can read a policy from the first start on. What
// it covers is no addition.
//
// cite: P-55, P-58
func (b *Book) Start(ctx context.Context, source []byte) error {
	if err := b.Refresh(ctx); err != nil || b.Newest() != nil {
		return err
	}
	d, _, err := b.Draft(ctx, source, workday.DateIn(b.parts.Clock.Now(), b.parts.Zone).String(), "start")
	if err != nil || d.Base != "" { // another node was first
		return err
	}
	var taken func()
	_, err = b.parts.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		entries, taken, err = b.Take(ctx, tx, d, "")
		return entries, err
	})
	if errors.Is(err, ErrMoved) {
		return b.Refresh(ctx) // another node was first
	}
	if err != nil {
		return err
	}
	taken()
	return nil
}
