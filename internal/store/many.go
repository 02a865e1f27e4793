package store

import (
	"context"
	"strconv"
	"strings"
	"sync"
)

// insertAtOnce is how many rows one statement writes on PostgreSQL, where a statement is a journey. On SQLite it is a call, and writes one.
const insertAtOnce = 250

// InsertAll runs an insert for every row: begin ends with VALUES, and end is what stands behind the rows, such as ON CONFLICT.
func (tx *Tx) InsertAll(ctx context.Context, begin, end string, rows [][]any) error {
	size := insertAtOnce
	if tx.Dialect() == SQLite {
		size = 1
	}
	for len(rows) > 0 {
		part := rows[:min(size, len(rows))]
		rows = rows[len(part):]
		args := part[0]
		if len(part) > 1 {
			args = make([]any, 0, len(part)*len(part[0]))
			for _, r := range part {
				args = append(args, r...)
			}
		}
		if _, err := tx.Exec(ctx, begin+values(len(part), len(part[0]))+end, args...); err != nil {
			return err
		}
	}
	return nil
}

type shape struct{ rows, width int }

var written sync.Map // shape → string

// values writes the parameters of rows of a width.
func values(rows, width int) string {
	if s, ok := written.Load(shape{rows, width}); ok {
		return s.(string)
	}
	var b strings.Builder
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range width {
			if c > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(r*width + c + 1))
		}
		b.WriteByte(')')
	}
	written.Store(shape{rows, width}, b.String())
	return b.String()
}
