package wording

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Recipient is a company that would get customer information, as a notice names it.
//
// cite: P-15, 47 CFR 64.2007(b), 47 CFR 64.2008(c)(2)
type Recipient struct {
	ID    string            `json:"id"`    // on the register of partners
	Name  string            `json:"name"`  // by which customers know it
	Class cpni.PartnerClass `json:"class"` // "": an independent contractor
}

// Spec is what one edition of a notice says and to whom it may be sent.
//
// cite: P-11, P-15, P-26, P-56, 47 CFR 64.2008(c)(2)
type Spec struct {
	Kind     string           // opt-out-notice or opt-in-request
	Purposes []cpni.Purpose   // own-marketing, other-marketing, partner-marketing
	Data     []cpni.DataClass // the kinds of CPNI
	// Recipients are those that get it beside the carrier itself.
	Recipients []Recipient
	// Wait is how many days silence is waited for, as printed; 0 of a request. Floor is the fewest days that the law allows, of the
	// profile cpni-core (opt_out_wait_days).
	Wait, Floor int
	Subject     map[string]string // by language; nil: that of the text
	Languages   []string          // nil: those of the text
	Ways        []cpni.Via        // email, postal; nil: those of the text
	// Draft is the text; nil: the policy's own.
	Draft *Draft
	// Sender is from whom an e-mail comes; "": a part of the server that takes replies.
	Sender string
	// Answers are the ways to answer as the carrier runs them; nil: as the text says.
	Answers []AnswerWay
}

// AnswerWay is a way to answer as it is in truth.
//
// cite: P-12, V45, 47 CFR 64.2008(d)(3)(v)
type AnswerWay struct {
	By      string // email, web, telephone, text, postal
	AnyHour bool   // at every hour of every day
	Free    bool   // at no cost to the customer
}

// longestWait bounds a wait in days.
const longestWait = 365

// Edition is one wording of a notice: its text, the purposes, information, recipients and wait that it names, in each way and
// language. It never changes and is safe for concurrent use.
//
// cite: P-02, P-56, 47 CFR 64.2008(c)
type Edition struct {
	doc     editionDoc
	texts   []*Template
	version string
	source  []byte
}

type editionDoc struct {
	Kind       string            `json:"kind"`
	Purposes   []cpni.Purpose    `json:"purposes"`
	Data       []cpni.DataClass  `json:"data"`
	Recipients []Recipient       `json:"recipients,omitempty"`
	Wait       int               `json:"wait,omitempty"`
	Texts      []json.RawMessage `json:"texts"`
}

// Edition makes an edition of a notice. What the law does not allow is refused: the error is a *Refused with everything that is wrong,
// and unwraps to a *cpni.Refusal with the code that weighs most.
//
// cite: P-02, P-08, P-11, P-15, P-26, P-27, V43, V44, V45, V47, V52, V53, V54, 47 CFR 64.2008(c), 47 CFR 64.2008(d)
func (b *Book) Edition(s Spec) (*Edition, error) {
	if s.Draft == nil {
		d, err := b.Draft(s.Kind)
		if err != nil {
			return nil, err
		}
		s.Draft = d
	}
	if s.Languages == nil {
		s.Languages = s.Draft.Languages()
	}
	if s.Ways == nil {
		s.Ways = s.Draft.Ways()
	}
	flaws := s.check()
	for _, f := range flaws {
		if f.Code == codeInput {
			return nil, refuse(flaws...) // the rest would be about something else
		}
	}
	e := &Edition{doc: editionDoc{Kind: s.Kind, Purposes: slices.Clone(s.Purposes), Data: slices.Clone(s.Data), Recipients: slices.Clone(s.Recipients), Wait: s.Wait}}
	texts, wrong := b.bound(s, len(flaws) == 0)
	for _, err := range wrong {
		var f *Flaw
		if errors.As(err, &f) {
			flaws = append(flaws, *f)
		}
	}
	if len(flaws) > 0 {
		return nil, refuse(flaws...)
	}
	e.texts = texts
	for _, t := range texts {
		e.doc.Texts = append(e.doc.Texts, json.RawMessage(t.source))
	}
	return e, e.seal()
}

// seal gives the edition its source and its version, a hash over it.
func (e *Edition) seal() error {
	var b bytes.Buffer
	write := json.NewEncoder(&b)
	write.SetEscapeHTML(false)
	if err := write.Encode(e.doc); err != nil {
		return fmt.Errorf("writing an edition: %w", err)
	}
	e.source = b.Bytes()
	sum := sha256.Sum256(e.source)
	e.version = hex.EncodeToString(sum[:16])
	return nil
}

// given are the tokens that the edition fixes.
func (s *Spec) given() map[string]string {
	all := map[string]string{}
	var purposes, data []string
	for _, p := range s.Purposes {
		purposes = append(purposes, string(p))
	}
	for _, d := range s.Data {
		data = append(data, string(d))
	}
	all["purposes"], all["information"], all["recipients"] = strings.Join(purposes, ","), strings.Join(data, ","), Recipients(s.Recipients, s.ours())
	if s.Wait > 0 {
		all["wait-days"] = strconv.Itoa(s.Wait)
	}
	return all
}

// ours reports whether the carrier itself uses the information.
func (s *Spec) ours() bool {
	return len(s.Recipients) == 0 || slices.Contains(s.Purposes, cpni.OwnMarketing) || slices.Contains(s.Purposes, cpni.OtherMarketing)
}

// Recipients writes the value of the token recipients: companies with their classes, and before them the carrier where it uses the
// information itself.
//
// cite: P-15, 47 CFR 64.2008(c)(2)
func Recipients(all []Recipient, ours bool) string {
	var written []string
	if ours {
		written = append(written, itself)
	}
	for _, r := range all {
		written = append(written, r.Name+" ("+string(classOf(r))+")")
	}
	return strings.Join(written, "; ")
}

// bound compiles the texts of an edition with what it fixes.
func (b *Book) bound(s Spec, fill bool) ([]*Template, []error) {
	l := &loading{known: b.known}
	f := &file{loading: l, name: draftFile}
	n := s.Draft.notice.clone()
	if fill {
		n.given = s.given()
	}
	for _, via := range s.Ways {
		texts := map[string]wayText{}
		for _, language := range s.Languages {
			t := n.Ways[via][language]
			if subject, ok := s.Subject[language]; ok {
				t.Subject = subject
			}
			texts[language] = t
		}
		f.texts(&n, kinds[n.Kind], via, texts, b.words, b.layout)
	}
	for _, err := range l.wrong {
		var flaw *Flaw
		if errors.As(err, &flaw) {
			flaw.File, flaw.Line = "", 0 // it is of no file
		}
	}
	return l.made, once(l.wrong)
}

// check looks at what an edition is about, before its text.
func (s *Spec) check() (flaws []Flaw) {
	say := func(ground, format string, a ...any) {
		flaws = append(flaws, Flaw{Says: fmt.Sprintf(format, a...), Cite: ground, Code: codeOf(ground)})
	}
	if s.Draft.Kind() != s.Kind {
		say("P-02", "the text is of the kind %s, and the edition of %q", s.Draft.Kind(), s.Kind)
		return flaws
	}
	if len(s.Languages) == 0 || len(s.Ways) == 0 {
		say("P-02", "an edition has a language and a way")
	}
	for _, via := range s.Ways {
		for _, language := range s.Languages {
			if _, ok := s.Draft.notice.Ways[via][language]; !ok {
				say(wholeTongue, "there is no text by %q in %q", via, language)
			}
		}
	}
	for _, list := range []struct {
		what, item string
		codes      []string
		known      []string
	}{{"purpose", "N-05", textOf(s.Purposes), neededValues["purposes"]}, {"kind of information", "N-03", textOf(s.Data), neededValues["information"]}} {
		i, _ := ItemOf(list.item)
		if len(list.codes) == 0 {
			say(i.ground(), "an edition names no %s", list.what)
		}
		for n, code := range list.codes {
			if !slices.Contains(list.known, code) || slices.Index(list.codes, code) != n {
				say(i.ground(), "%q is no %s that is asked for, or stands there twice; there are: %s", code, list.what, strings.Join(list.known, ", "))
			}
		}
	}
	s.checkRecipients(say)
	s.checkSilence(say)
	s.checkWays(say)
	return flaws
}

func textOf[T ~string](all []T) []string {
	var out []string
	for _, v := range all {
		out = append(out, string(v))
	}
	return out
}

// checkRecipients looks whether each company is named so that customers know it.
//
// cite: P-15, 47 CFR 64.2008(c)(2)
func (s *Spec) checkRecipients(say func(ground, format string, a ...any)) {
	i, _ := ItemOf("N-04")
	if len(s.Recipients) > mostListed {
		say(i.ground(), "an edition names %d companies at most", mostListed)
	}
	if slices.Contains(s.Purposes, cpni.PartnerMarketing) && len(s.Recipients) == 0 {
		say("P-15, "+i.ground(), "an edition for partner-marketing names the companies")
	}
	for n, r := range s.Recipients {
		switch {
		case folded(r.Name) == "" || folded(r.Name) != r.Name || utf8.RuneCountInString(r.Name) > longestName || strings.ContainsAny(r.Name, ";(){}<>") || strings.ContainsFunc(r.Name, func(x rune) bool { return !unicode.IsPrint(x) }):
			say(i.ground(), "a company has a name of at most %d letters, without brackets and semicolons", longestName)
		case r.ID == "" || slices.IndexFunc(s.Recipients, func(o Recipient) bool { return o.ID == r.ID || o.Name == r.Name }) != n:
			say(i.ground(), "each company is named once, with its id")
		case r.Class != "" && !slices.Contains(neededValues["recipients"], string(r.Class)):
			say(i.ground(), "a company is of no class that there are words for")
		}
	}
}

// checkSilence looks whether what an edition is about may rest on silence, and on how much of it.
//
// cite: P-15, P-26, V47, 47 CFR 64.2007(b), 47 CFR 64.2008(d)(1), 47 USC 222(f)
func (s *Spec) checkSilence(say func(ground, format string, a ...any)) {
	i, _ := ItemOf("N-16")
	if s.Kind != notify.OptOutNotice {
		if s.Wait != 0 {
			say(plainWords, "a request has no wait: silence never answers it")
		}
		return
	}
	switch {
	case s.Floor <= 0:
		say("P-26", "the fewest days of the law are not given")
	case s.Wait < s.Floor:
		say("P-26, "+i.ground(), "a wait of %d days is shorter than the %d that the law allows", s.Wait, s.Floor)
	case s.Wait > longestWait:
		say("P-26, "+i.ground(), "a wait of more than %d days is not offered", longestWait)
	}
	for _, p := range s.Purposes {
		if p != cpni.OwnMarketing && slices.Contains(neededValues["purposes"], string(p)) {
			say("P-26, 47 CFR 64.2007(b), N-09", "silence permits own-marketing alone, and a notice that says it permits %s misleads; ask for that with %s", p, notify.OptInRequest)
		}
	}
	for _, r := range s.Recipients {
		if r.Class != cpni.Agent && r.Class != cpni.AffiliateComm {
			say("P-15, P-26, 47 CFR 64.2007(b), N-09", "silence permits nothing to a company of the class %s, and a notice that says so misleads; ask with %s", classOf(r), notify.OptInRequest)
		}
	}
	if slices.Contains(s.Data, cpni.Location) {
		say("P-26, 47 USC 222(f), N-09", "silence never permits the use of call location; ask with %s", notify.OptInRequest)
	}
}

// classOf is what a company counts as.
//
// cite: P-15, 47 CFR 64.2007(b)
func classOf(r Recipient) cpni.PartnerClass {
	if r.Class == "" {
		return cpni.IndependentContractor
	}
	return r.Class
}

// checkWays looks whether customers can answer: by replying, and at every hour and free of charge.
//
// cite: P-12, V44, V45, 47 CFR 64.2008(d)(3)(ii), 47 CFR 64.2008(d)(3)(v)
func (s *Spec) checkWays(say func(ground, format string, a ...any)) {
	if slices.Contains(s.Ways, cpni.Email) {
		for _, sender := range []string{s.Sender, s.Draft.sender} {
			if TakesReplies(sender) != nil {
				say(canReply, "the e-mail comes from an address that says that nobody reads what is written to it, and a customer answers by replying")
				break
			}
		}
	}
	if s.Answers == nil {
		return
	}
	mail, other := false, false
	for _, a := range s.Answers {
		if a.AnyHour && a.Free {
			mail, other = mail || a.By == "email", other || slices.Contains([]string{"web", "telephone", "text"}, a.By)
		}
	}
	if !mail || !other {
		say(anyHour, "a customer has to be able to answer free of charge and at every hour, by e-mail and in one way more; a line that keeps hours, or a page that is down at night, is none")
	}
}

// ParseEdition makes an edition of its source again. A source with which somebody has tampered has another version, or none.
//
// cite: P-58
func ParseEdition(source []byte) (*Edition, error) {
	if len(source) > 8*mostSource {
		return nil, fmt.Errorf("an edition's source has more than %d bytes", 8*mostSource)
	}
	e := &Edition{}
	read := json.NewDecoder(bytes.NewReader(source))
	read.DisallowUnknownFields()
	if err := read.Decode(&e.doc); err != nil {
		return nil, fmt.Errorf("an edition's source cannot be read: %w", err)
	}
	if !isNotice(e.doc.Kind) || len(e.doc.Texts) == 0 {
		return nil, errors.New("an edition's source has no kind of notice, or no text")
	}
	for _, text := range e.doc.Texts {
		t, err := Parse(text)
		if err != nil {
			return nil, err
		}
		if t.doc.Kind != e.doc.Kind {
			return nil, errors.New("an edition's source has a text of another kind")
		}
		e.texts = append(e.texts, t)
	}
	for i, t := range e.texts {
		e.doc.Texts[i] = json.RawMessage(t.source)
	}
	return e, e.seal()
}

// Version is a hash over everything that the edition says.
func (e *Edition) Version() string { return e.version }

// Source is the whole edition, from which ParseEdition makes it again.
func (e *Edition) Source() []byte { return slices.Clone(e.source) }

// Kind is opt-out-notice or opt-in-request.
func (e *Edition) Kind() string { return e.doc.Kind }

// Purposes are those that the notice names: an approval that answers it covers them and no other.
//
// cite: P-11, P-36
func (e *Edition) Purposes() []cpni.Purpose { return slices.Clone(e.doc.Purposes) }

// Data are the kinds of information that the notice names.
func (e *Edition) Data() []cpni.DataClass { return slices.Clone(e.doc.Data) }

// Recipients are the companies that the notice names, beside the carrier itself.
func (e *Edition) Recipients() []Recipient { return slices.Clone(e.doc.Recipients) }

// Names are the ids of the recipients.
func (e *Edition) Names() []string {
	var all []string
	for _, r := range e.doc.Recipients {
		all = append(all, r.ID)
	}
	return all
}

// Wait is the days that the notice prints; 0 of a request.
//
// cite: V47, 47 CFR 64.2008(d)(1)
func (e *Edition) Wait() int { return e.doc.Wait }

// Texts are the edition's templates, by way and language. Each has a version and a source of its own, by which what a message said
// can be shown again.
func (e *Edition) Texts() []*Template { return slices.Clone(e.texts) }

// Languages lists those of the edition.
func (e *Edition) Languages() []string {
	all := map[string]bool{}
	for _, t := range e.texts {
		all[t.doc.Language] = true
	}
	return sortedKeys(all)
}

// Kept are the sources of the edition's texts by their versions, as notify.Outbox.Keep takes them.
func (e *Edition) Kept() map[string]func() []byte {
	all := map[string]func() []byte{}
	for _, t := range e.texts {
		all[t.version] = t.Source
	}
	return all
}

// Template finds the text for a way and a language. A language that the edition has not gives English, and where it has no English
// the first that it has.
func (e *Edition) Template(via cpni.Via, language string) (*Template, bool) {
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	var found *Template
	for _, t := range e.texts {
		switch {
		case t.doc.Via != via:
		case t.doc.Language == language:
			return t, true
		case found == nil || t.doc.Language == fallback:
			found = t
		}
	}
	return found, found != nil
}

// Write puts the notice into words. Its purposes, information, recipients and wait are those of the edition, whatever tokens say. The
// error is a *cpni.Refusal when a token is missing, empty or of another form, or when the edition has no text for the way.
//
// cite: P-27, V54, 47 CFR 64.2008(c)(3)
func (e *Edition) Write(via cpni.Via, language string, tokens map[string]string) (notify.Words, error) {
	t, ok := e.Template(via, language)
	if !ok {
		return notify.Words{}, cpni.Rejected(codeKind, fmt.Sprintf("the edition of %s has no text for %q", e.doc.Kind, via), []string{"P-02"}, "send it another way")
	}
	return t.Write(tokens)
}

// Need lists the tokens that must be given to write the edition.
func (e *Edition) Need() []string {
	all := map[string]bool{}
	for _, t := range e.texts {
		for _, name := range t.doc.Tokens {
			if _, fixed := t.doc.Given[name]; !fixed {
				all[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}
