package rules

import (
	"io/fs"

	"github.com/goccy/go-yaml"
)

// Clause is one promise of the carrier's policy.
type Clause struct {
	ID       string   `yaml:"id"`
	Says     string   `yaml:"says"`
	Sections []string `yaml:"sections"`
	Rules    []string `yaml:"rules"`    // ids of the rules that carry it out
	Where    []string `yaml:"where"`    // folders and files of the program that do
	Evidence []string `yaml:"evidence"` // what proves that it was kept
	Binds    *bool    `yaml:"binds"`    // false: it promises nothing
}

func readClauses(policy fs.FS) ([]Clause, error) {
	const file = "clauses.yaml"
	text, err := fs.ReadFile(policy, file)
	if err != nil {
		return nil, wrong("%s cannot be read: %v", file, err)
	}
	var all []Clause
	if err := yaml.UnmarshalWithOptions(text, &all, yaml.Strict()); err != nil {
		return nil, wrong("%s: %s", file, yaml.FormatError(err, false, true))
	}
	seen := map[string]bool{}
	for _, c := range all {
		if c.ID == "" || c.Says == "" || seen[c.ID] {
			return nil, wrong("%s: every clause has an id of its own and says something; %q does not", file, c.ID)
		}
		seen[c.ID] = true
	}
	return all, nil
}
