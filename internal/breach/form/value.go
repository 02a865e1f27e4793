package form

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/workday"
)

// Values are the answers by the names of their fields, each as text in the one form in which it is kept:
//
//	text, long-text   as it is read, lines ended by "\n"
//	date              2026-11-24
//	moment            2026-11-24T10:00-05:00
//	date-range        2026-11-01/2026-11-20; an open end is ".."
//	count             1200
//	money             1250.00
//	choice, choices   the words of the options, in the form's order, with ", " between them
//	yes-no            yes or no
//
// Where the field allows it, Unknown says that something is not known yet. Field.Read makes this form of what people type.
type Values map[string]string

// Unknown is the answer that something is not known yet.
const Unknown = "unknown"

const (
	open     = ".."
	between  = ", "
	noSecond = "2006-01-02T15:04Z07:00"
)

// mostAmount bounds numbers: far more than there are customers, or money, and few enough that every program reads them exactly.
const mostAmount = 1_000_000_000_000

// Read makes of what a person typed, or chose in several boxes, the form in which it is kept. A time without a zone is in zone. What
// cannot be read stays as it was typed, and Form.Check tells what is wrong with it. What is in its form stays the same.
func (x Field) Read(zone *time.Location, typed ...string) string {
	for i := range typed {
		typed[i] = clean(typed[i])
	}
	typed = slices.DeleteFunc(typed, func(s string) bool { return s == "" })
	one := strings.Join(typed, between)
	if x.Unknown && (strings.EqualFold(one, Unknown) || strings.EqualFold(one, unknownWords) || strings.EqualFold(one, "not known")) {
		return Unknown
	}
	switch x.Kind {
	case Long:
		return strings.Join(typed, "\n")
	case Day:
		if d, ok := readDay(one); ok {
			return d.String()
		}
	case Moment:
		if at, ok := readMoment(one, zone); ok {
			return at.Format(noSecond)
		}
	case Range:
		if r, ok := readRange(typed); ok {
			return r
		}
	case Count:
		if n := strings.NewReplacer(",", "", " ", "").Replace(one); digits.MatchString(n) {
			return trimZeros(n)
		}
	case Money:
		if m, ok := readMoney(one); ok {
			return m
		}
	case YesNo:
		switch strings.ToLower(one) {
		case "yes", "true", "on":
			return "yes"
		case "no", "false", "off":
			return "no"
		}
	case Choice, Choices:
		return x.readChoices(typed)
	default:
		return strings.Join(strings.Fields(one), " ")
	}
	return one
}

var (
	digits    = regexp.MustCompile(`^[0-9]+$`)
	amount    = regexp.MustCompile(`^([0-9]+)(?:\.([0-9]{1,2}))?$`)
	momentTip = "2026-11-24 10:00"
)

// clean takes out what no report should carry: bytes that are no text, marks that turn text round, and blanks around it.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"), "\r", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r != '\n' && unicode.Is(unicode.C, r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

var dayForms = []string{time.DateOnly, "1/2/2006", "January 2, 2006", "Jan 2, 2006"}

func readDay(s string) (workday.Date, bool) {
	for _, f := range dayForms {
		if t, err := time.Parse(f, s); err == nil && t.Year() >= 1 {
			return workday.DateIn(t, time.UTC), true
		}
	}
	return workday.Date{}, false
}

func readMoment(s string, zone *time.Location) (time.Time, bool) {
	for _, f := range []string{noSecond, time.RFC3339} {
		if t, err := time.Parse(f, s); err == nil && sound(t) {
			return t, true
		}
	}
	if zone == nil {
		return time.Time{}, false
	}
	for _, f := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", "1/2/2006 15:04", "1/2/2006 3:04 PM", "January 2, 2006, 3:04 PM"} {
		if t, err := time.ParseInLocation(f, s, zone); err == nil && sound(t) {
			return t, true
		}
	}
	return time.Time{}, false
}

// sound reports whether a moment can be written and read again: its year has four digits, and its zone lies whole minutes from UTC.
func sound(t time.Time) bool {
	_, off := t.Zone()
	return t.Year() >= 1 && t.Year() <= 9999 && off%60 == 0
}

func readRange(typed []string) (string, bool) {
	if len(typed) == 1 {
		for _, sep := range []string{"/", " to ", " – ", " - "} {
			if a, b, ok := strings.Cut(typed[0], sep); ok && (sep != "/" || strings.Count(typed[0], "/") == 1) {
				typed = []string{strings.TrimSpace(a), strings.TrimSpace(b)}
				break
			}
		}
	}
	if len(typed) == 1 {
		typed = []string{typed[0], typed[0]}
	}
	if len(typed) != 2 {
		return "", false
	}
	ends := make([]string, 2)
	for i, s := range typed {
		if s == open {
			ends[i] = open
			continue
		}
		d, ok := readDay(s)
		if !ok {
			return "", false
		}
		ends[i] = d.String()
	}
	return ends[0] + "/" + ends[1], ends[0] != open || ends[1] != open
}

func trimZeros(n string) string {
	if n = strings.TrimLeft(n, "0"); n == "" {
		return "0"
	}
	return n
}

func readMoney(s string) (string, bool) {
	s = strings.NewReplacer(",", "", " ", "", "$", "", "USD", "").Replace(s)
	m := amount.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	return trimZeros(m[1]) + "." + (m[2] + "00")[:2], true
}

func (x Field) readChoices(typed []string) string {
	var chosen []string
	for _, t := range typed {
		if i := slices.IndexFunc(x.Options, func(o Option) bool { return strings.EqualFold(o.Says, t) }); i >= 0 {
			chosen = append(chosen, x.Options[i].Is)
			continue
		}
		for _, w := range strings.FieldsFunc(t, func(r rune) bool { return r == ',' || r == '\n' }) {
			w = strings.TrimSpace(w)
			if i := slices.IndexFunc(x.Options, func(o Option) bool { return strings.EqualFold(o.Is, w) }); i >= 0 {
				w = x.Options[i].Is
			}
			if w != "" {
				chosen = append(chosen, w)
			}
		}
	}
	place := func(w string) int {
		if i := slices.IndexFunc(x.Options, func(o Option) bool { return o.Is == w }); i >= 0 {
			return i
		}
		return len(x.Options)
	}
	slices.SortStableFunc(chosen, func(a, b string) int { return place(a) - place(b) })
	return strings.Join(slices.Compact(chosen), between)
}

// wrong says what is wrong with an answer that is not empty, and what to write instead; both are empty when nothing is.
func (x Field) wrong(v string) (says, do string) {
	if v == Unknown && x.Unknown {
		return "", ""
	}
	switch x.Kind {
	case Text, Long:
		if n := utf8.RuneCountInString(v); n > x.Longest {
			return fmt.Sprintf("has %d characters, and the form takes %d", n, x.Longest), "say it in fewer words"
		}
		if v != clean(v) || x.Kind == Text && strings.Contains(v, "\n") {
			return "has marks or ends of line that the form does not take", "write it anew"
		}
	case Day:
		if d, err := workday.ParseDate(v); err != nil || d.String() != v {
			return "is no day", "write it as 2026-11-24"
		}
	case Moment:
		if t, err := time.Parse(noSecond, v); err != nil || t.Format(noSecond) != v {
			return "is no time", "write day and time, such as " + momentTip
		}
	case Range:
		from, until, ok := ends(v)
		if !ok {
			return "is no first and last day", "write both, such as 2026-11-01 to 2026-11-20; two dots stand for one that is not known or is still to come"
		}
		if !from.IsZero() && !until.IsZero() && until.Before(from) {
			return "ends before it begins", "write the earlier day first"
		}
	case Count:
		if !digits.MatchString(v) || v != trimZeros(v) || exceeds(v) {
			return "is no number", "write a whole number, such as 1200"
		}
	case Money:
		if m, ok := readMoney(v); !ok || m != v || exceeds(v[:len(v)-3]) {
			return "is no amount", "write it in figures, such as 1250.00"
		}
	case Choice, Choices:
		chosen := strings.Split(v, between)
		for _, c := range chosen {
			if _, ok := x.says(c); !ok {
				return "names something that the form does not offer", "choose among what it offers"
			}
		}
		if x.Kind == Choice && len(chosen) > 1 {
			return "names more than one", "choose one"
		}
		for _, m := range x.Must {
			if !slices.Contains(chosen, m) {
				says, _ := x.says(m)
				return "leaves out: " + says, "choose it as well; it has to be told"
			}
		}
	case YesNo:
		if v != "yes" && v != "no" {
			return "is neither yes nor no", "say yes or no"
		}
	}
	return "", ""
}

func exceeds(n string) bool {
	var x big.Int
	if _, ok := x.SetString(n, 10); !ok {
		return true
	}
	return x.Cmp(big.NewInt(mostAmount)) > 0
}

// ends takes a range apart; an open end is no date.
func ends(v string) (from, until workday.Date, ok bool) {
	a, b, ok := strings.Cut(v, "/")
	if !ok || a == open && b == open {
		return from, until, false
	}
	for _, e := range []struct {
		s  string
		to *workday.Date
	}{{a, &from}, {b, &until}} {
		if e.s == open {
			continue
		}
		d, err := workday.ParseDate(e.s)
		if err != nil || d.String() != e.s {
			return from, until, false
		}
		*e.to = d
	}
	return from, until, true
}

// first is the day of an answer, of a range the first.
func (x Field) first(v string) (workday.Date, bool) {
	if says, _ := x.wrong(v); says != "" || v == "" || v == Unknown {
		return workday.Date{}, false
	}
	switch x.Kind {
	case Day:
		d, err := workday.ParseDate(v)
		return d, err == nil
	case Moment:
		d, err := workday.ParseDate(v[:len(time.DateOnly)])
		return d, err == nil
	case Range:
		from, _, ok := ends(v)
		return from, ok && !from.IsZero()
	}
	return workday.Date{}, false
}
