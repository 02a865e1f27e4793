package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file. A story that a person wrote is far below each of them.
const (
	mostBytes  = 256 << 10
	mostTokens = 50_000
	mostDepth  = 40
)

// form is what a node of a file is.
type form int

const (
	formText form = iota
	formInteger
	formOther // a fraction, an infinity: a scalar that no field takes
	formBool
	formNull
	formList
	formMap
)

func (f form) String() string {
	return [...]string{"text", "a whole number", "a number", "a yes or no", "nothing", "a list", "a mapping"}[f]
}

// place is where something stands in a file.
type place struct{ line, column int }

// node is a piece of a file and where it stands.
type node struct {
	place
	form    form
	text    string // of a scalar, as it is meant
	quoted  bool
	list    []*node
	entries []entry // in the order of the file
}

// entry is one key of a mapping.
type entry struct {
	key   string
	at    place
	value *node
}

// get gives the value of key, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// keyAt tells where key stands.
func (n *node) keyAt(key string) place {
	for _, e := range n.entries {
		if e.key == key {
			return e.at
		}
	}
	return n.place
}

// Fault is one thing that is wrong with a file, and where.
type Fault struct {
	File         string
	Line, Column int
	Says         string
}

// Error gives file, line, column and what is wrong there.
func (f Fault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Says
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Says)
}

// Faults are all that is wrong with a file, in the order of its lines.
type Faults []Fault

// Error gives one line a fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, x := range f {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// readTree reads the text of a file into a tree, within the limits.
func readTree(file string, text []byte) (*node, error) {
	wrong := func(at place, format string, a ...any) error {
		return Faults{{file, at.line, at.column, fmt.Sprintf(format, a...)}}
	}
	if len(text) > mostBytes {
		return nil, wrong(place{}, "the file has %d bytes; the most is %d", len(text), mostBytes)
	}
	if at, what := unreadable(text); what != "" {
		return nil, wrong(at, "%s", what)
	}
	tokens := lexer.Tokenize(string(text))
	if len(tokens) > mostTokens {
		return nil, wrong(placeOf(tokens[mostTokens]), "the file has more than %d words and marks; make several files of it", mostTokens)
	}
	if at, deep := tooDeep(tokens); deep {
		return nil, wrong(at, "the file is nested more than %d deep", mostDepth)
	}
	for i, t := range tokens {
		switch t.Type {
		case token.DocumentHeaderType:
			if i > 0 && slices.ContainsFunc(tokens[:i], func(t *token.Token) bool { return t.Type != token.CommentType }) {
				return nil, wrong(placeOf(t), "the file holds several documents; put each into its own file")
			}
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.DirectiveType:
			return nil, wrong(placeOf(t), "anchors, aliases, merge keys, tags and directives are no part of the scenario language; write the value out, or put it into the file's setup")
		}
	}
	parsed, err := parser.Parse(tokens, 0)
	if err != nil {
		var y yaml.Error
		if errors.As(err, &y) && y.GetToken() != nil {
			return nil, wrong(placeOf(y.GetToken()), "%s", strings.ReplaceAll(y.GetMessage(), "character '\t'", "a tab; indent with spaces: it"))
		}
		return nil, wrong(place{}, "%s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	var g grower
	var tree *node
	for _, d := range parsed.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			tree = g.grow(d.Body, 0)
		}
	}
	if tree == nil {
		return nil, wrong(place{}, "the file is empty; it needs scenarios")
	}
	if g.wrong != "" {
		return nil, wrong(g.at, "%s", g.wrong)
	}
	return tree, nil
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// unreadable finds the first byte that is not text.
func unreadable(text []byte) (at place, what string) {
	for line, n := range bytes.Split(text, []byte("\n")) {
		for i := 0; i < len(n); {
			r, size := utf8.DecodeRune(n[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				return place{line + 1, i + 1}, "the file is not UTF-8 text"
			case r < ' ' && r != '\t' && r != '\r', r == 0x7f:
				return place{line + 1, i + 1}, fmt.Sprintf("the control character %U is no part of a text", r)
			}
			i += size
		}
	}
	return place{}, ""
}

// tooDeep looks for nesting that the parser would have to follow call by call: open brackets, and lists begun within
// lists on one line.
func tooDeep(tokens token.Tokens) (at place, deep bool) {
	open, onLine, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, onLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if open == 0 {
				onLine++
			}
		}
		if open > mostDepth || onLine > mostDepth {
			return placeOf(t), true
		}
	}
	return place{}, false
}

// grower turns the parser's tree into ours.
type grower struct {
	wrong string
	at    place
}

func (g *grower) fail(n ast.Node, format string, a ...any) *node {
	if g.wrong == "" {
		g.at, g.wrong = placeOf(n.GetToken()), fmt.Sprintf(format, a...)
	}
	return &node{place: g.at, form: formNull}
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (g *grower) grow(a ast.Node, depth int) *node {
	if depth > mostDepth {
		return g.fail(a, "the file is nested more than %d deep", mostDepth)
	}
	n := &node{place: placeOf(a.GetToken())}
	switch v := a.(type) {
	case *ast.StringNode:
		n.form, n.text = formText, v.Value
		n.quoted = v.Token.Type == token.SingleQuoteType || v.Token.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		n.form, n.text, n.quoted = formText, v.Value.Value, true
	case *ast.IntegerNode:
		n.form, n.text = formInteger, strings.TrimSpace(v.Token.Value)
		if !wholeNumber.MatchString(n.text) {
			n.form = formOther
		}
	case *ast.FloatNode:
		n.form, n.text = formOther, v.Token.Value
	case *ast.InfinityNode, *ast.NanNode:
		n.form, n.text = formOther, a.GetToken().Value
	case *ast.BoolNode:
		n.form, n.text = formBool, v.Token.Value
	case *ast.NullNode:
		n.form = formNull
	case *ast.SequenceNode:
		n.form = formList
		for _, x := range v.Values {
			n.list = append(n.list, g.grow(x, depth+1))
		}
	case *ast.MappingNode:
		n.form = formMap
		for _, x := range v.Values {
			g.entry(n, x, depth)
		}
	case *ast.MappingValueNode:
		n.form = formMap
		g.entry(n, v, depth)
	default:
		return g.fail(a, "%s is no part of the scenario language", a.Type())
	}
	return n
}

func (g *grower) entry(n *node, v *ast.MappingValueNode, depth int) {
	key, ok := v.Key.(ast.ScalarNode)
	if !ok {
		g.fail(v, "a key must be a plain word")
		return
	}
	e := entry{at: placeOf(v.Key.GetToken())}
	switch k := key.(type) {
	case *ast.StringNode:
		e.key = k.Value
	case *ast.IntegerNode, *ast.BoolNode, *ast.FloatNode:
		e.key = k.GetToken().Value
	default:
		g.fail(v, "a key must be a plain word")
		return
	}
	for _, old := range n.entries {
		if old.key == e.key {
			g.at = e.at
			if g.wrong == "" {
				g.wrong = fmt.Sprintf("%q is given twice here, first on line %d", e.key, old.at.line)
			}
			return
		}
	}
	if n.place == (place{}) || len(n.entries) == 0 && e.at.line > 0 && (n.line > e.at.line || n.line == e.at.line && n.column > e.at.column) {
		n.place = e.at
	}
	e.value = g.grow(v.Value, depth+1)
	n.entries = append(n.entries, e)
}
