package server

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/goccy/go-yaml"

	"ringfence/demo"
	"ringfence/internal/publish"
	"ringfence/policy"
)

// firstPublic is the text that is published first: nil for that of the policy's files. A demonstration begins with an older
// one, so that there is something to compare.
//
// cite: P-55, P-58
func (c Config) firstPublic() ([]byte, error) {
	if !c.demonstration {
		return nil, nil
	}
	text, err := fs.ReadFile(policy.Files, publish.File)
	if err != nil {
		return nil, err
	}
	earlier, err := demo.Files.ReadFile("public/earlier.yaml")
	if err != nil {
		return nil, err
	}
	var pieces []struct{ Now, Was string }
	if err := yaml.Unmarshal(earlier, &pieces); err != nil {
		return nil, fmt.Errorf("reading the earlier policy of the demonstration: %w", err)
	}
	out := string(text)
	for _, p := range pieces {
		now, was := indentedPiece(p.Now), indentedPiece(p.Was)
		if strings.Count(out, now) != 1 {
			return nil, fmt.Errorf("the earlier policy of the demonstration: %.60q stands %d times in the one of today, and not once", now, strings.Count(out, now))
		}
		out = strings.Replace(out, now, was, 1)
	}
	return []byte(out), nil
}

// sentenceIndent is how far sentences are indented in a text; a piece of several lines is given without that.
const sentenceIndent = "      "

// indentedPiece indents a piece of several lines as sentences are.
func indentedPiece(piece string) string {
	if !strings.Contains(piece, "\n") {
		return piece
	}
	var b strings.Builder
	for line := range strings.Lines(piece) {
		b.WriteString(sentenceIndent + line)
	}
	return b.String()
}
