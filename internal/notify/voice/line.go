package voice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"ringfence/internal/notify"
)

// line is the way to the switch: what is listened on, the registration, and the calls that go on.
type line struct {
	config   Config
	password string
	bind     netip.Addr // where sound is listened for
	host     netip.Addr // what the switch is told of it
	peers    atomic.Pointer[[]netip.Prefix]
	agent    *sipgo.UserAgent
	server   *sipgo.Server
	client   *sipgo.Client
	contact  sip.ContactHeader
	listener interface{ Close() error } // nil: with tls the switch uses the connection that we have opened
	serving  sync.WaitGroup
	calling  context.Context // ends when no more calls are made

	mu         sync.Mutex
	dialogs    map[string]*dialog // by what a request of the switch within a call bears
	registered error
}

// dialog is a call as the switch knows it.
type dialog struct {
	session   *sipgo.DialogClientSession
	sound     *sound
	key       string
	forwarded atomic.Bool
}

// Times of the signalling, within which an answer is expected.
const (
	firstWord = 8 * time.Second // of the switch, to a call
	answerIn  = 4 * time.Second // to all else
)

// quiet keeps what sipgo logs to itself: it may be whole messages, with the numbers in them.
var quiet = slog.New(slog.DiscardHandler)

// openLine listens for the switch.
func openLine(ctx context.Context, c Config, password string) (*line, error) {
	l := &line{config: c, password: password, dialogs: map[string]*dialog{}}
	local, err := netip.ParseAddrPort(c.Listen)
	if err != nil {
		return nil, err
	}
	l.bind, l.host = local.Addr(), local.Addr()
	if err := l.resolve(ctx); err != nil {
		return nil, err
	}
	if err := l.advertise(ctx); err != nil {
		return nil, err
	}
	agent := []sipgo.UserAgentOption{sipgo.WithUserAgent("Ringfence"), sipgo.WithUserAgentHostname(l.host.String()),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet), sip.WithTransportLayerReadFilter(l.filter)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet), sip.WithTransactionLayerUnhandledResponseHandler(func(*sip.Response) {}))}
	if c.Transport == "tls" {
		t, err := c.tls()
		if err != nil {
			return nil, err
		}
		agent = append(agent, sipgo.WithUserAgenTLSConfig(t))
	}
	if l.agent, err = sipgo.NewUA(agent...); err != nil {
		return nil, fmt.Errorf("voice: %w", err)
	}
	client := []sipgo.ClientOption{sipgo.WithClientLogger(quiet), sipgo.WithClientHostname(l.host.String()), sipgo.WithClientNAT()}
	l.contact = sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "ringfence", Host: l.host.String()}}
	if l.server, err = sipgo.NewServer(l.agent, sipgo.WithServerLogger(quiet)); err != nil {
		return nil, fmt.Errorf("voice: %w", err)
	}
	l.handle()
	port, options, err := l.listen()
	if err != nil {
		l.close()
		return nil, fmt.Errorf("voice.listen: %w", err)
	}
	client = append(client, options...)
	l.contact.Address.Port = port
	if c.Transport != "udp" {
		l.contact.Address.UriParams.Add("transport", c.Transport)
	}
	if l.client, err = sipgo.NewClient(l.agent, client...); err != nil {
		l.close()
		return nil, fmt.Errorf("voice: %w", err)
	}
	return l, nil
}

// listen opens what the switch's requests come to. With tls they come on the connection that we have opened.
func (l *line) listen() (port int, options []sipgo.ClientOption, err error) {
	switch l.config.Transport {
	case "udp":
		conn, err := net.ListenPacket("udp4", l.config.Listen)
		if err != nil {
			return 0, nil, err
		}
		l.listener = conn
		_ = conn.(*net.UDPConn).SetReadBuffer(1 << 20) // for many calls at once; less will do
		l.serving.Go(func() { _ = l.server.ServeUDP(conn) })
		if err := l.served(conn.LocalAddr().String()); err != nil {
			return 0, nil, err
		}
		port = conn.LocalAddr().(*net.UDPAddr).Port
		return port, []sipgo.ClientOption{sipgo.WithClientPort(port), sipgo.WithClientConnectionAddr(conn.LocalAddr().String())}, nil
	case "tcp":
		conn, err := net.Listen("tcp4", l.config.Listen)
		if err != nil {
			return 0, nil, err
		}
		l.listener = conn
		l.serving.Go(func() { _ = l.server.ServeTCP(conn) })
		port = conn.Addr().(*net.TCPAddr).Port
		return port, []sipgo.ClientOption{sipgo.WithClientPort(port)}, nil
	default:
		return 0, nil, nil
	}
}

// served waits until calls can go out by the address that is listened on. sipgo knows of it a moment after it has begun to serve it; a call
// before would try to listen there a second time.
func (l *line) served(address string) error {
	for range 1000 {
		if c, err := l.agent.TransportLayer().GetConnection("udp", address); err == nil && c != nil {
			_, err := c.TryClose() // what was asked for is given back; it stays open
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s was not listened on", address)
}

// resolve finds the switch's addresses, whose messages alone are read.
func (l *line) resolve(ctx context.Context) error {
	host, _, err := net.SplitHostPort(l.config.Switch)
	if err != nil {
		return err
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return fmt.Errorf("voice.switch: no IPv4 address is known of it: %w", err)
	}
	var peers []netip.Prefix
	for _, a := range addresses {
		peers = append(peers, netip.PrefixFrom(a.Unmap(), 32))
	}
	for _, also := range l.config.Also {
		p, err := netip.ParsePrefix(also)
		if err != nil {
			return err
		}
		peers = append(peers, p)
	}
	l.peers.Store(&peers)
	return nil
}

// advertise finds the address by which the switch reaches this machine.
func (l *line) advertise(ctx context.Context) error {
	if l.config.Advertised != "" {
		addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", l.config.Advertised)
		if err != nil {
			return fmt.Errorf("voice.advertised: no IPv4 address is known of it: %w", err)
		}
		l.host = addresses[0].Unmap()
		return nil
	}
	if !l.host.IsUnspecified() {
		return nil
	}
	// No packet is sent by this; it only asks which address the way to the switch has.
	way, err := net.Dial("udp4", l.config.Switch)
	if err != nil {
		return fmt.Errorf("voice.switch: there is no way to it: %w", err)
	}
	defer way.Close()
	l.host = way.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	return nil
}

// from says whether an address is one of the switch's.
func (l *line) from(a netip.Addr) bool {
	for _, p := range *l.peers.Load() {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// filter leaves what others than the switch send unread.
func (l *line) filter(from sip.TransportReadProps, data []byte) ([]byte, error) {
	a, err := netip.ParseAddrPort(from.RemoteAddr.String())
	if err != nil || !l.from(a.Addr()) {
		return nil, nil
	}
	return data, nil
}

// close ends what listens.
func (l *line) close() {
	_ = l.agent.Close()
	if l.listener != nil {
		_ = l.listener.Close()
	}
	l.serving.Wait()
}

// run keeps the registration until ctx ends, and looks now and then for new addresses of the switch.
func (l *line) run(ctx context.Context, report func(error)) error {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			if l.config.Register > 0 && l.registration() == nil {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerIn)
				defer cancel()
				_ = l.register(ctx, 0) // it lapses by itself when this fails
			}
			return nil
		case <-again.C:
		}
		next := 5 * time.Minute
		if err := l.resolve(ctx); err != nil && ctx.Err() == nil {
			report(err)
			next = time.Minute
		}
		if l.config.Register > 0 {
			err := l.register(ctx, l.config.Register)
			l.mu.Lock()
			l.registered = err
			l.mu.Unlock()
			next = min(next, l.config.Register/2)
			if err != nil && ctx.Err() == nil {
				report(err)
				next = min(next, 30*time.Second)
			}
		}
		again.Reset(next)
	}
}

// registration is what became of the last one; nil where none is configured.
func (l *line) registration() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.registered
}

// uri is an address at the switch.
func (l *line) uri(user string) sip.Uri {
	host, port, _ := net.SplitHostPort(l.config.Switch)
	n, _ := net.LookupPort("udp", port)
	u := sip.Uri{Scheme: "sip", User: user, Host: host, Port: n}
	if l.config.Transport != "udp" {
		u.UriParams.Add("transport", l.config.Transport)
	}
	return u
}

// do sends a request outside of calls and answers the switch's question for the password.
func (l *line) do(ctx context.Context, req *sip.Request, options ...sipgo.ClientRequestOption) (*sip.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	req.SetTransport(strings.ToUpper(l.config.Transport))
	res, err := l.client.Do(ctx, req, options...)
	if err == nil && res == nil {
		err = errors.New("no answer")
	}
	if err != nil || l.password == "" || res.StatusCode != sip.StatusUnauthorized && res.StatusCode != sip.StatusProxyAuthRequired {
		return res, err
	}
	return l.client.DoDigestAuth(ctx, req, res, sipgo.DigestAuth{Username: l.config.User, Password: l.password})
}

// ask asks the switch whether it is there. Any answer will do but that it cannot serve: a switch need not know OPTIONS.
func (l *line) ask(ctx context.Context) error {
	res, err := l.do(ctx, sip.NewRequest(sip.OPTIONS, l.uri("")))
	if err != nil {
		return fmt.Errorf("the switch at voice.switch does not answer over %s: look whether it runs and lets this machine in", l.config.Transport)
	}
	if res.StatusCode >= 500 && res.StatusCode != sip.StatusNotImplemented {
		return fmt.Errorf("the switch at voice.switch answers %d: it takes no calls now", res.StatusCode)
	}
	return nil
}

// register tells the switch where we are, for so long; 0 takes it back.
func (l *line) register(ctx context.Context, lasts time.Duration) error {
	req := sip.NewRequest(sip.REGISTER, l.uri(""))
	account := l.uri(l.config.User)
	account.Port, account.UriParams = 0, nil
	from := &sip.FromHeader{Address: account}
	from.Params.Add("tag", sip.GenerateTagN(16))
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: account})
	req.AppendHeader(sip.HeaderClone(&l.contact))
	expires := sip.ExpiresHeader(lasts / time.Second)
	req.AppendHeader(&expires)
	res, err := l.do(ctx, req, sipgo.ClientRequestRegisterBuild)
	if err != nil {
		return errors.New("the switch does not answer to the registration of voice.user")
	}
	if !res.IsSuccess() {
		return fmt.Errorf("the switch answers %d to the registration of voice.user: look at voice.user and voice.password-file", res.StatusCode)
	}
	return nil
}

// errNoAnswer is a switch that says nothing to a call.
var errNoAnswer = errors.New("the switch does not answer")

// ring makes a telephone ring until it is answered. A response other than 2xx comes as refused.
//
// The Call-ID and two headers are made of the message's ID and the attempt, so that the switch's records can be matched
// with ours, and a call that is made again after this program has died bears the name of the first.
//
// cite: P-20, 47 CFR 64.2003(q)
func (l *line) ring(ctx context.Context, number string, piece notify.Piece, s *sound) (*dialog, *sip.Response, error) {
	req := sip.NewRequest(sip.INVITE, l.uri(number))
	req.SetTransport(strings.ToUpper(l.config.Transport))
	caller := l.uri(l.config.From)
	caller.Port, caller.UriParams = 0, nil
	from := &sip.FromHeader{DisplayName: l.config.Name, Address: caller}
	tag := sip.GenerateTagN(16)
	from.Params.Add("tag", tag)
	id := sip.CallIDHeader(fmt.Sprintf("%s-%d@ringfence", piece.ID, piece.Attempt))
	req.AppendHeader(from)
	req.AppendHeader(&id)
	req.AppendHeader(sip.HeaderClone(&l.contact))
	req.AppendHeader(sip.NewHeader("X-Ringfence-Message", string(piece.ID)))
	req.AppendHeader(sip.NewHeader("X-Ringfence-Attempt", strconv.Itoa(piece.Attempt)))
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(s.offer(payloadKeys, "sendrecv"))

	d := &dialog{sound: s, key: string(id) + "|" + tag, session: &sipgo.DialogClientSession{
		UA:     &sipgo.DialogUA{Client: l.client, ContactHDR: l.contact},
		Dialog: sipgo.Dialog{InviteRequest: req}}}
	d.session.Init()
	l.remember(d)
	answered := false
	defer func() {
		if !answered {
			l.forget(d)
		}
	}()

	// sipgo takes a call back with CANCEL, but for this waits for the switch's first word; a switch that has said none by
	// now is given up.
	waiting, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var word atomic.Bool
	giveUp := func(why error) func() {
		return func() {
			if !word.Load() {
				why = sipgo.WaitAnswerForceCancelErr
			}
			stop(why)
		}
	}
	defer time.AfterFunc(firstWord, func() {
		if !word.Load() {
			stop(sipgo.WaitAnswerForceCancelErr)
		}
	}).Stop()
	defer time.AfterFunc(l.config.Ring, giveUp(errRangOut)).Stop()
	defer context.AfterFunc(ctx, giveUp(context.Canceled))()
	if err := d.session.Invite(waiting); err != nil {
		return nil, nil, fmt.Errorf("ringing: %w", errNoAnswer)
	}
	var early []byte
	heard := 0
	wait := sipgo.AnswerOptions{Username: l.config.User, Password: l.password, OnResponse: func(r *sip.Response) error {
		word.Store(true)
		heard++
		if r.StatusCode == 181 {
			d.forwarded.Store(true)
		}
		if len(r.Body()) > 0 {
			early = r.Body()
		}
		return nil
	}}
	err := d.session.WaitAnswer(waiting, wait)
	for heard > 10 && waiting.Err() == nil && d.session.InviteResponse.IsProvisional() {
		// sipgo stops waiting after so many responses; a switch may say often that it rings.
		heard = 0
		err = d.session.WaitAnswer(waiting, wait)
	}
	var response *sipgo.ErrDialogResponse
	switch {
	case errors.As(err, &response):
		return nil, response.Res, nil
	case err != nil:
		l.takeBack(ctx, d, err)
		if errors.Is(context.Cause(waiting), errRangOut) {
			return nil, nil, errRangOut
		}
		return nil, nil, fmt.Errorf("ringing: %w", errNoAnswer)
	}
	// Everything that can fail from here on leaves a telephone off the hook, so it hangs up.
	if err := d.session.Ack(ctx); err != nil {
		l.hangUp(d, true)
		return nil, nil, fmt.Errorf("answering: %w", errNoAnswer)
	}
	body := d.session.InviteResponse.Body()
	if len(body) == 0 {
		body = early // an answer that came before, which 200 need not repeat
	}
	r, err := remoteOf(body)
	if err != nil {
		l.hangUp(d, true)
		return nil, nil, err
	}
	s.remote.Store(r)
	answered = true
	return d, nil, nil
}

// takeBack makes sure that nothing rings on, or stays off the hook, after we have given up. sipgo has sent the CANCEL
// unless it gave up itself; an answer may have crossed it.
func (l *line) takeBack(ctx context.Context, d *dialog, why error) {
	res := d.session.InviteResponse
	if res == nil {
		return
	}
	if res.IsSuccess() {
		if d.session.Ack(context.WithoutCancel(ctx)) == nil {
			_ = l.hangUp(d, true)
		}
		return
	}
	if res.IsProvisional() && !errors.Is(why, context.Canceled) {
		invite := d.session.InviteRequest
		cancel := sip.NewRequest(sip.CANCEL, invite.Recipient)
		for _, h := range []sip.Header{invite.Via(), invite.From(), invite.To(), invite.CallID()} {
			cancel.AppendHeader(sip.HeaderClone(h))
		}
		sip.CopyHeaders("Route", invite, cancel)
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), answerIn)
		defer stop()
		_, _ = d.session.Do(ctx, cancel)
	}
}

// hangUp ends a call; what the other side has ended already only needs to be cleared away.
func (l *line) hangUp(d *dialog, ours bool) error {
	defer d.session.Close()
	if !ours {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerIn)
	defer cancel()
	return d.session.Bye(ctx)
}

// alive asks the other side whether it still has the call.
func (l *line) alive(ctx context.Context, d *dialog) error {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	to := d.session.InviteRequest.Recipient
	if c := d.session.InviteResponse.Contact(); c != nil {
		to = c.Address
	}
	res, err := d.session.Do(ctx, sip.NewRequest(sip.OPTIONS, to))
	switch {
	case err != nil:
		return err
	case res == nil || res.StatusCode == sip.StatusCallTransactionDoesNotExists || res.StatusCode == sip.StatusRequestTimeout:
		return errLost
	}
	return nil
}

func (l *line) remember(d *dialog) {
	l.mu.Lock()
	l.dialogs[d.key] = d
	l.mu.Unlock()
}

func (l *line) forget(d *dialog) {
	l.mu.Lock()
	delete(l.dialogs, d.key)
	l.mu.Unlock()
}
