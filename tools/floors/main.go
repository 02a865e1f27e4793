// Command floors checks the house: that no package imports upward, that each has its place and a name that says what it
// is about, and that none below the server reads the machine's clock. The plan is floors.yaml beside this file.
//
//	go run ./tools/floors
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"
)

//go:embed floors.yaml
var planText []byte

func main() {
	root := flag.String("root", ".", "the project's folder")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string) error {
	plan, err := readPlan(planText)
	if err != nil {
		return err
	}
	wrong, err := check(os.DirFS(root), plan)
	if err != nil {
		return err
	}
	if len(wrong) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, w := range wrong {
		fmt.Fprintln(&b, w)
	}
	fmt.Fprintf(&b, "floors: %d things are wrong", len(wrong))
	return fmt.Errorf("%s", b.String())
}

// Plan is floors.yaml.
type Plan struct {
	Floors []struct {
		Floor    int      `yaml:"floor"`
		Packages []string `yaml:"packages"`
	} `yaml:"floors"`
	Data    []string `yaml:"data"`
	Unnamed []string `yaml:"unnamed"`
	Clock   []string `yaml:"clock"`
	Never   []Never  `yaml:"never"`
}

// Never forbids one import that the floors alone would allow.
type Never struct {
	Package string `yaml:"package"`
	Imports string `yaml:"imports"`
}

func readPlan(text []byte) (Plan, error) {
	var p Plan
	if err := yaml.UnmarshalWithOptions(text, &p, yaml.Strict()); err != nil {
		return p, fmt.Errorf("floors.yaml: %w", err)
	}
	seen := map[string]int{}
	for _, f := range p.Floors {
		for _, name := range f.Packages {
			if other, twice := seen[name]; twice {
				return p, fmt.Errorf("floors.yaml: %s stands on floors %d and %d", name, other, f.Floor)
			}
			seen[name] = f.Floor
		}
	}
	return p, nil
}
