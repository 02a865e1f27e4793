package scenario

import (
	"slices"

	"ringfence/internal/campaign"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// verb is a verb of the language: its fields, what it can give, and what an expectation may say of it.
type verb struct {
	name    string
	fields  []field
	bare    string     // the field that a bare value means, as in `hangup: c1`
	exactly [][]string // of each group exactly one field is given
	gives   []given
	results []field
	check   func(r *reader, n *node) // what the table cannot say
}

// given is an outcome that a verb can have, with its codes.
type given struct {
	outcome cpni.Outcome
	codes   []string
}

func ok() given                     { return given{outcome: cpni.OK} }
func permit() given                 { return given{outcome: cpni.Permit} }
func deny(codes ...string) given    { return given{cpni.Deny, codes} }
func hold(codes ...string) given    { return given{cpni.Hold, codes} }
func rejects(codes ...string) given { return given{cpni.Reject, codes} }
func (v verb) can(o cpni.Outcome) (given, bool) {
	i := slices.IndexFunc(v.gives, func(g given) bool { return g.outcome == o })
	if i < 0 {
		return given{}, false
	}
	return v.gives[i], true
}

// Words that several verbs use.
var (
	channel    = oneOf("phone", "store", "online", "chat", "mail")
	via        = oneOf("voice", "screen", "postal", "email", "text", "file")
	role       = oneOf("agent", "supervisor", "marketing", "compliance", "officer", "fraud", "billing", "auditor", "admin")
	category   = oneOf("local", "long-distance", "wireless", "voip")
	product    = oneOf("local", "long-distance", "wireless", "voip", "broadband", "voice-mail", "cpe", "call-features", "other")
	changeWord = oneOf(customer.Whats...)
	class      = oneOf("agent", "affiliate-comm", "affiliate-other", "joint-venture", "independent-contractor", "other")
	state      = oneOf("unnotified", "waiting", "opt-out-ok", "opt-in-ok", "denied", "renotice-due", "one-time")
	question   = pattern("a question", `\S`)
	clause     = pattern("a clause such as P-19, a case such as V58, or a section such as 64.2010(b)", `^(P-[0-5][0-9]|V[0-9]{2,3}|I-[0-9]{2}|(47 (CFR|USC) )?[0-9]+(\.[0-9]+)?(\([0-9A-Za-z]+\))*)$`)
	scope      = pattern("a scope: own-marketing, other-marketing, partner:ID, location:PURPOSE, data:CLASS or everything", `^(own-marketing|other-marketing|everything|partner:[A-Za-z0-9._-]+|location:[a-z-]+|data:[a-z-]+)$`)
	recipient  = pattern("a recipient", `^[a-z][A-Za-z0-9._-]*(:\S.*)?$`)
	checklist  = pattern("an item of the notice checklist, N-01 to N-16", `^N-(0[1-9]|1[0-6])$`)
	people     = either(oneOf("all"), list(refers("customer")), shape{})
	partners   = list(refers("partner"))
	planned    = list(fields("a notice", may("via", via), may("to", oneOf("old", "tnor", "aor"))))
	codeWord   = oneOf(allCodes()...)
	agreement  = fields("an agreement", may("until", moment), may("destroy-by", moment), may("certificate", flag), may("reference", text), may("from", moment), may("destroy-days", count), may("purposes", list(word)))
	serves     = either(oneOf("all"), list(refers("customer")), shape{})
	offer      = fields("an offer", may("name", text), need("category", either(product, list(product), shape{})))
	customers  = refers("customer")
	staffName  = refers("staff")
	caseOrText = either(text, shape{}, fields("a case", need("id", text), may("open", flag)))
)

// disclosed are the codes of refused disclosures.
func disclosed() []string { return wordsOf(cpni.Precedence) }

// allCodes lists every code that some verb can give.
func allCodes() []string {
	all := append(disclosed(), otherCodes...)
	slices.Sort(all)
	return slices.Compact(all)
}

// otherCodes are the codes of rejected commands and of holds.
var otherCodes = []string{
	"BAD_SECRET", "LOCKED", "PHOTO_ID", "NO_EXEMPTION", "WEAK_SECRET", "QUESTION_RABI", "QUESTION_ACCOUNT", "ENROL", "BAD_INPUT", "NUMBER_HELD",
	"NOTICE_N01", "NOTICE_N02", "NOTICE_N03", "NOTICE_N04", "NOTICE_N05", "NOTICE_N06", "NOTICE_N07", "NOTICE_N08", "NOTICE_N09", "NOTICE_N10",
	"NOTICE_N11", "NOTICE_N12", "NOTICE_N13", "NOTICE_N14", "NOTICE_N15", "NOTICE_N16", "NO_EMAIL_CONSENT", "SUBJECT", "REPLY", "ORAL", "CONFIG_CONTACT",
	"NOT_CONSENT", "CONSENT_EVIDENCE", "CONFIG", "CAMPAIGN", "SELF_REVIEW", "NOT_REVIEWED", "BACKDATED", "RECEIPT", "LE_HOLD", "INCOMPLETE",
	"OVERDUE", "FETCHED", "SAME_PERSON", "PROFILE_EVIDENCE", "RETALIATION", "RULES", "RETENTION", "TOO_MANY", "CONFLICT", "REASON", "FROZEN", "NO_CHANGE",
	"NO_PLACE", "NO_WRITE_CONSENT", "NOT_MEANT", "AGREED", "REFUSED", "ON_ITS_WAY", "TERMS", "ENDED", "NO_WHOLE", "NOT_OVER", "STATE",
	"NOT_APPLICABLE", "SIM_LOCKED", "NOT_TOLD", "NOT_FOUND", "STATEMENT_CONTRADICTED",
}

func noticeCodes() []string {
	var all []string
	for _, c := range otherCodes {
		if len(c) == len("NOTICE_N01") && c[:8] == "NOTICE_N" {
			all = append(all, c)
		}
	}
	return append(all, "NO_EMAIL_CONSENT", "SUBJECT", "REPLY", "ORAL", "CONFIG_CONTACT")
}

// verbs is the language, in the order in which its description lists them.
func verbs() []verb {
	return slices.Concat(contactVerbs(), discloseVerbs(), approvalVerbs(), legalVerbs(), campaignVerbs(), exportVerbs(), breachVerbs(), filingVerbs(), keepingVerbs(),
		matterVerbs(), otherVerbs(), simVerbs())
}

func contactVerbs() []verb {
	return []verb{
		{name: "contact", fields: []field{need("id", defines("contact")), need("customer", customers), need("channel", channel), may("agent", staffName),
			may("caller", text), may("outbound", flag), may("source", text)}, gives: []given{ok(), rejects("UNTRAINED", "ROLE")}},
		{name: "look-up", fields: []field{need("customer", customers), need("by", staffName)}, gives: []given{ok()}},
		{name: "hangup", fields: []field{need("contact", refers("contact"))}, bare: "contact", gives: []given{ok()}},
		{name: "authenticate", fields: []field{need("contact", refers("contact")), may("password", text), may("pin", text), may("backup", dict(question, text)),
			may("callback", text), may("answered", flag), may("ends", oneOf(callEnds...)), may("letter", refers("contact")), may("photo-id", fields("a photo ID", need("name", text), may("expires", date), may("government", flag))),
			may("code-to", text), may("code", oneOf("right", "wrong")), may("contract", flag),
			may("claim", fields("a claim", may("ssn4", text), may("born", text), may("maiden", text), may("account", text), may("number", text), may("bill", text),
				may("caller-id", text), may("voice", flagOr), may("recent-payment", text)))},
			exactly: [][]string{{"password", "pin", "backup", "callback", "photo-id", "code-to", "code", "contract", "claim"}},
			gives:   []given{ok(), rejects("BAD_SECRET", "LOCKED", "METHOD", "NOT_TNOR", "NOT_AOR", "PHOTO_ID", "NO_EXEMPTION", "TOKEN_SCOPE", "CONFLICT")},
			results: []field{may("proved", flag), may("call", oneOf(callEnds...))},
			check: func(r *reader, n *node) {
				together("answered", "callback")(r, n)
				together("ends", "callback")(r, n)
				together("letter", "code")(r, n)
			}},
		{name: "enrol", fields: []field{may("contact", refers("contact")), may("initiation", flag), may("customer", customers), may("password", text), may("pin", text),
			may("backup", dict(question, text)), may("online", flag)},
			exactly: [][]string{{"contact", "initiation"}, {"password", "pin", "backup", "online"}},
			gives:   []given{ok(), rejects("UNAUTHENTICATED", "WEAK_SECRET", "QUESTION_RABI", "QUESTION_ACCOUNT", "ENROL", "TOKEN_SCOPE", "FROZEN")},
			results: []field{may("notices", planned)}, check: together("initiation", "customer")},
		{name: "change", fields: []field{may("customer", customers), may("contact", refers("contact")), may("agent", staffName), may("postal", text), may("email", text),
			may("line-add", either(text, shape{}, line)), may("line-remove", text), may("contact-number", text), may("listed", either(flag, shape{}, dict(text, flag))), may("printed", either(flag, shape{}, dict(text, flag))),
			may("authorise", fields("an authorised person", need("name", text), may("data", list(word)), may("password", text))), may("dismiss", text),
			may("ways", fields("ways of notices", may("notice-by", oneOf("text", "voice", "email", "postal")), may("language", oneOf("en", "es"))))},
			exactly: [][]string{{"contact", "agent"}, {"postal", "email", "line-add", "line-remove", "contact-number", "listed", "printed", "authorise", "dismiss", "ways"}},
			gives:   []given{ok(), rejects("UNAUTHENTICATED", "ENROL", "TOKEN_SCOPE", "BAD_INPUT", "NUMBER_HELD", "WEAK_SECRET", "FROZEN")},
			results: []field{may("notices", planned), may("never-to", list(oneOf("new")))}, check: together("agent", "customer")},
		{name: "not-me", fields: []field{need("customer", customers), need("what", changeWord), may("by", oneOf(contact.Hows...)), may("token", oneOf("unknown")), may("source", text)},
			gives: []given{ok(), rejects("NO_CHANGE")}},
		{name: "dispute", fields: []field{need("customer", customers), need("what", changeWord), may("contact", refers("contact")), may("by", staffName)},
			gives: []given{ok(), rejects("NO_CHANGE")}},
		{name: "settle", fields: []field{need("customer", customers), need("what", changeWord), need("by", staffName), need("is", oneOf(customer.Kept, customer.Undone))},
			gives: []given{ok(), rejects("NO_CHANGE", "SELF_REVIEW", "ROLE", "NUMBER_HELD")}, results: []field{may("notices", planned)}},
	}
}

func discloseVerbs() []verb {
	return []verb{
		{name: "disclose", fields: []field{may("contact", refers("contact")), may("by", staffName), may("customer", customers), need("data", list(word)), may("purpose", word),
			may("to", recipient), may("via", via), may("address", text), may("line", text), may("month", month), may("offer", offer),
			may("process", fields("a legal process", may("id", text), may("issuer", text), may("scope", list(word)), may("from", moment), may("until", moment), may("reviewed-by", text), may("secret", flag), may("secret-until", moment))),
			may("case", caseOrText), may("ticket", caseOrText), may("order", caseOrText),
			may("emergency", fields("an emergency", need("kind", oneOf("911-call", "life-at-risk")), need("caller", oneOf("psap", "guardian", "immediate-family", "other")))),
			may("request", fields("a request", may("written", flag), may("signed", flag), may("names", text))),
			may("unaided", fields("a call that the caller described", need("number", text), need("date", date), need("time", pattern("a time such as 18:02", `^([01][0-9]|2[0-3]):[0-5][0-9]$`)))),
			may("matter", refers("matter")),
			may("cells", count), may("port-out", flag)},
			gives: []given{permit(), deny(disclosed()...)},
			results: []field{may("released", fields("what was released", may("calls", count), may("bills", count), may("usage", count), may("service", count), may("location", count), may("listings", count))),
				may("to-address", text), may("also", list(codeWord))},
			check: whoAsks},
		{name: "approval", fields: []field{need("customer", customers), need("purpose", word), need("to", recipient), may("by", staffName), may("contact", refers("contact")),
			may("data", list(word)), may("offer", offer)},
			gives: []given{permit(), deny(disclosed()...)}, results: []field{may("state", state), may("also", list(codeWord))}},
	}
}

func approvalVerbs() []verb {
	return []verb{
		{name: "notice", fields: []field{need("id", defines("notice")), need("kind", oneOf("opt-out", "opt-in", "one-time")), may("via", oneOf("email", "postal", "bill-insert", "oral", "portal")),
			may("customers", people), may("recipients", partners), may("purposes", list(word)), may("wait", wait), may("subject", text), may("omit", list(checklist)),
			may("language", word), may("partly-translated", flag), may("reply", flag), may("inserts", flag), may("contact", refers("contact"))},
			gives: []given{ok(), rejects(noticeCodes()...)}, results: []field{may("matures", moment)}},
		{name: "night", gives: []given{ok()}},
		{name: "bounce", fields: []field{need("notice", refers("notice")), need("customer", customers)}, gives: []given{ok(), rejects("CONFLICT")}},
		{name: "answer", fields: []field{need("customer", customers), need("says", oneOf("grant", "object", "revoke-objection")), may("scope", scope),
			may("via", oneOf("email", "portal", "phone", "postal", "store", "sms")), may("contact", refers("contact")), may("notice", refers("notice")), may("names", partners), may("evidence", flagOr)},
			gives: []given{ok(), rejects("NOT_CONSENT", "CONSENT_EVIDENCE", "UNAUTHENTICATED")}},
		{name: "write", fields: []field{need("customer", customers), need("via", oneOf("email", "text", "postal")), may("says", text), may("notice", refers("notice")), may("machine", flag),
			may("answer", oneOf("grant", "object", "revoke-objection")), may("scope", scope), may("received", date), may("signed", flag), may("reason", text)},
			gives: []given{ok(), rejects("NOT_CONSENT", "UNAUTHENTICATED", "BAD_INPUT", "REASON")}, results: []field{may("to-read", count)}, check: whatIsWritten},
		{name: "import-approvals", fields: []field{need("customers", people), need("basis", oneOf("signature", "continued-service", "legacy-contract", "partner-says")),
			may("file", fields("the facts of a file", may("name", text), may("dated", date), may("rows", count)))},
			gives: []given{ok(), rejects("NOT_CONSENT", "CONSENT_EVIDENCE")}},
		{name: "partner", fields: []field{need("id", defines("partner")), may("class", class), may("agreement", agreement), may("serves", serves),
			may("placed", flag), may("key", flag)}, gives: []given{ok(), rejects("CONFIG")}},
	}
}

func campaignVerbs() []verb {
	of := need("campaign", refers("campaign"))
	return []verb{
		{name: "campaign", fields: []field{need("id", defines("campaign")), may("by", staffName), may("name", text), may("description", text), may("kind", oneOf(wordsOf(campaign.Kinds)...)), may("purpose", word), may("uses", list(word)),
			may("products", list(fields("a product", need("name", text), need("category", product)))), may("partner", refers("partner")), may("audience", people), may("services", list(category)),
			may("channel", oneOf(wordsOf(campaign.Channels)...)), may("starts", date), may("ends", date), may("says", text), may("silence", flag), may("port-out", flag)},
			gives: []given{ok(), rejects("CAMPAIGN", "ROLE", "CONFLICT", "BAD_INPUT")}},
		{name: "review", fields: []field{of, need("by", staffName), need("verdict", oneOf("approve", "return")), may("remark", text)}, gives: []given{ok(), rejects("SELF_REVIEW", "ROLE", "CONFLICT", "CAMPAIGN")},
			results: []field{may("changed", list(text))}},
		{name: "count", fields: []field{of}, gives: []given{ok()}, results: []field{may("included", count), may("outside", count), may("excluded", dict(codeWord, count))}},
		{name: "launch", fields: []field{of, may("by", staffName), may("notice", defines("notice"))}, gives: []given{ok(), rejects("NOT_REVIEWED", "CAMPAIGN", "ROLE", "CONFLICT", "CONFIG")},
			results: []field{may("included", list(customers)), may("excluded", dict(customers, codeWord))}},
		{name: "stop", fields: []field{of, may("by", staffName)}, gives: []given{ok(), rejects("CONFLICT", "ROLE")}},
	}
}

func breachVerbs() []verb {
	of, by := need("incident", refers("incident")), may("by", staffName)
	return []verb{
		{name: "incident", fields: []field{need("id", defines("incident")), may("discovered", moment), may("by", staffName), may("what", text), may("data", list(word)),
			may("customers", either(shape{}, list(customers), fields("a count of customers", need("count", count)))), may("intentional", flag),
			may("outcome", oneOf("accessed", "used", "disclosed", "attempted")), may("encrypted", oneOf("key-safe", "key-unknown", "none")),
			may("harm", oneOf("unlikely", "likely", "unknown")), may("basis", text), may("good-faith", flag), may("personal", list(text)), may("exercise", flag)}, gives: []given{ok(), rejects("INCOMPLETE", "BAD_INPUT", "ROLE")}},
		{name: "determine", fields: []field{of, may("at", moment), may("earlier", moment), by}, gives: []given{ok(), rejects("BACKDATED", "STATE", "BAD_INPUT", "ROLE")}},
		{name: "deadlines", fields: []field{of}, gives: []given{ok()}, results: []field{may("agencies", list(oneOf("USSS", "FBI", "FCC"))), may("agencies-by", moment), may("customers-from", moment),
			may("customers-by", moment), may("annual-summary-by", moment), may("kind", oneOf("breach", "register-entry", "attempt")), may("asked", list(text)), may("window-from", moment), may("window-by", moment), may("held", flag), may("must-tell", flag), may("late", flag), may("conflicts", count)}},
		{name: "report", fields: []field{of, need("to", oneOf("facility", "email")), may("receipt", text), may("agencies", list(oneOf("USSS", "FBI", "FCC"))), may("urgent", flag), by}, gives: []given{ok(), rejects("CHANNEL", "RECEIPT", "STATE", "ROLE")}, results: []field{may("late", flag), may("complete", flag)}},
		{name: "direct", fields: []field{of, may("agency", text), may("officer", text), may("written", flag), may("until", moment)}, gives: []given{ok(), hold("NEED_WRITING"), rejects("INCOMPLETE", "STATE")}},
		{name: "lift", fields: []field{of, may("agency", text), may("officer", text), may("written", flag), may("until", moment)}, gives: []given{ok(), hold("NEED_WRITING"), rejects("STATE")}},
		{name: "drop", fields: []field{of, need("agency", text)}, gives: []given{ok(), rejects("STATE")}},
		{name: "state-law", fields: []field{of, need("state", text), need("law", text), need("until", moment)}, gives: []given{ok()}},
		{name: "urgent", fields: []field{of, may("in-report", flag), may("consulted", fields("a consultation", need("agency", text), need("at", moment)))}, gives: []given{ok(), hold("LE_HOLD", "NEED_WRITING")}},
		{name: "tell-customers", fields: []field{of, by}, gives: []given{ok(), hold("LE_HOLD", "NEED_WRITING"), rejects("INCOMPLETE", "STATE", "ROLE")}, results: []field{may("told", count), may("no-way", count)}},
		{name: "recount", fields: []field{of, may("customers", count), may("at", moment), may("harm", oneOf("unlikely", "likely", "unknown"))}, gives: []given{ok()}},
		{name: "respond", fields: []field{of, may("response", text), may("none", flag)}, exactly: [][]string{{"response", "none"}}, gives: []given{ok(), rejects("INCOMPLETE")}},
		{name: "summary", fields: []field{need("year", count), may("receipt", text), by}, gives: []given{ok(), rejects("RECEIPT", "STATE", "ROLE")}, results: []field{may("breaches", count)}},
		{name: "close", fields: []field{of, may("response", text), may("none", flag), may("cause", text), may("remedy", text), may("lessons", text)}, gives: []given{ok(), rejects("INCOMPLETE", "STATE")}},
	}
}

func filingVerbs() []verb {
	return []verb{
		{name: "optout-failure", fields: []field{need("id", defines("optout-failure")), may("found", moment), may("judged", moment), may("mechanism", text), may("affected", count), may("anomaly", flag)},
			gives: []given{ok(), rejects("INCOMPLETE", "BAD_INPUT")}, results: []field{may("letter-by", moment)}},
		{name: "optout-letter", fields: []field{need("failure", refers("optout-failure")), may("remedy", text), may("notice", text), may("proof", text), may("judged", moment)},
			gives: []given{ok(), rejects("INCOMPLETE", "RECEIPT", "STATE")}, results: []field{may("letter-by", moment), may("late", flag)}},
		{name: "try-refusals", fields: []field{need("way", oneOf("mail", "text"))}, gives: []given{ok()},
			results: []field{may("state", oneOf("works", "failing", "failed", "unknown")), may("tries", count), may("failures", count)}},
		{name: "train", fields: []field{need("staff", staffName), may("course", text), may("passed", flag), may("at", moment)}, gives: []given{ok(), rejects("TOO_MANY", "ROLE")},
			results: []field{may("right", count), may("asked", count), may("until", moment)}},
		{name: "finding", fields: []field{need("id", defines("finding")), need("staff", staffName), need("what", text), may("by", staffName), may("severity", oneOf("minor", "serious", "grave")), may("happened", moment)},
			gives: []given{ok(), rejects("SELF_REVIEW", "BAD_INPUT")}},
		{name: "sanction", fields: []field{need("staff", staffName), need("for", text), may("by", staffName), may("is", oneOf("unfounded", "warning", "retraining", "suspension", "dismissal", "lifted")), may("until", moment)},
			gives: []given{ok(), rejects("SELF_REVIEW", "BAD_INPUT", "CONFLICT")}},
		{name: "complaint", fields: []field{may("at", moment), need("category", oneOf("employee-access", "disclosure", "online-access")), may("from", text), may("said", text), may("found", oneOf("founded", "unfounded")), may("done", text), may("by", staffName)},
			gives: []given{ok(), rejects("ROLE", "BAD_INPUT", "INCOMPLETE")}},
		{name: "broker-action", fields: []field{may("at", moment), need("body", text), need("what", text), may("against", text), may("outcome", text), may("by", staffName)}, gives: []given{ok(), rejects("ROLE", "BAD_INPUT", "INCOMPLETE")}},
		{name: "pretexting-method", fields: []field{need("what", text), may("at", moment), may("known", text), may("steps", text), may("by", staffName)}, gives: []given{ok(), rejects("ROLE", "BAD_INPUT", "INCOMPLETE")}},
		{name: "supplier-review", fields: []field{need("partner", text), may("at", moment), may("checked", text), may("findings", text), may("mend-by", moment), may("mended", moment), may("by", staffName)},
			gives: []given{ok(), rejects("ROLE", "BAD_INPUT", "INCOMPLETE")}, results: []field{may("next", moment)}},
		{name: "books", fields: []field{need("year", count), may("by", staffName)}, gives: []given{ok(), rejects("ROLE", "BAD_INPUT")},
			results: []field{may("employee-access", count), may("disclosure", count), may("online-access", count), may("broker-actions", count), may("methods", count), may("reviews", count), may("reviews-late", count), may("sanctions", count), may("whole", flag)}},
		{name: "certify", fields: []field{need("year", count), may("officer", text), may("statement", either(text, shape{}, dict(word, scalar))), may("receipt", text)},
			gives: []given{ok(), rejects("INCOMPLETE", "ROLE", "STATEMENT_CONTRADICTED", "STATE", "RECEIPT")}, results: []field{may("due", moment), may("plan", moment), may("signed", flag), may("late", flag), may("gaps", count)}},
		{name: "publish-policy", fields: []field{need("version", text), need("effective", moment),
			may("adds", fields("what a policy adds", may("purposes", list(word)), may("recipients", list(recipient)), may("data", list(word))))}, gives: []given{ok(), rejects("CONFIG")}},
		{name: "switch-profile", fields: []field{need("profile", name), need("effective", moment), may("citation", text)}, gives: []given{ok(), rejects("PROFILE_EVIDENCE")}, results: []field{may("in-force", name)}},
	}
}

func keepingVerbs() []verb {
	up := oneOf("down", "up")
	return []verb{
		{name: "load-rules", fields: []field{need("cedar", text)}, gives: []given{ok(), rejects("RETALIATION", "RULES")}},
		{name: "end-service", fields: []field{need("customer", customers)}, bare: "customer", gives: []given{ok()}},
		{name: "restart-service", fields: []field{need("customer", customers)}, bare: "customer", gives: []given{ok(), rejects("NUMBER_HELD")}},
		{name: "purge", fields: []field{need("of", recordKinds), may("customer", customers), may("incident", refers("incident"))}, gives: []given{ok(), rejects("RETENTION")}},
		{name: "forget", fields: []field{need("customer", customers)}, bare: "customer", gives: []given{ok(), rejects("RETENTION")}},
		{name: "legal-hold", fields: []field{need("id", defines("legal-hold")), may("customer", customers), may("of", recordKinds), may("incident", refers("incident")), may("from", moment), may("until", moment), may("by", staffName)},
			gives: []given{ok(), rejects("ROLE", "BAD_INPUT")}},
		{name: "lift-hold", fields: []field{need("hold", refers("legal-hold")), may("by", staffName)}, gives: []given{ok(), rejects("ROLE", "SAME_PERSON", "CONFLICT")}},
		{name: "fault", fields: []field{may("ledger", up), may("database", up), may("mail", up), may("texts", up), may("switch", up), may("print-shop", up)},
			exactly: [][]string{{"ledger", "database", "mail", "texts", "switch", "print-shop"}}, gives: []given{ok()}},
		{name: "fate", fields: []field{need("customer", customers), may("kind", text), may("via", via), may("line", text), need("is", oneOf(append([]string{"delivered", "bounced"}, callEnds...)...))},
			gives: []given{ok()}},
		{name: "line-event", fields: []field{may("customer", customers), need("number", text), need("what", oneOf("port", "forward", "sim", "reassigned")), may("at", moment)},
			gives: []given{ok(), rejects("BAD_INPUT")}},
		{name: "records", fields: []field{need("of", recordKinds), may("customer", customers), may("where", dict(word, scalar))},
			gives: []given{ok()}, results: []field{may("count", count), may("each", dict(word, scalar)), may("none-contains", text)}},
		{name: "register", fields: []field{need("of", oneOf("campaigns", "disclosures", "processes")), may("customer", customers), may("recipient", text), may("named", text), may("purpose", text), may("matter", text), may("text", text), may("by", staffName)},
			gives: []given{ok(), rejects("BAD_INPUT")}, results: []field{may("count", count), may("each", dict(word, scalar)), may("none-contains", text), may("complete", flag)}},
		{name: "alerts", fields: []field{may("since", moment)}, gives: []given{ok()}, results: []field{may("codes", list(text))}},
		{name: "case", fields: []field{need("code", text), need("by", staffName), need("does", oneOf("take", "note", "close")), may("says", text), may("outcome", oneOf("explained", "violation", "false-alarm"))},
			gives: []given{ok(), rejects("SELF_REVIEW", "ROLE", "CONFLICT", "REASON")}},
		{name: "verify", gives: []given{ok()}},
	}
}

var recordKinds = oneOf("disclosures", "decisions", "approvals", "notices", "campaigns", "changes", "incidents", "messages", "attempts", "look-ups", "alerts", "complaints", "broker-actions")

// together says that field a is given only along with field b.
func together(a, b string) func(r *reader, n *node) {
	return func(r *reader, n *node) {
		if n.get(a) != nil && n.get(b) == nil {
			r.fail(n.keyAt(a), "the field %q goes along with %q", a, b)
		}
	}
}

// whoAsks checks that a disclosure says about whom it is.
func whoAsks(r *reader, n *node) {
	if n.get("contact") == nil && n.get("customer") == nil {
		r.fail(n.place, "a disclosure names the contact in which it is asked, or the customer")
	}
}
