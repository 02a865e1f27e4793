package smpp

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
	"github.com/nyaruka/phonenumbers"
)

// message is what the centre gave us: a receipt, or a customer's text.
type message struct {
	from, to pdu.Address
	class    byte // esm_class
	coding   byte // data_coding
	octets   []byte
	fields   map[pdu.Tag]pdu.Field
	frame    []byte // the PDU as it came
}

// parseMessage reads a deliver_sm or data_sm.
func parseMessage(frame []byte) (message, error) {
	m := message{frame: frame}
	p, err := pdu.Parse(bytes.NewReader(frame))
	if err != nil {
		return m, fmt.Errorf("a message from the centre cannot be read: %w", err)
	}
	switch p := p.(type) {
	case *pdu.DeliverSM:
		m.from, m.to, m.class, m.fields = p.SourceAddr, p.DestAddr, p.EsmClass, p.OptionalParameters
		m.octets, err = p.Message.GetMessageData()
		m.coding = codingOf(frame)
	case *pdu.DataSM:
		m.from, m.to, m.class, m.fields, m.coding = p.SourceAddr, p.DestAddr, p.EsmClass, p.OptionalParameters, p.DataCoding
	default:
		return m, errors.New("neither deliver_sm nor data_sm")
	}
	if payload, ok := m.fields[pdu.TagMessagePayload]; ok && len(m.octets) == 0 {
		m.octets = payload.Data
		if m.class&data.SM_UDH_GSM != 0 && len(m.octets) > int(m.octets[0]) {
			m.octets = m.octets[1+int(m.octets[0]):]
		}
	}
	return m, err
}

// codingOf is the data_coding of a deliver_sm that could be parsed; gosmpp forgets the values that it does not know.
func codingOf(frame []byte) byte {
	rest := frame[header:]
	for _, skip := range []int{2, 2, 3, 0, 2} { // octets after service_type, both addresses, esm_class to priority, two dates
		_, after, ok := bytes.Cut(rest, []byte{0})
		if !ok || len(after) < skip {
			return 0
		}
		rest = after[skip:]
	}
	if len(rest) == 0 {
		return 0
	}
	return rest[0]
}

// isReceipt reports whether the centre itself tells of a message that we sent. What a customer wrote never counts as
// that, whatever it looks like: esm_class and receipted_message_id are the centre's to set.
func (m message) isReceipt() bool {
	switch m.class & 0x3c {
	case data.SM_SMSC_DLV_RCPT_TYPE, data.SM_INTMD_DLV_NOTIFY_TYPE:
		return true
	}
	_, ok := m.fields[pdu.TagReceiptedMessageID]
	return ok
}

// arrived takes one message in, and says what the centre is answered: ESME_ROK once it is on record, ESME_RX_T_APPN when
// the centre shall keep it and give it again.
func (c *Channel) arrived(ctx context.Context, m message) data.CommandStatusType {
	switch {
	case m.isReceipt():
		return c.receipted(ctx, m)
	case m.class&0x3c != 0: // a telephone's own acknowledgement, or the end of a session: nobody wrote anything
		return data.ESME_ROK
	}
	words := decode(m.octets, m.coding)
	if err := c.mobile.Texted(ctx, e164(m.from), e164(m.to), words, c.stops.in(words), c.clock.Now()); err != nil {
		c.report(fmt.Errorf("taking a text that came in: %w; the message centre keeps it", err))
		return data.ESME_RX_T_APPN
	}
	return data.ESME_ROK
}

// e164 is a number as we write it; what is none, such as a short code, stays as it is.
func e164(a pdu.Address) string {
	text := a.Address()
	if !numeric(text) {
		return text
	}
	if a.Ton() == 1 {
		return "+" + text
	}
	if n, err := phonenumbers.Parse(text, "US"); err == nil && phonenumbers.IsPossibleNumber(n) {
		return phonenumbers.Format(n, phonenumbers.E164)
	}
	return text
}
