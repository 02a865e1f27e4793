package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// shape is what a field takes. check reports what is wrong with a value; needs says, in words, what is right.
type shape struct {
	needs string
	check func(r *reader, n *node)
}

// field is a field of a verb, an expectation or the setup.
type field struct {
	name     string
	shape    shape
	required bool
}

func need(name string, s shape) field { return field{name, s, true} }
func may(name string, s shape) field  { return field{name: name, shape: s} }

// reader checks a file and collects what is wrong with it.
type reader struct {
	file   string
	faults Faults
	zone   *time.Location
	now    time.Time                  // where the story's clock stands
	known  map[string]map[string]bool // names by kind: customer, staff, partner, contact, incident, …
}

// mostFaults bounds how many are reported: the rest mostly follow from the first.
const mostFaults = 50

func (r *reader) fail(at place, format string, a ...any) {
	if len(r.faults) < mostFaults {
		r.faults = append(r.faults, Fault{r.file, at.line, at.column, fmt.Sprintf(format, a...)})
	}
}

func (r *reader) wrongType(n *node, needs string) {
	if n.form == formInteger || n.form == formOther {
		r.fail(n.place, "expected %s, found the number %s; a text that looks like a number stands in quotes", needs, n.text)
		return
	}
	r.fail(n.place, "expected %s, found %s", needs, n.form)
}

// textual takes a text that check then looks at.
func textual(needs string, check func(r *reader, n *node)) shape {
	return shape{needs, func(r *reader, n *node) {
		if n.form != formText {
			r.wrongType(n, needs)
			return
		}
		check(r, n)
	}}
}

func textShape(needs string, valid func(text string) error) shape {
	return textual(needs, func(r *reader, n *node) {
		if err := valid(n.text); err != nil {
			r.fail(n.place, "%s", err)
		}
	})
}

// text takes any text.
var text = textShape("a text", func(string) error { return nil })

// pattern takes texts of a form.
func pattern(needs, form string) shape {
	re := regexp.MustCompile(form)
	return textShape(needs, func(t string) error {
		if !re.MatchString(t) {
			return fmt.Errorf("%q is not %s", t, needs)
		}
		return nil
	})
}

// oneOf takes one of a closed list of words.
func oneOf(words ...string) shape {
	needs := "one of " + strings.Join(words, ", ")
	return textShape(needs, func(t string) error {
		if !slices.Contains(words, t) {
			return fmt.Errorf("%q is unknown here; it is %s", t, needs)
		}
		return nil
	})
}

func wordsOf[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}

var (
	date  = textShape("a date such as 2026-03-02", func(t string) error { _, err := readDate(t); return err })
	month = textShape("a month such as 2026-02", func(t string) error { _, err := readMonth(t); return err })
	wait  = textShape("a length of time such as 30d, 2h or 15m", func(t string) error { _, err := readWait(t); return err })
	// word takes what the rules must judge: also words that they do not know.
	word = pattern("a word of small letters, digits and hyphens", `^[a-z][a-z0-9-]{0,63}$`)
	name = pattern("a name of letters, digits, hyphens and dots", `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// moment takes a date or a local moment.
var moment = textual("a date or a moment such as 2026-03-02 14:30", func(r *reader, n *node) {
	if _, err := readMoment(n.text, r.zone, r.now); err != nil {
		r.fail(n.place, "%s", err)
	}
})

// flag takes yes or no, true or false.
var flag = shape{"yes or no", func(r *reader, n *node) {
	if _, ok := flagOf(n); !ok {
		r.wrongType(n, "yes or no")
	}
}}

func flagOf(n *node) (value, ok bool) {
	switch {
	case n.form == formBool:
		return strings.EqualFold(n.text, "true"), true
	case n.form == formText && !n.quoted && n.text == "yes":
		return true, true
	case n.form == formText && !n.quoted && n.text == "no":
		return false, true
	}
	return false, false
}

// count takes a whole number from 0 to ten million.
var count = shape{"a whole number", func(r *reader, n *node) {
	if _, ok := countOf(n); !ok {
		r.fail(n.place, "expected a whole number from 0 to %d", mostCount)
	}
}}

const mostCount = 10_000_000

func countOf(n *node) (int, bool) {
	if n.form != formInteger || len(n.text) > 8 {
		return 0, false
	}
	total := 0
	for _, c := range n.text {
		if c < '0' || c > '9' {
			return 0, false
		}
		total = total*10 + int(c-'0')
	}
	return total, total <= mostCount
}

// list takes a list whose items all have one shape.
func list(of shape) shape {
	needs := "a list; each item is " + of.needs
	return shape{needs, func(r *reader, n *node) {
		if n.form != formList {
			r.wrongType(n, needs)
			return
		}
		for _, x := range n.list {
			of.check(r, x)
		}
	}}
}

// dict takes a mapping with keys that the file chooses.
func dict(key, value shape) shape {
	needs := "a mapping from " + key.needs + " to " + value.needs
	return shape{needs, func(r *reader, n *node) {
		if n.form != formMap {
			r.wrongType(n, needs)
			return
		}
		for _, e := range n.entries {
			key.check(r, &node{place: e.at, form: formText, text: e.key})
			value.check(r, e.value)
		}
	}}
}

// fields takes a mapping with the listed fields. what names it in messages.
func fields(what string, all ...field) shape {
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.name
	}
	needs := "a mapping with " + strings.Join(names, ", ")
	return shape{needs, func(r *reader, n *node) {
		if n.form != formMap {
			r.wrongType(n, needs)
			return
		}
		for _, e := range n.entries {
			i := slices.Index(names, e.key)
			if i < 0 {
				r.fail(e.at, "unknown field %q of %s; the fields are %s", e.key, what, strings.Join(names, ", "))
				continue
			}
			all[i].shape.check(r, e.value)
		}
		for _, f := range all {
			if f.required && n.get(f.name) == nil {
				r.fail(n.place, "%s lacks its field %q: %s", what, f.name, f.shape.needs)
			}
		}
	}}
}

// either takes a value of the form of one of several shapes: texts and numbers go to scalar, lists to list, mappings to
// mapping. A zero shape means that the form is not taken.
func either(scalar, listed, mapping shape) shape {
	var words []string
	for _, s := range []shape{scalar, listed, mapping} {
		if s.check != nil {
			words = append(words, s.needs)
		}
	}
	needs := strings.Join(words, ", or ")
	return shape{needs, func(r *reader, n *node) {
		s := scalar
		switch n.form {
		case formList:
			s = listed
		case formMap:
			s = mapping
		}
		if s.check == nil {
			r.wrongType(n, needs)
			return
		}
		s.check(r, n)
	}}
}

// flagOr takes yes or no, or a text.
var flagOr = shape{"yes, no or a text", func(r *reader, n *node) {
	if _, ok := flagOf(n); !ok && n.form != formText {
		r.wrongType(n, "yes, no or a text")
	}
}}

// scalar takes any single value.
var scalar = shape{"a single value", func(r *reader, n *node) {
	if n.form == formList || n.form == formMap || n.form == formNull {
		r.wrongType(n, "a single value")
	}
}}

// defines takes the name that a step gives to a new thing of a kind. A partner may be put on the register again.
func defines(kind string) shape {
	return shape{"a name for the " + kind, func(r *reader, n *node) {
		before := len(r.faults)
		name.check(r, n)
		if len(r.faults) > before {
			return
		}
		if r.known[kind][n.text] && kind != "partner" && kind != "campaign" {
			r.fail(n.place, "there is a %s %q already", kind, n.text)
		}
		if r.known[kind] == nil {
			r.known[kind] = map[string]bool{}
		}
		r.known[kind][n.text] = true
	}}
}

// refers takes the name of a thing of a kind that the setup or an earlier step has named.
func refers(kind string) shape {
	needs := "the name of a " + kind
	return textual(needs, func(r *reader, n *node) {
		if !r.known[kind][n.text] {
			names := make([]string, 0, len(r.known[kind]))
			for k := range r.known[kind] {
				names = append(names, k)
			}
			slices.Sort(names)
			if len(names) == 0 {
				r.fail(n.place, "there is no %s %q: the story has none up to here", kind, n.text)
				return
			}
			r.fail(n.place, "there is no %s %q up to here; there are %s", kind, n.text, strings.Join(names, ", "))
		}
	})
}
