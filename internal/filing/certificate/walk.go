package certificate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// StepKind is what a step of a walk shows.
type StepKind string

// The kinds of steps.
const (
	StepChecked     StepKind = "checked"     // what was checked, with its numbers
	StepGaps        StepKind = "gaps"        // what was not kept
	StepCertificate StepKind = "certificate" // the words that are signed
	StepDecision    StepKind = "decision"    // a decision of the year, made again
)

// Walk is an officer's way through a file that was frozen for it. What they confirmed is what they can sign.
//
// cite: 47 CFR 64.2009(e)
type Walk struct {
	Began time.Time `json:"-"`
	By    cpni.ID   `json:"-"`
	Seed  string    `json:"seed"` // by which the decisions were drawn: with it they can be drawn again
	Of    Draft     `json:"of"`   // as it was frozen
	Text  string    `json:"text"` // that is signed
	Hash  string    `json:"hash"` // SHA-256 of the text, in hexadecimal
	Drawn []Stratum `json:"drawn"`
	Steps []Step    `json:"steps"`
}

// Stratum is a sort of decisions of the year, by what came of them, and how many of it were drawn.
type Stratum struct {
	Sort  string `json:"sort"` // the outcome, with the purpose of what was permitted or the code of what was refused
	Of    int64  `json:"of"`
	Drawn int    `json:"drawn"`
}

// Step is one step of a walk.
type Step struct {
	ID        string    `json:"id"`
	Kind      StepKind  `json:"kind"`
	Title     string    `json:"title"`
	Decision  *Sampled  `json:"decision,omitempty"`
	Seen      *Seen     `json:"-"` // what making it again has shown; nil: it was not done yet
	Confirmed time.Time `json:"-"` // zero: not yet
	Remark    string    `json:"-"`
}

// Sampled is a recorded decision that was drawn. It holds nothing personal.
type Sampled struct {
	Customer cpni.ID      `json:"customer"`
	Entry    cpni.ID      `json:"entry"`
	At       time.Time    `json:"at"`
	Purpose  string       `json:"purpose"`
	Outcome  cpni.Outcome `json:"outcome"`
	Code     cpni.Code    `json:"code,omitempty"`
}

func (s Sampled) sort() string {
	if s.Code != "" {
		return string(s.Outcome) + " " + string(s.Code)
	}
	return string(s.Outcome) + " " + s.Purpose
}

// Seen is what making a recorded decision again has shown.
type Seen struct {
	At        time.Time    `json:"at"`
	Rules     string       `json:"rules,omitempty"` // version of the rules that decided, and decided again
	Outcome   cpni.Outcome `json:"outcome,omitempty"`
	Codes     []cpni.Code  `json:"codes,omitempty"`
	Decided   []string     `json:"decided,omitempty"` // ids of the rules
	Clauses   []string     `json:"clauses,omitempty"`
	Cites     []string     `json:"cites,omitempty"`
	Facts     []string     `json:"facts,omitempty"`     // on which it stood, in words without anything personal
	Differs   string       `json:"differs,omitempty"`   // how it comes out otherwise than it is recorded; "": it does not
	Forgotten bool         `json:"forgotten,omitempty"` // the customer's key is destroyed, and nobody can read the facts
}

// Same reports whether the decision came out as it is recorded.
func (s *Seen) Same() bool { return s.Differs == "" && !s.Forgotten }

func (w *Walk) step(id string) *Step {
	if w == nil {
		return nil
	}
	for i := range w.Steps {
		if w.Steps[i].ID == id {
			return &w.Steps[i]
		}
	}
	return nil
}

// Next is the first step that is not confirmed; nil: all are.
func (w *Walk) Next() *Step {
	for i := range w.Steps {
		if w.Steps[i].Confirmed.IsZero() {
			return &w.Steps[i]
		}
	}
	return nil
}

// Done reports whether every step is confirmed.
func (w *Walk) Done() bool { return w != nil && w.Next() == nil }

// unsigned refuses what cannot be done any more when the file is signed.
func (m *moved) unsigned() error {
	if m.f.Sign != nil {
		return wrongState("the certificate is signed, and says what it said", "take the signature back, with the reason, where it has to say something else")
	}
	return nil
}

// fit refuses a draft that nobody may sign: of who is no officer, that the records contradict, or that lacks something.
//
// cite: 47 CFR 64.2009(e), V109, V110
func (d *Desk) fit(x *Draft) error {
	if t := x.Fields.Title; t != "" && !d.List.officerTitle(t) {
		return cpni.Rejected("ROLE", fmt.Sprintf("%q is no title of an officer, and an officer has to sign", t), ofCertificate, "have an officer of the carrier sign, under the title of their office")
	}
	if len(x.Contrary) > 0 {
		c := x.Contrary[0]
		return cpni.Rejected(Contradicted, fmt.Sprintf("the statement says %q, and the records say: %s", c.Says, c.Gap), ofCertificate, "say what is so: what was not kept is told, with why and what is done about it", "or mend it first")
	}
	if len(x.Lacking) > 0 {
		var all []string
		for _, l := range x.Lacking {
			all = append(all, l.Says)
		}
		return lacks("the certificate does not say "+strings.Join(all, "; "), "fill in each; where there was nothing, say that there was none")
	}
	return nil
}

// Begin freezes the file of a year as it is now, and draws the decisions that are made again before the officer. A file that nobody may sign is
// not taken: it lacks something, the records contradict it, or its year is not over.
//
// cite: 47 CFR 64.2009(e), V109, V110
func (d *Desk) Begin(ctx context.Context, year int, a Act) (*File, error) {
	if _, err := d.officer(ctx, a.By); err != nil {
		return nil, err
	}
	before, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, year, "")
	if err != nil {
		return nil, err
	}
	for _, e := range before.History {
		if a.ID != "" && e.Act == a.ID {
			return before, nil
		}
	}
	w, err := d.frozen(ctx, before)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, year, a, func(m *moved) error {
		if err := m.unsigned(); err != nil {
			return err
		}
		if m.f.Version != before.Version {
			return cpni.Rejected("CONFLICT", "somebody else has written to this file meanwhile", ofCertificate, "look at it again, then begin once more")
		}
		return m.note(Taken, Event{Walk: w})
	})
}

// frozen makes a walk of a file as it is now.
func (d *Desk) frozen(ctx context.Context, f *File) (*Walk, error) {
	x, err := d.draft(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := d.fit(x); err != nil {
		return nil, err
	}
	if !x.Over {
		return nil, wrongState(fmt.Sprintf("the year %d is not over, and the certificate covers the whole of it", f.Year), "write the file meanwhile, and sign it from January 1 on")
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("drawing decisions: %w", err)
	}
	drawn, strata, err := d.draw(ctx, d.period(f.Year, x.Made), seed)
	if err != nil {
		return nil, err
	}
	w := &Walk{Seed: hex.EncodeToString(seed[:]), Drawn: strata, Steps: []Step{{ID: "checked", Kind: StepChecked, Title: "What was checked"}, {ID: "gaps", Kind: StepGaps, Title: "What was not kept"}, {ID: "certificate", Kind: StepCertificate, Title: "What is signed"}}}
	for n, s := range drawn {
		w.Steps = append(w.Steps, Step{ID: fmt.Sprintf("decision-%d", n+1), Kind: StepDecision, Title: fmt.Sprintf("Decision %d of %d", n+1, len(drawn)), Decision: &s})
	}
	x.Sections = d.sections(x, w)
	w.Of, w.Text = *x, text(x)
	w.Hash = fmt.Sprintf("%x", sha256.Sum256([]byte(w.Text)))
	return w, nil
}

// draw draws decisions of a year by chance: of each sort as many as of the others, as far as there are any, and no more than so many in all.
// The same seed over the same decisions draws the same.
func (d *Desk) draw(ctx context.Context, p Period, seed [32]byte) ([]Sampled, []Stratum, error) {
	n, chance := d.Numbers(p.Now), mathrand.New(mathrand.NewChaCha8(seed))
	of, kept := map[string]int64{}, map[string][]Sampled{}
	for s, err := range d.Decisions(ctx, p) {
		if err != nil {
			return nil, nil, err
		}
		sort := s.sort()
		of[sort]++
		if len(kept[sort]) < n.Each {
			kept[sort] = append(kept[sort], s)
		} else if at := chance.Int64N(of[sort]); at < int64(n.Each) { // each decision of the sort is as likely as any other
			kept[sort][at] = s
		}
	}
	sorts := slices.Sorted(maps.Keys(of))
	chance.Shuffle(len(sorts), func(i, j int) { sorts[i], sorts[j] = sorts[j], sorts[i] })
	var drawn []Sampled
	took := map[string]int{}
	for round := range n.Each {
		for _, sort := range sorts {
			if len(drawn) < n.Most && round < len(kept[sort]) {
				drawn = append(drawn, kept[sort][round])
				took[sort]++
			}
		}
	}
	slices.SortFunc(drawn, func(a, b Sampled) int { return strings.Compare(string(a.Entry), string(b.Entry)) })
	var strata []Stratum
	slices.Sort(sorts)
	for _, sort := range sorts {
		strata = append(strata, Stratum{sort, of[sort], took[sort]})
	}
	return drawn, strata, nil
}

// walking gives the walk and the step that an officer is at.
func (m *moved) walking(id string) (*Step, error) {
	if err := m.unsigned(); err != nil {
		return nil, err
	}
	switch {
	case m.f.Walk == nil:
		return nil, wrongState("nobody is led through this file as it is now", "begin the walk")
	case string(m.f.Walk.By) != m.by:
		return nil, wrongState("another officer is led through this file", "begin a walk of your own")
	}
	s := m.f.Walk.step(id)
	if s == nil {
		return nil, bad("there is no such step in the walk", "look at it again")
	}
	return s, nil
}

// Show makes a drawn decision again from its recorded facts, before the officer, and records what came of it.
//
// cite: P-41, 47 CFR 64.2009(e)
func (d *Desk) Show(ctx context.Context, year int, a Act, step string) (*File, error) {
	if _, err := d.officer(ctx, a.By); err != nil {
		return nil, err
	}
	f, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, year, "")
	if err != nil {
		return nil, err
	}
	s := f.Walk.step(step)
	if s == nil || s.Decision == nil {
		return nil, bad("there is no such decision in the walk", "look at it again")
	}
	seen, err := d.Again(ctx, s.Decision.Customer, s.Decision.Entry)
	if err != nil {
		return nil, err
	}
	seen.At = d.Clock.Now().UTC().Truncate(time.Microsecond)
	entry := s.Decision.Entry
	return d.change(ctx, year, a, func(m *moved) error {
		s, err := m.walking(step)
		if err != nil {
			return err
		}
		if s.Decision == nil || s.Decision.Entry != entry {
			return wrongState("another walk has begun meanwhile", "look at the file again")
		}
		if err := m.note(Shown, Event{Step: step, Seen: &seen}); err != nil || seen.Differs == "" {
			return err
		}
		return m.alert(Differs, "a decision that was drawn for the certificate does not come out as it is recorded")
	})
}

// Differs is the code of the alert that a drawn decision does not come out as it is recorded.
const Differs cpni.Code = "REPLAY_DIFFERS"

// Confirm records that the officer has looked at a step. A decision is confirmed after it was made again, and only when it came out as it is
// recorded, or when nobody can read it any more.
//
// cite: 47 CFR 64.2009(e)
func (d *Desk) Confirm(ctx context.Context, year int, a Act, step, remark string) (*File, error) {
	if _, err := d.officer(ctx, a.By); err != nil {
		return nil, err
	}
	remark = strings.TrimSpace(remark)
	return d.change(ctx, year, a, func(m *moved) error {
		s, err := m.walking(step)
		switch {
		case err != nil:
			return err
		case !s.Confirmed.IsZero():
			return nil
		case len(remark) > longestText || strings.ContainsFunc(remark, unprintable):
			return bad("the remark is longer than 20,000 bytes, or has signs that cannot be printed", "write it shorter")
		case s.Decision != nil && s.Seen == nil:
			return wrongState("this decision was not made again before you yet", "have it made again, and look at what came of it")
		case s.Decision != nil && s.Seen.Differs != "":
			return wrongState("this decision does not come out as it is recorded, and nobody confirms that it does", "find out why, and answer the alert", "begin another walk: what is open then stands in the statement")
		}
		return m.note(Confirmed, Event{Step: step, Remark: remark})
	})
}
