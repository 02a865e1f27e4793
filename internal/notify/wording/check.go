package wording

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
)

// sayer is told what is wrong: where in the template, such as .parts[2], and against which clause.
type sayer func(at, clause, format string, a ...any)

var (
	idForm = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)*$`)
	// address is one that stands in a text itself.
	address = regexp.MustCompile(`(?i)https?:|www\.|[a-z0-9]@[a-z0-9]|\b[a-z0-9-]+\.(com|net|org|example|us|io)\b`)
	// blank is a place that somebody meant to fill by hand.
	blank   = regexp.MustCompile(`_{2,}|\[[^\]]*\]|<[^>]*>|\.{4,}|…{2,}|\bTODO\b|(?i)\b(xxx+|tbd)\b`)
	keyForm = regexp.MustCompile(`^[0-9*#]$`)
)

// sound looks at everything of a template that makes it safe to be filled, whatever its kind has to say.
func (d *document) sound(say sayer) {
	if !slices.Contains(everyWay, d.Via) || d.Kind == "" || d.Language == "" {
		say(".kind", "P-23", "a template has a kind, a language, and a way that is text, voice, email or postal")
		return
	}
	if _, err := time.Parse(time.DateOnly, d.Dated); err != nil {
		say(".version", "P-58", "the version is the day of the text, YYYY-MM-DD")
	}
	d.Words.sound(func(at, clause, format string, a ...any) { say(".words"+at, clause, format, a...) })
	if len(d.Parts) == 0 {
		say(".parts", "P-23", "the message says nothing")
	}
	texts := []string{d.Subject}
	for i, p := range d.Parts {
		d.part(fmt.Sprintf(".parts[%d]", i), p, say)
		texts = append(texts, p.Says, p.Digits, p.HTML)
	}
	d.letters(".subject", d.Subject, say)
	used := tokensOf(texts...)
	for _, name := range layoutToken.FindAllStringSubmatch(d.Layout, -1) {
		if !slices.Contains([]string{"body", "language", "subject"}, name[1]) && !slices.Contains(used, name[1]) {
			used = append(used, name[1])
		}
	}
	for _, name := range used {
		switch k, ok := tokens[name]; {
		case !ok:
			say(d.placeOf(name), "P-27", "there is no token {%s}; there are: %s", name, strings.Join(sortedKeys(tokens), ", "))
		case !slices.Contains(d.Tokens, name):
			say(d.placeOf(name), "P-27", "the token {%s} is used and stands not among the template's tokens", name)
		case d.Hides != "" && !slices.Contains(hiding, name):
			say(d.placeOf(name), "P-25", "the token {%s} may carry a value, and the template hides the %s; it may use: %s", name, d.Hides, strings.Join(hiding, ", "))
		case slices.ContainsFunc(worded(name), func(list string) bool { return len(d.Words.Values[list]) == 0 }):
			say(d.placeOf(name), "P-27", "the language has no values for the token {%s}", name)
		case (k.form == list || k.form == entities) && (d.Words.Joins.Two == "" || d.Words.Joins.Between == "" || d.Words.Joins.Last == ""):
			say(d.placeOf(name), "P-27", "the language has no joins for the list {%s}", name)
		case k.form == entities && (d.Words.Itself.Alone == "" || d.Words.Itself.First == "" || !slices.Contains(d.Tokens, "carrier")):
			say(d.placeOf(name), "P-27", "the token {%s} needs the token {carrier}, and itself in the language", name)
		case k.form == stretch && (!strings.Contains(d.Words.Stretch.On, "{from}") || !strings.Contains(d.Words.Stretch.Between, "{from}") || !strings.Contains(d.Words.Stretch.Between, "{until}") || !strings.Contains(d.Words.Stretch.Before, "{until}")):
			say(d.placeOf(name), "P-27", "the language has no stretch with its days for the token {%s}", name)
		case (k.form == day || k.form == stretch) && (!strings.Contains(d.Words.Day, "{day}") || !strings.Contains(d.Words.Day, "{month}") || !strings.Contains(d.Words.Day, "{year}")):
			say(d.placeOf(name), "P-27", "the language has no day with month, day and year for the token {%s}", name)
		}
	}
	for _, name := range d.Tokens {
		if !slices.Contains(used, name) {
			say(".tokens", "P-27", "the token {%s} is not used", name)
		}
	}
	for _, name := range sortedKeys(d.Given) {
		if !slices.Contains(d.Tokens, name) {
			say(".tokens", "P-27", "the token {%s} has its value and is not used", name)
		}
	}
	if d.Hides != "" && d.Hides != hidesValue && d.Hides != hidesInformation {
		say(".hides", "P-25", "a template hides value or information, or nothing; found %q", d.Hides)
	}
	d.subject(say)
	if d.Via == cpni.Email {
		d.layout(say)
	} else if d.Layout != "" {
		say(".html", "P-23", "only e-mail has HTML")
	}
}

// placeOf finds the part that uses a token.
func (d *document) placeOf(name string) string {
	for i, p := range d.Parts {
		if slices.Contains(tokensOf(p.Says, p.Digits, p.HTML), name) {
			return fmt.Sprintf(".parts[%d]", i)
		}
	}
	if slices.Contains(tokensOf(d.Subject), name) {
		return ".subject"
	}
	return ".html"
}

// part looks at one part.
func (d *document) part(at string, p Part, say sayer) {
	d.letters(at, p.Says, say)
	voice := d.Via == cpni.Voice
	switch {
	case len(p.Is) == 0:
		say(at, "P-23", "a part names the elements that it is there for, with is")
	case !voice && (p.Digits != "" || p.Key != "" || p.NotOnMachine):
		say(at, "P-23", "digits, key and not-on-machine belong to calls")
	case p.HTML != "" && d.Via != cpni.Email:
		say(at, "P-23", "only e-mail has HTML")
	case folded(p.Says) == "" && p.Digits == "":
		say(at, "P-27", "the part says nothing")
	case p.Says != "" && p.Digits != "":
		say(at, "P-23", "a part says something or reads digits; make two of it")
	}
	for _, e := range p.Is {
		if !slices.ContainsFunc(d.Elements, func(x Element) bool { return x.ID == e }) {
			say(at, "P-23", "the part is there for the element %q, and none of that id is declared", e)
		}
	}
	if p.HTML != "" {
		if strings.Contains(p.HTML, "{{") || strippedOf(p.HTML) != folded(p.Says) {
			say(at, "P-23", "the HTML of a part says the same as its text, word by word")
		}
		if n := tokensOf(p.HTML); slices.ContainsFunc(n, func(x string) bool { return !slices.Contains(tokensOf(p.Says), x) }) {
			say(at, "P-25", "the HTML of a part has a token that its text has not")
		}
	}
	if voice {
		d.spoken(at, p, say)
	}
}

// spoken looks at a part of a call.
//
// cite: P-20, 47 CFR 64.2010(f)(2)
func (d *document) spoken(at string, p Part, say sayer) {
	read := tokensOf(p.Digits)
	if p.Digits != "" && (len(read) != 1 || p.Digits != "{"+read[0]+"}") {
		say(at, "P-20", "digits is one token, such as {code}")
		return
	}
	for _, name := range read {
		k, ok := tokens[name]
		if !ok {
			continue
		}
		switch k.form {
		case secret:
			if !p.NotOnMachine {
				say(at, "P-20", "the code {%s} is only for the customer: a part that reads it has not-on-machine: true, or a mailbox would keep it for whoever listens", name)
			}
		case digits, telephone:
		default:
			say(at, "P-20", "the token {%s} has no digits to read", name)
		}
	}
	for _, name := range tokensOf(p.Says) {
		switch tokens[name].form {
		case secret, digits, telephone:
			say(at, "P-20", "the token {%s} is read digit by digit: give it a part of its own with digits", name)
		case link:
			say(at, "P-20", "nobody can press a link in a call: leave out {%s}", name)
		}
	}
	if p.Key == "" {
		return
	}
	switch {
	case !keyForm.MatchString(p.Key):
		say(at, "P-20", "a key is one of 0 to 9, * and #")
	case p.Says == "" || strings.Contains(p.Says, p.Key):
		say(at, "P-20", "a part with a key says what it is pressed for; the call itself then asks for the key %s", p.Key)
	}
	for _, o := range d.Parts {
		if o.Key != "" && o.Key != p.Key {
			say(at, "P-20", "a call asks for one key")
		}
	}
}

// letters refuses what cannot be read, what was left blank, and addresses that are not tokens.
func (d *document) letters(at, text string, say sayer) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs)
	}) {
		say(at, "P-27", "there are characters that nobody can read")
	}
	rest := tokenPlace.ReplaceAllString(text, "")
	if strings.ContainsAny(rest, "{}") {
		say(at, "P-27", "a brace that belongs to no token")
	}
	if slices.ContainsFunc(tokensOf(text), func(name string) bool { return strings.TrimSpace(name) == "" }) {
		say(at, "P-27", "a token without a name would leave a blank")
	}
	if blank.MatchString(rest) {
		say(at, "P-27", "a blank was left to be filled by hand: %q", blank.FindString(rest))
	}
	if address.MatchString(rest) {
		say(at, "P-27", "an address stands in the text itself; use a token, such as {link}")
	}
}

// longestSubject is in letters, before it is filled.
const longestSubject = 78

func (d *document) subject(say sayer) {
	has := folded(d.Subject) != ""
	if needs := d.Via == cpni.Email || d.Via == cpni.Postal; needs != has {
		if needs {
			say(".subject", trueSubject, "an e-mail and a letter have a subject that says what they are about")
		} else {
			say(".subject", "P-23", "only e-mails and letters have a subject")
		}
		return
	}
	if utf8.RuneCountInString(d.Subject) > longestSubject {
		say(".subject", trueSubject, "the subject is longer than %d letters", longestSubject)
	}
	for _, name := range tokensOf(d.Subject) {
		switch tokens[name].form {
		case secret, digits, link, free:
			say(".subject", "P-25", "the token {%s} has no place in a subject, which shows on locked screens", name)
		}
	}
	if strings.Contains(d.Subject, "!") {
		say(".subject", trueSubject, "a subject that shouts is taken for advertising")
	}
	for _, w := range wordsOf(d.Subject) {
		if slices.Contains(d.Words.NotInSubject, w) {
			say(".subject", trueSubject, "the subject has the word %q, which misleads about what the message is", w)
		}
	}
}

// wordsOf gives the words of a text in small letters, without its tokens.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(tokenPlace.ReplaceAllString(text, " ")), func(r rune) bool { return !unicode.IsLetter(r) })
}

// layout looks at the HTML around the parts.
func (d *document) layout(say sayer) {
	switch {
	case strings.Count(d.Layout, "{body}") != 1 || !strings.Contains(d.Layout, "{subject}"):
		say(".html", "P-23", "the layout has {subject}, and once {body}")
	case !strings.Contains(d.Layout, `<html lang="{language}"`):
		say(".html", "P-23", `the layout begins with <html lang="{language}">`)
	case strings.Contains(d.Layout, "<!--"):
		say(".html", "P-25", "the layout has a comment, in which some mail programs find commands")
	case strings.Contains(d.Layout, "{{") || strings.Contains(d.Layout, "}}"):
		say(".html", "P-25", "the layout has two braces beside each other")
	}
}

// sound looks at the words of a language.
func (l *Language) sound(say sayer) {
	if l.Name == "" || len(l.Months) != 12 || len(l.Halves) != 2 {
		say("", "P-23", "a language has a name, twelve months and two halves of the day")
	}
	for _, m := range []string{l.Moment, l.ShortMoment} {
		for _, place := range []string{"{month}", "{day}", "{minute}", "{zone}"} {
			if !strings.Contains(m, place) {
				say("", "P-23", "a moment has month, day, minute and zone: %s is missing", place)
			}
		}
		if !strings.Contains(m, "{hour}") && !(strings.Contains(m, "{hour12}") && strings.Contains(m, "{half}")) {
			say("", "P-23", "a moment has its hour, or its hour12 with the half of the day")
		}
	}
	for _, token := range sortedKeys(l.Values) {
		for _, value := range sortedKeys(l.Values[token]) {
			if w := l.Values[token][value]; folded(w) == "" || !utf8.ValidString(w) || strings.ContainsFunc(w, unicode.IsControl) || strings.ContainsAny(w, "{}<>") {
				say(".values."+token, "P-27", "the word for %q is empty or has braces", value)
			}
		}
	}
}

// keeps looks whether a template says what messages of its kind have to say.
//
// cite: P-23, P-24, P-25, P-27, 47 CFR 64.2010(f)
func (d *document) keeps(k kind, say sayer) {
	if k.hides != "" && d.Hides != k.hides {
		say(".hides", "P-25", "messages of the kind %s have hides: %s", d.Kind, k.hides)
	}
	for _, id := range sortedKeys(k.elements) {
		need := k.elements[id]
		if !need.goes(d.Via) {
			continue
		}
		var used []string
		has, asks, onMachine := false, false, false
		for _, p := range d.Parts {
			if !slices.Contains(p.Is, id) {
				continue
			}
			has = true
			used = append(used, tokensOf(p.Says, p.Digits)...)
			asks = asks || need.key != "" && p.Key == need.key
			onMachine = onMachine || !p.NotOnMachine
		}
		i, listed := ItemOf(id)
		switch {
		case !has && listed:
			say(".parts", need.cite, "no part is there for %s: the notice has to be one that %s", i.ID, i.Asks)
			continue
		case !has:
			say(".parts", need.cite, "no part is there for the element %s, and a message of the kind %s needs one", id, d.Kind)
			continue
		case need.key != "" && !asks:
			say(".parts", need.cite, "the element %s asks for the key %s", id, need.key)
		case d.Via == cpni.Voice && k.hides == hidesValue && need.key == "" && !onMachine:
			say(".parts", "47 CFR 64.2010(f)(2)", "the element %s is left out on a machine, and a voicemail is a notice too", id)
		}
		for _, name := range need.tokens {
			if !slices.Contains(used, name) {
				say(".parts", need.cite, "the element %s uses the token {%s}", id, name)
			}
		}
	}
	if d.Via == cpni.Voice && !slices.ContainsFunc(d.Parts, func(p Part) bool { return !p.NotOnMachine }) {
		say(".parts", "P-23", "nothing is left to be said to a machine")
	}
}

// inOwnTongue refuses a part that is written in another language than it says: words of another outnumber its own.
//
// cite: V52
func (d *document) inOwnTongue(others map[string]Language, say sayer) {
	known := func(l Language, words []string) (n int) {
		for _, w := range words {
			if slices.Contains(l.Telltale, w) {
				n++
			}
		}
		return n
	}
	look := func(at, text string) {
		words := wordsOf(text)
		own := known(d.Words, words)
		for _, id := range sortedKeys(others) {
			if id != d.Language && known(others[id], words) > own {
				say(at, wholeTongue, "this is to be %s and reads like %s; a message is whole in its language", d.Words.Name, others[id].Name)
			}
		}
	}
	look(".subject", d.Subject)
	for i, p := range d.Parts {
		at := fmt.Sprintf(".parts[%d]", i)
		look(at, p.Says)
		// A sentence among others, of which no chance makes so many words another language's.
		for _, s := range sentenceEnd.Split(p.Says, -1) {
			words := wordsOf(s)
			for _, id := range sortedKeys(others) {
				if n := known(others[id], words); id != d.Language && n >= foreign && n > known(d.Words, words) {
					say(at, wholeTongue, "a sentence is to be %s and reads like %s; a message is whole in its language", d.Words.Name, others[id].Name)
				}
			}
		}
	}
}

// foreign is how many words of another language make a sentence one of it.
const foreign = 3

var sentenceEnd = regexp.MustCompile(`[.!?:;]+`)
