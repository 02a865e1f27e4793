package contact

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
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
	Letter   string // the number of the letter by which the code came; empty: it was sent in this contact
	Contract bool
	Claim    map[string]string // what is no proof: ssn4, born, maiden, account, number, bill, caller-id, voice, recent-payment
}

// Callback is a call to the telephone number of record. Ring has the switch make it; where no switch is set up somebody
// dials, and says whether it was Answered.
//
// cite: P-20
type Callback struct {
	Number   string
	Ring     bool
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

var errBadSecret = reject("BAD_SECRET", "that is not the secret", []string{"P-19", "47 CFR 64.2010(b)"}, append([]string{"ask again"}, reachOut...)...)

// check refuses what is no single proof, or longer than any is.
func (p Proof) check() *cpni.Refusal {
	given := 0
	for _, is := range []bool{p.Password != "", p.PIN != "", len(p.Backup) > 0, p.Callback != nil, p.PhotoID != nil, p.SendCode != "", p.Code != "", p.Contract, len(p.Claim) > 0} {
		if is {
			given++
		}
	}
	fields := []string{p.Password, p.PIN, p.SendCode, p.Code, p.Letter}
	if p.Callback != nil {
		fields = append(fields, p.Callback.Number)
	}
	if p.PhotoID != nil {
		fields = append(fields, p.PhotoID.Name)
	}
	for q, a := range p.Backup {
		fields = append(fields, q, a)
	}
	switch {
	case given == 0:
		return reject("METHOD", "no proof was given", []string{"P-18"}, "give a password or PIN, or "+reachOut[0])
	case given > 1:
		return reject("METHOD", "more than one proof was given", []string{"P-18"}, "give one at a time")
	case len(p.Backup) > customer.MostBackup, slices.ContainsFunc(fields, func(f string) bool { return len(f) > longestSecret }):
		return reject("BAD_SECRET", "that is longer than any secret, number or name", []string{"P-19"}, append([]string{"ask again"}, reachOut...)...)
	}
	return nil
}

func (p Proof) method() cpni.Method {
	switch {
	case len(p.Claim) > 0:
		return ""
	case p.Password != "":
		return cpni.ByPassword
	case p.PIN != "":
		return cpni.ByPIN
	case len(p.Backup) > 0:
		return cpni.ByBackup
	case p.Callback != nil:
		return cpni.ByCallback
	case p.PhotoID != nil:
		return cpni.ByPhotoID
	case p.SendCode != "", p.Code != "":
		return cpni.ByCode
	case p.Contract:
		return cpni.ByContract
	}
	return ""
}

// onRecord is a refusal whose attempt is on record already.
type onRecord struct{ refusal *cpni.Refusal }

func (o onRecord) Error() string { return o.refusal.Error() }

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
		return nil, d.refused(ctx, s, proof, errEnded)
	}
	if r := proof.check(); r != nil {
		return nil, d.refused(ctx, s, proof, r)
	}
	p, _, err := d.customers.Get(ctx, s.Customer)
	if err != nil {
		return nil, err
	}
	if r := cmp.Or(cared(p, proof.method()), closedBy(p, proof.method())); r != nil && len(proof.Claim) == 0 {
		return nil, d.refused(ctx, s, proof, r)
	}
	after, err := d.take(ctx, s, proof)
	var recorded onRecord
	var r *cpni.Refusal
	switch {
	case err == nil:
		return after, nil
	case errors.As(err, &recorded):
		return nil, recorded.refusal
	case errors.As(err, &r):
		return nil, d.refused(ctx, s, proof, r)
	}
	return nil, err
}

func (d *Desk) take(ctx context.Context, s *State, proof Proof) (*State, error) {
	switch {
	case len(proof.Claim) > 0:
		return d.claim(ctx, s, proof.Claim)
	case proof.Password != "":
		return d.secret(ctx, s, cpni.ByPassword, proof.Password)
	case proof.PIN != "":
		return d.secret(ctx, s, cpni.ByPIN, proof.PIN)
	case len(proof.Backup) > 0:
		return d.backup(ctx, s, proof.Backup)
	case proof.Callback != nil:
		return d.callback(ctx, s, *proof.Callback)
	case proof.PhotoID != nil:
		return d.photoID(ctx, s, *proof.PhotoID)
	case proof.SendCode != "":
		return d.sendCode(ctx, s, proof.SendCode)
	case proof.Code != "" && proof.Letter != "":
		return d.letterCode(ctx, s, proof.Code, proof.Letter)
	case proof.Code != "":
		return d.code(ctx, s, proof.Code)
	}
	return d.contract(ctx, s)
}

// refused records an attempt that failed and gives its refusal back.
func (d *Desk) refused(ctx context.Context, s *State, proof Proof, r *cpni.Refusal) error {
	if !s.Customer.Valid() {
		return r // nobody whom a record could be about
	}
	now := d.clock.Now()
	guessed := r == errBadSecret && d.numbers(now).Surge > 0
	_, err := d.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if guessed {
			if err := throttle.Note(ctx, tx, now); err != nil {
				return nil, err
			}
		}
		if secret := cmp.Or(proof.Password, proof.PIN); r == errBadSecret && secret != "" {
			if err := d.noteTried(ctx, tx, s, secret, now); err != nil {
				return nil, err
			}
		}
		e, err := d.vault.Entry(ctx, tx, ledger.Entry{Customer: s.Customer, Kind: ledger.Attempt, At: now, Actor: s.actor(), Contact: string(s.ID),
			Outcome: r.Outcome, Code: r.Code}, map[string]string{"method": string(proof.method())})
		if err != nil || proof.method() == "" {
			return []ledger.Entry{e}, err
		}
		alerts, err := d.alerted(ctx, tx, e, now)
		return append([]ledger.Entry{e}, alerts...), err
	})
	if err != nil && !errors.Is(err, vault.ErrForgotten) {
		return errors.Join(r, err)
	}
	return r
}

// attempt is the ledger entry of an attempt; r is its refusal, or nil.
func attempt(r *cpni.Refusal) ledger.Entry {
	if r == nil {
		return ledger.Entry{Kind: ledger.Attempt, Outcome: cpni.OK}
	}
	return ledger.Entry{Kind: ledger.Attempt, Outcome: r.Outcome, Code: r.Code}
}

// reached notes where a method has reached the customer.
func (s *State) reached(m cpni.Method, where string) {
	all := maps.Clone(s.Reached)
	if all == nil {
		all = map[cpni.Method]string{}
	}
	all[m] = where
	s.Reached = all
}

// prove adds evidence. When another person speaks now, what the first proved is not theirs.
//
// cite: P-16, I-16
func (s *State) prove(method cpni.Method, speaker string, now time.Time) {
	if s.Speaker != speaker {
		s.Evidence, s.Reached = nil, nil
	}
	s.Speaker = speaker
	delete(s.Reached, method)
	s.Evidence = slices.DeleteFunc(s.Evidence, func(e rules.Evidence) bool { return e.Method == method })
	s.Evidence = append(s.Evidence, rules.Evidence{Method: method, At: now})
}

// grant takes a proof that look, which sees contact and customer as they stand, does not refuse: it names the speaker.
// Who has reached the customer, or is the customer, opens the secrets again; an authorised person does not, for they could
// guess at the customer's by turns with giving their own.
func (d *Desk) grant(ctx context.Context, s *State, method cpni.Method, look func(now time.Time, s *State, p *customer.Profile) (string, *cpni.Refusal), counted ...throttle.Counter) (*State, error) {
	return d.change(ctx, s.Customer, s.ID, func(ctx context.Context, tx *store.Tx, now time.Time, s *State, p *customer.Profile) (ledger.Entry, any, error) {
		speaker, refusal := look(now, s, p)
		if refusal != nil {
			return ledger.Entry{}, nil, refusal
		}
		s.prove(method, speaker, now)
		if err := throttle.GiveBack(ctx, tx, now, counted...); err != nil {
			return ledger.Entry{}, nil, err
		}
		if speaker == Customer && method != cpni.ByBackup && method != cpni.ByContract {
			if err := throttle.Clear(ctx, tx, s.Customer, secrets); err != nil {
				return ledger.Entry{}, nil, err
			}
		}
		return attempt(nil), map[string]string{"method": string(method)}, nil
	})
}

// claims are the kinds of what people offer for proof and is none.
var claims = []string{"account", "bill", "born", "caller-id", "maiden", "number", "recent-payment", "ssn4", "voice"}

// claim puts on record what was offered. What exactly was said is not kept, and a kind that is not known is only "other".
//
// cite: P-17, P-18, 47 CFR 64.2010(b), 47 CFR 64.2003(a), 47 CFR 64.2003(m)
func (d *Desk) claim(ctx context.Context, s *State, offered map[string]string) (*State, error) {
	var names []string
	for n := range offered {
		if !slices.Contains(claims, n) {
			n = "other"
		}
		names = append(names, n)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	r := reject("METHOD", "what others can know, read or imitate is no proof: "+strings.Join(names, ", "),
		[]string{"P-18", "47 CFR 64.2010(b)", "47 CFR 64.2003(m)"}, append([]string{"ask for the password or PIN"}, reachOut...)...)
	_, err := d.change(ctx, s.Customer, s.ID, func(_ context.Context, _ *store.Tx, _ time.Time, s *State, _ *customer.Profile) (ledger.Entry, any, error) {
		for _, n := range names {
			if !slices.Contains(s.Claims, n) {
				s.Claims = append(s.Claims, n)
			}
		}
		return attempt(r), map[string]string{"claims": strings.Join(names, " ")}, nil
	})
	if err != nil {
		return nil, err
	}
	return nil, onRecord{r}
}

// secrets is the subject under which failures of password, PIN and backup answers count together: a guesser gains
// nothing by going from one to the other, or from channel to channel.
const secrets = "secrets"

// counters are what a try at a secret counts against.
func counters(s *State, r Rules, kind throttle.Kind) []throttle.Counter {
	all := []throttle.Counter{{Of: s.Customer, Subject: secrets, Rules: r.Customer, Kind: kind}}
	if s.Source != "" {
		all = append(all, throttle.Counter{Subject: "source " + s.Source, Rules: r.Source, Daily: true})
	}
	return all
}

// reserve counts the try as failed before it is looked at, so that tries at the same time cannot slip past the limit.
//
// cite: P-19, I-18, 47 CFR 64.2010(a)
func (d *Desk) reserve(ctx context.Context, now time.Time, surge int, counted []throttle.Counter) *cpni.Refusal {
	var v throttle.Verdict
	crowd := 0
	err := d.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if surge > 0 && counted[0].Kind == throttle.Weak {
			if crowd, err = throttle.InHour(ctx, tx, now); err != nil || crowd >= surge {
				return err
			}
		}
		v, err = throttle.Take(ctx, tx, now, counted...)
		return err
	})
	clauses := []string{"P-19", "47 CFR 64.2010(a)"}
	switch {
	case err != nil:
		return reject("LOCKED", "failed tries cannot be counted now, so none is taken", []string{"P-19"}, append([]string{"ask again in a moment"}, reachOut...)...)
	case surge > 0 && crowd >= surge:
		return reject("LOCKED", "many secrets of many customers are being tried: short PINs are not taken within this hour", clauses, reachOut...)
	case v.Shut:
		return reject("LOCKED", "too many wrong secrets: passwords and PINs stay closed until the customer is reached out to", clauses, reachOut...)
	case v.Wait > 0 && v.Counter > 0:
		return reject("LOCKED", "too many wrong secrets from the same place: the next try is in "+seconds(v.Wait), clauses, reachOut...)
	case v.Wait > 0:
		return reject("LOCKED", "too many wrong secrets: the next try is in "+seconds(v.Wait), clauses, reachOut...)
	}
	return nil
}

// seconds writes a wait, never shorter than it is.
func seconds(d time.Duration) string {
	return ((d + time.Second - 1) / time.Second * time.Second).String()
}

// holder is a person with a secret of the kind asked for.
type holder struct {
	speaker string
	secret  *customer.Secret
}

func holders(p *customer.Profile, method cpni.Method) []holder {
	var all []holder
	add := func(speaker string, c customer.Credentials) {
		secret := c.Password
		if method == cpni.ByPIN {
			secret = c.PIN
		}
		if secret.Proves() {
			all = append(all, holder{speaker, secret})
		}
	}
	if p.Safety != nil && p.Safety.Word != nil { // the secrets of before may be known to others
		if method == cpni.ByPassword {
			all = append(all, holder{Customer, p.Safety.Word})
		}
		return all
	}
	add(Customer, p.Credentials)
	for _, a := range p.Speakers() {
		add(authorised+a.Name, a.Credentials)
	}
	return all
}

// kindOf is how easily the easiest of the secrets is guessed that a try is compared with.
func kindOf(method cpni.Method, people []holder) throttle.Kind {
	switch {
	case slices.ContainsFunc(people, func(h holder) bool { return h.secret.Weak }):
		return throttle.Weak
	case method == cpni.ByPassword:
		return throttle.Password
	}
	return throttle.PIN
}

// cite: P-19, I-18, 47 CFR 64.2010(b)(1)(i)
func (d *Desk) secret(ctx context.Context, s *State, method cpni.Method, given string) (*State, error) {
	p, _, err := d.customers.Get(ctx, s.Customer)
	if err != nil {
		return nil, err
	}
	now := d.clock.Now()
	r := d.numbers(now)
	people := holders(p, method)
	counted := counters(s, r, kindOf(method, people))
	if refusal := d.reserve(ctx, now, r.Surge, counted); refusal != nil {
		return nil, refusal
	}
	who, err := d.match(people, Spoken(given))
	if err != nil {
		return nil, err
	}
	if who == nil && disputed(p, method) {
		return nil, errDisputed // it counts as a wrong one all the same
	}
	if who == nil {
		return nil, errBadSecret
	}
	d.heard.add(s.ID, given)
	return d.grant(ctx, s, method, func(_ time.Time, _ *State, p *customer.Profile) (string, *cpni.Refusal) {
		// The secret may have been changed while it was compared.
		if !slices.ContainsFunc(holders(p, method), func(h holder) bool { return h.speaker == who.speaker && h.secret.Hash == who.secret.Hash }) {
			return "", errBadSecret
		}
		return who.speaker, nil
	}, counted...)
}

// match finds whose secret it is; where nobody has one it takes as long as if somebody had.
func (d *Desk) match(people []holder, given string) (*holder, error) {
	for i := range people {
		ok, err := d.hash.Matches(people[i].secret.Hash, given)
		if err != nil {
			return nil, err
		}
		if ok {
			return &people[i], nil
		}
	}
	if len(people) == 0 {
		d.hash.Waste()
	}
	return nil, nil
}

// backup takes answers to the customer's questions. They are worth no more than a PIN, and nothing once secrets have
// failed so often that tries wait: then only what is stronger stays open.
//
// cite: P-22, I-18, 47 CFR 64.2010(e)
func (d *Desk) backup(ctx context.Context, s *State, answers map[string]string) (*State, error) {
	p, _, err := d.customers.Get(ctx, s.Customer)
	if err != nil {
		return nil, err
	}
	now := d.clock.Now()
	r := d.numbers(now)
	failed, err := throttle.Streak(ctx, d.db.Reader(), s.Customer, secrets)
	if err != nil {
		return nil, err
	}
	if failed > 0 && failed >= r.Customer.FreeTries {
		return nil, reject("LOCKED", "after wrong secrets questions are not asked", []string{"P-22", "47 CFR 64.2010(a)"}, reachOut...)
	}
	counted := counters(s, r, throttle.PIN)
	if refusal := d.reserve(ctx, now, r.Surge, counted); refusal != nil {
		return nil, refusal
	}
	var right []customer.Backup
	for _, q := range slices.Sorted(maps.Keys(answers)) {
		var asked []holder
		i := slices.IndexFunc(p.Credentials.Backup, func(b customer.Backup) bool { return Spoken(b.Question) == Spoken(q) })
		if i >= 0 {
			asked = []holder{{Customer, &p.Credentials.Backup[i].Answer}}
		}
		who, err := d.match(asked, Spoken(answers[q]))
		if err != nil {
			return nil, err
		}
		if who != nil {
			right = append(right, p.Credentials.Backup[i])
			d.heard.add(s.ID, answers[q])
		}
	}
	if len(right) < len(answers) {
		return nil, errBadSecret
	}
	return d.grant(ctx, s, cpni.ByBackup, func(_ time.Time, _ *State, p *customer.Profile) (string, *cpni.Refusal) {
		for _, b := range right {
			if !slices.ContainsFunc(p.Credentials.Backup, func(now customer.Backup) bool { return now.Answer.Hash == b.Answer.Hash && now.Answer.Proves() }) {
				return "", errBadSecret
			}
		}
		return Customer, nil
	}, counted...)
}

// lineOfRecord finds the line of a number of record. It refuses numbers that are none, and those that someone else may hold
// for now.
//
// cite: P-20, 47 CFR 64.2003(q)
func (d *Desk) lineOfRecord(p *customer.Profile, number string, now time.Time) (customer.Line, *cpni.Refusal) {
	n, ok := customer.Number(number)
	line, of := p.LineOf(n, now)
	if !ok || !of || now.Before(line.Since) {
		return line, reject("NOT_TNOR", "that is not the number of a service of this customer; a contact number that they gave is not one of record", []string{"P-20", "47 CFR 64.2003(q)"},
			"call the number of the service", "send a code to an address of record", reachOut[2])
	}
	if p.Quiet(customer.Shared.Lines) {
		return line, errShared
	}
	if at, is := p.Disputes(); line.Frozen || is && !line.Since.Before(at) {
		return line, reject("NOT_TNOR", "the line came with a change that the customer says was not theirs, or after it: it proves nothing until somebody has looked", []string{"P-20", "P-23", "47 CFR 64.2010(a)"}, ways...)
	}
	if isDisturbed(line, now, d.numbers(now).DisturbedLine) {
		return line, reject("NOT_TNOR", "the line was ported, forwarded or given a new SIM a short while ago: someone else may answer it", []string{"P-20", "47 CFR 64.2010(a)"},
			"send a code to an address of record", reachOut[2])
	}
	return line, nil
}

// cite: P-18, 47 CFR 64.2003(r), 47 CFR 64.2010(d)
func (d *Desk) photoID(ctx context.Context, s *State, id PhotoID) (*State, error) {
	return d.grant(ctx, s, cpni.ByPhotoID, func(now time.Time, s *State, p *customer.Profile) (string, *cpni.Refusal) {
		clauses := []string{"47 CFR 64.2003(r)", "47 CFR 64.2010(d)"}
		switch {
		case s.Channel != cpni.Store:
			return "", reject("METHOD", "a photo ID proves someone only to whoever holds it in their hand, in a shop", clauses, reachOut...)
		case !id.Government:
			return "", reject("PHOTO_ID", "the document must be issued by a government and bear a photograph", clauses, "ask for a driving licence, passport or comparable document")
		case id.Expires.IsZero() || !now.Before(id.Expires.AddDate(0, 0, 1)):
			return "", reject("PHOTO_ID", "the document has expired, or its date was not read", clauses, "ask for a document that is still valid")
		}
		name := Spoken(id.Name)
		if name != "" && name == Spoken(p.Name) {
			return Customer, nil
		}
		for _, a := range p.Speakers() {
			if name != "" && name == Spoken(a.Name) {
				return authorised + a.Name, nil
			}
		}
		return "", reject("PHOTO_ID", "the name on the document is not that of the account or of an authorised person", clauses, "ask for a document in the customer's name")
	})
}

// cite: P-16, 47 CFR 64.2010(g)
func (d *Desk) contract(ctx context.Context, s *State) (*State, error) {
	return d.grant(ctx, s, cpni.ByContract, func(_ time.Time, s *State, p *customer.Profile) (string, *cpni.Refusal) {
		b := p.Business
		if b == nil || b.DedicatedRepresentative == "" || !b.ContractCoversCPNI || b.DedicatedRepresentative != string(s.Agent) {
			return "", reject("NO_EXEMPTION",
				"a business contract replaces authentication only with the customer's own dedicated representative and a contract that deals with CPNI", []string{"47 CFR 64.2010(g)"},
				"verify the customer as any other", "let the dedicated representative take the contact")
		}
		return Customer, nil
	})
}
