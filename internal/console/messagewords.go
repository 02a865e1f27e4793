package console

import (
	"strings"
	"time"

	"ringfence/internal/answer"
	"ringfence/internal/approval"
	"ringfence/internal/audience"
	"ringfence/internal/breach"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/export"
	"ringfence/internal/filing"
	"ringfence/internal/filing/books"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/filing/controls"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/filing/retention"
	"ringfence/internal/ledger/witness"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/process"
	"ringfence/internal/training"
	"ringfence/internal/written"
)

// The words that pages have for messages, their ways and what becomes of them.
var (
	wayWords = map[cpni.Via]string{cpni.Text: "text", cpni.Voice: "call", cpni.Email: "e-mail", cpni.Postal: "letter"}
	// messageKinds lists the kinds of messages in the order in which filters show them.
	messageKinds = []option{{notify.AccountChange, "Notice of change"}, {notify.VerificationCode, "Verification code"}, {notify.CallBack, "Call back"}, {notify.Records, "Records"},
		{notify.NotMeReceived, "“Not me” taken up"}, {"not-me-settled", "“Not me” settled"}, {"stop-received", "STOP taken up"},
		{notify.OptOutNotice, "Opt-out notice"}, {notify.OptInRequest, "Opt-in request"}, {notify.AnswerReceived, "Answer confirmed"}, {notify.AnswerHow, "How to say yes"}, {notify.Campaign, "Campaign"},
		{notify.NamedUnreached, "Person named not reached"},
		{notify.DesigneeRecords, "Records to a person named"}, {notify.WrittenRequest, "Written request taken up"}, {notify.ReportReceived, "Report taken up"}, {notify.ReportAnswered, "Report answered"},
		{notify.ProcessDemand, "Legal process announced"}, {notify.ProcessAnswered, "Legal process answered"},
		{notify.IncidentNotice, "Breach"}}
	messageStates = map[notify.State]chip{notify.Queued: {"waits", "warn"}, notify.Sending: {"being sent", "warn"}, notify.Sent: {"sent", "good"}, notify.Delivered: {"delivered", "good"},
		notify.Bounced: {"bounced", "bad"}, notify.Failed: {"failed", "bad"}, notify.Replaced: {"replaced", ""}, notify.Cancelled: {"taken back", ""}}
	placeWords = map[notify.Place]string{notify.Old: "where the customer was reached before the change", notify.TNOR: "a telephone number of record", notify.AOR: "an address of record",
		notify.Named: "a place that is not of record"}
	// messageCodes say in words what our own codes mean; those of the other side are its own.
	messageCodes = map[string]string{notify.Expired: "what it says was worth nothing any more", notify.Forgotten: "the customer's key is destroyed",
		notify.Reveals:   "it would have told a value that it must not; tell the operator, nothing went out",
		notify.QuietHour: "it waits for the customer's morning", notify.NoTexts: "the line wants no texts", notify.Unwritten: "its template refuses what it was to say; tell the operator",
		notify.GivenUp: "it was tried for as long as it may be", notify.NoSuchWay: "there is no other way", notify.Taken: "somebody has taken it back",
		"NOT_WRITTEN": "it could not be written; it is tried again", "NOT_TOLD": "the channel did not say what became of it; it is tried again", "FILE": "written into a folder"}
	stepOfMessage = map[string]string{string(notify.Queued): "Not taken yet; it is tried again", string(notify.Sent): "Sent: the other side has taken it", string(notify.Delivered): "Delivered: the customer has it, as far as the other side can know",
		string(notify.Bounced): "It came back", string(notify.Failed): "It could not be sent, and is tried no more", string(notify.Replaced): "Another message goes in its place",
		string(notify.Cancelled): "Taken back", notify.Settled: "Looked into and settled", notify.Receipt: "A receipt came in", notify.Bounce: "A bounce came in", notify.AutoReply: "An automatic answer came in",
		notify.Reply: "The customer answered", notify.Stop: "The customer wants no more texts", notify.Mailed: "The print shop has posted it", notify.Complaint: "The customer called it unwanted"}
	callWords = map[string]string{notify.Answered: "somebody answered", notify.Machine: "a machine took the call", notify.Busy: "the line was busy", notify.NoAnswer: "nobody answered",
		notify.Refused: "the call was refused", notify.Unreachable: "the line could not be reached"}
)

// kindOfMessage is a page's word for the kind of a message.
func kindOfMessage(kind string) string {
	for _, k := range messageKinds {
		if k.Value == kind {
			return k.Text
		}
	}
	if kind == notify.Test {
		return "Test"
	}
	if kind == "" {
		return "Message of an earlier version"
	}
	return capital(strings.ReplaceAll(kind, "-", " "))
}

// codeOfMessage says a code in words, where it is ours.
func codeOfMessage(code string) string {
	if text, ok := messageCodes[code]; ok {
		return text
	}
	if rest, ok := strings.CutPrefix(code, notify.GivenUp+" "); ok {
		return messageCodes[notify.GivenUp] + "; the last answer was " + rest
	}
	return code
}

// callOf tells how a call went.
func callOf(c *notify.Call) string {
	if c == nil {
		return ""
	}
	text := wordOf(callWords, c.Ended)
	if c.Pressed != "" {
		text += ", and pressed " + c.Pressed
	}
	if c.Lasted > 0 {
		text += ", for " + roughly(c.Lasted.Round(time.Second))
	}
	return text
}

// alertWords say of alerts that other parts of the program raise what they are and what to do.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
var alertWords = map[cpni.Code]struct {
	title    string
	do       []string
	messages bool // it is about a customer's messages
}{
	notify.DeadLetter: {"A message did not arrive", []string{"Open the customer's messages: what failed stands first, with the other side's words.",
		"Try again, or send it another way. Where nothing is left, tell the customer by the number or address of record, never by one that has just been changed.",
		"Settle the message with a word on how the customer was told, and close the case."}, true},
	office.Unkept: {"A promise to customers is not kept", []string{"Open Public policy: the sentences that are red stand first, each with what is off.",
		"Put back what is off: the rule, the channel, the dated numbers or the fact in the configuration. Where the promise itself has to change, propose the next version.",
		"Close the case when the sentence is green again; the alert comes again when it turns red again."}, false},
	office.FacilityUnverified: {"Nobody has looked whether the reporting facility is there", []string{"Follow the link carrier.facility.link of the configuration and see that it leads to the central reporting facility (P-46).",
		"Write today's date at carrier.facility.verified, and start the server again."}, false},
	export.Overdue: {"A partner has not destroyed in time", []string{"Open Partners: who is late stands in red, and gets nothing more.", "Obtain the certificate of destruction, and enter it at the partner; then close the case.",
		"Where the partner cannot say that the data are destroyed, look whether they are in somebody's hands: that may be a breach."}, false},
	export.FetchedAgain: {"A file was asked for a second time", []string{"The file was handed out before, and was not handed out again. Ask the partner whether it was they who asked, and what became of the first copy.",
		"Revoke the key at the partner if nobody there can say.", "Where the first copy was lost on its way, let it be fetched once more at the file, with the reason."}, false},
	export.Futile: {"A file for a partner was stopped", []string{"The partner's key has changed since the file was begun, or the day by which it must be destroyed has come; nothing was handed out.", "Propose the file again if it is still wanted."}, false},
	export.Untold: {"A partner could not be told", []string{"The partner's webhook has not taken a call for days. Tell the partner by another way that a file waits, or that a day of destruction comes.", "Have the address at the partner put right."}, false},
	notice.Missing: {"Customers have no proven notice of their rights", []string{"Open Notices, then Renewals: it says who was never told, for whom a notice is late, and whom no way reaches.",
		"Propose a run for who was never told. Where bills went without it, assess by the day in the alert whether that was more than an anomaly.", "Close the case when none is missing."}, false},
	notice.RenewalDue: {"Notices lapse, and no run renews them", []string{"Open Notices, then Renewals: month by month it says how many lapse, and which run reaches them.", "Propose a run for who is lapsing, to begin in time; then close the case."}, false},
	approval.UsedOnVoid: {"A notice came back after silence had counted", []string{"What was used between rested on nothing. Open the customer's approvals: another form goes by itself where there is one.",
		"Look in the register of campaigns for what was sent to the customer meanwhile, and note it in the case."}, false},
	answer.Unread: {"An answer waits to be read", []string{"Open Answers to read: what is due stands first.", "Read it and enter what the customer says; a refusal counts from when it came."}, false},
	audience.Differs: {"What audiences are found by was not what customers' records say", []string{"The index was begun anew, and nothing was released on it alone: the door looks at each customer's own record.",
		"Ask the operator to run “ringfence check audience”. When it differs again, stop the campaigns that run and have the ledger verified."}, false},
	process.Overdue:    {"Legal process is not answered in time", []string{"Open Legal process: what is late stands in red. Nothing is released for its being late.", "Review it, object or answer; then close the case."}, false},
	process.Unsilenced: {"An order of silence has no end", []string{"Ask whoever served it whether the customer may still not be told.", "Enter the extension, the day or the lifting with its paper at the process; then close the case."}, false},
	process.Untold:     {"A customer is to be told of legal process, and has no address of record", []string{"Open the process: nothing is released before its notice has gone and its wait is over.", "Reach the customer by a number or address of record, or answer whoever served it that they cannot be told."}, false},
	written.Late: {"A written request waits for somebody", []string{"Open Written requests: one that came by post waits for its signer to be proved, one that reached nobody for another way.",
		"Reach the customer at a number or address of record, and carry it out or decline it with the reason."}, false},
	breach.Suspected: {"An incident was taken in", []string{"Open Incidents: the newest has no determination yet.", "Correct the facts as they become known, find whose data it reached, and determine what happened: the clocks run from then."}, false},
	breach.DueToLaw:  {"The agencies are to be told of a breach", []string{"Open Incidents: what is due next stands first.", "File the report at the central facility, and enter its receipt at the incident."}, false},
	breach.LateToLaw: {"The agencies are told of a breach late", []string{"Open Incidents: what is late stands first.", "Report all the same, and write into the file why it is late."}, false},
	breach.CustomersDue: {"Customers are to be told of a breach", []string{"Open Incidents: what is due next stands first.",
		"The hold is over: have the customers told, on the page Telling of the incident."}, false},
	breach.CustomersLat: {"Customers should have been told of a breach", []string{"Open Incidents: what is late stands first.", "Tell them now, on the page Telling of the incident."}, false},
	breach.HoldTried:    {"Somebody tried to tell customers before they may be told", []string{"Nothing was sent. The history of the incident says who tried, and when.", "Say to them until when nothing is told, and why."}, false},
	breach.StateLaw: {"Another law asks for customers to be told while they must not be", []string{"The hold goes before it. Open the incident: its overview shows both days.",
		"Have counsel answer the state, and ask the agency whether it still needs the hold."}, false},
	breach.NeedWriting: {"An agency has spoken and not written", []string{"Open the incident, then Agencies: a spoken direction keeps the hold, and does not count until it is written.",
		"Ask the officer to put it in writing; where they will not, record that."}, false},
	filing.Failed:    {"A way to refuse did not work", []string{"Open Failed ways to refuse: the newest is not judged yet.", "Have the way mended, and judge whether it was more than an anomaly: if it was, the Commission gets a letter within five business days, also where the other ways worked."}, false},
	filing.Due:       {"A letter to the Commission is due", []string{"Open Failed ways to refuse: what is due next stands first.", "Complete the letter, send it, and enter the proof at the file."}, false},
	filing.Overdue:   {"A letter to the Commission is late", []string{"Open Failed ways to refuse: what is late stands first.", "Send the letter now, and enter the proof at the file. It is asked for every day until then."}, false},
	controls.WentOff: {"A control is off", []string{"Open Controls: it says what was seen, and since when.", "Have it put right; it is looked at again by itself. One that nobody has confirmed in time is confirmed there."}, false},
	monitor.Silent: {"Nobody can tell whether a way to refuse works", []string{"Open Failed ways to refuse, then Ways to refuse, tried: the way that is unknown says since when.",
		"Have its monitor set up or mended, and try the way yourself meanwhile: silence is no sign that customers can refuse."}, false},
	filing.Recovered: {"A way to refuse works again", []string{"Open Failed ways to refuse: the file of the failure has what the monitor saw.",
		"It stays open: judge whether it was more than an anomaly, for the letter is due also when the way was mended."}, false},
	retention.Over:      {"Something is older than it should be", []string{"Open Retention, then Plan: it says what is past its time, and what a legal hold keeps.", "Propose the plan, or write into the case why it stays."}, false},
	certificate.Due:     {"The annual certificate is asked for", []string{"Open Certificates: the file says what it lacks and what is open.", "An officer is led through it, signs it and has it filed by the day that the alert names."}, false},
	certificate.Overdue: {"The annual certificate is late", []string{"Open Certificates: have what it lacks written, an officer sign it, and file it now.", "Enter the confirmation at the file. It is asked for every day until then."}, false},
	certificate.Differs: {"A decision does not come out as it is recorded", []string{"Open the decision, and have the ledger verified and all decisions replayed.", "Until it is known why, the certificate says so."}, false},
	witness.Fork: {"A witness says that the ledger is not the one that it knows", []string{"Treat it as tampering until it is explained. Keep the database and its backups as they are.",
		"Have the operator verify the ledger with --known, with the checkpoint that is kept outside the database, and with --witness; and ask the witness for the checkpoint that it has cosigned last.",
		"Where an older copy was put back, restore the newer one. Where the database is whole, somebody else signs with the ledger's key: make a new ledger under a new name."}, false},
	witness.Stale: {"The ledger was not cosigned by enough witnesses lately", []string{"Open Health: it says of each witness how far it has cosigned, and what went wrong the last time.",
		"Tell the operator of the witness that is away, or have another one configured."}, false},
	"SUMMARY_DUE":                 {"The summary of a year's small breaches is due", []string{"Open Incidents: the files that belong into it say so.", "Make the summary, and file it."}, false},
	"SUMMARY_LATE":                {"The summary of a year's small breaches is late", []string{"Open Incidents: the files that belong into it say so.", "File it now."}, false},
	disclose.EmergencyUnjustified: {"An emergency was not justified in time", []string{"Ask who recorded it why they did: they write it at the emergency desk.", "Look in the records whether a location was given, and to whom. What nobody can justify may be a breach."}, false},
	contact.LineLost: {"A line that proved somebody was in other hands", []string{"Answers were given, or changes made, on the proof of a line that had been ported, forwarded or given a new SIM by then.",
		"Open the customer's records of that time. Reach them by what they prove otherwise, and undo what was not theirs."}, false},
	books.ReviewDue:          {"A partner was not reviewed in time, or what was found there is not mended", []string{"Open Books, then Reviews of suppliers: what is late stands first.", "Review the partner, or have what was found mended, and enter it. It is told once for each."}, false},
	training.SanctionMissing: {"A finding about a member waits for its case or its decision", []string{"Open Discipline: give the finding its case, or the case its decision with the reason."}, false},
	"NOTICE_LATE": {"A notice of change is late", []string{"The notice of a change has not gone within the time that the policy allows; the law says immediately.",
		"Look at Health or ask the operator whether the channel works. A way without a channel lets its messages wait for ever.", "Send it another way, or wait until the channel works and see it go; then close the case."}, true},
	"CHANGE_NOTICE_MISSING": {"A change without a notice", []string{"The account was changed and no notice was planned: there was no place of before by which the customer could be reached.",
		"Reach the customer by what they prove to be theirs, and never by what was set in that change.", "Note in the case how they were told."}, true},
	"LETTER_LATE": {"A letter is not confirmed as mailed", []string{"The print shop has the letter and has not said that it is posted.",
		"Ask the print shop for the batch that the message names. Have it sent again if it is lost: try again on the message's page."}, true},
	"NOT_ME": {"A customer says: this was not me", []string{"The change is frozen. Nothing that was set in it counts until the case is settled.",
		"Reach the customer at the number or address of record of before the change, and prove who they are.", "Undo the change or let it stand, as they say, and look who made it: the records name the contact and the person."}, true},
}
