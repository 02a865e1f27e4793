package audience

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

const (
	metaDay   = "audience.built" // the carrier's day on which all customers were read last
	metaClaim = "audience.building"
	// buildTime is for how long one node may read all customers until another does so.
	buildTime = 2 * time.Hour
)

// Nightly reads all customers anew once a day of the carrier's, on whichever node comes first, and compares what that node kept in mind; a node that
// has kept customers in mind since before begins again from what was read.
//
// cite: I-19
func (s *Sets) Nightly(ctx context.Context) error {
	if err := s.renew(ctx); err != nil {
		return err
	}
	now := s.Clock.Now()
	today := workday.DateIn(now, s.Zone).String()
	done, err := s.DB.Meta(ctx, metaDay)
	if err != nil || done >= today {
		return err
	}
	if ok, err := s.claim(ctx, today, now); err != nil || !ok {
		return err
	}
	if _, err := s.Build(ctx, nil); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, metaDay, today) })
}

// claim takes the reading of a day for this node; ok is false when another has it.
func (s *Sets) claim(ctx context.Context, day string, now time.Time) (ok bool, err error) {
	err = s.DB.Tx(ctx, func(tx *store.Tx) error {
		ok = false
		if _, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, '') ON CONFLICT (name) DO NOTHING", metaClaim); err != nil {
			return err
		}
		query := "SELECT value FROM meta WHERE name = $1"
		if tx.Dialect() == store.Postgres {
			query += " FOR UPDATE"
		}
		var value string
		if err := tx.QueryRow(ctx, query, metaClaim).Scan(&value); err != nil {
			return err
		}
		if f := strings.Fields(value); len(f) == 3 && f[0] == day {
			if at, err := strconv.ParseInt(f[1], 10, 64); err == nil && now.Sub(time.UnixMicro(at)) < buildTime {
				return nil
			}
		}
		ok = true
		return tx.SetMeta(ctx, metaClaim, fmt.Sprintf("%s %d %s", day, now.UnixMicro(), cpni.NewID()))
	})
	if err != nil {
		return false, fmt.Errorf("reading all customers for audiences: %w", err)
	}
	return ok, nil
}

// renew begins the index of this node anew where others are kept than those from which it was begun. Until it is there the old one answers.
func (s *Sets) renew(ctx context.Context) error {
	if s.current.Load() == nil {
		return nil
	}
	h, err := s.readHead(ctx)
	if err != nil || h.Build == "" {
		return err
	}
	s.catching.Lock()
	same := h.Build == s.build
	s.catching.Unlock()
	if same {
		return nil
	}
	x, err := s.loadParts(ctx, h)
	if err != nil {
		return err
	}
	s.catching.Lock()
	defer s.catching.Unlock()
	s.next, s.seen, s.build = h.Mark, nil, h.Build
	s.current.Store(x)
	return s.catchUp(ctx)
}
