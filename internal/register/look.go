package register

import (
	"context"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Looked is the purpose of the entries that say that somebody has looked into a register.
const Looked = "register"

// The ways of looking.
const (
	Opened   = "opened"
	Exported = "exported"
)

var errUnrecorded = cpni.Rejected("AUDIT_DOWN", "that somebody looks cannot be recorded now, so nothing is shown", []string{"P-41", "47 CFR 64.2009(c)"}, "try again in a moment", "tell the operator if it lasts")

// Look puts on record that somebody opens a register, or takes it away as a file: who, which, what they asked for, and as what. It
// returns when that is durable; what cannot be recorded is not shown. as is "" of what is opened, and the kind of file otherwise.
//
// cite: P-37, P-41, 47 CFR 64.2009(c), 47 CFR 64.2010(a)
func (b *Book) Look(ctx context.Context, by cpni.ID, n Name, q Query, as string, lines int64) error {
	detail := map[string]any{"what": "looked into a register", "register": n, "how": Opened, "filter": q}
	if as != "" {
		detail["how"], detail["as"], detail["lines"] = Exported, as, lines
	}
	_, err := b.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := b.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Lookup, At: b.Clock.Now(), Actor: string(by), Purpose: Looked, Outcome: cpni.OK}, detail)
		return []ledger.Entry{e}, err
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", errUnrecorded, err)
	}
	return err
}
