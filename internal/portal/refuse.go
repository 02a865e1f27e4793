package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

const refusePath = office.RefusePage

// refusePlaces are where a customer refuses without signing in: by the link of a notice, or by naming themselves.
//
// A refusal needs only to identify the customer, so who comes this way can refuse and do nothing else. They are shown nothing of an
// account, nor whether there is one: a link that is none and a name that is nobody's get the same pages in the same time.
//
// cite: P-11, P-12, P-16, P-27, 47 CFR 64.2008(c)(3), 47 CFR 64.2008(d)(3)(v)
func refusePlaces() []place {
	return []place{
		{"GET " + office.ChoicesLink + "{token}", (*Portal).linkPage},
		{"POST " + office.ChoicesLink + "{token}", (*Portal).refuseByLink},
		{"GET " + refusePath, (*Portal).refusePage},
		{"POST " + refusePath, (*Portal).refuseByName},
	}
}

// refuseView is a page of who is not signed in.
type refuseView struct {
	page
	To        string // where the form goes
	Link      bool   // they came by a link, and need not name themselves
	Companies bool   // there are companies that could be refused alone
	Failed    string
}

// What is refused without a sign-in.
const (
	refuseEverything = "everything"
	refuseCompanies  = "companies"
)

func (p *Portal) refuseView(r *http.Request, link bool) (refuseView, error) {
	v := refuseView{page: p.page(r, "refuse"), Link: link}
	v.To = r.URL.EscapedPath() + "?language=" + v.Language
	all, err := p.companies(r.Context(), &customer.Profile{}, nil)
	v.Companies = len(all) > 0
	return v, err
}

// companies lists those that a refusal of all companies is about: every one that a notice has named, that is on the register, or that
// matters to the customer.
func (p *Portal) companies(ctx context.Context, of *customer.Profile, events []approval.Event) ([]string, error) {
	names, err := p.office.Notices.Named(ctx)
	if err != nil {
		return nil, err
	}
	all, err := p.partnersFor(ctx, of, events, names)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, x := range all {
		ids = append(ids, x.ID)
	}
	for id := range names {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (p *Portal) linkPage(w http.ResponseWriter, r *http.Request) error {
	v, err := p.refuseView(r, true)
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, refuseForm(v))
	return nil
}

func (p *Portal) refusePage(w http.ResponseWriter, r *http.Request) error {
	v, err := p.refuseView(r, false)
	if err != nil {
		return err
	}
	p.show(w, r, http.StatusOK, refuseForm(v))
	return nil
}

// refuseByLink takes a refusal from who has the link of a notice. A link that is none counts against the place that it comes from;
// one that is a notice's is always heard.
//
// cite: P-12, P-27, I-18, 47 CFR 64.2008(c)(3)
func (p *Portal) refuseByLink(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	what, ok, err := p.refusal(w, r, true)
	if err != nil || !ok {
		return err
	}
	done := p.pace(ctx)
	of, m, err := p.office.Outbox.ByToken(ctx, r.PathValue("token"))
	if errors.Is(err, notify.ErrNotOurs) || errors.Is(err, vault.ErrForgotten) || err == nil && !notify.Refusable(m.Kind) {
		wait, err := p.countRefusal(ctx, r)
		if err != nil {
			return err
		}
		if wait > 0 {
			return p.tooMany(w, r, wait)
		}
		if err := p.unheard(ctx, byLink); err != nil {
			return err
		}
	} else if err != nil {
		return err
	} else if err := p.refuseFor(ctx, of, what, byLink, m.ID); err != nil {
		return err
	}
	done()
	p.show(w, r, http.StatusOK, refuseDone(p.page(r, "refuse-done")))
	return nil
}

// refuseByName takes a refusal from who names a notice or themselves. Each try counts against the place that it comes from, whatever
// comes of it: who refuses for themselves needs few.
//
// cite: P-11, P-12, P-17, I-18, 47 CFR 64.2008(c)(3)
func (p *Portal) refuseByName(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	what, ok, err := p.refusal(w, r, false)
	if err != nil || !ok {
		return err
	}
	done := p.pace(ctx)
	wait, err := p.countRefusal(ctx, r)
	if err != nil {
		return err
	}
	if wait > 0 {
		return p.tooMany(w, r, wait)
	}
	of, notice, err := p.named(ctx, r.PostForm.Get("who"))
	if err != nil {
		return err
	}
	if of == "" {
		err = p.unheard(ctx, byForm)
	} else {
		err = p.refuseFor(ctx, of, what, byForm, notice)
	}
	if err != nil {
		return err
	}
	done()
	p.show(w, r, http.StatusOK, refuseDone(p.page(r, "refuse-done")))
	return nil
}

// refusal reads what is refused. ok is false when the page was shown again.
func (p *Portal) refusal(w http.ResponseWriter, r *http.Request, link bool) (what string, ok bool, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	bad := r.ParseForm() != nil
	what = r.PostForm.Get("refuse")
	switch {
	case bad || what != refuseEverything && what != refuseCompanies:
	case !link && strings.TrimSpace(r.PostForm.Get("who")) == "":
	default:
		return what, true, nil
	}
	v, err := p.refuseView(r, link)
	if err != nil {
		return "", false, err
	}
	v.Failed = v.says(map[bool]string{true: "refuse-again-link", false: "refuse-again"}[link])
	p.show(w, r, http.StatusBadRequest, refuseForm(v))
	return "", false, nil
}

// refuseFor records a refusal of a customer who is named by a notice's link or number, or by their own number or account.
//
// cite: P-11, P-12, P-14, P-15, 47 CFR 64.2007(a)(2)
func (p *Portal) refuseFor(ctx context.Context, of cpni.ID, what, via string, notice cpni.ID) error {
	scopes := []string{customer.Everything}
	if what == refuseCompanies {
		c, _, err := p.office.Customers.Get(ctx, of)
		if nobodyThere(err) || errors.Is(err, vault.ErrForgotten) {
			return p.unheard(ctx, via)
		}
		if err != nil {
			return err
		}
		events, err := p.office.Approvals.Events(ctx, of)
		if err != nil {
			return err
		}
		all, err := p.companies(ctx, c, events)
		if err != nil {
			return err
		}
		if len(all) > 0 {
			scopes = scopes[:0]
		}
		for _, id := range all {
			scopes = append(scopes, "partner:"+id)
		}
	}
	for _, s := range scopes {
		err := p.object(ctx, approval.Answer{Customer: of, Says: approval.Object, Scope: s, Via: via, By: self, Notice: notice,
			Evidence: evidenceOf(formKind, map[string]string{byLink: "by the link of a notice, without a sign-in", byForm: "on the page of refusals, without a sign-in"}[via], formShown{Page: via, Scope: s, Says: sayNo})})
		if nobodyThere(err) || errors.Is(err, vault.ErrForgotten) {
			return p.unheard(ctx, via)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// named finds the customer whom somebody names: by the number of a notice, a telephone number, an account or an e-mail address. Who is
// a customer no more can refuse too. "" it names nobody, or more than one.
func (p *Portal) named(ctx context.Context, who string) (of, notice cpni.ID, err error) {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, who)
	by, m, err := p.office.Outbox.ByNumber(ctx, digits)
	if err != nil && !errors.Is(err, notify.ErrNotOurs) && !errors.Is(err, vault.ErrForgotten) {
		return "", "", err
	}
	isNotice := err == nil && notify.Refusable(m.Kind)
	var live, gone []cpni.ID
	for _, kind := range []string{customer.ByNumber, customer.ByAccount, customer.ByEmail} {
		ids, err := p.office.Customers.Find(ctx, kind, who)
		if err != nil {
			return "", "", err
		}
		for _, id := range ids {
			c, _, err := p.office.Customers.Get(ctx, id)
			switch {
			case nobodyThere(err) || errors.Is(err, vault.ErrForgotten):
			case err != nil:
				return "", "", err
			case c.Ended.IsZero():
				live = append(live, id)
			default:
				gone = append(gone, id)
			}
		}
	}
	for _, all := range [][]cpni.ID{live, gone} {
		slices.Sort(all)
		if all = slices.Compact(all); len(all) == 1 {
			return all[0], "", nil
		}
	}
	if isNotice && len(live)+len(gone) == 0 {
		return by, m.ID, nil
	}
	return "", "", nil
}

// unheard records that a refusal named nobody. What was typed is not kept.
//
// cite: P-12, I-23
func (p *Portal) unheard(ctx context.Context, via string) error {
	_, err := p.office.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := p.office.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Attempt, At: p.office.Clock.Now(), Actor: contact.Customer, Outcome: cpni.Reject, Code: "NO_CUSTOMER"},
			map[string]string{"what": "a refusal at the portal that names no customer", "via": via})
		return []ledger.Entry{e}, err
	})
	return err
}

// countRefusal counts a try against the place that it comes from, and tells how long to wait when there were too many.
//
// cite: I-18
func (p *Portal) countRefusal(ctx context.Context, r *http.Request) (wait time.Duration, err error) {
	now := p.office.Clock.Now()
	rules := contact.RulesOf(p.office.Policy.Numbers(now)).Source
	err = p.office.DB.Tx(ctx, func(tx *store.Tx) error {
		v, err := throttle.Take(ctx, tx, now, throttle.Counter{Subject: "refuse " + p.sourceKey(r), Rules: rules, Daily: true})
		wait = v.Wait
		if v.Shut {
			wait = rules.Closed
		}
		return err
	})
	return wait, err
}

var refuseWords = words{
	"en": {
		"refuse-here": "Refuse the use of your information without signing in",
		"refuse":      "Refuse the use of your information", "refuse-says": "Here you can say no to the use of the information that we have because you are our customer, for offers. You need not sign in. It is free, and open day and night. Your service and its price stay the same.",
		"refuse-who": "Which account it is about", "refuse-who-hint": "The telephone number of a line, the account number, or the number of the notice that we sent you",
		"refuse-everything": "Refuse every use", "refuse-everything-says": "We use the information for no offers, ours or others', and give it to no other company for offers.",
		"refuse-companies": "Refuse other companies alone", "refuse-companies-says": "We give the information to no other company for its offers. Our own use stays as it is.",
		"refuse-signed": "To see where your choices stand, or to say yes to something,", "refuse-sign-in": "sign in to your account",
		"refuse-again": "Please say which account it is about, and press one of the buttons.", "refuse-again-link": "Please press one of the buttons.",
		"refuse-done": "Your refusal counts from now on", "refuse-done-says": "If what you gave us, or the link that you followed, names an account of ours, your refusal is on record and counts from now on. We do not say here whether it does, because we do not know who is asking.",
		"refuse-done-next": "We write to the customer, where we have an address of theirs, to confirm what is on record. If nothing comes within a few days, or what you wrote may have been wrong, call us or write to us.",
	},
	"es": {
		"refuse-here": "Rechazar el uso de su información sin entrar",
		"refuse":      "Rechazar el uso de su información", "refuse-says": "Aquí puede decir que no al uso, para ofertas, de la información que tenemos porque usted es nuestro cliente. No hace falta que entre en su cuenta. Es gratis, de día y de noche. Su servicio y su precio siguen igual.",
		"refuse-who": "De qué cuenta se trata", "refuse-who-hint": "El número de teléfono de una línea, el número de cuenta o el número del aviso que le enviamos",
		"refuse-everything": "Rechazar todos los usos", "refuse-everything-says": "No usamos la información para ninguna oferta, ni nuestra ni de otros, y no la damos a otra empresa para ofertas.",
		"refuse-companies": "Rechazar solo a otras empresas", "refuse-companies-says": "No damos la información a otra empresa para sus ofertas. Nuestro propio uso sigue como está.",
		"refuse-signed": "Para ver cómo están sus decisiones, o decir que sí a algo,", "refuse-sign-in": "entre en su cuenta",
		"refuse-again": "Por favor, diga de qué cuenta se trata y pulse uno de los botones.", "refuse-again-link": "Por favor, pulse uno de los botones.",
		"refuse-done": "Su rechazo vale desde ahora", "refuse-done-says": "Si lo que nos dio, o el enlace que siguió, corresponde a una cuenta nuestra, su rechazo consta y vale desde ahora. No decimos aquí si corresponde, porque no sabemos quién pregunta.",
		"refuse-done-next": "Escribimos al cliente, donde tengamos una dirección suya, para confirmar lo que consta. Si no llega nada en unos días, o lo que escribió pudo estar equivocado, llámenos o escríbanos.",
	},
}
