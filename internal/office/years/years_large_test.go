package years_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"ringfence/internal/filing/yearly"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/watch"
)

// largeYear names the environment variable that has TestALargeYear run, with so many customers.
const largeYear = "RINGFENCE_YEAR_CUSTOMERS"

// TestALargeYear fills SQLite with a year of a large carrier and tells how long its page takes: of every customer one notice and of one in
// five a refusal, four decisions a customer, a notice as a message for each and a notice of change for one in three. The rows hold made-up bytes
// in place of what is sealed. 250,000 customers, with a million decisions, need 1.5 GB.
//
//	RINGFENCE_YEAR_CUSTOMERS=250000 go test ./internal/office/years -run ALargeYear -v -timeout 60m
func TestALargeYear(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(largeYear))
	if err != nil {
		t.Skip(largeYear + " does not say how many customers")
	}
	db := storetest.Open(t, storetest.SQLite(t))
	w := newWorld(t, db)
	w.to(1, 1)
	first := w.Clock.Now().UnixMicro()
	w.to(12, 20)
	const decisions = 4 // a customer
	const id = "printf('%026X', (i * 2654435761) % 4294967296)"
	at := fmt.Sprintf("(%d + i * %d)", first, int64(350*24*time.Hour/time.Microsecond)/int64(n))
	all := fmt.Sprintf("WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < %d) SELECT ", n)
	for what, query := range map[string]string{
		"customers":      "INSERT INTO customer (customer_id, version, ended, since, sealed) " + all + id + ", 1, 0, 0, zeroblob(600) FROM g",
		"notices given":  "INSERT INTO approval_event (customer_id, n, event_id, at, recorded, what, scope, notice, sealed, stands) " + all + id + ", 1, printf('e%025d', i), " + at + ", " + at + ", 'noticed', '', '', zeroblob(400), 'own-marketing waiting ' || " + at + " || ' ' || " + at + " || ' ' || (" + at + " + 2851200000000) || ' ' FROM g",
		"refusals given": "INSERT INTO approval_event (customer_id, n, event_id, at, recorded, what, scope, notice, sealed, stands) " + all + id + ", 2, printf('f%025d', i), " + at + ", " + at + " + 1000000000, 'objected', 'everything', '', zeroblob(400), 'everything denied ' || " + at + " || ' 0 0 ' FROM g WHERE i % 5 = 0",
		"notices sent":   "INSERT INTO message (customer_id, message_id, at, via, place, state, sealed, kind) " + all + id + ", printf('m%025d', i), " + at + ", 'email', 'aor', 'delivered', zeroblob(300), CASE WHEN i % 4 = 0 THEN 'account-change' ELSE 'opt-out-notice' END FROM g",
		"what became":    "INSERT INTO message_event (customer_id, message_id, n, event_id, at, what, code) " + all + id + ", printf('m%025d', i), 1, '', " + at + " + (i % 5000) * 1000000, 'sent', '' FROM g",
		"and arrived":    "INSERT INTO message_event (customer_id, message_id, n, event_id, at, what, code) " + all + id + ", printf('m%025d', i), 2, '', " + at + " + (i % 9000) * 1000000, 'receipt', '' FROM g",
		"decisions":      "INSERT INTO watch_entry (seq, entry_id, customer_id, at, actor, contact, kind, purpose, outcome, code, touch) " + fmt.Sprintf("WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < %d) SELECT ", decisions*n) + "1000000 + i, printf('d%025d', i), " + id + ", " + fmt.Sprintf("(%d + i * %d)", first, int64(350*24*time.Hour/time.Microsecond)/int64(decisions*n)) + ", 'a' || (i % 400), '', 'decision', '', CASE WHEN i % 9 = 0 THEN 'deny' ELSE 'permit' END, CASE WHEN i % 9 = 0 THEN 'UNAUTHENTICATED' ELSE '' END, 0 FROM g",
		"their counts":   "INSERT INTO watch_count (day, what, n) WITH RECURSIVE d(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM d WHERE i < 364) SELECT 20270101 + i / 31 * 100 + i % 31, w.what, 30 FROM d, (SELECT 'decision' AS what UNION SELECT 'permit' UNION SELECT 'refused:A' UNION SELECT 'refused:B' UNION SELECT 'rule:x' UNION SELECT 'contact') w",
	} {
		began := time.Now()
		w.must(db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), query)
			return err
		}))
		t.Logf("%s: written in %v", what, time.Since(began).Round(time.Second))
	}
	timed := func(what string, do func() error) {
		t.Helper()
		began := time.Now()
		w.must(do())
		t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
	}
	ctx := t.Context()
	timed("counting all months for the first time", func() error { return w.Yearly.Count(ctx) })
	timed("counting again", func() error { return w.Yearly.Count(ctx) })
	var y *yearly.Year
	for range 3 {
		timed("the page", func() (err error) { y, err = w.Yearly.Year(ctx, 2027, w.aude); return err })
	}
	if y.Series("approval.denied").Cells[10].N == 0 || y.Series("changes-delivered.median").Cells[5].N == 0 {
		t.Errorf("not counted: %+v", y)
	}
	for series, month := range map[string]int{"approval.denied": 10, "approval.waiting": 0, "changes-delivered": 6, "notices-sent": 6, "notices-proven": 6} {
		timed("the first 50 of "+series, func() error {
			found, err := w.Yearly.List(ctx, w.aude, yearly.Asked{Year: 2027, Series: series, Month: month})
			if err == nil && len(found.Rows) != 50 {
				t.Errorf("%s: %d of %d", series, len(found.Rows), found.N)
			}
			return err
		})
	}
	from, to := w.Yearly.Span(2027, 6)
	timed("a month's refusals in the search, with their count", func() error {
		q := watch.Query{Kind: ledger.Decision, Refused: true, From: from, To: to, Limit: 50}
		if _, err := w.Watch.Found(ctx, q, 10_001); err != nil {
			return err
		}
		_, err := w.Watch.Search(ctx, q)
		return err
	})
}
