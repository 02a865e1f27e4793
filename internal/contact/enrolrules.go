package contact

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/customer"
)

// SecretRules are the dated numbers of enrolment.
type SecretRules struct {
	ShortestPassword int // in characters, for a password that is spoken or used with a second factor
	PINDigits        int
}

//go:embed common.txt
var commonText string

// common lists, sorted, what guessers try first.
var common = sync.OnceValue(func() []string {
	all := strings.Split(strings.TrimSpace(commonText), "\n")
	return slices.DeleteFunc(all, func(line string) bool { return strings.HasPrefix(line, "#") })
})

func isCommon(s string) bool {
	_, found := slices.BinarySearch(common(), s)
	return found
}

// WeakPassword says why a password is refused; "" when it is not.
//
// cite: P-19, 47 CFR 64.2010(b), NIST SP 800-63B
func WeakPassword(plain string, p *customer.Profile, r SecretRules) string {
	if len(plain) > longestSecret {
		return "it is longer than 200 bytes"
	}
	s := Spoken(plain)
	switch {
	case !utf8.ValidString(plain):
		return "it is not text"
	case utf8.RuneCountInString(s) < r.ShortestPassword:
		return "it is too short"
	case repeats(s) || isRun(s):
		return "it is a run or a repeat"
	case isCommon(s) || isCommon(stem(s)):
		return "it is among the first that a guesser tries"
	case known(s, p):
		return "it is made of what others may know of the customer: a name, address, number, account, birth date or social security number"
	}
	return ""
}

// stem is what is left of a password without a few digits before and after it.
func stem(s string) string {
	bare := strings.TrimFunc(s, unicode.IsDigit)
	if len(s)-len(bare) > 4 {
		return s
	}
	return bare
}

// WeakPIN says why a PIN is refused; "" when it is not.
//
// cite: P-19, 47 CFR 64.2010(b)
func WeakPIN(plain string, p *customer.Profile, r SecretRules) string {
	if digitsOf(plain) != plain || len(plain) != r.PINDigits || plain == "" {
		return "it must have exactly the number of digits that the profile asks for"
	}
	if repeats(plain) || isRun(plain) || different(plain) < 3 {
		return "it is a run or a repeat"
	}
	if isCommon(plain) {
		return "it is among the first that a guesser tries"
	}
	for _, d := range knownDigits(p) {
		if strings.Contains(d, plain) || len(d) >= 4 && strings.Contains(plain, d) {
			return "it is made of digits that others may know of the customer: a number, account, birth date or social security number"
		}
	}
	return ""
}

// known reports whether a secret consists of what is known of the customer, with little besides.
func known(s string, p *customer.Profile) bool {
	left := s
	take := func(w string) {
		if w = Spoken(w); len(w) >= 3 {
			left = strings.ReplaceAll(left, w, "")
		}
	}
	words := append(knownWords(p), knownDigits(p)...)
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the longest first
	for _, w := range words {
		take(w)
	}
	if left != s && utf8.RuneCountInString(left) < 4 {
		return true
	}
	// A part of a number that is known: seven digits of the telephone number, say.
	d := digitsOf(s)
	return len(d) >= 4 && len(s)-len(d) < 4 && slices.ContainsFunc(knownDigits(p), func(k string) bool { return strings.Contains(k, d) })
}

// knownWords lists the words that say something of the customer.
func knownWords(p *customer.Profile) []string {
	words := append(strings.Fields(p.Name), p.Name, p.Account)
	for _, a := range p.Authorised {
		words = append(append(words, strings.Fields(a.Name)...), a.Name)
	}
	for _, a := range p.Email {
		user, host, _ := strings.Cut(a.Value, "@")
		host, _, _ = strings.Cut(host, ".")
		words = append(words, a.Value, user, host)
	}
	for _, a := range p.Postal {
		for _, w := range strings.Fields(a.Value) {
			if len(Spoken(w)) >= 4 {
				words = append(words, w)
			}
		}
	}
	return words
}

// knownDigits lists the digit strings that say something of the customer: each is account information or readily
// available biographical information.
//
// cite: 47 CFR 64.2003(a), 47 CFR 64.2003(m)
func knownDigits(p *customer.Profile) []string {
	var all []string
	add := func(s string) {
		if s = digitsOf(s); len(s) >= 4 {
			all = append(all, s)
		}
	}
	number := func(s string) {
		add(s)
		if d := digitsOf(s); len(d) > 7 {
			add(d[len(d)-7:])
			add(d[len(d)-4:])
		}
	}
	add(p.SSN4)
	add(p.Account)
	for _, l := range p.Lines {
		number(l.Number)
	}
	for _, n := range p.ContactNumbers {
		number(n)
	}
	for _, form := range birthForms(p.Born) {
		add(form)
	}
	for _, a := range p.Postal {
		for _, w := range strings.Fields(a.Value) {
			add(w)
		}
	}
	return all
}

// birthForms gives the ways in which people write a birth date in digits.
func birthForms(born string) []string {
	d := digitsOf(born)
	if len(d) != 8 {
		return nil
	}
	y, m, day := d[:4], d[4:6], d[6:]
	yy, short, shortDay := y[2:], strings.TrimPrefix(m, "0"), strings.TrimPrefix(day, "0")
	return []string{y, y + m + day, m + day + y, day + m + y, m + day + yy, day + m + yy, yy + m + day, m + day, day + m, m + y, y + m, m + yy, yy + m,
		short + shortDay + y, shortDay + short + y, short + shortDay + yy, shortDay + short + yy}
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// different counts the different characters of s.
func different(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// repeats reports whether s is one part over and over: 111111, 121212, heronheron.
func repeats(s string) bool {
	r := []rune(s)
	for n := 1; n <= len(r)/2; n++ {
		same := true
		for i := n; i < len(r) && same; i++ {
			same = r[i] == r[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// isRun reports whether every character follows the one before it by the same step: 123456, fedcba, 135790.
func isRun(s string) bool {
	r := []rune(s)
	if len(r) < 3 {
		return false
	}
	step := func(a, b rune) rune {
		if unicode.IsDigit(a) && unicode.IsDigit(b) {
			return (b - a + 10) % 10 // after the 9 comes the 0
		}
		return b - a
	}
	for i := 2; i < len(r); i++ {
		if step(r[i-1], r[i]) != step(r[0], r[1]) {
			return false
		}
	}
	return true
}
