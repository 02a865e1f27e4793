package contact

import (
	"strings"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// SecretRules are the dated numbers of enrolment.
type SecretRules struct {
	ShortestPassword int // in characters, for a password that is spoken or used with a second factor
	PINDigits        int
}

// commonSecrets are refused whatever their length: they are what guessers try first.
var commonSecrets = strings.Fields(`password passwort contrasena letmein qwerty qwertyuiop welcome iloveyou monkey dragon sunshine
	princess football baseball superman trustno1 starwars whatever changeme secret default administrator
	password1 password123 qwerty123 abc123 11111111 12345678 123456789 1234567890 87654321 00000000 telephone customer account`)

// WeakPassword says why a password is refused; "" when it is not.
//
// cite: P-19, 47 CFR 64.2010(b)
func WeakPassword(plain string, p *customer.Profile, r SecretRules) string {
	s := Spoken(plain)
	switch {
	case len([]rune(s)) < r.ShortestPassword:
		return "it is too short"
	case len(plain) > 200:
		return "it is longer than 200 characters"
	case oneRune(s) || isRun(s):
		return "it is a run or a repeat"
	}
	for _, c := range commonSecrets {
		if s == c {
			return "it is among the first that a guesser tries"
		}
	}
	if known(s, p) {
		return "it is made of what others may know of the customer: a name, number, account, birth date or social security number"
	}
	return ""
}

// WeakPIN says why a PIN is refused; "" when it is not.
//
// cite: P-19
func WeakPIN(plain string, p *customer.Profile, r SecretRules) string {
	if digitsOf(plain) != plain || len(plain) != r.PINDigits {
		return "it must have exactly the number of digits that the profile asks for"
	}
	if oneRune(plain) || isRun(plain) || plain[:len(plain)/2] == plain[len(plain)/2:] {
		return "it is a run or a repeat"
	}
	for _, d := range knownDigits(p) {
		if strings.Contains(d, plain) || len(d) >= 4 && strings.Contains(plain, d) {
			return "it is made of digits that others may know of the customer: a number, account, birth date or social security number"
		}
	}
	return ""
}

// known reports whether a password consists of what is known of the customer, with little besides.
func known(s string, p *customer.Profile) bool {
	if d := digitsOf(s); len(d) >= 4 && len(s)-len(d) < 4 {
		for _, k := range knownDigits(p) {
			if len(k) >= 4 && (strings.Contains(k, d) || strings.Contains(d, k)) {
				return true
			}
		}
	}
	words := append(strings.Fields(strings.ToLower(p.Name)), strings.ToLower(p.Account))
	for _, a := range p.Email {
		user, _, _ := strings.Cut(a.Value, "@")
		words = append(words, user)
	}
	words = append(words, p.Name)
	for _, w := range words {
		if w = Spoken(w); len(w) >= 3 && strings.Contains(s, w) && len(s)-len(w) < 4 {
			return true
		}
	}
	return false
}

// knownDigits lists the digit strings that say something of the customer: each is account information or readily
// available biographical information.
//
// cite: 47 CFR 64.2003(a), 47 CFR 64.2003(m)
func knownDigits(p *customer.Profile) []string {
	var all []string
	add := func(s string) {
		if s = digitsOf(s); len(s) >= 2 {
			all = append(all, s)
		}
	}
	add(p.SSN4)
	add(p.Account)
	for _, l := range p.Lines {
		add(l.Number)
	}
	for _, n := range p.ContactNumbers {
		add(n)
	}
	if d := digitsOf(p.Born); len(d) == 8 {
		y, m, day := d[:4], d[4:6], d[6:]
		for _, form := range []string{y + m + day, m + day + y, day + m + y, m + day + y[2:], day + m + y[2:], y[2:] + m + day, m + day, day + m, m + y, y + m} {
			add(form)
		}
	}
	for _, a := range p.Postal {
		for _, w := range strings.Fields(a.Value) {
			if d := digitsOf(w); len(d) >= 4 {
				add(d)
			}
		}
	}
	return all
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func oneRune(s string) bool { return s != "" && strings.Trim(s, s[:1]) == "" }

// isRun reports whether every character follows the one before it by the same step of one: 123456, fedcba.
func isRun(s string) bool {
	r := []rune(s)
	if len(r) < 3 {
		return false
	}
	step := r[1] - r[0]
	if step != 1 && step != -1 {
		return false
	}
	for i := 1; i < len(r); i++ {
		if r[i]-r[i-1] != step {
			return false
		}
	}
	return true
}

// Words that make a question one about the customer's life history or about the account. A question that has one of
// them is refused: what it asks for is readily available, or stands on a bill.
//
// cite: P-22, 47 CFR 64.2003(a), 47 CFR 64.2003(m), 47 CFR 64.2010(e)
var (
	biographical = []string{"maiden", "mother's name", "mothers name", "father's name", "birth", "born", "social security", "ssn", "address", "street",
		"zip", "where do you live", "where did you live", "middle name", "last name", "surname", "spouse", "husband", "wife", "anniversary", "driver", "licence", "license", "passport",
		"nombre de su madre", "apellido", "soltera", "nacimiento", "naci", "seguro social", "direccion", "calle", "codigo postal", "esposo", "esposa", "aniversario", "pasaporte"}
	accountWords = []string{"account", "bill", "invoice", "payment", "paid", "pay", "plan", "phone number", "telephone number", "last call", "balance", "service", "number you call",
		"cuenta", "factura", "pago", "saldo", "numero de telefono", "llamada", "servicio"}
)

// BadQuestion gives the code for which a question is refused, or "".
//
// cite: P-22
func BadQuestion(question string) cpni.Code {
	q := " " + plainLetters(question) + " "
	for _, w := range biographical {
		if strings.Contains(q, plainLetters(w)) {
			return "QUESTION_RABI"
		}
	}
	for _, w := range accountWords {
		if strings.Contains(q, " "+plainLetters(w)) {
			return "QUESTION_ACCOUNT"
		}
	}
	return ""
}

var accents = strings.NewReplacer("á", "a", "é", "e", "í", "i", "ó", "o", "ú", "u", "ü", "u", "ñ", "n")

func plainLetters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) && r != '\'' {
			return ' '
		}
		return r
	}, accents.Replace(strings.ToLower(s)))
}
