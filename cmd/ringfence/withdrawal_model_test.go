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
	what  string // object, grant, lift, or use
	scope string // own-marketing or partner:acme; of an objection, and of taking one back, also everything
}

func (a act) String() string { return a.what + " " + a.scope }

// Scopes of the acts.
const (
	own   = "own-marketing"
	acme  = "partner:acme"
	whole = "everything"
)

// leave is what one customer has said, as a single machine would keep it: each act has its place in one order.
type leave struct {
	silent          bool // a notice of the carrier's own marketing has had its whole wait
	yesOwn, yesAcme bool
	noOwn, noAcme   bool
	noEverything    bool
}

func (l leave) to(scope string) bool {
	if scope == own {
		return !l.noOwn && (l.yesOwn || l.silent && !l.noEverything)
	}
	return !l.noAcme && l.yesAcme
}

// after is what is left after an act: a no ends a yes for good; a yes lifts the no to just that; a no that is taken back leaves
// what silence allows.
func (l leave) after(a act) leave {
	yes, no := a.what == "grant", a.what == "object"
	switch a.scope {
	case own:
		l.noOwn = no
		l.yesOwn = yes || l.yesOwn && !no
	case acme:
		l.noAcme = no
		l.yesAcme = yes || l.yesAcme && !no
	case whole:
		l.noEverything = no
		l.yesOwn, l.yesAcme = l.yesOwn && !no, l.yesAcme && !no
	}
	return l
}

// withdrawal is the model to which every history must be equal in some order that keeps what came after what: a use is
// permitted when what the customer has said until then allows it, and refused when it does not. Customers begin with a yes to both
// scopes, some of them also with an old notice.
//
// cite: P-11, P-12, P-14, I-02, I-14, 47 CFR 64.2007(a)(2)
func withdrawal(silent bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return leave{silent: silent, yesOwn: true, yesAcme: true} },
		Step: func(state, input, output any) (bool, any) {
			l, a := state.(leave), input.(act)
			if a.what == "use" {
				return output.(bool) == l.to(a.scope), l
			}
			return true, l.after(a)
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprint(input, ": ", output) },
		DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
	}
}

// history is what was asked about one customer, by whom and when, and what was answered.
type history struct {
	silent bool // the customer began with an old notice
	mu     sync.Mutex
	acts   []porcupine.Operation
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
	switch porcupine.CheckOperationsTimeout(withdrawal(h.silent), h.acts, time.Minute) {
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
	_, info := porcupine.CheckOperationsVerbose(withdrawal(h.silent), h.acts, time.Minute)
	folder, err := os.MkdirTemp("", "withdrawal-")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "history.html")
	if err := porcupine.VisualizePath(withdrawal(h.silent), info, path); err != nil {
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
		rows   []row
		want   bool
		silent bool
	}{
		"used before":                                     {[]row{{"use", own, 1, 2, true}, {"object", own, 3, 4, false}}, true, false},
		"refused before anybody objects":                  {[]row{{"use", own, 1, 2, false}, {"object", own, 3, 4, false}}, false, false},
		"used after":                                      {[]row{{"object", own, 1, 2, false}, {"use", own, 3, 4, true}}, false, false},
		"refused after":                                   {[]row{{"object", own, 1, 2, false}, {"use", own, 3, 4, false}}, true, false},
		"used while it is taken":                          {[]row{{"object", own, 1, 4, false}, {"use", own, 2, 3, true}}, true, false},
		"refused while it is taken, then used":            {[]row{{"object", own, 1, 9, false}, {"use", own, 2, 3, false}, {"use", own, 4, 5, true}}, false, false},
		"used after an objection that nobody answered":    {[]row{{"object", own, 1, 0, false}, {"use", own, 3, 4, true}}, true, false},
		"refused after an objection that nobody answered": {[]row{{"object", own, 1, 0, false}, {"use", own, 3, 4, false}}, true, false},
		"refused, then used, and nobody answered":         {[]row{{"object", own, 1, 0, false}, {"use", own, 3, 4, false}, {"use", own, 5, 6, true}}, false, false},
		"used under another scope":                        {[]row{{"object", own, 1, 2, false}, {"use", acme, 3, 4, true}}, true, false},
		"used after an objection to everything":           {[]row{{"object", whole, 1, 2, false}, {"use", acme, 3, 4, true}}, false, false},
		"used after a later yes":                          {[]row{{"object", whole, 1, 2, false}, {"grant", acme, 3, 4, false}, {"use", acme, 5, 6, true}, {"use", own, 5, 6, false}}, true, false},
		"a yes of one scope opens another":                {[]row{{"object", whole, 1, 2, false}, {"grant", acme, 3, 4, false}, {"use", own, 5, 6, true}}, false, false},
		"an objection after the yes":                      {[]row{{"object", own, 1, 2, false}, {"grant", own, 3, 4, false}, {"object", own, 5, 6, false}, {"use", own, 7, 8, true}}, false, false},
		"a yes and a no at once, then both answers":       {[]row{{"object", own, 1, 4, false}, {"grant", own, 1, 4, false}, {"use", own, 5, 6, true}, {"use", own, 7, 8, false}}, false, false},
		"used after a no was taken back":                  {[]row{{"object", own, 1, 2, false}, {"lift", own, 3, 4, false}, {"use", own, 5, 6, true}}, false, false},
		"used after a no was taken back, by silence":      {[]row{{"object", own, 1, 2, false}, {"lift", own, 3, 4, false}, {"use", own, 5, 6, true}}, true, true},
		"another no was taken back":                       {[]row{{"object", whole, 1, 2, false}, {"lift", own, 3, 4, false}, {"use", own, 5, 6, true}}, false, true},
		"silence allows nothing to a partner":             {[]row{{"object", acme, 1, 2, false}, {"lift", acme, 3, 4, false}, {"use", acme, 5, 6, true}}, false, true},
		"a narrower no stays when all is taken back":      {[]row{{"object", own, 1, 2, false}, {"object", whole, 3, 4, false}, {"lift", whole, 5, 6, false}, {"use", own, 7, 8, true}}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := &history{silent: c.silent}
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
