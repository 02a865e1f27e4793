package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify/mail/mailtest"
	"ringfence/internal/server"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// noticed is how many customers the run of the crash test has.
const noticed = 4000

// A server that is killed again and again in the middle of a run plans everybody once and misses nobody.
//
// cite: P-27, I-10
func TestKilledInTheMiddleOfARun(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{"sqlite": func(*testing.T) string { return "" }, "postgres": func(t *testing.T) string { return storetest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			peer := mailtest.Start(t, mailtest.Options{Security: "none", DSN: true})
			folder := filepath.Join(t.TempDir(), "office")
			config := sendingOffice(t, folder, url(t), peer)
			var run cpni.ID
			inOffice(t, config, func(o *server.Opened) { run = beginRun(t, o) })
			for kill := range *kills {
				s := start(t, folder, "serve", "-c", config)
				time.Sleep(time.Duration(900+250*kill) * time.Millisecond)
				s.kill()
				if name == "postgres" { // the node that died has the run for a while: say that it is gone
					inOffice(t, config, func(o *server.Opened) {
						if err := o.DB.Tx(t.Context(), func(tx *store.Tx) error {
							_, err := tx.Exec(t.Context(), "UPDATE notice_run SET claimed = 0")
							return err
						}); err != nil {
							t.Fatal(err)
						}
					})
				}
			}
			inOffice(t, config, func(o *server.Opened) {
				if err := o.Notices.Work(t.Context()); err != nil {
					t.Fatal(err)
				}
				r, err := o.Notices.Run(t.Context(), run)
				if err != nil || r.State != notice.Done || r.Looked != noticed {
					t.Errorf("the run is %s and has looked at %d of %d: %v", r.State, r.Looked, noticed, err)
				}
				var messages, customers int
				if err := o.DB.Reader().QueryRow(t.Context(), "SELECT count(*), count(DISTINCT customer_id) FROM message").Scan(&messages, &customers); err != nil {
					t.Fatal(err)
				}
				if messages != noticed || customers != noticed {
					t.Errorf("%d messages to %d customers, of %d", messages, customers, noticed)
				}
			})
			mustRun(t, "verify", "-c", config)
		})
	}
}

// beginRun adds customers with a postal address and begins a notice to all of them.
func beginRun(t *testing.T, o *server.Opened) cpni.ID {
	t.Helper()
	since := o.Clock.Now().AddDate(-1, 0, 0)
	var run notice.Run
	s, err := o.Notices.Worded(t.Context(), notice.Spec{Kind: approval.OptOut, Ways: []string{notice.ByPostal}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Ledger.Commit(t.Context(), func(tx *store.Tx) (entries []ledger.Entry, err error) {
		for i := range noticed {
			p := customer.Profile{ID: cpni.NewID(), Name: fmt.Sprintf("Customer %d", i), Since: since, Postal: []customer.Address{{Value: fmt.Sprintf("%d Main St, Springfield, VA 22150", i), Since: since}}}
			if err := o.Customers.Insert(t.Context(), tx, &p); err != nil {
				return nil, err
			}
		}
		run, entries, err = o.Notices.LaunchTx(t.Context(), tx, s, notice.Launch{Title: "A run", Audience: notice.Audience{Who: notice.Everyone}}, "test", noticed)
		return entries, err
	}); err != nil {
		t.Fatal(err)
	}
	return run.ID
}
