package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Rehearse tells the carrier's stories under a policy. heard is called as each ends.
type Rehearse func(ctx context.Context, policy *rules.Set, heard func()) (Rehearsal, error)

// Rehearsal is what came of telling the stories.
type Rehearsal struct {
	Passed int      `json:"passed"`
	Failed []string `json:"failed,omitempty"` // a line each: which story, at which step, what was expected and what came
	// Clauses tells the same by the clause that the stories cite.
	Clauses map[string]Told `json:"clauses,omitempty"`
}

// Told is how many stories that cite a clause passed and failed.
type Told struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
}

// OK reports whether there were stories and all of them passed.
func (r Rehearsal) OK() bool { return r.Passed > 0 && len(r.Failed) == 0 }

// What two people do, as it is proposed.
type (
	// ForgetAct is the destruction of a customer's key.
	ForgetAct struct {
		Customer cpni.ID `json:"customer"`
	}
	// RotateAct is the renewal of keys.
	RotateAct struct {
		Keys  string `json:"keys"`            // KeysWrapping or KeysCustomers
		Since int64  `json:"since,omitempty"` // the wrapping key that is to go
	}
	// PolicyAct is another policy.
	PolicyAct = rulebook.Draft
)

// The keys that are renewed.
const (
	KeysWrapping  = "wrapping"  // the wrapping key: every customer's key is wrapped anew
	KeysCustomers = "customers" // every customer gets a fresh key for what is sealed from now on
)

// proposals opens the register of dangerous acts with what does each of them.
//
// cite: P-37, 47 CFR 64.2010(a)
func (o *Office) proposals() *countersign.Register {
	return countersign.New(countersign.Options{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Clock: o.Clock,
		Life: func(at time.Time) time.Duration {
			return o.Policy.Numbers(at).Duration("security-defaults", "proposal_life")
		},
		Performers: map[countersign.Kind]countersign.Performer{
			countersign.Forget: {Right: staff.Forget, Holds: as(o.holdsForget), Do: do(o.doForget)},
			countersign.Rotate: {Right: staff.Operate, Holds: as(o.holdsRotate), Work: work(o.workRotate), Kind: ledger.Rotate},
			countersign.Notice: {Right: staff.GiveNotices, Holds: as(o.holdsNotice), Try: o.tryNotice, Tried: o.doNotice},
			countersign.Policy: {Right: staff.KeepPolicy, Holds: as(o.holdsPolicy), Try: o.tryPolicy, Do: do(func(ctx context.Context, tx *store.Tx, d rulebook.Draft, by string) ([]ledger.Entry, func(context.Context) error, error) {
				return o.doPolicy(ctx, tx, d, by, "a proposed policy takes effect")
			})},
			countersign.Partner:  {Right: staff.KeepRegisters, Holds: as(o.holdsPartner), Do: do(o.doPartner)},
			countersign.Destroy:  {Right: staff.Forget, Holds: as(o.holdsDestroy), Do: do(o.doDestroy)},
			countersign.Erase:    {Right: staff.Forget, Holds: as(o.holdsErase), Work: work(o.workErase), Kind: ledger.Admin},
			countersign.Publish:  {Right: staff.KeepPolicy, Holds: as(o.holdsPublish), Do: do(o.doPublish)},
			countersign.Switch:   {Right: staff.KeepPolicy, Holds: as(o.holdsSwitch), Try: o.trySwitch, Do: do(o.doSwitch)},
			countersign.Evidence: {Right: staff.KeepRegisters, Holds: as(o.holdsEvidence), Do: do(o.doEvidence)},
		}})
}

func read[T any](act []byte) (a T, err error) {
	if err = json.Unmarshal(act, &a); err != nil {
		err = fmt.Errorf("reading a proposal: %w", err)
	}
	return a, err
}

func as[T any](holds func(context.Context, T) error) func(context.Context, []byte) error {
	return func(ctx context.Context, act []byte) error {
		a, err := read[T](act)
		if err != nil {
			return err
		}
		return holds(ctx, a)
	}
}

func do[T any](doIt func(context.Context, *store.Tx, T, string) ([]ledger.Entry, func(context.Context) error, error)) func(context.Context, *store.Tx, []byte, string) ([]ledger.Entry, func(context.Context) error, error) {
	return func(ctx context.Context, tx *store.Tx, act []byte, by string) ([]ledger.Entry, func(context.Context) error, error) {
		a, err := read[T](act)
		if err != nil {
			return nil, nil, err
		}
		return doIt(ctx, tx, a, by)
	}
}

func work[T any](workOn func(context.Context, T, func()) error) func(context.Context, []byte, func()) error {
	return func(ctx context.Context, act []byte, heard func()) error {
		a, err := read[T](act)
		if err != nil {
			return err
		}
		return workOn(ctx, a, heard)
	}
}

var errGone = cpni.Rejected("MOVED", "there is no such customer any more: they have been forgotten already, or never were", []string{"P-37"}, "check the customer's id")

func (o *Office) holdsForget(ctx context.Context, a ForgetAct) error {
	_, _, err := o.Customers.Get(ctx, a.Customer)
	switch {
	case errors.Is(err, customer.ErrNoCustomer):
		return errGone
	case errors.Is(err, vault.ErrSealBroken), errors.Is(err, vault.ErrForgotten):
		err = nil // what cannot be read must still go
	}
	if err != nil {
		return err
	}
	return o.Retention.MayForget(ctx, o.DB.Reader(), a.Customer)
}

func (o *Office) doForget(ctx context.Context, tx *store.Tx, a ForgetAct, by string) ([]ledger.Entry, func(context.Context) error, error) {
	entries, err := o.Customers.ForgetTx(ctx, tx, a.Customer, by, "proposed by one person and agreed to by another")
	if errors.Is(err, customer.ErrNoCustomer) {
		err = errGone
	}
	return entries, func(ctx context.Context) error { return o.Customers.Forgotten(ctx, a.Customer) }, err
}

func (o *Office) holdsRotate(ctx context.Context, a RotateAct) error {
	switch a.Keys {
	case KeysCustomers:
		return nil
	case KeysWrapping:
	default:
		return cpni.Rejected("BAD_INPUT", "those are no keys that are renewed", nil, "name wrapping or customers")
	}
	now, err := o.Vault.Wrapping(ctx)
	if err == nil && now != a.Since {
		err = cpni.Rejected("MOVED", "the wrapping key has been renewed since this was proposed", []string{"P-37"}, "propose it again if it is to be renewed once more")
	}
	return err
}

func (o *Office) workRotate(ctx context.Context, a RotateAct, heard func()) error {
	if a.Keys == KeysCustomers {
		return o.Vault.RotateCustomers(ctx, func(int) { heard() })
	}
	return o.Vault.Renew(ctx, a.Since, func(int) { heard() })
}

// tryPolicy tells the carrier's stories under a drafted policy.
func (o *Office) tryPolicy(ctx context.Context, act []byte, heard func()) (report any, passed bool, err error) {
	d, err := read[rulebook.Draft](act)
	if err != nil {
		return nil, false, err
	}
	_, set, err := o.Policy.Drafted(ctx, d)
	if err != nil {
		return nil, false, err
	}
	if o.rehearse == nil {
		return Rehearsal{Failed: []string{"this server has no scenarios to try a policy with"}}, false, nil
	}
	r, err := o.rehearse(ctx, set, heard)
	if err == nil {
		err = o.keepTold(ctx, r, set)
	}
	return r, r.OK(), err
}

func (o *Office) doPolicy(ctx context.Context, tx *store.Tx, d rulebook.Draft, by, what string) ([]ledger.Entry, func(context.Context) error, error) {
	entries, taken, err := o.Policy.Take(ctx, tx, d, by, what)
	return entries, func(context.Context) error { taken(); return nil }, err
}

// holdsPolicy reports whether a policy can still take effect as it was proposed.
func (o *Office) holdsPolicy(ctx context.Context, d rulebook.Draft) error {
	if err := o.Policy.Holds(ctx, d); err != nil {
		return err
	}
	return o.hushPolicy(ctx, d.Files, "")
}

// ProposeForget proposes to forget a customer.
//
// cite: P-37, I-21
func (o *Office) ProposeForget(ctx context.Context, id, customer, by cpni.ID) (*countersign.Proposal, error) {
	return o.Proposals.Propose(ctx, id, countersign.Forget, ForgetAct{customer}, by)
}

// ProposeRotate proposes to renew keys: KeysWrapping or KeysCustomers. The master key itself is changed on the command line,
// by who holds it.
//
// cite: P-37
func (o *Office) ProposeRotate(ctx context.Context, id cpni.ID, keys string, by cpni.ID) (*countersign.Proposal, error) {
	a := RotateAct{Keys: keys}
	if keys == KeysWrapping {
		var err error
		if a.Since, err = o.Vault.Wrapping(ctx); err != nil {
			return nil, err
		}
	}
	return o.Proposals.Propose(ctx, id, countersign.Rotate, a, by)
}

// ProposePolicy proposes the policy in force with files changed. What is wrong with it is told at once, as in rules.Load; the
// carrier's stories are told under it before anybody can agree.
//
// cite: P-01, P-13, 47 CFR 64.2008(c)(3)
func (o *Office) ProposePolicy(ctx context.Context, id cpni.ID, files map[string][]byte, by cpni.ID) (*countersign.Proposal, error) {
	d, _, err := o.Policy.Draft(ctx, files, string(by))
	if err != nil {
		return nil, err
	}
	if err := o.hushPolicy(ctx, d.Files, by); err != nil {
		return nil, err
	}
	return o.Proposals.Propose(ctx, id, countersign.Policy, d, by)
}
