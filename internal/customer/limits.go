package customer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// What one customer can have. A document that grew without end would be read and sealed anew with every change.
const (
	longestField      = 500 // bytes of one name, address, account or number, as many as an import takes
	mostLines         = 5000
	mostAddresses     = 50 // of each kind, with those of before
	mostNumbers       = 10 // contact numbers
	mostAuthorised    = 20
	mostApprovals     = 500
	mostNamesApproved = 500

	// MostBackup is how many backup questions a person can have.
	MostBackup = 5
)

// complete checks p, numbers the lines and brings telephone numbers to one form. Its errors name what is wrong, never what
// stands there.
func (p *Profile) complete(now time.Time) error {
	if strings.TrimSpace(p.Name) == "" {
		return badInput("a customer needs a name", "give the name")
	}
	if err := p.bounded(); err != nil {
		return err
	}
	if p.Since.IsZero() {
		p.Since = now
	}
	if p.Ended.After(now) {
		return badInput("service cannot have ended in the future", "end service on the day itself")
	}
	if err := p.completeLines(now); err != nil {
		return err
	}
	// How long an address has been on the account is unknown when nobody says: then it counts from now.
	for _, all := range [][]Address{p.Postal, p.Email} {
		for i := range all {
			if all[i].Since.IsZero() {
				all[i].Since = now
			}
		}
	}
	for i, n := range p.ContactNumbers {
		if e, ok := Number(n); ok {
			p.ContactNumbers[i] = e
		}
	}
	return nil
}

func badInput(says, next string, clauses ...string) *cpni.Refusal {
	return cpni.Rejected("BAD_INPUT", says, clauses, next)
}

func (p *Profile) completeLines(now time.Time) error {
	next := 1
	numbers := map[int]bool{}
	for _, l := range p.Lines {
		next = max(next, l.No+1)
		if l.No < 0 || l.No != 0 && numbers[l.No] {
			return badInput("two lines have the same place", "leave the places out")
		}
		numbers[l.No] = true
	}
	live := map[string]bool{}
	for i := range p.Lines {
		l := &p.Lines[i]
		n, ok := Number(l.Number)
		if !ok {
			return badInput(fmt.Sprintf("line %d has no telephone number", i+1), "write it in E.164, such as +12025550101", "47 CFR 64.2003(q)")
		}
		l.Number = n
		if slices.ContainsFunc(l.Categories, func(c cpni.Category) bool { return !slices.Contains(cpni.Services, c) }) {
			return badInput(fmt.Sprintf("line %d has a category that is none of service", i+1), "name local, long-distance, wireless or voip", "47 CFR 64.2005(a)")
		}
		if l.Heading, ok = heading(l.Heading); !ok {
			return badInput(fmt.Sprintf("line %d has a heading that no directory can print", i+1), "write it in one line, with at most 100 bytes", "47 USC 222(h)(3)")
		}
		if l.No == 0 {
			l.No = next
			next++
		}
		if l.Since.IsZero() {
			l.Since = p.Since
		}
		if l.Removed.After(now) {
			return badInput(fmt.Sprintf("line %d cannot have been removed in the future", i+1), "remove it on the day itself")
		}
		if !l.Removed.IsZero() {
			continue
		}
		if live[n] {
			return badInput(fmt.Sprintf("line %d has a number that another line of the customer has", i+1), "remove one of them", "47 CFR 64.2003(q)")
		}
		live[n] = true
	}
	return nil
}

// bounded checks that nothing is longer or more than it may be.
func (p *Profile) bounded() error {
	fields := append([]string{p.Name, p.Account, p.Born, p.SSN4}, p.ContactNumbers...)
	for _, all := range [][]Address{p.Postal, p.Email} {
		for _, a := range all {
			fields = append(fields, a.Value)
		}
	}
	credentials := []Credentials{p.Credentials}
	for _, a := range p.Authorised {
		fields = append(fields, a.Name)
		credentials = append(credentials, a.Credentials)
	}
	backup := 0
	for _, c := range credentials {
		backup = max(backup, len(c.Backup))
		for _, b := range c.Backup {
			fields = append(fields, b.Question)
		}
	}
	names := 0
	for _, a := range p.Approvals {
		fields = append(append(fields, a.Scope), a.Names...)
		names += len(a.Names)
	}
	if slices.ContainsFunc(fields, func(f string) bool { return len(f) > longestField }) {
		return badInput(fmt.Sprintf("a name, address or other field is longer than %d bytes", longestField), "shorten it")
	}
	for _, x := range []struct {
		what      string
		has, most int
	}{{"lines", len(p.Lines), mostLines}, {"postal addresses", len(p.Postal), mostAddresses}, {"e-mail addresses", len(p.Email), mostAddresses},
		{"contact numbers", len(p.ContactNumbers), mostNumbers}, {"authorised people", len(p.Authorised), mostAuthorised}, {"passkeys", len(p.Passkeys), MostPasskeys},
		{"backup questions", backup, MostBackup}, {"changes on file", len(p.Changes), 2 * mostChanged}, {"approvals", len(p.Approvals), mostApprovals}, {"companies named in approvals", names, mostNamesApproved}} {
		if x.has > x.most {
			return badInput(fmt.Sprintf("a customer can have %d %s", x.most, x.what), "remove those that are not needed")
		}
	}
	return nil
}
