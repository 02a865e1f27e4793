package books

import (
	"context"
	"errors"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/partner"
	"ringfence/internal/workday"
)

// Body is before whom the carrier has acted against a data broker.
type Body string

// The bodies.
const (
	StateCommission Body = "state-commission"
	Court           Body = "court"
	Commission      Body = "fcc"
	OtherBody       Body = "other"
)

// Bodies lists them.
var Bodies = []Body{StateCommission, Court, Commission, OtherBody}

// BodyWords say what each is.
var BodyWords = map[Body]string{StateCommission: "A state commission", Court: "A court", Commission: "The Federal Communications Commission", OtherBody: "Another body"}

// Action is a proceeding or petition of the carrier against somebody who trades in customers' information.
//
// cite: 47 CFR 64.2009(e)
type Action struct {
	Body    Body         `json:"body"`
	Name    string       `json:"name,omitempty"`   // which court or commission
	Docket  string       `json:"docket,omitempty"` // its number there
	On      workday.Date `json:"on"`               // the day on which it was brought
	Against string       `json:"against"`
	What    string       `json:"what"`              // what was asked for
	Outcome string       `json:"outcome,omitempty"` // "" there is none yet
}

func (a *Action) kind() Kind { return Actions }

func (a *Action) check(_ *Desk, today workday.Date) error {
	if err := tidy([]*string{&a.Name, &a.Docket, &a.Against}, []*string{&a.What, &a.Outcome}); err != nil {
		return err
	}
	switch {
	case !slices.Contains(Bodies, a.Body):
		return bad("it is not said before whom", "say state-commission, court, fcc or other")
	case a.On.IsZero():
		return lacks("it is not said when it was brought", "give the day on which it was filed")
	case a.On.After(today):
		return bad("it was brought on a day that is to come", "record it when it is")
	case a.Against == "":
		return lacks("it is not said against whom", "name the data broker, or say that it is not known who it is")
	case a.What == "":
		return lacks("it is not said what was done", "say in a sentence what was asked for")
	}
	return nil
}

func (a *Action) placed() placed { return placed{day: a.On, last: a.On} }

func (a *Action) title() string {
	if a.Name != "" {
		return a.Against + ", " + a.Name
	}
	return a.Against + ", " + BodyWords[a.Body]
}

func (a *Action) lines() []Line {
	return []Line{{"Before", BodyWords[a.Body]}, {"Which one", a.Name}, {"Docket or number", a.Docket}, {"Brought", day(a.On)}, {"Against", a.Against}, {"What", a.What}, {"Outcome", a.Outcome}}
}

// Method is a way by which somebody tried to get customers' information that is not theirs, and what protects against it.
//
// cite: P-37, 47 CFR 64.2009(e), 47 CFR 64.2010(a)
type Method struct {
	What      string       `json:"what"`
	First     workday.Date `json:"first"`         // when it was first seen
	Last      workday.Date `json:"last,omitzero"` // when it was last seen; zero: on the first day alone
	Known     string       `json:"known"`         // how it is known
	Alerts    []cpni.ID    `json:"alerts,omitempty"`
	Incidents []cpni.ID    `json:"incidents,omitempty"`
	Steps     string       `json:"steps,omitempty"` // that protect against it; "" none yet
	Since     workday.Date `json:"since,omitzero"`  // since when
}

func (m *Method) kind() Kind { return Methods }

func (m *Method) check(_ *Desk, today workday.Date) error {
	if err := tidy(nil, []*string{&m.What, &m.Known, &m.Steps}); err != nil {
		return err
	}
	if err := errors.Join(linked(m.Alerts), linked(m.Incidents)); err != nil {
		return plainly(err)
	}
	switch {
	case m.What == "":
		return lacks("the method is not described", "describe in a few sentences what they do; name no customer")
	case m.First.IsZero():
		return lacks("it is not said when the method was seen", "give the first day")
	case m.First.After(today) || m.Last.After(today):
		return bad("it was seen on a day that is to come", "look at the days again")
	case !m.Last.IsZero() && m.Last.Before(m.First):
		return bad("it was last seen before it was first seen", "look at the days again")
	case m.Known == "":
		return lacks("it is not said how the method is known", "say by which alert, incident or failed attempts, or who told of it")
	case m.Steps != "" && m.Since.IsZero():
		return lacks("it is not said since when the steps protect", "give the day on which they were taken, or the first day of those that come")
	case m.Steps == "" && !m.Since.IsZero():
		return lacks("there is a day of steps, and no steps", "say what was done against the method, or leave the day out")
	}
	return nil
}

func (m *Method) placed() placed {
	if m.Last.IsZero() {
		return placed{day: m.First, last: m.First}
	}
	return placed{day: m.First, last: m.Last}
}

// shortTitle bounds the title of a method, in letters.
const shortTitle = 120

func (m *Method) title() string {
	if letters := []rune(line(m.What)); len(letters) > shortTitle {
		return string(letters[:shortTitle]) + "…"
	}
	return line(m.What)
}

func (m *Method) lines() []Line {
	return []Line{{"What they do", m.What}, {"First seen", day(m.First)}, {"Last seen", day(m.Last)}, {"How it is known", m.Known}, {"Alerts", joined(m.Alerts)}, {"Incidents", joined(m.Incidents)},
		{"What protects against it", m.Steps}, {"Since", day(m.Since)}}
}

// Review is that somebody has looked at how a partner treats customers' information.
//
// cite: P-37, 47 CFR 64.2010(a)
type Review struct {
	Partner  string       `json:"partner"` // its id on the register of partners
	On       workday.Date `json:"on"`
	Reviewer string       `json:"reviewer"`
	Checked  string       `json:"checked"`            // what was looked at
	Findings string       `json:"findings,omitempty"` // "" nothing was found
	MendBy   workday.Date `json:"mend_by,omitzero"`   // by when what was found is mended
	Mended   workday.Date `json:"mended,omitzero"`    // when it was; zero: not yet
	Next     workday.Date `json:"next"`               // the last day for the next review; zero when it is given: as the policy has it
}

func (r *Review) kind() Kind { return Reviews }

func (r *Review) check(d *Desk, today workday.Date) error {
	if err := tidy([]*string{&r.Reviewer}, []*string{&r.Checked, &r.Findings}); err != nil {
		return err
	}
	switch {
	case r.On.IsZero():
		return lacks("it is not said when the review was", "give the day on which it was finished")
	case r.On.After(today):
		return bad("the review was on a day that is to come", "record it when it is done")
	case r.Reviewer == "":
		return lacks("it is not said who reviewed", "name the person, or the company that did it for the carrier")
	case r.Checked == "":
		return lacks("it is not said what was checked", "say what was looked at: who has access there, how it is protected, what was destroyed and how that is proved")
	case r.Findings == "" && (!r.MendBy.IsZero() || !r.Mended.IsZero()):
		return lacks("there is a day for mending, and no finding", "say what was found, or leave the days out")
	case r.Findings != "" && r.MendBy.IsZero():
		return lacks("it is not said by when what was found is mended", "agree on a day with the partner")
	case !r.MendBy.IsZero() && r.MendBy.Before(r.On):
		return bad("what was found is to be mended before the review", "look at the days again")
	case r.Mended.After(today) || !r.Mended.IsZero() && r.Mended.Before(r.On):
		return bad("what was found was mended before the review, or on a day that is to come", "look at the day again")
	}
	latest := months(r.On, d.Numbers(d.Clock.Now()).EveryMonths)
	if r.Next.IsZero() {
		r.Next = latest
	}
	if !r.Next.After(r.On) || r.Next.After(latest) {
		return bad("the next review is not after this one, or later than the policy lets it be", "give an earlier day, or none for that of the policy")
	}
	return nil
}

func (r *Review) placed() placed {
	p := placed{subject: r.Partner, day: r.On, last: r.On}
	if r.Mended.IsZero() {
		p.mends = r.MendBy
	}
	return p
}

func (r *Review) title() string { return r.Partner }

func (r *Review) lines() []Line {
	return []Line{{"Partner", r.Partner}, {"Reviewed", day(r.On)}, {"By", r.Reviewer}, {"What was checked", r.Checked}, {"Findings", r.Findings}, {"To be mended by", day(r.MendBy)}, {"Mended", day(r.Mended)}, {"Next review by", day(r.Next)}}
}

// months is the same day so many months later; of one that such a month does not have, the first day behind it.
func months(d workday.Date, n int) workday.Date {
	return workday.On(d.Year, d.Month+time.Month(n), d.Day)
}

// known refuses a review of a partner that is not on the register.
func (d *Desk) known(ctx context.Context, f Facts) error {
	if f.Review == nil {
		return nil
	}
	_, _, err := d.Partners.Get(ctx, f.Review.Partner)
	if errors.Is(err, partner.ErrNoPartner) {
		return bad("there is no such partner on the register", "choose the partner from the register, or put it there first")
	}
	return err
}
