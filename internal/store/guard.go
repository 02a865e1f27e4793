package store

import (
	"context"
	"fmt"
	"strings"
)

// Guard is a version that a decision stood on: the row of Table whose id is Key, at Version.
type Guard struct {
	Table   string // customer, contact, staff or partner
	Key     string
	Version int64
}

// guardKey names the id column of each table that a guard may name. Anything else is a programming error.
var guardKey = map[string]string{"customer": "customer_id", "contact": "contact_id", "staff": "staff_id", "partner": "partner_id"}

// guardChunk bounds the parameters of one statement.
const guardChunk = 500

// CheckGuards tells which of guards no longer hold: stale[i] is true when the row of guards[i] has another version or
// is gone. It asks once a table (and chunk), however many guards there are.
func (tx *Tx) CheckGuards(ctx context.Context, guards []Guard) (stale []bool, err error) {
	type name struct{ table, key string }
	wanted := map[string]map[string]bool{}
	for _, g := range guards {
		if guardKey[g.Table] == "" {
			return nil, fmt.Errorf("store: no guards on table %q", g.Table)
		}
		if wanted[g.Table] == nil {
			wanted[g.Table] = map[string]bool{}
		}
		wanted[g.Table][g.Key] = true
	}
	versions := make(map[name]int64, len(guards))
	for table, keys := range wanted {
		list := make([]any, 0, len(keys))
		for k := range keys {
			list = append(list, k)
		}
		for len(list) > 0 {
			n := min(guardChunk, len(list))
			if err := tx.readVersions(ctx, table, list[:n], func(key string, v int64) { versions[name{table, key}] = v }); err != nil {
				return nil, err
			}
			list = list[n:]
		}
	}
	stale = make([]bool, len(guards))
	for i, g := range guards {
		v, ok := versions[name{g.Table, g.Key}]
		stale[i] = !ok || v != g.Version
	}
	return stale, nil
}

func (tx *Tx) readVersions(ctx context.Context, table string, keys []any, each func(string, int64)) error {
	var marks strings.Builder
	for i := range keys {
		if i > 0 {
			marks.WriteByte(',')
		}
		fmt.Fprintf(&marks, "$%d", i+1)
	}
	column := guardKey[table]
	rows, err := tx.Query(ctx, "SELECT "+column+", version FROM "+table+" WHERE "+column+" IN ("+marks.String()+")", keys...)
	if err != nil {
		return fmt.Errorf("checking versions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var version int64
		if err := rows.Scan(&key, &version); err != nil {
			return err
		}
		each(key, version)
	}
	return rows.Err()
}
