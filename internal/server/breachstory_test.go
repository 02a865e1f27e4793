package server

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
	"ringfence/internal/visitor/browsertest"
)

// storyClock is the clock of a story: the machine's, from a moment on, and what has passed in the story beside it.
type storyClock struct {
	begins, at time.Time
	ahead      atomic.Int64
}

// Now is the story's moment.
func (c *storyClock) Now() time.Time {
	return c.begins.Add(time.Since(c.at)).Add(time.Duration(c.ahead.Load()))
}

// to lets the time come.
func (c *storyClock) to(at time.Time) {
	if d := at.Sub(c.Now()); d > 0 {
		c.ahead.Add(int64(d))
	}
}

// fold opens what stands behind a title.
func (p *person) fold(title string) {
	p.t.Helper()
	p.does("opening "+title, `click(called("", "summary", `+quoted(title)+`))`)
}

// A breach from the alert to the closed file, by what people see and press: an agent has looked at cards, compliance takes the alert in as
// an incident, finds whose cards they were, determines it and files the report; to tell customers is refused while the hold lasts, and while
// an agency has it in writing that nothing is told; when that is lifted and the hold is over, those three are told by words that an officer
// has agreed to, each once; and the file is closed.
//
// cite: P-43, P-44, P-45, P-47, P-48, P-51, P-52, P-53, I-08, I-10, 47 CFR 64.2011
func TestStoryOfABreach(t *testing.T) {
	clock := &storyClock{begins: time.Date(2026, 3, 5, 15, 0, 0, 0, time.UTC), at: time.Now()}
	machine := Machine
	Machine = cpni.ClockFunc(clock.Now)
	t.Cleanup(func() { Machine = machine })
	s := newCampaignStory(t)
	ann, ben, cy := s.customer("Ann Archer", "+12025550141"), s.customer("Ben Baker", "+12025550142"), s.customer("Cy Coleman", "+12025550143")
	s.customer("Dee Dawson", "+12025550144")
	_, err := s.office.Staff.Add(t.Context(), staff.Member{Login: "alma", Name: "Alma", Role: cpni.RoleAgent, Trained: s.office.Clock.Now()}, staffWord, "test")
	must(t, err)
	must(t, s.office.Watch.SetDecoy(t.Context(), ann.ID, true, "test"))
	browser := chromium(t)

	// Alma looks at three cards without a reason; one of them is a decoy.
	alma := newPerson(t, browser, s.at)
	alma.atDesk("alma")
	for _, c := range []cpni.ID{ben.ID, cy.ID, ann.ID} {
		alma.goTo("/desk/customers/" + string(c))
		alma.sees("Sign out")
	}

	// Compliance finds the alert, and takes it in as an incident.
	cora := newPerson(t, browser, s.at)
	cora.atDesk("cora")
	s.until("the alert is raised", func() bool {
		cora.goTo("/alerts?detector=decoy")
		return strings.Contains(cora.reads(), "Alma")
	})
	cora.press("Decoy")
	cora.sees("Evidence", "Take it in as an incident")
	cora.picture("b01-alert")
	cora.press("Take it in as an incident")
	cora.sees("Take an incident in", "What is not known stays unknown")
	cora.fill("What happened, and under which circumstances", "An agent opened the cards of customers who had not called.")
	cora.pick("Customer information", "Call detail")
	cora.fill("Basis of the findings", "The agent was asked, and the log was read.")
	cora.press("Take it in")
	cora.sees("It is taken in as I-2026-1.", "Rule of 2007", "Order of 2023", "Held until it is determined what happened", "The alert that it was learned from")
	cora.picture("b02-incident")
	file := evaluate[string](cora, `location.pathname`)

	// Whose data was it? The ledger knows.
	cora.press("Whose data")
	cora.sees("Find them in the ledger", "There are none here.")
	cora.fill("By", "Alma")
	cora.pick("Find them in the ledger", "Also those of whom only a card, a list or the record was shown")
	cora.press("Trace")
	cora.sees("The ledger is traced", "3 customers are reached", "By Alma")
	cora.picture("b03-whose-data")

	// It is determined, and the clocks run. To tell customers now is refused.
	cora.press("Overview")
	cora.sees("Determine what happened")
	cora.fill("On what it rests", "Alma has said so.")
	cora.press("It is determined now")
	cora.sees("It is determined. The clocks run.", "Report to Secret Service and FBI", "not counted: Saturday")
	cora.picture("b04-clocks")
	cora.press("Telling")
	cora.sees("No customer may be told before the agencies have the report")
	cora.press("Tell the customers")
	cora.sees("LE_HOLD", "P-47")
	cora.picture("b05-refused")

	// The report is filed by a person at the facility, and its receipt entered: only then the hold begins.
	cora.press("Report")
	cora.sees("What is missing", "I have filed it")
	cora.picture("b06-report")
	cora.fill("Number of the receipt", "R-26-77")
	cora.pick("Agencies that the receipt names", "Secret Service")
	cora.pick("Agencies that the receipt names", "FBI")
	cora.press("Enter the receipt")
	cora.sees("receipt R-26-77", "the receipt names Secret Service and FBI", "As it was filed, as PDF")
	cora.picture("b07-filed")
	cora.press("Overview")
	cora.sees("Hold: customers are told nothing", "not before 17 Mar 2026")

	// What customers are told is written, and read by somebody else.
	cora.press("Telling")
	for language, words := range map[string][4]string{
		"English": {"An employee of ours opened your account record without a reason.", "We ended their access on the same day.", "Look at your last bills, and call us about what you do not know.", "your call records"},
		"Spanish": {"Un empleado abrió la ficha de su cuenta sin motivo.", "Le retiramos el acceso el mismo día.", "Revise sus últimas facturas y llámenos si no reconoce algo.", "sus registros de llamadas"},
	} {
		for n, label := range []string{"What happened", "What we have done about it", "What the customer can do", "Which information, for a text message"} {
			cora.fill(label+", "+language, words[n])
		}
	}
	cora.press("Keep the words")
	cora.sees("The words are kept.", "You wrote them, so somebody else reads them.")
	otto := newPerson(t, browser, s.at)
	otto.atDesk("otto")
	otto.press("Incidents")
	otto.sees("1 file", "Alert: Decoy", "Tell the customers, not before")
	otto.picture("b08-incidents")
	otto.press("I-2026-1")
	otto.sees("To be done")
	otto.press("Telling")
	otto.press("I have read them, and agree")
	otto.sees("You have agreed to the words.", "Agreed to by a second person")

	// An agency directs in writing that nothing is told, beyond the ordinary hold.
	cora.press("Agencies")
	cora.sees("Directions not to tell customers")
	cora.pick("How it was given", "In writing: customers may not be told before it is over")
	cora.fill("Agency", "FBI")
	cora.fill("Officer", "Agent Doe")
	cora.fill("Until and with", "2026-04-02")
	cora.press("Put it on record")
	cora.sees("The direction is on record.", "Stands")
	cora.picture("b09-direction")

	// The ordinary hold is over; the direction still holds, until it is lifted.
	clock.to(time.Date(2026, 3, 18, 15, 0, 0, 0, time.UTC))
	cora.comesBack("cora", file+"/telling")
	cora.sees("No customer may be told before 2026-04-03")
	cora.press("Tell the customers")
	cora.sees("LE_HOLD")
	cora.press("Agencies")
	cora.fold("An agency lifts its direction in writing")
	cora.fill("Officer", "Agent Doe")
	cora.press("It is lifted")
	cora.sees("It is lifted.", "Lifted 18 March 2026")

	// Now they are told, each once.
	cora.press("Telling")
	cora.sees("0 of 3 customers told")
	if n := len(s.messagesOf(notify.IncidentNotice)); n != 0 {
		t.Errorf("%d customers were told before they may be (P-47)", n)
	}
	cora.press("Tell the customers")
	cora.sees("The customers are being told.")
	cora.again("3 of 3 customers told", "Everybody is told")
	cora.picture("b10-told")
	var to []string
	for _, m := range s.messagesOf(notify.IncidentNotice) {
		to = append(to, m.To)
		if !strings.Contains(m.Text, "opened your account record without a reason") {
			t.Errorf("the notice does not say what happened:\n%s", m.Text)
		}
	}
	if slices.Sort(to); !slices.Equal(to, []string{"ann@example.com", "ben@example.com", "cy@example.com"}) {
		t.Errorf("these were told: %v (I-10)", to)
	}

	// What the agencies answered, and the end.
	cora.press("Agencies")
	cora.sees("Answers of the agencies")
	cora.press("None was received")
	cora.sees("None was received.")
	cora.press("Closing")
	cora.sees("What the file lacks", "It is not said what the cause was.")
	cora.picture("b11-closing")
	cora.fill("Cause", "Cards could be opened without a contact.")
	cora.fill("Remedy", "They cannot any more.")
	cora.fill("Lessons", "Decoys are looked at every day.")
	cora.fill("Why nobody is disciplined", "Alma has left.")
	cora.press("Close the file")
	cora.sees("The file is closed.", "How it was closed", "is kept until")
	cora.press("History")
	cora.sees("Opened", "Customers reached", "Determined", "Telling refused", "Report filed", "Words agreed to", "Direction lifted", "Telling began", "Telling ended", "Closed")
	cora.picture("b12-history")

	i, err := s.office.Incidents.One(context.WithoutCancel(t.Context()), s.incident(), s.member("cora"))
	must(t, err)
	if len(i.All(breach.Refused)) != 2 || i.Closed.IsZero() || i.Set != 3 {
		t.Errorf("the file has %d refusals, %d customers, closed %v", len(i.All(breach.Refused)), i.Set, i.Closed)
	}
}

// member gives the id of a member of the staff.
func (s *campaignStory) member(login string) cpni.ID {
	s.t.Helper()
	all, err := s.office.Staff.Members(s.t.Context())
	must(s.t, err)
	for _, m := range all {
		if m.Login == login {
			return m.ID
		}
	}
	s.t.Fatalf("nobody signs in as %s", login)
	return ""
}

// incident is the one that there is.
func (s *campaignStory) incident() cpni.ID {
	s.t.Helper()
	all, err := s.office.Incidents.List(s.t.Context(), s.member("cora"), breach.Query{Closed: true})
	must(s.t, err)
	if len(all) != 1 {
		s.t.Fatalf("%d files are closed", len(all))
	}
	return all[0].ID
}

// comesBack goes to a page after time has passed: who was signed in then signs in again.
func (p *person) comesBack(login, path string) {
	p.t.Helper()
	p.goTo(path)
	page := ""
	if !browsertest.Until(func() bool { page = p.reads(); return page != "" }) {
		p.t.Fatal("there is no page")
	}
	if strings.Contains(page, "Sign in to the desk") {
		p.fill("Name", login)
		p.fill("Password", staffWord)
		p.press("Sign in")
		p.goTo(path)
	}
}
