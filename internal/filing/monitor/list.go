package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
)

// State is what is known of a way.
type State string

// The states.
const (
	Open       State = "works"       // the last try worked
	Shaky      State = "failing"     // the last tries failed, and not as many as make a failure
	Down       State = "failed"      // so many failed that a file was opened
	Unknown    State = "unknown"     // nobody can tell: it is not set up, or no try has said anything for too long
	NotOffered State = "not-offered" // the carrier says that there is no such way
)

// Standing is where a way stands, with what was tried in a time.
type Standing struct {
	Way       Way
	State     State
	SetUp     bool      // there is a monitor of it
	Why       string    // of NotOffered: as the carrier says it
	Since     time.Time // when it was first to be tried; zero: nothing has run yet
	Waiting   bool      // a refusal is waited for at this moment
	InARow    int       // tries that have failed one after another, until now
	Failure   cpni.ID   // the file of the failure that goes on; "" none
	Next      time.Time // when it is tried next; zero: it is not
	Last      *Try      // that said something; nil: none has
	LastWorks time.Time // when it last worked, of all time; zero: never
	// Of the time that was asked for.
	Tries, Worked, Failed, Untried int
	Failures                       []cpni.ID // files to which tries of that time belong, the oldest first
}

// Span is a time from a moment until before another; zero: without a bound.
type Span struct{ From, Until time.Time }

func (s Span) bounds() (from, until int64) {
	from, until = micros(s.From), int64(1)<<62
	if !s.Until.IsZero() {
		until = micros(s.Until)
	}
	return from, until
}

// List gives where every way stands, whoever asks, with the tries of a time counted.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func (m *Monitors) List(ctx context.Context, in Span) ([]Standing, error) {
	var all []Standing
	for _, w := range Ways {
		s, err := m.standing(ctx, w, in)
		if err != nil {
			return nil, fmt.Errorf("where %s stands: %w", w.Called(), err)
		}
		all = append(all, s)
	}
	return all, nil
}

func (m *Monitors) standing(ctx context.Context, w Way, in Span) (Standing, error) {
	probe, absent := m.probe(w)
	s := Standing{Way: w, SetUp: probe != nil, Why: absent}
	rows, err := m.DB.Reader().Query(ctx, readRow, string(w))
	if err != nil {
		return s, err
	}
	began := rows.Next()
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return s, err
	}
	var r row
	if began {
		if r, err = m.scan(ctx, m.DB.Reader(), w, ""); err != nil {
			return s, err
		}
		s.Since, s.Waiting, s.InARow, s.Failure = r.since, r.waits(), r.failed, r.failure
		if probe != nil {
			s.Next = r.due
		}
	}
	last, err := m.tries(ctx, "way = $1 AND outcome <> $2 ORDER BY at DESC, try_id DESC LIMIT 1", string(w), string(Untried))
	if err != nil {
		return s, err
	}
	if len(last) > 0 {
		s.Last = &last[0]
	}
	var worked int64
	if err := m.DB.Reader().QueryRow(ctx, "SELECT coalesce(max(at), 0) FROM monitor_try WHERE way = $1 AND outcome = $2", string(w), string(Worked)).Scan(&worked); err != nil {
		return s, err
	}
	s.LastWorks = moment(worked)
	switch {
	case absent != "":
		s.State = NotOffered
	case probe == nil || !began || r.concluded.IsZero() || m.unheard(r):
		s.State = Unknown
	case r.failure != "":
		s.State = Down
	case r.failed > 0:
		s.State = Shaky
	default:
		s.State = Open
	}
	return s, m.count(ctx, &s, in)
}

// count counts the tries of a time.
func (m *Monitors) count(ctx context.Context, s *Standing, in Span) error {
	from, until := in.bounds()
	rows, err := m.DB.Reader().Query(ctx, "SELECT outcome, failure, count(*), min(at) FROM monitor_try WHERE way = $1 AND at >= $2 AND at < $3 GROUP BY outcome, failure ORDER BY 4", string(s.Way), from, until)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var outcome Outcome
		var failure cpni.ID
		var n int
		var first int64
		if err := rows.Scan(&outcome, &failure, &n, &first); err != nil {
			return err
		}
		s.Tries += n
		switch outcome {
		case Worked:
			s.Worked += n
		case Failing:
			s.Failed += n
		default:
			s.Untried += n
		}
		if failure != "" {
			s.Failures = append(s.Failures, failure)
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// mostTries bounds a list of tries.
const mostTries = 1000

// Tries gives the tries of a way in a time, the newest first, at most so many; 0 for as many as there may be.
//
// cite: 47 CFR 64.2009(f)
func (m *Monitors) Tries(ctx context.Context, w Way, in Span, most int) ([]Try, error) {
	if most <= 0 || most > mostTries {
		most = mostTries
	}
	from, until := in.bounds()
	all, err := m.tries(ctx, "way = $1 AND at >= $2 AND at < $3 ORDER BY at DESC, try_id DESC LIMIT $4", string(w), from, until, most)
	if err != nil {
		return nil, fmt.Errorf("reading how %s was tried: %w", w.Called(), err)
	}
	return all, nil
}

func (m *Monitors) tries(ctx context.Context, where string, of ...any) ([]Try, error) {
	rows, err := m.DB.Reader().Query(ctx, "SELECT way, at, try_id, took, outcome, step, node, failure, entry_id, sealed FROM monitor_try WHERE "+where, of...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Try
	var sealed [][]byte
	for rows.Next() {
		var t Try
		var at, took int64
		var b []byte
		if err := rows.Scan(&t.Way, &at, &t.ID, &took, &t.Outcome, &t.Step, &t.Node, &t.Failure, &t.Entry, &b); err != nil {
			return nil, err
		}
		t.At, t.Took = moment(at), time.Duration(took)*time.Microsecond
		all, sealed = append(all, t), append(sealed, b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range all {
		plain, err := m.Vault.OpenState(ctx, "", tryPlace(all[i].ID), sealed[i])
		if err == nil {
			err = json.Unmarshal(plain, &all[i])
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
