package vault

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// A segment is a line's calls of a month, packed to the bit: a version byte, the number of calls, the first start in
// seconds since 1970, and the calls in order of their start, each as
//
//	the seconds since the start before it (not for the first), in an exponential Golomb code of an order that suits the segment
//	a bit: answered; a bit: the line called
//	the seconds of conversation, in such a code too; before it, when the call was not answered, a bit: there are any
//	which of the numbers met so far it has, or one more, and then that number
//	48 bits of id
//
// Ids and times do not compress further, so nothing is gained by a general compressor behind this.
const segmentVersion = 1

// callBits is the least that a call takes.
const callBits = 48

// widthOrder is the width in which the orders of the two codes are written.
const widthOrder = 5

// encoder writes segments; it is used by one goroutine, again and again.
type encoder struct {
	w       bitWriter
	numbers map[string]uint64 // numbers met so far
}

// encode writes merged calls. The result is of use until the next call of encode.
func (e *encoder) encode(calls []Call) []byte {
	if e.numbers == nil {
		e.numbers = map[string]uint64{}
	}
	clear(e.numbers)
	w := &e.w
	w.out, w.held, w.n = append(w.out[:0], segmentVersion), 0, 0
	w.out = binary.AppendUvarint(w.out, uint64(len(calls)))
	if len(calls) == 0 {
		return w.out
	}
	before := calls[0].At.Unix()
	w.out = binary.AppendVarint(w.out, before)
	gapOrder := order(calls, func(i int) (uint64, bool) {
		return uint64(calls[i].At.Unix() - calls[max(i, 1)-1].At.Unix()), i > 0
	})
	lengthOrder := order(calls, func(i int) (uint64, bool) { return uint64(calls[i].Seconds), calls[i].Seconds > 0 })
	w.put(uint64(gapOrder), widthOrder)
	w.put(uint64(lengthOrder), widthOrder)
	for i := range calls {
		c := &calls[i]
		at := c.At.Unix()
		if i > 0 {
			w.putNumber(uint64(at-before), gapOrder)
		}
		before = at
		w.putFlag(c.Answered)
		w.putFlag(c.Out)
		if !c.Answered {
			w.putFlag(c.Seconds > 0)
		}
		if c.Answered || c.Seconds > 0 {
			w.putNumber(uint64(c.Seconds), lengthOrder)
		}
		met := uint64(len(e.numbers))
		which, ok := e.numbers[c.Number]
		if !ok {
			which = met
			e.numbers[c.Number] = which
		}
		w.put(which, uint(bits.Len64(met)))
		if !ok {
			w.putDialled(c.Number)
		}
		w.put(c.ID&idMask, 48)
	}
	return w.finish()
}

// order finds the order of code that is shortest for the values, going by the first of them in a long segment.
func order(calls []Call, value func(i int) (uint64, bool)) uint {
	const sample = 256
	n, sum := uint64(0), uint64(0)
	for i := range min(len(calls), sample) {
		if v, ok := value(i); ok {
			n, sum = n+1, sum+v
		}
	}
	if n == 0 {
		return 0
	}
	// The best lies a little below the length of the mean.
	high := min(uint(bits.Len64(sum/n)), 1<<widthOrder-1)
	best, least := uint(0), ^uint(0)
	for k := high - min(high, 4); k <= high; k++ {
		cost := uint(0)
		for i := range min(len(calls), sample) {
			if v, ok := value(i); ok {
				cost += numberBits(v, k)
			}
		}
		if cost < least {
			best, least = k, cost
		}
	}
	return best
}

// How a telephone number is written: two bits say the form.
const (
	formAmerican = iota // +1 and ten digits, as one number
	formPlus            // + and digits: how many, and they as one number
	formDigits          // digits without +, in the same way; none when the number was withheld
	formText            // anything else: its length in bytes, and they
)

const (
	americanBits = 34 // of a number with ten digits
	digitsBits   = 5  // of how many digits
	mostDigits   = 18
	textBits     = 10 // of how many bytes
)

// digitWidth is how many bits a number with so many digits has, and digitLimit the least number that has more.
var digitWidth, digitLimit = func() (width [mostDigits + 1]uint, limit [mostDigits + 1]uint64) {
	limit[0] = 1
	for n := 1; n <= mostDigits; n++ {
		limit[n] = limit[n-1] * 10
		width[n] = uint(bits.Len64(limit[n] - 1))
	}
	return width, limit
}()

func (w *bitWriter) putDialled(number string) {
	digits, plus := strings.CutPrefix(number, "+")
	value := uint64(0)
	plain := len(digits) <= mostDigits
	for i := 0; plain && i < len(digits); i++ {
		d := digits[i]
		plain = d >= '0' && d <= '9'
		value = value*10 + uint64(d-'0')
	}
	switch {
	case !plain:
		w.put(formText, 2)
		w.put(uint64(len(number)), textBits)
		for i := range len(number) {
			w.put(uint64(number[i]), 8)
		}
		return
	case plus && len(digits) == 11 && digits[0] == '1':
		w.put(formAmerican, 2)
		w.put(value-digitLimit[10], americanBits)
		return
	case plus:
		w.put(formPlus, 2)
	default:
		w.put(formDigits, 2)
	}
	w.put(uint64(len(digits)), digitsBits)
	w.put(value, digitWidth[len(digits)])
}

// dialled reads what putDialled wrote.
func (r *bitReader) dialled() (string, bool) {
	var text [1 + mostDigits]byte
	b := text[:0]
	form := r.get(2)
	switch form {
	case formText:
		n := uint(r.get(textBits))
		if r.at+8*n > uint(len(r.data))*8 {
			return "", false
		}
		long := make([]byte, n)
		for i := range long {
			long[i] = byte(r.get(8))
		}
		return string(long), true
	case formAmerican:
		v := r.get(americanBits)
		if v >= digitLimit[10] {
			return "", false
		}
		return string(strconv.AppendUint(append(b, '+'), v+digitLimit[10], 10)), true
	case formPlus:
		b = append(b, '+')
	}
	n := int(r.get(digitsBits))
	if n > mostDigits {
		return "", false
	}
	v := r.get(digitWidth[n])
	if v >= digitLimit[n] {
		return "", false
	}
	for i := n; i > 1 && v < digitLimit[i-1]; i-- {
		b = append(b, '0')
	}
	if n > 0 {
		b = strconv.AppendUint(b, v, 10)
	}
	return string(b), true
}

var errSegment = errors.New("a segment of calls is damaged, or was written by a newer version of Ringfence")

// decodeSegment reads what an encoder wrote. Whatever it is given, it takes memory in proportion to it, and it gives
// calls or an error.
func decodeSegment(data []byte) ([]Call, error) {
	if len(data) == 0 || data[0] != segmentVersion {
		return nil, errSegment
	}
	data = data[1:]
	count, n := binary.Uvarint(data)
	if n <= 0 || count > uint64(len(data))*8/callBits {
		return nil, errSegment
	}
	data = data[n:]
	if count == 0 {
		if len(data) > 0 {
			return nil, errSegment
		}
		return nil, nil
	}
	at, n := binary.Varint(data)
	if n <= 0 {
		return nil, errSegment
	}
	r := bitReader{data: data[n:]}
	gapOrder, lengthOrder := uint(r.get(widthOrder)), uint(r.get(widthOrder))
	calls := make([]Call, count)
	numbers := make([]string, 0, min(count, 64))
	for i := range calls {
		c := &calls[i]
		if i > 0 {
			gap, ok := r.number(gapOrder)
			if !ok {
				return nil, errSegment
			}
			at += int64(gap)
		}
		if at < firstSecond || at > lastSecond {
			return nil, errSegment
		}
		c.At = time.Unix(at, 0).UTC()
		flags := r.get(2)
		c.Answered, c.Out = flags&1 != 0, flags&2 != 0
		if c.Answered || r.flag() {
			length, ok := r.number(lengthOrder)
			if !ok || length > mostSeconds {
				return nil, errSegment
			}
			c.Seconds = int(length)
		}
		which := r.get(uint(bits.Len64(uint64(len(numbers)))))
		switch {
		case which > uint64(len(numbers)):
			return nil, errSegment
		case which == uint64(len(numbers)):
			number, ok := r.dialled()
			if !ok {
				return nil, errSegment
			}
			numbers = append(numbers, number)
		}
		c.Number = numbers[which]
		c.ID = r.get(48)
		if r.over() {
			return nil, errSegment
		}
	}
	if !r.ended() {
		return nil, errSegment
	}
	return calls, nil
}
