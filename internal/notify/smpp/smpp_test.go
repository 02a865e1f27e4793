package smpp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/store/storetest"
)

var _ notify.Channel = (*Channel)(nil)

// A notice goes out as it is written, and the centre's name for it comes back. Every attempt bears the piece's ID.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func TestSend(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, func(c *Config) { c.IDTag, c.SystemType, c.ServiceType = 0x1401, "CPNI", "CMT" }), o)
	p := piece("Your address was changed. Was it not you? Call 1-555-000-0100 {now} [24h] €5")
	got := send(t, c, p)[0]
	if got.State != notify.Sent || got.Reference != "1" || got.Code != "ESME_ROK" {
		t.Fatalf("%+v", got)
	}
	bind := peer.next("bind")
	if bind.Role != "transceiver" || bind.ID != "ringfence" || bind.Type != "CPNI" || bind.Version != 0x34 {
		t.Errorf("bound as %+v", bind)
	}
	e := peer.next("submit")
	if e.From != "12345" || e.FromTON != 3 || e.To != "15550001111" || e.ToTON != 1 || e.Coding != 0 || e.Class != 0 || e.Registered != 1 || e.Replace != 0 || e.Service != "CMT" {
		t.Errorf("submitted %+v", e)
	}
	if s := decode(e.bytes(), 0); s != p.Text {
		t.Errorf("the centre got %q", s)
	}
	if e.TLV[fmt.Sprint(0x1401)] != fmt.Sprintf("%x00", string(p.ID)) || len(e.TLV[fmt.Sprint(0x0204)]) != 4 {
		t.Errorf("optional parameters %v", e.TLV)
	}
	// The same piece again is the same to the centre.
	p.Attempt = 2
	send(t, c, p)
	if again := peer.next("submit"); again.TLV[fmt.Sprint(0x0204)] != e.TLV[fmt.Sprint(0x0204)] || again.TLV[fmt.Sprint(0x1401)] != e.TLV[fmt.Sprint(0x1401)] || again.Octets != e.Octets {
		t.Errorf("first %+v, then %+v", e, again)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if peer.next("enquire"); !c.Plain() {
		t.Error("nothing was enciphered, and it is not said")
	}
}

// What cannot be sent by text is said at once, and nothing goes out.
func TestSendNever(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, nil), o)
	for _, row := range []struct {
		change func(*notify.Piece)
		code   string
	}{
		{func(p *notify.Piece) { p.To = "5550001111" }, codeNoNumber},
		{func(p *notify.Piece) { p.To = "+1555 000" }, codeNoNumber},
		{func(p *notify.Piece) { p.Text = " \n" }, codeEmpty},
		{func(p *notify.Piece) { p.Text = strings.Repeat("x", 255*153+1) }, codeTooLong},
	} {
		p := piece("text")
		row.change(&p)
		if got := send(t, c, p)[0]; got.State != notify.Failed || got.Code != row.code || got.Says != "" {
			t.Errorf("%+v, not %s", got, row.code)
		}
	}
	peer.set(nil)
	send(t, c, piece("last"))
	if e := peer.next("submit"); decode(e.bytes(), 0) != "last" {
		t.Errorf("%+v went out", e)
	}
}

// A long text is put together again to what it was, in both alphabets, whatever stands where it is divided.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func TestLong(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, nil), o)
	for name, text := range map[string]string{
		"gsm":      strings.Repeat("Your password was changed. ", 12),
		"escapes":  strings.Repeat("a", 152) + strings.Repeat("€", 200) + "{[~]}",
		"spanish":  strings.Repeat("Se cambió la dirección de su cuenta. ¿No fue usted? ", 6),
		"pairs":    strings.Repeat("x", 66) + strings.Repeat("😀", 70),
		"ñ in gsm": strings.Repeat("Señor, mañana ¿sí? ", 1) + strings.Repeat("ñü", 100),
	} {
		t.Run(name, func(t *testing.T) {
			n, in := Measure(text)
			p := piece(text)
			got := send(t, c, p)[0]
			if got.State != notify.Sent || !strings.HasSuffix(got.Reference, fmt.Sprintf("/%d", n)) {
				t.Fatalf("%+v of %d in %s", got, n, in)
			}
			var parts []event
			for range n {
				parts = append(parts, peer.next("submit"))
			}
			if s := together(t, parts); s != text {
				t.Errorf("%d parts in %s became\n%q, not\n%q", n, in, s, text)
			}
			// Another attempt has the same parts under the same number.
			send(t, c, p)
			if again := peer.next("submit"); again.Octets[:12] != parts[0].Octets[:12] {
				t.Errorf("the first part begins % x, the next time % x", parts[0].bytes()[:6], again.bytes()[:6])
			}
			for range n - 1 {
				peer.next("submit")
			}
		})
	}
}

// Where the centre divides, a long text goes whole.
func TestPayload(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, func(c *Config) { c.Long, c.NoReference = "payload", true }), o)
	text := strings.Repeat("Se cambió la dirección. ", 20)
	if got := send(t, c, piece(text))[0]; got.State != notify.Sent || got.Reference != "1" {
		t.Fatalf("%+v", got)
	}
	e := peer.next("submit")
	payload := event{Octets: e.TLV[fmt.Sprint(0x0424)]}
	if s := decode(payload.bytes(), byte(e.Coding)); s != text || e.Octets != "" || e.Class&0x40 != 0 || len(e.TLV) != 1 {
		t.Errorf("%+v: %q", e, s)
	}
}

// Some centres want two sessions: one to send, one to receive.
func TestTwoSessions(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, func(c *Config) { c.Bind = "transmitter+receiver" }), o)
	roles := []string{peer.next("bind").Role, peer.next("bind").Role}
	if slices.Sort(roles); !slices.Equal(roles, []string{"receiver", "transmitter"}) {
		t.Fatalf("bound as %v", roles)
	}
	got := send(t, c, piece("text"))[0]
	peer.receipt("id:1 stat:DELIVRD err:000", nil)
	o.until(t, "one report", func() bool { return len(o.reports) == 1 && o.reports[0].reference == got.Reference })
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// A bind that is refused is said with what to look at, tried again, and keeps no message.
func TestBindRefused(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	peer.set(map[string]any{"password": "another"})
	c := open(t, config(t, peer.port, nil), o)
	o.until(t, "a report", func() bool { return len(o.said) > 0 })
	if !strings.Contains(o.said[0], "ESME_RINVPASWD") || !strings.Contains(o.said[0], "password-file") || strings.Contains(o.said[0], "s3cret") {
		t.Errorf("it says %q", o.said)
	}
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "ESME_RINVPASWD") {
		t.Errorf("the check says %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Send(ctx, []notify.Piece{piece("text")}, func(notify.Piece, notify.Outcome) { t.Error("told, though nobody can know") })
	peer.set(map[string]any{"password": "s3cret"})
	if got := send(t, c, piece("text"))[0]; got.State != notify.Sent {
		t.Errorf("after the password is right: %+v", got)
	}
}

// Each answer of the centre has its meaning.
//
// cite: P-23
func TestStatus(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, func(c *Config) { c.Later, c.Unreachable = []uint32{0x401}, []uint32{0x402} }), o)
	for _, row := range []struct {
		status int
		state  notify.State
		code   string
		after  bool
	}{
		{0x58, notify.Queued, "ESME_RTHROTTLED", true},
		{0x14, notify.Queued, "ESME_RMSGQFUL", true},
		{0x08, notify.Queued, "ESME_RSYSERR", true},
		{0x0b, notify.Bounced, "ESME_RINVDSTADR", false},
		{0x0a, notify.Failed, "ESME_RINVSRCADR", false},
		{0x45, notify.Failed, "ESME_RSUBMITFAIL", false},
		{0x401, notify.Queued, "0x00000401", true},
		{0x402, notify.Bounced, "0x00000402", false},
		{0x403, notify.Failed, "0x00000403", false},
	} {
		peer.set(map[string]any{"answer": row.status, "times": 1})
		got := send(t, c, piece("text"))[0]
		if got.State != row.state || got.Code != row.code || got.After > 0 != row.after || got.Reference != "" {
			t.Errorf("0x%x became %+v", row.status, got)
		}
	}
}

// A throttled centre is left alone at once.
func TestThrottled(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, func(c *Config) { c.Window = 1 }), o)
	peer.set(map[string]any{"answer": 0x58})
	var many []notify.Piece
	for range 20 {
		many = append(many, piece("text"))
	}
	for _, got := range send(t, c, many...) {
		if got.State != notify.Queued || got.After == 0 {
			t.Fatalf("%+v", got)
		}
	}
	peer.set(map[string]any{"answer": 0})
	asked := 0
	send(t, c, piece("last"))
	for e := peer.next("submit"); decode(e.bytes(), 0) != "last"; e = peer.next("submit") {
		asked++
	}
	if asked > 3 {
		t.Errorf("it was asked %d times while it took nothing", asked)
	}
}

// Of a long text that the centre has begun to take, what it did not take at first follows, and no part goes twice.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
func TestThrottledInTheMiddle(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, nil), o)
	text := strings.Repeat("x", 153) + strings.Repeat("y", 153) + "z"
	peer.set(map[string]any{"answer": 0x58, "times": 1, "after": 1})
	if got := send(t, c, piece(text))[0]; got.State != notify.Sent || got.Reference != "1/3" {
		t.Fatalf("%+v", got)
	}
	var all []event
	for range 4 {
		all = append(all, peer.next("submit"))
	}
	if all[1].Octets != all[2].Octets {
		t.Errorf("after the throttled part came % x", all[2].bytes()[:6])
	}
	if s := together(t, slices.Delete(all, 1, 2)); s != text {
		t.Errorf("%q", s)
	}
	peer.set(map[string]any{"answer": 0x0b, "times": 1, "after": 1})
	if got := send(t, c, piece(text))[0]; got.State != notify.Bounced {
		t.Errorf("%+v", got)
	}
}

// When the session is lost after a message was handed over, nobody knows; it is queued, and tried again over the next
// session.
func TestLost(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, func(c *Config) { c.AnswerWithin = time.Second }), o)
	peer.set(map[string]any{"drop": 1})
	if got := send(t, c, piece("text"))[0]; got.State != notify.Queued || got.Code != codeLost {
		t.Errorf("hung up: %+v", got)
	}
	peer.set(map[string]any{"drop": 0, "mute": 1})
	if got := send(t, c, piece("text"))[0]; got.State != notify.Queued || got.Code != codeNoAnswer {
		t.Errorf("no answer: %+v", got)
	}
	// A centre that does not answer is not asked for each message of a batch.
	var many []notify.Piece
	for range 5 * c.cfg.Window {
		many = append(many, piece("text"))
	}
	if n := count(send(t, c, many...), func(o notify.Outcome) bool { return o.Code == codeNoAnswer }); n > c.cfg.Window {
		t.Errorf("%d of %d waited for an answer", n, len(many))
	}
	peer.set(map[string]any{"mute": 0})
	if got := send(t, c, piece("text"))[0]; got.State != notify.Sent {
		t.Errorf("after that: %+v", got)
	}
}

// A centre that is killed in the middle loses nothing that was not told as sent, and the channel goes on when there is
// one again.
func TestKilled(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	cfg := config(t, peer.port, func(c *Config) { c.PerSecond, c.Window = 50, 4 })
	c := open(t, cfg, o)
	var many []notify.Piece
	for i := range 100 {
		many = append(many, piece(fmt.Sprintf("text %d", i)))
	}
	done := make(chan []notify.Outcome, 1)
	go func() { done <- send(t, c, many...) }()
	for range 10 {
		peer.next("submit")
	}
	peer.kill()
	sent, queued := 0, 0
	for _, got := range <-done {
		switch got.State {
		case notify.Sent:
			sent++
		case notify.Queued:
			queued++
		default:
			t.Errorf("%+v", got)
		}
	}
	if sent < 6 || queued == 0 || sent+queued != 100 {
		t.Errorf("%d sent, %d queued", sent, queued)
	}
	if err := c.Check(t.Context()); err == nil {
		t.Error("nothing is wrong without a centre")
	}
}

// A centre that ends the session, or does not answer whether it is there, is bound to again.
func TestBoundAgain(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, func(c *Config) { c.EnquireLink, c.AnswerWithin = time.Second, time.Second }), o)
	peer.next("bind")
	peer.do("unbind", nil)
	peer.next("bind")
	peer.do("enquire", nil)
	peer.find("other", func(e event) bool { return e.Event == "other" }) // its answer
	peer.set(map[string]any{"deaf": 1})
	peer.next("bind")
	o.until(t, "a report", func() bool {
		return slices.ContainsFunc(o.said, func(s string) bool { return strings.Contains(s, errNoAnswer.Error()) })
	})
	peer.set(map[string]any{"deaf": 0})
	// Something that is no command of the protocol is answered so, and the session goes on.
	peer.do("raw", map[string]any{"octets": "00000010" + "00000077" + "00000000" + "00000009"})
	if e := peer.find("other", func(e event) bool { return e.Status != 0 }); e.Status != 3 {
		t.Errorf("%+v", e)
	}
	if got := send(t, c, piece("text"))[0]; got.State != notify.Sent {
		t.Errorf("%+v", got)
	}
}

// When its context ends, the channel says good-bye and is gone.
func TestEnd(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c, err := New(config(t, peer.port, nil), o, o, cpni.ClockFunc(func() time.Time { return noon }), o.report)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err == nil {
		t.Error("it does not run, and nothing is wrong")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	send(t, c, piece("text"))
	cancel()
	peer.next("unbind")
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(enough):
		t.Fatal("Run has not returned")
	}
	if len(o.said) != 0 {
		t.Errorf("it says %q", o.said)
	}
}

// What is with the centre when the channel ends is waited for, so that it does not go again.
//
// cite: P-23
func TestEndInTheMiddle(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, nil), o)
	send(t, c, piece("first"))
	peer.next("submit")
	peer.set(map[string]any{"slow": 0.5})
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var told []notify.Outcome
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Send(ctx, []notify.Piece{piece("second"), piece(strings.Repeat("third", 100))}, func(_ notify.Piece, o notify.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, o)
		})
	}()
	peer.next("submit")
	cancel()
	<-done
	if len(told) != 1 || told[0].State != notify.Sent {
		t.Errorf("%+v", told) // of the third only a part was there to be sent
	}
}

// Receipts tell what became of a message, in whatever form the centre writes them.
//
// cite: P-23
func TestReceipts(t *testing.T) {
	for name, row := range map[string]struct {
		ids, asked string // receipts.ids, and how the centre writes names
		words      string
		tlv        map[string]string
		want       notify.State
		code       string
	}{
		"as the appendix has it": {"", "decimal", "id:1 sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:Your pass", nil, notify.Delivered, "DELIVRD"},
		"undelivered":            {"", "decimal", "id:1 sub:001 dlvrd:000 submit date:2611251200 done date:2611251201 stat:UNDELIV err:0C5 text:", nil, notify.Bounced, "UNDELIV"},
		"expired":                {"", "decimal", "id:1 stat:EXPIRED err:001", nil, notify.Bounced, "EXPIRED"},
		"rejected":               {"", "decimal", "id:1 stat:REJECTD", nil, notify.Failed, "REJECTD"},
		"deleted":                {"", "decimal", "id:1 stat:DELETED", nil, notify.Failed, "DELETED"},
		"unknown":                {"", "decimal", "id:1 stat:UNKNOWN", nil, notify.Failed, "UNKNOWN"},
		"small letters":          {"", "decimal", "ID: 1  Stat: delivrd  Err: 0", nil, notify.Delivered, "DELIVRD"},
		"another order":          {"", "decimal", "stat:DELIVRD, err:000, id:1", nil, notify.Delivered, "DELIVRD"},
		"parameters alone":       {"", "decimal", "", map[string]string{"receipted_message_id": "3100", "message_state": "02"}, notify.Delivered, "DELIVRD"},
		"parameters, lost":       {"", "decimal", "", map[string]string{"receipted_message_id": "3100", "message_state": "05"}, notify.Bounced, "UNDELIV"},
		"the text's own id":      {"", "decimal", "id:999 stat:DELIVRD", map[string]string{"receipted_message_id": "3100"}, notify.Delivered, "DELIVRD"},
		"a trap in the text":     {"", "decimal", "id:1 stat:UNDELIV err:001 text:id:2 stat:DELIVRD", nil, notify.Bounced, "UNDELIV"},
		"hexadecimal, decimal":   {"decimal", "hexadecimal", "id:0000000001 stat:DELIVRD", nil, notify.Delivered, "DELIVRD"},
		"decimal, hexadecimal":   {"hexadecimal", "padded", "id:0x1 stat:DELIVRD", nil, notify.Delivered, "DELIVRD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer, o := startCentre(t), newOffice()
			peer.set(map[string]any{"ids": row.asked})
			c := open(t, config(t, peer.port, func(c *Config) { c.Receipts.IDs = row.ids }), o)
			got := send(t, c, piece("text"))[0]
			peer.receipt(row.words, row.tlv)
			o.until(t, "a report", func() bool { return len(o.reports) == 1 })
			r := o.reports[0]
			if r.via != cpni.Text || r.reference != got.Reference || r.State != row.want || r.Code != row.code || r.Kind != notify.Receipt || !r.At.Equal(noon) {
				t.Errorf("%+v of %+v", r, got)
			}
			if m, err := parseMessage(r.Raw); err != nil || string(m.octets) != row.words {
				t.Errorf("kept as it came: %q, %v", m.octets, err)
			}
			if e := peer.next("taken"); e.Status != 0 {
				t.Errorf("answered with 0x%x", e.Status)
			}
		})
	}
}

// A name that reads as another's number in the other base is not mixed up.
func TestReceiptBase(t *testing.T) {
	r := Receipts{IDs: "decimal"}
	for answer, receipt := range map[string]string{"1A2B": "6699", "0x1a2b": "0000006699", "FFFFFFFFFFFFFFFFFF": "4722366482869645213695", "10": "16"} {
		if r.reference(answer) != r.told(receipt) {
			t.Errorf("%s is %s, but %s is %s", answer, r.reference(answer), receipt, r.told(receipt))
		}
	}
	if r.reference("10") == r.told("10") {
		t.Error("16 passes for 10")
	}
	if same := (Receipts{IDs: "same"}); same.reference("10") == same.told("16") {
		t.Error("16 passes for 10, though names are the same")
	}
}

// A long text is delivered when all of it is, and lost when a part is.
//
// cite: P-23
func TestParts(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, nil), o)
	text := strings.Repeat("Your password was changed. ", 12)
	got := send(t, c, piece(text), piece(text)) // of three parts each
	peer.receipt("id:2 stat:DELIVRD", nil)
	peer.receipt("id:1 stat:ACCEPTD", nil)
	peer.next("taken")
	peer.next("taken")
	if len(o.reports) != 0 {
		t.Fatalf("%+v", o.reports)
	}
	for _, id := range []string{"1", "3", "4", "5", "6"} {
		peer.receipt("id:"+id+" stat:DELIVRD", nil)
	}
	o.until(t, "both delivered", func() bool { return len(o.reports) == 2 })
	for _, g := range got {
		if !slices.ContainsFunc(o.reports, func(r reported) bool { return r.reference == g.Reference && r.State == notify.Delivered }) {
			t.Errorf("nothing of %+v in %+v", g, o.reports)
		}
	}
	lost := send(t, c, piece(text))[0]
	peer.receipt("id:8 stat:UNDELIV err:001", nil)
	o.until(t, "it is lost", func() bool { return len(o.reports) == 3 })
	if r := o.reports[2]; r.reference != lost.Reference || r.State != notify.Bounced || r.Code != "UNDELIV" {
		t.Errorf("%+v", r)
	}
	peer.receipt("id:7 stat:DELIVRD", nil)
	o.until(t, "told again", func() bool { return len(o.reports) == 4 })
	if r := o.reports[3]; r.State != notify.Bounced {
		t.Errorf("lost, then %+v", r)
	}
}

// A receipt that comes at once, before the rest of a long text is out and before anybody has written down that the text
// is, finds it all the same.
//
// cite: P-23
func TestReceiptsAtOnce(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	peer.set(map[string]any{"receipts": 1})
	c := open(t, config(t, peer.port, nil), o)
	var many []notify.Piece
	for i := range 40 {
		many = append(many, piece(strings.Repeat("Your password was changed. ", 1+i%3*6)))
	}
	got := send(t, c, many...)
	o.until(t, "all delivered", func() bool { return len(o.reports) == len(many) })
	for i, g := range got {
		if n := count(o.reports, func(r reported) bool { return r.reference == g.Reference && r.State == notify.Delivered }); n != 1 {
			t.Errorf("piece %d, %+v, has %d receipts", i, g, n)
		}
	}
	if len(o.said) != 0 {
		t.Errorf("it says %q", o.said)
	}
}

func count[T any](all []T, is func(T) bool) (n int) {
	for _, one := range all {
		if is(one) {
			n++
		}
	}
	return n
}

// After a restart, or on another node, the parts of a text are known when they are kept in the database.
//
// cite: P-23
func TestPartsAfterRestart(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	db := storetest.Open(t, storetest.SQLite(t))
	clock := cpni.ClockFunc(func() time.Time { return noon })
	run := func() (*Channel, func()) {
		c, err := New(config(t, peer.port, nil), o, o, clock, o.report)
		if err != nil {
			t.Fatal(err)
		}
		c.KeepParts(NewTable(db, clock))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.Run(ctx) })
		return c, func() { cancel(); running.Wait() }
	}
	first, end := run()
	got := send(t, first, piece(strings.Repeat("x", 200)))[0]
	peer.receipt("id:1 stat:DELIVRD", nil)
	if e := peer.next("taken"); e.Status != 0 {
		t.Errorf("answered with 0x%x", e.Status)
	}
	end()
	second, end := run()
	defer end()
	send(t, second, piece("text"))
	peer.receipt("id:2 stat:DELIVRD", nil)
	o.until(t, "a report", func() bool { return len(o.reports) == 1 })
	if r := o.reports[0]; r.reference != got.Reference || r.State != notify.Delivered {
		t.Errorf("%+v of %+v", r, got)
	}
}

// A receipt is answered when it is on record: until then the centre keeps it. One that is quicker than our own records is
// offered again.
func TestReceiptKept(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	c := open(t, config(t, peer.port, nil), o)
	send(t, c, piece("text"))
	o.answer(errors.New("the database is away"))
	peer.receipt("id:1 stat:DELIVRD", nil)
	if e := peer.next("taken"); e.Status != 0x64 {
		t.Errorf("answered with 0x%x", e.Status)
	}
	o.answer(notify.ErrNotOurs)
	peer.receipt("id:1 stat:DELIVRD", nil)
	o.answer(nil)
	o.until(t, "a report", func() bool { return len(o.reports) == 1 })
	if e := peer.next("taken"); e.Status != 0 {
		t.Errorf("answered with 0x%x", e.Status)
	}
	peer.receipt("nothing that can be read", nil)
	if e := peer.next("taken"); e.Status != 0 {
		t.Errorf("answered with 0x%x", e.Status)
	}
}

// What a customer texts comes in whole, and a wish for no more texts is known as one. It is answered only when it is on
// record. Nothing that a customer writes passes for a receipt.
//
// cite: P-14
func TestTexted(t *testing.T) {
	peer, o := startCentre(t), newOffice()
	open(t, config(t, peer.port, nil), o)
	peer.next("bind")
	o.answer(errors.New("the database is away"))
	peer.do("deliver", map[string]any{"octets": fmt.Sprintf("%x", "STOP")})
	if e := peer.next("taken"); e.Status != 0x64 {
		t.Errorf("answered with 0x%x, though it is not on record", e.Status)
	}
	o.answer(nil)
	for i, row := range []struct {
		octets string
		coding int
		ton    int
		from   string
		want   texted
	}{
		{fmt.Sprintf("%x", "STOP"), 0, 1, "15550001111", texted{from: "+15550001111", words: "STOP", stop: true}},
		{fmt.Sprintf("%x", "Stop, please!"), 1, 2, "2025550123", texted{from: "+12025550123", words: "Stop, please!", stop: true}},
		{"004e006f0020006d00e10073", 8, 1, "15550001111", texted{from: "+15550001111", words: "No más", stop: true}},
		{fmt.Sprintf("%x", "When does my plan end?"), 0, 1, "15550001111", texted{from: "+15550001111", words: "When does my plan end?"}},
		{"4573706172c3a1", 3, 1, "15550001111", texted{from: "+15550001111", words: "EsparÃ¡"}},
		{fmt.Sprintf("%x", "id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"), 0, 1, "15550001111", texted{from: "+15550001111", words: "id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"}},
		{"7d6f", 0, 1, "15550001111", texted{from: "+15550001111", words: "ño"}},
	} {
		peer.do("deliver", map[string]any{"octets": row.octets, "coding": row.coding, "ton": row.ton, "from": row.from})
		if e := peer.next("taken"); e.Status != 0 {
			t.Errorf("answered with 0x%x", e.Status)
		}
		o.until(t, "a text", func() bool { return len(o.texts) == i+1 })
		row.want.to, row.want.at = "+12345", noon
		if got := o.texts[i]; got != row.want {
			t.Errorf("%+v, not %+v", got, row.want)
		}
	}
	if len(o.reports) != 0 {
		t.Errorf("a customer made a receipt: %+v", o.reports)
	}
	// Optional parameters that end too soon keep no text from us.
	peer.do("raw", map[string]any{"octets": "0000002d" + "00000005" + "00000000" + "00000063" + "00" + "010131323300" + "010134353600" + "000000" + "00" + "00" + "0000" + "0000" + "04" + "53544f50" + "1401"})
	o.until(t, "a text", func() bool { return len(o.texts) == 8 })
	if got := o.texts[7]; got.words != "STOP" || !got.stop {
		t.Errorf("%+v", got)
	}
	if e := peer.next("taken"); e.Status != 0 {
		t.Errorf("answered with 0x%x", e.Status)
	}
	// What cannot be read is not asked for again.
	peer.do("deliver", map[string]any{"octets": "ff0003010203", "class": 0x40})
	if e := peer.next("taken"); e.Status != 0x65 {
		t.Errorf("answered with 0x%x", e.Status)
	}
}
