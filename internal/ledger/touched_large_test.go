package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3/driver"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// largeEntries names the environment variable that has TestATraceOverALargeLedger run, with so many entries.
const largeEntries = "RINGFENCE_TRACE_ENTRIES"

// TestATraceOverALargeLedger fills a ledger with a year of the work of 400 agents for a million customers, asks, and tells how long it
// took. Of a hundred entries 25 are the customers' own, 5 are of files for 20 partners, and 70 are agents': 10 cards shown, 8 refusals,
// 12 of other kinds, 40 permits. A record is 900 bytes. Ten million need 16 GB for either database and some minutes.
//
//	RINGFENCE_TRACE_ENTRIES=10000000 go test ./internal/ledger -run ATraceOverALargeLedger -v -timeout 60m
func TestATraceOverALargeLedger(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(largeEntries))
	if err != nil {
		t.Skip(largeEntries + " does not say how many entries")
	}
	for name, at := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			address := at(t)
			db := storetest.Open(t, address)
			made := indexOfTouched(t, db)
			alterSchema(t, db, "DROP INDEX record_touched")
			y := newYear(n)
			if db.Dialect() == store.SQLite {
				db.Close()
				y.fillSQLite(t, strings.TrimPrefix(address, "sqlite:"), made)
				db = storetest.Open(t, address)
			} else {
				y.fillPostgres(t, address, made)
			}
			alterSchema(t, db, fmt.Sprintf("INSERT INTO ledger_span (node, n, first_seq, count, about) VALUES ('node', 1, 0, %d, '')", n))
			l := open(t, db, key(t))
			night := touchedBase.AddDate(0, 6, 0).Truncate(24 * time.Hour).Add(22 * time.Hour)
			for _, c := range []struct {
				name  string
				trace ledger.Trace
			}{
				{"one agent's year", ledger.Trace{Actor: y.agents[17], From: touchedBase, Until: touchedBase.AddDate(1, 0, 0)}},
				{"another agent's year", ledger.Trace{Actor: y.agents[18], From: touchedBase, Until: touchedBase.AddDate(1, 0, 0)}},
				{"one agent's month", ledger.Trace{Actor: y.agents[17], From: touchedBase.AddDate(0, 6, 0), Until: touchedBase.AddDate(0, 7, 0)}},
				{"one partner's year", ledger.Trace{Recipient: y.partners[3]}},
				{"one contact", ledger.Trace{Contact: y.contact}},
				{"one night", ledger.Trace{From: night, Until: night.Add(8 * time.Hour)}},
				{"everything", ledger.Trace{From: touchedBase, Until: touchedBase.AddDate(1, 0, 0)}},
			} {
				for _, how := range []string{"first", "again"} {
					begun := time.Now()
					reach, err := l.CountTouched(t.Context(), c.trace)
					if err != nil {
						t.Fatal(err)
					}
					t.Logf("%-22s %s: %.2f s, %d customers, %d entries of %d", c.name, how, time.Since(begun).Seconds(), reach.Customers, reach.Entries, reach.Through)
				}
			}
		})
	}
}

// indexOfTouched is the text that makes the index of traces.
func indexOfTouched(t *testing.T, db *store.DB) (text string) {
	query := "SELECT sql FROM sqlite_master WHERE name = 'record_touched'"
	if db.Dialect() == store.Postgres {
		query = "SELECT indexdef FROM pg_indexes WHERE indexname = 'record_touched'"
	}
	if err := db.Reader().QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// year is a year of entries, evenly over its time.
type year struct {
	*crowd
	n        int
	partners []string
	contact  cpni.ID // one of them
}

func newYear(n int) *year {
	y := &year{crowd: newCrowd(400, min(1_000_000, n), 900), n: n}
	y.partners = newCrowd(20, 0, 0).agents
	return y
}

// columns gives the row of the i-th entry.
func (y *year) columns(i int) []any {
	at := touchedBase.Add(time.Duration(int64(i) * (int64(365*24*time.Hour) / int64(y.n)))).Truncate(time.Microsecond)
	of := y.customers[y.draw.IntN(len(y.customers))]
	actor := y.agents[y.draw.IntN(len(y.agents))]
	kind, outcome, code, purpose, recipient, permits, contact := ledger.Decision, cpni.Permit, "", "customer-request", "customer", "billing usage", string(cpni.NewTimedID(at))
	switch part := y.draw.IntN(100); {
	case part < 25:
		actor = "customer"
	case part < 30:
		recipient, purpose, contact = y.partners[y.draw.IntN(len(y.partners))], "own-marketing", ""
	case part < 40:
		kind, outcome, purpose, recipient, permits, contact = ledger.Lookup, cpni.OK, "card", "", "", ""
	case part < 48:
		outcome, code, permits = cpni.Deny, "UNAUTHENTICATED", ""
	case part < 60:
		kind, outcome, purpose, recipient, permits = ledger.Attempt, cpni.OK, "", "", ""
	default:
		if i >= y.n/2 && y.contact == "" {
			y.contact = cpni.ID(contact)
		}
	}
	return []any{string(of), string(cpni.NewTimedID(at)), string(kind), at.UnixMicro(), actor, contact, purpose, recipient, string(outcome), code, "4f1d9c0be8e1", permits, "node", int64(1), int64(i), y.sealed[:32], y.sealed}
}

const largeColumns = "customer_id, id, kind, at, actor, contact, purpose, recipient, outcome, code, rules, permits, node, n, pos, commitment, sealed"

// fillSQLite writes without a log, which a service never does, and makes the index as the migration does.
func (y *year) fillSQLite(t *testing.T, path, index string) {
	q := url.Values{"_pragma": {"journal_mode(off)", "synchronous(off)", "locking_mode(exclusive)", "cache_size(-131072)", "temp_store(file)"}}
	db, err := driver.Open("file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	err = func() error {
		begun := time.Now()
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{})
		if err != nil {
			return err
		}
		one, err := tx.PrepareContext(t.Context(), "INSERT INTO record ("+largeColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		for i := range y.n {
			if _, err := one.ExecContext(t.Context(), y.columns(i)...); err != nil {
				return err
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		t.Logf("%d entries in %.0f s", y.n, time.Since(begun).Seconds())
		begun = time.Now()
		if _, err := db.ExecContext(t.Context(), "PRAGMA cache_size = -16384"); err != nil {
			return err
		}
		if _, err := db.ExecContext(t.Context(), index); err != nil {
			return err
		}
		t.Logf("the index is made in %.1f s", time.Since(begun).Seconds())
		return nil
	}()
	if err != nil {
		t.Fatal(err)
	}
}

func (y *year) fillPostgres(t *testing.T, address, index string) {
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	begun := time.Now()
	i := 0
	_, err = c.CopyFrom(ctx, pgx.Identifier{"record"}, strings.Split(largeColumns, ", "), pgx.CopyFromFunc(func() ([]any, error) {
		if i == y.n {
			return nil, nil
		}
		row := y.columns(i)
		i++
		return row, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries in %.0f s", y.n, time.Since(begun).Seconds())
	begun = time.Now()
	for _, q := range []string{index, "VACUUM ANALYZE record"} {
		if _, err := c.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the index is made, and the table looked through, in %.1f s", time.Since(begun).Seconds())
}
