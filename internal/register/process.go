package register

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// Process is a line of the register of legal process: what a court or an authority has demanded, who reviewed it, and what was
// released on it.
//
// cite: P-29, 47 USC 222(c)(1), 47 CFR 64.2009(c)
type Process struct {
	ID       cpni.ID          `json:"id"`
	At       time.Time        `json:"at"` // when it was written down
	Entries  []cpni.ID        `json:"entries,omitempty"`
	Kind     string           `json:"kind"` // court order, subpoena, warrant
	Number   string           `json:"number"`
	Issuer   string           `json:"issuer"`
	Received time.Time        `json:"received,omitzero"`
	From     time.Time        `json:"from,omitzero"`  // it is in force
	Until    time.Time        `json:"until,omitzero"` // the first moment at which it is not
	Scope    []cpni.DataClass `json:"scope"`
	// Since and Before bound the records that it reaches: the first moment, and the first behind the last.
	Since    time.Time `json:"records_from,omitzero"`
	Before   time.Time `json:"records_until,omitzero"`
	Reviewer cpni.ID   `json:"reviewer,omitempty"`
	Reviewed time.Time `json:"reviewed,omitzero"`
	State    string    `json:"state"`
	Secret   bool      `json:"secret,omitempty"` // it forbids that the customer is told
	SecretBy time.Time `json:"secret_until,omitzero"`
	Released []Release `json:"released,omitempty"`
	Over     bool      `json:"over,omitempty"`
}

// Release is something that was released on a process.
type Release struct {
	Customer cpni.ID   `json:"customer,omitempty"`
	Entry    cpni.ID   `json:"entry"`
	At       time.Time `json:"at"`
}

// says reports whether the number, the kind or the issuer holds a text.
func (p Process) says(text string) bool { return has(text, p.Number, p.Kind, p.Issuer) }

func (p Process) ends() time.Time {
	at := p.At
	for _, t := range []time.Time{p.Until, p.SecretBy} {
		if t.After(at) {
			at = t
		}
	}
	for _, r := range p.Released {
		if r.At.After(at) {
			at = r.At
		}
	}
	return at
}

// processes gives all process, the newest first.
func (b *Book) processes(ctx context.Context) ([]Process, error) {
	if b.Parts.Processes == nil {
		return nil, nil
	}
	all, err := b.Parts.Processes.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading legal process: %w", err)
	}
	for i := range all {
		all[i].Over = b.over(Processes, all[i].ends())
	}
	slices.SortStableFunc(all, func(a, b Process) int {
		return cmp.Or(b.At.Truncate(time.Microsecond).Compare(a.At.Truncate(time.Microsecond)), cmp.Compare(b.ID, a.ID))
	})
	return all, nil
}

// Processed gives the lines of the register of legal process, the newest first, each with what was released on it.
//
// cite: P-29, 47 CFR 64.2009(c)
func (b *Book) Processed(ctx context.Context, q Query) (Page[Process], error) {
	var page Page[Process]
	if err := q.tidy(); err != nil {
		return page, err
	}
	var err error
	if page.Size, err = b.asOf(ctx, q.Before.Size); err != nil {
		return page, err
	}
	all, err := b.processes(ctx)
	if err != nil {
		return page, err
	}
	for _, p := range all {
		came := p.Received
		if came.IsZero() {
			came = p.At
		}
		if !q.behind(p.At, p.ID) || !p.says(q.Text) || !q.within(came) || q.Matter != "" && named(q.Matter) != named(p.Number) {
			continue
		}
		if hidden, err := b.hides(ctx, p, q.Viewer); err != nil {
			return page, err
		} else if hidden {
			continue
		}
		if err := b.released(ctx, &p, page.Size); err != nil {
			return page, err
		}
		if q.Customer != "" && !slices.ContainsFunc(p.Released, func(r Release) bool { return r.Customer == q.Customer }) {
			continue
		}
		if len(page.Lines) == q.Limit {
			last := page.Lines[q.Limit-1]
			page.Next = Cursor{Size: page.Size, At: last.At.Truncate(time.Microsecond), ID: last.ID}
			break
		}
		page.Lines = append(page.Lines, p)
	}
	return page, nil
}

// hides reports whether a process is kept from a member of the staff.
func (b *Book) hides(ctx context.Context, p Process, viewer cpni.ID) (bool, error) {
	if b.Secrets == nil {
		return false, nil
	}
	return b.Secrets.Hides(ctx, string(p.ID), viewer)
}

// mostReleased bounds how many releases a line of a process shows.
const mostReleased = 500

// released finds what was released on a process, by its number.
func (b *Book) released(ctx context.Context, p *Process, size int64) error {
	p.Released = nil
	for _, by := range []string{string(p.ID), p.Number} { // a request names the process by its id, and one that is on no register by its number
		if by == "" || size == 0 {
			continue
		}
		places, err := b.search(ctx, Query{rests: by, Purpose: cpni.Legal}, size, mostReleased)
		if err != nil {
			return err
		}
		for _, f := range places {
			p.Released = append(p.Released, Release{f.customer, f.entry, f.at})
		}
	}
	return nil
}

// OneProcess gives one line of the register of legal process; ok is false when there is none.
func (b *Book) OneProcess(ctx context.Context, viewer, id cpni.ID) (p Process, ok bool, err error) {
	all, err := b.processes(ctx)
	if err != nil {
		return p, false, err
	}
	size, err := b.asOf(ctx, 0)
	for _, p := range all {
		if p.ID == id && err == nil {
			if hidden, err := b.hides(ctx, p, viewer); err != nil || hidden {
				return Process{}, false, err
			}
			err = b.released(ctx, &p, size)
			return p, true, err
		}
	}
	return Process{}, false, err
}
