package console

import (
	"net/http"
	"time"
)

// meView is who is signed in, and what they may do.
type meView struct {
	page
	Name, Login string
	Trained     string
	Lapsed      bool
	Rights      []rightView
	Idle, Whole string // how long a session lasts
	Account     accountView
	Calendar    calendarView
}

// mePage shows the signed-in person their rights.
//
// cite: P-37, P-38, 47 CFR 64.2009(b), 47 CFR 64.2010(a)
func (v *visit) mePage() error {
	m := v.member
	n := v.office.Policy.Numbers(v.now)
	view := meView{page: v.page("You", "/me"), Name: m.Name, Login: m.Login, Lapsed: !v.now.Before(m.TrainedUntil()), Trained: "Never",
		Idle: length(n.Duration("security-defaults", "session_idle")), Whole: length(n.Duration("security-defaults", "session_longest"))}
	if !m.Until.IsZero() {
		view.Trained = "Good until " + v.moment(m.Until)
	}
	view.Rights = rightsOf(m.Rulings())
	var err error
	if view.Account, err = v.account(); err != nil {
		return err
	}
	if view.Calendar, err = v.calendar(); err != nil {
		return err
	}
	return v.show(http.StatusOK, mePage(view))
}

// keysLife is how long a browser remembers that single keys are off.
const keysLife = 365 * 24 * time.Hour

// chooseKeys turns single keys on or off in this browser.
func (v *visit) chooseKeys() error {
	note := "Single keys are on."
	if v.form.Get("keys") == "on" {
		v.setCookie(keysCookie, "", 0)
	} else {
		v.setCookie(keysCookie, "off", keysLife)
		note = "Single keys are off in this browser."
	}
	return v.leave(flash{For: "/me", Note: note}, "/me")
}
