// Package rulebook keeps the policy in force and every policy that was ever in force: a decision of years ago is made
// again under the rules of its day.
//
// cite: P-01, P-58, I-04
package rulebook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Book is the register of policies.
type Book struct {
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
	clock  cpni.Clock
	zone   *time.Location
	dated  func(*rules.Set) (*rules.Profiles, error) // gives the dated numbers of a set

	current atomic.Pointer[edition]
	today   atomic.Pointer[numbersOfDay]
	mu      sync.Mutex
	sets    map[string]*rules.Set // by version
}

// edition is a policy in force.
type edition struct {
	set      *rules.Set
	profiles *rules.Profiles
	n        int64  // raised with every change
	base     string // version of the files under it
}

type numbersOfDay struct {
	of   *edition
	day  workday.Date
	from time.Time // the day in the carrier's zone
	to   time.Time
	n    rules.InForce
}

// Options of Open.
type Options struct {
	Policy *rules.Set     // made of the files of the policy
	Clock  cpni.Clock     // never goes back
	Zone   *time.Location // the carrier's: it decides on which day a number takes effect
	// Profiles, when given, changes which dated numbers are in force; stories do.
	Profiles func(*rules.Profiles) (*rules.Profiles, error)
}

// policyID is the key of the one row of the table policy.
const policyID = "policy"

// Open brings the policy into force when it is not yet, and records that.
func Open(ctx context.Context, db *store.DB, v *vault.Vault, l *ledger.Ledger, o Options) (*Book, error) {
	b := &Book{db: db, vault: v, ledger: l, clock: o.Clock, zone: o.Zone, sets: map[string]*rules.Set{}}
	b.dated = func(s *rules.Set) (*rules.Profiles, error) {
		if o.Profiles == nil {
			return s.Profiles(), nil
		}
		return o.Profiles(s.Profiles())
	}
	files := o.Policy
	b.sets[files.Version()] = files
	now, err := b.read(ctx)
	switch {
	case errors.Is(err, errNone):
		return b, b.put(ctx, nil, files, files.Version(), "start", "the first policy takes effect")
	case err != nil:
		return nil, err
	case now.base == files.Version():
		b.current.Store(now)
		return b, nil
	}
	// Other files than those that the policy in force was made of: what was published beside the old ones stays.
	next := files
	for name, text := range now.set.Published() {
		if next, err = next.With(name, text); err != nil {
			return nil, fmt.Errorf("the rules that were published as %s do not go with the changed policy: %w", name, err)
		}
	}
	return b, b.put(ctx, now, next, files.Version(), "start", "changed policy files take effect")
}

// OpenToRead gives the policies that are on record in db, for deciding again. None is in force in it.
func OpenToRead(db *store.DB) *Book { return &Book{db: db, sets: map[string]*rules.Set{}} }

var errNone = errors.New("no policy is in force yet")

// read reads the policy in force.
func (b *Book) read(ctx context.Context) (*edition, error) {
	e := &edition{}
	var version string
	err := b.db.Reader().QueryRow(ctx, "SELECT version, base, rules FROM policy WHERE policy_id = $1", policyID).Scan(&e.n, &e.base, &version)
	if store.IsNoRow(err) {
		return nil, errNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading the policy in force: %w", err)
	}
	if e.set, err = b.At(ctx, version); err != nil {
		return nil, err
	}
	e.profiles, err = b.dated(e.set)
	return e, err
}

// At gives the policy of a version, for deciding again what was decided under it.
func (b *Book) At(ctx context.Context, version string) (*rules.Set, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.sets[version]; ok {
		return s, nil
	}
	var source []byte
	err := b.db.Reader().QueryRow(ctx, "SELECT source FROM rule_set WHERE version = $1", version).Scan(&source)
	if store.IsNoRow(err) {
		return nil, fmt.Errorf("the policy %s is not on record", version)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the policy %s: %w", version, err)
	}
	files, err := rules.Unpack(source)
	if err != nil {
		return nil, err
	}
	s, err := rules.Recall(files)
	if err != nil {
		return nil, fmt.Errorf("the policy %s on record: %w", version, err)
	}
	if s.Version() != version {
		return nil, fmt.Errorf("the policy on record as %s is now read as %s: it was changed, or this program reads facts in another way; use the version of Ringfence that wrote it", version, s.Version())
	}
	b.sets[version] = s
	return s, nil
}

// put brings set into force in the place of old (nil: of none).
func (b *Book) put(ctx context.Context, old *edition, set *rules.Set, base, by, what string) error {
	next := &edition{set: set, base: base, n: 1}
	if old != nil {
		next.n = old.n + 1
	}
	var err error
	if next.profiles, err = b.dated(set); err != nil {
		return err
	}
	_, err = b.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := b.clock.Now()
		if _, err := tx.Exec(ctx, "INSERT INTO rule_set (version, at, source) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING", set.Version(), now.UnixMicro(), set.Source()); err != nil {
			return nil, fmt.Errorf("keeping a policy: %w", err)
		}
		var n int64
		switch err := tx.QueryRow(ctx, `INSERT INTO policy (policy_id, version, base, rules) VALUES ($1, $2, $3, $4) ON CONFLICT (policy_id) DO UPDATE
			SET version = excluded.version, base = excluded.base, rules = excluded.rules WHERE policy.version = $5 RETURNING version`,
			policyID, next.n, base, set.Version(), next.n-1).Scan(&n); {
		case store.IsNoRow(err):
			return nil, errMoved
		case err != nil:
			return nil, fmt.Errorf("bringing a policy into force: %w", err)
		}
		e, err := b.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Rules: set.Version(), Outcome: cpni.OK}, map[string]string{"what": what, "rules": set.Version()})
		return []ledger.Entry{e}, err
	})
	if errors.Is(err, errMoved) {
		return b.Refresh(ctx) // another node was first
	}
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.sets[set.Version()] = set
	b.mu.Unlock()
	b.current.Store(next)
	return nil
}

var errMoved = errors.New("another policy has taken effect meanwhile")

// Publish brings further rules, as a file of that name beside those of the policy, into force at once and everywhere.
// Rules that are refused are on record, and the policy in force stays.
//
// cite: P-01, P-13, 47 CFR 64.2008(c)(3)
func (b *Book) Publish(ctx context.Context, name string, text []byte, by string) error {
	if err := b.Refresh(ctx); err != nil {
		return err
	}
	old := b.current.Load()
	set, err := old.set.With(rules.PublishedPrefix+name, text)
	if err == nil {
		return b.put(ctx, old, set, old.base, by, "rules published as "+name)
	}
	var refusal *cpni.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	_, lost := b.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := b.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: b.clock.Now(), Actor: by, Outcome: refusal.Outcome, Code: refusal.Code},
			map[string]string{"what": "rules refused", "says": refusal.Says})
		return []ledger.Entry{e}, err
	})
	return errors.Join(lost, err)
}

// Refresh takes up a policy that another node has brought into force.
func (b *Book) Refresh(ctx context.Context) error {
	now, err := b.read(ctx)
	if err != nil {
		return err
	}
	if old := b.current.Load(); old == nil || old.n != now.n || old.set != now.set {
		b.current.Store(now)
	}
	return nil
}

// Current gives the rules in force, with the guard that finds out when they no longer are.
func (b *Book) Current() (*rules.Set, store.Guard) {
	e := b.current.Load()
	return e.set, store.Guard{Table: "policy", Key: policyID, Version: e.n}
}

// Numbers gives the dated numbers in force at the moment at.
func (b *Book) Numbers(at time.Time) rules.InForce {
	e := b.current.Load()
	if d := b.today.Load(); d != nil && d.of == e && !at.Before(d.from) && at.Before(d.to) {
		return d.n
	}
	day := workday.DateIn(at, b.zone)
	d := &numbersOfDay{of: e, day: day, from: day.Start(b.zone), to: day.End(b.zone), n: e.profiles.At(day)}
	b.today.Store(d)
	return d.n
}
