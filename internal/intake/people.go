package intake

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/vault"
)

// person is a customer as one row tells of them.
type person struct {
	profile customer.Profile
	items   []vault.Item
}

// peopleParser turns rows into people. It belongs to one goroutine.
type peopleParser struct {
	zone  *time.Location // dates are local to the carrier
	now   time.Time
	notes notes
	at    map[string]int // column by name
	width int
	telco bool
}

// The columns of our own format of customers; account, name and since are needed, in the header and in every row.
var peopleColumns = []string{"account", "name", "numbers", "categories", "listed", "heading", "no_address", "postal", "postal_since", "email", "email_since",
	"email_notices", "since", "contact_number", "born", "ssn4"}

// Errors about columns that no file may bring.
var (
	errSecrets = cpni.Rejected("ENROL", "the file has a column of passwords, PINs or questions; secrets are not taken from files", []string{"P-19", "P-22", "64.2010(e)"},
		"leave the column out; customers set their secrets after they were authenticated without readily available information")
	errConsent = cpni.Rejected("NOT_CONSENT", "the file has a column of approvals; a column is no evidence of consent", []string{"P-10", "P-57", "64.2007", "64.2008"},
		"leave the column out; approvals are imported on their own, each with its notice and its affirmative act")
)

var (
	secretColumn  = regexp.MustCompile(`(?i)pass(word|code|phrase)|^pin$|_pin$|secret|question|answer`)
	consentColumn = regexp.MustCompile(`(?i)consent|approv|opt[-_ ]?(in|out)`)
)

// columns reads the header. An unknown column is an error that names it: nothing in a file is silently left out.
//
// cite: P-10, P-19, P-57, 47 CFR 64.2007, 47 CFR 64.2010(e)
func (p *peopleParser) columns(header [][]byte) error {
	p.at, p.width = map[string]int{}, len(header)
	known := peopleColumns
	if p.telco {
		known = telcoColumns
	}
	var unknown []string
	for i, h := range header {
		name := strings.TrimSpace(string(h))
		at := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
		switch {
		case at >= 0:
			if _, twice := p.at[known[at]]; twice {
				return fmt.Errorf("the file's first line has the column %s twice", known[at])
			}
			p.at[known[at]] = i
		case secretColumn.MatchString(name):
			return errSecrets
		case consentColumn.MatchString(name):
			return errConsent
		default:
			unknown = append(unknown, fmt.Sprintf("%.40q", name))
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("unknown columns %s in the file's first line; the known are %s", strings.Join(unknown, ", "), strings.Join(known, ", "))
	}
	needed := []string{"account", "name", "since"}
	if p.telco {
		needed = telcoColumns
	}
	for _, k := range needed {
		if _, ok := p.at[k]; !ok {
			return fmt.Errorf("the file's first line has no column %s; the known are %s", k, strings.Join(known, ", "))
		}
	}
	return nil
}

// rejectField says which field is at fault, never what stands in it.
func rejectField(reason Reason, name, says, clause string) *rejection {
	return &rejection{reason, name + ": " + says, clause}
}

// parse reads one row.
func (p *peopleParser) parse(fields [][]byte, line int64) (*person, *rejection) {
	if len(fields) != p.width {
		return nil, rejectColumns
	}
	for name, i := range p.at {
		if r := checkText(name, fields[i]); r != nil {
			return nil, r
		}
	}
	get := func(name string) string {
		i, ok := p.at[name]
		if !ok {
			return ""
		}
		return string(bytes.TrimSpace(fields[i]))
	}
	if p.telco {
		return p.telcoRow(get, line)
	}
	return p.row(get)
}

// maxField bounds the value of one field, in bytes.
const maxField = 500

// checkText refuses what is not text: an address of record with a replaced letter would send CPNI to another place.
//
// cite: P-21, 47 CFR 64.2003(b)
func checkText(name string, b []byte) *rejection {
	if !utf8.Valid(b) {
		return rejectField(BadText, name, "is not UTF-8; convert the file and import it again", "")
	}
	if len(b) > maxField {
		return rejectField(BadField, name, "is longer than 500 bytes", "")
	}
	if bytes.IndexFunc(b, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) >= 0 {
		return rejectField(BadText, name, "has control or replacement characters", "")
	}
	return nil
}

// row reads a row of our own format.
func (p *peopleParser) row(get func(string) string) (*person, *rejection) {
	c := customer.Profile{ID: cpni.NewID(), Account: get("account"), Name: get("name"), Born: get("born"), SSN4: get("ssn4")}
	if c.Account == "" {
		return nil, &rejection{NoAccount, "a customer needs an account number; it tells them apart from others and from earlier imports", ""}
	}
	if c.Name == "" {
		return nil, rejectField(BadField, "name", "is missing", "")
	}
	var r *rejection
	if c.Since, r = p.date("since", get("since"), time.Time{}); r != nil {
		return nil, r
	}
	if c.Since.IsZero() {
		return nil, rejectField(BadField, "since", "is missing; calls of before service began are not the customer's", "")
	}
	if c.Born != "" {
		if _, err := time.Parse(time.DateOnly, c.Born); err != nil {
			return nil, rejectField(BadField, "born", "is not a date such as 1980-04-02", "")
		}
	}
	if c.SSN4 != "" && (len(c.SSN4) != 4 || !allDigits([]byte(c.SSN4))) {
		return nil, rejectField(BadField, "ssn4", "is not four digits", "")
	}
	if c.Lines, r = linesOf(get, c.Since); r != nil {
		return nil, r
	}
	// How long an address has been on the account is unknown when the file does not say it, and unknown never helps
	// a permit: then it counts from the import.
	for _, a := range []struct {
		name string
		to   *[]customer.Address
	}{{"postal", &c.Postal}, {"email", &c.Email}} {
		value := get(a.name)
		if value == "" {
			continue
		}
		since, r := p.date(a.name+"_since", get(a.name+"_since"), p.now)
		if r != nil {
			return nil, r
		}
		*a.to = []customer.Address{{Value: value, Since: since}}
	}
	if len(c.Email) > 0 {
		if !emailForm.MatchString(c.Email[0].Value) {
			return nil, rejectField(BadField, "email", "is not an e-mail address", "")
		}
		if c.Email[0].Notices, r = yesNo("email_notices", get("email_notices")); r != nil {
			return nil, r
		}
	}
	if n := get("contact_number"); n != "" {
		e164, ok := customer.Number(n)
		if !ok {
			return nil, rejectField(BadNumber, "contact_number", "is not a telephone number", "")
		}
		c.ContactNumbers = []string{e164}
	}
	return &person{profile: c}, nil
}

var emailForm = regexp.MustCompile(`^[^\s@<>",;]{1,64}@[^\s@<>",;]{1,190}$`)

// linesOf reads the lines: numbers with ; between them, each with the same categories.
func linesOf(get func(string) string, since time.Time) ([]customer.Line, *rejection) {
	listed, r := yesNo("listed", get("listed"))
	if r != nil {
		return nil, r
	}
	hidden, r := yesNo("no_address", get("no_address"))
	if r != nil {
		return nil, r
	}
	heading := get("heading")
	if len(heading) > 100 {
		return nil, rejectField(BadField, "heading", "is longer than 100 bytes", "")
	}
	var categories []cpni.Category
	for c := range strings.SplitSeq(get("categories"), ";") {
		if c = strings.TrimSpace(c); c == "" {
			continue
		}
		if !slices.Contains(cpni.Services, cpni.Category(c)) {
			return nil, rejectField(BadCategory, "categories", "are local, long-distance, wireless and voip, with ; between them", "64.2005(a)")
		}
		categories = append(categories, cpni.Category(c))
	}
	var lines []customer.Line
	for n := range strings.SplitSeq(get("numbers"), ";") {
		if n = strings.TrimSpace(n); n == "" {
			continue
		}
		e164, ok := customer.Number(n)
		if !ok {
			return nil, rejectField(BadNumber, "numbers", "one of them is not a telephone number", "")
		}
		if slices.ContainsFunc(lines, func(l customer.Line) bool { return l.Number == e164 }) {
			return nil, rejectField(BadField, "numbers", "one of them is there twice", "")
		}
		lines = append(lines, customer.Line{No: len(lines) + 1, Number: e164, Categories: categories, Listed: listed, Heading: heading, NoAddress: hidden, Since: since})
	}
	return lines, nil
}

// date reads a date of the carrier's zone, or a moment with an offset; an empty one is missing. It refuses the future.
func (p *peopleParser) date(name, value string, missing time.Time) (time.Time, *rejection) {
	if value == "" {
		return missing, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, value, p.zone)
	if err != nil {
		t, err = time.Parse(time.RFC3339, value)
	}
	switch {
	case err != nil:
		return t, rejectField(BadField, name, "is not a date such as 2020-01-31", "")
	case t.After(p.now):
		return t, rejectField(BadField, name, "lies in the future", "")
	case t.Year() < 1876:
		return t, rejectField(BadField, name, "lies before there were telephones", "")
	}
	return t.UTC(), nil
}

func yesNo(name, value string) (bool, *rejection) {
	switch strings.ToLower(value) {
	case "yes", "true", "1", "y":
		return true, nil
	case "", "no", "false", "0", "n":
		return false, nil
	}
	return false, rejectField(BadField, name, "is neither yes nor no", "")
}

// errFormat: customers come in two formats.
var errFormat = errors.New("customers are imported from format csv or telco")
