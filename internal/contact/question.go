package contact

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// A question is refused when it asks for the customer's life history or for what stands on the account: the answer is
// readily available, or on a bill. Its words are compared without accents, capitals and marks; a word of the lists stands
// for itself and its plural, one with an asterisk for all that begin with it, several for these words in this order.
// Many questions that would do are refused too. That is the side on which to err: there are others.
//
// cite: P-22, 47 CFR 64.2003(a), 47 CFR 64.2003(m), 47 CFR 64.2010(e)
var (
	biographical = patterns(`maiden*, birth*, born, dob, d o b, date of b, how old, your age, zodiac, star sign, birthstone,
		your social, social sec*, social number, ssn, s s n, tin, itin, tax id*, taxpayer*, passport*, driver s lic*, driver lic*, drivers lic*, driving lic*, licence*, license*,
		address*, street you, street do, street did, street were, street was, your street, which street, what street, zip, postcode*, postal c*, zip code,
		where do you live, where did you live, where you live, where you grew up, you grow up, you grew up, home town, hometown, city were, town were,
		middle name, last name, family name, surname, full name, your name, legal name,
		mother s name, mothers name, mother name, father s name, fathers name, father name, mother s first, father s first, mother s middle, father s middle, name of your mother, name of your father,
		parent s name, parents name, grandmother s name, grandfather s name, spouse*, husband*, wife s, wife, partner s name, married, marriage*, wedding*, anniversar*,
		child s name, children s name, son s name, daughter s name, brother s name, sister s name, name of your brother, name of your sister, name of your son, name of your daughter, name of your child, name of your oldest, name of your youngest, sibling s name,
		high school, elementary school, school did you, employer*,
		soltera, apellido*, nacimiento*, nacio, naciste, nacido, nacida, cumpleanos, que edad, su edad, tu edad, cuantos anos, signo zod*,
		seguro social, numero social, pasaporte*, licencia*, dni, rfc, curp, direccion*, domicilio*, calle, codigo postal, donde vive*, donde vivi*, donde crecio, donde crec*,
		segundo nombre, nombre completo, su nombre, tu nombre, nombre de su madre, nombre de tu madre, nombre de su padre, nombre de tu padre, nombre de su mama, nombre de tu mama, nombre de su papa, nombre de tu papa,
		se llama su madre, se llama tu madre, se llama su padre, se llama tu padre, se llama su mama, se llama su papa, se llama su herman*, se llama su hij*, nombre de su herman*, nombre de su hij*, nombre de su abuel*, nombre de tu abuel*,
		espos*, marido*, conyuge, casaron, casada, casado, boda*, aniversario*, empleador*, secundaria`)
	accountWords = patterns(`account*, bill, billed, billing, invoice*, payment*, paid, pay, you pay, autopay, balance*, amount due, due date, credit card, debit card, bank card, card number, statement*,
		rate plan, phone plan, your plan, service plan, calling plan, plan do you, plan are you, data plan, service, subscription*, subscriber*, contract number, customer number, customer id,
		phone number, telephone number, mobile number, cell number, cellphone number, contact number, number of your phone, your number, your phone, number you call, numbers you call, number did you call, last call, last called, call last, who did you call, whom did you call, who you call*, whom you call*, you last call*, called last, call most, last number, recent call*, call history, voicemail*, voice mail,
		how many line*, number of lines, usage, minutes do you, minutes did you, data do you, pin, password, passcode,
		cuenta*, factura*, recibo, recibos, pago, pagos, paga, pagar, pagaste, saldo*, mensualidad*, plan contratado, que plan, su plan, tu plan, tarifa*, numero de telefono, numero telefonico, numero de movil, numero de celular, su numero, tu numero, su telefono, tu telefono, llamada*, llamo, llamaste, servicio, servicios, contrato*, contrasena*, clave, abonado`)
	// Long enough to be looked for with the spaces taken out as well: m-a-i-d-e-n.
	spelledBiographical = []string{"maiden", "birthd", "dateofbirth", "placeofbirth", "socialsecurity", "mothersname", "homeaddress", "soltera", "segurosocial", "nacimiento"}
	spelledAccount      = []string{"accountnumber", "phonenumber", "lastbill", "lastpayment", "factura"}
)

// patterns reads a list: words split by commas.
func patterns(list string) []string {
	var all []string
	for p := range strings.SplitSeq(list, ",") {
		all = append(all, " "+strings.Join(strings.Fields(p), " "))
	}
	return all
}

// BadQuestion gives the code for which a question is refused, or "".
//
// cite: P-22, 47 CFR 64.2010(e)
func BadQuestion(question string) cpni.Code {
	q := " " + plainLetters(question) + " "
	bare := strings.ReplaceAll(q, " ", "")
	within := func(w string) bool { return strings.Contains(bare, w) }
	switch {
	case asks(q, biographical), slices.ContainsFunc(spelledBiographical, within):
		return "QUESTION_RABI"
	case asks(q, accountWords), slices.ContainsFunc(spelledAccount, within):
		return "QUESTION_ACCOUNT"
	}
	return ""
}

func asks(q string, list []string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		if start, ok := strings.CutSuffix(p, "*"); ok {
			return strings.Contains(q, start)
		}
		return strings.Contains(q, p+" ") || strings.Contains(q, p+"s ")
	})
}

// plainLetters gives the words of a question: small letters without accents, with one space between them.
func plainLetters(s string) string {
	letters := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r): // an accent, which NFKD has taken off its letter
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(s))
	return strings.Join(strings.Fields(letters), " ")
}

// checkQuestion says what is wrong with a backup question and its answer; nil when nothing is.
//
// cite: P-22, 47 CFR 64.2010(e)
func checkQuestion(question, answer string, p *customer.Profile) *cpni.Refusal {
	if len(question) > longestSecret || len(answer) > longestSecret {
		return weak("backup question", "it or its answer is longer than 200 bytes")
	}
	if code := BadQuestion(question); code != "" {
		return reject(code, "the question asks for what others can find out, or for what stands on the account", []string{"P-22", "47 CFR 64.2010(e)"},
			"choose a question whose answer only the customer knows and that no document holds")
	}
	q, a := Spoken(question), Spoken(answer)
	switch {
	case !utf8.ValidString(question) || utf8.RuneCountInString(q) < 5:
		return weak("backup question", "it is not one: it has 5 letters at least")
	case !utf8.ValidString(answer) || utf8.RuneCountInString(a) < 3:
		return weak("backup answer", "it is too short")
	case different(a) < 2 || strings.Contains(q, a):
		return weak("backup answer", "the question or one letter gives it away")
	case known(a, p):
		return weak("backup answer", "it is known to others")
	}
	return nil
}
