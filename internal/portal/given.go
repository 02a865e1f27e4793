package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/disclose"
	"ringfence/internal/office"
	"ringfence/internal/visitor"
	"ringfence/internal/written"
)

// givenPlaces are where the link leads that goes to a person or company whom a customer has named: it opens with the pass
// phrase that the customer has told them. Whoever has the link has shown nothing: what leads nowhere looks the same, and takes
// as long.
//
// cite: P-36, 47 USC 222(c)(2), 47 CFR 64.2010(a)
func givenPlaces() []place {
	const at = office.GivenLink + "{token}"
	return []place{
		{"GET " + at, (*Portal).givenPage},
		{"POST " + at, (*Portal).openGiven},
	}
}

// givenPageView is the page of a link to records that somebody was given.
type givenPageView struct {
	page
	Address string
	Says    string
	Phrase  field
	Tables  []tableView
	PDF     bool
}

const givenCookie = "given"

// cite: P-36, 47 USC 222(c)(2)
func (p *Portal) givenPage(w http.ResponseWriter, r *http.Request) error {
	return p.askPhrase(w, r, http.StatusOK, "")
}

func (p *Portal) askPhrase(w http.ResponseWriter, r *http.Request, status int, says string) error {
	v := givenPageView{page: p.page(r, "given"), Address: office.GivenLink + r.PathValue("token")}
	v.Phrase = field{Name: "phrase", Label: v.says("given-phrase"), Hint: v.says("given-phrase-hint"), Type: "password", Most: 100, First: true}
	if says != "" {
		v.Says = v.says(says)
	}
	p.show(w, r, status, givenAsk(v))
	return nil
}

// openGiven takes the pass phrase, and hands out what was asked for: the page, or a file.
//
// cite: P-36, P-41, I-01, I-18, 47 USC 222(c)(2)
func (p *Portal) openGiven(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		return p.askPhrase(w, r, http.StatusBadRequest, "given-no")
	}
	ctx, token := r.Context(), r.PathValue("token")
	var q *written.Request
	var err error
	if as := r.PostForm.Get("as"); as != "" {
		q, err = p.givenAgain(r, token)
	} else {
		var wait time.Duration
		q, wait, err = p.office.Written.Unlock(ctx, token, r.PostForm.Get("phrase"), visitor.Source(r, p.options.Proxies))
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
			return p.askPhrase(w, r, http.StatusTooManyRequests, "given-slow")
		}
	}
	if errors.Is(err, written.ErrNone) {
		return p.askPhrase(w, r, http.StatusForbidden, "given-no")
	}
	if err != nil {
		return err
	}
	released, who, err := p.office.Written.Records(ctx, q.Customer, q.ID)
	if errors.Is(err, written.ErrNone) {
		return p.askPhrase(w, r, http.StatusForbidden, "given-no")
	}
	if err != nil {
		return err
	}
	p.keepGiven(w, token)
	sheets := disclose.Sheets(released, who, p.office.Zone, language(r))
	switch as := r.PostForm.Get("as"); {
	case as == asJSON:
		return handJSON(w, "records.json", exportOf(who, released))
	case as == asCSV, as == asPDF && p.options.PDF != nil:
		return p.handSheets(w, language(r), as, sheets)
	}
	v := givenPageView{page: p.page(r, "given-here"), Address: office.GivenLink + token, PDF: p.options.PDF != nil}
	for _, s := range sheets {
		t := tableView{Sheet: s, Of: len(s.Rows)}
		if len(t.Rows) > mostShown {
			t.Rows, t.More = t.Rows[:mostShown], true
		}
		v.Tables = append(v.Tables, t)
	}
	p.show(w, r, http.StatusOK, givenShown(v))
	return nil
}

// givenAgain finds the request of a link that this browser has opened a moment ago.
func (p *Portal) givenAgain(r *http.Request, token string) (*written.Request, error) {
	c, err := r.Cookie(givenCookie)
	if err != nil {
		return nil, written.ErrNone
	}
	until, mark, ok := strings.Cut(c.Value, ".")
	at, err := strconv.ParseInt(until, 10, 64)
	if !ok || err != nil || !hmac.Equal([]byte(mark), []byte(p.markGiven(until, token))) || !p.office.Clock.Now().Before(time.Unix(at, 0)) {
		return nil, written.ErrNone
	}
	return p.office.Written.Link(r.Context(), token)
}

// keepGiven lets the browser take files for as long as nobody leaves the page alone.
func (p *Portal) keepGiven(w http.ResponseWriter, token string) {
	now := p.office.Clock.Now()
	idle := p.office.Policy.Numbers(now).Duration("written-request", "page_idle")
	until := strconv.FormatInt(now.Add(idle).Unix(), 10)
	http.SetCookie(w, &http.Cookie{Name: givenCookie, Value: until + "." + p.markGiven(until, token), Path: office.GivenLink + token, MaxAge: int(idle / time.Second), HttpOnly: true, Secure: p.options.Secure, SameSite: http.SameSiteStrictMode})
}

func (p *Portal) markGiven(until, token string) string {
	m := hmac.New(sha256.New, p.office.Vault.Derive("pages of given records v1"))
	m.Write([]byte(token + "\x00" + until))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
