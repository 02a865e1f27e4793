package wording

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Reveals looks for values in everything of a message that goes out, whatever form they have taken: other case, accents,
// spaces or punctuation, wide letters, entities, the encodings of mails and addresses, digits one by one or in words, the
// part of an e-mail address before the at sign, house and street of an address, words of a password. where names the
// part of the message and never the value. Values with fewer than three letters and digits are not looked for.
//
// It is a net below the templates, which have no token that could carry a value. What it finds may be a chance, when a
// value is a word that everybody uses: Book.Reveals knows the template's own words.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
func Reveals(words notify.Words, values []string) (where string, is bool) {
	if len(values) == 0 {
		return "", false
	}
	all := make([]sought, 0, len(values))
	short := false
	for _, v := range values {
		s := seek(v)
		all, short = append(all, s), short || s.short != nil
	}
	for _, l := range lookInto(words, short) {
		if slices.ContainsFunc(all, func(s sought) bool { return s.in(l.text) }) {
			return l.where, true
		}
	}
	return "", false
}

// Reveals is as the function Reveals, and knows a value that is found only because it is one of the template's own words.
// Of a template that is not in the book it knows no words.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
func (b *Book) Reveals(words notify.Words, values []string) (where string, is bool) {
	i := slices.IndexFunc(b.templates, func(t *Template) bool { return t.version == words.Version })
	if i < 0 {
		return Reveals(words, values)
	}
	return b.templates[i].Reveals(words, values)
}

// Reveals is as Book.Reveals, of one template.
func (t *Template) Reveals(words notify.Words, values []string) (where string, is bool) {
	if where, is := Reveals(words, values); !is {
		return where, false
	}
	var own []readable
	for _, text := range t.ownWords() {
		own = append(own, readAll(text, true)...)
	}
	for _, v := range values {
		if where, is := Reveals(words, []string{v}); is && !slices.ContainsFunc(own, seek(v).in) {
			return where, true
		}
	}
	return "", false
}

// ownWords are the texts of a template without its tokens, and the words that tokens can stand for.
func (t *Template) ownWords() []string {
	all := []string{t.doc.Subject}
	for _, p := range t.doc.Parts {
		all = append(all, p.Says)
	}
	for i := range all {
		all[i] = tokenPlace.ReplaceAllString(all[i], "\n\n|\n\n")
		if t.doc.Via == cpni.Text {
			all = append(all, t.doc.Words.plainer(all[i]))
		}
	}
	all = append(all, layoutToken.ReplaceAllString(t.doc.Layout, "\n\n|\n\n"))
	w := t.doc.Words
	all = append(append(all, w.Months...), w.Halves...)
	for _, zone := range w.Zones {
		all = append(all, zone)
	}
	for _, values := range w.Values {
		for _, says := range values {
			all = append(all, says, w.plainer(says))
		}
	}
	return all
}

// looked is one reading of one part of a message.
type looked struct {
	where string
	text  readable
}

// mostBefore bounds how many words before a value in hexadecimal are taken for what they are.
const mostBefore = 4

// lookInto gives every reading of every part. short: short numbers are looked for.
func lookInto(w notify.Words, short bool) []looked {
	var all []looked
	add := func(where string, texts ...string) {
		for _, text := range texts {
			for _, r := range readingsOf(text, short) {
				all = append(all, looked{where, r})
			}
		}
	}
	add("the subject", w.Subject)
	add("the text", w.Text)
	if w.HTML != "" {
		add("the HTML", styleForm.ReplaceAllString(w.HTML, " "), strippedOf(w.HTML))
		for _, style := range styleForm.FindAllString(w.HTML, -1) {
			for _, r := range readAll(style, short) {
				all = append(all, looked{"the style of the HTML", r})
			}
		}
	}
	var call strings.Builder
	for i, s := range w.Spoken {
		add(fmt.Sprintf("part %d of the call", i+1), s.Text, s.Digits)
		call.WriteString(s.Text + " " + s.Digits + " " + s.Key + " ")
	}
	add("the call", call.String())
	return all
}

var (
	tagForm   = regexp.MustCompile(`<[^>]*>`)
	styleForm = regexp.MustCompile(`(?is)<style[^>]*>.*?</style>`)
)

// readable is a text that is looked through: its runs of letters and digits, folded.
type readable struct {
	tokens  []string // runs of letters and digits
	pieces  []string // the same, parted where letters and digits meet
	plain   []string // pieces without dates, times and telephone numbers, and links unparted: short numbers are a chance there
	letters string   // all tokens without anything between
	digits  string   // all digits
}

// The most readings of one text, how often one is decoded again, and how long one is.
const (
	mostReadings    = 64
	deepestReading  = 3
	longestReadings = 1 << 20
)

// readingsOf gives a text as it stands and decoded in every way that somebody might read it.
func readingsOf(text string, short bool) []readable {
	var all []readable
	seen := map[string]bool{}
	length := 0
	texts := []string{text}
	for depth := 0; depth <= deepestReading && len(texts) > 0; depth++ {
		var next []string
		for _, t := range texts {
			if length += len(t); seen[t] || t == "" || len(seen) >= mostReadings || length > longestReadings {
				continue
			}
			seen[t] = true
			all = append(all, readAll(t, short)...)
			next = append(next, decoded(t)...)
		}
		texts = next
	}
	return all
}

// Forms in which numbers of our own stand in texts.
var (
	ownNumbers = regexp.MustCompile(`\b[0-9]{1,2}:[0-9]{2}\b|\b[0-9]{1,2}, [0-9]{4}\b|\b[0-9]{1,2} de \p{L}+ de [0-9]{4}\b|\b[0-9]{3}-[0-9]{3}-[0-9]{4}\b`)
	ownLinks   = regexp.MustCompile(`https://[^\s"<>]+`)
	// spelledOut are the signs of an e-mail address in words.
	spelledOut = regexp.MustCompile(`(?i)[\s(\[]+(at|arroba|dot|punto)[\s)\]]+`)
)

// readAll reads a text, and again with its numbers in words, and with the signs of addresses in words, taken for such.
func readAll(text string, short bool) []readable {
	tokens := runs(text)
	all := []readable{read(text, tokens, nil, short)}
	for _, words := range numberWords {
		if slices.ContainsFunc(tokens, func(t string) bool { _, ok := words[t]; return ok }) {
			all = append(all, read(text, tokens, words, short))
		}
	}
	if spelledOut.MatchString(text) {
		text = spelledOut.ReplaceAllString(text, "@")
		all = append(all, read(text, runs(text), nil, short))
	}
	return all
}

// read reads a text of these tokens. words are the numbers of a language; nil: none.
func read(text string, tokens []string, words map[string]int, short bool) readable {
	r := readable{tokens: numbered(tokens, words)}
	for _, t := range r.tokens {
		r.pieces = append(r.pieces, parted(t)...)
	}
	r.letters = strings.Join(r.tokens, "")
	for _, p := range r.pieces {
		if isDigits(p) {
			r.digits += p
		}
	}
	if !short {
		return r
	}
	for _, t := range numbered(runs(ownNumbers.ReplaceAllString(ownLinks.ReplaceAllString(text, " x "), " x ")), words) {
		r.plain = append(r.plain, parted(t)...)
	}
	for _, l := range ownLinks.FindAllString(text, -1) {
		r.plain = append(append(r.plain, "x"), runs(l)...)
	}
	return r
}

// runs gives the runs of letters and digits of a text: small letters without accents, and letters that only look wide or
// raised as the common ones. What cannot be seen is left out.
func runs(text string) []string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Cf):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(b.String())
}

// parted parts a run where letters and digits meet.
func parted(run string) []string {
	var all []string
	start, was := 0, false
	for i, r := range run {
		if is := unicode.IsDigit(r); i > 0 && is != was {
			all = append(all, run[start:i])
			start = i
		}
		was = unicode.IsDigit(r)
	}
	return append(all, run[start:])
}

func isDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsDigit(r) })
}

var (
	softBreak  = regexp.MustCompile(`=\r?\n`)
	quotedByte = regexp.MustCompile(`=[0-9A-Fa-f]{2}`)
	escaped    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	unicoded   = regexp.MustCompile(`\\u[0-9A-Fa-f]{4}`)
	base64Run  = regexp.MustCompile(`[A-Za-z0-9+/_-]{6,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}`)
	// Two alphabets of base64 are brought to one, and what stands between bytes left out.
	base64Letters = strings.NewReplacer("-", "+", "_", "/", "=", "")
	hexLetters    = strings.NewReplacer(" ", "", ":", "")
	hexRun        = regexp.MustCompile(`(?:[0-9A-Fa-f]{2}[ :]?){3,}`)
)

// decoded gives what a text says to whoever undoes an encoding of it.
func decoded(text string) []string {
	var all []string
	if strings.Contains(text, "&") {
		all = append(all, html.UnescapeString(text))
	}
	if strings.Contains(text, "<") {
		all = append(all, tagForm.ReplaceAllString(text, ""))
	}
	byteOf := func(hex string) string {
		n, err := strconv.ParseUint(hex, 16, 8)
		if err != nil {
			return hex
		}
		return string([]byte{byte(n)})
	}
	if strings.Contains(text, "=") {
		all = append(all, quotedByte.ReplaceAllStringFunc(softBreak.ReplaceAllString(text, ""), func(s string) string { return byteOf(s[1:]) }))
	}
	if strings.Contains(text, "%") {
		all = append(all, escaped.ReplaceAllStringFunc(text, func(s string) string { return byteOf(s[1:]) }))
	}
	if strings.Contains(text, `\u`) {
		all = append(all, unicoded.ReplaceAllStringFunc(text, func(s string) string {
			n, err := strconv.ParseUint(s[2:], 16, 16)
			if err != nil {
				return s
			}
			return string(rune(n))
		}))
	}
	// Mails break encoded lines, and in other texts a line break ends a word: each run is tried whole and by its lines.
	for _, run := range base64Run.FindAllString(text, -1) {
		lines := strings.Fields(run)
		for _, s := range append(lines, strings.Join(lines, "")) {
			s = base64Letters.Replace(s)
			for from := range min(4, len(s)) {
				part := s[from:]
				plain, err := base64.RawStdEncoding.DecodeString(part[:len(part)-len(part)%4+map[int]int{2: 2, 3: 3}[len(part)%4]])
				if err == nil && sensible(plain) {
					all = append(all, string(plain))
				}
			}
		}
	}
	for _, run := range hexRun.FindAllString(text, -1) {
		// The end of a word before it, such as that of "decide", may look as if it belonged to it.
		for range mostBefore {
			if plain, err := hex.DecodeString(hexLetters.Replace(run)); err == nil && sensible(plain) {
				all = append(all, string(plain))
			}
			_, rest, more := strings.Cut(run, " ")
			if !more {
				break
			}
			run = rest
		}
	}
	return all
}

// sensible reports whether bytes are a text rather than what comes of decoding something that was not encoded.
func sensible(b []byte) bool {
	return len(b) > 2 && utf8.Valid(b) && !strings.ContainsFunc(string(b), func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) })
}

// numberWords are the words for numbers of each language.
var numberWords = []map[string]int{
	{"zero": 0, "oh": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
		"thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40,
		"fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90},
	{"cero": 0, "uno": 1, "un": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12,
		"trece": 13, "catorce": 14, "quince": 15, "dieciseis": 16, "diecisiete": 17, "dieciocho": 18, "diecinueve": 19, "veinte": 20, "veintiuno": 21, "veintidos": 22,
		"veintitres": 23, "veinticuatro": 24, "veinticinco": 25, "veintiseis": 26, "veintisiete": 27, "veintiocho": 28, "veintinueve": 29, "treinta": 30,
		"cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90},
}

// numbered writes numbers among tokens in digits.
func numbered(all []string, words map[string]int) []string {
	if words == nil {
		return all
	}
	var out []string
	for i := 0; i < len(all); i++ {
		n, ok := words[all[i]]
		if !ok {
			out = append(out, all[i])
			continue
		}
		next := i + 1
		if next+1 < len(all) && all[next] == "y" {
			next++
		}
		// Thirty four is 34; twenty twenty is 20 20.
		if n >= 20 && n%10 == 0 && next < len(all) {
			if unit, ok := words[all[next]]; ok && unit > 0 && unit < 10 {
				n, i = n+unit, next
			}
		}
		out = append(out, strconv.Itoa(n))
	}
	return out
}

// sought are the forms of a value that give it away.
type sought struct {
	whole    []string    // tokens in a row that make one of these
	short    []string    // likewise, of numbers so short that dates and telephone numbers do not count
	inside   []string    // stands in the letters, without anything between
	inDigits []string    // stands in the digits
	near     [][2]string // two tokens that stand near each other
	phrase   []string    // words of which half give it away
}

// The shortest forms that count, in letters or digits.
const (
	shortestValue  = 3
	shortestInside = 6 // less may be part of another word
	shortestDigits = 7 // less may be part of another number
	shortestWord   = 4
	nearBy         = 4 // tokens between house and street
)

func seek(value string) sought {
	var s sought
	tokens := runs(value)
	whole := strings.Join(tokens, "")
	n := utf8.RuneCountInString(whole)
	if n < shortestValue {
		return s
	}
	switch {
	case isDigits(whole) && n < shortestDigits:
		s.short = append(s.short, whole)
	case isDigits(whole):
		s.inDigits = append(s.inDigits, whole)
		if n >= 10 {
			// A number without its country, and without its area.
			s.inDigits = append(s.inDigits, whole[len(whole)-10:])
			s.whole = append(s.whole, whole[len(whole)-7:])
		}
	case n < shortestInside:
		s.whole = append(s.whole, whole)
	default:
		s.inside = append(s.inside, whole)
	}
	if local, _, ok := strings.Cut(value, "@"); ok {
		if local = strings.Join(runs(local), ""); utf8.RuneCountInString(local) >= shortestInside {
			s.inside = append(s.inside, local)
		}
		return s
	}
	s.address(tokens)
	var long []string
	for i, t := range tokens {
		if isDigits(t) || utf8.RuneCountInString(t) < shortestWord {
			continue
		}
		if i > 0 && !isDigits(tokens[i-1]) && utf8.RuneCountInString(tokens[i-1]) >= shortestWord {
			s.whole = append(s.whole, tokens[i-1]+t)
		}
		if utf8.RuneCountInString(t) > shortestWord {
			long = append(long, t)
		}
	}
	if len(tokens) >= 3 && len(long) >= 3 {
		s.phrase = long
	}
	return s
}

// streetWords stand in the addresses of everybody.
var streetWords = strings.Fields("north south east west n s e w ne nw se sw street st avenue ave road rd drive dr lane ln court ct place pl boulevard blvd highway hwy circle cir way terrace ter suite ste apt apartment unit no num numero calle avenida av carretera the de del la el los las")

// address takes house and street of a postal address, and its ZIP code.
func (s *sought) address(tokens []string) {
	house := slices.IndexFunc(tokens, func(t string) bool { return isDigits(parted(t)[0]) })
	if house < 0 || len(tokens) < 3 {
		return
	}
	names := func(t string) bool {
		return !slices.Contains(streetWords, t) && utf8.RuneCountInString(t) >= shortestValue
	}
	street := slices.IndexFunc(tokens[house+1:], names)
	if street >= 0 {
		street += house + 1
	}
	if before := slices.IndexFunc(tokens[:house], names); before >= 0 {
		street = before
	}
	if street >= 0 {
		s.near = append(s.near, [2]string{tokens[house], tokens[street]})
	}
	for i, t := range tokens {
		if i > house && isDigits(t) && len(t) == 5 {
			s.short = append(s.short, t)
		}
	}
}

func (s sought) in(r readable) bool {
	for _, w := range s.whole {
		if inRow(r.tokens, w) || inRow(r.pieces, w) {
			return true
		}
	}
	for _, w := range s.short {
		if inRow(r.plain, w) {
			return true
		}
	}
	for _, w := range s.inside {
		if strings.Contains(r.letters, w) {
			return true
		}
	}
	for _, w := range s.inDigits {
		if strings.Contains(r.digits, w) {
			return true
		}
	}
	for _, pair := range s.near {
		if nearEachOther(r.tokens, pair) {
			return true
		}
	}
	if s.phrase != nil {
		n := 0
		for _, w := range s.phrase {
			if slices.Contains(r.tokens, w) {
				n++
			}
		}
		return 2*n >= len(s.phrase) && n >= 2
	}
	return false
}

// inRow reports whether tokens in a row make exactly want.
func inRow(tokens []string, want string) bool {
	for i := range tokens {
		rest := want
		for _, t := range tokens[i:] {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, t); !ok {
				break
			}
			if rest == "" {
				return true
			}
		}
	}
	return false
}

func nearEachOther(tokens []string, pair [2]string) bool {
	for i, t := range tokens {
		if t != pair[0] {
			continue
		}
		if slices.Contains(tokens[max(i-nearBy, 0):min(i+nearBy+1, len(tokens))], pair[1]) {
			return true
		}
	}
	return false
}
