package scenario

import (
	"context"
	"fmt"

	"ringfence/internal/store"
)

// fault breaks a part of the instance, or mends it again. Nothing in the product knows of it: the database itself
// refuses what it is asked.
//
// cite: P-41
func fault(ctx context.Context, w *world, a args) (result, error) {
	for part, statements := range map[string]func(down bool, d store.Dialect) []string{"ledger": ledgerFault, "database": databaseFault} {
		if !a.has(part) {
			continue
		}
		down := a.text(part) == "down"
		if w.down[part] == down {
			return result{}, fmt.Errorf("the %s is %s already", part, a.text(part))
		}
		err := w.db.Tx(ctx, func(tx *store.Tx) error {
			for _, s := range statements(down, w.db.Dialect()) {
				if _, err := tx.SQL().ExecContext(ctx, s); err != nil {
					return fmt.Errorf("breaking or mending the %s: %w", part, err)
				}
			}
			return nil
		})
		w.down[part] = down
		if err == nil && !down && !w.down["ledger"] && !w.down["database"] {
			err = w.office.Door.Bring(ctx)
		}
		return succeeded(), err
	}
	for part := range ways {
		if a.has(part) {
			return w.wayFault(part, a.text(part) == "down")
		}
	}
	return result{}, notBuilt("this `fault`")
}

// ledgerFault makes every new record of the ledger fail.
func ledgerFault(down bool, d store.Dialect) []string {
	switch {
	case d == store.SQLite && down:
		return []string{"CREATE TRIGGER story_ledger_down BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'the ledger is down'); END"}
	case d == store.SQLite:
		return []string{"DROP TRIGGER story_ledger_down"}
	case down:
		return []string{
			"CREATE FUNCTION story_ledger_down() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the ledger is down'; END $$",
			"CREATE TRIGGER story_ledger_down BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION story_ledger_down()",
		}
	}
	return []string{"DROP TRIGGER story_ledger_down ON record", "DROP FUNCTION story_ledger_down()"}
}

// tables are those without which nothing can be read or written.
var tables = []string{"customer", "lookup", "contact", "throttle", "message", "staff", "partner", "customer_key", "call_segment", "cpni_item", "record", "ledger_lane"}

// databaseFault takes the tables out of reach, so that every statement fails.
func databaseFault(down bool, _ store.Dialect) []string {
	var all []string
	for _, t := range tables {
		if down {
			all = append(all, "ALTER TABLE "+t+" RENAME TO story_down_"+t)
		} else {
			all = append(all, "ALTER TABLE story_down_"+t+" RENAME TO "+t)
		}
	}
	return all
}
