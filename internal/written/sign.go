package written

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

var emailForm = regexp.MustCompile(`^[^\s@<>"(),;:\\]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)

func unprintable(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// Letter brings a draft to its form and writes it out: the text that the customer is to sign, in the language of the draft.
// What is wrong with the draft is a *cpni.Refusal.
//
// cite: P-36, 47 USC 222(c)(2)
func (d *Desk) Letter(ctx context.Context, of cpni.ID, draft Draft) (Draft, string, error) {
	p, _, err := d.Customers.Get(ctx, of)
	if err != nil {
		return draft, "", err
	}
	if err := draft.check(p); err != nil {
		return draft, "", err
	}
	return draft, letterOf(p, draft), nil
}

// letterOf is the text of a request before its signature.
func letterOf(p *customer.Profile, d Draft) string {
	w := letterWords["en"]
	if d.Language == "es" {
		w = letterWords["es"]
	}
	line := d.Line
	if line == "" {
		line = w["all-lines"]
	}
	how := w["by-"+string(d.Via)]
	var data []string
	for _, c := range d.Data {
		data = append(data, w[string(c)])
	}
	return fmt.Sprintf(w["letter"], p.Name, p.Account, d.Name, strings.Join(data, ", "), line, monthText(d.Months[0]), monthText(d.Months[len(d.Months)-1]), how, d.To)
}

func monthText(m int) string { return fmt.Sprintf("%04d-%02d", m/100, m%100) }

var letterWords = map[string]map[string]string{
	"en": {"letter": "I am %s, of the account %s. I ask that these records be given to %s:\n\nRecords: %s\nLine: %s\nMonths: from %s to %s\nHow: %s, to %s\n\n" +
		"I know that whoever has them can see what stands in them, and that they cannot be called back once they have gone. Nobody has made me ask for this.",
		"all-lines": "all lines of the account", "by-email": "by e-mail, as a link that asks for a pass phrase", "by-postal": "by post",
		string(cpni.CallDetail): "calls", string(cpni.Usage): "usage", string(cpni.Billing): "bills", string(cpni.Service): "services", string(cpni.Location): "location of calls",
		"signed": "Signed: %s\nOn: %s\nRequest: %s\n"},
	"es": {"letter": "Soy %s, de la cuenta %s. Pido que estos datos se den a %s:\n\nDatos: %s\nLínea: %s\nMeses: de %s a %s\nCómo: %s, a %s\n\n" +
		"Sé que quien los tenga puede ver lo que contienen, y que no se pueden recuperar una vez enviados. Nadie me ha obligado a pedirlo.",
		"all-lines": "todas las líneas de la cuenta", "by-email": "por correo electrónico, como un enlace que pide una frase de paso", "by-postal": "por correo postal",
		string(cpni.CallDetail): "llamadas", string(cpni.Usage): "consumo", string(cpni.Billing): "facturas", string(cpni.Service): "servicios", string(cpni.Location): "ubicación de las llamadas",
		"signed": "Firmado: %s\nFecha: %s\nPetición: %s\n"},
}

// Signing is a customer's signature under a draft, in their own session.
type Signing struct {
	ID        cpni.ID // names the request; sent twice it is signed once
	Customer  cpni.ID
	Contact   cpni.ID
	Draft     Draft
	Signature string // their name, as they typed it
	Password  string // of the account, given again
}

// Signed is a request that was taken, and for one by link the pass phrase, which is told this once.
type Signed struct {
	Request *Request
	Phrase  string // "" none is needed
	Told    bool   // the customer is told where they are of record
}

var errSignature = cpni.Rejected("SIGNATURE", "the signature is not the name on the account", []string{"P-36", "47 USC 222(c)(2)"}, "write the name on the account, as the request has it")

// Sign takes the customer's signature: they give the password once more, the door decides, and in the transaction of its
// decision the request is kept with the text that was signed, and the customer is told. Nothing goes before the wait is over.
//
// A refusal of the password, the signature or the draft is a *cpni.Refusal, as is that of the rules.
//
// cite: P-16, P-36, P-41, 47 USC 222(c)(2), 47 CFR 64.2010(c)
func (d *Desk) Sign(ctx context.Context, s Signing) (*Signed, error) {
	if !s.ID.Valid() {
		return nil, bad("the request has no id", "begin again")
	}
	p, _, err := d.Customers.Get(ctx, s.Customer)
	if err != nil {
		return nil, err
	}
	if err := s.Draft.check(p); err != nil {
		return nil, err
	}
	if contact.Spoken(s.Signature) != contact.Spoken(p.Name) {
		return nil, errSignature
	}
	if _, err := d.Contacts.Authenticate(ctx, s.Contact, contact.Proof{Password: s.Password}); err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	r := &Request{ID: s.ID, Customer: s.Customer, At: now, State: Waiting, Draft: s.Draft, Signature: strings.Join(strings.Fields(s.Signature), " "), Contact: s.Contact}
	w := letterWords["en"]
	if s.Draft.Language == "es" {
		w = letterWords["es"]
	}
	r.Text = letterOf(p, s.Draft) + "\n\n" + fmt.Sprintf(w["signed"], r.Signature, now.In(d.Zone).Format(time.RFC3339), r.ID)
	r.Hash = sha256.Sum256([]byte(r.Text))
	return d.decide(ctx, p, r, disclose.Caller{Customer: true}, "written "+string(r.ID), func(ctx context.Context, tx *store.Tx) ([]ledger.Entry, error) { return d.insert(ctx, tx, r, nil) })
}

// decide asks the door for what r asks for. On a permit keep writes r, in the transaction of the decision, and the customer is
// told. key is "" for what is decided again in another contact; where it stands keeps that from being carried out twice.
//
// cite: P-36, P-41, 47 USC 222(c)(2)
func (d *Desk) decide(ctx context.Context, p *customer.Profile, r *Request, by disclose.Caller, key string, keep func(ctx context.Context, tx *store.Tx) ([]ledger.Entry, error)) (*Signed, error) {
	out := &Signed{Request: r}
	if r.Via == cpni.Email {
		out.Phrase = newPhrase()
		r.Phrase = d.Secrets.Hash(contact.Spoken(out.Phrase))
	}
	now := d.Clock.Now()
	numbers := d.Policy.Numbers(now)
	r.Due = now.Add(numbers.Duration("written-request", "wait"))
	tell, told := d.Contacts.Tells(p, notify.WrittenRequest, nil)
	if told && tell.Via == cpni.Postal {
		r.Due = r.Due.AddDate(0, 0, numbers.Int("cpni-core", "mail_adds_days"))
	}
	out.Told, tell.Language = told, r.Language
	tell.Tokens = map[string]string{"until": r.Due.In(d.Zone).Format(time.RFC3339) + "[" + d.Zone.String() + "]"}
	a, err := d.Door.Disclose(ctx, disclose.Request{Caller: by, Customer: r.Customer, Contact: r.Contact, Data: r.Data, Purpose: cpni.DesigneePurpose, To: string(cpni.ToDesignee) + ":" + r.Name,
		Via: r.Via, Address: r.To, Line: r.Line, Months: r.Months, Written: &disclose.WrittenRequest{Written: true, Signed: true, Names: r.Name}, IdempotencyKey: key,
		Sends: func(ctx context.Context, tx *store.Tx, _, entry cpni.ID) ([]ledger.Entry, error) {
			r.Entry = entry
			if told {
				if err := d.Outbox.Plan(ctx, tx, r.Customer, tell); err != nil {
					return nil, err
				}
			}
			return keep(ctx, tx)
		}})
	if err != nil {
		return nil, err
	}
	if !a.Decision.Permit() {
		d := a.Decision
		refusal := &cpni.Refusal{Outcome: d.Outcome, Code: d.Code, Says: strings.Join(d.Says, " "), Clauses: slices.Concat(d.Clauses, d.Cites), Next: d.Next()}
		if len(refusal.Next) == 0 {
			refusal.Next = []string{"close the request with the reason, and tell the customer"}
		}
		return nil, refusal
	}
	if a.Replayed { // it was signed before, and its pass phrase was told then
		kept, err := d.One(ctx, r.Customer, r.ID)
		return &Signed{Request: kept}, err
	}
	return out, nil
}

// phraseLetters have none that is taken for another when it is read out.
const phraseLetters = "abcdefghjkmnpqrstvwxyz23456789"

// newPhrase makes a pass phrase that nobody chose: four groups of four, some 79 bits.
func newPhrase() string {
	b := make([]byte, 16)
	rand.Read(b)
	var out strings.Builder
	for i, x := range b {
		if i > 0 && i%4 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(phraseLetters[int(x)%len(phraseLetters)])
	}
	return out.String()
}

// Withdraw takes a request back at the customer's wish: before anything has gone, or, of a link, so that nobody opens it from
// now on. What was opened before is not called back by it.
//
// cite: P-36, 47 USC 222(c)(2)
func (d *Desk) Withdraw(ctx context.Context, of, id cpni.ID, by cpni.ID) (*Request, error) {
	return d.move(ctx, of, id, []State{Entered, Waiting, Unreached, Sent}, actorOf(by), "written request withdrawn", func(tx *store.Tx, r *Request) error {
		if !r.Open() {
			return errState
		}
		r.State = Withdrawn
		if r.Message != "" {
			return d.Outbox.Cancel(ctx, tx, of, r.Message)
		}
		return nil
	})
}

// Due carries out what has waited for long enough. Done again, or on another node, it does nothing twice.
//
// cite: P-36, P-41, 47 USC 222(c)(2)
func (d *Desk) Due(ctx context.Context) error {
	rows, err := d.rows(ctx, d.DB.Reader(), "state = $1 AND due <= $2 ORDER BY due LIMIT $3", string(Waiting), d.Clock.Now().UnixMicro(), mostListed)
	if err != nil {
		return err
	}
	var failed []error // one that cannot be carried out keeps no other back
	for _, x := range rows {
		_, err := d.move(ctx, x.Customer, x.ID, []State{Waiting}, string(cpni.RoleSystem), "written request carried out", func(tx *store.Tx, r *Request) error {
			return d.send(ctx, tx, r)
		})
		if err != nil && !isState(err) {
			failed = append(failed, fmt.Errorf("carrying out a written request: %w", err))
		}
	}
	return joined(append(failed, d.remind(ctx)))
}

// send plans the message by which a request is carried out, to where it says.
func (d *Desk) send(ctx context.Context, tx *store.Tx, r *Request) error {
	now := d.Clock.Now()
	r.State, r.Message = Sent, cpni.NewTimedID(now)
	if r.Sendings = append(r.Sendings, Sending{At: now, Via: r.Via, To: r.To, Message: r.Message}); len(r.Sendings) > mostSendings {
		r.Sendings = r.Sendings[len(r.Sendings)-mostSendings:]
	}
	return d.Outbox.Plan(ctx, tx, r.Customer, notify.Message{ID: r.Message, Kind: notify.DesigneeRecords, Via: r.Via, Place: notify.Named, To: r.To, Language: r.Language,
		Tokens: map[string]string{"entry": string(r.Entry), "request": string(r.ID)}})
}
