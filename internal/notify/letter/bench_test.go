package letter

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// many are notices to many customers.
func many(n int) []notify.Piece {
	all := make([]notify.Piece, n)
	for i := range all {
		all[i] = notice([]string{"en", "es"}[i%2])
		all[i].ID = cpni.NewTimedID(noon)
		all[i].To = fmt.Sprintf("%d Main St, Springfield, VA %05d", i+1, 10000+i%90000)
	}
	return all
}

// BenchmarkRender is the PDF alone, by one goroutine for each processor.
func BenchmarkRender(b *testing.B) {
	c := open(b, config(b))
	p := notice("en")
	size := 0
	if file, _, err := c.Render(p); err != nil {
		b.Fatal(err)
	} else {
		size = len(file)
	}
	b.ResetTimer()
	start := processor(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := c.Render(p); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64((processor(b)-start).Microseconds())/float64(b.N), "cpu-µs/letter")
	b.ReportMetric(float64(size), "bytes/letter")
	b.ReportMetric(60*float64(b.N)/b.Elapsed().Seconds(), "letters/minute")
}

// processor is how long this process has used the processors, which other work on the machine does not change.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSend is the whole way to a batch in the print shop's folder, durable.
func BenchmarkSend(b *testing.B) {
	for _, joined := range []bool{false, true} {
		b.Run(map[bool]string{false: "separate", true: "joined"}[joined], func(b *testing.B) {
			cfg := config(b)
			cfg.Joined, cfg.BatchSize = joined, 5000
			c := open(b, cfg)
			sent := 0
			start := processor(b)
			for b.Loop() {
				b.StopTimer()
				pieces := many(cfg.BatchSize)
				b.StartTimer()
				c.Send(context.Background(), pieces, func(_ notify.Piece, o notify.Outcome) {
					if o.State == notify.Sent {
						sent++
					}
				})
			}
			if sent != b.N*cfg.BatchSize {
				b.Fatalf("%d letters were sent and not %d", sent, b.N*cfg.BatchSize)
			}
			b.ReportMetric(60*float64(sent)/b.Elapsed().Seconds(), "letters/minute")
			b.ReportMetric(float64((processor(b)-start).Microseconds())/float64(sent), "cpu-µs/letter")
			bytes := int64(0)
			err := filepath.WalkDir(cfg.Folder, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !strings.HasSuffix(path, ".pdf") {
					return err
				}
				about, err := os.Stat(path)
				if err == nil {
					bytes += about.Size()
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(bytes)/float64(sent), "bytes/letter")
		})
	}
}
