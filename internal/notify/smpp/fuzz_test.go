package smpp

import (
	"encoding/binary"
	"testing"

	"github.com/linxGnu/gosmpp/pdu"

	"ringfence/internal/notify"
)

// Whatever the other side sends is read or refused; a receipt that is read names a message and says what became of it.
func FuzzReceipt(f *testing.F) {
	add := func(class byte, words string, fields ...pdu.Field) {
		p := pdu.NewDeliverSM().(*pdu.DeliverSM)
		p.EsmClass = class
		if err := p.Message.SetMessageDataWithEncoding([]byte(words), gsm7.coding); err != nil {
			f.Fatal(err)
		}
		for _, one := range fields {
			p.RegisterOptionalParam(one)
		}
		f.Add(marshal(p)[header:], false)
	}
	add(4, "id:1 sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:x")
	add(4, "ID: 0x1F  Stat= undeliv, err:C5")
	add(4, "", pdu.Field{Tag: pdu.TagReceiptedMessageID, Data: []byte("1F\x00")}, pdu.Field{Tag: pdu.TagMessageStateOption, Data: []byte{2}})
	add(0x44, "\x05\x00\x03\x01\x02\x01id:1 stat:EXPIRED")
	add(0x40, "\xff\x00\x03\x01\x02\x01")
	f.Add([]byte("\x00\x01\x01123\x00\x01\x01456\x00\x04\x01\x00\x04\x24\x00\x05\x04\x00\x03\x01\x02"), true)
	f.Fuzz(func(t *testing.T, body []byte, dataSM bool) {
		if len(body) > mostFrame-header {
			return
		}
		frame := make([]byte, header, header+len(body))
		binary.BigEndian.PutUint32(frame, uint32(header+len(body)))
		frame[7] = 5
		if dataSM {
			frame[6], frame[7] = 1, 3
		}
		m, err := parseMessage(append(frame, body...))
		if err != nil {
			return
		}
		decode(m.octets, m.coding)
		e164(m.from)
		for _, ids := range []string{"same", "decimal", "hexadecimal"} {
			r, err := Receipts{IDs: ids}.parseReceipt(m)
			if err != nil {
				continue
			}
			if len(r.ids) == 0 || len(r.ids) > 2 || r.ids[0] == "" || len(r.code) > 16 || len(r.says) > 70 {
				t.Fatalf("%+v of %q", r, m.octets)
			}
			switch r.state {
			case notify.Sent, notify.Delivered, notify.Bounced, notify.Failed:
			default:
				t.Fatalf("%+v of %q", r, m.octets)
			}
		}
	})
}
