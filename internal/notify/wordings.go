package notify

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"ringfence/internal/store"
)

// Source gives the template of a version; nil when none is kept.
func (o *Outbox) Source(ctx context.Context, version string) ([]byte, error) {
	var source string
	err := o.db.Reader().QueryRow(ctx, "SELECT source FROM wording WHERE version = $1", version).Scan(&source)
	if store.IsNoRow(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a template: %w", err)
	}
	return []byte(source), nil
}

// EachKept gives every template that is kept, by its version.
func (o *Outbox) EachKept(ctx context.Context, do func(version string, source []byte) error) error {
	known, err := o.known(ctx)
	if err != nil {
		return err
	}
	for _, version := range slices.Sorted(maps.Keys(known)) {
		source, err := o.Source(ctx, version)
		if err == nil {
			err = do(version, source)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// known gives the versions that are kept.
func (o *Outbox) known(ctx context.Context) (map[string]bool, error) {
	rows, err := o.db.Reader().Query(ctx, "SELECT version FROM wording")
	if err != nil {
		return nil, fmt.Errorf("listing templates: %w", err)
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("listing templates: %w", err)
		}
		all[v] = true
	}
	return all, rows.Err()
}

// Keep stores templates by their versions, so that what a message said can be shown when its template is another by then.
// Most often all are kept already.
func (o *Outbox) Keep(ctx context.Context, all map[string]func() []byte) error {
	known, err := o.known(ctx)
	if err != nil {
		return err
	}
	fresh := map[string][]byte{}
	for version, source := range all {
		if !known[version] {
			fresh[version] = source()
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return o.db.Tx(ctx, func(tx *store.Tx) error {
		for version, source := range fresh {
			if _, err := tx.Exec(ctx, "INSERT INTO wording (version, source) VALUES ($1, $2) ON CONFLICT (version) DO NOTHING", version, string(source)); err != nil {
				return fmt.Errorf("keeping a template: %w", err)
			}
		}
		return nil
	})
}
