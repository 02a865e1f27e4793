package office

import (
	"context"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
)

// Everyday are the classes of information that a request is about when it names none: all but where somebody is.
var Everyday = []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Billing}

// Request gives the run and the words of a request for a yes, as the portal shows it: the same run for the same words. The words are
// kept by their version.
//
// cite: P-02, P-15, P-27, P-36, 47 CFR 64.2008(c), 47 CFR 64.2008(e)
func (o *Office) Request(ctx context.Context, purpose cpni.Purpose, data []cpni.DataClass, recipients ...notice.Recipient) (notice.Run, *wording.Edition, error) {
	of := wording.Spec{Kind: notify.OptInRequest, Purposes: []cpni.Purpose{purpose}, Data: data, Ways: []cpni.Via{cpni.Postal}}
	for _, r := range recipients {
		of.Recipients = append(of.Recipients, wording.Recipient{ID: r.ID, Name: r.Name, Class: r.Class})
	}
	e, err := o.Wording.Edition(of)
	if err != nil {
		return notice.Run{}, nil, err
	}
	if err := o.Outbox.Keep(ctx, map[string]func() []byte{e.Version(): e.Source}); err != nil {
		return notice.Run{}, nil, err
	}
	run, err := o.Notices.ForPortal(ctx, notice.Spec{Kind: approval.OptIn, Purposes: of.Purposes, Data: data, Recipients: recipients, Edition: e.Version()})
	return run, e, err
}

// Edition gives the words of a notice by their version; nil: they are not kept.
//
// cite: P-02, 47 CFR 64.2008(a)(2)
func (o *Office) Edition(ctx context.Context, version string) (*wording.Edition, error) {
	if version == "" {
		return nil, nil
	}
	source, err := o.Outbox.Source(ctx, version)
	if err != nil || source == nil {
		return nil, err
	}
	e, err := wording.ParseEdition(source)
	if err != nil {
		return nil, nil // it is the text of one way, which a message was written by
	}
	return e, nil
}

// page writes a notice as the portal shows it: its HTML is a piece of a page.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)
func (o *Office) page(r notice.Run, p *customer.Profile, language string) (notify.Words, error) {
	ctx := context.Background()
	e, err := o.Edition(ctx, r.Spec.Edition)
	if err != nil {
		return notify.Words{}, err
	}
	if e == nil {
		if e, err = o.Wording.Edition(o.spelled(r.Spec)); err != nil {
			return notify.Words{}, err
		}
	}
	_, _, message, err := o.Notices.With(ctx, p.ID, r.ID)
	if err != nil {
		return notify.Words{}, err
	}
	t, ok := e.Template(cpni.Postal, language)
	if !ok {
		return notify.Words{}, errNoText
	}
	tokens := o.NoticeTokens(message)
	words, err := t.Write(tokens)
	if err != nil {
		return words, err
	}
	words.HTML, err = t.Fragment(tokens)
	return words, err
}

var errNoText = cpni.Rejected("TEMPLATE", "the notice has no text for the portal", []string{"P-27", "47 CFR 64.2008(c)"}, "give its edition a text by letter, which the portal shows too")

// spelled is what a run's notice says, in the words of today's templates.
func (o *Office) spelled(s notice.Spec) wording.Spec {
	w := wording.Spec{Kind: notify.OptOutNotice, Purposes: s.Purposes, Data: s.Data, Wait: s.Wait, Ways: []cpni.Via{cpni.Postal}}
	if len(w.Data) == 0 {
		w.Data = Everyday
	}
	for _, r := range s.Recipients {
		w.Recipients = append(w.Recipients, wording.Recipient{ID: r.ID, Name: r.Name, Class: r.Class})
	}
	if s.Kind == approval.OptIn {
		w.Kind = notify.OptInRequest
		return w
	}
	w.Floor = o.Approvals.Numbers(o.Clock.Now()).Wait
	w.Wait = max(w.Wait, w.Floor)
	return w
}
