package form

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Folder is where the forms lie among the files of a policy.
const Folder = "forms"

// Bounds of a file of a form, and of what is in it.
const (
	mostFile    = 1 << 18 // bytes
	mostFields  = 200
	mostOptions = 100
	mostText    = 20_000 // characters of an answer
	mostWords   = 1_000  // bytes of a label, a help or an option
	mostWrong   = 100    // errors that are told at once
)

// profiles are those whose reports need a form.
var profiles = []string{"breach-2007", "breach-2023"}

// There reports whether the files of a policy have forms.
func There(files fs.FS) bool {
	_, err := fs.Stat(files, Folder)
	return err == nil
}

// Load reads the forms of a policy: the files of its folder forms. What is wrong is told with file and line, all of it at once. Every
// profile of the rules on breaches needs a form.
//
// cite: P-45, P-52
func Load(policy fs.FS) (*Forms, error) {
	names, err := fs.Glob(policy, Folder+"/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the forms: %w", err)
	}
	clauses := clausesOf(policy)
	all := &Forms{}
	var wrong []error
	for _, name := range names {
		source, err := fs.ReadFile(policy, name)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s:1: it cannot be read: %w", name, err))
			continue
		}
		f, errs := read(name, source, clauses)
		if wrong = append(wrong, errs...); len(errs) > 0 {
			continue
		}
		if _, twice := all.Form(f.ID, f.Version); twice {
			wrong = append(wrong, fmt.Errorf("%s:1: the form %s of %s stands in another file already", name, f.ID, f.Version))
		}
		all.all = append(all.all, f)
	}
	for _, p := range profiles {
		if _, ok := all.For(p); !ok && len(wrong) == 0 {
			wrong = append(wrong, fmt.Errorf("%s:1: there is no form for reports under %s; write one, or take %s.yaml from the policy that is built in", Folder, p, strings.Replace(p, "breach-", "breach-report-", 1)))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	slices.SortStableFunc(all.all, func(a, b *Form) int {
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return b.Version.Compare(a.Version)
	})
	return all, nil
}

// clausesOf reads which clauses there are, where the policy lists them; nil: any.
func clausesOf(policy fs.FS) map[string]bool {
	text, err := fs.ReadFile(policy, "clauses.yaml")
	if err != nil {
		return nil
	}
	var all []struct {
		ID string `yaml:"id"`
	}
	if yaml.Unmarshal(text, &all) != nil || len(all) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, c := range all {
		known[c.ID] = true
	}
	return known
}

// reading is a form that is being read, with what is wrong with it.
type reading struct {
	file    string
	tree    *ast.File
	clauses map[string]bool
	wrong   []error
}

// say notes what is wrong at a place, such as $.sections[0].title. A place that is not there has the line of what it would stand in.
func (r *reading) say(at, format string, a ...any) {
	if len(r.wrong) >= mostWrong {
		return
	}
	line := 1
	for r.tree != nil && at != "" && at != "$" {
		if p, err := yaml.PathString(at); err == nil {
			if n, err := p.FilterFile(r.tree); err == nil && n != nil && n.GetToken() != nil {
				line = n.GetToken().Position.Line
				break
			}
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	r.wrong = append(r.wrong, fmt.Errorf("%s:%d: %s", r.file, line, fmt.Sprintf(format, a...)))
}

// yaml notes an error of the YAML reader.
func (r *reading) yaml(err error) {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		r.wrong = append(r.wrong, fmt.Errorf("%s:%d: %s", r.file, at.GetToken().Position.Line, at.GetMessage()))
		return
	}
	r.wrong = append(r.wrong, fmt.Errorf("%s:1: %w", r.file, err))
}

// read reads one form.
func read(name string, source []byte, clauses map[string]bool) (*Form, []error) {
	r := &reading{file: name, clauses: clauses}
	if len(source) > mostFile {
		r.say("", "it has more than %d bytes", mostFile)
		return nil, r.wrong
	}
	var err error
	if r.tree, err = parser.ParseBytes(source, 0); err != nil {
		r.yaml(err)
		return nil, r.wrong
	}
	if len(r.tree.Docs) != 1 || r.tree.Docs[0].Body == nil {
		r.say("", "it holds one document")
		return nil, r.wrong
	}
	// With anchors and aliases a small file can stand for a huge one.
	if n := repeated(r.tree.Docs[0].Body); n != nil {
		return nil, append(r.wrong, fmt.Errorf("%s:%d: anchors and aliases are not used here; write it out", name, n.GetToken().Position.Line))
	}
	f := &Form{}
	if err := yaml.NodeToValue(r.tree.Docs[0].Body, f, yaml.Strict()); err != nil {
		r.yaml(err)
		return nil, r.wrong
	}
	r.check(f)
	if len(r.wrong) > 0 {
		return nil, r.wrong
	}
	sum := sha256.Sum256(source)
	f.hash = hex.EncodeToString(sum[:])
	return f, nil
}

// repeated finds an anchor or an alias.
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

// Visit looks at a node, and at what stands below it.
func (v visitor) Visit(n ast.Node) ast.Visitor {
	if v(n) {
		return v
	}
	return nil
}

var (
	nameForm     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	optionForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
	clauseForm   = regexp.MustCompile(`^P-[0-9]{2}$`)
	sectionForm  = regexp.MustCompile(`^[0-9]+ (CFR|USC) [0-9]+(\.[0-9]+)?(\([0-9a-z]+\))*$`)
)

// worded checks words that people read.
func (r *reading) worded(at, what, words string) {
	switch {
	case strings.TrimSpace(words) == "":
		r.say(at, "%s is empty", what)
	case len(words) > mostWords:
		r.say(at, "%s has more than %d bytes", what, mostWords)
	case strings.ContainsFunc(words, func(c rune) bool { return unicode.IsControl(c) }) || words != strings.TrimSpace(words):
		r.say(at, "%s is one line without blanks around it", what)
	}
}

// check looks at all of a form.
func (r *reading) check(f *Form) {
	if !nameForm.MatchString(f.ID) {
		r.say("$.form", "a form has a name of small letters, digits and hyphens; found %q", f.ID)
	}
	if f.Version.IsZero() {
		r.say("$.version", "the version is the day from which the form is as it is, such as 2026-11-26")
	}
	if f.Verified.IsZero() {
		r.say("$.last_verified", "say when somebody last compared the form with its source, such as 2026-11-24")
	}
	r.worded("$.title", "the title", f.Title)
	r.worded("$.source", "the source of what the form asks", f.Source)
	if !slices.Contains(profiles, f.Profile) {
		r.say("$.profile", "a form is for the reports of one profile: %s; found %q", strings.Join(profiles, " or "), f.Profile)
	}
	all := f.Fields()
	if len(all) == 0 || len(all) > mostFields {
		r.say("$.sections", "a form has between 1 and %d fields, in sections; this one has %d", mostFields, len(all))
		return
	}
	seen, ids := map[string]bool{}, map[string]bool{}
	for i, s := range f.Sections {
		at := fmt.Sprintf("$.sections[%d]", i)
		if !nameForm.MatchString(s.ID) || ids[s.ID] {
			r.say(at+".id", "a section has an id of its own, of small letters, digits and hyphens; found %q", s.ID)
		}
		ids[s.ID] = true
		r.worded(at+".title", "the title of the section "+s.ID, s.Title)
		if s.Help != "" {
			r.worded(at+".help", "the help of the section "+s.ID, s.Help)
		}
		if len(s.Fields) == 0 {
			r.say(at, "the section %s has no fields", s.ID)
		}
		for j, x := range s.Fields {
			at := fmt.Sprintf("%s.fields[%d]", at, j)
			if !nameForm.MatchString(x.Name) || seen[x.Name] {
				r.say(at+".name", "a field has a name of its own, of small letters, digits and hyphens; found %q", x.Name)
			}
			seen[x.Name] = true
			r.field(f, x, at)
		}
	}
}

// field looks at one field.
func (r *reading) field(f *Form, x Field, at string) {
	r.worded(at+".label", "the label of "+x.Name, x.Label)
	r.worded(at+".help", "the help of "+x.Name, x.Help)
	if !slices.Contains(kinds, x.Kind) {
		r.say(at+".kind", "the field %s is of the kind %q: write one of %s", x.Name, x.Kind, listed(kinds))
	}
	if x.Kind == Money && !currencyForm.MatchString(f.Currency) {
		r.say("$.currency", "the form has amounts, so it has a currency such as USD; found %q", f.Currency)
	}
	if written := x.Kind == Text || x.Kind == Long; written != (x.Longest != 0) || x.Longest < 0 || x.Longest > mostText {
		r.say(at+".longest", "a text has a longest, of 1 to %d characters, and other kinds have none; %s has %d", mostText, x.Name, x.Longest)
	}
	if x.Unknown && (x.Kind == Text || x.Kind == Long || x.Kind == Choice || x.Kind == Choices) {
		r.say(at+".unknown", "the field %s can say that it is not known in its own words, or by an option", x.Name)
	}
	ways := 0
	for _, is := range []bool{x.Required, x.Wanted, x.When != When{}} {
		if is {
			ways++
		}
	}
	if ways > 1 {
		r.say(at, "the field %s is required, wanted, or required when another says something: one of them", x.Name)
	}
	if x.When != (When{}) {
		other, ok := f.Field(x.When.Field)
		is := x.When.Is == "yes" || x.When.Is == "no"
		if other.Kind != YesNo {
			_, is = other.says(x.When.Is)
		}
		if !ok || !is || other.Name == x.Name {
			r.say(at+".required-when", "the field %s is required when %q says %q, and that never happens", x.Name, x.When.Field, x.When.Is)
		}
	}
	for _, with := range [][2]string{{"not-before", x.NotBefore}, {"not-after", x.NotAfter}} {
		if with[1] == "" {
			continue
		}
		other, ok := f.Field(with[1])
		if !ok || other.Name == x.Name || !other.dated() || !x.dated() {
			r.say(at+"."+with[0], "the field %s and %q, with which it is compared, do not both have a day", x.Name, with[1])
		}
	}
	r.options(x, at)
	if x.From != "" && facts[x.From] == nil {
		r.say(at+".from", "the field %s is drafted from %q, which nobody records: write one of %s", x.Name, x.From, strings.Join(FactNames(), ", "))
	}
	if len(x.Cites) == 0 {
		r.say(at+".cites", "the field %s cites nothing: say because of what it is asked, such as P-52 or 47 CFR 64.2011(d)", x.Name)
	}
	for i, c := range x.Cites {
		at := fmt.Sprintf("%s.cites[%d]", at, i)
		switch {
		case clauseForm.MatchString(c):
			if r.clauses != nil && !r.clauses[c] {
				r.say(at, "the field %s cites %s, and there is no such clause", x.Name, c)
			}
		case !sectionForm.MatchString(c):
			r.say(at, "the field %s cites %q, which is neither a clause such as P-52 nor a section such as 47 CFR 64.2011(d)", x.Name, c)
		}
	}
}

// dated reports whether a day can be taken from a field.
func (x Field) dated() bool { return x.Kind == Day || x.Kind == Moment || x.Kind == Range }

// options looks at what can be chosen.
func (r *reading) options(x Field, at string) {
	chosen := x.Kind == Choice || x.Kind == Choices
	if chosen != (len(x.Options) > 0) || len(x.Options) > mostOptions {
		r.say(at+".options", "a field in which something is chosen has between 1 and %d options, and another has none; %s has %d", mostOptions, x.Name, len(x.Options))
	}
	for i, o := range x.Options {
		at := fmt.Sprintf("%s.options[%d]", at, i)
		if !optionForm.MatchString(o.Is) || slices.IndexFunc(x.Options, func(p Option) bool { return p.Is == o.Is }) != i {
			r.say(at, "an option has a word of its own, of letters, digits and hyphens; found %q", o.Is)
		}
		r.worded(at, "the option "+o.Is+" of "+x.Name, o.Says)
	}
	for i, m := range x.Must {
		if _, ok := x.says(m); !ok || x.Kind != Choices {
			r.say(fmt.Sprintf("%s.must[%d]", at, i), "the field %s must have %q, which is none of its options", x.Name, m)
		}
	}
}

func listed[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}
