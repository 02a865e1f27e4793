package wording

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// form is what the value of a token looks like. What has no form of its own is free, and may say anything.
type form int

const (
	free      form = iota // a name
	word                  // one of a list that the template has in its own language
	instant               // a moment with the clock of its zone, as Moment writes it
	count                 // a small number
	digits                // a code that may be known to whoever gets the message
	secret                // a code that only the customer may hear
	link                  // an address of the carrier's own site
	telephone             // a number of the carrier's own, E.164
	own                   // a name from the carrier's configuration
)

// token is a place in a text that is filled when a message is written.
type token struct {
	form   form
	means  string
	sample string // of a preview
	long   string // the longest that texts are measured with
}

// The tokens. A template uses no other: what could carry a value is not among them, but for a customer's name, which a
// template that hides a value may not use.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
var tokens = map[string]token{
	"carrier":    {own, "the carrier's name", "Lucid Telephone", "A Telephone Carrier of 30 Lett"},
	"name":       {free, "the customer's name", "Maria Example", strings.Repeat("m", longestName)},
	"what":       {word, "what kind of thing was changed", "postal address", ""},
	"outcome":    {word, "what became of a change that was frozen", "undone", ""},
	"when":       {instant, "when it happened", "2026-11-25T14:05:00-05:00[America/New_York]", "2026-09-25T22:05:00-09:00[Pacific/Honolulu]"},
	"until":      {instant, "until when it holds", "2026-11-25T14:15:00-05:00[America/New_York]", "2026-09-25T22:05:00-09:00[Pacific/Honolulu]"},
	"minutes":    {count, "for how many minutes it holds", "10", "9999"},
	"code":       {secret, "the code that proves that the customer was reached", "48213957", "4821395748"},
	"link":       {link, "an address of the carrier's site made for this message", "https://notice.example/n/Qm4Tz8Kc2Wd7Xp9Lr5Vb3Hn6", "https://notices.carrier.example/n/Qm4Tz8Kc2Wd7Xp9Lr5Vb3Hn6"},
	"telephone":  {telephone, "the carrier's number", "+18005550147", "+18005550147"},
	"short-code": {digits, "the number under which the carrier finds this message", "730518", "7305186249"},
}

// hiding are the tokens that a template may use which hides a value: each has a form that the program checks, and is
// made by the program or stands in the carrier's configuration.
var hiding = []string{"carrier", "what", "outcome", "when", "until", "minutes", "link", "telephone", "short-code"}

// The longest values, in letters.
const (
	longestName = 60
	longestOwn  = 40
	longestLink = 100
)

var (
	tokenPlace = regexp.MustCompile(`\{([^{}]*)\}`)
	digitsForm = regexp.MustCompile(`^[0-9]{4,10}$`)
	countForm  = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)
	phoneForm  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	// linkForm has no question mark, at sign or escape, behind which a value could stand.
	// Without encryption it leads only to this machine, as a demonstration does.
	linkForm   = regexp.MustCompile(`^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?(/[A-Za-z0-9_-]+)*/?$`)
	momentForm = regexp.MustCompile(`^([^\[\]]+)\[([A-Za-z0-9_+/-]{1,40})\]$`)
)

// Moment writes a time for a token such as when: with the clock of its zone and the zone's name, as RFC 9557 has it.
//
// cite: RFC 9557
func Moment(t time.Time) string {
	return t.Format(time.RFC3339) + "[" + t.Location().String() + "]"
}

func readMoment(value string) (at time.Time, zone string, err error) {
	m := momentForm.FindStringSubmatch(value)
	if m == nil {
		return at, "", fmt.Errorf("it is no moment such as 2026-11-25T14:05:00-05:00[America/New_York]")
	}
	at, err = time.Parse(time.RFC3339, m[1])
	if err != nil {
		return at, "", fmt.Errorf("it is no moment such as 2026-11-25T14:05:00-05:00[America/New_York]")
	}
	return at, m[2], nil
}

// filled is the value of a token in the words of a language, ready for a text.
type filled struct {
	shown   string
	spoken  string // its digits, read one by one; "" it has none
	dialled string // of a telephone number
}

// fill brings a value to its words. The error says what is wrong with it and never the value.
func (l *Language) fill(name, value string, short bool) (filled, error) {
	switch {
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError }):
		return filled{}, fmt.Errorf("it has characters that nobody can read")
	case strings.TrimSpace(value) == "":
		return filled{}, errEmpty
	}
	wrong := func(format string, a ...any) (filled, error) { return filled{}, fmt.Errorf(format, a...) }
	switch tokens[name].form {
	case free, own:
		most := longestName
		if tokens[name].form == own {
			most = longestOwn
		}
		if utf8.RuneCountInString(value) > most {
			return wrong("it is longer than %d letters", most)
		}
		return filled{shown: value}, nil
	case word:
		w, ok := l.Values[name][value]
		if !ok {
			return wrong("it is none of the words for it: add it to the values of %s in %s, in every language", name, wordsFile)
		}
		return filled{shown: w}, nil
	case instant:
		at, zone, err := readMoment(value)
		return filled{shown: l.moment(at, zone, short)}, err
	case count:
		if !countForm.MatchString(value) {
			return wrong("it is no number from 1 to 9999")
		}
		return filled{shown: value}, nil
	case digits, secret:
		if !digitsForm.MatchString(value) {
			return wrong("it is not 4 to 10 digits")
		}
		return filled{shown: value, spoken: value}, nil
	case link:
		if len(value) > longestLink || !linkForm.MatchString(value) {
			return wrong("it is no address such as https://carrier.example/n/Abc123, of at most %d letters", longestLink)
		}
		return filled{shown: value}, nil
	case telephone:
		if !phoneForm.MatchString(value) {
			return wrong("it is no number such as +18005550147")
		}
		return filled{shown: dialled(value), spoken: strings.TrimPrefix(strings.TrimPrefix(value, "+1"), "+"), dialled: value}, nil
	}
	return wrong("no template may use it")
}

// dialled shows a number as people write it.
func dialled(e164 string) string {
	if n, ok := strings.CutPrefix(e164, "+1"); ok && len(n) == 10 {
		return n[:3] + "-" + n[3:6] + "-" + n[6:]
	}
	return e164
}

// moment writes a time in the language's form.
func (l *Language) moment(at time.Time, zone string, short bool) string {
	pattern := l.Moment
	if short {
		pattern = l.ShortMoment
	}
	half := l.Halves[at.Hour()/12]
	twelve := (at.Hour()+11)%12 + 1
	name, ok := l.Zones[zone]
	if !ok {
		_, offset := at.Zone()
		name = fmt.Sprintf("UTC%+d", offset/3600)
		if rest := (offset % 3600) / 60; rest != 0 {
			name += fmt.Sprintf(":%02d", max(rest, -rest))
		}
	}
	return strings.NewReplacer("{month}", l.Months[at.Month()-1], "{day}", strconv.Itoa(at.Day()), "{year}", strconv.Itoa(at.Year()),
		"{hour}", strconv.Itoa(at.Hour()), "{hour12}", strconv.Itoa(twelve), "{minute}", fmt.Sprintf("%02d", at.Minute()), "{half}", half, "{zone}", name).Replace(pattern)
}

// Sample gives a value for each token of the template, for a preview: nobody's.
func (t *Template) Sample() map[string]string {
	return t.example(func(k token) string { return k.sample })
}

// longest gives for each token the longest value that the text is measured with.
func (t *Template) longest() map[string]string {
	return t.example(func(k token) string { return k.long })
}

func (t *Template) example(of func(token) string) map[string]string {
	all := map[string]string{}
	for _, name := range t.doc.Tokens {
		k := tokens[name]
		if all[name] = of(k); k.form != word {
			continue
		}
		values := t.doc.Words.Values[name]
		if _, ok := values[all[name]]; ok {
			continue
		}
		for _, v := range sortedKeys(values) {
			if old, ok := values[all[name]]; !ok || utf8.RuneCountInString(values[v]) > utf8.RuneCountInString(old) {
				all[name] = v
			}
		}
	}
	return all
}

// Meaning says what a token stands for; "" it is none.
func Meaning(name string) string { return tokens[name].means }

// tokensOf lists the tokens in texts, once each, in their order; also what stands in braces and is none.
func tokensOf(texts ...string) []string {
	var all []string
	for _, text := range texts {
		for _, m := range tokenPlace.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(all, m[1]) {
				all = append(all, m[1])
			}
		}
	}
	return all
}
