package certificate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// Sign records that the officer signs the file as they were led through it. session is that in which they have shown their second factor just
// now. What has come up since the file was frozen keeps it from being signed: the statement would not tell of it.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17, V109, V110
func (d *Desk) Sign(ctx context.Context, year int, a Act, session string) (*File, error) {
	member, err := d.officer(ctx, a.By)
	if err != nil {
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
	switch w := before.Walk; {
	case before.Sign != nil:
		return nil, wrongState("the certificate is signed already", "file it")
	case w == nil:
		return nil, wrongState("nobody was led through this file as it is now", "begin the walk: what is signed is what was seen")
	case w.By != a.By:
		return nil, wrongState("another officer was led through this file", "begin a walk of your own, or leave the signature to them")
	case !w.Done():
		return nil, wrongState("the walk through the file is not finished: "+strings.ToLower(w.Next().Title)+" is not confirmed", "confirm each step; then sign")
	case line(w.Of.Fields.Signatory) != line(member.Name):
		return nil, cpni.Rejected("ROLE", "the certificate names somebody else as who signs it", ofCertificate, "have that officer sign", "or write your own name into the file, as the register of the staff has it")
	}
	if err := d.factor(ctx, a.By, session); err != nil {
		return nil, err
	}
	now, err := d.draft(ctx, before)
	if err != nil {
		return nil, err
	}
	if err := d.fit(&before.Walk.Of); err != nil {
		return nil, err
	}
	for _, g := range now.Gaps {
		if !before.Walk.Of.states(g.ID) {
			return nil, wrongState("something has come up since you were led through the file, and the statement does not tell of it: "+g.Says, "explain it in the file", "then begin the walk again")
		}
	}
	if err := d.fit(now); err != nil { // such as a complaint that was taken in meanwhile
		return nil, err
	}
	at := d.Clock.Now().UTC().Truncate(time.Microsecond)
	s := Signature{At: at, By: a.By, Name: before.Walk.Of.Fields.Signatory, Title: before.Walk.Of.Fields.Title, Hash: before.Walk.Hash, FileName: fileName(&before.Walk.Of),
		Gaps: len(before.Walk.Of.Gaps), Amends: before.Walk.Of.Amends, Confirmed: len(before.Walk.Steps)}
	pages, err := d.print(before.Walk, &s)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, year, a, func(m *moved) error {
		if err := m.unsigned(); err != nil {
			return err
		}
		if m.f.Version != before.Version {
			return cpni.Rejected("CONFLICT", "somebody else has written to this file meanwhile", ofCertificate, "look at it again, then do it once more")
		}
		var err error
		if s.Text, err = m.keep("certificate.txt", []byte(before.Walk.Text)); err != nil {
			return err
		}
		if s.Pages, err = m.keep(s.FileName, pages); err != nil {
			return err
		}
		return m.note(SignedIt, Event{Signature: &s})
	})
}

// factor refuses who has not shown their second factor lately enough, in a session of their own.
//
// cite: P-37, 47 CFR 64.2010(a)
func (d *Desk) factor(ctx context.Context, by cpni.ID, session string) error {
	refusal := cpni.Rejected(NoFactor, "the certificate is signed with a second factor that was shown just now", []string{"P-37", "47 CFR 64.2009(e)"}, "show yours at the desk, then sign", "set one up first where you have none")
	factors, err := d.Staff.Factors(ctx, by)
	if err != nil {
		return err
	}
	if len(factors) == 0 || session == "" {
		return refusal
	}
	m, err := d.Staff.Session(ctx, session)
	if err != nil {
		return refusal
	}
	proved, err := d.Staff.Proved(ctx, session)
	if err != nil {
		return err
	}
	if m.ID != by || !proved {
		return refusal
	}
	return nil
}

// File records that the docket has the certificate, with its confirmation and, where there is one, a copy of that. One that is filed late is
// recorded as late.
//
// cite: 47 CFR 64.2009(e), V108
func (d *Desk) File(ctx context.Context, year int, a Act, at time.Time, number string, scan []byte) (*File, error) {
	if err := d.admits(ctx, a.By, staff.KeepRegisters); err != nil {
		return nil, err
	}
	number = line(number)
	return d.change(ctx, year, a, func(m *moved) error {
		if at.IsZero() {
			at = m.now
		}
		switch {
		case m.f.Sign == nil:
			return wrongState("the certificate is not signed", "have an officer sign it first")
		case m.f.Receipt != nil:
			return wrongState("it is recorded already that it was filed", "take the signature back where another has to follow it")
		case number == "" || len(number) > longestLine || strings.ContainsFunc(number, unprintable):
			return cpni.Rejected(NoReceipt, "there is no confirmation that the certificate was filed", ofCertificate, "give the number that the docket has confirmed it with")
		case at.After(m.now):
			return bad("it was filed at a moment that is to come", "record it when it is filed")
		case at.Before(m.f.Sign.At):
			return bad("it was filed before it was signed", "look at the days again")
		}
		r := Receipt{At: at.UTC(), Number: number, Late: workday.Latest(at, d.Zone).After(d.DueOf(year).By)}
		var err error
		if r.Copy, err = m.keep("receipt", scan); err != nil {
			return err
		}
		return m.note(FiledIt, Event{Receipt: &r})
	})
}

// Docket is what whoever files the certificate tells the docket.
//
// cite: 47 CFR 64.2009(e)
type Docket struct {
	Proceeding string
	Filer      string
	FilerID    string
	Year       int
	Title      string
	FileName   string
}

// Docket gives those facts of a draft.
func (d *Desk) Docket(x *Draft) Docket {
	return Docket{Proceeding: d.List.words.Docket, Filer: x.Fields.Company, FilerID: x.Fields.FilerID, Year: x.Year, Title: title(x), FileName: fileName(x)}
}

// PDF prints the certificate: as it was signed, or, while it is not, as the file and the records tell it now, marked as a draft.
//
// cite: 47 CFR 64.2009(e)
func (d *Desk) PDF(ctx context.Context, year int, by cpni.ID) (name string, file []byte, err error) {
	f, err := d.One(ctx, year, by)
	if err != nil {
		return "", nil, err
	}
	if f.Sign != nil {
		_, file, err = d.Paper(ctx, year, by, f.Sign.Pages)
		return f.Sign.FileName, file, err
	}
	x, err := d.draft(ctx, f)
	if err != nil {
		return "", nil, err
	}
	file, err = d.print(&Walk{Of: *x}, nil)
	return "DRAFT-" + fileName(x), file, err
}

// fileName is the name of the file for the docket: words that any system takes.
func fileName(x *Draft) string {
	words := strings.FieldsFunc(strings.ToLower(x.Fields.Company), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	name := fmt.Sprintf("cpni-certification-%d-%s", x.Year, strings.Join(words[:min(len(words), 6)], "-"))
	if x.Amends {
		name += "-amended"
	}
	return strings.TrimSuffix(name, "-") + ".pdf"
}
