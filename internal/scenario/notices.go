package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// giveNotice gives a notice to customers, or reads the words of a one-time notice on a call.
func giveNotice(ctx context.Context, w *world, a args) (result, error) {
	if a.text("kind") == "one-time" {
		return readOneTime(w, a)
	}
	spec, err := w.noticeSpec(ctx, a)
	if err != nil {
		return of(err, result{})
	}
	if spec.Edition, err = w.edition(ctx, a, spec); err != nil {
		return of(w.office.Notices.Refused(ctx, spec, teller, err), result{})
	}
	var ids []cpni.ID
	for _, name := range a.people("customers") {
		ids = append(ids, w.customers[name])
	}
	run, err := w.office.Notices.GiveTo(ctx, spec, teller, ids...)
	if err != nil {
		return of(err, result{})
	}
	w.notices[a.text("id")] = run.ID
	if err := w.deliver(ctx, run, a, ids); err != nil {
		return result{}, err
	}
	got := succeeded()
	for _, id := range ids {
		matures, err := w.maturesOf(ctx, id, run.ID)
		if err != nil {
			return result{}, err
		}
		if !matures.IsZero() {
			got.fields = map[string]any{"matures": matures}
			break
		}
	}
	return got, nil
}

// noticeSpec reads what a notice says.
func (w *world) noticeSpec(ctx context.Context, a args) (notice.Spec, error) {
	spec := notice.Spec{Kind: a.text("kind"), Wait: a.days("wait")}
	if via := a.text("via"); via != "" {
		spec.Ways = []string{via}
	}
	for _, p := range a.words("purposes") {
		spec.Purposes = append(spec.Purposes, cpni.Purpose(p))
	}
	for _, id := range a.words("recipients") {
		p, _, err := w.partners.Get(ctx, id)
		if err != nil {
			return spec, err
		}
		spec.Recipients = append(spec.Recipients, notice.Recipient{ID: id, Name: p.Called(), Class: p.Class})
	}
	return spec, nil
}

// edition makes the words of a notice as the file asks for them: without what it leaves out, and spoilt as it says.
//
// cite: V43, V44, V46, V52, V53, V54
func (w *world) edition(ctx context.Context, a args, s notice.Spec) (string, error) {
	via := a.text("via")
	if via == "" {
		via = notice.ByEmail
	}
	asked := wording.Asked{Kind: s.Kind, Via: via, Language: a.text("language"), Omit: a.words("omit"), Subject: a.text("subject"), PartlyTranslated: a.flag("partly-translated"),
		NoReply: a.has("reply") && !a.flag("reply"), Wait: s.Wait, Floor: w.office.Approvals.Numbers(w.office.Clock.Now()).Wait, Purposes: s.Purposes, Data: s.Data, Email: &w.office.Carrier.Email}
	for _, r := range s.Recipients {
		asked.Recipients = append(asked.Recipients, wording.Recipient{ID: r.ID, Name: r.Name, Class: r.Class})
	}
	e, err := w.office.Wording.Ask(asked)
	if err != nil {
		return "", err
	}
	if !a.has("subject") && !a.has("language") && !a.has("omit") && !a.flag("partly-translated") && !a.has("reply") {
		return "", nil // the policy's own text, in every way: another form may have to go
	}
	return e.Version(), w.office.KeepEdition(ctx, e)
}

// deliver has a notice reach the customers: e-mail goes, letters are mailed, and what no message carries is given now.
func (w *world) deliver(ctx context.Context, run notice.Run, a args, ids []cpni.ID) error {
	if err := w.carry(ctx); err != nil {
		return err
	}
	for _, id := range ids {
		state, via, message, err := w.office.Notices.With(ctx, id, run.ID)
		if err != nil {
			return err
		}
		switch {
		case state != notice.WithPlanned:
		case via == notice.ByInsert:
			m := notice.Mailing{Mailed: workday.DateIn(w.now(), w.office.Zone), Inserted: []cpni.ID{id}}
			if a.has("inserts") && !a.flag("inserts") {
				m.Inserted, m.Missed = nil, m.Inserted
			}
			_, err = w.office.Notices.Mailed(ctx, run.ID, m, teller)
		case via == notice.ByPostal:
			err = w.mailed(ctx, message)
		case via != notice.ByEmail:
			var at cpni.ID
			if a.has("contact") {
				at = w.contact(a.text("contact"))
			}
			_, err = w.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
				_, entries, err := w.office.Notices.Proven(ctx, tx, id, run, via, w.office.Clock.Now(), at, teller)
				return entries, err
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mailed has the print shop confirm a letter as posted, unless it never got it.
func (w *world) mailed(ctx context.Context, message cpni.ID) error {
	err := w.office.Messages.Referred(ctx, cpni.Postal, string(message), notify.Report{Kind: notify.Mailed, At: w.now(), Outcome: notify.Outcome{State: notify.Sent, Code: "mailed"}})
	if errors.Is(err, notify.ErrNotOurs) {
		return nil
	}
	return err
}

func (w *world) maturesOf(ctx context.Context, id, run cpni.ID) (time.Time, error) {
	all, err := w.office.Approvals.Events(ctx, id)
	if err != nil {
		return time.Time{}, err
	}
	for _, e := range slices.Backward(all) {
		if e.Run == run && e.What == approval.Noticed {
			return e.Matures, nil
		}
	}
	return time.Time{}, nil
}

// readOneTime reads the words of a one-time notice on a call.
func readOneTime(w *world, a args) (result, error) {
	switch {
	case a.has("via") && a.text("via") != "oral" || !a.has("contact"):
		return result{}, notBuilt("`notice` of kind one-time but orally, in a contact")
	}
	w.read[a.text("id")], w.named[a.text("id")] = w.contact(a.text("contact")), a.words("recipients")
	return succeeded(), nil
}

// night has the carrier's night pass: customers are reconciled with the notices that are proven given to them.
//
// cite: P-27, V51
func night(ctx context.Context, w *world, _ args) (result, error) {
	return succeeded(), w.office.Notices.Reconcile(ctx)
}

// bounce has a notice come back from a customer.
//
// cite: V40, V41, 47 CFR 64.2008(d)(3)(iii)
func bounce(ctx context.Context, w *world, a args) (result, error) {
	id, run := w.customers[a.text("customer")], w.notices[a.text("notice")]
	_, via, message, err := w.office.Notices.With(ctx, id, run)
	if err != nil {
		return result{}, err
	}
	if message == "" {
		return result{}, fmt.Errorf("the notice %s did not go to %s", a.text("notice"), a.text("customer"))
	}
	if via != notice.ByEmail && via != notice.ByPostal {
		done, err := w.office.Notices.Returned(ctx, run, []cpni.ID{id}, teller)
		if err == nil && done.Unknown > 0 {
			err = notice.ErrNotInBill
		}
		if err != nil {
			return of(err, succeeded())
		}
		return succeeded(), w.carry(ctx)
	}
	err = w.office.Messages.Referred(ctx, cpni.Via(via), string(message), notify.Report{Kind: notify.Bounce, At: w.now(), Outcome: notify.Outcome{State: notify.Bounced, Code: "550"}})
	if err != nil {
		return result{}, err
	}
	return succeeded(), w.carry(ctx)
}

func answer(ctx context.Context, w *world, a args) (result, error) {
	if _, ok := w.read[a.text("notice")]; ok {
		return answerOnCall(ctx, w, a)
	}
	x := approval.Answer{Customer: w.customers[a.text("customer")], Says: approval.Say(a.text("says")), Scope: a.text("scope"), Via: a.text("via"), Names: a.words("names"), By: teller}
	if a.has("contact") {
		x.Contact = w.contact(a.text("contact"))
	}
	if x.Via == "" {
		x.Via = w.viaOf(ctx, x.Contact)
	}
	if a.has("notice") {
		_, _, message, err := w.office.Notices.With(ctx, x.Customer, w.notices[a.text("notice")])
		if err != nil {
			return result{}, err
		}
		x.Notice = message
		if x.Scope == "" && x.Says != approval.Object {
			if x.Scope, err = w.soleScope(ctx, a.text("notice")); err != nil {
				return result{}, err
			}
		}
	}
	if a.has("evidence") && a.text("evidence") != "no" {
		x.Evidence = &approval.Evidence{Kind: "attestation", Says: a.text("evidence"), Raw: []byte(a.text("evidence"))}
		x.Signed = x.Via == approval.ByPostal || x.Via == approval.ByStore
	}
	_, err := w.office.Approvals.Answer(ctx, x)
	return of(err, succeeded())
}

// viaOf is how an answer came in a contact.
func (w *world) viaOf(ctx context.Context, id cpni.ID) string {
	s, _, err := w.desk.Get(ctx, id)
	if err != nil {
		return approval.ByPhone
	}
	switch s.Channel {
	case cpni.Store:
		return approval.ByStore
	case cpni.Online, cpni.Chat:
		return approval.ByPortal
	case cpni.Mail:
		return approval.ByPostal
	}
	return approval.ByPhone
}

// soleScope is what a yes to a notice is for that tells of one thing alone.
func (w *world) soleScope(ctx context.Context, name string) (string, error) {
	run, err := w.office.Notices.Run(ctx, w.notices[name])
	if errors.Is(err, notice.ErrNoRun) {
		return "", nil
	}
	if scopes := run.Spec.Scopes(); err == nil && len(scopes) == 1 {
		return scopes[0], nil
	}
	return "", err
}
