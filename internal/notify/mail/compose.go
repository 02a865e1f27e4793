package mail

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	netmail "net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"ringfence/internal/notify"
)

// letter is a piece as it goes over the wire.
type letter struct {
	from, to string // of the envelope
	id       string // the Message-ID, without its angles
	wide     bool   // needs SMTPUTF8
	bytes    []byte
}

// errToken says that a piece cannot find its way back.
var errToken = errors.New("the message has no return token of letters and digits")

// compose writes a piece as a message: its words as text and HTML, what is enclosed, and in the header nothing that a
// value could add to. The same piece gets the same Message-ID at every attempt, by which the other side knows it again.
//
// cite: P-23, P-25, 47 CFR 64.2010(f), RFC 5322, RFC 3834
func (c *Channel) compose(p notify.Piece) (letter, error) {
	to, err := parseAddress(p.To)
	if err != nil {
		return letter{}, err
	}
	if !isToken(p.Return) {
		return letter{}, errToken
	}
	if !p.ID.Valid() {
		return letter{}, errors.New("the message has no ID")
	}
	l := letter{
		from: "bounces+" + p.Return + "@" + c.domain,
		to:   to.String(),
		id:   string(p.ID) + "@" + c.domain,
		wide: to.wide(),
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP))
	m.FromMailAddress(&c.from)
	m.ToMailAddress(&netmail.Address{Name: displayed(p.Name), Address: l.to})
	m.ReplyToMailAddress(&netmail.Address{Name: c.from.Name, Address: "replies+" + p.Return + "@" + c.domain})
	m.Subject(oneLine(p.Subject))
	m.SetDateWithValue(c.clock.Now().UTC())
	m.SetMessageIDWithValue(l.id)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	if p.Language == "en" || p.Language == "es" {
		m.SetGenHeader("Content-Language", p.Language)
	}
	switch {
	case p.HTML == "":
		m.SetBodyString(gomail.TypeTextPlain, p.Text)
	case p.Text == "":
		m.SetBodyString(gomail.TypeTextHTML, p.HTML)
	default:
		m.SetBodyString(gomail.TypeTextPlain, p.Text)
		m.AddAlternativeString(gomail.TypeTextHTML, p.HTML)
	}
	for _, e := range p.Enclosed {
		kind, _, err := mime.ParseMediaType(e.Type)
		if err != nil || strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/") {
			kind = "application/octet-stream"
		}
		m.AttachReadSeeker(oneLine(e.Name), bytes.NewReader(e.Bytes), gomail.WithFileContentType(gomail.ContentType(kind)))
	}
	var plain bytes.Buffer
	if _, err := m.WriteTo(&plain); err != nil {
		return letter{}, fmt.Errorf("writing the message: %w", err)
	}
	l.bytes, err = c.sign(plain.Bytes())
	return l, err
}

// isToken reports whether s is letters and digits that fit behind bounces+.
func isToken(s string) bool {
	return s != "" && len(s) <= 48 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
