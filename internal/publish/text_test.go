package publish

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
	"ringfence/policy"
)

var builtIn = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(policy.Files) })

func set(t testing.TB) *rules.Set {
	t.Helper()
	s, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func source(t testing.TB) string {
	t.Helper()
	b, err := fs.ReadFile(policy.Files, File)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// example are the facts of a carrier that there is not.
var example = Carrier{Name: "Example Telephone", Email: "privacy@example.net", Phone: "+18005550100", Post: "Privacy Office, 1 Main St, Springfield, VA 22150", Web: "https://account.example.net",
	Facility: "https://reporting.facility.example/cpni", Posting: "https://example.net/privacy", Verified: workday.On(2026, time.November, 20)}

func facts(t testing.TB) Facts {
	return FactsOf(example, set(t).Profiles().At(workday.On(2026, time.November, 24)))
}

// The built-in text carries every clause that promises something, in every language.
//
// cite: P-02, P-08, P-11, P-13, P-55, P-56, P-57, P-58, N-11
func TestBuiltInText(t *testing.T) {
	text, err := ReadFS(policy.Files, set(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := text.Fill(facts(t))
	if err != nil {
		t.Fatal(err)
	}
	carried := map[string]bool{}
	for _, s := range e.Sentences() {
		for _, l := range Languages {
			if strings.ContainsAny(s.In(l), "{}") || len(s.In(l)) < 20 {
				t.Errorf("%s in %s: %q", s.ID, l, s.In(l))
			}
		}
		for _, c := range s.Clauses {
			carried[c] = true
		}
	}
	if len(carried) != 58 || carried["P-59"] {
		t.Errorf("%d clauses are carried, want P-01 to P-58", len(carried))
	}
	for name, v := range map[string]string{"record-days": "30", "email-wait": "31", "letter-wait": "34", "renotice-months": "24", "agencies-days": "7", "hold-days": "7", "breach-months": "60", "moved-hours": "72", "smallest-group": "10", "training-days": "365"} {
		if e.Facts[name] != v {
			t.Errorf("%s is %q, want %s", name, e.Facts[name], v)
		}
	}
	for _, name := range Placeholders() {
		if e.Facts[name] == "" {
			t.Errorf("nothing in the text gives {%s}", name)
		}
	}
}

// Each row is a text that is refused, with what was changed in the built-in one.
//
// cite: P-10, P-12, P-15, P-26, P-27, P-46, P-55, P-57, N-11, 47 CFR 64.2007(b), 47 CFR 64.2008(c)(3), 47 CFR 64.2008(c)(6)
func TestTextsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		was, is string
		code    cpni.Code
		says    string
	}{
		"a clause that no sentence carries":    {"clauses: [P-13]", "clauses: [P-14]", CodeConfig, "no sentence carries P-13"},
		"a sentence without a clause":          {"clauses: [P-13]", "clauses: []", CodeConfig, "refuse-service carries no clause"},
		"a clause that there is not":           {"clauses: [P-13]", "clauses: [P-13, P-77]", CodeConfig, "P-77"},
		"a clause that promises nothing":       {"clauses: [P-13]", "clauses: [P-13, P-59]", CodeConfig, "P-59"},
		"a rule that there is not":             {"keepers: {channels: [voice]}", "keepers: {rules: [no-such-rule]}", CodeConfig, "no-such-rule"},
		"a channel that there is not":          {"keepers: {channels: [voice]}", "keepers: {channels: [pigeon]}", CodeConfig, "pigeon"},
		"a setting that there is not":          {"settings: [posting-place]", "settings: [postbox]", CodeConfig, "postbox"},
		"an act that there is not":             {"acts: [attempt]", "acts: [dance]", CodeConfig, "dance"},
		"an empty placeholder":                 {"at least {record-days} days", "at least {} days", CodeConfig, "placeholder {}"},
		"an unknown placeholder":               {"at least {record-days} days", "at least {weeks} days", CodeConfig, "placeholder {weeks}"},
		"a brace too many":                     {"at least {record-days} days", "at least {record-days}} days", CodeConfig, "brace"},
		"a sentence that is empty in one":      {"es: Una dirección que se añade cuenta como cambio. Dar de alta un servicio nuevo, no.", "es: ''", CodeLanguage, "changes-added"},
		"a fact in one language alone":         {"lleve en su cuenta al menos {record-days} días", "lleve tiempo en su cuenta", CodeLanguage, "verify-send"},
		"a title in one language":              {"title: {en: How you refuse, es: Cómo negarse}", "title: {en: How you refuse, es: ''}", CodeLanguage, "refuse"},
		"silence that is consent for partners": {"only after you have said yes to a notice that gives the company's name.", "unless you tell us otherwise.", CodeConsent, "use-partners"},
		"the same in Spanish":                  {"solo después de que usted haya dicho que sí a un aviso con el nombre de la empresa.", "a menos que usted se oponga.", CodeConsent, "use-partners"},
		"partners among what silence approves": {"clauses: [P-26]", "clauses: [P-26, P-15]", CodeConsent, "use-silence"},
		"staying that is consent":              {"is no consent to it", "means that you are deemed to have given express consent to it", CodeConsent, "versions-staying"},
		"a signature that is consent":          {"does not approve anything here", "signifies your consent", CodeConsent, ""},
		"no address for refusals":              {"Write to {answer-email}, call", "Write to us, call", CodeLanguage, "refuse-how"},
		"no link to the facility":              {", which is reached at {facility-link}", "", CodeLanguage, "breach-where"},
		"a purpose that there is not":          {"purposes: [customer-request", "purposes: [astrology, customer-request", CodeConfig, "astrology"},
		"a purpose that nobody can approve":    {"purposes: [customer-request", "purposes: [competitor-tracking, customer-request", CodeConfig, "competitor-tracking"},
		"information that there is not":        {"data: [call-detail", "data: [dreams, call-detail", CodeConfig, "dreams"},
		"a recipient that cannot be":           {"recipients: [customer", "recipients: ['A b', customer", CodeConfig, "A b"},
		"a purpose twice":                      {"purposes: [customer-request", "purposes: [billing, customer-request", CodeConfig, "twice"},
		"two sentences of one name":            {"id: use-own", "id: use-new", CodeConfig, "use-new"},
		"a name that cannot be":                {`version: "2026-11"`, "version: versions", CodeConfig, "version"},
		"a word that there is not":             {"sections:\n", "sektions:\n", CodeConfig, ""},
		"no YAML":                              {"version:", "{", CodeConfig, ""},
	} {
		was := source(t)
		is := strings.Replace(was, c.was, c.is, 1)
		if is == was {
			t.Errorf("%s: %q does not stand in the text", name, c.was)
			continue
		}
		_, err := Read([]byte(is), set(t))
		var r *cpni.Refusal
		if !errors.As(err, &r) || r.Code != c.code && !(c.says == "" && r.Code != "") || !strings.Contains(r.Says, c.says) {
			t.Errorf("%s: %v, want %s with %q", name, err, c.code, c.says)
		}
	}
	// A fact that is left out in every language is missed as well.
	for fact, code := range map[string]cpni.Code{AnswerEmail: CodeContact, Telephone: CodeContact, PostAddress: CodeContact, FacilityLink: CodeConfig, PostingPlace: CodeConfig} {
		_, err := Read([]byte(strings.ReplaceAll(source(t), "{"+fact+"}", "us")), set(t))
		var r *cpni.Refusal
		if !errors.As(err, &r) || r.Code != code || !strings.Contains(r.Says, fact) {
			t.Errorf("without {%s}: %v", fact, err)
		}
	}
}

// A fact of the carrier that is blank fills nothing.
//
// cite: P-12, P-27, P-46, P-55, V54
func TestBlankFacts(t *testing.T) {
	text, err := ReadFS(policy.Files, set(t))
	if err != nil {
		t.Fatal(err)
	}
	for fact, clause := range map[string]string{AnswerEmail: "P-12", Telephone: "P-12", PostAddress: "P-12", Web: "P-12", FacilityLink: "P-46", PostingPlace: "P-55"} {
		f := facts(t)
		f[fact] = " "
		_, err := text.Fill(f)
		var r *cpni.Refusal
		if !errors.As(err, &r) || !strings.Contains(r.Says, "{"+fact+"}") || !strings.Contains(r.Says, clause) {
			t.Errorf("%s is blank: %v, want %s", fact, err, clause)
		}
	}
	if (Carrier{}).Whole() || !example.Whole() {
		t.Error("what is whole")
	}
}

// What a version covers can be changed without its words.
//
// cite: P-56
func TestAdding(t *testing.T) {
	less, err := Without([]byte(source(t)), Covers{Purposes: []cpni.Purpose{cpni.PartnerMarketing}, Recipients: []string{"joint-venture"}, Data: []cpni.DataClass{cpni.Location}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := Read(less, set(t))
	if err != nil {
		t.Fatal(err)
	}
	more, err := Adding(less, "2027", Covers{Purposes: []cpni.Purpose{cpni.PartnerMarketing}, Recipients: []string{"acme"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Read(more, set(t))
	if err != nil {
		t.Fatal(err)
	}
	adds := b.Covers.Beyond(a.Covers)
	if b.Version != "2027" || len(adds.Purposes) != 1 || adds.Purposes[0] != cpni.PartnerMarketing || len(adds.Recipients) != 1 || adds.Recipients[0] != "acme" || len(adds.Data) != 0 {
		t.Errorf("%s adds %+v", b.Version, adds)
	}
	if len(a.Sentences()) != len(b.Sentences()) || a.Sentences()[5].ES != b.Sentences()[5].ES {
		t.Error("the words have changed")
	}
	if !PartnerID("acme") || PartnerID("joint-venture") || PartnerID("family") {
		t.Error("what is a partner")
	}
}

// Reading must not fall over anything.
//
// cite: P-55
func FuzzRead(f *testing.F) {
	text, err := fs.ReadFile(policy.Files, File)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("version: a\ntitle: {en: x, es: y}")
	f.Fuzz(func(t *testing.T, text string) {
		if read, err := Read([]byte(text), set(t)); err == nil {
			if _, err := read.Fill(facts(t)); err != nil {
				t.Fatalf("a text that is taken cannot be filled: %v", err)
			}
		}
	})
}
