package mail

import (
	"errors"
	netmail "net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// mailbox is an address that may be written into a command without care.
type mailbox struct{ local, domain string }

func (m mailbox) String() string { return m.local + "@" + m.domain }

// wide reports whether only a server that takes SMTPUTF8 can carry mail to it: what stands before the @ has no ASCII form.
func (m mailbox) wide() bool { return !isASCII(m.local) }

// errAddress says nothing of the address, which is personal.
var errAddress = errors.New("the address is none to which mail can be sent: it must be one plain name@domain")

// parseAddress takes an address apart. A domain in other letters comes back in the form that the DNS knows. Whatever could
// end a command or begin a second recipient is refused.
func parseAddress(s string) (mailbox, error) {
	parsed, err := netmail.ParseAddress(s)
	// An address with a name, a comment or quotes is not what it was before.
	if err != nil || parsed.Name != "" || parsed.Address != s || !utf8.ValidString(s) {
		return mailbox{}, errAddress
	}
	local, domain, ok := cutAddress(s)
	if !ok || len(local) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return isControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>()[]\,;:"`, r)
	}) {
		return mailbox{}, errAddress
	}
	domain, err = idna.Lookup.ToASCII(domain)
	if err != nil || !isDomain(domain) || len(local)+len(domain) > 253 {
		return mailbox{}, errAddress
	}
	return mailbox{local, domain}, nil
}

// cutAddress cuts at the last @.
func cutAddress(s string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// isControl reports characters that end a line, hide or turn around what stands beside them.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Bidi_Control, r)
}

// oneLine is s with a space for whatever would end a line in a header.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// displayed is a name as it may stand before an address. A backslash is left out: what is not ASCII beside one is encoded
// so that strict readers find no address.
func displayed(name string) string { return oneLine(strings.ReplaceAll(name, `\`, " ")) }
