package portal

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
)

// confirmPlaces are where a customer who is signed in shows again that it is them.
//
// cite: P-16, 47 CFR 64.2010(a)
func confirmPlaces() []place {
	return []place{
		{"GET " + confirmPath, visiting((*Portal).confirmPage)},
		{"POST " + confirmPath, visiting((*Portal).confirm)},
	}
}

const confirmPath = "/account/confirm"

// proving is visiting for places that change what proves or reaches the customer: who gets there has shown the password or a
// passkey a short while ago. Somebody who finds a browser open does not take the account over.
//
// cite: P-16, P-19, 47 CFR 64.2010(a)
func proving(act func(*Portal, http.ResponseWriter, *http.Request, visit) error) func(*Portal, http.ResponseWriter, *http.Request) error {
	return visiting(func(p *Portal, w http.ResponseWriter, r *http.Request, v visit) error {
		now := p.office.Clock.Now()
		n := p.office.Policy.Numbers(now)
		lasts := n.Duration("portal", "step_up")
		if r.Method != http.MethodGet { // who has opened the form in time may fill it in
			lasts += n.Duration("portal", "session_idle")
		}
		if !now.Before(shown(v.Contact).Add(lasts)) {
			to := confirmPath
			if back := wantedPage(v.Path); back != "" {
				to += "?back=" + url.QueryEscape(back)
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return nil
		}
		return act(p, w, r, v)
	})
}

// shown is when the customer last showed the password or a passkey in the contact.
func shown(s *contact.State) (at time.Time) {
	for _, e := range s.Evidence {
		if slices.Contains([]cpni.Method{cpni.ByPassword, cpni.ByPasskey}, e.Method) && e.At.After(at) {
			at = e.At
		}
	}
	return at
}

// confirmView is the page that asks again who is there.
type confirmView struct {
	visit
	Back   string
	Failed string
	Ask    string // what a passkey is asked; "" none is
}

func (p *Portal) confirmView(r *http.Request, v visit) confirmView {
	return confirmView{visit: v.titled("confirm"), Back: wantedPage(r.FormValue("back"))}
}

func (p *Portal) confirmPage(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.showConfirm(w, r, http.StatusOK, p.confirmView(r, v))
}

func (p *Portal) showConfirm(w http.ResponseWriter, r *http.Request, status int, v confirmView) error {
	var err error
	if v.Ask, err = p.askAgain(r.Context(), v.visit); err != nil {
		return err
	}
	if v.Ask == "" {
		p.show(w, r, status, confirmForm(v))
		return nil
	}
	v.Script = passkeyScript
	p.showRunning(w, r, status, confirmForm(v), scriptPolicy)
	return nil
}

// confirm takes the password again. A wrong one counts as any other.
//
// cite: P-16, P-19, I-18, 47 CFR 64.2010(c)
func (p *Portal) confirm(w http.ResponseWriter, r *http.Request, v visit) error {
	c := p.confirmView(r, v)
	password := r.PostForm.Get("password")
	if password == "" {
		c.Failed = v.says("confirm-no")
		return p.showConfirm(w, r, http.StatusForbidden, c)
	}
	if _, err := p.office.Contacts.Authenticate(r.Context(), v.Contact.ID, contact.Proof{Password: password}); err != nil {
		if _, err := notTaken(v.Language, err); err != nil {
			return err
		}
		c.Failed = v.says("confirm-no")
		return p.showConfirm(w, r, http.StatusForbidden, c)
	}
	if c.Back == "" {
		c.Back = homePath
	}
	http.Redirect(w, r, c.Back, http.StatusSeeOther)
	return nil
}
