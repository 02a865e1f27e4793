package portal

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// codePlace is a place to which a code can be sent, for who has shown no more than the password: neither the page nor what it
// sends has the number or address itself.
type codePlace struct{ Mark, Says string }

func (p *Portal) placeMark(in cpni.ID, to string) string {
	return base64.RawURLEncoding.EncodeToString(p.office.Vault.BlindIndex("portal place "+string(in), to))
}

// placeOf finds the place of a mark, as contact.Proof has it; "" there is none.
func (p *Portal) placeOf(ctx context.Context, s *contact.State, mark string) (string, error) {
	c, _, err := p.office.Customers.Get(ctx, s.Customer)
	if err != nil {
		return "", err
	}
	for _, x := range p.office.Contacts.Sendable(c) {
		if hmac.Equal([]byte(p.placeMark(s.ID, x.To)), []byte(mark)) {
			return x.To, nil
		}
	}
	return "", nil
}

// codePage asks for the code. To who has shown the password it says where the code went, or asks where it is to go; to who has
// shown nothing it is the same page whoever they name.
//
// cite: P-16, P-20, P-21, 47 CFR 64.2010(c)
func (p *Portal) codePage(w http.ResponseWriter, r *http.Request) error {
	e, ok := p.entryOf(r)
	if !ok || e.Step != stepSecond && e.Step != stepFirst {
		http.Redirect(w, r, signInPath, http.StatusSeeOther)
		return nil
	}
	return p.askForCode(w, r, e, http.StatusOK, "")
}

func (p *Portal) askForCode(w http.ResponseWriter, r *http.Request, e entry, status int, failed string) error {
	v := p.signInView(r, "sign-in-code")
	v.Step, v.Failed, v.Said = e.Step, failed, p.takeSaid(w, r, v.Language)
	if e.Step == stepSecond {
		s, err := p.running(r.Context(), e)
		if err != nil {
			return err
		}
		if s == nil {
			return p.entryOver(w, r)
		}
		c, _, err := p.office.Customers.Get(r.Context(), s.Customer)
		if err != nil {
			return err
		}
		for _, x := range p.office.Contacts.Sendable(c) {
			v.Places = append(v.Places, codePlace{p.placeMark(s.ID, x.To), placeSays(v.Language, x.Via, x.Place)})
		}
		if s.Code != nil && s.Code.Tries > 0 && p.office.Clock.Now().Before(s.Code.Until) {
			v.Sent = placeSays(v.Language, s.Code.Via, s.Code.Place)
		}
	}
	p.show(w, r, status, codeForm(v))
	return nil
}

// entryOver sends back to the beginning whose sign-in took too long.
func (p *Portal) entryOver(w http.ResponseWriter, r *http.Request) error {
	p.setEntry(w, "", -1)
	p.leaveSaid(w, "said-entry-over")
	http.Redirect(w, r, signInPath, http.StatusSeeOther)
	return nil
}

// takeCode takes the code, or sends one to the place that was chosen.
//
// cite: P-16, P-18, P-20, P-21, I-17, 47 CFR 64.2010(c), 47 CFR 64.2010(e)
func (p *Portal) takeCode(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		return p.unread(w, r)
	}
	done := p.pace(ctx)
	e, ok := p.entryOf(r)
	if !ok || e.Step != stepSecond && e.Step != stepFirst {
		return p.entryOver(w, r)
	}
	s, err := p.running(ctx, e)
	if err != nil {
		return err
	}
	if e.Step == stepSecond && s == nil {
		return p.entryOver(w, r)
	}
	proof := contact.Proof{Code: r.PostForm.Get("code"), Letter: r.PostForm.Get("letter")}
	sends := e.Step == stepSecond && r.PostForm.Get("to") != ""
	if sends {
		to, err := p.placeOf(ctx, s, r.PostForm.Get("to"))
		if err != nil {
			return err
		}
		proof = contact.Proof{SendCode: to}
	}
	var refusal *cpni.Refusal
	if s != nil && (proof.Code != "" || proof.SendCode != "") {
		s, err = p.office.Contacts.Authenticate(ctx, s.ID, proof)
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
	} else {
		s = nil
	}
	switch {
	case sends && s != nil:
		p.keepEntry(w, e)
		http.Redirect(w, r, signInPath+"/code", http.StatusSeeOther)
		return nil
	case s == nil:
		done()
		failed := say(language(r), "code-no")
		if sends {
			failed = say(language(r), "code-not-sent")
		}
		return p.askForCode(w, r, e, http.StatusForbidden, failed)
	case e.Step == stepFirst:
		e.Step = stepSet
		p.keepEntry(w, e)
		http.Redirect(w, r, signInPath+"/password", http.StatusSeeOther)
		return nil
	}
	return p.letIn(w, r, s, e.Back)
}

// placeSays names a place to its owner so that they recognise it, and nobody else learns it.
//
// cite: P-17
func placeSays(language string, via cpni.Via, place string) string {
	switch via {
	case cpni.Text:
		return say(language, "place-text") + " " + customer.Masked(place)
	case cpni.Voice:
		return say(language, "place-voice") + " " + customer.Masked(place)
	case cpni.Email:
		return say(language, "place-email") + " " + maskedEmail(place)
	}
	return say(language, "place-postal")
}

// maskedEmail shows of an e-mail address the first letter of its two parts, and its ending.
func maskedEmail(a string) string {
	user, host, ok := strings.Cut(a, "@")
	if !ok {
		return "•••"
	}
	first := func(s string) string {
		for _, r := range s {
			return string(r) + "•••"
		}
		return "•••"
	}
	end := ""
	if i := strings.LastIndexByte(host, '.'); i > 0 {
		end = host[i:]
	}
	return first(user) + "@" + first(host) + end
}
