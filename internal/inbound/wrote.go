package inbound

import (
	"html"
	netmail "net/mail"
	"regexp"
	"strings"

	"ringfence/internal/notify"
)

// mostName bounds the name of a mail and its subject, in bytes.
const mostName = 1000

// wrote is what somebody has written in a mail; shown is whether it was shown to come from the organization of its From.
//
// cite: P-12, RFC 5322
func wrote(m message, shown bool) *notify.Wrote {
	return &notify.Wrote{ID: short(strings.TrimSpace(m.header.Get("Message-Id"))), From: fromAddress(m), Subject: short(m.field("Subject")), Text: m.own(), Shown: shown}
}

func short(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.ToValidUTF8(s[:min(len(s), mostName)], "")
}

// fromAddress is the one address that a mail says it is from; "" when it says none, or several.
func fromAddress(m message) string {
	if f := m.header.FieldsByKey("From"); !f.Next() || f.Next() {
		return ""
	}
	list, err := netmail.ParseAddressList(m.header.Get("From"))
	if err != nil || len(list) != 1 || len(list[0].Address) > 254 {
		return ""
	}
	return list[0].Address
}

// own is what a person reads of a mail: its text, or failing that its HTML without what that quotes.
func (m message) own() string {
	text, ok := m.leaf("text/plain")
	if !ok {
		text, _ = m.leaf("text/html")
		text = beforeQuote(text)
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

var (
	// quote begins, in HTML, what mail programs quote.
	quote = regexp.MustCompile(`(?i)<blockquote|<[a-z]+[^<>]*(?:class|id)\s*=\s*["']?(?:gmail_quote|gmail_attr|divRplyFwdMsg|appendonsend|moz-cite-prefix|yahoo_quoted|mail-editor-reference-message-container)`)
	// unseen is what nobody reads.
	unseen = regexp.MustCompile(`(?is)<(style|script|head|title)\b.*?</(?:style|script|head|title)\s*>|<!--.*?-->`)
	// ends is where a line ends.
	ends = regexp.MustCompile(`(?i)<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^<>]*>`)
	mark = regexp.MustCompile(`<[^<>]*>`)
)

// beforeQuote is what people read of a page before what it quotes.
func beforeQuote(page string) string {
	if at := quote.FindStringIndex(page); at != nil {
		page = page[:at[0]]
	}
	page = unseen.ReplaceAllString(page, " ")
	page = strings.Join(strings.Fields(page), " ")
	page = ends.ReplaceAllString(page, "\n")
	return html.UnescapeString(mark.ReplaceAllString(page, " "))
}

// takesAnswers reports whether one of the addresses in a header field is for answers.
func (a addresses) takesAnswers(field string) bool {
	list, err := netmail.ParseAddressList(field)
	if err != nil {
		return a.answers[strings.ToLower(strings.Trim(strings.TrimSpace(field), "<>"))]
	}
	for _, x := range list {
		if a.answers[strings.ToLower(x.Address)] {
			return true
		}
	}
	return false
}
