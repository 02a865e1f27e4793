package intake

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// sealer is the writing half: from chunks to sealed segments, one transaction a chunk.
type sealer struct {
	*Importer
	run    *run
	months *monthOf
	total  Summary // as committed
	actor  string
	format Format
	texts  [1 << 12]struct { // numbers as text, by their hash
		number dialled
		text   string
	}
	calls    []vault.Call
	portions []vault.Portion
}

// callsAtOnce is how many calls are handed to the vault at a time.
const callsAtOnce = 1 << 15

// write seals a chunk and commits it together with the place in the file. The last one is committed with the
// ledger's entry of the whole import.
func (s *sealer) write(ctx context.Context, c *chunk) error {
	var next Summary
	work := func(tx *store.Tx) error {
		next = c.place.counts.Summary
		next.Added, next.Merged, next.Duplicates, next.LineMonths = s.total.Added, s.total.Merged, s.total.Duplicates, s.total.LineMonths
		if err := s.seal(ctx, tx, c, &next); err != nil {
			return err
		}
		p := c.place
		p.counts.Summary = next
		return s.run.move(ctx, tx, p, s.Clock.Now())
	}
	var err error
	if c.place.finished {
		_, err = s.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			if err := work(tx); err != nil {
				return nil, err
			}
			final := next
			final.Oddities = c.place.counts.Notes.oddities()
			e, err := s.entry(ctx, tx, s.run, string(s.format), s.actor, &final)
			return []ledger.Entry{e}, err
		})
	} else {
		err = s.DB.Tx(ctx, work)
	}
	if err != nil {
		return fmt.Errorf("sealing calls: %w", err)
	}
	s.total = next
	return nil
}

// seal merges the chunk's calls into the vault and counts what came of them.
func (s *sealer) seal(ctx context.Context, tx *store.Tx, c *chunk, sum *Summary) error {
	flush := func() error {
		m, err := s.Vault.MergeCalls(ctx, tx, s.portions)
		if err != nil {
			return err
		}
		told := int64(len(s.calls)) // calls with different ids, after repeats in the chunk
		for _, p := range s.portions {
			told -= int64(further(p.Calls))
		}
		sum.Added += int64(m.Added)
		sum.Merged += int64(m.Changed) + int64(len(s.calls)) - told
		sum.Duplicates += told - int64(m.Added) - int64(m.Changed)
		sum.LineMonths += int64(len(s.portions))
		s.calls, s.portions = s.calls[:0], s.portions[:0]
		return nil
	}
	if s.calls == nil {
		s.calls = make([]vault.Call, 0, callsAtOnce)
	}
	s.calls, s.portions = s.calls[:0], s.portions[:0]
	err := c.groups(s.months, func(g group) error {
		if len(s.calls)+len(g.records) > cap(s.calls) && len(s.portions) > 0 {
			if err := flush(); err != nil {
				return err
			}
		}
		from := len(s.calls)
		slices.SortFunc(g.records, compareRecords)
		for i := range g.records {
			r := &g.records[i]
			if i > 0 && *r == g.records[i-1] {
				sum.Duplicates++
				continue
			}
			s.calls = append(s.calls, vault.Call{At: time.Unix(r.at, 0).UTC(), Seconds: int(r.length & recordSeconds),
				Answered: r.length&recordAnswered != 0, Out: r.length&recordOut != 0, Number: s.text(r.number), ID: r.id})
		}
		s.portions = append(s.portions, vault.Portion{Customer: g.customer, Line: g.line, Month: g.month, Calls: s.calls[from:len(s.calls):len(s.calls)]})
		return nil
	})
	if err != nil || len(s.portions) == 0 {
		return err
	}
	return flush()
}

// further counts the calls that have the id of the one before: further legs. MergeCalls does not reorder its input.
func further(calls []vault.Call) (n int) {
	for i := 1; i < len(calls); i++ {
		if calls[i].ID == calls[i-1].ID {
			n++
		}
	}
	return n
}

func compareRecords(a, b record) int {
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.at, b.at), cmp.Compare(a.length, b.length), cmp.Compare(a.number, b.number))
}

// text gives the number as text; those that come often are made once.
func (s *sealer) text(d dialled) string {
	if d == 0 {
		return ""
	}
	slot := &s.texts[uint64(d)*0x9e3779b97f4a7c15>>(64-12)]
	if slot.number != d {
		slot.number, slot.text = d, d.String()
	}
	return slot.text
}

// importRecord is what the ledger keeps of an import, sealed under the carrier's key. It has no personal data.
type importRecord struct {
	Kind    string  `json:"kind"` // customers or calls
	Format  string  `json:"format"`
	Run     string  `json:"run"` // hash of the file and of how it was read
	Size    int64   `json:"size"`
	Summary Summary `json:"summary"`
}

// entry makes the ledger's entry of a finished import.
func (im *Importer) entry(ctx context.Context, tx *store.Tx, r *run, format, actor string, sum *Summary) (ledger.Entry, error) {
	return im.Vault.Entry(ctx, tx, ledger.Entry{Customer: vault.CarrierID, Kind: ledger.Import, At: im.Clock.Now(), Actor: actor, Outcome: cpni.OK},
		importRecord{Kind: r.kind, Format: format, Run: r.id, Size: r.size, Summary: *sum})
}
