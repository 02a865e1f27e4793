package workday

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// Closure is a day, or a run of days, on which the Commission's offices were or will be closed without a holiday.
//
// cite: 47 CFR 1.4(e)
type Closure struct {
	Date   Date   `yaml:"date"`
	Until  Date   `yaml:"until"` // the last day of a run; absent: one day
	Why    string `yaml:"why"`
	Source string `yaml:"source"` // the order or notice, so that another can look it up
}

// longestClosure in days; a longer run is a slip of the pen rather than a closure.
const longestClosure = 120

// Load reads closures.yaml of a policy folder and makes the calendars.
func Load(policy fs.FS) (*Calendars, error) {
	const name = "closures.yaml"
	text, err := fs.ReadFile(policy, name)
	if err != nil {
		return nil, fmt.Errorf("the list of closures cannot be read: %w; a policy folder without closures has a %s that says []", err, name)
	}
	var list []Closure
	if err := yaml.UnmarshalWithOptions(text, &list, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c, err := New(list)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// With gives the calendars with more closures; c stays as it is.
func (c *Calendars) With(more ...Closure) (*Calendars, error) {
	all := slices.Clone(more)
	for day, closure := range c.closed {
		closure.Date, closure.Until = day, day
		all = append(all, closure)
	}
	return New(all)
}

// New makes the calendars with the closures of list.
func New(list []Closure) (*Calendars, error) {
	c := &Calendars{closed: map[Date]Closure{}}
	var wrong []error
	for i, closure := range list {
		if closure.Until.IsZero() {
			closure.Until = closure.Date
		}
		switch days := closure.Date.DaysUntil(closure.Until); {
		case closure.Date.IsZero():
			wrong = append(wrong, fmt.Errorf("closure %d has no date: write it as 2026-12-24", i+1))
			continue
		case strings.TrimSpace(closure.Why) == "" || strings.TrimSpace(closure.Source) == "":
			wrong = append(wrong, fmt.Errorf("closure %s lacks why or source: a day that nobody can look up moves no date", closure.Date))
			continue
		case days < 0 || days > longestClosure:
			wrong = append(wrong, fmt.Errorf("closure %s ends on %s: before it begins, or more than %d days later", closure.Date, closure.Until, longestClosure))
			continue
		}
		for day := closure.Date; !day.After(closure.Until); day = day.Add(1) {
			if _, twice := c.closed[day]; twice {
				wrong = append(wrong, fmt.Errorf("%s is listed as closed twice", day))
				continue
			}
			c.closed[day] = closure
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	c.version = c.hash()
	return c, nil
}

// The years whose holidays are part of the version: what the calendars are used for lies well within them.
const firstHashed, lastHashed = 2000, 2100

// ruled lists every day from firstHashed to lastHashed that a rule, and not the list of closures, takes out.
var ruled = sync.OnceValue(func() []byte {
	var b []byte
	for day := On(firstHashed, 1, 1); day.Year <= lastHashed; day = day.Add(1) {
		if Holiday(day) != "" {
			b = fmt.Appendf(b, "holiday %s\n", day)
		}
		if Inauguration(day) {
			b = fmt.Appendf(b, "doubt %s\n", day)
		}
	}
	return b
})

// hash is over the days that the rules take out and over the closures with their reasons.
func (c *Calendars) hash() string {
	h := sha256.New()
	h.Write(ruled())
	days := make([]Date, 0, len(c.closed))
	for day := range c.closed {
		days = append(days, day)
	}
	slices.SortFunc(days, Date.Compare)
	for _, day := range days {
		fmt.Fprintf(h, "closed %s %q %q\n", day, c.closed[day].Why, c.closed[day].Source)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
