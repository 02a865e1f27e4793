package office

import (
	"context"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
)

// noticeWords makes the edition of a notice of the policy's own text, and keeps it.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)
func (o *Office) noticeWords(ctx context.Context, s notice.Spec) (string, error) {
	floor := approval.RulesOf(o.Policy.Numbers(o.Clock.Now())).Wait
	of := wording.Spec{Kind: notify.OptInRequest, Purposes: s.Purposes, Data: s.Data, Floor: floor}
	if s.Kind == approval.OptOut {
		of.Kind, of.Wait = notify.OptOutNotice, max(s.Wait, floor)
	}
	if len(of.Data) == 0 {
		of.Data = wording.Everyday()
	}
	for _, r := range s.Recipients {
		of.Recipients = append(of.Recipients, wording.Recipient{ID: r.ID, Name: r.Name, Class: r.Class})
	}
	e, err := o.Wording.Edition(of)
	if err != nil {
		return "", err
	}
	return e.Version(), o.KeepEdition(ctx, e)
}

// KeepEdition stores the words of a notice by their versions.
//
// cite: 47 CFR 64.2008(a)(2)
func (o *Office) KeepEdition(ctx context.Context, e *wording.Edition) error {
	if err := o.hushEdition(ctx, e, ""); err != nil {
		return err
	}
	all := e.Kept()
	all[e.Version()] = e.Source
	return o.Outbox.Keep(ctx, all)
}

// ChoicesPage is where customers who are signed in say what their information may be used for.
const ChoicesPage = "/account/choices"

// NoticeTokens are what the words of a notice are filled with, beside what the notice itself fixes. message is the one that gives it.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3)
func (o *Office) NoticeTokens(message cpni.ID) map[string]string {
	return map[string]string{"carrier": o.Carrier.Name, "telephone": o.Carrier.Phone, "answer-email": o.Carrier.Email, "answer-web": o.Carrier.Address + ChoicesPage, "number": o.Outbox.Number(message)}
}
