// Package portal is the customers' web. Nobody here is known before they have shown who they are: a token in an address
// finds a message, and can restrict what happens on an account, but shows nothing of it.
//
// Every page is made on the server, works without scripts, and speaks English and Spanish.
//
// cite: P-16, P-25, P-42, 47 CFR 64.2010(c)
package portal

import (
	"bytes"
	"context"
	"embed"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"ringfence/internal/notify"
	"ringfence/internal/notify/letter"
	"ringfence/internal/office"
	"ringfence/internal/visitor"
)

// Options of New.
type Options struct {
	Carrier office.Carrier // as pages show it
	Secure  bool           // people reach it by HTTPS: cookies are sent over nothing else
	Proxies []netip.Prefix // whose word is taken for where a request comes from
	// PDF makes a document of enclosed tables, in a language; nil: none is offered.
	PDF func(language string, enclosed ...notify.Enclosure) (file []byte, pages int, err error)
	// Pace is how long an answer to what proved nobody takes at least, so that how long it takes says nothing of an account;
	// 0: what is usual, less than 0: none.
	Pace time.Duration
	// Pages makes a document of headings and paragraphs, in a language; nil: the public policy is not offered as one.
	Pages  func(language string, parts []letter.Part) (file []byte, pages int, err error)
	Report func(error) // gets what goes wrong on our side; without personal data
}

// Portal answers customers' browsers.
type Portal struct {
	office  *office.Office
	options Options
	handler http.Handler
}

// place is one address and what is done there.
type place struct {
	pattern string // a method and a path
	act     func(*Portal, http.ResponseWriter, *http.Request) error
}

// addresses are all places, by what they are about.
func addresses() []place {
	return slices.Concat([]place{}, notMePlaces(), recordsPlaces(),
		heldPlaces(), receivedPlaces(), downloadPlaces(), givePlaces(), givenPlaces(), reportPlaces(),
		choicesPlaces(), noticesPlaces(), refusePlaces(), signalPlaces(),
		overviewPlaces(), signInPlaces(), confirmPlaces(), securityPlaces(), passkeyPlaces(),
		peoplePlaces(), simPlaces(),
		publicPlaces(),
	)
}

// New makes the portal of an office.
func New(o *office.Office, options Options) *Portal {
	if options.Report == nil {
		options.Report = func(error) {}
	}
	p := &Portal{office: o, options: options}
	mux := http.NewServeMux()
	for _, a := range addresses() {
		mux.HandleFunc(a.pattern, func(w http.ResponseWriter, r *http.Request) {
			p.keepLanguage(w, r)
			if err := a.act(p, w, r); err != nil {
				p.options.Report(err)
				p.show(w, r, http.StatusServiceUnavailable, trouble(p.page(r, "trouble")))
			}
		})
	}
	mux.HandleFunc("GET "+assetPath+"{name}", serveAsset)
	mux.HandleFunc("GET /account/", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
	})
	p.handler = http.NewCrossOriginProtection().Handler(mux)
	return p
}

// Handler answers for everything under /account/ and the places to which links in messages lead.
func (p *Portal) Handler() http.Handler { return p.handler }

// page is what every page shows around its own.
type page struct {
	Title    string
	Language string // en or es
	Other    string // the address of the same page in the other language
	Carrier  office.Carrier
	Zone     *time.Location // the carrier's
	Script   string         // the name of a script of ours; the page works without it
}

// page begins a page with a title from the portal's words.
func (p *Portal) page(r *http.Request, title string) page { return p.pageIn(r, title, language(r)) }

func (p *Portal) pageIn(r *http.Request, title, l string) page {
	q := r.URL.Query()
	q.Set("language", otherLanguage(l))
	return page{Title: say(l, title), Language: l, Other: r.URL.EscapedPath() + "?" + q.Encode(), Carrier: p.options.Carrier, Zone: p.office.Zone}
}

// language is the one that was asked for, or else the first of the browser's that the portal speaks.
func language(r *http.Request) string {
	if l := chosenLanguage(r); l != "" {
		return l
	}
	for _, l := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		switch l = strings.ToLower(strings.TrimSpace(l)); {
		case strings.HasPrefix(l, "es"):
			return "es"
		case strings.HasPrefix(l, "en"):
			return "en"
		}
	}
	return "en"
}

const languageCookie = "account-language"

// chosenLanguage is the one that was asked for on this page or on one before; "": none was.
func chosenLanguage(r *http.Request) string {
	l := r.URL.Query().Get("language")
	if c, err := r.Cookie(languageCookie); err == nil && l == "" {
		l = c.Value
	}
	if l == "en" || l == "es" {
		return l
	}
	return ""
}

// keepLanguage has the pages of the account stay in the language that was asked for.
func (p *Portal) keepLanguage(w http.ResponseWriter, r *http.Request) {
	if l := r.URL.Query().Get("language"); l == "en" || l == "es" {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: l, Path: homePath, HttpOnly: true, Secure: p.options.Secure, SameSite: http.SameSiteLaxMode})
	}
}

// show sends a page whole or not at all.
func (p *Portal) show(w http.ResponseWriter, r *http.Request, status int, body templ.Component) {
	p.showRunning(w, r, status, body, "")
}

// scriptPolicy lets a page run scripts that are files of ours, and nothing else.
const scriptPolicy = "script-src 'self'; "

func (p *Portal) showRunning(w http.ResponseWriter, r *http.Request, status int, body templ.Component, scripts string) {
	var text bytes.Buffer
	if err := body.Render(context.WithoutCancel(r.Context()), &text); err != nil {
		p.options.Report(err)
		http.Error(w, say(language(r), "trouble"), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; "+scripts+"style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}

//go:embed assets
var assetFiles embed.FS

const assetPath = "/account/assets/"

// assetTypes are the kinds of files that are served.
var assetTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	text, err := visitor.Passkeys, error(nil)
	if name != passkeyScript {
		text, err = assetFiles.ReadFile("assets/" + name)
	}
	if err != nil || assetTypes[path.Ext(name)] == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", assetTypes[path.Ext(name)])
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(text)
}
