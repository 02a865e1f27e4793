package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Kind is what an extract holds.
type Kind string

// The kinds.
const (
	Whole      Kind = "whole"      // every listing; it takes the place of all that was given before
	Update     Kind = "update"     // what has come, changed or gone since the last one
	Withdrawal Kind = "withdrawal" // what customers have taken out, at once; nobody has to ask for it
)

// State is where an extract stands.
type State string

// The states.
const (
	Running State = "running" // customers are decided about
	Writing State = "writing" // the file is written
	Ready   State = "ready"
	Stopped State = "stopped" // whoever asked for it may not have it
	Removed State = "removed" // the file is no longer kept
)

// Extract is a file of listings for a publisher.
type Extract struct {
	ID        cpni.ID
	Publisher string
	Kind      Kind
	State     State
	At        time.Time
	By        cpni.ID // of the staff; "" of a withdrawal
	Terms     int
	Looked    int64 // customers
	Listings  int64
	Deletions int64
	Refused   int64     // by the door: customers whose numbers have ceased to be published while it was made
	Finished  time.Time // zero: not yet
	Fetched   time.Time // zero: never
	Code      cpni.Code // why it was stopped
	Manifest  []byte    // JSON; nil: not yet

	place string
	parts int64
}

// row is a row of the file, before it is written.
type row struct {
	Of      cpni.ID          `json:"of"`
	Version int64            `json:"version"` // of the customer, when it was decided
	Action  string           `json:"action"`
	ID      string           `json:"id"`
	Digest  []byte           `json:"digest,omitempty"`
	Listing customer.Listing `json:"listing"` // of one that is taken out, nothing
}

// What becomes of a listing. The first two say: put this in the place of what you have under its id.
const (
	added   = "add"
	changed = "change"
	deleted = "delete"
)

// Ask begins an extract for a publisher, for somebody whose work that is. The same id again gives the same extract.
//
// cite: P-32, 47 USC 222(e)
func (d *Desk) Ask(ctx context.Context, id, by cpni.ID, publisher string, kind Kind) (*Extract, error) {
	if !id.Valid() || kind != Whole && kind != Update {
		return nil, bad("an extract is whole or an update", "say which")
	}
	if e, err := d.One(ctx, id); err == nil && e.By == by && e.Publisher == publisher && e.Kind == kind {
		return e, nil
	}
	t, err := d.Terms(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.DB.Tx(ctx, func(tx *store.Tx) error {
		p, err := d.publisherTx(ctx, tx, publisher)
		switch {
		case err != nil:
			return err
		case !p.Ended.IsZero():
			return errEnded
		case t == nil || p.Terms != t.Version:
			return errTerms
		}
		// One at a time: what an update follows must be settled. On PostgreSQL the publisher's row is what others wait for.
		if _, err := tx.Exec(ctx, "UPDATE directory_publisher SET version = version WHERE publisher_id = $1", publisher); err != nil {
			return fmt.Errorf("beginning an extract: %w", err)
		}
		var busy, done int
		if err := tx.QueryRow(ctx, "SELECT coalesce(sum(CASE WHEN state IN ('running', 'writing') AND kind <> 'withdrawal' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN kind = 'whole' AND state IN ('ready', 'removed') THEN 1 ELSE 0 END), 0) FROM directory_extract WHERE publisher_id = $1", publisher).Scan(&busy, &done); err != nil {
			return fmt.Errorf("beginning an extract: %w", err)
		}
		if busy > 0 {
			return errBusy
		}
		if kind == Update && done == 0 {
			return errWhole
		}
		return insertExtract(ctx, tx, &Extract{ID: id, Publisher: publisher, Kind: kind, State: Running, At: d.Clock.Now(), By: by, Terms: t.Version})
	}); err != nil {
		return nil, err
	}
	return d.One(ctx, id)
}

func insertExtract(ctx context.Context, tx *store.Tx, e *Extract) error {
	_, err := tx.Exec(ctx, `INSERT INTO directory_extract (extract_id, publisher_id, kind, state, at, by_staff, terms, place, parts, claim, claimed, looked, listings, deletions, refused, finished, fetched, code, manifest)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, '', 0, 0, 0, $9, 0, 0, 0, '', '')`,
		string(e.ID), e.Publisher, string(e.Kind), string(e.State), e.At.UnixMicro(), string(e.By), e.Terms, e.parts, e.Deletions)
	if err != nil {
		return fmt.Errorf("beginning an extract: %w", err)
	}
	return nil
}

const extractColumns = "extract_id, publisher_id, kind, state, at, by_staff, terms, place, parts, looked, listings, deletions, refused, finished, fetched, code, manifest"

func (d *Desk) extracts(ctx context.Context, q store.Querier, where string, args ...any) ([]Extract, error) {
	rows, err := q.Query(ctx, "SELECT "+extractColumns+" FROM directory_extract WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading extracts: %w", err)
	}
	defer rows.Close()
	moment := func(us int64) time.Time {
		if us == 0 {
			return time.Time{}
		}
		return time.UnixMicro(us).UTC()
	}
	var all []Extract
	for rows.Next() {
		var e Extract
		var at, finished, fetched int64
		var manifest string
		if err := rows.Scan(&e.ID, &e.Publisher, &e.Kind, &e.State, &at, &e.By, &e.Terms, &e.place, &e.parts, &e.Looked, &e.Listings, &e.Deletions, &e.Refused, &finished, &fetched, &e.Code, &manifest); err != nil {
			return nil, fmt.Errorf("reading extracts: %w", err)
		}
		e.At, e.Finished, e.Fetched = moment(at), moment(finished), moment(fetched)
		if manifest != "" {
			e.Manifest = []byte(manifest)
		}
		all = append(all, e)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// One gives an extract.
func (d *Desk) One(ctx context.Context, id cpni.ID) (*Extract, error) {
	all, err := d.extracts(ctx, d.DB.Reader(), "extract_id = $1", string(id))
	if err == nil && len(all) == 0 {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// mostListed bounds a list of extracts.
const mostListed = 100

// Extracts lists the newest extracts of a publisher; "": of all.
func (d *Desk) Extracts(ctx context.Context, publisher string) ([]Extract, error) {
	return d.extracts(ctx, d.DB.Reader(), "($1 = '' OR publisher_id = $1) ORDER BY at DESC, extract_id DESC LIMIT $2", publisher, mostListed)
}

// lease is how long a node that makes an extract may be silent before another goes on with it.
const lease = 2 * time.Minute

var (
	errLost  = errors.New("another node goes on with this extract")
	errStale = errors.New("customers have changed while they were looked at")
)

// Work goes on with the extracts that are being made, each on one node; whatever ends it, another goes on where it stopped.
//
// cite: P-32, 47 USC 222(e)
func (d *Desk) Work(ctx context.Context) error {
	all, err := d.extracts(ctx, d.DB.Reader(), "state IN ('running', 'writing') ORDER BY at LIMIT $1", mostListed)
	if err != nil {
		return err
	}
	var failed []error // one that cannot be made keeps no other back
	for i := range all {
		if err := d.goOn(ctx, all[i].ID); err != nil && !errors.Is(err, errLost) {
			failed = append(failed, fmt.Errorf("making an extract for a publisher: %w", err))
		}
	}
	return errors.Join(failed...)
}

// goOn claims an extract and makes it ready.
func (d *Desk) goOn(ctx context.Context, id cpni.ID) error {
	now := d.Clock.Now()
	if err := d.DB.Tx(ctx, func(tx *store.Tx) error {
		return one(tx.Exec(ctx, "UPDATE directory_extract SET claim = $1, claimed = $2 WHERE extract_id = $3 AND state IN ('running', 'writing') AND (claim = '' OR claim = $1 OR claimed <= $4)",
			string(d.node), now.UnixMicro(), string(id), now.Add(-lease).UnixMicro()))
	}); err != nil {
		return err
	}
	e, err := d.One(ctx, id)
	if err != nil {
		return err
	}
	p, err := d.Publisher(ctx, e.Publisher)
	if err != nil {
		return err
	}
	for e.State == Running {
		if err := d.page(ctx, e); err != nil {
			return err
		}
	}
	if e.State != Writing {
		return nil
	}
	if d.beforeAssembly != nil {
		d.beforeAssembly()
	}
	return d.assemble(ctx, e, p)
}

// one turns a statement that has changed nothing into errLost.
func one(res interface{ RowsAffected() (int64, error) }, err error) error {
	if err != nil {
		return fmt.Errorf("making an extract: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		err = errLost
	}
	return err
}

// tries bounds how often a page whose customers change is looked at again.
const tries = 20

func (d *Desk) page(ctx context.Context, e *Extract) error {
	for range tries {
		err := d.tryPage(ctx, e)
		if !errors.Is(err, errStale) {
			return err
		}
	}
	return errStale
}

// given is what a publisher has of a line.
type given struct {
	version int64
	digest  []byte
}

// wanted is a customer about whom the door is asked, and what it released.
type wanted struct {
	read     customer.Read
	lines    []customer.Listing // that are to be given
	released []disclose.ListedLine
	refused  int64
	code     cpni.Code // of a refusal that is not about the listing
}

// tryPage decides about the next customers and keeps what comes of it. errStale: one of them has changed meanwhile, and nothing was
// kept.
//
// cite: P-32, P-41, V106, 47 USC 222(h)(3)
func (d *Desk) tryPage(ctx context.Context, e *Extract) error {
	ids, err := d.idsAfter(ctx, e.place)
	if err != nil {
		return err
	}
	last := len(ids) < d.pageSize
	upto := "~" // sorts behind every id
	if !last {
		upto = string(ids[len(ids)-1])
	}
	has, err := d.givenBetween(ctx, e.Publisher, e.place, upto)
	if err != nil {
		return err
	}
	read, err := d.Customers.ReadMany(ctx, ids)
	if err != nil {
		return err
	}
	now := d.Clock.Now()
	var ask []*wanted
	for _, r := range read {
		if r.Profile == nil {
			if !errors.Is(r.Err, vault.ErrForgotten) {
				return r.Err
			}
			continue
		}
		w := &wanted{read: r}
		for _, l := range r.Profile.Listings(now) {
			if g, ok := has[r.ID][l.Line]; e.Kind == Whole || !ok || !bytes.Equal(g.digest, d.digest(l)) {
				w.lines = append(w.lines, l)
			}
		}
		if len(w.lines) > 0 {
			ask = append(ask, w)
		}
	}
	if err := d.askAll(ctx, e, ask, now); err != nil {
		return err
	}
	if d.beforeKeeping != nil {
		d.beforeKeeping()
	}
	for _, w := range ask {
		if w.code != "" {
			return d.stop(ctx, e, w.code)
		}
	}
	return d.keep(ctx, e, read, ask, has, upto, last, now)
}

// askers is how many customers the door is asked about at the same time: it records them together.
const askers = 32

func (d *Desk) askAll(ctx context.Context, e *Extract, all []*wanted, now time.Time) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	next := make(chan *wanted)
	for range min(askers, len(all)) {
		group.Go(func() {
			for w := range next {
				if err := d.ask(ctx, e, w, now); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, w := range all {
		next <- w
	}
	close(next)
	group.Wait()
	return failed
}

// ask has the door decide about a customer: about all of them where all numbers are published and all are to be given, else about
// each line that is to be given.
//
// cite: P-32, P-41, V106, 47 USC 222(e), 47 USC 222(h)(3)
func (d *Desk) ask(ctx context.Context, e *Extract, w *wanted, now time.Time) error {
	lines := make([]string, len(w.lines))
	for i, l := range w.lines {
		lines[i] = l.Number
	}
	if len(w.lines) == len(w.read.Profile.LiveLines(now)) {
		lines = []string{""}
	}
	for _, line := range lines {
		a, err := d.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Staff: e.By}, Customer: w.read.ID, Data: []cpni.DataClass{cpni.Listing}, Purpose: cpni.Directory,
			To: string(cpni.ToDirectoryPublisher) + ":" + e.Publisher, Via: cpni.File, Line: line,
			// The version is part of it: a customer who has changed is decided about anew.
			IdempotencyKey: fmt.Sprintf("directory %s %s %d %s", e.ID, w.read.ID, w.read.Version, line)})
		switch {
		case err != nil:
			return err
		case a.Decision.Permit():
			w.released = append(w.released, a.Released.Lines...)
		case a.Decision.Code == "NOT_SLI" || a.Decision.Code == "NOT_CUSTOMER":
			w.refused++
		default:
			w.code = a.Decision.Code
		}
	}
	return nil
}

// stop ends an extract that whoever asked for it may not have.
func (d *Desk) stop(ctx context.Context, e *Extract, code cpni.Code) error {
	e.State, e.Code = Stopped, code
	return d.DB.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM directory_part WHERE extract_id = $1", string(e.ID)); err != nil {
			return fmt.Errorf("stopping an extract: %w", err)
		}
		return one(tx.Exec(ctx, "UPDATE directory_extract SET state = $1, code = $2, finished = $3 WHERE extract_id = $4 AND claim = $5", string(Stopped), string(code), d.Clock.Now().UnixMicro(), string(e.ID), string(d.node)))
	})
}

func (d *Desk) idsAfter(ctx context.Context, after string) ([]cpni.ID, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT customer_id FROM customer WHERE customer_id > $1 ORDER BY customer_id LIMIT $2", after, d.pageSize)
	if err != nil {
		return nil, fmt.Errorf("listing customers: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

func (d *Desk) givenBetween(ctx context.Context, publisher, after, upto string) (map[cpni.ID]map[int]given, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT customer_id, line, version, digest FROM directory_given WHERE publisher_id = $1 AND customer_id > $2 AND customer_id <= $3", publisher, after, upto)
	if err != nil {
		return nil, fmt.Errorf("reading what a publisher has: %w", err)
	}
	defer rows.Close()
	all := map[cpni.ID]map[int]given{}
	for rows.Next() {
		var of cpni.ID
		var line int
		var g given
		if err := rows.Scan(&of, &line, &g.version, &g.digest); err != nil {
			return nil, fmt.Errorf("reading what a publisher has: %w", err)
		}
		if all[of] == nil {
			all[of] = map[int]given{}
		}
		all[of][line] = g
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// keep writes what came of a page in one transaction, in which every customer of it still stands as they were decided about.
func (d *Desk) keep(ctx context.Context, e *Extract, read []customer.Read, ask []*wanted, has map[cpni.ID]map[int]given, upto string, last bool, now time.Time) error {
	var rows []row
	var guards []store.Guard
	var refused, listings, deletions int64
	type change struct {
		of      cpni.ID
		line    int
		version int64
		digest  []byte
	}
	var changes []change
	asked := map[cpni.ID]*wanted{}
	for _, w := range ask {
		asked[w.read.ID] = w
		refused += w.refused
	}
	profiles := map[cpni.ID]customer.Read{}
	for _, r := range read {
		if r.Profile != nil {
			profiles[r.ID] = r
		}
	}
	all := slices.Concat(slices.Collect(maps.Keys(profiles)), slices.Collect(maps.Keys(has)))
	slices.Sort(all)
	for _, of := range slices.Compact(all) {
		r, there := profiles[of]
		var stands []customer.Listing
		if there {
			stands = r.Profile.Listings(now)
		}
		if w := asked[of]; w != nil {
			guards = append(guards, store.Guard{Table: "customer", Key: string(of), Version: r.Version})
			for _, x := range w.released {
				i := slices.IndexFunc(w.lines, func(l customer.Listing) bool { return l.Number == x.Number })
				if i < 0 {
					continue // it was given before, as it is
				}
				l := w.lines[i]
				if x.Name != l.Name || x.Address != l.Address || x.Heading != l.Heading {
					return errStale // the door has seen the customer as they were later
				}
				action := added
				if _, had := has[of][l.Line]; had && e.Kind == Update {
					action = changed
				}
				rows = append(rows, row{Of: of, Version: r.Version, Action: action, ID: d.listingID(e.Publisher, of, l.Line), Digest: d.digest(l), Listing: l})
				changes = append(changes, change{of, l.Line, r.Version, d.digest(l)})
				listings++
			}
		}
		for _, line := range slices.Sorted(maps.Keys(has[of])) {
			if _, stays := listed(stands, line); !stays {
				if there {
					guards = append(guards, store.Guard{Table: "customer", Key: string(of), Version: r.Version})
				}
				// That the publisher has it is left to who withdraws listings, so that they are told at once as well.
				if e.Kind == Update {
					rows = append(rows, row{Of: of, Action: deleted, ID: d.listingID(e.Publisher, of, line)})
					deletions++
				}
			}
		}
	}
	state := Running
	if last {
		state = Writing
	}
	part := int64(0)
	if len(rows) > 0 {
		part = 1
	}
	err := d.DB.Tx(ctx, func(tx *store.Tx) error {
		stale, err := tx.CheckGuards(ctx, guards)
		if err != nil {
			return err
		}
		if slices.Contains(stale, true) {
			return errStale
		}
		if err := one(tx.Exec(ctx, `UPDATE directory_extract SET place = $1, parts = parts + $2, looked = looked + $3, listings = listings + $4, deletions = deletions + $5, refused = refused + $6, claimed = $7, state = $8
			WHERE extract_id = $9 AND claim = $10 AND state = 'running' AND place = $11`,
			upto, part, len(read), listings, deletions, refused, d.Clock.Now().UnixMicro(), string(state), string(e.ID), string(d.node), e.place)); err != nil {
			return err
		}
		for _, c := range changes {
			if _, err := tx.Exec(ctx, `INSERT INTO directory_given (customer_id, line, publisher_id, version, digest, extract_id) VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (customer_id, line, publisher_id) DO UPDATE SET version = excluded.version, digest = excluded.digest, extract_id = excluded.extract_id`,
				string(c.of), c.line, e.Publisher, c.version, c.digest, string(e.ID)); err != nil {
				return fmt.Errorf("keeping what a publisher has: %w", err)
			}
		}
		if part == 0 {
			return nil
		}
		return d.putPart(ctx, tx, e.ID, e.parts, rows)
	})
	if errors.Is(err, errStale) {
		for _, g := range guards {
			d.Customers.Drop(cpni.ID(g.Key))
		}
	}
	if err != nil {
		return err
	}
	e.place, e.State, e.parts = upto, state, e.parts+part
	e.Looked, e.Listings, e.Deletions, e.Refused = e.Looked+int64(len(read)), e.Listings+listings, e.Deletions+deletions, e.Refused+refused
	return nil
}

func partPlace(id cpni.ID, n int64) string { return fmt.Sprintf("directory/part/%s/%d", id, n) }

func (d *Desk) putPart(ctx context.Context, tx *store.Tx, id cpni.ID, n int64, rows []row) error {
	plain, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("keeping rows of an extract: %w", err)
	}
	sealed, err := d.Vault.SealTx(ctx, tx, vault.CarrierID, partPlace(id, n), plain)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO directory_part (extract_id, n, sealed) VALUES ($1, $2, $3)", string(id), n, sealed); err != nil {
		return fmt.Errorf("keeping rows of an extract: %w", err)
	}
	return nil
}
