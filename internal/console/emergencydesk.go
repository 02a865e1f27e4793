package console

import (
	"net/http"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// emergencyDeskView is the desk of emergencies: whose location is asked for, and what has still to be justified.
type emergencyDeskView struct {
	deskView
	Within    string
	Others    []emergencyRow // of everybody, for those who watch
	Justified []emergencyRow
}

type emergencyRow struct {
	At, By, Due, To, Reason, Record string
	Late                            bool
}

// emergenciesOf says whose emergencies the person sees: everybody's for those who watch, else their own.
func (v *visit) emergenciesOf() cpni.ID {
	if v.member.May(staff.Watch) {
		return ""
	}
	return v.member.ID
}

// emergencyDesk shows whom to look for, what the person has still to justify, and to those who watch what everybody has.
//
// cite: P-28, P-41, 47 USC 222(d)(4)
func (v *visit) emergencyDesk() error {
	view, err := v.emergencyDeskView()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, emergencyDeskPage(view))
}

func (v *visit) emergencyDeskView() (emergencyDeskView, error) {
	view := emergencyDeskView{deskView: deskView{page: v.page("Emergency desk", "/desks")}, Within: length(v.office.Policy.Numbers(v.now).Duration("security-defaults", "emergency_justified_within"))}
	var err error
	if view.Due, err = v.unjustified(); err != nil {
		return view, err
	}
	if !v.member.May(staff.Watch) {
		return view, nil
	}
	for _, open := range []bool{true, false} {
		all, err := v.office.Door.Emergencies(v.r.Context(), "", open)
		if err != nil {
			return view, err
		}
		for _, e := range all {
			if open && e.Staff == v.member.ID {
				continue // it stands above, with its form
			}
			row := emergencyRow{At: v.moment(e.At), Due: v.clock(e.Due), Late: open && !v.now.Before(e.Due), To: uncapital(wordOf(askerWords, e.To)), Reason: e.Reason}
			if row.By, err = v.actor(string(e.Staff)); err != nil {
				return view, err
			}
			if v.member.May(staff.ReadRecords) {
				row.Record = recordsAddress(e.Customer)
			}
			if open {
				view.Others = append(view.Others, row)
			} else {
				view.Justified = append(view.Justified, row)
			}
		}
	}
	return view, nil
}

var askerWords = map[string]string{string(cpni.ToPSAP): "A 911 centre", string(cpni.ToLawEnforcement): "Police, fire or ambulance", string(cpni.ToFamily): "A guardian or the family"}

// emergencyFind finds the customer whose location is asked for, and goes to the page for it in one step.
//
// cite: P-28, I-23
func (v *visit) emergencyFind() error {
	text := v.field("number")
	var ids []cpni.ID
	var err error
	if text != "" {
		if ids, err = v.office.Customers.Search(v.r.Context(), text); err != nil {
			return err
		}
	}
	switch {
	case len(ids) == 1:
		return v.goTo(emergencyAddress(ids[0]))
	case len(ids) > 1:
		return v.goTo(foundAddress(ids))
	}
	view, err := v.emergencyDeskView()
	if err != nil {
		return err
	}
	view.Query = text
	view.Problem = &problemView{Code: "NOT_FOUND", Says: "No customer has this number, account, e-mail address or name.", Next: []string{"Ask for the number that was called from, with its area code.", "Another carrier may serve it: tell the caller so at once."}}
	return v.show(http.StatusOK, emergencyDeskPage(view))
}
