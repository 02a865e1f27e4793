package office

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/store"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// NoticeAct is a notice to many, as it is proposed.
type NoticeAct struct {
	Launch notice.Launch `json:"launch"`
	Says   notice.Spec   `json:"says"`
	// Words are the versions of the templates by which it will be written: who agrees has seen these.
	Words []string `json:"words,omitempty"`
}

// notices makes what gives notices.
func (o *Office) notices() (*notice.Notices, error) {
	calendars, err := workday.Load(policy.Files)
	if err != nil {
		return nil, err
	}
	return notice.New(notice.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Contacts: o.Contacts, Approvals: o.Approvals, Outbox: o.Outbox, Clock: o.Clock, Zone: o.Zone,
		Numbers: numbersOf(o.Policy, notice.NumbersOf), Calendars: calendars, Page: o.page}), nil
}

// ProposeNotice proposes that a notice be given to many. How many it would go to by which way, and who would be left out and why, is
// counted before anybody is asked to agree; nothing goes before somebody has.
//
// cite: P-26, P-27, 47 CFR 64.2009(d)
func (o *Office) ProposeNotice(ctx context.Context, id cpni.ID, s notice.Spec, l notice.Launch, by cpni.ID) (*countersign.Proposal, error) {
	s, err := o.Notices.Check(s, l)
	if err != nil {
		return nil, err
	}
	if !l.Starts.IsZero() && l.Starts.Before(o.Clock.Now()) {
		return nil, cpni.Rejected("BAD_INPUT", "a notice begins now or later", []string{"P-27"}, "leave the start out, or give a moment that is to come")
	}
	l.Starts, l.By = l.Starts.UTC(), by
	return o.Proposals.Propose(ctx, id, countersign.Notice, NoticeAct{l, s, o.wordsOf(s)}, by)
}

// wordsOf names the templates in use that a notice would be written by.
func (o *Office) wordsOf(s notice.Spec) []string {
	var all []string
	for _, t := range o.Wording.Templates() {
		if t.Kind() == s.Message() && slices.Contains(s.Ways, string(t.Via())) {
			all = append(all, t.Version())
		}
	}
	return all
}

// holdsNotice reports whether a notice can still be given as it was proposed, in the same words.
func (o *Office) holdsNotice(_ context.Context, a NoticeAct) error {
	if _, err := o.Notices.Check(a.Says, a.Launch); err != nil {
		return err
	}
	if !slices.Equal(a.Words, o.wordsOf(a.Says)) {
		return cpni.Rejected("MOVED", "the words of the notice have changed since it was proposed", []string{"P-27"}, "propose it again, and read them anew")
	}
	return nil
}

// tryNotice counts how a notice would go.
func (o *Office) tryNotice(ctx context.Context, act []byte, heard func()) (report any, passed bool, err error) {
	a, err := read[NoticeAct](act)
	if err != nil {
		return nil, false, err
	}
	c, err := o.Notices.Count(ctx, a.Says, a.Launch, heard)
	return c, c.Goes() > 0 || a.Launch.Audience.Standing, err
}

// doNotice begins a notice that was agreed to.
//
// cite: P-27, 47 CFR 64.2009(d)
func (o *Office) doNotice(ctx context.Context, tx *store.Tx, act, report []byte, by string) ([]ledger.Entry, func(context.Context) error, error) {
	a, err := read[NoticeAct](act)
	if err != nil {
		return nil, nil, err
	}
	var c notice.Count
	if err := json.Unmarshal(report, &c); err != nil {
		return nil, nil, fmt.Errorf("reading how a notice would go: %w", err)
	}
	_, entries, err := o.Notices.LaunchTx(ctx, tx, a.Says, a.Launch, by, c.Customers)
	return entries, nil, err
}
