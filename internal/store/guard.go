package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Guard is a version that a decision stood on: the row of Table whose id is Key, at Version.
type Guard struct {
	Table   string // customer, contact, staff, partner, campaign, process, matter, policy or published
	Key     string
	Version int64
}

// guardKey names the id column of each table that a guard may name. Anything else is a programming error.
var guardKey = map[string]string{"customer": "customer_id", "contact": "contact_id", "staff": "staff_id", "partner": "partner_id", "campaign": "campaign_id", "process": "process_id", "matter": "matter_id", "policy": "policy_id", "published": "published_id"}

// CheckGuards tells which of guards no longer hold: stale[i] is true when the row of guards[i] has another version or
// is gone. It asks once a table, however many guards there are.
func (tx *Tx) CheckGuards(ctx context.Context, guards []Guard) (stale []bool, err error) {
	return tx.db.checkGuards(ctx, tx, guards)
}

// CheckGuards is as that of a transaction, of what is committed at this moment: for answers that are not recorded.
//
// cite: I-02
func (db *DB) CheckGuards(ctx context.Context, guards []Guard) (stale []bool, err error) {
	return db.checkGuards(ctx, db.Reader(), guards)
}

func (db *DB) checkGuards(ctx context.Context, q Querier, guards []Guard) (stale []bool, err error) {
	type row struct{ table, key string }
	versions := make(map[row]int64, len(guards))
	wanted := make(map[string][]string, len(guardKey))
	for _, g := range guards {
		if guardKey[g.Table] == "" {
			return nil, fmt.Errorf("store: no guards on table %q", g.Table)
		}
		if _, met := versions[row{g.Table, g.Key}]; !met {
			versions[row{g.Table, g.Key}] = gone
			wanted[g.Table] = append(wanted[g.Table], g.Key)
		}
	}
	for table, keys := range wanted {
		if err := db.readVersions(ctx, q, table, keys, func(key string, v int64) { versions[row{table, key}] = v }); err != nil {
			return nil, err
		}
	}
	stale = make([]bool, len(guards))
	for i, g := range guards {
		stale[i] = versions[row{g.Table, g.Key}] != g.Version
	}
	return stale, nil
}

// gone stands for the version of a row that is not there.
const gone = -1

// fewKeys is up to how many keys are looked up one by one on SQLite, where a statement is a call.
const fewKeys = 2

func (db *DB) readVersions(ctx context.Context, q Querier, table string, keys []string, each func(string, int64)) error {
	column := guardKey[table]
	if db.dialect == SQLite && len(keys) <= fewKeys {
		for _, key := range keys {
			var version int64
			err := q.QueryRow(ctx, "SELECT version FROM "+table+" WHERE "+column+" = $1", key).Scan(&version)
			if err == nil {
				each(key, version)
			} else if !IsNoRow(err) {
				return fmt.Errorf("checking versions: %w", err)
			}
		}
		return nil
	}
	rows, err := q.Query(ctx, "SELECT "+column+", version FROM "+table+" WHERE "+column+" IN "+db.Listed(1), db.List(keys))
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

// Listed gives the right side of IN for a parameter that List has made: one statement for lists of every length.
func (tx *Tx) Listed(parameter int) string { return tx.db.Listed(parameter) }

// Listed is as that of a transaction.
func (db *DB) Listed(parameter int) string {
	if db.dialect == Postgres {
		return fmt.Sprintf("(SELECT unnest($%d::text[]))", parameter)
	}
	return fmt.Sprintf("(SELECT value FROM json_each($%d))", parameter)
}

// List makes one parameter of many texts.
func (tx *Tx) List(texts []string) any { return tx.db.List(texts) }

// List is as that of a transaction.
func (db *DB) List(texts []string) any {
	if db.dialect == Postgres {
		return texts
	}
	b, err := json.Marshal(texts)
	if err != nil {
		panic(err) // texts can always be written
	}
	return string(b)
}
