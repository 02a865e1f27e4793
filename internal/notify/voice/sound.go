package voice

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/zaf/g711"

	"ringfence/internal/cpni"
	"ringfence/internal/notify/voice/speech"
)

// The payload types of G.711, which are fixed, and of keys as events (RFC 4733), which we offer.
const (
	payloadMuLaw = 0
	payloadALaw  = 8
	payloadKeys  = 101
)

// sound is the audio of one call, both ways: µ-law or A-law in packets of 20 ms.
type sound struct {
	in, control *net.UDPConn
	host        netip.Addr // that the switch is told
	ear         *ear
	trusted     func(netip.Addr) bool // whose sound is listened to besides the one that the switch has named
	remote      atomic.Pointer[remote]
	arrived     atomic.Int64 // packets that came
	reading     sync.WaitGroup

	// Of the goroutine that sends.
	packet  rtp.Packet
	sent    uint32
	octets  uint32
	aLaw    [frameSamples]byte
	buffer  []byte
	reports int // frames until the next report
}

// remote is where the other side wants its sound, and how.
type remote struct {
	to, control netip.AddrPort
	aLaw        bool
	keys        uint8 // the payload type that it gives to keys
	direction   string
}

// reportEvery is how many frames lie between reports on what was sent (RTCP).
const reportEvery = 250

// openSound takes two ports, the upper one for reports.
func openSound(l *line, from int, e *ear) (*sound, error) {
	s := &sound{host: l.host, ear: e, trusted: l.from, buffer: make([]byte, 0, 256), reports: reportEvery}
	if err := s.bind(l.bind, l.config.MediaPorts, from); err != nil {
		return nil, err
	}
	var b [10]byte
	if _, err := rand.Read(b[:]); err != nil {
		s.close()
		return nil, err
	}
	s.packet.Header = rtp.Header{Version: 2, Marker: true, SSRC: binary.BigEndian.Uint32(b[:]),
		SequenceNumber: binary.BigEndian.Uint16(b[4:]), Timestamp: binary.BigEndian.Uint32(b[6:])}
	s.reading.Go(s.read)
	return s, nil
}

var errNoPorts = errors.New("every port of voice.media-ports is taken: widen the range or lower voice.calls-at-once")

func (s *sound) bind(ip netip.Addr, ports MediaPorts, from int) error {
	pair := func(port int) bool {
		var err error
		if s.in, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port)))); err != nil {
			return false
		}
		next := s.in.LocalAddr().(*net.UDPAddr).Port + 1
		if next <= 65535 {
			if s.control, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(next)))); err == nil {
				return true
			}
		}
		_ = s.in.Close()
		return false
	}
	if ports == (MediaPorts{}) {
		for range 50 {
			if pair(0) {
				return nil
			}
		}
		return errNoPorts
	}
	pairs := (ports.Last - ports.First + 1) / 2
	for i := range pairs {
		if pair(ports.First + 2*((from+i)%pairs)) {
			return nil
		}
	}
	return errNoPorts
}

// close ends the reading and gives the ports back.
func (s *sound) close() {
	_ = s.in.Close()
	_ = s.control.Close()
	s.reading.Wait()
}

// offer describes to the other side what we send and take; keys is the payload type for keys, direction "sendrecv" or
// what answers the other's.
func (s *sound) offer(keys uint8, direction string) []byte {
	port := s.in.LocalAddr().(*net.UDPAddr).Port
	return fmt.Appendf(nil, "v=0\r\no=- %d 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0 8 %d\r\n"+
		"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\na=ptime:20\r\na=%s\r\n",
		s.packet.SSRC, s.host, s.host, port, keys, keys, keys, direction)
}

// errSound is an answer in which there is no sound that we can make.
var errSound = errors.New("the switch offers no G.711 audio over RTP on IPv4: allow PCMU or PCMA for this trunk")

// remoteOf reads where the other side wants its sound from its description (SDP).
func remoteOf(body []byte) (*remote, error) {
	var d sdp.SessionDescription
	if err := d.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("%w (its description cannot be read)", errSound)
	}
	at := slices.IndexFunc(d.MediaDescriptions, func(m *sdp.MediaDescription) bool { return m.MediaName.Media == "audio" })
	if at < 0 {
		return nil, errSound
	}
	m := d.MediaDescriptions[at]
	where := d.ConnectionInformation
	if m.ConnectionInformation != nil {
		where = m.ConnectionInformation
	}
	if where == nil || where.Address == nil || m.MediaName.Port.Value < 1 || m.MediaName.Port.Value > 65534 || strings.Join(m.MediaName.Protos, "/") != "RTP/AVP" {
		return nil, errSound
	}
	ip, err := netip.ParseAddr(where.Address.Address)
	if err != nil || !ip.Is4() {
		return nil, errSound
	}
	port := uint16(m.MediaName.Port.Value)
	r := &remote{to: netip.AddrPortFrom(ip, port), control: netip.AddrPortFrom(ip, port+1), keys: payloadKeys, direction: "sendrecv"}
	codec := slices.IndexFunc(m.MediaName.Formats, func(f string) bool { return f == "0" || f == "8" })
	if codec < 0 {
		return nil, errSound
	}
	r.aLaw = m.MediaName.Formats[codec] == "8"
	for _, a := range m.Attributes {
		switch a.Key {
		case "rtpmap":
			var keys uint8
			if n, _ := fmt.Sscanf(a.Value, "%d telephone-event/8000", &keys); n == 1 && strings.Contains(strings.ToLower(a.Value), "telephone-event/8000") {
				r.keys = keys
			}
		case "sendrecv", "sendonly", "recvonly", "inactive":
			r.direction = a.Key
		}
	}
	return r, nil
}

// answering is the direction that answers the other side's.
func (r *remote) answering() string {
	switch r.direction {
	case "sendonly":
		return "recvonly"
	case "recvonly":
		return "sendonly"
	default:
		return r.direction
	}
}

// send sends one frame in µ-law; a shorter one is filled up with silence.
func (s *sound) send(frame speech.Audio) error {
	r := s.remote.Load()
	out := s.aLaw[:]
	n := copy(out, frame)
	for ; n < len(out); n++ {
		out[n] = 0xFF // silence
	}
	s.packet.PayloadType = payloadMuLaw
	if r.aLaw {
		s.packet.PayloadType = payloadALaw
		for i, v := range out {
			out[i] = g711.Ulaw2AlawFrame(v)
		}
	}
	s.packet.Payload = out
	defer func() { // the time goes on also when a packet is lost on its way
		s.packet.Marker = false
		s.packet.SequenceNumber++
		s.packet.Timestamp += frameSamples
	}()
	b := s.buffer[:cap(s.buffer)]
	n, err := s.packet.MarshalTo(b)
	if err != nil {
		return err
	}
	if _, err := s.in.WriteToUDPAddrPort(b[:n], r.to); err != nil {
		return err
	}
	s.sent, s.octets = s.sent+1, s.octets+frameSamples
	return nil
}

// report tells the other side how much was sent by now, every few seconds.
func (s *sound) report(clock cpni.Clock) error {
	if s.reports--; s.reports > 0 {
		return nil
	}
	s.reports = reportEvery
	now := clock.Now()
	const since1900 = 2208988800
	seconds := uint64(now.Unix()+since1900)<<32 | uint64(now.Nanosecond())<<32/1e9
	b, err := (&rtcp.SenderReport{SSRC: s.packet.SSRC, NTPTime: seconds, RTPTime: s.packet.Timestamp, PacketCount: s.sent, OctetCount: s.octets}).Marshal()
	if err != nil {
		return err
	}
	_, err = s.control.WriteToUDPAddrPort(b, s.remote.Load().control)
	return err
}

// read takes what comes until the ports are closed. Only the switch, and the address that it has named, are listened to: a
// key pressed by somebody else would be a lie.
func (s *sound) read() {
	buffer := make([]byte, 2048)
	var samples []int16
	var p rtp.Packet
	var event uint32 // the time stamp of the last key: all packets of one key bear the same
	for {
		n, from, err := s.in.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		r := s.remote.Load()
		if err != nil || r == nil || from.Addr().Unmap() != r.to.Addr() && !s.trusted(from.Addr()) {
			continue
		}
		if err := p.Unmarshal(buffer[:n]); err != nil || len(p.Payload) == 0 {
			continue
		}
		s.arrived.Add(1)
		switch p.PayloadType {
		case payloadMuLaw:
			for _, v := range p.Payload {
				samples = append(samples, g711.DecodeUlawFrame(v))
			}
		case payloadALaw:
			for _, v := range p.Payload {
				samples = append(samples, g711.DecodeAlawFrame(v))
			}
		case payloadKeys, r.keys:
			if key := keyOf(p.Payload); key != 0 && p.Timestamp != event {
				event = p.Timestamp
				s.ear.press(key)
			}
		}
		for len(samples) >= frameSamples {
			s.ear.hear(samples[:frameSamples])
			samples = append(samples[:0], samples[frameSamples:]...)
		}
	}
}

// keyOf is the key of an event (RFC 4733), or 0.
func keyOf(payload []byte) rune {
	const keys = allKeys
	if len(payload) < 4 || int(payload[0]) >= len(keys) {
		return 0
	}
	return rune(keys[payload[0]])
}
