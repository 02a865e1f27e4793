package ledger

import (
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
)

// FaultKind is what is wrong with a part of the ledger.
type FaultKind string

// The kinds of fault.
const (
	Changed      FaultKind = "changed"
	Missing      FaultKind = "missing"
	Reordered    FaultKind = "reordered"
	Inserted     FaultKind = "inserted"
	RolledBack   FaultKind = "rolled back"
	BadSignature FaultKind = "bad signature"
	Unwitnessed  FaultKind = "not witnessed"
)

// NoEntry is the Index of a fault that is not one entry's.
const NoEntry = -1

// Fault is one thing that is not as it was signed.
type Fault struct {
	Kind   FaultKind
	Index  int64   // of the entry in the tree, or NoEntry
	ID     cpni.ID // of the entry, or ""
	Where  string  // the table or file
	Detail string
}

// String tells the fault in one line.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.Kind) + ": ")
	if f.Index != NoEntry {
		fmt.Fprintf(&b, "entry %d ", f.Index)
	}
	if f.ID != "" {
		fmt.Fprintf(&b, "(%s) ", f.ID)
	}
	fmt.Fprintf(&b, "in %s: %s", f.Where, f.Detail)
	return b.String()
}

// Verification is the result of verifying a log.
type Verification struct {
	Origin  string
	Tree    tlog.Tree // as the checkpoint says
	Records int64     // rows compared with their leaves
	Waiting int64     // entries that are committed and not yet in the tree
	// Destroyed are records of which two people had everything but the entry destroyed.
	Destroyed int64
	// Said is what the witnesses that were asked for say of the first CosignedSize entries.
	Said         []Said
	CosignedSize int64
	Faults       []Fault // at most mostFaults
	More         int64   // faults beyond those
}

// OK reports whether nothing is wrong.
func (v *Verification) OK() bool { return len(v.Faults) == 0 }

// mostFaults bounds the list of a log in which nothing is right.
const mostFaults = 10_000

// inquiry is a verification under way.
type inquiry struct {
	Verification
	report io.Writer
	bad    map[int64]bool // entries whose leaf is known to be wrong
}

func newInquiry(report io.Writer) *inquiry {
	return &inquiry{report: report, bad: map[int64]bool{}}
}

func (q *inquiry) fault(f Fault) {
	if len(q.Faults) == mostFaults {
		q.More++
		return
	}
	q.Faults = append(q.Faults, f)
	fmt.Fprintln(q.report, f)
}

// end reports the outcome.
func (q *inquiry) end() *Verification {
	switch {
	case q.OK():
		fmt.Fprintf(q.report, "The ledger %s is whole: %d entries, each as it was signed; root %s.\n", q.Origin, q.Tree.N, q.Tree.Hash)
		if q.Records > 0 {
			fmt.Fprintf(q.report, "%d records are those that the entries stand for; %d more wait to be sequenced.\n", q.Records-q.Waiting, q.Waiting)
			if q.Destroyed > 0 {
				fmt.Fprintf(q.report, "%d records were destroyed when their time was over; entries say so, and those that they stood for are in the tree.\n", q.Destroyed)
			}
		}
		for _, s := range q.Said {
			fmt.Fprintf(q.report, "%s has cosigned the first %d entries, at %s.\n", s.Witness, q.CosignedSize, s.At.Format(time.RFC3339))
		}
	default:
		fmt.Fprintf(q.report, "The ledger %s is NOT whole: %d faults in %d entries.\n", q.Origin, int64(len(q.Faults))+q.More, q.Tree.N)
	}
	return &q.Verification
}
