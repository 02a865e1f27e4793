package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/ledger/witness"
	"ringfence/internal/store"
)

// Check is one thing that must be right for this node to decide and record.
type Check struct {
	Name string
	Says string // what is wrong, without anything personal; "" nothing
}

// Checks tells whether this node can decide and record now, and what is in the way.
func (o *Office) Checks(ctx context.Context) []Check {
	all := []Check{{Name: "database"}, {Name: "ledger"}}
	if err := o.DB.Ping(ctx); err != nil {
		all[0].Says = "it does not answer"
	}
	if _, err := o.Ledger.Newest(ctx); err != nil && !errors.Is(err, ledger.ErrNotYet) {
		all[1].Says = strings.SplitN(err.Error(), "(", 2)[0]
	}
	return all
}

// Health is how this node and its database stand, in numbers that are about nobody.
type Health struct {
	Checks     []Check
	Database   string // SQLite or PostgreSQL
	Size       int64  // of the database, in bytes
	Waiting    int64  // commits that are not yet in the tree
	Lag        time.Duration
	Signed     time.Time // when the newest checkpoint's last entry was sequenced; zero: none yet
	Entries    int64     // in the signed tree
	Outbox     int64     // messages that wait to go out
	Verified   *Verified // nil: never, by this database's knowledge
	Replayed   *Replayed // nil: never, by this database's knowledge
	Proposals  int64     // that wait, or are being tried or done
	Rotated    time.Time // when keys were last renewed; zero: never
	Began      time.Time // when the database, and its first keys, were made
	WrappingID int64
	Witnesses  witness.Standing
}

// Verified is what the last verification of the ledger that was asked for here has found.
type Verified struct {
	At      time.Time
	Entries int64
	Faults  int64
}

const metaVerified = "office.verified"

// Health looks at everything that an operator looks at first.
func (o *Office) Health(ctx context.Context) (Health, error) {
	h := Health{Checks: o.Checks(ctx), Database: "PostgreSQL", Entries: o.Ledger.Known()}
	size := "SELECT pg_database_size(current_database())"
	if o.DB.Dialect() == store.SQLite {
		h.Database, size = "SQLite", "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	}
	q := o.DB.Reader()
	var oldest, signed, began int64
	for query, to := range map[string]*int64{
		size:                               &h.Size,
		"SELECT count(*) FROM ledger_lane": &h.Waiting,
		"SELECT coalesce(min(at), 0) FROM ledger_lane":                                  &oldest,
		"SELECT coalesce(max(at), 0) FROM ledger_checkpoint":                            &signed,
		"SELECT coalesce(min(at), 0) FROM rule_set":                                     &began,
		"SELECT count(*) FROM message WHERE state = 'queued'":                           &h.Outbox,
		"SELECT count(*) FROM proposal WHERE state IN ('trying', 'waiting', 'working')": &h.Proposals,
	} {
		if err := q.QueryRow(ctx, query).Scan(to); err != nil {
			return h, fmt.Errorf("looking at the database: %w", err)
		}
	}
	now := o.Clock.Now()
	h.Began = time.UnixMicro(began).UTC()
	if oldest != 0 {
		h.Lag = max(0, now.Sub(time.UnixMicro(oldest)))
	}
	if signed != 0 {
		h.Signed = time.UnixMicro(signed).UTC()
	}
	var err error
	if h.WrappingID, err = o.Vault.Wrapping(ctx); err != nil {
		return h, err
	}
	rows, err := o.Ledger.Records(ctx, "", ledger.Filter{Kind: ledger.Rotate, Limit: 1})
	if err != nil {
		return h, err
	}
	if len(rows) > 0 {
		h.Rotated = rows[0].At
	}
	if h.Verified, err = o.lastVerified(ctx); err != nil {
		return h, err
	}
	if h.Replayed, err = o.LastReplayed(ctx); err != nil {
		return h, err
	}
	h.Witnesses, err = o.Witnesses.Standing(ctx)
	return h, err
}

func (o *Office) lastVerified(ctx context.Context) (*Verified, error) {
	text, err := o.DB.Meta(ctx, metaVerified)
	if err != nil || text == "" {
		return nil, err
	}
	words := strings.Fields(text)
	var n [3]int64
	for i := range n {
		if i >= len(words) {
			return nil, nil
		}
		if n[i], err = strconv.ParseInt(words[i], 10, 64); err != nil {
			return nil, nil
		}
	}
	return &Verified{time.UnixMicro(n[0]).UTC(), n[1], n[2]}, nil
}

// Verify verifies the whole ledger in the database, and records what came of it. A large one is better verified with
// `ringfence verify`, which leaves no record here.
//
// cite: P-41, 47 CFR 64.2009(c)
func (o *Office) Verify(ctx context.Context, by cpni.ID) (Verified, error) {
	found, err := o.Ledger.Verify(ctx, io.Discard)
	if err != nil {
		return Verified{}, fmt.Errorf("verifying the ledger: %w", err)
	}
	out := Verified{At: o.Clock.Now(), Entries: found.Tree.N, Faults: int64(len(found.Faults)) + found.More}
	_, err = o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := tx.SetMeta(ctx, metaVerified, fmt.Sprintf("%d %d %d", out.At.UnixMicro(), out.Entries, out.Faults)); err != nil {
			return nil, err
		}
		e, err := o.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: o.Clock.Now(), Actor: string(by), Outcome: cpni.OK}, map[string]any{"what": "ledger verified", "entries": out.Entries, "faults": out.Faults})
		return []ledger.Entry{e}, err
	})
	return out, err
}
