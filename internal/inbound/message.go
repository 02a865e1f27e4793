package inbound

import (
	"bytes"
	"io"
	"mime"
	"strings"

	gomessage "github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
)

// What is read of a message. It is kept whole in any case; what lies beyond only has no say in what it is.
const (
	mostHeader = 256 << 10 // bytes of a header
	mostDepth  = 8         // parts within parts
	mostParts  = 100
	mostText   = 128 << 10 // bytes of a part
)

// message is what was read of a message.
type message struct {
	header gomessage.Header
	leaves []leaf
}

// leaf is a part that has no parts.
type leaf struct{ kind, text string }

// read reads a message as far as it can be. There is none that it refuses.
//
// cite: RFC 5322, RFC 2045
func read(raw []byte) message {
	var m message
	// What is wrong with it does not matter here: as much as there is is read.
	e, _ := gomessage.ReadWithOptions(bytes.NewReader(raw), &gomessage.ReadOptions{MaxHeaderBytes: mostHeader})
	if e == nil {
		// Without a header that can be read the whole is its text.
		m.leaves = []leaf{{"text/plain", string(raw[:min(len(raw), mostText)])}}
		return m
	}
	m.header = e.Header
	left := mostParts
	m.walk(e, 0, &left)
	return m
}

// walk gathers the leaves of an entity.
func (m *message) walk(e *gomessage.Entity, depth int, left *int) {
	*left--
	if depth > mostDepth || *left < 0 {
		return
	}
	kind, params, err := mime.ParseMediaType(e.Header.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		parts := e.MultipartReader()
		for parts != nil && *left > 0 {
			p, _ := parts.NextPart()
			if p == nil {
				return
			}
			m.walk(p, depth+1, left)
		}
		return
	}
	if strings.HasPrefix(kind, "multipart/") {
		kind = "text/plain" // nothing says where its parts begin
	}
	text, _ := io.ReadAll(io.LimitReader(e.Body, mostText))
	m.leaves = append(m.leaves, leaf{kind, string(text)})
}

// leaf finds the text of the first part of one of some kinds.
func (m message) leaf(kinds ...string) (string, bool) {
	for _, l := range m.leaves {
		for _, k := range kinds {
			if l.kind == k {
				return l.text, true
			}
		}
	}
	return "", false
}

// words is what a person reads of a message: its text, or failing that what stands in its HTML.
func (m message) words() string {
	if text, ok := m.leaf("text/plain"); ok {
		return text
	}
	text, _ := m.leaf("text/html")
	return tags.ReplaceAllString(text, " ")
}

// field is a header field in plain letters.
func (m message) field(name string) string {
	if text, err := m.header.Text(name); err == nil {
		return text
	}
	return m.header.Get(name)
}

// decode is for header fields of parts, which speak the same letters.
func decode(s string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if text, err := d.DecodeHeader(s); err == nil {
		return text
	}
	return s
}
