package contact

import "ringfence/internal/customer"

// KindOfChange is a kind of entry about a customer's account: how the record names it, and of what the customer is told; or
// why they are not.
type KindOfChange struct {
	Record string // what the entry says
	Tells  string // one of customer.Whats; "": nothing
	Why    string // they are not told
}

// KindsOfChange lists every kind of change that is made anywhere in the program. Whoever adds one decides here whether the
// customer is told of it.
//
// cite: P-23, P-24, 47 CFR 64.2010(f)(1)
var KindsOfChange = []KindOfChange{
	{Record: "password set", Tells: customer.WhatPassword},
	{Record: "PIN set", Tells: customer.WhatPIN},
	{Record: "backup answer set", Tells: customer.WhatBackup},
	{Record: "online account set", Tells: customer.WhatOnline},
	{Record: "postal address set", Tells: customer.WhatPostal},
	{Record: "e-mail address set", Tells: customer.WhatEmail},
	{Record: "person authorised", Tells: customer.WhatAuthorised},
	{Record: "authorised person changed", Tells: customer.WhatAuthorised},
	{Record: "authorised person removed", Tells: customer.WhatAuthorised},
	{Record: "line added", Tells: customer.WhatLines},
	{Record: "line removed", Tells: customer.WhatLines},
	{Record: "contact number set", Tells: customer.WhatContactNumber},
	{Record: "directory listing changed", Tells: customer.WhatListing},
	{Record: "way of notices set", Tells: customer.WhatNotices},
	{Record: "notices by e-mail agreed to", Tells: customer.WhatNotices},
	{Record: "notices by e-mail ended", Tells: customer.WhatNotices},
	{Record: "contact number removed", Tells: customer.WhatContactNumber},
	{Record: "SIM change asked for", Tells: customer.WhatSIM},
	{Record: "SIM lock set", Tells: customer.WhatSIMLock},
	{Record: "SIM lock lifted", Tells: customer.WhatSIMLock},
	{Record: "change undone", Tells: "what was changed"},

	{Record: "set at the beginning of service", Why: "the customer is there and chooses it; the rule asks for no notice at the initiation of service (47 CFR 64.2010(f)(1))"},
	{Record: "service begins", Why: "there was nothing that could have been changed; an import only ever begins service, and leaves alone who is there"},
	{Record: "service ends", Why: "the account takes no more part in anything: its numbers have left it, and the last bill tells of it"},
	{Record: "service begins again", Why: "lines come back that the customer had, and nothing new comes with them"},
	{Record: "SIM changed", Why: "the customer was told when it was asked for, before it was done, as the rule has it (47 CFR 64.2010(h)); who holds the line now may not be them"},
	{Record: "test account retired", Why: "it is nobody's: with it the monitors try the ways to refuse, and another takes its place"},
	{Record: "line disturbed: port", Why: "the network did it; who may hold the line now must not hear of it"},
	{Record: "line disturbed: forward", Why: "the network did it; who may hold the line now must not hear of it"},
	{Record: "line disturbed: sim", Why: "the network did it; who may hold the line now must not hear of it"},
	{Record: "line disturbed: reassigned", Why: "the number is somebody else's by then, who must not hear of it; nobody has changed the account"},
	{Record: "care set", Why: "a notice would tell the very person who must not know; setting it took the customer's proof"},
	{Record: "care ended", Why: "a notice would tell the very person who must not know; ending it took the customer's proof"},
	{Record: "objection", Why: "it restricts, and is answered by what answers objections; it changes nothing that proves or reaches anybody"},
	{Record: "approval", Why: "the customer proved who they are when they gave it, and gets word that it was received, a message of its own kind"},
	{Record: "objection taken back", Why: "the customer proved who they are when they took it back, and gets word that it was received, a message of its own kind"},
	{Record: "notice given", Why: "it is itself what the customer was told"},
	{Record: "notice void", Why: "it is the word that the customer was not told; another form goes out"},
	{Record: "change disputed", Why: "the customer gets word that it was received, a message of its own kind"},
	{Record: "change kept", Why: "the customer gets word of what was decided, a message of its own kind"},
	{Record: "no more texts to a line", Why: "the customer wrote it from that line and gets an answer there, a message of its own kind; it restricts, and notices go by a call instead"},
}

// EntriesOfChange are the files that write such an entry without changing anything of an account, each with what it is: of it
// the customer is not told.
var EntriesOfChange = map[string]string{
	"customer/book.go":       "the beginning of service, and what the kinds above say",
	"contact/consent.go":     "the answer to a one-time consent, which the customer gave in the same call",
	"approval/answer.go":     "an answer that was not taken, which changes nothing",
	"disclose/afterwards.go": "a claim of an emergency, recorded on the node first",
	"disclose/emergency.go":  "a claim of an emergency and its review, which have a record and people of their own",
	"matter/register.go":     "a case, ticket, order, port or placement that is opened about the customer; what it changes of the account is a change of its own",
	"matter/work.go":         "what was done on one, and its end",
}
