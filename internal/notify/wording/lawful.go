package wording

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ringfence/internal/cpni"
)

// Notices are the words of a language by which a notice about customer information is judged. A phrase is words in their order:
// lose~ stands for every word that begins with lose, and * for up to six words. Case and accents do not matter; a comma parts
// what stands on its sides, but not for *.
//
// cite: P-08, 47 CFR 64.2008(c), 47 CFR 64.2008(d)(3)
type Notices struct {
	// About are words of which a subject has one, so that it says what the message is about.
	About []Phrase `yaml:"about"`
	// Says has, for an item of the checklist, groups of phrases: a text that keeps the item has one of each group.
	Says map[string][][]Phrase `yaml:"says"`
	// Presses are phrases that press or mislead; Not are words that turn one into its opposite when they stand right before it, with
	// nothing but one word of Between.
	Presses []Phrase `yaml:"presses"`
	Not     []Phrase `yaml:"not"`
	Between []Phrase `yaml:"between"`
	// Locks with one of Others behind it, in one sentence, urges to keep other companies out.
	Locks  []Phrase `yaml:"locks"`
	Others []Phrase `yaml:"others"`
	// Limited are phrases by which a way to answer costs something or is not open at every hour.
	Limited []Phrase `yaml:"limited"`
	// Deaf are phrases by which a reply reaches nobody, and Replies those that say how to reply.
	Deaf    []Phrase `yaml:"deaf"`
	Replies []Phrase `yaml:"replies"`
}

// Phrase is words in their order.
type Phrase struct {
	Says  string
	words []string // in the form in which words are compared
}

// UnmarshalYAML reads a phrase. It takes the value and not its text: of a text the parser writes the whole document out anew.
func (p *Phrase) UnmarshalYAML(value func(any) error) error {
	if err := value(&p.Says); err != nil {
		return err
	}
	p.words = strings.Fields(p.Says)
	for i, w := range p.words {
		if w != "*" {
			p.words[i] = plainly(w)
		}
	}
	if len(p.words) == 0 {
		return errors.New("an empty phrase stands for nothing")
	}
	return nil
}

// listedAs lists phrases for people.
func listedAs(all []Phrase) string {
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Says)
	}
	return b.String()
}

// sound looks whether there are words to judge by.
func (n *Notices) sound(say sayer) {
	for name, list := range map[string][]Phrase{"about": n.About, "presses": n.Presses, "not": n.Not, "between": n.Between, "locks": n.Locks, "others": n.Others, "limited": n.Limited, "deaf": n.Deaf, "replies": n.Replies} {
		if len(list) == 0 {
			say("", "P-08", "a language has words by which notices are judged: %s is empty", name)
		}
	}
	for _, i := range Items {
		if i.Must == Says && len(n.Says[i.element()]) == 0 && !carriedByToken(i) {
			say(".says", "P-08", "there are no words for %s", i.ID)
		}
	}
	for _, id := range sortedKeys(n.Says) {
		if i, ok := ItemOf(id); !ok || i.Must != Says {
			say(".says", "P-08", "%q is no item of the checklist that a text says", id)
		}
		for _, group := range n.Says[id] {
			if len(group) == 0 {
				say(".says."+id, "P-08", "an empty group of phrases is never met")
			}
		}
	}
}

// carriedByToken reports whether an item is kept by a token alone.
func carriedByToken(i Item) bool {
	return slices.Contains([]string{"N-03", "N-04", "N-05"}, i.ID)
}

// sentenceOf is a sentence in the words by which it is judged: small letters without accents; commas stand alone.
type sentenceOf []string

var (
	pieces    = regexp.MustCompile(`[\p{L}\p{M}\p{N}'’$]+|[,;:.!?()–—]`)
	ends      = regexp.MustCompile(`^[.!?;:]$`)
	clockForm = regexp.MustCompile(`(?i)\b\d{1,2}(:\d\d)?\s*[ap]\.?\s?m\b|\b\d{1,2}(:\d\d)?\s*(to|a|until|hasta|-|–)\s*\d{1,2}(:\d\d)?\b`)
	priceForm = regexp.MustCompile(`(?i)[$€]\s?\d|\b\d+([.,]\d+)?\s*(cents?|dollars?|centavos?|dólares?|pesos?)\b`)
)

// plainly brings a word to the form in which words are compared.
func plainly(w string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(w)) {
		if !unicode.Is(unicode.Mn, r) && r != '\'' && r != '’' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// sentences parts a text. A token counts as a word.
func sentences(text string) []sentenceOf {
	text = tokenPlace.ReplaceAllStringFunc(text, func(place string) string {
		return " " + strings.NewReplacer("-", "", "{", "", "}", "").Replace(place) + " "
	})
	var all []sentenceOf
	var s sentenceOf
	for _, w := range pieces.FindAllString(text, -1) {
		if ends.MatchString(w) {
			if len(s) > 0 {
				all, s = append(all, s), nil
			}
			continue
		}
		s = append(s, plainly(w))
	}
	if len(s) > 0 {
		all = append(all, s)
	}
	return all
}

func isMark(w string) bool { return strings.ContainsAny(w, ",()–—") }

// count is how many words the sentence has.
func (s sentenceOf) count() (n int) {
	for _, w := range s {
		if !isMark(w) {
			n++
		}
	}
	return n
}

// widest is how many words a * stands for at most.
const widest = 6

// at gives the place at which a phrase stands from one on, or -1, and where it ends.
func (s sentenceOf) at(phrase []string, from int) (start, end int) {
	for start = from; start < len(s); start++ {
		if end := s.matches(phrase, start); end >= 0 {
			return start, end
		}
	}
	return -1, -1
}

// matches gives the end of a phrase that begins at a place, or -1.
func (s sentenceOf) matches(phrase []string, at int) int {
	for n, p := range phrase {
		if p == "*" {
			for skip := 0; skip <= widest && at+skip < len(s); skip++ {
				if end := s.matches(phrase[n+1:], at+skip); end >= 0 {
					return end
				}
			}
			return -1
		}
		if at >= len(s) {
			return -1
		}
		if stem, open := strings.CutSuffix(p, "~"); open && !strings.HasPrefix(s[at], stem) || !open && s[at] != p {
			return -1
		}
		at++
	}
	return at
}

// has reports whether one of some phrases stands in the text, and which.
func has(text []sentenceOf, phrases []Phrase) (phrase string, is bool) {
	return unturned(text, phrases, func(sentenceOf, int) bool { return false })
}

// says gives the first of some phrases that stands in the text and is not turned into its opposite: by "no fee" nobody pays.
func (n *Notices) says(text []sentenceOf, phrases []Phrase) (phrase string, is bool) {
	return unturned(text, phrases, n.turns)
}

func unturned(text []sentenceOf, phrases []Phrase, turned func(sentenceOf, int) bool) (phrase string, is bool) {
	for _, s := range text {
		for _, p := range phrases {
			for from := 0; from < len(s); {
				start, _ := s.at(p.words, from)
				if start < 0 {
					break
				}
				if !turned(s, start) {
					return p.Says, true
				}
				from = start + 1
			}
		}
	}
	return "", false
}

// turns reports whether a word that turns what follows into its opposite stands right before a place in a sentence.
func (n *Notices) turns(s sentenceOf, at int) bool {
	is := func(words []Phrase, at int) bool {
		return at >= 0 && slices.ContainsFunc(words, func(p Phrase) bool { return p.words[0] == s[at] })
	}
	return is(n.Not, at-1) || is(n.Between, at-1) && is(n.Not, at-2)
}

// longestSentence is how many words of a sentence people can follow.
const longestSentence = 45

// lawful looks whether a notice says what the law asks of it and nothing that it forbids, as far as words tell.
//
// cite: P-02, P-08, P-27, V43, V44, V45, V52, V53, 47 CFR 64.2008(c), 47 CFR 64.2008(d)(3)
func (d *document) lawful(say sayer) {
	if !isAboutChoices(d.Kind) {
		return
	}
	w := d.Words.Notices
	if d.Via != cpni.Text {
		if _, ok := has(sentences(d.Subject), w.About); !ok {
			say(".subject", trueSubject, "the subject does not say what the message is about: it has none of the words %s", listedAs(w.About))
		}
		if p, is := w.says(sentences(d.Subject), w.Presses); is {
			say(".subject", trueSubject, "the subject says %q, which presses", p)
		}
	}
	said := map[string][]sentenceOf{}
	for i, p := range d.Parts {
		at := fmt.Sprintf(".parts[%d]", i)
		text := sentences(p.Says)
		for _, e := range p.Is {
			said[e] = append(said[e], text...)
		}
		if phrase, is := w.says(text, w.Presses); is {
			say(at, plainWords, "the words %q press or mislead", phrase)
		}
		for _, s := range text {
			if n := s.count(); n > longestSentence {
				say(at, plainWords, "a sentence of %d words is not easy to follow; %d is the most", n, longestSentence)
			}
			if w.locksOut(s) {
				say(at, lockOut, "this urges the customer to keep other companies from the information")
			}
		}
		if phrase, is := has(text, w.Deaf); is {
			say(at, canReply, "the words %q tell customers not to reply, and a reply is one of their answers", phrase)
		}
		rest := tokenPlace.ReplaceAllString(p.Says, "")
		phrase, is := w.says(text, w.Limited)
		if !is {
			phrase = clockForm.FindString(rest) + priceForm.FindString(rest)
		}
		if phrase != "" {
			say(at, anyHour, "%q: a way to answer is free and open at every hour", phrase)
		}
		if strings.Contains(p.HTML, "style=") {
			say(at, legible, "a style of its own can make a part small or hide it; the layout is the same for all")
		}
	}
	if px := smallest(d.Layout); px < leastPixels {
		say(".html", legible, "the layout has letters of %d pixels; %d is the least", px, leastPixels)
	}
	if !isNotice(d.Kind) {
		return
	}
	d.saysItems(said, say)
	d.proximate(say)
}

// saysItems looks whether the parts that are there for an item say it.
func (d *document) saysItems(said map[string][]sentenceOf, say sayer) {
	for _, i := range Items {
		text, there := said[i.element()]
		if i.Must != Says || !i.For(d.Kind) || !there {
			continue
		}
		for _, group := range d.Words.Notices.Says[i.element()] {
			if _, ok := has(text, group); !ok {
				say(".parts", i.ground(), "what stands for %s does not say it: it has none of the words %s", i.ID, listedAs(group))
			}
		}
	}
	steps, there := said["n-07"]
	if !there {
		return
	}
	if _, ok := has(steps, d.Words.Notices.Replies); !ok && d.Via == cpni.Email {
		say(".parts", "P-12, 47 CFR 64.2008(d)(3)(ii), N-07", "the steps do not say that the customer can reply to the e-mail")
	}
	if !slices.ContainsFunc(d.Parts, func(p Part) bool {
		return slices.Contains(p.Is, "n-07") && slices.ContainsFunc(tokensOf(p.Says), func(name string) bool { return name == "answer-web" || name == "telephone" || name == "link" })
	}) {
		say(".parts", anyHour, "beside e-mail the steps name another way that is open at every hour: {answer-web} or {telephone}")
	}
}

// reach is how far, in words, those who are to be kept out may stand behind what keeps them out.
const reach = 12

// nearest is how many parts may lie between the part that asks and the rights.
const nearest = 2

// proximate looks whether the permission is asked for beside the rights.
//
// cite: 47 CFR 64.2008(c)(10)
func (d *document) proximate(say sayer) {
	asks, far := slices.IndexFunc(d.Parts, func(p Part) bool { return slices.Contains(p.Is, "n-15") }), true
	for i, p := range d.Parts {
		if asks >= 0 && (slices.Contains(p.Is, "n-06") || slices.Contains(p.Is, "n-07")) && i-asks <= nearest && asks-i <= nearest {
			far = false
		}
	}
	if i, _ := ItemOf("N-15"); asks >= 0 && far {
		say(fmt.Sprintf(".parts[%d]", asks), i.ground(), "what asks for the permission stands far from the customer's rights")
	}
}

// locksOut reports whether a sentence urges to keep other companies out.
//
// cite: V53, 47 CFR 64.2008(c)(8)
func (n *Notices) locksOut(s sentenceOf) bool {
	for _, lock := range n.Locks {
		start, end := s.at(lock.words, 0)
		if start < 0 {
			continue
		}
		for _, other := range n.Others {
			if at, _ := s.at(other.words, start); at >= 0 && at-end <= reach {
				return true
			}
		}
	}
	return false
}

// leastPixels is the least size of the letters of an e-mail.
const leastPixels = 13

var pixels = regexp.MustCompile(`font(?:-size)?:[^;}]*?\b([0-9]{1,3})px`)

// smallest gives the smallest size of letters in a layout, in pixels.
func smallest(layout string) int {
	least := leastPixels
	for _, m := range pixels.FindAllStringSubmatch(layout, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil {
			least = min(least, n)
		}
	}
	return least
}
