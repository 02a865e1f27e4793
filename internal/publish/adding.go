package publish

import (
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// Adding gives a text under another name, covering more. Its words stay as they are.
//
// cite: P-56
func Adding(source []byte, version string, adds Covers) ([]byte, error) {
	if !ValidVersion(version) {
		return nil, wrong(CodeConfig, "version %q: write a name such as 2026-11", version)
	}
	var t Text
	if err := yaml.Unmarshal(source, &t); err != nil {
		return nil, wrong(CodeConfig, "%s", yaml.FormatError(err, false, true))
	}
	file, err := parser.ParseBytes(source, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("reading a public policy: %w", err)
	}
	for path, value := range map[string]any{"$.version": version, "$.covers": t.Covers.With(adds)} {
		p, err := yaml.PathString(path)
		if err != nil {
			return nil, err
		}
		node, err := yaml.ValueToNode(value, yaml.Flow(path == "$.covers"))
		if err != nil {
			return nil, err
		}
		if err := p.ReplaceWithNode(file, node); err != nil {
			return nil, fmt.Errorf("changing a public policy: %w", err)
		}
	}
	return []byte(file.String() + "\n"), nil
}
