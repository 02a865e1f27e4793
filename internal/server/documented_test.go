package server

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// What the pages for operators show of the configuration can be written so.
func TestDocumentedConfigurations(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
			if text := "\n" + string(b[1]); !strings.Contains(text, "\nmessages:") && !strings.Contains(text, "\nmonitors:") {
				continue
			}
			shown++
			var c Config
			if err := yaml.UnmarshalWithOptions(b[1], &c, yaml.Strict()); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	if shown < 7 {
		t.Errorf("%d configurations of messages are shown", shown)
	}
}
