package retention

import "slices"

// Kind is a kind of record with its rule. Names are those of the policy's stories where these have one.
type Kind struct {
	Name  string
	Title string
	// Terms name the numbers of the profile retention by which it is kept, without _months; of several the longest counts.
	Terms []string
	// Counts says from what on the months count.
	Counts string
	// Goes says how it goes when its time is over.
	Goes  string
	Cites []string
	// Tables hold it. A name that ends with * stands for all that begin so.
	Tables []string
	have   source  // where such records are
	way    *way    // how a plan erases it; nil: none does
	binds  binding // until when such a record holds a customer's key back; nil: it never does
}

// Erasable reports whether a plan can erase such records.
func (k Kind) Erasable() bool { return k.way != nil }

// source is where records of a kind are, by what moment they count, and whose they are; "" nobody's.
type source struct{ from, at, customer, where string }

// How a kind goes.
const (
	byPlan       = "by a plan, thing by thing"
	withCustomer = "with the customer's key"
	stays        = "it stays"
)

// Catalogue gives every kind of record, in the order in which pages show them. A new register adds its kind here, and a test fails until
// each table with what somebody might look for is in the catalogue or among Beside.
//
// cite: P-41, P-54, I-22
func Catalogue() []Kind {
	return []Kind{
		{Name: "approvals", Title: "Approvals and refusals, with their evidence", Terms: []string{"approval"}, Counts: "the end of the approval, which is the end of the service at the latest", Goes: withCustomer,
			Cites: []string{"P-26", "47 CFR 64.2007(a)(3)"}, Tables: []string{"approval", "approval_event", "approval_evidence", "answer_read"},
			have: source{"approval_event", "recorded", "customer_id", ""}, binds: ofApprovals},
		{Name: "notices", Title: "Notices of customers' rights, and their proof", Terms: []string{"notice"}, Counts: "the day of the notice", Goes: withCustomer,
			Cites: []string{"P-27", "47 CFR 64.2008(a)(2)"}, Tables: []string{"notice_given", "notice_run", "notice_mailing", "notice_day"},
			have: source{"notice_given", "at", "customer_id", ""}, binds: ofNotices},
		{Name: "campaigns", Title: "Campaigns, what they used and for whom", Terms: []string{"campaign"}, Counts: "the last step of the campaign", Goes: withCustomer + "; the campaign itself stays",
			Cites: []string{"P-40", "47 CFR 64.2009(c)"}, Tables: []string{"campaign", "campaign_work", "campaign_member"},
			have: source{"campaign", "at", "", ""}, binds: ofCampaigns},
		{Name: "reviews", Title: "Reviews of campaigns by a supervisor", Terms: []string{"review"}, Counts: "the last step of the campaign", Goes: stays,
			Cites: []string{"P-40", "47 CFR 64.2009(d)"}, Tables: []string{"campaign_event"}, have: source{"campaign_event", "at", "", ""}},
		{Name: "disclosures", Title: "Disclosures to third parties", Terms: []string{"disclosure", "campaign"}, Counts: "the disclosure, or the last step of its campaign or process", Goes: byPlan,
			Cites: []string{"P-41", "47 CFR 64.2009(c)"}, Tables: []string{"record", "register_line", "register_entry"},
			have: recordsThat(outside), way: recordWay(outside), binds: ofDisclosures},
		{Name: "exports", Title: "Files for partners, with who was in them and the proof of their destruction", Terms: []string{"disclosure"}, Counts: "the last step of the file", Goes: stays,
			Cites: []string{"P-41", "47 CFR 64.2009(c)"}, Tables: []string{"export", "export_row", "export_count", "export_part", "export_listed", "export_certificate", "directory_given", "directory_extract"},
			have: source{"export", "at", "", ""}},
		{Name: "processes", Title: "Legal process and what was answered", Terms: []string{"disclosure"}, Counts: "the last step of the process", Goes: stays,
			Cites: []string{"P-29", "47 CFR 64.2009(c)"}, Tables: []string{"process", "process_*"}, have: source{"process", "received", "", ""}, binds: ofProcesses},
		{Name: "incidents", Title: "Files of incidents, reports to the agencies and what customers were told", Terms: []string{"breach"}, Counts: "the last step of the closed file", Goes: byPlan,
			Cites: []string{"P-54", "47 CFR 64.2011(d)"}, Tables: []string{"incident", "incident_*"},
			have: source{"incident", "at", "", "state <> 'removed'"}, way: incidentWay, binds: ofIncidents},
		{Name: "failures", Title: "Failed ways to refuse, and the letters about them", Terms: []string{"failure"}, Counts: "the last step of the file", Goes: stays,
			Cites: []string{"P-12", "47 CFR 64.2009(f)"}, Tables: []string{"filing_*"}, have: source{"filing_failure", "at", "", ""}},
		{Name: "certificates", Title: "The annual certificate and its working files", Terms: []string{"certificate"}, Counts: "the day of the filing", Goes: stays,
			Cites: []string{"47 CFR 64.2009(e)"}, Tables: []string{"certificate_*", "certificate", "control_*", "monitor_*"}, have: source{"certificate", "changed", "", ""}},
		{Name: "books", Title: "Complaints by category, actions against data brokers, methods of pretexting, reviews of suppliers, sanctions", Terms: []string{"complaint", "certificate"}, Counts: "the last step", Goes: stays,
			Cites: []string{"47 CFR 64.2009(e)"}, Tables: []string{"book_*"}, have: source{"book_record", "changed", "", ""}},
		{Name: "complaints", Title: "What customers report as wrong", Terms: []string{"complaint"}, Counts: "the last step of the report", Goes: withCustomer,
			Cites: []string{"47 CFR 64.2009(e)"}, Tables: []string{"complaint"}, have: source{"complaint", "at", "customer_id", ""}, binds: ofComplaints},
		{Name: "training", Title: "Training of the staff", Terms: []string{"training"}, Counts: "the pass", Goes: stays,
			Cites: []string{"P-38", "47 CFR 64.2009(b)"}, Tables: []string{"training_*", "course_attempt", "course_result", "course_reading"}, have: source{"training_pass", "recorded", "", ""}},
		{Name: "discipline", Title: "Findings about the staff, and sanctions", Terms: []string{"discipline"}, Counts: "the last step of the case", Goes: stays,
			Cites: []string{"P-39", "47 CFR 64.2009(b)"}, Tables: []string{"finding", "discipline_*", "case_step"}, have: source{"finding", "found", "", ""}},
		{Name: "decisions", Title: "Decisions about requests, of the carrier and of customers themselves", Terms: []string{"record", "campaign"}, Counts: "the decision, or the last step of its campaign", Goes: byPlan,
			Cites: []string{"47 CFR 64.2010(a)"}, Tables: []string{"record"}, have: recordsThat(within), way: recordWay(within)},
		{Name: "look-ups", Title: "Looks at customers' cards", Terms: []string{"record"}, Counts: "the look", Goes: byPlan,
			Cites: []string{"47 CFR 64.2010(a)"}, Tables: []string{"record"}, have: recordsThat(entries("lookup")), way: recordWay(entries("lookup"))},
		{Name: "attempts", Title: "Attempts to prove who one is", Terms: []string{"record"}, Counts: "the attempt", Goes: byPlan,
			Cites: []string{"47 CFR 64.2010(a)"}, Tables: []string{"record", "tried", "throttle", "emergency"}, have: recordsThat(entries("attempt")), way: recordWay(entries("attempt"))},
		{Name: "changes", Title: "Changes of accounts, credentials and approvals", Terms: []string{"record", "approval"}, Counts: "the change", Goes: byPlan + ", once the customer is forgotten",
			Cites: []string{"P-23", "47 CFR 64.2010(f)"}, Tables: []string{"record"}, have: recordsThat(entries("change")), way: recordWay(entries("change") + nobodys)},
		{Name: "alerts", Title: "Alerts about customers", Terms: []string{"record"}, Counts: "the alert", Goes: byPlan,
			Cites: []string{"47 CFR 64.2010(a)"}, Tables: []string{"record", "watch_*"}, have: recordsThat(entries("alert")), way: recordWay(entries("alert"))},
		{Name: "messages", Title: "Messages to customers", Terms: []string{"message", "notice"}, Counts: "the last that happened to the message", Goes: byPlan,
			Cites: []string{"P-23", "47 CFR 64.2010(f)"}, Tables: []string{"message", "message_event"}, have: source{"message", "CASE WHEN changed > 0 THEN changed ELSE at END", "customer_id", ""}, way: messageWay},
		{Name: "contacts", Title: "Contacts with customers", Terms: []string{"contact"}, Counts: "the end of the contact", Goes: byPlan,
			Cites: []string{"47 CFR 64.2010(a)"}, Tables: []string{"contact"}, have: source{"contact", "opened", "customer_id", ""}, way: contactWay},
		{Name: "call-detail", Title: "Call detail", Terms: []string{"call_detail"}, Counts: "the end of the month", Goes: byPlan,
			Cites: []string{"47 CFR 64.2010(a)"}, Tables: []string{"call_segment"}, have: source{"call_segment", "month", "customer_id", ""}, way: callWay},
		{Name: "bills", Title: "Bills, usage, details of service and locations", Terms: []string{"item"}, Counts: "the end of the month; what belongs to no month stays while there is service", Goes: byPlan,
			Cites: []string{"47 CFR 64.2010(a)"}, Tables: []string{"cpni_item"}, have: source{"cpni_item", "nullif(period, 0)", "customer_id", ""}, way: itemWay},
		{Name: "requests", Title: "Requests in writing, tickets, orders, cases and ports", Terms: []string{"record"}, Counts: "the last step", Goes: withCustomer,
			Cites: []string{"P-33", "47 USC 222(c)(2)"}, Tables: []string{"written_request", "matter", "matter_about", "matter_history"}, have: source{"written_request", "at", "customer_id", ""}},
		{Name: "customers", Title: "Customers: their key, their card and what it seals", Terms: []string{"customer"}, Counts: "the end of the service, and the end of all that must be kept", Goes: byPlan + ": the key is destroyed",
			Cites: []string{"P-37", "47 CFR 64.2010(a)"}, Tables: []string{"customer", "customer_key", "lookup", "portal_session", "portal_passkey", "portal_ceremony"},
			have: source{"customer", "nullif(ended, 0)", "customer_id", ""}, way: customerWay()},
	}
}

// Beside are tables with what is sealed or names a customer that are no records with a term of their own, and why.
var Beside = map[string]string{
	"record_destroyed":    "what is left of entries that were destroyed: hashes and ids, without which the ledger would not verify",
	"customer_changed":    "which customers changed, for the other nodes; it is cut off as they catch up",
	"listing_changed":     "which listings changed; it goes as the publishers are told",
	"idempotency":         "answers to requests that are sent twice; it lapses within days",
	"audience_part":       "the index of audiences, which is made anew from customers' own records and begun afresh when one is forgotten",
	"aggregate_month":     "sums about groups of many",
	"directory_publisher": "publishers of directories, who are no customers",
	"directory_part":      "parts of extracts that are being written; removed once the extract is fetched",
	"factor":              "second factors of the staff",
	"ceremony":            "sign-ins of the staff that go on",
	"partner":             "partners, who are no customers",
	"proposal":            "acts that two people decide on; a part of the carrier's own book",
	"tried_key":           "keys of a day's failed secrets, swept with them",
	"retention_hold":      "legal holds themselves",
	"retention_item":      "the list of a plan until it is carried out",
}

// Of finds a kind by its name.
func Of(name string) (Kind, bool) {
	all := Catalogue()
	i := slices.IndexFunc(all, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return all[i], true
}
