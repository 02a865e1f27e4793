package answer

import (
	"maps"
	"slices"
	"strings"

	"ringfence/internal/customer"
)

// Meaning is what a customer's words mean, as far as they are plain.
type Meaning string

// The meanings.
const (
	MeansNo       Meaning = "no"
	MeansYes      Meaning = "yes"
	MeansThanks   Meaning = "thanks"  // and nothing else
	MeansNothing  Meaning = "nothing" // there are no words of the customer's own
	MeansNotPlain Meaning = "not-plain"
)

// Verdict is what was read out of a customer's words.
type Verdict struct {
	Means  Meaning
	Scopes []string // that the words name; none: they name none
	// Refuses: something in words that are not plain may be a refusal.
	Refuses bool
	Asks    bool   // the customer asks something
	About   bool   // the words are about the use of information
	Heard   string // the phrase that decided; it stands in the policy, and is nothing of the customer's
}

// mostJudged bounds the text that is looked at, in bytes. What a person says of this stands at the beginning.
const mostJudged = 16 << 10

// Judge reads what a customer wrote. partners are the ids of companies that they may name.
//
// A mistake on the one side costs the carrier an offer, and on the other the customer their right, so a yes is only what is nothing
// else, and whatever is left over is not plain.
//
// cite: P-12, P-14, P-26, 47 CFR 64.2008(d)(3)(ii)
func (w *Words) Judge(written string, partners []string) Verdict {
	own := w.own(cutTo(written, mostJudged))
	text := plain(own)
	if text == "" {
		return Verdict{Means: MeansNothing, Asks: strings.ContainsAny(own, "?¿")}
	}
	v := Verdict{Means: MeansNotPlain, Asks: strings.ContainsAny(own, "?¿")}
	line := plain(firstLine(own))
	var yes, no string
	turned, unsure := false, false
	thanks := text
	for _, name := range slices.Sorted(maps.Keys(w.languages)) {
		l := w.languages[name]
		left, is := without(text, l.NotNo)
		turned = turned || is
		if no == "" {
			no = first(left, l.No)
		}
		if no == "" && slices.Contains(l.BareNo, line) {
			no = line
		}
		if yes == "" {
			agreed, _ := without(left, l.No) // what is left of a refusal agrees to nothing
			yes = first(agreed, l.Yes)
		}
		if yes == "" && slices.Contains(l.BareYes, line) {
			yes = line
		}
		unsure = unsure || first(text, l.Unsure) != ""
		v.Asks = v.Asks || first(text, l.Asks) != ""
		v.About = v.About || first(text, l.About) != ""
		thanks, _ = without(thanks, l.Courtesy)
		for _, scope := range slices.Sorted(maps.Keys(l.Scopes)) {
			if first(text, l.Scopes[scope]) != "" && !slices.Contains(v.Scopes, scope) {
				v.Scopes = append(v.Scopes, scope)
			}
		}
	}
	for _, id := range partners {
		if p := plain(id); p != "" && contains(text, p) {
			v.Scopes = append(v.Scopes, "partner:"+id)
		}
	}
	if slices.Contains(v.Scopes, customer.Everything) {
		v.Scopes = []string{customer.Everything}
	}
	v.Refuses = no != "" || unsure || turned
	switch {
	case no != "" && yes == "" && !turned:
		v.Means, v.Heard = MeansNo, no
	case yes != "" && no == "" && !turned && !v.saysMore(unsure):
		v.Means, v.Heard = MeansYes, yes
	case strings.Trim(thanks, " |") == "":
		v.Means = MeansThanks
	}
	return v
}

// saysMore reports whether a yes comes with something that may take it back.
func (v Verdict) saysMore(unsure bool) bool { return unsure || v.Asks }

// firstLine is the first line that has anything.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if plain(line) != "" {
			return line
		}
	}
	return ""
}

// cutTo shortens a text to whole letters.
func cutTo(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}
