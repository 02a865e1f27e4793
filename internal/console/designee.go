package console

import (
	"net/http"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/written"
)

// designeeView is what has become of a written request on its way to whom it names.
//
// cite: P-36, 47 USC 222(c)(2)
type designeeView struct {
	Unreached bool
	MayHand   bool
	Named     string
	Happened  []option // what, and when and how
}

func (v *visit) designeeView(q *written.Request) designeeView {
	d := designeeView{Unreached: q.State == written.Unreached, MayHand: q.State == written.Sent || q.State == written.Unreached, Named: q.Name}
	says := func(what, text string) { d.Happened = append(d.Happened, option{what, text}) }
	for _, s := range q.Sendings {
		says("Sent", v.moment(s.At)+", by "+wordOf(wayWords, s.Via)+", to "+s.To)
		if !s.Back.IsZero() {
			says("Came back", v.moment(s.Back))
		}
	}
	for _, o := range q.Other {
		says("Another way, from the customer", v.moment(o.At)+", by "+wordOf(wayWords, o.Via)+", to "+o.To)
	}
	for _, h := range q.Turned {
		says("Turned away", v.moment(h.At)+": "+h.Why)
	}
	if h := q.Handing; h != nil {
		text := v.moment(h.At) + ", to " + h.Name + ", who showed a document of a government"
		if h.Authority != "" {
			text += " and " + h.Authority
		}
		says("Handed over", text)
	}
	return d
}

// ageOf says for how long a request has waited for somebody of the staff; "" it does not.
func (v *visit) ageOf(q *written.Request) string {
	if q.State != written.Entered && q.State != written.Unreached {
		return ""
	}
	if days := int(v.now.Sub(q.Changed) / (24 * time.Hour)); days > 0 {
		return ", waits " + counted(days, "day", "days")
	}
	return ""
}

func (v *visit) resendRequest() error {
	_, err := v.office.Written.Resend(v.r.Context(), v.id("customer"), v.id("request"), v.member.ID)
	return v.lettered(requestAddress(v.id("customer"), v.id("request")), "It goes once more to the same address.", err)
}

// redirectRequest takes another address in the person's contact with the customer, who was proved there.
//
// cite: P-16, P-36, P-42, 47 USC 222(c)(2)
func (v *visit) redirectRequest() error {
	of, id := v.id("customer"), v.id("request")
	s := v.at()
	if s == nil || s.Customer != of {
		return v.lettered(requestAddress(of, id), "", cpni.Rejected("UNAUTHENTICATED", "you have no contact with this customer", []string{"P-16", "P-36"}, "open a contact, and have the customer prove who they are"))
	}
	signed, err := v.office.Written.Redirect(v.r.Context(), of, id, s.ID, v.member.ID, cpni.Via(v.field("via")), v.field("address"))
	if err != nil {
		return v.lettered(requestAddress(of, id), "", err)
	}
	view, err := v.requestView()
	if err != nil {
		return err
	}
	view.Phrase = signed.Phrase
	view.Note = "It is decided. It goes to the other address once the wait is over; the customer is told."
	return v.show(http.StatusOK, requestPage(view))
}

// handedView is what is handed over, to be printed.
type handedView struct {
	page
	Back, Named string
	Sheets      []disclose.Sheet
}

// handRequest hands the records over to who has come for them and shown who they are.
//
// cite: P-36, P-41, V73, 47 CFR 64.2003(r), 47 USC 222(c)(2)
func (v *visit) handRequest() error {
	of, id := v.id("customer"), v.id("request")
	x := written.Identity{Name: v.field("bearer"), Government: v.field("government") != "", Authority: v.field("authority")}
	if day, err := time.ParseInLocation(time.DateOnly, v.field("expires"), v.office.Zone); err == nil {
		x.Expires = day.AddDate(0, 0, 1) // it is valid on its last day
	}
	released, p, err := v.office.Written.HandOver(v.r.Context(), of, id, v.member.ID, x)
	if err != nil {
		return v.lettered(requestAddress(of, id), "", err)
	}
	q, err := v.office.Written.One(v.r.Context(), of, id)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, handedPage(handedView{page: v.page("Records to hand over", "/written"), Back: requestAddress(of, id), Named: q.Name, Sheets: disclose.Sheets(released, p, v.office.Zone, q.Language)}))
}

// requestProof hands out what was given and when, for the customer.
//
// cite: P-36, P-41, 47 USC 222(c)(2)
func (v *visit) requestProof() error {
	text, err := v.office.Written.Proof(v.r.Context(), v.id("customer"), v.id("request"), v.office.Carrier.Name)
	if err != nil {
		return v.lettered(requestAddress(v.id("customer"), v.id("request")), "", err)
	}
	return v.hand("text/plain; charset=utf-8", "request-"+string(v.id("request"))+".txt", []byte(text))
}
