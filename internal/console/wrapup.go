package console

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/vault"
)

// outcomeOptions are the ways in which a contact ends, in the words of a form.
var outcomeOptions = map[contact.Outcome]string{contact.Served: "Served", contact.NotVerified: "Not verified", contact.CalledBack: "To be called back", contact.Transferred: "Transferred",
	contact.GaveUp: "The caller gave up", contact.CutOff: "Cut off", contact.Helped: "Helped in distress"}

// wrapUp gives the outcomes to choose from; the likeliest is chosen already.
//
// cite: P-42
func (c *contactView) wrapUp() []choice {
	likely := contact.Served
	if len(c.Verify.Proved) == 0 && slices.ContainsFunc(c.Past, func(s step) bool { return s.Tone == "bad" }) {
		likely = contact.NotVerified
	}
	var all []choice
	for _, o := range contact.Outcomes {
		all = append(all, choice{option{string(o), outcomeOptions[o]}, o == likely})
	}
	return all
}

// endContact ends a contact and records how it ended.
//
// cite: P-42, I-16
func (v *visit) endContact() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	err = v.office.Contacts.WrapUp(v.r.Context(), s.ID, contact.Outcome(v.form.Get("outcome")))
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: contactAddress(s.ID), Refusal: refusal}, contactAddress(s.ID))
	}
	if err != nil {
		return err
	}
	v.setCookie(atCookie, "", 0)
	return v.leave(flash{For: "/desk", Note: "The contact has ended, and what was proved in it with it."}, "/desk")
}

// historyView is an earlier contact with a customer: when, how and how it ended, and nothing of what was asked or told.
//
// cite: P-17
type historyView struct {
	Day, Channel, Who, Outcome string
	Notes                      int
}

// count tells how many notes there are.
func (h historyView) count() string {
	if h.Notes == 0 {
		return "none"
	}
	return strconv.Itoa(h.Notes)
}

// contactDetail is the sealed detail of an entry about a contact.
type contactDetail struct {
	What    string `json:"what"`
	Channel string `json:"channel"`
	Outcome string `json:"outcome"`
	Text    string `json:"text"`
	Answer  string `json:"answer"`
}

// words tells in a few words what happened.
func (d contactDetail) words() string {
	switch d.What {
	case "opened":
		return "Contact opened"
	case "note":
		return "Note written"
	}
	if o := outcomeOptions[contact.Outcome(d.Outcome)]; o != "" {
		return "Contact ended: " + uncapital(o)
	}
	return "Contact ended"
}

func (v *visit) contactDetail(r ledger.Row) (contactDetail, error) {
	var d contactDetail
	plain, err := v.office.Vault.OpenRecord(v.r.Context(), r)
	if err != nil {
		return d, err
	}
	return d, vault.Detail(plain, &d)
}

// The entries that are looked through for a history, and the contacts that it has.
const (
	historyEntries = 60
	mostHistory    = 8
)

// history gives the latest contacts with a customer, the newest first, but for those of the person's own that still run.
//
// cite: P-17, P-42
func (v *visit) history(of cpni.ID, run []running) ([]historyView, error) {
	rows, err := v.office.Ledger.Records(v.r.Context(), of, ledger.Filter{Kind: ledger.Contact, Limit: historyEntries})
	if err != nil {
		return nil, err
	}
	type past struct {
		historyView
		opened time.Time
	}
	byContact := map[string]*past{}
	var order []string
	for _, r := range rows {
		if r.Contact == "" {
			continue
		}
		h := byContact[r.Contact]
		if h == nil {
			if len(order) == mostHistory {
				continue
			}
			h = &past{}
			byContact[r.Contact] = h
			order = append(order, r.Contact)
		}
		d, err := v.contactDetail(r)
		if err != nil {
			return nil, err
		}
		switch d.What {
		case "opened":
			h.opened, h.Channel = r.At, capital(wordOf(channelWords, cpni.Channel(d.Channel)))
		case "ended":
			h.Outcome = outcomeOptions[contact.Outcome(d.Outcome)]
			if h.Outcome == "" {
				h.Outcome = "Ended"
			}
		case "note":
			h.Notes++
		}
		if h.Who, err = v.actor(r.Actor); err != nil {
			return nil, err
		}
	}
	var all []historyView
	for _, id := range order {
		h := byContact[id]
		still := slices.ContainsFunc(run, func(r running) bool { return r.Address == contactAddress(cpni.ID(id)) })
		if still || h.opened.IsZero() { // it began before the entries that were looked through
			continue
		}
		h.Day = v.clock(h.opened)
		if h.Outcome == "" {
			h.Outcome = "Not wrapped up"
		}
		all = append(all, h.historyView)
	}
	return all, nil
}

// noteView is a note on a contact.
type noteView struct{ At, Who, Text string }

// The notes that a contact shows.
const mostNotes = 12

// notes gives the latest notes on contacts with a customer, the newest first. They are for who has a contact with them.
//
// cite: P-17, P-41
func (v *visit) notes(of cpni.ID) ([]noteView, error) {
	rows, err := v.office.Ledger.Records(v.r.Context(), of, ledger.Filter{Kind: ledger.Contact, Limit: historyEntries})
	if err != nil {
		return nil, err
	}
	var all []noteView
	for _, r := range rows {
		if r.Contact == "" || len(all) == mostNotes {
			continue
		}
		d, err := v.contactDetail(r)
		if err != nil {
			return nil, err
		}
		if d.What != "note" {
			continue
		}
		who, err := v.actor(r.Actor)
		if err != nil {
			return nil, err
		}
		all = append(all, noteView{v.clock(r.At), who, d.Text})
	}
	return all, nil
}

// note writes a note on the contact. What was refused is not kept, so it is not shown again either.
//
// cite: P-19, P-41, I-23
func (v *visit) note() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	err = v.office.Contacts.Note(v.r.Context(), s.ID, v.form.Get("text"))
	return v.did(s, "note", "The note is on record.", err)
}

// did leaves what came of something that was done in a contact, and goes back to its page.
func (v *visit) did(s *contact.State, form, note string, err error) error {
	address := contactAddress(s.ID)
	left := flash{For: address, Form: form, Note: note}
	if errors.As(err, &left.Refusal) {
		left.Note = ""
		return v.leave(left, address)
	}
	if err != nil {
		return err
	}
	return v.leave(left, address)
}

// told says where notices go, by what kind of place and never where that is.
//
// cite: P-25, 47 CFR 64.2010(f)
func told(planned []contact.Planned) string {
	var all []string
	for _, p := range planned {
		to := map[cpni.Via]string{cpni.Voice: "by a call to a number of record", cpni.Text: "by a text to a number of record", cpni.Postal: "by post", cpni.Email: "by e-mail"}[p.Via]
		switch p.To {
		case "old":
			to += " to the address of before"
		case "aor":
			to += " to an address of record"
		}
		all = append(all, to)
	}
	return strings.Join(all, " and ")
}
