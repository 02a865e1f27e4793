package answer

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/unicode/norm"

	"ringfence/internal/approval"
)

// file is where a policy says what customers' words mean.
const file = "answers/words.yaml"

// Words say what customers' own words mean. They never change and are safe for concurrent use.
type Words struct {
	version   string
	languages map[string]language
}

// language is what words mean in one language, each in the form in which texts are compared.
type language struct {
	No       []string            `yaml:"no"`
	BareNo   []string            `yaml:"bare-no"`
	NotNo    []string            `yaml:"not-no"`
	Yes      []string            `yaml:"yes"`
	BareYes  []string            `yaml:"bare-yes"`
	Courtesy []string            `yaml:"courtesy"`
	Unsure   []string            `yaml:"unsure"`
	About    []string            `yaml:"about"`
	Asks     []string            `yaml:"asks"`
	Scopes   map[string][]string `yaml:"scopes"`
	Quoted   []string            `yaml:"quoted"`
	On       []string            `yaml:"on"`
	Wrote    []string            `yaml:"wrote"`
	Header   []string            `yaml:"header"`
	Footers  []string            `yaml:"footers"`
}

// mostWords bounds the file, in bytes.
const mostWords = 256 << 10

// ReadWords reads what words mean from a policy.
//
// cite: P-12, P-26
func ReadWords(policy fs.FS) (*Words, error) {
	text, err := fs.ReadFile(policy, file)
	if err != nil {
		return nil, fmt.Errorf("what customers' words mean cannot be read: %w", err)
	}
	if len(text) > mostWords {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, mostWords)
	}
	var d struct {
		Version   string              `yaml:"version"`
		Languages map[string]language `yaml:"languages"`
	}
	if err := yaml.UnmarshalWithOptions(text, &d, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %s", file, yaml.FormatError(err, false, true))
	}
	w := &Words{d.Version, d.Languages}
	for _, l := range w.languages { // the longest first: a part of it is not taken out of its middle
		for _, all := range l.lists() {
			slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
		}
	}
	return w, w.check()
}

// check refuses a file without which a plain refusal would pass for something else.
func (w *Words) check() error {
	var wrong []error
	say := func(format string, a ...any) {
		wrong = append(wrong, fmt.Errorf("%s: "+format, append([]any{file}, a...)...))
	}
	if w.version == "" {
		say("it has no version, by which a record says how words were read")
	}
	for _, name := range []string{"en", "es"} {
		if _, ok := w.languages[name]; !ok {
			say("there is nothing in the language %s (P-12)", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.languages)) {
		l := w.languages[name]
		for what, all := range l.lists() {
			if len(all) == 0 {
				say("%s: %s is empty", name, what)
			}
			for _, phrase := range all {
				if phrase == "" || plain(phrase) != phrase {
					say("%s: %s has %q, which no text is compared with: write it in small letters without accents, marks and points", name, what, phrase)
				}
			}
		}
		for scope := range l.Scopes {
			if !approval.ValidScope(scope) {
				say("%s: %q is no scope", name, scope)
			}
		}
		for _, yes := range slices.Concat(l.Yes, l.BareYes, l.Courtesy) {
			if slices.Contains(l.BareNo, yes) || slices.ContainsFunc(l.No, func(no string) bool { return contains(yes, no) }) {
				say("%s: %q would be a yes and a no (P-14)", name, yes)
			}
		}
	}
	return errors.Join(wrong...)
}

func (l language) lists() map[string][]string {
	all := map[string][]string{"no": l.No, "bare-no": l.BareNo, "not-no": l.NotNo, "yes": l.Yes, "bare-yes": l.BareYes, "courtesy": l.Courtesy, "unsure": l.Unsure,
		"about": l.About, "asks": l.Asks, "quoted": l.Quoted, "on": l.On, "wrote": l.Wrote, "header": l.Header, "footers": l.Footers}
	for scope, phrases := range l.Scopes {
		all["scopes, "+scope] = phrases
	}
	return all
}

// plain brings a text to the form in which it is compared: small letters without accents, apostrophes left out, everything else that is
// no letter or digit one blank.
func plain(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	blank := true
	for _, r := range norm.NFKD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’' || r == '‘' || r == '`' || r == '´' || unicode.Is(unicode.Cf, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
			blank = false
		case !blank:
			b.WriteByte(' ')
			blank = true
		}
	}
	return strings.TrimSuffix(b.String(), " ")
}

// contains reports whether plain words stand in a plain text, as words.
func contains(text, words string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], words)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(words)
		if (i == 0 || text[i-1] == ' ') && (end == len(text) || text[end] == ' ') {
			return true
		}
		from = i + 1
	}
}

// first gives the first of some phrases that stands in a plain text; "" none does.
func first(text string, phrases []string) string {
	for _, p := range phrases {
		if contains(text, p) {
			return p
		}
	}
	return ""
}

// without takes phrases out of a plain text, as words. A mark stays in their place, so that nothing new is made of what stood beside.
func without(text string, phrases []string) (left string, found bool) {
	text = " " + text + " "
	for _, p := range phrases {
		for strings.Contains(text, " "+p+" ") {
			text = strings.Replace(text, " "+p+" ", " | ", 1)
			found = true
		}
	}
	return strings.TrimSpace(text), found
}
