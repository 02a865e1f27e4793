package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
)

// answerView is the answer to a request.
type answerView struct {
	Permit   bool
	Title    string
	Codes    []cpni.Code // every reason
	Says     []string
	Rests    []string // clauses and sections
	Ways     []wayView
	Entry    cpni.ID
	At       string
	Sent     string // where it is sent, masked
	Asked    []string
	Hidden   string // why what was released is not shown
	Released *releasedView
	Record   string // address of the record, for who may read it
}

func answerAddress(contact, entry cpni.ID) string {
	return contactAddress(contact) + "/answers/" + string(entry)
}

// answerKey binds the key under which something was asked to the answer and the person, so that a reload can ask for the
// answer again and for nothing else.
func (v *visit) answerKey(entry cpni.ID, key string) string {
	return key + "." + v.seal.mark("answer", string(v.member.ID), string(entry), key)
}

// askedUnder gives the key under which an answer was asked for; ok is false for one that is not of this answer.
func (v *visit) askedUnder(entry cpni.ID) (key string, ok bool) {
	key, mark, _ := strings.Cut(v.r.URL.Query().Get("key"), ".")
	return key, v.seal.holds(mark, "answer", string(v.member.ID), string(entry), key)
}

// answerPage shows an answer. Nothing of what was released is kept for it: it is read again through the door, on the
// record of the decision, while the contact runs and the rules would still permit it.
//
// cite: P-16, P-28, P-41, P-42, I-11, I-28, 47 CFR 64.2009(c)
func (v *visit) answerPage() error {
	s, err := v.mine()
	if err != nil {
		return err
	}
	r, err := v.record(s, v.id("entry"))
	if err != nil {
		return err
	}
	view, p, err := v.contactView(s)
	if err != nil {
		return err
	}
	d, err := v.office.Door.Explain(v.r.Context(), r)
	if err != nil {
		return err
	}
	view.Title = "Refused"
	if d.Permit() {
		view.Title = "Permitted"
	}
	view.Answer = v.answerView(r, d)
	if d.Permit() {
		if err := v.release(view.Answer, s, p, r, view.Live); err != nil {
			return err
		}
	} else {
		view.Answer.Ways = v.ways(r, d, view, p)
		view.Verify.Again = r.Entry
	}
	view.Ask = v.askView(s, p, askedIn(r))
	view.Ask.Again = false
	return v.show(http.StatusOK, contactPage(view))
}

func (v *visit) answerView(r disclose.Record, d rules.Decision) *answerView {
	a := &answerView{Permit: d.Permit(), Codes: d.Codes, Rests: slices.Concat(d.Clauses, d.Cites), Entry: r.Entry, At: v.moment(r.Facts.At)}
	for _, s := range d.Says {
		a.Says = append(a.Says, sentence(s))
	}
	sent := slices.Contains([]cpni.Via{cpni.Postal, cpni.Email, cpni.Text}, r.Facts.Via)
	switch {
	case !a.Permit:
		a.Title = "Refused"
	case sent:
		a.Title = "Permitted: it is sent, not told"
		a.Sent = sentTo(r)
	case r.Facts.Recipient.Kind == cpni.ToCarrier:
		a.Title = "Permitted: for your work alone"
	default:
		a.Title = "Permitted: you may tell " + recipient(r)
	}
	a.Asked = []string{capital(classes(r.Facts.Data)), months(r.Months), wordOf(purposeWords, r.Facts.Purpose), "to " + recipient(r), uncapital(wordOf(viaWords, r.Facts.Via))}
	if r.Line != "" {
		a.Asked = append(a.Asked, "line "+customer.Masked(r.Line))
	}
	if asked := askedIn(r); asked.basis != "" {
		a.Asked = append(a.Asked, asked.basis+" "+asked.id)
	}
	if v.member.May(staff.ReadRecords) {
		a.Record = recordsAddress(r.Customer) + "/" + string(r.Entry)
	}
	return a
}

// recipient names who receives.
func recipient(r disclose.Record) string {
	to := disclose.ParseRecipient(r.To)
	if to.Kind == cpni.ToAuthorised && to.Name != "" {
		return to.Name
	}
	return wordOf(recipientWords, to.Kind)
}

// sentTo says where something is sent, without telling what a caller does not know.
//
// cite: P-20, P-21
func sentTo(r disclose.Record) string {
	switch r.Facts.Via {
	case cpni.Postal:
		return "the postal address of record"
	case cpni.Email:
		return "the e-mail address of record"
	}
	return "the number of record " + customer.Masked(r.Address)
}

// remembered is how long the door surely knows a key that was used at a moment; behind that it would ask anew.
//
// cite: I-11
func (v *visit) remembered(at time.Time) time.Duration {
	return v.office.Policy.Numbers(at).Duration("security-defaults", "idempotency_life") - time.Minute
}

// release puts what was permitted on the page.
//
// cite: P-41, P-42, I-01, I-11
func (v *visit) release(a *answerView, s *contact.State, p *customer.Profile, r disclose.Record, live bool) error {
	if a.Sent != "" {
		return nil
	}
	key, ok := v.askedUnder(r.Entry)
	switch {
	case !live:
		a.Hidden = "The contact has ended, so what was released in it is not shown any more."
		return nil
	case !ok || !v.now.Before(r.Facts.At.Add(v.remembered(r.Facts.At))):
		a.Hidden = "What was released is shown only where it was asked for. Ask again if it is needed."
		return nil
	}
	request := askedIn(r).request(v.member.ID, s)
	_, now, err := v.office.Door.Consider(v.r.Context(), request)
	if err != nil {
		return err
	}
	if !now.Permit() {
		a.Hidden = "What was proved then does not hold any more, so what was released is not shown again. Ask again."
		return nil
	}
	request.IdempotencyKey = key
	answer, err := v.office.Door.Disclose(v.r.Context(), request)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) && refusal.Code == "IDEMPOTENCY" {
		a.Hidden = "What was released cannot be read again. Ask again if it is needed."
		return nil
	}
	if err != nil {
		return err
	}
	if answer.Entry != r.Entry {
		return errNowhere
	}
	a.Released = v.releasedView(answer.Released, p)
	return nil
}
