package books

import (
	"slices"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// Source is where a complaint comes from.
type Source string

// The sources.
const (
	FromReport    Source = "report"    // the customer reported it in the portal or at the desk
	FromCustomer  Source = "customer"  // a customer, by letter, mail or telephone
	FromFormer    Source = "former"    // somebody who is no customer any more
	FromRegulator Source = "regulator" // the Commission, a state commission or an attorney general passed it on
	FromPress     Source = "press"
	FromOther     Source = "other"
)

// Sources lists those that somebody can enter.
var Sources = []Source{FromCustomer, FromFormer, FromRegulator, FromPress, FromOther}

// Verdict is what was found about a complaint.
type Verdict string

// The verdicts.
const (
	NotKnown  Verdict = "not-known"
	Founded   Verdict = "founded"
	Unfounded Verdict = "unfounded"
)

// Verdicts lists them.
var Verdicts = []Verdict{NotKnown, Founded, Unfounded}

// Counted are the categories by which complaints are counted for the Commission, in its order. A complaint about something else stands on
// the register and counts under none of them.
//
// cite: 47 CFR 64.2009(e)
var Counted = []complaint.Category{complaint.EmployeeAccess, complaint.Disclosure, complaint.OnlineAccess}

// CategoryWords say what each category is.
//
// cite: 47 CFR 64.2009(e)
var CategoryWords = map[complaint.Category]string{complaint.EmployeeAccess: "Access by an employee who had no right to it", complaint.Disclosure: "Disclosure to somebody who had no right to it",
	complaint.OnlineAccess: "Access online by somebody who had no right to it", complaint.Other: "Something else"}

// SourceWords and VerdictWords say what the others are.
var (
	SourceWords = map[Source]string{FromReport: "The customer reported it here", FromCustomer: "A customer", FromFormer: "Somebody who is no customer any more", FromRegulator: "A regulator passed it on",
		FromPress: "The press", FromOther: "Somebody else"}
	VerdictWords = map[Verdict]string{NotKnown: "Not known yet", Founded: "Founded", Unfounded: "Unfounded"}
)

// Complaint is that somebody says that a customer's information was released or reached without right. It says nothing of who complained.
//
// cite: 47 CFR 64.2009(e)
type Complaint struct {
	Category complaint.Category `json:"category"`
	Source   Source             `json:"source"`
	Received workday.Date       `json:"received"` // the day on which the carrier had it; under its year it counts
	Verdict  Verdict            `json:"verdict"`
	Finding  string             `json:"finding,omitempty"` // what was found, and on what that rests
	Done     string             `json:"done,omitempty"`    // what was done about it
}

// Complainant is what tells who complained, and how. It is sealed for the customer where the customer is known.
//
// cite: P-37, I-21
type Complainant struct {
	Name string `json:"name,omitempty"` // and how they are reached
	Says string `json:"says,omitempty"` // in their words
}

func (c Complainant) empty() bool { return c == Complainant{} }

func (c *Complainant) check() error { return tidy([]*string{&c.Name}, []*string{&c.Says}) }

func (c *Complaint) kind() Kind { return Complaints }

func (c *Complaint) check(_ *Desk, today workday.Date) error {
	if c.Verdict == "" {
		c.Verdict = NotKnown
	}
	if err := tidy(nil, []*string{&c.Finding, &c.Done}); err != nil {
		return err
	}
	switch {
	case !slices.Contains(complaint.Categories, c.Category):
		return bad("that is no category of complaints", "say employee-access, disclosure, online-access or other")
	case c.Source != FromReport && !slices.Contains(Sources, c.Source):
		return bad("that is nowhere a complaint comes from", "say customer, former, regulator, press or other")
	case c.Received.IsZero():
		return lacks("it is not said when the complaint was received", "give the day on which the carrier had it: under its year it counts")
	case c.Received.After(today):
		return bad("it was received on a day that is to come", "look at the day again")
	case !slices.Contains(Verdicts, c.Verdict):
		return bad("what was found is founded, unfounded or not known", "say not-known until it is")
	case c.Verdict != NotKnown && c.Finding == "":
		return lacks("a verdict stands without what was found", "say in a sentence what was found, and how that is known; name no customer")
	}
	return nil
}

func (c *Complaint) placed() placed {
	return placed{subject: string(c.Category), day: c.Received, last: c.Received}
}

func (c *Complaint) title() string { return CategoryWords[c.Category] }

func (c *Complaint) lines() []Line {
	return []Line{{"Category", CategoryWords[c.Category]}, {"From", SourceWords[c.Source]}, {"Received", day(c.Received)}, {"Found to be", VerdictWords[c.Verdict]}, {"What was found", c.Finding}, {"What was done", c.Done}}
}

// reported is the complaint that a report makes.
func reported(category complaint.Category, received workday.Date) Facts {
	return Facts{Complaint: &Complaint{Category: category, Source: FromReport, Received: received, Verdict: NotKnown}}
}

var errReport = cpni.Rejected("BAD_INPUT", "where this complaint comes from, and when it came, is what the customer's report says", ofBooks, "correct its category, what was found and what was done")
