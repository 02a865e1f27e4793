package vault

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter appends numbers of any width, the lowest bit first.
type bitWriter struct {
	out  []byte
	held uint64 // bits not yet in out
	n    uint   // how many; less than 64
}

// put appends the low width bits of value, of which no higher one is set; width is at most 64.
func (w *bitWriter) put(value uint64, width uint) {
	w.held |= value << w.n
	if w.n+width < 64 {
		w.n += width
		return
	}
	w.out = binary.LittleEndian.AppendUint64(w.out, w.held)
	taken := 64 - w.n
	w.held = value >> taken // 0 when all were taken, for Go shifts so
	w.n = width - taken
}

// putFlag appends one bit.
func (w *bitWriter) putFlag(set bool) {
	if set {
		w.put(1, 1)
	} else {
		w.put(0, 1)
	}
}

// putNumber appends value, which is less than 1<<60, in an exponential Golomb code of order k: few bits when it is about
// 1<<k, and twice as many more as it has more.
func (w *bitWriter) putNumber(value uint64, k uint) {
	high := value>>k + 1
	length := uint(bits.Len64(high))
	w.put(1<<(length-1), length) // length-1 zeros and a one
	w.put(high&^(1<<(length-1)), length-1)
	w.put(value&(1<<k-1), k)
}

// numberBits is how many bits putNumber takes.
func numberBits(value uint64, k uint) uint {
	return 2*uint(bits.Len64(value>>k+1)) - 1 + k
}

// finish fills the last byte with zeros.
func (w *bitWriter) finish() []byte {
	for ; w.n > 0; w.n -= min(w.n, 8) {
		w.out = append(w.out, byte(w.held))
		w.held >>= 8
	}
	return w.out
}

// bitReader reads what a bitWriter wrote. Behind the end it reads zeros and says so by over.
type bitReader struct {
	data []byte
	at   uint // the next bit
}

func (r *bitReader) over() bool { return r.at > uint(len(r.data))*8 }

// window gives the next bits, at least 57 of them.
func (r *bitReader) window() uint64 {
	from := r.at / 8
	if from+8 <= uint(len(r.data)) {
		return binary.LittleEndian.Uint64(r.data[from:]) >> (r.at % 8)
	}
	var last [8]byte
	if from < uint(len(r.data)) {
		copy(last[:], r.data[from:])
	}
	return binary.LittleEndian.Uint64(last[:]) >> (r.at % 8)
}

// get reads width bits, at most 64.
func (r *bitReader) get(width uint) uint64 {
	if width > 56 {
		low := r.get(32)
		return low | r.get(width-32)<<32
	}
	v := r.window() & (1<<width - 1)
	r.at += width
	return v
}

func (r *bitReader) flag() bool { return r.get(1) == 1 }

// number reads what putNumber wrote.
func (r *bitReader) number(k uint) (uint64, bool) {
	zeros := uint(bits.TrailingZeros64(r.window() | 1<<56))
	if zeros == 56 { // putNumber's numbers are shorter, except for order 0, whose longest the window may not show
		zeros = 0
		for !r.flag() {
			if zeros++; zeros > 60 || r.over() {
				return 0, false
			}
		}
	} else {
		r.at += zeros + 1
	}
	high := uint64(1)<<zeros | r.get(zeros)
	if k > 60 || high-1 > (1<<60-1)>>k {
		return 0, false
	}
	return (high-1)<<k | r.get(k), true
}

// ended reports whether only the zeros that fill the last byte are left.
func (r *bitReader) ended() bool {
	whole := uint(len(r.data)) * 8
	return r.at <= whole && whole-r.at < 8 && r.get(whole-r.at) == 0
}
