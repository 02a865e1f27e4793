package wording

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Draft is the text of a notice that may become an edition: that of the policy, or one that a carrier has written. It is in
// one language at least, and in each whole. It never changes: what would change it gives another.
type Draft struct {
	book   *Book
	notice noticeFile
	sender string // from whom it comes, when that is known
}

// draftFile is what a draft is called where no file has it.
const draftFile = "the draft"

// Draft gives the policy's own text of a kind of notice.
func (b *Book) Draft(kind string) (*Draft, error) {
	n, ok := b.notices[kind]
	if !ok {
		return nil, cpni.Rejected(codeKind, fmt.Sprintf("there is no notice of the kind %q", kind), []string{"P-02"}, "name "+notify.OptOutNotice+" or "+notify.OptInRequest)
	}
	return &Draft{book: b, notice: n.clone()}, nil
}

// ParseDraft reads a carrier's own text of a notice, a file as policy/notices/opt-out-notice.yaml is one. It may have fewer ways and
// languages than that. Nothing is stored. The error is a *Refused with everything that is wrong, each with its code and line.
//
// cite: P-02, P-08, P-27, V52, V53, V54, 47 CFR 64.2008(c), 47 CFR 64.2008(d)
func (b *Book) ParseDraft(text []byte) (*Draft, error) {
	l := &loading{known: b.known}
	var n noticeFile
	f, ok := l.readText(draftFile, text, &n)
	if !ok {
		return nil, refusedBy(l.wrong)
	}
	if !isNotice(n.Kind) {
		f.say("$.kind", "P-02", "a draft is of the kind %s or %s; found %q", notify.OptOutNotice, notify.OptInRequest, n.Kind)
		return nil, refusedBy(l.wrong)
	}
	b.soundDraft(f, &n)
	if len(l.wrong) > 0 {
		return nil, refusedBy(l.wrong)
	}
	return &Draft{book: b, notice: n}, nil
}

// soundDraft looks at everything of a draft.
func (b *Book) soundDraft(f *file, n *noticeFile) {
	k := kinds[n.Kind]
	f.head(n, k)
	written := false
	for _, via := range k.vias {
		texts, ok := n.Ways[via]
		if !ok {
			continue
		}
		written = written || len(texts) > 0
		f.texts(n, k, via, texts, b.words, b.layout)
	}
	if !written {
		f.say("$.ways", "P-02", "it has no text for email or postal")
	}
}

// refusedBy makes a refusal of errors.
func refusedBy(wrong []error) *Refused {
	var flaws []Flaw
	for _, err := range once(wrong) {
		var f *Flaw
		if !errors.As(err, &f) {
			f = &Flaw{Says: err.Error(), Code: codeInput}
		}
		flaws = append(flaws, *f)
	}
	return refuse(flaws...)
}

// Kind is opt-out-notice or opt-in-request.
func (d *Draft) Kind() string { return d.notice.Kind }

// Ways are those that it has a text for.
func (d *Draft) Ways() []cpni.Via { return slices.Sorted(maps.Keys(d.notice.Ways)) }

// Languages are those that it has in every way.
func (d *Draft) Languages() []string {
	var all []string
	for _, language := range d.book.languages {
		everywhere := true
		for _, texts := range d.notice.Ways {
			_, ok := texts[language]
			everywhere = everywhere && ok
		}
		if everywhere {
			all = append(all, language)
		}
	}
	return all
}

// clone copies what a draft may change.
func (n *noticeFile) clone() noticeFile {
	c := *n
	c.Tokens, c.Elements = slices.Clone(n.Tokens), slices.Clone(n.Elements)
	c.Ways = map[cpni.Via]map[string]wayText{}
	for via, texts := range n.Ways {
		c.Ways[via] = map[string]wayText{}
		for language, text := range texts {
			text.Parts = slices.Clone(text.Parts)
			for i := range text.Parts {
				text.Parts[i].Is = slices.Clone(text.Parts[i].Is)
			}
			c.Ways[via][language] = text
		}
	}
	return c
}

// with gives a draft in which each text has been changed.
func (d *Draft) with(change func(via cpni.Via, language string, t *wayText)) *Draft {
	c := &Draft{book: d.book, notice: d.notice.clone(), sender: d.sender}
	for via, texts := range c.notice.Ways {
		for language, t := range texts {
			change(via, language, &t)
			texts[language] = t
		}
	}
	return c
}

// spoils are words that break an item which no part says, in each language: what stories and tests leave a notice wanting by.
var spoils = map[string]map[string]string{
	"N-09": {"en": "If you fail to respond, you will lose your discount.", "es": "Si no responde, usted perderá su descuento."},
	"N-13": {"en": "Lock out other companies today.", "es": "Bloquee a otras empresas hoy."},
}

// Without gives the draft as it would be without an item of the checklist, so that what then happens can be told. What an item
// forbids is put in.
//
// cite: 47 CFR 64.2008(c), 47 CFR 64.2008(d)(1)
func (d *Draft) Without(item string) *Draft {
	switch i, _ := ItemOf(item); i.ID {
	case "N-09", "N-13":
		return d.with(func(_ cpni.Via, language string, t *wayText) {
			t.Parts = append(t.Parts, Part{Is: []string{"who"}, Says: spoils[i.ID][language]})
		})
	case "N-10":
		return d.with(func(via cpni.Via, _ string, t *wayText) {
			t.Parts[0].HTML = "<span style='font-size: 4px'>" + folded(t.Parts[0].Says) + "</span>"
		})
	case "N-11":
		return d.PartlyTranslated()
	default:
		return d.with(func(_ cpni.Via, _ string, t *wayText) {
			for n := range t.Parts {
				t.Parts[n].Is = slices.DeleteFunc(t.Parts[n].Is, func(e string) bool { return e == i.element() })
			}
			t.Parts = slices.DeleteFunc(t.Parts, func(p Part) bool { return len(p.Is) == 0 })
		})
	}
}

// WithSubject gives the draft with another subject, in all its languages.
func (d *Draft) WithSubject(subject string) *Draft {
	return d.with(func(_ cpni.Via, _ string, t *wayText) { t.Subject = subject })
}

// PartlyTranslated gives the draft with steps in a language other than that of the rest.
//
// cite: V52, 47 CFR 64.2008(c)(6)
func (d *Draft) PartlyTranslated() *Draft {
	return d.with(func(via cpni.Via, language string, t *wayText) {
		other := "en"
		if language == "en" {
			other = "es"
		}
		var steps []Part
		for _, p := range d.book.notices[d.notice.Kind].Ways[via][other].Parts {
			if slices.Contains(p.Is, "n-07") {
				steps = append(steps, p)
			}
		}
		t.Parts = append(slices.DeleteFunc(t.Parts, func(p Part) bool { return slices.Contains(p.Is, "n-07") }), steps...)
	})
}

// NoReply gives the draft as it would come from an address that nobody reads.
//
// cite: V44, 47 CFR 64.2008(d)(3)(ii)
func (d *Draft) NoReply() *Draft { return d.From("no-reply@carrier.example") }

// From gives the draft as it comes from an address.
func (d *Draft) From(sender string) *Draft {
	c := *d
	c.sender = sender
	return &c
}

// Templates are the texts of the draft, compiled; of one that has been spoilt, those that are sound.
func (d *Draft) Templates() []*Template {
	l := &loading{known: d.book.known}
	f := &file{loading: l, name: draftFile}
	for _, via := range d.Ways() {
		f.texts(&d.notice, kinds[d.notice.Kind], via, d.notice.Ways[via], d.book.words, d.book.layout)
	}
	return l.made
}

// Marked is a part of a text with what of the checklist it is there for.
type Marked struct {
	Items []string // N-01 …
	Says  string
}

// Marked are the parts of a template, each with the items of the checklist that it is there for.
func (t *Template) Marked() []Marked {
	var all []Marked
	for _, p := range t.doc.Parts {
		m := Marked{Says: p.Says}
		for _, e := range p.Is {
			if i, ok := ItemOf(e); ok {
				m.Items = append(m.Items, i.ID)
			}
		}
		all = append(all, m)
	}
	return all
}

// Text is the policy's own text of a kind of notice, as a file with which to begin another; nil: there is none.
func (b *Book) Text(kind string) []byte {
	n, ok := b.notices[kind]
	if !ok {
		return nil
	}
	return slices.Clone(n.raw)
}
