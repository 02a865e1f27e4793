package wording

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Item is an entry of the law's checklist for notices about the use of customers' information.
//
// cite: 47 CFR 64.2008(c), 47 CFR 64.2008(d)
type Item struct {
	ID   string    // N-01 to N-16
	Code cpni.Code // of a notice that does not keep it
	Cite string
	Asks string // what it asks of a notice, in words that follow "the notice"
	// Write is what to write or leave out, for who has to mend a notice.
	Write string
	Must  Duty
	only  string // the kind of notice that it is for; "": all
}

// Duty is how a notice keeps an item.
type Duty string

// The duties.
const (
	Says  Duty = "says"  // some part of the text says it
	Never Duty = "never" // no part says it
	May   Duty = "may"   // a part may say it
	Looks Duty = "looks" // it is so of the whole text
)

// Items is the checklist.
//
// cite: P-02, P-08, P-27, 47 CFR 64.2008(c), 47 CFR 64.2008(d)(1)
var Items = []Item{
	item(1, "(c)", Says, "gives enough information for a decision", "say first that the customer is asked to decide about the use of their information"),
	item(2, "(c)(1)", Says, "says that the customer has a right and the carrier a duty, under federal law, to protect the information", "say that under federal law the customer has the right, and the carrier the duty, to protect it"),
	item(3, "(c)(2)", Says, "says what kinds of information it is about", "use the token {information}"),
	item(4, "(c)(2)", Says, "names who would get the information", "use the token {recipients}"),
	item(5, "(c)(2)", Says, "says what the information would be used for", "use the token {purposes}"),
	item(6, "(c)(2)", Says, "says that the customer may refuse, and take back a permission at any time", "say that the customer has the right to say no, and to take back a permission, at any time"),
	item(7, "(c)(3)", Says, "says in precise steps how to answer, free of charge and at any hour", "give each step with its token, {answer-email} and {answer-web} or {telephone} among them; say that it is free, and open at any hour"),
	item(8, "(c)(3)", Says, "says that a refusal does not affect any service", "say that a no does not affect any service that the customer has"),
	item(9, "(c)(4)", Never, "presses or misleads", "say it plainly, in short sentences, without a threat, a reward or a hurry"),
	item(10, "(c)(5)", Looks, "is easy to see and to read", "leave the size and place of the text to the layout"),
	item(11, "(c)(6)", Looks, "is whole in each of its languages", "translate every part"),
	item(12, "(c)(7)", May, "says that permission helps to make fitting offers", "say it once and without pressing, or leave it out"),
	item(13, "(c)(8)", Never, "urges the customer to keep other companies from the information", "leave it out"),
	item(14, "(c)(9)", Says, "says that the answer is valid until the customer changes it", "say that a yes or no is valid until the customer takes it back or limits it"),
	item(15, "(c)(10)", Says, "asks for the permission right beside the customer's rights", "put the part that asks for the permission next to those with the right to say no and the steps"),
	item(16, "(d)(1)", Says, "says how long we wait for an answer", "use the token {wait-days}", notify.OptOutNotice),
}

func item(n int, paragraph string, must Duty, asks, write string, only ...string) Item {
	i := Item{ID: fmt.Sprintf("N-%02d", n), Code: cpni.Code(fmt.Sprintf("NOTICE_N%02d", n)), Cite: "47 CFR 64.2008" + paragraph, Must: must, Asks: asks, Write: write}
	if len(only) > 0 {
		i.only = only[0]
	}
	return i
}

// For reports whether the item is for a kind of notice.
func (i Item) For(kind string) bool { return isNotice(kind) && (i.only == "" || i.only == kind) }

// element is the item as templates name it.
func (i Item) element() string { return strings.ToLower(i.ID) }

// ground is the item as a flaw cites it.
func (i Item) ground() string { return i.Cite + ", " + i.ID }

// ItemOf finds an item by its id, in small letters too.
func ItemOf(id string) (Item, bool) {
	n := slices.IndexFunc(Items, func(i Item) bool { return strings.EqualFold(i.ID, id) })
	if n < 0 {
		return Item{}, false
	}
	return Items[n], true
}

// isNotice reports whether messages of the kind ask a customer for a permission.
func isNotice(kind string) bool { return kind == notify.OptOutNotice || kind == notify.OptInRequest }

// isAboutChoices reports whether messages of the kind must not press.
func isAboutChoices(kind string) bool { return isNotice(kind) || kind == notify.AnswerReceived }

// Grounds on which a text is refused that are no clauses of the carrier's policy alone.
var (
	wholeTongue = "P-27, " + Items[10].ground()
	trueSubject = "P-23, 47 CFR 64.2008(d)(3)(iv)"
	canReply    = "P-12, 47 CFR 64.2008(d)(3)(ii)"
	anyHour     = "P-12, 47 CFR 64.2008(d)(3)(v), N-07"
	plainWords  = "P-08, " + Items[8].ground()
	lockOut     = Items[12].ground()
	legible     = Items[9].ground()
)

// Codes of refusals that no item of the checklist has.
const (
	CodeSubject   cpni.Code = "SUBJECT"
	CodeReply     cpni.Code = "REPLY"
	CodeOral      cpni.Code = "ORAL"
	CodeNoConsent cpni.Code = "NO_EMAIL_CONSENT"
	CodeContact   cpni.Code = "CONFIG_CONTACT"
	codeInput     cpni.Code = "BAD_INPUT"
)

var itemForm = regexp.MustCompile(`\bN-(0[1-9]|1[0-6])\b`)

// codeOf gives the code of a ground on which a text is refused.
func codeOf(ground string) cpni.Code {
	if id := itemForm.FindString(ground); id != "" {
		i, _ := ItemOf(id)
		return i.Code
	}
	switch ground {
	case trueSubject:
		return CodeSubject
	case canReply:
		return CodeReply
	case "P-27":
		return codeToken
	}
	return codeInput
}

// Flaw is one thing that is wrong with a text.
type Flaw struct {
	File string // of templates; "" it is none
	Line int    // 0: it is of no line
	Says string
	Cite string // clauses and sections, as a list with commas; "": none
	Code cpni.Code
}

// Error gives file, line, what is wrong and the clause.
func (f *Flaw) Error() string {
	at := ""
	if f.File != "" {
		at = fmt.Sprintf("%s:%d: ", f.File, f.Line)
	}
	if f.Cite != "" {
		return at + f.Says + " (" + f.Cite + ")"
	}
	return at + f.Says
}

// Refused is a notice that may not go out: all that is wrong with it. It unwraps to a *cpni.Refusal with the code of what
// weighs most.
type Refused struct {
	Flaws   []Flaw // what weighs most first
	refusal *cpni.Refusal
}

// refuse makes a refusal of flaws, of which there is at least one.
func refuse(flaws ...Flaw) *Refused {
	slices.SortStableFunc(flaws, func(a, b Flaw) int { return weight(a.Code) - weight(b.Code) })
	r := &Refused{Flaws: flaws}
	var clauses, next []string
	for _, f := range flaws {
		if f.Code != flaws[0].Code {
			continue
		}
		for c := range strings.SplitSeq(f.Cite, ", ") {
			if c != "" && !slices.Contains(clauses, c) {
				clauses = append(clauses, c)
			}
		}
	}
	for _, f := range flaws {
		way := wayOut(f.Code)
		if way != "" && !slices.Contains(next, way) {
			next = append(next, way)
		}
	}
	says := flaws[0].Says
	if n := len(flaws) - 1; n > 0 {
		says += fmt.Sprintf("; and %d more", n)
	}
	r.refusal = cpni.Rejected(flaws[0].Code, says, clauses, next...)
	return r
}

// wayOut says what to do about a code.
func wayOut(code cpni.Code) string {
	for _, i := range Items {
		if i.Code == code {
			return i.ID + ": " + i.Write
		}
	}
	switch code {
	case CodeSubject:
		return "name in the subject what the message is about, such as: Your choice about the use of your customer information"
	case CodeReply:
		return "send it from an address that takes answers, and say that the customer can reply"
	case CodeOral:
		return "send it by e-mail, post, bill insert or portal; for a single call ask for one-time permission"
	case codeInput:
		return "write it as docs/messages-templates.md says"
	}
	return ""
}

// weight orders codes: what makes a notice of no use at all before what it lacks, and a foreign language before what cannot
// be found in it.
func weight(code cpni.Code) int {
	first := []cpni.Code{CodeOral, CodeContact, CodeReply, "NOTICE_N11", CodeSubject}
	if n := slices.Index(first, code); n >= 0 {
		return n
	}
	for n, i := range Items {
		if i.Code == code {
			return len(first) + n
		}
	}
	return len(first) + len(Items)
}

// Error tells everything that is wrong.
func (r *Refused) Error() string {
	var all []string
	for _, f := range r.Flaws {
		all = append(all, fmt.Sprintf("%s: %s", f.Code, f.Error()))
	}
	return strings.Join(all, "\n")
}

// Unwrap gives the refusal.
func (r *Refused) Unwrap() error { return r.refusal }

// NoEmailConsent is the refusal of a notice by e-mail to somebody who has not said beforehand that they take them so.
//
// cite: V42, 47 CFR 64.2008(d)(3)(i)
func NoEmailConsent() *cpni.Refusal {
	return cpni.Rejected(CodeNoConsent, "the customer has not said beforehand that notices may come by e-mail", []string{"P-12", "47 CFR 64.2008(d)(3)(i)"},
		"send the notice by post, with the bill or on the portal", "ask the customer for permission to write by e-mail, and keep the answer")
}

// TakesReplies refuses an address that says of itself that nobody reads what comes to it, such as no-reply@carrier.example.
//
// cite: V44, 47 CFR 64.2008(d)(3)(ii)
func TakesReplies(address string) error {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	if n := strings.LastIndex(local, "<"); n >= 0 {
		local = local[n+1:]
	}
	if !isDeaf(local) {
		return nil
	}
	return cpni.Rejected(CodeReply, "the address says that nobody reads what is written to it, and a customer answers a notice by replying", []string{"P-12", "47 CFR 64.2008(d)(3)(ii)"}, wayOut(CodeReply))
}

// isDeaf reports whether the part before the at sign says that nobody reads there.
func isDeaf(local string) bool {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, local)
	for _, word := range []string{"noreply", "donotreply", "dontreply", "noanswer", "donotrespond", "dontrespond", "noresponse", "noresponder", "noresponda", "norespondas", "noreplies", "nocontestar", "unmonitored", "mailerdaemon", "devnull", "blackhole"} {
		if strings.Contains(plain, word) {
			return true
		}
	}
	return false
}
