package register

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// The numbers of the profile by which each register is kept; the floor of each is the rule's, and no policy goes below it.
var keptBy = map[Name]string{Campaigns: "campaign_months", Disclosures: "disclosure_months", Processes: "disclosure_months"}

const retention = "retention"

// Months is how many months the lines of a register are kept at least, from the last that happened to them on. It is never less than
// the rule's floor.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (b *Book) Months(n Name) int {
	numbers := b.Policy.Numbers(b.Clock.Now())
	adopted := keptBy[n]
	floor := adopted[:len(adopted)-len("months")] + "floor_months"
	return max(numbers.Int(retention, adopted), numbers.Int(retention, floor))
}

// Until is the moment up to which a line of a moment must be kept.
func (b *Book) Until(n Name, at time.Time) time.Time {
	return at.In(b.Zone).AddDate(0, b.Months(n), 0)
}

// over reports whether a line need not be kept any longer.
func (b *Book) over(n Name, at time.Time) bool { return !b.Clock.Now().Before(b.Until(n, at)) }

// DestroyAct is the destruction of what is over of the register of disclosures: everything before a moment, as it is proposed.
type DestroyAct struct {
	Before time.Time `json:"before"`
	Lines  int       `json:"lines"` // how many there were when it was proposed
}

// MostDestroyed bounds how many records one act destroys; what is left is proposed again.
const MostDestroyed = 2000

var cited = []string{"P-41", "47 CFR 64.2009(c)"}

// Proposes gives the act by which what is over before a moment is destroyed, for a second person to agree to.
//
// cite: P-41, 47 CFR 64.2009(c)
func (b *Book) Proposes(ctx context.Context, before time.Time) (DestroyAct, error) {
	a := DestroyAct{Before: before.UTC().Truncate(time.Microsecond)}
	size, err := b.asOf(ctx, 0)
	if err != nil {
		return a, err
	}
	places, err := b.oldest(ctx, a.Before, size)
	a.Lines = len(places)
	if err == nil {
		err = b.Holds(ctx, a)
	}
	return a, err
}

// Holds refuses to destroy what is not over, and an act of which there is nothing to destroy.
//
// cite: P-41, I-22, 47 CFR 64.2009(c)
func (b *Book) Holds(_ context.Context, a DestroyAct) error {
	switch {
	case a.Before.IsZero():
		return cpni.Rejected("BAD_INPUT", "the act does not say up to when", cited, "give the day before which everything is to go")
	case a.Before.After(b.Clock.Now().In(b.Zone).AddDate(0, -b.Months(Disclosures), 0)):
		return cpni.Rejected("RETENTION", fmt.Sprintf("what is on the register of disclosures is kept for %d months, and some of this is younger", b.Months(Disclosures)), cited,
			"give an earlier day", "the months stand in the policy, in the profile retention; nobody can make them fewer than the rule's")
	case a.Lines == 0:
		return cpni.Rejected("NOT_FOUND", "there is nothing on the register of disclosures from before that day", cited, "give a later day")
	case a.Lines > MostDestroyed:
		return cpni.Rejected("BAD_INPUT", fmt.Sprintf("more than %d lines are from before that day, which is more than one act destroys", MostDestroyed), cited, "give an earlier day, and go on from there")
	}
	return nil
}

// oldest finds the lines from before a moment, and one more than may be destroyed at once.
func (b *Book) oldest(ctx context.Context, before time.Time, size int64) ([]found, error) {
	return b.search(ctx, Query{To: before}, size, MostDestroyed+1)
}

var errOthers = cpni.Rejected("MOVED", "the register has other lines from before that day than when this was proposed", cited, "propose it again")

// Destroy destroys what was proposed, in the transaction in which a second person agrees: the records leave the database, with their
// lines, and of each stays what its leaf holds, so that the ledger still verifies. The entry that it gives names exactly these.
//
// cite: P-41, I-22, 47 CFR 64.2009(c)
func (b *Book) Destroy(ctx context.Context, tx *store.Tx, a DestroyAct, by string) ([]ledger.Entry, error) {
	if err := b.Holds(ctx, a); err != nil {
		return nil, err
	}
	size, err := b.position(ctx)
	if err != nil {
		return nil, err
	}
	places, err := b.oldest(ctx, a.Before, size)
	if err != nil {
		return nil, err
	}
	if len(places) != a.Lines {
		return nil, errOthers
	}
	rows := make([]ledger.Row, len(places))
	ids := make([]cpni.ID, len(places))
	for i, p := range places {
		if rows[i], err = b.Ledger.Record(ctx, p.customer, p.entry); err != nil {
			return nil, fmt.Errorf("reading what is to be destroyed: %w", err)
		}
		ids[i] = p.entry
	}
	if b.Keeps != nil {
		if err := b.Keeps(ctx, tx, rows); err != nil {
			return nil, err
		}
	}
	e, err := b.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: b.Clock.Now(), Actor: by, Outcome: cpni.OK, Purpose: ledger.Destroyed, Contact: ledger.ListOf(rows)},
		map[string]any{"what": "records destroyed when their time was over", "register": Disclosures, "before": a.Before, "entries": ids})
	if err != nil {
		return nil, err
	}
	if err := ledger.Destroy(ctx, tx, e.ID, rows); err != nil {
		return nil, err
	}
	for _, p := range places {
		if _, err := tx.Exec(ctx, "DELETE FROM register_line WHERE seq = $1", p.seq); err != nil {
			return nil, fmt.Errorf("destroying a line of the register: %w", err)
		}
	}
	return []ledger.Entry{e}, nil
}
