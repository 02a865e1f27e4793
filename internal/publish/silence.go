package publish

import (
	"regexp"
	"slices"
)

// What makes silence, staying or a signature into consent, in the words in which policies use to say it. The net is for
// texts that were taken over from elsewhere; a text that says it in words of its own is for people to find.
var (
	silence = regexp.MustCompile(`(?i)unless you (object|refuse|opt out|tell|write|notify|say)|if you (do not|don't) (object|refuse|reply|respond|answer|opt out)|respond only if|need to respond only|` +
		`your silence (is|counts|means|will)|(a menos|salvo) que (usted )?(se oponga|se niegue|nos)|si (usted )?no (se opone|responde|contesta|se niega)|su silencio (es|cuenta|vale|significa)|solo (debe|tiene que) responder si`)
	staying = regexp.MustCompile(`(?i)(deemed|considered) to (have )?(given |give )?(express |your )?(consent|agree|approv|accept)|by continuing to|your continued use|continued (service|use) (is|means|signifies|constitutes)|` +
		`your signature .{0,60}(signifies|constitutes|means|is) .{0,20}(consent|approval)|se considerará que (usted )?(ha )?(dado|consent|acept)|al seguir (usando|siendo)|el uso continuado|su firma .{0,60}(significa|constituye|supone) .{0,20}(consentimiento|aprobación)`)
	strangers = regexp.MustCompile(`(?i)joint[ -]venture|independent contractor|\bpartners?\b|third part(y|ies)|empresas? conjuntas?|contratistas? independientes?|\bsoci[oa]s?\b|terceros`)
)

// silent refuses a sentence that makes consent of what is none: of staying a customer or a signature, and, where partners and
// contractors are concerned, of silence.
//
// cite: P-10, P-15, P-26, P-57, 47 CFR 64.2003(k), 47 CFR 64.2007(b)
func (s Sentence) silent() error {
	for _, l := range Languages {
		said := s.In(l)
		if staying.MatchString(said) {
			return wrong(CodeConsent, "the sentence %s makes consent of staying a customer or of a signature, which are no answer to a notice (P-10, P-57, 47 CFR 64.2003(k))", s.ID)
		}
		if strangers.MatchString(said) && silence.MatchString(said) {
			return wrong(CodeConsent, "the sentence %s lets partners or contractors have information from whoever is silent; they need a yes (P-15, 47 CFR 64.2007(b))", s.ID)
		}
	}
	if slices.Contains(s.Clauses, "P-15") && slices.Contains(s.Clauses, "P-26") {
		return wrong(CodeConsent, "the sentence %s carries both what silence approves (P-26) and what partners get (P-15): say them apart, for silence approves nothing of theirs", s.ID)
	}
	return nil
}

// acts are the kinds of the ledger's entries that show a sentence at work.
var acts = []string{"decision", "attempt", "contact", "lookup", "change", "message", "import", "forget", "rotate", "admin", "alert"}
