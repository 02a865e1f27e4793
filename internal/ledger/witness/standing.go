package witness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/ledger"
)

// State is how the log stands with one witness. Moments are in UTC; zero: never.
type State struct {
	Witness     string
	Size        int64     // of the newest checkpoint that it has cosigned
	At          time.Time // when, as it says
	Asked, Next time.Time
	Failures    int    // in a row
	Error       string // of the last time; "" none
	Forked      time.Time
	since       time.Time
}

// Standing is how the log stands with its witnesses.
type Standing struct {
	Witnesses []State
	Quorum    int
	Size      int64     // of the newest checkpoint that enough of them have cosigned
	At        time.Time // when the last of them did; zero: never
	Lately    int       // how many have cosigned within the time after which an alert is raised
	Old       bool      // too few
	Forked    bool      // one of them says that this is not the log that it knows
}

// Says tells in a sentence what is wrong; "" nothing.
func (s Standing) Says() string {
	switch {
	case s.Forked:
		return "a witness says that this ledger is not the one that it has cosigned"
	case s.Old:
		return fmt.Sprintf("%d of the %d witnesses that are asked for have cosigned it lately", s.Lately, s.Quorum)
	}
	return ""
}

// Standing tells how the log stands with each of the witnesses that are asked; none are: the zero Standing.
//
// cite: P-41
func (a *Asker) Standing(ctx context.Context) (Standing, error) {
	if len(a.peers) == 0 {
		return Standing{}, nil
	}
	states, err := a.states(ctx)
	if errors.Is(err, errUnlisted) {
		return Standing{Quorum: a.Quorum}, nil // nobody was asked yet
	}
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Witnesses: states, Quorum: a.Quorum}
	c, err := a.Ledger.NewestCosigned(ctx)
	if err == nil {
		s.Size, s.At = c.Size, c.At
	} else if !errors.Is(err, ledger.ErrNotYet) {
		return s, err
	}
	now := a.Clock.Now()
	limit := now.Add(-a.Numbers(now).AlertAfter)
	waiting := 0 // those that have not had the time
	for _, w := range states {
		s.Forked = s.Forked || !w.Forked.IsZero()
		if w.At.After(limit) {
			s.Lately++
		} else if w.since.After(limit) {
			waiting++
		}
	}
	s.Old = s.Lately+waiting < a.Quorum
	return s, nil
}

var errUnlisted = errors.New("a witness was not asked yet")

// states are those of the witnesses that are asked, in their order.
func (a *Asker) states(ctx context.Context) ([]State, error) {
	where, args := a.those()
	rows, err := a.DB.Reader().Query(ctx, "SELECT witness, key, since, size, at, asked, next, failures, error, forked FROM ledger_witness WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading how witnesses stand: %w", err)
	}
	defer rows.Close()
	found := map[string]State{}
	for rows.Next() {
		var s State
		var key string
		var since, at, asked, next, forked int64
		if err := rows.Scan(&s.Witness, &key, &since, &s.Size, &at, &asked, &next, &s.Failures, &s.Error, &forked); err != nil {
			return nil, fmt.Errorf("reading how witnesses stand: %w", err)
		}
		s.since, s.At, s.Asked, s.Next, s.Forked = moment(since), moment(at), moment(asked), moment(next), moment(forked)
		found[s.Witness+" "+key] = s
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading how witnesses stand: %w", err)
	}
	var all []State
	for _, p := range a.peers {
		s, ok := found[p.Name()+" "+p.hash()]
		if !ok {
			return nil, errUnlisted
		}
		all = append(all, s)
	}
	return all, nil
}
