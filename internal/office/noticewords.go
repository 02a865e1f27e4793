package office

import "ringfence/internal/cpni"

// ChoicesPage is where customers who are signed in say what their information may be used for.
const ChoicesPage = "/account/choices"

// NoticeTokens are what the words of a notice are filled with, beside what the notice itself fixes. message is the one that gives it.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3)
func (o *Office) NoticeTokens(message cpni.ID) map[string]string {
	return map[string]string{"carrier": o.Carrier.Name, "telephone": o.Carrier.Phone, "answer-email": o.Carrier.Email, "answer-web": o.Carrier.Address + ChoicesPage, "number": o.Outbox.Number(message)}
}
