package portal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/vault"
	"ringfence/internal/visitor"
)

// recordsPlaces are where the link of a message leads that tells of records: they are opened by the password of the account.
//
// cite: P-16, P-18, P-21, 47 CFR 64.2010(c)
func recordsPlaces() []place {
	const at = office.RecordsLink + "{token}"
	return []place{
		{"GET " + at, (*Portal).recordsPage},
		{"POST " + at, (*Portal).openRecords},
		{"GET " + at + "/{file}", (*Portal).recordsFile},
	}
}

// asking is a visit to the page of a message: whose it is and what it is about, when its token is one.
//
// Whoever has the token has shown nothing. So every page before the password is the same for a token that is none, that is
// too old, or that leads somewhere, and so is every answer to what did not open it.
type asking struct {
	token   string
	of      cpni.ID // "" when the token leads nowhere
	about   disclose.Record
	session session
	contact *contact.State // nil: none runs
}

// session is what the cookie of a page holds: the contact in which the customer shows who they are, and how far they are. It
// is signed, and is worth nothing beyond its time, or once the contact is over.
type session struct {
	Contact cpni.ID
	Step    string // what the page asks for
	Until   time.Time
}

// Steps of a session.
const (
	stepPassword = "password"
	stepCode     = "code" // that was sent to the number of record
	stepNew      = "new"  // a new password, once the code was right
)

const recordsCookie = "records"

func (p *Portal) asking(r *http.Request) (asking, error) {
	ctx := r.Context()
	a := asking{token: r.PathValue("token"), session: session{Step: stepPassword}}
	now := p.office.Clock.Now()
	if c, err := r.Cookie(recordsCookie); err == nil {
		if s, ok := p.unseal(c.Value, a.token); ok && now.Before(s.Until) {
			a.session = s
		}
	}
	of, m, err := p.office.Outbox.ByToken(ctx, a.token)
	if errors.Is(err, notify.ErrNotOurs) || errors.Is(err, vault.ErrForgotten) {
		return a, nil
	}
	if err != nil {
		return a, err
	}
	lasts := p.office.Policy.Numbers(now).Duration("messages", "records_link_for")
	if m.Kind != notify.Records || m.Via == cpni.Postal || !now.Before(m.At.Add(lasts)) {
		return a, nil
	}
	if a.about, err = p.office.Door.Record(ctx, of, cpni.ID(m.Tokens["entry"])); err != nil {
		return a, err
	}
	a.of = of
	if a.session.Contact == "" {
		return a, nil
	}
	s, _, err := p.office.Contacts.Get(ctx, a.session.Contact)
	switch {
	case errors.Is(err, contact.ErrNoContact):
	case err != nil:
		return a, err
	case s.Customer == of && p.office.Contacts.Live(s, now):
		a.contact = s
	}
	return a, nil
}

// proved reports by which method the contact has proved somebody.
func (a asking) proved(method cpni.Method) bool {
	return a.contact != nil && slices.ContainsFunc(a.contact.Evidence, func(e evidence) bool { return e.Method == method })
}

// cite: P-16, 47 CFR 64.2010(c)
func (p *Portal) recordsPage(w http.ResponseWriter, r *http.Request) error {
	a, err := p.asking(r)
	if err != nil {
		return err
	}
	if a.proved(cpni.ByPassword) {
		return p.showRecords(w, r, a)
	}
	return p.ask(w, r, a, http.StatusOK, "")
}

// ask shows the form of the step, with what is said of the last try.
func (p *Portal) ask(w http.ResponseWriter, r *http.Request, a asking, status int, says string) error {
	v := recordsView{page: p.page(r, "records"), Address: office.RecordsLink + a.token, Says: says, Step: a.session.Step}
	if says != "" {
		v.Says = say(v.Language, says)
	}
	v.Address += "?language=" + v.Language
	p.show(w, r, status, recordsAsk(v))
	return nil
}

// openRecords takes what was sent from the page: a password, the wish for a code, a code, a new password, or the end.
//
// cite: P-16, P-18, P-19, P-20, P-22, 47 CFR 64.2010(c), 47 CFR 64.2010(e)
func (p *Portal) openRecords(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	a, err := p.asking(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return p.ask(w, r, a, http.StatusBadRequest, "records-no")
	}
	var done bool
	switch r.PostForm.Get("do") {
	case "leave":
		return p.leaveRecords(w, r, a)
	case "no-password":
		done, err = p.sendCode(r.Context(), r, &a)
	case stepCode:
		done, err = p.prove(r.Context(), r, &a, contact.Proof{Code: r.PostForm.Get("code")})
		if done {
			a.session.Step = stepNew
		}
	case stepNew:
		done, err = p.newPassword(r.Context(), &a, r.PostForm.Get("password"))
	default:
		a.session.Step = stepPassword
		done, err = p.prove(r.Context(), r, &a, contact.Proof{Password: r.PostForm.Get("password")})
	}
	var refusal *cpni.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	p.keep(w, a)
	if done {
		http.Redirect(w, r, office.RecordsLink+a.token+"?language="+language(r), http.StatusSeeOther)
		return nil
	}
	says := "records-no"
	if a.session.Step == stepNew { // who is here has the customer's line
		says = "records-weak"
	}
	return p.ask(w, r, a, http.StatusForbidden, says)
}

// mostForm bounds what is sent from a page, in bytes.
const mostForm = 8 << 10

// enter opens the customer's own contact, unless one runs.
//
// cite: P-42
func (p *Portal) enter(ctx context.Context, r *http.Request, a *asking) error {
	if a.contact != nil {
		return nil
	}
	s, err := p.office.OpenContact(ctx, contact.Opening{Customer: a.of, Channel: cpni.Online, Source: visitor.Source(r, p.options.Proxies)})
	if err != nil {
		return err
	}
	a.contact, a.session.Contact = s, s.ID
	return nil
}

// prove takes a proof. What leads nowhere takes as long as a wrong password.
//
// cite: P-16, P-19, I-18
func (p *Portal) prove(ctx context.Context, r *http.Request, a *asking, proof contact.Proof) (bool, error) {
	if a.of == "" {
		p.office.Secrets.Waste()
		return false, nil
	}
	if proof.Code != "" && a.contact == nil {
		return false, nil
	}
	if err := p.enter(ctx, r, a); err != nil {
		return false, err
	}
	s, err := p.office.Contacts.Authenticate(ctx, a.contact.ID, proof)
	if err != nil {
		return false, err
	}
	a.contact = s
	return true, nil
}

// sendCode sends a code to the line of the service. Whether there is one, and whether one was sent, is not told.
//
// cite: P-20, P-22, 47 CFR 64.2010(e)
func (p *Portal) sendCode(ctx context.Context, r *http.Request, a *asking) (bool, error) {
	a.session.Step = stepCode
	if a.of == "" {
		return true, nil
	}
	who, _, err := p.office.Customers.Get(ctx, a.of)
	if err != nil {
		return false, err
	}
	number, ok := p.office.Contacts.CodeLine(who)
	if !ok {
		return true, nil
	}
	if err := p.enter(ctx, r, a); err != nil {
		return false, err
	}
	_, err = p.office.Contacts.Authenticate(ctx, a.contact.ID, contact.Proof{SendCode: number})
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return true, nil
	}
	return true, err
}

// newPassword sets a password in a contact in which a code came back right, and proves the customer by it.
//
// cite: P-19, P-22, P-23, 47 CFR 64.2010(e)
func (p *Portal) newPassword(ctx context.Context, a *asking, password string) (bool, error) {
	if !a.proved(cpni.ByCode) || password == "" {
		a.session.Step = stepPassword
		return false, nil
	}
	if _, err := p.office.Contacts.Enrol(ctx, contact.Enrolment{Contact: a.contact.ID, Password: password}); err != nil {
		return false, err
	}
	_, err := p.office.Contacts.Authenticate(ctx, a.contact.ID, contact.Proof{Password: password})
	return err == nil, err
}

func (p *Portal) leaveRecords(w http.ResponseWriter, r *http.Request, a asking) error {
	if a.contact != nil {
		if err := p.office.Contacts.End(r.Context(), a.contact.ID); err != nil {
			return err
		}
	}
	http.SetCookie(w, p.cookie(a.token, "", -1))
	http.Redirect(w, r, office.RecordsLink+a.token+"?language="+language(r), http.StatusSeeOther)
	return nil
}

// disclose asks the door for what the message is about, as the customer does who is here: every opening is a decision of its
// own, on record before anything is shown.
//
// cite: P-16, P-41, I-01, 47 CFR 64.2010(c)
func (p *Portal) disclose(ctx context.Context, a asking, via cpni.Via) (*disclose.Answer, *customer.Profile, error) {
	rec := a.about
	answer, err := p.office.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Customer: true}, Customer: a.of, Contact: a.contact.ID, Data: rec.Facts.Data, Purpose: cpni.CustomerRequest,
		To: rec.To, Via: via, Line: rec.Line, Months: rec.Months})
	if err != nil {
		return nil, nil, err
	}
	who, _, err := p.office.Customers.Get(ctx, a.of)
	return answer, who, err
}

// mostShown bounds the rows of a table on the page; the files have all.
const mostShown = 500

func (p *Portal) showRecords(w http.ResponseWriter, r *http.Request, a asking) error {
	p.keep(w, a)
	answer, who, err := p.disclose(r.Context(), a, cpni.Screen)
	if err != nil {
		return err
	}
	v := recordsView{page: p.page(r, "records-here"), Address: office.RecordsLink + a.token}
	if !answer.Decision.Permit() {
		p.show(w, r, http.StatusForbidden, recordsRefused(v))
		return nil
	}
	for i, s := range disclose.Sheets(answer.Released, who, p.office.Zone, v.Language) {
		t := tableView{Sheet: s, File: v.Address + "/" + strconv.Itoa(i+1) + ".csv?language=" + v.Language, Of: len(s.Rows)}
		if len(t.Rows) > mostShown {
			t.Rows, t.More = t.Rows[:mostShown], true
		}
		v.Tables = append(v.Tables, t)
	}
	if p.options.PDF != nil {
		v.PDF = v.Address + "/records.pdf?language=" + v.Language
	}
	v.Address += "?language=" + v.Language
	p.show(w, r, http.StatusOK, recordsShown(v))
	return nil
}

// recordsFile hands over a table as comma-separated values, or all as a PDF.
//
// cite: P-16, 47 CFR 64.2010(c)
func (p *Portal) recordsFile(w http.ResponseWriter, r *http.Request) error {
	a, err := p.asking(r)
	if err != nil {
		return err
	}
	if !a.proved(cpni.ByPassword) {
		http.Redirect(w, r, office.RecordsLink+a.token+"?language="+language(r), http.StatusSeeOther)
		return nil
	}
	name := r.PathValue("file")
	number, csv := strings.CutSuffix(name, ".csv")
	n, bad := strconv.Atoi(number)
	if !(csv && bad == nil && n > 0) && !(name == "records.pdf" && p.options.PDF != nil) {
		p.show(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
		return nil
	}
	p.keep(w, a)
	answer, who, err := p.disclose(r.Context(), a, cpni.File)
	if err != nil {
		return err
	}
	if !answer.Decision.Permit() {
		p.show(w, r, http.StatusForbidden, recordsRefused(recordsView{page: p.page(r, "records-here")}))
		return nil
	}
	sheets := disclose.Sheets(answer.Released, who, p.office.Zone, language(r))
	if csv {
		if n > len(sheets) {
			p.show(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
			return nil
		}
		sheets = sheets[n-1 : n]
	}
	var enclosed []notify.Enclosure
	for _, s := range sheets {
		e, err := s.CSV()
		if err != nil {
			return err
		}
		enclosed = append(enclosed, e)
	}
	if csv {
		hand(w, "text/csv; charset=utf-8", name, enclosed[0].Bytes)
		return nil
	}
	file, _, err := p.options.PDF(language(r), enclosed...)
	if err != nil {
		return err
	}
	hand(w, "application/pdf", name, file)
	return nil
}

// hand sends a file that the browser keeps and does not show. Its name says nothing of what is in it.
func hand(w http.ResponseWriter, kind, name string, file []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(file)
}

// keep gives the browser the session, good for as long as nobody does anything.
func (p *Portal) keep(w http.ResponseWriter, a asking) {
	now := p.office.Clock.Now()
	s := a.session
	if s.Contact == "" {
		s.Contact = cpni.NewID() // of no contact: a cookie says nothing of whether the token is one
	}
	idle := p.office.Policy.Numbers(now).Duration("messages", "records_page_idle")
	s.Until = now.Add(idle)
	http.SetCookie(w, p.cookie(a.token, p.seal(s, a.token), int(idle/time.Second)))
}

func (p *Portal) cookie(token, value string, age int) *http.Cookie {
	return &http.Cookie{Name: recordsCookie, Value: value, Path: office.RecordsLink + token, MaxAge: age, HttpOnly: true, Secure: p.options.Secure, SameSite: http.SameSiteStrictMode}
}

// seal writes a session for the cookie of a page.
func (p *Portal) seal(s session, token string) string {
	says := strings.Join([]string{string(s.Contact), s.Step, strconv.FormatInt(s.Until.Unix(), 10)}, ".")
	return says + "." + base64.RawURLEncoding.EncodeToString(p.sign(says, token))
}

func (p *Portal) sign(says, token string) []byte {
	m := hmac.New(sha256.New, p.office.Vault.Derive("records pages v1"))
	m.Write([]byte(token + "\x00" + says))
	return m.Sum(nil)
}

// unseal reads a session that we have written for the page of a token.
func (p *Portal) unseal(value, token string) (s session, ok bool) {
	i := strings.LastIndexByte(value, '.')
	if i < 0 {
		return s, false
	}
	mark, err := base64.RawURLEncoding.DecodeString(value[i+1:])
	if err != nil || !hmac.Equal(mark, p.sign(value[:i], token)) {
		return s, false
	}
	parts := strings.Split(value[:i], ".")
	if len(parts) != 3 {
		return s, false
	}
	until, err := strconv.ParseInt(parts[2], 10, 64)
	return session{cpni.ID(parts[0]), parts[1], time.Unix(until, 0)}, err == nil
}
