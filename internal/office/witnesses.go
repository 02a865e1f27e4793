package office

import (
	"context"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/ledger/witness"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// openWitnesses opens the asking of witnesses; without any nothing is asked.
//
// cite: P-41, 47 CFR 64.2009(c)
func (o *Office) openWitnesses(c Config) (err error) {
	o.Witnesses, err = witness.New(witness.Parts{DB: o.DB, Ledger: o.Ledger, Clock: o.Clock, Peers: c.Witnesses, Quorum: c.Quorum, Client: witness.Client(),
		Numbers: numbersOf(o.Policy, func(n rules.InForce) witness.Numbers {
			const of = "witnesses"
			return witness.Numbers{Apart: n.Duration(of, "ask_apart"), Again: n.Duration(of, "ask_again"), RetryFirst: n.Duration(of, "retry_first"),
				RetryLongest: n.Duration(of, "retry_longest"), AlertAfter: n.Duration(of, "alert_after")}
		}),
		Alert: func(ctx context.Context, tx *store.Tx, code cpni.Code, says string) (ledger.Entry, error) {
			if code == witness.Fork {
				return o.witnessAlert(ctx, tx, witness.Fork, says)
			}
			return o.witnessAlert(ctx, tx, witness.Stale, says)
		}})
	return err
}

func (o *Office) witnessAlert(ctx context.Context, tx *store.Tx, code cpni.Code, says string) (ledger.Entry, error) {
	return o.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: o.Clock.Now(), Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: code}, map[string]string{"what": says})
}
