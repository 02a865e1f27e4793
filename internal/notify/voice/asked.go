package voice

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// handle says what is done with the switch's requests: within a call it may hang up, press a key, or move the sound
// elsewhere; nobody can call us.
func (l *line) handle() {
	within := func(f func(d *dialog, req *sip.Request, tx sip.ServerTransaction)) func(*sip.Request, sip.ServerTransaction) {
		return func(req *sip.Request, tx sip.ServerTransaction) {
			d := l.dialogOf(req)
			if d == nil {
				answer(req, tx, sip.StatusCallTransactionDoesNotExists, "Call/Transaction Does Not Exist")
				return
			}
			f(d, req, tx)
		}
	}
	l.server.OnBye(within(func(d *dialog, req *sip.Request, tx sip.ServerTransaction) {
		if err := d.session.ReadRequest(req, tx); err != nil {
			answer(req, tx, sip.StatusInternalServerError, "Server Internal Error")
			return
		}
		_ = d.session.ReadBye(req, tx)
	}))
	l.server.OnInfo(within(func(d *dialog, req *sip.Request, tx sip.ServerTransaction) {
		if key := infoKey(req); key != 0 {
			d.sound.ear.press(key)
		}
		answer(req, tx, sip.StatusOK, "OK")
	}))
	l.server.OnInvite(func(req *sip.Request, tx sip.ServerTransaction) {
		if to := req.To(); to == nil || !to.Params.Has("tag") {
			answer(req, tx, sip.StatusForbidden, "Forbidden")
			return
		}
		within(l.moved)(req, tx)
	})
	l.server.OnUpdate(within(l.moved))
	l.server.OnAck(func(*sip.Request, sip.ServerTransaction) {})
	l.server.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) { answer(req, tx, sip.StatusOK, "OK") })
}

func answer(req *sip.Request, tx sip.ServerTransaction, code int, reason string) {
	_ = tx.Respond(sip.NewResponseFromRequest(req, code, reason, nil))
}

// dialogOf is the call that a request belongs to, or nil: it must bear the tag that we have drawn for the call.
func (l *line) dialogOf(req *sip.Request) *dialog {
	id, to := req.CallID(), req.To()
	if id == nil || to == nil || req.CSeq() == nil {
		return nil
	}
	tag, _ := to.Params.Get("tag")
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dialogs[string(*id)+"|"+tag]
}

// moved answers a request to send the sound elsewhere or otherwise, or only to keep the call.
func (l *line) moved(d *dialog, req *sip.Request, tx sip.ServerTransaction) {
	if err := d.session.ReadRequest(req, tx); err != nil {
		answer(req, tx, sip.StatusInternalServerError, "Server Internal Error")
		return
	}
	ok := sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil)
	ok.AppendHeader(sip.HeaderClone(&l.contact))
	if len(req.Body()) > 0 || req.IsInvite() {
		keys, direction := uint8(payloadKeys), "sendrecv"
		if len(req.Body()) > 0 {
			r, err := remoteOf(req.Body())
			if err != nil {
				answer(req, tx, sip.StatusNotAcceptableHere, "Not Acceptable Here")
				return
			}
			d.sound.remote.Store(r)
			keys, direction = r.keys, r.answering()
		}
		ok.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		ok.SetBody(d.sound.offer(keys, direction))
	}
	_ = tx.Respond(ok)
}

// infoKey is the key that a SIP INFO tells of, or 0: "Signal=5" in application/dtmf-relay, or "5" in application/dtmf.
func infoKey(req *sip.Request) rune {
	kind := req.ContentType()
	if kind == nil {
		return 0
	}
	word := ""
	switch strings.ToLower(strings.TrimSpace(kind.Value())) {
	case "application/dtmf":
		word = string(req.Body())
	case "application/dtmf-relay":
		for line := range strings.Lines(string(req.Body())) {
			if name, value, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
				word = value
			}
		}
	}
	word = strings.TrimSpace(word)
	if len(word) != 1 || !strings.Contains("0123456789*#ABCD", word) {
		return 0
	}
	return rune(word[0])
}
