package console

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/letter"
	"ringfence/internal/notify/wording"
)

// noticeTextPlaces are the texts of notices about customer information, held against the law's checklist.
func noticeTextPlaces() []place {
	return []place{
		{pattern: "/notices/draft", get: (*visit).draftPage, post: (*visit).checkDraft, files: true},
		{pattern: "/notices/{kind}/postal/{language}/insert", get: (*visit).noticeInsert},
	}
}

// noticeKinds are those that the checklist is for.
var noticeKinds = []option{{notify.OptOutNotice, "Opt-out notice, which silence answers"}, {notify.OptInRequest, "Opt-in request, which only a yes answers"}}

// markedText is a text of a notice with the items of the checklist at its margin.
type markedText struct {
	Title, Language string
	Subject         string
	Parts           []markedPart
}

type markedPart struct {
	Items []string
	Lines []string // several of a list
}

// markedOf sets the items at the margin of a text that has been filled.
func markedOf(t *wording.Template, w notify.Words) markedText {
	m := markedText{Title: capital(noticeWays[t.Via()]) + ", " + t.LanguageName(), Language: t.Language(), Subject: w.Subject}
	says := strings.Split(strings.TrimSpace(w.Text), "\n\n")
	for i, p := range t.Marked() {
		if i < len(says) {
			m.Parts = append(m.Parts, markedPart{p.Items, strings.Split(says[i], "\n")})
		}
	}
	return m
}

// checkedItem is an item of the checklist with where a text keeps it.
type checkedItem struct {
	ID, Asks, Cite, Kept string
}

// checkedOf tells of each item where a text keeps it. What a text may not say was looked for when it was loaded.
//
// cite: P-02, P-08, P-27, 47 CFR 64.2008(c)
func checkedOf(t *wording.Template) []checkedItem {
	var all []checkedItem
	for _, i := range wording.Items {
		if !i.For(t.Kind()) {
			continue
		}
		c := checkedItem{ID: i.ID, Asks: i.Asks, Cite: i.Cite}
		n := 0
		for _, p := range t.Marked() {
			if slices.Contains(p.Items, i.ID) {
				n++
			}
		}
		switch {
		case n > 0:
			c.Kept = counted(n, "part", "parts")
		case i.Must == wording.May:
			c.Kept = "left out, as it may be"
		case i.Must == wording.Never:
			c.Kept = "looked for in every part, and not found"
		case i.ID == "N-10":
			c.Kept = "by the layout: 10 points or more in print, 13 pixels or more on a screen"
		default:
			c.Kept = "looked at in every part"
		}
		switch i.Must {
		case wording.Never:
			c.Asks = "never " + i.Asks
		case wording.May:
			c.Asks = "may say" + strings.TrimPrefix(i.Asks, "says")
		}
		all = append(all, c)
	}
	return all
}

// draftView is the form for a carrier's own text, with what is wrong with it or what a customer would get.
type draftView struct {
	page
	Kind  string
	Text  string
	Flaws []flawView
	Whole bool
	Texts []markedText
}

type flawView struct {
	Line       int
	Code       string
	Says, Cite string
}

// draftPage shows the form, with the policy's own text to begin with.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)
func (v *visit) draftPage() error {
	kind := v.r.URL.Query().Get("kind")
	if kind == "" {
		kind = notify.OptOutNotice
	}
	text := v.office.Wording.Text(kind)
	if text == nil {
		return errNowhere
	}
	return v.show(http.StatusOK, draftPage(draftView{page: v.page("Check a text of your own", "/rules"), Kind: kind, Text: string(text)}))
}

// checkDraft holds a text against the checklist. Nothing of it is kept: it takes effect as a file of the policy.
//
// cite: P-02, P-08, P-27, V52, V53, V54, 47 CFR 64.2008(c), 47 CFR 64.2008(d)
func (v *visit) checkDraft() error {
	view := draftView{page: v.page("Check a text of your own", "/rules"), Kind: v.field("kind"), Text: v.form.Get("text")}
	if strings.TrimSpace(view.Text) == "" && len(v.uploads) > 0 {
		view.Text = v.uploads[0].Text
	}
	d, err := v.office.Wording.ParseDraft([]byte(view.Text))
	var refused *wording.Refused
	if errors.As(err, &refused) {
		var refusal *cpni.Refusal
		if errors.As(err, &refusal) {
			view.Problem = problemOf(refusal)
			view.Problem.Retry = "text"
		}
		for _, f := range refused.Flaws {
			view.Flaws = append(view.Flaws, flawView{f.Line, string(f.Code), sentence(f.Says), f.Cite})
		}
		return v.show(http.StatusUnprocessableEntity, draftPage(view))
	}
	if err != nil {
		return err
	}
	view.Kind, view.Whole = d.Kind(), true
	for _, t := range d.Templates() {
		words, err := t.Write(v.filling(t, ""))
		var refusal *cpni.Refusal
		if errors.As(err, &refusal) {
			view.Problem = problemOf(refusal) // of the carrier's own facts
			continue
		}
		if err != nil {
			return err
		}
		view.Texts = append(view.Texts, markedOf(t, words))
	}
	return v.show(http.StatusOK, draftPage(view))
}

// noticeInsert is a notice as the page that goes with a bill, filled with samples.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)(5)
func (v *visit) noticeInsert() error {
	t, ok := v.office.Wording.Template(v.r.PathValue("kind"), cpni.Postal, v.r.PathValue("language"))
	if !ok || t.Language() != v.r.PathValue("language") || !isNoticeKind(t.Kind()) {
		return errNowhere
	}
	words, err := t.Write(v.filling(t, ""))
	if err != nil {
		return err
	}
	file, err := letter.Insert{Carrier: v.options.Carrier, Language: t.Language(), Made: v.now, Words: words}.PDF()
	var unfit *letter.Unfit
	if errors.As(err, &unfit) {
		return cpni.Rejected("NOTICE_N10", unfit.Says, []string{"47 CFR 64.2008(c)(5)"}, "say it in fewer words")
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `inline; filename="`+t.Kind()+"-"+t.Language()+`.pdf"`)
	http.ServeContent(v.w, v.r, "", v.now, bytes.NewReader(file))
	return nil
}

func isNoticeKind(kind string) bool {
	return slices.ContainsFunc(noticeKinds, func(o option) bool { return o.Value == kind })
}

// insertAddress is where a letter's text is shown as a bill insert; "" of what is none.
func insertAddress(t *wording.Template) templ.SafeURL {
	if t.Via() != cpni.Postal || !isNoticeKind(t.Kind()) {
		return ""
	}
	return noticeAddress(t) + "/insert"
}
