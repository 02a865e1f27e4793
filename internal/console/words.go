package console

import (
	"strconv"
	"strings"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
)

// The words that pages have for ours.
var (
	classWords = map[cpni.DataClass]string{cpni.CallDetail: "Call detail", cpni.Billing: "Billing", cpni.Usage: "Usage", cpni.Service: "Service", cpni.Location: "Location",
		cpni.Listing: "Directory listing", cpni.Aggregate: "Aggregate report"}
	purposeWords = map[cpni.Purpose]string{cpni.CustomerRequest: "The customer asks", cpni.ProvideService: "To provide or mend the service", cpni.BillingPurpose: "To bill or collect",
		cpni.Protect: "To protect against fraud", cpni.InboundMarketing: "An offer of ours on this call", cpni.Emergency: "An emergency",
		cpni.Legal: "Legal process", cpni.Directory: "To publish a directory", cpni.DesigneePurpose: "For whom the customer has named in writing", cpni.OwnMarketing: "Our own marketing of telephone services",
		cpni.OtherMarketing: "Our marketing of other things", cpni.PartnerMarketing: "Marketing by the partner", cpni.CompetitorTracking: "Finding who calls competitors", cpni.WinBack: "Keeping a customer who leaves"}
	viaWords = map[cpni.Via]string{cpni.Voice: "Told on the telephone", cpni.Screen: "Shown or told in the contact", cpni.Postal: "By post to record",
		cpni.Email: "By e-mail to record", cpni.Text: "By text to record", cpni.File: "As a file"}
	channelWords = map[cpni.Channel]string{cpni.Phone: "telephone", cpni.Store: "shop", cpni.Online: "online session", cpni.Chat: "chat", cpni.Mail: "letter"}
	methodWords  = map[cpni.Method]string{cpni.ByPassword: "password", cpni.ByPIN: "PIN", cpni.ByCallback: "call back", cpni.ByCode: "code", cpni.ByPhotoID: "photo ID",
		cpni.ByContract: "business contract", cpni.ByBackup: "backup question", cpni.ByPasskey: "passkey"}
	roleWords = map[cpni.Role]string{cpni.RoleAgent: "agent", cpni.RoleSupervisor: "supervisor", cpni.RoleMarketing: "marketing", cpni.RoleCompliance: "compliance",
		cpni.RoleOfficer: "officer", cpni.RoleFraud: "fraud", cpni.RoleBilling: "billing", cpni.RoleAuditor: "auditor", cpni.RoleAdmin: "administrator", cpni.RoleSystem: "integration"}
	recipientWords = map[cpni.RecipientKind]string{cpni.ToCustomer: "the customer", cpni.ToAuthorised: "an authorised person", cpni.ToCarrier: "the carrier itself",
		cpni.ToDesignee: "a person named in writing", cpni.ToLawEnforcement: "law enforcement", cpni.ToDirectoryPublisher: "a directory publisher",
		cpni.ToPSAP: "a public safety answering point", cpni.ToOtherCarrier: "another carrier", cpni.ToFamily: "the family"}
	claimWords = []option{{"born", "Birth date"}, {"ssn4", "Social security digits"}, {"account", "Account number"}, {"number", "Telephone number"}, {"bill", "Amount of a bill"},
		{"recent-payment", "A recent payment"}, {"caller-id", "The number that is shown"}, {"maiden", "Mother's maiden name"}, {"voice", "A known voice"}}
	kindWords = map[ledger.Kind]string{ledger.Decision: "Decisions", ledger.Attempt: "Attempts", ledger.Contact: "Contacts", ledger.Lookup: "Look-ups", ledger.Change: "Changes", ledger.Alert: "Alerts", ledger.Message: "Messages", ledger.Letter: "Letters", ledger.Process: "Legal process", ledger.Incident: "Incidents", ledger.Filing: "Filings and books"}
	// What a right lets somebody do, after "the right to".
	rightWords = map[staff.Right]string{staff.Serve: "serve customers: open contacts, take proofs, ask", staff.See: "find customers and see their cards",
		staff.KeepCustomers: "add customers and end their service", staff.KeepRegisters: "keep the register of partners and the books of a year", staff.KeepStaff: "keep the register of the staff",
		staff.Train: "record training", staff.ReadRecords: "read what is on record", staff.Forget: "have a customer forgotten",
		staff.Watch: "see alerts and work on their cases", staff.Discipline: "record findings and sanctions", staff.KeepCourses: "publish courses", staff.AnswerProcess: "take in, review and answer legal process", staff.GiveNotices: "have notices given to many customers, with a second person",
		staff.Market: "build, launch and stop campaigns", staff.ReviewCampaigns: "review campaigns that others have built, and stop them",
		staff.Export:          "have files made for partners, with a second person",
		staff.KeepDirectories: "keep publishers of directories, and give them listings",
		staff.MakeReports:     "make reports about many customers",
		staff.ReadRegisters:   "see the registers of disclosures and of legal process", staff.ReadCampaigns: "see the register of campaigns",
		staff.ReportIncidents: "report a suspicion", staff.HandleIncidents: "keep the files of incidents", staff.ReadIncidents: "see the files of incidents",
		staff.KeepPolicy: "propose other rules, and agree to what another proposes", staff.Operate: "see settings and health, and renew keys",
		staff.WorkTickets: "work with trouble tickets and orders", staff.WorkProtection: "work with cases of fraud", staff.WorkPorts: "work with ports to and from other carriers", staff.WorkCollection: "work with accounts placed with a vendor"}
)

// option is a choice in a form.
type option struct{ Value, Text string }

// wordOf gives a page's word for one of ours, or our own where a page has none.
func wordOf[T ~string](words map[T]string, w T) string {
	if text, ok := words[w]; ok {
		return text
	}
	return string(w)
}

// capital gives words that begin a line.
func capital(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[0])) + string(r[1:])
}

// speakerWords names who was proved.
func speakerWords(s *contact.State) string {
	if name, ok := s.Authorised(); ok {
		return name + " (authorised)"
	}
	return "the customer"
}

// moment writes a time to the second by the carrier's clocks, with their zone.
func (v *visit) moment(t time.Time) string {
	return t.In(v.office.Zone).Format("2 Jan 2006, 15:04:05 MST")
}

// clock writes a time of today, or of another day with its date.
func (v *visit) clock(t time.Time) string {
	t, now := t.In(v.office.Zone), v.now.In(v.office.Zone)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04 MST")
	}
	return t.Format("2 Jan 2006, 15:04 MST")
}

func (v *visit) day(t time.Time) string { return t.In(v.office.Zone).Format("2 January 2006") }

// month writes a month that is given as yyyymm.
func month(yyyymm int) string {
	return time.Date(yyyymm/100, time.Month(yyyymm%100), 1, 0, 0, 0, 0, time.UTC).Format("January 2006")
}

// months writes months: those that follow each other from the first to the last.
func months(all []int) string {
	var parts []string
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1] == monthAfter(all[j]) {
			j++
		}
		text := month(all[i])
		if j > i {
			text += " to " + month(all[j])
		}
		parts = append(parts, text)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

func monthAfter(yyyymm int) int {
	if yyyymm%100 == 12 {
		return yyyymm + 89
	}
	return yyyymm + 1
}

// counted writes a number of things.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// length writes a length of time in words.
func length(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return counted(int(d/time.Hour), "hour", "hours")
	case d%time.Minute == 0:
		return counted(int(d/time.Minute), "minute", "minutes")
	}
	return d.String()
}

// uncapital gives words that stand within a line.
func uncapital(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToLower(string(r[0])) + string(r[1:])
}
