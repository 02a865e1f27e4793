package portal

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"

	"ringfence/internal/contact"
	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/visitor"
)

// newPage asks whose account it is of who has no password, or has forgotten it, and where a code may go.
func (p *Portal) newPage(w http.ResponseWriter, r *http.Request) error {
	v := p.signInView(r, "sign-in-new")
	v.Said = p.takeSaid(w, r, v.Language)
	p.show(w, r, http.StatusOK, newForm(v))
	return nil
}

// askCode sends a code to a number or address of record, by what is of record and never by what the customer is known by; or
// takes one that came by letter. The answer is the same whether or not there is such an account, and such a place.
//
// cite: P-16, P-19, P-20, P-21, I-18, 47 CFR 64.2010(e)
func (p *Portal) askCode(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	done := p.pace(ctx)
	counted, ok, err := p.begins(w, r, mostForm)
	if !ok {
		return err
	}
	v := p.signInView(r, "sign-in-new")
	v.Who = r.PostForm.Get("who")
	proof := contact.Proof{SendCode: r.PostForm.Get("to")}
	letter := r.PostForm.Get("code") != ""
	if letter {
		proof = contact.Proof{Code: r.PostForm.Get("code"), Letter: r.PostForm.Get("letter")}
	}
	in, taken, err := p.byCode(ctx, r, v.Who, proof)
	if err != nil {
		return err
	}
	switch {
	case letter && taken:
		if err := p.giveBack(ctx, counted); err != nil {
			return err
		}
		p.keepEntry(w, entry{Contact: in, Step: stepSet, Back: v.Back})
		http.Redirect(w, r, signInPath+"/password", http.StatusSeeOther)
		return nil
	case letter:
		done()
		v.Failed = v.says("code-no")
		p.show(w, r, http.StatusForbidden, newForm(v))
		return nil
	}
	done()
	p.keepEntry(w, entry{Contact: in, Step: stepFirst, Back: v.Back})
	http.Redirect(w, r, signInPath+"/code", http.StatusSeeOther)
	return nil
}

// places of a code that is asked for by who has shown nothing.
const (
	toLine = "line"
)

// byCode sends a code, or takes one of a letter, in a contact of the customer who is named. The contact is "" when there is none,
// or when nothing was sent or taken in it.
func (p *Portal) byCode(ctx context.Context, r *http.Request, who string, proof contact.Proof) (in cpni.ID, taken bool, err error) {
	c, err := p.known(ctx, who)
	if err != nil {
		return "", false, err
	}
	if c != nil && proof.SendCode == toLine {
		n, ok := customer.Number(who)
		if _, of := c.LineOf(n, p.office.Clock.Now()); !ok || !of { // who names a line of theirs gets it there
			n, _ = p.office.Contacts.CodeLine(c)
		}
		proof.SendCode = n
	} else if proof.Code == "" && proof.SendCode != string(cpni.Email) && proof.SendCode != string(cpni.Postal) {
		proof.SendCode = ""
	}
	if c == nil || proof.SendCode == "" && proof.Code == "" {
		return "", false, p.nobody(ctx, r, cpni.ByCode)
	}
	s, err := p.office.OpenContact(ctx, contact.Opening{Customer: c.ID, Channel: cpni.Online, Source: visitor.Source(r, p.options.Proxies)})
	if err != nil {
		return "", false, err
	}
	if proof.SendCode != "" {
		may, err := p.mayAsk(ctx, c.ID)
		if err != nil {
			return "", false, err
		}
		if !may {
			return "", false, p.office.Contacts.End(ctx, s.ID)
		}
	}
	_, err = p.office.Contacts.Authenticate(ctx, s.ID, proof)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return "", false, p.office.Contacts.End(ctx, s.ID)
	}
	return s.ID, err == nil, err
}

// unasked is the subject under which codes count that somebody has asked for who has shown nothing.
const unasked = "portal codes"

// mayAsk counts a code that somebody asks for who has shown nothing. Anybody can have codes sent to a customer in this way, so
// after a few the next waits: neither is their telephone to ring all night, nor are the codes used up that they need themselves
// once they have shown the password.
//
// cite: I-18, 47 CFR 64.2010(a)
func (p *Portal) mayAsk(ctx context.Context, of cpni.ID) (bool, error) {
	now := p.office.Clock.Now()
	n := p.office.Policy.Numbers(now)
	pause := n.Duration("portal", "unasked_code_pause")
	counter := throttle.Counter{Of: of, Subject: unasked, Rules: throttle.Rules{FreeTries: n.Int("portal", "unasked_codes"), FirstDelay: pause, LongestDelay: pause, InAll: math.MaxInt}}
	var v throttle.Verdict
	err := p.office.DB.Tx(ctx, func(tx *store.Tx) (err error) {
		v, err = throttle.Take(ctx, tx, now, counter)
		return err
	})
	return v.Open(), err
}

// setting gives the contact in which a code came back right of who has no password.
func (p *Portal) setting(r *http.Request) (entry, *contact.State, error) {
	e, ok := p.entryOf(r)
	if !ok {
		return entry{}, nil, nil
	}
	if e.Step != stepSet {
		return e, nil, nil
	}
	s, err := p.running(r.Context(), e)
	if err != nil || s == nil {
		return e, nil, err
	}
	if s.Speaker != contact.Customer || !slices.ContainsFunc(s.Evidence, func(x evidence) bool { return x.Method == cpni.ByCode }) {
		return e, nil, nil
	}
	return e, s, nil
}

func (p *Portal) passwordPage(w http.ResponseWriter, r *http.Request) error {
	e, s, err := p.setting(r)
	if err != nil {
		return err
	}
	if e.Step == stepFirst || e.Step == stepSecond { // the code comes first
		http.Redirect(w, r, signInPath+"/code", http.StatusSeeOther)
		return nil
	}
	if s == nil {
		return p.entryOver(w, r)
	}
	p.show(w, r, http.StatusOK, passwordForm(p.signInView(r, "sign-in-password")))
	return nil
}

// setPassword sets the password of who has shown a code, and lets them in by it. They are told of it at the places of before.
//
// cite: P-19, P-22, P-23, 47 CFR 64.2010(e), 47 CFR 64.2010(f)
func (p *Portal) setPassword(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		return p.unread(w, r)
	}
	e, s, err := p.setting(r)
	if err != nil {
		return err
	}
	if s == nil {
		return p.entryOver(w, r)
	}
	c, _, err := p.office.Customers.Get(ctx, s.Customer)
	if err != nil {
		return err
	}
	v := p.signInView(r, "sign-in-password")
	password := r.PostForm.Get("password")
	if password == "" {
		v.Failed = v.says("refused-WEAK_SECRET")
	} else if err = p.setSecret(r, s.ID, c, password); err == nil {
		s, err = p.office.Contacts.Authenticate(ctx, s.ID, contact.Proof{Password: password})
	}
	if err != nil {
		if v.Failed, err = notTaken(v.Language, err); err != nil {
			return err
		}
	}
	if v.Failed != "" {
		p.show(w, r, http.StatusForbidden, passwordForm(v))
		return nil
	}
	if err := p.office.DB.Tx(ctx, func(tx *store.Tx) error { return throttle.Clear(ctx, tx, s.Customer, unasked) }); err != nil {
		return err
	}
	// Whoever was in by the password of before is not any more.
	if err := p.endStays(ctx, s.Customer, func(_ []byte, in cpni.ID) bool { return in != s.ID }); err != nil {
		return err
	}
	return p.letIn(w, r, s, e.Back, saidOf(c))
}
