package scenario

// legalVerbs are those about legal process.
//
// cite: P-29
func legalVerbs() []verb {
	which, by := need("process", refers("process")), need("by", staffName)
	until := may("until", moment)
	return []verb{
		{name: "process", fields: []field{need("id", defines("process")), by, need("kind", word), may("number", text), may("issuer", text), may("to", text), need("about", list(text)), need("data", list(word)), need("records-from", moment), need("records-until", moment),
			until, may("issued", moment), may("received", moment), may("due", moment), may("silence", text), may("named", list(staffName))},
			gives: []given{ok(), rejects("BAD_INPUT", "INCOMPLETE", "PROCESS", "ROLE")}, results: []field{may("ours", count), may("due", moment)}, check: silenceOf},
		{name: "read-process", fields: []field{which, by, need("verdict", oneOf("approve", "reject")), may("data", list(word)), may("about", list(text)), may("records-from", moment), may("records-until", moment), may("reason", text)},
			gives: []given{ok(), rejects("SELF_REVIEW", "ROLE", "PROCESS", "REASON", "CONFLICT")}, results: []field{may("first", moment)}},
		{name: "release-process", fields: []field{which, by}, gives: []given{ok(), rejects("PROCESS", "ROLE")}, results: []field{may("released", count), may("refused", count)}},
		{name: "hand-out", fields: []field{which, by}, gives: []given{ok(), rejects("PROCESS", "ROLE")}, results: []field{may("records", count), may("withheld", count)}},
		{name: "end-process", fields: []field{which, by, need("is", oneOf("withdrawn", "quashed", "answered")), may("reason", text)}, gives: []given{ok(), rejects("PROCESS", "REASON", "ROLE")}},
		{name: "silence", fields: []field{which, by, until, may("lifted", flag), may("paper", flag), may("reason", text)}, exactly: [][]string{{"until", "lifted"}}, gives: []given{ok(), rejects("PROCESS", "REASON", "NEED_WRITING", "BAD_INPUT", "ROLE")}},
		{name: "received", fields: []field{need("customer", customers)}, bare: "customer", gives: []given{ok()}, results: []field{may("lines", count), may("legal", count)}},
	}
}

// silenceOf checks that silence has an end or none.
func silenceOf(r *reader, n *node) {
	s := n.get("silence")
	if s == nil || s.form != formText || s.text == "open" {
		return
	}
	if _, err := readMoment(s.text, r.zone, r.now); err != nil {
		r.fail(s.place, "silence is open, or lasts until a date or a moment: %s", err)
	}
}
