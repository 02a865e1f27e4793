package register

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/partner"
)

// File is a file that a partner was given, and what has become of what was in it.
//
// cite: P-41
type File struct {
	ID        cpni.ID     `json:"id,omitempty"` // "" it went in no file that is known
	DestroyBy time.Time   `json:"destroy_by,omitzero"`
	State     Destruction `json:"state"`
	Certified time.Time   `json:"certified,omitzero"` // when the partner has certified that it was destroyed
}

// Destruction is where the destruction of what a partner was given stands.
type Destruction string

// The states.
const (
	Kept     Destruction = "kept"      // the day has not come
	Overdue  Destruction = "overdue"   // it has, and nobody has certified
	Proved   Destruction = "proved"    // the partner has certified it
	NoneHeld Destruction = "none"      // nothing says by when it must be destroyed
	NotTaken Destruction = "not-taken" // the file waits, or was withdrawn before the partner had it
)

// destruction is where a disclosure stands of which no file tells.
func destruction(by time.Time, proof bool, now time.Time) Destruction {
	switch {
	case by.IsZero():
		return NoneHeld
	case proof:
		return Proved
	case now.Before(by):
		return Kept
	}
	return Overdue
}

// beside adds to lines what other parts know of them: the campaign, the file, and whether what was given is still there.
func (b *Book) beside(ctx context.Context, lines []Disclosure) error {
	var campaigns map[cpni.ID]*Campaign
	partners := map[string]*partner.Partner{}
	for i := range lines {
		l := &lines[i]
		if l.Campaign != "" {
			if campaigns == nil {
				all, err := b.campaigns(ctx)
				if err != nil {
					return err
				}
				campaigns = make(map[cpni.ID]*Campaign, len(all))
				for n := range all {
					campaigns[all[n].ID] = &all[n]
				}
			}
			l.Campaigned = campaigns[l.Campaign]
		}
		if l.To.Partner == "" {
			continue
		}
		p, ok := partners[l.To.Partner]
		if !ok && b.Partners != nil {
			var err error
			if p, _, err = b.Partners.Recent(ctx, l.To.Partner); err != nil && !errors.Is(err, partner.ErrNoPartner) {
				return err
			}
			partners[l.To.Partner] = p
		}
		if p != nil {
			l.To.Name = p.Called()
		}
		if b.Files != nil && !l.Unreadable {
			var err error
			if l.File, err = b.Files.FileOf(ctx, l.Customer, l.Entry); err != nil {
				return fmt.Errorf("reading the file of a partner: %w", err)
			}
		}
		if l.File == nil {
			proof := p != nil && p.Agreement != nil && p.Agreement.DestroyProof
			l.File = &File{DestroyBy: l.DestroyBy, State: destruction(l.DestroyBy, proof, b.Clock.Now())}
		}
	}
	return nil
}

// number tells what the process, case, ticket or order of each line is called, beside its id.
//
// cite: P-28, P-29, P-31, P-41
func (b *Book) number(ctx context.Context, lines []Disclosure) error {
	known := map[string]string{}
	var processes map[cpni.ID]string
	for i := range lines {
		l := &lines[i]
		id := cpni.ID(l.Basis.ID)
		if l.Hidden || !id.Valid() {
			continue
		}
		if number, ok := known[l.Basis.ID]; ok {
			l.Basis.Number = number
			continue
		}
		switch {
		case l.Basis.Kind == ByProcess:
			if processes == nil {
				all, err := b.processes(ctx)
				if err != nil {
					return err
				}
				processes = make(map[cpni.ID]string, len(all))
				for _, p := range all {
					processes[p.ID] = p.Number
				}
			}
			l.Basis.Number = processes[id]
		case b.Parts.Matters != nil:
			var err error
			if l.Basis.Number, err = b.Parts.Matters.Number(ctx, id); err != nil {
				return err
			}
		}
		known[l.Basis.ID] = l.Basis.Number
	}
	return nil
}
