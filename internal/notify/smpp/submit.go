package smpp

import (
	"crypto/sha256"
	"strings"
	"unicode/utf8"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"ringfence/internal/notify"
)

// mostPayload is how many octets a message_payload may have.
const mostPayload = 60_000

// submit is one message to the centre: a text or a part of one.
type submit struct {
	source, to     pdu.Address
	service        string
	registered     byte
	coding         data.Encoding
	octets         []byte
	payload        bool // the octets go as message_payload
	of, part, like byte // of how many parts, which, and the number that they share; of is 0 for a whole text
	fields         []pdu.Field
}

// pdu makes the submit_sm anew for each attempt.
//
// replace_if_present is never asked for: it would replace another message to the same customer that still waits, such as
// a notice by a code.
func (m submit) pdu() pdu.PDU {
	p := pdu.NewSubmitSM().(*pdu.SubmitSM)
	p.SourceAddr, p.DestAddr, p.ServiceType, p.RegisteredDelivery = m.source, m.to, m.service, m.registered
	octets := m.octets
	if m.payload {
		p.RegisterOptionalParam(pdu.Field{Tag: pdu.TagMessagePayload, Data: octets})
		octets = nil
	}
	p.Message = pdu.ShortMessage{}
	p.Message.SetMessageDataWithEncoding(octets, m.coding) // fails above 254 octets only
	if m.of > 0 {
		p.EsmClass |= data.SM_UDH_GSM
		p.Message.SetUDH(pdu.UDH{pdu.NewIEConcatMessage(m.of, m.part, m.like)})
	}
	for _, f := range m.fields {
		p.RegisterOptionalParam(f)
	}
	return p
}

// compose makes the messages of a text; an outcome with a state says why it cannot be sent. What tells one message from
// another comes from the piece's ID alone, so that every attempt looks the same to the centre and to the telephone.
//
// cite: P-20, P-25, 47 CFR 64.2010(f)(2)
func (c Config) compose(p notify.Piece) ([]submit, notify.Outcome) {
	refuse := func(code string) ([]submit, notify.Outcome) {
		return nil, notify.Outcome{State: notify.Failed, Code: code}
	}
	digits, plus := strings.CutPrefix(p.To, "+")
	if !plus || !numeric(digits) || len(digits) < 7 || len(digits) > 15 {
		return refuse(codeNoNumber)
	}
	text := p.Text
	if !utf8.ValidString(text) {
		text = string([]rune(text))
	}
	if strings.TrimSpace(text) == "" {
		return refuse(codeEmpty)
	}
	only := ""
	if c.Alphabet == "ucs2" {
		only = UCS2
	}
	a, parts := encode(text, only)
	ton, npi, from := c.source()
	m := submit{service: c.ServiceType, registered: c.Receipts.registered(), coding: a.coding}
	m.source, m.to = pdu.NewAddressWithTonNpi(ton, npi), pdu.NewAddressWithTonNpi(1, 1)
	if m.source.SetAddress(from) != nil || m.to.SetAddress(digits) != nil {
		return refuse(codeNoNumber)
	}
	mark := sha256.Sum256([]byte(p.ID))
	if !c.NoReference {
		m.fields = append(m.fields, pdu.Field{Tag: pdu.TagUserMessageReference, Data: mark[:2]})
	}
	if c.IDTag != 0 {
		m.fields = append(m.fields, pdu.Field{Tag: pdu.Tag(c.IDTag), Data: append([]byte(p.ID), 0)})
	}
	switch {
	case len(parts) == 1:
		m.octets = parts[0]
		return []submit{m}, notify.Outcome{}
	case c.Long == "payload":
		for _, one := range parts {
			m.octets = append(m.octets, one...)
		}
		if len(m.octets) > mostPayload {
			return refuse(codeTooLong)
		}
		m.payload = true
		return []submit{m}, notify.Outcome{}
	case len(parts) > 255:
		return refuse(codeTooLong)
	}
	all := make([]submit, len(parts))
	for i, octets := range parts {
		all[i] = m
		all[i].octets, all[i].of, all[i].part, all[i].like = octets, byte(len(parts)), byte(i+1), mark[2]
	}
	return all, notify.Outcome{}
}

// registered is registered_delivery.
func (r Receipts) registered() byte {
	switch r.Ask {
	case "none":
		return 0
	case "failure":
		return 2
	}
	return 1
}
