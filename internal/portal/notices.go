package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
)

const noticesPath = "/account/notices"

// noticesPlaces are where a customer reads the notices of their rights: those that wait for them, and those that they were given.
//
// cite: P-02, P-26, P-27, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(b)
func noticesPlaces() []place {
	return []place{
		{"GET " + noticesPath, visiting((*Portal).notices)},
		{"GET " + noticesPath + "/{run}", visiting((*Portal).noticePage)},
		{"POST " + noticesPath + "/{run}", visiting((*Portal).noticeRead)},
	}
}

// noticesView is the list of notices.
type noticesView struct {
	visit
	Waiting []noticeShow
	Given   []noticeShow
}

// noticeShow is one notice as pages show it.
type noticeShow struct {
	Path    string
	Name    string
	How     string // by which way it came, and when
	Follows string // what follows from it
}

// noticeView is the page of one notice.
type noticeView struct {
	visit
	noticeShow
	Waits   bool   // it is to be read, and nothing follows before
	Silence bool   // it can be refused here and now, without going to the choices
	Words   string // HTML of ours; "" it is in Text
	Text    []string
	Choices []choiceShow // what it is about
}

// cite: P-02, 47 CFR 64.2008(a)(2)
func (p *Portal) notices(w http.ResponseWriter, r *http.Request, v visit) error {
	s, err := p.standing(r.Context(), v)
	if err != nil {
		return err
	}
	waiting, err := p.office.Notices.Pending(r.Context(), v.Customer)
	if err != nil {
		return err
	}
	all, err := p.office.Notices.Of(r.Context(), v.Customer)
	if err != nil {
		return err
	}
	page := noticesView{visit: v.titled("notices")}
	for _, x := range waiting {
		page.Waiting = append(page.Waiting, noticeShow{Path: noticesPath + "/" + string(x.ID), Name: noticeName(s, v, x.Spec.Kind, x.Spec.Scopes()), Follows: v.says("notice-waits-" + x.Spec.Kind)})
	}
	for _, x := range all {
		if slices.ContainsFunc(waiting, func(w notice.Run) bool { return w.ID == x.Run }) || x.State == notice.WithLeftOut {
			continue
		}
		page.Given = append(page.Given, shownNotice(s, v, x))
	}
	p.show(w, r, http.StatusOK, noticesPage(page))
	return nil
}

func noticeName(s *standing, v visit, kind string, scopes []string) string {
	names := make([]string, len(scopes))
	for i, x := range scopes {
		names[i] = s.name(v.Language, x)
	}
	return v.says("notice-"+kind) + ": " + strings.Join(names, "; ")
}

// shownNotice tells of one notice how it came and what follows.
//
// cite: P-26, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(d)
func shownNotice(s *standing, v visit, x notice.Proof) noticeShow {
	n := noticeShow{Path: noticesPath + "/" + string(x.Run), Name: noticeName(s, v, x.Kind, x.Scopes)}
	switch {
	case x.Void || x.State == notice.WithNoWay:
		n.How, n.Follows = fill(v.says("notice-came-back"), "{date}", s.day(v.Language, x.At)), v.says("notice-void")
	case x.Given.IsZero():
		n.How, n.Follows = fill(v.says("notice-on-way"), "{date}", s.day(v.Language, x.At), " {via}", viaWord(v.Language, x.Via)), v.says("notice-not-yet")
	default:
		n.How = fill(v.says("notice-given"), "{date}", s.day(v.Language, x.Given), " {via}", viaWord(v.Language, x.Via))
		switch {
		case x.Silence.IsZero():
			n.Follows = v.says("notice-only-yes")
		case s.at.Before(x.Silence):
			n.Follows = fill(v.says("notice-silence"), "{date}", s.day(v.Language, x.Silence))
		default:
			n.Follows = fill(v.says("notice-silence-over"), "{date}", s.day(v.Language, x.Silence))
		}
	}
	return n
}

// noticePage shows one notice in the words in which it was given, or waits.
//
// cite: P-02, P-27, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(b)
func (p *Portal) noticePage(w http.ResponseWriter, r *http.Request, v visit) error {
	ctx, run := r.Context(), cpni.ID(r.PathValue("run"))
	s, err := p.standing(ctx, v)
	if err != nil {
		return err
	}
	waiting, err := p.office.Notices.Pending(ctx, v.Customer)
	if err != nil {
		return err
	}
	all, err := p.office.Notices.Of(ctx, v.Customer)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(x notice.Proof) bool { return x.Run == run })
	if i < 0 {
		p.show(w, r, http.StatusNotFound, nowhere(p.pageIn(r, "nowhere", v.Language)))
		return nil
	}
	x := all[i]
	page := noticeView{visit: v.titled("notice-" + x.Kind), noticeShow: shownNotice(s, v, x)}
	page.Waits = slices.ContainsFunc(waiting, func(w notice.Run) bool { return w.ID == run })
	page.Silence = x.Kind == approval.OptOut
	if page.Waits {
		page.How, page.Follows = "", v.says("notice-waits-"+x.Kind)
	}
	if page.Words, page.Text, err = p.noticeWords(r, v, x); err != nil {
		return err
	}
	for _, name := range x.Scopes {
		if c, ok := s.find(name); ok {
			page.Choices = append(page.Choices, s.view(v, c))
		}
	}
	p.show(w, r, http.StatusOK, oneNotice(page))
	return nil
}

// noticeWords gives the words of a notice: of one that a message carried those of the message, by the version that it was written by;
// of another those of its edition. Both empty: they are not at hand.
//
// cite: P-02, 47 CFR 64.2008(a)(2)
func (p *Portal) noticeWords(r *http.Request, v visit, x notice.Proof) (html string, text []string, err error) {
	ctx := r.Context()
	for _, f := range slices.Backward(x.Forms) {
		m, err := p.office.Outbox.One(ctx, v.Customer, f.Message)
		if errors.Is(err, notify.ErrNoMessage) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		piece, err := p.office.Messages.Preview(ctx, v.Customer, m)
		if err != nil {
			p.options.Report(err)
			continue
		}
		text = append(text, piece.Subject)
		for part := range strings.SplitSeq(piece.Text, "\n\n") {
			if part = strings.TrimSpace(part); part != "" {
				text = append(text, part)
			}
		}
		return "", text, nil
	}
	words, err := p.office.Notices.ForPortal(ctx, v.Customer, x.Run, v.Language)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return "", nil, nil
	}
	return words.HTML, nil, err
}

// noticeRead records that a notice which waited was shown: the customer went on from it, or refused.
//
// Going on says neither yes nor no. A notice that is opened and left waits on.
//
// cite: P-12, P-26, V36, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(d)
func (p *Portal) noticeRead(w http.ResponseWriter, r *http.Request, v visit) error {
	ctx, run := r.Context(), cpni.ID(r.PathValue("run"))
	waiting, err := p.office.Notices.Pending(ctx, v.Customer)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(waiting, func(x notice.Run) bool { return x.ID == run })
	if i < 0 {
		return v.onward(p, w, r, noticesPath)
	}
	said := r.PostForm.Get("say")
	if said != sayNo && said != sayRead {
		return v.onward(p, w, r, noticesPath+"/"+string(run))
	}
	var scopes []string
	if said == sayNo {
		// The refusal first: should the rest fail, it stands.
		for _, scope := range waiting[i].Spec.Scopes() {
			if err := p.object(ctx, p.hereObjection(r, v, scope)); err != nil {
				return err
			}
			scopes = append(scopes, scope)
		}
	}
	if _, err := p.office.Notices.Shown(ctx, v.Customer, run, v.Contact.ID); err != nil {
		var refusal *cpni.Refusal
		if !errors.As(err, &refusal) {
			return err
		}
	}
	p.office.Customers.Drop(v.Customer)
	to := homePath
	if len(waiting) > 1 {
		to = noticesPath + "/" + string(waiting[(i+1)%len(waiting)].ID)
	}
	if len(scopes) > 0 {
		return v.onward(p, w, r, to, "said-no")
	}
	return v.onward(p, w, r, to, "said-read")
}

// sayRead is what a customer says who goes on from a notice: neither yes nor no.
const sayRead = "read"

// laterKey in the address of the first page lets who has a notice to read look at the rest first.
const laterKey = "later"

// showFirst has who comes to the first page of the account see first what notices wait for them.
//
// cite: P-26, 47 CFR 64.2008(b)
func showFirst(p *Portal, r *http.Request, v *visit) error {
	if r.Method != http.MethodGet || r.URL.Path != homePath || r.URL.Query().Has(laterKey) {
		return nil
	}
	waiting, err := p.office.Notices.Pending(r.Context(), v.Customer)
	if err != nil || len(waiting) == 0 {
		return err
	}
	return elsewhere(noticesPath + "/" + string(waiting[0].ID))
}

// elsewhere is the error of what hears of a visit by which the browser is sent to another page of ours.
type elsewhere string

func (e elsewhere) Error() string { return "another page comes first" }

var noticesWords = words{
	"en": {
		"notices": "Notices", "notices-says": "These are the notices of your rights that we gave you, in the words in which we gave them.", "notices-waiting": "To be read", "notices-given": "Given to you, or on the way", "notices-none": "We have given you no notice yet.",
		"notice-opt-out": "A notice of your right to say no", "notice-opt-in": "A request for your permission",
		"notice-given": "Given {via} on {date}.", "notice-on-way": "On its way {via} since {date}.", "notice-came-back": "It came back to us on {date}.",
		"notice-void": "So it counts as not given, and nothing follows from it.", "notice-only-yes": "Nothing follows from it unless you say yes.",
		"notice-silence": "If you say nothing, your silence counts as permission from {date}. You can say no at any time, before and after.", "notice-silence-over": "Unless you say no, your silence has counted as permission since {date}. You can say no at any time.",
		"notice-not-yet":       "Nothing follows from it before you have it.",
		"notice-waits-opt-out": "We show it to you here. Once you have read it and go on, the time begins after which your silence counts as permission. Going on is no yes: you can say no now and at any time.", "notice-waits-opt-in": "We show it to you here. Nothing follows from it unless you say yes.",
		"notice-words-gone": "Its words cannot be shown here at the moment. Call us, and we read them to you.", "notice-read": "Read it", "notice-see": "Read the words", "notice-about": "What it is about",
		"notice-no": "No, you may not", "notice-go-on": "I have read it, go on", "notice-later": "Read it later", "to-all-notices": "All notices", "said-read": "Thank you for reading it. You can say no at any time under Your choices.",
	},
	"es": {
		"notices": "Avisos", "notices-says": "Estos son los avisos de sus derechos que le dimos, con las palabras con que se los dimos.", "notices-waiting": "Por leer", "notices-given": "Entregados a usted, o en camino", "notices-none": "Todavía no le hemos dado ningún aviso.",
		"notice-opt-out": "Un aviso de su derecho a decir que no", "notice-opt-in": "Una petición de su permiso",
		"notice-given": "Entregado {via} el {date}.", "notice-on-way": "En camino {via} desde el {date}.", "notice-came-back": "Nos fue devuelto el {date}.",
		"notice-void": "Por eso cuenta como no dado y no se sigue nada de él.", "notice-only-yes": "No se sigue nada de él salvo que usted diga que sí.",
		"notice-silence": "Si no dice nada, su silencio vale como permiso desde el {date}. Puede decir que no en cualquier momento, antes y después.", "notice-silence-over": "Salvo que diga que no, su silencio vale como permiso desde el {date}. Puede decir que no en cualquier momento.",
		"notice-not-yet":       "No se sigue nada de él antes de que usted lo tenga.",
		"notice-waits-opt-out": "Se lo mostramos aquí. Cuando lo haya leído y continúe, empieza el plazo tras el cual su silencio vale como permiso. Continuar no es un sí: puede decir que no ahora y en cualquier momento.", "notice-waits-opt-in": "Se lo mostramos aquí. No se sigue nada de él salvo que usted diga que sí.",
		"notice-words-gone": "Ahora no se pueden mostrar aquí sus palabras. Llámenos y se las leemos.", "notice-read": "Leerlo", "notice-see": "Leer sus palabras", "notice-about": "De qué trata",
		"notice-no": "No, no pueden", "notice-go-on": "Lo he leído, continuar", "notice-later": "Leerlo más tarde", "to-all-notices": "Todos los avisos", "said-read": "Gracias por leerlo. Puede decir que no en cualquier momento en Sus decisiones.",
	},
}
