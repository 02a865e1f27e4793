package written

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// proofWords are the words of a proof, in both languages.
var proofWords = map[string]map[string]string{
	"en": {"title": "%s: what became of a written request", "request": "Request", "hash": "SHA-256 of the signed text", "decision": "Decision on record", "none": "Nothing was given.",
		"signed": "%s  It was signed.", "entered": "%s  It came by post.", "sent": "%s  Sent to %s (%s).", "back": "%s  It came back.", "other": "%s  You named another address: %s (%s).",
		"opened": "%s  The records were opened by the link.", "turned": "%s  Somebody came for the records and was not given them.", "handed": "%s  Handed over to %s, who showed a document of a government with a photograph.",
		"letter": " They brought the letter of the company.", "closed": "%s  You took it back.", "declined": "%s  It was not carried out: %s",
		"check": "Each step stands in our ledger. Your account has a receipt of the decision that anybody can check.", "email": "e-mail", "postal": "post"},
	"es": {"title": "%s: qué pasó con una petición escrita", "request": "Petición", "hash": "SHA-256 del texto firmado", "decision": "Decisión registrada", "none": "No se dio nada.",
		"signed": "%s  Se firmó.", "entered": "%s  Llegó por correo postal.", "sent": "%s  Enviado a %s (%s).", "back": "%s  Nos fue devuelto.", "other": "%s  Usted nombró otra dirección: %s (%s).",
		"opened": "%s  Los datos se abrieron con el enlace.", "turned": "%s  Alguien vino por los datos y no se le dieron.", "handed": "%s  Entregado a %s, que mostró un documento oficial con fotografía.",
		"letter": " Trajo la carta de la empresa.", "closed": "%s  Usted la anuló.", "declined": "%s  No se cumplió: %s",
		"check": "Cada paso consta en nuestro registro. En su cuenta hay un recibo de la decisión que cualquiera puede comprobar.", "email": "correo electrónico", "postal": "correo postal"},
}

// Proof writes what became of a request, for the customer and in their language: the text that they signed, what was given to whom and
// when, and how it was seen who they are. ErrNone: there is no such request.
//
// cite: P-36, P-41, 47 USC 222(c)(2)
func (d *Desk) Proof(ctx context.Context, of, id cpni.ID, carrier string) (string, error) {
	r, err := d.One(ctx, of, id)
	if err != nil {
		return "", err
	}
	w := proofWords["en"]
	if r.Language == "es" {
		w = proofWords["es"]
	}
	at := func(t time.Time) string { return t.In(d.Zone).Format("2006-01-02 15:04 MST") }
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(w["title"], carrier)
	line("")
	line("%s: %s", w["request"], r.ID)
	line("%s: %x", w["hash"], r.Hash)
	if r.Entry != "" {
		line("%s: %s", w["decision"], r.Entry)
	}
	line("")
	line("%s", r.Text)
	first := w["signed"]
	if r.Posted() {
		first = w["entered"]
	}
	line(first, at(r.At))
	for _, s := range r.Sendings {
		line(w["sent"], at(s.At), s.To, w[string(s.Via)])
		if !s.Back.IsZero() {
			line(w["back"], at(s.Back))
		}
	}
	for _, o := range r.Other {
		line(w["other"], at(o.At), o.To, w[string(o.Via)])
	}
	for _, t := range r.Opened {
		line(w["opened"], at(t))
	}
	for _, h := range r.Turned {
		line(w["turned"], at(h.At))
	}
	if h := r.Handing; h != nil {
		more := ""
		if h.Authority != "" {
			more = w["letter"]
		}
		line(w["handed"]+more, at(h.At), h.Name)
	}
	switch {
	case r.State == Withdrawn:
		line(w["closed"], at(r.Changed))
	case r.State == Declined:
		line(w["declined"], at(r.Changed), r.Reason)
	}
	if r.Handing == nil && len(r.Opened) == 0 && (r.State == Unreached || r.State == Declined || r.State == Withdrawn) {
		line("")
		line("%s", w["none"])
	}
	line("")
	line("%s", w["check"])
	return b.String(), nil
}
