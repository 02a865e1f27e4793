package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
)

// noticePlaces are the templates of messages to customers, which whoever is signed in may read as they may the rules.
func noticePlaces() []place {
	const notice = "/notices/{kind}/{via}/{language}"
	return []place{
		{pattern: "/notices", get: (*visit).noticesPage},
		{pattern: notice, get: (*visit).noticePage},
		{pattern: notice + "/mail", get: (*visit).noticeMail},
	}
}

// noticeWays are the pages' words for how a message travels.
var noticeWays = map[cpni.Via]string{cpni.Text: "text message", cpni.Voice: "call", cpni.Email: "e-mail", cpni.Postal: "letter"}

// noticesView are all templates, by what they are about.
type noticesView struct {
	page
	Count int
	Kinds []noticeKind
}

type noticeKind struct {
	ID, Title, Hides string
	Cites            string
	Ways             []noticeWay
}

// noticeWay is a kind of message in one way, in all its languages.
type noticeWay struct {
	Name, Dated string
	Urgent      bool
	Languages   []noticeLink
}

type noticeLink struct {
	Text, Language string
	Address        templ.SafeURL
	Here           bool
}

func noticeAddress(t *wording.Template) templ.SafeURL {
	return templ.SafeURL(fmt.Sprintf("/notices/%s/%s/%s", t.Kind(), t.Via(), t.Language()))
}

func noticeTitle(kind string) string { return capital(strings.ReplaceAll(kind, "-", " ")) }

// noticesPage lists the templates.
//
// cite: P-23, P-27, 47 CFR 64.2010(f)
func (v *visit) noticesPage() error {
	view := noticesView{page: v.page("Notices", "/rules")}
	for _, t := range v.office.Wording.Templates() {
		view.Count++
		if n := len(view.Kinds); n == 0 || view.Kinds[n-1].ID != t.Kind() {
			view.Kinds = append(view.Kinds, noticeKind{ID: t.Kind(), Title: noticeTitle(t.Kind()), Hides: t.Hides(), Cites: strings.Join(t.Cites(), ", ")})
		}
		k := &view.Kinds[len(view.Kinds)-1]
		name := noticeWays[t.Via()]
		if n := len(k.Ways); n == 0 || k.Ways[n-1].Name != name {
			k.Ways = append(k.Ways, noticeWay{Name: name, Dated: t.Dated(), Urgent: t.Urgent()})
		}
		w := &k.Ways[len(k.Ways)-1]
		w.Languages = append(w.Languages, noticeLink{Text: capital(t.LanguageName()), Language: t.Language(), Address: noticeAddress(t)})
	}
	return v.show(http.StatusOK, noticesPage(view))
}

// noticeView is one template, filled.
type noticeView struct {
	page
	Kind, Way, Language, LanguageID string
	Via                             cpni.Via
	Version, Dated, Hides, Cites    string
	Urgent                          bool
	Others                          []noticeLink // languages and ways
	Tokens                          []noticeToken
	Elements                        []wording.Element

	Words    notify.Words
	Segments int
	Paper    []string // paragraphs of a letter or an e-mail without HTML
	Mail     templ.SafeURL

	Checklist []checkedItem // of a notice about customer information
	Marked    *markedText
	Insert    templ.SafeURL

	To      string        // for whom it is filled; "" for nobody
	Place   string        // where it would go, masked
	Contact string        // name of the customer in the contact in progress
	With    templ.SafeURL // fills it for that customer
}

type noticeToken struct{ Name, Means, Shown string }

// notice finds the template of the address.
func (v *visit) notice() (*wording.Template, error) {
	kind, via, language := v.r.PathValue("kind"), cpni.Via(v.r.PathValue("via")), v.r.PathValue("language")
	t, ok := v.office.Wording.Template(kind, via, language)
	if !ok || t.Language() != language {
		return nil, errNowhere
	}
	return t, nil
}

// filling are the tokens of a preview: what this carrier would put in, and samples that are nobody's for the rest. A code is
// never a real one.
func (v *visit) filling(t *wording.Template, name string) map[string]string {
	tokens := t.Sample()
	tokens["carrier"] = v.options.Carrier
	tokens["when"], tokens["until"] = wording.Moment(v.now.In(v.office.Zone)), wording.Moment(v.now.In(v.office.Zone))
	for token, own := range map[string]string{"answer-email": v.office.Carrier.Email, "answer-web": v.office.Carrier.Web} {
		if own != "" {
			tokens[token] = own
		}
	}
	if name != "" {
		tokens["name"] = name
	}
	return tokens
}

// noticePage shows one template with what it has to say and why, and what a customer gets. In a contact in progress it can
// be filled for that customer, of whom it shows the name and, masked, where it would go.
//
// cite: P-23, P-25, P-42, 47 CFR 64.2010(f)
func (v *visit) noticePage() error {
	t, err := v.notice()
	if err != nil {
		return err
	}
	view := noticeView{page: v.page(noticeTitle(t.Kind())+" by "+noticeWays[t.Via()], "/rules"), Kind: noticeTitle(t.Kind()), Way: noticeWays[t.Via()], Via: t.Via(),
		Language: capital(t.LanguageName()), LanguageID: t.Language(), Version: t.Version(), Dated: t.Dated(), Hides: t.Hides(), Cites: strings.Join(t.Cites(), ", "), Urgent: t.Urgent(), Elements: t.Elements()}
	for _, o := range v.office.Wording.Templates() {
		if o.Kind() == t.Kind() && (o.Via() == t.Via() || o.Language() == t.Language()) {
			view.Others = append(view.Others, noticeLink{Text: capital(noticeWays[o.Via()]) + ", " + o.LanguageName(), Language: o.Language(), Address: noticeAddress(o), Here: o == t})
		}
	}
	if s := v.at(); s != nil {
		p, _, err := v.office.Customers.Get(v.r.Context(), s.Customer)
		if err != nil {
			return err
		}
		view.Contact, view.With = p.Name, noticeAddress(t)+"?for=contact"
		if v.r.URL.Query().Get("for") == "contact" {
			view.To, view.Place = p.Name, placeBy(p, t.Via(), v)
		}
	}
	tokens := v.filling(t, view.To)
	for _, name := range t.Tokens() {
		view.Tokens = append(view.Tokens, noticeToken{name, wording.Meaning(name), tokens[name]})
	}
	view.Words, err = t.Write(tokens)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view.Problem = problemOf(refusal)
		return v.show(http.StatusOK, noticePage(view))
	}
	if err != nil {
		return err
	}
	if isNoticeKind(t.Kind()) {
		m := markedOf(t, view.Words)
		view.Checklist, view.Marked, view.Insert = checkedOf(t), &m, insertAddress(t)
	}
	view.Segments = wording.Segments(view.Words.Text)
	view.Paper = strings.Split(strings.TrimSpace(view.Words.Text), "\n\n")
	if view.Words.HTML != "" {
		view.Mail = noticeAddress(t) + "/mail"
		v.w.Header().Set("Content-Security-Policy", v.w.Header().Get("Content-Security-Policy")+"; frame-src 'self'")
	}
	return v.show(http.StatusOK, noticePage(view))
}

// placeBy gives, masked, the place on the account by which a message could go this way; "" there is none. Whether it may go
// there is decided when it is sent.
func placeBy(p *customer.Profile, via cpni.Via, v *visit) string {
	var a customer.Address
	ok := false
	switch via {
	case cpni.Email:
		a, ok = customer.Current(p.Email, v.now)
	case cpni.Postal:
		a, ok = customer.Current(p.Postal, v.now)
	default:
		if lines := p.LiveLines(v.now); len(lines) > 0 {
			a.Value, ok = lines[0].Number, true
		}
	}
	if !ok {
		return ""
	}
	return customer.Masked(a.Value)
}

// noticeMail is the HTML of an e-mail by itself, as a mail program shows it: nothing in it runs, loads or leads anywhere.
//
// cite: P-25, P-37
func (v *visit) noticeMail() error {
	t, err := v.notice()
	if err != nil {
		return err
	}
	words, err := t.Write(v.filling(t, ""))
	if err != nil {
		return err
	}
	if words.HTML == "" {
		return errNowhere
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'; base-uri 'none'; sandbox")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(http.StatusOK)
	if v.r.Method != http.MethodHead {
		v.w.Write([]byte(words.HTML))
	}
	return nil
}

// elementCites gives what an element rests on.
func elementCites(e wording.Element) string { return strings.Join(e.Cites, ", ") }

// spacedDigits are digits as they are read.
func spacedDigits(digits string) string { return strings.Join(strings.Split(digits, ""), " ") }

// onMachine reports whether a call leaves out something when a machine has taken it.
func onMachine(spoken []notify.Spoken) bool {
	return slices.ContainsFunc(spoken, func(s notify.Spoken) bool { return s.NotOnMachine })
}
