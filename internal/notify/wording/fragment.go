package wording

import (
	"fmt"
	"html/template"
	"strings"
)

// makeFragment compiles a notice as a piece of a page, with no style of its own.
func (t *Template) makeFragment(say sayer) {
	source := `<div class="notice-text" lang="` + t.doc.Language + `"><h2>{subject}</h2>` + "\n" + t.body() + "</div>\n"
	made, err := template.New("fragment").Parse(tokenised(source))
	if err != nil {
		say(".parts", "P-25", "it cannot be made into a piece of a page: %v", err)
		return
	}
	t.fragment = made
}

// Fragment is the notice as a piece of HTML for a page of the portal, in the words of the letter. The error is as that of Write.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)(5)
func (t *Template) Fragment(tokens map[string]string) (string, error) {
	if t.fragment == nil {
		return "", fmt.Errorf("the template %s is no notice, and makes no piece of a page", t.doc.name())
	}
	values, err := t.filled(tokens)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.fragment.Execute(&b, t.data(values)); err != nil {
		return "", fmt.Errorf("writing the template %s: %w", t.doc.name(), err)
	}
	return b.String(), nil
}

// Insert is the notice as plain text for a billing system that prints it with the bill: its subject, and below it the words of the
// letter. The error is as that of Write.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)(5)
func (t *Template) Insert(tokens map[string]string) (string, error) {
	w, err := t.Write(tokens)
	if err != nil {
		return "", err
	}
	return w.Subject + "\n\n" + w.Text, nil
}
