package portal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/visitor"
)

// signInPlaces are where a customer shows who they are.
//
// Whoever comes has shown nothing yet. So what is answered to a wrong password, or to who asks for a code, is the same for
// an account that there is and for one that there is not, with a password and without; it takes the same work, and never
// less time than Options.Pace.
//
// cite: P-16, P-17, P-19, I-18, 47 CFR 64.2010(a), 47 CFR 64.2010(c)
func signInPlaces() []place {
	return []place{
		{"GET " + signInPath, (*Portal).signInPage},
		{"POST " + signInPath, (*Portal).signIn},
		{"GET " + signInPath + "/code", (*Portal).codePage},
		{"POST " + signInPath + "/code", (*Portal).takeCode},
		{"GET " + signInPath + "/new", (*Portal).newPage},
		{"POST " + signInPath + "/new", (*Portal).askCode},
		{"GET " + signInPath + "/password", (*Portal).passwordPage},
		{"POST " + signInPath + "/password", (*Portal).setPassword},
		{"POST /account/sign-out", (*Portal).signOut},
	}
}

// entry is a sign-in that goes on: the contact in which somebody shows who they are, and how far they are. It is no session,
// and opens nothing but its own next step. It stands in a cookie that we have signed.
type entry struct {
	Contact cpni.ID
	Step    string
	Back    string // the page that was wanted
	Until   time.Time
}

// Steps of a sign-in.
const (
	stepSecond = "second" // the password was right; a code is the second factor
	stepFirst  = "first"  // a code is asked for by who has no password
	stepSet    = "set"    // that code was right; now a password is set
)

const entryCookie = "account-sign-in"

func (p *Portal) entryOf(r *http.Request) (entry, bool) {
	c, err := r.Cookie(entryCookie)
	if err != nil {
		return entry{}, false
	}
	i := strings.LastIndexByte(c.Value, '.')
	if i < 0 {
		return entry{}, false
	}
	mark, err := base64.RawURLEncoding.DecodeString(c.Value[i+1:])
	if err != nil || !hmac.Equal(mark, p.signEntry(c.Value[:i])) {
		return entry{}, false
	}
	parts := strings.Split(c.Value[:i], ".")
	if len(parts) != 4 {
		return entry{}, false
	}
	until, err := strconv.ParseInt(parts[2], 10, 64)
	back, err2 := base64.RawURLEncoding.DecodeString(parts[3])
	e := entry{cpni.ID(parts[0]), parts[1], string(back), time.Unix(until, 0)}
	return e, errors.Join(err, err2) == nil && p.office.Clock.Now().Before(e.Until)
}

func (p *Portal) signEntry(says string) []byte {
	m := hmac.New(sha256.New, p.office.Vault.Derive("portal sign-in v1"))
	m.Write([]byte(says))
	return m.Sum(nil)
}

// keepEntry gives the browser a sign-in that goes on. One of nobody, in a contact that there is not, looks the same.
func (p *Portal) keepEntry(w http.ResponseWriter, e entry) {
	now := p.office.Clock.Now()
	if e.Contact == "" {
		e.Contact = cpni.NewTimedID(now)
	}
	life := p.office.Policy.Numbers(now).Duration("portal", "sign_in_life")
	says := strings.Join([]string{string(e.Contact), e.Step, strconv.FormatInt(now.Add(life).Unix(), 10), base64.RawURLEncoding.EncodeToString([]byte(e.Back))}, ".")
	p.setEntry(w, says+"."+base64.RawURLEncoding.EncodeToString(p.signEntry(says)), int(life/time.Second))
}

func (p *Portal) setEntry(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: entryCookie, Value: value, Path: signInPath, MaxAge: age, HttpOnly: true, Secure: p.options.Secure, SameSite: http.SameSiteStrictMode})
}

// running gives the contact of a sign-in that goes on; nil: there is none, or it is over.
func (p *Portal) running(ctx context.Context, e entry) (*contact.State, error) {
	s, _, err := p.office.Contacts.Get(ctx, e.Contact)
	switch {
	case errors.Is(err, contact.ErrNoContact):
		return nil, nil
	case err != nil:
		return nil, err
	case !p.office.Contacts.Live(s, p.office.Clock.Now()):
		return nil, nil
	}
	return s, nil
}

// signInView is a page of the sign-in.
type signInView struct {
	page
	Said   []string
	Failed string // what is said of the last try
	Back   string
	Who    string
	Step   string
	Sent   string      // where the code went, as who has shown the password may know it
	Places []codePlace // to choose from
	// Passkeys: this server has a name, so that browsers keep passkeys for it.
	Passkeys bool
	Ask      string // what a passkey is asked
	Shortest int    // characters of a password
}

// to is a page of the sign-in from which the same page is wanted.
func (v signInView) to(page string) string {
	at := signInPath + page
	if v.Back != "" {
		at += "?back=" + url.QueryEscape(v.Back)
	}
	return at
}

func (p *Portal) signInView(r *http.Request, title string) signInView {
	return signInView{page: p.page(r, title), Back: wantedPage(r.FormValue("back")), Passkeys: p.passkeys(), Shortest: p.secrets().ShortestPassword}
}

func (p *Portal) signInPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.visit(r); err == nil {
		http.Redirect(w, r, homePath, http.StatusSeeOther)
		return nil
	}
	v := p.signInView(r, "sign-in")
	v.Said = p.takeSaid(w, r, v.Language)
	p.show(w, r, http.StatusOK, signInForm(v))
	return nil
}

// known finds the customer in service whom a number, e-mail address or account names; nil: it names nobody, or more than one.
// All three are looked for, whatever is found first.
func (p *Portal) known(ctx context.Context, who string) (*customer.Profile, error) {
	var found []cpni.ID
	for _, kind := range []string{customer.ByNumber, customer.ByAccount, customer.ByEmail} {
		ids, err := p.office.Customers.Find(ctx, kind, who)
		if err != nil {
			return nil, err
		}
		found = append(found, ids...)
	}
	slices.Sort(found)
	if found = slices.Compact(found); len(found) != 1 || strings.TrimSpace(who) == "" {
		return nil, nil
	}
	c, _, err := p.office.Customers.Get(ctx, found[0])
	if errors.Is(err, customer.ErrNoCustomer) || err == nil && !c.Ended.IsZero() {
		return nil, nil
	}
	return c, err
}

// nobody records a try at an account that there is not, and does for it all that is done for one that there is: a contact is
// opened and ended, the try is counted, and the secret is compared with nothing. What was typed is not kept: people type a
// password into the wrong field.
//
// cite: P-37, I-18, 47 CFR 64.2010(a)
func (p *Portal) nobody(ctx context.Context, r *http.Request, method cpni.Method) error {
	if err := p.noContact(ctx, ledger.Entry{Kind: ledger.Contact, Purpose: contact.Opened, Outcome: cpni.OK}, method); err != nil {
		return err
	}
	now := p.office.Clock.Now()
	if method == cpni.ByPassword {
		err := p.office.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := throttle.Take(ctx, tx, now, throttle.Counter{Subject: "portal nobody " + p.sourceKey(r), Rules: throttle.Rules{FreeTries: math.MaxInt, InAll: math.MaxInt}, Daily: true})
			return err
		})
		if err != nil {
			return err
		}
		p.office.Secrets.Waste()
	}
	if err := p.noContact(ctx, ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.Reject, Code: "BAD_SECRET"}, method); err != nil {
		return err
	}
	return p.noContact(ctx, ledger.Entry{Kind: ledger.Contact, Purpose: contact.Ended, Outcome: cpni.OK}, method)
}

// noContact records what happened in a contact with nobody.
func (p *Portal) noContact(ctx context.Context, e ledger.Entry, method cpni.Method) error {
	e.At, e.Actor = p.office.Clock.Now(), contact.Customer
	_, err := p.office.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if e.Kind == ledger.Attempt && method == cpni.ByPassword {
			if err := throttle.Note(ctx, tx, e.At); err != nil {
				return nil, err
			}
		}
		e, err := p.office.Vault.Entry(ctx, tx, e, map[string]string{"method": string(method), "what": "at the portal, for no account"})
		return []ledger.Entry{e}, err
	})
	return err
}

// signIn is the first step: whose account it is, and its password.
//
// cite: P-16, P-19, I-18, 47 CFR 64.2010(c)
func (p *Portal) signIn(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	done := p.pace(ctx)
	counted, ok, err := p.begins(w, r, mostForm)
	if !ok {
		return err
	}
	v := p.signInView(r, "sign-in")
	v.Who = r.PostForm.Get("who")
	s, err := p.firstStep(ctx, r, v.Who, r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	if s == nil {
		done()
		v.Failed = v.says("sign-in-no")
		p.show(w, r, http.StatusForbidden, signInForm(v))
		return nil
	}
	if err := p.giveBack(ctx, counted); err != nil {
		return err
	}
	if err := p.sendOnly(ctx, s); err != nil {
		return err
	}
	p.keepEntry(w, entry{Contact: s.ID, Step: stepSecond, Back: v.Back})
	http.Redirect(w, r, signInPath+"/code", http.StatusSeeOther)
	return nil
}

func (p *Portal) unread(w http.ResponseWriter, r *http.Request) error {
	p.show(w, r, http.StatusBadRequest, nowhere(p.page(r, "nowhere")))
	return nil
}

// firstStep gives the contact in which the customer themselves has shown the password; nil: nobody has.
func (p *Portal) firstStep(ctx context.Context, r *http.Request, who, password string) (*contact.State, error) {
	c, err := p.known(ctx, who)
	if err != nil {
		return nil, err
	}
	if c == nil || password == "" {
		return nil, p.nobody(ctx, r, cpni.ByPassword)
	}
	s, err := p.office.OpenContact(ctx, contact.Opening{Customer: c.ID, Channel: cpni.Online, Source: visitor.Source(r, p.options.Proxies)})
	if err != nil {
		return nil, err
	}
	after, err := p.office.Contacts.Authenticate(ctx, s.ID, contact.Proof{Password: password})
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		if refusal.Code != "BAD_SECRET" { // it was not compared with anything
			p.office.Secrets.Waste()
		}
		return nil, p.office.Contacts.End(ctx, s.ID)
	case err != nil:
		return nil, err
	case after.Speaker != contact.Customer: // somebody whom they let speak for them has an account of nobody's here
		return nil, p.office.Contacts.End(ctx, s.ID)
	}
	return after, nil
}

// sendOnly sends the code at once where there is one place alone to which it can go at once.
func (p *Portal) sendOnly(ctx context.Context, s *contact.State) error {
	c, _, err := p.office.Customers.Get(ctx, s.Customer)
	if err != nil {
		return err
	}
	places := p.office.Contacts.Sendable(c)
	quick := slices.DeleteFunc(slices.Clone(places), func(x contact.Sendable) bool { return x.Via == cpni.Postal })
	if len(quick) != 1 {
		return nil
	}
	_, err = p.office.Contacts.Authenticate(ctx, s.ID, contact.Proof{SendCode: quick[0].To})
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return nil
	}
	return err
}

// letIn lets in who has proved themselves: the sign-in is over, and a session begins. Who comes for the first time has an
// online account from then on, and is told so at the places of before.
//
// cite: P-16, P-23, 47 CFR 64.2010(c), 47 CFR 64.2010(f)(1)
func (p *Portal) letIn(w http.ResponseWriter, r *http.Request, s *contact.State, back string, said ...string) error {
	ctx := r.Context()
	c, _, err := p.office.Customers.Get(ctx, s.Customer)
	if err != nil {
		return err
	}
	if !c.Online {
		_, err := p.office.Contacts.Enrol(ctx, contact.Enrolment{Contact: s.ID, Online: true})
		var refusal *cpni.Refusal
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
		if err == nil {
			said = append(said, "said-online")
		}
	}
	if old, err := p.stayOf(r); err == nil { // nobody goes on with what this browser had before
		if err := p.endStays(ctx, old.Customer, func(hash []byte, in cpni.ID) bool { return slices.Equal(hash, old.hash[:]) && in != s.ID }); err != nil {
			return err
		}
	}
	err = p.begin(w, r, s)
	if errors.Is(err, errNotSignedIn) {
		return p.entryOver(w, r)
	}
	if err != nil {
		return err
	}
	p.setEntry(w, "", -1)
	p.leaveSaid(w, said...)
	if back = wantedPage(back); back == "" {
		back = homePath
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}

// signOut ends the session and the contact on which it stands.
//
// cite: P-42, I-16
func (p *Portal) signOut(w http.ResponseWriter, r *http.Request) error {
	s, err := p.stayOf(r)
	if err != nil && !errors.Is(err, errNotSignedIn) {
		return err
	}
	if err == nil {
		if err := p.endStays(r.Context(), s.Customer, func(hash []byte, _ cpni.ID) bool { return slices.Equal(hash, s.hash[:]) }); err != nil {
			return err
		}
	}
	p.endCookie(w)
	p.leaveSaid(w, "said-signed-out")
	http.Redirect(w, r, signInPath, http.StatusSeeOther)
	return nil
}
