package intake

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Progress is how far an import is.
type Progress struct {
	Rows  int64 // read in this run and before it was interrupted
	Bytes int64 // of the file, read and committed
	Size  int64 // of the file
}

// Summary is what an import did. It holds no personal data. Rows = Accepted + Inside + the sum of Rejected.
type Summary struct {
	Rows     int64            `json:"rows"`     // records of the file, without its header
	Accepted int64            `json:"accepted"` // rows that became a call, a leg of one, or a customer
	Inside   int64            `json:"inside"`   // legs between parts of the exchange, calls of nobody
	Rejected map[Reason]int64 `json:"rejected"`
	Oddities []Oddity         `json:"oddities"`

	// Of calls. A row between two lines of ours is a call of both, so that these may add up to more than Accepted.
	Added      int64 `json:"added"`      // calls that were not there before
	Merged     int64 `json:"merged"`     // rows that were a further leg of a call and told more of it
	Duplicates int64 `json:"duplicates"` // rows that told nothing new
	LineMonths int64 `json:"lineMonths"` // segments written, counted again in each chunk

	// Of customers.
	Created   int64 `json:"created"`
	Unchanged int64 `json:"unchanged"` // were here already
	Lines     int64 `json:"lines"`     // lines of the created

	// Of answers.
	Refusals int64 `json:"refusals,omitempty"` // taken over
	Known    int64 `json:"known,omitempty"`    // were here already

	Resumed     bool   `json:"resumed"` // an earlier run was interrupted; the counts include it
	RejectsFile string `json:"-"`       // "" when there were none
}

// RejectedRows is the number of rows that were not imported.
func (s *Summary) RejectedRows() (n int64) {
	for _, k := range s.Rejected {
		n += k
	}
	return n
}

// WriteTo prints the summary for a person.
func (s *Summary) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	if s.Resumed {
		b.WriteString("went on where an interrupted import was; the counts include its part\n")
	}
	fmt.Fprintf(&b, "%d rows: %d accepted", s.Rows, s.Accepted)
	if s.Inside > 0 {
		fmt.Fprintf(&b, ", %d inside the exchange", s.Inside)
	}
	fmt.Fprintf(&b, ", %d rejected\n", s.RejectedRows())
	if s.Added+s.Merged+s.Duplicates > 0 {
		fmt.Fprintf(&b, "calls: %d added, %d rows merged as further legs, %d told nothing new\n", s.Added, s.Merged, s.Duplicates)
	}
	if s.Created+s.Unchanged > 0 {
		fmt.Fprintf(&b, "customers: %d created with %d lines, %d were here already\n", s.Created, s.Lines, s.Unchanged)
	}
	if s.Refusals+s.Known > 0 {
		fmt.Fprintf(&b, "refusals: %d taken over, %d were here already\n", s.Refusals, s.Known)
	}
	for _, r := range slices.Sorted(maps.Keys(s.Rejected)) {
		fmt.Fprintf(&b, "rejected %-14s %d\n", r, s.Rejected[r])
	}
	for _, o := range s.Oddities {
		fmt.Fprintf(&b, "noticed: %d rows (first: line %d) %s\n", o.Rows, o.First, o.What)
	}
	if s.RejectsFile != "" {
		fmt.Fprintf(&b, "rejected rows, with line, reason and raw text: %s\n", s.RejectsFile)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
