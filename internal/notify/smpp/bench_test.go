package smpp

import (
	"testing"

	"ringfence/internal/notify"
)

// Texts a second to the centre of the tests on loopback, with an answer for each: run with -bench Texts.
func BenchmarkTexts(b *testing.B) {
	peer, o := startCentre(b), newOffice()
	peer.set(map[string]any{"quiet": 1})
	c := open(b, config(b, peer.port, func(c *Config) { c.Window = 50 }), o)
	c.await(b.Context())
	pieces := make([]notify.Piece, b.N)
	for i := range pieces {
		pieces[i] = piece("Your password was changed. Was it not you? Call 1-555-000-0100.")
	}
	b.ResetTimer()
	for _, got := range send(b, c, pieces...) {
		if got.State != notify.Sent {
			b.Fatalf("%+v", got)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "texts/s")
}
