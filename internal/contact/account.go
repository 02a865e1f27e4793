package contact

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// Alteration changes one thing of a customer's account: exactly one of its last eleven fields is set.
type Alteration struct {
	Customer cpni.ID // empty: the contact's
	Contact  cpni.ID // whose evidence allows it
	By       cpni.ID

	Postal        string
	Email         string
	LineAdd       *customer.Line
	LineRemove    string
	ContactNumber string
	Listed        map[string]bool // number → listed
	Printed       map[string]bool // number → whether a directory prints the address beside it
	Authorise     *Authorisation  // whom the customer lets speak for them, or lets see something else
	Dismiss       string          // the name of an authorised person who is one no longer
	Ways          *Ways
	// ContactNumberGone is a contact number that the customer takes back.
	ContactNumberGone string
	// EmailNotices is the customer's express yes or no to getting notices by e-mail, at the address that is current.
	//
	// cite: 47 CFR 64.2008(d)(3)
	EmailNotices *bool
}

// Authorisation is whom a customer lets speak for them.
//
// cite: P-16, 47 CFR 64.2003(f)
type Authorisation struct {
	Name     string
	Data     []cpni.DataClass // what they may see
	Password string           // "": as it is, or none
}

// Ways are how a customer would rather hear of changes: text, voice, email, postal or "" for no wish; and in which language:
// en, es or "".
//
// cite: P-25, 47 CFR 64.2010(f)(2)
type Ways struct {
	NoticeBy cpni.Via
	Language string
}

// Alter changes an account and plans the notice of it, which never tells the new value and never goes to it.
//
// cite: P-21, P-23, P-24, P-25, 47 CFR 64.2010(f)
func (d *Desk) Alter(ctx context.Context, a Alteration) ([]Planned, error) {
	if len(a.By) > longestActor {
		return nil, errActor
	}
	if a.Contact == "" {
		// Without a contact there is no evidence; the refusal is recorded all the same.
		return nil, d.refused(ctx, &State{Customer: a.Customer, Agent: a.By}, Proof{}, errUnproved)
	}
	s, err := d.proved(ctx, a.Contact, a.Customer)
	if err != nil {
		return nil, err
	}
	if refusal := a.check(); refusal != nil {
		return nil, d.refused(ctx, s, Proof{}, refusal)
	}
	now := d.clock.Now()
	secret, refusal, err := d.persons(ctx, s, a.Authorise, now)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, d.refused(ctx, s, Proof{}, refusal)
	}
	var notices []Planned
	_, err = d.customers.Update(ctx, s.Customer, func(p *customer.Profile) (customer.Change, error) {
		made := customer.Changed{At: now, By: s.actor(), Contact: string(s.ID)}
		record, err := a.apply(p, now, secret, &made)
		if err != nil {
			return customer.Change{}, err
		}
		var c customer.Change
		notices, c = d.changed(p, made, record)
		if a.LineRemove != "" {
			c = d.leaves(c, made.Value)
		}
		return d.inContact(c, s), nil
	})
	if err != nil {
		return nil, d.answered(ctx, s, err)
	}
	return notices, nil
}

// emailForm is narrower than what the standards allow: an address goes into messages and screens.
var emailForm = regexp.MustCompile(`^[^\s\p{C}@<>()"',;:\\]{1,64}@[^\s\p{C}@<>()"',;:\\]{1,190}$`)

// The longest postal address, in bytes, and the most contact numbers and earlier addresses that are kept.
const (
	longestAddress = 400
	keepNumbers    = 10
	keepAddresses  = 40
)

func badInput(says, next string, clauses ...string) *cpni.Refusal {
	return reject("BAD_INPUT", says, clauses, next)
}

// check looks at what does not depend on the customer.
func (a Alteration) check() *cpni.Refusal {
	given := 0
	for _, is := range []bool{a.Postal != "", a.Email != "", a.LineAdd != nil, a.LineRemove != "", a.ContactNumber != "", len(a.Listed) > 0, len(a.Printed) > 0, a.Authorise != nil, a.Dismiss != "", a.Ways != nil, a.ContactNumberGone != "", a.EmailNotices != nil} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return badInput("nothing to change was given", "give the address, line or listing to change", "P-23")
	case given > 1:
		return badInput("more than one thing to change was given", "change one at a time, each with its own notice", "P-23")
	case a.Postal != "" && (len(a.Postal) > longestAddress || !printable(a.Postal) || len(strings.Fields(a.Postal)) == 0):
		return badInput("that is not a postal address", "write it in one line, with at most 400 bytes", "P-24")
	case a.Email != "" && (!utf8.ValidString(a.Email) || !emailForm.MatchString(a.Email)):
		return badInput("that is not an e-mail address", "write it as name@example.com", "P-24")
	case a.Authorise != nil && (Spoken(a.Authorise.Name) == "" || len(a.Authorise.Name) > longestName || !printable(a.Authorise.Name)):
		return badInput("that is not a name", "write the person's full name", "P-16")
	case a.Authorise != nil && slices.ContainsFunc(a.Authorise.Data, func(c cpni.DataClass) bool { return !slices.Contains(cpni.DataClasses, c) }):
		return badInput("that is nothing that a person can be let see", "name classes of data such as billing or call-detail", "P-16")
	case a.Ways != nil && (!slices.Contains([]cpni.Via{"", cpni.Text, cpni.Voice, cpni.Email, cpni.Postal}, a.Ways.NoticeBy) || !slices.Contains([]string{"", "en", "es"}, a.Ways.Language)):
		return badInput("that is no way or language of notices", "name text, voice, email or postal, and en or es", "P-25")
	case a.ContactNumber != "" && !isNumber(a.ContactNumber):
		return badInput("that is not a telephone number", "write it in E.164, such as +12025550101")
	}
	return nil
}

func isNumber(s string) bool {
	_, ok := customer.Number(s)
	return ok
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) })
}

// apply makes the change on p and writes into c what it was; record is what the ledger says of it.
//
// cite: P-23, P-24, 47 CFR 64.2010(f)(1)
func (a Alteration) apply(p *customer.Profile, now time.Time, secret *customer.Secret, c *customer.Changed) (record string, err error) {
	switch {
	case a.Postal != "":
		c.What, c.Value = customer.WhatPostal, strings.Join(strings.Fields(a.Postal), " ")
		p.Postal, err = replaced(p.Postal, customer.Address{Value: c.Value, Since: now})
		return "postal address set", err
	case a.Email != "":
		c.What, c.Value = customer.WhatEmail, a.Email
		p.Email, err = replaced(p.Email, customer.Address{Value: a.Email, Since: now})
		return "e-mail address set", err
	case a.LineAdd != nil:
		c.What = customer.WhatLines
		l := *a.LineAdd
		l.No, l.Since, l.Removed, l.Frozen = 0, now, time.Time{}, false
		if n, ok := customer.Number(l.Number); ok {
			c.Value = n
		}
		p.Lines = append(p.Lines, l)
		return "line added", nil
	case a.LineRemove != "":
		l, err := liveLine(p, a.LineRemove, now)
		if err != nil {
			return "", err
		}
		l.Removed = now
		c.What, c.Value, c.Gone = customer.WhatLines, l.Number, true
		return "line removed", nil
	case a.ContactNumber != "":
		n, _ := customer.Number(a.ContactNumber)
		if slices.Contains(p.ContactNumbers, n) {
			return "", customer.ErrUnchanged
		}
		c.What, c.Value = customer.WhatContactNumber, n
		p.ContactNumbers = append(p.ContactNumbers, n)
		if over := len(p.ContactNumbers) - keepNumbers; over > 0 {
			p.ContactNumbers = slices.Delete(p.ContactNumbers, 0, over)
		}
		return "contact number set", nil
	case a.ContactNumberGone != "":
		n, _ := customer.Number(a.ContactNumberGone)
		i := slices.Index(p.ContactNumbers, n)
		if i < 0 || n == "" {
			return "", badInput("the customer has no such contact number", "give the number as it stands on the account")
		}
		c.What, c.Value, c.Gone = customer.WhatContactNumber, n, true
		p.ContactNumbers = slices.Delete(slices.Clone(p.ContactNumbers), i, i+1)
		return "contact number removed", nil
	case a.EmailNotices != nil:
		return emailNotices(p, *a.EmailNotices, now, c)
	case a.Authorise != nil:
		return a.Authorise.apply(p, secret, c)
	case a.Dismiss != "":
		return dismiss(p, a.Dismiss, c)
	case a.Ways != nil:
		if p.NoticeBy == a.Ways.NoticeBy && p.Language == a.Ways.Language {
			return "", customer.ErrUnchanged
		}
		c.What, c.Was = customer.WhatNotices, &customer.Was{NoticeBy: p.NoticeBy, Language: p.Language}
		p.NoticeBy, p.Language = a.Ways.NoticeBy, a.Ways.Language
		return "way of notices set", nil
	}
	c.What, c.Was = customer.WhatListing, &customer.Was{Listed: map[string]bool{}, Hidden: map[string]bool{}}
	for _, number := range slices.Sorted(maps.Keys(a.Printed)) {
		l, err := liveLine(p, number, now)
		if err != nil {
			return "", err
		}
		if l.NoAddress == a.Printed[number] {
			c.Was.Hidden[l.Number] = l.NoAddress
		}
		l.NoAddress = !a.Printed[number]
	}
	for _, number := range slices.Sorted(maps.Keys(a.Listed)) {
		l, err := liveLine(p, number, now)
		if err != nil {
			return "", err
		}
		if l.Listed != a.Listed[number] {
			c.Was.Listed[l.Number] = l.Listed
		}
		l.Listed = a.Listed[number]
	}
	if len(c.Was.Listed)+len(c.Was.Hidden) == 0 {
		return "", customer.ErrUnchanged
	}
	return "directory listing changed", nil
}

// emailNotices notes the customer's express yes or no to notices by e-mail at the address that is current.
//
// cite: P-27, 47 CFR 64.2008(d)(3)
func emailNotices(p *customer.Profile, yes bool, now time.Time, c *customer.Changed) (record string, err error) {
	current, ok := customer.Current(p.Email, now)
	if !ok {
		return "", badInput("the customer has no e-mail address", "set one first", "P-27")
	}
	if current.Notices == yes {
		return "", customer.ErrUnchanged
	}
	p.Email = slices.Clone(p.Email)
	for i := range p.Email {
		if a := &p.Email[i]; a.Value == current.Value && a.Since.Equal(current.Since) {
			a.Notices = yes
		}
	}
	c.What, c.Was = customer.WhatNotices, &customer.Was{NoticeBy: p.NoticeBy, Language: p.Language, EmailNotices: &current.Notices}
	if yes {
		return "notices by e-mail agreed to", nil
	}
	return "notices by e-mail ended", nil
}

// liveLine finds the line in service with this number, to be changed.
func liveLine(p *customer.Profile, number string, now time.Time) (*customer.Line, error) {
	if n, ok := customer.Number(number); ok && p.Ended.IsZero() {
		for i := range p.Lines {
			if l := &p.Lines[i]; l.Number == n && l.Removed.IsZero() {
				return l, nil
			}
		}
	}
	return nil, badInput("the customer has no such line", "give the number of a line in service")
}

// replaced ends what is current and begins the new address. One that is current already stays as it is, with its age.
func replaced(all []customer.Address, fresh customer.Address) ([]customer.Address, error) {
	out := slices.Clone(all)
	for i := range out {
		if !out[i].Until.IsZero() {
			continue
		}
		if strings.EqualFold(out[i].Value, fresh.Value) {
			return nil, customer.ErrUnchanged
		}
		fresh.Notices = fresh.Notices || out[i].Notices
		out[i].Until = fresh.Since
	}
	if over := len(out) - keepAddresses; over > 0 {
		out = slices.Delete(out, 0, over)
	}
	return append(out, fresh), nil
}
