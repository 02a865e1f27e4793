// Package webhook hands messages to a carrier's own gateway by signed HTTPS requests, where there is no message centre or
// switch to speak to, and takes from it what became of them. It is a channel of internal/notify, for texts and for calls.
//
// Requests and receipts are signed as the Standard Webhooks specification has it, by that project's own library.
//
// cite: P-20, P-23, P-25, 47 CFR 64.2010(f)(2)
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

const (
	atOnce     = 8        // requests under way
	mostAnswer = 64 << 10 // octets of an answer that are read
	mostSays   = 500      // octets of one that are kept
	longest    = 24 * time.Hour
	// forBatch is for a batch in all: the outbox takes what it hears nothing of for lost after a while.
	forBatch = 2 * time.Minute
)

// Channel is a notify.Channel to one address.
type Channel struct {
	cfg     Config
	at      *url.URL
	secrets []*standardwebhooks.Webhook // each signs every request
	back    []*standardwebhooks.Webhook // of receipts
	client  *http.Client
	tls     *tls.Config
	clock   cpni.Clock
	stops   notify.Stops
}

// New makes the channel. It reads the secrets and the certificates; it connects to nothing.
func New(cfg Config, clock cpni.Clock) (*Channel, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if clock == nil {
		return nil, errors.New("webhook: a clock is needed")
	}
	at, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("webhook: url cannot be read")
	}
	c := &Channel{cfg: cfg, at: at, clock: clock, stops: notify.NewStops(notify.StopWords())}
	if c.secrets, err = readSecrets("secret-file", cfg.SecretFile); err != nil {
		return nil, err
	}
	c.back = c.secrets
	if cfg.ReceiptSecretFile != "" {
		if c.back, err = readSecrets("receipt-secret-file", cfg.ReceiptSecretFile); err != nil {
			return nil, err
		}
	}
	if c.tls, err = cfg.tls(); err != nil {
		return nil, err
	}
	c.client = &http.Client{
		Timeout: cfg.Timeout,
		// Wherever an answer points to, messages go to the configured address and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: c.tls, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: atOnce, IdleConnTimeout: time.Minute,
			DialContext: (&net.Dialer{Timeout: cfg.Timeout}).DialContext, TLSHandshakeTimeout: cfg.Timeout,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return c, nil
}

// Batch is how many pieces Send takes at most at once.
func (c *Channel) Batch() int { return 100 }

// Plain reports whether the requests are not enciphered, as they may be on this machine, for a health page to show.
func (c *Channel) Plain() bool { return c.at.Scheme == "http" }

// Check says whether the gateway can be reached and shows a certificate that we trust. It sends nothing.
func (c *Channel) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	port := c.at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[c.at.Scheme]
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(c.at.Hostname(), port))
	if err != nil {
		return fmt.Errorf("the gateway cannot be reached: %w", err)
	}
	defer conn.Close()
	if c.at.Scheme == "https" {
		t := c.tls.Clone()
		t.ServerName = c.at.Hostname()
		if err := tls.Client(conn, t).HandshakeContext(ctx); err != nil {
			return fmt.Errorf("the gateway's certificate: %w; name who signed it in ca-file", err)
		}
	}
	return nil
}

// request is what the gateway gets.
type request struct {
	ID       cpni.ID         `json:"id"` // the same at every attempt
	Kind     string          `json:"kind"`
	Via      cpni.Via        `json:"via"` // text or voice
	To       string          `json:"to"`  // E.164
	Language string          `json:"language"`
	Text     string          `json:"text,omitempty"`
	Spoken   []notify.Spoken `json:"spoken,omitempty"`
}

// Send posts each piece, several at once, and returns when each has an answer, ctx has ended, or it has taken too long.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)(2)
func (c *Channel) Send(ctx context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	ctx, cancel := context.WithTimeout(ctx, forBatch)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	places := make(chan struct{}, atOnce)
	for _, p := range pieces {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		all.Go(func() {
			defer func() { <-places }()
			o := c.send(ctx, p)
			if o.State == notify.Queued && ctx.Err() != nil {
				return // ended by us, so nobody knows
			}
			told(p, o)
		})
	}
}

// send posts one piece. The gateway knows a repetition by the piece's ID, which is webhook-id and Idempotency-Key.
func (c *Channel) send(ctx context.Context, p notify.Piece) notify.Outcome {
	r := request{ID: p.ID, Kind: p.Kind, Via: p.Via, To: p.To, Language: p.Language}
	if p.Via == cpni.Voice {
		r.Spoken = p.Spoken
	} else {
		r.Text = p.Text
	}
	if r.Text == "" && len(r.Spoken) == 0 {
		return notify.Outcome{State: notify.Failed, Code: "empty"}
	}
	body, err := json.Marshal(r)
	if err != nil {
		return notify.Outcome{State: notify.Failed, Code: "words that are not UTF-8"}
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.at.String(), bytes.NewReader(body))
	if err != nil {
		return notify.Outcome{State: notify.Failed, Code: "request"}
	}
	now := c.clock.Now()
	signatures := make([]string, len(c.secrets))
	for i, s := range c.secrets {
		if signatures[i], err = s.Sign(string(p.ID), now, body); err != nil {
			return notify.Outcome{State: notify.Failed, Code: "signing"}
		}
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("User-Agent", "Ringfence")
	q.Header.Set("Idempotency-Key", string(p.ID))
	q.Header.Set(standardwebhooks.HeaderWebhookID, string(p.ID))
	q.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	q.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	a, err := c.client.Do(q)
	if err != nil {
		o := notify.Outcome{State: notify.Queued, Code: "network", Says: short(err.Error())}
		if timeout := (net.Error)(nil); errors.As(err, &timeout) && timeout.Timeout() {
			o.Code = "no answer"
		}
		return o
	}
	defer a.Body.Close()
	said, err := io.ReadAll(io.LimitReader(a.Body, mostAnswer))
	if err != nil && a.StatusCode/100 == 2 { // taken; what it is called there is lost
		said = nil
	}
	return outcome(a.StatusCode, a.Header, said, now)
}

// outcome is what an answer makes of a piece.
func outcome(status int, h http.Header, said []byte, now time.Time) notify.Outcome {
	o := notify.Outcome{State: notify.Failed, Code: "HTTP " + strconv.Itoa(status)}
	switch {
	case status/100 == 2, status == http.StatusConflict: // 409: it has this message already
		o.State = notify.Sent
		var a struct {
			Reference string `json:"reference"`
			State     string `json:"state"`
		}
		if json.Unmarshal(said, &a) == nil && len(a.Reference) <= mostReference {
			o.Reference = a.Reference
			if s, ok := states[a.State]; ok && status != http.StatusConflict {
				o.State = s
			}
		}
		return o
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status/100 == 5:
		o.State, o.After = notify.Queued, retryAfter(h.Get("Retry-After"), now)
	}
	o.Says = short(string(said))
	return o
}

// retryAfter is the wait that a Retry-After asks for, in seconds or as a date, a day at most; 0: none.
func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, longest)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(0, at.Sub(now)), longest)
	}
	return 0
}

// short is the beginning of what the other side says.
func short(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "�")
	for len(s) > mostSays {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
