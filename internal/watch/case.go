package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// State is where a case stands.
type State string

// The states.
const (
	Open    State = "open"    // nobody has looked
	Looking State = "looking" // somebody works on it
	Closed  State = "closed"
)

// States lists them in their order.
var States = []State{Open, Looking, Closed}

// Outcome is what came of a case.
type Outcome string

// The outcomes.
const (
	Explained  Outcome = "explained"   // there was a reason for it
	Violation  Outcome = "violation"   // a promise or rule was broken: discipline goes on from here
	FalseAlarm Outcome = "false-alarm" // the detector was wrong
)

// Outcomes lists them.
var Outcomes = []Outcome{Explained, Violation, FalseAlarm}

// Alert is an alert and its case.
type Alert struct {
	ID       cpni.ID
	Detector string
	Code     cpni.Code
	Says     string
	Member   cpni.ID // about whom; "" when it is about no member
	Customer cpni.ID // "" when it is about none, or several
	State    State
	Raised   time.Time
	Newest   time.Time // of its evidence
	Evidence int       // entries
	Worker   cpni.ID   // who works on it, or did last
	Outcome  Outcome   // of one that is closed
	Closed   time.Time // zero: it is not
	version  int64
}

// Step is one thing that was done in a case.
type Step struct {
	At   time.Time
	By   string // a member, or Itself
	What string // raised, taken, noted, closed: OUTCOME
	Note string
}

// Case is an alert with everything about it.
type Case struct {
	Alert
	Entries []Found // its evidence, the oldest first
	History []Step
}

// Overdue reports whether a case should have been taken or closed by a moment.
//
// cite: P-37
func (w *Watch) Overdue(a Alert, at time.Time) bool {
	n := w.parts.Numbers(at)
	switch a.State {
	case Open:
		return at.Sub(a.Raised) > n.TakeWithin
	case Looking:
		return at.Sub(a.Raised) > n.CloseWithin
	}
	return false
}

const alertColumns = "alert_id, version, detector, code, member, customer_id, state, raised, newest, evidence, worker, outcome, closed"

func scanAlert(scan func(...any) error) (Alert, error) {
	var a Alert
	var raised, newest, closed int64
	err := scan(&a.ID, &a.version, &a.Detector, &a.Code, &a.Member, &a.Customer, &a.State, &raised, &newest, &a.Evidence, &a.Worker, &a.Outcome, &closed)
	if store.IsNoRow(err) {
		return a, ErrNoCase
	}
	a.Raised, a.Newest = time.UnixMicro(raised).UTC(), time.UnixMicro(newest).UTC()
	if closed != 0 {
		a.Closed = time.UnixMicro(closed).UTC()
	}
	for _, d := range append(Detectors[:len(Detectors):len(Detectors)], others, notMine, lost) {
		if d.Name == a.Detector {
			a.Says = d.Says
		}
	}
	return a, err
}

// Filter narrows Alerts; what is empty does not.
type Filter struct {
	State    State
	Unclosed bool // open or looking
	Detector string
	Viewer   cpni.ID // who reads: alerts about themself are left out
	Worker   cpni.ID
	Member   cpni.ID
	Before   cpni.ID // only alerts older than this one: the cursor
	Limit    int     // at most so many; 0 for 100
}

// Alerts lists alerts, the newest first.
//
// cite: P-37, 47 CFR 64.2010(a)
func (w *Watch) Alerts(ctx context.Context, f Filter) ([]Alert, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	if f.Before == "" {
		f.Before = "~" // sorts behind every id
	}
	hidden, err := w.hidden(ctx, f.Viewer)
	if err != nil {
		return nil, err
	}
	unclosed := 0
	if f.Unclosed {
		unclosed = 1
	}
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT "+alertColumns+` FROM watch_alert WHERE ($1 = '' OR state = $1) AND ($2 = 0 OR state <> 'closed') AND ($3 = '' OR detector = $3)
		AND (member = '' OR member <> $4) AND ($5 = '' OR worker = $5) AND ($6 = '' OR member = $6) AND alert_id < $7 AND NOT (code IN `+w.parts.DB.Listed(8)+`) ORDER BY alert_id DESC LIMIT $9`,
		string(f.State), unclosed, f.Detector, string(f.Viewer), string(f.Worker), string(f.Member), string(f.Before), w.parts.DB.List(hidden), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing alerts: %w", err)
	}
	defer rows.Close()
	var all []Alert
	for rows.Next() {
		a, err := scanAlert(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing alerts: %w", err)
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// Unclosed counts the alerts that wait for somebody, but for those about who asks.
func (w *Watch) Unclosed(ctx context.Context, viewer cpni.ID) (open, looking int, err error) {
	hidden, err := w.hidden(ctx, viewer)
	if err != nil {
		return 0, 0, err
	}
	err = w.parts.DB.Reader().QueryRow(ctx, `SELECT coalesce(sum(CASE WHEN state = 'open' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN state = 'looking' THEN 1 ELSE 0 END), 0)
		FROM watch_alert WHERE state <> 'closed' AND (member = '' OR member <> $1) AND NOT (code IN `+w.parts.DB.Listed(2)+`)`, string(viewer), w.parts.DB.List(hidden)).Scan(&open, &looking)
	if err != nil {
		err = fmt.Errorf("counting alerts: %w", err)
	}
	return open, looking, err
}

// Refusals of work on cases.
var (
	ErrNoCase     = errors.New("there is no such case")
	errSelf       = cpni.Rejected("SELF_REVIEW", "the case is about you, so others work on it", []string{"P-37", "47 CFR 64.2010(a)"}, "leave it to a colleague")
	errRole       = cpni.Rejected("ROLE", "cases are worked on by those who watch", []string{"P-37", "47 CFR 64.2010(a)"}, "leave it to a supervisor, or to compliance")
	errClosed     = cpni.Rejected("CONFLICT", "the case is closed, and stays as it is", []string{"P-37"}, "read what came of it", "new evidence raises a new alert")
	errReason     = cpni.Rejected("REASON", "a case is closed with a reason", []string{"P-37", "47 CFR 64.2010(a)"}, "say what was found, in at most 1,000 bytes")
	errNote       = cpni.Rejected("BAD_INPUT", "there is no note, or it is longer than 1,000 bytes", nil, "write a shorter one")
	errOutcome    = cpni.Rejected("BAD_INPUT", "that is no outcome of a case", nil, "say explained, violation or false-alarm")
	errTakenFirst = cpni.Rejected("CONFLICT", "nobody works on the case yet", []string{"P-37"}, "take it first")
	errOthers     = cpni.Rejected("CONFLICT", "somebody else works on the case", []string{"P-37"}, "take it over first, or leave it to them")
)

// Case reads a case for a member. Nobody reads one about themself.
//
// cite: P-37, 47 CFR 64.2010(a)
func (w *Watch) Case(ctx context.Context, id, by cpni.ID) (*Case, error) {
	q := w.parts.DB.Reader()
	a, err := scanAlert(q.QueryRow(ctx, "SELECT "+alertColumns+" FROM watch_alert WHERE alert_id = $1", string(id)).Scan)
	if err != nil {
		return nil, err
	}
	if hides, err := w.hides(ctx, a, by); err != nil || hides {
		return nil, errors.Join(err, ErrNoCase)
	}
	if a.Member != "" && a.Member == by {
		return nil, errSelf
	}
	c := &Case{Alert: a}
	rows, err := q.Query(ctx, "SELECT w."+strings.ReplaceAll(foundColumns, ", ", ", w.")+" FROM watch_evidence e JOIN watch_entry w ON w.seq = e.seq WHERE e.alert_id = $1 ORDER BY e.seq", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of a case: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		f, err := scanFound(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading the evidence of a case: %w", err)
		}
		c.Entries = append(c.Entries, f)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the evidence of a case: %w", err)
	}
	return c, w.history(ctx, c)
}

func notePlace(id cpni.ID, n int) string { return "case/" + string(id) + "/" + strconv.Itoa(n) }

func (w *Watch) history(ctx context.Context, c *Case) error {
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT n, at, by_staff, what, sealed FROM watch_history WHERE alert_id = $1 ORDER BY n", string(c.ID))
	if err != nil {
		return fmt.Errorf("reading the history of a case: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		var at int64
		var s Step
		var sealed []byte
		if err := rows.Scan(&n, &at, &s.By, &s.What, &sealed); err != nil {
			return fmt.Errorf("reading the history of a case: %w", err)
		}
		s.At = time.UnixMicro(at).UTC()
		if len(sealed) > 0 {
			plain, err := w.parts.Vault.OpenState(ctx, "", notePlace(c.ID, n), sealed)
			if err != nil {
				return err
			}
			s.Note = string(plain)
		}
		c.History = append(c.History, s)
	}
	return rows.Err()
}

// Take makes a member the one who works on a case, in the place of who did.
func (w *Watch) Take(ctx context.Context, id, by cpni.ID) error {
	return w.work(ctx, id, by, "", func(a *Alert) (string, error) {
		if a.State == Looking && a.Worker == by {
			return "", nil
		}
		a.State, a.Worker = Looking, by
		return "taken", nil
	})
}

// Note adds a note to a case on which the member works.
func (w *Watch) Note(ctx context.Context, id, by cpni.ID, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > mostNote || !utf8.ValidString(text) {
		return errNote
	}
	return w.work(ctx, id, by, text, func(a *Alert) (string, error) { return "noted", works(a, by) })
}

// Close ends a case on which the member works, with what came of it and why.
//
// cite: P-37, 47 CFR 64.2010(a)
func (w *Watch) Close(ctx context.Context, id, by cpni.ID, o Outcome, reason string) error {
	reason = strings.TrimSpace(reason)
	switch {
	case !slices.Contains(Outcomes, o):
		return errOutcome
	case reason == "" || len(reason) > mostNote || !utf8.ValidString(reason):
		return errReason
	}
	return w.work(ctx, id, by, reason, func(a *Alert) (string, error) {
		if err := works(a, by); err != nil {
			return "", err
		}
		a.State, a.Outcome, a.Closed = Closed, o, w.parts.Clock.Now()
		return "closed: " + string(o), nil
	})
}

// mostNote bounds a note or a reason, in bytes.
const mostNote = 1000

func works(a *Alert, by cpni.ID) error {
	switch {
	case a.State == Open:
		return errTakenFirst
	case a.Worker != by:
		return errOthers
	}
	return nil
}

// work does one thing in a case that nobody else changes meanwhile. The case, its history and the ledger tell of it
// together; the ledger has the hash of the note, which is sealed in the history.
//
// cite: P-37, 47 CFR 64.2010(a)
func (w *Watch) work(ctx context.Context, id, by cpni.ID, note string, do func(*Alert) (what string, err error)) error {
	m, _, err := w.parts.Staff.Recent(ctx, by)
	if err != nil {
		return err
	}
	if !m.May(staff.Watch) {
		return errRole
	}
	_, err = w.parts.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		query := "SELECT " + alertColumns + " FROM watch_alert WHERE alert_id = $1"
		if tx.Dialect() == store.Postgres {
			query += " FOR UPDATE"
		}
		a, err := scanAlert(tx.QueryRow(ctx, query, string(id)).Scan)
		switch {
		case err != nil:
			return nil, err
		case w.parts.Reserved[a.Code] != "" && !m.May(w.parts.Reserved[a.Code]):
			return nil, ErrNoCase
		case a.Member != "" && a.Member == by:
			return nil, errSelf
		case a.State == Closed:
			return nil, errClosed
		}
		what, err := do(&a)
		if err != nil || what == "" {
			return nil, err
		}
		return w.record(ctx, tx, a, by, what, note)
	})
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNoCase):
		return ErrNoCase
	}
	return err
}

// record writes a case as it now stands, and what was done.
func (w *Watch) record(ctx context.Context, tx *store.Tx, a Alert, by cpni.ID, what, note string) ([]ledger.Entry, error) {
	now := w.parts.Clock.Now()
	closed := int64(0)
	if !a.Closed.IsZero() {
		closed = a.Closed.UnixMicro()
	}
	if _, err := tx.Exec(ctx, "UPDATE watch_alert SET version = version + 1, state = $1, worker = $2, outcome = $3, closed = $4 WHERE alert_id = $5",
		string(a.State), string(a.Worker), string(a.Outcome), closed, string(a.ID)); err != nil {
		return nil, err
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(n), 0) + 1 FROM watch_history WHERE alert_id = $1", string(a.ID)).Scan(&n); err != nil {
		return nil, err
	}
	detail := map[string]string{"what": "case " + what, "case": string(a.ID), "member": string(a.Member)}
	sealed := []byte{}
	if note != "" {
		var err error
		if sealed, err = w.parts.Vault.SealTx(ctx, tx, "", notePlace(a.ID, n), []byte(note)); err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(note))
		detail["note_sha256"] = hex.EncodeToString(sum[:])
	}
	if _, err := tx.Exec(ctx, "INSERT INTO watch_history (alert_id, n, at, by_staff, what, sealed) VALUES ($1, $2, $3, $4, $5, $6)", string(a.ID), n, now.UnixMicro(), string(by), what, sealed); err != nil {
		return nil, err
	}
	e, err := w.parts.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: string(by), Outcome: cpni.OK}, detail)
	return []ledger.Entry{e}, err
}

// FoundViolation is a violation of a member that a case has found, from which discipline goes on.
type FoundViolation struct {
	Case   cpni.ID
	Member cpni.ID
	Code   cpni.Code
	At     time.Time // when the case was closed
	By     cpni.ID   // who closed it
}

// Violations gives the cases about members that were closed as violations, the oldest first.
//
// cite: P-37, P-39
func (w *Watch) Violations(ctx context.Context) ([]FoundViolation, error) {
	rows, err := w.parts.DB.Reader().Query(ctx, "SELECT alert_id, member, code, closed, worker FROM watch_alert WHERE state = 'closed' AND outcome = $1 AND member <> '' ORDER BY closed, alert_id", string(Violation))
	if err != nil {
		return nil, fmt.Errorf("listing violations: %w", err)
	}
	defer rows.Close()
	var all []FoundViolation
	for rows.Next() {
		var v FoundViolation
		var at int64
		if err := rows.Scan(&v.Case, &v.Member, &v.Code, &at, &v.By); err != nil {
			return nil, fmt.Errorf("listing violations: %w", err)
		}
		v.At = time.UnixMicro(at).UTC()
		all = append(all, v)
	}
	return all, rows.Err()
}
