package portal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"ringfence/internal/notify/letter"
	"ringfence/internal/publish"
)

// publicPlaces are the carrier's public policy: nobody signs in to read it, and nothing of it is about anybody. The signal of a browser
// in which a customer is signed in counts there as on the pages of the account.
//
// cite: P-55, P-56, P-58, 47 CFR 64.2008(b)
func publicPlaces() []place {
	return []place{
		{"GET /privacy", hearing((*Portal).policyPage)},
		{"GET /privacy/versions", hearing((*Portal).versionsPage)},
		{"GET /privacy/changes/{from}/{to}", hearing((*Portal).changesPage)},
		{"GET /privacy/{version}", hearing((*Portal).versionPage)},
	}
}

// publicView is a version of the policy.
type publicView struct {
	page
	Version  *publish.Version
	Standing string // since when it is in force, or will be
	Old      bool   // it is not the one in force
	Next     *publish.Version
	NextFrom string // when Next takes effect
	Before   string // the version before it; "" it is the first
	PDF      string
	Refuse   refusing
}

// refusing is how one refuses without signing in.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3)
type refusing struct{ Email, Phone, Post, Web string }

func (r refusing) mail(language string) templ.SafeURL {
	return templ.SafeURL("mailto:" + r.Email + "?subject=" + url.PathEscape(say(language, "public-subject")))
}

func (r refusing) call() templ.SafeURL {
	return templ.SafeURL("tel:" + strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c == '+' {
			return c
		}
		return -1
	}, r.Phone))
}

func refusingOf(v *publish.Version) refusing {
	return refusing{v.Facts[publish.AnswerEmail], v.Facts[publish.Telephone], v.Facts[publish.PostAddress], v.Facts[publish.Web]}
}

func versionAddress(v, language string) string {
	return "/privacy/" + url.PathEscape(v) + "?language=" + language
}

func changesAddress(from, to, language string) string {
	return "/privacy/changes/" + url.PathEscape(from) + "/" + url.PathEscape(to) + "?language=" + language
}

// policyPage shows the policy in force.
//
// cite: P-55, P-58
func (p *Portal) policyPage(w http.ResponseWriter, r *http.Request) error {
	v, _ := p.office.Published.Current(p.office.Clock.Now())
	if v == nil {
		p.showPublic(w, r, http.StatusNotFound, publicNone(p.page(r, "public-none")))
		return nil
	}
	p.showPublic(w, r, http.StatusOK, publicPage(p.publicView(r, v)))
	return nil
}

// versionPage shows a version, or hands it over as a PDF.
//
// cite: P-55, P-58
func (p *Portal) versionPage(w http.ResponseWriter, r *http.Request) error {
	name, pdf := strings.CutSuffix(r.PathValue("version"), ".pdf")
	v, err := p.office.Published.Version(name)
	if errors.Is(err, publish.ErrNone) || pdf && p.options.Pages == nil {
		p.showPublic(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
		return nil
	}
	if err != nil {
		return err
	}
	if !pdf {
		p.showPublic(w, r, http.StatusOK, publicPage(p.publicView(r, v)))
		return nil
	}
	l := language(r)
	file, _, err := p.options.Pages(l, p.publicParts(v, l))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `inline; filename="privacy-`+name+"-"+l+`.pdf"`)
	h.Set("Content-Language", l)
	h.Set("Cache-Control", publicCache)
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(file)
	return nil
}

func (p *Portal) publicView(r *http.Request, v *publish.Version) publicView {
	view := publicView{page: p.page(r, "public-none"), Version: v, Refuse: refusingOf(v)}
	l := view.Language
	view.Title = v.Title.In(l)
	view.Standing = p.dated(v, l)
	now := p.office.Clock.Now()
	current, _ := p.office.Published.Current(now)
	view.Old = v != current
	all := p.office.Published.Versions()
	i := slices.Index(all, v)
	if i > 0 {
		view.Before = all[i-1].Version
	}
	if v == current && i >= 0 && i+1 < len(all) {
		view.Next = all[i+1]
		view.NextFrom = dateIn(l, view.Next.Effective.In(p.office.Zone))
	}
	if p.options.Pages != nil {
		view.PDF = "/privacy/" + url.PathEscape(v.Version) + ".pdf?language=" + l
	}
	return view
}

// dated says since when a version is in force.
func (p *Portal) dated(v *publish.Version, l string) string {
	now := p.office.Clock.Now()
	key := "public-was"
	if current, _ := p.office.Published.Current(now); v == current {
		key = "public-in-force"
	} else if now.Before(v.Effective) {
		key = "public-will"
	}
	return fmt.Sprintf(say(l, key), v.Version, dateIn(l, v.Effective.In(p.office.Zone)))
}

// publicParts is a version as a document.
//
// cite: P-55
func (p *Portal) publicParts(v *publish.Version, l string) []letter.Part {
	parts := []letter.Part{{Kind: letter.Title, Text: v.Title.In(l)}, {Kind: letter.Paragraph, Text: p.dated(v, l) + "."}}
	for _, s := range v.Sections {
		parts = append(parts, letter.Part{Kind: letter.Heading, Text: s.Title.In(l)})
		for _, x := range s.Sentences {
			parts = append(parts, letter.Part{Kind: letter.Paragraph, Text: x.In(l)})
		}
	}
	parts = append(parts, letter.Part{Kind: letter.Heading, Text: say(l, "public-covers")})
	for _, c := range coverLists(v.Covers, l) {
		parts = append(parts, letter.Part{Kind: letter.Paragraph, Text: c.Title + ": " + strings.Join(c.Words, "; ") + "."})
	}
	return parts
}

// coverList is one of the three lists of what a policy covers.
type coverList struct {
	Title string
	Words []string
}

// coverLists are those lists that are not empty.
//
// cite: P-56, 47 CFR 64.2008(c)(2)
func coverLists(c publish.Covers, l string) []coverList {
	var all []coverList
	add := func(title string, words []string) {
		if len(words) > 0 {
			all = append(all, coverList{say(l, title), words})
		}
	}
	var purposes, recipients, data []string
	for _, x := range c.Purposes {
		purposes = append(purposes, coveredWord(l, "for", string(x)))
	}
	for _, x := range c.Recipients {
		recipients = append(recipients, coveredWord(l, "to", x))
	}
	for _, x := range c.Data {
		data = append(data, coveredWord(l, "data", string(x)))
	}
	add("public-purposes", purposes)
	add("public-recipients", recipients)
	add("public-data", data)
	return all
}

// versionsView lists the versions, the newest first.
type versionsView struct {
	page
	Rows []versionRow
}

type versionRow struct {
	Version, From, At, State   string
	Read, Changes, PDF, Before string
}

// versionsPage lists every version.
//
// cite: P-55, P-58
func (p *Portal) versionsPage(w http.ResponseWriter, r *http.Request) error {
	view := versionsView{page: p.page(r, "public-versions")}
	l, now := view.Language, p.office.Clock.Now()
	current, _ := p.office.Published.Current(now)
	all := p.office.Published.Versions()
	for i, v := range slices.Backward(all) {
		row := versionRow{Version: v.Version, From: dateIn(l, v.Effective.In(p.office.Zone)), At: dateIn(l, v.At.In(p.office.Zone)), Read: versionAddress(v.Version, l), State: say(l, "public-state-past")}
		switch {
		case v == current:
			row.State = say(l, "public-state-now")
		case now.Before(v.Effective):
			row.State = say(l, "public-state-coming")
		}
		if i > 0 {
			row.Before = all[i-1].Version
			row.Changes = changesAddress(row.Before, v.Version, l)
		}
		if p.options.Pages != nil {
			row.PDF = "/privacy/" + url.PathEscape(v.Version) + ".pdf?language=" + l
		}
		view.Rows = append(view.Rows, row)
	}
	p.showPublic(w, r, http.StatusOK, publicVersions(view))
	return nil
}

// changesView tells what changed between two versions.
type changesView struct {
	page
	Diff          publish.Difference
	Changes       []changeView
	Alike         string
	Now, NoLonger []coverList
	Read, WasRead string
}

type changeView struct {
	publish.Change
	Word    string // New, Removed, Changed or Moved
	Section string
	Pieces  []publish.Piece
}

// changesPage shows sentence by sentence what changed; without colours it says the same.
//
// cite: P-55, P-56
func (p *Portal) changesPage(w http.ResponseWriter, r *http.Request) error {
	d, err := p.office.Published.Diff(r.PathValue("from"), r.PathValue("to"))
	if errors.Is(err, publish.ErrNone) {
		p.showPublic(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
		return nil
	}
	if err != nil {
		return err
	}
	view := changesView{page: p.page(r, "public-changes"), Diff: d}
	l := view.Language
	view.Title = fmt.Sprintf(say(l, "public-changes"), d.From, d.To)
	view.Read, view.WasRead = versionAddress(d.To, l), versionAddress(d.From, l)
	view.Now, view.NoLonger = coverLists(d.Covers, l), coverLists(d.NoLonger, l)
	count := map[publish.Kind]int{}
	for _, c := range d.Changes {
		count[c.Kind]++
		view.Changes = append(view.Changes, changeView{Change: c, Section: c.Section.In(l), Pieces: c.Pieces(l),
			Word: say(l, map[publish.Kind]string{publish.Added: "public-new", publish.Removed: "public-gone", publish.Changed: "public-other", publish.Moved: "public-moved"}[c.Kind])})
	}
	view.Alike = fmt.Sprintf(say(l, "public-alike"), d.Same, count[publish.Added], count[publish.Removed], count[publish.Changed], count[publish.Moved])
	p.showPublic(w, r, http.StatusOK, publicChanges(view))
	return nil
}

// publicCache: what is public may be kept, and is asked for again before it is shown: a version takes effect at a moment.
const publicCache = "no-cache"

// showPublic sends a page that everybody may find and keep.
func (p *Portal) showPublic(w http.ResponseWriter, r *http.Request, status int, body templ.Component) {
	var text bytes.Buffer
	if err := body.Render(context.WithoutCancel(r.Context()), &text); err != nil {
		p.options.Report(err)
		http.Error(w, say(language(r), "trouble"), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Content-Language", language(r))
	h.Set("Vary", "Accept-Language")
	h.Set("Cache-Control", publicCache)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}
