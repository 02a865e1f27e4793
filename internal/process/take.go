package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Filing is a paper that somebody takes in: what it says, no more and no less, and its scan.
type Filing struct {
	ID      cpni.ID // names the file; sent twice it is taken in once. "" a new one
	By      cpni.ID
	Kind    string // as the policy calls it
	Number  string
	Issuer  string
	Court   string
	To      string // "" or LawEnforcement, or the name of the party to whom it commands to answer
	Officer string // who takes the answer
	Address string
	Key     string // age1…, or ""

	Issued, Received time.Time
	From, Until      time.Time // in force; From zero: from when it was issued
	Due              time.Time // zero: as the policy has it

	About      []string // numbers, accounts or ids of customers; "NUMBER of ACCOUNT" where the account had the number once
	Data       []cpni.DataClass
	AskedFrom  time.Time // the first moment of what is asked for
	AskedUntil time.Time // the first moment after the last

	Silence Silence
	Named   []cpni.ID // who may know of it beside who takes it in, while it forbids to tell the customer
	Scan    []byte
}

// Bounds of a file.
const (
	longestWord   = 200
	longestLine   = 400
	longestReason = 1000
	mostSubjects  = 200
	mostNamed     = 40
	mostYears     = 9 // of what one paper asks for: one decision covers its months
)

var (
	errScan   = cpni.Rejected("BAD_INPUT", "there is no scan of the paper, or it is no PDF, JPEG or PNG of at most 4 MB", []string{"P-29", "47 USC 222(c)(1)"}, "scan the whole paper, signature and all, and take it in with the scan")
	errReason = cpni.Rejected("REASON", "the record has to say why, in at most 1000 bytes", []string{"P-29"}, "write the reason in a few words")
)

// sniff tells what sort of file a scan is, by its own first bytes.
func sniff(scan []byte) (media string, ok bool) {
	for media, begins := range map[string][]byte{"application/pdf": []byte("%PDF-"), "image/jpeg": {0xff, 0xd8, 0xff}, "image/png": []byte("\x89PNG\r\n\x1a\n")} {
		if bytes.HasPrefix(scan, begins) {
			return media, true
		}
	}
	return "", false
}

func line(text string) string { return strings.Join(strings.Fields(text), " ") }

func unprintable(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// check brings a filing to its form, or says what is wrong with it.
func (f *Filing) check(k rules.ProcessKind, now time.Time, zone *time.Location) error {
	for _, text := range []*string{&f.Number, &f.Issuer, &f.Court, &f.To, &f.Officer, &f.Address, &f.Key} {
		if *text = line(*text); len(*text) > longestLine || strings.ContainsFunc(*text, unprintable) {
			return bad("a line of the file is longer than 400 bytes, or has signs that cannot be printed", "write it shorter")
		}
	}
	if f.To == "" {
		f.To = LawEnforcement
	}
	if f.From.IsZero() {
		f.From = f.Issued
	}
	if f.Due.IsZero() {
		f.Due = f.Received.In(zone).AddDate(0, 0, int(k.AnswerWithin/(24*time.Hour))) // by the carrier's clocks
	}
	f.Data = slices.Compact(slices.Sorted(slices.Values(f.Data)))
	incomplete := func(says string, next ...string) error {
		return cpni.Rejected("INCOMPLETE", says, []string{"P-29", "47 USC 222(c)(1)"}, next...)
	}
	switch {
	case f.Number == "" || f.Issuer == "" || len(f.Number) > longestWord || len(f.To) > longestWord:
		return incomplete("a paper has a number and somebody who issued it", "write both as they stand on it", "send a paper without them back to whoever brought it")
	case f.Officer == "" || len(f.Address) == 0:
		return incomplete("it is not said who takes the answer, and where", "write the name and the address that the paper gives")
	case f.Issued.IsZero() || f.Received.IsZero() || f.Until.IsZero():
		return incomplete("a paper has the day on which it was issued and received, and the day until which it is in force", "write the three days; where it names no end, that by which it is to be answered")
	case f.Issued.After(f.Received) || f.Received.After(now):
		return bad("it was received before it was issued, or on a day to come", "look at the stamp again")
	case !f.From.Before(f.Until):
		return bad("the last day on which it is in force lies before the first", "look at the days again")
	case f.AskedFrom.IsZero() || f.AskedUntil.IsZero() || !f.AskedFrom.Before(f.AskedUntil) || f.AskedUntil.After(f.AskedFrom.AddDate(mostYears, 0, 1)):
		return incomplete("it is not said from which day to which day records are asked for, or that is more than 9 years", "write the first and the last day that the paper names")
	case len(f.Data) == 0 || slices.ContainsFunc(f.Data, func(c cpni.DataClass) bool { return !slices.Contains(cpni.DataClasses, c) || c == cpni.Aggregate }):
		return incomplete("it is not said what is asked for", "choose the kinds of records that the paper names")
	case len(f.About) == 0 || len(f.About) > mostSubjects:
		return incomplete("it is not said about whom, or about more than 200", "write a number, an account or a customer's id on each line")
	case len(f.Named) > mostNamed:
		return bad("more than 40 people are named", "name only those who work on it")
	}
	if f.Key != "" {
		if _, err := age.ParseRecipients(strings.NewReader(f.Key)); err != nil {
			return bad("the agency's key is no public key of age", "write the line age1… that the agency gave, or none")
		}
	}
	if f.Silence.Ordered {
		form := rules.SilenceDated
		if f.Silence.Until.IsZero() {
			form = rules.SilenceOpen
		}
		switch {
		case !slices.Contains(k.Silence, form):
			return refuse("a paper of this kind cannot forbid in this way to tell the customer", "look for the order that does, and take that in", "write the day until which it does")
		case form == rules.SilenceDated && !f.Silence.Until.After(f.Received):
			return bad("the silence that it orders is over already", "look at the day again, or leave it out")
		}
	}
	if _, ok := sniff(f.Scan); !ok || len(f.Scan) > MostScan {
		return errScan
	}
	return nil
}

// File takes a paper in. It is answered once somebody else has read it.
//
// cite: P-29, P-41, 47 USC 222(c)(1)
func (r *Register) File(ctx context.Context, f Filing) (*Process, error) {
	now := r.Clock.Now()
	m, _, err := r.Staff.Get(ctx, f.By)
	if err != nil {
		return nil, err
	}
	if refusal := m.Barred(staff.AnswerProcess); refusal != nil {
		return nil, refusal
	}
	if f.ID == "" {
		f.ID = cpni.NewTimedID(now)
	}
	if !f.ID.Valid() {
		return nil, bad("the file has no id", "begin again")
	}
	k, err := r.kind(f.Kind)
	if err != nil {
		return nil, err
	}
	if err := f.check(k, now, r.Zone); err != nil {
		return nil, err
	}
	p := &Process{ID: f.ID, Version: 1, State: Entered, Kind: f.Kind, Received: f.Received.UTC(), Due: f.Due.UTC(), Until: f.Until.UTC(), Changed: now, Number: f.Number, Issuer: f.Issuer, Court: f.Court, To: f.To,
		Officer: f.Officer, Address: f.Address, Key: f.Key, Issued: f.Issued.UTC(), From: f.From.UTC(), TakenBy: f.By, Asked: Scope{Data: f.Data, From: f.AskedFrom.UTC(), Until: f.AskedUntil.UTC()}}
	if f.Silence.Ordered {
		p.Silence = Silence{Ordered: true, Until: f.Silence.Until.UTC()}
		if p.Silence.Until.IsZero() {
			p.Silence.Looked = now
		}
		if p.Named, err = r.named(ctx, k, append([]cpni.ID{f.By}, f.Named...), f.By); err != nil {
			return nil, err
		}
	}
	if p.Subjects, err = r.subjects(ctx, f.About, p.Asked); err != nil {
		return nil, err
	}
	for _, s := range p.Subjects {
		p.Asked.Subjects = append(p.Asked.Subjects, s.No)
	}
	_, err = r.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) { return r.insert(ctx, tx, p, f.Scan) })
	if errors.Is(err, errThere) {
		return r.One(ctx, f.ID, f.By)
	}
	return p, plainly(err)
}

var errThere = errors.New("this file is there already")

func (r *Register) insert(ctx context.Context, tx *store.Tx, p *Process, scan []byte) ([]ledger.Entry, error) {
	sealed, err := r.seal(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	done, err := tx.Exec(ctx, "INSERT INTO process ("+columns+") VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10) ON CONFLICT (process_id) DO NOTHING",
		string(p.ID), p.Kind, string(p.State), p.Received.UnixMicro(), p.Due.UnixMicro(), p.Until.UnixMicro(), p.Silence.stored(), micros(p.Silence.Looked), p.Changed.UnixMicro(), sealed)
	if err != nil {
		return nil, fmt.Errorf("taking legal process in: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return nil, errors.Join(err, errThere)
	}
	for _, s := range p.Subjects {
		plain, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("taking legal process in: %w", err)
		}
		if sealed, err = r.Vault.SealTx(ctx, tx, s.Customer, subjectPlace(p.ID, s.No), plain); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO process_subject (customer_id, process_id, no, sealed) VALUES ($1, $2, $3, $4)", string(s.Customer), string(p.ID), s.No, sealed); err != nil {
			return nil, fmt.Errorf("taking legal process in: %w", err)
		}
	}
	paper, hash, err := r.keep(ctx, tx, p.ID, scan, p.Changed)
	if err != nil {
		return nil, err
	}
	e, err := r.step(ctx, tx, p.ID, string(p.TakenBy), TookIn, p.Changed, Event{Paper: paper, Hash: hash, Scope: &p.Asked})
	return []ledger.Entry{e}, err
}

// named checks who may know of a secret process: all of them may work on legal process at all, and one of them, other than who took it
// in, may read it.
//
// cite: P-29, P-37
func (r *Register) named(ctx context.Context, k rules.ProcessKind, all []cpni.ID, by cpni.ID) ([]cpni.ID, error) {
	var out []cpni.ID
	reader := false
	for _, id := range all {
		if slices.Contains(out, id) {
			continue
		}
		m, _, err := r.Staff.Get(ctx, id)
		if errors.Is(err, staff.ErrNone) {
			return nil, bad("somebody is named who does not work here", "choose from the list")
		}
		if err != nil {
			return nil, err
		}
		if refusal := m.Barred(staff.AnswerProcess); refusal != nil {
			return nil, refusal
		}
		reader = reader || id != by && slices.Contains(k.Reviewers, m.Role)
		out = append(out, id)
	}
	if !reader {
		return nil, cpni.Rejected("INCOMPLETE", "a paper that forbids to tell the customer is known only to those who are named, and none of them can read it for you", []string{"P-29", "P-37"}, "name somebody else who may review a paper of this kind")
	}
	return out, nil
}

// subjects finds whom the entries of a paper mean.
//
// cite: P-29
func (r *Register) subjects(ctx context.Context, about []string, asked Scope) ([]Subject, error) {
	var all []Subject
	add := func(s Subject) {
		s.No = len(all) + 1
		all = append(all, s)
	}
	seen := map[string]bool{}
	for _, says := range about {
		if says = line(says); says == "" || seen[says] {
			continue
		}
		seen[says] = true
		if len(says) > longestWord || strings.ContainsFunc(says, unprintable) {
			return nil, bad("an entry of whom it is about is longer than 200 bytes", "write a number, an account or a customer's id")
		}
		number, account, of := strings.Cut(says, " of ")
		e164, isNumber := customer.Number(number)
		var ids []cpni.ID
		var err error
		switch {
		case of && !isNumber:
			return nil, bad("an entry of whom it is about is not a number of an account", "write it as +12025550101 of A-1001")
		case of:
			if ids, err = r.Customers.Find(ctx, customer.ByAccount, account); err == nil && len(ids) == 0 && cpni.ID(account).Valid() {
				ids = []cpni.ID{cpni.ID(account)}
			}
		case isNumber:
			ids, err = r.Customers.Find(ctx, customer.ByNumber, e164)
		case cpni.ID(says).Valid():
			ids = []cpni.ID{cpni.ID(says)}
		default:
			ids, err = r.Customers.Find(ctx, customer.ByAccount, says)
		}
		if err != nil {
			return nil, err
		}
		if !isNumber {
			e164 = ""
		}
		found := false
		for _, id := range ids {
			p, _, err := r.Customers.Get(ctx, id)
			if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
				continue
			}
			if err != nil {
				return nil, err
			}
			// Who has a number today may not have had it then.
			if e164 != "" && !slices.ContainsFunc(p.Lines, func(l customer.Line) bool {
				return l.Number == e164 && l.Since.Before(asked.Until) && (l.Removed.IsZero() || l.Removed.After(asked.From))
			}) {
				continue
			}
			add(Subject{Customer: id, Says: says, Number: e164})
			found = true
		}
		if !found {
			add(Subject{Says: says, Number: e164})
		}
	}
	if len(all) == 0 || len(all) > mostSubjects {
		return nil, bad("it is about nobody, or about more than 200", "write a number, an account or a customer's id on each line")
	}
	return all, nil
}
