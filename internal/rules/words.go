package rules

import (
	"slices"

	"github.com/cedar-policy/cedar-go/types"

	"ringfence/internal/cpni"
)

// words is a closed list of words; a set of them is a bit mask.
type words[T ~string] []T

// mask is a set of the words of one list: bit i is the i-th of them.
type mask uint16

func (w words[T]) bit(word T) mask {
	if i := slices.Index(w, word); i >= 0 {
		return 1 << i
	}
	return 0
}

func (w words[T]) mask(list []T) (m mask, all bool) {
	all = true
	for _, word := range list {
		b := w.bit(word)
		m |= b
		all = all && b != 0
	}
	return m, all
}

// known gives word when it is on the list and "" otherwise.
func (w words[T]) known(word T) T {
	if slices.Contains(w, word) {
		return word
	}
	return ""
}

// set gives the words of a mask as Cedar has them.
func (w words[T]) set(m mask) types.Set {
	var all []types.Value
	for i, word := range w {
		if m&(1<<i) != 0 {
			all = append(all, types.String(word))
		}
	}
	return types.NewSet(all...)
}

// The words that rules may meet. What is not on a list reaches no rule.
var (
	dataWords     = words[cpni.DataClass](cpni.DataClasses)
	purposeWords  = words[cpni.Purpose](cpni.Purposes)
	categoryWords = words[cpni.Category]{cpni.Local, cpni.LongDistance, cpni.Wireless, cpni.VoIP, cpni.Broadband, cpni.VoiceMail, cpni.CPE, cpni.CallFeatures, cpni.OtherProduct}
	methodWords   = words[cpni.Method]{cpni.ByPassword, cpni.ByPIN, cpni.ByCallback, cpni.ByCode, cpni.ByPhotoID, cpni.ByContract, cpni.ByBackup, cpni.ByPasskey}
	viaWords      = words[cpni.Via]{cpni.Voice, cpni.Screen, cpni.Postal, cpni.Email, cpni.Text, cpni.File}
	channelWords  = words[cpni.Channel]{cpni.Phone, cpni.Store, cpni.Online, cpni.Chat, cpni.Mail}
	roleWords     = words[cpni.Role](cpni.Roles)
	kindWords     = words[cpni.RecipientKind]{cpni.ToCustomer, cpni.ToAuthorised, cpni.ToDesignee, cpni.ToPartner, cpni.ToCarrier, cpni.ToLawEnforcement,
		cpni.ToDirectoryPublisher, cpni.ToPSAP, cpni.ToOtherCarrier, cpni.ToFamily}
	classWords = words[cpni.PartnerClass]{cpni.Agent, cpni.AffiliateComm, cpni.AffiliateOther, cpni.JointVenture, cpni.IndependentContractor, cpni.OtherParty}
	stateWords = words[cpni.ApprovalState]{cpni.Unnotified, cpni.Waiting, cpni.OptOutOK, cpni.OptInOK, cpni.Denied, cpni.RenoticeDue, cpni.OneTime}
	actorWords = words[string]{ActorStaff, ActorSystem, ActorCustomer}
)

// The kinds of actor.
const (
	ActorStaff    = "staff"    // a person who works for the carrier
	ActorSystem   = "system"   // an integration, by its API key
	ActorCustomer = "customer" // the customer, signed in
)

// services are the categories of service that a customer buys; what else may be offered is beside them.
var services, _ = categoryWords.mask(cpni.Services)

var marketing, _ = purposeWords.mask([]cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing, cpni.PartnerMarketing, cpni.InboundMarketing, cpni.WinBack})
