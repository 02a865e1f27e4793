package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// crowd draws entries as many members make them about many customers.
type crowd struct {
	draw      *rand.Rand
	agents    []string
	customers []cpni.ID
	sealed    []byte
}

func newCrowd(agents, customers, sealed int) *crowd {
	c := &crowd{draw: rand.New(rand.NewPCG(7, 41)), sealed: make([]byte, sealed)}
	for range agents {
		c.agents = append(c.agents, string(cpni.NewID()))
	}
	for range customers {
		c.customers = append(c.customers, cpni.NewID())
	}
	return c
}

// permit is one decision: four of five are an agent's in a contact, with the customer; one is of a partner's file.
func (c *crowd) permit(at time.Time) ledger.Entry {
	e := touching(at, ledger.Decision, c.customers[c.draw.IntN(len(c.customers))], c.agents[c.draw.IntN(len(c.agents))], cpni.Billing, cpni.Usage)
	e.Sealed, e.Rules, e.Purpose, e.Contact = c.sealed, "4f1d9c0be8e1", "customer-request", string(cpni.NewTimedID(at))
	if c.draw.IntN(5) == 0 {
		e.Contact, e.Recipient, e.Purpose = "", c.agents[c.draw.IntN(20)], "own-marketing"
	}
	return e
}

// BenchmarkCommitTouched measures what the index of traces costs to commits, beside one that would be ordered by the actor first: durable
// entries with records of 900 bytes, all of them permits, of 400 agents about 100,000 customers, behind 60,000 that are there. Its server
// of PostgreSQL does not wait for the disk, so that there an index is a larger part than it is in service.
//
//	go test ./internal/ledger -run XXX -bench CommitTouched -benchtime 2s -count 5
func BenchmarkCommitTouched(b *testing.B) {
	for _, at := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		for _, batch := range []int{1, 16, 64} {
			for _, kept := range []string{"none", "record_touched", "by actor"} {
				b.Run(fmt.Sprintf("%s/batch=%d/%s", at.name, batch, kept), func(b *testing.B) {
					db := storetest.Open(b, at.url(b))
					if kept != "record_touched" {
						alterSchema(b, db, "DROP INDEX record_touched")
					}
					if kept == "by actor" {
						alterSchema(b, db, "CREATE INDEX record_actor ON record (actor, id) WHERE (kind = 'decision' AND outcome = 'permit' OR kind = 'lookup') AND customer_id <> ''")
					}
					benchmarkCommits(b, open(b, db, key(b)), batch)
				})
			}
		}
	}
}

func benchmarkCommits(b *testing.B, l *ledger.Ledger, batch int) {
	c := newCrowd(400, 100_000, 900)
	now := touchedBase
	some := func(n int) {
		_, err := l.Commit(b.Context(), func(*store.Tx) ([]ledger.Entry, error) {
			es := make([]ledger.Entry, n)
			for i := range es {
				now = now.Add(time.Millisecond)
				es[i] = c.permit(now)
			}
			return es, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for range 60 {
		some(1000)
	}
	for b.Loop() {
		some(batch)
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "entries/s")
}

func alterSchema(t testing.TB, db *store.DB, query string) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), query); return err }); err != nil {
		t.Fatal(err)
	}
}
