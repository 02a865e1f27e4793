package wording

import (
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Ways by which a notice reaches a customer beside e-mail and post. Both say what the letter says.
const (
	ByInsert = "bill-insert"
	ByPortal = "portal"
	ByVoice  = "oral"
)

// Asked is a notice as a story or a form asks for it, with what is to be left out or spoilt.
type Asked struct {
	Kind string // opt-out or opt-in, or the kind of message
	Via  string // email, postal, bill-insert, portal, oral
	// Language is that of the notice; "": all that the text has.
	Language string
	Omit     []string // items of the checklist, such as N-07
	Subject  string   // "": that of the text
	NoReply  bool     // it comes from an address that nobody reads
	// PartlyTranslated leaves the steps in another language than the rest.
	PartlyTranslated bool
	Wait             int // days; 0: the Floor
	Floor            int // the fewest days that the law allows
	Purposes         []cpni.Purpose
	Data             []cpni.DataClass
	Recipients       []Recipient
	// Email is where customers answer; nil: it is not looked at, else it must not be blank.
	Email *string
	// Draft is the text; nil: the policy's own.
	Draft *Draft
}

// everyday are the kinds of information that a notice is about when it says nothing else: all CPNI but where somebody is.
var everyday = []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Billing}

// Ask makes the edition that somebody asks for, or says why there can be none: with ORAL, CONFIG_CONTACT, REPLY, SUBJECT or
// NOTICE_N01 to NOTICE_N16. Whether an e-mail may go to a customer at all is not known here: NoEmailConsent.
//
// cite: P-02, P-08, P-12, P-27, V43, V44, V46, V47, V52, V53, V54, 47 CFR 64.2008
func (b *Book) Ask(a Asked) (*Edition, error) {
	kind := a.Kind
	switch kind {
	case "opt-out":
		kind = notify.OptOutNotice
	case "opt-in":
		kind = notify.OptInRequest
	}
	if kind == notify.OptOutNotice && a.Via == ByVoice {
		return nil, refuse(Flaw{Says: "a notice that silence answers is written, and never spoken", Cite: "P-26, 47 CFR 64.2008(d)", Code: CodeOral})
	}
	if a.Email != nil && strings.TrimSpace(*a.Email) == "" {
		return nil, ContactMissing()
	}
	if a.Email != nil {
		if err := TakesReplies(*a.Email); err != nil {
			return nil, err
		}
	}
	draft := a.Draft
	if draft == nil {
		d, err := b.Draft(kind)
		if err != nil {
			return nil, err
		}
		draft = d
	}
	for _, id := range a.Omit {
		if _, ok := ItemOf(id); !ok {
			return nil, cpni.Rejected(codeInput, fmt.Sprintf("%q is no item of the checklist", id), []string{"47 CFR 64.2008"}, "name N-01 to N-16")
		}
		draft = draft.Without(id)
	}
	if a.PartlyTranslated {
		draft = draft.PartlyTranslated()
	}
	if a.NoReply {
		draft = draft.NoReply()
	}
	s := Spec{Kind: kind, Purposes: a.Purposes, Data: a.Data, Recipients: a.Recipients, Floor: a.Floor, Draft: draft}
	if len(s.Purposes) == 0 {
		s.Purposes = []cpni.Purpose{cpni.OwnMarketing}
		if kind == notify.OptInRequest && len(a.Recipients) > 0 {
			s.Purposes = []cpni.Purpose{cpni.PartnerMarketing}
		}
	}
	if len(s.Data) == 0 {
		s.Data = slices.Clone(everyday)
	}
	if kind == notify.OptOutNotice {
		if s.Wait = a.Wait; s.Wait == 0 {
			s.Wait = a.Floor
		}
	}
	if a.Language != "" {
		s.Languages = []string{a.Language}
	}
	if a.Subject != "" {
		language := a.Language
		if language == "" {
			language = fallback
		}
		s.Subject = map[string]string{language: a.Subject}
	}
	way, ok := TextOf(a.Via)
	if !ok {
		return nil, cpni.Rejected(codeInput, fmt.Sprintf("a notice does not go by %q", a.Via), []string{"47 CFR 64.2008(d)"}, "name email, postal, bill-insert or portal")
	}
	s.Ways = []cpni.Via{way}
	return b.Edition(s)
}

// TextOf gives the way whose text a notice has that goes by via: bill inserts, the portal and a conversation have that of the letter.
func TextOf(via string) (cpni.Via, bool) {
	switch via {
	case string(cpni.Email):
		return cpni.Email, true
	case string(cpni.Postal), ByInsert, ByPortal, ByVoice:
		return cpni.Postal, true
	}
	return "", false
}

// ContactMissing is the refusal of every notice of a carrier that gives no address for answers.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3)
func ContactMissing() *cpni.Refusal {
	return cpni.Rejected(CodeContact, "the carrier gives no address to which customers can write to say no", []string{"P-12", "P-27", "47 CFR 64.2008(c)(3)"}, "write an address that is read into carrier.contact.email")
}
