package main

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	yamlast "github.com/goccy/go-yaml/ast"
	yamlparser "github.com/goccy/go-yaml/parser"
)

// Kind is what sort of thing carries a clause.
type Kind string

// The kinds, in the order in which they are listed.
const (
	Rule     Kind = "rule"
	Code     Kind = "code"
	Test     Kind = "test"
	Scenario Kind = "scenario"
	Screen   Kind = "screen"
)

var kinds = []Kind{Rule, Code, Test, Scenario, Screen}

// Cite is one place that names a clause.
type Cite struct {
	Clause string
	Kind   Kind
	Path   string
	Line   int
	Name   string // the rule, declaration or scenario
}

var (
	clause  = regexp.MustCompile(`^P-[0-9]{2}$`)
	section = regexp.MustCompile(`^[0-9]+ (CFR|USC) [0-9]+[a-z]?(\.[0-9]+)?(\([0-9A-Za-z]+\))*$`)
	// other is what one may cite beside clauses and sections: cases, invariants, notice elements, standards.
	other = regexp.MustCompile(`^(V[0-9]{2,3}|I-[0-9]{2}|N-[0-9]{2}|RFC [0-9]+|NIST SP [0-9A-Z.-]+|FCC [0-9]{2}-[0-9]+)$`)

	citeLine   = regexp.MustCompile(`^(?://|--|#|\*|<!--)?\s*cite:\s*(.*?)\s*(?:-->|\*/)?$`)
	dataClause = regexp.MustCompile(`data-clause="([^"]*)"`)
	annotation = regexp.MustCompile(`^\s*@([a-z]+)\("((?:[^"\\]|\\.)*)"\)`)
)

// collect finds every cite below root. Problems are cites that are not in the fixed form, with file and line.
func collect(root fs.FS) (cites []Cite, problems []string, err error) {
	c := &collector{root: root}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := path.Base(name); name != "." && (strings.HasPrefix(base, ".") || slices.Contains([]string{"testdata", "node_modules", "vendor", "build", "bin"}, base)) {
				return fs.SkipDir
			}
			return nil
		}
		return c.file(name)
	})
	return c.cites, c.problems, err
}

type collector struct {
	root     fs.FS
	cites    []Cite
	problems []string
}

func (c *collector) file(name string) error {
	var take func(string, []byte) error
	switch {
	case strings.HasSuffix(name, "_templ.go"): // what it cites stands in the page that it is made from
		return nil
	case path.Ext(name) == ".go":
		take = c.goFile
	case path.Ext(name) == ".cedar":
		take = c.cedarFile
	case path.Ext(name) == ".templ":
		take = c.screenFile
	case strings.HasPrefix(name, "policy/notices/") && path.Ext(name) == ".yaml":
		take = c.noticeFile
	case path.Ext(name) == ".sql":
		take = c.sqlFile
	case strings.HasPrefix(name, "scenarios/") && path.Ext(name) == ".yaml":
		take = c.scenarioFile
	default:
		return nil
	}
	text, err := fs.ReadFile(c.root, name)
	if err != nil {
		return err
	}
	return take(name, text)
}

func (c *collector) goFile(name string, text []byte) error {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	kind := Code
	if strings.HasSuffix(name, "_test.go") {
		kind = Test
	}
	for _, group := range f.Comments {
		for _, comment := range group.List {
			if m := citeLine.FindStringSubmatch(comment.Text); m != nil {
				line := files.Position(comment.Pos()).Line
				c.list(kind, name, line, declared(f, comment.Pos()), strings.Split(m[1], ","))
			}
		}
	}
	return nil
}

// declared names the declaration of f that has a comment at pos, in it or above it.
func declared(f *ast.File, pos token.Pos) string {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if within(d, d.Doc, pos) {
				return d.Name.Name
			}
		case *ast.GenDecl:
			if !within(d, d.Doc, pos) {
				continue
			}
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					return s.Name.Name
				case *ast.ValueSpec:
					if len(d.Specs) == 1 || pos < s.End() {
						return s.Names[0].Name
					}
				}
			}
		}
	}
	return "package " + f.Name.Name
}

func within(n ast.Node, doc *ast.CommentGroup, pos token.Pos) bool {
	from := n.Pos()
	if doc != nil {
		from = doc.Pos()
	}
	return from <= pos && pos < n.End()
}

// cedarFile reads the annotations that stand above each rule, up to the rule's semicolon.
func (c *collector) cedarFile(name string, text []byte) error {
	notes, first := map[string]string{}, 0
	return lines(text, func(n int, line string) {
		if m := annotation.FindStringSubmatch(line); m != nil {
			if len(notes) == 0 {
				first = n
			}
			notes[m[1]] = m[2]
			return
		}
		if strings.HasSuffix(strings.TrimSpace(line), ";") && len(notes) > 0 {
			for _, id := range strings.Fields(notes["clause"]) {
				c.one(Rule, name, first, notes["id"], id)
			}
			if cite := notes["cite"]; cite != "" {
				c.list(Rule, name, first, notes["id"], strings.Split(cite, ","))
			}
			clear(notes)
		}
	})
}

func (c *collector) screenFile(name string, text []byte) error {
	return lines(text, func(n int, line string) {
		if m := citeLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			c.list(Screen, name, n, "", strings.Split(m[1], ","))
		}
		for _, m := range dataClause.FindAllStringSubmatch(line, -1) {
			c.list(Screen, name, n, "", strings.FieldsFunc(m[1], func(r rune) bool { return r == ' ' || r == ',' }))
		}
	})
}

// noticeFile takes what a file of templates cites: the lines in the fixed form, and every list that is called cites.
func (c *collector) noticeFile(name string, text []byte) error {
	if err := c.screenFile(name, text); err != nil {
		return err
	}
	file, err := yamlparser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	kind := strings.TrimSuffix(path.Base(name), ".yaml")
	for _, doc := range file.Docs {
		for _, n := range yamlast.Filter(yamlast.MappingValueType, doc.Body) {
			pair, ok := n.(*yamlast.MappingValueNode)
			if !ok || pair.Key.String() != "cites" {
				continue
			}
			var cites []string
			if err := yaml.NodeToValue(pair.Value, &cites); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			c.list(Screen, name, pair.GetToken().Position.Line, kind, cites)
		}
	}
	return nil
}

func (c *collector) sqlFile(name string, text []byte) error {
	return lines(text, func(n int, line string) {
		if m := citeLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			c.list(Code, name, n, "", strings.Split(m[1], ","))
		}
	})
}

// scenarioFile takes the clauses that each scenario cites; whatever else it cites is for the scenario runner to check.
func (c *collector) scenarioFile(name string, text []byte) error {
	file, err := yamlparser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, doc := range file.Docs {
		top, ok := doc.Body.(*yamlast.MappingNode)
		if !ok {
			continue
		}
		for _, pair := range top.Values {
			list, ok := pair.Value.(*yamlast.SequenceNode)
			if !ok || pair.Key.String() != "scenarios" {
				continue
			}
			for _, one := range list.Values {
				var s struct {
					Scenario string
					Cites    []string
				}
				if err := yaml.NodeToValue(one, &s); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				for _, id := range s.Cites {
					if strings.HasPrefix(id, "P-") {
						c.one(Scenario, name, one.GetToken().Position.Line, s.Scenario, id)
					}
				}
			}
		}
	}
	return nil
}

// list takes a list in the fixed form: clauses and sections, with commas between.
func (c *collector) list(kind Kind, name string, line int, within string, items []string) {
	for _, item := range items {
		c.one(kind, name, line, within, strings.TrimSpace(item))
	}
}

func (c *collector) one(kind Kind, name string, line int, within, item string) {
	switch {
	case clause.MatchString(item):
		c.cites = append(c.cites, Cite{Clause: item, Kind: kind, Path: name, Line: line, Name: within})
	case section.MatchString(item), other.MatchString(item):
	default:
		c.problems = append(c.problems, fmt.Sprintf("%s:%d: %q is no citation: write clauses and sections with commas between, such as P-21, 47 CFR 64.2003(b)", name, line, item))
	}
}

func lines(text []byte, do func(n int, line string)) error {
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		do(n, s.Text())
	}
	return s.Err()
}
