package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// Detector is one rule about what is out of the ordinary.
type Detector struct {
	Name string    // as settings, pages and the database have it
	Code cpni.Code // of its alerts
	Says string    // what it has noticed, for people
	see  func(*sight, Event) (*finding, error)
	due  func(*sight, Event) (*finding, error) // judges an event that see has put off
}

// Detectors are all of them, in the order in which pages show them.
//
// cite: P-37, 47 CFR 64.2010(a)
var Detectors = []Detector{loneLookUps, bursts, afterHours, refusals, oneSecret, againAndAgain, decoys, kin, pretexts}

// DetectorOf finds a detector by its name.
func DetectorOf(name string) (Detector, bool) {
	i := slices.IndexFunc(Detectors, func(d Detector) bool { return d.Name == name })
	if i < 0 {
		return Detector{}, false
	}
	return Detectors[i], true
}

// Event is an entry as detectors see it.
type Event struct {
	ledger.Entry
	Seq    int64
	Person *staff.Member // who acted; nil when it was a customer, an integration or the program itself
}

// touches reports whether a person began to work on a customer: looked at their card, or opened a contact.
func (e Event) touches() bool {
	return e.Person != nil && e.Customer != "" && (e.Kind == ledger.Lookup && e.Purpose == Card || e.opens())
}

func (e Event) opens() bool { return e.Kind == ledger.Contact && e.Purpose == opened }

// finding is what a detector has noticed.
type finding struct {
	Subject  string // what it is about: with the detector it names the alert
	Member   cpni.ID
	Customer cpni.ID
	Evidence []int64 // places of entries
}

// sight is what detectors see: what has happened up to an event, and the numbers of its day.
type sight struct {
	w       *Watch
	ctx     context.Context // of one batch; detectors are called in it and no later
	tx      *store.Tx
	now     time.Time
	counts  counts
	entries []ledger.Entry // of alerts that were raised
	decoys  map[cpni.ID]time.Time
}

func (w *Watch) sight(ctx context.Context, tx *store.Tx, now time.Time) (*sight, error) {
	s := &sight{w: w, ctx: ctx, tx: tx, now: now, counts: counts{}}
	var err error
	s.decoys, err = decoysIn(ctx, tx)
	return s, err
}

func (s *sight) day(at time.Time) int         { return s.w.day(at) }
func (s *sight) numbers(at time.Time) Numbers { return s.w.parts.Numbers(at) }

// person finds the member who acted; nil when it was no person of the staff.
func (s *sight) person(actor string) (*staff.Member, error) {
	if !cpni.ID(actor).Valid() {
		return nil, nil
	}
	m, _, err := s.w.parts.Staff.Recent(s.ctx, cpni.ID(actor))
	if errors.Is(err, staff.ErrNone) || err == nil && m.Role == cpni.RoleSystem {
		return nil, nil
	}
	return m, err
}

// places reads the places of entries.
func (s *sight) places(query string, args ...any) ([]int64, error) {
	rows, err := s.tx.Query(s.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []int64
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		all = append(all, seq)
	}
	return all, rows.Err()
}

// touch is one time at which a person began to work on a customer.
type touch struct {
	seq      int64
	customer cpni.ID
	at       time.Time
	lone     bool
}

// touched are conditions on touches.
const touched = " AND touch = 1"

// mostLooked bounds how many entries a detector looks back at for one event, where its own limit asks for no more: what
// somebody does all day long, or a program with their key, must not cost more with each time.
const mostLooked = 120

// touches gives what a person began between two moments, both included, up to the entry at seq: the newest of it, enough
// to count most customers, in order.
func (s *sight) touches(actor string, from, to time.Time, seq int64, most int, lone bool) ([]touch, error) {
	only := ""
	if lone {
		only = " AND lone = 1"
	}
	rows, err := s.tx.Query(s.ctx, "SELECT seq, customer_id, at, lone FROM watch_entry WHERE actor = $1 AND at >= $2 AND at <= $3 AND seq <= $4"+touched+only+" ORDER BY at DESC, seq DESC LIMIT $5",
		actor, from.UnixMicro(), to.UnixMicro(), seq, max(mostLooked, 4*(most+1))) // a card and a contact each, and again
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []touch
	for rows.Next() {
		var t touch
		var at, lone int64
		if err := rows.Scan(&t.seq, &t.customer, &at, &lone); err != nil {
			return nil, err
		}
		t.at, t.lone = time.UnixMicro(at).UTC(), lone != 0
		all = append(all, t)
	}
	slices.Reverse(all)
	return all, rows.Err()
}

// customers counts the customers of touches.
func customers(all []touch) int {
	seen := map[cpni.ID]bool{}
	for _, t := range all {
		seen[t.customer] = true
	}
	return len(seen)
}

func seqs(all []touch) []int64 {
	out := make([]int64, len(all))
	for i, t := range all {
		out[i] = t.seq
	}
	return out
}

// since gives from when on what happened counts for an alert: not from before the last one about the same was closed.
func (s *sight) since(detector, subject string, from time.Time) (time.Time, error) {
	var closed int64
	err := s.tx.QueryRow(s.ctx, "SELECT coalesce(max(closed), 0) FROM watch_alert WHERE detector = $1 AND subject = $2", detector, subject).Scan(&closed)
	if at := time.UnixMicro(closed).UTC(); at.After(from) {
		from = at
	}
	return from, err
}

// later has an event judged when the time has come.
func (s *sight) later(e Event, due time.Time, what string) error {
	_, err := s.tx.Exec(s.ctx, "INSERT INTO watch_due (due, seq, what) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", due.UnixMicro(), e.Seq, what)
	return err
}

// mostDue bounds what is judged in one batch; the rest is in the next.
const mostDue = 200

// judgeDue judges what is due by a moment.
func (s *sight) judgeDue(by time.Time) error {
	rows, err := s.tx.Query(s.ctx, "SELECT due, seq, what FROM watch_due WHERE due <= $1 ORDER BY due, seq, what LIMIT $2", by.UnixMicro(), mostDue)
	if err != nil {
		return err
	}
	defer rows.Close()
	type waiting struct {
		due, seq int64
		what     string
	}
	var all []waiting
	for rows.Next() {
		var x waiting
		if err := rows.Scan(&x.due, &x.seq, &x.what); err != nil {
			return err
		}
		all = append(all, x)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("reading what is due: %w", err)
	}
	for _, x := range all {
		d, ok := DetectorOf(x.what)
		e, err := s.event(x.seq)
		if err != nil {
			return err
		}
		if ok && d.due != nil {
			f, err := d.due(s, e)
			if err == nil && f != nil {
				err = s.raise(d, f)
			}
			if err != nil {
				return fmt.Errorf("looking for %s: %w", d.Name, err)
			}
		}
		if _, err := s.tx.Exec(s.ctx, "DELETE FROM watch_due WHERE due = $1 AND seq = $2 AND what = $3", x.due, x.seq, x.what); err != nil {
			return err
		}
	}
	return nil
}

// event reads an entry back from the index.
func (s *sight) event(seq int64) (Event, error) {
	f, err := scanFound(s.tx.QueryRow(s.ctx, "SELECT "+foundColumns+" FROM watch_entry WHERE seq = $1", seq).Scan)
	if err != nil {
		return Event{}, fmt.Errorf("reading the entry at %d: %w", seq, err)
	}
	e := Event{Seq: seq, Entry: ledger.Entry{ID: f.ID, Customer: f.Customer, At: f.At, Actor: f.Actor, Contact: f.Contact, Kind: f.Kind, Purpose: f.Purpose, Outcome: f.Outcome, Code: f.Code}}
	e.Person, err = s.person(e.Actor)
	return e, err
}
