package office

import (
	"context"
	"encoding/json"
	"fmt"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/notify/letter"
	"ringfence/internal/notify/wording"
	"ringfence/internal/store"
)

// NoticeAct is a notice to many, as it is proposed.
type NoticeAct struct {
	Launch notice.Launch `json:"launch"`
	Says   notice.Spec   `json:"says"` // with the edition of its words: who agrees, agrees to exactly these
}

// notices makes what gives notices.
func (o *Office) notices() *notice.Notices {
	return notice.New(notice.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Contacts: o.Contacts, Approvals: o.Approvals, Outbox: o.Outbox, Clock: o.Clock, Zone: o.Zone,
		Numbers: numbersOf(o.Policy, notice.NumbersOf), Calendars: o.calendars,
		Words: o.noticeWords, Insert: o.insert, Page: o.page})
}

// ProposeNotice proposes that a notice be given to many. How many it would go to by which way, and who would be left out and why, is
// counted before anybody is asked to agree; nothing goes before somebody has.
//
// cite: P-26, P-27, 47 CFR 64.2009(d)
func (o *Office) ProposeNotice(ctx context.Context, id cpni.ID, s notice.Spec, l notice.Launch, by cpni.ID) (*countersign.Proposal, error) {
	s, err := o.Notices.Check(s, l)
	if err == nil {
		s, err = o.Notices.Worded(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	if !l.Starts.IsZero() && l.Starts.Before(o.Clock.Now()) {
		return nil, cpni.Rejected("BAD_INPUT", "a notice begins now or later", []string{"P-27"}, "leave the start out, or give a moment that is to come")
	}
	if err := o.hushNotice(ctx, s.Edition, by); err != nil {
		return nil, err
	}
	l.Starts, l.By = l.Starts.UTC(), by
	return o.Proposals.Propose(ctx, id, countersign.Notice, NoticeAct{l, s}, by)
}

// holdsNotice reports whether a notice can still be given as it was proposed.
func (o *Office) holdsNotice(ctx context.Context, a NoticeAct) error {
	if _, err := o.Notices.Check(a.Says, a.Launch); err != nil {
		return err
	}
	return o.hushNotice(ctx, a.Says.Edition, a.Launch.By)
}

// text gives a notice's text on paper in a language, and what it is filled with.
func (o *Office) text(r notice.Run, message cpni.ID, language string) (*wording.Template, map[string]string, error) {
	e, err := o.Editions.Edition(r.Spec.Edition)
	if err != nil {
		return nil, nil, err
	}
	t, ok := e.Template(cpni.Postal, language)
	if !ok {
		return nil, nil, cpni.Rejected("TEMPLATE", "the notice has no text on paper", []string{"P-27"}, "make an edition with one")
	}
	return t, o.NoticeTokens(message), nil
}

// insert prints the page that lies in a bill.
func (o *Office) insert(r notice.Run, language string) (notify.Enclosure, string, error) {
	t, tokens, err := o.text(r, r.ID, language)
	if err != nil {
		return notify.Enclosure{}, "", err
	}
	words, err := t.Write(tokens)
	if err != nil {
		return notify.Enclosure{}, "", err
	}
	doc, err := letter.Insert{Carrier: o.Carrier.Name, Language: t.Language(), Made: r.At, Words: words}.PDF()
	return notify.Enclosure{Name: "notice-" + string(r.ID) + "-" + t.Language() + ".pdf", Type: "application/pdf", Bytes: doc}, t.Version(), err
}

// page writes a notice for the portal.
func (o *Office) page(r notice.Run, message cpni.ID, language string) (notify.Words, error) {
	t, tokens, err := o.text(r, message, language)
	if err != nil {
		return notify.Words{}, err
	}
	words, err := t.Write(tokens)
	if err != nil {
		return notify.Words{}, err
	}
	words.HTML, err = t.Fragment(tokens)
	return words, err
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
