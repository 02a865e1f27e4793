package controls

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// Look looks at every control whose time has come. Done again, or on another node at the same moment, it does nothing twice.
//
// cite: P-37, 47 CFR 64.2010(a)
func (b *Book) Look(ctx context.Context) error {
	looks, err := b.looks(ctx)
	if err != nil {
		return err
	}
	newest, err := b.newest(ctx)
	if err != nil {
		return err
	}
	now := b.Clock.Now()
	var failed []error
	for _, c := range b.Listing.all {
		switch {
		case c.Probe != "" && !looks[c.ID].at.Add(b.Listing.lookEvery).After(now):
			failed = append(failed, b.probe(ctx, c))
		case c.Probe == "" && newest[c.ID] != nil && newest[c.ID].State == On && !now.Before(newest[c.ID].Until):
			failed = append(failed, b.lapse(ctx, c))
		}
	}
	return errors.Join(failed...)
}

// probe looks at one control now and writes down what it sees.
func (b *Book) probe(ctx context.Context, c Listed) error {
	seen, err := b.Probes[c.Probe](ctx, c.Age)
	if err != nil {
		return fmt.Errorf("looking at the control %s: %w", c.ID, err)
	}
	if seen.State != On && seen.State != Off {
		seen.State = Unknown
	}
	_, err = b.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		w := &writing{b: b, ctx: ctx, tx: tx, c: c, now: b.Clock.Now()}
		before, err := w.last(seen.Says)
		if err != nil {
			return nil, err
		}
		if before != nil && before.State == seen.State {
			return nil, nil
		}
		err = w.note(before, Step{What: Found, By: string(cpni.RoleSystem), State: seen.State, Says: seen.Says})
		return w.all, err
	})
	return err
}

// lapse writes down that a confirmation is no longer good.
func (b *Book) lapse(ctx context.Context, c Listed) error {
	_, err := b.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		w := &writing{b: b, ctx: ctx, tx: tx, c: c, now: b.Clock.Now()}
		before, err := w.last("")
		if err != nil || before == nil || before.State != On || w.now.Before(before.Until) {
			return nil, err // somebody has confirmed it meanwhile
		}
		err = w.note(before, Step{What: Lapsed, By: string(cpni.RoleSystem), State: Off, Says: lapsed(c.Every), Since: before.Until})
		return w.all, err
	})
	return err
}

// Act is who confirms a control.
type Act struct {
	By cpni.ID
	ID cpni.ID // names the act: sent twice it is done once; "" does it each time
	// Steps is how many steps whoever acts has seen; -1: however many there are.
	Steps int
}

const longestWords = 2000

func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || unicode.Is(unicode.Cf, r)
}

// Confirm records, in the words of whoever has looked, that a control which no program can see is on, or that it is off. It is compliance's
// and the officers' work. A confirmation is good for the days of the list, by the carrier's clock from now on.
//
// cite: P-37, 47 CFR 64.2010(a)
func (b *Book) Confirm(ctx context.Context, id string, a Act, on bool, words string) error {
	if err := b.admits(ctx, a.By, staff.KeepRegisters); err != nil {
		return err
	}
	var c Listed
	for _, x := range b.Listing.all {
		if x.ID == id {
			c = x
		}
	}
	words = strings.TrimSpace(words)
	switch {
	case c.ID == "":
		return ErrNone
	case c.Probe != "":
		return cpni.Rejected("STATE", "this control is looked at by the program, and nobody's word counts for it", ofControls, "have what is wrong put right; it is looked at again by itself")
	case words == "":
		return cpni.Rejected("INCOMPLETE", "it is not said what was looked at", ofControls, "write in a sentence what you have looked at, and what you saw")
	case len(words) > longestWords || strings.ContainsFunc(words, unprintable):
		return cpni.Rejected("BAD_INPUT", "the words are longer than 2,000 bytes, or have signs that cannot be printed", ofControls, "write it shorter")
	}
	_, err := b.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		w := &writing{b: b, ctx: ctx, tx: tx, c: c, now: b.Clock.Now(), act: a.ID}
		before, err := w.last("")
		if err != nil {
			return nil, err
		}
		if a.ID != "" {
			var done int
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM control_step WHERE control_id = $1 AND act = $2", c.ID, string(a.ID)).Scan(&done); err != nil || done > 0 {
				return nil, err
			}
		}
		n := 0
		if before != nil {
			n = before.N
		}
		if a.Steps >= 0 && a.Steps != n {
			return nil, cpni.Rejected("CONFLICT", "somebody else has written to this control meanwhile", ofControls, "look at it again, then do it once more")
		}
		s := Step{What: Confirmed, By: string(a.By), State: Off, Says: words}
		if on {
			s.State, s.Until = On, w.now.Add(time.Duration(c.Every)*24*time.Hour).UTC()
		}
		err = w.note(before, s)
		return w.all, err
	})
	return err
}
