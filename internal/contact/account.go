package contact

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// Alteration changes one thing of a customer's account: exactly one of its last six fields is set.
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
	var notices []Planned
	_, err = d.customers.Update(ctx, s.Customer, func(p *customer.Profile) (customer.Change, error) {
		before := *p
		before.Postal, before.Email, before.Lines = slices.Clone(p.Postal), slices.Clone(p.Email), slices.Clone(p.Lines)
		c := customer.Change{}
		announced, err := a.apply(p, now, &c)
		if err != nil {
			return c, err
		}
		if announced != "" {
			notices, c = d.notify(&before, announced, c.What)
		}
		if a.LineRemove != "" {
			gone, _ := customer.Number(a.LineRemove)
			c.Also = func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
				return d.outbox.CancelTo(ctx, tx, p.ID, gone)
			}
		}
		return d.inContact(c, s), nil
	})
	return notices, d.answered(ctx, s, err)
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
	for _, is := range []bool{a.Postal != "", a.Email != "", a.LineAdd != nil, a.LineRemove != "", a.ContactNumber != "", len(a.Listed) > 0} {
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

// apply makes the change on p and writes into c what it is; announced names it when customers are told of its kind.
//
// cite: P-23, P-24, 47 CFR 64.2010(f)(1)
func (a Alteration) apply(p *customer.Profile, now time.Time, c *customer.Change) (announced string, err error) {
	switch {
	case a.Postal != "":
		c.What = "postal address set"
		p.Postal, err = replaced(p.Postal, customer.Address{Value: strings.Join(strings.Fields(a.Postal), " "), Since: now})
		return "postal address", err
	case a.Email != "":
		c.What = "e-mail address set"
		p.Email, err = replaced(p.Email, customer.Address{Value: a.Email, Since: now})
		return "e-mail address", err
	case a.LineAdd != nil:
		c.What = "line added"
		l := *a.LineAdd
		l.No, l.Since, l.Removed = 0, now, time.Time{}
		p.Lines = append(p.Lines, l)
	case a.LineRemove != "":
		c.What = "line removed"
		l, err := liveLine(p, a.LineRemove, now)
		if err != nil {
			return "", err
		}
		l.Removed = now
	case a.ContactNumber != "":
		c.What = "contact number set"
		n, _ := customer.Number(a.ContactNumber)
		if slices.Contains(p.ContactNumbers, n) {
			return "", customer.ErrUnchanged
		}
		p.ContactNumbers = append(p.ContactNumbers, n)
		if over := len(p.ContactNumbers) - keepNumbers; over > 0 {
			p.ContactNumbers = slices.Delete(p.ContactNumbers, 0, over)
		}
	default:
		c.What = "directory listing changed"
		for _, number := range slices.Sorted(maps.Keys(a.Listed)) {
			l, err := liveLine(p, number, now)
			if err != nil {
				return "", err
			}
			l.Listed = a.Listed[number]
		}
	}
	return "", nil
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

// Planned is a notice of change that a change has caused: how, and to which kind of place.
type Planned struct {
	Via cpni.Via     `json:"via"`
	To  notify.Place `json:"to"`
}

// notify plans the notice of a change: by text or voice to a number of record, and to the address that was of record
// before the change. The new address gets nothing, and the message holds no value, old or new. done is what the record
// says of the change; it also says which places are told.
//
// cite: P-23, P-25, I-09, 47 CFR 64.2010(f)(2)
func (d *Desk) notify(before *customer.Profile, what, done string) ([]Planned, customer.Change) {
	now := d.clock.Now()
	r := d.numbers(now)
	var messages []notify.Message
	add := func(via cpni.Via, place notify.Place, to string) {
		messages = append(messages, notify.Message{Kind: notify.AccountChange, Via: via, Place: place, To: to, Tokens: map[string]string{"what": what}})
	}
	if l, ok := reachable(before, now, r.DisturbedLine); ok {
		add(spokenOrText(l), notify.TNOR, l.Number)
	}
	email, hasEmail := r.newestOfRecord(addresses(before, cpni.Email), now)
	postal, hasPostal := r.newestOfRecord(addresses(before, cpni.Postal), now)
	place := func(changed string) notify.Place {
		if what == changed {
			return notify.Old
		}
		return notify.AOR
	}
	switch {
	case hasPostal && (what == "postal address" || !hasEmail):
		add(cpni.Postal, place("postal address"), postal.Value)
	case hasEmail:
		add(cpni.Email, place("e-mail address"), email.Value)
	}
	planned := make([]Planned, len(messages))
	places := "none"
	for i, m := range messages {
		planned[i] = Planned{m.Via, m.Place}
		if i == 0 {
			places = string(m.Place)
		} else {
			places += " " + string(m.Place)
		}
	}
	return planned, customer.Change{What: done, Detail: map[string]string{"what": done, "notices": places},
		Also: func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
			for _, m := range messages {
				if err := d.outbox.Plan(ctx, tx, p.ID, m); err != nil {
					return fmt.Errorf("telling the customer: %w", err)
				}
			}
			return nil
		}}
}

// reachable gives the line that the customer has had longest, of those that nobody else may hold for now.
//
// cite: P-20, P-25, 47 CFR 64.2003(q)
func reachable(p *customer.Profile, now time.Time, disturbed time.Duration) (best customer.Line, ok bool) {
	if p.Quiet(customer.Shared.Lines) {
		return best, false
	}
	for _, l := range p.LiveLines(now) {
		if now.Before(l.Since) || isDisturbed(l, now, disturbed) {
			continue
		}
		if !ok || l.Since.Before(best.Since) {
			best, ok = l, true
		}
	}
	return best, ok
}

func isDisturbed(l customer.Line, now time.Time, lasts time.Duration) bool {
	return !l.Disturbed.IsZero() && now.Before(l.Disturbed.Add(lasts))
}

// spokenOrText is how a short message reaches a line.
func spokenOrText(l customer.Line) cpni.Via {
	if slices.Contains(l.Categories, cpni.Wireless) && l.NoTexts.IsZero() {
		return cpni.Text
	}
	return cpni.Voice
}
