package inbound

import (
	"regexp"
	"strings"
)

// target is where a message was sent to.
type target struct {
	token   string // of the message that it is about; empty: it went to a general address
	general bool
	answers bool // a general address to which customers write their answers
}

// token is what stands behind the + of an address that a message of ours was sent with. Some servers fold its case.
const token = `[0-9A-Za-z]{1,48}`

// addresses knows which addresses are ours.
type addresses struct {
	domain  string
	general map[string]bool
	answers map[string]bool
	exact   *regexp.Regexp // bounces+TOKEN@domain or replies+TOKEN@domain, alone
	within  *regexp.Regexp // the same, within a text
	id      *regexp.Regexp // the Message-ID of one of ours, within a text
}

func newAddresses(c Config) addresses {
	domain := regexp.QuoteMeta(strings.ToLower(c.Domain))
	a := addresses{
		domain: strings.ToLower(c.Domain), general: map[string]bool{}, answers: map[string]bool{},
		exact:  regexp.MustCompile(`(?i)^(?:bounces|replies)\+(` + token + `)@` + domain + `$`),
		within: regexp.MustCompile(`(?i)\b(?:bounces|replies)\+(` + token + `)@` + domain + `\b`),
		id:     regexp.MustCompile(`(?i)<([0-9a-z]{26}@` + domain + `)>`),
	}
	for _, g := range c.General {
		a.general[strings.ToLower(g)] = true
	}
	for _, g := range c.Answers {
		a.answers[strings.ToLower(g)] = true
	}
	return a
}

// parse tells whether an address is ours.
func (a addresses) parse(address string) (target, bool) {
	if m := a.exact.FindStringSubmatch(address); m != nil {
		return target{token: m[1]}, true
	}
	if a.answers[strings.ToLower(address)] {
		return target{general: true, answers: true}, true
	}
	if a.general[strings.ToLower(address)] {
		return target{general: true}, true
	}
	return target{}, false
}
