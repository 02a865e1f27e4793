package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/breach"
	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// incidentPlaces are the breach desk: from the first suspicion to the last customer told. Whoever works for the carrier may say that there
// is something; what becomes of it only those see whose work it is. To the others every address here answers as it would if there were no
// incident at all.
//
// cite: P-37, P-43, P-44, P-45, P-47, P-48, P-49, P-52, P-53, 47 CFR 64.2010(a), 47 CFR 64.2011
func incidentPlaces() []place {
	const list, one = "/incidents", "/incidents/{incident}"
	const agencies, papers, closing = one + "/agencies", one + "/papers", one + "/closing"
	const read, handle = staff.ReadIncidents, staff.HandleIncidents
	return []place{
		{pattern: "/suspicion", right: staff.ReportIncidents, get: (*visit).suspicionPage, post: (*visit).reportSuspicion, long: true},
		{pattern: "/suspicion/{number}", right: staff.ReportIncidents, get: (*visit).suspectedPage},

		{pattern: list, right: read, get: (*visit).incidentsPage},
		{pattern: list + "/new", right: handle, get: (*visit).newIncidentPage, post: (*visit).takeIncidentIn, long: true},
		{pattern: one, right: read, get: (*visit).incidentPage},
		{pattern: one + "/facts", right: handle, get: (*visit).correctFactsPage, post: (*visit).correctFacts, long: true},
		{pattern: one + "/determine", right: handle, post: (*visit).determineIncident, home: one, long: true},
		{pattern: one + "/advance", right: handle, post: (*visit).advanceIncident, home: one},

		{pattern: agencies, right: read, get: (*visit).agenciesPage},
		{pattern: agencies + "/direct", right: handle, post: (*visit).directIncident, home: agencies, scan: breach.MostPaper},
		{pattern: agencies + "/lift", right: handle, post: (*visit).liftDirection, home: agencies, scan: breach.MostPaper},
		{pattern: agencies + "/drop", right: handle, post: (*visit).dropDirection, home: agencies},
		{pattern: agencies + "/consult", right: handle, post: (*visit).consultAgency, home: agencies, long: true},
		{pattern: agencies + "/state", right: handle, post: (*visit).stateDuty, home: agencies},
		{pattern: agencies + "/respond", right: handle, post: (*visit).agencyAnswered, home: agencies, scan: breach.MostPaper, long: true},

		{pattern: papers, right: read, get: (*visit).incidentPapersPage},
		{pattern: papers + "/add", right: handle, post: (*visit).remarkIncident, home: papers, scan: breach.MostPaper, long: true},
		{pattern: papers + "/{n}", right: read, get: (*visit).incidentPaper},

		{pattern: closing, right: read, get: (*visit).closingPage},
		{pattern: closing + "/close", right: handle, post: (*visit).closeIncident, home: closing, long: true},
		{pattern: closing + "/reopen", right: handle, post: (*visit).reopenIncident, home: closing},
		{pattern: closing + "/case", right: handle, post: (*visit).sanctionIncident, home: closing},

		{pattern: one + "/history", right: read, get: (*visit).incidentHistoryPage},
		{pattern: one + "/history/{step}", right: read, get: (*visit).incidentStepPage},
	}
}

func incidentAddress(id cpni.ID) string { return "/incidents/" + string(id) }

// The words of the desk.
var (
	incidentKinds = map[clocks.Kind]chip{clocks.Breach: {"Breach", "bad"}, clocks.RegisterEntry: {"Register entry", "warn"}, clocks.Attempt: {"Failed attempt", ""}}
	ruleNames     = map[clocks.Profile]string{clocks.Rule2007: "Rule of 2007", clocks.Rule2023: "Order of 2023"}
	agencyNames   = map[clocks.Agency]string{clocks.FCC: "FCC", clocks.SecretService: "Secret Service", clocks.FBI: "FBI"}
	clockTitles   = map[string]string{"agencies": "Report to the agencies", "hold": "Hold: customers are told nothing", "customers": "Customers are told", "direction": "Direction of an agency", "summary": "Summary of the year"}

	outcomeChoices = []option{{string(clocks.Attempted), "Attempted: nothing was seen"}, {string(clocks.Accessed), "Seen"}, {string(clocks.Used), "Used"}, {string(clocks.Disclosed), "Passed on"}}
	truthChoices   = []option{{string(clocks.Unknown), "Not known"}, {string(clocks.Yes), "Yes"}, {string(clocks.No), "No"}}
	keyChoices     = []option{{string(clocks.Plain), "Not encrypted"}, {string(clocks.KeyUnknown), "Encrypted; whether the key was taken is not known"}, {string(clocks.KeySafe), "Encrypted, and there is definitive evidence that the key was not taken"}}
	harmChoices    = []option{{string(clocks.HarmUnknown), "Not known: it counts as likely"}, {string(clocks.Likely), "Likely"}, {string(clocks.Unlikely), "Found unlikely, with the basis below"}}
)

// wordIn gives the words of a choice.
func wordIn[T ~string](choices []option, value T) string {
	for _, o := range choices {
		if o.Value == string(value) {
			return o.Text
		}
	}
	return string(value)
}

func agenciesText(all []clocks.Agency) string {
	var names []string
	for _, a := range all {
		names = append(names, agencyNames[a])
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// dated writes a day for people; "" of none.
func dated(d workday.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.Start(time.UTC).Format("Mon 2 Jan 2006")
}

// incidentDue is something that is to be done about an incident.
type incidentDue struct {
	What, Day, Left, Tone string
	Address               string // where it is done
	on                    workday.Date
	late                  bool
}

// todayOf is the carrier's day, which in a rehearsal runs ahead.
func (v *visit) todayOf(i *breach.Incident) workday.Date {
	return workday.DateIn(i.Now(v.now), v.office.Zone)
}

// incidentDues says what is to be done about an incident, what is late first, then what is due next.
//
// cite: P-44, P-47, P-48, 47 CFR 64.2011(b), 47 CFR 64.2011(c)
func (v *visit) incidentDues(i *breach.Incident, c clocks.Clocks) []incidentDue {
	if !i.Closed.IsZero() {
		return nil
	}
	today, at := v.todayOf(i), incidentAddress(i.ID)
	var all []incidentDue
	add := func(what, address string, on workday.Date, late bool) {
		d := incidentDue{What: what, Day: dated(on), Address: at + address, on: on, late: late}
		if !on.IsZero() {
			d.Left, d.Tone = daysLeft(today.DaysUntil(on))
			if late && d.Tone != "bad" { // over in Washington, where it is later
				d.Left, d.Tone = "late", "bad"
			}
			d.late = d.Tone == "bad"
		}
		all = append(all, d)
	}
	if i.Determined == nil {
		add("Determine what happened", "#determine", workday.Date{}, false)
	}
	if len(c.Agencies) > 0 && c.Reported.IsZero() {
		add("Report to "+agenciesText(c.Agencies), "/report", c.AgenciesBy, c.Late)
	}
	if i.Now(v.now).Before(c.OralUntil) {
		add("Have the spoken direction put in writing", "/agencies", workday.DateIn(c.OralUntil, v.office.Zone), false)
	}
	if c.Must && i.ToldAll.IsZero() && !c.From.IsZero() {
		by, what := c.By, "Tell the customers"
		if from := workday.Latest(c.From, v.office.Zone); from.After(by) {
			by = from
		}
		if c.Held {
			what += ", not before " + v.clock(c.From)
		}
		add(what, "/telling", by, c.CustomersLate)
	}
	if len(all) == 0 {
		add("Close the file", "/closing", workday.Date{}, false)
	}
	if !c.SummaryBy.IsZero() && i.Summarized.IsZero() { // the file need not stay open until then
		add(fmt.Sprintf("File the summary of %d, in which it has to stand", c.Summary), "", c.SummaryBy, false)
		all[len(all)-1].Address = summaryAnchor(c.Summary)
	}
	slices.SortStableFunc(all, func(a, b incidentDue) int {
		if a.late != b.late {
			return flagged(b.late) - flagged(a.late)
		}
		if a.on.IsZero() || b.on.IsZero() {
			return flagged(a.on.IsZero()) - flagged(b.on.IsZero())
		}
		return a.on.Compare(b.on)
	})
	return all
}

func flagged(is bool) int {
	if is {
		return 1
	}
	return 0
}

// daysLeft says how many days are left, with the tone of it.
func daysLeft(days int) (text, tone string) {
	switch {
	case days < 0:
		return counted(-days, "day late", "days late"), "bad"
	case days == 0:
		return "today", "warn"
	case days == 1:
		return "tomorrow", "warn"
	}
	return fmt.Sprintf("in %d days", days), ""
}

// holdText says whether customers may be told, and from when.
//
// cite: P-47, P-48, 47 CFR 64.2011(a), 47 CFR 64.2011(b)(1)
func (v *visit) holdText(i *breach.Incident, c clocks.Clocks) chip {
	switch {
	case !i.ToldAll.IsZero():
		return chip{"Customers told", "good"}
	case c.Held && c.Hold == string(breach.NeedWriting):
		return chip{"Held: an agency has spoken and not written", "warn"}
	case c.Held && !c.From.IsZero():
		return chip{"Held until " + v.clock(c.From), "warn"}
	case c.Held && i.Determined == nil:
		return chip{"Held until it is determined what happened", "warn"}
	case c.Held:
		return chip{"Held until the agencies have the report and the days after it are over", "warn"}
	case c.Must:
		return chip{"Customers may be told", "good"}
	}
	return chip{"Not held, and nobody has to be told", ""}
}

// incidentRow is an incident as the list has it.
type incidentRow struct {
	Address, Number, Called, When string
	Kind                          chip
	Due                           *incidentDue
	Hold                          chip
	more                          int // things to be done beside Due
}

func (v *visit) incidentRow(i *breach.Incident) incidentRow {
	c := v.office.Incidents.Clocks(i)
	r := incidentRow{Address: incidentAddress(i.ID), Number: i.Number, Called: i.Facts.Title, When: v.day(i.Opened), Kind: incidentKinds[c.Kind], Hold: v.holdText(i, c)}
	if all := v.incidentDues(i, c); len(all) > 0 {
		r.Due, r.more = &all[0], len(all)-1
	}
	if !i.Closed.IsZero() {
		r.When, r.Hold = v.day(i.Closed), chip{"Closed", "good"}
	}
	return r
}

// incidentsView lists incidents: open ones, closed ones, or rehearsals.
type incidentsView struct {
	page
	States []navItem
	Rows   []incidentRow
	Older  string
	Closed bool
	May    bool

	Summaries []yearSummary
}

// incidentsPage lists incidents; of open ones what is late stands first, then what is due next.
//
// cite: P-44, P-47, P-49, 47 CFR 64.2011(d)
func (v *visit) incidentsPage() error {
	of := v.r.URL.Query().Get("of")
	q := breach.Query{Closed: of == "closed", Exercise: of == "rehearsals", Before: cpni.ID(v.r.URL.Query().Get("before")), Limit: mostOpen}
	if !q.Before.Valid() {
		q.Before = ""
	}
	if q.Closed || q.Exercise {
		q.Limit = rowsOnPage + 1
	}
	view := incidentsView{page: v.page("Incidents", "/incidents"), Closed: q.Closed, May: v.member.May(staff.HandleIncidents)}
	for _, s := range []option{{"", "Open"}, {"closed", "Closed"}, {"rehearsals", "Rehearsals"}} {
		view.States = append(view.States, navItem{s.Text, strings.TrimSuffix("/incidents?"+queryOf("of", s.Value), "?"), s.Value == of || s.Value == "" && !q.Closed && !q.Exercise})
	}
	all, err := v.office.Incidents.List(v.r.Context(), v.member.ID, q)
	if err != nil {
		return err
	}
	if (q.Closed || q.Exercise) && len(all) > rowsOnPage {
		all = all[:rowsOnPage]
		view.Older = "/incidents?" + queryOf("of", of, "before", string(all[rowsOnPage-1].ID))
	}
	for _, i := range all {
		view.Rows = append(view.Rows, v.incidentRow(i))
	}
	if !q.Closed {
		slices.SortStableFunc(view.Rows, dueFirst)
	}
	if !q.Closed && !q.Exercise {
		if view.Summaries, err = v.yearSummaries(); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, incidentsPage(view))
}

// mostOpen bounds how many open incidents are listed, which are few.
const mostOpen = 500

// dueFirst sorts what is late first, then by the day on which something is due; what has no day comes last.
func dueFirst(a, b incidentRow) int {
	if a.Due == nil || b.Due == nil {
		return cmp.Compare(flagged(a.Due == nil), flagged(b.Due == nil))
	}
	if a.Due.late != b.Due.late {
		return flagged(b.Due.late) - flagged(a.Due.late)
	}
	if x, y := a.Due.on.IsZero(), b.Due.on.IsZero(); x || y {
		return flagged(x) - flagged(y)
	}
	return a.Due.on.Compare(b.Due.on)
}

// incidentsWait says in one line what the breach desk waits for; nothing to those who do not work there.
//
// cite: P-44, P-47, 47 CFR 64.2011(b)
func (v *visit) incidentsWait() ([]waiting, error) {
	if !v.member.May(staff.HandleIncidents) {
		return nil, nil
	}
	all, err := v.office.Incidents.List(v.r.Context(), v.member.ID, breach.Query{Limit: mostOpen})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var rows []incidentRow
	late := 0
	for _, i := range all {
		r := v.incidentRow(i)
		if r.Due.late {
			late++
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, dueFirst)
	next := rows[0]
	text := fmt.Sprintf("%s: %s", next.Number, uncapital(next.Due.What))
	if next.Due.Day != "" {
		text += fmt.Sprintf(", %s, %s", next.Due.Day, next.Due.Left)
	}
	text = counted(len(all), "incident is open", "incidents are open") + "; " + text
	w := waiting{text, "/incidents", "warn"}
	if late > 0 {
		w.Text, w.Tone = counted(late, "incident is late", "incidents are late")+"; "+text, "bad"
	}
	return []waiting{w}, nil
}

// incidentOf gives the incident of the address.
func (v *visit) incidentOf() (*breach.Incident, error) {
	i, err := v.office.Incidents.One(v.r.Context(), v.id("incident"), v.member.ID)
	if errors.Is(err, breach.ErrNone) {
		return nil, errNowhere
	}
	return i, err
}

// actOn names what the person does about the incident of the address: sent twice it is done once. Where the form bears the version of the
// file that the person has seen, what somebody else has written meanwhile is not passed over.
//
// cite: P-49, I-11, 47 CFR 64.2011(d)
func (v *visit) actOn(what string) (breach.Act, error) {
	key, err := v.key("incident " + what + " " + string(v.id("incident")))
	if err != nil {
		return breach.Act{}, err
	}
	a := breach.Act{By: v.member.ID, ID: key}
	if v.form.Has("version") {
		if a.Version, err = v.seenVersion(); err != nil {
			return breach.Act{}, err
		}
	}
	return a, nil
}

// wentOn goes to a page of the incident with what came of the last step.
func (v *visit) wentOn(page, note string, err error) error {
	return v.told(err, incidentAddress(v.id("incident"))+page, note, breach.ErrNone)
}

// doing does something about the incident of the address, and goes to a page of it with what came of it.
func (v *visit) doing(what, page, note string, do func(cpni.ID, breach.Act) (*breach.Incident, error)) error {
	a, err := v.actOn(what)
	if err != nil {
		return err
	}
	_, err = do(v.id("incident"), a)
	return v.wentOn(page, note, err)
}

// scanned is the paper that came with a form; nil: none.
func (v *visit) scanned() []byte {
	if len(v.uploads) == 0 {
		return nil
	}
	return []byte(v.uploads[0].Text)
}
