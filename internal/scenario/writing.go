package scenario

import (
	"context"
	"errors"
	"fmt"

	answers "ringfence/internal/answer"
	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/workday"
)

// whatIsWritten checks that a letter says what somebody enters of it, and the others what was written.
func whatIsWritten(r *reader, n *node) {
	via := n.get("via")
	if via == nil {
		return
	}
	if paper := via.text == "postal"; paper != (n.get("answer") != nil) || paper == (n.get("says") != nil) {
		r.fail(n.place, "by post `answer` is entered, and by e-mail and text `says` are the words")
	}
}

// write has a customer write in words of their own.
//
// cite: P-12, P-14, 47 CFR 64.2008(d)(3)(ii)
func write(ctx context.Context, w *world, a args) (result, error) {
	id := w.customers[a.text("customer")]
	var message cpni.ID
	if a.has("notice") {
		var err error
		if _, _, message, err = w.office.Notices.With(ctx, id, w.notices[a.text("notice")]); err != nil {
			return result{}, err
		}
	}
	var err error
	switch a.text("via") {
	case "postal":
		err = w.letterFrom(ctx, id, message, a)
	case "text":
		err = w.textFrom(ctx, id, a.text("says"))
	default:
		err = w.mailFrom(ctx, id, message, a)
	}
	if err != nil {
		return of(err, result{})
	}
	all, err := w.office.Answers.Waiting(ctx)
	if err != nil {
		return result{}, err
	}
	n := 0
	for _, x := range all {
		if x.Customer == id {
			n++
		}
	}
	got := succeeded()
	got.fields = map[string]any{"to-read": n}
	return got, nil
}

func (w *world) letterFrom(ctx context.Context, id, message cpni.ID, a args) error {
	x := answers.Entered{Customer: id, Notice: message, Says: approval.Say(a.text("answer")), Scope: a.text("scope"), Via: approval.ByPostal, Received: workday.DateIn(w.office.Clock.Now(), w.office.Zone),
		Reason: a.text("reason"), Signed: a.flag("signed"), Scan: []byte("%PDF-1.7 a letter"), By: teller}
	if a.has("received") {
		x.Received = workday.DateIn(a.moment("received"), w.office.Zone)
	}
	_, err := w.office.Answers.Enter(ctx, x)
	return err
}

func (w *world) textFrom(ctx context.Context, id cpni.ID, words string) error {
	p, _, err := w.book.Get(ctx, id)
	if err != nil {
		return err
	}
	if len(p.Lines) == 0 {
		return errors.New("the customer has no line to write from")
	}
	return w.office.Answers.Texted(ctx, p.Lines[0].Number, "", words, false, w.office.Clock.Now())
}

func (w *world) mailFrom(ctx context.Context, id, message cpni.ID, a args) error {
	w.written++
	wrote := notify.Wrote{ID: fmt.Sprintf("<%d@customer.example>", w.written), Subject: "Re: your notice", Text: a.text("says"), Machine: a.flag("machine")}
	raw := []byte("Message-Id: " + wrote.ID + "\r\n\r\n" + wrote.Text)
	if message == "" {
		p, _, err := w.book.Get(ctx, id)
		if err != nil {
			return err
		}
		if len(p.Email) == 0 {
			return errors.New("the customer has no e-mail address to write from")
		}
		wrote.Subject, wrote.From = "My choice", p.Email[len(p.Email)-1].Value
		if err = w.office.Answers.Mail(ctx, raw, wrote, w.office.Clock.Now()); errors.Is(err, notify.ErrNotOurs) {
			return nil
		}
		return err
	}
	kind := notify.Reply
	if wrote.Machine {
		kind = notify.AutoReply
	}
	return w.office.Messages.Returned(ctx, w.office.Outbox.Token(message), notify.Report{Kind: kind, At: w.office.Clock.Now(), Outcome: notify.Outcome{Says: wrote.Text}, Raw: raw, Wrote: &wrote})
}
