package console

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"ringfence/internal/staff"
)

// act answers one request: it shows a page or sends the browser to one. What it cannot answer is an error, which fail
// makes a page of.
type act func(*visit) error

// place is one address and what is done there.
type place struct {
	pattern string
	right   staff.Right // who may come; "": whoever is signed in
	open    bool        // nobody need be signed in
	proved  bool        // who comes has lately proved who they are, or does so first
	get     act         // nil: the place is only posted to, and who comes to read is sent to home
	post    act         // nil: the place is only read
	files   bool        // what is posted brings files of rules
	scan    int         // what is posted may bring one scanned paper of so many bytes; 0: none
	long    bool        // what is posted may bring texts of several pages
	home    string      // pattern of the page that belongs to a place that is posted to
}

// addresses are all places, by what they are about.
//
// cite: P-37, 47 CFR 64.2010(a)
func addresses() []place {
	return slices.Concat(
		deskPlaces(),
		signInPlaces(),
		accountPlaces(),
		staffPlaces(),
		watchPlaces(),
		callPlaces(),
		disputePlaces(),
		governancePlaces(),
		trainingPlaces(),
		disciplinePlaces(),
		messagePlaces(),
		noticePlaces(),
		usagePlaces(),
		runPlaces(),
		campaignPlaces(),
		noticeTextPlaces(),
		letterPlaces(),
		publishedPlaces(),
		deskWorkPlaces(),
		processPlaces(),
		partnerPlaces(),
		directoryPlaces(),
		figurePlaces(),
		registerPlaces(),
		incidentHandoverPlaces(),
		incidentSummaryPlaces(),
		incidentPlaces(),
		incidentSetPlaces(),
		incidentReportPlaces(),
		incidentTellingPlaces(),
		failurePlaces(),
		controlPlaces(),
		certificatePlaces(),
		triedPlaces(),
		yearPlaces(),
		retentionPlaces(),
		evidencePlaces(),
		bookPlaces(),
	)
}

func deskPlaces() []place {
	const desk, customer, contact = "/desk", "/desk/customers/{customer}", "/desk/contacts/{contact}"
	return []place{
		{pattern: "/{$}", get: (*visit).start},
		{pattern: "/me", get: (*visit).mePage, post: (*visit).chooseKeys},

		{pattern: desk, right: staff.See, get: (*visit).deskPage},
		{pattern: "/desk/find", right: staff.See, post: (*visit).find, home: desk},
		{pattern: customer, right: staff.See, get: (*visit).customerPage},
		{pattern: customer + "/contacts", right: staff.See, post: (*visit).openContact, home: customer},
		{pattern: contact, right: staff.Serve, get: (*visit).contactPage},
		{pattern: contact + "/proofs", right: staff.Serve, post: (*visit).prove, home: contact},
		{pattern: contact + "/line-events", right: staff.Serve, post: (*visit).lineEvent, home: contact},
		{pattern: contact + "/requests", right: staff.Serve, post: (*visit).ask, home: contact},
		{pattern: contact + "/answers/{entry}", right: staff.Serve, get: (*visit).answerPage},
		{pattern: contact + "/end", right: staff.Serve, post: (*visit).endContact, home: contact},

		{pattern: "/records", right: staff.ReadRecords, get: (*visit).recordsPage, post: (*visit).findRecords},
		{pattern: "/records/{customer}", right: staff.ReadRecords, get: (*visit).entriesPage},
		{pattern: "/records/{customer}/{entry}", right: staff.ReadRecords, get: (*visit).entryPage},
		{pattern: "/records/ledger", get: (*visit).ledgerPage},
	}
}

// route makes the handler of all places. Requests that another site's page sends are turned away before anything else is
// looked at.
func (c *Console) route() http.Handler {
	mux := http.NewServeMux()
	for _, p := range addresses() {
		mux.HandleFunc(p.pattern, func(w http.ResponseWriter, r *http.Request) {
			v := c.visit(w, r)
			if err := v.come(p); err != nil {
				v.fail(err)
			}
		})
	}
	mux.HandleFunc("GET /assets/{name}", c.asset)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		v := c.visit(w, r)
		if err := v.recognise(); err != nil {
			v.fail(err)
			return
		}
		v.fail(errNowhere)
	})
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		v := c.visit(w, r)
		defer func() {
			if x := recover(); x != nil {
				if x == http.ErrAbortHandler {
					panic(x)
				}
				v.fail(fmt.Errorf("a page panicked at %s: %v", raisedAt(), x))
			}
		}()
		switch {
		case !utf8.ValidString(r.URL.Path) || !utf8.ValidString(r.URL.RawQuery) || strings.ContainsRune(r.URL.Path, 0):
			v.fail(errUnreadable)
		case origin.Check(r) != nil:
			v.fail(errForeign)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// raisedAt names the line that panicked.
func raisedAt() string {
	var calls [32]uintptr
	frames := runtime.CallersFrames(calls[:runtime.Callers(4, calls[:])])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "ringfence/") {
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// guard sets what every answer bears. Nothing here is for other pages to frame, for caches to keep or for browsers to
// guess at, and no page has a script or style of its own. The referrer stays within the site, for without any a browser
// does not say where a form comes from.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func (c *Console) visit(w http.ResponseWriter, r *http.Request) *visit {
	return &visit{Console: c, w: w, r: r, now: c.office.Clock.Now()}
}

// come looks whether the request may be answered at all, and has it answered.
func (v *visit) come(p place) error {
	do := p.get
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		do = p.post
	default:
		return wrongMethod(p)
	}
	if do == nil && (v.posts() || p.home == "") {
		return wrongMethod(p)
	}
	if err := v.recognise(); err != nil {
		return err
	}
	if v.posts() {
		read := v.readForm
		if p.files {
			read = v.readBigForm
		}
		if p.long {
			read = v.readLongForm
		}
		if p.scan > 0 {
			read = func() error { return v.readParts(scanOf(p.scan, p.long)) }
		}
		if err := read(); err != nil {
			return err
		}
	}
	if !p.open {
		if v.member == nil {
			return v.toSignIn(p)
		}
		if v.posts() && !v.seal.holds(v.form.Get("token"), "form", v.session) {
			return errForged
		}
		if p.right != "" && !v.mayCome(p.right) {
			if p.right == twoPeople {
				return v.notTheirWork(staff.KeepPolicy)
			}
			if p.right == campaignPeople {
				return v.barred(staff.Market)
			}
			return v.barred(p.right)
		}
		if p.proved {
			ok, err := v.office.Staff.Proved(v.r.Context(), v.session)
			if err != nil {
				return err
			}
			if !ok {
				return v.toConfirm(p)
			}
		}
	}
	if do == nil {
		return v.goTo(v.homeOf(p))
	}
	return do(v)
}

// homeOf gives the page that belongs to a place.
func (v *visit) homeOf(p place) string {
	home := p.home
	if home == "" {
		home = p.pattern
	}
	for _, name := range []string{"customer", "contact", "entry", "member", "case", "proposal", "rule", "course", "section", "attempt", "finding", "message", "report", "request", "answer", "event", "run",
		"desk", "matter", "campaign", "process", "partner", "export", "incident", "failure"} {
		home = strings.ReplaceAll(home, "{"+name+"}", url.PathEscape(v.r.PathValue(name)))
	}
	home = strings.NewReplacer("{publisher}", url.PathEscape(v.r.PathValue("publisher")), "{extract}", url.PathEscape(v.r.PathValue("extract"))).Replace(home)
	return strings.TrimSuffix(home, "{$}")
}
