package console

import (
	"errors"
	"net/http"
	"net/url"

	"ringfence/internal/cpni"
	"ringfence/internal/visitor"
)

// confirmView asks somebody who is signed in to prove again who they are.
type confirmView struct {
	page
	Back     string
	Ask      string // what the browser is asked for a passkey; "": none
	Code     bool   // they have a second factor
	Password bool   // they have nothing but a password
}

// toConfirm sends who has to prove again who they are there, and from there to the page that they came from.
func (v *visit) toConfirm(p place) error {
	back := v.r.URL.Path
	if v.posts() {
		back = v.homeOf(p)
	}
	note := "This wants to be sure that it is you."
	if v.posts() {
		note = "This wants to be sure that it is you. Nothing was done yet."
	}
	return v.leave(flash{For: "/me/confirm", Note: note}, "/me/confirm?back="+url.QueryEscape(back))
}

// confirmPage asks for it.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) confirmPage() error {
	ctx := v.r.Context()
	view := confirmView{page: v.page("Is it you?", "/me"), Back: wanted(v.r.URL.Query().Get("back"))}
	factors, err := v.office.Staff.Factors(ctx, v.member.ID)
	if err != nil {
		return err
	}
	view.Code, view.Password = len(factors) > 0, len(factors) == 0 && v.member.Password != ""
	if site, ok := v.site(); ok && hasPasskey(factors) {
		ask, err := v.office.Staff.AskPasskey(ctx, v.session, site)
		if err != nil {
			return err
		}
		view.Ask, view.Passkeys = string(ask), v.assets[visitor.PasskeyScript].address
	}
	return v.show(http.StatusOK, confirmPage(view))
}

func (v *visit) confirm() error {
	if v.form.Has("password") {
		return v.confirmed(v.office.Staff.ProveByPassword(v.r.Context(), v.session, v.form.Get("password"), v.from()))
	}
	_, err := v.office.Staff.CheckCode(v.r.Context(), v.session, v.form.Get("code"), v.from())
	return v.confirmed(err)
}

func (v *visit) confirmByPasskey() error {
	site, ok := v.site()
	if !ok {
		return errNoSite
	}
	_, err := v.office.Staff.CheckPasskey(v.r.Context(), v.session, site, []byte(v.form.Get(passkeyField)), v.from())
	return v.confirmed(err)
}

// confirmed goes back to what was wanted.
func (v *visit) confirmed(err error) error {
	back := wanted(v.form.Get("back"))
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: "/me/confirm", Refusal: refusal}, "/me/confirm?back="+url.QueryEscape(back))
	}
	if err != nil {
		return err
	}
	return v.goTo(back)
}
