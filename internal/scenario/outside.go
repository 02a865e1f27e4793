package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// farSide is what is on the other side of a story's channels: the mail server, the message centre, the switch and the print
// shop, and behind them the customers. It keeps every piece that goes out, and what becomes of each is as the file says.
type farSide struct {
	mu     sync.Mutex
	pieces []notify.Piece
	down   map[cpni.Via]bool
	answer string              // how the call that is asked for ends, for the step that asks for it
	calls  map[string]string   // how calls to a number end, from a step on
	spoilt map[cpni.Via]string // codes with which a way turns messages away
}

func newFarSide() *farSide {
	return &farSide{down: map[cpni.Via]bool{}, calls: map[string]string{}, spoilt: map[cpni.Via]string{}}
}

// way is one of its channels.
type way struct {
	*farSide
	via cpni.Via
}

var errWayDown = errors.New("the story has taken it down")

func (o *farSide) channels() map[cpni.Via]notify.Channel {
	all := map[cpni.Via]notify.Channel{}
	for _, via := range []cpni.Via{cpni.Email, cpni.Text, cpni.Voice, cpni.Postal} {
		all[via] = way{o, via}
	}
	return all
}

// Batch takes one piece at a time, so that a story is told in the same way each time.
func (w way) Batch() int { return 1 }

// Check says whether the story has taken the way down.
func (w way) Check(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down[w.via] {
		return errWayDown
	}
	return nil
}

// Send keeps the pieces and tells what becomes of them.
func (w way) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range pieces {
		switch {
		case w.down[w.via]:
			told(p, notify.Outcome{State: notify.Queued, Code: "421"})
			continue
		case w.spoilt[w.via] != "":
			told(p, notify.Outcome{State: notify.Failed, Code: w.spoilt[w.via]})
			continue
		}
		w.pieces = append(w.pieces, p)
		if w.via == cpni.Voice {
			told(p, w.rung(p))
			continue
		}
		told(p, notify.Outcome{State: notify.Sent, Code: "250", Reference: string(p.ID)})
	}
}

// rung is how a call goes: a person takes it and presses nothing, and nobody takes a call back, unless the file says otherwise.
func (o *farSide) rung(p notify.Piece) notify.Outcome {
	ends := notify.Answered
	if p.Kind == notify.CallBack {
		ends = notify.NoAnswer
	}
	if e := o.calls[p.To]; e != "" {
		ends = e
	}
	if p.Kind == notify.CallBack && o.answer != "" {
		ends = o.answer
	}
	call := &notify.Call{Ended: ends}
	if ends == keyPressed {
		call.Ended = notify.Answered
		for _, s := range p.Spoken {
			if s.Key != "" {
				call.Pressed = s.Key
			}
		}
	}
	switch call.Ended {
	case notify.Answered, notify.Machine:
		return notify.Outcome{State: notify.Delivered, Code: "200", Call: call}
	case notify.Busy:
		return notify.Outcome{State: notify.Queued, Code: "486", Call: call}
	case notify.NoAnswer:
		return notify.Outcome{State: notify.Queued, Code: "480", Call: call}
	}
	return notify.Outcome{State: notify.Failed, Code: "603", Call: call}
}

// keyPressed is how a call ends when somebody takes it and presses the key that is asked for.
const keyPressed = "key-pressed"

// sent gives every piece that has gone out.
func (o *farSide) sent() []notify.Piece {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.pieces)
}

// carry has everything carried that is due now.
func (w *world) carry(ctx context.Context) error {
	if w.down["ledger"] || w.down["database"] {
		return nil
	}
	var due int
	err := w.db.Reader().QueryRow(ctx, "SELECT count(*) FROM message WHERE due <= $1 AND state IN ('queued', 'sending')", w.office.Clock.Now().UnixMicro()).Scan(&due)
	if err != nil || due == 0 {
		return err
	}
	return w.office.Messages.Step(ctx)
}

// fateAct says what becomes of what went out to a customer, or how calls to them end from here on.
func fateAct(ctx context.Context, w *world, a args) (result, error) {
	is := a.text("is")
	if slices.Contains(callEnds, is) {
		p, _, err := w.book.Get(ctx, w.customers[a.text("customer")])
		if err != nil {
			return result{}, err
		}
		w.outside.mu.Lock()
		defer w.outside.mu.Unlock()
		for _, l := range p.Lines {
			if number, ok := customer.Number(a.text("line")); !a.has("line") || ok && number == l.Number {
				w.outside.calls[l.Number] = is
			}
		}
		return succeeded(), nil
	}
	all, err := w.office.Outbox.Messages(ctx, w.customers[a.text("customer")])
	if err != nil {
		return result{}, err
	}
	for _, m := range slices.Backward(all) {
		if a.has("kind") && m.Kind != a.text("kind") || a.has("via") && string(m.Via) != a.text("via") || m.State != notify.Sent && m.State != notify.Delivered {
			continue
		}
		r := notify.Report{Kind: notify.Receipt, Outcome: notify.Outcome{State: notify.Delivered}, At: w.now()}
		if is == string(notify.Bounced) {
			r = notify.Report{Kind: notify.Bounce, Outcome: notify.Outcome{State: notify.Bounced, Code: "550"}, At: w.now()}
		}
		if err := w.office.Messages.Referred(ctx, m.Via, string(m.ID), r); err != nil {
			return result{}, err
		}
		return succeeded(), nil
	}
	return result{}, fmt.Errorf("no such message has gone out to %s", a.text("customer"))
}

// callEnds are the ways in which a call can end, in the words of the language.
var callEnds = []string{keyPressed, notify.Answered, notify.Machine, notify.Busy, notify.NoAnswer, notify.Refused, notify.Unreachable}

// ways are those that a fault can take down.
var ways = map[string]cpni.Via{"mail": cpni.Email, "texts": cpni.Text, "switch": cpni.Voice, "print-shop": cpni.Postal}

// wayFault takes a way down, or mends it.
func (w *world) wayFault(part string, down bool) (result, error) {
	w.outside.mu.Lock()
	defer w.outside.mu.Unlock()
	if w.outside.down[ways[part]] == down {
		return result{}, fmt.Errorf("the %s is %s already", part, map[bool]string{true: "down", false: "up"}[down])
	}
	w.outside.down[ways[part]] = down
	return succeeded(), nil
}

// bytesOf is everything of a piece that leaves, in one text: words, spoken parts, documents.
func bytesOf(p notify.Piece) string {
	text, err := json.Marshal(p)
	if err != nil {
		return err.Error()
	}
	all := []string{string(text), p.Subject, p.Text, p.HTML}
	for _, s := range p.Spoken {
		all = append(all, s.Text, s.Digits)
	}
	for _, e := range p.Enclosed {
		all = append(all, e.Name, string(e.Bytes))
	}
	return strings.Join(all, "\n")
}

// lineEvent tells what befell a line, as the systems of the carrier do.
func lineEvent(ctx context.Context, w *world, a args) (result, error) {
	return of(w.desk.LineEvent(ctx, contact.Disturbance{Customer: w.customers[a.text("customer")], Number: a.text("number"), What: a.text("what"), At: a.moment("at"), By: teller}), succeeded())
}
