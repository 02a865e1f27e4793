package process

import (
	"context"
	"errors"
	"slices"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// Process says to the one door what a process covers of a request. What the request says of the process is not read.
//
// cite: P-29, I-02, 47 USC 222(c)(1)
func (r *Register) Process(ctx context.Context, ask disclose.AskProcess) (f rules.Process, l disclose.Limits, guard store.Guard, ok bool, err error) {
	p, err := r.read(ctx, cpni.ID(ask.ID))
	if errors.Is(err, ErrNone) {
		return f, l, guard, false, nil
	}
	if err != nil {
		return f, l, guard, false, err
	}
	guard = store.Guard{Table: "process", Key: string(p.ID), Version: p.Version}
	f = rules.Process{ID: ask.ID, Filed: &rules.Filed{}}
	about := slices.ContainsFunc(p.Subjects, func(s Subject) bool { return s.Customer != "" && s.Customer == ask.Customer })
	if p.Silence.Now(ask.At) && about { // whoever asks: the customer is not shown that somebody did
		f.Secret, f.SecretUntil = true, p.Silence.Until
	}
	m, _, err := r.Staff.Recent(ctx, ask.By)
	if err != nil && !errors.Is(err, staff.ErrNone) {
		return f, l, guard, false, err
	}
	if err != nil || !p.Sees(m, ask.At) {
		return f, l, guard, true, nil // to them there is no such process
	}
	k, known := r.Policy.Numbers(ask.At).ProcessKind(p.Kind)
	if !known {
		return f, l, guard, true, nil
	}
	f.Issuer, f.From, f.Until = p.Issuer, p.From, p.Until
	if p.First.After(f.From) {
		f.From = p.First
	}
	if p.State != Entered {
		f.ReviewedBy = string(p.ReviewedBy)
	}
	for _, d := range p.Scope.Data {
		if slices.Contains(k.Demands, d) {
			f.Scope = append(f.Scope, d)
		}
	}
	l = disclose.Limits{From: p.Scope.From, Until: p.Scope.Until}
	for _, no := range p.Scope.Subjects {
		s := p.Subject(no)
		if s == nil || s.Forgotten || s.Customer == "" || s.Customer != ask.Customer {
			continue
		}
		if s.Number == "" {
			f.Filed.Subject, l.Whole = true, true
		}
		if s.Number != "" && s.Number == ask.Line {
			f.Filed.Subject = true
		}
	}
	f.Filed.Stands = p.State == Approved
	f.Filed.Dates = len(ask.Months) > 0 && !slices.ContainsFunc(ask.Months, func(month int) bool { return !p.Scope.touches(month, r.Zone) })
	f.Filed.Recipient = p.answers(ask.To)
	return f, l, guard, true, nil
}

// touches reports whether a month has a part in the scope.
func (s Scope) touches(month int, zone *time.Location) bool {
	first := time.Date(month/100, time.Month(month%100), 1, 0, 0, 0, 0, zone)
	return first.Before(s.Until) && first.AddDate(0, 1, 0).After(s.From)
}

// months are the calendar months of the scope in the carrier's zone, as yyyymm, up to the one of now.
func (s Scope) months(now time.Time, zone *time.Location) []int {
	var all []int
	y, m, _ := s.From.In(zone).Date()
	for first := time.Date(y, m, 1, 0, 0, 0, 0, zone); first.Before(s.Until) && !first.After(now); first = first.AddDate(0, 1, 0) {
		all = append(all, first.Year()*100+int(first.Month()))
	}
	return all
}

// answers reports whether the paper commands to answer to a recipient.
func (p *Process) answers(to disclose.Recipient) bool {
	if p.To == LawEnforcement {
		return to.Kind == cpni.ToLawEnforcement
	}
	return to.Kind == cpni.ToDesignee && contact.Spoken(to.Name) == contact.Spoken(p.To)
}

// Silent reports whether the customer must not be told now of what was asked or given under a process; ok is false when no process
// has this id.
//
// cite: P-29, P-41
func (r *Register) Silent(ctx context.Context, id string) (silent, ok bool, err error) {
	p, err := r.read(ctx, cpni.ID(id))
	if errors.Is(err, ErrNone) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	return p.Silence.Now(r.Clock.Now()), true, nil
}

// Hides reports whether a member of the staff may not know of a process: nobody but those whom it names may, while it forbids to tell
// the customer. What is on no register is hidden from nobody.
//
// cite: P-29, P-37, 47 CFR 64.2010(a)
func (r *Register) Hides(ctx context.Context, id string, from cpni.ID) (bool, error) {
	p, err := r.read(ctx, cpni.ID(id))
	if errors.Is(err, ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return p.Silence.Now(r.Clock.Now()) && !slices.Contains(p.Named, from), nil
}
