package contact

import (
	"context"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Planned is a notice of change that a change has caused: how, and to which kind of place.
type Planned struct {
	Via cpni.Via `json:"via"`
	To  string   `json:"to"` // old, tnor or aor
}

// Enrolment sets one credential.
type Enrolment struct {
	Customer   cpni.ID // with Initiation; otherwise the contact's
	Contact    cpni.ID
	Initiation bool // at the beginning of service: nothing to prove yet, and no notice
	By         string

	Password string
	PIN      string
	Backup   map[string]string
	Online   bool
}

// Enrol sets a password, PIN, backup questions or the online account, and plans the notice of it.
//
// cite: P-19, P-22, P-23, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func (d *Desk) Enrol(ctx context.Context, e Enrolment) ([]Planned, error) {
	if !e.Initiation {
		s, err := d.proved(ctx, e.Contact)
		if err != nil {
			return nil, err
		}
		e.Customer, e.By = s.Customer, string(s.Agent)
	}
	now := d.clock.Now()
	r := d.rules(now)
	var notices []Planned
	_, err := d.customers.Update(ctx, e.Customer, func(p *customer.Profile) (customer.Change, error) {
		what := ""
		switch {
		case e.Password != "":
			if why := WeakPassword(e.Password, p, r.Secrets); why != "" {
				return customer.Change{}, weak("password", why)
			}
			s := d.hash.Secret(e.Password)
			s.Set = now
			p.Credentials.Password, what = &s, "password"
		case e.PIN != "":
			if why := WeakPIN(e.PIN, p, r.Secrets); why != "" {
				return customer.Change{}, weak("PIN", why)
			}
			s := d.hash.Secret(e.PIN)
			s.Set = now
			p.Credentials.PIN, what = &s, "PIN"
		case len(e.Backup) > 0:
			for q, a := range e.Backup {
				if code := BadQuestion(q); code != "" {
					return customer.Change{}, reject(code, "the question asks for what others can find out, or for what stands on the account", []string{"P-22", "47 CFR 64.2010(e)"},
						"choose a question whose answer only the customer knows and that no document holds")
				}
				if len([]rune(Spoken(a))) < 3 || known(Spoken(a), p) {
					return customer.Change{}, weak("backup answer", "it is too short or known to others")
				}
				b := customer.Backup{Question: q, Answer: d.hash.Secret(a)}
				b.Answer.Set = now
				p.Credentials.Backup = append(p.Credentials.Backup, b)
			}
			what = "backup answer"
		case e.Online:
			p.Online, what = true, "online account"
		default:
			return customer.Change{}, reject("ENROL", "nothing to enrol was given", []string{"P-19"}, "give a password, a PIN, backup questions or the online account")
		}
		c := customer.Change{Actor: e.By, Contact: string(e.Contact), What: what + " set"}
		if !e.Initiation {
			notices, c.Also = d.notify(p, what)
		}
		return c, nil
	})
	return notices, err
}

func weak(what, why string) error {
	return reject("WEAK_SECRET", "the "+what+" is refused: "+why, []string{"P-19", "47 CFR 64.2010(b)"}, "offer a random passphrase or code, or let the customer choose one that nobody can derive")
}

// proved gives the contact when somebody has proved in it that they are the customer.
//
// cite: P-16, 47 CFR 64.2010(e)
func (d *Desk) proved(ctx context.Context, id cpni.ID) (*State, error) {
	s, _, err := d.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !d.Live(s, d.clock.Now()) {
		return nil, d.refused(ctx, s, "", errEnded)
	}
	backup := false
	for _, e := range s.Evidence {
		if e.Method != cpni.ByBackup && s.Speaker == Customer {
			return s, nil
		}
		backup = backup || e.Method == cpni.ByBackup
	}
	switch {
	case backup:
		return nil, d.refused(ctx, s, "", reject("ENROL", "a right backup answer alone only begins a new password", []string{"P-22", "47 CFR 64.2010(e)"},
			"send a code to a number or address of record and take it back here", reachOut[2]))
	case len(s.Claims) > 0:
		return nil, d.refused(ctx, s, "", reject("ENROL", "the customer must be proved without readily available biographical or account information", []string{"P-19", "47 CFR 64.2010(e)"}, reachOut...))
	}
	return nil, d.refused(ctx, s, "", errUnproved)
}

var errUnproved = reject("UNAUTHENTICATED", "nobody has proved in a live contact that they are the customer", []string{"P-16", "47 CFR 64.2010(a)"},
	append([]string{"verify the customer first, by password or PIN"}, reachOut...)...)

// Alteration changes one thing of a customer's account.
type Alteration struct {
	Customer cpni.ID
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
	if a.Contact == "" {
		// Without a contact there is no evidence; the refusal is recorded all the same.
		return nil, d.refused(ctx, &State{Customer: a.Customer, Agent: a.By}, "", errUnproved)
	}
	s, err := d.proved(ctx, a.Contact)
	if err != nil {
		return nil, err
	}
	now := d.clock.Now()
	var notices []Planned
	_, err = d.customers.Update(ctx, s.Customer, func(p *customer.Profile) (customer.Change, error) {
		before := *p
		before.Postal = append([]customer.Address(nil), p.Postal...)
		before.Email = append([]customer.Address(nil), p.Email...)
		before.Lines = append([]customer.Line(nil), p.Lines...)
		c := customer.Change{Actor: string(s.Agent), Contact: string(s.ID)}
		announce := ""
		switch {
		case a.Postal != "":
			p.Postal = replaced(p.Postal, customer.Address{Value: strings.Join(strings.Fields(a.Postal), " "), Since: now})
			c.What, announce = "postal address set", "postal address"
		case a.Email != "":
			if !strings.Contains(a.Email, "@") || strings.ContainsAny(a.Email, " \r\n\t") {
				return c, reject("BAD_INPUT", "that is not an e-mail address", []string{"P-24"}, "write it as name@example.com")
			}
			p.Email = replaced(p.Email, customer.Address{Value: a.Email, Since: now})
			c.What, announce = "e-mail address set", "e-mail address"
		case a.LineAdd != nil:
			l := *a.LineAdd
			l.No, l.Since = 0, now
			p.Lines = append(p.Lines, l)
			c.What = "line added"
		case a.LineRemove != "":
			n, _ := customer.Number(a.LineRemove)
			found := false
			for i := range p.Lines {
				if p.Lines[i].Number == n && p.Lines[i].Removed.IsZero() {
					p.Lines[i].Removed, found = now, true
				}
			}
			if !found {
				return c, reject("BAD_INPUT", "the customer has no such line", nil, "give the number of a line in service")
			}
			c.What = "line removed"
		case a.ContactNumber != "":
			p.ContactNumbers = append(p.ContactNumbers, a.ContactNumber)
			c.What = "contact number set"
		case len(a.Listed) > 0:
			for number, listed := range a.Listed {
				n, _ := customer.Number(number)
				for i := range p.Lines {
					if p.Lines[i].Number == n {
						p.Lines[i].Listed = listed
					}
				}
			}
			c.What = "directory listing changed"
		default:
			return c, reject("BAD_INPUT", "nothing to change was given", []string{"P-23"}, "give the address, line or listing to change")
		}
		if announce != "" {
			notices, c.Also = d.notify(&before, announce)
		}
		return c, nil
	})
	return notices, err
}

// replaced ends what is current and begins the new address.
func replaced(all []customer.Address, fresh customer.Address) []customer.Address {
	out := append([]customer.Address(nil), all...)
	for i := range out {
		if out[i].Until.IsZero() {
			fresh.Notices = fresh.Notices || out[i].Notices
			out[i].Until = fresh.Since
		}
	}
	return append(out, fresh)
}

// notify plans the notice of a change: by text or voice to a number of record, and to the address that was of record
// before the change. The new address gets nothing, and the message holds no value, old or new.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)(2)
func (d *Desk) notify(before *customer.Profile, what string) ([]Planned, func(context.Context, *store.Tx, *customer.Profile) error) {
	now := d.clock.Now()
	r := d.rules(now)
	var messages []Message
	add := func(via cpni.Via, place, to string) {
		messages = append(messages, Message{Kind: "account-change", Via: via, Place: place, To: to, Tokens: map[string]string{"what": what}})
	}
	for _, l := range before.LiveLines(now) {
		if l.Disturbed.IsZero() || !now.Before(l.Disturbed.Add(r.DisturbedLine)) {
			via := cpni.Voice
			for _, c := range l.Categories {
				if c == cpni.Wireless {
					via = cpni.Text
				}
			}
			add(via, "tnor", l.Number)
			break
		}
	}
	place := "aor"
	if what == "e-mail address" || what == "postal address" {
		place = "old"
	}
	email, hasEmail := newestOfRecord(before.Email, now, r.AddressOfRecordAge)
	postal, hasPostal := newestOfRecord(before.Postal, now, r.AddressOfRecordAge)
	switch {
	case what == "postal address" && hasPostal:
		add(cpni.Postal, place, postal.Value)
	case hasEmail:
		add(cpni.Email, place, email.Value)
	case hasPostal:
		add(cpni.Postal, place, postal.Value)
	}
	planned := make([]Planned, len(messages))
	for i, m := range messages {
		planned[i] = Planned{m.Via, m.Place}
	}
	return planned, func(ctx context.Context, tx *store.Tx, p *customer.Profile) error {
		for _, m := range messages {
			if err := d.plan(ctx, tx, p.ID, m); err != nil {
				return err
			}
		}
		return nil
	}
}

// EndService ends a customer's service: their numbers leave them at once. Denials stay.
//
// cite: P-14
func (d *Desk) EndService(ctx context.Context, id cpni.ID, by string) error {
	_, err := d.customers.Update(ctx, id, func(p *customer.Profile) (customer.Change, error) {
		p.Ended = d.clock.Now()
		return customer.Change{Kind: ledger.Change, Actor: by, What: "service ends"}, nil
	})
	return err
}

// RestartService begins service again on the lines that the customer had; every denial stands as it did.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func (d *Desk) RestartService(ctx context.Context, id cpni.ID, by string) error {
	_, err := d.customers.Update(ctx, id, func(p *customer.Profile) (customer.Change, error) {
		p.Ended = customer.Profile{}.Ended
		return customer.Change{Kind: ledger.Change, Actor: by, What: "service begins again"}, nil
	})
	return err
}
