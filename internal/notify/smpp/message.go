package smpp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

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

// parseMessage reads a deliver_sm or data_sm. Optional parameters that cannot be read are left out: a text is worth more
// than they are.
func parseMessage(frame []byte) (message, error) {
	m := message{frame: frame}
	p, err := pdu.Parse(bytes.NewReader(frame))
	if _, end := fixed(frame); err != nil && end > 0 {
		short := slices.Clone(frame[:end])
		binary.BigEndian.PutUint32(short, uint32(end))
		p, err = pdu.Parse(bytes.NewReader(short))
	}
	if err != nil {
		return m, fmt.Errorf("a message from the centre cannot be read: %w", err)
	}
	switch p := p.(type) {
	case *pdu.DeliverSM:
		m.from, m.to, m.class, m.fields = p.SourceAddr, p.DestAddr, p.EsmClass, p.OptionalParameters
		m.octets, err = p.Message.GetMessageData()
		m.coding, _ = fixed(frame)
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

// fixed is the data_coding of a deliver_sm, which gosmpp forgets when it does not know it, and how long the PDU is up to
// its optional parameters; 0 when it is none.
func fixed(frame []byte) (coding byte, end int) {
	if headerOf(frame).CommandID != data.DELIVER_SM {
		return 0, 0
	}
	at := header
	for _, skip := range []int{2, 2, 3, 0, 2} { // octets after service_type, both addresses, esm_class to priority, two dates
		n := bytes.IndexByte(frame[at:], 0)
		if n < 0 || at+n+1+skip > len(frame) {
			return 0, 0
		}
		at += n + 1 + skip
	}
	if at+3 > len(frame) || at+3+int(frame[at+2]) > len(frame) { // data_coding, sm_default_msg_id, sm_length
		return 0, 0
	}
	return frame[at], at + 3 + int(frame[at+2])
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
func (c *Channel) arrived(ctx context.Context, frame []byte) data.CommandStatusType {
	m, err := parseMessage(frame)
	switch {
	case err != nil:
		c.report(err)
		return data.ESME_RX_P_APPN // the same octets would be no better another time
	case m.isReceipt():
		return c.receipted(ctx, m)
	case m.class&0x3c != 0: // a telephone's own acknowledgement, or the end of a session: nobody wrote anything
		return data.ESME_ROK
	}
	words := decode(m.octets, m.coding)
	if err = c.mobile.Texted(ctx, e164(m.from), e164(m.to), words, c.stops.In(words), c.clock.Now()); err != nil {
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
