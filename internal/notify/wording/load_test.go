package wording

import (
	"bytes"
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/policy"
)

// changed gives the built-in policy with from replaced by to, once, in one of its templates.
func changed(t testing.TB, file, from, to string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, pattern := range []string{"notices/*", "clauses.yaml"} {
		names, err := fs.Glob(policy.Files, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(policy.Files, name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: text}
		}
	}
	if file == "" {
		return files
	}
	text := string(files["notices/"+file].Data)
	if !strings.Contains(text, from) {
		t.Fatalf("%s does not contain %q", file, from)
	}
	files["notices/"+file].Data = []byte(strings.Replace(text, from, to, 1))
	return files
}

// What is wrong with a template is told with file, line and clause.
//
// cite: P-23, P-24, P-25, P-27, V43, V52, V54, 47 CFR 64.2010(f), 47 CFR 64.2008(c)(3)
func TestRefused(t *testing.T) {
	const change, code, records = "account-change.yaml", "verification-code.yaml", "records.yaml"
	const here = `        - {is: [here], says: "We write to where we reached you before."}` + "\n"
	for _, c := range []struct{ name, file, from, to, says string }{
		{"an element that is missing", change, here, "", `account-change\.yaml:\d+: no part is there for the element here, and a message of the kind account-change needs one \(P-25\)`},
		{"an element without its token", change, "We sent this to the address where", "We sent this on {when} to the address where", ``}, // nothing wrong
		{"what without its token", change, "set or changed: {what}, {when}.", "set or changed on {when}.", `the element what uses the token \{what\} \(47 CFR 64\.2010\(f\)\(1\)\)`},
		{"no way to say no", change, `Not you? {link} or {telephone}, number {short-code}`, `Not you? {link}`, `the element not-me uses the token \{telephone\} \(P-27\)`},
		{"an unknown token", change, "{when}.", "{whenever}.", `account-change\.yaml:\d+: there is no token \{whenever\}`},
		{"an undeclared token", change, "tokens: [carrier, what, when,", "tokens: [carrier, what,", `the token \{when\} is used and stands not among`},
		{"a declared token that is none", change, "tokens: [carrier,", "tokens: [carrier, new-address,", `account-change\.yaml:11: there is no token \{new-address\}`},
		{"a token that carries a value", change, "tokens: [carrier,", "tokens: [carrier, name,", `account-change\.yaml:11: the token \{name\} may carry a value, and the template hides the value; it may use: .* \(P-25\)`},
		{"a token that carries a code", change, "tokens: [carrier,", "tokens: [carrier, code,", `the token \{code\} may carry a value`},
		{"nothing hidden", change, "hides: value\n", "", `messages of the kind account-change have hides: value \(P-25\)`},
		{"something else hidden", change, "hides: value\n", "hides: nothing\n", `account-change\.yaml:10: a template hides value or information`},
		{"an empty token", change, "{when}.", "{}.", `a token without a name would leave a blank \(P-27\)`},
		{"a blank contact", change, "Or call us at {telephone} and", "Or call us at ________ or {telephone} and", `a blank was left to be filled by hand: "_+" \(P-27\)`},
		{"a blank contact in brackets", change, "Or call us at {telephone} and", "Or write to [address] or call {telephone} and", `a blank was left`},
		{"a brace", change, "{when}.", "{{when}}.", `a brace that belongs to no token`},
		{"an address in the text", change, "Or call us at {telephone} and", "Or see www.carrier.example or call {telephone} and", `an address stands in the text itself`},
		{"a language that is missing", change, "    es:\n      parts:\n        - {is: [who, what, when], says: \"{carrier}: hubo", "    fr:\n      parts:\n        - {is: [who, what, when], says: \"{carrier}: hubo", `there is no text in español \(P-27\)`},
		{"a language that is unknown", change, "    es:\n      parts:\n        - {is: [who, what, when], says: \"{carrier}: hubo", "    fr:\n      parts:\n        - {is: [who, what, when], says: \"{carrier}: hubo", `does not know the language "fr"`},
		{"a way that is missing", change, "  voice:\n", "  fax:\n", `messages of the kind account-change also go by voice, and there is no text for that`},
		{"a way that is none", change, "  voice:\n", "  fax:\n", `account-change\.yaml:\d+: messages of the kind account-change do not go by "fax"`},
		{"an unknown kind", change, "kind: account-change", "kind: birthday", `account-change\.yaml:6: the kind is the name of the file`},
		{"an English step in Spanish", change, "¿No fue usted? {link} o {telephone}, número {short-code}", "If this was not you, call us: {link} o {telephone}, {short-code}", `this is to be español and reads like English; a message is whole in its language`},
		{"a part that was not translated", change, "Le escribimos donde ya le conocíamos.", "We write to where we reached you before.", `the part is the same in "en"`},
		{"Spanish without a part", change, `        - {is: [was-me], says: "Si fue usted, no tiene que hacer nada."}` + "\n", "", `the element was-me is in "en" and not here`},
		{"an empty subject", change, `subject: "A change to your account with {carrier}"`, `subject: " "`, `an e-mail and a letter have a subject`},
		{"a subject that misleads", change, `subject: "A change to your account with {carrier}"`, `subject: "Great offers inside"`, `the subject has the word "great", which misleads`},
		{"a subject that shouts", change, `subject: "A change to your account with {carrier}"`, `subject: "Look at this!"`, `a subject that shouts`},
		{"a subject with a code", code, `subject: "The code that you asked {carrier} for"`, `subject: "{code} is your code from {carrier}"`, `the token \{code\} has no place in a subject`},
		{"a subject of a text message", change, "  text:\n    en:\n", "  text:\n    en:\n      subject: Hello\n", `only e-mails and letters have a subject`},
		{"HTML with a script", change, `<strong>{what}</strong>."`, `<strong>{what}</strong><script>x</script>."`, `says the same as its text|has the element <script>`},
		{"HTML with a picture", change, `<strong>{what}</strong>.`, `<img src='https:&#47;&#47;tracker'><strong>{what}</strong>.`, `has the element <img>`},
		{"HTML with a form", change, `<strong>{what}</strong>.`, `<form action='x'></form><strong>{what}</strong>.`, `has the element <form>`},
		{"HTML with a link of its own", change, `<strong>{what}</strong>.`, `<a href='https:&#47;&#47;carrier'>{what}</a>.`, `has a link that is none of its tokens`},
		{"HTML with a handler", change, `<strong>{what}</strong>.`, `<strong onclick='x'>{what}</strong>.`, `has the attribute "onclick"`},
		{"HTML with a style that fetches", change, `<strong>{what}</strong>.`, `<strong style='background:url(x)'>{what}</strong>.`, `a style fetches something`},
		{"HTML that says something else", change, `<strong>{what}</strong>.`, `<strong>nothing</strong>.`, `the HTML of a part says the same as its text`},
		{"a layout with a script", "layout.html", "<title>", "<script></script><title>", `layout\.html:1: with account-change by email in en: the HTML has the element <script>`},
		{"a layout with a comment", "layout.html", "<title>", "<!--[if mso]><![endif]--><title>", `the layout has a comment`},
		{"a layout that fetches", "layout.html", ":root {", "@import 'x';\n:root {", `the style sheet fetches something`},
		{"a layout without a body", "layout.html", "{body}", "", `the layout has \{subject\}, and once \{body\}`},
		{"a layout without a language", "layout.html", `<html lang="{language}">`, `<html>`, `the layout begins with <html lang`},
		{"a layout with a strange token", "layout.html", "{body}", "{body}{address}", `there is no token \{address\}`},
		{"a layout with a customer's name", "layout.html", "{body}", "{name}{body}", `the token \{name\} may carry a value|stands not among`},
		{"a text that is too long", change, "We write to where we reached you before.", "We write to where we reached you before. " + strings.Repeat("This goes on. ", 10), `the text message account-change by text in en takes \d segments, and 2 is the most`},
		{"letters that make it too long", change, "We write to where we reached you before.", "We write to where we reached you before ☎.", `takes \d segments`},
		{"a control character", change, "We write to where", "We write\\a to where", `there are characters that nobody can read`},
		{"a character that turns the text around", change, "We write to where", "We write\\u202e to where", `there are characters that nobody can read`},
		{"a code on a machine", code, `{is: [code], digits: "{code}", not-on-machine: true}`, `{is: [code], digits: "{code}"}`, `verification-code\.yaml:\d+: the code \{code\} is only for the customer`},
		{"a code in a sentence", code, `{is: [code], says: "Your code is:", not-on-machine: true}`, `{is: [code], says: "Your code is {code}:", not-on-machine: true}`, `the token \{code\} is read digit by digit`},
		{"a link in a call", change, "To keep you safe, we do not say more than that.", "To keep you safe, we do not say more than is on {link}.", `nobody can press a link in a call`},
		{"two keys", change, "Thank you. Goodbye.\"", "Thank you. Goodbye.\", key: \"3\"", `a call asks for one key`},
		{"a key that is none", change, `key: "9"`, `key: "nine"`, `a key is one of 0 to 9`},
		{"another key", change, `key: "9"`, `key: "8"`, `the element not-me-key asks for the key 9 \(P-23\)`},
		{"a voicemail that says nothing of it", change, `{is: [what], says: "Something on it was set, changed or added. It is this: {what}."}`, `{is: [what], says: "Something on it was set, changed or added. It is this: {what}.", not-on-machine: true}`, `left out on a machine, and a voicemail is a notice too \(47 CFR 64\.2010\(f\)\(2\)\)`},
		{"digits that are a sentence", code, `digits: "{code}"`, `digits: "1 {code}"`, `digits is one token`},
		{"digits in a text message", change, `says: "We write to where we reached you before."}`, `says: "We write to where we reached you before.", digits: "{telephone}"}`, `belong to calls`},
		{"a part that says nothing", change, `says: "We write to where we reached you before."`, `says: " "`, `the part says nothing`},
		{"an element that nobody declared", change, "{is: [here], says: \"We write", "{is: [there], says: \"We write", `the part is there for the element "there", and none of that id is declared`},
		{"a clause that is none", change, "{id: here, for: that it goes where the customer was reached before, cites: [P-25,", "{id: here, for: that it goes where the customer was reached before, cites: [P-75,", `account-change\.yaml:\d+: "P-75" is no clause`},
		{"a clause that is missing", change, "cites: [P-23, P-24, P-25, P-27, 47 CFR 64.2010(f)]", "cites: [P-23, P-24, P-27, 47 CFR 64.2010(f)]", `account-change\.yaml:8: messages of the kind account-change are there for P-25`},
		{"a version that is no day", change, "version: 2026-11-25", "version: newest", `account-change\.yaml:7: the version is the day of the text`},
		{"an unknown field", change, "hides: value", "hides: value\nbcc: x", `account-change\.yaml:11: unknown field "bcc"`},
		{"an alias", change, "cites: [P-23, P-24,", "cites: &all [P-23, P-24,", `account-change\.yaml:8: anchors and aliases are not used here`},
		{"no YAML", change, "hides: value", "hides: [value", `account-change\.yaml:\d+: `},
		{"two documents", change, "hides: value", "hides: value\n---\nx: y", `it holds one document`},
		{"urgent by a way that is none", records, "urgent: [email, postal]", "urgent: [voice]", `urgent lists ways of the message`},
		{"records with a name", records, "tokens: [carrier,", "tokens: [carrier, name,", `the token \{name\} may carry a value, and the template hides the information`},
		{"records without a password", records, "is: [password]", "is: [private]", `no part is there for the element password.*\(47 CFR 64\.2010\(c\)\)`},
		{"a word of one language", "words.yaml", "        care: safety wishes\n", "", `words\.yaml:\d+: español has a word for "care" of \{what\}, and English has none`},
		{"an empty word", "words.yaml", "care: safety wishes", `care: ""`, `the word for "care" is empty`},
		{"eleven months", "words.yaml", "enero, ", "", `words\.yaml:\d+: a language has a name, twelve months`},
		{"a moment without its zone", "words.yaml", `{half}, {zone}"`, `{half}"`, `a moment has month, day, minute and zone: \{zone\} is missing`},
		{"no Spanish at all", "words.yaml", "\n  es:\n", "\n  fr:\n", `words\.yaml:\d+: the language es is missing`},
		{"a value of no token", "words.yaml", "      outcome:\n", "      colour:\n        red: red\n      outcome:\n", `\{colour\} is no token with values`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(changed(t, c.file, c.from, c.to))
			switch {
			case c.says == "":
				if err != nil {
					t.Error(err)
				}
			case err == nil:
				t.Error("it was loaded")
			case !regexp.MustCompile(c.says).MatchString(err.Error()):
				t.Errorf("%v\nand not %s", err, c.says)
			}
		})
	}
}

// A kind of message without templates, and a policy without any, are refused.
func TestMissing(t *testing.T) {
	files := changed(t, "", "", "")
	delete(files, "notices/account-change.yaml")
	if _, err := Load(files); err == nil || !strings.Contains(err.Error(), "there is no template for messages of the kind account-change (P-23, P-24, P-25, 47 CFR 64.2010(f))") {
		t.Error(err)
	}
	if _, err := Load(fstest.MapFS{}); err == nil {
		t.Error("a policy without templates was loaded")
	}
	files = changed(t, "", "", "")
	files["notices/account-change.yaml"].Data = bytes.Repeat([]byte("# x\n"), mostFile)
	if _, err := Load(files); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Error(err)
	}
}

// A token that is missing, empty or of another form leaves no blank: the message is not written, and the error names token
// and template and not the value.
//
// cite: V54, P-27, 47 CFR 64.2008(c)(3)
func TestTokens(t *testing.T) {
	b := built(t)
	x, _ := b.Template("account-change", cpni.Email, "es")
	for token, wrong := range map[string][]string{
		"carrier":    {"", " ", "A\nB", strings.Repeat("x", 50), "A\u202eB", "\xff"},
		"what":       {"", "742 Evergreen Terrace", "Password"},
		"when":       {"", "yesterday", "2026-11-25T14:05:00-05:00", "[America/New_York]", "2026-13-25T14:05:00-05:00[America/New_York]"},
		"link":       {"", "http://a.example/x", "https://a.example/?new=1", "https://u@a.example/", "javascript:alert(1)", "https://a.example/%41", "https://a.example/" + strings.Repeat("x", 200)},
		"telephone":  {"", "800-555-0147", "+0", "call me"},
		"short-code": {"", "12", "12345678901", "73051a", "٧٣٠٥١٨"},
	} {
		for _, value := range append(wrong, "missing") {
			values := x.Sample()
			if values[token] = value; value == "missing" {
				delete(values, token)
			}
			_, err := b.Write("account-change", cpni.Email, "es", values)
			var r *cpni.Refusal
			if !errors.As(err, &r) || r.Code != "NOTICE_N07" || r.Outcome != cpni.Reject || !strings.Contains(r.Says, "{"+token+"}") || !strings.Contains(r.Says, "account-change by email in es") {
				t.Errorf("%s = %q: %v", token, value, err)
			} else if len(value) > 9 && token != "when" && strings.Contains(err.Error(), value) {
				t.Errorf("the error tells %q", value)
			}
		}
	}
	if _, err := b.Write("birthday", cpni.Email, "en", nil); err == nil {
		t.Error("a kind that nobody sends was written")
	}
	if _, err := b.Write("records", cpni.Text, "en", nil); err == nil {
		t.Error("records went by text")
	}
}

// A text message that a value makes too long is not sent in more parts than it may have.
func TestTooLong(t *testing.T) {
	b := built(t)
	x, _ := b.Template("account-change", cpni.Text, "en")
	values := x.Sample()
	values["carrier"] = strings.Repeat("Ж", longestOwn)
	var r *cpni.Refusal
	if _, err := x.Write(values); !errors.As(err, &r) || r.Code != "NOTICE_LONG" {
		t.Error(err)
	}
}

// An unknown language gives the carrier's, a country of a known one its language.
func TestLanguages(t *testing.T) {
	b := built(t)
	for asked, want := range map[string]string{"en": "en", "es": "es", "es-MX": "es", "ES": "es", "fr": "en", "": "en", "zz-ZZ": "en"} {
		if x, ok := b.Template("test", cpni.Email, asked); !ok || x.Language() != want {
			t.Errorf("%q gives %v", asked, x)
		}
	}
}

// An old message can be shown again from the source of its template.
//
// cite: P-58
func TestSource(t *testing.T) {
	seen := map[string]string{}
	for _, x := range built(t).Templates() {
		if old := seen[x.Version()]; old != "" {
			t.Errorf("%s and %s have one version", old, x.doc.name())
		}
		seen[x.Version()] = x.doc.name()
		again, err := Parse(x.Source())
		if err != nil {
			t.Fatal(err)
		}
		if again.Version() != x.Version() || !bytes.Equal(again.Source(), x.Source()) {
			t.Errorf("%s is another after it was kept", x.doc.name())
		}
		for _, values := range []map[string]string{x.Sample(), x.longest()} {
			w, err := x.Write(values)
			if err != nil {
				t.Fatal(err)
			}
			v, err := again.Write(values)
			if err != nil {
				t.Fatal(err)
			}
			if readout(x, w) != readout(again, v) || w.HTML != v.HTML {
				t.Errorf("%s says something else after it was kept", x.doc.name())
			}
		}
	}
	for _, wrong := range []string{"", "{}", "[]", `{"kind":"test","via":"fax","language":"en"}`, `{"x":1}`, strings.Repeat(" ", mostSource+1)} {
		if _, err := Parse([]byte(wrong)); err == nil {
			t.Errorf("%.20q is a template", wrong)
		}
	}
	x, _ := built(t).Template("test", cpni.Email, "en")
	if _, err := Parse(append(x.Source(), "{}"...)); err == nil {
		t.Error("something behind the end was read over")
	}
	if _, err := Parse(bytes.Replace(x.Source(), []byte("<title>"), []byte("<script></script><title>"), 1)); err == nil {
		t.Error("a source with a script was taken")
	}
}

// Another letter of a template is another version; the words of another template are not.
func TestVersion(t *testing.T) {
	b, err := Load(changed(t, "account-change.yaml", "We write to where we reached you before.", "We write to where we have reached you before."))
	if err != nil {
		t.Fatal(err)
	}
	old := map[string]string{}
	for _, x := range built(t).Templates() {
		old[x.doc.name()] = x.Version()
	}
	for _, x := range b.Templates() {
		if same := old[x.doc.name()] == x.Version(); same == (x.doc.name() == "account-change by text in en") {
			t.Errorf("%s: the same version: %t", x.doc.name(), same)
		}
	}
}

func TestMoment(t *testing.T) {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	l := built(t)
	en, _ := l.Template("test", cpni.Email, "en")
	es, _ := l.Template("test", cpni.Email, "es")
	for _, c := range []struct {
		at     time.Time
		en, es string
	}{
		{time.Date(2026, 3, 8, 0, 5, 0, 0, zone), "March 8, 2026 at 12:05 AM, Central Time", "8 de marzo de 2026, 12:05 a. m., hora del centro"},
		{time.Date(2026, 12, 31, 12, 0, 0, 0, zone), "December 31, 2026 at 12:00 PM, Central Time", "31 de diciembre de 2026, 12:00 p. m., hora del centro"},
		{time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC), "December 31, 2026 at 11:59 PM, UTC+0", "31 de diciembre de 2026, 11:59 p. m., UTC+0"},
		{time.Date(2026, 1, 1, 13, 0, 0, 0, time.FixedZone("X", -3*3600-1800)), "January 1, 2026 at 1:00 PM, UTC-3:30", "1 de enero de 2026, 1:00 p. m., UTC-3:30"},
	} {
		f, err := en.doc.Words.fill("when", Moment(c.at), false)
		g, err2 := es.doc.Words.fill("when", Moment(c.at), false)
		if err != nil || err2 != nil || f.shown != c.en || g.shown != c.es {
			t.Errorf("%q %v, %q %v", f.shown, err, g.shown, err2)
		}
	}
}

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 1}, {strings.Repeat("a", 160), 1}, {strings.Repeat("a", 161), 2}, {strings.Repeat("a", 304), 2}, {strings.Repeat("a", 307), 3},
		{strings.Repeat("€", 80), 1}, {strings.Repeat("€", 81), 2}, {strings.Repeat("á", 70), 1}, {strings.Repeat("á", 71), 2}, {strings.Repeat("😀", 35), 1}, {strings.Repeat("😀", 36), 2},
	} {
		if got := Segments(c.text); got != c.want {
			t.Errorf("%d letters %.3q: %d segments, want %d", len([]rune(c.text)), c.text, got, c.want)
		}
	}
}

// Whatever is given for the tokens, what comes out has no element, link or brace that the template does not have.
//
// cite: P-25, I-09
func TestWritesNothingElse(t *testing.T) {
	all := built(t).Templates()
	rapid.Check(t, func(r *rapid.T) {
		x := all[rapid.IntRange(0, len(all)-1).Draw(r, "template")]
		values := x.Sample()
		for _, name := range x.Tokens() {
			if rapid.Bool().Draw(r, "change "+name) {
				values[name] = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"<script>alert(1)</script>", `"><img src=x onerror=1>`, "{code}", "{{.}}", "javascript:1", "</title><form>", "&lt;b&gt;", "https://x.example/a"})).Draw(r, name)
			}
		}
		w, err := x.Write(values)
		if err != nil {
			return
		}
		allowed(w.HTML, x.links(values), func(format string, a ...any) { r.Errorf(format, a...) })
		if strings.Count(w.HTML, "<") != strings.Count(sampled(t, x).HTML, "<") {
			r.Errorf("a value made an element: %s", w.HTML)
		}
	})
}
