package answer

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Entered is an answer on paper that somebody enters: a letter, or a form that was filled in at a shop.
type Entered struct {
	Customer cpni.ID
	Notice   cpni.ID // that it answers; "" it names none
	Contact  cpni.ID // in which it was handed over; "" it came by post
	Says     approval.Say
	Scope    string // "" of an objection: everything
	Via      string // approval.ByPostal or approval.ByStore
	Received workday.Date
	Reason   string // why it is entered so late; "" it is not late
	Signed   bool
	Scan     []byte
	By       cpni.ID
}

var (
	errVia    = cpni.Rejected("BAD_INPUT", "paper comes by post or is handed over in a shop", []string{"P-12"}, "say postal or store")
	errDay    = cpni.Rejected("BAD_INPUT", "an answer was not received on a day to come", []string{"P-12"}, "give the day that is stamped on it")
	errReason = cpni.Rejected("REASON", "it was received so long ago that the record has to say why it is entered only now", []string{"P-12", "47 CFR 64.2007(a)(2)"}, "write in a few words what happened")
	// errNoneBefore: a letter that takes a refusal back ends one from before the day on which it was received.
	errNoneBefore = cpni.Rejected("NOT_FOUND", "the customer has no such refusal from before the day on which the letter was received", []string{"P-14", "47 CFR 64.2007(a)(2)"}, "look where their approvals stand", "ask the customer, who may have refused after they wrote")
	errScan       = cpni.Rejected("BAD_INPUT", "a scan is a PDF, JPEG or PNG file of at most 2 MiB", []string{"P-36"}, "scan it again with fewer colours", "or give none: a refusal counts without")
)

// Sniff tells what sort of file a scan is, by its own first bytes; ok is false when it is none that is taken.
func Sniff(scan []byte) (media string, ok bool) {
	for media, begins := range map[string][]byte{"application/pdf": []byte("%PDF-"), "image/jpeg": {0xff, 0xd8, 0xff}, "image/png": []byte("\x89PNG\r\n\x1a\n")} {
		if bytes.HasPrefix(scan, begins) {
			return media, true
		}
	}
	return "", false
}

// Enter records an answer on paper. It counts from the day on which it was received and not from when it is entered: a refusal from
// that day's beginning, a yes from its end; and a yes ends no refusal of that very day. The same letter entered twice counts once, unless
// the customer has allowed on that day what it refuses.
//
// cite: P-10, P-12, P-14, P-36, 47 CFR 64.2007(a)
func (d *Desk) Enter(ctx context.Context, x Entered) (event cpni.ID, err error) {
	now := d.Clock.Now()
	today := workday.DateIn(now, d.Zone)
	x.Reason = strings.TrimSpace(x.Reason)
	late := x.Received.DaysUntil(today) > d.Numbers(now).BackdateDays
	switch {
	case x.Via != approval.ByPostal && x.Via != approval.ByStore:
		return "", errVia
	case x.Received.IsZero() || x.Received.After(today):
		return "", errDay
	case late && x.Reason == "" || len([]rune(x.Reason)) > mostNote:
		return "", errReason
	}
	a := approval.Answer{Customer: x.Customer, Says: x.Says, Scope: x.Scope, Via: x.Via, Contact: x.Contact, Notice: x.Notice, By: string(x.By), Signed: x.Signed}
	if a.At = x.Received.Start(d.Zone); x.Says != approval.Object {
		if a.At = x.Received.End(d.Zone).Add(-time.Microsecond); a.At.After(now) {
			a.At = now
		}
		if x.Contact == "" { // nobody knows whether it came before or after what else was said on that day
			a.From = x.Received.Start(d.Zone)
		}
	}
	a.Evidence = &approval.Evidence{Kind: map[string]string{approval.ByPostal: "letter", approval.ByStore: "form"}[x.Via], Says: "received on " + x.Received.String()}
	if x.Signed {
		a.Evidence.Says += ", signed"
	}
	if late {
		a.Evidence.Says += "; entered late: " + x.Reason
	}
	if len(x.Scan) > 0 {
		if _, ok := Sniff(x.Scan); !ok || len(x.Scan) > approval.MostEvidence {
			return "", errScan
		}
		a.Evidence.Raw = x.Scan
	}
	paper := said{via: x.Via, key: x.Received.String()}
	parts := []string{"entered", string(x.Customer), string(x.Says), x.Scope, string(x.Notice)}
	if x.Says == approval.Object {
		more, err := d.since(ctx, x.Customer, x.Received.End(d.Zone))
		if err != nil {
			return "", err
		}
		parts = append(parts, more...)
	}
	a.As = paper.id(parts...)
	event, err = d.Approvals.Answer(ctx, a)
	if err != nil || x.Says != approval.Lift {
		return event, err
	}
	if _, err := d.Approvals.Event(ctx, x.Customer, event); errors.Is(err, approval.ErrNoEvidence) {
		return "", errNoneBefore
	} else if err != nil {
		return "", err
	}
	return event, nil
}

// since is sinceTx of an answer that is to be recorded by itself.
func (d *Desk) since(ctx context.Context, of cpni.ID, before time.Time) (parts []string, err error) {
	err = d.DB.Tx(ctx, func(tx *store.Tx) error {
		parts, err = d.sinceTx(ctx, tx, of, before)
		return err
	})
	return parts, err
}
