package publish

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is another now; look at it, and run with -update:\n%s", path, got)
	}
}

func edition(version string, sentences ...Sentence) *Edition {
	e := &Edition{Version: version, Facts: Facts{}}
	for _, s := range sentences {
		section, id, _ := strings.Cut(s.ID, "/")
		s.ID = id
		if n := len(e.Sections); n == 0 || e.Sections[n-1].ID != section {
			e.Sections = append(e.Sections, Section{ID: section, Title: Words{section, section}})
		}
		last := &e.Sections[len(e.Sections)-1]
		last.Sentences = append(last.Sentences, s)
	}
	return e
}

func says(id, en string) Sentence { return Sentence{ID: id, EN: en, ES: "es " + en} }

// Sentences that came, went, changed and moved, with the words marked.
//
// cite: P-55, P-56
func TestDifference(t *testing.T) {
	a := edition("a", says("one/first", "We keep your records for two years."), says("one/second", "You may refuse by mail."), says("one/gone", "We ring you."), says("two/third", "It is free."), says("two/fourth", "It is fast."))
	b := edition("b", says("one/first", "We keep your records for five years."), says("two/fourth", "It is fast."), says("two/third", "It is free."), says("two/second", "You may refuse by mail or telephone."), says("two/new", "It is kind."))
	b.Covers.Data = []cpni.DataClass{cpni.Location}
	d := Compare(a, b)
	var out strings.Builder
	for _, c := range d.Changes {
		fmt.Fprintf(&out, "%s %s moved=%v:", c.Kind, c.ID, c.Moved)
		for _, p := range c.Pieces("en") {
			fmt.Fprintf(&out, " [%s %s]", p.Fate, p.Text)
		}
		out.WriteString("\n")
	}
	fmt.Fprintf(&out, "same %d, covers %v\n", d.Same, d.Covers)
	golden(t, "difference.txt", out.String())
	if Compare(a, a).None() != true || d.None() {
		t.Error("what differs")
	}
}

// Whatever two texts are, the pieces of a difference put each of them together again.
//
// cite: P-55
func TestPiecesAreWhole(t *testing.T) {
	word := rapid.SampledFrom([]string{"we", "you", "never", "keep", "tell", "it.", "and"})
	rapid.Check(t, func(t *rapid.T) {
		was, now := rapid.SliceOfN(word, 0, 12).Draw(t, "was"), rapid.SliceOfN(word, 0, 12).Draw(t, "now")
		var before, after []string
		for _, p := range compare(strings.Join(was, " "), strings.Join(now, " ")) {
			if p.Fate != Added {
				before = append(before, strings.Fields(p.Text)...)
			}
			if p.Fate != Removed {
				after = append(after, strings.Fields(p.Text)...)
			}
		}
		if !slices.Equal(before, was) || !slices.Equal(after, now) {
			t.Fatalf("%v -> %v gave %v -> %v", was, now, before, after)
		}
	})
}

// Whatever is moved, each sentence is told of once, or is the same.
//
// cite: P-55
func TestEverySentenceIsTold(t *testing.T) {
	ids := []string{"a", "b", "c", "d", "e", "f"}
	rapid.Check(t, func(t *rapid.T) {
		make := func(name string) *Edition {
			var all []Sentence
			for _, id := range rapid.Permutation(ids).Draw(t, name)[:rapid.IntRange(0, len(ids)).Draw(t, name+" n")] {
				all = append(all, says(rapid.SampledFrom([]string{"s", "t"}).Draw(t, name+id)+"/"+id, id+rapid.SampledFrom([]string{"", "!"}).Draw(t, name+id+" words")))
			}
			return edition(name, all...)
		}
		a, b := make("a"), make("b")
		d := Compare(a, b)
		told := map[string]int{}
		for _, c := range d.Changes {
			told[c.ID]++
		}
		distinct := map[string]bool{}
		for _, s := range append(a.Sentences(), b.Sentences()...) {
			distinct[s.ID] = true
		}
		if len(d.Changes)+d.Same != len(distinct) {
			t.Fatalf("%d changes and %d alike of %d sentences", len(d.Changes), d.Same, len(distinct))
		}
		for id, n := range told {
			if n != 1 {
				t.Fatalf("%s is told of %d times", id, n)
			}
		}
	})
}
