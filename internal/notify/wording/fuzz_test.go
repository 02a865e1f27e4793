package wording

import (
	"testing"
)

// Whatever a carrier writes into a file of templates is loaded or refused, and what is loaded can be written.
func FuzzLoad(f *testing.F) {
	text := string(changed(f, "", "", "")["notices/account-change.yaml"].Data)
	f.Add("account-change.yaml", text)
	f.Add("account-change.yaml", "kind: account-change\nways: {text: {en: {parts: [{is: [x], says: '{'}]}}}")
	f.Add("account-change.yaml", "a: &a [*a]\n")
	f.Add("words.yaml", "languages: {en: {name: English}}")
	f.Add("layout.html", "<html lang=\"{language}\">{subject}{body}<script>")
	f.Fuzz(func(t *testing.T, name, text string) {
		files := changed(t, "", "", "")
		file, ok := files["notices/"+name]
		if !ok {
			return
		}
		file.Data = []byte(text)
		b, err := Load(files)
		if err != nil {
			return
		}
		for _, x := range b.Templates() {
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
		f.Add(x.Source())
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
