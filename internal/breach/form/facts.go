package form

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Carrier is what reports say of the carrier. What is empty is not known here, and the report says that it is missing.
//
// cite: P-45, 47 CFR 64.2011(b)
type Carrier struct {
	LegalName string
	FRN       string // the FCC Registration Number, ten digits
	FilerID   string // of Form 499, six digits
	Address   string // in one line
	States    []string
	Contact   Contact
}

// Contact is whom the agencies ask at the carrier.
type Contact struct {
	Name, Title, Phone, Email string
}

// Personal is covered data that is no customer proprietary network information; the order of 2023 adds it.
//
// cite: P-43, 47 CFR 64.2011(e)
type Personal string

// The kinds of personal data, as that order groups them.
const (
	Identified  Personal = "identified"  // a name with a government number or another identifier
	Credentials Personal = "credentials" // a user name or e-mail address with a way in
	Body        Personal = "body"        // biometric, genetic or medical
	Linked      Personal = "linked"      // other data that identifies, or would with what was also taken
)

// Facts are what is recorded of an incident and says nothing of who a customer is: words, days, kinds and counts. What is not recorded is
// zero, and the field that asks for it stays empty.
//
// cite: P-44, P-50, P-52, 47 CFR 64.2011(d)
type Facts struct {
	Carrier  Carrier
	Zone     *time.Location // the carrier's; dates are those in it. nil: UTC
	Made     time.Time      // when the report is drafted
	Number   string         // the carrier's, of the incident
	Exercise bool           // it is a rehearsal

	Discovered, Determined time.Time
	From, Until            workday.Date // when it happened; zero: not known
	// What happened, and how the information was got at, in the words of those who recorded it.
	What, Method string
	Outcome      clock.Outcome
	Intentional  clock.Truth
	GoodFaith    clock.Truth
	Encryption   clock.Encryption
	Harm         clock.Harm
	HarmBasis    string

	Customers      int // who are affected, as far as is known
	CustomersBasis string
	// Counted: Customers is the answer, also where it is 0.
	Counted bool

	Data                      []cpni.DataClass
	Personal                  []Personal
	DataDetail                string
	CarrierLoss, CustomerLoss *int64 // in cents; nil: not estimated yet

	Urgent       bool
	UrgentReason string
	CaseContact  string // of an agency that works on it already
	Agencies     []clock.Agency
	// Of a supplement: the receipt of the report that it supplements, and what is new.
	SupplementOf, SupplementWhat string
}

// facts draft a field each. An empty answer leaves the field to a person.
var facts = map[string]func(Facts) string{
	"legal-name":      func(f Facts) string { return f.Carrier.LegalName },
	"frn":             func(f Facts) string { return f.Carrier.FRN },
	"filer-id":        func(f Facts) string { return f.Carrier.FilerID },
	"address":         func(f Facts) string { return f.Carrier.Address },
	"states":          func(f Facts) string { return strings.Join(f.Carrier.States, between) },
	"contact-name":    func(f Facts) string { return f.Carrier.Contact.Name },
	"contact-title":   func(f Facts) string { return f.Carrier.Contact.Title },
	"contact-phone":   func(f Facts) string { return f.Carrier.Contact.Phone },
	"contact-email":   func(f Facts) string { return f.Carrier.Contact.Email },
	"number":          func(f Facts) string { return f.Number },
	"agencies":        func(f Facts) string { return joined(f.Agencies) },
	"report-kind":     Facts.kind,
	"supplement-of":   func(f Facts) string { return f.SupplementOf },
	"supplement-what": func(f Facts) string { return f.SupplementWhat },
	"urgent":          func(f Facts) string { return yesNo(f.Urgent) },
	"urgent-reason":   func(f Facts) string { return f.UrgentReason },
	"case-contact":    func(f Facts) string { return f.CaseContact },
	"happened":        Facts.happened,
	"discovered":      func(f Facts) string { return f.date(f.Discovered) },
	"determined":      func(f Facts) string { return f.moment(f.Determined) },
	"description":     Facts.description,
	"method":          func(f Facts) string { return f.Method },
	"done":            Facts.done,
	"intentional":     func(f Facts) string { return string(f.Intentional) },
	"customers":       Facts.customers,
	"customers-basis": func(f Facts) string { return f.CustomersBasis },
	"data":            func(f Facts) string { return joined(f.Data) },
	"covered-data": func(f Facts) string {
		return strings.Trim(joined(f.Data)+between+joined(f.Personal), between)
	},
	"data-detail":    func(f Facts) string { return f.DataDetail },
	"encryption":     func(f Facts) string { return string(f.Encryption) },
	"harm":           func(f Facts) string { return string(f.Harm) },
	"harm-basis":     func(f Facts) string { return f.HarmBasis },
	"loss-carrier":   func(f Facts) string { return cents(f.CarrierLoss) },
	"loss-customers": func(f Facts) string { return cents(f.CustomerLoss) },
}

// FactNames lists what the fields of a form can be drafted from.
func FactNames() []string { return slices.Sorted(maps.Keys(facts)) }

func joined[T ~string](all []T) string { return listed(all) }

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func (f Facts) in() *time.Location { return cmp.Or(f.Zone, time.UTC) }

func (f Facts) date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return workday.DateIn(t, f.in()).String()
}

func (f Facts) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(f.in()).Format(noSecond)
}

func (f Facts) kind() string {
	if f.SupplementOf != "" || f.SupplementWhat != "" {
		return "supplement"
	}
	return "first"
}

func (f Facts) happened() string {
	if f.From.IsZero() && f.Until.IsZero() {
		return Unknown
	}
	ends := [2]string{open, open}
	for i, d := range []workday.Date{f.From, f.Until} {
		if !d.IsZero() {
			ends[i] = d.String()
		}
	}
	return ends[0] + "/" + ends[1]
}

func (f Facts) customers() string {
	if f.Customers == 0 && !f.Counted {
		return Unknown
	}
	return strconv.Itoa(f.Customers)
}

func (f Facts) done() string {
	switch f.Outcome {
	case clock.Accessed, clock.Used, clock.Disclosed:
		return string(f.Outcome)
	}
	return ""
}

func cents(n *int64) string {
	if n == nil {
		return Unknown
	}
	return fmt.Sprintf("%d.%02d", *n/100, *n%100)
}

// description tells what happened in the words of those who recorded it; days and counts have fields of their own, where a person may correct
// them. Without such words there is none.
func (f Facts) description() string {
	what := clean(f.What)
	if what == "" {
		return ""
	}
	if r := []rune(what); !strings.ContainsRune(".!?", r[len(r)-1]) {
		what += "."
	}
	lines := []string{capital(what)}
	if f.GoodFaith == clock.Yes {
		lines = append(lines, "Whoever came upon the information works for the carrier, acted in good faith and made nothing of it.")
	}
	if f.Exercise {
		lines = append(lines, "This is an exercise; nothing of it has happened.")
	}
	return strings.Join(lines, "\n")
}
