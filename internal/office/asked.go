package office

import (
	"context"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
)

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
	if err := o.KeepEdition(ctx, e); err != nil {
		return notice.Run{}, nil, err
	}
	run, err := o.Notices.Offered(ctx, notice.Spec{Kind: approval.OptIn, Purposes: of.Purposes, Data: data, Recipients: recipients, Edition: e.Version()})
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
