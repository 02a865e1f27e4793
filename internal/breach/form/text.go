package form

import (
	"fmt"
	"strings"
	"time"

	"ringfence/internal/workday"
)

// unknownWords is how a report says that something is not known yet.
const unknownWords = "Not known yet; a supplement will follow"

// Text is an answer as people read it, and as it is copied into the facility. currency is that of the form. What cannot be read stays
// as it is.
func (x Field) Text(currency, v string) string {
	if v == "" {
		return ""
	}
	if says, _ := x.wrong(v); says != "" && x.Kind != Choices {
		return v
	}
	if v == Unknown && x.Unknown {
		return unknownWords
	}
	switch x.Kind {
	case Day:
		d, _ := workday.ParseDate(v)
		return dayWords(d)
	case Moment:
		t, _ := time.Parse(noSecond, v)
		return momentWords(t)
	case Range:
		from, until, _ := ends(v)
		switch {
		case from.IsZero():
			return "Until " + dayWords(until) + "; the first day is not known"
		case until.IsZero():
			return "From " + dayWords(from) + " on; the last day is not known, or it still goes on"
		case from == until:
			return dayWords(from)
		}
		return dayWords(from) + " to " + dayWords(until)
	case Count:
		return thousands(v)
	case Money:
		whole, part, _ := strings.Cut(v, ".")
		return currency + " " + thousands(whole) + "." + part
	case Choice, Choices:
		var lines []string
		for _, w := range strings.Split(v, between) {
			says, ok := x.says(w)
			if !ok {
				says = w
			}
			lines = append(lines, says)
		}
		return strings.Join(lines, "\n")
	case YesNo:
		return strings.ToUpper(v[:1]) + v[1:]
	}
	return v
}

func dayWords(d workday.Date) string { return fmt.Sprintf("%s %d, %d", d.Month, d.Day, d.Year) }

// thousands puts commas into a number.
func thousands(n string) string {
	var b strings.Builder
	for i, r := range n {
		if i > 0 && (len(n)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
