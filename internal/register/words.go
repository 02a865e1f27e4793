package register

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// The words of registers, as people read them.
var (
	classWords = map[cpni.DataClass]string{cpni.CallDetail: "call detail", cpni.Usage: "usage", cpni.Service: "service", cpni.Location: "location", cpni.Billing: "billing",
		cpni.Listing: "directory listing", cpni.Aggregate: "aggregate"}
	purposeWords = map[cpni.Purpose]string{cpni.CustomerRequest: "at the customer's request", cpni.ProvideService: "to provide or mend the service", cpni.BillingPurpose: "to bill or collect",
		cpni.Protect: "to protect against fraud", cpni.Legal: "legal process", cpni.Directory: "a directory", cpni.Emergency: "an emergency", cpni.DesigneePurpose: "a written request of the customer",
		cpni.OwnMarketing: "marketing of communications services", cpni.OtherMarketing: "marketing of other services", cpni.PartnerMarketing: "marketing of a partner",
		cpni.InboundMarketing: "an offer on the customer's call", cpni.CompetitorTracking: "tracking of calls to competitors", cpni.WinBack: "winning back"}
	kindWords = map[cpni.RecipientKind]string{cpni.ToAuthorised: "a person whom the customer has authorised", cpni.ToDesignee: "a person whom the customer has named", cpni.ToPartner: "a partner",
		cpni.ToLawEnforcement: "law enforcement", cpni.ToDirectoryPublisher: "a directory publisher", cpni.ToPSAP: "a public safety answering point", cpni.ToOtherCarrier: "another carrier",
		cpni.ToFamily: "the customer's family"}
	partnerWords = map[cpni.PartnerClass]string{cpni.Agent: "agent", cpni.AffiliateComm: "affiliate with communications services", cpni.AffiliateOther: "other affiliate", cpni.JointVenture: "joint venture",
		cpni.IndependentContractor: "independent contractor", cpni.OtherParty: "other"}
	basisWords = map[string]string{ByApproval: "the customer's approval", ByGrant: "the customer has authorised the person", ByRequest: "written request of the customer", ByProcess: "legal process",
		ByCase: "case of fraud or protection", ByTicket: "trouble ticket", ByOrder: "order", ByEmergency: "emergency", ByPort: "the number moves to another carrier", ByPlacement: "account placed with the vendor", ByListing: "published listing",
		ByAggregate: "aggregate information", ByLaw: "the rule alone"}
	stateWords = map[Destruction]string{Kept: "to be destroyed", Overdue: "destruction is overdue", Proved: "destroyed, certified", NoneHeld: "no day of destruction", NotTaken: "the file was never taken"}
	nameWords  = map[Name]string{Campaigns: "Campaigns", Disclosures: "Disclosures to third parties", Processes: "Legal process"}
)

func wordOf[T ~string](words map[T]string, w T) string {
	if text, ok := words[w]; ok {
		return text
	}
	return string(w)
}

// Title names the register in words.
func (n Name) Title() string { return wordOf(nameWords, n) }

// PurposeWord and KindWord give the words of a register for a purpose and for a kind of recipient.
func PurposeWord(p cpni.Purpose) string { return wordOf(purposeWords, p) }

// KindWord gives the words of a register for a kind of recipient.
func KindWord(k cpni.RecipientKind) string { return wordOf(kindWords, k) }

// DataWords writes classes of data.
func DataWords(all []cpni.DataClass) string {
	words := make([]string, len(all))
	for i, c := range all {
		words[i] = wordOf(classWords, c)
	}
	return strings.Join(words, ", ")
}

// Words says who received.
func (r Recipient) Words() string {
	word := wordOf(kindWords, r.Kind)
	if r.Kind == cpni.ToPartner {
		word = wordOf(partnerWords, r.Class)
		if word == "" {
			word = "a partner"
		}
	}
	switch {
	case r.Name != "" && r.Partner != "" && r.Name != r.Partner:
		return fmt.Sprintf("%s (%s; %s)", r.Name, r.Partner, word)
	case r.Partner != "":
		return fmt.Sprintf("%s (%s)", r.Partner, word)
	case r.Name != "":
		return fmt.Sprintf("%s (%s)", r.Name, word)
	}
	return word
}

// Words says what a disclosure rests on.
func (b Basis) Words() string {
	word := wordOf(basisWords, b.Kind)
	if name := cmp.Or(b.Number, b.ID); name != "" {
		word += " " + name
	}
	if b.Issuer != "" {
		word += " of " + b.Issuer
	}
	return word
}

// Words says whether what was given must still be destroyed.
func (d Destruction) Words() string { return wordOf(stateWords, d) }

// monthWords writes months, given as yyyymm.
func monthWords(all []int) string {
	words := make([]string, len(all))
	for i, m := range all {
		words[i] = fmt.Sprintf("%04d-%02d", m/100, m%100)
	}
	return strings.Join(words, ", ")
}

const (
	dayForm    = "2 January 2006"
	momentForm = "2006-01-02 15:04:05 MST"
)

func (b *Book) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(b.Zone).Format(dayForm)
}

func (b *Book) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(b.Zone).Format(momentForm)
}

// Words says what a register was asked for.
func (b *Book) Words(n Name, q Query) string {
	var all []string
	add := func(on bool, format string, a ...any) {
		if on {
			all = append(all, fmt.Sprintf(format, a...))
		}
	}
	add(!q.From.IsZero(), "from %s on", b.moment(q.From))
	add(!q.To.IsZero(), "before %s", b.moment(q.To))
	if kind := cpni.RecipientKind(q.Recipient); q.Recipient != "" {
		if slices.Contains(kinds, kind) {
			add(true, "to %s", KindWord(kind))
		} else {
			add(true, "to the partner %s", q.Recipient)
		}
	}
	add(q.Named != "", "to somebody named %q", q.Named)
	add(q.Purpose != "", "for: %s", PurposeWord(q.Purpose))
	add(q.Customer != "", "about the customer %s", q.Customer)
	add(q.Campaign != "", "for the campaign %s", q.Campaign)
	add(q.Matter != "", "with the number %q", q.Matter)
	add(q.Text != "", "whose description has %q", q.Text)
	if len(all) == 0 {
		return n.Title() + ": everything on the register."
	}
	return n.Title() + ": " + strings.Join(all, "; ") + "."
}
