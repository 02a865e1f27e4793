package cpni

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"math/bits"
	"sync"
	"time"
)

// ID is an unguessable name of 26 characters: 128 random bits. It says nothing about whom or what it names.
type ID string

var base32Lower = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns a fresh random ID.
func NewID() ID {
	var b [16]byte
	rand.Read(b[:])
	return ID(base32Lower.EncodeToString(b[:]))
}

// NewTimedID returns a fresh ID whose first 48 bits are at in milliseconds, so that later IDs sort after earlier ones; the
// remaining 80 bits are random. Of one millisecond those of this process sort in the order in which they were made.
func NewTimedID(at time.Time) ID {
	b := timed(at)
	orders[uint64(at.UnixMilli())%uint64(len(orders))].next(&b)
	return ID(base32Lower.EncodeToString(b[:]))
}

// order is the last ID of a millisecond.
type order struct {
	sync.Mutex
	last [16]byte
}

// orders holds the last IDs of some milliseconds rather than of one, for a process may hold clocks that differ. Their number is prime,
// for such clocks often differ by whole minutes and hours.
var orders [61]order

// next fills the random part of b: behind the last one of its millisecond by a random step, so that none can be guessed from another.
func (o *order) next(b *[16]byte) {
	o.Lock()
	defer o.Unlock()
	if [6]byte(b[:6]) != [6]byte(o.last[:6]) {
		rand.Read(b[6:])
		b[6] &= 0x7f // leaves room for the steps
	} else {
		var step [8]byte
		rand.Read(step[2:]) // 48 bits: a clock that stands still may be asked for thousands of millions
		low, carry := bits.Add64(binary.BigEndian.Uint64(o.last[8:]), binary.BigEndian.Uint64(step[:]), 0)
		binary.BigEndian.PutUint64(b[8:], low)
		binary.BigEndian.PutUint16(b[6:], binary.BigEndian.Uint16(o.last[6:])+uint16(carry))
	}
	o.last = *b
}

// FirstTimedID is the smallest of those that NewTimedID may give at a moment.
func FirstTimedID(at time.Time) ID {
	b := timed(at)
	return ID(base32Lower.EncodeToString(b[:]))
}

func timed(at time.Time) (b [16]byte) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(b[:6], ms[2:])
	return b
}

// IDOf makes an ID of the first 16 of some bytes, which must be as good as random.
func IDOf(b []byte) ID { return ID(base32Lower.EncodeToString(b[:16])) }

// Valid reports whether id has the form of an ID.
func (id ID) Valid() bool {
	if len(id) != 26 {
		return false
	}
	_, err := base32Lower.DecodeString(string(id))
	return err == nil
}

// Bytes gives the sixteen bytes of which IDOf makes id; ok is false when no bytes give it.
func (id ID) Bytes() (b [16]byte, ok bool) {
	raw, err := base32Lower.DecodeString(string(id))
	if err != nil || len(raw) != len(b) {
		return b, false
	}
	copy(b[:], raw)
	return b, IDOf(raw) == id
}

// Clock tells the time. The server has the machine's; a scenario has one that only its file moves.
type Clock interface {
	Now() time.Time
}

// ClockFunc makes a Clock of a function.
type ClockFunc func() time.Time

// Now calls f.
func (f ClockFunc) Now() time.Time { return f() }
