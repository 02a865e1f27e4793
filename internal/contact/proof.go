package contact

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// Proof is one attempt of a person to show who they are: exactly one of its parts is set.
type Proof struct {
	Password string
	PIN      string
	Backup   map[string]string // question and answer
	Callback *Callback
	PhotoID  *PhotoID
	SendCode string // postal, email or a number of record
	Code     string // the code that was sent
	Contract bool
	Claim    map[string]string // what is no proof: ssn4, born, maiden, account, number, bill, caller-id, voice, recent-payment
}

// Callback is a call to the telephone number of record; Answered once somebody has taken it.
//
// cite: P-20
type Callback struct {
	Number   string
	Answered bool
}

// PhotoID is what the agent read off a document that they held in their hand.
//
// cite: 47 CFR 64.2003(r), 47 CFR 64.2010(d)
type PhotoID struct {
	Name       string
	Expires    time.Time // last day of validity; zero: not read
	Government bool      // issued by a government, with a photograph
}

func reject(code cpni.Code, says string, clauses []string, next ...string) *cpni.Refusal {
	return cpni.Rejected(code, says, clauses, next...)
}

var reachOut = []string{"call back the number of the service", "send a code to a number or address of record", "ask the customer to come to a shop with a photo ID"}

// Authenticate takes one proof in a contact. The error is a *cpni.Refusal when the proof is none; the attempt is on
// record either way.
//
// cite: P-16, P-18, 47 CFR 64.2010(b), 47 CFR 64.2010(c), 47 CFR 64.2010(d)
func (d *Desk) Authenticate(ctx context.Context, id cpni.ID, proof Proof) (*State, error) {
	s, _, err := d.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !d.Live(s, d.clock.Now()) {
		return nil, d.refused(ctx, s, "", errEnded)
	}
	p, _, err := d.customers.Get(ctx, s.Customer)
	if err != nil {
		return nil, err
	}
	switch {
	case len(proof.Claim) > 0:
		return nil, d.claim(ctx, s, proof.Claim)
	case proof.Password != "":
		return d.secret(ctx, s, p, cpni.ByPassword, proof.Password)
	case proof.PIN != "":
		return d.secret(ctx, s, p, cpni.ByPIN, proof.PIN)
	case len(proof.Backup) > 0:
		return d.backup(ctx, s, p, proof.Backup)
	case proof.Callback != nil:
		return d.callback(ctx, s, p, *proof.Callback)
	case proof.PhotoID != nil:
		return d.photoID(ctx, s, p, *proof.PhotoID)
	case proof.SendCode != "":
		return d.sendCode(ctx, s, p, proof.SendCode)
	case proof.Code != "":
		return d.code(ctx, s, proof.Code)
	case proof.Contract:
		return d.contract(ctx, s, p)
	}
	return nil, d.refused(ctx, s, "", reject("METHOD", "no proof was given", []string{"P-18"}, "give a password or PIN, or "+reachOut[0]))
}

// refused records an attempt that failed and gives its refusal back.
func (d *Desk) refused(ctx context.Context, s *State, method cpni.Method, r *cpni.Refusal) error {
	now := d.clock.Now()
	_, err := d.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := d.vault.Entry(ctx, nil, ledger.Entry{Customer: s.Customer, Kind: ledger.Attempt, At: now, Actor: string(s.Agent), Contact: string(s.ID),
			Outcome: r.Outcome, Code: r.Code}, map[string]string{"method": string(method)})
		return []ledger.Entry{e}, err
	})
	return errors.Join(err, r)
}

// grant adds evidence to the contact, opens the secrets again, and records it.
func (d *Desk) grant(ctx context.Context, s *State, method cpni.Method, speaker string) (*State, error) {
	return d.change(ctx, s.ID, func(s *State) (ledger.Entry, any, error) {
		if !s.Ended.IsZero() {
			return ledger.Entry{}, nil, errEnded
		}
		if s.Speaker != "" && s.Speaker != speaker {
			s.Evidence = nil // another person speaks now: what the first proved is not theirs
		}
		s.Speaker = speaker
		s.Evidence = append(s.Evidence, rules.Evidence{Method: method, At: d.clock.Now()})
		if method == cpni.ByCode {
			s.Code = nil
		}
		return ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.OK}, map[string]string{"method": string(method)}, nil
	}, func(tx *store.Tx, s *State) error {
		if method == cpni.ByBackup || method == cpni.ByContract {
			return nil
		}
		return clearThrottle(ctx, tx, s.Customer, secrets)
	})
}

// cite: P-18, 47 CFR 64.2010(b), 47 CFR 64.2003(a), 47 CFR 64.2003(m)
func (d *Desk) claim(ctx context.Context, s *State, claims map[string]string) error {
	var names []string
	for n := range claims {
		names = append(names, n)
	}
	slices.Sort(names)
	if _, err := d.change(ctx, s.ID, func(s *State) (ledger.Entry, any, error) {
		for _, n := range names {
			if !slices.Contains(s.Claims, n) {
				s.Claims = append(s.Claims, n)
			}
		}
		return ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.Reject, Code: "METHOD"}, map[string]string{"claims": strings.Join(names, " ")}, nil
	}, nil); err != nil {
		return err
	}
	return reject("METHOD", "what others can know, read or imitate is no proof: "+strings.Join(names, ", "),
		[]string{"P-18", "47 CFR 64.2010(b)", "47 CFR 64.2003(m)"}, append([]string{"ask for the password or PIN"}, reachOut...)...)
}

// reserve counts the try as failed before it is looked at, so that tries at the same time cannot slip past the limit.
//
// cite: P-19, 47 CFR 64.2010(a)
func (d *Desk) reserve(ctx context.Context, s *State, pin bool) *cpni.Refusal {
	now := d.clock.Now()
	r := d.rules(now)
	var refusal *cpni.Refusal
	err := d.db.Tx(ctx, func(tx *store.Tx) error {
		refusal = nil
		type row struct {
			of      cpni.ID
			subject string
			rules   ThrottleRules
			pin     bool
		}
		rows := []row{{s.Customer, secrets, r.Customer, pin}}
		if s.Source != "" {
			rows = append(rows, row{"", "source " + s.Source, r.Source, false})
		}
		for _, x := range rows {
			state, err := readThrottle(ctx, tx, x.of, x.subject)
			if err != nil {
				return err
			}
			wait, never := state.allowed(x.rules, x.pin, now)
			switch {
			case never:
				refusal = reject("LOCKED", "too many wrong secrets: passwords and PINs stay closed until the customer is reached out to", []string{"P-19", "47 CFR 64.2010(a)"}, reachOut...)
				return nil
			case wait > 0:
				refusal = reject("LOCKED", fmt.Sprintf("too many wrong secrets: the next try is in %s", wait.Round(time.Second)), []string{"P-19", "47 CFR 64.2010(a)"}, reachOut...)
				return nil
			}
			if err := writeThrottle(ctx, tx, x.of, x.subject, state.failed(x.rules, now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return reject("LOCKED", "failed tries cannot be counted now, so none is taken", []string{"P-19"}, "ask again in a moment")
	}
	return refusal
}

var errBadSecret = reject("BAD_SECRET", "that is not the secret", []string{"P-19", "47 CFR 64.2010(b)"}, append([]string{"ask again"}, reachOut...)...)

// cite: P-19, 47 CFR 64.2010(b)(1)(i)
func (d *Desk) secret(ctx context.Context, s *State, p *customer.Profile, method cpni.Method, given string) (*State, error) {
	if r := d.reserve(ctx, s, method == cpni.ByPIN); r != nil {
		return nil, d.refused(ctx, s, method, r)
	}
	pick := func(c customer.Credentials) *customer.Secret {
		if method == cpni.ByPIN {
			return c.PIN
		}
		return c.Password
	}
	type person struct {
		speaker string
		secret  *customer.Secret
	}
	people := []person{{Customer, pick(p.Credentials)}}
	for _, a := range p.Authorised {
		people = append(people, person{string(cpni.ToAuthorised) + ":" + a.Name, pick(a.Credentials)})
	}
	tried := false
	for _, x := range people {
		if x.secret == nil {
			continue
		}
		tried = true
		ok, err := d.hash.Matches(x.secret.Hash, Spoken(given))
		if err != nil {
			return nil, err
		}
		if ok {
			return d.grant(ctx, s, method, x.speaker)
		}
	}
	if !tried {
		d.hash.Waste()
	}
	return nil, d.refused(ctx, s, method, errBadSecret)
}

// Customer is the speaker who is the customer.
const Customer = "customer"

// cite: P-22, 47 CFR 64.2010(e)
func (d *Desk) backup(ctx context.Context, s *State, p *customer.Profile, answers map[string]string) (*State, error) {
	if r := d.reserve(ctx, s, false); r != nil {
		return nil, d.refused(ctx, s, cpni.ByBackup, r)
	}
	right := 0
	for q, a := range answers {
		i := slices.IndexFunc(p.Credentials.Backup, func(b customer.Backup) bool { return Spoken(b.Question) == Spoken(q) })
		if i < 0 {
			d.hash.Waste()
			continue
		}
		ok, err := d.hash.Matches(p.Credentials.Backup[i].Answer.Hash, Spoken(a))
		if err != nil {
			return nil, err
		}
		if ok {
			right++
		}
	}
	if right < len(answers) {
		return nil, d.refused(ctx, s, cpni.ByBackup, errBadSecret)
	}
	return d.grant(ctx, s, cpni.ByBackup, Customer)
}

// cite: P-20, 47 CFR 64.2003(q), 47 CFR 64.2010(b)(1)(iii)
func (d *Desk) callback(ctx context.Context, s *State, p *customer.Profile, c Callback) (*State, error) {
	if r := d.ofRecordNumber(p, c.Number); r != nil {
		return nil, d.refused(ctx, s, cpni.ByCallback, r)
	}
	if !c.Answered {
		return d.change(ctx, s.ID, func(s *State) (ledger.Entry, any, error) {
			return ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.OK}, map[string]string{"method": string(cpni.ByCallback), "what": "not answered"}, nil
		}, nil)
	}
	return d.grant(ctx, s, cpni.ByCallback, Customer)
}

// ofRecordNumber refuses numbers that are not of record, and those that someone else may hold for now.
//
// cite: P-20, 47 CFR 64.2003(q)
func (d *Desk) ofRecordNumber(p *customer.Profile, number string) *cpni.Refusal {
	now := d.clock.Now()
	n, ok := customer.Number(number)
	line, of := p.LineOf(n, now)
	if !ok || !of {
		return reject("NOT_TNOR", "that is not the number of a service of this customer; a contact number that they gave is not one of record", []string{"P-20", "47 CFR 64.2003(q)"},
			"call the number of the service", "send a code to an address of record", reachOut[2])
	}
	if !line.Disturbed.IsZero() && now.Before(line.Disturbed.Add(d.rules(now).DisturbedLine)) {
		return reject("NOT_TNOR", "the line was ported, forwarded or given a new SIM a short while ago: someone else may answer it", []string{"P-20", "47 CFR 64.2010(a)"},
			"send a code to an address of record", reachOut[2])
	}
	return nil
}

// cite: 47 CFR 64.2003(r), 47 CFR 64.2010(d)
func (d *Desk) photoID(ctx context.Context, s *State, p *customer.Profile, id PhotoID) (*State, error) {
	now := d.clock.Now()
	clauses := []string{"47 CFR 64.2003(r)", "47 CFR 64.2010(d)"}
	switch {
	case s.Channel != cpni.Store:
		return nil, d.refused(ctx, s, cpni.ByPhotoID, reject("METHOD", "a photo ID proves someone only to whoever holds it in their hand, in a shop", clauses, reachOut...))
	case !id.Government:
		return nil, d.refused(ctx, s, cpni.ByPhotoID, reject("PHOTO_ID", "the document must be issued by a government and bear a photograph", clauses, "ask for a driving licence, passport or comparable document"))
	case id.Expires.IsZero() || !now.Before(id.Expires.AddDate(0, 0, 1)):
		return nil, d.refused(ctx, s, cpni.ByPhotoID, reject("PHOTO_ID", "the document has expired, or its date was not read", clauses, "ask for a document that is still valid"))
	}
	for _, person := range append([]customer.Authorised{{Name: p.Name}}, p.Authorised...) {
		if Spoken(id.Name) != "" && Spoken(id.Name) == Spoken(person.Name) {
			speaker := Customer
			if person.Name != p.Name {
				speaker = string(cpni.ToAuthorised) + ":" + person.Name
			}
			return d.grant(ctx, s, cpni.ByPhotoID, speaker)
		}
	}
	return nil, d.refused(ctx, s, cpni.ByPhotoID, reject("PHOTO_ID", "the name on the document is not that of the account or of an authorised person", clauses, "ask for a document in the customer's name"))
}

// cite: 47 CFR 64.2010(g)
func (d *Desk) contract(ctx context.Context, s *State, p *customer.Profile) (*State, error) {
	b := p.Business
	if b == nil || b.DedicatedRepresentative == "" || !b.ContractCoversCPNI || b.DedicatedRepresentative != string(s.Agent) {
		return nil, d.refused(ctx, s, cpni.ByContract, reject("NO_EXEMPTION",
			"a business contract replaces authentication only with the customer's own dedicated representative and a contract that deals with CPNI", []string{"47 CFR 64.2010(g)"},
			"verify the customer as any other", "let the dedicated representative take the contact"))
	}
	return d.grant(ctx, s, cpni.ByContract, Customer)
}

// sendCode sends a verification code to an address or number of record. The message that carries it is written with
// the contact.
//
// cite: P-20, P-21
func (d *Desk) sendCode(ctx context.Context, s *State, p *customer.Profile, to string) (*State, error) {
	now := d.clock.Now()
	r := d.rules(now)
	via, place, value, digits := cpni.Text, "tnor", to, r.SpokenDigits
	switch to {
	case string(cpni.Postal), string(cpni.Email):
		all := p.Postal
		if to == string(cpni.Email) {
			all = p.Email
		}
		a, ok := newestOfRecord(all, now, r.AddressOfRecordAge)
		if !ok {
			return nil, d.refused(ctx, s, cpni.ByCode, reject("NOT_AOR", "no address of that kind has been on the account long enough to be one of record", []string{"P-21", "47 CFR 64.2003(b)"},
				"call back the number of the service", reachOut[2]))
		}
		via, place, value, digits = cpni.Via(to), "aor", a.Value, r.WrittenDigits
	default:
		if refusal := d.ofRecordNumber(p, to); refusal != nil {
			return nil, d.refused(ctx, s, cpni.ByCode, refusal)
		}
		value, _ = customer.Number(to)
	}
	code, err := newCode(digits)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, s.ID, func(s *State) (ledger.Entry, any, error) {
		s.Code = &Code{Hash: d.codeHash(s.ID, code), Until: now.Add(r.CodeLife), Tries: r.CodeTries, To: place}
		return ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.OK}, map[string]string{"method": string(cpni.ByCode), "what": "sent to " + place}, nil
	}, func(tx *store.Tx, s *State) error {
		return d.plan(ctx, tx, s.Customer, Message{Kind: "verification-code", Via: via, Place: place, To: value, Tokens: map[string]string{"code": code}})
	})
}

func newestOfRecord(all []customer.Address, at time.Time, age time.Duration) (customer.Address, bool) {
	var of []customer.Address
	for _, a := range all {
		if a.OfRecord(at, age) {
			of = append(of, a)
		}
	}
	return customer.Current(of, at)
}

func newCode(digits int) (string, error) {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	n, err := rand.Int(rand.Reader, most)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", digits, n), nil
}

func (d *Desk) codeHash(contact cpni.ID, code string) []byte {
	m := hmac.New(sha256.New, d.codeKey)
	m.Write([]byte(contact))
	m.Write([]byte(code))
	return m.Sum(nil)
}

// code takes the code that was sent: in its contact, within its life, once, and with few tries.
func (d *Desk) code(ctx context.Context, s *State, given string) (*State, error) {
	now := d.clock.Now()
	var right bool
	after, err := d.change(ctx, s.ID, func(s *State) (ledger.Entry, any, error) {
		right = false
		c := s.Code
		if c == nil || c.Tries <= 0 || !now.Before(c.Until) {
			s.Code = nil
			return ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.Reject, Code: "BAD_SECRET"}, map[string]string{"method": string(cpni.ByCode)}, nil
		}
		c.Tries--
		entry := ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.Reject, Code: "BAD_SECRET"}
		if right = hmac.Equal(c.Hash, d.codeHash(s.ID, digitsOf(given))); right {
			s.Code = nil
			if s.Speaker != "" && s.Speaker != Customer {
				s.Evidence = nil
			}
			s.Speaker = Customer
			s.Evidence = append(s.Evidence, rules.Evidence{Method: cpni.ByCode, At: now})
			entry = ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.OK}
		}
		return entry, map[string]string{"method": string(cpni.ByCode)}, nil
	}, func(tx *store.Tx, s *State) error {
		if !right {
			return nil
		}
		return clearThrottle(ctx, tx, s.Customer, secrets)
	})
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, reject("BAD_SECRET", "that is not the code, or it is used up or too old", []string{"P-18", "P-19"}, "send a new code to a number or address of record")
	}
	return after, nil
}
