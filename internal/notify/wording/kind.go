package wording

import (
	"slices"

	"ringfence/internal/cpni"
)

// kind is what the program asks of the templates of one kind of message, whatever a carrier writes.
type kind struct {
	vias     []cpni.Via
	hides    string // value, information, or nothing
	cites    []string
	elements map[string]need
}

// need is an element that a message of the kind cannot be without.
type need struct {
	vias   []cpni.Via // in these ways; nil: in all
	tokens []string   // that its parts use
	key    string     // that it asks for in a call, of whoever has taken it
	cite   string
}

// What a template hides.
const (
	hidesValue       = "value"       // what something was changed to, and what it was
	hidesInformation = "information" // customer information: what the records say
)

var (
	everyWay = []cpni.Via{cpni.Text, cpni.Voice, cpni.Email, cpni.Postal}
	written  = []cpni.Via{cpni.Text, cpni.Email, cpni.Postal}
	mailed   = []cpni.Via{cpni.Email, cpni.Postal}
	called   = []cpni.Via{cpni.Voice}
)

// noticeCites is what notices about customer information are there for.
var noticeCites = []string{"P-02", "P-08", "P-27", "47 CFR 64.2008(c)"}

// asked adds to the elements of a notice those that the checklist asks of it.
//
// cite: P-02, P-27, 47 CFR 64.2008(c), 47 CFR 64.2008(d)(1)
func asked(kind string, elements map[string]need) map[string]need {
	carried := map[string][]string{"N-03": {"information"}, "N-04": {"recipients"}, "N-05": {"purposes"}, "N-07": {"answer-email"}, "N-16": {"wait-days"}}
	for _, i := range Items {
		if i.Must == Says && i.For(kind) {
			elements[i.element()] = need{tokens: carried[i.ID], cite: i.ground()}
		}
	}
	return elements
}

// neededValues are the words that every language has for what the program puts into notices.
var neededValues = map[string][]string{
	"purposes":        {"own-marketing", "other-marketing", "partner-marketing"},
	"information":     {"call-detail", "usage", "service", "location", "billing"},
	"recipients":      {"agent", "affiliate-comm", "affiliate-other", "joint-venture", "independent-contractor", "other"},
	"choice":          {"grant", "object", "revoke-objection"},
	"incident-data":   {"call-detail", "usage", "service", "location", "billing", "personal"},
	"incident-credit": {"steps", "none"},
	"scope-words":     {"everything", "own-marketing", "other-marketing", "partner", "location", "data", "several"},
}

// kinds are the messages that the program sends, with the elements that the law or a promise asks of each.
//
// cite: P-18, P-20, P-21, P-23, P-24, P-25, P-27, 47 CFR 64.2010(f)
var kinds = map[string]kind{
	"verification-code": {vias: everyWay, cites: []string{"P-20", "P-21", "47 CFR 64.2010(b)"}, elements: map[string]need{
		"who":        {tokens: []string{"carrier"}, cite: "P-21"},
		"code":       {tokens: []string{"code"}, cite: "P-20"},
		"life":       {cite: "I-17"},
		"keep-it":    {cite: "47 CFR 64.2010(a)"},
		"not-asked":  {tokens: []string{"telephone"}, cite: "47 CFR 64.2010(a)"},
		"what-it-is": {cite: "P-18"},
	}},
	"call-back": {vias: called, hides: hidesInformation, cites: []string{"P-20", "47 CFR 64.2010(b)"}, elements: map[string]need{
		"who":       {tokens: []string{"carrier"}, cite: "P-20"},
		"why":       {cite: "P-20"},
		"confirm":   {key: "1", cite: "P-20"},
		"not-asked": {tokens: []string{"telephone"}, cite: "47 CFR 64.2010(a)"},
	}},
	"account-change": {vias: everyWay, hides: hidesValue, cites: []string{"P-23", "P-24", "P-25", "47 CFR 64.2010(f)"}, elements: map[string]need{
		"who":        {tokens: []string{"carrier"}, cite: "P-23"},
		"what":       {tokens: []string{"what"}, cite: "47 CFR 64.2010(f)(1)"},
		"when":       {tokens: []string{"when"}, cite: "P-23"},
		"here":       {cite: "P-25"},
		"not-me":     {vias: written, tokens: []string{"link", "telephone", "short-code"}, cite: "P-27"},
		"not-me-key": {vias: called, key: "9", cite: "P-23"},
		"call-us":    {vias: called, tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"records": {vias: written, hides: hidesInformation, cites: []string{"P-21", "47 CFR 64.2010(b)"}, elements: map[string]need{
		"who":       {tokens: []string{"carrier"}, cite: "P-21"},
		"ready":     {vias: []cpni.Via{cpni.Email, cpni.Text}, tokens: []string{"link"}, cite: "P-21"},
		"password":  {vias: []cpni.Via{cpni.Email, cpni.Text}, cite: "47 CFR 64.2010(c)"},
		"enclosed":  {vias: []cpni.Via{cpni.Postal}, cite: "P-21"},
		"not-asked": {tokens: []string{"telephone"}, cite: "47 CFR 64.2010(a)"},
	}},
	"not-me-received": {vias: everyWay, hides: hidesValue, cites: []string{"P-23", "P-25", "47 CFR 64.2010(f)"}, elements: map[string]need{
		"who":     {tokens: []string{"carrier"}, cite: "P-23"},
		"frozen":  {tokens: []string{"what"}, cite: "P-23"},
		"next":    {cite: "47 CFR 64.2010(a)"},
		"call-us": {tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"not-me-settled": {vias: everyWay, hides: hidesValue, cites: []string{"P-23", "P-25", "47 CFR 64.2010(f)"}, elements: map[string]need{
		"who":     {tokens: []string{"carrier"}, cite: "P-23"},
		"outcome": {tokens: []string{"what", "outcome"}, cite: "P-23"},
		"call-us": {tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"stop-received": {vias: []cpni.Via{cpni.Text}, hides: hidesInformation, cites: []string{"P-23", "47 CFR 64.2010(f)"}, elements: map[string]need{
		"who":     {tokens: []string{"carrier"}, cite: "P-27"},
		"stopped": {cite: "P-27"},
		"still":   {cite: "47 CFR 64.2010(f)(1)"},
		"call-us": {tokens: []string{"telephone"}, cite: "P-27"},
	}},
	"opt-out-notice": {vias: mailed, hides: hidesInformation, cites: noticeCites, elements: asked("opt-out-notice", map[string]need{
		"who": {tokens: []string{"carrier"}, cite: "P-27"},
	})},
	"opt-in-request": {vias: mailed, hides: hidesInformation, cites: noticeCites, elements: asked("opt-in-request", map[string]need{
		"who": {tokens: []string{"carrier"}, cite: "P-27"},
	})},
	"answer-received": {vias: written, hides: hidesInformation, cites: []string{"P-11", "P-12", "P-14", "47 CFR 64.2007(a)(2)"}, elements: map[string]need{
		"who":      {tokens: []string{"carrier"}, cite: "P-12"},
		"recorded": {tokens: []string{"choice", "scope-words"}, cite: "P-12"},
		"since":    {tokens: []string{"since"}, cite: "P-12"},
		"change":   {tokens: []string{"answer-web", "telephone"}, cite: "47 CFR 64.2007(a)(2)"},
	}},
	"designee-records": {vias: mailed, hides: hidesInformation, cites: []string{"P-36", "47 USC 222(c)(2)"}, elements: map[string]need{
		"who":       {tokens: []string{"carrier"}, cite: "P-36"},
		"ready":     {vias: []cpni.Via{cpni.Email}, tokens: []string{"link"}, cite: "P-36"},
		"phrase":    {vias: []cpni.Via{cpni.Email}, cite: "47 CFR 64.2010(a)"},
		"enclosed":  {vias: []cpni.Via{cpni.Postal}, cite: "P-36"},
		"not-asked": {tokens: []string{"telephone"}, cite: "47 CFR 64.2010(a)"},
	}},
	"written-request": {vias: written, hides: hidesInformation, cites: []string{"P-36", "47 USC 222(c)(2)"}, elements: map[string]need{
		"who":      {tokens: []string{"carrier"}, cite: "P-36"},
		"asked":    {cite: "47 USC 222(c)(2)"},
		"until":    {tokens: []string{"until"}, cite: "47 CFR 64.2010(a)"},
		"withdraw": {tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"named-unreached": {vias: written, hides: hidesInformation, cites: []string{"P-36", "47 USC 222(c)(2)"}, elements: map[string]need{
		"who":       {tokens: []string{"carrier"}, cite: "P-36"},
		"unreached": {cite: "47 USC 222(c)(2)"},
		"way":       {tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"report-received": {vias: written, hides: hidesInformation, cites: []string{"P-41", "47 CFR 64.2009(e)"}, elements: map[string]need{
		"who":      {tokens: []string{"carrier"}, cite: "P-41"},
		"received": {tokens: []string{"short-code"}, cite: "47 CFR 64.2009(e)"},
		"next":     {cite: "P-41"},
		"call-us":  {tokens: []string{"telephone"}, cite: "P-27"},
	}},
	"report-answered": {vias: written, hides: hidesInformation, cites: []string{"P-41", "47 CFR 64.2009(e)"}, elements: map[string]need{
		"who":      {tokens: []string{"carrier"}, cite: "P-41"},
		"answered": {cite: "47 CFR 64.2009(e)"},
		"where":    {cite: "47 CFR 64.2010(c)"},
		"call-us":  {tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"process-demand": {vias: written, hides: hidesInformation, cites: []string{"P-29", "47 USC 222(c)(1)"}, elements: map[string]need{
		"who":     {tokens: []string{"carrier"}, cite: "P-29"},
		"demand":  {cite: "47 USC 222(c)(1)"},
		"until":   {tokens: []string{"until"}, cite: "P-29"},
		"court":   {cite: "P-29"},
		"call-us": {tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"process-answered": {vias: written, hides: hidesInformation, cites: []string{"P-29", "P-41", "47 USC 222(c)(1)"}, elements: map[string]need{
		"who":     {tokens: []string{"carrier"}, cite: "P-29"},
		"given":   {cite: "47 USC 222(c)(1)"},
		"where":   {cite: "P-41"},
		"call-us": {tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"answer-how": {vias: written, hides: hidesInformation, cites: []string{"P-12", "P-36", "47 CFR 64.2007(a)"}, elements: map[string]need{
		"who":       {tokens: []string{"carrier"}, cite: "P-12"},
		"unchanged": {cite: "P-36"},
		"how":       {tokens: []string{"answer-web", "telephone"}, cite: "P-36"},
		"free":      {cite: "P-13"},
	}},
	"campaign": {vias: written, hides: hidesInformation, cites: []string{"P-07", "P-12", "P-40", "47 CFR 64.2008(c)(3)"}, elements: map[string]need{
		"who":     {tokens: []string{"carrier"}, cite: "P-27"},
		"offer":   {cite: "P-40"},
		"refuse":  {tokens: []string{"link"}, cite: "P-12"},
		"call-us": {vias: mailed, tokens: []string{"telephone"}, cite: "P-12"},
		"service": {vias: mailed, cite: "P-13"},
	}},
	// Nobody is called about a breach: who picks up, or hears the machine, need not be the customer, and a recorded call to a mobile line needs its
	// owner's consent.
	"incident-notice": {vias: written, hides: hidesInformation, cites: []string{"P-47", "47 CFR 64.2011(c)"}, elements: map[string]need{
		"who":     {tokens: []string{"carrier"}, cite: "P-47"},
		"breach":  {cite: "47 CFR 64.2011(c)"},
		"when":    {tokens: []string{"incident-when"}, cite: "47 CFR 64.2011(c)"},
		"yours":   {cite: "47 CFR 64.2011(c)"},
		"data":    {vias: mailed, tokens: []string{"incident-data"}, cite: "89 FR 9968"},
		"short":   {vias: []cpni.Via{cpni.Text}, tokens: []string{"incident-short"}, cite: "89 FR 9968"},
		"what":    {vias: mailed, tokens: []string{"incident-what"}, cite: "89 FR 9968"},
		"done":    {vias: mailed, tokens: []string{"incident-done"}, cite: "89 FR 9968"},
		"advice":  {vias: mailed, tokens: []string{"incident-advice"}, cite: "89 FR 9968"},
		"credit":  {vias: mailed, tokens: []string{"incident-credit"}, cite: "89 FR 9968"},
		"others":  {vias: mailed, cite: "89 FR 9968"},
		"call-us": {tokens: []string{"telephone", "short-code"}, cite: "P-27"},
	}},
	"test": {vias: everyWay, hides: hidesInformation, cites: []string{"P-23"}, elements: map[string]need{
		"who":     {tokens: []string{"carrier"}, cite: "P-23"},
		"test":    {cite: "P-23"},
		"when":    {tokens: []string{"when"}, cite: "P-23"},
		"nothing": {cite: "P-23"},
	}},
}

// goes reports whether the element belongs to messages that go this way.
func (n need) goes(via cpni.Via) bool { return n.vias == nil || slices.Contains(n.vias, via) }
