package wording

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"mime/quotedprintable"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Values that customers change to, as they would be given.
var changedTo = []string{"742 Evergreen Terrace, Springfield, IL 62704", "jordan.okafor+phone@mailbox.example", "+13125550142", "4829", "482917", "correct horse battery staple",
	"Tr0ub4dor&3", "Łukasz Ćwikła", "Rex", "Calle Sierpes 31, Sevilla", "mapleSyrup"}

// A value is found in whatever form it leaves.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
func TestReveals(t *testing.T) {
	for _, c := range []struct{ value, text string }{
		{"4829", "Your new PIN is 4829."}, {"4829", "PIN: 4 8 2 9"}, {"4829", "PIN 4-8-2-9"}, {"4829", "It is four eight two nine"}, {"4829", "forty-eight twenty-nine"},
		{"4829", "cuatro ocho dos nueve"}, {"4829", "cuarenta y ocho veintinueve"}, {"4829", "PIN4829"}, {"4829", "４８２９"}, {"4829", "&#52;&#56;&#50;&#57;"}, {"4829", "4\u200b8\u200b2\u200b9"},
		{"482917", "482917"}, {"482917", "482 917"}, {"482917", "https://x.example/482917"},
		{"+13125550142", "(312) 555-0142"}, {"+13125550142", "312.555.0142"}, {"+13125550142", "555-0142"}, {"+13125550142", "three one two five five five oh one four two"},
		{"Tr0ub4dor&3", "TR0UB4DOR 3"}, {"Tr0ub4dor&3", "VHIwdWI0ZG9yJjM="}, {"Tr0ub4dor&3", "T&#114;0ub4dor&amp;3"}, {"Tr0ub4dor&3", "Tr0ub4=\r\ndor=263"}, {"Tr0ub4dor&3", "%54r0ub4dor%263"},
		{"Tr0ub4dor&3", "547230756234646f722633"}, {"Tr0ub4dor&3", `\u0054r0ub4dor` + "&3"}, {"Tr0ub4dor&3", "see <b>Tr0</b>ub4<i>dor&amp;3</i> here"},
		{"correct horse battery staple", "correct-horse"}, {"correct horse battery staple", "it is horse and then battery"}, {"correct horse battery staple", "CorrectHorseBatteryStaple"},
		{"jordan.okafor+phone@mailbox.example", "jordan okafor phone at mailbox"}, {"jordan.okafor@mailbox.example", "we wrote to JordanOkafor"}, {"jo@mailbox.example", "jo at mailbox dot example"},
		{"742 Evergreen Terrace, Springfield, IL 62704", "742 evergreen terr."}, {"742 Evergreen Terrace, Springfield, IL 62704", "Evergreen Ter No 742"}, {"742 Evergreen Terrace, Springfield, IL 62704", "ZIP 62704"},
		{"Calle Sierpes 31, Sevilla", "Sierpes, 31"}, {"Łukasz Ćwikła", "łukasz cwikła"}, {"Rex", "answer: REX"}, {"Rex", "r.e.x."}, {"PO Box 1742, Salem", "box 1742"},
	} {
		for _, w := range everywhere(c.text) {
			if where, is := Reveals(w, []string{"unseen value", c.value}); !is || where == "" || strings.Contains(where, c.value) {
				t.Errorf("%q is not found in %+v (%s)", c.value, w, where)
			}
		}
	}
	for _, c := range []struct{ value, text string }{
		{"4829", "48291"}, {"4829", "14829 a"}, {"2026", "November 25, 2026 at 2:05 PM"}, {"2026", "25 de noviembre de 2026"}, {"0147", "800-555-0147"}, {"1405", "14:05"},
		{"Rex", "rexes"}, {"Rex", "a prex"}, {"", "anything"}, {"ab", "ab"}, {"4829", "https://notice.example/n/Qm4829Tz"}, {"742 Evergreen Terrace", "evergreen trees are on page 12"},
	} {
		for _, w := range everywhere(c.text) {
			if where, is := Reveals(w, []string{c.value}); is {
				t.Errorf("%q is found in %q (%s)", c.value, c.text, where)
			}
		}
	}
}

// everywhere puts a text into every part of a message.
func everywhere(text string) []notify.Words {
	return []notify.Words{{Subject: text}, {Text: "Before. " + text + ", after"}, {HTML: "<p>Before " + text + "</p>"}, {Spoken: []notify.Spoken{{Text: "Hello"}, {Text: text}}}}
}

// Digits of a call are heard one after the other, in whatever parts they come.
func TestRevealsAcrossParts(t *testing.T) {
	for _, w := range []notify.Words{
		{Spoken: []notify.Spoken{{Text: "It is"}, {Digits: "4829"}}},
		{Spoken: []notify.Spoken{{Digits: "48"}, {Digits: "29"}}},
		{Spoken: []notify.Spoken{{Text: "four eight"}, {Digits: "29"}}},
	} {
		if _, is := Reveals(w, []string{"4829"}); !is {
			t.Errorf("not found in %+v", w)
		}
	}
}

// A value that is hidden by changing its form at random, in a message of any template, is found.
//
// cite: P-25, I-09
func TestHiddenIsFound(t *testing.T) {
	b := built(t)
	all := b.Templates()
	rapid.Check(t, func(r *rapid.T) {
		value := rapid.OneOf(rapid.SampledFrom(changedTo), rapid.StringMatching(`[0-9]{6,12}`), rapid.StringMatching(`[a-z]{3,8} [a-z]{3,8}[0-9]{2}`), rapid.StringMatching(`[b-z]{7,12}@[a-z]{4,9}\.example`)).Draw(r, "value")
		hidden := value
		for _, how := range [][]disguise{looks, encodings} {
			hidden = rapid.SampledFrom(how).Draw(r, "disguise").do(hidden)
		}
		x := all[rapid.IntRange(0, len(all)-1).Draw(r, "template")]
		w := sampled(t, x)
		switch {
		case w.Spoken != nil:
			i := rapid.IntRange(0, len(w.Spoken)-1).Draw(r, "part")
			w.Spoken[i].Text += " " + hidden + " "
		case w.HTML != "" && rapid.Bool().Draw(r, "in the HTML"):
			w.HTML = strings.Replace(w.HTML, "</p>", " "+html.EscapeString(hidden)+" </p>", 1)
		case w.Subject != "" && rapid.Bool().Draw(r, "in the subject"):
			w.Subject += " " + hidden
		default:
			w.Text = strings.Replace(w.Text, ". ", ". "+hidden+" ", 1)
			w.Text += "\n" + hidden + "\n"
		}
		if _, is := b.Reveals(w, []string{value}); !is {
			r.Errorf("%q as %q is not found in %s", value, hidden, x.doc.name())
		}
	})
}

type disguise struct {
	name string
	do   func(string) string
}

func (d disguise) String() string { return d.name }

// What changes how a value looks, and what hides it from a search.
var looks, encodings = []disguise{
	{"as it is", func(s string) string { return s }},
	{"capitals", strings.ToUpper},
	{"small", strings.ToLower},
	{"dots", func(s string) string { return strings.Join(strings.Split(s, ""), ".") }},
	{"hyphens", func(s string) string { return strings.ReplaceAll(s, " ", "-") }},
	{"invisible", func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") }},
	{"wide", func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > ' ' && r < 0x7f {
				return r + 0xfee0
			}
			return r
		}, s)
	}},
}, []disguise{
	{"as it is", func(s string) string { return s }},
	{"entities", func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, "&#x%x;", r)
		}
		return b.String()
	}},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte("it is " + s)) }},
	{"base64 for addresses", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s + " so it is")) }},
	{"hexadecimal", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"address", func(s string) string { return "https://a.example/?x=" + url.QueryEscape(s) }},
	{"quoted-printable", func(s string) string {
		var b strings.Builder
		q := quotedprintable.NewWriter(&b)
		if _, err := q.Write([]byte(s)); err != nil {
			return s
		}
		if err := q.Close(); err != nil {
			return s
		}
		return b.String()
	}},
}

// No template is taken for one that reveals something, filled as it is when it goes out: neither with what people choose
// nor with the words that templates use themselves.
//
// cite: P-25, I-09
func TestNothingIsFound(t *testing.T) {
	b := built(t)
	common := []string{"account", "change", "security", "hello", "this is you", "number", "2026", "November", "the page", "viewport", "serif", "contraseña", "seguridad", "hora del este", "Eastern Time", "password", "safe place", "press"}
	for _, x := range b.Templates() {
		for _, values := range []map[string]string{x.Sample(), x.longest()} {
			w, err := x.Write(values)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range append(common, changedTo...) {
				if where, is := b.Reveals(w, []string{v}); is {
					t.Errorf("%q is found in %s of %s", v, where, x.doc.name())
				}
			}
		}
	}
}

// Nor is one that is filled with something else than the value.
func TestOthersAreNotFound(t *testing.T) {
	all := built(t).Templates()
	rapid.Check(t, func(r *rapid.T) {
		x := all[rapid.IntRange(0, len(all)-1).Draw(r, "template")]
		value := rapid.OneOf(rapid.StringMatching(`[1-9][0-9]{7}`), rapid.StringMatching(`[a-z]{8,14}[0-9]{2}`), rapid.StringMatching(`[a-z]{7,12}@[a-z]{4,9}\.example`), rapid.StringMatching(`[1-9][0-9]{3} Q[a-z]{7} Street, Salem, OR 9[0-9]{4}`)).Draw(r, "value")
		if where, is := Reveals(sampled(t, x), []string{value}); is {
			r.Errorf("%q is found in %s of %s", value, where, x.doc.name())
		}
	})
}

// A wrong value in a token is found even where its form is right.
//
// cite: P-25, I-09
func TestWrongTokenIsFound(t *testing.T) {
	b := built(t)
	for _, via := range everyWay {
		x, _ := b.Template("account-change", via, "en")
		values := x.Sample()
		values["short-code"], values["telephone"] = "482917", "+13125550142"
		w, err := x.Write(values)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []string{"482917", "+13125550142", "(312) 555-0142"} {
			if _, is := b.Reveals(w, []string{v}); !is {
				t.Errorf("%s is not found in %s", v, x.doc.name())
			}
		}
	}
	w := sampled(t, func() *Template { x, _ := b.Template("account-change", cpni.Text, "en"); return x }())
	w.Version = "of another book"
	if _, is := b.Reveals(w, []string{"Lucid Telephone"}); !is {
		t.Error("of an unknown template everything counts")
	}
}

func FuzzReveals(f *testing.F) {
	f.Add("Your PIN is 4829", "4829")
	f.Add("=C3=A9%41&amp;", "é")
	f.Fuzz(func(t *testing.T, text, value string) {
		w := notify.Words{Subject: text, Text: text, HTML: text, Spoken: []notify.Spoken{{Text: text, Digits: "1"}}}
		Reveals(w, []string{value})
		if len(strings.Join(runs(value), "")) >= 16 && len(text) < 1000 {
			w.Text += " " + value
			if _, is := Reveals(w, []string{value}); !is {
				t.Errorf("%q is not found as it is", value)
			}
		}
	})
}

func BenchmarkReveals(b *testing.B) {
	x, _ := built(b).Template("account-change", cpni.Email, "en")
	w := sampled(b, x)
	for b.Loop() {
		Reveals(w, changedTo[:1])
	}
}
