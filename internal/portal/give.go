package portal

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/written"
)

// givePlaces are where customers ask in writing that records of theirs be given to somebody they name.
//
// cite: P-36, 47 USC 222(c)(2)
func givePlaces() []place {
	return []place{
		{"GET " + givePath, visiting((*Portal).give)},
		{"POST " + givePath, visiting((*Portal).giveDraft)},
		{"POST " + givePath + "/sign", visiting((*Portal).giveSign)},
		{"GET " + givePath + "/sign", visiting((*Portal).give)},
		{"GET " + givePath + "/{id}", visiting((*Portal).giveOne)},
		{"POST " + givePath + "/{id}/withdraw", visiting((*Portal).giveWithdraw)},
	}
}

const givePath = "/account/give"

// giveView is the page of written requests.
type giveView struct {
	visit
	choosing
	Error    string
	Name, To field
	Ways     []choice
	Past     []givenView

	// Of the page to sign.
	Letter    string
	Hidden    []option // the draft, as it is signed
	Signature field
	Password  field

	// Once it is signed.
	Phrase string
	Told   bool // the customer is told elsewhere too
	Done   givenView
}

// givenView is a request that was made.
type givenView struct {
	ID          cpni.ID
	Name, When  string
	What, How   string
	State       string
	CanWithdraw bool
	Closes      bool // withdrawing it closes a link
	Text, Hash  string
	Opened      []string
	Entry       cpni.ID
}

func (p *Portal) give(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.showGive(w, r, v, http.StatusOK, "", nil)
}

func (p *Portal) showGive(w http.ResponseWriter, r *http.Request, v visit, status int, says string, form map[string][]string) error {
	view := giveView{visit: v.titled("give"), Error: says}
	var err error
	if view.choosing, err = p.choosing(r.Context(), v, form, ""); err != nil {
		return err
	}
	had := func(name string) string {
		if len(form[name]) > 0 {
			return form[name][0]
		}
		return ""
	}
	view.Name = field{Name: "name", Label: v.says("give-name"), Hint: v.says("give-name-hint"), Value: had("name"), Most: 100}
	view.To = field{Name: "address", Label: v.says("give-to"), Hint: v.says("give-to-hint"), Value: had("address"), Most: 200}
	for _, via := range []cpni.Via{cpni.Email, cpni.Postal} {
		view.Ways = append(view.Ways, choice{Name: "via", Value: string(via), Label: v.says("give-by-" + string(via)), Hint: v.says("give-by-" + string(via) + "-hint"),
			Chosen: had("via") == string(via) || form == nil && via == cpni.Email})
	}
	all, err := p.office.Written.Of(r.Context(), v.Customer)
	if err != nil {
		return err
	}
	for _, q := range all {
		view.Past = append(view.Past, p.givenView(v.Language, q))
	}
	p.show(w, r, status, givePage(view))
	return nil
}

func (p *Portal) givenView(language string, q *written.Request) givenView {
	g := givenView{ID: q.ID, Name: q.Name, When: p.momentOf(language, q.At), State: p.fateOf(language, q), CanWithdraw: q.Open(), Closes: q.State == written.Sent, Text: q.Text,
		Hash: fmt.Sprintf("%x", q.Hash), Entry: q.Entry}
	var classes []string
	for _, c := range q.Data {
		classes = append(classes, classWord(language, c))
	}
	g.What = strings.Join(classes, ", ") + ", " + monthsWord(language, q.Months[0], q.Months[len(q.Months)-1])
	g.How = fmt.Sprintf(say(language, "give-went-"+string(q.Via)), q.To)
	for _, at := range q.Opened {
		g.Opened = append(g.Opened, p.momentOf(language, at))
	}
	return g
}

// draft reads what a form asks for. says is why it asks for nothing that can be given; "" it does.
func (p *Portal) draft(r *http.Request, v visit) (d written.Draft, says string) {
	c, says := p.chosen(r, v)
	if says != "" {
		return d, says
	}
	if len(c.lines) != 1 && !c.all {
		return d, v.says("give-one-line")
	}
	d = written.Draft{Name: r.PostForm.Get("name"), Data: c.classes, Months: c.months, Via: cpni.Via(r.PostForm.Get("via")), To: r.PostForm.Get("address"), Language: v.Language}
	if !c.all {
		d.Line = c.lines[0].Number
	}
	return d, ""
}

// giveDraft writes the request out, for the customer to read and sign.
//
// cite: P-36, 47 USC 222(c)(2)
func (p *Portal) giveDraft(w http.ResponseWriter, r *http.Request, v visit) error {
	d, says := p.draft(r, v)
	if says != "" {
		return p.showGive(w, r, v, http.StatusBadRequest, says, r.PostForm)
	}
	_, letter, err := p.office.Written.Letter(r.Context(), v.Customer, d)
	if says, err = p.giveRefused(v, err); err != nil {
		return err
	}
	if says != "" {
		return p.showGive(w, r, v, http.StatusBadRequest, says, r.PostForm)
	}
	return p.showSign(w, r, v, http.StatusOK, letter, "")
}

// giveRefused says in the customer's words why a request is not taken.
func (p *Portal) giveRefused(v visit, err error) (string, error) {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		for _, code := range []cpni.Code{"SIGNATURE", "BAD_SECRET"} {
			if r.Code == code {
				return v.says("give-refused-" + string(code)), nil
			}
		}
	}
	if err == nil {
		return "", nil
	}
	return notTaken(v.Language, err)
}

func (p *Portal) showSign(w http.ResponseWriter, r *http.Request, v visit, status int, letter, says string) error {
	view := giveView{visit: v.titled("give-sign"), Error: says, Letter: letter,
		Signature: field{Name: "signature", Label: v.says("give-signature"), Hint: fmt.Sprintf(v.says("give-signature-hint"), v.Profile.Name), Fill: "name", Most: 200},
		Password:  field{Name: "password", Label: v.says("give-password"), Hint: v.says("give-password-hint"), Type: "password", Fill: "current-password"}}
	for _, name := range []string{"name", "address", "via", "from", "to", "line", "class"} {
		for _, value := range r.PostForm[name] {
			view.Hidden = append(view.Hidden, option{Value: value, Text: name})
		}
	}
	id := r.PostForm.Get("request")
	if !cpni.ID(id).Valid() {
		id = string(cpni.NewTimedID(p.office.Clock.Now()))
	}
	view.Hidden = append(view.Hidden, option{Value: id, Text: "request"})
	p.show(w, r, status, giveSignPage(view))
	return nil
}

// giveSign takes the signature: the name, typed, and the password once more.
//
// cite: P-16, P-36, P-41, 47 USC 222(c)(2), 47 CFR 64.2010(c)
func (p *Portal) giveSign(w http.ResponseWriter, r *http.Request, v visit) error {
	d, says := p.draft(r, v)
	if says != "" {
		return p.showGive(w, r, v, http.StatusBadRequest, says, r.PostForm)
	}
	d, letter, err := p.office.Written.Letter(r.Context(), v.Customer, d)
	if says, err = p.giveRefused(v, err); err != nil {
		return err
	}
	if says != "" {
		return p.showGive(w, r, v, http.StatusBadRequest, says, r.PostForm)
	}
	signed, err := p.office.Written.Sign(r.Context(), written.Signing{ID: cpni.ID(r.PostForm.Get("request")), Customer: v.Customer, Contact: v.Contact.ID, Draft: d,
		Signature: r.PostForm.Get("signature"), Password: r.PostForm.Get("password")})
	if says, err = p.giveRefused(v, err); err != nil {
		return err
	}
	if says != "" {
		// One that was refused by the rules is on record; the next try is another request.
		r.PostForm.Del("request")
		return p.showSign(w, r, v, http.StatusForbidden, letter, says)
	}
	view := giveView{visit: v.titled("give-signed"), Phrase: signed.Phrase, Told: signed.Told, Done: p.givenView(v.Language, signed.Request)}
	p.show(w, r, http.StatusOK, giveSignedPage(view))
	return nil
}

// giveOne shows a request as it was signed, and what became of it.
func (p *Portal) giveOne(w http.ResponseWriter, r *http.Request, v visit) error {
	q, err := p.office.Written.One(r.Context(), v.Customer, cpni.ID(r.PathValue("id")))
	if errors.Is(err, written.ErrNone) {
		p.show(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
		return nil
	}
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, giveOnePage(giveView{visit: v.titled("give-one"), Done: p.givenView(v.Language, q)}))
	return nil
}

// giveWithdraw takes a request back.
//
// cite: P-36, 47 USC 222(c)(2)
func (p *Portal) giveWithdraw(w http.ResponseWriter, r *http.Request, v visit) error {
	_, err := p.office.Written.Withdraw(r.Context(), v.Customer, cpni.ID(r.PathValue("id")), "")
	var refusal *cpni.Refusal
	switch {
	case errors.Is(err, written.ErrNone):
		p.show(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
		return nil
	case errors.As(err, &refusal):
		return v.onward(p, w, r, givePath, "said-give-late")
	case err != nil:
		return err
	}
	return v.onward(p, w, r, givePath, "said-give-withdrawn")
}
