package wording

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

func built(t testing.TB) *Book {
	t.Helper()
	b, err := Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readout is a message as a person reads it.
func readout(t *Template, w notify.Words) string {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	line("%s, for %s", t.doc.name(), strings.Join(t.Cites(), ", "))
	if t.Urgent() {
		line("goes in quiet hours too")
	}
	if t.Hides() != "" {
		line("hides the %s", t.Hides())
	}
	line("tokens: %s", strings.Join(t.Tokens(), ", "))
	line("")
	if w.Subject != "" {
		line("Subject: %s\n", w.Subject)
	}
	if t.Via() == cpni.Text {
		line("%d segments of %d letters:\n", Segments(w.Text), len([]rune(w.Text)))
	}
	if w.Text != "" {
		line("%s", strings.TrimSuffix(w.Text, "\n"))
	}
	for i, s := range w.Spoken {
		only := ""
		if s.NotOnMachine {
			only = " [to a person only]"
		}
		if s.Digits != "" {
			s.Text = strings.Join(strings.Split(s.Digits, ""), " ")
		}
		if s.Key != "" {
			s.Text += " [please press " + s.Key + "]"
		}
		line("%2d. %s%s", i+1, s.Text, only)
	}
	return b.String()
}

// Every template, filled with samples, reads as its golden file does.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func TestGolden(t *testing.T) {
	const dir = "testdata/golden"
	want := map[string]string{}
	for _, x := range built(t).Templates() {
		w, err := x.Write(x.Sample())
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s.%s.%s", x.Kind(), x.Via(), x.Language())
		want[name+".txt"] = readout(x, w)
		if w.HTML != "" {
			want[name+".html"] = w.HTML
		}
		if x.fragment != nil && x.Via() == cpni.Postal {
			if want[name+".page.html"], err = x.Fragment(x.Sample()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if want[f.Name()] != string(text) {
			t.Errorf("%s is not what the template says now; look at it, then run: go test ./internal/notify/wording -run Golden -update\n%s", f.Name(), want[f.Name()])
		}
		delete(want, f.Name())
	}
	for name := range want {
		t.Errorf("there is no golden file %s", name)
	}
}

// A message reads like the eighth grade of school at most, by the formula of Flesch and Kincaid.
func TestReadsEasily(t *testing.T) {
	for _, x := range built(t).Templates() {
		if x.Language() != "en" {
			continue
		}
		// What the tokens stand for is not ours to make easier.
		text := ""
		for _, p := range x.Parts() {
			text += " " + tokenPlace.ReplaceAllString(p.Says, "it")
		}
		sentences, words, syllables := 0, 0, 0
		for _, w := range strings.Fields(text) {
			if strings.ContainsAny(w[len(w)-1:], ".:?") {
				sentences++
			}
			words++
			syllables += syllablesOf(w)
		}
		if grade := 0.39*float64(words)/float64(max(sentences, 1)) + 11.8*float64(syllables)/float64(words) - 15.59; grade > 8 {
			t.Errorf("%s reads like grade %.1f", x.doc.name(), grade)
		}
	}
}

func syllablesOf(word string) (n int) {
	word = strings.TrimSuffix(strings.Trim(strings.ToLower(word), ".,:?!"), "e")
	vowel := false
	for _, r := range word {
		is := strings.ContainsRune("aeiouy", r)
		if is && !vowel {
			n++
		}
		vowel = is
	}
	return max(n, 1)
}

// A text part of an e-mail says what its HTML says.
func TestBothPartsSayTheSame(t *testing.T) {
	for _, x := range built(t).Templates() {
		if x.Via() != cpni.Email {
			continue
		}
		w, err := x.Write(x.Sample())
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(w.HTML, "</h1>")
		if got, want := strippedOf(body), folded(bullets.ReplaceAllString(w.Text, "")); got != want {
			t.Errorf("%s: the HTML says\n%s\nand the text\n%s", x.doc.name(), got, want)
		}
	}
}

// bullets are what stands before the items of a list in a text, where HTML has a list.
var bullets = regexp.MustCompile(`(?m)^- `)

func sampled(t testing.TB, x *Template) notify.Words {
	t.Helper()
	w, err := x.Write(x.Sample())
	if err != nil {
		t.Fatal(err)
	}
	return w
}
