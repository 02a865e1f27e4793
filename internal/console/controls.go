package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/controls"
	"ringfence/internal/staff"
)

// controlPlaces are the list of what guards customers' information.
//
// cite: P-37, 47 CFR 64.2010(a)
func controlPlaces() []place {
	const one = "/controls/{control}"
	return []place{
		{pattern: "/controls", right: staff.ReadRecords, get: (*visit).controlsPage},
		{pattern: one, right: staff.ReadRecords, get: (*visit).controlPage},
		{pattern: one + "/confirm", right: staff.KeepRegisters, post: (*visit).confirmControl, home: one, long: true},
	}
}

// controlRow is a control as the list has it.
type controlRow struct {
	Address, Title, Says, Seen, When string
	State                            chip
}

func stateOfControl(s controls.State) chip {
	switch s {
	case controls.On:
		return chip{"On", "good"}
	case controls.Off:
		return chip{"Off", "bad"}
	}
	return chip{"Not known", "warn"}
}

// controlsView is the list.
type controlsView struct {
	page
	On, Off, Unknown int
	Rows             []controlRow
}

// controlsPage shows the list, what is off first.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) controlsPage() error {
	view := controlsView{page: v.page("Controls", "/controls")}
	all, err := v.office.Controls.Read(v.r.Context(), v.member.ID)
	if err != nil {
		return err
	}
	order := map[controls.State]int{controls.Off: 0, controls.Unknown: 1, controls.On: 2}
	slices.SortStableFunc(all, func(a, b controls.Control) int { return order[a.State] - order[b.State] })
	for _, c := range all {
		switch c.State {
		case controls.On:
			view.On++
		case controls.Off:
			view.Off++
		default:
			view.Unknown++
		}
		view.Rows = append(view.Rows, v.controlRow(c))
	}
	return v.show(http.StatusOK, controlsPage(view))
}

func (v *visit) controlRow(c controls.Control) controlRow {
	r := controlRow{Address: c.Link, Title: c.Title, Says: c.Says, Seen: c.Seen, State: stateOfControl(c.State)}
	if !c.Since.IsZero() {
		r.When = "since " + v.day(c.Since)
	}
	return r
}

// controlStep is a step in the history of a control.
type controlStep struct {
	N                                int
	What, At, By, Says, Until, Entry string
	State                            chip
}

// controlView is one control with its history.
type controlView struct {
	page
	controlRow
	Key        cpni.ID
	Version    string
	Facts      []fact
	Every      int // days between confirmations; 0: the program looks
	MayConfirm bool
	Steps      []controlStep
}

var controlSteps = map[controls.What]string{controls.Found: "Found", controls.Confirmed: "Said by a person", controls.Lapsed: "Confirmation lapsed"}

// controlPage shows a control: how it stands, what was seen, and everything that was found before.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) controlPage() error {
	c, steps, err := v.office.Controls.One(v.r.Context(), v.r.PathValue("control"), v.member.ID)
	if errors.Is(err, controls.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	view := controlView{page: v.page(c.Title, "/controls"), controlRow: v.controlRow(c), Key: cpni.NewID(), Version: strconv.Itoa(c.Steps + 1), Every: c.Every, MayConfirm: c.Every > 0 && v.member.May(staff.KeepRegisters)}
	how := "The program looks by itself"
	if c.Every > 0 {
		how = "A person confirms it every " + counted(c.Every, "day", "days")
	}
	view.Facts = append(view.Facts, fact{"How it is known", how})
	if !c.Since.IsZero() {
		view.Facts = append(view.Facts, fact{"Since", v.moment(c.Since)})
	}
	if !c.Looked.IsZero() {
		view.Facts = append(view.Facts, fact{"Looked at last", v.moment(c.Looked)})
	}
	if !c.Until.IsZero() {
		view.Facts = append(view.Facts, fact{"Confirmed until", v.moment(c.Until)})
	}
	view.Facts = append(view.Facts, fact{"For", strings.Join(slices.Concat(c.Clauses, c.Sections), ", ")})
	for _, s := range slices.Backward(steps) {
		by, err := v.actor(s.By)
		if err != nil {
			return err
		}
		x := controlStep{N: s.N, What: controlSteps[s.What], At: v.moment(s.At), By: by, Says: s.Says, Entry: string(s.Entry), State: stateOfControl(s.State)}
		if !s.Until.IsZero() {
			x.Until = v.moment(s.Until)
		}
		view.Steps = append(view.Steps, x)
	}
	return v.show(http.StatusOK, controlPage(view))
}

// confirmControl records what a person has looked at.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) confirmControl() error {
	id := v.r.PathValue("control")
	key, err := v.key("control " + id)
	if err != nil {
		return err
	}
	version, err := v.seenVersion()
	if err != nil {
		return err
	}
	is := v.field("is")
	if is != "on" && is != "off" {
		return errUnreadable
	}
	note := "It is on record that it is so."
	if is == "off" {
		note = "It is on record that it is not so."
	}
	err = v.office.Controls.Confirm(v.r.Context(), id, controls.Act{By: v.member.ID, ID: key, Steps: int(version - 1)}, is == "on", v.text("words"))
	return v.told(err, controls.Address(id), note, controls.ErrNone)
}
