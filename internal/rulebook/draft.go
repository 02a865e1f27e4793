package rulebook

import (
	"context"
	"errors"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// Draft is a policy that is not in force: one that was in force, with files changed.
type Draft struct {
	Base    string            `json:"base"`    // version of the policy that was in force when it was drafted
	Version string            `json:"version"` // of the policy that it makes
	Files   map[string]string `json:"files"`   // by path, such as rules/05-marketing.cedar
}

// ErrMoved: the policy in force is another than the one for which a change was drafted.
var ErrMoved = cpni.Rejected("MOVED", "another policy has taken effect since this was proposed, so it would not make what was tried and shown", []string{"P-01"}, "propose the change again, to the policy that is in force now")

// Draft gives the policy in force with files changed. What is wrong with it is as in rules.Load, and on record.
//
// cite: P-01, P-13
func (b *Book) Draft(ctx context.Context, files map[string][]byte, by string) (Draft, *rules.Set, error) {
	if err := b.Refresh(ctx); err != nil {
		return Draft{}, nil, err
	}
	now := b.current.Load()
	set, err := now.set.Changed(files)
	if err != nil {
		return Draft{}, nil, b.turnAway(ctx, err, by)
	}
	if set.Version() == now.set.Version() {
		return Draft{}, nil, cpni.Rejected("BAD_INPUT", "this changes nothing: the policy in force has these files already", nil, "change something")
	}
	if _, err := b.dated(set); err != nil {
		return Draft{}, nil, err
	}
	d := Draft{Base: now.set.Version(), Version: set.Version(), Files: map[string]string{}}
	for name, text := range files {
		d.Files[name] = string(text)
	}
	return d, set, nil
}

// Drafted makes the policy of a draft again: exactly that, or an error.
func (b *Book) Drafted(ctx context.Context, d Draft) (base, set *rules.Set, err error) {
	if base, err = b.At(ctx, d.Base); err != nil {
		return nil, nil, err
	}
	files := map[string][]byte{}
	for name, text := range d.Files {
		files[name] = []byte(text)
	}
	if set, err = base.Changed(files); err != nil {
		return nil, nil, err
	}
	if set.Version() != d.Version {
		return nil, nil, ErrMoved
	}
	return base, set, nil
}

// Holds fails with ErrMoved when the policy in force is no longer the one that a draft changes.
func (b *Book) Holds(ctx context.Context, d Draft) error {
	if err := b.Refresh(ctx); err != nil {
		return err
	}
	if now := b.current.Load(); now.set.Version() != d.Base {
		return ErrMoved
	}
	_, _, err := b.Drafted(ctx, d)
	return err
}

// Take brings a draft into force in tx; taken is to be called once that is durable. Other nodes follow within a second.
//
// cite: P-01, I-04
func (b *Book) Take(ctx context.Context, tx *store.Tx, d Draft, by, what string) (entries []ledger.Entry, taken func(), err error) {
	return b.take(ctx, tx, d, by, map[string]string{"what": what})
}

func (b *Book) take(ctx context.Context, tx *store.Tx, d Draft, by string, about map[string]string) (entries []ledger.Entry, taken func(), err error) {
	now := b.current.Load()
	if now.set.Version() != d.Base {
		return nil, nil, ErrMoved
	}
	_, set, err := b.Drafted(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	entries, taken, err = b.write(ctx, tx, now, set, nil, by, about)
	if errors.Is(err, errMoved) {
		err = ErrMoved
	}
	return entries, taken, err
}
