// Package wording holds what messages to customers say: templates in the words of each language, for each way in which a
// message travels. A template is data, in the folder notices of the policy; the program checks it when it is loaded, and
// fills it with nothing but tokens of known forms.
//
// cite: P-23, P-24, P-25, P-27, I-09, 47 CFR 64.2010(f)
package wording

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Template is one message in one language for one way. It never changes and is safe for concurrent use.
type Template struct {
	doc     document
	version string
	source  []byte
	html    *template.Template // nil: it has none
	// fragment is a notice as a piece of a page; nil: it is no notice.
	fragment *template.Template
	given    map[string]filled  // what an edition has fixed, in words
	pieces   map[string][]piece // each text, parted at its tokens
}

// piece is a part of a text: words, or a token.
type piece struct{ says, token string }

// piecesOf parts a text at its tokens.
func piecesOf(text string) []piece {
	var all []piece
	at := 0
	for _, m := range tokenPlace.FindAllStringSubmatchIndex(text, -1) {
		all = append(all, piece{says: text[at:m[0]]}, piece{token: text[m[2]:m[3]]})
		at = m[1]
	}
	return append(all, piece{says: text[at:]})
}

// document is a template with all that its words depend on, so that it says the same for as long as it is kept.
type document struct {
	Kind     string    `json:"kind"`
	Via      cpni.Via  `json:"via"`
	Language string    `json:"language"`
	Dated    string    `json:"dated"`
	Cites    []string  `json:"cites"`
	Urgent   bool      `json:"urgent,omitempty"`
	Hides    string    `json:"hides,omitempty"`
	Tokens   []string  `json:"tokens,omitempty"`
	Elements []Element `json:"elements"`
	Subject  string    `json:"subject,omitempty"`
	Parts    []Part    `json:"parts"`
	Layout   string    `json:"layout,omitempty"` // of the HTML
	Words    Language  `json:"words"`
	// Given are the values of tokens that an edition has fixed.
	Given map[string]string `json:"given,omitempty"`
}

// Element is something that a message has to say, and why.
type Element struct {
	ID    string   `yaml:"id" json:"id"`
	For   string   `yaml:"for" json:"for"`
	Cites []string `yaml:"cites" json:"cites"`
}

// Part is a sentence or paragraph of a message, with the elements that it is there for.
type Part struct {
	Is   []string `yaml:"is" json:"is"`
	Says string   `yaml:"says" json:"says,omitempty"`
	// HTML says the same with emphasis; "": as Says does.
	HTML string `yaml:"html" json:"html,omitempty"`
	// Digits is a token whose digits a call reads one by one, in the place of Says.
	Digits       string `yaml:"digits" json:"digits,omitempty"`
	Key          string `yaml:"key" json:"key,omitempty"`
	NotOnMachine bool   `yaml:"not-on-machine" json:"not_on_machine,omitempty"`
}

// Language is how a language says what the program puts into texts.
type Language struct {
	Name        string                       `yaml:"name" json:"name"`
	Months      []string                     `yaml:"months" json:"months"`
	Halves      []string                     `yaml:"halves" json:"halves"` // of the day
	Moment      string                       `yaml:"moment" json:"moment"`
	ShortMoment string                       `yaml:"short-moment" json:"short_moment"` // of a text message
	Zones       map[string]string            `yaml:"zones" json:"zones,omitempty"`
	Values      map[string]map[string]string `yaml:"values" json:"values,omitempty"` // of the tokens that are words
	// Letters are written for others in a text message, when it is only half as long then.
	Letters map[string]string `yaml:"letters" json:"letters,omitempty"`
	// Day is how a date is written; Joins what stands between the items of a list in a sentence.
	Day     string    `yaml:"day" json:"day,omitempty"`
	Stretch Stretched `yaml:"stretch" json:"stretch,omitzero"`
	Joins   Joins     `yaml:"joins" json:"joins,omitzero"`
	Itself  Itself    `yaml:"itself" json:"itself,omitzero"`
	// Notices are what a notice about customer information must say in this language, and must not.
	Notices      Notices  `yaml:"notices" json:"-"`
	Telltale     []string `yaml:"telltale" json:"-"`       // words by which the language is known
	NotInSubject []string `yaml:"not-in-subject" json:"-"` // what a subject that tells the truth has no use for
}

// Stretched is how it is said when something was: on a day, between two, or at a time that is not known, up to a day. {from} and {until}
// stand for the days.
type Stretched struct {
	On      string `yaml:"on" json:"on"`
	Between string `yaml:"between" json:"between"`
	Before  string `yaml:"before" json:"before"`
}

// Joins is what stands between the items of a list: between two, between several, and before the last of several.
type Joins struct {
	Two     string `yaml:"two" json:"two"`
	Between string `yaml:"between" json:"between"`
	Last    string `yaml:"last" json:"last"`
}

// Itself is how a list of companies names the carrier: alone, and before others. {carrier} stands for its name.
type Itself struct {
	Alone string `yaml:"alone" json:"alone"`
	First string `yaml:"first" json:"first"`
}

// mostSource bounds the source of a template, in bytes.
const mostSource = 1 << 18

// Parse makes a template of its source again, to show an old message as it was. It asks for no element, as another
// version may have asked for others.
func Parse(source []byte) (*Template, error) {
	if len(source) > mostSource {
		return nil, fmt.Errorf("a template's source has more than %d bytes", mostSource)
	}
	var d document
	read := json.NewDecoder(bytes.NewReader(source))
	read.DisallowUnknownFields()
	if err := read.Decode(&d); err != nil {
		return nil, fmt.Errorf("a template's source cannot be read: %w", err)
	}
	if _, err := read.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("a template's source has something behind its end")
	}
	var wrong []error
	t := compile(d, func(at, clause, format string, a ...any) {
		wrong = append(wrong, fmt.Errorf("template %s, %s: %s", d.name(), strings.TrimPrefix(at, "."), fmt.Sprintf(format, a...)))
	})
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return t, nil
}

// compile makes a template ready to be filled. say is told of everything that is wrong; with nothing wrong the template
// is sound.
func compile(d document, say sayer) *Template {
	n := 0
	told := func(at, clause, format string, a ...any) {
		n++
		say(at, clause, format, a...)
	}
	d.sound(told)
	if n > 0 {
		return nil
	}
	t := &Template{doc: d, given: map[string]filled{}, pieces: map[string][]piece{d.Subject: piecesOf(d.Subject)}}
	for _, p := range d.Parts {
		t.pieces[p.Says] = piecesOf(p.Says)
	}
	for _, name := range sortedKeys(d.Given) {
		f, err := d.Words.fill(name, d.Given[name], d.Via == cpni.Text)
		if err != nil {
			told(d.placeOf(name), "P-27", "what is given for {%s} cannot be used: %v", name, err)
			continue
		}
		t.given[name] = f
	}
	if n > 0 {
		return nil
	}
	var b bytes.Buffer
	write := json.NewEncoder(&b)
	write.SetEscapeHTML(false)
	write.SetIndent("", " ")
	if err := write.Encode(d); err != nil {
		say("", "", "%v", err)
		return nil
	}
	t.source = b.Bytes()
	sum := sha256.Sum256(t.source)
	t.version = hex.EncodeToString(sum[:16])
	if d.Via == cpni.Email {
		t.makeHTML(told)
	}
	if isNotice(d.Kind) && d.Via != cpni.Voice {
		t.makeFragment(told)
	}
	if n == 0 {
		t.measured(told)
	}
	return t
}

// measured writes the template with samples and with the longest values, so that what cannot be written is not loaded.
func (t *Template) measured(say sayer) {
	for _, tokens := range []map[string]string{t.Sample(), t.longest()} {
		words, err := t.Write(tokens)
		if err != nil {
			says := err.Error()
			if r := (*cpni.Refusal)(nil); errors.As(err, &r) {
				says = r.Says
			}
			say(".parts", "P-23", "filled with the longest values: %s", says)
			return
		}
		if words.HTML != "" {
			allowed(words.HTML, t.links(tokens), func(format string, a ...any) { say(".html", "P-25", format, a...) })
		}
		if t.fragment != nil {
			piece, err := t.Fragment(tokens)
			if err != nil {
				say(".parts", "P-23", "as a piece of a page: %v", err)
				return
			}
			allowed(piece, t.links(tokens), func(format string, a ...any) { say(".parts", "P-25", format, a...) })
		}
	}
}

func (d *document) name() string {
	return fmt.Sprintf("%s by %s in %s", d.Kind, d.Via, d.Language)
}

// Kind names the message, such as account-change.
func (t *Template) Kind() string { return t.doc.Kind }

// Via is how the message travels.
func (t *Template) Via() cpni.Via { return t.doc.Via }

// Language is that of the message, such as en.
func (t *Template) Language() string { return t.doc.Language }

// LanguageName is the language's own name.
func (t *Template) LanguageName() string { return t.doc.Words.Name }

// Version is a hash over everything on which the words depend.
func (t *Template) Version() string { return t.version }

// Dated is the day that the carrier gave the text, YYYY-MM-DD.
func (t *Template) Dated() string { return t.doc.Dated }

// Cites are the clauses and sections for which the message exists.
func (t *Template) Cites() []string { return slices.Clone(t.doc.Cites) }

// Urgent reports whether the message goes in quiet hours too.
func (t *Template) Urgent() bool { return t.doc.Urgent }

// Hides is what the message must not reveal: value, information, or "".
func (t *Template) Hides() string { return t.doc.Hides }

// Tokens are those that must be given to write the message.
func (t *Template) Tokens() []string { return slices.Clone(t.doc.Tokens) }

// Elements are what the message says, and why.
func (t *Template) Elements() []Element { return slices.Clone(t.doc.Elements) }

// Parts are the message's sentences with their tokens.
func (t *Template) Parts() []Part { return slices.Clone(t.doc.Parts) }

// Subject is that of an e-mail or a letter, with its tokens; "" of what has none.
func (t *Template) Subject() string { return t.doc.Subject }

// Source is the whole template with all its words depend on, from which Parse makes it again.
func (t *Template) Source() []byte { return slices.Clone(t.source) }

// Errors of writing; each is a *cpni.Refusal.
const (
	codeToken cpni.Code = "NOTICE_N07"  // a token that is missing, empty or of another form
	codeLong  cpni.Code = "NOTICE_LONG" // a text message that is too long
	codeKind  cpni.Code = "NOTICE_KIND" // there is no such template
)

// errEmpty is a token that would leave a blank.
var errEmpty = errors.New("it is empty, and a message with a blank in it does not go out")

// filled brings the tokens of the template to their words. Those that an edition has fixed are as it has them.
func (t *Template) filled(tokens map[string]string) (map[string]filled, error) {
	values := map[string]filled{}
	for _, name := range t.doc.Tokens {
		if f, ok := t.given[name]; ok {
			values[name] = f
			continue
		}
		value, ok := tokens[name]
		var f filled
		err := errors.New("it is missing")
		if ok {
			f, err = t.doc.Words.fill(name, value, t.doc.Via == cpni.Text)
		}
		if r := (*cpni.Refusal)(nil); errors.As(err, &r) {
			return nil, r
		}
		if err != nil {
			return nil, cpni.Rejected(codeToken, fmt.Sprintf("the template %s has the token {%s}, and what was given for it cannot be used: %v", t.doc.name(), name, err),
				[]string{"P-27", "47 CFR 64.2008(c)(3)"}, fmt.Sprintf("give the token %s: %s", name, Meaning(name)))
		}
		values[name] = f
	}
	if f, ok := values["recipients"]; ok {
		f.shown, f.items = strings.ReplaceAll(f.shown, carrierPlace, values["carrier"].shown), slices.Clone(f.items)
		for i := range f.items {
			f.items[i] = strings.ReplaceAll(f.items[i], carrierPlace, values["carrier"].shown)
		}
		values["recipients"] = f
	}
	return values, nil
}

// data is what HTML is filled with.
func (t *Template) data(values map[string]filled) map[string]any {
	data := map[string]any{"language": t.doc.Language, "subject": t.insert(t.doc.Subject, values)}
	for name, f := range values {
		data[name], data[name+" dialled"], data[name+" items"] = f.shown, f.dialled, f.items
	}
	return data
}

// insert puts values into a text.
func (t *Template) insert(text string, values map[string]filled) string {
	var b strings.Builder
	for _, p := range t.pieces[text] {
		b.WriteString(p.says)
		if p.token != "" {
			b.WriteString(values[p.token].shown)
		}
	}
	return b.String()
}

// Write fills the template. A token that is missing, empty or not of its form is a *cpni.Refusal that names the token and
// the template, and never the value; tokens that the template does not use are left alone.
//
// cite: V54, P-27, 47 CFR 64.2008(c)(3)
func (t *Template) Write(tokens map[string]string) (notify.Words, error) {
	values, err := t.filled(tokens)
	if err != nil {
		return notify.Words{}, err
	}
	insert := func(text string) string { return t.insert(text, values) }
	w := notify.Words{Subject: insert(t.doc.Subject), Version: t.version}
	var texts []string
	for _, p := range t.doc.Parts {
		if t.doc.Via == cpni.Voice {
			s := notify.Spoken{Text: insert(p.Says), Key: p.Key, NotOnMachine: p.NotOnMachine}
			for _, name := range tokensOf(p.Digits) {
				s.Digits = values[name].spoken
			}
			w.Spoken = append(w.Spoken, s)
			continue
		}
		texts = append(texts, listed(p.Says, values, insert))
	}
	switch t.doc.Via {
	case cpni.Voice:
		return w, nil
	case cpni.Text:
		w.Text = t.doc.Words.plainer(strings.Join(texts, " "))
		if n := Segments(w.Text); n > mostSegments {
			return notify.Words{}, cpni.Rejected(codeLong, fmt.Sprintf("the text message %s takes %d segments, and %d is the most", t.doc.name(), n, mostSegments), []string{"P-23"}, "shorten the template, the carrier's name or the address of its site")
		}
		return w, nil
	}
	w.Text = strings.Join(texts, "\n\n") + "\n"
	if t.html == nil {
		return w, nil
	}
	var b strings.Builder
	if err := t.html.Execute(&b, t.data(values)); err != nil {
		return notify.Words{}, fmt.Errorf("writing the template %s: %w", t.doc.name(), err)
	}
	w.HTML = b.String()
	return w, nil
}

// carrierPlace is where the carrier's name goes in a list of companies.
const carrierPlace = "{carrier}"

// aloneList gives the token when a part is a list and nothing else.
func aloneList(says string) (name string, is bool) {
	m := tokenPlace.FindStringSubmatch(says)
	if m == nil || m[0] != says {
		return "", false
	}
	f := tokens[m[1]].form
	return m[1], f == list || f == entities
}

// listed writes a part: a list that stands alone has a line for each of its items.
func listed(says string, values map[string]filled, insert func(string) string) string {
	name, is := aloneList(says)
	if !is {
		return insert(says)
	}
	var b strings.Builder
	for i, item := range values[name].items {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("- " + item)
	}
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
