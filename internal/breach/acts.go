package breach

import (
	"context"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Correct puts new facts beside the old ones. What changes counts from now on, and what has become due stays due.
//
// cite: P-43, P-49, P-52, V30, 47 CFR 64.2011(d)
func (d *Desk) Correct(ctx context.Context, id cpni.ID, a Act, f Facts, reason string) (*Incident, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > longestText {
		return nil, errReason
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if err := f.check(m.now); err != nil {
			return err
		}
		_, err := m.note(Corrected, Event{Facts: &f, Reason: reason})
		return err
	})
}

var errReason = cpni.Rejected("REASON", "the record has to say why", []string{"P-49", "47 CFR 64.2011(d)"}, "write the reason in a few words")

// open refuses what is done about a file that is closed.
func (m *moved) open() error {
	if !m.i.Closed.IsZero() {
		return wrongState("the file is closed", "open it again, with the reason")
	}
	return nil
}

// Determine records that it was reasonably determined what happened: from then on the clocks run. It is made once, and at the moment at which
// it is recorded or earlier on the same day. When others may hold that it was made on an earlier day, that day is given beside it, and
// what is due counts from it.
//
// cite: P-44, P-50, V14, 47 CFR 64.2011(b)
func (d *Desk) Determine(ctx context.Context, id cpni.ID, a Act, t Determination) (*Incident, error) {
	t.Basis = strings.TrimSpace(t.Basis)
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if t.At.IsZero() {
			t.At = m.now
		}
		t.At = t.At.UTC()
		today := workday.DateIn(m.now, d.Zone)
		switch {
		case m.i.Determined != nil:
			return wrongState("it was determined already, and the clocks run from then", "correct the facts, with the reason, when they were other than was thought")
		case t.At.After(m.now):
			return bad("nothing is determined at a moment that is to come", "record it when it is made")
		case t.At.Before(m.i.Facts.Discovered) || workday.DateIn(t.At, d.Zone).Before(today):
			return cpni.Rejected(Backdated, "a determination is recorded on the day on which it is made; this one would lie before it, or before the discovery", []string{"P-44", "P-50", "47 CFR 64.2011(b)"},
				"record it as made now", "where others may hold that it was made on an earlier day, give that day beside it: what is due counts from it then")
		case !t.Earlier.IsZero() && (t.Earlier.After(today) || t.Earlier.Before(workday.DateIn(m.i.Facts.Discovered, d.Zone))):
			return bad("the earlier day lies in the future, or before the discovery", "look at the day again")
		case len(t.Basis) > longestText:
			return bad("the basis is longer than 20,000 bytes", "write it shorter, and attach the rest")
		}
		_, err := m.note(Determined, Event{Determination: &t})
		return err
	})
}

// Direct records an agency's word that customers must not be told. Only a written one moves the day from which they may be; a spoken one
// keeps a hold that runs, until it is written, withdrawn or over.
//
// cite: P-48, V18, V19, V21, 47 CFR 64.2011(b)(3)
func (d *Desk) Direct(ctx context.Context, id cpni.ID, a Act, x Direction, scan []byte, reason string) (*Incident, error) {
	x.Agency, x.Officer = line(x.Agency), line(x.Officer)
	i, err := d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if x.Given.IsZero() {
			x.Given = m.now
		}
		x.Given = x.Given.UTC()
		switch {
		case x.Agency == "" || x.Officer == "" || len(x.Agency) > longestWord || len(x.Officer) > longestLine:
			return lacks("it is not said which agency gave the direction, and who in it", []string{"P-48", "47 CFR 64.2011(b)(3)"}, "write both as the agency gives them")
		case x.Given.After(m.now):
			return bad("it was given at a moment that is to come", "look at the day again")
		case x.Until.IsZero() || x.Until.Before(workday.DateIn(x.Given, d.Zone)):
			return lacks("it is not said until which day customers must not be told, or that day is over", []string{"P-48", "47 CFR 64.2011(b)(3)"}, "write the last day of the period")
		}
		e := Event{Direction: &x, Reason: line(reason)}
		var err error
		if e.Paper, e.Hash, err = m.keep("direction", scan); err != nil {
			return err
		}
		if _, err = m.note(Directed, e); err != nil || x.Written {
			return err
		}
		if _, err := m.once(NeedWriting, workday.DateIn(m.now, d.Zone)); err != nil { // the first day's reminder is this alert
			return err
		}
		return m.alert(NeedWriting, "an agency has asked not to tell customers, and has not written it")
	})
	if err == nil && !x.Written {
		return i, held(NeedWriting, "the direction is on record; it does not count until it is in writing, and the hold is kept meanwhile", []string{"P-48", "47 CFR 64.2011(b)(3)"},
			"ask the officer to put it in writing, with agency, date and end")
	}
	return i, err
}

// Drop records that a spoken direction will not be put into writing: it keeps nothing back any more.
//
// cite: P-48, 47 CFR 64.2011(b)(3)
func (d *Desk) Drop(ctx context.Context, id cpni.ID, a Act, agency, reason string) (*Incident, error) {
	agency, reason = line(agency), strings.TrimSpace(reason)
	if reason == "" || len(reason) > longestText {
		return nil, errReason
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if !slices.ContainsFunc(m.i.Directions, func(e Event) bool { return e.Direction.Agency == agency && !e.Direction.Written }) {
			return wrongState("that agency has given no spoken direction", "look at the directions")
		}
		_, err := m.note(Dropped, Event{Agency: agency, Reason: reason})
		return err
	})
}

// Lift records an agency's written word that its direction ends. It never makes the ordinary hold shorter.
//
// cite: P-48, V20, 47 CFR 64.2011(b)(3)
func (d *Desk) Lift(ctx context.Context, id cpni.ID, a Act, agency, officer string, at time.Time, scan []byte) (*Incident, error) {
	agency, officer = line(agency), line(officer)
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if at.IsZero() {
			at = m.now
		}
		switch {
		case !slices.ContainsFunc(m.i.Directions, func(e Event) bool { return e.Direction.Agency == agency && e.Direction.Written }):
			return wrongState("that agency has given no written direction that could be lifted", "look at the directions; a lift is of one agency")
		case officer == "" || len(officer) > longestLine:
			return lacks("it is not said who in the agency lifted it", []string{"P-48", "47 CFR 64.2011(b)(3)"}, "write the name as the agency gives it")
		case at.After(m.now):
			return bad("it was lifted at a moment that is to come", "record it when it is lifted")
		}
		e := Event{Agency: agency, Officer: officer, Happened: at.UTC()}
		var err error
		if e.Paper, e.Hash, err = m.keep("lift", scan); err != nil {
			return err
		}
		_, err = m.note(Lifted, e)
		return err
	})
}

// Consult records that an agency was asked before customers are told at once. It counts when the report says that they must be.
//
// cite: P-47, V16, V17, 47 CFR 64.2011(b)(2)
func (d *Desk) Consult(ctx context.Context, id cpni.ID, a Act, agency, officer string, at time.Time, said string) (*Incident, error) {
	agency, officer, said = line(agency), line(officer), strings.TrimSpace(said)
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if at.IsZero() {
			at = m.now
		}
		switch {
		case agency == "" || len(agency) > longestWord || len(officer) > longestLine || len(said) > longestText:
			return lacks("it is not said which agency was consulted", []string{"P-47", "47 CFR 64.2011(b)(2)"}, "write the agency, who spoke for it and what they said")
		case at.After(m.now):
			return bad("it was consulted at a moment that is to come", "record it when it is done")
		}
		_, err := m.note(Consulted, Event{Agency: agency, Officer: officer, Happened: at.UTC(), Text: said})
		return err
	})
}

// AskedByState records that another law asks for customers to be told by a day. The hold goes before it; that they contradict each other
// is an alert and stands in the file.
//
// cite: P-47, V22, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(f)
func (d *Desk) AskedByState(ctx context.Context, id cpni.ID, a Act, x StateDuty) (*Incident, error) {
	x.State, x.Law = line(x.State), line(x.Law)
	if x.State == "" || x.Law == "" || x.By.IsZero() || len(x.State) > longestWord || len(x.Law) > longestLine {
		return nil, lacks("it is not said which state's law, which section, or by which day", []string{"47 CFR 64.2011(b)(1)"}, "write all three")
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if _, err := m.note(StateAsked, Event{State: &x}); err != nil {
			return err
		}
		c := m.clocks()
		if c.Held && (c.From.IsZero() || workday.DateIn(c.From, d.Zone).After(x.By)) {
			return m.alert(StateLaw, "another law asks for customers to be told before they may be; the hold goes before it")
		}
		return nil
	})
}

// Respond records what an agency has answered, or that no answer has come.
//
// cite: P-53
func (d *Desk) Respond(ctx context.Context, id cpni.ID, a Act, agency, officer, text string, none bool, scan []byte) (*Incident, error) {
	agency, officer, text = line(agency), line(officer), strings.TrimSpace(text)
	switch {
	case none == (text != ""):
		return nil, lacks("an answer has its text, or it is said that none has come", []string{"P-53"}, "write what the agency said, or say that none was received")
	case len(text) > longestText || len(agency) > longestWord || len(officer) > longestLine:
		return nil, bad("the answer is longer than 20,000 bytes, or a name longer than a line", "write it shorter, and attach the rest")
	case !none && agency == "":
		return nil, lacks("it is not said which agency answered", []string{"P-53"}, "write USSS, FBI, FCC or the name of the agency")
	}
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		e := Event{Agency: agency, Officer: officer, Text: text, Happened: m.now}
		var err error
		if e.Paper, e.Hash, err = m.keep("response", scan); err != nil {
			return err
		}
		_, err = m.note(Responded, e)
		return err
	})
}

// Remark adds a remark, and a paper when there is one.
//
// cite: P-49, P-51
func (d *Desk) Remark(ctx context.Context, id cpni.ID, a Act, text, name string, scan []byte) (*Incident, error) {
	text, name = strings.TrimSpace(text), line(name)
	if text == "" && len(scan) == 0 || len(text) > longestText || len(name) > longestWord {
		return nil, bad("a remark says something, in at most 20,000 bytes", "write it, or attach a paper")
	}
	return d.change(ctx, id, a, func(m *moved) error {
		what := Remarked
		if len(scan) > 0 {
			what = Attached
		}
		if name == "" {
			name = "paper"
		}
		e := Event{Text: text}
		var err error
		if e.Paper, e.Hash, err = m.keep(name, scan); err != nil {
			return err
		}
		_, err = m.note(what, e)
		return err
	})
}

// Sanction names the case of discipline that came of the incident.
//
// cite: P-39, 47 CFR 64.2009(b)
func (d *Desk) Sanction(ctx context.Context, id cpni.ID, a Act, of string) (*Incident, error) {
	of = line(of)
	if of == "" || len(of) > longestLine {
		return nil, lacks("it is not said which case", []string{"P-39", "47 CFR 64.2009(b)"}, "give the id of the finding or case")
	}
	return d.change(ctx, id, a, func(m *moved) error {
		_, err := m.note(Sanctioned, Event{Case: of})
		return err
	})
}

// Advance moves the clock of a rehearsal on.
func (d *Desk) Advance(ctx context.Context, id cpni.ID, a Act, by time.Duration) (*Incident, error) {
	return d.change(ctx, id, a, func(m *moved) error {
		switch {
		case !m.i.Exercise:
			return wrongState("only the clock of a rehearsal can be moved", "begin a rehearsal")
		case by <= 0 || by > longestAdvance:
			return bad("the clock of a rehearsal moves on by at most a year at once, and never back", "give days or hours")
		}
		_, err := m.note(Advanced, Event{Forward: by})
		return err
	})
}

const longestAdvance = 366 * 24 * time.Hour
