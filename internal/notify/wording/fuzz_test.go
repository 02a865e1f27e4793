package wording

import (
	"testing"
	"testing/fstest"
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
