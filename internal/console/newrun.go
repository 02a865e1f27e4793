package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/workday"
)

// newRunView is a run that somebody describes.
type newRunView struct {
	page
	Key                                  cpni.ID
	Name, Kind, Who, Months, Since, Wait string
	Starts, Customers, Recipients        string
	Purposes, Ways                       []string
	Standing                             bool
	Partners                             []option
	Edition                              string
}

func (v newRunView) has(list []string, what string) bool { return slices.Contains(list, what) }

func (v *visit) newRunPage() error {
	view := newRunView{page: v.page("A new notice", "/runs"), Key: cpni.NewID(), Kind: approval.OptOut, Who: notice.Never, Months: "4", Purposes: []string{string(cpni.OwnMarketing)}, Ways: []string{notice.ByEmail, notice.ByPostal}}
	if who := v.r.URL.Query().Get("who"); slices.Contains(notice.Whos, who) {
		view.Who = who
	}
	return v.showNewRun(http.StatusOK, view)
}

func (v *visit) showNewRun(status int, view newRunView) error {
	partners, err := v.office.Partners.All(v.r.Context())
	if err != nil {
		return err
	}
	for _, p := range partners {
		view.Partners = append(view.Partners, option{Value: p.ID, Text: p.ID})
	}
	return v.show(status, newRunPage(view))
}

var errField = func(what, next string) *cpni.Refusal { return cpni.Rejected("BAD_INPUT", what, nil, next) }

// proposeRun proposes what the form describes; a form that cannot be proposed is shown again with the reason.
//
// cite: P-26, P-27, 47 CFR 64.2009(d)
func (v *visit) proposeRun() error {
	id, err := v.key("proposal of a notice")
	if err != nil {
		return err
	}
	s, l, err := v.runForm()
	var p *countersign.Proposal
	if err == nil {
		p, err = v.office.ProposeNotice(v.r.Context(), id, s, l, v.member.ID)
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view := newRunView{page: v.page("A new notice", "/runs"), Key: cpni.NewID(), Name: v.field("title"), Kind: v.field("kind"), Who: v.field("who"), Months: v.field("months"), Since: v.field("since"), Wait: v.field("wait"),
			Starts: v.field("starts"), Customers: v.field("customers"), Recipients: v.field("recipients"), Purposes: v.form["purpose"], Ways: v.form["way"], Standing: v.field("standing") != "", Edition: v.field("edition")}
		view.Problem = problemOf(refusal)
		return v.showNewRun(http.StatusUnprocessableEntity, view)
	}
	return v.proposed(p, err, "/runs/new")
}

// recipientName is the name by which customers know a company; without one, its id.
func recipientName(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

func (v *visit) runForm() (s notice.Spec, l notice.Launch, err error) {
	s = notice.Spec{Kind: v.field("kind"), Edition: v.field("edition")}
	for _, p := range v.form["purpose"] {
		s.Purposes = append(s.Purposes, cpni.Purpose(p))
	}
	for _, w := range notice.Ways { // in the order in which they are tried
		if slices.Contains(v.form["way"], w) {
			s.Ways = append(s.Ways, w)
		}
	}
	if len(s.Ways) == 0 {
		return s, l, errField("a notice goes at least one way", "choose one")
	}
	for _, id := range v.form["partner"] {
		p, _, err := v.office.Partners.Get(v.r.Context(), id)
		if err != nil {
			return s, l, err
		}
		s.Recipients = append(s.Recipients, notice.Recipient{ID: p.ID, Name: recipientName(v.field("name-"+p.ID), p.ID), Class: p.Class})
	}
	number := func(name string, into *int) error {
		text := v.field(name)
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return errField("what stands under "+name+" is no number", "write digits")
		}
		*into = n
		return nil
	}
	l = notice.Launch{Title: v.field("title"), Audience: notice.Audience{Who: v.field("who"), Standing: v.field("standing") != "" && (v.field("who") == notice.Never || v.field("who") == notice.Newcomer)}}
	var months int
	if err := errors.Join(number("wait", &s.Wait), number("months", &months)); err != nil {
		return s, l, err
	}
	switch l.Audience.Who {
	case notice.Lapsing:
		l.Audience.Months = months
	case notice.Newcomer:
		if l.Audience.Since, err = workday.ParseDate(v.field("since")); err != nil {
			return s, l, errField("the day since which customers are new is no day", "give it as year, month and day")
		}
	case notice.ThoseOf:
		for id := range strings.FieldsFuncSeq(v.field("customers"), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
			l.Audience.Customers = append(l.Audience.Customers, cpni.ID(id))
		}
	}
	if day := v.field("starts"); day != "" {
		d, err := workday.ParseDate(day)
		if err != nil {
			return s, l, errField("the day on which it begins is no day", "give it as year, month and day")
		}
		if l.Starts = d.Start(v.office.Zone); !l.Starts.After(v.now) {
			l.Starts = time.Time{}
			if d != workday.DateIn(v.now, v.office.Zone) {
				return s, l, errField("the day on which it begins is past", "leave it open, or name a day that is to come")
			}
		}
	}
	return s, l, nil
}
