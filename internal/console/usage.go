package console

import (
	"slices"
	"strings"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/staff"
)

// usagePlaces are where customers' answers about the use of their information are taken at a desk.
//
// cite: P-11, P-12, P-14, P-37, 47 CFR 64.2008(c)(3)
func usagePlaces() []place {
	return slices.Concat([]place{
		{pattern: "/desk/contacts/{contact}/usage", right: staff.Serve, post: (*visit).usage, home: "/desk/contacts/{contact}"},
	}, answerPlaces())
}

// usageView is where a customer's approvals stand, with what can be recorded in a contact.
//
// cite: P-11, P-13, P-36
type usageView struct {
	Stands  []standView
	Scopes  []option // that can be refused
	Notices []option // that a yes can answer
	Denied  []option // that can be taken back
	Proved  bool
	Store   bool
	History []saidWhatView
	Paper   string // address of the page for answers on paper
}

// standView is where one scope stands, in plain words.
type standView struct {
	What, State, Tone, Why string
}

// saidWhatView is one thing that was said or given.
type saidWhatView struct {
	ID                      cpni.ID
	At, What, How, Who      string
	Evidence, Kept, Address string
	Received                string // when it counts from, where that is not when it was recorded
}

var standWords = map[cpni.ApprovalState]string{cpni.Unnotified: "Not asked", cpni.Waiting: "Waiting", cpni.OptOutOK: "Allowed by silence", cpni.OptInOK: "Allowed", cpni.Denied: "Refused", cpni.RenoticeDue: "Notice too old"}

var approvalTones = map[cpni.ApprovalState]string{cpni.OptOutOK: "good", cpni.OptInOK: "good", cpni.Denied: "warn"}

var answerWays = map[string]string{approval.ByEmail: "by e-mail", approval.ByPortal: "in the portal", approval.ByPhone: "on the telephone", approval.ByPostal: "by post", approval.ByStore: "in a shop", approval.ByText: "by text", approval.BySignal: "by the signal of a browser",
	"bill-insert": "with the bill", "oral": "read aloud"}

var evidenceWords = map[string]string{"recording": "a recording", "attestation": "the word of who took it", "letter": "a letter", "mail": "a mail", "text": "a text", "form": "a form", "signal": "a signal"}

// scopeWords says in plain words what a scope is about.
func scopeWords(scope string) string {
	kind, rest, _ := strings.Cut(scope, ":")
	switch kind {
	case customer.Everything:
		return "Everything that needs their approval"
	case string(cpni.OwnMarketing):
		return "Our offers of other communications services"
	case string(cpni.OtherMarketing):
		return "Our offers of anything else"
	case "partner":
		return "Giving it to " + rest
	case "location":
		if cpni.Purpose(rest) == cpni.PartnerMarketing {
			return "Where their phone is, for offers of partners"
		}
		return "Where their phone is, for offers"
	case "data":
		return "Any such use of: " + wordOf(classWords, cpni.DataClass(rest))
	}
	return scope
}

func (v *visit) standViews(all []approval.Stand) []standView {
	views := make([]standView, len(all))
	for i, s := range all {
		x := standView{What: scopeWords(s.Scope), State: wordOf(standWords, s.State), Tone: approvalTones[s.State]}
		switch s.State {
		case cpni.Denied:
			x.Why = "They said no, " + v.day(s.Since) + "."
			if s.By != "" && s.By != s.Scope {
				x.Why = "Under their no to: " + uncapital(scopeWords(s.By)) + ", " + v.day(s.Since) + "."
			}
		case cpni.OptInOK:
			x.Why = "They said yes, " + v.day(s.Since) + "."
		case cpni.Waiting:
			x.Why = "Told " + v.day(s.Noticed) + "; silence counts from " + v.day(s.Matures) + "."
		case cpni.OptOutOK:
			x.Why = "Told " + v.day(s.Noticed) + ", and they have not refused."
			if !s.Lapses.IsZero() {
				x.Why += " To be told again before " + v.day(s.Lapses) + "."
			}
		case cpni.RenoticeDue:
			x.Why = "The notice of " + v.day(s.Noticed) + " carries no more."
		default:
			x.Why = "No notice of it stands."
		}
		views[i] = x
	}
	return views
}

// usageView makes the panel of a contact.
//
// cite: P-11, P-13, P-36
func (v *visit) usageView(s *contact.State, p *customer.Profile, proved bool) (usageView, error) {
	stands, err := v.office.Stands(v.r.Context(), p)
	if err != nil {
		return usageView{}, err
	}
	events, err := v.office.Approvals.Events(v.r.Context(), p.ID)
	if err != nil {
		return usageView{}, err
	}
	view := usageView{Stands: v.standViews(stands), Proved: proved, Store: s.Channel == cpni.Store, Paper: "/answers/post/" + string(p.ID)}
	view.Scopes = refusable(stands)
	for _, a := range p.Denies() {
		view.Denied = append(view.Denied, option{a.Scope, scopeWords(a.Scope)})
	}
	view.Notices = v.askedOf(events)
	if view.History, err = v.saidWhatViews(p.ID, events); err != nil {
		return view, err
	}
	view.History = view.History[:min(len(view.History), mostSaid)]
	return view, nil
}

// mostSaid bounds what a contact shows of what was said before.
const mostSaid = 12

// refusable are the scopes that a customer can refuse, the widest first.
func refusable(stands []approval.Stand) []option {
	all := []option{{customer.Everything, scopeWords(customer.Everything)}}
	add := func(scope string) {
		if !slices.ContainsFunc(all, func(o option) bool { return o.Value == scope }) {
			all = append(all, option{scope, scopeWords(scope)})
		}
	}
	for _, s := range stands {
		add(s.Scope)
	}
	for _, c := range []cpni.DataClass{cpni.CallDetail, cpni.Location} {
		add("data:" + string(c))
	}
	return all
}

// askedOf are the notices that a customer was given and that a yes can answer, each with what it told of. Of a yes in a notice of more
// than one thing each is said by itself.
//
// cite: P-10, P-36, 47 CFR 64.2008(c)(2)
func (v *visit) askedOf(events []approval.Event) []option {
	void := map[cpni.ID]bool{}
	for _, e := range events {
		if e.What == approval.Voided {
			void[e.Notice] = true
		}
	}
	var all []option
	for _, e := range slices.Backward(events) {
		if e.What != approval.Noticed || void[e.Notice] {
			continue
		}
		for _, scope := range e.Scopes {
			all = append(all, option{string(e.Notice) + " " + scope, scopeWords(scope) + ": notice " + v.office.Outbox.Number(e.Notice) + " of " + v.day(e.At)})
		}
	}
	return all
}

// saidWhatViews tells what was said and given, the newest first.
func (v *visit) saidWhatViews(of cpni.ID, events []approval.Event) ([]saidWhatView, error) {
	var all []saidWhatView
	for _, e := range slices.Backward(events) {
		who, err := v.actor(e.By)
		if err != nil {
			return nil, err
		}
		x := saidWhatView{ID: e.ID, At: v.moment(e.Recorded), How: wordOf(answerWays, e.Via), Who: who, What: saidWords(e)}
		if e.What != approval.Stated && e.Recorded.Sub(e.At) > 1e9 {
			x.Received = v.moment(e.At)
		}
		if y := e.Evidence; y != nil {
			x.Evidence = wordOf(evidenceWords, y.Kind)
			if y.Says != "" {
				x.Evidence += ": " + y.Says
			}
			if max(y.Size, len(y.Raw)) > 0 {
				x.Kept = "kept here"
				if v.member.May(staff.ReadRecords) {
					x.Address = recordsAddress(of) + "/approvals/" + string(e.ID) + "/evidence"
				}
			}
		} else if len(e.Proved) > 0 {
			x.Evidence = "proved by " + uncapital(wordOf(methodWords, e.Proved[0]))
		}
		all = append(all, x)
	}
	return all, nil
}

func saidWords(e approval.Event) string {
	switch e.What {
	case approval.Noticed:
		var scopes []string
		for _, s := range e.Scopes {
			scopes = append(scopes, uncapital(scopeWords(s)))
		}
		return "Told of: " + strings.Join(scopes, "; ")
	case approval.Voided:
		return "That notice came back: it counts as not given"
	case approval.Objected:
		return "No: " + uncapital(scopeWords(e.Scope))
	case approval.Granted:
		return "Yes: " + uncapital(scopeWords(e.Scope))
	case approval.Lifted:
		return "A no taken back: " + uncapital(scopeWords(e.Scope))
	}
	return "What stood before answers were kept one by one"
}

var errNotRead = cpni.Rejected("CONSENT_EVIDENCE", "nothing says that the notice was read to the customer, or that they have it, and that the answer was their own", []string{"P-36", "47 CFR 64.2007(a)(1)"},
	"read the notice to the customer, ask, and say so here", "record nothing if they are not sure")

// usage records what a customer says in a contact about the use of their information.
//
// cite: P-11, P-12, P-14, P-36, 47 CFR 64.2007(a)
func (v *visit) usage() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	a := approval.Answer{Customer: s.Customer, Contact: s.ID, By: string(v.member.ID), Via: approval.ByPhone, Scope: v.field("scope")}
	if s.Channel == cpni.Store {
		a.Via = approval.ByStore
	}
	if recording := v.field("recording"); recording != "" {
		a.Evidence = &approval.Evidence{Kind: "recording", Says: recording}
	} else if v.form.Get("read") == "yes" {
		a.Evidence = &approval.Evidence{Kind: "attestation", Says: "it was said to " + string(v.member.ID)}
	}
	note := ""
	switch v.form.Get("says") {
	case "no":
		a.Says, note = approval.Object, "Their no is on record, and counts from now. Nothing in their service changes."
	case "yes":
		a.Says, note = approval.Grant, "Their yes is on record."
		id, scope, _ := strings.Cut(v.field("notice"), " ")
		a.Notice, a.Scope = cpni.ID(id), scope
	case "back":
		a.Says, note = approval.Lift, "Their no is taken back. What they were told before counts as it did."
	default:
		return v.did(s, "usage", "", cpni.Rejected("BAD_INPUT", "nothing says what the customer answered", []string{"P-11"}, "take a clear yes or no"))
	}
	if a.Says != approval.Object && (v.form.Get("read") != "yes" || a.Evidence == nil) {
		return v.did(s, "usage", "", errNotRead)
	}
	_, err = v.office.Approvals.Answer(v.r.Context(), a)
	if err == nil {
		err = v.goesOn(s)
	}
	return v.did(s, "usage", note, err)
}

// what tells what was said, and how.
func (s saidWhatView) what() string {
	if s.How == "" {
		return s.What
	}
	return s.What + ", " + s.How
}
