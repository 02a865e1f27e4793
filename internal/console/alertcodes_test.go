package console

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/watch"
)

// source is a package of the program, as it is written.
type source struct {
	files  []*ast.File
	consts map[string]ast.Expr // constants and errors by their name
	codes  map[*ast.File][]string
}

// sources reads every package under a folder, but for its tests, by its path from there.
func sources(t *testing.T, folder string) map[string]*source {
	t.Helper()
	all, set := map[string]*source{}, gotoken.NewFileSet()
	must(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		at, err := filepath.Rel(folder, filepath.Dir(path))
		if err != nil {
			return err
		}
		s := all[filepath.ToSlash(at)]
		if s == nil {
			s = &source{consts: map[string]ast.Expr{}, codes: map[*ast.File][]string{}}
			all[filepath.ToSlash(at)] = s
		}
		s.files = append(s.files, file)
		for _, decl := range file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != gotoken.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if i < len(v.Values) {
						s.consts[name.Name] = v.Values[i]
						if dotted(v.Type) == "cpni.Code" {
							s.codes[file] = append(s.codes[file], name.Name)
						}
					}
				}
			}
		}
		return nil
	}))
	return all
}

// dotted writes a name as it stands in the source; "" it is none.
func dotted(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		if left := dotted(x.X); left != "" {
			return left + "." + x.Sel.Name
		}
	}
	return ""
}

// raised finds the codes of all alerts that the program can raise, by reading where it makes entries of that kind.
func raised(t *testing.T, all map[string]*source) []string {
	t.Helper()
	found := map[string]bool{}
	for at, s := range all {
		for _, file := range s.files {
			r := &raiser{t: t, all: all, at: at, s: s, file: file, found: found}
			var within []ast.Node // what encloses the node
			ast.Inspect(file, func(n ast.Node) bool {
				if n == nil {
					within = within[:len(within)-1]
					return true
				}
				r.look(n, within)
				within = append(within, n)
				return true
			})
		}
	}
	return slices.Sorted(maps.Keys(found))
}

type raiser struct {
	t     *testing.T
	all   map[string]*source
	at    string
	s     *source
	file  *ast.File
	found map[string]bool
}

func isAlert(x ast.Expr) bool { return dotted(x) == "ledger.Alert" }

// look takes up a place where an entry becomes an alert: an entry that is written out, a function that is called with the kind and the
// code behind it, or both being set.
func (r *raiser) look(n ast.Node, within []ast.Node) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		if kind := field(n, "Kind"); dotted(n.Type) == "ledger.Entry" && kind != nil && isAlert(kind) {
			r.resolve(field(n, "Code"), within)
		}
	case *ast.CallExpr:
		if i := slices.IndexFunc(n.Args, isAlert); i >= 0 && i+1 < len(n.Args) {
			r.resolve(n.Args[i+1], within)
		}
	case *ast.AssignStmt:
		if i := slices.IndexFunc(n.Rhs, isAlert); i >= 0 && len(n.Rhs) > i+1 {
			r.resolve(n.Rhs[i+1], within)
		}
	}
}

func field(c *ast.CompositeLit, name string) ast.Expr {
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && dotted(kv.Key) == name {
			return kv.Value
		}
	}
	return nil
}

// resolve finds what a code is that stands at a place.
func (r *raiser) resolve(x ast.Expr, within []ast.Node) {
	r.t.Helper()
	before := len(r.found)
	seen := false
	add := func(s *source, name string) bool {
		lit, ok := s.consts[name].(*ast.BasicLit)
		if ok {
			r.literal(lit)
		}
		seen = seen || ok
		return ok
	}
	switch x := x.(type) {
	case *ast.BasicLit:
		r.literal(x)
		return
	case *ast.Ident:
		if add(r.s, x.Name) {
			return
		}
		name, i := taker(within, x.Name)
		for _, file := range r.s.files { // whoever calls the function that is given the code
			ast.Inspect(file, func(n ast.Node) bool {
				c, ok := n.(*ast.CallExpr)
				if !ok || name == "" || i >= len(c.Args) {
					return true
				}
				if called := dotted(c.Fun); called == name || strings.HasSuffix(called, "."+name) {
					seen = true
					(&raiser{r.t, r.all, r.at, r.s, file, r.found}).resolve(c.Args[i], nil)
				}
				return true
			})
		}
	case *ast.SelectorExpr:
		for _, spec := range r.file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if inner, ok := strings.CutPrefix(path, "ringfence/internal/"); ok && filepath.Base(inner) == dotted(x.X) && add(r.all[inner], x.Sel.Name) {
				return
			}
		}
		// A field of one of several: every code of this file, and every value that such a field is given in the package.
		for _, name := range r.s.codes[r.file] {
			add(r.s, name)
		}
		for _, file := range r.s.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if c, ok := n.(*ast.CompositeLit); ok && dotted(c.Type) != "ledger.Entry" {
					if v := field(c, x.Sel.Name); v != nil && dotted(v) == "" || v != nil && strings.Contains(dotted(v), ".") && dotted(v) != dotted(x) {
						seen = true
						if lit, ok := v.(*ast.BasicLit); ok {
							r.literal(lit)
						}
					}
				}
				return true
			})
		}
	}
	if !seen && len(r.found) == before {
		r.t.Errorf("in %s an alert is raised whose code this test cannot find: %s", r.at, dotted(x))
	}
}

// taker is the innermost function that takes a parameter of a name, and at which place.
func taker(within []ast.Node, parameter string) (name string, at int) {
	for i := len(within) - 1; i >= 0; i-- {
		var f *ast.FuncType
		switch n := within[i].(type) {
		case *ast.FuncDecl:
			f, name = n.Type, n.Name.Name
		case *ast.FuncLit:
			f, name = n.Type, ""
			if a, ok := within[i-1].(*ast.AssignStmt); ok && len(a.Lhs) == 1 {
				name = dotted(a.Lhs[0])
			}
		default:
			continue
		}
		at = 0
		for _, p := range f.Params.List {
			for _, n := range p.Names {
				if n.Name == parameter {
					return name, at
				}
				at++
			}
		}
	}
	return "", 0
}

func (r *raiser) literal(lit *ast.BasicLit) {
	if code, err := strconv.Unquote(lit.Value); err == nil && code != "" {
		r.found[code] = true
	}
}

// alertTitle says what an alert of a code is, in words; "" there are none.
func alertTitle(code cpni.Code) string {
	if w, ok := alertWords[code]; ok {
		return w.title
	}
	for _, d := range watch.Detectors {
		if d.Code == code {
			return detectorWords[d.Name]
		}
	}
	if code == "LOST_RECORD" {
		return detectorWords["lost-record"]
	}
	return ""
}

// Every code of an alert that the program can raise is told in the handbook of whoever runs it, and shown in words where alerts are
// shown; and the handbook tells of none that is not raised.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestEveryAlertIsToldInWords(t *testing.T) {
	can := raised(t, sources(t, ".."))
	for _, known := range []string{"PRETEXT", "NOTICE_LATE", "LETTER_LATE", "PROCESS_LATE", "PROCESS_UNTOLD", "AUDIENCE_DIFFERS", "OVERDUE", "PARTNER_UNTOLD", "LOST_RECORD", "BURST", "DEAD_LETTER", "SANCTION_MISSING", "PROMISE_UNKEPT", "NOTICE_CAME_BACK"} {
		if !slices.Contains(can, known) { // of every form in which one is raised
			t.Errorf("%s is raised, and this test does not see it", known)
		}
	}
	text, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	_, part, ok := strings.Cut(string(text), "\n## Alerts\n")
	if !ok {
		t.Fatal("docs/operations.md has no part on alerts")
	}
	part, _, _ = strings.Cut(part, "\n## ")
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(part, -1) {
		told = append(told, row[1])
	}
	if !slices.IsSorted(told) {
		t.Error("the codes of docs/operations.md are not in their order")
	}
	for _, code := range can {
		if !slices.Contains(told, code) {
			t.Errorf("docs/operations.md does not tell of %s", code)
		}
		if alertTitle(cpni.Code(code)) == "" {
			t.Errorf("%s has no words where alerts are shown", code)
		}
	}
	for _, code := range told {
		if !slices.Contains(can, code) {
			t.Errorf("docs/operations.md tells of %s, which nothing raises", code)
		}
	}
}
