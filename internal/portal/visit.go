package portal

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/vault"
)

// visit is a request of a customer who is signed in.
//
// cite: P-16, P-42, 47 CFR 64.2010(c)
type visit struct {
	page
	Customer cpni.ID
	Profile  *customer.Profile // as it stands now; it is shared: do not change it
	Contact  *contact.State    // in which they have proved who they are; what was proved dies with it
	Path     string            // of the page, for forms that are sent to where they stand
	Said     []string          // words about what was done just before
	Rooms    []room            // of the navigation

	stay stay
}

// visiting makes a place one that only a customer who is signed in gets to. Who is not is sent to the sign-in and comes back
// afterwards; what they had sent is not done.
//
// cite: P-16, 47 CFR 64.2010(c)
func visiting(act func(*Portal, http.ResponseWriter, *http.Request, visit) error) func(*Portal, http.ResponseWriter, *http.Request) error {
	return func(p *Portal, w http.ResponseWriter, r *http.Request) error {
		v, err := p.visit(r)
		if errors.Is(err, errNotSignedIn) {
			p.askIn(w, r)
			return nil
		}
		if err != nil {
			return err
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		if r.Method == http.MethodGet {
			v.Said = p.takeSaid(w, r, v.Language)
		} else if err := r.ParseForm(); err != nil {
			p.show(w, r, http.StatusBadRequest, nowhere(p.page(r, "nowhere")))
			return nil
		}
		for _, hear := range onVisit() {
			if err := hear(p, r, &v); err != nil {
				return err
			}
		}
		return act(p, w, r, v)
	}
}

// onVisit lists what hears of every request of a customer who is signed in, before it is answered. An error answers it.
func onVisit() []func(*Portal, *http.Request, *visit) error {
	return []func(*Portal, *http.Request, *visit) error{}
}

// visit finds who is signed in.
func (p *Portal) visit(r *http.Request) (visit, error) {
	s, err := p.stayOf(r)
	if err != nil {
		return visit{}, err
	}
	v := visit{page: p.page(r, "account"), Customer: s.Customer, Contact: s.contact, Path: r.URL.Path, Rooms: rooms(r.URL.Path), stay: s}
	if v.Profile, _, err = p.office.Customers.Get(r.Context(), s.Customer); errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
		return visit{}, errNotSignedIn
	}
	if err != nil {
		return visit{}, err
	}
	if !p.stands(s, v.Profile) {
		return visit{}, errNotSignedIn
	}
	if l := v.Profile.Language; l != "" && chosenLanguage(r) == "" {
		v.page = p.pageIn(r, "account", l)
	}
	return v, nil
}

// titled is the visit with the title of a page, from the portal's words.
func (v visit) titled(title string) visit {
	v.Title = say(v.Language, title)
	return v
}

// says gives a word of the portal's in the language of the page.
func (v page) says(key string) string { return say(v.Language, key) }

// counts is says of a word with a number in it.
func (v page) counts(key string, n int) string {
	return strings.Replace(v.says(key), "%d", strconv.Itoa(n), 1)
}

// onward sends the browser to a page of ours, which says what was done: said are keys of the portal's words that begin with
// "said-".
func (v visit) onward(p *Portal, w http.ResponseWriter, r *http.Request, to string, said ...string) error {
	p.leaveSaid(w, said...)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

const (
	saidCookie = "account-said"
	mostSaid   = 8
)

// leaveSaid has the next page say something. In the cookie stand names of words alone: nothing personal, and nothing that
// somebody else could have a page of ours say.
func (p *Portal) leaveSaid(w http.ResponseWriter, said ...string) {
	if len(said) > 0 {
		http.SetCookie(w, &http.Cookie{Name: saidCookie, Value: strings.Join(said, "."), Path: homePath, MaxAge: 120, HttpOnly: true, Secure: p.options.Secure, SameSite: http.SameSiteLaxMode})
	}
}

func (p *Portal) takeSaid(w http.ResponseWriter, r *http.Request, language string) []string {
	c, err := r.Cookie(saidCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: saidCookie, Path: homePath, MaxAge: -1, HttpOnly: true, Secure: p.options.Secure, SameSite: http.SameSiteLaxMode})
	var all []string
	for key := range strings.SplitSeq(c.Value, ".") {
		if text := say(language, key); strings.HasPrefix(key, "said-") && text != key && len(all) < mostSaid {
			all = append(all, text)
		}
	}
	return all
}

// askIn sends who is not signed in to the sign-in, and from there back to the page that they wanted, or to that from which
// they sent something.
func (p *Portal) askIn(w http.ResponseWriter, r *http.Request) {
	to := signInPath
	if back := wantedPage(r.URL.Path); back != "" && back != homePath {
		to += "?back=" + url.QueryEscape(back)
	}
	if _, err := r.Cookie(p.stayCookie()); err == nil {
		p.endCookie(w)
		if r.Method == http.MethodGet {
			p.leaveSaid(w, "said-over")
		} else {
			p.leaveSaid(w, "said-over-undone")
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

const (
	homePath   = "/account/"
	signInPath = "/account/sign-in"
)

// wantedPage gives the page of ours that a path names, and "" for whatever else it may be: after signing in nobody is sent
// to another site, nor to a place that does something.
func wantedPage(back string) string {
	plain := !strings.ContainsFunc(back, func(r rune) bool { return r <= ' ' || r == '\\' || r == '?' || r == '#' || r == '%' || r >= 0x7f })
	switch {
	case back == homePath:
		return homePath
	case len(back) > 200, !plain, path.Clean(back) != back:
		return ""
	case back == signInPath || strings.HasPrefix(back, signInPath+"/"), strings.HasPrefix(back, assetPath):
		return ""
	case strings.HasPrefix(back, homePath):
		return back
	}
	return ""
}

// room is a page of the navigation.
type room struct {
	Path, Word string
	Here       bool // the page that is shown belongs to it
}

// navigation lists the pages of the navigation in their order. One is shown once there is a place at its path.
var navigation = []room{
	{Path: homePath, Word: "room-overview"},
	{Path: "/account/choices", Word: "room-choices"},
	{Path: "/account/held", Word: "room-held"},
	{Path: "/account/received", Word: "room-received"},
	{Path: "/account/download", Word: "room-download"},
	{Path: "/account/give", Word: "room-give"},
	{Path: "/account/report", Word: "room-report"},
	{Path: "/account/security", Word: "room-security"},
	{Path: "/account/people", Word: "room-people"},
	{Path: "/account/notices", Word: "room-notices"},
}

func rooms(at string) []room {
	all := slices.DeleteFunc(slices.Clone(navigation), func(r room) bool {
		at := strings.TrimSuffix("GET "+r.Path, "/")
		return !slices.ContainsFunc(addresses(), func(p place) bool { return strings.TrimSuffix(p.pattern, "/{$}") == at })
	})
	for i := range all {
		r := &all[i]
		r.Here = at == r.Path || r.Path != homePath && strings.HasPrefix(at, r.Path+"/") || r.Path == homePath && at == plansPath
	}
	return all
}

var visitWords = words{
	"en": {
		"account": "Your account", "menu": "Menu", "rooms": "Your account", "sign-out": "Sign out",
		"room-overview": "Overview", "room-choices": "Your choices", "room-held": "What we hold", "room-received": "Who received it",
		"room-security": "Security", "room-people": "Addresses and people", "room-notices": "Notices",
		"said-over":        "Your session has ended. Sign in to go on.",
		"said-over-undone": "Your session had ended, so nothing was changed. Sign in and try again.",
		"optional":         "optional",
	},
	"es": {
		"account": "Su cuenta", "menu": "Menú", "rooms": "Su cuenta", "sign-out": "Salir",
		"room-overview": "Resumen", "room-choices": "Sus decisiones", "room-held": "Qué guardamos", "room-received": "Quién lo recibió",
		"room-security": "Seguridad", "room-people": "Direcciones y personas", "room-notices": "Avisos",
		"said-over":        "Su sesión terminó. Entre de nuevo para continuar.",
		"said-over-undone": "Su sesión había terminado y no se cambió nada. Entre de nuevo y vuelva a intentarlo.",
		"optional":         "opcional",
	},
}
