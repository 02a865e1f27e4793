package books

import (
	"fmt"
	"strings"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Kind is a register.
type Kind string

// The registers.
const (
	Complaints Kind = "complaint"
	Actions    Kind = "broker-action"
	Methods    Kind = "pretexting-method"
	Reviews    Kind = "supplier-review"
)

// Kinds lists them.
var Kinds = []Kind{Complaints, Actions, Methods, Reviews}

// letters begin the numbers by which people call records.
var letters = map[Kind]string{Complaints: "C", Actions: "B", Methods: "M", Reviews: "S"}

// Facts are what is held of a record: exactly one of them. They are always given whole: a correction repeats what has not changed.
type Facts struct {
	Complaint *Complaint `json:"complaint,omitempty"`
	Action    *Action    `json:"action,omitempty"`
	Method    *Method    `json:"method,omitempty"`
	Review    *Review    `json:"review,omitempty"`
}

// one is what the facts of every register can tell.
type one interface {
	kind() Kind
	check(d *Desk, today workday.Date) error
	placed() placed
	title() string
	lines() []Line
}

// placed is by what a record is found and counted.
type placed struct {
	subject          string
	day, last, mends workday.Date // mends: zero, nothing waits to be mended
}

// Line is one thing that is held of a record, for people to read.
type Line struct{ Label, Value string }

// one gives the one that is there; nil: none, or more than one.
func (f Facts) one() one {
	var found one
	n := 0
	if f.Complaint != nil {
		found, n = f.Complaint, n+1
	}
	if f.Action != nil {
		found, n = f.Action, n+1
	}
	if f.Method != nil {
		found, n = f.Method, n+1
	}
	if f.Review != nil {
		found, n = f.Review, n+1
	}
	if n != 1 {
		return nil
	}
	return found
}

// Kind says into which register they belong; "" into none.
func (f Facts) Kind() Kind {
	if x := f.one(); x != nil {
		return x.kind()
	}
	return ""
}

// Title says in a line what the record is about, and names no customer.
func (f Facts) Title() string {
	if x := f.one(); x != nil {
		return x.title()
	}
	return ""
}

// Lines are what is held, in order; what is not known yet is left out.
func (f Facts) Lines() []Line {
	x := f.one()
	if x == nil {
		return nil
	}
	var all []Line
	for _, l := range x.lines() {
		if l.Value != "" {
			all = append(all, l)
		}
	}
	return all
}

// Change is a line that a step has made another.
type Change struct{ Label, From, To string }

// Changed tells what is other in f than it was before.
func (f Facts) Changed(before Facts) []Change {
	x, y := f.one(), before.one()
	if x == nil || y == nil || x.kind() != y.kind() {
		return nil
	}
	var all []Change
	old := y.lines()
	for i, l := range x.lines() {
		if l.Value != old[i].Value {
			all = append(all, Change{l.Label, old[i].Value, l.Value})
		}
	}
	return all
}

// Bounds of what a record says, in bytes.
const (
	longestText = 20_000
	longestLine = 400
	mostLinked  = 50
)

func line(text string) string { return strings.Join(strings.Fields(text), " ") }

func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || unicode.Is(unicode.Cf, r)
}

// tidy brings lines and texts to their form, or says what is wrong with them.
func tidy(lines, texts []*string) error {
	for _, l := range lines {
		if *l = line(*l); len(*l) > longestLine || strings.ContainsFunc(*l, unprintable) {
			return bad("a line of the record is longer than 400 bytes, or has signs that cannot be printed", "write it shorter")
		}
	}
	for _, t := range texts {
		if *t = strings.TrimSpace(*t); len(*t) > longestText || strings.ContainsFunc(*t, unprintable) {
			return bad("a text of the record is longer than 20,000 bytes, or has signs that cannot be printed", "write it shorter")
		}
	}
	return nil
}

func linked(ids []cpni.ID) error {
	if len(ids) > mostLinked {
		return bad("more than 50 pages are named", "name those that show the method best")
	}
	for _, id := range ids {
		if !id.Valid() {
			return bad("that is no alert or incident", "give the end of the address of its page")
		}
	}
	return nil
}

// day writes a day for people; "" of none.
func day(d workday.Date) string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d %s %d", d.Day, d.Month, d.Year)
}

func joined(ids []cpni.ID) string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return strings.Join(all, " ")
}
