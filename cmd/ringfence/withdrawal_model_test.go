package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// act is what somebody asks of the server about one customer.
type act struct {
	what  string // object, grant, or use
	scope string // own-marketing or partner:acme; of an objection also everything
}

func (a act) String() string { return a.what + " " + a.scope }

// Scopes of the acts.
const (
	own   = "own-marketing"
	acme  = "partner:acme"
	whole = "everything"
)

// leave is what one customer allows, as a single machine would keep it: each act has its place in one order.
type leave struct{ own, acme bool }

func (l leave) to(scope string) bool { return scope == own && l.own || scope == acme && l.acme }

func (l leave) with(scope string, is bool) leave {
	if scope == own || scope == whole {
		l.own = is
	}
	if scope == acme || scope == whole {
		l.acme = is
	}
	return l
}

// withdrawal is the model to which every history must be equal in some order that keeps what came after what: a use is
// permitted when the customer's last act about its scope was a yes, and refused when it was a no. Customers begin with a yes
// to both scopes.
//
// cite: P-11, P-12, I-02, 47 CFR 64.2007(a)(2)
var withdrawal = porcupine.Model{
	Init: func() any { return leave{own: true, acme: true} },
	Step: func(state, input, output any) (bool, any) {
		l, a := state.(leave), input.(act)
		switch a.what {
		case "object":
			return true, l.with(a.scope, false)
		case "grant":
			return true, l.with(a.scope, true)
		}
		return output.(bool) == l.to(a.scope), l
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, ": ", output) },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

// history is what was asked about one customer, by whom and when, and what was answered.
type history struct {
	mu   sync.Mutex
	acts []porcupine.Operation
}

// began is where the times of all histories count from.
var began = time.Now()

// took notes an act whose answer is known.
func (h *history) took(client int, a act, call, answered time.Duration, output any) {
	h.note(client, a, call, int64(answered), output)
}

// unknown notes a write that nobody answered: it may have happened, and may yet happen at any time. A use that nobody
// answered tells nothing and changes nothing, so it is not noted.
func (h *history) unknown(client int, a act, call time.Duration) {
	if a.what != "use" {
		h.note(client, a, call, math.MaxInt64, "unknown")
	}
}

func (h *history) note(client int, a act, call time.Duration, answered int64, output any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acts = append(h.acts, porcupine.Operation{ClientId: client, Input: a, Call: int64(call), Output: output, Return: answered})
}

// holds reports whether the history can be put into the model's order. It fails the test when that cannot be found out.
func (h *history) holds(t *testing.T) bool {
	t.Helper()
	switch porcupine.CheckOperationsTimeout(withdrawal, h.acts, time.Minute) {
	case porcupine.Ok:
		return true
	case porcupine.Illegal:
		return false
	}
	t.Errorf("a history of %d acts is too long to be judged", len(h.acts))
	return true
}

// picture draws a history for people, and gives the path of the page.
func (h *history) picture(t *testing.T) string {
	t.Helper()
	_, info := porcupine.CheckOperationsVerbose(withdrawal, h.acts, time.Minute)
	folder, err := os.MkdirTemp("", "withdrawal-")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "history.html")
	if err := porcupine.VisualizePath(withdrawal, info, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// The model itself tells right from wrong: what it accepts and refuses is written here by hand.
//
// cite: I-02
func TestWithdrawalModel(t *testing.T) {
	type row struct {
		what, scope string
		call, back  time.Duration // back 0: nobody answered
		permitted   bool
	}
	for name, c := range map[string]struct {
		rows []row
		want bool
	}{
		"used before":                                     {[]row{{"use", own, 1, 2, true}, {"object", own, 3, 4, false}}, true},
		"refused before anybody objects":                  {[]row{{"use", own, 1, 2, false}, {"object", own, 3, 4, false}}, false},
		"used after":                                      {[]row{{"object", own, 1, 2, false}, {"use", own, 3, 4, true}}, false},
		"refused after":                                   {[]row{{"object", own, 1, 2, false}, {"use", own, 3, 4, false}}, true},
		"used while it is taken":                          {[]row{{"object", own, 1, 4, false}, {"use", own, 2, 3, true}}, true},
		"refused while it is taken, then used":            {[]row{{"object", own, 1, 9, false}, {"use", own, 2, 3, false}, {"use", own, 4, 5, true}}, false},
		"used after an objection that nobody answered":    {[]row{{"object", own, 1, 0, false}, {"use", own, 3, 4, true}}, true},
		"refused after an objection that nobody answered": {[]row{{"object", own, 1, 0, false}, {"use", own, 3, 4, false}}, true},
		"refused, then used, and nobody answered":         {[]row{{"object", own, 1, 0, false}, {"use", own, 3, 4, false}, {"use", own, 5, 6, true}}, false},
		"used under another scope":                        {[]row{{"object", own, 1, 2, false}, {"use", acme, 3, 4, true}}, true},
		"used after an objection to everything":           {[]row{{"object", whole, 1, 2, false}, {"use", acme, 3, 4, true}}, false},
		"used after a later yes":                          {[]row{{"object", whole, 1, 2, false}, {"grant", acme, 3, 4, false}, {"use", acme, 5, 6, true}, {"use", own, 5, 6, false}}, true},
		"a yes of one scope opens another":                {[]row{{"object", whole, 1, 2, false}, {"grant", acme, 3, 4, false}, {"use", own, 5, 6, true}}, false},
		"an objection after the yes":                      {[]row{{"object", own, 1, 2, false}, {"grant", own, 3, 4, false}, {"object", own, 5, 6, false}, {"use", own, 7, 8, true}}, false},
		"a yes and a no at once, then both answers":       {[]row{{"object", own, 1, 4, false}, {"grant", own, 1, 4, false}, {"use", own, 5, 6, true}, {"use", own, 7, 8, false}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := &history{}
			for i, r := range c.rows {
				if r.back == 0 {
					h.unknown(i, act{r.what, r.scope}, r.call)
				} else {
					h.took(i, act{r.what, r.scope}, r.call, r.back, r.permitted)
				}
			}
			if got := h.holds(t); got != c.want {
				t.Errorf("holds: %v", got)
			}
		})
	}
}
