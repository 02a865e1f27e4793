package filing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Bounds of what a file says, in bytes.
const (
	longestText  = 20_000
	longestLine  = 400
	mostAffected = 1_000_000_000
)

func line(text string) string { return strings.Join(strings.Fields(text), " ") }

func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || unicode.Is(unicode.Cf, r)
}

// check brings facts to their form, or says what is wrong with them.
//
// cite: P-12, 47 CFR 64.2009(f)
func (f *Facts) check(now time.Time, zone *time.Location) error {
	f.Mechanism = line(f.Mechanism)
	for _, text := range []*string{&f.What, &f.Remedy, &f.Commissions, &f.Action, &f.Notice, &f.Contact} {
		*text = strings.TrimSpace(*text)
		if len(*text) > longestText || strings.ContainsFunc(*text, unprintable) {
			return bad("a text of the file is longer than 20,000 bytes, or has signs that cannot be printed", "write it shorter")
		}
	}
	if f.States == "" {
		f.States = clock.Unknown
	}
	switch {
	case f.Mechanism == "":
		return lacks("it is not said which way to refuse did not work", "name it, such as the form on the web or the telephone line")
	case len(f.Mechanism) > longestLine:
		return bad("the way to refuse is longer than a line of 400 bytes", "name it in a few words")
	case f.What == "":
		return lacks("it is not said what the problem was", "describe in a few sentences what customers experienced; it can be corrected later")
	case f.Found.IsZero():
		return lacks("it is not said when it was found", "give the moment at which somebody first knew of it")
	case f.Found.After(now):
		return bad("it was found at a moment that is to come", "look at the day again")
	case !f.First.IsZero() && f.First.After(workday.Latest(f.Found, zone)):
		return bad("the first day on which it did not work lies after it was found", "look at the days again")
	case f.Affected < 0 || f.Affected > mostAffected:
		return bad("so many customers cannot be", "give how many could not refuse, as far as is known")
	case f.States != clock.Yes && f.States != clock.No && f.States != clock.Unknown:
		return bad("whether state commissions were notified is yes, no or unknown", "say unknown until it is known")
	case f.States != clock.Yes && (f.Commissions != "" || f.Action != ""):
		return bad("state commissions are named that were not notified", "say that they were, or leave them out")
	}
	f.Found = f.Found.UTC()
	return nil
}

// Intake is a failure as somebody first tells of it.
type Intake struct {
	ID    cpni.ID // names it; sent twice it is taken in once. "" a fresh one
	By    cpni.ID
	Facts Facts
}

// Open takes a failure in, from whoever works for the carrier and from its systems. Somebody has to judge it.
//
// cite: P-12, 47 CFR 64.2009(f)
func (d *Desk) Open(ctx context.Context, in Intake) (*Failure, error) {
	now := d.Clock.Now()
	if err := d.admits(ctx, in.By, staff.ReportIncidents); err != nil {
		return nil, err
	}
	if in.ID == "" {
		in.ID = cpni.NewTimedID(now)
	}
	if !in.ID.Valid() {
		return nil, bad("the file has no id", "begin again")
	}
	if err := in.Facts.check(now, d.Zone); err != nil {
		return nil, err
	}
	for range mostTries {
		var f *Failure
		_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
			f, entries, err = d.insert(ctx, tx, in, now)
			return entries, err
		})
		switch {
		case errors.Is(err, errTaken): // another was given the same number at the same moment
			continue
		case errors.Is(err, errDone):
			return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, in.ID, "")
		}
		return f, plainly(err)
	}
	return nil, cpni.Rejected("BUSY", "too many failures are taken in at this moment", ofLetter, "send it again; it is taken in once")
}

// mostTries is how often a number is looked for that no other node gives at the same moment.
const mostTries = 20

var errTaken = errors.New("another file has this number")

func (d *Desk) insert(ctx context.Context, tx *store.Tx, in Intake, now time.Time) (*Failure, []ledger.Entry, error) {
	var there int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM filing_failure WHERE failure_id = $1", string(in.ID)).Scan(&there); err != nil || there > 0 {
		if err == nil {
			err = errDone
		}
		return nil, nil, err
	}
	year, seq := now.In(d.Zone).Year(), 0
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(seq), 0) + 1 FROM filing_failure WHERE year = $1", year).Scan(&seq); err != nil {
		return nil, nil, fmt.Errorf("numbering a failure: %w", err)
	}
	done, err := tx.Exec(ctx, "INSERT INTO filing_failure (failure_id, version, year, seq, state, at, changed) VALUES ($1, 0, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING",
		string(in.ID), year, seq, string(Open), now.UnixMicro())
	if err != nil {
		return nil, nil, fmt.Errorf("taking a failure in: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = errTaken
		}
		return nil, nil, err
	}
	m := &moved{d: d, ctx: ctx, tx: tx, by: string(in.By), now: now, f: &Failure{ID: in.ID, Number: numbered(year, seq)}}
	if err := m.note(Opened, Event{Facts: &in.Facts}); err != nil {
		return nil, nil, err
	}
	if err := m.alert(Failed, "a way to refuse did not work; somebody has to judge whether it was more than an anomaly"); err != nil {
		return nil, nil, err
	}
	return m.f, m.all, m.write()
}

// unsent refuses what cannot be done any more when the letter is sent.
func (m *moved) unsent() error {
	if m.f.Letter != nil {
		return wrongState("the letter is sent, and the file says what it said", "open another file where the way fails again, or where there is more to say")
	}
	return nil
}

// Correct puts new facts beside those that are held, with the reason.
//
// cite: 47 CFR 64.2009(f)
func (d *Desk) Correct(ctx context.Context, id cpni.ID, a Act, facts Facts, reason string) (*Failure, error) {
	reason = strings.TrimSpace(reason)
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.unsent(); err != nil {
			return err
		}
		if err := facts.check(m.now, d.Zone); err != nil {
			return err
		}
		switch {
		case reason == "" || len(reason) > longestText:
			return lacks("it is not said why the facts are corrected", "write in a sentence what has become known")
		case m.f.Judged != nil && facts.Found.After(m.f.Judged.At):
			return bad("it was found after it was judged", "look at the day again")
		}
		return m.note(Corrected, Event{Facts: &facts, Reason: reason})
	})
}

// Judge records whether a failure was more than an anomaly: if it was, the clock of the letter runs from then. What was judged to be an
// anomaly may later be judged to be more; what was judged to be more stays so.
//
// cite: 47 CFR 64.2009(f), V55, V56, V57
func (d *Desk) Judge(ctx context.Context, id cpni.ID, a Act, j Judgement) (*Failure, error) {
	j.Basis = strings.TrimSpace(j.Basis)
	return d.change(ctx, id, a, func(m *moved) error {
		if j.At.IsZero() {
			j.At = m.now
		}
		j.At = j.At.UTC()
		switch before := m.f.Judged; {
		case before != nil && !before.Anomaly:
			return wrongState("it was judged already to be more than an anomaly, and the clock runs", "correct the facts where they are other than was thought, and send the letter")
		case before != nil && j.Anomaly:
			return wrongState("it was judged already to be an anomaly", "judge it again when it turns out to be more")
		case before != nil && j.At.Before(before.At):
			return bad("it was judged to be an anomaly after that moment", "give the moment at which it was judged to be more")
		case j.At.After(m.now):
			return bad("it was judged at a moment that is to come", "record it when it is judged")
		case j.At.Before(m.f.Facts.Found):
			return bad("it was judged before it was found", "look at the days again")
		case len(j.Basis) > longestText || strings.ContainsFunc(j.Basis, unprintable):
			return bad("the basis is longer than 20,000 bytes, or has signs that cannot be printed", "write it shorter")
		case j.Anomaly && j.Basis == "":
			return lacks("a judgement by which no letter is due stands without its basis", "say why it was no more than an anomaly: how many could not refuse, for how long, and how that is known; that other ways worked is no reason")
		}
		return m.note(Judged, Event{Judgement: &j})
	})
}

// File records that the letter was sent to the Commission, and keeps it as it was drafted, with what proves it. A letter that lacks
// something the rule asks for cannot be recorded as sent. One that is sent late is recorded as late.
//
// cite: 47 CFR 64.2009(f)
func (d *Desk) File(ctx context.Context, id cpni.ID, a Act, at time.Time, proof string, scan []byte) (*Failure, error) {
	proof = line(proof)
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.unsent(); err != nil {
			return err
		}
		if at.IsZero() {
			at = m.now
		}
		switch m.f.Anomaly() {
		case clock.Unknown:
			return wrongState("it is not judged yet whether it was more than an anomaly", "judge it first: the letter says when that was")
		case clock.Yes:
			return wrongState("it was judged to be an anomaly, of which the Commission gets no letter", "judge it to be more, where it is")
		}
		draft := Write(m.f, d.Carrier, d.Zone)
		var gaps []string
		for _, e := range draft.Lacking() {
			gaps = append(gaps, e.Lacks)
		}
		switch {
		case len(gaps) > 0:
			return lacks("the letter does not say "+strings.Join(gaps, "; "), "correct the facts; the draft shows what it lacks")
		case proof == "" || len(proof) > longestLine:
			return cpni.Rejected(NoReceipt, "there is no proof that the letter was sent", ofLetter, "give the confirmation of the filing, or the number of the registered letter")
		case at.After(m.now):
			return bad("it was sent at a moment that is to come", "record it when it is sent")
		case at.Before(m.f.Judged.At):
			return bad("it was sent before it was judged", "look at the days again")
		}
		sent := Letter{At: at.UTC(), Proof: proof, Late: workday.Latest(at, d.Zone).After(d.LetterBy(m.f).Last)}
		var err error
		if sent.Text, err = m.keep("letter", []byte(draft.Text())); err != nil {
			return err
		}
		if sent.Scan, err = m.keep("proof", scan); err != nil {
			return err
		}
		return m.note(Sent, Event{Letter: &sent})
	})
}
