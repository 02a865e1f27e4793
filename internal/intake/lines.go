package intake

import (
	"context"
	"math"

	"ringfence/internal/cpni"
)

// Directory tells whose line a number is. The customer book is one.
type Directory interface {
	// Line finds the line that number (E.164) is now; found is false when it is nobody's here.
	Line(ctx context.Context, number string) (l Line, found bool, err error)
}

// Line is a line of a customer and the time for which it is theirs.
type Line struct {
	Customer cpni.ID
	Number   int   // of the line at its customer
	From     int64 // unix seconds
	Until    int64 // 0: still
}

// found is a line that was looked up, with its index in the chunk that is being filled.
type found struct {
	Line
	chunk int
	index uint32
}

// mostLines bounds the lines that are remembered from chunk to chunk; noLines is the size of the memory of numbers
// that are nobody's.
const (
	mostLines = 1 << 21
	noLines   = 1 << 19
)

// lines remembers what the directory said. It belongs to the reading goroutine.
type lines struct {
	dir   Directory
	known map[dialled]*found
	none  []dialled // direct-mapped by the number's hash
}

func newLines(dir Directory) *lines {
	return &lines{dir: dir, known: map[dialled]*found{}, none: make([]dialled, noLines)}
}

// find gives the line of d, nil when it is nobody's.
func (l *lines) find(ctx context.Context, d dialled) (*found, error) {
	if f, ok := l.known[d]; ok {
		return f, nil
	}
	if !d.e164() {
		return nil, nil
	}
	slot := &l.none[uint64(d)*0x9e3779b97f4a7c15>>(64-19)]
	if *slot == d {
		return nil, nil
	}
	line, ok, err := l.dir.Line(ctx, d.String())
	if err != nil {
		return nil, err
	}
	if !ok {
		*slot = d
		return nil, nil
	}
	if line.Until == 0 {
		line.Until = math.MaxInt64
	}
	f := &found{Line: line}
	l.known[d] = f
	return f, nil
}

// trim forgets all lines when there are too many of them; between two chunks.
func (l *lines) trim() {
	if len(l.known) > mostLines {
		l.known = map[dialled]*found{}
	}
}

func (f *found) at(t int64) bool { return t >= f.From && t < f.Until }
