// Package matter keeps what the carrier works on for its customers: cases of fraud and protection, trouble tickets, orders,
// ports of numbers from and to other carriers, and accounts that are placed with a vendor for collection. Such a matter is
// what the use of customers' information without their approval rests on, so the one door asks this register whether it runs
// and about whom it is, and takes nobody's word for it.
//
// A matter justifies its own purpose, for the customers and lines that it is about, with the classes of information that
// were named when it was opened, while it is open. One that nobody works on is reminded of, and closes.
//
// cite: P-28, P-30, P-31, P-33, P-34, P-35, 47 USC 222(b), 47 USC 222(c)(1), 47 USC 222(d)(1), 47 USC 222(d)(2)
package matter

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// Kind is what a matter is.
type Kind string

// The kinds.
const (
	Protection Kind = "protection" // a case of fraud, abuse, or unlawful use of the service, or subscription to it
	Ticket     Kind = "ticket"     // trouble with the service
	Order      Kind = "order"      // a service that is begun, changed or ended
	PortIn     Kind = "port-in"    // a number comes to us from another carrier
	PortOut    Kind = "port-out"   // another carrier has asked for a number
	Collection Kind = "collection" // an account is placed with a vendor who collects
)

// Kinds lists them.
var Kinds = []Kind{Protection, Ticket, Order, PortIn, PortOut, Collection}

// kindOf is what is fixed about a kind.
type kindOf struct {
	purpose cpni.Purpose     // that it can justify
	most    []cpni.DataClass // classes of which it can name some
	usual   []cpni.DataClass // that it names when nothing is said
	right   cpni.Right       // of those who work on it
	times   string           // prefix of its numbers in the profile
}

var kinds = map[Kind]kindOf{
	Protection: {cpni.Protect, []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Location, cpni.Billing}, []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Billing}, cpni.RightWorkProtection, "protection"},
	Ticket:     {cpni.ProvideService, []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Billing, cpni.Listing}, []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service}, cpni.RightWorkTickets, "ticket"},
	Order:      {cpni.ProvideService, []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Billing, cpni.Listing}, []cpni.DataClass{cpni.Service, cpni.Listing}, cpni.RightWorkTickets, "order"},
	PortIn:     {cpni.ProvideService, []cpni.DataClass{cpni.Service, cpni.Listing}, []cpni.DataClass{cpni.Service, cpni.Listing}, cpni.RightWorkPorts, "port"},
	PortOut:    {cpni.ProvideService, []cpni.DataClass{cpni.Service, cpni.Listing}, []cpni.DataClass{cpni.Service, cpni.Listing}, cpni.RightWorkPorts, "port"},
	Collection: {cpni.BillingPurpose, []cpni.DataClass{cpni.Billing, cpni.Usage, cpni.Service, cpni.Listing}, []cpni.DataClass{cpni.Billing}, cpni.RightWorkCollection, "collection"},
}

// Known reports whether k is a kind.
func (k Kind) Known() bool { _, ok := kinds[k]; return ok }

// Purpose gives the one purpose that matters of the kind can justify.
//
// cite: P-30, P-33, P-34, P-35, 47 USC 222(c)(1), 47 USC 222(d)
func (k Kind) Purpose() cpni.Purpose { return kinds[k].purpose }

// Most gives the classes of information of which a matter of the kind can name some. A port needs the service and its
// listing and no more, and who collects needs what billing needs. The slice is shared: do not change it.
//
// cite: P-33, P-35, 47 USC 222(c)(1), 47 USC 222(d)(1)
func (k Kind) Most() []cpni.DataClass { return kinds[k].most }

// Usual gives the classes that a matter of the kind names when its opener says none. The slice is shared: do not change it.
func (k Kind) Usual() []cpni.DataClass { return kinds[k].usual }

// Right gives the right of those who work on matters of the kind.
//
// cite: P-37, 47 CFR 64.2010(a)
func (k Kind) Right() cpni.Right { return kinds[k].right }

// Port reports whether matters of the kind are ports.
func (k Kind) Port() bool { return k == PortIn || k == PortOut }

// State is where a matter stands.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed"
)

// States lists them.
var States = []State{Open, Closed}

// Outcome is what came of a matter.
type Outcome string

// The outcomes.
const (
	Done      Outcome = "done"      // the work was done: fraud stopped, trouble mended, number ported, account paid
	Cancelled Outcome = "cancelled" // it was called off
	Unfounded Outcome = "unfounded" // there was nothing in it
	Lapsed    Outcome = "lapsed"    // nobody worked on it any more; only the register itself says so
)

// Outcomes lists those that people can give.
var Outcomes = []Outcome{Done, Cancelled, Unfounded}

// Itself is the actor of what the register does by itself.
const Itself = "matters"

// About is a customer whom a matter is about.
type About struct {
	Customer cpni.ID
	Lines    []string // numbers in E.164; none: all lines
}

// Matter is one thing that the carrier works on.
type Matter struct {
	ID        cpni.ID
	Kind      Kind
	State     State
	Opened    time.Time
	Opener    string    // id of a member of the staff, or what opened it
	Touched   time.Time // when it was last worked on, to the hour: a note, or information asked for under it
	Reminded  time.Time // since when it lies; zero: it does not
	Closed    time.Time // zero: it is not
	Closer    string
	Outcome   Outcome          // "" while it is open
	Partner   string           // the vendor of a placement
	Data      []cpni.DataClass // the classes that it justifies
	Customers []About          // by id
	// Unread: somebody whom it is about was forgotten, and what is written about it went with their key. What follows is empty then.
	Unread bool
	Text

	version int64
}

// Text is what is written about a matter; it lies under the keys of everybody whom the matter is about, and goes when one of
// them is forgotten.
type Text struct {
	Reference string  `json:"reference"` // the number that the carrier's own system gave it
	Why       string  `json:"why"`
	Carrier   string  `json:"carrier,omitempty"` // of a port: the other carrier
	Alert     cpni.ID `json:"alert,omitempty"`   // that it was opened on
}

// Purpose is the one purpose that the matter can justify.
func (m *Matter) Purpose() cpni.Purpose { return m.Kind.Purpose() }

// About gives the part of the matter that is about a customer; ok is false when it is not about them.
func (m *Matter) About(of cpni.ID) (About, bool) {
	i := slices.IndexFunc(m.Customers, func(a About) bool { return a.Customer == of })
	if i < 0 {
		return About{}, false
	}
	return m.Customers[i], true
}

// Step is one thing that was done in a matter.
type Step struct {
	At     time.Time
	By     string // a member, or Itself
	What   string // opened, noted, reminded, closed: OUTCOME
	Note   string
	Unread bool // there is a note, and it went with the key of somebody who was forgotten
}

// Times are the numbers of a kind, as the profile has them.
type Times struct {
	Remind, Close time.Duration // since it was last worked on
	Longest       time.Duration // since it was opened
}

// Numbers are the numbers of the profile matters.
type Numbers struct{ Kinds map[Kind]Times }

const profile = "matters"

// NumbersOf takes them from the numbers in force.
func NumbersOf(n rules.InForce) Numbers {
	out := Numbers{Kinds: map[Kind]Times{}}
	for kind, k := range kinds {
		out.Kinds[kind] = Times{n.Duration(profile, k.times+"_remind"), n.Duration(profile, k.times+"_close"), n.Duration(profile, k.times+"_longest")}
	}
	return out
}

// PortBarred gives for how long after a port nobody may market to keep or win back the customer of that number.
//
// cite: P-33, 47 USC 222(b)
func PortBarred(n rules.InForce) time.Duration { return n.Duration(profile, "port_barred_after") }

// over reports whether the time of a matter that nobody has closed is over, so that it counts as closed.
func (m *Matter) over(n Numbers, at time.Time) bool {
	t := n.Kinds[m.Kind]
	return !at.Before(m.Touched.Add(t.Close)) || !at.Before(m.Opened.Add(t.Longest))
}

// Bounds of a matter.
const (
	mostCustomers    = 20
	mostLines        = 100
	longestReference = 100 // bytes
	longestWhy       = 1000
	longestCarrier   = 200
)

func bad(says, next string, clauses ...string) error {
	return cpni.Rejected("BAD_INPUT", says, clauses, next)
}

// Opening is a matter as it comes in.
type Opening struct {
	ID        cpni.ID // names it; opened twice it is opened once; "" a fresh one
	Kind      Kind
	Reference string // the number that the carrier's own system gave it
	About     []About
	Why       string
	Data      []cpni.DataClass // of those that the kind can name; none: the usual ones
	Partner   string           // of a placement: the vendor's id on the register
	Carrier   string           // of a port: the other carrier
	Alert     cpni.ID          // that it is opened on
	By        string           // id of a member of the staff, or what opens it
}

// check brings o to its form, or says what is wrong with it.
func (o *Opening) check() error {
	o.Reference, o.Why, o.Carrier = oneLine(o.Reference), strings.TrimSpace(o.Why), oneLine(o.Carrier)
	k, ok := kinds[o.Kind]
	switch {
	case !ok:
		return bad("that is no kind of matter", "say protection, ticket, order, port-in, port-out or collection", "P-28")
	case o.ID != "" && !o.ID.Valid():
		return bad("that is no id of a matter", "leave it out")
	case o.Reference == "" || len(o.Reference) > longestReference || strings.ContainsFunc(o.Reference, unicode.IsControl) || !utf8.ValidString(o.Reference):
		return bad("the matter has no number of the carrier's own system, or one of more than 100 bytes", "give the number by which it is found there")
	case o.Why == "" || len(o.Why) > longestWhy || !utf8.ValidString(o.Why):
		return bad("it does not say why the matter is there, or takes more than 1,000 bytes for it", "say in a sentence or two what is worked on", "P-28", "47 USC 222(c)(1)")
	case len(o.About) == 0 || len(o.About) > mostCustomers:
		return bad("a matter is about one customer, or at most 20", "name whom it is about; make a matter for each part when there are more")
	case o.Kind.Port() && (len(o.About) != 1 || len(o.About[0].Lines) == 0):
		return bad("a port is about one customer and the numbers that are ported", "name the customer and each number", "P-33", "47 USC 222(b)")
	case o.Kind.Port() && (o.Carrier == "" || len(o.Carrier) > longestCarrier || !utf8.ValidString(o.Carrier)):
		return bad("a port names the other carrier", "give the carrier's name in at most 200 bytes", "P-33", "47 USC 222(b)")
	case !o.Kind.Port() && o.Carrier != "":
		return bad("only a port names another carrier", "leave it out, or open a port")
	case (o.Kind == Collection) != (o.Partner != ""):
		return bad("a placement names the vendor who collects, and nothing else does", "give the id of the vendor on the register", "P-35", "47 USC 222(d)(1)")
	case o.Alert != "" && (o.Kind != Protection || !o.Alert.Valid()):
		return bad("only a case of fraud is opened on an alert", "leave the alert out", "P-30")
	}
	if len(o.Data) == 0 {
		o.Data = k.usual
	}
	var data []cpni.DataClass
	for _, c := range cpni.DataClasses { // in one order, each once
		if slices.Contains(o.Data, c) {
			data = append(data, c)
		}
	}
	for _, c := range o.Data {
		if !slices.Contains(k.most, c) {
			return cpni.Rejected("NOT_NECESSARY", "a matter of this kind needs no such information", []string{"P-33", "P-34", "P-35", "47 USC 222(c)(1)", "47 USC 222(d)"}, "name only: "+words(k.most))
		}
	}
	o.Data = data
	return o.checkAbout()
}

func (o *Opening) checkAbout() error {
	about := make([]About, len(o.About))
	for i, a := range o.About {
		if !a.Customer.Valid() {
			return customer.ErrNoCustomer
		}
		if len(a.Lines) > mostLines {
			return bad("a matter names at most 100 lines of a customer", "name none, and it is about all of them")
		}
		about[i] = About{Customer: a.Customer}
		for _, l := range a.Lines {
			n, ok := customer.Number(l)
			if !ok {
				return bad("a line of the matter is not a telephone number", "write it as +12025550101")
			}
			about[i].Lines = append(about[i].Lines, n)
		}
		slices.Sort(about[i].Lines)
		about[i].Lines = slices.Compact(about[i].Lines)
	}
	slices.SortFunc(about, func(a, b About) int { return strings.Compare(string(a.Customer), string(b.Customer)) })
	for i := 1; i < len(about); i++ {
		if about[i].Customer == about[i-1].Customer {
			return bad("a customer is named twice", "name each once, with all their lines")
		}
	}
	o.About = about
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func words(all []cpni.DataClass) string {
	text := make([]string, len(all))
	for i, c := range all {
		text[i] = string(c)
	}
	return strings.Join(text, ", ")
}
