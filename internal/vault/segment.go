package vault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Call is one call of one line: call detail information.
//
// cite: P-06, 47 CFR 64.2003(d)
type Call struct {
	At       time.Time // start, UTC, to the second
	Seconds  int       // of conversation; 0 when it was not answered
	Answered bool
	Out      bool   // the line called; otherwise it was called
	Number   string // of the other side, E.164 where it can be; "" when withheld
	ID       uint64 // hash of the exchange's own id of the call; its low 48 bits are kept
}

// idMask keeps the bits of a call's id that are stored: enough that two calls of one line and month do not meet.
const idMask = 1<<48 - 1

// better reports whether leg a tells more of the call than leg b: an answered leg before an unanswered one, then the
// longer, then the smaller number. It is a total order, so that legs may come in any order and any number of times.
func better(a, b Call) bool {
	switch {
	case a.Answered != b.Answered:
		return a.Answered
	case a.Seconds != b.Seconds:
		return a.Seconds > b.Seconds
	case a.Number != b.Number:
		return a.Number < b.Number
	}
	return a.Out && !b.Out
}

// join makes one call of two legs of it.
func join(a, b Call) Call {
	start := a.At
	if b.At.Before(start) {
		start = b.At
	}
	if better(b, a) {
		a = b
	}
	a.At = start
	return a
}

// Merge joins the legs of the same call and sorts by start: the same calls in any order, any split and any number of
// times give the same result. It changes its argument.
func Merge(calls []Call) []Call {
	for i := range calls {
		calls[i].ID &= idMask
		calls[i].At = calls[i].At.UTC().Truncate(time.Second)
	}
	slices.SortFunc(calls, func(a, b Call) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
	out := calls[:0]
	for _, c := range calls {
		if n := len(out); n > 0 && out[n-1].ID == c.ID {
			out[n-1] = join(out[n-1], c)
			continue
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Call) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

// Month gives the calendar month of at in zone as yyyymm: the carrier's zone decides dates.
func Month(at time.Time, zone *time.Location) int {
	t := at.In(zone)
	return t.Year()*100 + int(t.Month())
}

// segmentVersion is the first byte of an encoded segment.
const segmentVersion = 1

// encodeSegment writes merged calls in columns: starts as differences, lengths, two flags a call, the other numbers
// once each with an index a call, and 48 bits of id a call.
func encodeSegment(calls []Call) []byte {
	b := make([]byte, 0, 32+16*len(calls))
	b = append(b, segmentVersion)
	b = binary.AppendUvarint(b, uint64(len(calls)))
	before := int64(0)
	for _, c := range calls {
		at := c.At.Unix()
		b = binary.AppendVarint(b, at-before)
		before = at
	}
	for _, c := range calls {
		b = binary.AppendUvarint(b, uint64(c.Seconds))
	}
	flags := make([]byte, (len(calls)+3)/4)
	for i, c := range calls {
		if c.Answered {
			flags[i/4] |= 1 << (i % 4 * 2)
		}
		if c.Out {
			flags[i/4] |= 2 << (i % 4 * 2)
		}
	}
	b = append(b, flags...)
	index := make(map[string]int, len(calls))
	var numbers []string
	which := make([]int, len(calls))
	for i, c := range calls {
		n, ok := index[c.Number]
		if !ok {
			n = len(numbers)
			index[c.Number] = n
			numbers = append(numbers, c.Number)
		}
		which[i] = n
	}
	b = binary.AppendUvarint(b, uint64(len(numbers)))
	for _, n := range numbers {
		b = appendNumber(b, n)
	}
	for _, n := range which {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, c := range calls {
		b = append(b, byte(c.ID), byte(c.ID>>8), byte(c.ID>>16), byte(c.ID>>24), byte(c.ID>>32), byte(c.ID>>40))
	}
	return b
}

// The first byte of a number says how it is written: 0xff, then a length and its bytes as they are; otherwise how many
// digits, plus 0x40 when a plus sign stands before them, and then the digits as one integer.
const (
	numberRaw  = 0xff
	numberPlus = 0x40
	mostDigits = 18 // that fit 64 bits
)

func appendNumber(b []byte, n string) []byte {
	digits, plus := strings.CutPrefix(n, "+")
	value := uint64(0)
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' || len(digits) > mostDigits {
			b = append(b, numberRaw)
			b = binary.AppendUvarint(b, uint64(len(n)))
			return append(b, n...)
		}
		value = value*10 + uint64(d-'0')
	}
	head := byte(len(digits))
	if plus {
		head |= numberPlus
	}
	b = append(b, head)
	return binary.AppendUvarint(b, value)
}

var errSegment = errors.New("a segment of calls is damaged")

// mostCalls and longestNumber bound what a damaged segment can make the decoder do.
const (
	mostCalls     = 1 << 22
	longestNumber = 1 << 10
)

// decoder reads a segment; the first failure stays.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.bad = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) number() string {
	head := d.take(1)
	if d.bad {
		return ""
	}
	if head[0] == numberRaw {
		n := d.uvarint()
		if n > longestNumber {
			d.bad = true
			return ""
		}
		return string(d.take(int(n)))
	}
	digits := int(head[0] &^ numberPlus)
	if digits > mostDigits {
		d.bad = true
		return ""
	}
	value := d.uvarint()
	s := ""
	if digits > 0 {
		s = fmt.Sprintf("%0*d", digits, value)
	}
	if len(s) != digits {
		d.bad = true
	}
	if head[0]&numberPlus != 0 {
		s = "+" + s
	}
	return s
}

// decodeSegment reads what encodeSegment wrote.
func decodeSegment(data []byte) ([]Call, error) {
	d := decoder{rest: data}
	if v := d.take(1); d.bad || v[0] != segmentVersion {
		return nil, errSegment
	}
	count := d.uvarint()
	if d.bad || count > mostCalls || count > uint64(len(data)) {
		return nil, errSegment
	}
	calls := make([]Call, count)
	at := int64(0)
	for i := range calls {
		at += d.varint()
		calls[i].At = time.Unix(at, 0).UTC()
	}
	for i := range calls {
		s := d.uvarint()
		if s > 1<<31 {
			d.bad = true
		}
		calls[i].Seconds = int(s)
	}
	flags := d.take((len(calls) + 3) / 4)
	numbers := d.uvarint()
	if d.bad || numbers > count {
		return nil, errSegment
	}
	all := make([]string, numbers)
	for i := range all {
		all[i] = d.number()
	}
	for i := range calls {
		n := d.uvarint()
		if d.bad || n >= numbers {
			return nil, errSegment
		}
		calls[i].Number = all[n]
		calls[i].Answered = flags[i/4]>>(i%4*2)&1 != 0
		calls[i].Out = flags[i/4]>>(i%4*2)&2 != 0
	}
	ids := d.take(6 * len(calls))
	if d.bad || len(d.rest) > 0 {
		return nil, errSegment
	}
	for i := range calls {
		b := ids[6*i : 6*i+6]
		calls[i].ID = uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40
	}
	return calls, nil
}
