package vault_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// month is what a line does in a month: n calls at the hours when people call, with a few numbers called often and many
// once, a sixth of them unanswered, conversations of two minutes in the middle.
func month(r *rand.Rand, n int) []vault.Call {
	begin := time.Date(2026, 2, 1, 5, 0, 0, 0, time.UTC)
	known := make([]string, 12)
	for i := range known {
		known[i] = fmt.Sprintf("+1%d%07d", 200+r.IntN(700), r.IntN(10_000_000))
	}
	all := make([]vault.Call, n)
	for i := range all {
		hour := 8 + int(math.Abs(r.NormFloat64())*6)%15
		c := vault.Call{At: begin.AddDate(0, 0, r.IntN(28)).Add(time.Duration(hour*3600+r.IntN(3600)) * time.Second), Out: r.IntN(2) == 0, ID: r.Uint64()}
		if c.Answered = r.IntN(6) > 0; c.Answered {
			c.Seconds = 1 + int(math.Exp(4.8+1.2*r.NormFloat64()))
		}
		if k := int(r.ExpFloat64() * 5); k < len(known) {
			c.Number = known[k]
		} else {
			c.Number = fmt.Sprintf("+1%d%07d", 200+r.IntN(700), r.IntN(10_000_000))
		}
		all[i] = c
	}
	return all
}

// BenchmarkMergeCalls seals months of 60 calls of 1,000 customers into a SQLite file, and measures what they take there.
func BenchmarkMergeCalls(b *testing.B) {
	const customers, perMonth = 2000, 60
	for _, c := range []struct {
		name   string
		halves bool
	}{{"new", false}, {"into what is there", true}} {
		b.Run(c.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			var calls int
			var size float64
			for range b.N {
				b.StopTimer()
				url := storetest.SQLite(b)
				w := open(b, storetest.Open(b, url), vault.NewMaster())
				portions := make([]vault.Portion, customers)
				if err := w.db.Tx(b.Context(), func(tx *store.Tx) error {
					for i := range portions {
						portions[i] = vault.Portion{Customer: cpni.NewID(), Line: 1, Month: 202602, Calls: month(r, perMonth)}
						if err := w.vault.NewCustomerKey(b.Context(), tx, portions[i].Customer); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
				if c.halves {
					first := make([]vault.Portion, customers)
					for i, p := range portions {
						first[i] = p
						first[i].Calls = p.Calls[:perMonth/2]
					}
					w.merge(b, first...)
				}
				before := onDisk(b, w.db, url)
				b.StartTimer()
				m := w.merge(b, portions...)
				b.StopTimer()
				calls += m.Added + m.Same
				size += float64(onDisk(b, w.db, url)-before) / customers / perMonth
				w.db.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(calls)/b.Elapsed().Seconds(), "calls/s")
			if !c.halves {
				b.ReportMetric(size/float64(b.N), "bytes/call")
			}
		})
	}
}

func onDisk(b *testing.B, db *store.DB, url string) int64 {
	b.Helper()
	if err := db.Scrub(b.Context()); err != nil {
		b.Fatal(err)
	}
	path := strings.TrimPrefix(url, "sqlite:")
	info, err := os.Stat(filepath.Clean(path))
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}
