package register

import (
	"context"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// reference names an entry; seq is -1 where its place is not known.
type reference struct {
	customer, entry cpni.ID
	seq             int64
}

// taken is a line that is taken away.
type taken struct {
	line    any // a Disclosure, a Campaign or a Process
	entries []reference
}

// taking is a register that is taken away as of one checkpoint.
type taking struct {
	prover *ledger.Prover
	lines  int64
}

// begin fixes the checkpoint as of which a register is taken away, and counts its lines.
func (b *Book) begin(ctx context.Context, n Name, q *Query) (taking, error) {
	t := taking{}
	if err := q.tidy(); err != nil {
		return t, err
	}
	var err error
	if t.prover, err = b.Ledger.Prover(ctx); err != nil {
		return t, err
	}
	if _, err = b.asOf(ctx, t.prover.Tree.N); err != nil {
		return t, err
	}
	q.Before, q.Limit = Cursor{}, mostLines
	if n == Disclosures && q.Matter == "" && q.Text == "" {
		t.lines, err = b.count(ctx, *q, t.prover.Tree.N)
		return t, err
	}
	err = b.each(ctx, n, *q, t, func(taken) error { t.lines++; return nil })
	return t, err
}

// each gives every line that is asked for, the newest first. What was destroyed while it is taken away is an error: the file would
// not be what it says.
func (b *Book) each(ctx context.Context, n Name, q Query, t taking, do func(taken) error) error {
	q.Before = Cursor{Size: t.prover.Tree.N}
	for {
		var next Cursor
		switch n {
		case Campaigns:
			p, err := b.Campaigned(ctx, q)
			if err != nil {
				return err
			}
			for _, c := range p.Lines {
				if err := do(taken{c, references(c.Entries)}); err != nil {
					return err
				}
			}
			next = p.Next
		case Processes:
			p, err := b.Processed(ctx, q)
			if err != nil {
				return err
			}
			for _, x := range p.Lines {
				if err := do(taken{x, references(x.Entries)}); err != nil {
					return err
				}
			}
			next = p.Next
		default:
			p, err := b.Disclosed(ctx, q)
			if err != nil {
				return err
			}
			for _, d := range p.Lines {
				if err := do(taken{d, []reference{{d.Customer, d.Entry, d.Seq}}}); err != nil {
					return err
				}
			}
			next = p.Next
		}
		if next == (Cursor{}) {
			return nil
		}
		q.Before = next
	}
}

// references names entries about the carrier itself.
func references(ids []cpni.ID) []reference {
	all := make([]reference, len(ids))
	for i, id := range ids {
		all[i] = reference{"", id, -1}
	}
	return all
}

// Count counts the lines of a register that a query finds, as of the newest checkpoint. ledger.ErrNotYet: nothing is signed yet.
func (b *Book) Count(ctx context.Context, n Name, q Query) (int64, error) {
	t, err := b.begin(ctx, n, &q)
	return t.lines, err
}

// ErrTooLong: there are more lines than are printed at once.
var ErrTooLong = cpni.Rejected("BAD_INPUT", fmt.Sprintf("there are more lines than are printed at once, which are %d", MostPrinted), cited, "ask for a shorter time", "take the register as a file for programs")
