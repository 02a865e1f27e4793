package disclose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Replayed is what came of deciding every recorded decision again.
type Replayed struct {
	Decisions int64 // decided again
	Forgotten int64 // of customers whose key is destroyed: their facts can be read by nobody
	Differ    []Difference
	More      int64 // differences beyond those
}

// OK reports whether every decision that can still be read came out as it was recorded.
func (r *Replayed) OK() bool { return len(r.Differ) == 0 }

// Difference is a recorded decision that does not come out as it was recorded.
type Difference struct {
	Entry  cpni.ID
	Detail string // without personal data
}

// mostDifferences bounds the list of a log in which nothing replays.
const mostDifferences = 10_000

// Replay decides every recorded decision again; see Again.
//
// cite: P-41, I-04, 47 CFR 64.2009(c)
func (d *Door) Replay(ctx context.Context, w io.Writer) (*Replayed, error) {
	return Again{d.DB.Reader(), d.Vault, d.Policy}.Run(ctx, w)
}

// Again decides recorded decisions again, each from its recorded facts under the policy that decided it.
type Again struct {
	Records  store.Querier
	Vault    *vault.Vault // that can open the records
	Policies Policies
}

// Run decides all of them again and reports each that differs to w.
//
// cite: P-41, I-04, 47 CFR 64.2009(c)
func (a Again) Run(ctx context.Context, w io.Writer) (*Replayed, error) {
	out := &Replayed{}
	var mu sync.Mutex
	report := func(diff Difference) {
		if len(out.Differ) == mostDifferences {
			out.More++
			return
		}
		out.Differ = append(out.Differ, diff)
		fmt.Fprintf(w, "differs: decision %s: %s\n", diff.Entry, diff.Detail)
	}
	rows := make(chan ledger.Row, 256)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(rows)
		return ledger.Each(ctx, a.Records, func(r ledger.Row) error {
			if r.Kind != ledger.Decision {
				return nil
			}
			select {
			case rows <- r:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			for row := range rows {
				detail, err := a.one(ctx, row)
				mu.Lock()
				switch {
				case errors.Is(err, vault.ErrForgotten):
					out.Forgotten++
				case errors.Is(err, context.Canceled):
				case err != nil:
					out.Decisions++
					report(Difference{row.ID, err.Error()})
				default:
					if out.Decisions++; detail != "" {
						report(Difference{row.ID, detail})
					}
				}
				mu.Unlock()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("replaying: %w", err)
	}
	if out.OK() {
		fmt.Fprintf(w, "%d decisions, each made again as it was recorded; %d of forgotten customers can be read by nobody.\n", out.Decisions, out.Forgotten)
	} else {
		fmt.Fprintf(w, "%d of %d decisions do NOT come out as they were recorded.\n", int64(len(out.Differ))+out.More, out.Decisions)
	}
	return out, nil
}

// one decides one decision again; detail says how it differs, "" when it does not.
func (a Again) one(ctx context.Context, row ledger.Row) (detail string, err error) {
	plain, err := a.Vault.OpenRecord(ctx, row)
	if err != nil {
		return "", err
	}
	return Remake(ctx, row.Entry, plain, a.Policies)
}

// Policies gives the policy of a version.
type Policies interface {
	At(ctx context.Context, version string) (*rules.Set, error)
}

// Remake decides a recorded decision again from its record, as it was opened, and compares what comes out with the record and with
// its entry. detail says how they differ, "" when they do not, and holds no personal data.
//
// cite: P-41, I-04, 47 CFR 64.2009(c)
func Remake(ctx context.Context, row ledger.Entry, plain []byte, policies Policies) (detail string, err error) {
	r, err := DecodeRecord(plain)
	if err != nil {
		return "", err
	}
	set, err := policies.At(ctx, r.Rules)
	if err != nil {
		return "", err
	}
	var differs []string
	compare := func(what string, recorded, now any) {
		if before, after := fmt.Sprint(recorded), fmt.Sprint(now); before != after {
			differs = append(differs, fmt.Sprintf("%s is recorded as %s and comes out as %s", what, before, after))
		}
	}
	again := decided(set.Decide(r.Facts))
	compare("the outcome", r.Decision.Outcome, again.Outcome)
	compare("the code", r.Decision.Code, again.Code)
	compare("the list of reasons", r.Decision.Codes, again.Codes)
	compare("the list of clauses", r.Decision.Clauses, again.Clauses)
	compare("the list of citations", r.Decision.Cites, again.Cites)
	compare("the list of rules", r.Decision.Rules, again.Rules)
	compare("the outcome of the entry", row.Outcome, again.Outcome)
	compare("the code of the entry", row.Code, again.Code)
	compare("the rules of the entry", row.Rules, r.Rules)
	compare("the purpose of the entry", row.Purpose, word(cpni.Purposes, r.Facts.Purpose))
	compare("the recipient of the entry", row.Recipient, recipientWord(r.Facts.Recipient.Kind, r.Facts.Recipient.Partner))
	compare("the actor of the entry", row.Actor, actorWord(r.Staff, r.Facts.Actor.Kind == rules.ActorCustomer))
	if row.Contact != "" {
		compare("the contact of the entry", row.Contact, r.Contact)
	}
	compare("the time of the entry", row.At, r.Facts.At)
	compare("the entry", row.ID, r.Entry)
	var permits []cpni.DataClass
	if again.Outcome == cpni.Permit {
		permits = slices.Clone(r.Facts.Data)
	}
	compare("what the entry permits", row.Permits, permits)
	return strings.Join(differs, "; "), nil
}
