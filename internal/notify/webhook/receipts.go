package webhook

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

const (
	mostReceipt   = 64 << 10        // octets of a receipt
	mostNumber    = 32              // octets of a number
	mostReference = 200             // octets of the gateway's name for a message
	tolerance     = 5 * time.Minute // between our clock and the gateway's, as the specification advises
	mostSeen      = 1 << 16         // receipts of which we remember that they came
)

// states are the words for what became of a message.
var states = map[string]notify.State{"sent": notify.Sent, "delivered": notify.Delivered, "bounced": notify.Bounced, "failed": notify.Failed}

// kinds are what a gateway may tell of. What nobody has proved may only restrict.
var kinds = []string{notify.Receipt, notify.Bounce, notify.Stop, notify.Reply, notify.Complaint}

// receipt is what the gateway posts.
type receipt struct {
	Reference string    `json:"reference"` // as it was in the answer to the message; of a text that came by itself: empty
	From      string    `json:"from"`      // of a text that came in, of kind reply or stop: the number that it is from
	To        string    `json:"to"`        // …and the one that it went to
	Via       cpni.Via  `json:"via"`       // text or voice; empty: text
	Kind      string    `json:"kind"`      // empty: receipt
	State     string    `json:"state"`
	Code      string    `json:"code"` // the carrier's own word
	Says      string    `json:"says"`
	At        time.Time `json:"at"` // RFC 3339; without: now
	Call      *struct {
		Ended   string  `json:"ended"`
		Pressed string  `json:"pressed"`
		Seconds float64 `json:"seconds"`
	} `json:"call"`
}

// Receipts takes what the gateway posts about messages that it has taken, signed as our own requests are. The answer is
// 204 once it is on record, also when the same came before; 401 when signature or time is wrong; 400 when it cannot be
// read; 404 when no message bears the reference, which may be so for a moment after it was given; 503 to try again.
//
// cite: P-23
func (c *Channel) Receipts(inbox notify.Inbox, mobile notify.Mobile) http.Handler {
	seen := &seen{came: map[string]came{}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "receipts are posted", http.StatusMethodNotAllowed)
			return
		}
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
			http.Error(w, "a receipt is application/json", http.StatusUnsupportedMediaType)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostReceipt))
		if err != nil {
			http.Error(w, "the receipt is too long or broke off", http.StatusRequestEntityTooLarge)
			return
		}
		now := c.clock.Now()
		id, ok := c.signed(r.Header, body, now)
		if !ok {
			http.Error(w, "the signature or its time is wrong", http.StatusUnauthorized)
			return
		}
		status := http.StatusServiceUnavailable
		switch fresh, done := seen.begin(id, now); {
		case fresh:
			status = c.take(r, inbox, mobile, body, now)
			seen.end(id, status == http.StatusNoContent)
		case done:
			status = http.StatusNoContent
		}
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "10")
		}
		w.WriteHeader(status)
	})
}

// signed reports whether a receipt is the gateway's and of now, and gives its webhook-id.
func (c *Channel) signed(h http.Header, body []byte, now time.Time) (id string, ok bool) {
	id = h.Get(standardwebhooks.HeaderWebhookID)
	// A full stop parts the id from the time in what is signed; with one in the id the same signature would fit others.
	if id == "" || len(id) > mostReference || strings.Contains(id, ".") {
		return "", false
	}
	seconds, err := strconv.ParseInt(h.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return "", false
	}
	return id, slices.ContainsFunc(c.back, func(s *standardwebhooks.Webhook) bool { return s.VerifyIgnoringTimestamp(body, h) == nil })
}

// take gives a receipt to the inbox, and is the status of the answer.
func (c *Channel) take(r *http.Request, inbox notify.Inbox, mobile notify.Mobile, body []byte, now time.Time) int {
	var in receipt
	if err := json.Unmarshal(body, &in); err != nil || len(in.Reference) > mostReference || len(in.Code) > mostReference {
		return http.StatusBadRequest
	}
	if in.From != "" {
		return c.texted(r.Context(), mobile, in, now)
	}
	if in.Reference == "" {
		return http.StatusBadRequest
	}
	if in.Via == "" {
		in.Via = cpni.Text
	}
	if in.Kind == "" {
		in.Kind = notify.Receipt
	}
	state, known := states[in.State]
	told := in.Kind == notify.Receipt || in.Kind == notify.Bounce // these must say what became of the message
	if in.Via != cpni.Text && in.Via != cpni.Voice || !slices.Contains(kinds, in.Kind) || !known && (told || in.State != "") {
		return http.StatusBadRequest
	}
	report := notify.Report{Outcome: notify.Outcome{State: state, Code: in.Code, Says: short(in.Says)}, At: in.At, Raw: body, Kind: in.Kind}
	if in.At.IsZero() || in.At.After(now) {
		report.At = now
	}
	if in.Call != nil {
		ends := []string{notify.Answered, notify.Machine, notify.Busy, notify.NoAnswer, notify.Refused, notify.Unreachable}
		if !slices.Contains(ends, in.Call.Ended) || in.Call.Seconds < 0 || in.Call.Seconds > longest.Seconds() || len(in.Call.Pressed) > 1 {
			return http.StatusBadRequest
		}
		report.Call = &notify.Call{Ended: in.Call.Ended, Pressed: in.Call.Pressed, Lasted: time.Duration(in.Call.Seconds * float64(time.Second))}
	}
	switch err := inbox.Referred(r.Context(), in.Via, in.Reference, report); {
	case err == nil:
		return http.StatusNoContent
	case errors.Is(err, notify.ErrNotOurs):
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable
}

// texted takes a text that a customer has written, whatever it answers, and is the status of the answer.
//
// cite: P-12, P-14, 47 CFR 64.1200(a)(10)
func (c *Channel) texted(ctx context.Context, mobile notify.Mobile, in receipt, now time.Time) int {
	if in.Via != "" && in.Via != cpni.Text || in.Kind != notify.Reply && in.Kind != notify.Stop || len(in.From) > mostNumber || len(in.To) > mostNumber {
		return http.StatusBadRequest
	}
	at := in.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	if err := mobile.Texted(ctx, in.From, in.To, in.Says, in.Kind == notify.Stop || c.stops.In(in.Says), at); err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusNoContent
}

// seen remembers which receipts came, as long as their time is good.
type seen struct {
	mu    sync.Mutex
	came  map[string]came
	order []string // oldest first
}

type came struct {
	at   time.Time
	done bool // it is on record
}

// begin remembers id; fresh is false when it came before, and done whether it is on record by now.
func (s *seen) begin(id string, now time.Time) (fresh, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 && (len(s.order) >= mostSeen || now.Sub(s.came[s.order[0]].at) > 2*tolerance) {
		delete(s.came, s.order[0])
		s.order = s.order[1:]
	}
	if c, is := s.came[id]; is {
		return false, c.done
	}
	s.came[id] = came{at: now}
	s.order = append(s.order, id)
	return true, false
}

// end notes that id is on record; if it is not it may come again.
func (s *seen) end(id string, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, is := s.came[id]; is && done {
		s.came[id] = came{at: c.at, done: true}
		return
	}
	delete(s.came, id)
	s.order = slices.DeleteFunc(s.order, func(o string) bool { return o == id })
}
