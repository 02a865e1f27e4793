package wording

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/notify"
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
	list                  // several of a list of words, as codes with commas
	entities              // companies with what they are to the carrier, as Recipients writes them
	scope                 // what an answer is about, as approvals name it
	day                   // a date
	stretch               // a day, the days from one to another, or a time up to a day, as Stretch writes it
	mailbox               // an e-mail address of the carrier's own
	post                  // a postal address of the carrier's own, in one line
	prose                 // what a campaign or an incident says, as somebody else has reviewed it; the same for everybody
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

	"purposes":        {list, "for what customer information would be used", "own-marketing,other-marketing", "own-marketing,other-marketing,partner-marketing"},
	"information":     {list, "the kinds of customer information that it is about", "call-detail,usage,service,billing", "call-detail,usage,service,location,billing"},
	"recipients":      {entities, "who would get the information", "carrier; Example Energy (joint-venture)", "carrier; " + strings.Repeat("m", longestName) + " (independent-contractor)"},
	"wait-days":       {count, "how many days we wait for an answer", "30", "365"},
	"usable-from":     {day, "the first day on which silence counts as permission", "2026-12-27", "2026-09-25"},
	"answer-email":    {mailbox, "the address that takes answers by e-mail", "choices@carrier.example", "customer-information@carrier.example"},
	"answer-web":      {link, "the page on which customers choose", "https://carrier.example/choices", "https://telephone.carrier.example/choices"},
	"answer-post":     {post, "the postal address that takes answers", "Example Telephone, PO Box 100, Springfield, VA 22150", strings.Repeat("m", longestPost)},
	"number":          {digits, "the number of this notice, by which an answer finds it", "730518", "7305186249"},
	"choice":          {word, "what the customer has said", "object", ""},
	"scope-words":     {scope, "what an answer is about", "own-marketing", "partner:" + strings.Repeat("m", longestName)},
	"offer-subject":   {prose, "what a campaign's message is about", "A larger plan for your line", strings.Repeat("m", proseLengths["offer-subject"])},
	"offer":           {prose, "what a campaign offers", "For ten dollars a month more your line calls everywhere in the country.", strings.Repeat("m", proseLengths["offer"])},
	"offer-short":     {prose, "the same in a few words", "Call everywhere in the country for $10 a month more.", strings.Repeat("m", proseLengths["offer-short"])},
	"incident-when":   {stretch, "when a breach happened, or up to when", "2026-10-02..2026-11-20", "2026-09-25..2026-09-25"},
	"incident-data":   {list, "the kinds of the customer's information that a breach reached", "call-detail,usage", "call-detail,usage,service,location,billing,personal"},
	"incident-what":   {prose, "what happened in a breach", "Somebody who works for us looked at the records of calls, and had no reason to.", strings.Repeat("m", proseLengths["incident-what"])},
	"incident-done":   {prose, "what the carrier has done about a breach", "We have taken away that person's access and told the authorities.", strings.Repeat("m", proseLengths["incident-done"])},
	"incident-advice": {prose, "what customers can do after a breach", "Look at your next bills for calls that are not yours.", strings.Repeat("m", proseLengths["incident-advice"])},
	"incident-short":  {prose, "which information of theirs a breach reached, in a few words", "It was about the calls that you made and got.", strings.Repeat("m", proseLengths["incident-short"])},
	"incident-credit": {word, "whether a breach asks for steps with credit bureaus", "steps", ""},
	"since":           {instant, "since when an answer is on record", "2026-11-25T14:05:00-05:00[America/New_York]", "2026-09-25T22:05:00-09:00[Pacific/Honolulu]"},
}

// worded gives the lists of values, in words.yaml, that a token needs.
func worded(name string) []string {
	switch tokens[name].form {
	case word, list, entities:
		return []string{name}
	case scope:
		return []string{name, "purposes", "information"}
	}
	return nil
}

// hiding are the tokens that a template may use which hides a value: each has a form that the program checks, and is
// made by the program or stands in the carrier's configuration.
var hiding = []string{"carrier", "what", "outcome", "when", "until", "minutes", "link", "telephone", "short-code",
	"purposes", "information", "recipients", "wait-days", "usable-from", "answer-email", "answer-web", "answer-post", "number", "choice", "scope-words", "since", "offer-subject", "offer", "offer-short",
	"incident-when", "incident-data", "incident-what", "incident-done", "incident-advice", "incident-short", "incident-credit"}

// The longest values, in letters.
const (
	longestName = 60
	longestOwn  = 40
	longestLink = 100
	longestPost = 120
	mostListed  = 20 // companies
)

// proseLengths are the longest values of what a campaign or an incident says, in letters.
var proseLengths = map[string]int{"offer-subject": 60, "offer": 800, "offer-short": 120, "incident-what": 1000, "incident-done": 1000, "incident-advice": 1000, "incident-short": 80}

var (
	tokenPlace = regexp.MustCompile(`\{([^{}]*)\}`)
	digitsForm = regexp.MustCompile(`^[0-9]{4,10}$`)
	countForm  = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)
	phoneForm  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	// linkForm has no question mark, at sign or escape, behind which a value could stand.
	// Without encryption it leads only to this machine, as a demonstration does.
	linkForm = regexp.MustCompile(`^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?(/[A-Za-z0-9_-]+)*/?$`)
	// boxForm is an address as carriers have them; what else RFC 5321 allows is not for customers to type.
	boxForm    = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?@[a-z0-9-]+(?:\.[a-z0-9-]+)+$`)
	entityForm = regexp.MustCompile(`^([^;(){}<>]+) \(([a-z-]+)\)$`)
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
	spoken  string   // its digits, read one by one; "" it has none
	dialled string   // of a telephone number
	items   []string // of a list
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
	case list:
		var items []string
		for code := range strings.SplitSeq(value, ",") {
			w, ok := l.Values[name][code]
			if !ok || slices.Contains(items, w) {
				return wrong("it has something that is none of the words for it, or twice the same")
			}
			items = append(items, w)
		}
		return filled{shown: l.joined(items), items: items}, nil
	case entities:
		return l.entities(name, value)
	case scope:
		return l.scope(name, value)
	case day:
		at, err := time.Parse(time.DateOnly, value)
		if err != nil {
			return wrong("it is no day such as 2026-12-27")
		}
		return filled{shown: l.date(at)}, nil
	case stretch:
		return l.stretch(value)
	case mailbox:
		if len(value) > longestLink || !boxForm.MatchString(value) {
			return wrong("it is no e-mail address such as choices@carrier.example, of at most %d letters", longestLink)
		}
		return filled{shown: value}, TakesReplies(value)
	case post:
		if utf8.RuneCountInString(value) > longestPost || strings.ContainsAny(value, "{}<>") {
			return wrong("it is no postal address in one line, of at most %d letters", longestPost)
		}
		return filled{shown: value}, nil
	case prose:
		if most := proseLengths[name]; utf8.RuneCountInString(value) > most || strings.ContainsAny(value, "{}<>") {
			return wrong("it is no text of at most %d letters without brackets", most)
		}
		return filled{shown: value}, nil
	}
	return wrong("no template may use it")
}

// joined makes a part of a sentence of a list.
func (l *Language) joined(items []string) string {
	j := l.Joins
	switch n := len(items); n {
	case 0:
		return ""
	case 1:
		return items[0]
	case 2:
		return items[0] + j.Two + items[1]
	default:
		return strings.Join(items[:n-1], j.Between) + j.Last + items[n-1]
	}
}

// date writes a day in the language's form.
func (l *Language) date(at time.Time) string {
	return strings.NewReplacer("{month}", l.Months[at.Month()-1], "{day}", strconv.Itoa(at.Day()), "{year}", strconv.Itoa(at.Year())).Replace(l.Day)
}

// Stretch writes for a token such as incident-when what begins on one day and ends on another, YYYY-MM-DD; from "": it is not known when
// it began.
func Stretch(from, until string) string {
	if from == until {
		return until
	}
	return from + ".." + until
}

// stretch says when something was.
//
// cite: 47 CFR 64.2011(c)
func (l *Language) stretch(value string) (filled, error) {
	from, until, more := strings.Cut(value, "..")
	says := l.Stretch.Between
	switch {
	case !more:
		says = l.Stretch.On
	case from == "":
		says, from = l.Stretch.Before, until
	}
	if !more {
		until = from
	}
	a, err := time.Parse(time.DateOnly, from)
	b, other := time.Parse(time.DateOnly, until)
	if err != nil || other != nil || b.Before(a) {
		return filled{}, fmt.Errorf("it is no day such as 2026-11-20, and no days such as 2026-10-02..2026-11-20 or ..2026-11-20")
	}
	return filled{shown: strings.NewReplacer("{from}", l.date(a), "{until}", l.date(b)).Replace(says)}, nil
}

// itself is the carrier among those who get information; its name is put in with the carrier's token.
const itself = "carrier"

// entities names companies and what they are.
//
// cite: 47 CFR 64.2008(c)(2)
func (l *Language) entities(name, value string) (filled, error) {
	var items []string
	all := strings.Split(value, "; ")
	for n, entity := range all {
		if entity == itself && n == 0 {
			continue // below, when it is known whether there are others
		}
		m := entityForm.FindStringSubmatch(entity)
		if m == nil || strings.TrimSpace(m[1]) == "" || utf8.RuneCountInString(m[1]) > longestName {
			return filled{}, fmt.Errorf("it has what is no company such as Example Energy (joint-venture), with a name of at most %d letters", longestName)
		}
		is, ok := l.Values[name][m[2]]
		if !ok {
			return filled{}, fmt.Errorf("it has a company of a class that there are no words for in %s", wordsFile)
		}
		if says := m[1] + ", " + is; !slices.Contains(items, says) {
			items = append(items, says)
		}
	}
	if len(items) > mostListed {
		return filled{}, fmt.Errorf("it has more than %d companies", mostListed)
	}
	if all[0] == itself {
		alone := l.Itself.Alone
		if len(items) > 0 {
			alone = l.Itself.First
		}
		items = slices.Insert(items, 0, alone)
	}
	return filled{shown: l.joined(items), items: items}, nil
}

// scope says what an answer is about.
//
// cite: P-11, P-36
func (l *Language) scope(name, value string) (filled, error) {
	kind, rest, more := strings.Cut(value, ":")
	w, ok := l.Values[name][kind]
	if !ok {
		return filled{}, fmt.Errorf("it is no scope that there are words for in %s", wordsFile)
	}
	switch {
	case !more:
		return filled{shown: w}, nil
	case kind == "partner":
		if rest = strings.TrimSpace(rest); rest == "" || utf8.RuneCountInString(rest) > longestName || strings.ContainsAny(rest, "{}<>") {
			return filled{}, fmt.Errorf("it names no company, or one with more than %d letters", longestName)
		}
	case kind == "location":
		rest, ok = l.Values["purposes"][rest]
	case kind == "data":
		rest, ok = l.Values["information"][rest]
	default:
		ok = false
	}
	if !ok {
		return filled{}, fmt.Errorf("it is no scope that there are words for in %s", wordsFile)
	}
	return filled{shown: w + " " + rest}, nil
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

// Sample gives a value for each token of the template, for a preview: nobody's. What an edition has fixed is as it is there.
func (t *Template) Sample() map[string]string {
	all := t.example(func(k token) string { return k.sample })
	if t.doc.Kind == notify.OptOutNotice { // silence permits less
		for name, value := range map[string]string{"purposes": "own-marketing", "recipients": "carrier; Example Services (agent)"} {
			if _, ok := all[name]; ok {
				all[name] = value
			}
		}
	}
	maps.Copy(all, t.doc.Given)
	return all
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

// Written lists the tokens for which a person's own words can stand.
func Written() []string {
	var all []string
	for _, name := range sortedKeys(tokens) {
		if f := tokens[name].form; f == prose || f == free {
			all = append(all, name)
		}
	}
	return all
}
