package portal

import "net/http"

// simPlaces are where customers of a mobile carrier lock their account against changes of a SIM, and take the lock off.
//
// cite: P-16, P-23, 47 CFR 64.2010(h)
func simPlaces() []place {
	return []place{
		{"GET " + peoplePath + "/sim", proving((*Portal).simForm)},
		{"POST " + peoplePath + "/sim", proving((*Portal).lockSIM)},
	}
}

func (p *Portal) simForm(w http.ResponseWriter, r *http.Request, v visit) error {
	if !p.office.Door.CMRS {
		p.show(w, r, http.StatusNotFound, nowhere(p.pageIn(r, "nowhere", v.Language)))
		return nil
	}
	p.show(w, r, http.StatusOK, simFormPage(p.peopleView(v, "sim-title")))
	return nil
}

// lockSIM sets the lock or takes it off; the customer is told of both.
//
// cite: P-16, P-23, 47 CFR 64.2010(h), V114
func (p *Portal) lockSIM(w http.ResponseWriter, r *http.Request, v visit) error {
	on := r.PostForm.Get("lock") == "yes"
	_, err := p.office.Contacts.LockSIM(r.Context(), v.Contact.ID, on)
	if err != nil {
		form := p.peopleView(v, "sim-title")
		if form.Failed, err = notTaken(v.Language, err); err != nil {
			return err
		}
		p.show(w, r, http.StatusForbidden, simFormPage(form))
		return nil
	}
	said := "said-sim-unlocked"
	if on {
		said = "said-sim-locked"
	}
	return v.onward(p, w, r, peoplePath, said)
}

var simWords = words{
	"en": {
		"sim-title":       "Lock against a new SIM card",
		"sim-says":        "Whoever gets a new SIM card for your number gets your calls, your texts and the codes that others send you. Before we change one we tell you. With the lock on, we change none at all, whoever asks, until you take the lock off here or with our people.",
		"sim-on":          "The lock is on.",
		"sim-off":         "The lock is off.",
		"sim-change":      "Lock or unlock",
		"sim-lock":        "Turn the lock on",
		"sim-unlock":      "Turn the lock off",
		"said-sim-locked": "The lock is on. A message about it is on its way to you.", "said-sim-unlocked": "The lock is off. A message about it is on its way to you.",
		"refused-NOT_APPLICABLE": "We offer no mobile service, so there is nothing to lock.",
	},
	"es": {
		"sim-title":       "Bloqueo contra una tarjeta SIM nueva",
		"sim-says":        "Quien consigue una tarjeta SIM nueva para su número recibe sus llamadas, sus mensajes y los códigos que otros le envían. Antes de cambiarla le avisamos. Con el bloqueo no cambiamos ninguna, la pida quien la pida, hasta que usted lo quite aquí o con nuestro personal.",
		"sim-on":          "El bloqueo está puesto.",
		"sim-off":         "El bloqueo no está puesto.",
		"sim-change":      "Poner o quitar el bloqueo",
		"sim-lock":        "Poner el bloqueo",
		"sim-unlock":      "Quitar el bloqueo",
		"said-sim-locked": "El bloqueo está puesto. Un mensaje sobre ello va en camino.", "said-sim-unlocked": "El bloqueo se quitó. Un mensaje sobre ello va en camino.",
		"refused-NOT_APPLICABLE": "No ofrecemos servicio móvil, así que no hay nada que bloquear.",
	},
}
