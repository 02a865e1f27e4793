package monitor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// tryTime bounds the part of the customer in a try, whatever a probe waits for.
const tryTime = 3 * time.Minute

// mostSays bounds what is kept of what was seen, in bytes.
const mostSays = 2000

// try makes one try, if it is this node's to make.
func (m *Monitors) try(ctx context.Context, w Way, probe Probe, now time.Time) error {
	id, mine, err := m.claim(ctx, w, now)
	if err != nil || !mine {
		return err
	}
	t := Try{ID: id, Way: w, At: now, Node: m.Node, Outcome: Worked}
	c, err := m.ready(ctx, w, probe.From())
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t.Outcome, t.Step, t.Says = Untried, stepPrepare, "the account that refuses could not be made ready"
		return errors.Join(fmt.Errorf("making the account that refuses ready: %w", err), m.conclude(ctx, t))
	}
	numbers := m.Numbers(now)
	limited, cancel := context.WithTimeout(ctx, tryTime)
	saw, err := probe.Try(limited, Account{Number: c.account, Token: strings.ToUpper(string(id[len(id)-8:])), Place: probe.From()}, numbers.AnswerWithin)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err() // this node stops; what was begun says nothing
	}
	t.Took, t.Says = m.Clock.Now().Sub(now), saw
	var fault *Fault
	switch {
	case errors.As(err, &fault):
		t.Outcome, t.Step, t.Says = Failing, fault.Step, fault.Says
		return m.conclude(ctx, t)
	case err != nil:
		t.Outcome, t.Step, t.Says = Failing, stepTry, err.Error()
		return m.conclude(ctx, t)
	case len(probe.Via()) == 0:
		return m.conclude(ctx, t)
	}
	over, err := m.look(ctx, w, probe, c, &t)
	switch {
	case err != nil:
		return err
	case over:
		return m.conclude(ctx, t)
	}
	return m.wait(ctx, w, id, t.Took, now.Add(numbers.RecordWithin))
}

// settle looks whether the refusal that is waited for has come, or should have.
func (m *Monitors) settle(ctx context.Context, w Way, r row, now time.Time) error {
	t := Try{ID: r.try, Way: w, At: r.begun, Took: now.Sub(r.begun), Node: m.Node, Outcome: Worked}
	probe, _ := m.probe(w)
	c, err := m.canary(ctx, w)
	switch {
	case err != nil:
		return err
	case probe == nil || c == nil: // it is tried no more
		t.Outcome, t.Step, t.Says = Untried, stepRecorded, "this way is tried no more, or its account is gone"
		return m.conclude(ctx, t)
	}
	over, err := m.look(ctx, w, probe, c, &t)
	switch {
	case err != nil:
		return err
	case over:
		return m.conclude(ctx, t)
	case now.Before(r.deadline):
		return nil
	}
	t.Outcome, t.Step = Failing, stepRecorded
	t.Says = fmt.Sprintf("the customer had done their part after %s, and %s later no refusal was on record", spell(r.took), spell(now.Sub(r.begun)-r.took))
	return m.conclude(ctx, t)
}

// look finds out whether the refusal of a try is on record and counts. over is false when it is not on record yet.
//
// cite: P-12, P-14, 47 CFR 64.2007(a)(2), 47 CFR 64.2008(d)(3)(v)
func (m *Monitors) look(ctx context.Context, w Way, probe Probe, c *canary, t *Try) (over bool, err error) {
	heard, err := m.heard(ctx, c.id, t.At, probe.Via())
	if err != nil || !heard {
		return false, err
	}
	counts, err := m.refuses(ctx, c.id)
	if err != nil {
		return false, err
	}
	if !counts {
		t.Outcome, t.Step, t.Says = Failing, stepCounts, "the refusal is on record, and a decision would not find it"
	}
	return true, nil
}

// conclude keeps a try and what follows from it: a failure of so many in a row opens a file, the first that works says so there.
//
// cite: P-12, 47 CFR 64.2009(f)
func (m *Monitors) conclude(ctx context.Context, t Try) error {
	if len(t.Says) > mostSays {
		t.Says = strings.ToValidUTF8(t.Says[:mostSays], "")
	}
	for range mostAgain {
		_, err := m.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) { return m.concludeTx(ctx, tx, t) })
		switch {
		case filing.Taken(err):
			continue
		case errors.Is(err, errOver):
			return nil
		}
		return err
	}
	return errors.New("a file could not be numbered; it is tried again with the next try")
}

// mostAgain is how often a transaction is made again whose file was given a number that another took.
const mostAgain = 20

func (m *Monitors) concludeTx(ctx context.Context, tx *store.Tx, t Try) (all []ledger.Entry, err error) {
	r, err := m.held(ctx, tx, t.Way)
	if err != nil {
		return nil, err
	}
	if r.try != t.ID {
		return nil, errOver
	}
	now := m.Clock.Now()
	switch t.Outcome {
	case Failing:
		if r.failed++; r.failed == 1 {
			r.firstTry, r.first = t.ID, t.At
		}
		if r.failure == "" && r.failed >= m.Numbers(now).InARow {
			r.failure = fileOf(t.Way, r.firstTry)
			entries, err := m.Filing.DetectedTx(ctx, tx, filing.Intake{ID: r.failure, Facts: m.facts(r, t)})
			if err != nil {
				return nil, err
			}
			all = append(all, entries...)
			if err := m.ofFailureTx(ctx, tx, t.Way, r); err != nil {
				return nil, err
			}
		}
		t.Failure = r.failure
	case Worked:
		if r.failure != "" {
			says := fmt.Sprintf("%s worked again when the monitor tried it on %s, after %d tries in a row that had failed. That closes nothing: somebody judges what it was.", sentence(t.Way.Called()), m.when(t.At), r.failed)
			if all, err = m.Filing.RecoveredTx(ctx, tx, r.failure, says); err != nil {
				return nil, err
			}
		}
		r.failed, r.firstTry, r.first, r.failure = 0, "", time.Time{}, ""
	}
	if t.Outcome != Untried {
		r.concluded, r.silent = now, time.Time{}
	}
	e, err := m.keepTx(ctx, tx, &t)
	if err != nil {
		return nil, err
	}
	return append(all, e), m.writeTx(ctx, tx, t.Way, r)
}

// fileOf is the id of the file that a row of tries opens, so that it is opened once.
func fileOf(w Way, first cpni.ID) cpni.ID {
	sum := sha256.Sum256([]byte("monitor " + string(w) + " " + string(first)))
	return cpni.IDOf(sum[:])
}

// ofFailureTx has the tries of a row that failed belong to the file that they have opened.
func (m *Monitors) ofFailureTx(ctx context.Context, tx *store.Tx, w Way, r row) error {
	if _, err := tx.Exec(ctx, "UPDATE monitor_try SET failure = $1 WHERE way = $2 AND at >= $3 AND outcome = $4", string(r.failure), string(w), micros(r.first), string(Failing)); err != nil {
		return fmt.Errorf("keeping which tries have failed: %w", err)
	}
	return nil
}

// facts are what a file says of a row of tries that failed. It was found when the first of them was made.
//
// cite: 47 CFR 64.2009(f)
func (m *Monitors) facts(r row, last Try) filing.Facts {
	what := fmt.Sprintf("The carrier's own monitor tried this way to refuse as a customer would, %d times in a row from %s to %s, and no try worked.", r.failed, m.when(r.first), m.when(last.At))
	what += fmt.Sprintf(" The last one failed at the step \"%s\": %s", last.Step, last.Says)
	return filing.Facts{Mechanism: last.Way.Called(), What: what, Found: r.first, First: workday.DateIn(r.first, m.Zone)}
}

// notice raises an alert, once, when nobody can tell any more whether a way works.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func (m *Monitors) notice(ctx context.Context, w Way) error {
	r, err := m.row(ctx, w)
	if err != nil || !r.silent.IsZero() || !m.unheard(r) {
		return err
	}
	_, err = m.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		r, err := m.held(ctx, tx, w)
		if err != nil || !r.silent.IsZero() || !m.unheard(r) {
			return nil, err
		}
		now := m.Clock.Now()
		if _, err := tx.Exec(ctx, "UPDATE monitor_way SET silent = $1 WHERE way = $2", now.UnixMicro(), string(w)); err != nil {
			return nil, fmt.Errorf("noticing silence: %w", err)
		}
		says := fmt.Sprintf("nobody can tell whether %s works: no try has said so for %s", w.Called(), spell(m.Numbers(now).SilentAfter))
		if probe, _ := m.probe(w); probe == nil {
			says = fmt.Sprintf("nobody can tell whether %s works: no monitor of it is set up", w.Called())
		}
		e, err := m.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: Silent}, map[string]any{"what": says, "way": w})
		return []ledger.Entry{e}, err
	})
	return err
}

// unheard reports whether no try has said anything for too long.
func (m *Monitors) unheard(r row) bool {
	now, last := m.Clock.Now(), r.concluded
	if last.IsZero() {
		last = r.since
	}
	return now.Sub(last) > m.Numbers(now).SilentAfter
}

// when writes a moment for people, in the carrier's zone.
func (m *Monitors) when(at time.Time) string { return at.In(m.Zone).Format("2006-01-02 15:04 MST") }

// sentence begins a sentence.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// spell writes a time for people, to the second.
func spell(d time.Duration) string {
	if d < time.Second {
		return "less than a second"
	}
	return d.Round(time.Second).String()
}
