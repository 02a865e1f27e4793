package console

import (
	"strings"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// page is what every page shows around its own content.
type page struct {
	Title, Carrier string
	Style, Script  string // addresses of the assets
	More           string // address of the styles of pages behind the desk; "" at the desk
	Passkeys       string // address of the script for passkeys; "" where no page needs it
	Who, Role      string // the signed-in person; empty before sign-in
	Nav            []navGroup
	Find           bool   // a field for finding customers stands at the top
	At             string // address of the contact in progress
	Token          string // against forged forms
	Keys           bool   // single keys are on
	Note           string // one line about what has just been done
	Problem        *problemView
	Lapse          string // one line about training that runs out, or is over
}

type navItem struct {
	Text, Address string
	Here          bool
}

// page begins a page; here is the section that it belongs to. What the request before left to be said is said on it.
func (v *visit) page(title, here string) page {
	p := page{Title: title, Carrier: v.options.Carrier, Style: v.assets["ringfence.css"].address, Script: v.assets["desk.js"].address, Keys: v.cookie(keysCookie) != "off"}
	if !strings.HasPrefix(v.r.URL.Path, "/desk") {
		p.More = v.assets["office.css"].address
	}
	v.pickUp()
	p.Note, p.Problem = v.flash.Note, problemOf(v.flash.Refusal)
	if v.member == nil {
		return p
	}
	p.Who, p.Role, p.Token = v.member.Name, roleWords[v.member.Role], v.token()
	p.Nav = v.nav(here)
	p.Find = v.member.May(staff.See)
	p.Lapse = v.lapse()
	if s := v.at(); s != nil {
		p.At = contactAddress(s.ID)
	}
	return p
}

// token is what a form of this session bears.
func (v *visit) token() string { return v.seal.mark("form", v.session) }

// at gives the contact that this browser opened last, while it runs and is the person's own; nil otherwise.
func (v *visit) at() *contact.State {
	id := cpni.ID(v.cookie(atCookie))
	if !id.Valid() || !v.member.May(staff.Serve) {
		return nil
	}
	s, _, err := v.office.Contacts.Recent(v.r.Context(), id)
	if err != nil || s.Agent != v.member.ID || !v.office.Contacts.Live(s, v.now) {
		return nil
	}
	return s
}

func contactAddress(id cpni.ID) string  { return "/desk/contacts/" + string(id) }
func customerAddress(id cpni.ID) string { return "/desk/customers/" + string(id) }
func recordsAddress(id cpni.ID) string  { return "/records/" + string(id) }

// onOff writes an attribute.
func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
