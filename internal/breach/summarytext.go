package breach

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Summary is the summary of a year's small breaches, which an officer signs. It names nobody who was reached.
//
// cite: V27, 47 CFR 64.2011(a)(4)
type Summary struct {
	Carrier  string
	Year     int
	Due      workday.Date   // its last day; zero: no breach is in it
	Below    int            // a small breach reached fewer customers
	Zone     *time.Location // the carrier's; its days stand in the text
	Breaches []SmallBreach  // in the order in which they were taken in
	// Of one that was filed: who signed it, its receipt, and when.
	Signed, Receipt string
	Filed           time.Time
}

// SmallBreach is a breach as it stands in the summary.
type SmallBreach struct {
	ID          cpni.ID
	Number      string
	Discovered  time.Time
	Determined  time.Time
	Earlier     workday.Date // from which others may hold that it was determined; zero: none
	From, Until workday.Date // when it happened, as far as is known
	Customers   int
	Data        []cpni.DataClass
	Personal    []string // other kinds of personal data, in words
	Outcome     clock.Outcome
	Basis       string // of the finding that no harm is likely, and of the count
}

// Text writes the summary for people: what is signed and entered at the facility, and what is kept in each file.
//
// cite: V27, 47 CFR 64.2011(a)(4), 47 CFR 64.2011(d)
func (s Summary) Text() []byte {
	var b bytes.Buffer
	field := func(indent, name, value string) {
		if value == "" {
			value = "not known"
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, name, strings.ReplaceAll(value, "\n", "\n"+indent+"  "))
	}
	on := func(t time.Time) string { return day(workday.DateIn(t, s.Zone)) }
	customers := 0
	for _, x := range s.Breaches {
		customers += x.Customers
	}
	fmt.Fprintf(&b, "SUMMARY OF THE SMALL BREACHES OF %d\n47 CFR 64.2011(a)(4)\n\n", s.Year)
	field("", "Carrier", s.Carrier)
	field("", fmt.Sprintf("Breaches of fewer than %d customers with no harm likely", s.Below), fmt.Sprint(len(s.Breaches)))
	field("", "Customers in all of them", fmt.Sprint(customers))
	if !s.Due.IsZero() {
		field("", "To be filed through the central reporting facility by", day(s.Due))
	}
	if s.Filed.IsZero() {
		b.WriteString("Not filed yet. An officer signs it:\n")
	} else {
		field("", "Signed by", s.Signed+", officer")
		field("", "Filed", on(s.Filed))
		field("", "Receipt", s.Receipt)
	}
	for _, x := range s.Breaches {
		fmt.Fprintf(&b, "\nBreach %s\n", x.Number)
		field("  ", "Discovered", on(x.Discovered))
		field("  ", "Determined", on(x.Determined))
		if !x.Earlier.IsZero() {
			field("  ", "Determined, as others may hold", day(x.Earlier))
		}
		happened := prefixed("from ", day(x.From)) + prefixed(" until ", day(x.Until))
		field("  ", "Happened", strings.TrimSpace(happened))
		field("  ", "Customers", fmt.Sprint(x.Customers))
		var kinds []string
		for _, c := range x.Data {
			kinds = append(kinds, string(c))
		}
		field("  ", "Kinds of data", strings.Join(append(kinds, x.Personal...), ", "))
		field("  ", "What came of it", string(x.Outcome))
		field("  ", "Basis of the findings on harm and count", x.Basis)
	}
	return b.Bytes()
}
