package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/policy"
)

// ReadCertificate reads what certificates have to answer for of a policy's files; of one without such a list, what is built in.
//
// cite: 47 CFR 64.2009(e)
func ReadCertificate(files fs.FS, set *rules.Set) (*certificate.List, error) {
	if files == nil || !certificate.There(files) {
		files = policy.Files
	}
	var clauses []string
	for _, c := range set.Clauses() {
		clauses = append(clauses, c.ID)
	}
	return certificate.Load(files, clauses)
}

// openCertificates opens the desk of the annual certificates.
//
// cite: P-37, 47 CFR 64.2009(e)
func (o *Office) openCertificates(c Config) error {
	list, err := ReadCertificate(c.Courses, c.Policy)
	if err != nil {
		return err
	}
	sources := o.certificateSources()
	if err := list.Fits(sources); err != nil {
		return fmt.Errorf("what certificates say: %w", err)
	}
	o.Certificates = certificate.New(certificate.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Clock: o.Clock, Zone: o.Zone, Calendars: o.calendars,
		Numbers: numbersOf(o.Policy, certificate.NumbersOf), List: list, Sources: sources, Letterhead: o.Letterhead(),
		Carrier: func() certificate.Carrier {
			f := o.ReportFacts().Carrier
			if f.LegalName == "" {
				f.LegalName = o.Carrier.Name
			}
			return certificate.Carrier{Name: f.LegalName, FilerID: f.FilerID}
		},
		Unanswered: func(ctx context.Context, p certificate.Period) (map[cpni.Code]int64, error) {
			return o.Watch.Unanswered(ctx, p.To)
		},
		Keepers:    o.clauseKeepers,
		Complaints: o.complaintsOf, Known: o.knownOf, Decisions: o.decisionsOf, Again: o.decidedAgain,
		Hush: func(ctx context.Context, by cpni.ID, texts ...string) error {
			return o.hush(ctx, breach.Certificate, by, time.Time{}, texts...)
		}})
	return nil
}

// clauseKeepers tells what keeps clauses now: the rules that they name, and when their stories were last told.
//
// cite: P-37, 47 CFR 64.2009(e)
func (o *Office) clauseKeepers(ctx context.Context) (func(clauses []string) certificate.Keeping, error) {
	set := o.rulesInForce()
	named, inForce := map[string][]string{}, map[string]bool{}
	for _, c := range set.Clauses() {
		named[c.ID] = c.Rules
	}
	for _, r := range set.Rules() {
		inForce[r.ID] = true
	}
	told, err := o.told(ctx)
	return func(clauses []string) (k certificate.Keeping) {
		never := false
		for _, c := range clauses {
			for _, r := range named[c] {
				if !inForce[r] {
					k.Off = append(k.Off, r)
				}
			}
			t, ok := told[c]
			if t.Failed > 0 {
				k.Failed = append(k.Failed, c)
			}
			if never = never || !ok; k.Tested.IsZero() || t.At.Before(k.Tested) {
				k.Tested = t.At
			}
		}
		if never {
			k.Tested = time.Time{}
		}
		return k
	}, err
}

// complaintsOf counts the complaints of a year by the categories that the Commission asks for, as the registers hold them.
//
// cite: 47 CFR 64.2009(e)
func (o *Office) complaintsOf(ctx context.Context, p certificate.Period) (c certificate.Complaints, err error) {
	y, err := o.Books.Year(ctx, "", p.Year)
	if err != nil {
		return c, err
	}
	for _, x := range y.Complaints {
		switch x.Category {
		case complaint.EmployeeAccess:
			c.Employee = len(x.Rows)
		case complaint.Disclosure:
			c.Disclosure = len(x.Rows)
		case complaint.OnlineAccess:
			c.Online = len(x.Rows)
		}
	}
	return c, nil
}

// knownOf tells which actions against data brokers and which methods of pretexters the registers hold of a year.
//
// cite: 47 CFR 64.2009(e)
func (o *Office) knownOf(ctx context.Context, p certificate.Period) (k certificate.Known, err error) {
	y, err := o.Books.Year(ctx, "", p.Year)
	if err != nil {
		return k, err
	}
	for _, r := range y.Actions {
		k.Actions = append(k.Actions, r.Title)
	}
	for _, r := range y.Methods {
		k.Methods = append(k.Methods, r.Title)
	}
	return k, nil
}

// decisionsOf gives the decisions of a year, as Watch has followed them.
func (o *Office) decisionsOf(ctx context.Context, p certificate.Period) iter.Seq2[certificate.Sampled, error] {
	return func(yield func(certificate.Sampled, error) bool) {
		for f, err := range o.Watch.Decisions(ctx, p.From, p.To) {
			if !yield(certificate.Sampled{Customer: f.Customer, Entry: f.ID, At: f.At, Purpose: f.Purpose, Outcome: f.Outcome, Code: f.Code}, err) {
				return
			}
		}
	}
}

// decidedAgain makes a recorded decision again for whoever is led through a certificate.
func (o *Office) decidedAgain(ctx context.Context, customer, entry cpni.ID) (certificate.Seen, error) {
	x, err := o.Door.Once(ctx, customer, entry)
	if errors.Is(err, ledger.ErrNoRecord) { // its time of keeping is over
		return certificate.Seen{Forgotten: true}, nil
	}
	if err != nil {
		return certificate.Seen{}, err
	}
	d := x.Decision
	return certificate.Seen{Rules: x.Rules, Outcome: d.Outcome, Codes: d.Codes, Decided: d.Rules, Clauses: d.Clauses, Cites: d.Cites, Facts: x.Facts, Differs: x.Differs, Forgotten: x.Forgotten}, nil
}

// Replayed is what the last replay of all decisions that was asked for here has found.
type Replayed struct {
	At                           time.Time
	Decisions, Differ, Forgotten int64
}

const metaReplayed = "office.replayed"

// Replay makes every recorded decision again, and records what came of it. A large ledger is better replayed with `ringfence replay`, which
// leaves no record here.
//
// cite: P-41, I-04, 47 CFR 64.2009(c)
func (o *Office) Replay(ctx context.Context, by cpni.ID) (Replayed, error) {
	found, err := o.Door.Replay(ctx, io.Discard)
	if err != nil {
		return Replayed{}, err
	}
	out := Replayed{At: o.Clock.Now(), Decisions: found.Decisions, Differ: int64(len(found.Differ)) + found.More, Forgotten: found.Forgotten}
	_, err = o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := tx.SetMeta(ctx, metaReplayed, fmt.Sprintf("%d %d %d %d", out.At.UnixMicro(), out.Decisions, out.Differ, out.Forgotten)); err != nil {
			return nil, err
		}
		e, err := o.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: out.At, Actor: string(by), Outcome: cpni.OK}, map[string]any{"what": "decisions replayed", "decisions": out.Decisions, "differ": out.Differ})
		return []ledger.Entry{e}, err
	})
	return out, err
}

// LastReplayed is what the last replay has found; nil: there was none.
func (o *Office) LastReplayed(ctx context.Context) (*Replayed, error) {
	text, err := o.DB.Meta(ctx, metaReplayed)
	if err != nil || text == "" {
		return nil, err
	}
	var n [4]int64
	for i, word := range strings.Fields(text) {
		if i < len(n) {
			if n[i], err = strconv.ParseInt(word, 10, 64); err != nil {
				return nil, nil
			}
		}
	}
	return &Replayed{time.UnixMicro(n[0]).UTC(), n[1], n[2], n[3]}, nil
}
