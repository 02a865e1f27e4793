package portal

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify/wording"
	"ringfence/internal/office"
)

const choicesPath = office.ChoicesPage

// choicesPlaces are where a customer says what may be done with their information.
//
// A page about one use shows yes and no side by side, alike in everything, and neither is chosen beforehand. A yes stands below the
// words of the notice that it answers. To refuse everything takes one press on the first page.
//
// cite: P-08, P-11, P-12, P-13, P-14, P-36, 47 CFR 64.2007(a), 47 CFR 64.2008(c)
func choicesPlaces() []place {
	return []place{
		{"GET " + choicesPath, visiting((*Portal).choices)},
		{"POST " + choicesPath, visiting((*Portal).refuseAll)},
		{"GET " + choicesPath + "/{scope}", visiting((*Portal).oneChoice)},
		{"GET " + choicesPath + "/{scope}/back", visiting((*Portal).askBack)},
		{"POST " + choicesPath + "/{scope}", visiting((*Portal).choose)},
	}
}

// cite: P-11, P-14, P-36, 47 CFR 64.2007(a)(2), 47 CFR 64.2009(a)
func (p *Portal) choices(w http.ResponseWriter, r *http.Request, v visit) error {
	s, err := p.standing(r.Context(), v)
	if err != nil {
		return err
	}
	page := choicesView{visit: v.titled("choices"), Signal: p.signalView(r, v, s), All: s.everything(v)}
	for _, x := range s.scopes {
		page.add(s.view(v, x))
	}
	page.History, err = s.history(v)
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, choicesPage(page))
	return nil
}

// refuseAll takes a refusal of every use that needs approval.
//
// cite: P-11, P-12, 47 CFR 64.2008(c)(3)
func (p *Portal) refuseAll(w http.ResponseWriter, r *http.Request, v visit) error {
	if r.PostForm.Get("say") != sayNo {
		return v.onward(p, w, r, choicesPath)
	}
	if err := p.object(r.Context(), p.hereObjection(r, v, customer.Everything)); err != nil {
		return err
	}
	return v.onward(p, w, r, choicesPath, "said-no-all")
}

// What a form of a choice says.
const (
	sayYes  = "yes"
	sayNo   = "no"
	sayBack = "back" // a refusal is taken back
	sayKeep = "keep" // it is not
)

func (p *Portal) oneChoice(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.showChoice(w, r, v, http.StatusOK, "")
}

// showChoice shows one use with its two buttons; a use that can be agreed to with the words of its notice.
func (p *Portal) showChoice(w http.ResponseWriter, r *http.Request, v visit, status int, failed string) error {
	s, err := p.standing(r.Context(), v)
	if err != nil {
		return err
	}
	x, ok := s.find(r.PathValue("scope"))
	if !ok {
		p.show(w, r, http.StatusNotFound, nowhere(p.pageIn(r, "nowhere", v.Language)))
		return nil
	}
	page := choiceView{visit: v, Choice: s.view(v, x), Seen: string(s.last()), Failed: failed, Also: s.alsoRefused(v, x)}
	page.Title = page.Choice.Name
	if x.grantable() {
		asked, err := p.request(r.Context(), v, s, x)
		var none *cpni.Refusal // the words of a notice cannot be made for this, so nothing is asked
		switch {
		case errors.As(err, &none):
			page.Unasked = v.says("choice-unasked")
		case err != nil:
			return err
		case asked.edition == "":
			page.Unasked = v.says("choice-empty")
		}
		page.Words, page.Edition = asked.html, asked.edition
	}
	p.show(w, r, status, choicePage(page))
	return nil
}

// askBack asks once more in words before a refusal is taken back, and says what follows.
//
// cite: P-14, I-14, 47 CFR 64.2007(a)(2)
func (p *Portal) askBack(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.showBack(w, r, v, http.StatusOK, "")
}

func (p *Portal) showBack(w http.ResponseWriter, r *http.Request, v visit, status int, failed string) error {
	s, err := p.standing(r.Context(), v)
	if err != nil {
		return err
	}
	x, ok := s.find(r.PathValue("scope"))
	if !ok {
		p.show(w, r, http.StatusNotFound, nowhere(p.pageIn(r, "nowhere", v.Language)))
		return nil
	}
	if !s.refused(x.Scope) {
		http.Redirect(w, r, choicesPath, http.StatusSeeOther)
		return nil
	}
	page := choiceView{visit: v.titled("back-asks"), Choice: s.view(v, x), Seen: string(s.last()), Failed: failed, Then: s.without(v, x.Scope)}
	p.show(w, r, status, backPage(page))
	return nil
}

// choose takes what was said on the page of one use.
//
// cite: P-11, P-12, P-14, P-36, I-02, I-14, 47 CFR 64.2007(a), 47 CFR 64.2008(c)
func (p *Portal) choose(w http.ResponseWriter, r *http.Request, v visit) error {
	s, err := p.standing(r.Context(), v)
	if err != nil {
		return err
	}
	x, ok := s.find(r.PathValue("scope"))
	if !ok {
		p.show(w, r, http.StatusNotFound, nowhere(p.pageIn(r, "nowhere", v.Language)))
		return nil
	}
	said := r.PostForm.Get("say")
	if said == sayNo {
		// A refusal is taken from a page of any age.
		if err := p.object(r.Context(), p.hereObjection(r, v, x.Scope)); err != nil {
			return err
		}
		return v.onward(p, w, r, choicesPath, map[bool]string{true: "said-no-all", false: "said-no"}[x.Scope == customer.Everything])
	}
	// What allows more answers the page as it was seen: had anything been said since, it would be asked again.
	fresh := r.PostForm.Get("seen") == string(s.last())
	switch said {
	case sayYes:
		return p.sayYes(w, r, v, s, x, fresh)
	case sayBack:
		switch {
		case !s.refused(x.Scope):
			return v.onward(p, w, r, choicesPath)
		case !fresh:
			return p.showBack(w, r, v, http.StatusConflict, v.says("choice-stale"))
		}
		_, err := p.office.Approvals.Answer(r.Context(), approval.Answer{Customer: v.Customer, Says: approval.Lift, Scope: x.Scope, Via: approval.ByPortal, Contact: v.Contact.ID, By: self,
			Evidence: formEvidence(r, v, x.Scope, said, ""), As: p.once(v.Customer, said, x.Scope, s.last())})
		if err != nil {
			failed, err := notTaken(v.Language, err)
			if err != nil {
				return err
			}
			return p.showBack(w, r, v, http.StatusConflict, failed)
		}
		return v.onward(p, w, r, choicesPath, "said-back")
	case sayKeep:
		return v.onward(p, w, r, choicesPath, "said-kept")
	}
	return p.showChoice(w, r, v, http.StatusBadRequest, v.says("choice-which"))
}

// sayYes takes a yes: to the words that were on the page, given there and now to a customer who has proved who they are.
//
// cite: P-36, V64, 47 CFR 64.2003(k), 47 CFR 64.2007(a), 47 CFR 64.2008(c)
func (p *Portal) sayYes(w http.ResponseWriter, r *http.Request, v visit, s *standing, x scope, fresh bool) error {
	if !x.grantable() {
		return p.showChoice(w, r, v, http.StatusBadRequest, v.says("choice-which"))
	}
	asked, err := p.request(r.Context(), v, s, x)
	var none *cpni.Refusal
	switch {
	case errors.As(err, &none):
		return p.showChoice(w, r, v, http.StatusConflict, "")
	case err != nil:
		return err
	case asked.edition == "":
		return p.showChoice(w, r, v, http.StatusConflict, "")
	case !fresh || r.PostForm.Get("edition") != asked.edition:
		return p.showChoice(w, r, v, http.StatusConflict, v.says("choice-stale"))
	}
	ctx := r.Context()
	message, err := p.office.Notices.Asked(ctx, v.Customer, asked.run, asked.message, v.Contact.ID)
	if err == nil {
		_, err = p.office.Approvals.Answer(ctx, approval.Answer{Customer: v.Customer, Says: approval.Grant, Scope: x.Scope, Via: approval.ByPortal, Contact: v.Contact.ID, Notice: message, By: self,
			Evidence: formEvidence(r, v, x.Scope, sayYes, asked.edition), As: p.once(v.Customer, sayYes, x.Scope, s.last())})
	}
	if err != nil {
		failed, err := notTaken(v.Language, err)
		if err != nil {
			return err
		}
		return p.showChoice(w, r, v, http.StatusConflict, failed)
	}
	return v.onward(p, w, r, choicesPath, "said-yes")
}

// self is who records what customers do themselves.
const self = "customer"

// formShown is what the evidence of an answer given in the portal holds: what page it answered, and how it stood.
//
// cite: P-36, 47 CFR 64.2007(a)
type formShown struct {
	Page     string    `json:"page"`
	Scope    string    `json:"scope"`
	Says     string    `json:"says"`
	Edition  string    `json:"edition,omitempty"` // of the words above the buttons
	Language string    `json:"language"`
	Signal   string    `json:"signal,omitempty"` // Sec-GPC as the browser sent it; "" it did not
	At       time.Time `json:"at,omitzero"`      // when the signal came
}

// formKind is the kind of the evidence of what was said with a form of ours.
const formKind = "form"

func formEvidence(r *http.Request, v visit, scope, says, edition string) *approval.Evidence {
	f := formShown{Page: "choices", Scope: scope, Says: says, Edition: edition, Language: v.Language}
	if signalled(r) {
		f.Signal = "1"
	}
	return evidenceOf(formKind, "said on the page of choices, signed in", f)
}

func evidenceOf(kind, says string, f formShown) *approval.Evidence {
	raw, err := json.Marshal(f)
	if err != nil { // of strings and a time
		raw = nil
	}
	return &approval.Evidence{Kind: kind, Says: says, Raw: raw}
}

// readForm reads the evidence of an answer that was given with a form of ours.
func readForm(raw []byte) (f formShown, ok bool) {
	err := json.Unmarshal(raw, &f)
	return f, err == nil
}

// requested is the notice that a yes to a use would answer.
type requested struct {
	run     cpni.ID
	message cpni.ID // as which it is given, unless it was before
	edition string  // "": there is nothing left to ask for
	html    string
}

// left are the classes of information of which a use could have something: without those that the customer refuses whatever
// they are for.
func (s *standing) left() []cpni.DataClass {
	return slices.DeleteFunc(wording.Everyday(), func(c cpni.DataClass) bool { return s.refused("data:" + string(c)) })
}

// errWords: the words of a notice have no text for the portal.
var errWords = errors.New("the words of a notice have no text for the portal")
