// Package notify keeps the messages that go out to customers and what becomes of them: each is planned in the transaction
// of what caused it, written by a template, carried by a channel, tried again when it was not taken, and replaced by another
// form when it did not arrive.
//
// The row of a message is its place in the queue as well. A node claims what is due for a while; what it has not accounted
// for by then is taken for lost and claimed again. So a message goes at least once, and bears the same id each time.
//
// cite: P-14, P-23, P-25, I-10, 47 CFR 64.2010(f)
package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Outbox keeps messages, sealed.
type Outbox struct {
	db    *store.DB
	vault *vault.Vault
	clock cpni.Clock
	marks []byte // key of the tokens by which answers find their message
}

// NewOutbox opens the outbox.
func NewOutbox(db *store.DB, v *vault.Vault, clock cpni.Clock) *Outbox {
	return &Outbox{db, v, clock, v.Derive("message tokens v1")}
}

func messagePlace(id string) string { return "message/" + id }

// Plan stores a message, sealed, to be carried to the customer.
func (o *Outbox) Plan(ctx context.Context, tx *store.Tx, of cpni.ID, m Message) error {
	p, err := o.prepare(of, m, func(place string, plain []byte) ([]byte, error) { return o.vault.SealTx(ctx, tx, of, place, plain) })
	if err != nil {
		return err
	}
	return o.PlanAll(ctx, tx, []Prepared{p})
}

// Prepared is a message that is sealed already, and needs only to be stored.
type Prepared struct{ columns [preparedWidth]any }

const preparedWidth = 11

// Prepare seals a message outside the transaction in which PlanAll stores it. Whoever does so sees to it that the customer still stands
// as they did.
func (o *Outbox) Prepare(ctx context.Context, of cpni.ID, m Message) (Prepared, error) {
	return o.prepare(of, m, func(place string, plain []byte) ([]byte, error) { return o.vault.Seal(ctx, of, place, plain) })
}

func (o *Outbox) prepare(of cpni.ID, m Message, seal func(place string, plain []byte) ([]byte, error)) (Prepared, error) {
	now := o.clock.Now()
	due := now
	if m.Due.After(now) {
		due = m.Due
	}
	if m.ID == "" {
		m.ID = cpni.NewTimedID(now)
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return Prepared{}, fmt.Errorf("planning a message: %w", err)
	}
	sealed, err := seal(messagePlace(string(m.ID)), plain)
	if err != nil {
		return Prepared{}, err
	}
	return Prepared{[preparedWidth]any{string(of), string(m.ID), now.UnixMicro(), string(m.Via), string(m.Place), string(Queued), sealed, m.Kind, due.UnixMicro(), hashOf("mark", o.Token(m.ID)), hashOf("number", o.Number(m.ID))}}, nil
}

const insertMessage = "INSERT INTO message (customer_id, message_id, at, via, place, state, sealed, kind, due, mark, number) VALUES "

// PlanAll stores messages that are sealed already: one statement for many on PostgreSQL, one prepared statement many times on SQLite.
func (o *Outbox) PlanAll(ctx context.Context, tx *store.Tx, all []Prepared) error {
	args := make([][]any, len(all))
	for i := range all {
		args[i] = all[i].columns[:]
	}
	if err := tx.InsertAll(ctx, insertMessage, "", args); err != nil {
		return fmt.Errorf("planning a message: %w", err)
	}
	return nil
}

// tokenLetters has no letters that are taken for others when they are read from paper.
var tokenLetters = base32.NewEncoding("abcdefghjkmnpqrstuvwxyz234567890").WithPadding(base32.NoPadding)

// tokenBytes make 16 letters, which nobody guesses.
const tokenBytes = 10

// Token gives what a message bears so that a bounce, an answer or a customer's "this was not me" finds it again. It is
// signed: it can be made of the message's id only here.
func (o *Outbox) Token(id cpni.ID) string {
	m := hmac.New(sha256.New, o.marks)
	m.Write([]byte(id))
	return tokenLetters.EncodeToString(m.Sum(nil)[:tokenBytes])
}

// numberDigits are enough that numbers of messages hardly meet, and few enough to say.
const numberDigits = 10

// Number gives the number of a message that a person can say on the telephone. It proves nothing.
func (o *Outbox) Number(id cpni.ID) string {
	m := hmac.New(sha256.New, o.marks)
	m.Write([]byte("number " + string(id)))
	n := binary.BigEndian.Uint64(m.Sum(nil))
	return fmt.Sprintf("%0*d", numberDigits, n%1e10)
}

// hashOf is what the database keeps of a token or a reference, so that who reads the database cannot use it.
func hashOf(kind, text string) []byte {
	h := sha256.Sum256([]byte(kind + "\x00" + text))
	return h[:16]
}

// Cancel takes back a message: if a channel has it already no other attempt follows.
func (o *Outbox) Cancel(ctx context.Context, tx *store.Tx, of, id cpni.ID) error {
	_, err := tx.Exec(ctx, "UPDATE message SET state = CASE state WHEN $1 THEN $2 ELSE state END, stopped = 1, changed = $3 WHERE customer_id = $4 AND message_id = $5 AND state IN ($1, $6)",
		string(Queued), string(Cancelled), o.clock.Now().UnixMicro(), string(of), string(id), string(Sending))
	if err != nil {
		return fmt.Errorf("taking back a message: %w", err)
	}
	return nil
}

// CancelTo takes back every message that has not been sent to a line; number "" is every line.
//
// cite: P-20, P-25, 47 CFR 64.2003(q)
func (o *Outbox) CancelTo(ctx context.Context, tx *store.Tx, of cpni.ID, number string) error {
	rows, err := o.rows(ctx, tx, "customer_id = $1 AND place = $2 AND state IN ($3, $4)", string(of), string(TNOR), string(Queued), string(Sending))
	if err != nil {
		return err
	}
	for _, r := range rows {
		m, err := r.open(func(sealed []byte) ([]byte, error) {
			return o.vault.OpenStateTx(ctx, tx, of, messagePlace(string(r.m.ID)), sealed)
		})
		if err != nil {
			return err
		}
		if number == "" || m.To == number {
			if err := o.Cancel(ctx, tx, of, m.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// row is a message as it lies in the database.
type row struct {
	of      cpni.ID
	m       Message // without what is sealed
	stopped bool
	sealed  []byte
}

const rowColumns = "customer_id, message_id, at, via, place, state, kind, due, attempts, stopped, changed, code, wording, instead, sealed"

func scanRow(scan func(...any) error) (row, error) {
	var r row
	var at, due, changed int64
	var stopped int
	err := scan(&r.of, &r.m.ID, &at, &r.m.Via, &r.m.Place, &r.m.State, &r.m.Kind, &due, &r.m.Attempts, &stopped, &changed, &r.m.Code, &r.m.Wording, &r.m.Instead, &r.sealed)
	r.m.At, r.m.Due, r.stopped = time.UnixMicro(at).UTC(), time.UnixMicro(due).UTC(), stopped != 0
	r.m.Stopped = r.stopped
	if changed != 0 {
		r.m.Changed = time.UnixMicro(changed).UTC()
	}
	return r, err
}

func (o *Outbox) rows(ctx context.Context, q store.Querier, where string, args ...any) ([]row, error) {
	return scanRows(q.Query(ctx, "SELECT "+rowColumns+" FROM message WHERE "+where, args...))
}

func scanRows(rows *sql.Rows, err error) ([]row, error) {
	if err != nil {
		return nil, fmt.Errorf("listing messages: %w", err)
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		r, err := scanRow(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing messages: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// open gives the whole message: what is sealed, and what the row tells.
func (r row) open(unseal func([]byte) ([]byte, error)) (Message, error) {
	m := Message{}
	plain, err := unseal(r.sealed)
	if err != nil {
		return r.m, err
	}
	if err := json.Unmarshal(plain, &m); err != nil {
		return r.m, fmt.Errorf("reading a message: %w", err)
	}
	m.At, m.State, m.Code, m.Changed, m.Due, m.Attempts, m.Wording, m.Instead, m.Stopped = r.m.At, r.m.State, r.m.Code, r.m.Changed, r.m.Due, r.m.Attempts, r.m.Wording, r.m.Instead, r.stopped
	return m, nil
}

func (o *Outbox) openRow(ctx context.Context, r row) (Message, error) {
	return r.open(func(sealed []byte) ([]byte, error) {
		return o.vault.OpenState(ctx, r.of, messagePlace(string(r.m.ID)), sealed)
	})
}

// mostMessages bounds an answer of Messages and of Find.
const mostMessages = 500

// Messages lists what was planned for a customer, oldest first; of very many the newest.
func (o *Outbox) Messages(ctx context.Context, of cpni.ID) ([]Message, error) {
	return o.Newest(ctx, of, mostMessages)
}

// Newest lists the newest messages of a customer, oldest first, at most so many.
func (o *Outbox) Newest(ctx context.Context, of cpni.ID, most int) ([]Message, error) {
	rows, err := o.rows(ctx, o.db.Reader(), "customer_id = $1 ORDER BY at DESC, message_id DESC LIMIT $2", string(of), most)
	if err != nil {
		return nil, err
	}
	all := make([]Message, 0, len(rows))
	for _, r := range slices.Backward(rows) {
		m, err := o.openRow(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// ErrNoMessage is what One answers when there is none.
var ErrNoMessage = errors.New("there is no such message")

// One gives one message of a customer.
func (o *Outbox) One(ctx context.Context, of, id cpni.ID) (Message, error) {
	rows, err := o.rows(ctx, o.db.Reader(), "customer_id = $1 AND message_id = $2", string(of), string(id))
	if err != nil {
		return Message{}, err
	}
	if len(rows) == 0 {
		return Message{}, ErrNoMessage
	}
	return o.openRow(ctx, rows[0])
}

// ByToken finds the message that bears a token. ErrNotOurs: none does.
func (o *Outbox) ByToken(ctx context.Context, token string) (of cpni.ID, m Message, err error) {
	return o.by(ctx, "mark", plainToken(token))
}

// ByNumber finds the newest message that has a number. ErrNotOurs: none has.
func (o *Outbox) ByNumber(ctx context.Context, number string) (of cpni.ID, m Message, err error) {
	return o.by(ctx, "number", plainToken(number))
}

func (o *Outbox) by(ctx context.Context, column, text string) (of cpni.ID, m Message, err error) {
	r, err := o.find(ctx, o.db.Reader(), column, column, text)
	if err != nil {
		return "", Message{}, err
	}
	m, err = o.openRow(ctx, r)
	return r.of, m, err
}

// plainToken forgives how people write a token that they read from paper.
func plainToken(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(text))
}

func (o *Outbox) find(ctx context.Context, q store.Querier, column, kind, text string) (row, error) {
	lock := ""
	if tx, is := q.(*store.Tx); is && tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE" // nobody else moves it on until tx ends
	}
	rows, err := o.rows(ctx, q, column+" = $1 ORDER BY at DESC LIMIT 1"+lock, hashOf(kind, text))
	if err != nil {
		return row{}, err
	}
	if len(rows) == 0 {
		return row{}, ErrNotOurs
	}
	return rows[0], nil
}

// Filter says which messages Find lists; a zero field leaves it open.
type Filter struct {
	Customer cpni.ID
	State    State
	Via      cpni.Via
	Kind     string
	Before   time.Time // planned before
	BeforeID cpni.ID   // of those planned exactly then, with a smaller id; "" none
	Limit    int
}

// Listed is a message as a list shows it: nothing of it is personal, and nothing was unsealed.
type Listed struct {
	Customer cpni.ID
	Message
}

// Find lists messages of all customers, newest first, without what is sealed.
func (o *Outbox) Find(ctx context.Context, f Filter) ([]Listed, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(is bool, condition string, arg any) {
		if is {
			args = append(args, arg)
			where = append(where, fmt.Sprintf(condition, len(args)))
		}
	}
	add(f.Customer != "", "customer_id = $%d", string(f.Customer))
	add(f.State != "", "state = $%d", string(f.State))
	add(f.Via != "", "via = $%d", string(f.Via))
	add(f.Kind != "", "kind = $%d", f.Kind)
	add(!f.Before.IsZero(), "at <= $%d", f.Before.UnixMicro())
	if !f.Before.IsZero() {
		args = append(args, f.Before.UnixMicro(), string(f.BeforeID))
		where = append(where, fmt.Sprintf("(at < $%d OR message_id < $%d)", len(args)-1, len(args)))
	}
	if f.Limit <= 0 || f.Limit > mostMessages {
		f.Limit = mostMessages
	}
	rows, err := o.rows(ctx, o.db.Reader(), fmt.Sprintf("%s ORDER BY at DESC, message_id DESC LIMIT %d", strings.Join(where, " AND "), f.Limit), args...)
	if err != nil {
		return nil, err
	}
	return listed(rows), nil
}

func listed(rows []row) []Listed {
	all := make([]Listed, len(rows))
	for i, r := range rows {
		all[i] = Listed{r.of, r.m}
	}
	return all
}

// Count is how many messages of a way are in a state.
type Count struct {
	Via   cpni.Via
	State State
	N     int64
}

// Counts tells how many messages there are of each way and state.
func (o *Outbox) Counts(ctx context.Context) ([]Count, error) {
	rows, err := o.db.Reader().Query(ctx, "SELECT via, state, count(*) FROM message GROUP BY via, state ORDER BY via, state")
	if err != nil {
		return nil, fmt.Errorf("counting messages: %w", err)
	}
	defer rows.Close()
	var all []Count
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Via, &c.State, &c.N); err != nil {
			return nil, fmt.Errorf("counting messages: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}
