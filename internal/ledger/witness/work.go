package witness

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Work asks the witnesses whose turn it is about the newest checkpoint, keeps what they say, and raises alerts. Of several nodes one asks a
// witness at a time. That a witness does not answer is no error: it stands with the witness, and is asked again later.
//
// cite: P-41
func (a *Asker) Work(ctx context.Context) error {
	if len(a.peers) == 0 {
		return nil
	}
	if err := a.list(ctx); err != nil {
		return err
	}
	signed, tree, err := a.newest(ctx)
	if errors.Is(err, ledger.ErrNotYet) {
		return a.overdue(ctx)
	}
	if err != nil {
		return err
	}
	states, err := a.states(ctx)
	if err != nil {
		return err
	}
	now := a.Clock.Now()
	var all sync.WaitGroup
	failed := make([]error, len(a.peers))
	for i, p := range a.peers {
		s := states[i]
		if !s.Next.IsZero() && now.Before(s.Next) || s.Size == tree.N && s.Error == "" && now.Before(s.Asked.Add(a.Numbers(now).Again)) {
			continue
		}
		claimed, err := a.claim(ctx, p, s, now)
		if err != nil {
			failed[i] = err
		}
		if !claimed {
			continue
		}
		all.Go(func() {
			said, err := a.ask(ctx, p, signed, tree, s.Size)
			if err != nil && ctx.Err() != nil {
				return
			}
			failed[i] = a.keep(ctx, p, signed, tree, said, err)
		})
	}
	all.Wait()
	return errors.Join(append(failed, a.overdue(ctx))...)
}

// newest is the newest checkpoint and the tree that it is of.
func (a *Asker) newest(ctx context.Context) ([]byte, tlog.Tree, error) {
	signed, err := a.Ledger.Newest(ctx)
	if err != nil {
		return nil, tlog.Tree{}, err
	}
	n, err := note.Open(signed, note.VerifierList(a.log))
	if err != nil {
		return nil, tlog.Tree{}, fmt.Errorf("the newest checkpoint: %w", err)
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	return signed, c.Tree, err
}

// list makes a row for each witness that has none.
func (a *Asker) list(ctx context.Context) error {
	_, err := a.states(ctx)
	if !errors.Is(err, errUnlisted) {
		return err
	}
	now := a.Clock.Now().UnixMicro()
	return a.DB.Tx(ctx, func(tx *store.Tx) error {
		for _, p := range a.peers {
			if _, err := tx.Exec(ctx, `INSERT INTO ledger_witness (witness, key, since, size, at, asked, next, failures, error, forked)
				VALUES ($1, $2, $3, 0, 0, 0, 0, 0, '', 0) ON CONFLICT (witness, key) DO NOTHING`, p.Name(), p.hash(), now); err != nil {
				return fmt.Errorf("noting a witness: %w", err)
			}
		}
		return nil
	})
}

// claim makes this node the one that asks a witness now.
func (a *Asker) claim(ctx context.Context, p *peer, s State, now time.Time) (ok bool, err error) {
	err = a.DB.Tx(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec(ctx, "UPDATE ledger_witness SET asked = $1, next = $2 WHERE witness = $3 AND key = $4 AND asked = $5",
			now.UnixMicro(), now.Add(mostTurns*askTime).UnixMicro(), p.Name(), p.hash(), micro(s.Asked))
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		ok = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("taking the turn of a witness: %w", err)
	}
	return ok, nil
}

// keep writes what became of a question.
//
// cite: P-41
func (a *Asker) keep(ctx context.Context, p *peer, signed []byte, tree tlog.Tree, said cosigned, failed error) error {
	now := a.Clock.Now()
	n := a.Numbers(now)
	_, err := a.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if failed == nil {
			_, err := tx.Exec(ctx, "UPDATE ledger_witness SET size = $1, at = $2, next = $3, failures = 0, error = '', forked = 0 WHERE witness = $4 AND key = $5",
				tree.N, micro(said.at), micro(now.Add(n.Apart)), p.Name(), p.hash())
			if err != nil {
				return nil, err
			}
			return nil, a.put(ctx, tx, p, signed, tree.N, said, now)
		}
		var failures, forked int64
		if err := tx.QueryRow(ctx, "SELECT failures, forked FROM ledger_witness WHERE witness = $1 AND key = $2", p.Name(), p.hash()).Scan(&failures, &forked); err != nil {
			return nil, err
		}
		fork := forked == 0 && errors.Is(failed, errFork)
		if fork {
			forked = micro(now)
		}
		_, err := tx.Exec(ctx, "UPDATE ledger_witness SET next = $1, failures = $2, error = $3, forked = $4 WHERE witness = $5 AND key = $6",
			micro(now.Add(backOff(n, failures))), failures+1, short(failed), forked, p.Name(), p.hash())
		if err != nil || !fork {
			return nil, err
		}
		e, err := a.Alert(ctx, tx, Fork, fmt.Sprintf("the witness %s does not cosign: %s. Either the ledger was changed or rolled back, or somebody signs another with its key. Keep the database as it is and verify it with --known and --witness", p.Name(), short(failed)))
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return fmt.Errorf("keeping what the witness %s says: %w", p.Name(), err)
	}
	return nil
}

// put keeps a cosignature with its checkpoint. Of each hour the last checkpoint stays.
func (a *Asker) put(ctx context.Context, tx *store.Tx, p *peer, signed []byte, size int64, said cosigned, now time.Time) error {
	if _, err := tx.Exec(ctx, "INSERT INTO ledger_cosigned (size, at, complete, note) VALUES ($1, $2, 0, $3) ON CONFLICT (size) DO UPDATE SET at = excluded.at", size, micro(now), string(signed)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO ledger_cosignature (size, witness, key, at, line) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (size, witness, key) DO UPDATE SET at = excluded.at, line = excluded.line`, size, p.Name(), p.hash(), micro(said.at), said.line); err != nil {
		return err
	}
	voices, args := a.those(size)
	var have int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM ledger_cosignature WHERE size = $1 AND ("+voices+")", args...).Scan(&have); err != nil {
		return err
	}
	if have < a.Quorum {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE ledger_cosigned SET complete = 1 WHERE size = $1", size); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM meta WHERE name = $1", alertedName); err != nil {
		return err
	}
	const hour = int64(time.Hour / time.Microsecond)
	older := "SELECT size FROM ledger_cosigned WHERE size < $1 AND at / 3600000000 = $2"
	for _, table := range []string{"ledger_cosignature", "ledger_cosigned"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE size IN ("+older+")", size, micro(now)/hour); err != nil {
			return err
		}
	}
	return nil
}

// those names the witnesses that are asked now, behind the first arguments.
func (a *Asker) those(first ...any) (where string, args []any) {
	args = first
	var parts []string
	for _, p := range a.peers {
		args = append(args, p.Name(), p.hash())
		parts = append(parts, fmt.Sprintf("witness = $%d AND key = $%d", len(args)-1, len(args)))
	}
	return strings.Join(parts, " OR "), args
}

// backOff is how long to wait after a failure that is not the first.
func backOff(n Numbers, failures int64) time.Duration {
	wait := n.RetryFirst
	for ; failures > 0 && wait < n.RetryLongest; failures-- {
		wait *= 2
	}
	return min(wait, n.RetryLongest)
}

// mostError bounds what is kept of an error.
const mostError = 300

func short(err error) string {
	s := strings.ToValidUTF8(strings.Join(strings.Fields(err.Error()), " "), "")
	if len(s) > mostError {
		s = strings.ToValidUTF8(s[:mostError], "")
	}
	return s
}

// alertedName is the small fact by which one alert is raised for a time without enough cosignatures.
const alertedName = "witness.alerted"

// overdue raises an alert when it is too long ago that enough witnesses have cosigned.
//
// cite: P-41
func (a *Asker) overdue(ctx context.Context) error {
	s, err := a.Standing(ctx)
	if err != nil || !s.Old {
		return err
	}
	var alerted string
	if alerted, err = a.DB.Meta(ctx, alertedName); err != nil || alerted != "" {
		return err
	}
	_, err = a.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		done, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", alertedName, fmt.Sprint(a.Clock.Now().UnixMicro()))
		if err != nil {
			return nil, err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return nil, err
		}
		e, err := a.Alert(ctx, tx, Stale, fmt.Sprintf("%d of the %d witnesses that are asked for have cosigned the ledger lately; look at their standing under Health", s.Lately, a.Quorum))
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return fmt.Errorf("raising an alert about witnesses: %w", err)
	}
	return nil
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
