package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// incidentSetPlaces are where one sees whose information an incident reached, and changes who is held to be among them.
//
// cite: P-52, 47 CFR 64.2011(d)
func incidentSetPlaces() []place {
	const customers = "/incidents/{incident}/customers"
	return []place{
		{pattern: customers, right: staff.ReadIncidents, get: (*visit).incidentSetPage},
		{pattern: customers + "/trace", right: staff.HandleIncidents, post: (*visit).traceIncident, home: customers, long: true},
		{pattern: customers + "/again", right: staff.HandleIncidents, post: (*visit).traceAgain, home: customers, long: true},
		{pattern: customers + "/put", right: staff.HandleIncidents, post: (*visit).putCustomers, home: customers, long: true},
		{pattern: customers + "/remove", right: staff.HandleIncidents, post: (*visit).removeCustomers, home: customers, long: true},
	}
}

// setStates are the states of a customer of an incident, in the order in which they are shown.
var setStates = []struct {
	state string
	is    chip
}{{breach.IsIn, chip{"To be told", "warn"}}, {breach.IsPlanned, chip{"A message waits to go", ""}}, {breach.IsSent, chip{"Sent", "good"}}, {breach.IsTold, chip{"Told otherwise", "good"}}, {breach.CameBack, chip{"Came back", "warn"}},
	{breach.NoWay, chip{"Not reached", "bad"}}, {breach.IsOut, chip{"Taken out", ""}}}

func stateOfSet(state string) chip {
	for _, s := range setStates {
		if s.state == state {
			return s.is
		}
	}
	return chip{state, ""}
}

// incidentSetView is whose information an incident reached.
type incidentSetView struct {
	incidentFile
	Counts      []fact
	States      []navItem
	Rows        []affectedRow
	Older       string
	Traces      []traceView
	Members     []option
	Partners    []option
	Kinds       []option
	Now         string
	From, Until string
}

// affectedRow is a customer as the table has them: no more than the end of their id, with the entry that shows that they are touched.
type affectedRow struct {
	ID                        cpni.ID
	Short, Records            string
	Entry, EntryAddress, When string
	State                     chip
	Via                       string
	Step                      int
}

// incidentSetPage shows whose information an incident reached, and how each of them comes to be in the set.
//
// cite: P-52, 47 CFR 64.2011(d)
func (v *visit) incidentSetPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	view := incidentSetView{incidentFile: v.incidentFile(i, "/customers"), Now: v.momentIn(i.Now(v.now)), Kinds: traceKinds}
	if err := v.countSet(i, &view); err != nil {
		return err
	}
	if err := v.listSet(i, &view); err != nil {
		return err
	}
	if err := v.traces(i, &view); err != nil {
		return err
	}
	return v.show(http.StatusOK, incidentSetPage(view))
}

func (v *visit) countSet(i *breach.Incident, view *incidentSetView) error {
	tally, err := v.office.Incidents.Tally(v.r.Context(), i.ID, v.member.ID)
	if err != nil {
		return err
	}
	view.Counts = append(view.Counts, fact{"In the set", strconv.Itoa(i.Set)})
	if i.Facts.Customers > i.Set {
		view.Counts = append(view.Counts, fact{"As far as is known", strconv.Itoa(i.Facts.Customers) + ": more than are in the set"})
	}
	for _, s := range setStates {
		if n := tally[s.state]; n > 0 {
			view.Counts = append(view.Counts, fact{s.is.Text, strconv.Itoa(n)})
		}
	}
	state := v.r.URL.Query().Get("state")
	view.States = append(view.States, navItem{"All", view.Address + "/customers", state == ""})
	for _, s := range setStates {
		if tally[s.state] > 0 {
			view.States = append(view.States, navItem{s.is.Text, view.Address + "/customers?" + queryOf("state", s.state), s.state == state})
		}
	}
	return nil
}

func (v *visit) listSet(i *breach.Incident, view *incidentSetView) error {
	q := v.r.URL.Query()
	state, after := q.Get("state"), cpni.ID(q.Get("after"))
	if !after.Valid() {
		after = ""
	}
	all, err := v.office.Incidents.Set(v.r.Context(), i.ID, v.member.ID, state, after, rowsOnPage+1)
	if err != nil {
		return err
	}
	if len(all) > rowsOnPage {
		all = all[:rowsOnPage]
		view.Older = view.Address + "/customers?" + queryOf("state", state, "after", string(all[rowsOnPage-1].Customer))
	}
	for _, c := range all {
		view.Rows = append(view.Rows, v.affectedRow(c))
	}
	return nil
}

func (v *visit) affectedRow(c breach.Affected) affectedRow {
	r := affectedRow{ID: c.Customer, Short: short(c.Customer), When: v.moment(c.At), State: stateOfSet(c.State), Via: viaWords[c.Via], Step: c.Step}
	if v.member.May(staff.ReadRecords) {
		r.Records = recordsAddress(c.Customer)
	}
	if c.Entry != "" {
		r.Entry = short(c.Entry)
		if r.Records != "" {
			r.EntryAddress = r.Records + "/" + string(c.Entry)
		}
	}
	return r
}

// customersNamed finds the customers whom a person has named, one on each line, by id or by what the desk finds them by.
func (v *visit) customersNamed(name string) ([]cpni.ID, error) {
	var all []cpni.ID
	for _, id := range v.form[name] {
		if !strings.Contains(id, "\n") && cpni.ID(id).Valid() {
			all = append(all, cpni.ID(id))
		}
	}
	for line := range strings.Lines(v.text(name)) {
		if line = strings.TrimSpace(line); line == "" || slices.Contains(all, cpni.ID(line)) {
			continue
		}
		of, refusal, err := v.customerNamed(line)
		if err != nil {
			return nil, err
		}
		if refusal != nil {
			return nil, refusal
		}
		all = append(all, of)
	}
	return all, nil
}

// cite: P-52, 47 CFR 64.2011(d)
func (v *visit) putCustomers() error {
	named, err := v.customersNamed("customers")
	if err != nil {
		return v.wentOn("/customers", "", err)
	}
	return v.doing("put", "/customers", "They are in the set.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Put(v.r.Context(), id, a, named, v.text("reason"))
	})
}

// cite: P-52, 47 CFR 64.2011(d)
func (v *visit) removeCustomers() error {
	named, err := v.customersNamed("customers")
	if err != nil {
		return v.wentOn("/customers", "", err)
	}
	return v.doing("remove", "/customers", "They are out of the set. That they were in it stays in the history.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Remove(v.r.Context(), id, a, named, v.text("reason"))
	})
}
