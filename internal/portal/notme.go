package portal

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/customer"
	"ringfence/internal/office"
	"ringfence/internal/vault"
	"ringfence/internal/visitor"
)

// notMePlaces are where who got a notice of change says that it was not them.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func notMePlaces() []place {
	return []place{
		{"GET " + office.NotMeLink + "{token}", (*Portal).askNotMe},
		{"POST " + office.NotMeLink + "{token}", (*Portal).notMe},
	}
}

// askNotMe asks whether the change was theirs, and does nothing: programs that look for evil in mail open every link. A token
// that is unknown, was used or is forgotten gives one and the same page.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func (p *Portal) askNotMe(w http.ResponseWriter, r *http.Request) error {
	what, at, wait, err := p.office.Contacts.Disputable(r.Context(), r.PathValue("token"), visitor.Source(r, p.options.Proxies))
	switch {
	case wait > 0:
		return p.slowDown(w, r, wait)
	case gone(err):
		p.show(w, r, http.StatusNotFound, notMeGone(p.page(r, "notme-gone")))
		return nil
	case err != nil:
		return err
	}
	page := p.page(r, "notme")
	p.show(w, r, http.StatusOK, notMeQuestion(page, changeWord(page.Language, what), dayOf(page.Language, at.In(p.office.Zone))))
	return nil
}

// notMe takes it that the change was not theirs. Who says so has proved nothing: it freezes, and does nothing else.
//
// cite: P-16, P-23, 47 CFR 64.2010(a), 47 CFR 64.2010(f)
func (p *Portal) notMe(w http.ResponseWriter, r *http.Request) error {
	wait, err := p.office.Contacts.NotMeByToken(r.Context(), r.PathValue("token"), contact.ByLink, visitor.Source(r, p.options.Proxies))
	switch {
	case wait > 0:
		return p.slowDown(w, r, wait)
	case gone(err):
		p.show(w, r, http.StatusNotFound, notMeGone(p.page(r, "notme-gone")))
		return nil
	case err != nil:
		return err
	}
	p.show(w, r, http.StatusOK, notMeDone(p.page(r, "notme-done")))
	return nil
}

// gone reports whether a token is none, or none any more.
func gone(err error) bool {
	return errors.Is(err, contact.ErrNoChange) || errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten)
}

// slowDown turns away a place from which too many tokens were tried that are none.
//
// cite: I-18
func (p *Portal) slowDown(w http.ResponseWriter, r *http.Request, wait time.Duration) error {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	p.show(w, r, http.StatusTooManyRequests, notMeSlow(p.page(r, "notme-slow")))
	return nil
}

var notMeWords = words{
	"en": {
		"notme": "Was this you?", "notme-asks": "We told you of a change of your account. This page names only what kind of thing was changed, and on which day.",
		"notme-what": "What was changed", "notme-day": "When",
		"notme-if":  "If this was not you, say so here. We then freeze the change at once: what was set proves nothing and gets nothing, until one of our people has looked into it.",
		"notme-yes": "If it was you, there is nothing to do. Close this page.", "notme-button": "This was not me",
		"notme-done": "Thank you. The change is frozen", "notme-done-says": "Nothing that came with it counts now. One of our people looks into it, and we write to you where we reached you before the change.",
		"notme-done-next": "We will not ask you for a password or a code. If somebody who says that they are from us does, hang up and call us.",
		"notme-gone":      "This link does nothing now", "notme-gone-says": "It was used before, is too old, or was not copied whole. If you did not make a change of your account that we told you of, call us.",
		"notme-slow": "Too many tries", "notme-slow-says": "Wait a while and try again, or call us.",
		"what-password": "Your password", "what-PIN": "Your PIN", "what-backup answer": "An answer to a security question", "what-online account": "Your online account",
		"what-postal address": "Your postal address", "what-e-mail address": "Your e-mail address", "what-authorised person": "Who may speak for you", "what-line": "The lines of your account",
		"what-contact number": "A number to reach you", "what-directory listing": "Your listing in the directory", "what-way of notices": "How we write to you", "what-SIM request": "A request for a new SIM card", "what-SIM lock": "The lock against a new SIM card",
	},
	"es": {
		"notme": "¿Fue usted?", "notme-asks": "Le avisamos de un cambio en su cuenta. Esta página solo dice qué clase de dato se cambió y qué día.",
		"notme-what": "Qué se cambió", "notme-day": "Cuándo",
		"notme-if":  "Si no fue usted, díganoslo aquí. Bloqueamos el cambio de inmediato: lo que se puso no prueba nada ni recibe nada hasta que alguien de nuestro equipo lo haya revisado.",
		"notme-yes": "Si fue usted, no tiene que hacer nada. Cierre esta página.", "notme-button": "No fui yo",
		"notme-done": "Gracias. El cambio está bloqueado", "notme-done-says": "Nada de lo que vino con él cuenta ahora. Alguien de nuestro equipo lo revisa y le escribiremos adonde le localizábamos antes del cambio.",
		"notme-done-next": "No le pediremos ninguna contraseña ni código. Si alguien que dice ser de nuestra parte lo hace, cuelgue y llámenos.",
		"notme-gone":      "Este enlace ya no hace nada", "notme-gone-says": "Ya se usó, es demasiado antiguo o no se copió entero. Si usted no hizo un cambio de su cuenta del que le avisamos, llámenos.",
		"notme-slow": "Demasiados intentos", "notme-slow-says": "Espere un rato y vuelva a intentarlo, o llámenos.",
		"what-password": "Su contraseña", "what-PIN": "Su PIN", "what-backup answer": "La respuesta a una pregunta de seguridad", "what-online account": "Su cuenta en línea",
		"what-postal address": "Su dirección postal", "what-e-mail address": "Su dirección de correo electrónico", "what-authorised person": "Quién puede hablar por usted", "what-line": "Las líneas de su cuenta",
		"what-contact number": "Un número para localizarle", "what-directory listing": "Su inscripción en la guía", "what-way of notices": "Cómo le escribimos", "what-SIM request": "Una solicitud de tarjeta SIM nueva", "what-SIM lock": "El bloqueo contra una tarjeta SIM nueva",
	},
}

// changeWord names a kind of change in a language.
func changeWord(language, what string) string { return say(language, "what-"+what) }

var months = map[string][]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	"es": {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
}

// dayOf writes a day in a language.
func dayOf(language string, at time.Time) string {
	y, m, d := at.Date()
	if language == "es" {
		return strconv.Itoa(d) + " de " + months["es"][m-1] + " de " + strconv.Itoa(y)
	}
	return months["en"][m-1] + " " + strconv.Itoa(d) + ", " + strconv.Itoa(y)
}
