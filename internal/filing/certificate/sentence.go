package certificate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// sentence is words with places: {name} stands for a value, {name|breach|breaches} for the number with the word that goes with it, and
// {name?is|are} for that word alone.
type sentence string

var place = regexp.MustCompile(`\{([a-z0-9_]+)(?:([|?])([^|{}]*)\|([^|{}]*))?\}`)

func (s sentence) names() (all []string) {
	for _, m := range place.FindAllStringSubmatch(string(s), -1) {
		all = append(all, m[1])
	}
	return all
}

func (s sentence) fill(v Values) string {
	return place.ReplaceAllStringFunc(string(s), func(found string) string {
		m := place.FindStringSubmatch(found)
		x := v[m[1]]
		switch {
		case m[2] == "":
			return grouped(x)
		case m[2] == "?" && x.N == 1:
			return m[3]
		case m[2] == "?":
			return m[4]
		case x.N == 1:
			return "1 " + m[3]
		case x.N == 0 && x.Text == "":
			return "no " + m[4]
		}
		return grouped(x) + " " + m[4]
	})
}

// grouped writes a number as people read it: 12,345. A year is no number to be grouped, and is given as one of four digits.
func grouped(v Value) string {
	text := v.String()
	if v.Text != "" || v.N < 10_000 {
		return text
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// condition compares values with numbers: "late > 0 and open = 0". "" always holds.
type condition string

var comparison = regexp.MustCompile(`^([a-z0-9_]+) (=|!=|<|>|<=|>=) ([0-9]+)$`)

func (c condition) names() (all []string) {
	for _, part := range c.parts() {
		if m := comparison.FindStringSubmatch(part); m != nil {
			all = append(all, m[1])
		}
	}
	return all
}

func (c condition) parts() []string {
	if c == "" {
		return nil
	}
	return strings.Split(string(c), " and ")
}

func (c condition) holds(v Values) (bool, error) {
	for _, part := range c.parts() {
		m := comparison.FindStringSubmatch(part)
		if m == nil {
			return false, fmt.Errorf("%q compares nothing: write a name, a sign and a whole number, joined by and", c)
		}
		n, err := strconv.ParseInt(m[3], 10, 64)
		if err != nil {
			return false, fmt.Errorf("%q: %w", c, err)
		}
		x := v[m[1]].N
		if !map[string]bool{"=": x == n, "!=": x != n, "<": x < n, ">": x > n, "<=": x <= n, ">=": x >= n}[m[2]] {
			return false, nil
		}
	}
	return true, nil
}

// capital begins a sentence with a capital letter.
func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
