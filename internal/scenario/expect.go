package scenario

import (
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/cpni"
)

var outcomes = []cpni.Outcome{cpni.OK, cpni.Permit, cpni.Deny, cpni.Hold, cpni.Reject}

// expectation reads what must come of a step with the verb v.
func (r *reader) expectation(v verb, n *node) *expectation {
	e := &expectation{}
	if n == nil {
		return e
	}
	switch n.form {
	case formText:
		words := strings.Fields(n.text)
		if len(words) == 0 || len(words) > 2 {
			r.fail(n.place, "%q is no expectation; write ok, permit, deny CODE, hold CODE, reject CODE or a mapping", n.text)
			return e
		}
		code := ""
		if len(words) == 2 {
			code = words[1]
		}
		r.result(v, e, n.place, words[0], n.place, code)
		return e
	case formMap:
	default:
		r.wrongType(n, "ok, permit, deny CODE, hold CODE, reject CODE or a mapping")
		return e
	}
	all := append([]field{may("outcome", text), may("code", text), may("cites", list(clause))}, v.results...)
	before := len(r.faults)
	fields("an expectation of `"+v.name+"`", all...).check(r, n)
	if len(r.faults) > before {
		return e
	}
	outcome, code := n.get("outcome"), n.get("code")
	switch {
	case outcome != nil && code != nil:
		r.result(v, e, outcome.place, outcome.text, code.place, code.text)
	case outcome != nil:
		r.result(v, e, outcome.place, outcome.text, outcome.place, "")
	case code != nil:
		r.fail(code.place, "a code goes along with its outcome: deny, hold or reject")
	}
	if c := n.get("cites"); c != nil {
		for _, x := range c.list {
			e.cites = append(e.cites, x.text)
		}
	}
	e.results = &node{place: n.place, form: formMap}
	for _, x := range n.entries {
		if x.key != "outcome" && x.key != "code" && x.key != "cites" {
			e.results.entries = append(e.results.entries, x)
		}
	}
	return e
}

// result checks that the verb v can have this outcome with this code.
func (r *reader) result(v verb, e *expectation, at place, outcome string, codeAt place, code string) {
	o := cpni.Outcome(outcome)
	if !slices.Contains(outcomes, o) {
		r.fail(at, "%q is no outcome; the outcomes are ok, permit, deny, hold and reject", outcome)
		return
	}
	g, can := v.can(o)
	if !can {
		var can []string
		for _, g := range v.gives {
			can = append(can, string(g.outcome))
		}
		r.fail(at, "`%s` never gives %s; it gives %s", v.name, outcome, strings.Join(can, ", "))
		return
	}
	switch refusal := o != cpni.OK && o != cpni.Permit; {
	case refusal && code == "":
		r.fail(at, "%s needs its code: one of %s", outcome, strings.Join(g.codes, ", "))
	case !refusal && code != "":
		r.fail(codeAt, "%s has no code", outcome)
	case refusal && !slices.Contains(g.codes, code):
		r.fail(codeAt, "%q is no code with which `%s` gives %s; they are %s", code, v.name, outcome, strings.Join(g.codes, ", "))
	}
	e.outcome, e.code = o, code
}

// words gives the expectation in the words of the language.
func (e *expectation) words() string {
	if e.outcome == "" {
		return "ok or permit"
	}
	return strings.TrimSpace(string(e.outcome) + " " + e.code)
}

// alsoNoApproval are the codes by which an expected NO_APPROVAL is met as well: each says more exactly why there is no
// approval.
//
// cite: P-09, P-10, P-26, P-58, 47 CFR 64.2007(b)
var alsoNoApproval = []string{"UNNOTIFIED", "WAITING", "RENOTICE_DUE"}

// met compares what came of a step with what was expected. Both answers are "" when it is met; otherwise they say what
// was expected and what came instead.
func (e *expectation) met(w *world, got result) (expected, came string) {
	if e.outcome == "" && got.outcome != cpni.OK && got.outcome != cpni.Permit ||
		e.outcome != "" && got.outcome != e.outcome ||
		e.code != "" && string(got.code) != e.code && (e.code != "NO_APPROVAL" || !slices.Contains(alsoNoApproval, string(got.code))) {
		return e.words(), got.words()
	}
	for _, c := range e.cites {
		if !cited(c, got.cites) {
			return "a citation of " + c, "citations of " + listed(got.cites)
		}
	}
	if e.results == nil {
		return "", ""
	}
	for _, x := range e.results.entries {
		value, told := got.fields[x.key]
		if !told {
			return fmt.Sprintf("%s: %s", x.key, show(x.value)), fmt.Sprintf("%s, without %s", got.words(), x.key)
		}
		if !w.matches(x.value, value) {
			return fmt.Sprintf("%s: %s", x.key, show(x.value)), fmt.Sprintf("%s: %s", x.key, w.tell(value))
		}
	}
	return "", ""
}

// cited reports whether want is among the citations: named as such, or as a section of which a paragraph is named.
func cited(want string, citations []string) bool {
	bare := func(c string) string {
		return strings.TrimPrefix(strings.TrimPrefix(c, "47 CFR "), "47 USC ")
	}
	return slices.ContainsFunc(citations, func(c string) bool {
		return c == want || bare(c) == bare(want) || strings.HasPrefix(bare(c), bare(want)+"(")
	})
}

func listed(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}
