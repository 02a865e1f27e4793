package scenario

import (
	"maps"
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// args reads the fields of a verb or of a part of the setup, whose shapes the tables have checked.
type args struct {
	w *world
	n *node
}

func (a args) has(key string) bool { return a.n.get(key) != nil }

func (a args) text(key string) string {
	if v := a.n.get(key); v != nil {
		return v.text
	}
	return ""
}

func (a args) flag(key string) bool {
	if v := a.n.get(key); v != nil {
		f, _ := flagOf(v)
		return f
	}
	return false
}

func (a args) count(key string) int {
	if v := a.n.get(key); v != nil {
		n, _ := countOf(v)
		return n
	}
	return 0
}

// moment gives a local moment in UTC; zero when the field is not given.
func (a args) moment(key string) time.Time {
	v := a.n.get(key)
	if v == nil {
		return time.Time{}
	}
	t, err := readMoment(v.text, a.w.story.zone, time.Time{})
	if err != nil {
		return time.Time{} // the tables have checked it
	}
	return t.UTC()
}

func (a args) month(key string) int {
	m, err := readMonth(a.text(key))
	if err != nil {
		return 0
	}
	return m
}

func (a args) sub(key string) args { return args{a.w, a.n.get(key)} }

func (a args) list(key string) []args {
	var all []args
	if v := a.n.get(key); v != nil {
		for _, x := range v.list {
			all = append(all, args{a.w, x})
		}
	}
	return all
}

func (a args) words(key string) []string {
	var all []string
	if v := a.n.get(key); v != nil {
		for _, x := range v.list {
			all = append(all, x.text)
		}
	}
	return all
}

// people gives the customers that a field names, or all of the story when it says so or is not given.
func (a args) people(key string) []string {
	if all := a.words(key); len(all) > 0 {
		return all
	}
	return slices.Sorted(maps.Keys(a.w.customers))
}

// days gives a length of time in whole days; 0 when the field is not given.
func (a args) days(key string) int {
	d, err := readWait(a.text(key))
	if err != nil {
		return 0
	}
	return int(d / (24 * time.Hour))
}

func (a args) pairs(key string) map[string]string {
	v := a.n.get(key)
	if v == nil {
		return nil
	}
	all := map[string]string{}
	for _, e := range v.entries {
		all[e.key] = e.value.text
	}
	return all
}

func classes(words []string) []cpni.DataClass {
	var all []cpni.DataClass
	for _, w := range words {
		all = append(all, cpni.DataClass(w))
	}
	return all
}

func categories(words []string) []cpni.Category {
	var all []cpni.Category
	for _, w := range words {
		all = append(all, cpni.Category(w))
	}
	return all
}
