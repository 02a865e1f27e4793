package publish

import (
	"slices"
	"strings"
)

// Kind is what has become of a sentence between two versions.
type Kind string

// The kinds.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
	Moved   Kind = "moved" // it says the same in another place
)

// Change is a sentence that two versions do not have alike.
type Change struct {
	Kind     Kind
	ID       string
	Section  Words // where it stands now; of one that was removed, where it stood
	Was, Now Words // one is empty for what was added or removed
	Moved    bool  // it stands in another place as well
}

// Pieces gives the words of a changed sentence in a language: what stayed, what went and what came, in the order in which
// they are read.
func (c Change) Pieces(language string) []Piece {
	return compare(c.Was.In(language), c.Now.In(language))
}

// Piece is a run of words with one fate.
type Piece struct {
	Text string
	Fate Kind // Added, Removed, or "" for words that stayed
}

// Difference tells what changed from one version to another.
type Difference struct {
	From, To  string
	Changes   []Change // in the order of the new version; what was removed stands where it stood
	Same      int      // sentences that are alike
	Covers    Covers   // what is covered now and was not
	NoLonger  Covers   // what was covered and no longer is
	Facts     []string // names of facts that were filled in otherwise
	Retitled  bool
	WasTitle  Words
	NowTitle  Words
	Languages []string
}

// None reports whether nothing differs that customers read.
func (d Difference) None() bool {
	return len(d.Changes) == 0 && d.Covers.None() && d.NoLonger.None() && !d.Retitled
}

// Compare tells sentence by sentence what changed from a to b.
//
// cite: P-55, P-56
func Compare(a, b *Edition) Difference {
	d := Difference{From: a.Version, To: b.Version, Covers: b.Covers.Beyond(a.Covers), NoLonger: a.Covers.Beyond(b.Covers),
		WasTitle: a.Title, NowTitle: b.Title, Retitled: a.Title != b.Title, Languages: Languages}
	for _, name := range Placeholders() {
		was, there := a.Facts[name]
		now, still := b.Facts[name]
		if there && still && was != now {
			d.Facts = append(d.Facts, name)
		}
	}
	type place struct {
		sentence Sentence
		section  Section
	}
	list := func(e *Edition) (order []string, at map[string]place) {
		at = map[string]place{}
		for _, section := range e.Sections {
			for _, s := range section.Sentences {
				order = append(order, s.ID)
				at[s.ID] = place{s, section}
			}
		}
		return order, at
	}
	before, was := list(a)
	after, now := list(b)
	kept := longest(slices.DeleteFunc(slices.Clone(before), func(id string) bool { return now[id].sentence.ID == "" }),
		slices.DeleteFunc(slices.Clone(after), func(id string) bool { return was[id].sentence.ID == "" }))
	stays := map[string]bool{}
	for _, id := range kept {
		stays[id] = true
	}
	for _, id := range after {
		n, there := now[id], was[id].sentence.ID != ""
		c := Change{ID: id, Section: n.section.Title, Now: Words{n.sentence.EN, n.sentence.ES}}
		if there {
			c.Was = Words{was[id].sentence.EN, was[id].sentence.ES}
			c.Moved = !stays[id] || was[id].section.ID != n.section.ID
		}
		switch {
		case !there:
			c.Kind = Added
		case c.Was != c.Now:
			c.Kind = Changed
		case c.Moved:
			c.Kind = Moved
		default:
			d.Same++
			continue
		}
		d.Changes = append(d.Changes, c)
	}
	// What was removed stands behind the last sentence before it that both have.
	for i, id := range before {
		if now[id].sentence.ID != "" {
			continue
		}
		w := was[id]
		gone := Change{Kind: Removed, ID: id, Section: w.section.Title, Was: Words{w.sentence.EN, w.sentence.ES}}
		d.Changes = slices.Insert(d.Changes, d.behind(before[:i], after), gone)
	}
	return d
}

// behind finds where, among the changes, something stands that came behind these sentences.
func (d *Difference) behind(before, after []string) int {
	reached := -1
	for _, id := range slices.Backward(before) {
		if i := slices.Index(after, id); i >= 0 {
			reached = i
			break
		}
	}
	last := 0
	for i, c := range d.Changes {
		at := slices.Index(after, c.ID)
		if at >= 0 && at <= reached || at < 0 && slices.Contains(before, c.ID) {
			last = i + 1
		}
	}
	return last
}

// longest is the longest row of things that both have in the same order. Both are short: a policy has tens of sentences, a
// sentence tens of words.
func longest(a, b []string) []string {
	n := make([][]int, len(a)+1)
	for i := range n {
		n[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				n[i][j] = n[i+1][j+1] + 1
			} else {
				n[i][j] = max(n[i+1][j], n[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, a[i])
			i++
			j++
		case n[i+1][j] >= n[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// compare marks the words of two sentences: first what went, then what came in its place.
func compare(was, now string) []Piece {
	a, b := strings.Fields(was), strings.Fields(now)
	same := longest(a, b)
	var out []Piece
	add := func(word string, fate Kind) {
		if n := len(out); n > 0 && out[n-1].Fate == fate {
			out[n-1].Text += " " + word
			return
		}
		out = append(out, Piece{word, fate})
	}
	for _, word := range append(same, "") {
		last := word == ""
		for len(a) > 0 && (last || a[0] != word) {
			add(a[0], Removed)
			a = a[1:]
		}
		for len(b) > 0 && (last || b[0] != word) {
			add(b[0], Added)
			b = b[1:]
		}
		if !last {
			add(word, "")
			a, b = a[1:], b[1:]
		}
	}
	return out
}
