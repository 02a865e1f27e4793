package training

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// material is what a course teaches.
type material struct {
	intro    string
	sections []Section
}

// heading begins a section: ## Title {#id}.
var heading = regexp.MustCompile(`^## (\S.*?)\s+\{#([a-z0-9]+(?:-[a-z0-9]+)*)\}\s*$`)

// markdown renders what is taught. HTML in the text, and addresses with scripts, are left out.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Typographer))

// readMaterial cuts the material into its sections and renders them.
func readMaterial(file string, text []byte) (*material, error) {
	m := &material{}
	var wrong []error
	var part bytes.Buffer
	line, fenced := 0, false
	end := func() error {
		var b bytes.Buffer
		if err := markdown.Convert(part.Bytes(), &b); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if n := len(m.sections); n == 0 {
			m.intro = b.String()
		} else {
			m.sections[n-1].HTML, m.sections[n-1].Words = b.String(), len(strings.Fields(part.String()))
		}
		part.Reset()
		return nil
	}
	for l := range strings.Lines(string(text)) {
		line++
		if strings.HasPrefix(l, "```") {
			fenced = !fenced
		}
		if fenced || !strings.HasPrefix(l, "## ") && !strings.HasPrefix(l, "# ") {
			part.WriteString(l)
			continue
		}
		h := heading.FindStringSubmatch(strings.TrimRight(l, "\n"))
		if h == nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: a section begins with a heading such as: ## Verify before telling {#verify}", file, line))
			continue
		}
		if err := end(); err != nil {
			return nil, err
		}
		for _, s := range m.sections {
			if s.ID == h[2] {
				wrong = append(wrong, fmt.Errorf("%s:%d: the section %s stands there twice", file, line, s.ID))
			}
		}
		m.sections = append(m.sections, Section{ID: h[2], Title: h[1]})
	}
	if err := end(); err != nil {
		return nil, err
	}
	if len(m.sections) == 0 {
		wrong = append(wrong, fmt.Errorf("%s:1: the material has no section", file))
	}
	return m, errors.Join(wrong...)
}
