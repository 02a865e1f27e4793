// Package emergencies_test shows what an office does in emergencies while its ledger cannot be written.
package emergencies_test

import (
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// The emergency desk works on while the ledger cannot be written: the claim and its answer are recorded on the node first, come into the
// ledger with their ids and times later, and are to be justified as ever. Nobody else is told anything, and without a journal nobody is.
//
// cite: P-28, P-41, I-01, I-27, 47 USC 222(d)(4)(A), V113
func TestTheDeskWhileTheLedgerCannotBeWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent, ann := o.Member(t, cpni.RoleAgent), o.Customer(t)
		ctx := t.Context()
		write := func(do func(tx *store.Tx) error) {
			t.Helper()
			if err := o.DB.Tx(ctx, do); err != nil {
				t.Fatal(err)
			}
		}
		write(func(tx *store.Tx) error {
			return o.Vault.PutItem(ctx, tx, ann.ID, vault.Item{Class: cpni.Location, Period: 202611, Values: map[string]string{"cell": "Springfield 3"}})
		})
		broken := func(statements ...string) {
			t.Helper()
			write(func(tx *store.Tx) error {
				for _, s := range statements {
					if _, err := tx.SQL().ExecContext(ctx, s); err != nil {
						return err
					}
				}
				return nil
			})
		}
		down, up := []string{"CREATE TRIGGER down BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'down'); END"}, []string{"DROP TRIGGER down"}
		if db.Dialect() == store.Postgres {
			down = []string{"CREATE FUNCTION down() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'down'; END $$", "CREATE TRIGGER down BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION down()"}
			up = []string{"DROP TRIGGER down ON record", "DROP FUNCTION down()"}
		}
		claim := func(to, kind, caller string) disclose.Claim {
			o.Time.Add(time.Second)
			return disclose.Claim{ID: cpni.NewID(), Customer: ann.ID, Staff: agent, To: to, Kind: kind, Caller: caller, Callback: "county dispatch, 703 555 0100"}
		}
		broken(down...)
		if _, err := o.Door.Emergency(ctx, claim("psap", rules.EmergencyCall, "psap")); code(err) != "AUDIT_DOWN" {
			t.Errorf("without a journal: %v", err)
		}
		o.Door.Journal = o.Ledger.Journal(filepath.Join(t.TempDir(), "emergencies"))
		for _, x := range []disclose.Claim{claim("family", rules.LifeAtRisk, "guardian"), claim("law-enforcement", rules.EmergencyCall, "other")} {
			if _, err := o.Door.Emergency(ctx, x); code(err) != "AUDIT_DOWN" {
				t.Errorf("for %s: %v", x.To, err)
			}
		}
		x := claim("psap", rules.EmergencyCall, "psap")
		a, err := o.Door.Emergency(ctx, x)
		if err != nil || !a.Decision.Permit() || a.Released == nil || len(a.Released.Items) != 1 {
			t.Fatalf("for who answers emergency calls: %+v, %v", a, err)
		}
		due, err := o.Door.JustifiedBy(ctx, ann.ID, x.ID)
		if err != nil || !due.After(o.Time.Now()) {
			t.Errorf("it is to be justified by %v, %v", due, err)
		}
		if again, err := o.Door.Claimed(ctx, x); err != nil || again.Released == nil {
			t.Errorf("asked again: %+v, %v", again, err)
		}
		if err := o.Door.Bring(ctx); err == nil {
			t.Error("it comes into a ledger that cannot be written")
		}
		broken(up...)
		for range 2 { // the second time there is nothing to bring
			if err := o.Door.Bring(ctx); err != nil {
				t.Fatal(err)
			}
		}
		row, err := o.Ledger.Record(ctx, ann.ID, a.Entry)
		if err != nil || row.Outcome != cpni.Permit || row.Recipient != string(cpni.ToPSAP) || !row.At.Equal(a.At) {
			t.Errorf("its record: %+v, %v", row, err)
		}
		if all, err := o.Ledger.Records(ctx, ann.ID, ledger.Filter{Kind: ledger.Decision, Limit: 10}); err != nil || len(all) != 2 {
			t.Errorf("%d decisions, %v", len(all), err)
		}
		if open, _, err := o.Door.EmergencyCounts(ctx, agent); err != nil || open != 1 {
			t.Errorf("%d are to be justified, %v", open, err)
		}
		if err := o.Door.Justify(ctx, agent, ann.ID, x.ID, "Dispatch called back about a 911 call that broke off."); err != nil {
			t.Error(err)
		}
		if err := o.Ledger.Sequence(ctx); err != nil {
			t.Fatal(err)
		}
		if v, err := o.Ledger.Verify(ctx, io.Discard); err != nil || !v.OK() {
			t.Errorf("the ledger: %+v, %v", v, err)
		}
	})
}
