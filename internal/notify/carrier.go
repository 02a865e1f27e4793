package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Writer puts messages into words.
type Writer interface {
	// Write fills the template of a kind of message. It refuses a token that is missing or empty.
	Write(kind string, via cpni.Via, language string, tokens map[string]string) (Words, error)
	// Urgent tells whether no hour is too late for a kind of message that goes this way.
	Urgent(kind string, via cpni.Via) bool
	// Reveals looks in all that would go out for any of the values, in whatever form, and names where it found one.
	Reveals(words Words, values []string) (where string, is bool)
}

// Parts are what a Carrier works with.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Outbox    *Outbox
	Customers *customer.Book
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's
	Numbers   func(time.Time) Rules
	Writer    Writer
	// Channels are the ways that are set up; a message whose way is not waits.
	Channels map[cpni.Via]Channel
	// Tokens are those that every message may use: the carrier's name and how it is reached.
	Tokens map[string]string
	// Adds gives the tokens that a message gets only when it is written, such as its time in words; nil: none.
	Adds func(of cpni.ID, m Message, p *customer.Profile) map[string]string
	// Again writes a message by an earlier version of its template.
	Again func(ctx context.Context, version string, tokens map[string]string) (Words, error)
	// Still says, for people, why a message must not go any more to where it was planned to go; "" it may.
	Still func(p *customer.Profile, m Message, now time.Time) cpni.Code
	// Goes says why a notice of rights, a message of a campaign, or one that tells of a breach must not go any more, or HeldBack when it
	// waits; "" it goes. nil: all go.
	Goes func(ctx context.Context, p *customer.Profile, m Message) (code string)
	// Hidden are the values that a message of this customer must not carry.
	Hidden func(p *customer.Profile, m Message) []string
	// Instead gives the message that goes in the place of one that did not arrive; nil: there is no other way.
	Instead func(ctx context.Context, p *customer.Profile, m Message, now time.Time) *Message
	// NotMe takes it from who has got a notice of change in a call and pressed the key for it that the change was not theirs; nil:
	// nobody takes it.
	NotMe func(ctx context.Context, of cpni.ID, m Message) error
	// Enclose gives the documents that go with a message; nil: there are none.
	Enclose func(ctx context.Context, of cpni.ID, m Message) ([]Enclosure, error)
	// Called hears how a call went, within the transaction that writes it down, and gives what else is to be recorded; nil:
	// nobody waits for a call. Of a message that was taken back while it rang it does not hear.
	Called func(ctx context.Context, tx *store.Tx, of cpni.ID, m Message, call Call) ([]ledger.Entry, error)
	// Answered hears what a customer has replied to a message, or that they have called it unwanted, within the transaction that
	// keeps it, and gives what else is to be recorded; nil: nobody does. The message is without what is sealed of it.
	Answered func(ctx context.Context, tx *store.Tx, of cpni.ID, m Message, r Report) ([]ledger.Entry, error)
	// Mobile hears that who got a text wants no more of them, when that is reported about the text; nil: nobody does.
	Mobile Mobile
	// Heard hears what has become of a notice of rights, of a message of a campaign, or of one that tells of a breach, within the transaction that writes it down, and gives what else is to be
	// recorded; nil: nobody asks.
	Heard func(ctx context.Context, tx *store.Tx, of cpni.ID, m Message, f Fate) ([]ledger.Entry, error)
}

// Fate is what has become of a message.
type Fate struct {
	State   State
	Kind    string // of the report that told it; "" the channel told it
	Code    string
	At      time.Time // when it happened, as far as that is known
	Instead cpni.ID   // the message that goes in its place; "" none
	By      cpni.Via  // the way of that one
	Late    bool      // it came back only after that one had taken its place
}

// Carrier takes what is due out of the outbox and has the channels carry it.
type Carrier struct {
	Parts
	tally tally
}

// NewCarrier makes a carrier; Run or Step makes it work.
func NewCarrier(p Parts) *Carrier { return &Carrier{Parts: p} }

// lookEvery is how far apart a carrier looks for what is due.
const lookEvery = 250 * time.Millisecond

// Run carries messages until ctx ends, each way at its own pace. report gets errors; it goes on trying.
func (c *Carrier) Run(ctx context.Context, report func(error)) {
	var all sync.WaitGroup
	for via, channel := range c.Channels {
		all.Go(func() {
			store.Every(ctx, lookEvery, func(ctx context.Context) error { return c.drain(ctx, via, channel) }, report)
		})
	}
	all.Wait()
}

// Step carries everything that is due now.
func (c *Carrier) Step(ctx context.Context) error {
	var failed []error
	for _, via := range slices.Sorted(maps.Keys(c.Channels)) {
		failed = append(failed, c.drain(ctx, via, c.Channels[via]))
	}
	return errors.Join(failed...)
}

// drain carries one way's messages until none is due.
func (c *Carrier) drain(ctx context.Context, via cpni.Via, channel Channel) error {
	for ctx.Err() == nil {
		if g, is := channel.(Gatherer); is {
			if ready, err := c.gathered(ctx, via, channel.Batch(), g.Gathers()); err != nil || !ready {
				return err
			}
		}
		claimed, err := c.claim(ctx, via, max(1, channel.Batch()))
		if err != nil || len(claimed) == 0 {
			return err
		}
		if err := c.carry(ctx, channel, claimed); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// gathered tells whether as many wait as make a batch, or one has waited for long enough.
func (c *Carrier) gathered(ctx context.Context, via cpni.Via, full int, most time.Duration) (bool, error) {
	now := c.Clock.Now()
	var n int
	var first int64
	err := c.DB.Reader().QueryRow(ctx, "SELECT count(*), coalesce(min(due), 0) FROM message WHERE via = $1 AND due <= $2 AND state IN ('queued', 'sending')", string(via), now.UnixMicro()).Scan(&n, &first)
	if err != nil {
		return false, fmt.Errorf("counting messages: %w", err)
	}
	return n > 0 && (n >= full || !now.Before(time.UnixMicro(first).Add(most))), nil
}

// claim takes messages that are due for this node, for as long as a channel may have them.
func (c *Carrier) claim(ctx context.Context, via cpni.Via, most int) ([]row, error) {
	now := c.Clock.Now()
	var all []row
	err := c.DB.Tx(ctx, func(tx *store.Tx) error {
		lock := ""
		if tx.Dialect() == store.Postgres {
			lock = " FOR UPDATE SKIP LOCKED"
		}
		var err error
		all, err = scanRows(tx.Query(ctx, fmt.Sprintf(`UPDATE message SET state = 'sending', due = $1, attempts = attempts + 1 WHERE (customer_id, message_id) IN
			(SELECT customer_id, message_id FROM message WHERE via = $2 AND due <= $3 AND state IN ('queued', 'sending') ORDER BY due LIMIT %d%s) RETURNING %s`, most, lock, rowColumns),
			now.Add(c.Numbers(now).Lease).UnixMicro(), string(via), now.UnixMicro()))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("taking messages: %w", err)
	}
	slices.SortFunc(all, func(a, b row) int { return strings.Compare(string(a.m.ID), string(b.m.ID)) })
	return all, nil
}

// carry writes what was claimed, hands it to the channel and records what becomes of it.
func (c *Carrier) carry(ctx context.Context, channel Channel, claimed []row) error {
	work := newRecorder(c, claimed)
	var writing sync.WaitGroup
	writing.Go(func() { work.run(ctx) })
	var pieces []Piece
	for i, w := range c.pieces(ctx, claimed) {
		id := claimed[i].m.ID
		switch {
		case w.err != nil: // of ours, such as a database that does not answer: it is tried again
			work.tell(id, Outcome{State: Queued, Code: "NOT_WRITTEN", Says: w.err.Error()}, Words{})
		case w.out != nil:
			work.tell(id, *w.out, Words{})
		default:
			pieces = append(pieces, w.piece)
		}
	}
	if len(pieces) > 0 {
		channel.Send(ctx, pieces, func(p Piece, o Outcome) { work.tell(p.ID, o, p.Words) })
	}
	for _, p := range pieces {
		work.tell(p.ID, Outcome{State: Queued, Code: "NOT_TOLD"}, p.Words) // of those that the channel told of, nothing more is heard
	}
	work.end()
	writing.Wait()
	if work.pressed {
		return errors.Join(work.failed(), c.Pressed(ctx))
	}
	return work.failed()
}

// madePiece is a message that was written, or what has become of one that was not.
type madePiece struct {
	piece Piece
	out   *Outcome
	err   error
}

// writers is how many messages of a batch are written side by side: on PostgreSQL more than there are processors, for each waits for
// what it asks the database.
func (c *Carrier) writers() int {
	n := max(1, runtime.GOMAXPROCS(0))
	if c.DB.Dialect() == store.Postgres {
		n = max(n, 2*side)
	}
	return n
}

// pieces writes the messages of a batch, in its order.
func (c *Carrier) pieces(ctx context.Context, claimed []row) []madePiece {
	made := make([]madePiece, len(claimed))
	n := min(c.writers(), len(claimed))
	var all sync.WaitGroup
	for w := range n {
		all.Go(func() {
			for i := w; i < len(claimed); i += n {
				m := &made[i]
				m.piece, m.out, m.err = c.piece(ctx, claimed[i])
			}
		})
	}
	all.Wait()
	return made
}
