package console

import (
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// fateOf says in words what has become of a code or a call, so that another way can be offered. It tells neither the code
// nor the place.
//
// cite: P-18, P-20, P-21
func fateOf(r contact.Reach) (says, tone string) {
	if r.Method == cpni.ByCallback {
		return callFate(r)
	}
	switch ended := contact.EndingOf(r.Ended); {
	case r.Lapsed:
		return "The code was not sent in time. Send a new one, or take another way.", "warn"
	case r.State == notify.Cancelled:
		return "The code was taken back: where it was to go is of record no longer.", "warn"
	case r.Lost():
		return "The code has not arrived. Take another way.", "warn"
	case ended != "" && r.State == notify.Queued:
		return "The call with the code was " + ended + ". It is tried again.", "warn"
	case ended != "" && r.Ended != notify.Answered:
		return "The call with the code was " + ended + ": nobody has heard it.", "warn"
	case r.State == notify.Queued && r.Tried:
		return "The code has not gone yet: it was not taken, and is tried again. Another way may be quicker.", "warn"
	case r.State == notify.Delivered:
		return "The code has arrived.", "good"
	case r.State == notify.Sent:
		return "The code has gone out.", ""
	}
	return "The code waits to be sent.", ""
}

func callFate(r contact.Reach) (says, tone string) {
	ended := contact.EndingOf(r.Ended)
	switch {
	case r.Refused != "":
		return "Somebody answered and pressed the key, and it counts for nobody: " + string(r.Refused) + ".", "bad"
	case r.Pressed:
		return "Somebody answered and pressed the key.", "good"
	case r.Lapsed && ended == "":
		return "The call was not made in time. Ring again, or take another way.", "warn"
	case r.State == notify.Cancelled && !r.Lapsed:
		return "The call was taken back: the line is of record no longer, or may be in other hands.", "warn"
	case r.State == notify.Queued && ended != "":
		return "The call was " + ended + ". It is made again.", "warn"
	case ended != "":
		return "The call was " + ended + ": it verifies nobody. Take another way.", "warn"
	case r.Lost():
		return "The call could not be made. Take another way.", "warn"
	case r.State == notify.Sending:
		return "It is ringing.", ""
	}
	return "The call waits for the switch.", ""
}

// lineEvent takes what is said of a line in a contact. It asks for no proof: it only ever takes away.
//
// cite: P-20, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func (v *visit) lineEvent() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	if err := v.goesOn(s); err != nil {
		return err
	}
	number, err := v.numberAt(s, v.form.Get("line"))
	x := contact.Disturbance{Customer: s.Customer, Number: number, What: v.form.Get("what"), By: string(v.member.ID)}
	if at := v.field("at"); err == nil && at != "" {
		if x.At, err = time.ParseInLocation("2006-01-02T15:04", at, v.office.Zone); err != nil {
			err = cpni.Rejected("BAD_INPUT", "since when it is so was not read", []string{"P-20"}, "write it as 2026-11-24T10:00, or leave it empty")
		}
	}
	if err == nil && x.What == contact.Reassigned {
		err = cpni.Rejected("BAD_INPUT", "that a number has gone to somebody else is told by the systems that assign numbers", []string{"P-20"}, "choose one of the list")
	}
	if err == nil {
		err = v.office.Contacts.Disturb(v.r.Context(), x)
	}
	return v.did(s, "line", "It is on record. The line verifies nobody for now.", err)
}
