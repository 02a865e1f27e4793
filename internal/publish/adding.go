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
	return rewrite(source, func(t *Text) {
		t.Version, t.Covers = version, t.Covers.With(adds)
	})
}

// Without gives a text that covers less. Its words stay as they are.
func Without(source []byte, less Covers) ([]byte, error) {
	return rewrite(source, func(t *Text) { t.Covers = t.Covers.Beyond(less) })
}

func rewrite(source []byte, change func(*Text)) ([]byte, error) {
	var t Text
	if err := yaml.Unmarshal(source, &t); err != nil {
		return nil, wrong(CodeConfig, "%s", yaml.FormatError(err, false, true))
	}
	change(&t)
	if !ValidVersion(t.Version) {
		return nil, wrong(CodeConfig, "version %q: write a name such as 2026-11", t.Version)
	}
	file, err := parser.ParseBytes(source, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("reading a public policy: %w", err)
	}
	for path, value := range map[string]any{"$.version": t.Version, "$.covers": t.Covers} {
		p, err := yaml.PathString(path)
		if err != nil {
			return nil, err
		}
		node, err := yaml.ValueToNode(value)
		if err != nil {
			return nil, err
		}
		if err := p.ReplaceWithNode(file, node); err != nil {
			return nil, fmt.Errorf("changing a public policy: %w", err)
		}
	}
	return []byte(file.String() + "\n"), nil
}
