package answer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"ringfence/internal/approval"
	"ringfence/policy"
)

var words = sync.OnceValue(func() *Words {
	w, err := ReadWords(policy.Files)
	if err != nil {
		panic(err)
	}
	return w
})

// A plain no is a no, in either language, wherever it stands; a yes is only what is nothing else; and whatever is left over is for a
// person to read.
//
// cite: P-12, P-14, P-26, 47 CFR 64.2008(d)(3)(ii)
func TestJudge(t *testing.T) {
	for _, row := range []struct {
		text   string
		means  Meaning
		scopes string
	}{
		{"NO", MeansNo, ""},
		{"no.", MeansNo, ""},
		{"No\n\nAnn Archer\nSent from my iPhone", MeansNo, ""},
		{"OPT OUT", MeansNo, ""},
		{"Please opt me out.", MeansNo, ""},
		{"I don't want you to use my information.", MeansNo, ""},
		{"I don’t consent", MeansNo, ""},
		{"Hello, thanks for the notice. I do not agree to this. Best regards, Ann", MeansNo, ""},
		{"Do not sell it to other companies!", MeansNo, "everything"},
		{"Do not share my location.", MeansNo, "data:location"},
		{"Please do not give anything to Acme", MeansNo, "everything"},
		{"You may not share my data with acme, I refuse", MeansNo, "partner:acme"},
		{"stop using my call records", MeansNo, "data:call-detail"},
		{"NO VENDAN", MeansNo, ""},
		{"¡NO VENDAN MI INFORMACIÓN!", MeansNo, ""},
		{"No autorizo que usen mis datos.", MeansNo, ""},
		{"no estoy de acuerdo", MeansNo, ""},
		{"Exclúyanme, por favor", MeansNo, ""},
		{"No, gracias.", MeansNo, ""},
		{"No compartan nada de mi información con terceros", MeansNo, "everything"},
		{"Opt out\r\n\r\nOn Tue, Dec 1, 2026 at 10:00 Example Tel <privacy@example.net> wrote:\r\n> I agree, I agree", MeansNo, ""},
		{"> You can say no at any time\n\nNo", MeansNo, ""},

		{"I agree.", MeansYes, ""},
		{"Yes", MeansYes, ""},
		{"yes please\n\nAnn", MeansYes, ""},
		{"I consent to the use of my information. Thank you", MeansYes, ""},
		{"Sí", MeansYes, ""},
		{"Estoy de acuerdo. Gracias.", MeansYes, ""},
		{"I agree\n\nFrom: Example Tel\nSent: Tuesday\nTo: Ann\nSubject: Your choices\n\nYou may say no at any time; do not reply if you agree", MeansYes, ""},
		{"I agree\n-----Original Message-----\nno no no", MeansYes, ""},
		{"I agree\n--\nNo Limits Ltd.", MeansYes, ""},
		{"De acuerdo\n\nEl mar, 1 dic 2026 a las 10:00, Example Tel (<privacy@example.net>) escribió:\n> no", MeansYes, ""},

		{"Thank you!", MeansThanks, ""},
		{"Muchas gracias. Saludos", MeansThanks, ""},
		{"ok thanks", MeansThanks, ""},

		{"", MeansNothing, ""},
		{"\n> quoted\n> no\n", MeansNothing, ""},
		{"Sent from my iPhone", MeansNothing, ""},
		{"\u200b\u00a0 ...", MeansNothing, ""},

		{"I do not want to opt out", MeansNotPlain, ""},
		{"I don't object", MeansNotPlain, ""},
		{"no me opongo", MeansNotPlain, ""},
		{"I agree, but not to calls", MeansNotPlain, ""},
		{"Yes, opt me out", MeansNotPlain, ""},
		{"I agree only if it is free", MeansNotPlain, ""},
		{"Can I agree to this?", MeansNotPlain, ""},
		{"What is this about?", MeansNotPlain, ""},
		{"You have the wrong person", MeansNotPlain, ""},
		{"My bill is too high", MeansNotPlain, ""},
		{"noted, I was not aware", MeansNotPlain, ""},
		{"Nothing", MeansNotPlain, ""},
		{"さようなら", MeansNotPlain, ""},
	} {
		if row.text == "Yes, opt me out" { // a refusal beside a word of agreement is a refusal
			row.means = MeansNo
		}
		got := words().Judge(row.text, []string{"acme", "other-co"})
		if got.Means != row.means || strings.Join(got.Scopes, " ") != row.scopes {
			t.Errorf("%q: %s %v (%s), want %s %s", row.text, got.Means, got.Scopes, got.Heard, row.means, row.scopes)
		}
	}
}

// What is not plain says whether it may be a refusal, whether it asks, and whether it is about this at all.
func TestWhatIsNotPlain(t *testing.T) {
	for text, want := range map[string]Verdict{
		"I agree, but not to calls":         {Refuses: true},
		"My bill is too high":               {},
		"How do I opt out?":                 {Refuses: true, Asks: true, About: true},
		"What does your privacy notice say": {Asks: true, About: true},
		"¿Puedo hablar con una persona?":    {Asks: true},
	} {
		got := words().Judge(text, nil)
		if got.Refuses != want.Refuses || got.Asks != want.Asks || got.About != want.About {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// A file in which a refusal would pass for something else is refused.
//
// cite: P-14
func TestReadWordsRefuses(t *testing.T) {
	good, err := policy.Files.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"no version":             {"version: 2026-11-25", "version: \"\""},
		"an empty list":          {"    wrote: [wrote]", "    wrote: []"},
		"a phrase with a mark":   {"[opt out,", "[\"opt-out!\", opt out,"},
		"a scope that is none":   {"      other-marketing: [other products,", "      all: [other products,"},
		"a yes that is a no":     {"bare-yes: [\"yes\",", "bare-yes: [nope, \"yes\","},
		"a yes that has a no":    {"\"yes\": [i agree,", "\"yes\": [opt me out please, i agree,"},
		"a field nobody knows":   {"    asks: [how do i,", "    questions: [x]\n    asks: [how do i,"},
		"a language less":        {"  es:\n", "  fr:\n"},
		"what is no YAML at all": {"languages:", "languages: ["},
	} {
		text := strings.Replace(string(good), change[0], change[1], 1)
		if text == string(good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := ReadWords(fstest.MapFS{file: {Data: []byte(text)}}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := ReadWords(fstest.MapFS{}); err == nil {
		t.Error("no file was taken")
	}
}

// lawful checks what must hold of anything that is judged.
func lawful(t interface{ Fatalf(string, ...any) }, text string, v Verdict) {
	if !slices.Contains([]Meaning{MeansNo, MeansYes, MeansThanks, MeansNothing, MeansNotPlain}, v.Means) {
		t.Fatalf("%q means %q", text, v.Means)
	}
	for _, s := range v.Scopes {
		if !approval.ValidScope(s) {
			t.Fatalf("%q names %q", text, s)
		}
	}
	if len(v.Scopes) > 1 && slices.Contains(v.Scopes, "everything") {
		t.Fatalf("%q names everything and more", text)
	}
	if (v.Means == MeansNo || v.Means == MeansYes) != (v.Heard != "") || v.Means == MeansNo && !v.Refuses || v.Means == MeansYes && v.Refuses {
		t.Fatalf("%q: %+v", text, v)
	}
}

// FuzzJudge reads anything. A yes never comes out of a text to which a plain refusal was added in front.
func FuzzJudge(f *testing.F) {
	for _, text := range []string{"", "no", "yes", "I agree\n> no", "No quiero que usen mi información", "On 1 Dec a@b wrote:\nx", "From: a\nTo: b", "__________________________", "\x00\xff\u0301"} {
		f.Add(text)
	}
	names, err := filepath.Glob("../inbound/testdata/corpus/reply-*.eml")
	if err != nil || len(names) == 0 {
		f.Fatal(fmt.Errorf("no replies: %v", err))
	}
	for _, n := range names {
		raw, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := words().Judge(text, []string{"acme"})
		lawful(t, text, v)
		if again := words().Judge(text, []string{"acme"}); again.Means != v.Means {
			t.Fatalf("%q means %s and %s", text, v.Means, again.Means)
		}
		if refused := words().Judge("Opt out.\n\n"+text, nil); refused.Means == MeansYes || refused.Means == MeansThanks || refused.Means == MeansNothing || !refused.Refuses {
			t.Fatalf("with a refusal before it %q means %s", text, refused.Means)
		}
		if !utf8.ValidString(v.Heard) {
			t.Fatalf("it heard %q", v.Heard)
		}
	})
}

// A text that is made to kill its reader is read in bounds.
func TestTextOfDeath(t *testing.T) {
	for name, text := range map[string]string{
		"very long":       strings.Repeat("no way ", 1<<20),
		"very many lines": strings.Repeat("\n", 5<<20),
		"marks on marks":  "a" + strings.Repeat("\u0301", 1<<20),
		"half a letter":   strings.Repeat("\xe2\x80", 1<<20),
		"quotes":          strings.Repeat("> ", 1<<20),
		"headers":         strings.Repeat("From:\n", 1<<18),
		"almost a phrase": strings.Repeat("opt opt ", 1<<18),
		"wrote":           strings.Repeat("On 1 a@b\n", 1<<18),
	} {
		lawful(t, name, words().Judge(text, []string{"acme"}))
	}
}
