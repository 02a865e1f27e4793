// Package rulebook keeps the policy in force and every policy that was ever in force: a decision of years ago is made
// again under the rules of its day.
//
// cite: P-01, P-58, I-04
package rulebook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	// TakeFiles brings the files of the policy into force as they are, in the place of what was published beside them: the
	// way out when the two do not go together.
	TakeFiles bool
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
		return b, b.put(ctx, nil, files, files, "start", "the first policy takes effect")
	case err != nil:
		return nil, err
	case now.base == files.Version() && !(o.TakeFiles && now.set != files):
		b.current.Store(now)
		return b, nil
	}
	next, err := b.carried(ctx, now, files, o.TakeFiles)
	if err != nil {
		return nil, err
	}
	what := "changed policy files take effect"
	if o.TakeFiles {
		what = "the policy files take effect as they are, in the place of what was published (break-glass)"
	}
	return b, b.put(ctx, now, next, files, "start", what)
}

// carried gives the policy that new files make together with what was published under the old ones: what was published
// beside the files stays, and so does a file that was changed, unless the new files have it otherwise too.
func (b *Book) carried(ctx context.Context, now *edition, files *rules.Set, take bool) (*rules.Set, error) {
	if take {
		return files, nil
	}
	changed := map[string][]byte{}
	for name, text := range now.set.Published() {
		changed["rules/"+name+".cedar"] = text
	}
	if old, err := b.At(ctx, now.base); err == nil { // that of a database of before it was kept is not there
		was, is := old.Files(), files.Files()
		for name, text := range now.set.Since(old) {
			if before, there := was[name]; there && !bytes.Equal(is[name], before) && !bytes.Equal(is[name], text) {
				return nil, fmt.Errorf("%s was changed by what was published and by the new files of the policy: put the two together in a folder that `policy` names, and start once with --take-policy", name)
			}
			changed[name] = text
		}
	}
	if len(changed) == 0 {
		return files, nil
	}
	next, err := files.Changed(changed)
	if err != nil {
		return nil, fmt.Errorf("what was published (%s) does not go with the changed policy: %w; mend it in a folder that `policy` names, and start once with --take-policy", strings.Join(slices.Sorted(maps.Keys(changed)), ", "), err)
	}
	return next, nil
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

// put brings set into force in the place of old (nil: of none). files is what lies under it; nil: what lies under old.
func (b *Book) put(ctx context.Context, old *edition, set, files *rules.Set, by, what string) error {
	var taken func()
	_, err := b.ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		entries, taken, err = b.write(ctx, tx, old, set, files, by, map[string]string{"what": what})
		return entries, err
	})
	if errors.Is(err, errMoved) {
		return b.Refresh(ctx) // another node was first
	}
	if err != nil {
		return err
	}
	taken()
	return nil
}

// write does so in tx, with a record that says what it is about; taken is to be called once that is durable.
func (b *Book) write(ctx context.Context, tx *store.Tx, old *edition, set, files *rules.Set, by string, about map[string]string) (entries []ledger.Entry, taken func(), err error) {
	next := &edition{set: set, n: 1}
	if old != nil {
		next.n, next.base = old.n+1, old.base
	}
	keep := []*rules.Set{set}
	if files != nil {
		next.base, keep = files.Version(), append(keep, files)
	}
	if next.profiles, err = b.dated(set); err != nil {
		return nil, nil, err
	}
	now := b.clock.Now()
	for _, s := range keep {
		if _, err := tx.Exec(ctx, "INSERT INTO rule_set (version, at, source) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING", s.Version(), now.UnixMicro(), s.Source()); err != nil {
			return nil, nil, fmt.Errorf("keeping a policy: %w", err)
		}
	}
	var n int64
	switch err := tx.QueryRow(ctx, `INSERT INTO policy (policy_id, version, base, rules) VALUES ($1, $2, $3, $4) ON CONFLICT (policy_id) DO UPDATE
		SET version = excluded.version, base = excluded.base, rules = excluded.rules WHERE policy.version = $5 RETURNING version`,
		policyID, next.n, next.base, set.Version(), next.n-1).Scan(&n); {
	case store.IsNoRow(err):
		return nil, nil, errMoved
	case err != nil:
		return nil, nil, fmt.Errorf("bringing a policy into force: %w", err)
	}
	detail := maps.Clone(about)
	detail["rules"] = set.Version()
	e, err := b.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Rules: set.Version(), Outcome: cpni.OK}, detail)
	return []ledger.Entry{e}, func() {
		b.mu.Lock()
		b.sets[set.Version()] = set
		b.mu.Unlock()
		b.store(next)
	}, err
}

// store takes up an edition, unless a later one is in force already.
func (b *Book) store(next *edition) {
	for {
		old := b.current.Load()
		if old != nil && old.n > next.n || b.current.CompareAndSwap(old, next) {
			return
		}
	}
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
		return b.put(ctx, old, set, nil, by, "rules published as "+name)
	}
	return b.turnAway(ctx, err, by)
}

// turnAway records rules that are refused, and gives the error again.
func (b *Book) turnAway(ctx context.Context, err error, by string) error {
	var refusal *cpni.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	_, lost := b.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := b.vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: b.clock.Now(), Actor: by, Outcome: refusal.Outcome, Code: refusal.Code},
			map[string]string{"what": "rules refused", "says": refusal.Says})
		return []ledger.Entry{e}, err
	})
	return errors.Join(err, lost)
}

// Refresh takes up a policy that another node has brought into force.
func (b *Book) Refresh(ctx context.Context) error {
	now, err := b.read(ctx)
	if err != nil {
		return err
	}
	if old := b.current.Load(); old == nil || old.n != now.n || old.set != now.set {
		b.store(now)
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
