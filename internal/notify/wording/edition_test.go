package wording

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// floorOfLaw is the fewest days that the law allows, as the profile says it.
var floorOfLaw = sync.OnceValues(func() (int, error) {
	set, err := rules.Load(policy.Files)
	if err != nil {
		return 0, err
	}
	return set.Profiles().At(workday.On(2026, 12, 3)).Int("cpni-core", "opt_out_wait_days"), nil
})

func floorDays(t testing.TB) int {
	t.Helper()
	n, err := floorOfLaw()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// codeIn gives the code with which something is refused; "" it is not.
func codeIn(t testing.TB, err error) cpni.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var r *cpni.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("%v is no refusal", err)
	}
	if r.Outcome != cpni.Reject || len(r.Clauses) == 0 || len(r.Next) == 0 || r.Says == "" {
		t.Errorf("%+v does not say what, why and what to do", r)
	}
	return r.Code
}

var (
	acme  = Recipient{ID: "acme", Name: "Acme Energy", Class: cpni.JointVenture}
	calls = Recipient{ID: "calls", Name: "Best Calls", Class: cpni.Agent}
)

// A notice that lacks an item of the checklist is refused with the item's code, in each language, way and kind; whole it is not.
//
// cite: P-02, P-08, P-26, P-27, V43, V44, V46, V47, V52, V53, 47 CFR 64.2008(c), 47 CFR 64.2008(d)
func TestChecklist(t *testing.T) {
	b := built(t)
	floor := floorDays(t)
	for _, kind := range []string{"opt-out", "opt-in"} {
		for _, via := range []string{"email", "postal", ByInsert, ByPortal} {
			for _, language := range []string{"en", "es"} {
				ask := func(change func(*Asked)) cpni.Code {
					a := Asked{Kind: kind, Via: via, Language: language, Floor: floor}
					change(&a)
					_, err := b.Ask(a)
					return codeIn(t, err)
				}
				name := fmt.Sprintf("%s by %s in %s", kind, via, language)
				if code := ask(func(*Asked) {}); code != "" {
					t.Errorf("%s: a whole notice is refused with %s", name, code)
				}
				if via == ByInsert || via == ByPortal { // these have the text of the letter
					if code := ask(func(a *Asked) { a.Omit = []string{"N-07"} }); code != "NOTICE_N07" {
						t.Errorf("%s without its steps: %q", name, code)
					}
					continue
				}
				for _, i := range Items {
					want := i.Code
					if i.Must == May || !i.For(kind+"-notice") && !i.For(kind+"-request") {
						want = ""
					}
					if got := ask(func(a *Asked) { a.Omit = []string{i.ID} }); got != want {
						t.Errorf("%s without %s: %q, want %q (%s)", name, i.ID, got, want, i.Cite)
					}
				}
				for what, c := range map[string]struct {
					change func(*Asked)
					want   cpni.Code
				}{
					"great offers": {func(a *Asked) { a.Subject = "Great offers inside!" }, CodeSubject},
					"says nothing": {func(a *Asked) {
						a.Subject = map[string]string{"en": "A message from {carrier}", "es": "Un mensaje de {carrier}"}[language]
					}, CodeSubject},
					"presses": {func(a *Asked) {
						a.Subject = map[string]string{"en": "Act now: your privacy", "es": "Actúe ahora: su privacidad"}[language]
					}, CodeSubject},
					"says what it is": {func(a *Asked) {
						a.Subject = map[string]string{"en": "Your privacy choices for your telephone service", "es": "Sus opciones de privacidad para su servicio de teléfono"}[language]
					}, ""},
					"another language": {func(a *Asked) {
						a.Subject = map[string]string{"es": "Your choice about your information", "en": "La decisión sobre su información"}[language]
					}, "NOTICE_N11"},
					"partly translated":  {func(a *Asked) { a.PartlyTranslated = true }, "NOTICE_N11"},
					"no language":        {func(a *Asked) { a.Language = "fr" }, "NOTICE_N11"},
					"no address":         {func(a *Asked) { none := " "; a.Email = &none }, CodeContact},
					"an unread address":  {func(a *Asked) { deaf := "No-Reply@carrier.example"; a.Email = &deaf }, CodeReply},
					"an unknown purpose": {func(a *Asked) { a.Purposes = []cpni.Purpose{cpni.WinBack} }, "NOTICE_N05"},
					"an unknown kind":    {func(a *Asked) { a.Data = []cpni.DataClass{cpni.Listing} }, "NOTICE_N03"},
					"a nameless company": {func(a *Asked) { a.Recipients = []Recipient{{ID: "x", Class: cpni.Agent}} }, "NOTICE_N04"},
				} {
					if got := ask(c.change); got != c.want {
						t.Errorf("%s, %s: %q, want %q", name, what, got, c.want)
					}
				}
				want := cpni.Code("")
				if via == "email" {
					want = CodeReply
				}
				if got := ask(func(a *Asked) { a.NoReply = true }); got != want {
					t.Errorf("%s from an address that nobody reads: %q, want %q (V44)", name, got, want)
				}
			}
		}
	}
	if _, err := b.Ask(Asked{Kind: "opt-out", Via: ByVoice, Floor: floor}); codeIn(t, err) != CodeOral {
		t.Errorf("an opt-out notice was read aloud (V46): %v", err)
	}
	if _, err := b.Ask(Asked{Kind: "opt-in", Via: ByVoice, Floor: floor}); err != nil {
		t.Error(err)
	}
	for _, via := range []string{"", "fax", "text"} {
		if _, err := b.Ask(Asked{Kind: "opt-in", Via: via}); codeIn(t, err) != codeInput {
			t.Errorf("%q: %v", via, err)
		}
	}
	if _, err := b.Ask(Asked{Kind: "opt-in", Via: "email", Omit: []string{"N-17"}}); codeIn(t, err) != codeInput {
		t.Error(err)
	}
	if codeIn(t, NoEmailConsent()) != CodeNoConsent {
		t.Error("V42")
	}
}

// What silence may permit, and after how many days.
//
// cite: P-15, P-26, V47, 47 CFR 64.2007(b), 47 CFR 64.2008(d)(1), 47 USC 222(f)
func TestSilence(t *testing.T) {
	b := built(t)
	floor := floorDays(t)
	for _, c := range []struct {
		name string
		a    Asked
		want cpni.Code
	}{
		{"the least", Asked{Kind: "opt-out", Wait: floor}, ""},
		{"one day less", Asked{Kind: "opt-out", Wait: floor - 1}, "NOTICE_N16"},
		{"less than nothing", Asked{Kind: "opt-out", Wait: -1}, "NOTICE_N16"},
		{"longer", Asked{Kind: "opt-out", Wait: 45}, ""},
		{"too long", Asked{Kind: "opt-out", Wait: longestWait + 1}, "NOTICE_N16"},
		{"an agent", Asked{Kind: "opt-out", Recipients: []Recipient{calls}}, ""},
		{"a joint venture", Asked{Kind: "opt-out", Recipients: []Recipient{acme}}, "NOTICE_N09"},
		{"nobody said what it is", Asked{Kind: "opt-out", Recipients: []Recipient{{ID: "x1", Name: "X"}}}, "NOTICE_N09"},
		{"for partners", Asked{Kind: "opt-out", Purposes: []cpni.Purpose{cpni.PartnerMarketing}, Recipients: []Recipient{calls}}, "NOTICE_N09"},
		{"other things", Asked{Kind: "opt-out", Purposes: []cpni.Purpose{cpni.OtherMarketing}}, "NOTICE_N09"},
		{"location", Asked{Kind: "opt-out", Data: []cpni.DataClass{cpni.Location}}, "NOTICE_N09"},
		{"asked for all of it", Asked{Kind: "opt-in", Recipients: []Recipient{acme, calls}, Data: []cpni.DataClass{cpni.Location}, Purposes: []cpni.Purpose{cpni.OtherMarketing, cpni.PartnerMarketing}}, ""},
		{"partners without names", Asked{Kind: "opt-in", Purposes: []cpni.Purpose{cpni.PartnerMarketing}}, "NOTICE_N04"},
		{"twice the same company", Asked{Kind: "opt-in", Recipients: []Recipient{acme, acme}}, "NOTICE_N04"},
		{"a company with a bracket", Asked{Kind: "opt-in", Recipients: []Recipient{{ID: "x1", Name: "X (agent); Y"}}}, "NOTICE_N04"},
		{"a company with a script", Asked{Kind: "opt-in", Recipients: []Recipient{{ID: "x1", Name: "<script>"}}}, "NOTICE_N04"},
		{"a company of no class", Asked{Kind: "opt-in", Recipients: []Recipient{{ID: "x1", Name: "X", Class: "friend"}}}, "NOTICE_N04"},
		{"twice the same purpose", Asked{Kind: "opt-in", Purposes: []cpni.Purpose{cpni.OwnMarketing, cpni.OwnMarketing}}, "NOTICE_N05"},
	} {
		c.a.Via, c.a.Floor = "postal", floor
		e, err := b.Ask(c.a)
		if got := codeIn(t, err); got != c.want {
			t.Errorf("%s: %q, want %q: %v", c.name, got, c.want, err)
		}
		if err == nil && c.a.Wait > 0 && e.Wait() != c.a.Wait {
			t.Errorf("%s: it prints %d days", c.name, e.Wait())
		}
	}
	if _, err := b.Edition(Spec{Kind: notify.OptOutNotice, Purposes: []cpni.Purpose{cpni.OwnMarketing}, Data: everyday, Wait: 99}); err == nil {
		t.Error("an edition was made without the number of the law")
	}
	if _, err := b.Edition(Spec{Kind: notify.OptInRequest, Purposes: []cpni.Purpose{cpni.OwnMarketing}, Data: everyday, Wait: 30}); codeIn(t, err) != "NOTICE_N09" {
		t.Error(err)
	}
	if _, err := b.Edition(Spec{Kind: notify.AccountChange}); codeIn(t, err) != codeKind {
		t.Error(err)
	}
}

// A way to answer that keeps hours or costs something is none, whoever says so: the carrier's facts or the text.
//
// cite: V45, 47 CFR 64.2008(d)(3)(v)
func TestAnyHour(t *testing.T) {
	b := built(t)
	s := Spec{Kind: notify.OptOutNotice, Purposes: []cpni.Purpose{cpni.OwnMarketing}, Data: everyday, Wait: 30, Floor: floorDays(t)}
	for _, c := range []struct {
		ways []AnswerWay
		want cpni.Code
	}{
		{nil, ""},
		{[]AnswerWay{}, "NOTICE_N07"},
		{[]AnswerWay{{"email", true, true}}, "NOTICE_N07"},
		{[]AnswerWay{{"email", true, true}, {"telephone", false, true}, {"web", false, true}}, "NOTICE_N07"},
		{[]AnswerWay{{"email", true, true}, {"telephone", true, false}}, "NOTICE_N07"},
		{[]AnswerWay{{"email", true, true}, {"postal", true, true}}, "NOTICE_N07"},
		{[]AnswerWay{{"email", true, true}, {"telephone", false, true}, {"web", true, true}}, ""},
	} {
		s.Answers = c.ways
		if _, err := b.Edition(s); codeIn(t, err) != c.want {
			t.Errorf("%v: %v, want %q", c.ways, err, c.want)
		}
	}
}

// Words of carriers' drafts that are refused, and words like them that are not.
//
// cite: P-08, P-12, V44, V45, V53, 47 CFR 64.2008(c)(4), 47 CFR 64.2008(c)(8)
func TestWordsOfDrafts(t *testing.T) {
	b := built(t)
	for _, c := range []struct {
		language, says string
		want           cpni.Code
	}{
		{"en", "Failure to respond means that you will lose your plan.", "NOTICE_N09"},
		{"en", "If you say no, you will lose your discount.", "NOTICE_N09"},
		{"en", "If you say no, your service may be interrupted.", "NOTICE_N09"},
		{"en", "If you say no, you lose nothing: you will not lose your service.", "NOTICE_N09"}, // you lose: the plain words are those of the built-in text
		{"en", "You will not lose your service.", ""},
		{"en", "If you do not respond you will lose your plan.", "NOTICE_N09"},
		{"en", "If you do not respond your service may be suspended.", "NOTICE_N09"},
		{"en", "Your service will not be suspended, and there is no extra fee.", ""},
		{"en", "We may tell you about discounts. We act on your answer immediately.", ""},
		{"en", "You get a discount if you agree.", "NOTICE_N09"},
		{"en", "Denial of approval will not affect the provision of any services to which you subscribe, and any denial is valid until you affirmatively revoke or limit it.", ""},
		{"en", "Call us toll-free, 24 hours a day.", ""},
		{"en", "We recommend that you agree.", "NOTICE_N09"},
		{"en", "You agreed by continuing to use our service.", "NOTICE_N09"},
		{"en", "Act now, and get a gift.", "NOTICE_N09"},
		{"en", "If you do not answer within these days, we take it that you agree.", ""},
		{"en", "We keep it for two years.", ""},
		{"en", strings.Repeat("This sentence goes on and ", 12) + "ends.", "NOTICE_N09"},
		{"en", "Freeze your information, so that no third party can see it.", "NOTICE_N13"},
		{"en", "Keep other companies out of your records.", "NOTICE_N13"},
		{"en", "LÓCK  out,\tother companies.", "NOTICE_N13"},
		{"en", "You can tell us to give nothing to other companies.", ""},
		{"en", "Our line is open from 9 a.m. to 5 p.m.", "NOTICE_N07"},
		{"en", "The line is open Monday to Friday.", "NOTICE_N07"},
		{"en", "The line is open 9-5.", "NOTICE_N07"},
		{"en", "A call costs 25 cents.", "NOTICE_N07"},
		{"en", "Charges may apply.", "NOTICE_N07"},
		{"en", "There is no fee, and the line is open 24 hours.", ""},
		{"en", "Please do not reply to this message.", CodeReply},
		{"en", "This mailbox is not monitored.", CodeReply},
		{"en", "Llámenos si usted no quiere que usemos la información.", "NOTICE_N11"},
		{"es", "Si no responde, perderá su descuento.", "NOTICE_N09"},
		{"es", "Usted no perderá ningún servicio.", ""},
		{"es", "Si usted no contesta perderá el servicio.", "NOTICE_N09"},
		{"es", "Actuamos de inmediato cuando usted responde, y no se aplican cargos.", ""},
		{"es", "Le recomendamos que acepte.", "NOTICE_N09"},
		{"es", "La falta de respuesta significa que pierde el plan.", "NOTICE_N09"},
		{"es", "Al continuar con el servicio, usted aceptó.", "NOTICE_N09"},
		{"es", "Bloquee hoy a las otras compañías.", "NOTICE_N13"},
		{"es", "Congele su información para que no la vean terceros.", "NOTICE_N13"},
		{"es", "Usted puede decir que no la demos a otras empresas.", ""},
		{"es", "La línea está abierta de lunes a viernes.", "NOTICE_N07"},
		{"es", "La línea está abierta de 9 a 5.", "NOTICE_N07"},
		{"es", "Se aplican tarifas de larga distancia.", "NOTICE_N07"},
		{"es", "Por favor no responda a este mensaje.", CodeReply},
		{"es", "Call us if you do not want this, and we will help you.", "NOTICE_N11"},
	} {
		text := string(b.Text(notify.OptOutNotice))
		last := map[string]string{"en": `"Your answer, yes or no, is valid until you take it back or change it.`, "es": `"Su respuesta, sí o no, es válida hasta que usted la retire o la cambie.`}[c.language]
		if n := strings.Count(text, last); n != 2 {
			t.Fatalf("the text has the last part %d times", n)
		}
		text = strings.ReplaceAll(text, last, last+" "+strings.ReplaceAll(c.says, "\t", `\t`))
		_, err := b.ParseDraft([]byte(text))
		if got := codeIn(t, err); got != c.want {
			t.Errorf("%q: %q, want %q: %v", c.says, got, c.want, err)
		}
		var refused *Refused
		if errors.As(err, &refused) && (refused.Flaws[0].Line == 0 || refused.Flaws[0].Cite == "") {
			t.Errorf("%q: %+v does not say where and why", c.says, refused.Flaws[0])
		}
	}
}

// A draft of the carrier's own is judged as the policy's own text is, all of it at once.
//
// cite: P-02, P-27, V52, V54, 47 CFR 64.2008(c)
func TestDraft(t *testing.T) {
	b := built(t)
	text := string(b.Text(notify.OptOutNotice))
	for _, c := range []struct {
		name, from, to string
		want           []cpni.Code
	}{
		{"as it is", "", "", nil},
		{"an empty token", "{answer-email}", "{}", []cpni.Code{"NOTICE_N07"}},
		{"a blank", "Write an e-mail to {answer-email}", "Write an e-mail to ________", []cpni.Code{"NOTICE_N07"}},
		{"no telephone and no page", "is: [n-07], says: \"Go to {answer-web}", "is: [who], says: \"Go to {answer-web}", nil},
		{"no duty", "and {carrier} has the duty, to keep", "as with {carrier}, to keep", []cpni.Code{"NOTICE_N02"}},
		{"no days", "within {wait-days} days after", "within some days after", []cpni.Code{"NOTICE_N16"}},
		{"no kinds of information", `says: "{information}"`, `says: "Some of it."`, []cpni.Code{"NOTICE_N03"}},
		{"several things", "and {carrier} has the duty, to keep", "as with {carrier}; hurry, keep", []cpni.Code{"NOTICE_N02", "NOTICE_N09"}},
		{"small letters", `says: "Reply to this e-mail with the word NO."`, `says: "Reply to this e-mail with the word NO.", html: "<span style='font-size:5px'>Reply to this e-mail with the word NO.</span>"`, []cpni.Code{"NOTICE_N10"}},
		{"nobody is told how to reply", "Reply to this e-mail with the word NO.", "Think about the word NO.", []cpni.Code{"NOTICE_N07"}},
		{"an account change", "kind: opt-out-notice", "kind: account-change", []cpni.Code{codeInput}},
		{"no kind", "kind: opt-out-notice", "kind: [", []cpni.Code{codeInput}},
		{"an alias", "cites: [P-02,", "cites: &a [P-02,", []cpni.Code{codeInput}},
	} {
		changed := strings.Replace(text, c.from, c.to, 1)
		if c.from != "" && changed == text {
			t.Fatalf("%s: the text has no %q", c.name, c.from)
		}
		d, err := b.ParseDraft([]byte(changed))
		var got []cpni.Code
		var refused *Refused
		if errors.As(err, &refused) {
			for _, f := range refused.Flaws {
				if !slices.Contains(got, f.Code) {
					got = append(got, f.Code)
				}
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v: %v", c.name, got, c.want, err)
		}
		if err == nil && (d.Kind() != notify.OptOutNotice || !slices.Equal(d.Languages(), []string{"en", "es"})) {
			t.Errorf("%s: %s in %v", c.name, d.Kind(), d.Languages())
		}
	}
	// A draft in one language and one way makes an edition of these, and of no other.
	start, end := strings.Index(text, "  postal:\n"), strings.Index(text, "ways:\n")+len("ways:\n")
	english := text[:end] + text[start:strings.LastIndex(text, "    es:\n")]
	d, err := b.ParseDraft([]byte(english))
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{Kind: notify.OptOutNotice, Purposes: []cpni.Purpose{cpni.OwnMarketing}, Data: everyday, Wait: 30, Floor: 30, Draft: d}
	e, err := b.Edition(s)
	if err != nil {
		t.Fatal(err)
	}
	if x, ok := e.Template(cpni.Postal, "es"); !ok || x.Language() != "en" {
		t.Error("a customer who reads Spanish gets nothing")
	}
	if _, err := e.Write(cpni.Email, "en", nil); codeIn(t, err) != codeKind {
		t.Error(err)
	}
	s.Languages = []string{"en", "es"}
	if _, err := b.Edition(s); codeIn(t, err) != "NOTICE_N11" {
		t.Error(err)
	}
}

func edition(t testing.TB, b *Book, a Asked) *Edition {
	t.Helper()
	a.Floor = floorDays(t)
	e, err := b.Ask(a)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// An edition prints what it was made for whatever the tokens say, is the same after it was kept, and leaves no blank.
//
// cite: P-15, P-27, P-36, P-58, V47, V54, 47 CFR 64.2008(c)(2)
func TestEdition(t *testing.T) {
	b := built(t)
	e := edition(t, b, Asked{Kind: "opt-out", Via: "email", Wait: 45, Recipients: []Recipient{calls}, Data: []cpni.DataClass{cpni.Billing}})
	x, _ := e.Template(cpni.Email, "es")
	tokens := x.Sample()
	tokens["wait-days"], tokens["recipients"], tokens["purposes"], tokens["information"] = "1", "carrier", "other-marketing", "location"
	for language, want := range map[string][]string{
		"en": {"within 45 days", "- Lucid Telephone itself\n- Best Calls, a company that works for us and under our control", "- what stands on your phone bill", "to offer you other communications"},
		"es": {"en los 45 días", "- Lucid Telephone\n- Best Calls, una empresa que trabaja para nosotros", "- lo que dice su factura de teléfono", "para ofrecerle otros servicios"},
		"fr": {"within 45 days"},
	} {
		w, err := e.Write(cpni.Email, language, tokens)
		if err != nil {
			t.Fatal(err)
		}
		for _, says := range want {
			if !strings.Contains(w.Text, says) {
				t.Errorf("in %s it does not say %q:\n%s", language, says, w.Text)
			}
		}
	}
	for _, name := range e.Need() {
		short := x.Sample()
		short[name] = " "
		_, err := e.Write(cpni.Email, "es", short)
		if codeIn(t, err) != codeToken || !strings.Contains(err.Error(), "{"+name+"}") {
			t.Errorf("%s: %v (V54)", name, err)
		}
	}
	if want := []string{"answer-email", "answer-web", "carrier", "number", "telephone"}; !slices.Equal(e.Need(), want) {
		t.Errorf("it needs %v", e.Need())
	}
	for _, address := range []string{"nobody", "a@b", "no reply@a.example", "<a@b.example>", "a@b.example?subject=x", "a@b.example\nbcc:c@d.example"} {
		short := x.Sample()
		short["answer-email"] = address
		if _, err := e.Write(cpni.Email, "es", short); codeIn(t, err) != codeToken {
			t.Errorf("%q: %v", address, err)
		}
	}
	deaf := x.Sample()
	deaf["answer-email"] = "noreply@carrier.example"
	if _, err := e.Write(cpni.Email, "es", deaf); codeIn(t, err) != CodeReply {
		t.Error(err)
	}

	again, err := ParseEdition(e.Source())
	if err != nil {
		t.Fatal(err)
	}
	if again.Version() != e.Version() || !bytes.Equal(again.Source(), e.Source()) || again.Wait() != 45 || !slices.Equal(again.Names(), []string{"calls"}) ||
		!slices.Equal(again.Purposes(), e.Purposes()) || !slices.Equal(again.Data(), e.Data()) || !slices.Equal(again.Recipients(), e.Recipients()) || !slices.Equal(again.Languages(), e.Languages()) {
		t.Error("the edition is another after it was kept")
	}
	for version, source := range e.Kept() {
		one, err := Parse(source())
		if err != nil || one.Version() != version {
			t.Fatal(err)
		}
		same, _ := e.Template(one.Via(), one.Language())
		v, _ := one.Write(tokens)
		w, _ := same.Write(tokens)
		if v.Text != w.Text || v.HTML != w.HTML {
			t.Error("a message is shown again with other words")
		}
	}
	seen := map[string]string{e.Version(): "itself"}
	for what, a := range map[string]Asked{
		"another wait":      {Kind: "opt-out", Via: "email", Wait: 46, Recipients: []Recipient{calls}, Data: []cpni.DataClass{cpni.Billing}},
		"another way":       {Kind: "opt-out", Via: "postal", Wait: 45, Recipients: []Recipient{calls}, Data: []cpni.DataClass{cpni.Billing}},
		"nobody else":       {Kind: "opt-out", Via: "email", Wait: 45, Data: []cpni.DataClass{cpni.Billing}},
		"other information": {Kind: "opt-out", Via: "email", Wait: 45, Recipients: []Recipient{calls}, Data: []cpni.DataClass{cpni.Usage}},
		"another subject":   {Kind: "opt-out", Via: "email", Wait: 45, Recipients: []Recipient{calls}, Data: []cpni.DataClass{cpni.Billing}, Subject: "Your privacy"},
	} {
		v := edition(t, b, a).Version()
		if old := seen[v]; old != "" {
			t.Errorf("%s has the version of %s", what, old)
		}
		seen[v] = what
	}
	if v := edition(t, b, Asked{Kind: "opt-out", Via: "email", Wait: 45, Recipients: []Recipient{calls}, Data: []cpni.DataClass{cpni.Billing}}).Version(); v != e.Version() {
		t.Error("the same edition has two versions")
	}
	for _, wrong := range []string{"", "{}", "[]", `{"kind":"opt-out-notice","texts":[]}`, `{"kind":"test","texts":[{}]}`, strings.Replace(string(e.Source()), `"kind":"opt-out-notice"`, `"kind":"opt-in-request"`, 1)} {
		if _, err := ParseEdition([]byte(wrong)); err == nil {
			t.Errorf("%.40q is an edition", wrong)
		}
	}
}

// Messages are written by the edition that they name, which is read once for all of them.
//
// cite: P-02, P-58
func TestShelf(t *testing.T) {
	b := built(t)
	e := edition(t, b, Asked{Kind: "opt-out", Via: "email"})
	other := edition(t, b, Asked{Kind: "opt-in", Via: "email"})
	loads := 0
	s := NewShelf(b, func(version string) ([]byte, error) {
		loads++
		switch version {
		case e.Version():
			return e.Source(), nil
		case "spoilt":
			return e.Source(), nil
		case other.Version():
			return other.Source(), nil
		case "down":
			return nil, errors.New("the database does not answer")
		}
		return nil, nil
	})
	var _ notify.Writer = s
	x, _ := e.Template(cpni.Email, "en")
	tokens := x.Sample()
	tokens[EditionToken] = e.Version()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 50 {
				w, err := s.Write(notify.OptOutNotice, cpni.Email, "en", tokens)
				if err != nil || w.Version != x.Version() {
					t.Errorf("%v %s", err, w.Version)
					return
				}
			}
		})
	}
	all.Wait()
	if loads != 1 {
		t.Errorf("the edition was read %d times", loads)
	}
	tokens[EditionToken] = other.Version()
	if _, err := s.Write(notify.OptOutNotice, cpni.Email, "en", tokens); codeIn(t, err) != codeKind {
		t.Error("a notice was written by the edition of a request")
	}
	tokens[EditionToken] = "none"
	if _, err := s.Write(notify.OptOutNotice, cpni.Email, "en", tokens); codeIn(t, err) != codeKind {
		t.Error(err)
	}
	for _, version := range []string{"spoilt", "down"} {
		tokens[EditionToken] = version
		if _, err := s.Write(notify.OptOutNotice, cpni.Email, "en", tokens); err == nil {
			t.Errorf("%s: a notice was written", version)
		}
	}
	delete(tokens, EditionToken)
	if _, err := s.Write(notify.OptOutNotice, cpni.Email, "en", tokens); codeIn(t, err) != codeKind {
		t.Error("a notice was written without an edition")
	}
	y, _ := b.Template(notify.Test, cpni.Email, "en")
	if w, err := s.Write(notify.Test, cpni.Email, "en", y.Sample()); err != nil || w.Version != y.Version() {
		t.Error(err)
	}
	w, err := x.Write(x.Sample())
	if err != nil {
		t.Fatal(err)
	}
	if where, is := s.Reveals(w, []string{"permission"}); is {
		t.Errorf("a word of the edition's own is called a value, in %s", where)
	}
	if _, is := s.Reveals(w, []string{"Lucid Telephone"}); !is {
		t.Error("a value that was filled in is not seen")
	}
}

// Many more editions than a shelf keeps open can be written by.
func TestShelfIsBounded(t *testing.T) {
	b := built(t)
	sources := map[string][]byte{}
	s := NewShelf(b, func(version string) ([]byte, error) { return sources[version], nil })
	for n := range mostOpen + 3 {
		e := edition(t, b, Asked{Kind: "opt-out", Via: "postal", Language: "en", Wait: 30 + n})
		sources[e.Version()] = e.Source()
		if _, err := s.Edition(e.Version()); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.open) != mostOpen || len(s.order) != mostOpen {
		t.Errorf("%d are open", len(s.open))
	}
}

// A piece of a page says what the letter says, and nothing in it runs or leads elsewhere.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)(5)
func TestFragment(t *testing.T) {
	b := built(t)
	e := edition(t, b, Asked{Kind: "opt-in", Via: ByPortal, Recipients: []Recipient{acme}})
	for _, language := range []string{"en", "es"} {
		x, _ := e.Template(cpni.Postal, language)
		tokens := x.Sample()
		tokens["carrier"] = `A & "B"`
		piece, err := x.Fragment(tokens)
		if err != nil {
			t.Fatal(err)
		}
		text, err := x.Insert(tokens)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strippedOf(piece), folded(bullets.ReplaceAllString(text, "")); got != want {
			t.Errorf("the page says\n%s\nand the letter\n%s", got, want)
		}
		if !strings.HasPrefix(piece, `<div class="notice-text" lang="`+language+`"><h2>`) || !strings.Contains(piece, "<li>Acme Energy, ") || strings.Contains(piece, `"B"`) {
			t.Error(piece)
		}
		tokens["answer-web"] = ""
		if _, err := x.Fragment(tokens); codeIn(t, err) != codeToken {
			t.Error(err)
		}
	}
	x, _ := b.Template(notify.Test, cpni.Postal, "en")
	if _, err := x.Fragment(x.Sample()); err == nil {
		t.Error("a test makes a piece of a page")
	}
}

// Addresses that say that nobody reads them, and those that do not.
//
// cite: V44, 47 CFR 64.2008(d)(3)(ii)
func TestTakesReplies(t *testing.T) {
	for address, reads := range map[string]bool{"noreply@a.example": false, "No-Reply@a.example": false, "do.not.reply@a.example": false, "donotreply+7@a.example": false, "Lucid <no_reply@a.example>": false,
		"mailer-daemon@a.example": false, "no-responder@a.example": false, "replies@a.example": true, "privacy@a.example": true, "nora.plym@a.example": true, "": true, "elena@noreply.example": true} {
		if err := TakesReplies(address); (err == nil) != reads {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// Each list and each confirmation reads as a sentence, in each language.
func TestLists(t *testing.T) {
	b := built(t)
	for _, c := range []struct{ token, value, en, es string }{
		{"purposes", "own-marketing", "to offer you other communications services, such as another phone plan, internet or voice mail", "para ofrecerle otros servicios de comunicaciones, como otro plan de teléfono, internet o buzón de voz"},
		{"information", "usage,billing", "how much you use your services, and in what pattern and what stands on your phone bill", "cuánto usa sus servicios, y de qué manera y también lo que dice su factura de teléfono"},
		{"information", "usage,service,billing", "how much you use your services, and in what pattern; which services you have, and how they are set up; and what stands on your phone bill", "cuánto usa sus servicios, y de qué manera; qué servicios tiene, y cómo están configurados; y también lo que dice su factura de teléfono"},
		{"recipients", "carrier", "{carrier} itself, and no other company", "solo {carrier}, y ninguna otra empresa"},
		{"recipients", "carrier; X (agent)", "{carrier} itself and X, a company that works for us and under our control", "{carrier} y también X, una empresa que trabaja para nosotros y bajo nuestro control"},
		{"recipients", "X (other)", "X, an independent company", "X, una empresa independiente"},
		{"scope-words", "everything", "every use that needs your permission", "todo uso que necesita su permiso"},
		{"scope-words", "partner:Acme Energy", "giving your information to Acme Energy", "dar su información a Acme Energy"},
		{"scope-words", "data:billing", "any use of this: what stands on your phone bill", "todo uso de esto: lo que dice su factura de teléfono"},
		{"scope-words", "location:own-marketing", "using where your phone is to offer you other communications services, such as another phone plan, internet or voice mail", "usar dónde está su teléfono para ofrecerle otros servicios de comunicaciones, como otro plan de teléfono, internet o buzón de voz"},
		{"usable-from", "2027-01-03", "January 3, 2027", "3 de enero de 2027"},
		{"choice", "object", "you said no", "usted dijo que no"},
	} {
		for language, want := range map[string]string{"en": c.en, "es": c.es} {
			l := b.words[language]
			if f, err := l.fill(c.token, c.value, false); err != nil || f.shown != want {
				t.Errorf("%s %q in %s: %q %v", c.token, c.value, language, f.shown, err)
			}
		}
	}
	l := b.words["en"]
	for token, wrong := range map[string][]string{
		"purposes": {"", "own-marketing,own-marketing", "win-back", "own-marketing, other-marketing", ","}, "information": {"listing", "aggregate"},
		"recipients":  {"", "Acme", "Acme (friend)", "X (agent); carrier", "<b> (agent)", strings.Repeat("x", longestName+1) + " (agent)", "; ", strings.Repeat("X (agent); ", 3) + "("},
		"scope-words": {"all", "partner:", "partner: ", "data:listing", "location:legal", "own-marketing:x", "everything:x", "partner:" + strings.Repeat("x", longestName+1)},
		"usable-from": {"", "tomorrow", "2027-02-30"}, "answer-post": {"", strings.Repeat("x", longestPost+1), "a\nb", "<b>"}, "wait-days": {"0", "-1", "thirty"},
	} {
		for _, value := range wrong {
			if f, err := l.fill(token, value, false); err == nil {
				t.Errorf("%s %q is %q", token, value, f.shown)
			}
		}
	}
}

// How fast a run of notices is put into words: one notice by e-mail, its edition among others on the shelf.
func BenchmarkNotice(b *testing.B) {
	book := built(b)
	e := edition(b, book, Asked{Kind: "opt-out", Via: "email"})
	s := NewShelf(book, func(string) ([]byte, error) { return e.Source(), nil })
	x, _ := e.Template(cpni.Email, "en")
	tokens := x.Sample()
	tokens[EditionToken] = e.Version()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Write(notify.OptOutNotice, cpni.Email, "en", tokens); err != nil {
			b.Fatal(err)
		}
	}
}

// How long it takes to make an edition with all that is looked at.
func BenchmarkEdition(b *testing.B) {
	book := built(b)
	for b.Loop() {
		edition(b, book, Asked{Kind: "opt-out", Via: "email"})
	}
}
