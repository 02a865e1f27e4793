package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
)

func emergencyAddress(of cpni.ID) string { return customerAddress(of) + "/emergency" }

// emergencyView is the page for emergencies: who asks, and what they were given.
//
// cite: P-28, 47 USC 222(d)(4)
type emergencyView struct {
	page
	Card    card
	Address string
	Claim   cpni.ID
	Who     []choice
	Within  string // by when it is to be justified
	Answer  *answerView
}

// asker is somebody who may be given the location of a call in an emergency.
type asker struct{ word, text, to, kind, caller string }

var askers = []asker{
	{"psap", "A 911 centre, about a call to 911", "psap", rules.EmergencyCall, "psap"},
	{"psap-life", "A 911 centre, life at risk", "psap", rules.LifeAtRisk, "psap"},
	{"police", "Police, fire or ambulance answering this user's 911 call", "law-enforcement", rules.EmergencyCall, "other"},
	{"guardian", "The user's legal guardian, life at risk", "family", rules.LifeAtRisk, "guardian"},
	{"family", "Immediate family, life at risk", "family", rules.LifeAtRisk, "immediate-family"},
	{"other", "Somebody else", "family", rules.LifeAtRisk, "other"},
}

func (v *visit) emergencyView() (emergencyView, error) {
	p, _, err := v.office.Customers.Get(v.r.Context(), v.id("customer"))
	if err != nil {
		return emergencyView{}, err
	}
	view := emergencyView{page: v.page("Emergency", "/desk"), Card: v.cardOf(p), Address: emergencyAddress(p.ID), Claim: cpni.NewID(),
		Within: length(v.office.Policy.Numbers(v.now).Duration("security-defaults", "emergency_justified_within"))}
	for i, a := range askers {
		view.Who = append(view.Who, choice{option{a.word, a.text}, i == 0})
	}
	return view, nil
}

// cite: P-28, 47 USC 222(d)(4)
func (v *visit) emergencyPage() error {
	view, err := v.emergencyView()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, emergencyPage(view))
}

// emergency records the claim, asks the rules on it, and shows the answer at an address of its own.
//
// cite: P-28, P-41, I-01, I-11, 47 USC 222(d)(4)
func (v *visit) emergency() error {
	id, of := v.form.Get("claim"), v.id("customer")
	who := v.form.Get("who")
	if !cpni.ID(id).Valid() {
		return errUnreadable
	}
	c, ok := v.claim(cpni.ID(id), who)
	if !ok {
		return errUnreadable
	}
	c.Callback, c.Incident = v.field("callback"), v.field("incident")
	if _, _, err := v.office.Customers.Get(v.r.Context(), of); err != nil {
		return err
	}
	_, err := v.office.Door.Emergency(v.r.Context(), c)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) && refusal.Code == "BAD_INPUT" {
		return v.leave(flash{For: emergencyAddress(of), Refusal: refusal}, emergencyAddress(of))
	}
	if err != nil {
		return err
	}
	return v.goTo(emergencyAddress(of) + "/" + id + "?who=" + url.QueryEscape(who) + "&mark=" + v.claimMark(id, who))
}

// claim makes the claim of an address or form.
func (v *visit) claim(id cpni.ID, who string) (disclose.Claim, bool) {
	i := slices.IndexFunc(askers, func(a asker) bool { return a.word == who })
	if i < 0 {
		return disclose.Claim{}, false
	}
	a := askers[i]
	return disclose.Claim{ID: v.office.RepeatableID("emergency", string(v.member.ID), string(id)), Customer: v.id("customer"), Staff: v.member.ID, To: a.to, Kind: a.kind, Caller: a.caller}, true
}

// claimMark binds the address of an answer to the person, the customer and what was claimed: who has not claimed it sees nothing by it.
func (v *visit) claimMark(id, who string) string {
	return v.seal.mark("emergency", string(v.member.ID), string(v.id("customer")), id, who)
}

// emergencyAnswer shows what was answered to a claim, as it is recorded, while a contact would last.
//
// cite: P-28, P-41, I-01, 47 USC 222(d)(4)
func (v *visit) emergencyAnswer() error {
	id, who := v.r.PathValue("entry"), v.r.URL.Query().Get("who")
	if !v.seal.holds(v.r.URL.Query().Get("mark"), "emergency", string(v.member.ID), string(v.id("customer")), id, who) {
		return errNowhere
	}
	c, ok := v.claim(cpni.ID(id), who)
	if !ok {
		return errNowhere
	}
	view, err := v.emergencyView()
	if err != nil {
		return err
	}
	answer, err := v.office.Door.Claimed(v.r.Context(), c)
	if err != nil {
		return err
	}
	r, err := v.office.Door.Record(v.r.Context(), c.Customer, answer.Entry)
	if err != nil {
		return err
	}
	view.Answer = v.answerView(r, answer.Decision)
	if view.Answer.Permit {
		view.Answer.Title = "Permitted: you may give the location to " + recipient(r)
		if v.now.Before(r.Facts.At.Add(contact.RulesOf(v.office.Policy.Numbers(v.now)).Idle)) {
			p, _, err := v.office.Customers.Get(v.r.Context(), c.Customer)
			if err != nil {
				return err
			}
			view.Answer.Released = v.releasedView(answer.Released, p)
		} else {
			view.Answer.Hidden = "What was released is not shown any more."
		}
	} else {
		view.Answer.Ways = v.ways(r, answer.Decision, contactView{}, nil)
	}
	return v.show(http.StatusOK, emergencyPage(view))
}

// dueView is an emergency that the person has still to justify.
type dueView struct {
	Address, Customer, At, Due string
	Late                       bool
}

// unjustified gives the emergencies that the person has still to justify.
//
// cite: P-28, P-41
func (v *visit) unjustified() ([]dueView, error) {
	all, err := v.office.Door.Unjustified(v.r.Context(), v.member.ID)
	if err != nil {
		return nil, err
	}
	var views []dueView
	for _, u := range all {
		views = append(views, dueView{Address: emergencyAddress(u.Customer) + "/" + string(u.ID) + "/why", Customer: customerAddress(u.Customer), At: v.clock(u.At), Due: v.clock(u.Due), Late: !v.now.Before(u.Due)})
	}
	return views, nil
}

// justify records why something was given out in an emergency.
//
// cite: P-28, P-41
func (v *visit) justify() error {
	err := v.office.Door.Justify(v.r.Context(), v.member.ID, v.id("customer"), v.id("entry"), strings.TrimSpace(v.form.Get("reason")))
	left := flash{For: "/desk", Note: "The reason is on record."}
	if errors.As(err, &left.Refusal) {
		left.Note = ""
		return v.leave(left, "/desk")
	}
	if err != nil {
		return err
	}
	return v.leave(left, "/desk")
}

// until says by when it is due.
func (d dueView) until() string {
	if d.Late {
		return "was due at " + d.Due
	}
	return "due by " + d.Due
}

func dueField(i int) string { return "why-" + strconv.Itoa(i+1) }
