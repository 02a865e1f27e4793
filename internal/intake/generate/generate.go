// Package generate writes customers and calls of any number, for loads, measurements and demonstrations, in the CSV
// that intake reads. The same Spec gives the same bytes, on any machine; memory does not grow with the numbers.
//
// Customers live in area codes that no place has, so that none of them is somebody. Their calls are as skewed as real
// ones: some lines talk much and some little, most calls of a line go to or come from a few favourite numbers, days
// are busier than nights and weekdays than Sundays, a fifth is not answered and a few callers withhold their number.
package generate

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"

	"ringfence/internal/intake/fiction"
)

// CallsPerLineMonth is how many calls a line has in a month when Spec gives no number.
const CallsPerLineMonth = 60

// Spec says what to write.
type Spec struct {
	Seed      uint64
	Customers int       // every fourth has two lines
	Calls     int       // rows; 0: 60 a line-month
	From, To  time.Time // starts of calls lie in [From, To)
	ByLine    bool      // all calls of a line together, as billing systems write; else in order of time, as exchanges do
}

// Check reports what is wrong with a Spec.
func (s Spec) Check() error {
	switch {
	case s.Customers < 1 || s.lines() > fiction.MaxReserved:
		return fmt.Errorf("customers must lie between 1 and %d", fiction.MaxReserved*4/5)
	case s.Calls < 0:
		return fmt.Errorf("calls must not be negative")
	case !s.From.Before(s.To) || s.From.Year() < 1971 || s.To.Year() > 9998:
		return fmt.Errorf("from must lie before to, both between 1971 and 9998")
	}
	return nil
}

func (s Spec) lines() int { return s.Customers + (s.Customers+3)/4 }

// Rows is how many rows Calls writes.
func (s Spec) Rows() int {
	if s.Calls > 0 {
		return s.Calls
	}
	months := s.To.Sub(s.From).Hours() / (24 * 365.25 / 12)
	return max(1, int(float64(s.lines())*CallsPerLineMonth*months+0.5))
}

// firstLine gives the first line of customer c; one that is a multiple of 4 has the next line, too.
func firstLine(c int) int { return c + (c+3)/4 }

func (s Spec) number(line int) string { return fiction.Reserved(line) }

// Generate writes both files: customers and the calls of their lines.
func Generate(customers, calls io.Writer, s Spec) error {
	if err := Customers(customers, s); err != nil {
		return err
	}
	return Calls(calls, s)
}

// Customers writes s.Customers rows under a header.
func Customers(w io.Writer, s Spec) error {
	if err := s.Check(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	out.WriteString("account,name,numbers,categories,listed,postal,postal_since,email,email_since,email_notices,since,born,ssn4\n")
	var b []byte
	y, m, d := s.From.Date()
	asOf := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	for c := range s.Customers {
		src := fiction.At(s.Seed, uint64(c))
		p := src.Person(fiction.Either, 18, 90, asOf)
		since := asOf.AddDate(0, 0, -1-src.N(3650))
		first := firstLine(c)
		b = fmt.Appendf(b[:0], "G-%08d,%s,%s", c, p.Name(), s.number(first))
		if c%4 == 0 {
			b = append(append(b, ';'), s.number(first+1)...)
		}
		b = append(b, [...]string{",local;long-distance", ",wireless", ",local", ",voip"}[src.N(4)]...)
		b = append(b, [...]string{",yes", ",yes", ",no"}[src.N(3)]...)
		b = fmt.Appendf(b, ",\"%s\",%s", src.Postal(fiction.Areas[src.N(len(fiction.Areas))]), since.Format(time.DateOnly))
		b = fmt.Appendf(b, ",%c.%d@example.%s,%s", p.Given[0]|0x20, c, [...]string{"com", "net", "org"}[src.N(3)], since.Format(time.DateOnly))
		b = append(b, [...]string{",yes", ",no"}[src.N(2)]...)
		b = fmt.Appendf(b, ",%s,%s,%s\n", since.Format(time.DateOnly), p.Born.Format(time.DateOnly), p.SSN4)
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	return out.Flush()
}

// callsHeader names our own columns.
const callsHeader = "call_id,caller,called,start,seconds,answered\n"

// Calls writes s.Rows() rows under a header.
func Calls(w io.Writer, s Spec) error {
	if err := s.Check(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	out.WriteString(callsHeader)
	g := &calls{Spec: s, out: out, clock: newDaily(s.From, s.To)}
	if s.ByLine {
		g.byLine()
	} else {
		g.byTime()
	}
	return out.Flush() // a bufio.Writer keeps its first error
}

// calls writes rows of calls.
type calls struct {
	Spec
	out   *bufio.Writer
	clock *daily
	row   []byte
	day   int64  // of date
	date  []byte // "2026-02-11T"
}

// byTime spreads the rows over the hours by their weight, evenly in each, and draws a line for each.
func (g *calls) byTime() {
	total, lines := g.Rows(), g.lines()
	for n := range total {
		src := fiction.At(g.Seed^0xca11, uint64(n))
		// Between one and three times as many calls for the busiest third: the power bends an even draw.
		u := src.Float()
		line := int(float64(lines) * (u*0.55 + u*u*0.45))
		g.write(n, min(line, lines-1), g.clock.at((float64(n)+0.5)/float64(total)), &src)
	}
}

// byLine gives each line its share and spreads it over the time.
func (g *calls) byLine() {
	total, lines := g.Rows(), g.lines()
	share := func(u float64) int { // the inverse of byTime's bend
		return int(float64(total)*bent(u) + 0.5)
	}
	n := 0
	for line := range lines {
		end := share(float64(line+1) / float64(lines))
		if line == lines-1 {
			end = total
		}
		count := max(0, end-n)
		for i := range count {
			src := fiction.At(g.Seed^0xca11, uint64(n))
			g.write(n, line, g.clock.at((float64(i)+src.Float())/float64(count)), &src)
			n++
		}
	}
}

// write writes row n: a call of line at second at.
func (g *calls) write(n, line int, at int64, src *fiction.Source) {
	other := g.other(line, src)
	b := append(g.row[:0], hex64(fiction.Mix(g.Seed^uint64(n)*0x9e3779b97f4a7c15))...)
	b = append(b, ',')
	if src.N(100) < 55 {
		b = append(append(append(b, g.number(line)...), ','), other...)
	} else {
		if src.N(100) < 3 {
			other = "anonymous"
		}
		if other[0] != '+' && other[0] != 'a' {
			other = fiction.Number(src.N(fiction.Slots())) // nobody is called by 411
		}
		b = append(append(append(b, other...), ','), g.number(line)...)
	}
	b = append(b, ',')
	if day := at / 86400; day != g.day || g.date == nil {
		g.day, g.date = day, time.Unix(at, 0).UTC().AppendFormat(g.date[:0], "2006-01-02T")
	}
	b = append(b, g.date...)
	s := int(at % 86400)
	b = append(b, byte('0'+s/36000), byte('0'+s/3600%10), ':', byte('0'+s%3600/600), byte('0'+s%3600/60%10), ':', byte('0'+s%60/10), byte('0'+s%10), 'Z', ',')
	if src.N(5) == 0 {
		b = append(b, "0,no\n"...)
	} else {
		u := src.Float()
		b = strconv.AppendInt(b, 3+int64(40*u+560*u*u*u+3000*u*u*u*u*u*u*u*u*u*u*u*u), 10)
		b = append(b, ",yes\n"...)
	}
	g.row = b
	g.out.Write(b)
}

// other chooses who is at the other end: mostly one of eight favourites of the line, the first most of all.
func (g *calls) other(line int, src *fiction.Source) string {
	pick := src.N(100)
	if pick < 70 {
		u := src.Float()
		favourite := uint64(8 * u * u)
		f := fiction.At(g.Seed^0xfa0, uint64(line)*8+favourite)
		return g.party(line, &f)
	}
	if pick < 72 {
		return [...]string{"411", "611", "*69", "911"}[src.N(4)]
	}
	return g.party(line, src)
}

// party is one in eight times another line of ours, else somebody outside, in a few cases abroad.
func (g *calls) party(line int, src *fiction.Source) string {
	switch k := src.N(32); {
	case k < 4:
		if l := src.N(g.lines()); l != line {
			return g.number(l)
		}
	case k == 4:
		return fmt.Sprintf("+442079460%03d", src.N(1000))
	}
	return fiction.Number(src.N(fiction.Slots()))
}

func hex64(x uint64) []byte {
	var b [16]byte
	for i := range b {
		b[i] = "0123456789abcdef"[x>>(60-4*i)&15]
	}
	return b[:]
}
