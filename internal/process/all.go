package process

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
)

// Kept is a process with everything that was released under it, for the register that the carrier keeps.
type Kept struct {
	*Process
	Entries  []cpni.ID // of the ledger, about the process, the oldest first
	Released []Release
}

// All gives every process, whoever may know of it: whoever shows them asks Hides about each.
//
// cite: P-29, P-41, 47 CFR 64.2009(c)
func (r *Register) All(ctx context.Context) ([]Kept, error) {
	rows, err := r.rows(ctx, r.DB.Reader(), "1 = 1 ORDER BY process_id DESC")
	if err != nil {
		return nil, err
	}
	all := make([]Kept, len(rows))
	for i, x := range rows {
		if all[i].Process, err = r.opened(ctx, r.DB.Reader(), r.Vault.OpenState, x); err != nil {
			return nil, err
		}
		if all[i].Entries, err = r.entries(ctx, x.ID); err != nil {
			return nil, err
		}
		if all[i].Released, err = r.releases(ctx, r.DB.Reader(), x.ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *Register) entries(ctx context.Context, id cpni.ID) ([]cpni.ID, error) {
	rows, err := r.DB.Reader().Query(ctx, "SELECT entry_id FROM process_event WHERE process_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the steps of legal process: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var entry cpni.ID
		if err := rows.Scan(&entry); err != nil {
			return nil, err
		}
		all = append(all, entry)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}
