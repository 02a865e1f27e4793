// Package countersign has dangerous acts done by two people: one proposes exactly what is to be done, another with the same
// right agrees to exactly that, and only then, once, it is done. Who proposes, agrees, refuses or withdraws is on record in
// the transaction in which they do.
//
// cite: P-37, 47 CFR 64.2010(a)
package countersign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Kind is the kind of a dangerous act.
type Kind string

// The kinds.
const (
	Forget Kind = "forget" // a customer's key is destroyed
	Rotate Kind = "rotate" // keys are renewed
	Policy Kind = "policy" // changed rules, rights or dated numbers take effect
	Switch Kind = "switch" // a dormant profile takes effect on a day
	Notice Kind = "notice" // a notice of rights goes to many customers

	Publish Kind = "publish-policy" // a version of the public policy is published
	Partner Kind = "partner"        // a partner may come to get more

	Destroy  Kind = "destroy-records" // records whose time is over are destroyed
	Erase    Kind = "erase"           // everything of a plan of erasure goes
	Evidence Kind = "evidence"        // a bundle of evidence is made for an auditor
)

// Kinds lists the kinds in the order in which screens show them.
var Kinds = []Kind{Policy, Switch, Publish, Notice, Partner, Rotate, Forget, Destroy, Erase, Evidence}

// State is how far a proposal has come.
type State string

// The states. The first three are stored for what goes on; a proposal that waits until its time is over has expired.
const (
	Trying    State = "trying"  // it is tried before anybody is asked to agree
	Waiting   State = "waiting" // for a second person
	Working   State = "working" // agreed, and being done
	Done      State = "done"
	Failed    State = "failed" // trying it went wrong: it cannot be agreed to
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
	Moved     State = "moved" // what it would change has changed meanwhile
	Expired   State = "expired"
)

// Open reports whether something may still come of the proposal.
func (s State) Open() bool { return s == Trying || s == Waiting || s == Working }

// Proposal is something that somebody wants done.
type Proposal struct {
	ID      cpni.ID
	Kind    Kind
	State   State
	Hash    string // of exactly what will be done
	By      cpni.ID
	At      time.Time
	Expires time.Time
	Second  cpni.ID         // who agreed or refused; "" nobody
	Ended   time.Time       // zero: not yet
	Act     json.RawMessage // what will be done
	Report  json.RawMessage // what trying it gave; nil: it was not tried
}

// Performer does the acts of one kind. Its functions get what was proposed as it was proposed.
type Performer struct {
	Right staff.Right // to propose, to agree, to refuse, and to see
	// Holds reports whether the act can still be done as it was proposed; nil: it always can. It is asked when the act is
	// proposed, and again before it is done.
	Holds func(ctx context.Context, act []byte) error
	// Try, when there is one, tries the act before anybody is asked to agree. heard is to be called now and then.
	Try func(ctx context.Context, act []byte, heard func()) (report any, passed bool, err error)
	// Do does the act in the transaction that records the agreement; after, when there is one, is done once that is durable.
	Do func(ctx context.Context, tx *store.Tx, act []byte, by string) (entries []ledger.Entry, after func(context.Context) error, err error)
	// Tried, in the place of Do, does an act that was tried; it gets what trying it gave.
	Tried func(ctx context.Context, tx *store.Tx, act, report []byte, by string) (entries []ledger.Entry, after func(context.Context) error, err error)
	// Work, in the place of Do, does an act that no transaction can hold. It is asked again when it was interrupted.
	Work func(ctx context.Context, act []byte, heard func()) error
	// Kind is that of the entry which says that Work is done.
	Kind ledger.Kind
}

// Register keeps the proposals.
type Register struct {
	db         *store.DB
	vault      *vault.Vault
	ledger     *ledger.Ledger
	staff      *staff.Register
	clock      cpni.Clock
	life       func(time.Time) time.Duration
	performers map[Kind]Performer
	node       string
}

// Options of New.
type Options struct {
	DB         *store.DB
	Vault      *vault.Vault
	Ledger     *ledger.Ledger
	Staff      *staff.Register
	Clock      cpni.Clock
	Life       func(time.Time) time.Duration // how long a proposal of a moment can be agreed to
	Performers map[Kind]Performer
}

// New opens the register.
func New(o Options) *Register {
	return &Register{o.DB, o.Vault, o.Ledger, o.Staff, o.Clock, o.Life, o.Performers, string(cpni.NewID())}
}

// What people do with a proposal is refused for one of these reasons, or for want of the right.
var (
	ErrNone    = cpni.Rejected("NOT_FOUND", "there is no such proposal", nil, "list the proposals")
	ErrKind    = cpni.Rejected("BAD_INPUT", "that is no kind of proposal", nil, "name forget, rotate, policy, switch, notice, partner, publish-policy, destroy-records, erase or evidence")
	ErrSame    = cpni.Rejected("SAME_PERSON", "who proposes cannot agree: a second person is needed, with an account of their own", []string{"P-37", "47 CFR 64.2010(a)"}, "let a colleague with the same right look at it")
	ErrOver    = cpni.Rejected("CONFLICT", "the proposal does not wait any more: it was decided, withdrawn, or its time is over", []string{"P-37"}, "look at what became of it", "propose it again if it is still needed")
	ErrOther   = cpni.Rejected("CONFLICT", "the proposal is not what you were shown: nothing was done", []string{"P-37"}, "open the proposal again and read what it would do")
	ErrThere   = cpni.Rejected("CONFLICT", "somebody has proposed exactly this already, and it waits for a second person", []string{"P-37"}, "agree to their proposal")
	ErrNotOwn  = cpni.Rejected("ROLE", "a proposal is withdrawn by the one who made it", []string{"P-37"}, "refuse it instead")
	ErrMadeBy  = cpni.Rejected("CONFLICT", "who proposed it may not do so any more", []string{"P-37"}, "propose it yourself, and let a third person agree")
	errAgain   = errors.New("a member of the staff has changed meanwhile")
	errDecided = errors.New("the proposal was decided meanwhile")
)

// Right gives the right that proposals of a kind need; ok is false for what is no kind.
func (r *Register) Right(k Kind) (right staff.Right, ok bool) {
	p, ok := r.performers[k]
	return p.Right, ok
}

// hashOf names exactly what will be done.
func hashOf(k Kind, act []byte) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "ringfence proposal v1\n%s\n%s", k, act))
	return hex.EncodeToString(sum[:])
}

func actPlace(id cpni.ID) string    { return "proposal/" + string(id) }
func reportPlace(id cpni.ID) string { return "proposal-report/" + string(id) }

// Propose proposes an act, which is written as JSON. What somebody has proposed already, and still waits, is not proposed
// again: its proposer gets the proposal there is, others are told to agree to it.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Propose(ctx context.Context, id cpni.ID, k Kind, act any, by cpni.ID) (*Proposal, error) {
	p, ok := r.performers[k]
	if !ok {
		return nil, ErrKind
	}
	if id == "" {
		id = cpni.NewTimedID(r.clock.Now())
	}
	if !id.Valid() {
		return nil, ErrNone
	}
	text, err := json.Marshal(act)
	if err != nil {
		return nil, fmt.Errorf("writing a proposal: %w", err)
	}
	if there, err := r.Get(ctx, id); err == nil {
		if there.Hash == hashOf(k, text) && there.By == by {
			return there, nil
		}
		return nil, ErrOther
	}
	m, version, err := r.staff.Recent(ctx, by)
	if err != nil {
		return nil, err
	}
	about := map[string]any{"what": "proposal turned away", "kind": k}
	if refusal := m.Barred(p.Right); refusal != nil {
		return nil, r.turnAway(ctx, by, refusal, about)
	}
	if p.Holds != nil {
		if err := p.Holds(ctx, text); err != nil {
			return nil, err
		}
	}
	if there, err := r.same(ctx, hashOf(k, text)); there != nil || err != nil {
		if err == nil && there.By != by {
			err = ErrThere
		}
		return there, err
	}
	now := r.clock.Now()
	made := &Proposal{ID: id, Kind: k, State: Waiting, Hash: hashOf(k, text), By: by, At: now.Truncate(time.Microsecond), Expires: now.Add(r.life(now)).Truncate(time.Microsecond), Act: text}
	if p.Try != nil {
		made.State = Trying
	}
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := r.asTheyWere(ctx, tx, store.Guard{Table: "staff", Key: string(by), Version: version}); err != nil {
			return nil, err
		}
		sealed, err := r.vault.SealTx(ctx, tx, vault.CarrierID, actPlace(id), text)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO proposal (proposal_id, kind, state, hash, by_staff, at, expires, second, ended, claim, claimed, sealed, report)
			VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0, '', 0, $8, $9)`, string(id), string(k), string(made.State), made.Hash, string(by), made.At.UnixMicro(), made.Expires.UnixMicro(), sealed, []byte{}); err != nil {
			return nil, err
		}
		return r.entry(ctx, tx, ledger.Admin, string(by), nil, map[string]any{"what": "proposed", "proposal": id, "kind": k, "hash": made.Hash})
	})
	if err != nil {
		return nil, plainly(err)
	}
	return made, nil
}

// same finds a proposal of exactly the same that can still be agreed to; nil when there is none.
func (r *Register) same(ctx context.Context, hash string) (*Proposal, error) {
	var id cpni.ID
	err := r.db.Reader().QueryRow(ctx, "SELECT proposal_id FROM proposal WHERE hash = $1 AND state IN ($2, $3) AND expires > $4 LIMIT 1", hash, string(Trying), string(Waiting), r.clock.Now().UnixMicro()).Scan(&id)
	if store.IsNoRow(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the same proposal: %w", err)
	}
	return r.Get(ctx, id)
}

// asTheyWere fails when a member has changed since their rights were looked at.
func (r *Register) asTheyWere(ctx context.Context, tx *store.Tx, guards ...store.Guard) error {
	stale, err := tx.CheckGuards(ctx, guards)
	if err != nil {
		return err
	}
	if slices.Contains(stale, true) {
		return errAgain
	}
	return nil
}

// entry makes the record of an act; refusal is nil when it was done.
func (r *Register) entry(ctx context.Context, tx *store.Tx, kind ledger.Kind, by string, refusal *cpni.Refusal, detail any) ([]ledger.Entry, error) {
	e := ledger.Entry{Kind: kind, At: r.clock.Now(), Actor: by, Outcome: cpni.OK}
	if refusal != nil {
		e.Outcome, e.Code = refusal.Outcome, refusal.Code
	}
	e, err := r.vault.Entry(ctx, tx, e, detail)
	return []ledger.Entry{e}, err
}

// turnAway records that somebody was refused, and gives the refusal.
func (r *Register) turnAway(ctx context.Context, by cpni.ID, refusal *cpni.Refusal, detail map[string]any) error {
	detail["says"] = refusal.Says
	if _, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		return r.entry(ctx, tx, ledger.Admin, string(by), refusal, detail)
	}); err != nil {
		return errors.Join(refusal, err)
	}
	return refusal
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, errAgain):
		return cpni.Rejected("BUSY", "somebody who takes part was changed at this moment", nil, "try again")
	}
	return err
}
