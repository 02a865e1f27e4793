package scenario

// line is a line of service.
var line = fields("a line", need("number", text), may("categories", list(category)), may("listed", flag), may("disturbed", moment))

// setup is the world before the first step.
var setup = fields("setup",
	may("carrier", fields("the carrier", may("name", text), may("cmrs", flag), may("unaided-detail", flag),
		may("contact", fields("the carrier's contact", may("email", text), may("phone", text), may("web", flagOr))))),
	may("closures", list(fields("a closure of the Commission's offices", need("date", date), may("until", date), need("why", text), need("source", text)))),
	may("staff", dict(name, fields("a member of the staff", need("role", role), may("trained", moment), may("name", text), may("customer", text)))),
	may("customers", dict(name, oneCustomer)),
	may("partners", dict(name, fields("a partner", may("class", class), may("agreement", agreement), may("serves", serves), may("placed", flag), may("key", flag)))),
)

var oneCustomer = fields("a customer",
	may("since", moment),
	may("lines", list(line)),
	may("postal", fields("a postal address", need("address", text), may("since", moment))),
	may("email", fields("an e-mail address", need("address", text), may("since", moment), may("notices", flag))),
	may("contact-number", text),
	may("password", text),
	may("pin", text),
	may("backup", dict(question, text)),
	may("online", flag),
	may("decoy", flag),
	may("born", date),
	may("ssn4", pattern("the last four digits of a social security number", `^[0-9]{4}$`)),
	may("name", text),
	may("account", text),
	may("notice-by", oneOf("text", "voice", "email", "postal")),
	may("language", oneOf("en", "es")),
	may("authorised", list(fields("an authorised person", need("name", text), may("password", text), may("pin", text), may("data", list(word))))),
	may("business", fields("a business arrangement", may("dedicated-representative", text), may("contract-covers-cpni", flag))),
	may("calls", list(fields("a call", need("line", text), need("direction", oneOf("in", "out")), may("number", text), need("at", moment), need("seconds", count), may("answered", flag)))),
	may("bills", list(fields("a bill", need("month", month), may("total", text), may("directory-assistance", text)))),
	may("usage", list(fields("an amount of use", need("month", month), may("line", text), need("minutes", count)))),
	may("service", list(fields("a service detail", may("line", text), need("plan", text)))),
	may("location", list(fields("a call location", need("line", text), need("month", month), need("place", text)))),
	may("approvals", list(fields("an approval", need("scope", scope), need("state", state), may("since", moment), may("matures", moment), may("noticed", moment), may("names", list(name))))),
)

// knownNames notes the names that a setup gives to customers, staff and partners, so that steps can refer to them.
func knownNames(s *node) map[string]map[string]bool {
	known := map[string]map[string]bool{}
	for kind, part := range map[string]string{"customer": "customers", "staff": "staff", "partner": "partners"} {
		known[kind] = map[string]bool{}
		if n := s.get(part); n != nil {
			for _, e := range n.entries {
				known[kind][e.key] = true
			}
		}
	}
	return known
}

// laid lays over upon under: mappings merge deeply, lists and values replace, and a value of nothing takes away.
func laid(under, over *node) *node {
	if over == nil {
		return under
	}
	if under == nil {
		under = &node{place: over.place, form: formMap}
	}
	if under.form != formMap || over.form != formMap {
		return over
	}
	merged := &node{place: over.place, form: formMap}
	for _, e := range under.entries {
		if o := over.get(e.key); o != nil {
			e = entry{e.key, over.keyAt(e.key), laid(e.value, o)}
		}
		merged.entries = append(merged.entries, e)
	}
	for _, e := range over.entries {
		if under.get(e.key) == nil {
			merged.entries = append(merged.entries, e)
		}
	}
	return merged
}

// without leaves out what a mapping sets to nothing, at every depth of mappings.
func without(n *node) *node {
	if n == nil || n.form != formMap {
		return n
	}
	c := &node{place: n.place, form: formMap}
	for _, e := range n.entries {
		if e.value.form != formNull {
			c.entries = append(c.entries, entry{e.key, e.at, without(e.value)})
		}
	}
	return c
}
