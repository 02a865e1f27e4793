package wording

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Whatever a carrier writes into a file of templates is loaded or refused, and what is loaded can be written.
func FuzzLoad(f *testing.F) {
	const name = "notices/account-change.yaml"
	files := changed(f, "", "", "")
	before := &loading{policy: files}
	words, ok := before.words()
	if !ok {
		f.Fatal(before.wrong)
	}
	layout := before.layout()
	f.Add(string(files[name].Data))
	f.Add("kind: account-change\nways: {text: {en: {parts: [{is: [x], says: '{'}]}}}")
	f.Add("a: &a [*a]\n")
	f.Add("kind: account-change\nversion: 2026-01-01\nhides: value\ntokens: [what]\nelements: [{id: what, for: x, cites: [P-23]}]\nways:\n  email:\n    en: {subject: x, parts: [{is: [what], says: '{what}', html: '<b>{what}</b>'}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		l := &loading{policy: fstest.MapFS{name: {Data: []byte(text)}}}
		l.notice(name, words, layout)
		for _, x := range l.made {
			if _, err := x.Write(x.Sample()); err != nil {
				t.Errorf("%s was loaded and cannot be written: %v", x.doc.name(), err)
			}
			if _, err := Parse(x.Source()); err != nil {
				t.Errorf("%s was loaded and cannot be read again: %v", x.doc.name(), err)
			}
		}
	})
}

// Whatever stands where the source of an old template should is read or refused.
func FuzzParse(f *testing.F) {
	for _, x := range built(f).Templates() {
		if x.Kind() == "test" {
			f.Add(x.Source())
		}
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		x, err := Parse(source)
		if err != nil {
			return
		}
		w, err := x.Write(x.Sample())
		if err != nil {
			t.Fatalf("%s was read and cannot be written: %v", x.doc.name(), err)
		}
		allowed(w.HTML, x.links(x.Sample()), func(format string, a ...any) { t.Errorf(format, a...) })
	})
}

// Whatever a carrier pastes as the text of a notice is refused with a code, or makes an edition that says every item of the checklist,
// leaves no blank, and can be kept.
//
// cite: P-02, P-27, V54, 47 CFR 64.2008(c)
func FuzzDraft(f *testing.F) {
	b := built(f)
	whole := string(b.Text(notify.OptOutNotice))
	f.Add(whole)
	f.Add(string(b.Text(notify.OptInRequest)))
	f.Add(strings.Replace(whole, "{answer-email}", "{}", 1))
	f.Add(strings.Replace(whole, "is: [n-08]", "is: []", 1))
	f.Add("kind: opt-out-notice\nways: {email: {en: {}}}\n")
	f.Add("kind: opt-out-notice\nways: {email: {en: {parts: [{is: [n-02], says: '{x}', html: '<b style=a>{x}</b>'}]}}}\n")
	f.Add("kind: opt-in-request\nways: {fax: {en: {parts: []}}, email: {}, postal: {fr: {subject: x}}}\n")
	f.Fuzz(func(t *testing.T, text string) { judge(t, b, text) })
}

// failing is what a test and a property test have in common.
type failing interface {
	Errorf(format string, a ...any)
	Fatalf(format string, a ...any)
}

// judge takes a text as a draft: it is refused with a code, or makes an edition that keeps the checklist.
func judge(t failing, b *Book, text string) {
	d, err := b.ParseDraft([]byte(text))
	if err != nil {
		var r *cpni.Refusal
		if !errors.As(err, &r) || r.Code == "" || r.Says == "" {
			t.Fatalf("%v has no code", err)
		}
		return
	}
	s := Spec{Kind: d.Kind(), Purposes: []cpni.Purpose{cpni.OwnMarketing}, Data: everyday, Draft: d}
	if d.Kind() == notify.OptOutNotice {
		s.Wait, s.Floor = 30, 30
	}
	e, err := b.Edition(s)
	if err != nil {
		var r *Refused
		if !errors.As(err, &r) {
			t.Fatalf("%v", err)
		}
		return // it has no language in all its ways, or is too long with what the edition says
	}
	if again, err := ParseEdition(e.Source()); err != nil || again.Version() != e.Version() {
		t.Fatalf("the edition cannot be kept: %v", err)
	}
	for _, x := range e.Texts() {
		w, err := x.Write(x.Sample())
		if err != nil || strings.Contains(w.Text, "{") {
			t.Fatalf("%s cannot be written: %v", x.doc.name(), err)
		}
		var said []string
		for _, p := range x.Marked() {
			said = append(said, p.Items...)
		}
		for _, i := range Items {
			if i.Must == Says && i.For(e.Kind()) && !slices.Contains(said, i.ID) {
				t.Errorf("%s does not say %s", x.doc.name(), i.ID)
			}
		}
		for _, token := range []string{"answer-email", "information", "purposes", "recipients"} {
			if !slices.Contains(x.Tokens(), token) {
				t.Errorf("%s has no {%s}", x.doc.name(), token)
			}
		}
	}
	if s.Draft = d.Without("N-07"); !refusedFor(b, s) {
		t.Errorf("without its steps it is an edition as well")
	}
}

// A notice in which words are lost, doubled or changed is refused, or still keeps the checklist.
//
// cite: P-02, P-27, V54, 47 CFR 64.2008(c)
func TestSpoiltDrafts(t *testing.T) {
	b := built(t)
	whole := string(b.Text(notify.OptOutNotice))
	whole = whole[:strings.Index(whole, "  email:\n")] + whole[strings.Index(whole, "  postal:\n"):] // one way is enough
	taken := 0
	rapid.Check(t, func(r *rapid.T) {
		lines := strings.Split(whole, "\n")
		for range rapid.IntRange(1, 3).Draw(r, "times") {
			n := rapid.IntRange(0, len(lines)-1).Draw(r, "line")
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				lines[n] = ""
			case 1:
				lines[n] += "\n" + lines[rapid.IntRange(0, len(lines)-1).Draw(r, "with")]
			case 2:
				words := strings.Split(lines[n], " ")
				i := rapid.IntRange(0, len(words)-1).Draw(r, "word")
				words[i] = rapid.SampledFrom([]string{"", "no", "not", "{carrier}", "{}", "{answer-email}", "lose", "your", "[who],", "n-07"}).Draw(r, "word instead")
				lines[n] = strings.Join(words, " ")
			case 3:
				m := rapid.IntRange(0, len(lines)-1).Draw(r, "with")
				lines[n], lines[m] = lines[m], lines[n]
			}
		}
		judge(r, b, strings.Join(lines, "\n"))
		taken++
	})
	if taken == 0 {
		t.Error("nothing was looked at")
	}
}

func refusedFor(b *Book, s Spec) bool {
	_, err := b.Edition(s)
	return err != nil
}
