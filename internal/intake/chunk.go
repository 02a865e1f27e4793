package intake

import (
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// record is one call of one line, in 32 bytes.
type record struct {
	at     int64
	id     uint64
	number dialled
	line   uint32 // index in the chunk's lines
	length uint32 // seconds in the low bits
}

const (
	recordAnswered = 1 << 31
	recordOut      = 1 << 30
	recordSeconds  = 1<<30 - 1
)

// lineKey names a line of a customer.
type lineKey struct {
	customer cpni.ID
	line     int
}

// chunk is what one transaction writes: the calls of a stretch of the file.
type chunk struct {
	number  int // of the chunk within the import, from 1
	lines   []lineKey
	records []record
	place   place // where the file stands after it
}

// chunkRecord is what a record costs in memory, with what grouping it takes.
const chunkRecord = 2*32 + 8

// group is the calls of one line in one month of the carrier's zone.
type group struct {
	lineKey
	month   int // yyyymm
	records []record
}

// groups sorts the chunk's records by line and month and yields each group. The order of groups is that of customers,
// lines and months, so that the database is written in the order of its keys.
func (c *chunk) groups(months *monthOf, yield func(group) error) error {
	order := make([]int, len(c.lines))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := c.lines[a], c.lines[b]
		if x.customer != y.customer {
			if x.customer < y.customer {
				return -1
			}
			return 1
		}
		return x.line - y.line
	})
	rank := make([]uint32, len(c.lines))
	for r, i := range order {
		rank[i] = uint32(r)
	}
	// Counting sort: the number of lines is of the order of the number of records at most.
	first := make([]int, len(c.lines)+1)
	for i := range c.records {
		first[rank[c.records[i].line]+1]++
	}
	for i := 1; i < len(first); i++ {
		first[i] += first[i-1]
	}
	sorted, at := make([]record, len(c.records)), slices.Clone(first)
	for i := range c.records {
		r := rank[c.records[i].line]
		sorted[at[r]] = c.records[i]
		at[r]++
	}
	for r, i := range order {
		records := sorted[first[r]:first[r+1]]
		for len(records) > 0 {
			month, same := months.of(records[0].at), 1
			for same < len(records) && months.of(records[same].at) == month {
				same++
			}
			if same < len(records) { // several months: bring this one's records to the front
				for j := same; j < len(records); j++ {
					if months.of(records[j].at) == month {
						records[same], records[j] = records[j], records[same]
						same++
					}
				}
			}
			if err := yield(group{c.lines[i], month, records[:same]}); err != nil {
				return err
			}
			records = records[same:]
		}
	}
	return nil
}

// monthOf gives the month of a moment as the carrier's zone counts it; the last month asked is remembered.
type monthOf struct {
	zone       *time.Location
	start, end int64
	month      int
}

func (m *monthOf) of(at int64) int {
	if at < m.start || at >= m.end {
		t := time.Unix(at, 0).In(m.zone)
		y, mo, _ := t.Date()
		m.start = time.Date(y, mo, 1, 0, 0, 0, 0, m.zone).Unix()
		m.end = time.Date(y, mo+1, 1, 0, 0, 0, 0, m.zone).Unix()
		m.month = y*100 + int(mo)
	}
	return m.month
}
