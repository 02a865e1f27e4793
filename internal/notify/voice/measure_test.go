package voice

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringfence/internal/notify"
)

// BenchmarkCalls measures how evenly sound leaves while so many calls go on at once: sipp is the switch, and this test
// takes the sound, sends silence back for every packet, and looks how far apart the packets of each call come. They are
// due every 20 ms.
//
//	go test -run xxx -bench Calls -benchtime 1x ./internal/notify/voice
func BenchmarkCalls(b *testing.B) {
	for _, calls := range []int{10, 50, 100, 200, 300, 500} {
		b.Run(fmt.Sprint(calls), func(b *testing.B) {
			for range b.N {
				measure(b, calls)
			}
		})
	}
}

func measure(b *testing.B, calls int) {
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	if err := taken.SetReadBuffer(8 << 20); err != nil {
		b.Fatal(err)
	}
	var gaps []time.Duration
	packets, lost := 0, 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		type call struct {
			last     time.Time
			sequence uint16
		}
		seen := map[netip.AddrPort]*call{}
		buffer := make([]byte, 2048)
		back := make([]byte, 12+frameSamples)
		back[0] = 0x80
		for i := range back[12:] {
			back[12+i] = 0xFF
		}
		for {
			n, from, err := taken.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			now, sequence := time.Now(), uint16(buffer[2])<<8|uint16(buffer[3])
			if n < 12 {
				continue
			}
			packets++
			c := seen[from]
			if c == nil {
				c = &call{}
				seen[from] = c
			} else {
				gaps = append(gaps, now.Sub(c.last))
				lost += int(sequence - c.sequence - 1)
			}
			c.last, c.sequence = now, sequence
			copy(back[2:4], buffer[2:4])
			_, _ = taken.WriteToUDPAddrPort(back, from)
		}
	}()
	sound := strings.NewReplacer("[media_ip]", "127.0.0.1", "[media_port]", fmt.Sprint(taken.LocalAddr().(*net.UDPAddr).Port), "RTP/AVP 8 101", "RTP/AVP 0 101", "rtpmap:8 PCMA", "rtpmap:0 PCMU").Replace(answered)
	port, _ := playing(b, calls, nil, receive("INVITE"), respond("100 Trying"), sound, receive("ACK"), receive("BYE"), respond("200 OK"))
	c := carrier(b, port, func(c *Config) { c.AtOnce = calls; c.Ring = 30 * time.Second })
	var pieces []notify.Piece
	for range calls {
		pieces = append(pieces, message(notify.Spoken{Text: sentence}, notify.Spoken{Digits: "4096173852"}))
	}
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	began := time.Now()
	delivered, otherwise := 0, map[string]int{}
	for _, o := range send(b, c, pieces...) {
		if o.State == notify.Delivered {
			delivered++
		} else {
			otherwise[o.Code]++
		}
	}
	took := time.Since(began)
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	_ = taken.Close()
	<-done
	if delivered < calls {
		b.Errorf("only %d of %d calls came to their end: %v", delivered, calls, otherwise)
	}
	slices.Sort(gaps)
	at := func(share float64) float64 {
		return float64(gaps[min(int(share*float64(len(gaps))), len(gaps)-1)]) / float64(time.Millisecond)
	}
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(at(0.5), "ms-between-p50")
	b.ReportMetric(at(0.99), "ms-between-p99")
	b.ReportMetric(at(0.999), "ms-between-p99.9")
	b.ReportMetric(at(1), "ms-between-max")
	b.ReportMetric(100*float64(lost)/float64(packets), "%-lost")
	b.ReportMetric(100*used.Seconds()/took.Seconds(), "%-of-a-core")
	b.ReportMetric(0, "ns/op")
}
