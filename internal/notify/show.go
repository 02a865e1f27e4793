package notify

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// Cover stands where something is that only the customer may know.
const Cover = "●●●●●●"

// standIn is a code of nobody: what a message is written with when people of the staff look at it.
const standIn = "00000000"

// Shown writes a message as the customer gets it, for people who look into what has become of it. A verification code, and
// the token by which the customer's answers find the message, are covered: neither is handed to the template at all. What
// is enclosed is left out, for it is customer information, and only the door gives that out. bare covers nothing, which
// nothing but a demonstration asks for. The words are those of today's templates: Words.Version names them.
//
// cite: P-17, P-20, I-17, 47 CFR 64.2010(a)
func (c *Carrier) Shown(ctx context.Context, of cpni.ID, m Message, bare bool) (Piece, error) {
	looks := &Carrier{Parts: c.Parts}
	looks.Enclose = nil
	if bare {
		return looks.Preview(ctx, of, m)
	}
	shown := m
	shown.ID = cpni.NewID() // a link that is made of it leads nowhere
	shown.Tokens = map[string]string{}
	for name, value := range m.Tokens {
		shown.Tokens[name] = value
	}
	shown.Tokens["short-code"] = c.Outbox.Number(m.ID) // it proves nothing, and is what the customer says on the telephone
	if _, ok := shown.Tokens["code"]; ok {
		shown.Tokens["code"] = standIn
	}
	p, err := looks.Preview(ctx, of, shown)
	if err != nil {
		return p, err
	}
	p.ID, p.Return = m.ID, Cover
	spaced := strings.Join(strings.Split(standIn, ""), " ")
	cover := strings.NewReplacer(standIn, Cover, spaced, Cover, standIn[:4]+" "+standIn[4:], Cover, c.Outbox.Token(shown.ID), Cover)
	p.Subject, p.Text, p.HTML = cover.Replace(p.Subject), cover.Replace(p.Text), cover.Replace(p.HTML)
	spoken := make([]Spoken, len(p.Spoken))
	for i, s := range p.Spoken {
		s.Text, s.Digits = cover.Replace(s.Text), cover.Replace(s.Digits)
		spoken[i] = s
	}
	p.Spoken = spoken
	return p, nil
}

// Needing lists what needs somebody, the oldest first: what did not arrive and nobody has settled, and what a customer must
// get and has not gone for longer than a notice may take. What waits for the customer's morning waits rightly.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)(1)
func (c *Carrier) Needing(ctx context.Context, most int) ([]Listed, error) {
	now := c.Clock.Now()
	since := now.Add(-c.Numbers(now).NoticeWithin)
	rows, err := c.Outbox.rows(ctx, c.DB.Reader(), `state IN ('bounced', 'failed') AND stopped = 0 OR state IN ('queued', 'sending') AND stopped = 0 AND code <> $1 AND at < $2 OR late = 1 AND stopped = 0 AND state IN ('queued', 'sending', 'sent')
		ORDER BY at, message_id LIMIT $3`, QuietHour, since.UnixMicro(), most)
	if err != nil {
		return nil, err
	}
	return listed(rows), nil
}

// Queue is how many messages of a way wait, and since when.
type Queue struct {
	Via    cpni.Via
	N      int64
	Oldest time.Time // when the oldest of them was planned; zero: none waits
	Dead   int64     // bounced or failed, and nobody has settled them
}

// Vias are the ways of messages, in the order in which pages show them.
var Vias = []cpni.Via{cpni.Text, cpni.Voice, cpni.Email, cpni.Postal}

// Queues tells of each way how it stands.
func (o *Outbox) Queues(ctx context.Context) ([]Queue, error) {
	all := make([]Queue, len(Vias))
	for i, via := range Vias {
		q := Queue{Via: via}
		var oldest int64
		if err := o.db.Reader().QueryRow(ctx, "SELECT count(*), coalesce(min(at), 0) FROM message WHERE via = $1 AND state IN ('queued', 'sending')", string(via)).Scan(&q.N, &oldest); err != nil {
			return nil, fmt.Errorf("looking at the queue of messages: %w", err)
		}
		if err := o.db.Reader().QueryRow(ctx, "SELECT count(*) FROM message WHERE via = $1 AND state IN ('bounced', 'failed') AND stopped = 0", string(via)).Scan(&q.Dead); err != nil {
			return nil, fmt.Errorf("looking at the queue of messages: %w", err)
		}
		if oldest != 0 {
			q.Oldest = time.UnixMicro(oldest).UTC()
		}
		all[i] = q
	}
	return all, nil
}

// tally counts what has become of messages on this node since it began.
type tally struct {
	mu  sync.Mutex
	all map[Count]int64 // by way and state, with N zero
}

func (t *tally) add(via cpni.Via, s State) {
	if s == "" || s == Queued {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[Count]int64{}
	}
	t.all[Count{Via: via, State: s}]++
}

// Tally gives how many messages this node has seen come to each state since it began, by way.
func (c *Carrier) Tally() []Count {
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	all := make([]Count, 0, len(c.tally.all))
	for k, n := range c.tally.all {
		k.N = n
		all = append(all, k)
	}
	return all
}

// Test sends one test message straight through a channel, past the outbox: nothing of it is kept, and it is not tried again.
// to is an address or number of whoever asks, never a customer's.
//
// cite: P-23
func (c *Carrier) Test(ctx context.Context, via cpni.Via, to, language string) (Outcome, error) {
	if err := c.CanTest(via); err != nil {
		return Outcome{}, err
	}
	channel := c.Channels[via]
	now := c.Clock.Now()
	m := Message{ID: cpni.NewTimedID(now), At: now, Kind: Test, Via: via, To: to, Language: cmp.Or(language, "en")}
	words, err := c.Writer.Write(Test, via, m.Language, c.tokens("", m, &customer.Profile{Language: m.Language}))
	if err != nil {
		return Outcome{}, err
	}
	piece := Piece{ID: m.ID, Kind: Test, Via: via, To: to, Language: m.Language, Words: words, Return: c.Outbox.Token(m.ID), Attempt: 1}
	var mu sync.Mutex
	out := Outcome{State: Queued, Code: "NOT_TOLD"}
	heard := false
	channel.Send(ctx, []Piece{piece}, func(_ Piece, o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if !heard {
			out, heard = o, true
		}
	})
	mu.Lock()
	defer mu.Unlock()
	return out, nil
}

// CanTest says why no test can be sent; nil: one can.
func (c *Carrier) CanTest(via cpni.Via) error {
	if c.Channels[via] == nil {
		return errNoChannel
	}
	return nil
}

var errNoChannel = cpni.Rejected("NO_CHANNEL", "messages of this way have no channel on this server, so they wait", []string{"P-23"}, "set one up in the section messages of the configuration, and start the server again")
