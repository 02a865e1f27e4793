package contact

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// tableCustomer is whom the tables below are about.
func tableCustomer() *customer.Profile {
	return &customer.Profile{Name: "Ann Archer", Account: "A-917304", Born: "1980-04-02", SSN4: "6789",
		Lines:          []customer.Line{{Number: "+12025550143"}, {Number: "+12025550188", Removed: start}},
		ContactNumbers: []string{"+17035550199"},
		Email:          []customer.Address{{Value: "ann.archer80@example.com"}},
		Postal:         []customer.Address{{Value: "4711 Sycamore St, Springfield, VA 22150"}},
		Authorised:     []customer.Authorised{{Name: "Bo Archer"}}}
}

// cite: P-19, 47 CFR 64.2003(a), 47 CFR 64.2003(m), 47 CFR 64.2010(b)
func TestWeakPIN(t *testing.T) {
	p := tableCustomer()
	for pin, weak := range map[string]string{
		"": "form", "8302": "form", "83027": "form", "8302755": "form", "83o275": "form", "830 75": "form", "８３０２７５": "form",
		"123456": "run", "654321": "run", "890123": "run", "210987": "run", "135791": "run", "246802": "run", "777777": "run", "121212": "run", "123123": "run", "112112": "run", "112221": "run", "434344": "run",
		"159753": "common", "147258": "common", "112233": "common", "135790": "common", "102030": "common",
		"917304": "known",                                       // account
		"126789": "known", "678912": "known", "367894": "known", // SSN
		"550143": "known", "202555": "known", "014377": "known", // number
		"550188": "known", "990199": "known", "018862": "known", // numbers of before, and contact numbers
		"040280": "known", "020480": "known", "800402": "known", // birth date in six digits
		"198004": "known", "041980": "known", "198052": "known", // with the year
		"040277": "known", "990204": "known", "421980": "known", // day and month
		"221507": "known", "471199": "known", // address
		"830275": "", "604913": "", "592836": "", "907462": "", "385106": "",
	} {
		got := WeakPIN(pin, p, usual.Secrets)
		class := map[string]string{"": "", "it must have exactly the number of digits that the profile asks for": "form", "it is a run or a repeat": "run",
			"it is among the first that a guesser tries": "common"}
		is, ok := class[got]
		if !ok {
			is = "known"
		}
		if is != weak {
			t.Errorf("%q: %q (%s), want %q (P-19)", pin, is, got, weak)
		}
	}
	// Of a customer of whom nothing is known the same digits are good.
	for _, pin := range []string{"917304", "126789", "550143", "040280"} {
		if why := WeakPIN(pin, &customer.Profile{}, usual.Secrets); why != "" {
			t.Errorf("%q of somebody else: %s", pin, why)
		}
	}
}

// cite: P-19, 47 CFR 64.2010(b), NIST SP 800-63B
func TestWeakPassword(t *testing.T) {
	p := tableCustomer()
	for password, want := range map[string]string{
		"": "short", "heron": "short", "a b c d e f g": "short", "!!!!!!!!": "short", "- - - - - - - -": "short",
		strings.Repeat("heron blue ", 19): "longer", "blue\xffheron": "not text",
		"aaaaaaaa": "run", "abcdefgh": "run", "hgfedcba": "run", "heronheron": "run", "12345678": "run", "13579135": "run",
		"password": "guesser", "Password1": "guesser", "PASSWORD-2026": "guesser", "2026password": "guesser", "qwertyuiop": "guesser", "iloveyou": "guesser", "1q2w3e4r": "guesser",
		"superman99": "guesser", "contraseña": "guesser", "realmadrid": "guesser", "dragon2026": "guesser",
		"Ann Archer 1": "known", "annarcher": "known", "archer-ann": "known", "ArcherAnn1980": "known", "archer1980!": "known", "ann.archer80": "known", "boarcher12": "known",
		"A-917304-7": "known", "917304917304x": "known", "2025550143": "known", "1-555-0143": "known", "1980-04-02": "known", "04/02/1980 ann": "known",
		"Springfield": "known", "sycamore-st-4711": "known", "springfield-22150": "known", "6789archer": "known", "7035550199x": "known",
		"blue-heron-42": "", "violet tandem 88": "", "archery-lesson-5": "", "Springfield-Heron-9": "", "correct horse battery staple": "", "grün-weiß-Fähre": "", "薄い青色の鳥が飛ぶ": "",
		"83027541": "",
	} {
		got := WeakPassword(password, p, usual.Secrets)
		class := ""
		for _, c := range []string{"short", "longer", "not text", "run", "guesser"} {
			if strings.Contains(got, c) {
				class = c
			}
		}
		if got != "" && class == "" {
			class = "known"
		}
		if class != want {
			t.Errorf("%q: %q (%s), want %q (P-19)", password, class, got, want)
		}
	}
}

// The list of what guessers try first is as its readers expect it.
func TestCommonSecrets(t *testing.T) {
	all := common()
	if len(all) < 20_000 || !slices.IsSorted(all) {
		t.Errorf("%d entries, sorted: %v", len(all), slices.IsSorted(all))
	}
	for _, s := range all {
		if Spoken(s) != s || len(s) < 6 {
			t.Errorf("%q is not in the form in which secrets are compared", s)
		}
	}
}

// Questions about a life or an account are refused, in English and in Spanish, however they are put.
//
// cite: P-22, V93, 47 CFR 64.2003(a), 47 CFR 64.2003(m), 47 CFR 64.2010(e)
func TestBadQuestions(t *testing.T) {
	for code, questions := range map[cpni.Code][]string{
		"QUESTION_RABI": {
			"What is your mother's maiden name?", "Mothers maiden name", "MOTHER’S MAIDEN NAME", "What was your mother called before? (maiden)", "m-a-i-d-e-n name", "Maidenname of your mother",
			"What is your date of birth?", "When were you born?", "Where were you born?", "Birthday", "Birthplace?", "What year was your birth", "D.O.B.", "DOB?", "How old are you?",
			"The last four digits of your SSN?", "Last 4 of your social", "Social security number", "S.S.N.?", "social-security no.", "What is your tax ID?",
			"What is your home address?", "What street did you grow up on?", "Which street do you live in?", "Where do you live?", "What is your zip code?", "Postcode?", "In what city were you married?", "What is your hometown?",
			"What is your middle name?", "Your last name?", "What is your father's middle name?", "Name of your father?", "What is the name of your brother?", "Spouse's first name?", "What's your wife's name?",
			"When is your wedding anniversary?", "What is your driver's license number?", "Passport number?", "What high school did you attend?", "Who was your first employer?",
			"¿Cuál es el apellido de soltera de su madre?", "¿Cuál es su fecha de nacimiento?", "¿Dónde nació?", "¿En qué ciudad naciste?", "¿Cuándo es tu cumpleaños?", "Últimos cuatro dígitos del Seguro Social",
			"¿Cuál es su dirección?", "¿En qué calle vive?", "¿Dónde vive usted?", "¿Cuál es su código postal?", "¿Cómo se llama su madre?", "Nombre de su padre", "¿Cuál es su segundo nombre?", "¿Nombre de su esposo?",
			"¿Cuándo se casaron?", "¿Cuál es el número de su pasaporte?", "¿Cuántos años tiene?",
		},
		"QUESTION_ACCOUNT": {
			"What was the amount of your last bill?", "How much was your last invoice?", "What is your account number?", "A-c-c-o-u-n-t n-u-m-b-e-r", "When did you last pay?", "Date of your last payment?", "Are you paid up?",
			"What is your phone number?", "What is your telephone number?", "Which number do you call most? Number you call?", "What was your last call?", "Who did you call last?", "What is your balance?",
			"Which plan do you have? Your plan?", "What service do you have?", "How many lines do you have? Number of lines", "What is your PIN?", "What was your old password?", "Credit card on file?", "How many minutes did you use?",
			"¿Cuál fue el monto de su última factura?", "¿Cuál es su número de cuenta?", "¿Cuál es su saldo?", "¿Cuándo fue su último pago?", "¿Cuál es su número de teléfono?", "¿A quién llamó? Última llamada",
			"¿Qué servicio tiene?", "¿Cuánto pagó? pagos", "¿Cuál es su tarifa?",
		},
		"": {
			"Favourite hiding place?", "First concert?", "What was the name of your first stuffed animal?", "Which teacher did you fear most?", "What is your favourite planet?", "What did you want to be as a child?",
			"The colour of your first bicycle", "What is the best sandwich?", "Which song makes you dance?", "What is the name of your favourite racing driver?", "Who is the stubbornest person you know?", "What did you name the goldfish?",
			"¿Cuál fue su primer concierto?", "¿Cómo se llamaba su primera mascota?", "¿Cuál es su canción favorita?", "¿Qué quería ser de niño?", "¿Su equipo nacional favorito?", "¿Cuál es su plato preferido?",
		},
	} {
		for _, q := range questions {
			if got := BadQuestion(q); got != code {
				t.Errorf("%q: %q, want %q (P-22)", q, got, code)
			}
		}
	}
}

// cite: P-22, 47 CFR 64.2010(e)
func TestCheckQuestion(t *testing.T) {
	p := tableCustomer()
	for _, row := range []struct {
		question, answer string
		want             cpni.Code
	}{
		{question, answer, ""},
		{"What is your date of birth?", "second of april", "QUESTION_RABI"},
		{"", answer, "WEAK_SECRET"}, {"?????", answer, "WEAK_SECRET"}, {"Pet?", answer, "WEAK_SECRET"}, {strings.Repeat("hiding ", 40), answer, "WEAK_SECRET"}, {"hiding\xff place", answer, "WEAK_SECRET"},
		{question, "", "WEAK_SECRET"}, {question, "no", "WEAK_SECRET"}, {question, "!!!!", "WEAK_SECRET"}, {question, "aaaa", "WEAK_SECRET"}, {question, strings.Repeat("stairs ", 40), "WEAK_SECRET"}, {question, "st\xffairs", "WEAK_SECRET"},
		{question, "hiding place", "WEAK_SECRET"}, {question, "Archer", "WEAK_SECRET"}, {question, "1980-04-02", "WEAK_SECRET"}, {question, "Springfield", "WEAK_SECRET"}, {question, "6789", "WEAK_SECRET"}, {question, "555-0143", "WEAK_SECRET"},
	} {
		got := cpni.Code("")
		if r := checkQuestion(row.question, row.answer, p); r != nil {
			got = r.Code
		}
		if got != row.want {
			t.Errorf("%.30q, %.30q: %q, want %q (P-22)", row.question, row.answer, got, row.want)
		}
	}
}

// Who has proved themselves sets one thing at a time, and hears of it; who has not, sets nothing, and that is on record.
//
// cite: P-16, P-19, P-22, P-23, 47 CFR 64.2010(e), 47 CFR 64.2010(f)(1)
func TestEnrol(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(w.ann())
		other := w.create(w.lone())
		proved := w.verified(id)
		backup := w.contact(id)
		w.try(backup, Proof{Backup: map[string]string{question: answer}})
		bo := w.contact(id)
		w.try(bo, Proof{Password: "red-fox-77"})
		claimed := w.contact(id)
		w.try(claimed, Proof{Claim: map[string]string{"ssn4": "6789"}})
		ended := w.verified(id)
		if err := w.End(w.ctx, ended); err != nil {
			t.Fatal(err)
		}
		many := map[string]string{}
		for i := range customer.MostBackup + 1 {
			many[fmt.Sprintf("Favourite thing number %d", i)] = "the one with the dots"
		}
		for _, row := range []struct {
			name string
			e    Enrolment
			want cpni.Code
		}{
			{"a password", Enrolment{Contact: proved, Password: "violet-tandem-88"}, ""},
			{"a PIN", Enrolment{Contact: proved, PIN: "604913"}, ""},
			{"a question", Enrolment{Contact: proved, Backup: map[string]string{"First concert?": "the comets"}}, ""},
			{"the online account", Enrolment{Contact: proved, Online: true}, ""},
			{"nothing", Enrolment{Contact: proved}, "ENROL"},
			{"two things", Enrolment{Contact: proved, PIN: "604913", Online: true}, "ENROL"},
			{"of another customer", Enrolment{Contact: proved, Customer: other, PIN: "604913"}, "UNAUTHENTICATED"},
			{"a weak password", Enrolment{Contact: proved, Password: "password1"}, "WEAK_SECRET"},
			{"a weak PIN", Enrolment{Contact: proved, PIN: "040280"}, "WEAK_SECRET"},
			{"a question about a life", Enrolment{Contact: proved, Backup: map[string]string{"Favourite bird?": "blue heron", "Mother's maiden name?": "Fielding"}}, "QUESTION_RABI"},
			{"a question about the account", Enrolment{Contact: proved, Backup: map[string]string{"Last bill?": "eighty four"}}, "QUESTION_ACCOUNT"},
			{"too many questions", Enrolment{Contact: proved, Backup: many}, "WEAK_SECRET"},
			{"after a right answer alone", Enrolment{Contact: backup, Password: "violet-tandem-88"}, "ENROL"},
			{"by an authorised person", Enrolment{Contact: bo, Password: "violet-tandem-88"}, "UNAUTHENTICATED"},
			{"on the strength of a claim", Enrolment{Contact: claimed, Password: "violet-tandem-88"}, "ENROL"},
			{"unproved", Enrolment{Contact: w.contact(id), Password: "violet-tandem-88"}, "UNAUTHENTICATED"},
			{"in a contact that has ended", Enrolment{Contact: ended, Password: "violet-tandem-88"}, "TOKEN_SCOPE"},
			{"by an endless actor", Enrolment{Contact: proved, By: strings.Repeat("x", longestActor+1), PIN: "604913"}, "BAD_INPUT"},
		} {
			before, refused := w.profile(id), len(w.attempts(id))
			notices, err := w.Enrol(w.ctx, row.e)
			if code := w.code(err); code != row.want || (len(notices) > 0) != (row.want == "") {
				t.Errorf("%s: %q with %v, want %q", row.name, code, notices, row.want)
			}
			if row.want == "" {
				continue
			}
			if n := len(w.attempts(id)); n != refused+1 && row.want != "BAD_INPUT" {
				t.Errorf("%s: the refusal is not on record", row.name)
			}
			if after := w.profile(id); after.Credentials.Password.Hash != before.Credentials.Password.Hash || after.Credentials.PIN.Hash != before.Credentials.PIN.Hash ||
				len(after.Credentials.Backup) != len(before.Credentials.Backup) {
				t.Errorf("%s: and yet something was set", row.name)
			}
		}
		// What was set is what is taken from now on.
		for _, p := range []Proof{{Password: "Violet Tandem 88"}, {PIN: "604913"}, {Backup: map[string]string{"First concert?": "The Comets", question: answer}}} {
			if code := w.try(w.contact(id), p); code != "" {
				t.Errorf("%+v: %q", p, code)
			}
		}
		if code := w.try(w.contact(id), Proof{Password: password}); code != "BAD_SECRET" {
			t.Errorf("the old password: %q", code)
		}
		if p := w.profile(id); !p.Online || !p.Credentials.PIN.Set.Equal(start) || p.Credentials.PIN.Weak {
			t.Errorf("%+v", p.Credentials.PIN)
		}
	})
}

// Questions are replaced one by one; of very many the oldest go.
//
// cite: P-22
func TestQuestionsAreReplaced(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(w.lone())
	set := func(q, a string) {
		if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.verified(id), Backup: map[string]string{q: a}}); err != nil {
			t.Fatal(err)
		}
	}
	set("favourite HIDING place", "in the attic")
	if n := len(w.profile(id).Credentials.Backup); n != 1 {
		t.Errorf("%d questions, want the one", n)
	}
	for want, a := range map[cpni.Code]string{"BAD_SECRET": answer, "": "in the attic"} {
		if code := w.try(w.contact(id), Proof{Backup: map[string]string{question: a}}); code != want {
			t.Errorf("%q: %q", a, code)
		}
	}
	for i := range customer.MostBackup {
		set(fmt.Sprintf("Favourite thing of summer %d?", i), "the one with the dots")
	}
	all := w.profile(id).Credentials.Backup
	if len(all) != customer.MostBackup || Spoken(all[0].Question) == Spoken(question) {
		t.Errorf("%d questions, the first %q", len(all), all[0].Question)
	}
}

// The first secrets are set when service begins, without proof and without a notice; at any other time that would be a way
// past both.
//
// cite: P-19, P-24, V96, 47 CFR 64.2010(e), 47 CFR 64.2010(f)(1)
func TestInitiation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		fresh := func(since time.Time, change func(p *customer.Profile)) cpni.ID {
			p := customer.Profile{Name: "Cy Carter", Since: since}
			change(&p)
			return w.create(p)
		}
		nothing := func(*customer.Profile) {}
		secret := func(p *customer.Profile) {
			s := w.hash.Secret(password)
			p.Credentials = customer.Credentials{Password: &s, PIN: &s, Backup: []customer.Backup{{Question: question, Answer: s}}}
			p.Online = true
		}
		for _, row := range []struct {
			name string
			of   cpni.ID
			want cpni.Code
		}{
			{"now", fresh(start, nothing), ""},
			{"ordered ahead", fresh(start.AddDate(0, 0, 7), nothing), ""},
			{"a day ago, nearly", fresh(start.Add(-24*time.Hour+time.Microsecond), nothing), ""},
			{"a day ago", fresh(start.Add(-24*time.Hour), nothing), "ENROL"},
			{"years ago", fresh(start.AddDate(-6, 0, 0), nothing), "ENROL"},
			{"set already", fresh(start, secret), "ENROL"},
			{"ended", fresh(start, func(p *customer.Profile) { p.Ended = start }), "ENROL"},
		} {
			for kind, e := range map[string]Enrolment{"a password": {Password: "violet-tandem-88"}, "a PIN": {PIN: "604913"}, "a question": {Backup: map[string]string{"First concert?": "the comets"}}, "the online account": {Online: true}} {
				e.Customer, e.Initiation, e.By = row.of, true, "shop"
				attempts := len(w.attempts(row.of))
				notices, err := w.Enrol(w.ctx, e)
				if code := w.code(err); code != row.want || len(notices) != 0 {
					t.Errorf("service began %s, %s: %q, %v; want %q (P-24)", row.name, kind, code, notices, row.want)
				}
				if n := len(w.attempts(row.of)) - attempts; (n == 1) != (row.want != "") {
					t.Errorf("service began %s, %s: %d refusals on record", row.name, kind, n)
				}
				if row.want == "" {
					if _, err := w.Enrol(w.ctx, e); w.code(err) != "ENROL" {
						t.Errorf("service began %s, %s a second time: %v", row.name, kind, err)
					}
				}
			}
			if all, err := w.outbox.Messages(w.ctx, row.of); err != nil || len(all) != 0 {
				t.Errorf("service began %s: %d messages, %v", row.name, len(all), err)
			}
		}
		if _, err := w.Enrol(w.ctx, Enrolment{Initiation: true, Customer: cpni.NewID(), PIN: "604913"}); err != error(customer.ErrNoCustomer) {
			t.Errorf("nobody: %v", err)
		}
	})
}

// A contact that is hung up while a secret is set in it has either set it before, or not at all.
//
// cite: P-16, P-42, I-16
func TestEnrolAndEndAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		other := w.node(db)
		id := w.create(w.ann())
		for range 8 {
			c := w.verified(id)
			var err error
			var all sync.WaitGroup
			all.Go(func() {
				if err := w.End(w.ctx, c); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() { _, err = other.Enrol(w.ctx, Enrolment{Contact: c, PIN: "604913"}) })
			all.Wait()
			if code := w.code(err); code != "" && code != "TOKEN_SCOPE" {
				t.Errorf("%v", err)
			}
			records, err2 := w.ledger.Records(w.ctx, id, ledger.Filter{Kind: ledger.Change, Limit: 1000})
			if err2 != nil {
				t.Fatal(err2)
			}
			set := slices.ContainsFunc(records, func(r ledger.Row) bool { return r.Contact == string(c) })
			if set != (err == nil) {
				t.Errorf("set on record: %v, answered: %v (I-16)", set, err)
			}
		}
	})
}

func FuzzBadQuestion(f *testing.F) {
	for _, s := range []string{"What is your mother's maiden name?", "¿Dónde nació?", "", "\xff", "İ", "ﬃ", strings.Repeat("a ", 200), "\u0301\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, q string) {
		code := BadQuestion(q)
		if code != "" && code != "QUESTION_RABI" && code != "QUESTION_ACCOUNT" {
			t.Errorf("%q", code)
		}
		if code != "" && BadQuestion(q+"?") != code {
			t.Errorf("%q is refused and %q is not", q, q+"?")
		}
	})
}

func FuzzSecrets(f *testing.F) {
	for _, s := range []string{"blue-heron-42", "830275", "", "\xff\xfe", "İstanbul", "ﬁ", "é", "é", "12345678", "٣٤٥", strings.Repeat("9", 300)} {
		f.Add(s)
	}
	p := tableCustomer()
	f.Fuzz(func(t *testing.T, s string) {
		if once := Spoken(s); strings.ContainsAny(once, " -\t\n") {
			t.Errorf("%q has marks left: %q", s, once)
		}
		if why := WeakPIN(s, p, usual.Secrets); why == "" && (len(s) != 6 || digitsOf(s) != s) {
			t.Errorf("%q is a good PIN", s)
		}
		if why := WeakPassword(s, p, usual.Secrets); why == "" && (len(s) > longestSecret || len([]rune(Spoken(s))) < 8) {
			t.Errorf("%q is a good password", s)
		}
		_ = checkQuestion(s, s, p)
		_ = (Alteration{Postal: s, Email: s}).check()
	})
}

// Whatever is known of a customer, no PIN that holds it is good.
//
// cite: P-19, 47 CFR 64.2003(m)
func TestKnownDigitsMakeNoPIN(t *testing.T) {
	p := tableCustomer()
	for _, d := range knownDigits(p) {
		for from := 0; from+6 <= len(d); from++ {
			if WeakPIN(d[from:from+6], p, usual.Secrets) == "" {
				t.Errorf("%s, of %s, is a good PIN", d[from:from+6], d)
			}
		}
		if len(d) < 6 {
			for _, pin := range []string{"9" + d + "71", "97" + d, d + "38"} {
				if len(pin) >= 6 && WeakPIN(pin[:6], p, usual.Secrets) == "" && strings.Contains(pin[:6], d) {
					t.Errorf("%s, with %s in it, is a good PIN", pin[:6], d)
				}
			}
		}
	}
}
