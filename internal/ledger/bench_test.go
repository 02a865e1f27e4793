package ledger_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// BenchmarkCommit measures durable entries with records of 900 bytes, with and without the sequencer at work.
//
//	go test ./internal/ledger -run XXX -bench Commit -benchtime 5s
func BenchmarkCommit(b *testing.B) {
	for _, batch := range []int{1, 64, 256} {
		for _, sequencing := range []bool{false, true} {
			b.Run(fmt.Sprintf("batch=%d/sequencing=%v", batch, sequencing), func(b *testing.B) {
				db := storetest.Open(b, storetest.SQLite(b))
				l := open(b, db, key(b))
				ctx, stop := context.WithCancel(b.Context())
				var running sync.WaitGroup
				if sequencing {
					running.Go(func() { l.Run(ctx, func(err error) { b.Error(err) }) })
				}
				customer := cpni.NewID()
				record := make([]byte, 900)
				for b.Loop() {
					if _, err := l.Commit(b.Context(), func(*store.Tx) ([]ledger.Entry, error) {
						es := make([]ledger.Entry, batch)
						for i := range es {
							es[i] = entry(customer, i, cpni.Permit)
							es[i].Sealed = record
						}
						return es, nil
					}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "entries/s")
				stop()
				running.Wait()
			})
		}
	}
}

// BenchmarkSequence measures how fast entries that wait become leaves, and BenchmarkVerify how fast they are verified.
func BenchmarkSequence(b *testing.B) {
	db := storetest.Open(b, storetest.SQLite(b))
	l := open(b, db, key(b))
	const entries = 64 * 256
	for b.Loop() {
		b.StopTimer()
		commit(b, l, cpni.NewID(), entries, 64)
		b.StartTimer()
		if err := l.Sequence(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(entries*b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkVerify verifies a database.
func BenchmarkVerify(b *testing.B) {
	db := storetest.Open(b, storetest.SQLite(b))
	l := open(b, db, key(b))
	const entries = 100_000
	commit(b, l, cpni.NewID(), entries, 250)
	if err := l.Sequence(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if v, err := l.Verify(b.Context(), io.Discard); err != nil || !v.OK() {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(entries*b.N)/b.Elapsed().Seconds(), "entries/s")
}
