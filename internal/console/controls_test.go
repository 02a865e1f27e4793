package console

import (
	"net/http"
	"testing"
)

// The list of controls says how each stands; compliance confirms in words what no program can see, and an auditor reads it.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestControlsAtTheDesk(t *testing.T) {
	w := newWorld(t)
	must(t, w.Controls.Look(t.Context()))
	b := w.signedIn(t, "compliance")
	b.get("/controls").is(t, http.StatusOK).says(t, "22 controls", "Staff sign in with a second factor", "This server is configured to let people sign in with a password alone.", "Off", "Not known", "On", "since 5 March 2026")
	sealing := b.get("/controls/sealing").is(t, http.StatusOK)
	sealing.says(t, "Information is sealed", "The program looks by itself", "1 step", "P-37, 47 CFR 64.2010(a)")
	sealing.lacks(t, "It is not so")
	const at = "/controls/backups"
	confirm := func(form ...string) reply {
		shown := b.get(at)
		return b.follow(b.post(at+"/confirm", append([]string{"token", shown.value("token"), "key", shown.value("key"), "version", shown.value("version")}, form...)...))
	}
	b.get(at).says(t, "Nobody has confirmed it yet.", "A person confirms it every 31 days", "There are none yet.")
	confirm("is", "on", "words", " ").says(t, "It is not said what was looked at.")
	confirm("is", "on", "words", "The backup of this night is there.").says(t, "It is on record that it is so.", "The backup of this night is there.", "On", "The compliance", "Good until")
	confirm("is", "off", "words", "The disk is full.").says(t, "It is on record that it is not so.", "The disk is full.", "Off", "2 steps")
	b.get("/controls/nothing").is(t, http.StatusNotFound)
	w.signedIn(t, "auditor").get(at).is(t, http.StatusOK).lacks(t, "It is not so")
	w.signedIn(t, "agent").get("/controls").is(t, http.StatusForbidden)
}
