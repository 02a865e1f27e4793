package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// WebProbe refuses on the page for refusals, as a browser does that shows the page to somebody who has not signed in.
type WebProbe struct {
	page   *url.URL
	client *http.Client
}

// NewWeb makes a probe of the page at an address. Transport is nil for the machine's own way out.
func NewWeb(page string, transport http.RoundTripper) (*WebProbe, error) {
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a page: write that of the page for refusals, such as https://account.carrier.example/account/refuse", page)
	}
	return &WebProbe{page: u, client: &http.Client{Transport: transport}}, nil
}

// From is nowhere: whoever fills in a form names an account.
func (p *WebProbe) From() Place { return Place{} }

// Via is as the portal records it.
func (p *WebProbe) Via() []string { return []string{"web"} }

// The steps of a try on the web.
const (
	stepPage = "open the page"
	stepForm = "fill in the form"
	stepSend = "send the form"
)

// mostPage bounds a page that is read, in bytes.
const mostPage = 2 << 20

// Try opens the page, fills in its form and sends it.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3), 47 CFR 64.2008(d)(3)(v)
func (p *WebProbe) Try(ctx context.Context, as Account, within time.Duration) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: p.client.Transport, Jar: jar}
	page, at, err := p.fetch(ctx, client, http.MethodGet, p.page, nil, within)
	if err != nil {
		return "", Failed(stepPage, "%v", err)
	}
	form, err := refusalForm(page)
	if err != nil {
		return "", Failed(stepForm, "%v", err)
	}
	to, fields, err := form.filled(at, as.Number)
	if err != nil {
		return "", Failed(stepForm, "%v", err)
	}
	if _, _, err := p.fetch(ctx, client, form.method(), to, fields, within); err != nil {
		return "", Failed(stepSend, "%v", err)
	}
	return "the page opened, its form was filled in, and the answer to it was a page", nil
}

// fetch asks for a page as a browser does, and gives it with the address at which it was in the end.
func (p *WebProbe) fetch(ctx context.Context, client *http.Client, method string, to *url.URL, fields url.Values, within time.Duration) (*html.Node, *url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var body io.Reader
	target := *to
	switch {
	case fields != nil && method == http.MethodGet:
		target.RawQuery = fields.Encode()
	case fields != nil:
		body = strings.NewReader(fields.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (compatible; Ringfence monitor of ways to refuse)")
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Accept-Language", "en")
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", p.page.Scheme+"://"+p.page.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, nil, plainError(ctx, err, within)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostPage))
	switch {
	case err != nil:
		return nil, nil, plainError(ctx, err, within)
	case answer.StatusCode != http.StatusOK:
		return nil, nil, fmt.Errorf("the server answered %s", answer.Status)
	case !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html"):
		return nil, nil, errors.New("what came was no page")
	}
	doc, err := html.Parse(strings.NewReader(string(text)))
	return doc, answer.Request.URL, err
}

// plainError says what went wrong without the address, which people know.
func plainError(ctx context.Context, err error, within time.Duration) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer came within %s", within)
	}
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// webForm is a form of a page with the button that refuses everything.
type webForm struct {
	node   *html.Node
	button *html.Node
}

// refuses is the name of the buttons of a refusal, and the value of the one that refuses everything.
const (
	refusesName  = "refuse"
	refusesValue = "everything"
)

// refusalForm finds the form of a refusal on a page.
func refusalForm(page *html.Node) (*webForm, error) {
	var forms []*webForm
	for n := range page.Descendants() {
		if n.DataAtom != atom.Form {
			continue
		}
		for b := range n.Descendants() {
			if b.DataAtom == atom.Button && attribute(b, "name") == refusesName && attribute(b, "value") == refusesValue && !has(b, "disabled") {
				forms = append(forms, &webForm{n, b})
			}
		}
	}
	if len(forms) != 1 {
		return nil, fmt.Errorf("the page has %d forms with a button that refuses everything, not one", len(forms))
	}
	return forms[0], nil
}

func (f *webForm) method() string {
	if strings.EqualFold(attribute(f.node, "method"), http.MethodPost) {
		return http.MethodPost
	}
	return http.MethodGet
}

// filled gives where the form goes and what is in it, once an account was typed into its one field.
func (f *webForm) filled(page *url.URL, account string) (*url.URL, url.Values, error) {
	to, err := page.Parse(attribute(f.node, "action"))
	if err != nil {
		return nil, nil, errors.New("the form goes nowhere")
	}
	fields := url.Values{refusesName: {refusesValue}}
	typed := 0
	for n := range f.node.Descendants() {
		name := attribute(n, "name")
		if n.DataAtom != atom.Input || name == "" || has(n, "disabled") {
			continue
		}
		switch kind := strings.ToLower(attribute(n, "type")); {
		case kind == "hidden":
			fields.Add(name, attribute(n, "value"))
		case slices.Contains([]string{"", "text", "search", "tel"}, kind):
			fields.Set(name, account)
			typed++
		}
	}
	if typed != 1 {
		return nil, nil, fmt.Errorf("the form has %d fields to type into, not the one for the account", typed)
	}
	return to, fields, nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
