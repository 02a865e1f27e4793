package wording

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// The files of the folder of templates that are not a kind of message.
const (
	folder     = "notices"
	wordsFile  = folder + "/words.yaml"
	layoutFile = folder + "/layout.html"
)

// mostFile bounds a file of templates, in bytes.
const mostFile = 1 << 18

// fallback is the language of whoever speaks none that there are templates in.
const fallback = "en"

// needed are the languages in which every template is written.
var needed = []string{"en", "es"}

// noticeFile is a file of the folder notices: one kind of message, in all ways and languages.
type noticeFile struct {
	Kind     string                          `yaml:"kind"`
	Version  string                          `yaml:"version"`
	Cites    []string                        `yaml:"cites"`
	Urgent   []cpni.Via                      `yaml:"urgent"`
	Hides    string                          `yaml:"hides"`
	Tokens   []string                        `yaml:"tokens"`
	Elements []Element                       `yaml:"elements"`
	Ways     map[cpni.Via]map[string]wayText `yaml:"ways"`

	raw   []byte            // as it is written
	given map[string]string // what an edition fixes
}

type wayText struct {
	Subject string `yaml:"subject"`
	Parts   []Part `yaml:"parts"`
}

// wordsDocument is words.yaml.
type wordsDocument struct {
	Languages map[string]Language `yaml:"languages"`
}

// Book holds all templates of a policy. It never changes and is safe for concurrent use.
type Book struct {
	templates []*Template
	languages []string

	words   map[string]Language
	layout  string
	known   map[string]bool        // clauses; nil: any
	notices map[string]*noticeFile // the kinds of which there are editions
}

// Load reads the templates of a policy: its folder notices. What is wrong is told with file, line and clause, all of it at
// once.
//
// cite: P-23, P-24, P-25, P-27, 47 CFR 64.2010(f)
func Load(policy fs.FS) (*Book, error) {
	l := &loading{policy: policy, notices: map[string]*noticeFile{}}
	words, ok := l.words()
	layout := l.layout()
	if !ok {
		return nil, errors.Join(l.wrong...)
	}
	names, err := fs.Glob(policy, folder+"/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	l.clauses()
	found := map[string]bool{}
	for _, name := range names {
		if name != wordsFile {
			found[l.notice(name, words, layout)] = true
		}
	}
	for _, k := range sortedKeys(kinds) {
		if !found[k] {
			l.wrong = append(l.wrong, &Flaw{File: folder + "/" + k + ".yaml", Line: 1, Says: "there is no template for messages of the kind " + k, Cite: strings.Join(kinds[k].cites, ", ")})
		}
	}
	if len(l.wrong) > 0 {
		return nil, errors.Join(once(l.wrong)...)
	}
	return &Book{l.made, sortedKeys(words), words, layout, l.known, l.notices}, nil
}

// once leaves out what was said before: what is wrong with a file is wrong in each way and language.
func once(all []error) []error {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(err error) bool {
		says := err.Error()
		defer func() { seen[says] = true }()
		return seen[says]
	})
}

// Templates lists the templates by kind, way and language.
func (b *Book) Templates() []*Template { return slices.Clone(b.templates) }

// Languages lists those in which there are templates.
func (b *Book) Languages() []string { return slices.Clone(b.languages) }

// Template finds a template. A language that there is none in, such as fr, gives the one in English; es-MX gives es.
func (b *Book) Template(kind string, via cpni.Via, language string) (*Template, bool) {
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	if !slices.Contains(b.languages, language) {
		language = fallback
	}
	i := slices.IndexFunc(b.templates, func(t *Template) bool {
		return t.doc.Kind == kind && t.doc.Via == via && t.doc.Language == language
	})
	if i < 0 {
		return nil, false
	}
	return b.templates[i], true
}

// Urgent tells whether no hour is too late for a kind of message that goes this way.
func (b *Book) Urgent(kind string, via cpni.Via) bool {
	t, ok := b.Template(kind, via, fallback)
	return ok && t.Urgent()
}

// Write puts a message into words. The error is a *cpni.Refusal when a token is missing, empty or of another form, when
// there is no such template, or when a text message is too long.
//
// cite: P-23, P-27, V54
func (b *Book) Write(kind string, via cpni.Via, language string, tokens map[string]string) (notify.Words, error) {
	t, ok := b.Template(kind, via, language)
	if !ok {
		return notify.Words{}, cpni.Rejected(codeKind, fmt.Sprintf("there is no template for a message of the kind %q by %q", kind, via), []string{"P-23"}, "send it another way")
	}
	return t.Write(tokens)
}

// loading is a policy whose templates are being read, with what is wrong with them.
type loading struct {
	policy fs.FS
	known  map[string]bool // clauses; nil: any
	made   []*Template
	wrong  []error

	notices map[string]*noticeFile
}

// file is one that is being read.
type file struct {
	*loading
	name string
	tree *ast.File
}

// say notes what is wrong at a place of a file, such as $.elements[3].id.
func (f *file) say(at, clause, format string, a ...any) {
	line := 1
	// A place that is not there has the line of what it would stand in.
	for f.tree != nil && at != "" && at != "$" {
		if p, err := yaml.PathString(at); err == nil {
			if n, err := p.FilterFile(f.tree); err == nil && n != nil && n.GetToken() != nil {
				line = n.GetToken().Position.Line
				break
			}
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	code := codeOf(clause)
	if strings.HasPrefix(at, "$.cites") {
		code = codeInput // a clause that is missing among those that the file names is not missing in what it says
	}
	f.wrong = append(f.wrong, &Flaw{File: f.name, Line: line, Says: fmt.Sprintf(format, a...), Cite: clause, Code: code})
}

// read reads a YAML file strictly into to.
func (l *loading) read(name string, to any) (*file, bool) {
	text, err := fs.ReadFile(l.policy, name)
	if err != nil {
		(&file{loading: l, name: name}).say("", "", "it cannot be read: %v", err)
		return nil, false
	}
	return l.readText(name, text, to)
}

// readText reads the text of a YAML file strictly into to.
func (l *loading) readText(name string, text []byte, to any) (_ *file, ok bool) {
	f := &file{loading: l, name: name}
	var err error
	if len(text) > mostFile {
		f.say("", "", "it has more than %d bytes", mostFile)
		return nil, false
	}
	if f.tree, err = parser.ParseBytes(text, 0); err != nil {
		f.yaml(err)
		return nil, false
	}
	if len(f.tree.Docs) != 1 || f.tree.Docs[0].Body == nil {
		f.say("", "", "it holds one document")
		return nil, false
	}
	if n := repeated(f.tree.Docs[0].Body); n != nil {
		f.tree = nil
		f.wrong = append(f.wrong, &Flaw{File: name, Line: n.GetToken().Position.Line, Says: "anchors and aliases are not used here; write it out", Code: codeInput})
		return nil, false
	}
	if err := yaml.NodeToValue(f.tree.Docs[0].Body, to, yaml.Strict()); err != nil {
		f.yaml(err)
		return nil, false
	}
	return f, true
}

func (f *file) yaml(err error) {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		f.wrong = append(f.wrong, &Flaw{File: f.name, Line: at.GetToken().Position.Line, Says: at.GetMessage(), Code: codeInput})
		return
	}
	f.wrong = append(f.wrong, &Flaw{File: f.name, Line: 1, Says: err.Error(), Code: codeInput})
}

// repeated finds an anchor or an alias, with which a small file can stand for a huge one.
func repeated(n ast.Node) (found ast.Node) {
	ast.Walk(visitor(func(n ast.Node) bool {
		switch n.(type) {
		case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
			found = n
		}
		return found == nil
	}), n)
	return found
}

type visitor func(ast.Node) bool

func (v visitor) Visit(n ast.Node) ast.Visitor {
	if v(n) {
		return v
	}
	return nil
}

// words reads how each language says what the program puts into texts.
func (l *loading) words() (map[string]Language, bool) {
	var d wordsDocument
	f, ok := l.read(wordsFile, &d)
	if !ok {
		return nil, false
	}
	before := len(l.wrong)
	for _, id := range needed {
		if _, ok := d.Languages[id]; !ok {
			f.say("$.languages", "P-27", "the language %s is missing", id)
		}
	}
	for _, id := range sortedKeys(d.Languages) {
		words, at := d.Languages[id], "$.languages."+id
		words.sound(func(place, clause, format string, a ...any) { f.say(at+place, clause, format, a...) })
		if len(words.Telltale) == 0 || len(words.NotInSubject) == 0 {
			f.say(at, "P-23", "a language has words by which it is known, telltale, and words that a subject has no use for, not-in-subject")
		}
		for _, name := range sortedKeys(tokens) {
			if slices.Contains(worded(name), name) && len(words.Values[name]) == 0 {
				f.say(at+".values", "P-27", "there are no values for the token {%s}", name)
			}
			for _, value := range neededValues[name] {
				if _, ok := words.Values[name][value]; !ok {
					f.say(at+".values."+name, "P-27", "there is no word for %q of {%s}", value, name)
				}
			}
		}
		words.Notices.sound(func(place, clause, format string, a ...any) { f.say(at+".notices"+place, clause, format, a...) })
		for _, name := range sortedKeys(words.Values) {
			if !slices.Contains(worded(name), name) {
				f.say(at+".values."+name, "P-27", "{%s} is no token with values", name)
				continue
			}
			for _, other := range sortedKeys(d.Languages) {
				for _, value := range sortedKeys(d.Languages[other].Values[name]) {
					if _, ok := words.Values[name][value]; !ok {
						f.say(at+".values."+name, "P-27", "%s has a word for %q of {%s}, and %s has none", d.Languages[other].Name, value, name, words.Name)
					}
				}
			}
		}
	}
	return d.Languages, len(l.wrong) == before
}

func (l *loading) layout() string {
	text, err := fs.ReadFile(l.policy, layoutFile)
	if err != nil || len(text) > mostFile {
		l.wrong = append(l.wrong, fmt.Errorf("%s:1: the layout of e-mails cannot be read, or has more than %d bytes", layoutFile, mostFile))
	}
	return string(text)
}

// clauses reads which clauses there are, where the policy lists them.
func (l *loading) clauses() {
	text, err := fs.ReadFile(l.policy, "clauses.yaml")
	if err != nil {
		return
	}
	var all []struct {
		ID string `yaml:"id"`
	}
	if yaml.Unmarshal(text, &all) == nil && len(all) > 0 {
		l.known = map[string]bool{}
		for _, c := range all {
			l.known[c.ID] = true
		}
	}
}

var (
	clauseForm  = regexp.MustCompile(`^P-[0-9]{2}$`)
	sectionForm = regexp.MustCompile(`^([0-9]+ (CFR|USC) [0-9]+[a-z]?(\.[0-9]+)?(\([0-9A-Za-z]+\))*|[VI]-?[0-9]{2,3})$`)
)

func (f *file) cites(at string, cites []string) {
	if len(cites) == 0 {
		f.say(at, "", "it cites nothing: name the clauses and sections for which it is there")
	}
	for _, c := range cites {
		if !sectionForm.MatchString(c) && (!clauseForm.MatchString(c) || f.known != nil && !f.known[c]) {
			f.say(at, "", "%q is no clause of the policy, and no section such as 47 CFR 64.2010(f)", c)
		}
	}
}

// notice reads the templates of one kind, and gives the kind.
func (l *loading) notice(name string, words map[string]Language, layout string) string {
	var n noticeFile
	f, ok := l.read(name, &n)
	if !ok {
		return strings.TrimSuffix(path.Base(name), ".yaml") // that it is missing need not be said as well
	}
	k, ok := kinds[n.Kind]
	if !ok || n.Kind != strings.TrimSuffix(path.Base(name), ".yaml") {
		f.say("$.kind", "P-23", "the kind is the name of the file, and one that the program sends: %s; found %q", strings.Join(sortedKeys(kinds), ", "), n.Kind)
		return n.Kind
	}
	f.head(&n, k)
	for _, via := range k.vias {
		f.way(&n, k, via, words, layout)
	}
	if isNotice(n.Kind) && l.notices != nil {
		n.raw, _ = fs.ReadFile(l.policy, name) // it has been read before
		l.notices[n.Kind] = &n
	}
	return n.Kind
}

// head looks at what a file says beside its texts.
func (f *file) head(n *noticeFile, k kind) {
	f.cites("$.cites", n.Cites)
	for _, c := range k.cites {
		if !slices.Contains(n.Cites, c) {
			f.say("$.cites", c, "messages of the kind %s are there for %s", n.Kind, c)
		}
	}
	for i, e := range n.Elements {
		at := fmt.Sprintf("$.elements[%d]", i)
		if !idForm.MatchString(e.ID) || folded(e.For) == "" || slices.IndexFunc(n.Elements, func(x Element) bool { return x.ID == e.ID }) != i {
			f.say(at, "P-23", "an element has an id of its own in small letters and hyphens, and says what it is for")
		}
		f.cites(at, e.Cites)
	}
	for _, via := range n.Urgent {
		if !slices.Contains(k.vias, via) {
			f.say("$.urgent", "P-23", "urgent lists ways of the message: %q is none", via)
		}
	}
	for _, via := range slices.Sorted(maps.Keys(n.Ways)) {
		if !slices.Contains(k.vias, via) {
			f.say("$.ways."+string(via), "P-23", "messages of the kind %s do not go by %q", n.Kind, via)
		}
	}
	for i, name := range n.Tokens {
		switch _, ok := tokens[name]; {
		case !ok:
			f.say(fmt.Sprintf("$.tokens[%d]", i), "P-27", "there is no token {%s}; there are: %s", name, strings.Join(sortedKeys(tokens), ", "))
		case n.Hides != "" && !slices.Contains(hiding, name):
			f.say(fmt.Sprintf("$.tokens[%d]", i), "P-25", "the token {%s} may carry a value, and the template hides the %s; it may use: %s", name, n.Hides, strings.Join(hiding, ", "))
		}
	}
}

// way reads the templates of one way, in each language.
func (f *file) way(n *noticeFile, k kind, via cpni.Via, words map[string]Language, layout string) {
	texts, ok := n.Ways[via]
	if !ok {
		f.say("$.ways", "P-23", "messages of the kind %s also go by %s, and there is no text for that", n.Kind, via)
		return
	}
	for _, language := range sortedKeys(words) {
		if _, ok := texts[language]; !ok {
			f.say("$.ways."+string(via), "P-27", "there is no text in %s", words[language].Name)
		}
	}
	f.texts(n, k, via, texts, words, layout)
}

// texts reads the templates of one way in the languages that there are.
func (f *file) texts(n *noticeFile, k kind, via cpni.Via, texts map[string]wayText, words map[string]Language, layout string) {
	for _, language := range sortedKeys(texts) {
		if _, ok := words[language]; !ok {
			f.say(fmt.Sprintf("$.ways.%s.%s", via, language), "P-27", "%s does not know the language %q", wordsFile, language)
		}
	}
	for _, language := range sortedKeys(words) {
		at := fmt.Sprintf("$.ways.%s.%s", via, language)
		text, ok := texts[language]
		if !ok {
			continue
		}
		d := n.document(via, language, text, words[language], layout)
		say := func(place, clause, format string, a ...any) {
			switch {
			case place == ".hides", place == ".version", place == ".tokens":
				f.say("$"+place, clause, format, a...)
			case place == ".html" && strings.Contains(layout, "{"):
				(&file{loading: f.loading, name: layoutFile}).say("", clause, "with %s: %s", d.name(), fmt.Sprintf(format, a...))
			default:
				f.say(at+place, clause, format, a...)
			}
		}
		before := len(f.wrong)
		t := compile(d, say)
		d.keeps(k, say)
		d.inOwnTongue(words, say)
		d.sameAs(texts, say)
		d.lawful(say)
		if len(f.wrong) == before {
			f.made = append(f.made, t)
		}
	}
}

// sameAs refuses a text that was left in another language, and one that lacks a part of another.
//
// cite: V52
func (d *document) sameAs(texts map[string]wayText, say sayer) {
	for _, language := range sortedKeys(texts) {
		if language == d.Language {
			continue
		}
		for _, o := range texts[language].Parts {
			for _, e := range o.Is {
				if !slices.ContainsFunc(d.Parts, func(p Part) bool { return slices.Contains(p.Is, e) }) {
					say(".parts", wholeTongue, "the element %s is in %q and not here", e, language)
				}
			}
			for i, p := range d.Parts {
				if p.Says != "" && len(wordsOf(p.Says)) > 2 && folded(o.Says) == p.Says {
					say(fmt.Sprintf(".parts[%d]", i), wholeTongue, "the part is the same in %q", language)
				}
			}
		}
	}
}

// document makes a template of what the file says for a way and a language.
func (n *noticeFile) document(via cpni.Via, language string, text wayText, words Language, layout string) document {
	d := document{Kind: n.Kind, Via: via, Language: language, Dated: n.Version, Cites: n.Cites, Urgent: slices.Contains(n.Urgent, via), Hides: n.Hides, Subject: folded(text.Subject)}
	if via == cpni.Email {
		d.Layout = layout
	}
	texts := []string{d.Subject}
	for _, p := range text.Parts {
		p.Says, p.HTML = folded(p.Says), folded(p.HTML)
		d.Parts = append(d.Parts, p)
		texts = append(texts, p.Says, p.Digits, p.HTML)
	}
	used := tokensOf(texts...)
	for _, m := range layoutToken.FindAllStringSubmatch(d.Layout, -1) {
		used = append(used, m[1])
	}
	for _, name := range n.Tokens {
		if slices.Contains(used, name) && !slices.Contains(d.Tokens, name) {
			d.Tokens = append(d.Tokens, name)
		}
	}
	for _, e := range n.Elements {
		if slices.ContainsFunc(d.Parts, func(p Part) bool { return slices.Contains(p.Is, e.ID) }) {
			d.Elements = append(d.Elements, e)
		}
	}
	for name, value := range n.given {
		if slices.Contains(d.Tokens, name) {
			if d.Given == nil {
				d.Given = map[string]string{}
			}
			d.Given[name] = value
		}
	}
	d.Words = words
	d.Words.Values, d.Words.Joins, d.Words.Itself, d.Words.Day, d.Words.Stretch = nil, Joins{}, Itself{}, "", Stretched{}
	for _, name := range d.Tokens {
		switch tokens[name].form {
		case entities:
			d.Words.Joins, d.Words.Itself = words.Joins, words.Itself
		case list:
			d.Words.Joins = words.Joins
		case day:
			d.Words.Day = words.Day
		case stretch:
			d.Words.Day, d.Words.Stretch = words.Day, words.Stretch
		}
		for _, list := range worded(name) {
			if d.Words.Values == nil {
				d.Words.Values = map[string]map[string]string{}
			}
			d.Words.Values[list] = words.Values[list]
		}
	}
	return d
}
