package generate

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var february = Spec{Seed: 7, Customers: 200, From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}

func rows(t testing.TB, write func(io.Writer, Spec) error, s Spec) [][]string {
	t.Helper()
	var buf bytes.Buffer
	if err := write(&buf, s); err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(&buf).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// The bytes of a seed never change: measurements and bug reports name files by their seed.
func TestBytesOfASeedStay(t *testing.T) {
	for _, c := range []struct {
		name   string
		byLine bool
		want   string
	}{{"by time", false, "553925ad80b291c4"}, {"by line", true, "0f2b51f7747df5a8"}} {
		t.Run(c.name, func(t *testing.T) {
			s := february
			s.ByLine = c.byLine
			h := sha256.New()
			if err := Generate(h, h, s); err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(h.Sum(nil)[:8]); got != c.want {
				t.Errorf("hash %s, want %s", got, c.want)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	for _, byLine := range []bool{false, true} {
		s := february
		s.ByLine = byLine
		ours := map[string]int{}
		for _, c := range rows(t, Customers, s) {
			for _, n := range strings.Split(c[2], ";") {
				if _, twice := ours[n]; twice {
					t.Fatalf("%s twice", n)
				}
				ours[n] = 0
			}
		}
		if len(ours) != 250 {
			t.Fatalf("%d lines", len(ours))
		}
		all := rows(t, Calls, s)
		if want := s.Rows(); len(all) != want || math.Abs(float64(want)-250*60*28/30.44) > 2 {
			t.Fatalf("%d rows, want %d", len(all), want)
		}
		ids := map[string]bool{}
		last, unanswered := "", 0
		for _, c := range all {
			_, out := ours[c[1]]
			_, in := ours[c[2]]
			if !out && !in || c[1] == c[2] {
				t.Fatalf("a call of nobody: %q", c)
			}
			if out {
				ours[c[1]]++
			}
			if in {
				ours[c[2]]++
			}
			if ids[c[0]] {
				t.Fatalf("id %s twice", c[0])
			}
			ids[c[0]] = true
			at, err := time.Parse(time.RFC3339, c[3])
			if err != nil || at.Before(s.From) || !at.Before(s.To) {
				t.Fatalf("start %q", c[3])
			}
			if !byLine && c[3] < last {
				t.Fatalf("%s after %s", c[3], last)
			}
			last = c[3]
			if c[5] == "no" {
				unanswered++
			}
		}
		busiest, quiet := 0, 1<<30
		for _, n := range ours {
			busiest, quiet = max(busiest, n), min(quiet, n)
		}
		if busiest < 80 || quiet > 50 || quiet == 0 {
			t.Errorf("by line %v: a line has between %d and %d calls: no skew", byLine, quiet, busiest)
		}
		if part := float64(unanswered) / float64(len(all)); part < 0.15 || part > 0.25 {
			t.Errorf("unanswered %v", part)
		}
	}
}

// Any size comes out exactly, and every start lies within the bounds.
func TestAnySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Spec{Seed: rapid.Uint64().Draw(t, "seed"), Customers: rapid.IntRange(1, 50).Draw(t, "customers"), Calls: rapid.IntRange(1, 300).Draw(t, "calls"),
			ByLine: rapid.Bool().Draw(t, "by line")}
		from := rapid.Int64Range(4e7, 4e9).Draw(t, "from")
		to := from + rapid.Int64Range(1, 5e6).Draw(t, "length")
		s.From, s.To = time.Unix(from, 0), time.Unix(to, 0)
		var buf bytes.Buffer
		if err := Calls(&buf, s); err != nil {
			t.Fatal(err)
		}
		all, err := csv.NewReader(&buf).ReadAll()
		if err != nil || len(all) != s.Calls+1 {
			t.Fatalf("%d rows of %d: %v", len(all)-1, s.Calls, err)
		}
		for _, r := range all[1:] {
			if at, err := time.Parse(time.RFC3339, r[3]); err != nil || at.Unix() < from || at.Unix() >= to {
				t.Fatalf("start %s outside", r[3])
			}
		}
	})
}

func TestSpecCheck(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"no customers": func(s *Spec) { s.Customers = 0 }, "too many customers": func(s *Spec) { s.Customers = 1 << 40 },
		"calls": func(s *Spec) { s.Calls = -1 }, "to before from": func(s *Spec) { s.From, s.To = s.To, s.From },
		"before time": func(s *Spec) { s.From = time.Time{} },
	} {
		s := february
		if change(&s); s.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkCalls(b *testing.B) {
	s := february
	s.Customers, s.Calls = 100000, b.N
	if err := Calls(io.Discard, s); err != nil {
		b.Fatal(err)
	}
}
