package watch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// batch is about how many entries one transaction takes up: few enough that the door waits little for it.
const batch = 100

// positionName is the small fact in which the database keeps how far Watch has followed: the place of the next entry, and
// while the index is made again also the cursor in the records.
const positionName = "watch.position"

// position is how far Watch has come.
type position struct {
	next   int64   // place of the next entry in the tree
	remake bool    // the index of what stands before next is still being made of the records
	of, id cpni.ID // the record up to which it is made
}

func (p position) String() string {
	if !p.remake {
		return strconv.FormatInt(p.next, 10)
	}
	return fmt.Sprintf("%d remake %s/%s", p.next, p.of, p.id)
}

func readPosition(text string) (position, error) {
	f := strings.Fields(text)
	var p position
	var err error
	if len(f) == 1 || len(f) == 3 && f[1] == "remake" {
		p.next, err = strconv.ParseInt(f[0], 10, 64)
	} else {
		err = errors.New("it is not in the form in which Watch writes it")
	}
	if len(f) == 3 {
		of, id, _ := strings.Cut(f[2], "/")
		p.remake, p.of, p.id = true, cpni.ID(of), cpni.ID(id)
	}
	if err != nil {
		return p, fmt.Errorf("the position of Watch in the database is damaged: %w", err)
	}
	return p, nil
}

// errElsewhere: another node follows at this moment, or has meanwhile.
var errElsewhere = errors.New("another node follows the ledger")

// some takes up one batch; more is true when there is more to take up at once.
func (w *Watch) some(ctx context.Context) (more bool, err error) {
	p, err := w.begin(ctx)
	if err != nil {
		return false, err
	}
	if p.remake {
		more, err = w.remakeSome(ctx, p)
	} else {
		more, err = w.followSome(ctx, p)
	}
	if errors.Is(err, errElsewhere) {
		return false, nil
	}
	if errors.Is(err, ledger.ErrUntold) {
		return true, w.Remake(ctx)
	}
	return more, err
}

// begin gives how far Watch has come. Where there is a ledger and Watch is new, its index is made of the records first.
func (w *Watch) begin(ctx context.Context) (position, error) {
	text, err := w.parts.DB.Meta(ctx, positionName)
	if err != nil {
		return position{}, fmt.Errorf("reading how far Watch has come: %w", err)
	}
	if text != "" {
		return readPosition(text)
	}
	first := position{}
	if _, err := w.parts.Ledger.After(ctx, 0, 1); errors.Is(err, ledger.ErrUntold) {
		if first.next, err = w.parts.Ledger.Head(ctx); err != nil {
			return first, err
		}
		first.remake = true
	} else if err != nil {
		return first, err
	}
	return first, w.parts.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", positionName, first.String())
		return err
	})
}

// move writes how far Watch has come, if it stands where p says and nobody else is moving it. Of several nodes one at a
// time gets past this, and what it writes beside is committed with it or not at all: nothing is taken up twice or never.
func move(ctx context.Context, tx *store.Tx, from, to position) error {
	query := "SELECT value FROM meta WHERE name = $1"
	if tx.Dialect() == store.Postgres {
		query += " FOR UPDATE SKIP LOCKED"
	}
	var now string
	err := tx.QueryRow(ctx, query, positionName).Scan(&now)
	if store.IsNoRow(err) || err == nil && now != from.String() {
		return errElsewhere
	}
	if err != nil {
		return fmt.Errorf("reading how far Watch has come: %w", err)
	}
	return tx.SetMeta(ctx, positionName, to.String())
}

func (w *Watch) followSome(ctx context.Context, p position) (more bool, err error) {
	told, err := w.parts.Ledger.After(ctx, p.next, batch)
	if err != nil {
		return false, err
	}
	now := w.parts.Clock.Now()
	more = len(told) >= batch
	if more {
		now = told[len(told)-1].At // what is due after it may still be changed by what comes
	}
	if len(told) == 0 {
		due, err := w.due(ctx, now)
		if err != nil || !due {
			return false, err
		}
	}
	next := p
	if len(told) > 0 {
		next.next = told[len(told)-1].Seq + 1
	}
	_, err = w.parts.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := move(ctx, tx, p, next); err != nil {
			return nil, err
		}
		s, err := w.sight(ctx, tx, now)
		if err != nil {
			return nil, err
		}
		for _, t := range told {
			if err := s.take(t); err != nil {
				return nil, err
			}
		}
		if err := s.judgeDue(now); err != nil {
			return nil, err
		}
		if err := s.counts.write(ctx, tx); err != nil {
			return nil, err
		}
		return s.entries, ledger.Followed(ctx, tx, p.next, next.next)
	})
	return more, err
}

// due reports whether something waits to be judged by now.
func (w *Watch) due(ctx context.Context, now time.Time) (bool, error) {
	var n int
	err := w.parts.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM watch_due WHERE due <= $1", now.UnixMicro()).Scan(&n)
	return n > 0, err
}

// take takes up one entry: it is found from now on, counted, and looked at by every detector.
func (s *sight) take(t ledger.Told) error {
	if t.Missing {
		return s.lost(t)
	}
	if err := index(s.ctx, s.tx, t.Entry, t.Seq); err != nil {
		return err
	}
	s.counts.add(s.day(t.At), t.Entry)
	if t.Kind == ledger.Alert {
		return s.adopt(t)
	}
	e := Event{Entry: t.Entry, Seq: t.Seq}
	var err error
	if e.Person, err = s.person(t.Actor); err != nil {
		return err
	}
	for _, d := range Detectors {
		if d.see == nil {
			continue
		}
		f, err := d.see(s, e)
		if err == nil && f != nil {
			err = s.raise(d, f)
		}
		if err != nil {
			return fmt.Errorf("looking for %s: %w", d.Name, err)
		}
	}
	return nil
}

func index(ctx context.Context, tx *store.Tx, e ledger.Entry, seq int64) error {
	touch := 0
	if e.Customer != "" && (e.Kind == ledger.Lookup && e.Purpose == Card || e.Kind == ledger.Contact && e.Purpose == opened) {
		touch = 1
	}
	_, err := tx.Exec(ctx, `INSERT INTO watch_entry (seq, entry_id, customer_id, at, actor, contact, kind, purpose, outcome, code, touch)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (seq) DO NOTHING`,
		seq, string(e.ID), string(e.Customer), e.At.UnixMicro(), e.Actor, e.Contact, string(e.Kind), e.Purpose, string(e.Outcome), string(e.Code), touch)
	if err != nil {
		return fmt.Errorf("indexing an entry: %w", err)
	}
	return nil
}
