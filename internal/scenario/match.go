package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// result is what came of a step.
type result struct {
	outcome cpni.Outcome
	code    cpni.Code
	cites   []string // clauses and sections
	fields  map[string]any
	says    string
}

// words gives the result in the words of the language, and in brackets what a person would be told.
func (r result) words() string {
	w := strings.TrimSpace(string(r.outcome) + " " + string(r.code))
	if r.says != "" && r.outcome != cpni.OK && r.outcome != cpni.Permit {
		w += " (" + r.says + ")"
	}
	return w
}

// succeeded is a result without further fields.
func succeeded() result { return result{outcome: cpni.OK} }

// of turns the error of a service into a result: a refusal is one, anything else is not.
func of(err error, r result) (result, error) {
	var refusal *cpni.Refusal
	switch {
	case err == nil:
		return r, nil
	case errors.As(err, &refusal):
		return result{outcome: refusal.Outcome, code: refusal.Code, cites: refusal.Clauses, says: refusal.Says}, nil
	}
	return r, err
}

// judge is a value that knows itself whether an expectation of it is met.
type judge interface {
	met(w *world, want *node) bool
	String() string
}

// matches compares an expected value with what came: dates with the carrier's local date, moments to the minute, lists
// whole and in any order, mappings by the keys that the expectation gives.
func (w *world) matches(want *node, got any) bool {
	switch g := got.(type) {
	case judge:
		return g.met(w, want)
	case time.Time:
		if want.form != formText {
			return false
		}
		local := g.In(w.story.zone)
		if _, err := readDate(want.text); err == nil {
			return local.Format(dateForm) == want.text
		}
		return local.Format(momentForm) == want.text && g.Second() == 0 && g.Nanosecond() == 0
	case string:
		return want.form == formText && want.text == g || want.form == formInteger && want.text == g
	case int:
		n, ok := countOf(want)
		return ok && n == g
	case bool:
		f, ok := flagOf(want)
		return ok && f == g
	case []string:
		all := make([]any, len(g))
		for i, s := range g {
			all[i] = s
		}
		return w.matches(want, all)
	case []any:
		return want.form == formList && w.sameItems(want.list, g)
	case map[string]any:
		return want.form == formMap && !slices.ContainsFunc(want.entries, func(e entry) bool {
			value, has := g[e.key]
			return !has || !w.matches(e.value, value)
		})
	}
	return false
}

// sameItems pairs every expected item with one that came, each once.
func (w *world) sameItems(want []*node, got []any) bool {
	if len(want) != len(got) {
		return false
	}
	used := make([]bool, len(got))
	var pair func(i int) bool
	pair = func(i int) bool {
		if i == len(want) {
			return true
		}
		for j, g := range got {
			if used[j] || !w.matches(want[i], g) {
				continue
			}
			used[j] = true
			if pair(i + 1) {
				return true
			}
			used[j] = false
		}
		return false
	}
	return pair(0)
}

// tell shows what came.
func (w *world) tell(got any) string {
	switch g := got.(type) {
	case time.Time:
		return g.In(w.story.zone).Format(momentForm)
	case []string:
		return "[" + strings.Join(g, ", ") + "]"
	case []any:
		parts := make([]string, len(g))
		for i, x := range g {
			parts[i] = w.tell(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		keys := make([]string, 0, len(g))
		for k := range g {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			keys[i] = k + ": " + w.tell(g[k])
		}
		return "{" + strings.Join(keys, ", ") + "}"
	case int:
		return strconv.Itoa(g)
	case bool:
		if g {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(got)
}

// show shows an expected value as it could stand in a file.
func show(n *node) string {
	switch n.form {
	case formList:
		parts := make([]string, len(n.list))
		for i, x := range n.list {
			parts[i] = show(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case formMap:
		parts := make([]string, len(n.entries))
		for i, e := range n.entries {
			parts[i] = e.key + ": " + show(e.value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case formNull:
		return "~"
	}
	return n.text
}

// atLeast are words of which an expectation may name some.
type atLeast []string

func (a atLeast) met(_ *world, want *node) bool {
	return want.form == formList && !slices.ContainsFunc(want.list, func(n *node) bool { return !slices.Contains(a, n.text) })
}

func (a atLeast) String() string { return "[" + strings.Join(a, ", ") + "]" }
