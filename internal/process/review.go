package process

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// Verdict is what somebody who has read a paper says of it.
type Verdict struct {
	By      cpni.ID
	Version int64 // of what they read
	Approve bool
	// Scope is what is answered, no wider than what is asked for.
	Scope  Scope
	Reason string // why it is narrower than what is asked for, or rejected
}

// Difference is one thing in which what is answered differs from what the paper asks for.
type Difference struct {
	What  string // about, data, from or until
	Asked string
	Given string // "" nothing
}

// Differences tells in what a scope is narrower than what the paper asks for.
//
// cite: P-29
func (p *Process) Differences(s Scope, zone *time.Location) []Difference {
	var all []Difference
	for _, no := range p.Asked.Subjects {
		if !slices.Contains(s.Subjects, no) {
			says := fmt.Sprint(no)
			if x := p.Subject(no); x != nil && x.Says != "" {
				says = x.Says
			}
			all = append(all, Difference{What: "about", Asked: says})
		}
	}
	for _, d := range p.Asked.Data {
		if !slices.Contains(s.Data, d) {
			all = append(all, Difference{What: "data", Asked: string(d)})
		}
	}
	if !s.From.Equal(p.Asked.From) {
		all = append(all, Difference{"from", firstOf(p.Asked.From, zone), firstOf(s.From, zone)})
	}
	if !s.Until.Equal(p.Asked.Until) {
		all = append(all, Difference{"until", lastOf(p.Asked.Until, zone), lastOf(s.Until, zone)})
	}
	return all
}

// firstOf and lastOf name the first and the last of a time on the carrier's clocks: as days, where it begins or ends with one.
func firstOf(t time.Time, zone *time.Location) string {
	if local := t.In(zone); !workday.DateIn(t, zone).Start(zone).Equal(t) {
		return local.Format("2006-01-02 15:04 MST")
	}
	return workday.DateIn(t, zone).String()
}

func lastOf(t time.Time, zone *time.Location) string {
	if workday.DateIn(t, zone).Start(zone).Equal(t) {
		return workday.DateIn(t.Add(-time.Microsecond), zone).String()
	}
	return firstOf(t, zone)
}

// Widest is the most that can be answered of what a paper asks for: of the classes those that its kind can command.
//
// cite: P-29, 47 USC 222(c)(1)
func Widest(p *Process, k rules.ProcessKind) Scope {
	s := Scope{Subjects: slices.Clone(p.Asked.Subjects), From: p.Asked.From, Until: p.Asked.Until}
	for _, d := range p.Asked.Data {
		if slices.Contains(k.Demands, d) {
			s.Data = append(s.Data, d)
		}
	}
	return s
}

// within reports whether s asks for no more than wide.
func (s Scope) within(wide Scope) bool {
	outside := func(no int) bool { return !slices.Contains(wide.Subjects, no) }
	beyond := func(d cpni.DataClass) bool { return !slices.Contains(wide.Data, d) }
	return !slices.ContainsFunc(s.Subjects, outside) && !slices.ContainsFunc(s.Data, beyond) && !s.From.Before(wide.From) && !s.Until.After(wide.Until)
}

// Review records what somebody else than who took a paper in says of it. What they approve may be narrower than what the paper asks
// for, with the reason, and never wider.
//
// cite: P-29, P-41, 47 USC 222(c)(1)
func (r *Register) Review(ctx context.Context, id cpni.ID, v Verdict) (*Process, error) {
	v.Reason = strings.TrimSpace(v.Reason)
	if len(v.Reason) > longestReason {
		return nil, errReason
	}
	return r.change(ctx, id, v.By, func(m *moved) error {
		p := m.p
		k, err := r.kind(p.Kind)
		if err != nil {
			return err
		}
		reader, _, err := r.Staff.Get(ctx, v.By)
		if err != nil {
			return err
		}
		switch {
		case p.State != Entered:
			return refuse("it does not wait for anybody to read it", "look at where it stands now")
		case p.TakenBy == v.By:
			return cpni.Rejected("SELF_REVIEW", "whoever took a paper in does not read it for themselves", []string{"P-29", "47 USC 222(c)(1)"}, "ask somebody else to review it")
		case !slices.Contains(k.Reviewers, reader.Role):
			return cpni.Rejected("ROLE", "a paper of this kind is not reviewed by people of your work", []string{"P-29", "P-37"}, "ask one of: "+strings.Join(words(k.Reviewers), ", "))
		case p.Version != v.Version:
			return cpni.Rejected("CONFLICT", "it is no longer what you read", []string{"P-29"}, "read it again")
		}
		p.ReviewedBy, p.ReviewedAt, p.Reason = v.By, m.now, v.Reason
		if !v.Approve {
			if v.Reason == "" {
				return errReason
			}
			p.State = Rejected
			return m.note(ctx, v.By, ReadDown, Event{Reason: v.Reason})
		}
		s := v.Scope
		s.Subjects, s.Data = slices.Compact(slices.Sorted(slices.Values(s.Subjects))), slices.Compact(slices.Sorted(slices.Values(s.Data)))
		s.From, s.Until = s.From.UTC(), s.Until.UTC()
		switch {
		case len(s.Subjects) == 0 || len(s.Data) == 0 || !s.From.Before(s.Until):
			return refuse("nothing is left to be answered", "reject it, with the reason")
		case !s.within(p.Asked):
			return refuse("that is more than the paper asks for", "approve no more than it says")
		case !s.within(Widest(p, k)):
			return refuse("a paper of this kind ("+k.Called+", "+k.Section+") cannot command all of that", "leave out what it cannot command, with the reason", "ask the issuer for a paper that can")
		case len(p.Differences(s, r.Zone)) > 0 && v.Reason == "":
			return errReason
		case p.Expired(m.now):
			return refuse("it is no longer in force", "reject it, with the reason, and ask the issuer for another")
		}
		p.Scope, p.State = s, Approved
		if err := m.note(ctx, v.By, Read, Event{Reason: v.Reason, Scope: &s}); err != nil {
			return err
		}
		if k.Notice == rules.NoticeBefore {
			return m.tellFirst(ctx, k)
		}
		return nil
	})
}

func words[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = string(w)
	}
	return out
}

// Ending is how a process ends before it is answered.
type Ending struct {
	By     cpni.ID
	State  State // Withdrawn or Quashed
	Reason string
	Scan   []byte // the paper that says so; nil: there is none
}

// End ends a process that was withdrawn or quashed: nothing is released under it from then on, and no package that was not handed out.
//
// cite: P-29, P-41, 47 USC 222(c)(1)
func (r *Register) End(ctx context.Context, id cpni.ID, e Ending) (*Process, error) {
	if e.Reason = strings.TrimSpace(e.Reason); e.Reason == "" || len(e.Reason) > longestReason {
		return nil, errReason
	}
	if e.State != Withdrawn && e.State != Quashed {
		return nil, bad("a process is withdrawn or quashed", "say which")
	}
	return r.change(ctx, id, e.By, func(m *moved) error {
		if m.p.State != Entered && m.p.State != Approved {
			return refuse("it has ended already", "look at where it stands now")
		}
		paper, hash, err := m.keep(ctx, e.Scan)
		if err != nil {
			return err
		}
		m.p.State, m.p.Reason = e.State, e.Reason
		if err := m.dropFirst(ctx); err != nil {
			return err
		}
		return m.note(ctx, e.By, DidEnd+": "+string(e.State), Event{Reason: e.Reason, Paper: paper, Hash: hash})
	})
}

// Close closes a process that was answered: nothing more is released under it.
//
// cite: P-29, P-41
func (r *Register) Close(ctx context.Context, id, by cpni.ID, reason string) (*Process, error) {
	if reason = strings.TrimSpace(reason); len(reason) > longestReason {
		return nil, errReason
	}
	return r.change(ctx, id, by, func(m *moved) error {
		if m.p.State != Approved {
			return refuse("it is not open to be closed", "look at where it stands now")
		}
		handed, err := r.handed(ctx, m.tx, id)
		if err != nil {
			return err
		}
		if !handed && reason == "" {
			return cpni.Rejected("REASON", "nothing was handed out under it, so the record has to say why it is closed", []string{"P-29"}, "hand out the package first", "or write why there is none")
		}
		m.p.State = Answered
		return m.note(ctx, by, DidClose, Event{Reason: reason})
	})
}

// Name lets further people know of a process that forbids to tell the customer.
//
// cite: P-29, P-37
func (r *Register) Name(ctx context.Context, id, by cpni.ID, more ...cpni.ID) (*Process, error) {
	return r.change(ctx, id, by, func(m *moved) error {
		if !m.p.Silence.Now(m.now) {
			return refuse("everybody whose work it is may know of it", "nobody need be named")
		}
		k, err := r.kind(m.p.Kind)
		if err != nil {
			return err
		}
		all, err := r.named(ctx, k, slices.Concat(m.p.Named, more), m.p.TakenBy)
		switch {
		case err != nil:
			return err
		case len(all) > mostNamed:
			return bad("more than 40 people are named", "name only those who work on it")
		case len(all) == len(m.p.Named):
			return bad("nobody is named who was not before", "choose somebody else")
		}
		added := all[len(m.p.Named):]
		m.p.Named = all
		return m.note(ctx, by, NamedMore, Event{Named: added})
	})
}
