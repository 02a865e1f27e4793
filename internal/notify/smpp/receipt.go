package smpp

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"ringfence/internal/notify"
)

// How often a receipt is offered that nobody knows yet: a centre may be quicker with it than we with writing down that it
// has the message.
const (
	firstOffer = 250 * time.Millisecond
	lastOffer  = 4 * time.Second
)

// receipt is what the centre tells of a message.
type receipt struct {
	ids   []string     // by which the message may be known, the likeliest first
	state notify.State // Sent: there is nothing final yet
	code  string       // DELIVRD and its like
	says  string       // the centre's own error number
}

// stats are the words of receipts, as the specification has them and as centres write them.
var stats = map[string]notify.State{
	"DELIVRD": notify.Delivered, "DELIVERED": notify.Delivered,
	"UNDELIV": notify.Bounced, "UNDELIVERED": notify.Bounced, "UNDELIVERABLE": notify.Bounced, "UNDELIVRD": notify.Bounced,
	"EXPIRED": notify.Bounced,
	"DELETED": notify.Failed, "REJECTD": notify.Failed, "REJECTED": notify.Failed, "SKIPPED": notify.Failed,
	"UNKNOWN": notify.Failed, "FAILED": notify.Failed,
	"ENROUTE": notify.Sent, "EN_ROUTE": notify.Sent, "ACCEPTD": notify.Sent, "ACCEPTED": notify.Sent, "SCHEDULED": notify.Sent,
	"BUFFERED": notify.Sent, "BUFFRED": notify.Sent,
}

// messageStates are the words for the values of message_state.
var messageStates = map[byte]string{0: "SCHEDULED", 1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD", 9: "SKIPPED"}

var (
	receiptField = regexp.MustCompile(`(?i)(?:^|[\s,;])(id|stat|err)\s*[:=]\s*([^\s,;]{1,65})`)
	receiptText  = regexp.MustCompile(`(?i)(?:^|[\s,;])text\s*[:=]`)
	statWord     = regexp.MustCompile(`^[A-Z_]{1,16}$`)
)

// parseReceipt reads a receipt: its optional parameters, and its text in the form of the specification's appendix B or
// something like it. What follows "text:" is the customer's message and is not looked at.
func (r Receipts) parseReceipt(m message) (receipt, error) {
	var in receipt
	words := decode(m.octets, m.coding)
	if at := receiptText.FindStringIndex(words); at != nil {
		words = words[:at[0]]
	}
	found := map[string]string{}
	for _, f := range receiptField.FindAllStringSubmatch(words, -1) {
		if name := strings.ToLower(f[1]); found[name] == "" {
			found[name] = f[2]
		}
	}
	known := func(id string) {
		if id != "" && !slices.Contains(in.ids, id) {
			in.ids = append(in.ids, id)
		}
	}
	if f, ok := m.fields[pdu.TagReceiptedMessageID]; ok {
		known(r.reference(strings.TrimRight(string(f.Data), "\x00")))
	}
	known(r.told(found["id"]))
	if len(in.ids) == 0 {
		return in, errors.New("a receipt names no message")
	}
	in.code = strings.ToUpper(found["stat"])
	if !statWord.MatchString(in.code) {
		in.code = ""
	}
	state, ok := stats[in.code]
	if !ok {
		if f, has := m.fields[pdu.TagMessageStateOption]; has && len(f.Data) == 1 {
			if word := messageStates[f.Data[0]]; word != "" {
				in.code, state, ok = word, stats[word], true
			}
		}
	}
	switch {
	case ok:
		in.state = state
	case in.code == "":
		return in, errors.New("a receipt does not say what became of the message")
	default:
		in.state = notify.Failed // a word that we do not know promises nothing
	}
	if e := found["err"]; e != "" {
		in.says = "err:" + e
	}
	return in, nil
}

// reference is the name of a message as the outbox keeps it, made of the name in the centre's answer.
func (r Receipts) reference(id string) string {
	switch r.IDs {
	case "decimal":
		return inDecimal(id, 16)
	case "hexadecimal":
		return inDecimal(id, 10)
	}
	return strings.TrimSpace(id)
}

// told is the same, made of the name in a receipt's text.
func (r Receipts) told(id string) string {
	switch r.IDs {
	case "decimal":
		return inDecimal(id, 10)
	case "hexadecimal":
		return inDecimal(id, 16)
	}
	return strings.TrimSpace(id)
}

// inDecimal writes a number of some base in decimal, without leading zeros; what is no number stays as it is.
func inDecimal(id string, base int) string {
	id = strings.TrimSpace(id)
	digits := id
	if base == 16 {
		digits = strings.TrimPrefix(strings.ToLower(id), "0x")
	}
	if n, ok := new(big.Int).SetString(digits, base); ok && len(digits) <= 65 {
		return n.String()
	}
	return id
}

// receipted tells the inbox what became of a message. One that nobody knows after a while belongs to another program of
// the same carrier, and is let go.
//
// cite: P-23
func (c *Channel) receipted(ctx context.Context, m message) data.CommandStatusType {
	in, err := c.cfg.Receipts.parseReceipt(m)
	if err != nil {
		c.report(fmt.Errorf("%w: look at how the message centre writes receipts", err))
		return data.ESME_ROK // it would come again in the same words
	}
	if in.state == notify.Sent {
		return data.ESME_ROK
	}
	report := notify.Report{Outcome: notify.Outcome{State: in.state, Code: in.code, Says: in.says}, At: c.clock.Now(), Raw: m.frame, Kind: notify.Receipt}
	for wait := firstOffer; ; wait *= 2 {
		err = c.refer(ctx, in, report)
		if !errors.Is(err, notify.ErrNotOurs) || wait > lastOffer || !pause(ctx, wait) {
			break
		}
	}
	switch {
	case err == nil:
		return data.ESME_ROK
	case errors.Is(err, notify.ErrNotOurs):
		c.report(fmt.Errorf("a receipt came for a message that is not ours: if all are so, look at receipts.ids: %w", err))
		return data.ESME_ROK
	}
	c.report(fmt.Errorf("taking a receipt: %w; the message centre keeps it", err))
	return data.ESME_RX_T_APPN
}

// refer finds the message, or the part of one, by each of its names.
func (c *Channel) refer(ctx context.Context, in receipt, report notify.Report) error {
	for _, id := range in.ids {
		name, state, err := c.parts.Told(ctx, id, in.state)
		if err != nil {
			return err
		}
		switch {
		case name == "":
			name = id // a text of one part
		case state == "":
			return nil // there is more to come
		default:
			report.State = state
		}
		if err := c.inbox.Referred(ctx, viaText, name, report); !errors.Is(err, notify.ErrNotOurs) {
			return err
		}
	}
	return notify.ErrNotOurs
}
