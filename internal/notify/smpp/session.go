package smpp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

const (
	header    = 16        // octets: length, command, status, sequence number
	mostFrame = 64 << 10  // octets of a PDU
	answers   = 1 << 31   // the bit of a command that makes it an answer
	atOnce    = 64        // messages from the centre that may be in work at once
	lastSeq   = 1<<31 - 2 // sequence numbers are positive
)

// session is one connection that is bound.
type session struct {
	conn  net.Conn
	read  *bufio.Reader
	limit time.Duration // for a write

	writing sync.Mutex

	mu      sync.Mutex
	seq     int32
	waiting map[int32]chan answer
	why     error         // why it ended
	gone    chan struct{} // closed when it has ended
}

// answer is what matters of an answer. A centre may leave out the body when the status is not 0.
type answer struct {
	status data.CommandStatusType
	id     string // message_id
}

// arrival takes a message that came in, the whole PDU, and says how it is answered.
type arrival func(context.Context, []byte) data.CommandStatusType

// open connects and binds.
func (c *Channel) open(ctx context.Context, r role) (*session, error) {
	secure, err := c.cfg.tls()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, toConnect)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if secure != nil {
		t := tls.Client(conn, secure)
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("TLS: %w; write plain: true only if the way to the centre is safe without", err)
		}
		conn = t
	}
	s := &session{conn: conn, read: bufio.NewReaderSize(conn, 64<<10), limit: c.cfg.AnswerWithin, waiting: map[int32]chan answer{}, gone: make(chan struct{})}
	if err := s.bind(r, c.cfg.SystemID, c.password, c.cfg.SystemType); err != nil {
		conn.Close()
		return nil, err
	}
	if !stop() {
		return nil, fmt.Errorf("binding as %s: %w", r, ctx.Err())
	}
	return s, nil
}

// bind is the first exchange of a session, before anything else is read.
func (s *session) bind(r role, id, password, kind string) error {
	b := pdu.NewBindRequest(map[role]pdu.BindingType{transceiver: pdu.Transceiver, transmitter: pdu.Transmitter, receiver: pdu.Receiver}[r])
	b.SystemID, b.Password, b.SystemType = id, password, kind
	b.SetSequenceNumber(s.next())
	if err := s.write(b); err != nil {
		return fmt.Errorf("binding as %s: %w", r, err)
	}
	frame, err := s.frame()
	if err != nil {
		return fmt.Errorf("binding as %s: %w", r, err)
	}
	h := headerOf(frame)
	if h.CommandID != b.CommandID|data.CommandIDType(-answers) && h.CommandID != data.GENERIC_NACK || h.SequenceNumber != b.SequenceNumber {
		return fmt.Errorf("binding as %s: the other side answered something else; is it a message centre that speaks SMPP 3.4?", r)
	}
	if h.CommandStatus != data.ESME_ROK {
		return fmt.Errorf("binding as %s was refused with %s: %s", r, statusName(h.CommandStatus), bindHelp(h.CommandStatus))
	}
	return nil
}

// bindHelp is what a person may look at.
func bindHelp(status data.CommandStatusType) string {
	switch status {
	case data.ESME_RINVPASWD:
		return "look at password-file"
	case data.ESME_RINVSYSID:
		return "look at system-id"
	case data.ESME_RALYBND:
		return "somebody is bound under this system-id already, and the centre allows no more sessions"
	}
	return "ask the centre's operator whether system-id, password, system-type, bind and this machine's address are as agreed"
}

// serve reads until the session ends, and says why it has. When ctx ends it says good-bye. All that it started has ended
// when it returns.
func (s *session) serve(ctx context.Context, every, within time.Duration, take arrival) error {
	var all sync.WaitGroup
	defer all.Wait()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	all.Go(func() { s.watch(ctx, every, within) })
	slots := make(chan struct{}, atOnce)
	for {
		frame, err := s.frame()
		if err != nil {
			s.end(fmt.Errorf("the session ended: %w", err))
			break
		}
		h := headerOf(frame)
		switch {
		case uint32(h.CommandID)&answers != 0:
			s.answered(h, frame)
		case h.CommandID == data.ENQUIRE_LINK:
			s.respond(h, pdu.NewEnquireLinkResp(), data.ESME_ROK)
		case h.CommandID == data.UNBIND:
			s.respond(h, pdu.NewUnbindResp(), data.ESME_ROK)
			s.end(errors.New("the message centre ended the session"))
		case h.CommandID == data.DELIVER_SM || h.CommandID == data.DATA_SM:
			select {
			case slots <- struct{}{}:
				all.Go(func() {
					defer func() { <-slots }()
					s.deliver(work, h, frame, take)
				})
			default: // what waits for answers must be read all the same
				s.respond(h, answerTo(h.CommandID), data.ESME_RTHROTTLED)
			}
		case h.CommandID == data.ALERT_NOTIFICATION: // has no answer
		default:
			s.respond(h, pdu.NewGenericNack(), data.ESME_RINVCMDID)
		}
	}
	return s.why
}

// deliver has a message from the centre taken, and answers it only then.
func (s *session) deliver(ctx context.Context, h pdu.Header, frame []byte, take arrival) {
	ctx, cancel := context.WithTimeout(ctx, toHandle)
	defer cancel()
	s.respond(h, answerTo(h.CommandID), take(ctx, frame))
}

func answerTo(command data.CommandIDType) pdu.PDU {
	if command == data.DATA_SM {
		return pdu.NewDataSMResp()
	}
	return pdu.NewDeliverSMResp()
}

// respond answers what came with header h. A write that fails ends the session, so nobody need look at it here.
func (s *session) respond(h pdu.Header, p pdu.PDU, status data.CommandStatusType) {
	p.SetSequenceNumber(h.SequenceNumber)
	b := marshal(p)
	binary.BigEndian.PutUint32(b[8:], uint32(status))
	s.send(b)
}

// answered hands an answer to whoever waits for it. One that comes too late is dropped.
func (s *session) answered(h pdu.Header, frame []byte) {
	a := answer{status: h.CommandStatus}
	if h.CommandID == data.SUBMIT_SM_RESP {
		id, _, _ := bytes.Cut(frame[header:], []byte{0})
		a.id = string(id)
	}
	s.mu.Lock()
	to := s.waiting[h.SequenceNumber]
	delete(s.waiting, h.SequenceNumber)
	s.mu.Unlock()
	if to != nil {
		to <- a // it has room for one
	}
}

// ask sends p and waits for its answer, a moment longer than ctx: what is with the other side is better known than sent
// again. errLost and errNoAnswer: the other side may have seen p, or not.
func (s *session) ask(ctx context.Context, p pdu.PDU, within time.Duration) (answer, error) {
	seq := s.next()
	p.SetSequenceNumber(seq)
	to := make(chan answer, 1)
	s.mu.Lock()
	s.waiting[seq] = to
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, seq)
		s.mu.Unlock()
	}()
	if err := s.write(p); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errLost, err)
	}
	t := time.NewTimer(within)
	defer t.Stop()
	ended := ctx.Done()
	for {
		select {
		case a := <-to:
			return a, nil
		case <-s.gone:
			select { // the answer may have come just before the end
			case a := <-to:
				return a, nil
			default:
				return answer{}, errLost
			}
		case <-t.C:
			return answer{}, errNoAnswer
		case <-ended:
			ended = nil
			t.Reset(min(within, toUnbind))
		}
	}
}

// enquire asks whether the other side is there.
func (s *session) enquire(ctx context.Context, within time.Duration) error {
	_, err := s.ask(ctx, pdu.NewEnquireLink(), within)
	return err
}

// watch ends the session when the other side does not answer any more, and says good-bye when ctx ends.
func (s *session) watch(ctx context.Context, every, within time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := s.enquire(ctx, within); err != nil && ctx.Err() == nil {
				s.end(fmt.Errorf("asked whether it is there: %w", err))
				return
			}
		case <-s.gone:
			return
		case <-ctx.Done():
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), toUnbind)
			s.ask(bye, pdu.NewUnbind(), toUnbind) // it ends whatever the answer is
			cancel()
			s.end(ctx.Err())
			return
		}
	}
}

// end closes the connection, once, and keeps the first reason.
func (s *session) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why != nil {
		return
	}
	s.why = why
	close(s.gone)
	s.conn.Close()
}

func (s *session) alive() bool {
	select {
	case <-s.gone:
		return false
	default:
		return true
	}
}

func (s *session) next() int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seq++; s.seq > lastSeq {
		s.seq = 1
	}
	return s.seq
}

func (s *session) write(p pdu.PDU) error { return s.send(marshal(p)) }

func marshal(p pdu.PDU) []byte {
	b := pdu.NewBuffer(nil)
	p.Marshal(b)
	return b.Bytes()
}

// send writes octets whole. A peer that takes nothing for too long has its connection closed.
func (s *session) send(b []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	t := time.AfterFunc(s.limit, func() { s.conn.Close() })
	defer t.Stop()
	if _, err := s.conn.Write(b); err != nil {
		s.end(fmt.Errorf("writing: %w", err))
		return err
	}
	return nil
}

// frame reads one PDU.
func (s *session) frame() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(s.read, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < header || n > mostFrame {
		return nil, fmt.Errorf("a PDU of %d octets", n)
	}
	b := make([]byte, n)
	copy(b, length[:])
	_, err := io.ReadFull(s.read, b[4:])
	return b, err
}

func headerOf(frame []byte) pdu.Header { return pdu.ParseHeader([header]byte(frame)) }
