package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path of the project's module, which begins every import of its own packages.
const module = "ringfence/"

// check walks the Go files below root and returns what breaks the plan.
//
// cite: P-13, 47 CFR 64.2008(c)(3)
func check(root fs.FS, plan Plan) ([]string, error) {
	c := &checker{plan: plan, floor: map[string]int{}, homeless: map[string]bool{}}
	for _, f := range plan.Floors {
		for _, name := range f.Packages {
			c.floor["internal/"+name] = f.Floor
		}
	}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := path.Base(name)
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		return c.file(name, text)
	})
	slices.Sort(c.wrong)
	return c.wrong, err
}

type checker struct {
	plan     Plan
	floor    map[string]int
	homeless map[string]bool
	wrong    []string
}

func (c *checker) say(format string, a ...any) { c.wrong = append(c.wrong, fmt.Sprintf(format, a...)) }

func (c *checker) file(name string, text []byte) error {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	folder := path.Dir(name)
	if slices.Contains(c.plan.Unnamed, f.Name.Name) {
		c.say("%s: a package named %s says nothing about what it is about", name, f.Name.Name)
	}
	own, placed := c.floorOf(folder)
	if strings.HasPrefix(folder, "internal/") && !placed && !c.homeless[folder] {
		c.homeless[folder] = true
		c.say("%s stands on no floor: give it one in tools/floors/floors.yaml", folder)
	}
	for _, spec := range f.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if to, ok := strings.CutPrefix(to, module); ok {
			c.imported(files.Position(spec.Pos()), folder, own, to)
		}
	}
	if !strings.HasSuffix(name, "_test.go") && !slices.ContainsFunc(c.plan.Clock, func(p string) bool { return below(folder, p) }) {
		c.clock(files, f)
	}
	return nil
}

// imported judges one import of the project's own package to by a package in folder, which stands on floor own.
func (c *checker) imported(at token.Position, folder string, own int, to string) {
	for _, n := range c.plan.Never {
		if below(folder, n.Package) && below(to, n.Imports) {
			c.say("%s: %s must never import %s (P-13)", at, folder, to)
		}
	}
	if !strings.HasPrefix(folder, "internal/") {
		return
	}
	if floor, ok := c.floorOf(to); ok {
		if floor > own {
			c.say("%s: %s on floor %d imports %s on floor %d: a package imports only downward", at, folder, own, to, floor)
		}
		return
	}
	if strings.HasPrefix(to, "internal/") || slices.ContainsFunc(c.plan.Data, func(p string) bool { return below(to, p) }) {
		return // one that stands nowhere is said once, where it is; data may be embedded by all
	}
	c.say("%s: %s imports %s, which stands above the house", at, folder, to)
}

// floorOf is the floor of the package in folder, or of the package that it stands below.
func (c *checker) floorOf(folder string) (int, bool) {
	for ; folder != "." && folder != "/"; folder = path.Dir(folder) {
		if n, ok := c.floor[folder]; ok {
			return n, true
		}
	}
	return 0, false
}

// clock finds reads of the machine's clock.
func (c *checker) clock(files *token.FileSet, f *ast.File) {
	name := ""
	for _, spec := range f.Imports {
		if spec.Path.Value == `"time"` {
			name = "time"
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	if name == "" {
		return
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == name && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
			c.say("%s: %s.%s reads the machine's clock: take a time or a cpni.Clock instead", files.Position(s.Pos()), name, s.Sel.Name)
		}
		return true
	})
}

func below(folder, place string) bool {
	rest, ok := strings.CutPrefix(folder, place)
	return ok && (rest == "" || rest[0] == '/')
}
