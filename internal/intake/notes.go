package intake

import (
	"fmt"
	"slices"
	"time"
)

// Oddity is something that was noticed and accepted, or explains rejections: a person should know of it.
type Oddity struct {
	What  string `json:"what"`
	Rows  int64  `json:"rows"`
	First int64  `json:"first"` // line number of the first such row
}

// The oddities that are counted row by row.
const (
	oddUTF8       = iota // bytes that are not UTF-8 in a column that is not kept
	oddBilled            // not answered, and yet seconds are billed
	oddRepeated          // repeated hour, first occurrence taken
	oddWitness           // repeated hour, settled by the row's own evidence
	oddClock             // answer to end by the wall clock is not the billed time
	oddLong              // longer than a day
	oddUnanswered        // seconds without an answer in our own format
	oddConflict          // conflict markers
	oddCharges           // no total charges yet
	oddDiffers           // an account that is here already, with other data
	odds
)

var oddTexts = [odds]string{
	oddUTF8:       "bytes that are not UTF-8, in columns that are not kept",
	oddBilled:     "marked as not answered, yet with billed seconds: taken as not answered, 0 seconds",
	oddRepeated:   "in the hour that the clock shows twice when it goes back: nothing in the row tells which, the first was taken",
	oddWitness:    "in the hour that the clock shows twice when it goes back: settled by the row's id, or by its end and duration",
	oddClock:      "billed seconds that differ from the time between answer and end: the billed seconds were taken",
	oddLong:       "longer than a day",
	oddUnanswered: "seconds given for a call that was not answered: taken as 0 seconds",
	oddConflict:   "conflict markers of version control in place of records: the file was damaged by a merge, rows may be missing",
	oddCharges:    "without total charges: taken as a customer who was not billed yet",
	oddDiffers:    "of accounts that are here already, with other data: left as they are; an address of record is changed by its own procedure only (P-23)",
}

// notes counts oddities. It belongs to the reading goroutine; copies of it travel with chunks.
type notes struct {
	Count [odds]int64   `json:"count"`
	First [odds]int64   `json:"first"`
	Ahead map[int]int64 `json:"ahead,omitempty"` // quarter hours by which starts run ahead of unique ids → rows
	Line  map[int]int64 `json:"line,omitempty"`  // → first line
}

func (n *notes) see(what int, line int64) {
	if n.Count[what] == 0 {
		n.First[what] = line
	}
	n.Count[what]++
}

// seeAhead notes that a row's start is ahead of (or behind) its unique id by whole quarter hours, as with a wrong zone.
func (n *notes) seeAhead(quarters int, line int64) {
	if n.Ahead == nil {
		n.Ahead, n.Line = map[int]int64{}, map[int]int64{}
	}
	if _, seen := n.Ahead[quarters]; !seen {
		if len(n.Ahead) == 128 {
			return
		}
		n.Line[quarters] = line
	}
	n.Ahead[quarters]++
}

func (n *notes) copy() notes {
	c := *n
	c.Ahead, c.Line = map[int]int64{}, map[int]int64{}
	for k, v := range n.Ahead {
		c.Ahead[k], c.Line[k] = v, n.Line[k]
	}
	return c
}

// oddities lists what was noticed.
func (n *notes) oddities() []Oddity {
	var out []Oddity
	for i, count := range n.Count {
		if count > 0 {
			out = append(out, Oddity{oddTexts[i], count, n.First[i]})
		}
	}
	for quarters, count := range n.Ahead {
		out = append(out, Oddity{fmt.Sprintf("whose start is %v away from the moment in their unique id: is the zone right?",
			time.Duration(quarters)*15*time.Minute), count, n.Line[quarters]})
	}
	slices.SortFunc(out, func(a, b Oddity) int { return int(a.First - b.First) })
	return out
}
